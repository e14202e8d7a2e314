/*
 * file.h - whole files in, whole files out. A write is either all there or not at all.
 */
#ifndef RDT_BASE_FILE_H
#define RDT_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/*
 * rdt_file_read - the bytes of a regular file (or of standard input, for "-").
 *
 *   max   bytes at most; one more is RDT_E_LIMIT
 *   out   appended to; caller frees
 *
 * Fails: RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_BADINPUT (a folder or device), RDT_E_LIMIT, RDT_E_IO,
 * RDT_E_NOMEM; the text names the file.
 */
RDT_MUST_CHECK enum rdt_code rdt_file_read(const char *path, size_t max, struct rdt_buf *out,
                                           struct rdt_err *err);

/*
 * rdt_file_open_below - open a regular file that lies in a folder, for reading.
 *
 *   folder  "" is the current one
 *   name    relative to folder; links are followed, and where they lead is looked at after opening,
 *           so that nobody can swap one in between
 *   out     the descriptor; caller closes
 *
 * Fails: RDT_E_BADINPUT (name is absolute or leads out of folder; a folder or device), else as
 * rdt_file_read(); the text names the file as name does.
 */
RDT_MUST_CHECK enum rdt_code rdt_file_open_below(const char *folder, const char *name, int *out,
                                                 struct rdt_err *err);

/* rdt_file_read_below - the bytes of such a file.  Fails: as rdt_file_open_below(), and
 * RDT_E_LIMIT. */
RDT_MUST_CHECK enum rdt_code rdt_file_read_below(const char *folder, const char *name, size_t max,
                                                 struct rdt_buf *out, struct rdt_err *err);

/* rdt_file_is_below - whether rdt_file_open_below() would find a regular file in the folder. */
bool rdt_file_is_below(const char *folder, const char *name);

/*
 * rdt_file_write - replace or make a file: written beside it, synced, renamed, folder synced.
 * "-" writes to standard output; a device, pipe or symbolic link that exists is written to as it
 * is.  Fails: RDT_E_IO, RDT_E_DENIED, RDT_E_NOMEM; then an old regular file is as it was.
 */
RDT_MUST_CHECK enum rdt_code rdt_file_write(const char *path, mode_t mode, struct rdt_span bytes,
                                            struct rdt_err *err);

/* rdt_file_mkdirs - make a folder and those above it, mode 0700.  Fails: RDT_E_IO, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_file_mkdirs(const char *path, struct rdt_err *err);

/* rdt_fd_close - closer for RDT_AUTO: close the descriptor unless it is negative. */
void rdt_fd_close(int *fd);

#define RDT_FD RDT_AUTO(rdt_fd_close) int

#endif
