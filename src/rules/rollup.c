/*
 * Rows of the template: each is what its primary rules came to, on the subjects that it selects.
 * packs/template.yaml says at its top what a filter means.
 */
#include "rules/gather_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define BROKEN_MAX 100 /* findings named in one row; the rest are counted */

#define MASK_MATCH 1 /* the filter selects it */
#define MASK_TIED 2  /* it belongs to one that is selected */

bool
rdt_rollup_find(const struct rdt_gather *gather, const char *id, size_t *out)
{
    for (size_t i = 0; i < gather->run->n_rules; i++) {
        if (strcmp(gather->run->rules[i].id, id) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* ---- filters
 * ---------------------------------------------------------------------------------------- */

struct filter {
    const struct rdt_plan *plan;
    const struct rdt_subject *subjects;
    const struct rdt_node *section, *kind, *level, *data_kind, *backup, *external;
};

/* Whether text is the scalar, or one of the list; no filter takes anything. */
static bool
names(const struct rdt_node *filter, const char *text)
{
    if (filter == NULL)
        return true;
    if (text == NULL)
        return false;
    if (filter->kind != RDT_NODE_LIST)
        return rdt_node_is(filter, text);
    for (size_t i = 0; i < filter->n; i++)
        if (rdt_node_is(filter->members[i].node, text))
            return true;
    return false;
}

static const struct rdt_subject *
end_of_flow(const struct filter *f, const struct rdt_subject *flow, const char *field)
{
    const char *name = rdt_node_str(flow->node, field);
    char id[256];
    if (name == NULL)
        return NULL;
    snprintf(id, sizeof id, "services.%s", name);
    const struct rdt_subject *end = rdt_plan_find(f->plan, id);
    if (end != NULL)
        return end;
    snprintf(id, sizeof id, "stores.%s", name);
    return rdt_plan_find(f->plan, id);
}

static bool
is_outside(const struct rdt_subject *end)
{
    return end != NULL && (rdt_node_is(rdt_node_get(end->node, "external"), "true") ||
                           rdt_node_is(rdt_node_get(end->node, "kind"), "processor"));
}

static const char *
kind_of(const struct filter *f, const struct rdt_subject *s)
{
    if (s->section == RDT_STORES)
        return rdt_node_str(s->node, "kind");
    if (s->section == RDT_KEYS)
        return rdt_node_str(s->node, "type");
    if (s->section != RDT_FLOWS)
        return NULL;
    const struct rdt_subject *to = end_of_flow(f, s, "to");
    if (to == NULL)
        return NULL;
    if (to->section == RDT_STORES)
        return rdt_node_str(to->node, "kind");
    return is_outside(to) ? "external" : "service";
}

static bool
has_kind(const struct filter *f, const struct rdt_subject *data)
{
    const struct rdt_node *kinds = rdt_node_get(data->node, "kinds");
    for (size_t i = 0; kinds != NULL && i < kinds->n; i++)
        if (names(f->data_kind, rdt_node_text(kinds->members[i].node)))
            return true;
    return false;
}

static bool
data_matches(const struct filter *f, const struct rdt_subject *s)
{
    if (f->data_kind == NULL)
        return true;
    if (s->section == RDT_DATA)
        return has_kind(f, s);
    const struct rdt_links *links = &s->links[RDT_LINK_DATA];
    for (size_t i = 0; i < links->n; i++)
        if (has_kind(f, &f->subjects[links->at[i]]))
            return true;
    return false;
}

static bool
backup_matches(const struct filter *f, const struct rdt_subject *s)
{
    if (f->backup == NULL)
        return true;
    bool is = s->links[RDT_LINK_SOURCES].n != 0;
    return s->section == RDT_STORES && is == rdt_node_is(f->backup, "true");
}

static bool
external_matches(const struct filter *f, const struct rdt_subject *s)
{
    if (f->external == NULL)
        return true;
    bool out = is_outside(s);
    if (s->section == RDT_FLOWS)
        out = is_outside(end_of_flow(f, s, "from")) || is_outside(end_of_flow(f, s, "to"));
    return out == rdt_node_is(f->external, "true");
}

/* Sections in which a filter can select at all; the others only follow. */
static bool
can_match(const struct filter *f, enum rdt_section section)
{
    bool data = section == RDT_DATA;
    bool service = section == RDT_SERVICES;
    if (section > RDT_FLOWS || !names(f->section, rdt_section_name(section)))
        return section > RDT_FLOWS && f->section != NULL &&
               names(f->section, rdt_section_name(section));
    return !(f->kind != NULL && (data || service)) &&
           !(f->backup != NULL && section != RDT_STORES) &&
           !(f->external != NULL && (data || section == RDT_KEYS));
}

static bool
matches(const struct filter *f, const struct rdt_subject *s)
{
    return can_match(f, s->section) && (f->kind == NULL || names(f->kind, kind_of(f, s))) &&
           (f->level == NULL || names(f->level, rdt_level_name(s->level))) && data_matches(f, s) &&
           backup_matches(f, s) && external_matches(f, s);
}

/* ---- ties
 * --------------------------------------------------------------------------------------------- */

static void
tie(const struct filter *f, uint8_t *mask, const struct rdt_subject *s)
{
    if (s != NULL && !can_match(f, s->section))
        mask[s - f->subjects] |= MASK_TIED;
}

static void
tie_links(const struct filter *f, uint8_t *mask, const struct rdt_subject *s, enum rdt_link link)
{
    for (size_t i = 0; i < s->links[link].n; i++)
        tie(f, mask, &f->subjects[s->links[link].at[i]]);
}

/* The keys named in a subject and those that wrap them; the loader has refused cycles. */
static void
tie_keys(const struct filter *f, uint8_t *mask, const struct rdt_subject *s)
{
    tie_links(f, mask, s, RDT_LINK_KEYS);
    for (size_t i = 0; i < s->links[RDT_LINK_KEYS].n; i++) {
        const struct rdt_subject *key = &f->subjects[s->links[RDT_LINK_KEYS].at[i]];
        while (key->links[RDT_LINK_KEYS].n != 0) {
            key = &f->subjects[key->links[RDT_LINK_KEYS].at[0]];
            tie(f, mask, key);
        }
    }
}

static void
tie_ends(const struct filter *f, uint8_t *mask, const struct rdt_subject *flow)
{
    tie(f, mask, end_of_flow(f, flow, "from"));
    tie(f, mask, end_of_flow(f, flow, "to"));
}

static void
tie_all(const struct filter *f, uint8_t *mask, const struct rdt_subject *s)
{
    static const enum rdt_link plain[] = {RDT_LINK_DATA, RDT_LINK_STORES, RDT_LINK_FLOWS,
                                          RDT_LINK_PROTECTS};
    tie_keys(f, mask, s);
    for (size_t i = 0; i < RDT_COUNT(plain); i++)
        tie_links(f, mask, s, plain[i]);
    if (s->section == RDT_FLOWS)
        tie_ends(f, mask, s);
    if (s->section != RDT_STORES)
        return;
    for (size_t i = 0; i < s->links[RDT_LINK_FLOWS].n; i++)
        tie_ends(f, mask, &f->subjects[s->links[RDT_LINK_FLOWS].at[i]]);
}

static void
fill_mask(const struct rdt_gather *g, const struct rdt_node *node, uint8_t *mask)
{
    size_t n = 0;
    struct filter f = {
        .plan = g->judge->plan,
        .subjects = rdt_plan_subjects(g->judge->plan, &n),
        .section = rdt_node_get(node, "section"),
        .kind = rdt_node_get(node, "kind"),
        .level = rdt_node_get(node, "level"),
        .data_kind = rdt_node_get(node, "data_kind"),
        .backup = rdt_node_get(node, "backup"),
        .external = rdt_node_get(node, "external"),
    };
    memset(mask, 0, n);
    for (size_t i = 0; i < n; i++) {
        const struct rdt_subject *s = &f.subjects[i];
        if (s->section == RDT_PLAN || s->section == RDT_PROCEDURES) {
            mask[i] |= MASK_MATCH;
        } else if (matches(&f, s)) {
            mask[i] |= MASK_MATCH;
            tie_all(&f, mask, s);
        }
    }
}

/* ---- sums
 * ---------------------------------------------------------------------------------------------- */

static unsigned
rank_of(enum rdt_verdict verdict)
{
#define X(name, word, rank) [name] = rank,
    static const uint8_t ranks[] = {RDT_VERDICTS(X)};
#undef X
    return ranks[verdict];
}

struct rdt_sum
rdt_rollup_sum(const struct rdt_gather *gather, size_t rule, const uint8_t *mask)
{
    const struct rdt_range *range = &gather->ranges[rule];
    struct rdt_sum sum = {RDT_NA, RDT_A4 + 1};
    for (size_t i = range->first; i < range->first + range->n; i++) {
        const struct rdt_result *r = &gather->run->results[i];
        if (mask != NULL && mask[r->subject] == 0)
            continue;
        if (rank_of(r->verdict) < rank_of(sum.worst))
            sum.worst = r->verdict;
        if (r->verdict == RDT_PASS && r->assurance < sum.assurance)
            sum.assurance = r->assurance;
    }
    /* what was left out by a filter or by the plan is open, not passed */
    if (!range->judged && rank_of(sum.worst) > rank_of(RDT_UNOBSERVED))
        sum.worst = RDT_UNOBSERVED;
    return sum;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------------
 */

struct broken {
    const char *at[BROKEN_MAX + 1];
    size_t n, more;
};

static bool
add_broken(struct broken *b, const char *text)
{
    if (b->n < BROKEN_MAX)
        b->at[b->n++] = text;
    else
        b->more++;
    return text != NULL;
}

static bool
note_broken(struct rdt_gather *g, size_t rule, const uint8_t *mask, struct broken *b)
{
    struct rdt_run *run = g->run;
    const struct rdt_range *range = &g->ranges[rule];
    bool ok = true;
    if (run->rules[rule].disabled != NULL)
        return add_broken(b, rdt_arena_fmt(&run->arena, "%s (disabled)", run->rules[rule].id));
    for (size_t i = range->first; ok && i < range->first + range->n; i++) {
        const struct rdt_result *r = &run->results[i];
        if ((mask != NULL && mask[r->subject] == 0) ||
            rank_of(r->verdict) > rank_of(RDT_UNOBSERVED))
            continue;
        if (b->n < BROKEN_MAX)
            ok = add_broken(b, rdt_arena_fmt(&run->arena, "%s %s", run->rules[rule].id,
                                             run->subjects[r->subject].id));
        else
            b->more++;
    }
    return ok;
}

static bool
keep_broken(struct rdt_run *run, struct rdt_row *row, struct broken *b)
{
    if (b->more != 0)
        b->at[b->n++] = rdt_arena_fmt(&run->arena, "and %zu more", b->more);
    const char **at = rdt_arena_new(&run->arena, (b->n + 1) * sizeof *at);
    if (at == NULL)
        return false;
    memcpy(at, b->at, b->n * sizeof *at);
    row->broken = (struct rdt_strings){at, b->n};
    return true;
}

static bool
judge_row(struct rdt_gather *g, struct rdt_row *row, const uint8_t *mask)
{
    struct rdt_sum all = {RDT_NA, RDT_A4 + 1};
    struct broken broken = {.n = 0};
    bool ok = true;
    for (size_t i = 0; ok && i < row->by.n; i++) {
        size_t rule;
        struct rdt_sum sum = {RDT_UNOBSERVED, RDT_A4 + 1};
        if (rdt_rollup_find(g, row->by.at[i], &rule)) {
            sum = rdt_rollup_sum(g, rule, mask);
            ok = note_broken(g, rule, mask, &broken);
        }
        if (rank_of(sum.worst) < rank_of(all.worst))
            all.worst = sum.worst;
        if (sum.assurance < all.assurance)
            all.assurance = sum.assurance;
    }
    row->verdict = all.worst == RDT_ACCEPTED ? RDT_PASS : all.worst;
    row->assurance = all.assurance > RDT_A4 ? RDT_A0 : all.assurance;
    return ok && keep_broken(g->run, row, &broken);
}

enum rdt_code
rdt_rollup_rows(struct rdt_gather *gather, struct rdt_err *err)
{
    struct rdt_run *run = gather->run;
    uint8_t *mask = calloc(run->n_subjects + 1, 1);
    bool ok = mask != NULL;
    for (size_t i = 0; ok && i < run->n_rows; i++) {
        const struct rdt_node *filter = gather->catalogue.filters[i];
        if (filter != NULL)
            fill_mask(gather, filter, mask);
        ok = judge_row(gather, &run->rows[i], filter == NULL ? NULL : mask);
    }
    free(mask);
    return ok ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "the template's rows");
}
