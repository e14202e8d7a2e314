#include "work/unlock.h"

#include "base/secret_file.h"
#include "client/kek.h"
#include "codec/agekey.h"
#include "codec/base64.h"
#include "work/service_internal.h"

#include <stdio.h>

/* A search for the key of one file. */
struct search {
    const struct rdt_unlock *with;
    struct rdt_worker *worker;
    const struct rdt_seal_head *head;
    struct rdt_seal_at *at;
    struct rdt_secret *file_key;

    struct rdt_share shares[RDT_SHARES_MAX]; /* of one group in one slot */
    unsigned n_shares, group, slot;

    enum rdt_seal_fault fault; /* the worst that was met, short of no key */
    bool refused;              /* a service or token said no; err has its words */
    unsigned kinds;            /* bits of the kinds of recipients */
};

enum rdt_code
rdt_unlock_add_file(struct rdt_unlock *with, const char *path, struct rdt_err *err)
{
    RDT_SECRET text = {0};
    size_t before = with->n + with->n_hybrids;
    enum rdt_code rc = rdt_secret_read(path, &text, err);
    struct rdt_span rest = {text.p, text.n};
    while (rc == RDT_OK) {
        RDT_SECRET key = {0};
        enum rdt_agekey_kind kind;
        rc = rdt_agekey_next(&rest, &kind, &key, err);
        if (rc != RDT_OK || key.n == 0)
            break;
        if (with->n + with->n_hybrids == RDT_IDENTITIES_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "%s: more than %d keys", path, RDT_IDENTITIES_MAX);
        if (kind == RDT_AGEKEY_HYBRID)
            with->hybrids[with->n_hybrids++] = key;
        else
            with->identities[with->n++] = key;
        key = (struct rdt_secret){0};
    }
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", path);
    return with->n + with->n_hybrids == before
               ? rdt_fail(err, RDT_E_BADINPUT, "%s: no key in it", path)
               : RDT_OK;
}

static void
shares_done(struct search *s)
{
    for (unsigned i = 0; i < s->n_shares; i++)
        rdt_secret_wipe(&s->shares[i].y);
    s->n_shares = 0;
}

/* Whether the key that a stanza gave is the file's. */
static bool
fits(struct search *s)
{
    if (s->file_key->n == RDT_KEY_LEN) {
        enum rdt_seal_fault fault = rdt_seal_unlock(s->worker, s->head, s->at, s->file_key, 0);
        if (fault == RDT_SEAL_OK)
            return true;
        if (s->fault == RDT_SEAL_OK || s->fault == RDT_SEAL_KEY)
            s->fault = fault;
    }
    rdt_secret_wipe(s->file_key);
    return false;
}

static void
note(struct search *s, enum rdt_seal_fault fault)
{
    if (fault != RDT_SEAL_OK && fault != RDT_SEAL_RECIPIENT && s->fault == RDT_SEAL_OK)
        s->fault = fault;
}

static bool
try_x25519(struct search *s, const struct rdt_seal_stanza *stanza)
{
    for (size_t i = 0; i < s->with->n; i++) {
        enum rdt_seal_fault fault =
            rdt_seal_get_x25519(s->worker, s->head, stanza, &s->with->identities[i], s->file_key);
        note(s, fault);
        if (fault == RDT_SEAL_OK && fits(s))
            return true;
    }
    return false;
}

static bool
try_passphrase(struct search *s, const struct rdt_seal_stanza *stanza)
{
    if (s->with->passphrase.n == 0)
        return false;
    enum rdt_seal_fault fault =
        rdt_seal_get_passphrase(s->worker, s->head, stanza, &s->with->passphrase, s->file_key);
    note(s, fault);
    return fault == RDT_SEAL_OK && fits(s);
}

/* A share more; the key, when there are enough. Shares of another list, or of another group, are of
 * no use to those that are there. */
static bool
try_glass(struct search *s, const struct rdt_seal_stanza *stanza)
{
    if (s->n_shares != 0 && (s->slot != s->at->slot || s->group != stanza->as.glass.group))
        shares_done(s);
    s->slot = s->at->slot;
    s->group = stanza->as.glass.group;
    for (size_t i = 0; i < s->with->n && s->n_shares < RDT_SHARES_MAX; i++) {
        struct rdt_share share = {0};
        if (rdt_seal_get_share(s->worker, s->head, stanza, &s->with->identities[i], &share) !=
            RDT_SEAL_OK)
            continue;
        s->shares[s->n_shares++] = share;
        break;
    }
    if (s->n_shares == 0 || s->n_shares != stanza->as.glass.k)
        return false;
    return rdt_shamir_join(s->shares, s->n_shares, s->file_key, NULL) == RDT_OK && fits(s);
}

static bool
try_kms(struct search *s, const struct rdt_seal_stanza *stanza, struct rdt_err *err)
{
    char key[RDT_SEAL_KMS_KEY_MAX + 1];
    if (s->with->client == NULL || stanza->as.kms.key.n >= sizeof key)
        return false;
    memcpy(key, stanza->as.kms.key.p, stanza->as.kms.key.n);
    key[stanza->as.kms.key.n] = '\0';
    struct rdt_file_key_ask ask = {
        .key = key, .file_id = s->head->file_id, .tenant = stanza->as.kms.tenant};
    if (rdt_file_key_unwrap(s->with->client, &ask, stanza->as.kms.blob, s->file_key, err) !=
        RDT_OK) {
        s->refused = true;
        return false;
    }
    return fits(s);
}

