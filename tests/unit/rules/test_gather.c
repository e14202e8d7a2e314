/* What a child may answer, and what is refused: its bytes are made by hand here. */
#include "rules/gather_internal.h"

#include "judging.h"

static struct rdt_wire_rule
rule(const char *id)
{
    return (struct rdt_wire_rule){
        .line = 3,
        .severity = RDT_SEV_LOW,
        .decided = RDT_BY_PLAN,
        .sections = 1u << RDT_STORES,
        .id = rdt_span_str(id),
        .title = rdt_span_str("T"),
        .why = rdt_span_str("W"),
        .fix = rdt_span_str("F"),
    };
}

static void
put_rule(struct rdt_buf *out, const char *id)
{
    struct rdt_wire_rule r = rule(id);
    rdt_wire_put_rule(out, &r);
}

static void
put_result(struct rdt_buf *out, uint32_t at, uint32_t subject, enum rdt_outcome outcome)
{
    rdt_wire_put_detail(out, &(struct rdt_wire_result){.rule = at,
                                                       .subject = subject,
                                                       .outcome = (uint8_t)outcome,
                                                       .message = rdt_span_str("m")});
}

/* Each writes what a child would; the name says what is wrong with it. */
static void
sound(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    put_rule(out, "ACME-2");
    put_result(out, 0, 5, RDT_OUT_FAIL);
    put_result(out, 0, 2, RDT_OUT_PASS);
    put_result(out, 1, 2, RDT_OUT_UNKNOWN);
    rdt_wire_put_end(out, 2);
}

static void
no_end(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    put_result(out, 0, 5, RDT_OUT_FAIL);
}

static void
nothing(struct rdt_buf *out)
{
    (void)out;
}

static void
out_of_order(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    put_rule(out, "ACME-2");
    put_result(out, 1, 5, RDT_OUT_PASS);
    put_result(out, 0, 5, RDT_OUT_PASS);
    rdt_wire_put_end(out, 2);
}

static void
two_answers(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    put_result(out, 0, 5, RDT_OUT_FAIL);
    put_result(out, 0, 5, RDT_OUT_PASS);
    rdt_wire_put_end(out, 1);
}

static void
a_group_over_an_answer(struct rdt_buf *out)
{
    static const uint32_t subjects[] = {4, 5};
    put_rule(out, "ACME-1");
    put_result(out, 0, 5, RDT_OUT_FAIL);
    rdt_wire_put_group(out, &(struct rdt_wire_result){.rule = 0}, subjects, 2);
    rdt_wire_put_end(out, 1);
}

static void
two_rules(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    put_rule(out, "ACME-1");
    rdt_wire_put_end(out, 2);
}

static void
evidence_that_is_not_there(struct rdt_buf *out)
{
    put_rule(out, "ACME-1");
    rdt_wire_put_detail(out, &(struct rdt_wire_result){.subject = 5, .n_evidence = 1});
    rdt_wire_put_end(out, 1);
}

static void
its_own_failure(struct rdt_buf *out)
{
    struct rdt_err err = {.code = RDT_E_BADINPUT, .text = "pack x:1: wrong", .hint = "mend it"};
    put_rule(out, "ACME-1");
    rdt_wire_put_failure(out, &err);
}

static void
a_code_that_it_may_not_claim(struct rdt_buf *out)
{
    struct rdt_err err = {.code = RDT_OK};
    rdt_wire_put_failure(out, &err);
}

static void
garbage(struct rdt_buf *out)
{
    rdt_buf_str(out, "GET / HTTP/1.1\r\n");
}

#define CASE(f, rc)                                                                                \
    {                                                                                              \
        #f, f, rc                                                                                  \
    }

static const struct {
    const char *name;
    void (*write)(struct rdt_buf *out);
    enum rdt_code want;
} cases[] = {
    CASE(sound, RDT_OK),
    CASE(no_end, RDT_E_SANDBOX),
    CASE(nothing, RDT_E_SANDBOX),
    CASE(out_of_order, RDT_E_SANDBOX),
    CASE(two_answers, RDT_E_SANDBOX),
    CASE(a_group_over_an_answer, RDT_E_SANDBOX),
    CASE(two_rules, RDT_E_BADINPUT),
    CASE(evidence_that_is_not_there, RDT_E_SANDBOX),
    CASE(its_own_failure, RDT_E_BADINPUT),
    CASE(a_code_that_it_may_not_claim, RDT_E_SANDBOX),
    CASE(garbage, RDT_E_SANDBOX),
};

static void
answers(void **state)
{
    struct judging *j = *state;
    struct rdt_judge judge = judging_request(j);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF bytes = {0};
        RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
        struct rdt_err err = {0};
        cases[i].write(&bytes);
        assert_int_equal(rdt_gather_start(&g, &judge, &err), RDT_OK);
        enum rdt_code rc = rdt_gather_read(&g, rdt_buf_span(&bytes), "pack.lua", &err);
        if (rc != cases[i].want)
            fail_msg("%s: %d, %s", cases[i].name, rc, err.text);
        assert_true(rc == RDT_OK || err.text[0] != '\0');
    }
}

/* Results come out by verdict, severity, rule, subject, whatever order they came in. */
static void
order(void **state)
{
    struct judging *j = *state;
    struct rdt_judge judge = judging_request(j);
    RDT_BUF bytes = {0};
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    sound(&bytes);
    assert_int_equal(rdt_gather_start(&g, &judge, NULL), RDT_OK);
    assert_int_equal(rdt_gather_read(&g, rdt_buf_span(&bytes), "pack.lua", NULL), RDT_OK);
    assert_int_equal(rdt_gather_finish(&g, &j->run, NULL), RDT_OK);
    assert_int_equal(j->run->n_results, 3);
    assert_int_equal(j->run->results[0].verdict, RDT_FAIL);
    assert_int_equal(j->run->results[0].subject, 5);
    assert_int_equal(j->run->results[1].verdict, RDT_UNKNOWN);
    assert_int_equal(j->run->results[1].rule, 1);
    assert_int_equal(j->run->results[2].verdict, RDT_PASS);
    assert_int_equal(j->run->count[RDT_FAIL], 1);
    assert_int_equal(j->run->count[RDT_PASS], 1);
    assert_string_equal(j->run->rules[1].id, "ACME-2");
    assert_string_equal(j->run->rules[1].pack, "pack.lua");
}

/* A second child's rules are numbered from where the first one ended. */
static void
two_children(void **state)
{
    struct judging *j = *state;
    struct rdt_judge judge = judging_request(j);
    RDT_BUF first = {0}, second = {0}, third = {0};
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    sound(&first);
    put_rule(&second, "ACME-3");
    put_result(&second, 0, 1, RDT_OUT_FAIL);
    rdt_wire_put_end(&second, 1);
    put_rule(&third, "ACME-2");
    rdt_wire_put_end(&third, 1);
    assert_int_equal(rdt_gather_start(&g, &judge, NULL), RDT_OK);
    assert_int_equal(rdt_gather_read(&g, rdt_buf_span(&first), "a.lua", NULL), RDT_OK);
    assert_int_equal(rdt_gather_read(&g, rdt_buf_span(&second), "b.lua", NULL), RDT_OK);
    assert_int_equal(rdt_gather_read(&g, rdt_buf_span(&third), "c.lua", &j->err), RDT_E_BADINPUT);
    assert_non_null(strstr(j->err.text, "c.lua:3: rule ACME-2 is there already (a.lua)"));
    assert_int_equal(g.run->results[3].rule, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(answers),
        JUDGING_TEST(order),
        JUDGING_TEST(two_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
