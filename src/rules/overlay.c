/*
 * What people say over a verdict: attestations lift what nobody observed to A1, exceptions accept
 * what fails, a disabled rule is silent. Each only while it is in force, and only by exact names.
 */
#include "rules/gather_internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>

static const struct rdt_subject *
section_of(const struct rdt_gather *g, enum rdt_section section, size_t *n)
{
    *n = 0;
    return g->judge->plan == NULL ? NULL : rdt_plan_section(g->judge->plan, section, n);
}

static bool
day_in(const struct rdt_node *node, const char *field, int64_t *day)
{
    const char *text = rdt_node_str(node, field);
    return text != NULL && rdt_date_parse(rdt_span_str(text), day);
}

/* ---- exceptions
 * ----------------------------------------------------------------------------------- */

static int
compare_names(const char *rule, const char *subject, const struct rdt_subject *exception)
{
    int c = strcmp(rule, rdt_node_str(exception->node, "rule"));
    return c != 0 ? c : strcmp(subject, rdt_node_str(exception->node, "subject"));
}

static int
by_names(const void *a, const void *b)
{
    const struct rdt_subject *x = *(const struct rdt_subject *const *)a;
    return compare_names(rdt_node_str(x->node, "rule"), rdt_node_str(x->node, "subject"),
                         *(const struct rdt_subject *const *)b);
}

/* The last day counts. */
static bool
exception_holds(const struct rdt_subject *e, int64_t today)
{
    int64_t granted, expires;
    return rdt_node_str(e->node, "rule") != NULL && rdt_node_str(e->node, "subject") != NULL &&
           day_in(e->node, "granted", &granted) && day_in(e->node, "expires", &expires) &&
           granted <= today && today <= expires;
}

enum rdt_code
rdt_overlay_start(struct rdt_gather *gather, struct rdt_err *err)
{
    size_t n = 0;
    const struct rdt_subject *all = section_of(gather, RDT_EXCEPTIONS, &n);
    gather->exceptions = calloc(n + 1, sizeof(const struct rdt_subject *));
    if (gather->exceptions == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "exceptions");
    for (size_t i = 0; i < n; i++)
        if (exception_holds(&all[i], gather->judge->time / RDT_DAY_S))
            gather->exceptions[gather->n_exceptions++] = &all[i];
    qsort(gather->exceptions, gather->n_exceptions, sizeof gather->exceptions[0], by_names);
    return RDT_OK;
}

static const char *
find_exception(const struct rdt_gather *g, const char *rule, const char *subject)
{
    size_t low = 0, high = g->n_exceptions;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare_names(rule, subject, g->exceptions[mid]);
        if (c == 0)
            return g->exceptions[mid]->name;
        if (c > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- attestations
 * --------------------------------------------------------------------------------- */

static bool
file_has(const struct rdt_gather *g, const char *path, const char *sha256)
{
    for (size_t i = 0; path != NULL && i < g->n_files; i++)
        if (strcmp(g->files[i].path, path) == 0)
            return sha256 != NULL && g->files[i].sha256 != NULL &&
                   strcasecmp(g->files[i].sha256, sha256) == 0;
    return false;
}

/* Signed, not expired, and its evidence is what was signed (AT-HASH says so when it is not). */
static bool
attestation_holds(const struct rdt_gather *g, const struct rdt_subject *a)
{
    int64_t start, end, today = g->judge->time / RDT_DAY_S;
    const struct rdt_node *evidence = rdt_node_get(a->node, "evidence");
    if (!day_in(a->node, "signed", &start) || !day_in(a->node, "expires", &end) || start > today ||
        today >= end)
        return false;
    for (size_t i = 0; evidence != NULL && i < evidence->n; i++) {
        const struct rdt_node *item = evidence->members[i].node;
        if (!file_has(g, rdt_node_str(item, "file"), rdt_node_str(item, "sha256")))
            return false;
    }
    return true;
}

static bool
has_name(const struct rdt_strings *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], name) == 0)
            return true;
    return false;
}

static bool
covers(const struct rdt_gather *g, const char *named, const char *rule)
{
    if (strcmp(named, rule) == 0)
        return true;
    for (size_t i = 0; i < g->run->n_rows; i++)
        if (strcmp(g->run->rows[i].id, named) == 0)
            return has_name(&g->run->rows[i].by, rule);
    return false;
}

bool
rdt_overlay_attested(const struct rdt_gather *gather, const char *rule)
{
    size_t n = 0;
    const struct rdt_subject *all = section_of(gather, RDT_ATTESTATIONS, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *list = rdt_node_get(all[i].node, "covers");
        for (size_t j = 0; list != NULL && j < list->n; j++) {
            const char *named = rdt_node_text(list->members[j].node);
            if (named != NULL && covers(gather, named, rule) && attestation_holds(gather, &all[i]))
                return true;
        }
    }
    return false;
}

void
rdt_overlay_apply(struct rdt_gather *gather, struct rdt_result *r)
{
    if (gather->ranges[r->rule].attested &&
        (r->verdict == RDT_UNOBSERVED || (r->verdict == RDT_PASS && r->assurance == RDT_A0))) {
        r->verdict = RDT_PASS;
        r->assurance = RDT_A1;
        r->message = NULL;
    }
    if (r->verdict != RDT_FAIL && r->verdict != RDT_DRIFT)
        return;
    r->exception = find_exception(gather, gather->run->rules[r->rule].id,
                                  gather->run->subjects[r->subject].id);
    if (r->exception == NULL)
        return;
    r->before = r->verdict;
    r->verdict = RDT_ACCEPTED;
}

