#include "field/keyring_internal.h"
#include "field/rf1.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4u   /* slots that one place may take */
#define SECRETS 3 /* of a slot */

/* Keys of a tenant in a column, ready. */
struct slot {
    uint64_t column; /* its number; 0: the slot is empty */
    uint16_t asked;  /* epoch; 0: whichever is current */
    bool verifier;   /* made of a verify key that was put in */
    int64_t until_ms;
    uint8_t ring[RDT_ID_LEN];
    struct rdt_field_column place; /* the column, and the tenant */
    struct rdt_field_keys keys;    /* secrets are the block's */
};

struct rdt_session {
    pthread_mutex_t lock; /* held by a call while it uses keys */
    struct rdt_keyring *keyring;
    struct rdt_session *next; /* of the keyring */
    struct rdt_worker *worker;
    struct rdt_secret record, scratch;
    struct rdt_secret_block *secrets;
    uint32_t n_slots, victim;
    struct slot slots[];
};

/* ---- making ---- */

static void
session_drop_memory(struct rdt_session *session)
{
    rdt_worker_close(session->worker);
    rdt_secret_wipe(&session->record);
    rdt_secret_wipe(&session->scratch);
    rdt_secret_block_free(session->secrets);
    free(session);
}

static enum rdt_code
open_parts(struct rdt_session *session)
{
    enum rdt_code rc = rdt_worker_open(&session->worker, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&session->record, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&session->scratch, RDT_KEY_LEN, NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_block_new((size_t)session->n_slots * SECRETS, RDT_MAC_READY_LEN,
                                  &session->secrets, NULL);
    if (rc == RDT_OK && pthread_mutex_init(&session->lock, NULL) != 0)
        rc = RDT_E_NOMEM;
    return rc;
}

enum rdt_field_fault
rdt_session_new(struct rdt_keyring *keyring, struct rdt_session **out)
{
    uint32_t n = (keyring->n_slots + WAYS - 1) / WAYS * WAYS;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_session *session = calloc(1, sizeof *session + n * sizeof session->slots[0]);
    if (session == NULL)
        return RDT_FIELD_NOMEM;
    session->keyring = keyring;
    session->n_slots = n;
    enum rdt_code rc = open_parts(session);
    if (rc != RDT_OK) {
        session_drop_memory(session);
        return rdt_field_fault_of(rc);
    }
    pthread_mutex_lock(&keyring->lock);
    session->next = keyring->sessions;
    keyring->sessions = session;
    pthread_mutex_unlock(&keyring->lock);
    *out = session;
    return RDT_FIELD_OK;
}

void
rdt_session_free(struct rdt_session *session)
{
    if (session == NULL || !rdt_keyring_here(session->keyring))
        return;
    struct rdt_session **link = &session->keyring->sessions;
    pthread_mutex_lock(&session->keyring->lock);
    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    pthread_mutex_unlock(&session->keyring->lock);
    pthread_mutex_destroy(&session->lock);
    session_drop_memory(session);
}

/* ---- slots ---- */

/* What keys are looked for. */
struct want {
    const struct rdt_column *column;
    const uint8_t *tenant;
    uint16_t epoch;  /* 0: the current one */
    uint32_t handle; /* as the value says; 0: nothing says one */
    bool verify;     /* a verify key is enough */
    int64_t now_ms;
};

static struct slot *
first_of(struct rdt_session *session, const struct want *want)
{
    uint64_t a, b;
    memcpy(&a, want->tenant, 8);
    memcpy(&b, want->tenant + 8, 8);
    uint64_t h = (a ^ (b << 1) ^ want->column->number << 17 ^ want->epoch) * 0x9e3779b97f4a7c15u;
    return &session->slots[(h >> 32) % (session->n_slots / WAYS) * WAYS];
}

static struct slot *
find_slot(struct rdt_session *session, const struct want *want)
{
    struct slot *slot = first_of(session, want);
    for (unsigned i = 0; i < WAYS; i++, slot++)
        if (slot->column == want->column->number && slot->asked == want->epoch &&
            want->now_ms < slot->until_ms && (want->verify || !slot->verifier) &&
            rdt_same_id(slot->place.tenant, want->tenant))
            return slot;
    return NULL;
}

static void
empty(struct slot *slot)
{
    rdt_secret_clear(&slot->keys.encrypt);
    rdt_secret_clear(&slot->keys.verify);
    rdt_secret_clear(&slot->keys.hedge);
    slot->column = 0;
}

/* A slot to fill: an empty one, one whose time is over, or another each time. */
static struct slot *
take_slot(struct rdt_session *session, const struct want *want)
{
    struct slot *first = first_of(session, want), *slot = NULL;
    for (unsigned i = 0; i < WAYS && slot == NULL; i++)
        if (first[i].column == 0 || want->now_ms >= first[i].until_ms)
            slot = &first[i];
    if (slot == NULL)
        slot = &first[session->victim++ % WAYS];
    size_t at = (size_t)(slot - session->slots) * SECRETS;
    if (slot->keys.verify.p == NULL)
        slot->keys = (struct rdt_field_keys){
            .encrypt = *rdt_secret_block_at(session->secrets, at),
            .verify = *rdt_secret_block_at(session->secrets, at + 1),
            .hedge = *rdt_secret_block_at(session->secrets, at + 2),
        };
    empty(slot);
    return slot;
}

/* ---- filling, with both locks held ---- */

/* The keys of an index, as its slot holds them: the secret stands where a column has its verify
 * key. */
static struct rdt_index_keys
index_keys(const struct slot *slot, const struct rdt_field_index *index)
{
    return (struct rdt_index_keys){.handle = slot->keys.handle,
                                   .epoch = slot->keys.epoch,
                                   .kind = (uint8_t)index->kind,
                                   .bits = index->bits,
                                   .token = slot->keys.verify};
}

static enum rdt_field_fault
derive_index(struct rdt_session *session, const struct want *want, const struct rdt_found *found,
             struct slot *slot)
{
    struct rdt_field_index index = *want->column->index;
    struct rdt_index_keys keys = index_keys(slot, &index);
    memcpy(index.tenant, want->tenant, RDT_ID_LEN);
    return rdt_index_keys_make(session->worker, found->key, &index, &keys);
}

static enum rdt_field_fault
derive(struct rdt_session *session, const struct want *want, const struct rdt_found *found,
       struct slot *slot)
{
    slot->place = want->column->place;
    memcpy(slot->place.tenant, want->tenant, RDT_ID_LEN);
    memcpy(slot->ring, want->column->ring, RDT_ID_LEN);
    slot->keys.handle = found->handle;
    slot->keys.epoch = found->epoch;
    slot->asked = want->epoch;
    slot->until_ms = found->until_ms;
    if (want->column->index != NULL) {
        if (derive_index(session, want, found, slot) != RDT_FIELD_OK)
            return RDT_FIELD_INTERNAL;
    } else if (slot->verifier) {
        if (rdt_mac_ready(session->worker, found->key, &slot->keys.verify) != RDT_OK)
            return RDT_FIELD_INTERNAL;
    } else if (rdt_field_keys_derive(session->worker, found->key, &slot->place, &session->scratch,
                                     &slot->keys) != RDT_OK)
        return RDT_FIELD_INTERNAL;
    slot->column = want->column->number;
    return RDT_FIELD_OK;
}

/* A verify key that was put into the column. */
static bool
find_verifier(const struct want *want, struct rdt_found *out)
{
    struct rdt_column *column = (struct rdt_column *)want->column; /* the lock is held */
    struct rdt_column_verifier *v =
        want->verify ? rdt_column_verifier(column, want->tenant, want->epoch) : NULL;
    if (v == NULL || want->now_ms >= v->until_ms)
        return false;
    *out = (struct rdt_found){v->handle, v->epoch, v->until_ms, &v->key};
    return true;
}

static enum rdt_field_fault
fill(struct rdt_session *session, const struct want *want, struct slot **out)
{
    struct rdt_found found = {0};
    bool verifier = find_verifier(want, &found);
    enum rdt_field_fault fault = RDT_FIELD_OK;
    if (verifier && want->handle != 0 && want->handle != found.handle)
        return RDT_FIELD_TENANT;
    if (!verifier)
        fault = rdt_keyring_find(session->keyring,
                                 &(struct rdt_find){want->column->ring, want->tenant, want->epoch,
                                                    want->handle, want->now_ms},
                                 &found);
    if (fault != RDT_FIELD_OK)
        return fault;
    struct slot *slot = take_slot(session, want);
    slot->verifier = verifier;
    fault = derive(session, want, &found, slot);
    if (fault != RDT_FIELD_OK)
        empty(slot);
    else
        *out = slot;
    return fault;
}

/* The keys, with the session's lock held on return: the keyring's comes before it. */
static enum rdt_field_fault
ready(struct rdt_session *session, const struct want *want, struct slot **out)
{
    pthread_mutex_lock(&session->lock);
    *out = find_slot(session, want);
    if (*out != NULL)
        return RDT_FIELD_OK;
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_lock(&session->keyring->lock);
    pthread_mutex_lock(&session->lock);
    enum rdt_field_fault fault = fill(session, want, out);
    pthread_mutex_unlock(&session->keyring->lock);
    return fault;
}

void
rdt_session_forget(struct rdt_keyring *keyring, const struct rdt_session_wipe *wipe)
{
    for (struct rdt_session *s = keyring->sessions; s != NULL; s = s->next) {
        pthread_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->n_slots; i++) {
            struct slot *slot = &s->slots[i];
            if (slot->column != 0 && rdt_same_id(slot->ring, wipe->ring) &&
                (wipe->tenant == NULL || rdt_same_id(slot->place.tenant, wipe->tenant)) &&
                (wipe->epoch == 0 || slot->keys.epoch == wipe->epoch) &&
                (!wipe->current_only || slot->asked == 0))
                empty(slot);
        }
        pthread_mutex_unlock(&s->lock);
    }
}

