#include "sample.h"

/* Columns of a line: characters, not bytes. */
static size_t
widest(const char *text)
{
    size_t most = 0, n = 0;
    for (; *text != '\0'; text++) {
        n = *text == '\n' ? 0 : n + ((*text & 0xC0) != 0x80);
        most = n > most ? n : most;
    }
    return most;
}

static void
answers_at_a_glance(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    static const char *const parts[] = {
        "(dir/plan.yaml, environment prod) on 2026-11-24: 2 things are\nwrong.",
        "!!!! fail R-FAIL on stores.db (critical)",
        "dir/plan.yaml:22:9, needs aes-256, has =cmd|",
        "fix: Mend R-FAIL",
        "!!!  drift R-DRIFT on flows.web (high)",
        "dir/plan.yaml:25:60, plan says tls1.3, seen tls1.0",
        "UNKNOWN 1: could not be decided, which is not a pass",
        "R-UNKNOWN on flows.sql: timed out after 5 s",
        "UNOBSERVED 2: the plan says yes, nothing has looked",
        "a probe or an attestation would show:",
        "R-UNOBSERVED           stores.db, stores.copy",
        "by EX-1, owner dana@acme.example, until 2027-03-31 (127 days left)",
        "10 checks: 1 fail, 1 drift, 1 unknown, 2 unobserved, 1 accepted, 4 pass, 1 n/a",
        "Coverage: 2 of 4 subjects observed. Passes: 2 declared, 1 attested, 1 exercised.",
        "Note: rule R-OFF is disabled: too loud",
        "Next: look at dir/plan.yaml:22:9 (R-FAIL on stores.db)",
    };
    for (size_t i = 0; i < RDT_COUNT(parts); i++)
        assert_has(text, parts[i]);
    assert_lacks(text, "R-PASS"); /* passes are listed only when asked for */
    assert_true(strstr(text, "FAIL 1") < strstr(text, "DRIFT 1"));
    assert_true(strstr(text, "DRIFT 1") < strstr(text, "UNKNOWN 1"));
}

static void
stays_within_its_width(void **state)
{
    (void)state;
    static const unsigned widths[] = {0, 60, 80, 100, 12};
    static const size_t wants[] = {80, 60, 80, 100, 60};
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    sample_results[0].message = "words and words and words and words and words and words and words "
                                "that go on and on, longer than any line may be";
    for (size_t i = 0; i < RDT_COUNT(widths); i++) {
        s.report.width = widths[i];
        s.report.all = true;
        const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
        if (widest(text) > wants[i])
            fail_msg("%zu columns, not %zu: %s", widest(text), wants[i], text);
    }
    sample_results[0].message = HOSTILE;
}

static void
colours_never_alone(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF plain = {0}, colored = {0}, stripped = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &plain);
    assert_null(strchr(text, '\x1b')); /* not from us, not from a server's words */
    assert_has(text, "?[31mred");
    s.report.color = true;
    const char *p = sample_render(&s.report, RDT_FORMAT_TEXT, &colored);
    assert_has(p, "\x1b[31m");
    while (*p != '\0') {
        if (*p == '\x1b')
            p = strchr(p, 'm') + 1;
        else
            rdt_buf_add(&stripped, p++, 1);
    }
    assert_string_equal(rdt_buf_cstr(&stripped), text);
}

static void
says_clean_in_one_line(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.run.results = &sample_results[5]; /* accepted, passes, n/a */
    s.run.n_results = 6;
    s.run.live = false;
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_has(text, "clean, 5");
    assert_has(text, "nothing fails.");
    assert_lacks(text, "FAIL");
    assert_lacks(text, "Next:");
}

/* A finding of severity info is no defect, and no silence either. */
static void
tells_remarks_from_defects(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    struct rdt_result remark = sample_results[0];
    remark.severity = RDT_INFO;
    s.run.results = &remark;
    s.run.n_results = 1;
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_has(text, "1 to know about");
    assert_lacks(text, "nothing fails");
}

static void
never_calls_the_undecided_clean(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.run.results = &sample_results[2];
    s.run.n_results = 1;
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_lacks(text, "clean");
    assert_has(text, "1 could not be decided");
    /* unobserved without probes: one line, and what to do */
    s.run.results = &sample_results[3];
    s.run.n_results = 2;
    s.run.live = false;
    sample_count(&s.run);
    text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_has(text, "UNOBSERVED 2:");
    assert_lacks(text, "would show");
    assert_has(text, "Next: redoubt verify --env prod dir/plan.yaml");
}

static void
bounds_what_it_lists(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.run.n_results = 500;
    s.run.results = calloc(s.run.n_results, sizeof *s.run.results);
    assert_non_null(s.run.results);
    for (size_t i = 0; i < s.run.n_results; i++)
        s.run.results[i] = sample_results[1];
    sample_count(&s.run);
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_int_equal(sample_occurs(text, "drift R-DRIFT"), 200);
    assert_has(text, "and 300 more: --all shows them");
    assert_int_equal(sample_occurs(text, "fix:"), 1); /* one rule, one fix */
    s.report.all = true;
    text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_int_equal(sample_occurs(text, "drift R-DRIFT"), 500);
    free(s.run.results);
}

static void
shows_one_framework(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.framework = "soc2";
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_has(text, "SOC 2 (2022): 1 met, 1 not met, 1 unproven, 1 n/a");
    assert_has(text, "NOT MET\n  CC6.1 Keys & <data>\n    R-FAIL fail\n");
    assert_has(text, "MET\n  CC6.7 Transit (id unverified)\n    R-PASS observed\n");
    assert_has(text, "no rule that would show it alone");
    assert_true(strstr(text, "NOT MET") < strstr(text, "UNPROVEN"));
}

/* However many rules stand before it, what breaks a control is named. */
static void
names_first_what_breaks(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    struct rdt_control_rule many[] = {
        {"R-HELP",   false, RDT_FAIL,       RDT_A0},
        {"R-1",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-2",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-3",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-4",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-5",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-6",      true,  RDT_UNOBSERVED, RDT_A0},
        {"R-BREAKS", true,  RDT_DRIFT,      RDT_A0},
    };
    struct rdt_control broken = {.id = "X.1",
                                 .title = "Many rules",
                                 .verified = true,
                                 .state = RDT_NOT_MET,
                                 .rules = many,
                                 .n_rules = RDT_COUNT(many)};
    sample_open(&s);
    struct rdt_framework f = {.id = "soc2",
                              .edition = "2022",
                              .title = "SOC 2",
                              .is_default = true,
                              .controls = &broken,
                              .n_controls = 1};
    s.run.frameworks = &f;
    s.run.n_frameworks = 1;
    s.report.framework = "soc2";
    const char *text = sample_render(&s.report, RDT_FORMAT_TEXT, &out);
    assert_has(text, "    R-BREAKS drift, R-1 unobserved,");
    assert_has(text, "2 more");
    assert_null(strstr(text, "R-HELP"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_at_a_glance),
        cmocka_unit_test(stays_within_its_width),
        cmocka_unit_test(colours_never_alone),
        cmocka_unit_test(says_clean_in_one_line),
        cmocka_unit_test(tells_remarks_from_defects),
        cmocka_unit_test(never_calls_the_undecided_clean),
        cmocka_unit_test(bounds_what_it_lists),
        cmocka_unit_test(shows_one_framework),
        cmocka_unit_test(names_first_what_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
