/*
 * stream.h - AES-256-GCM of many messages under one key: its schedule is computed once and kept,
 * which is half the cost of a short message.
 *
 * A stream belongs to its worker's thread, and goes before the worker. Its key schedule lies in
 * libcrypto's heap, which wipes it when the stream is freed.
 */
#ifndef RDT_CRYPTO_STREAM_H
#define RDT_CRYPTO_STREAM_H

#include "crypto/worker.h"

struct rdt_stream;

/* rdt_stream_new - key: RDT_KEY_LEN bytes.  out: caller frees with rdt_stream_free().  Fails:
 * RDT_E_INTERNAL (also: no memory). */
RDT_MUST_CHECK enum rdt_code rdt_stream_new(struct rdt_worker *worker, const struct rdt_secret *key,
                                            struct rdt_stream **out);

/* rdt_stream_free - wipe and free; NULL is fine. */
void rdt_stream_free(struct rdt_stream *stream);

/*
 * rdt_stream_seal - encrypt one message; nothing beside it is authenticated.
 *
 *   iv    RDT_GCM_IV_LEN bytes, never used before with this key
 *   out   plain.n + RDT_GCM_TAG_LEN bytes: ciphertext, then tag; plain.p itself, or apart from it
 *
 * Fails, leaving zeroes: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_stream_seal(struct rdt_stream *stream, const uint8_t *iv,
                                             struct rdt_span plain, uint8_t *out);

/*
 * rdt_stream_open - the reverse.
 *
 *   sealed   ciphertext, then tag
 *   out      sealed.n - RDT_GCM_TAG_LEN bytes; sealed.p itself, or apart from it
 *
 * Fails, leaving zeroes: RDT_E_TAMPERED, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_stream_open(struct rdt_stream *stream, const uint8_t *iv,
                                             struct rdt_span sealed, uint8_t *out);

/*
 * rdt_expand_sha512 - HKDF-Expand with SHA-512 (RFC 5869 2.3).
 *
 *   key   the pseudo-random key
 *   out   a secret of 1 to 255 * 64 bytes made by the caller; zeroes after a failure
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_expand_sha512(struct rdt_worker *worker,
                                               const struct rdt_secret *key,
                                               const struct rdt_span *info, size_t n_info,
                                               struct rdt_secret *out);

#endif
