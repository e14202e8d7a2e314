#include "crypto/issue.h"

#include "crypto/cert.h"
#include "crypto/pem_internal.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_LEN 16  /* random bytes: no two certificates of one issuer share a serial */
#define SUBJECT_LEN 64 /* bytes of a common name, by RFC 5280's upper bound */
#define DNS_LEN 253    /* bytes of a DNS name in text */
#define DNS_LABEL_LEN 63
#define LAST_S INT64_C(253402300799) /* the year 9999 ends; libcrypto would write five digits */

/* What a certificate of a kind says besides names and dates. Critical first, so that a client which
 * does not know an extension refuses instead of passing over it. */
static const struct {
    const char *constraints, *usage, *extended; /* NULL: none */
    bool issued;                                /* by a CA, not by itself */
    bool named;                                 /* has alternative names */
} kinds[] = {
    [RDT_ISSUE_CA] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", NULL,         false,
                      false},
    [RDT_ISSUE_SERVER] = {"critical,CA:FALSE",          "critical,digitalSignature",    "serverAuth", true,
                      true },
    [RDT_ISSUE_CLIENT] = {"critical,CA:FALSE",          "critical,digitalSignature",    "clientAuth", true,
                      false},
};

struct issuer {
    X509 *cert; /* NULL: the certificate itself */
    EVP_PKEY *key;
};

static void
free_issuer(struct issuer *by)
{
    X509_free(by->cert);
    EVP_PKEY_free(by->key);
}

static void
free_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static enum rdt_code
failed(struct rdt_err *err)
{
    ERR_clear_error();
    return rdt_fail(err, RDT_E_INTERNAL, "libcrypto makes no certificate");
}

static bool
is_subject(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return n >= 1 && n <= SUBJECT_LEN;
}

/* Letters, digits, '-' and, as container networks have it, '_'; a whole "*" in front. */
static bool
is_dns(const char *text)
{
    size_t label = 0;
    char before = '.';
    if (strlen(text) > DNS_LEN)
        return false;
    if (strncmp(text, "*.", 2) == 0)
        text += 2;
    for (; *text != '\0'; before = *text++) {
        bool dot = *text == '.';
        if (!dot && *text != '-' && *text != '_' && !isalnum((unsigned char)*text))
            return false;
        if ((dot || *text == '-') && before == '.')
            return false; /* an empty label, or one that starts with a hyphen */
        if (dot && before == '-')
            return false;
        label = dot ? 0 : label + 1;
        if (label > DNS_LABEL_LEN)
            return false;
    }
    return before != '.' && before != '-';
}

static enum rdt_code
check_wish(const struct rdt_issue *what, struct rdt_err *err)
{
    bool issued = what->ca_pem.n != 0 || what->ca_key_pem.n != 0;
    if ((size_t)what->kind >= RDT_COUNT(kinds))
        return rdt_fail(err, RDT_E_BADINPUT, "no such kind of certificate");
    if (what->subject == NULL || !is_subject(what->subject))
        return rdt_fail(err, RDT_E_BADINPUT, "a common name is 1 to %d printable ASCII letters",
                        SUBJECT_LEN);
    if (what->n_names > RDT_ISSUE_NAMES_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "over %d names", RDT_ISSUE_NAMES_MAX);
    if (kinds[what->kind].named != (what->n_names != 0))
        return rdt_fail(err, RDT_E_BADINPUT, "a server certificate has names, no other has");
    if (kinds[what->kind].issued != issued)
        return rdt_fail(err, RDT_E_BADINPUT,
                        "a CA issues itself, every other certificate has an issuer");
    if (what->not_before < 0 || what->not_after <= what->not_before || what->not_after > LAST_S)
        return rdt_fail(err, RDT_E_BADINPUT,
                        "dates are from 1970 to 9999, the first before the last");
    return RDT_OK;
}

static enum rdt_code
load_issuer(const struct rdt_issue *what, struct issuer *by, struct rdt_err *err)
{
    if (!kinds[what->kind].issued)
        return RDT_OK;
    enum rdt_code rc = rdt_pem_cert_read(what->ca_pem, &by->cert, NULL, err);
    if (rc == RDT_OK)
        rc = rdt_pem_key_read(what->ca_key_pem, NULL, &by->key, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc == RDT_E_NOMEM ? rc : RDT_E_BADINPUT, "issuer");
    bool fits = X509_check_ca(by->cert) == 1 && X509_check_private_key(by->cert, by->key) == 1;
    ERR_clear_error();
    return fits ? RDT_OK : rdt_fail(err, RDT_E_BADINPUT, "issuer: not a CA, or the key of another");
}

static bool
set_serial(X509 *x)
{
    uint8_t bytes[SERIAL_LEN];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return ok;
}

static bool
set_subject(X509 *x, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool
set_dates(X509 *x, const struct rdt_issue *what)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)what->not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)what->not_after) != NULL;
}

