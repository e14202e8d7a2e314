#include "client/kek.h"

enum rdt_code
rdt_client_kek(struct rdt_client *client, struct rdt_worker *worker, const struct rdt_kek_ask *ask,
               struct rdt_client_fault *fault, struct rdt_tenant_kek *out, struct rdt_err *err)
{
    RDT_SECRET private_key = {0};
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    if (fault != NULL)
        *fault = (struct rdt_client_fault){0};
    enum rdt_code rc = rdt_kek_request(worker, ask, &private_key, &body, err);
    if (rc == RDT_OK)
        rc = rdt_client_call(client, RDT_KEK_OPERATION, rdt_buf_span(&body), fault, &answer, err);
    if (rc == RDT_OK)
        rc = rdt_kek_open(worker,
                          &(struct rdt_kek_answer){.ask = ask,
                                                   .private_key = &private_key,
                                                   .json = rdt_buf_span(&answer)},
                          out, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "ask for a tenant's key");
}
