#include "work/produce.h"

#include "base/buf.h"

#include "../test.h"

static const struct {
    const char *text, *words; /* words joined by | */
    enum rdt_code want;
} cases[] = {
    {"pg_dump -Fc shop",              "pg_dump|-Fc|shop",            RDT_OK     },
    {"  a \t b  ",                    "a|b",                         RDT_OK     },
    {"a '' \"\"",                     "a||",                         RDT_OK     },
    {"sh -c 'echo $HOME | wc -c; x'", "sh|-c|echo $HOME | wc -c; x", RDT_OK     },
    {"a \"b c\"'d e'f\\ g",           "a|b cd ef g",                 RDT_OK     },
    {"a \"\\\"\\\\\\n\"",             "a|\"\\\\n",                   RDT_OK     },
    {"a --where=\"x = 'y'\"",         "a|--where=x = 'y'",           RDT_OK     },
    {"a\\$b",                         "a$b",                         RDT_OK     },
    {"",                              NULL,                          RDT_E_USAGE},
    {"   ",                           NULL,                          RDT_E_USAGE},
    {"''",                            NULL,                          RDT_E_USAGE},
    {"'' a",                          NULL,                          RDT_E_USAGE},
    {"a 'b",                          NULL,                          RDT_E_USAGE},
    {"a \"b",                         NULL,                          RDT_E_USAGE},
    {"a \"b\\\"",                     NULL,                          RDT_E_USAGE},
    {"a \\",                          NULL,                          RDT_E_USAGE},
    {"a | b",                         NULL,                          RDT_E_USAGE},
    {"a $HOME",                       NULL,                          RDT_E_USAGE},
    {"a \"$HOME\"",                   NULL,                          RDT_E_USAGE},
    {"a \"`b`\"",                     NULL,                          RDT_E_USAGE},
    {"a `b`",                         NULL,                          RDT_E_USAGE},
    {"a > b",                         NULL,                          RDT_E_USAGE},
    {"a; b",                          NULL,                          RDT_E_USAGE},
    {"a & b",                         NULL,                          RDT_E_USAGE},
    {"a *.sql",                       NULL,                          RDT_E_USAGE},
    {"a ~/x",                         NULL,                          RDT_E_USAGE},
    {"a #b",                          NULL,                          RDT_E_USAGE},
    {"a\nb",                          NULL,                          RDT_E_USAGE},
};

static void
test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        RDT_BUF joined = {0};
        const char *const *argv = NULL;
        struct rdt_err err = {0};
        enum rdt_code got = rdt_command_split(cases[i].text, &arena, &argv, &err);
        if (got != cases[i].want)
            fail_msg("%s: %d %s", cases[i].text, got, err.text);
        for (size_t k = 0; got == RDT_OK && argv[k] != NULL; k++)
            rdt_buf_fmt(&joined, "%s%s", k == 0 ? "" : "|", argv[k]);
        if (got == RDT_OK)
            assert_string_equal(rdt_buf_cstr(&joined), cases[i].words);
        else
            assert_true(err.text[0] != '\0');
    }
}

static void
test_too_many(void **state)
{
    (void)state;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0};
    const char *const *argv = NULL;
    for (int i = 0; i < RDT_PRODUCER_WORDS_MAX - 1; i++)
        rdt_buf_str(&text, "x ");
    assert_int_equal(rdt_command_split(rdt_buf_cstr(&text), &arena, &argv, NULL), RDT_OK);
    rdt_buf_str(&text, "x ");
    assert_int_equal(rdt_command_split(rdt_buf_cstr(&text), &arena, &argv, NULL), RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("work/command", tests, NULL, NULL);
}
