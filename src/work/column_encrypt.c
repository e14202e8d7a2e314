/*
 * From a plaintext column to an encrypted one: a twin is filled while the application writes on,
 * every value of it is decrypted and compared, and a short transaction changes the names.
 *
 * Compare-and-swap goes by the row's version (xmin), not by the plaintext: that would be a
 * parameter of a statement, and some servers log those.
 */
#include "base/clock.h"
#include "work/column_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CUT_ROWS_MAX 1000 /* rows that are encrypted while the table is locked */
#define CUT_TRIES 20
#define PAUSE_MS 100

struct encrypt {
    struct rdt_column_work work;
    struct rdt_twin_at twin;
    struct rdt_encryption *out;
    struct rdt_column_layout layout; /* value: the plaintext; then the twin, or the row's version */
    struct rdt_db_array sealed, version, keys[RDT_CATALOGUE_PARTS_MAX];
    struct rdt_buf after[RDT_CATALOGUE_PARTS_MAX], one;
    struct rdt_buf first, next, update;
    uint64_t left;
    size_t batch; /* rows of the next page */
};

static void
encrypt_done(struct encrypt *encrypt)
{
    rdt_column_work_done(&encrypt->work);
    rdt_db_array_done(&encrypt->sealed);
    rdt_db_array_done(&encrypt->version);
    for (size_t i = 0; i < RDT_CATALOGUE_PARTS_MAX; i++) {
        rdt_db_array_done(&encrypt->keys[i]);
        rdt_buf_done(&encrypt->after[i]);
    }
    rdt_buf_done(&encrypt->one);
    rdt_buf_done(&encrypt->first);
    rdt_buf_done(&encrypt->next);
    rdt_buf_done(&encrypt->update);
}

void
rdt_encryption_done(struct rdt_encryption *encryption)
{
    rdt_buf_done(&encryption->bad.shown);
}

static void
pause_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

/* ---- SQL ---- */

/* `tenant, row.., key.., plaintext`: as rdt_column_fields() has it, but for the last. */
static void
put_fields(struct encrypt *encrypt, struct rdt_buf *sql)
{
    rdt_column_heads(&encrypt->work.table, "t.", sql, &encrypt->layout);
    rdt_buf_str(sql, ", ");
    rdt_buf_fmt(sql, encrypt->twin.as_bytes, encrypt->twin.plain);
}

static void
put_page(struct encrypt *encrypt, bool after, struct rdt_buf *sql)
{
    const struct rdt_table_at *table = &encrypt->work.table;
    rdt_buf_str(sql, "SELECT ");
    put_fields(encrypt, sql);
    rdt_buf_fmt(sql, ", t.xmin::text FROM %s t WHERE t.%s IS NOT NULL AND t.%s IS NULL", table->rel,
                encrypt->twin.plain, encrypt->twin.sealed);
    if (after)
        rdt_column_after(table, 2, sql);
    rdt_buf_str(sql, " ORDER BY ");
    rdt_column_order(table, "t.", sql);
    rdt_buf_str(sql, " LIMIT $1::text::bigint");
}

/* $1 values, $2 versions of the rows, $3.. their keys. */
static void
put_update(const struct encrypt *encrypt, struct rdt_buf *sql)
{
    const struct rdt_table_at *table = &encrypt->work.table;
    rdt_buf_str(sql, "WITH n AS MATERIALIZED (SELECT * FROM unnest($1::bytea[], $2::text[]");
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, ", $%zu::text[]", 3 + i);
    rdt_buf_str(sql, ") AS n(v, x");
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, ", k%zu", i);
    rdt_buf_fmt(sql, ")), l AS MATERIALIZED (SELECT n.* FROM n JOIN %s t ON ", table->rel);
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "%st.%s = n.k%zu::%s", i == 0 ? "" : " AND ", table->key[i].name, i,
                    table->key[i].type);
    rdt_buf_fmt(sql,
                " WHERE t.xmin::text = n.x AND t.%s IS NULL FOR NO KEY UPDATE OF t SKIP LOCKED)"
                " UPDATE %s t SET %s = l.v FROM l WHERE ",
                encrypt->twin.sealed, table->rel, encrypt->twin.sealed);
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "t.%s = l.k%zu::%s AND ", table->key[i].name, i, table->key[i].type);
    rdt_buf_fmt(sql, "t.xmin::text = l.x AND t.%s IS NULL", encrypt->twin.sealed);
}

