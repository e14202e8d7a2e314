/*
 * field_lines.h - many values: lines in, one after the other, of a length that is bounded.
 */
#ifndef RDT_CLI_FIELD_LINES_H
#define RDT_CLI_FIELD_LINES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

#define RDT_FIELD_LINE_MAX ((size_t)32 << 20) /* bytes of one line: the longest value as text */

struct rdt_field_lines {
    FILE *file;
    bool ours; /* to close */
    const char *name;
    struct rdt_buf line;
    size_t number; /* of the line, from 1 */
    bool wipe;     /* lines are plaintexts */
};

/*
 * rdt_field_lines_open - path NULL or "-": standard input.  Fails: RDT_E_NOTFOUND, RDT_E_DENIED,
 * RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_field_lines_open(const char *path, struct rdt_field_lines *out,
                                                  struct rdt_err *err);

/*
 * rdt_field_lines_next - the next line without its end.
 *
 *   line   borrowed until the next call
 *   more   false: there is none
 *
 * Fails: RDT_E_LIMIT (a line above RDT_FIELD_LINE_MAX), RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_field_lines_next(struct rdt_field_lines *lines,
                                                  struct rdt_span *line, bool *more,
                                                  struct rdt_err *err);

/* rdt_field_lines_close - the closer for RDT_AUTO; {0} is fine. */
void rdt_field_lines_close(struct rdt_field_lines *lines);

#endif
