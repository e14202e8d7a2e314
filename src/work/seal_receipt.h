/*
 * seal_receipt.h - who made a sealed file: its digest, signed. Anyone can seal to a public key, so
 * a restore asks for a signature by somebody whom it knows.
 *
 * Format: docs/formats/seal-receipt.md.
 */
#ifndef RDT_WORK_SEAL_RECEIPT_H
#define RDT_WORK_SEAL_RECEIPT_H

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "evidence/signers.h"
#include "seal/seal.h"

#define RDT_SEAL_RECEIPT_MAX ((size_t)8192) /* bytes of a receipt's file */

struct rdt_seal_receipt {
    uint8_t file_id[RDT_SEAL_FILE_ID_LEN], digest[RDT_SHA256_LEN];
    uint64_t plain_len, sealed_len;
    int64_t made_ms;
    struct rdt_span asset; /* at most RDT_SEAL_ASSET_MAX bytes */
};

/* rdt_seal_receipt_put - sign and append the file. Fails: RDT_E_LIMIT, RDT_E_NOMEM,
 * RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_seal_receipt_put(const struct rdt_seal_receipt *receipt,
                                                  struct rdt_signer *signer, struct rdt_buf *out,
                                                  struct rdt_err *err);

/* A receipt that was read: its bytes are its own. */
struct rdt_seal_receipt_read {
    struct rdt_seal_receipt receipt; /* asset borrows from bytes */
    uint8_t bytes[512];
    char signer[RDT_SIGNER_NAME_MAX + 1]; /* its name in the file of signers */
};

/*
 * rdt_seal_receipt_read - a receipt that one of the signers signed.
 *
 *   signers   the text of a file: a line is NAME and the public key in hexadecimal digits; empty
 *             lines and what begins with # are passed over
 *
 * Fails: RDT_E_BADINPUT (no receipt; no signer in signers), RDT_E_DENIED (signed by nobody of
 * them), RDT_E_TAMPERED (the signature is not right), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_seal_receipt_read(struct rdt_span file, struct rdt_span signers,
                                                   struct rdt_seal_receipt_read *out,
                                                   struct rdt_err *err);

#endif
