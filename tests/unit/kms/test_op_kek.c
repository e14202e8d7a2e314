/* Exports of tenants' keys: to whom, and what is remembered of them. */
#include "tenants.h"

static void
refuses_exports(void **state)
{
    char key[64], other[64], plain[64], body[128];
    (void)state;
    new_key(true, key);
    new_key(true, other);
    new_key(false, plain);
    ok("TenantCreate", about("who", key));
    unsigned long handle = number("Handle");
    char whom[64];
    snprintf(whom, sizeof whom, "\"Handle\":%lu", handle);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    assert_int_equal(export_at(NOW_MS, other, whom, 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, plain, whom, 0), RDT_FAULT_INVALID_KEY_USAGE);
    assert_int_equal(export_at(NOW_MS, other, "\"Tenant\":\"who\"", 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"nobody\"", 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"who\",\"Handle\":1", 0),
                     RDT_FAULT_VALIDATION);
    assert_int_equal(export_at(NOW_MS, key, "\"X\":1", 0), RDT_FAULT_VALIDATION);
    uint8_t good[32];
    memcpy(good, receiver_public, 32);
    memset(receiver_public, 0, 32);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_VALIDATION);
    memcpy(receiver_public, good, 32);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("DisableKey", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_DISABLED);
    assert_int_equal(at(NOW_MS, "TenantCreate", about("who2", key)), RDT_FAULT_DISABLED);
    ok("EnableKey", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    ok("ScheduleKeyDeletion", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_INVALID_STATE);
}

static void
exports_are_remembered(void **state)
{
    char key[64];
    uint64_t before, after;
    uint8_t digest[32];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("kept", key));
    const char *whom = "\"Tenant\":\"kept\"";
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    assert_int_equal(number("TtlSeconds"), 300);
    rdt_state_published(kms->state, &before, digest);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(export_at(NOW_MS + 1000 * (int64_t)i, key, whom, 0), RDT_FAULT_NONE);
    rdt_state_published(kms->state, &after, digest);
    assert_int_equal(before, after); /* no commit */
    ok("TenantShow", "{\"Tenant\":\"kept\"}");
    assert_int_equal(number("HeldUntil"), NOW_MS / 1000 + 3600 + 300);
    int64_t later = NOW_MS + 3600001;
    assert_int_equal(export_at(later, key, whom, 0), RDT_FAULT_NONE);
    rdt_state_published(kms->state, &after, digest);
    assert_int_equal(before + 1, after);
    ok("TenantShow", "{\"Tenant\":\"kept\"}");
    assert_int_equal(number("FirstExport"), NOW_MS / 1000);
    assert_int_equal(number("LastExport"), later / 1000);
    /* never below what a client may hold */
    assert_true((int64_t)number("HeldUntil") * 1000 >= later + 300000);
}

/* One epoch of a tenant that lives. */
static void
one_seed_is_gone(void **state)
{
    char key[64];
    uint8_t id[8];
    struct rdt_tx *tx = NULL;
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("half", key));
    rdt_u32_bytes((uint32_t)number("Handle"), id);
    rdt_u32_bytes(1, id + 4);
    ok("TenantRotate", about("half", key));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_seed *seed = rdt_tx_edit(tx, RDT_KIND_SEED, (struct rdt_span){id, sizeof id});
    assert_true(rdt_bytes_set(&seed->wrapped, (struct rdt_span){NULL, 0}));
    commit(tx);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"half\"", 1), RDT_FAULT_INVALID_STATE);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"half\"", 2), RDT_FAULT_NONE);
}

static const struct rdt_key *
key_row(const char *id)
{
    uint8_t uuid[16];
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    return rdt_view_key(now(), uuid);
}

/* A ring encrypts without calling us: whoever asks for a key of it, while it is on its way out, is
 * all that shows that something is left under it. */
static void
asked_for_while_it_goes(void **state)
{
    char key[64], body[128];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("going", key));
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("ScheduleKeyDeletion", body);
    rdt_kms_tick(kms, thread, NOW_MS);
    uint32_t drain = key_row(key)->drain_no;
    assert_int_equal(key_row(key)->refused_ms, 0);
    assert_int_equal(at(NOW_MS, "TenantRotate", about("going", key)), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(kms, thread, NOW_MS); /* which is no use */
    assert_int_equal(key_row(key)->drain_no, drain);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"going\"", 0), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(kms, thread, NOW_MS);
    assert_int_equal(key_row(key)->refused_ms, NOW_MS);
    assert_int_equal(key_row(key)->drain_no, drain + 1); /* every report is stale */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_exports),
        cmocka_unit_test(exports_are_remembered),
        cmocka_unit_test(one_seed_is_gone),
        cmocka_unit_test(asked_for_while_it_goes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
