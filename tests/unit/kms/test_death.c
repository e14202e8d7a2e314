/*
 * The end of versions and keys: what has to be true, who has to have said so, and what is left.
 * Each rule by a case in which nothing dies. SECURITY-DESIGN section 6.
 */
#include "approvers.h"
#include "kms/certificate.h"
#include "kms/death_internal.h"
#include "life.h"

static struct service s;
static struct approver ann, bob;
static char blob[4096];

static int
begin(void **state)
{
    (void)state;
    service_open(&s);
    kms = s.kms;
    thread = s.thread;
    s.now_ms = real_ms;
    add_principal(&s, "root", "Root R");
    life_begin();
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    rdt_signer_free(ann.signer);
    rdt_signer_free(bob.signer);
    rdt_signer_free(scanner);
    service_close(&s);
    return 0;
}

/* A stop and a start; the service knows no time before its first tick. */
static void
restart(void)
{
    service_stop(&s);
    service_start(&s);
    kms = s.kms;
    thread = s.thread;
    kms->clock.read = read_clocks;
    tick();
}

static int
with_key(void **state)
{
    (void)state;
    new_key();
    must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
    member("CiphertextBlob", blob, sizeof blob);
    must("CreateAlias", "{\"AliasName\":\"alias/%.8s\",\"TargetKeyId\":\"%s\"}", key, key);
    must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"db\"}", key);
    tick();
    return 0;
}

static int
with_approvers(void **state)
{
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    assert_int_equal(approver_add(&s, "root", &bob, "bob", "Bob B"), RDT_FAULT_NONE);
    return with_key(state);
}

