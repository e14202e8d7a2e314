#include "field/api_key.h"

#include "codec/base64.h"

#include "../test.h"

#include <stdlib.h>

static struct rdt_worker *worker;
static struct rdt_secret key, scratch;
static struct rdt_field_kek kek;

/* KEK 00 01 .. 1f, tenant 11.., column 22..: the stored form was made by Python. */
static const struct rdt_field_column column = {
    .tenant = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
               0x11,                                                                                     0x11},
    .id = {0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22,
               0x22                                                                                          },
};
static const char known[] = "acme_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3MpRGw";
static const char known_stored[] =
    "fa01010203040506a27822866b7c767df706b55636226cbaed89472881469f6842bc6d9d50e461c104308b67503cbb"
    "7fdddf003c60e86627";

static int
set_up(void **state)
{
    (void)state;
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK)
        return -1;
    for (size_t i = 0; i < key.n; i++)
        key.p[i] = (uint8_t)i;
    kek = (struct rdt_field_kek){0x01020304, 0x0506, &key, &column, &scratch};
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&key);
    rdt_secret_wipe(&scratch);
    rdt_worker_close(worker);
    return 0;
}

static const struct {
    const char *text, *prefix; /* NULL: not a key */
} texts[] = {
    {"acme_00000000000000000000000000000000000000000002X8XW8",   "acme"     },
    {known,                                                      "acme_live"},
    {"a_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13a9y4G",      "a"        },
    {"a_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp21euQo6",      NULL       }, /* 2^256 */
    {"Acme_00000000000000000000000000000000000000000002X8XW8",   NULL       },
    {"acme_00000000000000000000000000000000000000000002X8XW9",   NULL       },
    {"acme_00000000000000000000000000000000000000000002X8XW8\n", NULL       },
    {" acme_00000000000000000000000000000000000000000002X8XW8",  NULL       },
    {"acme00000000000000000000000000000000000000000002X8XW8",    NULL       },
    {"_00000000000000000000000000000000000000000002X8XW8",       NULL       },
    {"acme__00000000000000000000000000000000000000000002X8XW8",  NULL       },
    {"acme_000000000000000000000000-000000000000000000002X8XW8", NULL       },
    {"ghp_16C7e42F292c6912E7710c838347Ae178B4a",                 NULL       },
    {"",                                                         NULL       },
};

static void
read_without_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        struct rdt_span prefix = {0};
        bool is = rdt_apikey_read(rdt_span_str(texts[i].text), &prefix);
        if (is != (texts[i].prefix != NULL))
            print_message("# %s\n", texts[i].text);
        assert_int_equal(is, texts[i].prefix != NULL);
        assert_true(!is || rdt_span_is(prefix, texts[i].prefix));
    }
}

/* Each single character changed, each cut: no key. */
static void
changed_and_cut(void **state)
{
    (void)state;
    char text[sizeof known];
    for (size_t i = 0; i + 1 < sizeof known; i++) {
        memcpy(text, known, sizeof text);
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            assert_int_equal(
                rdt_apikey_read((struct rdt_span){(uint8_t *)text, sizeof text - 1}, NULL),
                (char)c == known[i]);
        }
        char *part = malloc(i == 0 ? 1 : i); /* so that a byte too far is seen */
        assert_non_null(part);
        memcpy(part, known, i);
        assert_false(rdt_apikey_read((struct rdt_span){(uint8_t *)part, i}, NULL));
        free(part);
    }
}

