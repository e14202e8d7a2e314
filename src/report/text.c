/*
 * text.c - a run for a person at a terminal. One glance answers: what is wrong, which line do I
 * change. What is wrong comes first and in full; what was only not looked at is summed up by rule.
 */
#include "base/clock.h"
#include "report/text_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define LISTED_MAX 200 /* findings shown in full unless all are asked for */
#define NAMED_MAX 3    /* subjects named where findings are summed up */
#define BODY 7         /* column where the words of a finding begin */
#define NAMES 29       /* column of subjects beside a rule */

struct text {
    struct rdt_page page;
    const struct rdt_view *view;
    const struct rdt_run *run;
};

static const char *
severity_mark(enum rdt_severity severity)
{
    static const char *const marks[] = {"i", "!", "!!", "!!!", "!!!!"};
    return severity < RDT_COUNT(marks) ? marks[severity] : "?";
}

/* Findings that mean work: info never fails a run. */
static size_t
wrong_things(const struct rdt_run *run)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        n += (r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT) && r->severity != RDT_INFO;
    }
    return n;
}

static size_t
checks(const struct rdt_run *run)
{
    return run->n_results - run->count[RDT_NA];
}

static void
headline(struct text *t)
{
    const struct rdt_run *run = t->run;
    struct rdt_page *page = &t->page;
    size_t wrong = wrong_things(run);
    rdt_page_words(page, 0, RDT_BOLD, run->product);
    rdt_page_fmt(page, 0, RDT_PLAIN, " (%s%s%s) on %s:", run->plan,
                 run->env == NULL ? "" : ", environment ", run->env == NULL ? "" : run->env,
                 t->view->date);
    if (wrong != 0)
        rdt_page_fmt(page, 0, RDT_RED, " %zu %s wrong.", wrong,
                     wrong == 1 ? "thing is" : "things are");
    else if (run->count[RDT_UNKNOWN] != 0)
        rdt_page_fmt(page, 0, RDT_YELLOW,
                     " nothing is known to be wrong, %zu could not be decided.",
                     run->count[RDT_UNKNOWN]);
    else if (run->count[RDT_FAIL] + run->count[RDT_DRIFT] != 0) /* of severity info */
        rdt_page_fmt(page, 0, RDT_GREEN, " clean, %zu checks on %zu subjects, %zu to know about.",
                     checks(run), run->n_subjects, run->count[RDT_FAIL] + run->count[RDT_DRIFT]);
    else
        rdt_page_fmt(page, 0, RDT_GREEN, " clean, %zu checks on %zu subjects, nothing fails.",
                     checks(run), run->n_subjects);
    rdt_page_line(page);
}

static void
section(struct text *t, enum rdt_verdict verdict, const char *word, const char *about)
{
    rdt_page_line(&t->page);
    rdt_page_words(&t->page, 0, RDT_BOLD, word);
    rdt_page_fmt(&t->page, 0, RDT_PLAIN, " %zu%s%s", t->run->count[verdict],
                 *about == '\0' ? "" : ": ", about);
    rdt_page_line(&t->page);
}

/* A value is shown where the message has not said it already; a drift shows both, always. */
static void
values(struct text *t, const struct rdt_result *r)
{
    bool drift = r->verdict == RDT_DRIFT;
    const char *message = rdt_result_message(t->run, r);
    const char *want = r->expected, *seen = r->observed;
    if (want != NULL && !drift && strstr(message, want) != NULL)
        want = NULL;
    if (seen != NULL && !drift && strstr(message, seen) != NULL)
        seen = NULL;
    if (want != NULL)
        rdt_page_fmt(&t->page, BODY, RDT_PLAIN, ", %s %s", drift ? "plan says" : "needs", want);
    if (seen != NULL)
        rdt_page_fmt(&t->page, BODY, RDT_PLAIN, "%s %s %s", ",", drift ? "seen" : "has", seen);
}

static void
place_and_values(struct text *t, const struct rdt_result *r)
{
    RDT_BUF where = {0};
    rdt_page_indent(&t->page, BODY);
    if (rdt_result_place(&where, r->where) && rdt_buf_cstr(&where) != NULL)
        rdt_page_fmt(&t->page, BODY, RDT_BOLD, "%s", rdt_buf_cstr(&where));
    values(t, r);
    if (t->page.begun)
        rdt_page_line(&t->page);
}

