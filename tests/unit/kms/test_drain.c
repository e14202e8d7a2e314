/* From draining to quiesced and back, and what stands in the way: SECURITY-DESIGN section 6. */
#include "life.h"

static char blob[4096]; /* what version 1 of the key made */

static int
with_blob(void **state)
{
    (void)state;
    new_key();
    must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
    member("CiphertextBlob", blob, sizeof blob);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key);
    tick();
    return 0;
}

static enum rdt_fault
decrypt(void)
{
    return runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob);
}

static enum rdt_fault
step(const char *op, uint32_t number)
{
    return runf(op, "{\"KeyId\":\"%s\",\"Version\":%u}", key, number);
}

static void
to_drained(void)
{
    assert_int_equal(step("VersionDrain", 1), RDT_FAULT_NONE);
    report_empty("db");
    assert_state(1, "drained");
}

static void
to_quiesced(void)
{
    to_drained();
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    assert_state(1, "quiesced");
}

static int64_t
waiting(void)
{
    struct gate gate = {now(), kms, rdt_view_key(now(), key_id), version(1), real_ms};
    return rdt_gate_waiting(&gate);
}

static bool
is_open(void)
{
    struct gate gate = {now(), kms, rdt_view_key(now(), key_id), version(1), real_ms};
    return rdt_gate_open(&gate);
}

static void
steps(void **state)
{
    static const struct {
        const char *op;
        uint32_t number;
        enum rdt_fault fault;
        const char *one; /* state of version 1 afterwards */
    } cases[] = {
        {"VersionDrain",   2, RDT_FAULT_INVALID_STATE, "retained"}, /* the current one */
        {"VersionDrain",   3, RDT_FAULT_NOT_FOUND,     "retained"},
        {"VersionQuiesce", 1, RDT_FAULT_INVALID_STATE, "retained"},
        {"VersionKeep",    1, RDT_FAULT_INVALID_STATE, "retained"},
        {"VersionKeep",    2, RDT_FAULT_INVALID_STATE, "retained"},
        {"VersionDrain",   1, RDT_FAULT_NONE,          "draining"},
        {"VersionDrain",   1, RDT_FAULT_INVALID_STATE, "draining"},
        {"VersionQuiesce", 1, RDT_FAULT_INVALID_STATE, "draining"},
        {"VersionKeep",    1, RDT_FAULT_NONE,          "retained"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        assert_int_equal(step(cases[i].op, cases[i].number), cases[i].fault);
        assert_state(1, cases[i].one);
    }
    must("DisableKey", "{\"KeyId\":\"%s\"}", key);
    must("ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", key);
    assert_int_equal(step("VersionDrain", 1), RDT_FAULT_INVALID_STATE);
}

/* While draining and drained it decrypts, so that data can be taken out from under it. */
static void
uses(void **state)
{
    (void)state;
    assert_int_equal(step("VersionDrain", 1), RDT_FAULT_NONE);
    assert_int_equal(decrypt(), RDT_FAULT_NONE);
    tick();
    report_empty("db");
    assert_state(1, "drained");
    assert_int_equal(decrypt(), RDT_FAULT_NONE); /* so there is data that no census saw */
    tick();
    assert_state(1, "draining");
    report_empty("db");
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    assert_int_equal(decrypt(), RDT_FAULT_INVALID_STATE);
    assert_state(1, "quiesced");
    tick();
    assert_state(1, "draining");
    assert_int_not_equal(version(1)->refused_ms, 0);
    assert_int_equal(decrypt(), RDT_FAULT_NONE);
}

/* A use in the second before uses are refused: a tick finds both, in one go. */
static void
used_before_quiesced(void **state)
{
    (void)state;
    to_drained();
    assert_int_equal(decrypt(), RDT_FAULT_NONE);
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    tick();
    assert_state(1, "draining");
}

static void
waits(void **state)
{
    (void)state;
    to_quiesced();
    assert_in_range(waiting(), 30 * DAY_S, 30 * DAY_S + 120);
    hours_pass(24);
    days_pass(28);
    assert_in_range(waiting(), DAY_S - 200, DAY_S + 200);
    assert_false(is_open());
    days_pass(2);
    assert_int_equal(waiting(), 0);
    assert_true(is_open());
    assert_int_equal(decrypt(), RDT_FAULT_INVALID_STATE);
    tick();
    assert_false(is_open());
    report_empty("db"); /* all of it anew */
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    assert_in_range(waiting(), 30 * DAY_S, 30 * DAY_S + 120);
}

static void
goes_back(void **state)
{
    (void)state;
    to_quiesced();
    report_found("db", 1, 1);
    assert_state(1, "draining");
    report_empty("db");
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    must("DisableKey", "{\"KeyId\":\"%s\"}", key);
    assert_state(1, "quiesced");
    must("EnableKey", "{\"KeyId\":\"%s\"}", key);
    assert_state(1, "draining");
    report_empty("db");
    assert_int_equal(step("VersionQuiesce", 1), RDT_FAULT_NONE);
    must("DisableKey", "{\"KeyId\":\"%s\"}", key);
    assert_int_equal(decrypt(), RDT_FAULT_DISABLED); /* nobody is told which version */
    tick();
    assert_state(1, "draining");
}

static void
dry_runs(void **state)
{
    (void)state;
    to_quiesced();
    must("DisableKey", "{\"KeyId\":\"%s\"}", key);
    assert_int_not_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\",\"DryRun\":true}", blob),
                         RDT_FAULT_NONE);
    tick();
    assert_state(1, "quiesced");
}

