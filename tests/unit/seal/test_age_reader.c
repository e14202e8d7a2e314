/* Age files, read: cut, flipped, swapped, for somebody else. The published vectors are in
 * tests/functional/test_age.py. */
#include "codec/base64.h"
#include "seal/age_internal.h"

#include "age_pair.h"

#define HEADER_LEN 168 /* of a file to one key */

static void
is_age(void **state)
{
    static const struct {
        const char *first;
        bool is;
    } cases[] = {
        {"age-encryption.org/v1\n",                   true },
        {"age-encryption.org/v9\n",                   true },
        {" \r\n\t-----BEGIN AGE ENCRYPTED FILE-----", true },
        {"age-encryption.or",                         false},
        {"-----BEGIN AGE ENCRYPTED FILE----",         false},
        {"RBF1",                                      false},
        {"",                                          false},
        {"  ",                                        false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_age_is(rdt_span_str(cases[i].first)), cases[i].is);
}

/* Cut anywhere: never whole, and what came out is the beginning of the plaintext. */
static void
each_truncation(void **state)
{
    (void)state;
    for (int armor = RDT_AGE_BINARY; armor <= RDT_AGE_ARMORED; armor++) {
        RDT_BUF file = {0};
        struct rdt_age_to to = to_key((enum rdt_age_armor)armor);
        struct rdt_age_with with = with_key(&private_key);
        seal(&to, rdt_span_str("plaintext"), 9, &file);
        size_t whole =
            armor == RDT_AGE_ARMORED ? file.n - 1 : file.n; /* the last LF may be missing */
        for (size_t n = 0; n < whole; n++) {
            RDT_BUF back = {0};
            enum rdt_age_fault fault = open_with(&with, (struct rdt_span){file.p, n}, 64, &back);
            assert_int_equal(back.n, 0);
            if (armor == RDT_AGE_ARMORED && n != 0)
                assert_int_equal(fault, RDT_AGE_ARMOR);
            else
                assert_int_equal(fault, n < HEADER_LEN + 16 ? RDT_AGE_HEADER : RDT_AGE_PAYLOAD);
        }
    }
}

/* Of a binary file each bit counts: header by its form or MAC, nonce and chunk by the tag. */
static void
each_bit(void **state)
{
    RDT_BUF file = {0};
    struct rdt_age_to to = to_key(RDT_AGE_BINARY);
    struct rdt_age_with with = with_key(&private_key);
    (void)state;
    with.armor = RDT_AGE_BINARY;
    seal(&to, rdt_span_str("plaintext"), 9, &file);
    for (size_t bit = 0; bit < 8 * file.n; bit++) {
        RDT_BUF back = {0};
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum rdt_age_fault fault = open_with(&with, rdt_buf_span(&file), file.n, &back);
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(back.n, 0);
        assert_int_not_equal(fault, RDT_AGE_OK);
        assert_true(bit / 8 < HEADER_LEN ? fault != RDT_AGE_PAYLOAD : fault == RDT_AGE_PAYLOAD);
    }
}

/* Armor has one spelling but for white space around it and CR before LF. */
static void
each_armored_bit(void **state)
{
    RDT_BUF file = {0};
    struct rdt_age_to to = to_key(RDT_AGE_ARMORED);
    struct rdt_age_with with = with_key(&private_key);
    (void)state;
    with.armor = RDT_AGE_ARMORED;
    seal(&to, rdt_span_str("plaintext"), 9, &file);
    for (size_t bit = 0; bit < 8 * (file.n - 1); bit++) {
        RDT_BUF back = {0};
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (open_with(&with, rdt_buf_span(&file), file.n, &back) == RDT_AGE_OK)
            fail_msg("bit %zu", bit);
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
chunks_stay_in_order(void **state)
{
    enum { SEALED = RDT_AGE_CHUNK_LEN + 16, FIRST = HEADER_LEN + 16 };
    static const struct {
        int order[4];
        size_t n, whole; /* whole chunks that come out */
    } cases[] = {
        {{0, 1, 2, 3}, 4, 4},
        {{1, 0, 2, 3}, 4, 0}, /* swapped */
        {{0, 0, 1, 2}, 4, 1}, /* twice */
        {{0, 2, 3},    3, 1}, /* left out */
        {{0, 1, 2},    3, 3}, /* without the last */
        {{0, 1, 3, 2}, 4, 2},
        {{3},          1, 0},
    };
    RDT_BUF plain = {0}, file = {0};
    struct rdt_age_to to = to_key(RDT_AGE_BINARY);
    struct rdt_age_with with = with_key(&private_key);
    (void)state;
    pattern(&plain, 4 * RDT_AGE_CHUNK_LEN);
    seal(&to, rdt_buf_span(&plain), plain.n, &file);
    assert_int_equal(file.n, FIRST + 4 * SEALED);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF other = {0}, back = {0};
        rdt_buf_add(&other, file.p, FIRST);
        for (size_t k = 0; k < cases[i].n; k++)
            rdt_buf_add(&other, file.p + FIRST + cases[i].order[k] * SEALED, SEALED);
        assert_int_equal(open_with(&with, rdt_buf_span(&other), 10007, &back),
                         i == 0 ? RDT_AGE_OK : RDT_AGE_PAYLOAD);
        assert_int_equal(back.n, cases[i].whole * RDT_AGE_CHUNK_LEN);
        assert_memory_equal(back.p == NULL ? plain.p : back.p, plain.p, back.n);
    }
}

/* An empty last chunk is for an empty file only: else the end of one could be replaced. */
static void
empty_last_chunk(void **state)
{
    (void)state;
    for (int behind_one = 0; behind_one < 2; behind_one++) {
        RDT_BUF file = {0}, back = {0};
        RDT_SECRET file_key = {0};
        struct age_stanza stanza;
        struct age_stream stream = {.next = 0};
        struct rdt_age_with with = with_key(&private_key);
        static const uint8_t nonce[AGE_NONCE_LEN], plain[RDT_AGE_CHUNK_LEN];
        static uint8_t sealed[AGE_SEALED_LEN];
        uint8_t mac[RDT_SHA256_LEN];
        assert_int_equal(rdt_secret_new(&file_key, AGE_FILE_KEY_LEN, NULL), RDT_OK);
        assert_int_equal(rdt_age_wrap_x25519(worker, public_key[0], &file_key, &stanza), RDT_OK);
        rdt_buf_str(&file, AGE_VERSION_LINE);
        rdt_age_stanza_add(&file, &stanza);
        rdt_buf_str(&file, "---");
        assert_int_equal(rdt_age_header_mac(worker, &file_key, rdt_buf_span(&file), mac), RDT_OK);
        rdt_buf_str(&file, " ");
        rdt_base64_raw_add(&file, (struct rdt_span){mac, sizeof mac});
        rdt_buf_str(&file, "\n");
        rdt_buf_add(&file, nonce, sizeof nonce);
        assert_int_equal(rdt_age_stream_start(&stream, worker, &file_key, nonce), RDT_OK);
        if (behind_one) {
            assert_int_equal(
                rdt_age_chunk_seal(&stream, (struct rdt_span){plain, sizeof plain}, false, sealed),
                RDT_OK);
            rdt_buf_add(&file, sealed, sizeof sealed);
        }
        assert_int_equal(rdt_age_chunk_seal(&stream, (struct rdt_span){plain, 0}, true, sealed),
                         RDT_OK);
        rdt_buf_add(&file, sealed, RDT_CHACHA_TAG_LEN);
        rdt_secret_wipe(&stream.key);
        assert_int_equal(open_with(&with, rdt_buf_span(&file), 4096, &back),
                         behind_one ? RDT_AGE_PAYLOAD : RDT_AGE_OK);
        assert_int_equal(back.n, behind_one ? RDT_AGE_CHUNK_LEN : 0);
    }
}

/* Nobody with another key, nobody with none; all keys are tried. */
static void
who_may(void **state)
{
    RDT_BUF file = {0}, back = {0};
    struct rdt_age_to to = to_key(RDT_AGE_ANY);
    struct rdt_secret keys[2] = {other_key, private_key};
    struct rdt_age_with with = {.keys = keys, .n_keys = 2};
    (void)state;
    seal(&to, rdt_span_str("x"), 1, &file);
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 99, &back), RDT_AGE_OK);
    with.n_keys = 1;
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 99, &back), RDT_AGE_NO_MATCH);
    with = (struct rdt_age_with){.passphrase = &phrase};
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 99, &back), RDT_AGE_NO_MATCH);
    with.keys = &phrase;
    with.n_keys = 1;
    struct rdt_age_reader *reader = NULL;
    assert_int_equal(rdt_age_reader_new(worker, &with, &reader, NULL), RDT_E_BADINPUT);
    with.n_keys = RDT_AGE_KEYS_MAX + 1;
    assert_int_equal(rdt_age_reader_new(worker, &with, &reader, NULL), RDT_E_LIMIT);
    with = (struct rdt_age_with){.scrypt_log_max = 23};
    assert_int_equal(rdt_age_reader_new(worker, &with, &reader, NULL), RDT_E_LIMIT);
    assert_null(reader);
}

