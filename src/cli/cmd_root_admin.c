/*
 * `redoubt root admin`: who holds a server's folder and can open its root makes an administrator:
 * the first one, or one more where all others are lost.
 */
#include "cli/credential.h"
#include "cli/root_input.h"
#include "codec/jout.h"
#include "kms/kms.h"

/* A service that is open in this process. */
struct service {
    struct rdt_cli *cli;
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
};

static void
service_done(struct service *s)
{
    rdt_kms_thread_close(s->thread);
    rdt_kms_close(s->kms);
    rdt_root_lock(s->open);
    rdt_root_free(s->root);
}

static enum rdt_code
service_open(struct service *s)
{
    struct rdt_cli *cli = s->cli;
    const char *dir = rdt_cli_value(cli, OPT_DATA, NULL);
    if (dir == NULL)
        return rdt_fail(&cli->err, RDT_E_USAGE, "--data DIR is missing: the server's folder");
    enum rdt_code rc = rdt_root_load(dir, &s->root, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_root_input_unseal(cli, s->root, &s->open);
    struct rdt_kms_opts opts = {.data = dir, .root = s->root, .open = s->open};
    if (rc == RDT_OK)
        rc = rdt_kms_open(&opts, &s->kms, &cli->err);
    if (rc == RDT_E_STATE && cli->err.hint[0] == '\0')
        rdt_hint(&cli->err, "stop the server; a running one takes: redoubt principal create");
    return rc == RDT_OK ? rdt_kms_thread_open(s->kms, &s->thread, &cli->err) : rc;
}

static enum rdt_code
local(struct service *s, const char *op, struct rdt_buf *body, struct rdt_buf *out)
{
    rdt_jout_close(body, '}');
    const char *text = rdt_buf_cstr(body);
    return text == NULL ? rdt_fail(&s->cli->err, RDT_E_NOMEM, "%s", op)
                        : rdt_kms_local(s->kms, s->thread, op, text, out, &s->cli->err);
}

static void
begin(struct rdt_buf *body, const char *name)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Principal", name);
}

/* One that is there gets the policy back, and may call again. */
static enum rdt_code
make_admin(struct service *s, const char *name)
{
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    begin(&body, name);
    enum rdt_code rc = local(s, "PrincipalGet", &body, &answer);
    bool there = rc == RDT_OK;
    s->cli->err = (struct rdt_err){0};
    body.n = 0;
    begin(&body, name);
    rdt_jout_str(&body, "Person", rdt_cli_value(s->cli, OPT_PERSON, NULL));
    rdt_jout_str(&body, "Policy", rdt_policy_everything);
    if (there)
        rdt_jout_bool(&body, "Enabled", true);
    return local(s, there ? "PrincipalUpdate" : "PrincipalCreate", &body, &answer);
}

int
rdt_cmd_root_admin(struct rdt_cli *cli)
{
    RDT_AUTO(service_done) struct service s = {.cli = cli};
    RDT_BUF body = {0};
    RDT_WIPED_BUF answer = {0};
    enum rdt_code rc = service_open(&s);
    if (rc == RDT_OK)
        rc = make_admin(&s, cli->words[0]);
    if (rc == RDT_OK) {
        begin(&body, cli->words[0]);
        rc = local(&s, "CredentialCreate", &body, &answer);
    }
    return rc == RDT_OK ? rdt_credential_write(cli, &answer) : rdt_cli_fail(cli, rc);
}
