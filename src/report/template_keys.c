/*
 * template_keys.c - parts 4 and 5 of the filled-in template: keys and the compliance mapping.
 */
#include "base/clock.h"
#include "base/embed.h"
#include "codec/yaml.h"
#include "report/describe_internal.h"
#include "report/template_internal.h"

#define TABLE "packs/template.yaml" /* the rows, embedded in the binary */

static void
access_cell(struct rdt_filled *filled, const struct rdt_subject *key)
{
    const struct rdt_node *list = rdt_node_get(key->node, "access.principals");
    double approvers = rdt_node_number(key->node, "access.break_glass.approvers", 0);
    struct rdt_buf *cell = &filled->cell;
    for (size_t i = 0; list != NULL && i < list->n; i++)
        rdt_buf_fmt(cell, "%s%s", i == 0 ? "" : ", ", rdt_node_text(list->members[i].node));
    if (list == NULL || list->n == 0)
        rdt_buf_str(cell,
                    rdt_node_get(key->node, "wrapped_by") != NULL ? "as its parent" : "not said");
    if (approvers > 0)
        rdt_buf_fmt(cell, "; emergency: %.0f approvers", approvers);
    rdt_doc_take(&filled->doc, cell);
}

static void
last_cell(struct rdt_filled *filled, const struct rdt_subject *key)
{
    int64_t days = 0;
    bool observed = false;
    char date[RDT_DATE_TEXT];
    if (!rdt_key_last(filled->view, key, &days, &observed)) {
        rdt_doc_cell(&filled->doc, "never recorded");
        return;
    }
    rdt_date_text(days, date);
    rdt_buf_fmt(&filled->cell, "%s (%s)", date, observed ? "certificate seen" : "declared");
    rdt_doc_take(&filled->doc, &filled->cell);
}

static void
key_row(struct rdt_filled *filled, const struct rdt_subject *key)
{
    const char *per = rdt_node_str(key->node, "per");
    rdt_doc_cell(&filled->doc, key->name);
    rdt_doc_cell(&filled->doc, rdt_node_str(key->node, "purpose"));
    rdt_buf_fmt(&filled->cell, "%s, %s", rdt_words_for(rdt_node_str(key->node, "type")),
                rdt_words_for(rdt_node_str(key->node, "algorithm")));
    if (per != NULL)
        rdt_buf_fmt(&filled->cell, ", one per %s", per);
    rdt_doc_take(&filled->doc, &filled->cell);
    rdt_describe_custody(&filled->cell, key);
    rdt_doc_take(&filled->doc, &filled->cell);
    access_cell(filled, key);
    rdt_describe_rotation(&filled->cell, key);
    rdt_doc_take(&filled->doc, &filled->cell);
    last_cell(filled, key);
}

void
rdt_filled_keys(struct rdt_filled *filled)
{
    static const char *const heads[] = {"Key",    "Purpose",  "Type",        "Storage",
                                        "Access", "Rotation", "Last rotated"};
    static const struct {
        const char *heading, *checklist;
    } procedures[] = {
        {"Key generation", "keygen"  },
        {"Key storage",    "keystore"},
        {"Key rotation",   "rotate"  },
        {"Key retirement", "retire"  },
    };
    size_t n = 0;
    const struct rdt_subject *keys = rdt_plan_section(filled->plan, RDT_KEYS, &n);
    rdt_doc_heading(&filled->doc, 2, "Part 4: Key management");
    rdt_doc_heading(&filled->doc, 3, "Key inventory");
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    for (size_t i = 0; i < n; i++)
        key_row(filled, &keys[i]);
    rdt_doc_table_end(&filled->doc);
    for (size_t i = 0; i < RDT_COUNT(procedures); i++) {
        rdt_doc_heading(&filled->doc, 3, procedures[i].heading);
        rdt_filled_boxes(filled, procedures[i].checklist);
    }
}

/* ---- part 5 ---- */

