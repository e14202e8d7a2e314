#include "plan/plan_internal.h"

#include <stdlib.h>

#define NOBODY UINT32_MAX

struct edge {
    uint32_t from, to;
    enum rdt_link link;
};

/* Links are gathered as edges, then sorted and cut into one list per subject and link. */
struct graph {
    struct rdt_plan *plan;
    struct rdt_loading *loading;
    struct edge *edges;
    size_t n, cap;
    uint32_t *seen, *queue, *far; /* by subject: scratch of store_data() */
    bool no_memory, too_many;
};

static void
add(struct graph *g, uint32_t from, enum rdt_link link, uint32_t to)
{
    if (from == NOBODY || to == NOBODY || g->too_many)
        return;
    if (g->n == RDT_LINKS_MAX) {
        g->too_many = true;
        return;
    }
    if (g->n == g->cap) {
        size_t cap = g->cap == 0 ? 1024 : g->cap * 2;
        struct edge *edges = realloc(g->edges, cap * sizeof *edges);
        if (edges == NULL) {
            g->no_memory = true;
            return;
        }
        g->edges = edges;
        g->cap = cap;
    }
    g->edges[g->n++] = (struct edge){from, to, link};
}

static int
by_owner(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->link != y->link)
        return x->link < y->link ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* Cuts the edges gathered so far into links and forgets them. */
static void
cut(struct graph *g)
{
    if (g->n == 0)
        return;
    qsort(g->edges, g->n, sizeof *g->edges, by_owner);
    uint32_t *to = rdt_arena_new(&g->plan->arena, (g->n + 1) * sizeof *to);
    if (to == NULL) {
        g->no_memory = true;
        return;
    }
    for (size_t i = 0, n = 0; i < g->n; i++) {
        const struct edge *e = &g->edges[i];
        struct rdt_links *links = &g->plan->subjects[e->from].links[e->link];
        if (i > 0 && by_owner(e, &g->edges[i - 1]) == 0)
            continue;
        if (links->n == 0)
            links->at = to + n;
        links->n++;
        to[n++] = e->to;
    }
    g->n = 0;
}

static uint32_t
index_of(const struct graph *g, enum rdt_section section, const struct rdt_node *id)
{
    const struct rdt_node *entries = rdt_node_get(g->plan->root, rdt_section_name(section));
    const struct rdt_member *member =
        id == NULL || id->kind != RDT_NODE_SCALAR ? NULL : rdt_node_member(entries, id->text);
    if (member == NULL)
        return NOBODY;
    return (uint32_t)(g->plan->first[section] + (size_t)(member - entries->members));
}

static void
raise_level(struct rdt_subject *subject, enum rdt_level level, const char *from)
{
    if (level > subject->level) {
        subject->level = level;
        subject->level_from = from;
    }
}

/* The level of a subject is the highest of the data it has to do with. */
static void
level_by_data(struct graph *g, uint32_t at)
{
    struct rdt_subject *subject = &g->plan->subjects[at];
    const struct rdt_links *data = &subject->links[RDT_LINK_DATA];
    for (size_t i = 0; i < data->n; i++) {
        const struct rdt_subject *d = &g->plan->subjects[data->at[i]];
        raise_level(subject, d->level, d->id);
    }
}

static void
for_section(struct graph *g, enum rdt_section section, void (*each)(struct graph *, uint32_t))
{
    for (size_t i = g->plan->first[section]; i < g->plan->first[section + 1]; i++)
        each(g, (uint32_t)i);
}

/* 2.1 rule 10: raise_to counts; made-up data exposes nobody. */
static void
data_level(struct graph *g, uint32_t at)
{
    struct rdt_subject *subject = &g->plan->subjects[at];
    enum rdt_level level = rdt_level_parse(rdt_node_str(subject->node, "level"));
    enum rdt_level raised = rdt_level_parse(rdt_node_str(subject->node, "raise_to"));
    if (rdt_node_true(subject->node, "synthetic"))
        level = raised = RDT_LOW;
    raise_level(subject, level > raised ? level : raised, subject->id);
}

/* Calls found for one id, or for each of a list of them, that is there; from is passed on. */
static void
each_in(struct graph *g, uint32_t from, const struct rdt_node *ids, enum rdt_section section,
        void (*found)(struct graph *, uint32_t from, uint32_t to))
{
    bool list = ids != NULL && ids->kind == RDT_NODE_LIST;
    for (size_t i = 0; i < (list ? ids->n : 1); i++) {
        uint32_t to = index_of(g, section, list ? ids->members[i].node : ids);
        if (to != NOBODY)
            found(g, from, to);
    }
}

static void
each_ref(struct graph *g, uint32_t from, const char *path, enum rdt_section section,
         void (*found)(struct graph *, uint32_t from, uint32_t to))
{
    each_in(g, from, rdt_node_get(g->plan->subjects[from].node, path), section, found);
}

static void
backs_up(struct graph *g, uint32_t from, uint32_t to)
{
    add(g, from, RDT_LINK_SOURCES, to);
    add(g, to, RDT_LINK_BACKUPS, from);
}

