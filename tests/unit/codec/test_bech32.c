/* Bech32 without its limit on length. */
#include "codec/bech32.h"

#include "base/compiler.h"

#include "../test.h"

#include <stdio.h>

/* BIP 173's own, and the keys of C2SP age.md. The first four hold no bytes. */
static const struct {
    const char *prefix, *text;
    size_t n;
} known_texts[] = {
    {"A",               "A12UEL5L",                                                       0 },
    {"a",               "a12uel5l",                                                       0 },
    {"?",               "?1ezyfcl",                                                       0 },
    {"abcdef",          "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",                  20},
    {"split",           "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",   30},
    {"AGE-SECRET-KEY-",
     "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",        32},
    {"age",             "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", 32},
};

static void
known(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(known_texts); i++) {
        uint8_t bytes[64];
        char text[128];
        size_t n = known_texts[i].n, len = strlen(known_texts[i].text);
        assert_int_equal(rdt_bech32_len(strlen(known_texts[i].prefix), n), len);
        memset(bytes, 0x55, sizeof bytes);
        if (!rdt_bech32_get(rdt_span_str(known_texts[i].text), known_texts[i].prefix, bytes, n))
            fail_msg("%s", known_texts[i].text);
        assert_int_equal(bytes[n], 0x55);
        memset(text, '#', sizeof text);
        rdt_bech32_put(known_texts[i].prefix, (struct rdt_span){bytes, n}, text);
        assert_memory_equal(text, known_texts[i].text, len);
        assert_int_equal(text[len], '#');
    }
}

/* BIP 173: one to four letters that were changed are always found; here all of one. */
static void
each_letter(void **state)
{
    static const char good[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    static const uint8_t zeroes[32];
    (void)state;
    for (size_t at = 0; at < strlen(good); at++)
        for (unsigned c = 0; c < 256; c++) {
            uint8_t text[sizeof good], out[32];
            memcpy(text, good, sizeof text);
            text[at] = (uint8_t)c;
            bool same = (char)c == good[at];
            memset(out, 1, sizeof out);
            assert_int_equal(
                rdt_bech32_get((struct rdt_span){text, strlen(good)}, "age", out, sizeof out),
                same);
            if (!same)
                assert_memory_equal(out, zeroes, sizeof out);
        }
}

static void
refused(void **state)
{
    static const struct {
        const char *prefix, *text;
        size_t n;
    } bad[] = {
        {"a",   "",                                                               0 },
        {"a",   "a",                                                              0 },
        {"a",   "1",                                                              0 },
        {"a",   "a1",                                                             0 },
        {"a",   "A12UEL5L",                                                       0 }, /* other case */
        {"A",   "a12uel5l",                                                       0 },
        {"A",   "A12UEl5L",                                                       0 }, /* mixed */
        {"a",   "a12UEL5L",                                                       0 },
        {"a",   "a12uel5l ",                                                      0 },
        {"a",   "a12uel5l",                                                       1 }, /* lengths */
        {"b",   "a12uel5l",                                                       0 },
        {"age", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujw",  32},
        {"age", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", 31},
        {"age", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", 33},
        {"AGE", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", 32},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        uint8_t out[64];
        if (rdt_bech32_get(rdt_span_str(bad[i].text), bad[i].prefix, out, bad[i].n))
            fail_msg("%s was read", bad[i].text);
    }
}

/* A right checksum over bits left over that are not zero: no second spelling. */
static void
bits_left_over(void **state)
{
    uint8_t out[1];
    (void)state;
    /* one byte, 0xff: letters 31 and 28; 31 and 29 would be the same byte */
    char text[16];
    rdt_bech32_put("a", (struct rdt_span){(const uint8_t *)"\xff", 1}, text);
    assert_true(rdt_bech32_get((struct rdt_span){(uint8_t *)text, 10}, "a", out, 1));
    assert_int_equal(out[0], 0xff);
    assert_memory_equal(text, "a1lu", 4);
    assert_false(rdt_bech32_get(rdt_span_str("a1lacwuu8k"), "a", out, 1));
}

static void
all_lengths(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        uint8_t bytes[40], back[40];
        char text[128];
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(n * 37 + i * 101);
        rdt_bech32_put("AGE-X-", (struct rdt_span){bytes, n}, text);
        struct rdt_span whole = {(uint8_t *)text, rdt_bech32_len(6, n)};
        assert_true(rdt_bech32_get(whole, "AGE-X-", back, n));
        if (n != 0)
            assert_memory_equal(back, bytes, n);
        for (size_t cut = 0; cut < whole.n; cut++)
            assert_false(rdt_bech32_get((struct rdt_span){whole.p, cut}, "AGE-X-", back, n));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),          cmocka_unit_test(each_letter), cmocka_unit_test(refused),
        cmocka_unit_test(bits_left_over), cmocka_unit_test(all_lengths),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
