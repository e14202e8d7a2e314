/* service.h - a key service of one ring, for the tests of keyrings: what it would answer to a need,
 * and keys that differ by tenant and epoch. */
#ifndef RDT_TEST_SERVICE_H
#define RDT_TEST_SERVICE_H

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/jtok.h"
#include "crypto/hpke.h"
#include "redoubt/redoubt.h"

#include "../test.h"

#include <stdlib.h>

static const uint8_t the_ring[RDT_ID_LEN] = "ring-ring-ring-";
static const uint8_t acme[RDT_ID_LEN] = "tenant-acme----";
static const uint8_t zeta[RDT_ID_LEN] = "tenant-zeta----";

/* What the service has to say; handle 0: by the tenant. */
struct service {
    uint32_t handle;
    uint16_t current;
    uint32_t ttl_s;
};

static inline uint32_t
handle_of(const uint8_t *tenant)
{
    return 0x1000u + (uint32_t)tenant[7] + ((uint32_t)tenant[14] << 16);
}

static inline struct rdt_kek
kek_of(const uint8_t *tenant, uint16_t epoch, uint16_t current)
{
    struct rdt_kek kek = {
        .handle = handle_of(tenant), .epoch = epoch, .current_epoch = current, .ttl_s = 300};
    memcpy(kek.ring, the_ring, RDT_ID_LEN);
    memcpy(kek.tenant, tenant, RDT_ID_LEN);
    for (size_t i = 0; i < RDT_KEK_LEN; i++)
        kek.key[i] = (uint8_t)(tenant[i % RDT_ID_LEN] + epoch * 7 + i);
    return kek;
}

static inline void
seal_key(struct rdt_worker *worker, const struct rdt_kek *kek, struct rdt_span public_key,
         struct rdt_buf *json)
{
    static const char label[] = "redoubt kek export v1";
    RDT_BUF info = {0};
    RDT_SECRET key = {0};
    uint8_t enc[RDT_HPKE_PUBLIC_LEN], sealed[RDT_KEK_LEN + RDT_GCM_TAG_LEN];
    rdt_buf_add(&info, label, sizeof label); /* with its NUL */
    rdt_buf_add(&info, kek->ring, RDT_ID_LEN);
    rdt_buf_add(&info, kek->tenant, RDT_ID_LEN);
    rdt_buf_uint(&info, kek->handle, 4);
    rdt_buf_uint(&info, kek->epoch, 2);
    assert_int_equal(rdt_secret_copy(&key, (struct rdt_span){kek->key, RDT_KEK_LEN}, NULL), RDT_OK);
    assert_int_equal(rdt_hpke_seal(worker, public_key,
                                   &(struct rdt_hpke_about){.info = rdt_buf_span(&info)}, &key, enc,
                                   sealed),
                     RDT_OK);
    RDT_BUF enc_text = {0};
    RDT_BUF sealed_text = {0};
    rdt_base64_add(&enc_text, (struct rdt_span){enc, sizeof enc});
    rdt_base64_add(&sealed_text, (struct rdt_span){sealed, sizeof sealed});
    rdt_jout_text(json, "Encapsulated", rdt_buf_span(&enc_text));
    rdt_jout_text(json, "SealedKey", rdt_buf_span(&sealed_text));
}

/* What a need asked for, answered; the caller ends the need with it. */
static inline void
answer_text(const struct service *service, const struct rdt_need *need, struct rdt_buf *json)
{
    struct rdt_need_request request;
    struct rdt_worker *worker = NULL;
    struct rdt_jdoc *doc = malloc(sizeof *doc);
    uint8_t public_key[48], tenant[RDT_ID_LEN];
    size_t n = 0;
    int64_t epoch = 0;
    rdt_need_look(need, &request);
    assert_string_equal(request.path, "/v1/kek/export");
    RDT_BUF body = {0}; /* which the reader may change */
    rdt_buf_add(&body, request.body, request.body_n);
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    assert_true(rdt_jscan(body.p, body.n, doc));
    assert_true(rdt_base64_get(rdt_jspan(doc, rdt_jget(doc, 0, "PublicKey")), public_key, &n));
    assert_true(rdt_uuid_parse(rdt_jspan(doc, rdt_jget(doc, 0, "Tenant")), tenant));
    rdt_jint(doc, rdt_jget(doc, 0, "Epoch"), &epoch);
    struct rdt_kek kek =
        kek_of(tenant, epoch == 0 ? service->current : (uint16_t)epoch, service->current);
    kek.handle = service->handle != 0 ? service->handle : kek.handle;
    rdt_jout_open(json, NULL, '{');
    rdt_jout_uuid(json, "KeyId", kek.ring);
    rdt_jout_uuid(json, "TenantId", kek.tenant);
    rdt_jout_str(json, "Tenant", "somebody");
    rdt_jout_int(json, "Handle", kek.handle);
    rdt_jout_int(json, "Epoch", kek.epoch);
    rdt_jout_int(json, "CurrentEpoch", kek.current_epoch);
    rdt_jout_int(json, "TtlSeconds", service->ttl_s);
    seal_key(worker, &kek, (struct rdt_span){public_key, n}, json);
    rdt_jout_close(json, '}');
    rdt_worker_close(worker);
    free(doc);
}

static inline enum rdt_field_fault
answer(const struct service *service, struct rdt_need *need)
{
    RDT_BUF json = {0};
    answer_text(service, need, &json);
    return rdt_need_answer(need, json.p, json.n);
}

/* All needs that there are now; how many. */
static inline unsigned
answer_all(const struct service *service, struct rdt_keyring *keyring)
{
    struct rdt_need *need = NULL;
    unsigned n = 0;
    while (rdt_need_take(keyring, &need) == RDT_FIELD_OK && need != NULL) {
        assert_int_equal(answer(service, need), RDT_FIELD_OK);
        n++;
    }
    return n;
}

static inline struct rdt_column *
a_column(struct rdt_keyring *keyring, uint32_t flags)
{
    struct rdt_column *column = NULL;
    struct rdt_column_spec spec = {.size = sizeof spec, .flags = flags};
    memcpy(spec.ring, the_ring, RDT_ID_LEN);
    memcpy(spec.id, "column----------", RDT_ID_LEN);
    assert_int_equal(rdt_column_new(keyring, &spec, &column), RDT_FIELD_OK);
    return column;
}

#endif
