#include "crypto/cert.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/hash.h"

#include <ctype.h>
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define AUTH_LEVEL 1 /* OpenSSL's: signatures of at least 80 bits, so no SHA-1 and no MD5 */

static void
free_x509(X509 **x)
{
    X509_free(*x);
}

static void
free_chain(STACK_OF(X509) * *chain)
{
    sk_X509_pop_free(*chain, X509_free);
}

static void
free_store(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void
free_store_ctx(X509_STORE_CTX **ctx)
{
    X509_STORE_CTX_free(*ctx);
}

static void
free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void
free_time(ASN1_TIME **t)
{
    ASN1_TIME_free(*t);
}

static enum rdt_code
parse_der(struct rdt_span der, X509 **out, struct rdt_err *err)
{
    if (der.n > RDT_CERT_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "certificate of %zu bytes", der.n);
    const unsigned char *at = der.p;
    X509 *x = der.n == 0 ? NULL : d2i_X509(NULL, &at, (long)der.n);
    ERR_clear_error();
    if (x == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not a certificate");
    if (at != der.p + der.n) {
        X509_free(x);
        return rdt_fail(err, RDT_E_BADINPUT, "bytes after the certificate");
    }
    *out = x;
    return RDT_OK;
}

/* Letters that no reader would see as such: C1 controls, line separators and changes of writing
 * direction, by which a name could move text around in a terminal or a report. */
static bool
has_tricks(struct rdt_span text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        const uint8_t *p = text.p + i;
        if (p[0] == 0xc2 && p[1] < 0xa0)
            return true;
        if (i + 2 < text.n && p[0] == 0xe2 &&
            ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
             (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
            return true;
    }
    return false;
}

/* Names come from the peer. RFC 4514 escapes ASCII controls; what is then no plain UTF-8 is printed
 * again with every byte above ASCII escaped. */
static void
name_text(const X509_NAME *name, char out[static RDT_CERT_NAME_MAX])
{
    static const unsigned long tries[] = {XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB,
                                          XN_FLAG_RFC2253};
    out[0] = '\0';
    for (size_t i = 0; i < RDT_COUNT(tries); i++) {
        RDT_AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());
        if (bio == NULL || X509_NAME_print_ex(bio, name, 0, tries[i]) < 0)
            continue;
        char *p = NULL;
        long got = BIO_get_mem_data(bio, &p);
        size_t n = got < 0 ? 0 : (size_t)got;
        bool too_long = n >= RDT_CERT_NAME_MAX;
        if (too_long)
            n = RDT_CERT_NAME_MAX - 1;
        /* A cut may split a letter: give up its first bytes too. */
        for (size_t cut = 0; cut <= (too_long ? 3 : 0); cut++) {
            struct rdt_span text = {(const uint8_t *)p, n - cut};
            if (!rdt_text_utf8(text) || has_tricks(text))
                continue;
            memcpy(out, p, n - cut);
            out[n - cut] = '\0';
            return;
        }
    }
}

static bool
time_seconds(const ASN1_TIME *t, int64_t *out)
{
    RDT_AUTO(free_time) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    if (epoch == NULL || t == NULL || !ASN1_TIME_diff(&days, &seconds, epoch, t))
        return false;
    *out = (int64_t)days * RDT_DAY_S + seconds;
    return true;
}

static int64_t
floor_days(int64_t s)
{
    return s / RDT_DAY_S - (s % RDT_DAY_S < 0);
}

static bool
read_times(const X509 *x, struct rdt_cert *c)
{
    if (!time_seconds(X509_get0_notBefore(x), &c->not_before_s) ||
        !time_seconds(X509_get0_notAfter(x), &c->not_after_s))
        return false;
    c->not_before = floor_days(c->not_before_s);
    c->not_after = floor_days(c->not_after_s);
    /* The last second counts (RFC 5280 4.1.2.5), yet tools write 90 days as exactly 90 * 86400:
     * counting it would make every such certificate a day too long. */
    int64_t length = c->not_after_s - c->not_before_s;
    c->lifetime = length <= 0 ? 0 : (length + RDT_DAY_S - 1) / RDT_DAY_S;
    return true;
}

static void
ec_text(const EVP_PKEY *key, char *out, size_t n)
{
    static const struct {
        const char *group, *words;
    } known[] = {
        {"prime256v1", "p256"},
        {"secp384r1",  "p384"},
        {"secp521r1",  "p521"}
    };
    char group[24] = "unknown";
    EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
    const char *words = group;
    for (size_t i = 0; i < RDT_COUNT(known); i++)
        if (strcmp(group, known[i].group) == 0)
            words = known[i].words;
    snprintf(out, n, "ecdsa-%s", words);
}

static void
key_text(const X509 *x, struct rdt_cert *c)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (key == NULL) { /* an algorithm that the library lacks, or bytes that are no key */
        snprintf(c->key, sizeof c->key, "unknown");
        return;
    }
    const char *type = EVP_PKEY_get0_type_name(key);
    c->strength_bits = EVP_PKEY_get_security_bits(key);
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        snprintf(c->key, sizeof c->key, "rsa-%d", EVP_PKEY_get_bits(key));
        break;
    case EVP_PKEY_DSA:
        snprintf(c->key, sizeof c->key, "dsa-%d", EVP_PKEY_get_bits(key));
        break;
    case EVP_PKEY_EC:
        ec_text(key, c->key, sizeof c->key);
        break;
    default:
        snprintf(c->key, sizeof c->key, "%s", type == NULL ? "unknown" : type);
    }
    for (char *p = c->key; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
}

/* Colons, as browsers and openssl print it: one long run of digits would look like a secret. */
static enum rdt_code
fingerprint(struct rdt_span der, char out[static RDT_CERT_PRINT_TEXT], struct rdt_err *err)
{
    uint8_t digest[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_sha256(der, digest, err);
    for (size_t i = 0; rc == RDT_OK && i < sizeof digest; i++)
        snprintf(out + i * 3, 4, "%02x%s", digest[i], i + 1 < sizeof digest ? ":" : "");
    return rc;
}

static bool
matches_host(X509 *x, const char *host)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
    ERR_clear_error();
    if (ip != NULL) {
        ASN1_OCTET_STRING_free(ip);
        return X509_check_ip_asc(x, host, 0) == 1;
    }
    return X509_check_host(x, host, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           NULL) == 1;
}

enum rdt_code
rdt_cert_read(struct rdt_span der, const char *host, struct rdt_cert *out, struct rdt_err *err)
{
    RDT_AUTO(free_x509) X509 *x = NULL;
    struct rdt_cert c = {0};
    enum rdt_code rc = parse_der(der, &x, err);
    if (rc != RDT_OK)
        return rc;
    if (!read_times(x, &c))
        return rdt_fail(err, RDT_E_BADINPUT, "certificate with dates that do not exist");
    rc = fingerprint(der, c.sha256, err);
    if (rc != RDT_OK)
        return rc;
    name_text(X509_get_subject_name(x), c.subject);
    name_text(X509_get_issuer_name(x), c.issuer);
    key_text(x, &c);
    c.host = matches_host(x, host);
    ERR_clear_error();
    *out = c;
    return RDT_OK;
}

static enum rdt_code
load_roots(X509_STORE *store, struct rdt_span pem, struct rdt_err *err)
{
    RDT_AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    size_t n = 0;
    if (bio == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "CA file");
    for (;;) {
        RDT_AUTO(free_x509) X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (x == NULL)
            break;
        if (++n > RDT_CERT_ROOTS_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "CA file with over %d certificates",
                            RDT_CERT_ROOTS_MAX);
        if (!X509_STORE_add_cert(store, x))
            return rdt_fail(err, RDT_E_NOMEM, "CA file");
    }
    /* The end looks like a missing start line; anything else is a certificate that is broken. */
    unsigned long why = ERR_peek_last_error();
    ERR_clear_error();
    if (n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "CA file holds no certificate");
    if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
        return rdt_fail(err, RDT_E_BADINPUT, "CA file: certificate %zu is broken", n + 1);
    return RDT_OK;
}

/* Without any root every chain would look broken: that is a defect of this machine, not a fact. */
static bool
system_has_roots(X509_STORE *store)
{
    const STACK_OF(X509_OBJECT) *loaded = X509_STORE_get0_objects(store);
    if (sk_X509_OBJECT_num(loaded) > 0)
        return true;
    const char *folder = secure_getenv(X509_get_default_cert_dir_env());
    DIR *dir = opendir(folder != NULL ? folder : X509_get_default_cert_dir());
    bool found = false;
    if (dir == NULL)
        return false;
    for (struct dirent *e; !found && (e = readdir(dir)) != NULL;) {
        const char *dot = strrchr(e->d_name, '.');
        found = dot != NULL && dot != e->d_name && isdigit((unsigned char)dot[1]);
    }
    closedir(dir);
    return found;
}

static enum rdt_code
make_store(struct rdt_span ca_pem, X509_STORE **out, struct rdt_err *err)
{
    RDT_AUTO(free_store) X509_STORE *store = X509_STORE_new();
    enum rdt_code rc = RDT_OK;
    if (store == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "trusted roots");
    if (ca_pem.n > RDT_CERT_CA_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "CA file of %zu bytes", ca_pem.n);
    if (ca_pem.n != 0) {
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        rc = load_roots(store, ca_pem, err);
    } else if (!X509_STORE_set_default_paths(store) || !system_has_roots(store)) {
        rc = rdt_fail(err, RDT_E_NOTFOUND, "this machine has no trusted roots");
        rdt_hint(err, "install ca-certificates, or name a CA file in the target");
    }
    ERR_clear_error();
    if (rc == RDT_OK)
        *out = RDT_STEAL(store);
    return rc;
}

static enum rdt_code
parse_chain(const struct rdt_span *ders, size_t n, STACK_OF(X509) * chain, struct rdt_err *err)
{
    if (n == 0 || n > RDT_CERT_CHAIN_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "chain of %zu certificates", n);
    for (size_t i = 0; i < n; i++) {
        X509 *x = NULL;
        enum rdt_code rc = parse_der(ders[i], &x, err);
        if (rc != RDT_OK)
            return rdt_fail_in(err, rc, "certificate %zu of the chain", i + 1);
        if (sk_X509_push(chain, x) <= 0) {
            X509_free(x);
            return rdt_fail(err, RDT_E_NOMEM, "chain");
        }
    }
    return RDT_OK;
}

enum rdt_code
rdt_cert_verify(const struct rdt_span *ders, size_t n, struct rdt_span ca_pem, int64_t now,
                struct rdt_cert_trust *out, struct rdt_err *err)
{
    RDT_AUTO(free_chain) STACK_OF(X509) *chain = sk_X509_new_null();
    RDT_AUTO(free_store) X509_STORE *store = NULL;
    RDT_AUTO(free_store_ctx) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    struct rdt_cert_trust trust = {0};
    if (chain == NULL || ctx == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "verify a chain");
    enum rdt_code rc = parse_chain(ders, n, chain, err);
    if (rc == RDT_OK)
        rc = make_store(ca_pem, &store, err);
    if (rc != RDT_OK)
        return rc;
    /* ctx borrows store and chain; as the one declared last it is freed first. */
    if (!X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) ||
        !X509_STORE_CTX_set_default(ctx, "ssl_server"))
        return rdt_fail(err, RDT_E_NOMEM, "verify a chain");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    trust.trusted = X509_verify_cert(ctx) == 1;
    if (!trust.trusted) {
        int depth = X509_STORE_CTX_get_error_depth(ctx);
        const char *words = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
        snprintf(trust.why, sizeof trust.why, "%s (certificate %d of the chain)", words, depth + 1);
    }
    ERR_clear_error();
    *out = trust;
    return RDT_OK;
}
