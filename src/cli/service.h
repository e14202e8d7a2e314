/*
 * service.h - a stopped server's service, open in this process, for what its folder's owner may do
 * who can open the root.
 */
#ifndef RDT_CLI_SERVICE_H
#define RDT_CLI_SERVICE_H

#include "cli/command.h"
#include "kms/kms.h"

/* {.cli = cli} is a closed one. */
struct rdt_service {
    struct rdt_cli *cli;
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
};

/*
 * rdt_service_open - that of --data; its root is opened by what the command line gives.
 *
 *   otherwise   hint where a server holds the folder: what to do with that
 *
 * Fails: RDT_E_USAGE, as rdt_root_load(), rdt_root_input_unseal(), rdt_kms_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_service_open(struct rdt_service *service, const char *otherwise);

/* rdt_service_done - the closer for RDT_AUTO. */
void rdt_service_done(struct rdt_service *service);

#define RDT_SERVICE RDT_AUTO(rdt_service_done) struct rdt_service

/*
 * rdt_service_local - one call of the service itself.
 *
 *   body   JSON without its last bracket
 *   out    appended: the answer
 *
 * Fails: as rdt_kms_local().
 */
RDT_MUST_CHECK enum rdt_code rdt_service_local(struct rdt_service *service, const char *op,
                                               struct rdt_buf *body, struct rdt_buf *out);

#endif
