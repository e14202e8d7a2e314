#include "kms/audit_json.h"

#include "../test.h"
#include "codec/json.h"
#include "kms/model.h"

#include <string.h>

static const struct rdt_audit_site site = {"000000000000", "local-1"};

static struct rdt_buf pairs, parameters;

static struct rdt_audit_record
sample(void)
{
    struct rdt_audit_record record = {
        .type = RDT_AUDIT_CALL,
        .time_ms = 1795516248298,
        .id = {0xd5, 0x7b, 1, [15] = 9},
        .operation = (char *)"Encrypt",
        .principal = {7, [15] = 7},
        .caller = (char *)"arn:aws:iam::000000000000:user/bob",
        .credential = (char *)"RDTA1",
        .source = (char *)"127.0.0.1",
        .key = {1, [15] = 1},
        .context = {pairs.p, pairs.n},
    };
    return record;
}

static struct rdt_node *
cloudtrail(const struct rdt_audit_record *record, uint64_t index, struct rdt_arena *arena)
{
    RDT_BUF out = {0};
    struct rdt_node *tree = NULL;
    rdt_audit_cloudtrail(record, index, &site, &out);
    assert_true(rdt_buf_ok(&out));
    assert_int_equal(rdt_json_parse("t", rdt_buf_span(&out), arena, &tree, NULL), RDT_OK);
    return tree;
}

static int
set_up(void **state)
{
    (void)state;
    rdt_pairs_add(&pairs, rdt_span_str("tenant\"x"), rdt_span_str("0123456789abcdef"));
    rdt_pairs_add(&parameters, rdt_span_str("alias"), rdt_span_str("alias/pay"));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_buf_done(&pairs);
    rdt_buf_done(&parameters);
    return 0;
}

static void
test_own(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_audit_record record = sample();
    record.fault = (char *)"DisabledException";
    record.dry_run = 1;
    rdt_audit_json(&record, 12, &out);
    assert_string_equal(
        rdt_buf_cstr(&out),
        "{\"Index\":12,\"Time\":1795516248.298,\"Type\":\"call\",\"Operation\":\"Encrypt\","
        "\"RequestId\":\"d57b0100-0000-0000-0000-000000000009\","
        "\"Caller\":\"arn:aws:iam::000000000000:user/bob\",\"Credential\":\"RDTA1\","
        "\"Source\":\"127.0.0.1\",\"KeyId\":\"01000000-0000-0000-0000-000000000001\","
        "\"Context\":{\"tenant\\\"x\":\"0123456789abcdef\"},\"Fault\":\"DisabledException\","
        "\"DryRun\":true}");
    out.n = 0;
    record = (struct rdt_audit_record){.type = RDT_AUDIT_REFUSALS,
                                       .operation = (char *)"Refused",
                                       .reason = (char *)"x",
                                       .count = 3};
    rdt_audit_json(&record, 0, &out);
    assert_string_equal(rdt_buf_cstr(&out), "{\"Index\":0,\"Time\":0.000,\"Type\":\"refusals\","
                                            "\"Operation\":\"Refused\",\"Reason\":\"x\","
                                            "\"Count\":3}");
    out.n = 0;
    record = (struct rdt_audit_record){.type = 99};
    rdt_audit_json(&record, 1, &out);
    assert_string_equal(rdt_buf_cstr(&out), "{\"Index\":1,\"Time\":0.000,\"Type\":\"unknown\"}");
}

#define ARN(id) "arn:aws:kms:local-1:000000000000:key/" id

/* Member by member: what tools for CloudTrail look at. */
static const struct {
    const char *path, *want; /* NULL: not there */
} members[] = {
    {"eventVersion",             "1.08"                                     },
    {"eventTime",                "2026-11-24T10:30:48Z"                     },
    {"eventSource",              "kms.amazonaws.com"                        },
    {"eventName",                "Encrypt"                                  },
    {"awsRegion",                "local-1"                                  },
    {"sourceIPAddress",          "127.0.0.1"                                },
    {"userIdentity.type",        "IAMUser"                                  },
    {"userIdentity.arn",         "arn:aws:iam::000000000000:user/bob"       },
    {"userIdentity.accessKeyId", "RDTA1"                                    },
    {"userIdentity.userName",    "bob"                                      },
    {"requestParameters.keyId",  ARN("01000000-0000-0000-0000-000000000001")},
    {"errorCode",                NULL                                       },
    {"requestID",                "d57b0100-0000-0000-0000-000000000009"     },
    {"readOnly",                 "true"                                     },
    {"eventType",                "AwsApiCall"                               },
};

