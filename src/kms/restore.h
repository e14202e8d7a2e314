/*
 * restore.h - a service from a backup. What was withdrawn after the backup was made is withdrawn
 * again, by the audit log of the lost server; where that is missing, or does not say all, the
 * service stands in quarantine until people who may have looked at it.
 *
 * docs/adr/0020-sealed-start-and-backups.md, docs/guides/backup.md.
 */
#ifndef RDT_KMS_RESTORE_H
#define RDT_KMS_RESTORE_H

#include "kms/backup.h"

#define RDT_RESTORE_WHY_MAX 256 /* bytes of the reason of a quarantine */

struct rdt_restore {
    /* given */
    const struct rdt_backup_info *info; /* of a backup that was checked */
    const char *log;                    /* folder of the lost server's audit log, or NULL */
    struct rdt_span anchor;             /* a checkpoint of it that was kept elsewhere, or empty */
    /* found */
    uint64_t stored;               /* revision of the backup */
    uint64_t highest;              /* of the log */
    uint64_t records;              /* changes after the backup */
    uint64_t withdrawn;            /* of these, what was done again to rows of the backup */
    char why[RDT_RESTORE_WHY_MAX]; /* it stands in quarantine since ...; "": it may serve */
    struct rdt_buf notes; /* lines about what people have to look at; freed by the caller */
};

/*
 * rdt_kms_restore - make what lies in a folder (root.json, store.db, both of one backup) a service:
 * copy the log there, or begin one, and change the rows as above.
 *
 *   opts      its folder, not yet served, and its root, unsealed
 *
 * Fails, having left things behind in the folder: RDT_E_TAMPERED (store, or a log that is not the
 * one that the backup knew, or does not hold), RDT_E_NOTFOUND (the log), RDT_E_STATE, RDT_E_IO,
 * RDT_E_FULL, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_restore(const struct rdt_kms_opts *opts,
                                             struct rdt_restore *restore, struct rdt_err *err);

/*
 * rdt_kms_verify - that what lies in such a folder is a whole store of that root: every row's MAC.
 * Fails: as rdt_kms_restore().
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_verify(const struct rdt_kms_opts *opts, struct rdt_err *err);

#endif
