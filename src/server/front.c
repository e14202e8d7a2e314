/*
 * From a framed request to a call and back. Reading calls run here, on the loop's thread; their
 * answers wait in a batch until the log has synced their records. Writing calls go to the writer.
 */
#include "server/keys_internal.h"

#include "codec/base64.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define JSON_TYPE "application/x-amz-json-1.1"

/* ---- batches ---- */

static void
batch_free(struct batch *batch)
{
    while (batch != NULL) {
        struct batch *next = batch->next;
        rdt_buf_done(&batch->bytes);
        free(batch->ends);
        free(batch->spans);
        free(batch);
        batch = next;
    }
}

/* ---- what others have: a loop does not end before they gave it back ---- */

static void
goes_away(struct front *front)
{
    pthread_mutex_lock(&front->lock);
    front->away++;
    pthread_mutex_unlock(&front->lock);
}

/* It did not go after all. */
static void
stays(struct front *front)
{
    pthread_mutex_lock(&front->lock);
    front->away--;
    pthread_mutex_unlock(&front->lock);
}

/* With the lock held, which it gives up: front may be gone right after. */
static void
is_back(struct front *front)
{
    struct rdt_loop *loop = front->loop;
    if (--front->away == 0)
        pthread_cond_signal(&front->home);
    pthread_mutex_unlock(&front->lock);
    rdt_loop_wake(loop);
}

/* On the log's thread. */
static void
synced(struct rdt_audit_batch *audit)
{
    struct batch *batch = audit->user;
    struct front *front = batch->front;
    pthread_mutex_lock(&front->lock);
    batch->next = front->synced;
    front->synced = batch;
    is_back(front);
}

void
rdt_pending_give_back(struct pending *pending)
{
    struct front *front = pending->front;
    pthread_mutex_lock(&front->lock);
    pending->next = front->done;
    front->done = pending;
    is_back(front);
}

/* What came back after the loop stopped answering. */
static void
wait_for_all(struct front *front)
{
    pthread_mutex_lock(&front->lock);
    while (front->away != 0)
        pthread_cond_wait(&front->home, &front->lock);
    pthread_mutex_unlock(&front->lock);
    for (struct pending *at = front->done; at != NULL; at = at->next)
        rdt_buf_done(&at->record);
}

static struct batch *
open_batch(struct front *front)
{
    struct batch *batch = front->open;
    if (batch != NULL)
        return batch;
    if (front->spare != NULL) {
        batch = front->spare;
        front->spare = batch->next;
    } else {
        batch = calloc(1, sizeof *batch);
        if (batch == NULL)
            return NULL;
    }
    batch->front = front;
    batch->next = NULL;
    front->open = batch;
    return batch;
}

static bool
batch_room(struct batch *batch)
{
    if (batch->n < batch->cap)
        return true;
    size_t cap = batch->cap == 0 ? 64 : batch->cap * 2;
    size_t *ends = reallocarray(batch->ends, cap, sizeof *ends);
    if (ends == NULL)
        return false;
    batch->ends = ends;
    struct rdt_span *spans = reallocarray(batch->spans, cap, sizeof *spans);
    if (spans == NULL)
        return false;
    batch->spans = spans;
    batch->cap = cap;
    return true;
}

static void
batch_add(struct batch *batch, struct rdt_exchange *exchange)
{
    batch->ends[batch->n++] = batch->bytes.n;
    exchange->next = NULL;
    if (batch->last != NULL)
        batch->last->next = exchange;
    else
        batch->first = exchange;
    batch->last = exchange;
}

/* ---- answers ---- */

static void
answer(struct rdt_exchange *exchange, const struct rdt_request *request)
{
    char id[RDT_UUID_TEXT];
    rdt_uuid_text(request->id, id);
    exchange->status = rdt_fault_status(request->fault);
    exchange->content_type = JSON_TYPE;
    rdt_buf_str(&exchange->fields, "x-amzn-RequestId: ");
    rdt_buf_str(&exchange->fields, id);
    rdt_buf_str(&exchange->fields, "\r\n");
    if (request->fault != RDT_FAULT_NONE)
        rdt_buf_fmt(&exchange->fields, "x-amzn-ErrorType: %s\r\n", rdt_fault_wire(request->fault));
    rdt_exchange_send(exchange);
}

static void
answer_fault(struct rdt_exchange *exchange, struct rdt_request *request, enum rdt_fault fault,
             const char *words)
{
    request->fault = fault;
    snprintf(request->message, sizeof request->message, "%s", words);
    rdt_fault_body(request);
    answer(exchange, request);
}

static void
answer_text(struct rdt_exchange *exchange, int status, const char *text)
{
    exchange->status = status;
    exchange->content_type = "text/plain; charset=utf-8";
    rdt_buf_str(&exchange->answer, text);
    rdt_exchange_send(exchange);
}

