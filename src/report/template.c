/*
 * template.c - parts 1 to 3 of the filled-in template: levels, data, stores, paths.
 */
#include "report/describe_internal.h"
#include "report/template_internal.h"

#include <stdio.h>

#define BROKEN_MAX 3 /* findings named as the reason of a box */
#define STORES_MAX 8 /* stores described in one cell of the data inventory */

/* Of what keeps a row open, that which gave it its verdict: "RULE subject" with the same one. */
static bool
decides(const struct rdt_view *view, const struct rdt_row *row, const char *broken)
{
    char rule[64];
    size_t n = strcspn(broken, " ");
    if (n >= sizeof rule || broken[n] != ' ')
        return true;
    memcpy(rule, broken, n);
    rule[n] = '\0';
    const struct rdt_result *r = rdt_view_result(view, rule, broken + n + 1);
    return r == NULL || r->verdict == row->verdict;
}

void
rdt_filled_state(struct rdt_buf *out, const struct rdt_view *view, const struct rdt_row *row)
{
    static const char *const how[] = {"declared in the plan, not yet observed", "attested",
                                      "imported", "observed",
                                      "exercised: what is forbidden was tried and refused"};
    if (row->verdict == RDT_PASS || row->verdict == RDT_ACCEPTED) {
        rdt_buf_str(out, row->assurance <= RDT_A4 ? how[row->assurance] : "?");
        return;
    }
    if (row->verdict == RDT_NA) {
        rdt_buf_str(out, "applies to nothing in this plan");
        return;
    }
    rdt_buf_str(out, row->verdict == RDT_UNOBSERVED ? "nothing has looked: "
                     : row->verdict == RDT_UNKNOWN  ? "could not be decided: "
                                                    : "broken by ");
    size_t named = 0, n = 0;
    for (size_t i = 0; i < row->broken.n; i++) {
        if (!decides(view, row, row->broken.at[i]))
            continue;
        if (n++ < BROKEN_MAX)
            rdt_buf_fmt(out, "%s%s", named++ == 0 ? "" : ", ", row->broken.at[i]);
    }
    if (n > named)
        rdt_buf_fmt(out, " and %zu more", n - named);
    if (n == 0)
        rdt_buf_str(out, row->id);
}

static enum rdt_box
box_of(enum rdt_verdict verdict)
{
    if (verdict == RDT_PASS || verdict == RDT_ACCEPTED)
        return RDT_BOX_TICKED;
    if (verdict == RDT_FAIL || verdict == RDT_DRIFT)
        return RDT_BOX_CROSSED;
    return verdict == RDT_NA ? RDT_BOX_NA : RDT_BOX_OPEN;
}

static void
box(struct rdt_filled *filled, const struct rdt_row *row)
{
    RDT_BUF reason = {0};
    rdt_filled_state(&reason, filled->view, row);
    rdt_doc_box(&filled->doc, box_of(row->verdict), row->title, rdt_buf_cstr(&reason));
}

void
rdt_filled_boxes(struct rdt_filled *filled, const char *checklist)
{
    const struct rdt_run *run = filled->view->run;
    rdt_doc_list(&filled->doc);
    for (size_t i = 0; i < run->n_rows; i++) {
        if (run->rows[i].checklist != NULL && strcmp(run->rows[i].checklist, checklist) == 0)
            box(filled, &run->rows[i]);
    }
    rdt_doc_list_end(&filled->doc);
}

static void
part_boxes(struct rdt_filled *filled, int part)
{
    const struct rdt_run *run = filled->view->run;
    rdt_doc_list(&filled->doc);
    for (size_t i = 0; i < run->n_rows; i++) {
        if (run->rows[i].part == part)
            box(filled, &run->rows[i]);
    }
    rdt_doc_list_end(&filled->doc);
}

/* ---- part 1 ---- */

