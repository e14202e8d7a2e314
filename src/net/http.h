/*
 * http.h - one HTTP request whose answer's head is looked at and nothing else. No redirect is
 * followed, no proxy asked, no cookie or credential sent, no body read, no certificate checked:
 * a site has to be seen as it is, also when it is wrong. Never send anything secret this way.
 *
 * Functions keep no state: threads may call them at once. The libraries below write to sockets with
 * write(2), so SIGPIPE has to be blocked or ignored in the calling thread.
 */
#ifndef RDT_NET_HTTP_H
#define RDT_NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#define RDT_URL_MAX 2048                      /* bytes of a URL */
#define RDT_HTTP_HEAD_MAX ((size_t)64 * 1024) /* bytes of an answer's head */

struct rdt_url {
    bool https;
    char host[256];         /* lower case; an IPv6 address without brackets */
    uint16_t port;          /* the scheme's own where none was written */
    char path[RDT_URL_MAX]; /* "/" at least; no query, no fragment */
};

/*
 * rdt_url_parse - read an absolute http or https URL.
 *
 * A query and a fragment are dropped, since a URL in a report must not show them.
 * Fails: RDT_E_BADINPUT (another scheme, a user name or password in it, no URL), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_url_parse(const char *text, struct rdt_url *out,
                                           struct rdt_err *err);

/* rdt_url_resolve - the same for a Location header, which may be relative to base. */
RDT_MUST_CHECK enum rdt_code rdt_url_resolve(const struct rdt_url *base, struct rdt_span location,
                                             struct rdt_url *out, struct rdt_err *err);

/* rdt_url_text - the URL as text, appended; the port only where it is not the scheme's own. */
void rdt_url_text(const struct rdt_url *url, struct rdt_buf *out);

struct rdt_http_answer {
    int status; /* 200 to 599 */
    struct rdt_buf
        head; /* status line and header lines, "\n" after each, as the server sent them */
};

/*
 * rdt_http_get - send one GET and read the answer's head.
 *
 *   url       what to ask for
 *   address   numeric IPv4 or IPv6 address to connect to instead of looking the name up
 *   deadline_ms   on rdt_monotonic_ms()'s clock
 *   refused   becomes true when the port is closed: the address answered and said so
 *   out       set only on success; caller frees with rdt_http_answer_done()
 *
 * Fails: RDT_E_NET (also when refused), RDT_E_TIMEOUT, RDT_E_PROTOCOL (no HTTP answer),
 * RDT_E_LIMIT (a head larger than RDT_HTTP_HEAD_MAX), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_http_get(const struct rdt_url *url, const char *address,
                                          int64_t deadline_ms, bool *refused,
                                          struct rdt_http_answer *out, struct rdt_err *err);

/*
 * rdt_http_header - the value of the nth (from 0) header line with a name, without the white space
 * around it; borrowed.  False when there are not so many.
 */
bool rdt_http_header(const struct rdt_http_answer *answer, const char *name, size_t nth,
                     struct rdt_span *out);

/* rdt_http_answer_done - free what an answer holds and leave {0}.  Also the closer for RDT_AUTO. */
void rdt_http_answer_done(struct rdt_http_answer *answer);

#endif
