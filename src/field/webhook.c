#include "field/webhook.h"

#include "base/cursor.h"
#include "codec/base64.h"

#define SECRET_LEN 32
#define SECRET_FRONT "whsec_"
#define SIGNATURE_FRONT "v1,"
#define SIGNATURE_TEXT 44   /* base64 of RDT_SHA256_LEN bytes */
#define TIMESTAMP_DIGITS 12 /* to the year 33658 */
#define PROBES 32           /* slots that one id may be in */

static const char secret_label[] = "redoubt/webhook/secret";
static const char endpoint_label[] = "redoubt/webhook/endpoint";

/* ---- secrets ---- */

enum rdt_code
rdt_hook_secret_make(struct rdt_worker *worker, struct rdt_secret *out, struct rdt_err *err)
{
    enum rdt_code rc = rdt_secret_new(out, SECRET_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(worker, out, err);
    if (rc != RDT_OK)
        rdt_secret_wipe(out);
    return rc;
}

enum rdt_code
rdt_hook_secret_read(struct rdt_span text, struct rdt_secret *out, struct rdt_err *err)
{
    RDT_SECRET secret = {0};
    struct rdt_span front;
    size_t n = 0;
    bool ok = rdt_take(&text, sizeof SECRET_FRONT - 1, &front) && rdt_span_is(front, SECRET_FRONT);
    ok = ok && text.n <= rdt_base64_len(RDT_WEBHOOK_SECRET_MAX);
    enum rdt_code rc = ok ? rdt_secret_new(&secret, text.n / 4 * 3, err) : RDT_OK;
    if (rc != RDT_OK)
        return rc;
    ok = ok && rdt_base64_get(text, secret.p, &n) && n >= RDT_WEBHOOK_SECRET_MIN &&
         n <= RDT_WEBHOOK_SECRET_MAX;
    if (!ok)
        return rdt_fail(err, RDT_E_BADINPUT,
                        "a webhook's secret is whsec_ and base64 of 24 to 64 bytes");
    rdt_secret_cut(&secret, n);
    *out = secret;
    secret = (struct rdt_secret){0};
    return RDT_OK;
}

enum rdt_code
rdt_hook_secret_derive(struct rdt_worker *worker, const struct rdt_field_kek *kek,
                       struct rdt_span endpoint, struct rdt_secret *out)
{
    const struct rdt_span parts[] = {RDT_LABEL(endpoint_label), endpoint};
    if (endpoint.n == 0 || endpoint.n > RDT_WEBHOOK_ENDPOINT_MAX)
        return RDT_E_BADINPUT;
    enum rdt_code rc =
        rdt_field_expand(worker, kek->key, RDT_LABEL(secret_label), kek->column, kek->scratch);
    if (rc == RDT_OK)
        rc = rdt_hmac_key(worker, kek->scratch, parts, RDT_COUNT(parts), out);
    rdt_secret_clear(kek->scratch);
    return rc;
}

void
rdt_hook_secret_text(const struct rdt_secret *secret, char out[static RDT_WEBHOOK_SECRET_TEXT])
{
    size_t front = sizeof SECRET_FRONT - 1;
    out[0] = '\0';
    if (secret->n > RDT_WEBHOOK_SECRET_MAX)
        return;
    memcpy(out, SECRET_FRONT, front);
    rdt_base64_put((struct rdt_span){secret->p, secret->n}, out + front); /* meant to leave */
    out[front + rdt_base64_len(secret->n)] = '\0';
}

/* ---- signatures ---- */

/* Without a '.', which ends the id in what is signed: one message has one meaning. */
static bool
is_id(struct rdt_span id)
{
    if (id.n == 0 || id.n > RDT_WEBHOOK_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '.')
            return false;
    return true;
}

static bool
read_timestamp(struct rdt_span text, int64_t *out)
{
    int64_t v = 0;
    if (text.n == 0 || text.n > TIMESTAMP_DIGITS || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = 10 * v + (text.p[i] - '0');
    }
    *out = v;
    return true;
}

static bool
are_secrets(const struct rdt_hook_secrets *secrets)
{
    if (secrets->n == 0 || secrets->n > RDT_WEBHOOK_SECRETS_MAX)
        return false;
    for (size_t i = 0; i < secrets->n; i++)
        if (secrets->all[i].n < RDT_WEBHOOK_SECRET_MIN ||
            secrets->all[i].n > RDT_WEBHOOK_SECRET_MAX)
            return false;
    return true;
}

static bool
mac_of(struct rdt_worker *worker, const struct rdt_secret *secret, const struct rdt_hook *webhook,
       uint8_t out[static RDT_SHA256_LEN])
{
    const struct rdt_span dot = rdt_span_str(".");
    const struct rdt_span parts[] = {webhook->id, dot, webhook->timestamp, dot, webhook->body};
    return rdt_hmac(worker, secret, parts, RDT_COUNT(parts), out) == RDT_OK;
}

enum rdt_code
rdt_hook_sign(struct rdt_worker *worker, const struct rdt_hook_secrets *secrets,
              const struct rdt_hook *webhook, char out[static RDT_WEBHOOK_SIGNATURE_TEXT],
              struct rdt_err *err)
{
    int64_t timestamp_s;
    uint8_t mac[RDT_SHA256_LEN];
    size_t at = 0;
    out[0] = '\0';
    if (!is_id(webhook->id) || !read_timestamp(webhook->timestamp, &timestamp_s))
        return rdt_fail(err, RDT_E_BADINPUT, "a webhook's id or timestamp cannot be signed");
    if (!are_secrets(secrets))
        return rdt_fail(err, RDT_E_BADINPUT,
                        "a webhook is signed by 1 to 4 secrets of 24 to 64 "
                        "bytes");
    for (size_t i = 0; i < secrets->n; i++) {
        if (!mac_of(worker, &secrets->all[i], webhook, mac)) {
            out[0] = '\0';
            return rdt_fail(err, RDT_E_INTERNAL, "sign a webhook");
        }
        if (i != 0)
            out[at++] = ' ';
        memcpy(out + at, SIGNATURE_FRONT, sizeof SIGNATURE_FRONT - 1);
        at += sizeof SIGNATURE_FRONT - 1;
        rdt_base64_put((struct rdt_span){mac, sizeof mac}, out + at);
        at += SIGNATURE_TEXT;
    }
    out[at] = '\0';
    return RDT_OK;
}

struct signatures {
    uint8_t v1[RDT_WEBHOOK_SIGNATURES_MAX][RDT_SHA256_LEN];
    size_t n;
};

/* "version,value" with one space between them. Of v1 each value is base64 of 32 bytes, or no
 * signature. False: not a list, or too long a one. */
static bool
read_signatures(struct rdt_span in, struct signatures *out)
{
    struct rdt_span one, version;
    size_t seen = 0;
    out->n = 0;
    if (in.n == 0 || in.n > RDT_WEBHOOK_HEADER_MAX)
        return false;
    while (in.n != 0) {
        uint8_t mac[SIGNATURE_TEXT / 4 * 3];
        size_t n = 0;
        bool last = !rdt_take_until(&in, ' ', &one);
        if (last && !rdt_take(&in, in.n, &one))
            return false;
        if (!last && in.n == 0) /* a space at the end */
            return false;
        if (++seen > RDT_WEBHOOK_SIGNATURES_MAX || !rdt_take_until(&one, ',', &version) ||
            version.n == 0)
            return false;
        if (rdt_span_is(version, "v1") && one.n == SIGNATURE_TEXT && rdt_base64_get(one, mac, &n) &&
            n == RDT_SHA256_LEN)
            memcpy(out->v1[out->n++], mac, n);
    }
    return true;
}

/* Each signature against each secret, whatever the ones before said. */
static enum rdt_webhook_verdict
match(struct rdt_worker *worker, const struct rdt_hook_secrets *secrets,
      const struct rdt_hook *webhook, const struct signatures *signatures)
{
    bool found = false;
    for (size_t i = 0; i < secrets->n; i++) {
        uint8_t mac[RDT_SHA256_LEN];
        if (!mac_of(worker, &secrets->all[i], webhook, mac))
            return RDT_WEBHOOK_INTERNAL;
        for (size_t k = 0; k < signatures->n; k++)
            found |= rdt_same((struct rdt_span){mac, sizeof mac},
                              (struct rdt_span){signatures->v1[k], sizeof mac});
        explicit_bzero(mac, sizeof mac); /* the right answer for a forged body */
    }
    return found ? RDT_WEBHOOK_MATCH : RDT_WEBHOOK_NO_MATCH;
}

enum rdt_webhook_verdict
rdt_hook_check(struct rdt_worker *worker, const struct rdt_hook_secrets *secrets,
               const struct rdt_hook *webhook, int64_t now_s)
{
    int64_t timestamp_s;
    struct signatures signatures;
    if (!is_id(webhook->id) || !read_timestamp(webhook->timestamp, &timestamp_s) ||
        !read_signatures(webhook->signature, &signatures))
        return RDT_WEBHOOK_MALFORMED;
    if (!are_secrets(secrets) || now_s < 0)
        return RDT_WEBHOOK_INTERNAL;
    if (now_s - timestamp_s > RDT_WEBHOOK_WINDOW_S)
        return RDT_WEBHOOK_LATE;
    if (timestamp_s - now_s > RDT_WEBHOOK_WINDOW_S)
        return RDT_WEBHOOK_EARLY;
    return match(worker, secrets, webhook, &signatures);
}

/* ---- replays ---- */

void
rdt_webhook_window_init(struct rdt_webhook_window *window, struct rdt_webhook_slot *slots, size_t n)
{
    *window =
        (struct rdt_webhook_window){slots, n < RDT_WEBHOOK_SLOTS_MAX ? n : RDT_WEBHOOK_SLOTS_MAX};
    if (window->n != 0)
        memset(slots, 0, window->n * sizeof *slots);
}

/* Where an id is, or may go: PROBES slots in a row from one that its digest names. */
struct place {
    struct rdt_webhook_slot *is, *room; /* NULL: not there; none */
    uint8_t id[16];
};

static bool
find(struct rdt_worker *worker, const struct rdt_webhook_window *window, struct rdt_span id,
     int64_t now_s, struct place *out)
{
    uint8_t digest[RDT_SHA256_LEN];
    uint64_t home = 0;
    *out = (struct place){0};
    if (window->n == 0 || rdt_digest(worker, &id, 1, digest, NULL) != RDT_OK)
        return false;
    memcpy(out->id, digest, sizeof out->id);
    for (size_t i = 0; i < 8; i++)
        home = home << 8 | digest[16 + i];
    for (size_t i = 0; i < PROBES && i < window->n; i++) {
        struct rdt_webhook_slot *slot = &window->slots[(home % window->n + i) % window->n];
        bool over = slot->until_s < now_s;
        if (over && out->room == NULL)
            out->room = slot;
        if (!over && rdt_span_eq((struct rdt_span){slot->id, sizeof slot->id},
                                 (struct rdt_span){out->id, sizeof out->id}))
            out->is = slot;
    }
    return true;
}

enum rdt_webhook_verdict
rdt_hook_remember(struct rdt_worker *worker, struct rdt_webhook_window *window,
                  const struct rdt_hook *webhook, int64_t now_s)
{
    struct place place;
    int64_t timestamp_s;
    if (!is_id(webhook->id) || !read_timestamp(webhook->timestamp, &timestamp_s) || now_s <= 0)
        return RDT_WEBHOOK_MALFORMED;
    int64_t until_s = timestamp_s + RDT_WEBHOOK_WINDOW_S;
    if (until_s < now_s) /* rdt_hook_check() was not asked */
        return RDT_WEBHOOK_LATE;
    if (!find(worker, window, webhook->id, now_s, &place))
        return RDT_WEBHOOK_INTERNAL;
    struct rdt_webhook_slot *slot = place.is != NULL ? place.is : place.room;
    if (slot == NULL)
        return RDT_WEBHOOK_FULL;
    if (place.is == NULL || until_s > slot->until_s) /* a later try of the same webhook */
        slot->until_s = until_s;
    memcpy(slot->id, place.id, sizeof slot->id);
    return place.is != NULL ? RDT_WEBHOOK_REPLAY : RDT_WEBHOOK_MATCH;
}

bool
rdt_hook_forget(struct rdt_worker *worker, struct rdt_webhook_window *window,
                const struct rdt_hook *webhook)
{
    struct place place;
    if (!find(worker, window, webhook->id, INT64_MIN, &place))
        return false;
    if (place.is != NULL)
        *place.is = (struct rdt_webhook_slot){0};
    return true;
}
