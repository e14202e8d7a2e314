#include "work/column_internal.h"

#include <stdio.h>

/* Types whose text is one and the same for every session: what a row's key may be made of. */
static const char *const row_types[] = {"smallint", "integer", "bigint",
                                        "uuid",     "text",    "character varying"};

static const char *
quoted(struct rdt_table_at *table, const char *a, const char *b)
{
    RDT_BUF text = {0};
    rdt_db_quote(&text, a);
    if (b != NULL) {
        rdt_buf_str(&text, ".");
        rdt_db_quote(&text, b);
    }
    return rdt_buf_ok(&text) ? rdt_arena_str(&table->arena, rdt_buf_span(&text)) : NULL;
}

enum rdt_code
rdt_table_sql(struct rdt_db *db, struct rdt_table_at *table, const char *name,
              struct rdt_sql_column *out, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    /* the type below all domains, since a domain may stand on another one; by its own name, since
     * "character" would cut what it is cast to */
    enum rdt_code rc = rdt_db_ask(
        db,
        "WITH RECURSIVE d AS ("
        " SELECT a.atttypid AS t, 0 AS deep, a.attnotnull AS nn,"
        " format('%I.%I', n.nspname, y.typname) AS ty"
        " FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid"
        " JOIN pg_namespace n ON n.oid = y.typnamespace"
        " WHERE a.attrelid = $1::regclass AND a.attname = $2::name"
        " AND a.attnum > 0 AND NOT a.attisdropped"
        " UNION ALL SELECT y.typbasetype, d.deep + 1, d.nn OR y.typnotnull, d.ty"
        " FROM d JOIN pg_type y ON y.oid = d.t WHERE y.typtype = 'd' AND d.deep < 32) "
        "SELECT ty, format_type(t, NULL), nn FROM d ORDER BY deep DESC LIMIT 1",
        (struct rdt_db_param[]){RDT_DB_TEXT(table->rel), RDT_DB_TEXT(name)}, 2, &rows, err);
    if (rc != RDT_OK)
        return rc;
    if (rows.n == 0)
        return rdt_fail(err, RDT_E_NOTFOUND, "%s has no column %s", table->rel, name);
    *out = (struct rdt_sql_column){
        .name = quoted(table, name, NULL),
        .type = rdt_arena_str(&table->arena, rdt_rows_at(&rows, 0, 0)),
        .base = rdt_arena_str(&table->arena, rdt_rows_at(&rows, 0, 1)),
        .not_null = rdt_rows_true(&rows, 0, 2),
    };
    if (out->name == NULL || out->type == NULL || out->base == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "look at a table");
    return RDT_OK;
}

static enum rdt_code
find_relation(struct rdt_db *db, const struct rdt_catalogue_column *column, bool to_write,
              struct rdt_table_at *table, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    table->rel = quoted(table, column->schema, column->table);
    table->col = quoted(table, column->field, NULL);
    if (table->rel == NULL || table->col == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "look at a table");
    enum rdt_code rc = rdt_db_ask(
        db,
        "SELECT c.relkind::text, has_table_privilege(c.oid, 'SELECT'), "
        "has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE'), "
        "c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = $1::name AND c.relname = $2::name",
        (struct rdt_db_param[]){RDT_DB_TEXT(column->schema), RDT_DB_TEXT(column->table)}, 2, &rows,
        err);
    if (rc != RDT_OK)
        return rc;
    if (rows.n == 0)
        return rdt_fail(err, RDT_E_NOTFOUND, "database %s has no table %s", rdt_db_name(db),
                        table->rel);
    if (strchr("rp", rdt_rows_text(&rows, 0, 0)[0]) == NULL)
        return rdt_fail(err, RDT_E_STATE, "%s is no table", table->rel);
    if (rdt_rows_true(&rows, 0, 3))
        return rdt_fail(err, RDT_E_STATE,
                        "%s has tables that inherit from it, which no primary key is over",
                        table->rel);
    if (!rdt_rows_true(&rows, 0, 1) || (to_write && !rdt_rows_true(&rows, 0, 2)))
        return rdt_fail(err, RDT_E_DENIED, "this user may not %s %s",
                        rdt_rows_true(&rows, 0, 1) ? "update" : "read", table->rel);
    return RDT_OK;
}

