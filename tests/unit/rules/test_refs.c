/* Names in exceptions, attestations, disabled rules and options: of rules, and of subjects. */
#include "judging.h"

#define EXCEPTION(rule, subject, granted, expires)                                                 \
    "exceptions: { EX-2: { rule: " rule ", subject: " subject                                      \
    ", reason: r, owner: o@p.example, approved_by: [a@p.example, b@p.example], granted: " granted  \
    ", expires: " expires " } }"
#define ATTESTATION(covers, from, until)                                                           \
    "attestations: { AT-2: { covers: [" covers "], statement: s, by: b@p.example, signed: " from   \
    ", expires: " until " } }"

static void
names(void **state)
{
    static const struct {
        const char *patch, *only, *says, *hint;
    } cases[] = {
        {EXCEPTION("REST-11", "stores.db", "2026-10-01", "2027-01-01"), NULL,
         "patch.yaml:1:29: there is no rule 'REST-11'", "did you mean 'REST-1'?"},
        {EXCEPTION("STORE-1", "stores.db", "2026-10-01", "2027-01-01"), NULL,
         "'STORE-1' is a line of the template", "REST-1"},
        {EXCEPTION("REST-1", "stores.*", "2026-10-01", "2027-01-01"), NULL,
         "patch.yaml:1:46: an exception for 'stores.*': it must name one subject", "an exception for each"},
        {EXCEPTION("REST-1", "stores.dbs", "2026-10-01", "2027-01-01"), NULL,
         "the plan has no such subject", "did you mean 'stores.db'?"},
        {EXCEPTION("REST-1", "flows.web", "2026-10-01", "2027-01-01"), NULL,
         "REST-1 does not judge `flows`", "rules show"},
        {EXCEPTION("EX-EXPIRED", "exceptions.EX-1", "2026-10-01", "2027-01-01"), NULL,
         "what is wrong with an exception cannot be accepted by one", "mend the exception"},
        {EXCEPTION("EX-SELF-APPROVED", "exceptions.EX-2", "2026-10-01", "2027-01-01"), NULL,
         "cannot be accepted by one", "mend the exception"},
        {ATTESTATION("ROTATE-22", "2026-10-01", "2027-01-01"), NULL, "there is no rule 'ROTATE-22'",
         "did you mean 'ROTATE-2'?"},
        {"policy: { disable: { XYZZY-9: because } }", NULL, "there is no rule 'XYZZY-9'",
         "rules list"},
        {"{}", "REST-11", "there is no rule 'REST-11'", "did you mean 'REST-1'?"},
        {"{}", "XYZZY*", "there is no rule 'XYZZY*'", "rules list"},
        {"frameworks: [hippa]", NULL, "patch.yaml:1:14: there is no framework 'hippa'",
         "did you mean 'hipaa'?"},
        {"frameworks: [soc2@1999]", NULL, "there is no framework 'soc2@1999'", "edition"},
    };
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        judging_patch(j, cases[i].patch);
        j->only[0] = cases[i].only;
        enum rdt_code rc = judging_run(j);
        if (rc != RDT_E_BADINPUT || strstr(j->err.text, cases[i].says) == NULL ||
            strstr(j->err.hint, cases[i].hint) == NULL)
            fail_msg("%s: %d, %s, %s", cases[i].patch, rc, j->err.text, j->err.hint);
        judging_reset(j);
    }
}

/* Where an environment has patched a subject away there is nothing to accept, and no mistake. */
static void
patched_away(void **state)
{
    struct rdt_arena arena = {0};
    struct judging *j = *state;
    struct rdt_node *root = NULL;
    struct rdt_plan *plan = NULL;
    const char *yaml = "redoubt: 1\nproduct: { id: p, name: P, owner: o@p.example }\n"
                       "services: { a: { zone: z }, b: { zone: z } }\n"
                       "flows: { ab: { from: a, to: b, carries: [] } }\n"
                       "environments: { dev: { patch: { flows: { ab: null } } } }\n" EXCEPTION(
                           "TRANSIT-PLAINTEXT", "flows.ab", "2026-10-01", "2027-01-01") "\n";
    struct rdt_plan_opts opts = {.env = "dev"};
    assert_int_equal(
        rdt_yaml_parse("plan.yaml", rdt_span_str(yaml), &arena, &j->diags, &root, &j->err), RDT_OK);
    assert_int_equal(rdt_plan_from_node(root, "plan.yaml", &opts, &j->diags, &plan, &j->err), 0);
    rdt_plan_close(j->plan);
    j->plan = plan;
    if (judging_run(j) != RDT_OK)
        fail_msg("%s", j->err.text);
    assert_null(judging_find(j, "TRANSIT-PLAINTEXT", "flows.ab"));
    rdt_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(names),
        JUDGING_TEST(patched_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
