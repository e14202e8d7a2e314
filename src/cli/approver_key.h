/*
 * approver_key.h - an approver's private key: in a file of its owner, PKCS#8 PEM, with a passphrase
 * or without.
 */
#ifndef RDT_CLI_APPROVER_KEY_H
#define RDT_CLI_APPROVER_KEY_H

#include "cli/command.h"
#include "crypto/sign.h"

/*
 * rdt_approver_key_load - the key of --with; its passphrase from --passphrase-file, or asked for.
 *
 *   out   caller frees with rdt_signer_free()
 *
 * Fails: RDT_E_USAGE (no --with), as rdt_secret_read() and rdt_signer_load_pem().
 */
RDT_MUST_CHECK enum rdt_code rdt_approver_key_load(struct rdt_cli *cli, struct rdt_signer **out);

/* rdt_approver_key_public - append a public key in hexadecimal digits: from digits, or from a file
 * that holds them.  Fails: RDT_E_BADINPUT, as rdt_file_read(). */
RDT_MUST_CHECK enum rdt_code rdt_approver_key_public(struct rdt_cli *cli, const char *word,
                                                     struct rdt_buf *out);

/*
 * rdt_approver_key_agreed - shows what is to be signed and asks whether it shall be.
 *
 *   shown   words, as rdt_cli_write_words() takes them
 *
 * Fails: RDT_E_DENIED (the person said no), RDT_E_USAGE (there is nobody to ask, and no --yes).
 */
RDT_MUST_CHECK enum rdt_code rdt_approver_key_agreed(struct rdt_cli *cli, struct rdt_buf *shown,
                                                     const char *question);

#endif
