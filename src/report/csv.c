/*
 * csv.c - RFC 4180: one row for each subject, rule and control. A cell that a spreadsheet would
 * take for a formula gets a quote mark in front.
 */
#include "base/text.h"
#include "report/view_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* ASCII, and the wide forms that spreadsheets of East Asia take for the same. */
static bool
is_formula(const char *text)
{
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
                                       "\xEF\xBC\xA0"};
    if (strchr("=+-@\t\r\n", text[0]) != NULL)
        return true;
    for (size_t i = 0; i < RDT_COUNT(wide); i++)
        if (strncmp(text, wide[i], 3) == 0)
            return true;
    return false;
}

static void
cell(struct rdt_buf *out, bool first, const char *text)
{
    if (!first)
        rdt_buf_add(out, ",", 1);
    if (text == NULL || *text == '\0')
        return;
    bool formula = is_formula(text), quoted = formula || strpbrk(text, ",;\"\r\n") != NULL;
    struct rdt_span all = rdt_span_str(text);
    size_t from = 0; /* what follows is copied as it is */
    rdt_buf_str(out, formula ? "\"'" : quoted ? "\"" : "");
    for (size_t i = 0, n = 1; i < all.n; i += n) {
        bool fit = false, line = text[i] == '\t' || text[i] == '\r' || text[i] == '\n';
        n = rdt_text_step((struct rdt_span){all.p + i, all.n - i}, &fit);
        if ((fit || line) && text[i] != '"')
            continue;
        rdt_buf_add(out, text + from, i - from);
        rdt_buf_str(out, fit ? "\"\"" : "?");
        from = i + n;
    }
    rdt_buf_add(out, text + from, all.n - from);
    rdt_buf_str(out, quoted ? "\"" : "");
}

static void
number(struct rdt_buf *out, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    cell(out, false, value == 0 ? "" : text);
}

static void
end_row(struct rdt_buf *out)
{
    rdt_buf_add(out, "\r\n", 2);
}

/* The cells that both tables end with. */
static void
result_cells(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_result *r)
{
    const struct rdt_rule *rule = &view->run->rules[r->rule];
    cell(out, false, rule->id);
    cell(out, false, rule->title);
    cell(out, false, rdt_severity_name(r->severity));
    cell(out, false, view->run->subjects[r->subject].id);
    cell(out, false, rdt_level_name(view->run->subjects[r->subject].level));
    cell(out, false, rdt_verdict_name(r->verdict));
    cell(out, false, rdt_assurance_name(r->assurance));
    cell(out, false, r->message);
    cell(out, false, r->observed);
    cell(out, false, r->expected);
    cell(out, false, r->where.file);
    number(out, r->where.line);
    number(out, r->where.column);
    cell(out, false, rule->fix);
    cell(out, false, r->exception);
}

#define RESULT_HEADER                                                                              \
    "rule,title,severity,subject,level,verdict,assurance,message,observed,expected,file,line,"     \
    "column,fix,exception\r\n"

static void
finding_row(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_result *r,
            const char *control)
{
    cell(out, true, view->stamp);
    cell(out, false, view->run->env);
    cell(out, false, control);
    result_cells(out, view, r);
    end_row(out);
}

static void
findings(struct rdt_buf *out, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    rdt_buf_str(out, "time,environment,control," RESULT_HEADER);
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        const struct rdt_strings *controls = &run->rules[r->rule].controls;
        if (!view->report->all && !rdt_result_shown(r))
            continue;
        for (size_t k = 0; k < controls->n && !out->failed; k++)
            finding_row(out, view, r, controls->at[k]);
        if (controls->n == 0)
            finding_row(out, view, r, NULL);
    }
}

static void
control_row(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_control *control,
            const struct rdt_control_rule *rule)
{
    cell(out, true, view->stamp);
    cell(out, false, view->run->env);
    cell(out, false, view->framework->title);
    cell(out, false, control->id);
    cell(out, false, control->title);
    cell(out, false, rdt_control_state_name(control->state));
    cell(out, false, rule == NULL ? NULL : rule->covers ? "covers" : "supports");
}

/* Results by rule: first[rule] to first[rule + 1] in at. */
struct by_rule {
    uint32_t *first, *at;
};

static bool
sort_by_rule(struct rdt_view *view, struct by_rule *by)
{
    const struct rdt_run *run = view->run;
    by->first = rdt_arena_new(&view->arena, (run->n_rules + 3) * sizeof *by->first);
    by->at = rdt_arena_new(&view->arena, (run->n_results + 1) * sizeof *by->at);
    if (by->first == NULL || by->at == NULL)
        return false;
    /* counted two places on: filling moves each start to where it belongs */
    for (size_t i = 0; i < run->n_results; i++)
        by->first[run->results[i].rule + 2]++;
    for (size_t r = 2; r < run->n_rules + 2; r++)
        by->first[r] += by->first[r - 1];
    for (size_t i = 0; i < run->n_results; i++)
        by->at[by->first[run->results[i].rule + 1]++] = (uint32_t)i;
    return true;
}

static void
control_rule(struct rdt_buf *out, const struct rdt_view *view, const struct by_rule *by,
             const struct rdt_control *control, const struct rdt_control_rule *rule)
{
    uint32_t which = rdt_names_get(&view->rules, rule->rule);
    if (which == RDT_NOWHERE)
        return;
    for (uint32_t i = by->first[which]; i < by->first[which + 1] && !out->failed; i++) {
        control_row(out, view, control, rule);
        result_cells(out, view, &view->run->results[by->at[i]]);
        end_row(out);
    }
}

/* An auditor's table: the whole population of each control, passes too. */
static void
compliance(struct rdt_buf *out, const struct rdt_view *view, const struct by_rule *by)
{
    const struct rdt_framework *f = view->framework;
    rdt_buf_str(
        out,
        "time,environment,framework,control,control_title,control_state,strength," RESULT_HEADER);
    for (size_t i = 0; i < f->n_controls; i++) {
        for (size_t k = 0; k < f->controls[i].n_rules; k++)
            control_rule(out, view, by, &f->controls[i], &f->controls[i].rules[k]);
        if (f->controls[i].n_rules == 0) {
            control_row(out, view, &f->controls[i], NULL);
            rdt_buf_str(out, ",,,,,,,,,,,,,,,");
            end_row(out);
        }
    }
}

enum rdt_code
rdt_render_csv(struct rdt_view *view, struct rdt_buf *out, struct rdt_err *err)
{
    struct by_rule by = {0};
    if (view->framework == NULL)
        findings(out, view);
    else if (sort_by_rule(view, &by))
        compliance(out, view, &by);
    else
        return rdt_fail(err, RDT_E_NOMEM, "report");
    return RDT_OK;
}
