#include "root_help.h"

#include "../softhsm.h"

/* One secret for all passphrase seals of these tests. */
static struct rdt_secret good, wrong;

static int
set_up(void **state)
{
    (void)state;
    return rdt_secret_copy(&good, rdt_span_str(GOOD), NULL) == RDT_OK &&
                   rdt_secret_copy(&wrong, rdt_span_str(WRONG), NULL) == RDT_OK
               ? 0
               : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&good);
    rdt_secret_wipe(&wrong);
    return 0;
}

static void
item_of(struct rdt_secret *secret, uint8_t fill)
{
    assert_int_equal(rdt_secret_new(secret, RDT_KEY_LEN, NULL), RDT_OK);
    memset(secret->p, fill, secret->n);
}

static void
assert_item(struct rdt_root *root, struct rdt_root_open *open, const char *name, uint8_t fill)
{
    RDT_SECRET want = {0}, got = {0};
    item_of(&want, fill);
    assert_int_equal(rdt_root_get(root, open, name, &got, NULL), RDT_OK);
    assert_true(rdt_secret_equal(&got, &want));
}

static void
items_in_and_out(void **state)
{
    struct rdt_seal_opts first = development("dev");
    ROOT root = NULL;
    OPEN open = NULL;
    RDT_SECRET a = {0}, b = {0}, none = {0};
    (void)state;
    create(&first, NULL, &root, &open);
    item_of(&a, 0xaa);
    item_of(&b, 0xbb);
    assert_int_equal(rdt_root_get(root, open, "rows", &none, NULL), RDT_E_NOTFOUND);
    assert_int_equal(rdt_root_put(root, open, "rows", &a, NULL), RDT_OK);
    assert_int_equal(rdt_root_put(root, open, "domain/1", &b, NULL), RDT_OK);
    assert_int_equal(rdt_root_put(root, open, "x", &b, NULL), RDT_OK);
    assert_item(root, open, "rows", 0xaa);
    assert_item(root, open, "domain/1", 0xbb);
    assert_int_equal(rdt_root_put(root, open, "rows", &b, NULL), RDT_OK);
    assert_int_equal(root->n_items, 3);
    assert_item(root, open, "rows", 0xbb);
    assert_string_equal(rdt_root_item(root, 0), "domain/1");
    assert_string_equal(rdt_root_item(root, 2), "x");
    assert_null(rdt_root_item(root, 3));
    assert_int_equal(rdt_root_drop(root, "domain/1", NULL), RDT_OK);
    assert_int_equal(rdt_root_drop(root, "domain/1", NULL), RDT_E_NOTFOUND);
    assert_int_equal(rdt_root_get(root, open, "domain/1", &none, NULL), RDT_E_NOTFOUND);
    assert_item(root, open, "rows", 0xbb);
    assert_item(root, open, "x", 0xbb);
    assert_null(none.p);
}

