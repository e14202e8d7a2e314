/*
 * produce.h - a program whose output is sealed: `--exec CMD`. Its end is part of the result: bytes
 * are whole only when the output ended and the program said that it went well (exit status 0).
 *
 * No shell runs. The environment is PATH, HOME and LC_ALL, and what the caller names. The program
 * is the head of a process group of its own, which is killed where we fail, and with us.
 */
#ifndef RDT_WORK_PRODUCE_H
#define RDT_WORK_PRODUCE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define RDT_PRODUCER_WORDS_MAX 256     /* words of a command */
#define RDT_PRODUCER_ENV_MAX 64        /* variables that are passed on by name */
#define RDT_PRODUCER_PATIENCE_MS 10000 /* where none is given */

/*
 * rdt_command_split - the words of a command as a shell would split them, where a shell has nothing
 * else to do: blanks, '...', "..." and \x. What it would expand or run ($ ` | & ; < > ( ) * ? [ ] {
 * } ~ # ! and a line end, outside '...') is refused, not taken as it stands.
 *
 *   out   NULL-terminated, in arena
 *
 * Fails: RDT_E_USAGE (as above, a quote that does not end, no word), RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_command_split(const char *text, struct rdt_arena *arena,
                                               const char *const **out, struct rdt_err *err);

struct rdt_produce {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *pass; /* names of variables that it gets from our environment */
    size_t n_pass;
    int64_t patience_ms; /* for the end of output after exit, and the reverse; 0:
                            RDT_PRODUCER_PATIENCE_MS */
    bool to;             /* false: it writes what we read; true: it reads what we write */
};

struct rdt_producer;

/*
 * rdt_producer_start - start it. Call this before any secret is in memory, and from the thread that
 * lives longest: where that thread ends, the program is killed.
 *
 *   out   caller ends it with rdt_producer_close()
 *
 * Fails: RDT_E_NOTFOUND (no such program; a variable that is not set), RDT_E_DENIED (it may not be
 * run), RDT_E_LIMIT, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_producer_start(const struct rdt_produce *what,
                                                struct rdt_producer **out, struct rdt_err *err);

/* rdt_producer_fd - our end of the pipe, borrowed; -1 once it is closed. */
int rdt_producer_fd(const struct rdt_producer *producer);

/* rdt_producer_group - its process group, for rdt_interrupt_group(); it is gone after
 * rdt_producer_wait(). */
pid_t rdt_producer_group(const struct rdt_producer *producer);

/*
 * rdt_producer_read - what it wrote next; *got 0 is the end of its output.
 *
 * Fails: RDT_E_IO (it has ended, and its output has not: its patience of waiting is over).
 */
RDT_MUST_CHECK enum rdt_code rdt_producer_read(struct rdt_producer *producer, uint8_t *to, size_t n,
                                               size_t *got, struct rdt_err *err);

/*
 * rdt_producer_wait - after the end of its output (or of ours): how it ended. Closes the pipe. A
 * program that reads takes its time; where it ended badly, what it started is killed.
 *
 * Fails: RDT_E_IO (an exit status but 0, a signal: the text names it; it goes on for
 * as long after its output ended).
 */
RDT_MUST_CHECK enum rdt_code rdt_producer_wait(struct rdt_producer *producer, struct rdt_err *err);

/* rdt_producer_status - 0 to 255: its exit status, or 128 and its signal, as a shell has it; -1
 * before rdt_producer_wait(). */
int rdt_producer_status(const struct rdt_producer *producer);

/* rdt_producer_close - kill what is left of it and free; NULL is fine. rdt_producer_close_at - as a
 * closer for RDT_AUTO. */
void rdt_producer_close(struct rdt_producer *producer);
void rdt_producer_close_at(struct rdt_producer **producer);

#endif
