#include "root_help.h"

#define BODY 59

static struct root_seal
seal_of(const char *id, unsigned threshold, unsigned n)
{
    struct root_seal seal = {
        .type = RDT_SEAL_SHAMIR, .threshold = threshold, .shares = n, .set = {1, 2, 3, 4}
    };
    snprintf(seal.id, sizeof seal.id, "%s", id);
    return seal;
}

static void
split(const struct root_seal *seal, const uint8_t *owner, struct rdt_secret *kek,
      struct rdt_secret *text)
{
    struct rdt_seal_opts opts = shamir(seal->id, seal->threshold, seal->shares);
    struct root_shares shares;
    assert_int_equal(rdt_secret_new(kek, RDT_KEY_LEN, NULL), RDT_OK);
    for (size_t i = 0; i < kek->n; i++)
        kek->p[i] = (uint8_t)(i * 91 + 3);
    assert_int_equal(rdt_root_shares_begin(&shares, &opts, 1, text, NULL), RDT_OK);
    assert_int_equal(rdt_root_shares_split(owner, seal, kek, &shares, NULL), RDT_OK);
    rdt_root_shares_end(&shares, RDT_OK);
}

static enum rdt_code
join(const struct root_seal *seal, const struct rdt_secret *const *texts, size_t n,
     struct rdt_secret *kek, struct rdt_err *err)
{
    struct rdt_unseal means = {.shares = texts, .n_shares = n};
    return rdt_root_shares_join(deployment, seal, &means, kek, err);
}

static void
there_and_back(void **state)
{
    static const struct {
        const char *id;
        unsigned k, n;
    } cases[] = {
        {"paper",                           2,  3 },
        {"a-1-2",                           3,  5 },
        {"-",                               2,  2 },
        {"0123456789012345678901234567890", 16, 16},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct root_seal seal = seal_of(cases[i].id, cases[i].k, cases[i].n);
        RDT_SECRET kek = {0}, text = {0};
        LINES lines;
        char start[96], id[RDT_ROOT_ID_MAX];
        split(&seal, deployment, &kek, &text);
        split_lines(&text, &lines);
        assert_int_equal(lines.n, cases[i].n);
        for (size_t s = 0; s < lines.n; s++) {
            int n = snprintf(start, sizeof start, "redoubt-share-1-%s-%zu-", cases[i].id, s + 1);
            assert_int_equal(lines.all[s].n, (size_t)n + BODY);
            assert_memory_equal(lines.all[s].p, start, (size_t)n);
            assert_true(rdt_root_share_seal(&lines.all[s], id));
            assert_string_equal(id, cases[i].id);
        }
        for (size_t from = 0; from + cases[i].k <= lines.n; from++) {
            RDT_SECRET got = {0};
            assert_int_equal(join(&seal, lines.pointers + from, cases[i].k, &got, NULL), RDT_OK);
            assert_true(rdt_secret_equal(&got, &kek));
        }
        RDT_SECRET all = {0};
        assert_int_equal(join(&seal, lines.pointers, lines.n, &all, NULL), RDT_OK);
        assert_true(rdt_secret_equal(&all, &kek));
    }
}

static void
too_few(void **state)
{
    struct root_seal seal = seal_of("paper", 3, 5);
    RDT_SECRET kek = {0}, text = {0}, got = {0};
    LINES lines;
    struct rdt_err err = {0};
    (void)state;
    split(&seal, deployment, &kek, &text);
    split_lines(&text, &lines);
    assert_int_equal(join(&seal, lines.pointers, 2, &got, &err), RDT_E_DENIED);
    assert_string_equal(err.text, "2 different shares, 3 are needed");
    const struct rdt_secret *twice[] = {&lines.all[0], &lines.all[1], &lines.all[0]};
    assert_int_equal(join(&seal, twice, 3, &got, &err), RDT_E_DENIED);
    assert_string_equal(err.text, "2 different shares, 3 are needed");
    const struct rdt_secret *enough[] = {&lines.all[0], &lines.all[0], &lines.all[4],
                                         &lines.all[2]};
    assert_int_equal(join(&seal, enough, 4, &got, &err), RDT_OK);
    assert_true(rdt_secret_equal(&got, &kek));
    const struct rdt_secret *many[RDT_SHARES_MAX + 1];
    RDT_SECRET none = {0};
    for (size_t i = 0; i <= RDT_SHARES_MAX; i++)
        many[i] = &lines.all[0];
    assert_int_equal(join(&seal, many, RDT_SHARES_MAX + 1, &none, NULL), RDT_E_LIMIT);
    assert_null(none.p);
}

