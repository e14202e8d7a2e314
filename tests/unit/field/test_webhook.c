#include "field/webhook.h"

#include "../test.h"

#include <stdio.h>

#define NOW 1614265330
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define BODY "{\"test\": 2432232314}"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
/* Of the tests of the standard's own libraries: sign() in JavaScript, Go, Python. */
#define GOOD "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define BAD "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
#define S16 BAD " " BAD " " BAD " " BAD " " BAD " " BAD " " BAD " " BAD " "

static struct rdt_worker *worker;
static struct rdt_secret held[2];
static const struct rdt_hook_secrets one = {held, 1}, both = {held, 2}, other = {held + 1, 1};

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK &&
                   rdt_hook_secret_read(rdt_span_str(SECRET), &held[0], NULL) == RDT_OK &&
                   rdt_hook_secret_read(rdt_span_str(OTHER_SECRET), &held[1], NULL) == RDT_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&held[0]);
    rdt_secret_wipe(&held[1]);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_hook
hook(const char *id, const char *timestamp, const char *signature)
{
    return (struct rdt_hook){rdt_span_str(id), rdt_span_str(timestamp), rdt_span_str(signature),
                             rdt_span_str(BODY)};
}

#define MATCH RDT_WEBHOOK_MATCH
#define NO RDT_WEBHOOK_NO_MATCH
#define MALFORMED RDT_WEBHOOK_MALFORMED

static const struct {
    const char *what, *id, *timestamp, *signature;
    int64_t now_s;
    enum rdt_webhook_verdict want;
} cases[] = {
    {"the standard's libraries", ID,      "1614265330",    GOOD,                                              NOW,       MATCH            },
    {"oldest",                   ID,      "1614265330",    GOOD,                                              NOW + 300, MATCH            },
    {"too old",                  ID,      "1614265330",    GOOD,                                              NOW + 301, RDT_WEBHOOK_LATE },
    {"newest",                   ID,      "1614265330",    GOOD,                                              NOW - 300, MATCH            },
    {"too new",                  ID,      "1614265330",    GOOD,                                              NOW - 301, RDT_WEBHOOK_EARLY},
    {"several signatures",       ID,      "1614265330",    BAD " v2,x " GOOD " v1a,aGk=",                     NOW,       MATCH            },
    {"another version",          ID,      "1614265330",    "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", NOW,
     NO                                                                                                                                   },
    {"another signature",        ID,      "1614265330",    BAD,                                               NOW,       NO               },
    {"cut",                      ID,      "1614265330",    "v1,g0hM9SsE",                                     NOW,       NO               },
    {"empty",                    ID,      "1614265330",    "v1,",                                             NOW,       NO               },
    {"not base64",               ID,      "1614265330",    "v1,dawfeoifkpqwoekfpqoekf",                       NOW,       NO               },
    {"longer",                   ID,      "1614265330",    GOOD "AAAA",                                       NOW,       NO               },
    {"no header",                ID,      "1614265330",    "",                                                NOW,       MALFORMED        },
    {"no version",               ID,      "1614265330",    "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",    NOW,
     MALFORMED                                                                                                                            },
    {"two spaces",               ID,      "1614265330",    BAD "  " GOOD,                                     NOW,       MALFORMED        },
    {"a space in front",         ID,      "1614265330",    " " GOOD,                                          NOW,       MALFORMED        },
    {"a space behind",           ID,      "1614265330",    GOOD " ",                                          NOW,       MALFORMED        },
    {"16 signatures",            ID,      "1614265330",
     S16 BAD " " BAD " " BAD " " BAD " " BAD " " BAD " " BAD " " GOOD,                                        NOW,       MATCH            },
    {"17 signatures",            ID,      "1614265330",    S16 S16 GOOD,                                      NOW,       MALFORMED        },
    {"another id",               "msg_1", "1614265330",    GOOD,                                              NOW,       NO               },
    {"no id",                    "",      "1614265330",    GOOD,                                              NOW,       MALFORMED        },
    {"an id with a dot",         ID ".1", "1614265330",    GOOD,                                              NOW,       MALFORMED        },
    {"an id with a space",       ID " ",  "1614265330",    GOOD,                                              NOW,       MALFORMED        },
    {"another time",             ID,      "1614265331",    GOOD,                                              NOW,       NO               },
    {"no time",                  ID,      "",              GOOD,                                              NOW,       MALFORMED        },
    {"no number",                ID,      "hello",         GOOD,                                              NOW,       MALFORMED        },
    {"a fraction",               ID,      "1614265330.",   GOOD,                                              NOW,       MALFORMED        },
    {"a sign",                   ID,      "+1614265330",   GOOD,                                              NOW,       MALFORMED        },
    {"a zero in front",          ID,      "01614265330",   GOOD,                                              NOW,       MALFORMED        },
    {"beyond any clock",         ID,      "1614265330000", GOOD,                                              NOW,       MALFORMED        },
};

