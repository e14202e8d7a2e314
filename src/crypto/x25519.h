/*
 * x25519.h - Diffie and Hellman on Curve25519 (RFC 7748): what hpke.h and the recipients of age
 * files are made of.
 */
#ifndef RDT_CRYPTO_X25519_H
#define RDT_CRYPTO_X25519_H

#include "crypto/worker.h"

#define RDT_X25519_LEN ((size_t)32) /* bytes of a private key, a public key and a shared secret */

/*
 * rdt_x25519_keypair - a new key pair.
 *
 *   private_key   an empty secret that becomes RDT_X25519_LEN bytes
 *
 * Fails, leaving it empty: RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_x25519_keypair(struct rdt_worker *worker,
                                                struct rdt_secret *private_key,
                                                uint8_t public_key[static RDT_X25519_LEN],
                                                struct rdt_err *err);

/*
 * rdt_x25519_public - the public key of a private one.
 * Fails: RDT_E_INTERNAL (also when the private key has another length).
 */
RDT_MUST_CHECK enum rdt_code rdt_x25519_public(struct rdt_worker *worker,
                                               const struct rdt_secret *private_key,
                                               uint8_t out[static RDT_X25519_LEN]);

/*
 * rdt_x25519_shared - what both sides of an exchange know.
 *
 *   public_key   RDT_X25519_LEN bytes from anybody
 *   out          in the memory of a secret
 *
 * Fails: RDT_E_BADINPUT (a public key that makes every secret the same: all zeroes, RFC 7748
 * section 6.1), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_x25519_shared(struct rdt_worker *worker,
                                               const struct rdt_secret *private_key,
                                               const uint8_t *public_key,
                                               uint8_t out[static RDT_X25519_LEN]);

#endif
