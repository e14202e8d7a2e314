/* Controls: met, not met, unproven, not applicable. */
#include "judging.h"

static const struct rdt_framework *
framework(const struct judging *j, const char *id, const char *edition)
{
    for (size_t i = 0; i < j->run->n_frameworks; i++)
        if (strcmp(j->run->frameworks[i].id, id) == 0 &&
            strcmp(j->run->frameworks[i].edition, edition) == 0)
            return &j->run->frameworks[i];
    fail_msg("no framework %s@%s", id, edition);
    return NULL;
}

static const struct rdt_control *
control(const struct rdt_framework *f, const char *id)
{
    for (size_t i = 0; i < f->n_controls; i++)
        if (strcmp(f->controls[i].id, id) == 0)
            return &f->controls[i];
    fail_msg("no control %s", id);
    return NULL;
}

static void
chosen(void **state)
{
    struct judging *j = *state;
    assert_int_equal(judging_run(j), RDT_OK); /* frameworks: [hipaa, soc2@2022, pci-dss@4.0.1] */
    assert_true(framework(j, "hipaa", "2013")->chosen);
    assert_true(framework(j, "soc2", "2022")->chosen);
    assert_false(framework(j, "soc2", "2017")->chosen);
    assert_true(framework(j, "pci-dss", "4.0.1")->chosen);
    assert_false(framework(j, "pci-dss", "3.2.1")->chosen);
    assert_false(framework(j, "gdpr", "2016")->chosen);
    judging_patch(j, "frameworks: [soc2@2017, iso27001]");
    assert_int_equal(judging_run(j), RDT_OK);
    assert_true(framework(j, "soc2", "2017")->chosen);
    assert_false(framework(j, "soc2", "2022")->chosen);
    assert_true(framework(j, "iso27001", "2022")->chosen);
    assert_false(framework(j, "iso27001", "2013")->chosen);
}

/* A plan by itself meets nothing, whatever it declares and whoever attests. */
static void
a_plan_meets_nothing(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "attestations: { AT-2: { covers: [REST-1, PATH-SSH, TRANSIT-TLS-FLOOR, "
                     "SAD-STORED], statement: s, by: b@p.example, signed: 2026-10-01, expires: "
                     "2027-01-01 } }");
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 0; i < j->run->n_frameworks; i++)
        for (size_t k = 0; k < j->run->frameworks[i].n_controls; k++)
            assert_int_not_equal(j->run->frameworks[i].controls[k].state, RDT_MET);
}

static void
a_failure_breaks_what_it_covers(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "stores: { audit: { holds: [log, card] } }\n"
                     "data: { card: { form: null } }"); /* PAN-DISK-ONLY */
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_framework *pci = framework(j, "pci-dss", "4.0.1");
    assert_int_equal(control(pci, "3.5.1")->state, RDT_NOT_MET);
    assert_int_not_equal(control(pci, "2.2.7")->state, RDT_NOT_MET);
    judging_patch(j, "stores: { db: { at_rest: { volume: null } } }"); /* REST-1 only supports */
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_not_equal(control(framework(j, "pci-dss", "4.0.1"), "3.5.1")->state, RDT_NOT_MET);
    judging_patch(j, "stores: { db: { at_rest: { fields: null } } }"); /* REST-2: no card in it */
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_not_equal(control(framework(j, "pci-dss", "4.0.1"), "3.5.1")->state, RDT_NOT_MET);
    assert_int_equal(control(framework(j, "hipaa", "2013"), "164.312(a)(2)(iv)")->state,
                     RDT_NOT_MET);
}

/* {DB: {verdict: WORD}} as pg.plaintext has it. */
static void
tried(struct judging *j, const char *subject, const char *fact, const char *verdict)
{
    struct rdt_arena *arena = &j->evidence.arena;
    struct rdt_node *map = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
    struct rdt_node *db = rdt_value_map(arena, map, "app");
    assert_non_null(rdt_value_text(arena, db, "verdict", verdict));
    judging_fact(j, subject, fact, map, NULL, 5);
}

static enum rdt_control_state
transmission(struct judging *j, const char *db, const char *search)
{
    rdt_evidence_done(&j->evidence);
    if (db != NULL)
        tried(j, "stores.db", "pg.plaintext", db);
    if (search != NULL)
        tried(j, "stores.search", "opensearch.plaintext", search);
    assert_int_equal(judging_run(j), RDT_OK);
    return control(framework(j, "hipaa", "2013"), "164.312(e)(1)")->state;
}

