#include "field/keyring_internal.h"

#include "service.h"

#include <stdio.h>

static struct rdt_keyring *keyring;
static struct rdt_session *session;

static int
set_up(void **state)
{
    (void)state;
    return rdt_keyring_new(NULL, &keyring) == RDT_FIELD_OK &&
                   rdt_session_new(keyring, &session) == RDT_FIELD_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_session_free(session);
    rdt_keyring_free(keyring);
    return 0;
}

static struct rdt_index_spec
spec_of(uint8_t kind, uint8_t bits)
{
    struct rdt_index_spec spec = {.size = sizeof spec,
                                  .name = "email",
                                  .kind = kind,
                                  .bits = bits,
                                  .rule = RDT_NORMAL_EMAIL,
                                  .version = 1,
                                  .local = RDT_NORMAL_LOCAL_FOLD};
    memcpy(spec.ring, the_ring, RDT_ID_LEN);
    memcpy(spec.domain, "domain----------", RDT_ID_LEN);
    return spec;
}

static struct rdt_index *
an_index(const struct rdt_index_spec *spec)
{
    struct rdt_index *index = NULL;
    assert_int_equal(rdt_index_new(keyring, spec, &index), RDT_FIELD_OK);
    return index;
}

static enum rdt_field_fault
token(const struct rdt_index *index, uint16_t epoch, const char *plain, uint8_t *out)
{
    struct rdt_item item = {
        .tenant = acme, .in = plain, .in_n = strlen(plain), .out = out, .out_room = 16};
    enum rdt_field_fault fault = rdt_tokenize(session, index, epoch, &item, 1);
    assert_int_equal(item.out_n, fault == RDT_FIELD_OK ? 16 : 0);
    return fault;
}

static bool
same(const uint8_t *a, const uint8_t *b)
{
    return rdt_span_eq((struct rdt_span){a, 16}, (struct rdt_span){b, 16});
}

/* What the room's own calls make of it. */
static void
expected(const struct rdt_index_spec *spec, const char *normal, uint8_t *out)
{
    struct rdt_worker *worker = NULL;
    struct rdt_index_keys keys;
    RDT_SECRET secret = {0};
    struct rdt_kek kek = kek_of(acme, 3, 3);
    struct rdt_field_index index = {
        .kind = (enum rdt_index_kind)spec->kind,
        .bits = spec->bits,
        .name = rdt_span_str("email"),
        .normal = {.rule = spec->rule, .version = 1, .local = spec->local}
    };
    memcpy(index.tenant, acme, RDT_ID_LEN);
    memcpy(index.domain, spec->domain, RDT_ID_LEN);
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    assert_int_equal(rdt_index_keys_new(&keys, NULL), RDT_OK);
    assert_int_equal(rdt_secret_copy(&secret, (struct rdt_span){kek.key, RDT_KEK_LEN}, NULL),
                     RDT_OK);
    assert_int_equal(rdt_index_keys_make(worker, &secret, &index, &keys), RDT_FIELD_OK);
    assert_int_equal(rdt_token(worker, &keys, rdt_span_str(normal), out), RDT_FIELD_OK);
    rdt_index_keys_wipe(&keys);
    rdt_worker_close(worker);
}

static void
tokens_are_those_of_the_format(void **state)
{
    static const uint8_t bits[] = {128, 12};
    (void)state;
    struct service service = {.current = 3, .ttl_s = 300};
    for (size_t i = 0; i < RDT_COUNT(bits); i++) {
        uint8_t got[16], typed[16], want[16];
        struct rdt_index_spec spec = spec_of((uint8_t)(i + 1), bits[i]);
        struct rdt_index *index = an_index(&spec);
        if (i == 0)
            assert_int_equal(token(index, 0, "ada@example.org", got), RDT_FIELD_NEED);
        answer_all(&service, keyring);
        assert_int_equal(token(index, 0, "ada@example.org", got), RDT_FIELD_OK);
        assert_int_equal(token(index, 3, "Ada@EXAMPLE.org", typed), RDT_FIELD_OK);
        expected(&spec, "ada@example.org", want);
        assert_true(same(got, want) && same(got, typed));
        assert_int_equal(token(index, 0, "no address", got), RDT_FIELD_FORM);
        assert_int_equal(token(index, 0, "a\xff@example.org", got), RDT_FIELD_TEXT);
        rdt_index_free(index);
    }
}

