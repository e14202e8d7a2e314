#include "cli/command.h"
#include "cli/map.h"
#include "report/report.h"

static bool
wants_dot(const struct rdt_cli *cli)
{
    const char *path = rdt_cli_value(cli, OPT_OUT, "");
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".dot") == 0;
}

static enum rdt_code
draw(struct rdt_cli *cli, const struct rdt_plan *plan)
{
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    RDT_BUF out = {0};
    struct rdt_judge judge = {.plan = plan, .time = cli->time};
    judge.packs = (struct rdt_strings){cli->values[OPT_PACK], cli->n_values[OPT_PACK]};
    enum rdt_code rc = rdt_run_judge(&judge, &run, &cli->err);
    if (rc != RDT_OK)
        return rc;
    if (wants_dot(cli))
        rdt_map_dot(plan, run, &out);
    else
        rc = rdt_map_draw(plan, run, &out, &cli->err);
    if (rc == RDT_OK && !rdt_buf_ok(&out))
        rc = rdt_fail(&cli->err, RDT_E_NOMEM, "map");
    return rc == RDT_OK ? rdt_cli_write(cli, rdt_buf_span(&out)) : rc;
}

int
rdt_cmd_plan_map(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    enum rdt_code rc = rdt_plan_load(rdt_cli_plan(cli), &opts, &cli->diags, &plan, &cli->err);
    if (rc == RDT_OK)
        rc = draw(cli, plan);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