/* ---- calls ---- */

enum job { ENCRYPT, DECRYPT, VERIFY, TOKEN };

/* What is done with items. */
struct task {
    const struct rdt_column *column; /* or an index's */
    enum job job;
    uint16_t epoch; /* of a token's key; 0: the current one */
};

static struct rdt_span
in_of(const struct rdt_item *item)
{
    return (struct rdt_span){item->in, item->in_n};
}

/* Which keys an item needs. */
static enum rdt_field_fault
want_of(const struct task *task, const struct rdt_item *item, struct want *out)
{
    struct rdt_rf1 rf1;
    if (item->tenant == NULL || (item->in == NULL && item->in_n != 0) ||
        (item->row == NULL && item->row_n != 0))
        return RDT_FIELD_USAGE;
    *out = (struct want){.column = task->column,
                         .tenant = item->tenant,
                         .epoch = task->epoch,
                         .verify = task->job == VERIFY,
                         .now_ms = rdt_boot_ms()};
    if (task->job == ENCRYPT || task->job == TOKEN)
        return RDT_FIELD_OK;
    if (!rdt_rf1_read(in_of(item), &rf1) || rf1.epoch == 0 || rf1.handle == 0)
        return RDT_FIELD_NOT_RF1;
    out->epoch = rf1.epoch;
    out->handle = rf1.handle;
    return RDT_FIELD_OK;
}