static void
old_and_new_tokens_differ(void **state)
{
    uint8_t old[16], fresh[16], again[16];
    struct rdt_index_spec spec = spec_of(RDT_INDEX_UNIQUE, 128);
    (void)state;
    struct rdt_index *index = an_index(&spec);
    struct rdt_kek kek = kek_of(acme, 3, 3);
    assert_int_equal(rdt_keyring_put(keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(token(index, 0, "ada@example.org", old), RDT_FIELD_OK);
    kek = kek_of(acme, 4, 4);
    assert_int_equal(rdt_keyring_put(keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(token(index, 0, "ada@example.org", fresh), RDT_FIELD_OK);
    assert_int_equal(token(index, 3, "ada@example.org", again), RDT_FIELD_OK);
    assert_true(same(old, again) && !same(old, fresh));
    rdt_keyring_drop(keyring, the_ring, acme);
    assert_int_equal(token(index, 3, "ada@example.org", again), RDT_FIELD_NEED);
    rdt_index_free(index);
}

static void
an_index_and_a_column_share_nothing(void **state)
{
    uint8_t found[16], value[256];
    struct rdt_index_spec spec = spec_of(RDT_INDEX_UNIQUE, 128);
    (void)state;
    struct rdt_index *index = an_index(&spec);
    struct rdt_column *column = a_column(keyring, 0);
    struct rdt_kek kek = kek_of(acme, 3, 3);
    assert_int_equal(rdt_keyring_put(keyring, &kek), RDT_FIELD_OK);
    assert_int_equal(token(index, 0, "ada@example.org", found), RDT_FIELD_OK);
    struct rdt_item item = {
        .tenant = acme, .in = "a", .in_n = 1, .out = value, .out_room = sizeof value};
    assert_int_equal(rdt_encrypt(session, column, &item, 1), RDT_FIELD_OK);
    item.row = "1";
    item.row_n = 1;
    assert_int_equal(rdt_tokenize(session, index, 0, &item, 1), RDT_FIELD_ROW);
    item.row_n = 0;
    item.out_room = 15;
    assert_int_equal(rdt_tokenize(session, index, 0, &item, 1), RDT_FIELD_NO_ROOM);
    rdt_column_free(column);
    rdt_index_free(index);
    rdt_index_free(NULL);
}

static void
what_is_no_index(void **state)
{
    struct rdt_index *index = NULL;
    struct rdt_index_spec spec = spec_of(RDT_INDEX_UNIQUE, 64);
    (void)state;
    assert_int_equal(rdt_index_new(keyring, &spec, &index), RDT_FIELD_INDEX);
    spec = spec_of(RDT_INDEX_PREFIX, 128);
    assert_int_equal(rdt_index_new(keyring, &spec, &index), RDT_FIELD_INDEX);
    spec = spec_of(RDT_INDEX_UNIQUE, 128);
    spec.version = 2;
    assert_int_equal(rdt_index_new(keyring, &spec, &index), RDT_FIELD_INDEX);
    spec = spec_of(RDT_INDEX_UNIQUE, 128);
    memset(spec.name, 'a', sizeof spec.name);
    assert_int_equal(rdt_index_new(keyring, &spec, &index), RDT_FIELD_USAGE);
    spec = spec_of(RDT_INDEX_UNIQUE, 128);
    spec.size--;
    assert_int_equal(rdt_index_new(keyring, &spec, &index), RDT_FIELD_USAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tokens_are_those_of_the_format),
        CASE(old_and_new_tokens_differ),
        CASE(an_index_and_a_column_share_nothing),
        CASE(what_is_no_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
