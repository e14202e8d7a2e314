#include "crypto/worker.h"

#include "wycheproof.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABEL "redoubt kms"
#define LONG_KEY_TEXT "Test Using Larger Than Block-Size Key - Hash Key First"
#define LONG_BOTH_TEXT                                                                             \
    "This is a test using a larger than block-size key and a larger than block-size data. "        \
    "The key needs to be hashed before being used by the HMAC algorithm."

static void
secret_of(struct rdt_secret *out, const char *hex)
{
    RDT_BUF bytes = {0};
    hex_add(&bytes, hex);
    assert_int_equal(rdt_secret_copy(out, rdt_buf_span(&bytes), NULL), RDT_OK);
}

static void
secret_filled(struct rdt_secret *out, size_t n, uint8_t byte)
{
    assert_int_equal(rdt_secret_new(out, n, NULL), RDT_OK);
    memset(out->p, byte, n);
}

static void
same_bytes(struct rdt_span got, const char *want_hex)
{
    RDT_BUF want = {0};
    hex_add(&want, want_hex);
    assert_int_equal(got.n, want.n);
    if (want.n != 0)
        assert_memory_equal(got.p, want.p, want.n);
}

static void
digests(void **state)
{
    const struct rdt_span parts[] = {
        rdt_span_str("a"), {NULL, 0},
         rdt_span_str("bc")
    };
    uint8_t got[RDT_SHA256_LEN];
    for (int again = 0; again < 2; again++) {
        assert_int_equal(rdt_digest(*state, parts, RDT_COUNT(parts), got, NULL), RDT_OK);
        same_bytes((struct rdt_span){got, sizeof got}, /* FIPS 180-4 example */
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_int_equal(rdt_digest(*state, NULL, 0, got, NULL), RDT_OK);
        same_bytes((struct rdt_span){got, sizeof got},
                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}

static const struct {
    const char *source;
    size_t key_n;
    const char *key; /* hexadecimal; NULL: key_n times byte aa */
    const char *text;
    size_t data_n; /* where text is NULL: this many times data */
    uint8_t data;
    const char *want;
} mac_cases[] = {
    {"RFC 4231 4.2", 20,  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",           "Hi There",                     0,  0,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 4.3", 4,   "4a656665",                                           "what do ya want for nothing?", 0,  0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 4.4", 20,  NULL,                                                 NULL,                           50, 0xdd,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 4.5", 25,  "0102030405060708090a0b0c0d0e0f10111213141516171819", NULL,                           50, 0xcd,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 4231 4.7", 131, NULL,                                                 LONG_KEY_TEXT,                  0,  0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 4.8", 131, NULL,                                                 LONG_BOTH_TEXT,                 0,  0,
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void
macs(void **state)
{
    for (size_t i = 0; i < RDT_COUNT(mac_cases); i++) {
        RDT_SECRET key = {0};
        uint8_t data[64], got[RDT_SHA256_LEN];
        if (mac_cases[i].key == NULL)
            secret_filled(&key, mac_cases[i].key_n, 0xaa);
        else
            secret_of(&key, mac_cases[i].key);
        memset(data, mac_cases[i].data, sizeof data);
        struct rdt_span message = {data, mac_cases[i].data_n};
        if (mac_cases[i].text != NULL)
            message = rdt_span_str(mac_cases[i].text);
        /* in two parts, so that the cut shows */
        const struct rdt_span parts[] = {
            {message.p,     3            },
            {message.p + 3, message.n - 3}
        };
        assert_int_equal(rdt_hmac(*state, &key, parts, 2, got), RDT_OK);
        same_bytes((struct rdt_span){got, sizeof got}, mac_cases[i].want);
        RDT_SECRET as_key = {0};
        assert_int_equal(rdt_secret_new(&as_key, RDT_SHA256_LEN, NULL), RDT_OK);
        assert_int_equal(rdt_hmac_key(*state, &key, parts, 2, &as_key), RDT_OK);
        assert_true(rdt_same(rdt_secret_view(&as_key), (struct rdt_span){got, sizeof got}));
    }
}

static void
wycheproof_mac(const struct wycheproof *v, void *with)
{
    RDT_SECRET key = {0};
    RDT_BUF message = {0}, tag = {0};
    uint8_t got[RDT_SHA256_LEN];
    wycheproof_secret(v, "key", &key);
    wycheproof_hex(v, "msg", &message);
    wycheproof_hex(v, "tag", &tag);
    struct rdt_span part = rdt_buf_span(&message);
    assert_int_equal(rdt_hmac(with, &key, &part, 1, got), RDT_OK);
    assert_in_range(tag.n, 16, sizeof got); /* some are cut */
    bool same = rdt_same(rdt_buf_span(&tag), (struct rdt_span){got, tag.n});
    assert_int_equal(same, wycheproof_valid(v));
}

static void
macs_wycheproof(void **state)
{
    wycheproof_each("hmac_sha256_test.json", wycheproof_mac, *state, 174);
}

/* Every length around the edges: the block, the joined message, and both in one and many parts. */
static void
macs_at_the_edges(void **state)
{
    static const size_t lengths[] = {0, 1, 55, 56, 63, 64, 65, 255, 256, 257, 1000};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t k = 0; k < RDT_COUNT(lengths); k++)
        for (size_t m = 0; m < RDT_COUNT(lengths); m++) {
            RDT_SECRET key = {0};
            struct rdt_span message = {bytes, lengths[m]};
            uint8_t got[RDT_SHA256_LEN], want[RDT_SHA256_LEN];
            assert_int_equal(rdt_secret_copy(&key, (struct rdt_span){bytes, lengths[k]}, NULL),
                             RDT_OK);
            assert_int_equal(rdt_hmac(*state, &key, &message, 1, got), RDT_OK);
            assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, bytes, lengths[k], bytes,
                                      lengths[m], want, sizeof want, NULL));
            assert_memory_equal(got, want, sizeof want);
        }
}

/* A key made ready gives what the key gives, whatever the lengths; so does the way by EVP. */
static void
ready_keys(void **state)
{
    static const size_t lengths[] = {0, 1, 32, 55, 56, 63, 64, 65, 119, 256, 257, 1000};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 11);
    for (size_t k = 0; k < RDT_COUNT(lengths); k++)
        for (size_t m = 0; m < RDT_COUNT(lengths); m++) {
            RDT_SECRET key = {0}, ready = {0}, narrow = {0}, as_key = {0};
            size_t half = lengths[m] / 2;
            const struct rdt_span parts[] = {
                {bytes,        half             },
                {bytes + half, lengths[m] - half}
            };
            uint8_t got[RDT_SHA256_LEN], want[RDT_SHA256_LEN];
            assert_int_equal(rdt_secret_copy(&key, (struct rdt_span){bytes, lengths[k]}, NULL),
                             RDT_OK);
            secret_filled(&ready, RDT_MAC_READY_LEN, 0);
            secret_filled(&narrow, RDT_MAC_READY_LEN - 1, 0);
            secret_filled(&as_key, RDT_SHA256_LEN, 0);
            assert_int_equal(rdt_mac_ready(*state, &key, &ready), RDT_OK);
            assert_int_equal(rdt_mac_ready(*state, &key, &narrow), RDT_E_INTERNAL);
            assert_int_equal(rdt_mac(*state, &ready, parts, 2, got), RDT_OK);
            assert_int_equal(rdt_mac_key(*state, &ready, parts, 2, &as_key), RDT_OK);
            assert_int_equal(rdt_hmac(*state, &key, parts, 2, want), RDT_OK);
            assert_memory_equal(got, want, sizeof want);
            assert_memory_equal(as_key.p, want, sizeof want);
            assert_int_equal(rdt_mac(*state, &key, parts, 2, got),
                             lengths[k] == RDT_MAC_READY_LEN ? RDT_OK : RDT_E_INTERNAL);
        }
}

static void
chains_a_key(void **state)
{
    RDT_SECRET key = {0}, other = {0}, narrow = {0};
    const struct rdt_span part = rdt_span_str("part");
    secret_filled(&key, RDT_SHA256_LEN, 9);
    secret_filled(&other, RDT_SHA256_LEN, 0);
    secret_filled(&narrow, 31, 0);
    assert_int_equal(rdt_hmac_key(*state, &key, &part, 1, &other), RDT_OK);
    assert_int_equal(rdt_hmac_key(*state, &key, &part, 1, &key), RDT_OK);
    assert_true(rdt_secret_equal(&key, &other));
    assert_int_equal(rdt_hmac_key(*state, &key, &part, 1, &narrow), RDT_E_INTERNAL);
}

static const struct {
    const char *label;
    size_t context_n; /* zero bytes; 7: the text "context" */
    const char *want; /* its length is that of the key */
} kdf_cases[] = {
  /* key 00 01 .. 1f; by Python's hmac and hashlib from SP 800-108r1 section 4.1:
  * join(hmac(key, i.to_bytes(4) + label + 00 + context + (8 * n).to_bytes(4)))[:n] */
    {"label", 7,   "303790cfe363abe9682dbfff5941f23b32addc96da72f4c7e5b20e9f59a4e570"},
    {"",      0,   "91de66c2dd1d2af82d852c9f4d858bb0"                                },
    {LABEL,   300,
     "d00a8f7f8044d3c0a9e9a4216802c885c570d57f3e56304e38e46477f462a5a7440ed7243884acb8e257ee1012d88"
     "4997a86529fb52096d2fff9af85bc8e14b4a22e5e5aa92a0ff867c6ae6e0d30d036"           },
};

static void
counting_key(struct rdt_secret *out)
{
    assert_int_equal(rdt_secret_new(out, RDT_KEY_LEN, NULL), RDT_OK);
    for (size_t i = 0; i < out->n; i++)
        out->p[i] = (uint8_t)i;
}

static void
kbkdf_vectors(void **state)
{
    static const uint8_t zeroes[300];
    for (size_t i = 0; i < RDT_COUNT(kdf_cases); i++) {
        RDT_SECRET key = {0}, out = {0};
        struct rdt_span context = {zeroes, kdf_cases[i].context_n};
        if (kdf_cases[i].context_n == 7)
            context = rdt_span_str("context");
        counting_key(&key);
        assert_int_equal(rdt_secret_new(&out, strlen(kdf_cases[i].want) / 2, NULL), RDT_OK);
        assert_int_equal(rdt_kbkdf(*state, &key, rdt_span_str(kdf_cases[i].label), context, &out),
                         RDT_OK);
        same_bytes(rdt_secret_view(&out), kdf_cases[i].want);
    }
}

/* libcrypto's own KBKDF, which is written from the same standard by others. */
static void
other_kbkdf(struct rdt_span key, const char *label, struct rdt_span context, uint8_t *out, size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char mac[] = "HMAC", digest[] = "SHA256", mode[] = "COUNTER";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.p, key.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)label,
                                          strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)context.p,
                                          context.n),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void
