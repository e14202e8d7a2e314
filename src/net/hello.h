/*
 * hello.h - the first messages of TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446) as bytes: what a
 * server's hello chose. No I/O.
 */
#ifndef RDT_NET_HELLO_H
#define RDT_NET_HELLO_H

#include "base/span.h"

struct rdt_hello {
    uint16_t version; /* chosen, as on the wire: 0x0304 for TLS 1.3 */
    uint16_t suite;
};

/* rdt_hello_is_client - whether a handshake message is a client's hello. */
bool rdt_hello_is_client(struct rdt_span message);

/*
 * rdt_hello_parse - read a handshake message that may be a server's hello (or its request to try
 * again, which in TLS 1.3 is the same message).  False, leaving *out alone, when it is none.
 */
bool rdt_hello_parse(struct rdt_span message, struct rdt_hello *out);

#endif
