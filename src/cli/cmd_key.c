/*
 * `redoubt key`: list, look at and change the keys of a server.
 */
#include "cli/remote.h"
#include "codec/jout.h"

#include <stdlib.h>

static void
key_body(struct rdt_buf *body, const char *id)
{
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", id);
}

/* ---- list */

/* Aliases by the key that they lead to, so that each key finds its own. */
static int
by_target(const void *a, const void *b)
{
    const struct rdt_node *x = *(const struct rdt_node *const *)a,
                          *y = *(const struct rdt_node *const *)b;
    const char *one = rdt_node_str(x, "TargetKeyId"), *two = rdt_node_str(y, "TargetKeyId");
    int order = strcmp(one == NULL ? "" : one, two == NULL ? "" : two);
    one = rdt_node_str(x, "AliasName");
    two = rdt_node_str(y, "AliasName");
    return order != 0 ? order : strcmp(one == NULL ? "" : one, two == NULL ? "" : two);
}

struct aliases {
    const struct rdt_node **at;
    size_t n;
};

static void
aliases_done(struct aliases *aliases)
{
    free(aliases->at);
}

static enum rdt_code
read_aliases(struct rdt_remote *remote, struct aliases *out)
{
    struct rdt_node *list;
    enum rdt_code rc = rdt_remote_list(
        remote, &(struct rdt_remote_listing){"kms:ListAliases", "Aliases", "", 100}, &list);
    if (rc != RDT_OK)
        return rc;
    out->at = calloc(list->n + 1, sizeof *out->at);
    if (out->at == NULL)
        return rdt_fail(&remote->cli->err, RDT_E_NOMEM, "list aliases");
    for (size_t i = 0; i < list->n; i++)
        out->at[out->n++] = list->members[i].node;
    qsort(out->at, out->n, sizeof *out->at, by_target);
    return RDT_OK;
}

/* "alias/a, alias/b" of one key; the same text without the prefix, which all have. */
static void
put_aliases(const struct aliases *aliases, const char *id, struct rdt_buf *out)
{
    size_t low = 0, high = aliases->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *target = rdt_node_str(aliases->at[middle], "TargetKeyId");
        if (strcmp(target == NULL ? "" : target, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < aliases->n; i++) {
        const char *target = rdt_node_str(aliases->at[i], "TargetKeyId");
        const char *name = rdt_node_str(aliases->at[i], "AliasName");
        if (target == NULL || name == NULL || strcmp(target, id) != 0)
            break;
        bool prefix = strncmp(name, "alias/", 6) == 0;
        rdt_buf_fmt(out, "%s%s", out->n == 0 ? "" : ", ", prefix ? name + 6 : name);
    }
}

static void
list_key(struct rdt_table *table, const struct rdt_node *key, const struct aliases *aliases)
{
    RDT_BUF names = {0};
    const char *id = rdt_node_str(key, "KeyId");
    double days = rdt_node_number(key, "RotationPeriodInDays", 0);
    put_aliases(aliases, id == NULL ? "" : id, &names);
    rdt_table_text(table, rdt_buf_cstr(&names));
    rdt_table_text(table, id);
    rdt_table_text(table,
                   rdt_node_true(key, "Suspended") ? "Suspended" : rdt_node_str(key, "KeyState"));
    rdt_table_cell(table, "%.0f", rdt_node_number(key, "CurrentVersion", 0));
    if (days > 0)
        rdt_table_cell(table, "%.0f d", days);
    else
        rdt_table_text(table, NULL);
    rdt_table_time(table, rdt_node_number(key, "CreationDate", 0));
    rdt_table_text(table, rdt_node_str(key, "Description"));
}

int
rdt_cmd_key_list(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 7};
    RDT_AUTO(aliases_done) struct aliases aliases = {0};
    static const char *const heads[] = {"ALIAS",    "KEY",     "STATE",      "VERSION",
                                        "ROTATION", "CREATED", "DESCRIPTION"};
    struct rdt_node *keys = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        rc = rdt_remote_list(
            &remote, &(struct rdt_remote_listing){"redoubt:KeyList", "Keys", "", 1000}, &keys);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json_list(cli, "Keys", keys);
    if (rc == RDT_OK)
        rc = read_aliases(&remote, &aliases);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; i < keys->n; i++)
        list_key(&table, keys->members[i].node, &aliases);
    if (keys->n == 0)
        rdt_cli_note(cli, "there is no key yet: redoubt key create --alias NAME");
    return rdt_remote_table(cli, &table);
}

