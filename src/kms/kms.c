/*
 * Calls: a reading one on the state as it is, writing ones together in a commit. In both cases the
 * audit record is made with the answer, and no answer is given out before its record is on disk.
 */
#include "kms/kms.h"

#include "kms/audit_record.h"
#include "kms/call_internal.h"
#include "kms/quota.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SEEN_MARGIN_MS 1000 /* a replay row outlives the window in which its signature is taken */
#define REPLAY_HOLD_MS 1000 /* after which a client's clock shows another second */

void
rdt_fault_body(struct rdt_request *request)
{
    struct rdt_buf *out = request->out;
    if (out->n != 0) /* an answer that is taken back may have been a key */
        explicit_bzero(out->p, out->n);
    out->n = 0;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "__type", rdt_fault_wire(request->fault));
    if (request->message[0] != '\0')
        rdt_jout_str(out, "message", request->message);
    rdt_jout_close(out, '}');
}

void
rdt_kms_request_id(struct rdt_kms_thread *thread, uint8_t out[static 16])
{
    /* an id names a record, no more: without entropy calls fail elsewhere, not here */
    if (rdt_random(thread->worker, out, 16, NULL) != RDT_OK)
        memset(out, 0, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

static void
call_init(struct rdt_call *call, struct rdt_kms *kms, struct rdt_kms_thread *thread,
          struct rdt_request *request, struct rdt_view view)
{
    *call = (struct rdt_call){.kms = kms,
                              .thread = thread,
                              .request = request,
                              .op = request->op,
                              .in = &thread->doc,
                              .view = view,
                              .principal = rdt_caller_principal(view, request)};
    request->message[0] = '\0';
}

/* The answer of a call that succeeded without saying anything is an empty object. */
static void
finish(struct rdt_request *request)
{
    if (request->fault != RDT_FAULT_NONE)
        rdt_fault_body(request);
    else if (request->out->n == 0)
        rdt_buf_str(request->out, "{}");
}

void
rdt_kms_read(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_request *request)
{
    struct rdt_call call;
    rdt_state_lock_shared(kms->state);
    call_init(&call, kms, thread, request, (struct rdt_view){.state = kms->state});
    request->fault = rdt_call_run(&call);
    finish(request);
    rdt_call_record(&call, 0, NULL);
    rdt_state_unlock(kms->state);
    rdt_buf_done(&call.note.parameters);
    rdt_log_counted(kms, request);
}

void
rdt_call_let_go(struct rdt_call *call)
{
    call->principal = NULL;
    call->key = NULL;
    rdt_state_unlock(call->kms->state);
}

void
rdt_call_take_up(struct rdt_call *call)
{
    rdt_state_lock_shared(call->kms->state);
}

/* ---- writing ---- */

/* What becomes of one request of a commit. */
struct written {
    struct rdt_request *request;
    bool changed;
    size_t record_n; /* bytes of request->record before this call's */
};

/*
 * The same signed bytes again: a replay, or a client that sends the same request twice within a
 * second (botocore signs nothing that differs). The answer is one on which clients sign anew and
 * try again. It is held until the next signature has to differ, since some clients try again twice
 * within that very second and then give up: docs/adr/0014-replays.md.
 */
static bool
replayed(struct rdt_tx *tx, const struct rdt_request *request)
{
    struct rdt_span id = {request->caller.signature, sizeof request->caller.signature};
    return request->caller.by_signature && rdt_view_get(rdt_tx_view(tx), RDT_KIND_SEEN, id) != NULL;
}

static bool
remember(struct rdt_tx *tx, const struct rdt_request *request)
{
    if (!request->caller.by_signature)
        return true;
    struct rdt_span id = {request->caller.signature, sizeof request->caller.signature};
    struct rdt_seen *seen = rdt_tx_add(tx, RDT_KIND_SEEN, id);
    if (seen == NULL)
        return false;
    memcpy(seen->signature, id.p, id.n);
    seen->until_ms = request->now_ms + 2 * RDT_CLOCK_SKEW_S * 1000 + SEEN_MARGIN_MS;
    return true;
}

static enum rdt_fault
settle(struct rdt_call *call, size_t mark, uint64_t *revision, uint8_t digest[static 32])
{
    struct rdt_err err = {0};
    const struct rdt_quota *full = rdt_quota_passed(call->tx, mark);
    if (full != NULL)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "a deployment has at most %zu %s",
                             full->most, full->what);
    if (!remember(call->tx, call->request))
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "out of memory");
    if (rdt_tx_seal(call->tx, call->thread->worker, revision, digest, &err) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "%s", err.text);
    return RDT_FAULT_NONE;
}

