/*
 * Tenants: each has a handle, and in each epoch of it a seed of its own, in every ring that it
 * uses. Destroying the seeds destroys the tenant's keys, and nobody else's.
 */
#include "base/text.h"
#include "codec/base64.h"
#include "kms/approval_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include <stdio.h>

#define DAY_MS ((int64_t)86400000)
#define HANDLE_TRIES 64    /* random handles until one is free */
#define EXPORTS_SHOWN 1000 /* exports in one answer */
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-"

static void
note(struct rdt_call *call, const char *name, struct rdt_span value)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), value);
}

static void
note_tenant(struct rdt_call *call, const struct rdt_tenant *tenant)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(tenant->id, uuid);
    note(call, "tenant", rdt_span_str(uuid));
}

static void
note_number(struct rdt_call *call, const char *name, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    note(call, name, rdt_span_str(text));
}

/* The tenant of the input, living. */
static enum rdt_fault
living(struct rdt_call *call, const struct rdt_tenant **out)
{
    *out = rdt_tenant_named(call->view, rdt_in_text(call, "Tenant"));
    if (*out == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such tenant");
    note_tenant(call, *out);
    if ((*out)->state != RDT_TENANT_LIVES)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "the tenant is destroyed");
    return RDT_FAULT_NONE;
}

static enum rdt_fault
check_ring(struct rdt_call *call)
{
    char arn[ARN_TEXT];
    if (call->key->tenants)
        return RDT_FAULT_NONE;
    rdt_key_arn(call->kms, call->key->id, arn);
    return rdt_call_fail(call, RDT_FAULT_INVALID_KEY_USAGE,
                         "%s is not a ring of tenants: redoubt key ring", arn);
}

/* ---- answers ---- */

static const char *
state_word(const struct rdt_tenant *tenant)
{
    static const char *const words[] = {[RDT_TENANT_LIVES] = "Active",
                                        [RDT_TENANT_DYING] = "Destroying",
                                        [RDT_TENANT_DESTROYED] = "Destroyed"};
    return tenant->state < RDT_COUNT(words) && words[tenant->state] != NULL ? words[tenant->state]
                                                                            : "unknown";
}

static void
put_rings(struct rdt_call *call, const struct rdt_tenant *tenant)
{
    struct rdt_buf *out = call->request->out;
    const uint8_t *ring;
    uint32_t number;
    rdt_jout_open(out, "Rings", '[');
    for (size_t i = 0; (ring = rdt_tenant_ring(tenant, i, &number)) != NULL; i++) {
        const struct rdt_handle *handle = rdt_handle_get(call->view, number);
        rdt_jout_open(out, NULL, '{');
        rdt_jout_uuid(out, "KeyId", ring);
        rdt_jout_int(out, "Handle", number);
        if (handle != NULL)
            rdt_jout_int(out, "Epoch",
                         rdt_handle_epoch(handle, rdt_view_key(call->view, handle->key)));
        if (handle != NULL && handle->rotated_ms != 0)
            rdt_jout_time(out, "RotationDate", handle->rotated_ms);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static void
put_members(struct rdt_call *call, const struct rdt_tenant *tenant)
{
    struct rdt_buf *out = call->request->out;
    rdt_jout_str(out, "Tenant", tenant->name);
    rdt_jout_uuid(out, "TenantId", tenant->id);
    rdt_jout_str(out, "State", state_word(tenant));
    rdt_jout_time(out, "CreationDate", tenant->created_ms);
    if (tenant->state != RDT_TENANT_LIVES)
        rdt_jout_time(out, "StateDate", tenant->state_ms);
    put_rings(call, tenant);
}

static void
put_tenant(struct rdt_call *call, const void *row)
{
    rdt_jout_open(call->request->out, NULL, '{');
    put_members(call, row);
    rdt_jout_close(call->request->out, '}');
}

static enum rdt_fault
tenant_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Tenants", RDT_KIND_TENANT, 100, 1000, put_tenant);
}

static void
put_export(struct rdt_call *call, const struct rdt_kek_export *row)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_principal *principal = rdt_view_principal(call->view, row->principal);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "Handle", row->handle);
    rdt_jout_int(out, "Epoch", row->epoch);
    rdt_jout_uuid(out, "PrincipalId", row->principal);
    if (principal != NULL)
        rdt_jout_str(out, "Principal", principal->name);
    rdt_jout_time(out, "FirstExport", row->first_ms);
    rdt_jout_time(out, "LastExport", row->last_ms);
    rdt_jout_time(out, "HeldUntil", row->ttl_until_ms);
    rdt_jout_close(out, '}');
}

