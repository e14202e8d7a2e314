/*
 * `redoubt approval request|list|show|status`: what waits for a quorum.
 */
#include "cli/approval_text.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"

#include <stdlib.h>

#define BYTES_MAX (RDT_APPROVAL_PARAMETERS_MAX + 1024) /* of what is signed */

/* ---- request */

static enum rdt_code
put_parameters(struct rdt_cli *cli, struct rdt_buf *body)
{
    rdt_jout_open(body, "Parameters", '{');
    for (size_t i = 1; i < cli->n_words; i++) {
        const char *word = cli->words[i], *equals = strchr(word, '=');
        if (equals == NULL || equals == word)
            return rdt_fail(&cli->err, RDT_E_USAGE, "'%s' is not NAME=VALUE", word);
        /* the name as an item, which is escaped, and its value behind a colon */
        rdt_jout_text(body, NULL,
                      (struct rdt_span){(const uint8_t *)word, (size_t)(equals - word)});
        rdt_buf_str(body, ":");
        rdt_jout_str(body, NULL, equals + 1);
    }
    rdt_jout_close(body, '}');
    return RDT_OK;
}

static enum rdt_code
request_body(struct rdt_cli *cli, struct rdt_buf *body)
{
    int64_t hours;
    if (!rdt_remote_days(cli, OPT_HOURS, 0, &hours))
        return RDT_E_USAGE;
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Operation", cli->words[0]);
    rdt_jout_str(body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    if (hours != 0)
        rdt_jout_int(body, "Hours", hours);
    enum rdt_code rc = cli->n_words > 1 ? put_parameters(cli, body) : RDT_OK;
    rdt_jout_close(body, '}');
    return rc;
}

int
rdt_cmd_approval_request(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    enum rdt_code rc = request_body(cli, &body);
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "redoubt:ApprovalRequest", &body, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    const char *id = rdt_node_str(answer, "Request");
    rdt_cli_note(cli, "%.0f approvers have to sign it: redoubt approval sign %s",
                 rdt_node_number(answer, "Quorum", 0), id == NULL ? "" : id);
    rdt_buf_fmt(&out, "%s\n", id == NULL ? "" : id);
    rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- list */

static void
list_request(struct rdt_table *table, const struct rdt_node *request)
{
    const char *why = rdt_node_str(request, "Why"), *state = rdt_node_str(request, "State");
    bool open = state != NULL && strcmp(state, "open") == 0;
    rdt_table_text(table, rdt_node_str(request, "Request"));
    rdt_table_text(table, rdt_node_str(request, "Operation"));
    rdt_table_text(table, rdt_node_true(request, "Ready") ? "ready"
                          : open && why != NULL           ? "void"
                                                          : state);
    rdt_table_cell(table, "%.0f of %.0f", rdt_node_number(request, "Signatures", 0),
                   rdt_node_number(request, "Quorum", 0));
    rdt_table_text(table, rdt_node_str(request, "RequesterPerson"));
    rdt_table_time(table, rdt_node_number(request, "Expires", 0));
    rdt_table_text(table, rdt_node_str(request, "Reason"));
}

int
rdt_cmd_approval_list(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 7};
    static const char *const heads[] = {"REQUEST",  "OPERATION", "STATE", "SIGNED",
                                        "ASKED BY", "EXPIRES",   "REASON"};
    struct rdt_node *list = NULL;
    struct rdt_remote_listing what = {"redoubt:ApprovalList", "Requests", "", 1000};
    if (rdt_cli_has(cli, OPT_REVIEWS))
        what.members = "\"Which\":\"reviews\"";
    else if (rdt_cli_has(cli, OPT_CLOSED))
        what.members = "\"Which\":\"closed\"";
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(&remote, &what, &list);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Requests", list);
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; i < list->n; i++)
        list_request(&table, list->members[i].node);
    return rdt_remote_table(cli, &table);
}

/* ---- show */

static void
fact(struct rdt_table *table, const char *name, const char *value)
{
    if (value == NULL)
        return;
    rdt_table_text(table, name);
    rdt_table_text(table, value);
}

static void
signers(struct rdt_table *table, const char *name, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        const char *person = rdt_node_str(one, "Person");
        rdt_table_text(table, name);
        rdt_table_cell(table, "%s", person != NULL ? person : "an approver who is gone");
    }
}

