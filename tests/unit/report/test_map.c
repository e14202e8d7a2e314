#include "sample.h"

static void
draws_the_plan(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    rdt_map_dot(s.plan, NULL, &out);
    const char *text = rdt_buf_cstr(&out);
    assert_has(text, "digraph plan {");
    assert_has(text, "\"services.user\" -> \"services.app\" [id=\"flows.web\"");
    assert_has(text, "\"services.app\" -> \"stores.db\" [id=\"flows.sql\"");
    assert_has(text, "\"stores.db\" [shape=cylinder");
    assert_has(text, "\"services.user\" [shape=box,style=\"rounded,dashed,filled\"");
    assert_has(text, "label=\"internet\"");
    assert_has(text, "penwidth=3.2"); /* critical */
    assert_has(text, "raw\\nplaintext\",style=dashed");
    assert_lacks(text, "#c0271b"); /* no verdicts without a run */
}

static void
shows_verdicts_by_more_than_colour(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    rdt_map_dot(s.plan, &s.run, &out);
    const char *text = rdt_buf_cstr(&out);
    assert_has(text, "label=\"\xE2\x9C\x97 db\\n");          /* fail */
    assert_has(text, "label=\"\xE2\x89\xA0 web\\ntls1.3\""); /* drift */
    assert_has(text, "tooltip=\"flows.web: drift R-DRIFT\"");
    assert_has(text, "label=\"? sql\\ntls1.2\"");
}

/* A zone's name is free text: it must stay one string. */
static void
quotes_names(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    rdt_map_dot(s.plan, &s.run, &out);
    assert_has(rdt_buf_cstr(&out), "label=\"net \\\"] ; evil [\";");
}

/* A plan too big to be looked at is drawn in part, and says so. */
static void
bounds_what_it_draws(void **state)
{
    (void)state;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    RDT_BUF text = {0}, out = {0};
    struct rdt_node *root = NULL;
    rdt_buf_str(&text, "redoubt: 1\nproduct: { id: a, name: A, owner: o }\nservices:\n");
    for (int i = 0; i < 300; i++)
        rdt_buf_fmt(&text, "  s%d: { zone: z }\n", i);
    rdt_buf_str(&text, "flows:\n");
    for (int i = 0; i < 300; i++)
        rdt_buf_fmt(&text, "  f%d: { from: s%d, to: s0, carries: [] }\n", i, i);
    assert_int_equal(rdt_yaml_parse("p", rdt_buf_span(&text), &arena, &diags, &root, NULL), RDT_OK);
    assert_int_equal(rdt_plan_from_node(root, "p", NULL, &diags, &plan, NULL), RDT_OK);
    rdt_map_dot(plan, NULL, &out);
    assert_int_equal(sample_occurs(rdt_buf_cstr(&out), "[shape="), 250);
    assert_int_equal(sample_occurs(rdt_buf_cstr(&out), " -> "), 250);
    assert_has(rdt_buf_cstr(&out), "100 more services, stores and flows are not drawn");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_plan),
        cmocka_unit_test(shows_verdicts_by_more_than_colour),
        cmocka_unit_test(quotes_names),
        cmocka_unit_test(bounds_what_it_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
