/*
 * html.c - the report as one HTML file: the page, and on top of it the answer.
 */
#include "base/embed.h"
#include "report/html_internal.h"
#include "report/markup_internal.h"

#define WORST_MAX 5 /* findings under "what to do first" */
#define STYLE "src/report/style.css"

/* The mark: a wall with a gate. */
#define LOGO                                                                                       \
    "<svg width=\"22\" height=\"22\" viewBox=\"0 0 24 24\" fill=\"currentColor\" "                 \
    "aria-hidden=\"true\"><path d=\"M3 4h4v3h3V4h4v3h3V4h4v16h-6v-4a3 3 0 0 0-6 0v4H3z\"/></svg>"

void
rdt_html_head(struct rdt_buf *out, const char *title, const char *body_class)
{
    struct rdt_span style = {0};
    if (!rdt_embed_find(STYLE, &style))
        out->failed = true; /* the build embeds it; without it the page is none */
    rdt_buf_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                     "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n<title>");
    rdt_markup_text(out, title);
    rdt_buf_str(out, "</title>\n<style>\n");
    rdt_buf_add(out, style.p, style.n);
    rdt_buf_fmt(out, "</style>\n</head>\n<body class=\"%s\">\n", body_class);
}

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

static void
answer(struct rdt_buf *out, const struct rdt_run *run)
{
    size_t wrong = wrong_things(run), unknown = run->count[RDT_UNKNOWN];
    if (wrong != 0)
        rdt_buf_fmt(out, "<p class=\"answer fail\"><b>%zu %s wrong.</b> ", wrong,
                    wrong == 1 ? "thing is" : "things are");
    else if (unknown != 0)
        rdt_buf_str(out, "<p class=\"answer warn\"><b>Nothing is known to be wrong.</b> ");
    else
        rdt_buf_str(out, "<p class=\"answer pass\"><b>Nothing fails.</b> ");
    if (unknown != 0)
        rdt_buf_fmt(out, "%zu %s could not be decided, which is not a pass. ", unknown,
                    unknown == 1 ? "check" : "checks");
    if (run->count[RDT_UNOBSERVED] != 0)
        rdt_buf_fmt(out, "%zu %s so far only in the plan: nothing has looked.",
                    run->count[RDT_UNOBSERVED],
                    run->count[RDT_UNOBSERVED] == 1 ? "promise stands" : "promises stand");
    rdt_buf_str(out, "</p>\n");
}

static void
tiles(struct rdt_buf *out, const struct rdt_run *run)
{
    rdt_buf_str(out, "<ul class=\"tiles\">");
    for (unsigned v = 0; v < RDT_NVERDICTS; v++)
        rdt_buf_fmt(out, "<li class=\"%s%s\"><b>%zu</b><span>%s %s</span></li>", rdt_html_style(v),
                    run->count[v] == 0 ? " zero" : "", run->count[v], rdt_html_glyph(v),
                    rdt_verdict_name(v));
    rdt_buf_str(out, "</ul>\n");
}

