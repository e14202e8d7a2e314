#include "kms/record.h"

#include "../test.h"
#include "filled.h"

#include <stdio.h>

/* One member of each type. */
struct sample {
    uint8_t u8;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    uint8_t b16[16], b32[32];
    char *text;
    struct rdt_bytes bytes;
};

static const struct rdt_record_member sample_members[] = {
    RDT_M(1, RDT_M_U8, sample, u8),     RDT_M(2, RDT_M_U32, sample, u32),
    RDT_M(3, RDT_M_U64, sample, u64),   RDT_M(4, RDT_M_I64, sample, i64),
    RDT_M(5, RDT_M_B16, sample, b16),   RDT_M(7, RDT_M_B32, sample, b32),
    RDT_M(9, RDT_M_TEXT, sample, text), RDT_M(255, RDT_M_BYTES, sample, bytes),
};
static const struct rdt_record sample_record = {"sample", sizeof(struct sample), sample_members,
                                                RDT_COUNT(sample_members)};

static struct rdt_span
from_hex(const char *hex, uint8_t *room)
{
    size_t n = 0;
    for (unsigned v; sscanf(hex, "%2x", &v) == 1; hex += 2)
        room[n++] = (uint8_t)v;
    return (struct rdt_span){room, n};
}

static enum rdt_code
get_sample(struct rdt_span bytes, struct sample *out)
{
    struct rdt_err err;
    *out = (struct sample){0};
    return rdt_record_get(&sample_record, bytes, out, &err);
}

#define B16 "000102030405060708090a0b0c0d0e0f"
#define B32 B16 B16

static const struct {
    const char *what, *hex;
    struct sample want;
} good[] = {
    {"nothing",   "",                         {0}                                                            },
    {"u8 1",      "0100000101",               {.u8 = 1}                                                      },
    {"u8 255",    "01000001ff",               {.u8 = 255}                                                    },
    {"u32 255",   "02000001ff",               {.u32 = 255}                                                   },
    {"u32 256",   "020000020100",             {.u32 = 256}                                                   },
    {"u32 all",   "02000004ffffffff",         {.u32 = UINT32_MAX}                                            },
    {"u64 all",   "03000008ffffffffffffffff", {.u64 = UINT64_MAX}                                            },
    {"u64 2^32",  "030000050100000000",       {.u64 = UINT64_C(1) << 32}                                     },
    {"i64 1",     "0400000102",               {.i64 = 1}                                                     },
    {"i64 -1",    "0400000101",               {.i64 = -1}                                                    },
    {"i64 -2",    "0400000103",               {.i64 = -2}                                                    },
    {"i64 least", "04000008ffffffffffffffff", {.i64 = INT64_MIN}                                             },
    {"i64 most",  "04000008fffffffffffffffe", {.i64 = INT64_MAX}                                             },
    {"b16",       "05000010" B16,             {.b16 = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}},
    {"text",      "09000002c3a4",             {.text = (char *)"\xc3\xa4"}                                   },
    {"bytes",     "ff0000020000",             {.bytes = {(uint8_t *)"\0\0", 2}}                              },
    {"two",       "0100000107ff00000161",     {.u8 = 7, .bytes = {(uint8_t *)"a", 1}}                        },
};

static void
test_bytes(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(good); i++) {
        uint8_t room[128];
        struct rdt_span want = from_hex(good[i].hex, room);
        RDT_BUF got = {0};
        rdt_record_put(&sample_record, &good[i].want, &got);
        if (!rdt_buf_ok(&got) || !rdt_span_eq(rdt_buf_span(&got), want))
            fail_msg("put: %s", good[i].what);
        struct sample back;
        if (get_sample(want, &back) != RDT_OK)
            fail_msg("get: %s", good[i].what);
        RDT_BUF again = {0};
        rdt_record_put(&sample_record, &back, &again);
        if (!rdt_span_eq(rdt_buf_span(&again), want))
            fail_msg("put again: %s", good[i].what);
        assert_int_equal(back.u8, good[i].want.u8);
        assert_int_equal(back.u32, good[i].want.u32);
        assert_true(back.u64 == good[i].want.u64 && back.i64 == good[i].want.i64);
        assert_memory_equal(back.b16, good[i].want.b16, 16);
        if (good[i].want.text != NULL)
            assert_string_equal(back.text, good[i].want.text);
        rdt_record_done(&sample_record, &back);
        assert_null(back.text);
    }
}

