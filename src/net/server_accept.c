#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Why a thread that accepts, not SO_REUSEPORT or a socket shared by the loops: it gives each
 * connection to the loop that has the fewest, where a hash of addresses would load the loops
 * unevenly; no loop is woken in vain; a loop that is busy with handshakes holds up nobody's accept;
 * and a second server at the same port is refused, which SO_REUSEPORT would let pass. It costs one
 * wake-up for each connection, about a hundredth of a handshake.
 */

#define ACCEPTS_PER_TURN 64
#define LAST_ACCEPTS 1024    /* of one socket when the server stops */
#define EXHAUSTED_WAIT_MS 50 /* out of descriptors or memory: let the loops free some */

enum accepted { ACCEPT_NEXT, ACCEPT_NONE, ACCEPT_EXHAUSTED };

static unsigned
open_of(const struct rdt_loop *loop)
{
    return atomic_load_explicit(&loop->open, memory_order_relaxed);
}

/* The loop with the fewest connections, or with the most. */
static struct rdt_loop *
choose(struct rdt_server *server, bool most)
{
    struct rdt_loop *best = &server->loops[0];
    for (unsigned i = 1; i < server->n_loops; i++) {
        struct rdt_loop *loop = &server->loops[i];
        if (most ? open_of(loop) > open_of(best) : open_of(loop) < open_of(best))
            best = loop;
    }
    return best;
}

static void
welcome(struct rdt_server *server, int fd, const struct sockaddr_storage *peer)
{
    struct rdt_source *source = NULL;
    struct rdt_conn *conn = NULL;
    bool shaking = !server->plain;
    if (!rdt_source_take(server->sources, peer, shaking, &source)) {
        RDT_COUNT_ONE(server->counts.refused_limit);
        close(fd);
        return;
    }
    conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        RDT_COUNT_ONE(server->counts.refused_limit);
        rdt_source_drop(server->sources, source, shaking);
        close(fd);
        return;
    }
    RDT_COUNT_ONE(server->counts.accepted);
    conn->fd = fd;
    conn->peer = *peer;
    conn->source = source;
    rdt_loop_arrive(choose(server, false), conn);
}

/* Whether the next descriptor is one that a stranger may have; asked before the connection is taken
 * from the kernel's queue, where it can wait. */
static bool
may_take_one(const struct rdt_server *server)
{
    int next = fcntl(server->stop_fd, F_DUPFD_CLOEXEC, 0);
    if (next >= 0)
        close(next);
    return next >= 0 && next < server->fd_most;
}

static enum accepted
accept_one(struct rdt_server *server, int listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t n = sizeof peer;
    if (!may_take_one(server))
        return ACCEPT_EXHAUSTED;
    int fd = accept4(listener, (void *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        welcome(server, fd, &peer);
        return ACCEPT_NEXT;
    }
    switch (errno) {
    case EAGAIN:
        return ACCEPT_NONE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ACCEPT_EXHAUSTED;
    default: /* one connection that came to nothing */
        return ACCEPT_NEXT;
    }
}

/* Returns false when the machine has no more to give. */
static bool
accept_some(struct rdt_server *server, int listener, int most)
{
    enum accepted got = ACCEPT_NEXT;
    for (int i = 0; i < most && got == ACCEPT_NEXT; i++)
        got = accept_one(server, listener);
    return got != ACCEPT_EXHAUSTED;
}

void *
rdt_server_accept(void *arg)
{
    struct rdt_server *server = arg;
    struct pollfd fds[RDT_SERVER_LISTENERS_MAX + 1];
    nfds_t n = (nfds_t)server->n_listeners;
    for (nfds_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = server->listeners[i].fd, .events = POLLIN};
    fds[n] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    for (;;) {
        if (poll(fds, n + 1, -1) < 0)
            continue;
        if (fds[n].revents != 0)
            break;
        bool plenty = true;
        for (nfds_t i = 0; i < n; i++)
            if (fds[i].revents != 0)
                plenty = accept_some(server, fds[i].fd, ACCEPTS_PER_TURN) && plenty;
        if (!plenty) {
            /* Those who wait stay in the kernel's queue; without the pause this would spin. */
            rdt_loop_evict(choose(server, true));
            (void)poll(&fds[n], 1, EXHAUSTED_WAIT_MS);
        }
    }
    /* Who is in the queue of a socket that goes away would be reset. */
    for (nfds_t i = 0; i < n; i++)
        if (server->listeners[i].ours)
            (void)accept_some(server, fds[i].fd, LAST_ACCEPTS);
    return NULL;
}
