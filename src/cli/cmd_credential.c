/*
 * `redoubt principal credential|revoke|bind-cert`: how a principal shows who it is. A secret access
 * key is printed once, here, and kept nowhere.
 */
#include "base/file.h"
#include "cli/credential.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/jtok.h"
#include "crypto/issue.h"

#include <stdlib.h>

#define PEM_BYTES ((size_t)256 * 1024)
#define FINGERPRINT_DIGITS ((size_t)2 * RDT_SHA256_LEN)

void
rdt_wipe_buf(struct rdt_buf *buf)
{
    if (buf->p != NULL)
        explicit_bzero(buf->p, buf->cap);
    rdt_buf_done(buf);
}

/* To a file that only its owner reads, or to standard output. */
static enum rdt_code
write_secret(struct rdt_cli *cli, const struct rdt_buf *out)
{
    const char *path = rdt_cli_value(cli, OPT_OUT, NULL);
    if (!rdt_buf_ok(out))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "write a credential");
    if (path != NULL && strcmp(path, "-") != 0)
        return rdt_file_write(path, 0600, rdt_buf_span(out), &cli->err);
    return rdt_cli_write(cli, rdt_buf_span(out));
}

/* As shells, AWS's tools and unit files read it. */
static enum rdt_code
env_lines(struct rdt_cli *cli, struct rdt_buf *answer, struct rdt_buf *out)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_jdoc *doc = rdt_arena_new(&arena, sizeof *doc);
    if (doc == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "read a credential");
    if (!rdt_jscan(answer->p, answer->n, doc))
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer is no JSON");
    struct rdt_span id = rdt_jspan(doc, rdt_jget(doc, 0, "AccessKeyId")),
                    secret = rdt_jspan(doc, rdt_jget(doc, 0, "SecretAccessKey"));
    if (id.n == 0 || secret.n == 0)
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer has no credential");
    rdt_buf_fmt(out, "AWS_ACCESS_KEY_ID=%.*s\nAWS_SECRET_ACCESS_KEY=%.*s\n", RDT_FMT(id),
                RDT_FMT(secret));
    return RDT_OK;
}

int
rdt_credential_write(struct rdt_cli *cli, struct rdt_buf *answer)
{
    RDT_WIPED_BUF out = {0};
    enum rdt_code rc = RDT_OK;
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_buf_add(&out, answer->p, answer->n);
        rdt_buf_str(&out, "\n");
    } else {
        rc = env_lines(cli, answer, &out);
    }
    if (rc == RDT_OK)
        rc = write_secret(cli, &out);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, "the secret is shown this once; the server keeps it wrapped");
    return 0;
}

int
rdt_cmd_principal_credential(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_WIPED_BUF answer = {0};
    int64_t days;
    if (!rdt_remote_days(cli, OPT_DAYS, 0, &days))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Principal", cli->words[0]);
    if (days != 0)
        rdt_jout_int(&body, "LifetimeDays", days);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_client_call(remote.client, "redoubt:CredentialCreate", rdt_buf_span(&body), NULL,
                             &answer, &cli->err);
    return rc == RDT_OK ? rdt_credential_write(cli, &answer) : rdt_cli_fail(cli, rc);
}

/* A fingerprint has 64 hexadecimal digits; anything else is an access key id. */
int
rdt_cmd_principal_revoke(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    uint8_t fingerprint[RDT_SHA256_LEN];
    const char *word = cli->words[0];
    bool cert = rdt_hex_get(rdt_span_str(word), fingerprint, sizeof fingerprint);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, cert ? "Fingerprint" : "AccessKeyId", word);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, cert ? "redoubt:CertificateRevoke" : "redoubt:CredentialRevoke",
                          &body, "%s: revoked; it is refused from now on", word);
}

int
rdt_cmd_principal_bind_cert(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    RDT_BUF pem = {0};
    uint8_t hash[RDT_SHA256_LEN];
    char digits[FINGERPRINT_DIGITS + 1] = "";
    enum rdt_code rc = rdt_file_read(cli->words[1], PEM_BYTES, &pem, &cli->err);
    if (rc == RDT_OK) {
        rc = rdt_cert_fingerprint(rdt_buf_span(&pem), hash, &cli->err);
        if (rc != RDT_OK)
            rc = rdt_fail_in(&cli->err, rc, "%s", cli->words[1]);
    }
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Principal", cli->words[0]);
    rdt_jout_str(&body, "Fingerprint", digits);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:CertificateBind", &body,
                          "%s: certificate %s is bound to it", cli->words[0], digits);
}
