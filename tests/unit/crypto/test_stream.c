/* The same bytes as one-off calls give, under one key for many messages; HKDF-Expand's vectors. */
#include "crypto/stream.h"

#include "../test.h"

#include <stdlib.h>

#define LEN 16384

static struct rdt_worker *worker;
static struct rdt_secret key;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) != RDT_OK ||
           rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
           rdt_random_key(worker, &key, NULL) != RDT_OK;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&key);
    rdt_worker_close(worker);
    return 0;
}

/* A kept key gives what a fresh one gives (test_worker has the published vectors of those). */
static void
as_one_off_calls(void **state)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 255, 256, LEN - 1, LEN};
    static uint8_t plain[LEN], one[LEN + RDT_GCM_TAG_LEN], other[LEN + RDT_GCM_TAG_LEN];
    struct rdt_stream *stream = NULL;
    uint8_t iv[RDT_GCM_IV_LEN] = {7};
    (void)state;
    assert_int_equal(rdt_random(worker, plain, sizeof plain, NULL), RDT_OK);
    assert_int_equal(rdt_stream_new(worker, &key, &stream), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        size_t n = lengths[i];
        struct rdt_span bytes = {plain, n}, none = {NULL, 0};
        iv[11] = (uint8_t)i;
        assert_int_equal(rdt_gcm_seal(worker, &key, iv, none, bytes, one), RDT_OK);
        assert_int_equal(rdt_stream_seal(stream, iv, bytes, other), RDT_OK);
        assert_memory_equal(one, other, n + RDT_GCM_TAG_LEN);
        /* where it stands, both ways */
        memcpy(other, plain, n);
        assert_int_equal(rdt_stream_seal(stream, iv, (struct rdt_span){other, n}, other), RDT_OK);
        assert_memory_equal(one, other, n + RDT_GCM_TAG_LEN);
        struct rdt_span sealed = {other, n + RDT_GCM_TAG_LEN};
        assert_int_equal(rdt_stream_open(stream, iv, sealed, other), RDT_OK);
        assert_memory_equal(other, plain, n);
    }
    rdt_stream_free(stream);
    rdt_stream_free(NULL);
}

static void
what_was_changed_does_not_open(void **state)
{
    static const uint8_t zeroes[32];
    struct rdt_stream *stream = NULL;
    uint8_t iv[RDT_GCM_IV_LEN] = {0}, sealed[32 + RDT_GCM_TAG_LEN], out[32];
    struct rdt_span all = {sealed, sizeof sealed};
    (void)state;
    assert_int_equal(rdt_stream_new(worker, &key, &stream), RDT_OK);
    assert_int_equal(rdt_stream_seal(stream, iv, (struct rdt_span){key.p, 32}, sealed), RDT_OK);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 1, sizeof out);
        assert_int_equal(rdt_stream_open(stream, iv, all, out), RDT_E_TAMPERED);
        assert_memory_equal(out, zeroes, sizeof out);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(rdt_stream_open(stream, iv, (struct rdt_span){sealed, 15}, out),
                     RDT_E_TAMPERED);
    iv[0] = 1;
    assert_int_equal(rdt_stream_open(stream, iv, all, out), RDT_E_TAMPERED);
    iv[0] = 0;
    assert_int_equal(rdt_stream_open(stream, iv, all, out), RDT_OK);
    rdt_stream_free(stream);
}

static void
a_key_of_another_length(void **state)
{
    RDT_SECRET cut = {0};
    struct rdt_stream *stream = NULL;
    (void)state;
    assert_int_equal(rdt_secret_new(&cut, RDT_KEY_LEN - 1, NULL), RDT_OK);
    assert_int_equal(rdt_stream_new(worker, &cut, &stream), RDT_E_INTERNAL);
    assert_null(stream);
}

/* RFC 5869 has none for SHA-512: HMAC-SHA-512 of Python's standard library, block by block. */
static void
expand(void **state)
{
    static const uint8_t want[] = {0xb2, 0xc7, 0x16, 0x78, 0x0c, 0xbb, 0x52, 0xfa, 0x61, 0x19, 0xf8,
                                   0x6f, 0x87, 0xbb, 0xa2, 0xa6, 0x26, 0x72, 0xf7, 0x66, 0xb0, 0xf8,
                                   0xc1, 0x15, 0x44, 0x35, 0xb5, 0xef, 0x27, 0xe9, 0xf7, 0xbe, 0x6b,
                                   0x40, 0xf8, 0x65, 0x24, 0x14, 0x33, 0xdd, 0x7b, 0xd8, 0x0d, 0x90,
                                   0x86, 0x5c, 0x30, 0xe6, 0x35, 0x17, 0x39, 0xe2, 0x49, 0x06, 0xe6,
                                   0x30, 0xf1, 0xc8, 0xf1, 0x0f, 0xb8, 0x14, 0x0f, 0xf5, 0xb4, 0x7f,
                                   0x41, 0x73, 0xf1, 0x99, 0x12, 0xa3, 0x6e, 0xca, 0x03, 0x50};
    RDT_SECRET prk = {0}, out = {0};
    const struct rdt_span info[] = {
        rdt_span_str("in"), {NULL, 0},
         rdt_span_str("fo")
    };
    const struct rdt_span joined = rdt_span_str("info");
    (void)state;
    assert_int_equal(rdt_secret_copy(&prk, rdt_span_str("YELLOW SUBMARINE YELLOW SUBMARIN"), NULL),
                     RDT_OK);
    assert_int_equal(rdt_secret_new(&out, sizeof want, NULL), RDT_OK);
    assert_int_equal(rdt_expand_sha512(worker, &prk, info, RDT_COUNT(info), &out), RDT_OK);
    assert_memory_equal(out.p, want, sizeof want);
    rdt_secret_clear(&out);
    assert_int_equal(rdt_expand_sha512(worker, &prk, &joined, 1, &out), RDT_OK);
    assert_memory_equal(out.p, want, sizeof want);
    rdt_secret_wipe(&out);
    assert_int_equal(rdt_secret_new(&out, 255 * 64 + 1, NULL), RDT_OK);
    assert_int_equal(rdt_expand_sha512(worker, &prk, &joined, 1, &out), RDT_E_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_one_off_calls),
        cmocka_unit_test(what_was_changed_does_not_open),
        cmocka_unit_test(a_key_of_another_length),
        cmocka_unit_test(expand),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
