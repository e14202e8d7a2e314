#include "jtok_same.h"

#include "../test.h"

static struct rdt_jdoc doc;

/* Scan a copy in a block of exactly n bytes, so that a sanitizer sees a read of one more. */
static bool
scan(const void *bytes, size_t n)
{
    static uint8_t *kept;
    free(kept);
    kept = malloc(n == 0 ? 1 : n);
    assert_non_null(kept);
    if (n != 0)
        memcpy(kept, bytes, n);
    return rdt_jscan(kept, n, &doc);
}

static void
check(const char *what, const void *bytes, size_t n, bool want)
{
    bool got;
    if (!jtok_same((struct rdt_span){bytes, n}, &got))
        fail_msg("%s: not as jansson says (%d)", what, got);
    if (got != want)
        fail_msg("%s: %d", what, got);
}

#define V(what, bytes)                                                                             \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1                                                             \
    }

static const struct {
    const char *what, *bytes;
    size_t n;
} accepted[] = {
    V("empty object", "{}"),
    V("empty array", "[]"),
    V("space everywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n"),
    V("a request of awscli",
      "{\"KeyId\": \"alias/billing\", \"Plaintext\": \"aGVsbG8=\", \"EncryptionContext\": "
      "{\"tenant\": \"acme\"}}"),
    V("words", "[true,false,null]"),
    V("escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    V("escaped names", "{\"\\u0061\":1,\"b\\n\":2}"),
    V("a long plain text before an escape", "[\"01234567890123456789\\n0123456789\"]"),
    V("code units", "[\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uFfFf\\ud7ff\\ue000\"]"),
    V("pairs", "[\"\\ud800\\udc00\\uD83D\\uDD12\\udbff\\udfff\"]"),
    V("UTF-8 of each length",
      "[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
    V("DEL", "[\"\x7f\"]"),
    V("a name of no letters", "{\"\":1}"),
    V("names that differ by an escape", "{\"a\":1,\"\\\\u0061\":2}"),
    V("names that begin alike", "{\"a\":1,\"aa\":2,\"aaa\":3}"),
    V("the same name in two objects", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}"),
    V("numbers", "[0,-0,1,-1,10,1.5,-0.0,1e3,1E+3,1e-3,0e0,1.25e2]"),
    V("the outermost integers", "[9223372036854775807,-9223372036854775808]"),
    V("2^53 + 1", "[9007199254740993]"),
    V("too small for a double", "[1e-400]"),
    V("larger than 64 bits: text here", "[9223372036854775808]"),
    V("larger than a double: text here", "[1e400]"),
    V("eight deep", "[[[[[[[[]]]]]]]]"),
    V("eight deep, mixed", "{\"a\":[{\"a\":[{\"a\":[{\"a\":[1]}]}]}]}"),
    V("eight deep, twice", "[[[[[[[[]]]]]]],[[[[[[[]]]]]]]]"),
};

static const struct {
    const char *what, *bytes;
    size_t n;
} refused[] = {
    V("nothing", ""),
    V("space", " \n"),
    V("a text alone", "\"a\""),
    V("a number alone", "1"),
    V("a word alone", "null"),
    V("open object", "{"),
    V("open array", "["),
    V("closed by the other", "{]"),
    V("more behind it", "{} {}"),
    V("comma behind it", "{},"),
    V("NUL behind it", "{}\0"),
    V("BOM", "\xef\xbb\xbf{}"),
    V("UTF-16", "{\0}\0"),
    V("trailing comma", "[1,]"),
    V("trailing comma in an object", "{\"a\":1,}"),
    V("leading comma", "[,1]"),
    V("two commas", "[1,,2]"),
    V("no comma", "[1 2]"),
    V("no colon", "{\"a\" 1}"),
    V("two colons", "{\"a\"::1}"),
    V("no value", "{\"a\":}"),
    V("no name", "{:1}"),
    V("name without quotes", "{a:1}"),
    V("name is a number", "{1:1}"),
    V("single quotes", "['a']"),
    V("comment", "[1]//x"),
    V("comment before", "/**/[1]"),
    V("NaN", "[NaN]"),
    V("Infinity", "[Infinity]"),
    V("cut word", "[tru]"),
    V("cut word at the end", "[tru"),
    V("long word", "[nulll]"),
    V("loud word", "[TRUE]"),
    V("form feed", "[\f]"),
    V("no-break space", "[\xc2\xa0]"),
    V("leading zero", "[01]"),
    V("leading zeros below zero", "[-00]"),
    V("plus", "[+1]"),
    V("two signs", "[--1]"),
    V("minus alone", "[-]"),
    V("minus at the end", "[-"),
    V("no digit before the point", "[.5]"),
    V("no digit after the point", "[1.]"),
    V("exponent right after the point", "[1.e5]"),
    V("no digit in the exponent", "[1e]"),
    V("sign alone in the exponent", "[1e+]"),
    V("hexadecimal", "[0x10]"),
    V("number and letter", "[1a]"),
    V("two points", "[1.2.3]"),
    V("open text", "[\"a"),
    V("text open after an escape", "[\"a\\"),
    V("text open after its quote was escaped", "[\"a\\\"]"),
    V("unknown escape", "[\"\\a\"]"),
    V("escaped NUL byte", "[\"\\\0\"]"),
    V("escaped quote of the wrong kind", "[\"\\'\"]"),
    V("cut code", "[\"\\u00\"]"),
    V("cut code at the end", "[\"\\u00"),
    V("no hexadecimal digit", "[\"\\u00g0\"]"),
    V("loud u", "[\"\\U0041\"]"),
    V("\\u0000", "[\"\\u0000\"]"),
    V("\\u0000 in a name", "{\"a\\u0000b\":1}"),
    V("NUL in a text", "[\"a\0b\"]"),
    V("NUL in a name", "{\"a\0b\":1}"),
    V("NUL after eight bytes", "[\"12345678\0\"]"),
    V("NUL between values", "[1,\0]"),
    V("NUL behind a number", "{\"a\":2\0,\"c\":1}"),
    V("NUL behind a word", "[true\0]"),
    V("newline in a text", "[\"a\nb\"]"),
    V("tab in a text", "[\"a\tb\"]"),
    V("escape byte in a text", "[\"0123456\x1b\"]"),
    V("high half alone", "[\"\\ud800\"]"),
    V("high half and a letter", "[\"\\ud800a12345\"]"),
    V("high half and another escape", "[\"\\ud800\\n1234\"]"),
    V("high half twice", "[\"\\ud800\\ud800\"]"),
    V("high half and what is no half", "[\"\\ud800\\ue000\"]"),
    V("high half, cut", "[\"\\ud800\\udc0\"]"),
    V("low half first", "[\"\\udc00\\ud800\"]"),
    V("low half twice", "[\"\\udc00\\udc00\"]"),
    V("low half alone", "[\"\\udfff\"]"),
    V("not UTF-8", "[\"\xff\"]"),
    V("tail alone", "[\"\x80\"]"),
    V("overlong slash", "[\"\xc0\xaf\"]"),
    V("overlong, three bytes", "[\"\xe0\x9f\xbf\"]"),
    V("overlong, four bytes", "[\"\xf0\x8f\xbf\xbf\"]"),
    V("overlong NUL", "[\"\xc0\x80\"]"),
    V("encoded surrogate", "[\"\xed\xa0\x80\"]"),
    V("above U+10FFFF", "[\"\xf4\x90\x80\x80\"]"),
    V("cut UTF-8", "[\"\xe2\x82\"]"),
    V("UTF-8 cut by an escape", "[\"\xe2\\u0041\x82\xac\"]"),
    V("not UTF-8 in a name", "{\"\xff\":1}"),
    V("not UTF-8 after eight bytes", "[\"12345678\xff\"]"),
    V("the same name twice", "{\"a\":1,\"a\":2}"),
    V("the same name twice, once escaped", "{\"a\":1,\"\\u0061\":2}"),
    V("the same name, not neighbours", "{\"a\":1,\"b\":2,\"c\":{},\"a\":null}"),
    V("the same name of no letters", "{\"\":1,\"\":2}"),
    V("the same name deeper", "[[{\"x\":{\"a\":1,\"a\":1}}]]"),
    V("the same name among nine",
      "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"c\":1}"),
    V("nine deep", "[[[[[[[[[]]]]]]]]]"),
    V("nine deep, mixed", "{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}"),
};

/* As many as there are, each cut after every byte too: no beginning of a document is one. */
static void
as_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        check(accepted[i].what, accepted[i].bytes, accepted[i].n, true);
        size_t end = accepted[i].n;
        while (strchr(" \n", accepted[i].bytes[end - 1]) != NULL)
            end--;
        for (size_t cut = 0; cut < end; cut++)
            check(accepted[i].what, accepted[i].bytes, cut, false);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check(refused[i].what, refused[i].bytes, refused[i].n, false);
}

/* Each byte in the place of each byte of a document that has a bit of all. */
static void
any_byte(void **state)
{
    static const char text[] = "{\"a\\u00e4\":[-1.5e+3,true,null],\"b\":{\"c\":\"\xc3\xa4\\n\"}}";
    char bytes[sizeof text];
    bool got;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (unsigned c = 0; c < 256; c++) {
            memcpy(bytes, text, sizeof text);
            bytes[i] = (char)c;
            if (!jtok_same((struct rdt_span){(uint8_t *)bytes, sizeof text - 1}, &got))
                fail_msg("byte %zu as %02x: %d", i, c, got);
        }
    }
}

