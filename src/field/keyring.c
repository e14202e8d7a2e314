#include "field/keyring_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEYS_USUAL 4096u
#define SLOTS_USUAL 256u
#define SLOTS_MOST 16384u /* three secrets each in one block */
#define KEYS_MOST ((uint32_t)RDT_SECRET_BLOCK_MAX)

/* ---- fork: the child has the objects, and not the locked memory that they point to ---- */

static atomic_uint forks;
static pthread_once_t watching = PTHREAD_ONCE_INIT;

static void
count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

unsigned
rdt_forks(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

int64_t
rdt_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

unsigned
rdt_api_version(void)
{
    return RDT_API_VERSION;
}

const char *
rdt_library_version(void)
{
    return REDOUBT_VERSION;
}

enum rdt_field_fault
rdt_field_fault_of(enum rdt_code rc)
{
    switch (rc) {
    case RDT_OK:
        return RDT_FIELD_OK;
    case RDT_E_LIMIT:
    case RDT_E_BADINPUT:
        return RDT_FIELD_USAGE;
    case RDT_E_NOMEM:
        return RDT_FIELD_NOMEM;
    case RDT_E_DENIED:
        return RDT_FIELD_UNLOCKED;
    default:
        return RDT_FIELD_INTERNAL;
    }
}

/* ---- making ---- */

static bool
locks_init(struct rdt_keyring *keyring)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_mutex_init(&keyring->lock, NULL) == 0;
    ok = ok && pthread_cond_init(&keyring->changed, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

static bool
tables_init(struct rdt_keyring *keyring)
{
    uint32_t n = keyring->n_most;
    keyring->tenants = calloc(n, sizeof *keyring->tenants);
    keyring->keys = calloc(n, sizeof *keyring->keys);
    keyring->buckets = malloc(n * sizeof *keyring->buckets);
    if (keyring->tenants == NULL || keyring->keys == NULL || keyring->buckets == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        keyring->tenants[i].next = keyring->keys[i].next = i + 1 < n ? i + 1 : RDT_NOBODY;
        keyring->buckets[i] = RDT_NOBODY;
    }
    return true;
}

static void
keyring_drop_memory(struct rdt_keyring *keyring)
{
    rdt_worker_close(keyring->worker);
    rdt_secret_block_free(keyring->secrets);
    free(keyring->buckets);
    free(keyring->keys);
    free(keyring->tenants);
    free(keyring);
}

enum rdt_field_fault
rdt_keyring_new(const struct rdt_keyring_options *options, struct rdt_keyring **out)
{
    struct rdt_keyring_options o = {0};
    if (options != NULL && (options->size < sizeof o.size || options->size > sizeof o))
        return RDT_FIELD_USAGE;
    if (options != NULL)
        memcpy(&o, options, options->size);
    if (o.keys_max > KEYS_MOST || o.session_slots > SLOTS_MOST)
        return RDT_FIELD_USAGE;
    pthread_once(&watching, watch_forks);
    struct rdt_keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL)
        return RDT_FIELD_NOMEM;
    keyring->made_in = rdt_forks();
    keyring->n_most = o.keys_max == 0 ? KEYS_USUAL : o.keys_max;
    keyring->n_slots = o.session_slots == 0 ? SLOTS_USUAL : o.session_slots;
    keyring->ttl_ms = o.ttl_s == 0 ? INT64_MAX : (int64_t)o.ttl_s * 1000;
    keyring->grace_ms = (int64_t)o.grace_s * 1000;
    enum rdt_code rc = tables_init(keyring) ? RDT_OK : RDT_E_NOMEM;
    if (rc == RDT_OK)
        rc = rdt_secret_block_new(keyring->n_most, RDT_KEK_LEN, &keyring->secrets, NULL);
    if (rc == RDT_OK && !locks_init(keyring))
        rc = RDT_E_NOMEM;
    if (rc != RDT_OK) {
        keyring_drop_memory(keyring);
        return rdt_field_fault_of(rc);
    }
    *out = keyring;
    return RDT_FIELD_OK;
}

void
rdt_keyring_free(struct rdt_keyring *keyring)
{
    if (keyring == NULL || !rdt_keyring_here(keyring))
        return;
    pthread_cond_destroy(&keyring->changed);
    pthread_mutex_destroy(&keyring->lock);
    keyring_drop_memory(keyring);
}

/* ---- looking up ---- */

/* FNV-1a over both ids: a bad spread costs time, no more. */
static uint32_t *
bucket_of(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < RDT_ID_LEN; i++)
        h = (h ^ tenant[i]) * 16777619u;
    for (size_t i = 0; i < RDT_ID_LEN; i++)
        h = (h ^ ring[i]) * 16777619u;
    return &keyring->buckets[h % keyring->n_most];
}

