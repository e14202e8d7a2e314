/*
 * err.h - results and the story behind them.
 *
 * A function that can fail returns enum rdt_code and takes struct rdt_err *err last; NULL is
 * allowed and discards the text. The lowest function says what went wrong (rdt_fail), each caller
 * adds what it was doing (rdt_fail_in). Text never holds secret or personal bytes.
 */
#ifndef RDT_BASE_ERR_H
#define RDT_BASE_ERR_H

#include "base/compiler.h"

/* code, exit status of the command line, words */
#define RDT_CODES(X)                                                                               \
    X(RDT_OK, 0, "done")                                                                           \
    X(RDT_E_BADINPUT, 3, "input is wrong")                                                         \
    X(RDT_E_USAGE, 3, "command line is wrong")                                                     \
    X(RDT_E_LIMIT, 3, "a limit was passed")                                                        \
    X(RDT_E_NOTFOUND, 3, "no such thing")                                                          \
    X(RDT_E_NOMEM, 4, "out of memory")                                                             \
    X(RDT_E_IO, 4, "input or output failed")                                                       \
    X(RDT_E_DENIED, 4, "not permitted")                                                            \
    X(RDT_E_NET, 4, "could not be reached")                                                        \
    X(RDT_E_TIMEOUT, 4, "timed out")                                                               \
    X(RDT_E_PROTOCOL, 4, "the peer broke the protocol")                                            \
    X(RDT_E_SANDBOX, 4, "the sandbox ended it")                                                    \
    X(RDT_E_TAMPERED, 4, "authentication failed")                                                  \
    X(RDT_E_STATE, 4, "its state forbids it")                                                      \
    X(RDT_E_FULL, 4, "out of space")                                                               \
    X(RDT_E_INTERNAL, 4, "a defect in redoubt")

#define X(name, exit_status, words) name,
enum rdt_code { RDT_CODES(X) };
#undef X

#define RDT_ERR_TEXT_MAX 512
#define RDT_ERR_HINT_MAX 256

struct rdt_err {
    enum rdt_code code;
    char text[RDT_ERR_TEXT_MAX]; /* NUL-terminated, cut at the end when too long */
    char hint[RDT_ERR_HINT_MAX]; /* what to do about it; empty where we do not know */
};

/*
 * rdt_fail - record what went wrong and return code, so that `return rdt_fail(...)` reads.
 * Replaces text, clears the hint.  err may be NULL.
 */
enum rdt_code rdt_fail(struct rdt_err *err, enum rdt_code code, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/*
 * rdt_fail_in - put "what I was doing: " before the text that is already there and return code.
 * Keeps the hint.  err may be NULL.
 */
enum rdt_code rdt_fail_in(struct rdt_err *err, enum rdt_code code, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/* rdt_hint - say what to do about the failure just recorded.  err may be NULL. */
void rdt_hint(struct rdt_err *err, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_code_exit_status - the command line's exit status for a code (0, 3 or 4). */
int rdt_code_exit_status(enum rdt_code code);

/* rdt_code_words - the code in words, a static string. */
const char *rdt_code_words(enum rdt_code code);

#endif
