#include "crypto/cert.h"

#include "base/buf.h"
#include "base/clock.h"

#include "../test.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* Certificates are made here, so none of them runs out while the project lives. */
#define NOW INT64_C(1796083200) /* 2026-12-01 */

struct made {
    EVP_PKEY *key;
    X509 *x;
    unsigned char *der;
    int der_n;
};

struct wish {
    const char *name, *alt;    /* common name; subjectAltName, or NULL */
    const struct made *issuer; /* NULL: by itself */
    bool is_ca;
    const char *use;      /* extendedKeyUsage, or NULL */
    int64_t from_s, to_s; /* 0: ten days before, eighty after NOW */
    const EVP_MD *digest; /* NULL: SHA-256 */
    EVP_PKEY *key;        /* NULL: a new P-256 one; otherwise handed over */
};

static void
extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_true(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static struct made
make(const struct wish *w)
{
    static long serial = 1;
    struct made m = {.key = w->key == NULL ? EVP_EC_gen("P-256") : w->key, .x = X509_new()};
    const struct made *by = w->issuer == NULL ? &m : w->issuer;
    X509_NAME *name = X509_get_subject_name(m.x);
    assert_true(X509_set_version(m.x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(m.x), serial++));
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)w->name, -1, -1, 0));
    assert_true(X509_set_issuer_name(m.x, X509_get_subject_name(by->x)));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(m.x),
                                  w->from_s != 0 ? w->from_s : NOW - INT64_C(10) * RDT_DAY_S));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(m.x),
                                  w->to_s != 0 ? w->to_s : NOW + INT64_C(80) * RDT_DAY_S));
    assert_true(X509_set_pubkey(m.x, m.key));
    if (w->alt != NULL)
        extend(m.x, NID_subject_alt_name, w->alt);
    if (w->use != NULL)
        extend(m.x, NID_ext_key_usage, w->use);
    if (w->is_ca)
        extend(m.x, NID_basic_constraints, "critical,CA:TRUE");
    bool own_hash = EVP_PKEY_is_a(by->key, "ED25519") != 0; /* it takes no digest from us */
    assert_true(X509_sign(m.x, by->key,
                          own_hash            ? NULL
                          : w->digest != NULL ? w->digest
                                              : EVP_sha256()));
    m.der_n = i2d_X509(m.x, &m.der);
    assert_true(m.der_n > 0);
    return m;
}

static void
made_done(struct made *m)
{
    EVP_PKEY_free(m->key);
    X509_free(m->x);
    OPENSSL_free(m->der);
}

#define MADE RDT_AUTO(made_done) struct made

static struct rdt_span
der(const struct made *m)
{
    return (struct rdt_span){m->der, (size_t)m->der_n};
}

static void
add_pem(struct rdt_buf *out, const struct made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_true(PEM_write_bio_X509(bio, m->x));
    long n = BIO_get_mem_data(bio, &text);
    rdt_buf_add(out, text, (size_t)n);
    BIO_free(bio);
}

static void
reads_a_certificate(void **state)
{
    struct rdt_cert c;
    char date[RDT_DATE_TEXT];
    (void)state;
    MADE root = make(&(struct wish){.name = "R\xc3\xb6ot, Ltd.", .is_ca = true});
    MADE leaf = make(&(struct wish){.name = "a.example", .alt = "DNS:a.example", .issuer = &root});
    assert_int_equal(rdt_cert_read(der(&leaf), "a.example", &c, NULL), RDT_OK);
    assert_string_equal(c.subject, "CN=a.example");
    assert_string_equal(c.issuer, "CN=R\xc3\xb6ot\\, Ltd.");
    assert_int_equal(c.not_before_s, NOW - 10 * RDT_DAY_S);
    rdt_date_text(c.not_after, date);
    assert_string_equal(date, "2027-02-19");
    assert_int_equal(c.lifetime, 90);
    assert_string_equal(c.key, "ecdsa-p256");
    assert_int_equal(c.strength_bits, 128);
    assert_true(c.host);
    assert_int_equal(strlen(c.sha256), 95);
}

/* RFC 6125 6.4 and RFC 9525: what a name in a certificate covers. */
static const struct {
    const char *alt, *host;
    bool want;
} names[] = {
    {"DNS:a.example",               "a.example",              true },
    {"DNS:a.example",               "A.Example",              true },
    {"DNS:x.example,DNS:a.example", "a.example",              true },
    {"DNS:*.example.com",           "a.example.com",          true },
    {"IP:10.0.0.1",                 "10.0.0.1",               true },
    {"IP:2001:db8::1",              "2001:db8::1",            true },
    {"IP:2001:db8::1",              "2001:db8:0:0:0:0:0:1",   true },
    {"DNS:a.example",               "b.example",              false},
    {"DNS:a.example",               "a.example.evil.example", false},
    {"DNS:a.example",               "xa.example",             false},
    {"DNS:*.example.com",           "example.com",            false},
    {"DNS:*.example.com",           "a.b.example.com",        false},
    {"DNS:a*.example.com",          "ab.example.com",         false},
    {"DNS:10.0.0.1",                "10.0.0.1",               false}, /* an address has to stand as one */
    {"IP:10.0.0.1",                 "10.0.0.2",               false},
    {"DNS:other.example",           "common.example",         false}, /* common name below */
    {NULL,                          "common.example",         false},
};

