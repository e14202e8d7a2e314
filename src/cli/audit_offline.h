/*
 * audit_offline.h - the records of a server's folder, found by the options of `audit search`.
 */
#ifndef RDT_CLI_AUDIT_OFFLINE_H
#define RDT_CLI_AUDIT_OFFLINE_H

#include "cli/command.h"

/*
 * rdt_audit_offline - JSON of the records of --data that the command's options let through.
 *
 *   cloudtrail   as events of CloudTrail, of --account and --region
 *   limit        records at most
 *   out          appended: each followed by a line end
 *   found        how many
 *
 * Fails: RDT_E_USAGE (--for-key that is no key id, --since, --until), as rdt_audit_each().
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_offline(struct rdt_cli *cli, bool cloudtrail, int64_t limit,
                                               struct rdt_buf *out, int64_t *found);

#endif
