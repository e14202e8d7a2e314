#include "crypto/hpke_internal.h"

#include "crypto/worker_internal.h"
#include "crypto/x25519.h"

#define MODE_BASE 0
#define CONTEXT_LEN (2 * RDT_HPKE_PUBLIC_LEN) /* of the KEM: enc | the receiver's public key */
#define ID_PARTS 9                            /* most parts of a labelled message */

/* kem 0x0020 DHKEM(X25519, HKDF-SHA256), kdf 0x0001 HKDF-SHA256, aead 0x0002 AES-256-GCM */
const struct hpke_suite rdt_hpke_kem = {"KEM", {0x0020}, 1};
const struct hpke_suite rdt_hpke_aes_256 = {
    "HPKE", {0x0020, 0x0001, 0x0002},
     3
};

/* ---- labelled HKDF: RFC 9180 section 4 ---- */

/* The parts of "HPKE-v1" | suite_id | label | more; with a length before, and a counter behind, for
 * the expanding kind. */
struct labelled {
    uint8_t length[2], ids[6], counter[1];
    struct rdt_span parts[ID_PARTS];
    size_t n;
};

static void
add_part(struct labelled *l, struct rdt_span part)
{
    l->parts[l->n++] = part;
}

static void
add_label(struct labelled *l, const struct hpke_suite *suite, const char *label)
{
    for (size_t i = 0; i < suite->n_ids; i++) {
        l->ids[2 * i] = (uint8_t)(suite->ids[i] >> 8);
        l->ids[2 * i + 1] = (uint8_t)suite->ids[i];
    }
    add_part(l, rdt_span_str("HPKE-v1"));
    add_part(l, rdt_span_str(suite->word));
    add_part(l, (struct rdt_span){l->ids, 2 * suite->n_ids});
    add_part(l, rdt_span_str(label));
}

static bool
extract(struct rdt_worker *w, const struct hpke_suite *suite, struct rdt_span salt,
        const char *label, struct rdt_span ikm, uint8_t out[static 32])
{
    struct labelled l = {.n = 0};
    add_label(&l, suite, label);
    add_part(&l, ikm);
    return rdt_worker_hmac(w, &salt, 1, l.parts, l.n, out);
}

struct room { /* where a derived value goes */
    uint8_t *p;
    size_t n;
};

/* One block is enough for all that is derived here. */
static bool
expand(struct rdt_worker *w, const struct hpke_suite *suite, const uint8_t prk[static 32],
       const char *label, struct rdt_span info, struct room out)
{
    struct labelled l = {.n = 0};
    struct rdt_span key = {prk, 32};
    uint8_t block[32];
    l.length[1] = (uint8_t)out.n;
    l.counter[0] = 1;
    add_part(&l, (struct rdt_span){l.length, sizeof l.length});
    add_label(&l, suite, label);
    add_part(&l, info);
    add_part(&l, (struct rdt_span){l.counter, 1});
    bool ok = out.n <= sizeof block && rdt_worker_hmac(w, &key, 1, l.parts, l.n, block);
    if (ok)
        memcpy(out.p, block, out.n);
    explicit_bzero(block, sizeof block);
    return ok;
}

enum rdt_code
rdt_hpke_encap(struct rdt_worker *worker, const struct rdt_secret *private_key,
               const uint8_t *public_key, struct rdt_span context, struct hpke_work *work)
{
    struct rdt_span none = {NULL, 0}, dh = {work->dh, sizeof work->dh};
    enum rdt_code rc = rdt_x25519_shared(worker, private_key, public_key, work->dh);
    if (rc != RDT_OK)
        return rc;
    bool ok = extract(worker, &rdt_hpke_kem, none, "eae_prk", dh, work->prk);
    ok = ok && expand(worker, &rdt_hpke_kem, work->prk, "shared_secret", context,
                      (struct room){work->shared, sizeof work->shared});
    return ok ? RDT_OK : RDT_E_INTERNAL;
}

enum rdt_code
rdt_hpke_schedule(struct rdt_worker *worker, const struct hpke_suite *suite, struct rdt_span info,
                  struct hpke_work *work, struct rdt_secret *key)
{
    uint8_t context[1 + 2 * RDT_SHA256_LEN] = {MODE_BASE};
    struct rdt_span none = {NULL, 0}, all = {context, sizeof context};
    struct rdt_span shared = {work->shared, sizeof work->shared};
    bool ok = extract(worker, suite, none, "psk_id_hash", none, context + 1);
    ok = ok && extract(worker, suite, none, "info_hash", info, context + 1 + RDT_SHA256_LEN);
    ok = ok && extract(worker, suite, shared, "secret", none, work->secret);
    ok = ok && expand(worker, suite, work->secret, "key", all, (struct room){key->p, key->n});
    ok = ok && expand(worker, suite, work->secret, "base_nonce", all,
                      (struct room){work->nonce, sizeof work->nonce});
    return ok ? RDT_OK : RDT_E_INTERNAL;
}