struct rdt_ring_tenant *
rdt_keyring_tenant(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant)
{
    for (uint32_t i = *bucket_of(keyring, ring, tenant); i != RDT_NOBODY;
         i = keyring->tenants[i].next) {
        struct rdt_ring_tenant *t = &keyring->tenants[i];
        if (rdt_same_id(t->id, tenant) && rdt_same_id(t->ring, ring))
            return t;
    }
    return NULL;
}

struct rdt_ring_key *
rdt_keyring_key(struct rdt_keyring *keyring, const struct rdt_ring_tenant *tenant, uint16_t epoch)
{
    for (uint32_t i = tenant->first; i != RDT_NOBODY; i = keyring->keys[i].next)
        if (keyring->keys[i].epoch == epoch)
            return &keyring->keys[i];
    return NULL;
}

/* ---- room: what nobody can use any more gives way ---- */

static struct rdt_secret *
secret_of(struct rdt_keyring *keyring, const struct rdt_ring_key *key)
{
    return rdt_secret_block_at(keyring->secrets, (size_t)(key - keyring->keys));
}

/* Whether an entry of the table is worth nothing: neither in use, nor asked for, nor a refusal that
 * spares the service a question. */
static bool
is_stale(const struct rdt_keyring *keyring, const struct rdt_want *want, int64_t until_ms,
         int64_t now_ms)
{
    bool refused = want->state == RDT_WANT_REFUSED && now_ms < want->until_ms;
    return now_ms - keyring->grace_ms >= until_ms && want->state != RDT_WANT_ASKED &&
           want->state != RDT_WANT_WAITS && !refused;
}

static void
free_key(struct rdt_keyring *keyring, uint32_t *link)
{
    uint32_t i = *link;
    struct rdt_ring_key *key = &keyring->keys[i];
    *link = key->next;
    rdt_secret_clear(secret_of(keyring, key));
    *key = (struct rdt_ring_key){.next = keyring->free_key};
    keyring->free_key = i;
}

static void
free_tenant(struct rdt_keyring *keyring, uint32_t i)
{
    struct rdt_ring_tenant *tenant = &keyring->tenants[i];
    uint32_t *link = bucket_of(keyring, tenant->ring, tenant->id);
    while (*link != i)
        link = &keyring->tenants[*link].next;
    *link = tenant->next;
    *tenant = (struct rdt_ring_tenant){.next = keyring->free_tenant};
    keyring->free_tenant = i;
}

static void
make_room(struct rdt_keyring *keyring, const struct rdt_ring_tenant *spared, int64_t now_ms)
{
    for (uint32_t i = 0; i < keyring->n_most; i++) {
        struct rdt_ring_tenant *tenant = &keyring->tenants[i];
        if (!tenant->taken)
            continue;
        for (uint32_t *link = &tenant->first; *link != RDT_NOBODY;) {
            struct rdt_ring_key *key = &keyring->keys[*link];
            if (is_stale(keyring, &key->want, key->until_ms, now_ms))
                free_key(keyring, link);
            else
                link = &key->next;
        }
        if (tenant != spared && tenant->first == RDT_NOBODY &&
            is_stale(keyring, &tenant->want, tenant->until_ms, now_ms))
            free_tenant(keyring, i);
    }
}

static struct rdt_ring_tenant *
add_tenant(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *id, int64_t now_ms)
{
    struct rdt_ring_tenant *tenant = rdt_keyring_tenant(keyring, ring, id);
    if (tenant != NULL)
        return tenant;
    if (keyring->free_tenant == RDT_NOBODY)
        make_room(keyring, NULL, now_ms);
    uint32_t i = keyring->free_tenant;
    if (i == RDT_NOBODY)
        return NULL;
    tenant = &keyring->tenants[i];
    keyring->free_tenant = tenant->next;
    uint32_t *bucket = bucket_of(keyring, ring, id);
    *tenant = (struct rdt_ring_tenant){.taken = true, .first = RDT_NOBODY, .next = *bucket};
    memcpy(tenant->ring, ring, RDT_ID_LEN);
    memcpy(tenant->id, id, RDT_ID_LEN);
    *bucket = i;
    return tenant;
}

