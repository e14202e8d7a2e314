/*
 * hash.h - digests of bytes that are in memory.
 */
#ifndef RDT_CRYPTO_HASH_H
#define RDT_CRYPTO_HASH_H

#include "base/err.h"
#include "base/span.h"

#define RDT_SHA256_LEN 32

/*
 * rdt_sha256 - SHA-256 (FIPS 180-4).
 *
 *   out   its 32 bytes; zeroes after a failure
 *
 * Fails: RDT_E_INTERNAL (libcrypto has no SHA-256, or no memory).  Threads may share.
 */
RDT_MUST_CHECK enum rdt_code rdt_sha256(struct rdt_span bytes, uint8_t out[static RDT_SHA256_LEN],
                                        struct rdt_err *err);

/* rdt_sha256_text - the same as 64 lower-case hexadecimal digits and a NUL. */
RDT_MUST_CHECK enum rdt_code rdt_sha256_text(struct rdt_span bytes,
                                             char out[static 2 * RDT_SHA256_LEN + 1],
                                             struct rdt_err *err);

/* SHA-256 of what comes piece by piece; one thread at a time. */
struct rdt_hash;

/*
 * rdt_hash_new - out: caller frees with rdt_hash_free().
 * rdt_hash_add - the next bytes.
 * rdt_hash_end - the digest; nothing may be added afterwards.
 * Each fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_hash_new(struct rdt_hash **out);
RDT_MUST_CHECK enum rdt_code rdt_hash_add(struct rdt_hash *hash, struct rdt_span bytes);
RDT_MUST_CHECK enum rdt_code rdt_hash_end(struct rdt_hash *hash,
                                          uint8_t out[static RDT_SHA256_LEN]);

/* rdt_hash_free - NULL is fine. */
void rdt_hash_free(struct rdt_hash *hash);

#endif
