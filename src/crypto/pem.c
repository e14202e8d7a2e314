#include "crypto/pem_internal.h"

#include "crypto/cert.h"
#include "crypto/sign.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#define PBKDF2_ROUNDS 600000 /* OWASP's figure for HMAC-SHA-256; 0.14 s */
#define PBKDF2_SALT_LEN 16

/* One block of a PEM: "-----BEGIN name-----", header lines (old-style encryption), bytes. */
struct block {
    char *name, *header;
    unsigned char *p;
    long n;
};

void
rdt_bio_free_at(BIO **bio)
{
    BIO_free(*bio);
}

void
rdt_pkey_free_at(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

void
rdt_x509_free_at(X509 **x)
{
    X509_free(*x);
}

static void
free_block(struct block *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    OPENSSL_clear_free(b->p, (size_t)b->n);
}

static void
free_info(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void
free_sealed(X509_SIG **sealed)
{
    X509_SIG_free(*sealed);
}

static bool
read_block(struct rdt_span pem, struct block *b)
{
    RDT_AUTO(rdt_bio_free_at) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    bool ok = bio != NULL && PEM_read_bio(bio, &b->name, &b->header, &b->p, &b->n) == 1;
    ERR_clear_error();
    return ok && b->header[0] == '\0'; /* RFC 7468 has no headers */
}

static enum rdt_code
decrypt(const struct block *b, const struct rdt_secret *pass, PKCS8_PRIV_KEY_INFO **out,
        struct rdt_err *err)
{
    const unsigned char *at = b->p;
    RDT_AUTO(free_sealed) X509_SIG *sealed = d2i_X509_SIG(NULL, &at, b->n);
    if (sealed == NULL || at != b->p + b->n)
        return rdt_fail(err, RDT_E_BADINPUT, "not an encrypted PKCS#8 key");
    if (pass == NULL)
        return rdt_fail(err, RDT_E_DENIED, "the key has a passphrase, and none was given");
    struct rdt_span bytes = rdt_secret_view(pass);
    *out = PKCS8_decrypt(sealed, (const char *)bytes.p, (int)bytes.n);
    if (*out == NULL)
        return rdt_fail(err, RDT_E_DENIED, "the passphrase is wrong, or the key is damaged");
    return RDT_OK;
}

static enum rdt_code
read_info(const struct block *b, const struct rdt_secret *pass, PKCS8_PRIV_KEY_INFO **out,
          struct rdt_err *err)
{
    const unsigned char *at = b->p;
    if (strcmp(b->name, PEM_STRING_PKCS8) == 0)
        return decrypt(b, pass, out, err);
    if (strcmp(b->name, PEM_STRING_PKCS8INF) != 0)
        return rdt_fail(err, RDT_E_BADINPUT, "PEM block is not of a PKCS#8 private key");
    *out = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, b->n);
    if (*out == NULL || at != b->p + b->n)
        return rdt_fail(err, RDT_E_BADINPUT, "not a PKCS#8 key");
    return RDT_OK;
}

enum rdt_code
rdt_pem_key_read(struct rdt_span pem, const struct rdt_secret *pass, EVP_PKEY **out,
                 struct rdt_err *err)
{
    RDT_AUTO(free_block) struct block b = {0};
    RDT_AUTO(free_info) PKCS8_PRIV_KEY_INFO *info = NULL;
    if (pem.n == 0 || pem.n > RDT_SIGNER_PEM_MAX || !read_block(pem, &b))
        return rdt_fail(err, RDT_E_BADINPUT, "not the PEM of a private key");
    enum rdt_code rc = read_info(&b, pass, &info, err);
    if (rc == RDT_OK) {
        *out = EVP_PKCS82PKEY(info);
        if (*out == NULL)
            rc = rdt_fail(err, RDT_E_BADINPUT, "a private key of an unknown kind");
    }
    ERR_clear_error();
    return rc;
}

/* libcrypto's own default is 2048 rounds. */
static X509_SIG *
encrypt(PKCS8_PRIV_KEY_INFO *info, const struct rdt_secret *pass)
{
    struct rdt_span bytes = rdt_secret_view(pass);
    X509_ALGOR *how = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, NULL, PBKDF2_SALT_LEN,
                                        NULL, NID_hmacWithSHA256);
    if (how == NULL)
        return NULL;
    X509_SIG *sealed = PKCS8_set0_pbe((const char *)bytes.p, (int)bytes.n, info, how);
    if (sealed == NULL)
        X509_ALGOR_free(how); /* otherwise it went into sealed */
    return sealed;
}

enum rdt_code
rdt_pem_key_write(EVP_PKEY *key, const struct rdt_secret *pass, BIO *out, struct rdt_err *err)
{
    RDT_AUTO(free_info) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    bool ok = info != NULL;
    if (ok && pass == NULL) {
        ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(out, info) == 1;
    } else if (ok) {
        RDT_AUTO(free_sealed) X509_SIG *sealed = encrypt(info, pass);
        ok = sealed != NULL && PEM_write_bio_PKCS8(out, sealed) == 1;
    }
    ERR_clear_error();
    return ok ? RDT_OK : rdt_fail(err, RDT_E_INTERNAL, "a private key cannot be written as PEM");
}

/* Without one, libcrypto would ask at the terminal. */
static int
no_passphrase(char *buf, int n, int writing, void *with)
{
    (void)buf, (void)n, (void)writing, (void)with;
    return -1;
}

enum rdt_code
rdt_pem_cert_read(struct rdt_span pem, X509 **out, struct rdt_buf *der, struct rdt_err *err)
{
    if (pem.n == 0 || pem.n > RDT_CERT_CA_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "not the PEM of a certificate");
    RDT_AUTO(rdt_bio_free_at) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    RDT_AUTO(free_block) struct block b = {0};
    RDT_AUTO(rdt_x509_free_at) X509 *x = NULL;
    if (bio == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "read a certificate");
    const char *kind = PEM_STRING_X509;
    if (PEM_bytes_read_bio(&b.p, &b.n, NULL, kind, bio, no_passphrase, NULL) == 1 &&
        (size_t)b.n <= RDT_CERT_MAX) {
        const unsigned char *at = b.p;
        x = d2i_X509(NULL, &at, b.n);
        if (at != b.p + b.n) {
            X509_free(x);
            x = NULL;
        }
    }
    ERR_clear_error();
    if (x == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not the PEM of a certificate");
    if (der != NULL)
        rdt_buf_add(der, b.p, (size_t)b.n);
    if (der != NULL && !rdt_buf_ok(der))
        return rdt_fail(err, RDT_E_NOMEM, "read a certificate");
    *out = RDT_STEAL(x);
    return RDT_OK;
}

enum rdt_code
rdt_pem_take(BIO *from, struct rdt_buf *out, struct rdt_err *err)
{
    char *p = NULL;
    long n = BIO_get_mem_data(from, &p);
    rdt_buf_add(out, p, n < 0 ? 0 : (size_t)n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "a PEM text");
}
