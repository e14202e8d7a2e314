/*
 * The template's rows and the frameworks' controls, out of the embedded packs into a run.
 */
#include "rules/gather_internal.h"

#include "base/embed.h"
#include "base/text.h"
#include "codec/yaml.h"

#include <stdlib.h>

#define TEMPLATE "packs/template.yaml"
#define FRAMEWORKS "packs/frameworks/*.yaml"

static enum rdt_code
parse(struct rdt_gather *g, const char *name, struct rdt_span text, struct rdt_node **out,
      struct rdt_err *err)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    enum rdt_code rc = rdt_yaml_parse(name, text, &g->run->arena, &diags, out, err);
    return rc == RDT_OK ? rc : rdt_fail_in(err, RDT_E_INTERNAL, "%s", name);
}

/* The scalars of a list, or of a scalar that stands for a list of one. */
static struct rdt_strings
strings_of(struct rdt_arena *arena, const struct rdt_node *node)
{
    size_t n = node == NULL ? 0 : node->kind == RDT_NODE_LIST ? node->n : 1;
    const char **at = n == 0 ? NULL : rdt_arena_new(arena, n * sizeof *at);
    for (size_t i = 0; at != NULL && i < n; i++) {
        const char *text =
            rdt_node_text(node->kind == RDT_NODE_LIST ? node->members[i].node : node);
        at[i] = text != NULL ? text : "";
    }
    return (struct rdt_strings){at, at == NULL ? 0 : n};
}

static int
number_of(const struct rdt_node *node)
{
    const char *text = rdt_node_text(node);
    return text == NULL ? 0 : (int)strtol(text, NULL, 10);
}

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

static enum rdt_code
load_rows(struct rdt_gather *g, const struct rdt_node *rows, struct rdt_err *err)
{
    struct rdt_run *run = g->run;
    size_t n = rows == NULL ? 0 : rows->n;
    run->rows = rdt_arena_new(&run->arena, (n + 1) * sizeof *run->rows);
    g->catalogue.filters = rdt_arena_new(&run->arena, (n + 1) * sizeof g->catalogue.filters[0]);
    if (run->rows == NULL || g->catalogue.filters == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the template's rows");
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *row = rows->members[i].node;
        run->rows[i] = (struct rdt_row){
            .id = (const char *)rows->members[i].key.p,
            .title = rdt_node_str(row, "title"),
            .checklist = rdt_node_str(row, "checklist"),
            .part = number_of(rdt_node_get(row, "part")),
            .verdict = RDT_UNOBSERVED,
            .by = strings_of(&run->arena, rdt_node_get(row, "rules")),
            .notes = strings_of(&run->arena, rdt_node_get(row, "notes")),
        };
        g->catalogue.filters[i] = rdt_node_get(row, "subjects");
    }
    run->n_rows = n;
    return RDT_OK;
}

static enum rdt_code
load_notes(struct rdt_run *run, const struct rdt_node *notes, struct rdt_err *err)
{
    size_t n = notes == NULL ? 0 : notes->n;
    run->template_notes = rdt_arena_new(&run->arena, (n + 1) * sizeof *run->template_notes);
    if (run->template_notes == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the template's notes");
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *note = notes->members[i].node;
        run->template_notes[i] = (struct rdt_template_note){
            .id = (const char *)notes->members[i].key.p,
            .title = rdt_node_str(note, "title"),
            .settled = rdt_node_str(note, "settled"),
            .rules = strings_of(&run->arena, rdt_node_get(note, "rules")),
        };
    }
    run->n_template_notes = n;
    return RDT_OK;
}

static enum rdt_code
load_template(struct rdt_gather *g, struct rdt_err *err)
{
    struct rdt_span text = {0};
    struct rdt_node *root = NULL;
    enum rdt_code rc = RDT_OK;
    if (rdt_embed_find(TEMPLATE, &text))
        rc = parse(g, TEMPLATE, text, &root, err);
    if (rc == RDT_OK)
        rc = load_rows(g, rdt_node_get(root, "rows"), err);
    if (rc == RDT_OK)
        rc = load_notes(g->run, rdt_node_get(root, "notes"), err);
    return rc;
}

/* ---- frameworks
 * -------------------------------------------------------------------------------------- */

static bool
load_control_rules(struct rdt_run *run, struct rdt_control *control, const struct rdt_node *rules)
{
    size_t n = rules == NULL ? 0 : rules->n;
    struct rdt_control_rule *out = rdt_arena_new(&run->arena, (n + 1) * sizeof *out);
    if (out == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct rdt_control_rule){
            .rule = (const char *)rules->members[i].key.p,
            .covers = rdt_node_is(rules->members[i].node, "covers"),
            .verdict = RDT_UNOBSERVED,
        };
    control->rules = out;
    control->n_rules = n;
    return true;
}

static bool
load_controls(struct rdt_run *run, struct rdt_framework *framework, const struct rdt_node *controls)
{
    size_t n = controls == NULL ? 0 : controls->n;
    struct rdt_control *out = rdt_arena_new(&run->arena, (n + 1) * sizeof *out);
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const struct rdt_node *node = controls->members[i].node;
        out[i] = (struct rdt_control){
            .id = (const char *)controls->members[i].key.p,
            .title = rdt_node_str(node, "title"),
            .note = rdt_node_str(node, "note"),
            .verified = rdt_node_is(rdt_node_get(node, "verified"), "true"),
            .state = RDT_UNPROVEN,
        };
        ok = load_control_rules(run, &out[i], rdt_node_get(node, "rules"));
    }
    framework->controls = out;
    framework->n_controls = ok ? n : 0;
    return ok;
}

