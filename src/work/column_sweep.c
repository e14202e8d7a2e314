/*
 * The sweep: pages by the primary key, each value that is not under its tenant's current epoch is
 * opened and sealed anew, and written back only over the very bytes that were read. Rows that
 * somebody holds are skipped, not waited for: the application can then wait for us, but never in a
 * circle, so none of its statements ends in a deadlock.
 */
#include "base/clock.h"
#include "work/column_internal.h"

#include <stdio.h>
#include <time.h>

#define BEATEN_PAUSE_MS 100 /* before a pass over what the application held */

struct sweep {
    struct rdt_column_work work;
    struct rdt_rotation *out;
    struct rdt_column_layout layout;
    struct rdt_buf first, next, update; /* SQL of the first page, of those after it, of a batch */
    struct rdt_db_array current;        /* handle and epoch that values are to have */
    struct rdt_db_array old, new, keys[RDT_CATALOGUE_PARTS_MAX];
    struct rdt_buf after[RDT_CATALOGUE_PARTS_MAX]; /* key of the last row of the page */
    struct rdt_buf sealed;
    uint64_t left;    /* in this pass: values that somebody else changed or held */
    uint64_t done;    /* of this call, for the line of progress */
    uint64_t foreign; /* under the current epoch of another tenant: no page finds them */
    uint64_t bad;     /* in this pass */
    int64_t start_ms;
    size_t batch; /* rows of the next page */
};

static void
sweep_done(struct sweep *sweep)
{
    rdt_column_work_done(&sweep->work);
    rdt_buf_done(&sweep->first);
    rdt_buf_done(&sweep->next);
    rdt_buf_done(&sweep->update);
    rdt_buf_done(&sweep->sealed);
    rdt_db_array_done(&sweep->current);
    rdt_db_array_done(&sweep->old);
    rdt_db_array_done(&sweep->new);
    for (size_t i = 0; i < RDT_CATALOGUE_PARTS_MAX; i++) {
        rdt_db_array_done(&sweep->keys[i]);
        rdt_buf_done(&sweep->after[i]);
    }
}

void
rdt_rotation_done(struct rdt_rotation *rotation)
{
    rdt_buf_done(&rotation->bad.shown);
}

/* ---- SQL ---- */

/* Parameters: $1 what is current, $2 how many rows, $3 the tenant (where one is asked for), then
 * the last key. */
static void
put_page(const struct sweep *sweep, bool after, struct rdt_buf *sql)
{
    const struct rdt_table_at *table = &sweep->work.table;
    const struct rdt_column_job *job = sweep->work.job;
    struct rdt_column_layout layout;
    bool one = job->tenant != NULL && table->tenant.name != NULL;
    rdt_buf_str(sql, "SELECT ");
    rdt_column_fields(table, "t.", sql, &layout);
    rdt_buf_fmt(sql, " FROM %s t WHERE t.%s IS NOT NULL AND ", table->rel, table->col);
    if (table->searchable) /* the index's epoch, then what is of the RF1 behind the token */
        rdt_buf_fmt(sql, "substring(t.%s::bytea from 3 for 2) || ", table->col);
    rdt_buf_fmt(sql, "substring(t.%s::bytea from %zu for %d) <> ALL ($1::bytea[])", table->col,
                (table->searchable ? RDT_SEARCHABLE_FRONT : 0) + 3, RDT_AT_LEN);
    if (one)
        rdt_buf_fmt(sql, " AND t.%s::text = $3", table->tenant.name);
    if (after)
        rdt_column_after(table, one ? 4 : 3, sql);
    rdt_buf_str(sql, " ORDER BY ");
    rdt_column_order(table, "t.", sql);
    rdt_buf_str(sql, " LIMIT $2::text::bigint");
}

