#include "store/merkle.h"

#include "../test.h"

#include <stdio.h>

static struct rdt_worker *worker;

static int
open_worker(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK ? 0 : -1;
}

static int
close_worker(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    return 0;
}

static void
hex(const uint8_t *bytes, char out[static 65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The leaves and roots of the reference implementation's own test (certificate-transparency,
 * merkletree/merkle_tree_test.cc), which tests of RFC 6962 trees share. */
static void
known_roots(void **state)
{
    static const struct {
        const char *leaf;
        size_t n;
        const char *root; /* of the tree up to it */
    } cases[] = {
        {"",                                         0,  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\x00",                                     1,  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10",                                     1,  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21",                                 2,  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31",                                 2,  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43",                         4,  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57",         8,
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"                                                },
        {"\x60\x61\x62\x63\x64\x65\x66\x67hijklmno", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"                                                },
    };
    struct rdt_merkle tree = {0};
    uint8_t root[RDT_SHA256_LEN];
    char got[65];
    (void)state;
    assert_int_equal(rdt_merkle_root(&tree, worker, root, NULL), RDT_OK);
    hex(root, got); /* RFC 6962, 2.1: MTH({}) = SHA-256() */
    assert_string_equal(got, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_span leaf = {(const uint8_t *)cases[i].leaf, cases[i].n};
        assert_int_equal(rdt_merkle_add(&tree, worker, leaf, NULL), RDT_OK);
        assert_int_equal(rdt_merkle_root(&tree, worker, root, NULL), RDT_OK);
        hex(root, got);
        assert_string_equal(got, cases[i].root);
    }
}

/* ---- paths, against the recursive definition of RFC 6962, 2.1.1 ---- */

#define TREE_TOP 70

static uint64_t records[TREE_TOP]; /* record i is the 8 bytes of records[i] */

static struct rdt_span
record(uint64_t i)
{
    records[i] = 0x5150 + i * 77;
    return (struct rdt_span){(const uint8_t *)&records[i], sizeof records[i]};
}

static void
root_of(uint64_t lo, uint64_t hi, uint8_t *out)
{
    struct rdt_merkle tree = {0};
    for (uint64_t i = lo; i < hi; i++)
        assert_int_equal(rdt_merkle_add(&tree, worker, record(i), NULL), RDT_OK);
    assert_int_equal(rdt_merkle_root(&tree, worker, out, NULL), RDT_OK);
}

/* PATH(m, D[lo:hi]), leaf upwards */
static size_t
path_of(uint64_t m, uint64_t lo, uint64_t hi, uint8_t (*out)[RDT_SHA256_LEN])
{
    uint64_t k = 1;
    if (hi - lo <= 1)
        return 0;
    while (2 * k < hi - lo)
        k *= 2;
    bool left = m < lo + k;
    size_t n = left ? path_of(m, lo, lo + k, out) : path_of(m, lo + k, hi, out);
    root_of(left ? lo + k : lo, left ? hi : lo + k, out[n]);
    return n + 1;
}

static void
check_path(uint64_t index, uint64_t size, uint64_t before)
{
    struct rdt_merkle_prover prover;
    struct rdt_merkle tree = {0};
    uint8_t want[RDT_MERKLE_LEVELS][RDT_SHA256_LEN], root[RDT_SHA256_LEN], got[RDT_SHA256_LEN];
    for (uint64_t i = 0; i < before; i++)
        assert_int_equal(rdt_merkle_add(&tree, worker, record(i), NULL), RDT_OK);
    rdt_merkle_prover_init(&prover, index, size, &tree);
    for (uint64_t i = before; i < size; i++)
        assert_int_equal(rdt_merkle_prover_add(&prover, worker, record(i), NULL), RDT_OK);
    assert_int_equal(prover.at, size);
    assert_int_equal(prover.n_path, path_of(index, 0, size, want));
    assert_memory_equal(prover.path, want, prover.n_path * RDT_SHA256_LEN);
    struct rdt_merkle_path path = {index, size, prover.path, prover.n_path};
    root_of(0, size, root);
    assert_int_equal(rdt_merkle_path_root(&path, worker, record(index), got, NULL), RDT_OK);
    assert_memory_equal(got, root, sizeof got);
}

static void
every_path(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 20; size++)
        for (uint64_t index = 0; index < size; index++)
            for (uint64_t before = 0; before <= index; before += 3)
                check_path(index, size, before);
    for (uint64_t index = 0; index < TREE_TOP; index += 7)
        check_path(index, TREE_TOP, index / 2);
}

static void
paths_that_prove_nothing(void **state)
{
    uint8_t path[RDT_MERKLE_LEVELS][RDT_SHA256_LEN] = {0}, root[RDT_SHA256_LEN],
            got[RDT_SHA256_LEN];
    (void)state;
    root_of(0, 13, root);
    size_t n = path_of(12, 0, 13, path);
    static const struct {
        const char *what;
        uint64_t index, size;
        int more; /* steps */
        enum rdt_code want;
    } cases[] = {
        {"too short",                  12, 13, -1, RDT_E_BADINPUT},
        {"too long",                   12, 13, 1,  RDT_E_BADINPUT},
        {"outside the tree",           13, 13, 0,  RDT_E_BADINPUT},
        {"another place, as deep",     8,  9,  0,  RDT_E_BADINPUT},
        {"no tree",                    0,  0,  0,  RDT_E_BADINPUT},
        {"another place, other depth", 3,  13, 0,  RDT_E_BADINPUT},
    };
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_merkle_path bad = {cases[i].index, cases[i].size, path,
                                      n + (size_t)cases[i].more};
        enum rdt_code rc = rdt_merkle_path_root(&bad, worker, record(12), got, NULL);
        if (rc != cases[i].want)
            print_error("%s: %d\n", cases[i].what, rc);
        assert_int_equal(rc, cases[i].want);
    }
    struct rdt_merkle_path other = {12, 13, path, n};
    assert_int_equal(rdt_merkle_path_root(&other, worker, record(11), got, NULL), RDT_OK);
    assert_memory_not_equal(got, root, sizeof got);
    path[0][31] ^= 1;
    assert_int_equal(rdt_merkle_path_root(&other, worker, record(12), got, NULL), RDT_OK);
    assert_memory_not_equal(got, root, sizeof got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_roots),
        cmocka_unit_test(every_path),
        cmocka_unit_test(paths_that_prove_nothing),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
