/*
 * approval.h - what approvers sign, as bytes and in words. The program of an approver renders from
 * the bytes that it signs, so both sides read them here.
 * Format: docs/formats/approval.md. What an approval is about: SECURITY-DESIGN section 4.
 */
#ifndef RDT_KMS_APPROVAL_H
#define RDT_KMS_APPROVAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define RDT_APPROVAL_PARAMETERS_MAX ((size_t)65536) /* bytes of an operation's parameters */
#define RDT_APPROVAL_OPERATION_MAX ((size_t)64)     /* bytes of its name */

/* What a signature says; each has a label of its own, so that none stands for another. */
enum rdt_approval_verb {
    RDT_APPROVAL_APPROVE = 1, /* it may be done */
    RDT_APPROVAL_DENY,        /* it shall not be done; also cancels a recovery of the quorum */
    RDT_APPROVAL_REVIEW       /* break-glass was looked at afterwards */
};

struct rdt_approval_bytes {
    enum rdt_approval_verb verb;
    uint8_t deployment[16], request[16];
    struct rdt_span operation;  /* [a-z-]{1,64} */
    struct rdt_span parameters; /* pairs (kms/model.h), sorted by name, each name once */
    uint64_t rows_revision;     /* of the rows that it is about; 0: of none */
    uint8_t census_root[32];    /* zeroes: no census */
    uint64_t approvers_revision;
    int64_t expires_ms;
};

/* rdt_approval_put - append the bytes to sign. */
void rdt_approval_put(const struct rdt_approval_bytes *approval, struct rdt_buf *out);

/*
 * rdt_approval_read - read such bytes; spans of out borrow from them.
 * Fails: RDT_E_BADINPUT (any byte that rdt_approval_put() would not have written).
 */
RDT_MUST_CHECK enum rdt_code rdt_approval_read(struct rdt_span bytes,
                                               struct rdt_approval_bytes *out, struct rdt_err *err);

/*
 * rdt_approval_words - what an operation does, as a sentence begun ("destroy a key's material for
 * good"); NULL: no such operation here.
 */
const char *rdt_approval_words(struct rdt_span operation);

/* rdt_suspend_put - append what one approver signs to suspend a key at once. */
void rdt_suspend_put(const uint8_t deployment[static 16], const uint8_t key[static 16],
                     int64_t time_ms, struct rdt_buf *out);

#endif
