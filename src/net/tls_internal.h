/*
 * tls_internal.h - what tls.c, upgrade.c and http.c share: a client that may speak whatever a
 * server speaks, and that keeps its time.
 */
#ifndef RDT_NET_TLS_INTERNAL_H
#define RDT_NET_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <stdint.h>

/*
 * rdt_tls_unlock - lift what openssl.cnf and the library's defaults forbid: versions, short keys,
 * old digests, servers without RFC 5746. Only for looking; such a connection protects nothing.
 */
void rdt_tls_unlock(SSL_CTX *ctx);

/*
 * rdt_tls_guard - make every read of a connection fail from its deadline on.  One call of the
 * library reads on as long as bytes come (a flood of HelloRequest messages), so the clock has to be
 * looked at below it.
 *
 *   ssl          has its socket already
 *   deadline_ms  on rdt_monotonic_ms()'s clock; must live as long as ssl, may be changed
 */
void rdt_tls_guard(SSL *ssl, int64_t *deadline_ms);

#endif
