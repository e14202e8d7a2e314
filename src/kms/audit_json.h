/*
 * audit_json.h - audit records as JSON: as they are, and in the shape of AWS CloudTrail, which
 * tools for it read.
 */
#ifndef RDT_KMS_AUDIT_JSON_H
#define RDT_KMS_AUDIT_JSON_H

#include "kms/audit_record.h"

/* Where the log is from: what a record does not say itself. */
struct rdt_audit_site {
    const char *account, *region;
};

/* rdt_audit_json - one object: every field that is set.  docs/formats/audit.md has the names. */
void rdt_audit_json(const struct rdt_audit_record *record, uint64_t index, struct rdt_buf *out);

/*
 * rdt_audit_cloudtrail - one event of CloudTrail, version 1.08.  An encryption context has the
 * record's digits in place of its values; eventID is made from the record's place and id, so that
 * the same record is the same event in every export.
 *
 * Source: AWS CloudTrail User Guide, "CloudTrail record contents".
 */
void rdt_audit_cloudtrail(const struct rdt_audit_record *record, uint64_t index,
                          const struct rdt_audit_site *site, struct rdt_buf *out);

#endif
