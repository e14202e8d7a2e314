/*
 * hpke.h - a key for whoever has a private key: HPKE (RFC 9180) in base mode with
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, one message a context.
 *
 * Base mode says nothing about who sealed: the channel or a signature has to.
 */
#ifndef RDT_CRYPTO_HPKE_H
#define RDT_CRYPTO_HPKE_H

#include "crypto/worker.h"

#define RDT_HPKE_PUBLIC_LEN ((size_t)32)  /* bytes of a public key, and of what travels with it */
#define RDT_HPKE_PRIVATE_LEN ((size_t)32) /* bytes of a private key */

/* What both sides have to agree on; neither travels. */
struct rdt_hpke_about {
    struct rdt_span info, aad;
};

/*
 * rdt_hpke_keypair - a new key pair of a receiver.
 *
 *   private_key   an empty secret that becomes RDT_HPKE_PRIVATE_LEN bytes
 *
 * Fails: RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_hpke_keypair(struct rdt_worker *worker,
                                              struct rdt_secret *private_key,
                                              uint8_t public_key[static RDT_HPKE_PUBLIC_LEN],
                                              struct rdt_err *err);

/*
 * rdt_hpke_seal - encrypt a key to a receiver.
 *
 *   to       the receiver's public key, RDT_HPKE_PUBLIC_LEN bytes from anybody
 *   key      what is sealed
 *   enc      the encapsulated key, to travel with it
 *   sealed   key->n + RDT_GCM_TAG_LEN bytes
 *
 * Fails: RDT_E_BADINPUT (a length; a public key that makes every secret the same), RDT_E_INTERNAL,
 * as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_hpke_seal(struct rdt_worker *worker, struct rdt_span to,
                                           const struct rdt_hpke_about *about,
                                           const struct rdt_secret *key,
                                           uint8_t enc[static RDT_HPKE_PUBLIC_LEN],
                                           uint8_t *sealed);

/*
 * rdt_hpke_open - the receiver's side.
 *
 *   private_key   RDT_HPKE_PRIVATE_LEN bytes
 *   enc           as it travelled
 *   sealed        as it travelled
 *   out           an empty secret that becomes the key
 *
 * Fails, leaving out empty: RDT_E_BADINPUT (a length, an encapsulated key that no sender makes),
 * RDT_E_TAMPERED (private key, enc, info, aad and sealed do not belong together), RDT_E_INTERNAL,
 * as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_hpke_open(struct rdt_worker *worker,
                                           const struct rdt_secret *private_key,
                                           const struct rdt_hpke_about *about, struct rdt_span enc,
                                           struct rdt_span sealed, struct rdt_secret *out);

#endif
