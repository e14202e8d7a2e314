#include "crypto/sign.h"

#include "wycheproof.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#define N_HEX                                                                                      \
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" /* order of P-256 */
#define N_PLUS_1_HEX "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define N_MINUS_1_HEX "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define ZERO_HEX "0000000000000000000000000000000000000000000000000000000000000000"
#define ALL_HEX "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define P256_SECRET "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define P256_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P256_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define ED_SECRET "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ED_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static const enum rdt_sign_alg algs[] = {RDT_SIGN_ED25519, RDT_SIGN_P256};

#define ED_1_SIG                                                                                   \
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9" \
    "b46bd25bf5f0595bbe24655141438e7a100b"
#define ED_2_SECRET "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define ED_2_PUBLIC "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define ED_2_SIG                                                                                   \
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1" \
    "1d8c387b2eaeb4302aeeb00d291612bb0c00"
#define P256_SIG                                                                                   \
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e2" \
    "9f65f3e900dbb9aff4064dc4ab2f843acda8"
#define P256_PUBLIC "04" P256_X P256_Y

/* Deterministic in Ed25519; libcrypto's P-256 draws, so there the published one is checked only. */
static const struct {
    const char *source;
    enum rdt_sign_alg alg;
    const char *secret, *public_key, *message, *signature;
} cases[] = {
    {"RFC 8032 7.1 test 1",     RDT_SIGN_ED25519, ED_SECRET,   ED_PUBLIC,   "",             ED_1_SIG},
    {"RFC 8032 7.1 test 2",     RDT_SIGN_ED25519, ED_2_SECRET, ED_2_PUBLIC, "72",           ED_2_SIG},
    {"RFC 6979 A.2.5, SHA-256", RDT_SIGN_P256,    P256_SECRET, P256_PUBLIC, "73616d706c65", P256_SIG},
};

static void
load(enum rdt_sign_alg alg, const char *hex, struct rdt_signer **out)
{
    RDT_SECRET secret = {0};
    RDT_BUF bytes = {0};
    hex_add(&bytes, hex);
    assert_int_equal(rdt_secret_copy(&secret, rdt_buf_span(&bytes), NULL), RDT_OK);
    assert_int_equal(rdt_signer_load(alg, &secret, out, NULL), RDT_OK);
}

static void
published(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
        RDT_BUF public_key = {0}, message = {0}, want = {0};
        RDT_SECRET back = {0};
        uint8_t got[RDT_SIGNATURE_LEN];
        hex_add(&public_key, cases[i].public_key);
        hex_add(&message, cases[i].message);
        hex_add(&want, cases[i].signature);
        load(cases[i].alg, cases[i].secret, &s);
        assert_true(rdt_span_eq(rdt_signer_public(s), rdt_buf_span(&public_key)));
        assert_int_equal(rdt_signature_check(rdt_buf_span(&public_key), rdt_buf_span(&message),
                                             rdt_buf_span(&want), NULL),
                         RDT_OK);
        assert_int_equal(rdt_signer_sign(s, rdt_buf_span(&message), got, NULL), RDT_OK);
        if (cases[i].alg == RDT_SIGN_ED25519)
            assert_memory_equal(got, want.p, sizeof got);
        assert_int_equal(rdt_signature_check(rdt_buf_span(&public_key), rdt_buf_span(&message),
                                             (struct rdt_span){got, sizeof got}, NULL),
                         RDT_OK);
        assert_int_equal(rdt_signer_secret(s, &back, NULL), RDT_OK);
        RDT_BUF secret = {0};
        hex_add(&secret, cases[i].secret);
        assert_true(rdt_span_eq(rdt_secret_view(&back), rdt_buf_span(&secret)));
    }
}

/* Each changed bit of the signature, the message or the key is noticed; and nothing is left in
 * libcrypto's error queue, where TLS on this thread would find it. */