static enum rdt_code
prepare(struct encrypt *encrypt, struct rdt_err *err)
{
    put_page(encrypt, false, &encrypt->first);
    put_page(encrypt, true, &encrypt->next);
    put_update(encrypt, &encrypt->update);
    return rdt_buf_cstr(&encrypt->first) != NULL && rdt_buf_cstr(&encrypt->next) != NULL &&
                   rdt_buf_cstr(&encrypt->update) != NULL
               ? rdt_db_by_key(encrypt->work.job->db, err)
               : rdt_fail(err, RDT_E_NOMEM, "encrypt a column");
}

static enum rdt_code
count_left(struct encrypt *encrypt, uint64_t most, uint64_t *out, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    RDT_ROWS rows = {0};
    rdt_buf_fmt(&sql, "SELECT count(*)::text FROM (SELECT 1 FROM %s t WHERE t.%s IS NOT NULL AND ",
                encrypt->work.table.rel, encrypt->twin.plain);
    rdt_buf_fmt(&sql, "t.%s IS NULL LIMIT %llu) AS a", encrypt->twin.sealed,
                (unsigned long long)most);
    const char *text = rdt_buf_cstr(&sql);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "encrypt a column");
    enum rdt_code rc = rdt_db_ask(encrypt->work.job->db, text, NULL, 0, &rows, err);
    *out = rc == RDT_OK ? rdt_rows_number(&rows, 0, 0) : 0;
    return rc;
}

/* Whose a row's value is, and in which row it stands. */
static enum rdt_code
find_place(struct encrypt *encrypt, const struct rdt_rows *rows, size_t i,
           struct rdt_column_value *value, struct rdt_err *err)
{
    const struct rdt_column_layout *layout = &encrypt->layout;
    struct rdt_column_work *work = &encrypt->work;
    enum rdt_code rc = rdt_column_tenant_get(work->keys, rdt_rows_at(rows, i, layout->tenant),
                                             &value->tenant, err);
    if (rc == RDT_OK && rdt_column_row_key(work, rows, layout, i, NULL) != RDT_OK)
        value->fault = RDT_FIELD_ROW;
    return rc;
}

/* ---- filling ---- */

static enum rdt_code
seal_row(struct encrypt *encrypt, const struct rdt_rows *rows, size_t i, struct rdt_err *err)
{
    struct rdt_column_work *work = &encrypt->work;
    const struct rdt_column_layout *layout = &encrypt->layout;
    struct rdt_column_value value = {0};
    struct rdt_span plain = rdt_rows_at(rows, i, layout->value);
    enum rdt_code rc = find_place(encrypt, rows, i, &value, err);
    if (rc != RDT_OK)
        return rc;
    if (value.fault == RDT_FIELD_OK && rdt_rf1_len(&value.tenant->place, plain.n) == 0)
        value.fault = RDT_FIELD_TOO_LONG;
    if (value.fault != RDT_FIELD_OK) {
        rdt_column_note_bad(work, rows, layout, i, value.fault, &encrypt->out->bad);
        return RDT_OK;
    }
    value.row = rdt_buf_span(&work->row);
    rc = rdt_plain_room(&work->plain, plain.n, err);
    if (rc != RDT_OK)
        return rc;
    if (plain.n != 0)
        memcpy(work->plain.p, plain.p, plain.n);
    work->plain.n = work->plain.len = plain.n;
    encrypt->one.n = 0;
    rc = rdt_column_seal(work, &value, &encrypt->one, err);
    rdt_plain_wipe(&work->plain);
    if (rc != RDT_OK)
        return rc;
    if (value.fault != RDT_FIELD_OK) { /* no e-mail address, no date: no token can be made of it */
        rdt_column_note_bad(work, rows, layout, i, value.fault, &encrypt->out->bad);
        return RDT_OK;
    }
    rdt_db_array_add(&encrypt->sealed, rdt_buf_span(&encrypt->one));
    rdt_db_array_add(&encrypt->version, rdt_rows_at(rows, i, layout->value + 1));
    for (size_t k = 0; k < work->table.n_key; k++)
        rdt_db_array_add(&encrypt->keys[k], rdt_rows_at(rows, i, layout->key + k));
    return RDT_OK;
}

