/* Whose reports are believed, about what, and what follows: SECURITY-DESIGN section 6. */
#include "life.h"

static void
drained(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    assert_state(1, "draining");
    report_empty("db");
    assert_state(1, "drained");
    assert_state(2, "current");
}

/* A report made over a nonce that was given out before the drain says nothing about it. */
static void
before_draining(void **state)
{
    (void)state;
    report_empty("db");
    struct rdt_census early = empty_report("db");
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    assert_state(1, "draining");
    real_ms += MINUTE_MS;
    early.made_ms = real_ms;
    assert_int_equal(send(&early), RDT_FAULT_NONE);
    assert_state(1, "draining");
    report_empty("db");
    assert_state(1, "drained");
}

static void
partial(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    struct rdt_census census = empty_report("db");
    census.looked_at = 9;
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    assert_state(1, "draining");
}

static void
missing_store(void **state)
{
    (void)state;
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"bucket\"}", key);
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "store bucket: nobody has reported on it"));
    report_empty("bucket");
    assert_state(1, "drained");
}

static void
found(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_found("db", 1, 3);
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "store db: 3 values are under it"));
    report_found("db", 2, 3); /* under the other version */
    assert_state(1, "drained");
    report_found("db", 1, 1);
    assert_state(1, "draining");
}

/* Who began to look before another one, and ends after him, has seen what was, not what is. */
static void
overtaken(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    struct rdt_census slow = empty_report("db");
    report_found("db", 1, 3);
    assert_int_equal(send(&slow), RDT_FAULT_CENSUS);
    if (strstr(message, "asked for later") == NULL)
        fail_msg("%s", message);
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "store db: 3 values are under it"));
    report_empty("db");
    assert_state(1, "drained");
}

/* Seen there once, if not now: the store is asked from then on. */
static void
seen_once(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    assert_state(1, "drained");
    struct rdt_census census = empty_report("bucket");
    census.highest = 1;
    census.looked_at = 5; /* not all of it */
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    assert_non_null(rdt_store_of(now(), rdt_span_str("bucket"), key_id));
    assert_state(1, "draining");
}

/* Numbers that JSON's readers cannot hold are cut, not turned into others. */
static void
large_numbers(void **state)
{
    (void)state;
    struct rdt_census census = empty_report("db");
    census.looked_at = census.total = UINT64_MAX;
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    must("CensusStatus", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "\"LookedAt\":9223372036854775807,"
                                 "\"Total\":9223372036854775807"));
}

/* A store that nobody had named is one from the moment that a key is seen there. */
static void
unregistered_store(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    report_empty("bucket");
    assert_null(rdt_store_of(now(), rdt_span_str("bucket"), key_id));
    assert_state(1, "drained");
    report_found("bucket", 2, 5);
    assert_non_null(rdt_store_of(now(), rdt_span_str("bucket"), key_id));
    assert_state(1, "draining");
    report_empty("db");
    assert_state(1, "draining");
    report_empty("bucket");
    assert_state(1, "drained");
}

static void
new_store(void **state)
{
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"bucket\"}", key);
    assert_state(1, "draining");
}

/* ---- what is not believed ---- */

static void
refuse(const struct rdt_census *census, const char *why)
{
    assert_int_equal(send(census), RDT_FAULT_CENSUS);
    if (strstr(message, why) == NULL)
        fail_msg("%s: %s", why, message);
    assert_state(1, "draining");
}

static void
draining(void)
{
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
}

static void
replayed(void **state)
{
    (void)state;
    draining();
    report_found("db", 1, 1);
    struct rdt_census census = empty_report("db");
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    report_found("db", 1, 1);
    refuse(&census, "used up");
}

static void
other_nonce(void **state)
{
    (void)state;
    draining();
    struct rdt_census census = empty_report("db"), bucket = empty_report("bucket");
    memcpy(census.nonce, bucket.nonce, 16);
    refuse(&census, "another key or store");
    memset(census.nonce, 7, 16);
    refuse(&census, "not given out here");
}

static void
other_key(void **state)
{
    char mine[RDT_UUID_TEXT];
    (void)state;
    draining();
    memcpy(mine, key, sizeof mine);
    uint8_t id[16];
    memcpy(id, key_id, sizeof id);
    new_key(); /* the nonce is given out for this one */
    struct rdt_census census = empty_report("db");
    memcpy(key, mine, sizeof key);
    memcpy(key_id, id, sizeof key_id);
    memcpy(census.key, id, 16);
    refuse(&census, "another key or store");
}

static void
other_deployment(void **state)
{
    (void)state;
    draining();
    struct rdt_census census = empty_report("db");
    census.deployment[15] ^= 1;
    refuse(&census, "another deployment");
}

static void
other_store(void **state)
{
    (void)state;
    draining();
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"tape\"}", key);
    struct rdt_census census = empty_report("tape");
    refuse(&census, "not enrolled for this store");
}

