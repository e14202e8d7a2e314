/*
 * The keys of a column's tenants: each tenant is asked for once for what is current, each older
 * epoch when a value of it comes. A key is forgotten when its time is over, and asked for again: a
 * tenant that is withdrawn meanwhile stops the job within that time.
 */
#include "base/clock.h"
#include "work/column_internal.h"

#include <stdlib.h>

struct held {
    uint32_t handle;
    uint16_t epoch;
    int64_t until_ms;
    uint64_t used; /* the clock of uses, for which one goes first */
    struct rdt_field_keys keys;
};

struct rdt_column_keys {
    const struct rdt_column_job *job;
    struct rdt_worker *worker;
    struct rdt_arena names;
    struct rdt_column_tenant *tenants; /* by name */
    size_t n_tenants, cap_tenants, last;
    struct held held[RDT_COLUMN_KEYS_MAX];
    size_t n_held, last_held;
    uint64_t uses;
    uint32_t ttl_s;
    uint8_t ring[16];
};

enum rdt_code
rdt_column_keys_open(const struct rdt_column_job *job, struct rdt_worker *worker,
                     struct rdt_column_keys **out, struct rdt_err *err)
{
    struct rdt_column_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "keys of a column");
    keys->job = job;
    keys->worker = worker;
    *out = keys;
    return RDT_OK;
}

void
rdt_column_keys_close(struct rdt_column_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->n_held; i++)
        rdt_field_keys_wipe(&keys->held[i].keys);
    rdt_arena_done(&keys->names);
    free(keys->tenants);
    free(keys);
}

void
rdt_column_keys_close_at(struct rdt_column_keys **keys)
{
    rdt_column_keys_close(*keys);
}

uint32_t
rdt_column_keys_ttl(const struct rdt_column_keys *keys)
{
    return keys->ttl_s;
}

const uint8_t *
rdt_column_keys_ring(const struct rdt_column_keys *keys)
{
    return keys->ring;
}

const struct rdt_column_tenant *
rdt_column_tenants(const struct rdt_column_keys *keys, size_t *n)
{
    *n = keys->n_tenants;
    return keys->tenants;
}

/* A place for one more set of keys: a free one, one that is over, or the one unused for longest. */
static enum rdt_code
make_room(struct rdt_column_keys *keys, struct held **out, struct rdt_err *err)
{
    if (keys->n_held < RDT_COLUMN_KEYS_MAX) {
        struct held *held = &keys->held[keys->n_held];
        enum rdt_code rc = rdt_field_keys_new(&held->keys, err);
        if (rc == RDT_OK) {
            keys->n_held++;
            *out = held;
            return RDT_OK;
        }
        if (keys->n_held == 0)
            return rc; /* no memory may be locked at all */
    }
    *out = &keys->held[0];
    for (size_t i = 1; i < keys->n_held; i++) {
        if (keys->held[i].used < (*out)->used)
            *out = &keys->held[i];
    }
    return RDT_OK;
}

static enum rdt_code
hold(struct rdt_column_keys *keys, const struct rdt_tenant_kek *kek,
     const struct rdt_field_column *place, int64_t asked_ms, struct held **out, struct rdt_err *err)
{
    enum rdt_code rc = make_room(keys, out, err);
    if (rc != RDT_OK)
        return rc;
    struct held *held = *out;
    held->handle = 0; /* until it is whole */
    rc = rdt_field_keys_make(keys->worker, &kek->key, place, &held->keys);
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "keys of a column");
    held->keys.handle = held->handle = kek->handle;
    held->keys.epoch = held->epoch = kek->epoch;
    held->until_ms = asked_ms + (int64_t)kek->ttl_s * 1000;
    held->used = ++keys->uses;
    memcpy(keys->ring, kek->ring, sizeof keys->ring);
    keys->ttl_s = kek->ttl_s > keys->ttl_s ? kek->ttl_s : keys->ttl_s;
    return RDT_OK;
}

static enum rdt_code
ask(struct rdt_column_keys *keys, const struct rdt_kek_ask *what, struct rdt_tenant_kek *out,
    struct rdt_err *err)
{
    return keys->job->keys.get(keys->job->keys.self, what, out, err);
}

/* ---- tenants ---- */

