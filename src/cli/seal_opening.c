#include "cli/seal_opening.h"

#include "base/file.h"

enum rdt_code
rdt_receipt_wanted(struct rdt_cli *cli, bool *wanted, struct rdt_seal_receipt_read *out)
{
    RDT_BUF receipt = {0};
    RDT_BUF signers = {0};
    const char *file = rdt_cli_value(cli, OPT_REQUIRE_RECEIPT, NULL),
               *by = rdt_cli_value(cli, OPT_SIGNERS, NULL);
    *wanted = file != NULL;
    if (file == NULL && by == NULL)
        return RDT_OK;
    if (file == NULL || by == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--require-receipt and --signers belong together");
    enum rdt_code rc = rdt_file_read(file, RDT_SEAL_RECEIPT_MAX, &receipt, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_file_read(by, RDT_SIGNERS_MAX, &signers, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_receipt_read(rdt_buf_span(&receipt), rdt_buf_span(&signers), out, &cli->err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(&cli->err, rc, "%s", file);
}

enum rdt_code
rdt_receipt_fits(const struct rdt_seal_receipt_read *receipt, const struct rdt_opener *opener,
                 const struct rdt_opened *opened, struct rdt_err *err)
{
    const struct rdt_seal_receipt *r = &receipt->receipt;
    struct rdt_span digest = {r->digest, sizeof r->digest}, id = {r->file_id, sizeof r->file_id};
    if (rdt_span_eq(digest, (struct rdt_span){opened->digest, sizeof opened->digest}) &&
        rdt_span_eq(id, rdt_opener_head(opener)->file_id))
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED, "this is not the file that %s signed for",
                    receipt->signer);
}
