/*
 * sarif.c - SARIF 2.1.0 as GitHub's code scanning takes it (OASIS sarif-2.1/schema; limits as of
 * GitHub's "SARIF support for code scanning").
 */
#include "base/clock.h"
#include "crypto/hash.h"
#include "report/jw_internal.h"
#include "report/view_internal.h"

#include <stdio.h>

#define RESULTS_MAX 25000 /* of one run; the worst are kept */
#define TAGS_MAX 20       /* of one rule */

static const char *
level_of(enum rdt_severity severity)
{
    static const char *const levels[] = {"note", "note", "warning", "error", "error"};
    return severity < RDT_COUNT(levels) ? levels[severity] : "error";
}

/* GitHub's bands: above 9.0 critical, 7.0 high, 4.0 medium, 0.1 low. */
static const char *
score_of(enum rdt_severity severity)
{
    static const char *const scores[] = {"0.0", "3.0", "5.5", "8.0", "9.5"};
    return severity < RDT_COUNT(scores) ? scores[severity] : "9.5";
}

static void
write_help(struct rdt_jw *w, const struct rdt_rule *rule)
{
    RDT_BUF text = {0};
    RDT_BUF markdown = {0};
    const char *why = rule->why == NULL ? rule->title : rule->why;
    const char *fix = rule->fix == NULL ? "See the rule." : rule->fix;
    rdt_buf_fmt(&text, "%s\nFix: %s", why, fix);
    rdt_buf_fmt(&markdown, "%s\n\n**Fix:** %s", why, fix);
    rdt_jw_open(w, "help", '{');
    rdt_jw_text(w, "text", rdt_buf_cstr(&text));
    rdt_jw_text(w, "markdown", rdt_buf_cstr(&markdown));
    rdt_jw_close(w, '}');
}

static void
write_message(struct rdt_jw *w, const char *key, const char *text)
{
    rdt_jw_open(w, key, '{');
    rdt_jw_text(w, "text", text);
    rdt_jw_close(w, '}');
}

static void
write_rule(struct rdt_jw *w, const struct rdt_rule *rule)
{
    rdt_jw_line(w);
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "id", rule->id);
    write_message(w, "shortDescription", rule->title);
    write_message(w, "fullDescription", rule->why == NULL ? rule->title : rule->why);
    write_help(w, rule);
    rdt_jw_open(w, "defaultConfiguration", '{');
    rdt_jw_text(w, "level", level_of(rule->severity));
    rdt_jw_close(w, '}');
    rdt_jw_open(w, "properties", '{');
    rdt_jw_text(w, "precision", "very-high");
    rdt_jw_text(w, "security-severity", score_of(rule->severity));
    rdt_jw_open(w, "tags", '[');
    rdt_jw_text(w, NULL, "security");
    rdt_jw_text(w, NULL, "encryption");
    for (size_t i = 0; i < rule->controls.n && i + 2 < TAGS_MAX; i++)
        rdt_jw_text(w, NULL, rule->controls.at[i]);
    rdt_jw_close(w, ']');
    rdt_jw_close(w, '}');
    rdt_jw_close(w, '}');
}

static bool
uri_safe(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("-._~/!$&'()*+,;=@", c) != NULL);
}

/* A path as a relative reference. A colon in its first part would read as a scheme: all go. */
static void
uri_of(struct rdt_buf *out, const char *path, const char *base)
{
    size_t n = base == NULL ? 0 : strlen(base);
    while (n > 0 && base[n - 1] == '/')
        n--;
    if (n > 0 && strncmp(path, base, n) == 0 && path[n] == '/')
        path += n + 1;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (path[0] == '/')
        rdt_buf_str(out, "file://");
    for (; *path != '\0'; path++) {
        if (uri_safe((uint8_t)*path))
            rdt_buf_add(out, path, 1);
        else
            rdt_buf_fmt(out, "%%%02X", (uint8_t)*path);
    }
}

