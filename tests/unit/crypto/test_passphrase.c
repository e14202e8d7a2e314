#include "crypto/passphrase.h"

#include "../test.h"

#define MIN RDT_ARGON_MEMORY_MIN
#define SALT                                                                                       \
    {                                                                                              \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15                                       \
    }

/* Made by OpenSSL 3.2's own Argon2id, which is not libargon2 (Python: cryptography 48). */
static const struct {
    const char *passphrase;
    struct rdt_argon cost;
    size_t n;
    uint8_t key[64];
} vectors[] = {
    {"correct horse battery staple",
     {MIN, 2, 1, SALT},
     32, {0x81, 0x82, 0x59, 0xb6, 0x31, 0x00, 0x26, 0xa8, 0xe0, 0xdb, 0xac,
      0x5d, 0x2e, 0x69, 0x27, 0xab, 0xcf, 0xdb, 0x07, 0xb3, 0x22, 0x58,
      0xfa, 0xc4, 0xf6, 0x1b, 0x18, 0xb8, 0x0f, 0x92, 0x90, 0x85}            },
    {"pass",
     {65536, 1, 4, SALT},
     16, {0x43, 0x61, 0xfc, 0x64, 0x30, 0xe4, 0x9f, 0xda, 0x5b, 0x3d, 0xb9, 0xfd, 0x52, 0x47, 0x88,
      0x46}                                                                  },
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxx",                 {20000, 3, 2, SALT},
     64, {0x91, 0x18, 0x6d, 0x49, 0x01, 0x69, 0x25, 0x49, 0xb4, 0x83, 0x25, 0x3c, 0x06,
      0xeb, 0x6c, 0x97, 0x8c, 0x59, 0x20, 0x82, 0xcc, 0x48, 0x19, 0x34, 0x01, 0xfb,
      0x40, 0x88, 0xb9, 0x08, 0x35, 0x53, 0xe9, 0xad, 0x13, 0xd1, 0xc0, 0xed, 0x57,
      0xd0, 0x05, 0xbd, 0x00, 0xbb, 0xb0, 0x1c, 0x66, 0xee, 0xe4, 0x44, 0x83, 0x91,
      0x63, 0x27, 0xc4, 0xc3, 0x51, 0xaf, 0xc3, 0xe5, 0x64, 0x38, 0xc1, 0xeb}},
};

static void
agrees_with_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        RDT_SECRET passphrase = {0}, key = {0};
        assert_int_equal(rdt_secret_copy(&passphrase, rdt_span_str(vectors[i].passphrase), NULL),
                         RDT_OK);
        assert_int_equal(rdt_secret_new(&key, vectors[i].n, NULL), RDT_OK);
        assert_int_equal(rdt_passphrase_key(&passphrase, &vectors[i].cost, &key, NULL), RDT_OK);
        assert_memory_equal(key.p, vectors[i].key, key.n);
    }
}

static void
refuses(void **state)
{
    static const struct {
        struct rdt_argon cost;
        size_t n;
    } cases[] = {
        {{MIN - 1, 1, 1, SALT},                    32},
        {{0, 1, 1, SALT},                          32},
        {{RDT_ARGON_MEMORY_MAX + 1, 1, 1, SALT},   32},
        {{UINT32_MAX, 1, 1, SALT},                 32},
        {{MIN, 0, 1, SALT},                        32},
        {{MIN, RDT_ARGON_PASSES_MAX + 1, 1, SALT}, 32},
        {{MIN, UINT32_MAX, 1, SALT},               32},
        {{MIN, 1, 0, SALT},                        32},
        {{MIN, 1, RDT_ARGON_LANES_MAX + 1, SALT},  32},
        {{MIN, 1, 1, SALT},                        15},
        {{MIN, 1, 1, SALT},                        65},
    };
    RDT_SECRET passphrase = {0};
    (void)state;
    assert_int_equal(rdt_secret_copy(&passphrase, rdt_span_str("pass"), NULL), RDT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_SECRET key = {0};
        struct rdt_err err = {0};
        assert_int_equal(rdt_secret_new(&key, cases[i].n, NULL), RDT_OK);
        assert_int_equal(rdt_passphrase_key(&passphrase, &cases[i].cost, &key, &err), RDT_E_LIMIT);
        assert_string_not_equal(err.text, "");
        for (size_t at = 0; at < key.n; at++)
            assert_int_equal(key.p[at], 0);
    }
}

static void
every_input_counts(void **state)
{
    static const struct rdt_argon costs[] = {
        {MIN,     1, 1, SALT},
        {MIN + 8, 1, 1, SALT},
        {MIN,     2, 1, SALT},
        {MIN,     1, 2, SALT},
        {MIN,     1, 1, {1} }
    };
    RDT_SECRET passphrase = {0};
    struct rdt_secret keys[5] = {0};
    (void)state;
    assert_int_equal(rdt_secret_copy(&passphrase, rdt_span_str("pass"), NULL), RDT_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rdt_secret_new(&keys[i], 32, NULL), RDT_OK);
        assert_int_equal(rdt_passphrase_key(&passphrase, &costs[i], &keys[i], NULL), RDT_OK);
        for (size_t j = 0; j < i; j++)
            assert_false(rdt_secret_equal(&keys[i], &keys[j]));
    }
    for (size_t i = 0; i < 5; i++)
        rdt_secret_wipe(&keys[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_another),
        cmocka_unit_test(refuses),
        cmocka_unit_test(every_input_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
