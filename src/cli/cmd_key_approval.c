/*
 * `redoubt key suspend|unsuspend|gate|break-glass`: where approvers and keys meet.
 */
#include "base/file.h"
#include "cli/approver_key.h"
#include "cli/credential.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/jtok.h"
#include "kms/approval.h"

#include <stdio.h>
#include <time.h>

#define CIPHERTEXT_BYTES ((size_t)6144)

/* ---- suspend */

static enum rdt_code
deployment(struct rdt_remote *remote, uint8_t out[static 16])
{
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    rdt_buf_str(&body, "{}");
    enum rdt_code rc = rdt_remote_ask(remote, "redoubt:ApprovalStatus", &body, &answer);
    const char *uuid = rc == RDT_OK ? rdt_node_str(answer, "Deployment") : NULL;
    if (rc == RDT_OK && (uuid == NULL || !rdt_uuid_parse(rdt_span_str(uuid), out)))
        rc = rdt_fail(&remote->cli->err, RDT_E_PROTOCOL, "the server names no deployment");
    return rc;
}

static enum rdt_code
key_uuid(struct rdt_cli *cli, const char *id, uint8_t out[static 16])
{
    size_t n = strlen(id), uuid = RDT_UUID_TEXT - 1;
    const char *end = n < uuid ? id : id + (n - uuid);
    if (rdt_uuid_parse(rdt_span_str(end), out))
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: no key's id", id);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum rdt_code
suspend_body(struct rdt_remote *remote, const char *id, struct rdt_buf *body)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_BUF shown = {0};
    RDT_BUF bytes = {0};
    struct rdt_cli *cli = remote->cli;
    uint8_t at[16], key[16], signature[RDT_SIGNATURE_LEN];
    enum rdt_code rc = deployment(remote, at);
    if (rc == RDT_OK)
        rc = key_uuid(cli, id, key);
    rdt_buf_fmt(&shown, "suspend key %s: nobody can use it until the quorum lifts that\n", id);
    if (rc == RDT_OK)
        rc = rdt_approver_key_agreed(cli, &shown, "suspend it?");
    if (rc == RDT_OK)
        rc = rdt_approver_key_load(cli, &signer);
    if (rc != RDT_OK)
        return rc;
    int64_t time_ms = now_ms();
    rdt_suspend_put(at, key, time_ms, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "sign");
    rc = rdt_signer_sign(signer, rdt_buf_span(&bytes), signature, &cli->err);
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", id);
    rdt_jout_hex(body, "Approver", rdt_signer_public(signer));
    rdt_jout_int(body, "Time", time_ms);
    rdt_jout_blob(body, "Signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(body, '}');
    return rc;
}

int
rdt_cmd_key_suspend(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        id = rdt_remote_key(&remote, cli->words[0], &rc);
    if (rc == RDT_OK)
        rc = suspend_body(&remote, id, &body);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:KeySuspend", &body,
                          "%s: suspended; the quorum lifts it: redoubt key unsuspend KEY", id);
}

/* ---- unsuspend, gate */

static enum rdt_code
begin(struct rdt_cli *cli, struct rdt_remote *remote, struct rdt_buf *body, const char **id)
{
    enum rdt_code rc = rdt_remote_open(cli, remote);
    if (rc == RDT_OK)
        *id = rdt_remote_key(remote, cli->words[0], &rc);
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", *id);
    rdt_jout_str(body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    return rc;
}

int
rdt_cmd_key_unsuspend(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    rdt_jout_close(&body, '}');
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:KeyUnsuspend", &body, "%s: no longer suspended", id);
}

int
rdt_cmd_key_gate(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL, *word = cli->words[1];
    bool on = strcmp(word, "on") == 0;
    if (!on && strcmp(word, "off") != 0)
        return rdt_cli_fail(cli,
                            rdt_fail(&cli->err, RDT_E_USAGE, "'%s' is neither on nor off", word));
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    rdt_jout_bool(&body, "Gate", on);
    rdt_jout_close(&body, '}');
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    return rdt_remote_act(&remote, "redoubt:KeyGate", &body, "%s: gate %s", id, word);
}

/* ---- break-glass */

static enum rdt_code
put_context(struct rdt_cli *cli, struct rdt_buf *body)
{
    if (!rdt_cli_has(cli, OPT_CONTEXT))
        return RDT_OK;
    rdt_jout_open(body, "EncryptionContext", '{');
    for (size_t i = 0; i < cli->n_values[OPT_CONTEXT]; i++) {
        const char *pair = cli->values[OPT_CONTEXT][i], *equals = strchr(pair, '=');
        if (equals == NULL || equals == pair)
            return rdt_fail(&cli->err, RDT_E_USAGE, "--context: '%s' is not NAME=VALUE", pair);
        struct rdt_span name = {(const uint8_t *)pair, (size_t)(equals - pair)};
        /* as an item, which is escaped, and then its value behind a colon */
        rdt_jout_text(body, NULL, name);
        rdt_buf_str(body, ":");
        rdt_jout_text(body, NULL, rdt_span_str(equals + 1));
    }
    rdt_jout_close(body, '}');
    return RDT_OK;
}

static enum rdt_code
write_plain(struct rdt_cli *cli, struct rdt_buf *answer)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_WIPED_BUF plain = {0};
    size_t n = 0;
    const char *path = rdt_cli_value(cli, OPT_OUT, NULL);
    struct rdt_jdoc *doc = rdt_arena_new(&arena, sizeof *doc);
    if (doc == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "read a plaintext");
    if (!rdt_jscan(answer->p, answer->n, doc))
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer is no JSON");
    struct rdt_span text = rdt_jspan(doc, rdt_jget(doc, 0, "Plaintext"));
    rdt_buf_add(&plain, text.p, text.n);
    if (!rdt_buf_ok(&plain) || !rdt_base64_get(text, plain.p, &n))
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer has no plaintext");
    plain.n = n;
    if (path != NULL && strcmp(path, "-") != 0)
        return rdt_file_write(path, 0600, rdt_buf_span(&plain), &cli->err);
    return rdt_cli_write(cli, rdt_buf_span(&plain));
}

static enum rdt_code
break_glass(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF blob = {0};
    RDT_BUF body = {0};
    RDT_WIPED_BUF answer = {0};
    enum rdt_code rc = rdt_file_read(cli->words[0], CIPHERTEXT_BYTES, &blob, &cli->err);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_blob(&body, "CiphertextBlob", rdt_buf_span(&blob));
    rdt_jout_str(&body, "Reason", rdt_cli_value(cli, OPT_REASON, NULL));
    if (rc == RDT_OK)
        rc = put_context(cli, &body);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK && !rdt_buf_ok(&body))
        rc = rdt_fail(&cli->err, RDT_E_NOMEM, "break-glass");
    if (rc == RDT_OK)
        rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_client_call(remote.client, "redoubt:BreakGlassDecrypt", rdt_buf_span(&body), NULL,
                             &answer, &cli->err);
    return rc == RDT_OK ? write_plain(cli, &answer) : rc;
}

int
rdt_cmd_key_break_glass(struct rdt_cli *cli)
{
    enum rdt_code rc = break_glass(cli);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, "this was done once, and waits for an approver's review");
    return 0;
}
