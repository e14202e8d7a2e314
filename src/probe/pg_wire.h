/*
 * pg_wire.h - the few messages of PostgreSQL's protocol 3.0 that come before a login. Bytes only,
 * no I/O.  Source: PostgreSQL 15 documentation, 55.2.1 (start-up), 55.7 (message formats), 55.8
 * (error fields).
 */
#ifndef RDT_PROBE_PG_WIRE_H
#define RDT_PROBE_PG_WIRE_H

#include "base/buf.h"

#define RDT_PG_MESSAGE_MAX ((size_t)16 * 1024) /* bytes of a first answer that are read */
#define RDT_PG_SQLSTATE 6                      /* five letters and a NUL */

enum rdt_pg_kind {
    RDT_PG_MORE,  /* the start of an answer; more bytes are needed */
    RDT_PG_AUTH,  /* 'R': the server has begun, or skipped, authentication */
    RDT_PG_ERROR, /* 'E' */
    RDT_PG_OTHER, /* no answer of a PostgreSQL server */
};

struct rdt_pg_answer {
    enum rdt_pg_kind kind;
    uint32_t auth;                  /* of 'R': the method's code */
    char sqlstate[RDT_PG_SQLSTATE]; /* of 'E' */
    char routine[64];               /* of 'E': the server's function; the same in every language */
    char text[256];                 /* of 'E': the server's words, to be shown, never matched */
};

/* rdt_pg_startup - append a StartupMessage that asks for a login. */
void rdt_pg_startup(struct rdt_buf *out, const char *user, const char *database);

/* rdt_pg_ssl_request - append an SSLRequest. */
void rdt_pg_ssl_request(struct rdt_buf *out);

/*
 * rdt_pg_parse - read the first answer to a StartupMessage.
 *
 *   in    all bytes received so far
 *   out   set when the result is RDT_PG_AUTH or RDT_PG_ERROR
 *
 * Returns out->kind.  An 'E' without a SQLSTATE is RDT_PG_OTHER.
 */
enum rdt_pg_kind rdt_pg_parse(struct rdt_span in, struct rdt_pg_answer *out);

#endif
