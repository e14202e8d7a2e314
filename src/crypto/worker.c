#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init() and its two companions: see md_start() */
#include "crypto/worker_internal.h"

#include <limits.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_LEN 64       /* bytes that SHA-256 takes at a time: the length of an HMAC key */
#define MESSAGE_LEN 256    /* shorter messages are joined: one call into libcrypto, not five */
#define POOL_LEN 4096      /* random bytes fetched at a time: as dear as 12 of them */
#define LINE_LEN 64        /* bytes of a cache line; more than any alignment */
#define KERNEL_LEN 256     /* bytes that getrandom() gives without being interrupted */
#define CLOCK_SLACK_MS 100 /* by which the clocks may part between two calls */
#define STRENGTH_BITS 256

/* Everything that held a secret, in one locked mapping; wiped at the end of each call. */
struct scratch {
    uint8_t key[BLOCK_LEN];       /* of the HMAC under way, filled up with zeroes */
    uint8_t padded[BLOCK_LEN];    /* key ^ pad; the message stands behind it */
    uint8_t message[MESSAGE_LEN]; /* or, for the outer hash, the inner one */
    uint8_t result[RDT_SHA256_LEN];
    SHA256_CTX sha256;
    uint8_t live; /* 1: the pool was filled by this process; a child finds 0 */
    uint8_t pool[POOL_LEN];
};

struct rdt_worker {
    OSSL_LIB_CTX *lib;
    EVP_MD *sha256; /* NULL: by the plain functions */
    EVP_MD_CTX *md;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *seal, *open;
    struct rdt_secret pages;
    struct scratch *s; /* in pages */
    size_t pool_left;
    int64_t pool_ms;     /* when the pool was filled, by the monotonic clock */
    int64_t pool_gap_ms; /* the civil clock less the monotonic one, then */
};

/* A child gets the pages as zeroes and fetches random bytes of its own. Where the kernel cannot do
 * that they stay what rdt_secret_new() made them, absent from the child, which then faults. */
static void
let_children_start_anew(const struct rdt_secret *pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *first = pages->p - (uintptr_t)pages->p % page;
    if (madvise(first, pages->mapped_n, MADV_WIPEONFORK) == 0 &&
        madvise(first, pages->mapped_n, MADV_DOFORK) != 0)
        madvise(first, pages->mapped_n, MADV_KEEPONFORK);
}

/* Whether an operator named a configuration, and so perhaps a provider of his own (FIPS). */
static const char *
config_file(void)
{
    const char *file = secure_getenv("OPENSSL_CONF");
    return file == NULL || *file == '\0' ? NULL : file;
}

/* libcrypto reads the file by itself for its default context only. */
static bool
use_provider(struct rdt_worker *w, const char *file)
{
    if (OSSL_LIB_CTX_load_config(w->lib, file) != 1)
        return false;
    w->sha256 = EVP_MD_fetch(w->lib, "SHA256", NULL);
    w->md = EVP_MD_CTX_new();
    return w->sha256 != NULL && w->md != NULL;
}

static bool
fetch(struct rdt_worker *w)
{
    const char *file = config_file();
    w->lib = OSSL_LIB_CTX_new();
    if (w->lib == NULL || (file != NULL && !use_provider(w, file)))
        return false;
    w->gcm = EVP_CIPHER_fetch(w->lib, "AES-256-GCM", NULL);
    w->seal = EVP_CIPHER_CTX_new();
    w->open = EVP_CIPHER_CTX_new();
    return w->gcm != NULL && w->seal != NULL && w->open != NULL &&
           EVP_EncryptInit_ex2(w->seal, w->gcm, NULL, NULL, NULL) == 1 &&
           EVP_DecryptInit_ex2(w->open, w->gcm, NULL, NULL, NULL) == 1;
}

enum rdt_code
rdt_worker_open(struct rdt_worker **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open a worker");
    /* A secret ends, with a NUL, at the end of a page: so this one begins on a cache line. */
    size_t size = (sizeof *w->s + LINE_LEN) / LINE_LEN * LINE_LEN - 1;
    enum rdt_code rc = rdt_secret_new(&w->pages, size, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "open a worker");
    let_children_start_anew(&w->pages);
    w->s = (struct scratch *)w->pages.p;
    if (!fetch(w)) {
        ERR_clear_error();
        return rdt_fail(err, RDT_E_INTERNAL, "libcrypto gives no SHA-256 or no AES-256-GCM");
    }
    *out = RDT_STEAL(w);
    return RDT_OK;
}

