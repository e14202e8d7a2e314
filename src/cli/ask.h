/*
 * ask.h - a secret from a person at a terminal, without showing it.
 */
#ifndef RDT_CLI_ASK_H
#define RDT_CLI_ASK_H

#include "base/secret.h"

#include <signal.h>
#include <termios.h>

#define RDT_ASK_MAX ((size_t)1024) /* bytes of one answer */

#define RDT_ASK RDT_AUTO(rdt_ask_end) struct rdt_ask

/* A terminal that shows nothing of what is typed, and holds signals back; terminal -1: none. */
struct rdt_ask {
    int terminal;
    struct termios before;
    sigset_t mask;
};

/*
 * rdt_ask_begin - hide what is typed on the terminal that started us.
 *
 *   path   "/dev/tty", or another terminal
 *
 * Fails, leaving *ask none: RDT_E_NOTFOUND (there is no terminal), RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_ask_begin(struct rdt_ask *ask, const char *path,
                                           struct rdt_err *err);

/*
 * rdt_ask_line - write the prompt and read one line.  Backspace and ^U mend it; ^C, and ^D on an
 * empty line, give up.
 *
 *   out   must be empty; may become a secret of no bytes
 *
 * Fails: RDT_E_DENIED (the person gave up, or a signal came), RDT_E_LIMIT, RDT_E_IO, as
 * rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_ask_line(struct rdt_ask *ask, const char *prompt,
                                          struct rdt_secret *out, struct rdt_err *err);

/* rdt_ask_end - the terminal as it was before.  None is fine.  Also the closer for RDT_AUTO. */
void rdt_ask_end(struct rdt_ask *ask);

#endif
