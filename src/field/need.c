#include "field/kek.h"
#include "field/keyring_internal.h"

#include "codec/base64.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 1000 /* before an unreachable service is asked for the same key again */

struct rdt_need {
    struct rdt_keyring *keyring;
    struct rdt_worker *worker;
    uint8_t ring[RDT_ID_LEN], tenant[RDT_ID_LEN];
    uint16_t epoch; /* 0: the current one */
    uint64_t claim; /* the want says the same, unless it was dropped meanwhile */
    int64_t since_ms;
    char ring_text[RDT_UUID_TEXT], tenant_text[RDT_UUID_TEXT];
    struct rdt_secret private_key;
    struct rdt_buf body;
};

static void
need_free(struct rdt_need *need)
{
    if (need == NULL)
        return;
    struct rdt_keyring *keyring = need->keyring;
    rdt_secret_wipe(&need->private_key);
    rdt_buf_done(&need->body);
    if (need->worker != NULL) { /* for the next one: to open it costs more than a need does */
        pthread_mutex_lock(&keyring->lock);
        if (keyring->worker == NULL)
            keyring->worker = RDT_STEAL(need->worker);
        pthread_mutex_unlock(&keyring->lock);
    }
    rdt_worker_close(need->worker);
    free(need);
}

static void
need_free_at(struct rdt_need **need)
{
    need_free(*need);
}

static struct rdt_kek_ask
ask_of(const struct rdt_need *need)
{
    return (struct rdt_kek_ask){
        .ring = need->ring_text, .tenant = need->tenant_text, .epoch = need->epoch};
}

/* What came is untrusted: whatever is wrong with it is the answer's fault. */
static enum rdt_field_fault
answer_fault(enum rdt_code rc)
{
    bool its_own = rc == RDT_E_PROTOCOL || rc == RDT_E_TAMPERED || rc == RDT_E_LIMIT;
    return its_own ? RDT_FIELD_ANSWER : rdt_field_fault_of(rc);
}

/* ---- which is next ---- */

/* Whether a want is to be seen to: somebody waits for it, or it is in use and in the last quarter
 * of its time, and was not asked for in vain just now. */
static bool
is_due(struct rdt_want *want, int64_t until_ms, int64_t ttl_ms, int64_t now_ms)
{
    if (now_ms < want->until_ms)
        return false; /* refused, or unreachable a moment ago */
    if (want->state == RDT_WANT_WAITS)
        return true;
    return want->state == RDT_WANT_NOT && want->used && now_ms >= until_ms - ttl_ms / 4;
}

/* The want of a tenant that is due, and its epoch; NULL: none. */
static struct rdt_want *
due_of(struct rdt_keyring *keyring, struct rdt_ring_tenant *tenant, int64_t now_ms, uint16_t *epoch)
{
    *epoch = 0;
    if (is_due(&tenant->want, tenant->until_ms, tenant->ttl_ms, now_ms))
        return &tenant->want;
    for (uint32_t i = tenant->first; i != RDT_NOBODY; i = keyring->keys[i].next) {
        struct rdt_ring_key *key = &keyring->keys[i];
        *epoch = key->epoch;
        /* that of the current epoch comes with the answer to which is current */
        bool comes = key->held && key->epoch == tenant->current;
        if (!comes && is_due(&key->want, key->until_ms, key->ttl_ms, now_ms))
            return &key->want;
    }
    return NULL;
}

/* The next want that is due; the cursor stands at its tenant. NULL: none is. */
static struct rdt_want *
next_due(struct rdt_keyring *keyring, int64_t now_ms, uint16_t *epoch)
{
    for (uint32_t n = 0; n < keyring->n_most; n++) {
        struct rdt_ring_tenant *tenant = &keyring->tenants[keyring->cursor];
        struct rdt_want *want = tenant->taken ? due_of(keyring, tenant, now_ms, epoch) : NULL;
        if (want != NULL)
            return want;
        keyring->cursor = (keyring->cursor + 1) % keyring->n_most;
    }
    return NULL;
}

static bool
claim(struct rdt_keyring *keyring, struct rdt_need *need)
{
    struct rdt_want *want = next_due(keyring, need->since_ms, &need->epoch);
    if (want == NULL)
        return false;
    want->state = RDT_WANT_ASKED;
    want->claim = need->claim = ++keyring->claims;
    memcpy(need->ring, keyring->tenants[keyring->cursor].ring, RDT_ID_LEN);
    memcpy(need->tenant, keyring->tenants[keyring->cursor].id, RDT_ID_LEN);
    return true;
}

/* The want that a need has claimed; NULL: it was dropped meanwhile. */
static struct rdt_want *
want_of(const struct rdt_need *need)
{
    struct rdt_ring_tenant *tenant = rdt_keyring_tenant(need->keyring, need->ring, need->tenant);
    struct rdt_ring_key *key = tenant == NULL || need->epoch == 0
                                   ? NULL
                                   : rdt_keyring_key(need->keyring, tenant, need->epoch);
    struct rdt_want *want = key != NULL                          ? &key->want
                            : tenant != NULL && need->epoch == 0 ? &tenant->want
                                                                 : NULL;
    return want != NULL && want->claim == need->claim ? want : NULL;
}

/* It is asked for again, in a while. */
static void
unclaim(struct rdt_need *need, bool unreachable)
{
    struct rdt_want *want = want_of(need);
    if (want == NULL)
        return;
    want->state = RDT_WANT_WAITS;
    want->claim = 0;
    want->unreachable = unreachable || want->unreachable;
    want->until_ms = rdt_boot_ms() + RETRY_MS;
}

