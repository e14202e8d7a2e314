#include "net/tls.h"

#include "../test.h"

#include <string.h>

/* What an answer proves: STYLE, "nothing passes by assumption". */
static const struct {
    const char *what;
    struct rdt_tls_answer answer;
    enum rdt_tls_version asked;
    bool alive;
    enum rdt_tls_verdict want;
    const char *why; /* part of the reason */
} cases[] = {
    {"handshake",
     {.offered = true, .version = 0x0303, .end = RDT_TLS_END_DONE, .suite = "X"},
     RDT_TLS1_2,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "X"                   },
    {"agreed, then wanted our certificate",
     {.offered = true, .version = 0x0301, .end = RDT_TLS_END_ALERT, .alert = 40},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "agreed"              },
    {"agreed, then silence",
     {.offered = true, .version = 0x0302, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_1,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "agreed"              },
    {"another version",
     {.offered = true, .version = 0x0303, .end = RDT_TLS_END_FAILED},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "tls1.2"              },
    {"protocol_version",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 70},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "protocol_version"    },
    {"handshake_failure",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 40},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "handshake_failure"   },
    {"internal_error",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 80},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "internal_error"      },
    {"internal_error, alive",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 80},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_REFUSED,                                                                                                      "internal_error"      },
    {"unknown name, alive",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 112},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "unrecognized_name"   },
    {"closed",
     {.offered = true, .end = RDT_TLS_END_CLOSED},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "closed"              },
    {"closed, alive",
     {.offered = true, .end = RDT_TLS_END_CLOSED},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_REFUSED,                                                                                                      "closed"              },
    {"silence",
     {.offered = true, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "in time"             },
    {"silence, alive",
     {.offered = true, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "in time"             },
    {"no TLS",
     {.offered = true, .end = RDT_TLS_END_FAILED, .detail = "wrong version number"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "wrong version number"},
    {"not offered",
     {.end = RDT_TLS_END_FAILED, .detail = "no protocols"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "cannot offer tls1.0" },
    {"not offered, alert",
     {.end = RDT_TLS_END_ALERT, .alert = 70},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "cannot offer tls1.0" },
    {"not reached",
     {.end = RDT_TLS_END_UNREACHED, .detail = "10.0.0.1: refused"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "10.0.0.1: refused"   },
    {"nothing",                             {0},                                     RDT_TLS1_0, true,  RDT_TLS_UNDECIDED, ""                    },
};

static void
judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char why[RDT_TLS_WHY_MAX] = "";
        enum rdt_tls_verdict got =
            rdt_tls_judge(&cases[i].answer, cases[i].asked, cases[i].alive, why);
        if (got != cases[i].want || strstr(why, cases[i].why) == NULL)
            fail_msg("%s: got %s, %s", cases[i].what, rdt_tls_verdict_name(got), why);
    }
}

static void
names(void **state)
{
    (void)state;
    assert_string_equal(rdt_tls_version_name(RDT_TLS1_0), "tls1.0");
    assert_string_equal(rdt_tls_version_name(RDT_TLS1_3), "tls1.3");
    assert_string_equal(rdt_tls_verdict_name(RDT_TLS_UNDECIDED), "undecided");
}

static void
empty_answer(void **state)
{
    struct rdt_tls_answer answer = {0};
    struct rdt_span chain[RDT_CERT_CHAIN_MAX];
    (void)state;
    assert_int_equal(rdt_tls_chain(&answer, chain), 0);
    rdt_tls_answer_done(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(names),
        cmocka_unit_test(empty_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
