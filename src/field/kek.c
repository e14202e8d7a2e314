#include "field/kek.h"

#include "base/text.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/jtok.h"
#include "crypto/hpke.h"

#include <stdlib.h>

#define UUID_CHARS 36
#define SEALED_LEN (RDT_KEY_LEN + RDT_GCM_TAG_LEN)

void
rdt_kek_wipe(struct rdt_tenant_kek *kek)
{
    rdt_secret_wipe(&kek->key);
    *kek = (struct rdt_tenant_kek){0};
}

/* ---- the request ---- */

static bool
text_ok(const char *text, size_t max)
{
    size_t n = strnlen(text, max + 1);
    return n != 0 && n <= max && rdt_text_fit((struct rdt_span){(const uint8_t *)text, n});
}

static enum rdt_code
check_ask(const struct rdt_kek_ask *ask, struct rdt_err *err)
{
    if (ask->ring == NULL || !text_ok(ask->ring, RDT_KEK_RING_MAX))
        return rdt_fail(err, RDT_E_BADINPUT, "no ring to ask for, or no proper name of one");
    if ((ask->tenant == NULL) == (ask->handle == 0))
        return rdt_fail(err, RDT_E_BADINPUT, "a key is asked for by either tenant or handle");
    if (ask->tenant != NULL && !text_ok(ask->tenant, RDT_KEK_TENANT_MAX))
        return rdt_fail(err, RDT_E_BADINPUT, "no proper name of a tenant");
    return RDT_OK;
}

enum rdt_code
rdt_kek_request(struct rdt_worker *worker, const struct rdt_kek_ask *ask,
                struct rdt_secret *private_key, struct rdt_buf *body, struct rdt_err *err)
{
    uint8_t public_key[RDT_HPKE_PUBLIC_LEN];
    enum rdt_code rc = check_ask(ask, err);
    if (rc == RDT_OK)
        rc = rdt_hpke_keypair(worker, private_key, public_key, err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "KeyId", ask->ring);
    rdt_jout_str(body, "Tenant", ask->tenant); /* NULL writes nothing */
    if (ask->handle != 0)
        rdt_jout_int(body, "Handle", ask->handle);
    if (ask->epoch != 0)
        rdt_jout_int(body, "Epoch", ask->epoch);
    rdt_jout_blob(body, "PublicKey", (struct rdt_span){public_key, sizeof public_key});
    rdt_jout_close(body, '}');
    if (rdt_buf_ok(body))
        return RDT_OK;
    rdt_secret_wipe(private_key);
    return rdt_fail(err, RDT_E_NOMEM, "ask for a key");
}

/* ---- the answer ---- */

/* What the members say, before it is believed. */
struct said {
    struct rdt_tenant_kek kek; /* without its key */
    uint8_t enc[RDT_HPKE_PUBLIC_LEN], sealed[SEALED_LEN];
};

static struct rdt_span
string(const struct rdt_jdoc *doc, const char *name)
{
    uint32_t token = rdt_jget(doc, 0, name);
    if (token == 0 || doc->tok[token].type != RDT_J_STRING)
        return (struct rdt_span){NULL, 0};
    return rdt_jspan(doc, token);
}

static bool
number(const struct rdt_jdoc *doc, const char *name, int64_t max, int64_t *out)
{
    uint32_t token = rdt_jget(doc, 0, name);
    return token != 0 && doc->tok[token].type == RDT_J_NUMBER && rdt_jint(doc, token, out) &&
           *out >= 1 && *out <= max;
}

static bool
blob(const struct rdt_jdoc *doc, const char *name, uint8_t *out, size_t n)
{
    uint8_t bytes[SEALED_LEN + 3];
    struct rdt_span text = string(doc, name);
    size_t got;
    if (text.n != rdt_base64_len(n) || !rdt_base64_get(text, bytes, &got) || got != n)
        return false;
    memcpy(out, bytes, n);
    return true;
}

static bool
read_members(const struct rdt_jdoc *doc, struct said *out)
{
    struct rdt_tenant_kek *kek = &out->kek;
    struct rdt_span name = string(doc, "Tenant");
    int64_t handle = 0, epoch = 0, current = 0, ttl = 0;
    bool ok = rdt_uuid_parse(string(doc, "KeyId"), kek->ring);
    ok = ok && rdt_uuid_parse(string(doc, "TenantId"), kek->tenant);
    ok = ok && name.n != 0 && name.n <= RDT_KEK_TENANT_MAX && rdt_text_fit(name);
    ok = ok && number(doc, "Handle", UINT32_MAX, &handle);
    ok = ok && number(doc, "Epoch", RDT_EPOCH_MAX, &epoch);
    ok = ok && number(doc, "CurrentEpoch", RDT_EPOCH_MAX, &current) && epoch <= current;
    ok = ok && number(doc, "TtlSeconds", RDT_KEK_TTL_MAX, &ttl);
    ok = ok && blob(doc, "Encapsulated", out->enc, sizeof out->enc);
    ok = ok && blob(doc, "SealedKey", out->sealed, sizeof out->sealed);
    if (!ok)
        return false;
    memcpy(kek->name, name.p, name.n);
    kek->handle = (uint32_t)handle;
    kek->epoch = (uint16_t)epoch;
    kek->current_epoch = (uint16_t)current;
    kek->ttl_s = (uint32_t)ttl;
    return true;
}

