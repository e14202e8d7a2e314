/*
 * refs.c - what the plan and the options say about rules names rules that exist, and exceptions
 * name one subject that the rule judges. A name that meets nothing would look like something
 * decided.
 */
#include "rules/gather_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static const struct rdt_subject *
section_of(const struct rdt_gather *g, enum rdt_section section, size_t *n)
{
    *n = 0;
    return g->judge->plan == NULL ? NULL : rdt_plan_section(g->judge->plan, section, n);
}

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

/* ---- subjects of exceptions
 * --------------------------------------------------------------------------- */

static enum rdt_code
bad_subject(const struct rdt_node *node, const char *why, const char *hint, struct rdt_err *err)
{
    rdt_fail(err, RDT_E_BADINPUT, "%s:%u:%u: an exception for '%s': %s",
             node->mark.file == NULL ? "-" : node->mark.file, (unsigned)node->mark.line,
             (unsigned)node->mark.column, rdt_node_text(node), why);
    if (hint != NULL)
        rdt_hint(err, "%s", hint);
    return RDT_E_BADINPUT;
}

static enum rdt_code
no_subject(const struct rdt_gather *g, const struct rdt_node *node, struct rdt_err *err)
{
    const struct rdt_run *run = g->run;
    const char **ids = calloc(run->n_subjects + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < run->n_subjects; i++)
        ids[i] = run->subjects[i].id;
    const char *near = ids == NULL ? NULL : rdt_text_nearest(node->text, ids, run->n_subjects);
    bad_subject(node, "the plan has no such subject", NULL, err);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    else
        rdt_hint(err, "a subject is SECTION.ID, such as stores.db");
    free(ids);
    return RDT_E_BADINPUT;
}

static bool
judges(const struct rdt_rule *rule, enum rdt_section section)
{
    for (size_t i = 0; i < rule->subjects.n; i++)
        if (strcmp(rule->subjects.at[i], rdt_section_name(section)) == 0)
            return true;
    return false;
}

/* One subject, exactly: what an exception accepts is what two people read when they signed it. */
static enum rdt_code
check_subject(const struct rdt_gather *g, const struct rdt_rule *rule, const struct rdt_node *node,
              struct rdt_err *err)
{
    const char *name = rdt_node_text(node);
    const struct rdt_subject *subject = name == NULL ? NULL : rdt_plan_find(g->judge->plan, name);
    if (name == NULL)
        return RDT_OK;
    if (strpbrk(name, "*?[") != NULL)
        return bad_subject(node, "it must name one subject", "write an exception for each", err);
    /* an environment may have patched the subject away; there is nothing to accept there */
    if (subject == NULL)
        return rdt_plan_env(g->judge->plan) == NULL ? no_subject(g, node, err) : RDT_OK;
    if (subject->section == RDT_EXCEPTIONS)
        return bad_subject(node, "what is wrong with an exception cannot be accepted by one",
                           "mend the exception, or end it", err);
    if (judges(rule, subject->section))
        return RDT_OK;
    char why[160];
    snprintf(why, sizeof why, "%s does not judge `%s`", rule->id,
             rdt_section_name(subject->section));
    return bad_subject(node, why, "redoubt rules show tells what a rule judges", err);
}

static enum rdt_code
check_exceptions(const struct rdt_gather *g, struct rdt_err *err)
{
    size_t n = 0, index = 0;
    enum rdt_code rc = RDT_OK;
    const struct rdt_subject *all = section_of(g, RDT_EXCEPTIONS, &n);
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        const struct rdt_node *rule = rdt_node_get(all[i].node, "rule");
        const char *name = rdt_node_text(rule);
        rc = check_name(g, name, rule == NULL ? all[i].mark : rule->mark, false, err);
        if (rc == RDT_OK && name != NULL && rdt_rollup_find(g, name, &index))
            rc = check_subject(g, &g->run->rules[index], rdt_node_get(all[i].node, "subject"), err);
    }
    return rc;
}

/* ---- the others
 * --------------------------------------------------------------------------------------- */

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
rdt_refs_check(const struct rdt_gather *gather, struct rdt_err *err)
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
