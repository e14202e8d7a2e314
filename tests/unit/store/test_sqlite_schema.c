#include "store/sqlite_internal.h"

#include "small.h"

#include <stdlib.h>

/* ---- steps ---- */

#define ONE "CREATE TABLE t (a INTEGER NOT NULL) STRICT; INSERT INTO t VALUES (1);"
#define TWO "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = 'two';"
#define THREE "CREATE TABLE u (c BLOB) STRICT;"

static const char *const good[] = {ONE, TWO, THREE};
static const char *const bad[] = {ONE, TWO, THREE " CREATE TABLE t (again INTEGER);"};

static struct rdt_sqlite_steps
first(const char *const *sql, int n)
{
    return (struct rdt_sqlite_steps){sql, n};
}

static sqlite3 *
open_raw(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    return db;
}

static int
exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int
number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *get = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &get, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(get), SQLITE_ROW);
    int number = sqlite3_column_int(get, 0);
    sqlite3_finalize(get);
    return number;
}

static int
version_of(sqlite3 *db)
{
    int version = -1;
    assert_int_equal(rdt_sqlite_version(db, &version, NULL), RDT_OK);
    return version;
}

static void
takes_the_missing_steps(void **state)
{
    (void)state;
    for (int from = 0; from <= 3; from++) {
        sqlite3 *db = open_raw(":memory:");
        struct rdt_sqlite_steps old = first(good, from), new = first(good, 3);
        assert_int_equal(rdt_sqlite_migrate(db, &old, NULL), RDT_OK);
        assert_int_equal(version_of(db), from);
        assert_int_equal(rdt_sqlite_migrate(db, &new, NULL), RDT_OK);
        assert_int_equal(version_of(db), 3);
        assert_int_equal(number_of(db, "SELECT count(*) FROM t WHERE a = 1 AND b = 'two'"), 1);
        assert_int_equal(rdt_sqlite_same_schema(db, &new, NULL), RDT_OK);
        assert_int_equal(rdt_sqlite_migrate(db, &new, NULL), RDT_OK); /* nothing left to do */
        sqlite3_close(db);
    }
}

static void
a_step_that_fails_undoes_all(void **state)
{
    sqlite3 *db = open_raw(":memory:");
    struct rdt_sqlite_steps one = first(bad, 1), all = first(bad, 3);
    struct rdt_err err = {0};
    (void)state;
    assert_int_equal(rdt_sqlite_migrate(db, &one, NULL), RDT_OK);
    assert_int_not_equal(rdt_sqlite_migrate(db, &all, &err), RDT_OK);
    assert_true(sqlite3_get_autocommit(db));
    assert_int_equal(version_of(db), 1);
    assert_int_equal(rdt_sqlite_same_schema(db, &one, NULL), RDT_OK);
    assert_int_equal(number_of(db, "SELECT count(*) FROM sqlite_schema"), 1);
    sqlite3_close(db);
}

static void
never_goes_back(void **state)
{
    sqlite3 *db = open_raw(":memory:");
    struct rdt_sqlite_steps two = first(good, 2), one = first(good, 1);
    struct rdt_err err = {0};
    (void)state;
    assert_int_equal(rdt_sqlite_migrate(db, &two, NULL), RDT_OK);
    assert_int_equal(rdt_sqlite_migrate(db, &one, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "newer"));
    assert_int_equal(rdt_sqlite_same_schema(db, &one, NULL), RDT_E_STATE);
    assert_int_equal(version_of(db), 2);
    sqlite3_close(db);
}

/* ---- the store's own ---- */

static void
an_image_is_an_empty_store(void **state)
{
    RDT_BUF image = {0};
    const char *path = in_folder("image.db");
    (void)state;
    assert_int_equal(rdt_sqlite_image(&rdt_sqlite_steps, &image, NULL), RDT_OK);
    write_bytes(path, rdt_buf_span(&image));
    struct rdt_store *store = must_open(path, false);
    assert_int_equal(rdt_store_revision(store), 0);
    must_commit(store, 1);
    rdt_store_close(store);
}

