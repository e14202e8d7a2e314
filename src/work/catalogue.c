#include "work/catalogue.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/base64.h"
#include "codec/yaml.h"

#include <stdio.h>
#include <stdlib.h>

struct rdt_catalogue {
    struct rdt_arena arena;
    struct rdt_catalogue_column *columns;
    size_t n;
};

struct load {
    struct rdt_arena *arena;
    struct rdt_diags *diags;
    const struct rdt_node *rings;
    const char *where; /* "columns.clinic.patients.name": for messages */
    bool no_memory;
};

/* One field of a map. take() complains, or puts what it read into the struct. */
struct field {
    const char *name;
    bool required;
    void (*take)(struct load *load, const struct rdt_node *node, void *into);
};

static const char *const type_words[] = {"text", "bytea", "json", NULL};
static const char *const kind_words[] = {"unique", "truncated", "prefix", "word", NULL};
static const char *const rule_words[] = {"raw", "email", "phone", "digits", "name", "date", NULL};
static const char *const local_words[] = {"fold", "keep", "tag", NULL};
static const char *const order_words[] = {"iso", "day-month", "month-day", NULL};

const char *
rdt_catalogue_type_name(enum rdt_catalogue_type type)
{
    return type_words[type];
}

/* ---- values */

static void
expected(const struct load *load, const struct rdt_node *node, const char *what)
{
    if (node->kind == RDT_NODE_SCALAR)
        rdt_diag_add(load->diags, node->mark, "%s: expected %s, found '%.60s'", load->where, what,
                     (const char *)node->text.p);
    else
        rdt_diag_add(load->diags, node->mark, "%s: expected %s, found %s", load->where, what,
                     node->kind == RDT_NODE_LIST  ? "a list"
                     : node->kind == RDT_NODE_MAP ? "a map"
                                                  : "nothing");
}

static void
suggest(const struct load *load, struct rdt_span text, const char *const *words, size_t n)
{
    const char *near = load->diags->n_more != 0 ? NULL : rdt_text_nearest(text, words, n);
    if (near != NULL)
        rdt_diag_hint(load->diags, "did you mean '%s'?", near);
}

static const char *
keep(struct load *load, struct rdt_span text)
{
    const char *copy = rdt_arena_str(load->arena, text);
    load->no_memory |= copy == NULL;
    return copy;
}

/* Text of 1 to most bytes that can be shown; NULL after a complaint. */
static const char *
text_of(struct load *load, const struct rdt_node *node, size_t most, const char *what)
{
    if (node->kind == RDT_NODE_SCALAR && node->text.n != 0 && node->text.n <= most &&
        rdt_text_fit(node->text))
        return keep(load, node->text);
    expected(load, node, what);
    return NULL;
}

static void
uuid_of(struct load *load, const struct rdt_node *node, uint8_t out[static 16])
{
    if (node->kind != RDT_NODE_SCALAR || !rdt_uuid_parse(node->text, out))
        expected(load, node, "a UUID in small letters");
}

static bool
true_of(struct load *load, const struct rdt_node *node)
{
    bool yes = rdt_node_is(node, "true");
    if (node->quoted || (!yes && !rdt_node_is(node, "false")))
        expected(load, node, "true or false");
    return yes;
}

static unsigned
number_of(struct load *load, const struct rdt_node *node, unsigned least, unsigned most)
{
    unsigned value = 0;
    bool ok = node->kind == RDT_NODE_SCALAR && !node->quoted && node->text.n != 0 &&
              node->text.n <= 6 && (node->text.p[0] != '0' || node->text.n == 1);
    for (size_t i = 0; ok && i < node->text.n; i++) {
        ok = node->text.p[i] >= '0' && node->text.p[i] <= '9';
        value = 10 * value + (unsigned)(node->text.p[i] - '0');
    }
    if (ok && value >= least && value <= most)
        return value;
    char what[64];
    snprintf(what, sizeof what, "a whole number from %u to %u", least, most);
    expected(load, node, what);
    return least;
}

