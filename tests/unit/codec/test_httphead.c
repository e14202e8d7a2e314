#include "codec/httphead.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define H "Host: a.test\r\n"
#define START "POST / HTTP/1.1\r\n"
#define END "\r\n"

static struct rdt_http_head head;

/* In a block of exactly n bytes, so that a sanitizer sees a read of one more. */
static enum rdt_http_read
read_exact(const void *bytes, size_t n, size_t *used, int *status)
{
    static uint8_t *kept; /* what head borrows from */
    free(kept);
    kept = malloc(n == 0 ? 1 : n);
    assert_non_null(kept);
    if (n != 0)
        memcpy(kept, bytes, n);
    memset(&head, 0xa5, sizeof head); /* nothing of it may matter */
    *used = 0;
    *status = 0;
    return rdt_http_head_read((struct rdt_span){kept, n}, &head, used, status);
}

/*
 * What other parsers accept and one between them and us might read otherwise. The first 31 are the
 * vectors on which llhttp 8.1, http_parser 2.9 and picohttpparser were compared.
 */
static const struct {
    const char *what, *bytes;
    size_t n;
    int status;
} hostile[] = {
#define V(what, bytes, status)                                                                     \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1, status                                                     \
    }
    V("1 head ended by a bare CR, then chunks (CVE-2023-30589)",
      START H "Transfer-Encoding\r: chunked\r\n\r\n0\r\n\r\n", 400),
    V("2 the same, the CR before the coding", START H "X:\rTransfer-Encoding: chunked\r\n\r\n",
      400),
    V("3 bare LF at the line ends", "POST / HTTP/1.1\nHost: a.test\n\n", 400),
    V("4 bare LF after one header", START "Host: a.test\nX: y\r\n\r\n", 400),
    V("5 no version, LF (llhttp 877)", "GET /x\nHost: a.test\r\n\r\n", 400),
    V("6 HTTP/0.9", "GET /x\r\n", 400),
    V("7 obs-fold (CVE-2024-27982)", START H "X: a\r\n b\r\n\r\n", 400),
    V("8 obs-fold with a tab before a length", START H "X: a\r\n\tContent-Length: 2\r\n\r\n", 400),
    V("9 blank before the first name", START " Host: a.test\r\n\r\n", 400),
    V("10 blank before the colon", START H "Content-Length : 2\r\n\r\n{}", 400),
    V("11 bare LF in a chunk extension",
      START H "Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n", 411),
    V("12 two lengths", START H "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    V("13 the same length twice", START H "Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}", 400),
    V("14 a list of lengths", START H "Content-Length: 2, 2\r\n\r\n{}", 400),
    V("15 a length with a plus", START H "Content-Length: +2\r\n\r\n{}", 400),
    V("16 a length with a minus", START H "Content-Length: -2\r\n\r\n{}", 400),
    V("17 a length in hexadecimal", START H "Content-Length: 0x2\r\n\r\n{}", 400),
    V("18 a length above 64 bits", START H "Content-Length: 18446744073709551618\r\n\r\n{}", 400),
    V("19 no length in the field", START H "Content-Length:\r\n\r\n{}", 400),
    V("20 length and coding",
      START H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    V("21 coding and length",
      START H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 411),
    V("22 coding xchunked", START H "Transfer-Encoding: xchunked\r\n\r\n", 411),
    V("23 coding chunked, identity", START H "transfer-encoding: chunked, identity\r\n\r\n", 411),
    V("24 coding after a vertical tab", START H "Transfer-Encoding:\vchunked\r\n\r\n", 400),
    V("25 no Host", START "X: y\r\n\r\n", 400),
    V("26 two Hosts", START H "host: b.test\r\n\r\n", 400),
    V("27 HTTP/1.2", "POST / HTTP/1.2\r\n" H END, 505),
    V("28 HTTP/9.9", "POST / HTTP/9.9\r\n" H END, 505),
    V("29 an empty name", START H ": x\r\n\r\n", 400),
    V("30 a tab in the target", "GET /a\tb HTTP/1.1\r\n" H END, 400),
    V("31 UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" H END, 400),

    V("an empty line first", "\r\n" START H END, 400),
    V("LF first", "\n" START H END, 400),
    V("no colon", START H "Host\r\n\r\n", 400),
    V("NUL in a name", START H "a\0b: c\r\n\r\n", 400),
    V("NUL in a value", START H "a: b\0c\r\n\r\n", 400),
    V("NUL right after eight bytes", START H "a: 12345678\0\r\n\r\n", 400),
    V("DEL in a value", START H "a: b\x7f\r\n\r\n", 400),
    V("escape in a value", START H "a: \x1b[2J\r\n\r\n", 400),
    V("bare CR in a value", START H "a: b\rc\r\n\r\n", 400),
    V("bare CR at the end of a value", START H "a: b\r\r\n\r\n", 400),
    V("LF in a value", START H "a: b\nc\r\n\r\n", 400),
    V("blank in a name", START H "a b: c\r\n\r\n", 400),
    V("UTF-8 in a name", START H "\xc3\xa4: c\r\n\r\n", 400),
    V("quote in a name", START H "\"a\": c\r\n\r\n", 400),
    V("head ended by CR CR", START H "\r\r", 400),
    V("head ended by LF", START H "\n", 400),
    V("LF CR for CR LF", START "Host: a.test\n\r\n\r", 400),
    V("two blanks before the target", "POST  / HTTP/1.1\r\n" H END, 400),
    V("two blanks before the version", "POST /  HTTP/1.1\r\n" H END, 400),
    V("blank after the version", "POST / HTTP/1.1 \r\n" H END, 400),
    V("tab after the method", "POST\t/ HTTP/1.1\r\n" H END, 400),
    V("no method", " / HTTP/1.1\r\n" H END, 400),
    V("odd method", "PO(ST / HTTP/1.1\r\n" H END, 400),
    V("endless method", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 400),
    V("version in small letters", "POST / http/1.1\r\n" H END, 400),
    V("version of one number", "POST / HTTP/1\r\n" H END, 400),
    V("version with two digits", "POST / HTTP/1.10\r\n" H END, 400),
    V("version with a zero before it", "POST / HTTP/01.1\r\n" H END, 400),
    V("another protocol", "POST / ICAP/1.0\r\n" H END, 400),
    V("HTTP/2.0", "POST / HTTP/2.0\r\n" H END, 505),
    V("HTTP/0.9 with its number", "POST / HTTP/0.9\r\n" H END, 505),
    V("preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    V("TLS hello", "\x16\x03\x01\x02\x00", 400),
    V("URL as the target", "GET http://b.test/ HTTP/1.1\r\n" H END, 400),
    V("authority as the target", "CONNECT b.test:443 HTTP/1.1\r\n" H END, 400),
    V("asterisk as the target", "OPTIONS * HTTP/1.1\r\n" H END, 400),
    V("fragment in the target", "GET /a#b HTTP/1.1\r\n" H END, 400),
    V("backslash in the target", "GET /a\\b HTTP/1.1\r\n" H END, 400),
    V("quote in the target", "GET /\"a\" HTTP/1.1\r\n" H END, 400),
    V("brace in the query", "GET /?{} HTTP/1.1\r\n" H END, 400),
    V("bracket in the query", "GET /?a[]=1 HTTP/1.1\r\n" H END, 400),
    V("NUL in the target", "GET /a\0 HTTP/1.1\r\n" H END, 400),
    V("DEL in the target", "GET /a\x7f HTTP/1.1\r\n" H END, 400),
    V("percent without digits", "GET /a%zz HTTP/1.1\r\n" H END, 400),
    V("percent with one digit", "GET /a%4 HTTP/1.1\r\n" H END, 400),
    V("percent at the end of a query", "GET /?a=% HTTP/1.1\r\n" H END, 400),
    V("an empty Host", START "Host:\r\n\r\n", 400),
    V("two Hosts in one", START "Host: a.test, b.test\r\n\r\n", 400),
    V("blank in the Host", START "Host: a.test b.test\r\n\r\n", 400),
    V("user in the Host", START "Host: b.test@a.test\r\n\r\n", 400),
    V("path in the Host", START "Host: a.test/x\r\n\r\n", 400),
    V("no Host with HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400),
    V("a length of 19 digits", START H "Content-Length: 0000000000000000002\r\n\r\n{}", 400),
    V("a length with a blank inside", START H "Content-Length: 1 0\r\n\r\n{}", 400),
    V("a length with a fraction", START H "Content-Length: 2.0\r\n\r\n{}", 400),
    V("coding with HTTP/1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 411),
    V("coding identity", START H "Transfer-Encoding: identity\r\n\r\n", 411),
    V("no coding in the field", START H "Transfer-Encoding:\r\n\r\n", 411),
    V("coding with a blank before the colon", START H "Transfer-Encoding : chunked\r\n\r\n", 400),
    V("unknown expectation", START H "Expect: 200-ok\r\n\r\n", 417),
    V("more than one expectation", START H "Expect: 100-continue, x\r\n\r\n", 417),
    V("empty expectation", START H "Expect:\r\n\r\n", 417),
    V("odd connection", START H "Connection: clo\"se\r\n\r\n", 400),
};

static void
refuses_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        enum rdt_http_read before = RDT_HTTP_MORE;
        size_t used;
        int status = 0, first = 0;
        /* Refused once is refused for good, with the same words. */
        for (size_t n = 0; n <= hostile[i].n; n++) {
            enum rdt_http_read got = read_exact(hostile[i].bytes, n, &used, &status);
            if (got == RDT_HTTP_HEAD || (before == RDT_HTTP_REFUSED && got == RDT_HTTP_MORE))
                fail_msg("%s: %d after %zu bytes", hostile[i].what, got, n);
            if (before == RDT_HTTP_REFUSED)
                assert_int_equal(status, first);
            first = status;
            before = got;
        }
        if (before != RDT_HTTP_REFUSED || status != hostile[i].status)
            fail_msg("%s: %d, status %d", hostile[i].what, before, status);
    }
}

/* As awscli, the SDK for JavaScript, curl and a monitor send it; "|" ends the head. */
static const struct {
    const char *what, *bytes, *method, *path, *query, *host;
    size_t n_fields;
    uint64_t length;
    bool keep_alive, expect;
} good[] = {
    {"botocore",
     "POST / HTTP/1.1\r\nHost: localhost:8443\r\nAccept-Encoding: identity\r\n"
     "X-Amz-Target: TrentService.Encrypt\r\nContent-Type: application/x-amz-json-1.1\r\n"
     "User-Agent: aws-cli/1.45.11 md/Botocore#1.45.11 ua/2.1 os/linux#6.1\r\n"
     "X-Amz-Date: 20261124T101500Z\r\n"
     "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/local-1/kms/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
     "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n"
     "Content-Length: 83\r\n\r\n|{}",                                                                                                   "POST", "/",          "",    "localhost:8443", 8, 83,                           true,  false},
    {"all lower case",                                 "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\n|{}",               "POST",
     "/",                                                                                                                                                     "",    "a.test",         2, 2,                            true,  false},
    {"no blank after the colon",
     "GET /v1/keys?limit=5&a=%2F HTTP/1.1\r\nHOST:[::1]:8443\r\n\r\n|GET /",                                                            "GET",  "/v1/keys",
     "limit=5&a=%2F",                                                                                                                                                "[::1]:8443",     1, 0,                            true,  false},
    {"blanks and tabs around a value",
     "GET /a//b/../c? HTTP/1.1\r\nHost: \t a.test \t \r\nX:\t\r\n\r\n|",                                                                "GET",  "/a//b/../c", "",
     "a.test",                                                                                                                                                                         2, 0,                            true,  false},
    {"a second question mark",                         "GET /?a?b HTTP/1.1\r\nHost: a.test\r\n\r\n|",                                   "GET",  "/",          "a?b",
     "a.test",                                                                                                                                                                         1, 0,                            true,  false},
    {"close",                                          "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: CLOSE\r\n\r\n|",                  "GET",  "/",          "",
     "a.test",                                                                                                                                                                         2, 0,                            false, false},
    {"close in a list",                                "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: TE, ,close ,x\r\n\r\n|",
     "GET",                                                                                                                                     "/",          "",    "a.test",         2, 0,                            false, false},
    {"close in the second line",
     "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n|",                                          "GET",  "/",          "",    "a.test",         3, 0,                            false, false},
    {"keep-alive, and a word that is only like close",
     "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, closed\r\n\r\n|",                                                       "GET",  "/",          "",
     "a.test",                                                                                                                                                                         2, 0,                            true,  false},
    {"an empty Connection",                            "GET / HTTP/1.1\r\nHost: a.test\r\nConnection:\r\n\r\n|",                        "GET",  "/",
     "",                                                                                                                                                             "a.test",         2, 0,                            true,  false},
    {"HTTP/1.0 is closed",                             "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n|",
     "GET",                                                                                                                                     "/",          "",    "a.test",         2, 0,                            false, false},
    {"expect",
     "PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n|",                                            "PUT",
     "/",                                                                                                                                                     "",    "a.test",         3, 0,                            true,  true },
    {"expect, loudly",                                 "PUT / HTTP/1.1\r\nHost: a.test\r\nEXPECT: 100-CONTINUE\r\n\r\n|",               "PUT",
     "/",                                                                                                                                                     "",    "a.test",         2, 0,                            true,  true },
    {"HTTP/1.0 expects nothing",                       "PUT / HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\n\r\n|",
     "PUT",                                                                                                                                     "/",          "",    "a.test",         2, 0,                            false, false},
    {"18 digits",                                      "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 999999999999999999\r\n\r\n|",
     "PUT",                                                                                                                                     "/",          "",    "a.test",         2, UINT64_C(999999999999999999), true,  false},
    {"latin-1 and tabs in a value",                    "GET / HTTP/1.1\r\nHost: a.test\r\nX: \xe4\tb \xff\r\n\r\n|",
     "GET",                                                                                                                                     "/",          "",    "a.test",         2, 0,                            true,  false},
    {"names that begin alike",
     "GET / HTTP/1.1\r\nHost: a.test\r\nHosts: x y\r\nExpectX: y\r\nContent-Lengthy: x\r\n"
     "Transfer-Encodings: x\r\nContent_Length: x\r\nConnectioN-: \"\r\n\r\n|",                                                          "GET",  "/",          "",    "a.test",         7, 0,                            true,  false},
};

static void
check_span(const char *what, struct rdt_span got, const char *want)
{
    if (!rdt_span_is(got, want))
        fail_msg("%s: '%.*s', not '%s'", what, RDT_FMT(got), want);
}

static void
reads_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char bytes[1024];
        size_t n = strcspn(good[i].bytes, "|"), all = strlen(good[i].bytes) - 1, used;
        int status;
        snprintf(bytes, sizeof bytes, "%.*s%s", (int)n, good[i].bytes, good[i].bytes + n + 1);
        for (size_t cut = 0; cut < n; cut++)
            if (read_exact(bytes, cut, &used, &status) != RDT_HTTP_MORE)
                fail_msg("%s: not MORE after %zu bytes", good[i].what, cut);
        for (size_t cut = n; cut <= all; cut++) {
            if (read_exact(bytes, cut, &used, &status) != RDT_HTTP_HEAD || used != n)
                fail_msg("%s: after %zu bytes status %d, used %zu", good[i].what, cut, status,
                         used);
        }
        check_span(good[i].what, head.method, good[i].method);
        check_span(good[i].what, head.path, good[i].path);
        check_span(good[i].what, head.query, good[i].query);
        check_span(good[i].what, head.host, good[i].host);
        if (head.n_fields != good[i].n_fields || head.content_length != good[i].length ||
            head.keep_alive != good[i].keep_alive || head.expect_continue != good[i].expect)
            fail_msg("%s: %zu fields, length %llu, keep %d, expect %d", good[i].what, head.n_fields,
                     (unsigned long long)head.content_length, head.keep_alive,
                     head.expect_continue);
    }
}

