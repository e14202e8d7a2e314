#include "report/markup_internal.h"

#include "sample.h"

#define LOST "\xEF\xBF\xBD"

static void
escapes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"plain text",                                "plain text"                               },
        {"<b>&\"'",                                   "&lt;b&gt;&amp;&quot;&#39;"                },
        {"&amp;",                                     "&amp;amp;"                                },
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92"},
        {"a\x01\x1b\x08z",                            "a" LOST LOST LOST "z"                     },
        {"tab\tline\nreturn\r",                       "tab\tline\nreturn\r"                      },
        {"\xff\xc3",                                  LOST LOST                                  }, /* no UTF-8 */
        {"\xc0\xaf",                                  LOST LOST                                  }, /* overlong */
        {"\xed\xa0\x80",                              LOST LOST LOST                             }, /* surrogate */
        {"\xef\xbf\xbf",                              LOST                                       }, /* U+FFFF */
        {"\xe2\x82",                                  LOST LOST                                  }, /* cut */
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        rdt_markup_text(&out, cases[i].in);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
    RDT_BUF none = {0};
    rdt_markup_text(&none, NULL);
    assert_int_equal(none.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
