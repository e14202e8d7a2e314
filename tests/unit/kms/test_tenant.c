/* Tenants, their handles and seeds. */
#include "crypto/worker_internal.h"
#include "tenants.h"

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

/* In a service that was restored nobody knows which of its handles stood at what a census saw. */
static void
restored(void **state)
{
    char key[64];
    struct rdt_tx *tx = NULL;
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("ahead", key));
    set_ring(key, 8);
    ok("TenantRotate", about("ahead", key));
    assert_int_equal(number("Epoch"), 9);
    set_ring(key, 9);
    ok("TenantCreate", about("behind", key));
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_site *site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    site->restored_ms = 1;
    commit(tx);
    ok("TenantRotate", about("behind", key));
    assert_int_equal(number("Epoch"), 10);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    site = rdt_tx_edit(tx, RDT_KIND_SITE, rdt_span_str("site"));
    site->restored_ms = 0;
    commit(tx);
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

/* Each epoch uses the version with the largest number not above it. */
static void
versions_of_epochs(void **state)
{
    static const uint32_t used[] = {0, 1, 1, 3};
    char key[64], body[128];
    uint8_t kek[32];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("v", key));
    ok("TenantRotate", about("v", key));
    snprintf(body, sizeof body, "{\"KeyId\":\"%s\"}", key);
    ok("RotateKeyOnDemand", body); /* 3 */
    export_of(key, "v", 0, kek);
    uint32_t handle = (uint32_t)number("Handle");
    for (uint32_t epoch = 1; epoch < RDT_COUNT(used); epoch++)
        assert_int_equal(rdt_seed_get(now(), handle, epoch)->version, used[epoch]);
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

/* The random bytes to come: a handle that is taken (by one that is dead, too), then a free one. */
static void
fill_pool(uint32_t taken, uint32_t dead, uint32_t next)
{
    uint8_t byte, *at;
    assert_int_equal(rdt_random(thread->worker, &byte, 1, NULL), RDT_OK);
    if (thread->worker->pool_left < 256) /* the rest of the old pool is not enough */
        for (size_t n = thread->worker->pool_left; n != 0; n--)
            assert_int_equal(rdt_random(thread->worker, &byte, 1, NULL), RDT_OK);
    assert_int_equal(rdt_random(thread->worker, &byte, 1, NULL), RDT_OK);
    at = thread->worker->s->pool + RDT_POOL_LEN - thread->worker->pool_left;
    at += 32; /* ids of the request and of the tenant */
    rdt_u32_bytes(taken, at);
    rdt_u32_bytes(0, at + 4);
    rdt_u32_bytes(dead, at + 8);
    rdt_u32_bytes(next, at + 12);
}

static void
handles_are_unique(void **state)
{
    char key[64];
    struct rdt_tx *tx = NULL;
    uint8_t id[4];
    (void)state;
    new_key(true, key);
    ok("TenantCreate", about("u1", key));
    uint32_t taken = (uint32_t)number("Handle");
    ok("TenantCreate", about("u2", key));
    uint32_t dead = (uint32_t)number("Handle");
    rdt_u32_bytes(dead, id);
    assert_int_equal(rdt_tx_begin(kms->state, &tx, NULL), RDT_OK);
    struct rdt_handle *row = rdt_tx_edit(tx, RDT_KIND_HANDLE, (struct rdt_span){id, sizeof id});
    row->dead = 1;
    commit(tx);
    uint32_t next = taken ^ dead ^ 0x5a5a5a5a;
    int64_t pool_ms;
    unsigned i = 3;
    do { /* a pool that has grown too old meanwhile is another one */
        char name[16];
        snprintf(name, sizeof name, "u%u", i++);
        fill_pool(taken, dead, next);
        pool_ms = thread->worker->pool_ms;
        ok("TenantCreate", about(name, key));
    } while (pool_ms != thread->worker->pool_ms && number("Handle") != next);
    assert_int_equal(number("Handle"), next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_tenants_differ),
        cmocka_unit_test(names),
        cmocka_unit_test(handles_are_unique),
        cmocka_unit_test(off_the_cycle),
        cmocka_unit_test(above_what_was_seen),
        cmocka_unit_test(restored),
        cmocka_unit_test(epochs_end),
        cmocka_unit_test(seeds_stay_where_they_are),
        cmocka_unit_test(versions_of_epochs),
        cmocka_unit_test(destroying_needs_the_quorum),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
