#include "codec/node.h"

#include <stdlib.h>

#define SMALL_MAP 8 /* below this a walk beats the index */

struct rdt_node *
rdt_node_new(struct rdt_arena *arena, enum rdt_node_kind kind, struct rdt_mark mark)
{
    struct rdt_node *node = rdt_arena_new(arena, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->mark = mark;
    }
    return node;
}

struct rdt_node *
rdt_node_scalar(struct rdt_arena *arena, struct rdt_span text, struct rdt_mark mark)
{
    struct rdt_node *node = rdt_node_new(arena, RDT_NODE_SCALAR, mark);
    char *copy = rdt_arena_str(arena, text);
    if (node == NULL || copy == NULL)
        return NULL;
    node->text = (struct rdt_span){(const uint8_t *)copy, text.n};
    return node;
}

static bool
grow(struct rdt_arena *arena, struct rdt_node *parent)
{
    size_t cap = parent->cap == 0 ? 4 : parent->cap * 2;
    struct rdt_member *members = rdt_arena_new(arena, cap * sizeof *members);
    if (members == NULL)
        return false;
    if (parent->n != 0)
        memcpy(members, parent->members, parent->n * sizeof *members);
    parent->members = members;
    parent->cap = cap;
    return true;
}

bool
rdt_node_put(struct rdt_arena *arena, struct rdt_node *parent, struct rdt_span key,
             struct rdt_mark mark, struct rdt_node *value)
{
    if (value == NULL || (parent->n == parent->cap && !grow(arena, parent)))
        return false;
    if (parent->kind != RDT_NODE_MAP)
        key = (struct rdt_span){0};
    parent->members[parent->n++] = (struct rdt_member){key, mark, value};
    parent->order = NULL;
    return true;
}

bool
rdt_node_add(struct rdt_arena *arena, struct rdt_node *parent, struct rdt_span key,
             struct rdt_mark mark, struct rdt_node *value)
{
    if (value != NULL && parent->kind == RDT_NODE_MAP) {
        key.p = (const uint8_t *)rdt_arena_str(arena, key);
        if (key.p == NULL)
            return false;
    }
    return rdt_node_put(arena, parent, key, mark, value);
}

static int
by_key(const void *a, const void *b, void *map)
{
    const struct rdt_node *node = map;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int c = rdt_span_cmp(node->members[x].key, node->members[y].key);
    return c != 0 ? c : (x > y) - (x < y); /* the first written stays first */
}

bool
rdt_node_sort(struct rdt_arena *arena, struct rdt_node *map)
{
    if (map->kind != RDT_NODE_MAP || map->n < SMALL_MAP || map->order != NULL)
        return true;
    uint32_t *order = rdt_arena_new(arena, map->n * sizeof *order);
    if (order == NULL)
        return false;
    for (size_t i = 0; i < map->n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, map->n, sizeof *order, by_key, map);
    map->order = order;
    return true;
}

