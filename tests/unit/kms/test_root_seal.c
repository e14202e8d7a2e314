#include "root_help.h"

#include "../softhsm.h"

static bool have_token;

static int
set_up(void **state)
{
    (void)state;
    have_token = softhsm_module() != NULL && softhsm_open() == 0;
    if (!have_token)
        printf("# SoftHSM is not installed: PKCS#11 seals are not tested\n");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    return have_token ? softhsm_close() : 0;
}

static struct rdt_seal_opts
pkcs11(const char *id, const struct rdt_secret *pin, enum rdt_p11_how how)
{
    return (struct rdt_seal_opts){.type = RDT_SEAL_PKCS11,
                                  .id = id,
                                  .passphrase = pin,
                                  .p11_module = softhsm_proxy,
                                  .p11_token = TOKEN,
                                  .p11_key = id,
                                  .p11_how = how};
}

/* A root under one seal of each type, and what opens it. */
struct kit {
    struct rdt_secret good, wrong, pin, text;
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct lines lines;
    struct rdt_unseal means;
};

static void
kit_open(struct kit *kit, enum rdt_seal_type type)
{
    *kit = (struct kit){.root = NULL};
    secret_of(&kit->good, GOOD);
    secret_of(&kit->wrong, WRONG);
    secret_of(&kit->pin, TOKEN_PIN);
    struct rdt_seal_opts opts = type == RDT_SEAL_DEVELOPMENT  ? development("main")
                                : type == RDT_SEAL_PASSPHRASE ? passphrase("main", &kit->good)
                                : type == RDT_SEAL_SHAMIR     ? shamir("main", 3, 5)
                                                          : pkcs11("main", &kit->pin, RDT_P11_GCM);
    create(&opts, &kit->text, &kit->root, &kit->open);
    if (type == RDT_SEAL_SHAMIR) {
        split_lines(&kit->text, &kit->lines);
        kit->means.shares = kit->lines.pointers;
        kit->means.n_shares = 3;
    }
    if (type == RDT_SEAL_PASSPHRASE)
        kit->means.passphrase = &kit->good;
    if (type == RDT_SEAL_PKCS11)
        kit->means.passphrase = &kit->pin;
}

static void
kit_done(struct kit *kit)
{
    rdt_secret_wipe(&kit->good);
    rdt_secret_wipe(&kit->wrong);
    rdt_secret_wipe(&kit->pin);
    rdt_secret_wipe(&kit->text);
    lines_done(&kit->lines);
    rdt_root_free(kit->root);
    rdt_root_lock(kit->open);
}

#define KIT RDT_AUTO(kit_done) struct kit

static bool
skips(enum rdt_seal_type type)
{
    return type == RDT_SEAL_PKCS11 && !have_token;
}

static void
each_type_there_and_back(void **state)
{
    (void)state;
    for (int type = RDT_SEAL_DEVELOPMENT; type <= RDT_SEAL_PKCS11; type++) {
        if (skips(type))
            continue;
        KIT kit;
        ROOT again = NULL;
        OPEN by_id = NULL;
        OPEN by_means = NULL;
        kit_open(&kit, type);
        assert_int_equal(kit.text.n != 0, type == RDT_SEAL_SHAMIR);
        assert_int_equal(edited(kit.root, "", "", &again), RDT_OK);
        assert_text(kit.root, again);
        assert_int_equal(rdt_root_unseal(again, "main", &kit.means, &by_id, NULL), RDT_OK);
        assert_true(rdt_secret_equal(&by_id->root, &kit.open->root));
        assert_int_equal(rdt_root_unseal(again, NULL, &kit.means, &by_means, NULL), RDT_OK);
        assert_true(rdt_secret_equal(&by_means->root, &kit.open->root));
        assert_true(rdt_secret_equal(&by_means->items, &kit.open->items));
    }
}

static void
every_way_of_a_token(void **state)
{
    (void)state;
    if (!have_token)
        skip();
    for (int how = RDT_P11_BEST; how <= RDT_P11_UNWRAP; how++) {
        RDT_SECRET pin = {0};
        ROOT root = NULL;
        ROOT again = NULL;
        OPEN open = NULL;
        OPEN found = NULL;
        char id[16];
        snprintf(id, sizeof id, "way-%d", how);
        secret_of(&pin, TOKEN_PIN);
        struct rdt_seal_opts opts = pkcs11(id, &pin, how);
        struct rdt_unseal means = {.passphrase = &pin, .p11_module = softhsm_module()};
        create(&opts, NULL, &root, &open);
        assert_int_equal(edited(root, "", "", &again), RDT_OK);
        assert_int_equal(rdt_root_unseal(again, id, &means, &found, NULL), RDT_OK);
        assert_true(rdt_secret_equal(&found->root, &open->root));
        assert_int_not_equal(again->seals[0].how, RDT_P11_BEST);
    }
}

