#include "base/arena.h"

#include "../test.h"

#include <stddef.h>

/* Strings are packed; what comes after them is aligned for any type all the same. */
static void
alignment(void **state)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        const char *text = rdt_arena_fmt(&arena, "%0*d", (int)n, 7);
        max_align_t *any = rdt_arena_new(&arena, sizeof *any);
        assert_non_null(text);
        assert_non_null(any);
        assert_int_equal((uintptr_t)any % _Alignof(max_align_t), 0);
        assert_int_equal(text[strlen(text) - 1], '7');
    }
}

/* Nothing overlaps, and all of it begins as zero, over many blocks and larger than one. */
static void
apart(void **state)
{
    static const size_t sizes[] = {1, 3, 16, 40000, 7, 65536, 200000, 1, 65535, 15};
    uint8_t *at[RDT_COUNT(sizes) * 10];
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(at); i++) {
        size_t n = sizes[i % RDT_COUNT(sizes)];
        at[i] = rdt_arena_new(&arena, n);
        assert_non_null(at[i]);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(at[i][k], 0);
        memset(at[i], (int)(i + 1), n);
    }
    for (size_t i = 0; i < RDT_COUNT(at); i++) {
        size_t n = sizes[i % RDT_COUNT(sizes)];
        assert_int_equal(at[i][0], i + 1);
        assert_int_equal(at[i][n - 1], i + 1);
    }
}

static void
strings(void **state)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_arena other = {0};
    (void)state;
    const char *one = rdt_arena_str(&arena, (struct rdt_span){(const uint8_t *)"abcdef", 3});
    const char *empty = rdt_arena_str(&arena, (struct rdt_span){0});
    const char *two = rdt_arena_str(&other, rdt_span_str("of another"));
    rdt_arena_join(&arena, &other);
    assert_null(other.blocks);
    rdt_arena_done(&other);
    assert_string_equal(one, "abc");
    assert_string_equal(empty, "");
    assert_string_equal(two, "of another");
    assert_null(rdt_arena_new(&arena, SIZE_MAX));
    assert_null(rdt_arena_new(&arena, SIZE_MAX / 2 + 1));
}

static void
spans(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"",    "",    true },
        {"",    "a",   false},
        {"a",   "",    false},
        {"a",   "a",   true },
        {"a",   "ab",  false},
        {"ab",  "a",   false},
        {"abc", "abd", false},
        {"bbc", "abc", false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span a = rdt_span_str(cases[i].a), b = rdt_span_str(cases[i].b);
        assert_int_equal(rdt_span_is(a, cases[i].b), cases[i].same);
        assert_int_equal(rdt_span_eq(a, b), cases[i].same);
        assert_int_equal(rdt_span_cmp(a, b) == 0, cases[i].same);
    }
    /* a NUL inside is a byte like another: it does not end the span */
    assert_false(rdt_span_is((struct rdt_span){(const uint8_t *)"a\0b", 3}, "a"));
    assert_false(rdt_span_is((struct rdt_span){(const uint8_t *)"\0", 1}, ""));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignment),
        cmocka_unit_test(apart),
        cmocka_unit_test(strings),
        cmocka_unit_test(spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
