/*
 * evidence.h - observations: typed facts about one subject, with the raw answer they were read
 * from, the time and the collector. A probe makes them, rules judge them, reports show them.
 *
 * A fact that could not be read is an observation too, with its reason: it makes a verdict
 * `unknown`. No observation at all makes it `unobserved`.
 */
#ifndef RDT_EVIDENCE_EVIDENCE_H
#define RDT_EVIDENCE_EVIDENCE_H

#include "base/err.h"
#include "codec/node.h"

#define RDT_RAW_MAX ((size_t)16 * 1024) /* bytes of a raw answer that are kept; the rest is cut */
#define RDT_SHA256_TEXT 65              /* lower-case hexadecimal and its NUL */

struct rdt_observation {
    const char *subject;          /* "stores.db" */
    const char *fact;             /* "pg.plaintext" */
    const char *collector;        /* "pg/1": probe and its version */
    const char *unknown;          /* why it could not be read; NULL where value is set */
    const struct rdt_node *value; /* scalars: text is quoted, numbers and true/false are not */
    const char *raw;              /* scrubbed question and answer, as text */
    int64_t time;                 /* seconds since 1970 */
    char sha256[RDT_SHA256_TEXT]; /* of raw */
};

/* A growing list of observations that owns their memory. One thread at a time; {0} is empty. */
struct rdt_evidence {
    struct rdt_arena arena;
    struct rdt_observation *items;
    size_t n, cap;
    const char *collector; /* of what is recorded next */
};

/*
 * rdt_evidence_fact - record a fact.  Strings and raw are copied, value must live in
 * evidence->arena, and its texts are scrubbed in place.  raw is scrubbed, cut to RDT_RAW_MAX and
 * hashed here.
 * Fails: RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_evidence_fact(struct rdt_evidence *evidence, const char *subject,
                                               const char *fact, struct rdt_node *value,
                                               struct rdt_span raw);

/* rdt_evidence_unknown - record that a fact could not be read, and why.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_evidence_unknown(struct rdt_evidence *evidence,
                                                  const char *subject, const char *fact,
                                                  const char *why, struct rdt_span raw);

/* rdt_evidence_collector - name the collector ("pg/1") for what is recorded next; static string. */
void rdt_evidence_collector(struct rdt_evidence *evidence, const char *name);

/* rdt_evidence_move - append all of from to into, and leave from empty.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_evidence_move(struct rdt_evidence *into,
                                               struct rdt_evidence *from);

/* rdt_evidence_find - the newest observation of a fact about a subject, or NULL. */
const struct rdt_observation *rdt_evidence_find(const struct rdt_evidence *evidence,
                                                const char *subject, const char *fact);

/* rdt_evidence_done - free everything.  Also the closer for RDT_AUTO. */
void rdt_evidence_done(struct rdt_evidence *evidence);

/*
 * rdt_value_map, rdt_value_list, rdt_value_text, rdt_value_int, rdt_value_bool - build values: each
 * returns the new node inside a map (key given) or a list (key NULL), or NULL when out of memory; a
 * NULL parent gives NULL, so that a chain is checked once at its end.
 */
struct rdt_node *rdt_value_map(struct rdt_arena *arena, struct rdt_node *parent, const char *key);
struct rdt_node *rdt_value_list(struct rdt_arena *arena, struct rdt_node *parent, const char *key);
struct rdt_node *rdt_value_text(struct rdt_arena *arena, struct rdt_node *parent, const char *key,
                                const char *text);
struct rdt_node *rdt_value_int(struct rdt_arena *arena, struct rdt_node *parent, const char *key,
                               int64_t number);
struct rdt_node *rdt_value_bool(struct rdt_arena *arena, struct rdt_node *parent, const char *key,
                                bool yes);

#endif
