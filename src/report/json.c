/*
 * json.c - a run as JSON: docs/formats/run.md. What is stored is the same document with more
 * members; stored.c reads it back, and the two must agree.
 */
#include "codec/json.h"

#include "base/clock.h"
#include "report/jw_internal.h"
#include "report/view_internal.h"

static void
write_head(struct rdt_jw *w, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    rdt_jw_int(w, "redoubt", 1);
    rdt_jw_line(w);
    rdt_jw_open(w, "run", '{');
    rdt_jw_text(w, "id", run->id);
    rdt_jw_text(w, "time", view->stamp);
    rdt_jw_text(w, "plan", run->plan);
    rdt_jw_text(w, "product", run->product);
    rdt_jw_text(w, "env", run->env);
    rdt_jw_text(w, "version", run->version);
    rdt_jw_bool(w, "live", run->live);
    rdt_jw_close(w, '}');
    rdt_jw_line(w);
    rdt_jw_open(w, "summary", '{');
    for (unsigned v = 0; v < RDT_NVERDICTS; v++)
        rdt_jw_int(w, rdt_verdict_name(v), (int64_t)run->count[v]);
    rdt_jw_int(w, "planned", (int64_t)run->planned);
    rdt_jw_int(w, "observed", (int64_t)run->observed);
    rdt_jw_close(w, '}');
    rdt_jw_line(w);
    rdt_jw_strings(w, "notes", &run->notes);
}

static void
write_rows(struct rdt_jw *w, const struct rdt_run *run)
{
    rdt_jw_line(w);
    rdt_jw_open(w, "rows", '[');
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct rdt_row *row = &run->rows[i];
        rdt_jw_line(w);
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "id", row->id);
        rdt_jw_text(w, "title", row->title);
        rdt_jw_int(w, "part", row->part);
        rdt_jw_text(w, "checklist", row->checklist);
        rdt_jw_text(w, "verdict", rdt_verdict_name(row->verdict));
        rdt_jw_text(w, "assurance", rdt_assurance_name(row->assurance));
        rdt_jw_strings(w, "by", &row->by);
        rdt_jw_strings(w, "broken", &row->broken);
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
}

static void
write_where(struct rdt_jw *w, const char *key, struct rdt_mark where)
{
    if (where.file == NULL)
        return;
    rdt_jw_open(w, key, '{');
    rdt_jw_text(w, "file", where.file);
    rdt_jw_int(w, "line", where.line);
    rdt_jw_int(w, "column", where.column);
    rdt_jw_close(w, '}');
}

static void
write_rollups(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *result)
{
    rdt_jw_open(w, "rollups", '[');
    uint32_t at = rdt_view_rollups(view, result);
    for (; at != RDT_NOWHERE; at = view->links[at].next)
        rdt_jw_text(w, NULL, view->links[at].row);
    rdt_jw_close(w, ']');
}

static void
write_bare(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *result)
{
    const struct rdt_rule *rule = &view->run->rules[result->rule];
    rdt_jw_line(w);
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "rule", rule->id);
    rdt_jw_text(w, "severity", rdt_severity_name(result->severity));
    rdt_jw_text(w, "subject", view->run->subjects[result->subject].id);
    rdt_jw_text(w, "verdict", rdt_verdict_name(result->verdict));
    if (result->verdict == RDT_ACCEPTED)
        rdt_jw_text(w, "before", rdt_verdict_name(result->before));
    rdt_jw_text(w, "assurance", rdt_assurance_name(result->assurance));
    rdt_jw_text(w, "message", rdt_result_message(view->run, result));
    write_where(w, "where", result->where);
    rdt_jw_text(w, "observed", result->observed);
    rdt_jw_text(w, "expected", result->expected);
    rdt_jw_strings(w, "evidence", &result->evidence);
    rdt_jw_text(w, "exception", result->exception);
}

/* In a stored run: what follows from rules and rows is written there, once. */
static void
write_stored_result(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *result)
{
    write_bare(w, view, result);
    rdt_jw_close(w, '}');
}