static void
write_one(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_tx *tx,
          struct written *written)
{
    struct rdt_request *request = written->request;
    struct rdt_call call;
    uint64_t revision = 0;
    uint8_t digest[32];
    size_t mark = rdt_tx_mark(tx);
    bool collected = rdt_log_collected(kms);
    call_init(&call, kms, thread, request, rdt_tx_view(tx));
    call.tx = tx;
    if (replayed(tx, request)) {
        request->hold_ms = REPLAY_HOLD_MS;
        request->fault =
            rdt_call_fail(&call, RDT_FAULT_THROTTLING,
                          "this signed request was already carried out; sign it again");
    } else {
        request->fault = rdt_call_run(&call);
    }
    bool keep = request->fault == RDT_FAULT_NONE || call.keep;
    if (keep && rdt_tx_changed(tx, mark) != 0) {
        enum rdt_fault fault = settle(&call, mark, &revision, digest);
        if (fault != RDT_FAULT_NONE) {
            request->fault = fault;
            keep = false;
        }
    }
    if (!keep) {
        rdt_tx_undo(tx, mark);
        if (!collected)
            rdt_log_settle_usage(kms, false);
    }
    written->changed = keep && revision != 0;
    finish(request);
    written->record_n = request->record->n;
    rdt_call_record(&call, revision, revision == 0 ? NULL : digest);
    rdt_buf_done(&call.note.parameters);
    rdt_log_counted(kms, request);
}

static struct rdt_span
record_of(const struct written *written)
{
    struct rdt_buf *record = written->request->record;
    return (struct rdt_span){record->p + written->record_n, record->n - written->record_n};
}

static enum rdt_code
commit(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_tx *tx,
       const struct written *written, size_t n, struct rdt_err *err)
{
    struct rdt_outbox outbox[RDT_WRITE_BATCH_MAX];
    size_t n_outbox = 0, n_sent;
    const uint8_t(*sent)[16];
    rdt_log_take_sent(kms, &sent, &n_sent);
    for (size_t i = 0; i < n; i++) {
        if (!written[i].changed)
            continue;
        struct rdt_outbox *entry = &outbox[n_outbox++];
        memcpy(entry->id, written[i].request->id, sizeof entry->id);
        entry->record = record_of(&written[i]);
        enum rdt_code rc = rdt_log_outbox_mac(kms, thread->worker, entry);
        if (rc != RDT_OK) {
            rdt_tx_drop(tx);
            return rdt_fail(err, rc, "authenticate the outbox");
        }
    }
    if (n_outbox == 0 && n_sent == 0) {
        rdt_tx_drop(tx);
        return RDT_OK;
    }
    enum rdt_code rc = rdt_tx_commit(tx, kms->store,
                                     &(struct rdt_tx_records){outbox, n_outbox, sent, n_sent}, err);
    if (rc == RDT_OK)
        rdt_log_forget_sent(kms);
    return rc;
}

/* An answer that promised something which then did not become durable. */
static void
take_back(struct rdt_request *request, const char *why)
{
    request->fault = RDT_FAULT_INTERNAL;
    snprintf(request->message, sizeof request->message, "%s", why);
    rdt_fault_body(request);
}

