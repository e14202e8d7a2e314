/* Age files, written: the published vectors and the program `age` are in
 * tests/functional/test_age.py. */
#include "crypto/xwing.h"

#include "age_pair.h"

static const size_t sizes[] = {
    0,
    1,
    47,
    48,
    RDT_AGE_CHUNK_LEN - 1,
    RDT_AGE_CHUNK_LEN,
    RDT_AGE_CHUNK_LEN + 1,
    3 * RDT_AGE_CHUNK_LEN,
    3 * RDT_AGE_CHUNK_LEN + 5,
};

/* However the bytes are portioned, the file has one length and opens to the same. */
static void
there_and_back(void **state)
{
    static const size_t steps[] = {1009, RDT_AGE_CHUNK_LEN, RDT_AGE_CHUNK_LEN + 1, 1 << 20};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(sizes); i++)
        for (size_t k = 0; k < RDT_COUNT(steps); k++)
            for (int armor = RDT_AGE_BINARY; armor <= RDT_AGE_ARMORED; armor++) {
                RDT_BUF plain = {0}, file = {0}, back = {0};
                struct rdt_age_to to = to_key((enum rdt_age_armor)armor);
                struct rdt_age_with with = with_key(&private_key);
                pattern(&plain, sizes[i]);
                seal(&to, rdt_buf_span(&plain), steps[k], &file);
                assert_true(rdt_age_is(rdt_buf_span(&file)));
                assert_int_equal(open_with(&with, rdt_buf_span(&file), steps[3 - k], &back),
                                 RDT_AGE_OK);
                assert_true(rdt_span_eq(rdt_buf_span(&plain), rdt_buf_span(&back)));
                size_t chunks =
                    sizes[i] == 0 ? 1 : (sizes[i] + RDT_AGE_CHUNK_LEN - 1) / RDT_AGE_CHUNK_LEN;
                if (armor == RDT_AGE_BINARY) /* version, stanza, MAC line; nonce; tags */
                    assert_int_equal(file.n, 22 + 54 + 44 + 48 + 16 + sizes[i] + 16 * chunks);
            }
}

/* Nothing of one file is in another one. */
static void
new_each_time(void **state)
{
    RDT_BUF a = {0}, b = {0};
    struct rdt_age_to to = to_key(RDT_AGE_BINARY);
    (void)state;
    seal(&to, rdt_span_str("same"), 4, &a);
    seal(&to, rdt_span_str("same"), 4, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_not_equal(a.p + 32, b.p + 32, 43);   /* share */
    assert_memory_not_equal(a.p + 76, b.p + 76, 43);   /* body */
    assert_memory_not_equal(a.p + 168, b.p + 168, 36); /* nonce, chunk */
}

static void
passphrase(void **state)
{
    RDT_BUF file = {0}, back = {0};
    struct rdt_age_to to = {.passphrase = &phrase, .scrypt_log = 10};
    struct rdt_age_with with = {.passphrase = &phrase};
    (void)state;
    seal(&to, rdt_span_str("secret"), 1, &file);
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 1, &back), RDT_AGE_OK);
    assert_true(rdt_span_is(rdt_buf_span(&back), "secret"));
    with.passphrase = &other_key;
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 1, &back), RDT_AGE_NO_MATCH);
    with.passphrase = NULL;
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 1, &back), RDT_AGE_NO_MATCH);
    with = (struct rdt_age_with){.passphrase = &phrase, .scrypt_log_max = 9};
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 1, &back), RDT_AGE_HEADER);
}

