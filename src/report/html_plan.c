/*
 * html_plan.c - the sections about the plan: flow map, data against stores and flows, keys.
 */
#include "base/clock.h"
#include "report/describe_internal.h"
#include "report/html_internal.h"
#include "report/markup_internal.h"

#include <inttypes.h>

#define COLUMNS_MAX 7 /* stores or flows of one table, so that it prints; more tables follow */
#define TABLES_MAX 6  /* then the rest is counted */
#define DATA_MAX 60
#define KEYS_MAX 200
#define SOON 0.85 /* of a rotation period, when it counts as near its end */

void
rdt_html_map(struct rdt_buf *out, const struct rdt_view *view)
{
    static const enum rdt_verdict shown[] = {RDT_FAIL,       RDT_DRIFT,    RDT_UNKNOWN,
                                             RDT_UNOBSERVED, RDT_ACCEPTED, RDT_PASS};
    rdt_html_section(out, "map", "Flow map",
                     "Zones as boxes. A line is the wider the more sensitive what it carries; each "
                     "shows the worst verdict on it.");
    if (view->report->map_svg == NULL) {
        rdt_html_tag(out, "p", "empty",
                     "The map is drawn when Graphviz (dot) is installed. The tables below say the "
                     "same in words.");
    } else {
        rdt_buf_str(out, "<div class=\"map\">");
        rdt_buf_str(out, view->report->map_svg);
        rdt_buf_str(out, "</div>\n<ul class=\"legend\">");
        for (size_t i = 0; i < RDT_COUNT(shown); i++) {
            rdt_buf_str(out, "<li>");
            rdt_html_badge(out, shown[i]);
            rdt_buf_str(out, "</li>");
        }
        rdt_buf_str(out, "</ul>\n");
    }
    rdt_buf_str(out, "</section>\n");
}

/* ---- data against stores and flows ---- */

static bool
joined(const struct rdt_plan *plan, const struct rdt_subject *data, enum rdt_link link,
       const struct rdt_subject *place)
{
    for (size_t i = 0; i < data->links[link].n; i++) {
        if (rdt_plan_linked(plan, data, link, i) == place)
            return true;
    }
    return false;
}

static void
part(struct rdt_buf *out, bool *first, const char *text)
{
    if (!*first)
        rdt_buf_str(out, " + ");
    *first = false;
    rdt_html_tag(out, "span", "nb", text);
}

static void
actual(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_subject *data,
       const struct rdt_subject *place)
{
    struct rdt_rest_parts parts;
    RDT_BUF flow = {0};
    bool first = true;
    if (place->section != RDT_STORES) {
        rdt_describe_flow(&flow, place);
        part(out, &first, rdt_buf_cstr(&flow));
        return;
    }
    rdt_at_rest_parts(view->plan, data, place, &parts);
    if (parts.form != NULL)
        part(out, &first, parts.form);
    if (parts.fields)
        part(out, &first, "fields");
    if (parts.volume != NULL)
        part(out, &first, rdt_words_for(parts.volume));
    if (first)
        part(out, &first, "nothing");
}

static void
required(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_subject *data,
         const struct rdt_subject *place)
{
    const struct rdt_floor *floor = rdt_plan_floor(view->plan, data->level);
    bool first = true;
    rdt_buf_str(out, "<span class=\"soft\">needs ");
    if (place->section != RDT_STORES)
        part(out, &first, rdt_words_for(floor->tls));
    if (place->section == RDT_STORES && floor->field && rdt_node_get(data->node, "form") == NULL)
        part(out, &first, "fields");
    if (place->section == RDT_STORES)
        part(out, &first, rdt_words_for(floor->volume));
    rdt_buf_str(out, "</span>");
}

static void
cell(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_subject *data,
     const struct rdt_subject *place)
{
    const struct rdt_result *worst = rdt_view_worst(view, place->id);
    enum rdt_verdict verdict = worst == NULL ? RDT_NA : worst->verdict;
    rdt_buf_fmt(out, "<td class=\"%s\"><span class=\"mark\"><span>%s %s</span> ",
                rdt_html_style(verdict), rdt_html_glyph(verdict), rdt_verdict_name(verdict));
    if (worst != NULL && rdt_result_shown(worst) && verdict != RDT_UNOBSERVED)
        rdt_html_tag(out, "span", NULL, view->run->rules[worst->rule].id);
    rdt_buf_str(out, "</span>");
    actual(out, view, data, place);
    required(out, view, data, place);
    rdt_buf_str(out, "</td>");
}

