#include "plan/plan.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/yaml.h"
#include "plan/plan_internal.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

const char *
rdt_section_name(enum rdt_section section)
{
#define X(name, text) [name] = text,
    static const char *const names[] = {RDT_SECTIONS(X)};
#undef X
    return names[section];
}

static enum rdt_code
wrong(struct rdt_loading *loading, const char *path, size_t before)
{
    size_t n = loading->diags->n + loading->diags->n_more - before;
    rdt_diag_sort(loading->diags);
    return rdt_fail(loading->err, RDT_E_BADINPUT, "%s: %zu %s", path, n,
                    n == 1 ? "mistake" : "mistakes");
}

/* Where a key lives. Keys without a home of their own (envelope) follow their parent. */
static bool
same_home(const struct rdt_node *a, const struct rdt_node *b)
{
    static const char *const parts[] = {"custody.provider", "custody.account", "custody.region"};
    static const char *const homeless[] = {"envelope", "os-managed", "provider-default"};
    for (size_t i = 0; i < RDT_COUNT(homeless); i++) {
        if (rdt_node_is(rdt_node_get(a, parts[0]), homeless[i]))
            return false;
    }
    for (size_t i = 0; i < RDT_COUNT(parts); i++) {
        const char *x = rdt_node_str(a, parts[i]), *y = rdt_node_str(b, parts[i]);
        if ((x == NULL) != (y == NULL) || (x != NULL && strcmp(x, y) != 0))
            return false;
    }
    return true;
}

static bool
find_shared(struct rdt_plan *plan, const char *env, const struct rdt_node *base,
            const struct rdt_node *there)
{
    struct rdt_shared_keys *shared = &plan->shared[plan->n_shared++];
    const struct rdt_node *ours = rdt_node_get(base, "keys");
    const struct rdt_node *theirs = rdt_node_get(there, "keys");
    const char **keys =
        rdt_arena_new(&plan->arena, (ours == NULL ? 1 : ours->n + 1) * sizeof *keys);
    if (keys == NULL)
        return false;
    *shared = (struct rdt_shared_keys){.env = env, .keys = keys};
    for (size_t i = 0; ours != NULL && i < ours->n; i++) {
        const struct rdt_member *again = rdt_node_member(theirs, ours->members[i].key);
        if (again != NULL && same_home(ours->members[i].node, again->node))
            keys[shared->n++] = (const char *)again->key.p;
    }
    return true;
}

/* Every environment is resolved and checked, so that a mistake in one shows whatever is asked for.
 */
static enum rdt_code
resolve_environments(struct rdt_plan *plan, struct rdt_loading *loading, struct rdt_node *written,
                     const struct rdt_node *base)
{
    const struct rdt_node *envs = rdt_node_get(written, "environments");
    size_t n = envs == NULL ? 0 : envs->n;
    if (n > RDT_ENVIRONMENTS_MAX) {
        rdt_diag_add(loading->diags, envs->members[RDT_ENVIRONMENTS_MAX].mark,
                     "environments: more than %d", RDT_ENVIRONMENTS_MAX);
        return RDT_OK;
    }
    plan->shared = rdt_arena_new(&plan->arena, (n + 1) * sizeof *plan->shared);
    if (plan->shared == NULL)
        return rdt_fail(loading->err, RDT_E_NOMEM, "%s", plan->path);
    for (size_t i = 0; i < n && loading->n_values <= RDT_VALUES_MAX; i++) {
        const struct rdt_member *env = &envs->members[i];
        const struct rdt_member *patch = rdt_node_member(env->node, rdt_span_str("patch"));
        const char *name = (const char *)env->key.p;
        const struct rdt_node *there = base;
        size_t before = loading->diags->n;
        if (patch != NULL) {
            there = rdt_plan_resolve(loading, written, patch->node);
            if (there != NULL)
                rdt_shape_complete(loading, &rdt_plan_shape, there, there);
        }
        if (loading->diags->n != before)
            continue;
        if (there == NULL || !find_shared(plan, name, base, there))
            return rdt_fail(loading->err, RDT_E_NOMEM, "%s", plan->path);
        if (plan->env != NULL && strcmp(plan->env, name) == 0)
            plan->root = there;
    }
    return RDT_OK;
}

/* Which environments there are; the one that was most likely meant, when it is near. */
static enum rdt_code
find_env(struct rdt_plan *plan, struct rdt_loading *loading, const struct rdt_node *written)
{
    const struct rdt_node *envs = rdt_node_get(written, "environments");
    if (plan->env == NULL || rdt_node_member(envs, rdt_span_str(plan->env)) != NULL)
        return RDT_OK;
    const char *names[RDT_ENVIRONMENTS_MAX];
    RDT_BUF list = {0};
    size_t n = 0;
    for (; envs != NULL && envs->kind == RDT_NODE_MAP && n < envs->n && n < RDT_COUNT(names); n++) {
        names[n] = (const char *)envs->members[n].key.p;
        rdt_buf_fmt(&list, "%s%s", n == 0 ? "it has " : ", ", names[n]);
    }
    const char *near = rdt_text_nearest(rdt_span_str(plan->env), names, n);
    const char *all = n == 0 ? NULL : rdt_buf_cstr(&list);
    rdt_fail(loading->err, RDT_E_NOTFOUND, "%s has no environment '%s'", plan->path, plan->env);
    if (near != NULL)
        rdt_hint(loading->err, "did you mean '%s'?", near);
    else
        rdt_hint(loading->err, "%s",
                 all != NULL ? all : "it has none: add a section `environments`");
    return RDT_E_NOTFOUND;
}

