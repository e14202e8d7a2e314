#include "field/keyring_internal.h"

#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 256
#define TENANTS 600 /* more than a session has slots for */
#define THREADS 4

static struct rdt_keyring *keyring;
static struct rdt_session *session;
static struct rdt_column *column, *bound;

static int
set_up(void **state)
{
    (void)state;
    if (rdt_keyring_new(NULL, &keyring) != RDT_FIELD_OK ||
        rdt_session_new(keyring, &session) != RDT_FIELD_OK)
        return -1;
    column = a_column(keyring, 0);
    bound = a_column(keyring, RDT_COLUMN_ROW_BOUND);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_session_free(session);
    rdt_column_free(column);
    rdt_column_free(bound);
    rdt_keyring_free(keyring);
    return 0;
}

static void
put(const uint8_t *tenant, uint16_t epoch, uint16_t current)
{
    struct rdt_kek kek = kek_of(tenant, epoch, current);
    assert_int_equal(rdt_keyring_put(keyring, &kek), RDT_FIELD_OK);
}

static struct rdt_item
item_of(const uint8_t *tenant, const void *in, size_t n, uint8_t *out)
{
    return (struct rdt_item){.tenant = tenant, .in = in, .in_n = n, .out = out, .out_room = ROOM};
}

static struct rdt_item
encrypted(struct rdt_session *with, const uint8_t *tenant, const char *plain, uint8_t *value)
{
    struct rdt_item item = item_of(tenant, plain, strlen(plain), value);
    assert_int_equal(rdt_encrypt(with, column, &item, 1), RDT_FIELD_OK);
    assert_int_equal(item.out_n, rdt_value_len(column, strlen(plain)));
    return item;
}

static void
opens(struct rdt_session *with, const uint8_t *tenant, const struct rdt_item *value,
      const char *plain)
{
    uint8_t out[ROOM];
    struct rdt_item item = item_of(tenant, value->out, value->out_n, out);
    assert_int_equal(rdt_decrypt(with, column, &item, 1), RDT_FIELD_OK);
    assert_true(rdt_span_is((struct rdt_span){out, item.out_n}, plain));
}

static enum rdt_field_fault
fault_of(const uint8_t *tenant, const struct rdt_item *value)
{
    uint8_t out[ROOM];
    struct rdt_item item = item_of(tenant, value->out, value->out_n, out);
    enum rdt_field_fault fault = rdt_decrypt(session, column, &item, 1);
    assert_int_equal(fault, item.fault);
    assert_true(fault == RDT_FIELD_OK || item.out_n == 0);
    return fault;
}

static void
a_value_and_back(void **state)
{
    uint8_t value[ROOM];
    (void)state;
    put(acme, 3, 3);
    struct rdt_item item = encrypted(session, acme, "ada@example.org", value);
    opens(session, acme, &item, "ada@example.org");
    struct rdt_value_head head;
    assert_int_equal(rdt_value_look(value, item.out_n, &head), RDT_FIELD_OK);
    assert_int_equal(head.handle, handle_of(acme));
    assert_int_equal(head.epoch, 3);
}

static void
each_fault_is_told(void **state)
{
    uint8_t value[ROOM], other[ROOM];
    (void)state;
    put(acme, 3, 3);
    put(zeta, 3, 3);
    struct rdt_item item = encrypted(session, acme, "a", value);
    assert_int_equal(fault_of(zeta, &item), RDT_FIELD_TENANT);
    value[item.out_n - 1] ^= 1;
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_BODY);
    value[item.out_n - 1] ^= 1;
    value[40] ^= 1;
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_PLACE);
    value[40] ^= 1;
    value[1] |= 0x80;
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_SUITE);
    value[1] &= 0x7f;
    value[0] = 0;
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_NOT_RF1);
    value[0] = 0xf8;
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_OK);
    struct rdt_item no_tenant = item_of(NULL, "a", 1, other);
    assert_int_equal(rdt_encrypt(session, column, &no_tenant, 1), RDT_FIELD_USAGE);
    struct rdt_item no_row = item_of(acme, "a", 1, other);
    assert_int_equal(rdt_encrypt(session, bound, &no_row, 1), RDT_FIELD_ROW);
    struct rdt_item no_room = item_of(acme, "a", 1, other);
    no_room.out_room = 80;
    assert_int_equal(rdt_encrypt(session, column, &no_room, 1), RDT_FIELD_NO_ROOM);
}