static enum rdt_code
write_batch(struct encrypt *encrypt, struct rdt_err *err)
{
    struct rdt_db_param params[2 + RDT_CATALOGUE_PARTS_MAX];
    RDT_ROWS done = {0};
    size_t n_key = encrypt->work.table.n_key, n = encrypt->sealed.n;
    if (n == 0)
        return RDT_OK;
    params[0] = rdt_db_array_param(&encrypt->sealed);
    params[1] = rdt_db_array_param(&encrypt->version);
    for (size_t k = 0; k < n_key; k++)
        params[2 + k] = rdt_db_array_param(&encrypt->keys[k]);
    for (size_t k = 0; k < 2 + n_key; k++) {
        if (params[k].value.p == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "encrypt a column");
    }
    enum rdt_code rc = rdt_db_ask(encrypt->work.job->db, rdt_buf_cstr(&encrypt->update), params,
                                  2 + n_key, &done, err);
    if (rc != RDT_OK)
        return rc;
    uint64_t changed = rdt_rows_changed(&done);
    encrypt->out->sealed += changed;
    encrypt->out->beaten += n - changed;
    encrypt->left += n - changed;
    rdt_progress_at(&encrypt->work.progress, encrypt->out->sealed);
    if (encrypt->work.job->rate > 0)
        pause_ms((int64_t)((double)changed * 1000 / encrypt->work.job->rate));
    return RDT_OK;
}

static enum rdt_code
fill_page(struct encrypt *encrypt, bool first, bool *end, struct rdt_err *err)
{
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", encrypt->batch);
    struct rdt_db_param params[1 + RDT_CATALOGUE_PARTS_MAX] = {RDT_DB_TEXT(limit)};
    RDT_ROWS rows = {0};
    size_t n = 1, n_key = encrypt->work.table.n_key;
    for (size_t k = 0; k < n_key && !first; k++)
        params[n++] = (struct rdt_db_param){RDT_OID_TEXT, rdt_buf_span(&encrypt->after[k])};
    enum rdt_code rc =
        rdt_db_ask(encrypt->work.job->db, rdt_buf_cstr(first ? &encrypt->first : &encrypt->next),
                   params, n, &rows, err);
    if (rc != RDT_OK)
        return rc;
    rdt_db_array_start(&encrypt->sealed, RDT_OID_BYTEA);
    rdt_db_array_start(&encrypt->version, RDT_OID_TEXT);
    for (size_t k = 0; k < n_key; k++)
        rdt_db_array_start(&encrypt->keys[k], RDT_OID_TEXT);
    for (size_t i = 0; i < rows.n && rc == RDT_OK; i++)
        rc = seal_row(encrypt, &rows, i, err);
    rdt_rows_wipe(&rows, encrypt->layout.value);
    if (rc == RDT_OK)
        rc = write_batch(encrypt, err);
    for (size_t k = 0; k < n_key && rows.n != 0 && rc == RDT_OK; k++) {
        struct rdt_span key = rdt_rows_at(&rows, rows.n - 1, encrypt->layout.key + k);
        encrypt->after[k].n = 0;
        rdt_buf_add(&encrypt->after[k], key.p, key.n);
        if (rdt_buf_cstr(&encrypt->after[k]) == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "encrypt a column");
    }
    *end = rows.n < encrypt->batch;
    encrypt->batch = rdt_column_batch_next(encrypt->work.job, encrypt->batch,
                                           rdt_rows_bytes(&rows, encrypt->layout.value));
    return rc;
}

