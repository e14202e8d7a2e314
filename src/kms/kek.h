/*
 * kek.h - the key of one tenant in one epoch, out of two halves: the ring's, which all its tenants
 * share, and the tenant's own seed, which can be destroyed alone.
 *
 * Format: docs/formats/tenant-kek.md.  Source: SECURITY-DESIGN section 3.
 */
#ifndef RDT_KMS_KEK_H
#define RDT_KMS_KEK_H

#include "base/buf.h"
#include "codec/kek.h"
#include "crypto/worker.h"

#define RDT_SEED_LEN ((size_t)32) /* bytes of a seed */

/*
 * rdt_kek_derive - ring secret = KBKDF(material, "redoubt ring v1", key UUID);
 * KEK = HKDF-SHA-256(ikm = ring secret, salt = seed, info = label 00 | handle | epoch).
 *
 *   material   of the version that the epoch uses, 32 bytes
 *   seed       RDT_SEED_LEN bytes
 *   out        a secret of 32 bytes made by the caller; zeroes after a failure
 *
 * Fails: RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_kek_derive(struct rdt_worker *worker,
                                            const struct rdt_secret *material,
                                            const struct rdt_secret *seed,
                                            const struct rdt_kek_place *place,
                                            struct rdt_secret *out);

#endif
