/*
 * A plaintext column and its encrypted twin, as the database has them.
 *
 * A trigger cannot encrypt, since the database has no key; it can forget: a plaintext that changes
 * leaves its twin NULL, and the job comes back to it. After the cut-over it is the other way round:
 * a value that is written anew takes the old plaintext away.
 */
#include "work/column_internal.h"

#include <stdio.h>
#include <time.h>

#define LOCK_TRIES 20
#define LOCK_PAUSE_MS 500
#define LOCK_SQL "SET LOCAL lock_timeout = '3s';"

static const char *
quoted(struct rdt_table_at *table, const char *a, const char *b)
{
    RDT_BUF text = {0};
    if (a != NULL) {
        rdt_db_quote(&text, a);
        rdt_buf_str(&text, ".");
    }
    rdt_db_quote(&text, b);
    return rdt_buf_ok(&text) ? rdt_arena_str(&table->arena, rdt_buf_span(&text)) : NULL;
}

static bool
is_sealed_type(const struct rdt_sql_column *column)
{
    return strncmp(column->type, "redoubt.", 8) == 0;
}

/* ---- looking ---- */

static enum rdt_code
check_type(const struct rdt_catalogue_column *column, const struct rdt_sql_column *plain,
           const char **as_bytes, struct rdt_err *err)
{
    bool bytes = strcmp(plain->base, "bytea") == 0;
    if (bytes != (column->type == RDT_CATALOGUE_BYTEA))
        return rdt_fail(err, RDT_E_STATE, "%s is of type %s, and the catalogue says %s",
                        column->name, plain->type, rdt_catalogue_type_name(column->type));
    *as_bytes = bytes ? "t.%s" : "convert_to(t.%s::text, 'UTF8')";
    return RDT_OK;
}

static enum rdt_code
name_twin(struct rdt_column_work *work, struct rdt_twin_at *out, const char **plain_later,
          const char **twin_now, struct rdt_err *err)
{
    const struct rdt_catalogue_column *column = work->job->column;
    struct rdt_arena *arena = &work->table.arena;
    static const char digits[] = "0123456789abcdef";
    char function[48] = "redoubt_twin_";
    size_t at = strlen(function);
    if (strlen(column->field) > RDT_CATALOGUE_NAME_MAX - 6)
        return rdt_fail(err, RDT_E_STATE, "%s: no room in its name for _plain", column->name);
    for (size_t i = 0; i < sizeof column->id; i++) {
        function[at++] = digits[column->id[i] >> 4];
        function[at++] = digits[column->id[i] & 15];
    }
    function[at] = '\0';
    *plain_later = rdt_arena_fmt(arena, "%s_plain", column->field);
    *twin_now = rdt_arena_fmt(arena, "%s_rdt", column->field);
    out->function = quoted(&work->table, column->schema, function);
    out->trigger = rdt_arena_fmt(arena, "zz_%s", function);
    return *plain_later == NULL || *twin_now == NULL || out->function == NULL ||
                   out->trigger == NULL
               ? rdt_fail(err, RDT_E_NOMEM, "look at a column")
               : RDT_OK;
}

