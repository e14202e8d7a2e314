#include "codec/yaml_parts.h"

#include "base/buf.h"

#include "../test.h"

static void
parts(void **state)
{
    /* every part's kind and style as two letters, then its text */
    static const struct {
        const char *yaml, *want;
    } cases[] = {
        {"a: 1\n",               "mb() sp(a) sp(1) cb() "                            },
        {"a: \"x y\"\nb: 'z'\n", "mb() sp(a) sd(\"x y\") sp(b) ss('z') cb() "        },
        {"- a\n- - b\n",         "lb() sp(a) lb() sp(b) cb() cb() "                  },
        {"{a: [b, c]}",          "mf({) sp(a) lf([) sp(b) sp(c) cf(]) cf(}) "        },
        {"a: |\n  x\nb: 1\n",    "mb() sp(a) st(  x\n) sp(b) sp(1) cb() "            },
        {"a:\nb: \"\"\n",        "mb() sp(a) sp() sp(b) sd(\"\") cb() "              },
        {"a: [b: c]\n",          "mb() sp(a) lf([) mf() sp(b) sp(c) cf() cf(]) cb() "},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_yaml_part *part = NULL;
        RDT_BUF got = {0};
        size_t n = 0;
        assert_int_equal(rdt_yaml_parts(rdt_span_str(cases[i].yaml), &arena, &part, &n, NULL),
                         RDT_OK);
        for (size_t k = 0; k < n; k++)
            rdt_buf_fmt(&got, "%c%c(%.*s) ", "mlcs"[part[k].kind], "bfpsdt"[part[k].style],
                        (int)(part[k].to - part[k].from), cases[i].yaml + part[k].from);
        assert_string_equal(rdt_buf_cstr(&got), cases[i].want);
    }
}

static void
refused(void **state)
{
    static const char *const cases[] = {"", "a: [1\n", "a: \"x\n", "\tb: 1\n", "a: b: c\n"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_yaml_part *part = NULL;
        struct rdt_err err = {0};
        size_t n = 0;
        assert_int_equal(rdt_yaml_parts(rdt_span_str(cases[i]), &arena, &part, &n, &err),
                         RDT_E_BADINPUT);
        assert_null(part);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