static void
checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_hook webhook = hook(cases[i].id, cases[i].timestamp, cases[i].signature);
        enum rdt_webhook_verdict got = rdt_hook_check(worker, &one, &webhook, cases[i].now_s);
        if (got != cases[i].want)
            print_message("# %s\n", cases[i].what);
        assert_int_equal(got, cases[i].want);
        assert_int_not_equal(rdt_hook_check(worker, &other, &webhook, cases[i].now_s), MATCH);
    }
}

static void
signed_here(void **state)
{
    (void)state;
    char text[RDT_WEBHOOK_SIGNATURE_TEXT];
    struct rdt_hook webhook = hook(ID, "1614265330", "");
    assert_int_equal(rdt_hook_sign(worker, &one, &webhook, text, NULL), RDT_OK);
    assert_string_equal(text, GOOD);
    assert_int_equal(rdt_hook_sign(worker, &both, &webhook, text, NULL), RDT_OK);
    assert_int_equal(strlen(text), 2 * 47 + 1);
    webhook.signature = rdt_span_str(text);
    assert_int_equal(rdt_hook_check(worker, &one, &webhook, NOW), MATCH);
    assert_int_equal(rdt_hook_check(worker, &other, &webhook, NOW), MATCH);
    assert_int_equal(rdt_hook_check(worker, &both, &webhook, NOW), MATCH);
    webhook.body = (struct rdt_span){(const uint8_t *)"\0\xff.\r\n", 5}; /* any bytes */
    assert_int_equal(rdt_hook_check(worker, &both, &webhook, NOW), NO);
    assert_int_equal(rdt_hook_sign(worker, &one, &webhook, text, NULL), RDT_OK);
    webhook.signature = rdt_span_str(text);
    assert_int_equal(rdt_hook_check(worker, &one, &webhook, NOW), MATCH);
    webhook.body.n--;
    assert_int_equal(rdt_hook_check(worker, &one, &webhook, NOW), NO);
    webhook.body = (struct rdt_span){0};
    assert_int_equal(rdt_hook_sign(worker, &one, &webhook, text, NULL), RDT_OK);
    webhook.signature = rdt_span_str(text);
    assert_int_equal(rdt_hook_check(worker, &one, &webhook, NOW), MATCH);
}

