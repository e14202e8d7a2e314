/*
 * issue.h - the certificates that a server on a laptop needs: a CA, a server certificate under it,
 * client certificates under it. P-256 keys, SHA-256, X.509 v3.
 */
#ifndef RDT_CRYPTO_ISSUE_H
#define RDT_CRYPTO_ISSUE_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"

#define RDT_ISSUE_NAMES_MAX 16 /* names and addresses of one server certificate */

enum rdt_issue_kind { RDT_ISSUE_CA, RDT_ISSUE_SERVER, RDT_ISSUE_CLIENT };

struct rdt_issue {
    enum rdt_issue_kind kind;
    const char *subject;      /* common name, 1..64 bytes of printable ASCII */
    const char *const *names; /* server: DNS names and IP addresses, at most RDT_ISSUE_NAMES_MAX */
    size_t n_names;
    int64_t not_before, not_after; /* seconds since 1970 */
    struct rdt_span ca_pem;        /* issuer's certificate; empty for a CA of its own */
    struct rdt_span ca_key_pem;    /* issuer's key; likewise */
};

/*
 * rdt_issue - make a key pair and its certificate, both PEM and appended, each in one piece; the
 * caller writes the key (PKCS#8, not encrypted) with mode 0600 and wipes the buffer.
 *
 * A CA signs itself and signs no other CA; a server or client is signed by the given one. Each says
 * in critical extensions what it is for, and in others the identifiers of both keys.
 *
 * Fails: RDT_E_BADINPUT (a name, an issuer), RDT_E_INTERNAL, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_issue(const struct rdt_issue *what, struct rdt_buf *cert_pem,
                                       struct rdt_buf *key_pem, struct rdt_err *err);

/*
 * rdt_cert_fingerprint - SHA-256 over the DER of the first certificate of a PEM.
 * Fails: RDT_E_BADINPUT.
 */
RDT_MUST_CHECK enum rdt_code
rdt_cert_fingerprint(struct rdt_span pem, uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err);

#endif
