/*
 * view.c - reads, of what is published and of what a transaction makes of it.
 */
#include "kms/state_internal.h"

#define VERSION_ID_LEN 20 /* key | u32 number, highest byte first */

/* What the transaction of a view holds of an id; false when it left it alone. */
static bool
staged(struct rdt_view view, enum rdt_kind kind, uint64_t hash, struct rdt_span id,
       struct rdt_held **row)
{
    const struct rdt_staged *own = view.tx == NULL ? NULL : rdt_tx_staged(view.tx, kind, hash, id);
    if (own != NULL)
        *row = own->row;
    return own != NULL;
}

const void *
rdt_view_get(struct rdt_view view, enum rdt_kind kind, struct rdt_span id)
{
    struct rdt_held *row;
    if ((size_t)kind >= RDT_KIND_END)
        return NULL;
    uint64_t hash = rdt_index_hash(view.state->hash_key, id);
    if (!staged(view, kind, hash, id, &row))
        row = rdt_state_held(view.state, kind, hash, id);
    return row == NULL ? NULL : rdt_held_object(row);
}

/* The first of both that comes after id; own: it is of the transaction. */
static struct rdt_index_node *
after(struct rdt_view view, enum rdt_kind kind, struct rdt_span id, bool *own)
{
    uint64_t hash = rdt_index_hash(view.state->hash_key, id);
    struct rdt_index_node *old = rdt_index_after(&view.state->kinds[kind], hash, id);
    struct rdt_index_node *new = NULL;
    if (view.tx != NULL)
        new = rdt_index_after(&view.tx->kinds[kind], hash, id);
    *own = new != NULL && (old == NULL || rdt_span_cmp(rdt_index_id(new), rdt_index_id(old)) <= 0);
    return *own ? new : old;
}

const void *
rdt_view_next(struct rdt_view view, enum rdt_kind kind, struct rdt_span past, struct rdt_span *id)
{
    if ((size_t)kind >= RDT_KIND_END)
        return NULL;
    for (;;) {
        bool own;
        struct rdt_index_node *node = after(view, kind, past, &own);
        if (node == NULL)
            return NULL;
        struct rdt_held *row = own ? rdt_staged_of(node)->row : rdt_held_of(node);
        past = rdt_index_id(node);
        if (row != NULL) {
            *id = past;
            return rdt_held_object(row);
        }
    }
}

uint64_t
rdt_view_revision(struct rdt_view view, enum rdt_kind kind, struct rdt_span id)
{
    if ((size_t)kind >= RDT_KIND_END)
        return 0;
    uint64_t hash = rdt_index_hash(view.state->hash_key, id);
    const struct rdt_staged *own = view.tx == NULL ? NULL : rdt_tx_staged(view.tx, kind, hash, id);
    const struct rdt_held *row =
        own != NULL ? own->row : rdt_state_held(view.state, kind, hash, id);
    return row == NULL || (own != NULL && own->dirty) ? 0 : row->revision;
}

const struct rdt_site *
rdt_view_site(struct rdt_view view)
{
    return rdt_view_get(view, RDT_KIND_SITE, rdt_span_str("site"));
}

const struct rdt_key *
rdt_view_key(struct rdt_view view, const uint8_t id[static 16])
{
    return rdt_view_get(view, RDT_KIND_KEY, (struct rdt_span){id, 16});
}

static void
version_id(const uint8_t key[static 16], uint32_t number, uint8_t out[static VERSION_ID_LEN])
{
    memcpy(out, key, 16);
    for (size_t i = 0; i < 4; i++)
        out[16 + i] = (uint8_t)(number >> (24 - 8 * i));
}

const struct rdt_version *
rdt_view_version(struct rdt_view view, const uint8_t key[static 16], uint32_t number)
{
    uint8_t id[VERSION_ID_LEN];
    version_id(key, number, id);
    return rdt_view_get(view, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
}

const struct rdt_version *
rdt_view_version_after(struct rdt_view view, const uint8_t key[static 16], uint32_t number)
{
    uint8_t id[VERSION_ID_LEN];
    struct rdt_span at = {id, sizeof id};
    version_id(key, number, id);
    const struct rdt_version *version = rdt_view_next(view, RDT_KIND_VERSION, at, &at);
    bool same = version != NULL &&
                rdt_span_eq((struct rdt_span){version->key, 16}, (struct rdt_span){key, 16});
    return same ? version : NULL;
}

const struct rdt_principal *
rdt_view_principal(struct rdt_view view, const uint8_t id[static 16])
{
    return rdt_view_get(view, RDT_KIND_PRINCIPAL, (struct rdt_span){id, 16});
}

const struct rdt_key_alias *
rdt_view_key_alias(struct rdt_view view, const uint8_t key[static 16], struct rdt_span *id)
{
    struct rdt_span of = {key, 16}, after = id->n == 0 ? of : *id; /* no alias has an empty name */
    const struct rdt_key_alias *row = rdt_view_next(view, RDT_KIND_KEY_ALIAS, after, id);
    return row != NULL && rdt_span_eq((struct rdt_span){row->key, 16}, of) ? row : NULL;
}
