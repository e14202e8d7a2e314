/*
 * The root secret: made, opened through a seal, used on items, replaced.
 */
#include "kms/root.h"

#include "base/clock.h"
#include "kms/root_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK_LABEL "redoubt root check v1"
#define ITEM_LABEL "redoubt root item v1"

void
rdt_root_free(struct rdt_root *root)
{
    if (root != NULL)
        explicit_bzero(root, sizeof *root); /* a development seal's key is in it */
    free(root);
}

void
rdt_root_free_at(struct rdt_root **root)
{
    rdt_root_free(*root);
}

void
rdt_root_lock(struct rdt_root_open *open)
{
    if (open == NULL)
        return;
    rdt_secret_wipe(&open->root);
    rdt_secret_wipe(&open->items);
    rdt_worker_close(open->worker);
    free(open);
}

void
rdt_root_lock_at(struct rdt_root_open **open)
{
    rdt_root_lock(*open);
}

/* ---- what the file says ---- */

const uint8_t *
rdt_root_deployment(const struct rdt_root *root)
{
    return root->deployment;
}

int64_t
rdt_root_created(const struct rdt_root *root)
{
    return root->created_s;
}

const char *
rdt_root_item(const struct rdt_root *root, size_t i)
{
    return i < root->n_items ? root->items[i].name : NULL;
}

static void
describe(const struct root_seal *seal, char *out, size_t room)
{
    switch (seal->type) {
    case RDT_SEAL_DEVELOPMENT:
        snprintf(out, room, "nothing: DEVELOPMENT, its key lies beside it");
        break;
    case RDT_SEAL_PASSPHRASE:
        snprintf(out, room, "a passphrase: Argon2id, %u MiB, %u pass%s, %u lane%s",
                 seal->argon.memory_kib >> 10, seal->argon.passes,
                 seal->argon.passes == 1 ? "" : "es", seal->argon.lanes,
                 seal->argon.lanes == 1 ? "" : "s");
        break;
    case RDT_SEAL_SHAMIR:
        snprintf(out, room, "any %u of %u shares", seal->threshold, seal->shares);
        break;
    case RDT_SEAL_PKCS11:
        snprintf(out, room, "a PIN: token '%s', key '%s' (%s)", seal->token, seal->key,
                 rdt_p11_how_name(seal->how));
        break;
    }
}

size_t
rdt_root_seals(const struct rdt_root *root, struct rdt_seal_info out[static RDT_ROOT_SEALS_MAX])
{
    for (size_t i = 0; i < root->n_seals; i++) {
        const struct root_seal *seal = &root->seals[i];
        out[i] = (struct rdt_seal_info){.type = seal->type,
                                        .threshold = seal->threshold,
                                        .shares = seal->shares,
                                        .created_s = seal->created_s};
        memcpy(out[i].id, seal->id, sizeof out[i].id);
        describe(seal, out[i].detail, sizeof out[i].detail);
    }
    return root->n_seals;
}

const char *
rdt_root_custody(const struct rdt_root *root)
{
    static const char *const words[] = {[RDT_SEAL_DEVELOPMENT] = "development",
                                        [RDT_SEAL_PASSPHRASE] = "passphrase",
                                        [RDT_SEAL_SHAMIR] = "shamir",
                                        [RDT_SEAL_PKCS11] = "hsm"};
    enum rdt_seal_type weakest = RDT_SEAL_PKCS11; /* types ascend in strength */
    for (size_t i = 0; i < root->n_seals; i++)
        weakest = root->seals[i].type < weakest ? root->seals[i].type : weakest;
    return words[weakest];
}

static size_t
count(const struct rdt_root *root, enum rdt_seal_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < root->n_seals; i++)
        n += root->seals[i].type == type;
    return n;
}

bool
rdt_root_needs_second(const struct rdt_root *root)
{
    size_t real = root->n_seals - count(root, RDT_SEAL_DEVELOPMENT);
    if (real == 0)
        return false;
    return real < 2 || (count(root, RDT_SEAL_PKCS11) != 0 && count(root, RDT_SEAL_SHAMIR) == 0);
}

/* Whether after may take before's place: no way in gets lost, and none but the open one is left. */
static enum rdt_code
check_left(const struct rdt_root *before, const struct rdt_root *after, struct rdt_err *err)
{
    if (after->n_seals == 0)
        return rdt_fail(err, RDT_E_STATE, "the last seal stays");
    if (count(after, RDT_SEAL_DEVELOPMENT) == after->n_seals &&
        count(before, RDT_SEAL_DEVELOPMENT) != before->n_seals)
        return rdt_fail(err, RDT_E_STATE, "only a development seal would be left");
    if (rdt_root_needs_second(after) && !rdt_root_needs_second(before)) {
        rdt_fail(err, RDT_E_STATE, "a second seal would be missing");
        rdt_hint(err, "add the seal that is to take its place first");
        return RDT_E_STATE;
    }
    return RDT_OK;
}

