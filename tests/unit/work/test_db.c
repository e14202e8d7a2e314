/* What needs no server: arrays as PostgreSQL takes them, names, what a connection string must not
 * hold. The rest is in tests/interop/test_column_*.py. */
#include "work/db_internal.h"

#include "base/compiler.h"

#include "../test.h"

static void
arrays(void **state)
{
    (void)state;
    static const uint8_t want[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0,   0,   25, 0, 0, 0,
                                   2, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b', 0,  0, 0, 0};
    RDT_AUTO(rdt_db_array_done) struct rdt_db_array array = {0};
    for (int again = 0; again < 2; again++) { /* used again, it is as new */
        rdt_db_array_start(&array, RDT_OID_TEXT);
        rdt_db_array_add(&array, rdt_span_str("ab"));
        rdt_db_array_add(&array, rdt_span_str(""));
        struct rdt_db_param param = rdt_db_array_param(&array);
        assert_int_equal(param.type, RDT_OID_TEXTS);
        assert_int_equal(param.value.n, sizeof want);
        assert_memory_equal(param.value.p, want, sizeof want);
    }
    rdt_db_array_start(&array, RDT_OID_BYTEA);
    struct rdt_db_param none = rdt_db_array_param(&array);
    assert_int_equal(none.type, RDT_OID_BYTEAS);
    assert_int_equal(none.value.n, 20);
}

static void
array_without_memory(void **state)
{
    (void)state;
    RDT_AUTO(rdt_db_array_done) struct rdt_db_array array = {0};
    assert_null(rdt_db_array_param(&array).value.p); /* never begun */
    rdt_db_array_start(&array, RDT_OID_BYTEA);
    array.bytes.failed = true;
    assert_null(rdt_db_array_param(&array).value.p);
}

static void
names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"patients", "\"patients\""},
        {"a\"b",     "\"a\"\"b\""  },
        {"",         "\"\""        },
        {"ä;--",    "\"ä;--\""   },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        rdt_db_quote(&out, cases[i].name);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static void
passwords(void **state)
{
    (void)state;
    static const char *const words[] = {
        "host=127.0.0.1 password=planted",
        "postgresql://me:planted@127.0.0.1/db",
        "host=127.0.0.1 sslpassword=planted",
        "host=127.0.0.1 passwrod=planted", /* cannot be read: not repeated */
        "postgresql://[planted",
    };
    for (size_t i = 0; i < RDT_COUNT(words); i++) {
        RDT_AUTO(rdt_db_close_at) struct rdt_db *db = NULL;
        struct rdt_err err = {0};
        assert_int_equal(rdt_db_open(words[i], &db, &err), RDT_E_USAGE);
        assert_null(db);
        assert_null(strstr(err.text, "planted"));
        assert_null(strstr(err.hint, "planted"));
    }
}

static void
nobody_there(void **state)
{
    (void)state;
    RDT_AUTO(rdt_db_close_at) struct rdt_db *db = NULL;
    struct rdt_err err = {0};
    assert_int_equal(rdt_db_open("host=127.0.0.1 port=1 dbname=x user=y", &db, &err), RDT_E_NET);
    assert_null(db);
    assert_null(strchr(err.text, '\n'));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays),       cmocka_unit_test(array_without_memory),
        cmocka_unit_test(names),        cmocka_unit_test(passwords),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