static enum rdt_code
build(struct rdt_plan *plan, struct rdt_loading *loading, struct rdt_node *written, size_t before)
{
    /* Each step goes on after the mistakes of the one before: one run shows them all. */
    if (written->kind != RDT_NODE_MAP) {
        rdt_diag_add(loading->diags, written->mark,
                     "expected a plan: a map that begins with "
                     "`redoubt: 1`");
        return wrong(loading, plan->path, before);
    }
    enum rdt_code rc = rdt_include(loading, written);
    if (rc != RDT_OK)
        return rc;
    rdt_shape_check(loading, &rdt_plan_shape, written, false);
    rc = find_env(plan, loading, written);
    if (rc != RDT_OK)
        return rc;
    struct rdt_node *base = rdt_plan_resolve(loading, written, NULL);
    if (base != NULL) {
        rdt_shape_complete(loading, &rdt_plan_shape, base, base);
        plan->root = base;
        rc = resolve_environments(plan, loading, written, base);
    }
    if (loading->diags->n != before)
        return wrong(loading, plan->path, before);
    if (base == NULL)
        return rdt_fail(loading->err, RDT_E_NOMEM, "%s", plan->path);
    if (rc == RDT_OK)
        rc = rdt_graph_build(plan, loading);
    if (rc == RDT_OK && loading->diags->n != before)
        return wrong(loading, plan->path, before);
    rdt_floors_build(plan);
    return rc;
}

static struct rdt_plan *
plan_new(const char *path, const struct rdt_plan_opts *opts)
{
    struct rdt_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return NULL;
    const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
    char *copy = rdt_arena_str(&plan->arena, rdt_span_str(path));
    plan->path = rdt_arena_str(&plan->arena, rdt_span_str(name));
    plan->folder = copy == NULL ? NULL : dirname(copy);
    if (opts != NULL && opts->env != NULL)
        plan->env = rdt_arena_str(&plan->arena, rdt_span_str(opts->env));
    if (plan->path == NULL || plan->folder == NULL) {
        rdt_plan_close(plan);
        return NULL;
    }
    return plan;
}

