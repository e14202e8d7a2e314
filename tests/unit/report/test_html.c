#include "sample.h"

static void
answers_first(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_HTML, &out);
    static const char *const parts[] = {
        "<b>2 things are wrong.</b>",
        "1 check could not be decided, which is not a pass.",
        "<h2>What to do first</h2>",
        "Could not be decided: timed out after 5 s",
        "dir/plan.yaml:22:9",
        "<b>Fix:</b> Mend R-FAIL",
        "2 of 4 subjects observed",
        "<section id=\"findings\">",
        "<section id=\"map\">",
        "<section id=\"data\">",
        "<section id=\"keys\">",
        "<section id=\"compliance\">",
        "<section id=\"calendar\">",
        "<section id=\"notes\">",
        "due 2027-01-30, in 67 days", /* k1: 2026-11-01 and 90 days */
        "overdue since 2026-04-01",   /* k2 */
        "never recorded",             /* k3 */
        "127 days left",
        "ends soon", /* EX-1; AT-1 in 8 days */
        "not met</span>",
        "rule R-OFF is disabled: too loud",
        "In no store: lost.",
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';",
        "prefers-color-scheme: dark",
        "@media print",
    };
    for (size_t i = 0; i < RDT_COUNT(parts); i++)
        assert_has(text, parts[i]);
    assert_true(strstr(text, "What to do first") < strstr(text, "<section id=\"findings\">"));
}

static void
takes_nothing_from_outside(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.map_svg = "<svg><g id=\"the-map\"/></svg>";
    const char *text = sample_render(&s.report, RDT_FORMAT_HTML, &out);
    assert_has(text, "the-map");
    static const char *const never[] = {"<script",     "<link",   "<img",     "<iframe", "<object",
                                        "src=",        "@import", "url(",     "http://", "https://",
                                        "javascript:", " onload", " onclick", "\x1b"};
    for (size_t i = 0; i < RDT_COUNT(never); i++)
        assert_lacks(text, never[i]);
    assert_int_equal(sample_occurs(text, "href=\""), sample_occurs(text, "href=\"#"));
}

/* Every value of the plan and of the run, one by one, as what would break out of the page. */
static void
escapes_every_value(void **state)
{
    (void)state;
    static const char evil[] = "\"'><script>x</script>";
    const char **values[] = {
        &sample_results[0].message,    &sample_results[0].observed,  &sample_results[0].expected,
        &sample_results[0].where.file, &sample_results[5].exception, &sample_rules[0].id,
        &sample_rules[0].fix,          &sample_rules[0].title,       &sample_subjects[0].id,
        &sample_frameworks[1].title,
    };
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    for (size_t i = 0; i < RDT_COUNT(values); i++) {
        const char *was = *values[i];
        *values[i] = evil;
        for (unsigned f = RDT_FORMAT_HTML; f <= RDT_FORMAT_TEMPLATE_HTML; f++)
            assert_lacks(sample_render(&s.report, f, &out), "<script");
        *values[i] = was;
    }
    s.run.env = s.run.product = s.run.plan = s.run.version = s.run.id = evil;
    s.run.notes = (struct rdt_strings){values[0], 1};
    assert_lacks(sample_render(&s.report, RDT_FORMAT_HTML, &out), "<script");
}

static void
closes_what_it_opens(void **state)
{
    (void)state;
    static const char *const names[] = {"section", "table", "thead", "tbody", "tr",
                                        "td",      "ul",    "ol",    "li",    "main",
                                        "div",     "p",     "span",  "code",  "details"};
    SAMPLE s;
    RDT_BUF out = {0};
    char open[16], plain[16], close[16];
    sample_open(&s);
    const char *text = strstr(sample_render(&s.report, RDT_FORMAT_HTML, &out), "<body");
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        snprintf(open, sizeof open, "<%s ", names[i]);
        snprintf(plain, sizeof plain, "<%s>", names[i]);
        snprintf(close, sizeof close, "</%s>", names[i]);
        if (sample_occurs(text, open) + sample_occurs(text, plain) != sample_occurs(text, close))
            fail_msg("%s: %zu opened, %zu closed", names[i],
                     sample_occurs(text, open) + sample_occurs(text, plain),
                     sample_occurs(text, close));
    }
}

static void
never_calls_the_unseen_good(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.run.results = &sample_results[3];
    s.run.n_results = 2;
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_HTML, &out);
    assert_has(text, "Nothing fails.");
    assert_has(text, "2 promises stand so far only in the plan: nothing has looked.");
    assert_lacks(text, "class=\"pass\"><span class=\"mark\">"); /* no good cell in the matrix */
}

static void
shows_one_framework(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.framework = "soc2";
    const char *text = sample_render(&s.report, RDT_FORMAT_HTML, &out);
    assert_has(text, "<section id=\"compliance\">");
    assert_has(text, "Keys &amp; &lt;data&gt;");
    assert_lacks(text, "<section id=\"keys\">");
    assert_lacks(text, "href=\"#");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_first),
        cmocka_unit_test(takes_nothing_from_outside),
        cmocka_unit_test(escapes_every_value),
        cmocka_unit_test(closes_what_it_opens),
        cmocka_unit_test(never_calls_the_unseen_good),
        cmocka_unit_test(shows_one_framework),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