static void
finding(struct text *t, const struct rdt_result *r)
{
    struct rdt_page *page = &t->page;
    enum rdt_paint paint = rdt_verdict_paint(r->verdict);
    rdt_page_indent(page, 2);
    rdt_page_fmt(page, BODY, paint, "%s", severity_mark(r->severity));
    rdt_page_indent(page, BODY);
    rdt_page_fmt(page, BODY, paint, "%s", rdt_verdict_name(r->verdict));
    rdt_page_fmt(page, BODY, RDT_BOLD, " %s", t->run->rules[r->rule].id);
    rdt_page_fmt(page, BODY, RDT_PLAIN, " on %s (%s)", t->run->subjects[r->subject].id,
                 rdt_severity_name(r->severity));
    rdt_page_line(page);
    rdt_page_indent(page, BODY);
    rdt_page_words(page, BODY, RDT_PLAIN, rdt_result_message(t->run, r));
    rdt_page_line(page);
    place_and_values(t, r);
}

/* Findings of one rule stand together, and their fix is said once, below the last of them. */
static void
fix(struct text *t, const struct rdt_result *r, const struct rdt_result *after)
{
    const struct rdt_rule *rule = &t->run->rules[r->rule];
    if (rule->fix == NULL || (after != NULL && after->rule == r->rule))
        return;
    rdt_page_indent(&t->page, BODY);
    rdt_page_fmt(&t->page, BODY + 5, RDT_GREEN, "fix: %s", rule->fix);
    rdt_page_line(&t->page);
}

static void
in_full(struct text *t, enum rdt_verdict verdict, const char *word)
{
    size_t shown = 0, most = t->view->report->all ? SIZE_MAX : LISTED_MAX;
    if (t->run->count[verdict] == 0)
        return;
    section(t, verdict, word, "");
    for (size_t i = 0; i < t->run->n_results && shown < most; i++) {
        if (t->run->results[i].verdict != verdict)
            continue;
        finding(t, &t->run->results[i]);
        shown++;
        const struct rdt_result *after =
            shown < most && i + 1 < t->run->n_results ? &t->run->results[i + 1] : NULL;
        if (after != NULL && after->verdict != verdict)
            after = NULL;
        fix(t, &t->run->results[i], after);
    }
    if (shown < t->run->count[verdict]) {
        rdt_page_fmt(&t->page, 2, RDT_PLAIN, "  and %zu more: --all shows them",
                     t->run->count[verdict] - shown);
        rdt_page_line(&t->page);
    }
}

/* Results of one rule and one verdict stand together; how many from i on, of one reason if asked.
 */
static size_t
group_at(const struct rdt_run *run, size_t i, bool one_reason)
{
    const struct rdt_result *first = &run->results[i];
    size_t n = 1;
    for (; i + n < run->n_results; n++) {
        const struct rdt_result *r = &run->results[i + n];
        bool same =
            !one_reason || strcmp(rdt_result_message(run, r), rdt_result_message(run, first)) == 0;
        if (r->rule != first->rule || r->verdict != first->verdict || !same)
            break;
    }
    return n;
}

static void
name_subjects(struct text *t, size_t i, size_t n, unsigned hang)
{
    for (size_t k = 0; k < n && k < NAMED_MAX; k++)
        rdt_page_fmt(&t->page, hang, RDT_PLAIN, " %s%s",
                     t->run->subjects[t->run->results[i + k].subject].id,
                     k + 1 < n && k + 1 < NAMED_MAX ? "," : "");
    if (n > NAMED_MAX)
        rdt_page_fmt(&t->page, hang, RDT_PLAIN, " and %zu more", n - NAMED_MAX);
}

static void
unknowns(struct text *t)
{
    if (t->run->count[RDT_UNKNOWN] == 0)
        return;
    section(t, RDT_UNKNOWN, "UNKNOWN", "could not be decided, which is not a pass");
    for (size_t i = 0, n = 0; i < t->run->n_results; i += n) {
        const struct rdt_result *r = &t->run->results[i];
        n = group_at(t->run, i, true);
        if (r->verdict != RDT_UNKNOWN)
            continue;
        rdt_page_indent(&t->page, 2);
        rdt_page_fmt(&t->page, BODY, RDT_YELLOW, "%s", severity_mark(r->severity));
        rdt_page_indent(&t->page, BODY);
        rdt_page_fmt(&t->page, BODY, RDT_BOLD, "%s", t->run->rules[r->rule].id);
        rdt_page_words(&t->page, BODY, RDT_PLAIN, " on");
        name_subjects(t, i, n, BODY);
        rdt_page_fmt(&t->page, BODY, RDT_PLAIN, ": %s", rdt_result_message(t->run, r));
        rdt_page_line(&t->page);
    }
}

static unsigned
observers(const struct rdt_run *run, const struct rdt_result *r)
{
    return run->rules[r->rule].decided & (RDT_BY_LIVE | RDT_BY_SNAPSHOT | RDT_BY_HUMAN);
}

