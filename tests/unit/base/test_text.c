#include "base/text.h"

#include "../test.h"

#include <stdio.h>

static void
utf8(void **state)
{
    static const struct {
        const char *what, *bytes;
        bool ok;
    } cases[] = {
        {"plain",                  "abc",                                  true },
        {"two, three, four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92", true },
        {"overlong slash",         "\xc0\xaf",                             false},
        {"overlong three",         "\xe0\x80\xaf",                         false},
        {"surrogate",              "\xed\xa0\x80",                         false},
        {"above U+10FFFF",         "\xf4\x90\x80\x80",                     false},
        {"cut short",              "a\xe2\x82",                            false},
        {"lone tail",              "\x80",                                 false},
        {"ff",                     "\xff",                                 false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(rdt_text_utf8(rdt_span_str(cases[i].bytes)), cases[i].ok);
    assert_false(rdt_text_utf8((struct rdt_span){(const uint8_t *)"a\0b", 3}));
}

static void
show(void **state)
{
    static const char *const cases[][2] = {
        {"plain text",                    "plain text"                   },
        {"gr\xc3\xbc\xc3\x9f",            "gr\xc3\xbc\xc3\x9f"           },
        {"\x1b[31mred\x1b[0m\x07\n",      "?[31mred?[0m??"               },
        {"cut \xe2\x82",                  "cut ??"                       },
        {"\xff\xc0\xaf",                  "???"                          },
        {"C1 \xc2\x9b\x7f",               "C1 ???"                       },
        {"\xe2\x80\xae"
         "turned",               "???turned"                    },
        {"no\xe2\x80\x8bthing",           "no???thing"                   },
        {"\xef\xbb\xbf mark",             "??? mark"                     },
        {"\xf3\xa0\x81\x81 tag",          "???? tag"                     },
        {"\xd9\x85\xd8\xb1 \xe6\xbc\xa2", "\xd9\x85\xd8\xb1 \xe6\xbc\xa2"},
        {"",                              ""                             },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i][0]);
        rdt_text_show(text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void
show_lines(void **state)
{
    char text[] = "a\tb\r\nc\x1b[2J\n\xe2\x81\xa6";
    (void)state;
    rdt_text_show_lines((uint8_t *)text, strlen(text));
    assert_string_equal(text, "a\tb?\nc?[2J\n???");
}

/* Each code point alone: what is not fit, and that nothing else is refused. */
static void
fit(void **state)
{
    static const uint32_t cases[][2] = {
        {0x1f,    false},
        {0x20,    true },
        {0x7e,    true },
        {0x7f,    false},
        {0x9f,    false},
        {0xa0,    true },
        {0xac,    true },
        {0xad,    false},
        {0xae,    true },
        {0x61c,   false},
        {0x200a,  true },
        {0x200b,  false},
        {0x200f,  false},
        {0x2010,  true },
        {0x2027,  true },
        {0x2028,  false},
        {0x202a,  false},
        {0x202e,  false},
        {0x202f,  true },
        {0x2066,  false},
        {0x2069,  false},
        {0x2070,  true },
        {0xfeff,  false},
        {0xfffd,  true },
        {0x1f512, true },
        {0xe0041, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t c = cases[i][0];
        uint8_t b[4] = {(uint8_t)c};
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t k = n - 1; n > 1 && k > 0; k--, c >>= 6)
            b[k] = (uint8_t)(0x80 | (c & 0x3f));
        if (n > 1)
            b[0] = (uint8_t)((0xf00 >> n & 0xf0) | c);
        if (rdt_text_fit((struct rdt_span){b, n}) != (cases[i][1] != 0))
            fail_msg("U+%04X", cases[i][0]);
    }
    assert_true(rdt_text_fit((struct rdt_span){0}));
}

static void
nearest(void **state)
{
    static const char *const fields[] = {"holds", "host", "kind", "backup_of", "retention"};
    (void)state;
    assert_string_equal(rdt_text_nearest(rdt_span_str("holdz"), fields, 5), "holds");
    assert_string_equal(rdt_text_nearest(rdt_span_str("ohst"), fields, 5), "host");
    assert_string_equal(rdt_text_nearest(rdt_span_str("backupof"), fields, 5), "backup_of");
    assert_null(rdt_text_nearest(rdt_span_str("zzz"), fields, 5));
    assert_null(rdt_text_nearest(rdt_span_str(""), fields, 5));
}

static void
glob(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool ok;
    } cases[] = {
        {"stores.*",   "stores.db",        true },
        {"*",          "",                 true },
        {"a*b*c",      "axxbyyc",          true },
        {"a?c",        "abc",              true },
        {"a?c",        "ac",               false},
        {"a*b",        "axxc",             false},
        {"",           "a",                false},
        {"**",         "abc",              true },
        {"*a*a*a*a*b", "aaaaaaaaaaaaaaaa", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(rdt_text_glob(rdt_span_str(cases[i].pattern), rdt_span_str(cases[i].text)),
                         cases[i].ok);
}

static void
put(void **state)
{
    char text[8] = "rubbish";
    (void)state;
    size_t n = rdt_text_put(text, sizeof text, 0, "");
    assert_int_equal(n, 0);
    assert_string_equal(text, "");
    n = rdt_text_put(text, sizeof text, n, "abc");
    n = rdt_text_put(text, sizeof text, n, "def");
    assert_int_equal(n, 6);
    assert_string_equal(text, "abcdef");
    n = rdt_text_put(text, sizeof text, n, "ghi");
    assert_int_equal(n, 7);
    assert_string_equal(text, "abcdefg");
    assert_int_equal(rdt_text_put(text, sizeof text, n, "j"), 7);
    assert_string_equal(text, "abcdefg");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8), cmocka_unit_test(show),    cmocka_unit_test(show_lines),
        cmocka_unit_test(fit),  cmocka_unit_test(nearest), cmocka_unit_test(glob),
        cmocka_unit_test(put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
