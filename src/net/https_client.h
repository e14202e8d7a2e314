/*
 * https_client.h - requests to a server that is trusted: POST over HTTPS, its certificate verified
 * against a CA bundle, its name too, always. There is no way to turn that off.
 *
 * No redirect is followed, no proxy asked (also none of the environment's), no cookie kept; TLS 1.2
 * and newer. The connection is kept for further requests. A client belongs to one thread at a time.
 */
#ifndef RDT_NET_HTTPS_CLIENT_H
#define RDT_NET_HTTPS_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "net/http.h"

#define RDT_HTTPS_HEADERS_MAX 16                /* header lines of one request */
#define RDT_HTTPS_HEADER_MAX ((size_t)1024)     /* bytes of one header line that is sent */
#define RDT_HTTPS_ANSWER_MAX ((size_t)64 << 20) /* bytes of an answer's body */
#define RDT_HTTPS_CONNECT_MS 10000              /* to connect and shake hands */
#define RDT_HTTPS_TIMEOUT_MS 60000              /* for one request as a whole */

struct rdt_https_client;

struct rdt_https_opts {
    const char *ca_file;              /* PEM bundle; NULL: the CAs that this machine trusts */
    const char *cert_file, *key_file; /* client certificate, PEM; NULL: none */
    int64_t connect_ms, timeout_ms;   /* 0: as above */
};

/*
 * rdt_https_open - make a client; no connection yet.  The files are read when it connects.
 *
 *   opts   copied
 *   out    caller closes it with rdt_https_close()
 *
 * Fails: RDT_E_NOTFOUND, RDT_E_DENIED (a file that cannot be read), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_https_open(const struct rdt_https_opts *opts,
                                            struct rdt_https_client **out, struct rdt_err *err);

/* rdt_https_close - NULL is fine.  rdt_https_close_at - the same as a closer for RDT_AUTO. */
void rdt_https_close(struct rdt_https_client *client);
void rdt_https_close_at(struct rdt_https_client **client);

struct rdt_https_post {
    const struct rdt_url *url;  /* https only; its path is sent as it is */
    const char *const *headers; /* "Name: value" each, Host too where it is signed */
    size_t n_headers;
    struct rdt_span body;
    size_t answer_max; /* 0: RDT_HTTPS_ANSWER_MAX */
};

struct rdt_https_answer {
    int status;          /* 200 to 599 */
    struct rdt_buf head; /* as of struct rdt_http_answer */
    struct rdt_buf body;
};

/*
 * rdt_https_post - send one request and read all of its answer.
 *
 *   sent   becomes true when the request may have reached the server: doing it again may do it
 *          twice.  False: nothing of it left this machine
 *   out    set only on success; caller frees with rdt_https_answer_done()
 *
 * Fails: RDT_E_NET (no such host, refused, unreachable), RDT_E_TIMEOUT, RDT_E_DENIED (the server's
 * certificate is not one to trust, ours was refused), RDT_E_PROTOCOL (no HTTP answer, TLS),
 * RDT_E_LIMIT (an answer or a head above its limit), RDT_E_BADINPUT (a URL that is not https, a
 * header, a file that is no PEM), RDT_E_NOMEM, RDT_E_INTERNAL; the hint says what to do.
 */
RDT_MUST_CHECK enum rdt_code rdt_https_post(struct rdt_https_client *client,
                                            const struct rdt_https_post *post, bool *sent,
                                            struct rdt_https_answer *out, struct rdt_err *err);

/*
 * rdt_https_header - the value of the first header line of a name, without the white space around
 * it; borrowed.  False when there is none.
 */
bool rdt_https_header(const struct rdt_https_answer *answer, const char *name,
                      struct rdt_span *out);

/* rdt_https_answer_done - wipe and free what an answer holds, leave {0}.  A closer for RDT_AUTO. */
void rdt_https_answer_done(struct rdt_https_answer *answer);

#endif
