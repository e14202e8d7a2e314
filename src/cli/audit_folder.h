/*
 * audit_folder.h - what the offline audit commands share: where a folder's log is, keys and
 * checkpoints as files.
 */
#ifndef RDT_CLI_AUDIT_FOLDER_H
#define RDT_CLI_AUDIT_FOLDER_H

#include "cli/command.h"
#include "store/audit.h"

#include <limits.h>

#define RDT_CHECKPOINT_WORDS "redoubt checkpoint 1 " /* then base64 and a line end */

/*
 * rdt_audit_folder_of - DATA/audit, or DATA itself where that is a log's folder.
 * Fails: RDT_E_LIMIT (a path too long).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_folder_of(const char *data, char out[static PATH_MAX],
                                                 struct rdt_err *err);

/*
 * rdt_audit_key_file - the public key of --key FILE.
 *
 *   given   false: there is no such option; key is left alone
 *
 * Fails: as rdt_file_read(); RDT_E_BADINPUT (no such key).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_key_file(struct rdt_cli *cli, bool *given,
                                                uint8_t key[static RDT_ED25519_PUBLIC_LEN]);

/* rdt_checkpoint_text - as one line of text, appended.  rdt_checkpoint_read - such a line back to
 * bytes, appended; false when it is none. */
void rdt_checkpoint_text(const struct rdt_checkpoint *checkpoint, struct rdt_buf *out);
bool rdt_checkpoint_read(struct rdt_span text, struct rdt_buf *out);

/* rdt_checkpoint_stamp - when it was made, as text. */
void rdt_checkpoint_stamp(const struct rdt_checkpoint *checkpoint, char *out, size_t size);

/* rdt_audit_data - the --data that has to be given once.  Fails: RDT_E_USAGE. */
RDT_MUST_CHECK enum rdt_code rdt_audit_data(struct rdt_cli *cli, char out[static PATH_MAX]);

#endif