static void
matrix_head(struct rdt_buf *out, const struct rdt_subject *places, size_t n)
{
    rdt_buf_str(out, "<div class=\"wide\"><table class=\"matrix\"><thead><tr><th "
                     "scope=\"col\">Data</th>");
    for (size_t i = 0; i < n; i++) {
        rdt_buf_str(out, "<th scope=\"col\">");
        rdt_markup_text(out, places[i].name);
        if (places[i].section == RDT_STORES) {
            rdt_html_tag(out, "span", "soft", rdt_words_for(rdt_node_str(places[i].node, "kind")));
        } else {
            rdt_buf_str(out, "<span class=\"soft\">");
            rdt_markup_text(out, rdt_node_str(places[i].node, "from"));
            rdt_buf_str(out, " \xE2\x86\x92 ");
            rdt_markup_text(out, rdt_node_str(places[i].node, "to"));
            rdt_buf_str(out, "</span>");
        }
        rdt_buf_str(out, "</th>");
    }
    rdt_buf_str(out, "</tr></thead><tbody>\n");
}

static bool
in_any(const struct rdt_plan *plan, const struct rdt_subject *data, enum rdt_link link,
       const struct rdt_subject *places, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (joined(plan, data, link, &places[i]))
            return true;
    }
    return false;
}

static void
matrix_part(struct rdt_buf *out, const struct rdt_view *view, enum rdt_link link,
            const struct rdt_subject *places, size_t n)
{
    size_t n_data = 0;
    const struct rdt_subject *data = rdt_plan_section(view->plan, RDT_DATA, &n_data);
    matrix_head(out, places, n);
    for (size_t d = 0; d < n_data && d < DATA_MAX; d++) {
        if (!in_any(view->plan, &data[d], link, places, n))
            continue;
        rdt_buf_str(out, "<tr><th scope=\"row\">");
        rdt_markup_text(out, data[d].name);
        rdt_html_tag(out, "span", "soft", rdt_level_name(data[d].level));
        rdt_buf_str(out, "</th>");
        for (size_t i = 0; i < n; i++) {
            if (joined(view->plan, &data[d], link, &places[i]))
                cell(out, view, &data[d], &places[i]);
            else
                rdt_buf_str(out, "<td></td>");
        }
        rdt_buf_str(out, "</tr>\n");
    }
    rdt_buf_str(out, "</tbody></table></div>\n");
    if (n_data > DATA_MAX)
        rdt_buf_fmt(out, "<p class=\"soft small\">%zu more data types are in the JSON report.</p>",
                    n_data - DATA_MAX);
}

/* What the tables leave out, because it is nowhere, is said: it may be a gap. */
static void
nowhere(struct rdt_buf *out, const struct rdt_view *view, enum rdt_link link)
{
    size_t n = 0, named = 0;
    const struct rdt_subject *data = rdt_plan_section(view->plan, RDT_DATA, &n);
    for (size_t i = 0; i < n && named < DATA_MAX; i++) {
        if (data[i].links[link].n != 0)
            continue;
        rdt_buf_str(out, named++ != 0              ? ", "
                         : link == RDT_LINK_STORES ? "<p class=\"soft small\">In no store: "
                                                   : "<p class=\"soft small\">On no flow: ");
        rdt_markup_text(out, data[i].name);
    }
    rdt_buf_str(out, named == 0 ? "" : ".</p>\n");
}

static void
matrix(struct rdt_buf *out, const struct rdt_view *view, enum rdt_section section,
       const char *caption)
{
    enum rdt_link link = section == RDT_STORES ? RDT_LINK_STORES : RDT_LINK_FLOWS;
    size_t n = 0, tables = 0, at = 0;
    const struct rdt_subject *places = rdt_plan_section(view->plan, section, &n);
    rdt_buf_str(out, "<div class=\"tables\">");
    rdt_html_tag(out, "p", "caption", caption);
    size_t due = (n + COLUMNS_MAX - 1) / COLUMNS_MAX; /* tables, of equal width */
    for (; at < n && tables < TABLES_MAX; tables++) {
        size_t some =
            due <= TABLES_MAX ? (n - at + due - tables - 1) / (due - tables) : COLUMNS_MAX;
        matrix_part(out, view, link, places + at, some);
        at += some;
    }
    if (at < n)
        rdt_buf_fmt(out, "<p class=\"soft small\">%zu more %s are in the JSON report.</p>", n - at,
                    rdt_section_name(section));
    nowhere(out, view, link);
    rdt_buf_str(out, "</div>\n");
}

void
rdt_html_matrix(struct rdt_buf *out, const struct rdt_view *view)
{
    rdt_html_section(out, "data", "Data, where it rests and where it travels",
                     "Each cell: the worst verdict on that store or flow, what protects the data "
                     "there, and what its level needs.");
    rdt_buf_str(out, "<div class=\"stack\">\n");
    matrix(out, view, RDT_STORES, "At rest");
    matrix(out, view, RDT_FLOWS, "In transit");
    rdt_buf_str(out, "</div></section>\n");
}

/* ---- keys ---- */

