/*
 * worker.h - one thread's libcrypto: an OSSL_LIB_CTX of its own, algorithms fetched once, contexts
 * kept, random bytes buffered. Fetching or sharing them costs more than the ciphers do. Where the
 * operator names a configuration (OPENSSL_CONF), and so a provider of his own, everything runs
 * through it, and what it lacks is an error.
 *
 * A worker belongs to one thread at a time, and to the process that opened it: a child of fork()
 * may draw random bytes and close it. No function below allocates in the hot path, and those
 * of the hot path take no struct rdt_err: their code says all.
 * Keys are struct rdt_secret; only crypto/ looks inside them. What a call makes of them is wiped
 * when it returns, but for the last key schedule of each cipher context, which libcrypto keeps in
 * the ordinary heap until the next call or rdt_worker_close().
 */
#ifndef RDT_CRYPTO_WORKER_H
#define RDT_CRYPTO_WORKER_H

#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/hash.h"

#define RDT_KEY_LEN ((size_t)32)         /* bytes of an AES-256 or HMAC-SHA-256 key */
#define RDT_GCM_IV_LEN ((size_t)12)      /* bytes */
#define RDT_GCM_TAG_LEN ((size_t)16)     /* bytes */
#define RDT_WRAPPED_LEN ((size_t)60)     /* a wrapped 32-byte key: IV 12 | ciphertext 32 | tag 16 */
#define RDT_MAC_READY_LEN ((size_t)64)   /* bytes of an HMAC key made ready: rdt_mac_ready() */
#define RDT_KDF_BLOCKS_MAX ((size_t)255) /* SHA-256 blocks of one derived key */
#define RDT_RANDOM_AGE_MS ((int64_t)1000) /* buffered random bytes older than this are dropped */

struct rdt_worker;

/*
 * rdt_worker_open - fetch what a thread needs.
 *
 *   out   caller closes it with rdt_worker_close()
 *
 * Fails: RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked), RDT_E_INTERNAL (libcrypto lacks an
 * algorithm).
 */
RDT_MUST_CHECK enum rdt_code rdt_worker_open(struct rdt_worker **out, struct rdt_err *err);

/* rdt_worker_close - wipe and free; NULL is fine. */
void rdt_worker_close(struct rdt_worker *worker);

/* rdt_worker_close_at - the same as a closer for RDT_AUTO. */
void rdt_worker_close_at(struct rdt_worker **worker);

/*
 * rdt_random - n random bytes from the worker's pool, which is refilled by libcrypto 4 KiB at a
 * time, wiped on fork and dropped after RDT_RANDOM_AGE_MS or when the clocks part.
 * Fails: RDT_E_INTERNAL (no entropy).
 */
RDT_MUST_CHECK enum rdt_code rdt_random(struct rdt_worker *worker, uint8_t *out, size_t n,
                                        struct rdt_err *err);

/*
 * rdt_random_key - fill a secret of any length, made by the caller with rdt_secret_new(), straight
 * from libcrypto's private generator and the kernel's, one over the other: never the same in two
 * copies of a machine.  Fails, leaving zeroes: RDT_E_INTERNAL (no entropy).
 */
RDT_MUST_CHECK enum rdt_code rdt_random_key(struct rdt_worker *worker, struct rdt_secret *out,
                                            struct rdt_err *err);

/* rdt_digest - SHA-256 over parts, one after the other.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_digest(struct rdt_worker *worker, const struct rdt_span *parts,
                                        size_t n_parts, uint8_t out[static RDT_SHA256_LEN],
                                        struct rdt_err *err);

/* rdt_hmac - HMAC-SHA-256 (RFC 2104) over parts under a key of any length.  Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_hmac(struct rdt_worker *worker, const struct rdt_secret *key,
                                      const struct rdt_span *parts, size_t n_parts,
                                      uint8_t out[static RDT_SHA256_LEN]);

/*
 * rdt_hmac_key - the same, where the result is itself a key.
 *
 *   out   a secret of RDT_SHA256_LEN bytes made by the caller; may be key itself
 */
RDT_MUST_CHECK enum rdt_code rdt_hmac_key(struct rdt_worker *worker, const struct rdt_secret *key,
                                          const struct rdt_span *parts, size_t n_parts,
                                          struct rdt_secret *out);

