#include "seal/seal_internal.h"

#include "base/cursor.h"

#define BODY_CONTEXT "redoubt/rbf1" /* and its NUL, before the core's hash */
#define HEAD_LABEL "redoubt/rbf1/head"
#define BODY_LABEL "redoubt/rbf1/body"

bool
rdt_seal_derive(struct rdt_worker *worker, const struct rdt_secret *key, const char *label,
                struct rdt_span about, struct rdt_secret *out)
{
    static const uint8_t one[1] = {1};
    const struct rdt_span parts[] = {
        {(const uint8_t *)label, strlen(label) + 1},
        about,
        {one,                    sizeof one       },
    };
    return key->n == RDT_KEY_LEN && rdt_secret_new(out, RDT_KEY_LEN, NULL) == RDT_OK &&
           rdt_hmac_key(worker, key, parts, RDT_COUNT(parts), out) == RDT_OK;
}

/* Of a slot but its last 32 bytes. */
static bool
slot_mac(struct rdt_worker *worker, struct rdt_span core, const struct rdt_secret *file_key,
         struct rdt_span front, uint8_t out[static RDT_SHA256_LEN])
{
    RDT_SECRET key = {0};
    const struct rdt_span parts[] = {core, front};
    return rdt_seal_derive(worker, file_key, HEAD_LABEL, (struct rdt_span){NULL, 0}, &key) &&
           rdt_hmac(worker, &key, parts, RDT_COUNT(parts), out) == RDT_OK;
}

/* ---- to write ---- */

uint32_t
rdt_seal_slot_len(size_t stanzas_len)
{
    uint32_t len = RDT_SEAL_SLOT_LEN;
    if (stanzas_len > RDT_SEAL_SLOT_MAX - RDT_SEAL_SLOT_OVER)
        return 0;
    while (len < RDT_SEAL_SLOT_MAX && len - RDT_SEAL_SLOT_OVER < 2 * stanzas_len)
        len *= 2;
    return len;
}

static bool
slot_len_of(struct rdt_span core, uint32_t *out)
{
    struct rdt_span skipped;
    return core.n >= RDT_SEAL_FRONT_LEN && rdt_take(&core, 6, &skipped) && rdt_take_u32(&core, out);
}

enum rdt_seal_fault
rdt_seal_slot_make(struct rdt_worker *worker, struct rdt_span core,
                   const struct rdt_secret *file_key, uint64_t generation, struct rdt_span stanzas,
                   struct rdt_buf *out)
{
    static const uint8_t zeroes[RDT_SEAL_SLOT_MIN];
    uint8_t mac[RDT_SHA256_LEN];
    RDT_BUF slot = {0};
    uint32_t len;
    bool passphrase;
    if (generation == 0 || !slot_len_of(core, &len) || !rdt_seal_stanzas_fit(stanzas, &passphrase))
        return RDT_SEAL_USAGE;
    if (stanzas.n > len - RDT_SEAL_SLOT_OVER)
        return RDT_SEAL_LIMIT;
    rdt_buf_uint(&slot, generation, 8);
    rdt_buf_uint(&slot, stanzas.n, 4);
    rdt_buf_add(&slot, stanzas.p, stanzas.n);
    while (rdt_buf_ok(&slot) && slot.n < len - sizeof mac) {
        size_t left = len - sizeof mac - slot.n;
        rdt_buf_add(&slot, zeroes, left < sizeof zeroes ? left : sizeof zeroes);
    }
    if (!rdt_buf_ok(&slot) || !slot_mac(worker, core, file_key, rdt_buf_span(&slot), mac))
        return RDT_SEAL_INTERNAL;
    rdt_buf_add(&slot, mac, sizeof mac);
    size_t before = out->n;
    rdt_buf_add(out, slot.p, slot.n);
    if (rdt_buf_ok(&slot) && rdt_buf_ok(out))
        return RDT_SEAL_OK;
    out->n = before;
    return RDT_SEAL_INTERNAL;
}

/* ---- to find the key ---- */

static bool
same_slots(const struct rdt_seal_head *head)
{
    return rdt_span_eq(head->slots[0].bytes, head->slots[1].bytes);
}

/* The slot that is looked at as number n; false: there is no such slot. */
static bool
slot_in_turn(const struct rdt_seal_head *head, unsigned n, unsigned *slot)
{
    const struct rdt_seal_slot *s = head->slots;
    unsigned first = s[1].readable && (!s[0].readable || s[1].generation > s[0].generation);
    *slot = n == 0 ? first : 1 - first;
    return n == 0 || (n == 1 && s[*slot].readable && !same_slots(head));
}

bool
rdt_seal_next(const struct rdt_seal_head *head, struct rdt_seal_at *at, struct rdt_seal_stanza *out)
{
    for (;;) {
        while (rdt_seal_stanza_next(&at->left, out))
            if (rdt_seal_kind_known(out->kind))
                return true;
        if (!slot_in_turn(head, at->tried, &at->slot))
            return false;
        at->left = head->slots[at->slot].stanzas;
        at->tried++;
    }
}

