#include "base/file.h"
#include "net/server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* TLS 1.2 with forward secrecy and authenticated encryption; the suites of TLS 1.3 all have both.
 */
#define SUITES_12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"
#define GROUPS_PQ "X25519MLKEM768:" GROUPS /* where the library has it */
#define SECURITY_LEVEL 2                   /* 112 bits: no RSA under 2048, no SHA-1 signatures */

static void
free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void
free_x509(X509 **cert)
{
    X509_free(*cert);
}

static void
free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
free_ctx(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static void
free_names(STACK_OF(X509_NAME) * *names)
{
    sk_X509_NAME_pop_free(*names, X509_NAME_free);
}

/* ---- files */

/* The key's bytes go from the file into locked memory, with no copy on the way. */
static enum rdt_code
read_key(const char *path, struct rdt_secret *out, struct rdt_err *err)
{
    struct stat st;
    RDT_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return rdt_fail(err, errno == EACCES ? RDT_E_DENIED : RDT_E_BADINPUT, "key '%s': %s", path,
                        strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)RDT_SECRET_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "key '%s': not a file of a private key", path);
    enum rdt_code rc = rdt_secret_new(out, (size_t)st.st_size, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "key '%s'", path);
    size_t n = 0;
    ssize_t got;
    while (n < out->n && (got = read(fd, out->p + n, out->n - n)) > 0)
        n += (size_t)got;
    return n == out->n ? RDT_OK : rdt_fail(err, RDT_E_IO, "key '%s': it changes", path);
}

enum rdt_code
rdt_pems_read(const struct rdt_server *server, struct rdt_pems *out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_file_read(server->cert_file, RDT_SERVER_PEM_MAX, &out->cert, err);
    out->session_s = RDT_SERVER_SESSION_S / (long)server->hurry;
    if (rc == RDT_OK)
        rc = read_key(server->key_file, &out->key, err);
    if (rc == RDT_OK && server->client_ca_file != NULL)
        rc = rdt_file_read(server->client_ca_file, RDT_SERVER_PEM_MAX, &out->ca, err);
    if (rc == RDT_OK && server->client_ca_file != NULL && out->ca.n == 0)
        rc = rdt_fail(err, RDT_E_BADINPUT, "'%s' is empty", server->client_ca_file);
    return rc;
}

void
rdt_pems_done(struct rdt_pems *pems)
{
    rdt_buf_done(&pems->cert);
    rdt_buf_done(&pems->ca);
    rdt_secret_wipe(&pems->key);
}

/* The next certificate of a file: NULL at its end, or with *bad set when it makes no sense. */
static X509 *
next_cert(OSSL_LIB_CTX *lib, BIO *bio, bool *bad)
{
    RDT_AUTO(free_x509) X509 *cert = X509_new_ex(lib, NULL);
    ERR_clear_error();
    if (cert != NULL && PEM_read_bio_X509(bio, &cert, NULL, NULL) != NULL)
        return RDT_STEAL(cert);
    *bad = cert == NULL && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    ERR_clear_error();
    return NULL;
}

static enum rdt_code
use_chain(SSL_CTX *ctx, OSSL_LIB_CTX *lib, struct rdt_span pem, struct rdt_err *err)
{
    RDT_AUTO(free_bio) BIO *bio = pem.n == 0 ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
    bool bad = bio == NULL;
    size_t n = 0;
    ERR_clear_error();
    while (!bad) {
        RDT_AUTO(free_x509) X509 *cert = next_cert(lib, bio, &bad);
        if (cert == NULL)
            break;
        bad = n == 0 ? !SSL_CTX_use_certificate(ctx, cert) : !SSL_CTX_add1_chain_cert(ctx, cert);
        n++;
    }
    if (!bad && n > 0)
        return RDT_OK;
    unsigned long e = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(e);
    return rdt_fail(err, RDT_E_BADINPUT, "server certificate: %s",
                    words == NULL ? "no certificate in PEM" : words);
}

/* Without this libssl would ask at the terminal. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum rdt_code
use_key(SSL_CTX *ctx, OSSL_LIB_CTX *lib, const struct rdt_secret *pem, struct rdt_err *err)
{
    struct rdt_span bytes = rdt_secret_view(pem);
    RDT_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
    RDT_AUTO(free_key) EVP_PKEY *key = NULL;
    if (bio != NULL)
        key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, lib, NULL);
    if (key == NULL) {
        (void)rdt_fail(err, RDT_E_BADINPUT, "server key: no private key in PEM");
        rdt_hint(err, "a key under a password is not read: protect the file instead");
        return RDT_E_BADINPUT;
    }
    if (!SSL_CTX_use_PrivateKey(ctx, key) || !SSL_CTX_check_private_key(ctx))
        return rdt_fail(err, RDT_E_BADINPUT, "server key: it does not fit the certificate");
    return RDT_OK;
}

/* ---- client certificates */

