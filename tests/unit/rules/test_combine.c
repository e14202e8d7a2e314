#include "rules/child_internal.h"

#include "../test.h"

#define PLAN RDT_BY_PLAN
#define LIVE RDT_BY_LIVE
#define HUMAN RDT_BY_HUMAN
#define LOADER RDT_BY_LOADER

/* docs/guides/rules.md, "how the two become one verdict". */
static const struct {
    enum rdt_outcome outcome;
    enum rdt_stage stage;
    unsigned level, decided;
    enum rdt_verdict want;
} cases[] = {
    {RDT_OUT_PASS,       RDT_STAGE_CHECK, 0, PLAN,            RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_CHECK, 0, PLAN | LIVE,     RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_CHECK, 0, LOADER,          RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_CHECK, 0, LIVE,            RDT_UNOBSERVED},
    {RDT_OUT_PASS,       RDT_STAGE_CHECK, 0, HUMAN,           RDT_UNOBSERVED},
    {RDT_OUT_FAIL,       RDT_STAGE_CHECK, 0, PLAN,            RDT_FAIL      },
    {RDT_OUT_NA,         RDT_STAGE_CHECK, 0, PLAN | LIVE,     RDT_NA        },
    {RDT_OUT_UNKNOWN,    RDT_STAGE_CHECK, 0, PLAN,            RDT_UNKNOWN   },
    {RDT_OUT_UNOBSERVED, RDT_STAGE_CHECK, 0, LIVE,            RDT_UNOBSERVED},
    {RDT_OUT_ERROR,      RDT_STAGE_CHECK, 0, PLAN,            RDT_UNKNOWN   },
    {RDT_OUT_PASS,       RDT_STAGE_LIVE,  3, PLAN | LIVE,     RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_LIVE,  4, LIVE,            RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_LIVE,  2, RDT_BY_SNAPSHOT, RDT_PASS      },
    {RDT_OUT_PASS,       RDT_STAGE_LIVE,  0, LIVE,            RDT_UNOBSERVED}, /* nothing was looked at */
    {RDT_OUT_PASS,       RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_PASS      },
    {RDT_OUT_FAIL,       RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_DRIFT     },
    {RDT_OUT_NA,         RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_PASS      },
    {RDT_OUT_NA,         RDT_STAGE_LIVE,  0, LIVE,            RDT_NA        },
    {RDT_OUT_UNKNOWN,    RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_UNKNOWN   },
    {RDT_OUT_UNOBSERVED, RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_UNOBSERVED},
    {RDT_OUT_ERROR,      RDT_STAGE_LIVE,  0, PLAN | LIVE,     RDT_UNKNOWN   },
};

static void
verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_wire_result r = {.outcome = (uint8_t)cases[i].outcome,
                                    .stage = (uint8_t)cases[i].stage,
                                    .level = (uint8_t)cases[i].level};
        enum rdt_verdict got = rdt_combine_plain(&r, cases[i].decided);
        if (got != cases[i].want)
            fail_msg("case %zu: %s", i, rdt_verdict_name(got));
    }
}

/* Whatever a child sends, a pass needs an outcome that says pass or, live, that nothing applies. */
static void
nothing_else_passes(void **state)
{
    (void)state;
    for (unsigned outcome = 0; outcome < 256; outcome++) {
        for (unsigned decided = 1; decided < 32; decided++) {
            struct rdt_wire_result r = {.outcome = (uint8_t)outcome, .level = RDT_A4};
            if (outcome != RDT_OUT_PASS)
                assert_int_not_equal(rdt_combine_plain(&r, decided), RDT_PASS);
            r.stage = RDT_STAGE_LIVE;
            if (outcome != RDT_OUT_PASS && outcome != RDT_OUT_NA)
                assert_int_not_equal(rdt_combine_plain(&r, decided), RDT_PASS);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(nothing_else_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