static void
test_cloudtrail(void **state)
{
    (void)state;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_audit_record record = sample();
    const struct rdt_node *tree = cloudtrail(&record, 12, &arena);
    for (size_t i = 0; i < RDT_COUNT(members); i++) {
        const char *got = rdt_node_str(tree, members[i].path);
        if (members[i].want == NULL)
            assert_null(got);
        else if (got == NULL || strcmp(got, members[i].want) != 0)
            fail_msg("%s: %s", members[i].path, got == NULL ? "not there" : got);
    }
    assert_int_equal(rdt_node_get(tree, "responseElements")->kind, RDT_NODE_NULL);
    const struct rdt_node *context = rdt_node_get(tree, "requestParameters.encryptionContext");
    assert_string_equal(rdt_node_text(rdt_node_member(context, rdt_span_str("tenant\"x"))->node),
                        "0123456789abcdef");
    const struct rdt_node *resource = rdt_node_get(tree, "resources")->members[0].node;
    assert_string_equal(rdt_node_str(resource, "ARN"), ARN("01000000-0000-0000-0000-000000000001"));
    /* the same record is the same event, another place another */
    const char *id = rdt_node_str(tree, "eventID");
    assert_string_equal(id, rdt_node_str(cloudtrail(&record, 12, &arena), "eventID"));
    assert_string_not_equal(id, rdt_node_str(cloudtrail(&record, 13, &arena), "eventID"));
}

static void
test_others(void **state)
{
    (void)state;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_audit_record record = sample();
    record.operation = (char *)"ReEncrypt";
    record.key2[0] = 2;
    const struct rdt_node *tree = cloudtrail(&record, 1, &arena);
    assert_string_equal(rdt_node_str(tree, "requestParameters.sourceKeyId"),
                        ARN("01000000-0000-0000-0000-000000000001"));
    assert_string_equal(rdt_node_str(tree, "requestParameters.destinationKeyId"),
                        ARN("02000000-0000-0000-0000-000000000000"));
    assert_int_equal(rdt_node_get(tree, "resources")->n, 2);
    record = sample();
    record.operation = (char *)"CreateAlias";
    record.parameters = (struct rdt_bytes){parameters.p, parameters.n};
    record.fault = (char *)"AlreadyExistsException";
    tree = cloudtrail(&record, 1, &arena);
    assert_string_equal(rdt_node_str(tree, "requestParameters.alias"), "alias/pay");
    assert_string_equal(rdt_node_str(tree, "errorCode"), "AlreadyExistsException");
    assert_false(rdt_node_true(tree, "readOnly"));
    record = (struct rdt_audit_record){.type = RDT_AUDIT_SYSTEM, .operation = (char *)"Tick"};
    tree = cloudtrail(&record, 1, &arena);
    assert_string_equal(rdt_node_str(tree, "userIdentity.type"), "AWSService");
    assert_string_equal(rdt_node_str(tree, "eventSource"), "redoubt");
    assert_false(rdt_node_true(tree, "readOnly"));
    record = (struct rdt_audit_record){.type = RDT_AUDIT_REFUSALS,
                                       .operation = (char *)"Refused",
                                       .reason = (char *)"InvalidSignatureException",
                                       .count = 41};
    tree = cloudtrail(&record, 1, &arena);
    assert_string_equal(rdt_node_str(tree, "userIdentity.type"), "Unknown");
    assert_true(rdt_node_number(tree, "additionalEventData.count", 0) > 40);
    record = (struct rdt_audit_record){.type = RDT_AUDIT_INTENT, .operation = (char *)"Destroy"};
    assert_true(rdt_node_true(cloudtrail(&record, 1, &arena), "additionalEventData.intent"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_cloudtrail),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests_name("kms/audit_json", tests, set_up, tear_down);
}
