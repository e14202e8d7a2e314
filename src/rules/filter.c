/*
 * The filters of the template's rows: which subjects a row is about. packs/template.yaml says at
 * its top what each means. Every question is answered once for each subject, so that a row costs
 * one pass over the subjects and their links.
 */
#include "rules/filter_internal.h"

#include <stdio.h>

#define MASK_MATCH 1 /* the filter selects it */
#define MASK_TIED 2  /* it belongs to one that is selected */
#define NO_END UINT32_MAX

/* What filters ask about a subject. */
struct rdt_filter_facts {
    const char *kind;  /* of a store, key, or what a flow goes to */
    uint32_t from, to; /* of a flow: subjects at its ends, or NO_END */
    bool outside;      /* not ours, or a flow with an end that is not */
};

struct filter {
    const struct rdt_filter_facts *facts;
    const struct rdt_subject *subjects;
    const struct rdt_node *section, *kind, *level, *data_kind, *backup, *external;
    bool can_match[RDT_NSECTIONS]; /* the others only follow */
    bool level_ok[RDT_NLEVELS];
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

/* ---- facts
 * ------------------------------------------------------------------------------------------ */

static uint32_t
end_of(const struct rdt_plan *plan, const struct rdt_subject *subjects,
       const struct rdt_subject *flow, const char *field)
{
    static const enum rdt_section sections[] = {RDT_SERVICES, RDT_STORES};
    const char *name = rdt_node_str(flow->node, field);
    for (size_t i = 0; name != NULL && i < RDT_COUNT(sections); i++) {
        char id[256];
        snprintf(id, sizeof id, "%s.%s", rdt_section_name(sections[i]), name);
        const struct rdt_subject *end = rdt_plan_find(plan, id);
        if (end != NULL)
            return (uint32_t)(end - subjects);
    }
    return NO_END;
}

static bool
is_outside(const struct rdt_subject *s)
{
    if (s->section == RDT_SERVICES)
        return rdt_node_is(rdt_node_get(s->node, "external"), "true");
    return s->section == RDT_STORES && rdt_node_is(rdt_node_get(s->node, "kind"), "external");
}

static void
learn_flow(struct rdt_filter_facts *facts, const struct rdt_plan *plan,
           const struct rdt_subject *subjects, const struct rdt_subject *flow)
{
    struct rdt_filter_facts *f = &facts[flow - subjects];
    f->from = end_of(plan, subjects, flow, "from");
    f->to = end_of(plan, subjects, flow, "to");
    bool out_to = f->to != NO_END && facts[f->to].outside;
    f->outside = out_to || (f->from != NO_END && facts[f->from].outside);
    if (f->to == NO_END)
        return;
    f->kind = subjects[f->to].section == RDT_STORES ? facts[f->to].kind
              : out_to                              ? "recipient"
                                                    : "service";
}

struct rdt_filter_facts *
rdt_filter_learn(const struct rdt_plan *plan, struct rdt_arena *arena)
{
    size_t n = 0, n_flows = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    const struct rdt_subject *flows = rdt_plan_section(plan, RDT_FLOWS, &n_flows);
    struct rdt_filter_facts *facts = rdt_arena_new(arena, (n + 1) * sizeof *facts);
    for (size_t i = 0; facts != NULL && i < n; i++) {
        const struct rdt_subject *s = &subjects[i];
        facts[i] = (struct rdt_filter_facts){.from = NO_END, .to = NO_END};
        facts[i].outside = is_outside(s);
        if (s->section == RDT_STORES || s->section == RDT_KEYS)
            facts[i].kind = rdt_node_str(s->node, s->section == RDT_KEYS ? "type" : "kind");
    }
    for (size_t i = 0; facts != NULL && i < n_flows; i++)
        learn_flow(facts, plan, subjects, &flows[i]);
    return facts;
}

/* ---- matches
 * ------------------------------------------------------------------------------------------ */

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
matches(const struct filter *f, const struct rdt_subject *s)
{
    const struct rdt_filter_facts *facts = &f->facts[s - f->subjects];
    if (!f->can_match[s->section] || !f->level_ok[s->level])
        return false;
    if (f->kind != NULL && !names(f->kind, facts->kind))
        return false;
    if (f->backup != NULL && (s->links[RDT_LINK_SOURCES].n != 0) != rdt_node_is(f->backup, "true"))
        return false;
    if (f->external != NULL && facts->outside != rdt_node_is(f->external, "true"))
        return false;
    return data_matches(f, s);
}

/* Sections in which the filter can select at all. */
static bool
can_match(const struct filter *f, enum rdt_section section)
{
    if (!names(f->section, rdt_section_name(section)))
        return false;
    if (section > RDT_FLOWS)
        return f->section != NULL;
    bool data = section == RDT_DATA, service = section == RDT_SERVICES;
    return !(f->kind != NULL && (data || service)) &&
           !(f->backup != NULL && section != RDT_STORES) &&
           !(f->external != NULL && (data || section == RDT_KEYS));
}

/* ---- ties
 * --------------------------------------------------------------------------------------------- */

static void
tie(const struct filter *f, uint8_t *mask, const struct rdt_subject *s)
{
    if (!f->can_match[s->section])
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
tie_ends(const struct filter *f, uint8_t *mask, uint32_t flow)
{
    const struct rdt_filter_facts *facts = &f->facts[flow];
    if (facts->from != NO_END)
        tie(f, mask, &f->subjects[facts->from]);
    if (facts->to != NO_END)
        tie(f, mask, &f->subjects[facts->to]);
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
        tie_ends(f, mask, (uint32_t)(s - f->subjects));
    if (s->section != RDT_STORES)
        return;
    for (size_t i = 0; i < s->links[RDT_LINK_FLOWS].n; i++)
        tie_ends(f, mask, s->links[RDT_LINK_FLOWS].at[i]);
}

void
rdt_filter_mask(const struct rdt_plan *plan, const struct rdt_filter_facts *facts,
                const struct rdt_node *filter, uint8_t *mask)
{
    size_t n = 0;
    struct filter f = {
        .facts = facts,
        .subjects = rdt_plan_subjects(plan, &n),
        .section = rdt_node_get(filter, "section"),
        .kind = rdt_node_get(filter, "kind"),
        .level = rdt_node_get(filter, "level"),
        .data_kind = rdt_node_get(filter, "data_kind"),
        .backup = rdt_node_get(filter, "backup"),
        .external = rdt_node_get(filter, "external"),
    };
    for (unsigned s = 0; s < RDT_NSECTIONS; s++)
        f.can_match[s] = can_match(&f, (enum rdt_section)s);
    for (unsigned level = 0; level < RDT_NLEVELS; level++)
        f.level_ok[level] = names(f.level, rdt_level_name((enum rdt_level)level));
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
