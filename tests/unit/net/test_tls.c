#include "net/tls.h"

#include "../test.h"
#include "net/hello.h"

#include <openssl/ssl.h>
#include <string.h>

/* What an answer proves: STYLE, "nothing passes by assumption". */
static const struct {
    const char *what;
    struct rdt_tls_answer answer;
    enum rdt_tls_version asked;
    bool alive;
    enum rdt_tls_verdict want;
    const char *why; /* part of the reason */
} cases[] = {
    {"handshake",
     {.offered = true, .version = 0x0303, .end = RDT_TLS_END_DONE, .suite = "X"},
     RDT_TLS1_2,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "X"                   },
    {"agreed, then wanted our certificate",
     {.offered = true, .version = 0x0301, .end = RDT_TLS_END_ALERT, .alert = 40},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "agreed"              },
    {"agreed, then silence",
     {.offered = true, .version = 0x0302, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_1,                                                                                 false,
     RDT_TLS_ACCEPTED,                                                                                                     "agreed"              },
    {"another version",
     {.offered = true, .version = 0x0303, .end = RDT_TLS_END_FAILED},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "tls1.2"              },
    {"protocol_version",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 70},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "protocol_version"    },
    {"handshake_failure",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 40},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_REFUSED,                                                                                                      "handshake_failure"   },
    {"internal_error",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 80},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "internal_error"      },
    {"internal_error, alive",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 80},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_REFUSED,                                                                                                      "internal_error"      },
    {"unknown name, alive",
     {.offered = true, .end = RDT_TLS_END_ALERT, .alert = 112},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "unrecognized_name"   },
    {"closed",
     {.offered = true, .end = RDT_TLS_END_CLOSED},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "closed"              },
    {"closed, alive",
     {.offered = true, .end = RDT_TLS_END_CLOSED},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_REFUSED,                                                                                                      "closed"              },
    {"silence",
     {.offered = true, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_0,                                                                                 false,
     RDT_TLS_UNDECIDED,                                                                                                    "in time"             },
    {"silence, alive",
     {.offered = true, .end = RDT_TLS_END_TIMEOUT},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "in time"             },
    {"no TLS",
     {.offered = true, .end = RDT_TLS_END_FAILED, .detail = "wrong version number"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "wrong version number"},
    {"not offered",
     {.end = RDT_TLS_END_FAILED, .detail = "no protocols"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "cannot offer tls1.0" },
    {"not offered, alert",
     {.end = RDT_TLS_END_ALERT, .alert = 70},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "cannot offer tls1.0" },
    {"not reached",
     {.end = RDT_TLS_END_UNREACHED, .detail = "10.0.0.1: refused"},
     RDT_TLS1_0,                                                                                 true,
     RDT_TLS_UNDECIDED,                                                                                                    "10.0.0.1: refused"   },
    {"nothing",                             {0},                                     RDT_TLS1_0, true,  RDT_TLS_UNDECIDED, ""                    },
};

static void
judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        char why[RDT_TLS_WHY_MAX] = "";
        enum rdt_tls_verdict got =
            rdt_tls_judge(&cases[i].answer, cases[i].asked, cases[i].alive, why);
        if (got != cases[i].want || strstr(why, cases[i].why) == NULL)
            fail_msg("%s: got %s, %s", cases[i].what, rdt_tls_verdict_name(got), why);
    }
}

/*
 * OpenSSL's own server must understand the hello that we make by hand, and answer it: with the
 * version asked for, and with an alert where it forbids that version.
 */
static const struct {
    const char *what;
    int min, max; /* of the server */
    uint16_t asked;
    enum rdt_hello_kind want;
    unsigned value; /* version, or alert */
} hellos[] = {
    {"1.0",                     TLS1_VERSION,   TLS1_VERSION,   0x0301, RDT_HELLO_SERVER, 0x0301},
    {"1.1",                     TLS1_1_VERSION, TLS1_1_VERSION, 0x0302, RDT_HELLO_SERVER, 0x0302},
    {"1.2",                     TLS1_2_VERSION, TLS1_3_VERSION, 0x0303, RDT_HELLO_SERVER, 0x0303},
    {"SSL 3 of a newer server", TLS1_2_VERSION, TLS1_3_VERSION, 0x0300, RDT_HELLO_ALERT,  40    },
    {"1.0 of a newer server",   TLS1_2_VERSION, TLS1_3_VERSION, 0x0301, RDT_HELLO_ALERT,  70    },
};

static void
made_hello_is_understood(void **state)
{
    static const uint8_t random[RDT_HELLO_RANDOM_LEN] = {1};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    (void)state;
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    assert_true(X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()));
    for (size_t i = 0; i < RDT_COUNT(hellos); i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        RDT_BUF hello = {0};
        rdt_hello_make(hellos[i].asked, "a.example", random, &hello);
        assert_true(SSL_CTX_use_certificate(ctx, cert) && SSL_CTX_use_PrivateKey(ctx, key));
        assert_true(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"));
        assert_true(SSL_CTX_set_min_proto_version(ctx, hellos[i].min) &&
                    SSL_CTX_set_max_proto_version(ctx, hellos[i].max));
        SSL *ssl = SSL_new(ctx);
        BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, in, out);
        assert_int_equal(BIO_write(in, hello.p, (int)hello.n), hello.n);
        (void)SSL_accept(ssl);
        char *reply = NULL;
        long n = BIO_get_mem_data(out, &reply);
        struct rdt_hello got = {0};
        uint8_t alert = 0;
        enum rdt_hello_kind kind =
            rdt_hello_reply((struct rdt_span){(uint8_t *)reply, (size_t)n}, &got, &alert);
        unsigned value = kind == RDT_HELLO_ALERT ? alert : got.version;
        if (kind != hellos[i].want || value != hellos[i].value)
            fail_msg("%s: got %d, %x", hellos[i].what, (int)kind, value);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
names(void **state)
{
    (void)state;
    assert_string_equal(rdt_tls_version_name(RDT_SSL3), "ssl3");
    assert_string_equal(rdt_tls_version_name(RDT_TLS1_0), "tls1.0");
    assert_string_equal(rdt_tls_version_name(RDT_TLS1_3), "tls1.3");
    assert_string_equal(rdt_tls_verdict_name(RDT_TLS_UNDECIDED), "undecided");
}

static void
empty_answer(void **state)
{
    struct rdt_tls_answer answer = {0};
    struct rdt_span chain[RDT_CERT_CHAIN_MAX];
    (void)state;
    assert_int_equal(rdt_tls_chain(&answer, chain), 0);
    rdt_tls_answer_done(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(made_hello_is_understood),
        cmocka_unit_test(names),
        cmocka_unit_test(empty_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