/* $1 bytes that were read, $2 new ones, $3.. the key's columns. */
static void
put_update(const struct rdt_table_at *table, struct rdt_buf *sql)
{
    rdt_buf_str(sql, "WITH n AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::bytea[]");
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, ", $%zu::text[]", 3 + i);
    rdt_buf_str(sql, ") AS n(o, v");
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, ", k%zu", i);
    rdt_buf_str(sql, ")), l AS MATERIALIZED (SELECT n.* FROM n JOIN ");
    rdt_buf_fmt(sql, "%s t ON ", table->rel);
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "%st.%s = n.k%zu::%s", i == 0 ? "" : " AND ", table->key[i].name, i,
                    table->key[i].type);
    rdt_buf_fmt(sql,
                " WHERE t.%s::bytea = n.o FOR NO KEY UPDATE OF t SKIP LOCKED)"
                " UPDATE %s t SET %s = l.v FROM l WHERE ",
                table->col, table->rel, table->col);
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "t.%s = l.k%zu::%s AND ", table->key[i].name, i, table->key[i].type);
    rdt_buf_fmt(sql, "t.%s::bytea = l.o", table->col);
}

static enum rdt_code
prepare(struct sweep *sweep, struct rdt_err *err)
{
    RDT_BUF none = {0};
    rdt_column_fields(&sweep->work.table, "t.", &none, &sweep->layout);
    put_page(sweep, false, &sweep->first);
    put_page(sweep, true, &sweep->next);
    put_update(&sweep->work.table, &sweep->update);
    return rdt_buf_cstr(&sweep->first) != NULL && rdt_buf_cstr(&sweep->next) != NULL &&
                   rdt_buf_cstr(&sweep->update) != NULL
               ? rdt_db_by_key(sweep->work.job->db, err)
               : rdt_fail(err, RDT_E_NOMEM, "sweep");
}

/* ---- what there is to do ---- */

/* Whether a value is as some tenant's values are to be. */
static bool
is_current(const struct rdt_column_tenant *tenants, size_t n, const struct rdt_column_group *group)
{
    for (size_t i = 0; i < n; i++) {
        if (group->handle == tenants[i].handle && group->epoch == tenants[i].epoch &&
            group->index_epoch == tenants[i].index_epoch)
            return true;
    }
    return false;
}

/* Counts by tenant and epoch; asks for every tenant, so that a missing right shows at once. */
static enum rdt_code
look(struct sweep *sweep, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_column_group *groups;
    uint64_t values = 0, stale = 0;
    size_t n, n_tenants;
    enum rdt_code rc = rdt_column_groups(&sweep->work, &arena, &groups, &n, NULL, err);
    if (rc != RDT_OK)
        return rc;
    const struct rdt_column_tenant *tenants = rdt_column_tenants(sweep->work.keys, &n_tenants);
    rdt_db_array_start(&sweep->current, RDT_OID_BYTEA);
    for (size_t i = 0; i < n_tenants; i++) {
        uint8_t at[2 + RDT_AT_LEN] = {(uint8_t)(tenants[i].index_epoch >> 8),
                                      (uint8_t)tenants[i].index_epoch};
        size_t front = sweep->work.table.searchable ? 0 : 2;
        rdt_kek_at(&(struct rdt_kek_place){.handle = tenants[i].handle, .epoch = tenants[i].epoch},
                   at + 2);
        sweep->out->off_cycle |= tenants[i].epoch != sweep->work.job->others_from;
        rdt_db_array_add(&sweep->current, (struct rdt_span){at + front, sizeof at - front});
    }
    for (size_t i = 0; i < n; i++) {
        const struct rdt_column_tenant *tenant;
        rc = rdt_column_tenant_get(sweep->work.keys, rdt_span_str(groups[i].tenant), &tenant, err);
        if (rc != RDT_OK)
            return rc;
        values += groups[i].n;
        bool fresh = groups[i].is_value && groups[i].epoch == tenant->epoch &&
                     groups[i].index_epoch == tenant->index_epoch;
        stale += fresh ? 0 : groups[i].n;
        if (!groups[i].is_value && is_current(tenants, n_tenants, &groups[i]))
            sweep->foreign += groups[i].n;
    }
    if (sweep->out->passes == 0) {
        sweep->out->values = values;
        sweep->out->stale = stale;
    }
    sweep->out->ttl_s = rdt_column_keys_ttl(sweep->work.keys);
    rdt_progress_start(&sweep->work.progress, sweep->work.job->progress, "sweep", RDT_PROGRESS_ROWS,
                       stale, 0);
    sweep->left = stale;
    return RDT_OK;
}

