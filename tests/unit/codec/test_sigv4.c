#include "codec/sigv4.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BRACES_HASH "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of {} */
#define SIG "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define CRED "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
#define AUTH(names)                                                                                \
    "Authorization: AWS4-HMAC-SHA256 " CRED ", SignedHeaders=" names ", Signature=" SIG "\r\n"
#define VANILLA "Host:example.amazonaws.com\r\nX-Amz-Date:20150830T123600Z\r\n"
#define GET "GET / HTTP/1.1\r\n" VANILLA
#define SIGNED AUTH("host;x-amz-date") "\r\n"

static struct rdt_http_head head;
static struct rdt_sigv4 sig;

static enum rdt_sigv4_fault
parse(const char *request)
{
    size_t used;
    int status = 0;
    if (rdt_http_head_read(rdt_span_str(request), &head, &used, &status) != RDT_HTTP_HEAD)
        fail_msg("no head (%d): %s", status, request);
    memset(&sig, 0xa5, sizeof sig);
    return rdt_sigv4_parse(&head, &sig);
}

/*
 * The AWS Signature Version 4 test-suite (20150830, us-east-1, service) where it has no path that
 * we refuse, and the shapes in which unmodified clients came. tests/interop/test_sigv4.py shows
 * that the signatures published with the suite are those of these texts.
 */
