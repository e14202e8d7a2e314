/*
 * worker_internal.h - what a worker holds: worker.c opens it and draws random bytes, mac.c hashes
 * and derives, gcm.c and chacha.c encrypt, sigv4.c borrows rdt_worker_hmac().
 */
#ifndef RDT_CRYPTO_WORKER_INTERNAL_H
#define RDT_CRYPTO_WORKER_INTERNAL_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_CTX: mac.c says why */
#include "crypto/worker.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define RDT_HMAC_BLOCK_LEN 64 /* bytes that SHA-256 takes at a time: the length of an HMAC key */
#define RDT_HMAC_JOIN_LEN 256 /* shorter messages are joined: one call into libcrypto, not five */
#define RDT_POOL_LEN 4096     /* random bytes fetched at a time: as dear as 12 of them */

/* Everything that held a secret, in one locked mapping; wiped at the end of each call. */
struct rdt_scratch {
    uint8_t key[RDT_HMAC_BLOCK_LEN]; /* of the HMAC under way, filled up with zeroes */
    uint8_t padded[RDT_HMAC_BLOCK_LEN + RDT_HMAC_JOIN_LEN]; /* key ^ pad, then what is hashed */
    uint8_t result[RDT_SHA256_LEN];
    SHA256_CTX sha256;
    uint8_t live; /* 1: the pool was filled by this process; a child finds 0 */
    uint8_t pool[RDT_POOL_LEN];
};

struct rdt_worker {
    OSSL_LIB_CTX *lib;
    EVP_MD *sha256; /* NULL: by the plain functions */
    EVP_MD_CTX *md;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *seal, *open;
    EVP_CIPHER_CTX *chacha; /* NULL until chacha.c needs it: a FIPS provider has none */
    struct rdt_secret pages;
    struct rdt_scratch *s; /* in pages */
    size_t pool_left;
    int64_t pool_ms;     /* when the pool was filled, by the monotonic clock */
    int64_t pool_gap_ms; /* the civil clock less the monotonic one, then */
};

/*
 * rdt_worker_hmac - HMAC-SHA-256 over parts under a key that is itself in parts, so that nobody has
 * to join them in memory of his own.  out: 32 bytes, may be in a key; zeroes after a failure.
 */
RDT_MUST_CHECK bool rdt_worker_hmac(struct rdt_worker *worker, const struct rdt_span *key_parts,
                                    size_t n_key_parts, const struct rdt_span *parts,
                                    size_t n_parts, uint8_t *out);

#endif
