#include "base/secret.h"

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

enum rdt_code
rdt_secret_new(struct rdt_secret *secret, size_t n, struct rdt_err *err)
{
    size_t page = page_size();
    size_t mapped_n = (n + 1 + page - 1) / page * page; /* with the NUL */
    *secret = (struct rdt_secret){0};
    if (n > RDT_SECRET_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a secret of more than %zu bytes", RDT_SECRET_MAX);
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
    /* at the upper fence, so that the first byte read too many faults */
    secret->p = base + page + mapped_n - (n + 1);
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
rdt_secret_wipe(struct rdt_secret *secret)
{
    if (secret->p != NULL) {
        size_t page = page_size();
        /* the bytes begin in the first page: the mapping is the smallest that holds them */
        uint8_t *first = secret->p - (uintptr_t)secret->p % page;
        explicit_bzero(first, secret->mapped_n);
        munmap(first - page, secret->mapped_n + 2 * page);
    }
    *secret = (struct rdt_secret){0};
}
