/* asks.h - calls of the service itself at any time, and what came of them. */
#ifndef RDT_TEST_KMS_ASKS_H
#define RDT_TEST_KMS_ASKS_H

#include "service.h"

static struct {
    enum rdt_fault fault;
    char message[RDT_MESSAGE_MAX];
    char answer[1 << 16];
    char record[1 << 12]; /* its audit record */
    size_t record_n;
    int64_t hold_ms;
} got;

static inline enum rdt_fault
ask_as(const struct rdt_caller *caller, int64_t now_ms, const char *op, const char *input)
{
    RDT_BUF out = {0};
    RDT_BUF record = {0};
    RDT_BUF body = {0};
    rdt_buf_str(&body, input);
    struct rdt_request request = {.op = rdt_op_named(op),
                                  .body = body.p,
                                  .body_n = body.n,
                                  .caller = *caller,
                                  .now_ms = now_ms,
                                  .out = &out,
                                  .record = &record};
    struct rdt_request *one = &request;
    assert_non_null(request.op);
    rdt_kms_request_id(thread, request.id);
    if (caller->by_signature) /* each a request of its own */
        assert_int_equal(rdt_random(thread->worker, request.caller.signature, 32, NULL), RDT_OK);
    if (request.op->cls == RDT_OP_WRITE)
        rdt_kms_write(kms, thread, &one, 1);
    else
        rdt_kms_read(kms, thread, &request);
    got.fault = request.fault;
    got.hold_ms = request.hold_ms;
    snprintf(got.message, sizeof got.message, "%s", request.message);
    assert_true(out.n < sizeof got.answer && record.n <= sizeof got.record);
    memcpy(got.answer, out.p, out.n);
    got.answer[out.n] = '\0';
    memcpy(got.record, record.p, record.n);
    got.record_n = record.n;
    return request.fault;
}

/* fmt has at most the one text of `about` in it. */
static inline enum rdt_fault
ask_at(int64_t now_ms, const char *op, const char *before, const char *about, const char *after)
{
    struct rdt_caller caller = {.internal = true};
    char input[16384];
    assert_true((size_t)snprintf(input, sizeof input, "%s%s%s", before, about, after) <
                sizeof input);
    return ask_as(&caller, now_ms, op, input);
}

static inline enum rdt_fault
ask(const char *op, const char *input)
{
    return ask_at(NOW_MS, op, input, "", "");
}

/* The first text member of that name in the last answer. */
static inline void
answered(const char *name, char *out, size_t cap)
{
    char label[64];
    snprintf(label, sizeof label, "\"%s\":\"", name);
    const char *at = strstr(got.answer, label);
    if (at == NULL)
        fail_msg("no %s in %s", name, got.answer);
    at += strlen(label);
    size_t n = strcspn(at, "\"");
    assert_true(n < cap);
    memcpy(out, at, n);
    out[n] = '\0';
}

static inline void
new_key(char id[static 37])
{
    assert_int_equal(ask("CreateKey", "{}"), RDT_FAULT_NONE);
    answered("KeyId", id, 37);
}

#endif
