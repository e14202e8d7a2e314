/* What is told about one verdict: the values read, where they are written, level, floor, fix. */
#include "judging.h"

#include "base/buf.h"

static struct rdt_explanation *
explain(struct judging *j, const char *rule, const char *subject)
{
    struct rdt_explanation *e = NULL;
    struct rdt_judge judge = judging_request(j);
    enum rdt_code rc = rdt_rules_explain(&judge, rule, subject, &e, &j->err);
    if (rc != RDT_OK)
        fail_msg("%s", j->err.text);
    return e;
}

static const struct rdt_explained_value *
value_of(const struct rdt_explanation *e, const char *path)
{
    for (size_t i = 0; i < e->n_values; i++)
        if (strcmp(e->values[i].path, path) == 0)
            return &e->values[i];
    return NULL;
}

static void
values_and_places(void **state)
{
    struct judging *j = *state;
    judging_pack(j, PLAN_RULE("ACME-1", "flows",
                              "local store = get('stores.db') "
                              "for i, d in ipairs(f_data or s.all_data) do local x = d.level end "
                              "for k, v in pairs(s.tls) do local y = v end "
                              "assert(#s.carries == 4 and has(s.carries, 'account')) "
                              "assert(store.backups[1].sources[1] == store) "
                              "assert(next(s.tls) ~= nil and type(s.tls) == 'table') "
                              "assert(str.join(s.carries, ',') ~= '') "
                              "if s.tls.min == 'tls1.3' and s.http == nil then return pass() end "
                              "return fail { message = 'm', field = 'tls.min' }"));
    struct rdt_explanation *e = explain(j, "ACME-1", "flows.api-db");
    assert_int_equal(e->result->verdict, RDT_PASS);
    const struct rdt_explained_value *v = value_of(e, "flows.api-db.tls.min");
    assert_non_null(v);
    assert_string_equal(v->value, "tls1.3");
    assert_int_equal(
        v->where.line,
        rdt_node_find_mark(rdt_plan_find(j->plan, "flows.api-db")->node, "tls.min").line);
    assert_string_equal(value_of(e, "flows.api-db.tls.pin")->value, "db-ca");
    assert_string_equal(value_of(e, "data.patient.level")->value, "critical");
    assert_string_equal(value_of(e, "flows.api-db.http")->value, "(not written)");
    assert_string_equal(value_of(e, "flows.api-db.carries.1")->value, "patient");
    assert_null(value_of(e, "flows.web.tls.min"));
    rdt_explanation_free(e);
}

/* A rule comes to the same verdict whether or not somebody watches. */
static void
the_same_verdict(void **state)
{
    struct judging *j = *state;
    judging_patch(j, "stores: { db: { at_rest: { volume: { algorithm: des } } } }\n"
                     "flows: { web: { tls: { min: tls1.0 } }, mesh: { tls: null } }\n"
                     "keys: { root: { access: { break_glass: null } } }");
    assert_int_equal(judging_run(j), RDT_OK);
    size_t compared = 0;
    for (size_t i = 0; i < j->run->n_results && compared < 60; i++) {
        const struct rdt_result *r = &j->run->results[i];
        if (r->verdict == RDT_NA || (r->verdict == RDT_PASS && i % 7 != 0))
            continue;
        struct rdt_explanation *e =
            explain(j, j->run->rules[r->rule].id, j->run->subjects[r->subject].id);
        assert_non_null(e->result);
        if (e->result->verdict != r->verdict ||
            (r->message != NULL && strcmp(e->result->message, r->message) != 0))
            fail_msg("%s on %s: %s, explained %s (%s)", j->run->rules[r->rule].id,
                     j->run->subjects[r->subject].id, rdt_verdict_name(r->verdict),
                     rdt_verdict_name(e->result->verdict),
                     e->result->message == NULL ? "" : e->result->message);
        rdt_explanation_free(e);
        compared++;
    }
    assert_true(compared > 20);
}

