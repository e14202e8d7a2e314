/* Observations: there, unreadable, too old, several; and files that the plan names. */
#include "judging.h"

#define ONE_DAY INT64_C(86400)

/* Two maps of one key each: {encrypted: yes} quoted, and {n: 3, ok: true} bare. */
static struct rdt_node *
disk(struct judging *j, const char *encrypted)
{
    struct rdt_node *map = rdt_node_new(&j->evidence.arena, RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_value_text(&j->evidence.arena, map, "encrypted", encrypted);
    rdt_value_int(&j->evidence.arena, map, "n", 3);
    rdt_value_bool(&j->evidence.arena, map, "ok", true);
    rdt_value_text(&j->evidence.arena, map, "text", "3");
    struct rdt_node *list = rdt_value_list(&j->evidence.arena, map, "list");
    rdt_value_text(&j->evidence.arena, list, NULL, "a");
    assert_non_null(rdt_value_text(&j->evidence.arena, list, NULL, "b"));
    return map;
}

#define BODY                                                                                       \
    "local d = seen(s, 'host.disk') if d.encrypted == 'yes' then return pass() end "               \
    "return fail { message = 'bare', observed = d.encrypted }"

static void
expect(struct judging *j, const char *subject, enum rdt_verdict verdict, enum rdt_assurance level,
       size_t n_evidence, const char *message)
{
    const struct rdt_result *r = judging_find(j, "ACME-1", subject);
    assert_non_null(r);
    if (r->verdict != verdict || r->assurance != level || r->evidence.n != n_evidence)
        fail_msg("%s: %s %s, %zu, %s", subject, rdt_verdict_name(r->verdict),
                 rdt_assurance_name(r->assurance), r->evidence.n,
                 r->message == NULL ? "" : r->message);
    if (message != NULL)
        assert_non_null(strstr(r->message, message));
}

static void
states_of_an_observation(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, LIVE_RULE("ACME-1", "stores", "'plan', 'live'", BODY));
    judging_fact(j, "stores.db", "host.disk", disk(j, "yes"), NULL, 60);
    judging_fact(j, "stores.files", "host.disk", disk(j, "no"), NULL, 60);
    judging_fact(j, "stores.search", "host.disk", NULL, "permission denied", 60);
    judging_fact(j, "stores.audit", "host.disk", disk(j, "yes"), NULL, ONE_DAY + 1);
    judging_fact(j, "stores.backups", "host.disk", disk(j, "yes"), NULL, ONE_DAY);
    judging_fact(j, "stores.stripe", "other.fact", disk(j, "yes"), NULL, 60);
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_PASS, RDT_A3, 1, NULL);
    expect(j, "stores.files", RDT_DRIFT, RDT_A0, 1, "bare");
    expect(j, "stores.search", RDT_UNKNOWN, RDT_A0, 1, "permission denied");
    expect(j, "stores.audit", RDT_UNKNOWN, RDT_A0, 1, "more than 24 h before");
    expect(j, "stores.backups", RDT_PASS, RDT_A3, 1, NULL);
    expect(j, "stores.stripe", RDT_UNOBSERVED, RDT_A0, 0, "host.disk was not observed");
    expect(j, "stores.laptops", RDT_UNOBSERVED, RDT_A0, 0, "host.disk was not observed");
    assert_int_equal(j->run->planned, 7);
    assert_int_equal(j->run->observed, 3);
    assert_true(j->run->live);
    const struct rdt_result *r = judging_find(j, "ACME-1", "stores.db");
    assert_string_equal(r->evidence.at[0], j->evidence.items[0].sha256);
}

static void
the_newest_counts(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, LIVE_RULE("ACME-1", "stores", "'plan', 'live'", BODY));
    judging_fact(j, "stores.db", "host.disk", disk(j, "no"), NULL, 10);
    judging_fact(j, "stores.db", "host.disk", disk(j, "yes"), NULL, 60);
    judging_fact(j, "stores.files", "host.disk", disk(j, "no"), NULL, 10);
    judging_fact(j, "stores.files", "host.disk", disk(j, "yes"), NULL, 10);
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_DRIFT, RDT_A0, 1, NULL);
    expect(j, "stores.files", RDT_PASS, RDT_A3, 1, NULL); /* of equal age: the later record */
}

static void
values_have_their_types(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, LIVE_RULE("ACME-1", "stores", "'live'",
                              "local d = seen(s.id, 'host.disk') "
                              "assert(d.n == 3 and d.ok == true and d.text == '3') "
                              "assert(#d.list == 2 and d.list[2] == 'b' and d.none == nil) "
                              "return pass(4)"));
    judging_fact(j, "stores.db", "host.disk", disk(j, "yes"), NULL, 0);
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_PASS, RDT_A4, 1, NULL);
}

