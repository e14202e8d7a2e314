/*
 * markup_internal.h - text inside XML and HTML. Every value of a plan or a server passes through
 * here; nothing else writes one.
 */
#ifndef RDT_REPORT_MARKUP_INTERNAL_H
#define RDT_REPORT_MARKUP_INTERNAL_H

#include "base/buf.h"

/*
 * rdt_markup_span, rdt_markup_text - append text so that it is text in an element and in a quoted
 * attribute.  What XML 1.0 cannot hold (controls, bytes that are no UTF-8) becomes U+FFFD.  NULL
 * writes nothing.
 */
void rdt_markup_span(struct rdt_buf *out, struct rdt_span text);
void rdt_markup_text(struct rdt_buf *out, const char *text);

#endif
