/* What the clock does for rings: handles move, seeds of the dead are erased. */
#include "tenants.h"

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

/* The ring itself is destroyed: its tenants are there, their keys are not. */
static void
ring_is_gone(void **state)
{
    char key[64], other[64];
    uint8_t id[16];
    struct rdt_tx *tx = NULL;
    (void)state;
    new_key(true, key);
    new_key(true, other);
    ok("TenantCreate", about("left", key));
    ok("TenantCreate", about("left", other));
    assert_true(rdt_uuid_parse(rdt_span_str(key), id));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    assert_true(rdt_tx_remove(tx, RDT_KIND_KEY, (struct rdt_span){id, sizeof id}));
    commit(tx);
    const char *whom = "\"Tenant\":\"left\"";
    assert_int_equal(export_at(NOW_MS, key, whom, 0), RDT_FAULT_NOT_FOUND);
    assert_int_equal(export_at(NOW_MS, other, whom, 0), RDT_FAULT_NONE);
    ok("TenantShow", "{\"Tenant\":\"left\"}");
    ok("TenantList", "{}");
    assert_int_equal(at(NOW_MS, "TenantRotate", about("left", key)), RDT_FAULT_NOT_FOUND);
    for (size_t i = 0; i < 3; i++)
        rdt_kms_tick(kms, thread, NOW_MS);
    stop_and_start();
    assert_int_equal(export_at(NOW_MS, other, whom, 0), RDT_FAULT_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_moves),
        cmocka_unit_test(seeds_are_erased),
        cmocka_unit_test(ring_is_gone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
