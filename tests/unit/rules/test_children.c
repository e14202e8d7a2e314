/* A large plan is judged by two children: every rule is there, in the same order as by one. */
#include "judging.h"

#include "base/buf.h"

#define STORES 1200 /* each with a key: above the bound for a second child */

static void
grow(struct judging *j)
{
    RDT_BUF yaml = {0};
    rdt_buf_str(&yaml, "redoubt: 1\nproduct: { id: p, name: P, owner: o@p.example, tenancy: "
                       "single }\ndata: { d: { level: high } }\nkeys:\n");
    for (int i = 0; i < STORES; i++)
        rdt_buf_fmt(&yaml,
                    "  k-%d: { purpose: p, type: symmetric, algorithm: aes-256, custody: { "
                    "provider: aws-kms }, rotation: { every: 90d, how: auto } }\n",
                    i);
    rdt_buf_str(&yaml, "stores:\n");
    for (int i = 0; i < STORES; i++)
        rdt_buf_fmt(&yaml,
                    "  s-%d: { kind: postgres, holds: [d], at_rest: { volume: { algorithm: %s, "
                    "key: k-%d } } }\n",
                    i, i == 7 ? "none" : "aes-256", i);
    judging_plan(j, rdt_buf_cstr(&yaml));
}

static void
both_answer(void **state)
{
    struct judging *j = *state;
    struct rdt_run *list = NULL;
    grow(j);
    assert_int_equal(rdt_rules_list(&(struct rdt_strings){0}, &list, &j->err), RDT_OK);
    if (judging_run(j) != RDT_OK)
        fail_msg("%s", j->err.text);
    assert_int_equal(list->n_rules, j->run->n_rules);
    for (size_t i = 0; i < list->n_rules; i++)
        assert_string_equal(list->rules[i].id, j->run->rules[i].id);
    rdt_run_free(list);
    for (size_t i = 0; i < j->run->n_rules; i++) { /* from the first file to the last */
        const struct rdt_rule *r = &j->run->rules[i];
        size_t n = 0;
        for (size_t k = 0; k < j->run->n_results; k++)
            n += j->run->results[k].rule == i;
        if (strcmp(r->subjects.at[0], "stores") == 0 || strcmp(r->subjects.at[0], "keys") == 0)
            assert_true(n >= STORES);
    }
    assert_int_equal(judging_find(j, "REST-1", "stores.s-7")->verdict, RDT_FAIL);
    assert_int_equal(judging_find(j, "REST-1", "stores.s-8")->verdict, RDT_UNOBSERVED);
}

/* A broken pack beside a large plan fails as it does beside a small one. */
static void
a_failure_in_either(void **state)
{
    struct judging *j = *state;
    grow(j);
    judging_pack(j, "x = = 1");
    assert_int_equal(judging_run(j), RDT_E_BADINPUT);
    assert_null(j->run);
}

static void
too_many_packs(void **state)
{
    struct judging *j = *state;
    const char *names[101];
    for (size_t i = 0; i < RDT_COUNT(names); i++)
        names[i] = "/nonexistent.lua";
    assert_int_equal(
        rdt_rules_list(&(struct rdt_strings){names, RDT_COUNT(names)}, &j->run, &j->err),
        RDT_E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(both_answer),
        JUDGING_TEST(a_failure_in_either),
        JUDGING_TEST(too_many_packs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
