/*
 * `redoubt root admin`: who holds a server's folder and can open its root makes an administrator:
 * the first one, or one more where all others are lost.
 */
#include "cli/credential.h"
#include "cli/service.h"
#include "codec/jout.h"

static void
begin(struct rdt_buf *body, const char *name)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Principal", name);
}

/* One that is there gets the policy back, and may call again. */
static enum rdt_code
make_admin(struct rdt_service *s, const char *name)
{
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    begin(&body, name);
    enum rdt_code rc = rdt_service_local(s, "PrincipalGet", &body, &answer);
    bool there = rc == RDT_OK;
    s->cli->err = (struct rdt_err){0};
    body.n = 0;
    begin(&body, name);
    rdt_jout_str(&body, "Person", rdt_cli_value(s->cli, OPT_PERSON, NULL));
    rdt_jout_str(&body, "Policy", rdt_policy_everything);
    if (there)
        rdt_jout_bool(&body, "Enabled", true);
    return rdt_service_local(s, there ? "PrincipalUpdate" : "PrincipalCreate", &body, &answer);
}

int
rdt_cmd_root_admin(struct rdt_cli *cli)
{
    RDT_SERVICE s = {.cli = cli};
    RDT_BUF body = {0};
    RDT_WIPED_BUF answer = {0};
    enum rdt_code rc = rdt_service_open(&s, "a running one takes: redoubt principal create");
    if (rc == RDT_OK)
        rc = make_admin(&s, cli->words[0]);
    if (rc == RDT_OK) {
        begin(&body, cli->words[0]);
        rc = rdt_service_local(&s, "CredentialCreate", &body, &answer);
    }
    return rc == RDT_OK ? rdt_credential_write(cli, &answer) : rdt_cli_fail(cli, rc);
}
