/*
 * backup_folder.h - folders that a backup is unpacked in.
 */
#ifndef RDT_CLI_BACKUP_FOLDER_H
#define RDT_CLI_BACKUP_FOLDER_H

#include "base/err.h"

#include <limits.h>

struct rdt_backup_folder {
    char path[PATH_MAX]; /* "": none */
};

/* rdt_backup_folder_temporary - of our own, mode 0700, below TMPDIR.  Fails: RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_backup_folder_temporary(struct rdt_backup_folder *out,
                                                         struct rdt_err *err);

/*
 * rdt_backup_folder_in - DIR/.restoring; DIR is made, or empty but for one that was interrupted.
 * Fails: RDT_E_STATE (there is something in DIR), RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_backup_folder_in(const char *dir, struct rdt_backup_folder *out,
                                                  struct rdt_err *err);

/* rdt_backup_folder_move_up - make DIR the service that was made in it.  Fails: RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_backup_folder_move_up(struct rdt_backup_folder *folder,
                                                       const char *dir, struct rdt_err *err);

/* rdt_backup_folder_remove - with all that is in it. */
void rdt_backup_folder_remove(struct rdt_backup_folder *folder);

/* rdt_backup_sync_folder - sync the folder of a file.  Fails: RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_backup_sync_folder(const char *file, struct rdt_err *err);

#endif
