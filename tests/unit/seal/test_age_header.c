/* Headers of age files. What the published vectors refuse is in tests/functional/test_age.py. */
#include "seal/age_internal.h"

#include "../test.h"

#include <limits.h>
#include <stdlib.h>

#define SHARE "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc"
#define BODY "hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE"
#define SALT "rF0/NwblUHHTpgQgRpe5CQ"
#define MAC "WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg"
#define LINE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 64 letters */
#define FIRST "age-encryption.org/v1\n"
#define X25519 "-> X25519 " SHARE "\n" BODY "\n"
#define SCRYPT "-> scrypt " SALT " 18\n" BODY "\n"
#define LAST "--- " MAC "\n"

static const struct {
    const char *text;
    bool good;
    enum age_kind kind;
    unsigned log_n;
} stanzas[] = {
    {X25519,                                                true,  AGE_X25519, 0       },
    {SCRYPT,                                                true,  AGE_SCRYPT, 18      },
    {"-> scrypt " SALT " 9999\n" BODY "\n",                 true,  AGE_SCRYPT, 9999    },
    {"-> scrypt " SALT " 18446744073709551626\n" BODY "\n", true,  AGE_SCRYPT, UINT_MAX},
    {"-> x25519 " SHARE "\n" BODY "\n",                     true,  AGE_OTHER,  0       }, /* another kind */
    {"-> a\n\n",                                            true,  AGE_OTHER,  0       },
    {"-> a b c d e ~!\n\n",                                 true,  AGE_OTHER,  0       },
    {"-> a\n" LINE "\n\n",                                  true,  AGE_OTHER,  0       },
    {"-> a\n" LINE "\n" LINE "\nAAAA\n",                    true,  AGE_OTHER,  0       },
    {"",                                                    false, AGE_OTHER,  0       },
    {"->",                                                  false, AGE_OTHER,  0       },
    {"->\n\n",                                              false, AGE_OTHER,  0       },
    {"-> \n\n",                                             false, AGE_OTHER,  0       },
    {"->a\n\n",                                             false, AGE_OTHER,  0       },
    {"-> a \n\n",                                           false, AGE_OTHER,  0       },
    {"->  a\n\n",                                           false, AGE_OTHER,  0       },
    {"-> a\tb\n\n",                                         false, AGE_OTHER,  0       },
    {"-> \x7f\n\n",                                         false, AGE_OTHER,  0       },
    {"-> a\r\n\n",                                          false, AGE_OTHER,  0       },
    {"-> a\n",                                              false, AGE_OTHER,  0       },
    {"-> a\n" LINE "\n",                                    false, AGE_OTHER,  0       }, /* no short line */
    {"-> a\n" LINE "A\n",                                   false, AGE_OTHER,  0       },
    {"-> a\nAB\n",                                          false, AGE_OTHER,  0       }, /* bits left over */
    {"-> a\nAA==\n",                                        false, AGE_OTHER,  0       },
    {"-> X25519\n" BODY "\n",                               false, AGE_X25519, 0       },
    {"-> X25519 " SHARE " x\n" BODY "\n",                   false, AGE_X25519, 0       },
    {"-> X25519 " SALT "\n" BODY "\n",                      false, AGE_X25519, 0       },
    {"-> X25519 " SHARE "\n\n",                             false, AGE_X25519, 0       },
    {"-> X25519 " SHARE "\n" SALT "\n",                     false, AGE_X25519, 0       },
    {"-> X25519 " SHARE "\n" LINE "\n\n",                   false, AGE_X25519, 0       },
    {"-> scrypt " SALT "\n" BODY "\n",                      false, AGE_SCRYPT, 0       },
    {"-> scrypt " SHARE " 18\n" BODY "\n",                  false, AGE_SCRYPT, 0       },
    {"-> scrypt " SALT " 018\n" BODY "\n",                  false, AGE_SCRYPT, 0       },
    {"-> scrypt " SALT " 0\n" BODY "\n",                    false, AGE_SCRYPT, 0       },
    {"-> scrypt " SALT " +18\n" BODY "\n",                  false, AGE_SCRYPT, 0       },
    {"-> scrypt " SALT " 18 18\n" BODY "\n",                false, AGE_SCRYPT, 0       },
    {"-> mlkem768x25519 " SHARE "\n" BODY "\n",             false, AGE_HYBRID, 0       },
};

static void
stanza_by_stanza(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(stanzas); i++) {
        struct age_stanza stanza;
        struct rdt_span in = rdt_span_str(stanzas[i].text);
        bool good = rdt_age_stanza_take(&in, &stanza);
        if (good != stanzas[i].good || (good && (stanza.kind != stanzas[i].kind ||
                                                 stanza.log_n != stanzas[i].log_n || in.n != 0)))
            fail_msg("case %zu: %s", i, stanzas[i].text);
    }
}

