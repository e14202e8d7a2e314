/*
 * credential.h - a target never holds a secret, only a reference to one: `env:NAME`, a variable of
 * the environment, or `file:PATH`, a file under the plan's folder that only we can read.
 */
#ifndef RDT_PROBE_CREDENTIAL_H
#define RDT_PROBE_CREDENTIAL_H

#include "base/secret.h"

/*
 * rdt_ref_secret - fetch what a reference names, without the line end that an editor put behind it.
 *
 *   ref      as written in the target
 *   folder   of the plan; a file must lie under it once symbolic links are followed, be a regular
 *            file of ours or root's, and give no right to group or others
 *   secret   must be empty
 *
 * Fails, leaving *secret empty: RDT_E_NOTFOUND, RDT_E_DENIED (mode, owner or place of the file),
 * RDT_E_LIMIT, RDT_E_BADINPUT (neither form, empty, a NUL inside), RDT_E_IO, RDT_E_NOMEM. The text
 * never quotes the content, nor a reference without a known form, which may be the password itself.
 */
RDT_MUST_CHECK enum rdt_code rdt_ref_secret(const char *ref, const char *folder,
                                            struct rdt_secret *secret, struct rdt_err *err);

#endif
