/*
 * report.h - what a run says, in every format that people and tools read. Pure: structs in, bytes
 * out; no file, no clock, no network.
 *
 * A run is kept as JSON (docs/formats/run.md). rdt_run_load() brings run, plan and observations
 * back, and each format of a loaded run is the same, byte for byte, as before it was stored.
 */
#ifndef RDT_REPORT_REPORT_H
#define RDT_REPORT_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "evidence/evidence.h"
#include "plan/plan.h"
#include "rules/run.h"

/* enum, word on the command line, ending of its files */
#define RDT_FORMATS(X)                                                                             \
    X(RDT_FORMAT_TEXT, "text", "txt")                                                              \
    X(RDT_FORMAT_JSON, "json", "json")                                                             \
    X(RDT_FORMAT_SARIF, "sarif", "sarif")                                                          \
    X(RDT_FORMAT_JUNIT, "junit", "xml")                                                            \
    X(RDT_FORMAT_CSV, "csv", "csv")                                                                \
    X(RDT_FORMAT_HTML, "html", "html")                                                             \
    X(RDT_FORMAT_TEMPLATE_MD, "template", "md")                                                    \
    X(RDT_FORMAT_TEMPLATE_HTML, "template-html", "html")                                           \
    X(RDT_FORMAT_STORED, "stored", "json")

#define X(name, word, ending) name,
enum rdt_format { RDT_FORMATS(X) RDT_NFORMATS };
#undef X

#define RDT_WIDTH_DEFAULT 80 /* columns of text where the caller says nothing */
#define RDT_WIDTH_MIN 60

struct rdt_report {
    const struct rdt_run *run;
    const struct rdt_plan *plan;         /* the plan that the run judged */
    const struct rdt_evidence *evidence; /* NULL: nothing was looked at */
    bool all;                            /* text, json, sarif, csv: passes and n/a too */
    bool color;                          /* text: ANSI colours, never alone */
    unsigned width;                      /* text: columns; 0: RDT_WIDTH_DEFAULT */
    const char *framework; /* "soc2" or "soc2@2022": text, json, csv, html show its controls only */
    const char *map_svg;   /* HTML: the flow map as rdt_svg_filter() left it, or NULL */
    const char *base;      /* SARIF: absolute folder that file names are relative to, or NULL */
};

/* A run that was read back, with all that its reports need. */
struct rdt_stored;

/*
 * rdt_format_parse - the format of a word, RDT_NFORMATS when it is none.  RDT_FORMAT_STORED is for
 * keeping runs, and is not offered to people.
 * rdt_format_word, rdt_format_ending - "sarif"; the usual ending of such a file, "sarif".
 */
enum rdt_format rdt_format_parse(const char *word);
const char *rdt_format_word(enum rdt_format format);
const char *rdt_format_ending(enum rdt_format format);

/*
 * rdt_report_render - append a run in one format.
 *
 *   report   run and plan are required; the rest may be left out
 *   out      grows; holds a part of the report after a failure
 *
 * Fails: RDT_E_NOTFOUND (no such framework; the hint names those there are), RDT_E_BADINPUT (the
 * embedded template table is wrong), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_report_render(const struct rdt_report *report,
                                               enum rdt_format format, struct rdt_buf *out,
                                               struct rdt_err *err);

/*
 * rdt_report_framework - the framework that a word means: "id@edition", or "id" for the edition
 * that the plan chose, else the default one.  NULL when there is none.
 */
const struct rdt_framework *rdt_report_framework(const struct rdt_run *run, const char *word);

/*
 * rdt_run_load - read a run that was rendered as RDT_FORMAT_STORED.  The bytes are untrusted: every
 * index, word and count is checked, and each observation's text must match its hash.
 *
 *   name   what messages call it, such as the file's name
 *   json   at most RDT_JSON_MAX bytes
 *   out    caller closes with rdt_stored_close()
 *
 * Fails: RDT_E_BADINPUT (the text names the member), RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_run_load(const char *name, struct rdt_span json,
                                          struct rdt_stored **out, struct rdt_err *err);

/*
 * rdt_stored_run, rdt_stored_plan, rdt_stored_evidence - its parts, borrowed until
 * rdt_stored_close(); never NULL.
 */
const struct rdt_run *rdt_stored_run(const struct rdt_stored *stored);
const struct rdt_plan *rdt_stored_plan(const struct rdt_stored *stored);
const struct rdt_evidence *rdt_stored_evidence(const struct rdt_stored *stored);

/* rdt_stored_close - free a stored run.  rdt_stored_close_at - closer for RDT_AUTO. */
void rdt_stored_close(struct rdt_stored *stored);
void rdt_stored_close_at(struct rdt_stored **stored);

/*
 * rdt_map_dot - append the flow map as DOT for `dot -Tsvg`: zones as boxes, services and stores as
 * nodes, flows as edges whose width follows the level of their data.
 *
 *   run   colours and marks by verdict; NULL draws the plan alone
 */
void rdt_map_dot(const struct rdt_plan *plan, const struct rdt_run *run, struct rdt_buf *out);

/*
 * rdt_svg_filter - append the elements and attributes of an SVG that are known to be harmless.
 * Everything else is left out: scripts, event handlers, styles, links, images, comments,
 * processing instructions.  What the result holds can stand inside an HTML page.
 *
 * Fails: RDT_E_BADINPUT (not well formed, a DOCTYPE with entities, an unknown entity), RDT_E_LIMIT
 * (RDT_SVG_MAX, or nested deeper than 64), RDT_E_NOMEM.  out holds a part after a failure.
 */
RDT_MUST_CHECK enum rdt_code rdt_svg_filter(struct rdt_span in, struct rdt_buf *out,
                                            struct rdt_err *err);

#define RDT_SVG_MAX ((size_t)8 * 1024 * 1024) /* bytes of a map */

#endif
