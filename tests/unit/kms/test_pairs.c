#include "kms/model.h"

#include "../test.h"

#include <stdlib.h>

#define SPAN(s) ((struct rdt_span){(const uint8_t *)(s), sizeof(s) - 1})

static void
test_pairs(void **unused)
{
    (void)unused;
    RDT_BUF buf = {0};
    rdt_pairs_add(&buf, rdt_span_str("a"), rdt_span_str("one"));
    rdt_pairs_add(&buf, rdt_span_str("b"), (struct rdt_span){NULL, 0});
    assert_true(rdt_buf_ok(&buf));
    assert_true(rdt_span_eq(rdt_buf_span(&buf), SPAN("\0\1a\0\3one\0\1b\0\0")));
    struct rdt_span in = rdt_buf_span(&buf), value;
    struct rdt_pair pair;
    assert_true(rdt_pairs_next(&in, &pair));
    assert_true(rdt_span_is(pair.name, "a") && rdt_span_is(pair.value, "one"));
    assert_true(rdt_pairs_next(&in, &pair));
    assert_true(rdt_span_is(pair.name, "b") && pair.value.n == 0);
    assert_false(rdt_pairs_next(&in, &pair));
    assert_int_equal(in.n, 0);
    assert_true(rdt_pairs_find(rdt_buf_span(&buf), rdt_span_str("b"), &value));
    assert_int_equal(value.n, 0);
    assert_false(rdt_pairs_find(rdt_buf_span(&buf), rdt_span_str("one"), &value));
    assert_false(rdt_pairs_find((struct rdt_span){NULL, 0}, rdt_span_str("a"), &value));
}

static void
test_refused(void **unused)
{
    (void)unused;
    static const struct rdt_span bad[] = {
        SPAN("\0"), SPAN("\0\1"), SPAN("\0\1a"), SPAN("\0\1a\0"), SPAN("\0\1a\0\3on"),
    };
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        struct rdt_span in = bad[i];
        struct rdt_pair pair;
        assert_false(rdt_pairs_next(&in, &pair));
        assert_int_equal(in.n, bad[i].n); /* what is left tells damage from the end */
    }
}

static void
test_long(void **unused)
{
    (void)unused;
    uint8_t *bytes = calloc(1, 65536);
    RDT_BUF fits = {0}, name = {0}, value = {0};
    rdt_pairs_add(&fits, (struct rdt_span){bytes, 65535}, (struct rdt_span){bytes, 65535});
    assert_true(rdt_buf_ok(&fits));
    rdt_pairs_add(&name, (struct rdt_span){bytes, 65536}, rdt_span_str("x"));
    assert_false(rdt_buf_ok(&name));
    rdt_pairs_add(&value, rdt_span_str("x"), (struct rdt_span){bytes, 65536});
    assert_false(rdt_buf_ok(&value));
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_long)};
    return cmocka_run_group_tests_name("kms/pairs", tests, NULL, NULL);
}
