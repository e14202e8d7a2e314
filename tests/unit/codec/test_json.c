#include "codec/json.h"

#include "../test.h"

static struct rdt_arena arena;

/* What is read comes out the same, in one line. */
static void
round_trip(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{}",                                                                   "{}"                                     },
        {"[]",                                                                   "[]"                                     },
        {" [ 1 , -2.5, 1e3, true, false, null ] ",                               "[1,-2.5,1000,true,false,null]"          },
        {"{\"b\":1,\"a\":{\"c\":[]}}",                                           "{\"b\":1,\"a\":{\"c\":[]}}"             },
        {"[\"\\u0041\\n\\\"\\\\\\/\"]",                                          "[\"A\\n\\\"\\\\/\"]"                    },
        {"[\"\\u001f\\u007f\"]",                                                 "[\"\\u001f\\u007f\"]"                   },
        {"[\"\\ud83d\\udd12\"]",                                                 "[\"\xf0\x9f\x94\x92\"]"                 },
        {"[1795516248.298,0.1,1e-7,0.30000000000000004,1.7976931348623157e308]",
         "[1795516248.298,0.1,1e-07,0.30000000000000004,1.7976931348623157e+308]"                                         },
        {"[-0.0,-0]",                                                            "[0,0]"                                  },
        {"[\"1\",\"true\",\"null\"]",                                            "[\"1\",\"true\",\"null\"]"              },
        {"[9007199254740993,-9223372036854775808]",                              "[9007199254740993,-9223372036854775808]"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_node *node = NULL;
        RDT_BUF out = {0};
        assert_int_equal(rdt_json_parse("t.json", rdt_span_str(cases[i].in), &arena, &node, NULL),
                         RDT_OK);
        rdt_json_node(&out, node, 0);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].out);
    }
}

static void
refused(void **state)
{
    static const struct {
        const char *what, *bytes, *words;
        size_t n;
    } cases[] = {
        {"nothing",             "",                  "t.json:",         0 },
        {"cut",                 "{\"a\":",           "t.json:1:",       5 },
        {"duplicate key",       "{\"a\":1,\"a\":2}", "duplicate",       13},
        {"more behind it",      "{} {}",             "t.json:1:",       5 },
        {"NUL in a text",       "[\"\\u0000\"]",     "t.json:1:",       10},
        {"raw NUL",             "[\"a\0\"]",         "t.json:1:",       6 },
        {"NUL behind a number", "[1,\n2\0]",         "t.json:2:2: NUL", 7 },
        {"NUL behind a word",   "[true\0,1]",        "t.json:1:6: NUL", 9 },
        {"bad UTF-8",           "[\"\xff\"]",        "byte 0xff",       5 },
        {"lone surrogate",      "[\"\\ud800\"]",     "t.json:1:",       10},
        {"NaN",                 "[NaN]",             "t.json:1:",       5 },
        {"comment",             "[1] // x",          "t.json:1:",       8 },
        {"single quotes",       "['a']",             "t.json:1:",       5 },
        {"leading zero",        "[01]",              "t.json:1:",       4 },
        {"second line",         "[1,\n2,,]",         "t.json:2:",       8 },
        {"trailing comma",      "[1,]",              "t.json:1:",       4 },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_node *node = NULL;
        struct rdt_err err = {0};
        struct rdt_span bytes = {(const uint8_t *)cases[i].bytes, cases[i].n};
        enum rdt_code rc = rdt_json_parse("t.json", bytes, &arena, &node, &err);
        if (rc != RDT_E_BADINPUT || node != NULL || strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %d %s", cases[i].what, (int)rc, err.text);
    }
}

static void
deep(void **state)
{
    static char bytes[20000];
    struct rdt_node *node = NULL;
    struct rdt_err err = {0};
    (void)state;
    memset(bytes, '[', sizeof bytes);
    struct rdt_span span = {(const uint8_t *)bytes, sizeof bytes};
    assert_int_equal(rdt_json_parse("t.json", span, &arena, &node, &err), RDT_E_BADINPUT);
}

static void
indented(void **state)
{
    struct rdt_node *node = NULL;
    RDT_BUF out = {0};
    (void)state;
    assert_int_equal(rdt_json_parse("t.json", rdt_span_str("{\"a\":[1,{}],\"b\":{\"c\":2}}"),
                                    &arena, &node, NULL),
                     RDT_OK);
    rdt_json_node(&out, node, 2);
    assert_string_equal(rdt_buf_cstr(&out), "{\n  \"a\": [\n    1,\n    {}\n  ],\n"
                                            "  \"b\": {\n    \"c\": 2\n  }\n}");
}

/* Counted where they are values, and refused before they are made. */
static void
too_many(void **state)
{
    static const struct {
        const char *what, *head, *repeated, *tail;
        size_t n;
        enum rdt_code want;
    } cases[] = {
        {"commas inside of a text",         "[\"",       ",[{\\\"", "\"]", RDT_JSON_VALUES_MAX,     RDT_OK     },
        {"a text that ends in a backslash", "[\"\\\\\"", ",0",      "]",   RDT_JSON_VALUES_MAX,
         RDT_E_LIMIT                                                                                           },
        {"empty arrays",                    "[[]",       ",[]",     "]",   RDT_JSON_VALUES_MAX / 2, RDT_E_LIMIT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_arena_done) struct rdt_arena here = {0};
        RDT_BUF text = {0};
        struct rdt_node *node = NULL;
        struct rdt_err err = {0};
        rdt_buf_str(&text, cases[i].head);
        for (size_t k = 0; k < cases[i].n; k++)
            rdt_buf_str(&text, cases[i].repeated);
        rdt_buf_str(&text, cases[i].tail);
        enum rdt_code rc = rdt_json_parse("t.json", rdt_buf_span(&text), &here, &node, &err);
        if (rc != cases[i].want || (rc != RDT_OK && strstr(err.text, "4000000 values") == NULL))
            fail_msg("%s: %d, %s", cases[i].what, rc, err.text);
    }
}

/* What is written as it is and what as an escape: the document means the same, and is fit to show.
 */
static void
written_fit_to_show(void **state)
{
    static const char *const cases[][2] = {
        {"caf\xc3\xa9 \xf0\x9f\x94\x92", "\"caf\xc3\xa9 \xf0\x9f\x94\x92\""},
        {"\xc2\x9b"
         "31m",                 "\"\\u009b31m\""                  },
        {"\xe2\x80\xae"
         "x",                   "\"\\u202ex\""                    },
        {"\xf3\xa0\x81\x81",             "\"\\udb40\\udc41\""              },
        {"cut \xe2\x80",                 "\"cut \\ufffd\\ufffd\""          },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        rdt_json_text(&out, rdt_span_str(cases[i][0]));
        assert_string_equal(rdt_buf_cstr(&out), cases[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(refused),
        cmocka_unit_test(deep),       cmocka_unit_test(indented),
        cmocka_unit_test(too_many),   cmocka_unit_test(written_fit_to_show),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    rdt_arena_done(&arena);
    return status;
}
