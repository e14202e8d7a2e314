/* Tenants, their handles and seeds, on a service in a folder of its own. */
#include "kms/tenant_internal.h"

#include "calls.h"
#include "crypto/hpke.h"

/* A key, which may be a ring; its UUID as text. */
static void
new_key(bool ring, char id[static 64])
{
    char body[128];
    ok("CreateKey", "{}");
    text("KeyId", id, 64);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", id);
    if (ring)
        ok("KeyRing", body);
}

static const char *
about(const char *tenant, const char *key)
{
    static char body[256];
    snprintf(body, sizeof body, "{\"Tenant\":\"%s\",\"KeyId\":\"%s\"}", tenant, key);
    return body;
}

static struct rdt_key *
edit_key(struct rdt_tx *tx, const char *id)
{
    uint8_t uuid[16];
    assert_true(rdt_uuid_parse(rdt_span_str(id), uuid));
    return rdt_tx_edit(tx, RDT_KIND_KEY, (struct rdt_span){uuid, 16});
}

/* What a census, or two thousand days, would have done to a ring. */
static void
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

static enum rdt_fault
export_at(int64_t now_ms, const char *key, const char *whom, uint32_t epoch)
{
    char body[512], public_key[64] = "";
    rdt_base64_put((struct rdt_span){receiver_public, 32}, public_key);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\",%s,\"Epoch\":%u,\"PublicKey\":\"%s\"}", key,
             whom, epoch, public_key);
    return at(now_ms, "KekExport", body);
}

/* The key in the last answer. */
static void
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

static void
export_of(const char *key, const char *tenant, uint32_t epoch, uint8_t out[static 32])
{
    char whom[96];
    snprintf(whom, sizeof whom, "\"Tenant\":\"%s\"", tenant);
    if (export_at(NOW_MS, key, whom, epoch) != RDT_FAULT_NONE)
        fail_msg("%s", answer);
    opened(out);
}

/* ---- tests ---- */

static void
keys_of_tenants_differ(void **state)
{
    char key[64], other[64];
    uint8_t a[32], b[32], again[32], elsewhere[32];
    (void)state;
    new_key(true, key);
    new_key(true, other);
    ok("TenantCreate", about("acme", key));
    unsigned long handle = number("Handle");
    ok("TenantCreate", about("bolt", key));
    assert_int_not_equal(number("Handle"), handle);
    ok("TenantCreate", about("acme", other)); /* the same tenant, one more ring */
    export_of(key, "acme", 0, a);
    assert_int_equal(number("Handle"), handle);
    assert_int_equal(number("Epoch"), 1);
    export_of(key, "bolt", 0, b);
    export_of(other, "acme", 1, elsewhere);
    export_of(key, "acme", 1, again);
    assert_memory_equal(a, again, 32);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, elsewhere, 32);
    stop_and_start();
    export_of(key, "acme", 0, again);
    assert_memory_equal(a, again, 32);
}

