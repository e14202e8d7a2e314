#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "plan/plan.h"
#include "plan/schema.h"

#define ORIGIN_COLUMN 64 /* where the origin stands beside a value */

static void write_value(struct rdt_buf *out, const struct rdt_node *node, unsigned depth);

static void
write_origin(struct rdt_buf *out, size_t line_start, struct rdt_mark mark)
{
    size_t column = out->n - line_start;
    int pad = column < ORIGIN_COLUMN ? (int)(ORIGIN_COLUMN - column) : 1;
    rdt_buf_fmt(out, "%*s# %s:%u\n", pad, "", mark.file, mark.line);
}

static void
write_scalar(struct rdt_buf *out, const struct rdt_node *node)
{
    if (node->kind == RDT_NODE_NULL)
        rdt_buf_str(out, "null");
    else if (node->quoted || !rdt_text_fit(node->text))
        rdt_json_text(out, node->text); /* a JSON string is a YAML string */
    else
        rdt_buf_add(out, node->text.p, node->text.n);
}

static bool
is_flat(const struct rdt_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        if (node->members[i].node->kind == RDT_NODE_MAP ||
            node->members[i].node->kind == RDT_NODE_LIST)
            return false;
    }
    return true;
}

static void
write_list(struct rdt_buf *out, const struct rdt_node *node, unsigned depth)
{
    for (size_t i = 0; i < node->n; i++) {
        rdt_buf_fmt(out, "%*s-\n", (int)(depth * 2), "");
        write_value(out, node->members[i].node, depth + 1);
    }
}

static void
write_member(struct rdt_buf *out, const struct rdt_member *member, unsigned depth)
{
    const struct rdt_node *node = member->node;
    size_t start = out->n;
    rdt_buf_fmt(out, "%*s", (int)(depth * 2), "");
    if (rdt_text_fit(member->key))
        rdt_buf_add(out, member->key.p, member->key.n);
    else
        rdt_json_text(out, member->key);
    rdt_buf_str(out, ":");
    if (node->kind == RDT_NODE_LIST && is_flat(node)) {
        rdt_buf_str(out, " [");
        for (size_t i = 0; i < node->n; i++) {
            rdt_buf_str(out, i == 0 ? "" : ", ");
            write_scalar(out, node->members[i].node);
        }
        rdt_buf_str(out, "]");
        write_origin(out, start, node->mark);
    } else if (node->kind == RDT_NODE_MAP || node->kind == RDT_NODE_LIST) {
        rdt_buf_str(out, node->n == 0 ? " {}\n" : "\n");
        write_value(out, node, depth + 1);
    } else {
        rdt_buf_str(out, " ");
        write_scalar(out, node);
        write_origin(out, start, node->mark);
    }
}

static void
write_value(struct rdt_buf *out, const struct rdt_node *node, unsigned depth)
{
    if (node->kind == RDT_NODE_LIST) {
        write_list(out, node, depth);
        return;
    }
    for (size_t i = 0; node->kind == RDT_NODE_MAP && i < node->n; i++)
        write_member(out, &node->members[i], depth);
    if (node->kind == RDT_NODE_SCALAR) {
        rdt_buf_fmt(out, "%*s", (int)(depth * 2), "");
        write_scalar(out, node);
        rdt_buf_str(out, "\n");
    }
}

static void
write_levels(struct rdt_buf *out, const struct rdt_plan *plan)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    rdt_buf_str(out, "\n# Effective levels\n");
    for (size_t i = 0; i < n; i++) {
        if (subjects[i].level == RDT_LEVEL_NONE)
            continue;
        rdt_buf_fmt(out, "#   %-32s %-9s from %s\n", subjects[i].id,
                    rdt_level_name(subjects[i].level), subjects[i].level_from);
    }
}

static int
show_resolved(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    RDT_BUF out = {0};
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    enum rdt_code rc = rdt_plan_load(rdt_cli_plan(cli), &opts, &cli->diags, &plan, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_json_node(&out, rdt_plan_root(plan), 2);
        rdt_buf_str(&out, "\n");
    } else {
        write_value(&out, rdt_plan_root(plan), 0);
        write_levels(&out, plan);
    }
    rc = rdt_cli_write_words(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* As written: the file itself, or its document as JSON; what it means is not judged. */
static int
show_written(struct rdt_cli *cli)
{
    RDT_BUF bytes = {0}, out = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_node *root = NULL;
    const char *path = rdt_cli_plan(cli);
    enum rdt_code rc = rdt_file_read(path, RDT_YAML_MAX, &bytes, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_yaml_parse(path, rdt_buf_span(&bytes), &arena, &cli->diags, &root, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_json_node(&out, root, 2);
        rdt_buf_str(&out, "\n");
    } else {
        rdt_buf_add(&out, bytes.p, bytes.n);
    }
    rc = rdt_cli_write_copy(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_plan_show(struct rdt_cli *cli)
{
    bool resolved = rdt_cli_has(cli, OPT_RESOLVED) || rdt_cli_has(cli, OPT_ENV);
    return resolved ? show_resolved(cli) : show_written(cli);
}

int
rdt_cmd_plan_schema(struct rdt_cli *cli)
{
    RDT_BUF out = {0};
    rdt_plan_schema(&out);
    enum rdt_code rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out)) : RDT_E_NOMEM;
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