/* ---- show */

static void
line(struct rdt_table *table, const char *label, const char *value)
{
    if (value == NULL)
        return;
    rdt_table_text(table, label);
    rdt_table_text(table, value);
}

static void
line_time(struct rdt_table *table, const char *label, const struct rdt_node *node, const char *path)
{
    double seconds = rdt_node_number(node, path, 0);
    if (seconds < 1)
        return;
    rdt_table_text(table, label);
    rdt_table_time(table, seconds);
}

/* What a caller may not ask for is left out of the page, and the error with it. */
static const struct rdt_node *
ask_about(struct rdt_remote *remote, const char *op, const char *id)
{
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    key_body(&body, id);
    rdt_jout_close(&body, '}');
    if (rdt_remote_ask(remote, op, &body, &answer) == RDT_OK)
        return answer;
    remote->cli->err = (struct rdt_err){0};
    return NULL;
}

static void
show_metadata(struct rdt_table *table, const struct rdt_node *meta)
{
    line(table, "key", rdt_node_str(meta, "KeyId"));
    line(table, "arn", rdt_node_str(meta, "Arn"));
    line(table, "state", rdt_node_str(meta, "KeyState"));
    line(table, "description", rdt_node_str(meta, "Description"));
    line(table, "usage", rdt_node_str(meta, "KeyUsage"));
    line(table, "spec", rdt_node_str(meta, "KeySpec"));
    line(table, "material", rdt_node_str(meta, "CurrentKeyMaterialId"));
    line_time(table, "created", meta, "CreationDate");
    line_time(table, "deletion", meta, "DeletionDate");
}

static void
show_aliases(struct rdt_remote *remote, struct rdt_table *table, const char *id)
{
    const struct rdt_node *list = rdt_node_get(ask_about(remote, "kms:ListAliases", id), "Aliases");
    for (size_t i = 0; list != NULL && i < list->n; i++)
        line(table, "alias", rdt_node_str(list->members[i].node, "AliasName"));
}

static void
show_tags(struct rdt_remote *remote, struct rdt_table *table, const char *id)
{
    const struct rdt_node *list =
        rdt_node_get(ask_about(remote, "kms:ListResourceTags", id), "Tags");
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const char *name = rdt_node_str(list->members[i].node, "TagKey"),
                   *value = rdt_node_str(list->members[i].node, "TagValue");
        rdt_table_text(table, "tag");
        rdt_table_cell(table, "%s=%s", name == NULL ? "" : name, value == NULL ? "" : value);
    }
}

static void
show_rotation(struct rdt_remote *remote, struct rdt_table *table, const char *id)
{
    const struct rdt_node *answer = ask_about(remote, "kms:GetKeyRotationStatus", id);
    if (answer == NULL)
        return;
    rdt_table_text(table, "rotation");
    if (rdt_node_true(answer, "KeyRotationEnabled"))
        rdt_table_cell(table, "every %.0f days",
                       rdt_node_number(answer, "RotationPeriodInDays", 0));
    else
        rdt_table_text(table, "not automatic");
    line_time(table, "next rotation", answer, "NextRotationDate");
}

static void
show_usage(struct rdt_remote *remote, struct rdt_table *table, const char *id)
{
    const struct rdt_node *answer = ask_about(remote, "kms:GetKeyLastUsage", id);
    line_time(table, "last used", answer, "KeyLastUsage.Timestamp");
    line(table, "last operation", rdt_node_str(answer, "KeyLastUsage.Operation"));
}

int
rdt_cmd_key_show(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 2};
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    const char *id = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        id = rdt_remote_key(&remote, cli->words[0], &rc);
    if (rc == RDT_OK) {
        key_body(&body, id);
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(&remote, "kms:DescribeKey", &body, &answer);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    show_metadata(&table, rdt_node_get(answer, "KeyMetadata"));
    show_aliases(&remote, &table, id);
    show_tags(&remote, &table, id);
    show_rotation(&remote, &table, id);
    show_usage(&remote, &table, id);
    return rdt_remote_table(cli, &table);
}

/* ---- versions */

