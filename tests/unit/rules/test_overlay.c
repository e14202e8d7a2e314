/* Exceptions, attestations, disabled rules; each only while it is in force. */
#include "judging.h"

#define BAD PLAN_RULE("ACME-1", "stores", "return fail { message = 'bad' }")
#define DRIFTS                                                                                     \
    LIVE_RULE("ACME-2", "stores", "'plan', 'live'",                                                \
              "seen(s, 'x') return fail { message = 'drifted' }")
#define HUMAN LIVE_RULE("ACME-3", "stores", "'live'", "seen(s, 'y') return pass()")
#define GOOD PLAN_RULE("ACME-4", "stores", "return pass()")
#define DARK PLAN_RULE("ACME-5", "stores", "return unknown('dark')")
#define EXCEPTION(rule, subject, granted, expires)                                                 \
    "exceptions: { EX-2: { rule: " rule ", subject: " subject                                      \
    ", reason: r, owner: o@p.example, approved_by: [a@p.example, b@p.example], granted: " granted  \
    ", expires: " expires " } }"
#define ATTESTATION(covers, from, until)                                                           \
    "attestations: { AT-2: { covers: [" covers "], statement: s, by: b@p.example, signed: " from   \
    ", expires: " until " } }"

static const struct {
    const char *what, *patch, *rule, *subject;
    enum rdt_verdict want;
    enum rdt_assurance assurance;
} cases[] = {
    {"no exception", "{}", "ACME-1", "stores.db", RDT_FAIL, RDT_A0},
    {"in force", EXCEPTION("ACME-1", "stores.db", "2026-10-01", "2027-01-01"), "ACME-1",
     "stores.db", RDT_ACCEPTED, RDT_A0},
    {"last day", EXCEPTION("ACME-1", "stores.db", "2026-10-01", "2026-11-24"), "ACME-1",
     "stores.db", RDT_ACCEPTED, RDT_A0},
    {"first day", EXCEPTION("ACME-1", "stores.db", "2026-11-24", "2026-11-25"), "ACME-1",
     "stores.db", RDT_ACCEPTED, RDT_A0},
    {"expired", EXCEPTION("ACME-1", "stores.db", "2026-10-01", "2026-11-23"), "ACME-1", "stores.db",
     RDT_FAIL, RDT_A0},
    {"not yet", EXCEPTION("ACME-1", "stores.db", "2026-11-25", "2026-12-01"), "ACME-1", "stores.db",
     RDT_FAIL, RDT_A0},
    {"another subject", EXCEPTION("ACME-1", "stores.files", "2026-10-01", "2027-01-01"), "ACME-1",
     "stores.db", RDT_FAIL, RDT_A0},
    {"another rule", EXCEPTION("ACME-2", "stores.db", "2026-10-01", "2027-01-01"), "ACME-1",
     "stores.db", RDT_FAIL, RDT_A0},
    {"drift", EXCEPTION("ACME-2", "stores.db", "2026-10-01", "2027-01-01"), "ACME-2", "stores.db",
     RDT_ACCEPTED, RDT_A0},
    {"an exception lifts nothing else",
     EXCEPTION("ACME-3", "stores.db", "2026-10-01", "2027-01-01"), "ACME-3", "stores.db",
     RDT_UNOBSERVED, RDT_A0},
    {"unobserved", "{}", "ACME-3", "stores.db", RDT_UNOBSERVED, RDT_A0},
    {"attested", ATTESTATION("ACME-3", "2026-10-01", "2027-01-01"), "ACME-3", "stores.db", RDT_PASS,
     RDT_A1},
    {"attested, declared", ATTESTATION("ACME-4", "2026-10-01", "2027-01-01"), "ACME-4", "stores.db",
     RDT_PASS, RDT_A1},
    {"signed today", ATTESTATION("ACME-4", "2026-11-24", "2027-01-01"), "ACME-4", "stores.db",
     RDT_PASS, RDT_A1},
    {"attested, last day", ATTESTATION("ACME-3", "2026-10-01", "2026-11-24"), "ACME-3", "stores.db",
     RDT_PASS, RDT_A1},
    {"attestation expired", ATTESTATION("ACME-3", "2026-10-01", "2026-11-23"), "ACME-3",
     "stores.db", RDT_UNOBSERVED, RDT_A0},
    {"attestation expired, declared", ATTESTATION("ACME-4", "2026-10-01", "2026-11-23"), "ACME-4",
     "stores.db", RDT_PASS, RDT_A0},
    {"signed 400 days ago", ATTESTATION("ACME-3", "2025-10-20", "2030-01-01"), "ACME-3",
     "stores.db", RDT_PASS, RDT_A1},
    {"signed 401 days ago", ATTESTATION("ACME-3", "2025-10-19", "2030-01-01"), "ACME-3",
     "stores.db", RDT_UNOBSERVED, RDT_A0},
    {"an exception accepts nothing unknown",
     EXCEPTION("ACME-5", "stores.db", "2026-10-01", "2027-01-01"), "ACME-5", "stores.db",
     RDT_UNKNOWN, RDT_A0},
    {"an attestation decides nothing unknown", ATTESTATION("ACME-5", "2026-10-01", "2027-01-01"),
     "ACME-5", "stores.db", RDT_UNKNOWN, RDT_A0},
    {"signed tomorrow", ATTESTATION("ACME-3", "2026-11-25", "2027-01-01"), "ACME-3", "stores.db",
     RDT_UNOBSERVED, RDT_A0},
    {"an attestation mends nothing", ATTESTATION("ACME-1", "2026-10-01", "2027-01-01"), "ACME-1",
     "stores.db", RDT_FAIL, RDT_A0},
    {"evidence is missing",
     "attestations: { AT-2: { covers: [ACME-3], statement: s, by: b@p.example, signed: 2026-10-01, "
     "expires: 2027-01-01, evidence: [{ file: no/such.pdf, sha256: "
     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 }] } }", "ACME-3", "stores.db", RDT_UNOBSERVED, RDT_A0},
};

