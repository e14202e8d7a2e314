#include "net/server.h"

#include "base/file.h"
#include "net/server_internal.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

static void
close_server(struct rdt_server **server)
{
    rdt_server_close(*server);
}

static bool
copy_name(char **out, const char *name)
{
    *out = name == NULL ? NULL : strdup(name);
    return name == NULL || *out != NULL;
}

/* Contexts for all loops, or none: a reload must not leave the loops with different ones. */
static enum rdt_code
make_contexts(struct rdt_server *server, SSL_CTX **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_pems_done) struct rdt_pems pems = {0};
    enum rdt_code rc = rdt_pems_read(server, &pems, err);
    unsigned n = 0;
    while (rc == RDT_OK && n < server->n_loops) {
        rc = rdt_server_tls(server->loops[n].lib, &pems, &out[n], err);
        n += rc == RDT_OK;
    }
    while (rc != RDT_OK && n > 0)
        SSL_CTX_free(out[--n]);
    return rc;
}

static enum rdt_code
open_tls(struct rdt_server *server, struct rdt_err *err)
{
    SSL_CTX *made[RDT_SERVER_LOOPS_MAX];
    for (unsigned i = 0; i < server->n_loops; i++) {
        server->loops[i].lib = OSSL_LIB_CTX_new();
        if (server->loops[i].lib == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "libcrypto");
    }
    enum rdt_code rc = make_contexts(server, made, err);
    for (unsigned i = 0; rc == RDT_OK && i < server->n_loops; i++)
        server->loops[i].tls = made[i];
    return rc;
}

static enum rdt_code
check_opts(const struct rdt_server_opts *opts, struct rdt_err *err)
{
    if (opts->loops < 1 || opts->loops > RDT_SERVER_LOOPS_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "%u threads, not 1 to %d", opts->loops,
                        RDT_SERVER_LOOPS_MAX);
    if (!opts->plain && (opts->cert_file == NULL || opts->key_file == NULL))
        return rdt_fail(err, RDT_E_BADINPUT, "TLS needs a certificate and its key");
    if (opts->hooks.request == NULL)
        return rdt_fail(err, RDT_E_INTERNAL, "a server that nobody answers for");
    return RDT_OK;
}

static enum rdt_code
open_parts(struct rdt_server *server, const struct rdt_server_opts *opts, struct rdt_err *err)
{
    server->loops = calloc(opts->loops, sizeof *server->loops);
    server->sources = rdt_sources_new();
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->loops == NULL || server->sources == NULL || server->stop_fd < 0 ||
        !copy_name(&server->cert_file, opts->cert_file) ||
        !copy_name(&server->key_file, opts->key_file) ||
        !copy_name(&server->client_ca_file, opts->client_ca_file))
        return rdt_fail(err, RDT_E_NOMEM, "server");
    for (; server->n_loops < opts->loops; server->n_loops++) {
        enum rdt_code rc = rdt_loop_init(&server->loops[server->n_loops], server, err);
        if (rc != RDT_OK) {
            rdt_loop_done(&server->loops[server->n_loops]);
            return rc;
        }
    }
    return RDT_OK;
}

/* What the store, the log and the operator's own ways in need stays out of strangers' reach. */
static int
fd_most(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    rlim_t half = files.rlim_cur / 2;
    return (int)(files.rlim_cur -
                 (half < RDT_SERVER_SPARE_FDS_MAX ? half : RDT_SERVER_SPARE_FDS_MAX));
}

enum rdt_code
rdt_server_open(const struct rdt_server_opts *opts, struct rdt_server **out, struct rdt_err *err)
{
    enum rdt_code rc = check_opts(opts, err);
    if (rc != RDT_OK)
        return rc;
    RDT_AUTO(close_server) struct rdt_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "server");
    server->hooks = opts->hooks;
    server->plain = opts->plain;
    server->hurry = opts->hurry == 0 ? 1 : opts->hurry;
    server->stop_fd = -1;
    server->fd_most = fd_most();
    (void)pthread_mutex_init(&server->lock, NULL); /* both cannot fail in glibc */
    (void)pthread_cond_init(&server->begun, NULL);
    rc = open_parts(server, opts, err);
    if (rc == RDT_OK && !server->plain)
        rc = open_tls(server, err);
    if (rc == RDT_OK)
        rc = rdt_server_listen(server, opts, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(server);
    return rc;
}

