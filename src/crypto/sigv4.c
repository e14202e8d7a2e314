#include "crypto/sigv4.h"

#include "crypto/worker_internal.h"

enum rdt_code
rdt_sigv4_key(struct rdt_worker *worker, const struct rdt_secret *secret, struct rdt_span date,
              struct rdt_span region, struct rdt_span service, struct rdt_secret *out)
{
    const struct rdt_span start[] = {rdt_span_str("AWS4"), rdt_secret_view(secret)};
    const struct rdt_span steps[] = {region, service, rdt_span_str("aws4_request")};
    if (out->n != RDT_SHA256_LEN)
        return RDT_E_INTERNAL;
    if (!rdt_worker_hmac(worker, start, RDT_COUNT(start), &date, 1, out->p))
        return RDT_E_INTERNAL;
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < RDT_COUNT(steps); i++)
        rc = rdt_hmac_key(worker, out, &steps[i], 1, out);
    return rc;
}