static const struct rdt_member *
search(const struct rdt_node *map, struct rdt_span key)
{
    size_t low = 0, high = map->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (rdt_span_cmp(map->members[map->order[mid]].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == map->n || !rdt_span_eq(map->members[map->order[low]].key, key))
        return NULL;
    return &map->members[map->order[low]];
}

const struct rdt_member *
rdt_node_member(const struct rdt_node *node, struct rdt_span key)
{
    if (node == NULL || node->kind != RDT_NODE_MAP)
        return NULL;
    if (node->order != NULL)
        return search(node, key);
    for (size_t i = 0; i < node->n; i++) {
        if (rdt_span_eq(node->members[i].key, key))
            return &node->members[i];
    }
    return NULL;
}

/* The next key of a dotted path; moves *path past it. */
static struct rdt_span
next_key(const char **path)
{
    size_t n = strcspn(*path, ".");
    struct rdt_span key = {(const uint8_t *)*path, n};
    *path += n + ((*path)[n] == '.');
    return key;
}

const struct rdt_node *
rdt_node_get(const struct rdt_node *node, const char *path)
{
    while (node != NULL && *path != '\0') {
        const struct rdt_member *member = rdt_node_member(node, next_key(&path));
        node = member == NULL ? NULL : member->node;
    }
    return node;
}

const char *
rdt_node_text(const struct rdt_node *node)
{
    return node != NULL && node->kind == RDT_NODE_SCALAR ? (const char *)node->text.p : NULL;
}

const char *
rdt_node_str(const struct rdt_node *node, const char *path)
{
    return rdt_node_text(rdt_node_get(node, path));
}

bool
rdt_node_is(const struct rdt_node *node, const char *text)
{
    return node != NULL && node->kind == RDT_NODE_SCALAR && rdt_span_is(node->text, text);
}

static bool
digits(struct rdt_span *in)
{
    size_t n = 0;
    while (n < in->n && in->p[n] >= '0' && in->p[n] <= '9')
        n++;
    in->p += n;
    in->n -= n;
    return n != 0;
}

static bool
skip(struct rdt_span *in, const char *any)
{
    if (in->n == 0 || strchr(any, in->p[0]) == NULL || in->p[0] == '\0')
        return false;
    in->p++;
    in->n--;
    return true;
}

bool
rdt_text_bare(struct rdt_span text)
{
    if (rdt_span_is(text, "true") || rdt_span_is(text, "false"))
        return true;
    skip(&text, "-");
    if (text.n > 1 && text.p[0] == '0' && text.p[1] >= '0' && text.p[1] <= '9')
        return false; /* an account id "0123" must keep its zero */
    if (!digits(&text))
        return false;
    if (skip(&text, ".") && !digits(&text))
        return false;
    if (skip(&text, "eE")) {
        skip(&text, "+-");
        if (!digits(&text))
            return false;
    }
    return text.n == 0;
}

enum rdt_scalar
rdt_node_scalar_type(const struct rdt_node *node, double *number)
{
    double value = node->number;
    enum rdt_scalar type = node->type;
    if (type == RDT_UNTYPED && (node->quoted || !rdt_text_bare(node->text))) {
        type = RDT_TEXT;
    } else if (type == RDT_UNTYPED) {
        bool truth = rdt_span_is(node->text, "true");
        type = truth || rdt_span_is(node->text, "false") ? RDT_BOOL : RDT_NUMBER;
        value = type == RDT_BOOL ? truth : strtod((const char *)node->text.p, NULL);
    }
    if (number != NULL)
        *number = type == RDT_TEXT ? 0 : value;
    return type;
}

double
rdt_node_number(const struct rdt_node *node, const char *path, double otherwise)
{
    double number = 0;
    node = rdt_node_get(node, path);
    if (node == NULL || node->kind != RDT_NODE_SCALAR ||
        rdt_node_scalar_type(node, &number) == RDT_TEXT)
        return otherwise;
    return number;
}

bool
rdt_node_true(const struct rdt_node *node, const char *path)
{
    node = rdt_node_get(node, path);
    double number = 0;
    return node != NULL && node->kind == RDT_NODE_SCALAR &&
           rdt_node_scalar_type(node, &number) == RDT_BOOL && number > 0;
}

static bool
merge_members(struct rdt_arena *arena, struct rdt_node *out, struct rdt_node *base,
              struct rdt_node *patch)
{
    for (size_t i = 0; i < base->n; i++) {
        const struct rdt_member *was = &base->members[i];
        const struct rdt_member *over = rdt_node_member(patch, was->key);
        if (over != NULL && over->node->kind == RDT_NODE_NULL)
            continue;
        struct rdt_node *node =
            over == NULL ? was->node : rdt_node_merge(arena, was->node, over->node);
        if (!rdt_node_put(arena, out, was->key, over == NULL ? was->mark : over->mark, node))
            return false;
    }
    for (size_t i = 0; i < patch->n; i++) {
        const struct rdt_member *over = &patch->members[i];
        if (over->node->kind == RDT_NODE_NULL || rdt_node_member(base, over->key) != NULL)
            continue;
        /* RFC 7396: merging into nothing still drops the nulls inside */
        if (!rdt_node_put(arena, out, over->key, over->mark,
                          rdt_node_merge(arena, NULL, over->node)))
            return false;
    }
    return rdt_node_sort(arena, out);
}

struct rdt_node *
rdt_node_merge(struct rdt_arena *arena, struct rdt_node *base, struct rdt_node *patch)
{
    if (patch == NULL || patch->kind != RDT_NODE_MAP)
        return patch;
    struct rdt_node none = {.kind = RDT_NODE_MAP};
    struct rdt_node *out = rdt_node_new(arena, RDT_NODE_MAP, patch->mark);
    if (base == NULL || base->kind != RDT_NODE_MAP)
        base = &none;
    else if (out != NULL)
        out->mark = base->mark;
    if (out == NULL || !merge_members(arena, out, base, patch))
        return NULL;
    return out;
}

struct rdt_mark
rdt_node_find_mark(const struct rdt_node *node, const char *path)
{
    struct rdt_mark mark = node == NULL ? (struct rdt_mark){0} : node->mark;
    while (node != NULL && *path != '\0') {
        const struct rdt_member *member = rdt_node_member(node, next_key(&path));
        if (member == NULL)
            break;
        mark = member->mark;
        node = member->node;
    }
    return mark;
}
