#include "base/arena.h"
#include "cli/command.h"
#include "server/server.h"

int
rdt_cmd_serve(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_serve_opts opts = {0};
    const char *config = rdt_cli_value(cli, OPT_CONFIG, NULL);
    bool dev = rdt_cli_has(cli, OPT_DEV);
    enum rdt_code rc;
    if (dev == (config != NULL)) {
        rc = rdt_fail(&cli->err, RDT_E_USAGE, "give either --config FILE or --dev");
        rdt_hint(&cli->err, "redoubt serve --dev tries it out on this machine");
        return rdt_cli_fail(cli, rc);
    }
    if (dev)
        rc = rdt_serve_dev(rdt_cli_value(cli, OPT_DATA, "redoubt-dev"),
                           rdt_cli_value(cli, OPT_LISTEN, NULL), &arena, &opts, &cli->err);
    else
        rc = rdt_serve_config(config, &arena, &opts, &cli->diags, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (dev)
        rdt_cli_note(cli, "DEVELOPMENT root in %s: whoever reads this folder reads every key",
                     opts.data);
    return rdt_serve(&opts);
}
