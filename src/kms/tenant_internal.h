/*
 * tenant_internal.h - tenants and their handles in rings, for the operations and the clock.
 *
 * A ring is a KMS key. A handle is one tenant in one ring; its epochs each have a seed of their
 * own and use the secret of one version of the ring. Once the ring has a version above a handle's
 * epoch, the handle is due to move there: it does so when it is asked for, or by the clock.
 */
#ifndef RDT_KMS_TENANT_INTERNAL_H
#define RDT_KMS_TENANT_INTERNAL_H

#include "kms/call_internal.h"
#include "kms/kek.h"

#define TENANT_RINGS_MAX 64 /* rings that one tenant has handles in */

/* rdt_tenant_named - by the name of one that lives, or by its UUID, also when it is destroyed;
 * NULL: none. */
const struct rdt_tenant *rdt_tenant_named(struct rdt_view view, struct rdt_span word);

/* rdt_tenant_ring - ring number i of a tenant: its key's UUID, borrowed, and the handle there;
 * NULL behind the last. */
const uint8_t *rdt_tenant_ring(const struct rdt_tenant *tenant, size_t i, uint32_t *handle);

/* rdt_tenant_handle - a tenant's handle in a ring; NULL: it has none there. */
const struct rdt_handle *rdt_tenant_handle(struct rdt_view view, const struct rdt_tenant *tenant,
                                           const uint8_t key[static 16]);

/* rdt_handle_get, rdt_seed_get - the row; NULL: none. */
const struct rdt_handle *rdt_handle_get(struct rdt_view view, uint32_t handle);
const struct rdt_seed *rdt_seed_get(struct rdt_view view, uint32_t handle, uint32_t epoch);

/* rdt_handle_epoch - where a handle stands, also when it is still to move there. */
uint32_t rdt_handle_epoch(const struct rdt_handle *handle, const struct rdt_key *key);

/* rdt_ring_highest - the highest epoch that a ring has had: by its versions, by what a census saw,
 * by its handles. Looks at every handle. */
uint32_t rdt_ring_highest(struct rdt_view view, const struct rdt_key *key);

/*
 * rdt_handle_move - a handle's epoch becomes another, with a new seed and the ring's current
 * version.
 *
 * Answers LimitExceededException (above RDT_EPOCH_MAX), KMSInternalException.
 */
enum rdt_fault rdt_handle_move(struct rdt_call *call, const struct rdt_key *key,
                               const struct rdt_handle *handle, uint32_t epoch);

/* rdt_seed_open - unwrap a seed into an empty secret.  Fails: RDT_E_STATE (destroyed), as
 * rdt_wrap_open(). */
RDT_MUST_CHECK enum rdt_code rdt_seed_open(struct rdt_call *call, const struct rdt_handle *handle,
                                           const struct rdt_seed *seed, struct rdt_secret *out);

/* rdt_u32_bytes - big-endian, as ids of rows have it. */
static inline void
rdt_u32_bytes(uint32_t v, uint8_t out[static 4])
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* rdt_op_kek_export - op_kek.c */
rdt_op_fn rdt_op_kek_export;

#endif