enum rdt_code
rdt_twin_find(struct rdt_column_work *work, struct rdt_twin_at *out, enum rdt_column_stage *stage,
              struct rdt_err *err)
{
    struct rdt_sql_column other = {0};
    struct rdt_table_at *table = &work->table;
    const char *plain_later = NULL, *twin_now = NULL;
    bool cut = is_sealed_type(&table->value);
    enum rdt_code rc = name_twin(work, out, &plain_later, &twin_now, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_table_sql(work->job->db, table, cut ? plain_later : twin_now, &other, err);
    if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
        return rc;
    bool there = rc == RDT_OK;
    *stage = cut ? (there ? RDT_COLUMN_CUT : RDT_COLUMN_SEALED)
                 : (there ? RDT_COLUMN_TWIN : RDT_COLUMN_PLAIN);
    if (!cut && there && !is_sealed_type(&other))
        return rdt_fail(err, RDT_E_STATE, "%s has a column %s that is no twin of ours", table->rel,
                        twin_now);
    out->bare_plain = cut ? plain_later : work->job->column->field;
    out->plain = quoted(table, NULL, out->bare_plain);
    out->sealed = quoted(table, NULL, cut ? work->job->column->field : twin_now);
    out->was_not_null = !cut && table->value.not_null;
    if (out->plain == NULL || out->sealed == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "look at a column");
    if (*stage == RDT_COLUMN_SEALED)
        return RDT_OK;
    return check_type(work->job->column, cut ? &other : &table->value, &out->as_bytes, err);
}

/* What would go on reading the plaintext under its new name, or cannot be. */
static enum rdt_code
check_alone(struct rdt_column_work *work, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    enum rdt_code rc = rdt_db_ask(
        work->job->db,
        "WITH a AS (SELECT attrelid AS r, attnum AS n, attgenerated <> '' AS gen FROM pg_attribute "
        "WHERE attrelid = $1::regclass AND attname = $2::name) "
        "SELECT 'it is generated' FROM a WHERE gen "
        "UNION ALL SELECT 'the table is partitioned by it' FROM a, pg_partitioned_table p "
        "WHERE p.partrelid = a.r AND a.n = ANY (p.partattrs::int2[]) "
        "UNION ALL SELECT 'constraint ' || c.conname FROM a, pg_constraint c WHERE "
        "(c.conrelid = a.r AND a.n = ANY (c.conkey) AND c.contype IN ('f', 'p')) "
        "OR (c.confrelid = a.r AND a.n = ANY (c.confkey)) "
        "UNION ALL SELECT CASE d.classid WHEN 'pg_rewrite'::regclass THEN 'view ' || "
        "(SELECT w.ev_class::regclass::text FROM pg_rewrite w WHERE w.oid = d.objid) "
        "WHEN 'pg_policy'::regclass THEN 'a row security policy' "
        "WHEN 'pg_trigger'::regclass THEN 'trigger ' || "
        "(SELECT g.tgname FROM pg_trigger g WHERE g.oid = d.objid) ELSE 'a publication' END "
        "FROM a, pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.r "
        "AND d.refobjsubid = a.n AND d.classid IN ('pg_rewrite'::regclass, "
        "'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass) LIMIT 1",
        (struct rdt_db_param[]){RDT_DB_TEXT(work->table.rel),
                                RDT_DB_TEXT(work->job->column->field)},
        2, &rows, err);
    if (rc != RDT_OK || rows.n == 0)
        return rc;
    rdt_fail(err, RDT_E_STATE, "%s cannot become another column: %s", work->job->column->name,
             rdt_rows_text(&rows, 0, 0));
    rdt_hint(err, "take that away first, and make it anew over the encrypted column");
    return RDT_E_STATE;
}

/* Indexes stay with the plaintext, and so does what they guarantee. */
static enum rdt_code
tell_indexes(struct rdt_column_work *work, struct rdt_err *err)
{
    RDT_ROWS rows = {0};
    enum rdt_code rc = rdt_db_ask(
        work->job->db,
        "SELECT i.indexrelid::regclass::text, i.indisunique FROM pg_index i, pg_attribute a WHERE "
        "a.attrelid = $1::regclass AND a.attname = $2::name AND i.indrelid = a.attrelid AND "
        "a.attnum = ANY (i.indkey::int2[])",
        (struct rdt_db_param[]){RDT_DB_TEXT(work->table.rel),
                                RDT_DB_TEXT(work->job->column->field)},
        2, &rows, err);
    for (size_t i = 0; rc == RDT_OK && i < rows.n; i++)
        rdt_column_say(work->job,
                       "index %s is over the plaintext, and goes with it%s: redoubt.token() makes "
                       "another",
                       rdt_rows_text(&rows, i, 0),
                       rdt_rows_true(&rows, i, 1) ? "; it is unique" : "");
    return rc;
}

/* ---- changing ---- */

/* A short transaction under a lock that is asked for again rather than waited for. */
static enum rdt_code
run_until(struct rdt_column_work *work, struct rdt_buf *sql, struct rdt_err *err)
{
    const char *text = rdt_buf_cstr(sql);
    enum rdt_code rc = RDT_E_TIMEOUT;
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "change a column");
    for (int i = 0; i < LOCK_TRIES && rc == RDT_E_TIMEOUT; i++) {
        if (i != 0) {
            struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};
            nanosleep(&pause, NULL);
        }
        rc = rdt_db_run(work->job->db, text, err);
        if (rc != RDT_OK && rc != RDT_E_NET &&
            rdt_db_run(work->job->db, "ROLLBACK", NULL) != RDT_OK)
            return rc;
    }
    return rc;
}

/* What makes a value wrong: its plaintext, its tenant or its row is another one. */
static void
put_changed(const struct rdt_column_work *work, const char *of, struct rdt_buf *sql)
{
    const struct rdt_table_at *table = &work->table;
    rdt_buf_fmt(sql, "NEW.%s::text IS DISTINCT FROM OLD.%s::text", of, of);
    for (size_t i = 0; i < table->n_row; i++)
        rdt_buf_fmt(sql, " OR NEW.%s::text IS DISTINCT FROM OLD.%s::text", table->row[i].name,
                    table->row[i].name);
    if (table->tenant.name != NULL)
        rdt_buf_fmt(sql, " OR NEW.%s::text IS DISTINCT FROM OLD.%s::text", table->tenant.name,
                    table->tenant.name);
}