kbkdf_agrees_with_libcrypto(void **state)
{
    static const size_t lengths[] = {1, 16, 31, 32, 33, 64, 100, 8160};
    uint8_t context[400], want[8160];
    memset(context, 0x5a, sizeof context);
    for (size_t i = 0; i < RDT_COUNT(lengths); i++)
        for (size_t c = 1; c <= sizeof context; c += 133) {
            RDT_SECRET key = {0}, out = {0};
            counting_key(&key);
            assert_int_equal(rdt_secret_new(&out, lengths[i], NULL), RDT_OK);
            assert_int_equal(
                rdt_kbkdf(*state, &key, rdt_span_str(LABEL), (struct rdt_span){context, c}, &out),
                RDT_OK);
            other_kbkdf(rdt_secret_view(&key), LABEL, (struct rdt_span){context, c}, want,
                        lengths[i]);
            assert_memory_equal(out.p, want, lengths[i]);
        }
}

static void
kdfs_refuse(void **state)
{
    static const size_t lengths[] = {0, RDT_KDF_BLOCKS_MAX * RDT_SHA256_LEN + 1};
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        RDT_SECRET key = {0}, out = {0};
        counting_key(&key);
        assert_int_equal(rdt_secret_new(&out, lengths[i], NULL), RDT_OK);
        assert_int_equal(rdt_kbkdf(*state, &key, rdt_span_str("l"), rdt_span_str("c"), &out),
                         RDT_E_INTERNAL);
        assert_int_equal(rdt_hkdf(*state, &key, rdt_span_str("s"), rdt_span_str("i"), &out),
                         RDT_E_INTERNAL);
    }
}

