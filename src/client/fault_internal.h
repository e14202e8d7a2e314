/*
 * fault_internal.h - a server's refusal as one of our results.
 */
#ifndef RDT_CLIENT_FAULT_INTERNAL_H
#define RDT_CLIENT_FAULT_INTERNAL_H

#include "client/client.h"
#include "net/https_client.h"

/* rdt_client_fault_read - read an answer that is no 200: fills fault and err, returns the code. */
enum rdt_code rdt_client_fault_read(const struct rdt_https_answer *answer,
                                    struct rdt_client_fault *fault, struct rdt_err *err);

#endif