/* Who was given keys of a handle; false: there are more than an answer shows. */
static bool
put_exports(struct rdt_call *call, uint32_t handle, size_t *n)
{
    uint8_t prefix[4];
    rdt_u32_bytes(handle, prefix);
    struct rdt_span id = {prefix, sizeof prefix};
    const struct rdt_kek_export *row;
    while ((row = rdt_view_next(call->view, RDT_KIND_EXPORT, id, &id)) != NULL &&
           row->handle == handle) {
        if ((*n)++ == EXPORTS_SHOWN)
            return false;
        put_export(call, row);
    }
    return true;
}

static enum rdt_fault
tenant_show(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_tenant *tenant = rdt_tenant_named(call->view, rdt_in_text(call, "Tenant"));
    uint32_t handle;
    size_t n = 0;
    bool all = true;
    if (tenant == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such tenant");
    rdt_jout_open(out, NULL, '{');
    put_members(call, tenant);
    rdt_jout_open(out, "Exports", '[');
    for (size_t i = 0; all && rdt_tenant_ring(tenant, i, &handle) != NULL; i++)
        all = put_exports(call, handle, &n);
    rdt_jout_close(out, ']');
    rdt_jout_bool(out, "MoreExports", !all);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- rings ---- */

/* There is no way back: values that carry handles of the ring may be anywhere. */
static enum rdt_fault
key_ring(struct rdt_call *call)
{
    char arn[ARN_TEXT];
    rdt_key_arn(call->kms, call->key->id, arn);
    if (call->key->origin != RDT_ORIGIN_AWS_KMS)
        return rdt_call_fail(call, RDT_FAULT_UNSUPPORTED,
                             "%s: imported material cannot be rotated, and a ring has to be", arn);
    if (!call->key->tenants) {
        struct rdt_key *key = rdt_edit_key(call);
        if (key == NULL)
            return rdt_out_of_memory(call);
        key->tenants = 1;
    }
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_str(call->request->out, "KeyId", arn);
    rdt_jout_bool(call->request->out, "Tenants", true);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* ---- create ---- */

/* As a principal's; and not like the id of one, by which it could be taken for another. */
static bool
good_name(struct rdt_span name)
{
    uint8_t id[16];
    for (size_t i = 0; i < name.n; i++)
        if (memchr(NAME_CHARACTERS, name.p[i], sizeof NAME_CHARACTERS - 1) == NULL)
            return false;
    return name.n != 0 && !(name.n == RDT_UUID_TEXT - 1 && rdt_uuid_parse(name, id));
}

/* The tenant of a name, to be changed; a new one where there is none. */
static struct rdt_tenant *
tenant_to_edit(struct rdt_call *call, struct rdt_span name)
{
    const struct rdt_tenant *now = rdt_tenant_named(call->view, name);
    uint8_t id[16];
    if (now != NULL)
        return rdt_tx_edit(call->tx, RDT_KIND_TENANT, (struct rdt_span){now->id, 16});
    rdt_kms_request_id(call->thread, id);
    struct rdt_tenant *tenant =
        rdt_tx_add(call->tx, RDT_KIND_TENANT, (struct rdt_span){id, sizeof id});
    struct rdt_tenant_name *leads = rdt_tx_add(call->tx, RDT_KIND_TENANT_NAME, name);
    if (tenant == NULL || leads == NULL || !rdt_text_set(&tenant->name, name) ||
        !rdt_text_set(&leads->name, name))
        return NULL;
    memcpy(tenant->id, id, sizeof id);
    memcpy(leads->tenant, id, sizeof id);
    tenant->state = RDT_TENANT_LIVES;
    tenant->created_ms = call->request->now_ms;
    return tenant;
}

/* A handle nobody has or ever had: those of destroyed tenants stay as rows. */
static struct rdt_handle *
new_handle(struct rdt_call *call)
{
    for (size_t i = 0; i < HANDLE_TRIES; i++) {
        uint8_t id[4];
        uint32_t number;
        if (rdt_random(call->thread->worker, id, sizeof id, NULL) != RDT_OK)
            return NULL;
        number = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
        if (number == 0 || rdt_handle_get(call->view, number) != NULL)
            continue;
        struct rdt_handle *handle =
            rdt_tx_add(call->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
        if (handle != NULL)
            handle->handle = number;
        return handle;
    }
    return NULL;
}

static enum rdt_fault
add_handle(struct rdt_call *call, struct rdt_tenant *tenant)
{
    RDT_BUF rings = {0};
    uint8_t number[4];
    struct rdt_handle *handle = new_handle(call);
    if (handle == NULL)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no free handle was found");
    memcpy(handle->key, call->key->id, sizeof handle->key);
    memcpy(handle->tenant, tenant->id, sizeof handle->tenant);
    rdt_u32_bytes(handle->handle, number);
    rdt_buf_add(&rings, tenant->rings.p, tenant->rings.n);
    rdt_buf_add(&rings, handle->key, sizeof handle->key);
    rdt_buf_add(&rings, number, sizeof number);
    if (!rdt_buf_ok(&rings) || !rdt_bytes_set(&tenant->rings, rdt_buf_span(&rings)))
        return rdt_out_of_memory(call);
    note_number(call, "handle", handle->handle);
    return rdt_handle_move(call, call->key, handle, call->key->current);
}

static enum rdt_fault
tenant_create(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "Tenant");
    if (!good_name(name))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "a tenant's name has 1 to 64 of letters, digits and +=,.@_-, and is "
                             "no UUID");
    note(call, "name", name);
    enum rdt_fault fault = check_ring(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_tenant *tenant = tenant_to_edit(call, name);
    if (tenant == NULL)
        return rdt_out_of_memory(call);
    note_tenant(call, tenant);
    if (rdt_tenant_handle(call->view, tenant, call->key->id) != NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS,
                             "there is a tenant with this name in this ring");
    uint32_t handle;
    if (rdt_tenant_ring(tenant, TENANT_RINGS_MAX - 1, &handle) != NULL)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "a tenant is in %d rings at most",
                             TENANT_RINGS_MAX);
    fault = add_handle(call, tenant);
    if (fault == RDT_FAULT_NONE)
        put_tenant(call, tenant);
    return fault;
}

/* ---- rotate ---- */

/*
 * The next epoch of a handle off the cycle. Where a census has seen epochs above all that the rows
 * know (an old copy of them was restored), it goes on above those.
 */
static uint32_t
next_epoch(struct rdt_call *call, const struct rdt_handle *handle)
{
    const struct rdt_key *key = call->key;
    uint32_t now = rdt_handle_epoch(handle, key);
    if (key->epoch_seen > now) {
        struct rdt_key known = *key;
        known.epoch_seen = 0;
        /* nobody knows which handle it was that stood there before the restore */
        if (rdt_view_site(call->view)->restored_ms != 0 ||
            key->epoch_seen > rdt_ring_highest(call->view, &known))
            return key->epoch_seen + 1;
    }
    return now + 1;
}

/* One a day by whoever may; more often by two, whose approval may leave the ring open. */
static enum rdt_fault
check_pace(struct rdt_call *call, const struct rdt_tenant *tenant, const struct rdt_handle *handle)
{
    RDT_BUF any = {0};
    RDT_BUF this = {0};
    char key[RDT_UUID_TEXT], id[RDT_UUID_TEXT];
    uint8_t request[16];
    if (handle->rotated_ms == 0 || call->request->now_ms >= handle->rotated_ms + DAY_MS)
        return RDT_FAULT_NONE;
    rdt_uuid_text(call->key->id, key);
    rdt_uuid_text(tenant->id, id);
    rdt_pairs_add(&any, rdt_span_str("Tenant"), rdt_span_str(id));
    rdt_pairs_add(&this, rdt_span_str("Key"), rdt_span_str(key));
    rdt_pairs_add(&this, rdt_span_str("Tenant"), rdt_span_str(id));
    if (!rdt_buf_ok(&any) || !rdt_buf_ok(&this))
        return rdt_out_of_memory(call);
    struct approval_about about = {.operation = "tenant-rotate", .parameters = rdt_buf_span(&any)};
    if (!rdt_approval_ready(call->view, call->kms, &about, call->request->now_ms, request))
        about.parameters = rdt_buf_span(&this);
    return rdt_approval_take(call, &about);
}

static enum rdt_fault
tenant_rotate(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_tenant *tenant;
    uint8_t id[4];
    enum rdt_fault fault = living(call, &tenant);
    if (fault == RDT_FAULT_NONE)
        fault = check_ring(call);
    if (fault != RDT_FAULT_NONE)
        return fault;
    const struct rdt_handle *now = rdt_tenant_handle(call->view, tenant, call->key->id);
    if (now == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the tenant is not in this ring");
    fault = check_pace(call, tenant, now);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_handle_move(call, call->key, now, next_epoch(call, now));
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_u32_bytes(now->handle, id);
    struct rdt_handle *handle =
        rdt_tx_edit(call->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
    if (handle == NULL)
        return rdt_out_of_memory(call);
    handle->rotated_ms = call->request->now_ms;
    note_number(call, "handle", handle->handle);
    note_number(call, "epoch", handle->epoch);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "Tenant", tenant->name);
    rdt_jout_int(out, "Handle", handle->handle);
    rdt_jout_int(out, "Epoch", handle->epoch);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- destroy ---- */

static enum rdt_fault
approved(struct rdt_call *call, const struct rdt_tenant *tenant)
{
    RDT_BUF parameters = {0};
    char id[RDT_UUID_TEXT];
    rdt_uuid_text(tenant->id, id);
    rdt_pairs_add(&parameters, rdt_span_str("Tenant"), rdt_span_str(id));
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    struct approval_about about = {.operation = "tenant-destroy",
                                   .parameters = rdt_buf_span(&parameters)};
    return rdt_approval_take(call, &about);
}

static enum rdt_fault
bury_handles(struct rdt_call *call, const struct rdt_tenant *tenant)
{
    uint32_t number;
    for (size_t i = 0; rdt_tenant_ring(tenant, i, &number) != NULL; i++) {
        uint8_t id[4];
        rdt_u32_bytes(number, id);
        struct rdt_handle *handle =
            rdt_tx_edit(call->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
        if (handle == NULL)
            return rdt_out_of_memory(call);
        handle->dead = 1;
    }
    return RDT_FAULT_NONE;
}

/*
 * From here on the tenant's keys are refused; its record is what was meant. The seeds are erased by
 * the clock within a second or so, whose record is the outcome: ring.c.
 */
static enum rdt_fault
tenant_destroy(struct rdt_call *call)
{
    const struct rdt_tenant *now;
    enum rdt_fault fault = living(call, &now);
    if (fault == RDT_FAULT_NONE)
        fault = approved(call, now);
    if (fault == RDT_FAULT_NONE)
        fault = bury_handles(call, now);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_tenant *tenant =
        rdt_tx_edit(call->tx, RDT_KIND_TENANT, (struct rdt_span){now->id, 16});
    if (tenant == NULL ||
        !rdt_tx_remove(call->tx, RDT_KIND_TENANT_NAME, rdt_span_str(tenant->name)))
        return rdt_out_of_memory(call);
    tenant->state = RDT_TENANT_DYING;
    tenant->state_ms = call->request->now_ms;
    memcpy(call->thread->dying, tenant->id, sizeof call->thread->dying);
    put_tenant(call, tenant);
    return RDT_FAULT_NONE;
}

/* ---- the table ---- */

#define TENANT                                                                                     \
    {                                                                                              \
        .name = "Tenant", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 64               \
    }
#define KEY                                                                                        \
    {                                                                                              \
        .name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048              \
    }

static const struct rdt_in key_in[] = {KEY};
static const struct rdt_in tenant_in[] = {TENANT};
static const struct rdt_in tenant_key_in[] = {TENANT, KEY};
static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};
static const struct rdt_in export_in[] = {
    KEY,
    {.name = "Tenant", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "Handle", .type = RDT_IN_INT, .min = 1, .max = UINT32_MAX},
    {.name = "Epoch", .type = RDT_IN_INT, .min = 0, .max = RDT_EPOCH_MAX},
    {.name = "PublicKey", .type = RDT_IN_BLOB, .min = 32, .max = 32, .required = true},
};

#define OP_KEY(text, where, how, about, when, members, handler)                                    \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_##how,                  \
        .key = RDT_KEY_##about, .states = RDT_STATES_##when, .in = members,                        \
        .n_in = RDT_COUNT(members), .run = handler                                                 \
    }

static const struct rdt_op ops[] = {
    /* by name */
    OP_KEY("KekExport", "/v1/kek/export", WRITE, OWN, USE, export_in, rdt_op_kek_export),
    OP_KEY("KeyRing", "/v1/key/ring", WRITE, ANY, EDIT, key_in, key_ring),
    OP_KEY("TenantCreate", "/v1/tenant/create", WRITE, ANY, USE, tenant_key_in, tenant_create),
    OP_OWN("TenantDestroy", "/v1/tenant/destroy", WRITE, tenant_in, tenant_destroy),
    OP_OWN("TenantList", "/v1/tenant/list", READ, list_in, tenant_list),
    OP_KEY("TenantRotate", "/v1/tenant/rotate", WRITE, ANY, USE, tenant_key_in, tenant_rotate),
    OP_OWN("TenantShow", "/v1/tenant/show", READ, tenant_in, tenant_show),
};

const struct rdt_op_table rdt_ops_tenant = {ops, sizeof ops / sizeof ops[0]};
