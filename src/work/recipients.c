#include "work/recipients.h"

#include "client/kek.h"
#include "codec/agekey.h"
#include "codec/base64.h"
#include "work/service_internal.h"

#define P11_WORDS "token=LABEL;object=LABEL?module-path=/PATH"

/* Stanzas at most: kind and length, and what recipient.h has of each. */
enum { X25519_LEN = 128, SHARE_LEN = 160, PASSPHRASE_LEN = 128, TENANT_LEN = 128, P11_LEN = 1280 };
#define KMS_OVER                                                                                   \
    ((size_t)512) /* a ciphertext of Redoubt's service takes 148 + the key's 32 bytes */

static enum rdt_code
usage(struct rdt_err *err, const char *word)
{
    rdt_fail(err, RDT_E_USAGE, "'%s' is no recipient", word);
    rdt_hint(err, "age1..., kms:KEY, tenant:NAME@RING, or pkcs11:" P11_WORDS);
    return RDT_E_USAGE;
}

static enum rdt_code
next(struct rdt_recipients *to, struct rdt_recipient **out, struct rdt_err *err)
{
    if (to->n == RDT_RECIPIENTS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d recipients", RDT_RECIPIENTS_MAX);
    if (to->n != 0 && to->items[0].kind == RDT_TO_PASSPHRASE)
        return rdt_fail(err, RDT_E_USAGE,
                        "a passphrase stands alone: no other recipient beside it");
    *out = &to->items[to->n];
    **out = (struct rdt_recipient){0};
    return RDT_OK;
}

static bool
is_same(const struct rdt_recipient *a, const struct rdt_recipient *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == RDT_TO_X25519)
        return rdt_same((struct rdt_span){a->public_key, sizeof a->public_key},
                        (struct rdt_span){b->public_key, sizeof b->public_key});
    if (a->kind == RDT_TO_HYBRID)
        return rdt_same((struct rdt_span){a->hybrid_key, RDT_AGEKEY_HYBRID_LEN},
                        (struct rdt_span){b->hybrid_key, RDT_AGEKEY_HYBRID_LEN});
    if (a->kind == RDT_TO_P11)
        return strcmp(a->p11.token, b->p11.token) == 0 && strcmp(a->p11.key, b->p11.key) == 0;
    if (a->kind == RDT_TO_GLASS)
        return true;
    return strcmp(a->key, b->key) == 0 &&
           (a->tenant == NULL || b->tenant == NULL ? a->tenant == b->tenant
                                                   : strcmp(a->tenant, b->tenant) == 0);
}

/* The one that was just filled. */
static enum rdt_code
keep(struct rdt_recipients *to, const char *word, struct rdt_err *err)
{
    for (size_t i = 0; i < to->n; i++) {
        if (is_same(&to->items[i], &to->items[to->n]))
            return rdt_fail(err, RDT_E_USAGE, "recipient '%s' is given twice", word);
    }
    to->n++;
    return RDT_OK;
}

/* token=T;object=K?module-path=/P, the three in any order. */
static enum rdt_code
read_p11(struct rdt_recipients *to, const char *at, struct rdt_recipient *out, struct rdt_err *err)
{
    static const char *const names[] = {"token=", "object=", "module-path="};
    const char *values[RDT_COUNT(names)] = {NULL};
    while (*at != '\0') {
        size_t n = strcspn(at, ";?&"), i = 0;
        while (i < RDT_COUNT(names) && strncmp(at, names[i], strlen(names[i])) != 0)
            i++;
        if (i == RDT_COUNT(names) || values[i] != NULL || memchr(at, '%', n) != NULL)
            return usage(err, at);
        struct rdt_span value = {(const uint8_t *)at + strlen(names[i]), n - strlen(names[i])};
        values[i] = rdt_arena_str(&to->arena, value);
        if (values[i] == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "recipient");
        at += n + (at[n] != '\0');
    }
    out->kind = RDT_TO_P11;
    out->p11 = (struct rdt_p11){.token = values[0], .key = values[1], .module = values[2]};
    if (values[0] == NULL || values[1] == NULL || values[2] == NULL || values[0][0] == '\0' ||
        values[1][0] == '\0' || values[2][0] != '/')
        return usage(err, "pkcs11:...");
    return RDT_OK;
}

