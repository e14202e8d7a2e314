/*
 * cert.h - what an X.509 certificate says, and whether its chain ends in a trusted root. Facts
 * only: a wrong name, an old date or a broken chain is an answer here, never an error.
 *
 * Functions keep no state: threads may call them at once.
 */
#ifndef RDT_CRYPTO_CERT_H
#define RDT_CRYPTO_CERT_H

#include "base/err.h"
#include "base/span.h"

#define RDT_CERT_MAX ((size_t)64 * 1024) /* bytes of one certificate */
#define RDT_CERT_PRINT_TEXT 96  /* SHA-256 as 32 times "ab:", a NUL instead of the last colon */
#define RDT_CERT_CHAIN_MAX 16   /* certificates that a peer may send */
#define RDT_CERT_NAME_MAX 256   /* bytes of a subject or issuer; the rest is cut */
#define RDT_CERT_ROOTS_MAX 1024 /* certificates in a CA file */
#define RDT_CERT_CA_MAX ((size_t)4 << 20) /* bytes of a CA file */

struct rdt_cert {
    char subject[RDT_CERT_NAME_MAX], issuer[RDT_CERT_NAME_MAX]; /* RFC 4514, UTF-8 */
    int64_t not_before_s, not_after_s;                          /* since 1970 */
    int64_t not_before, not_after;                              /* days since 1970, rounded down */
    int64_t lifetime;                                           /* days, a started one counts */
    char key[32];      /* "rsa-2048", "ecdsa-p256", "ed25519"; lower case */
    int strength_bits; /* of the key, as NIST SP 800-57 counts it; compares kinds of keys */
    char sha256[RDT_CERT_PRINT_TEXT]; /* of the DER, "ab:cd:..." */
    bool host; /* the asked name or address is among the subject alternative names */
};

struct rdt_cert_trust {
    bool trusted;
    char why[160]; /* what broke the chain; empty when trusted */
};

/*
 * rdt_cert_read - read one certificate.
 *
 *   der   1 to RDT_CERT_MAX bytes, nothing after the certificate
 *   host  DNS name, IPv4 or IPv6 address (no brackets) that the certificate should be for
 *   out   set only on success
 *
 * Names match as RFC 6125 says: a wildcard is a whole left-most label; the common name counts for
 * nothing.  Fails: RDT_E_BADINPUT, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_cert_read(struct rdt_span der, const char *host,
                                           struct rdt_cert *out, struct rdt_err *err);

/*
 * rdt_cert_verify - whether a server's chain leads to a trusted root at a moment.
 *
 *   ders    what the server sent, its own certificate first; 1 to RDT_CERT_CHAIN_MAX
 *   ca_pem  the only roots to trust (an intermediate or the certificate itself may be one);
 *           empty: those of the system
 *   now     seconds since 1970
 *   out     set only on success
 *
 * As a client would: every certificate within its dates, signatures of at least 80 bits (no SHA-1,
 * no MD5), fit for a server. The name is another question: see rdt_cert_read().
 * Fails: RDT_E_BADINPUT (a certificate or the CA file is none), RDT_E_LIMIT, RDT_E_NOTFOUND (the
 * system has no roots), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_cert_verify(const struct rdt_span *ders, size_t n,
                                             struct rdt_span ca_pem, int64_t now,
                                             struct rdt_cert_trust *out, struct rdt_err *err);

#endif
