#include "load.h"

#include "plan/plan_internal.h"

static void
assert_json(const struct rdt_plan *plan, const char *path, const char *want)
{
    RDT_BUF got = {0};
    const struct rdt_node *node = rdt_node_get(rdt_plan_root(plan), path);
    assert_non_null(node);
    rdt_json_node(&got, node, 0);
    assert_string_equal(rdt_buf_cstr(&got), want);
}

static const char likes[] =
    HEAD "data:\n"
         "  c: { like: b, kinds: [log] }\n"
         "  b: { like: a, owner: bob }\n"
         "  a: { level: high, owner: ann, kinds: [pii, phi] }\n"
         "keys:\n"
         "  k: { " KEY " }\n"
         "  l: { like: k, custody: { account: \"1\" }, rotation: { every: 30d } }\n"
         "environments:\n"
         "  dev: { patch: { data: { a: { owner: null, level: low }, b: null, d: { like: a } },\n"
         "         keys: { k: { custody: { provider: vault } } } } }\n"
         "  bad: { patch: { data: { c: null } } }\n";

static void
like(void **state)
{
    LOADED l;
    char text[sizeof likes + 64];
    (void)state;
    snprintf(text, sizeof text, "%.*s", (int)(strstr(likes, "environments") - likes), likes);
    const struct rdt_plan *plan = load(&l, text);
    assert_json(plan, "data.c", "{\"level\":\"high\",\"owner\":\"bob\",\"kinds\":[\"log\"]}");
    assert_json(plan, "keys.l.custody", "{\"provider\":\"aws-kms\",\"account\":\"1\"}");
    assert_json(plan, "keys.l.rotation", "{\"every\":\"30d\",\"how\":\"auto\"}");
    assert_json(plan, "keys.k.rotation", "{\"every\":\"90d\",\"how\":\"auto\"}");
    assert_int_equal(rdt_node_get(rdt_plan_root(plan), "data.c.owner")->mark.line, 5);
    assert_int_equal(rdt_plan_find(plan, "data.c")->mark.line, 4);
}

/* The patch that takes b away leaves c without its parent: an error, whichever is asked for. */
static void
patch(void **state)
{
    LOADED bad, l;
    RDT_BUF text = {0};
    (void)state;
    load_env(&bad, likes, "bad");
    assert_int_equal(bad.rc, RDT_E_BADINPUT);
    assert_true(complains(&bad, "there is no 'b'"));
    rdt_buf_str(&text, likes);
    char *b = strstr((char *)(uintptr_t)rdt_buf_cstr(&text), "b: null, ");
    memset(b, ' ', strlen("b: null, "));
    load_env(&l, rdt_buf_cstr(&text), "dev");
    assert_int_equal(l.rc, RDT_OK);
    assert_json(l.plan, "data.a", "{\"level\":\"low\",\"kinds\":[\"pii\",\"phi\"]}");
    assert_json(l.plan, "data.c", "{\"level\":\"low\",\"kinds\":[\"log\"],\"owner\":\"bob\"}");
    assert_json(l.plan, "data.d", "{\"level\":\"low\",\"kinds\":[\"pii\",\"phi\"]}");
    assert_json(l.plan, "keys.l.custody", "{\"provider\":\"vault\",\"account\":\"1\"}");
    assert_string_equal(rdt_plan_env(l.plan), "dev");
}

static void
environment(void **state)
{
    static const struct {
        const char *text, *env, *hint;
    } cases[] = {
        {HEAD "environments: { prod: {}, dev: {} }\n", "prdo", "did you mean 'prod'?"},
        {HEAD "environments: { prod: {}, dev: {} }\n", "x",    "it has prod, dev"    },
        {HEAD,                                         "prod", "add a section"       },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        LOADED l;
        load_env(&l, cases[i].text, cases[i].env);
        assert_int_equal(l.rc, RDT_E_NOTFOUND);
        assert_null(l.plan);
        assert_non_null(strstr(l.err.hint, cases[i].hint));
    }
}

/* Keys that an environment keeps in the same home as the plan as written. */
static void
shared_keys(void **state)
{
    LOADED l;
    const struct rdt_plan *plan = load(
        &l, HEAD "keys:\n  a: { " KEY " }\n  b: { like: a }\n  c: { like: a, custody: "
                 "{ provider: envelope } }\nenvironments:\n  same: {}\n  dev: { patch: { keys: "
                 "{ a: { custody: { account: \"2\" } }, b: { custody: { account: null } } } } }\n"
                 "  half: { patch: { keys: { b: { custody: { region: eu } } } } }\n");
    size_t n = 0;
    (void)state;
    const char *const *keys = rdt_plan_shared_keys(plan, "same", &n);
    assert_int_equal(n, 2); /* c follows its parent */
    assert_string_equal(keys[0], "a");
    rdt_plan_shared_keys(plan, "dev", &n);
    assert_int_equal(n, 0); /* b follows a into the other account */
    keys = rdt_plan_shared_keys(plan, "half", &n);
    assert_int_equal(n, 1);
    assert_string_equal(keys[0], "a");
    assert_null(rdt_plan_shared_keys(plan, "none", &n));
    assert_int_equal(n, 0);
}

static void
refused(void **state)
{
    (void)state;
    assert_refused(HEAD "data:\n  a: { like: a }\n", 4, "inherits from itself", NULL);
    assert_refused(HEAD "data:\n  a: { like: b }\n  b: { like: a }\n", 5, "inherits from itself",
                   NULL);
    assert_refused(HEAD "data:\n  abc: { level: low }\n  x: { like: acb }\n", 5,
                   "there is no 'acb'", "did you mean 'abc'?");
    assert_refused(HEAD "trust:\n  a: { pem: a, sha256: b, like: a }\n", 4, "unknown field 'like'",
                   "nothing else does");
    assert_refused(HEAD "environments:\n  e: { patch: { redoubt: 1 } }\n", 4,
                   "a patch cannot change 'redoubt'", NULL);
}

static void
path_leaves(void **state)
{
    static const struct {
        const char *path;
        bool leaves;
    } cases[] = {
        {"a.yaml",      false},
        {"a/b.yaml",    false},
        {"a..b/c",      false},
        {"..a",         false},
        {"./a",         false},
        {"...",         false},
        {"",            false},
        {"/a",          true },
        {"..",          true },
        {"../a",        true },
        {"a/../b",      true },
        {"a/..",        true },
        {"a/b/../../c", true },
        {"/",           true },
        {"a//..//b",    true },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        if (rdt_path_leaves(cases[i].path) != cases[i].leaves)
            fail_msg("%s", cases[i].path);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like),        cmocka_unit_test(patch),   cmocka_unit_test(environment),
        cmocka_unit_test(shared_keys), cmocka_unit_test(refused), cmocka_unit_test(path_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