static unsigned
word_of(struct load *load, const struct rdt_node *node, const char *const *words)
{
    RDT_BUF list = {0};
    unsigned n = 0;
    for (; words[n] != NULL; n++) {
        if (rdt_node_is(node, words[n]))
            return n;
        rdt_buf_fmt(&list, "%s%s", n == 0 ? "one of " : ", ", words[n]);
    }
    const char *what = rdt_buf_cstr(&list);
    expected(load, node, what == NULL ? "another word" : what);
    if (node->kind == RDT_NODE_SCALAR)
        suggest(load, node->text, words, n);
    return 0;
}

/* A name in SQL, as pg_attribute has it: no quotes, none that a reader of "a.b.c" takes for two. */
static bool
sql_name_ok(struct rdt_span name)
{
    if (name.n == 0 || name.n > RDT_CATALOGUE_NAME_MAX || !rdt_text_fit(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.' || name.p[i] == '"' || name.p[i] == ' ')
            return false;
    }
    return true;
}

static const char *
sql_name_of(struct load *load, const struct rdt_node *node)
{
    if (node->kind == RDT_NODE_SCALAR && sql_name_ok(node->text))
        return keep(load, node->text);
    expected(load, node, "the name of a SQL column of the same table");
    return NULL;
}

/* One name, or a list of them. */
static void
names_of(struct load *load, const struct rdt_node *node, const char **out, size_t *n)
{
    if (node->kind == RDT_NODE_SCALAR) {
        out[0] = sql_name_of(load, node);
        *n = 1;
        return;
    }
    if (node->kind != RDT_NODE_LIST || node->n == 0 || node->n > RDT_CATALOGUE_PARTS_MAX) {
        expected(load, node, "a name, or a list of up to 8");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_node *item = node->members[i].node;
        for (size_t k = 0; k < i; k++) {
            if (item->kind == RDT_NODE_SCALAR &&
                rdt_node_is(node->members[k].node, (const char *)item->text.p))
                rdt_diag_add(load->diags, item->mark, "%s: '%s' stands here twice", load->where,
                             (const char *)item->text.p);
        }
        out[i] = sql_name_of(load, item);
    }
    *n = node->n;
}

/* The KMS key of a ring that the file names. */
static const char *
ring_of(struct load *load, const struct rdt_node *node, struct rdt_mark mark, const char *name)
{
    if (node != NULL && node->kind != RDT_NODE_SCALAR) {
        expected(load, node, "the name of a ring");
        return NULL;
    }
    struct rdt_span text = node == NULL ? rdt_span_str(name) : node->text;
    const struct rdt_member *ring = rdt_node_member(load->rings, text);
    if (ring != NULL)
        return rdt_node_text(ring->node); /* what is wrong with it was said where it stands */
    rdt_diag_add(load->diags, node == NULL ? mark : node->mark, "%s: no ring '%.*s' under rings",
                 load->where, (int)(text.n < 60 ? text.n : 60), (const char *)text.p);
    const char *names[RDT_CATALOGUE_RINGS_MAX];
    size_t n = 0;
    for (; load->rings != NULL && load->rings->kind == RDT_NODE_MAP && n < load->rings->n &&
           n < RDT_COUNT(names);
         n++)
        names[n] = (const char *)load->rings->members[n].key.p;
    suggest(load, text, names, n);
    return NULL;
}

/* ---- maps */

static void
take_map(struct load *load, const struct rdt_node *node, const struct field *fields, void *into)
{
    const char *names[32];
    size_t n = 0;
    if (node->kind != RDT_NODE_MAP) {
        expected(load, node, "a map, as in { field: value }");
        return;
    }
    for (; fields[n].name != NULL && n < RDT_COUNT(names); n++)
        names[n] = fields[n].name;
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_member *member = &node->members[i];
        size_t k = 0;
        while (k < n && !rdt_span_is(member->key, names[k]))
            k++;
        if (k < n) {
            fields[k].take(load, member->node, into);
            continue;
        }
        rdt_diag_add(load->diags, member->mark, "%s: unknown field '%.60s'", load->where,
                     (const char *)member->key.p);
        suggest(load, member->key, names, n);
    }
    for (size_t k = 0; k < n; k++) {
        if (fields[k].required && rdt_node_member(node, rdt_span_str(names[k])) == NULL)
            rdt_diag_add(load->diags, node->mark, "%s: '%s' is missing", load->where, names[k]);
    }
}

