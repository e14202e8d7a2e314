/* Chunks of age files. */
#include "seal/age_internal.h"

#include "age_pair.h"

static const uint8_t nonce[AGE_NONCE_LEN] = "a nonce for all";

static void
start(struct age_stream *stream)
{
    RDT_SECRET file_key = {0};
    assert_int_equal(rdt_secret_copy(&file_key, rdt_span_str("YELLOW SUBMARINE"), NULL), RDT_OK);
    assert_int_equal(rdt_age_stream_start(stream, worker, &file_key, nonce), RDT_OK);
}

/* A chunk opens in its place, as what it was; a try in vain changes nothing. */
static void
in_its_place(void **state)
{
    static const uint8_t plain[] = "0123456789";
    struct rdt_span bytes = {plain, sizeof plain};
    uint8_t sealed[3][sizeof plain + RDT_CHACHA_TAG_LEN], out[sizeof plain];
    struct age_stream stream = {.next = 0};
    (void)state;
    start(&stream);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rdt_age_chunk_seal(&stream, bytes, i == 2, sealed[i]), RDT_OK);
    stream.next = 0;
    for (size_t at = 0; at < 3; at++) {
        for (size_t i = 0; i < 3; i++)
            for (int last = 0; last < 2; last++) {
                bool good = i == at && last == (i == 2);
                assert_int_equal(rdt_age_chunk_open(&stream,
                                                    (struct rdt_span){sealed[i], sizeof sealed[i]},
                                                    last, out),
                                 good ? RDT_OK : RDT_E_TAMPERED);
                stream.next = at;
            }
        stream.next = at + 1;
    }
    rdt_secret_wipe(&stream.key);
}

/* age.md: eleven bytes of number, big-endian, then whether it is the last: against the cipher. */
static void
nonces(void **state)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, 65536, 0x0123456789abcdef};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(numbers); i++)
        for (int last = 0; last < 2; last++) {
            struct age_stream stream = {.next = 0};
            uint8_t iv[RDT_CHACHA_NONCE_LEN] = {0}, sealed[1 + RDT_CHACHA_TAG_LEN], out[1];
            struct rdt_span none = {NULL, 0};
            start(&stream);
            stream.next = numbers[i];
            assert_int_equal(rdt_age_chunk_seal(&stream, rdt_span_str("x"), last, sealed), RDT_OK);
            for (size_t k = 0; k < 8; k++)
                iv[3 + k] = (uint8_t)(numbers[i] >> (56 - 8 * k));
            iv[11] = (uint8_t)last;
            assert_int_equal(rdt_chacha_open(worker, &stream.key, iv, none,
                                             (struct rdt_span){sealed, sizeof sealed}, out),
                             RDT_OK);
            assert_int_equal(out[0], 'x');
            assert_int_equal(stream.next, numbers[i] + 1);
            rdt_secret_wipe(&stream.key);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_its_place),
        cmocka_unit_test(nonces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
