#include "report/text_internal.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
rdt_page_init(struct rdt_page *page, const struct rdt_report *report, struct rdt_buf *out)
{
    unsigned width = report->width == 0 ? RDT_WIDTH_DEFAULT : report->width;
    *page = (struct rdt_page){.out = out, .color = report->color};
    page->width = width < RDT_WIDTH_MIN ? RDT_WIDTH_MIN : width;
}

/* Columns that a word takes: characters, not bytes. */
static unsigned
columns(struct rdt_span word)
{
    unsigned n = 0;
    for (size_t i = 0; i < word.n; i++)
        n += (word.p[i] & 0xC0) != 0x80;
    return n;
}

static void
put(struct rdt_page *page, struct rdt_span word)
{
    for (size_t i = 0, n = 0; i < word.n; i += n) {
        bool fit = false;
        n = rdt_text_step((struct rdt_span){word.p + i, word.n - i}, &fit);
        rdt_buf_add(page->out, fit ? (const char *)word.p + i : "?", fit ? n : 1);
    }
    page->column += columns(word);
    page->begun = true;
}

void
rdt_page_line(struct rdt_page *page)
{
    rdt_buf_add(page->out, "\n", 1);
    page->column = 0;
    page->begun = false;
}

void
rdt_page_indent(struct rdt_page *page, unsigned column)
{
    for (; page->column < column; page->column++)
        rdt_buf_add(page->out, " ", 1);
}

static void
paint_begin(struct rdt_page *page, enum rdt_paint paint)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m", "\x1b[31m",
                                        "\x1b[33m", "\x1b[32m", "\x1b[34m"};
    if (page->color)
        rdt_buf_str(page->out, codes[paint]);
}

static void
paint_end(struct rdt_page *page, enum rdt_paint paint)
{
    if (page->color && paint != RDT_PLAIN)
        rdt_buf_str(page->out, "\x1b[0m");
}

void
rdt_page_words(struct rdt_page *page, unsigned hang, enum rdt_paint paint, const char *words)
{
    bool fresh = true; /* nothing of ours on this line yet */
    while (*words != '\0') {
        size_t gap = strspn(words, " \n\t");
        size_t n = strcspn(words + gap, " \n\t");
        struct rdt_span word = {(const uint8_t *)words + gap, n};
        words += gap + n;
        if (n == 0)
            break;
        unsigned space = gap != 0 || !fresh;
        /* what follows without a gap (a comma) stays with the word before: one column is kept */
        if (page->begun && space != 0 && page->column + space + columns(word) >= page->width) {
            rdt_page_line(page);
            rdt_page_indent(page, hang);
        } else if (space != 0 && page->begun) {
            rdt_page_indent(page, page->column + 1);
        }
        paint_begin(page, paint);
        put(page, word);
        paint_end(page, paint);
        fresh = false;
    }
}

void
rdt_page_fmt(struct rdt_page *page, unsigned hang, enum rdt_paint paint, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof small) {
        rdt_page_words(page, hang, paint, small);
    } else if (n >= 0) {
        char *big = malloc((size_t)n + 1);
        if (big == NULL) {
            page->out->failed = true;
        } else {
            vsnprintf(big, (size_t)n + 1, fmt, again);
            rdt_page_words(page, hang, paint, big);
            free(big);
        }
    }
    va_end(again);
}

enum rdt_paint
rdt_verdict_paint(enum rdt_verdict verdict)
{
    static const enum rdt_paint paints[RDT_NVERDICTS] = {
        [RDT_FAIL] = RDT_RED,        [RDT_DRIFT] = RDT_RED,     [RDT_UNKNOWN] = RDT_YELLOW,
        [RDT_UNOBSERVED] = RDT_BLUE, [RDT_ACCEPTED] = RDT_BLUE, [RDT_PASS] = RDT_GREEN,
        [RDT_NA] = RDT_DIM,
    };
    return verdict < RDT_NVERDICTS ? paints[verdict] : RDT_PLAIN;
}
