#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t
page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool
may_be_unlocked(void)
{
    const char *value = secure_getenv(RDT_SECRET_UNLOCKED_ENV);
    return value != NULL && strcmp(value, "1") == 0;
}

/* What SECURITY-DESIGN section 2 asks of memory that holds a secret. MADV_WIPEONFORK is not asked
 * for as well: pages that a child does not get need no wiping there. */
static enum rdt_code
protect(void *p, size_t n, struct rdt_err *err)
{
    if (mlock(p, n) != 0 && !may_be_unlocked()) {
        rdt_fail(err, RDT_E_DENIED, "memory for a secret cannot be locked: %s", strerror(errno));
        rdt_hint(err, "raise the limit (ulimit -l), or set " RDT_SECRET_UNLOCKED_ENV
                      "=1 to accept that swap may keep a copy");
        return RDT_E_DENIED;
    }
    if (madvise(p, n, MADV_DONTDUMP) != 0 || madvise(p, n, MADV_DONTFORK) != 0)
        return rdt_fail(err, RDT_E_DENIED, "memory for a secret cannot be protected: %s",
                        strerror(errno));
    return RDT_OK;
}

/* n bytes, a multiple of the page, between two fences. */
static enum rdt_code
map_fenced(size_t mapped_n, uint8_t **out, struct rdt_err *err)
{
    size_t page = page_size();
    uint8_t *base = mmap(NULL, mapped_n + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return rdt_fail(err, RDT_E_NOMEM, "memory for a secret");
    enum rdt_code rc = RDT_OK;
    if (mprotect(base + page, mapped_n, PROT_READ | PROT_WRITE) != 0)
        rc = rdt_fail(err, RDT_E_NOMEM, "memory for a secret");
    if (rc == RDT_OK)
        rc = protect(base + page, mapped_n, err);
    if (rc != RDT_OK) {
        munmap(base, mapped_n + 2 * page);
        return rc;
    }
    *out = base + page;
    return RDT_OK;
}

static void
unmap_fenced(uint8_t *first, size_t mapped_n)
{
    size_t page = page_size();
    explicit_bzero(first, mapped_n);
    munmap(first - page, mapped_n + 2 * page);
}

static size_t
whole_pages(size_t n)
{
    size_t page = page_size();
    return (n + page - 1) / page * page;
}

enum rdt_code
rdt_secret_new(struct rdt_secret *secret, size_t n, struct rdt_err *err)
{
    size_t mapped_n = whole_pages(n + 1); /* with the NUL */
    uint8_t *first = NULL;
    *secret = (struct rdt_secret){0};
    if (n > RDT_SECRET_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a secret of more than %zu bytes", RDT_SECRET_MAX);
    enum rdt_code rc = map_fenced(mapped_n, &first, err);
    if (rc != RDT_OK)
        return rc;
    /* at the upper fence, so that the first byte read too many faults */
    secret->p = first + mapped_n - (n + 1);
    secret->n = n;
    secret->mapped_n = mapped_n;
    return RDT_OK;
}

enum rdt_code
rdt_secret_copy(struct rdt_secret *secret, struct rdt_span bytes, struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(secret, bytes.n, err);
    if (rc == RDT_OK && bytes.n != 0)
        memcpy(secret->p, bytes.p, bytes.n);
    return rc;
}

void
rdt_secret_cut(struct rdt_secret *secret, size_t n)
{
    if (n >= secret->n)
        return;
    explicit_bzero(secret->p + n, secret->n - n);
    secret->n = n;
}

bool
rdt_secret_equal(const struct rdt_secret *a, const struct rdt_secret *b)
{
    volatile uint8_t differs = 0; /* volatile: the loop must not end early */
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        differs |= a->p[i] ^ b->p[i];
    return differs == 0;
}

void
rdt_secret_clear(struct rdt_secret *secret)
{
    if (secret->p != NULL)
        explicit_bzero(secret->p, secret->n);
}

struct rdt_secret_block {
    uint8_t *first;
    size_t mapped_n;
    size_t count;
    struct rdt_secret secrets[];
};

enum rdt_code
rdt_secret_block_new(size_t count, size_t n, struct rdt_secret_block **out, struct rdt_err *err)
{
    struct rdt_secret_block *b;
    if (n > RDT_SECRET_MAX || count == 0 || count > RDT_SECRET_BLOCK_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%zu secrets of %zu bytes", count, n);
    b = calloc(1, sizeof *b + count * sizeof b->secrets[0]);
    if (b == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "memory for secrets");
    b->count = count;
    b->mapped_n = whole_pages(count * (n + 1)); /* each with its NUL */
    enum rdt_code rc = map_fenced(b->mapped_n, &b->first, err);
    if (rc != RDT_OK) {
        free(b);
        return rc;
    }
    uint8_t *p = b->first + b->mapped_n - count * (n + 1);
    for (size_t i = 0; i < count; i++)
        b->secrets[i] = (struct rdt_secret){.p = p + i * (n + 1), .n = n};
    *out = b;
    return RDT_OK;
}

struct rdt_secret *
rdt_secret_block_at(struct rdt_secret_block *block, size_t i)
{
    assert(i < block->count);
    return &block->secrets[i];
}

void
rdt_secret_block_free(struct rdt_secret_block *block)
{
    if (block == NULL)
        return;
    unmap_fenced(block->first, block->mapped_n);
    free(block);
}

void
rdt_secret_wipe(struct rdt_secret *secret)
{
    if (secret->p != NULL && secret->mapped_n == 0)
        rdt_secret_clear(secret); /* a block's: its pages are not this one's to give back */
    else if (secret->p != NULL)
        /* the bytes begin in the first page: the mapping is the smallest that holds them */
        unmap_fenced(secret->p - (uintptr_t)secret->p % page_size(), secret->mapped_n);
    *secret = (struct rdt_secret){0};
}
