/* A run as a whole: order, counts, filters, packs beside each other, the built-in rules. */
#include "judging.h"

#include <dirent.h>

static void
the_healthy_plan_is_healthy(void **state)
{
    struct judging *j = *state;
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 0; i < j->run->n_results; i++) {
        const struct rdt_result *r = &j->run->results[i];
        if (r->message != NULL && strstr(r->message, "is missing") != NULL)
            continue; /* the documents that it names do not lie here */
        if (r->verdict != RDT_PASS && r->verdict != RDT_NA && r->verdict != RDT_UNOBSERVED)
            fail_msg("%s on %s: %s, %s", j->run->rules[r->rule].id, j->run->subjects[r->subject].id,
                     rdt_verdict_name(r->verdict), r->message);
    }
    size_t sum = 0;
    for (size_t v = 0; v < RDT_NVERDICTS; v++)
        sum += j->run->count[v];
    assert_int_equal(sum, j->run->n_results);
    assert_int_equal(strlen(j->run->id), 36);
    assert_string_equal(j->run->product, "Healthy");
    assert_false(j->run->live);
    assert_int_equal(j->run->observed, 0);
    assert_true(j->run->planned > 0);
}

static unsigned
rank(const struct rdt_result *r)
{
#define X(name, word, rank) [name] = rank,
    static const uint8_t ranks[] = {RDT_VERDICTS(X)};
#undef X
    return ranks[r->verdict];
}

static void
results_are_in_order(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "flows: { web: { tls: { min: tls1.0 } }, api-db: { tls: null } }");
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 1; i < j->run->n_results; i++) {
        const struct rdt_result *a = &j->run->results[i - 1], *b = &j->run->results[i];
        bool ok = rank(a) < rank(b) || (rank(a) == rank(b) && a->severity > b->severity);
        if (rank(a) == rank(b) && a->severity == b->severity)
            ok = a->rule < b->rule || (a->rule == b->rule && a->subject < b->subject);
        assert_true(ok);
    }
    assert_true(j->run->count[RDT_FAIL] >= 2);
}

/* Everything but the id is the same the next time. */
static void
the_same_twice(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "stores: { db: { at_rest: null } }");
    assert_int_equal(judging_run(j), RDT_OK);
    struct rdt_run *first = j->run;
    j->run = NULL;
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(first->n_results, j->run->n_results);
    assert_string_not_equal(first->id, j->run->id);
    for (size_t i = 0; i < first->n_results; i++) {
        const struct rdt_result *a = &first->results[i], *b = &j->run->results[i];
        assert_int_equal(a->rule, b->rule);
        assert_int_equal(a->subject, b->subject);
        assert_int_equal(a->verdict, b->verdict);
        if (a->message != NULL)
            assert_string_equal(a->message, b->message);
    }
    rdt_run_free(first);
}

/* Neither a global, nor a changed table, nor a changed function reaches another pack. */
static void
packs_are_apart(void **state)
{
    struct judging *j = *state;
    j->only[0] = "ACME-*";
    j->only[1] = "REST-1";
    judging_pack(j, "leak = 'x' str.lower = nil is_backup = nil fail = pass "
                    "plan.stores.db.kind = 'gone' plan.stores.db.at_rest = nil "
                    "function pairs() end " PLAN_RULE(
                        "ACME-1", "stores",
                        "s.kind = 'x' s.effective = nil plan.stores = {} return pass()"));
    judging_pack(j, PLAN_RULE("ACME-2", "stores",
                              "assert(leak == nil and str.lower('A') == 'a' and is_backup) "
                              "assert(get('stores.db').kind == 'postgres' and plan.stores.db) "
                              "return pass()"));
    assert_int_equal(judging_run(j), RDT_OK);
    const struct rdt_result *r = judging_find(j, "ACME-2", "stores.db");
    if (r->verdict != RDT_PASS)
        fail_msg("%s", r->message);
    assert_int_equal(judging_find(j, "REST-1", "stores.db")->verdict, RDT_UNOBSERVED);
    assert_int_equal(judging_find(j, "REST-1", "stores.stripe")->verdict, RDT_NA);
}

