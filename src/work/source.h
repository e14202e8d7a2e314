/*
 * source.h - where bytes come from: a file, a pipe, a program.
 */
#ifndef RDT_WORK_SOURCE_H
#define RDT_WORK_SOURCE_H

#include "work/produce.h"

#include <stdbool.h>
#include <stddef.h>

#define RDT_SOURCE_PEEK_MAX ((size_t)64) /* bytes */

struct rdt_source;

/*
 * rdt_source_open - a file or device, or standard input.
 *
 *   path   NULL or "-": standard input
 *   out    caller closes it
 *
 * Fails: RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_BADINPUT (a folder), RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_source_open(const char *path, struct rdt_source **out,
                                             struct rdt_err *err);

/* rdt_source_fd - a file that is open, from its beginning. Fails: RDT_E_IO, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_source_fd(int fd, const char *name, struct rdt_source **out,
                                           struct rdt_err *err);

/* rdt_source_of - a program's output; producer is borrowed. Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_source_of(struct rdt_producer *producer, struct rdt_source **out,
                                           struct rdt_err *err);

/* rdt_source_name - for errors, borrowed. */
const char *rdt_source_name(const struct rdt_source *source);

/* rdt_source_size - bytes of a regular file; -1: not known. */
int64_t rdt_source_size(const struct rdt_source *source);

/*
 * rdt_source_fill - the next bytes.
 *
 *   got   n, or less at the end
 *
 * Fails: RDT_E_IO; RDT_E_STATE (rdt_source_stop()); as rdt_producer_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_source_fill(struct rdt_source *source, uint8_t *to, size_t n,
                                             size_t *got, struct rdt_err *err);

/* rdt_source_peek - the first bytes, RDT_SOURCE_PEEK_MAX at most, before anything else is read;
 * rdt_source_fill() gives them again. Fails: as rdt_source_fill(), RDT_E_LIMIT. */
RDT_MUST_CHECK enum rdt_code rdt_source_peek(struct rdt_source *source, size_t n,
                                             struct rdt_span *out, struct rdt_err *err);

/* rdt_source_at - the same from an offset of a regular file; the place of rdt_source_fill() stays.
 * Fails: RDT_E_IO, RDT_E_STATE (not a regular file). */
RDT_MUST_CHECK enum rdt_code rdt_source_at(struct rdt_source *source, uint64_t offset, uint8_t *to,
                                           size_t n, size_t *got, struct rdt_err *err);

/* rdt_source_stop - from any thread: a rdt_source_fill() that waits gives up soon. */
void rdt_source_stop(struct rdt_source *source);

/* rdt_source_close - NULL is fine. rdt_source_close_at - as a closer for RDT_AUTO. */
void rdt_source_close(struct rdt_source *source);
void rdt_source_close_at(struct rdt_source **source);

#endif