static double
percent(size_t part, size_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static void
meters(struct rdt_buf *out, const struct rdt_run *run)
{
    size_t by[RDT_A4 + 1] = {0}, passes = 0;
    for (size_t i = 0; i < run->n_results; i++) {
        if (run->results[i].verdict == RDT_PASS && run->results[i].assurance <= RDT_A4) {
            by[run->results[i].assurance]++;
            passes++;
        }
    }
    rdt_buf_fmt(out,
                "<div class=\"meters\"><div class=\"meter\"><p><b>Coverage</b><span>%zu of %zu "
                "subjects observed</span></p><div class=\"track\"><i class=\"a4\" "
                "style=\"width:%.1f%%\"></i></div><p class=\"soft small\">What no probe, import or "
                "person has looked at is unobserved, never a pass.</p></div>\n"
                "<div class=\"meter\"><p><b>How passes are known</b><span>",
                run->observed, run->planned, percent(run->observed, run->planned));
    rdt_buf_fmt(out, "%zu %s</span></p><div class=\"track\">", passes,
                passes == 1 ? "pass" : "passes");
    for (unsigned a = RDT_A4 + 1; a-- > 0;) {
        if (by[a] != 0)
            rdt_buf_fmt(out, "<i class=\"a%u\" style=\"width:%.1f%%\"></i>", a,
                        percent(by[a], passes));
    }
    rdt_buf_str(out, "</div><p class=\"soft small\">");
    for (unsigned a = RDT_A4 + 1; a-- > 0;)
        rdt_buf_fmt(out, "<span>%zu %s</span>", by[a], rdt_assurance_word(a));
    rdt_buf_str(out, "</p></div></div>\n");
}

static void
worst_item(struct rdt_buf *out, const struct rdt_run *run, const struct rdt_result *r)
{
    const struct rdt_rule *rule = &run->rules[r->rule];
    rdt_buf_fmt(out, "<li class=\"%s\">", rdt_html_style(r->verdict));
    rdt_buf_str(out, "<p class=\"what\">");
    if (r->verdict == RDT_UNKNOWN)
        rdt_buf_str(out, "Could not be decided: ");
    rdt_markup_text(out, rdt_result_message(run, r));
    rdt_buf_str(out, "</p>");
    rdt_buf_str(out, "<p class=\"who\">");
    rdt_buf_fmt(out, "<span class=\"sev %s\">%s</span> ", rdt_severity_name(r->severity),
                rdt_severity_name(r->severity));
    rdt_html_badge(out, r->verdict);
    rdt_buf_str(out, "</p><p class=\"line\">");
    rdt_markup_text(out, rule->id);
    rdt_buf_str(out, " on ");
    rdt_html_tag(out, "code", NULL, run->subjects[r->subject].id);
    if (r->where.file != NULL) {
        rdt_buf_str(out, " at ");
        rdt_html_place(out, r->where);
    }
    if (r->expected != NULL) {
        rdt_buf_str(out, r->verdict == RDT_DRIFT ? " &#183; plan says " : " &#183; needs ");
        rdt_html_tag(out, "code", NULL, r->expected);
    }
    if (r->observed != NULL) {
        rdt_buf_str(out, r->verdict == RDT_DRIFT ? ", seen " : ", has ");
        rdt_html_tag(out, "code", NULL, r->observed);
    }
    rdt_buf_str(out, "</p>");
    if (rule->fix != NULL && r->verdict != RDT_UNKNOWN) {
        rdt_buf_str(out, "<p class=\"fix\"><b>Fix:</b> ");
        rdt_markup_text(out, rule->fix);
        rdt_buf_str(out, "</p>");
    }
    rdt_buf_str(out, "</li>\n");
}

/* The worst by severity among fail and drift, then unknown: what to do first. */
static void
worst(struct rdt_buf *out, const struct rdt_run *run)
{
    size_t shown = 0;
    rdt_html_section(out, "first", "What to do first", NULL);
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned s = RDT_SEV_CRITICAL + 1; s-- > RDT_SEV_LOW && shown < WORST_MAX;) {
            for (size_t i = 0; i < run->n_results && shown < WORST_MAX; i++) {
                const struct rdt_result *r = &run->results[i];
                bool due = pass == 0 ? r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT
                                     : r->verdict == RDT_UNKNOWN;
                if (!due || r->severity != s)
                    continue;
                rdt_buf_str(out, shown++ == 0 ? "<ol class=\"worst\">\n" : "");
                worst_item(out, run, r);
            }
        }
    }
    if (shown != 0)
        rdt_buf_str(out, "</ol>\n");
    else
        rdt_html_tag(out, "p", "empty",
                     run->count[RDT_UNOBSERVED] != 0
                         ? "Nothing has to be changed. Next, let redoubt verify look at what only "
                           "the plan says so far."
                         : "Nothing has to be changed.");
    rdt_buf_str(out, "</section>\n");
}

static void
hero(struct rdt_buf *out, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    rdt_buf_str(out, "<div class=\"hero\"><p class=\"meta\">");
    rdt_html_tag(out, "code", NULL, run->plan);
    if (run->env != NULL) {
        rdt_buf_str(out, " &#183; environment ");
        rdt_html_tag(out, "b", NULL, run->env);
    }
    rdt_buf_fmt(out, " &#183; %s</p>\n", view->date);
    rdt_html_tag(out, "h1", NULL, run->product);
    rdt_buf_str(out, "\n");
    if (view->framework == NULL)
        answer(out, run);
    else
        rdt_html_tag(out, "p", "answer", view->framework->title);
    rdt_buf_str(out, "</div>\n");
}