static void
not_signed(void **state)
{
    (void)state;
    static struct rdt_secret five[5]; /* borrowed copies */
    struct rdt_err err;
    char text[RDT_WEBHOOK_SIGNATURE_TEXT];
    const struct rdt_hook bad[] = {hook("", "1", ""), hook("a.b", "1", ""), hook("a b", "1", ""),
                                   hook("a", "", ""), hook("a", "1.5", ""), hook("a", "-1", "")};
    for (size_t i = 0; i < RDT_COUNT(bad); i++) {
        assert_int_equal(rdt_hook_sign(worker, &one, &bad[i], text, &err), RDT_E_BADINPUT);
        assert_string_equal(text, "");
    }
    for (size_t i = 0; i < 5; i++)
        five[i] = held[0];
    struct rdt_hook good = hook("a", "1", GOOD);
    struct rdt_hook_secrets none = {five, 0}, many = {five, 5}, four = {five, 4};
    assert_int_equal(rdt_hook_sign(worker, &none, &good, text, &err), RDT_E_BADINPUT);
    assert_int_equal(rdt_hook_sign(worker, &many, &good, text, &err), RDT_E_BADINPUT);
    assert_int_equal(rdt_hook_check(worker, &none, &good, 1), RDT_WEBHOOK_INTERNAL);
    assert_int_equal(rdt_hook_check(worker, &many, &good, 1), RDT_WEBHOOK_INTERNAL);
    assert_int_equal(rdt_hook_sign(worker, &four, &good, text, &err), RDT_OK);
    assert_int_equal(strlen(text), RDT_WEBHOOK_SIGNATURE_TEXT - 1);
    five[3].n = 23;
    assert_int_equal(rdt_hook_sign(worker, &four, &good, text, &err), RDT_E_BADINPUT);
}

static const struct {
    const char *text;
    size_t n; /* 0: refused */
} secret_texts[] = {
    {SECRET,                                                                                          24},
    {OTHER_SECRET,                                                                                    32},
    {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",                                                              0 },
    {"whsec_",                                                                                        0 },
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=",                                                        0 }, /* bits left over */
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==",                                                        0 }, /* 22 */
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",                                                         0 },
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-w",                                                        0 },
    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",                                                      0 },
    {"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",                                                        0 },
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
     "=",                                                                                        64},
    {"whsec_"
     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0 }, /* 65 */
    {"whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",                                                         0 },
};

static void
secrets(void **state)
{
    (void)state;
    char text[RDT_WEBHOOK_SECRET_TEXT];
    for (size_t i = 0; i < RDT_COUNT(secret_texts); i++) {
        RDT_SECRET secret = {0};
        enum rdt_code rc = rdt_hook_secret_read(rdt_span_str(secret_texts[i].text), &secret, NULL);
        assert_int_equal(rc, secret_texts[i].n == 0 ? RDT_E_BADINPUT : RDT_OK);
        assert_int_equal(secret.n, secret_texts[i].n);
        if (secret.n != 0) {
            rdt_hook_secret_text(&secret, text);
            assert_string_equal(text, secret_texts[i].text);
        }
    }
    RDT_SECRET made = {0};
    RDT_SECRET again = {0};
    assert_int_equal(rdt_hook_secret_make(worker, &made, NULL), RDT_OK);
    assert_int_equal(rdt_hook_secret_make(worker, &again, NULL), RDT_OK);
    assert_int_equal(made.n, 32);
    assert_false(rdt_secret_equal(&made, &again));
}

/* As Python makes it from KEK 00 01 .. 1f, tenant 11.., column 22... */
static void
derived(void **state)
{
    (void)state;
    static uint8_t longer[256];
    char text[RDT_WEBHOOK_SECRET_TEXT];
    struct rdt_field_column column;
    RDT_SECRET key = {0};
    RDT_SECRET scratch = {0};
    RDT_SECRET secret = {0};
    struct rdt_field_kek kek = {1, 1, &key, &column, &scratch};
    memset(column.tenant, 0x11, sizeof column.tenant);
    memset(column.id, 0x22, sizeof column.id);
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&scratch, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&secret, RDT_KEY_LEN, NULL), RDT_OK);
    for (size_t i = 0; i < key.n; i++)
        key.p[i] = (uint8_t)i;
    struct rdt_span endpoint = rdt_span_str("ep_2");
    assert_int_equal(rdt_hook_secret_derive(worker, &kek, endpoint, &secret), RDT_OK);
    rdt_hook_secret_text(&secret, text);
    assert_string_not_equal(text, "whsec_muiG7Er4O8qbGt8BMDgZlKD6fMH8MO9QgFRvvhMzx1I=");
    endpoint = rdt_span_str("ep_1");
    assert_int_equal(rdt_hook_secret_derive(worker, &kek, endpoint, &secret), RDT_OK);
    rdt_hook_secret_text(&secret, text);
    assert_string_equal(text, "whsec_muiG7Er4O8qbGt8BMDgZlKD6fMH8MO9QgFRvvhMzx1I=");
    endpoint.n = 0;
    assert_int_equal(rdt_hook_secret_derive(worker, &kek, endpoint, &secret), RDT_E_BADINPUT);
    endpoint = (struct rdt_span){longer, sizeof longer};
    assert_int_equal(rdt_hook_secret_derive(worker, &kek, endpoint, &secret), RDT_E_BADINPUT);
}

