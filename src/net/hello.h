/*
 * hello.h - the first messages of SSL 3 and TLS 1.0 to 1.3 (RFC 6101, 2246, 4346, 5246, 8446) as
 * bytes: a client's hello that offers what no library offers any more, and what a server's answer
 * chose. No I/O.
 */
#ifndef RDT_NET_HELLO_H
#define RDT_NET_HELLO_H

#include "base/buf.h"
#include "base/span.h"

#define RDT_HELLO_REPLY_MAX ((size_t)20 * 1024) /* bytes in which an answer must show itself */
#define RDT_HELLO_RANDOM_LEN 32

struct rdt_hello {
    uint16_t version; /* chosen, as on the wire: 0x0304 for TLS 1.3 */
    uint16_t suite;
};

enum rdt_hello_kind {
    RDT_HELLO_MORE,   /* too few bytes to tell */
    RDT_HELLO_SERVER, /* a server's hello */
    RDT_HELLO_ALERT,  /* a fatal alert */
    RDT_HELLO_ODD,    /* no TLS, or nothing that may come first */
};

/*
 * rdt_hello_make - append a client's hello, record header included, for SSL 3 and TLS 1.0 to 1.2.
 *
 *   version  as on the wire; offered alone
 *   host     name for the server name indication; NULL: none is sent, nor is one in SSL 3, whose
 *            hello has no extensions
 *   random   RDT_HELLO_RANDOM_LEN bytes; no secret depends on them
 *
 * It offers each suite that was ever in wide use, the broken ones first of all.
 */
void rdt_hello_make(uint16_t version, const char *host,
                    const uint8_t random[static RDT_HELLO_RANDOM_LEN], struct rdt_buf *out);

/*
 * rdt_hello_reply - what the bytes that a server has sent so far, from the first on, begin with.
 *
 *   hello   set for RDT_HELLO_SERVER
 *   alert   set for RDT_HELLO_ALERT: its description
 *
 * Warnings are passed over, as they may come before a hello.
 */
enum rdt_hello_kind rdt_hello_reply(struct rdt_span bytes, struct rdt_hello *hello, uint8_t *alert);

/* rdt_hello_is_client - whether a handshake message is a client's hello. */
bool rdt_hello_is_client(struct rdt_span message);

/*
 * rdt_hello_parse - read a handshake message that may be a server's hello (or its request to try
 * again, which in TLS 1.3 is the same message).  False, leaving *out alone, when it is none.
 */
bool rdt_hello_parse(struct rdt_span message, struct rdt_hello *out);

#endif
