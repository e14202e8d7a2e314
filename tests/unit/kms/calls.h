/* calls.h - calls of the service itself, their answers read by name, changes of rows by hand, a
 * stop and a start. */
#ifndef RDT_TEST_KMS_CALLS_H
#define RDT_TEST_KMS_CALLS_H

#include "codec/base64.h"
#include "service.h"

#define ANSWER 65536

static char answer[ANSWER];

/* A call of the service itself at a time; its answer is a text. */
static inline enum rdt_fault
at(int64_t now_ms, const char *op, const char *input)
{
    RDT_BUF out = {0};
    RDT_BUF record = {0};
    RDT_BUF body = {0};
    rdt_buf_str(&body, input);
    struct rdt_request request = {
        .op = rdt_op_named(op),
        .body = body.p,
        .body_n = body.n,
        .caller = {.internal = true, .principal = {7}},
        .now_ms = now_ms,
        .out = &out,
        .record = &record
    };
    struct rdt_request *one = &request;
    assert_non_null(request.op);
    rdt_kms_request_id(thread, request.id);
    if (request.op->cls == RDT_OP_WRITE)
        rdt_kms_write(kms, thread, &one, 1);
    else
        rdt_kms_read(kms, thread, &request);
    assert_true(out.n < sizeof answer);
    memcpy(answer, out.p, out.n);
    answer[out.n] = '\0';
    return request.fault;
}

static inline void
ok(const char *op, const char *input)
{
    if (at(NOW_MS, op, input) != RDT_FAULT_NONE)
        fail_msg("%s: %s", op, answer);
}

/* What stands behind a member's name in the answer. */
static inline const char *
member(const char *name)
{
    char label[64];
    snprintf(label, sizeof label, "\"%s\":", name);
    const char *found = strstr(answer, label);
    if (found == NULL)
        fail_msg("no %s in %s", name, answer);
    assert_non_null(found);
    return found + strlen(label);
}

static inline unsigned long
number(const char *name)
{
    return strtoul(member(name), NULL, 10);
}

static inline void
text(const char *name, char *out, size_t cap)
{
    const char *found = member(name) + 1;
    size_t n = strcspn(found, "\"");
    assert_true(n < cap);
    memcpy(out, found, n);
    out[n] = '\0';
}

static inline void
commit(struct rdt_tx *tx)
{
    uint64_t revision;
    uint8_t digest[32];
    struct rdt_outbox entry = {.record = rdt_span_str("")};
    RDT_BUF record = {0};
    assert_int_equal(rdt_tx_seal(tx, thread->worker, &revision, digest, NULL), RDT_OK);
    assert_int_equal(rdt_random(thread->worker, entry.id, 16, NULL), RDT_OK);
    rdt_record_system("Test", NOW_MS, revision, digest, entry.id, &record);
    entry.record = rdt_buf_span(&record);
    assert_int_equal(rdt_log_outbox_mac(kms, thread->worker, &entry), RDT_OK);
    assert_int_equal(rdt_tx_commit(tx, kms->store,
                                   &(struct rdt_tx_records){.outbox = &entry, .n_outbox = 1}, NULL),
                     RDT_OK);
    assert_int_equal(rdt_log_append(kms, &entry.record, 1, true), RDT_OK);
    rdt_log_sent(kms, entry.id);
}

static inline void
stop_and_start(void)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    struct rdt_unseal none = {0};
    struct rdt_err err = {0};
    rdt_kms_thread_close(thread);
    rdt_kms_close(kms);
    kms = NULL;
    thread = NULL;
    assert_int_equal(rdt_root_load(folder, &root, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, "development", &none, &open, NULL), RDT_OK);
    struct rdt_kms_opts opts = {.data = folder, .root = root, .open = open};
    if (rdt_kms_open(&opts, &kms, &err) != RDT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(rdt_kms_thread_open(kms, &thread, NULL), RDT_OK);
}

static inline struct rdt_view
now(void)
{
    return (struct rdt_view){.state = kms->state};
}

#endif