/* What the last refusal asks for, by both. */
static void
sign_named(void)
{
    char id[RDT_UUID_TEXT];
    snprintf(id, sizeof id, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
}

/* Another scanner for the same stores, whom the quorum has looked at. */
static void
enrol_by_quorum(void)
{
    char digits[2 * RDT_PUBLIC_MAX + 1] = "";
    static const char enrolment[] = "{\"Scanner\":\"s2\",\"PublicKey\":\"%s\","
                                    "\"Stores\":[\"db\",\"bucket\",\"seal\"]}";
    rdt_signer_free(scanner);
    assert_int_equal(rdt_signer_new(RDT_SIGN_ED25519, &scanner, NULL), RDT_OK);
    rdt_hex_put(rdt_signer_public(scanner), digits);
    s.now_ms = real_ms;
    assert_int_equal(callf(&s, "root", "ScannerEnrol", enrolment, digits), RDT_FAULT_ACCESS_DENIED);
    sign_named();
    assert_int_equal(callf(&s, "root", "ScannerEnrol", enrolment, digits), RDT_FAULT_NONE);
    scanner_name = "s2";
}

static bool
lives(void)
{
    return rdt_view_key(now(), key_id) != NULL;
}

static void
to_quiesced(void)
{
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    must("VersionQuiesce", "{\"KeyId\":\"%s\",\"Version\":1}", key);
}

static void
schedule(void)
{
    must("ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key);
    report_empty("db");
}

/* Root asks, ann signs, and bob if two of them do. */
static void
approve(uint32_t number, bool both)
{
    char extra[32] = "", id[RDT_UUID_TEXT];
    s.now_ms = real_ms;
    if (number != 0)
        snprintf(extra, sizeof extra, ",\"Version\":\"%u\"", number);
    if (callf(&s, "root", "ApprovalRequest",
              "{\"Operation\":\"key-destroy\",\"Parameters\":{\"Key\":\"%s\"%s}}", key,
              extra) != RDT_FAULT_NONE)
        fail_msg("%s", said(&s));
    snprintf(id, sizeof id, "%s", answer(&s, "Request"));
    assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
    if (both)
        assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
}

/* The certificate, whole and signed; what it says. */
static const char *
certificate(uint32_t number)
{
    static char words[65536];
    static uint8_t bytes[65536];
    RDT_BUF says = {0};
    char text[RDT_COUNT(told)];
    size_t n;
    if (number != 0)
        must("KeyCertificate", "{\"KeyId\":\"%s\",\"Version\":%u}", key, number);
    else
        must("KeyCertificate", "{\"KeyId\":\"%s\"}", key);
    member("Certificate", text, sizeof text);
    assert_true(rdt_base64_get(rdt_span_str(text), bytes, &n));
    assert_int_equal(rdt_certificate_check((struct rdt_span){bytes, n},
                                           rdt_signer_public(kms->signer), &says, NULL),
                     RDT_OK);
    snprintf(words, sizeof words, "%s", rdt_buf_cstr(&says));
    return words;
}

/* A data call with its record as the server's loop would hand it in. */
static enum rdt_fault
data_call(const char *op, const char *text, struct rdt_buf *record)
{
    RDT_BUF out = {0};
    char body[4400];
    struct rdt_request request = {.op = rdt_op_named(op),
                                  .body = (uint8_t *)body,
                                  .caller = {.internal = true},
                                  .now_ms = real_ms,
                                  .out = &out,
                                  .record = record};
    request.body_n = (size_t)snprintf(body, sizeof body, "%s", text);
    rdt_kms_request_id(thread, request.id);
    rdt_kms_read(kms, thread, &request);
    return request.fault;
}

static enum rdt_fault
decrypt_one(struct rdt_buf *record)
{
    char body[4400];
    snprintf(body, sizeof body, "{\"CiphertextBlob\":\"%s\"}", blob);
    return data_call("Decrypt", body, record);
}

static void
refuse_one(struct rdt_buf *record)
{
    assert_int_equal(decrypt_one(record), RDT_FAULT_INVALID_STATE);
}

static void
assert_says(const char *words, const char *part)
{
    if (strstr(words, part) == NULL)
        fail_msg("no %s in %s", part, words);
}

/* ---- a version ---- */

static void
version_dies(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    assert_state(1, "quiesced");
    approve(1, false);
    tick();
    assert_state(1, "quiesced");
    approve(1, true);
    tick();
    assert_state(1, "destroyed");
    assert_int_equal(version(1)->wrapped.n, 0);
    assert_true(lives());
    assert_int_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), RDT_FAULT_INVALID_STATE);
    must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key); /* the new one works */
    member("CiphertextBlob", blob, sizeof blob);
    must("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob);
    const char *words = certificate(1);
    assert_says(words, "\"state\":\"erased\"");
    assert_says(words, "\"of\":\"version\",\"versions\":[{\"version\":1,");
    assert_says(words, "\"store\":\"db\",\"scanner\":\"s2\"");
    assert_says(words, "\"approver\":\"ann\"");
    assert_says(words, "\"approver\":\"bob\"");
    assert_says(words, "\"intentIndex\":");
    assert_int_equal(runf("KeyCertificate", "{\"KeyId\":\"%s\",\"Version\":2}", key),
                     RDT_FAULT_NOT_FOUND);
    restart();
    assert_state(1, "destroyed");
}

/* It says destroyed when the last backup has expired, and nothing can open what backups hold. */
static void
two_dates(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    approve(1, true);
    tick();
    assert_state(1, "destroyed");
    uint32_t wrapped_by = version(1)->domain;
    days_pass(34);
    assert_says(certificate(1), "\"state\":\"erased\"");
    days_pass(2);
    tick();
    for (size_t i = 0; i < 8; i++) { /* the domain key changes and is dropped, step by step */
        real_ms += 2 * MINUTE_MS;
        boot_ms += 2 * MINUTE_MS;
        tick();
    }
    assert_int_not_equal(rdt_view_site(now())->domain, wrapped_by);
    must("KeyCertificate", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    if (strstr(told, "\"State\":\"destroyed\"") == NULL)
        fail_msg("%.300s", told);
    const char *words = certificate(1);
    assert_says(words, "\"state\":\"destroyed\",\"destroyed\":\"");
    assert_says(words, "\"versions\":[{\"version\":1,");
}

static void
nothing_new(const char *why)
{
    tick();
    if (version(1)->state == RDT_VERSION_DESTROYED)
        fail_msg("destroyed in spite of: %s", why);
}

/* Everything is there, and one thing happens before the tick that would destroy. */
static void
last_moment(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    approve(1, true);
    assert_int_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), RDT_FAULT_INVALID_STATE);
    nothing_new("a refused use");
    assert_state(1, "draining");
    report_empty("db");
    must("VersionQuiesce", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    days_pass(31);
    nothing_new("the approval was for the drain before");
    approve(1, true);
    report_found("db", 1, 1);
    nothing_new("a report that found something");
    report_empty("db");
    must("VersionQuiesce", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    days_pass(31);
    approve(1, true);
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"tape\"}", key);
    nothing_new("a store that nobody has looked at");
}

