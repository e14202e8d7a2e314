/*
 * view_internal.h - a run made ready for reading: results by subject, names to numbers, the words
 * that all formats share. One view serves one rendering.
 */
#ifndef RDT_REPORT_VIEW_INTERNAL_H
#define RDT_REPORT_VIEW_INTERNAL_H

#include "report/report.h"

#define RDT_NOWHERE UINT32_MAX /* no such rule, subject or result */

/* Names to numbers: open addressing, keys borrowed. */
struct rdt_names {
    const char **keys;
    uint32_t *values;
    size_t cap; /* a power of two; 0 when empty */
};

struct rdt_view {
    struct rdt_arena arena;
    const struct rdt_report *report;
    const struct rdt_run *run;
    const struct rdt_plan *plan;
    const struct rdt_framework *framework; /* the one asked for, or NULL */
    struct rdt_names subjects, rules;      /* ids to indices of run->subjects and run->rules */
    uint32_t *first, *next;                /* results of a subject, worst first; RDT_NOWHERE ends */
    struct rdt_names broken;               /* "RULE subject" to the first of its links */
    struct rdt_broken {
        const char *row; /* a row that this finding keeps from being met */
        uint32_t next;
    } *links;
    char date[16];  /* of the run: "2026-11-24" */
    char stamp[32]; /* of the run: "2026-11-24T10:15:00Z" */
};

/* rdt_names_init - room for n names.  False when out of memory. */
RDT_MUST_CHECK bool rdt_names_init(struct rdt_names *names, struct rdt_arena *arena, size_t n);

/* rdt_names_put - name -> value; the first value of a name stays.  Returns the value it has. */
uint32_t rdt_names_put(struct rdt_names *names, const char *key, uint32_t value);

/* rdt_names_get - the value of a name, RDT_NOWHERE when it has none. */
uint32_t rdt_names_get(const struct rdt_names *names, const char *key);

/* rdt_view_init - index a run.  Fails: RDT_E_NOTFOUND (no such framework), RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_view_init(struct rdt_view *view, const struct rdt_report *report,
                                           struct rdt_err *err);

/* rdt_view_done - free it; also the closer for RDT_AUTO. */
void rdt_view_done(struct rdt_view *view);

/*
 * rdt_view_worst - the worst result of a subject that is not n/a, or NULL.  What was accepted goes
 * before what was only not looked at: somebody knows that it is wrong.
 */
const struct rdt_result *rdt_view_worst(const struct rdt_view *view, const char *subject);

/* rdt_view_result - the result of one rule on one subject, by names, or NULL. */
const struct rdt_result *rdt_view_result(const struct rdt_view *view, const char *rule,
                                         const char *subject);

/* rdt_view_rollups - first link of the rows that a result breaks; RDT_NOWHERE: none. */
uint32_t rdt_view_rollups(const struct rdt_view *view, const struct rdt_result *result);

/* rdt_verdict_rank - 0 for the worst; results stand in this order. */
unsigned rdt_verdict_rank(enum rdt_verdict verdict);

/* rdt_result_shown - whether a result is listed when the caller did not ask for all. */
bool rdt_result_shown(const struct rdt_result *result);

/* rdt_result_message - what it says: its message, else the title of its rule. */
const char *rdt_result_message(const struct rdt_run *run, const struct rdt_result *result);

/* rdt_result_place - append "redoubt.yaml:12:3", as much of it as is known; false when nothing is.
 */
bool rdt_result_place(struct rdt_buf *out, struct rdt_mark where);

/*
 * rdt_control_rests_on - whether a rule is why a control has its state: it covers one that is met,
 * holds back one that is not, or passes where only a person or the plan says so (unproven).
 */
bool rdt_control_rests_on(const struct rdt_control *control, const struct rdt_control_rule *rule);

/* rdt_observer - append who would see what was not seen: "a probe or an attestation". */
void rdt_observer(struct rdt_buf *out, const struct rdt_rule *rule);

/* rdt_assurance_word - "declared", "attested", "imported", "observed", "exercised". */
const char *rdt_assurance_word(enum rdt_assurance assurance);

/* rdt_plural - "1 finding", "2 findings": appended; nouns get an s. */
void rdt_plural(struct rdt_buf *out, size_t n, const char *noun);

/*
 * rdt_render_text, rdt_render_json, rdt_render_sarif, rdt_render_junit, rdt_render_csv,
 * rdt_render_html, rdt_render_template - one format each; the contract of rdt_report_render().
 *
 *   stored   JSON: with all that rdt_run_load() needs
 *   html     template: a page, otherwise Markdown
 */
RDT_MUST_CHECK enum rdt_code rdt_render_text(struct rdt_view *view, struct rdt_buf *out,
                                             struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_json(struct rdt_view *view, bool stored,
                                             struct rdt_buf *out, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_sarif(struct rdt_view *view, struct rdt_buf *out,
                                              struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_junit(struct rdt_view *view, struct rdt_buf *out,
                                              struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_csv(struct rdt_view *view, struct rdt_buf *out,
                                            struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_html(struct rdt_view *view, struct rdt_buf *out,
                                             struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_render_template(struct rdt_view *view, bool html,
                                                 struct rdt_buf *out, struct rdt_err *err);

#endif