/* ---- an index */

static struct rdt_field_index *
as_of(void *into)
{
    return &((struct rdt_catalogue_index *)into)->as;
}

static void
index_kind(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->kind = word_of(load, node, kind_words) + RDT_INDEX_UNIQUE;
}

static void
index_bits(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->bits = (uint8_t)number_of(load, node, 1, RDT_TOKEN_BITS);
}

static void
index_domain(struct load *load, const struct rdt_node *node, void *into)
{
    uuid_of(load, node, as_of(into)->domain);
}

static void
index_name(struct load *load, const struct rdt_node *node, void *into)
{
    struct rdt_catalogue_index *index = into;
    index->name = text_of(load, node, RDT_CATALOGUE_NAME_MAX, "a name of 1 to 63 bytes");
    if (index->name != NULL)
        index->as.name = rdt_span_str(index->name);
}

static void
index_normaliser(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.rule = (uint8_t)(word_of(load, node, rule_words) + RDT_NORMAL_RAW);
}

static void
index_version(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.version = (uint8_t)number_of(load, node, 1, 1);
}

static void
index_country(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.country = (uint16_t)number_of(load, node, 1, 999);
}

static void
index_trunk(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.trunk = (uint8_t)('0' + number_of(load, node, 0, 9));
}

static void
index_local(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.local = (uint8_t)(word_of(load, node, local_words) + RDT_NORMAL_LOCAL_FOLD);
}

static void
index_order(struct load *load, const struct rdt_node *node, void *into)
{
    as_of(into)->normal.order = (uint8_t)(word_of(load, node, order_words) + RDT_NORMAL_ORDER_ISO);
}

static void
index_risk(struct load *load, const struct rdt_node *node, void *into)
{
    struct rdt_catalogue_index *index = into;
    index->risk_accepted =
        text_of(load, node, RDT_CATALOGUE_TEXT_MAX, "where the risk was accepted, such as EX-9");
    index->as.risk_accepted = index->risk_accepted != NULL;
}

static void
index_ring(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_index *)into)->ring = ring_of(load, node, node->mark, NULL);
}

static const struct field index_fields[] = {
    {"kind",          true,  index_kind      },
    {"bits",          false, index_bits      },
    {"domain",        true,  index_domain    },
    {"name",          true,  index_name      },
    {"normaliser",    true,  index_normaliser},
    {"version",       false, index_version   },
    {"country",       false, index_country   },
    {"trunk",         false, index_trunk     },
    {"local",         false, index_local     },
    {"order",         false, index_order     },
    {"risk_accepted", false, index_risk      },
    {"ring",          false, index_ring      },
    {NULL,            false, NULL            }
};

static void
check_bits(struct load *load, const struct rdt_node *node, struct rdt_field_index *as)
{
    bool given = as->bits != 0;
    if (as->kind == RDT_INDEX_UNIQUE) {
        if (given && as->bits != RDT_TOKEN_BITS)
            rdt_diag_add(load->diags, node->mark, "%s: a unique token has all 128 bits",
                         load->where);
        as->bits = RDT_TOKEN_BITS;
    } else if (!given) {
        rdt_diag_add(load->diags, node->mark, "%s: 'bits' is missing", load->where);
        rdt_diag_hint(load->diags, "redoubt field index-plan ROWS DISTINCT says how many");
    } else if (as->bits > RDT_TOKEN_TRUNCATED_MAX &&
               (as->kind == RDT_INDEX_TRUNCATED || as->bits != RDT_TOKEN_BITS)) {
        rdt_diag_add(load->diags, node->mark, "%s: a token has 1 to 40 bits%s", load->where,
                     as->kind == RDT_INDEX_TRUNCATED ? "" : ", or 128");
    }
}

