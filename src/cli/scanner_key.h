/*
 * scanner_key.h - the key with which a scanner signs, and its public half.
 */
#ifndef RDT_CLI_SCANNER_KEY_H
#define RDT_CLI_SCANNER_KEY_H

#include "cli/command.h"
#include "crypto/sign.h"

/*
 * rdt_scanner_public - append a public key as hexadecimal digits.
 *
 *   word   a file with the private key (PEM) or with the digits, or the digits themselves
 *
 * Fails: RDT_E_BADINPUT, else as rdt_file_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_scanner_public(struct rdt_cli *cli, const char *word,
                                                struct rdt_buf *out);

/* rdt_scanner_signer - the key of --signer; caller frees.  Fails: RDT_E_USAGE (not given), as
 * rdt_secret_read() and rdt_signer_load_pem(). */
RDT_MUST_CHECK enum rdt_code rdt_scanner_signer(struct rdt_cli *cli, struct rdt_signer **out);

#endif