static void
finds_fields(void **state)
{
    static const char bytes[] = START H "X-A: 1\r\nx-a:\r\nX-AB: 3\r\nX-a: 4 5\r\n\r\n";
    struct rdt_span value = {0};
    size_t used;
    int status;
    (void)state;
    assert_int_equal(read_exact(bytes, sizeof bytes - 1, &used, &status), RDT_HTTP_HEAD);
    assert_true(rdt_http_field_find(&head, "x-a", 0, &value));
    check_span("first", value, "1");
    assert_true(rdt_http_field_find(&head, "x-a", 1, &value));
    check_span("second", value, "");
    assert_true(rdt_http_field_find(&head, "x-a", 2, &value));
    check_span("third", value, "4 5");
    assert_false(rdt_http_field_find(&head, "x-a", 3, &value));
    assert_false(rdt_http_field_find(&head, "x", 0, &value));
    assert_false(rdt_http_field_find(&head, "x-abc", 0, &value));
    check_span("left alone", value, "4 5");
}

/* `fields` lines and a last one that fills the head up to n bytes. */
static char *
big_head(size_t target, size_t fields, size_t n)
{
    char *bytes = malloc(n + 1);
    assert_non_null(bytes);
    int at = snprintf(bytes, n + 1, "GET /%0*d HTTP/1.1\r\n" H, (int)target - 1, 0);
    for (size_t i = 1; i < fields - 1; i++)
        at += snprintf(bytes + at, n + 1 - (size_t)at, "a: b\r\n");
    assert_true((size_t)at + 7 <= n);
    at += snprintf(bytes + at, n + 1 - (size_t)at, "c: %0*d\r\n\r\n", (int)n - at - 7, 0);
    assert_int_equal(at, n);
    return bytes;
}