static enum rdt_seal_fault
verify(struct rdt_worker *worker, const struct rdt_seal_head *head, unsigned slot,
       const struct rdt_secret *file_key)
{
    const struct rdt_seal_slot *s = &head->slots[slot];
    uint8_t mac[RDT_SHA256_LEN];
    struct rdt_span front = {s->bytes.p, s->bytes.n - sizeof mac};
    if (!s->readable)
        return RDT_SEAL_KEY;
    if (!slot_mac(worker, head->core, file_key, front, mac))
        return RDT_SEAL_INTERNAL;
    return rdt_same((struct rdt_span){mac, sizeof mac},
                    (struct rdt_span){s->bytes.p + front.n, sizeof mac})
               ? RDT_SEAL_OK
               : RDT_SEAL_KEY;
}

enum rdt_seal_fault
rdt_seal_unlock(struct rdt_worker *worker, const struct rdt_seal_head *head,
                const struct rdt_seal_at *at, const struct rdt_secret *file_key, uint64_t oldest)
{
    const struct rdt_seal_slot *mine = &head->slots[at->slot], *other = &head->slots[1 - at->slot];
    if (file_key->n != RDT_KEY_LEN)
        return RDT_SEAL_KEY;
    enum rdt_seal_fault fault = verify(worker, head, at->slot, file_key);
    if (fault != RDT_SEAL_OK)
        return fault;
    fault = verify(worker, head, 1 - at->slot, file_key);
    if (fault == RDT_SEAL_INTERNAL)
        return fault;
    if (fault == RDT_SEAL_OK && other->generation > mine->generation)
        return RDT_SEAL_REMOVED;
    if (fault == RDT_SEAL_OK && other->generation == mine->generation && !same_slots(head))
        return RDT_SEAL_SLOTS;
    return mine->generation < oldest ? RDT_SEAL_ROLLBACK : RDT_SEAL_OK;
}

enum rdt_seal_fault
rdt_seal_reseal(struct rdt_worker *worker, const struct rdt_seal_head *head,
                const struct rdt_seal_at *at, const struct rdt_secret *file_key,
                struct rdt_span stanzas, struct rdt_seal_change *out)
{
    uint64_t generation = head->slots[at->slot].generation;
    if (generation == UINT64_MAX)
        return RDT_SEAL_LIMIT;
    out->generation = generation + 1;
    out->at[0] = rdt_seal_slot_at(head, 1 - at->slot);
    out->at[1] = rdt_seal_slot_at(head, at->slot);
    return rdt_seal_slot_make(worker, head->core, file_key, out->generation, stanzas, &out->slot);
}

/* ---- the body ---- */

/* What the chunks are bound to, and their key. */
static bool
body_key(struct rdt_worker *worker, struct rdt_span core, const struct rdt_secret *file_key,
         uint8_t context[static sizeof BODY_CONTEXT + RDT_SHA256_LEN], struct rdt_secret *key)
{
    memcpy(context, BODY_CONTEXT, sizeof BODY_CONTEXT);
    return rdt_digest(worker, &core, 1, context + sizeof BODY_CONTEXT, NULL) == RDT_OK &&
           rdt_seal_derive(worker, file_key, BODY_LABEL, (struct rdt_span){NULL, 0}, key);
}

enum rdt_seal_fault
rdt_seal_body_new(struct rdt_worker *worker, struct rdt_span core,
                  const struct rdt_secret *file_key, uint8_t front[static RDT_CHUNK_FRONT_LEN],
                  struct rdt_chunks **out)
{
    RDT_SECRET key = {0};
    uint8_t context[sizeof BODY_CONTEXT + RDT_SHA256_LEN];
    bool ok = body_key(worker, core, file_key, context, &key) &&
              rdt_random(worker, front, RDT_CHUNK_SALT_LEN, NULL) == RDT_OK &&
              rdt_chunks_new(worker, &key, (struct rdt_span){context, sizeof context}, front,
                             out) == RDT_OK;
    return ok ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

enum rdt_seal_fault
rdt_seal_body_open(struct rdt_worker *worker, struct rdt_span core,
                   const struct rdt_secret *file_key, struct rdt_span front,
                   struct rdt_chunks **out)
{
    RDT_SECRET key = {0};
    uint8_t context[sizeof BODY_CONTEXT + RDT_SHA256_LEN];
    if (front.n < RDT_CHUNK_FRONT_LEN)
        return RDT_SEAL_INCOMPLETE;
    if (!body_key(worker, core, file_key, context, &key))
        return RDT_SEAL_INTERNAL;
    enum rdt_code rc =
        rdt_chunks_open(worker, &key, (struct rdt_span){context, sizeof context}, front, out);
    if (rc == RDT_OK)
        return RDT_SEAL_OK;
    return rc == RDT_E_TAMPERED ? RDT_SEAL_WRONG_BODY : RDT_SEAL_INTERNAL;
}