static void
examples(struct rdt_filled *filled, enum rdt_level level)
{
    size_t n = 0, named = 0;
    const struct rdt_subject *data = rdt_plan_section(filled->plan, RDT_DATA, &n);
    for (size_t i = 0; i < n; i++) {
        if (data[i].level == level && named++ < 8)
            rdt_buf_fmt(&filled->cell, "%s%s", named == 1 ? "" : ", ", data[i].name);
    }
    if (named > 8)
        rdt_buf_fmt(&filled->cell, " and %zu more", named - 8);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
level_row(struct rdt_filled *filled, enum rdt_level level, const char *about)
{
    const struct rdt_floor *floor = rdt_plan_floor(filled->plan, level);
    struct rdt_buf *cell = &filled->cell;
    rdt_buf_fmt(cell, "%s%s", rdt_level_name(level),
                floor->overridden ? " (changed by this plan)" : "");
    rdt_doc_take(&filled->doc, cell);
    rdt_doc_cell(&filled->doc, about);
    examples(filled, level);
    rdt_buf_fmt(cell, "%s volume%s", rdt_words_for(floor->volume),
                floor->field ? ", and fields encrypted by the application" : "");
    rdt_doc_take(&filled->doc, cell);
    rdt_buf_fmt(cell, "%s or newer", rdt_words_for(floor->tls));
    rdt_doc_take(&filled->doc, cell);
    rdt_buf_str(cell, rdt_words_for(floor->custody));
    if (floor->rotation_days > 0) {
        rdt_buf_str(cell, ", replaced within ");
        rdt_describe_days(cell, floor->rotation_days);
    }
    rdt_doc_take(&filled->doc, cell);
}

static void
levels(struct rdt_filled *filled)
{
    static const char *const heads[] = {
        "Level", "What it means", "In this plan", "At rest, at least", "In transit, at least",
        "Keys"};
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    level_row(filled, RDT_CRITICAL, "Exposure does severe harm: fines, identity theft, lives");
    level_row(filled, RDT_HIGH, "Personal data, and what the business keeps to itself");
    level_row(filled, RDT_MEDIUM, "Internal data of the business");
    level_row(filled, RDT_LOW, "Public, or harmless when seen");
    rdt_doc_table_end(&filled->doc);
}

/* Services at either end of the flows that carry it, each once. */
static void
processing(struct rdt_filled *filled, const struct rdt_subject *data)
{
    const char *seen[12];
    size_t n = 0;
    for (size_t i = 0; i < data->links[RDT_LINK_FLOWS].n; i++) {
        const struct rdt_subject *flow = rdt_plan_linked(filled->plan, data, RDT_LINK_FLOWS, i);
        const char *ends[] = {rdt_node_str(flow->node, "from"), rdt_node_str(flow->node, "to")};
        const struct rdt_node *services = rdt_node_get(rdt_plan_root(filled->plan), "services");
        for (size_t e = 0; e < RDT_COUNT(ends); e++) {
            bool known = ends[e] == NULL || n == RDT_COUNT(seen) ||
                         rdt_node_member(services, rdt_span_str(ends[e])) == NULL;
            for (size_t k = 0; k < n && !known; k++)
                known = strcmp(seen[k], ends[e]) == 0;
            if (!known)
                seen[n++] = ends[e];
        }
    }
    for (size_t k = 0; k < n; k++)
        rdt_buf_fmt(&filled->cell, "%s%s", k == 0 ? "" : ", ", seen[k]);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
current(struct rdt_filled *filled, const struct rdt_subject *data)
{
    size_t n = data->links[RDT_LINK_STORES].n;
    if (n == 0)
        rdt_describe_form(&filled->cell, data);
    for (size_t i = 0; i < n && i < STORES_MAX; i++) {
        const struct rdt_subject *store = rdt_plan_linked(filled->plan, data, RDT_LINK_STORES, i);
        rdt_buf_fmt(&filled->cell, "%s%s: ", i == 0 ? "" : "; ", store->name);
        rdt_describe_at_rest(&filled->cell, filled->plan, data, store);
    }
    if (n > STORES_MAX)
        rdt_buf_fmt(&filled->cell, "; and %zu more stores", n - STORES_MAX);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
transmitted(struct rdt_filled *filled, const struct rdt_subject *data)
{
    size_t n = data->links[RDT_LINK_FLOWS].n;
    if (n == 0)
        rdt_buf_str(&filled->cell, "nowhere");
    for (size_t i = 0; i < n && i < STORES_MAX; i++) {
        const struct rdt_subject *flow = rdt_plan_linked(filled->plan, data, RDT_LINK_FLOWS, i);
        rdt_buf_fmt(&filled->cell, "%s%s (", i == 0 ? "" : ", ", flow->name);
        rdt_describe_flow(&filled->cell, flow);
        rdt_buf_str(&filled->cell, ")");
    }
    if (n > STORES_MAX)
        rdt_buf_fmt(&filled->cell, " and %zu more", n - STORES_MAX);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
inventory(struct rdt_filled *filled)
{
    static const char *const heads[] = {"Data type",       "Sensitivity",
                                        "Where stored",    "Where transmitted",
                                        "Where processed", "Current encryption"};
    size_t n = 0;
    const struct rdt_subject *data = rdt_plan_section(filled->plan, RDT_DATA, &n);
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    for (size_t i = 0; i < n; i++) {
        rdt_doc_cell(&filled->doc, data[i].name);
        rdt_doc_cell(&filled->doc, rdt_level_name(data[i].level));
        rdt_describe_links(&filled->cell, filled->plan, &data[i], RDT_LINK_STORES);
        rdt_doc_take(&filled->doc, &filled->cell);
        transmitted(filled, &data[i]);
        processing(filled, &data[i]);
        current(filled, &data[i]);
    }
    rdt_doc_table_end(&filled->doc);
}

/* ---- part 2 ---- */

static const char *
method(const struct rdt_subject *store)
{
    static const char *const objects[] = {"s3", "s3-glacier", "gcs", "azure-blob", "minio"};
    const struct rdt_node *kind = rdt_node_get(store->node, "kind");
    if (rdt_node_is(kind, "endpoints"))
        return "full disk encryption";
    for (size_t i = 0; i < RDT_COUNT(objects); i++) {
        if (rdt_node_is(kind, objects[i]))
            return "server-side encryption";
    }
    return "volume encryption";
}

/* Provider and rotation of a key; built-in names have no entry. */
static void
key_cells(struct rdt_filled *filled, const char *name)
{
    char id[80];
    snprintf(id, sizeof id, "keys.%s", name == NULL ? "" : name);
    const struct rdt_subject *key = name == NULL ? NULL : rdt_plan_find(filled->plan, id);
    if (key == NULL) {
        rdt_doc_cell(&filled->doc, rdt_words_for(name));
        rdt_doc_cell(&filled->doc, name == NULL ? "none" : "by its provider");
        return;
    }
    const char *parent = rdt_node_str(key->node, "wrapped_by");
    if (parent != NULL && rdt_node_is(rdt_node_get(key->node, "custody.provider"), "envelope"))
        rdt_buf_fmt(&filled->cell, "%s, wrapped by %s", key->name, parent);
    else
        rdt_buf_fmt(&filled->cell, "%s (%s)",
                    rdt_words_for(rdt_node_str(key->node, "custody.provider")), key->name);
    rdt_doc_take(&filled->doc, &filled->cell);
    rdt_describe_rotation(&filled->cell, key);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
store_notes(struct rdt_filled *filled, const struct rdt_subject *store)
{
    struct rdt_buf *cell = &filled->cell;
    if (store->links[RDT_LINK_SOURCES].n != 0) {
        rdt_buf_str(cell, "backup of ");
        rdt_describe_links(cell, filled->plan, store, RDT_LINK_SOURCES);
    }
    if (rdt_node_true(store->node, "at_rest.enforce.deny_unencrypted_put"))
        rdt_buf_fmt(cell, "%spolicy refuses other keys", cell->n == 0 ? "" : "; ");
    if (rdt_node_true(store->node, "at_rest.enforce.deny_insecure_transport"))
        rdt_buf_fmt(cell, "%spolicy refuses plain HTTP", cell->n == 0 ? "" : "; ");
    if (rdt_node_get(store->node, "processor") != NULL)
        rdt_buf_fmt(cell, "%srun by %s", cell->n == 0 ? "" : "; ",
                    rdt_node_str(store->node, "processor.name"));
    rdt_doc_take(&filled->doc, cell);
}

static void
field_row(struct rdt_filled *filled, const struct rdt_subject *store, const struct rdt_node *entry)
{
    const struct rdt_node *data = rdt_node_get(entry, "data");
    const char *algorithm = rdt_node_str(entry, "algorithm");
    const char *lookup = rdt_node_str(entry, "lookup");
    rdt_buf_fmt(&filled->cell, "%s: ", store->name);
    for (size_t i = 0; data != NULL && i < data->n; i++)
        rdt_buf_fmt(&filled->cell, "%s%s", i == 0 ? "" : ", ",
                    rdt_node_text(data->members[i].node));
    rdt_doc_take(&filled->doc, &filled->cell);
    rdt_doc_cell(&filled->doc, "fields encrypted by the application");
    rdt_doc_cell(&filled->doc, rdt_words_for(algorithm));
    rdt_doc_cell(&filled->doc, rdt_describe_bits(algorithm));
    key_cells(filled, rdt_node_str(entry, "key"));
    if (lookup != NULL)
        rdt_buf_fmt(&filled->cell, "lookup: %s", lookup);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
store_rows(struct rdt_filled *filled, const struct rdt_subject *store)
{
    const char *algorithm = rdt_node_str(store->node, "at_rest.volume.algorithm");
    const struct rdt_node *fields = rdt_node_get(store->node, "at_rest.fields");
    rdt_buf_fmt(&filled->cell, "%s (%s)", store->name,
                rdt_words_for(rdt_node_str(store->node, "kind")));
    rdt_doc_take(&filled->doc, &filled->cell);
    rdt_doc_cell(&filled->doc, algorithm == NULL ? "none" : method(store));
    rdt_doc_cell(&filled->doc, rdt_words_for(algorithm));
    rdt_doc_cell(&filled->doc, algorithm == NULL ? "none" : rdt_describe_bits(algorithm));
    key_cells(filled, rdt_node_str(store->node, "at_rest.volume.key"));
    store_notes(filled, store);
    for (size_t i = 0; fields != NULL && i < fields->n; i++)
        field_row(filled, store, fields->members[i].node);
}

static void
at_rest(struct rdt_filled *filled)
{
    static const char *const heads[] = {"Storage",      "Method",       "Algorithm", "Key size",
                                        "Key provider", "Key rotation", "Notes"};
    size_t n = 0;
    const struct rdt_subject *stores = rdt_plan_section(filled->plan, RDT_STORES, &n);
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    for (size_t i = 0; i < n; i++)
        store_rows(filled, &stores[i]);
    rdt_doc_table_end(&filled->doc);
}

/* ---- part 3 ---- */

static const char *
protocol_of(const struct rdt_subject *flow)
{
    if (rdt_node_get(flow->node, "ssh") != NULL)
        return "SSH";
    if (rdt_node_get(flow->node, "tls") == NULL)
        return "plaintext";
    if (rdt_node_get(flow->node, "http") != NULL)
        return "HTTPS";
    return rdt_node_get(flow->node, "tls.mutual") != NULL ? "mutual TLS" : "TLS";
}

static void
hsts(struct rdt_filled *filled, const struct rdt_subject *flow)
{
    const struct rdt_node *http = rdt_node_get(flow->node, "http");
    const struct rdt_node *header = rdt_node_get(http, "hsts");
    if (header == NULL) {
        rdt_doc_cell(&filled->doc, http == NULL ? "not HTTP" : "no");
        return;
    }
    rdt_buf_fmt(&filled->cell, "max-age=%.0f%s%s", rdt_node_number(header, "max_age", 0),
                rdt_node_true(header, "subdomains") ? ", includeSubDomains" : "",
                rdt_node_true(header, "preload") ? ", preload" : "");
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
pinning(struct rdt_filled *filled, const struct rdt_subject *flow)
{
    const char *pin = rdt_node_str(flow->node, "tls.pin");
    const char *next = rdt_node_str(flow->node, "tls.pin_next");
    if (pin == NULL)
        rdt_buf_str(&filled->cell, "no");
    else
        rdt_buf_fmt(&filled->cell, "%s, then %s", pin, next == NULL ? "nothing" : next);
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
path_row(struct rdt_filled *filled, const struct rdt_subject *flow)
{
    const char *tls = rdt_node_str(flow->node, "tls.min");
    const char *ssh = rdt_node_str(flow->node, "ssh.host_key");
    const char *cert = rdt_node_str(flow->node, "tls.cert");
    const char *mutual = rdt_node_str(flow->node, "tls.mutual");
    rdt_describe_end(&filled->cell, flow, "from");
    rdt_buf_str(&filled->cell, " to ");
    rdt_describe_end(&filled->cell, flow, "to");
    rdt_buf_fmt(&filled->cell, " (%s)", flow->name);
    rdt_doc_take(&filled->doc, &filled->cell);
    rdt_doc_cell(&filled->doc, protocol_of(flow));
    rdt_doc_cell(&filled->doc, ssh != NULL ? ssh : rdt_words_for(tls));
    if (cert != NULL)
        rdt_buf_str(&filled->cell, cert);
    if (mutual != NULL)
        rdt_buf_fmt(&filled->cell, "%sclients by %s", cert == NULL ? "" : "; ", mutual);
    if (cert == NULL && mutual == NULL)
        rdt_buf_str(&filled->cell, tls == NULL ? "none" : "the peer's");
    rdt_doc_take(&filled->doc, &filled->cell);
    hsts(filled, flow);
    pinning(filled, flow);
}

static void
in_transit(struct rdt_filled *filled)
{
    static const char *const heads[] = {"Path",        "Protocol", "Minimum version",
                                        "Certificate", "HSTS",     "Pinning"};
    size_t n = 0;
    const struct rdt_subject *flows = rdt_plan_section(filled->plan, RDT_FLOWS, &n);
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    for (size_t i = 0; i < n; i++)
        path_row(filled, &flows[i]);
    rdt_doc_table_end(&filled->doc);
}

static void
opening(struct rdt_filled *filled)
{
    const struct rdt_run *run = filled->view->run;
    RDT_BUF text = {0};
    rdt_buf_fmt(&text, "Encryption plan: %s", run->product);
    const char *title = rdt_buf_cstr(&text);
    rdt_doc_begin(&filled->doc, title == NULL ? "Encryption plan" : title);
    text.n = 0;
    rdt_buf_fmt(&text,
                "Filled in by Redoubt %s on %s from %s%s%s: %zu of %zu subjects observed, %zu "
                "failed, %zu drifted, %zu unknown, %zu unobserved. A box is ticked only when every "
                "check behind it passes or is accepted; the words beside it say how that is known.",
                run->version, filled->view->date, run->plan,
                run->env == NULL ? "" : ", environment ", run->env == NULL ? "" : run->env,
                run->observed, run->planned, run->count[RDT_FAIL], run->count[RDT_DRIFT],
                run->count[RDT_UNKNOWN], run->count[RDT_UNOBSERVED]);
    const char *words = rdt_buf_cstr(&text);
    rdt_doc_para(&filled->doc, words == NULL ? "" : words);
}

static void
notes(struct rdt_filled *filled)
{
    const struct rdt_run *run = filled->view->run;
    if (run->notes.n == 0)
        return;
    rdt_doc_heading(&filled->doc, 2, "Notes");
    for (size_t i = 0; i < run->notes.n; i++)
        rdt_doc_para(&filled->doc, run->notes.at[i]);
}

enum rdt_code
rdt_render_template(struct rdt_view *view, bool html, struct rdt_buf *out, struct rdt_err *err)
{
    struct rdt_filled filled = {
        .doc = {.out = out, .html = html},
          .view = view, .plan = view->plan
    };
    opening(&filled);
    rdt_doc_heading(&filled.doc, 2, "Part 1: How sensitive the data is");
    levels(&filled);
    rdt_doc_heading(&filled.doc, 3, "Data inventory");
    inventory(&filled);
    rdt_doc_heading(&filled.doc, 2, "Part 2: Encryption at rest");
    at_rest(&filled);
    rdt_doc_heading(&filled.doc, 3, "Checklist: at rest");
    rdt_filled_boxes(&filled, "rest");
    rdt_doc_heading(&filled.doc, 2, "Part 3: Encryption in transit");
    in_transit(&filled);
    rdt_doc_heading(&filled.doc, 3, "Checklist: in transit");
    rdt_filled_boxes(&filled, "transit");
    rdt_filled_keys(&filled);
    enum rdt_code rc = rdt_filled_compliance(&filled, err);
    rdt_doc_heading(&filled.doc, 2, "Common mistakes");
    part_boxes(&filled, 8);
    notes(&filled);
    rdt_doc_end(&filled.doc);
    rdt_buf_done(&filled.cell);
    return rc;
}
