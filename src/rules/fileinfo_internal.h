/*
 * fileinfo_internal.h - the files that a plan names, looked at before the sandbox closes.
 */
#ifndef RDT_RULES_FILEINFO_INTERNAL_H
#define RDT_RULES_FILEINFO_INTERNAL_H

#include "base/err.h"
#include "codec/node.h"

#define RDT_NAMED_FILE_MAX ((size_t)64 * 1024 * 1024) /* larger ones exist, but are not hashed */
/* bytes of all that are hashed: one file has endlessly many names, as in ././doc.pdf */
#define RDT_NAMED_BYTES_MAX ((size_t)1024 * 1024 * 1024)

/* A file that the plan names: what was found before the sandbox closed. */
struct rdt_fileinfo {
    const char *path;
    bool exists;
    const char *sha256; /* NULL where it could not be read */
};

/*
 * rdt_fileinfo_gather - every file named in a field for one, sorted by path, each once.
 *
 *   folder   the plan's folder; only what lies below is looked at.  NULL: look at nothing, and say
 *            that each is there with the hash that stands beside it
 *   out      in arena
 *
 * Fails: RDT_E_LIMIT (RDT_NAMED_BYTES_MAX), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_fileinfo_gather(const struct rdt_node *root, const char *folder,
                                                 struct rdt_arena *arena, struct rdt_fileinfo **out,
                                                 size_t *n, struct rdt_err *err);

#endif