static const struct {
    const char *source, *ikm, *salt, *info, *want;
} hkdf_cases[] = {
    {"RFC 5869 A.1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",        "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9",                                                                                                                                                                                                      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"RFC 5869 A.2",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2"
     "e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f", "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8"
     "e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf", "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcddd"
     "edfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590"
     "e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"         },
    {"RFC 5869 A.3", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",        "",                                                                        "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"                                                                                                                                                                                                                             },
};

static void
hkdf_vectors(void **state)
{
    for (size_t i = 0; i < RDT_COUNT(hkdf_cases); i++) {
        RDT_SECRET ikm = {0}, out = {0};
        RDT_BUF salt = {0}, info = {0};
        secret_of(&ikm, hkdf_cases[i].ikm);
        hex_add(&salt, hkdf_cases[i].salt);
        hex_add(&info, hkdf_cases[i].info);
        assert_int_equal(rdt_secret_new(&out, strlen(hkdf_cases[i].want) / 2, NULL), RDT_OK);
        assert_int_equal(rdt_hkdf(*state, &ikm, rdt_buf_span(&salt), rdt_buf_span(&info), &out),
                         RDT_OK);
        same_bytes(rdt_secret_view(&out), hkdf_cases[i].want);
    }
}

static void
wycheproof_hkdf(const struct wycheproof *v, void *with)
{
    RDT_SECRET ikm = {0}, out = {0};
    RDT_BUF salt = {0}, info = {0};
    wycheproof_secret(v, "ikm", &ikm);
    wycheproof_hex(v, "salt", &salt);
    wycheproof_hex(v, "info", &info);
    size_t n = (size_t)strtoul(wycheproof_text(v, "size"), NULL, 10);
    assert_int_equal(rdt_secret_new(&out, n, NULL), RDT_OK);
    enum rdt_code rc = rdt_hkdf(with, &ikm, rdt_buf_span(&salt), rdt_buf_span(&info), &out);
    assert_int_equal(rc, wycheproof_valid(v) ? RDT_OK : RDT_E_INTERNAL); /* too long a key */
    if (rc == RDT_OK)
        same_bytes(rdt_secret_view(&out), wycheproof_text(v, "okm"));
}

static void
hkdf_wycheproof(void **state)
{
    wycheproof_each("hkdf_sha256_test.json", wycheproof_hkdf, *state, 86);
}

/* Only what the functions take: 256-bit keys, 96-bit IVs, whole tags. Counts those. */
struct gcm_run {
    struct rdt_worker *worker;
    size_t n_valid, n_invalid;
};

static void
check_seal(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
           struct rdt_span aad, const struct wycheproof *v)
{
    RDT_BUF plain = {0}, want = {0};
    wycheproof_hex(v, "msg", &plain);
    wycheproof_hex(v, "ct", &want);
    wycheproof_hex(v, "tag", &want);
    uint8_t *got = malloc(want.n);
    assert_non_null(got);
    assert_int_equal(rdt_gcm_seal(worker, key, iv, aad, rdt_buf_span(&plain), got), RDT_OK);
    assert_memory_equal(got, want.p, want.n);
    free(got);
}

static void
check_open(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
           struct rdt_span aad, const struct wycheproof *v)
{
    RDT_BUF sealed = {0};
    wycheproof_hex(v, "ct", &sealed);
    wycheproof_hex(v, "tag", &sealed);
    size_t n = sealed.n - RDT_GCM_TAG_LEN;
    uint8_t *got = malloc(n + 1);
    assert_non_null(got);
    memset(got, 0xee, n + 1);
    enum rdt_code rc = rdt_gcm_open(worker, key, iv, aad, rdt_buf_span(&sealed), got);
    assert_int_equal(rc, wycheproof_valid(v) ? RDT_OK : RDT_E_TAMPERED);
    if (rc == RDT_OK)
        same_bytes((struct rdt_span){got, n}, wycheproof_text(v, "msg"));
    for (size_t i = 0; rc != RDT_OK && i < n; i++)
        assert_int_equal(got[i], 0);
    assert_int_equal(got[n], 0xee);
    assert_int_equal(ERR_peek_error(), 0); /* or TLS on this thread would read it as its own */
    free(got);
}

static void
wycheproof_gcm(const struct wycheproof *v, void *with)
{
    struct gcm_run *run = with;
    RDT_SECRET key = {0};
    RDT_BUF iv = {0}, aad = {0}, tag = {0};
    wycheproof_secret(v, "key", &key);
    wycheproof_hex(v, "iv", &iv);
    wycheproof_hex(v, "aad", &aad);
    wycheproof_hex(v, "tag", &tag);
    if (key.n != RDT_KEY_LEN || iv.n != RDT_GCM_IV_LEN || tag.n != RDT_GCM_TAG_LEN)
        return;
    check_open(run->worker, &key, iv.p, rdt_buf_span(&aad), v);
    if (wycheproof_valid(v))
        check_seal(run->worker, &key, iv.p, rdt_buf_span(&aad), v);
    run->n_valid += wycheproof_valid(v);
    run->n_invalid += !wycheproof_valid(v);
}

static void
gcm_wycheproof(void **state)
{
    struct gcm_run run = {.worker = *state};
    wycheproof_each("aes_gcm_test.json", wycheproof_gcm, &run, 316);
    assert_int_equal(run.n_valid, 39);
    assert_int_equal(run.n_invalid, 27);
}

static void
gcm_refuses(void **state)
{
    RDT_SECRET key = {0}, narrow = {0}, other = {0};
    uint8_t iv[RDT_GCM_IV_LEN] = {1}, sealed[5 + RDT_GCM_TAG_LEN], out[64];
    const struct rdt_span aad = rdt_span_str("place"), plain = rdt_span_str("hello");
    counting_key(&key);
    secret_filled(&narrow, 16, 1);
    secret_filled(&other, RDT_KEY_LEN, 1);
    assert_int_equal(rdt_gcm_seal(*state, &narrow, iv, aad, plain, out), RDT_E_INTERNAL);
    assert_int_equal(rdt_gcm_seal(*state, &key, iv, aad, plain, sealed), RDT_OK);
    struct rdt_span whole = {sealed, sizeof sealed};
    assert_int_equal(rdt_gcm_open(*state, &key, iv, aad, whole, out), RDT_OK);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(rdt_gcm_open(*state, &narrow, iv, aad, whole, out), RDT_E_INTERNAL);
    assert_int_equal(rdt_gcm_open(*state, &other, iv, aad, whole, out), RDT_E_TAMPERED);
    assert_int_equal(rdt_gcm_open(*state, &key, iv, rdt_span_str("Place"), whole, out),
                     RDT_E_TAMPERED);
    for (size_t n = 0; n < sizeof sealed; n++)
        assert_int_equal(rdt_gcm_open(*state, &key, iv, aad, (struct rdt_span){sealed, n}, out),
                         RDT_E_TAMPERED);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(out, 0xee, sizeof out);
        assert_int_equal(rdt_gcm_open(*state, &key, iv, aad, whole, out), RDT_E_TAMPERED);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(out[i], 0);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    iv[0] ^= 1;
    assert_int_equal(rdt_gcm_open(*state, &key, iv, aad, whole, out), RDT_E_TAMPERED);
}

static void
wraps(void **state)
{
    static const size_t lengths[] = {0, 1, 32, 64, 1000};
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        RDT_SECRET under = {0}, key = {0}, got = {0}, wide = {0};
        const struct rdt_span aad = rdt_span_str("deployment|keys|1");
        uint8_t a[RDT_WRAPPED_LEN + 1000] = {0}, b[sizeof a];
        size_t n = RDT_GCM_IV_LEN + lengths[i] + RDT_GCM_TAG_LEN;
        struct rdt_span wrapped = {a, n};
        counting_key(&under);
        secret_filled(&key, lengths[i], 0x77);
        secret_filled(&got, lengths[i], 0);
        secret_filled(&wide, lengths[i] + 1, 3);
        assert_int_equal(rdt_key_wrap(*state, &under, aad, &key, a, NULL), RDT_OK);
        assert_int_equal(rdt_key_wrap(*state, &under, aad, &key, b, NULL), RDT_OK);
        assert_memory_not_equal(a, b, RDT_GCM_IV_LEN);
        assert_int_equal(rdt_key_unwrap(*state, &under, aad, wrapped, &got), RDT_OK);
        assert_true(rdt_secret_equal(&got, &key));
        assert_int_equal(rdt_key_unwrap(*state, &under, aad, wrapped, &wide), RDT_E_BADINPUT);
        assert_int_equal(wide.p[0], 0);
        assert_int_equal(
            rdt_key_unwrap(*state, &under, rdt_span_str("deployment|keys|2"), wrapped, &got),
            RDT_E_TAMPERED);
        for (size_t k = 0; k < got.n; k++)
            assert_int_equal(got.p[k], 0);
        assert_int_equal(rdt_key_unwrap(*state, &under, aad, (struct rdt_span){a, n - 1}, &got),
                         RDT_E_BADINPUT);
        assert_int_equal(rdt_key_unwrap(*state, &under, aad, (struct rdt_span){a, n + 1}, &got),
                         RDT_E_BADINPUT);
        under.p[31] ^= 1;
        assert_int_equal(rdt_key_unwrap(*state, &under, aad, wrapped, &got), RDT_E_TAMPERED);
    }
}