static void
write_location(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *r)
{
    RDT_BUF uri = {0};
    const char *file = r->where.file == NULL ? view->run->plan : r->where.file;
    uri_of(&uri, file, view->report->base);
    const char *text = rdt_buf_cstr(&uri);
    rdt_jw_open(w, "locations", '[');
    rdt_jw_open(w, NULL, '{');
    rdt_jw_open(w, "physicalLocation", '{');
    rdt_jw_open(w, "artifactLocation", '{');
    rdt_jw_text(w, "uri", text);
    if (text != NULL && strncmp(text, "file://", 7) != 0)
        rdt_jw_text(w, "uriBaseId", "%SRCROOT%");
    rdt_jw_close(w, '}');
    rdt_jw_open(w, "region", '{');
    rdt_jw_int(w, "startLine", r->where.line == 0 ? 1 : r->where.line);
    rdt_jw_int(w, "startColumn", r->where.column == 0 ? 1 : r->where.column);
    rdt_jw_close(w, '}');
    rdt_jw_close(w, '}');
    rdt_jw_open(w, "logicalLocations", '[');
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "fullyQualifiedName", view->run->subjects[r->subject].id);
    rdt_jw_text(w, "kind", "resource");
    rdt_jw_close(w, '}');
    rdt_jw_close(w, ']');
    rdt_jw_close(w, '}');
    rdt_jw_close(w, ']');
}

/* Rule, environment and subject: the same finding in the next run, wherever its line went. */
static void
write_fingerprint(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *r)
{
    char digest[RDT_SHA256_TEXT];
    RDT_BUF what = {0};
    const char *env = view->run->env == NULL ? "" : view->run->env;
    rdt_buf_fmt(&what, "%s\n%s\n%s", view->run->rules[r->rule].id, env,
                view->run->subjects[r->subject].id);
    if (!rdt_buf_ok(&what) || rdt_sha256_text(rdt_buf_span(&what), digest, NULL) != RDT_OK) {
        w->out->failed = true;
        return;
    }
    rdt_jw_open(w, "partialFingerprints", '{');
    rdt_jw_text(w, "redoubt/v1", digest);
    rdt_jw_close(w, '}');
}

static const char *
kind_of(const struct rdt_result *r)
{
    static const char *const kinds[RDT_NVERDICTS] = {
        [RDT_FAIL] = "fail",       [RDT_DRIFT] = "fail",    [RDT_UNKNOWN] = "open",
        [RDT_UNOBSERVED] = "open", [RDT_ACCEPTED] = "fail", [RDT_PASS] = "pass",
        [RDT_NA] = "notApplicable"};
    return kinds[r->verdict];
}

static void
write_suppression(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *r)
{
    char id[128];
    snprintf(id, sizeof id, "exceptions.%s", r->exception == NULL ? "" : r->exception);
    const struct rdt_subject *exception = rdt_plan_find(view->plan, id);
    RDT_BUF why = {0};
    rdt_buf_fmt(&why, "%s", r->exception == NULL ? "exception" : r->exception);
    if (exception != NULL)
        rdt_buf_fmt(&why, " (%s, until %s): %s", rdt_node_str(exception->node, "owner"),
                    rdt_node_str(exception->node, "expires"),
                    rdt_node_str(exception->node, "reason"));
    rdt_jw_open(w, "suppressions", '[');
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "kind", "external");
    rdt_jw_text(w, "status", "accepted");
    rdt_jw_text(w, "justification", rdt_buf_cstr(&why));
    rdt_jw_close(w, '}');
    rdt_jw_close(w, ']');
}

static void
write_text(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *r)
{
    RDT_BUF text = {0};
    rdt_buf_fmt(&text, "%s: %s", view->run->subjects[r->subject].id,
                rdt_result_message(view->run, r));
    if (r->verdict == RDT_DRIFT && r->expected != NULL && r->observed != NULL)
        rdt_buf_fmt(&text, " (plan says %s, seen %s)", r->expected, r->observed);
    write_message(w, "message", rdt_buf_cstr(&text));
}