static void
names(void **state)
{
    static const char *const bad[] = {
        "",
        "a b",
        "a/b",
        "\\u00e4",

        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char key[64], plain[64], id[64];
    (void)state;
    new_key(true, key);
    new_key(false, plain);
    for (size_t i = 0; i < RDT_COUNT(bad); i++)
        assert_int_equal(at(NOW_MS, "TenantCreate", about(bad[i], key)), RDT_FAULT_VALIDATION);
    assert_int_equal(at(NOW_MS, "TenantCreate", about("x", plain)), RDT_FAULT_INVALID_KEY_USAGE);
    ok("TenantCreate", about("x.y+z=1,2@_-", key));
    assert_int_equal(at(NOW_MS, "TenantCreate", about("x.y+z=1,2@_-", key)),
                     RDT_FAULT_ALREADY_EXISTS);
    ok("TenantShow", "{\"Tenant\":\"x.y+z=1,2@_-\"}");
    text("TenantId", id, sizeof id);
    char body[128];
    snprintf(body, sizeof body, "{\"Tenant\":\"%s\"}", id);
    ok("TenantShow", body);
    assert_int_equal(at(NOW_MS, "TenantShow", "{\"Tenant\":\"nobody\"}"), RDT_FAULT_NOT_FOUND);
}

static void
off_the_cycle(void **state)
{
    char key[64], body[128];
    uint8_t first[32], second[32], third[32], again[32];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("day", key));
    ok("TenantCreate", about("night", key));
    export_of(key, "day", 0, first);
    ok("TenantRotate", about("day", key));
    assert_int_equal(number("Epoch"), 2);
    assert_int_equal(at(NOW_MS + 86399999, "TenantRotate", about("day", key)),
                     RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(at(NOW_MS + 86400000, "TenantRotate", about("day", key)), RDT_FAULT_NONE);
    assert_int_equal(number("Epoch"), 3);
    export_of(key, "day", 0, third);
    assert_int_equal(number("Epoch"), 3);
    export_of(key, "day", 2, second);
    assert_memory_not_equal(first, second, 32);
    assert_memory_not_equal(second, third, 32);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body); /* the ring goes on above both: 4 */
    ok("TenantShow", "{\"Tenant\":\"night\"}");
    assert_int_equal(number("Epoch"), 4);
    ok("TenantRotate", about("night", key));
    assert_int_equal(number("Epoch"), 5);
    export_of(key, "day", 1, again);
    assert_memory_equal(first, again, 32);
    char whom[] = "\"Tenant\":\"night\"";
    assert_int_equal(export_at(NOW_MS, key, whom, 4), RDT_FAULT_NOT_FOUND); /* was jumped over */
    assert_int_equal(export_at(NOW_MS, key, whom, 6), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, whom, 5), RDT_FAULT_NONE);
}

/* Handles follow a rotated ring by the clock, in steps, also over a stop. */
static void
ring_moves(void **state)
{
    char key[64], body[128], name[32];
    uint8_t old[32], new[32], again[32];
    uint32_t handle;
    (void)state;
    new_key(true, key);
    for (size_t i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        ok("TenantCreate", about(name, key));
    }
    export_of(key, "t5", 0, old);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body);
    export_of(key, "t5", 0, new); /* moves at once */
    assert_int_equal(number("Epoch"), 2);
    assert_memory_not_equal(old, new, 32);
    rdt_kms_tick(kms, thread, NOW_MS);
    stop_and_start();
    for (size_t i = 0; i < 8; i++)
        rdt_kms_tick(kms, thread, NOW_MS);
    for (size_t i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        const struct rdt_tenant *tenant = rdt_tenant_named(now(), rdt_span_str(name));
        assert_non_null(tenant);
        assert_non_null(rdt_tenant_ring(tenant, 0, &handle));
        const struct rdt_handle *row = rdt_handle_get(now(), handle);
        assert_int_equal(row->epoch, 2);
        const struct rdt_seed *seed = rdt_seed_get(now(), handle, 2);
        assert_non_null(seed);
        assert_int_equal(seed->version, 2);
    }
    export_of(key, "t5", 2, again);
    assert_memory_equal(new, again, 32);
    export_of(key, "t5", 1, again);
    assert_memory_equal(old, again, 32);
}

/* An old copy was restored, and a census saw what it does not know. */
static void
above_what_was_seen(void **state)
{
    char key[64], body[128];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("back", key));
    set_ring(key, 40);
    ok("TenantRotate", about("back", key));
    assert_int_equal(number("Epoch"), 41);
    ok("TenantCreate", about("back2", key));
    set_ring(key, 41);
    ok("TenantRotate", about("back2", key)); /* 41 is known: no reason to jump */
    assert_int_equal(number("Epoch"), 2);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body);
    ok("TenantShow", "{\"Tenant\":\"back2\"}");
    assert_int_equal(number("Epoch"), 42);
}

static void
epochs_end(void **state)
{
    char key[64], body[128];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("last", key));
    set_ring(key, RDT_EPOCH_MAX - 1);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body);
    ok("TenantShow", "{\"Tenant\":\"last\"}");
    assert_int_equal(number("Epoch"), RDT_EPOCH_MAX);
    assert_int_equal(at(NOW_MS, "TenantRotate", about("last", key)), RDT_FAULT_LIMIT_EXCEEDED);
    assert_int_equal(at(NOW_MS, "RotateKeyOnDemand", body), RDT_FAULT_LIMIT_EXCEEDED);
    uint8_t kek[32];
    export_of(key, "last", 0, kek);
    assert_int_equal(number("Epoch"), RDT_EPOCH_MAX);
}

