/*
 * secret_file.h - a password, PIN or share out of a file, straight into locked memory.
 */
#ifndef RDT_BASE_SECRET_FILE_H
#define RDT_BASE_SECRET_FILE_H

#include "base/secret.h"

#define RDT_SECRET_FILE_MAX ((size_t)4096) /* bytes of a file that holds one secret */

/*
 * rdt_secret_read - what a file holds, without the line end that an editor put behind it.
 *
 *   path     a regular file of ours or root's that gives no right to group or others (one right
 *            in $CREDENTIALS_DIRECTORY may be read by the group); "-" is standard input
 *   secret   must be empty
 *
 * Fails, leaving *secret empty: RDT_E_NOTFOUND, RDT_E_DENIED (owner, mode), RDT_E_BADINPUT (no
 * regular file, empty, a NUL inside), RDT_E_LIMIT, RDT_E_IO, as rdt_secret_new().  The text never
 * quotes the content.
 */
RDT_MUST_CHECK enum rdt_code rdt_secret_read(const char *path, struct rdt_secret *secret,
                                             struct rdt_err *err);

/*
 * rdt_secret_read_fd - the same from a descriptor that the caller has opened and closes.
 *
 *   name   how errors call the file
 *
 * Fails: as rdt_secret_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_secret_read_fd(int fd, const char *name, struct rdt_secret *secret,
                                                struct rdt_err *err);

#endif
