/* What a request for approval needs, each rule by a case that is refused. */
#include "approvers.h"
#include "kms/life_internal.h"

#define HOUR_MS ((int64_t)3600000)

static struct service s;
static struct approver ann, bob, cid;
static char key[RDT_UUID_TEXT], request[RDT_UUID_TEXT];

static int
set_up(void **unused)
{
    (void)unused;
    service_open(&s);
    add_principal(&s, "root", "Root R");
    add_principal(&s, "bob2", "bob  b"); /* the same person as the approver */
    add_principal(&s, "robot", "");
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    approver_make(&cid, RDT_SIGN_ED25519);
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
    rdt_signer_free(cid.signer);
    service_close(&s);
    return 0;
}

static enum rdt_fault
loosen_as(const char *who)
{
    return callf(&s, who, "KeyGate", "{\"KeyId\":\"%s\",\"Gate\":false}", key);
}

static enum rdt_fault
loosen(void)
{
    return loosen_as("root");
}

/* A gated key, and an open request to take its gate away. */
static void
gated(void)
{
    add_key(&s, "root", key);
    assert_int_equal(callf(&s, "root", "KeyGate", "{\"KeyId\":\"%s\",\"Gate\":true}", key),
                     RDT_FAULT_NONE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
}

static const char *
state_of(const char *id)
{
    assert_int_equal(callf(&s, NULL, "ApprovalShow", "{\"Request\":\"%s\"}", id), RDT_FAULT_NONE);
    return answer(&s, "State");
}

static void
works_once(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_string_equal(named(&s), request); /* asking again opens no second one */
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Ready"), "false");
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "has 1 of 2 signatures"));
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Ready"), "true");
    assert_int_equal(loosen(), RDT_FAULT_NONE);
    assert_string_equal(state_of(request), "used");
    /* used up: the same again needs another */
    assert_int_equal(callf(&s, "root", "KeyGate", "{\"KeyId\":\"%s\",\"Gate\":true}", key),
                     RDT_FAULT_NONE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_INVALID_STATE);
}

/* A key in another person's name would be a second identity; a service is nobody's name. */
static void
keys_of_others(void **unused)
{
    static const char bind[] = "{\"Principal\":\"%s\",\"Fingerprint\":\"%064d\"}";
    (void)unused;
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"bob2\"}"),
                     RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(callf(&s, "root", "CertificateBind", bind, "bob2", 1),
                     RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"root\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"robot\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "CertificateBind", bind, "robot", 2), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"bob2\"}"),
                     RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"bob2\"}"),
                     RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "CredentialCreate", "{\"Principal\":\"bob2\"}"),
                     RDT_FAULT_ACCESS_DENIED);
}

static void
persons_are_distinct(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_ALREADY_EXISTS);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    /* a request of Bob's other identity is not one for Bob to sign */
    assert_int_equal(loosen_as("bob2"), RDT_FAULT_ACCESS_DENIED);
    char his[RDT_UUID_TEXT];
    snprintf(his, sizeof his, "%s", named(&s));
    assert_string_not_equal(his, request);
    assert_int_equal(sign(&s, &bob, his), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "who asked"));
    assert_int_equal(sign(&s, &ann, his), RDT_FAULT_NONE);
    /* nobody uses what another asked for */
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(loosen_as("bob2"), RDT_FAULT_ACCESS_DENIED);
    assert_string_equal(named(&s), his);
    /* a service asks for nothing */
    assert_int_equal(loosen_as("robot"), RDT_FAULT_ACCESS_DENIED);
    assert_non_null(strstr(said(&s), "a service"));
    assert_int_equal(loosen(), RDT_FAULT_NONE);
}

/* A signature of one approver under the name of another, in the form of the row. */
static void
put_entry(const struct approver *name, const struct approver *maker, struct rdt_span bytes,
          struct rdt_buf *out)
{
    static const uint8_t nobody[16] = {9};
    uint8_t signature_of[RDT_SIGNATURE_LEN];
    const struct rdt_approver *row =
        rdt_approver_named((struct rdt_view){.state = s.kms->state}, rdt_span_str(name->digits));
    assert_int_equal(rdt_signer_sign(maker->signer, bytes, signature_of, NULL), RDT_OK);
    rdt_buf_add(out, row == NULL ? nobody : row->id, 16);
    rdt_buf_add(out, signature_of, sizeof signature_of);
}

