#include "rules/fileinfo_internal.h"
#include "rules/gather_internal.h"
#include "rules/rules.h"

#include "base/clock.h"
#include "base/text.h"
#include "codec/json.h"

#include <stdlib.h>

struct explaining {
    struct rdt_explanation *e;
    const struct rdt_plan *plan;
    struct rdt_explained_value *values;
    size_t cap;
};

void
rdt_explanation_free(struct rdt_explanation *explanation)
{
    if (explanation == NULL)
        return;
    rdt_run_free(explanation->run);
    rdt_arena_done(&explanation->arena);
    free(explanation);
}

void
rdt_explanation_free_at(struct rdt_explanation **explanation)
{
    rdt_explanation_free(*explanation);
}

/* ---- what it read
 * ------------------------------------------------------------------------------------- */

/* "flows.web.tls.min": the subject and the path below it. */
static struct rdt_mark
place_of(const struct rdt_plan *plan, const char *path)
{
    const char *dot = strchr(path, '.');
    const char *second = dot == NULL ? NULL : strchr(dot + 1, '.');
    if (second != NULL && second - path < 256) {
        char id[256] = {0};
        memcpy(id, path, (size_t)(second - path));
        const struct rdt_subject *s = rdt_plan_find(plan, id);
        if (s != NULL && s->node != NULL && rdt_node_get(s->node, second + 1) != NULL)
            return rdt_node_find_mark(s->node, second + 1);
    }
    return (struct rdt_mark){0};
}

static void
take_value(struct rdt_gather *g, const struct rdt_wire_value *value)
{
    struct explaining *x = g->context;
    struct rdt_explanation *e = x->e;
    const char *path = rdt_arena_str(&e->arena, value->path);
    const char *text = rdt_arena_str(&e->arena, value->value);
    if (e->n_values == RDT_READS_MAX || x->values == NULL || path == NULL || text == NULL)
        return;
    x->values[e->n_values++] = (struct rdt_explained_value){path, text, place_of(x->plan, path)};
}

static bool
take_observations(struct rdt_explanation *e, const struct rdt_gather *g)
{
    const struct rdt_observation **at =
        rdt_arena_new(&e->arena, (g->n_last_evidence + 1) * sizeof *at);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < g->n_last_evidence; i++)
        at[i] = &g->judge->evidence->items[g->last_evidence[i]];
    e->observations = at;
    e->n_observations = g->n_last_evidence;
    return true;
}

/* ---- which one
 * ------------------------------------------------------------------------------------------ */

static enum rdt_code
no_subject(const struct rdt_plan *plan, const char *name, struct rdt_err *err)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    const char **ids = calloc(n + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < n; i++)
        ids[i] = subjects[i].id;
    const char *near = ids == NULL ? NULL : rdt_text_nearest(rdt_span_str(name), ids, n);
    rdt_fail(err, RDT_E_NOTFOUND, "the plan has no subject '%s'", name);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    else
        rdt_hint(err, "a subject is SECTION.ID, such as stores.db");
    free(ids);
    return RDT_E_NOTFOUND;
}

static enum rdt_code
no_rule(const struct rdt_run *run, const char *name, struct rdt_err *err)
{
    const char **ids = calloc(run->n_rules + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < run->n_rules; i++)
        ids[i] = run->rules[i].id;
    const char *near = ids == NULL ? NULL : rdt_text_nearest(rdt_span_str(name), ids, run->n_rules);
    rdt_fail(err, RDT_E_NOTFOUND, "there is no rule '%s'", name);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    for (size_t i = 0; i < run->n_rows; i++)
        if (strcmp(run->rows[i].id, name) == 0 && run->rows[i].by.n != 0)
            rdt_hint(err,
                     "it is a line of the template; explain a rule that decides it, such as %s",
                     run->rows[i].by.at[0]);
    free(ids);
    return RDT_E_NOTFOUND;
}

