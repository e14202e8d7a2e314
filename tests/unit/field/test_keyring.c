#include "field/keyring_internal.h"

#include "service.h"

#define HOUR_MS ((int64_t)3600 * 1000)

static struct rdt_keyring *
a_keyring(struct rdt_keyring_options options)
{
    struct rdt_keyring *keyring = NULL;
    options.size = sizeof options;
    assert_int_equal(rdt_keyring_new(&options, &keyring), RDT_FIELD_OK);
    return keyring;
}

static enum rdt_field_fault
find(struct rdt_keyring *keyring, const uint8_t *tenant, uint16_t epoch, int64_t ahead_ms)
{
    struct rdt_found found = {0};
    pthread_mutex_lock(&keyring->lock);
    enum rdt_field_fault fault = rdt_keyring_find(
        keyring, &(struct rdt_find){the_ring, tenant, epoch, 0, rdt_boot_ms() + ahead_ms}, &found);
    pthread_mutex_unlock(&keyring->lock);
    if (fault == RDT_FIELD_OK) {
        struct rdt_kek kek = kek_of(tenant, found.epoch, found.epoch);
        assert_int_equal(found.handle, kek.handle);
        assert_true(
            rdt_span_eq((struct rdt_span){kek.key, RDT_KEK_LEN}, rdt_secret_view(found.key)));
    }
    return fault;
}

static void
put(struct rdt_keyring *keyring, const uint8_t *tenant, uint16_t epoch, enum rdt_field_fault want)
{
    struct rdt_kek kek = kek_of(tenant, epoch, epoch);
    assert_int_equal(rdt_keyring_put(keyring, &kek), want);
}

static void
keys_have_their_time(void **state)
{
    struct rdt_keyring *keyring = a_keyring((struct rdt_keyring_options){0});
    (void)state;
    put(keyring, acme, 3, RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 0, 299 * 1000), RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 3, 299 * 1000), RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 0, 301 * 1000), RDT_FIELD_NEED);
    assert_int_equal(find(keyring, acme, 3, 301 * 1000), RDT_FIELD_NEED);
    rdt_keyring_free(keyring);
    keyring = a_keyring((struct rdt_keyring_options){.ttl_s = 10});
    put(keyring, acme, 3, RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 0, 9 * 1000), RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 0, 11 * 1000), RDT_FIELD_NEED);
    rdt_keyring_free(keyring);
}

static void
a_full_keyring_says_so(void **state)
{
    struct rdt_keyring *keyring = a_keyring((struct rdt_keyring_options){.keys_max = 2});
    uint8_t third[RDT_ID_LEN] = "tenant-3";
    (void)state;
    put(keyring, acme, 3, RDT_FIELD_OK);
    put(keyring, zeta, 3, RDT_FIELD_OK);
    put(keyring, third, 3, RDT_FIELD_FULL);
    put(keyring, acme, 4, RDT_FIELD_FULL);
    assert_int_equal(find(keyring, third, 0, 0), RDT_FIELD_FULL);
    assert_int_equal(find(keyring, acme, 0, 0), RDT_FIELD_OK);
    /* those whose time is over give way */
    assert_int_equal(find(keyring, third, 0, HOUR_MS), RDT_FIELD_NEED);
    assert_int_equal(find(keyring, acme, 0, 0), RDT_FIELD_NEED);
    rdt_keyring_free(keyring);
}

static void
dropped_gives_room(void **state)
{
    struct rdt_keyring *keyring = a_keyring((struct rdt_keyring_options){.keys_max = 2});
    uint8_t other_ring[RDT_ID_LEN] = {1};
    (void)state;
    put(keyring, acme, 3, RDT_FIELD_OK);
    put(keyring, acme, 4, RDT_FIELD_OK);
    put(keyring, acme, 5, RDT_FIELD_FULL);
    rdt_keyring_drop(keyring, other_ring, acme);
    put(keyring, acme, 5, RDT_FIELD_FULL);
    rdt_keyring_drop(keyring, the_ring, acme);
    put(keyring, acme, 5, RDT_FIELD_OK);
    assert_int_equal(find(keyring, acme, 0, 0), RDT_FIELD_OK);
    rdt_keyring_free(keyring);
}

static void
what_makes_no_sense(void **state)
{
    struct rdt_keyring *keyring = NULL;
    struct rdt_keyring_options options = {.size = sizeof options, .keys_max = 65537};
    (void)state;
    assert_int_equal(rdt_keyring_new(&options, &keyring), RDT_FIELD_USAGE);
    options = (struct rdt_keyring_options){.size = sizeof options + 8};
    assert_int_equal(rdt_keyring_new(&options, &keyring), RDT_FIELD_USAGE);
    options = (struct rdt_keyring_options){.size = sizeof options, .session_slots = 1u << 20};
    assert_int_equal(rdt_keyring_new(&options, &keyring), RDT_FIELD_USAGE);
    assert_int_equal(rdt_keyring_new(NULL, &keyring), RDT_FIELD_OK);
    struct rdt_kek bad = kek_of(acme, 0, 1);
    assert_int_equal(rdt_keyring_put(keyring, &bad), RDT_FIELD_USAGE);
    bad = kek_of(acme, 1, 1);
    bad.ttl_s = 0;
    assert_int_equal(rdt_keyring_put(keyring, &bad), RDT_FIELD_USAGE);
    bad = kek_of(acme, 1, 1);
    bad.handle = 0;
    assert_int_equal(rdt_keyring_put(keyring, &bad), RDT_FIELD_USAGE);
    put(keyring, acme, 1, RDT_FIELD_OK);
    bad = kek_of(acme, 2, 2);
    bad.handle++;
    assert_int_equal(rdt_keyring_put(keyring, &bad), RDT_FIELD_USAGE);
    rdt_keyring_free(keyring);
    rdt_keyring_free(NULL);
    assert_int_equal(rdt_api_version(), RDT_API_VERSION);
    assert_string_equal(rdt_library_version(), REDOUBT_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_their_time),
        cmocka_unit_test(a_full_keyring_says_so),
        cmocka_unit_test(dropped_gives_room),
        cmocka_unit_test(what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