/* What nobody signs: the server's own word. */
static bool
server_says(const struct rdt_node *answer, struct rdt_buf *out)
{
    RDT_TABLE table = {.columns = 2};
    fact(&table, "state", rdt_node_str(answer, "State"));
    fact(&table, "but", rdt_node_str(answer, "Why"));
    fact(&table, "asked by", rdt_node_str(answer, "RequesterPerson"));
    fact(&table, "principal", rdt_node_str(answer, "Requester"));
    fact(&table, "reason", rdt_node_str(answer, "Reason"));
    rdt_table_text(&table, "asked");
    rdt_table_time(&table, rdt_node_number(answer, "CreationDate", 0));
    rdt_table_text(&table, "signatures");
    rdt_table_cell(&table, "%.0f of %.0f", rdt_node_number(answer, "Signatures", 0),
                   rdt_node_number(answer, "Quorum", 0));
    signers(&table, "signed by", rdt_node_get(answer, "SignedBy"));
    signers(&table, "closed by", rdt_node_get(answer, "ClosedBy"));
    return rdt_table_put(&table, out);
}

static enum rdt_code
render(struct rdt_cli *cli, const struct rdt_node *answer, struct rdt_buf *out)
{
    uint8_t *raw = NULL;
    size_t n;
    struct rdt_approval_bytes bytes;
    const char *text = rdt_node_str(answer, "ToSign");
    if (text == NULL || strlen(text) > rdt_base64_len(BYTES_MAX))
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer has nothing to sign");
    raw = malloc(strlen(text) + 1);
    if (raw == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "show a request");
    enum rdt_code rc = RDT_OK;
    if (!rdt_base64_get(rdt_span_str(text), raw, &n) ||
        rdt_approval_read((struct rdt_span){raw, n}, &bytes, &cli->err) != RDT_OK)
        rc = rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's bytes to sign are none");
    else
        rdt_approval_render(&bytes, out);
    free(raw);
    rdt_buf_str(out, "\n");
    if (rc == RDT_OK && !server_says(answer, out))
        rc = rdt_fail(&cli->err, RDT_E_NOMEM, "show a request");
    return rc;
}

int
rdt_cmd_approval_show(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Request", cli->words[0]);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "redoubt:ApprovalShow", &body, &answer);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    if (rc == RDT_OK)
        rc = render(cli, answer, &out);
    if (rc == RDT_OK)
        rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- status */

static void
recoveries(struct rdt_table *table, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        const char *person = rdt_node_str(one, "Parameters.Person"),
                   *id = rdt_node_str(one, "Request");
        rdt_table_text(table, "RECOVERY");
        rdt_table_cell(table,
                       "%s becomes an approver after %.0f of %.0f days; stop it: redoubt "
                       "approval deny %s",
                       person == NULL ? "" : person, rdt_node_number(one, "WaitedDays", 0),
                       rdt_node_number(one, "WaitingDays", 0), id == NULL ? "" : id);
    }
}

static void
status_rows(struct rdt_table *table, const struct rdt_node *answer)
{
    fact(table, "deployment", rdt_node_str(answer, "Deployment"));
    rdt_table_text(table, "quorum");
    rdt_table_cell(table, "%.0f of %.0f approvers%s", rdt_node_number(answer, "Quorum", 0),
                   rdt_node_number(answer, "Approvers", 0),
                   rdt_node_true(answer, "Reachable") ? "" : ": nothing can be approved yet");
    rdt_table_text(table, "open requests");
    rdt_table_cell(table, "%.0f", rdt_node_number(answer, "Open", 0));
    rdt_table_text(table, "to be reviewed");
    rdt_table_cell(table, "%.0f", rdt_node_number(answer, "Reviews", 0));
    if (rdt_node_true(answer, "ClockBlocked"))
        fact(table, "clock", "moved: nothing is approved until it is confirmed");
    recoveries(table, rdt_node_get(answer, "Recoveries"));
}

int
rdt_cmd_approval_status(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 2};
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    rdt_buf_str(&body, "{}");
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "redoubt:ApprovalStatus", &body, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    status_rows(&table, answer);
    return rdt_remote_table(cli, &table);
}
