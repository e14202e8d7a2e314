/*
 * drill.h - the record of a restore drill: which backup was opened with which key, restored and
 * checked, and when; signed by who held the drill. `redoubt seal drill` writes it, `redoubt verify`
 * reads it for BACKUP-RESTORE.
 *
 * Format: docs/formats/seal-receipt.md section 4.
 */
#ifndef RDT_EVIDENCE_DRILL_H
#define RDT_EVIDENCE_DRILL_H

#include "base/buf.h"
#include "crypto/sign.h"
#include "evidence/signers.h"

#define RDT_DRILL_MAX ((size_t)65536)    /* bytes of a record's file */
#define RDT_DRILL_TEXT_MAX ((size_t)255) /* bytes of a text in it */

struct rdt_drill {
    char key[RDT_DRILL_TEXT_MAX + 1];     /* of the plan: "backup" */
    char backup[RDT_DRILL_TEXT_MAX + 1];  /* the file's name, without its folder */
    char made_by[RDT_DRILL_TEXT_MAX + 1]; /* who signed its receipt */
    char file[33];                        /* its id, hexadecimal */
    int64_t time;                         /* seconds since 1970 */
    uint64_t plain_len;                   /* bytes that were restored */
    uint64_t tables, rows, checks;        /* checks: that were asked for, and held */
    bool passed;
};

/* rdt_drill_put - sign and append the file. Fails: RDT_E_NOMEM, RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_drill_put(const struct rdt_drill *drill, struct rdt_signer *signer,
                                           struct rdt_buf *out, struct rdt_err *err);

/*
 * rdt_drill_read - a record that one of the signers signed.
 *
 *   signers   as rdt_signers_find() reads it
 *   by        becomes the signer's name
 *
 * Fails: RDT_E_BADINPUT (no record), RDT_E_DENIED (signed by nobody of them), RDT_E_TAMPERED,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_drill_read(struct rdt_span file, struct rdt_span signers,
                                            struct rdt_drill *out,
                                            char by[static RDT_SIGNER_NAME_MAX + 1],
                                            struct rdt_err *err);

#endif
