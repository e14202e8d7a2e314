/*
 * tls.h - a TLS client that asks a server one question: do you speak exactly this version? And
 * keeps the certificates that came with the answer. It checks nothing: a server with a broken
 * certificate or a weak suite has to be seen as it is. Never send anything over such a connection.
 *
 * The question must be askable whatever the machine forbids its other programs, so the security
 * level is 0 and the version limits of openssl.cnf do not count.
 *
 * Functions keep no state: threads may call them at once. The libraries below write to sockets with
 * write(2), so SIGPIPE has to be blocked or ignored in the calling thread.
 */
#ifndef RDT_NET_TLS_H
#define RDT_NET_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/cert.h"

#define RDT_TLS_WHY_MAX 160
#define RDT_TLS_ALERT_VERSION 70 /* protocol_version: a refusal of the version, nothing else */

/* version, its name in facts, its number on the wire */
#define RDT_TLS_VERSIONS(X)                                                                        \
    X(RDT_SSL3, "ssl3", 0x0300)                                                                    \
    X(RDT_TLS1_0, "tls1.0", 0x0301)                                                                \
    X(RDT_TLS1_1, "tls1.1", 0x0302)                                                                \
    X(RDT_TLS1_2, "tls1.2", 0x0303)                                                                \
    X(RDT_TLS1_3, "tls1.3", 0x0304)

#define X(id, name, wire) id,
enum rdt_tls_version { RDT_TLS_VERSIONS(X) RDT_TLS_N_VERSIONS };
#undef X

enum rdt_tls_verdict { RDT_TLS_UNDECIDED, RDT_TLS_REFUSED, RDT_TLS_ACCEPTED };

enum rdt_tls_end {
    RDT_TLS_END_UNREACHED, /* no connection was made; the caller's to set */
    RDT_TLS_END_DONE,      /* the handshake was finished */
    RDT_TLS_END_ALERT,     /* the server said no; see alert */
    RDT_TLS_END_CLOSED,    /* it closed or reset the connection instead of answering */
    RDT_TLS_END_TIMEOUT,   /* it said nothing, or not enough, in time */
    RDT_TLS_END_FAILED,    /* what it said made no sense to us */
};

/* What one try showed. {0} is an empty answer. */
struct rdt_tls_answer {
    bool offered;     /* a hello with the asked version left this machine */
    uint16_t version; /* that the server's hello chose, as on the wire; 0 without one */
    enum rdt_tls_end end;
    uint8_t alert;      /* of RDT_TLS_END_ALERT */
    char suite[64];     /* agreed on; empty without a finished handshake */
    char detail[96];    /* the library's words for RDT_TLS_END_FAILED */
    struct rdt_buf der; /* the server's certificates, one after the other */
    size_t cert_ends[RDT_CERT_CHAIN_MAX];
    size_t n_certs;
};

/*
 * rdt_tls_ask - shake hands in one version only.
 *
 *   fd        connected socket, becomes non-blocking; stays the caller's to close
 *   host      name for the server name indication; NULL or an address: none is sent
 *   version   the only one offered; not RDT_SSL3, which no library offers any more
 *   deadline_ms   on rdt_monotonic_ms()'s clock
 *   out       filled whatever the server did; caller frees with rdt_tls_answer_done()
 *
 * Fails: RDT_E_NOMEM, RDT_E_INTERNAL (the library cannot be set up).
 */
RDT_MUST_CHECK enum rdt_code rdt_tls_ask(int fd, const char *host, enum rdt_tls_version version,
                                         int64_t deadline_ms, struct rdt_tls_answer *out,
                                         struct rdt_err *err);

/*
 * rdt_tls_ask_old - ask with a hello of our own making, for TLS 1.2 and older.
 *
 * No library offers RC4, DES or export suites any more, so a server that has only those refuses
 * rdt_tls_ask() although it speaks the version. Same parameters and failures; no certificates.
 */
RDT_MUST_CHECK enum rdt_code rdt_tls_ask_old(int fd, const char *host, enum rdt_tls_version version,
                                             int64_t deadline_ms, struct rdt_tls_answer *out,
                                             struct rdt_err *err);

/*
 * rdt_tls_judge - what an answer proves.
 *
 *   version  that was asked
 *   alive    another version was accepted at the same address, both before and after: then a
 *            connection that was closed instead of answered was closed because of the version
 *   why      becomes the reason in words
 */
enum rdt_tls_verdict rdt_tls_judge(const struct rdt_tls_answer *answer,
                                   enum rdt_tls_version version, bool alive,
                                   char why[static RDT_TLS_WHY_MAX]);

/* rdt_tls_chain - the certificates as spans into answer, the server's own first; how many. */
size_t rdt_tls_chain(const struct rdt_tls_answer *answer,
                     struct rdt_span out[static RDT_CERT_CHAIN_MAX]);

/* rdt_tls_answer_done - free what an answer holds and leave {0}.  Also the closer for RDT_AUTO. */
void rdt_tls_answer_done(struct rdt_tls_answer *answer);

/* rdt_tls_version_name - "tls1.2"; a static string. */
const char *rdt_tls_version_name(enum rdt_tls_version version);

/* rdt_tls_verdict_name - "accepted", "refused" or "undecided"; a static string. */
const char *rdt_tls_verdict_name(enum rdt_tls_verdict verdict);

#endif
