/* Calls whose caller lost its right while they waited for the writer. */
#include "service.h"

static void
local(const char *op, const char *body, struct rdt_buf *out)
{
    RDT_BUF ignored = {0};
    struct rdt_err err = {0};
    if (rdt_kms_local(kms, thread, op, body, out == NULL ? &ignored : out, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

/* A text member of an answer, up to its closing quote. */
static void
member(struct rdt_buf *answer, const char *name, char *out, size_t cap)
{
    char label[64];
    rdt_buf_add(answer, "", 1);
    snprintf(label, sizeof label, "\"%s\":\"", name);
    const char *at = strstr((const char *)answer->p, label);
    assert_non_null(at);
    at += strlen(label);
    size_t n = strcspn(at, "\"");
    assert_true(n < cap);
    memcpy(out, at, n);
    out[n] = '\0';
}

static struct rdt_caller
administrator(const char *name)
{
    RDT_BUF out = {0};
    struct rdt_caller caller = {.by_signature = true};
    char body[256];
    snprintf(body, sizeof body,
             "{\"Principal\":\"%s\",\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","
             "\\\"Action\\\":\\\"*\\\",\\\"Resource\\\":\\\"*\\\"}]}\"}",
             name);
    local("PrincipalCreate", body, NULL);
    snprintf(body, sizeof body, "{\"Principal\":\"%s\"}", name);
    local("CredentialCreate", body, &out);
    member(&out, "AccessKeyId", caller.credential, sizeof caller.credential);
    struct rdt_view view = {.state = kms->state};
    const struct rdt_principal *principal = rdt_principal_named(view, rdt_span_str(name));
    assert_non_null(principal);
    memcpy(caller.principal, principal->id, sizeof principal->id);
    rdt_principal_arn(kms, name, caller.arn);
    return caller;
}

static enum rdt_fault
run(const struct rdt_caller *caller, const char *op, const char *input)
{
    RDT_BUF out = {0};
    RDT_BUF record = {0};
    RDT_BUF body = {0};
    rdt_buf_str(&body, input);
    struct rdt_request request = {.op = rdt_op_named(op),
                                  .body = body.p,
                                  .body_n = body.n,
                                  .caller = *caller,
                                  .now_ms = NOW_MS,
                                  .out = &out,
                                  .record = &record};
    struct rdt_request *one = &request;
    assert_non_null(request.op);
    rdt_kms_request_id(thread, request.id);
    assert_int_equal(rdt_random(thread->worker, request.caller.signature, 32, NULL), RDT_OK);
    if (request.op->cls == RDT_OP_WRITE)
        rdt_kms_write(kms, thread, &one, 1);
    else
        rdt_kms_read(kms, thread, &request);
    return request.fault;
}

static void
revoked_access_key(void **state)
{
    (void)state;
    char body[128];
    struct rdt_caller caller = administrator("ada");
    assert_int_equal(run(&caller, "CreateKey", "{}"), RDT_FAULT_NONE);
    assert_int_equal(run(&caller, "ListKeys", "{}"), RDT_FAULT_NONE);
    snprintf(body, sizeof body, "{\"AccessKeyId\":\"%s\"}", caller.credential);
    local("CredentialRevoke", body, NULL);
    assert_int_equal(run(&caller, "CreateKey", "{}"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(run(&caller, "ListKeys", "{}"), RDT_FAULT_ACCESS_DENIED);
}

static void
revoked_certificate(void **state)
{
    (void)state;
    char body[256], hex[2 * 32 + 1];
    struct rdt_caller caller = administrator("bob");
    caller.by_signature = false;
    memset(caller.certificate, 0x5a, sizeof caller.certificate);
    memset(hex, '5', sizeof hex - 1);
    for (size_t i = 1; i < sizeof hex - 1; i += 2)
        hex[i] = 'a';
    hex[sizeof hex - 1] = '\0';
    assert_int_equal(run(&caller, "CreateKey", "{}"), RDT_FAULT_ACCESS_DENIED);
    snprintf(body, sizeof body, "{\"Principal\":\"bob\",\"Fingerprint\":\"%s\"}", hex);
    local("CertificateBind", body, NULL);
    assert_int_equal(run(&caller, "CreateKey", "{}"), RDT_FAULT_NONE);
    snprintf(body, sizeof body, "{\"Fingerprint\":\"%s\"}", hex);
    local("CertificateRevoke", body, NULL);
    assert_int_equal(run(&caller, "CreateKey", "{}"), RDT_FAULT_ACCESS_DENIED);
}

/* An answer that is taken back may have been a key: its bytes go, not only its length. */
static void
an_answer_taken_back(void **state)
{
    (void)state;
    static const char secret[] = "SecretAccessKey-0123456789-0123456789-0123456789-0123456789";
    RDT_BUF out = {0};
    RDT_BUF filler = {0};
    for (size_t i = 0; i < 4; i++)
        rdt_buf_str(&out, secret);
    size_t n = out.n;
    struct rdt_request request = {.out = &out, .fault = RDT_FAULT_INTERNAL};
    rdt_fault_body(&request);
    rdt_buf_add(&filler, out.p, n);
    assert_true(rdt_buf_ok(&filler) && out.n < n);
    assert_null(memmem(filler.p, n, "0123456789", 10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoked_access_key),
        cmocka_unit_test(revoked_certificate),
        cmocka_unit_test(an_answer_taken_back),
    };
    return cmocka_run_group_tests_name("kms/kms", tests, set_up, tear_down);
}