static void
not_while_blocked(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    approve(1, true);
    real_ms += 31 * DAY_MS; /* the clock alone */
    nothing_new("a clock that jumped");
    assert_true(rdt_view_site(now())->clock_blocked);
    real_ms -= 31 * DAY_MS;
}

/* `date` moved 31 days is no waiting. */
static void
not_by_date(void **state)
{
    (void)state;
    to_quiesced();
    real_ms += 31 * DAY_MS;
    boot_ms += 1000;
    tick();
    s.now_ms = real_ms;
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    char id[RDT_UUID_TEXT];
    const char *at = strstr(said(&s), "Request ");
    assert_non_null(at);
    snprintf(id, sizeof id, "%.36s", at + 8);
    assert_true(rdt_view_site(now())->clock_blocked);
    assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_NONE);
    assert_false(rdt_view_site(now())->clock_blocked);
    approve(1, true);
    nothing_new("a date that was set");
    struct gate gate = {now(), kms, rdt_view_key(now(), key_id), version(1), real_ms};
    assert_true(rdt_gate_waiting(&gate) >= 30 * DAY_S - 1);
}

/* Once there are approvers, they say who is believed and which store is asked no more. */
static void
by_the_quorum(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *other = NULL;
    char digits[2 * RDT_PUBLIC_MAX + 1] = "";
    (void)state;
    s.now_ms = real_ms;
    assert_int_equal(rdt_signer_new(RDT_SIGN_ED25519, &other, NULL), RDT_OK);
    rdt_hex_put(rdt_signer_public(other), digits);
    static const char enrolment[] =
        "{\"Scanner\":\"s9\",\"PublicKey\":\"%s\",\"Stores\":[\"db\",\"%s\"]}";
    assert_int_equal(callf(&s, "root", "ScannerEnrol", enrolment, digits, "tape"),
                     RDT_FAULT_ACCESS_DENIED);
    assert_null(rdt_scanner_named(now(), rdt_span_str("s9")));
    sign_named();
    assert_int_equal(callf(&s, "root", "ScannerEnrol", enrolment, digits, "disk"),
                     RDT_FAULT_ACCESS_DENIED); /* other stores than they signed */
    assert_int_equal(callf(&s, "root", "ScannerEnrol", enrolment, digits, "tape"), RDT_FAULT_NONE);
    assert_non_null(rdt_scanner_named(now(), rdt_span_str("s9")));
    must("StoreRegister", "{\"KeyId\":\"%s\",\"Store\":\"gone\"}", key);
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    assert_state(1, "draining");
    assert_int_equal(callf(&s, "root", "StoreRemove", "{\"KeyId\":\"%s\",\"Store\":\"gone\"}", key),
                     RDT_FAULT_ACCESS_DENIED);
    assert_state(1, "draining");
    sign_named();
    assert_int_equal(callf(&s, "root", "StoreRemove", "{\"KeyId\":\"%s\",\"Store\":\"gone\"}", key),
                     RDT_FAULT_NONE);
    assert_state(1, "drained");
}

