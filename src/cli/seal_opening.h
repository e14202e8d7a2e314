/*
 * seal_opening.h - a receipt asked of a file that is opened; shared by `open` and `seal drill`.
 */
#ifndef RDT_CLI_SEAL_OPENING_H
#define RDT_CLI_SEAL_OPENING_H

#include "cli/command.h"
#include "work/opener.h"
#include "work/seal_receipt.h"

/* rdt_receipt_wanted - the receipt of --require-receipt, signed by one of --signers; *wanted false:
 * nobody asked for one. Fails: RDT_E_USAGE (one without the other), as rdt_file_read() and
 * rdt_seal_receipt_read(). */
RDT_MUST_CHECK enum rdt_code rdt_receipt_wanted(struct rdt_cli *cli, bool *wanted,
                                                struct rdt_seal_receipt_read *out);

/* rdt_receipt_fits - whether it is the receipt of what was opened. Fails: RDT_E_TAMPERED. */
RDT_MUST_CHECK enum rdt_code rdt_receipt_fits(const struct rdt_seal_receipt_read *receipt,
                                              const struct rdt_opener *opener,
                                              const struct rdt_opened *opened, struct rdt_err *err);

#endif