static struct rdt_ring_key *
add_key(struct rdt_keyring *keyring, struct rdt_ring_tenant *tenant, uint16_t epoch, int64_t now_ms)
{
    struct rdt_ring_key *key = rdt_keyring_key(keyring, tenant, epoch);
    if (key != NULL)
        return key;
    if (keyring->free_key == RDT_NOBODY)
        make_room(keyring, tenant, now_ms);
    uint32_t i = keyring->free_key;
    if (i == RDT_NOBODY)
        return NULL;
    key = &keyring->keys[i];
    keyring->free_key = key->next;
    *key = (struct rdt_ring_key){.epoch = epoch, .next = tenant->first};
    tenant->first = i;
    return key;
}

/* ---- finding ---- */

/* What is usable now, and until when it may be used without looking again: beyond its time only
 * while the service was asked in vain, and then looked at each second. */
static bool
usable(const struct rdt_keyring *keyring, const struct rdt_want *want, int64_t until_ms,
       int64_t now_ms, int64_t *look_ms)
{
    if (now_ms < until_ms) {
        *look_ms = until_ms;
        return true;
    }
    *look_ms =
        now_ms + 1000 < until_ms + keyring->grace_ms ? now_ms + 1000 : until_ms + keyring->grace_ms;
    return want->unreachable && now_ms < until_ms + keyring->grace_ms;
}

static enum rdt_field_fault
want_it(struct rdt_keyring *keyring, struct rdt_want *want, int64_t now_ms)
{
    if (want->state == RDT_WANT_REFUSED && now_ms < want->until_ms)
        return RDT_FIELD_KEY;
    want->used = true;
    if (want->state != RDT_WANT_ASKED) {
        want->state = RDT_WANT_WAITS;
        pthread_cond_broadcast(&keyring->changed);
    }
    return RDT_FIELD_NEED;
}

