/* Room, limits and what is left behind; the rules themselves are held against a second
 * implementation (tests/functional/test_searchable.py). */
#include "field/normal.h"

#include "../test.h"

#include <stdlib.h>

static const struct rdt_normal email = {
    .rule = RDT_NORMAL_EMAIL, .version = 1, .local = RDT_NORMAL_LOCAL_FOLD};
static const struct rdt_normal name = {.rule = RDT_NORMAL_NAME, .version = 1};
static const struct rdt_normal phone = {
    .rule = RDT_NORMAL_PHONE, .version = 1, .country = 49, .trunk = '0'};
static const struct rdt_normal digits = {.rule = RDT_NORMAL_DIGITS, .version = 1};
static const struct rdt_normal date = {
    .rule = RDT_NORMAL_DATE, .version = 1, .order = RDT_NORMAL_ORDER_ISO};
static const struct rdt_normal raw = {.rule = RDT_NORMAL_RAW, .version = 1};

/* One byte less than it takes: refused, and nothing of it stays. */
static void
room(void **state)
{
    (void)state;
    static const struct {
        const struct rdt_normal *rule;
        const char *typed, *want;
    } cases[] = {
        {&raw,    "Raw ",               "Raw "           },
        {&email,  "Ada@Example.ORG",    "ada@example.org"},
        {&name,   "  Ada   Lovelace\n", "ada lovelace"   },
        {&phone,  "0151 2345678",       "+491512345678"  },
        {&digits, "123-45-6789",        "123456789"      },
        {&date,   "13.4.2020",          "2020-04-13"     },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span typed = rdt_span_str(cases[i].typed), want = rdt_span_str(cases[i].want);
        assert_true(rdt_normal_len(cases[i].rule, typed.n) >= want.n);
        for (size_t n = 0; n <= want.n; n++) {
            uint8_t *bytes = malloc(n == 0 ? 1 : n);
            struct rdt_rf1_out out = {bytes, n, 7};
            assert_non_null(bytes);
            memset(bytes, 0xaa, n == 0 ? 1 : n);
            enum rdt_field_fault fault = rdt_normal_put(cases[i].rule, typed, &out);
            assert_int_equal(fault, n == want.n ? RDT_FIELD_OK : RDT_FIELD_NO_ROOM);
            assert_int_equal(out.n, n == want.n ? n : 0);
            for (size_t k = 0; fault != RDT_FIELD_OK && k < n; k++)
                assert_int_equal(bytes[k], 0);
            if (fault == RDT_FIELD_OK)
                assert_memory_equal(bytes, want.p, n);
            free(bytes);
        }
    }
}

static void
long_ones(void **state)
{
    (void)state;
    static uint8_t typed[RDT_NORMAL_TEXT_MAX + 1], bytes[RDT_NORMAL_OUT_MAX];
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    memset(typed, 'a', sizeof typed);
    assert_int_equal(rdt_normal_put(&name, (struct rdt_span){typed, RDT_NORMAL_TEXT_MAX}, &out),
                     RDT_FIELD_OK);
    assert_int_equal(out.n, RDT_NORMAL_TEXT_MAX);
    assert_int_equal(rdt_normal_put(&name, (struct rdt_span){typed, sizeof typed}, &out),
                     RDT_FIELD_TOO_LONG);
    assert_int_equal(rdt_normal_put(&raw, (struct rdt_span){typed, RDT_VALUE_MAX + 1}, &out),
                     RDT_FIELD_TOO_LONG);
    assert_int_equal(rdt_normal_len(&raw, 5), 5);
    assert_int_equal(rdt_normal_put(&raw, (struct rdt_span){NULL, 0}, &out), RDT_FIELD_OK);
    assert_int_equal(rdt_normal_put(&name, (struct rdt_span){NULL, 0}, &out), RDT_FIELD_FORM);
}

/* As many marks as fit in an order that makes sorting them hard: done at once all the same. */
static void
many_marks(void **state)
{
    (void)state;
    static uint8_t typed[RDT_NORMAL_TEXT_MAX], bytes[RDT_NORMAL_OUT_MAX];
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    for (size_t i = 0; i < sizeof typed; i += 2) { /* U+0301, class 230, and U+0323, class 220 */
        typed[i] = 0xcc;
        typed[i + 1] = i < sizeof typed / 2 ? 0x81 : 0xa3;
    }
    assert_int_equal(rdt_normal_put(&name, (struct rdt_span){typed, sizeof typed}, &out),
                     RDT_FIELD_OK);
    assert_int_equal(out.n, sizeof typed);
}

static void
joined(void **state)
{
    (void)state;
    static const uint8_t want[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 2, 'b', 'c'};
    struct rdt_span parts[RDT_NORMAL_PARTS_MAX + 1] = {
        rdt_span_str("a"), {NULL, 0},
         rdt_span_str("bc")
    };
    uint8_t bytes[64];
    struct rdt_rf1_out out = {bytes, sizeof bytes, 0};
    assert_int_equal(rdt_normal_join(parts, 3, &out), RDT_FIELD_OK);
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
    for (size_t n = 0; n < sizeof want; n++) {
        out.room = n;
        assert_int_equal(rdt_normal_join(parts, 3, &out), RDT_FIELD_NO_ROOM);
        assert_int_equal(out.n, 0);
    }
    out.room = sizeof bytes;
    assert_int_equal(rdt_normal_join(parts, 1, &out), RDT_FIELD_INDEX);
    assert_int_equal(rdt_normal_join(parts, RDT_NORMAL_PARTS_MAX + 1, &out), RDT_FIELD_INDEX);
    parts[0].n = RDT_VALUE_MAX - 10;
    assert_int_equal(rdt_normal_join(parts, 2, &out), RDT_FIELD_NO_ROOM);
    assert_int_equal(rdt_normal_join(parts, 3, &out), RDT_FIELD_TOO_LONG);
    parts[0].n = SIZE_MAX;
    assert_int_equal(rdt_normal_join(parts, 2, &out), RDT_FIELD_TOO_LONG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room),
        cmocka_unit_test(long_ones),
        cmocka_unit_test(many_marks),
        cmocka_unit_test(joined),
    };
    return cmocka_run_group_tests_name("field/normal", tests, NULL, NULL);
}