static void
items_that_are_refused(void **state)
{
    static const char *const names[] = {
        "",    "Rows",     "a b",
        "a.b", "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123"};
    struct rdt_seal_opts first = development("dev");
    ROOT root = NULL;
    OPEN open = NULL;
    RDT_SECRET a = {0}, small = {0}, got = {0};
    (void)state;
    create(&first, NULL, &root, &open);
    item_of(&a, 1);
    assert_int_equal(rdt_secret_new(&small, RDT_KEY_LEN - 1, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(names); i++)
        assert_int_equal(rdt_root_put(root, open, names[i], &a, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_root_put(root, open, "rows", &small, NULL), RDT_E_BADINPUT);
    assert_int_equal(root->n_items, 0);
    /* moved to another name, or changed */
    assert_int_equal(rdt_root_put(root, open, "domain/1", &a, NULL), RDT_OK);
    assert_int_equal(rdt_root_put(root, open, "domain/2", &a, NULL), RDT_OK);
    memcpy(root->items[1].wrapped, root->items[0].wrapped, sizeof root->items[1].wrapped);
    assert_int_equal(rdt_root_get(root, open, "domain/2", &got, NULL), RDT_E_TAMPERED);
    root->items[0].wrapped[30] ^= 1;
    assert_int_equal(rdt_root_get(root, open, "domain/1", &got, NULL), RDT_E_TAMPERED);
    assert_null(got.p);
}

/* An item of another deployment's root, or of the same one's before its rekey, is none of ours. */
static void
items_of_another_root(void **state)
{
    struct rdt_seal_opts first = development("dev");
    ROOT root = NULL;
    ROOT other = NULL;
    OPEN open = NULL;
    OPEN other_open = NULL;
    RDT_SECRET a = {0}, got = {0};
    (void)state;
    create(&first, NULL, &root, &open);
    create(&first, NULL, &other, &other_open);
    item_of(&a, 1);
    assert_int_equal(rdt_root_put(other, other_open, "rows", &a, NULL), RDT_OK);
    root->items[0] = other->items[0];
    root->n_items = 1;
    assert_int_equal(rdt_root_get(root, open, "rows", &got, NULL), RDT_E_TAMPERED);
}

/* D, P, S, H: seals by the first letters of their types, in order. */
static void
make_seals(struct rdt_root *root, const char *letters)
{
    *root = (struct rdt_root){.n_seals = strlen(letters)};
    for (size_t i = 0; i < root->n_seals; i++) {
        root->seals[i].type = (enum rdt_seal_type)(strchr("DPSH", letters[i]) - "DPSH");
        snprintf(root->seals[i].id, RDT_ROOT_ID_MAX, "%zu", i);
    }
}

static void
custody_and_second_seals(void **state)
{
    static const struct {
        const char *seals, *custody;
        bool needs;
    } cases[] = {
        {"D",   "development", false},
        {"DD",  "development", false},
        {"P",   "passphrase",  true },
        {"PP",  "passphrase",  false},
        {"DP",  "development", true },
        {"DPP", "development", false},
        {"S",   "shamir",      true },
        {"SS",  "shamir",      false},
        {"PS",  "passphrase",  false},
        {"H",   "hsm",         true },
        {"HH",  "hsm",         true },
        {"HP",  "passphrase",  true },
        {"HS",  "shamir",      false},
        {"SHD", "development", false},
    };
    ROOT root = calloc(1, sizeof *root);
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        make_seals(root, cases[i].seals);
        assert_string_equal(rdt_root_custody(root), cases[i].custody);
        if (rdt_root_needs_second(root) != cases[i].needs)
            fail_msg("%s", cases[i].seals);
    }
}

static void
which_seals_may_go(void **state)
{
    static const struct {
        const char *seals, *id;
        enum rdt_code want;
    } cases[] = {
        {"D",   "0", RDT_E_STATE   }, /* the last */
        {"P",   "0", RDT_E_STATE   },
        {"DD",  "1", RDT_OK        },
        {"DP",  "0", RDT_OK        }, /* a second one is missing before and after */
        {"DP",  "1", RDT_E_STATE   }, /* the only one that protects anything */
        {"DPS", "0", RDT_OK        },
        {"DPS", "1", RDT_E_STATE   },
        {"PS",  "0", RDT_E_STATE   },
        {"PPS", "0", RDT_OK        },
        {"HS",  "1", RDT_E_STATE   }, /* an HSM needs Shamir beside it */
        {"HPS", "2", RDT_E_STATE   },
        {"HPS", "1", RDT_OK        },
        {"HPS", "0", RDT_OK        },
        {"HSS", "2", RDT_OK        },
        {"HS",  "2", RDT_E_NOTFOUND},
    };
    ROOT root = calloc(1, sizeof *root);
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        size_t n = strlen(cases[i].seals);
        make_seals(root, cases[i].seals);
        if (rdt_root_remove_seal(root, cases[i].id, NULL) != cases[i].want)
            fail_msg("%s without %s", cases[i].seals, cases[i].id);
        assert_int_equal(root->n_seals, n - (cases[i].want == RDT_OK));
        for (size_t j = 0; j < root->n_seals; j++)
            assert_true((strcmp(root->seals[j].id, cases[i].id) == 0) ==
                        (cases[i].want != RDT_OK && (char)('0' + j) == cases[i].id[0]));
    }
}

