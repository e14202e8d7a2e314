/*
 * path.h - files that a target names, such as `ca: ca/rds.pem`: always under the plan's folder.
 */
#ifndef RDT_PROBE_PATH_H
#define RDT_PROBE_PATH_H

#include "base/err.h"

#define RDT_PROBE_PATH_MAX 4096

/*
 * rdt_probe_path - the real path of a file that must lie under a folder, symbolic links followed.
 *
 *   folder  of the plan
 *   name    as written in the target; relative
 *   out     becomes an absolute path; set only on success
 *
 * Fails: as rdt_file_open_below().
 */
RDT_MUST_CHECK enum rdt_code rdt_probe_path(const char *folder, const char *name,
                                            char out[static RDT_PROBE_PATH_MAX],
                                            struct rdt_err *err);

#endif
