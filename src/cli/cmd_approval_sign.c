/*
 * `redoubt approval sign|deny|review`: what a person says about a request. The bytes come from a
 * server; what is shown is made from them, and they are what is signed.
 */
#include "cli/approval_text.h"
#include "cli/approver_key.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"

#include <stdlib.h>

#define BYTES_MAX (RDT_APPROVAL_PARAMETERS_MAX + 1024) /* of what is signed */

static const struct verb {
    enum rdt_approval_verb verb;
    const char *op, *question, *done;
} verbs[] = {
    {RDT_APPROVAL_APPROVE, "redoubt:ApprovalSign",   "approve this?",              "signed"  },
    {RDT_APPROVAL_DENY,    "redoubt:ApprovalDeny",   "deny this?",                 "denied"  },
    {RDT_APPROVAL_REVIEW,  "redoubt:ApprovalReview", "was this looked at by you?", "reviewed"},
};

static enum rdt_code
fetch(struct rdt_remote *remote, const char *id, struct rdt_buf *raw)
{
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    size_t n = 0;
    struct rdt_err *err = &remote->cli->err;
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Request", id);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_ask(remote, "redoubt:ApprovalShow", &body, &answer);
    if (rc != RDT_OK)
        return rc;
    const char *text = rdt_node_str(answer, "ToSign");
    if (text == NULL || strlen(text) > rdt_base64_len(BYTES_MAX))
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's answer has nothing to sign");
    rdt_buf_str(raw, text);
    if (!rdt_buf_ok(raw))
        return rdt_fail(err, RDT_E_NOMEM, "read what is to be signed");
    if (!rdt_base64_get(rdt_buf_span(raw), raw->p, &n))
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's bytes to sign are not base64");
    raw->n = n;
    return RDT_OK;
}

/* The bytes that this verb signs: those of the server with their label changed, of this request. */
static enum rdt_code
read_bytes(struct rdt_cli *cli, const struct verb *verb, struct rdt_span raw,
           struct rdt_approval_bytes *out)
{
    char uuid[RDT_UUID_TEXT];
    enum rdt_code rc = rdt_approval_read(raw, out, &cli->err);
    if (rc != RDT_OK)
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's bytes to sign are none");
    rdt_uuid_text(out->request, uuid);
    if (strcmp(uuid, cli->words[0]) != 0)
        return rdt_fail(&cli->err, RDT_E_PROTOCOL,
                        "the server gave the bytes of another request; nothing was signed");
    if (verb->verb == RDT_APPROVAL_APPROVE && rdt_approval_words(out->operation) == NULL)
        return rdt_fail(&cli->err, RDT_E_STATE,
                        "this program does not know operation %.*s, so it cannot show what would "
                        "be signed",
                        RDT_FMT(out->operation));
    out->verb = verb->verb;
    return RDT_OK;
}

static enum rdt_code
sign(struct rdt_cli *cli, const struct verb *verb, struct rdt_span raw, struct rdt_buf *body)
{
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = NULL;
    RDT_BUF shown = {0};
    RDT_BUF bytes = {0};
    struct rdt_approval_bytes approval;
    uint8_t signature[RDT_SIGNATURE_LEN];
    enum rdt_code rc = read_bytes(cli, verb, raw, &approval);
    if (rc != RDT_OK)
        return rc;
    rdt_approval_put(&approval, &bytes);
    rdt_approval_render(&approval, &shown);
    if (!rdt_buf_ok(&bytes))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "sign");
    rc = rdt_approver_key_agreed(cli, &shown, verb->question);
    if (rc == RDT_OK)
        rc = rdt_approver_key_load(cli, &signer);
    if (rc == RDT_OK)
        rc = rdt_signer_sign(signer, rdt_buf_span(&bytes), signature, &cli->err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_hex(body, "Approver", rdt_signer_public(signer));
    rdt_jout_blob(body, "Signature", (struct rdt_span){signature, sizeof signature});
    return RDT_OK;
}

/* What stands where, after a signature. */
static int
say(struct rdt_remote *remote, const struct verb *verb, const struct rdt_node *answer)
{
    RDT_BUF out = {0};
    struct rdt_cli *cli = remote->cli;
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    rdt_buf_fmt(&out, "%s: %s", cli->words[0], verb->done);
    if (verb->verb == RDT_APPROVAL_APPROVE)
        rdt_buf_fmt(&out, ", %.0f of %.0f signatures%s", rdt_node_number(answer, "Signatures", 0),
                    rdt_node_number(answer, "Quorum", 0),
                    rdt_node_true(answer, "Ready") ? ": approved" : "");
    rdt_buf_str(&out, "\n");
    enum rdt_code rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

static int
act(struct rdt_cli *cli, const struct verb *verb)
{
    RDT_REMOTE remote = {0};
    RDT_BUF raw = {0};
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    bool own = verb->verb == RDT_APPROVAL_DENY && !rdt_cli_has(cli, OPT_WITH);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Request", cli->words[0]);
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK && !own)
        rc = fetch(&remote, cli->words[0], &raw);
    if (rc == RDT_OK && !own)
        rc = sign(cli, verb, rdt_buf_span(&raw), &body);
    rdt_jout_close(&body, '}');
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, verb->op, &body, &answer);
    return rc == RDT_OK ? say(&remote, verb, answer) : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_approval_sign(struct rdt_cli *cli)
{
    return act(cli, &verbs[0]);
}

int
rdt_cmd_approval_deny(struct rdt_cli *cli)
{
    return act(cli, &verbs[1]);
}

int
rdt_cmd_approval_review(struct rdt_cli *cli)
{
    return act(cli, &verbs[2]);
}