/* `backup: x` on a store says the same as `backup_of: [it]` on x. */
static void
is_backed_up(struct graph *g, uint32_t from, uint32_t to)
{
    backs_up(g, to, from);
}

static void
store_sources(struct graph *g, uint32_t at)
{
    each_ref(g, at, "backup_of", RDT_STORES, backs_up);
    each_ref(g, at, "backup", RDT_STORES, is_backed_up);
}

static void
holds(struct graph *g, uint32_t store, uint32_t data)
{
    add(g, store, RDT_LINK_DATA, data);
    add(g, data, RDT_LINK_STORES, store);
}

static void
complain_cycle(struct graph *g, uint32_t at, const char *field)
{
    const struct rdt_subject *subject = &g->plan->subjects[at];
    rdt_diag_add(g->loading->diags, rdt_node_find_mark(subject->node, field),
                 "%s.%s: it leads back to %s", subject->id, field, subject->id);
}

/* The field to look at: a store may also be made a backup by another's `backup`. */
static const char *
backup_field(const struct graph *g, uint32_t at)
{
    const struct rdt_node *node = g->plan->subjects[at].node;
    return rdt_node_get(node, "backup_of") != NULL ? "backup_of" : "backup";
}

static void
complain_chain(struct graph *g, uint32_t at, const char *field, unsigned max)
{
    const struct rdt_subject *subject = &g->plan->subjects[at];
    rdt_diag_add(g->loading->diags, rdt_node_find_mark(subject->node, field),
                 "%s.%s: a chain of more than %u", subject->id, field, max);
}

/*
 * A backup holds what its sources hold, through chains of backups: breadth first, each source once.
 * The limit on a chain keeps a plan of nothing but backups of backups from costing its square.
 */
static void
store_data(struct graph *g, uint32_t at)
{
    size_t n = 0, done = 0;
    g->queue[n++] = at;
    g->seen[at] = at + 1;
    g->far[at] = 0;
    while (done < n) {
        uint32_t store = g->queue[done++];
        const struct rdt_links *sources = &g->plan->subjects[store].links[RDT_LINK_SOURCES];
        each_in(g, at, rdt_node_get(g->plan->subjects[store].node, "holds"), RDT_DATA, holds);
        for (size_t i = 0; i < sources->n; i++) {
            uint32_t source = sources->at[i];
            if (source == at)
                complain_cycle(g, at, backup_field(g, at));
            if (g->seen[source] == at + 1)
                continue;
            if (g->far[store] == RDT_BACKUP_CHAIN_MAX) {
                complain_chain(g, at, backup_field(g, at), RDT_BACKUP_CHAIN_MAX);
                return;
            }
            g->seen[source] = at + 1;
            g->far[source] = g->far[store] + 1;
            g->queue[n++] = source;
        }
    }
}

static void
carries(struct graph *g, uint32_t flow, uint32_t data)
{
    add(g, flow, RDT_LINK_DATA, data);
    add(g, data, RDT_LINK_FLOWS, flow);
}

static void
handles(struct graph *g, uint32_t service, uint32_t data)
{
    add(g, service, RDT_LINK_DATA, data);
}

/* Services handle what their flows carry; a store's data is what it holds. */
static void
flow_end(struct graph *g, uint32_t flow, uint32_t end)
{
    add(g, end, RDT_LINK_FLOWS, flow);
    if (g->plan->subjects[end].section == RDT_SERVICES)
        each_in(g, end, rdt_node_get(g->plan->subjects[flow].node, "carries"), RDT_DATA, handles);
}

static void
flow_links(struct graph *g, uint32_t at)
{
    each_ref(g, at, "carries", RDT_DATA, carries);
    each_ref(g, at, "from", RDT_SERVICES, flow_end);
    each_ref(g, at, "from", RDT_STORES, flow_end);
    each_ref(g, at, "to", RDT_SERVICES, flow_end);
    each_ref(g, at, "to", RDT_STORES, flow_end);
}

/* A key guards the data under it, and so does every key above it in its chain. */
static void
guards(struct graph *g, uint32_t key, uint32_t data)
{
    for (unsigned up = 0; key != NOBODY && up < RDT_KEY_CHAIN_MAX; up++) {
        add(g, key, RDT_LINK_DATA, data);
        key = index_of(g, RDT_KEYS, rdt_node_get(g->plan->subjects[key].node, "wrapped_by"));
    }
}

static void
names_key(struct graph *g, uint32_t user, uint32_t key)
{
    add(g, user, RDT_LINK_KEYS, key);
    add(g, key, RDT_LINK_PROTECTS, user);
}

static void
guards_all(struct graph *g, uint32_t user, uint32_t key)
{
    const struct rdt_links *data = &g->plan->subjects[user].links[RDT_LINK_DATA];
    names_key(g, user, key);
    for (size_t i = 0; i < data->n; i++)
        guards(g, key, data->at[i]);
}

