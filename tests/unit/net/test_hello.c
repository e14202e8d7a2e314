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

#define HELLO "\2\0\0\x26\3\1" RANDOM "\0\0\5\0" /* TLS 1.0, RC4-SHA */

/* Records as a server sends them: RFC 5246 6.2.1 and 7.2, traps of fragmented and mixed ones. */
static const struct {
    const char *what;
    struct rdt_span bytes;
    enum rdt_hello_kind want;
    unsigned value; /* version, or alert */
} replies[] = {
    {"one record",                 BYTES("\x16\3\1\0\x2a" HELLO),                                       RDT_HELLO_SERVER, 0x0301},
    {"more in the record",         BYTES("\x16\3\1\0\x2e" HELLO "\xb\0\0\0"),                           RDT_HELLO_SERVER, 0x0301},
    {"record not whole, hello is", BYTES("\x16\3\1\4\0" HELLO),                                         RDT_HELLO_SERVER, 0x0301},
    {"two records",                BYTES("\x16\3\1\0\3\2\0\0\x16\3\1\0\x27\x26\3\1" RANDOM "\0\0\5\0"),
     RDT_HELLO_SERVER,                                                                                                    0x0301},
    {"warning first",              BYTES("\x15\3\1\0\2\1\x70\x16\3\1\0\x2a" HELLO),                     RDT_HELLO_SERVER, 0x0301},
    {"fatal alert",                BYTES("\x15\3\1\0\2\2\x28"),                                         RDT_HELLO_ALERT,  40    },
    {"alert in SSL 3.0",           BYTES("\x15\3\0\0\2\2\x46"),                                         RDT_HELLO_ALERT,  70    },
    {"only a warning",             BYTES("\x15\3\1\0\2\1\x70"),                                         RDT_HELLO_MORE,   0     },
    {"nothing",                    {NULL, 0},                                                           RDT_HELLO_MORE,   0     },
    {"half an alert",              BYTES("\x15\3\1\0\2\2"),                                             RDT_HELLO_MORE,   0     },
    {"half a header",              BYTES("\x16\3\1"),                                                   RDT_HELLO_MORE,   0     },
    {"half a hello",               BYTES("\x16\3\1\0\x2a\2\0\0\x26\3\1"),                               RDT_HELLO_MORE,   0     },
    {"HTTP",                       BYTES("HTTP/1.1 400 Bad Request\r\n"),                               RDT_HELLO_ODD,    0     },
    {"one byte of no TLS",         BYTES("H"),                                                          RDT_HELLO_ODD,    0     },
    {"SSL 2.0",                    BYTES("\x16\2"),                                                     RDT_HELLO_ODD,    0     },
    {"empty record",               BYTES("\x16\3\1\0\0"),                                               RDT_HELLO_ODD,    0     },
    {"record too large",           BYTES("\x16\3\1\xff\xff\2"),                                         RDT_HELLO_ODD,    0     },
    {"another message",            BYTES("\x16\3\1\0\4\xb\0\0\0"),                                      RDT_HELLO_ODD,    0     },
    {"message too large",          BYTES("\x16\3\1\0\4\2\1\0\0"),                                       RDT_HELLO_ODD,    0     },
    {"alert inside a message",     BYTES("\x16\3\1\0\1\2\x15\3\1\0\2\2\x28"),                           RDT_HELLO_ODD,    0     },
    {"alert of three bytes",       BYTES("\x15\3\1\0\3\2\x28\0"),                                       RDT_HELLO_ODD,    0     },
    {"alert of level 3",           BYTES("\x15\3\1\0\2\3\x28"),                                         RDT_HELLO_ODD,    0     },
    {"application data",           BYTES("\x17\3\1\0\1x"),                                              RDT_HELLO_ODD,    0     },
};

static void
reads_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(replies); i++) {
        struct rdt_hello h = {0};
        uint8_t alert = 0;
        enum rdt_hello_kind kind = rdt_hello_reply(replies[i].bytes, &h, &alert);
        unsigned value = kind == RDT_HELLO_ALERT ? alert : h.version;
        if (kind != replies[i].want ||
            (kind != RDT_HELLO_ODD && kind != RDT_HELLO_MORE && value != replies[i].value))
            fail_msg("%s: got %d, %x", replies[i].what, (int)kind, value);
        /* What is not there yet can only make it wait, or be odd already. */
        for (size_t n = 0; n < replies[i].bytes.n; n++) {
            enum rdt_hello_kind cut =
                rdt_hello_reply((struct rdt_span){replies[i].bytes.p, n}, &h, &alert);
            if (cut != RDT_HELLO_MORE && cut != kind)
                fail_msg("%s, cut to %zu: got %d", replies[i].what, n, (int)cut);
        }
    }
}

static void
makes_hellos(void **state)
{
    static const uint8_t random[RDT_HELLO_RANDOM_LEN] = RANDOM;
    static const char *const hosts[] = {NULL, "a.example"};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(hosts); i++) {
        RDT_BUF hello = {0};
        rdt_hello_make(0x0301, hosts[i], random, &hello);
        assert_true(rdt_buf_ok(&hello));
        struct rdt_span all = rdt_buf_span(&hello);
        assert_true(all.n - 9 >= 512); /* never in the range that hangs some devices */
        assert_int_equal(all.p[3] << 8 | all.p[4], all.n - 5);
        assert_int_equal(all.p[6] << 16 | all.p[7] << 8 | all.p[8], all.n - 9);
        assert_true(rdt_hello_is_client((struct rdt_span){all.p + 5, all.n - 5}));
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
        cmocka_unit_test(parses),        cmocka_unit_test(truncations),
        cmocka_unit_test(reads_replies), cmocka_unit_test(makes_hellos),
        cmocka_unit_test(clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
