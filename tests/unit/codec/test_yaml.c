#include "codec/yaml.h"

#include "codec/json.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static struct rdt_arena arena;

static enum rdt_code
parse(struct rdt_span bytes, struct rdt_node **out, struct rdt_diags *diags)
{
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_yaml_parse("t.yaml", bytes, &arena, diags, out, &err);
    if (rc == RDT_E_BADINPUT)
        assert_true(diags->n > 0 && err.text[0] != '\0');
    return rc;
}

/* What stands where YAML readers differ is text here; only the writer's quotes are remembered. */
static void
values(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"a: 1\nb: [x, y]\n",             "{\"a\":1,\"b\":[\"x\",\"y\"]}"                 },
        {"a: yes\nb: on\nc: 012\n",       "{\"a\":\"yes\",\"b\":\"on\",\"c\":\"012\"}"    },
        {"a: 2026-11-24\n",               "{\"a\":\"2026-11-24\"}"                        },
        {"a: \"1\"\nb: 'true'\n",         "{\"a\":\"1\",\"b\":\"true\"}"                  },
        {"a: ~\nb: null\nc:\nd: \"~\"\n", "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"~\"}"},
        {"a: True\n",                     "{\"a\":\"True\"}"                              },
        {"a: |\n  x\n   y\n\n",           "{\"a\":\"x\\n y\\n\"}"                         },
        {"a: |\n",                        "{\"a\":\"\"}"                                  },
        {"a: >-\n  x\n  y\n",             "{\"a\":\"x y\"}"                               },
        {"a: \"\\u00e9\\t\"\n",           "{\"a\":\"\xc3\xa9\\t\"}"                       },
        {"a: 'it''s'\n",                  "{\"a\":\"it's\"}"                              },
        {"\xef\xbb\xbf"
         "a: 1\r\nb: 2\r\n",     "{\"a\":1,\"b\":2}"                             },
        {"%YAML 1.2\n---\na: 1\n...\n",   "{\"a\":1}"                                     },
        {"{a: {b: [c, {d: e}]}}",         "{\"a\":{\"b\":[\"c\",{\"d\":\"e\"}]}}"         },
        {"- - a\n  - b\n- c\n",           "[[\"a\",\"b\"],\"c\"]"                         },
        {"a: http://x/#y\n",              "{\"a\":\"http://x/#y\"}"                       },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        RDT_BUF out = {0};
        struct rdt_node *node = NULL;
        assert_int_equal(parse(rdt_span_str(cases[i].yaml), &node, &diags), RDT_OK);
        rdt_json_node(&out, node, 0);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].json);
    }
}

static void
places(void **state)
{
    static const struct {
        const char *yaml;
        uint32_t line, column;
        const char *words;
    } cases[] = {
        {"a: 1\na: 2\n",          2, 1,  "'a' is written twice"    },
        {"a: {b: 1, \"b\": 2}\n", 1, 11, "'b' is written twice"    },
        {"a: &x 1\n",             1, 4,  "anchors"                 },
        {"a: *x\n",               1, 4,  "aliases"                 },
        {"a: !t 1\n",             1, 4,  "tags"                    },
        {"a: &x {b: 1}\n",        1, 4,  "anchors"                 },
        {"a: !t [b]\n",           1, 4,  "tags"                    },
        {"a:\n  <<: {b: 1}\n",    2, 3,  "merge keys"              },
        {"? [a]\n: 1\n",          1, 3,  "a key must be plain text"},
        {"a: 1\n---\nb: 1\n",     2, 1,  "a second document"       },
        {"",                      1, 1,  "the file is empty"       },
        {"# x\n",                 1, 1,  "the file is empty"       },
        {"a: \"\\0\"\n",          1, 4,  "a NUL character"         },
        {"a: 1\nb: \xff\n",       2, 1,  "not valid UTF-8"         },
        {"a: [1\n",               2, 1,  "closing bracket"         },
        {"a: b: c\n",             1, 5,  ""                        },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        struct rdt_node *node = NULL;
        assert_int_equal(parse(rdt_span_str(cases[i].yaml), &node, &diags), RDT_E_BADINPUT);
        const struct rdt_diag *d = &diags.items[0];
        if (d->mark.line != cases[i].line || d->mark.column != cases[i].column ||
            strstr(d->text, cases[i].words) == NULL)
            fail_msg("%s: %u:%u %s", cases[i].yaml, d->mark.line, d->mark.column, d->text);
    }
}

/* Mistakes that leave the tree whole: all are found, and the tree is handed out. */
static void
several(void **state)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_node *node = NULL;
    (void)state;
    assert_int_equal(parse(rdt_span_str("a: &x 1\nb: !t 2\na: 3\nc: *x\n"), &node, &diags),
                     RDT_E_BADINPUT);
    assert_int_equal(diags.n, 4);
    assert_non_null(node);
    assert_string_equal(rdt_node_str(node, "b"), "2");
}

/* One line of an opening sign, n times. */
static enum rdt_code
nested(const char *open, size_t n)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_BUF text = {0};
    struct rdt_node *node = NULL;
    for (size_t i = 0; i < n; i++)
        rdt_buf_str(&text, open);
    rdt_buf_str(&text, "x");
    for (size_t i = 0; i < n; i++)
        rdt_buf_str(&text, open[0] == '[' ? "]" : open[0] == '{' ? "}" : "");
    enum rdt_code rc = parse(rdt_buf_span(&text), &node, &diags);
    assert_true((node == NULL) == (rc != RDT_OK));
    return rc;
}

static void
depth(void **state)
{
    (void)state;
    assert_int_equal(nested("[", RDT_YAML_DEPTH_MAX), RDT_OK);
    assert_int_equal(nested("[", RDT_YAML_DEPTH_MAX + 1), RDT_E_BADINPUT);
    assert_int_equal(nested("{a: ", RDT_YAML_DEPTH_MAX), RDT_OK);
    assert_int_equal(nested("{a: ", RDT_YAML_DEPTH_MAX + 1), RDT_E_BADINPUT);
    assert_int_equal(nested("- ", RDT_YAML_DEPTH_MAX), RDT_OK);
    assert_int_equal(nested("- ", 1000), RDT_E_BADINPUT);
    assert_int_equal(nested("[", 100000), RDT_E_BADINPUT);
}

static void
limits(void **state)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_node *node = NULL;
    struct rdt_err err = {0};
    char *big = malloc(RDT_YAML_MAX + 1);
    (void)state;
    assert_non_null(big);
    memset(big, '#', RDT_YAML_MAX + 1);
    struct rdt_span bytes = {(const uint8_t *)big, RDT_YAML_MAX + 1};
    assert_int_equal(rdt_yaml_parse("t.yaml", bytes, &arena, &diags, &node, &err), RDT_E_LIMIT);
    assert_null(node);
    free(big);
}

/* Every cut of a document is read or refused with a place; none reads past its end. */
static void
cuts(void **state)
{
    static const char text[] = "a: {b: [\"c\\n\", 'd'], e: 1}\nf: |\n  g\n# h\ni: \xc3\xa9\n";
    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
        struct rdt_node *node = NULL;
        uint8_t *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, text, n);
        enum rdt_code rc = parse((struct rdt_span){exact, n}, &node, &diags);
        assert_true(rc == RDT_OK ? node != NULL : diags.items[0].mark.line != 0);
        free(exact);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(places), cmocka_unit_test(several),
        cmocka_unit_test(depth),  cmocka_unit_test(limits), cmocka_unit_test(cuts),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    rdt_arena_done(&arena);
    return status;
}