/* ---- taking ---- */

static enum rdt_field_fault
prepare(struct rdt_need *need)
{
    enum rdt_code rc = need->worker == NULL ? rdt_worker_open(&need->worker, NULL) : RDT_OK;
    rdt_uuid_text(need->ring, need->ring_text);
    rdt_uuid_text(need->tenant, need->tenant_text);
    struct rdt_kek_ask ask = ask_of(need);
    if (rc == RDT_OK)
        rc = rdt_kek_request(need->worker, &ask, &need->private_key, &need->body, NULL);
    return rdt_field_fault_of(rc);
}

enum rdt_field_fault
rdt_need_take(struct rdt_keyring *keyring, struct rdt_need **out)
{
    *out = NULL;
    if (!rdt_keyring_here(keyring))
        return RDT_FIELD_FORKED;
    RDT_AUTO(need_free_at) struct rdt_need *need = calloc(1, sizeof *need);
    if (need == NULL)
        return RDT_FIELD_NOMEM;
    need->keyring = keyring;
    need->since_ms = rdt_boot_ms();
    pthread_mutex_lock(&keyring->lock);
    bool any = claim(keyring, need);
    if (any)
        need->worker = RDT_STEAL(keyring->worker);
    pthread_mutex_unlock(&keyring->lock);
    if (!any)
        return RDT_FIELD_OK;
    enum rdt_field_fault fault = prepare(need);
    if (fault == RDT_FIELD_OK) {
        *out = RDT_STEAL(need);
        return RDT_FIELD_OK;
    }
    pthread_mutex_lock(&keyring->lock);
    unclaim(need, false);
    pthread_mutex_unlock(&keyring->lock);
    return fault;
}

void
rdt_need_wait(struct rdt_keyring *keyring, uint32_t timeout_ms)
{
    struct timespec until;
    if (!rdt_keyring_here(keyring))
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    uint16_t epoch;
    pthread_mutex_lock(&keyring->lock);
    if (next_due(keyring, rdt_boot_ms(), &epoch) == NULL) /* else it was raised just before */
        pthread_cond_timedwait(&keyring->changed, &keyring->lock, &until);
    pthread_mutex_unlock(&keyring->lock);
}

void
rdt_need_look(const struct rdt_need *need, struct rdt_need_request *out)
{
    *out = (struct rdt_need_request){
        .operation = RDT_KEK_OPERATION,
        .path = RDT_KEK_PATH,
        .body = (const char *)need->body.p,
        .body_n = need->body.n,
    };
}

/* ---- ending ---- */

static enum rdt_field_fault
keep(struct rdt_need *need, const struct rdt_tenant_kek *kek)
{
    struct rdt_keep keep = {
        .ring = need->ring,
        .tenant = need->tenant,
        .handle = kek->handle,
        .epoch = kek->epoch,
        .current = kek->current_epoch,
        .asked_current = need->epoch == 0,
        .since_ms = need->since_ms,
        .ttl_ms = (int64_t)kek->ttl_s * 1000,
        .key = {kek->key.p, kek->key.n},
    };
    if (want_of(need) == NULL) /* dropped since: whoever still wants it asks anew */
        return RDT_FIELD_OK;
    enum rdt_field_fault fault = rdt_keyring_keep(need->keyring, &keep);
    struct rdt_ring_tenant *tenant = rdt_keyring_tenant(need->keyring, need->ring, need->tenant);
    /* somebody rotated: what is current is asked for before its time */
    if (fault == RDT_FIELD_OK && need->epoch != 0 && tenant->current != kek->current_epoch &&
        tenant->want.state == RDT_WANT_NOT && tenant->current != 0)
        tenant->want.state = RDT_WANT_WAITS;
    return fault;
}

enum rdt_field_fault
rdt_need_answer(struct rdt_need *need, const void *body, size_t n)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_keyring *keyring = need->keyring;
    struct rdt_kek_ask ask = ask_of(need);
    struct rdt_kek_answer answer = {
        &ask, &need->private_key, {body, n}
    };
    enum rdt_field_fault fault = answer_fault(rdt_kek_open(need->worker, &answer, &kek, NULL));
    bool right = fault == RDT_FIELD_OK && rdt_same_id(kek.ring, need->ring) &&
                 rdt_same_id(kek.tenant, need->tenant) && kek.handle != 0 && kek.epoch != 0 &&
                 kek.current_epoch != 0 && kek.ttl_s != 0;
    if (fault == RDT_FIELD_OK && !right)
        fault = RDT_FIELD_ANSWER;
    pthread_mutex_lock(&keyring->lock);
    if (fault == RDT_FIELD_OK)
        fault = keep(need, &kek);
    if (fault != RDT_FIELD_OK)
        unclaim(need, true);
    pthread_cond_broadcast(&keyring->changed);
    pthread_mutex_unlock(&keyring->lock);
    need_free(need);
    return fault;
}

void
rdt_need_fail(struct rdt_need *need, enum rdt_need_failure failure)
{
    if (need == NULL)
        return;
    struct rdt_keyring *keyring = need->keyring;
    pthread_mutex_lock(&keyring->lock);
    if (failure != RDT_NEED_REFUSED)
        unclaim(need, true);
    else if (want_of(need) != NULL)
        rdt_keyring_refuse(keyring, need->ring, need->tenant, need->epoch);
    pthread_cond_broadcast(&keyring->changed);
    pthread_mutex_unlock(&keyring->lock);
    need_free(need);
}
