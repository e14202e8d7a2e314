/*
 * text_internal.h - lines for a terminal: words wrapped to a width, colours that only repeat what
 * a word already says, control characters taken out.
 */
#ifndef RDT_REPORT_TEXT_INTERNAL_H
#define RDT_REPORT_TEXT_INTERNAL_H

#include "report/view_internal.h"

enum rdt_paint { RDT_PLAIN, RDT_BOLD, RDT_DIM, RDT_RED, RDT_YELLOW, RDT_GREEN, RDT_BLUE };

struct rdt_page {
    struct rdt_buf *out;
    unsigned width, column;
    bool begun; /* the line holds more than spaces */
    bool color;
};

/* rdt_page_init - a page as the report's options ask for. */
void rdt_page_init(struct rdt_page *page, const struct rdt_report *report, struct rdt_buf *out);

/*
 * rdt_page_words - words from the column where the page stands, wrapped to its width; further lines
 * begin at column hang.  Bytes that would move a terminal's cursor become '?'.
 */
void rdt_page_words(struct rdt_page *page, unsigned hang, enum rdt_paint paint, const char *words);

/* rdt_page_fmt - the same for formatted text. */
void rdt_page_fmt(struct rdt_page *page, unsigned hang, enum rdt_paint paint, const char *fmt, ...)
    RDT_PRINTF(4, 5);

/* rdt_page_indent - spaces up to a column; rdt_page_line - end the line. */
void rdt_page_indent(struct rdt_page *page, unsigned column);
void rdt_page_line(struct rdt_page *page);

/* rdt_verdict_paint - the colour of a verdict. */
enum rdt_paint rdt_verdict_paint(enum rdt_verdict verdict);

/* rdt_text_framework - one framework's controls, worst first. */
void rdt_text_framework(struct rdt_page *page, const struct rdt_view *view,
                        const struct rdt_framework *framework);

#endif
