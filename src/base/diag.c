#include "base/diag.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DIAG_TEXT_MAX 512

static const char *
keep(struct rdt_diags *diags, const char *fmt, va_list ap)
{
    char text[DIAG_TEXT_MAX];
    vsnprintf(text, sizeof text, fmt, ap);
    rdt_text_show(text); /* it may quote what a stranger wrote */
    const char *kept = rdt_arena_str(&diags->arena, rdt_span_str(text));
    return kept != NULL ? kept : "out of memory";
}

/* The document may be gone before its complaints are shown. */
static struct rdt_mark
keep_mark(struct rdt_diags *diags, struct rdt_mark mark)
{
    const char *last = diags->n == 0 ? NULL : diags->items[diags->n - 1].mark.file;
    if (mark.file == NULL)
        return mark;
    if (last == NULL || strcmp(last, mark.file) != 0)
        last = rdt_arena_str(&diags->arena, rdt_span_str(mark.file));
    mark.file = last;
    return mark;
}

static bool
is_known(const struct rdt_diags *diags, const struct rdt_diag *diag)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct rdt_diag *old = &diags->items[i];
        if (old->mark.line == diag->mark.line && old->mark.column == diag->mark.column &&
            old->mark.file == diag->mark.file && strcmp(old->text, diag->text) == 0)
            return true;
    }
    return false;
}

void
rdt_diag_add(struct rdt_diags *diags, struct rdt_mark mark, const char *fmt, ...)
{
    va_list ap;
    if (diags->n == RDT_DIAGS_MAX) {
        diags->n_more++;
        return;
    }
    va_start(ap, fmt);
    struct rdt_diag diag = {.mark = keep_mark(diags, mark), .text = keep(diags, fmt, ap)};
    if (!is_known(diags, &diag))
        diags->items[diags->n++] = diag;
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