/* What a caller may know of why the store refused; its own words name files. */
static const char *
store_words(enum rdt_code rc)
{
    return rc == RDT_E_FULL ? "the store has no room: nothing was changed"
                            : "the store cannot be written";
}

static void
log_all(struct rdt_kms *kms, const struct written *written, size_t n)
{
    struct rdt_span records[RDT_WRITE_BATCH_MAX];
    bool changed = false;
    for (size_t i = 0; i < n; i++) {
        records[i] = record_of(&written[i]);
        changed = changed || written[i].changed;
    }
    enum rdt_code rc = rdt_log_append(kms, records, n, changed);
    if (rc != RDT_OK && changed)
        rdt_log_missed(kms);
    for (size_t i = 0; i < n; i++) {
        if (rc != RDT_OK)
            take_back(written[i].request,
                      written[i].changed
                          ? "the audit log cannot be written; what was done is in the outbox"
                          : "the audit log cannot be written");
        else if (written[i].changed)
            rdt_log_sent(kms, written[i].request->id);
    }
}

void
rdt_kms_write(struct rdt_kms *kms, struct rdt_kms_thread *thread,
              struct rdt_request *const *requests, size_t n)
{
    struct written written[RDT_WRITE_BATCH_MAX];
    struct rdt_err err = {0};
    struct rdt_tx *tx = NULL;
    assert(n <= RDT_WRITE_BATCH_MAX);
    if (rdt_tx_begin(kms->state, &tx, &err) != RDT_OK) {
        for (size_t i = 0; i < n; i++)
            take_back(requests[i], err.text);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        written[i] = (struct written){.request = requests[i]};
        write_one(kms, thread, tx, &written[i]);
    }
    enum rdt_code rc = commit(kms, thread, tx, written, n, &err);
    rdt_log_settle_usage(kms, rc == RDT_OK);
    if (rc != RDT_OK)
        for (size_t i = 0; i < n; i++)
            if (written[i].changed) {
                take_back(requests[i], store_words(rc));
                written[i].changed = false;
                rdt_record_take_back(requests[i], written[i].record_n);
            }
    log_all(kms, written, n);
}

void
rdt_kms_slow(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_request *request)
{
    size_t from = request->record->n;
    rdt_kms_read(kms, thread, request);
    struct rdt_span record = {request->record->p + from, request->record->n - from};
    if (!rdt_buf_ok(request->record) || !rdt_buf_ok(request->out))
        take_back(request, "out of memory");
    else if (rdt_log_append(kms, &record, 1, false) != RDT_OK)
        take_back(request, "the audit log cannot be written");
}

enum rdt_code
rdt_kms_local(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *op, const char *body,
              struct rdt_buf *out, struct rdt_err *err)
{
    RDT_BUF answer = {0};
    RDT_BUF record = {0};
    RDT_BUF input = {0};
    int64_t boot_ms;
    struct rdt_request request = {.op = rdt_op_named(op), .out = &answer, .record = &record};
    struct rdt_request *one = &request;
    if (request.op == NULL)
        return rdt_fail(err, RDT_E_NOTFOUND, "no operation %s", op);
    kms->clock.read(kms->clock.user, &request.now_ms, &boot_ms);
    request.caller.internal = true;
    rdt_buf_str(&input, body);
    request.body = input.p;
    request.body_n = input.n;
    rdt_kms_request_id(thread, request.id);
    if (!rdt_buf_ok(&input))
        return rdt_fail(err, RDT_E_NOMEM, "%s", op);
    rdt_kms_write(kms, thread, &one, 1);
    if (request.fault != RDT_FAULT_NONE)
        return rdt_fail(err, RDT_E_DENIED, "%s: %s: %s", op, rdt_fault_wire(request.fault),
                        request.message);
    rdt_buf_add(out, answer.p, answer.n);
    explicit_bzero(answer.p, answer.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "%s", op);
}
