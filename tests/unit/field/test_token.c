/* What the page's vectors do not say (tests/functional/test_searchable.py): room, bits, what is
 * refused before a key is used, every byte cut or changed. */
#include "field/token.h"

#include "../test.h"

#include <stdlib.h>

#define VALUE_MOST 256

static struct rdt_worker *worker;
static struct rdt_secret kek;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK &&
                   rdt_secret_new(&kek, RDT_KEY_LEN, NULL) == RDT_OK &&
                   rdt_random_key(worker, &kek, NULL) == RDT_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&kek);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_field_index
index_of(enum rdt_index_kind kind, unsigned bits)
{
    return (struct rdt_field_index){
        .kind = kind,
        .bits = (uint8_t)bits,
        .name = rdt_span_str("mail"),
        .normal = {.rule = RDT_NORMAL_NAME, .version = 1},
    };
}

static void
make(const struct rdt_field_index *index, struct rdt_index_keys *keys)
{
    assert_int_equal(rdt_index_keys_new(keys, NULL), RDT_OK);
    assert_int_equal(rdt_index_keys_make(worker, &kek, index, keys), RDT_FIELD_OK);
    keys->handle = 7;
    keys->epoch = 0x0102;
}

static void
definitions(void **state)
{
    (void)state;
    static const struct {
        unsigned kind, bits;
        bool risk;
        enum rdt_field_fault want;
    } cases[] = {
        {RDT_INDEX_UNIQUE,    128, false, RDT_FIELD_OK   },
        {RDT_INDEX_UNIQUE,    127, false, RDT_FIELD_INDEX},
        {RDT_INDEX_TRUNCATED, 1,   false, RDT_FIELD_OK   },
        {RDT_INDEX_TRUNCATED, 40,  false, RDT_FIELD_OK   },
        {RDT_INDEX_TRUNCATED, 0,   false, RDT_FIELD_INDEX},
        {RDT_INDEX_TRUNCATED, 41,  false, RDT_FIELD_INDEX},
        {RDT_INDEX_TRUNCATED, 128, false, RDT_FIELD_INDEX},
        {RDT_INDEX_PREFIX,    128, true,  RDT_FIELD_OK   },
        {RDT_INDEX_PREFIX,    128, false, RDT_FIELD_RISK },
        {RDT_INDEX_WORD,      20,  true,  RDT_FIELD_OK   },
        {RDT_INDEX_WORD,      20,  false, RDT_FIELD_RISK },
        {RDT_INDEX_WORD,      64,  true,  RDT_FIELD_INDEX},
        {0,                   128, true,  RDT_FIELD_INDEX},
        {5,                   128, true,  RDT_FIELD_INDEX},
    };
    RDT_AUTO(rdt_index_keys_wipe) struct rdt_index_keys keys = {0};
    assert_int_equal(rdt_index_keys_new(&keys, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_field_index index = index_of((enum rdt_index_kind)cases[i].kind, cases[i].bits);
        index.risk_accepted = cases[i].risk;
        assert_int_equal(rdt_field_index_check(&index), cases[i].want);
        assert_int_equal(rdt_index_keys_make(worker, &kek, &index, &keys), cases[i].want);
    }
    RDT_SECRET small = {0};
    struct rdt_field_index good = index_of(RDT_INDEX_UNIQUE, 128);
    assert_int_equal(rdt_secret_new(&small, 16, NULL), RDT_OK);
    assert_int_equal(rdt_index_keys_make(worker, &small, &good, &keys), RDT_FIELD_INTERNAL);
}

/* A truncated token has its bits and no other one, whatever their number. */
static void
bits(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= RDT_TOKEN_TRUNCATED_MAX; n++) {
        RDT_AUTO(rdt_index_keys_wipe) struct rdt_index_keys keys = {0};
        struct rdt_field_index index = index_of(RDT_INDEX_TRUNCATED, n);
        uint8_t token[RDT_TOKEN_LEN], any[RDT_TOKEN_LEN] = {0};
        make(&index, &keys);
        for (uint8_t value = 0; value < 64; value++) {
            assert_int_equal(rdt_token(worker, &keys, (struct rdt_span){&value, 1}, token),
                             RDT_FIELD_OK);
            for (size_t i = 0; i < sizeof any; i++)
                any[i] |= token[i];
        }
        for (unsigned bit = 0; bit < RDT_TOKEN_BITS; bit++)
            assert_int_equal((any[bit / 8] >> (7 - bit % 8)) & 1, bit < n);
    }
}

