#include "field/keyring_internal.h"

#include "service.h"

#include <unistd.h>

static struct rdt_keyring *keyring;
static struct rdt_session *session;
static struct rdt_column *column;
static const struct service usual = {.current = 3, .ttl_s = 300};

static int
open_with(struct rdt_keyring_options options)
{
    options.size = sizeof options;
    if (rdt_keyring_new(&options, &keyring) != RDT_FIELD_OK ||
        rdt_session_new(keyring, &session) != RDT_FIELD_OK)
        return -1;
    column = a_column(keyring, 0);
    return 0;
}

static int
set_up(void **state)
{
    (void)state;
    return open_with((struct rdt_keyring_options){0});
}

static int
set_up_grace(void **state)
{
    (void)state;
    return open_with((struct rdt_keyring_options){.ttl_s = 1, .grace_s = 60});
}

static int
set_up_brief(void **state)
{
    (void)state;
    return open_with((struct rdt_keyring_options){.ttl_s = 1});
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_session_free(session);
    rdt_column_free(column);
    rdt_keyring_free(keyring);
    return 0;
}

static enum rdt_field_fault
encrypt(const uint8_t *tenant, uint8_t *value)
{
    struct rdt_item item = {.tenant = tenant, .in = "x", .in_n = 1, .out = value, .out_room = 81};
    return rdt_encrypt(session, column, &item, 1);
}

static enum rdt_field_fault
decrypt(const uint8_t *tenant, const uint8_t *value)
{
    uint8_t out[8];
    struct rdt_item item = {
        .tenant = tenant, .in = value, .in_n = 81, .out = out, .out_room = sizeof out};
    return rdt_decrypt(session, column, &item, 1);
}

static struct rdt_need *
taken(void)
{
    struct rdt_need *need = NULL;
    assert_int_equal(rdt_need_take(keyring, &need), RDT_FIELD_OK);
    return need;
}

static void
a_need_is_taken_once(void **state)
{
    uint8_t value[81];
    (void)state;
    assert_null(taken());
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    struct rdt_need *need = taken();
    assert_non_null(need);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    assert_null(taken()); /* single flight */
    assert_int_equal(answer(&usual, need), RDT_FIELD_OK);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    assert_int_equal(value[7], 3);
    assert_null(taken());
}