static void
limits(void **state)
{
    static const struct {
        const char *what;
        size_t target, fields, n;
        int status; /* 0: read */
    } cases[] = {
        {"the longest target",    RDT_HTTP_TARGET_MAX,     2,  4096,                          0  },
        {"a longer target",       RDT_HTTP_TARGET_MAX + 1, 2,  4096,                          414},
        {"a much longer target",  9000,                    2,  10000,                         414},
        {"as many fields as may", 2,                       64, 4096,                          0  },
        {"65 fields",             2,                       65, 4096,                          431},
        {"the longest head",      2,                       2,  RDT_HTTP_REQUEST_HEAD_MAX,     0  },
        {"one byte longer",       2,                       2,  RDT_HTTP_REQUEST_HEAD_MAX + 1, 431},
        {"much longer",           2,                       2,  100000,                        431},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t used;
        int status;
        char *bytes = big_head(cases[i].target, cases[i].fields, cases[i].n);
        enum rdt_http_read got = read_exact(bytes, cases[i].n, &used, &status);
        if (got != (cases[i].status == 0 ? RDT_HTTP_HEAD : RDT_HTTP_REFUSED) ||
            status != cases[i].status || (status == 0 && used != cases[i].n))
            fail_msg("%s: %d, status %d, used %zu", cases[i].what, got, status, used);
        got = read_exact(bytes, cases[i].n < 16384 ? cases[i].n - 1 : 16383, &used, &status);
        assert_int_equal(got, cases[i].status == 0 || cases[i].n > 16384 ? RDT_HTTP_MORE
                                                                         : RDT_HTTP_REFUSED);
        free(bytes);
    }
}

