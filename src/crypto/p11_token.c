#include "crypto/p11_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>

#define SLOTS_MAX 64
#define OTHERS_WRITE 022
#define RSA_BITS 3072
#define AES_LEN 32

/* ---- what the token says ---- */

#define CKR_NAMES(X)                                                                               \
    X(CKR_HOST_MEMORY)                                                                             \
    X(CKR_GENERAL_ERROR)                                                                           \
    X(CKR_FUNCTION_FAILED)                                                                         \
    X(CKR_ARGUMENTS_BAD)                                                                           \
    X(CKR_ATTRIBUTE_TYPE_INVALID)                                                                  \
    X(CKR_ATTRIBUTE_VALUE_INVALID)                                                                 \
    X(CKR_BUFFER_TOO_SMALL)                                                                        \
    X(CKR_DATA_INVALID)                                                                            \
    X(CKR_DATA_LEN_RANGE)                                                                          \
    X(CKR_DEVICE_ERROR)                                                                            \
    X(CKR_DEVICE_MEMORY)                                                                           \
    X(CKR_DEVICE_REMOVED)                                                                          \
    X(CKR_ENCRYPTED_DATA_INVALID)                                                                  \
    X(CKR_ENCRYPTED_DATA_LEN_RANGE)                                                                \
    X(CKR_FUNCTION_NOT_SUPPORTED)                                                                  \
    X(CKR_KEY_FUNCTION_NOT_PERMITTED)                                                              \
    X(CKR_KEY_HANDLE_INVALID)                                                                      \
    X(CKR_KEY_NOT_WRAPPABLE)                                                                       \
    X(CKR_KEY_SIZE_RANGE)                                                                          \
    X(CKR_KEY_TYPE_INCONSISTENT)                                                                   \
    X(CKR_KEY_UNEXTRACTABLE)                                                                       \
    X(CKR_MECHANISM_INVALID)                                                                       \
    X(CKR_MECHANISM_PARAM_INVALID)                                                                 \
    X(CKR_OBJECT_HANDLE_INVALID)                                                                   \
    X(CKR_OPERATION_NOT_INITIALIZED)                                                               \
    X(CKR_PIN_EXPIRED)                                                                             \
    X(CKR_PIN_INCORRECT)                                                                           \
    X(CKR_PIN_INVALID)                                                                             \
    X(CKR_PIN_LEN_RANGE)                                                                           \
    X(CKR_PIN_LOCKED)                                                                              \
    X(CKR_SESSION_COUNT)                                                                           \
    X(CKR_SESSION_READ_ONLY)                                                                       \
    X(CKR_SLOT_ID_INVALID)                                                                         \
    X(CKR_TEMPLATE_INCOMPLETE)                                                                     \
    X(CKR_TEMPLATE_INCONSISTENT)                                                                   \
    X(CKR_TOKEN_NOT_PRESENT)                                                                       \
    X(CKR_TOKEN_NOT_RECOGNIZED)                                                                    \
    X(CKR_TOKEN_WRITE_PROTECTED)                                                                   \
    X(CKR_USER_NOT_LOGGED_IN)                                                                      \
    X(CKR_USER_PIN_NOT_INITIALIZED)                                                                \
    X(CKR_WRAPPED_KEY_INVALID)                                                                     \
    X(CKR_WRAPPED_KEY_LEN_RANGE)                                                                   \
    X(CKR_CRYPTOKI_NOT_INITIALIZED)

static const char *
ckr_name(CK_RV rv)
{
#define X(name) {name, #name},
    static const struct {
        CK_RV rv;
        const char *name;
    } names[] = {CKR_NAMES(X)};
#undef X
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        if (names[i].rv == rv)
            return names[i].name;
    }
    return "another error";
}

enum rdt_code
rdt_p11_refused(struct rdt_err *err, const char *call, CK_RV rv)
{
    return rdt_fail(err, RDT_E_IO, "the token refused %s: %s (0x%lx)", call, ckr_name(rv), rv);
}

/* ---- module, token, login ---- */

