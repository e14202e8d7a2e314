#include "crypto/hash.h"

#include "../test.h"

static void
vectors(void **state)
{
    static const struct {
        const char *source, *bytes, *want;
    } cases[] = {
        {"FIPS 180-4 example, one block",     "abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"                                                            },
        {"FIPS 180-4 example, two blocks",
         "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"NIST CAVP SHA256ShortMsg, Len = 0", "",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"                                                            },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[2 * RDT_SHA256_LEN + 1];
        assert_int_equal(rdt_sha256_text(rdt_span_str(cases[i].bytes), got, NULL), RDT_OK);
        assert_string_equal(got, cases[i].want);
    }
}

static void
no_bytes_without_a_pointer(void **state)
{
    uint8_t a[RDT_SHA256_LEN], b[RDT_SHA256_LEN];
    (void)state;
    assert_int_equal(rdt_sha256((struct rdt_span){NULL, 0}, a, NULL), RDT_OK);
    assert_int_equal(rdt_sha256(rdt_span_str(""), b, NULL), RDT_OK);
    assert_memory_equal(a, b, sizeof a);
}

static void
piece_by_piece(void **state)
{
    uint8_t one[RDT_SHA256_LEN], other[RDT_SHA256_LEN];
    struct rdt_span all = rdt_span_str("what comes piece by piece is hashed as one");
    (void)state;
    assert_int_equal(rdt_sha256(all, one, NULL), RDT_OK);
    for (size_t step = 1; step <= all.n; step++) {
        struct rdt_hash *hash = NULL;
        assert_int_equal(rdt_hash_new(&hash), RDT_OK);
        assert_int_equal(rdt_hash_add(hash, (struct rdt_span){NULL, 0}), RDT_OK);
        for (size_t at = 0; at < all.n; at += step) {
            size_t n = all.n - at < step ? all.n - at : step;
            assert_int_equal(rdt_hash_add(hash, (struct rdt_span){all.p + at, n}), RDT_OK);
        }
        assert_int_equal(rdt_hash_end(hash, other), RDT_OK);
        assert_memory_equal(one, other, sizeof one);
        rdt_hash_free(hash);
    }
    rdt_hash_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(no_bytes_without_a_pointer),
        cmocka_unit_test(piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