void
rdt_worker_close(struct rdt_worker *worker)
{
    if (worker == NULL)
        return;
    EVP_CIPHER_CTX_free(worker->open);
    EVP_CIPHER_CTX_free(worker->seal);
    EVP_CIPHER_free(worker->gcm);
    EVP_MD_CTX_free(worker->md);
    EVP_MD_free(worker->sha256);
    OSSL_LIB_CTX_free(worker->lib);
    rdt_secret_wipe(&worker->pages);
    free(worker);
}

void
rdt_worker_close_at(struct rdt_worker **worker)
{
    rdt_worker_close(*worker);
}

/* The coarse clocks are read without a system call and move together. */
static int64_t
clock_ms(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* keeps SECURITY-DESIGN section 1, last row: what a copied machine finds in the pool is dropped. */
static bool
pool_is_fresh(const struct rdt_worker *w, int64_t now, int64_t gap)
{
    int64_t parted = gap - w->pool_gap_ms;
    return w->s->live == 1 && w->pool_left != 0 && now - w->pool_ms < RDT_RANDOM_AGE_MS &&
           parted <= CLOCK_SLACK_MS && parted >= -CLOCK_SLACK_MS;
}

static enum rdt_code
no_entropy(struct rdt_err *err)
{
    ERR_clear_error();
    return rdt_fail(err, RDT_E_INTERNAL, "libcrypto gives no random bytes");
}

enum rdt_code
rdt_random(struct rdt_worker *worker, uint8_t *out, size_t n, struct rdt_err *err)
{
    int64_t now = clock_ms(CLOCK_MONOTONIC_COARSE);
    int64_t gap = clock_ms(CLOCK_REALTIME_COARSE) - now;
    struct scratch *s = worker->s;
    for (size_t done = 0; done < n;) {
        if (!pool_is_fresh(worker, now, gap)) {
            s->live = 0;
            if (RAND_bytes_ex(worker->lib, s->pool, sizeof s->pool, STRENGTH_BITS) != 1)
                return no_entropy(err);
            s->live = 1;
            worker->pool_left = sizeof s->pool;
            worker->pool_ms = now;
            worker->pool_gap_ms = gap;
        }
        size_t take = n - done < worker->pool_left ? n - done : worker->pool_left;
        uint8_t *from = s->pool + sizeof s->pool - worker->pool_left;
        memcpy(out + done, from, take);
        explicit_bzero(from, take);
        worker->pool_left -= take;
        done += take;
    }
    return RDT_OK;
}

/* The generator of a copied machine goes on as the original's does until it is seeded again; the
 * kernel's is told of the copy. Either alone would do. */
static bool
mix_in_kernel(uint8_t *p, size_t n)
{
    uint8_t more[KERNEL_LEN];
    bool ok = true;
    for (size_t at = 0; ok && at < n; at += sizeof more) {
        size_t take = n - at < sizeof more ? n - at : sizeof more;
        ok = getrandom(more, take, 0) == (ssize_t)take;
        for (size_t i = 0; ok && i < take; i++)
            p[at + i] ^= more[i];
    }
    explicit_bzero(more, sizeof more);
    return ok;
}

enum rdt_code
rdt_random_key(struct rdt_worker *worker, struct rdt_secret *out, struct rdt_err *err)
{
    if (RAND_priv_bytes_ex(worker->lib, out->p, out->n, STRENGTH_BITS) != 1 ||
        !mix_in_kernel(out->p, out->n)) {
        rdt_secret_clear(out);
        return no_entropy(err);
    }
    return RDT_OK;
}

/*
 * By libcrypto's plain SHA-256, which is deprecated but no less maintained: EVP_DigestInit_ex2()
 * allocates its state anew each time, out of the ordinary heap, and takes half as long again as
 * hashing 100 bytes does. Here the state, which says as much as the key does, is in locked memory.
 * A provider that the operator named is used nevertheless.
 */
static bool
md_start(struct rdt_worker *w)
{
    if (w->sha256 != NULL)
        return EVP_DigestInit_ex2(w->md, w->sha256, NULL) == 1;
    return SHA256_Init(&w->s->sha256) == 1;
}

static bool
md_add(struct rdt_worker *w, const uint8_t *p, size_t n)
{
    if (w->sha256 != NULL)
        return EVP_DigestUpdate(w->md, p, n) == 1;
    return SHA256_Update(&w->s->sha256, p, n) == 1;
}

static bool
md_parts(struct rdt_worker *w, const struct rdt_span *parts, size_t n)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || md_add(w, parts[i].p, parts[i].n);
    return ok;
}