/* Until only rows are left that somebody holds, or that cannot be encrypted. */
static enum rdt_code
fill(struct encrypt *encrypt, struct rdt_err *err)
{
    enum rdt_code rc = count_left(encrypt, UINT32_MAX, &encrypt->left, err);
    rdt_progress_start(&encrypt->work.progress, encrypt->work.job->progress, "encrypt",
                       RDT_PROGRESS_ROWS, encrypt->left, 0);
    for (int pass = 0; pass < RDT_COLUMN_PASSES_MAX && rc == RDT_OK && encrypt->left != 0; pass++) {
        bool first = true, end = false;
        if (pass != 0)
            pause_ms(PAUSE_MS);
        encrypt->left = 0;
        for (size_t i = 0; i < RDT_FIELD_NFAULTS; i++)
            encrypt->out->bad.n[i] = 0; /* each pass finds them again */
        encrypt->out->bad.all = 0;
        encrypt->out->bad.shown.n = 0;
        for (; rc == RDT_OK && !end; first = false)
            rc = fill_page(encrypt, first, &end, err);
    }
    rdt_progress_clear(&encrypt->work.progress);
    return rc;
}

/* ---- comparing ---- */

static enum rdt_code
compare_row(struct encrypt *encrypt, const struct rdt_rows *rows, size_t i, struct rdt_err *err)
{
    struct rdt_column_work *work = &encrypt->work;
    const struct rdt_column_layout *layout = &encrypt->layout;
    struct rdt_column_value value = {0};
    struct rdt_span plain = rdt_rows_at(rows, i, layout->value);
    enum rdt_code rc = find_place(encrypt, rows, i, &value, err);
    if (rc != RDT_OK)
        return rc;
    if (value.fault == RDT_FIELD_OK)
        rc = rdt_column_unseal(work, rdt_rows_at(rows, i, layout->value + 1), &value, err);
    if (rc != RDT_OK)
        return rc;
    if (value.fault != RDT_FIELD_OK) {
        rdt_column_note_bad(work, rows, layout, i, value.fault, &encrypt->out->bad);
        return RDT_OK;
    }
    bool same =
        plain.p != NULL && rdt_same((struct rdt_span){work->plain.p, work->plain.len}, plain);
    rdt_plain_wipe(&work->plain);
    encrypt->out->compared += same;
    encrypt->out->differ += !same;
    return RDT_OK;
}

