#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>

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
