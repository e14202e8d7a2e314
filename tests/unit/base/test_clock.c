#include "base/clock.h"

#include "../test.h"

static void
dates(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t days;
    } cases[] = {
        {"1970-01-01",  true,  0      },
        {"2000-02-29",  true,  11016  },
        {"2026-11-24",  true,  20781  },
        {"9999-12-31",  true,  2932896},
        {"2026-02-29",  false, 0      },
        {"2026-13-01",  false, 0      },
        {"2026-00-10",  false, 0      },
        {"2026-1-01",   false, 0      },
        {"1969-12-31",  false, 0      },
        {"2026-11-24x", false, 0      },
        {"",            false, 0      },
        {"2026/11/24",  false, 0      },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t days = -1;
        char back[RDT_DATE_TEXT];
        assert_int_equal(rdt_date_parse(rdt_span_str(cases[i].text), &days), cases[i].ok);
        if (!cases[i].ok)
            continue;
        assert_int_equal(days, cases[i].days);
        rdt_date_text(days, back);
        assert_string_equal(back, cases[i].text);
    }
}

static void
stamps(void **state)
{
    int64_t s = 0;
    char back[RDT_STAMP_TEXT];
    (void)state;
    assert_true(rdt_stamp_parse(rdt_span_str("2026-11-24T10:15:30Z"), &s));
    rdt_stamp_text(s, back);
    assert_string_equal(back, "2026-11-24T10:15:30Z");
    assert_true(rdt_stamp_parse(rdt_span_str("2026-11-24"), &s));
    assert_int_equal(s, INT64_C(20781) * RDT_DAY_S);
    assert_false(rdt_stamp_parse(rdt_span_str("2026-11-24T24:00:00Z"), &s));
    assert_false(rdt_stamp_parse(rdt_span_str("2026-11-24 10:15:30Z"), &s));
    assert_false(rdt_stamp_parse(rdt_span_str("2026-11-24T10:15:30"), &s));
}

static void
durations(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double days;
    } cases[] = {
        {"90d",      true,  90 },
        {"24h",      true,  1  },
        {"2w",       true,  14 },
        {"1y",       true,  365},
        {"0d",       true,  0  },
        {"d",        false, 0  },
        {"90",       false, 0  },
        {"90m",      false, 0  },
        {"-1d",      false, 0  },
        {"9.5d",     false, 0  },
        {"1234567d", false, 0  },
        {"",         false, 0  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double days = -1;
        assert_int_equal(rdt_duration_parse(rdt_span_str(cases[i].text), &days), cases[i].ok);
        if (cases[i].ok)
            assert_true(days > cases[i].days - 1e-9 && days < cases[i].days + 1e-9);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(stamps),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