/* The primary key as the database has it. */
static enum rdt_code
primary_key(struct rdt_db *db, struct rdt_table_at *table, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    enum rdt_code rc =
        rdt_db_ask(db,
                   "SELECT a.attname::text FROM pg_index i "
                   "CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(n, at) "
                   "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n "
                   "WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.at",
                   (struct rdt_db_param[]){RDT_DB_TEXT(table->rel)}, 1, &rows, err);
    if (rc != RDT_OK)
        return rc;
    if (rows.n == 0 || rows.n > RDT_CATALOGUE_PARTS_MAX) {
        rdt_fail(err, RDT_E_STATE, "%s has no primary key of 1 to 8 columns", table->rel);
        rdt_hint(err, "name the columns of another unique key in the catalogue: key: [a, b]");
        return RDT_E_STATE;
    }
    for (size_t i = 0; i < rows.n && rc == RDT_OK; i++)
        rc = rdt_table_sql(db, table, rdt_rows_text(&rows, i, 0), &table->key[i], err);
    table->n_key = rows.n;
    return rc;
}

/* Pages that went by a key which is not unique would skip rows, and a row could be another's. */
static enum rdt_code
check_unique(struct rdt_db *db, const struct rdt_catalogue_column *column,
             const struct rdt_table_at *table, struct rdt_err *err)
{
    RDT_AUTO(rdt_db_array_done) struct rdt_db_array names = {0};
    RDT_ROWS rows = {0};
    rdt_db_array_start(&names, RDT_OID_TEXT);
    for (size_t i = 0; i < column->n_key; i++) {
        rdt_db_array_add(&names, rdt_span_str(column->key[i]));
        if (!table->key[i].not_null)
            return rdt_fail(err, RDT_E_STATE, "%s: %s may be NULL, so it is no key", table->rel,
                            table->key[i].name);
    }
    enum rdt_code rc = rdt_db_ask(
        db,
        "SELECT 1 FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique "
        "AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND "
        "(SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute a "
        "WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - "
        "1])) = "
        "(SELECT array_agg(n ORDER BY n) FROM unnest($2::text[]) AS n)",
        (struct rdt_db_param[]){RDT_DB_TEXT(table->rel), rdt_db_array_param(&names)}, 2, &rows,
        err);
    if (rc == RDT_OK && rows.n == 0)
        rc = rdt_fail(err, RDT_E_STATE, "%s has no unique index over just the key's columns",
                      table->rel);
    return rc;
}

static enum rdt_code
find_parts(struct rdt_db *db, const struct rdt_catalogue_column *column, struct rdt_table_at *table,
           struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < column->n_key && rc == RDT_OK; i++)
        rc = rdt_table_sql(db, table, column->key[i], &table->key[i], err);
    table->n_key = column->n_key;
    if (rc == RDT_OK)
        rc =
            column->n_key == 0 ? primary_key(db, table, err) : check_unique(db, column, table, err);
    for (size_t i = 0; i < column->n_row && rc == RDT_OK; i++) {
        rc = rdt_table_sql(db, table, column->row[i], &table->row[i], err);
        size_t k = 0;
        while (rc == RDT_OK && k < RDT_COUNT(row_types) &&
               strcmp(row_types[k], table->row[i].base) != 0)
            k++;
        if (rc == RDT_OK && k == RDT_COUNT(row_types))
            rc = rdt_fail(err, RDT_E_STATE,
                          "%s: %s is of type %s, whose text is not one and the same everywhere",
                          table->rel, table->row[i].name, table->row[i].type);
    }
    table->n_row = column->n_row;
    if (rc == RDT_OK && column->tenant_column != NULL)
        rc = rdt_table_sql(db, table, column->tenant_column, &table->tenant, err);
    return rc;
}

enum rdt_code
rdt_table_find(struct rdt_db *db, const struct rdt_catalogue_column *column, bool to_write,
               struct rdt_table_at *out, struct rdt_err *err)
{
    out->searchable = rdt_catalogue_in_value(column);
    enum rdt_code rc = find_relation(db, column, to_write, out, err);
    if (rc == RDT_OK)
        rc = rdt_table_sql(db, out, column->field, &out->value, err);
    if (rc == RDT_OK)
        rc = find_parts(db, column, out, err);
    return rc;
}

void
rdt_table_forget(struct rdt_table_at *table)
{
    rdt_arena_done(&table->arena);
    *table = (struct rdt_table_at){0};
}
