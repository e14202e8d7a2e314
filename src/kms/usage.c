/*
 * What versions were used for. Each thread counts for itself and the writer collects, so a data
 * call touches no row. Counters help a human; they never make a version destroyable.
 */
#include "kms/call_internal.h"
#include "kms/life_internal.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 4096           /* versions that one thread counts between two collections */
#define FULL (SLOTS / 4 * 3) /* beyond, only what moves a version back finds a place */

struct slot {
    uint8_t key[16];
    uint32_t version; /* 0: the key as a whole */
    bool used, refused;
    uint64_t wraps, unwraps;
    int64_t last_ms;
    uint8_t request[16];
    const char *operation;
};

struct table {
    size_t n;
    struct slot slots[SLOTS];
};

/*
 * What is counted is taken when it goes into a commit, and given up when that commit is durable: a
 * commit that fails loses nothing, above all no refused use.
 */
struct usage {
    pthread_mutex_t lock;
    uint64_t lost;                 /* counts that found no slot */
    bool refused_lost, taken_lost; /* so did a refused use: all waiting begins anew */
    struct table live, taken;
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

/* Key ids are random: their first bytes are as good as a hash. NULL: more than `most` are there. */
static struct slot *
slot_of(struct table *table, const uint8_t key[static 16], uint32_t version, size_t most)
{
    uint32_t at;
    memcpy(&at, key, sizeof at);
    at += version;
    for (size_t i = 0; i < SLOTS; i++, at++) {
        struct slot *slot = &table->slots[at % SLOTS];
        if (!slot->used) {
            if (table->n >= most)
                return NULL;
            table->n++;
            memcpy(slot->key, key, sizeof slot->key);
            slot->version = version;
            slot->used = true;
            return slot;
        }
        if (slot->version == version &&
            rdt_span_eq((struct rdt_span){slot->key, 16}, (struct rdt_span){key, 16}))
            return slot;
    }
    return NULL;
}

void
rdt_usage_count(struct usage *usage, const struct rdt_call *call, const struct rdt_version *version,
                bool wrap)
{
    size_t most = version->state == RDT_VERSION_DRAINED ? SLOTS : FULL;
    pthread_mutex_lock(&usage->lock);
    struct slot *slot = slot_of(&usage->live, version->key, version->number, most);
    if (slot != NULL) {
        slot->wraps += wrap;
        slot->unwraps += !wrap;
        slot->last_ms = call->request->now_ms;
        slot->operation = call->op->name;
        memcpy(slot->request, call->request->id, sizeof slot->request);
    } else {
        usage->lost++;
    }
    pthread_mutex_unlock(&usage->lock);
}

static void
refused(struct usage *usage, const uint8_t key[static 16], uint32_t version)
{
    pthread_mutex_lock(&usage->lock);
    struct slot *slot = slot_of(&usage->live, key, version, SLOTS);
    if (slot != NULL)
        slot->refused = true;
    else
        usage->refused_lost = true;
    pthread_mutex_unlock(&usage->lock);
}

void
rdt_usage_refused(struct usage *usage, const struct rdt_version *version)
{
    refused(usage, version->key, version->number);
}

void
rdt_usage_refused_key(struct usage *usage, const struct rdt_key *key)
{
    refused(usage, key->id, 0);
}

/* ---- into rows ---- */

static void
merge(struct table *from, struct table *to)
{
    for (size_t i = 0; from->n != 0 && i < SLOTS; i++) {
        struct slot *slot = &from->slots[i];
        if (!slot->used)
            continue;
        struct slot *into = slot_of(to, slot->key, slot->version, SLOTS);
        if (into == NULL)
            continue; /* stays where it is, for the next time */
        into->refused = into->refused || slot->refused;
        into->wraps += slot->wraps;
        into->unwraps += slot->unwraps;
        if (slot->last_ms >= into->last_ms) {
            into->last_ms = slot->last_ms;
            into->operation = slot->operation;
            memcpy(into->request, slot->request, sizeof into->request);
        }
        *slot = (struct slot){0};
        from->n--;
    }
}

static bool
count(struct rdt_tx *tx, const struct slot *slot, struct rdt_span id)
{
    struct rdt_usage *row = rdt_tx_edit(tx, RDT_KIND_USAGE, id);
    if (row == NULL) {
        row = rdt_tx_add(tx, RDT_KIND_USAGE, id);
        if (row == NULL)
            return false;
        memcpy(row->key, slot->key, sizeof row->key);
        row->version = slot->version;
        row->tracking_ms = slot->last_ms;
    }
    row->wraps += slot->wraps;
    row->unwraps += slot->unwraps;
    if (slot->last_ms < row->last_ms)
        return true;
    row->last_ms = slot->last_ms;
    memcpy(row->last_request, slot->request, sizeof row->last_request);
    return rdt_text_set(&row->last_operation, rdt_span_str(slot->operation));
}

static bool
collect(struct rdt_tx *tx, const struct slot *slot, int64_t now_ms)
{
    uint8_t id[20];
    bool ok = true;
    rdt_version_id(slot->key, slot->version, id);
    if (slot->refused)
        ok = rdt_drain_refused(tx, slot->key, slot->version, now_ms);
    if (slot->unwraps != 0)
        ok = rdt_drain_used(tx, slot->key, slot->version, now_ms) && ok;
    if (slot->wraps + slot->unwraps != 0)
        ok = count(tx, slot, (struct rdt_span){id, sizeof id}) && ok;
    return ok;
}

bool
rdt_usage_collect(struct usage *usage, struct rdt_tx *tx, int64_t now_ms)
{
    bool ok = true;
    pthread_mutex_lock(&usage->lock);
    merge(&usage->live, &usage->taken);
    for (size_t i = 0; usage->taken.n != 0 && i < SLOTS; i++)
        if (usage->taken.slots[i].used)
            ok = collect(tx, &usage->taken.slots[i], now_ms) && ok;
    usage->taken_lost = usage->taken_lost || usage->refused_lost;
    usage->refused_lost = false;
    if (usage->taken_lost)
        ok = rdt_drain_floor(tx) && ok;
    pthread_mutex_unlock(&usage->lock);
    return ok;
}

void
rdt_usage_settle(struct usage *usage)
{
    pthread_mutex_lock(&usage->lock);
    if (usage->taken.n != 0)
        memset(&usage->taken, 0, sizeof usage->taken);
    usage->taken_lost = false;
    pthread_mutex_unlock(&usage->lock);
}