/* A setting that its normaliser does not use is a mistake, not a wish. */
static void
check_uses(struct load *load, const struct rdt_node *node, struct rdt_normal *normal)
{
    if ((normal->country != 0 || normal->trunk != 0) && normal->rule != RDT_NORMAL_PHONE)
        rdt_diag_add(load->diags, node->mark, "%s: 'country' and 'trunk' are for phone numbers",
                     load->where);
    if (normal->local != 0 && normal->rule != RDT_NORMAL_EMAIL)
        rdt_diag_add(load->diags, node->mark, "%s: 'local' is for e-mail", load->where);
    if (normal->order != 0 && normal->rule != RDT_NORMAL_DATE)
        rdt_diag_add(load->diags, node->mark, "%s: 'order' is for dates", load->where);
    if (normal->rule == RDT_NORMAL_EMAIL && normal->local == 0)
        normal->local = RDT_NORMAL_LOCAL_FOLD;
    if (normal->rule == RDT_NORMAL_DATE && normal->order == 0)
        normal->order = RDT_NORMAL_ORDER_ISO;
}

/* What fits together and what does not. */
static void
check_index(struct load *load, const struct rdt_node *node, struct rdt_catalogue_index *index)
{
    size_t before = load->diags->n;
    bool open = index->as.kind == RDT_INDEX_PREFIX || index->as.kind == RDT_INDEX_WORD;
    if (index->as.kind == 0 || index->as.normal.rule == 0 || index->name == NULL)
        return; /* said as missing */
    check_bits(load, node, &index->as);
    check_uses(load, node, &index->as.normal);
    if (open && index->risk_accepted == NULL) {
        rdt_diag_add(load->diags, node->mark,
                     "%s: tokens of prefixes or words show how often each part occurs",
                     load->where);
        rdt_diag_hint(load->diags, "once that is accepted in the plan: risk_accepted: EX-9");
    }
    if (load->diags->n == before && rdt_field_index_check(&index->as) != RDT_FIELD_OK)
        rdt_diag_add(load->diags, node->mark,
                     "%s: no index that can be made (docs/guides/search.md)", load->where);
}

/* ---- a column */

static void
column_id(struct load *load, const struct rdt_node *node, void *into)
{
    uuid_of(load, node, ((struct rdt_catalogue_column *)into)->id);
}

static void
column_ring(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->ring = ring_of(load, node, node->mark, NULL);
}

static void
tenant_name(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->tenant =
        text_of(load, node, RDT_CATALOGUE_TEXT_MAX, "the name or UUID of a tenant");
}

static void
tenant_column(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->tenant_column = sql_name_of(load, node);
}

static void
column_tenant(struct load *load, const struct rdt_node *node, void *into)
{
    static const struct field fields[] = {
        {"name",   false, tenant_name  },
        {"column", false, tenant_column},
        {NULL,     false, NULL         }
    };
    take_map(load, node, fields, into);
    if (node->kind == RDT_NODE_MAP && node->n != 1) {
        rdt_diag_add(load->diags, node->mark, "%s: a tenant has a name or a column", load->where);
        rdt_diag_hint(load->diags, "tenant: { name: acme }, or { column: customer_id }");
    }
}

static void
column_row(struct load *load, const struct rdt_node *node, void *into)
{
    struct rdt_catalogue_column *column = into;
    names_of(load, node, column->row, &column->n_row);
}

static void
column_key(struct load *load, const struct rdt_node *node, void *into)
{
    struct rdt_catalogue_column *column = into;
    names_of(load, node, column->key, &column->n_key);
}

static void
column_padded(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->padded = (uint16_t)number_of(load, node, 2, UINT16_MAX);
}

static void
column_unpadded_too(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->unpadded_too = true_of(load, node);
}

static void
column_critical(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->critical = true_of(load, node);
}

static void
column_type(struct load *load, const struct rdt_node *node, void *into)
{
    ((struct rdt_catalogue_column *)into)->type = word_of(load, node, type_words);
}