/* Where a name stands, or belongs. */
static size_t
tenant_at(const struct rdt_column_keys *keys, struct rdt_span name, bool *found)
{
    size_t from = 0, to = keys->n_tenants;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = rdt_span_cmp(rdt_span_str(keys->tenants[mid].name), name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    *found = false;
    return from;
}

/* One place in the list of tenants more, in the order of their names. */
static enum rdt_code
insert(struct rdt_column_keys *keys, size_t at, const struct rdt_column_tenant *tenant,
       struct rdt_err *err)
{
    if (keys->n_tenants == RDT_COLUMN_TENANTS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "the table has more than %zu tenants",
                        RDT_COLUMN_TENANTS_MAX);
    if (keys->n_tenants == keys->cap_tenants) {
        size_t cap = keys->cap_tenants == 0 ? 16 : 2 * keys->cap_tenants;
        struct rdt_column_tenant *more = realloc(keys->tenants, cap * sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "tenants of a table");
        keys->tenants = more;
        keys->cap_tenants = cap;
    }
    memmove(&keys->tenants[at + 1], &keys->tenants[at],
            (keys->n_tenants - at) * sizeof *keys->tenants);
    keys->tenants[at] = *tenant;
    keys->n_tenants++;
    return RDT_OK;
}

static enum rdt_code
new_tenant(struct rdt_column_keys *keys, size_t at, struct rdt_span name, struct rdt_err *err)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    const struct rdt_catalogue_column *column = keys->job->column;
    const char *copy = rdt_arena_str(&keys->names, name);
    struct rdt_column_tenant tenant = {.name = copy};
    struct rdt_kek_ask what = {.ring = column->ring,
                               .tenant = column->tenant != NULL ? column->tenant : copy};
    struct held *held;
    if (copy == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "tenants of a table");
    if (what.tenant[0] == '\0')
        return rdt_fail(err, RDT_E_STATE, "a row of %s has no tenant: its column %s is empty",
                        column->name, column->tenant_column);
    int64_t now = rdt_monotonic_ms();
    enum rdt_code rc = ask(keys, &what, &kek, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "tenant '%.64s'", what.tenant);
    rdt_catalogue_place(column, kek.tenant, &tenant.place);
    tenant.handle = kek.handle;
    tenant.epoch = kek.epoch;
    rc = hold(keys, &kek, &tenant.place, now, &held, err);
    if (rc == RDT_OK && rdt_catalogue_in_value(column)) {
        RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek index = {0};
        rc = rdt_column_ask_index(keys->job, &tenant.place, 0, &index, err);
        tenant.index_handle = index.handle;
        tenant.index_epoch = index.epoch;
    }
    return rc != RDT_OK ? rc : insert(keys, at, &tenant, err);
}

enum rdt_code
rdt_column_tenant_get(struct rdt_column_keys *keys, struct rdt_span name,
                      const struct rdt_column_tenant **out, struct rdt_err *err)
{
    bool found = keys->last < keys->n_tenants &&
                 rdt_span_eq(rdt_span_str(keys->tenants[keys->last].name), name);
    size_t at = found ? keys->last : tenant_at(keys, name, &found);
    enum rdt_code rc = found ? RDT_OK : new_tenant(keys, at, name, err);
    if (rc != RDT_OK)
        return rc;
    keys->last = at;
    *out = &keys->tenants[at];
    return RDT_OK;
}

/* ---- epochs ---- */

static struct held *
find_held(struct rdt_column_keys *keys, uint32_t handle, uint16_t epoch)
{
    struct held *held = &keys->held[keys->last_held];
    if (held->handle == handle && held->epoch == epoch && keys->last_held < keys->n_held)
        return held;
    for (size_t i = 0; i < keys->n_held; i++) {
        held = &keys->held[i];
        if (held->handle == handle && held->epoch == epoch) {
            keys->last_held = i;
            return held;
        }
    }
    return NULL;
}

enum rdt_code
rdt_column_keys_get(struct rdt_column_keys *keys, const struct rdt_column_tenant *tenant,
                    uint16_t epoch, const struct rdt_field_keys **out, struct rdt_err *err)
{
    struct held *held = find_held(keys, tenant->handle, epoch);
    int64_t now = rdt_monotonic_ms();
    if (held != NULL && held->until_ms > now) {
        held->used = ++keys->uses;
        *out = &held->keys;
        return RDT_OK;
    }
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_kek_ask what = {
        .ring = keys->job->column->ring, .handle = tenant->handle, .epoch = epoch};
    if (held != NULL)
        held->handle = 0; /* over: whatever comes next, it is not used again */
    enum rdt_code rc = ask(keys, &what, &kek, err);
    if (rc == RDT_E_NOTFOUND || rc == RDT_E_STATE) { /* destroyed, quiesced, never there */
        *out = NULL;
        return RDT_OK;
    }
    if (rc == RDT_OK)
        rc = hold(keys, &kek, &tenant->place, now, &held, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "epoch %u of tenant '%.64s'", epoch, tenant->name);
    *out = &held->keys;
    return RDT_OK;
}