/* A key that has encrypted and has no store: by the quorum's word, and for this drain only. */
static void
statement(void **state)
{
    char id[RDT_UUID_TEXT];
    (void)state;
    new_key();
    for (uint32_t number = 1; number <= 2; number++) {
        must("Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
        must("RotateKeyOnDemand", "{\"KeyId\":\"%s\"}", key);
        tick();
        must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":%u}", key, number);
        assert_state(number, "draining");
        s.now_ms = real_ms;
        assert_int_equal(callf(&s, "root", "CensusStatement", "{\"KeyId\":\"%s\"}", key),
                         RDT_FAULT_ACCESS_DENIED);
        snprintf(id, sizeof id, "%.36s", strstr(said(&s), "Request ") + 8);
        assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
        assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
        assert_state(number, "draining");
        assert_int_equal(callf(&s, "root", "CensusStatement", "{\"KeyId\":\"%s\"}", key),
                         RDT_FAULT_NONE);
        assert_state(number, "drained");
    }
    must("VersionQuiesce", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    days_pass(31);
    approve(1, true);
    tick();
    assert_state(1, "destroyed");
    assert_says(certificate(1), "\"statementNoStores\":\"");
}

static enum rdt_fault
wait_for(int waiting, int backups)
{
    s.now_ms = real_ms;
    return callf(&s, "root", "WaitingSet", "{\"WaitingDays\":%d,\"BackupDays\":%d}", waiting,
                 backups);
}

/* Longer at once; shorter only if the quorum says so. */
static void
waiting_changed(void **state)
{
    char id[RDT_UUID_TEXT];
    (void)state;
    to_quiesced();
    days_pass(31);
    approve(1, true);
    assert_int_equal(wait_for(60, 35), RDT_FAULT_NONE);
    nothing_new("a longer waiting time");
    assert_int_equal(wait_for(30, 35), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(wait_for(60, 34), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(wait_for(6, 35), RDT_FAULT_VALIDATION);
    assert_int_equal(rdt_view_site(now())->waiting_days, 60);
    assert_int_equal(wait_for(30, 36), RDT_FAULT_ACCESS_DENIED);
    snprintf(id, sizeof id, "%.36s", strstr(said(&s), "Request ") + 8);
    assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
    assert_int_equal(wait_for(20, 36), RDT_FAULT_ACCESS_DENIED); /* that is not what they signed */
    assert_int_equal(wait_for(30, 36), RDT_FAULT_NONE);
    tick();
    assert_state(1, "destroyed");
    assert_int_equal(wait_for(29, 36), RDT_FAULT_ACCESS_DENIED); /* once */
}

/* A later report that finds the same leaves the approvals as they are; a partial one does not. */
static void
daily_census(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(30);
    hours_pass(1);
    approve(1, true);
    struct rdt_census partial = empty_report("db");
    partial.looked_at = 3;
    assert_int_equal(send(&partial), RDT_FAULT_NONE);
    nothing_new("a partial report");
    report_empty("db");
    tick();
    assert_state(1, "destroyed");
}

/* A stop in the middle of the waiting: what passes while it is down is no waiting. */
static void
restart_while_waiting(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(15);
    real_ms += 20 * DAY_MS;
    boot_ms += 20 * DAY_MS;
    restart();
    struct gate gate = {now(), kms, rdt_view_key(now(), key_id), version(1), real_ms};
    assert_true(rdt_gate_waiting(&gate) > 14 * DAY_S);
    assert_false(rdt_view_site(now())->clock_blocked);
    days_pass(16);
    approve(1, true);
    restart();
    assert_state(1, "destroyed"); /* the first tick found what was due, once */
}

/* The log has the intent but the outcome never came: the next start does it, with both. */
static void
killed_in_between(void **state)
{
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    char body[256];
    (void)state;
    to_quiesced();
    days_pass(31);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Version\":1,\"Intent\":\"%s\",\"Index\":1}",
             key, key);
    /* without an approval nothing happens, whoever asks */
    assert_int_equal(rdt_kms_local(kms, thread, "SystemDestroy", body, &out, &err), RDT_E_DENIED);
    assert_state(1, "quiesced");
    approve(1, true);
    s.thread->destroy_after_ms = INT64_MAX; /* as if it stopped right after the intent */
    tick();
    assert_state(1, "quiesced");
    restart();
    assert_state(1, "destroyed");
    certificate(1);
}

static void
not_destroyed(const char *why)
{
    RDT_BUF out = {0};
    struct rdt_err err = {0};
    char body[256];
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Version\":1,\"Intent\":\"%s\",\"Index\":1}",
             key, key);
    assert_int_equal(rdt_kms_local(kms, thread, "SystemDestroy", body, &out, &err), RDT_E_DENIED);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: %s", why, err.text);
}

/* The transaction believes nobody who says that it is time, not even the scheduler. */
static void
looked_at_again(void **state)
{
    RDT_BUF record = {0};
    (void)state;
    to_quiesced();
    approve(1, true);
    not_destroyed("of credited waiting are left");
    assert_state(1, "quiesced");
    days_pass(31);
    approve(1, true);
    refuse_one(&record); /* counted by no tick yet */
    not_destroyed("not yet: ");
    tick();
    assert_state(1, "draining");
}

/* The answer has left and its record is in the log, but no tick came before the end. */
static void
refused_then_stopped(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(31);
    approve(1, true);
    RDT_BUF record = {0};
    refuse_one(&record);
    const struct rdt_span bytes = rdt_buf_span(&record);
    assert_int_equal(rdt_log_append(kms, &bytes, 1, false), RDT_OK);
    restart();
    assert_state(1, "draining");
    assert_int_not_equal(version(1)->refused_ms, 0);
    restart();
    report_empty("db"); /* counted once more, and takes nothing back */
    assert_state(1, "drained");
}

/* Likewise a use that succeeded: the key has encrypted, the drained version has been needed. */
static void
used_then_stopped(void **state)
{
    RDT_BUF record = {0};
    char body[128];
    (void)state;
    must("VersionDrain", "{\"KeyId\":\"%s\",\"Version\":1}", key);
    report_empty("db");
    assert_state(1, "drained");
    assert_int_equal(decrypt_one(&record), RDT_FAULT_NONE);
    const struct rdt_span used = rdt_buf_span(&record);
    assert_int_equal(rdt_log_append(kms, &used, 1, false), RDT_OK);
    restart();
    assert_state(1, "draining");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "\"Unwraps\":1,"));
    restart();
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key); /* counted once */
    assert_non_null(strstr(told, "\"Unwraps\":1,"));
    new_key();
    record.n = 0;
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Plaintext\":\"YQ==\"}", key);
    assert_int_equal(data_call("Encrypt", body, &record), RDT_FAULT_NONE);
    const struct rdt_span made = rdt_buf_span(&record);
    assert_int_equal(rdt_log_append(kms, &made, 1, false), RDT_OK);
    restart();
    must("ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", key);
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "it has encrypted, and no store is registered"));
}