/* Distinct words of a field over a section: "AWS KMS (9), Istio (1)". */
static void
tally(struct rdt_filled *filled, enum rdt_section section, const char *path)
{
    struct {
        const char *word;
        size_t n;
    } seen[8];
    size_t n = 0, n_seen = 0;
    const struct rdt_subject *subjects = rdt_plan_section(filled->plan, section, &n);
    for (size_t i = 0; i < n; i++) {
        const char *word = rdt_node_str(subjects[i].node, path);
        size_t k = 0;
        while (word != NULL && k < n_seen && strcmp(seen[k].word, word) != 0)
            k++;
        if (word == NULL || k == RDT_COUNT(seen))
            continue;
        if (k == n_seen) {
            seen[n_seen].word = word;
            seen[n_seen++].n = 0;
        }
        seen[k].n++;
    }
    for (size_t k = 0; k < n_seen; k++)
        rdt_buf_fmt(&filled->cell, "%s%s (%zu)", k == 0 ? "" : ", ", rdt_words_for(seen[k].word),
                    seen[k].n);
    if (n_seen == 0)
        rdt_buf_str(&filled->cell, "none");
}

static size_t
how_many(const struct rdt_filled *filled, enum rdt_section section, const char *path)
{
    size_t n = 0, found = 0;
    const struct rdt_subject *subjects = rdt_plan_section(filled->plan, section, &n);
    for (size_t i = 0; i < n; i++)
        found += rdt_node_get(subjects[i].node, path) != NULL;
    return found;
}

static void
say_rest(struct rdt_filled *filled)
{
    rdt_buf_str(&filled->cell, "Volumes: ");
    tally(filled, RDT_STORES, "at_rest.volume.algorithm");
    rdt_buf_fmt(&filled->cell, "; fields encrypted by the application in %zu stores",
                how_many(filled, RDT_STORES, "at_rest.fields"));
}

static void
say_transit(struct rdt_filled *filled)
{
    size_t n = 0;
    (void)rdt_plan_section(filled->plan, RDT_FLOWS, &n);
    rdt_buf_str(&filled->cell, "Minimum: ");
    tally(filled, RDT_FLOWS, "tls.min");
    rdt_buf_fmt(&filled->cell, " of %zu flows; mutual TLS on %zu, SSH on %zu, HSTS on %zu", n,
                how_many(filled, RDT_FLOWS, "tls.mutual"), how_many(filled, RDT_FLOWS, "ssh"),
                how_many(filled, RDT_FLOWS, "http.hsts"));
}

static void
say_keys(struct rdt_filled *filled)
{
    const struct rdt_node *root = rdt_plan_root(filled->plan);
    const char *log = rdt_node_str(root, "procedures.key-generation.logged_to");
    rdt_buf_str(&filled->cell, "Keys in ");
    tally(filled, RDT_KEYS, "custody.provider");
    rdt_buf_fmt(&filled->cell, "; generation logged to %s", log == NULL ? "nothing" : log);
}

static void
say_rotation(struct rdt_filled *filled)
{
    size_t n = 0;
    const struct rdt_subject *keys = rdt_plan_section(filled->plan, RDT_KEYS, &n);
    double least = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        double every = rdt_node_number(keys[i].node, "rotation.every", 0);
        if (every > 0 && (least <= 0 || every < least))
            least = every;
        if (every > most)
            most = every;
    }
    tally(filled, RDT_KEYS, "rotation.how");
    if (most > 0) {
        rdt_buf_str(&filled->cell, "; periods from ");
        rdt_describe_days(&filled->cell, least);
        rdt_buf_str(&filled->cell, " to ");
        rdt_describe_days(&filled->cell, most);
    }
}

static void
say_backups(struct rdt_filled *filled)
{
    size_t n = 0, found = 0;
    const struct rdt_subject *stores = rdt_plan_section(filled->plan, RDT_STORES, &n);
    for (size_t i = 0; i < n; i++) {
        const char *key = rdt_node_str(stores[i].node, "at_rest.volume.key");
        if (stores[i].links[RDT_LINK_SOURCES].n == 0)
            continue;
        rdt_buf_fmt(&filled->cell, "%s%s under %s", found++ == 0 ? "" : "; ", stores[i].name,
                    key == NULL ? "no key" : key);
    }
    if (found == 0)
        rdt_buf_str(&filled->cell, "no backup store");
}

static void
say_storage(struct rdt_filled *filled)
{
    size_t n = 0, hardware = 0;
    const struct rdt_subject *keys = rdt_plan_section(filled->plan, RDT_KEYS, &n);
    for (size_t i = 0; i < n; i++)
        hardware += rdt_node_true(keys[i].node, "custody.hardware");
    tally(filled, RDT_KEYS, "custody.provider");
    rdt_buf_fmt(&filled->cell, "; %zu of %zu keys in hardware", hardware, n);
}

