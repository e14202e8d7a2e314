/* bench.h - what benchmarks in C share: a call that must not fail, and libcrypto's allocations,
 * counted. */
#ifndef RDT_BENCH_H
#define RDT_BENCH_H

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long allocations;

static inline void
must(bool ok)
{
    if (ok)
        return;
    printf("Bail out! a call failed\n");
    exit(1);
}

static inline void *
count_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    allocations++;
    return malloc(n);
}

static inline void *
count_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    allocations++;
    return realloc(p, n);
}

static inline void
count_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

/* Before anything else of libcrypto is called. */
static inline void
count_allocations(void)
{
    must(CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) == 1);
}

#endif