/* vouched: the answer to which epoch is current brought this key, too, and may still be used. */
static enum rdt_field_fault
find_key(struct rdt_keyring *keyring, struct rdt_ring_tenant *tenant, const struct rdt_find *find,
         bool vouched, struct rdt_found *out)
{
    struct rdt_ring_key *key = add_key(keyring, tenant, find->epoch, find->now_ms);
    if (key == NULL)
        return RDT_FIELD_FULL;
    bool in_time = usable(keyring, &key->want, key->until_ms, find->now_ms, &out->until_ms);
    if (vouched)
        out->until_ms = INT64_MAX;
    if (!key->held || (!in_time && !vouched))
        return want_it(keyring, &key->want, find->now_ms);
    key->want.used = true;
    out->handle = tenant->handle;
    out->epoch = key->epoch;
    out->key = secret_of(keyring, key);
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_keyring_find(struct rdt_keyring *keyring, const struct rdt_find *find, struct rdt_found *out)
{
    struct rdt_find exact = *find;
    int64_t until_ms = INT64_MAX;
    struct rdt_ring_tenant *tenant = add_tenant(keyring, find->ring, find->tenant, find->now_ms);
    if (tenant == NULL)
        return RDT_FIELD_FULL;
    /* which epoch is current brings that one's key, too, and whose handle it is: a stranger's
     * epochs are not asked for */
    bool current = find->epoch == 0 || find->epoch == tenant->current;
    if (current || tenant->handle == 0) {
        if (tenant->current == 0 ||
            !usable(keyring, &tenant->want, tenant->until_ms, find->now_ms, &until_ms))
            return want_it(keyring, &tenant->want, find->now_ms);
        tenant->want.used = true;
        exact.epoch = find->epoch == 0 ? tenant->current : find->epoch;
    }
    if (find->handle != 0 && find->handle != tenant->handle)
        return RDT_FIELD_TENANT;
    enum rdt_field_fault fault = find_key(keyring, tenant, &exact, current, out);
    if (out->until_ms > until_ms)
        out->until_ms = until_ms;
    return fault;
}

/* ---- keeping ---- */

static void
keep_current(struct rdt_keyring *keyring, struct rdt_ring_tenant *tenant,
             const struct rdt_keep *keep)
{
    if (tenant->current != keep->current)
        rdt_session_forget(keyring, &(struct rdt_session_wipe){keep->ring, keep->tenant, 0, true});
    tenant->current = keep->current;
    tenant->until_ms = keep->since_ms + keep->ttl_ms;
    tenant->ttl_ms = keep->ttl_ms;
    tenant->want = (struct rdt_want){.state = RDT_WANT_NOT};
}

enum rdt_field_fault
rdt_keyring_keep(struct rdt_keyring *keyring, const struct rdt_keep *keep)
{
    struct rdt_keep k = *keep;
    k.ttl_ms = k.ttl_ms > keyring->ttl_ms ? keyring->ttl_ms : k.ttl_ms;
    struct rdt_ring_tenant *tenant = add_tenant(keyring, k.ring, k.tenant, k.since_ms);
    if (tenant == NULL)
        return RDT_FIELD_FULL;
    if (tenant->handle != 0 && tenant->handle != k.handle)
        return RDT_FIELD_USAGE;
    struct rdt_ring_key *key = add_key(keyring, tenant, k.epoch, k.since_ms);
    if (key == NULL)
        return RDT_FIELD_FULL;
    tenant->handle = k.handle;
    memcpy(secret_of(keyring, key)->p, k.key.p, RDT_KEK_LEN);
    key->held = true;
    key->until_ms = k.since_ms + k.ttl_ms;
    key->ttl_ms = k.ttl_ms;
    key->want = (struct rdt_want){.state = RDT_WANT_NOT};
    if (k.asked_current)
        keep_current(keyring, tenant, &k);
    pthread_cond_broadcast(&keyring->changed);
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_keyring_put(struct rdt_keyring *keyring, const struct rdt_kek *key)
{
    if (key->handle == 0 || key->epoch == 0 || key->current_epoch == 0 || key->ttl_s == 0)
        return RDT_FIELD_USAGE;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    struct rdt_keep keep = {
        .ring = key->ring,
        .tenant = key->tenant,
        .handle = key->handle,
        .epoch = key->epoch,
        .current = key->current_epoch,
        .asked_current = true,
        .since_ms = rdt_boot_ms(),
        .ttl_ms = (int64_t)key->ttl_s * 1000,
        .key = {key->key, RDT_KEK_LEN},
    };
    pthread_mutex_lock(&keyring->lock);
    enum rdt_field_fault fault = rdt_keyring_keep(keyring, &keep);
    pthread_mutex_unlock(&keyring->lock);
    return fault;
}

/* ---- forgetting ---- */

static void
forget_keys(struct rdt_keyring *keyring, struct rdt_ring_tenant *tenant, uint16_t epoch)
{
    for (uint32_t *link = &tenant->first; *link != RDT_NOBODY;) {
        struct rdt_ring_key *key = &keyring->keys[*link];
        if (epoch == 0 || key->epoch == epoch)
            free_key(keyring, link);
        else
            link = &key->next;
    }
    if (epoch == 0) {
        tenant->current = 0;
        tenant->until_ms = 0;
        tenant->want = (struct rdt_want){0};
    }
}

void
rdt_keyring_forget(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant,
                   uint16_t epoch)
{
    if (tenant != NULL) {
        struct rdt_ring_tenant *one = rdt_keyring_tenant(keyring, ring, tenant);
        if (one != NULL)
            forget_keys(keyring, one, epoch);
    }
    for (uint32_t i = 0; tenant == NULL && i < keyring->n_most; i++)
        if (keyring->tenants[i].taken && rdt_same_id(keyring->tenants[i].ring, ring))
            forget_keys(keyring, &keyring->tenants[i], epoch);
    rdt_session_forget(keyring, &(struct rdt_session_wipe){ring, tenant, epoch, false});
    if (epoch == 0)
        rdt_column_forget(keyring, ring, tenant);
}

void
rdt_keyring_refuse(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant,
                   uint16_t epoch)
{
    int64_t now_ms = rdt_boot_ms();
    rdt_keyring_forget(keyring, ring, tenant, epoch);
    struct rdt_ring_tenant *entry = add_tenant(keyring, ring, tenant, now_ms);
    struct rdt_ring_key *key =
        entry == NULL || epoch == 0 ? NULL : add_key(keyring, entry, epoch, now_ms);
    struct rdt_want *want = key != NULL                   ? &key->want
                            : entry != NULL && epoch == 0 ? &entry->want
                                                          : NULL;
    if (want != NULL)
        *want = (struct rdt_want){.state = RDT_WANT_REFUSED,
                                  .until_ms = now_ms + (int64_t)RDT_REFUSED_S * 1000};
}

void
rdt_keyring_drop(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant)
{
    if (!rdt_keyring_here(keyring))
        return;
    pthread_mutex_lock(&keyring->lock);
    rdt_keyring_forget(keyring, ring, tenant, 0);
    pthread_mutex_unlock(&keyring->lock);
}