static void
column_index(struct load *load, const struct rdt_node *node, void *into)
{
    struct rdt_catalogue_index *index = rdt_arena_new(load->arena, sizeof *index);
    load->no_memory |= index == NULL;
    if (index == NULL)
        return;
    const char *where = load->where;
    const char *inside = rdt_arena_fmt(load->arena, "%s.index", where);
    load->where = inside == NULL ? where : inside;
    index->as.normal.version = 1;
    take_map(load, node, index_fields, index);
    if (node->kind == RDT_NODE_MAP) {
        check_index(load, node, index);
        if (rdt_node_member(node, rdt_span_str("ring")) == NULL)
            index->ring = ring_of(load, NULL, node->mark, "index");
    }
    load->where = where;
    ((struct rdt_catalogue_column *)into)->index = index;
}

static const struct field column_fields[] = {
    {"id",           true,  column_id          },
    {"tenant",       true,  column_tenant      },
    {"ring",         false, column_ring        },
    {"row",          false, column_row         },
    {"key",          false, column_key         },
    {"padded",       false, column_padded      },
    {"unpadded_too", false, column_unpadded_too},
    {"critical",     false, column_critical    },
    {"type",         false, column_type        },
    {"index",        false, column_index       },
    {NULL,           false, NULL               }
};

/* "clinic.patients.diagnosis", in three. */
static void
take_name(struct load *load, const struct rdt_member *member, struct rdt_catalogue_column *column)
{
    const char *parts[3] = {NULL};
    struct rdt_span left = member->key;
    size_t n = 0;
    for (; n < 3 && left.n != 0; n++) {
        const uint8_t *dot = memchr(left.p, '.', left.n);
        struct rdt_span part = {left.p, dot == NULL ? left.n : (size_t)(dot - left.p)};
        if (!sql_name_ok(part))
            break;
        parts[n] = keep(load, part);
        left.p += part.n + (dot != NULL);
        left.n -= part.n + (dot != NULL);
        if (dot == NULL && n < 2)
            break;
        if (dot != NULL && n == 2)
            break;
    }
    column->name = keep(load, member->key);
    column->schema = parts[0];
    column->table = parts[1];
    column->field = parts[2];
    if (n == 3)
        return;
    rdt_diag_add(load->diags, member->mark, "columns: '%.200s' is no schema.table.column",
                 (const char *)member->key.p);
}

static void
take_column(struct load *load, const struct rdt_member *member, struct rdt_catalogue_column *column)
{
    const char *where = rdt_arena_fmt(load->arena, "columns.%.200s", (const char *)member->key.p);
    load->no_memory |= where == NULL;
    load->where = where == NULL ? "columns" : where;
    column->mark = member->mark;
    take_name(load, member, column);
    take_map(load, member->node, column_fields, column);
    if (member->node->kind != RDT_NODE_MAP)
        return;
    if (rdt_node_member(member->node, rdt_span_str("ring")) == NULL)
        column->ring = ring_of(load, NULL, member->node->mark, "field");
    if (column->unpadded_too && column->padded == 0)
        rdt_diag_add(load->diags, member->node->mark,
                     "%s: 'unpadded_too' is for a column that is padded", load->where);
}

/* ---- the file */

static void
check_rings(struct load *load)
{
    load->where = "rings";
    if (load->rings == NULL)
        return; /* said as missing */
    if (load->rings->kind != RDT_NODE_MAP) {
        expected(load, load->rings, "a map, as in { field: alias/app-fields }");
        return;
    }
    if (load->rings->n > RDT_CATALOGUE_RINGS_MAX)
        rdt_diag_add(load->diags, load->rings->mark, "rings: more than 64");
    for (size_t i = 0; i < load->rings->n; i++) {
        const struct rdt_member *ring = &load->rings->members[i];
        if (text_of(load, ring->node, RDT_CATALOGUE_TEXT_MAX,
                    "a KMS key: its id, ARN or alias/NAME") == NULL)
            continue;
        /* a key that is two rings at once would join what the rings are to keep apart */
        for (size_t k = 0; k < i && k < RDT_CATALOGUE_RINGS_MAX; k++) {
            if (rdt_node_is(load->rings->members[k].node, (const char *)ring->node->text.p))
                rdt_diag_add(load->diags, ring->mark, "rings: '%.60s' and '%.60s' are one key",
                             (const char *)load->rings->members[k].key.p,
                             (const char *)ring->key.p);
        }
    }
}

