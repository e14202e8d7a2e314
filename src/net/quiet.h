/*
 * quiet.h - libraries that write to a socket with write(2) raise SIGPIPE when the peer is gone. A
 * room below main() may not change what a signal does for the process, so it is held back in the
 * calling thread while such a library runs, and dropped afterwards.
 */
#ifndef RDT_NET_QUIET_H
#define RDT_NET_QUIET_H

#include "base/compiler.h"

#include <stdbool.h>

struct rdt_quiet {
    bool was_blocked, was_pending;
};

/* rdt_quiet_begin - hold SIGPIPE back in this thread. */
struct rdt_quiet rdt_quiet_begin(void);

/* rdt_quiet_end - drop a SIGPIPE that came since, and let later ones through as before. */
void rdt_quiet_end(struct rdt_quiet *quiet);

/* Declares a scope without SIGPIPE, up to its closing brace. */
#define RDT_QUIET(name) RDT_AUTO(rdt_quiet_end) struct rdt_quiet name RDT_UNUSED = rdt_quiet_begin()

#endif