/* Whoever may write the module may read the PIN: at least not everybody may. */
static enum rdt_code
check_module(const char *path, struct rdt_err *err)
{
    struct stat st;
    if (path[0] != '/')
        return rdt_fail(err, RDT_E_NOTFOUND, "PKCS#11 module %s: the path has to begin with /",
                        path);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return rdt_fail(err, RDT_E_NOTFOUND, "PKCS#11 module %s: there is no such file", path);
    if ((st.st_mode & OTHERS_WRITE) != 0)
        return rdt_fail(err, RDT_E_DENIED, "PKCS#11 module %s: others may write it", path);
    return RDT_OK;
}

static enum rdt_code
load(const char *path, CK_FUNCTION_LIST **f, struct rdt_err *err)
{
    CK_C_GetFunctionList get = NULL;
    enum rdt_code rc = check_module(path, err);
    if (rc != RDT_OK)
        return rc;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return rdt_fail(err, RDT_E_NOTFOUND, "PKCS#11 module %s cannot be loaded: %s", path,
                        dlerror());
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s is no PKCS#11 module", path);
    CK_RV rv = get(f);
    if (rv == CKR_OK && *f != NULL)
        rv = (*f)->C_Initialize(NULL);
    return rv == CKR_OK ? RDT_OK : rdt_p11_refused(err, "C_Initialize", rv);
}

/* Labels of tokens are filled up with blanks. */
static bool
is_label(const unsigned char *padded, size_t n, const char *label)
{
    while (n > 0 && padded[n - 1] == ' ')
        n--;
    return rdt_span_is((struct rdt_span){padded, n}, label);
}

static enum rdt_code
find_token(struct p11_session *s, const char *label, CK_FLAGS *flags, struct rdt_err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    unsigned found = 0;
    CK_RV rv = s->f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_GetSlotList", rv);
    for (CK_ULONG i = 0; i < n && i < SLOTS_MAX; i++) {
        CK_TOKEN_INFO info = {0};
        if (s->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
            !is_label(info.label, sizeof info.label, label))
            continue;
        s->slot = slots[i];
        *flags = info.flags;
        found++;
    }
    if (found == 1)
        return RDT_OK;
    return rdt_fail(err, RDT_E_NOTFOUND, "%s token has the label '%s'",
                    found == 0 ? "no" : "more than one", label);
}

/* One try, and none where it could be the last: a locked token locks everybody out. */
static enum rdt_code
log_in(const struct p11_session *s, struct rdt_span pin, CK_FLAGS flags, struct rdt_err *err)
{
    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        return rdt_fail(err, RDT_E_DENIED, "the token's PIN is locked");
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        rdt_fail(err, RDT_E_DENIED, "the token would lock at one more wrong PIN: not tried");
        rdt_hint(err, "log in once with the vendor's tool, which sets its count back");
        return RDT_E_DENIED;
    }
    CK_RV rv = s->f->C_Login(s->handle, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.p, pin.n);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return RDT_OK;
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
        rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED)
        return rdt_fail(err, RDT_E_DENIED, "the token refused the PIN: %s", ckr_name(rv));
    return rdt_p11_refused(err, "C_Login", rv);
}

enum rdt_code
rdt_p11_open(const struct rdt_p11 *what, struct rdt_span pin, struct p11_session *session,
             struct rdt_err *err)
{
    CK_FLAGS flags = 0;
    *session = (struct p11_session){.what = what};
    enum rdt_code rc = load(what->module, &session->f, err);
    if (rc == RDT_OK)
        rc = find_token(session, what->token, &flags, err);
    if (rc != RDT_OK)
        return rc;
    CK_RV rv = session->f->C_OpenSession(session->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                         NULL, &session->handle);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_OpenSession", rv);
    return log_in(session, pin, flags, err);
}

void
rdt_p11_close(struct p11_session *session)
{
    session->f->C_Logout(session->handle);
    session->f->C_CloseSession(session->handle);
    session->f->C_Finalize(NULL);
}

/* ---- keys ---- */

static CK_ATTRIBUTE
bytes_attribute(CK_ATTRIBUTE_TYPE type, const void *bytes, size_t n)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)bytes, n};
}

#define ATTRIBUTE(type, value) bytes_attribute((type), &(value), sizeof(value))

