/*
 * upgrade.h - a plain connection that becomes TLS in the middle of its own protocol (STARTTLS,
 * PostgreSQL's SSLRequest), to see whether a server takes it.
 *
 * Nothing is verified and old versions and weak suites are taken: whether a login *can* be made in
 * TLS is the question, not how good that TLS is. So no secret may ever go through it.
 */
#ifndef RDT_NET_UPGRADE_H
#define RDT_NET_UPGRADE_H

#include "base/err.h"
#include "base/span.h"

struct rdt_upgrade;

/*
 * rdt_upgrade_open - shake hands on a connected socket.
 *
 *   fd     becomes non-blocking; stays the caller's and must outlive *out
 *   name   for SNI; NULL, or an address in numbers, sends none
 *   out    caller frees with rdt_upgrade_free()
 *
 * Fails: RDT_E_PROTOCOL (no TLS, or the server ended the handshake), RDT_E_TIMEOUT, RDT_E_NET,
 * RDT_E_NOMEM.  SIGPIPE must be ignored or blocked in this thread.
 */
RDT_MUST_CHECK enum rdt_code rdt_upgrade_open(int fd, const char *name, int64_t deadline_ms,
                                              struct rdt_upgrade **out, struct rdt_err *err);

/* rdt_upgrade_version - "TLSv1.3", a static string. */
const char *rdt_upgrade_version(const struct rdt_upgrade *tls);

/* rdt_upgrade_read - as rdt_net_read(), through TLS.  Fails also: RDT_E_PROTOCOL. */
RDT_MUST_CHECK enum rdt_code rdt_upgrade_read(struct rdt_upgrade *tls, int64_t deadline_ms,
                                              void *buf, size_t n, size_t *got,
                                              struct rdt_err *err);

/* rdt_upgrade_write_all - as rdt_net_write_all(), through TLS.  Fails also: RDT_E_PROTOCOL. */
RDT_MUST_CHECK enum rdt_code rdt_upgrade_write_all(struct rdt_upgrade *tls, int64_t deadline_ms,
                                                   struct rdt_span bytes, struct rdt_err *err);

/* rdt_upgrade_free - end TLS without waiting for the peer; NULL is fine. */
void rdt_upgrade_free(struct rdt_upgrade *tls);

/* rdt_upgrade_free_at - the same as a closer for RDT_AUTO. */
void rdt_upgrade_free_at(struct rdt_upgrade **tls);

#endif
