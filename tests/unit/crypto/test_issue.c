#include "crypto/issue.h"

#include "crypto/cert.h"

#include "../test.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define NOW INT64_C(1796083200) /* 2026-12-01 */
#define DAY INT64_C(86400)

static const char *const names[] = {"localhost",  "kms.example.com", "*.example.net",
                                    "my_service", "127.0.0.1",       "::1",
                                    "2001:db8::7"};

/* A CA, and what else the tests need of it. */
struct made {
    struct rdt_buf cert, key;
};

static void
free_made(struct made *m)
{
    rdt_buf_done(&m->cert);
    rdt_buf_done(&m->key);
}

static void
free_x509(X509 **x)
{
    X509_free(*x);
}

static struct rdt_issue
wish(enum rdt_issue_kind kind, const struct made *ca)
{
    struct rdt_issue w = {.kind = kind,
                          .subject = "Redoubt of a laptop",
                          .not_before = NOW - DAY,
                          .not_after = NOW + 90 * DAY};
    if (kind == RDT_ISSUE_SERVER) {
        w.names = names;
        w.n_names = RDT_COUNT(names);
    }
    if (ca != NULL) {
        w.ca_pem = rdt_buf_span(&ca->cert);
        w.ca_key_pem = rdt_buf_span(&ca->key);
    }
    return w;
}

static void
issue(enum rdt_issue_kind kind, const struct made *ca, struct made *out)
{
    struct rdt_issue w = wish(kind, ca);
    struct rdt_err err = {0};
    if (rdt_issue(&w, &out->cert, &out->key, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

static X509 *
x509_of(const struct made *m)
{
    BIO *bio = BIO_new_mem_buf(m->cert.p, (int)m->cert.n);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x);
    return x;
}

/* What libcrypto says to a chain when it holds RFC 5280 as strictly as it can. */
static int
strict_verdict(const struct made *leaf, const struct made *ca, int purpose)
{
    RDT_AUTO(free_x509) X509 *x = x509_of(leaf);
    RDT_AUTO(free_x509) X509 *root = x509_of(ca);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_time(param, (time_t)NOW);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_verify_cert(ctx);
    int verdict = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return verdict;
}

static void
chains_hold(void **state)
{
    static const struct {
        enum rdt_issue_kind kind;
        bool server, client; /* whether it is fit for that */
    } cases[] = {
        {RDT_ISSUE_SERVER, true,  false},
        {RDT_ISSUE_CLIENT, false, true },
    };
    RDT_AUTO(free_made) struct made ca = {0}, other = {0};
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    issue(RDT_ISSUE_CA, NULL, &other);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(free_made) struct made leaf = {0};
        issue(cases[i].kind, &ca, &leaf);
        assert_int_equal(strict_verdict(&leaf, &ca, X509_PURPOSE_SSL_SERVER),
                         cases[i].server ? X509_V_OK : X509_V_ERR_INVALID_PURPOSE);
        assert_int_equal(strict_verdict(&leaf, &ca, X509_PURPOSE_SSL_CLIENT),
                         cases[i].client ? X509_V_OK : X509_V_ERR_INVALID_PURPOSE);
        /* the other CA has the same name, but another key: its identifier tells them apart */
        assert_int_not_equal(strict_verdict(&leaf, &other, X509_PURPOSE_ANY), X509_V_OK);
    }
}

static int
critical(X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    return at < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(x, at));
}

static void
says_what_it_is_for(void **state)
{
    static const struct {
        enum rdt_issue_kind kind;
        uint32_t usage, extended;
        int ca, alternative; /* alternative: critical or not; -1: none */
    } cases[] = {
        {RDT_ISSUE_CA,     KU_KEY_CERT_SIGN | KU_CRL_SIGN, UINT32_MAX,     1, -1},
        {RDT_ISSUE_SERVER, KU_DIGITAL_SIGNATURE,           XKU_SSL_SERVER, 0, 0 },
        {RDT_ISSUE_CLIENT, KU_DIGITAL_SIGNATURE,           XKU_SSL_CLIENT, 0, -1},
    };
    RDT_AUTO(free_made) struct made ca = {0};
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(free_made) struct made m = {0};
        issue(cases[i].kind, cases[i].kind == RDT_ISSUE_CA ? NULL : &ca, &m);
        RDT_AUTO(free_x509) X509 *x = x509_of(&m);
        assert_int_equal(X509_get_version(x), X509_VERSION_3);
        assert_int_equal(X509_check_ca(x), cases[i].ca);
        assert_int_equal(X509_get_key_usage(x), cases[i].usage);
        assert_int_equal(X509_get_extended_key_usage(x), cases[i].extended);
        assert_int_equal(X509_get_pathlen(x), cases[i].ca ? 0 : -1);
        assert_int_equal(critical(x, NID_basic_constraints), 1);
        assert_int_equal(critical(x, NID_key_usage), 1);
        assert_int_equal(critical(x, NID_subject_key_identifier), 0);
        assert_int_equal(critical(x, NID_authority_key_identifier), 0);
        assert_int_equal(critical(x, NID_subject_alt_name), cases[i].alternative);
        assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
    }
}

