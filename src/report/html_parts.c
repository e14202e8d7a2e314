/*
 * html_parts.c - the pieces that repeat, and the sections about the run: findings, compliance, what
 * runs out when.
 */
#include "base/clock.h"
#include "report/html_internal.h"
#include "report/markup_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define FINDINGS_MAX 500 /* rows of one verdict; the rest are counted */
#define SUBJECTS_MAX 12  /* named beside a rule */
#define RULES_MAX 8      /* named beside a control */
#define SOON_DAYS 60     /* an end that is near */

const char *
rdt_html_style(enum rdt_verdict verdict)
{
    static const char *const styles[RDT_NVERDICTS] = {[RDT_FAIL] = "fail",
                                                      [RDT_DRIFT] = "drift",
                                                      [RDT_UNKNOWN] = "unknown",
                                                      [RDT_UNOBSERVED] = "unobserved",
                                                      [RDT_ACCEPTED] = "accepted",
                                                      [RDT_PASS] = "pass",
                                                      [RDT_NA] = "na"};
    return styles[verdict];
}

const char *
rdt_html_glyph(enum rdt_verdict verdict)
{
    static const char *const glyphs[RDT_NVERDICTS] = {[RDT_FAIL] = "\xE2\x9C\x97",
                                                      [RDT_DRIFT] = "\xE2\x89\xA0",
                                                      [RDT_UNKNOWN] = "?",
                                                      [RDT_UNOBSERVED] = "\xE2\x97\x8B",
                                                      [RDT_ACCEPTED] = "\xE2\x97\x90",
                                                      [RDT_PASS] = "\xE2\x9C\x93",
                                                      [RDT_NA] = "\xE2\x80\x93"};
    return glyphs[verdict];
}

void
rdt_html_badge(struct rdt_buf *out, enum rdt_verdict verdict)
{
    rdt_buf_fmt(out, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span>%s</span>",
                rdt_html_style(verdict), rdt_html_glyph(verdict), rdt_verdict_name(verdict));
}

void
rdt_html_tag(struct rdt_buf *out, const char *name, const char *style, const char *text)
{
    if (style == NULL)
        rdt_buf_fmt(out, "<%s>", name);
    else
        rdt_buf_fmt(out, "<%s class=\"%s\">", name, style);
    rdt_markup_text(out, text);
    rdt_buf_fmt(out, "</%s>", name);
}

void
rdt_html_place(struct rdt_buf *out, struct rdt_mark where)
{
    RDT_BUF place = {0};
    if (rdt_result_place(&place, where))
        rdt_html_tag(out, "code", NULL, rdt_buf_cstr(&place));
}

void
rdt_html_section(struct rdt_buf *out, const char *id, const char *heading, const char *lead)
{
    rdt_buf_fmt(out, "<section id=\"%s\"><header>", id);
    rdt_html_tag(out, "h2", NULL, heading);
    if (lead != NULL)
        rdt_html_tag(out, "p", NULL, lead);
    rdt_buf_str(out, "</header>\n");
}

/* ---- findings ---- */

/* The plan's own folder is said at the top of the page: its name is enough here. */
static void
short_place(struct rdt_buf *out, const struct rdt_run *run, struct rdt_mark where)
{
    const char *slash = where.file == NULL ? NULL : strrchr(where.file, '/');
    if (slash != NULL && strcmp(where.file, run->plan) == 0)
        where.file = slash + 1;
    rdt_html_place(out, where);
}

static void
finding_row(struct rdt_buf *out, const struct rdt_run *run, const struct rdt_result *r)
{
    const struct rdt_rule *rule = &run->rules[r->rule];
    rdt_buf_str(out, "<tr><td>");
    rdt_html_badge(out, r->verdict);
    rdt_buf_str(out, "</td><th scope=\"row\">");
    rdt_markup_text(out, rule->id);
    rdt_buf_fmt(out, "<span class=\"soft\">%s</span></th><td>", rdt_severity_name(r->severity));
    rdt_html_tag(out, "code", NULL, run->subjects[r->subject].id);
    rdt_buf_str(out, "</td><td>");
    rdt_markup_text(out, rdt_result_message(run, r));
    if (r->expected != NULL || r->observed != NULL) {
        rdt_buf_str(out, "<span class=\"soft\">");
        if (r->expected != NULL) {
            rdt_buf_str(out, r->verdict == RDT_DRIFT ? "plan says " : "needs ");
            rdt_markup_text(out, r->expected);
        }
        if (r->observed != NULL) {
            rdt_buf_str(out, r->expected == NULL ? "" : ", ");
            rdt_buf_str(out, r->verdict == RDT_DRIFT ? "seen " : "has ");
            rdt_markup_text(out, r->observed);
        }
        rdt_buf_str(out, "</span>");
    }
    rdt_buf_str(out, "</td><td>");
    short_place(out, run, r->where);
    rdt_buf_str(out, "</td></tr>\n");
}

