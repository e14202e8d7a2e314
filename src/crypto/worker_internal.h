/* worker_internal.h - what sigv4.c borrows from worker.c. */
#ifndef RDT_CRYPTO_WORKER_INTERNAL_H
#define RDT_CRYPTO_WORKER_INTERNAL_H

#include "crypto/worker.h"

/*
 * rdt_worker_hmac - HMAC-SHA-256 over parts under a key that is itself in parts, so that nobody has
 * to join them in memory of his own.  out: 32 bytes, may be in a key; zeroes after a failure.
 */
RDT_MUST_CHECK bool rdt_worker_hmac(struct rdt_worker *worker, const struct rdt_span *key_parts,
                                    size_t n_key_parts, const struct rdt_span *parts,
                                    size_t n_parts, uint8_t *out);

#endif