enum rdt_code
rdt_plan_from_node(struct rdt_node *root, const char *path, const struct rdt_plan_opts *opts,
                   struct rdt_diags *diags, struct rdt_plan **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = plan_new(path, opts);
    if (plan == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    struct rdt_loading loading = {
        .arena = &plan->arena, .diags = diags, .err = err, .folder = plan->folder};
    enum rdt_code rc = build(plan, &loading, root, diags->n);
    if (rc == RDT_OK)
        *out = RDT_STEAL(plan);
    return rc;
}

enum rdt_code
rdt_plan_load(const char *path, const struct rdt_plan_opts *opts, struct rdt_diags *diags,
              struct rdt_plan **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = plan_new(path, opts);
    RDT_BUF bytes = {0};
    struct rdt_node *written = NULL;
    if (plan == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    enum rdt_code rc = rdt_file_read(path, RDT_YAML_MAX, &bytes, err);
    if (rc != RDT_OK)
        return rc;
    size_t before = diags->n;
    rc = rdt_yaml_parse(plan->path, rdt_buf_span(&bytes), &plan->arena, diags, &written, err);
    if (written == NULL)
        return rc;
    struct rdt_loading loading = {
        .arena = &plan->arena, .diags = diags, .err = err, .folder = plan->folder};
    rc = build(plan, &loading, written, before);
    if (rc == RDT_OK)
        *out = RDT_STEAL(plan);
    return rc;
}

void
rdt_plan_close(struct rdt_plan *plan)
{
    if (plan == NULL)
        return;
    rdt_arena_done(&plan->arena);
    free(plan);
}

void
rdt_plan_close_at(struct rdt_plan **plan)
{
    rdt_plan_close(*plan);
    *plan = NULL;
}

/* The plan is public, and may come from anybody: it must not choose which file is read. */
static enum rdt_code
read_targets(struct rdt_plan *plan, const struct rdt_node *name, struct rdt_loading *loading,
             const char **path, struct rdt_node **root)
{
    RDT_BUF bytes = {0};
    const char *text = rdt_node_text(name);
    *path = rdt_arena_fmt(&plan->arena, "%s/%s", plan->folder, text);
    if (*path == NULL)
        return rdt_fail(loading->err, RDT_E_NOMEM, "targets");
    struct rdt_err why = {0};
    enum rdt_code rc = rdt_path_leaves(text)
                           ? rdt_fail(&why, RDT_E_BADINPUT, "%s leaves the plan's folder", text)
                           : rdt_file_read_below(plan->folder, text, RDT_YAML_MAX, &bytes, &why);
    if (rc == RDT_E_BADINPUT) {
        rdt_diag_add(loading->diags, name->mark, "targets: %s", why.text);
        rdt_diag_hint(loading->diags, "keep the file beside the plan, as in targets/prod.yaml");
        return rdt_fail(loading->err, RDT_E_BADINPUT, "%s: 1 mistake", plan->path);
    }
    if (rc != RDT_OK)
        rdt_fail(loading->err, rc, "targets: %s", why.text);
    if (rc == RDT_E_NOTFOUND)
        rdt_hint(loading->err, "environments.%s.targets in %s names it", plan->env, plan->path);
    if (rc == RDT_OK)
        rc = rdt_yaml_parse(*path, rdt_buf_span(&bytes), &plan->arena, loading->diags, root,
                            loading->err);
    return rc;
}

static enum rdt_code
load_targets(struct rdt_plan *plan, const struct rdt_node *name, struct rdt_loading *loading)
{
    struct rdt_node *root = NULL;
    const char *path = NULL;
    size_t before = loading->diags->n;
    enum rdt_code rc = read_targets(plan, name, loading, &path, &root);
    if (rc != RDT_OK)
        return rc;
    rdt_shape_check(loading, &rdt_targets_shape, root, false);
    if (loading->diags->n == before)
        rdt_shape_complete(loading, &rdt_targets_shape, root, plan->root);
    for (unsigned s = 0; s < RDT_NSECTIONS; s++) {
        const struct rdt_node *section = rdt_node_get(root, rdt_section_name(s));
        const struct rdt_node *known = rdt_node_get(plan->root, rdt_section_name(s));
        for (size_t i = 0; section != NULL && i < section->n; i++) {
            const struct rdt_member *m = &section->members[i];
            if (rdt_node_member(known, m->key) != NULL)
                continue;
            rdt_diag_add(loading->diags, m->mark, "%s: the plan has no '%.*s'", rdt_section_name(s),
                         RDT_FMT(m->key));
            rdt_suggest_id(loading->diags, m->key, known);
        }
    }
    if (loading->diags->n != before)
        return wrong(loading, path, before);
    plan->targets = root;
    return RDT_OK;
}

enum rdt_code
rdt_plan_targets(struct rdt_plan *plan, struct rdt_diags *diags, const struct rdt_node **out,
                 struct rdt_err *err)
{
    struct rdt_loading loading = {
        .arena = &plan->arena, .diags = diags, .err = err, .folder = plan->folder};
    const struct rdt_node *envs = rdt_node_get(plan->root, "environments");
    const struct rdt_member *env =
        plan->env == NULL ? NULL : rdt_node_member(envs, rdt_span_str(plan->env));
    const struct rdt_node *name = env == NULL ? NULL : rdt_node_get(env->node, "targets");
    enum rdt_code rc = RDT_OK;
    if (name != NULL && !plan->targets_read)
        rc = load_targets(plan, name, &loading);
    plan->targets_read = rc == RDT_OK;
    *out = plan->targets;
    return rc;
}

const struct rdt_subject *
rdt_plan_subjects(const struct rdt_plan *plan, size_t *n)
{
    *n = plan->n_subjects;
    return plan->subjects;
}

const struct rdt_subject *
rdt_plan_section(const struct rdt_plan *plan, enum rdt_section section, size_t *n)
{
    *n = plan->first[section + 1] - plan->first[section];
    return plan->subjects + plan->first[section];
}

const struct rdt_subject *
rdt_plan_find(const struct rdt_plan *plan, const char *id)
{
    if (strcmp(id, "plan") == 0)
        return &plan->subjects[plan->n_subjects - 1];
    for (unsigned s = 0; s < RDT_PLAN; s++) {
        const char *section = rdt_section_name(s);
        size_t n = strlen(section);
        if (strncmp(id, section, n) != 0 || id[n] != '.')
            continue;
        const struct rdt_node *entries = rdt_node_get(plan->root, section);
        const struct rdt_member *m = rdt_node_member(entries, rdt_span_str(id + n + 1));
        return m == NULL ? NULL : &plan->subjects[plan->first[s] + (size_t)(m - entries->members)];
    }
    return NULL;
}

const struct rdt_subject *
rdt_plan_linked(const struct rdt_plan *plan, const struct rdt_subject *subject, enum rdt_link link,
                size_t i)
{
    return &plan->subjects[subject->links[link].at[i]];
}

const struct rdt_node *
rdt_plan_root(const struct rdt_plan *plan)
{
    return plan->root;
}

const char *
rdt_plan_path(const struct rdt_plan *plan)
{
    return plan->path;
}

const char *
rdt_plan_folder(const struct rdt_plan *plan)
{
    return plan->folder;
}

const char *
rdt_plan_env(const struct rdt_plan *plan)
{
    return plan->env;
}

const char *const *
rdt_plan_shared_keys(const struct rdt_plan *plan, const char *env, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < plan->n_shared; i++) {
        if (strcmp(plan->shared[i].env, env) == 0) {
            *n = plan->shared[i].n;
            return plan->shared[i].keys;
        }
    }
    return NULL;
}