/* A quorum's word that the clock is right is about the clock as it was when it was asked. */
static void
confirmed_for_another_jump(void **state)
{
    (void)state;
    add_principal(&s, "second", "Second S");
    real_ms += DAY_MS;
    tick();
    s.now_ms = real_ms;
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    sign_named(); /* kept in hand */
    assert_int_equal(call(&s, "second", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    sign_named();
    assert_int_equal(call(&s, "second", "ClockConfirm", "{}"), RDT_FAULT_NONE);
    assert_false(rdt_view_site(now())->clock_blocked);
    real_ms += DAY_MS;
    tick();
    s.now_ms = real_ms;
    assert_true(rdt_view_site(now())->clock_blocked);
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    assert_true(rdt_view_site(now())->clock_blocked);
    sign_named();
    real_ms += DAY_MS; /* and again, while it is blocked */
    tick();
    s.now_ms = real_ms;
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    sign_named();
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_NONE);
}

/* An approver stopped the key; that it goes on is a re-enable. */
static void
unsuspended(void **state)
{
    RDT_BUF bytes = {0};
    (void)state;
    to_quiesced();
    s.now_ms = real_ms;
    rdt_suspend_put(kms->deployment, key_id, s.now_ms, &bytes);
    assert_int_equal(callf(&s, "root", "KeySuspend",
                           "{\"KeyId\":\"%s\",\"Approver\":\"%s\",\"Time\":%lld,"
                           "\"Signature\":\"%s\"}",
                           key, ann.digits, (long long)s.now_ms,
                           signature(&ann, rdt_buf_span(&bytes))),
                     RDT_FAULT_NONE);
    assert_state(1, "quiesced");
    assert_int_equal(callf(&s, "root", "KeyUnsuspend", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_ACCESS_DENIED);
    assert_state(1, "quiesced");
    sign_named();
    assert_int_equal(callf(&s, "root", "KeyUnsuspend", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NONE);
    assert_state(1, "draining");
}

/* Who has no right about the key learns nothing about scanners from it. */
static void
report_of_a_stranger(void **state)
{
    RDT_BUF body = {0};
    RDT_BUF bytes = {0};
    static const uint8_t signature_of_nobody[64] = {1};
    struct rdt_census census = empty_report("db");
    (void)state;
    assert_int_equal(callf(&s, NULL, "PrincipalCreate", "{\"Principal\":\"stranger\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(callf(&s, NULL, "CredentialCreate", "{\"Principal\":\"stranger\"}"),
                     RDT_FAULT_NONE);
    rdt_census_put(&census, &bytes);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Scanner", "s1");
    rdt_jout_blob(&body, "Report", rdt_buf_span(&bytes));
    rdt_jout_blob(&body, "Signature",
                  (struct rdt_span){signature_of_nobody, sizeof signature_of_nobody});
    rdt_jout_close(&body, '}');
    s.now_ms = real_ms;
    assert_int_equal(call(&s, "stranger", "CensusReport", rdt_buf_cstr(&body)),
                     RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(call(&s, "root", "CensusReport", rdt_buf_cstr(&body)), RDT_FAULT_CENSUS);
}

/* ---- a key as a whole ---- */

static void
key_dies(void **state)
{
    char alias[32];
    (void)state;
    snprintf(alias, sizeof alias, "alias/%.8s", key);
    schedule();
    days_pass(8);
    approve(0, true);
    tick();
    assert_true(lives()); /* its date is over; the site's waiting is not */
    must("DescribeKey", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "\"KeyState\":\"PendingDeletion\""));
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "of credited waiting are left"));
    days_pass(23);
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "the quorum has not approved key-destroy")); /* it expired */
    approve(0, true);
    tick();
    assert_false(lives());
    assert_int_equal(runf("DescribeKey", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NOT_FOUND);
    assert_int_equal(runf("DescribeKey", "{\"KeyId\":\"%s\"}", alias), RDT_FAULT_NOT_FOUND);
    assert_int_not_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), RDT_FAULT_NONE);
    assert_int_equal(runf("CancelKeyDeletion", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NOT_FOUND);
    for (uint32_t number = 1; number <= 2; number++) {
        assert_state(number, "destroyed");
        assert_int_equal(version(number)->wrapped.n, 0);
    }
    const char *words = certificate(0);
    assert_says(words, "\"of\":\"key\"");
    assert_says(words, "\"versionsInAll\":2");
    certificate(2); /* of the key, where it died as a whole */
    new_key();      /* the name is free again */
    must("CreateAlias", "{\"AliasName\":\"%s\",\"TargetKeyId\":\"%s\"}", alias, key);
}