static void
as_text(void **state)
{
    static const char *const parts[] = {
        "TRANSIT-TLS-FLOOR  ",
        "subject   flows.web  ",
        "level     critical, from data.patient",
        "floor     volume aes-256, fields encrypted, tls1.3, keys by hardware",
        "keys by hardware, rotated every 90 days",
        "verdict   fail",
        "observed  tls1.1",
        "expected  tls1.3",
        "where     patch.yaml:1",
        "fix       ",
        "flows.web.tls.min = tls1.1   patch.yaml:1",
    };
    struct judging *j = *state;
    RDT_BUF text = {0};
    judging_patch(j, "flows: { web: { tls: { min: tls1.1 } } }");
    struct rdt_explanation *e = explain(j, "TRANSIT-TLS-FLOOR", "flows.web");
    rdt_explanation_text(e, &text);
    rdt_explanation_free(e);
    for (size_t i = 0; i < RDT_COUNT(parts); i++)
        if (strstr(rdt_buf_cstr(&text), parts[i]) == NULL)
            fail_msg("'%s' is not in\n%s", parts[i], rdt_buf_cstr(&text));
}

static void
observations(void **state)
{
    struct judging *j = *state;
    RDT_BUF text = {0};
    struct rdt_node *map = rdt_node_new(&j->evidence.arena, RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_value_text(&j->evidence.arena, map, "tls1.0", "accepted");
    judging_fact(j, "flows.web", "tls.versions", map, NULL, 5);
    judging_fact(j, "flows.web", "http.hsts", NULL, "timed out", 5);
    struct rdt_explanation *e = explain(j, "TRANSIT-TLS-FLOOR", "flows.web");
    assert_int_equal(e->result->verdict, RDT_DRIFT);
    assert_int_equal(e->n_observations, 1);
    assert_ptr_equal(e->observations[0], &j->evidence.items[0]);
    rdt_explanation_text(e, &text);
    rdt_explanation_free(e);
    assert_non_null(strstr(rdt_buf_cstr(&text), "tls.versions of flows.web"));
    assert_non_null(strstr(rdt_buf_cstr(&text), "\"tls1.0\""));
}

static void
not_there(void **state)
{
    static const struct {
        const char *rule, *subject, *says, *hint;
    } cases[] = {
        {"REST-11", "stores.db", "no rule 'REST-11'",      "did you mean 'REST-1'?"   },
        {"STORE-1", "stores.db", "no rule 'STORE-1'",      "line of the template"     },
        {"REST-1",  "stores.dp", "no subject 'stores.dp'", "did you mean 'stores.db'?"},
        {"REST-1",  "nowhere",   "no subject 'nowhere'",   "SECTION.ID"               },
    };
    struct judging *j = *state;
    struct rdt_judge judge = judging_request(j);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_explanation *e = NULL;
        assert_int_equal(rdt_rules_explain(&judge, cases[i].rule, cases[i].subject, &e, &j->err),
                         RDT_E_NOTFOUND);
        assert_null(e);
        if (strstr(j->err.text, cases[i].says) == NULL ||
            strstr(j->err.hint, cases[i].hint) == NULL)
            fail_msg("%s, %s", j->err.text, j->err.hint);
    }
}

static void
not_judged(void **state)
{
    struct judging *j = *state;
    RDT_BUF text = {0};
    judging_patch(j, "policy: { disable: { REST-1: we know better } }");
    struct rdt_explanation *e = explain(j, "REST-1", "stores.db");
    assert_null(e->result);
    assert_non_null(strstr(e->not_judged, "we know better"));
    rdt_explanation_text(e, &text);
    rdt_explanation_free(e);
    assert_non_null(strstr(rdt_buf_cstr(&text), "verdict   none"));
    e = explain(j, "REST-1", "flows.web");
    assert_null(e->result);
    rdt_explanation_free(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JUDGING_TEST(values_and_places), JUDGING_TEST(the_same_verdict), JUDGING_TEST(as_text),
        JUDGING_TEST(observations),      JUDGING_TEST(not_there),        JUDGING_TEST(not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