static bool
try_tenant(struct search *s, const struct rdt_seal_stanza *stanza, struct rdt_err *err)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    char ring[RDT_UUID_TEXT];
    if (s->with->client == NULL)
        return false;
    rdt_uuid_text(stanza->as.tenant.ring.p, ring);
    struct rdt_kek_ask ask = {
        .ring = ring, .handle = stanza->as.tenant.handle, .epoch = stanza->as.tenant.epoch};
    if (rdt_client_kek(s->with->client, s->worker, &ask, NULL, &kek, err) != RDT_OK) {
        s->refused = true;
        return false;
    }
    enum rdt_seal_fault fault =
        rdt_seal_get_tenant(s->worker, s->head, stanza, &kek.key, s->file_key);
    note(s, fault);
    return fault == RDT_SEAL_OK && fits(s);
}

static bool
label(struct rdt_span from, char to[static RDT_P11_LABEL_MAX + 1])
{
    if (from.n > RDT_P11_LABEL_MAX)
        return false;
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return true;
}

static bool
try_p11(struct search *s, const struct rdt_seal_stanza *stanza, struct rdt_err *err)
{
    char token[RDT_P11_LABEL_MAX + 1], key[RDT_P11_LABEL_MAX + 1];
    RDT_BUF aad = {0};
    if (s->with->p11_module == NULL || s->with->pin.n == 0 || !label(stanza->as.p11.token, token) ||
        !label(stanza->as.p11.key, key))
        return false;
    struct rdt_p11 p11 = {
        .module = s->with->p11_module, .token = token, .key = key, .how = stanza->as.p11.how};
    rdt_seal_p11_aad(s->head->core, &aad);
    if (!rdt_buf_ok(&aad) || rdt_secret_new(s->file_key, RDT_P11_KEY_LEN, err) != RDT_OK)
        return false;
    if (rdt_p11_unwrap(&p11, &s->with->pin, rdt_buf_span(&aad), stanza->as.p11.wrapped, s->file_key,
                       err) != RDT_OK) {
        rdt_secret_wipe(s->file_key);
        s->refused = true;
        return false;
    }
    return fits(s);
}

static bool
try_one(struct search *s, const struct rdt_seal_stanza *stanza, struct rdt_err *err)
{
    s->kinds |= stanza->kind < 32 ? 1u << stanza->kind : 0;
    switch (stanza->kind) {
    case RDT_SEAL_X25519:
        return try_x25519(s, stanza);
    case RDT_SEAL_PASSPHRASE:
        return try_passphrase(s, stanza);
    case RDT_SEAL_GLASS:
        return try_glass(s, stanza);
    case RDT_SEAL_KMS:
        return try_kms(s, stanza, err);
    case RDT_SEAL_TENANT:
        return try_tenant(s, stanza, err);
    case RDT_SEAL_P11:
        return try_p11(s, stanza, err);
    default:
        return false;
    }
}

static enum rdt_code
nobody(const struct search *s, struct rdt_err *err)
{
    static const struct {
        unsigned kind;
        const char *what;
    } means[] = {
        {RDT_SEAL_X25519,     "a private key (-i)"                      },
        {RDT_SEAL_PASSPHRASE, "a passphrase (--passphrase-file)"        },
        {RDT_SEAL_KMS,        "the key service (AWS_ENDPOINT_URL...)"   },
        {RDT_SEAL_TENANT,     "a tenant's key of the key service"       },
        {RDT_SEAL_P11,        "a token (--hsm-module, --pin-file)"      },
        {RDT_SEAL_GLASS,      "enough break-glass holders (-i for each)"},
    };
    char text[RDT_ERR_HINT_MAX] = "";
    size_t at = 0;
    if (s->fault != RDT_SEAL_OK && s->fault != RDT_SEAL_RECIPIENT)
        return rdt_seal_fail(err, s->fault);
    if (s->refused)
        return err == NULL ? RDT_E_DENIED : err->code;
    for (size_t i = 0; i < RDT_COUNT(means); i++) {
        if ((s->kinds & 1u << means[i].kind) != 0 && at < sizeof text)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at == 0 ? "" : ", or ",
                                   means[i].what);
    }
    enum rdt_code rc = rdt_seal_fail(err, RDT_SEAL_RECIPIENT);
    if (at != 0)
        rdt_hint(err, "it can be opened with %s", text);
    return rc;
}

enum rdt_code
rdt_unlock_find(const struct rdt_unlock *with, struct rdt_worker *worker,
                const struct rdt_seal_head *head, struct rdt_seal_at *at,
                struct rdt_secret *file_key, struct rdt_err *err)
{
    struct search s = {
        .with = with, .worker = worker, .head = head, .at = at, .file_key = file_key};
    struct rdt_seal_stanza stanza;
    struct rdt_err local = {0};
    bool found = false;
    while (!found && rdt_seal_next(head, at, &stanza))
        found = try_one(&s, &stanza, &local);
    shares_done(&s);
    if (found)
        return RDT_OK;
    if (err != NULL)
        *err = local;
    return nobody(&s, err);
}

void
rdt_unlock_wipe(struct rdt_unlock *with)
{
    for (size_t i = 0; i < with->n; i++)
        rdt_secret_wipe(&with->identities[i]);
    for (size_t i = 0; i < with->n_hybrids; i++)
        rdt_secret_wipe(&with->hybrids[i]);
    with->n = with->n_hybrids = 0;
    rdt_secret_wipe(&with->passphrase);
    rdt_secret_wipe(&with->pin);
}
