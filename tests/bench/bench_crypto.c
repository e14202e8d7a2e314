/*
 * What a call of crypto/worker.h costs beside the bare libcrypto call that does the same, in the
 * same run: nanoseconds, best of some rounds, ratio ours / bare. Below 1.00 we are ahead. It also
 * counts what is allocated in the timed loops: nothing may be. REDOUBT_BENCH_QUICK=1 makes it
 * brief. Prints TAP.
 */
#include "crypto/sigv4.h"
#include "crypto/worker.h"

#include "base/compiler.h"

#include "bench.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7

/* All that a measured function may touch. */
struct bench {
    struct rdt_worker *worker;
    struct rdt_secret key, derived, wrapped_key;
    EVP_MD *md;
    EVP_MD_CTX *md_ctx;
    EVP_MAC_CTX *mac;
    EVP_KDF_CTX *kdf;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *seal, *open;
    uint8_t iv[RDT_GCM_IV_LEN];
    uint8_t data[4096];
    uint8_t sealed[4096 + RDT_GCM_TAG_LEN];
    uint8_t wrapped[RDT_WRAPPED_LEN];
    uint8_t out[4096 + RDT_GCM_TAG_LEN];
    size_t n; /* bytes of the case */
};

static const char *const place = "deployment|table|key 0123|version 4567|kind|tenant";
static unsigned number;

static struct rdt_span
data(const struct bench *b)
{
    return (struct rdt_span){b->data, b->n};
}

static void
our_digest(struct bench *b)
{
    struct rdt_span part = data(b);
    must(rdt_digest(b->worker, &part, 1, b->out, NULL) == RDT_OK);
}

static void
bare_digest(struct bench *b)
{
    must(EVP_DigestInit_ex2(b->md_ctx, NULL, NULL) == 1 &&
         EVP_DigestUpdate(b->md_ctx, b->data, b->n) == 1 &&
         EVP_DigestFinal_ex(b->md_ctx, b->out, NULL) == 1);
}

static void
our_hmac(struct bench *b)
{
    struct rdt_span part = data(b);
    must(rdt_hmac(b->worker, &b->key, &part, 1, b->out) == RDT_OK);
}

static void
bare_hmac(struct bench *b)
{
    size_t n = 0;
    must(EVP_MAC_init(b->mac, b->key.p, b->key.n, NULL) == 1 &&
         EVP_MAC_update(b->mac, b->data, b->n) == 1 &&
         EVP_MAC_final(b->mac, b->out, &n, RDT_SHA256_LEN) == 1);
}

static void
our_kbkdf(struct bench *b)
{
    must(rdt_kbkdf(b->worker, &b->key, rdt_span_str("redoubt kms"), data(b), &b->derived) ==
         RDT_OK);
}

static void
bare_kbkdf(struct bench *b)
{
    char label[] = "redoubt kms";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, b->key.p, b->key.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, b->data, b->n),
        OSSL_PARAM_construct_end(),
    };
    must(EVP_KDF_derive(b->kdf, b->out, RDT_KEY_LEN, params) == 1);
}

static void
our_seal(struct bench *b)
{
    must(rdt_gcm_seal(b->worker, &b->key, b->iv, rdt_span_str(place), data(b), b->out) == RDT_OK);
}

static void
bare_seal(struct bench *b)
{
    int n = 0, aad = (int)strlen(place);
    must(EVP_EncryptInit_ex2(b->seal, NULL, b->key.p, b->iv, NULL) == 1 &&
         EVP_EncryptUpdate(b->seal, NULL, &n, (const uint8_t *)place, aad) == 1 &&
         EVP_EncryptUpdate(b->seal, b->out, &n, b->data, (int)b->n) == 1 &&
         EVP_EncryptFinal_ex(b->seal, b->out + n, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, 16, b->out + b->n) == 1);
}

