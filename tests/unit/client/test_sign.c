#include "client/sign_internal.h"

#include "../test.h"
#include "codec/base64.h"
#include "crypto/sigv4.h"

#include <stdio.h>

#define SECRET_TEXT "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW 1795516248 /* 2026-11-24T10:30:48Z */
#define BODY "{\"Limit\":1}"

static struct rdt_worker *worker;
static struct rdt_secret secret;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK &&
                   rdt_secret_copy(&secret, rdt_span_str(SECRET_TEXT), NULL) == RDT_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&secret);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_http_head
request(void)
{
    static const char *const fields[][2] = {
        {"host",                  "127.0.0.1:7443"                      },
        {"content-type",          "application/x-amz-json-1.1"          },
        {"x-amz-date",            "20261124T103048Z"                    },
        {"x-amz-target",          "TrentService.ListKeys"               },
        {"amz-sdk-invocation-id", "7d3ab1ea-2f0c-4d42-9f0c-0d5b4f1d9a11"},
    };
    struct rdt_http_head head = {.method = rdt_span_str("POST"), .path = rdt_span_str("/")};
    for (size_t i = 0; i < RDT_COUNT(fields); i++)
        head.fields[head.n_fields++] =
            (struct rdt_http_field){rdt_span_str(fields[i][0]), rdt_span_str(fields[i][1])};
    return head;
}

static enum rdt_code
sign(const struct rdt_http_head *head, const char *body, struct rdt_buf *out)
{
    struct client_signing signing = {
        .key_id = "RDTAEXAMPLE", .region = "local-1", .secret = &secret, .now_s = NOW};
    return rdt_client_sign(worker, &signing, head, rdt_span_str(body), out, NULL);
}

static void
test_stamp(void **state)
{
    (void)state;
    char stamp[RDT_SIGV4_STAMP];
    rdt_client_stamp(NOW, stamp);
    assert_string_equal(stamp, "20261124T103048Z");
    rdt_client_stamp(0, stamp);
    assert_string_equal(stamp, "19700101T000000Z");
}

/* The signature by Python's hmac, computed apart from this code. */
static void
test_vector(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_http_head head = request();
    assert_int_equal(sign(&head, BODY, &out), RDT_OK);
    assert_string_equal(
        rdt_buf_cstr(&out),
        "AWS4-HMAC-SHA256 Credential=RDTAEXAMPLE/20261124/local-1/kms/aws4_request, "
        "SignedHeaders=amz-sdk-invocation-id;content-type;host;x-amz-date;x-amz-target, "
        "Signature=21e641276482a7215cbefd2e40c9696e56179485d7cdb7562c3318220d0d901f");
}

/* As the server does it: is the signature of this head the one that was sent for these bytes? */
static bool
server_takes(const struct rdt_http_head *head, const char *body)
{
    RDT_BUF canonical = {0};
    RDT_BUF text = {0};
    RDT_SECRET key = {0};
    struct rdt_sigv4 sig;
    uint8_t want[RDT_SHA256_LEN];
    char digits[2 * RDT_SHA256_LEN + 1];
    if (rdt_sigv4_parse(head, &sig) != RDT_SIGV4_OK)
        return false;
    assert_int_equal(rdt_sha256_text(rdt_span_str(body), digits, NULL), RDT_OK);
    assert_int_equal(rdt_sigv4_canonical(head, &sig, digits, &canonical), RDT_SIGV4_OK);
    assert_int_equal(rdt_sha256_text(rdt_buf_span(&canonical), digits, NULL), RDT_OK);
    rdt_sigv4_to_sign(&sig, digits, &text);
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_sigv4_key(worker, &secret, sig.date, sig.region, sig.service, &key),
                     RDT_OK);
    struct rdt_span part = rdt_buf_span(&text);
    assert_int_equal(rdt_hmac(worker, &key, &part, 1, want), RDT_OK);
    return sig.time_s == NOW && rdt_same((struct rdt_span){want, sizeof want},
                                         (struct rdt_span){sig.signature, sizeof sig.signature});
}

static void
test_verified(void **state)
{
    (void)state;
    RDT_BUF value = {0};
    struct rdt_http_head head = request();
    assert_int_equal(sign(&head, BODY, &value), RDT_OK);
    struct rdt_http_field *authorization = &head.fields[head.n_fields++];
    *authorization = (struct rdt_http_field){rdt_span_str("authorization"), rdt_buf_span(&value)};
    assert_true(server_takes(&head, BODY));
    assert_false(server_takes(&head, "{\"Limit\":2}"));
    for (size_t i = 0; i + 1 < head.n_fields; i++) { /* any signed value changed */
        struct rdt_span before = head.fields[i].value;
        head.fields[i].value.n--;
        assert_false(server_takes(&head, BODY));
        head.fields[i].value = before;
    }
    head.path = rdt_span_str("/v1/principal/list");
    assert_false(server_takes(&head, BODY));
}

static void
test_too_many(void **state)
{
    (void)state;
    RDT_BUF out = {0};
    struct rdt_http_head head = request();
    while (head.n_fields <= RDT_SIGV4_SIGNED_MAX)
        head.fields[head.n_fields++] = head.fields[0];
    assert_int_equal(sign(&head, BODY, &out), RDT_E_LIMIT);
    assert_int_equal(out.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("client/sign", tests, set_up, tear_down);
}
