/*
 * child.h - run another program on some bytes and take what it prints. No shell, a clean
 * environment, no descriptor but its three, a limit on time, memory and output.
 */
#ifndef RDT_BASE_CHILD_H
#define RDT_BASE_CHILD_H

#include "base/buf.h"
#include "base/err.h"

struct rdt_child {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    struct rdt_span input;   /* its standard input */
    size_t max_output;       /* bytes */
    int timeout_ms;
};

/*
 * rdt_child_run - run it to its end; standard output is appended to out, standard error discarded.
 *
 * Fails: RDT_E_NOTFOUND (no such program), RDT_E_TIMEOUT, RDT_E_LIMIT (output too long), RDT_E_IO
 * (it failed), RDT_E_NOMEM.  One thread only: the child inherits nothing, but SIGCHLD is waited
 * for.
 */
RDT_MUST_CHECK enum rdt_code rdt_child_run(const struct rdt_child *child, struct rdt_buf *out,
                                           struct rdt_err *err);

#endif
