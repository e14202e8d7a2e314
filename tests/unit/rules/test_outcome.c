/* What a rule may return, and what becomes of the rest. */
#include "judging.h"

static const struct {
    const char *body;
    enum rdt_verdict verdict;
    const char *message; /* a part of it; NULL: none at all */
} cases[] = {
    {"return pass()",                                                   RDT_PASS,    NULL                               },
    {"return na('of no use')",                                          RDT_NA,      "of no use"                        },
    {"return unknown('cannot say')",                                    RDT_UNKNOWN, "cannot say"                       },
    {"return fail { message = 'bad' }",                                 RDT_FAIL,    "bad"                              },
    {"return fail { message = 'a\\nb\\27[0m\\0c' }",                    RDT_FAIL,    "a b [0m c"                        },
    {"return fail { message = '\\255x' }",                              RDT_FAIL,    "?x"                               },
    {"return",                                                          RDT_UNKNOWN, "it returned a nil"                },
    {"return true",                                                     RDT_UNKNOWN, "it returned a boolean"            },
    {"return 42",                                                       RDT_UNKNOWN, "it returned a number"             },
    {"return 'pass'",                                                   RDT_UNKNOWN, "it returned a string"             },
    {"return {}",                                                       RDT_UNKNOWN, "it returned a table"              },
    {"return pass",                                                     RDT_UNKNOWN, "it returned a function"           },
    {"fail { message = 'bad' }",                                        RDT_UNKNOWN, "it returned a nil"                },
    {"return fail {}",                                                  RDT_UNKNOWN, "message must be text"             },
    {"return fail 'bad'",                                               RDT_UNKNOWN, "bad argument"                     },
    {"return fail { message = 'x', severity = 'urgent' }",              RDT_UNKNOWN, "severity is one of"               },
    {"return na()",                                                     RDT_UNKNOWN, "bad argument"                     },
    {"return unknown({})",                                              RDT_UNKNOWN, "bad argument"                     },
    {"return pass(1)",                                                  RDT_UNKNOWN, "bad argument"                     },
    {"return pass(5)",                                                  RDT_UNKNOWN, "bad argument"                     },
    {"return pass('x')",                                                RDT_UNKNOWN, "bad argument"                     },
    {"error({})",                                                       RDT_UNKNOWN, "an error value that is a table"   },
    {"error()",                                                         RDT_UNKNOWN, "an error value that is a nil"     },
    {"error(pass())",                                                   RDT_UNKNOWN, "an error value that is a userdata"},
    {"local x = '0123456789' for i = 1, 17 do x = x .. x end error(x)", RDT_UNKNOWN, "0123456789"                       },
    {"return pass(4)",                                                  RDT_PASS,    NULL                               }, /* nothing was looked at: A0 all the same */
};

static void
returns(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    j->subject = "stores.db";
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char lua[1024];
        snprintf(lua, sizeof lua, PLAN_RULE("ACME-1", "stores", "%s"), cases[i].body);
        judging_pack(j, lua);
        assert_int_equal(judging_run(j), RDT_OK);
        const struct rdt_result *r = judging_find(j, "ACME-1", "stores.db");
        if (r->verdict != cases[i].verdict || (cases[i].message == NULL) != (r->message == NULL) ||
            (r->message != NULL && strstr(r->message, cases[i].message) == NULL))
            fail_msg("%s: %s, %s", cases[i].body, rdt_verdict_name(r->verdict),
                     r->message == NULL ? "-" : r->message);
        assert_int_equal(r->assurance, RDT_A0);
        assert_true(r->message == NULL || strlen(r->message) < 5000);
        judging_reset(j);
    }
}

static void
everything_of_a_failure(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, PLAN_RULE("ACME-1", "stores",
                              "return fail { message = 'm', field = 'at_rest.volume.key', "
                              "observed = { 'a', 2, {} }, expected = true, severity = 'critical' }")
                        PLAN_RULE("ACME-2", "stores",
                                  "return fail { message = 'm', field = 'no.such.field', "
                                  "observed = 1.5, expected = false }")
                            PLAN_RULE("ACME-3", "plan",
                                      "return fail { message = 'm', field = 'ci.check' }"));
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_result *r = judging_find(j, "ACME-1", "stores.db");
    assert_string_equal(r->observed, "a, 2, ?");
    assert_string_equal(r->expected, "true");
    assert_int_equal(r->severity, RDT_SEV_CRITICAL);
    assert_int_equal(
        r->where.line,
        rdt_node_find_mark(rdt_plan_find(j->plan, "stores.db")->node, "at_rest.volume.key").line);
    const struct rdt_result *other = judging_find(j, "ACME-2", "stores.db");
    assert_string_equal(other->observed, "1.5");
    assert_string_equal(other->expected, "false");
    assert_int_equal(other->severity, RDT_SEV_MEDIUM);
    assert_true(other->where.line != 0 && other->where.line < r->where.line);
    const struct rdt_result *whole = judging_find(j, "ACME-3", "plan");
    assert_int_equal(whole->where.line,
                     rdt_node_find_mark(rdt_plan_root(j->plan), "ci.check").line);
    assert_string_equal(whole->where.file, "plan.yaml");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(returns),
        JUDGING_TEST(everything_of_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