/* Met: all that covers it is decided, and one rule was exercised wherever it applies. */
static void
exercised_everywhere(void **state)
{
    struct judging *j = *state;
    assert_int_equal(transmission(j, NULL, NULL), RDT_UNPROVEN);
    assert_int_equal(transmission(j, "refused", NULL), RDT_UNPROVEN);
    assert_int_equal(transmission(j, "refused", "undecided"), RDT_UNPROVEN);
    assert_int_equal(transmission(j, "refused", "refused"), RDT_MET);
    /* this one is covered by TRANSIT-TLS-FLOOR as well, for which nobody looked */
    assert_int_equal(control(framework(j, "hipaa", "2013"), "164.312(e)(2)(ii)")->state,
                     RDT_UNPROVEN);
    assert_int_equal(transmission(j, "refused", "accepted"), RDT_NOT_MET);
    const struct rdt_control *c = control(framework(j, "hipaa", "2013"), "164.312(e)(1)");
    for (size_t i = 0; i < c->n_rules; i++)
        if (strcmp(c->rules[i].rule, "TRANSIT-5") == 0) {
            assert_true(c->rules[i].covers);
            assert_int_equal(c->rules[i].verdict, RDT_DRIFT);
            assert_int_equal(c->rules[i].assurance, RDT_A4);
        }
}

/* What is accepted does not break a control, and does not prove it either. */
static void
accepted_proves_nothing(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "exceptions: { EX-2: { rule: TRANSIT-5, subject: stores.search, reason: r, "
                     "owner: o@p.example, approved_by: [a@p.example, b@p.example], granted: "
                     "2026-10-01, expires: 2027-01-01 } }");
    assert_int_equal(transmission(j, "refused", "accepted"), RDT_UNPROVEN);
}

/* A3 on the disks of what holds no card number says nothing of card numbers. */
static void
a_disk_proves_no_card(void **state)
{
    static const char *const stores[] = {"stores.db", "stores.files", "stores.search",
                                         "stores.audit", "stores.backups"};
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(stores); i++) {
        struct rdt_arena *arena = &j->evidence.arena;
        struct rdt_node *disk = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
        assert_non_null(rdt_value_text(arena, disk, "encrypted", "yes"));
        judging_fact(j, stores[i], "host.disk", disk, NULL, 5);
    }
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(control(framework(j, "pci-dss", "4.0.1"), "3.5.1")->state, RDT_UNPROVEN);
    assert_int_equal(control(framework(j, "nist-800-53", "r5"), "CP-9(8)")->state, RDT_MET);
}

/* A2: what a fleet's export shows. */
static void
imported(void **state)
{
    static const struct {
        int64_t plain;
        enum rdt_control_state want;
    } fleets[] = {
        {0, RDT_MET    },
        {2, RDT_NOT_MET},
    };
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(fleets); i++) {
        rdt_evidence_done(&j->evidence);
        struct rdt_arena *arena = &j->evidence.arena;
        struct rdt_node *fleet = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
        assert_non_null(rdt_value_int(arena, fleet, "plain", fleets[i].plain));
        judging_fact(j, "stores.laptops", "endpoints.encryption", fleet, NULL, 5);
        assert_int_equal(judging_run(j), RDT_OK);
        assert_int_equal(control(framework(j, "iso27001", "2022"), "A.8.1")->state, fleets[i].want);
    }
}

/* info is a warning: it breaks no control, and it proves none. */
static void
a_warning_breaks_nothing(void **state)
{
    struct judging *j = *state;
    judging_patch(
        j, "policy: { profile: template-lenient }\nflows: { web: { tls: { min: tls1.2 } } }");
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_result *r = judging_find(j, "TRANSIT-TLS-FLOOR", "flows.web");
    assert_int_equal(r->verdict, RDT_FAIL);
    assert_int_equal(r->severity, RDT_INFO);
    assert_int_equal(control(framework(j, "pci-dss", "4.0.1"), "4.2.1")->state, RDT_UNPROVEN);
    judging_patch(j, "flows: { web: { tls: { min: tls1.2 } } }");
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(control(framework(j, "pci-dss", "4.0.1"), "4.2.1")->state, RDT_NOT_MET);
}

static void
nothing_applies(void **state)
{
    struct judging *j = *state;
    judging_plan(j, "redoubt: 1\n"
                    "product: { id: p, name: P, owner: o@p.example, tenancy: single }\n");
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(control(framework(j, "pci-dss", "4.0.1"), "3.3.1")->state, RDT_NOT_APPLICABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(chosen),
        JUDGING_TEST(a_plan_meets_nothing),
        JUDGING_TEST(a_failure_breaks_what_it_covers),
        JUDGING_TEST(exercised_everywhere),
        JUDGING_TEST(accepted_proves_nothing),
        JUDGING_TEST(a_disk_proves_no_card),
        JUDGING_TEST(imported),
        JUDGING_TEST(a_warning_breaks_nothing),
        JUDGING_TEST(nothing_applies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
