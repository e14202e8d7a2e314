/*
 * passphrase.h - Argon2id (RFC 9106) by libargon2.
 */
#ifndef RDT_CRYPTO_PASSPHRASE_H
#define RDT_CRYPTO_PASSPHRASE_H

#include "base/err.h"
#include "base/secret.h"

#define RDT_ARGON_MEMORY_MAX (1u << 20)  /* KiB of one derivation: 1 GiB; more is refused */
#define RDT_ARGON_MEMORY_MIN (19u << 10) /* KiB, likewise */
#define RDT_ARGON_PASSES_MAX 10u         /* passes over that memory */
#define RDT_ARGON_LANES_MAX 4u           /* threads of one derivation */
#define RDT_ARGON_SALT_LEN ((size_t)16)

struct rdt_argon {
    uint32_t memory_kib; /* RDT_ARGON_MEMORY_MIN..RDT_ARGON_MEMORY_MAX */
    uint32_t passes;     /* 1..RDT_ARGON_PASSES_MAX */
    uint32_t lanes;      /* 1..RDT_ARGON_LANES_MAX */
    uint8_t salt[16];
};

/* rdt_argon_check - whether a cost lies within the bounds above: RDT_OK or RDT_E_LIMIT. */
RDT_MUST_CHECK enum rdt_code rdt_argon_check(const struct rdt_argon *cost, struct rdt_err *err);

/*
 * rdt_passphrase_key - a key out of a passphrase.  Its memory (gone over before it is freed) is
 * not locked: what swap might keep of it is less than the cost to find the passphrase anew.
 *
 *   out   a secret of 16..64 bytes made by the caller
 *
 * Fails: RDT_E_LIMIT (a cost outside the bounds above, which may come from a file), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_passphrase_key(const struct rdt_secret *passphrase,
                                                const struct rdt_argon *cost,
                                                struct rdt_secret *out, struct rdt_err *err);

#endif