static void
write_result(struct rdt_jw *w, const struct rdt_view *view, const struct rdt_result *r)
{
    const char *kind = kind_of(r);
    rdt_jw_line(w);
    rdt_jw_open(w, NULL, '{');
    rdt_jw_text(w, "ruleId", view->run->rules[r->rule].id);
    rdt_jw_int(w, "ruleIndex", r->rule);
    rdt_jw_text(w, "kind", kind);
    /* 3.27.10: any kind but "fail" has level "none" */
    rdt_jw_text(w, "level", strcmp(kind, "fail") == 0 ? level_of(r->severity) : "none");
    write_text(w, view, r);
    write_location(w, view, r);
    write_fingerprint(w, view, r);
    if (r->verdict == RDT_ACCEPTED)
        write_suppression(w, view, r);
    rdt_jw_open(w, "properties", '{');
    rdt_jw_text(w, "verdict", rdt_verdict_name(r->verdict));
    rdt_jw_text(w, "severity", rdt_severity_name(r->severity));
    rdt_jw_text(w, "assurance", rdt_assurance_name(r->assurance));
    rdt_jw_close(w, '}');
    rdt_jw_close(w, '}');
}

static size_t
write_results(struct rdt_jw *w, const struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    size_t written = 0, left_out = 0;
    rdt_jw_line(w);
    rdt_jw_open(w, "results", '[');
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        bool usual = r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT || r->verdict == RDT_UNKNOWN;
        if (!usual && !view->report->all)
            continue;
        if (written == RESULTS_MAX) {
            left_out++;
            continue;
        }
        write_result(w, view, r);
        written++;
    }
    rdt_jw_close(w, ']');
    return left_out;
}

static void
write_invocation(struct rdt_jw *w, const struct rdt_view *view, size_t left_out)
{
    char text[128];
    rdt_jw_line(w);
    rdt_jw_open(w, "invocations", '[');
    rdt_jw_open(w, NULL, '{');
    rdt_jw_bool(w, "executionSuccessful", true);
    rdt_jw_text(w, "endTimeUtc", view->stamp);
    if (left_out != 0) {
        snprintf(text, sizeof text,
                 "%zu results are left out: a run holds at most %d, the worst first", left_out,
                 RESULTS_MAX);
        rdt_jw_open(w, "toolExecutionNotifications", '[');
        rdt_jw_open(w, NULL, '{');
        rdt_jw_text(w, "level", "warning");
        write_message(w, "message", text);
        rdt_jw_close(w, '}');
        rdt_jw_close(w, ']');
    }
    rdt_jw_close(w, '}');
    rdt_jw_close(w, ']');
}

static void
write_tool(struct rdt_jw *w, const struct rdt_run *run)
{
    rdt_jw_open(w, "tool", '{');
    rdt_jw_open(w, "driver", '{');
    rdt_jw_text(w, "name", "Redoubt");
    rdt_jw_text(w, "version", run->version);
    rdt_jw_open(w, "rules", '[');
    for (size_t i = 0; i < run->n_rules; i++)
        write_rule(w, &run->rules[i]);
    rdt_jw_close(w, ']');
    rdt_jw_close(w, '}');
    rdt_jw_close(w, '}');
}

enum rdt_code
rdt_render_sarif(struct rdt_view *view, struct rdt_buf *out, struct rdt_err *err)
{
    struct rdt_jw w = {.out = out};
    char category[160];
    (void)err;
    snprintf(category, sizeof category, "redoubt/%s/",
             view->run->env == NULL ? "plan" : view->run->env);
    rdt_jw_open(&w, NULL, '{');
    rdt_jw_text(&w, "$schema",
                "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
                "sarif-schema-2.1.0.json");
    rdt_jw_text(&w, "version", "2.1.0");
    rdt_jw_open(&w, "runs", '[');
    rdt_jw_open(&w, NULL, '{');
    write_tool(&w, view->run);
    rdt_jw_line(&w);
    rdt_jw_open(&w, "automationDetails", '{');
    rdt_jw_text(&w, "id", category);
    rdt_jw_text(&w, "guid", view->run->id);
    rdt_jw_close(&w, '}');
    rdt_jw_text(&w, "columnKind", "unicodeCodePoints");
    size_t left_out = write_results(&w, view);
    write_invocation(&w, view, left_out);
    rdt_jw_close(&w, '}');
    rdt_jw_close(&w, ']');
    rdt_buf_str(out, "}\n");
    return RDT_OK;
}
