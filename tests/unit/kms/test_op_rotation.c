/* Rotation by the clock: what is near an automatic one, and numbers that a census moved on. */
#include "codec/base64.h"

#include "asks.h"

#define DAY_MS ((int64_t)86400000)
#define MINUTE_MS ((int64_t)60000)

static enum rdt_fault
rotate(int64_t now_ms, const char *id)
{
    return ask_at(now_ms, "RotateKeyOnDemand", "{\"KeyId\":\"", id, "\"}");
}

static void
conflict(void **state)
{
    static const struct {
        int64_t minutes; /* before the automatic one */
        enum rdt_fault want;
    } rows[] = {
        {21,  RDT_FAULT_NONE    },
        {20,  RDT_FAULT_NONE    },
        {19,  RDT_FAULT_CONFLICT},
        {0,   RDT_FAULT_CONFLICT},
        {-19, RDT_FAULT_CONFLICT},
        {-21, RDT_FAULT_NONE    },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        char id[37];
        new_key(id);
        assert_int_equal(ask_at(NOW_MS, "EnableKeyRotation",
                                "{\"RotationPeriodInDays\":90,\"KeyId\":\"", id, "\"}"),
                         RDT_FAULT_NONE);
        enum rdt_fault fault = rotate(NOW_MS + 90 * DAY_MS - rows[i].minutes * MINUTE_MS, id);
        if (fault != rows[i].want)
            fail_msg("%d minutes before: %s", (int)rows[i].minutes, rdt_fault_wire(fault));
    }
    char id[37];
    new_key(id); /* none is planned: nothing to meet */
    assert_int_equal(rotate(NOW_MS, id), RDT_FAULT_NONE);
}

static struct rdt_key *
edit(struct rdt_tx *tx, const char *id)
{
    uint8_t uuid[16];
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){uuid, sizeof uuid});
    assert_non_null(key);
    return key;
}

/* A ring goes on above what a census has seen: SECURITY-DESIGN section 6. Nothing walks the gap. */
static void
gap(void **state)
{
    char id[37], blob[1024], input[1200];
    uint64_t revision;
    uint8_t digest[32];
    struct rdt_tx *tx;
    (void)state;
    new_key(id);
    assert_int_equal(ask_at(NOW_MS, "Encrypt", "{\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    answered("CiphertextBlob", blob, sizeof blob);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    edit(tx, id)->epoch_seen = UINT32_MAX - 2;
    assert_int_equal(rdt_tx_seal(tx, thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, kms->store, NULL, NULL), RDT_OK);
    assert_int_equal(rotate(NOW_MS, id), RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "KeyVersions", "{\"KeyId\":\"", id, "\"}"), RDT_FAULT_NONE);
    assert_non_null(strstr(got.answer, "\"Version\":4294967294,"));
    snprintf(input, sizeof input, "{\"CiphertextBlob\":\"%s\"}", blob);
    assert_int_equal(ask("Decrypt", input), RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "ListKeyRotations", "{\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    assert_non_null(strstr(got.answer, "\"ON_DEMAND\""));
    assert_int_equal(ask_at(NOW_MS, "GetKeyLastUsage", "{\"KeyId\":\"", id, "\"}"), RDT_FAULT_NONE);
    assert_non_null(strstr(got.answer, "\"Operation\":\"Decrypt\""));
    assert_int_equal(rotate(NOW_MS, id), RDT_FAULT_NONE); /* the last number there is */
    assert_int_not_equal(rotate(NOW_MS, id), RDT_FAULT_NONE);
    assert_int_equal(ask("Decrypt", input), RDT_FAULT_NONE);
}

/* Enabling again with another period counts from the material's birth, never into the past. */
static void
periods(void **state)
{
    char id[37];
    (void)state;
    new_key(id);
    assert_int_equal(ask_at(NOW_MS + 100 * DAY_MS, "EnableKeyRotation",
                            "{\"RotationPeriodInDays\":365,\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "GetKeyRotationStatus", "{\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    char want[64];
    snprintf(want, sizeof want, "\"NextRotationDate\":%lld",
             (long long)(NOW_MS + 365 * DAY_MS) / 1000);
    assert_non_null(strstr(got.answer, want));
    assert_int_equal(ask_at(NOW_MS + 100 * DAY_MS, "EnableKeyRotation",
                            "{\"RotationPeriodInDays\":90,\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(ask_at(NOW_MS, "GetKeyRotationStatus", "{\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_NONE);
    snprintf(want, sizeof want, "\"NextRotationDate\":%lld",
             (long long)(NOW_MS + 190 * DAY_MS) / 1000);
    assert_non_null(strstr(got.answer, want));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflict),
        cmocka_unit_test(gap),
        cmocka_unit_test(periods),
    };
    return cmocka_run_group_tests_name("kms/op_rotation", tests, set_up, tear_down);
}
