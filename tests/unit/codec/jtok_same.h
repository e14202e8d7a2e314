/*
 * jtok_same.h - what codec/jtok.h and codec/json.h (jansson) say about one document has to be the
 * same, but for the differences that jtok.h names. For the test and the fuzz target.
 */
#ifndef RDT_TEST_JTOK_SAME_H
#define RDT_TEST_JTOK_SAME_H

#include "codec/json.h"
#include "codec/jtok.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Values and names of a tree, and how deep it goes. */
static inline void
jtok_measure(const struct rdt_node *node, size_t depth, size_t *n, size_t *deepest)
{
    bool list = node->kind == RDT_NODE_LIST || node->kind == RDT_NODE_MAP;
    (*n)++;
    if (list && depth + 1 > *deepest)
        *deepest = depth + 1;
    for (size_t i = 0; list && i < node->n; i++) {
        *n += node->kind == RDT_NODE_MAP;
        jtok_measure(node->members[i].node, depth + 1, n, deepest);
    }
}

static inline bool
jtok_number_same(const struct rdt_jdoc *doc, uint32_t tok, const char *text)
{
    char own[512];
    int64_t v;
    struct rdt_span digits = rdt_jspan(doc, tok);
    if (rdt_jint(doc, tok, &v)) {
        snprintf(own, sizeof own, "%lld", (long long)v);
        return rdt_span_is(rdt_span_str(own), text);
    }
    if (digits.n >= sizeof own)
        return true;
    snprintf(own, sizeof own, "%.*s", RDT_FMT(digits));
    return strtod(own, NULL) == strtod(text, NULL);
}

/* Whether some number is one that jansson does not hold. */
static inline bool
jtok_has_big_number(const struct rdt_jdoc *doc)
{
    for (uint32_t i = 0; i < doc->n; i++) {
        char own[512];
        int64_t v;
        struct rdt_span digits = rdt_jspan(doc, i);
        if (doc->tok[i].type != RDT_J_NUMBER || rdt_jint(doc, i, &v))
            continue;
        if (digits.n >= sizeof own)
            return true;
        snprintf(own, sizeof own, "%.*s", RDT_FMT(digits));
        if (own[strcspn(own, ".eE")] == '\0' || isinf(strtod(own, NULL)))
            return true;
    }
    return false;
}

static inline bool jtok_value_same(const struct rdt_jdoc *doc, uint32_t tok,
                                   const struct rdt_node *node);

static inline bool
jtok_items_same(const struct rdt_jdoc *doc, uint32_t tok, const struct rdt_node *node)
{
    bool map = node->kind == RDT_NODE_MAP;
    uint32_t at = tok + 1;
    if (doc->tok[tok].type != (map ? RDT_J_OBJECT : RDT_J_ARRAY) || doc->tok[tok].count != node->n)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_node *item = node->members[i].node;
        if (map) {
            const struct rdt_member *member = rdt_node_member(node, rdt_jspan(doc, at));
            if (member == NULL || doc->tok[at].type != RDT_J_STRING || doc->tok[at].next != at + 1)
                return false;
            item = member->node;
            uint32_t found = rdt_jget(doc, tok, (const char *)member->key.p);
            if (found != (item->kind == RDT_NODE_NULL ? 0 : at + 1))
                return false;
            at++;
        }
        if (!jtok_value_same(doc, at, item))
            return false;
        at = doc->tok[at].next;
    }
    return at == doc->tok[tok].next;
}

static inline bool
jtok_value_same(const struct rdt_jdoc *doc, uint32_t tok, const struct rdt_node *node)
{
    if (tok >= doc->n)
        return false;
    switch (doc->tok[tok].type) {
    case RDT_J_NULL:
        return node->kind == RDT_NODE_NULL;
    case RDT_J_TRUE:
        return !node->quoted && rdt_node_is(node, "true");
    case RDT_J_FALSE:
        return !node->quoted && rdt_node_is(node, "false");
    case RDT_J_STRING:
        return node->kind == RDT_NODE_SCALAR && node->quoted &&
               rdt_span_eq(rdt_jspan(doc, tok), node->text);
    case RDT_J_NUMBER:
        return node->kind == RDT_NODE_SCALAR && !node->quoted &&
               jtok_number_same(doc, tok, (const char *)node->text.p);
    default:
        return (node->kind == RDT_NODE_LIST || node->kind == RDT_NODE_MAP) &&
               jtok_items_same(doc, tok, node);
    }
}

/* Both read it to the same values, or both refuse it, or the difference is one that is meant. */
static inline bool
jtok_same(struct rdt_span bytes, bool *accepted)
{
    static struct rdt_jdoc doc;
    struct rdt_arena arena = {0};
    struct rdt_node *root = NULL;
    size_t n = 0, deepest = 0;
    uint8_t *copy = malloc(bytes.n == 0 ? 1 : bytes.n);
    if (copy == NULL)
        abort();
    if (bytes.n != 0)
        memcpy(copy, bytes.p, bytes.n);
    bool ours = *accepted = rdt_jscan(copy, bytes.n, &doc), same;
    bool theirs = rdt_json_parse("same.json", bytes, &arena, &root, NULL) == RDT_OK;
    if (theirs)
        jtok_measure(root, 0, &n, &deepest);
    bool fits = n <= RDT_JTOK_MAX && deepest <= RDT_JTOK_DEPTH_MAX;
    if (ours && theirs)
        same = fits && doc.n == n && jtok_value_same(&doc, 0, root);
    else
        same = ours ? jtok_has_big_number(&doc) : doc.n == 0 && (!theirs || !fits);
    rdt_arena_done(&arena);
    free(copy);
    return same;
}

#endif