/* Objects of a class with the label: how many, and one of them. */
static enum rdt_code
find(const struct p11_session *s, CK_OBJECT_CLASS class, CK_ULONG *n, CK_OBJECT_HANDLE *out,
     struct rdt_err *err)
{
    const char *label = s->what->key;
    CK_KEY_TYPE type = class == CKO_SECRET_KEY ? CKK_AES : CKK_RSA;
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ATTRIBUTE like[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_KEY_TYPE, type),
                           bytes_attribute(CKA_LABEL, label, strlen(label))};
    CK_RV rv = s->f->C_FindObjectsInit(s->handle, like, RDT_COUNT(like));
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_FindObjectsInit", rv);
    rv = s->f->C_FindObjects(s->handle, found, RDT_COUNT(found), n);
    s->f->C_FindObjectsFinal(s->handle);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_FindObjects", rv);
    if (*n > 1)
        return rdt_fail(err, RDT_E_NOTFOUND, "more than one key has the label '%s'", label);
    *out = found[0];
    return RDT_OK;
}

enum rdt_code
rdt_p11_find_key(const struct p11_session *session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *out,
                 struct rdt_err *err)
{
    CK_ULONG n = 0;
    enum rdt_code rc = find(session, class, &n, out, err);
    if (rc == RDT_OK && n == 0)
        rc = rdt_fail(err, RDT_E_NOTFOUND, "no key of the token has the label '%s'",
                      session->what->key);
    return rc;
}

/* An attribute that is a truth value; what the token does not say is not so. */
static bool
says(const struct p11_session *s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE asked = ATTRIBUTE(type, value);
    return s->f->C_GetAttributeValue(s->handle, key, &asked, 1) == CKR_OK &&
           asked.ulValueLen == sizeof value && value == CK_TRUE;
}

/* A token that does not answer about CKA_EXTRACTABLE is not believed either. */
static enum rdt_code
check_stays(const struct p11_session *s, CK_OBJECT_HANDLE key, struct rdt_err *err)
{
    CK_BBOOL may_leave = CK_TRUE;
    CK_ATTRIBUTE asked = ATTRIBUTE(CKA_EXTRACTABLE, may_leave);
    if (s->f->C_GetAttributeValue(s->handle, key, &asked, 1) != CKR_OK || may_leave != CK_FALSE ||
        !says(s, key, CKA_SENSITIVE))
        return rdt_fail(err, RDT_E_DENIED, "the key '%s' may leave the token", s->what->key);
    return RDT_OK;
}

static bool
can(const struct p11_session *s, CK_MECHANISM_TYPE mechanism, CK_FLAGS what)
{
    CK_MECHANISM_INFO info = {0};
    return s->f->C_GetMechanismInfo(s->slot, mechanism, &info) == CKR_OK &&
           (info.flags & what) == what;
}

static const struct {
    enum rdt_p11_how how;
    CK_OBJECT_CLASS class;       /* of the key that opens */
    CK_ATTRIBUTE_TYPE right;     /* that it has */
    CK_MECHANISM_TYPE use, make; /* to open, to make a key for it */
    CK_FLAGS flag;               /* of use */
} ways[] = {
    {RDT_P11_OAEP,   CKO_PRIVATE_KEY, CKA_DECRYPT, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_KEY_PAIR_GEN,
     CKF_DECRYPT                                                                                            },
    {RDT_P11_GCM,    CKO_SECRET_KEY,  CKA_DECRYPT, CKM_AES_GCM,       CKM_AES_KEY_GEN,           CKF_DECRYPT},
    {RDT_P11_UNWRAP, CKO_SECRET_KEY,  CKA_UNWRAP,  CKM_AES_KEY_WRAP,  CKM_AES_KEY_GEN,           CKF_UNWRAP },
};

static CK_RV
make_pair(const struct p11_session *s, CK_OBJECT_HANDLE *key)
{
    const char *label = s->what->key;
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static const CK_ULONG bits = RSA_BITS;
    static const CK_BYTE exponent[] = {1, 0, 1};
    CK_OBJECT_HANDLE public_key;
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE name = bytes_attribute(CKA_LABEL, label, strlen(label));
    CK_ATTRIBUTE open[] = {name,
                           ATTRIBUTE(CKA_TOKEN, yes),
                           ATTRIBUTE(CKA_ENCRYPT, yes),
                           ATTRIBUTE(CKA_VERIFY, no),
                           ATTRIBUTE(CKA_WRAP, no),
                           ATTRIBUTE(CKA_MODULUS_BITS, bits),
                           ATTRIBUTE(CKA_PUBLIC_EXPONENT, exponent)};
    CK_ATTRIBUTE closed[] = {name,
                             ATTRIBUTE(CKA_TOKEN, yes),
                             ATTRIBUTE(CKA_PRIVATE, yes),
                             ATTRIBUTE(CKA_SENSITIVE, yes),
                             ATTRIBUTE(CKA_EXTRACTABLE, no),
                             ATTRIBUTE(CKA_DECRYPT, yes),
                             ATTRIBUTE(CKA_SIGN, no),
                             ATTRIBUTE(CKA_UNWRAP, no)};
    return s->f->C_GenerateKeyPair(s->handle, &mechanism, open, RDT_COUNT(open), closed,
                                   RDT_COUNT(closed), &public_key, key);
}

