#include "sample.h"

static void
comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const frameworks[] = {NULL, "soc2", "gdpr@2016"};
    SAMPLE s;
    RDT_BUF stored = {0}, before = {0}, after = {0};
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *back = NULL;
    struct rdt_err err = {0};
    sample_open(&s);
    sample_render(&s.report, RDT_FORMAT_STORED, &stored);
    if (rdt_run_load("run.json", rdt_buf_span(&stored), &back, &err) != RDT_OK)
        fail_msg("%s", err.text);
    struct rdt_report again = {.run = rdt_stored_run(back),
                               .plan = rdt_stored_plan(back),
                               .evidence = rdt_stored_evidence(back)};
    for (size_t i = 0; i < RDT_COUNT(frameworks) * 2; i++) {
        s.report.framework = again.framework = frameworks[i / 2];
        s.report.all = again.all = i % 2 == 1;
        for (unsigned f = 0; f < RDT_NFORMATS; f++) {
            const char *was = sample_render(&s.report, f, &before);
            const char *is = sample_render(&again, f, &after);
            if (strcmp(is, was) != 0) {
                size_t n = 0;
                while (is[n] == was[n])
                    n++;
                n = n < 40 ? 0 : n - 40;
                fail_msg("%s differs: %.80s / %.80s", rdt_format_word(f), was + n, is + n);
            }
        }
    }
    before.n = after.n = 0;
    rdt_map_dot(s.plan, &s.run, &before);
    rdt_map_dot(again.plan, again.run, &after);
    assert_string_equal(rdt_buf_cstr(&after), rdt_buf_cstr(&before));
}

static void
comes_back_without_observations(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF stored = {0}, after = {0};
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *back = NULL;
    sample_open(&s);
    s.report.evidence = NULL;
    s.run.env = NULL;
    const char *was = sample_render(&s.report, RDT_FORMAT_STORED, &stored);
    assert_int_equal(rdt_run_load("run.json", rdt_buf_span(&stored), &back, NULL), RDT_OK);
    struct rdt_report again = {.run = rdt_stored_run(back), .plan = rdt_stored_plan(back)};
    assert_null(again.run->env);
    assert_string_equal(sample_render(&again, RDT_FORMAT_STORED, &after), was);
}

/* One change to a good document each: what must be refused, and which member is named. */
static const struct {
    const char *from, *to, *named;
} damages[] = {
    {"\"redoubt\":1,",                    "\"redoubt\":2,",                           "redoubt"      },
    {"\"time\":\"2026-11-24T10:00:00Z\"", "\"time\":\"soon\"",                        "time"         },
    {"\"live\":true",                     "\"live\":1",                               "live"         },
    {"\"fail\":1,",                       "\"fail\":2,",                              "summary"      },
    {"\"fail\":1,",                       "\"fail\":-1,",                             "fail"         },
    {"\"fail\":1,",                       "\"fail\":1e300,",                          "fail"         },
    {"\"unknown\":1,",                    "\"unknown\":0,",                           "summary"      },
    {"\"rule\":\"R-FAIL\"",               "\"rule\":\"R-OTHER\"",                     "rule"         },
    {"\"subject\":\"stores.db\"",         "\"subject\":\"stores.no\"",                "subject"      },
    {"\"verdict\":\"drift\"",             "\"verdict\":\"fine\"",                     "verdict"      },
    {"\"severity\":\"critical\"",         "\"severity\":7",                           "severity"     },
    {"\"assurance\":\"A0\"",              "\"assurance\":\"A9\"",                     "assurance"    },
    {"\"before\":\"fail\",",              "",                                         "before"       },
    {"\"line\":22",                       "\"line\":99999999999",                     "line"         },
    {"\"source\":[]",                     "\"source\":[[]]",                          "source"       },
    {"\"evidence\":[]",                   "\"evidence\":{}",                          "evidence"     },
    {"\"subjects\":[\"stores.db\",",      "\"subjects\":[3,",                         "subjects"     },
    {"\"id\":\"R-DRIFT\"",                "\"id\":\"R-FAIL\"",                        "rules"        },
    {"\"id\":\"stores.copy\"",            "\"id\":\"stores.db\"",                     "subjects"     },
    {"\"level\":\"critical\"",            "\"level\":\"grave\"",                      "level"        },
    {"\"strength\":\"covers\"",           "\"strength\":\"hints\"",                   "strength"     },
    {"\"state\":\"met\"",                 "\"state\":\"good\"",                       "state"        },
    {"\"unknown\":\"timed out\",",        "",                                         "value"        },
    {"\"raw\":\"asked",                   "\"raw\":\"Asked",                          "sha256"       },
    {"\"sha256\":\"",                     "\"sha256\":\"0",                           "sha256"       },
    {"\"grouped\":[",                     "\"groups\":[",                             "grouped"      },
    {"\"plan_document\":{",               "\"plan_documents\":{",                     "plan_document"},
    {"\"plan_document\":{",               "\"plan_document\":{\"include\":[\"/x\"],",
     "'plan_document' is missing"                                                                    },
    {"\"kind\":\"postgres\"",             "\"kind\":\"shoebox\"",                     "plan_document"},
    {"\"environments\":{\"prod\"",        "\"environments\":{\"test\"",               "plan_document"},
    {"\"rows\":[",                        "\"rows\":[3,",                             "id"           },
};