static bool
scan(struct rdt_span json, struct said *out, bool *no_memory)
{
    RDT_BUF text = {0}; /* strings are unescaped in place */
    struct rdt_jdoc *doc = malloc(sizeof *doc);
    rdt_buf_add(&text, json.p, json.n);
    *no_memory = doc == NULL || !rdt_buf_ok(&text);
    bool ok = !*no_memory && rdt_jscan(text.p, text.n, doc) && read_members(doc, out);
    free(doc);
    return ok;
}

/* The UUID in a ring's id or ARN; an alias names none. */
static bool
ring_uuid(const char *ring, uint8_t out[static 16])
{
    size_t n = strlen(ring);
    const char *at = strncmp(ring, "arn:", 4) == 0 ? strstr(ring, ":key/") : NULL;
    if (at != NULL)
        n = strlen(at += strlen(":key/"));
    else
        at = ring;
    return n == UUID_CHARS && rdt_uuid_parse((struct rdt_span){(const uint8_t *)at, n}, out);
}

static bool
same_uuid(const uint8_t a[static 16], const uint8_t b[static 16])
{
    return rdt_span_eq((struct rdt_span){a, 16}, (struct rdt_span){b, 16});
}

/* As the service looks it up: what reads as a UUID is no name. */
static bool
is_tenant(const char *asked, const struct rdt_tenant_kek *kek)
{
    uint8_t id[16];
    return rdt_uuid_parse(rdt_span_str(asked), id) ? same_uuid(id, kek->tenant)
                                                   : strcmp(asked, kek->name) == 0;
}

/* What of it is not what was asked for; NULL: nothing. */
static const char *
other_than_asked(const struct rdt_kek_ask *ask, const struct rdt_tenant_kek *kek)
{
    uint8_t ring[16];
    if (ring_uuid(ask->ring, ring) && !same_uuid(ring, kek->ring))
        return "ring";
    if (ask->handle != 0 && ask->handle != kek->handle)
        return "handle";
    if (ask->tenant != NULL && !is_tenant(ask->tenant, kek))
        return "tenant";
    if (kek->epoch != (ask->epoch != 0 ? ask->epoch : kek->current_epoch))
        return "epoch";
    return NULL;
}

static enum rdt_code
unseal(struct rdt_worker *worker, const struct rdt_secret *private_key, struct said *said)
{
    uint8_t info[RDT_KEK_INFO_LEN];
    struct rdt_hpke_about about = {
        .info = {info, sizeof info}
    };
    rdt_kek_info(&(struct rdt_kek_place){.key = said->kek.ring,
                                         .tenant = said->kek.tenant,
                                         .handle = said->kek.handle,
                                         .epoch = said->kek.epoch},
                 info);
    return rdt_hpke_open(worker, private_key, &about,
                         (struct rdt_span){said->enc, sizeof said->enc},
                         (struct rdt_span){said->sealed, sizeof said->sealed}, &said->kek.key);
}

enum rdt_code
rdt_kek_open(struct rdt_worker *worker, const struct rdt_kek_answer *answer,
             struct rdt_tenant_kek *out, struct rdt_err *err)
{
    struct said said = {.kek = {.ttl_s = 0}};
    bool no_memory = false;
    if (answer->json.n == 0 || answer->json.n > RDT_KEK_ANSWER_MAX ||
        !scan(answer->json, &said, &no_memory))
        return no_memory ? rdt_fail(err, RDT_E_NOMEM, "read a key")
                         : rdt_fail(err, RDT_E_PROTOCOL, "the service's answer is no key");
    const char *other = other_than_asked(answer->ask, &said.kek);
    if (other != NULL)
        return rdt_fail(err, RDT_E_PROTOCOL, "the service answered about another %s", other);
    enum rdt_code rc = unseal(worker, answer->private_key, &said);
    if (rc == RDT_E_BADINPUT || rc == RDT_E_TAMPERED)
        return rdt_fail(err, RDT_E_TAMPERED, "the key in the service's answer does not open");
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "open a key");
    *out = said.kek;
    return RDT_OK;
}