static bool
md_end(struct rdt_worker *w, uint8_t *out)
{
    if (w->sha256 != NULL) /* the reset wipes and frees the state */
        return EVP_DigestFinal_ex(w->md, out, NULL) == 1 && EVP_MD_CTX_reset(w->md) == 1;
    return SHA256_Final(out, &w->s->sha256) == 1;
}

static bool
digest(struct rdt_worker *w, const struct rdt_span *parts, size_t n, uint8_t *out)
{
    return md_start(w) && md_parts(w, parts, n) && md_end(w, out);
}

enum rdt_code
rdt_digest(struct rdt_worker *worker, const struct rdt_span *parts, size_t n_parts,
           uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    bool ok = digest(worker, parts, n_parts, out);
    explicit_bzero(&worker->s->sha256, sizeof worker->s->sha256);
    if (ok)
        return RDT_OK;
    memset(out, 0, RDT_SHA256_LEN);
    ERR_clear_error();
    return rdt_fail(err, RDT_E_INTERNAL, "SHA-256 failed in libcrypto");
}

static size_t
total(const struct rdt_span *parts, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += parts[i].n;
    return sum;
}

static void
join(const struct rdt_span *parts, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n != 0)
            memcpy(out, parts[i].p, parts[i].n);
        out += parts[i].n;
    }
}

/*
 * HMAC in its own words (RFC 2104) over that SHA-256: EVP_MAC under a new key takes twice as long,
 * and allocates. Nothing here depends on the key but its length.
 */
static bool
mac_key(struct rdt_worker *w, const struct rdt_span *parts, size_t n)
{
    memset(w->s->key, 0, BLOCK_LEN);
    if (total(parts, n) > BLOCK_LEN)
        return digest(w, parts, n, w->s->key);
    join(parts, n, w->s->key);
    return true;
}

static void
pad_key(struct scratch *s, uint8_t pad)
{
    for (size_t i = 0; i < BLOCK_LEN; i++)
        s->padded[i] = s->key[i] ^ pad;
}

static bool
mac_run(struct rdt_worker *w, const struct rdt_span *parts, size_t n, uint8_t *out)
{
    struct scratch *s = w->s;
    size_t message = total(parts, n);
    bool joined = message <= MESSAGE_LEN;
    pad_key(s, 0x36);
    if (joined)
        join(parts, n, s->message);
    bool ok = md_start(w) && md_add(w, s->padded, BLOCK_LEN + (joined ? message : 0));
    ok = ok && (joined || md_parts(w, parts, n));
    ok = ok && md_end(w, s->message);
    pad_key(s, 0x5c);
    ok = ok && md_start(w) && md_add(w, s->padded, BLOCK_LEN + RDT_SHA256_LEN);
    return ok && md_end(w, out);
}

static enum rdt_code
mac_end(struct rdt_worker *w, bool ok)
{
    explicit_bzero(w->s, offsetof(struct scratch, live));
    if (!ok)
        ERR_clear_error();
    return ok ? RDT_OK : RDT_E_INTERNAL;
}

bool
rdt_worker_hmac(struct rdt_worker *worker, const struct rdt_span *key_parts, size_t n_key_parts,
                const struct rdt_span *parts, size_t n_parts, uint8_t *out)
{
    bool ok = mac_key(worker, key_parts, n_key_parts) && mac_run(worker, parts, n_parts, out);
    if (!ok)
        memset(out, 0, RDT_SHA256_LEN);
    return mac_end(worker, ok) == RDT_OK;
}

