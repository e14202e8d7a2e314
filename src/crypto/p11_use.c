#include "base/cursor.h"
#include "crypto/p11_internal.h"
#include "crypto/worker.h"

#include <openssl/rand.h>

/*
 * What is wrapped begins with a byte that says how:
 * 1 OAEP with SHA-256 | 2 OAEP with SHA-1: the ciphertext
 * 3 GCM: IV 12 | ciphertext 32 | tag 16
 * 4 AES key wrap (RFC 3394): 40 bytes
 */
enum form { FORM_OAEP_SHA256 = 1, FORM_OAEP_SHA1, FORM_GCM, FORM_KEY_WRAP };

#define KEY_WRAP_LEN (RDT_P11_KEY_LEN + 8)
#define GCM_LEN (RDT_P11_KEY_LEN + RDT_GCM_TAG_LEN)

/* Parameters that a mechanism points to have to stay where they are. */
struct parameters {
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_GCM_PARAMS gcm;
    uint8_t iv[RDT_GCM_IV_LEN];
};

static CK_MECHANISM
oaep(struct parameters *p, enum form form)
{
    bool sha256 = form == FORM_OAEP_SHA256;
    p->oaep = (CK_RSA_PKCS_OAEP_PARAMS){.hashAlg = sha256 ? CKM_SHA256 : CKM_SHA_1,
                                        .mgf = sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1,
                                        .source = CKZ_DATA_SPECIFIED};
    return (CK_MECHANISM){CKM_RSA_PKCS_OAEP, &p->oaep, sizeof p->oaep};
}

static CK_MECHANISM
gcm(struct parameters *p, struct rdt_span aad)
{
    p->gcm = (CK_GCM_PARAMS){.pIv = p->iv,
                             .ulIvLen = sizeof p->iv,
                             .ulIvBits = 8 * sizeof p->iv,
                             .pAAD = (CK_BYTE *)(uintptr_t)aad.p,
                             .ulAADLen = aad.n,
                             .ulTagBits = 8 * RDT_GCM_TAG_LEN};
    return (CK_MECHANISM){CKM_AES_GCM, &p->gcm, sizeof p->gcm};
}

static CK_RV
encrypt(const struct p11_session *s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
        struct rdt_span plain, uint8_t out[static RDT_P11_WRAPPED_MAX], CK_ULONG *n)
{
    CK_RV rv = s->f->C_EncryptInit(s->handle, mechanism, key);
    *n = RDT_P11_WRAPPED_MAX - 1 - RDT_GCM_IV_LEN; /* what stands before it has room too */
    return rv != CKR_OK
               ? rv
               : s->f->C_Encrypt(s->handle, (CK_BYTE *)(uintptr_t)plain.p, plain.n, out, n);
}

/* ---- opening ---- */

/* A refusal of the bytes, as against a token that does not work. Some say no more than that
 * something failed; where it came to decrypting at all, that is a refusal too. */
static enum rdt_code
refused_bytes(struct rdt_err *err, const char *call, CK_RV rv)
{
    static const CK_RV of_bytes[] = {CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
                                     CKR_WRAPPED_KEY_INVALID,    CKR_WRAPPED_KEY_LEN_RANGE,
                                     CKR_DATA_INVALID,           CKR_DATA_LEN_RANGE,
                                     CKR_GENERAL_ERROR,          CKR_FUNCTION_FAILED};
    rdt_p11_refused(err, call, rv);
    for (size_t i = 0; i < RDT_COUNT(of_bytes); i++) {
        if (of_bytes[i] == rv)
            return RDT_E_TAMPERED;
    }
    return RDT_E_IO;
}

static enum rdt_code
decrypt(const struct p11_session *s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
        struct rdt_span sealed, uint8_t out[static RDT_P11_KEY_LEN], struct rdt_err *err)
{
    uint8_t plain[RDT_P11_WRAPPED_MAX];
    CK_ULONG n = sizeof plain;
    CK_RV rv = s->f->C_DecryptInit(s->handle, mechanism, key);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_DecryptInit", rv);
    rv = s->f->C_Decrypt(s->handle, (CK_BYTE *)(uintptr_t)sealed.p, sealed.n, plain, &n);
    if (rv != CKR_OK)
        return refused_bytes(err, "C_Decrypt", rv);
    if (n != RDT_P11_KEY_LEN)
        return rdt_fail(err, RDT_E_TAMPERED, "the token gave %lu bytes back", n);
    memcpy(out, plain, RDT_P11_KEY_LEN);
    return RDT_OK;
}

