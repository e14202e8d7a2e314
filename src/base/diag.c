#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DIAG_TEXT_MAX 512

static const char *
keep(struct rdt_diags *diags, const char *fmt, va_list ap)
{
    char text[DIAG_TEXT_MAX];
    vsnprintf(text, sizeof text, fmt, ap);
    const char *kept = rdt_arena_str(&diags->arena, rdt_span_str(text));
    return kept != NULL ? kept : "out of memory";
}

void
rdt_diag_add(struct rdt_diags *diags, struct rdt_mark mark, const char *fmt, ...)
{
    if (diags->n == RDT_DIAGS_MAX) {
        diags->n_more++;
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    diags->items[diags->n++] = (struct rdt_diag){.mark = mark, .text = keep(diags, fmt, ap)};
    va_end(ap);
}

void
rdt_diag_hint(struct rdt_diags *diags, const char *fmt, ...)
{
    if (diags->n == 0 || diags->n_more != 0)
        return;
    va_list ap;
    va_start(ap, fmt);
    diags->items[diags->n - 1].hint = keep(diags, fmt, ap);
    va_end(ap);
}

static int
by_place(const void *a, const void *b)
{
    const struct rdt_mark *x = &((const struct rdt_diag *)a)->mark;
    const struct rdt_mark *y = &((const struct rdt_diag *)b)->mark;
    int c = strcmp(x->file != NULL ? x->file : "", y->file != NULL ? y->file : "");
    if (c == 0)
        c = (x->line > y->line) - (x->line < y->line);
    return c != 0 ? c : (x->column > y->column) - (x->column < y->column);
}

void
rdt_diag_sort(struct rdt_diags *diags)
{
    qsort(diags->items, diags->n, sizeof diags->items[0], by_place);
}

void
rdt_diags_done(struct rdt_diags *diags)
{
    rdt_arena_done(&diags->arena);
    diags->n = diags->n_more = 0;
}