static void
our_open(struct bench *b)
{
    struct rdt_span sealed = {b->sealed, b->n + RDT_GCM_TAG_LEN};
    must(rdt_gcm_open(b->worker, &b->key, b->iv, rdt_span_str(place), sealed, b->out) == RDT_OK);
}

static void
bare_open_of(struct bench *b, const uint8_t *iv, uint8_t *sealed, size_t size)
{
    int n = 0, aad = (int)strlen(place);
    must(EVP_DecryptInit_ex2(b->open, NULL, b->key.p, iv, NULL) == 1 &&
         EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, 16, sealed + size) == 1 &&
         EVP_DecryptUpdate(b->open, NULL, &n, (const uint8_t *)place, aad) == 1 &&
         EVP_DecryptUpdate(b->open, b->out, &n, sealed, (int)size) == 1 &&
         EVP_DecryptFinal_ex(b->open, b->out + n, &n) == 1);
}

static void
bare_open(struct bench *b)
{
    bare_open_of(b, b->iv, b->sealed, b->n);
}

static void
our_wrap(struct bench *b)
{
    must(rdt_key_wrap(b->worker, &b->key, rdt_span_str(place), &b->wrapped_key, b->out, NULL) ==
         RDT_OK);
}

static void
our_unwrap(struct bench *b)
{
    struct rdt_span wrapped = {b->wrapped, sizeof b->wrapped};
    must(rdt_key_unwrap(b->worker, &b->key, rdt_span_str(place), wrapped, &b->derived) == RDT_OK);
}

static void
bare_unwrap(struct bench *b)
{
    bare_open_of(b, b->wrapped, b->wrapped + RDT_GCM_IV_LEN, RDT_KEY_LEN);
}

static void
our_random(struct bench *b)
{
    must(rdt_random(b->worker, b->out, b->n, NULL) == RDT_OK);
}

static void
bare_random(struct bench *b)
{
    must(RAND_bytes(b->out, (int)b->n) == 1);
}

static void
our_random_key(struct bench *b)
{
    must(rdt_random_key(b->worker, &b->derived, NULL) == RDT_OK);
}

static void
bare_random_key(struct bench *b)
{
    must(RAND_priv_bytes(b->out, (int)b->n) == 1);
}

static void
our_sigv4(struct bench *b)
{
    must(rdt_sigv4_key(b->worker, &b->key, rdt_span_str("20261124"), rdt_span_str("eu-west-1"),
                       rdt_span_str("kms"), &b->derived) == RDT_OK);
}

static void
bare_sigv4(struct bench *b)
{
    b->n = 8;
    for (int i = 0; i < 4; i++)
        bare_hmac(b);
}

static const struct {
    const char *name;
    size_t n;
    void (*ours)(struct bench *), (*bare)(struct bench *);
} cases[] = {
    {"digest, against EVP_Digest in a kept context",  100,         our_digest,     bare_digest    },
    {"hmac, new key, against EVP_MAC",                100,         our_hmac,       bare_hmac      },
    {"hmac, new key, against EVP_MAC",                1000,        our_hmac,       bare_hmac      },
    {"kbkdf of 32 B, new key, against EVP_KDF",       70,          our_kbkdf,      bare_kbkdf     },
    {"gcm seal, new key, against EVP_CIPHER",         32,          our_seal,       bare_seal      },
    {"gcm seal, new key, against EVP_CIPHER",         4096,        our_seal,       bare_seal      },
    {"gcm open, new key, against EVP_CIPHER",         32,          our_open,       bare_open      },
    {"gcm open, new key, against EVP_CIPHER",         4096,        our_open,       bare_open      },
    {"key unwrap, against EVP_CIPHER",                RDT_KEY_LEN, our_unwrap,     bare_unwrap    },
    {"key wrap, IV drawn and hedged, against a seal", RDT_KEY_LEN, our_wrap,       bare_seal      },
    {"random, against RAND_bytes",                    60,          our_random,     bare_random    },
    {"random key, two sources, against RAND_priv",    RDT_KEY_LEN, our_random_key, bare_random_key},
    {"sigv4 key, against four EVP_MAC",               8,           our_sigv4,      bare_sigv4     },
};