static char big[2 * 1024 * 1024];

/* An object of n members; the last one has the name of member `twin`. */
static size_t
many_members(size_t n, size_t twin)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = i == n - 1 && twin < n ? twin : i;
        at += (size_t)snprintf(big + at, sizeof big - at, "%c\"%zu\":1", i == 0 ? '{' : ',',
                               k * 7919 % 10007);
    }
    big[at] = '}';
    return at + 1;
}

static void
many_names(void **state)
{
    size_t n;
    (void)state;
    for (size_t members = 2; members < 40; members++) {
        n = many_members(members, members);
        check("all different", big, n, true);
        for (size_t twin = 0; twin < members - 1; twin++) {
            n = many_members(members, twin);
            check("two alike", big, n, false);
        }
    }
    n = many_members(1023, 1023);
    check("as many as may", big, n, true);
    for (size_t twin = 0; twin < 1022; twin += 73) {
        n = many_members(1023, twin);
        check("two alike of 1023", big, n, false);
    }
    n = many_members(1024, 1024);
    check("one more", big, n, false);
}

static void
limits(void **state)
{
    size_t n = 0;
    (void)state;
    for (n = 0; n < RDT_JTOK_MAX; n++) /* the array itself and 2047 in it */
        memcpy(big + 2 * n, n == 0 ? "[0" : ",0", 2);
    big[2 * n - 2] = ']';
    check("as many values as may", big, 2 * n - 1, true);
    memcpy(big + 2 * n - 2, ",0]", 3);
    check("one value more", big, 2 * n + 1, false);

    memset(big, '[', sizeof big);
    assert_false(scan(big, sizeof big));
    for (size_t i = 0; i + 5 <= sizeof big; i += 5)
        memcpy(big + i, "{\"a\":", 5);
    assert_false(scan(big, sizeof big));
    memset(big, 'a', sizeof big);
    memcpy(big, "[\"", 2);
    assert_false(scan(big, sizeof big));
    memcpy(big + sizeof big - 2, "\"]", 2);
    assert_true(scan(big, sizeof big));
    assert_int_equal(rdt_jspan(&doc, 1).n, sizeof big - 4);
}