/* ---- a batch ---- */

static void
slow_down(const struct sweep *sweep)
{
    double rate = sweep->work.job->rate;
    if (rate <= 0)
        return;
    double ahead_ms =
        (double)sweep->done * 1000 / rate - (double)(rdt_monotonic_ms() - sweep->start_ms);
    if (ahead_ms < 1)
        return;
    struct timespec pause = {.tv_sec = (time_t)(ahead_ms / 1000),
                             .tv_nsec = (long)(ahead_ms * 1e6) % 1000000000L};
    nanosleep(&pause, NULL);
}

static enum rdt_code
seal_row(struct sweep *sweep, const struct rdt_rows *rows, size_t i, struct rdt_err *err)
{
    struct rdt_column_value value = {0};
    struct rdt_column_work *work = &sweep->work;
    enum rdt_code rc = rdt_column_open(work, rows, &sweep->layout, i, &value, err);
    if (rc != RDT_OK)
        return rc;
    if (value.fault != RDT_FIELD_OK) {
        rdt_column_note_bad(work, rows, &sweep->layout, i, value.fault, &sweep->out->bad);
        sweep->bad++;
        return RDT_OK;
    }
    sweep->sealed.n = 0;
    rc = rdt_column_seal(work, &value, &sweep->sealed, err);
    rdt_plain_wipe(&work->plain);
    if (rc != RDT_OK)
        return rc;
    rdt_db_array_add(&sweep->old, rdt_rows_at(rows, i, sweep->layout.value));
    rdt_db_array_add(&sweep->new, rdt_buf_span(&sweep->sealed));
    for (size_t k = 0; k < work->table.n_key; k++)
        rdt_db_array_add(&sweep->keys[k], rdt_rows_at(rows, i, sweep->layout.key + k));
    return RDT_OK;
}

static enum rdt_code
write_batch(struct sweep *sweep, struct rdt_err *err)
{
    struct rdt_db_param params[2 + RDT_CATALOGUE_PARTS_MAX];
    RDT_ROWS done = {0};
    size_t n_key = sweep->work.table.n_key, n = sweep->new.n;
    if (n == 0)
        return RDT_OK;
    params[0] = rdt_db_array_param(&sweep->old);
    params[1] = rdt_db_array_param(&sweep->new);
    for (size_t k = 0; k < n_key; k++)
        params[2 + k] = rdt_db_array_param(&sweep->keys[k]);
    for (size_t k = 0; k < 2 + n_key; k++) {
        if (params[k].value.p == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "sweep");
    }
    enum rdt_code rc = rdt_db_ask(sweep->work.job->db, rdt_buf_cstr(&sweep->update), params,
                                  2 + n_key, &done, err);
    if (rc != RDT_OK)
        return rc;
    uint64_t changed = rdt_rows_changed(&done);
    sweep->out->swept += changed;
    sweep->out->beaten += n - changed;
    sweep->left += n - changed;
    sweep->done += changed;
    rdt_progress_at(&sweep->work.progress, sweep->done);
    slow_down(sweep);
    return RDT_OK;
}

