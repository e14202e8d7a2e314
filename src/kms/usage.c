/*
 * What versions were used for. Each thread counts for itself and the writer collects, so a data
 * call touches no row. Counters help a human; they never make a version destroyable.
 */
#include "kms/call_internal.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 4096 /* versions that one thread counts between two collections */

struct slot {
    uint8_t key[16];
    uint32_t version; /* 0: free */
    bool refused;
    uint64_t wraps, unwraps;
    int64_t last_ms;
    uint8_t request[16];
    const char *operation;
};

struct usage {
    pthread_mutex_t lock;
    size_t n;
    uint64_t lost; /* counts that found no slot */
    struct slot slots[SLOTS];
};

struct usage *
rdt_usage_new(void)
{
    struct usage *usage = calloc(1, sizeof *usage);
    if (usage != NULL)
        pthread_mutex_init(&usage->lock, NULL);
    return usage;
}

void
rdt_usage_free(struct usage *usage)
{
    if (usage == NULL)
        return;
    pthread_mutex_destroy(&usage->lock);
    free(usage);
}

/* Key ids are random: their first bytes are as good as a hash. NULL: full. */
static struct slot *
slot_of(struct usage *usage, const struct rdt_version *version)
{
    uint32_t at;
    memcpy(&at, version->key, sizeof at);
    at += version->number;
    for (size_t i = 0; i < SLOTS; i++, at++) {
        struct slot *slot = &usage->slots[at % SLOTS];
        if (slot->version == 0) {
            if (usage->n > SLOTS / 4 * 3)
                break;
            usage->n++;
            memcpy(slot->key, version->key, sizeof slot->key);
            slot->version = version->number;
            return slot;
        }
        if (slot->version == version->number &&
            rdt_span_eq((struct rdt_span){slot->key, 16}, (struct rdt_span){version->key, 16}))
            return slot;
    }
    usage->lost++;
    return NULL;
}

void
rdt_usage_count(struct usage *usage, const struct rdt_call *call, const struct rdt_version *version,
                bool wrap)
{
    pthread_mutex_lock(&usage->lock);
    struct slot *slot = slot_of(usage, version);
    if (slot != NULL) {
        slot->wraps += wrap;
        slot->unwraps += !wrap;
        slot->last_ms = call->request->now_ms;
        slot->operation = call->op->name;
        memcpy(slot->request, call->request->id, sizeof slot->request);
    }
    pthread_mutex_unlock(&usage->lock);
}

void
rdt_usage_refused(struct usage *usage, const struct rdt_version *version)
{
    pthread_mutex_lock(&usage->lock);
    struct slot *slot = slot_of(usage, version);
    if (slot != NULL)
        slot->refused = true;
    pthread_mutex_unlock(&usage->lock);
}

/* One refused use returns a quiesced version to draining: SECURITY-DESIGN section 6. */
static void
back_to_draining(struct rdt_tx *tx, struct rdt_span id, int64_t now_ms)
{
    struct rdt_version *version = rdt_tx_edit(tx, RDT_KIND_VERSION, id);
    if (version == NULL || version->state != RDT_VERSION_QUIESCED)
        return;
    version->state = RDT_VERSION_DRAINING;
    version->state_ms = now_ms;
    version->credited_s = 0;
    version->refused_ms = now_ms;
}

static void
collect(struct rdt_tx *tx, const struct slot *slot, int64_t now_ms)
{
    uint8_t id[20];
    memcpy(id, slot->key, 16);
    for (size_t i = 0; i < 4; i++)
        id[16 + i] = (uint8_t)(slot->version >> (24 - 8 * i));
    struct rdt_span span = {id, sizeof id};
    if (slot->refused)
        back_to_draining(tx, span, now_ms);
    if (slot->wraps + slot->unwraps == 0)
        return;
    struct rdt_usage *row = rdt_tx_edit(tx, RDT_KIND_USAGE, span);
    if (row == NULL) {
        row = rdt_tx_add(tx, RDT_KIND_USAGE, span);
        if (row == NULL)
            return;
        memcpy(row->key, slot->key, sizeof row->key);
        row->version = slot->version;
        row->tracking_ms = slot->last_ms;
    }
    row->wraps += slot->wraps;
    row->unwraps += slot->unwraps;
    if (slot->last_ms >= row->last_ms) {
        row->last_ms = slot->last_ms;
        memcpy(row->last_request, slot->request, sizeof row->last_request);
        (void)rdt_text_set(&row->last_operation, rdt_span_str(slot->operation));
    }
}

void
rdt_usage_collect(struct usage *usage, struct rdt_tx *tx, int64_t now_ms)
{
    pthread_mutex_lock(&usage->lock);
    for (size_t i = 0; usage->n != 0 && i < SLOTS; i++)
        if (usage->slots[i].version != 0)
            collect(tx, &usage->slots[i], now_ms);
    if (usage->n != 0)
        memset(usage->slots, 0, sizeof usage->slots);
    usage->n = 0;
    pthread_mutex_unlock(&usage->lock);
}
