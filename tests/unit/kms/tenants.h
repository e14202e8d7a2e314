/* tenants.h - rings, tenants, and exports opened as a client opens them. */
#ifndef RDT_TEST_KMS_TENANTS_H
#define RDT_TEST_KMS_TENANTS_H

#include "kms/tenant_internal.h"

#include "calls.h"
#include "crypto/hpke.h"

/* A key, which may be a ring; its UUID as text. */
static inline void
new_key(bool ring, char id[static 64])
{
    char body[128];
    ok("CreateKey", "{}");
    text("KeyId", id, 64);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", id);
    if (ring)
        ok("KeyRing", body);
}

static inline const char *
about(const char *tenant, const char *key)
{
    static char body[256];
    snprintf(body, sizeof body, "{\"Tenant\":\"%s\",\"KeyId\":\"%s\"}", tenant, key);
    return body;
}

static inline struct rdt_key *
edit_key(struct rdt_tx *tx, const char *id)
{
    uint8_t uuid[16];
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    return rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){uuid, 16});
}

/* What a census, or two thousand days, would have done to a ring. */
static inline void
set_ring(const char *id, uint32_t epoch_seen)
{
    struct rdt_tx *tx = NULL;
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_key *key = edit_key(tx, id);
    assert_non_null(key);
    key->epoch_seen = epoch_seen;
    commit(tx);
}

/* ---- the export, opened ---- */

static struct rdt_secret receiver;
static uint8_t receiver_public[32];

static inline enum rdt_fault
export_at(int64_t now_ms, const char *key, const char *whom, uint32_t epoch)
{
    char body[512], public_key[64] = "";
    rdt_base64_put((struct rdt_span){receiver_public, 32}, public_key);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",%s,\"Epoch\":%u,\"PublicKey\":\"%s\"}", key,
             whom, epoch, public_key);
    return at(now_ms, "KekExport", body);
}

/* The key in the last answer. */
static inline void
opened(uint8_t out[static 32])
{
    RDT_SECRET kek = {0};
    char key_text[64], tenant_text[64], enc_text[64], sealed_text[96];
    uint8_t key[16], tenant[16], enc[48], sealed[72], info[RDT_KEK_INFO_LEN];
    size_t n;
    text("KeyId", key_text, sizeof key_text);
    text("TenantId", tenant_text, sizeof tenant_text);
    text("Encapsulated", enc_text, sizeof enc_text);
    text("SealedKey", sealed_text, sizeof sealed_text);
    assert_true(rdt_uuid_parse(rdt_span_str(key_text), key));
    assert_true(rdt_uuid_parse(rdt_span_str(tenant_text), tenant));
    assert_true(rdt_base64_get(rdt_span_str(enc_text), enc, &n) && n == 32);
    assert_true(rdt_base64_get(rdt_span_str(sealed_text), sealed, &n) && n == 48);
    struct rdt_kek_place place = {.key = key,
                                  .tenant = tenant,
                                  .handle = (uint32_t)number("Handle"),
                                  .epoch = (uint16_t)number("Epoch")};
    rdt_kek_info(&place, info);
    struct rdt_hpke_about with = {
        .info = {info, sizeof info}
    };
    assert_int_equal(rdt_hpke_open(thread->worker, &receiver, &with, (struct rdt_span){enc, 32},
                                   (struct rdt_span){sealed, 48}, &kek),
                     RDT_OK);
    memcpy(out, kek.p, 32);
}

static inline void
export_of(const char *key, const char *tenant, uint32_t epoch, uint8_t out[static 32])
{
    char whom[96];
    snprintf(whom, sizeof whom, "\"Tenant\":\"%s\"", tenant);
    if (export_at(NOW_MS, key, whom, epoch) != RDT_FAULT_NONE)
        fail_msg("%s", answer);
    opened(out);
}

static inline int
begin(void **state)
{
    int rc = set_up(state);
    return rc == 0 && rdt_hpke_keypair(thread->worker, &receiver, receiver_public, NULL) == RDT_OK
               ? 0
               : -1;
}

static inline int
end(void **state)
{
    rdt_secret_wipe(&receiver);
    return tear_down(state);
}

#endif