/* No observation is used by a rule that does not ask; several are all remembered. */
static void
what_was_used(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, LIVE_RULE("ACME-1", "stores", "'plan', 'live'",
                              "if s.name == 'db' then return pass(4) end "
                              "seen(s, 'a') seen(s, 'b') seen(s, 'a') return pass(2)"));
    judging_fact(j, "stores.db", "a", disk(j, "yes"), NULL, 0);
    judging_fact(j, "stores.files", "a", disk(j, "yes"), NULL, 0);
    judging_fact(j, "stores.files", "b", disk(j, "yes"), NULL, 0);
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_PASS, RDT_A0, 0, NULL);
    expect(j, "stores.files", RDT_PASS, RDT_A2, 2, NULL);
}

/* also_seen() gives nil for what does not count, and no pass rests on it. */
static void
a_second_look(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j,
                 LIVE_RULE("ACME-1", "stores", "'live'",
                           "local d = also_seen(s, 'a') "
                           "if d and d.encrypted == 'no' then return fail { message = 'no' } end "
                           "if s.name == 'audit' then seen(s, 'b') end return pass(4)"));
    judging_fact(j, "stores.db", "a", disk(j, "no"), NULL, 0);
    judging_fact(j, "stores.files", "a", NULL, "refused", 0);
    judging_fact(j, "stores.search", "a", disk(j, "no"), NULL, 2 * ONE_DAY);
    judging_fact(j, "stores.backups", "a", disk(j, "yes"), NULL, 0);
    judging_fact(j, "stores.audit", "b", disk(j, "yes"), NULL, 0);
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_DRIFT, RDT_A0, 1, "no");
    expect(j, "stores.files", RDT_UNOBSERVED, RDT_A0, 1, NULL);
    expect(j, "stores.search", RDT_UNOBSERVED, RDT_A0, 1, NULL);
    expect(j, "stores.backups", RDT_UNOBSERVED, RDT_A0, 1, NULL);
    expect(j, "stores.laptops", RDT_UNOBSERVED, RDT_A0, 0, NULL);
    expect(j, "stores.audit", RDT_PASS, RDT_A4, 1, NULL);
}

static void
nothing_can_catch_it(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    judging_pack(j, LIVE_RULE("ACME-1", "stores", "'plan', 'live'",
                              "table.sort({2, 1}, function() seen(s, 'x') return true end) "
                              "return pass()"));
    assert_int_equal(judging_run(j), RDT_OK);
    expect(j, "stores.db", RDT_UNOBSERVED, RDT_A0, 0, "x was not observed");
}

static void
files_of_the_plan(void **state)
{
    struct judging *j = *state;
    char plan[128], doc[128], yaml[4096];
    snprintf(plan, sizeof plan, "%s/plan.yaml", j->folder);
    snprintf(doc, sizeof doc, "%s/there.md", j->folder);
    snprintf(yaml, sizeof yaml,
             "redoubt: 1\nproduct: { id: p, name: P, owner: o@p.example, tenancy: single }\n"
             "attestations: { AT-1: { covers: [REST-1], statement: s, by: b@p.example, signed: "
             "2026-11-01, expires: 2027-01-01, evidence: [{ file: there.md, sha256: "
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad }, "
             "{ file: gone.md, sha256: "
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad }] } }\n"
             "procedures: { key-generation: { doc: ../outside.md } }\n");
    assert_int_equal(rdt_file_write(plan, 0600, rdt_span_str(yaml), NULL), RDT_OK);
    assert_int_equal(rdt_file_write(doc, 0600, rdt_span_str("abc"), NULL), RDT_OK);
    rdt_plan_close(j->plan);
    j->plan = NULL;
    assert_int_equal(rdt_plan_load(plan, NULL, &j->diags, &j->plan, &j->err), RDT_OK);
    j->only[0] = "ACME-*";
    judging_pack(j, PLAN_RULE("ACME-1", "plan",
                              "assert(file_exists('there.md') and not file_exists('gone.md')) "
                              "assert(not file_exists('../outside.md')) "
                              "assert(file_sha256('gone.md') == nil) "
                              "assert(str.starts(file_sha256('there.md'), 'ba7816bf')) "
                              "return pass()"));
    enum rdt_code rc = judging_run(j);
    unlink(plan);
    unlink(doc);
    assert_int_equal(rc, RDT_OK);
    expect(j, "plan", RDT_PASS, RDT_A0, 0, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(states_of_an_observation),
        JUDGING_TEST(the_newest_counts),
        JUDGING_TEST(values_have_their_types),
        JUDGING_TEST(what_was_used),
        JUDGING_TEST(a_second_look),
        JUDGING_TEST(nothing_can_catch_it),
        JUDGING_TEST(files_of_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
