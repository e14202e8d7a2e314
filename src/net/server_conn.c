#include "net/server_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_PER_TURN 8     /* of the socket, each up to a record */
#define REQUESTS_PER_TURN 16 /* of one connection that sends several at once */
#define SHAKES_PER_TURN 8    /* steps of handshakes: each may take a millisecond from requests */

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- open, close */

void
rdt_conn_arm(struct rdt_conn *conn, int events)
{
    if (conn->armed == events)
        return;
    conn->armed = events;
    if (events == 0)
        (void)uv_poll_stop(&conn->poll);
    else
        (void)uv_poll_start(&conn->poll, events, on_poll);
}

static void
free_conn(uv_handle_t *handle)
{
    free(handle->data);
}

static void
count_out(struct rdt_conn *conn, bool shaking)
{
    struct rdt_loop *loop = conn->loop;
    rdt_source_drop(loop->server->sources, conn->source, shaking);
    atomic_fetch_sub_explicit(&loop->open, 1, memory_order_relaxed);
}

void
rdt_conn_open(struct rdt_conn *conn, bool fits)
{
    struct rdt_loop *loop = conn->loop;
    bool shaking = !loop->server->plain;
    rdt_link_init(&conn->queue);
    rdt_link_init(&conn->ready);
    if (!fits || uv_poll_init(&loop->uv, &conn->poll, conn->fd) != 0) {
        count_out(conn, shaking);
        close(conn->fd);
        free(conn);
        return;
    }
    conn->poll.data = conn;
    rdt_conn_phase(conn, shaking ? RDT_PHASE_SHAKE : RDT_PHASE_IDLE);
    rdt_conn_arm(conn, UV_READABLE);
}

/* The caller may still have the exchange: then it stays until it is answered. */
static void
leave_flight(struct rdt_conn *conn)
{
    struct rdt_flight *flight = RDT_STEAL(conn->flight);
    if (flight == NULL)
        return;
    flight->conn = NULL;
    if (!flight->handed)
        rdt_flight_drop(flight);
}

static void
free_tls(struct rdt_conn *conn)
{
    if (conn->ssl == NULL)
        return;
    /* Peers that hang up without a goodbye are common; their sessions stay good. After an error of
     * the protocol libssl has thrown the session away already. */
    if (SSL_is_init_finished(conn->ssl))
        SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    ERR_clear_error();
}

void
rdt_conn_close(struct rdt_conn *conn)
{
    if (conn->phase == RDT_PHASE_CLOSED)
        return;
    count_out(conn, conn->phase == RDT_PHASE_SHAKE);
    conn->phase = RDT_PHASE_CLOSED;
    rdt_link_drop(&conn->queue);
    rdt_link_drop(&conn->ready);
    leave_flight(conn);
    free_tls(conn);
    uv_close((uv_handle_t *)&conn->poll, free_conn);
    close(conn->fd);
}

/* Says that nothing more will be sent. */
static void
goodbye(struct rdt_conn *conn)
{
    if (conn->ssl != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl); /* once: the peer's own goodbye is not waited for */
    }
}

void
rdt_conn_leave(struct rdt_conn *conn)
{
    goodbye(conn);
    rdt_conn_close(conn);
}

/* A socket closed while the peer still sends is reset, and the reset can overtake the answer: so
 * what comes is thrown away for a while (RFC 9112, 9.6). */
static void
linger(struct rdt_conn *conn)
{
    goodbye(conn);
    leave_flight(conn);
    free_tls(conn);
    if (shutdown(conn->fd, SHUT_WR) != 0) {
        rdt_conn_close(conn);
        return;
    }
    rdt_link_drop(&conn->ready);
    rdt_conn_phase(conn, RDT_PHASE_LINGER);
    rdt_conn_arm(conn, UV_READABLE);
}

static void
discard(struct rdt_conn *conn)
{
    struct rdt_loop *loop = conn->loop;
    ssize_t n = recv(conn->fd, loop->scratch, sizeof loop->scratch, 0);
    if (n > 0)
        conn->discarded += (size_t)n;
    bool wait = n > 0 ? conn->discarded <= RDT_SERVER_LINGER_MAX
                      : n < 0 && (errno == EAGAIN || errno == EINTR);
    if (!wait)
        rdt_conn_close(conn);
}

/* ---- handshake */