static void
notices_changes(void **state)
{
    (void)state;
    for (size_t a = 0; a < RDT_COUNT(algs); a++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL, *other = NULL;
        uint8_t message[5] = "hello", sig[RDT_SIGNATURE_LEN];
        const struct rdt_span m = {message, sizeof message}, whole = {sig, sizeof sig};
        assert_int_equal(rdt_signer_new(algs[a], &s, NULL), RDT_OK);
        assert_int_equal(rdt_signer_new(algs[a], &other, NULL), RDT_OK);
        struct rdt_span key = rdt_signer_public(s);
        assert_int_equal(rdt_signer_sign(s, m, sig, NULL), RDT_OK);
        assert_int_equal(rdt_signature_check(key, m, whole, NULL), RDT_OK);
        assert_int_equal(rdt_signature_check(rdt_signer_public(other), m, whole, NULL),
                         RDT_E_TAMPERED);
        for (size_t bit = 0; bit < 8 * sizeof sig; bit += 3) {
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(rdt_signature_check(key, m, whole, NULL), RDT_E_TAMPERED);
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t n = 0; n < sizeof sig; n++)
            assert_int_equal(rdt_signature_check(key, m, (struct rdt_span){sig, n}, NULL),
                             RDT_E_TAMPERED);
        message[4] ^= 1;
        assert_int_equal(rdt_signature_check(key, m, whole, NULL), RDT_E_TAMPERED);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void
signs_any_length(void **state)
{
    static const size_t lengths[] = {0, 1, 63, 64, 65, 100000};
    static uint8_t bytes[100000];
    (void)state;
    for (size_t a = 0; a < RDT_COUNT(algs); a++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
        assert_int_equal(rdt_signer_new(algs[a], &s, NULL), RDT_OK);
        for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
            uint8_t sig[RDT_SIGNATURE_LEN];
            struct rdt_span m = {lengths[i] == 0 ? NULL : bytes, lengths[i]};
            assert_int_equal(rdt_signer_sign(s, m, sig, NULL), RDT_OK);
            assert_int_equal(rdt_signature_check(rdt_signer_public(s), m,
                                                 (struct rdt_span){sig, sizeof sig}, NULL),
                             RDT_OK);
        }
    }
    rdt_signer_free(NULL);
}

static void
refuses_secrets(void **state)
{
    static const struct {
        enum rdt_sign_alg alg;
        const char *hex;
        enum rdt_code want;
    } secrets[] = {
        {RDT_SIGN_P256,    ZERO_HEX,      RDT_E_BADINPUT},
        {RDT_SIGN_P256,    N_HEX,         RDT_E_BADINPUT},
        {RDT_SIGN_P256,    N_PLUS_1_HEX,  RDT_E_BADINPUT},
        {RDT_SIGN_P256,    ALL_HEX,       RDT_E_BADINPUT},
        {RDT_SIGN_P256,    N_MINUS_1_HEX, RDT_OK        },
        {RDT_SIGN_P256,    "01",          RDT_E_BADINPUT},
        {RDT_SIGN_P256,    "",            RDT_E_BADINPUT},
        {RDT_SIGN_P256,    ZERO_HEX "01", RDT_E_BADINPUT},
        {RDT_SIGN_ED25519, ZERO_HEX,      RDT_OK        },
        {RDT_SIGN_ED25519, ZERO_HEX "01", RDT_E_BADINPUT},
        {RDT_SIGN_ED25519, "01",          RDT_E_BADINPUT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(secrets); i++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
        RDT_SECRET secret = {0};
        RDT_BUF bytes = {0};
        hex_add(&bytes, secrets[i].hex);
        assert_int_equal(rdt_secret_copy(&secret, rdt_buf_span(&bytes), NULL), RDT_OK);
        assert_int_equal(rdt_signer_load(secrets[i].alg, &secret, &s, NULL), secrets[i].want);
        assert_int_equal(s != NULL, secrets[i].want == RDT_OK);
    }
}

static void
refuses_public_keys(void **state)
{
    static const struct {
        const char *why, *hex;
    } keys[] = {
        {"nothing",                  ""                                                              },
        {"one byte",                 "04"                                                            },
        {"compressed",               "02" P256_X                                                     },
        {"hybrid",                   "07" P256_X P256_Y                                              },
        {"hybrid of the other half", "06" P256_X P256_Y                                              },
        {"infinity and more",        "00" P256_X P256_Y                                              },
        {"not on the curve",         "04" P256_Y P256_X                                              },
        {"nor is this",              "04" ZERO_HEX ZERO_HEX                                          },
        {"not in the field",         "04" ALL_HEX ALL_HEX                                            },
        {"one byte more",            "04" P256_X P256_Y "00"                                         },
        {"33 bytes",                 P256_X "00"                                                     },
        {"31 bytes",                 "5a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(keys); i++) {
        RDT_BUF key = {0}, sig = {0};
        hex_add(&key, keys[i].hex);
        hex_add(&sig, P256_SIG);
        assert_int_equal(rdt_signature_check(rdt_buf_span(&key), rdt_span_str("sample"),
                                             rdt_buf_span(&sig), NULL),
                         RDT_E_BADINPUT);
    }
}

/* r and s out of range, on a key that is fine. */
static void
refuses_halves(void **state)
{
    static const char *const halves[] = {ZERO_HEX, N_HEX, N_PLUS_1_HEX, ALL_HEX};
    RDT_BUF key = {0};
    (void)state;
    hex_add(&key, P256_PUBLIC);
    for (size_t r = 0; r < RDT_COUNT(halves); r++)
        for (size_t s = 0; s < RDT_COUNT(halves); s++) {
            RDT_BUF sig = {0};
            hex_add(&sig, halves[r]);
            hex_add(&sig, halves[s]);
            assert_int_equal(rdt_signature_check(rdt_buf_span(&key), rdt_span_str("sample"),
                                                 rdt_buf_span(&sig), NULL),
                             RDT_E_TAMPERED);
        }
}

static void
wycheproof_ed25519(const struct wycheproof *v, void *with)
{
    RDT_BUF key = {0}, message = {0}, sig = {0};
    (void)with;
    wycheproof_hex(v, "pk", &key);
    wycheproof_hex(v, "msg", &message);
    wycheproof_hex(v, "sig", &sig);
    enum rdt_code rc =
        rdt_signature_check(rdt_buf_span(&key), rdt_buf_span(&message), rdt_buf_span(&sig), NULL);
    assert_int_equal(rc, wycheproof_valid(v) ? RDT_OK : RDT_E_TAMPERED);
}

static void
ed25519_wycheproof(void **state)
{
    (void)state;
    wycheproof_each("ed25519_test.json", wycheproof_ed25519, NULL, 151);
}

struct ecdsa_run {
    size_t n_valid, n_invalid;
};

/* The vectors are DER and many are wrong as such, which our 64 bytes cannot say: only a signature
 * that comes back from r | s as the same DER is one of ours. */
static bool
halves_of(struct rdt_span der, uint8_t out[static RDT_SIGNATURE_LEN])
{
    const unsigned char *at = der.p;
    unsigned char *again = NULL;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.n);
    int n = sig == NULL ? -1 : i2d_ECDSA_SIG(sig, &again);
    bool ok = n > 0 && rdt_span_eq(der, (struct rdt_span){again, (size_t)n}) &&
              !BN_is_negative(ECDSA_SIG_get0_r(sig)) && !BN_is_negative(ECDSA_SIG_get0_s(sig)) &&
              BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;
    OPENSSL_free(again);
    ECDSA_SIG_free(sig);
    ERR_clear_error();
    return ok;
}

static void
wycheproof_p256(const struct wycheproof *v, void *with)
{
    struct ecdsa_run *run = with;
    RDT_BUF key = {0}, message = {0}, der = {0};
    uint8_t sig[RDT_SIGNATURE_LEN];
    wycheproof_hex(v, "uncompressed", &key);
    wycheproof_hex(v, "msg", &message);
    wycheproof_hex(v, "sig", &der);
    if (!halves_of(rdt_buf_span(&der), sig))
        return;
    enum rdt_code rc = rdt_signature_check(rdt_buf_span(&key), rdt_buf_span(&message),
                                           (struct rdt_span){sig, sizeof sig}, NULL);
    assert_int_equal(rc, wycheproof_valid(v) ? RDT_OK : RDT_E_TAMPERED);
    run->n_valid += wycheproof_valid(v);
    run->n_invalid += !wycheproof_valid(v);
}

static void
p256_wycheproof(void **state)
{
    struct ecdsa_run run = {0};
    (void)state;
    wycheproof_each("ecdsa_secp256r1_sha256_test.json", wycheproof_p256, &run, 484);
    assert_int_equal(run.n_valid, 174);
    assert_int_equal(run.n_invalid, 75);
}

static void
pem_of(EVP_PKEY *key, int (*write)(BIO *, EVP_PKEY *), struct rdt_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p = NULL;
    assert_int_equal(write(bio, key), 1);
    long n = BIO_get_mem_data(bio, &p);
    rdt_buf_add(out, p, (size_t)n);
    BIO_free(bio);
}

static void
pem_goes_round(void **state)
{
    (void)state;
    for (size_t a = 0; a < RDT_COUNT(algs); a++)
        for (int locked = 0; locked < 2; locked++) {
            RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL, *back = NULL;
            RDT_SECRET pass = {0}, wrong = {0};
            RDT_BUF pem = {0};
            const struct rdt_secret *given = locked ? &pass : NULL;
            assert_int_equal(rdt_secret_copy(&pass, rdt_span_str("correct horse"), NULL), RDT_OK);
            assert_int_equal(rdt_secret_copy(&wrong, rdt_span_str("correct hors"), NULL), RDT_OK);
            assert_int_equal(rdt_signer_new(algs[a], &s, NULL), RDT_OK);
            assert_int_equal(rdt_signer_pem(s, given, &pem, NULL), RDT_OK);
            const char *begin = locked ? "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                       : "-----BEGIN PRIVATE KEY-----\n";
            assert_memory_equal(pem.p, begin, strlen(begin));
            /* a passphrase that is not needed is not looked at */
            assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&pem), &pass, &back, NULL), RDT_OK);
            assert_true(rdt_span_eq(rdt_signer_public(back), rdt_signer_public(s)));
            if (!locked)
                continue;
            rdt_signer_free(back);
            back = NULL;
            assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&pem), NULL, &back, NULL),
                             RDT_E_DENIED);
            assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&pem), &wrong, &back, NULL),
                             RDT_E_DENIED);
            assert_null(back);
            assert_int_equal(ERR_peek_error(), 0);
        }
}

