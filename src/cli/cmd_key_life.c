/*
 * `redoubt key drain|quiesce|keep` and `redoubt clock`: the steps by which a version of a key dies,
 * and the clock that counts its waiting.
 */
#include "base/clock.h"
#include "cli/remote.h"
#include "codec/jout.h"

#include <errno.h>
#include <stdlib.h>

/* `{"KeyId":..., "Version":...}` of the operands KEY and VERSION. */
static enum rdt_code
version_body(struct rdt_cli *cli, struct rdt_remote *remote, struct rdt_buf *body, const char **id)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(cli->words[1], &end, 10);
    if (errno != 0 || *end != '\0' || end == cli->words[1] || number == 0 || number > UINT32_MAX)
        return rdt_fail(&cli->err, RDT_E_USAGE,
                        "'%s' is no number of a version: redoubt key versions", cli->words[1]);
    enum rdt_code rc = rdt_remote_open(cli, remote);
    if (rc == RDT_OK)
        *id = rdt_remote_key(remote, cli->words[0], &rc);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", *id);
    rdt_jout_int(body, "Version", (int64_t)number);
    rdt_jout_close(body, '}');
    return RDT_OK;
}

static int
step(struct rdt_cli *cli, const char *op, const char *done)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = version_body(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, op, &body, "%s version %s: %s", id, cli->words[1], done);
}

int
rdt_cmd_key_drain(struct rdt_cli *cli)
{
    return step(cli, "redoubt:VersionDrain",
                "draining; when every registered store is seen empty of it, it is drained");
}

int
rdt_cmd_key_quiesce(struct rdt_cli *cli)
{
    return step(cli, "redoubt:VersionQuiesce",
                "quiesced; its uses are refused, and one that is puts it back to draining");
}

int
rdt_cmd_key_keep(struct rdt_cli *cli)
{
    return step(cli, "redoubt:VersionKeep", "one step back; it opens what it sealed");
}

/* ---- the clock */

static void
line(struct rdt_table *table, const char *label, const char *value)
{
    rdt_table_text(table, label);
    rdt_table_text(table, value);
}

int
rdt_cmd_clock_status(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 2};
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    rdt_buf_str(&body, "{}");
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "redoubt:ClockStatus", &body, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    line(&table, "clock", rdt_node_true(answer, "Blocked") ? "not to be trusted" : "good");
    if (rdt_node_true(answer, "Blocked"))
        line(&table, "reason", rdt_node_str(answer, "Reason"));
    rdt_table_text(&table, "time");
    rdt_table_time(&table, rdt_node_number(answer, "Time", 0));
    rdt_table_text(&table, "highest time seen");
    rdt_table_time(&table, rdt_node_number(answer, "Highest", 0));
    rdt_table_text(&table, "credited");
    rdt_table_cell(&table, "%.2f days", rdt_node_number(answer, "CreditedSeconds", 0) / RDT_DAY_S);
    rdt_table_text(&table, "waiting period");
    rdt_table_cell(&table, "%.0f days", rdt_node_number(answer, "WaitingDays", 0));
    rdt_table_text(&table, "backups are kept");
    rdt_table_cell(&table, "%.0f days", rdt_node_number(answer, "BackupDays", 0));
    return rdt_remote_table(cli, &table);
}

int
rdt_cmd_clock_set(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    int64_t waiting, backups;
    if (!rdt_remote_days(cli, OPT_WAITING, 0, &waiting) ||
        !rdt_remote_days(cli, OPT_BACKUPS, 0, &backups))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    if (waiting == 0 && backups == 0)
        return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_USAGE, "--waiting or --backups"));
    rdt_jout_open(&body, NULL, '{');
    if (waiting != 0)
        rdt_jout_int(&body, "WaitingDays", waiting);
    if (backups != 0)
        rdt_jout_int(&body, "BackupDays", backups);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:WaitingSet", &body, "set: redoubt clock status");
}

int
rdt_cmd_clock_confirm(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    rdt_buf_str(&body, "{}");
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:ClockConfirm", &body,
                          "the server's time is confirmed; destruction and approvals go on");
}
