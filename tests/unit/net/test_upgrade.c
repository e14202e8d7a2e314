#include "net/upgrade.h"

#include "base/clock.h"
#include "base/file.h"
#include "net/dial.h"

#include "../test.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 300

/* The other end of a socket pair: what it does there, and with which versions. */
struct server {
    int fd;
    SSL_CTX *ctx;
    void (*act)(struct server *server);
};

static SSL_CTX *ctx;

static int
set_up(void **state)
{
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    ctx = SSL_CTX_new(TLS_server_method());
    if (cert == NULL || key == NULL || ctx == NULL)
        return -1;
    /* self-signed and long expired: nothing here trusts it */
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -2 * RDT_DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), -1 * RDT_DAY_S);
    X509_set_pubkey(cert, key);
    bool ok = X509_sign(cert, key, EVP_sha256()) > 0 && SSL_CTX_use_certificate(ctx, cert) == 1 &&
              SSL_CTX_use_PrivateKey(ctx, key) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    SSL_CTX_set_security_level(ctx, 0);
    return ok ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    SSL_CTX_free(ctx);
    return 0;
}

/* TLS: one letter in, "yes" out, then the end. */
static void
speak(struct server *server)
{
    char letter;
    SSL *ssl = SSL_new(server->ctx);
    SSL_set_fd(ssl, server->fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, &letter, 1) == 1 && letter == '?') {
        SSL_write(ssl, "yes", 3);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static void
garble(struct server *server)
{
    char hello[512];
    if (read(server->fd, hello, sizeof hello) > 0 &&
        write(server->fd, "HTTP/1.1 400\r\n\r\n", 16) < 0)
        perror("write");
}

static void
hang_up(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
}

/* A byte now and then, so that the client always has something to read. */
static void
drip(struct server *server)
{
    static const char hello[] = "\x16\3\3\x40\0\2";
    int64_t until = rdt_monotonic_ms() + 2 * PATIENCE_MS;
    for (size_t i = 0; rdt_monotonic_ms() < until; i++) {
        if (send(server->fd, i < sizeof hello ? hello + i : "", 1, MSG_NOSIGNAL) != 1)
            return;
        usleep(10000);
    }
}

static void *
serve(void *arg)
{
    struct server *server = arg;
    server->act(server);
    return NULL;
}

static enum rdt_code
shake(void (*act)(struct server *server), int max_version, struct rdt_upgrade **out, int *fd,
      struct server *server, pthread_t *thread)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    *fd = pair[0];
    SSL_CTX_set_max_proto_version(ctx, max_version);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    *server = (struct server){pair[1], ctx, act};
    assert_int_equal(pthread_create(thread, NULL, serve, server), 0);
    return rdt_upgrade_open(*fd, "db.internal", rdt_monotonic_ms() + PATIENCE_MS, out, NULL);
}

static void
end(int *fd, struct server *server, pthread_t thread)
{
    shutdown(*fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    rdt_fd_close(&server->fd);
    rdt_fd_close(fd);
}

static void
speaks_old_and_new(void **state)
{
    static const struct {
        int version;
        const char *name;
    } cases[] = {
        {TLS1_VERSION,   "TLSv1"  },
        {TLS1_2_VERSION, "TLSv1.2"},
        {TLS1_3_VERSION, "TLSv1.3"}
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_upgrade_free_at) struct rdt_upgrade *tls = NULL;
        struct server server;
        pthread_t thread;
        char answer[8] = {0};
        size_t n;
        int fd;
        int64_t until = rdt_monotonic_ms() + 5000;
        assert_int_equal(shake(speak, cases[i].version, &tls, &fd, &server, &thread), RDT_OK);
        assert_string_equal(rdt_upgrade_version(tls), cases[i].name);
        assert_int_equal(rdt_upgrade_write_all(tls, until, rdt_span_str("?"), NULL), RDT_OK);
        assert_int_equal(rdt_upgrade_read(tls, until, answer, sizeof answer, &n, NULL), RDT_OK);
        assert_int_equal(n, 3);
        assert_string_equal(answer, "yes");
        assert_int_equal(rdt_upgrade_read(tls, until, answer, sizeof answer, &n, NULL), RDT_OK);
        assert_int_equal(n, 0);
        end(&fd, &server, thread);
    }
}

static void
refuses_what_is_no_tls(void **state)
{
    static const struct {
        void (*act)(struct server *server);
        enum rdt_code want, or ;
    } cases[] = {
        {garble,  RDT_E_PROTOCOL, RDT_E_PROTOCOL},
        {hang_up, RDT_E_PROTOCOL, RDT_E_NET     },
        {drip,    RDT_E_TIMEOUT,  RDT_E_PROTOCOL}
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_upgrade_free_at) struct rdt_upgrade *tls = NULL;
        struct server server;
        pthread_t thread;
        int fd;
        int64_t start = rdt_monotonic_ms();
        enum rdt_code rc = shake(cases[i].act, TLS1_3_VERSION, &tls, &fd, &server, &thread);
        assert_in_range(rdt_monotonic_ms() - start, 0, PATIENCE_MS + 200);
        if (rc != cases[i].want && rc != cases[i].or)
            fail_msg("case %zu: %d", i, rc);
        assert_null(tls);
        end(&fd, &server, thread);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_old_and_new),
        cmocka_unit_test(refuses_what_is_no_tls),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