static void
two_seals_one_secret(void **state)
{
    struct rdt_seal_opts first = passphrase("words", &good), second = shamir("paper", 2, 3);
    struct rdt_seal_opts taken = shamir("words", 2, 3);
    ROOT root = NULL;
    OPEN open = NULL;
    OPEN by_words = NULL;
    OPEN by_paper = NULL;
    RDT_SECRET shares = {0}, none = {0};
    LINES lines;
    struct rdt_seal_info info[RDT_ROOT_SEALS_MAX];
    (void)state;
    create(&first, NULL, &root, &open);
    assert_true(rdt_root_needs_second(root));
    assert_int_equal(rdt_root_add_seal(root, open, &taken, &none, NULL), RDT_E_STATE);
    assert_null(none.p);
    assert_int_equal(root->n_seals, 1);
    assert_int_equal(rdt_root_add_seal(root, open, &second, &shares, NULL), RDT_OK);
    assert_false(rdt_root_needs_second(root));
    split_lines(&shares, &lines);
    struct rdt_unseal words = {.passphrase = &good};
    struct rdt_unseal paper = {.shares = lines.pointers + 1, .n_shares = 2};
    assert_int_equal(rdt_root_unseal(root, NULL, &words, &by_words, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &paper, &by_paper, NULL), RDT_OK);
    assert_true(rdt_secret_equal(&by_words->root, &by_paper->root));
    assert_int_equal(rdt_root_seals(root, info), 2);
    assert_string_equal(info[0].id, "words");
    assert_string_equal(info[0].detail, "a passphrase: Argon2id, 19 MiB, 1 pass, 4 lanes");
    assert_string_equal(info[1].detail, "any 2 of 3 shares");
    assert_int_equal(info[1].threshold, 2);
    /* a seal by name takes its own means only */
    OPEN no = NULL;
    assert_int_equal(rdt_root_unseal(root, "paper", &words, &no, NULL), RDT_E_DENIED);
    assert_int_equal(rdt_root_unseal(root, "words", &paper, &no, NULL), RDT_E_DENIED);
    assert_int_equal(rdt_root_unseal(root, "pape", &paper, &no, NULL), RDT_E_NOTFOUND);
    assert_null(no);
    /* once a seal was removed its means open nothing, nor do those of one of its name */
    struct rdt_seal_opts third = shamir("safe", 2, 2);
    RDT_SECRET more = {0}, again = {0};
    assert_int_equal(rdt_root_add_seal(root, open, &third, &more, NULL), RDT_OK);
    assert_int_equal(rdt_root_remove_seal(root, "paper", NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &paper, &no, NULL), RDT_E_DENIED);
    assert_int_equal(rdt_root_add_seal(root, open, &second, &again, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &paper, &no, NULL), RDT_E_DENIED);
    assert_null(no);
}

static void
each_passphrase_seal_is_tried(void **state)
{
    struct rdt_seal_opts first = passphrase("a", &good), second = passphrase("b", &wrong);
    ROOT root = NULL;
    OPEN open = NULL;
    OPEN got = NULL;
    struct rdt_unseal means = {.passphrase = &wrong};
    struct rdt_unseal none = {.n_shares = 0};
    (void)state;
    create(&first, NULL, &root, &open);
    assert_int_equal(rdt_root_add_seal(root, open, &second, NULL, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &means, &got, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &none, &got, NULL), RDT_E_DENIED);
}

/* A mistyped passphrase must not lock a token. */
static void
a_passphrase_is_never_a_pin(void **state)
{
    RDT_SECRET pin = {0};
    (void)state;
    if (softhsm_module() == NULL || softhsm_open() != 0)
        skip();
    secret_of(&pin, TOKEN_PIN);
    struct rdt_seal_opts hsm = {.type = RDT_SEAL_PKCS11,
                                .id = "hsm",
                                .passphrase = &pin,
                                .p11_module = softhsm_proxy,
                                .p11_token = TOKEN,
                                .p11_key = "root",
                                .p11_how = RDT_P11_GCM};
    struct rdt_seal_opts words = passphrase("words", &good);
    struct rdt_unseal mistyped = {.passphrase = &wrong}, right = {.passphrase = &pin};
    ROOT root = NULL;
    OPEN open = NULL;
    OPEN got = NULL;
    create(&hsm, NULL, &root, &open);
    assert_int_equal(rdt_root_add_seal(root, open, &words, NULL, NULL), RDT_OK);
    softhsm_logins();
    assert_int_equal(rdt_root_unseal(root, NULL, &mistyped, &got, NULL), RDT_E_DENIED);
    assert_int_equal(rdt_root_unseal(root, NULL, &right, &got, NULL), RDT_E_DENIED);
    assert_int_equal(softhsm_logins(), 0);
    assert_int_equal(rdt_root_unseal(root, "hsm", &right, &got, NULL), RDT_OK);
    assert_int_equal(softhsm_logins(), 1);
    assert_true(rdt_secret_equal(&got->root, &open->root));
    softhsm_close();
}