/* Whole, and right as far as it goes; only more than there should be. */
static void
pem_with_more_is_refused(void **state)
{
    static const struct {
        const char *why, *header;
        int more;
        enum rdt_code want;
    } texts[] = {
        {"as it was",             "",             0, RDT_OK        },
        {"a byte behind the key", "",             1, RDT_E_BADINPUT},
        {"a header",              "Comment: x\n", 0, RDT_E_BADINPUT},
    };
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
    RDT_BUF pem = {0}, der = {0};
    char *name = NULL, *header = NULL;
    unsigned char *p = NULL;
    long n = 0;
    (void)state;
    assert_int_equal(rdt_signer_new(RDT_SIGN_P256, &s, NULL), RDT_OK);
    assert_int_equal(rdt_signer_pem(s, NULL, &pem, NULL), RDT_OK);
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    assert_int_equal(PEM_read_bio(in, &name, &header, &p, &n), 1);
    rdt_buf_add(&der, p, (size_t)n);
    rdt_buf_str(&der, "x");
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *back = NULL;
        BIO *out = BIO_new(BIO_s_mem());
        char *text = NULL;
        assert_true(PEM_write_bio(out, name, texts[i].header, der.p, n + texts[i].more) > 0);
        long text_n = BIO_get_mem_data(out, &text);
        struct rdt_span whole = {(const uint8_t *)text, (size_t)text_n};
        assert_int_equal(rdt_signer_load_pem(whole, NULL, &back, NULL), texts[i].want);
        BIO_free(out);
    }
    BIO_free(in);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(p);
}

