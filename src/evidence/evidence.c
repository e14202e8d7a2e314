#include "evidence/evidence.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "evidence/scrub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ITEMS 16
#define CUT_MARK "\n[cut]"

_Static_assert(RDT_SHA256_TEXT == 2 * RDT_SHA256_LEN + 1, "a digest fits");

static bool
reserve(struct rdt_evidence *evidence, size_t n)
{
    size_t cap = evidence->cap == 0 ? FIRST_ITEMS : evidence->cap;
    while (cap < n)
        cap *= 2;
    if (cap == evidence->cap)
        return true;
    struct rdt_observation *items = reallocarray(evidence->items, cap, sizeof *items);
    if (items == NULL)
        return false;
    evidence->items = items;
    evidence->cap = cap;
    return true;
}

/* Scrubbed first and cut after it: half a secret would no longer look like one. */
static const char *
keep_raw(struct rdt_arena *arena, struct rdt_span raw)
{
    RDT_BUF clean = {0};
    rdt_scrub(raw, &clean);
    if (!rdt_buf_ok(&clean))
        return NULL;
    struct rdt_span kept = rdt_buf_span(&clean);
    if (kept.n <= RDT_RAW_MAX)
        return rdt_arena_str(arena, kept);
    kept.n = RDT_RAW_MAX - (sizeof CUT_MARK - 1);
    while (kept.n > 0 && (kept.p[kept.n] & 0xC0) == 0x80)
        kept.n--; /* never inside a character */
    return rdt_arena_fmt(arena, "%.*s" CUT_MARK, RDT_FMT(kept));
}

/* Texts in a value may be a server's words too: a name in a certificate, a path. What a probe made
 * of them (numbers, truth, its own words) comes through as it is. */
static bool
scrub_value(struct rdt_arena *arena, struct rdt_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        if (!scrub_value(arena, node->members[i].node))
            return false;
    }
    if (node->kind != RDT_NODE_SCALAR || !node->quoted)
        return true;
    RDT_BUF clean = {0};
    rdt_scrub(node->text, &clean);
    if (!rdt_buf_ok(&clean))
        return false;
    const char *text = rdt_arena_str(arena, rdt_buf_span(&clean));
    if (text != NULL)
        node->text = rdt_span_str(text);
    return text != NULL;
}

static enum rdt_code
record(struct rdt_evidence *evidence, struct rdt_observation made, struct rdt_span raw)
{
    struct rdt_arena *arena = &evidence->arena;
    made.subject = rdt_arena_str(arena, rdt_span_str(made.subject));
    made.fact = rdt_arena_str(arena, rdt_span_str(made.fact));
    made.collector = evidence->collector == NULL ? "" : evidence->collector;
    made.time = rdt_now();
    made.raw = keep_raw(arena, raw);
    if (made.subject == NULL || made.fact == NULL || made.raw == NULL ||
        !reserve(evidence, evidence->n + 1))
        return RDT_E_NOMEM;
    enum rdt_code rc = rdt_sha256_text(rdt_span_str(made.raw), made.sha256, NULL);
    if (rc != RDT_OK)
        return rc;
    evidence->items[evidence->n++] = made;
    return RDT_OK;
}

enum rdt_code
rdt_evidence_fact(struct rdt_evidence *evidence, const char *subject, const char *fact,
                  struct rdt_node *value, struct rdt_span raw)
{
    if (value == NULL)
        return RDT_E_NOMEM; /* the chain that built it ran out */
    if (!scrub_value(&evidence->arena, value))
        return RDT_E_NOMEM;
    struct rdt_observation made = {.subject = subject, .fact = fact, .value = value};
    return record(evidence, made, raw);
}

enum rdt_code
rdt_evidence_unknown(struct rdt_evidence *evidence, const char *subject, const char *fact,
                     const char *why, struct rdt_span raw)
{
    /* the reason may quote a server's words, so it is scrubbed like what the server said */
    const char *clean = keep_raw(&evidence->arena, rdt_span_str(why));
    if (clean == NULL)
        return RDT_E_NOMEM;
    struct rdt_observation made = {.subject = subject, .fact = fact, .unknown = clean};
    return record(evidence, made, raw);
}

void
rdt_evidence_collector(struct rdt_evidence *evidence, const char *name)
{
    evidence->collector = name;
}

enum rdt_code
rdt_evidence_move(struct rdt_evidence *into, struct rdt_evidence *from)
{
    if (!reserve(into, into->n + from->n))
        return RDT_E_NOMEM;
    if (from->n != 0)
        memcpy(&into->items[into->n], from->items, from->n * sizeof *from->items);
    into->n += from->n;
    rdt_arena_join(&into->arena, &from->arena);
    rdt_evidence_done(from);
    return RDT_OK;
}

const struct rdt_observation *
rdt_evidence_find(const struct rdt_evidence *evidence, const char *subject, const char *fact)
{
    const struct rdt_observation *newest = NULL;
    for (size_t i = 0; i < evidence->n; i++) {
        const struct rdt_observation *item = &evidence->items[i];
        if (strcmp(item->fact, fact) != 0 || strcmp(item->subject, subject) != 0)
            continue;
        if (newest == NULL || item->time >= newest->time)
            newest = item;
    }
    return newest;
}

void
rdt_evidence_done(struct rdt_evidence *evidence)
{
    rdt_arena_done(&evidence->arena);
    free(evidence->items);
    *evidence = (struct rdt_evidence){0};
}

static struct rdt_node *
put(struct rdt_arena *arena, struct rdt_node *parent, const char *key, struct rdt_node *node)
{
    struct rdt_span name = rdt_span_str(key == NULL ? "" : key);
    if (parent == NULL || !rdt_node_add(arena, parent, name, (struct rdt_mark){0}, node))
        return NULL;
    return node;
}

static struct rdt_node *
put_scalar(struct rdt_arena *arena, struct rdt_node *parent, const char *key, const char *text)
{
    struct rdt_node *node = rdt_node_scalar(arena, rdt_span_str(text), (struct rdt_mark){0});
    return put(arena, parent, key, node);
}

struct rdt_node *
rdt_value_map(struct rdt_arena *arena, struct rdt_node *parent, const char *key)
{
    return put(arena, parent, key, rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0}));
}

struct rdt_node *
rdt_value_list(struct rdt_arena *arena, struct rdt_node *parent, const char *key)
{
    return put(arena, parent, key, rdt_node_new(arena, RDT_NODE_LIST, (struct rdt_mark){0}));
}

struct rdt_node *
rdt_value_text(struct rdt_arena *arena, struct rdt_node *parent, const char *key, const char *text)
{
    struct rdt_node *node = put_scalar(arena, parent, key, text);
    if (node != NULL)
        node->quoted = true;
    return node;
}

struct rdt_node *
rdt_value_int(struct rdt_arena *arena, struct rdt_node *parent, const char *key, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    return put_scalar(arena, parent, key, text);
}

struct rdt_node *
rdt_value_bool(struct rdt_arena *arena, struct rdt_node *parent, const char *key, bool yes)
{
    return put_scalar(arena, parent, key, yes ? "true" : "false");
}
