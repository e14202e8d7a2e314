#include "kms/context.h"

#include "../test.h"

#include <stdlib.h>

static struct rdt_context context;

static void
begin(void)
{
    memset(&context, 0xee, sizeof context); /* nothing relies on zeroes but n */
    context.n = 0;
}

static bool
add(const char *key, const char *value)
{
    return rdt_context_add(&context, rdt_span_str(key), rdt_span_str(value));
}

static void
none(void **state)
{
    static const uint8_t want[4];
    (void)state;
    begin();
    assert_int_equal(rdt_context_finish(&context), RDT_OK);
    assert_int_equal(context.bytes_n, sizeof want);
    assert_memory_equal(context.bytes, want, sizeof want);
}

static void
order(void **state)
{
    static const char want[] = "\0\0\0\4"
                               "\0\0\0\1B\0\0\0\1"
                               "2"
                               "\0\0\0\1a\0\0\0\1"
                               "1"
                               "\0\0\0\2ab\0\0\0\0"
                               "\0\0\0\2\xc3\xa4\0\0\0\1"
                               "3";
    static const char *const pairs[4][2] = {
        {"\xc3\xa4", "3"},
        {"ab",       "" },
        {"a",        "1"},
        {"B",        "2"}
    };
    (void)state;
    for (unsigned turn = 0; turn < 4; turn++) {
        begin();
        for (unsigned i = 0; i < 4; i++)
            assert_true(add(pairs[(i + turn) % 4][0], pairs[(i + turn) % 4][1]));
        assert_int_equal(rdt_context_finish(&context), RDT_OK);
        assert_int_equal(context.bytes_n, sizeof want - 1);
        assert_memory_equal(context.bytes, want, sizeof want - 1);
        assert_true(rdt_span_is(context.keys[0], "B")); /* policies see the same order */
        assert_true(rdt_span_is(context.values[3], "3"));
    }
}

/* Keys and values cannot be moved against each other. */
static void
no_shift(void **state)
{
    uint8_t first[64];
    (void)state;
    begin();
    assert_true(add("ab", "c"));
    assert_int_equal(rdt_context_finish(&context), RDT_OK);
    size_t n = context.bytes_n;
    memcpy(first, context.bytes, n);
    begin();
    assert_true(add("a", "bc"));
    assert_int_equal(rdt_context_finish(&context), RDT_OK);
    assert_int_equal(context.bytes_n, n);
    assert_memory_not_equal(context.bytes, first, n);
}

static void
refused(void **state)
{
    static const char *const bad[] = {"", "\xff", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        begin();
        assert_true(add("ok", "ok"));
        assert_true(add(bad[i], "ok"));
        assert_int_equal(rdt_context_finish(&context), RDT_E_BADINPUT);
        if (i == 0)
            continue; /* a value may be empty */
        begin();
        assert_true(add("ok", bad[i]));
        assert_int_equal(rdt_context_finish(&context), RDT_E_BADINPUT);
    }
    begin();
    assert_true(
        rdt_context_add(&context, rdt_span_str("a"), (struct rdt_span){(uint8_t *)"b\0c", 3}));
    assert_int_equal(rdt_context_finish(&context), RDT_E_BADINPUT);
    begin();
    assert_true(add("a", "1"));
    assert_true(add("b", "2"));
    assert_true(add("a", "1"));
    assert_int_equal(rdt_context_finish(&context), RDT_E_BADINPUT);
}

static void
limits(void **state)
{
    static uint8_t text[RDT_CONTEXT_MAX];
    char keys[RDT_CONTEXT_PAIRS_MAX][4];
    (void)state;
    memset(text, 'x', sizeof text);
    begin();
    for (unsigned i = 0; i < RDT_CONTEXT_PAIRS_MAX; i++) {
        keys[i][0] = (char)('A' + i / 26);
        keys[i][1] = (char)('A' + i % 26);
        keys[i][2] = 0;
        assert_true(add(keys[i], ""));
    }
    assert_false(add("one more", ""));
    assert_int_equal(rdt_context_finish(&context), RDT_OK);
    assert_int_equal(context.bytes_n, 4 + RDT_CONTEXT_PAIRS_MAX * 10);

    for (size_t more = 0; more < 2; more++) { /* 13: count, two lengths, a key of one byte */
        begin();
        assert_true(rdt_context_add(&context, rdt_span_str("k"),
                                    (struct rdt_span){text, RDT_CONTEXT_MAX - 13 + more}));
        assert_int_equal(rdt_context_finish(&context), more == 0 ? RDT_OK : RDT_E_LIMIT);
        assert_int_equal(context.bytes_n, more == 0 ? RDT_CONTEXT_MAX : 0);
    }
    begin(); /* no room for so much as a length */
    assert_true(add("k", "v"));
    assert_true(rdt_context_add(&context, (struct rdt_span){text, RDT_CONTEXT_MAX - 20},
                                rdt_span_str("v")));
    assert_int_equal(rdt_context_finish(&context), RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),    cmocka_unit_test(order),  cmocka_unit_test(no_shift),
        cmocka_unit_test(refused), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