static void
an_old_epoch_is_asked_for_by_number(void **state)
{
    uint8_t value[81];
    struct service later = {.current = 5, .ttl_s = 300};
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    answer_all(&usual, keyring);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    rdt_keyring_drop(keyring, the_ring, acme);
    assert_int_equal(decrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(answer_all(&later, keyring), 1);
    assert_int_equal(decrypt(acme, value), RDT_FIELD_OK);
}

static void
whose_a_value_is_comes_first(void **state)
{
    uint8_t value[81] = {0xf8, 1, 0, 0, 0, 1, 0, 9};
    struct service later = {.current = 5, .ttl_s = 300};
    (void)state;
    assert_int_equal(decrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(answer_all(&later, keyring), 1); /* which is current, and so the handle */
    assert_int_equal(decrypt(acme, value), RDT_FIELD_TENANT);
    assert_null(taken());
}

static void
a_rotation_is_noticed_on_the_way(void **state)
{
    uint8_t value[81], old[81];
    struct service later = {.current = 5, .ttl_s = 300};
    (void)state;
    assert_int_equal(encrypt(acme, old), RDT_FIELD_NEED);
    answer_all(&usual, keyring);
    assert_int_equal(encrypt(acme, old), RDT_FIELD_OK);
    old[7] = 4; /* a value that another writer made under a later epoch: its key tells */
    assert_int_equal(decrypt(acme, old), RDT_FIELD_NEED);
    assert_int_equal(answer_all(&later, keyring), 2);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    assert_int_equal(value[7], 5);
}

static void
refused_is_forgotten_and_not_asked_again(void **state)
{
    uint8_t value[81];
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    rdt_need_fail(taken(), RDT_NEED_REFUSED);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_KEY);
    assert_null(taken());
    assert_int_equal(encrypt(zeta, value), RDT_FIELD_NEED); /* another tenant's is another matter */
}

static void
a_refused_epoch_leaves_the_others(void **state)
{
    uint8_t value[81], odd[81];
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    answer_all(&usual, keyring);
    assert_int_equal(encrypt(acme, odd), RDT_FIELD_OK);
    odd[7] = 77;
    assert_int_equal(decrypt(acme, odd), RDT_FIELD_NEED);
    rdt_need_fail(taken(), RDT_NEED_REFUSED);
    assert_int_equal(decrypt(acme, odd), RDT_FIELD_KEY);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    assert_int_equal(decrypt(acme, value), RDT_FIELD_OK);
}

static void
an_answer_after_a_drop_is_none(void **state)
{
    uint8_t value[81];
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    struct rdt_need *need = taken();
    rdt_keyring_drop(keyring, the_ring, acme);
    assert_int_equal(answer(&usual, need), RDT_FIELD_OK);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    need = taken();
    rdt_keyring_drop(keyring, the_ring, zeta); /* somebody else's */
    assert_int_equal(answer(&usual, need), RDT_FIELD_OK);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
}

static void
a_wrong_answer_is_none(void **state)
{
    uint8_t value[81];
    struct service other = {.handle = 99, .current = 3, .ttl_s = 300};
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(rdt_need_answer(taken(), "{}", 2), RDT_FIELD_ANSWER);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    assert_null(taken()); /* not at once */
    assert_int_equal(encrypt(zeta, value), RDT_FIELD_NEED);
    struct rdt_need *need = taken();
    RDT_BUF json = {0};
    answer_text(&usual, need, &json);
    json.p[json.n - 8] ^= 1; /* of the sealed key */
    assert_int_equal(rdt_need_answer(need, json.p, json.n), RDT_FIELD_ANSWER);
    /* a tenant does not change its handle */
    struct rdt_kek kek = kek_of(acme, 3, 3);
    assert_int_equal(rdt_keyring_put(keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    value[7] = 2;
    assert_int_equal(decrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(answer(&other, taken()), RDT_FIELD_USAGE);
}

static void
a_key_in_use_is_renewed_before_its_time(void **state)
{
    uint8_t value[81];
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    assert_int_equal(encrypt(zeta, value), RDT_FIELD_NEED);
    assert_int_equal(answer_all(&usual, keyring), 2);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK); /* zeta's is not in use */
    usleep(850 * 1000);
    assert_int_equal(answer_all(&usual, keyring), 1);
    usleep(300 * 1000); /* beyond the first one's time */
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    assert_int_equal(encrypt(zeta, value), RDT_FIELD_NEED);
}

static void
past_its_time_a_key_serves_for_the_grace_alone(void **state)
{
    uint8_t value[81];
    (void)state;
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    answer_all(&usual, keyring);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    usleep(1100 * 1000);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED); /* nobody has asked in vain yet */
    rdt_need_fail(taken(), RDT_NEED_UNREACHABLE);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    assert_int_equal(decrypt(acme, value), RDT_FIELD_OK);
    usleep(1100 * 1000);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_OK);
    struct rdt_need *need = taken(); /* asked for again meanwhile */
    assert_non_null(need);
    rdt_need_fail(need, RDT_NEED_REFUSED); /* a refusal ends it */
    assert_int_equal(encrypt(acme, value), RDT_FIELD_KEY);
}

static void
waiting_ends(void **state)
{
    (void)state;
    uint8_t value[81];
    rdt_need_wait(keyring, 1);
    rdt_need_fail(NULL, RDT_NEED_REFUSED);
    assert_int_equal(encrypt(acme, value), RDT_FIELD_NEED);
    rdt_need_wait(keyring, UINT32_MAX); /* there is one already: no wait */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_need_is_taken_once),
        CASE(an_old_epoch_is_asked_for_by_number),
        CASE(whose_a_value_is_comes_first),
        CASE(a_rotation_is_noticed_on_the_way),
        CASE(refused_is_forgotten_and_not_asked_again),
        CASE(a_refused_epoch_leaves_the_others),
        CASE(an_answer_after_a_drop_is_none),
        CASE(a_wrong_answer_is_none),
        cmocka_unit_test_setup_teardown(a_key_in_use_is_renewed_before_its_time, set_up_brief,
                                        tear_down),
        cmocka_unit_test_setup_teardown(past_its_time_a_key_serves_for_the_grace_alone,
                                        set_up_grace, tear_down),
        CASE(waiting_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