enum rdt_code
rdt_hmac(struct rdt_worker *worker, const struct rdt_secret *key, const struct rdt_span *parts,
         size_t n_parts, uint8_t out[static RDT_SHA256_LEN])
{
    struct rdt_span k = rdt_secret_view(key);
    return rdt_worker_hmac(worker, &k, 1, parts, n_parts, out) ? RDT_OK : RDT_E_INTERNAL;
}

enum rdt_code
rdt_hmac_key(struct rdt_worker *worker, const struct rdt_secret *key, const struct rdt_span *parts,
             size_t n_parts, struct rdt_secret *out)
{
    if (out->n != RDT_SHA256_LEN)
        return RDT_E_INTERNAL;
    return rdt_hmac(worker, key, parts, n_parts, out->p);
}

static void
put_u32(uint8_t out[static 4], uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Block number i, from 0, of a derived key: the last one is cut. */
static void
put_block(const struct scratch *s, size_t i, struct rdt_secret *out)
{
    size_t at = i * RDT_SHA256_LEN;
    size_t n = out->n - at < RDT_SHA256_LEN ? out->n - at : RDT_SHA256_LEN;
    memcpy(out->p + at, s->result, n);
}

static size_t
n_blocks(const struct rdt_secret *out)
{
    return (out->n + RDT_SHA256_LEN - 1) / RDT_SHA256_LEN;
}

static enum rdt_code
derive_end(struct rdt_worker *w, bool ok, struct rdt_secret *out)
{
    if (!ok)
        rdt_secret_clear(out);
    return mac_end(w, ok);
}

enum rdt_code
rdt_kbkdf(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_span label,
          struct rdt_span context, struct rdt_secret *out)
{
    static const uint8_t zero[1];
    uint8_t counter[4], bits[4];
    struct rdt_span parts[] = {
        {counter, sizeof counter},
        label, {zero,    sizeof zero   },
        context, {bits,    sizeof bits   },
    };
    struct rdt_span k = rdt_secret_view(key);
    size_t n = n_blocks(out);
    if (n == 0 || n > RDT_KDF_BLOCKS_MAX)
        return RDT_E_INTERNAL;
    put_u32(bits, (uint32_t)(out->n * 8));
    bool ok = mac_key(worker, &k, 1);
    for (size_t i = 0; ok && i < n; i++) {
        put_u32(counter, (uint32_t)(i + 1));
        ok = mac_run(worker, parts, RDT_COUNT(parts), worker->s->result);
        if (ok)
            put_block(worker->s, i, out);
    }
    return derive_end(worker, ok, out);
}

enum rdt_code
rdt_hkdf(struct rdt_worker *worker, const struct rdt_secret *ikm, struct rdt_span salt,
         struct rdt_span info, struct rdt_secret *out)
{
    uint8_t number = 0;
    struct scratch *s = worker->s;
    struct rdt_span input = rdt_secret_view(ikm);
    struct rdt_span result = {s->result, RDT_SHA256_LEN};
    struct rdt_span parts[] = {
        {s->result, 0},
        info, {&number,   1}
    };
    size_t n = n_blocks(out);
    if (n == 0 || n > RDT_KDF_BLOCKS_MAX)
        return RDT_E_INTERNAL;
    bool ok = mac_key(worker, &salt, 1) && mac_run(worker, &input, 1, s->result);
    ok = ok && mac_key(worker, &result, 1);
    for (size_t i = 0; ok && i < n; i++) {
        number = (uint8_t)(i + 1);
        ok = mac_run(worker, parts, RDT_COUNT(parts), s->result);
        if (ok)
            put_block(s, i, out);
        parts[0].n = RDT_SHA256_LEN; /* the block before goes into the next one */
    }
    return derive_end(worker, ok, out);
}

static bool
fits(size_t n)
{
    return n <= INT_MAX - RDT_GCM_TAG_LEN;
}

static bool
gcm_add(EVP_CIPHER_CTX *ctx, struct rdt_span in, uint8_t *out)
{
    int n = 0;
    return in.n == 0 || EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1;
}

enum rdt_code
rdt_gcm_seal(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
             struct rdt_span aad, struct rdt_span plain, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = worker->seal;
    uint8_t *tag = out + plain.n;
    int n = 0;
    bool ok = key->n == RDT_KEY_LEN && fits(aad.n) && fits(plain.n);
    ok = ok && EVP_EncryptInit_ex2(ctx, NULL, key->p, iv, NULL) == 1;
    ok = ok && gcm_add(ctx, aad, NULL) && gcm_add(ctx, plain, out);
    ok = ok && EVP_EncryptFinal_ex(ctx, tag, &n) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)RDT_GCM_TAG_LEN, tag) == 1;
    if (ok)
        return RDT_OK;
    ERR_clear_error();
    memset(out, 0, plain.n + RDT_GCM_TAG_LEN);
    return RDT_E_INTERNAL;
}