/* The first fault stays; a reader that ended takes nothing more. */
static void
no_way_back(void **state)
{
    uint8_t plain[2 * RDT_AGE_CHUNK_LEN];
    struct rdt_age_out out = {plain, sizeof plain, 0};
    struct rdt_err err;
    (void)state;
    for (int good = 0; good < 2; good++) {
        RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
        RDT_BUF file = {0};
        struct rdt_age_to to = to_key(RDT_AGE_ANY);
        struct rdt_age_with with = with_key(good ? &private_key : &other_key);
        seal(&to, rdt_span_str("x"), 1, &file);
        assert_int_equal(rdt_age_reader_new(worker, &with, &reader, NULL), RDT_OK);
        assert_int_equal(rdt_age_reader_feed(reader, rdt_buf_span(&file), &out, &err),
                         good ? RDT_OK : RDT_E_DENIED);
        assert_true(rdt_age_reader_about(reader)->complete);
        assert_int_equal(rdt_age_reader_about(reader)->n_x25519, 1);
        assert_int_equal(rdt_age_reader_end(reader, &out, &err), good ? RDT_OK : RDT_E_DENIED);
        assert_int_equal(rdt_age_reader_end(reader, &out, &err), good ? RDT_E_STATE : RDT_E_DENIED);
        assert_int_equal(rdt_age_reader_feed(reader, rdt_span_str("x"), &out, &err),
                         good ? RDT_E_STATE : RDT_E_DENIED);
        assert_int_equal(rdt_age_reader_fault(reader), good ? RDT_AGE_OTHER : RDT_AGE_NO_MATCH);
        assert_int_equal(out.n, good);
    }
    rdt_age_reader_free(NULL);
}