/* Any one letter replaced, left out, doubled or swapped with its neighbour. */
static void
each_typing_error_is_noticed(void **state)
{
    struct root_seal seal = seal_of("paper", 2, 3);
    RDT_SECRET kek = {0}, text = {0};
    LINES lines;
    (void)state;
    split(&seal, deployment, &kek, &text);
    split_lines(&text, &lines);
    for (size_t at = 0; at < lines.all[1].n; at++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            RDT_SECRET typo = {0}, got = {0};
            struct rdt_err err = {0};
            const struct rdt_secret *given[] = {&lines.all[0], &typo};
            size_t n = lines.all[1].n;
            assert_int_equal(rdt_secret_new(&typo, n + 1, NULL), RDT_OK);
            memcpy(typo.p, lines.all[1].p, n);
            if (kind == 0)
                typo.p[at] = typo.p[at] == 'A' ? 'B' : 'A';
            if (kind == 1)
                memmove(typo.p + at, typo.p + at + 1, n - at);
            if (kind == 2)
                memmove(typo.p + at + 1, typo.p + at, n - at);
            if (kind == 3 && at + 1 < n && typo.p[at] != typo.p[at + 1]) {
                typo.p[at] = lines.all[1].p[at + 1];
                typo.p[at + 1] = lines.all[1].p[at];
            } else if (kind == 3) {
                continue;
            }
            rdt_secret_cut(&typo, kind == 1 ? n - 1 : kind == 2 ? n + 1 : n);
            assert_int_equal(join(&seal, given, 2, &got, &err), RDT_E_DENIED);
            assert_non_null(strstr(err.text, "share 2 "));
            assert_null(memmem(err.text, sizeof err.text, lines.all[1].p + n - 10, 10));
        }
    }
}

static void
what_is_no_share(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        "redoubt-share-1-",
        "redoubt-share-1-paper-1-",
        "redoubt-share-2-paper-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-paper-0-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-paper-17-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-paper-01-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-paper-4294967297-"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-Paper-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1--1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "redoubt-share-1-01234567890123456789012345678901-1-"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "correct horse battery staple correct horse battery staple correct horse battery staple",
    };
    struct root_seal seal = seal_of("paper", 2, 3);
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        RDT_SECRET text = {0}, got = {0};
        struct rdt_err err = {0};
        const struct rdt_secret *given[] = {&text};
        secret_of(&text, texts[i]);
        assert_int_equal(join(&seal, given, 1, &got, &err), RDT_E_DENIED);
        assert_non_null(strstr(err.text, i == 4 ? "another format" : "not a whole share"));
        assert_null(got.p);
    }
}

static void
blanks_around_a_share(void **state)
{
    struct root_seal seal = seal_of("paper", 2, 2);
    RDT_SECRET kek = {0}, text = {0}, padded = {0}, got = {0};
    LINES lines;
    (void)state;
    split(&seal, deployment, &kek, &text);
    split_lines(&text, &lines);
    assert_int_equal(rdt_secret_new(&padded, lines.all[0].n + 5, NULL), RDT_OK);
    memcpy(padded.p, "  ", 2);
    memcpy(padded.p + 2, lines.all[0].p, lines.all[0].n);
    memcpy(padded.p + 2 + lines.all[0].n, "\t\r\n", 3);
    const struct rdt_secret *given[] = {&padded, &lines.all[1]};
    assert_int_equal(join(&seal, given, 2, &got, NULL), RDT_OK);
    assert_true(rdt_secret_equal(&got, &kek));
}