/* One page: read, sealed anew, written. *end: it was the last one. */
static enum rdt_code
sweep_page(struct sweep *sweep, bool first, bool *end, struct rdt_err *err)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", sweep->batch);
    struct rdt_db_param params[3 + RDT_CATALOGUE_PARTS_MAX] = {rdt_db_array_param(&sweep->current),
                                                               RDT_DB_TEXT(limit)};
    const struct rdt_column_job *job = sweep->work.job;
    const struct rdt_table_at *table = &sweep->work.table;
    RDT_ROWS rows = {0};
    size_t n = 2;
    if (job->tenant != NULL && table->tenant.name != NULL)
        params[n++] = RDT_DB_TEXT(job->tenant);
    for (size_t k = 0; k < table->n_key && !first; k++)
        params[n++] = (struct rdt_db_param){RDT_OID_TEXT, rdt_buf_span(&sweep->after[k])};
    enum rdt_code rc = rdt_db_ask(job->db, rdt_buf_cstr(first ? &sweep->first : &sweep->next),
                                  params, n, &rows, err);
    if (rc != RDT_OK)
        return rc;
    rdt_db_array_start(&sweep->old, RDT_OID_BYTEA);
    rdt_db_array_start(&sweep->new, RDT_OID_BYTEA);
    for (size_t k = 0; k < table->n_key; k++)
        rdt_db_array_start(&sweep->keys[k], RDT_OID_TEXT);
    for (size_t i = 0; i < rows.n && rc == RDT_OK; i++)
        rc = seal_row(sweep, &rows, i, err);
    if (rc == RDT_OK)
        rc = write_batch(sweep, err);
    if (rc != RDT_OK)
        return rc;
    for (size_t k = 0; k < table->n_key && rows.n != 0; k++) {
        struct rdt_span key = rdt_rows_at(&rows, rows.n - 1, sweep->layout.key + k);
        sweep->after[k].n = 0;
        rdt_buf_add(&sweep->after[k], key.p, key.n);
        if (rdt_buf_cstr(&sweep->after[k]) == NULL) /* never NULL as a parameter */
            return rdt_fail(err, RDT_E_NOMEM, "sweep");
    }
    *end = rows.n < sweep->batch;
    sweep->batch =
        rdt_column_batch_next(job, sweep->batch, rdt_rows_bytes(&rows, sweep->layout.value));
    return RDT_OK;
}

static enum rdt_code
sweep_pass(struct sweep *sweep, struct rdt_err *err)
{
    bool end = false, first = true;
    sweep->left = 0;
    sweep->bad = 0;
    sweep->out->passes++;
    for (size_t i = 0; i < RDT_FIELD_NFAULTS; i++)
        sweep->out->bad.n[i] = 0; /* each pass finds them again */
    sweep->out->bad.all = 0;
    sweep->out->bad.shown.n = 0;
    while (!end) {
        enum rdt_code rc = sweep_page(sweep, first, &end, err);
        first = false;
        if (rc == RDT_E_NET) { /* what was under way is undone; the page is read again */
            rdt_progress_clear(&sweep->work.progress);
            rdt_column_say(sweep->work.job, "the connection is lost; waiting for the database");
            rc = rdt_db_again(sweep->work.job->db, err);
            if (rc == RDT_OK)
                rc = rdt_db_by_key(sweep->work.job->db, err);
            end = false;
            first = true; /* from the start: what is done is not found again */
        }
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

enum rdt_code
rdt_column_sweep(const struct rdt_column_job *job, struct rdt_rotation *out, struct rdt_err *err)
{
    RDT_AUTO(sweep_done) struct sweep sweep = {.out = out, .start_ms = rdt_monotonic_ms()};
    sweep.batch = rdt_column_batch(job);
    if (job->tenant != NULL && job->column->tenant != NULL &&
        strcmp(job->tenant, job->column->tenant) != 0)
        return rdt_fail(err, RDT_E_USAGE, "%s: all its rows are of tenant '%.64s'",
                        job->column->name, job->column->tenant);
    enum rdt_code rc = rdt_column_work_open(job, true, &sweep.work, err);
    if (rc == RDT_OK)
        rc = look(&sweep, err);
    if (rc == RDT_OK)
        rc = prepare(&sweep, err);
    uint64_t passes = 0;
    while (rc == RDT_OK && sweep.left != 0) {
        if (passes++ == RDT_COLUMN_PASSES_MAX)
            return rdt_fail(err, RDT_E_STATE, "%s: some rows are always held by somebody else",
                            job->column->name);
        if (passes != 1) {
            struct timespec pause = {0, BEATEN_PAUSE_MS * 1000000L};
            nanosleep(&pause, NULL);
        }
        rc = sweep_pass(&sweep, err);
    }
    out->bad.n[RDT_FIELD_TENANT] += sweep.foreign;
    out->bad.all += sweep.foreign;
    out->sweep_ms += rdt_monotonic_ms() - sweep.start_ms;
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "%s", job->column->name);
}