/* Somebody changes the file between two runs: each must be refused, and be as it was. */
static const struct {
    const char *what, *sql;
    enum rdt_code want;
} changes[] = {
    {"nothing",                         "SELECT 1",                                                                    RDT_OK        },
    {"statistics",                      "ANALYZE",                                                                     RDT_E_TAMPERED},
    {"a trigger",                       "CREATE TRIGGER x AFTER UPDATE ON rdt_head BEGIN DELETE FROM rdt_outbox; END",
     RDT_E_TAMPERED                                                                                                                  },
    {"a trigger with a quoted name",
     "CREATE TRIGGER \"rdt_row\" BEFORE INSERT ON rdt_row BEGIN SELECT raise(IGNORE); END",                            RDT_E_TAMPERED},
    {"a view",                          "CREATE VIEW v AS SELECT * FROM rdt_row",                                      RDT_E_TAMPERED},
    {"a table",                         "CREATE TABLE sneak (a)",                                                      RDT_E_TAMPERED},
    {"an index",                        "CREATE INDEX i ON rdt_row (revision)",                                        RDT_E_TAMPERED},
    {"an index on an expression",       "CREATE INDEX i ON rdt_row (length(body))",                                    RDT_E_TAMPERED},
    {"a column",                        "ALTER TABLE rdt_row ADD COLUMN more BLOB",                                    RDT_E_TAMPERED},
    {"a table renamed",                 "ALTER TABLE rdt_outbox RENAME TO other",                                      RDT_E_TAMPERED},
    {"a table gone",                    "DROP TABLE rdt_outbox",                                                       RDT_E_TAMPERED},
    {"a table without its constraints",
     "DROP TABLE rdt_value; CREATE TABLE rdt_value (name TEXT, value BLOB)",                                           RDT_E_TAMPERED},
    {"the head gone",                   "DELETE FROM rdt_head",                                                        RDT_E_TAMPERED},
    {"a head below zero",               "UPDATE rdt_head SET revision = -1",                                           RDT_E_TAMPERED},
    {"version 2",                       "PRAGMA user_version = 2",                                                     RDT_E_STATE   },
    {"version 0",                       "PRAGMA user_version = 0",                                                     RDT_E_TAMPERED},
    {"a negative version",              "PRAGMA user_version = -1",                                                    RDT_E_STATE   },
    {"another application",             "PRAGMA application_id = 1",                                                   RDT_E_TAMPERED},
};

static enum rdt_code
open_once(const char *path)
{
    struct rdt_store *store = NULL;
    struct rdt_err err = {0};
    const struct rdt_store_opts opts = {.path = path};
    enum rdt_code rc = rdt_store_open(&opts, &store, &err);
    assert_true(rc == RDT_OK || err.text[0] != '\0');
    rdt_store_close(store);
    return rc;
}

static void
refuses_a_changed_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(changes); i++) {
        char name[32];
        snprintf(name, sizeof name, "changed-%zu.db", i);
        const char *path = make_store(name, 3, 2);
        sqlite3 *db = open_raw(path);
        if (exec(db, changes[i].sql) != SQLITE_OK)
            fail_msg("%s: %s", changes[i].what, sqlite3_errmsg(db));
        sqlite3_close(db);
        struct rdt_buf before = bytes_of(path);
        enum rdt_code rc = open_once(path);
        if (rc != changes[i].want)
            fail_msg("%s: %d", changes[i].what, rc);
        struct rdt_buf after = bytes_of(path);
        if (rc != RDT_OK && !rdt_span_eq(rdt_buf_span(&before), rdt_buf_span(&after)))
            fail_msg("%s: the file was changed", changes[i].what);
        RDT_BUF log = {0};
        rdt_buf_fmt(&log, "%s-wal", path);
        assert_false(is_there(rdt_buf_cstr(&log)));
        rdt_buf_done(&before);
        rdt_buf_done(&after);
        unlink(path);
    }
}

/* A newer version that is in the log alone, as after a crash: refused, and still there. */
static int
raise_version_and_die(const char *path)
{
    sqlite3 *db = open_raw(path);
    exec(db, "PRAGMA user_version = 9");
    return 0; /* not closed: the file's own pages are old */
}

static void
refuses_a_newer_log(void **state)
{
    const char *path = make_store("newer.db", 3, 0);
    const char *log = in_folder("newer.db-wal");
    (void)state;
    assert_int_equal(apart(raise_version_and_die, path), 0);
    struct rdt_buf file = bytes_of(path), before = bytes_of(log);
    assert_true(before.n > 0);
    assert_int_equal(open_once(path), RDT_E_STATE);
    struct rdt_buf same = bytes_of(path), after = bytes_of(log);
    assert_true(rdt_span_eq(rdt_buf_span(&file), rdt_buf_span(&same)));
    assert_true(rdt_span_eq(rdt_buf_span(&before), rdt_buf_span(&after)));
    rdt_buf_done(&file);
    rdt_buf_done(&same);
    rdt_buf_done(&before);
    rdt_buf_done(&after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_missing_steps), cmocka_unit_test(a_step_that_fails_undoes_all),
        cmocka_unit_test(never_goes_back),         cmocka_unit_test(an_image_is_an_empty_store),
        cmocka_unit_test(refuses_a_changed_file),  cmocka_unit_test(refuses_a_newer_log),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