static enum rdt_code
unwrap_object(const struct p11_session *s, CK_OBJECT_HANDLE key, struct rdt_span wrapped,
              uint8_t out[static RDT_P11_KEY_LEN], struct rdt_err *err)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE object = 0;
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_ATTRIBUTE like[] = {
        {CKA_CLASS,       &class, sizeof class},
        {CKA_KEY_TYPE,    &type,  sizeof type },
        {CKA_TOKEN,       &no,    sizeof no   },
        {CKA_SENSITIVE,   &no,    sizeof no   },
        {CKA_EXTRACTABLE, &yes,   sizeof yes  }
    };
    CK_ATTRIBUTE value = {CKA_VALUE, out, RDT_P11_KEY_LEN};
    CK_RV rv = s->f->C_UnwrapKey(s->handle, &mechanism, key, (CK_BYTE *)(uintptr_t)wrapped.p,
                                 wrapped.n, like, RDT_COUNT(like), &object);
    if (rv != CKR_OK)
        return refused_bytes(err, "C_UnwrapKey", rv);
    rv = s->f->C_GetAttributeValue(s->handle, object, &value, 1);
    s->f->C_DestroyObject(s->handle, object);
    if (rv != CKR_OK || value.ulValueLen != RDT_P11_KEY_LEN)
        return rdt_p11_refused(err, "C_GetAttributeValue", rv);
    return RDT_OK;
}

static bool
is_of(enum form form, enum rdt_p11_how how)
{
    return how == RDT_P11_OAEP  ? form == FORM_OAEP_SHA256 || form == FORM_OAEP_SHA1
           : how == RDT_P11_GCM ? form == FORM_GCM
                                : form == FORM_KEY_WRAP;
}

enum rdt_code
rdt_p11_unwrap_key(const struct p11_session *session, struct rdt_span aad, struct rdt_span wrapped,
                   uint8_t out[static RDT_P11_KEY_LEN], struct rdt_err *err)
{
    struct parameters p;
    struct rdt_span iv = {0};
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE key = 0;
    uint8_t form = 0;
    if (!rdt_take_u8(&wrapped, &form) || !is_of(form, session->what->how) || wrapped.n == 0)
        return rdt_fail(err, RDT_E_TAMPERED, "the wrapped key is of no known form");
    enum rdt_code rc = rdt_p11_find_key(
        session, session->what->how == RDT_P11_OAEP ? CKO_PRIVATE_KEY : CKO_SECRET_KEY, &key, err);
    if (rc != RDT_OK)
        return rc;
    if (form == FORM_KEY_WRAP)
        return unwrap_object(session, key, wrapped, out, err);
    if (form == FORM_GCM) {
        if (wrapped.n != RDT_GCM_IV_LEN + GCM_LEN || !rdt_take(&wrapped, sizeof p.iv, &iv))
            return rdt_fail(err, RDT_E_TAMPERED, "the wrapped key is cut");
        memcpy(p.iv, iv.p, sizeof p.iv);
        mechanism = gcm(&p, aad);
    } else {
        mechanism = oaep(&p, form);
    }
    return decrypt(session, &mechanism, key, wrapped, out, err);
}

/* ---- wrapping ---- */

static enum rdt_code
wrap_oaep(const struct p11_session *s, enum form form, struct rdt_span secret, struct rdt_buf *out,
          struct rdt_err *err)
{
    struct parameters p;
    uint8_t sealed[RDT_P11_WRAPPED_MAX];
    CK_ULONG n = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM mechanism = oaep(&p, form);
    enum rdt_code rc = rdt_p11_find_key(s, CKO_PUBLIC_KEY, &key, err);
    if (rc != RDT_OK)
        return rc;
    CK_RV rv = encrypt(s, &mechanism, key, secret, sealed, &n);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_Encrypt", rv);
    rdt_buf_add(out, &(uint8_t){(uint8_t)form}, 1);
    rdt_buf_add(out, sealed, n);
    return RDT_OK;
}

