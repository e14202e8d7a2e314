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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_the_plan),
        cmocka_unit_test(shows_verdicts_by_more_than_colour),
        cmocka_unit_test(quotes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
