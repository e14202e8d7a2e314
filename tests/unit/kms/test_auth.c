/* Who is believed: requests signed well, forged, stripped, skewed, unknown; client certificates. */
#include "codec/base64.h"
#include "codec/sigv4.h"
#include "crypto/sigv4.h"

#include "asks.h"

#include <time.h>

#define TEXT_MAX 4096
#define NOW_S (NOW_MS / 1000)
#define HOUR_MS ((int64_t)3600000)
#define BODY "{\"Limit\":1}"
#define SIGNED "content-type;host;x-amz-date;x-amz-target"

static char key_id[40], secret[64];

/* What is signed; NULL: as it should be. */
struct signing {
    const char *key_id, *secret, *region, *service, *lines, *names, *target;
    int64_t skew_s;
};

static void
stamp(int64_t at_s, char out[static 20])
{
    time_t at = at_s;
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(out, 20, "%Y%m%dT%H%M%SZ", &tm);
}

static const char *
or_else(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static void
put_signature(char *text, const char *body, const char *key_text)
{
    static struct rdt_http_head head;
    RDT_BUF canonical = {0};
    RDT_BUF to_sign = {0};
    RDT_SECRET access = {0};
    RDT_SECRET key = {0};
    struct rdt_sigv4 sig;
    uint8_t hash[RDT_SHA256_LEN];
    char digits[2 * RDT_SHA256_LEN];
    size_t used;
    int status;
    assert_int_equal(rdt_http_head_read(rdt_span_str(text), &head, &used, &status), RDT_HTTP_HEAD);
    (void)rdt_sigv4_parse(&head, &sig); /* it may lack what it should have: signed all the same */
    assert_int_equal(rdt_sha256(rdt_span_str(body), hash, NULL), RDT_OK);
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    (void)rdt_sigv4_canonical(&head, &sig, digits, &canonical);
    assert_int_equal(rdt_sha256(rdt_buf_span(&canonical), hash, NULL), RDT_OK);
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, digits);
    rdt_sigv4_to_sign(&sig, digits, &to_sign);
    assert_int_equal(rdt_secret_copy(&access, rdt_span_str(key_text), NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&key, RDT_SHA256_LEN, NULL), RDT_OK);
    assert_int_equal(
        rdt_sigv4_key(thread->worker, &access, sig.date, sig.region, sig.service, &key), RDT_OK);
    struct rdt_span part = rdt_buf_span(&to_sign);
    assert_int_equal(rdt_hmac(thread->worker, &key, &part, 1, hash), RDT_OK);
    rdt_hex_put((struct rdt_span){hash, sizeof hash}, strstr(text, "Signature=") + 10);
}

static void
sign(const struct signing *s, char text[static TEXT_MAX])
{
    char when[20];
    stamp(NOW_S + s->skew_s, when);
    int n = snprintf(text, TEXT_MAX,
                     "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\n"
                     "Host: 127.0.0.1:7443\r\nX-Amz-Date: %s\r\nX-Amz-Target: TrentService.%s\r\n"
                     "User-Agent: test\r\n%s"
                     "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, "
                     "SignedHeaders=%s, Signature=%064d\r\n\r\n",
                     when, or_else(s->target, "ListKeys"), or_else(s->lines, ""),
                     or_else(s->key_id, key_id), when, or_else(s->region, "local-1"),
                     or_else(s->service, "kms"), or_else(s->names, SIGNED), 0);
    assert_true(n > 0 && n < TEXT_MAX);
    put_signature(text, BODY, or_else(s->secret, secret));
}

static struct rdt_request request;

static enum rdt_fault
authenticate(const char *text, const char *body, const uint8_t *fingerprint, int64_t now_ms)
{
    static struct rdt_http_head head;
    static char copy[TEXT_MAX];
    size_t used;
    int status;
    request = (struct rdt_request){
        .body = (uint8_t *)(uintptr_t)body, .body_n = strlen(body), .now_ms = now_ms};
    snprintf(copy, sizeof copy, "%s", text);
    assert_int_equal(rdt_http_head_read(rdt_span_str(copy), &head, &used, &status), RDT_HTTP_HEAD);
    bool ok = rdt_kms_authenticate(kms, thread, &head, fingerprint, &request);
    assert_int_equal(ok, request.fault == RDT_FAULT_NONE);
    assert_true(ok || request.message[0] != '\0');
    assert_true(ok || request.caller.arn[0] == '\0'); /* nobody is named who is not believed */
    return request.fault;
}

