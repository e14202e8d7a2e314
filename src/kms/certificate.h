/*
 * certificate.h - a certificate of destruction as a file: a JSON object with what it says, the
 * signature of the audit log's key, and that key. Written by the service, checked by anybody
 * offline.
 *
 * Format: docs/formats/destruction.md. Threads share nothing.
 */
#ifndef RDT_KMS_CERTIFICATE_H
#define RDT_KMS_CERTIFICATE_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/sign.h"

#define RDT_CERTIFICATE_MAX ((size_t)1 << 20) /* bytes of a certificate */

/*
 * rdt_certificate_seal - sign what a certificate says and append the whole.
 *
 *   says   a JSON object without white space outside of texts
 *
 * Fails: RDT_E_INTERNAL, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_certificate_seal(struct rdt_signer *signer, struct rdt_span says,
                                                  struct rdt_buf *out, struct rdt_err *err);

/*
 * rdt_certificate_check - whether a certificate is what was signed. White space outside of texts
 * does not matter.
 *
 *   key    the key that has to have signed, RDT_ED25519_PUBLIC_LEN bytes; empty: the one that the
 *          certificate names itself, which proves only that it is whole
 *   says   what it says, appended; nothing on failure
 *
 * Fails: RDT_E_BADINPUT (not a certificate), RDT_E_TAMPERED (changed, or signed by another),
 * RDT_E_LIMIT, RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_certificate_check(struct rdt_span bytes, struct rdt_span key,
                                                   struct rdt_buf *says, struct rdt_err *err);

/* rdt_certificate_says - what one of our own says, borrowed; empty: it is none. */
struct rdt_span rdt_certificate_says(struct rdt_span bytes);

#endif