/* Signatures put into the row behind the service's back are counted by the same rules. */
static void
the_take_looks_itself(void **unused)
{
    RDT_BUF bytes = {0};
    uint8_t id[16];
    static const struct {
        const struct approver *name, *maker, *name2, *maker2;
        const char *requester;
        size_t want;
    } cases[] = {
        {&ann, &ann, &bob, &bob, "Root R", 2},
        {&ann, &ann, &ann, &ann, "Root R", 1}, /* one person twice */
        {&ann, &bob, &bob, &ann, "Root R", 0}, /* each under the other's name */
        {&ann, &cid, &bob, &cid, "Root R", 0}, /* a stranger under both */
        {&cid, &cid, &bob, &bob, "Root R", 1}, /* a stranger under his own */
        {&ann, &ann, &bob, &bob, "ann a",  1}, /* one of them asked for it */
    };
    (void)unused;
    gated();
    to_sign(&s, request, RDT_APPROVAL_APPROVE, &bytes);
    assert_true(rdt_uuid_parse(rdt_span_str(request), id));
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF both = {0};
        put_entry(cases[i].name, cases[i].maker, rdt_buf_span(&bytes), &both);
        put_entry(cases[i].name2, cases[i].maker2, rdt_buf_span(&bytes), &both);
        struct approval_look look = {{.state = s.kms->state}, s.kms, s.now_ms};
        struct rdt_approval row = *(const struct rdt_approval *)rdt_view_get(
            look.view, RDT_KIND_APPROVAL, (struct rdt_span){id, sizeof id});
        row.requester_person = (char *)cases[i].requester;
        row.signatures = (struct rdt_bytes){both.p, both.n};
        if (rdt_approval_count(&look, &row) != cases[i].want)
            fail_msg("case %zu", i);
        row.parameters.n = 0; /* other bytes than those that were signed */
        assert_int_equal(rdt_approval_count(&look, &row), 0);
    }
}

static void
expires(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    int64_t now = s.now_ms;
    s.now_ms += APPROVAL_HOURS * HOUR_MS;
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_INVALID_STATE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    s.now_ms = now + APPROVAL_HOURS * HOUR_MS - 1;
    assert_int_equal(loosen(), RDT_FAULT_NONE);
    s.now_ms = now;
}

/* The tick closes what is too old, as a call of the service itself. */
static void
old_ones_are_closed(void **unused)
{
    (void)unused;
    int64_t now = s.now_ms;
    s.now_ms -= (APPROVAL_HOURS + 1) * HOUR_MS;
    gated();
    s.now_ms = now;
    assert_string_equal(state_of(request), "open");
    rdt_kms_tick(s.kms, s.thread, now);
    assert_string_equal(state_of(request), "expired");
    assert_int_equal(callf(&s, NULL, "SystemApprovalForget", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_INVALID_STATE);
    s.now_ms += (APPROVAL_KEPT_DAYS + 1) * 24 * HOUR_MS;
    assert_int_equal(callf(&s, NULL, "SystemApprovalForget", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    s.now_ms = now;
    assert_int_equal(callf(&s, NULL, "ApprovalShow", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NOT_FOUND);
}

static void
signatures_are_of_these_bytes(void **unused)
{
    RDT_BUF bytes = {0};
    char other[RDT_UUID_TEXT];
    (void)unused;
    gated();
    snprintf(other, sizeof other, "%s", request);
    gated();
    static const char body[] = "{\"Request\":\"%s\",\"Approver\":\"%s\",\"Signature\":\"%s\"}";
    to_sign(&s, other, RDT_APPROVAL_APPROVE, &bytes);
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, ann.digits,
                           signature(&ann, rdt_buf_span(&bytes))),
                     RDT_FAULT_ACCESS_DENIED); /* of another request */
    bytes.n = 0;
    to_sign(&s, request, RDT_APPROVAL_DENY, &bytes);
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, ann.digits,
                           signature(&ann, rdt_buf_span(&bytes))),
                     RDT_FAULT_ACCESS_DENIED); /* a no is not a yes */
    bytes.n = 0;
    to_sign(&s, request, RDT_APPROVAL_APPROVE, &bytes);
    for (size_t i = 0; i < bytes.n; i += 7) {
        bytes.p[i] ^= 1;
        assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, ann.digits,
                               signature(&ann, rdt_buf_span(&bytes))),
                         RDT_FAULT_ACCESS_DENIED);
        bytes.p[i] ^= 1;
    }
    const char *by_ann = signature(&ann, rdt_buf_span(&bytes));
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, bob.digits, by_ann),
                     RDT_FAULT_ACCESS_DENIED); /* of a key of the other type */
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, cid.digits,
                           signature(&cid, rdt_buf_span(&bytes))),
                     RDT_FAULT_ACCESS_DENIED); /* of nobody */
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, ann.digits, "AAAA"),
                     RDT_FAULT_VALIDATION);
    assert_int_equal(callf(&s, "root", "ApprovalSign", body, request, "ann",
                           signature(&ann, rdt_buf_span(&bytes))),
                     RDT_FAULT_NONE);
}