uint16_t
rdt_server_port(const struct rdt_server *server)
{
    return server->port;
}

/* ---- threads */

/* Signals are for the thread that started us; and libssl writes without MSG_NOSIGNAL. */
static int
start_quietly(pthread_t *out, void *(*run)(void *), void *arg)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static void
stop_threads(struct rdt_server *server, int grace_ms)
{
    if (server->accepting) {
        uint64_t one = 1;
        if (write(server->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
            pthread_join(server->acceptor, NULL);
        server->accepting = false;
    }
    rdt_server_unlisten(server);
    for (unsigned i = 0; i < server->n_loops; i++)
        if (server->loops[i].running)
            rdt_loop_stop(&server->loops[i], grace_ms);
    for (unsigned i = 0; i < server->n_loops; i++) {
        if (server->loops[i].running)
            pthread_join(server->loops[i].thread, NULL);
        server->loops[i].running = false;
    }
    server->stopped = true;
}

static enum rdt_code
await_begun(struct rdt_server *server, unsigned n, struct rdt_err *err)
{
    pthread_mutex_lock(&server->lock);
    while (server->n_begun < n)
        pthread_cond_wait(&server->begun, &server->lock);
    enum rdt_code rc = server->begin_err.code;
    if (rc != RDT_OK && err != NULL)
        *err = server->begin_err;
    pthread_mutex_unlock(&server->lock);
    return rc;
}

enum rdt_code
rdt_server_start(struct rdt_server *server, struct rdt_err *err)
{
    unsigned n = 0;
    if (server->stopped || server->accepting)
        return rdt_fail(err, RDT_E_STATE, "a server starts once");
    while (n < server->n_loops) {
        struct rdt_loop *loop = &server->loops[n];
        if (start_quietly(&loop->thread, rdt_loop_run, loop) != 0)
            break;
        loop->running = true;
        n++;
    }
    enum rdt_code rc = await_begun(server, n, err);
    if (rc == RDT_OK && n < server->n_loops)
        rc = rdt_fail(err, RDT_E_NOMEM, "threads");
    if (rc == RDT_OK) {
        server->accepting = start_quietly(&server->acceptor, rdt_server_accept, server) == 0;
        if (!server->accepting)
            rc = rdt_fail(err, RDT_E_NOMEM, "threads");
    }
    if (rc != RDT_OK)
        stop_threads(server, 0);
    return rc;
}

void
rdt_server_stop(struct rdt_server *server, int grace_ms)
{
    if (server != NULL && !server->stopped)
        stop_threads(server, grace_ms);
}

enum rdt_code
rdt_server_reload(struct rdt_server *server, struct rdt_err *err)
{
    SSL_CTX *made[RDT_SERVER_LOOPS_MAX];
    if (server->plain)
        return RDT_OK;
    pthread_mutex_lock(&server->lock);
    enum rdt_code rc = make_contexts(server, made, err);
    for (unsigned i = 0; rc == RDT_OK && i < server->n_loops; i++)
        rdt_loop_adopt(&server->loops[i], made[i]);
    pthread_mutex_unlock(&server->lock);
    return rc;
}

void
rdt_server_counts(const struct rdt_server *server, struct rdt_server_counts *out)
{
    *out = (struct rdt_server_counts){0};
    for (unsigned i = 0; i <= server->n_loops; i++) {
        const struct rdt_counters *c =
            i == server->n_loops ? &server->counts : &server->loops[i].counts;
#define X(name) out->name += atomic_load_explicit(&c->name, memory_order_relaxed);
        RDT_COUNTERS(X)
#undef X
        if (i < server->n_loops)
            out->open += atomic_load_explicit(&server->loops[i].open, memory_order_relaxed);
    }
}

void
rdt_server_close(struct rdt_server *server)
{
    if (server == NULL)
        return;
    rdt_server_stop(server, 0);
    for (unsigned i = 0; i < server->n_loops; i++)
        rdt_loop_done(&server->loops[i]);
    rdt_sources_free(server->sources);
    rdt_fd_close(&server->stop_fd);
    free(server->cert_file);
    free(server->key_file);
    free(server->client_ca_file);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->begun);
    free(server->loops);
    free(server);
}
