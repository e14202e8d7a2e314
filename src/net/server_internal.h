/*
 * server_internal.h - what the files of the server share: loops, connections, flights.
 *
 * server.c          life of a server
 * server_listen.c   addresses to listening sockets
 * server_accept.c   the thread that accepts and gives each connection to a loop
 * server_source.c   how many connections each source prefix has
 * server_loop.c     a loop: its thread, its turns, its time limits
 * server_conn.c     a connection: handshake, reading, closing
 * server_io.c       bytes in and out of a connection
 * server_request.c  bytes to a request, a request to the caller
 * server_answer.c   the caller's answer to bytes
 * server_tls.c      certificates, contexts, sessions
 */
#ifndef RDT_NET_SERVER_INTERNAL_H
#define RDT_NET_SERVER_INTERNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "net/server.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#define RDT_RECORD_LEN ((size_t)16384) /* bytes of a full TLS record */

/* ---- lists: a link in each item, a link as the list's head */

struct rdt_link {
    struct rdt_link *prev, *next; /* to themselves when in no list */
};

#define RDT_ITEM(link_, type, member)                                                              \
    ((struct type *)(void *)((char *)(link_)-offsetof(struct type, member)))

/* rdt_link_init - an item in no list, or an empty list. */
static inline void
rdt_link_init(struct rdt_link *link)
{
    link->prev = link->next = link;
}

/* rdt_link_alone - whether a list is empty, or an item in none. */
static inline bool
rdt_link_alone(const struct rdt_link *link)
{
    return link->next == link;
}

/* rdt_link_drop - take an item out of its list, if it is in one. */
static inline void
rdt_link_drop(struct rdt_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    rdt_link_init(link);
}

