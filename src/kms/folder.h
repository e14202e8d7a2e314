/*
 * folder.h - a service's folder as a whole: cleared away, or moved into place.
 */
#ifndef RDT_KMS_FOLDER_H
#define RDT_KMS_FOLDER_H

#include "base/err.h"

#include <stdbool.h>

/* rdt_folder_has - whether a folder has an entry of that name. */
bool rdt_folder_has(const char *dir, const char *name);

/* rdt_folder_remove - an entry of a folder and all below it, as far as that goes. */
void rdt_folder_remove(const char *dir, const char *name);

/*
 * rdt_folder_move_in - store, log and root from a folder into another one on the same disk, the
 * root last: until then the other has no service.  Fails: RDT_E_IO.
 */
RDT_MUST_CHECK enum rdt_code rdt_folder_move_in(const char *from, const char *dir,
                                                struct rdt_err *err);

#endif
