#include "codec/json.h"
#include "probe/kms_internal.h"

#include "../test.h"

static struct rdt_node *
tree(struct rdt_evidence *out, const char *text)
{
    struct rdt_node *node = NULL;
    struct rdt_err err = {0};
    if (rdt_json_parse("t", rdt_span_str(text), &out->arena, &node, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return node;
}

/* The value of a fact as JSON, or why there is none. */
static void
assert_fact(const struct rdt_evidence *seen, const char *fact, const char *want)
{
    RDT_BUF got = {0};
    const struct rdt_observation *o = rdt_evidence_find(seen, "s", fact);
    assert_non_null(o);
    if (o->value != NULL)
        rdt_json_node(&got, o->value, 0);
    else
        rdt_buf_str(&got, o->unknown);
    assert_string_equal(rdt_buf_cstr(&got), want);
}

static const struct rdt_kms_owner owner = {"p", "dev"};

/* A key with another's tags is not ours, whatever its alias; one without tags may be. */
static void
test_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool foreign;
    } cases[] = {
        {"{\"Tags\":[]}",                                                         false},
        {"{\"Tags\":[{\"TagKey\":\"redoubt:env\",\"TagValue\":\"dev\"}]}",        false},
        {"{\"Tags\":[{\"TagKey\":\"redoubt:env\",\"TagValue\":\"prod\"}]}",       true },
        {"{\"Tags\":[{\"TagKey\":\"redoubt:plan\",\"TagValue\":\"q\"}]}",         true },
        {"{\"Tags\":[{\"TagKey\":\"x\"},{\"TagKey\":\"redoubt:plan\"}]}",         true },
        {"{\"Tags\":[{\"TagKey\":\"redoubt:level\",\"TagValue\":\"critical\"}]}", false},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        struct rdt_node *answer = tree(&seen, cases[i].answer);
        assert_int_equal(rdt_kms_key_facts(&seen, "s", &owner, answer, rdt_span_str("")), RDT_OK);
        assert_int_equal(
            rdt_node_true(rdt_evidence_find(&seen, "s", "key.exists")->value, "foreign"),
            cases[i].foreign);
    }
}

static void
test_key(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *exists, *rotated, *custody;
    } cases[] = {
        {"{\"KeyId\":\"k\",\"KeyState\":\"Enabled\",\"Suspended\":false,\"CurrentVersion\":3,"
         "\"LastRotationDate\":1795478400.5,\"RotationPeriodInDays\":90,\"NextRotationDate\":"
         "1803254400,\"Custody\":\"hsm\"}",                                         "{\"found\":true,\"id\":\"k\",\"state\":\"Enabled\",\"suspended\":false,\"foreign\":"
         "false}",                                                                                 "{\"last\":20781,\"every\":90,\"next\":20871,\"version\":3}", "{\"seal\":\"hsm\"}"                    },
        {"{\"KeyId\":\"k\",\"KeyState\":\"PendingDeletion\",\"Suspended\":true,\"DeletionDate\":"
         "1795478400,\"LastRotationDate\":1795478399,\"Custody\":\"development\"}", "{\"found\":true,\"id\":\"k\",\"state\":\"PendingDeletion\",\"suspended\":true,"
         "\"deletion\":20781,\"foreign\":false}",          "{\"last\":20780,\"every\":0}",                               "{\"seal\":\"development\"}"            },
        {"{}",                                                                               "{\"found\":true,\"suspended\":false,\"foreign\":false}",
         "the key service names no day of the current version",                                                                                                                                                      "the key service does not name its seal"},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        struct rdt_span raw = rdt_span_str(cases[i].answer);
        assert_int_equal(rdt_kms_key_facts(&seen, "s", &owner, tree(&seen, cases[i].answer), raw),
                         RDT_OK);
        assert_fact(&seen, "key.exists", cases[i].exists);
        assert_fact(&seen, "key.rotated", cases[i].rotated);
        assert_fact(&seen, "key.custody", cases[i].custody);
    }
}

static void
test_policy(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"Callers\":[],\"Truncated\":false}",
         "{\"administer\":[],\"use\":[],\"read\":[],\"both\":[]}"                                                                                                                        },
        {"{\"Callers\":[{\"Principal\":\"a\",\"Administers\":true,\"Uses\":false,\"Reads\":false},"
         "{\"Principal\":\"b\",\"Administers\":true,\"Uses\":true,\"Reads\":true},"
         "{\"Principal\":\"c\",\"Administers\":false,\"Uses\":true,\"Reads\":false}]}", "{\"administer\":[\"a\",\"b\"],\"use\":[\"b\",\"c\"],\"read\":[\"b\"],\"both\":[\"b\"]}"},
        {"{\"Callers\":[{\"Principal\":\"a\",\"Reads\":true}],\"Truncated\":true}",
         "more principals than the key service lists"                                                                                                                                    },
        {"{}",                                                                                   "the key service lists no callers"                                                      },
        {"{\"Callers\":{}}",                                                                     "the key service lists no callers"                                                      },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        struct rdt_span raw = rdt_span_str(cases[i][0]);
        assert_int_equal(rdt_kms_policy_fact(&seen, "s", tree(&seen, cases[i][0]), raw), RDT_OK);
        assert_fact(&seen, "key.policy", cases[i][1]);
    }
}

/* What the service does not tell is not made up: no zero where a number is missing. */
static void
test_site(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"Development\":true,\"Custody\":\"development\",\"Quorum\":2,\"Approvers\":0,"
         "\"WaitingDays\":30,\"ClockBlocked\":true,\"ClockReason\":\"it went back\",\"Keys\":7,"
         "\"KeysPendingDeletion\":1,\"Principals\":9,\"OpenApprovals\":0,\"OpenReviews\":2}", "{\"development\":true,\"custody\":\"development\",\"quorum\":2,\"approvers\":0,"
         "\"waiting\":30,\"clock_blocked\":true,\"clock_reason\":\"it went back\",\"keys\":7,"
         "\"pending_deletion\":1,\"principals\":9,\"open_approvals\":0,\"open_reviews\":2}"},
        {"{\"Quorum\":2}",                                                                             "{\"development\":false,\"quorum\":2,\"clock_blocked\":false}"                            },
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        struct rdt_span raw = rdt_span_str(cases[i][0]);
        assert_int_equal(rdt_kms_site_fact(&seen, "s", tree(&seen, cases[i][0]), raw), RDT_OK);
        assert_fact(&seen, "kms.site", cases[i][1]);
    }
}

static void
test_none(void **state)
{
    (void)state;
    static const char *const facts[] = {RDT_KMS_KEY_FACTS};
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence absent = {0};
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence unknown = {0};
    assert_int_equal(rdt_kms_key_absent(&absent, "s", rdt_span_str("raw")), RDT_OK);
    assert_int_equal(rdt_kms_key_unknown(&unknown, "s", "no answer"), RDT_OK);
    assert_int_equal(absent.n, RDT_COUNT(facts));
    assert_int_equal(unknown.n, RDT_COUNT(facts));
    assert_fact(&absent, "key.exists", "{\"found\":false}");
    for (size_t i = 0; i < RDT_COUNT(facts); i++) {
        assert_fact(&unknown, facts[i], "no answer");
        if (i != 0)
            assert_fact(&absent, facts[i], "the key service has no such key");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),  cmocka_unit_test(test_foreign), cmocka_unit_test(test_policy),
        cmocka_unit_test(test_site), cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("probe/kms_facts", tests, NULL, NULL);
}