static enum rdt_code
wrap_gcm(const struct p11_session *s, struct rdt_span aad, struct rdt_span secret,
         struct rdt_buf *out, struct rdt_err *err)
{
    struct parameters p;
    uint8_t sealed[RDT_P11_WRAPPED_MAX];
    CK_ULONG n = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM mechanism = gcm(&p, aad);
    enum rdt_code rc = rdt_p11_find_key(s, CKO_SECRET_KEY, &key, err);
    if (rc != RDT_OK)
        return rc;
    if (RAND_bytes(p.iv, sizeof p.iv) != 1)
        return rdt_fail(err, RDT_E_INTERNAL, "no random bytes");
    CK_RV rv = encrypt(s, &mechanism, key, secret, sealed, &n);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_Encrypt", rv);
    rdt_buf_add(out, &(uint8_t){FORM_GCM}, 1);
    rdt_buf_add(out, p.iv, sizeof p.iv); /* as the token left it: some choose their own */
    rdt_buf_add(out, sealed, n);
    return RDT_OK;
}

static enum rdt_code
wrap_object(const struct p11_session *s, struct rdt_span secret, struct rdt_buf *out,
            struct rdt_err *err)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_OBJECT_HANDLE key = 0, object = 0;
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    uint8_t sealed[RDT_P11_WRAPPED_MAX];
    CK_ULONG n = sizeof sealed;
    CK_ATTRIBUTE like[] = {
        {CKA_CLASS,       &class,                      sizeof class},
        {CKA_KEY_TYPE,    &type,                       sizeof type },
        {CKA_TOKEN,       &no,                         sizeof no   },
        {CKA_SENSITIVE,   &no,                         sizeof no   },
        {CKA_EXTRACTABLE, &yes,                        sizeof yes  },
        {CKA_VALUE,       (void *)(uintptr_t)secret.p, secret.n    }
    };
    enum rdt_code rc = rdt_p11_find_key(s, CKO_SECRET_KEY, &key, err);
    if (rc != RDT_OK)
        return rc;
    CK_RV rv = s->f->C_CreateObject(s->handle, like, RDT_COUNT(like), &object);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_CreateObject", rv);
    rv = s->f->C_WrapKey(s->handle, &mechanism, key, object, sealed, &n);
    s->f->C_DestroyObject(s->handle, object);
    if (rv != CKR_OK)
        return rdt_p11_refused(err, "C_WrapKey", rv);
    if (n != KEY_WRAP_LEN)
        return rdt_fail(err, RDT_E_IO, "the token wrapped %d bytes to %lu", RDT_P11_KEY_LEN, n);
    rdt_buf_add(out, &(uint8_t){FORM_KEY_WRAP}, 1);
    rdt_buf_add(out, sealed, n);
    return RDT_OK;
}

/* A seal that cannot be opened is worth less than none: what was wrapped is opened once. */
static enum rdt_code
wrap_and_try(const struct p11_session *s, struct rdt_span aad, enum form form,
             struct rdt_span secret, struct rdt_buf *out, struct rdt_err *err)
{
    uint8_t back[RDT_P11_KEY_LEN] = {0};
    size_t before = out->n;
    enum rdt_code rc = form == FORM_GCM        ? wrap_gcm(s, aad, secret, out, err)
                       : form == FORM_KEY_WRAP ? wrap_object(s, secret, out, err)
                                               : wrap_oaep(s, form, secret, out, err);
    if (rc == RDT_OK && !rdt_buf_ok(out))
        return rdt_fail(err, RDT_E_NOMEM, "a wrapped secret");
    if (rc == RDT_OK)
        rc = rdt_p11_unwrap_key(s, aad, (struct rdt_span){out->p + before, out->n - before}, back,
                                err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){back, sizeof back}, secret))
        rc = rdt_fail(err, RDT_E_IO, "the token does not give back what it wrapped");
    if (rc != RDT_OK)
        out->n = before;
    return rc == RDT_E_TAMPERED ? RDT_E_IO : rc;
}

enum rdt_code
rdt_p11_wrap_key(const struct p11_session *session, struct rdt_span aad, struct rdt_span secret,
                 struct rdt_buf *out, struct rdt_err *err)
{
    if (session->what->how == RDT_P11_GCM)
        return wrap_and_try(session, aad, FORM_GCM, secret, out, err);
    if (session->what->how == RDT_P11_UNWRAP)
        return wrap_and_try(session, aad, FORM_KEY_WRAP, secret, out, err);
    enum rdt_code rc = wrap_and_try(session, aad, FORM_OAEP_SHA256, secret, out, err);
    /* SHA-1 is no weakness inside OAEP, and some tokens have nothing else */
    return rc == RDT_E_IO ? wrap_and_try(session, aad, FORM_OAEP_SHA1, secret, out, err) : rc;
}