static void
forged(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *other = NULL;
    RDT_BUF bytes = {0};
    (void)state;
    draining();
    struct rdt_census census = empty_report("db");
    rdt_census_put(&census, &bytes);
    assert_int_equal(rdt_signer_new(RDT_SIGN_P256, &other, NULL), RDT_OK);
    assert_int_equal(send_bytes("CensusReport", "s1", other, rdt_buf_span(&bytes)),
                     RDT_FAULT_CENSUS);
    assert_non_null(strstr(message, "signature"));
    assert_int_equal(send_bytes("CensusReport", "nobody", scanner, rdt_buf_span(&bytes)),
                     RDT_FAULT_CENSUS);
    assert_non_null(strstr(message, "no such scanner"));
    bytes.p[bytes.n - 1] ^= 1;
    assert_int_equal(send_bytes("CensusReport", "s1", scanner, rdt_buf_span(&bytes)),
                     RDT_FAULT_NONE);
}

static void
revoked(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *other = NULL;
    RDT_BUF bytes = {0};
    (void)state;
    draining();
    assert_int_equal(rdt_signer_new(RDT_SIGN_P256, &other, NULL), RDT_OK);
    enrol("s2", other, "\"db\"");
    struct rdt_census census = empty_report("db");
    rdt_census_put(&census, &bytes);
    assert_int_equal(send_bytes("CensusReport", "s2", other, rdt_buf_span(&bytes)), RDT_FAULT_NONE);
    assert_state(1, "drained");
    must("ScannerRevoke", "{\"Scanner\":\"s2\"}");
    struct gate gate = {now(), kms, rdt_view_key(now(), key_id), version(1), real_ms};
    assert_int_equal(rdt_gate_census(&gate, NULL, NULL), 1); /* what it said counts no more */
    assert_int_equal(send_bytes("CensusReport", "s2", other, rdt_buf_span(&bytes)),
                     RDT_FAULT_CENSUS);
}

static void
wrong_time(void **state)
{
    (void)state;
    draining();
    struct rdt_census census = empty_report("db");
    census.made_ms = real_ms - 10 * MINUTE_MS;
    refuse(&census, "time");
    census.made_ms = real_ms + 10 * MINUTE_MS;
    refuse(&census, "time");
    real_ms += 8 * DAY_MS;
    boot_ms += 8 * DAY_MS;
    census.made_ms = real_ms;
    refuse(&census, "too old");
}

/* A lie about epochs costs a few of them, not all. */
static void
far_epoch(void **state)
{
    (void)state;
    draining();
    struct rdt_census census = empty_report("db");
    census.highest = 60000;
    refuse(&census, "far above");
    census.highest = 9;
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    assert_state(10, "current");
}

static void
no_store(void **state)
{
    (void)state;
    new_key();
    must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    tick();
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "no store is registered"));
    assert_int_equal(runf("CensusStatement", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_ACCESS_DENIED);
    new_key(); /* one that never encrypted holds nothing */
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    assert_state(1, "drained");
}

/* Where something was decrypted, something had been encrypted, whatever the other counter says: a
 * restored service has lost counts. */
static void
only_opened(void **state)
{
    struct rdt_request request = {.now_ms = real_ms};
    struct rdt_call call = {.request = &request, .op = rdt_op_named("Decrypt")};
    (void)state;
    new_key();
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    rdt_usage_count(thread->usage, &call, version(1), false);
    tick();
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    assert_state(1, "draining");
}

/* Clients that were given a key of a ring may write under it until its TTL is over. */
static void
ring_too_early(void **state)
{
    (void)state;
    new_key();
    must("KeyRing", "{\"KeyId\":\"%s\"}", key);
    must("TenantCreate", "{\"Tenant\":\"acme\",\"KeyId\":\"%s\"}", key);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key);
    tick();
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    must("CensusNonce", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key);
    assert_non_null(strstr(told, "\"TooEarly\":true"));
    report_empty("db");
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "while clients could still write"));
    hours_pass(1);
    must("CensusNonce", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key);
    assert_non_null(strstr(told, "\"TooEarly\":false"));
    report_empty("db");
    assert_state(1, "drained");
}

static void
store_stays(void **state)
{
    (void)state;
    assert_int_equal(runf("StoreRemove", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key),
                     RDT_FAULT_ACCESS_DENIED);
    assert_non_null(rdt_store_of(now(), rdt_span_str("db"), key_id));
    assert_int_equal(runf("StoreRemove", "{\"KeyId\":\"%s\",\"Store\":\"nowhere\"}", key),
                     RDT_FAULT_NOT_FOUND);
}

static void
status(void **state)
{
    (void)state;
    report_found("db", 2, 7);
    must("CensusStatus", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "\"Store\":\"db\",\"Kind\":\"database\""));
    assert_non_null(strstr(told, "\"Counts\":[{\"Version\":2,\"Count\":7}]"));
    must("StoreList", "{}");
    assert_non_null(strstr(told, key));
    must("ScannerList", "{}");
    assert_non_null(strstr(told, "\"Stores\":[\"db\",\"bucket\",\"seal\"]"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, rotated_key)
    const struct CMUnitTest tests[] = {
        T(drained),
        T(before_draining),
        T(partial),
        T(missing_store),
        T(found),
        T(overtaken),
        T(seen_once),
        T(large_numbers),
        T(unregistered_store),
        T(new_store),
        T(replayed),
        T(other_nonce),
        T(other_key),
        T(other_deployment),
        T(other_store),
        T(forged),
        T(revoked),
        T(wrong_time),
        T(far_epoch),
        T(no_store),
        T(only_opened),
        T(ring_too_early),
        T(store_stays),
        T(status),
    };
    return cmocka_run_group_tests_name("kms/op_census", tests, life_set_up, life_tear_down);
}
