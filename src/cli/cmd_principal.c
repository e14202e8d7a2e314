/*
 * `redoubt principal`: who may call, with which credentials and certificates, under which policy.
 */
#include "base/file.h"
#include "cli/remote.h"
#include "codec/jout.h"

#define POLICY_BYTES ((size_t)64 * 1024)

static void
principal_body(struct rdt_buf *body, const char *name)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Principal", name);
}

/* ---- list, show */

static void
list_principal(struct rdt_table *table, const struct rdt_node *principal)
{
    rdt_table_text(table, rdt_node_str(principal, "Principal"));
    rdt_table_text(table, rdt_node_true(principal, "Enabled") ? "enabled" : "disabled");
    rdt_table_text(table, rdt_node_true(principal, "HasPolicy") ? "yes" : "none");
    rdt_table_text(table, rdt_node_str(principal, "Person"));
    rdt_table_time(table, rdt_node_number(principal, "CreationDate", 0));
    rdt_table_text(table, rdt_node_str(principal, "Arn"));
}

static enum rdt_code
all_principals(struct rdt_remote *remote, struct rdt_node **out)
{
    return rdt_remote_list(
        remote, &(struct rdt_remote_listing){"redoubt:PrincipalList", "Principals", "", 1000}, out);
}

int
rdt_cmd_principal_list(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 6};
    static const char *const heads[] = {"PRINCIPAL", "STATE", "POLICY", "PERSON", "CREATED", "ARN"};
    struct rdt_node *list = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = all_principals(&remote, &list);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Principals", list);
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; i < list->n; i++)
        list_principal(&table, list->members[i].node);
    return rdt_remote_table(cli, &table);
}

static const char *
standing(const struct rdt_cli *cli, const struct rdt_node *one)
{
    double expires = rdt_node_number(one, "Expires", 0);
    if (rdt_node_number(one, "Revoked", 0) > 0)
        return "revoked";
    return expires > 0 && expires <= (double)cli->time ? "expired" : "good";
}

static enum rdt_code
show(struct rdt_cli *cli, const struct rdt_node *answer, struct rdt_buf *out)
{
    RDT_TABLE facts = {.columns = 2};
    RDT_TABLE rows = {.columns = 5};
    static const char *const lines[][2] = {
        {"principal", "Principal"},
        {"arn",       "Arn"      },
        {"person",    "Person"   },
    };
    static const char *const lists[] = {"Credentials", "Certificates"};
    static const char *const heads[] = {"CREDENTIAL", "ID", "STATE", "CREATED", "EXPIRES"};
    for (size_t i = 0; i < RDT_COUNT(lines); i++) {
        rdt_table_text(&facts, lines[i][0]);
        rdt_table_text(&facts, rdt_node_str(answer, lines[i][1]));
    }
    rdt_table_text(&facts, "state");
    rdt_table_text(&facts, rdt_node_true(answer, "Enabled") ? "enabled" : "disabled");
    rdt_table_text(&facts, "policy");
    rdt_table_text(&facts, rdt_node_true(answer, "HasPolicy")
                               ? "redoubt principal policy NAME shows it"
                               : "none: nothing is allowed");
    rdt_table_text(&facts, "created");
    rdt_table_time(&facts, rdt_node_number(answer, "CreationDate", 0));
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&rows, heads[i]);
    for (size_t k = 0; k < RDT_COUNT(lists); k++) {
        const struct rdt_node *list = rdt_node_get(answer, lists[k]);
        for (size_t i = 0; list != NULL && i < list->n; i++) {
            const struct rdt_node *one = list->members[i].node;
            rdt_table_text(&rows, k == 0 ? "access key" : "certificate");
            rdt_table_text(&rows, rdt_node_str(one, k == 0 ? "AccessKeyId" : "Fingerprint"));
            rdt_table_text(&rows, standing(cli, one));
            rdt_table_time(&rows, rdt_node_number(one, "CreationDate", 0));
            rdt_table_time(&rows, rdt_node_number(one, "Expires", 0));
        }
    }
    bool ok = rdt_table_put(&facts, out);
    rdt_buf_str(out, "\n");
    ok = rdt_table_put(&rows, out) && ok;
    return ok ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "show a principal");
}

static enum rdt_code
get_principal(struct rdt_remote *remote, const struct rdt_node **out)
{
    RDT_BUF body = {0};
    enum rdt_code rc = rdt_remote_open(remote->cli, remote);
    if (rc != RDT_OK)
        return rc;
    principal_body(&body, remote->cli->words[0]);
    rdt_jout_close(&body, '}');
    return rdt_remote_ask(remote, "redoubt:PrincipalGet", &body, out);
}

int
rdt_cmd_principal_show(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {.cli = cli};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    enum rdt_code rc = get_principal(&remote, &answer);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    if (rc == RDT_OK)
        rc = show(cli, answer, &out);
    if (rc == RDT_OK)
        rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- create, change */

static enum rdt_code
put_policy(struct rdt_cli *cli, const char *file, struct rdt_buf *body)
{
    RDT_BUF policy = {0};
    if (file == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_file_read(file, POLICY_BYTES, &policy, &cli->err);
    if (rc == RDT_OK)
        rdt_jout_text(body, "Policy", rdt_buf_span(&policy));
    return rc;
}

int
rdt_cmd_principal_create(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *name = cli->words[0], *policy = rdt_cli_value(cli, OPT_POLICY, NULL);
    principal_body(&body, name);
    rdt_jout_str(&body, "Person", rdt_cli_value(cli, OPT_PERSON, NULL));
    enum rdt_code rc = put_policy(cli, policy, &body);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (policy == NULL)
        rdt_cli_note(cli, "without a policy it may do nothing: redoubt principal policy %s FILE",
                     name);
    return rdt_remote_act(&remote, "redoubt:PrincipalCreate", &body,
                          "%s: made; now redoubt principal credential %s", name, name);
}

static int
set_enabled(struct rdt_cli *cli, bool enabled)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    principal_body(&body, cli->words[0]);
    rdt_jout_bool(&body, "Enabled", enabled);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:PrincipalUpdate", &body, "%s: %s", cli->words[0],
                          enabled ? "enabled" : "disabled");
}

int
rdt_cmd_principal_enable(struct rdt_cli *cli)
{
    return set_enabled(cli, true);
}

int
rdt_cmd_principal_disable(struct rdt_cli *cli)
{
    return set_enabled(cli, false);
}

static int
show_policy(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {.cli = cli};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    enum rdt_code rc = get_principal(&remote, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    const char *policy = rdt_node_str(answer, "Policy");
    if (policy == NULL)
        return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_NOTFOUND,
                                          "%s has no policy: nothing is allowed", cli->words[0]));
    rdt_buf_fmt(&out, "%s\n", policy);
    rc = rdt_cli_write_copy(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_principal_policy(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    if (cli->n_words == 1)
        return show_policy(cli);
    principal_body(&body, cli->words[0]);
    enum rdt_code rc = put_policy(cli, cli->words[1], &body);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:PrincipalUpdate", &body, "%s: policy changed",
                          cli->words[0]);
}