static void
lane(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_subject *key)
{
    double every = rdt_node_number(key->node, "rotation.every", 0);
    int64_t last = 0, today = view->run->time / RDT_DAY_S;
    bool observed = false;
    char date[RDT_DATE_TEXT], due[RDT_DATE_TEXT];
    if (!rdt_key_last(view, key, &last, &observed) || every <= 0) {
        rdt_buf_str(out, "<div class=\"lane blank\"></div>never recorded");
        return;
    }
    int64_t ends = last + (int64_t)every;
    double share = (double)(today - last) / every;
    share = share < 0 ? 0 : share;
    rdt_date_text(last, date);
    rdt_date_text(ends, due);
    rdt_buf_fmt(out, "<div class=\"lane%s\"><i style=\"width:%.0f%%\"></i></div>",
                share > 1      ? " late"
                : share > SOON ? " soon"
                               : "",
                share > 1 ? 100 : share * 100);
    if (today > ends)
        rdt_buf_fmt(out, "overdue since %s, %" PRId64 " days", due, today - ends);
    else
        rdt_buf_fmt(out, "due %s, in %" PRId64 " days", due, ends - today);
    rdt_buf_fmt(out, "<span class=\"soft\">last %s (%s)</span>", date,
                observed ? "certificate seen" : "declared");
}

static void
key_floor(struct rdt_buf *out, const struct rdt_plan *plan, enum rdt_level level)
{
    const struct rdt_floor *floor = rdt_plan_floor(plan, level);
    rdt_buf_fmt(out, "%s<span class=\"soft\">",
                level == RDT_LEVEL_NONE ? "no data" : rdt_level_name(level));
    rdt_markup_text(out, rdt_words_for(floor->custody));
    if (floor->rotation_days > 0) {
        rdt_buf_str(out, ", within ");
        rdt_describe_days(out, floor->rotation_days);
    }
    rdt_buf_str(out, "</span>");
}

static void
rotation(struct rdt_buf *out, const struct rdt_subject *key)
{
    RDT_BUF text = {0};
    rdt_describe_rotation(&text, key);
    const char *words = rdt_buf_cstr(&text);
    const char *comma = words == NULL ? NULL : strchr(words, ',');
    if (comma == NULL) {
        rdt_markup_text(out, words);
        return;
    }
    rdt_markup_span(out, (struct rdt_span){text.p, (size_t)(comma - words)});
    rdt_html_tag(out, "span", "soft", comma + 2);
}

static void
key_row(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_subject *key)
{
    RDT_BUF text = {0};
    const struct rdt_result *worst = rdt_view_worst(view, key->id);
    rdt_buf_str(out, "<tr><th scope=\"row\">");
    rdt_markup_text(out, key->name);
    rdt_html_tag(out, "span", "soft", rdt_node_str(key->node, "purpose"));
    rdt_buf_str(out, "</th><td>");
    rdt_markup_text(out, rdt_words_for(rdt_node_str(key->node, "algorithm")));
    rdt_describe_custody(&text, key);
    rdt_html_tag(out, "span", "soft", rdt_buf_cstr(&text));
    rdt_buf_str(out, "</td><td>");
    key_floor(out, view->plan, key->level);
    rdt_buf_str(out, "</td><td>");
    rotation(out, key);
    rdt_buf_str(out, "</td><td class=\"when\">");
    lane(out, view, key);
    rdt_buf_str(out, "</td><td>");
    rdt_html_badge(out, worst == NULL ? RDT_NA : worst->verdict);
    if (worst != NULL && rdt_result_shown(worst) && worst->verdict != RDT_UNOBSERVED)
        rdt_html_tag(out, "span", "soft", view->run->rules[worst->rule].id);
    rdt_buf_str(out, "</td></tr>\n");
}

void
rdt_html_keys(struct rdt_buf *out, const struct rdt_view *view)
{
    size_t n = 0;
    const struct rdt_subject *keys = rdt_plan_section(view->plan, RDT_KEYS, &n);
    rdt_html_section(out, "keys", "Keys",
                     "Each key with the floor that its data sets, and how far into its rotation "
                     "period it is.");
    rdt_buf_str(out, "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Key</th><th "
                     "scope=\"col\">Algorithm and home</th><th scope=\"col\">Floor</th><th "
                     "scope=\"col\">Rotation</th><th scope=\"col\">Next due</th><th "
                     "scope=\"col\">Verdict</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n && i < KEYS_MAX; i++)
        key_row(out, view, &keys[i]);
    rdt_buf_str(out, "</tbody></table></div>\n");
    if (n > KEYS_MAX)
        rdt_buf_fmt(out, "<p class=\"soft small\">%zu more keys are in the JSON report.</p>\n",
                    n - KEYS_MAX);
    rdt_buf_str(out, "</section>\n");
}
