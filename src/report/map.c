/*
 * map.c - the flow map as DOT. Zones are boxes, services and stores nodes, flows edges; the verdict
 * is a mark and a word as well as a colour, the level a width.
 */
#include "base/text.h"
#include "report/view_internal.h"

#include <stdlib.h>

#define ZONES_MAX 64  /* boxes; what is in no box stands beside them */
#define NODES_MAX 250 /* services and stores: beyond, nobody can read it, and dot takes minutes */
#define EDGES_MAX 500

struct map {
    const struct rdt_plan *plan;
    struct rdt_view view; /* of the run, when there is one */
    bool judged;
    struct rdt_buf *out;
    const char *zones[ZONES_MAX];
    size_t n_zones;
    bool *drawn; /* by subject */
    size_t nodes, edges, left_out;
};

/* A DOT string: quotes and backslashes escaped, controls gone. */
static void
quoted_part(struct rdt_buf *out, const char *text)
{
    struct rdt_span all = rdt_span_str(text == NULL ? "" : text);
    for (size_t i = 0, n = 1; i < all.n; i += n) {
        bool fit = false;
        n = rdt_text_step((struct rdt_span){all.p + i, all.n - i}, &fit);
        if (all.p[i] == '"' || all.p[i] == '\\')
            rdt_buf_add(out, "\\", 1);
        rdt_buf_add(out, fit ? (const char *)all.p + i : " ", fit ? n : 1);
    }
}

static void
quoted(struct rdt_buf *out, const char *text)
{
    rdt_buf_add(out, "\"", 1);
    quoted_part(out, text);
    rdt_buf_add(out, "\"", 1);
}

static const char *
zone_of(const struct rdt_subject *subject)
{
    return rdt_node_str(subject->node, "zone");
}

static void
add_zone(struct map *map, const char *zone)
{
    for (size_t i = 0; i < map->n_zones; i++) {
        if (strcmp(map->zones[i], zone) == 0)
            return;
    }
    if (map->n_zones < ZONES_MAX)
        map->zones[map->n_zones++] = zone;
}

static void
find_zones(struct map *map, enum rdt_section section)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_section(map->plan, section, &n);
    for (size_t i = 0; i < n; i++) {
        if (zone_of(&subjects[i]) != NULL)
            add_zone(map, zone_of(&subjects[i]));
    }
}

static const struct {
    const char *color, *mark;
} looks[RDT_NVERDICTS] = {
    [RDT_FAIL] = {"#c0271b", "\xE2\x9C\x97"},
    [RDT_DRIFT] = {"#c0271b", "\xE2\x89\xA0"},
    [RDT_UNKNOWN] = {"#9a6200", "?"           },
    [RDT_UNOBSERVED] = {"#5b6675", "\xE2\x97\x8B"},
    [RDT_ACCEPTED] = {"#6747b0", "\xE2\x97\x90"},
    [RDT_PASS] = {"#1d7a46", "\xE2\x9C\x93"},
    [RDT_NA] = {"#5b6675", ""            },
};

/* The verdict's colour as attributes; returns the worst result to name it by, or NULL. */
static const struct rdt_result *
look(struct map *map, const char *id)
{
    const struct rdt_result *worst = map->judged ? rdt_view_worst(&map->view, id) : NULL;
    const char *color = worst == NULL ? looks[RDT_NA].color : looks[worst->verdict].color;
    rdt_buf_fmt(map->out, ",color=\"%s\"", color);
    return worst;
}

static void
tooltip(struct map *map, const char *id, const struct rdt_result *worst)
{
    rdt_buf_str(map->out, ",tooltip=\"");
    quoted_part(map->out, id);
    if (worst != NULL)
        rdt_buf_fmt(map->out, ": %s %s", rdt_verdict_name(worst->verdict),
                    worst->verdict == RDT_PASS ? "" : map->view.run->rules[worst->rule].id);
    rdt_buf_str(map->out, "\"");
}

static size_t
index_of(const struct map *map, const struct rdt_subject *subject)
{
    size_t n = 0;
    return (size_t)(subject - rdt_plan_subjects(map->plan, &n));
}

static void
node(struct map *map, const struct rdt_subject *subject)
{
    if (map->nodes == NODES_MAX) {
        map->left_out++;
        return;
    }
    map->nodes++;
    map->drawn[index_of(map, subject)] = true;
    bool store = subject->section == RDT_STORES;
    const char *kind = store ? rdt_node_str(subject->node, "kind") : NULL;
    bool outside = rdt_node_true(subject->node, "external");
    rdt_buf_str(map->out, "    ");
    quoted(map->out, subject->id);
    rdt_buf_fmt(map->out, " [shape=%s,style=\"%s\",id=", store ? "cylinder" : "box",
                outside ? "rounded,dashed,filled" : "rounded,filled");
    quoted(map->out, subject->id);
    const struct rdt_result *worst = look(map, subject->id);
    rdt_buf_str(map->out, ",label=\"");
    if (worst != NULL && worst->verdict != RDT_PASS)
        rdt_buf_fmt(map->out, "%s ", looks[worst->verdict].mark);
    quoted_part(map->out, subject->name);
    if (kind != NULL) {
        rdt_buf_str(map->out, "\\n");
        quoted_part(map->out, kind);
    }
    rdt_buf_str(map->out, "\"");
    tooltip(map, subject->id, worst);
    rdt_buf_str(map->out, "];\n");
}