static void
matches_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(names); i++) {
        MADE m = make(&(struct wish){.name = "common.example", .alt = names[i].alt});
        struct rdt_cert c;
        assert_int_equal(rdt_cert_read(der(&m), names[i].host, &c, NULL), RDT_OK);
        if (c.host != names[i].want)
            fail_msg("%s for %s: got %d", names[i].alt, names[i].host, c.host);
    }
}

static void
names_keys(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *want;
        int strength;
    } keys[] = {
        {EVP_RSA_gen(1024), "rsa-1024", 80},
        {EVP_RSA_gen(2048), "rsa-2048", 112},
        {EVP_EC_gen("P-384"), "ecdsa-p384", 192},
        {EVP_EC_gen("P-521"), "ecdsa-p521", 256},
        {EVP_EC_gen("secp256k1"), "ecdsa-secp256k1", 128},
        {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ed25519", 128},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(keys); i++) {
        MADE m = make(&(struct wish){.name = "k", .key = keys[i].key});
        struct rdt_cert c;
        assert_int_equal(rdt_cert_read(der(&m), "k", &c, NULL), RDT_OK);
        assert_string_equal(c.key, keys[i].want);
        assert_int_equal(c.strength_bits, keys[i].strength);
    }
}

static const struct {
    const char *what;
    int64_t from_s, to_s, not_before, not_after, lifetime;
} times[] = {
    {"90 days",                   NOW, NOW + 90 * INT64_C(86400),     NOW / 86400, NOW / 86400 + 90, 90             },
    {"90 days less a second",     NOW, NOW + 90 * INT64_C(86400) - 1, NOW / 86400, NOW / 86400 + 89,
     90                                                                                                             },
    {"90 days and a second",      NOW, NOW + 90 * INT64_C(86400) + 1, NOW / 86400, NOW / 86400 + 90, 91             },
    {"before 1970",               -1,  NOW,                           -1,          NOW / 86400,      NOW / 86400 + 1},
    {"the wrong way round",       NOW, NOW - 86400,                   NOW / 86400, NOW / 86400 - 1,  0              },
    {"no end (RFC 5280 4.1.2.5)", NOW, INT64_C(253402300799),         NOW / 86400, 2932896,
     2932897 - NOW / 86400                                                                                          },
};

static void
counts_days(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(times); i++) {
        MADE m =
            make(&(struct wish){.name = "t", .from_s = times[i].from_s, .to_s = times[i].to_s});
        struct rdt_cert c;
        assert_int_equal(rdt_cert_read(der(&m), "t", &c, NULL), RDT_OK);
        if (c.not_before != times[i].not_before || c.not_after != times[i].not_after ||
            c.lifetime != times[i].lifetime)
            fail_msg("%s: got %lld %lld %lld", times[i].what, (long long)c.not_before,
                     (long long)c.not_after, (long long)c.lifetime);
    }
}

static void
refuses_other_bytes(void **state)
{
    struct rdt_cert c = {.lifetime = -7};
    (void)state;
    MADE m = make(&(struct wish){.name = "t"});
    for (size_t n = 0; n < (size_t)m.der_n; n++) {
        uint8_t *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, m.der, n);
        assert_int_equal(rdt_cert_read((struct rdt_span){exact, n}, "t", &c, NULL), RDT_E_BADINPUT);
        free(exact);
    }
    RDT_BUF longer = {0};
    rdt_buf_add(&longer, m.der, (size_t)m.der_n);
    rdt_buf_str(&longer, "x");
    assert_int_equal(rdt_cert_read(rdt_buf_span(&longer), "t", &c, NULL), RDT_E_BADINPUT);
    static uint8_t huge[RDT_CERT_MAX + 1];
    assert_int_equal(rdt_cert_read((struct rdt_span){huge, sizeof huge}, "t", &c, NULL),
                     RDT_E_LIMIT);
    assert_int_equal(c.lifetime, -7); /* left alone */
}

