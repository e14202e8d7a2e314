/*
 * scrub.h - takes secrets and personal data out of a raw answer before it is kept.
 */
#ifndef RDT_EVIDENCE_SCRUB_H
#define RDT_EVIDENCE_SCRUB_H

#include "base/buf.h"

#define RDT_SCRUB_TOKEN_MIN 20 /* letters from which text that looks random is hidden */
#define RDT_SCRUB_RUN_MAX 32   /* letters and digits without a break are hidden from here on */

/*
 * rdt_scrub - append raw to out as printable UTF-8 with what looks like a secret hidden: values of
 * password-like fields and of Authorization and Cookie headers, passwords before an '@', private
 * keys in PEM, tokens known by their first letters, long tokens that look random, and e-mail
 * addresses. Control bytes other than tab and line ends, and bytes that are no UTF-8, come out
 * as \xNN.
 *
 * When in doubt it hides: evidence may lose a harmless word, never keep a secret one. It knows
 * shapes, not meanings, so a probe must still not record what it need not.
 * Time is linear in raw.n.
 */
void rdt_scrub(struct rdt_span raw, struct rdt_buf *out);

#endif
