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
        {"plain text",               "plain text"        },
        {"gr\xc3\xbc\xc3\x9f",       "gr\xc3\xbc\xc3\x9f"},
        {"\x1b[31mred\x1b[0m\x07\n", "?[31mred?[0m??"    },
        {"cut \xe2\x82",             "cut ??"            },
        {"\xff\xc0\xaf",             "???"               },
        {"C1 \xc2\x9b\x7f",          "C1 ???"            },
        {"",                         ""                  },
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8),
        cmocka_unit_test(show),
        cmocka_unit_test(nearest),
        cmocka_unit_test(glob),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
