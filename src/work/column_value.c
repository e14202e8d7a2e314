/* One row at a time: its tenant, its row's key, its value opened and sealed again. */
#include "base/text.h"
#include "work/column_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS_SAID 512
#define BATCH_FIRST ((size_t)50)
#define BATCH_BYTES ((size_t)16 << 20) /* values of one page; more, and the next is shorter */
#define PLAIN_STEP ((size_t)65536)     /* memory for plaintexts grows by whole ones of these */

/* ---- plaintexts ---- */

enum rdt_code
rdt_plain_room(struct rdt_plain *plain, size_t n, struct rdt_err *err)
{
    rdt_plain_wipe(plain);
    if (n <= plain->room && plain->p != NULL)
        return RDT_OK;
    size_t room = (n / PLAIN_STEP + 1) * PLAIN_STEP;
    void *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return rdt_fail(err, RDT_E_NOMEM, "room for a value");
    (void)mlock(p, room); /* values may be larger than what may be locked */
    (void)madvise(p, room, MADV_DONTDUMP);
    rdt_plain_done(plain);
    *plain = (struct rdt_plain){.p = p, .room = room};
    return RDT_OK;
}

void
rdt_plain_wipe(struct rdt_plain *plain)
{
    if (plain->n != 0)
        explicit_bzero(plain->p, plain->n);
    plain->n = 0;
}

void
rdt_plain_done(struct rdt_plain *plain)
{
    rdt_plain_wipe(plain);
    if (plain->p != NULL)
        munmap(plain->p, plain->room);
    *plain = (struct rdt_plain){0};
}

/* ---- work ---- */