static enum rdt_code
pick(struct rdt_explanation *e, const char *rule, struct rdt_err *err)
{
    struct rdt_run *run = e->run;
    for (size_t i = 0; i < run->n_rules && e->rule == NULL; i++)
        if (strcmp(run->rules[i].id, rule) == 0)
            e->rule = &run->rules[i];
    if (e->rule == NULL)
        return no_rule(run, rule, err);
    if (run->n_results != 0)
        e->result = &run->results[0];
    else if (e->rule->disabled != NULL)
        e->not_judged = rdt_arena_fmt(&e->arena, "the plan disables it: %s", e->rule->disabled);
    else
        e->not_judged = rdt_arena_fmt(&e->arena, "it is not for subjects of `%s`",
                                      rdt_section_name(e->subject->section));
    return RDT_OK;
}

static enum rdt_code
explain(struct rdt_gather *g, struct rdt_child_job *job, struct explaining *x, struct rdt_err *err)
{
    struct rdt_explanation *e = x->e;
    const struct rdt_judge *judge = g->judge;
    x->values = rdt_arena_new(&e->arena, RDT_READS_MAX * sizeof *x->values);
    e->values = x->values;
    e->subject = rdt_plan_find(judge->plan, job->subject);
    if (e->subject == NULL)
        return no_subject(judge->plan, job->subject, err);
    if (e->subject->level != RDT_LEVEL_NONE)
        e->floor = rdt_plan_floor(judge->plan, e->subject->level);
    enum rdt_code rc = RDT_OK;
    if (!judge->stored)
        rc = rdt_fileinfo_gather(rdt_plan_root(judge->plan), rdt_plan_folder(judge->plan),
                                 &g->arena, &g->files, &g->n_files, err);
    job->files = g->files;
    job->n_files = g->n_files;
    if (rc == RDT_OK)
        rc = rdt_gather_packs(g, job, &judge->packs, err);
    if (rc == RDT_OK)
        rc = rdt_catalogue_link(g, err);
    if (rc == RDT_OK && !take_observations(e, g))
        rc = rdt_fail(err, RDT_E_NOMEM, "explain");
    return rc != RDT_OK ? rc : rdt_gather_finish(g, &e->run, err);
}