static void
what_it_is_about_must_not_change(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(
        callf(&s, "root", "UpdateKeyDescription", "{\"KeyId\":\"%s\",\"Description\":\"x\"}", key),
        RDT_FAULT_NONE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_INVALID_STATE);
    assert_non_null(strstr(said(&s), "has changed"));
}

static void
denied_by_one(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "bob2", "ApprovalDeny", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_ACCESS_DENIED); /* not his request, and not signed */
    assert_int_equal(sign_as(&s, "ApprovalDeny", &cid, "root", request), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign_as(&s, "ApprovalDeny", &bob, "root", request), RDT_FAULT_NONE);
    assert_string_equal(state_of(request), "denied");
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_INVALID_STATE);
    assert_int_equal(sign_as(&s, "ApprovalDeny", &ann, "root", request), RDT_FAULT_INVALID_STATE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
    /* who asked may take it back */
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(callf(&s, "root", "ApprovalDeny", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    assert_string_equal(state_of(request), "denied");
}

static void
a_restart_loses_nothing(void **unused)
{
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    service_stop(&s);
    service_start(&s);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    service_stop(&s);
    service_start(&s);
    assert_int_equal(loosen(), RDT_FAULT_NONE);
    service_stop(&s);
    service_start(&s);
    assert_string_equal(state_of(request), "used");
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_INVALID_STATE);
}

static void
a_blocked_clock_stops_it(void **unused)
{
    struct rdt_tx *tx;
    uint64_t revision;
    uint8_t digest[32];
    (void)unused;
    gated();
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    for (uint8_t blocked = 1; blocked < 2; blocked--) {
        assert_int_equal(rdt_tx_begin(s.kms->state, &tx, NULL), RDT_OK);
        struct rdt_site *site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
        site->clock_blocked = blocked;
        assert_int_equal(rdt_tx_seal(tx, s.thread->worker, &revision, digest, NULL), RDT_OK);
        assert_int_equal(rdt_tx_commit(tx, s.kms->store, NULL, NULL), RDT_OK);
        assert_int_equal(sign(&s, &bob, request), blocked ? RDT_FAULT_CLOCK : RDT_FAULT_NONE);
        assert_int_equal(loosen(), blocked ? RDT_FAULT_CLOCK : RDT_FAULT_NONE);
    }
}

/* The one thing that goes by a clock that went back is saying that it is right. */
static void
a_clock_that_went_back(void **unused)
{
    int64_t now = s.now_ms;
    struct rdt_tx *tx;
    uint64_t revision;
    uint8_t digest[32];
    (void)unused;
    gated();
    assert_int_equal(rdt_tx_begin(s.kms->state, &tx, NULL), RDT_OK);
    struct rdt_site *site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    site->highest_ms = now;
    site->clock_blocked = 1;
    assert_int_equal(rdt_tx_seal(tx, s.thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, s.kms->store, NULL, NULL), RDT_OK);
    s.now_ms -= 1000 * HOUR_MS;
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    rdt_kms_tick(s.kms, s.thread, s.now_ms);
    assert_string_equal(state_of(request), "open");
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(call(&s, "root", "ClockConfirm", "{}"), RDT_FAULT_NONE);
    assert_int_equal(loosen(), RDT_FAULT_ACCESS_DENIED);
    s.now_ms = now;
}

/* ---- asking by hand ---- */

static void
parameters(void **unused)
{
    static const struct {
        const char *body, *words;
        enum rdt_fault want;
    } cases[] = {
        {"{\"Operation\":\"nothing\"}",                                                       "no operation", RDT_FAULT_VALIDATION},
        {"{\"Operation\":\"policy-widen\",\"Parameters\":{\"Key\":\"x\",\"Policy\":\"{}\"}}",
         "call itself",                                                                                       RDT_FAULT_VALIDATION},
        {"{\"Operation\":\"quorum-recover\",\"Parameters\":{\"Name\":\"x\"}}",                "call itself",
         RDT_FAULT_VALIDATION                                                                                                     },
        {"{\"Operation\":\"quorum-set\"}",                                                    "needs",        RDT_FAULT_VALIDATION},
        {"{\"Operation\":\"quorum-set\",\"Parameters\":{\"Quorum\":\"3\",\"More\":\"1\"}}",
         "are:",                                                                                              RDT_FAULT_VALIDATION},
        {"{\"Operation\":\"key-destroy\",\"Parameters\":{\"Key\":\"alias/none\"}}",           "not found",
         RDT_FAULT_NOT_FOUND                                                                                                      },
        {"{\"Operation\":\"tenant-destroy\",\"Parameters\":{\"Tenant\":\"none\"}}",           "not there",
         RDT_FAULT_NOT_FOUND                                                                                                      },
        {"{\"Operation\":\"quorum-set\",\"Parameters\":{\"Quorum\":\"3\"},\"Hours\":169}",    "",
         RDT_FAULT_VALIDATION                                                                                                     },
        {"{\"Operation\":\"approver-add\",\"Parameters\":{\"Name\":\"x\",\"Person\":\"y\","
         "\"PublicKey\":\"zz\"}}",                                                   "hexadecimal",  RDT_FAULT_VALIDATION},
        {"{\"Operation\":\"quorum-set\",\"Parameters\":{\"Quorum\":\"3\"}}",                  "",             RDT_FAULT_NONE      },
    };
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        enum rdt_fault fault = call(&s, "root", "ApprovalRequest", cases[i].body);
        if (fault != cases[i].want || strstr(said(&s), cases[i].words) == NULL)
            fail_msg("case %zu: %s: %s", i, rdt_fault_wire(fault), said(&s));
    }
}

