/*
 * dial.h - names to addresses, addresses to connections, bytes in and out: all with a deadline.
 *
 * A deadline is a time of rdt_monotonic_ms(). Nothing here waits past it. Sockets are non-blocking
 * and close on exec. Threads may call all of it at once.
 */
#ifndef RDT_NET_DIAL_H
#define RDT_NET_DIAL_H

#include "base/err.h"
#include "base/span.h"

#include <sys/socket.h>

#define RDT_ADDRS_MAX 16     /* addresses of one name that are used */
#define RDT_ADDR_TEXT 64     /* "[2001:db8::1]:5432" and its NUL */
#define RDT_RESOLVERS_MAX 64 /* name look-ups under way in the process, abandoned ones too */

struct rdt_addr {
    struct sockaddr_storage sa;
    socklen_t sa_n;
    char text[RDT_ADDR_TEXT]; /* with the port, for people */
};

struct rdt_addrs {
    struct rdt_addr items[RDT_ADDRS_MAX];
    size_t n;
    bool cut; /* the name has more of them */
};

/* rdt_host_is_address - whether a host is an IPv4 or IPv6 address in numbers, without brackets. */
bool rdt_host_is_address(const char *host);

/*
 * rdt_resolve - all stream addresses of a host in the system's order of preference (RFC 6724),
 * each once.  A numeric host needs no look-up; an IPv6 one may stand in brackets.
 *
 *   out   becomes the first RDT_ADDRS_MAX; out->cut tells whether there are more, so that nobody
 *         takes these for all of them
 *
 * Fails: RDT_E_NET (no such name, no answer), RDT_E_TIMEOUT, RDT_E_LIMIT (too many look-ups hang),
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_resolve(const char *host, uint16_t port, int64_t deadline_ms,
                                         struct rdt_addrs *out, struct rdt_err *err);

/*
 * rdt_dial_addr - connect to one address.
 *
 *   fd   becomes the socket, the caller closes it; -1 after a failure
 *
 * Fails: RDT_E_NET (refused, unreachable), RDT_E_TIMEOUT; the text names the address.
 */
RDT_MUST_CHECK enum rdt_code rdt_dial_addr(const struct rdt_addr *addr, int64_t deadline_ms,
                                           int *fd, struct rdt_err *err);

/*
 * rdt_dial - resolve a host and connect to the first of its addresses that answers, giving each
 * its share of the time that is left.
 *
 *   used   becomes the address that answered; may be NULL
 *
 * Fails as rdt_resolve() and rdt_dial_addr() do.
 */
RDT_MUST_CHECK enum rdt_code rdt_dial(const char *host, uint16_t port, int64_t deadline_ms,
                                      struct rdt_addr *used, int *fd, struct rdt_err *err);

/*
 * rdt_net_wait - wait until the socket is ready for any of events (POLLIN, POLLOUT), or has an
 * error that the next read or write will tell.  Fails: RDT_E_TIMEOUT, RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_net_wait(int fd, short events, int64_t deadline_ms,
                                          struct rdt_err *err);

/*
 * rdt_net_read - at least one byte, at most n.
 *
 *   got   becomes their number; 0 when the peer has closed
 *
 * Fails: RDT_E_NET (reset), RDT_E_TIMEOUT.
 */
RDT_MUST_CHECK enum rdt_code rdt_net_read(int fd, int64_t deadline_ms, void *buf, size_t n,
                                          size_t *got, struct rdt_err *err);

/*
 * rdt_net_write_all - every byte.  Never raises SIGPIPE.  Fails: RDT_E_NET (reset), RDT_E_TIMEOUT;
 * then some bytes may have gone out.
 */
RDT_MUST_CHECK enum rdt_code rdt_net_write_all(int fd, int64_t deadline_ms, struct rdt_span bytes,
                                               struct rdt_err *err);

#endif
