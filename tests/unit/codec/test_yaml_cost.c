/*
 * What makes libfyaml slow is refused before it begins, and what people write is not.
 */
#include "../test.h"

#include "codec/yaml.h"
#include "codec/yaml_cost.h"

#include "base/buf.h"

/* head, then n times repeated, then tail */
static const struct {
    const char *what, *head, *repeated, *tail;
    size_t n;
    uint32_t line; /* where it is refused; 0: it is not */
} cases[] = {
    {"64 blank lines",                  "a: |\n  x\n",     "\n",           "  y\n", 64,     0 },
    {"65 blank lines",                  "a: |\n  x\n",     "\n",           "  y\n", 65,     67},
    {"blank lines that hold blanks",    "a: |\n  x\n",     " \t\n",        "  y\n", 65,     67},
    {"64 blank lines of a DOS file",    "a: |\r\n  x\r\n", "\r\n",         "  y",   64,     0 },
    {"65 blank lines of a DOS file",    "a: |\r\n  x\r\n", "\r\n",         "  y",   65,     67},
    {"carriage returns alone",          "a: |\n  x\n",     "\r",           "  y\n", 65,     67},
    {"next line, of YAML 1.1",          "a: |\n  x\n",     "\xc2\x85",     "  y\n", 65,     67},
    {"line separator, of YAML 1.1",     "a: |\n  x\n",     "\xe2\x80\xa8", "  y\n", 65,     67},
    {"letters that share a first byte", "a: |\n  x\n",     "\xc2\xa9\n",   "  y\n", 65,     0 },
    {"lines with text between",         "a: |\n",          "\n  x\n",      "",      1000,   0 },
    {"comments are text",               "a: 1\n",          "\n# x\n",      "",      1000,   0 },
    {"nothing but blank lines",         "",                "\n",           "",      66,     66},
    {"as many brackets as are allowed", "a: 1 # ",         "[",            "\n",    500000, 0 },
    {"one more",                        "a: 1 # ",         "[",            "\n",    500001, 1 },
    {"braces count with them",          "a: [x]\nb: 1 # ", "{",            "\n",    500000, 2 },
};

static void
costs(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF text = {0};
        uint32_t line = 0;
        rdt_buf_str(&text, cases[i].head);
        for (size_t k = 0; k < cases[i].n; k++)
            rdt_buf_str(&text, cases[i].repeated);
        rdt_buf_str(&text, cases[i].tail);
        const char *why = rdt_yaml_cost(rdt_buf_span(&text), &line);
        if ((why != NULL) != (cases[i].line != 0) || (why != NULL && line != cases[i].line))
            fail_msg("%s: %s in line %u", cases[i].what, why == NULL ? "fine" : why, line);
    }
}

/* The reader asks, and says where. */
static void
refused_by_the_reader(void **state)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_BUF text = {0};
    struct rdt_node *root = NULL;
    struct rdt_err err = {0};
    (void)state;
    rdt_buf_str(&text, "a: |\n  x\n");
    for (unsigned k = 0; k < 65; k++)
        rdt_buf_str(&text, "\n");
    assert_int_equal(rdt_yaml_parse("f.yaml", rdt_buf_span(&text), &arena, &diags, &root, &err),
                     RDT_E_BADINPUT);
    assert_null(root);
    assert_int_equal(diags.n, 1);
    assert_int_equal(diags.items[0].mark.line, 67);
    assert_non_null(strstr(diags.items[0].text, "64 blank lines"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs),
        cmocka_unit_test(refused_by_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
