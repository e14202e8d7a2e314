#include "plan/plan_internal.h"

#include <stdio.h>

#define CANDIDATES_MAX 512 /* ids looked at for a did-you-mean */

struct check {
    struct rdt_loading *loading;
    struct rdt_path path;
    const struct rdt_node *ids;
};

static void
complain(const struct check *check, struct rdt_mark mark, const char *text)
{
    const char *path = check->path.n == 0 ? "the document" : check->path.text;
    rdt_diag_add(check->loading->diags, mark, "%s: %s", path, text);
}

static void complete_value(struct check *check, const struct rdt_field *field,
                           const struct rdt_node *node);

bool
rdt_loading_spend(struct rdt_loading *loading, struct rdt_mark mark, size_t n)
{
    if (loading->n_values > RDT_VALUES_MAX)
        return false;
    loading->n_values += n;
    if (loading->n_values <= RDT_VALUES_MAX)
        return true;
    rdt_diag_add(loading->diags, mark,
                 "the plan is more than %zu values once `like` and environments are written out",
                 RDT_VALUES_MAX);
    return false;
}

static void
dangling(const struct check *check, const struct rdt_field *field, const struct rdt_node *node)
{
    const char *names[CANDIDATES_MAX];
    char where[96] = "";
    size_t n = 0;
    for (unsigned s = 0; s < RDT_NSECTIONS; s++) {
        if ((field->sections & 1u << s) == 0)
            continue;
        const struct rdt_node *section = rdt_node_get(check->ids, rdt_section_name(s));
        bool map = section != NULL && section->kind == RDT_NODE_MAP;
        for (size_t i = 0; map && i < section->n && n < CANDIDATES_MAX; i++)
            names[n++] = (const char *)section->members[i].key.p;
        snprintf(where + strlen(where), sizeof where - strlen(where), "%s%s",
                 where[0] == '\0' ? "" : " or ", rdt_section_name(s));
    }
    for (size_t i = 0; field->words != NULL && field->words[i] != NULL && n < CANDIDATES_MAX; i++)
        names[n++] = field->words[i];
    rdt_diag_add(check->loading->diags, node->mark, "%s: there is no '%.60s' in %s",
                 check->path.text, (const char *)node->text.p, where);
    rdt_suggest(check->loading->diags, node->text, names, n);
}

static void
complete_ref(struct check *check, const struct rdt_field *field, const struct rdt_node *node)
{
    if (node->kind != RDT_NODE_SCALAR || node->text.n == 0)
        return; /* the shape check says so */
    for (size_t i = 0; field->words != NULL && field->words[i] != NULL; i++) {
        if (rdt_node_is(node, field->words[i]))
            return;
    }
    for (unsigned s = 0; s < RDT_NSECTIONS; s++) {
        if ((field->sections & 1u << s) != 0 &&
            rdt_node_member(rdt_node_get(check->ids, rdt_section_name(s)), node->text) != NULL)
            return;
    }
    dangling(check, field, node);
}

static void
require_one(const struct check *check, const struct rdt_shape *shape, const struct rdt_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_field *field = rdt_shape_field(shape, node->members[i].key);
        n += field != NULL && (field->flags & RDT_F_COMPANION) == 0;
    }
    if (n != 1)
        complain(check, node->mark,
                 "expected exactly one of hashed, tokenised, delegated, client_side");
}

static void
complete_object(struct check *check, const struct rdt_shape *shape, const struct rdt_node *node)
{
    if (node->kind != RDT_NODE_MAP)
        return;
    size_t path = check->path.n;
    for (size_t i = 0; i < shape->n; i++) {
        const struct rdt_field *field = &shape->fields[i];
        const struct rdt_member *member = rdt_node_member(node, rdt_span_str(field->name));
        if (member != NULL) {
            rdt_path_push(&check->path, member->key);
            complete_value(check, field, member->node);
            rdt_path_pop(&check->path, path);
        } else if ((field->flags & RDT_F_REQUIRED) != 0) {
            char text[128];
            snprintf(text, sizeof text, "%s %s needs the field '%s'", rdt_shape_article(shape),
                     shape->name, field->name);
            complain(check, node->mark, text);
            if (field->help != NULL)
                rdt_diag_hint(check->loading->diags, "%s: %s", field->name, field->help);
        }
    }
}

static void
complete_items(struct check *check, const struct rdt_field *field, const struct rdt_node *node)
{
    size_t path = check->path.n;
    bool map = node->kind == RDT_NODE_MAP;
    for (size_t i = 0; i < node->n && check->loading->n_values <= RDT_VALUES_MAX; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i + 1);
        rdt_path_push(&check->path, map ? node->members[i].key : rdt_span_str(index));
        complete_value(check, field->item, node->members[i].node);
        rdt_path_pop(&check->path, path);
    }
}

static void
complete_value(struct check *check, const struct rdt_field *field, const struct rdt_node *node)
{
    if (!rdt_loading_spend(check->loading, node->mark, 1))
        return;
    if (field->type == RDT_T_REF)
        complete_ref(check, field, node);
    else if (field->type == RDT_T_LIST || field->type == RDT_T_MAP)
        complete_items(check, field, node);
    else if (field->type == RDT_T_OBJECT)
        complete_object(check, field->shape, node);
    if (field->type == RDT_T_OBJECT && (field->flags & RDT_F_EXACTLY_1) != 0)
        require_one(check, field->shape, node);
}

void
rdt_shape_complete(struct rdt_loading *loading, const struct rdt_shape *shape,
                   const struct rdt_node *node, const struct rdt_node *ids)
{
    struct check check = {.loading = loading, .ids = ids};
    complete_object(&check, shape, node);
}