static void
nodes(struct map *map, enum rdt_section section, const char *zone)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_section(map->plan, section, &n);
    for (size_t i = 0; i < n; i++) {
        const char *own = zone_of(&subjects[i]);
        bool boxed = false;
        for (size_t z = 0; own != NULL && z < map->n_zones; z++)
            boxed = boxed || strcmp(map->zones[z], own) == 0;
        if (zone == NULL ? !boxed : own != NULL && strcmp(own, zone) == 0)
            node(map, &subjects[i]);
    }
}

static const struct rdt_subject *
end_of(const struct rdt_plan *plan, const struct rdt_subject *flow, const char *key)
{
    static const char *const sections[] = {"services", "stores"};
    char id[160];
    const char *name = rdt_node_str(flow->node, key);
    for (size_t i = 0; name != NULL && i < RDT_COUNT(sections); i++) {
        snprintf(id, sizeof id, "%s.%s", sections[i], name);
        const struct rdt_subject *found = rdt_plan_find(plan, id);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const char *
protocol(const struct rdt_subject *flow)
{
    const char *tls = rdt_node_str(flow->node, "tls.min");
    if (tls != NULL)
        return tls;
    return rdt_node_get(flow->node, "ssh") != NULL ? "ssh" : "plaintext";
}

static void
edge(struct map *map, const struct rdt_subject *flow)
{
    const struct rdt_subject *from = end_of(map->plan, flow, "from");
    const struct rdt_subject *to = end_of(map->plan, flow, "to");
    if (from == NULL || to == NULL)
        return;
    if (map->edges == EDGES_MAX || !map->drawn[index_of(map, from)] ||
        !map->drawn[index_of(map, to)]) {
        map->left_out++;
        return;
    }
    map->edges++;
    rdt_buf_str(map->out, "  ");
    quoted(map->out, from->id);
    rdt_buf_str(map->out, " -> ");
    quoted(map->out, to->id);
    rdt_buf_str(map->out, " [id=");
    quoted(map->out, flow->id);
    const struct rdt_result *worst = look(map, flow->id);
    rdt_buf_fmt(map->out, ",penwidth=%.1f,label=\"", 0.8 + 0.6 * (double)flow->level);
    if (worst != NULL)
        rdt_buf_fmt(map->out, "%s ", looks[worst->verdict].mark);
    quoted_part(map->out, flow->name);
    rdt_buf_str(map->out, "\\n");
    quoted_part(map->out, protocol(flow));
    rdt_buf_str(map->out, "\"");
    if (strcmp(protocol(flow), "plaintext") == 0)
        rdt_buf_str(map->out, ",style=dashed");
    tooltip(map, flow->id, worst);
    rdt_buf_str(map->out, "];\n");
}

static void
zone_boxes(struct map *map)
{
    for (size_t z = 0; z < map->n_zones; z++) {
        rdt_buf_fmt(map->out, "  subgraph \"cluster_%zu\" {\n    label=", z);
        quoted(map->out, map->zones[z]);
        rdt_buf_str(map->out, ";\n");
        nodes(map, RDT_SERVICES, map->zones[z]);
        nodes(map, RDT_STORES, map->zones[z]);
        rdt_buf_str(map->out, "  }\n");
    }
    nodes(map, RDT_SERVICES, NULL);
    nodes(map, RDT_STORES, NULL);
}

void
rdt_map_dot(const struct rdt_plan *plan, const struct rdt_run *run, struct rdt_buf *out)
{
    struct map map = {.plan = plan, .out = out};
    struct rdt_report report = {.run = run, .plan = plan};
    size_t n = 0;
    (void)rdt_plan_subjects(plan, &n);
    map.drawn = calloc(n, sizeof *map.drawn);
    if (map.drawn == NULL) {
        out->failed = true;
        return;
    }
    if (run != NULL)
        map.judged = rdt_view_init(&map.view, &report, NULL) == RDT_OK;
    if (run != NULL && !map.judged)
        out->failed = true;
    find_zones(&map, RDT_SERVICES);
    find_zones(&map, RDT_STORES);
    rdt_buf_str(out,
                "digraph plan {\n  rankdir=LR; bgcolor=transparent; nodesep=0.35; ranksep=0.9;\n"
                "  fontname=\"Helvetica\"; fontsize=11;\n"
                "  node [fontname=\"Helvetica\",fontsize=11,fillcolor=\"#ffffff\","
                "margin=\"0.14,0.08\"];\n"
                "  edge [fontname=\"Helvetica\",fontsize=9,arrowsize=0.7];\n"
                "  graph [style=\"rounded,filled\",color=\"#d5dbe3\",fillcolor=\"#f5f7fa\","
                "fontcolor=\"#5b6675\"];\n");
    zone_boxes(&map);
    const struct rdt_subject *flows = rdt_plan_section(plan, RDT_FLOWS, &n);
    for (size_t i = 0; i < n; i++)
        edge(&map, &flows[i]);
    if (map.left_out != 0)
        rdt_buf_fmt(out, "  label=\"%zu more services, stores and flows are not drawn\";\n",
                    map.left_out);
    rdt_buf_str(out, "}\n");
    free(map.drawn);
    rdt_view_done(&map.view);
}