/* Rules that the same means would decide, one a line. */
static void
unobserved_by(struct text *t, unsigned means)
{
    bool named = false;
    for (size_t i = 0, n = 0; i < t->run->n_results; i += n) {
        const struct rdt_result *r = &t->run->results[i];
        n = group_at(t->run, i, false);
        if (r->verdict != RDT_UNOBSERVED || observers(t->run, r) != means)
            continue;
        if (!named) {
            RDT_BUF by = {0};
            rdt_observer(&by, &t->run->rules[r->rule]);
            rdt_page_indent(&t->page, 2);
            rdt_page_fmt(&t->page, 2, RDT_PLAIN,
                         "%s would show:", rdt_buf_cstr(&by) == NULL ? "?" : rdt_buf_cstr(&by));
            rdt_page_line(&t->page);
            named = true;
        }
        rdt_page_indent(&t->page, BODY);
        rdt_page_fmt(&t->page, BODY, RDT_BOLD, "%s", t->run->rules[r->rule].id);
        rdt_page_indent(&t->page, NAMES);
        name_subjects(t, i, n, NAMES + 1);
        rdt_page_line(&t->page);
    }
}

/* Without probes all of them are unobserved: that is one sentence, not a list. */
static void
unobserved(struct text *t)
{
    if (t->run->count[RDT_UNOBSERVED] == 0)
        return;
    section(t, RDT_UNOBSERVED, "UNOBSERVED", "the plan says yes, nothing has looked");
    if (!t->run->live && !t->view->report->all)
        return;
    for (unsigned means = 0; means <= (RDT_BY_LIVE | RDT_BY_SNAPSHOT | RDT_BY_HUMAN); means++)
        unobserved_by(t, means);
}

static void
accepted_one(struct text *t, const struct rdt_result *r)
{
    struct rdt_page *page = &t->page;
    char id[128];
    snprintf(id, sizeof id, "exceptions.%s", r->exception == NULL ? "?" : r->exception);
    const struct rdt_subject *exception = rdt_plan_find(t->view->plan, id);
    rdt_page_indent(page, BODY);
    rdt_page_fmt(page, BODY, RDT_BOLD, "%s", t->run->rules[r->rule].id);
    rdt_page_fmt(page, BODY, RDT_PLAIN, " on %s: %s (was %s)", t->run->subjects[r->subject].id,
                 rdt_result_message(t->run, r), rdt_verdict_name(r->before));
    rdt_page_line(page);
    rdt_page_indent(page, BODY);
    if (exception == NULL) {
        rdt_page_fmt(page, BODY, RDT_PLAIN, "by %s", r->exception == NULL ? "?" : r->exception);
    } else {
        int64_t ends = (int64_t)rdt_node_number(exception->node, "expires", 0);
        char date[RDT_DATE_TEXT];
        rdt_date_text(ends, date);
        rdt_page_fmt(page, BODY, RDT_PLAIN, "by %s, owner %s, until %s (%" PRId64 " days left)",
                     exception->name, rdt_node_str(exception->node, "owner"), date,
                     ends - t->run->time / RDT_DAY_S);
    }
    rdt_page_line(page);
}

static void
accepted(struct text *t)
{
    if (t->run->count[RDT_ACCEPTED] == 0)
        return;
    section(t, RDT_ACCEPTED, "ACCEPTED", "under an exception that has not run out");
    for (size_t i = 0; i < t->run->n_results; i++) {
        if (t->run->results[i].verdict == RDT_ACCEPTED)
            accepted_one(t, &t->run->results[i]);
    }
}

static void
passes(struct text *t)
{
    static const enum rdt_verdict shown[] = {RDT_PASS, RDT_NA};
    static const char *const words[] = {"PASS", "NOT APPLICABLE"};
    for (size_t s = 0; s < RDT_COUNT(shown) && t->view->report->all; s++) {
        if (t->run->count[shown[s]] == 0)
            continue;
        section(t, shown[s], words[s], "");
        for (size_t i = 0; i < t->run->n_results; i++) {
            const struct rdt_result *r = &t->run->results[i];
            if (r->verdict != shown[s])
                continue;
            rdt_page_indent(&t->page, BODY);
            rdt_page_fmt(&t->page, BODY + 2, RDT_PLAIN, "%s on %s", t->run->rules[r->rule].id,
                         t->run->subjects[r->subject].id);
            if (r->verdict == RDT_PASS)
                rdt_page_fmt(&t->page, BODY + 2, RDT_DIM, ", %s", rdt_assurance_word(r->assurance));
            if (r->message != NULL)
                rdt_page_fmt(&t->page, BODY + 2, RDT_DIM, ": %s", r->message);
            rdt_page_line(&t->page);
        }
    }
}

