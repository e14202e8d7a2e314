#include "codec/hsts.h"

#include "../test.h"

/* RFC 6797 section 6.1 and its examples of 6.2; what browsers ignore must be ignored whole. */
static const struct {
    const char *source, *value;
    enum rdt_code want;
    struct rdt_hsts hsts;
} cases[] = {
    {"6.2, first",                      "max-age=31536000",                     RDT_OK,         {31536000, false, false}        },
    {"6.2, second",                     "max-age=15768000 ; includeSubDomains", RDT_OK,         {15768000, true, false}         },
    {"6.2, quoted",                     "max-age=\"31536000\"",                 RDT_OK,         {31536000, false, false}        },
    {"6.2, zero",                       "max-age=0; includeSubDomains",         RDT_OK,         {0, true, false}                },
    {"order",                           "includeSubDomains; max-age=7",         RDT_OK,         {7, true, false}                },
    {"case of names",                   "MAX-AGE=7;INCLUDESUBDOMAINS;Preload",  RDT_OK,         {7, true, true}                 },
    {"space everywhere",                " \tmax-age = \"7\" ; preload\t",       RDT_OK,         {7, false, true}                },
    {"empty directives",                ";;max-age=7;;",                        RDT_OK,         {7, false, false}               },
    {"unknown directives",              "max-age=7; x; y=z; q=\"a;b\\\"c\"",    RDT_OK,         {7, false, false}               },
    {"preload with a value is unknown", "max-age=7; preload=1",                 RDT_OK,         {7, false, false}               },
    {"leading zeros",                   "max-age=007",                          RDT_OK,         {7, false, false}               },
    {"huge",                            "max-age=99999999999999999999999",      RDT_OK,         {RDT_HSTS_AGE_MAX, false, false}},

    {"empty",                           "",                                     RDT_E_BADINPUT, {0}                             },
    {"no max-age",                      "includeSubDomains",                    RDT_E_BADINPUT, {0}                             },
    {"no value",                        "max-age",                              RDT_E_BADINPUT, {0}                             },
    {"empty value",                     "max-age=",                             RDT_E_BADINPUT, {0}                             },
    {"empty quotes",                    "max-age=\"\"",                         RDT_E_BADINPUT, {0}                             },
    {"negative",                        "max-age=-1",                           RDT_E_BADINPUT, {0}                             },
    {"fraction",                        "max-age=1.5",                          RDT_E_BADINPUT, {0}                             },
    {"letters",                         "max-age=1y",                           RDT_E_BADINPUT, {0}                             },
    {"space in quotes",                 "max-age=\" 7\"",                       RDT_E_BADINPUT, {0}                             },
    {"open quote",                      "max-age=\"7",                          RDT_E_BADINPUT, {0}                             },
    {"escaped end",                     "max-age=7; x=\"a\\\"",                 RDT_E_BADINPUT, {0}                             },
    {"max-age twice",                   "max-age=31536000; max-age=0",          RDT_E_BADINPUT, {0}                             },
    {"includeSubDomains twice",
     "max-age=7; includeSubDomains; includesubdomains",                         RDT_E_BADINPUT,
     {0}                                                                                                                        },
    {"includeSubDomains=false",         "max-age=7; includeSubDomains=false",   RDT_E_BADINPUT, {0}                             },
    {"joined with a comma",             "max-age=31536000, max-age=0",          RDT_E_BADINPUT, {0}                             },
    {"comma for semicolon",             "max-age=7, includeSubDomains",         RDT_E_BADINPUT, {0}                             },
    {"two words",                       "max-age=7 includeSubDomains",          RDT_E_BADINPUT, {0}                             },
    {"no name",                         "=7; max-age=7",                        RDT_E_BADINPUT, {0}                             },
    {"not ASCII",                       "max-age=7; \xc3\xa4",                  RDT_E_BADINPUT, {0}                             },
};

static void
headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_hsts h = {-1, true, true};
        struct rdt_err err = {0};
        enum rdt_code rc = rdt_hsts_parse(rdt_span_str(cases[i].value), &h, &err);
        if (rc != cases[i].want)
            fail_msg("%s: got %d", cases[i].source, rc);
        if (rc != RDT_OK) {
            assert_int_equal(h.max_age_s, -1); /* left alone */
            assert_string_not_equal(err.text, "");
            continue;
        }
        if (h.max_age_s != cases[i].hsts.max_age_s || h.subdomains != cases[i].hsts.subdomains ||
            h.preload != cases[i].hsts.preload)
            fail_msg("%s: got %lld %d %d", cases[i].source, (long long)h.max_age_s, h.subdomains,
                     h.preload);
    }
}

/* A NUL is a byte like any other that does not belong there. */
static void
nul_byte(void **state)
{
    static const uint8_t bytes[] = "max-age=7;\0";
    struct rdt_hsts h;
    (void)state;
    assert_int_equal(rdt_hsts_parse((struct rdt_span){bytes, 11}, &h, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_hsts_parse((struct rdt_span){bytes, 10}, &h, NULL), RDT_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(nul_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