static const struct {
    const char *what, *hex;
} bad[] = {
    {"no length",               "01"                                      },
    {"half a length",           "010000"                                  },
    {"no value",                "01000001"                                },
    {"value cut",               "0200000201"                              },
    {"length beyond",           "ffffffff00"                              },
    {"empty number",            "01000000"                                },
    {"empty text",              "09000000"                                },
    {"empty bytes",             "ff000000"                                },
    {"number 0",                "0000000101"                              },
    {"unknown number between",  "0600000101"                              },
    {"unknown number behind",   "0100000101fe00000101"                    },
    {"out of order",            "03000001010200000101"                    },
    {"twice",                   "01000001010100000102"                    },
    {"zero",                    "0100000100"                              },
    {"leading zero",            "020000020001"                            },
    {"u8 of two bytes",         "010000020100"                            },
    {"u32 of five bytes",       "020000050100000000"                      },
    {"u64 of nine bytes",       "03000009010000000000000000"              },
    {"i64 of nine bytes",       "04000009010000000000000000"              },
    {"b16 of 15 bytes",         "0500000f0102030405060708090a0b0c0d0e0f"  },
    {"b16 of 32 bytes",         "05000020" B32                            },
    {"b16 of zeroes",           "0500001000000000000000000000000000000000"},
    {"b32 of 16 bytes",         "07000010" B16                            },
    {"text with NUL",           "09000003610062"                          },
    {"text of one NUL",         "0900000100"                              },
    {"text that is no UTF-8",   "09000001ff"                              },
    {"text with a surrogate",   "09000003eda080"                          },
    {"text cut in a character", "09000001c3"                              },
    {"bytes behind",            "010000010100"                            },
};

static void
test_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        uint8_t room[128];
        struct sample back;
        if (get_sample(from_hex(bad[i].hex, room), &back) != RDT_E_BADINPUT)
            fail_msg("taken: %s", bad[i].what);
        rdt_record_done(&sample_record, &back);
    }
}

/* What is read is refused, or is the only way to write what it says. */
static bool
canonical_or_refused(const struct rdt_record *record, struct rdt_span bytes)
{
    void *object = calloc(1, record->size);
    RDT_BUF again = {0};
    bool same = true;
    if (rdt_record_get(record, bytes, object, NULL) == RDT_OK) {
        rdt_record_put(record, object, &again);
        same = rdt_buf_ok(&again) && rdt_span_eq(rdt_buf_span(&again), bytes);
    }
    rdt_record_done(record, object);
    free(object);
    return same;
}

static void
damage(const struct rdt_record *record, struct rdt_span bytes)
{
    uint8_t *copy = malloc(bytes.n);
    for (size_t n = 0; n < bytes.n; n++) {
        memcpy(copy, bytes.p, n); /* n bytes alone, so that a read beyond them is seen */
        uint8_t *cut = malloc(n == 0 ? 1 : n);
        memcpy(cut, bytes.p, n);
        if (!canonical_or_refused(record, (struct rdt_span){cut, n}))
            fail_msg("%s cut to %zu bytes", record->name, n);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
        memcpy(copy, bytes.p, bytes.n);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (!canonical_or_refused(record, (struct rdt_span){copy, bytes.n}))
            fail_msg("%s with bit %zu turned", record->name, bit);
    }
    free(copy);
}

static void
round_trip(const struct rdt_record *record, const void *object)
{
    RDT_BUF one = {0}, two = {0}, three = {0};
    void *read = calloc(1, record->size), *copy = malloc(record->size);
    rdt_record_put(record, object, &one);
    assert_true(rdt_buf_ok(&one));
    assert_int_equal(rdt_record_get(record, rdt_buf_span(&one), read, NULL), RDT_OK);
    rdt_record_put(record, read, &two);
    assert_int_equal(rdt_record_copy(record, read, copy), RDT_OK);
    rdt_record_done(record, read); /* the copy must not lean on it */
    rdt_record_put(record, copy, &three);
    assert_true(rdt_span_eq(rdt_buf_span(&one), rdt_buf_span(&two)));
    assert_true(rdt_span_eq(rdt_buf_span(&one), rdt_buf_span(&three)));
    rdt_record_done(record, copy);
    free(read);
    free(copy);
}

