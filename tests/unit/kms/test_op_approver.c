/* Who becomes an approver and how, and what one may do alone. */
#include "approvers.h"

static struct service s;
static struct approver ann, bob, cid, dan;

static int
set_up(void **unused)
{
    (void)unused;
    service_open(&s);
    add_principal(&s, "root", "Root R");
    approver_make(&ann, RDT_SIGN_ED25519);
    approver_make(&bob, RDT_SIGN_P256);
    approver_make(&cid, RDT_SIGN_ED25519);
    approver_make(&dan, RDT_SIGN_P256);
    return 0;
}

static int
tear_down(void **unused)
{
    (void)unused;
    rdt_signer_free(ann.signer);
    rdt_signer_free(bob.signer);
    rdt_signer_free(cid.signer);
    rdt_signer_free(dan.signer);
    service_close(&s);
    return 0;
}

/* Signed by both. */
static void
approve(const char *request)
{
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
}

static enum rdt_fault
remove_approver(const char *name)
{
    return callf(&s, "root", "ApproverRemove", "{\"Name\":\"%s\"}", name);
}

static enum rdt_fault
set_quorum(int quorum)
{
    return callf(&s, "root", "QuorumSet", "{\"Quorum\":%d}", quorum);
}

static const char *
status(const char *member)
{
    assert_int_equal(call(&s, "root", "ApprovalStatus", "{}"), RDT_FAULT_NONE);
    return answer(&s, member);
}

static void
who_is_refused(void **unused)
{
    static const struct {
        const char *name, *person, *key, *words;
        enum rdt_fault want;
    } cases[] = {
        {"eve",                                                              "Eve E",  "ab",                                                                 "",                RDT_FAULT_VALIDATION    },
        {"eve",                                                              "Eve E",  "zz3f00000000000000000000000000000000000000000000000000000000000000",
         "hexadecimal",                                                                                                                                                         RDT_FAULT_VALIDATION    },
        {"eve",                                                              "Eve E",
         "040000000000000000000000000000000000000000000000000000000000000000"
         "0000000000000000000000000000000000000000000000000000000000000000",                                                                                 "P-256",           RDT_FAULT_VALIDATION    }, /* not on the curve */
        {"eve",                                                              "   ",    NULL,                                                                 "a person",        RDT_FAULT_VALIDATION    },
        {"abababababababababababababababababababababababababababababababab", "Eve E",  NULL,
         "looks like a key",                                                                                                                                                    RDT_FAULT_VALIDATION    },
        {"",                                                                 "Eve E",  NULL,                                                                 "",                RDT_FAULT_VALIDATION    },
        {"ann",                                                              "Eve E",  NULL,                                                                 "has this name",   RDT_FAULT_ALREADY_EXISTS},
        {"ann2",                                                             "ANN a ", NULL,                                                                 "before a second", RDT_FAULT_ALREADY_EXISTS},
    };
    (void)unused;
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        enum rdt_fault fault = callf(
            &s, "root", "ApproverAdd", "{\"Name\":\"%s\",\"Person\":\"%s\",\"PublicKey\":\"%s\"}",
            cases[i].name, cases[i].person, cases[i].key == NULL ? bob.digits : cases[i].key);
        if (fault != cases[i].want || strstr(said(&s), cases[i].words) == NULL)
            fail_msg("case %zu: %s: %s", i, rdt_fault_wire(fault), said(&s));
    }
    assert_int_equal(approver_add(&s, "root", &ann, "eve", "Eve E"), RDT_FAULT_ALREADY_EXISTS);
    assert_non_null(strstr(said(&s), "has this key"));
}