static int
by_bytes(const void *a, const void *b)
{
    return rdt_span_cmp((struct rdt_span){a, 16}, (struct rdt_span){b, 16});
}

/* No vector can say what is random; a pool that gives bytes twice, or zeroes, shows here. */
static void
random_bytes_differ(void **state)
{
    enum { N = 4000 };
    static const size_t lengths[] = {1, 60, 4095, 4096, 4097, 20000};
    static uint8_t all[N][16], big[20000];
    for (size_t i = 0; i < N; i++)
        assert_int_equal(rdt_random(*state, all[i], sizeof all[i], NULL), RDT_OK);
    qsort(all, N, sizeof all[0], by_bytes);
    for (size_t i = 1; i < N; i++)
        assert_memory_not_equal(all[i - 1], all[i], sizeof all[i]);
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        size_t zeroes = 0;
        memset(big, 0, sizeof big);
        assert_int_equal(rdt_random(*state, big, lengths[i], NULL), RDT_OK);
        for (size_t k = 0; k < sizeof big; k++)
            zeroes += big[k] == 0;
        assert_true(lengths[i] == 1 || zeroes < sizeof big - lengths[i] * 9 / 10);
        assert_true(zeroes >= sizeof big - lengths[i]);
    }
}

static void
random_keys_differ(void **state)
{
    static const size_t lengths[] = {16, 32, 255, 256, 257, 1000};
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        RDT_SECRET a = {0}, b = {0};
        secret_filled(&a, lengths[i], 0);
        secret_filled(&b, lengths[i], 0);
        assert_int_equal(rdt_random_key(*state, &a, NULL), RDT_OK);
        assert_int_equal(rdt_random_key(*state, &b, NULL), RDT_OK);
        assert_memory_not_equal(a.p, b.p, 16);
        assert_memory_not_equal(a.p + lengths[i] - 16, b.p + lengths[i] - 16, 16);
    }
}

