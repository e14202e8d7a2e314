/*
 * sink.h - where a long result goes. A file is written as OUT.partial, mode 0600, synced, renamed,
 * and its folder synced: under its name it is whole or not there. Anything else (a pipe, a device)
 * is written to as it is.
 */
#ifndef RDT_WORK_SINK_H
#define RDT_WORK_SINK_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>
#include <sys/types.h>

struct rdt_sink;

struct rdt_sink_opts {
    const char *path;  /* NULL or "-": standard output */
    bool force;        /* take the place of a file that is there */
    bool keep_partial; /* leave OUT.partial where it cannot be finished */
    bool words;        /* text for people: a terminal may have it */
};

/*
 * rdt_sink_open - out: caller closes it. An OUT.partial that nobody is writing is begun anew.
 *
 * Fails: RDT_E_STATE (OUT is there and not force; another process writes OUT.partial; a terminal),
 * RDT_E_NOTFOUND (no such folder), RDT_E_DENIED, RDT_E_FULL, RDT_E_LIMIT (name), RDT_E_IO,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_sink_open(const struct rdt_sink_opts *opts, struct rdt_sink **out,
                                           struct rdt_err *err);

/* rdt_sink_fd - the descriptor, borrowed. A file's can be read as well. */
int rdt_sink_fd(const struct rdt_sink *sink);

/* rdt_sink_is_file - whether it is a file that gets its name at the end. */
bool rdt_sink_is_file(const struct rdt_sink *sink);

/* rdt_sink_written - bytes so far. */
uint64_t rdt_sink_written(const struct rdt_sink *sink);

/* rdt_sink_write - all of the bytes. Fails: RDT_E_FULL (disk, quota, size limit), RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_sink_write(struct rdt_sink *sink, struct rdt_span bytes,
                                            struct rdt_err *err);

/* rdt_sink_sync - what was written is on the disk; nothing to do for pipes. Fails: as above. */
RDT_MUST_CHECK enum rdt_code rdt_sink_sync(struct rdt_sink *sink, struct rdt_err *err);

/*
 * rdt_sink_finish - it is whole: synced, under its name. Fails: as above; then the name is as it
 * was. RDT_E_STATE: somebody made OUT meanwhile, and not force.
 */
RDT_MUST_CHECK enum rdt_code rdt_sink_finish(struct rdt_sink *sink, struct rdt_err *err);

/* rdt_sink_close - what was not finished is removed, unless keep_partial; NULL is fine.
 * rdt_sink_close_at - as a closer for RDT_AUTO. */
void rdt_sink_close(struct rdt_sink *sink);
void rdt_sink_close_at(struct rdt_sink **sink);

/* rdt_sync_folder - that of a file's name. Fails: RDT_E_IO, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_sync_folder(const char *path, struct rdt_err *err);

#endif