/* Too little room is the caller's mistake, never a write behind it. */
static void
no_room(void **state)
{
    RDT_AUTO(rdt_age_reader_free_at) struct rdt_age_reader *reader = NULL;
    RDT_BUF file = {0};
    struct rdt_age_to to = to_key(RDT_AGE_ANY);
    struct rdt_age_with with = with_key(&private_key);
    uint8_t plain[4];
    struct rdt_age_out out = {plain, sizeof plain, 0};
    (void)state;
    seal(&to, rdt_span_str("five."), 5, &file);
    assert_int_equal(rdt_age_reader_new(worker, &with, &reader, NULL), RDT_OK);
    assert_int_equal(rdt_age_reader_feed(reader, rdt_buf_span(&file), &out, NULL), RDT_OK);
    assert_int_equal(rdt_age_reader_end(reader, &out, NULL), RDT_E_INTERNAL);
}

static void
header_is_bounded(void **state)
{
    static uint8_t line[4096];
    RDT_BUF file = {0}, back = {0};
    struct rdt_age_with with = with_key(&private_key);
    (void)state;
    memset(line, 'a', sizeof line);
    rdt_buf_str(&file, "age-encryption.org/v1\n-> ");
    while (file.n <= RDT_AGE_HEADER_MAX)
        rdt_buf_add(&file, line, sizeof line);
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 100000, &back), RDT_AGE_HEADER);
    file.n = 0;
    rdt_buf_str(&file, "age-encryption.org/v1\n");
    for (size_t i = 0; i <= RDT_AGE_STANZAS_MAX; i++)
        rdt_buf_str(&file, "-> grease\n\n");
    rdt_buf_str(&file, "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n");
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 100000, &back), RDT_AGE_HEADER);
    with.armor = RDT_AGE_ARMORED;
    file.n = 0;
    for (size_t i = 0; i < 1025; i++)
        rdt_buf_str(&file, "\n");
    assert_int_equal(open_with(&with, rdt_buf_span(&file), 64, &back), RDT_AGE_ARMOR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_age),
        cmocka_unit_test(each_truncation),
        cmocka_unit_test(each_bit),
        cmocka_unit_test(each_armored_bit),
        cmocka_unit_test(chunks_stay_in_order),
        cmocka_unit_test(empty_last_chunk),
        cmocka_unit_test(who_may),
        cmocka_unit_test(no_way_back),
        cmocka_unit_test(no_room),
        cmocka_unit_test(header_is_bounded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
