/*
 * template_internal.h - the encryption plan template, filled in. Structure of the template, words
 * of our own.
 */
#ifndef RDT_REPORT_TEMPLATE_INTERNAL_H
#define RDT_REPORT_TEMPLATE_INTERNAL_H

#include "report/doc_internal.h"
#include "report/view_internal.h"

struct rdt_filled {
    struct rdt_doc doc;
    const struct rdt_view *view;
    const struct rdt_plan *plan;
    struct rdt_buf cell; /* scratch */
};

/* rdt_filled_boxes - the boxes of one checklist of the template, each with its reason. */
void rdt_filled_boxes(struct rdt_filled *filled, const char *checklist);

/* rdt_filled_state - append what a row's verdict means: "met, observed", "not met: RULE on x". */
void rdt_filled_state(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_row *row);

/* rdt_filled_keys - part 4: key inventory and procedures. */
void rdt_filled_keys(struct rdt_filled *filled);

/* rdt_filled_compliance - part 5.  Fails: RDT_E_BADINPUT (the embedded table), RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_filled_compliance(struct rdt_filled *filled, struct rdt_err *err);

#endif
