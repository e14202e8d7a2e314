#include "base/file.h"
#include "codec/yaml.h"
#include "plan/plan_internal.h"

#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- include ---- */

bool
rdt_path_leaves(const char *path)
{
    for (const char *at = path; path[0] != '/'; at++) {
        size_t n = strcspn(at, "/");
        if (n == 2 && at[0] == '.' && at[1] == '.')
            return true;
        at += n;
        if (*at == '\0')
            return false;
    }
    return true;
}

static void
refuse_clash(struct rdt_loading *loading, const struct rdt_member *again,
             const struct rdt_member *first)
{
    rdt_diag_add(loading->diags, again->mark, "'%.*s' is written twice", RDT_FMT(again->key));
    rdt_diag_hint(loading->diags, "the first is in %s line %u", first->mark.file, first->mark.line);
}

/* Clashes are looked for when all files are in: an index for each file would be made again each
 * time.
 */
static bool
join_section(struct rdt_loading *loading, struct rdt_node *into, const struct rdt_node *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct rdt_member *member = &from->members[i];
        if (!rdt_node_put(loading->arena, into, member->key, member->mark, member->node))
            return false;
    }
    return true;
}

static bool
close_section(struct rdt_loading *loading, struct rdt_node *section)
{
    if (!rdt_node_sort(loading->arena, section))
        return false;
    for (size_t i = 1; section->kind == RDT_NODE_MAP && i < section->n; i++) {
        const struct rdt_member *member = &section->members[i];
        const struct rdt_member *first = rdt_node_member(section, member->key);
        if (first != member)
            refuse_clash(loading, member, first);
    }
    return true;
}

static enum rdt_code
join(struct rdt_loading *loading, struct rdt_node *root, const struct rdt_node *piece)
{
    for (size_t i = 0; i < piece->n; i++) {
        const struct rdt_member *member = &piece->members[i];
        const struct rdt_field *field = rdt_shape_field(&rdt_plan_shape, member->key);
        if (field == NULL || (field->flags & RDT_F_PIECE) == 0) {
            rdt_diag_add(loading->diags, member->mark, "'%.*s' cannot stand in an included file",
                         RDT_FMT(member->key));
            rdt_diag_hint(loading->diags, "an included file holds sections: services, data, ...");
            continue;
        }
        const struct rdt_member *there = rdt_node_member(root, member->key);
        bool ok = true;
        if (there == NULL)
            ok = rdt_node_put(loading->arena, root, member->key, member->mark, member->node);
        else if (there->node->kind == RDT_NODE_MAP && member->node->kind == RDT_NODE_MAP)
            ok = join_section(loading, there->node, member->node);
        else /* the rest of the plan must not hide it */
            rdt_diag_add(loading->diags, member->node->mark,
                         "%s: expected a map, as in id: { ... }", field->name);
        if (!ok)
            return rdt_fail(loading->err, RDT_E_NOMEM, "include");
    }
    return RDT_OK;
}

static enum rdt_code
include_file(struct rdt_loading *loading, struct rdt_node *root, struct rdt_mark mark,
             const char *path)
{
    RDT_BUF bytes = {0};
    struct rdt_err why = {0};
    struct rdt_node *piece = NULL;
    if (loading->n_included++ == RDT_INCLUDES_MAX)
        rdt_diag_add(loading->diags, mark, "include: more than %d files", RDT_INCLUDES_MAX);
    if (loading->n_included > RDT_INCLUDES_MAX)
        return RDT_OK;
    char *name = rdt_arena_str(loading->arena, rdt_span_str(path));
    if (name == NULL)
        return rdt_fail(loading->err, RDT_E_NOMEM, "include");
    const char *below = path + strlen(loading->folder) + 1; /* as the pattern was joined */
    if (rdt_file_read_below(loading->folder, below, RDT_YAML_MAX, &bytes, &why) != RDT_OK) {
        rdt_diag_add(loading->diags, mark, "include: %s", why.text);
        return RDT_OK;
    }
    loading->n_bytes += bytes.n;
    if (loading->n_bytes > RDT_INCLUDED_MAX) {
        rdt_diag_add(loading->diags, mark, "include: more than %zu bytes in all", RDT_INCLUDED_MAX);
        return RDT_OK;
    }
    enum rdt_code rc =
        rdt_yaml_parse(name, rdt_buf_span(&bytes), loading->arena, loading->diags, &piece, &why);
    if (rc == RDT_E_BADINPUT)
        return RDT_OK; /* said in diags */
    if (rc != RDT_OK)
        return rdt_fail(loading->err, rc, "include: %s", why.text);
    if (piece->kind != RDT_NODE_MAP) {
        rdt_diag_add(loading->diags, piece->mark, "expected a map of sections");
        return RDT_OK;
    }
    return join(loading, root, piece);
}

