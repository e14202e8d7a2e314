#include "net/dial.h"

#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define HOST_MAX 256 /* a DNS name has 253 letters at most */

/*
 * getaddrinfo() cannot be given a time limit, so each look-up runs in a detached thread of its own
 * and whoever asked waits for it only so long. A look-up given up on keeps its memory until the
 * resolver lets go of it, then frees it; RDT_RESOLVERS_MAX bounds how many can pile up.
 * getaddrinfo_a() was not taken: it is the same thread inside glibc (gai_cancel() cannot stop a
 * look-up that has begun), and exists only there.
 */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned n_users; /* the asker, the thread; the last one frees */
    bool is_done;
    int result; /* of getaddrinfo() */
    struct addrinfo *found;
    char host[HOST_MAX];
};

static atomic_int n_lookups;

static const struct addrinfo hints_any = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

static struct lookup *
lookup_new(const char *host)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    pthread_condattr_t attr;
    if (lookup == NULL)
        return NULL;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lookup->ended, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&lookup->lock, NULL);
    lookup->n_users = 1;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    return lookup;
}

static void
lookup_drop(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    bool is_last = --lookup->n_users == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!is_last)
        return;
    if (lookup->found != NULL)
        freeaddrinfo(lookup->found);
    pthread_cond_destroy(&lookup->ended);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static void *
lookup_run(void *arg)
{
    struct lookup *lookup = arg;
    struct addrinfo *found = NULL;
    int result = getaddrinfo(lookup->host, NULL, &hints_any, &found);
    pthread_mutex_lock(&lookup->lock);
    lookup->result = result;
    lookup->found = result == 0 ? found : NULL;
    lookup->is_done = true;
    pthread_cond_signal(&lookup->ended);
    pthread_mutex_unlock(&lookup->lock);
    lookup_drop(lookup);
    atomic_fetch_sub(&n_lookups, 1);
    return NULL;
}

static enum rdt_code
lookup_start(struct lookup *lookup, struct rdt_err *err)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (atomic_fetch_add(&n_lookups, 1) >= RDT_RESOLVERS_MAX) {
        atomic_fetch_sub(&n_lookups, 1);
        return rdt_fail(err, RDT_E_LIMIT, "%s: too many name look-ups hang", lookup->host);
    }
    lookup->n_users++;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attr, lookup_run, lookup);
    pthread_attr_destroy(&attr);
    if (failed == 0)
        return RDT_OK;
    lookup->n_users--;
    atomic_fetch_sub(&n_lookups, 1);
    return rdt_fail(err, RDT_E_NOMEM, "%s: no thread for the name look-up", lookup->host);
}

/* Whether the look-up ended in time. */
static bool
lookup_wait(struct lookup *lookup, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                             .tv_nsec = (long)(deadline_ms % 1000) * 1000000};
    pthread_mutex_lock(&lookup->lock);
    int rc = 0;
    while (!lookup->is_done && rc == 0)
        rc = pthread_cond_timedwait(&lookup->ended, &lookup->lock, &until);
    bool is_done = lookup->is_done;
    pthread_mutex_unlock(&lookup->lock);
    return is_done;
}

static void
set_port(struct rdt_addr *addr, uint16_t port)
{
    char host[NI_MAXHOST];
    bool is_v6 = addr->sa.ss_family == AF_INET6;
    if (is_v6)
        ((struct sockaddr_in6 *)&addr->sa)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&addr->sa)->sin_port = htons(port);
    if (getnameinfo((struct sockaddr *)&addr->sa, addr->sa_n, host, sizeof host, NULL, 0,
                    NI_NUMERICHOST) != 0)
        snprintf(host, sizeof host, "?");
    snprintf(addr->text, sizeof addr->text, is_v6 ? "[%.45s]:%u" : "%.45s:%u", host, port);
}

bool
rdt_host_is_address(const char *host)
{
    struct in6_addr ip;
    return inet_pton(AF_INET, host, &ip) == 1 || inet_pton(AF_INET6, host, &ip) == 1;
}

static bool
is_known(const struct rdt_addrs *addrs, const struct rdt_addr *addr)
{
    for (size_t i = 0; i < addrs->n; i++) {
        if (strcmp(addrs->items[i].text, addr->text) == 0)
            return true;
    }
    return false;
}

static void
collect(const struct addrinfo *found, uint16_t port, struct rdt_addrs *out)
{
    out->n = 0;
    out->cut = false;
    for (; found != NULL && !out->cut; found = found->ai_next) {
        struct rdt_addr addr = {.sa_n = found->ai_addrlen};
        if ((found->ai_family != AF_INET && found->ai_family != AF_INET6) ||
            found->ai_addrlen > sizeof addr.sa)
            continue;
        memcpy(&addr.sa, found->ai_addr, found->ai_addrlen);
        set_port(&addr, port);
        if (is_known(out, &addr))
            continue;
        out->cut = out->n == RDT_ADDRS_MAX;
        if (!out->cut)
            out->items[out->n++] = addr;
    }
}

/* An address in numbers is taken without a thread. */
static bool
resolve_numeric(const char *host, uint16_t port, struct rdt_addrs *out)
{
    struct addrinfo hints = hints_any, *found = NULL;
    hints.ai_flags = AI_NUMERICHOST;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    collect(found, port, out);
    freeaddrinfo(found);
    return out->n != 0;
}

