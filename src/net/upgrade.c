#include "net/upgrade.h"

#include "base/clock.h"
#include "net/dial.h"
#include "net/tls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>

struct rdt_upgrade {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    int64_t deadline_ms; /* of the call under way */
};

static enum rdt_code
fail_ssl(struct rdt_err *err, const char *doing)
{
    unsigned long e = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(e);
    ERR_clear_error();
    return rdt_fail(err, RDT_E_PROTOCOL, "%s: %s", doing, words == NULL ? "no TLS" : words);
}

/*
 * After a call on the SSL: RDT_OK to call it again, or why not. *is_end for a peer that closed.
 * The deadline counts also when bytes keep coming, so that a peer cannot drip us along.
 */
static enum rdt_code
after(struct rdt_upgrade *tls, int result, int64_t deadline_ms, bool *is_end, struct rdt_err *err)
{
    int e = errno;
    if (rdt_monotonic_ms() >= deadline_ms)
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return rdt_net_wait(tls->fd, POLLIN, deadline_ms, err);
    case SSL_ERROR_WANT_WRITE:
        return rdt_net_wait(tls->fd, POLLOUT, deadline_ms, err);
    case SSL_ERROR_ZERO_RETURN:
        *is_end = true;
        return RDT_OK;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return rdt_fail(err, RDT_E_NET, "TLS: %s", e == 0 ? "closed" : strerror(e));
    default:
        return fail_ssl(err, "TLS");
    }
}

static bool
set_up(struct rdt_upgrade *tls, const char *name)
{
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (tls->ctx == NULL)
        return false;
    /* level 0 and TLS 1.0: openssl.cnf of this machine must not decide what a server can do */
    SSL_CTX_set_security_level(tls->ctx, 0);
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_NONE, NULL);
    if (!SSL_CTX_set_min_proto_version(tls->ctx, TLS1_VERSION) ||
        !SSL_CTX_set_cipher_list(tls->ctx, "DEFAULT:ALL:@SECLEVEL=0"))
        return false;
    tls->ssl = SSL_new(tls->ctx);
    if (tls->ssl == NULL || !SSL_set_fd(tls->ssl, tls->fd))
        return false;
    rdt_tls_guard(tls->ssl, &tls->deadline_ms);
    /* a name that the library will not send is no reason not to ask */
    if (name != NULL && !rdt_host_is_address(name))
        (void)SSL_set_tlsext_host_name(tls->ssl, name);
    return true;
}

enum rdt_code
rdt_upgrade_open(int fd, const char *name, int64_t deadline_ms, struct rdt_upgrade **out,
                 struct rdt_err *err)
{
    RDT_AUTO(rdt_upgrade_free_at) struct rdt_upgrade *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "TLS");
    tls->fd = fd;
    tls->deadline_ms = deadline_ms;
    int flags = fcntl(fd, F_GETFL); /* on a blocking socket no deadline would count */
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return rdt_fail(err, RDT_E_NET, "socket: %s", strerror(errno));
    ERR_clear_error();
    if (!set_up(tls, name))
        return rdt_fail(err, RDT_E_NOMEM, "set up TLS");
    for (;;) {
        bool is_end = false;
        errno = 0;
        int n = SSL_connect(tls->ssl);
        if (n == 1)
            break;
        enum rdt_code rc = after(tls, n, deadline_ms, &is_end, err);
        if (rc == RDT_OK && is_end)
            rc = rdt_fail(err, RDT_E_NET, "closed");
        if (rc != RDT_OK)
            return rdt_fail_in(err, rc, "handshake");
    }
    *out = RDT_STEAL(tls);
    return RDT_OK;
}

const char *
rdt_upgrade_version(const struct rdt_upgrade *tls)
{
    return SSL_get_version(tls->ssl);
}

enum rdt_code
rdt_upgrade_read(struct rdt_upgrade *tls, int64_t deadline_ms, void *buf, size_t n, size_t *got,
                 struct rdt_err *err)
{
    *got = 0;
    tls->deadline_ms = deadline_ms;
    for (;;) {
        bool is_end = false;
        errno = 0;
        if (SSL_read_ex(tls->ssl, buf, n, got) == 1)
            return RDT_OK;
        enum rdt_code rc = after(tls, 0, deadline_ms, &is_end, err);
        if (rc != RDT_OK || is_end)
            return rc;
    }
}

enum rdt_code
rdt_upgrade_write_all(struct rdt_upgrade *tls, int64_t deadline_ms, struct rdt_span bytes,
                      struct rdt_err *err)
{
    tls->deadline_ms = deadline_ms;
    while (bytes.n > 0) {
        bool is_end = false;
        size_t gone = 0;
        errno = 0;
        if (SSL_write_ex(tls->ssl, bytes.p, bytes.n, &gone) == 1) {
            bytes.p += gone;
            bytes.n -= gone;
            continue;
        }
        enum rdt_code rc = after(tls, 0, deadline_ms, &is_end, err);
        if (rc == RDT_OK && is_end)
            rc = rdt_fail(err, RDT_E_NET, "closed");
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

void
rdt_upgrade_free(struct rdt_upgrade *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->ctx);
    free(tls);
}

void
rdt_upgrade_free_at(struct rdt_upgrade **tls)
{
    rdt_upgrade_free(*tls);
}
