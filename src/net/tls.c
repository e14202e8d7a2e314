#include "net/tls.h"

#include "base/clock.h"
#include "net/dial.h"
#include "net/hello.h"
#include "net/tls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

#define CHAIN_BYTES_MAX ((size_t)256 * 1024) /* of all certificates of one server */

/* Old servers know few groups and new ones many; those of finite fields would make an old server
 * refuse its own DHE suites (RFC 7919 section 4). */
#define GROUPS "X25519:P-256:P-384:P-521:X448"

/* Suites with a certificate first: a server that follows our order then shows its own. */
#define SUITES "DEFAULT:ALL"

static const struct {
    const char *name;
    uint16_t wire;
} versions[] = {
#define X(id, name, wire) {name, wire},
    RDT_TLS_VERSIONS(X)
#undef X
};

static const struct {
    uint8_t code;
    bool refuses; /* said of a version, not of anything else in the hello */
    const char *words;
} alerts[] = {
    {40,  true,  "handshake_failure"     },
    {70,  true,  "protocol_version"      },
    {47,  false, "illegal_parameter"     },
    {71,  false, "insufficient_security" },
    {80,  false, "internal_error"        },
    {86,  false, "inappropriate_fallback"},
    {109, false, "missing_extension"     },
    {112, false, "unrecognized_name"     },
    {116, false, "certificate_required"  },
};

const char *
rdt_tls_version_name(enum rdt_tls_version version)
{
    return versions[version].name;
}

const char *
rdt_tls_verdict_name(enum rdt_tls_verdict verdict)
{
    static const char *const names[] = {"undecided", "refused", "accepted"};
    return names[verdict];
}

static const char *
wire_name(uint16_t wire)
{
    for (size_t i = 0; i < RDT_COUNT(versions); i++)
        if (versions[i].wire == wire)
            return versions[i].name;
    return "an unknown version";
}

