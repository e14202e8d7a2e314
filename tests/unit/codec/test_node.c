#include "codec/node.h"

#include "codec/json.h"

#include "../test.h"

#include <stdio.h>

static struct rdt_arena arena;

static struct rdt_node *
tree(const char *json)
{
    struct rdt_node *node = NULL;
    struct rdt_err err = {0};
    if (rdt_json_parse("t.json", rdt_span_str(json), &arena, &node, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return node;
}

static void
assert_tree(const struct rdt_node *node, const char *want)
{
    RDT_BUF out = {0};
    rdt_json_node(&out, node, 0);
    assert_string_equal(rdt_buf_cstr(&out), want);
}

/* RFC 7396, appendix A: every one of its test cases. */
static void
merge_vectors(void **state)
{
    static const struct {
        const char *base, *patch, *want;
    } cases[] = {
        {"{\"a\":\"b\"}",             "{\"a\":\"c\"}",                    "{\"a\":\"c\"}"            },
        {"{\"a\":\"b\"}",             "{\"b\":\"c\"}",                    "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}",             "{\"a\":null}",                     "{}"                       },
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}",                     "{\"b\":\"c\"}"            },
        {"{\"a\":[\"b\"]}",           "{\"a\":\"c\"}",                    "{\"a\":\"c\"}"            },
        {"{\"a\":\"c\"}",             "{\"a\":[\"b\"]}",                  "{\"a\":[\"b\"]}"          },
        {"{\"a\":{\"b\":\"c\"}}",     "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"    },
        {"{\"a\":[{\"b\":\"c\"}]}",   "{\"a\":[1]}",                      "{\"a\":[1]}"              },
        {"[\"a\",\"b\"]",             "[\"c\",\"d\"]",                    "[\"c\",\"d\"]"            },
        {"{\"a\":\"b\"}",             "[\"c\"]",                          "[\"c\"]"                  },
        {"{\"e\":null}",              "{\"a\":1}",                        "{\"e\":null,\"a\":1}"     },
        {"[1,2]",                     "{\"a\":\"b\",\"c\":null}",         "{\"a\":\"b\"}"            },
        {"{}",                        "{\"a\":{\"bb\":{\"ccc\":null}}}",  "{\"a\":{\"bb\":{}}}"      },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_tree(rdt_node_merge(&arena, tree(cases[i].base), tree(cases[i].patch)),
                    cases[i].want);
}

static void
merge_leaves_alone(void **state)
{
    struct rdt_node *base = tree("{\"a\":{\"b\":1},\"c\":2}");
    struct rdt_node *patch = tree("{\"a\":{\"b\":null,\"d\":{\"e\":null}}}");
    (void)state;
    assert_tree(rdt_node_merge(&arena, base, patch), "{\"a\":{\"d\":{}},\"c\":2}");
    assert_tree(base, "{\"a\":{\"b\":1},\"c\":2}");
    assert_tree(patch, "{\"a\":{\"b\":null,\"d\":{\"e\":null}}}");
}

/* Look-ups with and without the index agree, also for keys that are not there. */
static void
members(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        struct rdt_node *map = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
        for (size_t i = 0; i < n; i++) {
            char key[16];
            snprintf(key, sizeof key, "k%zu", (i * 7) % n);
            struct rdt_node *value =
                rdt_node_scalar(&arena, rdt_span_str(key), (struct rdt_mark){0});
            assert_true(rdt_node_add(&arena, map, rdt_span_str(key), (struct rdt_mark){0}, value));
        }
        for (int sorted = 0; sorted < 2; sorted++) {
            for (size_t i = 0; i <= n; i++) {
                char key[16];
                snprintf(key, sizeof key, "k%zu", i);
                const struct rdt_member *m = rdt_node_member(map, rdt_span_str(key));
                if (n % 7 != 0 && i < n)
                    assert_true(m != NULL && rdt_node_is(m->node, key));
                else if (i == n)
                    assert_null(m);
            }
            assert_true(rdt_node_sort(&arena, map));
        }
    }
    assert_null(rdt_node_member(NULL, rdt_span_str("a")));
    assert_null(rdt_node_member(tree("[1]"), rdt_span_str("a")));
}

/* A key added twice: the first written is found, with and without the index. */
static void
first_of_two(void **state)
{
    struct rdt_node *map = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct rdt_mark mark = {.line = i + 1};
        assert_true(rdt_node_add(&arena, map, rdt_span_str("same"), mark,
                                 rdt_node_new(&arena, RDT_NODE_NULL, mark)));
    }
    assert_int_equal(rdt_node_member(map, rdt_span_str("same"))->mark.line, 1);
    assert_true(rdt_node_sort(&arena, map));
    assert_int_equal(rdt_node_member(map, rdt_span_str("same"))->mark.line, 1);
    assert_false(rdt_node_add(&arena, map, rdt_span_str("x"), (struct rdt_mark){0}, NULL));
}

