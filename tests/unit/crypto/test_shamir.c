#include "crypto/shamir.h"

#include "../test.h"

#define LEN 8

/* Made by a program that multiplies by logarithms: secret | a1 | a2 below, f(x) at x. */
static const uint8_t known_secret[LEN] = {0x00, 0x01, 0x02, 0xfe, 0x80, 0xff, 0x7f, 0x5a};
static const struct {
    uint8_t x, y[LEN];
} known[] = {
    {1,   {0xa1, 0x4c, 0xd1, 0x0a, 0x55, 0x49, 0xdd, 0x18}},
    {2,   {0x59, 0xaf, 0xdf, 0xcd, 0x91, 0x13, 0xd3, 0x19}},
    {3,   {0xf8, 0xe2, 0x0c, 0x39, 0x44, 0xa5, 0x71, 0x5b}},
    {16,  {0xfe, 0x1e, 0x2d, 0x5c, 0xb4, 0x9c, 0x1a, 0x1e}},
    {200, {0x1b, 0x96, 0x7b, 0x0e, 0xb5, 0x11, 0x83, 0x3d}},
    {255, {0x48, 0x49, 0xe9, 0xca, 0xdb, 0x06, 0xfe, 0xb3}},
};
#define NKNOWN (sizeof known / sizeof known[0])

static void
free_shares(struct rdt_share *shares, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rdt_secret_wipe(&shares[i].y);
}

static void
take_known(struct rdt_share *share, size_t i)
{
    share->x = known[i].x;
    assert_int_equal(
        rdt_secret_copy(&share->y, (struct rdt_span){known[i].y, sizeof known[i].y}, NULL), RDT_OK);
}

static void
known_shares_join(void **state)
{
    (void)state;
    for (size_t a = 0; a < NKNOWN; a++) {
        for (size_t b = 0; b < NKNOWN; b++) {
            for (size_t c = 0; c < NKNOWN; c++) {
                struct rdt_share shares[3] = {0};
                RDT_SECRET got = {0};
                if (a == b || b == c || a == c)
                    continue;
                take_known(&shares[0], a);
                take_known(&shares[1], b);
                take_known(&shares[2], c);
                assert_int_equal(rdt_shamir_join(shares, 3, &got, NULL), RDT_OK);
                assert_int_equal(got.n, LEN);
                assert_memory_equal(got.p, known_secret, LEN);
                free_shares(shares, 3);
            }
        }
    }
}

static void
make_secret(struct rdt_secret *secret, size_t n)
{
    assert_int_equal(rdt_secret_new(secret, n, NULL), RDT_OK);
    for (size_t i = 0; i < n; i++)
        secret->p[i] = (uint8_t)(i * 37 + 1);
}

static void
any_k_give_it_back(void **state)
{
    static const struct {
        unsigned k, n;
    } cases[] = {
        {2,  2 },
        {2,  5 },
        {3,  5 },
        {5,  5 },
        {16, 16},
        {2,  16}
    };
    RDT_SECRET secret = {0};
    (void)state;
    make_secret(&secret, 32);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        unsigned k = cases[c].k, n = cases[c].n;
        struct rdt_share shares[RDT_SHARES_MAX] = {0};
        assert_int_equal(rdt_shamir_split(&secret, k, n, shares, NULL), RDT_OK);
        for (unsigned from = 0; from + k <= n; from++) {
            RDT_SECRET all = {0}, few = {0};
            assert_int_equal(shares[from].x, from + 1);
            assert_int_equal(rdt_shamir_join(shares + from, k, &all, NULL), RDT_OK);
            assert_true(rdt_secret_equal(&all, &secret));
            if (k > 2) {
                assert_int_equal(rdt_shamir_join(shares + from, k - 1, &few, NULL), RDT_OK);
                assert_false(rdt_secret_equal(&few, &secret));
            }
        }
        free_shares(shares, RDT_SHARES_MAX);
    }
}

/* With a threshold of 2, one share of a one-byte secret takes every value about equally often. */
static void
one_share_says_nothing(void **state)
{
    unsigned seen[256] = {0}, most = 0;
    RDT_SECRET secret = {0};
    (void)state;
    make_secret(&secret, 1024);
    for (unsigned round = 0; round < 16; round++) {
        struct rdt_share shares[2] = {0};
        assert_int_equal(rdt_shamir_split(&secret, 2, 2, shares, NULL), RDT_OK);
        for (size_t i = 0; i < secret.n; i++)
            seen[(uint8_t)(shares[1].y.p[i] ^ secret.p[i])]++;
        free_shares(shares, 2);
    }
    for (size_t i = 0; i < 256; i++) {
        assert_true(seen[i] > 0); /* 64 on average: none at all has a chance of e^-64 */
        most = seen[i] > most ? seen[i] : most;
    }
    assert_true(most < 160);
}

static void
refuses_to_split(void **state)
{
    static const struct {
        unsigned k, n;
        size_t secret_n;
    } cases[] = {
        {1,  3,                  32                },
        {0,  0,                  32                },
        {4,  3,                  32                },
        {2,  RDT_SHARES_MAX + 1, 32                },
        {2,  2,                  0                 },
        {16, 16,                 RDT_SECRET_MAX / 8},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct rdt_share shares[RDT_SHARES_MAX + 1] = {0};
        RDT_SECRET secret = {0};
        make_secret(&secret, cases[c].secret_n);
        assert_int_equal(rdt_shamir_split(&secret, cases[c].k, cases[c].n, shares, NULL),
                         RDT_E_LIMIT);
        for (size_t i = 0; i <= RDT_SHARES_MAX; i++)
            assert_null(shares[i].y.p);
    }
}

static void
refuses_to_join(void **state)
{
    struct rdt_share shares[RDT_SHARES_MAX + 1] = {0};
    RDT_SECRET got = {0};
    struct rdt_err err;
    (void)state;
    for (size_t i = 0; i < 3; i++)
        take_known(&shares[i], i);
    assert_int_equal(rdt_shamir_join(shares, 1, &got, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_shamir_join(shares, RDT_SHARES_MAX + 1, &got, NULL), RDT_E_LIMIT);
    shares[1].x = 0;
    assert_int_equal(rdt_shamir_join(shares, 3, &got, NULL), RDT_E_BADINPUT);
    shares[1].x = shares[2].x;
    assert_int_equal(rdt_shamir_join(shares, 3, &got, &err), RDT_E_BADINPUT);
    assert_string_equal(err.text, "share 3 twice");
    shares[1].x = 2;
    rdt_secret_cut(&shares[2].y, LEN - 1);
    assert_int_equal(rdt_shamir_join(shares, 3, &got, NULL), RDT_E_BADINPUT);
    assert_null(got.p);
    free_shares(shares, 3);
}

static void
a_wrong_share_gives_another_secret(void **state)
{
    struct rdt_share shares[3] = {0};
    RDT_SECRET got = {0};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        take_known(&shares[i], i);
    shares[1].y.p[4] ^= 1;
    assert_int_equal(rdt_shamir_join(shares, 3, &got, NULL), RDT_OK);
    assert_memory_not_equal(got.p, known_secret, LEN);
    free_shares(shares, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_shares_join),
        cmocka_unit_test(any_k_give_it_back),
        cmocka_unit_test(one_share_says_nothing),
        cmocka_unit_test(refuses_to_split),
        cmocka_unit_test(refuses_to_join),
        cmocka_unit_test(a_wrong_share_gives_another_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
