/*
 * arena.h - memory that lives and dies together: a parsed document, the results of a run.
 * One thread at a time. {0} is an empty arena.
 */
#ifndef RDT_BASE_ARENA_H
#define RDT_BASE_ARENA_H

#include "base/compiler.h"
#include "base/span.h"

struct rdt_arena {
    struct rdt_arena_block *blocks;
    size_t used, size; /* of the newest block, bytes */
};

/* rdt_arena_new - n zeroed bytes, aligned for any type; NULL when out of memory. */
void *rdt_arena_new(struct rdt_arena *arena, size_t n);

/* rdt_arena_str - a NUL-terminated copy of the bytes; NULL when out of memory. */
char *rdt_arena_str(struct rdt_arena *arena, struct rdt_span bytes);

/* rdt_arena_fmt - formatted text as a string; NULL when out of memory. */
char *rdt_arena_fmt(struct rdt_arena *arena, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_arena_join - take over all memory of from, which becomes {0}; its pointers stay valid. */
void rdt_arena_join(struct rdt_arena *into, struct rdt_arena *from);

/* rdt_arena_done - free everything and leave {0}.  Also the closer for RDT_AUTO. */
void rdt_arena_done(struct rdt_arena *arena);

#endif