/* changed: the column that is watched; forget: the one that becomes NULL where it did not change
 * in the same statement. Names in it are quoted ones, so the body is in quotes of its own. */
static void
put_trigger(const struct rdt_column_work *work, const struct rdt_twin_at *twin, const char *changed,
            const char *forget, struct rdt_buf *sql)
{
    rdt_buf_fmt(sql,
                "CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path "
                "= pg_catalog AS $redoubt$ BEGIN IF (",
                twin->function);
    put_changed(work, changed, sql);
    rdt_buf_fmt(sql,
                ") AND NEW.%s::text IS NOT DISTINCT FROM OLD.%s::text THEN NEW.%s := NULL; END IF; "
                "RETURN NEW; END $redoubt$;",
                forget, forget, forget);
    rdt_buf_fmt(sql,
                "DROP TRIGGER IF EXISTS %s ON %s;"
                "CREATE TRIGGER %s BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s();"
                "ALTER TABLE %s ENABLE ALWAYS TRIGGER %s;",
                twin->trigger, work->table.rel, twin->trigger, work->table.rel, twin->function,
                work->table.rel, twin->trigger);
}

enum rdt_code
rdt_twin_begin(struct rdt_column_work *work, const struct rdt_twin_at *twin, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    enum rdt_code rc = check_alone(work, err);
    if (rc == RDT_OK)
        rc = tell_indexes(work, err);
    if (rc != RDT_OK)
        return rc;
    rdt_buf_fmt(&sql, "BEGIN;" LOCK_SQL "ALTER TABLE %s ADD COLUMN %s redoubt.%s;", work->table.rel,
                twin->sealed, work->table.searchable ? "searchable" : "rf1");
    put_trigger(work, twin, twin->plain, twin->sealed, &sql);
    rdt_buf_str(&sql, "COMMIT");
    return run_until(work, &sql, err);
}

enum rdt_code
rdt_twin_cut(struct rdt_column_work *work, const struct rdt_twin_at *twin, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    const char *later = rdt_arena_fmt(&work->table.arena, "%s_plain", twin->bare_plain);
    const char *plain = later == NULL ? NULL : quoted(&work->table, NULL, later);
    enum rdt_code rc = check_alone(work, err);
    if (rc != RDT_OK)
        return rc;
    if (plain == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "cut over");
    rdt_buf_fmt(&sql,
                "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL, ALTER COLUMN %s DROP DEFAULT;"
                "ALTER TABLE %s RENAME COLUMN %s TO %s;"
                "ALTER TABLE %s RENAME COLUMN %s TO %s;",
                work->table.rel, twin->plain, twin->plain, work->table.rel, twin->plain, plain,
                work->table.rel, twin->sealed, work->table.col);
    put_trigger(work, twin, work->table.col, plain, &sql);
    const char *text = rdt_buf_cstr(&sql);
    return text == NULL ? rdt_fail(err, RDT_E_NOMEM, "cut over")
                        : rdt_db_run(work->job->db, text, err);
}

enum rdt_code
rdt_twin_drop(struct rdt_column_work *work, const struct rdt_twin_at *twin, struct rdt_err *err)
{
    RDT_BUF sql = {0};
    rdt_buf_fmt(&sql,
                "BEGIN;" LOCK_SQL "DROP TRIGGER IF EXISTS %s ON %s;"
                "DROP FUNCTION IF EXISTS %s(); ALTER TABLE %s DROP COLUMN %s; COMMIT",
                twin->trigger, work->table.rel, twin->function, work->table.rel, twin->plain);
    return run_until(work, &sql, err);
}

/* By way of a constraint that is validated without a lock: PostgreSQL then takes its word. */
enum rdt_code
rdt_twin_not_null(struct rdt_column_work *work, struct rdt_err *err)
{
    static const char name[] = "redoubt_twin_not_null";
    const struct rdt_table_at *table = &work->table;
    RDT_BUF add = {0};
    RDT_BUF validate = {0};
    RDT_BUF set = {0};
    rdt_buf_fmt(&add,
                "BEGIN;" LOCK_SQL "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT "
                "VALID; COMMIT",
                table->rel, name, table->col);
    rdt_buf_fmt(&validate, "ALTER TABLE %s VALIDATE CONSTRAINT %s", table->rel, name);
    rdt_buf_fmt(&set,
                "BEGIN;" LOCK_SQL "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL, DROP CONSTRAINT "
                "%s; COMMIT",
                table->rel, table->col, name);
    enum rdt_code rc = run_until(work, &add, err);
    if (rc == RDT_OK)
        rc = run_until(work, &validate, err);
    return rc == RDT_OK ? run_until(work, &set, err) : rc;
}
