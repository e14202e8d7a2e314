/* The tests that rules carry: run, and seen to come out wrong. */
#include "judging.h"

#include "base/buf.h"

#define TLS                                                                                        \
    "rule { id = 'ACME-1', title = 'T', severity = 'low', why = 'W', fix = 'F', "                  \
    "decided = {'plan', 'live'}, subjects = {'flows'}, "                                           \
    "check = function(f) if not f.tls then return na('plain') end "                                \
    "if tls_rank(f.tls.min) < 5 then return fail { message = 'old' } end return pass() end, "      \
    "live = function(f) local v = seen(f, 'tls.versions') "                                        \
    "if v['tls1.0'] == 'accepted' then return fail { message = 'old' } end return pass(4) end, "   \
    "tests = { "

struct seen_test {
    size_t n, bad, remarks;
    struct rdt_buf text;
};

static void
note(void *context, const struct rdt_rule_test *test)
{
    struct seen_test *s = context;
    if (strcmp(test->rule, "ACME-1") != 0)
        return;
    s->n += test->number != 0;
    s->bad += !test->good;
    s->remarks += test->number == 0;
    rdt_buf_fmt(&s->text, "#%u %s %s/%s %s\n", test->number, test->good ? "ok" : "bad",
                test->expected, test->got, test->message);
}

static const struct {
    const char *tests; /* of the rule above */
    size_t n, bad, remarks;
    const char *says; /* in what is reported, or NULL */
} cases[] = {
    {"{ on = 'flows.web', expect = 'unobserved' }, "
     "{ on = 'flows.web', set = { ['flows.web.tls.min'] = 'tls1.1' }, expect = 'fail' }",     2, 0, 0, NULL                              },
    {"{ on = 'flows.web', set = { ['flows.web.tls'] = '<absent>' }, expect = 'n/a' }",             1, 0, 2,
     "no test in which it passes"                                                                                                             },
    {"{ on = 'flows.web', expect = 'fail' }",                                                      1, 1, 1, "#1 bad fail/unobserved"          },
    {"{ on = 'flows.nope', expect = 'fail' }",                                                     1, 1, 2, "the plan has no 'flows.nope'"    },
    {"{ on = 'stores.db', expect = 'fail' }",                                                      1, 1, 1, "not for subjects of that section"},
    {"{ expect = 'fail' }",                                                                        1, 1, 2, "bad argument"                    },
    {"{ on = 'flows.web', expect = 'fail', sett = {} }",                                           1, 1, 2, "a test takes: on, expect"        },
    {"{ on = 'flows.web', set = { ['flows.web.tls.min'] = 'tls9' }, expect = 'fail' }",            1, 1, 2,
     "the plan is refused"                                                                                                                    },
    {"{ on = 'flows.web', set = { ['flows.nope.tls'] = '<absent>' }, expect = 'fail' }",           1, 1, 2,
     "'flows.nope.tls' leads nowhere"                                                                                                         },
    {"{ on = 'flows.web', set = { ['flows.web.carries.9'] = '<absent>' }, expect = 'fail' }",      1, 1,
     2,                                                                                                     "leads nowhere"                   },
    {"{ on = 'flows.web', set = { ['flows.web.carries.1'] = 'account' }, expect = 'unobserved' }",
     1,                                                                                               0, 1, NULL                              },
    {"{ on = 'flows.web', set = { ['flows.web.carries'] = { 'event' } }, expect = 'unobserved' }",
     1,                                                                                               0, 1, NULL                              },
    {"{ on = 'flows.web', date = 'today', expect = 'fail' }",                                      1, 1, 2, "date must look like"             },
    {"{ on = 'flows.web', env = 'nope', expect = 'fail' }",                                        1, 1, 2, "the plan is refused"             },
    {"{ on = 'flows.web', env = 'staging', expect = 'unobserved' }",                               1, 0, 1, NULL                              },
    {"{ on = 'flows.web', facts = { ['flows.web'] = { ['tls.versions'] = { ['tls1.0'] = 'accepted' "
     "} } }, expect = 'drift' }",                                                             1, 0, 1, NULL                              },
    {"{ on = 'flows.web', facts = { ['flows.web'] = { ['tls.versions'] = { ['tls1.0'] = 'refused' "
     "} } }, expect = 'pass' }",                                                              1, 0, 1, NULL                              },
    {"{ on = 'flows.web', facts = { ['flows.web'] = { ['tls.versions'] = '<unknown>timed out' } }, "
     "expect = 'unknown' }",                                                                  1, 0, 2, "timed out"                       },
    {"{ on = 'flows.web', facts = { ['flows.nope'] = { x = 1 } }, expect = 'unknown' }",           1, 1, 2,
     "the plan has no 'flows.nope'"                                                                                                           },
    {"7",                                                                                          1, 1, 2, "bad argument"                    },
};

