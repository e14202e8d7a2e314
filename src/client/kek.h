/*
 * kek.h - a tenant's key from a server.
 */
#ifndef RDT_CLIENT_KEK_H
#define RDT_CLIENT_KEK_H

#include "client/client.h"
#include "field/kek.h"

/*
 * rdt_client_kek - ask for a tenant's key of one epoch.
 *
 *   worker   of the same thread
 *   fault    NULL, or becomes what the server refused with
 *   out      {0}; the caller wipes it with rdt_kek_wipe().  Its time limit counts from before this
 *            call
 *
 * Fails, leaving out {0}: as rdt_kek_request(), rdt_client_call() and rdt_kek_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_client_kek(struct rdt_client *client, struct rdt_worker *worker,
                                            const struct rdt_kek_ask *ask,
                                            struct rdt_client_fault *fault,
                                            struct rdt_tenant_kek *out, struct rdt_err *err);

#endif
