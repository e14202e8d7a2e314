#include "report/report.h"

#include "sample.h"

static void
names_formats(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum rdt_format want;
    } cases[] = {
        {"text",     RDT_FORMAT_TEXT       },
        {"json",     RDT_FORMAT_JSON       },
        {"sarif",    RDT_FORMAT_SARIF      },
        {"junit",    RDT_FORMAT_JUNIT      },
        {"csv",      RDT_FORMAT_CSV        },
        {"html",     RDT_FORMAT_HTML       },
        {"template", RDT_FORMAT_TEMPLATE_MD},
        {"stored",   RDT_NFORMATS          }, /* for keeping runs only */
        {"JSON",     RDT_NFORMATS          },
        {"",         RDT_NFORMATS          },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_format_parse(cases[i].word), cases[i].want);
    assert_string_equal(rdt_format_ending(RDT_FORMAT_JUNIT), "xml");
    assert_string_equal(rdt_format_word(RDT_NFORMATS), "?");
}

static void
finds_frameworks(void **state)
{
    (void)state;
    SAMPLE s;
    sample_open(&s);
    assert_ptr_equal(rdt_report_framework(&s.run, "soc2"), &sample_frameworks[1]);
    assert_ptr_equal(rdt_report_framework(&s.run, "soc2@2017"), &sample_frameworks[0]);
    assert_ptr_equal(rdt_report_framework(&s.run, "gdpr"), &sample_frameworks[2]);
    assert_null(rdt_report_framework(&s.run, "soc2@2019"));
    assert_null(rdt_report_framework(&s.run, "soc"));
    /* the chosen edition goes before the default one */
    sample_frameworks[0].chosen = true;
    sample_frameworks[1].chosen = false;
    assert_ptr_equal(rdt_report_framework(&s.run, "soc2"), &sample_frameworks[0]);
    sample_frameworks[0].chosen = false;
    sample_frameworks[1].chosen = true;
}

static void
refuses_an_unknown_framework(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    sample_open(&s);
    s.report.framework = "pci";
    for (unsigned f = 0; f < RDT_NFORMATS; f++) {
        assert_int_equal(rdt_report_render(&s.report, f, &out, &err), RDT_E_NOTFOUND);
        assert_string_equal(err.hint, "there are soc2@2017, soc2@2022, gdpr@2016");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_formats),
        cmocka_unit_test(finds_frameworks),
        cmocka_unit_test(refuses_an_unknown_framework),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
