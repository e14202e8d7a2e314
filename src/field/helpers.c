/* What redoubt/helpers.h promises, out of the parts in this room and a session's keys. */
#include "redoubt/helpers.h"

#include "field/api_key.h"
#include "field/keyring_internal.h"
#include "field/password.h"
#include "field/webhook.h"

#define PLAIN_ROOM (2 * RDT_PASSWORD_STORED_MAX) /* of a decrypted string, padding included */

/* ---- passwords ---- */

enum rdt_field_fault
rdt_password_calibrate(struct rdt_session *session, uint32_t target_ms, uint32_t memory_kib_most,
                       struct rdt_password_cost *out)
{
    struct rdt_worker *worker = rdt_session_worker(session);
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    return rdt_field_fault_of(rdt_pw_calibrate(worker, target_ms, memory_kib_most, out, NULL));
}

/* A value that a user's hash is in, or goes to. */
static struct rdt_item
item_of(const struct rdt_password_item *item)
{
    return (struct rdt_item){.tenant = item->tenant, .row = item->row, .row_n = item->row_n};
}

static enum rdt_code
use_not(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *about)
{
    (void)worker;
    *(uint16_t *)about = kek->epoch;
    return RDT_OK;
}

/* The epoch that a tenant's new values are under; asked before anything slow is computed. */
static enum rdt_field_fault
current_epoch(struct rdt_session *session, const struct rdt_column *column, const uint8_t *tenant,
              uint16_t *epoch)
{
    return rdt_session_with_kek(session, &(struct rdt_session_ask){column, tenant, 0, 0}, use_not,
                                epoch);
}

static bool
makes_sense(const struct rdt_column *column, const struct rdt_password_item *item)
{
    return column->place.row_bound && item->row_n != 0 && item->tenant != NULL &&
           (item->password != NULL || item->password_n == 0);
}

enum rdt_field_fault
rdt_password_store(struct rdt_session *session, const struct rdt_column *column,
                   const struct rdt_password_cost *cost, struct rdt_password_item *item)
{
    char text[RDT_PASSWORD_TEXT];
    struct rdt_item value = item_of(item);
    struct rdt_worker *worker = rdt_session_worker(session);
    uint16_t epoch;
    item->out_n = 0;
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    if (!makes_sense(column, item) || !rdt_pw_cost_fits(cost))
        return RDT_FIELD_USAGE;
    if (item->password_n == 0 || item->password_n > RDT_PASSWORD_MAX)
        return RDT_FIELD_TOO_LONG;
    enum rdt_field_fault fault = current_epoch(session, column, item->tenant, &epoch);
    if (fault != RDT_FIELD_OK)
        return fault;
    enum rdt_code rc =
        rdt_pw_make(worker, cost, (struct rdt_span){item->password, item->password_n}, text, NULL);
    if (rc != RDT_OK)
        return rdt_field_fault_of(rc);
    value.in = text;
    value.in_n = strlen(text);
    value.out = item->out;
    value.out_room = item->out_room;
    fault = rdt_encrypt(session, column, &value, 1);
    explicit_bzero(text, sizeof text);
    item->out_n = value.out_n;
    return fault;
}

/* Faults that say nothing about the value: the call is to be made again, or is wrong. */
static bool
is_of_the_call(enum rdt_field_fault fault)
{
    return fault == RDT_FIELD_NEED || fault == RDT_FIELD_USAGE || fault == RDT_FIELD_FORKED ||
           fault == RDT_FIELD_NOMEM || fault == RDT_FIELD_UNLOCKED || fault == RDT_FIELD_FULL ||
           fault == RDT_FIELD_INTERNAL;
}