/* ---- one message ---- */

/* Secrets of one context: work in pages, and the AEAD's key. */
struct context {
    struct rdt_secret pages, key;
    struct hpke_work *work;
};

static void
context_done(struct context *c)
{
    rdt_secret_wipe(&c->pages);
    rdt_secret_wipe(&c->key);
}

static enum rdt_code
context_new(struct context *c)
{
    enum rdt_code rc = rdt_secret_new(&c->pages, sizeof(struct hpke_work), NULL);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&c->key, RDT_KEY_LEN, NULL);
    c->work = (struct hpke_work *)c->pages.p; /* bytes only: any address will do */
    return rc;
}

static void
kem_context(const uint8_t *enc, const uint8_t *receiver, uint8_t out[static CONTEXT_LEN])
{
    memcpy(out, enc, RDT_HPKE_PUBLIC_LEN);
    memcpy(out + RDT_HPKE_PUBLIC_LEN, receiver, RDT_HPKE_PUBLIC_LEN);
}

enum rdt_code
rdt_hpke_keypair(struct rdt_worker *worker, struct rdt_secret *private_key,
                 uint8_t public_key[static RDT_HPKE_PUBLIC_LEN], struct rdt_err *err)
{
    return rdt_x25519_keypair(worker, private_key, public_key, err);
}

enum rdt_code
rdt_hpke_seal(struct rdt_worker *worker, struct rdt_span to, const struct rdt_hpke_about *about,
              const struct rdt_secret *key, uint8_t enc[static RDT_HPKE_PUBLIC_LEN],
              uint8_t *sealed)
{
    RDT_AUTO(context_done) struct context c = {.work = NULL};
    RDT_SECRET ephemeral = {0};
    uint8_t kem[CONTEXT_LEN];
    if (to.n != RDT_HPKE_PUBLIC_LEN || key->n == 0)
        return RDT_E_BADINPUT;
    enum rdt_code rc = context_new(&c);
    if (rc == RDT_OK)
        rc = rdt_hpke_keypair(worker, &ephemeral, enc, NULL);
    if (rc != RDT_OK)
        return rc;
    kem_context(enc, to.p, kem);
    rc = rdt_hpke_encap(worker, &ephemeral, to.p, (struct rdt_span){kem, sizeof kem}, c.work);
    if (rc == RDT_OK)
        rc = rdt_hpke_schedule(worker, &rdt_hpke_aes_256, about->info, c.work, &c.key);
    return rc == RDT_OK ? rdt_gcm_seal(worker, &c.key, c.work->nonce, about->aad,
                                       rdt_secret_view(key), sealed)
                        : rc;
}

enum rdt_code
rdt_hpke_open(struct rdt_worker *worker, const struct rdt_secret *private_key,
              const struct rdt_hpke_about *about, struct rdt_span enc, struct rdt_span sealed,
              struct rdt_secret *out)
{
    RDT_AUTO(context_done) struct context c = {.work = NULL};
    uint8_t kem[CONTEXT_LEN], receiver[RDT_HPKE_PUBLIC_LEN];
    if (enc.n != RDT_HPKE_PUBLIC_LEN || private_key->n != RDT_HPKE_PRIVATE_LEN ||
        sealed.n <= RDT_GCM_TAG_LEN)
        return RDT_E_BADINPUT;
    enum rdt_code rc = context_new(&c);
    if (rc == RDT_OK)
        rc = rdt_x25519_public(worker, private_key, receiver);
    if (rc != RDT_OK)
        return rc;
    kem_context(enc.p, receiver, kem);
    rc = rdt_hpke_encap(worker, private_key, enc.p, (struct rdt_span){kem, sizeof kem}, c.work);
    if (rc == RDT_OK)
        rc = rdt_hpke_schedule(worker, &rdt_hpke_aes_256, about->info, c.work, &c.key);
    if (rc == RDT_OK)
        rc = rdt_secret_new(out, sealed.n - RDT_GCM_TAG_LEN, NULL);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_gcm_open(worker, &c.key, c.work->nonce, about->aad, sealed, out->p);
    if (rc != RDT_OK)
        rdt_secret_wipe(out);
    return rc;
}