/* A partial report after a whole one: what was known is known no more. */
static void
census_again(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    assert_true(is_open());
    struct rdt_census census = empty_report("db");
    census.looked_at = 3;
    assert_int_equal(send(&census), RDT_FAULT_NONE);
    assert_false(is_open());
    report_empty("db");
    assert_true(is_open());
}

static void
assert_message(const char *part)
{
    if (strstr(message, part) == NULL)
        fail_msg("no %s in %s", part, message);
}

static bool
blocked(void)
{
    return rdt_view_site(now())->clock_blocked;
}

/* ---- sealed files ---- */

static enum rdt_fault
receipt_of(const char *name, uint8_t file, int64_t created_ms, int64_t until_ms, uint32_t number)
{
    RDT_BUF bytes = {0};
    uint8_t held[20];
    struct rdt_receipt r = {
        .name = rdt_span_str(name), .created_ms = created_ms, .until_ms = until_ms};
    memcpy(r.deployment, kms->deployment, 16);
    memcpy(r.file, key_id, 16);
    r.file[0] = file;
    rdt_version_id(key_id, number, held);
    if (number != 0)
        r.versions = (struct rdt_span){held, sizeof held};
    rdt_receipt_put(&r, &bytes);
    return send_bytes("SealReceipt", "s1", scanner, rdt_buf_span(&bytes));
}

static enum rdt_fault
receipt(const char *name, uint8_t file, int64_t until_ms, uint32_t number)
{
    return receipt_of(name, file, real_ms, until_ms, number);
}

static void
holds(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    assert_true(is_open());
    assert_int_equal(receipt("other.rbf", 1, real_ms + 90 * DAY_MS, 2), RDT_FAULT_NONE);
    assert_true(is_open());
    assert_int_equal(receipt("old.rbf", 2, real_ms + 10 * DAY_MS, 1), RDT_FAULT_NONE);
    assert_false(is_open());
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "sealed file old.rbf holds it until"));
    assert_int_equal(receipt("old.rbf", 2, real_ms + 5 * DAY_MS, 1), RDT_FAULT_ALREADY_EXISTS);
    assert_int_equal(receipt("old.rbf", 2, real_ms + 60 * DAY_MS, 2), RDT_FAULT_ALREADY_EXISTS);
    days_pass(11);
    assert_true(is_open());
    assert_int_equal(receipt("unknown.rbf", 3, real_ms + 10 * DAY_MS, 0), RDT_FAULT_NONE);
    assert_false(is_open());
    days_pass(11);
    assert_true(is_open());
    assert_int_equal(receipt("dated.rbf", 4, real_ms + 10 * DAY_MS, 1), RDT_FAULT_NONE);
    real_ms += 20 * DAY_MS; /* set while the service was down: nobody can tell it from the time */
    kms->clock.boot_ms = 0;
    tick();
    assert_false(blocked());
    assert_false(is_open());
    days_pass(11);
    assert_true(is_open());
    must("HoldList", "{}");
    assert_non_null(strstr(told, "unknown.rbf"));
}

