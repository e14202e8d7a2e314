/*
 * html_internal.h - the parts of an HTML report. One file, no script, nothing from outside: the
 * page's own policy (a meta element) forbids both.
 */
#ifndef RDT_REPORT_HTML_INTERNAL_H
#define RDT_REPORT_HTML_INTERNAL_H

#include "report/view_internal.h"

/* rdt_html_head - everything up to the opened body, whose class is given. */
void rdt_html_head(struct rdt_buf *out, const char *title, const char *body_class);

/* rdt_html_style - the class of a verdict: "fail", "na". */
const char *rdt_html_style(enum rdt_verdict verdict);

/* rdt_html_glyph - its sign: never shown without its word. */
const char *rdt_html_glyph(enum rdt_verdict verdict);

/* rdt_html_badge - append a verdict as sign and word. */
void rdt_html_badge(struct rdt_buf *out, enum rdt_verdict verdict);

/* rdt_html_tag - append <name class=style>text</name>; style may be NULL. */
void rdt_html_tag(struct rdt_buf *out, const char *name, const char *style, const char *text);

/* rdt_html_place - append a place in the plan as code. */
void rdt_html_place(struct rdt_buf *out, struct rdt_mark where);

/* rdt_html_section - open a section with a heading and one line on what it shows. */
void rdt_html_section(struct rdt_buf *out, const char *id, const char *heading, const char *lead);

/* The sections, in the order of the page: rdt_html_findings, rdt_html_map, rdt_html_matrix,
 * rdt_html_keys, rdt_html_compliance, rdt_html_calendar. */
void rdt_html_findings(struct rdt_buf *out, const struct rdt_view *view);
void rdt_html_map(struct rdt_buf *out, const struct rdt_view *view);
void rdt_html_matrix(struct rdt_buf *out, const struct rdt_view *view);
void rdt_html_keys(struct rdt_buf *out, const struct rdt_view *view);
void rdt_html_compliance(struct rdt_buf *out, const struct rdt_view *view);
void rdt_html_calendar(struct rdt_buf *out, const struct rdt_view *view);

#endif
