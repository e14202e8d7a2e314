/* Keys made and changed: what a refused call leaves, what a suspended key looks like. */
#include "codec/base64.h"

#include "asks.h"

static void
set_suspended(const char *id, uint8_t to)
{
    uint8_t uuid[16], digest[32];
    uint64_t revision;
    struct rdt_tx *tx;
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_key *key = rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){uuid, sizeof uuid});
    assert_non_null(key);
    key->suspended = to;
    assert_int_equal(rdt_tx_seal(tx, thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, kms->store, NULL, NULL), RDT_OK);
}

static enum rdt_fault
on(const char *op, const char *id)
{
    return ask_at(NOW_MS, op, "{\"KeyId\":\"", id, "\"}");
}

static uint64_t
revision(void)
{
    uint64_t now;
    uint8_t digest[32];
    rdt_state_published(kms->state, &now, digest);
    return now;
}

static void
made(void **state)
{
    static const struct {
        const char *input;
        enum rdt_fault want;
    } rows[] = {
        {"{}",                                                    RDT_FAULT_NONE            },
        {"{\"KeySpec\":\"SYMMETRIC_DEFAULT\",\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"Origin\":\"AWS_"
         "KMS\"}",                                       RDT_FAULT_NONE            },
        {"{\"CustomerMasterKeySpec\":\"SYMMETRIC_DEFAULT\"}",     RDT_FAULT_NONE            },
        {"{\"MultiRegion\":false}",                               RDT_FAULT_NONE            },
        {"{\"MultiRegion\":true}",                                RDT_FAULT_UNSUPPORTED     },
        {"{\"KeySpec\":\"RSA_2048\"}",                            RDT_FAULT_UNSUPPORTED     },
        {"{\"KeyUsage\":\"SIGN_VERIFY\"}",                        RDT_FAULT_UNSUPPORTED     },
        {"{\"Origin\":\"EXTERNAL\"}",                             RDT_FAULT_UNSUPPORTED     },
        {"{\"CustomKeyStoreId\":\"a\"}",                          RDT_FAULT_UNSUPPORTED     },
        {"{\"KeySpec\":\"DES\"}",                                 RDT_FAULT_VALIDATION      },
        {"{\"Tags\":[{\"TagKey\":\"aws:a\",\"TagValue\":\"\"}]}", RDT_FAULT_TAG             },
        {"{\"Policy\":\"{}\"}",                                   RDT_FAULT_MALFORMED_POLICY},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        size_t keys = rdt_state_count(kms->state, RDT_KIND_KEY);
        enum rdt_fault fault = ask("CreateKey", rows[i].input);
        if (fault != rows[i].want)
            fail_msg("%s: %s", rows[i].input, rdt_fault_wire(fault));
        assert_int_equal(rdt_state_count(kms->state, RDT_KIND_KEY),
                         keys + (fault == RDT_FAULT_NONE));
        assert_int_equal(rdt_state_count(kms->state, RDT_KIND_VERSION),
                         rdt_state_count(kms->state, RDT_KIND_KEY));
    }
}

/* Version 4, RFC 9562: what clients match. */
static void
named(void **state)
{
    char id[37];
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        new_key(id);
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
    }
}

/* A call that changes nothing leaves the store as it is. */
static void
idle(void **state)
{
    char id[37];
    (void)state;
    new_key(id);
    uint64_t before = revision();
    assert_int_equal(on("EnableKey", id), RDT_FAULT_NONE);
    assert_int_equal(revision(), before);
    assert_int_equal(on("DisableKey", id), RDT_FAULT_NONE);
    assert_int_equal(revision(), before + 1);
    assert_int_equal(on("DisableKey", id), RDT_FAULT_NONE);
    assert_int_equal(on("Encrypt", id), RDT_FAULT_VALIDATION);
    assert_int_equal(on("RotateKeyOnDemand", id), RDT_FAULT_DISABLED);
    assert_int_equal(revision(), before + 1);
}

/* One approver may suspend at once; the administrator's EnableKey does not lift it. */
static void
suspended(void **state)
{
    char id[37];
    (void)state;
    new_key(id);
    set_suspended(id, 1);
    assert_int_equal(ask_at(NOW_MS, "Encrypt", "{\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_DISABLED);
    assert_int_equal(on("EnableKey", id), RDT_FAULT_INVALID_STATE);
    assert_int_equal(on("DescribeKey", id), RDT_FAULT_NONE);
    assert_non_null(strstr(got.answer, "\"Enabled\":false"));
    assert_non_null(strstr(got.answer, "\"KeyState\":\"Disabled\""));
    assert_int_equal(on("DisableKey", id), RDT_FAULT_NONE); /* disabling needs no lift */
    set_suspended(id, 0);
    assert_int_equal(ask_at(NOW_MS, "Encrypt", "{\"Plaintext\":\"eA==\",\"KeyId\":\"", id, "\"}"),
                     RDT_FAULT_DISABLED);
    assert_int_equal(on("EnableKey", id), RDT_FAULT_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made),
        cmocka_unit_test(named),
        cmocka_unit_test(idle),
        cmocka_unit_test(suspended),
    };
    return cmocka_run_group_tests_name("kms/op_key", tests, set_up, tear_down);
}