/* rdt_link_add - put an item last in a list, out of the one that it was in. */
static inline void
rdt_link_add(struct rdt_link *list, struct rdt_link *link)
{
    rdt_link_drop(link);
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

/* ---- connections */

/*
 * What a connection waits for. Each phase has one time limit, so a list in order of arrival is in
 * order of deadline, and its first item is the oldest: no timer for each connection.
 */
enum rdt_phase {
    RDT_PHASE_SHAKE,  /* TLS handshake */
    RDT_PHASE_IDLE,   /* nothing of a request is here, but likely soon */
    RDT_PHASE_QUIET,  /* the same for longer: it has no buffers any more */
    RDT_PHASE_HEAD,   /* part of its head is */
    RDT_PHASE_BODY,   /* its head is, part of its body is not */
    RDT_PHASE_CALLER, /* the caller has it; no limit of ours */
    RDT_PHASE_SEND,   /* the peer has not taken all of the answer */
    RDT_PHASE_LINGER, /* nothing more is sent; what still comes is thrown away */
    RDT_PHASE_CLOSED,
    RDT_N_PHASES
};

struct rdt_source;
struct rdt_sources;
struct rdt_flight;

struct rdt_conn {
    struct rdt_link queue; /* of its phase */
    struct rdt_link ready; /* bytes that no poll will tell of wait inside */
    enum rdt_phase phase;
    int armed; /* UV_READABLE | UV_WRITABLE: what poll waits for */
    int fd;
    bool pumping;      /* rdt_conn_pump() is at work below us on the stack */
    bool more;         /* bytes may be left behind the last read, where poll does not see them */
    bool closing;      /* after this answer */
    bool streak;       /* it has had an answer, and was not idle for long since */
    bool buffered;     /* it keeps libssl's buffers */
    bool has_cert;     /* the peer proved one */
    unsigned reads;    /* of the socket that are left in this turn */
    size_t discarded;  /* bytes, while lingering */
    uint64_t until_ms; /* deadline of the phase, on the loop's clock */
    struct rdt_loop *loop;
    struct rdt_source *source; /* NULL for a unix socket */
    SSL *ssl;                  /* NULL: plain, not begun, or lingering */
    struct rdt_flight *flight; /* NULL between requests */
    struct rdt_conn *next;     /* among new arrivals */
    uv_poll_t poll;
    int64_t cert_until_s; /* the peer's certificate expires */
    uint8_t cert_fingerprint[RDT_SHA256_LEN];
    struct sockaddr_storage peer;
};

/* A request on its way and its answer: the memory that an idle connection does not need. */
struct rdt_flight {
    struct rdt_exchange x; /* first: the caller's pointer is ours */
    struct rdt_conn *conn; /* NULL when the peer left while the caller had the exchange */
    struct rdt_link all;   /* of the loop's flights */
    struct rdt_flight *spare;
    bool has_head; /* x.head is filled; its first head_n bytes are the head */
    bool handed;   /* the caller has it */
    size_t in_n, head_n;
    uint8_t *big; /* a body that does not fit behind its head */
    size_t big_n;
    struct rdt_buf held; /* what the peer has not taken, before the rest of x.answer */
    size_t held_at, answer_at;
    uint8_t in[RDT_HTTP_REQUEST_HEAD_MAX];
    max_align_t user[]; /* x.user: hooks.exchange_bytes */
};

/* ---- loops */

#define RDT_COUNTERS(X)                                                                            \
    X(accepted)                                                                                    \
    X(refused_limit)                                                                               \
    X(handshakes)                                                                                  \
    X(resumed)                                                                                     \
    X(handshake_failures)                                                                          \
    X(requests)                                                                                    \
    X(bad_requests)

#define X(name) _Atomic uint64_t name;
struct rdt_counters {
    RDT_COUNTERS(X)
};
#undef X

/* One writer for each counter: no locked instruction is needed. */
#define RDT_COUNT_ONE(counter)                                                                     \
    atomic_store_explicit(&(counter), atomic_load_explicit(&(counter), memory_order_relaxed) + 1,  \
                          memory_order_relaxed)

struct rdt_loop {
    struct rdt_server *server;
    struct rdt_counters counts;
    _Atomic unsigned open; /* connections, those still among the arrivals included */
    bool running;          /* the thread is to be joined */
    bool has_uv;
    pthread_t thread;
    OSSL_LIB_CTX *lib;
    SSL_CTX *tls; /* for new connections; the loop's thread only, once it runs */
    void *state;  /* the caller's */

    uv_loop_t uv;
    uv_async_t wake, control;
    uv_timer_t tick, grace;
    uv_check_t check;
    uv_idle_t spin; /* keeps poll from sleeping while connections are ready */

    struct rdt_link phases[RDT_N_PHASES];
    struct rdt_link ready;
    struct rdt_link flights; /* all */
    struct rdt_flight *spare;
    unsigned n_spare;
    unsigned n_handed; /* exchanges that the caller has */
    unsigned shakes;   /* steps of handshakes in this turn */
    size_t big_bytes;  /* of large bodies */
    unsigned asked;    /* calls of the request hook since the idle hook */
    unsigned counted;  /* what that was at the end of the last turn */
    unsigned looks;    /* turns that the idle hook was put off */
    bool stopping;
    int64_t date_s;
    uint64_t forget_ms; /* on the loop's clock, when old sessions are looked for again */
    uint64_t date_ms;   /* on the loop's clock, when the date was looked at */
    char date[40];      /* "Tue, 24 Nov 2026 10:15:00 GMT" */
    uint8_t scratch[RDT_RECORD_LEN];

    /* From other threads, under the lock; then control is sent. */
    pthread_mutex_t lock;
    struct rdt_conn *arrivals;
    SSL_CTX *next_tls;
    bool evict;
    bool stop;
    int grace_ms;
};

struct rdt_listener {
    int fd;
    bool ours;  /* bound here, not given by socket activation */
    char *path; /* unix socket that is removed in the end */
};

struct rdt_server {
    struct rdt_server_hooks hooks;
    bool plain;
    bool stopped;
    unsigned hurry;
    unsigned n_loops;
    size_t n_listeners;
    struct rdt_listener listeners[RDT_SERVER_LISTENERS_MAX];
    uint16_t port;
    int fd_most;                /* descriptors from here on are not for strangers */
    struct rdt_counters counts; /* of the accepting thread */
    struct rdt_sources *sources;
    bool accepting; /* the thread is to be joined */
    pthread_t acceptor;
    int stop_fd; /* an eventfd that ends it */
    char *cert_file, *key_file, *client_ca_file;
    pthread_mutex_t lock; /* one reload, start or stop at a time */
    pthread_cond_t begun;
    unsigned n_begun; /* threads whose begin hook has returned */
    struct rdt_err begin_err;
    struct rdt_loop *loops;
};

/* server_listen.c */

/* rdt_server_listen - fill server->listeners and port from opts.  Fails: as rdt_server_open(). */
RDT_MUST_CHECK enum rdt_code rdt_server_listen(struct rdt_server *server,
                                               const struct rdt_server_opts *opts,
                                               struct rdt_err *err);

/* rdt_server_unlisten - close them all. */
void rdt_server_unlisten(struct rdt_server *server);

/* server_accept.c */

/* rdt_server_accept - the accepting thread; arg is the server. */
void *rdt_server_accept(void *arg);

/* server_source.c */

/* rdt_sources_new - NULL when out of memory.  Threads may share the result. */
struct rdt_sources *rdt_sources_new(void);

/* rdt_sources_free - NULL is fine. */
void rdt_sources_free(struct rdt_sources *sources);

/*
 * rdt_source_take - count a connection for the prefix of its peer (/24 or /56).
 *
 *   shaking   it begins with a handshake, which is counted too
 *   out       becomes NULL for a peer without an address
 *
 * Returns false when that is one too many, or when out of memory.
 */
RDT_MUST_CHECK bool rdt_source_take(struct rdt_sources *sources,
                                    const struct sockaddr_storage *peer, bool shaking,
                                    struct rdt_source **out);

/* rdt_source_shaken - the handshake is over.  source may be NULL. */
void rdt_source_shaken(struct rdt_sources *sources, struct rdt_source *source);

/* rdt_source_drop - the connection has ended.  source may be NULL. */
void rdt_source_drop(struct rdt_sources *sources, struct rdt_source *source, bool shaking);

/* server_loop.c */

/* rdt_loop_init - make the parts of a loop; rdt_loop_done() undoes it, also after a failure. */
RDT_MUST_CHECK enum rdt_code rdt_loop_init(struct rdt_loop *loop, struct rdt_server *server,
                                           struct rdt_err *err);

/* rdt_loop_done - free a loop whose thread has ended or never was. */
void rdt_loop_done(struct rdt_loop *loop);

/* rdt_loop_run - the loop's thread; arg is the loop. */
void *rdt_loop_run(void *arg);

/* rdt_loop_arrive - give a loop a new connection.  From any thread. */
void rdt_loop_arrive(struct rdt_loop *loop, struct rdt_conn *conn);

/* rdt_loop_evict - have it close its oldest idle connection.  From any thread. */
void rdt_loop_evict(struct rdt_loop *loop);

/* rdt_loop_adopt - have it use another context for new connections.  From any thread. */
void rdt_loop_adopt(struct rdt_loop *loop, SSL_CTX *tls);

/* rdt_loop_stop - have it end.  From any thread. */
void rdt_loop_stop(struct rdt_loop *loop, int grace_ms);

/* rdt_loop_date - the present second as HTTP wants it. */
const char *rdt_loop_date(struct rdt_loop *loop);

/* rdt_loop_refused - tell the caller that a peer sent what it should not. */
void rdt_loop_refused(struct rdt_loop *loop, const struct rdt_conn *conn, const char *reason);

/* server_conn.c */

/* rdt_conn_open - begin with a connection that has arrived, or close it when it is one too many. */
void rdt_conn_open(struct rdt_conn *conn, bool fits);

/* rdt_conn_phase - enter a phase, from its list's end and with its whole time limit. */
void rdt_conn_phase(struct rdt_conn *conn, enum rdt_phase phase);

/* rdt_conn_arm - wait for these events; nothing is done when poll does already. */
void rdt_conn_arm(struct rdt_conn *conn, int events);

/* rdt_conn_pump - read and handle requests until there is no more, or others have to have a turn.
 */
void rdt_conn_pump(struct rdt_conn *conn);

/* rdt_conn_answered - the answer has been sent: what comes next. */
void rdt_conn_answered(struct rdt_conn *conn);

/* rdt_conn_expire - its phase has taken too long. */
void rdt_conn_expire(struct rdt_conn *conn);

/* rdt_conn_waits - whether it is between requests, or within one that is still coming. */
bool rdt_conn_waits(const struct rdt_conn *conn);

/* rdt_conn_is_idle - whether it is between requests. */
bool rdt_conn_is_idle(const struct rdt_conn *conn);

/* rdt_conn_settle - have a look for a request that nobody has seen yet; without one, close. */
void rdt_conn_settle(struct rdt_conn *conn);

/* rdt_conn_leave - say goodbye and close; for a connection that waits for a request. */
void rdt_conn_leave(struct rdt_conn *conn);

/* rdt_conn_close - close at once. */
void rdt_conn_close(struct rdt_conn *conn);

/* server_io.c */

#define RDT_IO_AGAIN ((ssize_t)-1) /* nothing now; poll will tell */
#define RDT_IO_DEAD ((ssize_t)-2)  /* the connection is of no more use */

/* rdt_conn_tls - make conn->ssl.  False when out of memory. */
RDT_MUST_CHECK bool rdt_conn_tls(struct rdt_conn *conn);

/* rdt_conn_read - 1..n bytes; 0 when the peer sends no more; RDT_IO_*.  Sets conn->more. */
ssize_t rdt_conn_read(struct rdt_conn *conn, uint8_t *p, size_t n);

/* rdt_conn_write - 1..n bytes; RDT_IO_*.  After RDT_IO_AGAIN the same bytes must be tried again. */
ssize_t rdt_conn_write(struct rdt_conn *conn, const uint8_t *p, size_t n);

/* server_request.c */

enum rdt_step {
    RDT_STEP_MORE, /* more bytes are needed */
    RDT_STEP_ON,   /* go on: a request was answered, the next may be here */
    RDT_STEP_AWAY, /* the connection waits for something else, or is closed */
};

/* rdt_flight_new - room for a request, from the loop's spare ones; NULL when out of memory. */
struct rdt_flight *rdt_flight_new(struct rdt_conn *conn);

/* rdt_flight_reset - wipe what one request left, keeping bytes from keep on. */
void rdt_flight_reset(struct rdt_flight *flight, size_t keep);

/* rdt_flight_drop - wipe it and give it back; its connection has none then. */
void rdt_flight_drop(struct rdt_flight *flight);

/* rdt_flight_free - free its memory. */
void rdt_flight_free(struct rdt_flight *flight);

/* rdt_flight_room - where the next bytes go, at least one. */
uint8_t *rdt_flight_room(struct rdt_flight *flight, size_t *n);

/* rdt_flight_add - n bytes have been put there. */
void rdt_flight_add(struct rdt_flight *flight, size_t n);

/* rdt_request_step - look at what has arrived and hand a whole request to the caller. */
enum rdt_step rdt_request_step(struct rdt_conn *conn);

/* rdt_request_refuse - answer with an error of our own and close. */
void rdt_request_refuse(struct rdt_conn *conn, int status);

/* server_answer.c */

/* rdt_status_words - "Not Found"; a static string. */
const char *rdt_status_words(int status);

/* rdt_answer_head - the head of an answer into out; its length, 0 when it does not fit. */
size_t rdt_answer_head(const struct rdt_exchange *x, const char *date, bool close, uint8_t *out,
                       size_t cap);

/* rdt_answer_continue - send 100 Continue. */
void rdt_answer_continue(struct rdt_conn *conn);

/* rdt_answer_send - send the answer of conn->flight. */
void rdt_answer_send(struct rdt_conn *conn);

/* rdt_answer_flush - the peer takes bytes again: go on sending. */
void rdt_answer_flush(struct rdt_conn *conn);

/* server_tls.c */

struct rdt_pems { /* the certificate files' bytes, so that all loops are made of the same */
    struct rdt_buf cert, ca;
    struct rdt_secret key;
    long session_s;
};

/* rdt_pems_read - read the files.  Fails: as rdt_server_open(). */
RDT_MUST_CHECK enum rdt_code rdt_pems_read(const struct rdt_server *server, struct rdt_pems *out,
                                           struct rdt_err *err);

/* rdt_pems_done - wipe and free.  Also the closer for RDT_AUTO. */
void rdt_pems_done(struct rdt_pems *pems);

/*
 * rdt_server_tls - a context for server connections.
 *
 *   lib   the loop's own library context
 *   out   caller frees with SSL_CTX_free()
 *
 * Fails: as rdt_server_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_server_tls(OSSL_LIB_CTX *lib, const struct rdt_pems *pems,
                                            SSL_CTX **out, struct rdt_err *err);

/* rdt_conn_identify - note the certificate that the peer proved in its handshake, if any. False:
 * it cannot be told. */
RDT_MUST_CHECK bool rdt_conn_identify(struct rdt_conn *conn);

#endif
