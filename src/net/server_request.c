#include "base/clock.h"
#include "net/server_internal.h"

#include <stdlib.h>

#define SPARES 128                 /* flights that a loop keeps for the next requests */
#define KEEP_BYTES ((size_t)65536) /* of an answer's buffer; a larger one is freed */

/* ---- flights */

struct rdt_flight *
rdt_flight_new(struct rdt_conn *conn)
{
    struct rdt_loop *loop = conn->loop;
    struct rdt_flight *flight = loop->spare;
    if (flight != NULL) {
        loop->spare = flight->spare;
        loop->n_spare--;
    } else {
        flight = calloc(1, sizeof *flight + loop->server->hooks.exchange_bytes);
        if (flight == NULL)
            return NULL;
        rdt_link_init(&flight->all);
        rdt_link_add(&loop->flights, &flight->all);
        flight->x.loop = loop;
        flight->x.user = flight->user;
    }
    flight->conn = conn;
    return flight;
}

static void
wipe_buf(struct rdt_buf *buf)
{
    if (buf->n > 0)
        explicit_bzero(buf->p, buf->n);
    if (buf->cap > KEEP_BYTES || buf->failed)
        rdt_buf_done(buf);
    buf->n = 0;
}

/* Requests and answers carry plaintext and data keys: nothing of them stays behind. */
void
rdt_flight_reset(struct rdt_flight *flight, size_t keep)
{
    struct rdt_loop *loop = flight->x.loop;
    struct rdt_exchange *x = &flight->x;
    size_t left = flight->in_n - keep;
    if (left > 0)
        memmove(flight->in, flight->in + keep, left);
    explicit_bzero(flight->in + left, keep);
    flight->in_n = left;
    if (flight->big != NULL) {
        explicit_bzero(flight->big, flight->big_n);
        free(flight->big);
        flight->big = NULL;
        loop->big_bytes -= (size_t)x->head.content_length;
    }
    wipe_buf(&x->fields);
    wipe_buf(&x->answer);
    wipe_buf(&flight->held);
    if (loop->server->hooks.exchange_bytes > 0)
        explicit_bzero(flight->user, loop->server->hooks.exchange_bytes);
    flight->held_at = flight->answer_at = flight->head_n = flight->big_n = 0;
    flight->has_head = flight->handed = false;
    x->body = NULL;
    x->body_n = 0;
    x->status = 0;
    x->content_type = NULL;
    x->close = false;
    x->next = NULL;
}

void
rdt_flight_free(struct rdt_flight *flight)
{
    rdt_flight_reset(flight, flight->in_n);
    rdt_link_drop(&flight->all);
    rdt_buf_done(&flight->x.fields);
    rdt_buf_done(&flight->x.answer);
    rdt_buf_done(&flight->held);
    free(flight);
}

void
rdt_flight_drop(struct rdt_flight *flight)
{
    struct rdt_loop *loop = flight->x.loop;
    if (loop->n_spare >= SPARES) {
        rdt_flight_free(flight);
        return;
    }
    rdt_flight_reset(flight, flight->in_n);
    flight->conn = NULL;
    flight->spare = loop->spare;
    loop->spare = flight;
    loop->n_spare++;
}

uint8_t *
rdt_flight_room(struct rdt_flight *flight, size_t *n)
{
    if (flight->big != NULL) {
        *n = (size_t)flight->x.head.content_length - flight->big_n;
        return flight->big + flight->big_n;
    }
    *n = sizeof flight->in - flight->in_n;
    return flight->in + flight->in_n;
}

void
rdt_flight_add(struct rdt_flight *flight, size_t n)
{
    if (flight->big != NULL)
        flight->big_n += n;
    else
        flight->in_n += n;
}

/* ---- refusals */

static const struct {
    int status;
    const char *reason;
} refusals[] = {
    {400, "malformed request"      },
    {408, "request not in time"    },
    {411, "transfer encoding"      },
    {413, "body too large"         },
    {414, "target too long"        },
    {417, "unknown expectation"    },
    {431, "head too large"         },
    {503, "too many large bodies"  },
    {505, "unknown version of HTTP"},
};

static const char *
reason_of(int status)
{
    for (size_t i = 0; i < RDT_COUNT(refusals); i++)
        if (refusals[i].status == status)
            return refusals[i].reason;
    return refusals[0].reason;
}

