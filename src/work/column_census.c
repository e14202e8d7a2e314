#include "work/column_census.h"

#include "codec/base64.h"

#include <stdlib.h>

struct list {
    struct rdt_census_count *at;
    size_t n, cap;
};

static void
list_done(struct list *list)
{
    free(list->at);
}

void
rdt_ring_seen_done(struct rdt_ring_seen *seen)
{
    rdt_buf_done(&seen->epochs);
}

static enum rdt_code
add(struct list *list, uint32_t handle, uint32_t epoch, uint64_t n, struct rdt_err *err)
{
    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        struct rdt_census_count *more = realloc(list->at, cap * sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "a census");
        list->at = more;
        list->cap = cap;
    }
    list->at[list->n++] = (struct rdt_census_count){handle, epoch, n};
    return RDT_OK;
}

static int
by_handle(const void *a, const void *b)
{
    const struct rdt_census_count *x = a, *y = b;
    if (x->handle != y->handle)
        return x->handle < y->handle ? -1 : 1;
    return (x->version > y->version) - (x->version < y->version);
}

/* ---- whose a handle is ---- */

static bool
in_list(const struct list *list, uint32_t handle)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i].handle == handle)
            return true;
    }
    return false;
}

/* A handle of a place that no catalogue names: of this ring? Only the service knows. */
static enum rdt_code
is_of_ring(const struct rdt_column_scan *scan, const char *ring, uint32_t handle, bool *out,
           struct rdt_err *err)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_kek_ask ask = {.ring = ring, .handle = handle};
    enum rdt_code rc = scan->keys.get(scan->keys.self, &ask, &kek, err);
    *out = rc != RDT_E_NOTFOUND;
    return rc == RDT_E_NOTFOUND || rc == RDT_E_STATE ? RDT_OK : rc; /* destroyed: still its own */
}

/* The handle in the index ring of the tenant that has another one in the ring of values. */
static enum rdt_code
index_handle(const struct rdt_column_scan *scan, const struct rdt_catalogue_column *column,
             uint32_t handle, uint32_t *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek values = {0};
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek tokens = {0};
    char tenant[RDT_UUID_TEXT];
    struct rdt_kek_ask ask = {.ring = column->ring, .handle = handle};
    enum rdt_code rc = scan->keys.get(scan->keys.self, &ask, &values, err);
    if (rc != RDT_OK)
        return rc;
    rdt_uuid_text(values.tenant, tenant);
    ask = (struct rdt_kek_ask){.ring = column->index->ring, .tenant = tenant};
    rc = scan->keys.get(scan->keys.self, &ask, &tokens, err);
    *out = tokens.handle;
    return rc;
}

/* ---- counts ---- */

static enum rdt_code
see_proof(const struct rdt_column_scan *scan, const struct rdt_column_proof *proof, bool index,
          struct list *list, struct rdt_err *err)
{
    uint32_t of = 0, handle = 0;
    for (size_t i = 0; i < proof->n_counts; i++) {
        const struct rdt_column_count *one = &proof->counts[i];
        enum rdt_code rc = RDT_OK;
        if (!index)
            handle = one->handle;
        else if (one->handle != of)
            rc = index_handle(scan, proof->column, one->handle, &handle, err);
        of = one->handle;
        if (rc == RDT_OK)
            rc = add(list, handle, index ? one->index_epoch : one->epoch, one->n, err);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

/* Counted under the oldest epoch that was seen there: never less than there is of it. */
static enum rdt_code
see_places(const struct rdt_column_scan *scan, const char *ring, bool index, struct list *list,
           struct rdt_ring_seen *out, struct rdt_err *err)
{
    uint64_t unread = scan->places->looked ? 0 : 1;
    for (size_t i = 0; i < scan->places->n; i++) {
        const struct rdt_column_place *at = &scan->places->at[i];
        bool ours;
        if (at->form[0] == '\0')
            unread++;
        if (index && !at->in_catalogue && strcmp(at->form, "searchable") == 0)
            unread += at->n; /* its tokens are of an epoch that discovery does not tell */
        if (index || at->in_catalogue || at->handle == 0)
            continue;
        ours = in_list(list, at->handle);
        enum rdt_code rc = ours ? RDT_OK : is_of_ring(scan, ring, at->handle, &ours, err);
        if (rc == RDT_OK && ours)
            rc = add(list, at->handle, at->epoch_min, at->n, err);
        if (rc != RDT_OK)
            return rc;
        if (ours && at->epoch_max > out->highest)
            out->highest = at->epoch_max;
    }
    out->total += unread;
    return RDT_OK;
}

enum rdt_code
rdt_ring_see(const struct rdt_column_scan *scan, const char *ring, bool index,
             struct rdt_ring_seen *out, struct rdt_err *err)
{
    RDT_AUTO(list_done) struct list list = {0};
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < scan->n_proofs && rc == RDT_OK; i++) {
        const struct rdt_column_proof *proof = &scan->proofs[i];
        const struct rdt_catalogue_index *of = proof->column->index;
        const char *its = index ? (of == NULL ? "" : of->ring) : proof->column->ring;
        if (strcmp(its, ring) == 0)
            rc = see_proof(scan, proof, index, &list, err);
    }
    if (rc == RDT_OK)
        rc = see_places(scan, ring, index, &list, out, err);
    if (rc != RDT_OK)
        return rc;
    if (list.n != 0)
        qsort(list.at, list.n, sizeof *list.at, by_handle);
    size_t n = 0;
    for (size_t i = 0; i < list.n; n++) {
        struct rdt_census_count sum = list.at[i];
        while (++i < list.n && by_handle(&list.at[i], &sum) == 0)
            sum.count += list.at[i].count;
        out->looked_at += sum.count;
        out->highest = sum.version > out->highest ? sum.version : out->highest;
        rdt_census_add(&out->epochs, true, &sum);
    }
    out->total += out->looked_at;
    if (n > RDT_CENSUS_COUNTS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d tenants and epochs", RDT_CENSUS_COUNTS_MAX);
    return rdt_buf_ok(&out->epochs) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "a census");
}
