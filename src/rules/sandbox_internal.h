/*
 * sandbox_internal.h - a child process that can compute and write to one pipe, and nothing else.
 * What it writes is untrusted.
 *
 * Before the work starts: every other descriptor is closed, no new one can be opened, no core file,
 * no new privilege, not dumpable, processor time and address space limited, and a seccomp list that
 * knows memory, write to the pipe and exit; any other system call ends the child.
 */
#ifndef RDT_RULES_SANDBOX_INTERNAL_H
#define RDT_RULES_SANDBOX_INTERNAL_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"

#include <sys/types.h>

struct rdt_sandbox_limits {
    const char *what;    /* names the work in errors: "packs/rules/site.lua" */
    size_t memory_bytes; /* address space on top of what the process has now */
    unsigned cpu_s;      /* processor seconds */
    size_t output_bytes; /* the most that may be written */
};

struct rdt_sandbox {
    struct rdt_sandbox_limits limits;
    pid_t pid;           /* 0: none */
    int fd;              /* reading end, -1: none */
    int64_t deadline_ms; /* by rdt_monotonic_ms() */
};

/*
 * rdt_sandbox_start - fork, lock the child up and let it run work(context, fd), where fd is the
 * pipe to write to; when work returns the child ends.  Call it with no other thread running.
 *
 *   box   {0} before; collect or end it afterwards
 *
 * Fails: RDT_E_IO (no pipe, no process).
 */
RDT_MUST_CHECK enum rdt_code rdt_sandbox_start(struct rdt_sandbox *box,
                                               const struct rdt_sandbox_limits *limits,
                                               void (*work)(void *context, int fd), void *context,
                                               struct rdt_err *err);

/*
 * rdt_sandbox_collect - everything that the child writes, until it ends.
 *
 * Fails: RDT_E_SANDBOX (it was ended by a limit or a signal, or wrote too much), RDT_E_IO,
 * RDT_E_NOMEM; the text names limits.what.
 */
RDT_MUST_CHECK enum rdt_code rdt_sandbox_collect(struct rdt_sandbox *box, struct rdt_buf *out,
                                                 struct rdt_err *err);

/* rdt_sandbox_end - kill and reap what still runs, and leave {0}.  Also the closer for RDT_AUTO. */
void rdt_sandbox_end(struct rdt_sandbox *box);

#endif