static void
field_keys(struct graph *g, uint32_t store)
{
    const struct rdt_node *list = rdt_node_get(g->plan->subjects[store].node, "at_rest.fields");
    for (size_t i = 0; list != NULL && list->kind == RDT_NODE_LIST && i < list->n; i++) {
        const struct rdt_node *entry = list->members[i].node;
        uint32_t key = index_of(g, RDT_KEYS, rdt_node_get(entry, "key"));
        if (key == NOBODY)
            continue;
        names_key(g, store, key);
        each_in(g, key, rdt_node_get(entry, "data"), RDT_DATA, guards);
    }
}

static void
store_keys(struct graph *g, uint32_t at)
{
    each_ref(g, at, "at_rest.volume.key", RDT_KEYS, guards_all);
    field_keys(g, at);
}

static void
flow_keys(struct graph *g, uint32_t at)
{
    each_ref(g, at, "tls.cert", RDT_KEYS, guards_all);
    each_ref(g, at, "tls.mutual", RDT_KEYS, guards_all);
}

static void
wraps(struct graph *g, uint32_t child, uint32_t parent)
{
    add(g, child, RDT_LINK_KEYS, parent);
    add(g, parent, RDT_LINK_CHILDREN, child);
}

static void
key_chain(struct graph *g, uint32_t at)
{
    uint32_t up = at;
    each_ref(g, at, "wrapped_by", RDT_KEYS, wraps);
    for (unsigned n = 0; up != NOBODY; n++) {
        up = index_of(g, RDT_KEYS, rdt_node_get(g->plan->subjects[up].node, "wrapped_by"));
        if (up == at)
            complain_cycle(g, at, "wrapped_by");
        else if (n == RDT_KEY_CHAIN_MAX)
            complain_chain(g, at, "wrapped_by", RDT_KEY_CHAIN_MAX);
        else
            continue;
        return;
    }
}

static bool
add_section(struct rdt_plan *plan, enum rdt_section section)
{
    const char *prefix = rdt_section_name(section);
    const struct rdt_node *entries = rdt_node_get(plan->root, prefix);
    for (size_t i = 0; entries != NULL && i < entries->n; i++) {
        const struct rdt_member *m = &entries->members[i];
        struct rdt_subject *subject = &plan->subjects[plan->n_subjects++];
        subject->name = (const char *)m->key.p;
        subject->section = section;
        subject->node = m->node;
        subject->mark = m->mark;
        subject->id = rdt_arena_fmt(&plan->arena, "%s.%s", prefix, subject->name);
        if (subject->id == NULL)
            return false;
    }
    return true;
}

static bool
add_subjects(struct rdt_plan *plan)
{
    size_t n = 1;
    for (unsigned s = 0; s < RDT_PLAN; s++) {
        const struct rdt_node *entries = rdt_node_get(plan->root, rdt_section_name(s));
        n += entries == NULL ? 0 : entries->n;
    }
    plan->subjects = rdt_arena_new(&plan->arena, n * sizeof *plan->subjects);
    if (plan->subjects == NULL)
        return false;
    for (unsigned s = 0; s < RDT_PLAN; s++) {
        plan->first[s] = plan->n_subjects;
        if (!add_section(plan, s))
            return false;
    }
    plan->first[RDT_PLAN] = plan->n_subjects;
    plan->subjects[plan->n_subjects++] = (struct rdt_subject){.id = "plan",
                                                              .name = "plan",
                                                              .section = RDT_PLAN,
                                                              .node = plan->root,
                                                              .mark = plan->root->mark};
    plan->first[RDT_NSECTIONS] = plan->n_subjects;
    return true;
}

static void
link_all(struct graph *g)
{
    for_section(g, RDT_DATA, data_level);
    for_section(g, RDT_STORES, store_sources);
    cut(g);
    for_section(g, RDT_STORES, store_data);
    for_section(g, RDT_FLOWS, flow_links);
    cut(g);
    for_section(g, RDT_STORES, store_keys);
    for_section(g, RDT_FLOWS, flow_keys);
    for_section(g, RDT_KEYS, key_chain);
    cut(g);
    for_section(g, RDT_SERVICES, level_by_data);
    for_section(g, RDT_STORES, level_by_data);
    for_section(g, RDT_FLOWS, level_by_data);
    for_section(g, RDT_KEYS, level_by_data);
}

enum rdt_code
rdt_graph_build(struct rdt_plan *plan, struct rdt_loading *loading)
{
    struct graph g = {.plan = plan, .loading = loading};
    if (!add_subjects(plan))
        return rdt_fail(loading->err, RDT_E_NOMEM, "plan");
    g.seen = calloc(plan->n_subjects, sizeof *g.seen);
    g.queue = calloc(plan->n_subjects, sizeof *g.queue);
    g.far = calloc(plan->n_subjects, sizeof *g.far);
    if (g.seen != NULL && g.queue != NULL && g.far != NULL)
        link_all(&g);
    else
        g.no_memory = true;
    free(g.seen);
    free(g.queue);
    free(g.far);
    free(g.edges);
    if (g.too_many)
        return rdt_fail(loading->err, RDT_E_LIMIT, "%s: more than %zu links between its entries",
                        plan->path, RDT_LINKS_MAX);
    return g.no_memory ? rdt_fail(loading->err, RDT_E_NOMEM, "plan") : RDT_OK;
}
