#include "crypto/worker_internal.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define LINE_LEN 64        /* bytes of a cache line; more than any alignment */
#define KERNEL_LEN 256     /* bytes that getrandom() gives without being interrupted */
#define CLOCK_SLACK_MS 100 /* by which the clocks may part between two calls */
#define STRENGTH_BITS 256

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
    w->s = (struct rdt_scratch *)w->pages.p;
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
    EVP_CIPHER_CTX_free(worker->chacha);
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
    struct rdt_scratch *s = worker->s;
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

bool
rdt_same(struct rdt_span a, struct rdt_span b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}
