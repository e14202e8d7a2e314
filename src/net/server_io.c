#include "net/server_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/*
 * libssl reads on while records come that carry no data of ours (key updates, say), so a peer that
 * sends nothing else could hold the loop. This ends it: after conn->reads reads of the socket the
 * answer is "not now", and poll brings us back after the others had their turn.
 */
static long
ration(BIO *bio, int operation, const char *data, size_t n, int i, long l, int result,
       size_t *processed)
{
    struct rdt_conn *conn = (void *)BIO_get_callback_arg(bio);
    (void)data;
    (void)n;
    (void)i;
    (void)l;
    (void)processed;
    if (operation != BIO_CB_READ)
        return result;
    if (conn->reads > 0) {
        conn->reads--;
        return result;
    }
    BIO_clear_retry_flags(bio);
    BIO_set_retry_read(bio);
    return -1;
}

bool
rdt_conn_tls(struct rdt_conn *conn)
{
    conn->ssl = SSL_new(conn->loop->tls);
    if (conn->ssl == NULL || !SSL_set_fd(conn->ssl, conn->fd)) {
        ERR_clear_error();
        return false;
    }
    BIO *bio = SSL_get_rbio(conn->ssl);
    BIO_set_callback_arg(bio, (char *)conn);
    BIO_set_callback_ex(bio, ration);
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

ssize_t
rdt_conn_read(struct rdt_conn *conn, uint8_t *p, size_t n)
{
    size_t got = 0;
    if (conn->loop->server->plain)
        return read_plain(conn, p, n);
    ERR_clear_error(); /* or what the caller left behind would be taken for ours */
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
    ERR_clear_error();
    if (SSL_write_ex(conn->ssl, p, n, &put))
        return (ssize_t)put;
    return SSL_get_error(conn->ssl, 0) == SSL_ERROR_WANT_WRITE ? RDT_IO_AGAIN : RDT_IO_DEAD;
}