/* From here on in order: first an administrator decides, then the quorum about itself. */
static void
the_old_quorum_decides(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    assert_string_equal(status("Reachable"), "false");
    assert_int_equal(remove_approver("ann"), RDT_FAULT_NONE); /* still nobody's business */
    assert_int_equal(approver_add(&s, "root", &ann, "ann", "Ann A"), RDT_FAULT_NONE);
    assert_int_equal(approver_add(&s, "root", &bob, "bob", "Bob B"), RDT_FAULT_NONE);
    assert_string_equal(status("Reachable"), "true");
    assert_int_equal(approver_add(&s, "root", &cid, "cid", "Cid C"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_int_equal(approver_add(&s, "root", &dan, "cid", "Cid C"), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request); /* with another key it is another thing */
    assert_int_equal(approver_add(&s, "root", &cid, "cid", "Cid C"), RDT_FAULT_NONE);
    assert_string_equal(status("Approvers"), "3");
}

static void
another_set_voids(void **unused)
{
    char add[RDT_UUID_TEXT], quorum[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(set_quorum(4), RDT_FAULT_CONFLICT);   /* nobody could sign any more */
    assert_int_equal(set_quorum(1), RDT_FAULT_VALIDATION); /* one would decide alone */
    assert_int_equal(set_quorum(3), RDT_FAULT_ACCESS_DENIED);
    snprintf(quorum, sizeof quorum, "%s", named(&s));
    approve(quorum);
    assert_int_equal(approver_add(&s, "root", &dan, "dan", "Dan D"), RDT_FAULT_ACCESS_DENIED);
    snprintf(add, sizeof add, "%s", named(&s));
    approve(add);
    assert_int_equal(approver_add(&s, "root", &dan, "dan", "Dan D"), RDT_FAULT_NONE);
    /* what the set of before had approved */
    assert_int_equal(sign(&s, &cid, quorum), RDT_FAULT_INVALID_STATE);
    assert_non_null(strstr(said(&s), "approvers have changed"));
    assert_int_equal(set_quorum(3), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), quorum);
}

static void
a_removed_one_no_longer_counts(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(remove_approver("eve"), RDT_FAULT_NOT_FOUND);
    assert_int_equal(remove_approver("cid"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &cid, request), RDT_FAULT_NONE); /* about himself: he may */
    assert_int_equal(sign(&s, &dan, request), RDT_FAULT_NONE);
    assert_int_equal(remove_approver("cid"), RDT_FAULT_NONE);
    assert_int_equal(set_quorum(3), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &cid, request), RDT_FAULT_ACCESS_DENIED);
    approve(request);
    assert_int_equal(set_quorum(3), RDT_FAULT_NONE);
    /* three are left, and three are needed: nobody may go */
    assert_int_equal(remove_approver("dan"), RDT_FAULT_CONFLICT);
    assert_int_equal(set_quorum(2), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_int_equal(set_quorum(2), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &dan, request), RDT_FAULT_NONE);
    assert_int_equal(set_quorum(2), RDT_FAULT_NONE);
}

/* ---- suspending ---- */

static char key[RDT_UUID_TEXT];

static enum rdt_fault
suspend(const struct approver *a, const char *key_id, int64_t time_ms, uint8_t flip)
{
    RDT_BUF bytes = {0};
    uint8_t id[16];
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    rdt_suspend_put(s.kms->deployment, id, time_ms, &bytes);
    bytes.p[bytes.n - 30] ^= flip;
    return callf(&s, "root", "KeySuspend",
                 "{\"KeyId\":\"%s\",\"Approver\":\"%s\",\"Time\":%lld,\"Signature\":\"%s\"}",
                 key_id, a->digits, (long long)time_ms, signature(a, rdt_buf_span(&bytes)));
}

static const char *
encrypt(void)
{
    enum rdt_fault fault =
        callf(&s, "root", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"c2VjcmV0\"}", key);
    return rdt_fault_wire(fault);
}

static void
one_suspends(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    add_key(&s, "root", key);
    assert_string_equal(encrypt(), "");
    assert_int_equal(suspend(&ann, key, s.now_ms, 1), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(suspend(&cid, key, s.now_ms, 0), RDT_FAULT_ACCESS_DENIED); /* was removed */
    assert_int_equal(suspend(&ann, key, s.now_ms - 301000, 0), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(suspend(&ann, key, s.now_ms + 301000, 0), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(suspend(&ann, "alias/x", s.now_ms, 0), RDT_FAULT_VALIDATION);
    assert_string_equal(encrypt(), "");
    assert_int_equal(suspend(&ann, key, s.now_ms, 0), RDT_FAULT_NONE);
    assert_string_equal(encrypt(), "DisabledException");
    assert_int_equal(callf(&s, "root", "DescribeKey", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "KeyState"), "Disabled");
    assert_int_equal(callf(&s, "root", "EnableKeyRotation", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_DISABLED);
    assert_int_equal(callf(&s, "root", "EnableKey", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_INVALID_STATE);
    assert_int_equal(callf(&s, "root", "KeyUnsuspend", "{\"KeyId\":\"%s\"}", key),
                     RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_string_equal(encrypt(), "DisabledException");
    assert_int_equal(callf(&s, "root", "KeyUnsuspend", "{\"KeyId\":\"%s\"}", key), RDT_FAULT_NONE);
    assert_string_equal(encrypt(), "");
    /* the same signature again */
    assert_int_equal(suspend(&ann, key, s.now_ms, 0), RDT_FAULT_ALREADY_EXISTS);
    assert_string_equal(encrypt(), "");
}

/* ---- what else the quorum decides about ---- */

static void
policies_that_widen(void **unused)
{
#define DOCUMENT(actions)                                                                          \
    "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","        \
    "\\\"Principal\\\":{\\\"AWS\\\":\\\"000000000000\\\"},\\\"Action\\\":" actions                 \
    ",\\\"Resource\\\":\\\"*\\\"}]}"
    static const char narrow[] = DOCUMENT("[\\\"kms:Encrypt\\\",\\\"kms:PutKeyPolicy\\\"]"),
                      wide[] = DOCUMENT("\\\"kms:*\\\""),
                      locked[] = DOCUMENT("\\\"kms:Encrypt\\\"");
    char request[RDT_UUID_TEXT];
    (void)unused;
    static const char body[] = "{\"KeyId\":\"%s\",\"Policy\":\"%s\"}";
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, narrow), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, locked),
                     RDT_FAULT_MALFORMED_POLICY);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, wide), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(sign(&s, &ann, request), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, wide), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(sign(&s, &bob, request), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, wide), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, narrow), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PutKeyPolicy", body, key, wide), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request);
}

static void
principals_that_may_more(void **unused)
{
    static const char make[] = "{\"Principal\":\"%s\",\"Policy\":\"" EVERYTHING "\"}";
    char request[RDT_UUID_TEXT];
    (void)unused;
    assert_int_equal(callf(&s, "root", "PrincipalCreate", make, "x"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(callf(&s, "root", "PrincipalGet", "{\"Principal\":\"x\"}"),
                     RDT_FAULT_NOT_FOUND);
    assert_int_equal(callf(&s, "root", "PrincipalCreate", "{\"Principal\":\"x\"}"), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", make, "x"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(
        callf(&s, "root", "PrincipalUpdate", "{\"Principal\":\"x\",\"Enabled\":false}"),
        RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", make, "x"), RDT_FAULT_ACCESS_DENIED);
    assert_string_not_equal(named(&s), request); /* the principal has changed */
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", make, "x"), RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", make, "x"), RDT_FAULT_NONE); /* no more */
    /* nobody becomes another person by himself */
    assert_int_equal(
        callf(&s, "root", "PrincipalUpdate", "{\"Principal\":\"root\",\"Person\":\"Ghost\"}"),
        RDT_FAULT_ACCESS_DENIED);
    /* nobody comes back alone */
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", "{\"Principal\":\"x\",\"Enabled\":true}"),
                     RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", "{\"Principal\":\"x\",\"Enabled\":true}"),
                     RDT_FAULT_NONE);
    /* whose policy it will be stands in what is signed */
    assert_int_equal(
        callf(&s, "root", "PrincipalCreate", "{\"Principal\":\"y\",\"Person\":\"Yan Y\"}"),
        RDT_FAULT_NONE);
    assert_int_equal(callf(&s, "root", "PrincipalUpdate", make, "y"), RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    assert_int_equal(callf(&s, NULL, "ApprovalShow", "{\"Request\":\"%s\"}", request),
                     RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "Person"), "Yan Y");
    /* who holds the root is not asked: root admin */
    assert_int_equal(callf(&s, NULL, "PrincipalCreate", make, "rescue"), RDT_FAULT_NONE);
}

static void
a_gated_deletion(void **unused)
{
    char request[RDT_UUID_TEXT];
    (void)unused;
    add_key(&s, "root", key);
    assert_int_equal(callf(&s, "root", "KeyGate", "{\"KeyId\":\"%s\",\"Gate\":true}", key),
                     RDT_FAULT_NONE);
    static const char body[] = "{\"KeyId\":\"%s\",\"PendingWindowInDays\":%d}";
    assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion", body, key, 30),
                     RDT_FAULT_ACCESS_DENIED);
    snprintf(request, sizeof request, "%s", named(&s));
    approve(request);
    assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion", body, key, 7),
                     RDT_FAULT_ACCESS_DENIED); /* 30 days were approved */
    assert_int_equal(callf(&s, "root", "ScheduleKeyDeletion", body, key, 30), RDT_FAULT_NONE);
    assert_string_equal(answer(&s, "KeyState"), "PendingDeletion");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_refused),
        cmocka_unit_test(the_old_quorum_decides),
        cmocka_unit_test(another_set_voids),
        cmocka_unit_test(a_removed_one_no_longer_counts),
        cmocka_unit_test(one_suspends),
        cmocka_unit_test(policies_that_widen),
        cmocka_unit_test(principals_that_may_more),
        cmocka_unit_test(a_gated_deletion),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