static void
a_foreign_epoch_is_no_need_of_a_strangers_handle(void **state)
{
    uint8_t value[ROOM];
    struct rdt_need *need = NULL;
    (void)state;
    put(acme, 3, 3);
    struct rdt_item item = encrypted(session, acme, "a", value);
    value[5] ^= 1; /* the handle */
    value[7] = 9;  /* an epoch that nobody has */
    assert_int_equal(fault_of(acme, &item), RDT_FIELD_TENANT);
    assert_int_equal(rdt_need_take(keyring, &need), RDT_FIELD_OK);
    assert_null(need);
}

static void
a_batch_lacks_a_key_and_does_nothing(void **state)
{
    uint8_t values[2][ROOM] = {0};
    struct service service = {.current = 3, .ttl_s = 300};
    struct rdt_item items[] = {item_of(acme, "a", 1, values[0]), item_of(zeta, "b", 1, values[1])};
    (void)state;
    put(acme, 3, 3);
    assert_int_equal(rdt_encrypt(session, column, items, 2), RDT_FIELD_NEED);
    assert_int_equal(items[0].fault, RDT_FIELD_OK);
    assert_int_equal(items[1].fault, RDT_FIELD_NEED);
    assert_int_equal(items[0].out_n, 0);
    assert_int_equal(values[0][0], 0);
    assert_int_equal(answer_all(&service, keyring), 1);
    assert_int_equal(rdt_encrypt(session, column, items, 2), RDT_FIELD_OK);
    opens(session, acme, &items[0], "a");
    opens(session, zeta, &items[1], "b");
}

static void
one_bad_item_leaves_the_others(void **state)
{
    uint8_t value[ROOM], bad[ROOM] = {0xf8}, out[2][ROOM];
    (void)state;
    put(acme, 3, 3);
    struct rdt_item item = encrypted(session, acme, "a", value);
    struct rdt_item items[] = {item_of(acme, bad, 20, out[0]),
                               item_of(acme, value, item.out_n, out[1])};
    assert_int_equal(rdt_decrypt(session, column, items, 2), RDT_FIELD_NOT_RF1);
    assert_int_equal(items[1].fault, RDT_FIELD_OK);
    assert_int_equal(items[1].out_n, 1);
}

static void
the_new_epoch_is_taken_at_once(void **state)
{
    uint8_t old[ROOM], fresh[ROOM];
    (void)state;
    put(acme, 3, 3);
    struct rdt_item first = encrypted(session, acme, "a", old);
    put(acme, 4, 4);
    encrypted(session, acme, "a", fresh);
    assert_int_equal(old[7], 3);
    assert_int_equal(fresh[7], 4);
    opens(session, acme, &first, "a");
}

static void
dropped_is_gone_from_every_session(void **state)
{
    uint8_t value[ROOM], out[ROOM];
    struct rdt_session *other = NULL;
    (void)state;
    put(acme, 3, 3);
    put(zeta, 3, 3);
    assert_int_equal(rdt_session_new(keyring, &other), RDT_FIELD_OK);
    struct rdt_item mine = encrypted(session, acme, "a", value);
    opens(other, acme, &mine, "a");
    encrypted(other, zeta, "b", out);
    rdt_keyring_drop(keyring, the_ring, acme);
    struct rdt_item item = item_of(acme, value, mine.out_n, out);
    assert_int_equal(rdt_decrypt(other, column, &item, 1), RDT_FIELD_NEED);
    item = item_of(acme, "a", 1, out);
    assert_int_equal(rdt_encrypt(session, column, &item, 1), RDT_FIELD_NEED);
    encrypted(other, zeta, "b", out);
    rdt_keyring_drop(keyring, the_ring, NULL);
    item = item_of(zeta, "b", 1, out);
    assert_int_equal(rdt_encrypt(other, column, &item, 1), RDT_FIELD_NEED);
    rdt_session_free(other);
}

static void
more_tenants_than_slots(void **state)
{
    uint8_t tenant[RDT_ID_LEN] = "tenant----------", value[ROOM];
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < TENANTS; i++) {
            tenant[7] = (uint8_t)i;
            tenant[14] = (uint8_t)(i >> 8);
            if (round == 0)
                put(tenant, 3, 3);
            struct rdt_item item = encrypted(session, tenant, "x", value);
            opens(session, tenant, &item, "x");
        }
}

/* ---- verify keys ---- */

