#include "evidence/scrub.h"

#include "../test.h"

#include "base/clock.h"

#include <stdlib.h>

static void
scrubbed(const char *text, struct rdt_buf *out)
{
    out->n = 0;
    rdt_scrub(rdt_span_str(text), out);
    assert_true(rdt_buf_ok(out));
}

static void
hides(void **state)
{
    static const struct {
        const char *raw, *want;
    } cases[] = {
        {"host=db user=app password=hunter2 sslmode=require",
         "host=db user=app password=[hidden] sslmode=require"                                                                    },
        {"password = hun\\ ter2 host=x",                                             "password = [hidden] host=x"                },
        {"{\"password\":\"hunter2\",\"x\":1}",                                       "{\"password\":\"[hidden]\",\"x\":1}"       },
        {"{\"password\":\"hun\\\"ter2\",\"x\":1}",                                   "{\"password\":\"[hidden]\",\"x\":1}"       },
        {"{\"password\":\"hunter2\\\\\",\"x\":1}",                                   "{\"password\":\"[hidden]\",\"x\":1}"       },
        {"{\\\"password\\\":\\\"hunter2\\\",\\\"x\\\":1}",
         "{\\\"password\\\":\\\"[hidden]\\\",\\\"x\\\":1}"                                                                       },
        {"{\"dsn\":\"host=x password=hunter2\"}",                                    "{\"dsn\":\"host=x password=[hidden]\"}"    },
        {"{\"secrets\":1,\"secret\":[\"a\",\"b\"],\"x\":1}",
         "{\"secrets\":1,\"secret\":[hidden],\"x\":1}"                                                                           },
        {"{\"pin\":1,\"token\": 12345678, \"x\": 1}",                                "{\"pin\":1,\"token\": [hidden], \"x\": 1}" },
        {"ALTER ROLE app PASSWORD 'hun''ter2' LOGIN",                                "ALTER ROLE app PASSWORD '[hidden]' LOGIN"  },
        {"password='never closed hunter2",                                           "password='[hidden]"                        },
        {"passphrase: correct horse battery\nnext",                                  "passphrase: [hidden]\nnext"                },
        {"DB_PASSWORD=hunter2",                                                      "DB_PASSWORD=[hidden]"                      },
        {"client-secret => hunter2",                                                 "client-secret => [hidden]"                 },
        {"Authorization: Bearer abc.def\r\nHost: x",                                 "Authorization: [hidden]\nHost: x"          },
        {"Cookie: a=b; c=d\n e=f\nHost: x",                                          "Cookie: [hidden]\nHost: x"                 },
        {"set-cookie: sid=\"1\"; Secure\\r\\nhost: x",                               "set-cookie: [hidden]\\r\\nhost: x"         },
        {"curl -H X-Api-Key:abc",                                                    "curl -H X-Api-Key:[hidden]"                },
        {"sent Bearer abcdef123 to it",                                              "sent Bearer [hidden] to it"                },
        {"sent Basic YTpiYw== to it",                                                "sent Basic [hidden] to it"                 },
        {"postgres://app:hunter2@db.internal:5432/x",                                "postgres://app:[hidden]@db.internal:5432/x"},
        {"redis://:hunter2@cache/0",                                                 "redis://:[hidden]@cache/0"                 },
        {"postgres://app:hun/t@er2@10.0.0.1/x",                                      "postgres://app:[hidden]@10.0.0.1/x"        },
        {"login app:hunter2@db failed",                                              "login app:[hidden]@db failed"              },
        {"x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y",
         "x [private key] y"                                                                                                     },
        {"-----BEGIN PRIVATE KEY-----\nMIIE never closed",                           "[private key]"                             },
        {"id AKIAIOSFODNN7EXAMPLE end",                                              "id [hidden] end"                           },
        {"path/AKIAIOSFODNN7EXAMPLE",                                                "[hidden]"                                  },
        {"ghp_abcdefghijklmnop",                                                     "[hidden]"                                  },
        {"only letters qwertyuiopasdfghjklzxcvbnmqwertyu",                           "only letters [hidden]"                     },
        {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",                                 "[hidden]"                                  },
        {"key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",     "key [hidden]"                              },
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",                                "[hidden]"                                  },
        {"mail jan.jansen+x@example.nl, ok",                                         "mail [e-mail], ok"                         },
        {"?to=jan%40example.nl&x",                                                   "?to=[e-mail]&x"                            },
        {"a\x01\x1b[31mb\xff\xc2\x9b",                                               "a\\x01\\x1b[31mb\\xff\\xc2\\x9b"           },
    };
    RDT_BUF out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scrubbed(cases[i].raw, &out);
        assert_string_equal(rdt_buf_cstr(&out), cases[i].want);
    }
}

static void
keeps(void **state)
{
    static const char *const cases[] = {
        "",
        "FATAL: no pg_hba.conf entry for host \"10.0.0.7\", user \"app\", no encryption",
        "FATAL: password authentication failed for user \"app\"",
        "password_encryption = scram-sha-256, ssl_min_protocol_version = TLSv1.2",
        "PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu",
        "ECDHE-RSA-AES256-GCM-SHA384:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "hostssl all all 0.0.0.0/0 scram-sha-256",
        "app@10.0.0.1 at 2026-11-24T10:15:30Z",
        "uuid 550e8400-e29b-41d4-a716-446655440000",
        "https://app.medtrack.example:8443/a/b?c=d",
        "Strict-Transport-Security: max-age=31536000; includeSubDomains",
        "north by compass: 12",
        "ip-172-31-0-12.eu-west-1.compute.internal",
        "pgStatActivityQueryStart /dev/mapper/vg0-lv1",
        "gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x94\x92",
        "{\"method\":\"password\",\"line\":12}",
        "ca: ../../etc/passwd: not under the plan's folder",
    };
    RDT_BUF out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scrubbed(cases[i], &out);
        assert_string_equal(rdt_buf_cstr(&out), cases[i]);
    }
}

/* The worst shapes that were thought of, twice as long: at most some three times as slow. */
static void
takes_linear_time(void **state)
{
    static const char *const worst[] = {"://",  "a:", "a@",   "password=",   "-----BEGIN PRIVATE ",
                                        "a%40", "[{", "\\\"", "password:\\", "Bearer ",
                                        "A1b2"};
    enum { TOTAL = 1 << 20 };
    char *text = malloc(TOTAL + 1);
    (void)state;
    assert_non_null(text);
    for (size_t k = 0; k < sizeof worst / sizeof worst[0]; k++) {
        size_t n = strlen(worst[k]);
        RDT_BUF out = {0};
        for (size_t i = 0; i < TOTAL; i++)
            text[i] = worst[k][i % n];
        text[TOTAL] = '\0';
        int64_t start = rdt_monotonic_ms();
        scrubbed(text, &out);
        assert_in_range(rdt_monotonic_ms() - start, 0, 3000);
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides),
        cmocka_unit_test(keeps),
        cmocka_unit_test(takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