static void
in_force(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        judging_patch(j, cases[i].patch);
        judging_pack(j, BAD DRIFTS HUMAN GOOD DARK);
        if (i == 0)
            judging_fact(j, "stores.db", "x",
                         rdt_node_new(&j->evidence.arena, RDT_NODE_MAP, (struct rdt_mark){0}), NULL,
                         0);
        if (judging_run(j) != RDT_OK)
            fail_msg("%s: %s", cases[i].what, j->err.text);
        const struct rdt_result *r = judging_find(j, cases[i].rule, cases[i].subject);
        if (r->verdict != cases[i].want || r->assurance != cases[i].assurance)
            fail_msg("%s: %s %s", cases[i].what, rdt_verdict_name(r->verdict),
                     rdt_assurance_name(r->assurance));
        if (r->verdict == RDT_ACCEPTED) {
            assert_string_equal(r->exception, "EX-2");
            assert_true(r->before == RDT_FAIL || r->before == RDT_DRIFT);
            assert_non_null(r->message);
        }
        judging_reset(j);
    }
}

/* An attestation of a line of the template covers the rules that decide it. */
static void
attested_by_row(void **state)
{
    struct judging *j = *state;
    judging_patch(j, ATTESTATION("REST-7", "2026-10-01", "2027-01-01"));
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_result *r = judging_find(j, "REST-7-STALE", "plan");
    assert_non_null(r);
    assert_int_equal(r->verdict, RDT_PASS);
    assert_int_equal(r->assurance, RDT_A1);
    r = judging_find(j, "GAP-LOG", "plan");
    assert_int_equal(r->assurance, RDT_A0);
}

/* A row speaks of some subjects; to attest it says nothing of the others under the same rules. */
static void
attested_by_row_only_where_it_is_about(void **state)
{
    static const struct {
        const char *subject;
        enum rdt_verdict want;
    } about[] = {
        {"stores.db",     RDT_PASS      }, /* STORE-1: postgres */
        {"stores.search", RDT_PASS      }, /* STORE-6: opensearch */
        {"stores.files",  RDT_UNOBSERVED},
        {"stores.audit",  RDT_UNOBSERVED},
    };
    struct judging *j = *state;
    judging_patch(j, ATTESTATION("STORE-1, STORE-6", "2026-10-01", "2027-01-01"));
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(about); i++) {
        const struct rdt_result *r = judging_find(j, "REST-1", about[i].subject);
        if (r->verdict != about[i].want)
            fail_msg("%s: %s", about[i].subject, rdt_verdict_name(r->verdict));
    }
}

static void
disabled(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "policy: { disable: { ACME-1: we do this elsewhere, REST-1: for a test } }");
    judging_pack(j, BAD GOOD);
    assert_int_equal(judging_run(j), RDT_OK);
    assert_null(judging_find(j, "ACME-1", "stores.db"));
    assert_null(judging_find(j, "REST-1", "stores.db"));
    assert_non_null(judging_find(j, "ACME-4", "stores.db"));
    size_t notes = 0, disabled_rules = 0;
    for (size_t i = 0; i < j->run->notes.n; i++)
        notes += strstr(j->run->notes.at[i], "we do this elsewhere") != NULL;
    assert_int_equal(notes, 1);
    for (size_t i = 0; i < j->run->n_rules; i++)
        disabled_rules += j->run->rules[i].disabled != NULL;
    assert_int_equal(disabled_rules, 2);
    /* what it decided is open, not met */
    for (size_t i = 0; i < j->run->n_rows; i++)
        if (strcmp(j->run->rows[i].id, "REST-1") == 0) {
            assert_int_equal(j->run->rows[i].verdict, RDT_UNOBSERVED);
            assert_string_equal(j->run->rows[i].broken.at[0], "REST-1 (disabled)");
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(in_force),
        JUDGING_TEST(attested_by_row),
        JUDGING_TEST(attested_by_row_only_where_it_is_about),
        JUDGING_TEST(disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
