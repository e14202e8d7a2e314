/*
 * credential.h - a new secret access key on its one way out.
 */
#ifndef RDT_CLI_CREDENTIAL_H
#define RDT_CLI_CREDENTIAL_H

#include "cli/command.h"

/* rdt_wipe_buf - the closer of a buffer that holds a secret. */
void rdt_wipe_buf(struct rdt_buf *buf);

#define RDT_WIPED_BUF RDT_AUTO(rdt_wipe_buf) struct rdt_buf

/*
 * rdt_credential_write - print what CredentialCreate answered: as lines for an environment file, or
 * with --json as it is; with -o to a file that only its owner reads.  The exit status.
 *
 *   answer   JSON; changed, and wiped by the caller
 */
int rdt_credential_write(struct rdt_cli *cli, struct rdt_buf *answer);

#endif
