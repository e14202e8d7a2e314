/*
 * tls_internal.h - what tls.c and http.c share: a client that may speak whatever a server speaks.
 */
#ifndef RDT_NET_TLS_INTERNAL_H
#define RDT_NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

/*
 * rdt_tls_unlock - lift what openssl.cnf and the library's defaults forbid: versions, short keys,
 * old digests, servers without RFC 5746. Only for looking; such a connection protects nothing.
 */
void rdt_tls_unlock(SSL_CTX *ctx);

#endif