static void
checked_again(void **state)
{
    (void)state;
    RDT_AUTO(rdt_index_keys_wipe) struct rdt_index_keys keys = {0};
    struct rdt_field_index index = index_of(RDT_INDEX_UNIQUE, 128);
    struct rdt_span value = rdt_span_str("ada lovelace"), other = rdt_span_str("ada lovelacf");
    uint8_t token[RDT_TOKEN_LEN];
    make(&index, &keys);
    assert_int_equal(rdt_token(worker, &keys, value, token), RDT_FIELD_OK);
    struct rdt_span span = {token, sizeof token};
    assert_int_equal(rdt_token_check(worker, &keys, value, span), RDT_FIELD_OK);
    assert_int_equal(rdt_token_check(worker, &keys, other, span), RDT_FIELD_TOKEN);
    for (size_t bit = 0; bit < 8 * sizeof token; bit++) {
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(rdt_token_check(worker, &keys, value, span), RDT_FIELD_TOKEN);
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    span.n--;
    assert_int_equal(rdt_token_check(worker, &keys, value, span), RDT_FIELD_TOKEN);
    struct rdt_span huge = {token, RDT_VALUE_MAX + 1};
    assert_int_equal(rdt_token(worker, &keys, huge, token), RDT_FIELD_TOO_LONG);
    keys.kind = RDT_INDEX_WORD;
    assert_int_equal(rdt_token(worker, &keys, value, token), RDT_FIELD_INDEX);
}

/* Token and RF1 in one buffer, and back; cut anywhere it is none. */
static void
the_value(void **state)
{
    (void)state;
    RDT_AUTO(rdt_index_keys_wipe) struct rdt_index_keys keys = {0};
    RDT_AUTO(rdt_field_keys_wipe) struct rdt_field_keys data = {0};
    RDT_SECRET record = {0};
    struct rdt_field_column column = {0};
    struct rdt_field_index index = index_of(RDT_INDEX_TRUNCATED, 12);
    uint8_t bytes[VALUE_MOST], token[RDT_TOKEN_LEN], plain[VALUE_MOST];
    make(&index, &keys);
    assert_int_equal(rdt_secret_new(&record, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_new(&data, NULL), RDT_OK);
    assert_int_equal(rdt_field_keys_make(worker, &kek, &column, &data), RDT_OK);
    struct rdt_rf1_call call = {worker, &data, &column, {0}, &record};
    struct rdt_rf1_out out = {bytes + RDT_SEARCHABLE_FRONT, VALUE_MOST - RDT_SEARCHABLE_FRONT, 0};
    assert_int_equal(rdt_token(worker, &keys, rdt_span_str("ada"), token), RDT_FIELD_OK);
    rdt_searchable_put(&keys, token, bytes);
    assert_int_equal(rdt_rf1_seal(&call, rdt_span_str("Ada"), &out), RDT_FIELD_OK);
    size_t n = RDT_SEARCHABLE_FRONT + out.n;
    struct rdt_searchable got;
    assert_true(rdt_searchable_read((struct rdt_span){bytes, n}, &got));
    assert_int_equal(got.kind, RDT_INDEX_TRUNCATED);
    assert_int_equal(got.epoch, 0x0102);
    assert_memory_equal(got.token.p, token, sizeof token);
    out = (struct rdt_rf1_out){plain, sizeof plain, 0};
    assert_int_equal(rdt_rf1_open(&call, got.rf1, &out), RDT_FIELD_OK);
    assert_memory_equal(plain, "Ada", 3);
    for (size_t cut = 0; cut < RDT_SEARCHABLE_FRONT + RDT_VALUE_OVER; cut++) {
        uint8_t *some = malloc(cut == 0 ? 1 : cut); /* so that a byte too far is seen */
        assert_non_null(some);
        memcpy(some, bytes, cut);
        assert_false(rdt_searchable_read((struct rdt_span){some, cut}, &got));
        free(some);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions),
        cmocka_unit_test(bits),
        cmocka_unit_test(checked_again),
        cmocka_unit_test(the_value),
    };
    return cmocka_run_group_tests_name("field/token", tests, set_up, tear_down);
}
