/*
 * signers.h - whose signatures count: a text file of names and public keys.
 */
#ifndef RDT_EVIDENCE_SIGNERS_H
#define RDT_EVIDENCE_SIGNERS_H

#include "base/span.h"

#define RDT_SIGNERS_MAX ((size_t)64 * 1024) /* bytes of a file of signers */
#define RDT_SIGNER_NAME_MAX ((size_t)127)   /* bytes of a name in it */

/*
 * rdt_signers_find - the name of whom a public key belongs to; false: nobody's.
 *
 *   text   a line is NAME, a blank and the public key in hexadecimal digits; empty lines, lines
 *          that begin with # and what is none of these are passed over
 *   name   becomes fit to show
 *   any    becomes true where there is a signer at all
 */
bool rdt_signers_find(struct rdt_span text, struct rdt_span public_key,
                      char name[static RDT_SIGNER_NAME_MAX + 1], bool *any);

#endif