static void
has_its_names_and_dates(void **state)
{
    static const struct {
        const char *host;
        bool want;
    } hosts[] = {
        {"localhost",           true },
        {"kms.example.com",     true },
        {"a.example.net",       true },
        {"my_service",          true },
        {"127.0.0.1",           true },
        {"::1",                 true },
        {"2001:db8:0::7",       true },
        {"example.net",         false},
        {"a.b.example.net",     false},
        {"127.0.0.2",           false},
        {"::2",                 false},
        {"Redoubt of a laptop", false},
    };
    RDT_AUTO(free_made) struct made ca = {0}, m = {0};
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    issue(RDT_ISSUE_SERVER, &ca, &m);
    RDT_AUTO(free_x509) X509 *x = x509_of(&m);
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    assert_true(n > 0);
    for (size_t i = 0; i < RDT_COUNT(hosts); i++) {
        struct rdt_cert c;
        assert_int_equal(rdt_cert_read((struct rdt_span){der, (size_t)n}, hosts[i].host, &c, NULL),
                         RDT_OK);
        assert_int_equal(c.host, hosts[i].want);
        assert_string_equal(c.subject, "CN=Redoubt of a laptop");
        assert_string_equal(c.key, "ecdsa-p256");
        assert_int_equal(c.not_before_s, NOW - DAY);
        assert_int_equal(c.not_after_s, NOW + 90 * DAY);
    }
    OPENSSL_free(der);
}

static void
serials_differ(void **state)
{
    RDT_AUTO(free_made) struct made ca = {0};
    char seen[8][48];
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    for (size_t i = 0; i < RDT_COUNT(seen); i++) {
        RDT_AUTO(free_made) struct made m = {0};
        issue(RDT_ISSUE_CLIENT, &ca, &m);
        RDT_AUTO(free_x509) X509 *x = x509_of(&m);
        BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        assert_false(BN_is_negative(n));
        assert_in_range(BN_num_bits(n), 64, 128); /* less: once in 2^64 runs */
        char *hex = BN_bn2hex(n);
        snprintf(seen[i], sizeof seen[i], "%s", hex);
        OPENSSL_free(hex);
        BN_free(n);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    }
}