/* A name that would break a terminal or a report comes out harmless, and cut to its place. */
static void
odd_names(void **state)
{
    static const struct {
        const char *name, *want;
    } odd[] = {
        {"a\nb",          "CN=a\\0Ab"        },
        {"a\x1b[31mb",    "CN=a\\1B[31mb"    },
        {"a\x7f",         "CN=a\\7F"         },
        {"\xd0\xb0",      "CN=\xd0\xb0"      },
        {"\xc2\x9b"
         "31m",  "CN=\\C2\\9B31m"   },
        {"a\xe2\x80\xae"
         "b",    "CN=a\\E2\\80\\AEb"},
        {"a\xe2\x81\xa6", "CN=a\\E2\\81\\A6" },
    };
    char wide[201] = "";
    struct rdt_cert c;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(odd); i++) {
        MADE m = make(&(struct wish){.name = odd[i].name});
        assert_int_equal(rdt_cert_read(der(&m), "t", &c, NULL), RDT_OK);
        assert_string_equal(c.subject, odd[i].want);
    }
    for (size_t i = 0; i < 64; i++) /* 64 letters of 3 bytes: X.520's bound for a common name */
        memcpy(wide + 3 * i, "\xe2\x82\xac", 4);
    MADE m = make(&(struct wish){.name = wide});
    for (int i = 0; i < 3; i++)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x), "O", MBSTRING_UTF8,
                                   (const unsigned char *)wide, -1, -1, 0);
    assert_true(X509_sign(m.x, m.key, EVP_sha256()));
    OPENSSL_free(m.der);
    m.der = NULL;
    m.der_n = i2d_X509(m.x, &m.der);
    assert_int_equal(rdt_cert_read(der(&m), "t", &c, NULL), RDT_OK);
    size_t n = strlen(c.subject);
    assert_true(n > RDT_CERT_NAME_MAX - 5 && n < RDT_CERT_NAME_MAX);
    assert_true((c.subject[n - 1] & 0xC0) == 0x80 && (c.subject[n - 3] & 0xF0) == 0xE0);
}

struct pki {
    struct made root, middle, leaf, stranger, old_middle, of_old, sha1, late, early, client,
        of_leaf;
};

static int
make_pki(void **state)
{
    static struct pki p;
    p.root = make(&(struct wish){.name = "root", .is_ca = true});
    p.stranger = make(&(struct wish){.name = "stranger", .is_ca = true});
    p.middle = make(&(struct wish){.name = "middle", .is_ca = true, .issuer = &p.root});
    p.leaf = make(&(struct wish){.name = "leaf", .issuer = &p.middle});
    p.old_middle = make(&(struct wish){.name = "old middle",
                                       .is_ca = true,
                                       .issuer = &p.root,
                                       .from_s = NOW - 99 * INT64_C(86400),
                                       .to_s = NOW - 1});
    p.of_old = make(&(struct wish){.name = "of old", .issuer = &p.old_middle});
    p.sha1 = make(&(struct wish){.name = "sha1", .issuer = &p.root, .digest = EVP_sha1()});
    p.late = make(&(struct wish){.name = "late", .issuer = &p.root, .to_s = NOW - 1});
    p.early = make(&(struct wish){.name = "early", .issuer = &p.root, .from_s = NOW + 60});
    p.client = make(&(struct wish){.name = "client", .issuer = &p.root, .use = "clientAuth"});
    p.of_leaf = make(&(struct wish){.name = "of leaf", .issuer = &p.leaf});
    *state = &p;
    return 0;
}

static int
free_pki(void **state)
{
    struct pki *p = *state;
    struct made *all[] = {&p->root,   &p->middle, &p->leaf, &p->stranger, &p->old_middle,
                          &p->of_old, &p->sha1,   &p->late, &p->early,    &p->of_leaf};
    for (size_t i = 0; i < RDT_COUNT(all); i++)
        made_done(all[i]);
    return 0;
}

