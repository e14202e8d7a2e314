#include "codec/json.h"

#include "sample.h"

static const struct rdt_node *
render(struct sample *s, struct rdt_buf *out)
{
    struct rdt_node *root = NULL;
    struct rdt_err err = {0};
    sample_render(&s->report, RDT_FORMAT_SARIF, out);
    if (rdt_json_parse("sarif", rdt_buf_span(out), &s->arena, &root, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return rdt_node_get(root, "runs")->members[0].node;
}

static const struct rdt_node *
item(const struct rdt_node *node, const char *path, size_t i)
{
    const struct rdt_node *list = rdt_node_get(node, path);
    assert_true(list != NULL && i < list->n);
    return list->members[i].node;
}

static void
emits_what_is_open(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const struct rdt_node *run = render(&s, &out);
    assert_int_equal(rdt_node_get(run, "results")->n, 3); /* fail, drift, unknown */
    const struct rdt_node *fail = item(run, "results", 0);
    assert_string_equal(rdt_node_str(fail, "kind"), "fail");
    assert_string_equal(rdt_node_str(fail, "level"), "error");
    const struct rdt_node *place = item(fail, "locations", 0);
    assert_string_equal(rdt_node_str(place, "physicalLocation.artifactLocation.uri"),
                        "dir/plan.yaml");
    assert_string_equal(rdt_node_str(place, "physicalLocation.region.startLine"), "22");
    assert_string_equal(rdt_node_str(item(place, "logicalLocations", 0), "fullyQualifiedName"),
                        "stores.db");
    const struct rdt_node *unknown = item(run, "results", 2);
    assert_string_equal(rdt_node_str(unknown, "kind"), "open");
    assert_string_equal(rdt_node_str(unknown, "level"), "none"); /* SARIF 3.27.10 */
    assert_has(rdt_node_str(item(run, "results", 1), "message.text"),
               "(plan says tls1.3, seen tls1.0)");
    const struct rdt_node *rule =
        rdt_node_get(rdt_node_get(run, "tool.driver"), "rules")->members[0].node;
    assert_string_equal(rdt_node_str(rule, "properties.security-severity"), "9.5");
    assert_string_equal(rdt_node_str(run, "automationDetails.id"), "redoubt/prod/");
}

static void
emits_all_when_asked(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.all = true;
    const struct rdt_node *run = render(&s, &out);
    assert_int_equal(rdt_node_get(run, "results")->n, 11);
    const struct rdt_node *accepted = item(item(run, "results", 5), "suppressions", 0);
    assert_string_equal(rdt_node_str(accepted, "status"), "accepted");
    assert_has(rdt_node_str(accepted, "justification"),
               "EX-1 (dana@acme.example, until 2027-03-31)");
    assert_string_equal(rdt_node_str(item(run, "results", 10), "kind"), "notApplicable");
    assert_string_equal(rdt_node_str(item(run, "results", 6), "kind"), "pass");
}

/* A finding keeps its fingerprint when its line moves, and differs by environment. */
static void
fingerprints_last(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    char first[80], moved[80], other[80];
    const struct rdt_node *run = render(&s, &out);
    const struct rdt_node *prints = rdt_node_get(item(run, "results", 0), "partialFingerprints");
    snprintf(first, sizeof first, "%s", rdt_node_text(prints->members[0].node));
    sample_results[0].where.line = 99;
    prints = rdt_node_get(item(render(&s, &out), "results", 0), "partialFingerprints");
    snprintf(moved, sizeof moved, "%s", rdt_node_text(prints->members[0].node));
    sample_results[0].where.line = 22;
    s.run.env = "staging";
    prints = rdt_node_get(item(render(&s, &out), "results", 0), "partialFingerprints");
    snprintf(other, sizeof other, "%s", rdt_node_text(prints->members[0].node));
    assert_string_equal(first, moved);
    assert_string_not_equal(first, other);
    assert_int_equal(strlen(first), 64);
}

static void
makes_paths_relative(void **state)
{
    (void)state;
    static const struct {
        const char *path, *base, *want;
    } cases[] = {
        {"plan.yaml",          NULL,     "\"uri\":\"plan.yaml\",\"uriBaseId\":\"%SRCROOT%\""},
        {"./a/plan.yaml",      NULL,     "\"uri\":\"a/plan.yaml\",\"uriBaseId\""            },
        {"/repo/a/plan.yaml",  "/repo",  "\"uri\":\"a/plan.yaml\",\"uriBaseId\""            },
        {"/repo/a/plan.yaml",  "/repo/", "\"uri\":\"a/plan.yaml\",\"uriBaseId\""            },
        {"/repository/p.yaml", "/repo",  "\"uri\":\"file:///repository/p.yaml\"}"           },
        {"my plan#1.yaml",     NULL,     "\"uri\":\"my%20plan%231.yaml\""                   },
        {"c:plan.yaml",        NULL,     "\"uri\":\"c%3Aplan.yaml\""                        },
        {"caf\xc3\xa9.yaml",   NULL,     "\"uri\":\"caf%C3%A9.yaml\""                       },
    };
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        sample_results[0].where.file = cases[i].path;
        s.report.base = cases[i].base;
        assert_has(sample_render(&s.report, RDT_FORMAT_SARIF, &out), cases[i].want);
    }
    sample_results[0].where.file = "dir/plan.yaml";
}

static void
keeps_githubs_limits(void **state)
{
    (void)state;
    enum { MANY = 25010 };
    static const char *controls[40];
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    struct rdt_strings was = sample_rules[0].controls;
    for (size_t i = 0; i < RDT_COUNT(controls); i++)
        controls[i] = "f@1:x";
    sample_rules[0].controls = (struct rdt_strings){controls, RDT_COUNT(controls)};
    struct rdt_result *results = calloc(MANY, sizeof *results);
    assert_non_null(results);
    for (size_t i = 0; i < MANY; i++)
        results[i] = sample_results[0];
    s.run.results = results;
    s.run.n_results = MANY;
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_SARIF, &out);
    assert_int_equal(sample_occurs(text, "\"ruleId\""), 25000);
    assert_int_equal(sample_occurs(text, "f@1:x"), 18); /* and two of ours: 20 tags */
    assert_has(text, "10 results are left out: a run holds at most 25000");
    sample_rules[0].controls = was;
    free(results);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emits_what_is_open),   cmocka_unit_test(emits_all_when_asked),
        cmocka_unit_test(fingerprints_last),    cmocka_unit_test(makes_paths_relative),
        cmocka_unit_test(keeps_githubs_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
