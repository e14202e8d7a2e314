/*
 * KekExport: a tenant's key of one epoch to a client that encrypts fields by itself, sealed to a
 * key pair that the client made for this one answer.
 *
 * The record of it is in the log before the answer leaves, as of any call. The row, which says who
 * may still hold the key, is written with some time in hand, so that a client that asks again and
 * again costs a commit in an hour and not one each time.
 */
#include "crypto/hpke.h"
#include "kms/tenant_internal.h"

#include <stdio.h>

#define IN_HAND_MS ((int64_t)3600000) /* that a row promises beyond the client's own limit */

struct export
{
    const struct rdt_key *key;
    const struct rdt_tenant *tenant;
    const struct rdt_handle *handle;
    const struct rdt_seed *seed;
    const struct rdt_version *version;
};

static void
note_number(struct rdt_call *call, const char *name, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), rdt_span_str(text));
}

/* What the request names; nothing is refused yet, since who may not ask learns nothing. */
static enum rdt_fault
look_up(struct rdt_call *call, struct export *export)
{
    if (rdt_in_has(call, "Tenant") == rdt_in_has(call, "Handle"))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "give either tenant or handle, and not both");
    if (rdt_in_has(call, "Handle")) {
        export->handle = rdt_handle_get(call->view, (uint32_t)rdt_in_int(call, "Handle", 0));
        if (export->handle != NULL)
            export->tenant = rdt_view_get(call->view, RDT_KIND_TENANT,
                                          (struct rdt_span){export->handle->tenant, 16});
    } else {
        export->tenant = rdt_tenant_named(call->view, rdt_in_text(call, "Tenant"));
    }
    return RDT_FAULT_NONE;
}

/* Policies may ask for the tenant as kms:EncryptionContext:tenant. */
static enum rdt_fault
authorise(struct rdt_call *call, struct export *export)
{
    struct rdt_context *context = &call->thread->context;
    context->n = 0;
    if (export->tenant != NULL &&
        !rdt_context_add(context, rdt_span_str("tenant"), rdt_span_str(export->tenant->name)))
        return RDT_FAULT_INTERNAL;
    if (rdt_context_finish(context) != RDT_OK)
        return RDT_FAULT_INTERNAL;
    enum rdt_fault fault =
        rdt_call_key(call, rdt_in_text(call, "KeyId"), NULL, context, &export->key);
    if (export->key != NULL)
        memcpy(call->note.key, export->key->id, sizeof call->note.key);
    if (fault == RDT_FAULT_NONE)
        call->key = export->key;
    return fault;
}

static enum rdt_fault
check_tenant(struct rdt_call *call, struct export *export)
{
    if (!export->key->tenants)
        return rdt_call_fail(call, RDT_FAULT_INVALID_KEY_USAGE, "the key is not a ring of tenants");
    if (export->tenant != NULL && export->handle == NULL)
        export->handle = rdt_tenant_handle(call->view, export->tenant, export->key->id);
    if (export->tenant == NULL || export->handle == NULL ||
        !rdt_span_eq((struct rdt_span){export->handle->key, 16},
                     (struct rdt_span){export->key->id, 16}))
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such tenant in this ring");
    note_number(call, "handle", export->handle->handle);
    if (export->tenant->state != RDT_TENANT_LIVES || export->handle->dead)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "the tenant is destroyed");
    return RDT_FAULT_NONE;
}

/* The epoch's seed; a handle that is due to move does so now. */
static enum rdt_fault
find_seed(struct rdt_call *call, struct export *export)
{
    uint32_t now = rdt_handle_epoch(export->handle, export->key);
    uint32_t epoch = (uint32_t)rdt_in_int(call, "Epoch", 0);
    if (epoch == 0)
        epoch = now;
    note_number(call, "epoch", epoch);
    if (epoch == now && now != export->handle->epoch) {
        enum rdt_fault fault = rdt_handle_move(call, export->key, export->handle, now);
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    export->seed = rdt_seed_get(call->view, export->handle->handle, epoch);
    if (export->seed == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the tenant has no epoch %u in this ring",
                             epoch);
    if (export->seed->wrapped.n == 0)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "the epoch is destroyed");
    return RDT_FAULT_NONE;
}

static enum rdt_fault
find_version(struct rdt_call *call, struct export *export)
{
    export->version = rdt_view_version(call->view, export->key->id, export->seed->version);
    if (export->version == NULL || export->version->state == RDT_VERSION_DESTROYED)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                             "the ring's key material of this epoch was destroyed");
    if (export->version->state != RDT_VERSION_QUIESCED)
        return RDT_FAULT_NONE;
    rdt_usage_refused(call->thread->usage, export->version);
    return rdt_call_fail(call, RDT_FAULT_INVALID_STATE,
                         "the ring's key material of this epoch is quiesced before destruction; "
                         "this attempt has put it back to draining");
}

/* ---- who has it ---- */