/* Before the cut-over every value has its plaintext; after it one may have been written since. */
static enum rdt_code
compare(struct encrypt *encrypt, bool cut, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    char fetch[64];
    size_t batch = rdt_column_batch(encrypt->work.job);
    struct rdt_db *db = encrypt->work.job->db;
    const struct rdt_table_at *table = &encrypt->work.table;
    rdt_buf_str(&sql, "DECLARE redoubt_compare NO SCROLL CURSOR FOR SELECT ");
    put_fields(encrypt, &sql);
    rdt_buf_fmt(&sql, ", t.%s::bytea FROM %s t WHERE t.%s IS NOT NULL%s%s%s", encrypt->twin.sealed,
                table->rel, encrypt->twin.sealed, cut ? " AND t." : "",
                cut ? encrypt->twin.plain : "", cut ? " IS NOT NULL" : "");
    const char *text = rdt_buf_cstr(&sql);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "compare a column");
    encrypt->out->compared = encrypt->out->differ = 0;
    rdt_progress_start(&encrypt->work.progress, encrypt->work.job->progress, "compare",
                       RDT_PROGRESS_ROWS, 0, 0);
    enum rdt_code rc = rdt_column_snapshot(db, err);
    if (rc == RDT_OK)
        rc = rdt_db_run(db, text, err);
    for (bool end = false; rc == RDT_OK && !end;) {
        RDT_ROWS rows = {0};
        snprintf(fetch, sizeof fetch, "FETCH %zu FROM redoubt_compare", batch);
        rc = rdt_db_ask(db, fetch, NULL, 0, &rows, err);
        end = rows.n == 0;
        batch = rdt_column_batch_next(encrypt->work.job, batch,
                                      2 * rdt_rows_bytes(&rows, encrypt->layout.value));
        for (size_t i = 0; rc == RDT_OK && i < rows.n; i++)
            rc = compare_row(encrypt, &rows, i, err);
        if (rows.result != NULL)
            rdt_rows_wipe(&rows, encrypt->layout.value);
        rdt_progress_at(&encrypt->work.progress, encrypt->out->compared);
    }
    rdt_progress_clear(&encrypt->work.progress);
    enum rdt_code end_rc = rdt_column_snapshot_end(db, rc == RDT_OK ? err : NULL);
    return rc == RDT_OK ? end_rc : rc; /* the COMMIT of what failed is a rollback */
}

static enum rdt_code
check_same(const struct encrypt *encrypt, struct rdt_err *err)
{
    if (encrypt->out->bad.all != 0)
        return rdt_fail(err, RDT_E_STATE, "%llu values cannot be encrypted or read again",
                        (unsigned long long)encrypt->out->bad.all);
    if (encrypt->out->differ != 0)
        return rdt_fail(err, RDT_E_STATE, "%llu values are not those of their plaintext",
                        (unsigned long long)encrypt->out->differ);
    return RDT_OK;
}

/* ---- the cut-over ---- */

/* With the table locked: what is left is encrypted, and the names change. */
static enum rdt_code
cut_locked(struct encrypt *encrypt, bool *again, struct rdt_err *err)
{
    struct rdt_db *db = encrypt->work.job->db;
    uint64_t left = 0;
    RDT_BUF sql = {0};
    rdt_buf_fmt(&sql, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", encrypt->work.table.rel);
    const char *lock = rdt_buf_cstr(&sql);
    enum rdt_code rc = lock == NULL ? rdt_fail(err, RDT_E_NOMEM, "cut over")
                                    : rdt_db_run(db, "SET LOCAL lock_timeout = '3s'", err);
    if (rc == RDT_OK)
        rc = rdt_db_run(db, lock, err);
    *again = rc == RDT_E_TIMEOUT;
    int64_t start = rdt_monotonic_ms();
    if (rc == RDT_OK)
        rc = count_left(encrypt, CUT_ROWS_MAX + 1, &left, err);
    if (rc == RDT_OK && left > CUT_ROWS_MAX) {
        *again = true;
        return rdt_fail(err, RDT_E_STATE, "more is written than can be encrypted in between");
    }
    if (rc == RDT_OK && left != 0)
        rc = fill(encrypt, err);
    if (rc == RDT_OK)
        rc = count_left(encrypt, 1, &left, err);
    if (rc == RDT_OK && left != 0)
        rc = rdt_fail(err, RDT_E_STATE, "a value is left that cannot be encrypted");
    if (rc == RDT_OK)
        rc = rdt_twin_cut(&encrypt->work, &encrypt->twin, err);
    if (rc == RDT_OK)
        rc = rdt_db_run(db, "COMMIT", err);
    encrypt->out->lock_ms = rdt_monotonic_ms() - start;
    return rc;
}

static enum rdt_code
cut_over(struct encrypt *encrypt, struct rdt_err *err)
{
    struct rdt_db *db = encrypt->work.job->db;
    bool again = true, was_not_null = encrypt->twin.was_not_null;
    enum rdt_code rc = RDT_OK;
    for (int i = 0; i < CUT_TRIES && again; i++) {
        again = false;
        rc = rdt_db_run(db, "BEGIN", err);
        if (rc == RDT_OK)
            rc = cut_locked(encrypt, &again, err);
        if (rc == RDT_OK)
            break;
        if (rdt_db_run(db, "ROLLBACK", NULL) != RDT_OK)
            break;
        if (again && fill(encrypt, err) != RDT_OK)
            return err == NULL ? rc : err->code;
        if (again)
            pause_ms(PAUSE_MS);
    }
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "cut over");
    encrypt->out->stage = RDT_COLUMN_CUT;
    return was_not_null ? rdt_twin_not_null(&encrypt->work, err) : RDT_OK;
}