static enum rdt_field_fault
fault_of_verdict(enum rdt_password_verdict verdict)
{
    return verdict == RDT_PASSWORD_NOMEM      ? RDT_FIELD_NOMEM
           : verdict == RDT_PASSWORD_INTERNAL ? RDT_FIELD_INTERNAL
                                              : RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_password_verify(struct rdt_session *session, const struct rdt_column *column,
                    const struct rdt_password_cost *cost, struct rdt_password_item *item)
{
    uint8_t plain[PLAIN_ROOM];
    struct rdt_span password = {item->password, item->password_n};
    struct rdt_item value = item_of(item);
    struct rdt_worker *worker = rdt_session_worker(session);
    item->verdict = RDT_PASSWORD_NO_MATCH;
    item->fault = RDT_FIELD_OK;
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    if (!makes_sense(column, item) || !rdt_pw_cost_fits(cost))
        return RDT_FIELD_USAGE;
    if (item->value == NULL) {
        item->verdict = rdt_pw_dummy(worker, cost, password);
        return fault_of_verdict(item->verdict);
    }
    value.in = item->value;
    value.in_n = item->value_n;
    value.out = plain;
    value.out_room = sizeof plain;
    enum rdt_field_fault fault = rdt_decrypt(session, column, &value, 1);
    if (is_of_the_call(fault))
        return fault;
    item->fault = fault;
    if (fault == RDT_FIELD_OK) {
        item->verdict = rdt_pw_check(worker, cost, password, (struct rdt_span){plain, value.out_n});
    } else {
        item->verdict = rdt_pw_dummy(worker, cost, password);
        if (item->verdict == RDT_PASSWORD_NO_MATCH)
            item->verdict = RDT_PASSWORD_SEAL;
    }
    explicit_bzero(plain, sizeof plain);
    return fault_of_verdict(item->verdict);
}

/* ---- API keys ---- */

enum rdt_field_fault
rdt_api_key_new(struct rdt_session *session, const char *prefix, char *out)
{
    struct rdt_worker *worker = rdt_session_worker(session);
    out[0] = '\0';
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    if (prefix == NULL)
        return RDT_FIELD_USAGE;
    return rdt_field_fault_of(rdt_apikey_make(worker, rdt_span_str(prefix), out, NULL));
}

int
rdt_api_key_is_whole(const char *text, size_t n)
{
    return rdt_apikey_read((struct rdt_span){(const uint8_t *)text, n}, NULL);
}

static struct rdt_span
text_of(const struct rdt_api_key_item *item)
{
    return (struct rdt_span){(const uint8_t *)item->text, item->text_n};
}

static enum rdt_code
use_find(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *of)
{
    struct rdt_api_key_item *item = of;
    return rdt_apikey_look_up(worker, kek, text_of(item), item->look_up);
}

static enum rdt_code
use_store(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *of)
{
    struct rdt_api_key_item *item = of;
    enum rdt_code rc = rdt_apikey_store(worker, kek, text_of(item), item->out);
    if (rc == RDT_OK)
        memcpy(item->look_up, item->out + RDT_API_KEY_STORED_AT, RDT_API_KEY_LOOK_UP);
    return rc;
}

static enum rdt_code
use_check(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *of)
{
    struct rdt_api_key_item *item = of;
    item->verdict = rdt_apikey_check(worker, kek, text_of(item),
                                     (struct rdt_span){item->stored, item->stored_n});
    return item->verdict == RDT_API_KEY_INTERNAL ? RDT_E_INTERNAL : RDT_OK;
}

static enum rdt_field_fault
make_of_key(struct rdt_session *session, const struct rdt_column *column,
            struct rdt_api_key_item *item,
            enum rdt_code (*use)(struct rdt_worker *worker, const struct rdt_field_kek *kek,
                                 void *of))
{
    memset(item->look_up, 0, sizeof item->look_up);
    memset(item->out, 0, sizeof item->out);
    item->stale = 0;
    item->verdict = RDT_API_KEY_NO_MATCH;
    if (!rdt_apikey_read(text_of(item), NULL)) {
        item->verdict = RDT_API_KEY_MALFORMED;
        return RDT_FIELD_USAGE;
    }
    return rdt_session_with_kek(
        session, &(struct rdt_session_ask){column, item->tenant, item->epoch, 0}, use, item);
}

enum rdt_field_fault
rdt_api_key_find(struct rdt_session *session, const struct rdt_column *column,
                 struct rdt_api_key_item *item)
{
    return make_of_key(session, column, item, use_find);
}

enum rdt_field_fault
rdt_api_key_store(struct rdt_session *session, const struct rdt_column *column,
                  struct rdt_api_key_item *item)
{
    return make_of_key(session, column, item, use_store);
}

enum rdt_field_fault
rdt_api_key_verify(struct rdt_session *session, const struct rdt_column *column,
                   struct rdt_api_key_item *item)
{
    struct rdt_session_ask ask = {column, item->tenant, 0, 0};
    uint16_t current;
    item->stale = 0;
    item->verdict = RDT_API_KEY_NO_MATCH;
    if (rdt_session_worker(session) == NULL)
        return RDT_FIELD_FORKED;
    if (!rdt_apikey_read(text_of(item), NULL)) {
        item->verdict = RDT_API_KEY_MALFORMED;
        return RDT_FIELD_OK;
    }
    if (!rdt_apikey_head((struct rdt_span){item->stored, item->stored_n}, &ask.handle,
                         &ask.epoch) ||
        ask.epoch == 0 || ask.handle == 0) {
        item->verdict = RDT_API_KEY_STORED_BAD;
        return RDT_FIELD_OK;
    }
    enum rdt_field_fault fault = rdt_session_with_kek(session, &ask, use_check, item);
    if (fault == RDT_FIELD_OK && item->verdict == RDT_API_KEY_MATCH &&
        current_epoch(session, column, item->tenant, &current) == RDT_FIELD_OK)
        item->stale = current != ask.epoch;
    return fault;
}

/* ---- webhooks ---- */

static enum rdt_field_fault
secret_text(struct rdt_secret *secret, char *out)
{
    rdt_hook_secret_text(secret, out);
    rdt_secret_wipe(secret);
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_webhook_secret(struct rdt_session *session, char *out)
{
    struct rdt_secret secret = {0};
    struct rdt_worker *worker = rdt_session_worker(session);
    out[0] = '\0';
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    enum rdt_code rc = rdt_hook_secret_make(worker, &secret, NULL);
    return rc == RDT_OK ? secret_text(&secret, out) : rdt_field_fault_of(rc);
}

struct derived {
    struct rdt_span endpoint;
    struct rdt_secret secret;
};

static enum rdt_code
use_derive(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *of)
{
    struct derived *derived = of;
    return rdt_hook_secret_derive(worker, kek, derived->endpoint, &derived->secret);
}

enum rdt_field_fault
rdt_webhook_endpoint_secret(struct rdt_session *session, const struct rdt_column *column,
                            const struct rdt_webhook_endpoint *endpoint, char *out)
{
    struct derived derived = {
        .endpoint = {endpoint->id, endpoint->id_n}
    };
    out[0] = '\0';
    if (endpoint->id == NULL || endpoint->id_n == 0 || endpoint->id_n > RDT_WEBHOOK_ENDPOINT_MAX)
        return RDT_FIELD_USAGE;
    enum rdt_code rc = rdt_secret_new(&derived.secret, RDT_KEY_LEN, NULL);
    if (rc != RDT_OK)
        return rdt_field_fault_of(rc);
    enum rdt_field_fault fault = rdt_session_with_kek(
        session, &(struct rdt_session_ask){column, endpoint->tenant, endpoint->epoch, 0},
        use_derive, &derived);
    if (fault == RDT_FIELD_OK)
        return secret_text(&derived.secret, out);
    rdt_secret_wipe(&derived.secret);
    return fault;
}

/* The secrets of a message in locked memory. */
struct held {
    struct rdt_secret all[RDT_WEBHOOK_SECRETS_MAX];
    size_t n;
};

static void
held_done(struct held *held)
{
    for (size_t i = 0; i < held->n; i++)
        rdt_secret_wipe(&held->all[i]);
}

static struct rdt_span
span_of(const char *text)
{
    return text == NULL ? (struct rdt_span){0} : rdt_span_str(text);
}

static struct rdt_hook
hook_of(const struct rdt_webhook *webhook)
{
    return (struct rdt_hook){
        .id = span_of(webhook->id),
        .timestamp = span_of(webhook->timestamp),
        .signature = span_of(webhook->signature),
        .body = {webhook->body, webhook->body_n},
    };
}

static enum rdt_field_fault
hold(const struct rdt_webhook *webhook, struct held *out)
{
    if (webhook->secrets == NULL || webhook->secrets_n == 0 ||
        webhook->secrets_n > RDT_WEBHOOK_SECRETS_MAX ||
        (webhook->body == NULL && webhook->body_n != 0))
        return RDT_FIELD_USAGE;
    for (size_t i = 0; i < webhook->secrets_n; i++) {
        enum rdt_code rc =
            rdt_hook_secret_read(span_of(webhook->secrets[i]), &out->all[out->n++], NULL);
        if (rc != RDT_OK)
            return rdt_field_fault_of(rc);
    }
    return RDT_FIELD_OK;
}

enum rdt_field_fault
rdt_webhook_sign(struct rdt_session *session, const struct rdt_webhook *webhook, char *out)
{
    RDT_AUTO(held_done) struct held held = {0};
    struct rdt_hook hook = hook_of(webhook);
    struct rdt_worker *worker = rdt_session_worker(session);
    out[0] = '\0';
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    enum rdt_field_fault fault = hold(webhook, &held);
    if (fault != RDT_FIELD_OK)
        return fault;
    return rdt_field_fault_of(
        rdt_hook_sign(worker, &(struct rdt_hook_secrets){held.all, held.n}, &hook, out, NULL));
}

enum rdt_field_fault
rdt_webhook_verify(struct rdt_session *session, const struct rdt_webhook *webhook, int64_t now_s,
                   enum rdt_webhook_verdict *verdict)
{
    RDT_AUTO(held_done) struct held held = {0};
    struct rdt_hook hook = hook_of(webhook);
    struct rdt_worker *worker = rdt_session_worker(session);
    *verdict = RDT_WEBHOOK_NO_MATCH;
    if (worker == NULL)
        return RDT_FIELD_FORKED;
    if (now_s < 0)
        return RDT_FIELD_USAGE;
    enum rdt_field_fault fault = hold(webhook, &held);
    if (fault != RDT_FIELD_OK)
        return fault;
    *verdict = rdt_hook_check(worker, &(struct rdt_hook_secrets){held.all, held.n}, &hook, now_s);
    return *verdict == RDT_WEBHOOK_INTERNAL ? RDT_FIELD_INTERNAL : RDT_FIELD_OK;
}

enum rdt_webhook_verdict
rdt_webhook_remember(struct rdt_session *session, struct rdt_webhook_window *window,
                     const struct rdt_webhook *webhook, int64_t now_s)
{
    struct rdt_hook hook = hook_of(webhook);
    struct rdt_worker *worker = rdt_session_worker(session);
    return worker == NULL ? RDT_WEBHOOK_INTERNAL : rdt_hook_remember(worker, window, &hook, now_s);
}

void
rdt_webhook_forget(struct rdt_session *session, struct rdt_webhook_window *window,
                   const struct rdt_webhook *webhook)
{
    struct rdt_hook hook = hook_of(webhook);
    struct rdt_worker *worker = rdt_session_worker(session);
    if (worker != NULL)
        rdt_hook_forget(worker, window, &hook);
}
