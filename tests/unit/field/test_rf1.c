/* What the page's vectors do not say (tests/functional/test_field.py): buffers, limits, hedging,
 * every byte changed or cut. */
#include "field/rf1.h"

#include "../test.h"

#include <stdlib.h>

#define VALUE_MOST 256

static struct rdt_worker *worker;
static struct rdt_field_keys keys;
static struct rdt_secret kek, record;
static struct rdt_field_column column;

static int
set_up(void **state)
{
    (void)state;
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_field_keys_new(&keys, NULL) != RDT_OK ||
        rdt_secret_new(&kek, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&record, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_random_key(worker, &kek, NULL) != RDT_OK ||
        rdt_field_keys_make(worker, &kek, &column, &keys) != RDT_OK)
        return -1;
    keys.handle = 0x01020304;
    keys.epoch = 0x0506;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_field_keys_wipe(&keys);
    rdt_secret_wipe(&kek);
    rdt_secret_wipe(&record);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_rf1_call
call_of(const struct rdt_field_column *of, const char *row)
{
    return (struct rdt_rf1_call){worker, &keys, of, rdt_span_str(row), &record};
}

static struct rdt_span
sealed(const struct rdt_rf1_call *call, const char *plain, uint8_t *bytes)
{
    struct rdt_rf1_out out = {bytes, VALUE_MOST, 0};
    assert_int_equal(rdt_rf1_seal(call, rdt_span_str(plain), &out), RDT_FIELD_OK);
    assert_int_equal(out.n, rdt_rf1_len(call->column, strlen(plain)));
    return (struct rdt_span){bytes, out.n};
}

static void
the_layout(void **state)
{
    (void)state;
    static const uint8_t header[] = {0xf8, 0xc1, 1, 2, 3, 4, 5, 6};
    struct rdt_field_column of = {.row_bound = true, .bucket = 16};
    struct rdt_rf1_call call = call_of(&of, "7");
    uint8_t bytes[VALUE_MOST];
    struct rdt_rf1 rf1;
    struct rdt_span value = sealed(&call, "x", bytes);
    assert_memory_equal(value.p, header, sizeof header);
    assert_true(rdt_rf1_read(value, &rf1));
    assert_int_equal(rf1.handle, keys.handle);
    assert_int_equal(rf1.epoch, keys.epoch);
    assert_int_equal(rf1.sealed.n, 16 + 16);
    assert_int_equal(value.n, RDT_VALUE_OVER + 16);
}

/* Whatever bit is another and wherever it ends: no plaintext, none left behind. */
static void
changed_and_cut(void **state)
{
    (void)state;
    static const uint8_t zeroes[VALUE_MOST];
    struct rdt_field_column of = {.row_bound = true};
    struct rdt_rf1_call call = call_of(&of, "row");
    uint8_t bytes[VALUE_MOST], plain[VALUE_MOST];
    struct rdt_span value = sealed(&call, "planted-plaintext", bytes);
    for (size_t bit = 0; bit < 8 * value.n; bit++) {
        struct rdt_rf1_out out = {plain, sizeof plain, 0};
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(plain, 0, sizeof plain);
        enum rdt_field_fault fault = rdt_rf1_open(&call, value, &out);
        assert_int_not_equal(fault, RDT_FIELD_OK);
        assert_int_not_equal(fault, RDT_FIELD_INTERNAL);
        assert_int_equal(fault == RDT_FIELD_BODY, bit / 8 >= 64);
        assert_memory_equal(plain, zeroes, sizeof plain);
        assert_int_equal(out.n, 0);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < value.n; n++) {
        uint8_t *cut = malloc(n == 0 ? 1 : n); /* so that a byte too far is seen */
        struct rdt_rf1_out out = {plain, sizeof plain, 0};
        assert_non_null(cut);
        memcpy(cut, bytes, n);
        enum rdt_field_fault fault = rdt_rf1_open(&call, (struct rdt_span){cut, n}, &out);
        assert_int_equal(fault, n < RDT_VALUE_OVER ? RDT_FIELD_NOT_RF1 : RDT_FIELD_BODY);
        free(cut);
    }
}

static void
room(void **state)
{
    (void)state;
    struct rdt_rf1_call call = call_of(&column, "");
    uint8_t bytes[VALUE_MOST], plain[VALUE_MOST];
    struct rdt_span value = sealed(&call, "twelve bytes", bytes);
    struct rdt_rf1_out out = {plain, 11, 0};
    assert_int_equal(rdt_rf1_open(&call, value, &out), RDT_FIELD_NO_ROOM);
    out.room = 12;
    assert_int_equal(rdt_rf1_open(&call, value, &out), RDT_FIELD_OK);
    assert_int_equal(out.n, 12);
    assert_memory_equal(plain, "twelve bytes", 12);
    out = (struct rdt_rf1_out){bytes, RDT_VALUE_OVER + 11, 0};
    assert_int_equal(rdt_rf1_seal(&call, rdt_span_str("twelve bytes"), &out), RDT_FIELD_NO_ROOM);
}

static void
too_long(void **state)
{
    (void)state;
    struct rdt_field_column padded = {.bucket = 16};
    assert_int_equal(rdt_rf1_len(&column, RDT_VALUE_MAX), RDT_VALUE_MAX + RDT_VALUE_OVER);
    assert_int_equal(rdt_rf1_len(&column, RDT_VALUE_MAX + 1), 0);
    assert_int_equal(rdt_rf1_len(&padded, RDT_VALUE_MAX), 0);
    assert_int_equal(rdt_rf1_len(&padded, RDT_VALUE_MAX - 1), RDT_VALUE_MAX + RDT_VALUE_OVER);
    assert_int_equal(rdt_rf1_len(&column, SIZE_MAX), 0);
    struct rdt_rf1_call call = call_of(&column, "");
    struct rdt_rf1_out out = {NULL, 0, 0};
    assert_int_equal(rdt_rf1_seal(&call, (struct rdt_span){NULL, RDT_VALUE_MAX + 1}, &out),
                     RDT_FIELD_TOO_LONG);
}

/* While a column changes over both kinds are read; a value of neither is not. */
static void
any_length(void **state)
{
    (void)state;
    struct rdt_field_column padded = {.bucket = 16}, both = {.bucket = 16, .any_length = true};
    struct rdt_rf1_call plain_call = call_of(&column, ""), padded_call = call_of(&padded, "");
    struct rdt_rf1_call both_call = call_of(&both, "");
    uint8_t one[VALUE_MOST], other[VALUE_MOST], plain[VALUE_MOST];
    struct rdt_span a = sealed(&plain_call, "v", one), b = sealed(&padded_call, "v", other);
    struct rdt_rf1_out out = {plain, sizeof plain, 0};
    assert_int_equal(rdt_rf1_open(&plain_call, b, &out), RDT_FIELD_SUITE);
    assert_int_equal(rdt_rf1_open(&padded_call, a, &out), RDT_FIELD_SUITE);
    assert_int_equal(rdt_rf1_open(&both_call, a, &out), RDT_FIELD_OK);
    assert_int_equal(out.n, 1);
    assert_int_equal(rdt_rf1_open(&both_call, b, &out), RDT_FIELD_OK);
    assert_int_equal(out.n, 1);
}

static void
hedged(void **state)
{
    (void)state;
    struct rdt_field_column of = {.hedged = true};
    struct rdt_rf1_call call = call_of(&of, "");
    uint8_t one[VALUE_MOST], other[VALUE_MOST], plain[VALUE_MOST];
    struct rdt_span a = sealed(&call, "v", one), b = sealed(&call, "v", other);
    struct rdt_rf1_out out = {plain, sizeof plain, 0};
    assert_false(rdt_span_eq((struct rdt_span){a.p + 8, 24}, (struct rdt_span){b.p + 8, 24}));
    assert_int_equal(rdt_rf1_open(&call, a, &out), RDT_FIELD_OK);
    assert_int_equal(out.n, 1);
}

/* Who can only verify proves place and epoch, and neither reads nor writes. */
static void
verifier(void **state)
{
    (void)state;
    struct rdt_field_column of = {.row_bound = true};
    struct rdt_rf1_call call = call_of(&of, "row"), other_row = call_of(&of, "other");
    RDT_AUTO(rdt_field_keys_wipe) struct rdt_field_keys only = {0};
    RDT_SECRET key = {0};
    uint8_t bytes[VALUE_MOST], plain[VALUE_MOST];
    struct rdt_span value = sealed(&call, "v", bytes);
    struct rdt_rf1_out out = {plain, sizeof plain, 0};
    assert_int_equal(rdt_field_keys_new(&only, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_field_verify_key(worker, &kek, &of, &key), RDT_OK);
    assert_int_equal(rdt_field_verifier(worker, &key, &only), RDT_OK);
    only.handle = keys.handle;
    only.epoch = keys.epoch;
    call.keys = other_row.keys = &only;
    call.record = other_row.record = NULL;
    assert_int_equal(rdt_rf1_verify(&call, value), RDT_FIELD_OK);
    assert_int_equal(rdt_rf1_verify(&other_row, value), RDT_FIELD_PLACE);
    assert_int_equal(rdt_rf1_open(&call, value, &out), RDT_FIELD_KEY);
    assert_int_equal(rdt_rf1_seal(&call, value, &out), RDT_FIELD_KEY);
}

static void
words(void **state)
{
    (void)state;
    for (int i = 0; i < RDT_FIELD_NFAULTS; i++)
        assert_non_null(rdt_field_fault_words((enum rdt_field_fault)i));
    assert_string_equal(rdt_field_fault_words(RDT_FIELD_NFAULTS), "an unknown fault");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout), cmocka_unit_test(changed_and_cut), cmocka_unit_test(room),
        cmocka_unit_test(too_long),   cmocka_unit_test(any_length),      cmocka_unit_test(hedged),
        cmocka_unit_test(verifier),   cmocka_unit_test(words),
    };
    return cmocka_run_group_tests_name("field/rf1", tests, set_up, tear_down);
}