/* For other tools: complete in itself. What all findings of a rule share is made once (shared). */
static void
write_finding(struct rdt_jw *w, struct rdt_view *view, const struct rdt_result *result,
              struct rdt_span *shared)
{
    const struct rdt_rule *rule = &view->run->rules[result->rule];
    struct rdt_span *own = &shared[result->rule];
    write_bare(w, view, result);
    if (own->p == NULL) {
        RDT_BUF text = {0};
        struct rdt_jw once = {.out = &text};
        rdt_jw_text(&once, "fix", rule->fix);
        rdt_jw_strings(&once, "controls", &rule->controls);
        own->n = text.n;
        own->p = (const uint8_t *)rdt_arena_str(&view->arena, rdt_buf_span(&text));
    }
    rdt_jw_raw(w, *own);
    write_rollups(w, view, result);
    rdt_jw_close(w, '}');
}

/* Which rules count: all, or those that the framework asked for maps. NULL: all. */
static bool *
chosen_rules(struct rdt_view *view)
{
    const struct rdt_framework *f = view->framework;
    if (f == NULL)
        return NULL;
    bool *chosen = rdt_arena_new(&view->arena, view->run->n_rules + 1);
    for (size_t i = 0; chosen != NULL && i < f->n_controls; i++) {
        for (size_t k = 0; k < f->controls[i].n_rules; k++) {
            uint32_t rule = rdt_names_get(&view->rules, f->controls[i].rules[k].rule);
            if (rule != RDT_NOWHERE)
                chosen[rule] = true;
        }
    }
    return chosen;
}

static enum rdt_code
write_findings(struct rdt_jw *w, struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    const bool *chosen = chosen_rules(view);
    struct rdt_span *shared = rdt_arena_new(&view->arena, (run->n_rules + 1) * sizeof *shared);
    if (shared == NULL || (chosen == NULL && view->framework != NULL))
        return RDT_E_NOMEM;
    rdt_jw_line(w);
    rdt_jw_open(w, "findings", '[');
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *result = &run->results[i];
        bool wanted = view->report->all || rdt_result_shown(result);
        if (wanted && (chosen == NULL || chosen[result->rule]))
            write_finding(w, view, result, shared);
    }
    rdt_jw_close(w, ']');
    return RDT_OK;
}

/* What people read one by one; the rest is often alike and stands under `grouped`. */
static bool
stands_alone(const struct rdt_result *result)
{
    return rdt_result_shown(result) && result->verdict != RDT_UNOBSERVED;
}

static void
write_stored_findings(struct rdt_jw *w, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    rdt_jw_line(w);
    rdt_jw_open(w, "findings", '[');
    for (size_t i = 0; i < run->n_results; i++) {
        if (stands_alone(&run->results[i]))
            write_stored_result(w, view, &run->results[i]);
    }
    rdt_jw_close(w, ']');
}

static void
write_control(struct rdt_jw *w, const struct rdt_control *control)
{
    rdt_jw_line(w);
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "id", control->id);
    rdt_jw_text(w, "title", control->title);
    rdt_jw_text(w, "note", control->note);
    rdt_jw_bool(w, "verified", control->verified);
    rdt_jw_text(w, "state", rdt_control_state_name(control->state));
    rdt_jw_open(w, "rules", '[');
    for (size_t i = 0; i < control->n_rules; i++) {
        const struct rdt_control_rule *rule = &control->rules[i];
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "rule", rule->rule);
        rdt_jw_text(w, "strength", rule->covers ? "covers" : "supports");
        rdt_jw_text(w, "verdict", rdt_verdict_name(rule->verdict));
        rdt_jw_text(w, "assurance", rdt_assurance_name(rule->assurance));
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
    rdt_jw_close(w, '}');
}

