#include "base/file.h"
#include "net/dial.h"
#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static const char unix_prefix[] = "unix:";

struct address {
    struct sockaddr_storage sa;
    socklen_t sa_n;
    const char *path; /* of a unix socket; NULL otherwise */
};

static enum rdt_code
unix_address(const char *path, struct address *out, struct rdt_err *err)
{
    struct sockaddr_un *un = (void *)&out->sa;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof un->sun_path)
        return rdt_fail(err, RDT_E_BADINPUT, "the path of a unix socket has 1 to %zu bytes",
                        sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n + 1);
    out->sa_n = sizeof *un;
    out->path = path;
    return RDT_OK;
}

/* "ADDR:PORT" or "[ADDR]:PORT": numbers only, for a name may mean another address tomorrow. */
static enum rdt_code
inet_address(const char *text, struct address *out, struct rdt_err *err)
{
    const char *colon = strrchr(text, ':');
    char host[RDT_ADDR_TEXT] = "";
    size_t n = colon == NULL ? 0 : (size_t)(colon - text);
    bool bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    if (bracketed) {
        text++;
        n -= 2;
    }
    bool ok = n > 0 && n < sizeof host;
    if (ok)
        memcpy(host, text, n);
    ok = ok && rdt_host_is_address(host) && (strchr(host, ':') != NULL) == bracketed;
    char *end = NULL;
    unsigned long port = ok ? strtoul(colon + 1, &end, 10) : 0;
    ok = ok && colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535;
    struct rdt_addrs addrs = {0};
    if (!ok || rdt_resolve(host, (uint16_t)port, INT64_MAX, &addrs, NULL) != RDT_OK ||
        addrs.n == 0) {
        (void)rdt_fail(err, RDT_E_BADINPUT, "not an address to listen at");
        rdt_hint(err, "write ADDR:PORT, [ADDR]:PORT or unix:PATH");
        return RDT_E_BADINPUT;
    }
    out->sa = addrs.items[0].sa;
    out->sa_n = addrs.items[0].sa_n;
    return RDT_OK;
}

/* A socket that a killed server left behind is in the way; one that still answers is taken. */
static void
remove_stale(const struct address *address)
{
    struct stat st;
    RDT_FD fd = -1;
    if (lstat(address->path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const void *)&address->sa, address->sa_n) != 0 &&
        errno == ECONNREFUSED)
        (void)unlink(address->path);
}

static enum rdt_code
bind_failed(int error, struct rdt_err *err)
{
    enum rdt_code code = error == EACCES || error == EPERM ? RDT_E_DENIED : RDT_E_NET;
    return rdt_fail(err, code, "%s", strerror(error));
}

/* Options that connections inherit, so that none has to be set for each. */
static void
set_options(int fd, int family)
{
    int one = 1;
    if (family == AF_UNIX)
        return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) /* or "[::]" and "0.0.0.0" could not stand side by side */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
}

static enum rdt_code
listen_at(const char *text, struct rdt_listener *out, struct rdt_err *err)
{
    struct address address = {0};
    RDT_FD fd = -1;
    bool is_unix = strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0;
    enum rdt_code rc = is_unix ? unix_address(text + sizeof unix_prefix - 1, &address, err)
                               : inet_address(text, &address, err);
    if (rc != RDT_OK)
        return rc;
    fd = socket(address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bind_failed(errno, err);
    set_options(fd, address.sa.ss_family);
    if (is_unix)
        remove_stale(&address);
    if (bind(fd, (const void *)&address.sa, address.sa_n) != 0 || listen(fd, BACKLOG) != 0)
        return bind_failed(errno, err);
    if (is_unix && (out->path = strdup(address.path)) == NULL) {
        (void)unlink(address.path);
        return rdt_fail(err, RDT_E_NOMEM, "listen");
    }
    out->fd = fd;
    out->ours = true;
    fd = -1;
    return RDT_OK;
}

/* The caller's descriptor stays the caller's: with socket activation it outlives this server. */
static enum rdt_code
listen_with(int given, struct rdt_listener *out, struct rdt_err *err)
{
    int listening = 0;
    socklen_t n = sizeof listening;
    if (getsockopt(given, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening)
        return rdt_fail(err, RDT_E_BADINPUT, "descriptor %d is no listening socket", given);
    RDT_FD fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return rdt_fail(err, RDT_E_INTERNAL, "descriptor %d: %s", given, strerror(errno));
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    out->fd = fd;
    fd = -1;
    return RDT_OK;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (getsockname(fd, (void *)&sa, &n) != 0)
        return 0;
    if (sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&sa)->sin_port);
    if (sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&sa)->sin6_port);
    return 0;
}

enum rdt_code
rdt_server_listen(struct rdt_server *server, const struct rdt_server_opts *opts,
                  struct rdt_err *err)
{
    bool given = opts->n_fds > 0;
    size_t n = given ? opts->n_fds : opts->n_listen;
    if (n == 0 || n > RDT_SERVER_LISTENERS_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "%zu addresses to listen at, not 1 to %d", n,
                        RDT_SERVER_LISTENERS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct rdt_listener *l = &server->listeners[i];
        *l = (struct rdt_listener){.fd = -1};
        enum rdt_code rc =
            given ? listen_with(opts->fds[i], l, err) : listen_at(opts->listen[i], l, err);
        if (rc != RDT_OK)
            return given ? rc : rdt_fail_in(err, rc, "listen at '%s'", opts->listen[i]);
        server->n_listeners++;
    }
    server->port = port_of(server->listeners[0].fd);
    return RDT_OK;
}

void
rdt_server_unlisten(struct rdt_server *server)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        struct rdt_listener *l = &server->listeners[i];
        if (l->path != NULL)
            (void)unlink(l->path);
        free(l->path);
        rdt_fd_close(&l->fd);
    }
    server->n_listeners = 0;
}