/* A child that took the pool along would hand out the bytes that its parent hands out too. */
static void
a_child_draws_its_own(void **state)
{
    uint8_t first[16], own[16], childs[16] = {0};
    int ends[2], status = -1;
    assert_int_equal(rdt_random(*state, first, sizeof first, NULL), RDT_OK);
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = rdt_random(*state, childs, sizeof childs, NULL) == RDT_OK;
        ok = ok && write(ends[1], childs, sizeof childs) == (ssize_t)sizeof childs;
        rdt_worker_close(*state);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(ends[0], childs, sizeof childs), sizeof childs);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(rdt_random(*state, own, sizeof own, NULL), RDT_OK);
    assert_memory_not_equal(own, childs, sizeof own);
    assert_memory_not_equal(first, childs, sizeof own);
}

static void
compares(void **state)
{
    static const struct {
        const char *a, *b;
        bool want;
    } cases[] = {
        {"abc", "abc", true },
        {"abc", "abd", false},
        {"abc", "ab",  false},
        {"",    "",    true }
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_same(rdt_span_str(cases[i].a), rdt_span_str(cases[i].b)),
                         cases[i].want);
    assert_true(rdt_same((struct rdt_span){NULL, 0}, rdt_span_str("")));
}

/* A configuration that cannot be had must not end in the default provider without a word. */
static void
refuses_what_a_configuration_lacks(void **state)
{
    static const char *const texts[] = {
        NULL, /* no file */
        "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = nobody=yes\n",
        "openssl_conf = a\n[a]\nproviders = b\n[b]\nabsent = c\n[c]\nactivate = 1\n",
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        struct rdt_worker *w = NULL;
        char path[] = "/tmp/redoubt-test-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        if (texts[i] != NULL)
            assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        else
            unlink(path);
        close(fd);
        setenv("OPENSSL_CONF", path, 1);
        assert_int_equal(rdt_worker_open(&w, NULL), RDT_E_INTERNAL);
        assert_null(w);
        unlink(path);
    }
    unsetenv("OPENSSL_CONF");
    rdt_worker_close(NULL);
}