static void
finding_table(struct rdt_buf *out, const struct rdt_run *run)
{
    size_t shown = 0, more = 0;
    rdt_buf_str(out,
                "<div class=\"wide findings\"><table><thead><tr><th scope=\"col\">Verdict</th><th "
                "scope=\"col\">Rule</th><th scope=\"col\">Subject</th><th "
                "scope=\"col\">What</th><th scope=\"col\">Line</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        if (!rdt_result_shown(r) || r->verdict == RDT_UNOBSERVED)
            continue;
        if (shown == FINDINGS_MAX) {
            more++;
            continue;
        }
        finding_row(out, run, r);
        shown++;
    }
    rdt_buf_str(out, "</tbody></table></div>\n");
    if (more != 0)
        rdt_buf_fmt(out, "<p class=\"soft small\">%zu more are in the JSON and CSV reports.</p>\n",
                    more);
}

/* Results of one rule stand together: one row for them; returns how many they are. */
static size_t
unobserved_row(struct rdt_buf *out, const struct rdt_run *run, size_t i)
{
    const struct rdt_result *first = &run->results[i];
    const struct rdt_rule *rule = &run->rules[first->rule];
    size_t n = 0;
    rdt_buf_str(out, "<tr><th scope=\"row\">");
    rdt_markup_text(out, rule->id);
    rdt_buf_fmt(out, "<span class=\"soft\">%s</span></th><td>", rdt_severity_name(first->severity));
    for (; i + n < run->n_results; n++) {
        const struct rdt_result *r = &run->results[i + n];
        if (r->rule != first->rule || r->verdict != RDT_UNOBSERVED)
            break;
        if (n < SUBJECTS_MAX) {
            rdt_buf_str(out, n == 0 ? "" : ", ");
            rdt_html_tag(out, "code", NULL, run->subjects[r->subject].id);
        }
    }
    if (n > SUBJECTS_MAX)
        rdt_buf_fmt(out, " and %zu more", n - SUBJECTS_MAX);
    rdt_buf_str(out, "</td><td>");
    rdt_markup_text(out, rdt_result_message(run, first));
    rdt_buf_str(out, "<span class=\"soft\">");
    rdt_observer(out, rule);
    rdt_buf_str(out, " would show it</span></td></tr>\n");
    return n;
}

static void
unobserved_table(struct rdt_buf *out, const struct rdt_run *run)
{
    rdt_buf_str(out,
                "<div class=\"wide findings\"><table><thead><tr><th scope=\"col\">Rule</th><th "
                "scope=\"col\">Subjects</th><th scope=\"col\">What is missing</th></tr>"
                "</thead><tbody>\n");
    for (size_t i = 0; i < run->n_results;)
        i += run->results[i].verdict == RDT_UNOBSERVED ? unobserved_row(out, run, i) : 1;
    rdt_buf_str(out, "</tbody></table></div>\n");
}

void
rdt_html_findings(struct rdt_buf *out, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    size_t n = run->count[RDT_FAIL] + run->count[RDT_DRIFT] + run->count[RDT_UNKNOWN] +
               run->count[RDT_ACCEPTED];
    rdt_html_section(out, "findings", "Findings",
                     "One defect makes one finding, with the line to change.");
    if (n != 0)
        finding_table(out, run);
    else
        rdt_html_tag(out, "p", "empty", "No check fails, drifts, is undecided or accepted.");
    if (run->count[RDT_UNOBSERVED] != 0) {
        rdt_buf_str(out, "<details><summary>");
        rdt_html_badge(out, RDT_UNOBSERVED);
        rdt_buf_fmt(out, "<span>%zu that only the plan speaks for</span></summary>\n",
                    run->count[RDT_UNOBSERVED]);
        unobserved_table(out, run);
        rdt_buf_str(out, "</details>\n");
    }
    rdt_buf_str(out, "</section>\n");
}

/* ---- compliance ---- */

static const struct {
    const char *style;
    enum rdt_verdict looks;
} states[] = {
    [RDT_MET] = {"met",      RDT_PASS      },
    [RDT_NOT_MET] = {"notmet",   RDT_FAIL      },
    [RDT_UNPROVEN] = {"unproven", RDT_UNOBSERVED},
    [RDT_NOT_APPLICABLE] = {"na",       RDT_NA        },
};