static void
write_frameworks(struct rdt_jw *w, const struct rdt_view *view, bool stored)
{
    rdt_jw_line(w);
    rdt_jw_open(w, "frameworks", '[');
    for (size_t i = 0; i < view->run->n_frameworks; i++) {
        const struct rdt_framework *f = &view->run->frameworks[i];
        bool wanted =
            view->framework != NULL ? f == view->framework : f->chosen || view->report->all;
        if (!wanted && !stored)
            continue;
        rdt_jw_line(w);
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "id", f->id);
        rdt_jw_text(w, "edition", f->edition);
        rdt_jw_text(w, "title", f->title);
        rdt_jw_text(w, "published", f->published);
        rdt_jw_bool(w, "chosen", f->chosen);
        rdt_jw_bool(w, "default", f->is_default);
        rdt_jw_strings(w, "notes", &f->notes);
        rdt_jw_open(w, "controls", '[');
        for (size_t k = 0; k < f->n_controls; k++)
            write_control(w, &f->controls[k]);
        rdt_jw_close(w, ']');
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
}

static void
write_observations(struct rdt_jw *w, const struct rdt_evidence *evidence)
{
    char stamp[RDT_STAMP_TEXT];
    rdt_jw_line(w);
    rdt_jw_open(w, "observations", '[');
    for (size_t i = 0; evidence != NULL && i < evidence->n; i++) {
        const struct rdt_observation *o = &evidence->items[i];
        rdt_stamp_text(o->time, stamp);
        rdt_jw_line(w);
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "subject", o->subject);
        rdt_jw_text(w, "fact", o->fact);
        rdt_jw_text(w, "collector", o->collector);
        rdt_jw_text(w, "time", stamp);
        rdt_jw_text(w, "unknown", o->unknown);
        if (o->value != NULL)
            rdt_jw_node(w, "value", o->value);
        rdt_jw_text(w, "raw", o->raw);
        rdt_jw_text(w, "sha256", o->sha256);
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
}

static void
write_rules(struct rdt_jw *w, const struct rdt_run *run)
{
    rdt_jw_line(w);
    rdt_jw_open(w, "rules", '[');
    for (size_t i = 0; i < run->n_rules; i++) {
        const struct rdt_rule *rule = &run->rules[i];
        rdt_jw_line(w);
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "id", rule->id);
        rdt_jw_text(w, "title", rule->title);
        rdt_jw_text(w, "why", rule->why);
        rdt_jw_text(w, "fix", rule->fix);
        rdt_jw_text(w, "pack", rule->pack);
        rdt_jw_text(w, "severity", rdt_severity_name(rule->severity));
        rdt_jw_int(w, "decided", rule->decided);
        rdt_jw_strings(w, "source", &rule->source);
        rdt_jw_strings(w, "subjects", &rule->subjects);
        rdt_jw_strings(w, "controls", &rule->controls);
        rdt_jw_strings(w, "rollups", &rule->rollups);
        rdt_jw_text(w, "disabled", rule->disabled);
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
}

static void
write_subjects(struct rdt_jw *w, const struct rdt_run *run)
{
    rdt_jw_line(w);
    rdt_jw_open(w, "subjects", '[');
    for (size_t i = 0; i < run->n_subjects; i++) {
        const struct rdt_run_subject *subject = &run->subjects[i];
        rdt_jw_line(w);
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "id", subject->id);
        if (subject->level != RDT_LEVEL_NONE)
            rdt_jw_text(w, "level", rdt_level_name(subject->level));
        rdt_jw_text(w, "level_from", subject->level_from);
        write_where(w, "where", subject->where);
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, ']');
}

/* Says no more than rule, verdict, assurance and message: such results share one record. */
static bool
is_plain(const struct rdt_run *run, const struct rdt_result *r)
{
    const struct rdt_mark *own = &run->subjects[r->subject].where;
    bool same_file = r->where.file == own->file || (r->where.file != NULL && own->file != NULL &&
                                                    strcmp(r->where.file, own->file) == 0);
    return r->observed == NULL && r->expected == NULL && r->exception == NULL &&
           r->evidence.n == 0 && r->severity == run->rules[r->rule].severity && same_file &&
           r->where.line == own->line && r->where.column == own->column;
}