static void
check_ids(const struct load *load, const struct rdt_catalogue *catalogue)
{
    static const uint8_t none[16];
    for (size_t i = 0; i < catalogue->n; i++) {
        const struct rdt_catalogue_column *one = &catalogue->columns[i];
        for (size_t k = 0; k < i; k++) {
            struct rdt_span a = {one->id, 16}, b = {catalogue->columns[k].id, 16};
            if (!rdt_span_eq(a, b) || rdt_span_eq(a, (struct rdt_span){none, 16}))
                continue;
            rdt_diag_add(load->diags, one->mark,
                         "columns.%.200s: has the id of %.200s: a value could be moved from one "
                         "to the other",
                         one->name, catalogue->columns[k].name);
            break;
        }
    }
}

static void
take_columns(struct load *load, const struct rdt_node *node, struct rdt_catalogue *catalogue)
{
    load->where = "columns";
    if (node->kind != RDT_NODE_MAP) {
        expected(load, node, "a map, as in { schema.table.column: { ... } }");
        return;
    }
    if (node->n > RDT_CATALOGUE_COLUMNS_MAX) {
        rdt_diag_add(load->diags, node->members[RDT_CATALOGUE_COLUMNS_MAX].mark,
                     "columns: more than 1000");
        return;
    }
    catalogue->columns = rdt_arena_new(load->arena, (node->n + 1) * sizeof *catalogue->columns);
    load->no_memory |= catalogue->columns == NULL;
    for (size_t i = 0; i < node->n && !load->no_memory; i++)
        take_column(load, &node->members[i], &catalogue->columns[catalogue->n++]);
    if (!load->no_memory)
        check_ids(load, catalogue);
}

static void
take_version(struct load *load, const struct rdt_node *node, void *into)
{
    (void)into;
    if (node->quoted || !rdt_node_is(node, "1")) {
        expected(load, node, "the format's version, 1");
        rdt_diag_hint(load->diags, "this redoubt reads format 1 only");
    }
}

static void
take_later(struct load *load, const struct rdt_node *node, void *into)
{
    (void)load;
    (void)node;
    (void)into; /* rings are read before columns, whatever the order of the file */
}

static void
take_file(struct load *load, const struct rdt_node *root, struct rdt_catalogue *catalogue)
{
    static const struct field fields[] = {
        {"catalogue", true,  take_version},
        {"rings",     true,  take_later  },
        {"columns",   true,  take_later  },
        {NULL,        false, NULL        }
    };
    load->where = "the catalogue";
    take_map(load, root, fields, catalogue);
    if (root->kind != RDT_NODE_MAP)
        return;
    load->rings = rdt_node_get(root, "rings");
    check_rings(load);
    const struct rdt_node *columns = rdt_node_get(root, "columns");
    if (columns != NULL)
        take_columns(load, columns, catalogue);
}