static void
free_ctx(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static void
free_ssl(SSL **ssl)
{
    SSL_free(*ssl);
}

/* The library's own verdict is not enough: it may give up before a hello has left, or after the
 * server has agreed. So the messages themselves are looked at. */
static void
watch(int sent, int version, int type, const void *bytes, size_t n, SSL *ssl, void *arg)
{
    struct rdt_tls_answer *a = arg;
    struct rdt_span msg = {bytes, n};
    (void)version;
    (void)ssl;
    if (type == SSL3_RT_HANDSHAKE && sent) {
        a->offered = a->offered || rdt_hello_is_client(msg);
    } else if (type == SSL3_RT_HANDSHAKE) {
        struct rdt_hello hello;
        if (rdt_hello_parse(msg, &hello))
            a->version = hello.version;
    } else if (type == SSL3_RT_ALERT && !sent && n == 2 && msg.p[0] == SSL3_AL_FATAL) {
        a->end = RDT_TLS_END_ALERT;
        a->alert = msg.p[1];
    }
}

void
rdt_tls_unlock(SSL_CTX *ctx)
{
    SSL_CTX_clear_options(ctx, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 |
                                   SSL_OP_NO_TLSv1_3);
    SSL_CTX_set_options(ctx, SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_security_level(ctx, 0);
}

static long
check_clock(BIO *bio, int operation, const char *data, size_t n, int i, long l, int result,
            size_t *processed)
{
    const int64_t *deadline_ms = (const void *)BIO_get_callback_arg(bio);
    (void)data;
    (void)n;
    (void)i;
    (void)l;
    (void)processed;
    if (operation != BIO_CB_READ || rdt_monotonic_ms() < *deadline_ms)
        return result;
    BIO_clear_retry_flags(bio); /* or the library would take it for "not yet" */
    return -1;
}

void
rdt_tls_guard(SSL *ssl, int64_t *deadline_ms)
{
    BIO *bio = SSL_get_rbio(ssl);
    BIO_set_callback_arg(bio, (char *)deadline_ms);
    BIO_set_callback_ex(bio, check_clock);
}

static enum rdt_code
make_ctx(enum rdt_tls_version version, SSL_CTX **out, struct rdt_err *err)
{
    RDT_AUTO(free_ctx) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "TLS");
    int wire = versions[version].wire;
    rdt_tls_unlock(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (!SSL_CTX_set_cipher_list(ctx, SUITES) || !SSL_CTX_set1_groups_list(ctx, GROUPS) ||
        !SSL_CTX_set_max_proto_version(ctx, wire) || !SSL_CTX_set_min_proto_version(ctx, wire))
        return rdt_fail(err, RDT_E_INTERNAL, "set up %s", versions[version].name);
    SSL_CTX_set_msg_callback(ctx, watch);
    *out = RDT_STEAL(ctx);
    return RDT_OK;
}

static enum rdt_code
make_ssl(SSL_CTX *ctx, int fd, const char *host, struct rdt_tls_answer *a, SSL **out)
{
    RDT_AUTO(free_ssl) SSL *ssl = SSL_new(ctx);
    if (ssl == NULL || !SSL_set_fd(ssl, fd))
        return RDT_E_NOMEM;
    /* A name that the library cannot send is no reason not to ask. */
    if (host != NULL && !rdt_host_is_address(host))
        (void)SSL_set_tlsext_host_name(ssl, host);
    SSL_set_msg_callback_arg(ssl, a);
    *out = RDT_STEAL(ssl);
    return RDT_OK;
}

/* How a handshake that the library gave up ended; an alert was already noted by watch(). */
static enum rdt_tls_end
end_of(SSL *ssl, int result, struct rdt_tls_answer *a)
{
    if (a->end == RDT_TLS_END_ALERT)
        return RDT_TLS_END_ALERT;
    int kind = SSL_get_error(ssl, result);
    unsigned long e = ERR_peek_error();
    if (kind == SSL_ERROR_SYSCALL || ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return RDT_TLS_END_CLOSED;
    const char *words = ERR_reason_error_string(e);
    snprintf(a->detail, sizeof a->detail, "%s", words == NULL ? "no reason known" : words);
    return RDT_TLS_END_FAILED;
}

static enum rdt_tls_end
shake(SSL *ssl, int fd, int64_t deadline_ms, struct rdt_tls_answer *a)
{
    for (;;) {
        /* Before each try, not only while waiting: a peer that drips bytes never lets us wait. */
        if (rdt_monotonic_ms() >= deadline_ms)
            return RDT_TLS_END_TIMEOUT;
        ERR_clear_error();
        int n = SSL_connect(ssl);
        if (n == 1)
            return RDT_TLS_END_DONE;
        if (rdt_monotonic_ms() >= deadline_ms) /* rdt_tls_guard() may have ended it */
            return RDT_TLS_END_TIMEOUT;
        int kind = SSL_get_error(ssl, n);
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
            return end_of(ssl, n, a);
        short events = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        if (rdt_net_wait(fd, events, deadline_ms, NULL) == RDT_E_TIMEOUT)
            return RDT_TLS_END_TIMEOUT;
    }
}

static bool
keep_chain(const SSL *ssl, struct rdt_tls_answer *a)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int n = chain == NULL ? 0 : sk_X509_num(chain);
    for (int i = 0; i < n && a->n_certs < RDT_CERT_CHAIN_MAX; i++) {
        unsigned char *der = NULL;
        int size = i2d_X509(sk_X509_value(chain, i), &der);
        if (size <= 0)
            return false;
        bool fits = a->der.n + (size_t)size <= CHAIN_BYTES_MAX;
        if (fits) {
            rdt_buf_add(&a->der, der, (size_t)size);
            a->cert_ends[a->n_certs++] = a->der.n;
        }
        OPENSSL_free(der);
        if (!fits)
            break;
    }
    return rdt_buf_ok(&a->der);
}

enum rdt_code
rdt_tls_ask(int fd, const char *host, enum rdt_tls_version version, int64_t deadline_ms,
            struct rdt_tls_answer *out, struct rdt_err *err)
{
    RDT_AUTO(free_ctx) SSL_CTX *ctx = NULL;
    RDT_AUTO(free_ssl) SSL *ssl = NULL;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return rdt_fail(err, RDT_E_INTERNAL, "socket: %s", strerror(errno));
    enum rdt_code rc = make_ctx(version, &ctx, err);
    if (rc == RDT_OK && make_ssl(ctx, fd, host, out, &ssl) != RDT_OK)
        rc = rdt_fail(err, RDT_E_NOMEM, "TLS");
    if (rc == RDT_OK) {
        rdt_tls_guard(ssl, &deadline_ms);
        out->end = shake(ssl, fd, deadline_ms, out);
        if (out->end == RDT_TLS_END_DONE)
            snprintf(out->suite, sizeof out->suite, "%s", SSL_get_cipher_name(ssl));
        /* Also after a failure: a server that wants our certificate has shown its own first. */
        if (!keep_chain(ssl, out))
            rc = rdt_fail(err, RDT_E_NOMEM, "TLS");
    }
    ERR_clear_error();
    return rc;
}

/* Reads until the bytes show what they are, the peer has no more, or the time is up. */
static enum rdt_tls_end
read_reply(int fd, int64_t deadline_ms, struct rdt_tls_answer *a, bool *no_memory)
{
    RDT_BUF reply = {0};
    struct rdt_hello hello = {0};
    enum rdt_hello_kind kind = RDT_HELLO_MORE;
    while (kind == RDT_HELLO_MORE) {
        uint8_t step[4096];
        size_t got = 0;
        /* rdt_net_read() looks at the clock only when it has to wait: see shake(). */
        enum rdt_code rc = rdt_monotonic_ms() >= deadline_ms
                               ? RDT_E_TIMEOUT
                               : rdt_net_read(fd, deadline_ms, step, sizeof step, &got, NULL);
        if (rc == RDT_E_TIMEOUT)
            return RDT_TLS_END_TIMEOUT;
        if (rc != RDT_OK || got == 0)
            return RDT_TLS_END_CLOSED;
        rdt_buf_add(&reply, step, got);
        *no_memory = reply.failed;
        if (reply.failed || reply.n > RDT_HELLO_REPLY_MAX)
            kind = RDT_HELLO_ODD;
        else
            kind = rdt_hello_reply(rdt_buf_span(&reply), &hello, &a->alert);
    }
    if (kind == RDT_HELLO_ALERT)
        return RDT_TLS_END_ALERT;
    if (kind == RDT_HELLO_SERVER) {
        a->version = hello.version;
        snprintf(a->suite, sizeof a->suite, "suite 0x%04x", hello.suite);
        return RDT_TLS_END_DONE;
    }
    snprintf(a->detail, sizeof a->detail, "something else came");
    return RDT_TLS_END_FAILED;
}

enum rdt_code
rdt_tls_ask_old(int fd, const char *host, enum rdt_tls_version version, int64_t deadline_ms,
                struct rdt_tls_answer *out, struct rdt_err *err)
{
    RDT_BUF hello = {0};
    uint8_t random[RDT_HELLO_RANDOM_LEN];
    bool no_memory = false;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return rdt_fail(err, RDT_E_INTERNAL, "no random bytes");
    bool named = host != NULL && !rdt_host_is_address(host);
    rdt_hello_make(versions[version].wire, named ? host : NULL, random, &hello);
    if (!rdt_buf_ok(&hello))
        return rdt_fail(err, RDT_E_NOMEM, "TLS");
    enum rdt_code rc = rdt_net_write_all(fd, deadline_ms, rdt_buf_span(&hello), NULL);
    out->offered = rc == RDT_OK;
    if (rc == RDT_OK)
        out->end = read_reply(fd, deadline_ms, out, &no_memory);
    else
        out->end = rc == RDT_E_TIMEOUT ? RDT_TLS_END_TIMEOUT : RDT_TLS_END_CLOSED;
    return no_memory ? rdt_fail(err, RDT_E_NOMEM, "TLS") : RDT_OK;
}

static const char *
alert_text(uint8_t code, bool *refuses)
{
    *refuses = false;
    for (size_t i = 0; i < RDT_COUNT(alerts); i++) {
        if (alerts[i].code != code)
            continue;
        *refuses = alerts[i].refuses;
        return alerts[i].words;
    }
    return "an alert";
}

static enum rdt_tls_verdict
judge_alert(uint8_t code, bool alive, char why[static RDT_TLS_WHY_MAX])
{
    bool refuses = false;
    const char *words = alert_text(code, &refuses);
    snprintf(why, RDT_TLS_WHY_MAX, "alert %u %s", code, words);
    /* 112 is about the name: another name at this address may well get this version. */
    if (code == 112)
        return RDT_TLS_UNDECIDED;
    return refuses || alive ? RDT_TLS_REFUSED : RDT_TLS_UNDECIDED;
}

enum rdt_tls_verdict
rdt_tls_judge(const struct rdt_tls_answer *answer, enum rdt_tls_version version, bool alive,
              char why[static RDT_TLS_WHY_MAX])
{
    const char *name = versions[version].name;
    if (answer->version == versions[version].wire) {
        /* The server agreed; that it then wanted our certificate or broke off changes nothing. */
        snprintf(why, RDT_TLS_WHY_MAX, "%s", answer->suite[0] != '\0' ? answer->suite : "agreed");
        return RDT_TLS_ACCEPTED;
    }
    if (answer->end == RDT_TLS_END_UNREACHED) {
        snprintf(why, RDT_TLS_WHY_MAX, "%s", answer->detail);
        return RDT_TLS_UNDECIDED;
    }
    if (!answer->offered) {
        snprintf(why, RDT_TLS_WHY_MAX, "the TLS library of this machine cannot offer %s", name);
        return RDT_TLS_UNDECIDED;
    }
    if (answer->version != 0) {
        snprintf(why, RDT_TLS_WHY_MAX, "answered with %s", wire_name(answer->version));
        return RDT_TLS_REFUSED;
    }
    switch (answer->end) {
    case RDT_TLS_END_ALERT:
        return judge_alert(answer->alert, alive, why);
    case RDT_TLS_END_CLOSED:
        /* Many servers (Schannel) hang up instead of sending an alert. But so does whatever is
         * broken, overloaded or no TLS at all: only a server seen alive has refused. */
        snprintf(why, RDT_TLS_WHY_MAX, "closed the connection");
        return alive ? RDT_TLS_REFUSED : RDT_TLS_UNDECIDED;
    case RDT_TLS_END_TIMEOUT:
        /* A lost packet looks the same, so silence is never a refusal. */
        snprintf(why, RDT_TLS_WHY_MAX, "no answer in time");
        return RDT_TLS_UNDECIDED;
    default:
        snprintf(why, RDT_TLS_WHY_MAX, "no TLS answer: %s", answer->detail);
        return RDT_TLS_UNDECIDED;
    }
}

size_t
rdt_tls_chain(const struct rdt_tls_answer *answer, struct rdt_span out[static RDT_CERT_CHAIN_MAX])
{
    size_t at = 0;
    for (size_t i = 0; i < answer->n_certs; i++) {
        out[i] = (struct rdt_span){answer->der.p + at, answer->cert_ends[i] - at};
        at = answer->cert_ends[i];
    }
    return answer->n_certs;
}

void
rdt_tls_answer_done(struct rdt_tls_answer *answer)
{
    rdt_buf_done(&answer->der);
    *answer = (struct rdt_tls_answer){0};
}
