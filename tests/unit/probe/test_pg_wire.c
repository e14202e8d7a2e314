#include "probe/pg_wire.h"

#include "../test.h"

/* Bytes of a literal, NULs included. */
#define BYTES(literal) ((struct rdt_span){(const uint8_t *)(literal), sizeof(literal) - 1})

/* What PostgreSQL 15.20 sent to a login without TLS under `hostssl all all all scram-sha-256`. */
#define REFUSAL                                                                                    \
    "E\0\0\0\x83"                                                                                  \
    "SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host \"127.0.0.1\", user "                  \
    "\"app\", no encryption\0Fauth.c\0L543\0RClientAuthentication\0\0"

static void
writes_requests(void **state)
{
    static const char startup[] = "\0\0\0\x23\0\3\0\0user\0app\0database\0reports\0";
    static const char ssl[] = "\0\0\0\x08\x04\xd2\x16\x2f";
    RDT_BUF out = {0};
    (void)state;
    rdt_pg_startup(&out, "app", "reports");
    assert_int_equal(out.n, sizeof startup);
    assert_int_equal(out.n, out.p[3]); /* the length counts itself */
    assert_memory_equal(out.p, startup, sizeof startup);
    out.n = 0;
    rdt_pg_ssl_request(&out);
    assert_int_equal(out.n, 8);
    assert_memory_equal(out.p, ssl, 8);
}

static void
reads_answers(void **state)
{
    static const struct {
        const char *name;
        struct rdt_span in;
        enum rdt_pg_kind want;
    } cases[] = {
        {"trust",                      BYTES("R\0\0\0\x08\0\0\0\0"),                    RDT_PG_AUTH },
        {"SASL",                       BYTES("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), RDT_PG_AUTH },
        {"trust and what follows",     BYTES("R\0\0\0\x08\0\0\0\0S\0\0\0\x0c"),         RDT_PG_AUTH },
        {"refusal",                    BYTES(REFUSAL),                                  RDT_PG_ERROR},
        {"an unknown method",          BYTES("R\0\0\0\x08\0\0\0\x0d"),                  RDT_PG_OTHER},
        {"R and no code",              BYTES("R\0\0\0\x04"),                            RDT_PG_OTHER},
        {"R shorter than its length",  BYTES("R\0\0\0\3xxxx"),                          RDT_PG_OTHER},
        {"R too long",                 BYTES("R\0\0\x08\0"),                            RDT_PG_OTHER},
        {"RTSP",                       BYTES("RTSP/1.0 400 Bad Request\r\n"),           RDT_PG_OTHER},
        {"HTTP",                       BYTES("HTTP/1.1 400 Bad Request\r\n"),           RDT_PG_OTHER},
        {"ERR",                        BYTES("ERR unknown command\r\n"),                RDT_PG_OTHER},
        {"E of protocol 2",            BYTES("EFATAL:  unsupported\n\0"),               RDT_PG_OTHER},
        {"E too long",                 BYTES("E\0\0\x40\0"),                            RDT_PG_OTHER},
        {"E without fields",           BYTES("E\0\0\0\5\0"),                            RDT_PG_OTHER},
        {"E with nothing",             BYTES("E\0\0\0\4"),                              RDT_PG_OTHER},
        {"E without a SQLSTATE",       BYTES("E\0\0\0\x09Mno\0\0"),                     RDT_PG_OTHER},
        {"E with a bad SQLSTATE",
         BYTES("E\0\0\0\x0c"
               "C2800\n\0\0"),
         RDT_PG_OTHER                                                                               },
        {"E with bytes after its end",
         BYTES("E\0\0\0\x0d"
               "C28000\0\0x"),
         RDT_PG_OTHER                                                                               },
        {"E whose end is missing",
         BYTES("E\0\0\0\x0b"
               "C28000\0"),
         RDT_PG_OTHER                                                                               },
        {"TLS alert",                  BYTES("\x15\3\1\0\2\2\x28"),                     RDT_PG_OTHER},
        {"notice",                     BYTES("N\0\0\0\5\0"),                            RDT_PG_OTHER},
        {"nothing",                    BYTES(""),                                       RDT_PG_MORE },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rdt_pg_answer out = {.auth = 77};
        if (rdt_pg_parse(cases[i].in, &out) != cases[i].want)
            fail_msg("%s", cases[i].name);
        if (cases[i].want == RDT_PG_OTHER || cases[i].want == RDT_PG_MORE)
            assert_int_equal(out.auth, 77);
    }
}

static void
reads_fields(void **state)
{
    struct rdt_pg_answer out;
    (void)state;
    assert_int_equal(rdt_pg_parse(BYTES(REFUSAL), &out), RDT_PG_ERROR);
    assert_string_equal(out.sqlstate, "28000");
    assert_string_equal(out.routine, "ClientAuthentication");
    assert_int_equal(strncmp(out.text, "no pg_hba.conf entry", 20), 0);
    assert_int_equal(rdt_pg_parse(BYTES("R\0\0\0\x0c\0\0\0\5salt"), &out), RDT_PG_AUTH);
    assert_int_equal(out.auth, 5);
}

/* Cut anywhere, an answer is never taken for a whole one. */
static void
waits_for_the_rest(void **state)
{
    static const struct rdt_span whole[] = {BYTES(REFUSAL), BYTES("R\0\0\0\x0c\0\0\0\5salt")};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t n = 0; n < whole[i].n; n++) {
            struct rdt_pg_answer out;
            struct rdt_span cut = {whole[i].p, n};
            assert_int_equal(rdt_pg_parse(cut, &out), RDT_PG_MORE);
        }
    }
}

static void
cuts_long_words(void **state)
{
    uint8_t in[600] = "E\0\0\2\x53M";
    struct rdt_pg_answer out;
    (void)state;
    memset(in + 6, 'x', sizeof in - 6);
    memcpy(in + 591, "\0C53300\0\0", 9);
    in[3] = (sizeof in - 1) >> 8;
    in[4] = (sizeof in - 1) & 0xFF;
    assert_int_equal(rdt_pg_parse((struct rdt_span){in, sizeof in}, &out), RDT_PG_ERROR);
    assert_int_equal(strlen(out.text), sizeof out.text - 1);
    assert_string_equal(out.sqlstate, "53300");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_requests), cmocka_unit_test(reads_answers),
        cmocka_unit_test(reads_fields),    cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(cuts_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
