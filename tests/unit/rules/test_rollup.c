/* Rows of the template: broken by what fails on their subjects, by nothing else. */
#include "judging.h"

static const struct rdt_row *
row(const struct judging *j, const char *id)
{
    for (size_t i = 0; i < j->run->n_rows; i++)
        if (strcmp(j->run->rows[i].id, id) == 0)
            return &j->run->rows[i];
    fail_msg("no row %s", id);
    return NULL;
}

static bool
is_broken_by(const struct rdt_row *r, const char *text)
{
    for (size_t i = 0; i < r->broken.n; i++)
        if (strcmp(r->broken.at[i], text) == 0)
            return true;
    return false;
}

static const struct {
    const char *what, *patch;
    const char *broken, *by; /* this row, by this finding */
    const char *whole;       /* this row is not broken */
} cases[] = {
    {"a database without a volume", "stores: { db: { at_rest: { volume: null } } }",     "STORE-1",
     "REST-1 stores.db",                                                                                                 "STORE-6"},
    {"a search index without one",  "stores: { search: { at_rest: { volume: null } } }", "STORE-6",
     "REST-1 stores.search",                                                                                             "STORE-1"},
    {"the key of the database",     "keys: { volume: { rotation: { every: 400d } } }",   "STORE-1",
     "KEY-FLOOR-ROTATION keys.volume",                                                                                   "STORE-6"},
    {"a flow of critical data",     "flows: { api-db: { tls: { min: tls1.2 } } }",       "CLASS-1",
     "TRANSIT-TLS-FLOOR flows.api-db",                                                                                   "CLASS-2"},
    {"no check in CI",              "ci: null",                                          "REST-7",  "REST-7-STALE plan", "STORE-1"},
};

static void
broken(void **state)
{
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        judging_patch(j, cases[i].patch);
        if (judging_run(j) != RDT_OK)
            fail_msg("%s: %s", cases[i].what, j->err.text);
        const struct rdt_row *r = row(j, cases[i].broken);
        if (r->verdict != RDT_FAIL || !is_broken_by(r, cases[i].by))
            fail_msg("%s: %s is %s, by %s", cases[i].what, r->id, rdt_verdict_name(r->verdict),
                     r->broken.n == 0 ? "nothing" : r->broken.at[0]);
        assert_int_not_equal(row(j, cases[i].whole)->verdict, RDT_FAIL);
    }
}

/* An exception on the rule covers the row. */
static void
accepted_is_met(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "ci: null\n"
                     "exceptions: { EX-2: { rule: REST-7-STALE, subject: plan, reason: r, owner: "
                     "o@p.example, approved_by: [a@p.example, b@p.example], granted: 2026-10-01, "
                     "expires: 2027-01-01 } }");
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(row(j, "REST-7")->verdict, RDT_PASS);
    assert_int_equal(row(j, "REST-7")->broken.n, 0);
}

static void
nothing_there_is_na(void **state)
{
    struct judging *j = *state;
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(row(j, "STORE-5")->verdict, RDT_NA); /* no cache in the plan */
    assert_int_equal(row(j, "STORE-5")->assurance, RDT_A0);
}

/* Every rule says the rows and controls that name it; every row has its words. */
static void
both_directions(void **state)
{
    struct judging *j = *state;
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 0; i < j->run->n_rows; i++) {
        const struct rdt_row *r = &j->run->rows[i];
        assert_non_null(r->title);
        assert_true(r->part >= 1 && r->part <= 9 && r->by.n > 0);
        for (size_t k = 0; k < r->by.n; k++) {
            bool found = false;
            for (size_t m = 0; m < j->run->n_rules; m++)
                for (size_t b = 0; b < j->run->rules[m].rollups.n; b++)
                    found = found || (strcmp(j->run->rules[m].id, r->by.at[k]) == 0 &&
                                      strcmp(j->run->rules[m].rollups.at[b], r->id) == 0);
            if (!found)
                fail_msg("%s is not named by %s", r->id, r->by.at[k]);
        }
    }
    for (size_t m = 0; m < j->run->n_rules; m++)
        for (size_t k = 0; k < j->run->rules[m].controls.n; k++)
            assert_non_null(strchr(strchr(j->run->rules[m].controls.at[k], '@'), ':'));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(broken),
        JUDGING_TEST(accepted_is_met),
        JUDGING_TEST(nothing_there_is_na),
        JUDGING_TEST(both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
