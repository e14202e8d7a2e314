/*
 * service_internal.h - a file key through the key service: wrapped by kms:Encrypt, had again by
 * kms:Decrypt, both under a context that names the file and its tenant.
 */
#ifndef RDT_WORK_SERVICE_INTERNAL_H
#define RDT_WORK_SERVICE_INTERNAL_H

#include "client/client.h"

/* What the key service is asked about. */
struct rdt_file_key_ask {
    const char *key;                 /* id, ARN, alias */
    struct rdt_span file_id, tenant; /* tenant n 0: none */
};

/*
 * rdt_file_key_wrap - by kms:Encrypt.
 *
 *   blob   appended
 *   key    appended: the key's ARN, as the service has it
 *
 * Fails: as rdt_client_call(), RDT_E_PROTOCOL (no such answer), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_file_key_wrap(struct rdt_client *client,
                                               const struct rdt_file_key_ask *ask,
                                               const struct rdt_secret *file_key,
                                               struct rdt_buf *blob, struct rdt_buf *key,
                                               struct rdt_err *err);

/* rdt_file_key_unwrap - by kms:Decrypt. out: empty. Fails: as above, as rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_file_key_unwrap(struct rdt_client *client,
                                                 const struct rdt_file_key_ask *ask,
                                                 struct rdt_span blob, struct rdt_secret *out,
                                                 struct rdt_err *err);

#endif