enum rdt_code
rdt_rules_explain(const struct rdt_judge *judge, const char *rule, const char *subject,
                  struct rdt_explanation **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    RDT_AUTO(rdt_explanation_free_at) struct rdt_explanation *e = calloc(1, sizeof *e);
    struct rdt_judge whole = *judge;
    whole.only = (struct rdt_strings){0};
    whole.subject = NULL;
    struct rdt_child_job job = {
        .mode = RDT_CHILD_EXPLAIN, .judge = &whole, .rule = rule, .subject = subject};
    struct explaining x = {.e = e, .plan = judge->plan};
    if (e == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "explain");
    enum rdt_code rc = rdt_gather_start(&g, &whole, err);
    g.on_value = take_value;
    g.context = &x;
    if (rc == RDT_OK)
        rc = explain(&g, &job, &x, err);
    if (rc == RDT_OK)
        rc = pick(e, rule, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(e);
    return rc;
}

/* ---- as text
 * ------------------------------------------------------------------------------------------- */

static void
line(struct rdt_buf *out, const char *name, const char *text)
{
    if (text != NULL && *text != '\0')
        rdt_buf_fmt(out, "  %-9s %s\n", name, text);
}

static void
put_mark(struct rdt_buf *out, struct rdt_mark mark)
{
    if (mark.file != NULL && mark.line != 0)
        rdt_buf_fmt(out, "%s:%u", mark.file, (unsigned)mark.line);
}

static void
put_level(struct rdt_buf *out, const struct rdt_explanation *e)
{
    const struct rdt_floor *f = e->floor;
    if (f == NULL)
        return;
    rdt_buf_fmt(out, "  %-9s %s", "level", rdt_level_name(e->subject->level));
    if (e->subject->level_from != NULL)
        rdt_buf_fmt(out, ", from %s", e->subject->level_from);
    rdt_buf_fmt(out, "\n  %-9s volume %s, %s%s, keys by %s", "floor", f->volume,
                f->field ? "fields encrypted, " : "", f->tls, f->custody);
    if (f->rotation_days > 0)
        rdt_buf_fmt(out, ", rotated every %g days", f->rotation_days);
    rdt_buf_str(out, f->overridden ? " (changed by policy.levels)\n" : "\n");
}

static void
put_result(struct rdt_buf *out, const struct rdt_explanation *e)
{
    const struct rdt_result *r = e->result;
    if (r == NULL) {
        line(out, "verdict", "none");
        line(out, "because", e->not_judged);
        return;
    }
    rdt_buf_fmt(out, "  %-9s %s", "verdict", rdt_verdict_name(r->verdict));
    if (r->verdict == RDT_PASS)
        rdt_buf_fmt(out, " %s", rdt_assurance_name(r->assurance));
    if (r->verdict == RDT_ACCEPTED)
        rdt_buf_fmt(out, " (%s under %s)", rdt_verdict_name(r->before), r->exception);
    rdt_buf_str(out, "\n");
    line(out, "because", r->message);
    line(out, "observed", r->observed);
    line(out, "expected", r->expected);
    if (r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT || r->verdict == RDT_ACCEPTED) {
        if (r->where.line != 0) {
            rdt_buf_fmt(out, "  %-9s ", "where");
            put_mark(out, r->where);
            rdt_buf_str(out, "\n");
        }
        line(out, "fix", e->rule->fix);
    }
}

static void
put_values(struct rdt_buf *out, const struct rdt_explanation *e)
{
    if (e->n_values == 0)
        return;
    rdt_buf_str(out, "\nvalues read\n");
    for (size_t i = 0; i < e->n_values; i++) {
        const struct rdt_explained_value *v = &e->values[i];
        rdt_buf_fmt(out, "  %s = %s", v->path, v->value);
        rdt_buf_str(out, v->where.line != 0 ? "   " : "");
        put_mark(out, v->where);
        rdt_buf_str(out, "\n");
    }
}

/* What the template says elsewhere, where the rule had to choose. */
static void
put_template_notes(struct rdt_buf *out, const struct rdt_explanation *e)
{
    for (size_t i = 0; i < e->run->n_template_notes; i++) {
        const struct rdt_template_note *note = &e->run->template_notes[i];
        bool about = false;
        for (size_t r = 0; r < note->rules.n; r++)
            about = about || strcmp(note->rules.at[r], e->rule->id) == 0;
        if (about)
            rdt_buf_fmt(out, "  %-9s %s: %s\n  %-9s %s\n", "template", note->id, note->title, "",
                        note->settled);
    }
}

static void
put_observations(struct rdt_buf *out, const struct rdt_explanation *e)
{
    if (e->n_observations == 0)
        return;
    rdt_buf_str(out, "\nobservations used\n");
    for (size_t i = 0; i < e->n_observations; i++) {
        const struct rdt_observation *o = e->observations[i];
        char stamp[RDT_STAMP_TEXT];
        rdt_stamp_text(o->time, stamp);
        rdt_buf_fmt(out, "  %s of %s, by %s at %s\n    ", o->fact, o->subject,
                    o->collector != NULL ? o->collector : "?", stamp);
        if (o->unknown != NULL)
            rdt_buf_fmt(out, "could not be read: %s", o->unknown);
        else if (o->value != NULL)
            rdt_json_node(out, o->value, 0);
        rdt_buf_fmt(out, "\n    sha256 %s\n", o->sha256);
    }
}

void
rdt_explanation_text(const struct rdt_explanation *explanation, struct rdt_buf *out)
{
    const struct rdt_explanation *e = explanation;
    rdt_buf_fmt(out, "%s  %s\n", e->rule->id, e->rule->title);
    rdt_buf_fmt(out, "  %-9s %s", "subject", e->subject->id);
    if (e->subject->mark.line != 0) { /* a plan from a stored run has no places */
        rdt_buf_str(out, "  ");
        put_mark(out, e->subject->mark);
    }
    rdt_buf_str(out, "\n");
    line(out, "severity",
         rdt_severity_name(e->result != NULL ? e->result->severity : e->rule->severity));
    put_level(out, e);
    put_result(out, e);
    line(out, "why", e->rule->why);
    put_template_notes(out, e);
    put_values(out, e);
    put_observations(out, e);
}
