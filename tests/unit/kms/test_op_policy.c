/* Key policies inside commits: what a call put counts for the next call of the same commit. */
#include "codec/json.h"

#include "asks.h"

static struct rdt_caller ada;
static char id[37];

#define ALLOW "{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define DENY(action)                                                                               \
    "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"" action "\",\"Resource\":\"*\"}"
#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

static void
put_input(const char *document, const char *more, char out[static 2048])
{
    RDT_BUF text = {0};
    rdt_json_text(&text, rdt_span_str(document));
    snprintf(out, 2048, "{\"KeyId\":\"%s\",\"Policy\":%s%s}", id, rdt_buf_cstr(&text), more);
}

static enum rdt_fault
put(const char *document, const char *more)
{
    char input[2048];
    put_input(document, more, input);
    return ask_as(&ada, NOW_MS, "PutKeyPolicy", input);
}

/* The document as GetKeyPolicy gives it. */
static bool
stands(const char *document)
{
    RDT_BUF text = {0};
    struct rdt_caller us = {.internal = true};
    char input[128];
    rdt_json_text(&text, rdt_span_str(document));
    snprintf(input, sizeof input, "{\"KeyId\":\"%s\"}", id);
    assert_int_equal(ask_as(&us, NOW_MS, "GetKeyPolicy", input), RDT_FAULT_NONE);
    return strstr(got.answer, rdt_buf_cstr(&text)) != NULL;
}

static void
refused(void **state)
{
    static const struct {
        const char *document;
        enum rdt_fault want;
    } rows[] = {
        {"{}",                                         RDT_FAULT_MALFORMED_POLICY},
        {"not JSON",                                   RDT_FAULT_MALFORMED_POLICY},
        {DOCUMENT(""),                                 RDT_FAULT_MALFORMED_POLICY},
        {DOCUMENT(ALLOW "," DENY("kms:PutKeyPolicy")), RDT_FAULT_MALFORMED_POLICY}, /* locked out */
        {DOCUMENT(DENY("kms:Sign")),                   RDT_FAULT_MALFORMED_POLICY},
        {DOCUMENT(ALLOW),                              RDT_FAULT_NONE            },
    };
    static const char good[] = DOCUMENT(ALLOW "," DENY("kms:Sign"));
    (void)state;
    assert_int_equal(put(good, ""), RDT_FAULT_NONE);
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        enum rdt_fault fault = put(rows[i].document, "");
        if (fault != rows[i].want)
            fail_msg("%s: %s %s", rows[i].document, rdt_fault_wire(fault), got.message);
        assert_int_equal(stands(good),
                         fault != RDT_FAULT_NONE); /* what is refused changes nothing */
    }
    assert_int_equal(put(good, ",\"PolicyName\":\"other\""), RDT_FAULT_NOT_FOUND);
    assert_int_equal(put(good, ",\"PolicyName\":\"default\""), RDT_FAULT_NONE);
}

/* Two calls in one commit: the second is decided by what the first has put. */
static void
same_commit(void **state)
{
    static const struct {
        const char *first;
        enum rdt_fault second;
    } rows[] = {
        {DOCUMENT(ALLOW "," DENY("kms:DisableKey")), RDT_FAULT_ACCESS_DENIED},
        {DOCUMENT(ALLOW),                            RDT_FAULT_NONE         },
        {"{}",                                       RDT_FAULT_NONE         }, /* refused: the old one holds */
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(rows); i++) {
        struct rdt_buf out[2] = {{0}}, record[2] = {{0}};
        char input[2][2048];
        struct rdt_request requests[2], *both[2] = {&requests[0], &requests[1]};
        assert_int_equal(put(DOCUMENT(ALLOW), ""), RDT_FAULT_NONE);
        put_input(rows[i].first, "", input[0]);
        snprintf(input[1], sizeof input[1], "{\"KeyId\":\"%s\"}", id);
        for (unsigned k = 0; k < 2; k++) {
            requests[k] =
                (struct rdt_request){.op = rdt_op_named(k == 0 ? "PutKeyPolicy" : "DisableKey"),
                                     .body = (uint8_t *)input[k],
                                     .body_n = strlen(input[k]),
                                     .caller = ada,
                                     .now_ms = NOW_MS,
                                     .out = &out[k],
                                     .record = &record[k]};
            rdt_kms_request_id(thread, requests[k].id);
            assert_int_equal(rdt_random(thread->worker, requests[k].caller.signature, 32, NULL),
                             RDT_OK);
        }
        rdt_kms_write(kms, thread, both, 2);
        if (requests[1].fault != rows[i].second)
            fail_msg("after %s: %s", rows[i].first, rdt_fault_wire(requests[1].fault));
        for (unsigned k = 0; k < 2; k++) {
            rdt_buf_done(&out[k]);
            rdt_buf_done(&record[k]);
        }
    }
}

/* A key with a policy that its maker could not change is not made; nothing of it stays. */
static void
creation(void **state)
{
    RDT_BUF text = {0};
    (void)state;
    size_t keys = rdt_state_count(kms->state, RDT_KIND_KEY);
    size_t versions = rdt_state_count(kms->state, RDT_KIND_VERSION);
    rdt_buf_str(&text, "{\"Policy\":");
    rdt_json_text(&text, rdt_span_str(DOCUMENT(ALLOW "," DENY("kms:PutKeyPolicy"))));
    size_t n = text.n;
    rdt_buf_str(&text, "}");
    assert_int_equal(ask_as(&ada, NOW_MS, "CreateKey", rdt_buf_cstr(&text)),
                     RDT_FAULT_MALFORMED_POLICY);
    assert_int_equal(rdt_state_count(kms->state, RDT_KIND_KEY), keys);
    assert_int_equal(rdt_state_count(kms->state, RDT_KIND_VERSION), versions);
    text.n = n;
    rdt_buf_str(&text, ",\"BypassPolicyLockoutSafetyCheck\":true}");
    assert_int_equal(ask_as(&ada, NOW_MS + 1, "CreateKey", rdt_buf_cstr(&text)), RDT_FAULT_NONE);
    assert_int_equal(rdt_state_count(kms->state, RDT_KIND_KEY), keys + 1);
}

static int
fill_in(void **state)
{
    if (set_up(state) != 0)
        return -1;
    if (ask("PrincipalCreate",
            "{\"Principal\":\"ada\",\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":"
            "\\\"Allow\\\",\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}]}\"}") !=
            RDT_FAULT_NONE ||
        ask("CredentialCreate", "{\"Principal\":\"ada\"}") != RDT_FAULT_NONE)
        return -1;
    answered("AccessKeyId", ada.credential, sizeof ada.credential);
    struct rdt_view view = {.state = kms->state};
    const struct rdt_principal *row = rdt_principal_named(view, rdt_span_str("ada"));
    memcpy(ada.principal, row->id, sizeof row->id);
    rdt_principal_arn(kms, "ada", ada.arn);
    ada.by_signature = true;
    new_key(id);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(same_commit),
        cmocka_unit_test(creation),
    };
    return cmocka_run_group_tests_name("kms/op_policy", tests, fill_in, tear_down);
}
