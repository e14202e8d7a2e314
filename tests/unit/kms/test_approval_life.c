/* A lost quorum: who can open the root names a new approver, and waits. */
#include "approvers.h"
#include "kms/life_internal.h"

static struct service s;
static struct approver ann, bob, eve;
static char request[RDT_UUID_TEXT];

static int
set_up(void **unused)
{
    (void)unused;
    service_open(&s);
    add_principal(&s, "root", "Root R");
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    approver_make(&eve, RDT_SIGN_P256);
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    assert_int_equal(approver_add(&s, "root", &bob, "bob", "Bob B"), RDT_FAULT_NONE);
    return 0;
}

static int
tear_down(void **unused)
{
    (void)unused;
    rdt_signer_free(ann.signer);
    rdt_signer_free(bob.signer);
    rdt_signer_free(eve.signer);
    service_close(&s);
    return 0;
}

static enum rdt_fault
recover(const struct approver *a, const char *name, const char *person)
{
    enum rdt_fault fault =
        callf(&s, NULL, "ApprovalRecover",
              "{\"Name\":\"%s\",\"Person\":\"%s\",\"PublicKey\":\"%s\"}", name, person, a->digits);
    snprintf(request, sizeof request, "%s", answer(&s, "Request"));
    return fault;
}

static void
credit(int64_t seconds)
{
    struct rdt_tx *tx;
    uint64_t revision;
    uint8_t digest[32];
    assert_int_equal(rdt_tx_begin(s.kms->state, &tx, NULL), RDT_OK);
    struct rdt_site *site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    site->credited_s += seconds;
    assert_int_equal(rdt_tx_seal(tx, s.thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, s.kms->store, NULL, NULL), RDT_OK);
}

static const char *
shown(const char *member)
{
    assert_int_equal(callf(&s, "root", "ApprovalShow", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    return answer(&s, member);
}

static const struct rdt_approver *
approver(const char *name)
{
    return rdt_approver_named((struct rdt_view){.state = s.kms->state}, rdt_span_str(name));
}

static void
waits_in_sight(void **unused)
{
    (void)unused;
    assert_int_equal(recover(&bob, "eve", "Eve E"), RDT_FAULT_ALREADY_EXISTS); /* another's key */
    assert_int_equal(recover(&eve, "ann", "Eve E"), RDT_FAULT_ALREADY_EXISTS);
    assert_int_equal(recover(&eve, "eve", "Eve E"), RDT_FAULT_NONE);
    assert_int_equal(call(&s, "root", "ApprovalStatus", "{}"), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Name"), "eve");
    assert_string_equal(answer(&s, "WaitedDays"), "0");
    /* neither signatures nor impatience */
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_INVALID_STATE);
    credit(30 * DAY_S - 1 + CREDIT_STORE_S); /* what is stored is late by so much */
    assert_int_equal(callf(&s, NULL, "SystemQuorumRecover", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(shown("State"), "open");
    assert_null(approver("eve"));
    service_stop(&s);
    service_start(&s);
    credit(1);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(shown("State"), "used");
    assert_non_null(approver("eve"));
    assert_non_null(approver("bob"));
}

static void
anybody_cancels(void **unused)
{
    struct approver other = {0};
    (void)unused;
    approver_make(&other, RDT_SIGN_ED25519);
    assert_int_equal(recover(&other, "fay", "Fay F"), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "ApprovalDeny", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign_as(&s, "ApprovalDeny", &bob, "root", request), RDT_FAULT_NONE);
    credit(31 * DAY_S);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(shown("State"), "denied");
    assert_null(approver("fay"));
    rdt_signer_free(other.signer);
}

/* A person's lost key is replaced; who came in between stands in the way, and ends it. */
static void
replaces(void **unused)
{
    struct approver new = {0}, late = {0};
    (void)unused;
    approver_make(&new, RDT_SIGN_ED25519);
    approver_make(&late, RDT_SIGN_ED25519);
    assert_int_equal(recover(&new, "ann", "Ann A"), RDT_FAULT_NONE);
    credit(30 * DAY_S + CREDIT_STORE_S);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(shown("State"), "used");
    assert_null(approver(ann.digits));
    assert_non_null(approver(new.digits));
    assert_int_equal(recover(&late, "gus", "Gus G"), RDT_FAULT_NONE);
    char first[RDT_UUID_TEXT];
    snprintf(first, sizeof first, "%s", request);
    assert_int_equal(recover(&late, "hal", "Hal H"), RDT_FAULT_NONE); /* the same key */
    credit(30 * DAY_S + CREDIT_STORE_S);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    bool gus = approver("gus") != NULL, hal = approver("hal") != NULL;
    assert_true(gus != hal);
    assert_string_equal(shown("State"), hal ? "used" : "denied");
    snprintf(request, sizeof request, "%s", first);
    assert_string_equal(shown("State"), gus ? "used" : "denied");
    rdt_signer_free(new.signer);
    rdt_signer_free(late.signer);
}

/* Nobody else can make these calls. */
static void
internal(void **unused)
{
    static const char *const names[] = {"ApprovalRecover", "SystemApprovalExpire",
                                        "SystemApprovalForget", "SystemQuorumRecover"};
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        char target[64];
        snprintf(target, sizeof target, "Redoubt.%s", names[i]);
        assert_non_null(rdt_op_named(names[i]));
        assert_null(rdt_op_find(rdt_span_str(target), (struct rdt_span){0}));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_in_sight),
        cmocka_unit_test(anybody_cancels),
        cmocka_unit_test(replaces),
        cmocka_unit_test(internal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
