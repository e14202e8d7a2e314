/*
 * What people say over a verdict: attestations lift what nobody observed to A1, exceptions accept
 * what fails, a disabled rule is silent. Each only while it is in force, and only by exact names.
 */
#include "rules/gather_internal.h"

#include "base/clock.h"
#include "rules/filter_internal.h"

#include <stdlib.h>

#define ATTESTED_DAYS_MAX 400 /* reference 1.0: whatever it says, a statement is too old then */

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

static int
by_path(const void *path, const void *file)
{
    return strcmp(path, ((const struct rdt_fileinfo *)file)->path);
}

static bool
file_has(const struct rdt_gather *g, const char *path, const char *sha256)
{
    const struct rdt_fileinfo *found =
        path == NULL || g->n_files == 0
            ? NULL
            : bsearch(path, g->files, g->n_files, sizeof g->files[0], by_path);
    return found != NULL && sha256 != NULL && found->sha256 != NULL &&
           strcasecmp(found->sha256, sha256) == 0;
}

/*
 * Signed, not expired (the last day counts, as of an exception), not too old, and its evidence is
 * what was signed (AT-HASH says so when it is not).
 */
static bool
attestation_holds(const struct rdt_gather *g, const struct rdt_subject *a)
{
    int64_t start, end, today = g->judge->time / RDT_DAY_S;
    const struct rdt_node *evidence = rdt_node_get(a->node, "evidence");
    if (!day_in(a->node, "signed", &start) || !day_in(a->node, "expires", &end) || start > today ||
        today > end || today - start > ATTESTED_DAYS_MAX)
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

/* The subjects that a row is about, added to those that the rule is attested on. */
static bool
attest_row(struct rdt_gather *g, size_t row, struct rdt_range *range)
{
    const struct rdt_node *filter = g->catalogue.filters[row];
    size_t n = g->run->n_subjects;
    if (filter == NULL) {
        range->attested = true;
        return true;
    }
    if (g->facts == NULL)
        g->facts = rdt_filter_learn(g->judge->plan, &g->arena);
    uint8_t *mask = rdt_arena_new(&g->arena, n + 1);
    if (g->facts == NULL || mask == NULL)
        return false;
    rdt_filter_mask(g->judge->plan, g->facts, filter, mask);
    for (size_t i = 0; range->attested_on != NULL && i < n; i++)
        mask[i] |= range->attested_on[i];
    range->attested_on = mask;
    return true;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in attestations that are in force, looked up once: a plan may hold a million. */
static bool
learn_attested(struct rdt_gather *g)
{
    size_t n = 0, n_names = 0;
    const struct rdt_subject *all = section_of(g, RDT_ATTESTATIONS, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *list = rdt_node_get(all[i].node, "covers");
        n_names += list == NULL ? 0 : list->n;
    }
    g->attested = rdt_arena_new(&g->arena, (n_names + 1) * sizeof *g->attested);
    if (g->attested == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct rdt_node *list = rdt_node_get(all[i].node, "covers");
        size_t n_covers = list == NULL || !attestation_holds(g, &all[i]) ? 0 : list->n;
        for (size_t j = 0; j < n_covers; j++) {
            const char *named = rdt_node_text(list->members[j].node);
            if (named != NULL)
                g->attested[g->n_attested++] = named;
        }
    }
    qsort(g->attested, g->n_attested, sizeof *g->attested, by_name);
    return true;
}

static bool
is_named(const struct rdt_gather *g, const char *name)
{
    return g->n_attested != 0 &&
           bsearch(&name, g->attested, g->n_attested, sizeof *g->attested, by_name) != NULL;
}

/* An attestation names a rule, or a row that the rule decides. */
bool
rdt_overlay_attest(struct rdt_gather *gather, const char *rule, struct rdt_range *range)
{
    bool ok = gather->attested != NULL || learn_attested(gather);
    range->attested = ok && is_named(gather, rule);
    for (size_t i = 0; ok && !range->attested && i < gather->run->n_rows; i++)
        if (is_named(gather, gather->run->rows[i].id) && has_name(&gather->run->rows[i].by, rule))
            ok = attest_row(gather, i, range);
    return ok;
}

static bool
is_attested(const struct rdt_range *range, uint32_t subject)
{
    return range->attested || (range->attested_on != NULL && range->attested_on[subject] != 0);
}

void
rdt_overlay_apply(struct rdt_gather *gather, struct rdt_result *r)
{
    if (is_attested(&gather->ranges[r->rule], r->subject) &&
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
