#include "codec/base64.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define PLACE 64 /* room for decoded bytes, watched to its end */

/* RFC 4648 section 10, and what shows each letter. */
static const struct {
    const char *bytes;
    size_t n;
    const char *plain, *url;
} vectors[] = {
    {"",                         0, "",         ""        },
    {"f",                        1, "Zg==",     "Zg"      },
    {"fo",                       2, "Zm8=",     "Zm8"     },
    {"foo",                      3, "Zm9v",     "Zm9v"    },
    {"foob",                     4, "Zm9vYg==", "Zm9vYg"  },
    {"fooba",                    5, "Zm9vYmE=", "Zm9vYmE" },
    {"foobar",                   6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\0",                       1, "AA==",     "AA"      },
    {"\0\0\0",                   3, "AAAA",     "AAAA"    },
    {"\xff\xff\xff",             3, "////",     "____"    },
    {"\xff",                     1, "/w==",     "_w"      },
    {"\xfb\xef\xbe",             3, "++++",     "----"    },
    {"\x14\xfb\x9c\x03\xd9\x7e", 6, "FPucA9l+", "FPucA9l-"},
};

static void
known(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(vectors); i++) {
        struct rdt_span bytes = {(const uint8_t *)vectors[i].bytes, vectors[i].n};
        uint8_t back[PLACE];
        size_t n = 99;
        char text[PLACE];
        RDT_BUF plain = {0}, url = {0};
        assert_int_equal(rdt_base64_len(bytes.n), strlen(vectors[i].plain));
        memset(text, '#', sizeof text);
        rdt_base64_put(bytes, text);
        assert_memory_equal(text, vectors[i].plain, strlen(vectors[i].plain));
        assert_int_equal(text[strlen(vectors[i].plain)], '#');
        rdt_base64_add(&plain, bytes);
        rdt_base64url_add(&url, bytes);
        assert_string_equal(rdt_buf_cstr(&plain), vectors[i].plain);
        assert_string_equal(rdt_buf_cstr(&url), vectors[i].url);
        assert_true(rdt_base64_get(rdt_span_str(vectors[i].plain), back, &n));
        assert_true(rdt_span_eq((struct rdt_span){back, n}, bytes));
        assert_true(rdt_base64url_get(rdt_span_str(vectors[i].url), back, &n));
        assert_true(rdt_span_eq((struct rdt_span){back, n}, bytes));
    }
}

static void
refused(void **state)
{
    static const char *const plain[] = {
        "Z",     "Zg",      "Zg=",   "Zg===",    "Z===",     "====",     "=",      "==",
        "Zh==",  "Zm9=",    "Zm8",   "Zg==Zg==", "Zm8=Zm9v", "Z=9v",     "Zm=v",   "Zm9v\n",
        "Zm9v ", " Zm9v",   "Zm\n9", "Zm9-",     "Zm9_",     "Zm9v====", "Zm9vZg", "Zm9vZ",
        "Zm9*",  "Zm9\x80", "Zm9.",  "Zm9vZ*==", "Zm9v*g==", "*m9vZg==", "=Zm9",   "Zm9v=",
        "Zn==",  "Z/==",    "Zm//=", "Zm+=",
    };
    static const char *const url[] = {
        "Z",    "Zm9vZ", "Zg==",  "Zm8=", "Zh",  "Zm9", "Zm9+",
        "Zm9/", "Zm9v ", "Zm\n9", "+w",   "Zm+", "=",   "Zm9v=",
    };
    uint8_t out[PLACE];
    size_t n = 99;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(plain); i++)
        if (rdt_base64_get(rdt_span_str(plain[i]), out, &n))
            fail_msg("'%s' read", plain[i]);
    for (size_t i = 0; i < RDT_COUNT(url); i++)
        if (rdt_base64url_get(rdt_span_str(url[i]), out, &n))
            fail_msg("'%s' read as url", url[i]);
    static const char *const raw[] = {
        "Z",    "Zm9vZ", "Zg==",  "Zm8=", "Zh", "Zm9",   "Zm9-",
        "Zm9_", "Zm9v ", "Zm\n9", "-w",   "=",  "Zm9v=",
    };
    for (size_t i = 0; i < RDT_COUNT(raw); i++)
        if (rdt_base64_raw_get(rdt_span_str(raw[i]), out, &n))
            fail_msg("'%s' read as raw", raw[i]);
    assert_false(rdt_base64_get((struct rdt_span){(const uint8_t *)"Zm\0v", 4}, out, &n));
    /* what stands behind the text is not looked at */
    assert_false(rdt_base64url_get((struct rdt_span){(const uint8_t *)"Zm9vZg", 5}, out, &n));
    assert_int_equal(n, 99);
}

/* One byte string has one spelling: of all texts of four letters, as many are read as there are. */
static void
one_spelling(void **state)
{
    static const char letters[] = "ABCDwxyz0189+/=-_ ";
    size_t read = 0, n;
    uint8_t bytes[3];
    char text[5] = "", again[4];
    (void)state;
    for (size_t i = 0; i < 18u * 18 * 18 * 18; i++) {
        for (size_t k = 0, rest = i; k < 4; k++, rest /= 18)
            text[k] = letters[rest % 18];
        if (!rdt_base64_get(rdt_span_str(text), bytes, &n))
            continue;
        rdt_base64_put((struct rdt_span){bytes, n}, again);
        assert_memory_equal(again, text, 4);
        read++;
    }
    /* 14 letters; before "=" those whose low bits are 0: A w 0 8 (two bits), A w (four) */
    assert_int_equal(read, 14 * 14 * 14 * 14 + 14 * 14 * 4 + 14 * 2);
}