/* As many recipients as there may be; the last of them opens the file. */
static void
many(void **state)
{
    RDT_BUF file = {0}, back = {0};
    uint8_t(*keys)[32] = calloc(RDT_AGE_STANZAS_MAX + 1, sizeof *keys);
    struct rdt_age_to to = {.keys = (const uint8_t(*)[32])keys, .n_keys = RDT_AGE_STANZAS_MAX};
    struct rdt_age_with with = with_key(&private_key);
    struct rdt_age_writer *writer = NULL;
    (void)state;
    for (size_t i = 0; i < RDT_AGE_STANZAS_MAX; i++)
        memset(keys[i], 9, sizeof keys[i]);
    memcpy(keys[RDT_AGE_STANZAS_MAX - 1], public_key[0], sizeof public_key[0]);
    seal(&to, rdt_span_str("x"), 1, &file);
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 4096, &back), RDT_AGE_OK);
    to.n_keys++;
    assert_int_equal(rdt_age_writer_new(worker, &to, &writer, NULL), RDT_E_LIMIT);
    free(keys);
}

static void
refused(void **state)
{
    static const uint8_t low_order[1][32];
    const struct {
        struct rdt_age_to to;
        enum rdt_code want;
    } cases[] = {
        {{.n_keys = 0},                                                                  RDT_E_USAGE   },
        {{.keys = (const uint8_t(*)[32])public_key, .n_keys = 1, .passphrase = &phrase},
         RDT_E_USAGE                                                                                   },
        {{.keys = low_order, .n_keys = 1},                                               RDT_E_BADINPUT},
        {{.passphrase = &phrase, .scrypt_log = 23},                                      RDT_E_LIMIT   },
        {{.passphrase = &(struct rdt_secret){0}, .scrypt_log = 1},                       RDT_E_LIMIT   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_age_writer *writer = NULL;
        assert_int_equal(rdt_age_writer_new(worker, &cases[i].to, &writer, NULL), cases[i].want);
        assert_null(writer);
    }
}

/* Where there is ML-KEM, hybrid keys serve; else the refusal says what is missing. */
static void
hybrid(void **state)
{
    static uint8_t key[1][1216];
    RDT_BUF file = {0}, back = {0};
    struct rdt_age_to to = {.hybrid_keys = (const uint8_t(*)[1216])key, .n_hybrid_keys = 1};
    struct rdt_age_with with = {.hybrid_keys = &private_key, .n_hybrid_keys = 1};
    struct rdt_age_writer *writer = NULL;
    struct rdt_err err = {RDT_OK, "", ""};
    (void)state;
    if (!rdt_xwing_has(worker)) {
        assert_int_equal(rdt_age_writer_new(worker, &to, &writer, &err), RDT_E_STATE);
        assert_non_null(strstr(err.hint, "3.5"));
        return;
    }
    assert_int_equal(rdt_xwing_public(worker, &private_key, key[0]), RDT_OK);
    seal(&to, rdt_span_str("secret"), 6, &file);
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 100, &back), RDT_AGE_OK);
    assert_true(rdt_span_is(rdt_buf_span(&back), "secret"));
    with.hybrid_keys = &other_key;
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 100, &back), RDT_AGE_NO_MATCH);
    to.n_keys = 1;
    to.keys = (const uint8_t(*)[32])public_key;
    assert_int_equal(rdt_age_writer_new(worker, &to, &writer, &err), RDT_E_USAGE);
}

static void
ends_once(void **state)
{
    RDT_AUTO(rdt_age_writer_free_at) struct rdt_age_writer *writer = NULL;
    RDT_BUF out = {0};
    struct rdt_age_to to = to_key(RDT_AGE_ANY);
    (void)state;
    assert_int_equal(rdt_age_writer_new(worker, &to, &writer, NULL), RDT_OK);
    assert_int_equal(rdt_age_writer_end(writer, &out, NULL), RDT_OK);
    assert_int_equal(rdt_age_writer_end(writer, &out, NULL), RDT_E_STATE);
    assert_int_equal(rdt_age_writer_feed(writer, rdt_span_str("x"), &out, NULL), RDT_E_STATE);
    rdt_age_writer_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back), cmocka_unit_test(new_each_time),
        cmocka_unit_test(passphrase),     cmocka_unit_test(many),
        cmocka_unit_test(refused),        cmocka_unit_test(ends_once),
        cmocka_unit_test(hybrid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
