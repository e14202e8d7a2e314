/* X25519 keys in the text form of age. */
#include "codec/agekey.h"

#include "../test.h"

/* C2SP age.md, "The X25519 recipient type": 32 bytes of 0x42, and the public key of it. */
#define PRIVATE "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define PUBLIC "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

static void
known(void **state)
{
    RDT_SECRET key = {0}, text = {0};
    uint8_t public_key[32];
    char public_text[RDT_AGEKEY_PUBLIC_TEXT + 1];
    (void)state;
    assert_int_equal(rdt_agekey_private_get(rdt_span_str(PRIVATE), &key, NULL), RDT_OK);
    assert_int_equal(key.n, RDT_AGEKEY_LEN);
    for (size_t i = 0; i < key.n; i++)
        assert_int_equal(key.p[i], 0x42);
    assert_int_equal(rdt_agekey_private_put(&key, &text, NULL), RDT_OK);
    assert_true(rdt_span_is((struct rdt_span){text.p, text.n}, PRIVATE));
    assert_int_equal(rdt_agekey_public_get(rdt_span_str(PUBLIC), public_key, NULL), RDT_OK);
    rdt_agekey_public_put(public_key, public_text);
    assert_string_equal(public_text, PUBLIC);
}

/* C2SP age.md, "The MLKEM768-X25519 hybrid post-quantum recipient type". */
#define HYBRID "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"

static void
hybrid(void **state)
{
    RDT_SECRET key = {0}, text = {0};
    uint8_t bytes[RDT_AGEKEY_HYBRID_LEN], back[RDT_AGEKEY_HYBRID_LEN];
    char public_text[RDT_AGEKEY_HYBRID_TEXT + 1];
    (void)state;
    assert_int_equal(rdt_agekey_hybrid_private_get(rdt_span_str(HYBRID), &key, NULL), RDT_OK);
    assert_int_equal(key.n, RDT_AGEKEY_LEN);
    assert_int_equal(rdt_agekey_hybrid_private_put(&key, &text, NULL), RDT_OK);
    assert_int_equal(text.n, RDT_AGEKEY_HYBRID_PRIVATE_TEXT);
    assert_true(rdt_span_is((struct rdt_span){text.p, text.n}, HYBRID));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    rdt_agekey_hybrid_put(bytes, public_text);
    assert_int_equal(strlen(public_text), RDT_AGEKEY_HYBRID_TEXT);
    assert_memory_equal(public_text, "age1pq1", 7);
    assert_int_equal(rdt_agekey_hybrid_get(rdt_span_str(public_text), back, NULL), RDT_OK);
    assert_memory_equal(bytes, back, sizeof bytes);
    public_text[99] = public_text[99] == 'q' ? 'p' : 'q';
    struct rdt_err err;
    assert_int_equal(rdt_agekey_hybrid_get(rdt_span_str(public_text), back, &err), RDT_E_BADINPUT);
    assert_non_null(strstr(err.text, "a mistyped one"));
    rdt_secret_wipe(&key);
    assert_int_equal(rdt_agekey_hybrid_private_get(rdt_span_str(PRIVATE), &key, &err),
                     RDT_E_BADINPUT);
    assert_non_null(strstr(err.text, "this is a private key"));
    assert_int_equal(key.n, 0);
}

/* Both kinds in one file, as age writes them. */
static void
kinds(void **state)
{
    struct rdt_span rest = rdt_span_str(PRIVATE "\n" HYBRID "\n"), same = rest;
    (void)state;
    for (int i = 0; i < 3; i++) {
        RDT_SECRET key = {0};
        enum rdt_agekey_kind kind = RDT_AGEKEY_X25519;
        assert_int_equal(rdt_agekey_next(&rest, &kind, &key, NULL), RDT_OK);
        assert_int_equal(key.n, i < 2 ? RDT_AGEKEY_LEN : 0);
        assert_int_equal(kind, i == 1 ? RDT_AGEKEY_HYBRID : RDT_AGEKEY_X25519);
    }
    for (int i = 0; i < 2; i++) {
        RDT_SECRET key = {0};
        assert_int_equal(rdt_agekey_private_next(&same, &key, NULL),
                         i == 0 ? RDT_OK : RDT_E_BADINPUT);
    }
}