static void
replayed(void **state)
{
    (void)state;
    struct rdt_webhook_slot slots[64];
    struct rdt_webhook_window window;
    struct rdt_hook first = hook("first", "1000", ""), again = hook("first", "1200", ""),
                    second = hook("second", "1000", "");
    rdt_webhook_window_init(&window, slots, RDT_COUNT(slots));
    assert_int_equal(rdt_hook_remember(worker, &window, &first, 1000), MATCH);
    assert_int_equal(rdt_hook_remember(worker, &window, &first, 1000), RDT_WEBHOOK_REPLAY);
    assert_int_equal(rdt_hook_remember(worker, &window, &second, 1000), MATCH);
    assert_int_equal(rdt_hook_remember(worker, &window, &first, 1300), RDT_WEBHOOK_REPLAY);
    assert_int_equal(rdt_hook_remember(worker, &window, &first, 1301), RDT_WEBHOOK_LATE);
    /* the sender's next try has a time of its own: remembered for longer */
    assert_int_equal(rdt_hook_remember(worker, &window, &again, 1250), RDT_WEBHOOK_REPLAY);
    assert_int_equal(rdt_hook_remember(worker, &window, &again, 1500), RDT_WEBHOOK_REPLAY);
    assert_true(rdt_hook_forget(worker, &window, &again));
    assert_true(rdt_hook_forget(worker, &window, &again));
    assert_int_equal(rdt_hook_remember(worker, &window, &again, 1250), MATCH);
    assert_int_equal(rdt_hook_remember(worker, &window, &second, 1250), RDT_WEBHOOK_REPLAY);
    struct rdt_hook bad = hook("a.b", "1000", "");
    assert_int_equal(rdt_hook_remember(worker, &window, &bad, 1000), MALFORMED);
}

/* A full window refuses, it does not forget; what ran out makes room. */
static void
full(void **state)
{
    (void)state;
    struct rdt_webhook_slot slots[8];
    struct rdt_webhook_window window, none;
    char id[16];
    rdt_webhook_window_init(&window, slots, RDT_COUNT(slots));
    rdt_webhook_window_init(&none, slots, 0);
    for (int round = 0; round < 2; round++) {
        const char *stamp = round == 0 ? "1000" : "2000";
        for (int i = 0; i < 9; i++) {
            snprintf(id, sizeof id, "m%d-%d", round, i);
            struct rdt_hook webhook = hook(id, stamp, "");
            assert_int_equal(rdt_hook_remember(worker, &window, &webhook, 1000 * (round + 1)),
                             i < 8 ? MATCH : RDT_WEBHOOK_FULL);
        }
        for (int i = 0; i < 8; i++) {
            snprintf(id, sizeof id, "m%d-%d", round, i);
            struct rdt_hook webhook = hook(id, stamp, "");
            assert_int_equal(rdt_hook_remember(worker, &window, &webhook, 1000 * (round + 1)),
                             RDT_WEBHOOK_REPLAY);
        }
    }
    struct rdt_hook webhook = hook("x", "1000", "");
    assert_int_equal(rdt_hook_remember(worker, &none, &webhook, 1000), RDT_WEBHOOK_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checked), cmocka_unit_test(signed_here), cmocka_unit_test(not_signed),
        cmocka_unit_test(secrets), cmocka_unit_test(derived),     cmocka_unit_test(replayed),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
