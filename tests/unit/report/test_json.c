#include "codec/json.h"

#include "sample.h"

static const struct rdt_node *
parse(struct rdt_arena *arena, const char *text)
{
    struct rdt_err err = {0};
    struct rdt_node *root = NULL;
    if (rdt_json_parse("run", rdt_span_str(text), arena, &root, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return root;
}

static const struct rdt_node *
at(const struct rdt_node *node, const char *path, size_t i)
{
    const struct rdt_node *list = rdt_node_get(node, path);
    assert_non_null(list);
    assert_true(i < list->n);
    return list->members[i].node;
}

static void
has_the_stable_shape(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const struct rdt_node *root = parse(&s.arena, sample_render(&s.report, RDT_FORMAT_JSON, &out));
    assert_string_equal(rdt_node_str(root, "redoubt"), "1");
    assert_string_equal(rdt_node_str(root, "run.time"), "2026-11-24T10:00:00Z");
    assert_string_equal(rdt_node_str(root, "run.env"), "prod");
    assert_string_equal(rdt_node_str(root, "summary.unobserved"), "2");
    assert_string_equal(rdt_node_str(root, "summary.planned"), "4");
    assert_int_equal(rdt_node_get(root, "findings")->n, 6); /* no pass, no n/a */
    const struct rdt_node *f = at(root, "findings", 0);
    assert_string_equal(rdt_node_str(f, "message"), HOSTILE);
    assert_string_equal(rdt_node_str(f, "fix"), "Mend R-FAIL");
    assert_string_equal(rdt_node_str(f, "where.line"), "22");
    assert_int_equal(rdt_node_get(f, "rollups")->n, 2);
    assert_true(rdt_node_is(at(f, "rollups", 0), "REST-1"));
    assert_true(rdt_node_is(at(f, "rollups", 1), "MAP-1"));
    assert_true(rdt_node_is(at(f, "controls", 1), "gdpr@2016:32(1)(a)"));
    f = at(root, "findings", 5);
    assert_string_equal(rdt_node_str(f, "exception"), "EX-1");
    assert_string_equal(rdt_node_str(f, "before"), "fail");
    /* a finding without words of its own has its rule's title */
    assert_string_equal(rdt_node_str(at(root, "findings", 3), "message"), "A thing was not seen");
    assert_int_equal(rdt_node_get(root, "frameworks")->n, 1); /* the chosen one */
    assert_int_equal(rdt_node_get(root, "observations")->n, 2);
    assert_null(rdt_node_get(root, "plan_document"));
}

static void
lists_all_when_asked(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.all = true;
    const struct rdt_node *root = parse(&s.arena, sample_render(&s.report, RDT_FORMAT_JSON, &out));
    assert_int_equal(rdt_node_get(root, "findings")->n, 11);
    assert_int_equal(rdt_node_get(root, "frameworks")->n, 3);
}

static void
keeps_to_one_framework(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.framework = "soc2@2022";
    const struct rdt_node *root = parse(&s.arena, sample_render(&s.report, RDT_FORMAT_JSON, &out));
    assert_int_equal(rdt_node_get(root, "frameworks")->n, 1);
    assert_int_equal(rdt_node_get(root, "findings")->n, 1); /* R-FAIL; R-PASS is a pass */
    assert_null(rdt_node_get(root, "rows"));
    assert_string_equal(rdt_node_str(at(at(root, "frameworks", 0), "controls", 0), "state"),
                        "not met");
}

/* What could not be UTF-8 must not cost the document. */
static void
survives_bad_bytes(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    sample_results[2].message = "server said \xff\xfe";
    const struct rdt_node *root = parse(&s.arena, sample_render(&s.report, RDT_FORMAT_JSON, &out));
    assert_string_equal(rdt_node_str(at(root, "findings", 2), "message"),
                        "server said \xef\xbf\xbd\xef\xbf\xbd");
    sample_results[2].message = "timed out after 5 s";
}

/* 10,000 subjects with few findings: what passes is counted, not listed. (bench_check has the
 * time.) */
static void
holds_many_subjects(void **state)
{
    (void)state;
    enum { SUBJECTS = 10000, RULES = 20 };
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    struct rdt_run_subject *subjects = calloc(SUBJECTS, sizeof *subjects);
    struct rdt_result *results = calloc((size_t)SUBJECTS * RULES, sizeof *results);
    char(*names)[24] = calloc(SUBJECTS, sizeof *names);
    assert_true(subjects != NULL && results != NULL && names != NULL);
    for (size_t i = 0; i < SUBJECTS; i++) {
        snprintf(names[i], sizeof names[i], "stores.s%zu", i);
        subjects[i] = sample_subjects[0];
        subjects[i].id = names[i];
    }
    for (size_t i = 0; i < (size_t)SUBJECTS * RULES; i++) {
        results[i] = i < 20 ? sample_results[0] : sample_results[6];
        results[i].subject = (uint32_t)(i % SUBJECTS);
    }
    s.run.subjects = subjects;
    s.run.n_subjects = SUBJECTS;
    s.run.results = results;
    s.run.n_results = (size_t)SUBJECTS * RULES;
    sample_count(&s.run);
    const struct rdt_node *root = parse(&s.arena, sample_render(&s.report, RDT_FORMAT_JSON, &out));
    assert_int_equal(rdt_node_get(root, "findings")->n, 20);
    assert_string_equal(rdt_node_str(root, "summary.pass"), "199980");
    free(subjects);
    free(results);
    free(names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_stable_shape),   cmocka_unit_test(lists_all_when_asked),
        cmocka_unit_test(keeps_to_one_framework), cmocka_unit_test(survives_bad_bytes),
        cmocka_unit_test(holds_many_subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