/* Links that lead back let a pattern of several stars match without end. */
static _Thread_local size_t entries_left;

static void *
open_folder(const char *path)
{
    return opendir(path);
}

static struct dirent *
read_entry(void *folder)
{
    return entries_left == 0 ? NULL : (entries_left--, readdir(folder));
}

static void
close_folder(void *folder)
{
    closedir(folder);
}

/* The folder stands for itself, whatever signs of a pattern are in its name. */
static char *
join_pattern(struct rdt_arena *arena, const char *folder, const char *text)
{
    RDT_BUF out = {0};
    for (; *folder != '\0'; folder++) {
        rdt_buf_str(&out, strchr("*?[]\\", *folder) != NULL ? "\\" : "");
        rdt_buf_add(&out, folder, 1);
    }
    rdt_buf_fmt(&out, "/%s", text);
    return rdt_buf_ok(&out) ? rdt_arena_str(arena, rdt_buf_span(&out)) : NULL;
}

static enum rdt_code
include_pattern(struct rdt_loading *loading, struct rdt_node *root, const struct rdt_node *item)
{
    const char *text = rdt_node_text(item);
    if (text == NULL)
        return RDT_OK; /* the shape check says so */
    if (rdt_path_leaves(text)) {
        rdt_diag_add(loading->diags, item->mark, "include: '%s' leaves the plan's folder", text);
        return RDT_OK;
    }
    char *pattern = join_pattern(loading->arena, loading->folder, text);
    glob_t found = {.gl_opendir = open_folder,
                    .gl_readdir = read_entry,
                    .gl_closedir = close_folder,
                    .gl_lstat = lstat,
                    .gl_stat = stat};
    if (pattern == NULL)
        return rdt_fail(loading->err, RDT_E_NOMEM, "include");
    enum rdt_code rc = RDT_OK;
    entries_left = RDT_GLOB_ENTRIES_MAX;
    int none = glob(pattern, GLOB_ALTDIRFUNC, NULL, &found);
    if (entries_left == 0)
        rdt_diag_add(loading->diags, item->mark, "include: '%s' looks at more than %d files", text,
                     RDT_GLOB_ENTRIES_MAX);
    else if (none != 0)
        rdt_diag_add(loading->diags, item->mark, "include: no file matches '%s'", text);
    else
        for (size_t i = 0; rc == RDT_OK && i < found.gl_pathc; i++)
            rc = include_file(loading, root, item->mark, found.gl_pathv[i]);
    globfree(&found);
    return rc;
}

enum rdt_code
rdt_include(struct rdt_loading *loading, struct rdt_node *root)
{
    const struct rdt_node *list = rdt_node_get(root, "include");
    enum rdt_code rc = RDT_OK;
    if (list == NULL || list->kind != RDT_NODE_LIST)
        return RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < list->n; i++)
        rc = include_pattern(loading, root, list->members[i].node);
    for (size_t i = 0; rc == RDT_OK && i < root->n; i++) {
        if (!close_section(loading, root->members[i].node))
            rc = rdt_fail(loading->err, RDT_E_NOMEM, "include");
    }
    return rc;
}

/* ---- patch and like ---- */

#define MERGE_COST 4 /* a value copied costs as much as so many looked at */

struct inherit {
    struct rdt_loading *loading;
    const char *section;
    const struct rdt_node *from; /* the section as written */
    struct rdt_node **made;      /* by member, NULL until made */
    bool *busy;
};

static void
refuse_like(struct inherit *in, const struct rdt_node *like, const char *text)
{
    rdt_diag_add(in->loading->diags, like->mark, "%s: %s", in->section, text);
}

static struct rdt_node *
without_like(struct rdt_arena *arena, const struct rdt_node *entry)
{
    struct rdt_node *out = rdt_node_new(arena, RDT_NODE_MAP, entry->mark);
    for (size_t i = 0; out != NULL && i < entry->n; i++) {
        const struct rdt_member *m = &entry->members[i];
        if (!rdt_span_is(m->key, "like") && !rdt_node_put(arena, out, m->key, m->mark, m->node))
            return NULL;
    }
    return out;
}

/* The id that `like` names is not there: PLAN-REF, with a did-you-mean. */
static void
unknown_like(struct inherit *in, const struct rdt_node *like)
{
    char text[128];
    snprintf(text, sizeof text, "like: there is no '%.63s'", (const char *)like->text.p);
    refuse_like(in, like, text);
    rdt_suggest_id(in->loading->diags, like->text, in->from);
}