static void
test_kinds(void **unused)
{
    (void)unused;
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        const struct rdt_record *record = rdt_kind_record(kind);
        assert_non_null(record);
        void *object = new_object(kind);
        round_trip(record, object);
        for (size_t i = 0; i < record->n_members; i++) {
            fill_member(&record->members[i], kind, object);
            round_trip(record, object);
            rdt_record_done(record, object);
        }
        for (unsigned seed = 0; seed < 6; seed++) {
            fill(kind, seed, object);
            round_trip(record, object);
            rdt_record_done(record, object);
        }
        free(object);
    }
}

static void
test_damage(void **unused)
{
    (void)unused;
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        void *object = new_object(kind);
        RDT_BUF bytes = {0};
        fill(kind, kind, object);
        rdt_record_put(rdt_kind_record(kind), object, &bytes);
        damage(rdt_kind_record(kind), rdt_buf_span(&bytes));
        rdt_record_done(rdt_kind_record(kind), object);
        free(object);
    }
}

/* Members of one record: numbers ascend, fields lie inside the object and do not overlap. */
static void
test_tables(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {
        [RDT_M_U8] = 1,   [RDT_M_U32] = 4,  [RDT_M_U64] = 8,  [RDT_M_I64] = 8,
        [RDT_M_B16] = 16, [RDT_M_B32] = 32, [RDT_M_TEXT] = 8, [RDT_M_BYTES] = 16};
    for (unsigned kind = 1; kind < RDT_KIND_END; kind++) {
        const struct rdt_record *record = rdt_kind_record(kind);
        uint8_t used[512] = {0};
        assert_in_range(record->size, 1, sizeof used);
        for (size_t i = 0; i < record->n_members; i++) {
            const struct rdt_record_member *m = &record->members[i];
            assert_true(m->number > (i == 0 ? 0 : m[-1].number));
            assert_true(m->at + sizes[m->type] <= record->size);
            for (size_t k = 0; k < sizes[m->type]; k++)
                assert_int_equal(used[m->at + k]++, 0);
        }
    }
    assert_null(rdt_kind_record(0));
    assert_null(rdt_kind_record(RDT_KIND_END));
    assert_null(rdt_kind_record(65535));
}

static void
test_set(void **unused)
{
    (void)unused;
    char *text = NULL;
    struct rdt_bytes bytes = {0};
    assert_true(rdt_text_set(&text, rdt_span_str("alias/one")));
    assert_true(rdt_text_set(&text, rdt_span_str(text + 6))); /* a part of itself */
    assert_string_equal(text, "one");
    assert_false(rdt_text_set(&text, (struct rdt_span){(const uint8_t *)"a\0b", 3}));
    assert_false(rdt_text_set(&text, (struct rdt_span){(const uint8_t *)"\xff", 1}));
    assert_string_equal(text, "one");
    assert_true(rdt_text_set(&text, (struct rdt_span){NULL, 0}));
    assert_null(text);
    assert_true(rdt_bytes_set(&bytes, rdt_span_str("12345")));
    assert_true(rdt_bytes_set(&bytes, (struct rdt_span){bytes.p + 1, 2}));
    assert_true(rdt_span_is(rdt_bytes_span(&bytes), "23"));
    assert_true(rdt_bytes_set(&bytes, (struct rdt_span){NULL, 0}));
    assert_null(bytes.p);
}

static void
test_too_long(void **unused)
{
    (void)unused;
    size_t n = (size_t)1 << 24;
    struct sample big = {
        .bytes = {calloc(1, n), n}
    };
    RDT_BUF out = {0}, fits = {0};
    assert_non_null(big.bytes.p);
    rdt_record_put(&sample_record, &big, &out);
    assert_false(rdt_buf_ok(&out)); /* its length does not fit into 24 bits */
    assert_true(out.full);
    big.bytes.n--;
    rdt_record_put(&sample_record, &big, &fits);
    assert_true(rdt_buf_ok(&fits));
    assert_int_equal(fits.n, n - 1 + 4);
    free(big.bytes.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_damage),
        cmocka_unit_test(test_tables),   cmocka_unit_test(test_set),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests_name("kms/record", tests, NULL, NULL);
}
