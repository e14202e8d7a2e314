/*
 * hsts.h - the Strict-Transport-Security header, RFC 6797 section 6.1. Bytes in, numbers out.
 */
#ifndef RDT_CODEC_HSTS_H
#define RDT_CODEC_HSTS_H

#include "base/err.h"
#include "base/span.h"

#define RDT_HSTS_AGE_MAX INT64_C(1000000000000) /* seconds; a longer age is cut to this */

struct rdt_hsts {
    int64_t max_age_s;
    bool subdomains, preload;
};

/*
 * rdt_hsts_parse - read the value of one header field.
 *
 *   value  untrusted bytes, without the field's name
 *   out    set only on success
 *
 * A browser ignores a header with any error in it whole, so this does too: a known directive that
 * comes twice, includeSubDomains with a value, a missing or odd max-age, a broken quote, two
 * headers that a proxy joined with a comma. Directives nobody knows are passed over.
 * Fails: RDT_E_BADINPUT, with the reason.
 */
RDT_MUST_CHECK enum rdt_code rdt_hsts_parse(struct rdt_span value, struct rdt_hsts *out,
                                            struct rdt_err *err);

#endif
