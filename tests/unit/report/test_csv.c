#include "sample.h"

static void
guards_against_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *value, *cell;
    } cases[] = {
        {"plain",      ",plain,"             },
        {"=1+1",       ",\"'=1+1\","         },
        {"+1",         ",\"'+1\","           },
        {"-1",         ",\"'-1\","           },
        {"@SUM(A1)",   ",\"'@SUM(A1)\","     },
        {"\t=1",       ",\"'\t=1\","         },
        {"\r=1",       ",\"'\r=1\","         },
        {"a,b",        ",\"a,b\","           },
        {"say \"hi\"", ",\"say \"\"hi\"\"\","},
        {"two\nlines", ",\"two\nlines\","    },
        {"=\"x\"",     ",\"'=\"\"x\"\"\","   },
        {"1=1",        ",1=1,"               },
    };
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        sample_results[0].observed = cases[i].value;
        assert_has(sample_render(&s.report, RDT_FORMAT_CSV, &out), cases[i].cell);
    }
    sample_results[0].observed = FORMULA;
}

static void
has_a_row_for_each_control(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    const char *text = sample_render(&s.report, RDT_FORMAT_CSV, &out);
    /* header, and 6 findings with two controls each; the hostile one has no line break */
    assert_int_equal(sample_occurs(text, "\r\n"), 1 + 12);
    assert_has(text, "2026-11-24T10:00:00Z,prod,gdpr@2016:32(1)(a),R-DRIFT,A thing drifts,high,"
                     "flows.web,critical,drift,A0,web accepts tls1.0,tls1.0,tls1.3,dir/plan.yaml,"
                     "25,60,Mend R-DRIFT,\r\n");
    s.report.all = true;
    text = sample_render(&s.report, RDT_FORMAT_CSV, &out);
    assert_int_equal(sample_occurs(text, "\r\n"), 1 + 22);
}

static void
gives_the_whole_population_of_a_control(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    sample_open(&s);
    s.report.framework = "soc2";
    const char *text = sample_render(&s.report, RDT_FORMAT_CSV, &out);
    /* header; CC6.1: one fail and four passes; CC6.7: four passes; two controls without rules */
    assert_int_equal(sample_occurs(text, "\r\n"), 1 + 5 + 4 + 2);
    assert_has(text, "SOC 2 (2022),CC6.1,Keys & <data>,not met,covers,R-FAIL");
    assert_has(text, "SOC 2 (2022),A1.2,Nobody shows it,unproven,,,");
    /* every row has as many cells as the header: none of these values holds a comma */
    const char *line = strstr(text, "SOC 2 (2022),A1.2");
    size_t commas = 0;
    while (line > text && line[-1] != '\n')
        line--;
    for (; *line != '\r'; line++)
        commas += *line == ',';
    assert_int_equal(commas, 21);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_against_formulas),
        cmocka_unit_test(has_a_row_for_each_control),
        cmocka_unit_test(gives_the_whole_population_of_a_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