/* ---- the root secret ---- */

static enum rdt_code
check_value(const struct rdt_root *root, const struct rdt_root_open *open,
            uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    struct rdt_span parts[] = {
        rdt_span_str(CHECK_LABEL), {root->deployment, sizeof root->deployment}
    };
    enum rdt_code rc = rdt_hmac(open->worker, &open->root, parts, RDT_COUNT(parts), out);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "the root's check value");
}

static enum rdt_code
new_open(struct rdt_root_open **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = calloc(1, sizeof *open);
    if (open == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the root");
    enum rdt_code rc = rdt_worker_open(&open->worker, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&open->root, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&open->items, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(open);
    return rc;
}

/* What depends on the root secret, once it is there. */
static enum rdt_code
derive(const struct rdt_root *root, struct rdt_root_open *open, struct rdt_err *err)
{
    enum rdt_code rc = rdt_hkdf(open->worker, &open->root,
                                (struct rdt_span){root->deployment, sizeof root->deployment},
                                rdt_span_str(ITEM_LABEL), &open->items);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "the root's item key");
}

/* A root secret nobody has seen, in *out, and its check value in root. */
static enum rdt_code
new_secret(struct rdt_root *root, struct rdt_root_open **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    enum rdt_code rc = new_open(&open, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(open->worker, &open->root, err);
    if (rc == RDT_OK)
        rc = derive(root, open, err);
    if (rc == RDT_OK)
        rc = check_value(root, open, root->check, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(open);
    return rc;
}

static struct root_seal *
find_seal(struct rdt_root *root, const char *id)
{
    for (size_t i = 0; i < root->n_seals; i++) {
        if (strcmp(root->seals[i].id, id) == 0)
            return &root->seals[i];
    }
    return NULL;
}

/* All seals, or none of them. */
static enum rdt_code
add_seals(struct rdt_root *root, const struct rdt_root_open *open,
          const struct rdt_seal_opts *seals, size_t n, struct rdt_secret *out, struct rdt_err *err)
{
    struct root_shares shares = {0};
    enum rdt_code rc = RDT_OK;
    size_t before = root->n_seals;
    if (n > RDT_ROOT_SEALS_MAX - before)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d seals", RDT_ROOT_SEALS_MAX);
    for (size_t i = 0; rc == RDT_OK && i < n; i++)
        rc = rdt_root_seal_check(&seals[i], err);
    if (rc == RDT_OK)
        rc = rdt_root_shares_begin(&shares, seals, n, out, err);
    for (size_t i = 0; rc == RDT_OK && i < n; i++) {
        if (find_seal(root, seals[i].id) != NULL)
            rc = rdt_fail(err, RDT_E_STATE, "there is a seal '%s' already", seals[i].id);
        else
            rc = rdt_root_seal_make(root->deployment, open, &seals[i], &shares,
                                    &root->seals[root->n_seals], err);
        root->n_seals += rc == RDT_OK;
    }
    rdt_root_shares_end(&shares, rc);
    if (rc != RDT_OK)
        root->n_seals = before;
    return rc;
}

enum rdt_code
rdt_root_create(const uint8_t deployment[static 16], const struct rdt_seal_opts *first,
                struct rdt_secret *shares, struct rdt_root **out, struct rdt_root_open **open,
                struct rdt_err *err)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = calloc(1, sizeof *root);
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *made = NULL;
    if (root == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the root");
    memcpy(root->deployment, deployment, sizeof root->deployment);
    root->created_s = rdt_now();
    enum rdt_code rc = new_secret(root, &made, err);
    if (rc == RDT_OK)
        rc = add_seals(root, made, first, 1, shares, err);
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(root);
    if (open != NULL)
        *open = RDT_STEAL(made);
    return RDT_OK;
}

enum rdt_code
rdt_root_add_seal(struct rdt_root *root, struct rdt_root_open *open,
                  const struct rdt_seal_opts *seal, struct rdt_secret *shares, struct rdt_err *err)
{
    return add_seals(root, open, seal, 1, shares, err);
}

enum rdt_code
rdt_root_remove_seal(struct rdt_root *root, const char *seal_id, struct rdt_err *err)
{
    const struct root_seal *seal = find_seal(root, seal_id);
    if (seal == NULL)
        return rdt_fail(err, RDT_E_NOTFOUND, "there is no seal '%s'", seal_id);
    RDT_AUTO(rdt_root_free_at) struct rdt_root *after = calloc(1, sizeof *after);
    if (after == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the root");
    *after = *root;
    after->n_seals = 0;
    for (size_t i = 0; i < root->n_seals; i++) {
        if (&root->seals[i] != seal)
            after->seals[after->n_seals++] = root->seals[i];
    }
    enum rdt_code rc = check_left(root, after, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "remove the seal '%s'", seal_id);
    *root = *after;
    return RDT_OK;
}

/* ---- opening ---- */

static enum rdt_code
try_seal(const struct rdt_root *root, const struct root_seal *seal, const struct rdt_unseal *means,
         struct rdt_root_open **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    uint8_t check[RDT_SHA256_LEN];
    enum rdt_code rc = new_open(&open, err);
    if (rc == RDT_OK)
        rc = rdt_root_seal_open(root->deployment, seal, means, open, err);
    if (rc == RDT_OK)
        rc = check_value(root, open, check, err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){check, sizeof check},
                                  (struct rdt_span){root->check, sizeof root->check}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the root's check value was changed");
    if (rc == RDT_OK)
        rc = derive(root, open, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(open);
    return rc;
}

/* Passphrases cost nothing but time: each seal may be tried. */
static enum rdt_code
try_passphrases(const struct rdt_root *root, const struct rdt_unseal *means,
                struct rdt_root_open **out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_E_DENIED;
    for (size_t i = 0; rc == RDT_E_DENIED && i < root->n_seals; i++) {
        if (root->seals[i].type == RDT_SEAL_PASSPHRASE)
            rc = try_seal(root, &root->seals[i], means, out, err);
    }
    return rc;
}

static enum rdt_code
try_type(const struct rdt_root *root, enum rdt_seal_type type, const struct rdt_unseal *means,
         struct rdt_root_open **out, struct rdt_err *err)
{
    if (count(root, type) != 1) {
        rdt_fail(err, RDT_E_DENIED, "there %s of the type %s",
                 count(root, type) == 0 ? "is no seal" : "are several seals",
                 rdt_seal_type_name(type));
        rdt_hint(err, "name the seal");
        return RDT_E_DENIED;
    }
    size_t at = 0;
    while (root->seals[at].type != type)
        at++;
    return try_seal(root, &root->seals[at], means, out, err);
}

static enum rdt_code
try_by_shares(struct rdt_root *root, const struct rdt_unseal *means, struct rdt_root_open **out,
              struct rdt_err *err)
{
    char id[RDT_ROOT_ID_MAX];
    const struct root_seal *seal = NULL;
    if (!rdt_root_share_seal(means->shares[0], id))
        return rdt_fail(err, RDT_E_DENIED, "share 1 is not a whole share");
    seal = find_seal(root, id);
    if (seal == NULL || seal->type != RDT_SEAL_SHAMIR)
        return rdt_fail(err, RDT_E_DENIED, "share 1 is of the seal '%s', which is not here", id);
    return try_seal(root, seal, means, out, err);
}

enum rdt_code
rdt_root_unseal(struct rdt_root *root, const char *seal_id, const struct rdt_unseal *means,
                struct rdt_root_open **out, struct rdt_err *err)
{
    if (seal_id != NULL) {
        const struct root_seal *seal = find_seal(root, seal_id);
        return seal == NULL ? rdt_fail(err, RDT_E_NOTFOUND, "there is no seal '%s'", seal_id)
                            : try_seal(root, seal, means, out, err);
    }
    if (means->n_shares != 0)
        return try_by_shares(root, means, out, err);
    if (means->passphrase == NULL)
        return try_type(root, RDT_SEAL_DEVELOPMENT, means, out, err);
    /* a passphrase that is none is never shown to a token, which might lock */
    return count(root, RDT_SEAL_PASSPHRASE) != 0 ? try_passphrases(root, means, out, err)
                                                 : try_type(root, RDT_SEAL_PKCS11, means, out, err);
}

/* ---- items ---- */

/* Where an item is, or would be. */
static size_t
place_of(const struct rdt_root *root, const char *name, bool *found)
{
    size_t at = 0;
    while (at < root->n_items && strcmp(root->items[at].name, name) < 0)
        at++;
    *found = at < root->n_items && strcmp(root->items[at].name, name) == 0;
    return at;
}

static void
item_aad(const struct rdt_root *root, const char *name, struct rdt_buf *out)
{
    rdt_buf_add(out, root->deployment, sizeof root->deployment);
    rdt_buf_str(out, name);
}

enum rdt_code
rdt_root_put(struct rdt_root *root, struct rdt_root_open *open, const char *name,
             const struct rdt_secret *secret, struct rdt_err *err)
{
    RDT_BUF aad = {0};
    struct root_item item = {.name = {0}};
    bool found;
    if (!rdt_root_is_name(name, sizeof item.name, "/") || secret->n != RDT_KEY_LEN)
        return rdt_fail(err, RDT_E_BADINPUT, "an item's name, or a secret of %zu bytes", secret->n);
    size_t at = place_of(root, name, &found);
    if (!found && root->n_items == RDT_ROOT_ITEMS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d items", RDT_ROOT_ITEMS_MAX);
    snprintf(item.name, sizeof item.name, "%s", name);
    item_aad(root, name, &aad);
    if (!rdt_buf_ok(&aad))
        return rdt_fail(err, RDT_E_NOMEM, "item '%s'", name);
    enum rdt_code rc =
        rdt_key_wrap(open->worker, &open->items, rdt_buf_span(&aad), secret, item.wrapped, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "item '%s'", name);
    if (!found) {
        memmove(&root->items[at + 1], &root->items[at],
                (root->n_items - at) * sizeof root->items[0]);
        root->n_items++;
    }
    root->items[at] = item;
    return RDT_OK;
}

enum rdt_code
rdt_root_get(const struct rdt_root *root, struct rdt_root_open *open, const char *name,
             struct rdt_secret *out, struct rdt_err *err)
{
    RDT_BUF aad = {0};
    bool found;
    size_t at = place_of(root, name, &found);
    if (!found)
        return rdt_fail(err, RDT_E_NOTFOUND, "the root has no item '%s'", name);
    item_aad(root, name, &aad);
    if (!rdt_buf_ok(&aad))
        return rdt_fail(err, RDT_E_NOMEM, "item '%s'", name);
    enum rdt_code rc = rdt_secret_new(out, RDT_KEY_LEN, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_key_unwrap(open->worker, &open->items, rdt_buf_span(&aad),
                        (struct rdt_span){root->items[at].wrapped, sizeof root->items[at].wrapped},
                        out);
    if (rc == RDT_OK)
        return RDT_OK;
    rdt_secret_wipe(out);
    return rdt_fail(err, rc, "item '%s': %s", name,
                    rc == RDT_E_TAMPERED ? "it was changed, or moved here" : "libcrypto failed");
}

enum rdt_code
rdt_root_drop(struct rdt_root *root, const char *name, struct rdt_err *err)
{
    bool found;
    size_t at = place_of(root, name, &found);
    if (!found)
        return rdt_fail(err, RDT_E_NOTFOUND, "the root has no item '%s'", name);
    root->n_items--;
    memmove(&root->items[at], &root->items[at + 1], (root->n_items - at) * sizeof root->items[0]);
    return RDT_OK;
}

/* ---- another root secret ---- */

static enum rdt_code
move_items(const struct rdt_root *from, struct rdt_root_open *from_open, struct rdt_root *to,
           struct rdt_root_open *to_open, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < from->n_items; i++) {
        RDT_SECRET secret = {0};
        rc = rdt_root_get(from, from_open, from->items[i].name, &secret, err);
        if (rc == RDT_OK)
            rc = rdt_root_put(to, to_open, from->items[i].name, &secret, err);
    }
    return rc;
}

enum rdt_code
rdt_root_rekey(struct rdt_root *root, struct rdt_root_open *open, const struct rdt_seal_opts *seals,
               size_t n_seals, struct rdt_secret *shares, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *after = calloc(1, sizeof *after);
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *made = NULL;
    if (after == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "the root");
    *after = *root;
    after->n_seals = after->n_items = 0;
    enum rdt_code rc = new_secret(after, &made, err);
    if (rc == RDT_OK)
        rc = move_items(root, open, after, made, err);
    if (rc == RDT_OK)
        rc = add_seals(after, made, seals, n_seals, shares, err);
    if (rc == RDT_OK)
        rc = check_left(root, after, err);
    if (rc != RDT_OK && shares != NULL)
        rdt_secret_wipe(shares);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "a new root secret");
    *root = *after;
    struct rdt_root_open old = *open; /* goes with `made` */
    *open = *made;
    *made = old;
    return RDT_OK;
}