static void
cancelled(void **state)
{
    (void)state;
    schedule();
    days_pass(31);
    approve(0, true);
    must("CancelKeyDeletion", "{\"KeyId\":\"%s\"}", key);
    tick();
    assert_true(lives());
    assert_int_equal(rdt_view_key(now(), key_id)->state, RDT_KEY_DISABLED);
    assert_state(2, "current");
    assert_state(1, "retained");
    must("EnableKey", "{\"KeyId\":\"%s\"}", key);
    must("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob);
    tick();
    must("ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key);
    days_pass(31); /* the census of the first time says nothing about the second */
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "was asked for before draining began"));
}

static void
key_asked_for(void **state)
{
    (void)state;
    schedule();
    days_pass(31);
    approve(0, true);
    assert_int_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob), RDT_FAULT_INVALID_STATE);
    tick();
    assert_true(lives());
    report_empty("db");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "\"LastRefusedUse\""));
    approve(0, true);
    days_pass(2);
    assert_true(lives()); /* the waiting began anew */
    days_pass(29);
    approve(0, true);
    tick();
    assert_false(lives());
}

/* With the gate at the call the quorum has said so before; not if the drain began anew since. */
static void
gate_at_the_call(void **state)
{
    char id[RDT_UUID_TEXT];
    (void)state;
    must("KeyGate", "{\"KeyId\":\"%s\",\"Gate\":true}", key);
    for (int again = 0; again < 2; again++) {
        s.now_ms = real_ms;
        assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion",
                               "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key),
                         RDT_FAULT_ACCESS_DENIED);
        snprintf(id, sizeof id, "%.36s", strstr(said(&s), "Request ") + 8);
        assert_int_equal(sign(&s, &ann, id), RDT_FAULT_NONE);
        assert_int_equal(sign(&s, &bob, id), RDT_FAULT_NONE);
        assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion",
                               "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", key),
                         RDT_FAULT_NONE);
        report_empty("db");
        if (again == 0) {
            assert_int_equal(runf("Decrypt", "{\"CiphertextBlob\":\"%s\"}", blob),
                             RDT_FAULT_INVALID_STATE);
            tick();
            report_empty("db");
            days_pass(31);
            tick();
            assert_true(lives());
            must("CancelKeyDeletion", "{\"KeyId\":\"%s\"}", key);
        }
    }
    days_pass(31);
    tick();
    assert_false(lives());
    assert_says(certificate(0), "\"approval\":{\"request\":\"");
}