static void
who_verifies_cannot_read(void **state)
{
    uint8_t value[ROOM], out[ROOM];
    struct rdt_keyring *apart = NULL;
    struct rdt_session *auditor = NULL;
    struct rdt_value_head head;
    struct rdt_verifier verifier = {.ttl_s = 60};
    (void)state;
    put(acme, 3, 3);
    struct rdt_item item = encrypted(session, acme, "a", value);
    struct rdt_verify_key_ask ask = {column, acme, 0};
    assert_int_equal(rdt_verify_key(session, &ask, verifier.key, &head), RDT_FIELD_OK);
    memcpy(verifier.tenant, acme, RDT_ID_LEN);
    verifier.handle = head.handle;
    verifier.epoch = head.epoch;
    assert_int_equal(rdt_keyring_new(NULL, &apart), RDT_FIELD_OK);
    assert_int_equal(rdt_session_new(apart, &auditor), RDT_FIELD_OK);
    struct rdt_column *same = a_column(apart, 0);
    struct rdt_item look = item_of(acme, value, item.out_n, out);
    assert_int_equal(rdt_verify(auditor, same, &look, 1), RDT_FIELD_NEED);
    assert_int_equal(rdt_column_put_verifier(same, &verifier), RDT_FIELD_OK);
    assert_int_equal(rdt_verify(auditor, same, &look, 1), RDT_FIELD_OK);
    assert_int_equal(rdt_decrypt(auditor, same, &look, 1), RDT_FIELD_NEED);
    value[40] ^= 1;
    assert_int_equal(rdt_verify(auditor, same, &look, 1), RDT_FIELD_PLACE);
    value[40] ^= 1;
    value[5] ^= 1;
    assert_int_equal(rdt_verify(auditor, same, &look, 1), RDT_FIELD_TENANT);
    value[5] ^= 1;
    rdt_keyring_drop(apart, the_ring, acme);
    assert_int_equal(rdt_verify(auditor, same, &look, 1), RDT_FIELD_NEED);
    rdt_session_free(auditor);
    rdt_column_free(same);
    rdt_keyring_free(apart);
}

/* ---- threads, fork ---- */

static void *
work(void *arg)
{
    struct rdt_session *mine = NULL;
    uint8_t value[ROOM], out[ROOM];
    int *bad = arg;
    if (rdt_session_new(keyring, &mine) != RDT_FIELD_OK) {
        *bad = 1;
        return NULL;
    }
    for (unsigned i = 0; i < 2000; i++) {
        struct rdt_item item = item_of(acme, "shared", 6, value);
        enum rdt_field_fault fault = rdt_encrypt(mine, column, &item, 1);
        struct rdt_item back = item_of(acme, value, item.out_n, out);
        if (fault == RDT_FIELD_OK)
            fault = rdt_decrypt(mine, column, &back, 1);
        /* the key is dropped and put again meanwhile */
        *bad += fault != RDT_FIELD_OK && fault != RDT_FIELD_NEED;
        *bad += fault == RDT_FIELD_OK && !rdt_span_is((struct rdt_span){out, back.out_n}, "shared");
    }
    rdt_session_free(mine);
    return NULL;
}

static void
threads_share_a_keyring(void **state)
{
    pthread_t threads[THREADS];
    int bad[THREADS] = {0};
    (void)state;
    put(acme, 3, 3);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &bad[i]), 0);
    for (unsigned i = 0; i < 200; i++) {
        rdt_keyring_drop(keyring, the_ring, acme);
        put(acme, 3, 3);
        usleep(100);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(bad[i], 0);
    }
}

static void
a_child_is_told_apart(void **state)
{
    uint8_t value[ROOM];
    int status = -1;
    (void)state;
    put(acme, 3, 3);
    encrypted(session, acme, "a", value);
    pid_t child = fork();
    if (child == 0) {
        struct rdt_item item = item_of(acme, "a", 1, value);
        struct rdt_session *more = NULL;
        bool ok = rdt_encrypt(session, column, &item, 1) == RDT_FIELD_FORKED &&
                  rdt_session_new(keyring, &more) == RDT_FIELD_FORKED;
        rdt_session_free(session);
        rdt_column_free(column);
        rdt_keyring_free(keyring);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    encrypted(session, acme, "a", value);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_value_and_back),
        CASE(each_fault_is_told),
        CASE(a_foreign_epoch_is_no_need_of_a_strangers_handle),
        CASE(a_batch_lacks_a_key_and_does_nothing),
        CASE(one_bad_item_leaves_the_others),
        CASE(the_new_epoch_is_taken_at_once),
        CASE(dropped_is_gone_from_every_session),
        CASE(more_tenants_than_slots),
        CASE(who_verifies_cannot_read),
        CASE(threads_share_a_keyring),
        CASE(a_child_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