static enum rdt_fault
remember(struct rdt_call *call, const struct export *export, int64_t until_ms)
{
    uint8_t id[24];
    struct rdt_span span = {id, sizeof id};
    rdt_u32_bytes(export->seed->handle, id);
    rdt_u32_bytes(export->seed->epoch, id + 4);
    memcpy(id + 8, call->request->caller.principal, 16);
    const struct rdt_kek_export *now = rdt_view_get(call->view, RDT_KIND_EXPORT, span);
    if (now != NULL && now->ttl_until_ms >= until_ms)
        return RDT_FAULT_NONE;
    struct rdt_kek_export *row = now != NULL ? rdt_tx_edit(call->tx, RDT_KIND_EXPORT, span)
                                             : rdt_tx_add(call->tx, RDT_KIND_EXPORT, span);
    if (row == NULL)
        return rdt_out_of_memory(call);
    row->handle = export->seed->handle;
    row->epoch = export->seed->epoch;
    memcpy(row->principal, call->request->caller.principal, sizeof row->principal);
    if (now == NULL)
        row->first_ms = call->request->now_ms;
    row->last_ms = call->request->now_ms;
    row->ttl_until_ms = until_ms + IN_HAND_MS;
    return RDT_FAULT_NONE;
}

/* ---- the key ---- */

struct sealed {
    uint8_t enc[RDT_HPKE_PUBLIC_LEN];
    uint8_t kek[RDT_KEY_LEN + RDT_GCM_TAG_LEN];
};

static enum rdt_code
derive(struct rdt_call *call, const struct export *export, const struct rdt_kek_place *place,
       struct rdt_secret *kek)
{
    RDT_SECRET seed = {0};
    struct rdt_kms_thread *thread = call->thread;
    enum rdt_code rc = rdt_seed_open(call, export->handle, export->seed, &seed);
    if (rc == RDT_OK)
        rc = rdt_secret_new(kek, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_material_open(call->kms, thread, export->version);
    if (rc == RDT_OK)
        rc = rdt_kek_derive(thread->worker, &thread->material, &seed, place, kek);
    rdt_secret_clear(&thread->material);
    return rc;
}

static enum rdt_fault
seal(struct rdt_call *call, const struct export *export, struct sealed *out)
{
    RDT_SECRET kek = {0};
    uint8_t info[RDT_KEK_INFO_LEN];
    struct rdt_hpke_about about = {
        .info = {info, sizeof info}
    };
    struct rdt_kek_place place = {.key = export->key->id,
                                  .tenant = export->tenant->id,
                                  .handle = export->seed->handle,
                                  .epoch = (uint16_t) export->seed->epoch};
    rdt_kek_info(&place, info);
    enum rdt_code rc = derive(call, export, &place, &kek);
    if (rc == RDT_OK)
        rc = rdt_hpke_seal(call->thread->worker, rdt_in_blob(call, "PublicKey"), &about, &kek,
                           out->enc, out->kek);
    if (rc == RDT_E_BADINPUT)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "publicKey is no usable X25519 key");
    return rc == RDT_OK ? RDT_FAULT_NONE
                        : rdt_call_fail(call, RDT_FAULT_INTERNAL, "the key could not be sealed");
}

static void
put_answer(struct rdt_call *call, const struct export *export, const struct sealed *sealed)
{
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", export->key->id);
    rdt_jout_str(out, "Tenant", export->tenant->name);
    rdt_jout_uuid(out, "TenantId", export->tenant->id);
    rdt_jout_int(out, "Handle", export->seed->handle);
    rdt_jout_int(out, "Epoch", export->seed->epoch);
    rdt_jout_int(out, "CurrentEpoch", rdt_handle_epoch(export->handle, export->key));
    rdt_jout_blob(out, "Encapsulated", (struct rdt_span){sealed->enc, sizeof sealed->enc});
    rdt_jout_blob(out, "SealedKey", (struct rdt_span){sealed->kek, sizeof sealed->kek});
    rdt_jout_int(out, "TtlSeconds", rdt_view_site(call->view)->client_ttl_s);
    rdt_jout_close(out, '}');
}

enum rdt_fault
rdt_op_kek_export(struct rdt_call *call)
{
    struct export export = {0};
    struct sealed sealed;
    enum rdt_fault fault = look_up(call, &export);
    if (fault == RDT_FAULT_NONE)
        fault = authorise(call, &export);
    if (fault == RDT_FAULT_NONE)
        fault = check_tenant(call, &export);
    if (fault == RDT_FAULT_NONE)
        fault = find_seed(call, &export);
    if (fault == RDT_FAULT_NONE)
        fault = find_version(call, &export);
    if (fault == RDT_FAULT_NONE)
        fault = seal(call, &export, &sealed);
    if (fault == RDT_FAULT_NONE)
        fault = remember(call, &export,
                         call->request->now_ms +
                             (int64_t)rdt_view_site(call->view)->client_ttl_s * 1000);
    if (fault != RDT_FAULT_NONE)
        return fault;
    memcpy(call->note.material, export.version->material_id, sizeof call->note.material);
    rdt_usage_count(call->thread->usage, call, export.version,
                    export.seed->epoch == rdt_handle_epoch(export.handle, export.key));
    put_answer(call, &export, &sealed);
    return RDT_FAULT_NONE;
}
