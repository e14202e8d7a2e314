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
        {"{}",                                      "{}"                                     },
        {"[]",                                      "[]"                                     },
        {" [ 1 , -2.5, 1e3, true, false, null ] ",  "[1,-2.5,1000,true,false,null]"          },
        {"{\"b\":1,\"a\":{\"c\":[]}}",              "{\"b\":1,\"a\":{\"c\":[]}}"             },
        {"[\"\\u0041\\n\\\"\\\\\\/\"]",             "[\"A\\n\\\"\\\\/\"]"                    },
        {"[\"\\u001f\\u007f\"]",                    "[\"\\u001f\\u007f\"]"                   },
        {"[\"\\ud83d\\udd12\"]",                    "[\"\xf0\x9f\x94\x92\"]"                 },
        {"[-0.0,-0]",                               "[0,0]"                                  },
        {"[\"1\",\"true\",\"null\"]",               "[\"1\",\"true\",\"null\"]"              },
        {"[9007199254740993,-9223372036854775808]", "[9007199254740993,-9223372036854775808]"},
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
        {"nothing",        "",                  "t.json:",   0 },
        {"cut",            "{\"a\":",           "t.json:1:", 5 },
        {"duplicate key",  "{\"a\":1,\"a\":2}", "duplicate", 13},
        {"more behind it", "{} {}",             "t.json:1:", 5 },
        {"NUL in a text",  "[\"\\u0000\"]",     "t.json:1:", 10},
        {"raw NUL",        "[\"a\0\"]",         "t.json:1:", 6 },
        {"bad UTF-8",      "[\"\xff\"]",        "byte 0xff", 5 },
        {"lone surrogate", "[\"\\ud800\"]",     "t.json:1:", 10},
        {"NaN",            "[NaN]",             "t.json:1:", 5 },
        {"comment",        "[1] // x",          "t.json:1:", 8 },
        {"single quotes",  "['a']",             "t.json:1:", 5 },
        {"leading zero",   "[01]",              "t.json:1:", 4 },
        {"second line",    "[1,\n2,,]",         "t.json:2:", 8 },
        {"trailing comma", "[1,]",              "t.json:1:", 4 },
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(refused),
        cmocka_unit_test(deep),
        cmocka_unit_test(indented),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    rdt_arena_done(&arena);
    return status;
}
