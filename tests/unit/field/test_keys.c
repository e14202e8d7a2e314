#include "field/keys.h"

#include "../test.h"

static struct rdt_worker *worker;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    return 0;
}

static void
fill(struct rdt_secret *secret, size_t n, uint8_t with)
{
    assert_int_equal(rdt_secret_new(secret, n, NULL), RDT_OK);
    memset(secret->p, with, n);
}

/* Each of the three is of its own, and of the tenant's, the column's and the KEK's. */
static void
all_differ(void **state)
{
    (void)state;
    struct rdt_field_column columns[] = {
        {.id = {1}},
        {.id = {2}},
        {.tenant = {1}, .id = {1}}
    };
    struct rdt_field_keys keys[4];
    RDT_SECRET kek = {0}, other = {0};
    const struct rdt_secret *all[12];
    size_t n = 0;
    fill(&kek, RDT_KEY_LEN, 1);
    fill(&other, RDT_KEY_LEN, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rdt_field_keys_new(&keys[i], NULL), RDT_OK);
        assert_int_equal(
            rdt_field_keys_make(worker, i == 3 ? &other : &kek, &columns[i % 3], &keys[i]), RDT_OK);
        all[n++] = &keys[i].encrypt;
        all[n++] = &keys[i].verify;
        all[n++] = &keys[i].hedge;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(rdt_secret_equal(all[i], all[j]));
    for (size_t i = 0; i < 4; i++)
        rdt_field_keys_wipe(&keys[i]);
}

static void
verifier_has_nothing_else(void **state)
{
    (void)state;
    struct rdt_field_column column = {.id = {7}};
    RDT_AUTO(rdt_field_keys_wipe) struct rdt_field_keys all = {0}, verifier = {0};
    RDT_SECRET kek = {0}, key = {0};
    fill(&kek, RDT_KEY_LEN, 1);
    fill(&key, RDT_KEY_LEN, 0);
    assert_int_equal(rdt_field_keys_new(&all, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_new(&verifier, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_make(worker, &kek, &column, &all), RDT_OK);
    assert_int_equal(rdt_field_keys_make(worker, &kek, &column, &verifier), RDT_OK);
    assert_int_equal(rdt_field_verify_key(worker, &kek, &column, &key), RDT_OK);
    assert_int_equal(rdt_field_verifier(worker, &key, &verifier), RDT_OK);
    assert_true(rdt_secret_equal(&all.verify, &verifier.verify));
    assert_int_equal(verifier.encrypt.n, 0);
    assert_int_equal(verifier.hedge.n, 0);
}

static void
short_kek(void **state)
{
    (void)state;
    struct rdt_field_column column = {.id = {7}};
    RDT_AUTO(rdt_field_keys_wipe) struct rdt_field_keys keys = {0};
    RDT_SECRET kek = {0};
    fill(&kek, RDT_KEY_LEN - 1, 1);
    assert_int_equal(rdt_field_keys_new(&keys, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_make(worker, &kek, &column, &keys), RDT_E_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_differ),
        cmocka_unit_test(verifier_has_nothing_else),
        cmocka_unit_test(short_kek),
    };
    return cmocka_run_group_tests_name("field/keys", tests, set_up, tear_down);
}
