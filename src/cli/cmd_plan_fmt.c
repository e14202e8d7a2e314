#include "base/file.h"
#include "cli/command.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "plan/fmt.h"

#include <stdlib.h>
#include <sys/stat.h>

/* The file itself, not a link to it, with the rights it had. */
static enum rdt_code
replace(struct rdt_cli *cli, const char *path, struct rdt_span text)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (real == NULL || stat(real, &st) != 0) {
        free(real);
        return rdt_fail(&cli->err, RDT_E_IO, "%s: it went away meanwhile", path);
    }
    enum rdt_code rc = rdt_file_write(real, st.st_mode & 0777, text, &cli->err);
    free(real);
    return rc;
}

/* --check: says what would happen; 1 when something would. */
static int
say(struct rdt_cli *cli, const char *path, bool differs)
{
    if (rdt_cli_has(cli, OPT_JSON)) {
        RDT_BUF name = {0};
        rdt_json_text(&name, rdt_span_str(path));
        fprintf(cli->out, "{\"redoubt\":1,\"file\":%.*s,\"tidy\":%s}\n", RDT_FMT(name),
                differs ? "false" : "true");
    } else if (differs) {
        rdt_cli_note(cli, "%s is not tidy; `redoubt plan fmt` would change it", path);
    }
    return differs ? 1 : 0;
}

int
rdt_cmd_plan_fmt(struct rdt_cli *cli)
{
    RDT_BUF bytes = {0}, tidy = {0};
    const char *path = rdt_cli_plan(cli);
    bool from_stdin = strcmp(path, "-") == 0;
    const char *name = from_stdin ? "(standard input)" : path;
    enum rdt_code rc = rdt_file_read(path, RDT_YAML_MAX, &bytes, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_plan_fmt(name, rdt_buf_span(&bytes), &cli->diags, &tidy, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    bool differs = rdt_span_cmp(rdt_buf_span(&bytes), rdt_buf_span(&tidy)) != 0;
    if (rdt_cli_has(cli, OPT_CHECK))
        return say(cli, name, differs);
    if (from_stdin || rdt_cli_has(cli, OPT_OUT)) {
        rc = rdt_cli_write_copy(cli, &tidy);
    } else if (differs) {
        rc = replace(cli, path, rdt_buf_span(&tidy));
        if (rc == RDT_OK)
            rdt_cli_note(cli, "%s tidied", path);
    }
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
