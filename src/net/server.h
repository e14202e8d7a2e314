/*
 * server.h - HTTPS in: libuv loops, TLS by OpenSSL, strict HTTP/1.1. What a request means is for
 * the caller; this room frames, bounds and answers.
 *
 * Threads: one loop per thread, each with an OSSL_LIB_CTX and SSL_CTX of its own. The hooks run on
 * the loop's thread. Only rdt_loop_wake(), rdt_server_reload() and rdt_server_stop() may be called
 * from elsewhere.
 *
 * A request is an exchange. The request hook may answer at once or keep it and answer later, on
 * the same thread (in the wake hook): thus answers wait for a log on disk without holding the loop.
 */
#ifndef RDT_NET_SERVER_H
#define RDT_NET_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/httphead.h"
#include "crypto/hash.h"

#include <sys/socket.h>

#define RDT_SERVER_BODY_MAX ((size_t)256 * 1024) /* bytes of a request's body */
#define RDT_SERVER_BODIES_MAX ((size_t)64 << 20) /* bytes of one loop's large bodies at a time */
#define RDT_SERVER_ANSWER_MAX ((size_t)16 << 20) /* bytes of an answer's body */
#define RDT_SERVER_LOOPS_MAX 64                  /* threads */
#define RDT_SERVER_LISTENERS_MAX 16              /* listening sockets */
#define RDT_SERVER_CONNS_MAX 16384           /* connections of one loop; the oldest idle one goes */
#define RDT_SERVER_SPARE_FDS_MAX 128         /* descriptors that no connection gets; half of few */
#define RDT_SERVER_SOURCE_CONNS_MAX 1024     /* connections of one source prefix (/24, /56) */
#define RDT_SERVER_SOURCE_HANDSHAKES_MAX 200 /* unfinished handshakes of one source prefix */
#define RDT_SERVER_HANDSHAKE_MS 10000        /* for a TLS handshake */
#define RDT_SERVER_HEAD_MS 10000             /* from a request's first byte to its head's end */
#define RDT_SERVER_BODY_MS 20000             /* for the body */
#define RDT_SERVER_IDLE_MS 120000            /* between requests */
#define RDT_SERVER_SEND_MS 30000             /* for the peer to take an answer */
#define RDT_SERVER_CHAIN_MAX 4               /* certificates that a client may send */
#define RDT_SERVER_CERT_MAX ((size_t)16 * 1024) /* bytes of them */
#define RDT_SERVER_KEY_BITS_MAX 4096            /* bits of the key in each of them */
#define RDT_SERVER_PEM_MAX ((size_t)1 << 20)    /* bytes of a file of certificates */
#define RDT_SERVER_LINGER_MS 2000 /* a closed connection is read on, so that the answer arrives */
#define RDT_SERVER_LINGER_MAX ((size_t)1 << 20) /* bytes that are thrown away meanwhile */
#define RDT_SERVER_SESSION_S 30                 /* life of a TLS session: the revocation bound */
#define RDT_SERVER_SESSIONS_MAX 4096            /* sessions of one loop */

struct rdt_server;
struct rdt_loop;

struct rdt_exchange {
    struct rdt_loop *loop;
    struct rdt_http_head head; /* borrowed until the answer is sent */
    uint8_t *body;             /* the request's body; may be changed in place */
    size_t body_n;
    struct sockaddr_storage peer;
    bool has_cert; /* the peer proved a certificate under the client CA, and it has not expired */
    uint8_t cert_fingerprint[RDT_SHA256_LEN]; /* of its DER, when has_cert */

    int status;               /* the answer: 200 to 599 */
    const char *content_type; /* static text */
    struct rdt_buf fields;    /* further header lines, each "Name: value\r\n" */
    struct rdt_buf answer;    /* body; its memory is kept for the next exchange */
    bool close;               /* close the connection after the answer */

    void *user;                /* the caller's, from rdt_server_hooks.exchange_bytes; zeroed */
    struct rdt_exchange *next; /* free for the caller's lists while it keeps the exchange */
};

