/*
 * What the clock does for rings: handles move to the epoch of a rotated ring, and the seeds of
 * destroyed tenants are erased. Both in steps of bounded length, each a call of the service itself;
 * what is to be done is read from the rows, so a stop in the middle loses nothing.
 */
#include "codec/base64.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include <stdio.h>

#define LOOK_STEP 4096  /* rows looked at in one tick */
#define MOVE_STEP 512   /* handles of one call */
#define ERASE_STEP 1024 /* seeds of one call */
#define BODY_LEN 96

/* ---- handles ---- */

/* The key that a handle is to move with; NULL: it stays. */
static const struct rdt_key *
due_key(struct rdt_view view, const struct rdt_handle *handle)
{
    const struct rdt_key *key = handle->dead ? NULL : rdt_view_key(view, handle->key);
    return key != NULL && key->state == RDT_KEY_ENABLED && key->current > handle->epoch ? key
                                                                                        : NULL;
}

/* From a handle on; what is beyond a step is for the next one. */
static enum rdt_fault
move_handles(struct rdt_call *call)
{
    uint32_t from = (uint32_t)rdt_in_int(call, "Handle", 0);
    uint8_t before[4];
    rdt_u32_bytes(from - 1, before);
    struct rdt_span id = {before, sizeof before};
    const struct rdt_handle *handle;
    size_t moved = 0;
    char text[16];
    if (from <= 1)
        id.n = 0;
    for (size_t i = 0; i < LOOK_STEP && moved < MOVE_STEP &&
                       (handle = rdt_view_next(call->view, RDT_KIND_HANDLE, id, &id)) != NULL;
         i++) {
        const struct rdt_key *key = due_key(call->view, handle);
        if (key == NULL)
            continue;
        enum rdt_fault fault = rdt_handle_move(call, key, handle, key->current);
        if (fault != RDT_FAULT_NONE)
            return fault;
        moved++;
    }
    snprintf(text, sizeof text, "%zu", moved);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("handles"), rdt_span_str(text));
    return RDT_FAULT_NONE;
}

static uint32_t
find_handle(struct rdt_kms *kms, struct rdt_kms_thread *thread)
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {thread->handle_at, sizeof thread->handle_at};
    const struct rdt_handle *handle = NULL;
    uint32_t found = 0;
    rdt_state_lock_shared(kms->state);
    for (size_t i = 0; i < LOOK_STEP && found == 0; i++) {
        handle = rdt_view_next(view, RDT_KIND_HANDLE, id, &id);
        if (handle == NULL)
            break;
        if (due_key(view, handle) != NULL)
            found = handle->handle;
        else
            rdt_u32_bytes(handle->handle, thread->handle_at);
    }
    if (handle == NULL)
        memset(thread->handle_at, 0, sizeof thread->handle_at);
    rdt_state_unlock(kms->state);
    return found;
}

/* ---- the dead ---- */

/* Seeds of a handle that are still there, at most `most`; all: there is none beyond. */
static enum rdt_fault
erase_handle(struct rdt_call *call, uint32_t handle, size_t *most)
{
    uint8_t prefix[4];
    rdt_u32_bytes(handle, prefix);
    struct rdt_span id = {prefix, sizeof prefix};
    const struct rdt_seed *seed;
    while ((seed = rdt_view_next(call->view, RDT_KIND_SEED, id, &id)) != NULL &&
           seed->handle == handle) {
        if (seed->wrapped.n == 0)
            continue;
        if (*most == 0)
            return RDT_FAULT_NONE;
        struct rdt_seed *row = rdt_tx_edit(call->tx, RDT_KIND_SEED, id);
        if (row == NULL || !rdt_bytes_set(&row->wrapped, (struct rdt_span){NULL, 0}))
            return rdt_out_of_memory(call);
        row->destroyed_ms = call->request->now_ms;
        (*most)--;
    }
    return RDT_FAULT_NONE;
}

