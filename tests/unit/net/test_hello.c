#include "net/hello.h"

#include "../test.h"

#include <stdlib.h>

#define RANDOM "0123456789abcdef0123456789abcdef" /* 32 bytes */
#define BYTES(s)                                                                                   \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

/* Messages by hand from RFC 5246 7.4.1.3 and RFC 8446 4.1.3. */
static const struct {
    const char *what;
    struct rdt_span message;
    uint16_t version, suite; /* 0: it is no server's hello */
} cases[] = {
    {"TLS 1.2, no extensions",             BYTES("\2\0\0\x26\3\3" RANDOM "\0\xc0\x2f\0"),                   0x0303, 0xc02f},
    {"TLS 1.0",                            BYTES("\2\0\0\x26\3\1" RANDOM "\0\0\5\0"),                       0x0301, 0x0005},
    {"TLS 1.2, session id, one extension",
     BYTES("\2\0\0\x2f\3\3" RANDOM "\2xy\xc0\x2f\0\0\5\xff\1\0\1\0"),                                       0x0303, 0xc02f},
    {"TLS 1.3",                            BYTES("\2\0\0\x2e\3\3" RANDOM "\0\x13\1\0\0\6\0\x2b\0\2\3\4"),   0x0304, 0x1301},
    {"empty list of extensions",           BYTES("\2\0\0\x28\3\3" RANDOM "\0\x13\1\0\0\0"),                 0x0303, 0x1301},

    {"a client's hello",                   BYTES("\1\0\0\x26\3\3" RANDOM "\0\xc0\x2f\0"),                   0,      0     },
    {"a byte too many",                    BYTES("\2\0\0\x26\3\3" RANDOM "\0\xc0\x2f\0x"),                  0,      0     },
    {"extensions longer than the message", BYTES("\2\0\0\x28\3\3" RANDOM "\0\x13\1\0\0\1"),                 0,      0     },
    {"extension cut",                      BYTES("\2\0\0\x2b\3\3" RANDOM "\0\x13\1\0\0\3\0\x2b\0"),         0,      0     },
    {"version of three bytes",             BYTES("\2\0\0\x2f\3\3" RANDOM "\0\x13\1\0\0\7\0\x2b\0\3\3\4\0"), 0,
     0                                                                                                                    },
    {"empty",                              {NULL, 0},                                                       0,      0     },
};

static void
parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rdt_hello h = {0};
        bool ok = rdt_hello_parse(cases[i].message, &h);
        if (ok != (cases[i].version != 0) || h.version != cases[i].version ||
            h.suite != cases[i].suite)
            fail_msg("%s: got %d %04x %04x", cases[i].what, ok, h.version, h.suite);
    }
}

static void
truncations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t n = 0; n < cases[i].message.n; n++) {
            uint8_t *exact = malloc(n + 1); /* n + 1: malloc(0) may be NULL */
            struct rdt_hello h;
            assert_non_null(exact);
            memcpy(exact, cases[i].message.p, n);
            bool ok = rdt_hello_parse((struct rdt_span){exact, n}, &h);
            if (ok && n + 1 < cases[i].message.n)
                fail_msg("%s: cut to %zu bytes it passes", cases[i].what, n);
            free(exact);
        }
    }
}

static void
clients(void **state)
{
    (void)state;
    assert_true(rdt_hello_is_client((struct rdt_span)BYTES("\1\0\0\0")));
    assert_false(rdt_hello_is_client((struct rdt_span)BYTES("\2\0\0\0")));
    assert_false(rdt_hello_is_client((struct rdt_span){NULL, 0}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(truncations),
        cmocka_unit_test(clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