static void
top(struct rdt_buf *out, const struct rdt_view *view)
{
    static const struct {
        const char *id, *word;
    } links[] = {
        {"findings",   "Findings"  },
        {"map",        "Flow map"  },
        {"data",       "Data"      },
        {"keys",       "Keys"      },
        {"compliance", "Compliance"},
        {"calendar",   "Exceptions"},
        {"notes",      "Notes"     },
    };
    rdt_buf_str(out, "<div class=\"bar\"><div><span class=\"brand\">" LOGO
                     "Redoubt</span><nav aria-label=\"Sections\">");
    for (size_t i = 0; i < RDT_COUNT(links) && view->framework == NULL; i++)
        rdt_buf_fmt(out, "<a href=\"#%s\">%s</a>", links[i].id, links[i].word);
    rdt_buf_str(out, "</nav></div></div>\n<main>\n");
}

static void
floor_note(struct rdt_buf *out, const struct rdt_plan *plan, enum rdt_level level)
{
    const struct rdt_floor *floor = rdt_plan_floor(plan, level);
    if (floor->overridden)
        rdt_buf_fmt(out,
                    "<li>The floor of %s data is changed by this plan: volume %s%s, %s, "
                    "custody %s, rotation %.0f days.</li>\n",
                    rdt_level_name(level), floor->volume, floor->field ? " and fields" : "",
                    floor->tls, floor->custody, floor->rotation_days);
}

static void
notes(struct rdt_buf *out, const struct rdt_view *view)
{
    size_t from = 0;
    rdt_html_section(
        out, "notes", "Notes",
        "Rules that are switched off, floors that were changed, and where the template "
        "contradicts itself.");
    rdt_buf_str(out, "<ul class=\"notes\">\n");
    from = out->n;
    for (size_t i = 0; i < view->run->notes.n; i++) {
        rdt_html_tag(out, "li", NULL, view->run->notes.at[i]);
        rdt_buf_str(out, "\n");
    }
    for (unsigned level = RDT_NLEVELS; level-- > RDT_LOW;)
        floor_note(out, view->plan, level);
    if (out->n == from)
        rdt_buf_str(out, "<li>None.</li>\n");
    rdt_buf_str(out, "</ul></section>\n");
}

static void
foot(struct rdt_buf *out, const struct rdt_view *view)
{
    static const char *const meanings[RDT_NVERDICTS] = {
        [RDT_FAIL] = "a source says no",
        [RDT_DRIFT] = "the plan says yes, what was seen says no",
        [RDT_UNKNOWN] = "could not be decided: error, no right, or too old",
        [RDT_UNOBSERVED] = "the plan says yes, nothing has looked",
        [RDT_ACCEPTED] = "a fail or drift under an exception that has not run out",
        [RDT_PASS] = "the strongest source says yes and none says no",
        [RDT_NA] = "the rule does not apply, with its reason",
    };
    const struct rdt_evidence *evidence = view->report->evidence;
    rdt_buf_str(out, "<footer>\n<dl>");
    for (unsigned v = 0; v < RDT_NVERDICTS; v++) {
        rdt_buf_str(out, "<div><dt>");
        rdt_html_badge(out, v);
        rdt_buf_fmt(out, "</dt><dd>%s</dd></div>\n", meanings[v]);
    }
    rdt_buf_str(out, "</dl><p>Redoubt ");
    rdt_markup_text(out, view->run->version);
    rdt_buf_fmt(out, " &#183; run of %s &#183; %zu observations &#183; run id ", view->stamp,
                evidence == NULL ? (size_t)0 : evidence->n);
    rdt_html_tag(out, "code", NULL, view->run->id);
    rdt_buf_str(out, "</p>\n</footer>\n</main>\n</body>\n</html>\n");
}

enum rdt_code
rdt_render_html(struct rdt_view *view, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_BUF title = {0};
    (void)err;
    rdt_buf_fmt(&title, "%s: encryption report, %s", view->run->product, view->date);
    rdt_html_head(out, rdt_buf_cstr(&title), "report");
    top(out, view);
    hero(out, view);
    if (view->framework == NULL) {
        tiles(out, view->run);
        meters(out, view->run);
        worst(out, view->run);
        rdt_html_findings(out, view);
        rdt_html_map(out, view);
        rdt_html_matrix(out, view);
        rdt_html_keys(out, view);
    }
    rdt_html_compliance(out, view);
    if (view->framework == NULL) {
        rdt_html_calendar(out, view);
        notes(out, view);
    }
    foot(out, view);
    return RDT_OK;
}
