/* The key state matrix with all its columns, dry runs, what is not offered. */
#include "asks.h"

#define OK RDT_FAULT_NONE, ""
#define A RDT_FAULT_DISABLED, " is disabled."
#define B RDT_FAULT_INVALID_STATE, " is pending deletion."
#define C RDT_FAULT_INVALID_STATE, " is pending import."
#define N RDT_FAULT_INVALID_STATE, " is not pending deletion."
#define U RDT_FAULT_UNSUPPORTED, ": its origin does not allow this operation."

/* Reference: the AWS KMS developer guide, key states of KMS keys; columns by enum rdt_key_state. */
static const struct {
    enum rdt_op_states row;
    struct {
        enum rdt_fault fault;
        const char *words;
    } cell[4]; /* Enabled, Disabled, PendingDeletion, PendingImport */
} matrix[] = {
    {RDT_STATES_ALL,      {{OK}, {OK}, {OK}, {OK}}},
    {RDT_STATES_USE,      {{OK}, {A}, {B}, {C}}   },
    {RDT_STATES_ROTATION, {{OK}, {A}, {B}, {U}}   },
    {RDT_STATES_ABLE,     {{OK}, {OK}, {B}, {C}}  },
    {RDT_STATES_EDIT,     {{OK}, {OK}, {B}, {OK}} },
    {RDT_STATES_CANCEL,   {{N}, {N}, {OK}, {N}}   },
    {RDT_STATES_EXTERNAL, {{U}, {U}, {U}, {OK}}   },
};

static void
states(void **state)
{
    static const enum rdt_key_state column[] = {RDT_KEY_ENABLED, RDT_KEY_DISABLED,
                                                RDT_KEY_PENDING_DELETION, RDT_KEY_PENDING_IMPORT};
    struct rdt_request request = {.now_ms = NOW_MS};
    struct rdt_call call = {.kms = kms, .thread = thread, .request = &request};
    (void)state;
    assert_int_equal(RDT_COUNT(matrix), RDT_NSTATES);
    for (size_t i = 0; i < RDT_COUNT(matrix); i++)
        for (size_t k = 0; k < 4; k++) {
            struct rdt_key key = {.id = {7}, .state = (uint8_t)column[k]};
            char want[RDT_MESSAGE_MAX] = "", arn[ARN_TEXT];
            rdt_key_arn(kms, key.id, arn);
            if (matrix[i].cell[k].fault != RDT_FAULT_NONE)
                snprintf(want, sizeof want, "%s%s", arn, matrix[i].cell[k].words);
            request.message[0] = '\0';
            enum rdt_fault fault = rdt_call_state(&call, &key, matrix[i].row);
            if (fault != matrix[i].cell[k].fault || strcmp(request.message, want) != 0)
                fail_msg("row %u, %s: %s '%s'", matrix[i].row, rdt_key_state_word(column[k]),
                         rdt_fault_wire(fault), request.message);
        }
}

/* A key that an approver suspended is disabled for every use, and for nothing else. */
static void
suspended(void **state)
{
    struct rdt_request request = {.now_ms = NOW_MS};
    struct rdt_call call = {.kms = kms, .thread = thread, .request = &request};
    struct rdt_key key = {.state = RDT_KEY_ENABLED, .suspended = 1};
    (void)state;
    assert_int_equal(rdt_call_state(&call, &key, RDT_STATES_USE), RDT_FAULT_DISABLED);
    assert_int_equal(rdt_call_state(&call, &key, RDT_STATES_ALL), RDT_FAULT_NONE);
    assert_int_equal(rdt_call_state(&call, &key, RDT_STATES_EDIT), RDT_FAULT_NONE);
}

/* Each operation stands in the row of the matrix that the reference gives it. */
static void
rows(void **state)
{
    static const struct {
        enum rdt_op_states row;
        const char *ops;
    } of[] = {
        {RDT_STATES_USE,
         "Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext "
         "RotateKeyOnDemand"                                                             },
        {RDT_STATES_ROTATION, "EnableKeyRotation DisableKeyRotation"                     },
        {RDT_STATES_ABLE,     "EnableKey DisableKey"                                     },
        {RDT_STATES_EDIT,
         "ScheduleKeyDeletion CreateAlias TagResource UntagResource UpdateKeyDescription"},
        {RDT_STATES_CANCEL,   "CancelKeyDeletion"                                        },
        {RDT_STATES_ALL,
         "DescribeKey GetKeyPolicy PutKeyPolicy ListKeys ListAliases ListKeyPolicies "
         "ListResourceTags ListKeyRotations GetKeyRotationStatus GetKeyLastUsage DeleteAlias "
         "UpdateAlias"                                                                   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(of); i++)
        for (const char *at = of[i].ops; *at != '\0';) {
            char name[64];
            size_t n = strcspn(at, " ");
            snprintf(name, sizeof name, "%.*s", (int)n, at);
            const struct rdt_op *op = rdt_op_named(name);
            assert_non_null(op);
            if (op->states != of[i].row)
                fail_msg("%s stands in row %u", name, op->states);
            at += n + (at[n] == ' ');
        }
}

static void
dry_runs(void **state)
{
    char id[37];
    (void)state;
    new_key(id);
    assert_int_equal(ask_at(NOW_MS, "Encrypt",
                            "{\"DryRun\":true,\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_DRY_RUN);
    assert_null(strstr(got.answer, "CiphertextBlob"));
    assert_int_equal(ask_at(NOW_MS, "Encrypt",
                            "{\"DryRun\":false,\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "DisableKey", "{\"KeyId\":\"", id, "\"}"), RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "Encrypt",
                            "{\"DryRun\":true,\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_DISABLED);
}

static void
not_offered(void **state)
{
    char id[37];
    (void)state;
    new_key(id);
    assert_int_equal(ask("Sign", "not even JSON"), RDT_FAULT_UNSUPPORTED);
    assert_int_equal(ask_at(NOW_MS, "GenerateDataKey",
                            "{\"NumberOfBytes\":1,\"Recipient\":{},\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_UNSUPPORTED);
    assert_int_equal(ask("Encrypt", "{\"Plaintext\":\"eA==\"}"), RDT_FAULT_VALIDATION);
}

/* Nobody's principal: a caller whose row went is refused, whatever the key's policy says. */
static void
strangers(void **state)
{
    struct rdt_caller nobody = {.principal = {9}, .arn = "arn:aws:iam::000000000000:user/gone"};
    char id[37], input[128];
    (void)state;
    new_key(id);
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", id);
    assert_int_equal(ask_as(&nobody, NOW_MS, "DescribeKey", input), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(ask_as(&nobody, NOW_MS, "ListKeys", "{}"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(ask_as(&nobody, NOW_MS, "CreateKey", "{}"), RDT_FAULT_ACCESS_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states),   cmocka_unit_test(suspended),   cmocka_unit_test(rows),
        cmocka_unit_test(dry_runs), cmocka_unit_test(not_offered), cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests_name("kms/call", tests, set_up, tear_down);
}