/* Chains of `like` are walked with a stack of our own: a plan may make them as long as it likes. */
static size_t
climb(struct inherit *in, size_t at, size_t *chain)
{
    size_t n = 0;
    for (;;) {
        chain[n++] = at;
        in->busy[at] = true;
        const struct rdt_node *like = rdt_node_get(in->from->members[at].node, "like");
        if (like == NULL || like->kind != RDT_NODE_SCALAR)
            return n;
        const struct rdt_member *parent = rdt_node_member(in->from, like->text);
        if (parent == NULL) {
            unknown_like(in, like);
            return n;
        }
        at = (size_t)(parent - in->from->members);
        if (in->made[at] != NULL)
            return n;
        if (in->busy[at]) {
            char text[160];
            snprintf(text, sizeof text, "like: '%.63s' inherits from itself",
                     (const char *)parent->key.p);
            refuse_like(in, like, text);
            return n;
        }
    }
}

static bool
make_one(struct inherit *in, size_t at)
{
    struct rdt_node *entry = in->from->members[at].node;
    const struct rdt_node *like = rdt_node_get(entry, "like");
    if (entry->kind != RDT_NODE_MAP || like == NULL) {
        in->made[at] = entry;
        return true;
    }
    const struct rdt_member *parent =
        like->kind == RDT_NODE_SCALAR ? rdt_node_member(in->from, like->text) : NULL;
    struct rdt_node *own = without_like(in->loading->arena, entry);
    struct rdt_node *base = parent == NULL ? NULL : in->made[parent - in->from->members];
    if (own != NULL && base != NULL) {
        if (!rdt_loading_spend(in->loading, entry->mark, MERGE_COST * (own->n + base->n))) {
            in->made[at] = entry; /* the plan is refused; only the rest must not cost as much */
            return true;
        }
        struct rdt_node *merged = rdt_node_merge(in->loading->arena, base, own);
        if (merged != NULL)
            merged->mark = own->mark;
        own = merged;
    }
    in->made[at] = own;
    return own != NULL;
}

static bool
has_like(const struct rdt_node *section)
{
    for (size_t i = 0; i < section->n; i++) {
        if (rdt_node_get(section->members[i].node, "like") != NULL)
            return true;
    }
    return false;
}

static struct rdt_node *
inherit_section(struct rdt_loading *loading, const char *name, struct rdt_node *section)
{
    struct rdt_arena *arena = loading->arena;
    struct inherit in = {.loading = loading, .section = name, .from = section};
    in.made = rdt_arena_new(arena, section->n * sizeof *in.made);
    in.busy = rdt_arena_new(arena, section->n * sizeof *in.busy);
    size_t *chain = rdt_arena_new(arena, section->n * sizeof *chain);
    struct rdt_node *out = rdt_node_new(arena, RDT_NODE_MAP, section->mark);
    if (in.made == NULL || in.busy == NULL || chain == NULL || out == NULL)
        return NULL;
    for (size_t i = 0; i < section->n; i++) {
        size_t n = in.made[i] != NULL ? 0 : climb(&in, i, chain);
        while (n > 0) {
            if (!make_one(&in, chain[--n]))
                return NULL;
        }
        if (!rdt_node_put(arena, out, section->members[i].key, section->members[i].mark,
                          in.made[i]))
            return NULL;
    }
    return rdt_node_sort(arena, out) ? out : NULL;
}

struct rdt_node *
rdt_plan_resolve(struct rdt_loading *loading, struct rdt_node *root, struct rdt_node *patch)
{
    struct rdt_node *out = rdt_node_new(loading->arena, RDT_NODE_MAP, root->mark);
    bool ok = out != NULL;
    if (patch != NULL)
        root = rdt_node_merge(loading->arena, root, patch);
    for (size_t i = 0; ok && root != NULL && i < root->n; i++) {
        const struct rdt_member *m = &root->members[i];
        const struct rdt_field *field = rdt_shape_field(&rdt_plan_shape, m->key);
        struct rdt_node *node = m->node;
        if (field != NULL && (field->flags & RDT_F_LIKE) != 0 && node->kind == RDT_NODE_MAP &&
            has_like(node))
            node = inherit_section(loading, field->name, node);
        ok = node != NULL && rdt_node_put(loading->arena, out, m->key, m->mark, node);
    }
    return ok && root != NULL && rdt_node_sort(loading->arena, out) ? out : NULL;
}