/* A key that opens by C_Decrypt may not unwrap, and the other way round. */
static CK_RV
make_aes(const struct p11_session *s, bool decrypts, CK_OBJECT_HANDLE *key)
{
    const char *label = s->what->key;
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static const CK_ULONG n = AES_LEN;
    const CK_BBOOL *crypt = decrypts ? &yes : &no, *wrap = decrypts ? &no : &yes;
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE attributes[] = {bytes_attribute(CKA_LABEL, label, strlen(label)),
                                 ATTRIBUTE(CKA_TOKEN, yes),
                                 ATTRIBUTE(CKA_PRIVATE, yes),
                                 ATTRIBUTE(CKA_SENSITIVE, yes),
                                 ATTRIBUTE(CKA_EXTRACTABLE, no),
                                 ATTRIBUTE(CKA_VALUE_LEN, n),
                                 ATTRIBUTE(CKA_ENCRYPT, *crypt),
                                 ATTRIBUTE(CKA_DECRYPT, *crypt),
                                 ATTRIBUTE(CKA_WRAP, *wrap),
                                 ATTRIBUTE(CKA_UNWRAP, *wrap)};
    return s->f->C_GenerateKey(s->handle, &mechanism, attributes, RDT_COUNT(attributes), key);
}

/* The first way that was asked for and that the key which is there can, else that the token can. */
static enum rdt_code
choose(const struct p11_session *s, size_t *way, CK_OBJECT_HANDLE *key, struct rdt_err *err)
{
    const struct rdt_p11 *what = s->what;
    bool any = false;
    size_t could = RDT_COUNT(ways);
    for (size_t i = RDT_COUNT(ways); i > 0; i--) {
        CK_ULONG n = 0;
        CK_OBJECT_HANDLE found = 0;
        enum rdt_code rc = find(s, ways[i - 1].class, &n, &found, err);
        if (rc != RDT_OK)
            return rc;
        any = any || n != 0;
        if ((what->how != RDT_P11_BEST && what->how != ways[i - 1].how) ||
            !can(s, ways[i - 1].use, ways[i - 1].flag))
            continue;
        if (n != 0 && says(s, found, ways[i - 1].right)) {
            *way = i - 1;
            *key = found;
        }
        could = can(s, ways[i - 1].make, 0) ? i - 1 : could;
    }
    if (*key != 0)
        return RDT_OK;
    if (any)
        return rdt_fail(err, RDT_E_IO, "the key '%s' is there, and cannot %s", what->key,
                        what->how == RDT_P11_BEST ? "unwrap" : rdt_p11_how_name(what->how));
    *way = could;
    return could < RDT_COUNT(ways)
               ? RDT_OK
               : rdt_fail(err, RDT_E_IO, "the token has no mechanism to %s with",
                          what->how == RDT_P11_BEST ? "unwrap" : rdt_p11_how_name(what->how));
}

enum rdt_code
rdt_p11_make_key(const struct p11_session *session, enum rdt_p11_how *how, struct rdt_err *err)
{
    size_t way = 0;
    CK_OBJECT_HANDLE key = 0;
    enum rdt_code rc = choose(session, &way, &key, err);
    if (rc != RDT_OK)
        return rc;
    if (key == 0) {
        CK_RV rv = ways[way].how == RDT_P11_OAEP
                       ? make_pair(session, &key)
                       : make_aes(session, ways[way].how == RDT_P11_GCM, &key);
        if (rv != CKR_OK)
            return rdt_p11_refused(err, "a new key", rv);
    }
    *how = ways[way].how;
    return check_stays(session, key, err);
}