/* Nothing that a scanner says later makes a file hold less: no earlier date, no second arrival. */
static void
hold_stays(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    int64_t made = real_ms, until = real_ms + 10 * DAY_MS;
    assert_int_equal(receipt("unknown.rbf", 1, until, 0), RDT_FAULT_NONE);
    assert_false(is_open());
    assert_int_equal(receipt_of("unknown.rbf", 1, 1000, until, 0), RDT_FAULT_ALREADY_EXISTS);
    assert_message("says otherwise");
    assert_false(is_open());
    real_ms += 20 * DAY_MS; /* set while the service was down, and the receipt brought again */
    kms->clock.boot_ms = 0;
    tick();
    assert_false(blocked());
    assert_int_equal(receipt_of("unknown.rbf", 1, made, until, 0), RDT_FAULT_NONE);
    assert_false(is_open());
    days_pass(11);
    assert_true(is_open());
}

/* What stands in the way is told in an answer that has an end. */
static void
many_holds(void **state)
{
    char name[32];
    (void)state;
    to_quiesced();
    for (unsigned i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "backup-%u.rbf", i);
        assert_int_equal(receipt(name, (uint8_t)i, real_ms + DAY_MS, 1), RDT_FAULT_NONE);
    }
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "sealed file backup-")); /* and the one about the waiting */
    assert_non_null(strstr(told, "\"and 51 more\""));
}

/* ---- the clock ---- */

static void
confirm(void)
{
    must("ClockConfirm", "{}");
}

/* `date` moved 31 days: nothing is credited, and nothing dies until people have looked. */
static void
date_moved(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(1);
    int64_t before = waiting();
    real_ms += 31 * DAY_MS;
    boot_ms += 1000;
    tick();
    assert_true(blocked());
    assert_true(before - waiting() <= 1);
    days_pass(31);
    assert_int_equal(waiting(), 0);
    assert_false(is_open());
    must("ClockStatus", "{}");
    assert_non_null(strstr(told, "\"Blocked\":true"));
    confirm();
    assert_true(is_open());
    assert_int_equal(run("ClockConfirm", "{}"), RDT_FAULT_INVALID_STATE);
}

static void
clock_back(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    assert_true(is_open());
    real_ms -= 2 * MINUTE_MS;
    boot_ms += 1000;
    tick();
    assert_true(blocked());
    assert_false(is_open());
    must("ClockStatus", "{}");
    assert_non_null(strstr(told, "behind"));
    confirm(); /* this time counts from now on */
    tick();
    assert_false(blocked());
    assert_true(is_open());
}

/* A little is what a time service does. */
static void
clock_corrected(void **state)
{
    (void)state;
    days_pass(1);
    real_ms -= 20000;
    tick();
    real_ms += 4 * MINUTE_MS;
    tick();
    assert_false(blocked());
}

/* A machine that slept, or a service that hung, is credited an hour. */
static void
slept(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(1);
    int64_t before = waiting();
    real_ms += 20 * DAY_MS;
    boot_ms += 20 * DAY_MS;
    tick();
    assert_false(blocked());
    assert_in_range(before - waiting(), 3000, 3660);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, with_blob)
    const struct CMUnitTest tests[] = {
        T(steps),           T(uses),       T(used_before_quiesced), T(waits),
        T(goes_back),       T(dry_runs),   T(census_again),         T(holds),
        T(hold_stays),      T(many_holds), T(date_moved),           T(clock_back),
        T(clock_corrected), T(slept),
    };
    return cmocka_run_group_tests_name("kms/drain", tests, life_set_up, life_tear_down);
}