static void
filters(void **state)
{
    struct judging *j = *state;
    j->only[0] = "REST-*";
    j->only[1] = "KEYGEN-1";
    assert_int_equal(judging_run(j), RDT_OK);
    for (size_t i = 0; i < j->run->n_results; i++) {
        const char *id = j->run->rules[j->run->results[i].rule].id;
        assert_true(strncmp(id, "REST-", 5) == 0 || strcmp(id, "KEYGEN-1") == 0);
    }
    for (size_t i = 0; i < j->run->n_rows; i++) /* nothing is met that was not judged whole */
        for (size_t k = 0; k < j->run->rows[i].by.n; k++)
            if (strncmp(j->run->rows[i].by.at[k], "TRANSIT-", 8) == 0)
                assert_int_not_equal(j->run->rows[i].verdict, RDT_PASS);
    j->only[0] = NULL;
    j->subject = "stores.d?";
    assert_int_equal(judging_run(j), RDT_OK);
    assert_true(j->run->n_results > 5);
    for (size_t i = 0; i < j->run->n_results; i++)
        assert_string_equal(j->run->subjects[j->run->results[i].subject].id, "stores.db");
    for (size_t i = 0; i < j->run->n_rows; i++)
        assert_int_not_equal(j->run->rows[i].verdict, RDT_PASS);
}

static bool
is_noted(const struct judging *j, const char *words)
{
    for (size_t i = 0; i < j->run->notes.n; i++)
        if (strstr(j->run->notes.at[i], words) != NULL)
            return true;
    return false;
}

static void
what_mutes_is_noted(void **state)
{
    static const struct {
        const char *patch, *says;
    } cases[] = {
        {"policy: { levels: { high: { tls: tls1.3 } } }",  "what high data needs"         },
        {"data: { patient: { synthetic: true } }",         "judged as low data: patient"  },
        {"flows: { api-db: { tls: { pin_next: null } } }", "template X14: A pin to one"   },
        {"policy: { disable: { REST-1: elsewhere } }",     "rule REST-1 is disabled: else"},
    };
    struct judging *j = *state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        judging_patch(j, cases[i].patch);
        assert_int_equal(judging_run(j), RDT_OK);
        if (!is_noted(j, cases[i].says))
            fail_msg("%s: not noted", cases[i].patch);
        assert_true(is_noted(j, "judged with --env only: staging"));
        judging_patch(j, "{}");
        assert_int_equal(judging_run(j), RDT_OK);
        assert_false(is_noted(j, cases[i].says));
    }
}

static size_t
open_descriptors(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

/* Good and bad runs leave no descriptor and no child behind. */
static void
nothing_is_left(void **state)
{
    struct judging *j = *state;
    size_t before = open_descriptors();
    j->only[0] = "ACME-*";
    judging_pack(j, PLAN_RULE("ACME-1", "stores", "while true do end"));
    assert_int_equal(judging_run(j), RDT_E_SANDBOX);
    assert_null(j->run);
    judging_reset(j);
    judging_pack(j, PLAN_RULE("ACME-1", "stores", "return pass()"));
    assert_int_equal(judging_run(j), RDT_OK);
    assert_int_equal(open_descriptors(), before);
}

/* The run holds no pointer into what it was made from. */
static void
a_run_outlives_its_plan(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "stores: { db: { at_rest: null } }");
    assert_int_equal(judging_run(j), RDT_OK);
    rdt_plan_close(j->plan);
    j->plan = NULL;
    rdt_arena_done(&j->arena);
    size_t n = 0;
    for (size_t i = 0; i < j->run->n_results; i++) {
        const struct rdt_result *r = &j->run->results[i];
        n += strlen(j->run->subjects[r->subject].id) + strlen(j->run->rules[r->rule].id);
        n += r->message == NULL ? 0 : strlen(r->message);
        n += r->where.file == NULL ? 0 : strlen(r->where.file);
    }
    assert_true(n > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(the_healthy_plan_is_healthy),
        JUDGING_TEST(results_are_in_order),
        JUDGING_TEST(the_same_twice),
        JUDGING_TEST(packs_are_apart),
        JUDGING_TEST(filters),
        JUDGING_TEST(what_mutes_is_noted),
        JUDGING_TEST(nothing_is_left),
        JUDGING_TEST(a_run_outlives_its_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