static enum rdt_code
load_framework(struct rdt_gather *g, const struct rdt_embedded *file, struct rdt_framework *out,
               struct rdt_err *err)
{
    struct rdt_node *root = NULL;
    enum rdt_code rc = parse(g, file->name, (struct rdt_span){file->bytes, file->n}, &root, err);
    if (rc != RDT_OK)
        return rc;
    *out = (struct rdt_framework){
        .id = rdt_node_str(root, "framework.id"),
        .edition = rdt_node_str(root, "framework.edition"),
        .title = rdt_node_str(root, "framework.title"),
        .published = rdt_node_str(root, "framework.published"),
        .is_default = rdt_node_is(rdt_node_get(root, "framework.default"), "true"),
        .notes = strings_of(&g->run->arena, rdt_node_get(root, "framework.notes")),
    };
    if (out->id == NULL || out->edition == NULL || out->title == NULL)
        return rdt_fail(err, RDT_E_INTERNAL, "%s: id, edition or title is missing", file->name);
    if (!load_controls(g->run, out, rdt_node_get(root, "controls")))
        return rdt_fail(err, RDT_E_NOMEM, "%s", file->name);
    return RDT_OK;
}

static enum rdt_code
load_frameworks(struct rdt_gather *g, struct rdt_err *err)
{
    struct rdt_run *run = g->run;
    enum rdt_code rc = RDT_OK;
    run->frameworks = rdt_arena_new(&run->arena, (rdt_embedded_n + 1) * sizeof *run->frameworks);
    if (run->frameworks == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "frameworks");
    for (size_t i = 0; rc == RDT_OK && i < rdt_embedded_n; i++) {
        if (!rdt_text_glob(rdt_span_str(FRAMEWORKS), rdt_span_str(rdt_embedded[i].name)))
            continue;
        rc = load_framework(g, &rdt_embedded[i], &run->frameworks[run->n_frameworks], err);
        run->n_frameworks += rc == RDT_OK;
    }
    return rc;
}

enum rdt_code
rdt_gather_catalogue(struct rdt_gather *gather, struct rdt_err *err)
{
    enum rdt_code rc = load_template(gather, err);
    return rc != RDT_OK ? rc : load_frameworks(gather, err);
}

/* ---- back from a rule
 * ---------------------------------------------------------------------------------- */

/* A list that is counted in one pass and filled in the next. */
struct back {
    const char **at;
    size_t n;
};

static bool
add_back(const struct rdt_gather *g, struct back *backs, const char *rule, const char *name)
{
    size_t index;
    if (!rdt_rollup_find(g, rule, &index))
        return true; /* a row may name a rule that is not there: the row then stays open */
    if (backs[index].at != NULL) {
        if (name == NULL)
            return false;
        backs[index].at[backs[index].n] = name;
    }
    backs[index].n++;
    return true;
}

static bool
visit_rows(struct rdt_gather *g, struct back *backs)
{
    bool ok = true;
    for (size_t i = 0; ok && i < g->run->n_rows; i++)
        for (size_t j = 0; ok && j < g->run->rows[i].by.n; j++)
            ok = add_back(g, backs, g->run->rows[i].by.at[j], g->run->rows[i].id);
    return ok;
}

static bool
visit_control(struct rdt_gather *g, struct back *backs, const struct rdt_framework *f,
              const struct rdt_control *c)
{
    const char *name = rdt_arena_fmt(&g->run->arena, "%s@%s:%s", f->id, f->edition, c->id);
    bool ok = name != NULL;
    for (size_t i = 0; ok && i < c->n_rules; i++)
        ok = add_back(g, backs, c->rules[i].rule, name);
    return ok;
}

static bool
visit_controls(struct rdt_gather *g, struct back *backs)
{
    bool ok = true;
    for (size_t i = 0; ok && i < g->run->n_frameworks; i++)
        for (size_t j = 0; ok && j < g->run->frameworks[i].n_controls; j++)
            ok =
                visit_control(g, backs, &g->run->frameworks[i], &g->run->frameworks[i].controls[j]);
    return ok;
}

/* Count, allocate, fill. */
static bool
link_back(struct rdt_gather *g, bool (*visit)(struct rdt_gather *, struct back *),
          struct back *backs)
{
    size_t n = g->run->n_rules;
    memset(backs, 0, (n + 1) * sizeof *backs);
    if (!visit(g, backs))
        return false;
    for (size_t i = 0; i < n; i++) {
        backs[i].at = rdt_arena_new(&g->run->arena, (backs[i].n + 1) * sizeof *backs[i].at);
        if (backs[i].at == NULL)
            return false;
        backs[i].n = 0;
    }
    return visit(g, backs);
}

enum rdt_code
rdt_catalogue_link(struct rdt_gather *gather, struct rdt_err *err)
{
    struct rdt_run *run = gather->run;
    struct back *backs = calloc(run->n_rules + 1, sizeof *backs);
    bool ok = backs != NULL && link_back(gather, visit_rows, backs);
    for (size_t i = 0; ok && i < run->n_rules; i++)
        run->rules[i].rollups = (struct rdt_strings){backs[i].at, backs[i].n};
    ok = ok && link_back(gather, visit_controls, backs);
    for (size_t i = 0; ok && i < run->n_rules; i++)
        run->rules[i].controls = (struct rdt_strings){backs[i].at, backs[i].n};
    free(backs);
    return ok ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "rows and controls of the rules");
}