static void (*const say[])(struct rdt_filled *filled) = {say_rest,     say_transit, say_keys,
                                                         say_rotation, say_backups, say_storage};

static const struct {
    const char *id, *head;
} columns[] = {
    {"soc2",     "SOC 2"    },
    {"iso27001", "ISO 27001"},
    {"hipaa",    "HIPAA"    },
    {"pci-dss",  "PCI DSS"  },
    {"gdpr",     "GDPR"     },
};

/* The controls of one framework, whatever its edition: "CC6.7, CC6.1 (2022)". */
static void
controls_cell(struct rdt_filled *filled, const struct rdt_node *controls, const char *framework)
{
    size_t n = strlen(framework);
    for (size_t i = 0; controls != NULL && i < controls->n; i++) {
        const struct rdt_member *m = &controls->members[i];
        const char *name = (const char *)m->key.p;
        if (strncmp(name, framework, n) != 0 || name[n] != '@')
            continue;
        for (size_t k = 0; k < m->node->n; k++)
            rdt_buf_fmt(&filled->cell, "%s%s", k == 0 ? "" : ", ",
                        rdt_node_text(m->node->members[k].node));
        rdt_buf_fmt(&filled->cell, " (%s)", name + n + 1);
    }
    if (filled->cell.n == 0)
        rdt_buf_str(&filled->cell, "good practice");
    rdt_doc_take(&filled->doc, &filled->cell);
}

static const struct rdt_row *
row_of(const struct rdt_run *run, const char *id)
{
    for (size_t i = 0; i < run->n_rows; i++) {
        if (strcmp(run->rows[i].id, id) == 0)
            return &run->rows[i];
    }
    return NULL;
}

static const char *
state_word(enum rdt_verdict verdict)
{
    switch (verdict) {
    case RDT_PASS:
    case RDT_ACCEPTED:
        return "met, ";
    case RDT_FAIL:
    case RDT_DRIFT:
        return "not met, ";
    case RDT_NA:
        return "";
    default:
        return "unproven, ";
    }
}

static void
map_row(struct rdt_filled *filled, const struct rdt_member *entry, size_t which)
{
    const struct rdt_row *row = row_of(filled->view->run, (const char *)entry->key.p);
    const struct rdt_node *controls = rdt_node_get(entry->node, "controls");
    rdt_doc_cell(&filled->doc, rdt_node_str(entry->node, "title"));
    for (size_t i = 0; i < RDT_COUNT(columns); i++)
        controls_cell(filled, controls, columns[i].id);
    say[which](filled);
    rdt_doc_take(&filled->doc, &filled->cell);
    if (row == NULL) {
        rdt_doc_cell(&filled->doc, "not judged");
        return;
    }
    rdt_buf_str(&filled->cell, state_word(row->verdict));
    rdt_filled_state(&filled->cell, filled->view, row);
    rdt_doc_take(&filled->doc, &filled->cell);
}

enum rdt_code
rdt_filled_compliance(struct rdt_filled *filled, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_node *table = NULL;
    struct rdt_span bytes;
    const char *heads[RDT_COUNT(columns) + 3] = {"Requirement"};
    if (!rdt_embed_find(TABLE, &bytes))
        return rdt_fail(err, RDT_E_INTERNAL, "%s is not in the binary", TABLE);
    enum rdt_code rc = rdt_yaml_parse(TABLE, bytes, &arena, &diags, &table, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", TABLE);
    for (size_t i = 0; i < RDT_COUNT(columns); i++)
        heads[i + 1] = columns[i].head;
    heads[RDT_COUNT(columns) + 1] = "Your implementation";
    heads[RDT_COUNT(columns) + 2] = "State";
    rdt_doc_heading(&filled->doc, 2, "Part 5: Compliance mapping");
    rdt_doc_table(&filled->doc, heads, RDT_COUNT(heads));
    const struct rdt_node *rows = rdt_node_get(table, "rows");
    for (size_t i = 0, which = 0; rows != NULL && i < rows->n; i++) {
        if (rdt_node_number(rows->members[i].node, "part", 0) != 5 || which == RDT_COUNT(say))
            continue;
        map_row(filled, &rows->members[i], which++);
    }
    rdt_doc_table_end(&filled->doc);
    return RDT_OK;
}
