/*
 * xwing.h - a key sealed to a public key that also stands against a quantum computer: HPKE (RFC
 * 9180) in base mode with the KEM MLKEM768-X25519 (draft-ietf-hpke-pq-03, the KEM of X-Wing),
 * HKDF-SHA256 and ChaCha20-Poly1305, as recipients of age files have it. Needs libcrypto 3.5.
 */
#ifndef RDT_CRYPTO_XWING_H
#define RDT_CRYPTO_XWING_H

#include "crypto/worker.h"

#define RDT_XWING_PRIVATE_LEN ((size_t)32)  /* bytes of a private key: a seed */
#define RDT_XWING_PUBLIC_LEN ((size_t)1216) /* bytes of a public key */
#define RDT_XWING_ENC_LEN ((size_t)1120)    /* bytes that travel with a sealed key */
#define RDT_XWING_TAG_LEN ((size_t)16)      /* bytes by which a sealed key is longer */

/* rdt_xwing_has - whether this libcrypto has ML-KEM-768; without it all below is RDT_E_INTERNAL. */
bool rdt_xwing_has(struct rdt_worker *worker);

/*
 * rdt_xwing_public - the public key of a private one.
 *
 *   private_key   RDT_XWING_PRIVATE_LEN random bytes
 *   out           RDT_XWING_PUBLIC_LEN bytes
 *
 * Fails: RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_xwing_public(struct rdt_worker *worker,
                                              const struct rdt_secret *private_key, uint8_t *out);

/*
 * rdt_xwing_seal - encrypt a key to a receiver.
 *
 *   to       the receiver's public key, RDT_XWING_PUBLIC_LEN bytes from anybody
 *   info     what both sides have to agree on
 *   enc      RDT_XWING_ENC_LEN bytes, to travel with it
 *   sealed   key->n + RDT_XWING_TAG_LEN bytes
 *
 * Fails: RDT_E_BADINPUT (no public key), RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_xwing_seal(struct rdt_worker *worker, const uint8_t *to,
                                            struct rdt_span info, const struct rdt_secret *key,
                                            uint8_t *enc, uint8_t *sealed);

/*
 * rdt_xwing_open - the receiver's side.
 *
 *   enc      RDT_XWING_ENC_LEN bytes as they travelled
 *   sealed   as it travelled: out->n + RDT_XWING_TAG_LEN bytes
 *   out      a secret made by the caller; zeroes after a failure
 *
 * Fails: RDT_E_TAMPERED (private key, info, enc and sealed do not belong together), RDT_E_BADINPUT
 * (the X25519 part of enc makes every secret the same), RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_xwing_open(struct rdt_worker *worker,
                                            const struct rdt_secret *private_key,
                                            struct rdt_span info, const uint8_t *enc,
                                            const uint8_t *sealed, struct rdt_secret *out);

#endif