static void
state_badge(struct rdt_buf *out, enum rdt_control_state state)
{
    enum rdt_verdict looks = states[state].looks;
    rdt_buf_fmt(out, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span>%s</span>",
                rdt_html_style(looks), rdt_html_glyph(looks), rdt_control_state_name(state));
}

/* What the state rests on: for a control that is met what covers it, else what holds it back. */
static void
control_rules(struct rdt_buf *out, const struct rdt_control *control)
{
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < control->n_rules; i++) {
        const struct rdt_control_rule *rule = &control->rules[i];
        bool good = rule->verdict == RDT_PASS || rule->verdict == RDT_ACCEPTED;
        bool tells =
            control->state == RDT_MET ? good && rule->covers : !good && rule->verdict != RDT_NA;
        if (!tells)
            continue;
        if (shown == RULES_MAX) {
            more++;
            continue;
        }
        rdt_buf_str(out, shown++ == 0 ? "" : ", ");
        rdt_markup_text(out, rule->rule);
        rdt_buf_fmt(out, " %s",
                    good ? rdt_assurance_word(rule->assurance) : rdt_verdict_name(rule->verdict));
        if (!rule->covers)
            rdt_buf_str(out, " (supports)");
    }
    if (more != 0)
        rdt_buf_fmt(out, ", %zu more", more);
    if (shown == 0 && control->state == RDT_UNPROVEN)
        rdt_buf_str(out, "no rule that would show it alone");
}

static void
control_row(struct rdt_buf *out, const struct rdt_control *control)
{
    rdt_buf_str(out, "<tr><th scope=\"row\" class=\"mono\">");
    rdt_markup_text(out, control->id);
    rdt_buf_str(out, "</th><td>");
    state_badge(out, control->state);
    rdt_buf_str(out, "</td><td>");
    rdt_markup_text(out, control->title);
    if (!control->verified)
        rdt_buf_str(out, "<span class=\"soft\">id not read in a licensed text</span>");
    if (control->note != NULL)
        rdt_html_tag(out, "span", "soft", control->note);
    rdt_buf_str(out, "</td><td class=\"small\">");
    control_rules(out, control);
    rdt_buf_str(out, "</td></tr>\n");
}

static void
framework(struct rdt_buf *out, const struct rdt_framework *f)
{
    static const enum rdt_control_state order[] = {RDT_NOT_MET, RDT_UNPROVEN, RDT_MET,
                                                   RDT_NOT_APPLICABLE};
    size_t count[RDT_COUNT(order)] = {0};
    for (size_t i = 0; i < f->n_controls; i++)
        count[f->controls[i].state]++;
    size_t due = f->n_controls - count[RDT_NOT_APPLICABLE];
    rdt_buf_str(out, "<div class=\"framework\"><header>");
    rdt_html_tag(out, "h3", NULL, f->title);
    rdt_buf_str(out, "<div class=\"track\">");
    static const enum rdt_control_state bar[] = {RDT_MET, RDT_NOT_MET, RDT_UNPROVEN};
    for (size_t i = 0; i < RDT_COUNT(bar); i++) {
        if (count[bar[i]] == 0)
            continue;
        rdt_buf_fmt(out, "<i class=\"%s\" style=\"width:%.1f%%\"></i>", states[bar[i]].style,
                    100.0 * (double)count[bar[i]] / (double)due);
    }
    rdt_buf_str(out, "</div><p>");
    for (size_t i = 0; i < RDT_COUNT(order); i++)
        rdt_buf_fmt(out, "<span>%zu %s</span>", count[order[i]], rdt_control_state_name(order[i]));
    rdt_buf_str(out, "</p></header>\n<div class=\"wide\"><table><thead><tr><th "
                     "scope=\"col\">Control</th><th scope=\"col\">State</th><th "
                     "scope=\"col\">What it asks</th><th scope=\"col\">Rests on</th></tr></thead>"
                     "<tbody>\n");
    for (size_t s = 0; s < RDT_COUNT(order); s++) {
        for (size_t i = 0; i < f->n_controls; i++) {
            if (f->controls[i].state == order[s])
                control_row(out, &f->controls[i]);
        }
    }
    rdt_buf_str(out, "</tbody></table></div></div>\n");
}