/* libssl has sent an alert; lingering lets it arrive. */
static void
shake_failed(struct rdt_conn *conn, const char *reason)
{
    struct rdt_loop *loop = conn->loop;
    RDT_COUNT_ONE(loop->counts.handshake_failures);
    rdt_loop_refused(loop, conn, reason);
    rdt_source_shaken(loop->server->sources, conn->source);
    rdt_conn_phase(conn, RDT_PHASE_LINGER);
    free_tls(conn);
    linger(conn);
}

static void
shaken(struct rdt_conn *conn)
{
    struct rdt_loop *loop = conn->loop;
    if (!rdt_conn_identify(conn)) {
        shake_failed(conn, "client certificate cannot be read");
        return;
    }
    RDT_COUNT_ONE(loop->counts.handshakes);
    if (SSL_session_reused(conn->ssl))
        RDT_COUNT_ONE(loop->counts.resumed);
    rdt_source_shaken(loop->server->sources, conn->source);
    rdt_conn_phase(conn, RDT_PHASE_IDLE);
    rdt_conn_arm(conn, UV_READABLE);
    if (SSL_has_pending(conn->ssl)) /* the request came with the handshake's end */
        rdt_conn_pump(conn);
}

static void
shake(struct rdt_conn *conn)
{
    struct rdt_loop *loop = conn->loop;
    if (loop->shakes >= SHAKES_PER_TURN)
        return; /* poll tells again in the next turn */
    loop->shakes++;
    /* Only now: a connection that sends nothing costs no more than its descriptor. */
    if (conn->ssl == NULL && !rdt_conn_tls(conn)) {
        shake_failed(conn, "out of memory");
        return;
    }
    conn->reads = READS_PER_TURN;
    ERR_clear_error();
    int n = SSL_do_handshake(conn->ssl);
    if (n == 1) {
        shaken(conn);
        return;
    }
    switch (SSL_get_error(conn->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        rdt_conn_arm(conn, UV_READABLE);
        return;
    case SSL_ERROR_WANT_WRITE:
        rdt_conn_arm(conn, UV_WRITABLE);
        return;
    default: {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        shake_failed(conn, reason == NULL ? "broken off in the handshake" : reason);
    }
    }
}

/* ---- requests */

bool
rdt_conn_is_idle(const struct rdt_conn *conn)
{
    return conn->phase == RDT_PHASE_IDLE || conn->phase == RDT_PHASE_QUIET;
}

bool
rdt_conn_waits(const struct rdt_conn *conn)
{
    return rdt_conn_is_idle(conn) || conn->phase == RDT_PHASE_HEAD || conn->phase == RDT_PHASE_BODY;
}

/*
 * libssl's two buffers are 33 KiB. A connection that has nothing to say must not hold them, one
 * that sends request after request should not have them made and wiped for each: so it keeps them
 * from its second request on, until it has been idle for a while.
 */
static void
keep_buffers(struct rdt_conn *conn, bool keep)
{
    if (conn->ssl == NULL || conn->buffered == keep)
        return;
    conn->buffered = keep;
    if (keep) {
        SSL_clear_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
    } else {
        SSL_set_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
        (void)SSL_free_buffers(conn->ssl);
    }
}

static void
be_ready(struct rdt_conn *conn)
{
    rdt_link_add(&conn->loop->ready, &conn->ready);
}

/* No more bytes for now. */
static void
rest(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    if (flight != NULL && flight->in_n == 0) {
        rdt_flight_drop(flight);
        conn->flight = NULL;
    }
    rdt_conn_arm(conn, UV_READABLE);
}

/* The peer sends no more: between requests that is how connections end, within one it is wrong. */
static void
at_end(struct rdt_conn *conn, bool orderly)
{
    if (conn->phase == RDT_PHASE_HEAD || conn->phase == RDT_PHASE_BODY) {
        RDT_COUNT_ONE(conn->loop->counts.bad_requests);
        rdt_loop_refused(conn->loop, conn, "request cut short");
    } else if (orderly) {
        rdt_conn_leave(conn);
        return;
    }
    rdt_conn_close(conn);
}

/* One read. False when there is nothing to go on with. */
static bool
fill(struct rdt_conn *conn)
{
    size_t n = 0;
    if (conn->flight == NULL && (conn->flight = rdt_flight_new(conn)) == NULL) {
        rdt_conn_close(conn);
        return false;
    }
    uint8_t *p = rdt_flight_room(conn->flight, &n);
    ssize_t got = rdt_conn_read(conn, p, n);
    if (got > 0) {
        rdt_flight_add(conn->flight, (size_t)got);
        return true;
    }
    if (got == RDT_IO_AGAIN)
        rest(conn);
    else
        at_end(conn, got == 0);
    return false;
}

static void
pump(struct rdt_conn *conn)
{
    unsigned answered = 0;
    bool filled = false;
    conn->reads = READS_PER_TURN;
    for (;;) {
        enum rdt_step step = conn->flight == NULL ? RDT_STEP_MORE : rdt_request_step(conn);
        if (step == RDT_STEP_AWAY)
            return;
        if (step == RDT_STEP_ON && ++answered < REQUESTS_PER_TURN)
            continue;
        if (step == RDT_STEP_ON) {
            be_ready(conn);
            return;
        }
        if (filled && !conn->more) {
            rest(conn); /* poll will tell: a read that finds nothing is a system call for nothing */
            return;
        }
        if (!fill(conn))
            return;
        filled = true;
    }
}

void
rdt_conn_pump(struct rdt_conn *conn)
{
    if (!rdt_conn_waits(conn))
        return;
    conn->pumping = true;
    pump(conn);
    conn->pumping = false;
}

void
rdt_conn_answered(struct rdt_conn *conn)
{
    struct rdt_flight *flight = conn->flight;
    if (conn->closing) {
        linger(conn);
        return;
    }
    size_t used = flight->head_n + (flight->big == NULL ? flight->x.body_n : 0);
    rdt_flight_reset(flight, used);
    rdt_conn_phase(conn, RDT_PHASE_IDLE);
    keep_buffers(conn, conn->streak);
    conn->streak = true;
    if (conn->pumping)
        return;
    if (flight->in_n > 0 || conn->more)
        be_ready(conn);
    rest(conn);
}

void
rdt_conn_expire(struct rdt_conn *conn)
{
    switch (conn->phase) {
    case RDT_PHASE_SHAKE:
        shake_failed(conn, "handshake not in time");
        return;
    case RDT_PHASE_IDLE:
        if (conn->loop->stopping) {
            rdt_conn_leave(conn);
        } else {
            rdt_conn_phase(conn, RDT_PHASE_QUIET);
            conn->streak = false;
            keep_buffers(conn, false);
        }
        return;
    case RDT_PHASE_QUIET:
        rdt_conn_leave(conn);
        return;
    case RDT_PHASE_HEAD:
    case RDT_PHASE_BODY:
        rdt_request_refuse(conn, 408);
        return;
    default:
        rdt_conn_close(conn);
    }
}

void
rdt_conn_settle(struct rdt_conn *conn)
{
    uint8_t byte;
    if (conn->phase == RDT_PHASE_SHAKE) {
        if (conn->ssl == NULL && recv(conn->fd, &byte, 1, MSG_PEEK) <= 0)
            rdt_conn_close(conn);
        return;
    }
    rdt_conn_pump(conn);
    if (rdt_conn_is_idle(conn))
        rdt_conn_leave(conn);
}

/* ---- events */

static void
on_readable(struct rdt_conn *conn)
{
    switch (conn->phase) {
    case RDT_PHASE_SHAKE:
        shake(conn);
        return;
    case RDT_PHASE_IDLE:
    case RDT_PHASE_QUIET:
    case RDT_PHASE_HEAD:
    case RDT_PHASE_BODY:
        rdt_conn_pump(conn);
        return;
    case RDT_PHASE_CALLER:
        rdt_conn_arm(conn, 0); /* the next request, or the end, has to wait for this answer */
        return;
    case RDT_PHASE_LINGER:
        discard(conn);
        return;
    default:
        return;
    }
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct rdt_conn *conn = poll->data;
    if (status < 0) { /* reset by the peer */
        conn->armed = 0;
        at_end(conn, false);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && conn->phase == RDT_PHASE_SEND)
        rdt_answer_flush(conn);
    else if ((events & UV_WRITABLE) != 0 && conn->phase == RDT_PHASE_SHAKE)
        shake(conn);
    else if ((events & UV_READABLE) != 0)
        on_readable(conn);
}
