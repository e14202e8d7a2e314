#include "sample.h"

static void
counts_each_check(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_JUNIT, &out);
    assert_has(text, "tests=\"11\" failures=\"2\" errors=\"1\" skipped=\"4\"");
    assert_int_equal(sample_occurs(text, "<testcase "), 11);
    assert_int_equal(sample_occurs(text, "<failure "), 2);
    assert_int_equal(sample_occurs(text, "<error "), 1);
    assert_int_equal(sample_occurs(text, "<skipped "), 4); /* unobserved is never a plain pass */
    assert_has(text, "<testcase classname=\"stores\" name=\"R-FAIL stores.db\">");
    assert_has(text, "<testcase classname=\"plan\" name=\"R-NA plan\">");
    assert_has(text, "type=\"accepted\" message=\"accepted: sql allows tls1.2 (EX-1)\"");
    assert_has(text, "plan says: tls1.3\nobserved: tls1.0\nfix: Mend R-DRIFT\n");
}

static void
escapes_what_it_quotes(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_JUNIT, &out);
    assert_lacks(text, "<script");
    assert_lacks(text, "\x1b");
    assert_has(text, "testsuite name=\"Acme &lt;b&gt;&amp;&quot;| Ltd prod\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_each_check),
        cmocka_unit_test(escapes_what_it_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