enum rdt_code
rdt_catalogue_parse(const char *file, struct rdt_span bytes, struct rdt_diags *diags,
                    struct rdt_catalogue **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_catalogue_free_at) struct rdt_catalogue *catalogue = calloc(1, sizeof *catalogue);
    struct rdt_node *root = NULL;
    size_t before = diags->n + diags->n_more;
    if (catalogue == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", file);
    if (bytes.n > RDT_CATALOGUE_BYTES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "%s: more than %zu bytes", file, RDT_CATALOGUE_BYTES_MAX);
    struct load load = {.arena = &catalogue->arena, .diags = diags};
    const char *name = rdt_arena_str(&catalogue->arena, rdt_span_str(file));
    if (name == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", file);
    enum rdt_code rc = rdt_yaml_parse(name, bytes, &catalogue->arena, diags, &root, err);
    if (rc != RDT_OK && root == NULL)
        return rc;
    take_file(&load, root, catalogue);
    if (load.no_memory)
        return rdt_fail(err, RDT_E_NOMEM, "%s", file);
    size_t n = diags->n + diags->n_more - before;
    if (n != 0) {
        rdt_diag_sort(diags);
        return rdt_fail(err, RDT_E_BADINPUT, "%s: %zu %s", file, n,
                        n == 1 ? "mistake" : "mistakes");
    }
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(catalogue);
    return RDT_OK;
}

enum rdt_code
rdt_catalogue_load(const char *path, struct rdt_diags *diags, struct rdt_catalogue **out,
                   struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    enum rdt_code rc = rdt_file_read(path, RDT_CATALOGUE_BYTES_MAX, &bytes, err);
    return rc != RDT_OK ? rc : rdt_catalogue_parse(path, rdt_buf_span(&bytes), diags, out, err);
}

void
rdt_catalogue_free(struct rdt_catalogue *catalogue)
{
    if (catalogue != NULL)
        rdt_arena_done(&catalogue->arena);
    free(catalogue);
}

void
rdt_catalogue_free_at(struct rdt_catalogue **catalogue)
{
    rdt_catalogue_free(*catalogue);
}

/* ---- use */

const struct rdt_catalogue_column *
rdt_catalogue_columns(const struct rdt_catalogue *catalogue, size_t *n)
{
    *n = catalogue->n;
    return catalogue->columns;
}

enum rdt_code
rdt_catalogue_find(const struct rdt_catalogue *catalogue, const char *name,
                   const struct rdt_catalogue_column **out, struct rdt_err *err)
{
    const char *names[RDT_CATALOGUE_COLUMNS_MAX];
    const struct rdt_catalogue_column *found = NULL;
    size_t n = 0;
    for (; n < catalogue->n; n++) {
        const struct rdt_catalogue_column *column = &catalogue->columns[n];
        names[n] = column->name;
        if (strcmp(column->name, name) == 0) {
            *out = column;
            return RDT_OK;
        }
        if (strcmp(column->name + strlen(column->schema) + 1, name) != 0)
            continue;
        if (found != NULL)
            return rdt_fail(err, RDT_E_NOTFOUND, "'%s' is %s and %s", name, found->name,
                            column->name);
        found = column;
    }
    if (found != NULL) {
        *out = found;
        return RDT_OK;
    }
    rdt_fail(err, RDT_E_NOTFOUND, "no column '%s' in the catalogue", name);
    const char *near = rdt_text_nearest(rdt_span_str(name), names, n);
    if (near != NULL)
        rdt_hint(err, "did you mean '%s'?", near);
    else
        rdt_hint(err, "a column is named schema.table.column");
    return RDT_E_NOTFOUND;
}

void
rdt_catalogue_place(const struct rdt_catalogue_column *column, const uint8_t tenant[static 16],
                    struct rdt_field_column *out)
{
    *out = (struct rdt_field_column){
        .row_bound = column->n_row != 0,
        .any_length = column->unpadded_too,
        .hedged = column->critical,
        .bucket = column->padded,
    };
    memcpy(out->tenant, tenant, sizeof out->tenant);
    memcpy(out->id, column->id, sizeof out->id);
}

void
rdt_catalogue_index(const struct rdt_catalogue_column *column, const uint8_t tenant[static 16],
                    struct rdt_field_index *out)
{
    *out = column->index->as;
    memcpy(out->tenant, tenant, sizeof out->tenant);
}

bool
rdt_catalogue_in_value(const struct rdt_catalogue_column *column)
{
    return column->index != NULL && (column->index->as.kind == RDT_INDEX_UNIQUE ||
                                     column->index->as.kind == RDT_INDEX_TRUNCATED);
}

enum rdt_code
rdt_catalogue_row(const struct rdt_span *texts, size_t n, struct rdt_buf *out, struct rdt_err *err)
{
    if (n == 1 && texts[0].n == 0)
        return rdt_fail(err, RDT_E_BADINPUT, "a row's key is empty");
    for (size_t i = 0; i < n; i++) {
        if (texts[i].n > UINT16_MAX)
            return rdt_fail(err, RDT_E_BADINPUT, "a row's key has more than 65,535 bytes");
        if (n > 1)
            rdt_buf_uint(out, texts[i].n, 2);
        rdt_buf_add(out, texts[i].p, texts[i].n);
    }
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "a row's key");
}
