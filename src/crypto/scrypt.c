#include "crypto/scrypt.h"

#include "crypto/worker_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define BLOCK_SIZE 8u                   /* r */
#define BYTES_PER_N (128u * BLOCK_SIZE) /* of memory */
#define BYTES_MORE                                                                                 \
    ((uint64_t)1024 * 1024) /* what libcrypto counts on top of N blocks, and spare                 \
                             */

static void
free_ctx(EVP_KDF_CTX **ctx)
{
    EVP_KDF_CTX_free(*ctx);
}

static EVP_KDF_CTX *
fetch(struct rdt_worker *w)
{
    EVP_KDF *kdf = EVP_KDF_fetch(w->lib, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf); /* the context holds it */
    return ctx;
}

enum rdt_code
rdt_scrypt(struct rdt_worker *worker, const struct rdt_secret *passphrase, struct rdt_span salt,
           unsigned log_n, struct rdt_secret *out, struct rdt_err *err)
{
    rdt_secret_clear(out);
    if (passphrase->n == 0)
        return rdt_fail(err, RDT_E_LIMIT, "an empty passphrase");
    if (log_n < 1 || log_n > RDT_SCRYPT_LOG_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "scrypt with a cost of 2^%u is out of bounds", log_n);
    uint64_t n = (uint64_t)1 << log_n, memory = n * BYTES_PER_N + BYTES_MORE;
    uint32_t r = BLOCK_SIZE, p = 1;
    OSSL_PARAM params[] = {
        /* libcrypto only reads what these point to */
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, passphrase->p, passphrase->n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p, salt.n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };
    RDT_AUTO(free_ctx) EVP_KDF_CTX *ctx = fetch(worker);
    if (ctx != NULL && EVP_KDF_derive(ctx, out->p, out->n, params) == 1)
        return RDT_OK;
    ERR_clear_error();
    rdt_secret_clear(out);
    return rdt_fail(err, RDT_E_NOMEM, "scrypt with a cost of 2^%u and %llu MiB", log_n,
                    (unsigned long long)(memory >> 20));
}