/* What people mix up is told apart, and never repeated. */
static void
told_apart(void **state)
{
    static const struct {
        const char *text, *of_public, *of_private;
    } cases[] = {
        {"",                                  "not a key age1...",              "not a key AGE-SECRET-KEY-1..."},
        {"hunter2",                           "not a key age1...",              "not a key AGE-SECRET-KEY-1..."},
        {PRIVATE "Q",                         "this is a private key",          "this is a mistyped one"       },
        {PUBLIC "q",                          "this is a mistyped one",         "this is a public key"         },
        {"age1yubikey1qwt50d05nh5vutpdzm",    "or of a plugin",                 "this is a public key"         },
        {"age1pq1x34nzsvr0rxjsg",             "a post-quantum public key",      "a post-quantum public key"    },
        {"AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKD", "a post-quantum private key",
         "a post-quantum private key"                                                                          },
        {"AGE-PLUGIN-YUBIKEY-1QQQ",           "a key of a plugin",              "a key of a plugin"            },
        {"age-secret-key-1gfpyysjzgfpyysjz",  "a private key in small letters",
         "a private key in small letters"                                                                      },
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",  "an SSH key",                     "an SSH key"                   },
        {"-----BEGIN OPENSSH PRIVATE KEY---", "a PEM file",                     "a PEM file"                   },
    };
    static const uint8_t zeroes[32];
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET key = {0};
        uint8_t out[32];
        struct rdt_err err;
        struct rdt_span text = rdt_span_str(cases[i].text);
        memset(out, 1, sizeof out);
        assert_int_equal(rdt_agekey_public_get(text, out, &err), RDT_E_BADINPUT);
        assert_non_null(strstr(err.text, cases[i].of_public));
        assert_memory_equal(out, zeroes, sizeof out);
        assert_true(text.n == 0 || strstr(err.text, cases[i].text) == NULL);
        assert_int_equal(rdt_agekey_private_get(text, &key, &err), RDT_E_BADINPUT);
        assert_non_null(strstr(err.text, cases[i].of_private));
        assert_int_equal(key.n, 0);
        assert_true(text.n == 0 || strstr(err.text, cases[i].text) == NULL);
    }
}

static void
other_lengths(void **state)
{
    RDT_SECRET key = {0}, text = {0};
    (void)state;
    assert_int_equal(rdt_secret_new(&key, RDT_AGEKEY_LEN + 1, NULL), RDT_OK);
    assert_int_equal(rdt_agekey_private_put(&key, &text, NULL), RDT_E_BADINPUT);
    assert_int_equal(text.n, 0);
}

static void
identity_file(void **state)
{
    static const char file[] = "# created: today\r\n"
                               "# public key: " PUBLIC "\n"
                               "\n" PRIVATE "\r\n"
                               "#\n" PRIVATE;
    struct rdt_span rest = rdt_span_str(file);
    (void)state;
    for (int i = 0; i < 3; i++) {
        RDT_SECRET key = {0};
        assert_int_equal(rdt_agekey_private_next(&rest, &key, NULL), RDT_OK);
        assert_int_equal(key.n, i < 2 ? RDT_AGEKEY_LEN : 0);
    }
}

static void
identity_file_refused(void **state)
{
    static char long_line[RDT_AGEKEY_LINE_MAX + 2];
    static const struct {
        const char *file;
        enum rdt_code want;
    } cases[] = {
        {PUBLIC "\n",      RDT_E_BADINPUT},
        {" " PRIVATE "\n", RDT_E_BADINPUT},
        {PRIVATE " \n",    RDT_E_BADINPUT},
        {" \n",            RDT_E_BADINPUT},
        {long_line,        RDT_E_LIMIT   },
    };
    (void)state;
    memset(long_line, '#', sizeof long_line - 1);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET key = {0};
        struct rdt_span rest = rdt_span_str(cases[i].file);
        assert_int_equal(rdt_agekey_private_next(&rest, &key, NULL), cases[i].want);
        assert_int_equal(key.n, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(hybrid),
        cmocka_unit_test(kinds),
        cmocka_unit_test(told_apart),
        cmocka_unit_test(other_lengths),
        cmocka_unit_test(identity_file),
        cmocka_unit_test(identity_file_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