/* A wrapped seed in another's place does not open. */
static void
seeds_stay_where_they_are(void **state)
{
    char key[64];
    uint32_t one, two;
    uint8_t id[8];
    struct rdt_tx *tx = NULL;
    uint8_t kek[32];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("from", key));
    one = (uint32_t)number("Handle");
    ok("TenantCreate", about("to", key));
    two = (uint32_t)number("Handle");
    export_of(key, "to", 0, kek);
    const struct rdt_seed *from = rdt_seed_get(now(), one, 1);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    rdt_u32_bytes(two, id);
    rdt_u32_bytes(1, id + 4);
    struct rdt_seed *to = rdt_tx_edit(tx, RDT_KIND_SEED, (struct rdt_span){id, 8});
    assert_true(rdt_bytes_set(&to->wrapped, rdt_bytes_span(&from->wrapped)));
    commit(tx);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"to\"", 0), RDT_FAULT_INTERNAL);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"from\"", 0), RDT_FAULT_NONE);
    /* nor does the handle of one tenant lead to the seed of another */
    rdt_u32_bytes(one, id);
    tx = NULL;
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_handle *handle = rdt_tx_edit(tx, RDT_KIND_HANDLE, (struct rdt_span){id, 4});
    memcpy(handle->tenant, rdt_tenant_named(now(), rdt_span_str("to"))->id, 16);
    commit(tx);
    char whom[64];
    snprintf(whom, sizeof whom, "\"Handle\":%u", one);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_INTERNAL);
}

static void
refuses_exports(void **state)
{
    char key[64], other[64], plain[64], body[128];
    (void)state;
    new_key(true, key);
    new_key(true, other);
    new_key(false, plain);
    ok("TenantCreate", about("who", key));
    unsigned long handle = number("Handle");
    char whom[64];
    snprintf(whom, sizeof whom, "\"Handle\":%lu", handle);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    assert_int_equal(export_at(NOW_MS, other, whom, 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, plain, whom, 0), RDT_FAULT_INVALID_KEY_USAGE);
    assert_int_equal(export_at(NOW_MS, other, "\"Tenant\":\"who\"", 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"nobody\"", 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"who\",\"Handle\":1", 0),
                     RDT_FAULT_VALIDATION);
    assert_int_equal(export_at(NOW_MS, key, "\"X\":1", 0), RDT_FAULT_VALIDATION);
    uint8_t good[32];
    memcpy(good, receiver_public, 32);
    memset(receiver_public, 0, 32);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_VALIDATION);
    memcpy(receiver_public, good, 32);
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("DisableKey", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_DISABLED);
    assert_int_equal(at(NOW_MS, "TenantCreate", about("who2", key)), RDT_FAULT_DISABLED);
    ok("EnableKey", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    ok("ScheduleKeyDeletion", body);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_INVALID_STATE);
}

/* ---- rows of exports ---- */

static void
exports_are_remembered(void **state)
{
    char key[64];
    uint64_t before, after;
    uint8_t digest[32];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("kept", key));
    const char *whom = "\"Tenant\":\"kept\"";
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NONE);
    assert_int_equal(number("TtlSeconds"), 300);
    rdt_state_published(kms->state, &before, digest);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(export_at(NOW_MS + 1000 * (int64_t)i, key, whom, 0), RDT_FAULT_NONE);
    rdt_state_published(kms->state, &after, digest);
    assert_int_equal(before, after); /* no commit */
    ok("TenantShow", "{\"Tenant\":\"kept\"}");
    assert_int_equal(number("HeldUntil"), NOW_MS / 1000 + 3600 + 300);
    int64_t later = NOW_MS + 3600001;
    assert_int_equal(export_at(later, key, whom, 0), RDT_FAULT_NONE);
    rdt_state_published(kms->state, &after, digest);
    assert_int_equal(before + 1, after);
    ok("TenantShow", "{\"Tenant\":\"kept\"}");
    assert_int_equal(number("FirstExport"), NOW_MS / 1000);
    assert_int_equal(number("LastExport"), later / 1000);
    /* never below what a client may hold */
    assert_true((int64_t)number("HeldUntil") * 1000 >= later + 300000);
}

