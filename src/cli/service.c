#include "cli/service.h"

#include "cli/root_input.h"
#include "codec/jout.h"

void
rdt_service_done(struct rdt_service *service)
{
    rdt_kms_thread_close(service->thread);
    rdt_kms_close(service->kms);
    rdt_root_lock(service->open);
    rdt_root_free(service->root);
}

enum rdt_code
rdt_service_open(struct rdt_service *service, const char *otherwise)
{
    struct rdt_cli *cli = service->cli;
    const char *dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (dir == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    enum rdt_code rc = rdt_root_load(dir, &service->root, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_root_input_unseal(cli, service->root, &service->open);
    struct rdt_kms_opts opts = {.data = dir, .root = service->root, .open = service->open};
    if (rc == RDT_OK)
        rc = rdt_kms_open(&opts, &service->kms, &cli->err);
    if (rc == RDT_E_STATE && cli->err.hint[0] == '\0')
        rdt_hint(&cli->err, "stop the server; %s", otherwise);
    return rc == RDT_OK ? rdt_kms_thread_open(service->kms, &service->thread, &cli->err) : rc;
}

enum rdt_code
rdt_service_local(struct rdt_service *service, const char *op, struct rdt_buf *body,
                  struct rdt_buf *out)
{
    rdt_jout_close(body, '}');
    const char *text = rdt_buf_cstr(body);
    return text == NULL
               ? rdt_fail(&service->cli->err, RDT_E_NOMEM, "%s", op)
               : rdt_kms_local(service->kms, service->thread, op, text, out, &service->cli->err);
}
