/*
 * https_internal.h - what one look at one address of a web site showed, and how the looks at all
 * its addresses become facts. Shared by https.c, which looks, and https_worst.c, which records.
 */
#ifndef RDT_PROBE_HTTPS_INTERNAL_H
#define RDT_PROBE_HTTPS_INTERNAL_H

#include "codec/hsts.h"
#include "crypto/cert.h"
#include "evidence/evidence.h"
#include "net/dial.h"
#include "net/http.h"
#include "net/tls.h"

#define HTTPS_WHY_MAX 256

struct https_look {
    const struct rdt_addr *addr;
    char ip[RDT_ADDR_TEXT]; /* numbers only, no port */
    bool reached;           /* a connection to the https port was made */

    struct {
        bool closed, answered; /* neither: unknown, see why */
        int status;
        char location[RDT_URL_MAX]; /* where it leads; empty without a readable Location */
        bool https;                 /* a redirect to https on the same host */
        char why[HTTPS_WHY_MAX];
    } redirect;

    struct {
        enum rdt_tls_verdict verdict;
        char why[RDT_TLS_WHY_MAX];
    } tls[RDT_TLS_N_VERSIONS];

    struct {
        bool seen; /* otherwise unknown, see why */
        struct rdt_cert cert;
        struct rdt_cert_trust trust;
        char why[HTTPS_WHY_MAX];
    } cert;

    struct {
        bool answered; /* otherwise unknown, see why */
        bool present;  /* a header that browsers obey */
        struct rdt_hsts hsts;
        char why[HTTPS_WHY_MAX]; /* what is odd about it, or why it is unknown */
    } hsts;

    struct rdt_buf redirect_raw, tls_raw, cert_raw, hsts_raw;
};

/*
 * rdt_https_record - record the worst of the looks as the four facts about a flow.
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_https_record(const char *subject, const struct https_look *looks,
                                              size_t n, struct rdt_evidence *out);

#endif
