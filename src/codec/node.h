/*
 * node.h - a document as a tree: maps, lists and scalars, each with the place it was written at.
 * YAML and JSON both come in as this. Scalars are untyped text; whoever reads them gives the type
 * (a plan's schema), so that no YAML tag rule can change a meaning.
 *
 * All of a tree lives in one arena and is read-only once made; threads may share it then.
 */
#ifndef RDT_CODEC_NODE_H
#define RDT_CODEC_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

enum rdt_node_kind { RDT_NODE_NULL, RDT_NODE_SCALAR, RDT_NODE_LIST, RDT_NODE_MAP };

/* What a scalar is, once somebody who knows its place has said so. */
enum rdt_scalar {
    RDT_UNTYPED, /* nobody has: bare JSON numbers and truth values count as such, the rest is text
                  */
    RDT_TEXT,
    RDT_BOOL, /* number is 0 or 1 */
    RDT_NUMBER,
    RDT_DATE,    /* number is days since 1970-01-01 */
    RDT_DURATION /* number is days */
};

struct rdt_node;

struct rdt_member {
    struct rdt_span key;   /* NUL-terminated; empty in a list */
    struct rdt_mark mark;  /* of the key; of the item in a list */
    struct rdt_node *node; /* never NULL */
};

struct rdt_node {
    enum rdt_node_kind kind;
    bool quoted;                /* a scalar written in quotes */
    enum rdt_scalar type;       /* a scalar's type */
    double number;              /* a scalar's value, unless it is text */
    struct rdt_mark mark;       /* of the value */
    struct rdt_span text;       /* scalar: its text, NUL-terminated, UTF-8 without NUL */
    struct rdt_member *members; /* map, list: in the order written */
    size_t n, cap;
    uint32_t *order; /* map: members by key, made on the first look-up in a big map */
};

/* rdt_node_new - an empty node of a kind; NULL when out of memory. */
struct rdt_node *rdt_node_new(struct rdt_arena *arena, enum rdt_node_kind kind,
                              struct rdt_mark mark);

/* rdt_node_scalar - a scalar with a copy of the text; NULL when out of memory. */
struct rdt_node *rdt_node_scalar(struct rdt_arena *arena, struct rdt_span text,
                                 struct rdt_mark mark);

/*
 * rdt_node_add - append to a map (key copied) or a list (key ignored).  A key that is there
 * already is not looked for: the caller knows.  False when out of memory or value is NULL.
 */
RDT_MUST_CHECK bool rdt_node_add(struct rdt_arena *arena, struct rdt_node *parent,
                                 struct rdt_span key, struct rdt_mark mark, struct rdt_node *value);

/*
 * rdt_node_put - as rdt_node_add(), but the key is borrowed: NUL-terminated, and alive as long as
 * the tree, as the keys of another tree in the same arena are.
 */
RDT_MUST_CHECK bool rdt_node_put(struct rdt_arena *arena, struct rdt_node *parent,
                                 struct rdt_span key, struct rdt_mark mark, struct rdt_node *value);

/* rdt_node_sort - make a map's index, so that look-ups are fast and the tree may be shared. */
RDT_MUST_CHECK bool rdt_node_sort(struct rdt_arena *arena, struct rdt_node *map);

/* rdt_node_member - a map's member by key, or NULL (also when node is NULL or no map). */
const struct rdt_member *rdt_node_member(const struct rdt_node *node, struct rdt_span key);

/* rdt_node_get - follow a path of keys ("at_rest.volume.key") through maps; NULL where it ends. */
const struct rdt_node *rdt_node_get(const struct rdt_node *node, const char *path);

/* rdt_node_text - a scalar's text, borrowed; NULL for NULL and for anything but a scalar. */
const char *rdt_node_text(const struct rdt_node *node);

/* rdt_node_str - rdt_node_text() of rdt_node_get(). */
const char *rdt_node_str(const struct rdt_node *node, const char *path);

/* rdt_node_is - whether the node is a scalar with exactly this text. */
bool rdt_node_is(const struct rdt_node *node, const char *text);

/*
 * rdt_node_scalar_type - the type of a scalar, never RDT_UNTYPED, and its number (0 for text).
 * number may be NULL.
 */
enum rdt_scalar rdt_node_scalar_type(const struct rdt_node *node, double *number);

/* rdt_node_number - the number (days, 0 or 1) at a path, or otherwise when there is none. */
double rdt_node_number(const struct rdt_node *node, const char *path, double otherwise);

/* rdt_node_true - whether a truth value stands at the path and is true. */
bool rdt_node_true(const struct rdt_node *node, const char *path);

/* rdt_text_bare - whether text is a JSON number, true or false, so that it may stand unquoted. */
bool rdt_text_bare(struct rdt_span text);

/*
 * rdt_node_merge - RFC 7396: patch over base; null removes; lists are replaced whole.  The result
 * shares nodes with both and keeps each value's own mark.  NULL when out of memory.
 */
struct rdt_node *rdt_node_merge(struct rdt_arena *arena, struct rdt_node *base,
                                struct rdt_node *patch);

/*
 * rdt_node_find_mark - the place of the deepest part of a path that exists: where a person has to
 * look to change it.
 */
struct rdt_mark rdt_node_find_mark(const struct rdt_node *node, const char *path);

#endif