static enum rdt_field_fault
make_token(struct rdt_session *session, const struct slot *slot,
           const struct rdt_field_index *index, struct rdt_item *item)
{
    uint8_t text[RDT_NORMAL_OUT_MAX];
    struct rdt_rf1_out normal = {text, sizeof text, 0};
    struct rdt_index_keys keys = index_keys(slot, index);
    struct rdt_span value = in_of(item);
    if (item->row_n != 0)
        return RDT_FIELD_ROW;
    if (item->out == NULL || item->out_room < RDT_TOKEN_LEN)
        return RDT_FIELD_NO_ROOM;
    enum rdt_field_fault fault = RDT_FIELD_OK;
    if (index->normal.rule != RDT_NORMAL_RAW) {
        fault = rdt_normal_put(&index->normal, value, &normal);
        value = (struct rdt_span){text, normal.n};
    }
    if (fault == RDT_FIELD_OK)
        fault = rdt_token(session->worker, &keys, value, item->out);
    explicit_bzero(text, normal.n);
    item->out_n = fault == RDT_FIELD_OK ? RDT_TOKEN_LEN : 0;
    return fault;
}

static enum rdt_field_fault
do_job(struct rdt_session *session, const struct slot *slot, struct rdt_item *item, enum job job)
{
    struct rdt_rf1_call call = {
        .worker = session->worker,
        .keys = &slot->keys,
        .column = &slot->place,
        .row = {item->row, item->row_n},
        .record = &session->record,
    };
    struct rdt_rf1_out out = {item->out, item->out == NULL ? 0 : item->out_room, 0};
    enum rdt_field_fault fault = job == ENCRYPT   ? rdt_rf1_seal(&call, in_of(item), &out)
                                 : job == DECRYPT ? rdt_rf1_open(&call, in_of(item), &out)
                                                  : rdt_rf1_verify(&call, in_of(item));
    item->out_n = out.n;
    return fault;
}

static enum rdt_field_fault
do_item(struct rdt_session *session, const struct task *task, struct rdt_item *item)
{
    struct want want;
    struct slot *slot;
    item->out_n = 0;
    enum rdt_field_fault fault = want_of(task, item, &want);
    if (fault != RDT_FIELD_OK)
        return fault;
    fault = ready(session, &want, &slot);
    if (fault == RDT_FIELD_OK)
        fault = task->job == TOKEN ? make_token(session, slot, task->column->index, item)
                                   : do_job(session, slot, item, task->job);
    pthread_mutex_unlock(&session->lock);
    return fault;
}

