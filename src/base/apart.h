/*
 * apart.h - runs a function of ours in a process of its own, where a library below it may hang, eat
 * memory or crash: the process ends at its deadline whatever it does.
 *
 * A keeper is forked while the caller has one thread, and forks again for each question, so that
 * many threads may ask at once and no child ever sees a lock that some thread held.
 */
#ifndef RDT_BASE_APART_H
#define RDT_BASE_APART_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define RDT_APART_REQUEST_MAX ((size_t)4096)
#define RDT_APART_MEMORY_MAX                                                                       \
    ((size_t)256 << 20) /* bytes that a child may take beyond what it has */

struct rdt_apart;

/*
 * What runs in the child.  context is as it was when the keeper was started; what is in answer when
 * it returns goes back.
 */
typedef void rdt_apart_fn(const void *context, struct rdt_span request, struct rdt_buf *answer);

/*
 * rdt_apart_open - start a keeper.  No other thread may run that could hold a lock.
 *
 *   out   caller closes it with rdt_apart_close()
 *
 * Fails: RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_apart_open(rdt_apart_fn *run, const void *context,
                                            struct rdt_apart **out, struct rdt_err *err);

/*
 * rdt_apart_ask - run the function on a request and take its answer.  Threads may ask at once.
 *
 *   request      1..RDT_APART_REQUEST_MAX bytes
 *   deadline_ms  on rdt_monotonic_ms()'s clock; the child is ended a tenth of a second later
 *   max          bytes of an answer
 *   answer       appended to; what stands there after a failure means nothing
 *
 * Fails: RDT_E_TIMEOUT, RDT_E_LIMIT (a longer answer, or request), RDT_E_IO (it died, or could not
 * be started), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_apart_ask(struct rdt_apart *apart, struct rdt_span request,
                                           int64_t deadline_ms, size_t max, struct rdt_buf *answer,
                                           struct rdt_err *err);

/*
 * rdt_apart_ask_secret - the same where request and answer are secret.  Neither touches memory of
 * ours that is not locked, the keeper overwrites the request as soon as the child has it, and the
 * child, which leaves no core and cannot be looked into, takes its copies with it.
 *
 *   answer   made by the caller, as long as an answer may be; cut to its length, zeroes after a
 *            failure
 *
 * Fails: as rdt_apart_ask().
 */
RDT_MUST_CHECK enum rdt_code rdt_apart_ask_secret(struct rdt_apart *apart,
                                                  const struct rdt_secret *request,
                                                  int64_t deadline_ms, struct rdt_secret *answer,
                                                  struct rdt_err *err);

/* rdt_apart_close - end the keeper and what it runs; NULL is fine.  Nobody may be asking. */
void rdt_apart_close(struct rdt_apart *apart);

/* rdt_apart_close_at - the same as a closer for RDT_AUTO. */
void rdt_apart_close_at(struct rdt_apart **apart);

#endif
