/*
 * chacha.h - ChaCha20-Poly1305 (RFC 8439), which age files are encrypted with. What Redoubt itself
 * makes is AES-256-GCM: worker.h.
 */
#ifndef RDT_CRYPTO_CHACHA_H
#define RDT_CRYPTO_CHACHA_H

#include "crypto/worker.h"

#define RDT_CHACHA_NONCE_LEN ((size_t)12) /* bytes */
#define RDT_CHACHA_TAG_LEN ((size_t)16)   /* bytes */

/*
 * rdt_chacha_seal - encrypt under a key and a nonce that were never used together before.
 *
 *   key     RDT_KEY_LEN bytes
 *   nonce   RDT_CHACHA_NONCE_LEN bytes
 *   out     plain.n + RDT_CHACHA_TAG_LEN bytes: ciphertext, then tag; plain.p itself, or apart from
 *           it
 *
 * Fails: RDT_E_INTERNAL (also where libcrypto's provider has no ChaCha20-Poly1305).
 */
RDT_MUST_CHECK enum rdt_code rdt_chacha_seal(struct rdt_worker *worker,
                                             const struct rdt_secret *key, const uint8_t *nonce,
                                             struct rdt_span aad, struct rdt_span plain,
                                             uint8_t *out);

/*
 * rdt_chacha_open - the reverse.
 *
 *   sealed   ciphertext, then tag
 *   out      sealed.n - RDT_CHACHA_TAG_LEN bytes; zeroes after a failure
 *
 * Fails: RDT_E_TAMPERED (tag, key, nonce or aad do not belong together; sealed is shorter than a
 * tag), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_chacha_open(struct rdt_worker *worker,
                                             const struct rdt_secret *key, const uint8_t *nonce,
                                             struct rdt_span aad, struct rdt_span sealed,
                                             uint8_t *out);

#endif