/* The kind that is known by its form only. */
static void
hybrid(void **state)
{
    static const struct {
        size_t letters;
        const char *body;
        bool good;
    } cases[] = {
        {1494, BODY, true },
        {1493, BODY, false},
        {1495, BODY, false},
        {1494, SALT, false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct age_stanza stanza;
        RDT_BUF text = {0};
        rdt_buf_str(&text, "-> mlkem768x25519 ");
        for (size_t k = 0; k < cases[i].letters; k++)
            rdt_buf_str(&text, "A");
        rdt_buf_fmt(&text, "\n%s\n", cases[i].body);
        struct rdt_span in = rdt_buf_span(&text);
        assert_int_equal(rdt_age_stanza_take(&in, &stanza), cases[i].good);
        if (cases[i].good)
            assert_int_equal(stanza.kind, AGE_HYBRID);
    }
}

static void
written_as_read(void **state)
{
    static const char *const texts[] = {X25519, SCRYPT};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        struct age_stanza stanza;
        struct rdt_span in = rdt_span_str(texts[i]);
        RDT_BUF again = {0};
        assert_true(rdt_age_stanza_take(&in, &stanza));
        rdt_age_stanza_add(&again, &stanza);
        assert_string_equal(rdt_buf_cstr(&again), texts[i]);
    }
}

static void
whole(void **state)
{
    static const struct {
        const char *text;
        enum rdt_code want;
        size_t n_x25519, n_scrypt, n_other;
    } cases[] = {
        {FIRST X25519 LAST,                     RDT_OK,         1, 0, 0},
        {FIRST SCRYPT LAST,                     RDT_OK,         0, 1, 0},
        {FIRST X25519 "-> a\n\n" X25519 LAST,   RDT_OK,         2, 0, 1},
        {FIRST LAST,                            RDT_E_BADINPUT, 0, 0, 0},
        {FIRST SCRYPT SCRYPT LAST,              RDT_E_BADINPUT, 0, 2, 0},
        {FIRST SCRYPT "-> a\n\n" LAST,          RDT_E_BADINPUT, 0, 1, 1},
        {FIRST X25519 SCRYPT LAST,              RDT_E_BADINPUT, 1, 1, 0},
        {X25519 LAST,                           RDT_E_BADINPUT, 0, 0, 0},
        {"age-encryption.org/v2\n" X25519 LAST, RDT_E_BADINPUT, 0, 0, 0},
        {FIRST "\n" X25519 LAST,                RDT_E_BADINPUT, 0, 0, 0},
        {FIRST X25519 "---" MAC "\n",           RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 "---  " MAC "\n",         RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 "--- " MAC " \n",         RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 "--- " MAC "=\n",         RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 "--- " MAC,               RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 LAST "x",                 RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519 "--- " SALT "\n",         RDT_E_BADINPUT, 1, 0, 0},
        {FIRST X25519,                          RDT_E_BADINPUT, 1, 0, 0},
        {"",                                    RDT_E_BADINPUT, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct age_header header;
        struct rdt_err err;
        struct rdt_span text = rdt_span_str(cases[i].text);
        if (rdt_age_header_read(text, &header, &err) != cases[i].want)
            fail_msg("case %zu: %s", i, cases[i].text);
        assert_int_equal(header.about.n_x25519, cases[i].n_x25519);
        assert_int_equal(header.about.n_scrypt, cases[i].n_scrypt);
        assert_int_equal(header.about.n_other, cases[i].n_other);
        assert_int_equal(header.about.complete, cases[i].want == RDT_OK);
        if (cases[i].want != RDT_OK)
            continue;
        /* the MAC is over everything up to its own dashes */
        assert_ptr_equal(header.maced.p, text.p);
        assert_int_equal(header.maced.n, text.n - 1 - 43 - 1);
        for (size_t n = 0; n < text.n; n++)
            assert_int_equal(rdt_age_header_read((struct rdt_span){text.p, n}, &header, NULL),
                             RDT_E_BADINPUT);
    }
}

/* Of the published vector "x25519": its file key gives its MAC. */
static void
mac(void **state)
{
    struct rdt_worker *worker = NULL;
    struct age_header header;
    RDT_SECRET file_key = {0};
    uint8_t got[RDT_SHA256_LEN];
    (void)state;
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    assert_int_equal(rdt_age_header_read(rdt_span_str(FIRST X25519 LAST), &header, NULL), RDT_OK);
    assert_int_equal(rdt_secret_copy(&file_key, rdt_span_str("YELLOW SUBMARINE"), NULL), RDT_OK);
    assert_int_equal(rdt_age_header_mac(worker, &file_key, header.maced, got), RDT_OK);
    assert_memory_equal(got, header.mac, sizeof got);
    file_key.p[0] ^= 1;
    assert_int_equal(rdt_age_header_mac(worker, &file_key, header.maced, got), RDT_OK);
    assert_memory_not_equal(got, header.mac, sizeof got);
    rdt_worker_close(worker);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stanza_by_stanza),
        cmocka_unit_test(hybrid),
        cmocka_unit_test(written_as_read),
        cmocka_unit_test(whole),
        cmocka_unit_test(mac),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
