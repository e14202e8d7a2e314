/*
 * newfile_internal.h - files that appear whole, synced, and never in the place of another.
 */
#ifndef RDT_STORE_NEWFILE_INTERNAL_H
#define RDT_STORE_NEWFILE_INTERNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/*
 * rdt_newfile_begin - an empty file of mode 0600 beside path, under a name of this process.
 *
 *   beside   becomes its name, with a NUL at the end
 *
 * Fails: RDT_E_STATE (path is there), RDT_E_NOTFOUND (its folder is not), RDT_E_DENIED, RDT_E_FULL,
 * RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_newfile_begin(const char *path, struct rdt_buf *beside,
                                               struct rdt_err *err);

/* rdt_newfile_write - bytes into it.  Fails: RDT_E_FULL, RDT_E_DENIED, RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_newfile_write(const char *beside, struct rdt_span bytes,
                                               struct rdt_err *err);

/*
 * rdt_newfile_finish - sync what was written beside and give it its name.
 * Fails: RDT_E_STATE (path has come to be there), RDT_E_FULL, RDT_E_IO.  Nothing stays beside.
 */
RDT_MUST_CHECK enum rdt_code rdt_newfile_finish(const char *beside, const char *path,
                                                struct rdt_err *err);

/* rdt_newfile_code - our code for an errno of a file that is being written. */
enum rdt_code rdt_newfile_code(int error);

#endif
