#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK ((size_t)64 * 1024)

struct rdt_arena_block {
    struct rdt_arena_block *next;
    max_align_t bytes[];
};

/* align: a power of two, at most that of max_align_t, which blocks begin at. */
static void *
take(struct rdt_arena *arena, size_t n, size_t align)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    arena->used = (arena->used + align - 1) & ~(align - 1);
    if (arena->blocks == NULL || arena->used > arena->size || arena->size - arena->used < n) {
        size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
        struct rdt_arena_block *block = calloc(1, sizeof *block + size);
        if (block == NULL)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->size = size;
        arena->used = 0;
    }
    void *p = (uint8_t *)arena->blocks->bytes + arena->used;
    arena->used += n;
    return p;
}

void *
rdt_arena_new(struct rdt_arena *arena, size_t n)
{
    return take(arena, n, _Alignof(max_align_t));
}

char *
rdt_arena_str(struct rdt_arena *arena, struct rdt_span bytes)
{
    char *s = take(arena, bytes.n + 1, 1);
    if (s != NULL && bytes.n != 0)
        memcpy(s, bytes.p, bytes.n);
    return s;
}

char *
rdt_arena_fmt(struct rdt_arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : take(arena, (size_t)n + 1, 1);
    if (s != NULL)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void
rdt_arena_join(struct rdt_arena *into, struct rdt_arena *from)
{
    if (into->blocks == NULL) {
        *into = *from;
    } else if (from->blocks != NULL) {
        struct rdt_arena_block *last = from->blocks;
        while (last->next != NULL)
            last = last->next;
        /* behind the newest block, the only one that is still being filled */
        last->next = into->blocks->next;
        into->blocks->next = from->blocks;
    }
    *from = (struct rdt_arena){0};
}

void
rdt_arena_done(struct rdt_arena *arena)
{
    while (arena->blocks != NULL) {
        struct rdt_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (struct rdt_arena){0};
}