static void
the_key_belongs(void **state)
{
    RDT_AUTO(free_made) struct made ca = {0};
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    BIO *bio = BIO_new_mem_buf(ca.key.p, (int)ca.key.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    RDT_AUTO(free_x509) X509 *x = x509_of(&ca);
    assert_non_null(key);
    assert_int_equal(X509_check_private_key(x, key), 1);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

#define LETTERS_16 "abcdefghijklmnop"
#define LETTERS_64 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16

static void
refuses_names(void **state)
{
    static const char *const wrong[] = {
        "",         ".",     "a..b",        ".a",          "a.",
        "-a",       "a-",    "a.-b",        "a-.b",        "a b",
        "a,DNS:b",  "a\nb",  "*",           "*.",          "a.*.b",
        "a*.b",     "*.*.b", "caf\xc3\xa9", "a/b",         LETTERS_64,
        "host:443", "[::1]", "::g",         "127.0.0.1/8", LETTERS_64 ".example.com"};
    RDT_AUTO(free_made) struct made ca = {0};
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    for (size_t i = 0; i < RDT_COUNT(wrong); i++) {
        RDT_AUTO(free_made) struct made m = {0};
        const char *both[] = {"localhost", wrong[i]};
        struct rdt_issue w = wish(RDT_ISSUE_SERVER, &ca);
        w.names = both;
        w.n_names = 2;
        assert_int_equal(rdt_issue(&w, &m.cert, &m.key, NULL), RDT_E_BADINPUT);
        assert_int_equal(m.cert.n + m.key.n, 0);
    }
}

static void
refuses_wishes(void **state)
{
    const char *many[RDT_ISSUE_NAMES_MAX + 1];
    RDT_AUTO(free_made) struct made ca = {0}, other = {0}, leaf = {0};
    struct rdt_issue w[19];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(many); i++)
        many[i] = "localhost";
    issue(RDT_ISSUE_CA, NULL, &ca);
    issue(RDT_ISSUE_CA, NULL, &other);
    issue(RDT_ISSUE_SERVER, &ca, &leaf);
    const struct rdt_issue good = wish(RDT_ISSUE_SERVER, &ca);
    for (size_t i = 0; i < RDT_COUNT(w); i++)
        w[i] = good;
    w[n++].subject = "";
    w[n++].subject = NULL;
    w[n++].subject = "two\nlines";
    w[n++].subject = "caf\xc3\xa9";
    w[n++].subject = LETTERS_64 "a";
    w[n++].n_names = 0;
    w[n].names = many;
    w[n++].n_names = RDT_COUNT(many);
    w[n++].not_after = good.not_before;
    w[n++].not_after = INT64_C(253402300800); /* year 10000 */
    w[n++].not_before = -1;
    w[n++].ca_pem = (struct rdt_span){NULL, 0};
    w[n++].ca_key_pem = (struct rdt_span){NULL, 0};
    w[n++].ca_key_pem = rdt_buf_span(&other.key); /* of another */
    w[n].ca_pem = rdt_buf_span(&leaf.cert);       /* no CA */
    w[n++].ca_key_pem = rdt_buf_span(&leaf.key);
    w[n++].ca_pem = rdt_buf_span(&ca.key);
    w[n++].ca_pem.n /= 2;
    w[n++].kind = RDT_ISSUE_CA;       /* with names */
    w[n++] = wish(RDT_ISSUE_CA, &ca); /* under another */
    w[n++].kind = (enum rdt_issue_kind)3;
    assert_int_equal(n, RDT_COUNT(w));
    for (size_t i = 0; i < n; i++) {
        RDT_AUTO(free_made) struct made m = {0};
        if (rdt_issue(&w[i], &m.cert, &m.key, NULL) != RDT_E_BADINPUT)
            fail_msg("wish %zu", i);
        assert_int_equal(m.cert.n + m.key.n, 0);
        assert_int_equal(ERR_peek_error(), 0);
    }
    RDT_AUTO(free_made) struct made m = {0};
    assert_int_equal(rdt_issue(&good, &m.cert, &m.key, NULL), RDT_OK);
}

static void
fingerprints(void **state)
{
    RDT_AUTO(free_made) struct made ca = {0};
    uint8_t got[RDT_SHA256_LEN], want[RDT_SHA256_LEN];
    unsigned n = 0;
    (void)state;
    issue(RDT_ISSUE_CA, NULL, &ca);
    RDT_AUTO(free_x509) X509 *x = x509_of(&ca);
    assert_int_equal(X509_digest(x, EVP_sha256(), want, &n), 1);
    assert_int_equal(rdt_cert_fingerprint(rdt_buf_span(&ca.cert), got, NULL), RDT_OK);
    assert_memory_equal(got, want, sizeof want);
    /* the first of several, and whatever stands before it */
    RDT_BUF more = {0};
    rdt_buf_str(&more, "subject=x\n");
    rdt_buf_add(&more, ca.key.p, ca.key.n);
    rdt_buf_add(&more, ca.cert.p, ca.cert.n);
    rdt_buf_add(&more, ca.cert.p, ca.cert.n);
    assert_int_equal(rdt_cert_fingerprint(rdt_buf_span(&more), got, NULL), RDT_OK);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(rdt_cert_fingerprint(rdt_buf_span(&ca.key), got, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_cert_fingerprint((struct rdt_span){NULL, 0}, got, NULL), RDT_E_BADINPUT);
    for (size_t cut = 0; cut + 2 < ca.cert.n; cut++)
        assert_int_equal(rdt_cert_fingerprint((struct rdt_span){ca.cert.p, cut}, got, NULL),
                         RDT_E_BADINPUT);
    assert_int_equal(ERR_peek_error(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_hold),
        cmocka_unit_test(says_what_it_is_for),
        cmocka_unit_test(has_its_names_and_dates),
        cmocka_unit_test(serials_differ),
        cmocka_unit_test(the_key_belongs),
        cmocka_unit_test(refuses_names),
        cmocka_unit_test(refuses_wishes),
        cmocka_unit_test(fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