static void
pem_cut_is_refused(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
    RDT_BUF pem = {0};
    (void)state;
    assert_int_equal(rdt_signer_new(RDT_SIGN_P256, &s, NULL), RDT_OK);
    assert_int_equal(rdt_signer_pem(s, NULL, &pem, NULL), RDT_OK);
    /* the last five hyphens' newline may be missing */
    for (size_t n = 0; n + 2 < pem.n; n++) {
        struct rdt_signer *back = NULL;
        assert_int_equal(rdt_signer_load_pem((struct rdt_span){pem.p, n}, NULL, &back, NULL),
                         RDT_E_BADINPUT);
        assert_null(back);
    }
}

static int
write_pkcs8(BIO *bio, EVP_PKEY *key)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}

static int
write_sec1(BIO *bio, EVP_PKEY *key)
{
    return PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
}

/* libcrypto's old encryption of its own, by MD5 of the passphrase. */
static int
write_old(BIO *bio, EVP_PKEY *key)
{
    static unsigned char pass[] = "correct horse";
    return PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_256_cbc(), pass, sizeof pass - 1,
                                                NULL, NULL);
}

static int
write_public(BIO *bio, EVP_PKEY *key)
{
    return PEM_write_bio_PUBKEY(bio, key);
}

static void
pem_of_others_is_refused(void **state)
{
    static const struct {
        const char *type, *group;
        int (*write)(BIO *, EVP_PKEY *);
        enum rdt_code want;
    } others[] = {
        {"EC",      "P-256", write_pkcs8,  RDT_OK        },
        {"EC",      "P-384", write_pkcs8,  RDT_E_BADINPUT},
        {"ED25519", NULL,    write_pkcs8,  RDT_OK        },
        {"X25519",  NULL,    write_pkcs8,  RDT_E_BADINPUT},
        {"EC",      "P-256", write_sec1,   RDT_E_BADINPUT},
        {"EC",      "P-256", write_old,    RDT_E_BADINPUT},
        {"EC",      "P-256", write_public, RDT_E_BADINPUT},
    };
    RDT_SECRET pass = {0};
    (void)state;
    assert_int_equal(rdt_secret_copy(&pass, rdt_span_str("correct horse"), NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(others); i++) {
        RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL;
        RDT_BUF pem = {0};
        EVP_PKEY *key = others[i].group == NULL
                            ? EVP_PKEY_Q_keygen(NULL, NULL, others[i].type)
                            : EVP_PKEY_Q_keygen(NULL, NULL, others[i].type, others[i].group);
        assert_non_null(key);
        pem_of(key, others[i].write, &pem);
        EVP_PKEY_free(key);
        assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&pem), &pass, &s, NULL), others[i].want);
        assert_int_equal(ERR_peek_error(), 0);
    }
    RDT_BUF big = {0};
    struct rdt_signer *s = NULL;
    for (size_t i = 0; i <= RDT_SIGNER_PEM_MAX; i++)
        rdt_buf_str(&big, "\n");
    assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&big), NULL, &s, NULL), RDT_E_BADINPUT);
}

