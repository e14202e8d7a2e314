#include "crypto/pwhash.h"

#include "crypto/worker_internal.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>

#define OUT_MIN 4
#define OUT_MAX 64

/* scrypt takes 128 * N * r bytes, and a little for its parts. */
#define SCRYPT_ROOM ((uint64_t)(RDT_PWHASH_MEMORY_MAX + 1024) * 1024)

_Static_assert(RDT_PWHASH_CRYPT_MAX < CRYPT_MAX_PASSPHRASE_SIZE, "what libcrypt takes");
_Static_assert(sizeof(struct crypt_data) <= RDT_SECRET_MAX, "state of crypt_rn in locked memory");

/* ---- limits ---- */

static bool
argon_fits(const struct rdt_pwhash *how)
{
    return (how->version == ARGON2_VERSION_10 || how->version == ARGON2_VERSION_13) &&
           how->lanes >= 1 && how->lanes <= RDT_PWHASH_LANES_MAX && how->memory >= 8 * how->lanes &&
           how->memory <= RDT_PWHASH_MEMORY_MAX && how->passes >= 1 &&
           how->passes <= RDT_PWHASH_PASSES_MAX && how->salt.n >= ARGON2_MIN_SALT_LENGTH;
}

static bool
scrypt_fits(const struct rdt_pwhash *how)
{
    if (how->memory < 1 || how->memory > 24 || how->passes < 1 ||
        how->passes > RDT_PWHASH_SCRYPT_MAX || how->lanes < 1 || how->lanes > RDT_PWHASH_LANES_MAX)
        return false;
    uint64_t blocks = ((uint64_t)1 << how->memory) * how->passes; /* N * r, each of 128 bytes */
    return how->memory < 16 * (uint64_t)how->passes &&            /* RFC 7914 section 2 */
           blocks * 128 <= (uint64_t)RDT_PWHASH_MEMORY_MAX * 1024 &&
           blocks * how->lanes <= RDT_PWHASH_SCRYPT_MAX;
}

enum rdt_code
rdt_pwhash_check(const struct rdt_pwhash *how)
{
    bool fits = false;
    switch (how->kind) {
    case RDT_PWHASH_ARGON2ID:
    case RDT_PWHASH_ARGON2I:
        fits = argon_fits(how);
        break;
    case RDT_PWHASH_SCRYPT:
        fits = scrypt_fits(how);
        break;
    case RDT_PWHASH_PBKDF2_SHA256:
    case RDT_PWHASH_PBKDF2_SHA512:
        fits = how->passes >= 1 && how->passes <= RDT_PWHASH_ITERATIONS_MAX;
        break;
    case RDT_PWHASH_NKINDS:
        break;
    }
    return fits ? RDT_OK : RDT_E_LIMIT;
}

/* ---- Argon2 ---- */