static enum rdt_code
drop_plaintext(struct encrypt *encrypt, struct rdt_err *err)
{
    enum rdt_code rc = rdt_twin_find(&encrypt->work, &encrypt->twin, &encrypt->out->stage, err);
    if (rc == RDT_OK && encrypt->out->stage == RDT_COLUMN_CUT)
        rc = compare(encrypt, true, err);
    if (rc == RDT_OK)
        rc = check_same(encrypt, err);
    if (rc == RDT_OK && encrypt->out->stage == RDT_COLUMN_CUT) {
        rc = rdt_twin_drop(&encrypt->work, &encrypt->twin, err);
        if (rc == RDT_OK)
            encrypt->out->stage = RDT_COLUMN_SEALED;
    }
    return rc;
}

static enum rdt_code
go(struct encrypt *encrypt, const struct rdt_encrypt_opts *opts, struct rdt_err *err)
{
    struct rdt_encryption *out = encrypt->out;
    enum rdt_code rc = RDT_OK;
    if (out->stage == RDT_COLUMN_PLAIN) {
        rc = rdt_twin_begin(&encrypt->work, &encrypt->twin, err);
        if (rc == RDT_OK)
            out->stage = RDT_COLUMN_TWIN;
    }
    if (rc == RDT_OK && out->stage == RDT_COLUMN_TWIN) {
        rc = prepare(encrypt, err);
        if (rc == RDT_OK)
            rc = fill(encrypt, err);
        if (rc == RDT_OK && out->bad.all == 0)
            rc = compare(encrypt, false, err);
        if (rc == RDT_OK)
            rc = check_same(encrypt, err);
        if (rc == RDT_OK && opts->cut_over)
            rc = cut_over(encrypt, err);
    }
    if (rc != RDT_OK || !opts->drop_plaintext || out->stage != RDT_COLUMN_CUT)
        return rc;
    rdt_table_forget(&encrypt->work.table); /* it is another one now */
    rc = rdt_table_find(encrypt->work.job->db, encrypt->work.job->column, true,
                        &encrypt->work.table, err);
    return rc == RDT_OK ? drop_plaintext(encrypt, err) : rc;
}

enum rdt_code
rdt_column_encrypt(const struct rdt_column_job *job, const struct rdt_encrypt_opts *opts,
                   struct rdt_encryption *out, struct rdt_err *err)
{
    RDT_AUTO(encrypt_done) struct encrypt encrypt = {.out = out, .batch = rdt_column_batch(job)};
    bool there = false;
    enum rdt_code rc = rdt_column_work_open(job, true, &encrypt.work, err);
    if (rc == RDT_OK)
        rc = rdt_pgext_there(job->db, &there, err);
    if (rc == RDT_OK && !there) {
        rc = rdt_fail(err, RDT_E_STATE, "Redoubt's SQL is not installed in database %s",
                      rdt_db_name(job->db));
        rdt_hint(err, "redoubt column install");
    }
    if (rc == RDT_OK)
        rc = rdt_twin_find(&encrypt.work, &encrypt.twin, &out->stage, err);
    if (rc == RDT_OK)
        rc = go(&encrypt, opts, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "%s", job->column->name);
}
