/*
 * fmt.h - a plan's layout made tidy, its content untouched: two blanks a level, one after `:` and
 * `,` and inside braces, at most one empty line, no blanks at line ends. Comments, order, quotes,
 * line breaks and the choice between brackets and indentation stay the writer's.
 */
#ifndef RDT_PLAN_FMT_H
#define RDT_PLAN_FMT_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"

/*
 * rdt_plan_fmt - tidy the text of one plan file (or targets file, or included file).
 *
 *   file   name for messages
 *   bytes  the text; what it means is not judged, only that it can be read
 *   diags  gets what is wrong with a text that cannot be read
 *   out    the tidy text is appended; reading it gives the same document with the same comments
 *
 * Fails: RDT_E_BADINPUT (diags says why), RDT_E_LIMIT, RDT_E_NOMEM, RDT_E_INTERNAL (the result
 * would mean something else: out is left alone).
 */
RDT_MUST_CHECK enum rdt_code rdt_plan_fmt(const char *file, struct rdt_span bytes,
                                          struct rdt_diags *diags, struct rdt_buf *out,
                                          struct rdt_err *err);

#endif