static enum rdt_code
read_tenant(struct rdt_recipients *to, const char *word, struct rdt_recipient *out,
            struct rdt_err *err)
{
    const char *name = word + strlen("tenant:"), *at = strchr(name, '@');
    if (at == NULL || at == name || at[1] == '\0')
        return usage(err, word);
    out->kind = RDT_TO_TENANT;
    out->key = at + 1;
    out->tenant =
        rdt_arena_str(&to->arena, (struct rdt_span){(const uint8_t *)name, (size_t)(at - name)});
    return out->tenant == NULL ? rdt_fail(err, RDT_E_NOMEM, "recipient") : RDT_OK;
}

enum rdt_code
rdt_recipients_add(struct rdt_recipients *to, const char *word, const char *tenant,
                   struct rdt_err *err)
{
    struct rdt_recipient *out = NULL;
    enum rdt_code rc = next(to, &out, err);
    if (rc != RDT_OK)
        return rc;
    if (strncmp(word, "kms:", 4) == 0 && word[4] != '\0') {
        out->kind = RDT_TO_KMS;
        out->key = word + 4;
        out->tenant = tenant;
        if (strlen(out->key) > RDT_SEAL_KMS_KEY_MAX ||
            (tenant != NULL && (tenant[0] == '\0' || strlen(tenant) > RDT_SEAL_KMS_TENANT_MAX)))
            rc = rdt_fail(err, RDT_E_LIMIT, "the name of a key or tenant is too long, or empty");
    } else if (strncmp(word, "tenant:", 7) == 0) {
        rc = read_tenant(to, word, out, err);
    } else if (strncmp(word, "pkcs11:", 7) == 0) {
        rc = read_p11(to, word + 7, out, err);
    } else if (strncmp(word, "age1pq1", 7) == 0) {
        out->kind = RDT_TO_HYBRID;
        out->hybrid_key = rdt_arena_new(&to->arena, RDT_AGEKEY_HYBRID_LEN);
        rc = out->hybrid_key == NULL
                 ? rdt_fail(err, RDT_E_NOMEM, "recipient")
                 : rdt_agekey_hybrid_get(rdt_span_str(word), out->hybrid_key, err);
    } else if (strncmp(word, "age1", 4) == 0 || strncmp(word, "AGE", 3) == 0) {
        out->kind = RDT_TO_X25519;
        rc = rdt_agekey_public_get(rdt_span_str(word), out->public_key, err);
    } else {
        rc = usage(err, word);
    }
    return rc == RDT_OK ? keep(to, word, err) : rc;
}

enum rdt_code
rdt_recipients_add_glass(struct rdt_recipients *to, const char *words, struct rdt_err *err)
{
    struct rdt_recipient *out = NULL;
    enum rdt_code rc = next(to, &out, err);
    const char *at = words;
    if (rc != RDT_OK)
        return rc;
    out->kind = RDT_TO_GLASS;
    out->holders = rdt_arena_new(&to->arena, RDT_SHARES_MAX * sizeof *out->holders);
    if (out->holders == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "recipient");
    unsigned k = 0;
    while (*at >= '0' && *at <= '9' && k <= RDT_SHARES_MAX)
        k = k * 10 + (unsigned)(*at++ - '0');
    for (bool more = *at++ == ':'; more && rc == RDT_OK;) {
        size_t n = strcspn(at, ",");
        if (out->n == RDT_SHARES_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "more than %d holders", RDT_SHARES_MAX);
        rc = rdt_agekey_public_get((struct rdt_span){(const uint8_t *)at, n},
                                   out->holders[out->n++], err);
        more = at[n] == ',';
        at += n + 1;
    }
    if (rc == RDT_OK && (k < 2 || k > out->n)) {
        rdt_fail(err, RDT_E_USAGE, "break-glass is K:age1...,age1..., with 2 <= K <= holders");
        return RDT_E_USAGE;
    }
    out->k = (uint8_t)k;
    return rc == RDT_OK ? keep(to, "break-glass", err) : rc;
}