static void
wrong_means(void **state)
{
    (void)state;
    for (int type = RDT_SEAL_PASSPHRASE; type <= RDT_SEAL_PKCS11; type++) {
        if (skips(type))
            continue;
        KIT kit;
        RDT_SECRET empty = {0};
        ROOT before = NULL;
        OPEN open = NULL;
        kit_open(&kit, type);
        assert_int_equal(edited(kit.root, "", "", &before), RDT_OK);
        softhsm_logins();
        const struct rdt_unseal cases[] = {
            {.passphrase = &kit.wrong},
            {.passphrase = &empty},
            {.passphrase = NULL},
            {.shares = kit.lines.pointers, .n_shares = kit.lines.n == 0 ? 0 : 2},
        };
        for (size_t i = 0; i < RDT_COUNT(cases); i++) {
            struct rdt_err err = {0};
            assert_int_equal(rdt_root_unseal(kit.root, "main", &cases[i], &open, &err),
                             RDT_E_DENIED);
            assert_null(open);
            assert_null(strstr(err.text, "correct"));
            assert_int_equal(rdt_root_unseal(kit.root, NULL, &cases[i], &open, NULL), RDT_E_DENIED);
        }
        if (type == RDT_SEAL_PKCS11) /* two wrong ones, by two ways each: one login for each call */
            assert_int_equal(softhsm_logins(), 4);
        assert_text(kit.root, before);
        assert_int_equal(rdt_root_unseal(kit.root, NULL, &kit.means, &open, NULL), RDT_OK);
    }
}

/* What a seal says about itself cannot be changed unseen. */
static void
an_edited_seal(void **state)
{
    static const struct {
        enum rdt_seal_type type;
        const char *from, *to;
        enum rdt_code load, unseal;
    } cases[] = {
        {RDT_SEAL_PASSPHRASE,  "\"passes\": 1",            "\"passes\": 2",             RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_PASSPHRASE,  "\"memory_kib\": 19456",    "\"memory_kib\": 19464",     RDT_OK,
         RDT_E_DENIED                                                                                                 },
        {RDT_SEAL_PASSPHRASE,  "\"lanes\": 4",             "\"lanes\": 1",              RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_PASSPHRASE,  "\"id\": \"main\"",         "\"id\": \"mail\"",          RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_PASSPHRASE,  "\"passes\": 1",            "\"passes\": 11",            RDT_E_LIMIT,    RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"passes\": 1",            "\"passes\": 0",             RDT_E_LIMIT,    RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"memory_kib\": 19456",    "\"memory_kib\": 1048577",   RDT_E_LIMIT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_PASSPHRASE,  "\"memory_kib\": 19456",    "\"memory_kib\": 19455",     RDT_E_LIMIT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_PASSPHRASE,  "\"lanes\": 4",             "\"lanes\": 5",              RDT_E_LIMIT,    RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"lanes\": 4",             "\"lanes\": 4294967300",     RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"passes\": 1",            "\"passes\": \"1\"",         RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"passes\": 1",            "\"passes\": 1.5",           RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_PASSPHRASE,  "\"type\": \"passphrase\"", "\"type\": \"shamir\"",      RDT_E_BADINPUT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_PASSPHRASE,  "\"type\": \"passphrase\"", "\"type\": \"tpm\"",         RDT_E_BADINPUT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_SHAMIR,      "\"threshold\": 3",         "\"threshold\": 2",          RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_SHAMIR,      "\"threshold\": 3",         "\"threshold\": 1",          RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_SHAMIR,      "\"threshold\": 3",         "\"threshold\": 6",          RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_SHAMIR,      "\"shares\": 5",            "\"shares\": 6",             RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_SHAMIR,      "\"shares\": 5",            "\"shares\": 17",            RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_SHAMIR,      "\"id\": \"main\"",         "\"id\": \"mail\"",          RDT_OK,         RDT_E_DENIED  },
        {RDT_SEAL_SHAMIR,      "\"type\": \"shamir\"",     "\"type\": \"development\"", RDT_E_BADINPUT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_DEVELOPMENT, "\"id\": \"main\"",         "\"id\": \"mail\"",          RDT_OK,         RDT_E_TAMPERED},
        {RDT_SEAL_DEVELOPMENT, "\"development\": true",    "\"development\": false",    RDT_E_BADINPUT,
         RDT_OK                                                                                                       },
        {RDT_SEAL_DEVELOPMENT, "\"created\": \"20",        "\"created\": \"21",         RDT_OK,         RDT_OK        },
        {RDT_SEAL_PKCS11,      "\"how\": \"gcm\"",         "\"how\": \"oaep\"",         RDT_OK,         RDT_E_TAMPERED},
        {RDT_SEAL_PKCS11,      "\"how\": \"gcm\"",         "\"how\": \"best\"",         RDT_E_BADINPUT, RDT_OK        },
        {RDT_SEAL_PKCS11,      "\"label\": \"main\"",      "\"label\": \"mail\"",       RDT_OK,         RDT_E_NOTFOUND},
        {RDT_SEAL_PKCS11,      "\"token\": \"" TOKEN "\"", "\"token\": \"another\"",    RDT_OK,
         RDT_E_NOTFOUND                                                                                               },
        {RDT_SEAL_PKCS11,      "\"id\": \"main\"",         "\"id\": \"mail\"",          RDT_OK,         RDT_E_TAMPERED},
        {RDT_SEAL_PKCS11,      "\"module\": \"/",          "\"module\": \"//",          RDT_OK,         RDT_E_TAMPERED},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        if (skips(cases[i].type))
            continue;
        KIT kit;
        ROOT changed = NULL;
        OPEN open = NULL;
        kit_open(&kit, cases[i].type);
        if (edited(kit.root, cases[i].from, cases[i].to, &changed) != cases[i].load)
            fail_msg("%s: loaded", cases[i].to);
        if (changed == NULL)
            continue;
        if (rdt_root_unseal(changed, NULL, &kit.means, &open, NULL) != cases[i].unseal)
            fail_msg("%s: unsealed", cases[i].to);
    }
}