static const struct {
    const char *source, *request, *hash, *canonical;
} canonicals[] = {
#define T(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
    T("suite: get-vanilla", GET SIGNED, EMPTY_HASH,
      "GET\n/"
      "\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-"
      "date\n" EMPTY_HASH),
    T("suite: post-vanilla", "POST / HTTP/1.1\r\n" VANILLA SIGNED, EMPTY_HASH,
      "POST\n/"
      "\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-"
      "date\n" EMPTY_HASH),
    T("suite: get-vanilla-query-order-key-case",
      "GET /?Param2=value2&Param1=value1 HTTP/1.1\r\n" VANILLA SIGNED, EMPTY_HASH,
      "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\n"
      "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH),
    T("suite: get-vanilla-query-order-value",
      "GET /?Param1=value2&Param1=Value1 HTTP/1.1\r\n" VANILLA SIGNED, EMPTY_HASH,
      "GET\n/\nParam1=Value1&Param1=value2\nhost:example.amazonaws.com\n"
      "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH),
    T("suite: get-unreserved",
      "GET /-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ HTTP/1.1\r\n" VANILLA
          SIGNED,
      EMPTY_HASH,
      "GET\n/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\n\n"
      "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH),
    T("suite: get-header-key-duplicate",
      "GET / HTTP/1.1\r\nHost:example.amazonaws.com\r\nMy-Header1:value2\r\nMy-Header1:value2\r\n"
      "My-Header1:value1\r\nX-Amz-Date:20150830T123600Z\r\n" AUTH(
          "host;my-header1;x-amz-date") "\r\n",
      EMPTY_HASH,
      "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value2,value2,value1\n"
      "x-amz-date:20150830T123600Z\n\nhost;my-header1;x-amz-date\n" EMPTY_HASH),
    T("suite: get-header-value-trim",
      "GET / HTTP/1.1\r\nHost:example.amazonaws.com\r\nMy-Header1: value1\r\n"
      "My-Header2: \"a   b   c\"\r\nX-Amz-Date:20150830T123600Z\r\n" AUTH(
          "host;my-header1;my-header2;x-amz-date") "\r\n",
      EMPTY_HASH,
      "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value1\nmy-header2:\"a b c\"\n"
      "x-amz-date:20150830T123600Z\n\nhost;my-header1;my-header2;x-amz-date\n" EMPTY_HASH),
    T("botocore 1.43, awscli",
      "POST / HTTP/1.1\r\nHost: 127.0.0.1:54201\r\nAccept-Encoding: identity\r\n"
      "X-Amz-Target: TrentService.ListKeys\r\nContent-Type: application/x-amz-json-1.1\r\n"
      "User-Agent: aws-cli/1.45.11 md/Botocore#1.43.11 ua/2.1 m/C,Z,b,N,D,g\r\n"
      "X-Amz-Date: 20150830T123600Z\r\n" AUTH(
          "content-type;host;x-amz-date;x-amz-target") "amz-sdk-invocation-id: "
                                                       "75ee52bc-8993-4dbb-ab67-"
                                                       "4fdd6994f683\r\namz-sdk-request: "
                                                       "attempt=1\r\n"
                                                       "Content-Length: 2\r\n\r\n",
      BRACES_HASH,
      "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:127.0.0.1:54201\n"
      "x-amz-date:20150830T123600Z\nx-amz-target:TrentService.ListKeys\n\n"
      "content-type;host;x-amz-date;x-amz-target\n" BRACES_HASH),
    T("SDK for JavaScript 3",
      "POST / HTTP/1.1\r\nhost: localhost:8443\r\nx-amz-target: TrentService.ListKeys\r\n"
      "content-type: application/x-amz-json-1.1\r\nuser-agent: aws-sdk-js/3.1164.0\r\n"
      "x-amz-user-agent: aws-sdk-js/3.1164.0\r\namz-sdk-invocation-id: 0-1\r\n"
      "amz-sdk-request: attempt=1; max=3\r\nx-amz-security-token: FwoGZX/+=\r\n"
      "x-amz-date: 20150830T123600Z\r\nx-amz-content-sha256: " BRACES_HASH "\r\n"
      "content-length: 2\r\nauthorization: AWS4-HMAC-SHA256 " CRED
      ", SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;"
      "x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target;x-amz-user-agent, "
      "Signature=" SIG "\r\n\r\n",
      BRACES_HASH,
      "POST\n/\n\namz-sdk-invocation-id:0-1\namz-sdk-request:attempt=1; max=3\ncontent-length:2\n"
      "content-type:application/x-amz-json-1.1\nhost:localhost:8443\n"
      "x-amz-content-sha256:" BRACES_HASH "\nx-amz-date:20150830T123600Z\n"
      "x-amz-security-token:FwoGZX/+=\nx-amz-target:TrentService.ListKeys\n"
      "x-amz-user-agent:aws-sdk-js/3.1164.0\n\n"
      "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;"
      "x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target;x-amz-user-"
      "agent\n" BRACES_HASH),
    T("libmongocrypt",
      "POST / HTTP/1.1\r\nConnection:close\r\nContent-Length:2\r\n"
      "Content-Type:application/x-amz-json-1.1\r\nHost:localhost\r\nX-Amz-Date:20150830T123600Z\r\n"
      "X-Amz-Target:TrentService.Decrypt\r\n" AUTH(
          "content-length;content-type;host;x-amz-date;x-amz-target") "\r\n",
      BRACES_HASH,
      "POST\n/\n\ncontent-length:2\ncontent-type:application/x-amz-json-1.1\nhost:localhost\n"
      "x-amz-date:20150830T123600Z\nx-amz-target:TrentService.Decrypt\n\n"
      "content-length;content-type;host;x-amz-date;x-amz-target\n" BRACES_HASH),
    T("curl 7.88",
      "POST / HTTP/1.1\r\nHost: 127.0.0.1:54201\r\n" AUTH(
          "content-type;host;x-amz-date;x-amz-target") "X-Amz-Date: "
                                                       "20150830T123600Z\r\nUser-Agent: "
                                                       "curl/7.88.1\r\nAccept: */*\r\n"
                                                       "X-Amz-Target: "
                                                       "TrentService.ListKeys\r\nContent-Type: "
                                                       "application/x-amz-json-1.1\r\n"
                                                       "Content-Length: 2\r\n\r\n",
      BRACES_HASH,
      "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:127.0.0.1:54201\n"
      "x-amz-date:20150830T123600Z\nx-amz-target:TrentService.ListKeys\n\n"
      "content-type;host;x-amz-date;x-amz-target\n" BRACES_HASH),
    T("SDK for Go 2",
      "POST / HTTP/1.1\r\nHost: localhost:8443\r\nUser-Agent: aws-sdk-go-v2/1.30\r\n"
      "Content-Length: 2\r\nAmz-Sdk-Invocation-Id: 0-1\r\nAmz-Sdk-Request: attempt=1; "
      "max=3\r\n" AUTH(
          "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-"
          "target") "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Date: 20150830T123600Z\r\n"
                    "X-Amz-Target: TrentService.ListKeys\r\nAccept-Encoding: gzip\r\n\r\n",
      BRACES_HASH,
      "POST\n/\n\namz-sdk-invocation-id:0-1\namz-sdk-request:attempt=1; max=3\ncontent-length:2\n"
      "content-type:application/x-amz-json-1.1\nhost:localhost:8443\nx-amz-date:20150830T123600Z\n"
      "x-amz-target:TrentService.ListKeys\n\n"
      "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-"
      "target\n" BRACES_HASH),
    T("no blanks in Authorization, other order, tabs",
      GET "Authorization: AWS4-HMAC-SHA256\tSignature=" SIG
          ",SignedHeaders=host;x-amz-date\t,\t" CRED "\r\n\r\n",
      EMPTY_HASH,
      "GET\n/"
      "\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-"
      "date\n" EMPTY_HASH),
    T("path and query, encoded and not", "GET /v1/keys/alias%2Fa:b/ HTTP/1.1\r\n" VANILLA SIGNED,
      EMPTY_HASH,
      "GET\n/v1/keys/alias%252Fa%3Ab/"
      "\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
      "host;x-amz-date\n" EMPTY_HASH),
    T("query: encoded once, and sorted as it is then",
      "GET /?a%7B&a9&a:&b=%7e%41/&a~=1&a-=2&a=%2f+&a%20=3&a&a=&&c=d=e&a=%2F& HTTP/1.1\r\n" VANILLA
          SIGNED,
      EMPTY_HASH,
      "GET\n/\n=&=&a=&a=&a=%2F&a=%2F%2B&a%20=3&a%3A=&a%7B=&a-=2&a9=&a~=1&b=~A%2F&c=d%3De\n"
      "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH),
    T("query: as many as may",
      "GET /?9&8&7&6&5&4&3&2&1&0&9&8&7&6&5&4&3&2&1&0&9&8&7&6&5&4&3&2&1&0&a&b HTTP/1.1\r\n" VANILLA
          SIGNED,
      EMPTY_HASH,
      "GET\n/"
      "\n0=&0=&0=&1=&1=&1=&2=&2=&2=&3=&3=&3=&4=&4=&4=&5=&5=&5=&6=&6=&6=&7=&7=&7=&8=&8=&8=&9=&9=&9=&"
      "a=&b=\n"
      "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH),
    T("blanks in values",
      "GET / HTTP/1.1\r\n" VANILLA
      "a: \t b  c \td\te\t\r\nb:\r\nA:   \r\na: f\r\n" AUTH("a;b;host;x-amz-date") "\r\n",
      EMPTY_HASH,
      "GET\n/\n\na:b c d e,,f\nb:\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
      "a;b;host;x-amz-date\n" EMPTY_HASH),
    T("Date instead",
      "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 30 Aug 2015 12:36:00 GMT\r\n" AUTH(
          "date;host") "\r\n",
      EMPTY_HASH, "GET\n/\n\ndate:Sun, 30 Aug 2015 12:36:00 GMT\nhost:a\n\ndate;host\n" EMPTY_HASH),
    T("Date as Python writes it",
      "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 30 Aug 2015 12:36:00 -0000\r\n" AUTH(
          "date;host") "\r\n",
      EMPTY_HASH,
      "GET\n/\n\ndate:Sun, 30 Aug 2015 12:36:00 -0000\nhost:a\n\ndate;host\n" EMPTY_HASH),
};

static void
canonical_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof canonicals / sizeof *canonicals; i++) {
        RDT_BUF out = {0};
        enum rdt_sigv4_fault fault = parse(canonicals[i].request);
        if (fault == RDT_SIGV4_OK)
            fault = rdt_sigv4_canonical(&head, &sig, canonicals[i].hash, &out);
        if (fault != RDT_SIGV4_OK)
            fail_msg("%s: fault %d", canonicals[i].source, fault);
        if (!rdt_span_is(rdt_buf_span(&out), canonicals[i].canonical))
            fail_msg("%s:\n%.*s", canonicals[i].source, RDT_FMT(out));
        assert_string_equal(sig.stamp, "20150830T123600Z");
        assert_int_equal(sig.time_s, 1440938160);
    }
}

static void
parts(void **state)
{
    RDT_BUF out = {0};
    (void)state;
    assert_int_equal(parse(canonicals[8].request), RDT_SIGV4_OK); /* that of JavaScript */
    assert_true(rdt_span_is(sig.key_id, "AKIDEXAMPLE"));
    assert_true(rdt_span_is(sig.date, "20150830"));
    assert_true(rdt_span_is(sig.region, "us-east-1"));
    assert_true(rdt_span_is(sig.service, "service"));
    assert_true(rdt_span_is(sig.scope, "20150830/us-east-1/service/aws4_request"));
    assert_true(rdt_span_is(sig.token, "FwoGZX/+="));
    assert_int_equal(sig.n_signed, 10);
    assert_true(rdt_span_is(sig.signed_name[9], "x-amz-user-agent"));
    assert_memory_equal(sig.signature, "\x5f\xa0\x0f\xa3\x15\x53\xb7\x3e", 8);
    assert_int_equal(parse(GET SIGNED), RDT_SIGV4_OK);
    assert_int_equal(sig.token.n, 0);
    rdt_sigv4_to_sign(&sig, "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
                      &out);
    assert_string_equal(
        rdt_buf_cstr(&out),
        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
        "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}

#define A "Authorization: "
#define ALG A "AWS4-HMAC-SHA256 "
#define C2(credential) ALG "Credential=" credential ", " REST
#define REST "SignedHeaders=host;x-amz-date, Signature=" SIG "\r\n\r\n"
#define S2(signature) ALG CRED ", SignedHeaders=host;x-amz-date, Signature=" signature "\r\n\r\n"
#define DATE(date) "GET / HTTP/1.1\r\nHost:a\r\nX-Amz-Date:" date "\r\n" SIGNED
#define HTTP_DATE(date) "GET / HTTP/1.1\r\nHost:a\r\nDate:" date "\r\n" AUTH("date;host") "\r\n"
#define SCOPE_65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *what, *request;
    enum rdt_sigv4_fault want;
} refused[] = {
#define R(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
    R("no Authorization", GET "\r\n", RDT_SIGV4_MISSING),
    R("signature in the query", "GET /?X-Amz-Signature=" SIG " HTTP/1.1\r\n" VANILLA "\r\n",
      RDT_SIGV4_MISSING),

    R("empty", GET A "\r\n\r\n", RDT_SIGV4_INCOMPLETE),
    R("two", GET AUTH("host;x-amz-date") SIGNED, RDT_SIGV4_INCOMPLETE),
    R("another scheme", GET A "Bearer abc\r\n\r\n", RDT_SIGV4_INCOMPLETE),
    R("another algorithm", GET A "AWS4-ECDSA-P256-SHA256 " CRED ", " REST, RDT_SIGV4_INCOMPLETE),
    R("algorithm in small letters", GET A "aws4-hmac-sha256 " CRED ", " REST, RDT_SIGV4_INCOMPLETE),
    R("algorithm alone", GET ALG "\r\n\r\n", RDT_SIGV4_INCOMPLETE),
    R("longer algorithm", GET A "AWS4-HMAC-SHA256X " CRED ", " REST, RDT_SIGV4_INCOMPLETE),
    R("no blank after the algorithm", GET A "AWS4-HMAC-SHA256" CRED ", " REST,
      RDT_SIGV4_INCOMPLETE),
    R("comma after the algorithm", GET A "AWS4-HMAC-SHA256, " CRED ", " REST, RDT_SIGV4_INCOMPLETE),
    R("no Credential", GET ALG REST, RDT_SIGV4_INCOMPLETE),
    R("no SignedHeaders", GET ALG CRED ", Signature=" SIG "\r\n\r\n", RDT_SIGV4_INCOMPLETE),
    R("no Signature", GET ALG CRED ", SignedHeaders=host;x-amz-date\r\n\r\n", RDT_SIGV4_INCOMPLETE),
    R("Credential twice", GET ALG CRED ", " CRED ", " REST, RDT_SIGV4_INCOMPLETE),
    R("Signature twice", GET ALG CRED ", Signature=" SIG ", " REST, RDT_SIGV4_INCOMPLETE),
    R("an unknown part", GET ALG CRED ", x=y, " REST, RDT_SIGV4_INCOMPLETE),
    R("an empty part", GET ALG CRED ", , " REST, RDT_SIGV4_INCOMPLETE),
    R("a comma at the end",
      GET ALG CRED ", SignedHeaders=host;x-amz-date, Signature=" SIG ",\r\n\r\n",
      RDT_SIGV4_INCOMPLETE),
    R("a part without =", GET ALG CRED ", SignedHeaders, " REST, RDT_SIGV4_INCOMPLETE),
    R("semicolons between parts", GET ALG CRED "; " REST, RDT_SIGV4_INCOMPLETE),
    R("blank before =", GET ALG "Credential =AK/20150830/r/s/aws4_request, " REST,
      RDT_SIGV4_INCOMPLETE),
    R("name in small letters", GET ALG "credential=AK/20150830/r/s/aws4_request, " REST,
      RDT_SIGV4_INCOMPLETE),

    R("no key id", GET C2("/20150830/us-east-1/service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("blank in the key id", GET C2("A B/20150830/us-east-1/service/aws4_request"),
      RDT_SIGV4_INCOMPLETE),
    R("key id not ASCII", GET C2("A\xc3\xa4/20150830/us-east-1/service/aws4_request"),
      RDT_SIGV4_INCOMPLETE),
    R("no date", GET C2("AK/us-east-1/service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("short date", GET C2("AK/2015083/us-east-1/service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("another day", GET C2("AK/20150831/us-east-1/service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("no region", GET C2("AK/20150830//service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("odd region", GET C2("AK/20150830/us east/service/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("endless region", GET C2("AK/20150830/" SCOPE_65 "/service/aws4_request"),
      RDT_SIGV4_INCOMPLETE),
    R("no service", GET C2("AK/20150830/us-east-1//aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("endless service", GET C2("AK/20150830/us-east-1/" SCOPE_65 "/aws4_request"),
      RDT_SIGV4_INCOMPLETE),
    R("four parts", GET C2("AK/20150830/us-east-1/aws4_request"), RDT_SIGV4_INCOMPLETE),
    R("six parts", GET C2("AK/20150830/us-east-1/service/aws4_request/x"), RDT_SIGV4_INCOMPLETE),
    R("another end", GET C2("AK/20150830/us-east-1/service/aws3_request"), RDT_SIGV4_INCOMPLETE),
    R("no end", GET C2("AK/20150830/us-east-1/service/"), RDT_SIGV4_INCOMPLETE),

    R("no name signed", GET AUTH("") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("names not sorted", GET AUTH("x-amz-date;host") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a name twice", GET AUTH("host;host;x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a capital", GET AUTH("Host;x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("an empty name", GET AUTH("host;;x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a semicolon first", GET AUTH(";host;x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a semicolon last", GET AUTH("host;x-amz-date;") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a blank between names", GET AUTH("host; x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("a name that did not arrive", GET AUTH("host;x-amz-date;x-amz-target") "\r\n",
      RDT_SIGV4_INCOMPLETE),
    R("a name that arrived longer", GET AUTH("hos;host;x-amz-date") "\r\n", RDT_SIGV4_INCOMPLETE),

    R("signature of 63 digits",
      GET S2("fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      RDT_SIGV4_INCOMPLETE),
    R("signature of 66 digits", GET S2(SIG "00"), RDT_SIGV4_INCOMPLETE),
    R("signature with a capital",
      GET S2("5FA00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      RDT_SIGV4_INCOMPLETE),
    R("signature with another letter",
      GET S2("gfa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf3"),
      RDT_SIGV4_INCOMPLETE),
    R("no digit", GET S2(""), RDT_SIGV4_INCOMPLETE),

    R("no date at all", "GET / HTTP/1.1\r\nHost:a\r\n" AUTH("host") "\r\n", RDT_SIGV4_INCOMPLETE),
    R("date in the long form", DATE("2015-08-30T12:36:00Z"), RDT_SIGV4_INCOMPLETE),
    R("date without its zone", DATE("20150830T123600"), RDT_SIGV4_INCOMPLETE),
    R("date in another zone", DATE("20150830T123600+"), RDT_SIGV4_INCOMPLETE),
    R("a blank for the T", DATE("20150830 123600Z"), RDT_SIGV4_INCOMPLETE),
    R("date and more", DATE("20150830T123600Z0"), RDT_SIGV4_INCOMPLETE),
    R("hour 24", DATE("20150830T243600Z"), RDT_SIGV4_INCOMPLETE),
    R("minute 60", DATE("20150830T126000Z"), RDT_SIGV4_INCOMPLETE),
    R("a letter in the time", DATE("20150830T12a600Z"), RDT_SIGV4_INCOMPLETE),
    R("a sign in the time", DATE("20150830T-12600Z"), RDT_SIGV4_INCOMPLETE),
    R("no such day",
      "GET / HTTP/1.1\r\nHost:a\r\nX-Amz-Date:20150229T123600Z\r\n" ALG
      "Credential=AK/20150229/us-east-1/service/aws4_request, " REST,
      RDT_SIGV4_INCOMPLETE),
    R("two dates", GET "x-amz-date: 20150830T123600Z\r\n" SIGNED, RDT_SIGV4_INCOMPLETE),
    R("Date twice",
      "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 30 Aug 2015 12:36:00 GMT\r\n"
      "Date: Sun, 30 Aug 2015 12:36:00 GMT\r\n" AUTH("date;host") "\r\n",
      RDT_SIGV4_INCOMPLETE),
    R("Date in another zone", HTTP_DATE("Sun, 30 Aug 2015 12:36:00 +0200"), RDT_SIGV4_INCOMPLETE),
    R("Date without a zone", HTTP_DATE("Sun, 30 Aug 2015 12:36:00"), RDT_SIGV4_INCOMPLETE),
    R("Date of RFC 850", HTTP_DATE("Sunday, 30-Aug-15 12:36:00 GMT"), RDT_SIGV4_INCOMPLETE),
    R("Date of asctime", HTTP_DATE("Sun Aug 30 12:36:00 2015"), RDT_SIGV4_INCOMPLETE),
    R("Date of an unknown month", HTTP_DATE("Sun, 30 Aub 2015 12:36:00 GMT"), RDT_SIGV4_INCOMPLETE),
    R("Date of an unknown month, taken for December",
      "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 30 Dez 2015 12:36:00 GMT\r\n" ALG
      "Credential=AK/20151230/r/s/aws4_request, SignedHeaders=date;host, Signature=" SIG "\r\n\r\n",
      RDT_SIGV4_INCOMPLETE),
    R("Date of two months' letters", HTTP_DATE("Sun, 30 anF 2015 12:36:00 GMT"),
      RDT_SIGV4_INCOMPLETE),
    R("Date of day 32", HTTP_DATE("Sun, 32 Aug 2015 12:36:00 GMT"), RDT_SIGV4_INCOMPLETE),
    R("Date of another day", HTTP_DATE("Sun, 31 Aug 2015 12:36:00 GMT"), RDT_SIGV4_INCOMPLETE),
    R("Date with x-amz-date broken",
      "GET / HTTP/1.1\r\nHost:a\r\nX-Amz-Date:x\r\nDate:Sun, 30 Aug 2015 12:36:00 GMT\r\n" AUTH(
          "date;host;x-amz-date") "\r\n",
      RDT_SIGV4_INCOMPLETE),

    R("two targets",
      GET "x-amz-target: a\r\nX-Amz-Target: b\r\n" AUTH("host;x-amz-date;x-amz-target") "\r\n",
      RDT_SIGV4_INCOMPLETE),
    R("path with ..", "GET /v1/../v2 HTTP/1.1\r\n" VANILLA SIGNED, RDT_SIGV4_INCOMPLETE),
    R("path that ends with ..", "GET /v1/.. HTTP/1.1\r\n" VANILLA SIGNED, RDT_SIGV4_INCOMPLETE),
    R("path with .", "GET /./v1 HTTP/1.1\r\n" VANILLA SIGNED, RDT_SIGV4_INCOMPLETE),
    R("path with two slashes", "GET /v1//v2 HTTP/1.1\r\n" VANILLA SIGNED, RDT_SIGV4_INCOMPLETE),
    R("path of two slashes", "GET // HTTP/1.1\r\n" VANILLA SIGNED, RDT_SIGV4_INCOMPLETE),
    R("33 parameters", "GET /?&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&& HTTP/1.1\r\n" VANILLA SIGNED,
      RDT_SIGV4_INCOMPLETE),

    R("host not signed", GET AUTH("x-amz-date") "\r\n", RDT_SIGV4_UNSIGNED),
    R("x-amz-date not signed", GET AUTH("host") "\r\n", RDT_SIGV4_UNSIGNED),
    R("Date not signed",
      "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 30 Aug 2015 12:36:00 GMT\r\n" AUTH("host") "\r\n",
      RDT_SIGV4_UNSIGNED),
    R("x-amz-target not signed", GET "X-AMZ-Target: TrentService.ListKeys\r\n" SIGNED,
      RDT_SIGV4_UNSIGNED),
    R("token not signed", GET "x-amz-security-token: a\r\n" SIGNED, RDT_SIGV4_UNSIGNED),
    R("an unknown x-amz- line not signed", GET "X-Amz-Z: a\r\n" SIGNED, RDT_SIGV4_UNSIGNED),
};

static void
refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        enum rdt_sigv4_fault got = parse(refused[i].request);
        if (got != refused[i].want)
            fail_msg("%s: %d, not %d", refused[i].what, got, refused[i].want);
    }
    assert_int_equal(parse(GET "X-Amz: a\r\namz-sdk-request: attempt=1\r\nX-Am: b\r\n" SIGNED),
                     RDT_SIGV4_OK);
}

/* Lengths at their limits: of a key id, a region, and names of SignedHeaders. */
static void
limits(void **state)
{
    static const struct {
        int key_id, region, names;
        enum rdt_sigv4_fault want;
    } cases[] = {
        {1,   1,  2,  RDT_SIGV4_OK        },
        {128, 64, 48, RDT_SIGV4_OK        },
        {129, 64, 48, RDT_SIGV4_INCOMPLETE},
        {128, 65, 48, RDT_SIGV4_INCOMPLETE},
        {128, 64, 49, RDT_SIGV4_INCOMPLETE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char lines[1024] = "", names[512] = "", request[4096];
        size_t at = 0, to = 0;
        for (int k = 0; k < cases[i].names - 2; k++) {
            at += (size_t)snprintf(lines + at, sizeof lines - at, "a%02d: x\r\n", k);
            to += (size_t)snprintf(names + to, sizeof names - to, "a%02d;", k);
        }
        snprintf(request, sizeof request,
                 GET "%s" ALG "Credential=%0*d/20150830/%0*d/s/aws4_request,SignedHeaders=%shost;"
                     "x-amz-date,Signature=" SIG "\r\n\r\n",
                 lines, cases[i].key_id, 0, cases[i].region, 0, names);
        if (parse(request) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

/* Every month by its name. */
static void
months(void **state)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    (void)state;
    for (int m = 0; m < 12; m++) {
        char request[1024], stamp[32];
        snprintf(request, sizeof request,
                 "GET / HTTP/1.1\r\nHost:a\r\nDate: Sun, 07 %s 2027 23:59:58 GMT\r\n" ALG
                 "Credential=AK/2027%02d07/r/s/aws4_request,SignedHeaders=date;host,Signature=" SIG
                 "\r\n\r\n",
                 names[m], m + 1);
        snprintf(stamp, sizeof stamp, "2027%02d07T235958Z", m + 1);
        assert_int_equal(parse(request), RDT_SIGV4_OK);
        assert_string_equal(sig.stamp, stamp);
    }
}

static void
payloads(void **state)
{
    static const struct {
        const char *claimed;
        enum rdt_sigv4_fault want;
    } cases[] = {
        {BRACES_HASH,                                                        RDT_SIGV4_OK     },
        {EMPTY_HASH,                                                         RDT_SIGV4_PAYLOAD},
        {"UNSIGNED-PAYLOAD",                                                 RDT_SIGV4_PAYLOAD},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",                               RDT_SIGV4_PAYLOAD},
        {"",                                                                 RDT_SIGV4_PAYLOAD},
        {BRACES_HASH "," BRACES_HASH,                                        RDT_SIGV4_PAYLOAD},
        {"44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A", RDT_SIGV4_PAYLOAD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[1024];
        RDT_BUF out = {0};
        snprintf(request, sizeof request, GET "X-Amz-Content-SHA256: %s\r\n%s\r\n",
                 cases[i].claimed, AUTH("host;x-amz-content-sha256;x-amz-date"));
        assert_int_equal(parse(request), RDT_SIGV4_OK);
        if (rdt_sigv4_canonical(&head, &sig, BRACES_HASH, &out) != cases[i].want)
            fail_msg("'%s'", cases[i].claimed);
        assert_true(out.n > 64 &&
                    rdt_span_is((struct rdt_span){out.p + out.n - 64, 64}, BRACES_HASH));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_requests),
        cmocka_unit_test(parts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(months),
        cmocka_unit_test(limits),
        cmocka_unit_test(payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