struct rdt_server_hooks {
    void *user;
    size_t exchange_bytes; /* memory behind exchange->user, aligned for any type */
    /* A thread begins or ends; *state is the caller's own for the loop. NULL is fine. */
    enum rdt_code (*begin)(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err);
    void (*end)(void *user, void *state);
    /* A request is complete. Answer with rdt_exchange_send(), or keep it and answer later. */
    void (*request)(void *state, struct rdt_exchange *exchange);
    /* Everything that was ready has been looked at, and the request hook was called since the last
     * time: hand on what was kept. NULL is fine. */
    void (*idle)(void *state);
    /* rdt_loop_wake() was called (once for many calls). NULL is fine. */
    void (*wake)(void *state);
    /* Bytes that were no request, or a handshake that failed: count it. reason is static text. NULL
     * is fine. */
    void (*refused)(void *state, const struct sockaddr_storage *peer, const char *reason);
};

struct rdt_server_opts {
    /* "ADDR:PORT", "[ADDR]:PORT" (IPv6 only), "unix:PATH"; port 0 takes a free one. */
    const char *const *listen;
    size_t n_listen;
    const int *fds; /* listening sockets by socket activation, used instead; duplicated */
    size_t n_fds;
    unsigned loops; /* 1..RDT_SERVER_LOOPS_MAX */
    bool plain;     /* no TLS: for a loopback metrics listener or a unix socket only */
    unsigned hurry; /* for tests: every time limit is this many times shorter; 0 is 1 */
    const char *cert_file, *key_file; /* PEM; chain, leaf first */
    const char *client_ca_file;       /* PEM; NULL: no client certificates are asked for */
    struct rdt_server_hooks hooks;
};

/*
 * rdt_server_open - bind, read certificates. Nothing is accepted yet.
 *
 *   out   caller closes it with rdt_server_close()
 *
 * Fails: RDT_E_BADINPUT (an address, a certificate that does not fit its key), RDT_E_DENIED,
 * RDT_E_NET (the address is taken), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_server_open(const struct rdt_server_opts *opts,
                                             struct rdt_server **out, struct rdt_err *err);

/* rdt_server_port - the port of the first listener (0 for a unix socket). */
uint16_t rdt_server_port(const struct rdt_server *server);

/* rdt_server_start - start the threads, which accept.  Fails: as the begin hook, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_server_start(struct rdt_server *server, struct rdt_err *err);

/*
 * rdt_server_reload - read the certificate files again; new connections use them.
 * Fails, keeping the old ones: as rdt_server_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_server_reload(struct rdt_server *server, struct rdt_err *err);

/*
 * rdt_server_stop - accept no more, close idle connections, let kept exchanges be answered, and
 * join the threads; after grace_ms the rest is cut off. Exchanges that are still kept then must not
 * be touched after the end hook. One thread calls start, stop and close.
 * NULL is fine.
 */
void rdt_server_stop(struct rdt_server *server, int grace_ms);

/* rdt_server_close - free a stopped (or never started) server; NULL is fine. */
void rdt_server_close(struct rdt_server *server);

/* rdt_loop_wake - have the loop call its wake hook soon.  From any thread, until
 * rdt_server_close(). */
void rdt_loop_wake(struct rdt_loop *loop);

/*
 * rdt_exchange_send - answer: status line, Date, Content-Type, Content-Length, fields, body in one
 * TLS record where it fits. The exchange is gone afterwards. On the loop's thread only. A peer that
 * has left meanwhile gets nothing; the exchange is freed all the same.
 */
void rdt_exchange_send(struct rdt_exchange *exchange);

struct rdt_server_counts {
    uint64_t accepted, refused_limit, handshakes, resumed, handshake_failures, requests,
        bad_requests;
    uint64_t open; /* connections now */
};

/* rdt_server_counts - since the start; from any thread. */
void rdt_server_counts(const struct rdt_server *server, struct rdt_server_counts *out);

#endif
