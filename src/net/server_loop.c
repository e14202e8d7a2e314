#include "base/clock.h"
#include "net/server_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 500
#define FORGET_MS 5000
#define FRESH_MS 1000 /* after a request, until a connection gives its buffers back */
#define DATE_MS 250   /* the clock is looked at this often at most */
#define CROWD 8       /* requests of one turn that make it worth to look for more, */
#define LOOKS_MAX 16  /* so many times */

/*
 * One turn of a loop: libuv polls and calls back for what is ready, which reads, asks the caller
 * and answers; then on_check() goes on with connections whose bytes no poll would tell of, and
 * tells the caller that all has been looked at. uv_poll() is used, not uv_stream: TLS works on the
 * descriptor, with no copy in between.
 */

static const struct {
    int limit_ms; /* 0: none */
} phases[RDT_N_PHASES] = {
    [RDT_PHASE_SHAKE] = {RDT_SERVER_HANDSHAKE_MS},
    [RDT_PHASE_IDLE] = {FRESH_MS},
    [RDT_PHASE_QUIET] = {RDT_SERVER_IDLE_MS - FRESH_MS},
    [RDT_PHASE_HEAD] = {RDT_SERVER_HEAD_MS},
    [RDT_PHASE_BODY] = {RDT_SERVER_BODY_MS},
    [RDT_PHASE_CALLER] = {0},
    [RDT_PHASE_SEND] = {RDT_SERVER_SEND_MS},
    [RDT_PHASE_LINGER] = {RDT_SERVER_LINGER_MS},
    [RDT_PHASE_CLOSED] = {0},
};

void
rdt_conn_phase(struct rdt_conn *conn, enum rdt_phase phase)
{
    struct rdt_loop *loop = conn->loop;
    conn->phase = phase;
    conn->until_ms = uv_now(&loop->uv) + (uint64_t)phases[phase].limit_ms / loop->server->hurry;
    rdt_link_add(&loop->phases[phase], &conn->queue);
}

void
rdt_loop_refused(struct rdt_loop *loop, const struct rdt_conn *conn, const char *reason)
{
    const struct rdt_server_hooks *hooks = &loop->server->hooks;
    if (hooks->refused != NULL)
        hooks->refused(loop->state, &conn->peer, reason);
}

const char *
rdt_loop_date(struct rdt_loop *loop)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t now_ms = uv_now(&loop->uv);
    if (loop->date[0] != '\0' && now_ms - loop->date_ms < DATE_MS)
        return loop->date;
    int64_t now = rdt_now();
    loop->date_ms = now_ms;
    if (now == loop->date_s)
        return loop->date;
    char stamp[RDT_STAMP_TEXT]; /* 2026-11-24T10:15:00Z */
    rdt_stamp_text(now, stamp);
    unsigned month = (unsigned)(stamp[5] - '0') * 10 + (unsigned)(stamp[6] - '0');
    snprintf(loop->date, sizeof loop->date, "%s, %.2s %s %.4s %.8s GMT", days[now / RDT_DAY_S % 7],
             stamp + 8, months[(month - 1) % 12], stamp, stamp + 11);
    loop->date_s = now;
    return loop->date;
}

/* ---- closing what is too much or too old */

static struct rdt_conn *
first_of(struct rdt_loop *loop, enum rdt_phase phase)
{
    struct rdt_link *list = &loop->phases[phase];
    return rdt_link_alone(list) ? NULL : RDT_ITEM(list->next, rdt_conn, queue);
}

/* libssl looks for old sessions when new ones come; nobody comes, and they hold certificates. */
static void
forget_sessions(struct rdt_loop *loop)
{
    uint64_t now_ms = uv_now(&loop->uv);
    if (loop->tls == NULL || now_ms < loop->forget_ms)
        return;
    loop->forget_ms = now_ms + FORGET_MS;
    SSL_CTX_flush_sessions(loop->tls, (long)rdt_now());
}

static void
on_tick(uv_timer_t *timer)
{
    struct rdt_loop *loop = timer->data;
    uint64_t now = uv_now(&loop->uv);
    for (int phase = 0; phase < RDT_N_PHASES; phase++) {
        struct rdt_conn *conn;
        while (phases[phase].limit_ms != 0 && (conn = first_of(loop, phase)) != NULL &&
               conn->until_ms <= now)
            rdt_conn_expire(conn);
    }
    forget_sessions(loop);
    bool needed = atomic_load_explicit(&loop->open, memory_order_relaxed) > 0 ||
                  (loop->tls != NULL && SSL_CTX_sess_number(loop->tls) > 0);
    if (!needed)
        (void)uv_timer_stop(timer);
}

static bool
evict_idle(struct rdt_loop *loop)
{
    struct rdt_conn *conn = first_of(loop, RDT_PHASE_QUIET);
    if (conn == NULL)
        conn = first_of(loop, RDT_PHASE_IDLE);
    if (conn != NULL)
        rdt_conn_leave(conn);
    return conn != NULL;
}