static enum rdt_code
argon(const struct rdt_pwhash *how, struct rdt_span password, uint8_t *out, size_t n)
{
    argon2_context context = {
        .out = out,
        .outlen = (uint32_t)n,
        .pwd = (uint8_t *)password.p, /* written to only under ARGON2_FLAG_CLEAR_PASSWORD */
        .pwdlen = (uint32_t)password.n,
        .salt = (uint8_t *)how->salt.p,
        .saltlen = (uint32_t)how->salt.n,
        .t_cost = how->passes,
        .m_cost = how->memory,
        .lanes = how->lanes,
        .threads = 1, /* a server has its own idea of how many logins run at once */
        .version = how->version,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int got = argon2_ctx(&context, how->kind == RDT_PWHASH_ARGON2ID ? Argon2_id : Argon2_i);
    if (got == ARGON2_OK)
        return RDT_OK;
    return got == ARGON2_MEMORY_ALLOCATION_ERROR ? RDT_E_NOMEM : RDT_E_INTERNAL;
}

/* ---- by libcrypto ---- */

static OSSL_PARAM
bytes_of(const char *name, struct rdt_span bytes)
{
    static uint8_t none[1]; /* "no bytes" must not be "not given" */
    return OSSL_PARAM_construct_octet_string(name, bytes.n == 0 ? none : (void *)bytes.p, bytes.n);
}

static enum rdt_code
derive(struct rdt_worker *worker, const char *name, const OSSL_PARAM *params, uint8_t *out,
       size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(worker->lib, name, NULL);
    EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    bool ok = context != NULL && EVP_KDF_derive(context, out, n, params) == 1;
    bool no_memory = !ok && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (!ok)
        ERR_clear_error();
    return ok ? RDT_OK : no_memory ? RDT_E_NOMEM : RDT_E_INTERNAL;
}

static enum rdt_code
scrypt(struct rdt_worker *worker, const struct rdt_pwhash *how, struct rdt_span password,
       uint8_t *out, size_t n)
{
    uint64_t big_n = (uint64_t)1 << how->memory, room = SCRYPT_ROOM;
    uint32_t r = how->passes, p = how->lanes;
    const OSSL_PARAM params[] = {
        bytes_of(OSSL_KDF_PARAM_PASSWORD, password),
        bytes_of(OSSL_KDF_PARAM_SALT, how->salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &big_n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &room),
        OSSL_PARAM_construct_end(),
    };
    return derive(worker, OSSL_KDF_NAME_SCRYPT, params, out, n);
}

static enum rdt_code
pbkdf2(struct rdt_worker *worker, const struct rdt_pwhash *how, struct rdt_span password,
       uint8_t *out, size_t n)
{
    static char sha256[] = "SHA256", sha512[] = "SHA512";
    char *digest = how->kind == RDT_PWHASH_PBKDF2_SHA256 ? sha256 : sha512;
    uint32_t iterations = how->passes;
    int any_length = 1; /* of a salt that somebody else chose, also under a FIPS provider */
    const OSSL_PARAM params[] = {
        bytes_of(OSSL_KDF_PARAM_PASSWORD, password),
        bytes_of(OSSL_KDF_PARAM_SALT, how->salt),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &iterations),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any_length),
        OSSL_PARAM_construct_end(),
    };
    return derive(worker, OSSL_KDF_NAME_PBKDF2, params, out, n);
}

enum rdt_code
rdt_pwhash(struct rdt_worker *worker, const struct rdt_pwhash *how, struct rdt_span password,
           uint8_t *out, size_t n)
{
    enum rdt_code rc = rdt_pwhash_check(how);
    if (rc == RDT_OK && (n < OUT_MIN || n > OUT_MAX || password.n > UINT32_MAX))
        rc = RDT_E_LIMIT;
    if (rc == RDT_OK) {
        switch (how->kind) {
        case RDT_PWHASH_ARGON2ID:
        case RDT_PWHASH_ARGON2I:
            rc = argon(how, password, out, n);
            break;
        case RDT_PWHASH_SCRYPT:
            rc = scrypt(worker, how, password, out, n);
            break;
        default:
            rc = pbkdf2(worker, how, password, out, n);
        }
    }
    if (rc != RDT_OK && n <= OUT_MAX)
        memset(out, 0, n);
    return rc;
}

/* ---- by libcrypt ---- */

static bool
has_nul(struct rdt_span bytes)
{
    return bytes.n != 0 && memchr(bytes.p, 0, bytes.n) != NULL;
}

enum rdt_code
rdt_pwhash_crypt(struct rdt_span password, struct rdt_span stored,
                 char out[static RDT_PWHASH_CRYPT_TEXT])
{
    RDT_SECRET typed = {0};
    RDT_SECRET state = {0};
    char setting[RDT_PWHASH_CRYPT_TEXT];
    out[0] = '\0';
    if (password.n > RDT_PWHASH_CRYPT_MAX || has_nul(password) || stored.n >= sizeof setting ||
        has_nul(stored))
        return RDT_E_LIMIT;
    snprintf(setting, sizeof setting, "%.*s", RDT_FMT(stored));
    enum rdt_code rc = rdt_secret_new(&state, sizeof(struct crypt_data), NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_copy(&typed, password, NULL);
    if (rc != RDT_OK)
        return rc;
    /* crypt_rn() says NULL where crypt_r() answers with a string that is no hash; and a sanitizer
     * that has a crypt_r() of its own leaves libcrypt out of the program */
    const char *made = crypt_rn((const char *)typed.p, setting, state.p, (int)state.n);
    if (made == NULL || made[0] == '*' || strlen(made) >= RDT_PWHASH_CRYPT_TEXT)
        return RDT_E_INTERNAL;
    snprintf(out, RDT_PWHASH_CRYPT_TEXT, "%s", made);
    return RDT_OK;
}