static void
replace(struct rdt_buf *out, const char *text, const char *from, const char *to)
{
    const char *found = strstr(text, from);
    if (found == NULL)
        fail_msg("not in the document: %s", from);
    out->n = 0;
    rdt_buf_add(out, text, (size_t)(found - text));
    rdt_buf_str(out, to);
    rdt_buf_str(out, found + strlen(from));
}

static void
refuses_what_was_touched(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF stored = {0}, damaged = {0};
    sample_open(&s);
    const char *good = sample_render(&s.report, RDT_FORMAT_STORED, &stored);
    for (size_t i = 0; i < RDT_COUNT(damages); i++) {
        RDT_AUTO(rdt_stored_close_at) struct rdt_stored *back = NULL;
        struct rdt_err err = {0};
        replace(&damaged, good, damages[i].from, damages[i].to);
        enum rdt_code rc = rdt_run_load("run.json", rdt_buf_span(&damaged), &back, &err);
        if (rc == RDT_OK)
            fail_msg("taken for good: %s -> %s", damages[i].from, damages[i].to);
        assert_true(rc == RDT_E_BADINPUT || rc == RDT_E_NOTFOUND);
        assert_null(back);
        assert_has(err.text, damages[i].named);
        assert_has(err.text, "run.json");
    }
}

static void
refuses_every_truncation(void **state)
{
    (void)state;
    SAMPLE s;
    RDT_BUF stored = {0};
    sample_open(&s);
    sample_render(&s.report, RDT_FORMAT_STORED, &stored);
    for (size_t n = 0; n + 2 < stored.n; n += n < 64 ? 1 : 97) { /* "}\n" may lose its newline */
        struct rdt_stored *back = NULL;
        struct rdt_span cut = {stored.p, n};
        assert_int_equal(rdt_run_load("run.json", cut, &back, NULL), RDT_E_BADINPUT);
        assert_null(back);
    }
}

static void
refuses_other_documents(void **state)
{
    (void)state;
    static const char *const others[] = {
        "", "{}", "[]", "null", "\"run\"", "{\"redoubt\":1}", "{\"redoubt\":1,\"run\":[]}"};
    for (size_t i = 0; i < RDT_COUNT(others); i++) {
        struct rdt_stored *back = NULL;
        assert_int_equal(rdt_run_load("x", rdt_span_str(others[i]), &back, NULL), RDT_E_BADINPUT);
        assert_null(back);
    }
    rdt_stored_close(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(comes_back_without_observations),
        cmocka_unit_test(refuses_what_was_touched),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_other_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
