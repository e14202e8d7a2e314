/* What a column holds, in one scan: the head of a value says tenant's handle and epoch. */
#include "work/column_internal.h"

#include <stdio.h>

/* Eight bytes of RF1's head; four of the index before them. Short for what is no value. */
static void
head_of(const struct rdt_table_at *table, struct rdt_buf *sql)
{
    if (table->searchable)
        rdt_buf_fmt(sql,
                    "substring(t.%s::bytea from 1 for 4) || substring(t.%s::bytea from 21 for %d)",
                    table->col, table->col, RDT_RF1_HEAD);
    else
        rdt_buf_fmt(sql, "substring(t.%s::bytea from 1 for %d)", table->col, RDT_RF1_HEAD);
}

static void
read_head(const struct rdt_table_at *table, struct rdt_span head, struct rdt_column_group *out)
{
    size_t front = table->searchable ? 4 : 0;
    if (head.n != front + RDT_RF1_HEAD || head.p[front] != 0xf8 ||
        (front != 0 && head.p[0] != 0xf9))
        return;
    const uint8_t *p = head.p + front;
    out->index_epoch = front == 0 ? 0 : (uint16_t)(head.p[2] << 8 | head.p[3]);
    out->handle = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 8 | p[5];
    out->epoch = (uint16_t)(p[6] << 8 | p[7]);
    out->is_value = true;
}

static enum rdt_code
read_groups(struct rdt_column_work *work, struct rdt_arena *arena, const struct rdt_rows *rows,
            struct rdt_column_group *out, struct rdt_err *err)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct rdt_column_tenant *tenant;
        struct rdt_span name = rdt_rows_at(rows, i, 0);
        out[i].tenant = rdt_arena_str(arena, name);
        out[i].n = rdt_rows_number(rows, i, 2);
        if (out[i].tenant == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "count a column");
        read_head(&work->table, rdt_rows_at(rows, i, 1), &out[i]);
        enum rdt_code rc = rdt_column_tenant_get(work->keys, name, &tenant, err);
        if (rc != RDT_OK)
            return rc;
        out[i].is_value = out[i].is_value && out[i].handle == tenant->handle;
    }
    return RDT_OK;
}

enum rdt_code
rdt_column_groups(struct rdt_column_work *work, struct rdt_arena *arena,
                  struct rdt_column_group **out, size_t *n, uint64_t *nulls, struct rdt_err *err)
{
    const struct rdt_table_at *table = &work->table;
    RDT_ROWS rows = {0};
    RDT_ROWS none = {0};
    RDT_BUF sql = {0};
    rdt_buf_fmt(&sql, "SELECT %s%s::text, ", table->tenant.name == NULL ? "''" : "t.",
                table->tenant.name == NULL ? "" : table->tenant.name);
    head_of(table, &sql);
    rdt_buf_fmt(&sql, ", count(*)::text FROM %s t WHERE t.%s IS NOT NULL", table->rel, table->col);
    bool one = work->job->tenant != NULL && table->tenant.name != NULL;
    if (one)
        rdt_buf_fmt(&sql, " AND t.%s::text = $1", table->tenant.name);
    rdt_buf_fmt(&sql, " GROUP BY 1, 2 LIMIT %zu", RDT_COLUMN_GROUPS_MAX + 1);
    const char *text = rdt_buf_cstr(&sql);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "count a column");
    struct rdt_db_param param[] = {RDT_DB_TEXT(one ? work->job->tenant : "")};
    enum rdt_code rc = rdt_db_ask(work->job->db, text, param, one, &rows, err);
    if (rc == RDT_OK && rows.n > RDT_COLUMN_GROUPS_MAX)
        rc = rdt_fail(err, RDT_E_LIMIT, "%s has too many kinds of values to count", table->rel);
    if (rc == RDT_OK && nulls != NULL) {
        RDT_BUF count = {0};
        rdt_buf_fmt(&count, "SELECT count(*)::text FROM %s t WHERE t.%s IS NULL", table->rel,
                    table->col);
        text = rdt_buf_cstr(&count);
        rc = text == NULL ? rdt_fail(err, RDT_E_NOMEM, "count a column")
                          : rdt_db_ask(work->job->db, text, NULL, 0, &none, err);
        *nulls = rc == RDT_OK ? rdt_rows_number(&none, 0, 0) : 0;
    }
    if (rc != RDT_OK)
        return rc;
    *n = rows.n;
    *out = rdt_arena_new(arena, (rows.n + 1) * sizeof **out);
    if (*out == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "count a column");
    return read_groups(work, arena, &rows, *out, err);
}