static void
looks_up(void **state)
{
    static const char text[] =
        "{\"a\":1,\"n\":null,\"o\":{\"a\":\"x\\ty\",\"b\":[5,{\"a\":6}]},\"f\":false,"
        "\"\\u00e4\":\"\\ud83d\\udd12\"}";
    (void)state;
    assert_true(scan(text, sizeof text - 1));
    assert_int_equal(doc.tok[0].type, RDT_J_OBJECT);
    assert_int_equal(doc.tok[0].count, 5);
    assert_int_equal(doc.tok[0].next, doc.n);
    uint32_t o = rdt_jget(&doc, 0, "o"), b = rdt_jget(&doc, o, "b");
    assert_true(rdt_span_is(rdt_jspan(&doc, rdt_jget(&doc, 0, "a")), "1"));
    assert_true(rdt_span_is(rdt_jspan(&doc, rdt_jget(&doc, o, "a")), "x\ty"));
    assert_true(rdt_span_is(rdt_jspan(&doc, rdt_jget(&doc, 0, "\xc3\xa4")), "\xf0\x9f\x94\x92"));
    assert_int_equal(doc.tok[rdt_jget(&doc, 0, "f")].type, RDT_J_FALSE);
    assert_int_equal(doc.tok[b].count, 2);
    assert_int_equal(doc.tok[b].next, doc.tok[o].next);
    /* absent, null, a part of a name, no object, no token */
    static const char *const absent[] = {"", "n", "A", "aa", "b", "x\ty"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_int_equal(rdt_jget(&doc, 0, absent[i]), 0);
    assert_int_equal(rdt_jget(&doc, b, "a"), 0);
    assert_int_equal(rdt_jget(&doc, rdt_jget(&doc, 0, "a"), "a"), 0);
    assert_int_equal(rdt_jget(&doc, doc.n, "a"), 0);
    assert_int_equal(rdt_jspan(&doc, 0).n, 0);
    assert_int_equal(rdt_jspan(&doc, b).n, 0);
    assert_int_equal(rdt_jspan(&doc, doc.n).n, 0);
    /* after a document that is refused, however late, nothing of it is there */
    assert_false(scan("{\"a\":1}x", 8));
    assert_int_equal(rdt_jget(&doc, 0, "a"), 0);
}

static void
integers(void **state)
{
    static const struct {
        const char *text;
        bool fits;
        int64_t v;
    } cases[] = {
        {"[0]",                    true,  0        },
        {"[-0]",                   true,  0        },
        {"[7]",                    true,  7        },
        {"[-30]",                  true,  -30      },
        {"[9223372036854775807]",  true,  INT64_MAX},
        {"[-9223372036854775808]", true,  INT64_MIN},
        {"[9223372036854775808]",  false, 0        },
        {"[-9223372036854775809]", false, 0        },
        {"[99999999999999999999]", false, 0        },
        {"[1.0]",                  false, 0        },
        {"[1e2]",                  false, 0        },
        {"[\"7\"]",                false, 0        },
        {"[true]",                 false, 0        },
        {"[[7]]",                  false, 0        },
        {"[]",                     false, 0        },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = 42;
        assert_true(scan(cases[i].text, strlen(cases[i].text)));
        bool got = rdt_jint(&doc, 1, &v);
        if (got != cases[i].fits || v != (got ? cases[i].v : 42))
            fail_msg("%s: %d, %lld", cases[i].text, got, (long long)v);
    }
    assert_false(rdt_jint(&doc, 0, &(int64_t){0}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_jansson), cmocka_unit_test(any_byte), cmocka_unit_test(many_names),
        cmocka_unit_test(limits),     cmocka_unit_test(looks_up), cmocka_unit_test(integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