/* Which version an epoch uses, and who was given keys that a version has part in. */
static void
versions_of_epochs(void **state)
{
    char key[64], other[64], body[128];
    uint8_t id[16], kek[32];
    struct rdt_span after = {0};
    (void)state;
    new_key(true, key);
    new_key(true, other);
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    ok("TenantCreate", about("v", key));
    ok("TenantCreate", about("v", other));
    ok("TenantRotate", about("v", key));
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body); /* 3 */
    export_of(key, "v", 1, kek);
    export_of(key, "v", 2, kek);
    export_of(key, "v", 3, kek);
    /* each epoch uses the version with the largest number not above it */
    static const uint32_t used[] = {0, 1, 1, 3};
    ok("TenantShow", "{\"Tenant\":\"v\"}");
    uint32_t handle = (uint32_t)number("Handle");
    for (uint32_t epoch = 1; epoch < RDT_COUNT(used); epoch++)
        assert_int_equal(rdt_seed_get(now(), handle, epoch)->version, used[epoch]);
    export_of(other, "v", 1, kek);
    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        const struct rdt_kek_export *row = rdt_ring_export(now(), id, 1, &after);
        assert_non_null(row);
        assert_int_equal(row->epoch, epoch);
    }
    assert_null(rdt_ring_export(now(), id, 1, &after));
    after = (struct rdt_span){0};
    size_t n = 0;
    while (rdt_ring_export(now(), id, 0, &after) != NULL)
        n++;
    assert_int_equal(n, 3);
    after = (struct rdt_span){0};
    assert_null(rdt_ring_export(now(), id, 2, &after));
}

/* ---- destroyed ---- */

/* As TenantDestroy leaves it, whose quorum is not for here. */
static void
start_dying(const char *name)
{
    struct rdt_tx *tx = NULL;
    uint32_t number;
    const struct rdt_tenant *old = rdt_tenant_named(now(), rdt_span_str(name));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_tenant *tenant = rdt_tx_edit(tx, RDT_KIND_TENANT, (struct rdt_span){old->id, 16});
    tenant->state = RDT_TENANT_DYING;
    assert_true(rdt_tx_remove(tx, RDT_KIND_TENANT_NAME, rdt_span_str(name)));
    for (size_t i = 0; rdt_tenant_ring(tenant, i, &number) != NULL; i++) {
        uint8_t id[4];
        rdt_u32_bytes(number, id);
        struct rdt_handle *handle = rdt_tx_edit(tx, RDT_KIND_HANDLE, (struct rdt_span){id, 4});
        handle->dead = 1;
    }
    commit(tx);
}

static void
add_seeds(uint32_t handle, uint32_t from, uint32_t n)
{
    struct rdt_tx *tx = NULL;
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    for (uint32_t i = from; i < from + n; i++) {
        uint8_t id[8];
        rdt_u32_bytes(handle, id);
        rdt_u32_bytes(i, id + 4);
        struct rdt_seed *seed = rdt_tx_add(tx, RDT_KIND_SEED, (struct rdt_span){id, 8});
        assert_non_null(seed);
        seed->handle = handle;
        seed->epoch = i;
        seed->version = seed->domain = 1;
        assert_true(rdt_bytes_set(&seed->wrapped, rdt_span_str("some bytes")));
    }
    commit(tx);
}

static size_t
seeds_left(uint32_t handle)
{
    size_t n = 0;
    struct rdt_span id = {0};
    const struct rdt_seed *seed;
    while ((seed = rdt_view_next(now(), RDT_KIND_SEED, id, &id)) != NULL)
        n += seed->handle == handle && seed->wrapped.n != 0;
    return n;
}

