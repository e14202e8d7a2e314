#include "plan/fmt.h"

#include "../test.h"

static const struct {
    const char *what, *in, *out;
} cases[] = {
    {"tidy already",         "a: 1\nb: { c: d }\n",                       "a: 1\nb: { c: d }\n"             },
    {"blanks",               "a:    1  \nb :  2\n",                       "a: 1\nb: 2\n"                    },
    {"braces",               "a: {b: 1,c: {d: e}}\n",                     "a: { b: 1, c: { d: e } }\n"      },
    {"brackets",             "a: [ b,c , [ d ] ]\n",                      "a: [b, c, [d]]\n"                },
    {"empty ones",           "a: { }\nb: [  ]\n",                         "a: {}\nb: []\n"                  },
    {"JSON",                 "{\"a\":1,\"b\":[\"c\"]}",                   "{ \"a\": 1, \"b\": [\"c\"] }\n"  },
    {"line ends",            "a: 1\r\nb: 2\r\n",                          "a: 1\nb: 2\n"                    },
    {"no final line end",    "a: 1",                                      "a: 1\n"                          },
    {"empty lines",          "\n\na: 1\n\n\n\nb: 2\n\n\n",                "a: 1\n\nb: 2\n"                  },
    {"byte order mark",
     "\xef\xbb\xbf"
     "a: 1\n",                                                            "a: 1\n"                          },
    {"indentation",          "a:\n     b:\n          c: 1\n     d: 2\n",  "a:\n  b:\n    c: 1\n  d: 2\n"    },
    {"list at the key",      "a:\n- b\n- c: 1\n  d: 2\n",                 "a:\n  - b\n  - c: 1\n    d: 2\n" },
    {"list in a list",       "a:\n    -   - b\n        - c\n",            "a:\n  - - b\n    - c\n"          },
    {"item on its own line", "a:\n  -\n      b: 1\n",                     "a:\n  -\n    b: 1\n"             },
    {"value below its key",  "a:\n        b\nc:\n - d\n",                 "a:\n  b\nc:\n  - d\n"            },
    {"flow over lines",      "a: { b: 1,\n          c: 2 }\n",            "a: { b: 1,\n  c: 2 }\n"          },
    {"flow, closed alone",   "a: [\n b,\n c\n ]\n",                       "a: [\n  b,\n  c\n  ]\n"          },
    {"flow in an item",      "a:\n- { b: 1,\n c: 2 }\n",                  "a:\n  - { b: 1,\n      c: 2 }\n" },
    {"flow below its key",   "a:\n   { b: 1,\n c: 2 }\n",                 "a:\n  { b: 1,\n    c: 2 }\n"     },
    {"pair in a list",       "a: [b: c, d]\n",                            "a: [b: c, d]\n"                  },
    {"quotes stay",          "a: 'it''s'\nb: \"x: {y,z}\"\n",             "a: 'it''s'\nb: \"x: {y,z}\"\n"   },
    {"text of two lines",    "a: one\n      two\nb: \"three\n  four\"\n",
     "a: one\n  two\nb: \"three\n  four\"\n"                                                                },
    {"empty line in text",   "a: \"one  \n\n\n      two\"\n",             "a: \"one\n\n\n  two\"\n"         },
    {"escaped line end",     "a: \"one\\\n      two\"\n",                 "a: \"one\\\n  two\"\n"           },
    {"literal",              "a: |\n      x\n        y\nb: 1\n",          "a: |\n  x\n    y\nb: 1\n"        },
    {"literal, blanks",      "a: |\n    x   \n\n    y\n",                 "a: |\n  x   \n\n  y\n"           },
    {"literal, indented",    "a: |4\n      x\nb: 1\n",                    "a: |2\n    x\nb: 1\n"            },
    {"literal, kept end",    "a: |+\n    x\n\n\nb: 1\n",                  "a: |+\n  x\n\n\nb: 1\n"          },
    {"literal, cut end",     "a: |-  # why\n    x\n\n\n\nb: 1\n",         "a: |-  # why\n  x\n\nb: 1\n"     },
    {"folded in a list",     "a:\n- >\n    x\n    y\n- z\n",              "a:\n  - >\n    x\n    y\n  - z\n"},
    {"sign below its key",   "a:\n  |\n    x\n",                          "a: |\n  x\n"                     },
    {"comment behind",       "a: 1 # x\nb: 2    #y  \n",                  "a: 1  # x\nb: 2    #y\n"         },
    {"comment above",        "# x\na:\n      # y\n      b: 1\n",          "# x\na:\n  # y\n  b: 1\n"        },
    {"comment at the end",   "a:\n    b: 1\n    # y\n# z\n",              "a:\n  b: 1\n  # y\n# z\n"        },
    {"comment of the next",  "a:\n    b: 1\n# y\nc: 2\n",                 "a:\n  b: 1\n# y\nc: 2\n"         },
    {"comment in a flow",    "a: [b, # x\n   # y\n  c]\n",                "a: [b,  # x\n  # y\n  c]\n"      },
    {"comment before list",  "a:\n# x\n- b\n",                            "a:\n  # x\n  - b\n"              },
    {"not a comment",        "a: b#c\nd: \"# e\"\n",                      "a: b#c\nd: \"# e\"\n"            },
    {"document signs",       "%YAML 1.2\n---\na:  1\n...\n",              "%YAML 1.2\n---\na: 1\n...\n"     },
    {"value left out",       "a:\nb: {c: , d:}\n",                        "a:\nb: { c: , d: }\n"            },
};

static void
tidied(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        if (rdt_plan_fmt("t.yaml", rdt_span_str(cases[i].in), &diags, &out, &err) != RDT_OK)
            fail_msg("%s: %s", cases[i].what, err.text);
        if (!rdt_span_is(rdt_buf_span(&out), cases[i].out))
            fail_msg("%s: got\n%s", cases[i].what, rdt_buf_cstr(&out));
    }
}

static void
refused(void **state)
{
    static const struct {
        const char *in, *words;
        uint32_t line;
    } bad[] = {
        {"",                 "the file is empty", 1},
        {"- a\n",            "expected a map",    1},
        {"a\n",              "expected a map",    1},
        {"a: [b\n",          "closing bracket",   2},
        {"a: &x b\n",        "anchors",           1},
        {"a: 1\n? b\n: c\n", "a key after `?`",   2},
        {"a: 1\n: b\n",      "a key is missing",  1},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        RDT_BUF out = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_plan_fmt("t.yaml", rdt_span_str(bad[i].in), &diags, &out, &err),
                         RDT_E_BADINPUT);
        assert_int_equal(out.n, 0);
        if (strstr(diags.items[0].text, bad[i].words) == NULL ||
            diags.items[0].mark.line != bad[i].line)
            fail_msg("%s: %u %s", bad[i].in, diags.items[0].mark.line, diags.items[0].text);
    }
}

/* Where libfyaml would read the tidy text in another way, nothing is written. */
static void
left_alone(void **state)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    (void)state;
    /* a key that would become a sign of a document's end */
    assert_int_equal(rdt_plan_fmt("t.yaml", rdt_span_str(" ... b: 1\n"), &diags, &out, &err),
                     RDT_E_INTERNAL);
    assert_int_equal(out.n, 0);
    assert_non_null(strstr(err.text, "left as it is"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tidied),
        cmocka_unit_test(refused),
        cmocka_unit_test(left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