/* What the scheduler does: a request by hand, ready, taken by the service itself. */
static void
at_the_end(void **unused)
{
    RDT_BUF pairs = {0};
    uint8_t id[16];
    (void)unused;
    add_key(&s, "root", key);
    assert_int_equal(callf(&s, "root", "ApprovalRequest",
                           "{\"Operation\":\"store-remove\",\"Parameters\":{\"Key\":\"%s\","
                           "\"Store\":\"none\"}}",
                           key),
                     RDT_FAULT_NOT_FOUND);
    rdt_pairs_add(&pairs, rdt_span_str("Key"), rdt_span_str(key));
    rdt_pairs_add(&pairs, rdt_span_str("Version"), rdt_span_str("1"));
    uint8_t census[32];
    struct approval_about about = {"key-destroy", rdt_buf_span(&pairs), census};
    struct rdt_view view = {.state = s.kms->state};
    assert_true(rdt_gate_root_of(view, about.parameters, census));
    assert_int_equal(callf(&s, "root", "ApprovalRequest",
                           "{\"Operation\":\"key-destroy\",\"Parameters\":{\"Version\":\"1\","
                           "\"Key\":\"arn:aws:kms:local-1:000000000000:key/%s\"}}",
                           key),
                     RDT_FAULT_NONE);
    snprintf(request, sizeof request, "%s", answer(&s, "Request"));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_false(rdt_approval_ready(view, s.kms, &about, s.now_ms, id));
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_true(rdt_approval_ready(view, s.kms, &about, s.now_ms, id));
    assert_false(rdt_approval_ready(view, s.kms, &about, s.now_ms + 73 * HOUR_MS, id));
    uint8_t root[32] = {1};
    struct approval_about other = about;
    other.census_root = root;
    assert_false(rdt_approval_ready(view, s.kms, &other, s.now_ms, id));
    other = about;
    other.operation = "statement-no-stores";
    assert_false(rdt_approval_ready(view, s.kms, &other, s.now_ms, id));
    assert_int_equal(callf(&s, "root", "EnableKeyRotation", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_NONE);
    assert_false(rdt_approval_ready(view, s.kms, &about, s.now_ms, id));
}

static void
nobody_fills_the_table(void **unused)
{
    enum rdt_fault fault = RDT_FAULT_NONE;
    size_t n = 0;
    (void)unused;
    while (fault == RDT_FAULT_NONE && n <= APPROVAL_OPEN_MAX) {
        fault = call(&s, "bob2", "ApprovalRequest",
                     "{\"Operation\":\"approver-remove\",\"Parameters\":{\"Name\":\"x\"}}");
        n += fault == RDT_FAULT_NONE;
    }
    assert_int_equal(fault, RDT_FAULT_LIMIT_EXCEEDED);
    assert_true(n > APPROVAL_OPEN_MAX / 2);
    assert_int_equal(call(&s, "root", "ApprovalList", "{\"Limit\":50}"), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Truncated"), "true");
}

static enum rdt_fault
confirm(const char *who)
{
    return call(&s, who, "ClockConfirm", "{}");
}

/* Two ask, both get what they ask for, one uses it. The other one's is not good for a later block,
 * of which the approvers knew nothing. */
static void
a_confirmation_is_of_one_block(void **unused)
{
    char again[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(call(&s, NULL, "SystemClockBlock", "{\"Reason\":\"first\"}"), RDT_FAULT_NONE);
    assert_int_equal(confirm("bob2"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &ann, named(&s)), RDT_FAULT_NONE);
    assert_int_equal(confirm("root"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    add_principal(&s, "rita", "Rita R");
    assert_int_equal(confirm("rita"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(confirm("root"), RDT_FAULT_NONE);
    assert_int_equal(call(&s, NULL, "SystemClockBlock", "{\"Reason\":\"second\"}"), RDT_FAULT_NONE);
    assert_int_equal(confirm("rita"), RDT_FAULT_ACCESS_DENIED);
    snprintf(again, sizeof again, "%s", named(&s));
    assert_string_not_equal(again, request);
    assert_string_equal(state_of(request), "expired");
    assert_int_equal(sign(&s, &ann, again), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, again), RDT_FAULT_NONE);
    assert_int_equal(confirm("rita"), RDT_FAULT_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_once),
        cmocka_unit_test(keys_of_others),
        cmocka_unit_test(persons_are_distinct),
        cmocka_unit_test(the_take_looks_itself),
        cmocka_unit_test(expires),
        cmocka_unit_test(old_ones_are_closed),
        cmocka_unit_test(signatures_are_of_these_bytes),
        cmocka_unit_test(what_it_is_about_must_not_change),
        cmocka_unit_test(denied_by_one),
        cmocka_unit_test(a_restart_loses_nothing),
        cmocka_unit_test(a_blocked_clock_stops_it),
        cmocka_unit_test(a_clock_that_went_back),
        cmocka_unit_test(parameters),
        cmocka_unit_test(at_the_end),
        cmocka_unit_test(a_confirmation_is_of_one_block),
        cmocka_unit_test(nobody_fills_the_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