/* value is one of ours, never a caller's: libcrypto reads it as configuration text. */
static bool
extend(X509 *x, X509 *by, int nid, const char *value)
{
    X509V3_CTX ctx;
    if (value == NULL)
        return true;
    X509V3_set_ctx(&ctx, by == NULL ? x : by, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static enum rdt_code
add_name(GENERAL_NAMES *names, const char *text, struct rdt_err *err)
{
    ASN1_STRING *value = a2i_IPADDRESS(text);
    int type = GEN_IPADD;
    ERR_clear_error();
    if (value == NULL) {
        if (!is_dns(text))
            return rdt_fail(err, RDT_E_BADINPUT, "neither a DNS name nor an IP address");
        type = GEN_DNS;
        value = ASN1_IA5STRING_new();
        if (value == NULL || ASN1_STRING_set(value, text, -1) != 1) {
            ASN1_STRING_free(value);
            return failed(err);
        }
    }
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL) {
        ASN1_STRING_free(value);
        return failed(err);
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return failed(err);
    }
    return RDT_OK;
}

static enum rdt_code
set_names(X509 *x, const struct rdt_issue *what, struct rdt_err *err)
{
    RDT_AUTO(free_names) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    if (names == NULL)
        return failed(err);
    for (size_t i = 0; i < what->n_names; i++) {
        enum rdt_code rc = add_name(names, what->names[i], err);
        if (rc != RDT_OK)
            return rdt_fail_in(err, rc, "name %zu", i + 1);
    }
    if (what->n_names != 0 && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) != 1)
        return failed(err);
    return RDT_OK;
}

static enum rdt_code
fill(X509 *x, const struct rdt_issue *what, const struct issuer *by, EVP_PKEY *key,
     struct rdt_err *err)
{
    const X509_NAME *issuer = X509_get_subject_name(by->cert == NULL ? x : by->cert);
    bool ok = X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
              set_subject(x, what->subject) && X509_set_issuer_name(x, issuer) == 1 &&
              set_dates(x, what) && X509_set_pubkey(x, key) == 1;
    /* the key's identifier before the issuer's: by itself, the second is made from the first */
    ok = ok && extend(x, by->cert, NID_basic_constraints, kinds[what->kind].constraints) &&
         extend(x, by->cert, NID_key_usage, kinds[what->kind].usage) &&
         extend(x, by->cert, NID_ext_key_usage, kinds[what->kind].extended) &&
         extend(x, by->cert, NID_subject_key_identifier, "hash") &&
         extend(x, by->cert, NID_authority_key_identifier, "keyid:always");
    return ok ? set_names(x, what, err) : failed(err);
}

/* Both or neither: a key without its certificate would be kept by somebody. */
static enum rdt_code
write_both(X509 *x, EVP_PKEY *key, struct rdt_buf *cert_pem, struct rdt_buf *key_pem,
           struct rdt_err *err)
{
    RDT_AUTO(rdt_bio_free_at) BIO *cert_bio = BIO_new(BIO_s_mem());
    RDT_AUTO(rdt_bio_free_at) BIO *key_bio = BIO_new(BIO_s_secmem());
    if (cert_bio == NULL || key_bio == NULL || PEM_write_bio_X509(cert_bio, x) != 1)
        return failed(err);
    enum rdt_code rc = rdt_pem_key_write(key, NULL, key_bio, err);
    if (rc == RDT_OK)
        rc = rdt_pem_take(cert_bio, cert_pem, err);
    if (rc == RDT_OK)
        rc = rdt_pem_take(key_bio, key_pem, err);
    return rc;
}

enum rdt_code
rdt_issue(const struct rdt_issue *what, struct rdt_buf *cert_pem, struct rdt_buf *key_pem,
          struct rdt_err *err)
{
    RDT_AUTO(free_issuer) struct issuer by = {0};
    RDT_AUTO(rdt_pkey_free_at) EVP_PKEY *key = NULL;
    RDT_AUTO(rdt_x509_free_at) X509 *x = NULL;
    enum rdt_code rc = check_wish(what, err);
    if (rc == RDT_OK)
        rc = load_issuer(what, &by, err);
    if (rc != RDT_OK)
        return rc;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "prime256v1");
    x = X509_new();
    if (key == NULL || x == NULL)
        return failed(err);
    rc = fill(x, what, &by, key, err);
    if (rc != RDT_OK)
        return rc;
    if (X509_sign(x, by.key == NULL ? key : by.key, EVP_sha256()) <= 0)
        return failed(err);
    return write_both(x, key, cert_pem, key_pem, err);
}

enum rdt_code
rdt_cert_fingerprint(struct rdt_span pem, uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    RDT_AUTO(rdt_x509_free_at) X509 *x = NULL;
    RDT_BUF der = {0};
    enum rdt_code rc = rdt_pem_cert_read(pem, &x, &der, err);
    return rc == RDT_OK ? rdt_sha256(rdt_buf_span(&der), out, err) : rc;
}