static void
outcomes(void **state)
{
    struct judging *j = *state;
    const char *only_ids[] = {"ACME-1"};
    struct rdt_strings only = {only_ids, 1};
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct seen_test seen = {.n = 0};
        struct rdt_rules_tally tally;
        char lua[4096];
        snprintf(lua, sizeof lua, TLS "%s } }", cases[i].tests);
        judging_pack(j, lua);
        struct rdt_strings packs = {j->packs, 1};
        if (rdt_rules_test(&packs, &only, note, &seen, &tally, &j->err) != RDT_OK)
            fail_msg("%s: %s", cases[i].tests, j->err.text);
        const char *text = rdt_buf_cstr(&seen.text);
        if (seen.n != cases[i].n || seen.bad != cases[i].bad || seen.remarks != cases[i].remarks ||
            (cases[i].says != NULL && strstr(text, cases[i].says) == NULL))
            fail_msg("%s: %zu tests, %zu bad, %zu remarks\n%s", cases[i].tests, seen.n, seen.bad,
                     seen.remarks, text);
        assert_int_equal(tally.tests, seen.n);
        assert_int_equal(tally.failed, seen.bad);
        rdt_buf_done(&seen.text);
        judging_reset(j);
    }
}

/* A test that loops ends the run; one that adds an include cannot read a file. */
static void
hostile_tests(void **state)
{
    struct judging *j = *state;
    struct rdt_rules_tally tally;
    const char *only_ids[] = {"ACME-1"};
    struct rdt_strings only = {only_ids, 1};
    judging_pack(j, PLAN_RULE("ACME-1", "stores", "while true do end"));
    struct rdt_strings packs = {j->packs, 1};
    assert_int_equal(rdt_rules_test(&packs, &only, NULL, NULL, &tally, &j->err), RDT_E_SANDBOX);
    assert_non_null(strstr(j->err.text, "rule ACME-1: test 1"));
    judging_reset(j);
    judging_pack(j, TLS "{ on = 'flows.web', expect = 'pass', "
                        "set = { include = { 'lib.lua' } } } } }");
    assert_int_equal(rdt_rules_test(&packs, &only, NULL, NULL, &tally, &j->err), RDT_E_SANDBOX);
    assert_non_null(strstr(j->err.text, "system call"));
}

static void
report_bad(void *context, const struct rdt_rule_test *test)
{
    (void)context;
    if (!test->good || test->number == 0)
        print_error("%s test %u on %s: expected %s, got %s: %s\n", test->rule, test->number,
                    test->subject, test->expected, test->got, test->message);
}

static void
built_in_rules_pass_theirs(void **state)
{
    struct rdt_rules_tally tally;
    struct rdt_err err = {0};
    struct rdt_strings none = {0};
    (void)state;
    assert_int_equal(rdt_rules_test(&none, &none, report_bad, NULL, &tally, &err), RDT_OK);
    assert_true(tally.rules >= 70 && tally.tests >= 400);
    assert_int_equal(tally.failed, 0);
    assert_int_equal(tally.remarks, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(outcomes),
        JUDGING_TEST(hostile_tests),
        cmocka_unit_test(built_in_rules_pass_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