static void
made_here(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "_",        "a_",  "_a",
                                      "a__b", "A",        "1a",  "a-b",
                                      "a b",  "\xc3\xa4", "a.b", "abcdefghijklmnopqrstu"};
    char one[RDT_API_KEY_TEXT], two[RDT_API_KEY_TEXT];
    struct rdt_span prefix;
    struct rdt_err err;
    assert_int_equal(rdt_apikey_make(worker, rdt_span_str("abcdefghijklmnopqrst"), one, NULL),
                     RDT_OK);
    assert_int_equal(strlen(one), RDT_API_KEY_TEXT - 1);
    assert_true(rdt_apikey_read(rdt_span_str(one), &prefix));
    assert_int_equal(prefix.n, 20);
    assert_int_equal(rdt_apikey_make(worker, rdt_span_str("a_1"), one, NULL), RDT_OK);
    assert_int_equal(rdt_apikey_make(worker, rdt_span_str("a_1"), two, NULL), RDT_OK);
    assert_true(rdt_apikey_read(rdt_span_str(two), &prefix) && rdt_span_is(prefix, "a_1"));
    assert_string_not_equal(one, two);
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        assert_int_equal(rdt_apikey_make(worker, rdt_span_str(bad[i]), one, &err), RDT_E_BADINPUT);
        assert_string_equal(one, "");
    }
}

static void
stored(void **state)
{
    (void)state;
    uint8_t want[RDT_API_KEY_STORED], is[RDT_API_KEY_STORED], token[RDT_API_KEY_LOOK_UP];
    struct rdt_span text = rdt_span_str(known), all = {is, sizeof is};
    assert_true(rdt_hex_get(rdt_span_str(known_stored), want, sizeof want));
    assert_int_equal(rdt_apikey_store(worker, &kek, text, is), RDT_OK);
    assert_memory_equal(is, want, sizeof want);
    assert_int_equal(rdt_apikey_look_up(worker, &kek, text, token), RDT_OK);
    assert_memory_equal(token, is + RDT_API_KEY_STORED_AT, sizeof token);
    assert_int_equal(rdt_apikey_check(worker, &kek, text, all), RDT_API_KEY_MATCH);
    assert_int_equal(rdt_apikey_check(worker, &kek, rdt_span_str(texts[0].text), all),
                     RDT_API_KEY_NO_MATCH);
    assert_int_equal(rdt_apikey_check(worker, &kek, rdt_span_str("acme_0"), all),
                     RDT_API_KEY_MALFORMED);
    assert_int_equal(rdt_apikey_look_up(worker, &kek, rdt_span_str("acme_0"), token),
                     RDT_E_BADINPUT);
    for (size_t bit = 0; bit < 8 * sizeof is; bit++) {
        enum rdt_api_key_verdict expected = bit / 8 < 2   ? RDT_API_KEY_STORED_BAD
                                            : bit / 8 < 8 ? RDT_API_KEY_OTHER
                                                          : RDT_API_KEY_NO_MATCH;
        is[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(rdt_apikey_check(worker, &kek, text, all), expected);
        is[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (all.n = 0; all.n < sizeof is; all.n++)
        assert_int_equal(rdt_apikey_check(worker, &kek, text, all), RDT_API_KEY_STORED_BAD);
}

/* The same API key under another KEK, tenant or column is another token and another proof. */
static void
other_keys(void **state)
{
    (void)state;
    static const uint8_t zeroes[RDT_KEY_LEN];
    uint8_t is[RDT_API_KEY_STORED], theirs[RDT_API_KEY_STORED];
    struct rdt_span text = rdt_span_str(known);
    assert_int_equal(rdt_apikey_store(worker, &kek, text, is), RDT_OK);
    for (int which = 0; which < 3; which++) {
        struct rdt_field_column place = column;
        struct rdt_field_kek other = kek;
        other.column = &place;
        place.tenant[0] ^= which == 0;
        place.id[15] ^= which == 1;
        key.p[0] ^= which == 2;
        assert_int_equal(rdt_apikey_store(worker, &other, text, theirs), RDT_OK);
        assert_memory_not_equal(is + 8, theirs + 8, RDT_API_KEY_LOOK_UP);
        assert_memory_not_equal(is + 24, theirs + 24, 32);
        assert_int_equal(rdt_apikey_check(worker, &other, text, (struct rdt_span){is, sizeof is}),
                         RDT_API_KEY_NO_MATCH);
        key.p[0] ^= which == 2;
        assert_memory_equal(scratch.p, zeroes, sizeof zeroes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_without_a_key), cmocka_unit_test(changed_and_cut),
        cmocka_unit_test(made_here),          cmocka_unit_test(stored),
        cmocka_unit_test(other_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
