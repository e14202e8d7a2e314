#include "kms/policy_internal.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static bool
matches(const char *pattern, const char *text)
{
    struct rdt_span p = rdt_span_str(pattern);
    return rdt_policy_match(rdt_policy_shape(p), p, rdt_span_str(text));
}

static void
patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {
        {"",           "",                                 true },
        {"",           "a",                                false},
        {"*",          "",                                 true },
        {"*",          "anything",                         true },
        {"**",         "",                                 true },
        {"**",         "ab",                               true },
        {"?",          "",                                 false},
        {"?",          "a",                                true },
        {"?",          "ab",                               false},
        {"?",          "\xc3\xa4",                         true }, /* one character of two bytes */
        {"??",         "\xc3\xa4",                         false},
        {"*?",         "\xc3\xa4",                         true },
        {"*??",        "\xc3\xa4",                         false},
        {"*?*?*",      "\xc3\xa4",                         false},
        {"?*",         "\xe2\x82\xac",                     true },
        {"a*",         "a",                                true },
        {"a*",         "ba",                               false},
        {"*a",         "a",                                true },
        {"*a",         "ab",                               false},
        {"a*a",        "a",                                false}, /* the ends do not overlap */
        {"a*a",        "aa",                               true },
        {"ab*ba",      "aba",                              false},
        {"a*b*c",      "abc",                              true },
        {"a*b*c",      "aXbXbXc",                          true },
        {"a*b*c",      "acb",                              false},
        {"*ab*ab*",    "abab",                             true },
        {"*ab*ab*",    "aba",                              false},
        {"*a?c*",      "xxabxaXcx",                        true },
        {"*a?c*",      "xxabxaXXcx",                       false},
        {"*.?*x",      "a.x",                              false},
        {"*.?*x",      "a.bx",                             true },
        {"a\\*",       "a\\b",                             true }, /* no escapes */
        {"[ab]",       "a",                                false}, /* no sets */
        {"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", true },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        if (matches(cases[i].pattern, cases[i].text) != cases[i].want)
            fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
}

/* The plain definition, for short texts of ASCII. */
static bool
slow(const char *p, const char *t)
{
    if (*p == 0)
        return *t == 0;
    if (*p == '*')
        return slow(p + 1, t) || (*t != 0 && slow(p, t + 1));
    return *t != 0 && (*p == '?' || *p == *t) && slow(p + 1, t + 1);
}

/* Every pattern of up to 5 out of a, b, *, ? on every text of up to 5 out of a, b. */
static void
all_short_ones(void **state)
{
    static const char letters[] = "ab*?";
    size_t n = 0;
    (void)state;
    for (unsigned p = 0; p < 6 * 1024; p++) {
        char pattern[6] = {0};
        for (unsigned i = 0; i < p / 1024; i++)
            pattern[i] = letters[p % 1024 >> 2 * i & 3];
        for (unsigned t = 0; t < 6 * 32; t++) {
            char text[6] = {0};
            for (unsigned i = 0; i < t / 32; i++)
                text[i] = letters[t % 32 >> i & 1];
            n++;
            if (matches(pattern, text) != slow(pattern, text))
                fail_msg("'%s' on '%s'", pattern, text);
        }
    }
    assert_int_equal(n, 6 * 1024 * 6 * 32);
}