/* The records of a batch are on disk, or cannot be: then nobody learns what the call gave. */
static void
answer_batch(struct batch *batch)
{
    struct rdt_exchange *next, *exchange = batch->first;
    for (; exchange != NULL; exchange = next) {
        struct pending *pending = exchange->user;
        next = exchange->next;
        if (batch->audit.code == RDT_OK)
            answer(exchange, &pending->request);
        else
            answer_fault(exchange, &pending->request, RDT_FAULT_INTERNAL,
                         "the audit log cannot be written");
    }
    struct front *front = batch->front;
    batch->first = batch->last = NULL;
    batch->n = batch->bytes.n = 0;
    batch->next = front->spare;
    front->spare = batch;
}

/* ---- requests ---- */

#define SEALED "the service is sealed: its root has to be opened (redoubt root unseal)"

/* What a loop needs of an open service; made when the first request after the unsealing comes. */
static enum rdt_code
open_front(struct front *front, struct rdt_err *err)
{
    struct rdt_kms *kms = rdt_keys_kms(front->keys);
    if (kms == NULL)
        return rdt_fail(err, RDT_E_STATE, SEALED);
    return front->thread != NULL ? RDT_OK : rdt_kms_thread_open(kms, &front->thread, err);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* inet_ntop() formats the four numbers by sprintf(), at the cost of two hashes. */
static void
ipv4_text(uint32_t address, char *out)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned v = address >> shift & 0xff;
        if (v >= 100)
            *out++ = (char)('0' + v / 100);
        if (v >= 10)
            *out++ = (char)('0' + v / 10 % 10);
        *out++ = (char)('0' + v % 10);
        *out++ = shift == 0 ? '\0' : '.';
    }
}

static void
source_text(const struct sockaddr_storage *peer, char out[static 64])
{
    const void *address = NULL;
    if (peer->ss_family == AF_INET) {
        ipv4_text(ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr), out);
        return;
    }
    if (peer->ss_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    if (address == NULL || inet_ntop(peer->ss_family, address, out, 64) == NULL)
        snprintf(out, 64, "local");
}

/* /24 and /56: what a stranger owns at once counts as one source. */
static void
prefix_text(const struct sockaddr_storage *peer, char out[static 64])
{
    struct sockaddr_storage cut = *peer;
    if (peer->ss_family == AF_INET)
        ((struct sockaddr_in *)&cut)->sin_addr.s_addr &= htonl(0xffffff00u);
    else if (peer->ss_family == AF_INET6)
        memset(((struct sockaddr_in6 *)&cut)->sin6_addr.s6_addr + 7, 0, 9);
    source_text(&cut, out);
}

static void
refuse_stranger(struct front *front, struct rdt_exchange *exchange, struct rdt_request *request)
{
    char prefix[64];
    prefix_text(&exchange->peer, prefix);
    rdt_kms_refusal(rdt_keys_kms(front->keys), prefix, rdt_fault_wire(request->fault));
    rdt_fault_body(request);
    answer(exchange, request);
}

static void
run_reading(struct front *front, struct rdt_exchange *exchange, struct rdt_request *request)
{
    struct batch *batch = open_batch(front);
    if (batch == NULL || !batch_room(batch)) {
        answer_fault(exchange, request, RDT_FAULT_INTERNAL, "out of memory");
        return;
    }
    size_t before = batch->bytes.n;
    request->record = &batch->bytes;
    rdt_kms_read(rdt_keys_kms(front->keys), front->thread, request);
    if (!rdt_buf_ok(&batch->bytes) || !rdt_buf_ok(request->out)) {
        /* what is left of its record would become part of the next call's; and the batch is used
         * again and again: one moment without memory must not refuse every call after it */
        batch->bytes.n = before;
        batch->bytes.failed = batch->bytes.full = false;
        answer_fault(exchange, request, RDT_FAULT_INTERNAL, "out of memory");
        return;
    }
    batch_add(batch, exchange);
}

static void
run_elsewhere(struct front *front, struct pending *pending)
{
    bool slow = pending->request.op->cls == RDT_OP_SLOW;
    pending->request.record = &pending->record;
    goes_away(front);
    if (rdt_lane_queue(slow ? front->keys->reader : front->keys->writer, pending))
        return;
    stays(front);
    answer_fault(pending->exchange, &pending->request, RDT_FAULT_THROTTLING,
                 "too many such calls at once; try again");
}

static void
run_call(struct front *front, struct rdt_exchange *exchange, struct rdt_span target)
{
    struct pending *pending = exchange->user;
    struct rdt_request *request = &pending->request;
    pending->exchange = exchange;
    pending->front = front;
    request->body = exchange->body;
    request->body_n = exchange->body_n;
    request->now_ms = now_ms();
    request->out = &exchange->answer;
    struct rdt_err err = {0};
    if (open_front(front, &err) != RDT_OK) {
        (void)!getrandom(request->id, sizeof request->id, GRND_NONBLOCK);
        answer_fault(exchange, request, RDT_FAULT_INTERNAL, err.text);
        return;
    }
    rdt_kms_request_id(front->thread, request->id);
    source_text(&exchange->peer, request->caller.source);
    const uint8_t *fingerprint = exchange->has_cert ? exchange->cert_fingerprint : NULL;
    if (!rdt_kms_authenticate(rdt_keys_kms(front->keys), front->thread, &exchange->head,
                              fingerprint, request)) {
        refuse_stranger(front, exchange, request);
        return;
    }
    request->op = rdt_op_find(target, exchange->head.path);
    if (request->op == NULL)
        answer_fault(exchange, request, RDT_FAULT_UNKNOWN_OPERATION, "there is no such operation");
    else if (request->op->cls == RDT_OP_WRITE || request->op->cls == RDT_OP_SLOW)
        run_elsewhere(front, pending);
    else
        run_reading(front, exchange, request);
}