/* Replaces the first `from`; the new text may be shorter or longer. */
static void
change(char text[static TEXT_MAX], const char *from, const char *to)
{
    char rest[TEXT_MAX];
    char *at = strstr(text, from);
    if (at == NULL)
        fail_msg("no '%s' in the request", from);
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    assert_true((size_t)snprintf(at, TEXT_MAX - (size_t)(at - text), "%s%s", to, rest) <
                TEXT_MAX - (size_t)(at - text));
}

#define NONE RDT_FAULT_NONE
#define BAD RDT_FAULT_INVALID_SIGNATURE
#define INCOMPLETE RDT_FAULT_INCOMPLETE_SIGNATURE
#define UNKNOWN RDT_FAULT_UNRECOGNIZED_CLIENT
#define SKEWED RDT_FAULT_TIME_SKEWED

static const struct {
    const char *what;
    struct signing by;
    enum rdt_fault want;
} signed_rows[] = {
    {"as it should be",                                           {0},                                                         NONE      },
    {"an unsigned header that no rule is about",                  {.lines = "X-Else: 1\r\n"},                                  NONE      },
    {"another secret",                                            {.secret = "0123456789012345678901234567890123456789"},      BAD       },
    {"another region",                                            {.region = "mars-1"},                                        BAD       },
    {"another service",                                           {.service = "s3"},                                           BAD       },
    {"an access key that nobody has",                             {.key_id = "RDTAAAAAAAAAAAAAAAAA"},                          UNKNOWN   },
    {"an access key of one character more",                       {.key_id = "RDTAAAAAAAAAAAAAAAAAA"},                         UNKNOWN   },
    {"300 s ahead",                                               {.skew_s = 300},                                             NONE      },
    {"300 s behind",                                              {.skew_s = -300},                                            NONE      },
    {"301 s ahead",                                               {.skew_s = 301},                                             SKEWED    },
    {"301 s behind",                                              {.skew_s = -301},                                            SKEWED    },
    {"a year behind",                                             {.skew_s = -366 * (int64_t)86400},                           SKEWED    },
    {"a skewed clock and another secret: no word about the time",
     {.skew_s = 999, .secret = "0123456789012345678901234567890123456789"},
     BAD                                                                                                                                 },
    {"the target is not signed",                                  {.names = "content-type;host;x-amz-date"},                   BAD       },
    {"the date is not signed",                                    {.names = "content-type;host;x-amz-target"},                 BAD       },
    {"the host is not signed",                                    {.names = "content-type;x-amz-date;x-amz-target"},           BAD       },
    {"an x-amz header more, not signed",                          {.lines = "X-Amz-Else: 1\r\n"},                              BAD       },
    {"a security token, not signed",                              {.lines = "X-Amz-Security-Token: t\r\n"},                    BAD       },
    {"a security token that nobody made",
     {.lines = "X-Amz-Security-Token: t\r\n",
      .names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"},
     UNKNOWN                                                                                                                             },
    {"no hash of the body",
     {.lines = "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n",
      .names = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target"},
     BAD                                                                                                                                 },
    {"names out of order",                                        {.names = "host;content-type;x-amz-date;x-amz-target"},      INCOMPLETE},
    {"a name twice",                                              {.names = "content-type;host;host;x-amz-date;x-amz-target"}, INCOMPLETE},
    {"a name that did not come",
     {.names = "content-type;host;nothing;x-amz-date;x-amz-target"},
     INCOMPLETE                                                                                                                          },
    {"the target twice",                                          {.lines = "X-Amz-Target: TrentService.CreateKey\r\n"},       INCOMPLETE},
    {"the date twice",                                            {.lines = "X-Amz-Date: 20270115T080000Z\r\n"},               INCOMPLETE},
};

static void
signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(signed_rows); i++) {
        char text[TEXT_MAX];
        sign(&signed_rows[i].by, text);
        enum rdt_fault fault = authenticate(text, BODY, NULL, NOW_MS);
        if (fault != signed_rows[i].want)
            fail_msg("%s: %s %s", signed_rows[i].what, rdt_fault_wire(fault), request.message);
    }
}