static enum rdt_fault
erase_tenant(struct rdt_call *call)
{
    struct rdt_span word = rdt_in_text(call, "Tenant");
    const struct rdt_tenant *now = rdt_tenant_named(call->view, word);
    size_t left = ERASE_STEP;
    uint32_t handle;
    char text[16];
    if (now == NULL || now->state != RDT_TENANT_DYING)
        return RDT_FAULT_NONE;
    for (size_t i = 0; left != 0 && rdt_tenant_ring(now, i, &handle) != NULL; i++) {
        enum rdt_fault fault = erase_handle(call, handle, &left);
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    rdt_pairs_add(&call->note.parameters, rdt_span_str("tenant"), word);
    snprintf(text, sizeof text, "%zu", ERASE_STEP - left);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("seeds"), rdt_span_str(text));
    if (left == 0)
        return RDT_FAULT_NONE; /* perhaps there are more */
    struct rdt_tenant *tenant =
        rdt_tx_edit(call->tx, RDT_KIND_TENANT, (struct rdt_span){now->id, 16});
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (tenant == NULL || site == NULL)
        return rdt_out_of_memory(call);
    site->erased_ms = call->request->now_ms;
    tenant->state = RDT_TENANT_DESTROYED;
    tenant->state_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

static bool
is_dying(struct rdt_view view, const uint8_t id[static 16])
{
    const struct rdt_tenant *tenant =
        rdt_view_get(view, RDT_KIND_TENANT, (struct rdt_span){id, 16});
    return tenant != NULL && tenant->state == RDT_TENANT_DYING;
}

/* The one that was destroyed last, or whatever a walk over all finds. */
static bool
find_dying(struct rdt_kms *kms, struct rdt_kms_thread *thread, uint8_t out[static 16])
{
    struct rdt_view view = {.state = kms->state};
    struct rdt_span id = {thread->tenant_at, sizeof thread->tenant_at};
    rdt_state_lock_shared(kms->state);
    bool found = is_dying(view, thread->dying);
    if (found)
        memcpy(out, thread->dying, 16);
    for (size_t i = 0; i < LOOK_STEP && !found; i++) {
        const struct rdt_tenant *tenant = rdt_view_next(view, RDT_KIND_TENANT, id, &id);
        if (tenant == NULL) {
            memset(thread->tenant_at, 0, sizeof thread->tenant_at);
            break;
        }
        found = tenant->state == RDT_TENANT_DYING;
        memcpy(found ? out : thread->tenant_at, tenant->id, 16);
    }
    rdt_state_unlock(kms->state);
    return found;
}

/* ---- the table, and the tick ---- */

static const struct rdt_in handle_in[] = {
    {.name = "Handle", .type = RDT_IN_INT, .required = true, .min = 0, .max = UINT32_MAX},
};
static const struct rdt_in tenant_in[] = {
    {.name = "Tenant", .type = RDT_IN_TEXT, .required = true, .min = 36, .max = 36},
};

#define SYSTEM(text, members, handler)                                                             \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .cls = RDT_OP_WRITE, .internal = true,               \
        .in = members, .n_in = RDT_COUNT(members), .run = handler                                  \
    }

static const struct rdt_op ops[] = {
    /* by name */
    SYSTEM("SystemRingMove", handle_in, move_handles),
    SYSTEM("SystemTenantErase", tenant_in, erase_tenant),
};

const struct rdt_op_table rdt_ops_ring = {ops, RDT_COUNT(ops)};

void
rdt_ring_due(struct rdt_kms *kms, struct rdt_kms_thread *thread)
{
    char body[BODY_LEN], uuid[RDT_UUID_TEXT];
    uint8_t tenant[16];
    RDT_BUF out = {0};
    uint32_t handle = find_handle(kms, thread);
    /* a failure is in the audit log; the next tick finds the same thing due */
    if (handle != 0) {
        snprintf(body, sizeof body, "{\"Handle\":%u}", handle);
        (void)!rdt_kms_local(kms, thread, "SystemRingMove", body, &out, NULL);
    }
    if (find_dying(kms, thread, tenant)) {
        rdt_uuid_text(tenant, uuid);
        snprintf(body, sizeof body, "{\"Tenant\":\"%s\"}", uuid);
        (void)!rdt_kms_local(kms, thread, "SystemTenantErase", body, &out, NULL);
    }
}