static void
seeds_are_erased(void **state)
{
    char key[64], other[64], id[64], body[128];
    (void)state;
    new_key(true, key);
    new_key(true, other);
    ok("TenantCreate", about("gone", key));
    uint32_t handle = (uint32_t)number("Handle");
    text("TenantId", id, sizeof id);
    ok("TenantCreate", about("gone", other));
    ok("TenantCreate", about("stays", key));
    uint32_t stays = (uint32_t)number("Handle");
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"stays\"", 0), RDT_FAULT_NONE);
    add_seeds(handle, 2, 2500); /* more than one step */
    start_dying("gone");
    char whom[64];
    snprintf(whom, sizeof whom, "\"Handle\":%u", handle);
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_INVALID_STATE);
    rdt_kms_tick(kms, thread, NOW_MS);
    assert_int_equal(seeds_left(handle), 2501 - 1024);
    stop_and_start();
    for (size_t i = 0; i < 4; i++)
        rdt_kms_tick(kms, thread, NOW_MS);
    assert_int_equal(seeds_left(handle), 0);
    assert_int_equal(seeds_left(stays), 1);
    snprintf(body, sizeof body, "{\"Tenant\":\"%s\"}", id);
    ok("TenantShow", body);
    assert_non_null(strstr(answer, "\"State\":\"Destroyed\""));
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_INVALID_STATE);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"gone\"", 0), RDT_FAULT_NOT_FOUND);
    snprintf(body, sizeof body, "\"Tenant\":\"%s\"", id);
    assert_int_equal(export_at(NOW_MS, key, body, 0), RDT_FAULT_INVALID_STATE);
    assert_int_equal(at(NOW_MS, "TenantRotate", about(id, key)), RDT_FAULT_INVALID_STATE);
    /* the name is free; the handle is not used again */
    ok("TenantCreate", about("gone", key));
    assert_int_not_equal(number("Handle"), handle);
    assert_true(rdt_handle_get(now(), handle)->dead);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"stays\"", 0), RDT_FAULT_NONE);
}

/* One epoch of a tenant that lives. */
static void
one_seed_is_gone(void **state)
{
    char key[64];
    uint8_t id[8];
    struct rdt_tx *tx = NULL;
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("half", key));
    rdt_u32_bytes((uint32_t)number("Handle"), id);
    rdt_u32_bytes(1, id + 4);
    ok("TenantRotate", about("half", key));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_seed *seed = rdt_tx_edit(tx, RDT_KIND_SEED, (struct rdt_span){id, sizeof id});
    assert_true(rdt_bytes_set(&seed->wrapped, (struct rdt_span){NULL, 0}));
    commit(tx);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"half\"", 1), RDT_FAULT_INVALID_STATE);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"half\"", 2), RDT_FAULT_NONE);
}

static void
destroying_needs_the_quorum(void **state)
{
    char key[64];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("safe", key));
    assert_int_equal(at(NOW_MS, "TenantDestroy", "{\"Tenant\":\"safe\"}"), RDT_FAULT_ACCESS_DENIED);
    assert_int_equal(at(NOW_MS, "TenantDestroy", "{\"Tenant\":\"nobody\"}"), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, key, "\"Tenant\":\"safe\"", 0), RDT_FAULT_NONE);
}

static int
begin(void **state)
{
    int rc = set_up(state);
    return rc == 0 && rdt_hpke_keypair(thread->worker, &receiver, receiver_public, NULL) == RDT_OK
               ? 0
               : -1;
}

static int
end(void **state)
{
    rdt_secret_wipe(&receiver);
    return tear_down(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_tenants_differ),
        cmocka_unit_test(names),
        cmocka_unit_test(off_the_cycle),
        cmocka_unit_test(ring_moves),
        cmocka_unit_test(above_what_was_seen),
        cmocka_unit_test(epochs_end),
        cmocka_unit_test(seeds_stay_where_they_are),
        cmocka_unit_test(refuses_exports),
        cmocka_unit_test(exports_are_remembered),
        cmocka_unit_test(versions_of_epochs),
        cmocka_unit_test(seeds_are_erased),
        cmocka_unit_test(one_seed_is_gone),
        cmocka_unit_test(destroying_needs_the_quorum),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