/* A file that pairs its secret with another's public key must not make the signer claim that. */
static void
a_foreign_public_key_is_not_believed(void **state)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *s = NULL, *other = NULL;
    RDT_BUF pem = {0}, want = {0};
    RDT_SECRET secret = {0};
    uint8_t native[32], point[RDT_P256_PUBLIC_LEN];
    char group[] = "P-256";
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    (void)state;
    hex_add(&want, P256_PUBLIC);
    load(RDT_SIGN_P256, P256_SECRET, &s);
    assert_int_equal(rdt_signer_secret(s, &secret, NULL), RDT_OK);
    for (size_t i = 0; i < sizeof native; i++)
        native[i] = secret.p[31 - i];
    assert_int_equal(rdt_signer_new(RDT_SIGN_P256, &other, NULL), RDT_OK);
    memcpy(point, rdt_signer_public(other).p, sizeof point);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof native),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
    pem_of(key, write_pkcs8, &pem);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    rdt_signer_free(s);
    s = NULL;
    assert_int_equal(rdt_signer_load_pem(rdt_buf_span(&pem), NULL, &s, NULL), RDT_OK);
    assert_true(rdt_span_eq(rdt_signer_public(s), rdt_buf_span(&want)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(notices_changes),
        cmocka_unit_test(signs_any_length),
        cmocka_unit_test(refuses_secrets),
        cmocka_unit_test(refuses_public_keys),
        cmocka_unit_test(refuses_halves),
        cmocka_unit_test(ed25519_wycheproof),
        cmocka_unit_test(p256_wycheproof),
        cmocka_unit_test(pem_goes_round),
        cmocka_unit_test(pem_with_more_is_refused),
        cmocka_unit_test(pem_cut_is_refused),
        cmocka_unit_test(pem_of_others_is_refused),
        cmocka_unit_test(a_foreign_public_key_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
