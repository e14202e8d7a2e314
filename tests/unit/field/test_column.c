#include "service.h"

static const struct {
    const char *why;
    size_t size;
    uint32_t flags, bucket;
    enum rdt_field_fault want;
} specs[] = {
    {"plain",              sizeof(struct rdt_column_spec), 0, 0,     RDT_FIELD_OK   },
    {"all",                sizeof(struct rdt_column_spec), 7, 65535, RDT_FIELD_OK   },
    {"unknown flag",       sizeof(struct rdt_column_spec), 8, 0,     RDT_FIELD_USAGE},
    {"bucket too large",   sizeof(struct rdt_column_spec), 0, 65536, RDT_FIELD_USAGE},
    {"of another library", 8,                              0, 0,     RDT_FIELD_USAGE},
};

static void
specs_are_checked(void **state)
{
    struct rdt_keyring *keyring = NULL;
    (void)state;
    assert_int_equal(rdt_keyring_new(NULL, &keyring), RDT_FIELD_OK);
    for (size_t i = 0; i < RDT_COUNT(specs); i++) {
        struct rdt_column_spec spec = {
            .size = specs[i].size, .flags = specs[i].flags, .bucket = specs[i].bucket};
        struct rdt_column *column = NULL;
        if (rdt_column_new(keyring, &spec, &column) != specs[i].want)
            fail_msg("%s", specs[i].why);
        rdt_column_free(column);
    }
    rdt_keyring_free(keyring);
}

static void
lengths(void **state)
{
    struct rdt_keyring *keyring = NULL;
    struct rdt_column *padded = NULL;
    (void)state;
    assert_int_equal(rdt_keyring_new(NULL, &keyring), RDT_FIELD_OK);
    struct rdt_column *plain = a_column(keyring, 0);
    struct rdt_column_spec spec = {.size = sizeof spec, .bucket = 16};
    assert_int_equal(rdt_column_new(keyring, &spec, &padded), RDT_FIELD_OK);
    assert_int_equal(rdt_value_len(plain, 5), 85);
    assert_int_equal(rdt_value_len(plain, RDT_VALUE_MAX + 1), 0);
    assert_int_equal(rdt_value_len(padded, 16), 80 + 32);
    rdt_column_free(padded);
    rdt_column_free(plain);
    rdt_keyring_free(keyring);
}

static void
verifiers_are_checked_and_replaced(void **state)
{
    struct rdt_keyring *keyring = NULL;
    struct rdt_verifier verifier = {.handle = 1, .epoch = 1, .ttl_s = 1};
    (void)state;
    assert_int_equal(rdt_keyring_new(NULL, &keyring), RDT_FIELD_OK);
    struct rdt_column *column = a_column(keyring, 0);
    for (unsigned i = 0; i < 20; i++) {
        verifier.epoch = (uint16_t)(i / 2 + 1);
        assert_int_equal(rdt_column_put_verifier(column, &verifier), RDT_FIELD_OK);
    }
    verifier.epoch = 0;
    assert_int_equal(rdt_column_put_verifier(column, &verifier), RDT_FIELD_USAGE);
    rdt_keyring_drop(keyring, the_ring, NULL);
    rdt_column_free(column);
    rdt_column_free(NULL);
    rdt_keyring_free(keyring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_checked),
        cmocka_unit_test(lengths),
        cmocka_unit_test(verifiers_are_checked_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
