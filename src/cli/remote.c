#include "cli/remote.h"

#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"

#include <stdarg.h>
#include <stdlib.h>

#define PAGES_MAX 100000 /* of one list: a server that never ends it is left */

enum rdt_code
rdt_remote_open(struct rdt_cli *cli, struct rdt_remote *out)
{
    return rdt_remote_open_at(cli, &(struct rdt_client_opts){0}, out);
}

enum rdt_code
rdt_remote_open_at(struct rdt_cli *cli, const struct rdt_client_opts *at, struct rdt_remote *out)
{
    RDT_SECRET secret = {0};
    struct rdt_client_opts opts = *at;
    *out = (struct rdt_remote){.cli = cli};
    opts.cert_file = rdt_cli_value(cli, OPT_CERT, NULL);
    opts.key_file = rdt_cli_value(cli, OPT_KEY, NULL);
    enum rdt_code rc = rdt_client_env(&opts, &secret, &cli->err);
    return rc == RDT_OK ? rdt_client_open(&opts, &out->client, &cli->err) : rc;
}

void
rdt_remote_close(struct rdt_remote *remote)
{
    rdt_client_close(remote->client);
    rdt_arena_done(&remote->arena);
}

enum rdt_code
rdt_remote_ask(struct rdt_remote *remote, const char *op, struct rdt_buf *body,
               const struct rdt_node **out)
{
    RDT_BUF answer = {0};
    struct rdt_err *err = &remote->cli->err;
    struct rdt_node *tree = NULL;
    if (!rdt_buf_ok(body))
        return rdt_fail(err, RDT_E_NOMEM, "%s", op);
    enum rdt_code rc = rdt_client_call(remote->client, op, rdt_buf_span(body), NULL, &answer, err);
    body->n = 0;
    if (rc == RDT_OK && out != NULL) {
        rc = rdt_json_parse("the server's answer", rdt_buf_span(&answer), &remote->arena, &tree,
                            err);
        *out = tree;
        if (rc == RDT_E_BADINPUT)
            rc = rdt_fail_in(err, RDT_E_PROTOCOL, "%s", op);
    }
    return rc;
}

/* ---- lists */

static void
page_body(const struct rdt_remote_listing *what, const char *marker, struct rdt_buf *body)
{
    rdt_jout_open(body, NULL, '{');
    rdt_buf_str(body, what->members);
    if (what->limit != 0)
        rdt_jout_int(body, "Limit", what->limit);
    rdt_jout_str(body, "Marker", marker);
    rdt_jout_close(body, '}');
}

static bool
add_items(struct rdt_arena *arena, struct rdt_node *list, const struct rdt_node *items)
{
    for (size_t i = 0; items != NULL && i < items->n; i++)
        if (!rdt_node_add(arena, list, (struct rdt_span){0}, items->members[i].mark,
                          items->members[i].node))
            return false;
    return true;
}

enum rdt_code
rdt_remote_list(struct rdt_remote *remote, const struct rdt_remote_listing *what,
                struct rdt_node **out)
{
    RDT_BUF body = {0};
    const struct rdt_node *page;
    const char *marker = NULL;
    struct rdt_node *list = rdt_node_new(&remote->arena, RDT_NODE_LIST, (struct rdt_mark){0});
    for (size_t i = 0; i < PAGES_MAX; i++) {
        page_body(what, marker, &body);
        enum rdt_code rc = rdt_remote_ask(remote, what->op, &body, &page);
        if (rc != RDT_OK)
            return rc;
        if (list == NULL || !add_items(&remote->arena, list, rdt_node_get(page, what->name)))
            return rdt_fail(&remote->cli->err, RDT_E_NOMEM, "%s", what->op);
        marker = rdt_node_str(page, "NextMarker");
        if (!rdt_node_true(page, "Truncated") || marker == NULL)
            break;
    }
    *out = list;
    return RDT_OK;
}

/* ---- a key by its name */

static bool
is_id(const char *word)
{
    uint8_t uuid[16];
    return rdt_uuid_parse(rdt_span_str(word), uuid) ||
           (strncmp(word, "arn:", 4) == 0 && strstr(word, ":alias/") == NULL);
}

const char *
rdt_remote_key(struct rdt_remote *remote, const char *word, enum rdt_code *rc)
{
    RDT_BUF body = {0};
    const struct rdt_node *answer;
    struct rdt_arena *arena = &remote->arena;
    bool whole = strncmp(word, "alias/", 6) == 0 || strncmp(word, "arn:", 4) == 0;
    *rc = RDT_OK;
    if (is_id(word))
        return word;
    const char *alias = rdt_arena_fmt(arena, "%s%s", whole ? "" : "alias/", word);
    if (alias == NULL) {
        *rc = rdt_fail(&remote->cli->err, RDT_E_NOMEM, "find a key");
        return NULL;
    }
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", alias);
    rdt_jout_close(&body, '}');
    *rc = rdt_remote_ask(remote, "kms:DescribeKey", &body, &answer);
    if (*rc != RDT_OK)
        return NULL;
    const char *id = rdt_node_str(answer, "KeyMetadata.KeyId");
    if (id == NULL)
        *rc = rdt_fail(&remote->cli->err, RDT_E_PROTOCOL, "the server names no key id");
    return id;
}

/* ---- results */

int
rdt_remote_json(struct rdt_cli *cli, const struct rdt_node *tree)
{
    RDT_BUF out = {0};
    rdt_json_node(&out, tree, 2);
    rdt_buf_str(&out, "\n");
    enum rdt_code rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out))
                                        : rdt_fail(&cli->err, RDT_E_NOMEM, "JSON");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_remote_json_list(struct rdt_cli *cli, const char *name, const struct rdt_node *list)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *tree = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
    if (tree == NULL || !rdt_node_add(&arena, tree, rdt_span_str(name), (struct rdt_mark){0},
                                      (struct rdt_node *)list))
        return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_NOMEM, "JSON"));
    return rdt_remote_json(cli, tree);
}

int
rdt_remote_table(struct rdt_cli *cli, const struct rdt_table *table)
{
    RDT_BUF out = {0};
    enum rdt_code rc = rdt_table_put(table, &out) ? rdt_cli_write_words(cli, &out)
                                                  : rdt_fail(&cli->err, RDT_E_NOMEM, "a table");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_remote_act(struct rdt_remote *remote, const char *op, struct rdt_buf *body, const char *fmt,
               ...)
{
    RDT_BUF words = {0};
    struct rdt_cli *cli = remote->cli;
    const struct rdt_node *answer;
    char line[1024];
    va_list args;
    enum rdt_code rc = rdt_remote_ask(remote, op, body, &answer);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        return rdt_remote_json(cli, answer);
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    rdt_buf_fmt(&words, "%s\n", line);
    rc = rdt_cli_write_words(cli, &words);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

bool
rdt_remote_days(struct rdt_cli *cli, enum rdt_option option, int64_t otherwise, int64_t *out)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    char *end;
    *out = otherwise;
    if (text == NULL)
        return true;
    long days = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || days < 1 || days > 99999) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is no number of days",
                 rdt_option_infos[option].name, text);
        return false;
    }
    *out = days;
    return true;
}
