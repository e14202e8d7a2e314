/* Values in the file that the store never wrote: refused when they are read, whatever their shape.
 */
#include "store/sqlite_internal.h"

#include "small.h"

static enum rdt_code
ignore_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    size_t *n = user;
    (void)row;
    (void)err;
    ++*n;
    return RDT_OK;
}

static enum rdt_code
ignore_entry(void *user, const struct rdt_outbox *entry, struct rdt_err *err)
{
    size_t *n = user;
    (void)entry;
    (void)err;
    ++*n;
    return RDT_OK;
}

/* One after the other: rows, outbox, value. The first failure. */
static enum rdt_code
read_all(struct rdt_store *store)
{
    size_t n = 0;
    RDT_BUF value = {0};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_store_rows(store, ignore_row, &n, &err);
    if (rc == RDT_OK)
        rc = rdt_store_outbox(store, ignore_entry, &n, &err);
    if (rc == RDT_OK)
        rc = rdt_store_value(store, "v", &value, &err);
    assert_true(rc == RDT_OK || err.text[0] != '\0');
    return rc;
}

#define ROW(kind, id, revision, body, mac)                                                         \
    "INSERT INTO rdt_row VALUES (" kind ", " id ", " revision ", " body ", " mac ")"
#define ENTRY(revision, number, id, record, mac)                                                   \
    "INSERT INTO rdt_outbox VALUES (" revision ", " number ", " id ", " record ", " mac ")"
#define MAC "zeroblob(32)"

static const struct {
    const char *what, *sql;
    enum rdt_code want;
} cases[] = {
    {"a good row", ROW("1", "x'01'", "1", "x''", MAC), RDT_OK},
    {"the highest kind", ROW("65535", "x'01'", "1", "x''", MAC), RDT_OK},
    {"a kind too high", ROW("65536", "x'01'", "1", "x''", MAC), RDT_E_TAMPERED},
    {"a kind below zero", ROW("-1", "x'01'", "1", "x''", MAC), RDT_E_TAMPERED},
    {"the longest id", ROW("1", "zeroblob(512)", "1", "x''", MAC), RDT_OK},
    {"an id too long", ROW("1", "zeroblob(513)", "1", "x''", MAC), RDT_E_TAMPERED},
    {"no id", ROW("1", "x''", "1", "x''", MAC), RDT_E_TAMPERED},
    {"a revision below zero", ROW("1", "x'01'", "-1", "x''", MAC), RDT_E_TAMPERED},
    {"the longest body", ROW("1", "x'01'", "1", "zeroblob(1048576)", MAC), RDT_OK},
    {"a body too long", ROW("1", "x'01'", "1", "zeroblob(1048577)", MAC), RDT_E_TAMPERED},
    {"a body far too long", ROW("1", "x'01'", "1", "zeroblob(9000000)", MAC), RDT_E_TAMPERED},
    {"a short MAC", ROW("1", "x'01'", "1", "x''", "zeroblob(31)"), RDT_E_TAMPERED},
    {"a long MAC", ROW("1", "x'01'", "1", "x''", "zeroblob(33)"), RDT_E_TAMPERED},
    {"a good entry", ENTRY("1", "0", "zeroblob(16)", "x'01'", MAC), RDT_OK},
    {"an entry's id too short", ENTRY("1", "0", "zeroblob(15)", "x'01'", MAC), RDT_E_TAMPERED},
    {"an empty record", ENTRY("1", "0", "zeroblob(16)", "x''", MAC), RDT_E_TAMPERED},
    {"the longest record", ENTRY("1", "0", "zeroblob(16)", "zeroblob(65536)", MAC), RDT_OK},
    {"a record too long", ENTRY("1", "0", "zeroblob(16)", "zeroblob(65537)", MAC), RDT_E_TAMPERED},
    {"an entry's MAC too short", ENTRY("1", "0", "zeroblob(16)", "x'01'", "x'00'"), RDT_E_TAMPERED},
    {"a value too long", "UPDATE rdt_value SET value = zeroblob(1048577)", RDT_E_TAMPERED},
    {"a value far too long", "UPDATE rdt_value SET value = zeroblob(9000000)", RDT_E_TAMPERED},
    {"no value", "DELETE FROM rdt_value", RDT_E_NOTFOUND},
 /* a table that takes any type, with the definition put back: what a hex editor can do */
    {"text for bytes",
     "PRAGMA writable_schema = ON;"
     "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, WITHOUT', 'WITHOUT')"
     " WHERE name = 'rdt_value';"
     "PRAGMA writable_schema = RESET;"
     "UPDATE rdt_value SET value = 'text';"
     "PRAGMA writable_schema = ON;"
     "UPDATE sqlite_schema SET sql = replace(sql, 'WITHOUT', 'STRICT, WITHOUT')"
     " WHERE name = 'rdt_value'", RDT_E_TAMPERED},
};

static void
refuses_what_it_never_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char name[32];
        snprintf(name, sizeof name, "strange-%zu.db", i);
        const char *path = make_store(name, 1, 0);
        struct rdt_store *store = must_open(path, false);
        assert_int_equal(rdt_store_put_value(store, "v", rdt_span_str("v"), NULL), RDT_OK);
        rdt_store_close(store);
        store = NULL;
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", cases[i].what, sqlite3_errmsg(db));
        sqlite3_close(db);
        enum rdt_code rc = try_open(path, false, &store);
        if (rc == RDT_OK)
            rc = read_all(store);
        if (rc != cases[i].want)
            fail_msg("%s: %d", cases[i].what, rc);
        rdt_store_close(store);
        unlink(path);
    }
}

/* Ids are bytes: neither case nor NUL nor what looks like a number makes two the same. */
static void
ids_are_bytes(void **state)
{
    static const struct rdt_span ids[] = {
        {(const uint8_t *)"\0",       1},
        {(const uint8_t *)"\0\0",     2},
        {(const uint8_t *)"1",        1},
        {(const uint8_t *)"1.0",      3},
        {(const uint8_t *)"A",        1},
        {(const uint8_t *)"a",        1},
        {(const uint8_t *)"a ",       2},
        {(const uint8_t *)"a\0",      2},
        {(const uint8_t *)"\xff\xfe", 2},
    };
    struct rdt_store *store = must_open(in_folder("ids.db"), true);
    struct rdt_row rows[RDT_COUNT(ids)];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ids); i++)
        rows[i] = (struct rdt_row){.kind = 1, .id = ids[i], .body = rdt_span_str("b")};
    const struct rdt_commit commit = {.revision = 1, .rows = rows, .n_rows = RDT_COUNT(rows)};
    assert_int_equal(rdt_store_commit(store, &commit, NULL), RDT_OK);
    assert_int_equal(rdt_store_rows(store, ignore_row, &n, NULL), RDT_OK);
    assert_int_equal(n, RDT_COUNT(ids));
    rdt_store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_it_never_wrote),
        cmocka_unit_test(ids_are_bytes),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
