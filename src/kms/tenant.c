#include "kms/tenant_internal.h"

#include "base/cursor.h"
#include "codec/base64.h"

#define RING_LEN ((size_t)20) /* key UUID 16 | u32 handle */
#define UUID_LEN ((size_t)36)

/* ---- looking ---- */

static const struct rdt_tenant *
by_id(struct rdt_view view, const uint8_t id[static 16])
{
    return rdt_view_get(view, RDT_KIND_TENANT, (struct rdt_span){id, 16});
}

const struct rdt_tenant *
rdt_tenant_named(struct rdt_view view, struct rdt_span word)
{
    uint8_t id[16];
    const struct rdt_tenant_name *name;
    if (word.n == UUID_LEN && rdt_uuid_parse(word, id))
        return by_id(view, id);
    if (word.n == 0 || word.n > RDT_STORE_ID_MAX)
        return NULL;
    name = rdt_view_get(view, RDT_KIND_TENANT_NAME, word);
    return name == NULL ? NULL : by_id(view, name->tenant);
}

const uint8_t *
rdt_tenant_ring(const struct rdt_tenant *tenant, size_t i, uint32_t *handle)
{
    struct rdt_span in = rdt_bytes_span(&tenant->rings), key;
    if (i >= in.n / RING_LEN)
        return NULL;
    in.p += i * RING_LEN;
    in.n = RING_LEN;
    return rdt_take(&in, 16, &key) && rdt_take_u32(&in, handle) ? key.p : NULL;
}

const struct rdt_handle *
rdt_handle_get(struct rdt_view view, uint32_t handle)
{
    uint8_t id[4];
    rdt_u32_bytes(handle, id);
    return rdt_view_get(view, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
}

const struct rdt_handle *
rdt_tenant_handle(struct rdt_view view, const struct rdt_tenant *tenant,
                  const uint8_t key[static 16])
{
    const uint8_t *ring;
    uint32_t handle;
    for (size_t i = 0; (ring = rdt_tenant_ring(tenant, i, &handle)) != NULL; i++)
        if (rdt_span_eq((struct rdt_span){ring, 16}, (struct rdt_span){key, 16}))
            return rdt_handle_get(view, handle);
    return NULL;
}

static struct rdt_span
seed_id(uint32_t handle, uint32_t epoch, uint8_t out[static 8])
{
    rdt_u32_bytes(handle, out);
    rdt_u32_bytes(epoch, out + 4);
    return (struct rdt_span){out, 8};
}

const struct rdt_seed *
rdt_seed_get(struct rdt_view view, uint32_t handle, uint32_t epoch)
{
    uint8_t id[8];
    return rdt_view_get(view, RDT_KIND_SEED, seed_id(handle, epoch, id));
}

uint32_t
rdt_handle_epoch(const struct rdt_handle *handle, const struct rdt_key *key)
{
    return key != NULL && key->current > handle->epoch ? key->current : handle->epoch;
}

uint32_t
rdt_ring_highest(struct rdt_view view, const struct rdt_key *key)
{
    uint32_t highest = key->current > key->epoch_seen ? key->current : key->epoch_seen;
    const struct rdt_handle *handle;
    struct rdt_span id = {0};
    while (key->tenants && (handle = rdt_view_next(view, RDT_KIND_HANDLE, id, &id)) != NULL)
        if (handle->epoch > highest &&
            rdt_span_eq((struct rdt_span){handle->key, 16}, (struct rdt_span){key->id, 16}))
            highest = handle->epoch;
    return highest;
}

/* ---- seeds ---- */

static struct wrap_at
seed_at(const struct rdt_handle *handle, uint32_t epoch, struct rdt_span id)
{
    return (struct wrap_at){.kind = RDT_KIND_SEED,
                            .id = id,
                            .version = epoch,
                            .purpose = "seed",
                            .tenant = handle->tenant};
}

enum rdt_code
rdt_seed_open(struct rdt_call *call, const struct rdt_handle *handle, const struct rdt_seed *seed,
              struct rdt_secret *out)
{
    uint8_t id[8];
    struct wrap_at at = seed_at(handle, seed->epoch, seed_id(seed->handle, seed->epoch, id));
    enum rdt_code rc = rdt_secret_new(out, RDT_SEED_LEN, NULL);
    return rc == RDT_OK ? rdt_wrap_open(call->kms, call->thread, &at, seed->domain,
                                        rdt_bytes_span(&seed->wrapped), out)
                        : rc;
}

static enum rdt_fault
new_seed(struct rdt_call *call, const struct rdt_handle *handle, uint32_t epoch, uint32_t version)
{
    RDT_SECRET secret = {0};
    uint8_t id[8];
    struct wrap_at at = seed_at(handle, epoch, seed_id(handle->handle, epoch, id));
    struct rdt_seed *seed = rdt_tx_add(call->tx, RDT_KIND_SEED, at.id);
    if (seed == NULL)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "the epoch is taken, or out of memory");
    seed->handle = handle->handle;
    seed->epoch = epoch;
    seed->version = version;
    seed->created_ms = call->request->now_ms;
    seed->domain = rdt_view_site(call->view)->domain;
    enum rdt_code rc = rdt_secret_new(&secret, RDT_SEED_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_random_key(call->thread->worker, &secret, NULL);
    if (rc == RDT_OK)
        rc = rdt_wrap_put(call->kms, call->thread->worker, &at, &secret, seed->domain,
                          &seed->wrapped);
    return rc == RDT_OK ? RDT_FAULT_NONE
                        : rdt_call_fail(call, RDT_FAULT_INTERNAL, "no seed could be made");
}

enum rdt_fault
rdt_handle_move(struct rdt_call *call, const struct rdt_key *key, const struct rdt_handle *handle,
                uint32_t epoch)
{
    uint8_t id[4];
    if (epoch > RDT_EPOCH_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED,
                             "the ring has used up its %d epochs: move the tenants to a new one",
                             RDT_EPOCH_MAX);
    rdt_u32_bytes(handle->handle, id);
    struct rdt_handle *row =
        rdt_tx_edit(call->tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
    if (row == NULL)
        return rdt_out_of_memory(call);
    enum rdt_fault fault = new_seed(call, row, epoch, key->current);
    row->epoch = epoch;
    return fault;
}