static bool
alike(const struct rdt_result *a, const struct rdt_result *b)
{
    bool same_text = a->message == b->message || (a->message != NULL && b->message != NULL &&
                                                  strcmp(a->message, b->message) == 0);
    return a->rule == b->rule && a->verdict == b->verdict && a->assurance == b->assurance &&
           same_text;
}

static void
open_group(struct rdt_jw *w, const struct rdt_run *run, const struct rdt_result *result)
{
    rdt_jw_line(w);
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "rule", run->rules[result->rule].id);
    rdt_jw_text(w, "verdict", rdt_verdict_name(result->verdict));
    rdt_jw_text(w, "assurance", rdt_assurance_name(result->assurance));
    rdt_jw_text(w, "message", result->message);
    rdt_jw_open(w, "subjects", '[');
}

static void
write_grouped(struct rdt_jw *w, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    const struct rdt_result *group = NULL;
    rdt_jw_line(w);
    rdt_jw_open(w, "grouped", '[');
    for (size_t i = 0; i <= run->n_results; i++) {
        const struct rdt_result *result = i < run->n_results ? &run->results[i] : NULL;
        if (result != NULL && stands_alone(result))
            continue;
        bool plain = result != NULL && is_plain(run, result);
        if (group != NULL && (!plain || !alike(group, result))) {
            rdt_jw_close(w, ']');
            rdt_jw_close(w, '}');
            group = NULL;
        }
        if (plain && group == NULL) {
            open_group(w, run, result);
            group = result;
        }
        if (plain)
            rdt_jw_text(w, NULL, run->subjects[result->subject].id);
        else if (result != NULL)
            write_stored_result(w, view, result);
    }
    rdt_jw_close(w, ']');
}

/*
 * The resolved plan, less what was already applied: a stored run must not read files again
 * (include), nor be patched twice (environments).
 */
static void
write_plan(struct rdt_jw *w, const struct rdt_plan *plan)
{
    const struct rdt_node *root = rdt_plan_root(plan);
    rdt_jw_line(w);
    rdt_jw_open(w, "plan_document", '{');
    for (size_t i = 0; i < root->n; i++) {
        const struct rdt_member *m = &root->members[i];
        if (rdt_span_is(m->key, "include"))
            continue;
        rdt_jw_line(w);
        if (!rdt_span_is(m->key, "environments") || m->node->kind != RDT_NODE_MAP) {
            rdt_jw_node(w, (const char *)m->key.p, m->node);
            continue;
        }
        rdt_jw_open(w, "environments", '{');
        for (size_t k = 0; k < m->node->n; k++) {
            const struct rdt_member *env = &m->node->members[k];
            rdt_jw_open(w, (const char *)env->key.p, '{');
            rdt_jw_text(w, "targets", rdt_node_str(env->node, "targets"));
            rdt_jw_close(w, '}');
        }
        rdt_jw_close(w, '}');
    }
    rdt_jw_close(w, '}');
}

enum rdt_code
rdt_render_json(struct rdt_view *view, bool stored, struct rdt_buf *out, struct rdt_err *err)
{
    struct rdt_jw w = {.out = out};
    rdt_jw_open(&w, NULL, '{');
    write_head(&w, view);
    if (view->framework == NULL || stored)
        write_rows(&w, view->run);
    if (stored)
        write_stored_findings(&w, view);
    else if (write_findings(&w, view) != RDT_OK)
        return rdt_fail(err, RDT_E_NOMEM, "report");
    write_frameworks(&w, view, stored);
    write_observations(&w, view->report->evidence);
    if (stored) {
        write_rules(&w, view->run);
        write_subjects(&w, view->run);
        write_grouped(&w, view);
        write_plan(&w, view->plan);
    }
    rdt_buf_str(out, "\n}\n");
    return RDT_OK;
}
