/*
 * junit.c - JUnit XML as Jenkins' xunit plugin checks it (junit-10.xsd). One suite per
 * environment; each check is a test case, so that what was not looked at shows as skipped.
 */
#include "report/markup_internal.h"
#include "report/view_internal.h"

static void
attribute(struct rdt_buf *out, const char *name, const char *value)
{
    rdt_buf_fmt(out, " %s=\"", name);
    rdt_markup_text(out, value);
    rdt_buf_str(out, "\"");
}

static void
number(struct rdt_buf *out, const char *name, size_t value)
{
    rdt_buf_fmt(out, " %s=\"%zu\"", name, value);
}

static void
body(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_result *r)
{
    const struct rdt_rule *rule = &view->run->rules[r->rule];
    RDT_BUF where = {0};
    if (rdt_result_place(&where, r->where) && rdt_buf_cstr(&where) != NULL) {
        rdt_markup_text(out, rdt_buf_cstr(&where));
        rdt_buf_str(out, "\n");
    }
    if (r->expected != NULL) {
        rdt_buf_str(out, r->verdict == RDT_DRIFT ? "plan says: " : "expected: ");
        rdt_markup_text(out, r->expected);
        rdt_buf_str(out, "\n");
    }
    if (r->observed != NULL) {
        rdt_buf_str(out, "observed: ");
        rdt_markup_text(out, r->observed);
        rdt_buf_str(out, "\n");
    }
    if (rule->fix != NULL) {
        rdt_buf_str(out, "fix: ");
        rdt_markup_text(out, rule->fix);
        rdt_buf_str(out, "\n");
    }
}

static void
outcome(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_result *r)
{
    static const char *const elements[RDT_NVERDICTS] = {
        [RDT_FAIL] = "failure",       [RDT_DRIFT] = "failure",    [RDT_UNKNOWN] = "error",
        [RDT_UNOBSERVED] = "skipped", [RDT_ACCEPTED] = "skipped", [RDT_NA] = "skipped"};
    const char *element = elements[r->verdict];
    RDT_BUF message = {0};
    rdt_buf_fmt(&message, "%s: %s", rdt_verdict_name(r->verdict), rdt_result_message(view->run, r));
    if (r->exception != NULL)
        rdt_buf_fmt(&message, " (%s)", r->exception);
    rdt_buf_fmt(out, "\n      <%s", element);
    attribute(out, "type", rdt_verdict_name(r->verdict));
    const char *text = rdt_buf_cstr(&message);
    attribute(out, "message", text == NULL ? "" : text);
    rdt_buf_str(out, ">");
    if (r->verdict != RDT_NA && r->verdict != RDT_UNOBSERVED)
        body(out, view, r);
    rdt_buf_fmt(out, "</%s>\n    ", element);
}

static void
test_case(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_result *r)
{
    const char *subject = view->run->subjects[r->subject].id;
    struct rdt_span section = {(const uint8_t *)subject, strcspn(subject, ".")};
    rdt_buf_str(out, "    <testcase classname=\"");
    rdt_markup_span(out, section);
    rdt_buf_str(out, "\" name=\"");
    rdt_markup_text(out, view->run->rules[r->rule].id);
    rdt_buf_str(out, " ");
    rdt_markup_text(out, subject);
    rdt_buf_str(out, "\">");
    if (r->verdict != RDT_PASS)
        outcome(out, view, r);
    rdt_buf_str(out, "</testcase>\n");
}

static void
property(struct rdt_buf *out, const char *name, const char *value)
{
    rdt_buf_str(out, "      <property");
    attribute(out, "name", name);
    attribute(out, "value", value);
    rdt_buf_str(out, "/>\n");
}

enum rdt_code
rdt_render_junit(struct rdt_view *view, struct rdt_buf *out, struct rdt_err *err)
{
    const struct rdt_run *run = view->run;
    const char *env = run->env == NULL ? "plan" : run->env;
    size_t failures = run->count[RDT_FAIL] + run->count[RDT_DRIFT];
    size_t skipped = run->count[RDT_UNOBSERVED] + run->count[RDT_ACCEPTED] + run->count[RDT_NA];
    (void)err;
    rdt_buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"redoubt\"");
    number(out, "tests", run->n_results);
    number(out, "failures", failures);
    number(out, "errors", run->count[RDT_UNKNOWN]);
    rdt_buf_str(out, ">\n  <testsuite name=\"");
    rdt_markup_text(out, run->product);
    rdt_buf_str(out, " ");
    rdt_markup_text(out, env);
    rdt_buf_str(out, "\"");
    number(out, "tests", run->n_results);
    number(out, "failures", failures);
    number(out, "errors", run->count[RDT_UNKNOWN]);
    number(out, "skipped", skipped);
    attribute(out, "timestamp", view->stamp);
    attribute(out, "id", run->id);
    attribute(out, "file", run->plan);
    rdt_buf_str(out, ">\n    <properties>\n");
    property(out, "redoubt.version", run->version);
    property(out, "redoubt.environment", env);
    property(out, "redoubt.live", run->live ? "true" : "false");
    rdt_buf_str(out, "    </properties>\n");
    for (size_t i = 0; i < run->n_results; i++)
        test_case(out, view, &run->results[i]);
    rdt_buf_str(out, "  </testsuite>\n</testsuites>\n");
    return RDT_OK;
}
