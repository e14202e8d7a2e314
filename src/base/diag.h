/*
 * diag.h - what is wrong with a document that a person wrote: every complaint, each with its
 * place. Gathered, so that one run shows all of them.
 */
#ifndef RDT_BASE_DIAG_H
#define RDT_BASE_DIAG_H

#include "base/arena.h"

#define RDT_DIAGS_MAX 200 /* complaints kept; the rest are counted */

struct rdt_mark {
    const char *file;      /* borrowed from whoever read the document; NULL where unknown */
    uint32_t line, column; /* from 1; 0 where unknown */
};

struct rdt_diag {
    struct rdt_mark mark;
    const char *text; /* "unknown field 'holdz'" */
    const char *hint; /* "did you mean 'holds'?", or NULL */
};

struct rdt_diags {
    struct rdt_arena arena;
    struct rdt_diag items[RDT_DIAGS_MAX];
    size_t n;      /* items filled */
    size_t n_more; /* complaints that found no room */
};

/* rdt_diag_add - complain at a place; text and file name are copied, and
 * what was said already is not said again.  The hint is added by rdt_diag_hint(). */
void rdt_diag_add(struct rdt_diags *diags, struct rdt_mark mark, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/* rdt_diag_hint - say what to do about the complaint added last. */
void rdt_diag_hint(struct rdt_diags *diags, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_diag_sort - put the complaints in the order of their places. */
void rdt_diag_sort(struct rdt_diags *diags);

/* rdt_diags_done - free the texts and leave an empty collection.  Also the closer for RDT_AUTO. */
void rdt_diags_done(struct rdt_diags *diags);

#endif
