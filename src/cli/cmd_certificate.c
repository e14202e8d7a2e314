/*
 * `redoubt key certificate|verify-certificate`: the certificate of a destruction, from a server,
 * and checked without one.
 */
#include "base/file.h"
#include "cli/audit_folder.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "kms/certificate.h"

#include <errno.h>
#include <stdlib.h>

/* ---- from the server */

static enum rdt_code
certificate_body(struct rdt_cli *cli, const char *id, struct rdt_buf *body)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", id);
    if (cli->n_words == 2) {
        char *end;
        errno = 0;
        unsigned long long number = strtoull(cli->words[1], &end, 10);
        if (errno != 0 || *end != '\0' || number == 0 || number > UINT32_MAX)
            return rdt_fail(&cli->err, RDT_E_USAGE, "'%s' is no number of a version",
                            cli->words[1]);
        rdt_jout_int(body, "Version", (int64_t)number);
    }
    rdt_jout_close(body, '}');
    return RDT_OK;
}

/* Its bytes as they are: they are what was signed. */
static enum rdt_code
write_certificate(struct rdt_cli *cli, const struct rdt_node *answer)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    const char *text = rdt_node_str(answer, "Certificate");
    size_t n = text == NULL ? 0 : strlen(text);
    uint8_t *bytes = rdt_arena_new(&arena, n + 1);
    if (bytes == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "read a certificate");
    if (n == 0 || !rdt_base64_get(rdt_span_str(text), bytes, &n))
        return rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server's answer has no certificate");
    bytes[n] = '\n';
    return rdt_cli_write(cli, (struct rdt_span){bytes, n + 1});
}

int
rdt_cmd_key_certificate(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    const char *id = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (strstr(cli->words[0], ":key/") != NULL)
        id = cli->words[0]; /* of a key that is no more: nobody could look it up */
    else if (rc == RDT_OK)
        id = rdt_remote_key(&remote, cli->words[0], &rc);
    if (rc == RDT_OK)
        rc = certificate_body(cli, id, &body);
    if (rc == RDT_OK)
        rc = rdt_remote_ask(&remote, "redoubt:KeyCertificate", &body, &answer);
    if (rc == RDT_OK)
        rc = write_certificate(cli, answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    const char *waiting = rdt_node_str(answer, "Waiting");
    if (waiting != NULL)
        rdt_cli_note(cli, "erased, not destroyed yet: %s", waiting);
    return 0;
}

/* ---- offline */

/* Each signature of an approver, over what the certificate says that they signed. */
static bool
approvals_hold(const struct rdt_node *says, struct rdt_arena *arena, struct rdt_buf *names)
{
    const struct rdt_node *list = rdt_node_get(says, "approval.approvers");
    const char *text = rdt_node_str(says, "approval.signed");
    size_t n = text == NULL ? 0 : strlen(text);
    uint8_t *bytes = rdt_arena_new(arena, n + 1);
    if (list == NULL)
        return true; /* approved when the deletion was scheduled, and the request is gone */
    if (bytes == NULL || n == 0 || !rdt_base64_get(rdt_span_str(text), bytes, &n))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        const struct rdt_node *one = list->members[i].node;
        const char *key = rdt_node_str(one, "key"), *signature = rdt_node_str(one, "signature"),
                   *name = rdt_node_str(one, "approver");
        uint8_t public_key[RDT_PUBLIC_MAX], raw[RDT_SIGNATURE_LEN];
        size_t key_n = key == NULL ? 0 : strlen(key) / 2;
        if (key_n == 0 || key_n > sizeof public_key || signature == NULL ||
            !rdt_hex_get(rdt_span_str(key), public_key, key_n) ||
            !rdt_hex_get(rdt_span_str(signature), raw, sizeof raw) ||
            rdt_signature_check((struct rdt_span){public_key, key_n}, (struct rdt_span){bytes, n},
                                (struct rdt_span){raw, sizeof raw}, NULL) != RDT_OK)
            return false;
        rdt_buf_fmt(names, "%s%s", i == 0 ? "" : ", ", name == NULL ? "?" : name);
    }
    return rdt_buf_ok(names);
}