static void
list_version(struct rdt_table *table, const struct rdt_node *version)
{
    rdt_table_cell(table, "%.0f", rdt_node_number(version, "Version", 0));
    rdt_table_text(table, rdt_node_str(version, "State"));
    rdt_table_time(table, rdt_node_number(version, "StateDate", 0));
    rdt_table_time(table, rdt_node_number(version, "CreationDate", 0));
    rdt_table_cell(table, "%.0f", rdt_node_number(version, "Wraps", 0));
    rdt_table_cell(table, "%.0f", rdt_node_number(version, "Unwraps", 0));
    rdt_table_time(table, rdt_node_number(version, "LastUsed", 0));
    rdt_table_text(table, rdt_node_str(version, "KeyMaterialId"));
}

/* Whether people want it gone: what is in its way is news to them. */
static bool
is_leaving(const struct rdt_node *version)
{
    const char *state = rdt_node_str(version, "State");
    return state != NULL && strcmp(state, "current") != 0 && strcmp(state, "retained") != 0;
}

static void
note_blockers(struct rdt_cli *cli, const char *what, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++)
        rdt_cli_note(cli, "%s: not yet: %s", what, rdt_node_text(list->members[i].node));
}

int
rdt_cmd_key_versions(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_TABLE table = {.columns = 8};
    RDT_BUF body = {0};
    static const char *const heads[] = {"VERSION",  "STATE",    "SINCE",     "CREATED",
                                        "ENCRYPTS", "DECRYPTS", "LAST USED", "MATERIAL"};
    const struct rdt_node *answer = NULL;
    const char *id = NULL;
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc == RDT_OK)
        id = rdt_remote_key(&remote, cli->words[0], &rc);
    if (rc == RDT_OK) {
        key_body(&body, id);
        rdt_jout_close(&body, '}');
        rc = rdt_remote_ask(&remote, "redoubt:KeyVersions", &body, &answer);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    const struct rdt_node *list = rdt_node_get(answer, "Versions");
    for (size_t i = 0; i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; list != NULL && i < list->n; i++)
        list_version(&table, list->members[i].node);
    int status = rdt_remote_table(cli, &table);
    note_blockers(cli, "deletion", rdt_node_get(answer, "Deletion.Blockers"));
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        char what[32];
        snprintf(what, sizeof what, "version %.0f",
                 rdt_node_number(list->members[i].node, "Version", 0));
        if (is_leaving(list->members[i].node))
            note_blockers(cli, what, rdt_node_get(list->members[i].node, "Blockers"));
    }
    return status;
}

/* ---- one call about one key */

/* The key that the first operand names, and `{"KeyId":...` in body. */
static enum rdt_code
begin(struct rdt_cli *cli, struct rdt_remote *remote, struct rdt_buf *body, const char **id)
{
    enum rdt_code rc = rdt_remote_open(cli, remote);
    if (rc == RDT_OK)
        *id = rdt_remote_key(remote, cli->words[0], &rc);
    if (rc == RDT_OK)
        key_body(body, *id);
    return rc;
}

static int
plain_act(struct rdt_cli *cli, const char *op, const char *done)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, op, &body, "%s: %s", id, done);
}

int
rdt_cmd_key_enable(struct rdt_cli *cli)
{
    return plain_act(cli, "kms:EnableKey", "enabled");
}

int
rdt_cmd_key_disable(struct rdt_cli *cli)
{
    return plain_act(cli, "kms:DisableKey", "disabled");
}

int
rdt_cmd_key_rotate(struct rdt_cli *cli)
{
    return plain_act(cli, "kms:RotateKeyOnDemand",
                     "rotated; what the older versions protect stays readable");
}

int
rdt_cmd_key_cancel_deletion(struct rdt_cli *cli)
{
    return plain_act(cli, "kms:CancelKeyDeletion",
                     "deletion cancelled; the key is disabled: redoubt key enable KEY");
}

int
rdt_cmd_key_schedule_deletion(struct rdt_cli *cli)
{
    RDT_REMOTE remote = {0};
    RDT_BUF body = {0};
    const char *id = NULL;
    int64_t days;
    if (!rdt_remote_days(cli, OPT_DAYS, 30, &days))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    enum rdt_code rc = begin(cli, &remote, &body, &id);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_int(&body, "PendingWindowInDays", days);
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "kms:ScheduleKeyDeletion", &body,
                          "%s: deletion scheduled in %lld days; until then: redoubt key "
                          "cancel-deletion KEY",
                          id, (long long)days);
}