/* Every length: there and back, also in its own memory, in blocks without a byte to spare. */
static void
lengths(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        uint8_t *bytes = malloc(n + 1), *text = malloc(rdt_base64_len(n) + 1);
        size_t got;
        RDT_BUF url = {0}, plain = {0}, raw = {0}, hex = {0};
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(i * 151 + n * 7);
        struct rdt_span all = {bytes, n};
        rdt_base64_put(all, (char *)text);
        rdt_base64_add(&plain, all);
        rdt_base64url_add(&url, all);
        rdt_base64_raw_add(&raw, all);
        rdt_hex_add(&hex, all);
        assert_true(rdt_span_eq(rdt_buf_span(&plain), (struct rdt_span){text, rdt_base64_len(n)}));
        uint8_t *place = malloc(rdt_base64_len(n) / 4 * 3 + 1), *url_place = malloc(url.n + 1);
        assert_true(rdt_base64_get((struct rdt_span){text, rdt_base64_len(n)}, place, &got));
        assert_true(rdt_span_eq((struct rdt_span){place, got}, all));
        assert_int_equal(raw.n, url.n);
        assert_true(rdt_span_eq(rdt_buf_span(&raw), (struct rdt_span){text, raw.n}));
        assert_true(rdt_base64_raw_get(rdt_buf_span(&raw), url_place, &got));
        assert_true(rdt_span_eq((struct rdt_span){url_place, got}, all));
        assert_true(rdt_base64url_get(rdt_buf_span(&url), url_place, &got));
        assert_true(rdt_span_eq((struct rdt_span){url_place, got}, all));
        assert_true(rdt_base64_get((struct rdt_span){text, rdt_base64_len(n)}, text, &got));
        assert_true(rdt_span_eq((struct rdt_span){text, got}, all));
        assert_true(rdt_base64url_get(rdt_buf_span(&url), url.p, &got));
        assert_true(rdt_span_eq((struct rdt_span){url.p, got}, all));
        assert_true(rdt_hex_get(rdt_buf_span(&hex), place, n));
        assert_true(rdt_span_eq((struct rdt_span){place, n}, all));
        free(bytes);
        free(text);
        free(place);
        free(url_place);
    }
}

static void
hex(void **state)
{
    static const char *const bad[] = {"",     "0",    "000",        "00000", "0g01", "01 2",
                                      "0x01", "/000", ":000",       "@000",  "G000", "`000",
                                      "-001", "+001", "00\x10\x30", "0000 "};
    uint8_t bytes[2] = {0x5a, 0x5a};
    char text[4];
    (void)state;
    rdt_hex_put((struct rdt_span){(const uint8_t *)"\x0f\xa9", 2}, text);
    assert_memory_equal(text, "0fa9", 4);
    assert_true(rdt_hex_get(rdt_span_str("aFF0"), bytes, 2));
    assert_memory_equal(bytes, "\xaf\xf0", 2);
    assert_true(rdt_hex_get(rdt_span_str(""), bytes, 0));
    for (size_t i = 0; i < RDT_COUNT(bad); i++)
        if (rdt_hex_get(rdt_span_str(bad[i]), bytes, 2))
            fail_msg("'%s' read", bad[i]);
}

static void
uuids(void **state)
{
    static const char good[] = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    static const char *const bad[] = {
        "",
        "9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D",
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6D",
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6",
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d0",
        "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6g",
        "9b1deb4d03b7d-4bad-9bdd-2b0d7b3dcb6d",
        "9b1deb4d-3b7d-4bad-9bdd02b0d7b3dcb6d",
        "9b1deb4-d3b7d-4bad-9bdd-2b0d7b3dcb6d",
        "{b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6}",
    };
    uint8_t uuid[16], other[16] = {7};
    char text[RDT_UUID_TEXT];
    (void)state;
    assert_true(rdt_uuid_parse(rdt_span_str(good), uuid));
    assert_memory_equal(uuid, "\x9b\x1d\xeb\x4d\x3b\x7d\x4b\xad\x9b\xdd\x2b\x0d\x7b\x3d\xcb\x6d",
                        16);
    rdt_uuid_text(uuid, text);
    assert_string_equal(text, good);
    for (size_t i = 0; i < RDT_COUNT(bad); i++)
        if (rdt_uuid_parse(rdt_span_str(bad[i]), other))
            fail_msg("'%s' read", bad[i]);
    assert_int_equal(other[0], 7); /* left alone */
    assert_true(rdt_uuid_parse(rdt_span_str("00000000-0000-0000-0000-000000000000"), other));
    assert_int_equal(other[0], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),   cmocka_unit_test(refused), cmocka_unit_test(one_spelling),
        cmocka_unit_test(lengths), cmocka_unit_test(hex),     cmocka_unit_test(uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