/*
 * rdt_mac_ready - an HMAC-SHA-256 key as the worker starts from it: with both of its pads hashed,
 * which halves the cost of each rdt_mac() of a short message. Says as much as the key does.
 *
 *   key   of any length
 *   out   a secret of RDT_MAC_READY_LEN bytes made by the caller; for workers of this process only
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_mac_ready(struct rdt_worker *worker, const struct rdt_secret *key,
                                           struct rdt_secret *out);

/* rdt_mac - rdt_hmac() under a key that was made ready.  rdt_mac_key - the result is a key: out is
 * a secret of RDT_SHA256_LEN bytes. */
RDT_MUST_CHECK enum rdt_code rdt_mac(struct rdt_worker *worker, const struct rdt_secret *ready,
                                     const struct rdt_span *parts, size_t n_parts,
                                     uint8_t out[static RDT_SHA256_LEN]);
RDT_MUST_CHECK enum rdt_code rdt_mac_key(struct rdt_worker *worker, const struct rdt_secret *ready,
                                         const struct rdt_span *parts, size_t n_parts,
                                         struct rdt_secret *out);

/*
 * rdt_kbkdf - SP 800-108r1 key derivation in counter mode with HMAC-SHA-256:
 * blocks i = 1.. of HMAC(key, [i]32 | label | 00 | context | [8 * out->n]32), cut to out->n.
 *
 *   label     without NUL bytes
 *   out       a secret of 1..255 * 32 bytes made by the caller
 */
RDT_MUST_CHECK enum rdt_code rdt_kbkdf(struct rdt_worker *worker, const struct rdt_secret *key,
                                       struct rdt_span label, struct rdt_span context,
                                       struct rdt_secret *out);

/* rdt_hkdf - HKDF-SHA-256 (RFC 5869), extract and expand.  out: a secret made by the caller. */
RDT_MUST_CHECK enum rdt_code rdt_hkdf(struct rdt_worker *worker, const struct rdt_secret *ikm,
                                      struct rdt_span salt, struct rdt_span info,
                                      struct rdt_secret *out);

/*
 * rdt_gcm_seal - AES-256-GCM (SP 800-38D) under a key used for the first time in this call.
 *
 *   key      RDT_KEY_LEN bytes
 *   iv       RDT_GCM_IV_LEN bytes
 *   out      plain.n + RDT_GCM_TAG_LEN bytes: ciphertext, then tag; plain.p itself, or apart from
 * it
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_gcm_seal(struct rdt_worker *worker, const struct rdt_secret *key,
                                          const uint8_t *iv, struct rdt_span aad,
                                          struct rdt_span plain, uint8_t *out);

/*
 * rdt_gcm_open - the reverse.
 *
 *   sealed   ciphertext, then tag: at least RDT_GCM_TAG_LEN bytes
 *   out      sealed.n - RDT_GCM_TAG_LEN bytes; zeroes after a failure
 *
 * Fails: RDT_E_TAMPERED (tag, key, IV or aad do not belong together), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_gcm_open(struct rdt_worker *worker, const struct rdt_secret *key,
                                          const uint8_t *iv, struct rdt_span aad,
                                          struct rdt_span sealed, uint8_t *out);

/*
 * rdt_key_wrap - AES-256-GCM of a key's bytes under another key, with a random IV.
 *
 *   aad   says where the wrap belongs: a wrap that was moved does not open
 *   out   RDT_GCM_IV_LEN + key->n + RDT_GCM_TAG_LEN bytes (RDT_WRAPPED_LEN for a 32-byte key)
 *
 * Fails: RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_key_wrap(struct rdt_worker *worker, const struct rdt_secret *under,
                                          struct rdt_span aad, const struct rdt_secret *key,
                                          uint8_t *out, struct rdt_err *err);

/*
 * rdt_key_unwrap - the reverse.
 *
 *   out   a secret of wrapped.n - RDT_GCM_IV_LEN - RDT_GCM_TAG_LEN bytes made by the caller (kept
 *         and used again in the hot path); zeroes after a failure
 *
 * Fails: RDT_E_TAMPERED, RDT_E_BADINPUT (lengths do not fit), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_key_unwrap(struct rdt_worker *worker,
                                            const struct rdt_secret *under, struct rdt_span aad,
                                            struct rdt_span wrapped, struct rdt_secret *out);

/*
 * rdt_same - whether two byte strings of one length are equal, in constant time; false at once when
 * the lengths differ.
 */
bool rdt_same(struct rdt_span a, struct rdt_span b);

#endif