/* A good request, changed on its way. */
static const struct {
    const char *from, *to, *body;
    enum rdt_fault want;
} changed[] = {
    {"ListKeys",                                     "ListKeyz",                                    NULL,            BAD                    },
    {"ListKeys",                                     "ListKeys ",                                   NULL,            NONE                   }, /* blanks around a value mean nothing */
    {"json-1.1",                                     "json-1.0",                                    NULL,            BAD                    },
    {"127.0.0.1:7443",                               "127.0.0.1:7444",                              NULL,            BAD                    },
    {"POST /",                                       "PUT /",                                       NULL,            BAD                    },
    {"POST / ",                                      "POST /x ",                                    NULL,            BAD                    },
    {"POST / ",                                      "POST /?a=b ",                                 NULL,            BAD                    },
    {"POST / ",                                      "POST /./ ",                                   NULL,            INCOMPLETE             },
    {"POST / ",                                      "POST // ",                                    NULL,            INCOMPLETE             },
    {"User-Agent: test",                             "User-Agent: else",                            NULL,            NONE                   },
    {"Content-Type: application/x-amz-json-1.1\r\n", "",                                            NULL,            INCOMPLETE             },
    {"Host: 127.0.0.1:7443\r\n",                     "Host: 127.0.0.1:7443\r\nContent-Type: a\r\n", NULL,            BAD                    },
    {"User-Agent: test\r\n",                         "X-Amz-Else: 1\r\n",                           NULL,            BAD                    },
    {"User-Agent: test\r\n",                         "X-Amz-Target: TrentService.CreateKey\r\n",    NULL,            INCOMPLETE             },
    {"User-Agent: test\r\n",                         "Authorization: AWS4-HMAC-SHA256 x\r\n",       NULL,            INCOMPLETE             },
    {"AWS4-HMAC-SHA256 ",                            "AWS4-HMAC-SHA1 ",                             NULL,            INCOMPLETE             },
    {"AWS4-HMAC-SHA256 ",                            "Bearer ",                                     NULL,            INCOMPLETE             },
    {"/kms/",                                        "/sts/",                                       NULL,            BAD                    },
    {"local-1",                                      "local-2",                                     NULL,            BAD                    },
    {"aws4_request",                                 "aws4_requests",                               NULL,            INCOMPLETE             },
    {";x-amz-target,",                               ",",                                           NULL,            BAD                    },
    {"Signature=",                                   "Signature=0",                                 NULL,            INCOMPLETE             },
    {"Signature=",                                   "signature=",                                  NULL,            INCOMPLETE             },
    {", Signature",                                  " Signature",                                  NULL,            INCOMPLETE             },
    {"Credential=RDTA",                              "Credential=RDTB",                             NULL,            UNKNOWN                },
    {"Credential=RDTA",                              "Credential=/RDTA",                            NULL,            INCOMPLETE             },
    {"Authorization: ",                              "X-Authorization: ",                           NULL,            RDT_FAULT_MISSING_TOKEN},
    {"Limit",                                        "Limit",                                       NULL,            NONE                   },
    {"Limit",                                        "Limit",                                       "{\"Limit\":2}", BAD                    },
    {"Limit",                                        "Limit",                                       "",              BAD                    },
    {"Limit",                                        "Limit",                                       BODY " ",        BAD                    },
};

static void
on_the_way(void **state)
{
    char good[TEXT_MAX], text[TEXT_MAX];
    (void)state;
    sign(&(struct signing){0}, good);
    for (size_t i = 0; i < RDT_COUNT(changed); i++) {
        memcpy(text, good, sizeof text);
        if (strcmp(changed[i].from, "Limit") != 0)
            change(text, changed[i].from, changed[i].to);
        enum rdt_fault fault = authenticate(text, or_else(changed[i].body, BODY), NULL, NOW_MS);
        if (fault != changed[i].want)
            fail_msg("'%s' -> '%s': %s %s", changed[i].from, changed[i].to, rdt_fault_wire(fault),
                     request.message);
    }
    char *digits = strstr(good, "Signature=") + 10;
    for (size_t i = 0; i < 64; i++) { /* each digit counts */
        memcpy(text, good, sizeof text);
        char *at = text + (digits - good) + i;
        *at = *at == '0' ? '1' : '0';
        assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), BAD);
    }
}

static void
known_caller(void **state)
{
    char text[TEXT_MAX];
    uint8_t signature[32];
    (void)state;
    sign(&(struct signing){0}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE);
    assert_string_equal(request.caller.arn, "arn:aws:iam::000000000000:user/ada");
    assert_string_equal(request.caller.credential, key_id);
    assert_true(request.caller.by_signature && !request.caller.internal);
    assert_true(rdt_hex_get((struct rdt_span){(uint8_t *)strstr(text, "Signature=") + 10, 64},
                            signature, sizeof signature));
    assert_memory_equal(request.caller.signature, signature, sizeof signature);
}

/* ---- credentials that end ---- */

static void
new_credential(const char *who, const char *days, char id[static 40], char word[static 64])
{
    assert_int_equal(ask_at(NOW_MS, "CredentialCreate", "{\"Principal\":\"", who, days),
                     RDT_FAULT_NONE);
    answered("AccessKeyId", id, 40);
    answered("SecretAccessKey", word, 64);
}

