#include "cli/column.h"
#include "client/kek.h"
#include "codec/jout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum rdt_code
rdt_column_cli_number(struct rdt_cli *cli, enum rdt_option option, uint64_t least, uint64_t most,
                      uint64_t *out)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    char *end = NULL;
    if (text == NULL)
        return RDT_OK;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out >= least &&
        *out <= most)
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_USAGE,
                    "--%s %s: expected a number from %" PRIu64 " to %" PRIu64,
                    rdt_option_infos[option].name, text, least, most);
}

static enum rdt_code
get_kek(void *self, const struct rdt_kek_ask *ask, struct rdt_tenant_kek *out, struct rdt_err *err)
{
    struct rdt_column_cli *at = self;
    return rdt_client_kek(at->remote.client, at->worker, ask, NULL, out, err);
}

static void
say(void *self, const char *words)
{
    rdt_cli_note(self, "%s", words);
}

static enum rdt_code
read_options(struct rdt_cli *cli, struct rdt_column_job *job)
{
    uint64_t batch = 0, rate = 0;
    enum rdt_code rc = rdt_column_cli_number(cli, OPT_BATCH, 1, RDT_COLUMN_BATCH_MAX, &batch);
    if (rc == RDT_OK)
        rc = rdt_column_cli_number(cli, OPT_RATE, 1, 100000000, &rate);
    job->batch = batch;
    job->rate = (double)rate;
    job->tenant = rdt_cli_value(cli, OPT_TENANT, NULL);
    job->show_rows = rdt_cli_has(cli, OPT_SHOW_ROWS);
    job->progress =
        rdt_cli_has(cli, OPT_QUIET) || rdt_cli_has(cli, OPT_JSON) ? NULL : cli->words_to;
    job->say = say;
    job->say_self = cli;
    return rc;
}

enum rdt_code
rdt_column_cli_open(struct rdt_cli *cli, struct rdt_column_cli *out)
{
    const char *file = rdt_cli_value(cli, OPT_CATALOGUE, NULL);
    out->cli = cli;
    if (file == NULL) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--catalogue FILE is needed: which columns are encrypted");
        rdt_hint(&cli->err, "docs/formats/catalogue.md; examples/medtrack/fields.yaml is one");
        return RDT_E_USAGE;
    }
    enum rdt_code rc = read_options(cli, &out->job);
    if (rc == RDT_OK)
        rc = rdt_catalogue_load(file, &cli->diags, &out->catalogue, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &out->remote);
    if (rc == RDT_OK)
        rc = rdt_worker_open(&out->worker, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_db_open(rdt_cli_value(cli, OPT_DB, NULL), &out->db, &cli->err);
    out->job.db = out->db;
    out->job.keys = (struct rdt_kek_source){get_kek, out};
    return rc;
}

/*
 * New tenants of a ring begin at its current version, and values below it are refused for those
 * that the table has none of. Who may not look at the ring leaves them alone: no program fails
 * because of it, and the proof counts every value anyhow.
 */
static void
look_at_ring(struct rdt_column_cli *at)
{
    RDT_BUF body = {0};
    struct rdt_err before = at->cli->err;
    const struct rdt_node *answer = NULL, *list;
    enum rdt_code rc = RDT_OK;
    const char *id = rdt_remote_key(&at->remote, at->job.column->ring, &rc);
    at->job.others_from = 0;
    at->ring_s = 0;
    if (rc == RDT_OK) {
        rdt_jout_open(&body, NULL, '{');
        rdt_jout_str(&body, "KeyId", id);
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(&at->remote, "redoubt:KeyVersions", &body, &answer);
    }
    at->cli->err = before;
    list = rc == RDT_OK ? rdt_node_get(answer, "Versions") : NULL;
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *version = list->members[i].node,
                              *state = rdt_node_get(version, "State");
        if (!rdt_node_is(state, "current"))
            continue;
        double number = rdt_node_number(version, "Version", 0);
        at->job.others_from = number >= 1 && number <= 65535 ? (unsigned short)number : 0;
        at->ring_s = (int64_t)rdt_node_number(version, "CreationDate", 0);
    }
}

enum rdt_code
rdt_column_cli_use(struct rdt_column_cli *at, const char *name)
{
    enum rdt_code rc = rdt_catalogue_find(at->catalogue, name, &at->job.column, &at->cli->err);
    if (rc == RDT_OK)
        look_at_ring(at);
    return rc;
}

void
rdt_column_cli_close(struct rdt_column_cli *at)
{
    rdt_db_close(at->db);
    rdt_worker_close(at->worker);
    rdt_remote_close(&at->remote);
    rdt_catalogue_free(at->catalogue);
}

bool
rdt_column_cli_bad(struct rdt_cli *cli, struct rdt_column_bad *bad)
{
    for (size_t i = 1; i < RDT_FIELD_NFAULTS; i++) {
        if (bad->n[i] != 0)
            rdt_cli_note(cli, "%" PRIu64 " values: %s", bad->n[i],
                         rdt_field_fault_words((enum rdt_field_fault)i));
    }
    const char *shown = rdt_buf_cstr(&bad->shown);
    for (const char *line = shown; line != NULL && *line != '\0';) {
        size_t n = strcspn(line, "\n");
        rdt_cli_note(cli, "%.*s", (int)n, line);
        line += n + (line[n] != '\0');
    }
    return bad->all != 0;
}