static void
answer_ready(struct front *front, struct rdt_exchange *exchange)
{
    struct rdt_err err = {0};
    struct rdt_kms *kms = rdt_keys_kms(front->keys);
    bool ready = kms != NULL && rdt_kms_ready(kms, &err) == RDT_OK;
    answer_text(exchange, ready ? 200 : 503,
                ready         ? "ready\n"
                : kms == NULL ? "sealed\n"
                              : "not ready\n");
}

static void
on_request(void *state, struct rdt_exchange *exchange)
{
    struct front *front = state;
    struct rdt_http_head *head = &exchange->head;
    struct rdt_span target = {0}, second, v1 = {head->path.p, head->path.n < 4 ? head->path.n : 4};
    bool post = rdt_span_is(head->method, "POST"), get = rdt_span_is(head->method, "GET");
    if (post && head->query.n == 0 && rdt_span_is(head->path, "/") &&
        rdt_http_field_find(head, "x-amz-target", 0, &target) && target.n != 0 &&
        !rdt_http_field_find(head, "x-amz-target", 1, &second))
        run_call(front, exchange, target);
    else if (post && head->query.n == 0 && rdt_span_is(v1, "/v1/"))
        run_call(front, exchange, (struct rdt_span){0});
    else if (get && rdt_span_is(head->path, "/healthz"))
        answer_text(exchange, 200, "alive\n");
    else if (get && rdt_span_is(head->path, "/readyz"))
        answer_ready(front, exchange);
    else
        answer_text(exchange, 404, "not found\n");
}

/* ---- hooks ---- */

static void
on_idle(void *state)
{
    struct front *front = state;
    struct batch *batch = front->open;
    if (batch == NULL || batch->n == 0)
        return;
    front->open = NULL;
    for (size_t i = 0, from = 0; i < batch->n; from = batch->ends[i++])
        batch->spans[i] = (struct rdt_span){batch->bytes.p + from, batch->ends[i] - from};
    batch->audit = (struct rdt_audit_batch){
        .records = batch->spans, .n = batch->n, .done = synced, .user = batch};
    goes_away(front);
    enum rdt_code rc = rdt_audit_submit(rdt_kms_log(rdt_keys_kms(front->keys)), &batch->audit);
    if (rc != RDT_OK) {
        stays(front);
        batch->audit.code = rc;
        answer_batch(batch);
    }
}

static void
on_wake(void *state)
{
    struct front *front = state;
    pthread_mutex_lock(&front->lock);
    struct batch *batch = front->synced;
    struct pending *done = front->done;
    front->synced = NULL;
    front->done = NULL;
    pthread_mutex_unlock(&front->lock);
    while (batch != NULL) {
        struct batch *next = batch->next;
        answer_batch(batch);
        batch = next;
    }
    while (done != NULL) {
        struct pending *next = done->next;
        rdt_buf_done(&done->record);
        answer(done->exchange, &done->request);
        done = next;
    }
}

static void
on_refused(void *state, const struct sockaddr_storage *peer, const char *reason)
{
    struct front *front = state;
    char prefix[64];
    struct rdt_kms *kms = rdt_keys_kms(front->keys);
    prefix_text(peer, prefix);
    if (kms != NULL) /* a sealed service has no log */
        rdt_kms_refusal(kms, prefix, reason);
}

static void
on_end(void *user, void *state)
{
    struct front *front = state;
    (void)user;
    wait_for_all(front);
    rdt_kms_thread_close(front->thread);
    batch_free(front->open);
    batch_free(front->spare);
    batch_free(front->synced);
    pthread_cond_destroy(&front->home);
    pthread_mutex_destroy(&front->lock);
    free(front);
}

static enum rdt_code
on_begin(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start a loop");
    front->keys = user;
    front->loop = loop;
    pthread_mutex_init(&front->lock, NULL);
    pthread_cond_init(&front->home, NULL);
    enum rdt_code rc = rdt_keys_kms(front->keys) == NULL ? RDT_OK : open_front(front, err);
    if (rc != RDT_OK) {
        on_end(user, front);
        return rc;
    }
    *state = front;
    return RDT_OK;
}

const struct rdt_server_hooks rdt_front_hooks = {
    .exchange_bytes = sizeof(struct pending),
    .begin = on_begin,
    .end = on_end,
    .request = on_request,
    .idle = on_idle,
    .wake = on_wake,
    .refused = on_refused,
};