static void
another_secret(void **state)
{
    struct rdt_seal_opts first = passphrase("words", &good), paper = shamir("paper", 2, 3);
    struct rdt_seal_opts next[] = {passphrase("words", &wrong), shamir("safe", 2, 2),
                                   shamir("bank", 3, 3)};
    ROOT root = NULL;
    ROOT before = NULL;
    OPEN open = NULL;
    OPEN got = NULL;
    RDT_SECRET item = {0}, shares = {0}, none = {0};
    (void)state;
    create(&first, NULL, &root, &open);
    assert_int_equal(rdt_root_add_seal(root, open, &paper, &shares, NULL), RDT_OK);
    item_of(&item, 0x11);
    assert_int_equal(rdt_root_put(root, open, "rows", &item, NULL), RDT_OK);
    assert_int_equal(edited(root, "", "", &before), RDT_OK);
    rdt_secret_wipe(&shares);

    /* refused, and then nothing is otherwise than before */
    struct rdt_seal_opts twice[] = {next[1], next[1]}, bad[] = {next[1], shamir("x", 9, 2)};
    assert_int_equal(rdt_root_rekey(root, open, next, 1, &none, NULL), RDT_E_STATE);
    assert_int_equal(rdt_root_rekey(root, open, next, 0, &none, NULL), RDT_E_STATE);
    assert_int_equal(rdt_root_rekey(root, open, twice, 2, &none, NULL), RDT_E_STATE);
    assert_int_equal(rdt_root_rekey(root, open, bad, 2, &none, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_root_rekey(root, open, next, 3, NULL, NULL), RDT_E_INTERNAL);
    root->items[0].wrapped[20] ^= 1;
    assert_int_equal(rdt_root_rekey(root, open, next, 3, &none, NULL), RDT_E_TAMPERED);
    root->items[0].wrapped[20] ^= 1;
    assert_null(none.p);
    assert_text(root, before);
    assert_item(root, open, "rows", 0x11);

    assert_int_equal(rdt_root_rekey(root, open, next, 3, &shares, NULL), RDT_OK);
    assert_item(root, open, "rows", 0x11);
    assert_memory_equal(rdt_root_deployment(root), deployment, sizeof deployment);
    struct rdt_unseal old = {.passphrase = &good}, new = {.passphrase = &wrong};
    assert_int_equal(rdt_root_unseal(root, NULL, &old, &got, NULL), RDT_E_DENIED);
    assert_int_equal(rdt_root_unseal(root, NULL, &new, &got, NULL), RDT_OK);
    assert_true(rdt_secret_equal(&got->root, &open->root));
    assert_item(root, got, "rows", 0x11);
    LINES lines;
    split_lines(&shares, &lines);
    assert_int_equal(lines.n, 5);
    struct rdt_unseal safe = {.shares = lines.pointers, .n_shares = 2};
    struct rdt_unseal bank = {.shares = lines.pointers + 2, .n_shares = 3};
    OPEN by_safe = NULL;
    OPEN by_bank = NULL;
    assert_int_equal(rdt_root_unseal(root, NULL, &safe, &by_safe, NULL), RDT_OK);
    assert_int_equal(rdt_root_unseal(root, NULL, &bank, &by_bank, NULL), RDT_OK);
    /* the root that was gives no longer what is */
    OPEN old_open = NULL;
    RDT_SECRET no = {0};
    assert_int_equal(rdt_root_unseal(before, NULL, &old, &old_open, NULL), RDT_OK);
    assert_int_equal(rdt_root_get(root, old_open, "rows", &no, NULL), RDT_E_TAMPERED);
}

static void
no_more_seals_than_that(void **state)
{
    ROOT root = NULL;
    OPEN open = NULL;
    (void)state;
    for (unsigned i = 0; i < RDT_ROOT_SEALS_MAX; i++) {
        char id[8];
        snprintf(id, sizeof id, "d%u", i);
        struct rdt_seal_opts opts = development(id);
        if (i == 0)
            create(&opts, NULL, &root, &open);
        else
            assert_int_equal(rdt_root_add_seal(root, open, &opts, NULL, NULL), RDT_OK);
    }
    struct rdt_seal_opts one_more = development("more");
    assert_int_equal(rdt_root_add_seal(root, open, &one_more, NULL, NULL), RDT_E_LIMIT);
    assert_int_equal(root->n_seals, RDT_ROOT_SEALS_MAX);
}

static void
nothing_is_fine(void **state)
{
    struct rdt_seal_opts opts = development("d");
    ROOT root = NULL;
    (void)state;
    rdt_root_free(NULL);
    rdt_root_lock(NULL);
    assert_int_equal(rdt_root_create(deployment, &opts, NULL, &root, NULL, NULL), RDT_OK);
    assert_string_equal(rdt_seal_type_name(RDT_SEAL_PKCS11), "pkcs11");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_in_and_out),
        cmocka_unit_test(items_that_are_refused),
        cmocka_unit_test(items_of_another_root),
        cmocka_unit_test(custody_and_second_seals),
        cmocka_unit_test(which_seals_may_go),
        cmocka_unit_test(two_seals_one_secret),
        cmocka_unit_test(each_passphrase_seal_is_tried),
        cmocka_unit_test(a_passphrase_is_never_a_pin),
        cmocka_unit_test(another_secret),
        cmocka_unit_test(no_more_seals_than_that),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