static double
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds per call, the best round: the others were disturbed. */
static double
cost(struct bench *b, void (*act)(struct bench *), int calls)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < calls; i++) {
            b->key.p[0]++; /* a key that stays the same could be remembered */
            b->key.p[0]--;
            act(b);
        }
        double took = (now_ns() - start) / calls;
        best = round == 0 || took < best ? took : best;
    }
    return best;
}

static void
open_all(struct bench *b)
{
    char digest[] = "SHA256", mac[] = "HMAC";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_KDF *kbkdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    must(rdt_worker_open(&b->worker, NULL) == RDT_OK);
    must(rdt_secret_new(&b->key, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_secret_new(&b->derived, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_secret_new(&b->wrapped_key, RDT_KEY_LEN, NULL) == RDT_OK);
    must(rdt_random_key(b->worker, &b->key, NULL) == RDT_OK);
    b->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    b->md_ctx = EVP_MD_CTX_new();
    b->mac = EVP_MAC_CTX_new(hmac);
    b->kdf = EVP_KDF_CTX_new(kbkdf);
    b->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    b->seal = EVP_CIPHER_CTX_new();
    b->open = EVP_CIPHER_CTX_new();
    must(EVP_DigestInit_ex2(b->md_ctx, b->md, NULL) == 1);
    must(EVP_MAC_CTX_set_params(b->mac, params) == 1);
    must(EVP_KDF_CTX_set_params(b->kdf, params) == 1);
    must(EVP_EncryptInit_ex2(b->seal, b->gcm, NULL, NULL, NULL) == 1);
    must(EVP_DecryptInit_ex2(b->open, b->gcm, NULL, NULL, NULL) == 1);
    must(rdt_key_wrap(b->worker, &b->key, rdt_span_str(place), &b->wrapped_key, b->wrapped, NULL) ==
         RDT_OK);
    EVP_MAC_free(hmac);
    EVP_KDF_free(kbkdf);
}

static void
close_all(struct bench *b)
{
    EVP_CIPHER_CTX_free(b->open);
    EVP_CIPHER_CTX_free(b->seal);
    EVP_CIPHER_free(b->gcm);
    EVP_KDF_CTX_free(b->kdf);
    EVP_MAC_CTX_free(b->mac);
    EVP_MD_CTX_free(b->md_ctx);
    EVP_MD_free(b->md);
    rdt_secret_wipe(&b->wrapped_key);
    rdt_secret_wipe(&b->derived);
    rdt_secret_wipe(&b->key);
    rdt_worker_close(b->worker);
}

int
main(void)
{
    struct bench b = {0};
    const char *quick = getenv("REDOUBT_BENCH_QUICK");
    int calls = quick != NULL && strcmp(quick, "1") == 0 ? 200 : 50000;
    int failed = 0;
    count_allocations();
    open_all(&b);
    printf("1..%zu\n", RDT_COUNT(cases));
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        b.n = cases[i].n;
        must(rdt_gcm_seal(b.worker, &b.key, b.iv, rdt_span_str(place), data(&b), b.sealed) ==
             RDT_OK);
        double bare = cost(&b, cases[i].bare, calls);
        b.n = cases[i].n;
        cases[i].ours(&b); /* the first draw seeds the generators */
        unsigned long before = allocations;
        double ours = cost(&b, cases[i].ours, calls);
        bool ok = allocations - before < (unsigned long)calls / 100; /* a generator seeds itself */
        failed += !ok;
        printf("# %-48s %5zu B: %7.0f ns, bare %7.0f ns, %lu allocations, ratio %.2f\n",
               cases[i].name, cases[i].n, ours, bare, allocations - before, ours / bare);
        printf("%s %u - %s, %zu B: allocates nothing\n", ok ? "ok" : "not ok", ++number,
               cases[i].name, cases[i].n);
    }
    close_all(&b);
    return failed != 0;
}