static void
shares_of_something_else(void **state)
{
    static const uint8_t other_deployment[16] = {0xd1, 1, 2, 3};
    struct root_seal seal = seal_of("paper", 2, 2), other_id = seal_of("papel", 2, 2);
    struct root_seal other_set = seal;
    struct {
        const struct root_seal *seal;
        const uint8_t *owner;
        const char *words;
    } cases[] = {
        {&seal,      other_deployment, "share 2 is of another deployment"               },
        {&other_id,  deployment,       "share 2 is of the seal 'papel', not of 'paper'" },
        {&other_set, deployment,       "share 2 is of another split of the seal 'paper'"},
    };
    (void)state;
    other_set.set[3] ^= 1;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET kek = {0}, again = {0}, mine = {0}, other = {0}, got = {0};
        LINES a, b;
        struct rdt_err err = {0};
        split(&seal, deployment, &kek, &mine);
        split(cases[i].seal, cases[i].owner, &again, &other);
        split_lines(&mine, &a);
        split_lines(&other, &b);
        const struct rdt_secret *given[] = {&a.all[0], &b.all[1]};
        assert_int_equal(join(&seal, given, 2, &got, &err), RDT_E_DENIED);
        assert_string_equal(err.text, cases[i].words);
    }
}

static void
room_for_shares(void **state)
{
    RDT_SECRET text = {0};
    struct root_shares shares;
    struct rdt_seal_opts seals[] = {development("d"), shamir("a", 2, 3), shamir("b", 2, 2)};
    (void)state;
    assert_int_equal(rdt_root_shares_begin(&shares, seals, 1, NULL, NULL), RDT_OK);
    rdt_root_shares_end(&shares, RDT_OK);
    assert_int_equal(rdt_root_shares_begin(&shares, seals, 3, NULL, NULL), RDT_E_INTERNAL);
    assert_int_equal(rdt_root_shares_begin(&shares, seals, 3, &text, NULL), RDT_OK);
    rdt_root_shares_end(&shares, RDT_E_IO);
    assert_null(text.p);
}

/* Each share of a root by itself; one of another root, seal or split, or with a slip, is none. */
static void
checked_by_itself(void **state)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_free_at) struct rdt_root *other = NULL;
    RDT_SECRET text = {0}, text2 = {0}, foreign = {0};
    struct rdt_seal_opts first = shamir("paper", 2, 3), second = shamir("vault", 3, 3);
    struct rdt_root_open *open = NULL, *unused = NULL;
    struct rdt_seal_info seal;
    unsigned number = 0;
    static const uint8_t elsewhere[16] = {9};
    (void)state;
    assert_int_equal(rdt_root_create(deployment, &first, &text, &root, &open, NULL), RDT_OK);
    assert_int_equal(rdt_root_add_seal(root, open, &second, &text2, NULL), RDT_OK);
    assert_int_equal(rdt_root_create(elsewhere, &first, &foreign, &other, &unused, NULL), RDT_OK);
    rdt_root_lock(unused);
    LINES a, b, c;
    split_lines(&text, &a);
    split_lines(&text2, &b);
    split_lines(&foreign, &c);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rdt_root_share_check(root, a.pointers[i], &seal, &number, NULL), RDT_OK);
        assert_true(strcmp(seal.id, "paper") == 0 && seal.threshold == 2 && number == i + 1);
        assert_int_equal(rdt_root_share_check(root, b.pointers[i], &seal, &number, NULL), RDT_OK);
        assert_true(strcmp(seal.id, "vault") == 0 && seal.threshold == 3 && number == i + 1);
        assert_int_equal(rdt_root_share_check(root, c.pointers[i], &seal, &number, NULL),
                         RDT_E_DENIED);
    }
    assert_int_equal(rdt_root_share_check(other, b.pointers[0], &seal, &number, NULL),
                     RDT_E_DENIED);
    a.all[0].p[a.all[0].n - 1] ^= 1;
    assert_int_equal(rdt_root_share_check(root, a.pointers[0], &seal, &number, NULL), RDT_E_DENIED);
    rdt_root_lock(open);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(too_few),
        cmocka_unit_test(each_typing_error_is_noticed),
        cmocka_unit_test(what_is_no_share),
        cmocka_unit_test(blanks_around_a_share),
        cmocka_unit_test(shares_of_something_else),
        cmocka_unit_test(room_for_shares),
        cmocka_unit_test(checked_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