enum rdt_code
rdt_recipients_add_passphrase(struct rdt_recipients *to, const struct rdt_secret *passphrase,
                              struct rdt_err *err)
{
    struct rdt_recipient *out = NULL;
    if (to->n != 0)
        return rdt_fail(err, RDT_E_USAGE,
                        "a passphrase stands alone: no other recipient beside it");
    enum rdt_code rc = next(to, &out, err);
    if (rc != RDT_OK)
        return rc;
    out->kind = RDT_TO_PASSPHRASE;
    to->passphrase = passphrase;
    to->n++;
    return RDT_OK;
}

bool
rdt_recipients_need_service(const struct rdt_recipients *to)
{
    bool need = false;
    for (size_t i = 0; i < to->n; i++)
        need = need || to->items[i].kind == RDT_TO_KMS || to->items[i].kind == RDT_TO_TENANT;
    return need;
}

size_t
rdt_recipients_len(const struct rdt_recipients *to)
{
    size_t n = 0;
    for (size_t i = 0; i < to->n; i++) {
        const struct rdt_recipient *one = &to->items[i];
        switch (one->kind) {
        case RDT_TO_X25519:
            n += X25519_LEN;
            break;
        case RDT_TO_HYBRID: /* refused when it is wrapped for */
            break;
        case RDT_TO_KMS:
            n += KMS_OVER + strlen(one->key) + (one->tenant == NULL ? 0 : strlen(one->tenant));
            break;
        case RDT_TO_TENANT:
            n += TENANT_LEN;
            break;
        case RDT_TO_P11:
            n += P11_LEN;
            break;
        case RDT_TO_GLASS:
            n += (size_t)one->n * SHARE_LEN;
            break;
        case RDT_TO_PASSPHRASE:
            n += PASSPHRASE_LEN;
            break;
        }
    }
    return n;
}

/* ---- wrapping */