static void
paths(void **state)
{
    const struct rdt_node *root =
        tree("{\"a\":{\"b\":{\"c\":\"deep\"},\"n\":4,\"t\":true,\"f\":false,\"s\":\"12\"}}");
    (void)state;
    assert_string_equal(rdt_node_str(root, "a.b.c"), "deep");
    assert_ptr_equal(rdt_node_get(root, ""), root);
    assert_null(rdt_node_get(root, "a.b.c.d"));
    assert_null(rdt_node_get(root, "a..b"));
    assert_null(rdt_node_str(root, "a.b"));
    assert_null(rdt_node_str(NULL, "a"));
    assert_true(rdt_node_number(root, "a.n", 9) == 4);
    assert_true(rdt_node_number(root, "a.s", 9) == 9); /* quoted: text */
    assert_true(rdt_node_number(root, "a.none", 9) == 9);
    assert_true(rdt_node_number(root, "a.b", 9) == 9);
    assert_true(rdt_node_true(root, "a.t"));
    assert_false(rdt_node_true(root, "a.f"));
    assert_false(rdt_node_true(root, "a.n"));
    assert_false(rdt_node_true(root, "a.none"));
}

static void
bare(void **state)
{
    static const struct {
        const char *text;
        bool bare;
    } cases[] = {
        {"0",     true },
        {"-1",    true },
        {"12.5",  true },
        {"1e5",   true },
        {"1E-5",  true },
        {"true",  true },
        {"false", true },
        {"",      false},
        {"-",     false},
        {"01",    false},
        {"-01",   false},
        {"1.",    false},
        {".5",    false},
        {"1e",    false},
        {"+1",    false},
        {"0x1",   false},
        {"True",  false},
        {"null",  false},
        {"1 ",    false},
        {"1d",    false},
        {"--1",   false},
        {"1.2.3", false},
        {"NaN",   false},
        {"00",    false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        if (rdt_text_bare(rdt_span_str(cases[i].text)) != cases[i].bare)
            fail_msg("'%s'", cases[i].text);
    }
}

static void
marks(void **state)
{
    struct rdt_node *root = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){"f", 1, 1});
    struct rdt_node *inner = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){"f", 2, 9});
    (void)state;
    assert_true(rdt_node_add(&arena, root, rdt_span_str("a"), (struct rdt_mark){"f", 2, 3}, inner));
    assert_int_equal(rdt_node_find_mark(root, "a").column, 3);
    assert_int_equal(rdt_node_find_mark(root, "a.b.c").column, 3); /* the deepest that exists */
    assert_int_equal(rdt_node_find_mark(root, "x").line, 1);
    assert_int_equal(rdt_node_find_mark(NULL, "x").line, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_vectors), cmocka_unit_test(merge_leaves_alone),
        cmocka_unit_test(members),       cmocka_unit_test(first_of_two),
        cmocka_unit_test(paths),         cmocka_unit_test(bare),
        cmocka_unit_test(marks),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    rdt_arena_done(&arena);
    return status;
}