/* ---- names that nothing has
 * ------------------------------------------------------------------------ */

static enum rdt_code
no_such(const struct rdt_gather *g, struct rdt_mark mark, const char *name, bool rows,
        struct rdt_err *err)
{
    const struct rdt_run *run = g->run;
    const char *near = NULL;
    const char **names = calloc(run->n_rules + run->n_rows + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names != NULL && i < run->n_rules; i++)
        names[n++] = run->rules[i].id;
    for (size_t i = 0; names != NULL && rows && i < run->n_rows; i++)
        names[n++] = run->rows[i].id;
    if (n != 0)
        near = rdt_text_nearest(rdt_span_str(name), names, n);
    if (mark.file != NULL && mark.line != 0)
        rdt_fail(err, RDT_E_BADINPUT, "%s:%u:%u: there is no rule '%s'", mark.file,
                 (unsigned)mark.line, (unsigned)mark.column, name);
    else
        rdt_fail(err, RDT_E_BADINPUT, "there is no rule '%s'", name);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    else
        rdt_hint(err, "redoubt rules list shows them all");
    free(names);
    return RDT_E_BADINPUT;
}

/* A row makes no finding: an exception has to name the rule that does. */
static enum rdt_code
is_row(const struct rdt_row *row, struct rdt_mark mark, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_BADINPUT, "%s:%u:%u: '%s' is a line of the template and makes no finding",
             mark.file == NULL ? "-" : mark.file, (unsigned)mark.line, (unsigned)mark.column,
             row->id);
    rdt_hint(err, "name the rule that does: %s%s", row->by.n != 0 ? row->by.at[0] : "",
             row->by.n > 1 ? " or another of redoubt rules show" : "");
    return RDT_E_BADINPUT;
}

static const struct rdt_row *
find_row(const struct rdt_gather *g, const char *id)
{
    for (size_t i = 0; i < g->run->n_rows; i++)
        if (strcmp(g->run->rows[i].id, id) == 0)
            return &g->run->rows[i];
    return NULL;
}

static enum rdt_code
check_name(const struct rdt_gather *g, const char *name, struct rdt_mark mark, bool rows,
           struct rdt_err *err)
{
    size_t index;
    if (name == NULL || rdt_rollup_find(g, name, &index))
        return RDT_OK;
    const struct rdt_row *row = find_row(g, name);
    if (row == NULL)
        return no_such(g, mark, name, rows, err);
    return rows ? RDT_OK : is_row(row, mark, err);
}

static enum rdt_code
check_exceptions(const struct rdt_gather *g, struct rdt_err *err)
{
    size_t n = 0;
    enum rdt_code rc = RDT_OK;
    const struct rdt_subject *all = section_of(g, RDT_EXCEPTIONS, &n);
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        const struct rdt_node *rule = rdt_node_get(all[i].node, "rule");
        rc =
            check_name(g, rdt_node_text(rule), rule == NULL ? all[i].mark : rule->mark, false, err);
    }
    return rc;
}

static enum rdt_code
check_attestations(const struct rdt_gather *g, struct rdt_err *err)
{
    size_t n = 0;
    enum rdt_code rc = RDT_OK;
    const struct rdt_subject *all = section_of(g, RDT_ATTESTATIONS, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *list = rdt_node_get(all[i].node, "covers");
        for (size_t j = 0; rc == RDT_OK && list != NULL && j < list->n; j++)
            rc = check_name(g, rdt_node_text(list->members[j].node), list->members[j].node->mark,
                            true, err);
    }
    return rc;
}

static enum rdt_code
check_disabled(const struct rdt_gather *g, struct rdt_err *err)
{
    const struct rdt_node *map = rdt_node_get(rdt_plan_root(g->judge->plan), "policy.disable");
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && map != NULL && i < map->n; i++)
        rc = check_name(g, (const char *)map->members[i].key.p, map->members[i].mark, false, err);
    return rc;
}

/* --rule takes patterns; one that meets nothing is a slip of the pen. */
static enum rdt_code
check_only(const struct rdt_gather *g, struct rdt_err *err)
{
    for (size_t i = 0; i < g->judge->only.n; i++) {
        struct rdt_span pattern = rdt_span_str(g->judge->only.at[i]);
        bool found = false;
        for (size_t r = 0; r < g->run->n_rules && !found; r++)
            found = rdt_text_glob(pattern, rdt_span_str(g->run->rules[r].id));
        if (!found)
            return no_such(g, (struct rdt_mark){0}, g->judge->only.at[i], false, err);
    }
    return RDT_OK;
}

enum rdt_code
rdt_overlay_check(const struct rdt_gather *gather, struct rdt_err *err)
{
    enum rdt_code rc = check_only(gather, err);
    if (rc == RDT_OK)
        rc = check_exceptions(gather, err);
    if (rc == RDT_OK)
        rc = check_attestations(gather, err);
    if (rc == RDT_OK)
        rc = check_disabled(gather, err);
    return rc;
}