static enum rdt_code
wrap_kms(const struct rdt_recipients *to, const struct rdt_recipient *one,
         const struct rdt_wrap_about *about, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_BUF blob = {0};
    RDT_BUF key = {0};
    struct rdt_span tenant = one->tenant == NULL ? (struct rdt_span){0} : rdt_span_str(one->tenant);
    struct rdt_file_key_ask ask = {.key = one->key, .file_id = about->file_id, .tenant = tenant};
    enum rdt_code rc = rdt_file_key_wrap(to->client, &ask, about->file_key, &blob, &key, err);
    if (rc != RDT_OK)
        return rc;
    enum rdt_seal_fault fault =
        rdt_seal_add_kms(rdt_buf_span(&key), tenant, rdt_buf_span(&blob), out);
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

static void
kek_done(struct rdt_tenant_kek *kek)
{
    rdt_kek_wipe(kek);
}

static enum rdt_code
wrap_tenant(const struct rdt_recipients *to, const struct rdt_recipient *one,
            const struct rdt_wrap_about *about, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(kek_done) struct rdt_tenant_kek kek = {0};
    struct rdt_kek_ask ask = {.ring = one->key, .tenant = one->tenant};
    enum rdt_code rc = rdt_client_kek(to->client, about->worker, &ask, NULL, &kek, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "the key of tenant %s", one->tenant);
    struct rdt_seal_tenant tenant = {.ring = kek.ring, .handle = kek.handle, .epoch = kek.epoch};
    enum rdt_seal_fault fault =
        rdt_seal_add_tenant(about->worker, about->core, about->file_key, &tenant, &kek.key, out);
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

static enum rdt_code
wrap_p11(const struct rdt_recipients *to, const struct rdt_recipient *one,
         const struct rdt_wrap_about *about, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_BUF aad = {0};
    RDT_BUF wrapped = {0};
    struct rdt_p11 p11 = one->p11;
    if (to->pin == NULL)
        return rdt_fail(err, RDT_E_USAGE, "token %s: --pin-file is needed", p11.token);
    rdt_seal_p11_aad(about->core, &aad);
    enum rdt_code rc =
        rdt_buf_ok(&aad) ? rdt_p11_make(&p11, to->pin, err) : rdt_fail(err, RDT_E_NOMEM, "wrap");
    if (rc == RDT_OK)
        rc = rdt_p11_wrap(&p11, to->pin, rdt_buf_span(&aad), about->file_key, &wrapped, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "token %s", p11.token);
    enum rdt_seal_fault fault = rdt_seal_add_p11(&p11, rdt_buf_span(&wrapped), out);
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

static enum rdt_seal_fault
wrap_glass(const struct rdt_recipient *one, const struct rdt_wrap_about *about, struct rdt_buf *out)
{
    struct rdt_span keys[RDT_SHARES_MAX];
    for (size_t i = 0; i < one->n; i++)
        keys[i] = (struct rdt_span){one->holders[i], RDT_HPKE_PUBLIC_LEN};
    struct rdt_seal_glass glass = {.k = one->k, .n = one->n, .public_keys = keys};
    return rdt_seal_add_glass(about->worker, about->core, about->file_key, &glass, out);
}

static enum rdt_seal_fault
wrap_passphrase(const struct rdt_recipients *to, const struct rdt_wrap_about *about,
                struct rdt_buf *out)
{
    struct rdt_argon cost = to->cost;
    if (cost.memory_kib == 0)
        cost = (struct rdt_argon){.memory_kib = 256 << 10, .passes = 3, .lanes = 1};
    return rdt_seal_add_passphrase(about->worker, about->core, about->file_key, to->passphrase,
                                   &cost, out);
}

static enum rdt_code
wrap_one(const struct rdt_recipients *to, const struct rdt_recipient *one,
         const struct rdt_wrap_about *about, struct rdt_buf *out, struct rdt_err *err)
{
    enum rdt_seal_fault fault = RDT_SEAL_OK;
    switch (one->kind) {
    case RDT_TO_KMS:
        return wrap_kms(to, one, about, out, err);
    case RDT_TO_TENANT:
        return wrap_tenant(to, one, about, out, err);
    case RDT_TO_P11:
        return wrap_p11(to, one, about, out, err);
    case RDT_TO_HYBRID:
        return rdt_fail(err, RDT_E_USAGE,
                        "age1pq1... keys are for files in age's format: --format age");
    case RDT_TO_X25519:
        fault =
            rdt_seal_add_x25519(about->worker, about->core, about->file_key,
                                (struct rdt_span){one->public_key, sizeof one->public_key}, out);
        break;
    case RDT_TO_GLASS:
        fault = wrap_glass(one, about, out);
        break;
    case RDT_TO_PASSPHRASE:
        fault = wrap_passphrase(to, about, out);
        break;
    }
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

enum rdt_code
rdt_recipients_wrap(const struct rdt_recipients *to, const struct rdt_wrap_about *about,
                    struct rdt_buf *stanzas, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    if (to->n == 0)
        return rdt_fail(err, RDT_E_USAGE, "a file without a recipient nobody could open");
    if (rdt_recipients_need_service(to) && to->client == NULL)
        return rdt_fail(err, RDT_E_USAGE, "a recipient of the key service, and no server");
    for (size_t i = 0; i < to->n && rc == RDT_OK; i++)
        rc = wrap_one(to, &to->items[i], about, stanzas, err);
    return rc;
}

void
rdt_recipients_done(struct rdt_recipients *to)
{
    rdt_arena_done(&to->arena);
    *to = (struct rdt_recipients){0};
}