/* Whether the keys of all items are at hand; those that are not are wanted from now on. */
static bool
all_ready(struct rdt_session *session, const struct task *task, struct rdt_item *items, size_t n)
{
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        struct want want;
        struct slot *slot;
        items[i].out_n = 0;
        items[i].fault = want_of(task, &items[i], &want);
        if (items[i].fault != RDT_FIELD_OK)
            continue;
        items[i].fault = ready(session, &want, &slot);
        pthread_mutex_unlock(&session->lock);
        all = all && items[i].fault != RDT_FIELD_NEED;
    }
    return all;
}

static enum rdt_field_fault
do_items(struct rdt_session *session, const struct task *task, struct rdt_item *items, size_t n)
{
    enum rdt_field_fault first = RDT_FIELD_OK;
    if (!rdt_keyring_here(session->keyring))
        return RDT_FIELD_FORKED;
    if (task->column->keyring != session->keyring || (items == NULL && n != 0))
        return RDT_FIELD_USAGE;
    if (n > 1 && !all_ready(session, task, items, n))
        return RDT_FIELD_NEED;
    for (size_t i = 0; i < n; i++) {
        items[i].fault = do_item(session, task, &items[i]);
        first = first == RDT_FIELD_OK ? items[i].fault : first;
    }
    return first;
}

enum rdt_field_fault
rdt_encrypt(struct rdt_session *session, const struct rdt_column *column, struct rdt_item *items,
            size_t n)
{
    return do_items(session, &(struct task){column, ENCRYPT, 0}, items, n);
}

enum rdt_field_fault
rdt_decrypt(struct rdt_session *session, const struct rdt_column *column, struct rdt_item *items,
            size_t n)
{
    return do_items(session, &(struct task){column, DECRYPT, 0}, items, n);
}

enum rdt_field_fault
rdt_verify(struct rdt_session *session, const struct rdt_column *column, struct rdt_item *items,
           size_t n)
{
    return do_items(session, &(struct task){column, VERIFY, 0}, items, n);
}

enum rdt_field_fault
rdt_tokenize(struct rdt_session *session, const struct rdt_index *index, uint16_t epoch,
             struct rdt_item *items, size_t n)
{
    return do_items(session, &(struct task){&index->column, TOKEN, epoch}, items, n);
}

enum rdt_field_fault
rdt_verify_key(struct rdt_session *session, const struct rdt_verify_key_ask *ask, uint8_t *out,
               struct rdt_value_head *about)
{
    struct rdt_keyring *keyring = session->keyring;
    struct rdt_found found = {0};
    if (ask->column->keyring != keyring || ask->tenant == NULL)
        return RDT_FIELD_USAGE;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_field_column place = ask->column->place;
    memcpy(place.tenant, ask->tenant, RDT_ID_LEN);
    pthread_mutex_lock(&keyring->lock);
    enum rdt_field_fault fault = rdt_keyring_find(
        keyring, &(struct rdt_find){ask->column->ring, ask->tenant, ask->epoch, 0, rdt_boot_ms()},
        &found);
    if (fault == RDT_FIELD_OK &&
        rdt_field_verify_key(session->worker, found.key, &place, &session->scratch) != RDT_OK)
        fault = RDT_FIELD_INTERNAL;
    pthread_mutex_unlock(&keyring->lock);
    if (fault == RDT_FIELD_OK) {
        memcpy(out, session->scratch.p, RDT_KEK_LEN);
        *about = (struct rdt_value_head){.handle = found.handle, .epoch = found.epoch};
    }
    rdt_secret_clear(&session->scratch);
    return fault;
}

struct rdt_worker *
rdt_session_worker(struct rdt_session *session)
{
    return rdt_keyring_here(session->keyring) ? session->worker : NULL;
}

enum rdt_field_fault
rdt_session_with_kek(struct rdt_session *session, const struct rdt_session_ask *ask,
                     enum rdt_code (*use)(struct rdt_worker *worker,
                                          const struct rdt_field_kek *kek, void *of),
                     void *of)
{
    struct rdt_keyring *keyring = session->keyring;
    struct rdt_found found = {0};
    if (ask->column->keyring != keyring || ask->tenant == NULL)
        return RDT_FIELD_USAGE;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_field_column place = ask->column->place;
    memcpy(place.tenant, ask->tenant, RDT_ID_LEN);
    pthread_mutex_lock(&keyring->lock);
    enum rdt_field_fault fault = rdt_keyring_find(
        keyring,
        &(struct rdt_find){ask->column->ring, ask->tenant, ask->epoch, ask->handle, rdt_boot_ms()},
        &found);
    if (fault == RDT_FIELD_OK) {
        struct rdt_field_kek kek = {found.handle, found.epoch, found.key, &place,
                                    &session->scratch};
        if (use(session->worker, &kek, of) != RDT_OK)
            fault = RDT_FIELD_INTERNAL;
    }
    pthread_mutex_unlock(&keyring->lock);
    return fault;
}