static void
summary(struct text *t)
{
    const struct rdt_run *run = t->run;
    size_t by[RDT_A4 + 1] = {0};
    const char *between = "";
    for (size_t i = 0; i < run->n_results; i++) {
        if (run->results[i].verdict == RDT_PASS && run->results[i].assurance <= RDT_A4)
            by[run->results[i].assurance]++;
    }
    rdt_page_line(&t->page);
    rdt_page_fmt(&t->page, 2, RDT_PLAIN, "%zu checks:", checks(run));
    for (unsigned v = 0; v < RDT_NVERDICTS; v++) {
        if (run->count[v] == 0)
            continue;
        rdt_page_fmt(&t->page, 2, rdt_verdict_paint(v), "%s %zu %s", between, run->count[v],
                     rdt_verdict_name(v));
        between = ",";
    }
    rdt_page_line(&t->page);
    rdt_page_fmt(&t->page, 2, RDT_PLAIN,
                 "Coverage: %zu of %zu subjects observed. Passes:", run->observed, run->planned);
    between = "";
    for (unsigned a = 0; a <= RDT_A4; a++) {
        if (by[a] == 0)
            continue;
        rdt_page_fmt(&t->page, 2, RDT_PLAIN, "%s %zu %s", between, by[a], rdt_assurance_word(a));
        between = ",";
    }
    rdt_page_words(&t->page, 2, RDT_PLAIN, *between == '\0' ? " none." : ".");
    rdt_page_line(&t->page);
    for (size_t i = 0; i < run->notes.n; i++) {
        rdt_page_fmt(&t->page, 6, RDT_PLAIN, "Note: %s", run->notes.at[i]);
        rdt_page_line(&t->page);
    }
}

static const struct rdt_result *
first_wrong(const struct rdt_run *run)
{
    const struct rdt_result *first = NULL;
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        bool wrong = r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT;
        if (wrong && r->severity != RDT_INFO && (first == NULL || r->severity > first->severity))
            first = r;
    }
    return first;
}

/* The environment to verify: that of the run, else the plan's first one with targets. */
static const char *
env_to_verify(const struct text *t)
{
    size_t n = 0;
    const struct rdt_subject *envs = rdt_plan_section(t->view->plan, RDT_ENVIRONMENTS, &n);
    for (size_t i = 0; t->run->env == NULL && i < n; i++) {
        if (rdt_node_get(envs[i].node, "targets") != NULL)
            return envs[i].name;
    }
    return t->run->env == NULL ? "ENV" : t->run->env;
}

static void
next_step(struct text *t)
{
    const struct rdt_run *run = t->run;
    const struct rdt_result *first = first_wrong(run);
    const char *verb = run->live ? "verify" : "check";
    RDT_BUF where = {0};
    if (first != NULL && rdt_result_place(&where, first->where) && rdt_buf_cstr(&where) != NULL)
        rdt_page_fmt(&t->page, 6, RDT_BOLD,
                     "Next: look at %s (%s on %s), then run redoubt %s again.",
                     rdt_buf_cstr(&where), run->rules[first->rule].id,
                     run->subjects[first->subject].id, verb);
    else if (first != NULL)
        rdt_page_fmt(&t->page, 6, RDT_BOLD, "Next: settle %s on %s, then run redoubt %s again.",
                     run->rules[first->rule].id, run->subjects[first->subject].id, verb);
    else if (run->count[RDT_UNKNOWN] != 0)
        rdt_page_fmt(&t->page, 6, RDT_BOLD,
                     "Next: remove the reasons above, then run redoubt %s again.", verb);
    else if (run->count[RDT_UNOBSERVED] != 0 && !run->live)
        rdt_page_fmt(&t->page, 6, RDT_BOLD,
                     "Next: redoubt verify --env %s %s looks at what only the plan says.",
                     env_to_verify(t), run->plan);
    else if (run->count[RDT_UNOBSERVED] != 0)
        rdt_page_words(&t->page, 6, RDT_BOLD,
                       "Next: give what is unobserved a target, an import or an attestation.");
    else
        return;
    rdt_page_line(&t->page);
}

enum rdt_code
rdt_render_text(struct rdt_view *view, struct rdt_buf *out, struct rdt_err *err)
{
    struct text t = {.view = view, .run = view->run};
    (void)err;
    rdt_page_init(&t.page, view->report, out);
    if (view->framework != NULL) {
        rdt_text_framework(&t.page, view, view->framework);
        return RDT_OK;
    }
    headline(&t);
    in_full(&t, RDT_FAIL, "FAIL");
    in_full(&t, RDT_DRIFT, "DRIFT");
    unknowns(&t);
    unobserved(&t);
    accepted(&t);
    passes(&t);
    summary(&t);
    next_step(&t);
    return RDT_OK;
}
