#include "report/view_internal.h"

#include "sample.h"

static void
maps_names(void **state)
{
    (void)state;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_names names = {0};
    static char keys[1000][8];
    assert_int_equal(rdt_names_get(&names, "x"), RDT_NOWHERE);
    assert_true(rdt_names_init(&names, &arena, 1000));
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        assert_int_equal(rdt_names_put(&names, keys[i], i), i);
    }
    assert_int_equal(rdt_names_put(&names, "k7", 9), 7); /* the first stays */
    assert_int_equal(rdt_names_get(&names, "k999"), 999);
    assert_int_equal(rdt_names_get(&names, "k1000"), RDT_NOWHERE);
    assert_int_equal(rdt_names_get(&names, NULL), RDT_NOWHERE);
}

static void
finds_the_worst(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_AUTO(rdt_view_done) struct rdt_view view = {0};
    sample_open(&s);
    assert_int_equal(rdt_view_init(&view, &s.report, NULL), RDT_OK);
    assert_ptr_equal(rdt_view_worst(&view, "stores.db"), &sample_results[0]);
    assert_ptr_equal(rdt_view_worst(&view, "stores.copy"), &sample_results[4]);
    assert_int_equal(rdt_view_worst(&view, "flows.sql")->verdict, RDT_UNKNOWN);
    assert_null(rdt_view_worst(&view, "plan")); /* n/a says nothing about it */
    assert_null(rdt_view_worst(&view, "stores.none"));
    assert_ptr_equal(rdt_view_result(&view, "R-PASS", "keys.k1"), &sample_results[9]);
    assert_null(rdt_view_result(&view, "R-FAIL", "keys.k1"));
    assert_null(rdt_view_result(&view, "R-NONE", "keys.k1"));
}

static void
puts_accepted_before_unobserved(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_AUTO(rdt_view_done) struct rdt_view view = {0};
    sample_open(&s);
    struct rdt_result two[] = {sample_results[3], sample_results[5]};
    two[0].subject = two[1].subject = 3;
    s.run.results = two;
    s.run.n_results = 2;
    assert_int_equal(rdt_view_init(&view, &s.report, NULL), RDT_OK);
    assert_int_equal(rdt_view_worst(&view, "flows.sql")->verdict, RDT_ACCEPTED);
}

static void
names_who_would_see(void **state)
{
    (void)state;
    static const struct {
        unsigned decided;
        const char *want;
    } cases[] = {
        {RDT_BY_PLAN | RDT_BY_LIVE,                    "a probe"                             },
        {RDT_BY_SNAPSHOT,                              "an import"                           },
        {RDT_BY_LIVE | RDT_BY_HUMAN,                   "a probe or an attestation"           },
        {RDT_BY_LIVE | RDT_BY_SNAPSHOT | RDT_BY_HUMAN, "a probe, an import or an attestation"},
        {RDT_BY_PLAN,                                  "an attestation"                      },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF out = {0};
        struct rdt_rule rule = {.decided = cases[i].decided};
        rdt_observer(&out, &rule);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static void
says_what_a_control_rests_on(void **state)
{
    (void)state;
    static const struct {
        enum rdt_control_state state;
        struct rdt_control_rule rule;
        bool want;
    } cases[] = {
        {RDT_MET,      {"r", true, RDT_PASS, RDT_A3},        true },
        {RDT_MET,      {"r", false, RDT_PASS, RDT_A3},       false},
        {RDT_NOT_MET,  {"r", true, RDT_FAIL, RDT_A0},        true },
        {RDT_NOT_MET,  {"r", true, RDT_PASS, RDT_A3},        false},
        {RDT_UNPROVEN, {"r", true, RDT_PASS, RDT_A0},        true },
        {RDT_UNPROVEN, {"r", true, RDT_PASS, RDT_A3},        false},
        {RDT_UNPROVEN, {"r", false, RDT_UNOBSERVED, RDT_A0}, true },
        {RDT_UNPROVEN, {"r", true, RDT_NA, RDT_A0},          false},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_control control = {.state = cases[i].state};
        assert_int_equal(rdt_control_rests_on(&control, &cases[i].rule), cases[i].want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_names),
        cmocka_unit_test(finds_the_worst),
        cmocka_unit_test(puts_accepted_before_unobserved),
        cmocka_unit_test(names_who_would_see),
        cmocka_unit_test(says_what_a_control_rests_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
