/* One ciphertext, once, for one person; and somebody looks at it afterwards. */
#include "approvers.h"
#include "kms/life_internal.h"

#define CIPHERTEXT_TEXT 512

static struct service s;
static struct approver ann, bob;
static char key[RDT_UUID_TEXT], sealed[CIPHERTEXT_TEXT], other[CIPHERTEXT_TEXT];

static void
encrypt(char out[static CIPHERTEXT_TEXT])
{
    assert_int_equal(callf(&s, "root", "Encrypt",
                           "{\"KeyId\":\"%s\",\"Plaintext\":\"c2VjcmV0\","
                           "\"EncryptionContext\":{\"b\":\"2\",\"a\":\"1\"}}",
                           key),
                     RDT_FAULT_NONE);
    snprintf(out, CIPHERTEXT_TEXT, "%s", answer(&s, "CiphertextBlob"));
}

static int
set_up(void **unused)
{
    (void)unused;
    service_open(&s);
    add_principal(&s, "root", "Root R");
    add_principal(&s, "carl", "Carl C");
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    add_key(&s, "root", key);
    encrypt(sealed);
    encrypt(other);
    assert_int_equal(callf(&s, "root", "DisableKey", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NONE);
    return 0;
}

static int
tear_down(void **unused)
{
    (void)unused;
    rdt_signer_free(ann.signer);
    rdt_signer_free(bob.signer);
    service_close(&s);
    return 0;
}

#define CONTEXT "{\"a\":\"1\",\"b\":\"2\"}"

static enum rdt_fault
breaks(const char *who, const char *ciphertext, const char *context)
{
    return callf(&s, who, "BreakGlassDecrypt",
                 "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":%s,\"Reason\":\"court\"}",
                 ciphertext, context);
}

static const char *
reviews(void)
{
    assert_int_equal(call(&s, "root", "ApprovalStatus", "{}"), RDT_FAULT_NONE);
    return answer(&s, "Reviews");
}

static void
needs_a_quorum(void **unused)
{
    (void)unused;
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "there are 0 approvers"));
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    assert_int_equal(approver_add(&s, "root", &bob, "bob", "Bob B"), RDT_FAULT_NONE);
    assert_int_equal(breaks("carl", "AAAA", "{}"), RDT_FAULT_INVALID_CIPHERTEXT);
}

static void
once_and_reviewed(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    /* neither another ciphertext, nor another context, nor another person */
    assert_int_equal(breaks("carl", other, CONTEXT), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    assert_int_equal(breaks("carl", sealed, "{\"a\":\"1\"}"), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    assert_int_equal(breaks("root", sealed, CONTEXT), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    assert_int_equal(breaks("carl", sealed, "{\"b\":\"2\",\"a\":\"1\"}"), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Plaintext"), "c2VjcmV0");
    assert_string_equal(answer(&s, "Request"), request);
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    /* the review */
    assert_string_equal(reviews(), "1");
    assert_int_equal(call(&s, "root", "ApprovalList", "{\"Which\":\"reviews\"}"), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Request"), request);
    assert_string_equal(answer(&s, "Reason"), "court");
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_INVALID_STATE);
    assert_int_equal(sign_as(&s, "ApprovalDeny", &ann, "root", request), RDT_FAULT_INVALID_STATE);
    assert_int_equal(sign_as(&s, "ApprovalReview", &ann, "root", request), RDT_FAULT_NONE);
    assert_string_equal(reviews(), "0");
    assert_int_equal(sign_as(&s, "ApprovalReview", &bob, "root", request), RDT_FAULT_INVALID_STATE);
}

/* A wrong context was approved: nothing opens, and the approval is not used up. */
static void
a_failure_uses_nothing(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(breaks("carl", other, "{\"a\":\"2\"}"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(breaks("carl", other, "{\"a\":\"2\"}"), RDT_FAULT_INVALID_CIPHERTEXT);
    assert_int_equal(callf(&s, NULL, "ApprovalShow", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "State"), "open");
}

static void
not_of_a_suspended_key(void **unused)
{
    RDT_BUF bytes = {0};
    uint8_t id[16];
    (void)unused;
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    rdt_suspend_put(s.kms->deployment, id, s.now_ms, &bytes);
    assert_int_equal(callf(&s, "root", "KeySuspend",
                           "{\"KeyId\":\"%s\",\"Approver\":\"ann\",\"Time\":%lld,"
                           "\"Signature\":\"%s\"}",
                           key, (long long)s.now_ms, signature(&ann, rdt_buf_span(&bytes))),
                     RDT_FAULT_NONE);
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_DISABLED);
}

static const struct rdt_key *
key_row(void)
{
    uint8_t id[16];
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    return rdt_view_key((struct rdt_view){.state = s.kms->state}, id);
}

/* The version as it is before its destruction, without the way there. */
static void
put_version(enum rdt_version_state state)
{
    struct rdt_tx *tx = NULL;
    uint8_t id[20], digest[32];
    uint64_t revision;
    rdt_version_id(key_row()->id, 1, id);
    assert_int_equal(rdt_tx_begin(s.kms->state, &tx, NULL), RDT_OK);
    struct rdt_version *row = rdt_tx_edit(tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    assert_non_null(row);
    row->state = (uint8_t)state;
    assert_int_equal(rdt_tx_seal(tx, s.thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, s.kms->store, NULL, NULL), RDT_OK);
}

/* Whoever wants to open a ciphertext shows that one is left: the wait begins anew. It must not need
 * a quorum first, which may come after the destruction. */
static void
a_refusal_counts_at_once(void **unused)
{
    (void)unused;
    add_key(&s, "root", key);
    encrypt(sealed);
    put_version(RDT_VERSION_QUIESCED);
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_int_equal(
        rdt_view_version((struct rdt_view){.state = s.kms->state}, key_row()->id, 1)->state,
        RDT_VERSION_DRAINING);
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_ACCESS_DENIED); /* to be approved */
}

static void
a_refusal_of_a_dying_key_counts(void **unused)
{
    (void)unused;
    add_key(&s, "root", key);
    encrypt(sealed);
    assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_NONE);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_int_equal(key_row()->refused_ms, 0);
    assert_int_equal(breaks("carl", sealed, CONTEXT), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_int_equal(key_row()->refused_ms, s.now_ms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_a_quorum),
        cmocka_unit_test(once_and_reviewed),
        cmocka_unit_test(a_failure_uses_nothing),
        cmocka_unit_test(not_of_a_suspended_key),
        cmocka_unit_test(a_refusal_counts_at_once),
        cmocka_unit_test(a_refusal_of_a_dying_key_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
