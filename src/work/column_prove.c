/* The proof: every value of one snapshot is decrypted and counted; nothing is taken on trust. */
#include "base/clock.h"
#include "codec/census.h"
#include "store/merkle.h"
#include "work/column_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAF_KEY_MAX 65535 /* bytes of one column of a key */

struct prove {
    struct rdt_column_work work;
    struct rdt_column_proof *out;
    struct rdt_column_layout layout;
    struct rdt_merkle tree;
    struct rdt_buf leaf;
    size_t last; /* count that was added to last */
};

static void
prove_done(struct prove *prove)
{
    rdt_column_work_done(&prove->work);
    rdt_buf_done(&prove->leaf);
}

void
rdt_column_proof_done(struct rdt_column_proof *proof)
{
    free(proof->counts);
    proof->counts = NULL;
    rdt_buf_done(&proof->facts);
    rdt_buf_done(&proof->bad.shown);
}

enum rdt_code
rdt_column_snapshot(struct rdt_db *db, struct rdt_err *err)
{
    return rdt_db_run(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

enum rdt_code
rdt_column_snapshot_end(struct rdt_db *db, struct rdt_err *err)
{
    return rdt_db_run(db, "COMMIT", err);
}

/* ---- counts ---- */

static int
order(const struct rdt_column_count *a, const struct rdt_column_count *b)
{
    if (a->handle != b->handle)
        return a->handle < b->handle ? -1 : 1;
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return (a->index_epoch > b->index_epoch) - (a->index_epoch < b->index_epoch);
}

static enum rdt_code
count(struct prove *prove, const struct rdt_column_count *one, struct rdt_err *err)
{
    struct rdt_column_proof *out = prove->out;
    if (prove->last < out->n_counts && order(&out->counts[prove->last], one) == 0) {
        out->counts[prove->last].n++;
        return RDT_OK;
    }
    size_t at = 0, to = out->n_counts;
    while (at < to) {
        size_t mid = at + (to - at) / 2;
        if (order(&out->counts[mid], one) < 0)
            at = mid + 1;
        else
            to = mid;
    }
    prove->last = at;
    if (at < out->n_counts && order(&out->counts[at], one) == 0) {
        out->counts[at].n++;
        return RDT_OK;
    }
    if (out->n_counts == RDT_CENSUS_COUNTS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d tenants and epochs", RDT_CENSUS_COUNTS_MAX);
    if (out->n_counts == out->cap_counts) {
        size_t cap = out->cap_counts == 0 ? 16 : 2 * out->cap_counts;
        struct rdt_column_count *more = realloc(out->counts, cap * sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "count a column");
        out->counts = more;
        out->cap_counts = cap;
    }
    memmove(&out->counts[at + 1], &out->counts[at], (out->n_counts - at) * sizeof *out->counts);
    out->counts[at] = *one;
    out->counts[at].n = 1;
    out->n_counts++;
    return RDT_OK;
}

/* ---- rows ---- */

/* Leaf of the tree: each column of the primary key as u16 length | text, then the commitment. */
static enum rdt_code
add_leaf(struct prove *prove, const struct rdt_rows *rows, size_t i,
         const struct rdt_column_value *value, struct rdt_err *err)
{
    prove->leaf.n = 0;
    for (size_t k = 0; k < prove->work.table.n_key; k++) {
        struct rdt_span key = rdt_rows_at(rows, i, prove->layout.key + k);
        if (key.n > LEAF_KEY_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "a primary key has more than 65,535 bytes");
        rdt_buf_uint(&prove->leaf, key.n, 2);
        rdt_buf_add(&prove->leaf, key.p, key.n);
    }
    rdt_buf_add(&prove->leaf, value->rf1.commitment.p, value->rf1.commitment.n);
    if (!rdt_buf_ok(&prove->leaf))
        return rdt_fail(err, RDT_E_NOMEM, "prove a column");
    return rdt_merkle_add(&prove->tree, prove->work.worker, rdt_buf_span(&prove->leaf), err);
}

static enum rdt_code
prove_row(struct prove *prove, const struct rdt_rows *rows, size_t i, struct rdt_err *err)
{
    struct rdt_column_value value = {0};
    struct rdt_column_proof *out = prove->out;
    if (rdt_rows_at(rows, i, prove->layout.value).p == NULL) {
        out->nulls++;
        return RDT_OK;
    }
    out->values++;
    enum rdt_code rc = rdt_column_open(&prove->work, rows, &prove->layout, i, &value, err);
    if (rc != RDT_OK)
        return rc;
    if (value.fault != RDT_FIELD_OK) {
        rdt_column_note_bad(&prove->work, rows, &prove->layout, i, value.fault, &out->bad);
        return RDT_OK;
    }
    rdt_plain_wipe(&prove->work.plain);
    struct rdt_column_count one = {
        .handle = value.rf1.handle,
        .epoch = value.rf1.epoch,
        .index_epoch =
            value.front.n == 0 ? 0 : (uint16_t)(value.front.p[2] << 8 | value.front.p[3]),
        .current = value.tenant->epoch,
        .index_current = value.tenant->index_epoch,
    };
    out->stale += one.epoch != one.current || one.index_epoch != one.index_current;
    rc = count(prove, &one, err);
    return rc == RDT_OK ? add_leaf(prove, rows, i, &value, err) : rc;
}

/* How many rows there may be: only for the line of progress. */
static uint64_t
estimate(struct rdt_column_work *work)
{
    RDT_ROWS rows = {0};
    enum rdt_code rc = rdt_db_ask(
        work->job->db,
        "SELECT greatest(sum(c.reltuples), 0)::bigint::text FROM pg_class c WHERE c.oid IN "
        "(SELECT $1::regclass::oid UNION SELECT relid FROM pg_partition_tree($1::regclass))",
        (struct rdt_db_param[]){RDT_DB_TEXT(work->table.rel)}, 1, &rows, NULL);
    return rc == RDT_OK && rows.n == 1 ? rdt_rows_number(&rows, 0, 0) : 0;
}

static enum rdt_code
prove_rows(struct prove *prove, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    const struct rdt_table_at *table = &prove->work.table;
    struct rdt_db *db = prove->work.job->db;
    char fetch[64];
    size_t batch = rdt_column_batch(prove->work.job);
    rdt_buf_str(&sql, "DECLARE redoubt_prove NO SCROLL CURSOR FOR SELECT ");
    rdt_column_fields(table, "t.", &sql, &prove->layout);
    rdt_buf_fmt(&sql, " FROM %s t ORDER BY ", table->rel);
    rdt_column_order(table, "t.", &sql);
    const char *text = rdt_buf_cstr(&sql);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "prove a column");
    rdt_progress_start(&prove->work.progress, prove->work.job->progress, "prove", RDT_PROGRESS_ROWS,
                       estimate(&prove->work), 0);
    enum rdt_code rc = rdt_db_run(db, text, err);
    for (bool end = false; rc == RDT_OK && !end;) {
        RDT_ROWS rows = {0};
        snprintf(fetch, sizeof fetch, "FETCH %zu FROM redoubt_prove", batch);
        rc = rdt_db_ask(db, fetch, NULL, 0, &rows, err);
        end = rows.n == 0;
        batch = rdt_column_batch_next(prove->work.job, batch,
                                      rdt_rows_bytes(&rows, prove->layout.value));
        for (size_t i = 0; rc == RDT_OK && i < rows.n; i++)
            rc = prove_row(prove, &rows, i, err);
        rdt_progress_at(&prove->work.progress, prove->out->values + prove->out->nulls);
    }
    return rc == RDT_OK ? rdt_db_run(db, "CLOSE redoubt_prove", err) : rc;
}

enum rdt_code
rdt_column_prove(const struct rdt_column_job *job, struct rdt_column_proof *out,
                 struct rdt_err *err)
{
    RDT_AUTO(prove_done) struct prove prove = {.out = out};
    out->column = job->column;
    enum rdt_code rc = rdt_column_work_open(job, false, &prove.work, err);
    if (rc == RDT_OK)
        rc = prove_rows(&prove, err);
    if (rc == RDT_OK)
        rc = rdt_merkle_root(&prove.tree, prove.work.worker, out->root, err);
    if (rc == RDT_OK && out->bad.all == 0)
        rc = rdt_column_facts(&prove.work, &out->facts, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "prove %s", job->column->name);
    memcpy(out->ring, rdt_column_keys_ring(prove.work.keys), sizeof out->ring);
    return RDT_OK;
}