static void
verifies_chains(void **state)
{
    struct pki *p = *state;
    const struct {
        const char *what;
        const struct made *sent[3], *trusted;
        const char *why; /* NULL: it is trusted */
    } chains[] = {
        {"whole",                          {&p->leaf, &p->middle},              &p->root,     NULL                          },
        {"root sent too",                  {&p->leaf, &p->middle, &p->root},    &p->root,     NULL                          },
        {"an intermediate in the CA file", {&p->leaf},                          &p->middle,   NULL                          },
        {"itself in the CA file",          {&p->leaf},                          &p->leaf,     NULL                          },
        {"has run out",                    {&p->late},                          &p->root,     "expired (certificate 1"      },
        {"not valid yet",                  {&p->early},                         &p->root,     "not yet valid (certificate 1"},
        {"intermediate missing",           {&p->leaf},                          &p->root,     "issuer"                      },
        {"another root",                   {&p->leaf, &p->middle},              &p->stranger, "issuer"                      },
        {"another root sent along",        {&p->leaf, &p->middle, &p->root},    &p->stranger, "self-signed"                 },
        {"signed by itself",               {&p->root},                          &p->stranger, "self-signed"                 },
        {"intermediate has run out",
         {&p->of_old, &p->old_middle},
         &p->root,
         "expired (certificate 2"                                                                                           },
        {"only for clients",               {&p->client},                        &p->root,     "purpose"                     },
        {"SHA-1",                          {&p->sha1},                          &p->root,     "weak"                        },
        {"signed by what is no CA",        {&p->of_leaf, &p->leaf, &p->middle}, &p->root,     "CA"                          },
    };
    for (size_t i = 0; i < RDT_COUNT(chains); i++) {
        struct rdt_span sent[3];
        RDT_BUF pem = {0};
        size_t n = 0;
        struct rdt_cert_trust trust = {0};
        struct rdt_err err = {0};
        for (; n < 3 && chains[i].sent[n] != NULL; n++)
            sent[n] = der(chains[i].sent[n]);
        add_pem(&pem, chains[i].trusted);
        enum rdt_code rc = rdt_cert_verify(sent, n, rdt_buf_span(&pem), NOW, &trust, &err);
        if (rc != RDT_OK)
            fail_msg("%s: %s", chains[i].what, err.text);
        if (trust.trusted != (chains[i].why == NULL) ||
            (chains[i].why != NULL && strstr(trust.why, chains[i].why) == NULL))
            fail_msg("%s: got %d, %s", chains[i].what, trust.trusted, trust.why);
    }
}

/* A changed certificate is another one: its signature no longer fits. */
static void
flipped_signature(void **state)
{
    struct pki *p = *state;
    struct rdt_cert_trust trust = {0};
    RDT_BUF pem = {0}, bad = {0};
    add_pem(&pem, &p->middle);
    rdt_buf_add(&bad, p->leaf.der, (size_t)p->leaf.der_n);
    bad.p[bad.n - 1] ^= 1;
    struct rdt_span sent = rdt_buf_span(&bad);
    enum rdt_code rc = rdt_cert_verify(&sent, 1, rdt_buf_span(&pem), NOW, &trust, NULL);
    assert_true(rc == RDT_E_BADINPUT || (rc == RDT_OK && !trust.trusted));
}

static void
ca_files(void **state)
{
    struct pki *p = *state;
    struct rdt_span sent = der(&p->leaf);
    struct rdt_cert_trust trust = {0};
    RDT_BUF two = {0}, cut = {0}, large = {0};
    add_pem(&two, &p->stranger);
    rdt_buf_str(&two, "words between are allowed\n");
    add_pem(&two, &p->middle);
    assert_int_equal(rdt_cert_verify(&sent, 1, rdt_buf_span(&two), NOW, &trust, NULL), RDT_OK);
    assert_true(trust.trusted);
    rdt_buf_add(&cut, two.p, two.n - 40);
    assert_int_equal(rdt_cert_verify(&sent, 1, rdt_buf_span(&cut), NOW, &trust, NULL),
                     RDT_E_BADINPUT);
    assert_int_equal(rdt_cert_verify(&sent, 1, rdt_span_str("x"), NOW, &trust, NULL),
                     RDT_E_BADINPUT);
    rdt_buf_add(&large, two.p, two.n);
    while (large.n <= RDT_CERT_CA_MAX)
        rdt_buf_fmt(&large, "%4096s\n", "");
    assert_int_equal(rdt_cert_verify(&sent, 1, rdt_buf_span(&large), NOW, &trust, NULL),
                     RDT_E_LIMIT);
}

static void
bad_chains(void **state)
{
    struct pki *p = *state;
    struct rdt_span many[RDT_CERT_CHAIN_MAX + 1];
    struct rdt_span odd[] = {der(&p->leaf), rdt_span_str("x")};
    struct rdt_cert_trust trust = {0};
    struct rdt_err err = {0};
    RDT_BUF pem = {0};
    add_pem(&pem, &p->root);
    for (size_t i = 0; i < RDT_COUNT(many); i++)
        many[i] = der(&p->leaf);
    assert_int_equal(rdt_cert_verify(many, RDT_COUNT(many), rdt_buf_span(&pem), NOW, &trust, NULL),
                     RDT_E_LIMIT);
    assert_int_equal(rdt_cert_verify(many, 0, rdt_buf_span(&pem), NOW, &trust, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_cert_verify(odd, 2, rdt_buf_span(&pem), NOW, &trust, &err),
                     RDT_E_BADINPUT);
    assert_non_null(strstr(err.text, "certificate 2"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_certificate),
        cmocka_unit_test(matches_names),
        cmocka_unit_test(names_keys),
        cmocka_unit_test(counts_days),
        cmocka_unit_test(refuses_other_bytes),
        cmocka_unit_test(odd_names),
        cmocka_unit_test(verifies_chains),
        cmocka_unit_test(flipped_signature),
        cmocka_unit_test(ca_files),
        cmocka_unit_test(bad_chains),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
