#include "store/sqlite_internal.h"

/*
 * docs/formats/store.md. One table of rows for every kind (docs/adr/0013-one-table-of-rows.md);
 * the order of the outbox is written down, since not every engine counts without gaps or going
 * back.
 */
static const char *const steps[] = {
    "CREATE TABLE rdt_head (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),"
    " revision INTEGER NOT NULL) STRICT;"
    "INSERT INTO rdt_head VALUES (1, 0);"
    "CREATE TABLE rdt_row (kind INTEGER NOT NULL, id BLOB NOT NULL, revision INTEGER NOT NULL,"
    " body BLOB NOT NULL, mac BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rdt_outbox (revision INTEGER NOT NULL, number INTEGER NOT NULL,"
    " id BLOB NOT NULL UNIQUE, record BLOB NOT NULL, mac BLOB NOT NULL,"
    " PRIMARY KEY (revision, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rdt_value (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID;",
};
_Static_assert(RDT_COUNT(steps) == RDT_STORE_SCHEMA, "one step makes one version");

const struct rdt_sqlite_steps rdt_sqlite_steps = {steps, RDT_STORE_SCHEMA};

static const char objects[] = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"
                              " ORDER BY type, name, tbl_name";
#define OBJECT_COLUMNS 4

static void
close_db(sqlite3 **db)
{
    sqlite3_close(*db);
}

static void
finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

enum rdt_code
rdt_sqlite_version(sqlite3 *db, int *out, struct rdt_err *err)
{
    RDT_AUTO(finalize) sqlite3_stmt *get = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &get, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(get);
    if (rc != SQLITE_ROW)
        return rdt_sqlite_fail(db, rc, "schema", err);
    *out = sqlite3_column_int(get, 0);
    return RDT_OK;
}

static enum rdt_code
newer(int version, int known, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_STATE, "schema %d is newer than %d, which this program knows", version,
             known);
    rdt_hint(err, "start the version of redoubt that wrote it, or a newer one");
    return RDT_E_STATE;
}

static int
take_steps(sqlite3 *db, const struct rdt_sqlite_steps *wanted, int from)
{
    int rc = SQLITE_OK;
    for (int i = from; rc == SQLITE_OK && i < wanted->n; i++)
        rc = sqlite3_exec(db, wanted->sql[i], NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    char version[64];
    snprintf(version, sizeof version, "PRAGMA user_version = %d", wanted->n);
    return sqlite3_exec(db, version, NULL, NULL, NULL);
}

enum rdt_code
rdt_sqlite_migrate(sqlite3 *db, const struct rdt_sqlite_steps *wanted, struct rdt_err *err)
{
    int from = 0;
    enum rdt_code code = rdt_sqlite_version(db, &from, err);
    if (code != RDT_OK)
        return code;
    if (from > wanted->n)
        return newer(from, wanted->n, err);
    if (from == wanted->n)
        return RDT_OK;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = take_steps(db, wanted, from);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return RDT_OK;
    code = rdt_sqlite_fail(db, rc, "migrate", err);
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

/* A database in memory as the steps up to a version make it. */
static enum rdt_code
model_of(const struct rdt_sqlite_steps *wanted, int version, sqlite3 **out, struct rdt_err *err)
{
    RDT_AUTO(close_db) sqlite3 *db = NULL;
    const struct rdt_sqlite_steps part = {wanted->sql, version};
    char application[64];
    int rc = sqlite3_open_v2(
        ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    snprintf(application, sizeof application, "PRAGMA application_id = %d", RDT_SQLITE_APPLICATION);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, application, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(db, rc, "model of the schema", err);
    enum rdt_code code = rdt_sqlite_migrate(db, &part, err);
    if (code == RDT_OK)
        *out = RDT_STEAL(db);
    return code;
}

static bool
same_object(sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (int i = 0; i < OBJECT_COLUMNS; i++) {
        const unsigned char *x = sqlite3_column_text(a, i), *y = sqlite3_column_text(b, i);
        if (x == NULL || y == NULL || strcmp((const char *)x, (const char *)y) != 0)
            return false;
    }
    return true;
}

static enum rdt_code
compare(sqlite3 *db, sqlite3 *model, struct rdt_err *err)
{
    RDT_AUTO(finalize) sqlite3_stmt *have = NULL, *want = NULL;
    int rc = sqlite3_prepare_v2(model, objects, -1, &want, NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(model, rc, "model of the schema", err);
    rc = sqlite3_prepare_v2(db, objects, -1, &have, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(have);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            break;
        if (sqlite3_step(want) != rc || (rc == SQLITE_ROW && !same_object(have, want)))
            return rdt_fail(err, RDT_E_TAMPERED, "the tables are not those of a store");
    }
    return rc == SQLITE_DONE ? RDT_OK : rdt_sqlite_fail(db, rc, "schema", err);
}

enum rdt_code
rdt_sqlite_same_schema(sqlite3 *db, const struct rdt_sqlite_steps *wanted, struct rdt_err *err)
{
    RDT_AUTO(close_db) sqlite3 *model = NULL;
    int version = 0;
    enum rdt_code code = rdt_sqlite_version(db, &version, err);
    if (code != RDT_OK)
        return code;
    if (version > wanted->n)
        return newer(version, wanted->n, err);
    if (version < 1)
        return rdt_fail(err, RDT_E_TAMPERED, "schema %d never was", version);
    code = model_of(wanted, version, &model, err);
    return code == RDT_OK ? compare(db, model, err) : code;
}

enum rdt_code
rdt_sqlite_image(const struct rdt_sqlite_steps *wanted, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(close_db) sqlite3 *model = NULL;
    enum rdt_code code = model_of(wanted, wanted->n, &model, err);
    if (code != RDT_OK)
        return code;
    sqlite3_int64 n = 0;
    size_t at = out->n;
    unsigned char *bytes = sqlite3_serialize(model, "main", &n, 0);
    if (bytes != NULL)
        rdt_buf_add(out, bytes, (size_t)n);
    sqlite3_free(bytes);
    if (bytes == NULL || !rdt_buf_ok(out))
        return rdt_fail(err, RDT_E_NOMEM, "image of an empty store");
    /* File format versions of SQLite's header: 2 is WAL. Never once a rollback journal, in which
     * two that start at the same moment could refuse each other. */
    out->p[at + 18] = out->p[at + 19] = 2;
    return RDT_OK;
}
