#include "report/text_internal.h"

#include "sample.h"

static void
wraps(void **state)
{
    (void)state;
    static const struct {
        const char *words, *want;
        unsigned indent, hang;
    } cases[] = {
        {"short",                                                                    "short",                             0, 0},
        {"  gaps \n are\tone ",                                                      "gaps are one",                      0, 0},
        {"",                                                                         "",                                  0, 0},
        {"aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee fffffffff",
         "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee\n  fffffffff",                                           0, 2},
        {"a-word-longer-than-the-whole-line-is-never-broken-since-it-may-be-a-path",
         "   a-word-longer-than-the-whole-line-is-never-broken-since-it-may-be-a-path",                                   3, 3},
        {"esc\x1b[2J bell\a del\x7f c1\xc2\x9b[m \xc3\xa9",                          "esc?[2J bell? del? c1?[m \xc3\xa9", 0,
         0                                                                                                                    },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_page page;
        struct rdt_report report = {.width = 60};
        rdt_page_init(&page, &report, &out);
        rdt_page_indent(&page, cases[i].indent);
        rdt_page_words(&page, cases[i].hang, RDT_PLAIN, cases[i].words);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static void
keeps_punctuation_with_its_word(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_page page;
    struct rdt_report report = {.width = 60};
    rdt_page_init(&page, &report, &out);
    rdt_page_words(&page, 2, RDT_PLAIN,
                   "0123456789 0123456789 0123456789 0123456789 0123456789 012");
    rdt_page_words(&page, 2, RDT_PLAIN, ", next");
    assert_string_equal(rdt_buf_cstr(&out),
                        "0123456789 0123456789 0123456789 0123456789 0123456789 012,\n  next");
}

static void
formats_long_text(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_page page;
    struct rdt_report report = {.width = 100};
    char *word = malloc(2001);
    assert_non_null(word);
    memset(word, 'x', 2000);
    word[2000] = '\0';
    rdt_page_init(&page, &report, &out);
    rdt_page_fmt(&page, 0, RDT_PLAIN, "%s", word);
    assert_int_equal(out.n, 2000);
    free(word);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wraps),
        cmocka_unit_test(keeps_punctuation_with_its_word),
        cmocka_unit_test(formats_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