void
rdt_html_compliance(struct rdt_buf *out, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    size_t shown = 0;
    rdt_html_section(out, "compliance", "Compliance",
                     "A control is met when a rule that covers it passes at A2 or better wherever "
                     "it applies, and none fails. What nobody has shown is unproven.");
    for (size_t i = 0; i < run->n_frameworks; i++) {
        const struct rdt_framework *f = &run->frameworks[i];
        if (view->framework == NULL ? !f->chosen : f != view->framework)
            continue;
        framework(out, f);
        shown++;
    }
    if (shown == 0)
        rdt_html_tag(out, "p", "empty",
                     "The plan names no framework. List some under frameworks to see them here.");
    rdt_buf_str(out, "</section>\n");
}

/* ---- what runs out when ---- */

struct dated {
    const struct rdt_subject *subject;
    int64_t ends;
};

static int
by_end(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->ends != y->ends)
        return x->ends < y->ends ? -1 : 1;
    return x->subject < y->subject ? -1 : x->subject > y->subject;
}

static size_t
gather(const struct rdt_plan *plan, enum rdt_section section, struct dated *into)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_section(plan, section, &n);
    for (size_t i = 0; into != NULL && i < n; i++) {
        into[i].subject = &subjects[i];
        into[i].ends = (int64_t)rdt_node_number(subjects[i].node, "expires", 0);
    }
    return n;
}

static void
covers(struct rdt_buf *out, const struct rdt_subject *subject)
{
    const struct rdt_node *list = rdt_node_get(subject->node, "covers");
    if (subject->section == RDT_EXCEPTIONS) {
        rdt_markup_text(out, rdt_node_str(subject->node, "rule"));
        rdt_buf_str(out, " on ");
        rdt_html_tag(out, "code", NULL, rdt_node_str(subject->node, "subject"));
        rdt_html_tag(out, "span", "soft", rdt_node_str(subject->node, "reason"));
        return;
    }
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        rdt_buf_str(out, i == 0 ? "" : ", ");
        rdt_markup_text(out, rdt_node_text(list->members[i].node));
    }
    rdt_html_tag(out, "span", "soft", rdt_node_str(subject->node, "statement"));
}

static void
calendar_row(struct rdt_buf *out, const struct dated *item, int64_t today)
{
    const struct rdt_subject *subject = item->subject;
    bool exception = subject->section == RDT_EXCEPTIONS;
    int64_t left = item->ends - today;
    char date[RDT_DATE_TEXT];
    rdt_date_text(item->ends, date);
    rdt_buf_str(out, "<tr><th scope=\"row\">");
    rdt_markup_text(out, subject->name);
    rdt_buf_fmt(out, "<span class=\"soft\">%s</span></th><td>",
                exception ? "exception" : "attestation");
    covers(out, subject);
    rdt_buf_str(out, "</td><td>");
    rdt_markup_text(out, rdt_node_str(subject->node, exception ? "owner" : "by"));
    rdt_buf_fmt(out, "</td><td>%s<span class=\"soft\">", date);
    if (left < 0)
        rdt_buf_fmt(out, "ran out %" PRId64 " days ago", -left);
    else
        rdt_buf_fmt(out, "%" PRId64 " days left", left);
    rdt_buf_str(out, "</span></td><td>");
    enum rdt_verdict looks = left < 0 ? RDT_FAIL : left <= SOON_DAYS ? RDT_UNKNOWN : RDT_ACCEPTED;
    rdt_buf_fmt(out, "<span class=\"badge %s\">%s</span></td></tr>\n", rdt_html_style(looks),
                left < 0            ? "ended"
                : left <= SOON_DAYS ? "ends soon"
                                    : "in force");
}

void
rdt_html_calendar(struct rdt_buf *out, const struct rdt_view *view)
{
    size_t n = gather(view->plan, RDT_EXCEPTIONS, NULL);
    size_t m = gather(view->plan, RDT_ATTESTATIONS, NULL);
    rdt_html_section(out, "calendar", "Exceptions and attestations",
                     "What people have accepted or vouched for, the next to run out first.");
    struct dated *items = calloc(n + m + 1, sizeof *items);
    if (items == NULL) {
        out->failed = true;
        return;
    }
    gather(view->plan, RDT_EXCEPTIONS, items);
    gather(view->plan, RDT_ATTESTATIONS, items + n);
    qsort(items, n + m, sizeof *items, by_end);
    if (n + m == 0)
        rdt_html_tag(out, "p", "empty", "There are none.");
    else
        rdt_buf_str(out,
                    "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Id</th><th "
                    "scope=\"col\">Covers</th><th scope=\"col\">Who</th><th "
                    "scope=\"col\">Ends</th><th scope=\"col\">State</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n + m; i++)
        calendar_row(out, &items[i], view->run->time / RDT_DAY_S);
    rdt_buf_str(out, n + m == 0 ? "</section>\n" : "</tbody></table></div></section>\n");
    free(items);
}