enum rdt_code
rdt_gcm_open(struct rdt_worker *worker, const struct rdt_secret *key, const uint8_t *iv,
             struct rdt_span aad, struct rdt_span sealed, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = worker->open;
    uint8_t tag[RDT_GCM_TAG_LEN];
    if (sealed.n < sizeof tag)
        return RDT_E_TAMPERED;
    struct rdt_span body = {sealed.p, sealed.n - sizeof tag};
    int n = 0;
    bool ok = key->n == RDT_KEY_LEN && fits(aad.n) && fits(body.n);
    ok = ok && EVP_DecryptInit_ex2(ctx, NULL, key->p, iv, NULL) == 1;
    memcpy(tag, sealed.p + body.n, sizeof tag);
    ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)sizeof tag, tag) == 1;
    ok = ok && gcm_add(ctx, aad, NULL) && gcm_add(ctx, body, out);
    if (ok && EVP_DecryptFinal_ex(ctx, tag, &n) == 1)
        return RDT_OK;
    ERR_clear_error();
    if (body.n != 0)
        explicit_bzero(out, body.n);
    return ok ? RDT_E_TAMPERED : RDT_E_INTERNAL;
}

/*
 * Hedged as SECURITY-DESIGN section 3 asks of every IV: two copies of one machine that draw the
 * same random bytes still give different keys or places different IVs. The key that is wrapped keys
 * the MAC, so that a fixed wrapping key has no second use.
 */
static enum rdt_code
wrap_iv(struct rdt_worker *w, struct rdt_span aad, const struct rdt_secret *key, uint8_t *iv,
        struct rdt_err *err)
{
    uint8_t drawn[RDT_SHA256_LEN], mac[RDT_SHA256_LEN];
    struct rdt_span parts[] = {
        rdt_span_str("redoubt key wrap iv"), {drawn, sizeof drawn},
         aad
    };
    enum rdt_code rc = rdt_random(w, drawn, sizeof drawn, err);
    if (rc == RDT_OK) {
        rc = rdt_hmac(w, key, parts, RDT_COUNT(parts), mac);
        memcpy(iv, mac, RDT_GCM_IV_LEN);
    }
    explicit_bzero(drawn, sizeof drawn);
    explicit_bzero(mac, sizeof mac);
    return rc;
}

enum rdt_code
rdt_key_wrap(struct rdt_worker *worker, const struct rdt_secret *under, struct rdt_span aad,
             const struct rdt_secret *key, uint8_t *out, struct rdt_err *err)
{
    enum rdt_code rc = wrap_iv(worker, aad, key, out, err);
    if (rc == RDT_OK)
        rc = rdt_gcm_seal(worker, under, out, aad, rdt_secret_view(key), out + RDT_GCM_IV_LEN);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "wrap a key");
}

enum rdt_code
rdt_key_unwrap(struct rdt_worker *worker, const struct rdt_secret *under, struct rdt_span aad,
               struct rdt_span wrapped, struct rdt_secret *out)
{
    if (wrapped.n != RDT_GCM_IV_LEN + out->n + RDT_GCM_TAG_LEN) {
        rdt_secret_clear(out);
        return RDT_E_BADINPUT;
    }
    struct rdt_span sealed = {wrapped.p + RDT_GCM_IV_LEN, wrapped.n - RDT_GCM_IV_LEN};
    return rdt_gcm_open(worker, under, wrapped.p, aad, sealed, out->p);
}

bool
rdt_same(struct rdt_span a, struct rdt_span b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}