/* Before any signature is checked: what a stranger's chain may cost. */
static int
verify_peer(X509_STORE_CTX *store, void *arg)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    int n = chain == NULL ? 0 : sk_X509_num(chain);
    (void)arg;
    bool ok = n <= RDT_SERVER_CHAIN_MAX;
    for (int i = 0; ok && i < n; i++) {
        EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));
        ok = key != NULL && EVP_PKEY_get_bits(key) <= RDT_SERVER_KEY_BITS_MAX;
    }
    if (ok)
        return X509_verify_cert(store);
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_CHAIN_TOO_LONG);
    return 0;
}

static pthread_once_t birth_once = PTHREAD_ONCE_INIT;
static int birth_index = -1; /* of a session's own data; 0 would not survive a copy */

static void
make_birth_index(void)
{
    birth_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/*
 * A session that was resumed gives birth to new ones in TLS 1.3, which would be good for their own
 * full life each. They inherit the hour of the handshake that proved the certificate instead.
 */
static int
keep_birth(SSL *ssl, SSL_SESSION *session)
{
    if (SSL_session_reused(ssl)) {
        long birth = (long)(intptr_t)SSL_SESSION_get_ex_data(session, birth_index);
        (void)SSL_SESSION_set_time(session, birth);
    } else {
        void *birth = (void *)(intptr_t)SSL_SESSION_get_time(session);
        (void)SSL_SESSION_set_ex_data(session, birth_index, birth);
    }
    return 0; /* no reference kept */
}

static enum rdt_code
use_client_ca(SSL_CTX *ctx, OSSL_LIB_CTX *lib, struct rdt_span pem, struct rdt_err *err)
{
    RDT_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    RDT_AUTO(free_names) STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    bool bad = bio == NULL || names == NULL || pthread_once(&birth_once, make_birth_index) != 0 ||
               birth_index < 0;
    size_t n = 0;
    while (!bad) {
        RDT_AUTO(free_x509) X509 *cert = next_cert(lib, bio, &bad);
        if (cert == NULL)
            break;
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));
        bad = !X509_STORE_add_cert(store, cert) || name == NULL || !sk_X509_NAME_push(names, name);
        n++;
    }
    if (bad || n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "client CA: no certificate in PEM");
    SSL_CTX_set_client_CA_list(ctx, RDT_STEAL(names));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL); /* and who has none may still come in */
    SSL_CTX_set_verify_depth(ctx, RDT_SERVER_CHAIN_MAX);
    SSL_CTX_set_cert_verify_callback(ctx, verify_peer, NULL);
    /* A ticket would carry the client's certificate and cost its encoding; a cache is cheaper, and
     * what it forgets is gone. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_sess_set_new_cb(ctx, keep_birth);
    return RDT_OK;
}

/* ---- the context */

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
            unsigned n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&found, out_n, ours, sizeof ours - 1, in, n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* it wants to speak something else to us */
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool
set_up(SSL_CTX *ctx)
{
    static const unsigned char id[] = "redoubt";
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN); /* the client CA is none of the chain */
    SSL_CTX_set_read_ahead(ctx, 1);                /* one system call for a record, not two */
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    SSL_CTX_set_max_cert_list(ctx, (long)RDT_SERVER_CERT_MAX);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(ctx, RDT_SERVER_SESSIONS_MAX);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
              SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
              SSL_CTX_set_cipher_list(ctx, SUITES_12) && SSL_CTX_set_num_tickets(ctx, 1) &&
              SSL_CTX_set_max_early_data(ctx, 0) && SSL_CTX_set_recv_max_early_data(ctx, 0) &&
              SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    return ok &&
           (SSL_CTX_set1_groups_list(ctx, GROUPS_PQ) || SSL_CTX_set1_groups_list(ctx, GROUPS));
}

enum rdt_code
rdt_server_tls(OSSL_LIB_CTX *lib, const struct rdt_pems *pems, SSL_CTX **out, struct rdt_err *err)
{
    RDT_AUTO(free_ctx) SSL_CTX *ctx = SSL_CTX_new_ex(lib, NULL, TLS_server_method());
    if (ctx == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "TLS");
    enum rdt_code rc =
        set_up(ctx) ? RDT_OK : rdt_fail(err, RDT_E_INTERNAL, "libssl lacks what the server needs");
    SSL_CTX_set_timeout(ctx, pems->session_s);
    if (rc == RDT_OK)
        rc = use_chain(ctx, lib, rdt_buf_span(&pems->cert), err);
    if (rc == RDT_OK)
        rc = use_key(ctx, lib, &pems->key, err);
    if (rc == RDT_OK && pems->ca.n > 0)
        rc = use_client_ca(ctx, lib, rdt_buf_span(&pems->ca), err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(ctx);
    ERR_clear_error();
    return rc;
}

bool
rdt_conn_identify(struct rdt_conn *conn)
{
    const X509 *cert = SSL_get0_peer_certificate(conn->ssl);
    struct tm end = {0};
    unsigned n = 0;
    if (cert == NULL)
        return true;
    bool ok = SSL_get_verify_result(conn->ssl) == X509_V_OK &&
              ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) &&
              X509_digest(cert, EVP_sha256(), conn->cert_fingerprint, &n) && n == RDT_SHA256_LEN;
    conn->cert_until_s = (int64_t)timegm(&end);
    conn->has_cert = ok;
    ERR_clear_error();
    return ok;
}
