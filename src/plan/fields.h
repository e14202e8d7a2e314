/*
 * fields.h - the plan's format as one table: every field with its type, its words and what it is
 * for. The loader, the JSON Schema and `plan init` are made from it.
 *
 * Source: PLAN-FORMAT section 1.
 */
#ifndef RDT_PLAN_FIELDS_H
#define RDT_PLAN_FIELDS_H

#include "plan/plan.h"

enum rdt_field_type {
    RDT_T_TEXT, /* free text, not empty; what YAML reads as a number or truth value is refused */
    RDT_T_ONE,  /* the number 1 (the format's version) */
    RDT_T_BOOL, /* true, false */
    RDT_T_INT,  /* whole number, min..max */
    RDT_T_DATE, /* 2026-11-24 */
    RDT_T_DURATION, /* 90d, 24h, 2w, 1y */
    RDT_T_SHA256,   /* 64 hexadecimal digits */
    RDT_T_WORD,     /* one of words */
    RDT_T_REF,      /* an id of one of the sections, or one of words (built in) */
    RDT_T_SECRET,   /* env:NAME or file:PATH, never the secret itself */
    RDT_T_LIST,     /* of item */
    RDT_T_OBJECT,   /* with the fields of shape */
    RDT_T_MAP,      /* key -> item; keys as key_type says */
    RDT_T_PATCH     /* RFC 7396 patch over the whole plan */
};

/* What the keys of a map look like. */
enum rdt_key_type {
    RDT_K_ID,          /* ^[a-z][a-z0-9-]{0,62}$ */
    RDT_K_EXCEPTION,   /* EX-n */
    RDT_K_ATTESTATION, /* AT-n */
    RDT_K_LEVEL,       /* critical, high, medium, low */
    RDT_K_RULE         /* a rule's id */
};

enum rdt_field_flags {
    RDT_F_REQUIRED = 1,
    RDT_F_LIKE = 2,      /* a map whose entries may say `like: other` */
    RDT_F_EXACTLY_1 = 4, /* an object with exactly one of its fields (companions not counted) */
    RDT_F_COMPANION = 8, /* a field that only stands beside another */
    RDT_F_PIECE = 16     /* may stand in an included file */
};

struct rdt_shape;

struct rdt_field {
    const char *name;
    enum rdt_field_type type;
    unsigned flags;
    const char *help;              /* one sentence; editors show it */
    const char *const *words;      /* WORD, REF: NULL-terminated */
    unsigned sections;             /* REF: bits 1 << enum rdt_section */
    const struct rdt_field *item;  /* LIST, MAP */
    const struct rdt_shape *shape; /* OBJECT */
    enum rdt_key_type keys;        /* MAP */
    int64_t min, max;              /* INT */
};

struct rdt_shape {
    const char *name; /* "store": for messages and the schema's $defs */
    const struct rdt_field *fields;
    size_t n;
};

extern const struct rdt_shape rdt_plan_shape;    /* redoubt.yaml */
extern const struct rdt_shape rdt_targets_shape; /* targets/ENV.yaml */

/* rdt_shape_field - a field of a shape by its name, or NULL. */
const struct rdt_field *rdt_shape_field(const struct rdt_shape *shape, struct rdt_span name);

/* rdt_shape_article - "a" or "an", as the shape's name asks in a sentence. */
const char *rdt_shape_article(const struct rdt_shape *shape);

#endif
