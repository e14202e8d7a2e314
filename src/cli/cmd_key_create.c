/*
 * `redoubt key create`: a key with its alias, rotation and tags. Each of these is a call of its
 * own; what can be known to fail is looked at before the first.
 */
#include "base/file.h"
#include "cli/remote.h"
#include "codec/jout.h"

#define POLICY_BYTES ((size_t)64 * 1024)

/* The alias that --alias names, with its prefix; NULL: none is wanted. */
static enum rdt_code
alias_name(struct rdt_remote *remote, const char **out)
{
    const char *word = rdt_cli_value(remote->cli, OPT_ALIAS, NULL);
    *out = word;
    if (word != NULL && strncmp(word, "alias/", 6) != 0)
        *out = rdt_arena_fmt(&remote->arena, "alias/%s", word);
    return word != NULL && *out == NULL ? rdt_fail(&remote->cli->err, RDT_E_NOMEM, "create a key")
                                        : RDT_OK;
}

/* A key whose alias then is refused would be one that nobody finds. */
static enum rdt_code
alias_is_free(struct rdt_remote *remote, const char *alias)
{
    RDT_BUF body = {0};
    struct rdt_err *err = &remote->cli->err;
    if (alias == NULL)
        return RDT_OK;
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", alias);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_ask(remote, "kms:DescribeKey", &body, NULL);
    if (rc == RDT_OK) {
        rdt_fail(err, RDT_E_STATE, "there is a key with this alias: %s", alias);
        rdt_hint(err, "redoubt key show %s", alias);
        return RDT_E_STATE;
    }
    if (rc != RDT_E_NOTFOUND)
        return rc;
    *err = (struct rdt_err){0};
    return RDT_OK;
}

static enum rdt_code
put_tags(struct rdt_cli *cli, struct rdt_buf *body)
{
    if (cli->n_values[OPT_TAG] == 0)
        return RDT_OK;
    rdt_jout_open(body, "Tags", '[');
    for (size_t i = 0; i < cli->n_values[OPT_TAG]; i++) {
        const char *text = cli->values[OPT_TAG][i], *equals = strchr(text, '=');
        if (equals == NULL || equals == text)
            return rdt_fail(&cli->err, RDT_E_USAGE, "--tag: '%s' is not NAME=VALUE", text);
        rdt_jout_open(body, NULL, '{');
        rdt_jout_text(body, "TagKey",
                      (struct rdt_span){(const uint8_t *)text, (size_t)(equals - text)});
        rdt_jout_str(body, "TagValue", equals + 1);
        rdt_jout_close(body, '}');
    }
    rdt_jout_close(body, ']');
    return RDT_OK;
}

static enum rdt_code
put_policy(struct rdt_cli *cli, struct rdt_buf *body)
{
    RDT_BUF policy = {0};
    const char *file = rdt_cli_value(cli, OPT_POLICY, NULL);
    if (file == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_file_read(file, POLICY_BYTES, &policy, &cli->err);
    if (rc == RDT_OK)
        rdt_jout_text(body, "Policy", rdt_buf_span(&policy));
    return rc;
}

static enum rdt_code
create(struct rdt_remote *remote, const struct rdt_node **out)
{
    RDT_BUF body = {0};
    struct rdt_cli *cli = remote->cli;
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "Description", rdt_cli_value(cli, OPT_DESCRIPTION, NULL));
    enum rdt_code rc = put_tags(cli, &body);
    if (rc == RDT_OK)
        rc = put_policy(cli, &body);
    rdt_jout_close(&body, '}');
    return rc == RDT_OK ? rdt_remote_ask(remote, "kms:CreateKey", &body, out) : rc;
}

/* Alias and rotation of the new key. */
static enum rdt_code
complete(struct rdt_remote *remote, const char *id, const char *alias, int64_t days)
{
    RDT_BUF body = {0};
    enum rdt_code rc = RDT_OK;
    if (alias != NULL) {
        rdt_jout_open(&body, NULL, '{');
        rdt_jout_str(&body, "AliasName", alias);
        rdt_jout_str(&body, "TargetKeyId", id);
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(remote, "kms:CreateAlias", &body, NULL);
    }
    if (rc == RDT_OK && days != 0) {
        rdt_jout_open(&body, NULL, '{');
        rdt_jout_str(&body, "KeyId", id);
        rdt_jout_int(&body, "RotationPeriodInDays", days);
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(remote, "kms:EnableKeyRotation", &body, NULL);
    }
    return rc == RDT_OK
               ? rc
               : rdt_fail_in(&remote->cli->err, rc, "key %s was made, but not complete", id);
}

int
rdt_cmd_key_create(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF out = {0};
    const struct rdt_node *answer = NULL;
    const char *alias = NULL, *id = NULL;
    int64_t days;
    if (!rdt_remote_days(cli, OPT_ROTATION, 0, &days))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = alias_name(&remote, &alias);
    if (rc == RDT_OK)
        rc = alias_is_free(&remote, alias);
    if (rc == RDT_OK)
        rc = create(&remote, &answer);
    if (rc == RDT_OK && (id = rdt_node_str(answer, "KeyMetadata.KeyId")) == NULL)
        rc = rdt_fail(&cli->err, RDT_E_PROTOCOL, "the server names no key id");
    if (rc == RDT_OK)
        rc = complete(&remote, id, alias, days);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    rdt_buf_fmt(&out, "%s\n", id); /* the id alone, for scripts */
    rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
