/*
 * approval_text.h - an approval as a person reads it, from the bytes that will be signed and from
 * nothing else.
 */
#ifndef RDT_CLI_APPROVAL_TEXT_H
#define RDT_CLI_APPROVAL_TEXT_H

#include "kms/approval.h"

/*
 * rdt_approval_render - append all that the bytes say, each part on lines of its own. A value of
 * several lines stands behind bars, so that none of its lines can pass for one of ours. What is not
 * fit to show is left to rdt_text_show_lines().
 */
void rdt_approval_render(const struct rdt_approval_bytes *approval, struct rdt_buf *out);

#endif