/* Connections that wait for nothing go, but not before a last look at each. */
static void
settle(struct rdt_loop *loop)
{
    static const enum rdt_phase waiting[] = {RDT_PHASE_SHAKE, RDT_PHASE_IDLE, RDT_PHASE_QUIET};
    struct rdt_link list;
    rdt_link_init(&list);
    for (size_t i = 0; i < RDT_COUNT(waiting); i++)
        for (struct rdt_conn *conn; (conn = first_of(loop, waiting[i])) != NULL;)
            rdt_link_add(&list, &conn->queue);
    while (!rdt_link_alone(&list)) {
        struct rdt_conn *conn = RDT_ITEM(list.next, rdt_conn, queue);
        rdt_link_add(&loop->phases[conn->phase], &conn->queue);
        rdt_conn_settle(conn);
    }
}

static void
cut_off(struct rdt_loop *loop)
{
    for (int phase = 0; phase < RDT_PHASE_CLOSED; phase++) {
        struct rdt_conn *conn;
        while ((conn = first_of(loop, phase)) != NULL)
            rdt_conn_close(conn);
    }
}

static void
on_grace(uv_timer_t *timer)
{
    struct rdt_loop *loop = timer->data;
    cut_off(loop);
    uv_stop(&loop->uv);
}

/* ---- a turn */

static void
begin_conns(struct rdt_loop *loop, struct rdt_conn *arrivals)
{
    struct rdt_conn *first = NULL;
    while (arrivals != NULL) { /* they were put in front one by one */
        struct rdt_conn *conn = arrivals;
        arrivals = conn->next;
        conn->next = first;
        first = conn;
    }
    while (first != NULL) {
        struct rdt_conn *conn = first;
        first = conn->next;
        conn->loop = loop;
        bool fits =
            atomic_load_explicit(&loop->open, memory_order_relaxed) <= RDT_SERVER_CONNS_MAX ||
            evict_idle(loop);
        if (!fits)
            RDT_COUNT_ONE(loop->counts.refused_limit);
        rdt_conn_open(conn, fits);
    }
}

static void
on_control(uv_async_t *async)
{
    struct rdt_loop *loop = async->data;
    pthread_mutex_lock(&loop->lock);
    struct rdt_conn *arrivals = RDT_STEAL(loop->arrivals);
    SSL_CTX *tls = RDT_STEAL(loop->next_tls);
    bool evict = loop->evict, stop = loop->stop;
    int grace_ms = loop->grace_ms;
    loop->evict = loop->stop = false;
    pthread_mutex_unlock(&loop->lock);
    if (tls != NULL) {
        SSL_CTX_free(loop->tls);
        loop->tls = tls;
    }
    if (evict)
        (void)evict_idle(loop);
    begin_conns(loop, arrivals);
    if (stop) {
        loop->stopping = true;
        (void)uv_timer_start(&loop->grace, on_grace, (uint64_t)(grace_ms > 0 ? grace_ms : 0), 0);
        settle(loop);
    }
}

static void
on_wake(uv_async_t *async)
{
    struct rdt_loop *loop = async->data;
    if (loop->server->hooks.wake != NULL)
        loop->server->hooks.wake(loop->state);
}

static void
on_spin(uv_idle_t *idle)
{
    (void)idle; /* that it is there is all it does */
}

static void
pump_ready(struct rdt_loop *loop)
{
    struct rdt_link now;
    rdt_link_init(&now);
    if (rdt_link_alone(&loop->ready))
        return;
    /* Those who come back to the list meanwhile wait for the next turn. */
    now = loop->ready;
    now.next->prev = now.prev->next = &now;
    rdt_link_init(&loop->ready);
    while (!rdt_link_alone(&now)) {
        struct rdt_conn *conn = RDT_ITEM(now.next, rdt_conn, ready);
        rdt_link_drop(&conn->ready);
        rdt_conn_pump(conn);
    }
}

/*
 * Where several peers ask at once, more of them ask while the first are served: one more turn,
 * which does not wait, before what was kept is handed on. One alone is not put off.
 */
static bool
look_again(struct rdt_loop *loop)
{
    bool more = loop->asked != loop->counted;
    loop->counted = loop->asked;
    if (loop->asked < CROWD || !more || loop->looks == LOOKS_MAX)
        return false;
    loop->looks++;
    return true;
}

static void
on_check(uv_check_t *check)
{
    struct rdt_loop *loop = check->data;
    pump_ready(loop);
    loop->shakes = 0;
    bool look = look_again(loop);
    if (loop->asked > 0 && !look && loop->server->hooks.idle != NULL) {
        loop->asked = loop->counted = loop->looks = 0;
        loop->server->hooks.idle(loop->state);
    }
    if (rdt_link_alone(&loop->ready) && !look)
        (void)uv_idle_stop(&loop->spin);
    else
        (void)uv_idle_start(&loop->spin, on_spin);
    unsigned open = atomic_load_explicit(&loop->open, memory_order_relaxed);
    if (loop->stopping && open == 0 && loop->n_handed == 0)
        uv_stop(&loop->uv);
    uint64_t every = TICK_MS / loop->server->hurry;
    if (open > 0 && !uv_is_active((uv_handle_t *)&loop->tick))
        (void)uv_timer_start(&loop->tick, on_tick, every, every == 0 ? 1 : every);
}