static enum rdt_code
resolve_name(struct lookup *lookup, uint16_t port, int64_t deadline_ms, struct rdt_addrs *out,
             struct rdt_err *err)
{
    enum rdt_code rc = lookup_start(lookup, err);
    if (rc != RDT_OK)
        return rc;
    if (!lookup_wait(lookup, deadline_ms))
        return rdt_fail(err, RDT_E_TIMEOUT, "%s: no answer to the name look-up in time",
                        lookup->host);
    if (lookup->result == EAI_MEMORY)
        return rdt_fail(err, RDT_E_NOMEM, "%s", lookup->host);
    if (lookup->result != 0)
        return rdt_fail(err, RDT_E_NET, "%s: %s", lookup->host, gai_strerror(lookup->result));
    collect(lookup->found, port, out);
    if (out->n == 0)
        return rdt_fail(err, RDT_E_NET, "%s: has no address", lookup->host);
    return RDT_OK;
}

enum rdt_code
rdt_resolve(const char *host, uint16_t port, int64_t deadline_ms, struct rdt_addrs *out,
            struct rdt_err *err)
{
    char name[HOST_MAX];
    size_t n = strlen(host);
    out->n = 0;
    out->cut = false;
    if (n == 0 || n >= sizeof name)
        return rdt_fail(err, RDT_E_NET, "no such name: it has %zu letters", n);
    bool bracketed = host[0] == '[' && host[n - 1] == ']';
    snprintf(name, sizeof name, "%.*s", (int)(bracketed ? n - 2 : n), host + bracketed);
    if (resolve_numeric(name, port, out))
        return RDT_OK;
    struct lookup *lookup = lookup_new(name);
    if (lookup == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", name);
    enum rdt_code rc = resolve_name(lookup, port, deadline_ms, out, err);
    lookup_drop(lookup);
    return rc;
}

enum rdt_code
rdt_net_wait(int fd, short events, int64_t deadline_ms, struct rdt_err *err)
{
    for (;;) {
        struct pollfd poller = {.fd = fd, .events = events};
        int64_t left = deadline_ms - rdt_monotonic_ms();
        int n = left <= 0 ? 0 : poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return RDT_OK;
        if (n == 0 && left <= INT_MAX)
            return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
        if (n < 0 && errno != EINTR)
            return rdt_fail(err, RDT_E_IO, "poll: %s", strerror(errno));
    }
}

static enum rdt_code
fail_peer(struct rdt_err *err, int e)
{
    if (e == ETIMEDOUT)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    return rdt_fail(err, RDT_E_NET, "%s", strerror(e));
}

static enum rdt_code
connect_within(int fd, const struct rdt_addr *addr, int64_t deadline_ms, struct rdt_err *err)
{
    int e = 0;
    socklen_t e_n = sizeof e;
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->sa_n) == 0)
        return RDT_OK;
    /* an interrupted connect goes on by itself, like one in progress */
    if (errno != EINPROGRESS && errno != EINTR)
        return fail_peer(err, errno);
    enum rdt_code rc = rdt_net_wait(fd, POLLOUT, deadline_ms, err);
    if (rc != RDT_OK)
        return rc;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &e_n) != 0)
        e = errno;
    return e == 0 ? RDT_OK : fail_peer(err, e);
}

enum rdt_code
rdt_dial_addr(const struct rdt_addr *addr, int64_t deadline_ms, int *fd, struct rdt_err *err)
{
    *fd = -1;
    RDT_FD made = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return rdt_fail(err, RDT_E_NET, "%s: socket: %s", addr->text, strerror(errno));
    enum rdt_code rc = connect_within(made, addr, deadline_ms, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", addr->text);
    *fd = made;
    made = -1;
    return RDT_OK;
}

enum rdt_code
rdt_dial(const char *host, uint16_t port, int64_t deadline_ms, struct rdt_addr *used, int *fd,
         struct rdt_err *err)
{
    struct rdt_addrs addrs;
    *fd = -1;
    enum rdt_code rc = rdt_resolve(host, port, deadline_ms, &addrs, err);
    if (rc != RDT_OK)
        return rc;
    for (size_t i = 0; i < addrs.n; i++) {
        int64_t now = rdt_monotonic_ms();
        int64_t share = (deadline_ms - now) / (int64_t)(addrs.n - i);
        rc = rdt_dial_addr(&addrs.items[i], now + share, fd, err);
        if (rc != RDT_OK)
            continue;
        if (used != NULL)
            *used = addrs.items[i];
        return RDT_OK;
    }
    return rc;
}

enum rdt_code
rdt_net_read(int fd, int64_t deadline_ms, void *buf, size_t n, size_t *got, struct rdt_err *err)
{
    *got = 0;
    for (;;) {
        ssize_t taken = recv(fd, buf, n, 0);
        if (taken >= 0) {
            *got = (size_t)taken;
            return RDT_OK;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return fail_peer(err, errno);
        enum rdt_code rc = rdt_net_wait(fd, POLLIN, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
    }
}

enum rdt_code
rdt_net_write_all(int fd, int64_t deadline_ms, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n > 0) {
        ssize_t gone = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (gone >= 0) {
            bytes.p += gone;
            bytes.n -= (size_t)gone;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return fail_peer(err, errno);
        enum rdt_code rc = rdt_net_wait(fd, POLLOUT, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}
