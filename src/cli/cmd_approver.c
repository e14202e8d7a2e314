/*
 * `redoubt approver` and `redoubt approval quorum|recover`: who approves, and how many it takes.
 */
#include "cli/approver_key.h"
#include "cli/remote.h"
#include "cli/service.h"
#include "codec/jout.h"
#include "codec/json.h"

static enum rdt_code
candidate(struct rdt_cli *cli, struct rdt_buf *body)
{
    RDT_BUF key = {0};
    const char *person = rdt_cli_value(cli, OPT_PERSON, NULL);
    if (person == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--person is missing: who it is");
    enum rdt_code rc = rdt_approver_key_public(cli, cli->words[1], &key);
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Name", cli->words[0]);
    rdt_jout_str(body, "Person", person);
    rdt_jout_text(body, "PublicKey", rdt_buf_span(&key));
    rdt_jout_str(body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    return rc;
}

int
rdt_cmd_approver_add(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    enum rdt_code rc = candidate(cli, &body);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:ApproverAdd", &body, "%s: added", cli->words[0]);
}

int
rdt_cmd_approver_remove(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Name", cli->words[0]);
    rdt_jout_str(&body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:ApproverRemove", &body, "%s: removed", cli->words[0]);
}

int
rdt_cmd_approver_list(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 5};
    static const char *const heads[] = {"NAME", "PERSON", "TYPE", "SINCE", "KEY"};
    struct rdt_node *list = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            &remote, &(struct rdt_remote_listing){"redoubt:ApproverList", "Approvers", "", 1000},
            &list);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Approvers", list);
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        rdt_table_text(&table, rdt_node_str(one, "Name"));
        rdt_table_text(&table, rdt_node_str(one, "Person"));
        rdt_table_text(&table, rdt_node_str(one, "Type"));
        rdt_table_time(&table, rdt_node_number(one, "CreationDate", 0));
        rdt_table_text(&table, rdt_node_str(one, "PublicKey"));
    }
    return rdt_remote_table(cli, &table);
}

int
rdt_cmd_approval_quorum(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *n = cli->words[0];
    if (strspn(n, "0123456789") != strlen(n) || n[0] == '\0' || n[0] == '0' || strlen(n) > 2)
        return rdt_cli_fail(cli,
                            rdt_fail(&cli->err, RDT_E_USAGE, "'%s' is no number of 1 to 16", n));
    rdt_jout_open(&body, NULL, '{');
    rdt_buf_fmt(&body, "\"Quorum\":%s", n);
    rdt_jout_str(&body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:QuorumSet", &body, "quorum: %s", n);
}

/* ---- a lost quorum */

static int
say_waiting(struct rdt_cli *cli, const struct rdt_buf *answer)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF out = {0};
    struct rdt_node *tree = NULL;
    enum rdt_code rc = rdt_json_parse("the answer", rdt_buf_span(answer), &arena, &tree, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, tree);
    rdt_buf_fmt(&out, "%s: %s becomes an approver after %.0f days of running\n",
                rdt_node_str(tree, "Request"), cli->words[0],
                rdt_node_number(tree, "WaitingDays", 0));
    rc = rdt_cli_write_words(cli, &out);
    rdt_cli_note(cli, "everybody sees it in redoubt approval status; any approver can stop it");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_approval_recover(struct rdt_cli *cli)
{
    RDT_SERVICE service = {.cli = cli};
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    enum rdt_code rc = candidate(cli, &body);
    if (rc == RDT_OK)
        rc = rdt_service_open(&service, "a recovery is begun on its folder");
    if (rc == RDT_OK)
        rc = rdt_service_local(&service, "ApprovalRecover", &body, &answer);
    return rc == RDT_OK ? say_waiting(cli, &answer) : rdt_cli_fail(cli, rc);
}