void
rdt_request_refuse(struct rdt_conn *conn, int status)
{
    struct rdt_exchange *x = &conn->flight->x;
    RDT_COUNT_ONE(conn->loop->counts.bad_requests);
    rdt_loop_refused(conn->loop, conn, reason_of(status));
    x->status = status;
    x->content_type = "text/plain; charset=utf-8";
    x->close = true;
    rdt_buf_str(&x->answer, rdt_status_words(status));
    rdt_buf_str(&x->answer, "\n");
    conn->flight->has_head = false; /* whether it was a HEAD request is not for sure */
    rdt_answer_send(conn);
}

/* ---- head, body, caller */

static enum rdt_step
refuse(struct rdt_conn *conn, int status)
{
    rdt_request_refuse(conn, status);
    return RDT_STEP_AWAY;
}

static enum rdt_step
want_more(struct rdt_conn *conn, enum rdt_phase phase)
{
    if (conn->phase != phase)
        rdt_conn_phase(conn, phase);
    return RDT_STEP_MORE;
}

/* A body that does not fit behind its head gets memory of its own, as long as the loop has some. */
static bool
begin_big(struct rdt_flight *flight)
{
    struct rdt_loop *loop = flight->x.loop;
    size_t want = (size_t)flight->x.head.content_length;
    if (want > RDT_SERVER_BODIES_MAX - loop->big_bytes)
        return false;
    flight->big = malloc(want);
    if (flight->big == NULL)
        return false;
    loop->big_bytes += want;
    flight->big_n = flight->in_n - flight->head_n;
    memcpy(flight->big, flight->in + flight->head_n, flight->big_n);
    explicit_bzero(flight->in + flight->head_n, flight->big_n);
    flight->in_n = flight->head_n;
    return true;
}

/* The head has just been read: is the body welcome? */
static int
judge_head(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    const struct rdt_http_head *head = &flight->x.head;
    size_t here = flight->in_n - flight->head_n;
    if (head->content_length > RDT_SERVER_BODY_MAX)
        return 413;
    if (head->content_length > sizeof flight->in - flight->head_n && !begin_big(flight))
        return 503;
    if (head->expect_continue && here == 0 && head->content_length > 0)
        rdt_answer_continue(conn);
    return 0;
}

static enum rdt_step
read_head(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    struct rdt_span in = {flight->in, flight->in_n};
    int status = 400;
    if (in.n == 0)
        return RDT_STEP_MORE;
    switch (rdt_http_head_read(in, &flight->x.head, &flight->head_n, &status)) {
    case RDT_HTTP_MORE:
        if (in.n == sizeof flight->in)
            return refuse(conn, 431);
        return want_more(conn, RDT_PHASE_HEAD);
    case RDT_HTTP_REFUSED:
        return refuse(conn, status);
    case RDT_HTTP_HEAD:
        break;
    }
    flight->has_head = true;
    status = judge_head(conn);
    if (status != 0)
        return refuse(conn, status);
    return conn->phase == RDT_PHASE_CLOSED ? RDT_STEP_AWAY : RDT_STEP_ON;
}

static enum rdt_step
ask(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    struct rdt_loop *loop = conn->loop;
    struct rdt_exchange *x = &flight->x;
    x->body = flight->big != NULL ? flight->big : flight->in + flight->head_n;
    x->body_n = (size_t)x->head.content_length;
    x->peer = conn->peer;
    x->has_cert = conn->has_cert;
    if (x->has_cert && rdt_now() > conn->cert_until_s) { /* it ran out on an open connection */
        x->has_cert = false;
        x->close = true;
    }
    memcpy(x->cert_fingerprint, conn->cert_fingerprint, sizeof x->cert_fingerprint);
    RDT_COUNT_ONE(loop->counts.requests);
    loop->asked++;
    loop->n_handed++;
    flight->handed = true;
    rdt_conn_phase(conn, RDT_PHASE_CALLER);
    loop->server->hooks.request(loop->state, x);
    return conn->phase == RDT_PHASE_IDLE ? RDT_STEP_ON : RDT_STEP_AWAY;
}

enum rdt_step
rdt_request_step(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    if (!flight->has_head) {
        enum rdt_step step = read_head(conn);
        if (step != RDT_STEP_ON)
            return step;
    }
    size_t here = flight->big != NULL ? flight->big_n : flight->in_n - flight->head_n;
    if (here < flight->x.head.content_length)
        return want_more(conn, RDT_PHASE_BODY);
    return ask(conn);
}

void
rdt_exchange_send(struct rdt_exchange *exchange)
{
    struct rdt_flight *flight = (struct rdt_flight *)exchange;
    flight->handed = false;
    exchange->loop->n_handed--;
    if (flight->conn == NULL)
        rdt_flight_drop(flight);
    else
        rdt_answer_send(flight->conn);
}