static void
line(struct rdt_buf *out, const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0')
        rdt_buf_fmt(out, "%-20s %s\n", label, value);
}

static void
describe(const struct rdt_node *says, const char *approvers, bool given, struct rdt_buf *out)
{
    const char *state = rdt_node_str(says, "state");
    const struct rdt_node *versions = rdt_node_get(says, "versions");
    bool whole =
        strcmp(rdt_node_str(says, "of") == NULL ? "" : rdt_node_str(says, "of"), "key") == 0;
    rdt_buf_fmt(out, "proven: %s\n", state == NULL ? "?" : state);
    line(out, "signed by",
         given ? "the key that was given"
               : "its own key, which a forger could have made too (--key)");
    line(out, "key", rdt_node_str(says, "key"));
    for (size_t i = 0; versions != NULL && i < versions->n; i++)
        rdt_buf_fmt(out, "%-20s %.0f%s\n", "version",
                    rdt_node_number(versions->members[i].node, "version", 0),
                    whole ? ", with its key" : "");
    line(out, "live copy erased", rdt_node_str(says, "liveCopyErased"));
    line(out, "last backup expires", rdt_node_str(says, "lastBackupExpires"));
    line(out, "destroyed", rdt_node_str(says, "destroyed"));
    line(out, "approved by", approvers);
    line(out, "census root", rdt_node_str(says, "census.root"));
    line(out, "no stores, said by", rdt_node_str(says, "census.statementNoStores"));
    line(out, "audit record", rdt_node_str(says, "auditLog.outcome"));
}

static int
not_proven(struct rdt_cli *cli, const char *why)
{
    RDT_BUF out = {0};
    rdt_buf_fmt(&out, "NOT PROVEN: %s\n", why);
    enum rdt_code rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 1 : rdt_cli_fail(cli, rc);
}

static int
show(struct rdt_cli *cli, struct rdt_span says, bool given)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF names = {0};
    RDT_BUF out = {0};
    struct rdt_node *tree = NULL;
    enum rdt_code rc = rdt_json_parse(cli->words[0], says, &arena, &tree, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (!approvals_hold(tree, &arena, &names))
        return not_proven(cli, "an approver's signature in it does not hold");
    const char *approvers = rdt_buf_cstr(&names);
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_buf_str(&out, "{\"redoubt\":1,\"verdict\":\"proven\"");
        rdt_jout_bool(&out, "key_given", given);
        rdt_buf_str(&out, ",\"says\":");
        rdt_buf_add(&out, says.p, says.n);
        rdt_buf_str(&out, "}\n");
        rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out)) : RDT_E_NOMEM;
    } else {
        describe(tree, approvers, given, &out);
        rc = rdt_cli_write_words(cli, &out);
    }
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_key_verify_certificate(struct rdt_cli *cli)
{
    RDT_BUF bytes = {0};
    RDT_BUF says = {0};
    uint8_t key[RDT_ED25519_PUBLIC_LEN];
    bool given = false;
    struct rdt_err why = {0};
    enum rdt_code rc = rdt_file_read(cli->words[0], RDT_CERTIFICATE_MAX * 2, &bytes, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_audit_key_file(cli, &given, key);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rc = rdt_certificate_check(rdt_buf_span(&bytes), (struct rdt_span){key, given ? sizeof key : 0},
                               &says, &why);
    if (rc == RDT_E_TAMPERED)
        return not_proven(cli, why.text);
    if (rc != RDT_OK) {
        cli->err = why;
        return rdt_cli_fail(cli, rdt_fail_in(&cli->err, rc, "%s", cli->words[0]));
    }
    return show(cli, rdt_buf_span(&says), given);
}
