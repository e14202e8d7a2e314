/*
 * `redoubt policy get|put`: the policy of a key. `redoubt principal policy` has a principal's.
 */
#include "base/file.h"
#include "cli/remote.h"
#include "codec/jout.h"

#define POLICY_BYTES ((size_t)64 * 1024)

static enum rdt_code
begin(struct rdt_cli *cli, struct rdt_remote *remote, struct rdt_buf *body, const char **id)
{
    enum rdt_code rc = rdt_remote_open(cli, remote);
    if (rc == RDT_OK)
        *id = rdt_remote_key(remote, cli->words[0], &rc);
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", *id);
    rdt_jout_str(body, "PolicyName", "default");
    return rc;
}

/* The document itself, so that it can be changed and put back; with --json too. */
int
rdt_cmd_policy_get(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF out = {0};
    const char *id = NULL;
    const struct rdt_node *answer = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "kms:GetKeyPolicy", &body, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    const char *policy = rdt_node_str(answer, "Policy");
    rdt_buf_fmt(&out, "%s\n", policy == NULL ? "" : policy);
    rc = rdt_cli_write_copy(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_policy_put(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF policy = {0};
    const char *id = NULL;
    enum rdt_code rc = rdt_file_read(cli->words[1], POLICY_BYTES, &policy, &cli->err);
    if (rc == RDT_OK)
        rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_text(&body, "Policy", rdt_buf_span(&policy));
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "kms:PutKeyPolicy", &body, "%s: policy changed", id);
}