/* The bytes of a seal, and what it is bound to, one bit flipped. */
static void
a_damaged_seal(void **state)
{
    (void)state;
    for (int type = RDT_SEAL_DEVELOPMENT; type <= RDT_SEAL_PKCS11; type++) {
        if (skips(type))
            continue;
        KIT kit;
        kit_open(&kit, type);
        struct root_seal *seal = &kit.root->seals[0];
        uint8_t *const bytes[] = {seal->root,
                                  seal->root + RDT_WRAPPED_LEN - 1,
                                  kit.root->check,
                                  kit.root->deployment + 15,
                                  (uint8_t *)&seal->created_s,
                                  type == RDT_SEAL_DEVELOPMENT  ? seal->plain
                                  : type == RDT_SEAL_PASSPHRASE ? seal->argon.salt
                                  : type == RDT_SEAL_SHAMIR     ? seal->set
                                                                : seal->kek + 20};
        for (size_t i = 0; i < RDT_COUNT(bytes); i++) {
            OPEN open = NULL;
            bool means_matter = (type == RDT_SEAL_PASSPHRASE || type == RDT_SEAL_SHAMIR) && i != 2;
            *bytes[i] ^= 0x10;
            assert_int_equal(rdt_root_unseal(kit.root, "main", &kit.means, &open, NULL),
                             means_matter ? RDT_E_DENIED : RDT_E_TAMPERED);
            *bytes[i] ^= 0x10;
        }
    }
}

static void
options_without_sense(void **state)
{
    RDT_SECRET short_one = {0}, good = {0};
    char long_label[RDT_P11_LABEL_MAX + 2];
    (void)state;
    memset(long_label, 'x', sizeof long_label - 1);
    long_label[sizeof long_label - 1] = '\0';
    secret_of(&short_one, "elevenbytes");
    secret_of(&good, GOOD);
    const struct {
        struct rdt_seal_opts opts;
        enum rdt_code want;
    } cases[] = {
        {development(NULL), RDT_E_BADINPUT},
        {development(""), RDT_E_BADINPUT},
        {development("Main"), RDT_E_BADINPUT},
        {development("a b"), RDT_E_BADINPUT},
        {development("a/b"), RDT_E_BADINPUT},
        {development("01234567890123456789012345678901"), RDT_E_BADINPUT},
        {passphrase("p", &short_one), RDT_E_BADINPUT},
        {passphrase("p", NULL), RDT_E_BADINPUT},
        {shamir("s", 1, 3), RDT_E_BADINPUT},
        {shamir("s", 4, 3), RDT_E_BADINPUT},
        {shamir("s", 2, RDT_SHARES_MAX + 1), RDT_E_BADINPUT},
        {shamir("s", 0, 0), RDT_E_BADINPUT},
        {{.type = RDT_SEAL_PASSPHRASE, .id = "p", .passphrase = &good, .argon_memory_kib = 1},
         RDT_E_LIMIT},
        {{.type = RDT_SEAL_PASSPHRASE, .id = "p", .passphrase = &good, .argon_passes = 11},
         RDT_E_LIMIT},
        {{.type = RDT_SEAL_PKCS11, .id = "h", .p11_module = "/m", .p11_token = "t", .p11_key = "k"},
         RDT_E_BADINPUT},
        {{.type = RDT_SEAL_PKCS11,
          .id = "h",
          .passphrase = &good,
          .p11_module = "/m",
          .p11_token = "",
          .p11_key = "k"},
         RDT_E_BADINPUT},
        {{.type = RDT_SEAL_PKCS11,
          .id = "h",
          .passphrase = &good,
          .p11_module = "/m",
          .p11_token = "t",
          .p11_key = "k\n"},
         RDT_E_BADINPUT},
        {{.type = RDT_SEAL_PKCS11,
          .id = "h",
          .passphrase = &good,
          .p11_module = "/m",
          .p11_token = long_label,
          .p11_key = "k"},
         RDT_E_LIMIT},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        ROOT root = NULL;
        RDT_SECRET shares = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_root_create(deployment, &cases[i].opts, &shares, &root, NULL, &err),
                         cases[i].want);
        assert_null(root);
        assert_null(shares.p);
        assert_string_not_equal(err.text, "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_there_and_back),
        cmocka_unit_test(every_way_of_a_token),
        cmocka_unit_test(wrong_means),
        cmocka_unit_test(an_edited_seal),
        cmocka_unit_test(a_damaged_seal),
        cmocka_unit_test(options_without_sense),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
