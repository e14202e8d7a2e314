/*
 * doc_internal.h - a document of headings, paragraphs, tables and checklists, as Markdown or as
 * HTML. Who writes it does not know which; every text is escaped here.
 */
#ifndef RDT_REPORT_DOC_INTERNAL_H
#define RDT_REPORT_DOC_INTERNAL_H

#include "base/buf.h"

#define RDT_DOC_COLUMNS_MAX 16

enum rdt_box { RDT_BOX_TICKED, RDT_BOX_CROSSED, RDT_BOX_OPEN, RDT_BOX_NA };

struct rdt_doc {
    struct rdt_buf *out;
    bool html;
    size_t columns, at; /* of the table: how many, and the next cell's */
};

/* rdt_doc_begin, rdt_doc_end - the whole document. */
void rdt_doc_begin(struct rdt_doc *doc, const char *title);
void rdt_doc_end(struct rdt_doc *doc);

/* rdt_doc_heading - level 1 to 3; rdt_doc_para - a paragraph. */
void rdt_doc_heading(struct rdt_doc *doc, unsigned level, const char *text);
void rdt_doc_para(struct rdt_doc *doc, const char *text);

/*
 * rdt_doc_table - begin a table of n columns (at most RDT_DOC_COLUMNS_MAX).
 * rdt_doc_cell - its next cell; rows come by themselves.  rdt_doc_table_end - end it.
 */
void rdt_doc_table(struct rdt_doc *doc, const char *const *heads, size_t n);
void rdt_doc_cell(struct rdt_doc *doc, const char *text);
void rdt_doc_table_end(struct rdt_doc *doc);

/* rdt_doc_take - a cell from a buffer, which is emptied for the next one. */
void rdt_doc_take(struct rdt_doc *doc, struct rdt_buf *text);

/* rdt_doc_list, rdt_doc_list_end - around boxes; rdt_doc_box - a line with its box and reason. */
void rdt_doc_list(struct rdt_doc *doc);
void rdt_doc_box(struct rdt_doc *doc, enum rdt_box box, const char *text, const char *reason);
void rdt_doc_list_end(struct rdt_doc *doc);

#endif
