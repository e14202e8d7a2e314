/*
 * httphead.h - the head of an HTTP/1.1 request, read strictly (RFC 9112): whatever two programs
 * could read in two ways is refused, since that is how requests are smuggled.
 */
#ifndef RDT_CODEC_HTTPHEAD_H
#define RDT_CODEC_HTTPHEAD_H

#include "base/span.h"

#include <stdbool.h>

#define RDT_HTTP_FIELDS_MAX 64 /* header lines of one request */
#define RDT_HTTP_REQUEST_HEAD_MAX                                                                  \
    ((size_t)16384)                        /* bytes of a request's head, blank line included */
#define RDT_HTTP_TARGET_MAX ((size_t)2048) /* bytes of a request target */

struct rdt_http_field {
    struct rdt_span name;  /* as it came; a token */
    struct rdt_span value; /* without the white space around it */
};

struct rdt_http_head {
    struct rdt_span method, path, query; /* query without "?"; empty when there is none */
    struct rdt_http_field fields[RDT_HTTP_FIELDS_MAX];
    size_t n_fields;
    struct rdt_span host;
    uint64_t content_length; /* 0 when there is none */
    bool keep_alive; /* HTTP/1.1 without Connection: close; HTTP/1.0 is answered and closed */
    bool expect_continue;
};

/*
 * rdt_http_name_is - whether bytes of a request's head are the text, letters in either case.
 *
 *   lower   letters in lower case, digits and "-" only: each of these and its partner without
 *           bit 5, a capital or a control byte, is told from everything else in a head
 */
static inline bool
rdt_http_name_is(struct rdt_span got, const char *lower)
{
    size_t i = 0;
    while (i < got.n && (got.p[i] | 0x20) == (uint8_t)lower[i])
        i++; /* a NUL in lower equals nothing, so that i stays within it */
    return i == got.n && lower[i] == '\0';
}

enum rdt_http_read { RDT_HTTP_MORE, RDT_HTTP_HEAD, RDT_HTTP_REFUSED };

/*
 * rdt_http_head_read - read a request's head from the start of what has arrived.
 *
 *   in       bytes so far; out borrows from them
 *   out      all of it is set when RDT_HTTP_HEAD; of no use otherwise
 *   used     bytes of the head, when RDT_HTTP_HEAD
 *   status   when RDT_HTTP_REFUSED: what to answer before closing: 400, 411 (Transfer-Encoding),
 *            414, 417 (an unknown Expect), 431 (a limit above), 505
 *
 * Refused: bare CR or LF, obs-fold, blanks before a colon, an empty or odd name, control bytes or
 * non-ASCII in the target, a missing or second Host, more than one Content-Length or one that is
 * not 1..18 digits, any Transfer-Encoding, HTTP versions other than 1.1 and 1.0, an empty line
 * before the request line; a target that does not begin with "/", with a byte that RFC 3986 does
 * not allow there or a "%" without two digits; a Host or Connection with odd bytes.
 *
 * More bytes behind the same ones change no answer but RDT_HTTP_MORE.  What is wrong is refused as
 * soon as it has arrived.
 */
enum rdt_http_read rdt_http_head_read(struct rdt_span in, struct rdt_http_head *out, size_t *used,
                                      int *status);

/*
 * rdt_http_field_find - the value of the nth (from 0) line with a name; false if there is none.
 *
 *   name   in lower case, as for rdt_http_name_is()
 */
bool rdt_http_field_find(const struct rdt_http_head *head, const char *name, size_t nth,
                         struct rdt_span *out);

#endif