/* ---- from other threads */

void
rdt_loop_arrive(struct rdt_loop *loop, struct rdt_conn *conn)
{
    atomic_fetch_add_explicit(&loop->open, 1, memory_order_relaxed);
    pthread_mutex_lock(&loop->lock);
    bool first = loop->arrivals == NULL;
    conn->next = loop->arrivals;
    loop->arrivals = conn;
    pthread_mutex_unlock(&loop->lock);
    if (first)
        (void)uv_async_send(&loop->control);
}

void
rdt_loop_evict(struct rdt_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->evict = true;
    pthread_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->control);
}

void
rdt_loop_adopt(struct rdt_loop *loop, SSL_CTX *tls)
{
    pthread_mutex_lock(&loop->lock);
    SSL_CTX *unused = loop->next_tls;
    loop->next_tls = tls;
    pthread_mutex_unlock(&loop->lock);
    SSL_CTX_free(unused);
    (void)uv_async_send(&loop->control);
}

void
rdt_loop_stop(struct rdt_loop *loop, int grace_ms)
{
    pthread_mutex_lock(&loop->lock);
    loop->stop = true;
    loop->grace_ms = grace_ms;
    pthread_mutex_unlock(&loop->lock);
    (void)uv_async_send(&loop->control);
}

void
rdt_loop_wake(struct rdt_loop *loop)
{
    (void)uv_async_send(&loop->wake);
}

/* ---- life */

enum rdt_code
rdt_loop_init(struct rdt_loop *loop, struct rdt_server *server, struct rdt_err *err)
{
    loop->server = server;
    rdt_link_init(&loop->ready);
    rdt_link_init(&loop->flights);
    for (int i = 0; i < RDT_N_PHASES; i++)
        rdt_link_init(&loop->phases[i]);
    if (pthread_mutex_init(&loop->lock, NULL) != 0)
        return rdt_fail(err, RDT_E_NOMEM, "event loop");
    if (uv_loop_init(&loop->uv) != 0) {
        pthread_mutex_destroy(&loop->lock);
        return rdt_fail(err, RDT_E_INTERNAL, "event loop: no descriptor or no memory");
    }
    loop->has_uv = true;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0 ||
        uv_async_init(&loop->uv, &loop->control, on_control) != 0)
        return rdt_fail(err, RDT_E_INTERNAL, "event loop: no descriptor");
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_timer_init(&loop->uv, &loop->grace);
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_idle_init(&loop->uv, &loop->spin);
    (void)uv_check_start(&loop->check, on_check);
    loop->wake.data = loop->control.data = loop->tick.data = loop->grace.data = loop;
    loop->check.data = loop;
    return RDT_OK;
}

static void
close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void
rdt_loop_done(struct rdt_loop *loop)
{
    if (loop->has_uv) {
        begin_conns(loop, RDT_STEAL(loop->arrivals));
        cut_off(loop);
        uv_walk(&loop->uv, close_handle, NULL);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        (void)uv_loop_close(&loop->uv);
        pthread_mutex_destroy(&loop->lock);
    }
    while (!rdt_link_alone(&loop->flights))
        rdt_flight_free(RDT_ITEM(loop->flights.next, rdt_flight, all));
    SSL_CTX_free(loop->next_tls);
    SSL_CTX_free(loop->tls);
    OSSL_LIB_CTX_free(loop->lib);
}

static enum rdt_code
begin(struct rdt_loop *loop)
{
    struct rdt_server *server = loop->server;
    struct rdt_err err = {0};
    enum rdt_code rc = RDT_OK;
    if (server->hooks.begin != NULL)
        rc = server->hooks.begin(server->hooks.user, loop, &loop->state, &err);
    pthread_mutex_lock(&server->lock);
    server->n_begun++;
    if (rc != RDT_OK && server->begin_err.code == RDT_OK) {
        server->begin_err = err;
        server->begin_err.code = rc;
    }
    pthread_cond_signal(&server->begun);
    pthread_mutex_unlock(&server->lock);
    return rc;
}

void *
rdt_loop_run(void *arg)
{
    struct rdt_loop *loop = arg;
    if (begin(loop) == RDT_OK) {
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        if (loop->server->hooks.end != NULL)
            loop->server->hooks.end(loop->server->hooks.user, loop->state);
    }
    /* Random generators are per thread and library context; nobody else frees this thread's. */
    OPENSSL_thread_stop_ex(loop->lib);
    OPENSSL_thread_stop();
    return NULL;
}