enum rdt_code
rdt_column_work_open(const struct rdt_column_job *job, bool to_write, struct rdt_column_work *out,
                     struct rdt_err *err)
{
    out->job = job;
    enum rdt_code rc = rdt_worker_open(&out->worker, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&out->record, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_column_keys_open(job, out->worker, &out->keys, err);
    if (rc == RDT_OK && rdt_catalogue_in_value(job->column))
        rc = rdt_column_tokens_open(job, out->worker, &out->tokens, err);
    if (rc == RDT_OK)
        rc = rdt_table_find(job->db, job->column, to_write, &out->table, err);
    return rc;
}

void
rdt_column_work_done(struct rdt_column_work *work)
{
    rdt_progress_clear(&work->progress);
    rdt_column_keys_close(work->keys);
    rdt_column_tokens_close(work->tokens);
    rdt_secret_wipe(&work->record);
    rdt_plain_done(&work->plain);
    rdt_buf_done(&work->row);
    rdt_table_forget(&work->table);
    rdt_worker_close(work->worker);
    *work = (struct rdt_column_work){0};
}

size_t
rdt_column_batch(const struct rdt_column_job *job)
{
    return rdt_column_batch_next(job, BATCH_FIRST / 2, 0);
}

size_t
rdt_column_batch_next(const struct rdt_column_job *job, size_t now, size_t bytes)
{
    size_t most = job->batch == 0 ? RDT_COLUMN_BATCH : job->batch;
    size_t next = bytes > BATCH_BYTES ? now / 4 : 2 * now;
    most = most < RDT_COLUMN_BATCH_MAX ? most : RDT_COLUMN_BATCH_MAX;
    return next < 1 ? 1 : next < most ? next : most;
}

void
rdt_column_say(const struct rdt_column_job *job, const char *fmt, ...)
{
    char words[WORDS_SAID];
    va_list args;
    if (job->say == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    job->say(job->say_self, words);
}

/* ---- SQL ---- */

void
rdt_column_heads(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql,
                 struct rdt_column_layout *layout)
{
    size_t n = 0;
    layout->tenant = n++;
    if (table->tenant.name == NULL)
        rdt_buf_str(sql, "''::text");
    else
        rdt_buf_fmt(sql, "%s%s::text", t, table->tenant.name);
    layout->row = n;
    for (size_t i = 0; i < table->n_row; i++, n++)
        rdt_buf_fmt(sql, ", %s%s::text", t, table->row[i].name);
    layout->key = n;
    for (size_t i = 0; i < table->n_key; i++, n++)
        rdt_buf_fmt(sql, ", %s%s::text", t, table->key[i].name);
    layout->value = n;
}

void
rdt_column_fields(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql,
                  struct rdt_column_layout *layout)
{
    rdt_column_heads(table, t, sql, layout);
    rdt_buf_fmt(sql, ", %s%s::bytea", t, table->col);
}

void
rdt_column_order(const struct rdt_table_at *table, const char *t, struct rdt_buf *sql)
{
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "%s%s%s", i == 0 ? "" : ", ", t, table->key[i].name);
}

void
rdt_column_after(const struct rdt_table_at *table, size_t first, struct rdt_buf *sql)
{
    rdt_buf_str(sql, " AND (");
    rdt_column_order(table, "t.", sql);
    rdt_buf_str(sql, ") > (");
    for (size_t i = 0; i < table->n_key; i++)
        rdt_buf_fmt(sql, "%s$%zu::text::%s", i == 0 ? "" : ", ", first + i, table->key[i].type);
    rdt_buf_str(sql, ")");
}

/* ---- rows ---- */

enum rdt_code
rdt_column_row_key(struct rdt_column_work *work, const struct rdt_rows *rows,
                   const struct rdt_column_layout *layout, size_t i, struct rdt_err *err)
{
    struct rdt_span parts[RDT_CATALOGUE_PARTS_MAX];
    size_t n = work->table.n_row;
    work->row.n = 0;
    for (size_t k = 0; k < n; k++)
        parts[k] = rdt_rows_at(rows, i, layout->row + k);
    return n == 0 ? RDT_OK : rdt_catalogue_row(parts, n, &work->row, err);
}

/* What stands before the RF1 of a searchable value; false: there is none. */
static bool
split_front(const struct rdt_column_work *work, struct rdt_span value, struct rdt_column_value *out)
{
    size_t n = work->table.searchable ? RDT_SEARCHABLE_FRONT : 0;
    if (value.n < n || (n != 0 && value.p[0] != 0xf9))
        return false;
    out->front = (struct rdt_span){value.p, n};
    out->value = (struct rdt_span){value.p + n, value.n - n};
    return true;
}

enum rdt_code
rdt_column_unseal(struct rdt_column_work *work, struct rdt_span value, struct rdt_column_value *out,
                  struct rdt_err *err)
{
    const struct rdt_field_keys *keys = NULL;
    out->row = rdt_buf_span(&work->row);
    if (!split_front(work, value, out) || !rdt_rf1_read(out->value, &out->rf1)) {
        out->fault = RDT_FIELD_NOT_RF1;
        return RDT_OK;
    }
    if (out->rf1.handle != out->tenant->handle) {
        out->fault = RDT_FIELD_TENANT; /* before any key is asked for */
        return RDT_OK;
    }
    enum rdt_code rc = rdt_column_keys_get(work->keys, out->tenant, out->rf1.epoch, &keys, err);
    if (rc != RDT_OK)
        return rc;
    out->fault = RDT_FIELD_KEY;
    if (keys == NULL)
        return RDT_OK;
    rc = rdt_plain_room(&work->plain, out->value.n, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_rf1_call call = {work->worker, keys, &out->tenant->place, out->row, &work->record};
    struct rdt_rf1_out plain = {work->plain.p, work->plain.room, 0};
    out->fault = rdt_rf1_open(&call, out->value, &plain);
    if (out->fault == RDT_FIELD_OK) {
        work->plain.n = out->value.n - RDT_VALUE_OVER; /* padding too */
        work->plain.len = plain.n;
    }
    if (out->fault == RDT_FIELD_OK && work->tokens != NULL)
        rc = rdt_column_front_check(work, out, err);
    if (out->fault != RDT_FIELD_OK)
        rdt_plain_wipe(&work->plain);
    return out->fault == RDT_FIELD_INTERNAL ? rdt_fail(err, RDT_E_INTERNAL, "decrypt a value") : rc;
}

enum rdt_code
rdt_column_open(struct rdt_column_work *work, const struct rdt_rows *rows,
                const struct rdt_column_layout *layout, size_t i, struct rdt_column_value *out,
                struct rdt_err *err)
{
    enum rdt_code rc =
        rdt_column_tenant_get(work->keys, rdt_rows_at(rows, i, layout->tenant), &out->tenant, err);
    if (rc != RDT_OK)
        return rc;
    if (rdt_column_row_key(work, rows, layout, i, NULL) != RDT_OK) {
        out->fault = RDT_FIELD_ROW;
        return RDT_OK;
    }
    return rdt_column_unseal(work, rdt_rows_at(rows, i, layout->value), out, err);
}

/* A token that is of the current epoch stays: it was looked at when the value was opened. */
static enum rdt_code
put_front(struct rdt_column_work *work, struct rdt_column_value *value, struct rdt_buf *out,
          struct rdt_err *err)
{
    if (work->tokens == NULL)
        return RDT_OK;
    if (value->front.n == 0 ||
        (value->front.p[2] << 8 | value->front.p[3]) != value->tenant->index_epoch)
        return rdt_column_front(work, value, out, err);
    rdt_buf_add(out, value->front.p, value->front.n);
    return RDT_OK;
}

enum rdt_code
rdt_column_seal(struct rdt_column_work *work, struct rdt_column_value *value, struct rdt_buf *out,
                struct rdt_err *err)
{
    const struct rdt_field_keys *keys = NULL;
    const struct rdt_column_tenant *tenant = value->tenant;
    enum rdt_code rc = rdt_column_keys_get(work->keys, tenant, tenant->epoch, &keys, err);
    if (rc == RDT_OK && keys == NULL)
        rc = rdt_fail(err, RDT_E_STATE, "epoch %u of tenant '%.64s' is not given out any more",
                      tenant->epoch, tenant->name);
    if (rc != RDT_OK)
        return rc;
    struct rdt_span plain = {work->plain.p, work->plain.len};
    size_t n = rdt_rf1_len(&tenant->place, plain.n);
    if (n == 0)
        return rdt_fail(err, RDT_E_LIMIT, "a value is longer than 16 MiB with its padding");
    rc = put_front(work, value, out, err);
    if (rc != RDT_OK || value->fault != RDT_FIELD_OK)
        return rc;
    size_t at = out->n;
    for (size_t left = n; left != 0;) { /* room for the value */
        static const uint8_t zeroes[4096];
        size_t step = left < sizeof zeroes ? left : sizeof zeroes;
        rdt_buf_add(out, zeroes, step);
        left -= step;
    }
    if (!rdt_buf_ok(out))
        return rdt_fail(err, RDT_E_NOMEM, "encrypt a value");
    struct rdt_rf1_call call = {work->worker, keys, &tenant->place, value->row, &work->record};
    struct rdt_rf1_out sealed = {out->p + at, n, 0};
    enum rdt_field_fault fault = rdt_rf1_seal(&call, plain, &sealed);
    if (fault != RDT_FIELD_OK || sealed.n != n)
        return rdt_fail(err, RDT_E_INTERNAL, "encrypt a value: %s", rdt_field_fault_words(fault));
    return RDT_OK;
}

void
rdt_column_note_bad(struct rdt_column_work *work, const struct rdt_rows *rows,
                    const struct rdt_column_layout *layout, size_t i, enum rdt_field_fault fault,
                    struct rdt_column_bad *bad)
{
    bad->n[fault]++;
    if (bad->all++ >= RDT_COLUMN_SHOWN_MAX || !work->job->show_rows)
        return;
    rdt_buf_fmt(&bad->shown, "%s:", rdt_field_fault_words(fault));
    for (size_t k = 0; k < work->table.n_key; k++) {
        char key[128]; /* a key's text, cut */
        snprintf(key, sizeof key, "%s", rdt_rows_text(rows, i, layout->key + k));
        rdt_text_show(key);
        rdt_buf_fmt(&bad->shown, " %s = %s", work->table.key[k].name, key);
    }
    rdt_buf_str(&bad->shown, "\n");
}