/* ---- without approvers ---- */

static void
nobody_to_ask(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(40);
    assert_state(1, "quiesced");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "no quorum of approvers is enrolled"));
    with_key(state);
    schedule();
    days_pass(40);
    assert_true(lives());
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "no quorum of approvers is enrolled"));
}

/* One that was enrolled before there was a quorum is believed for drains, and for no more. */
static void
scanner_of_before(void **state)
{
    (void)state;
    to_quiesced();
    days_pass(40);
    approve(1, true);
    tick();
    assert_state(1, "quiesced");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_non_null(strstr(told, "scanner s1 was enrolled without a quorum"));
    enrol_by_quorum();
    report_empty("db");
    must("KeyVersions", "{\"KeyId\":\"%s\"}", key);
    assert_null(strstr(told, "without a quorum"));
    assert_state(1, "quiesced"); /* what was approved was another census */
    approve(1, true);
    tick();
    assert_state(1, "destroyed");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, with_key)
    const struct CMUnitTest tests[] = {
        T(nobody_to_ask), /* the others have approvers */
        cmocka_unit_test_setup(scanner_of_before, with_approvers),
        T(version_dies),
        T(two_dates),
        T(last_moment),
        T(daily_census),
        T(waiting_changed),
        T(statement),
        T(by_the_quorum),
        T(key_dies),
        T(cancelled),
        T(key_asked_for),
        T(gate_at_the_call),
        T(restart_while_waiting),
        T(killed_in_between),
        T(looked_at_again),
        T(refused_then_stopped),
        T(used_then_stopped),
        T(unsuspended),
        T(report_of_a_stranger),
        T(not_by_date),
        T(confirmed_for_another_jump),
        T(not_while_blocked), /* the last one: the clock stays blocked */
    };
    return cmocka_run_group_tests_name("kms/death", tests, begin, end);
}