/* The same cases once more where the operator named a configuration. */
static int
open_configured(void **state)
{
    setenv("OPENSSL_CONF", "/dev/null", 1);
    enum rdt_code rc = rdt_worker_open((struct rdt_worker **)state, NULL);
    unsetenv("OPENSSL_CONF");
    return rc == RDT_OK ? 0 : -1;
}

static int
open_worker(void **state)
{
    return rdt_worker_open((struct rdt_worker **)state, NULL) == RDT_OK ? 0 : -1;
}

static int
close_worker(void **state)
{
    rdt_worker_close(*state);
    return 0;
}

/* By libcrypto's plain functions, and through its providers. */
#define BOTH(f)                                                                                    \
    {#f, f, open_worker, close_worker, NULL},                                                      \
    {                                                                                              \
        #f ", configured", f, open_configured, close_worker, NULL                                  \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(digests),
        BOTH(macs),
        BOTH(macs_wycheproof),
        BOTH(macs_at_the_edges),
        BOTH(ready_keys),
        BOTH(chains_a_key),
        BOTH(kbkdf_vectors),
        BOTH(kbkdf_agrees_with_libcrypto),
        BOTH(kdfs_refuse),
        BOTH(hkdf_vectors),
        BOTH(hkdf_wycheproof),
        BOTH(gcm_wycheproof),
        BOTH(gcm_refuses),
        BOTH(wraps),
        BOTH(random_bytes_differ),
        BOTH(random_keys_differ),
        BOTH(a_child_draws_its_own),
        cmocka_unit_test(compares),
        cmocka_unit_test(refuses_what_a_configuration_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
