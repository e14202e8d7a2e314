#include "net/server_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* ---- what libssl reads from and writes to: the descriptor, and nothing between */

/*
 * libssl reads on while records come that carry no data of ours (key updates, say), so a peer that
 * sends nothing else could hold the loop. This ends it: after conn->reads reads of the socket the
 * answer is "not now", and poll brings us back after the others had their turn.
 */
static int
bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
    struct rdt_conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (conn->reads == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    conn->reads--;
    ssize_t rc = recv(conn->fd, p, n, 0);
    if (rc > 0) {
        *got = (size_t)rc;
        return 1;
    }
    if (rc == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    else if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_read(bio);
    return 0;
}

static int
bio_write(BIO *bio, const char *p, size_t n, size_t *put)
{
    const struct rdt_conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t rc = send(conn->fd, p, n, MSG_NOSIGNAL);
    if (rc > 0) {
        *put = (size_t)rc;
        return 1;
    }
    if (rc < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return 0;
}

static long
bio_ctrl(BIO *bio, int operation, long number, void *p)
{
    (void)number;
    (void)p;
    if (operation == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return operation == BIO_CTRL_FLUSH; /* all is written at once; of the rest nothing is known */
}

static BIO_METHOD *method; /* for as long as the process runs */

static void
make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
    if (method == NULL || !BIO_meth_set_read_ex(method, bio_read) ||
        !BIO_meth_set_write_ex(method, bio_write) || !BIO_meth_set_ctrl(method, bio_ctrl)) {
        BIO_meth_free(method);
        method = NULL;
    }
}

bool
rdt_conn_tls(struct rdt_conn *conn)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_method);
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    conn->ssl = bio == NULL ? NULL : SSL_new(conn->loop->tls);
    if (conn->ssl == NULL) {
        BIO_free(bio);
        ERR_clear_error();
        return false;
    }
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->ssl, bio, bio); /* libssl's now */
    SSL_set_accept_state(conn->ssl);
    return true;
}

static ssize_t
read_plain(struct rdt_conn *conn, uint8_t *p, size_t n)
{
    conn->more = false;
    if (conn->reads == 0)
        return RDT_IO_AGAIN;
    conn->reads--;
    ssize_t got = recv(conn->fd, p, n, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? RDT_IO_AGAIN : RDT_IO_DEAD;
    conn->more = (size_t)got == n;
    return got;
}

static ssize_t
write_plain(const struct rdt_conn *conn, const uint8_t *p, size_t n)
{
    ssize_t put = send(conn->fd, p, n, MSG_NOSIGNAL);
    if (put < 0)
        return errno == EAGAIN || errno == EINTR ? RDT_IO_AGAIN : RDT_IO_DEAD;
    return put;
}

/* A look at an empty queue costs less than emptying it. */
static void
forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

ssize_t
rdt_conn_read(struct rdt_conn *conn, uint8_t *p, size_t n)
{
    size_t got = 0;
    if (conn->loop->server->plain)
        return read_plain(conn, p, n);
    forget_errors(); /* or what the caller left behind would be taken for ours */
    if (SSL_read_ex(conn->ssl, p, n, &got)) {
        conn->more = SSL_has_pending(conn->ssl);
        return (ssize_t)got;
    }
    /* Whole records come out before the socket is read again, so poll tells of all that is left. */
    conn->more = false;
    switch (SSL_get_error(conn->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return RDT_IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default: /* also WANT_WRITE: a peer that asks for new keys and takes no answer */
        return RDT_IO_DEAD;
    }
}

ssize_t
rdt_conn_write(struct rdt_conn *conn, const uint8_t *p, size_t n)
{
    size_t put = 0;
    if (conn->loop->server->plain)
        return write_plain(conn, p, n);
    forget_errors();
    if (SSL_write_ex(conn->ssl, p, n, &put))
        return (ssize_t)put;
    return SSL_get_error(conn->ssl, 0) == SSL_ERROR_WANT_WRITE ? RDT_IO_AGAIN : RDT_IO_DEAD;
}
