/*
 * sign_internal.h - AWS Signature Version 4 of a request that we send.
 */
#ifndef RDT_CLIENT_SIGN_INTERNAL_H
#define RDT_CLIENT_SIGN_INTERNAL_H

#include "codec/httphead.h"
#include "codec/sigv4.h"
#include "crypto/worker.h"

struct client_signing {
    const char *key_id, *region;
    const struct rdt_secret *secret;
    int64_t now_s; /* the time of the signature */
};

/* rdt_client_stamp - "20261124T101500Z". */
void rdt_client_stamp(int64_t now_s, char out[static RDT_SIGV4_STAMP]);

/*
 * rdt_client_sign - append the value of the Authorization header.
 *
 *   head   method, path, query and all fields that are sent and are to be signed, x-amz-date
 *          among them, names in small letters
 *
 * Fails: RDT_E_LIMIT (too many fields), RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked),
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_client_sign(struct rdt_worker *worker,
                                             const struct client_signing *signing,
                                             const struct rdt_http_head *head, struct rdt_span body,
                                             struct rdt_buf *out, struct rdt_err *err);

#endif