static void
ended(void **state)
{
    char id[40], word[64], text[TEXT_MAX];
    (void)state;
    new_credential("ada", "\",\"LifetimeDays\":1}", id, word);
    sign(&(struct signing){.key_id = id, .secret = word}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE);
    sign(&(struct signing){.key_id = id, .secret = word, .skew_s = 86400}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS + 24 * HOUR_MS - 1), NONE);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS + 24 * HOUR_MS), UNKNOWN);
    new_credential("ada", "\"}", id, word);
    sign(&(struct signing){.key_id = id, .secret = word}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE); /* its signing key is kept */
    assert_int_equal(ask_at(NOW_MS, "CredentialRevoke", "{\"AccessKeyId\":\"", id, "\"}"), NONE);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), UNKNOWN);
}

static void
disabled(void **state)
{
    char id[40], word[64], text[TEXT_MAX];
    (void)state;
    assert_int_equal(ask("PrincipalCreate", "{\"Principal\":\"bob\"}"), NONE);
    new_credential("bob", "\"}", id, word);
    sign(&(struct signing){.key_id = id, .secret = word}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE);
    assert_int_equal(ask("PrincipalUpdate", "{\"Principal\":\"bob\",\"Enabled\":false}"), NONE);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), UNKNOWN);
    assert_int_equal(ask("PrincipalUpdate", "{\"Principal\":\"bob\",\"Enabled\":true}"), NONE);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE);
    /* bob's access key with ada's secret, and the other way round */
    sign(&(struct signing){.key_id = id}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), BAD);
    sign(&(struct signing){.secret = word}, text);
    assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), BAD);
}

/* More access keys than signing keys are kept for: each call is still checked under its own. */
static void
many(void **state)
{
    static char ids[300][40], words[300][64];
    char text[TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(ids); i++)
        new_credential("ada", "\"}", ids[i], words[i]);
    for (unsigned turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < RDT_COUNT(ids); i++) {
            sign(&(struct signing){.key_id = ids[i], .secret = words[i]}, text);
            assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), NONE);
            sign(&(struct signing){.key_id = ids[i], .secret = words[(i + 1) % 300]}, text);
            assert_int_equal(authenticate(text, BODY, NULL, NOW_MS), BAD);
        }
}

/* ---- certificates ---- */

#define PLAIN "POST / HTTP/1.1\r\nHost: a\r\n\r\n"

static void
certificates(void **state)
{
    uint8_t print[32], other[32];
    char hex[65] = "", text[TEXT_MAX];
    (void)state;
    memset(print, 0x5a, sizeof print);
    memset(other, 0x5b, sizeof other);
    rdt_hex_put((struct rdt_span){print, sizeof print}, hex);
    assert_int_equal(authenticate(PLAIN, BODY, print, NOW_MS), UNKNOWN);
    assert_int_equal(
        ask_at(NOW_MS, "CertificateBind", "{\"Principal\":\"ada\",\"Fingerprint\":\"", hex, "\"}"),
        NONE);
    assert_int_equal(authenticate(PLAIN, BODY, print, NOW_MS), NONE);
    assert_string_equal(request.caller.arn, "arn:aws:iam::000000000000:user/ada");
    assert_string_equal(request.caller.credential, "cert:5a5a5a5a5a5a5a5a");
    assert_false(request.caller.by_signature);
    assert_int_equal(authenticate(PLAIN, BODY, other, NOW_MS), UNKNOWN);
    assert_int_equal(authenticate(PLAIN, BODY, NULL, NOW_MS), RDT_FAULT_MISSING_TOKEN);
    /* who signs is believed by the signature alone, good or bad */
    sign(&(struct signing){0}, text);
    assert_int_equal(authenticate(text, BODY, other, NOW_MS), NONE);
    assert_true(request.caller.by_signature);
    assert_int_equal(authenticate(text, BODY "x", print, NOW_MS), BAD);
    assert_int_equal(ask_at(NOW_MS, "CertificateRevoke", "{\"Fingerprint\":\"", hex, "\"}"), NONE);
    assert_int_equal(authenticate(PLAIN, BODY, print, NOW_MS), UNKNOWN);
}

static int
fill_in(void **state)
{
    if (set_up(state) != 0 || ask("PrincipalCreate", "{\"Principal\":\"ada\"}") != NONE)
        return -1;
    new_credential("ada", "\"}", key_id, secret);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures),   cmocka_unit_test(on_the_way),
        cmocka_unit_test(known_caller), cmocka_unit_test(ended),
        cmocka_unit_test(disabled),     cmocka_unit_test(many),
        cmocka_unit_test(certificates),
    };
    return cmocka_run_group_tests_name("kms/auth", tests, fill_in, tear_down);
}
