#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* Fetched once: finding an algorithm costs more than hashing a short text with it. */
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

enum rdt_code
rdt_sha256(struct rdt_span bytes, uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    static const uint8_t none[1];
    memset(out, 0, RDT_SHA256_LEN);
    pthread_once(&fetched, fetch);
    const void *p = bytes.n == 0 ? none : bytes.p;
    if (sha256 == NULL || EVP_Digest(p, bytes.n, out, NULL, sha256, NULL) != 1)
        return rdt_fail(err, RDT_E_INTERNAL, "SHA-256 failed in libcrypto");
    return RDT_OK;
}

enum rdt_code
rdt_sha256_text(struct rdt_span bytes, char out[static 2 * RDT_SHA256_LEN + 1], struct rdt_err *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_sha256(bytes, raw, err);
    for (size_t i = 0; i < RDT_SHA256_LEN; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * RDT_SHA256_LEN] = '\0';
    return rc;
}

/* ---- piece by piece ---- */

struct rdt_hash {
    EVP_MD_CTX *ctx;
};

enum rdt_code
rdt_hash_new(struct rdt_hash **out)
{
    struct rdt_hash *hash = calloc(1, sizeof *hash);
    pthread_once(&fetched, fetch);
    if (hash != NULL)
        hash->ctx = EVP_MD_CTX_new();
    if (hash == NULL || hash->ctx == NULL || sha256 == NULL ||
        EVP_DigestInit_ex2(hash->ctx, sha256, NULL) != 1) {
        rdt_hash_free(hash);
        return RDT_E_INTERNAL;
    }
    *out = hash;
    return RDT_OK;
}

enum rdt_code
rdt_hash_add(struct rdt_hash *hash, struct rdt_span bytes)
{
    bool ok = bytes.n == 0 || EVP_DigestUpdate(hash->ctx, bytes.p, bytes.n) == 1;
    return ok ? RDT_OK : RDT_E_INTERNAL;
}

enum rdt_code
rdt_hash_end(struct rdt_hash *hash, uint8_t out[static RDT_SHA256_LEN])
{
    return EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1 ? RDT_OK : RDT_E_INTERNAL;
}

void
rdt_hash_free(struct rdt_hash *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->ctx);
    free(hash);
}