/* The worst that the limits allow ends at once: a test that hangs has failed. */
static void
worst(void **state)
{
    (void)state;
    size_t n = 8192;
    uint8_t *text = malloc(n), *pattern = malloc(RDT_POLICY_MAX);
    assert_non_null(text);
    assert_non_null(pattern);
    memset(text, 'a', n);
    for (size_t i = 0; i < RDT_POLICY_MAX; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[RDT_POLICY_MAX - 1] = 'b';
    for (size_t round = 0; round < 100; round++)
        assert_false(rdt_policy_match(SHAPE_GLOB, (struct rdt_span){pattern, RDT_POLICY_MAX},
                                      (struct rdt_span){text, n}));
    free(text);
    free(pattern);
}

static void
floating(void **state)
{
    (void)state;
    assert_int_equal(rdt_policy_floating(rdt_span_str("a?b")), 0);
    assert_int_equal(rdt_policy_floating(rdt_span_str("?a*b?")), 0);
    assert_int_equal(rdt_policy_floating(rdt_span_str("*abc*")), 0);
    assert_int_equal(rdt_policy_floating(rdt_span_str("*a?c*x*??*")), 5);
}

static void
arns(void **state)
{
    struct rdt_span parts[6];
    (void)state;
    assert_true(rdt_policy_parts(rdt_span_str("arn:aws:kms:r:1:key/x:y"), parts));
    assert_true(rdt_span_is(parts[5], "key/x:y"));
    assert_false(rdt_policy_parts(rdt_span_str("arn:aws:kms:r:1:"), parts));
    assert_false(rdt_policy_parts(rdt_span_str("arn:aws:kms:r:1"), parts));
    assert_false(rdt_policy_parts(rdt_span_str("brn:aws:kms:r:1:x"), parts));
    assert_false(rdt_policy_parts((struct rdt_span){0}, parts));
}

static void
numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        bool ok;
    } cases[] = {
        {"0",                   0,                           true },
        {"-0",                  0,                           true },
        {"7",                   7000000,                     true },
        {"007",                 7000000,                     true },
        {"-1.5",                -1500000,                    true },
        {"0.000001",            1,                           true },
        {"999999999999.999999", INT64_C(999999999999999999), true },
        {"1000000000000",       0,                           false},
        {"0.0000001",           0,                           false},
        {"",                    0,                           false},
        {"-",                   0,                           false},
        {"+1",                  0,                           false},
        {"1.",                  0,                           false},
        {".1",                  0,                           false},
        {"1e3",                 0,                           false},
        {"1 ",                  0,                           false},
        {"0x1",                 0,                           false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        int64_t v = 0;
        bool ok = rdt_policy_number(rdt_span_str(cases[i].text), &v);
        if (ok != cases[i].ok || (ok && v != cases[i].value))
            fail_msg("'%s': %d %lld", cases[i].text, ok, (long long)v);
    }
}

static void
addresses(void **state)
{
    uint8_t out[16], network[17];
    (void)state;
    assert_true(rdt_policy_address(rdt_span_str("192.0.2.1"), out));
    assert_int_equal(out[10] & out[11], 0xff);
    assert_int_equal(out[15], 1);
    assert_true(rdt_policy_address(rdt_span_str("::1"), out));
    assert_false(rdt_policy_address((struct rdt_span){(const uint8_t *)"1.2.3.4\0x", 9}, out));
    assert_false(rdt_policy_address(rdt_span_str("192.0.2.1:80"), out));
    char longest[80];
    memset(longest, '1', sizeof longest);
    assert_false(rdt_policy_address((struct rdt_span){(uint8_t *)longest, sizeof longest}, out));
    assert_true(rdt_policy_network(rdt_span_str("10.255.255.255/8"), network));
    assert_int_equal(network[0], 104);
    assert_int_equal(network[13], 10);
    assert_int_equal(network[14] | network[15] | network[16], 0);
    /* each bit counts */
    for (unsigned bits = 0; bits <= 32; bits++) {
        char text[32];
        snprintf(text, sizeof text, "170.170.170.170/%u", bits);
        assert_true(rdt_policy_network(rdt_span_str(text), network));
        for (unsigned bit = 0; bit < 32; bit++) {
            assert_true(rdt_policy_address(rdt_span_str("170.170.170.170"), out));
            out[12 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            assert_int_equal(rdt_policy_inside(network, out), bit >= bits);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),  cmocka_unit_test(all_short_ones), cmocka_unit_test(worst),
        cmocka_unit_test(floating),  cmocka_unit_test(arns),           cmocka_unit_test(numbers),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
