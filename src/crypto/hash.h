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

#endif