/* Each byte in each place: what is refused there and what is not. */
static void
every_byte(void **state)
{
    static const char target[] = "GET /?_ HTTP/1.1\r\n" H END, name[] = START H "_: x\r\n\r\n",
                      value[] = START H "x: 123_5678901234567\r\n\r\n",
                      method[] = "_ / HTTP/1.1\r\n" H END;
    static const struct {
        const char *bytes, *allowed; /* besides letters, digits and "-._~" */
        size_t n;
        unsigned from;
    } cases[] = {
        {target, "!$&'()*+,;=:@/?",                   sizeof target - 1, 256 },
        {name,   "!#$%&'*+^`|",                       sizeof name - 1,   256 },
        {method, "!#$%&'*+^`|",                       sizeof method - 1, 256 },
        {value,  " \t!\"#$%&'()*+,/:;<=>?@[\\]^`{|}", sizeof value - 1,  0x80},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned c = 0; c < 256; c++) {
            char bytes[128];
            size_t used;
            int status;
            memcpy(bytes, cases[i].bytes, cases[i].n);
            *(char *)memchr(bytes, '_', cases[i].n) = (char)c;
            bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            bool want = plain || (c != 0 && strchr("-._~", (int)c) != NULL) ||
                        (c != 0 && c < 128 && strchr(cases[i].allowed, (int)c) != NULL) ||
                        c >= cases[i].from;
            bool got = read_exact(bytes, cases[i].n, &used, &status) == RDT_HTTP_HEAD;
            if (got != want)
                fail_msg("table %zu, byte %02x: %d", i, c, got);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_hostile), cmocka_unit_test(reads_good),
        cmocka_unit_test(finds_fields),    cmocka_unit_test(limits),
        cmocka_unit_test(every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
