/* ChaCha20-Poly1305. */
#include "crypto/chacha.h"

#include "wycheproof.h"

static struct rdt_worker *worker;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    return 0;
}

static void
one_vector(const struct wycheproof *v, void *with)
{
    RDT_SECRET key = {0};
    RDT_BUF iv = {0}, aad = {0}, msg = {0}, sealed = {0};
    uint8_t out[1024] = {0};
    (void)with;
    wycheproof_secret(v, "key", &key);
    wycheproof_hex(v, "iv", &iv);
    wycheproof_hex(v, "aad", &aad);
    wycheproof_hex(v, "msg", &msg);
    wycheproof_hex(v, "ct", &sealed);
    wycheproof_hex(v, "tag", &sealed);
    if (iv.n != RDT_CHACHA_NONCE_LEN)
        return; /* other nonces have no door here */
    assert_in_range(sealed.n, RDT_CHACHA_TAG_LEN, sizeof out);
    enum rdt_code rc =
        rdt_chacha_open(worker, &key, iv.p, rdt_buf_span(&aad), rdt_buf_span(&sealed), out);
    assert_int_equal(rc, wycheproof_valid(v) ? RDT_OK : RDT_E_TAMPERED);
    if (rc != RDT_OK)
        return;
    assert_true(rdt_span_eq((struct rdt_span){out, msg.n}, rdt_buf_span(&msg)));
    assert_int_equal(
        rdt_chacha_seal(worker, &key, iv.p, rdt_buf_span(&aad), rdt_buf_span(&msg), out), RDT_OK);
    assert_true(
        rdt_span_eq((struct rdt_span){out, msg.n + RDT_CHACHA_TAG_LEN}, rdt_buf_span(&sealed)));
}

static void
vectors(void **state)
{
    (void)state;
    wycheproof_each("chacha20_poly1305_test.json", one_vector, NULL, 325);
}

/* In place, and every bit of key, nonce, aad and ciphertext counts; nothing comes out of a wrong
 * one. */
static void
each_bit(void **state)
{
    RDT_SECRET key = {0};
    uint8_t parts[3][RDT_CHACHA_NONCE_LEN] = {"nonce......", "aad........", "plain......"};
    uint8_t sealed[RDT_CHACHA_NONCE_LEN + RDT_CHACHA_TAG_LEN], out[RDT_CHACHA_NONCE_LEN];
    static const uint8_t zeroes[RDT_CHACHA_NONCE_LEN];
    struct rdt_span aad = {parts[1], sizeof parts[1]}, all = {sealed, sizeof sealed};
    (void)state;
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN, NULL), RDT_OK);
    memcpy(sealed, parts[2], sizeof parts[2]);
    assert_int_equal(rdt_chacha_seal(worker, &key, parts[0], aad,
                                     (struct rdt_span){sealed, sizeof parts[2]}, sealed),
                     RDT_OK);
    assert_int_equal(rdt_chacha_open(worker, &key, parts[0], aad, all, out), RDT_OK);
    assert_memory_equal(out, parts[2], sizeof out);
    uint8_t *const places[] = {key.p, parts[0], parts[1], sealed};
    const size_t sizes[] = {key.n, sizeof parts[0], sizeof parts[1], sizeof sealed};
    for (size_t p = 0; p < RDT_COUNT(places); p++)
        for (size_t bit = 0; bit < 8 * sizes[p]; bit++) {
            places[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(rdt_chacha_open(worker, &key, parts[0], aad, all, out),
                             RDT_E_TAMPERED);
            assert_memory_equal(out, zeroes, sizeof out);
            places[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    for (size_t n = 0; n < sizeof sealed; n++)
        assert_int_equal(
            rdt_chacha_open(worker, &key, parts[0], aad, (struct rdt_span){sealed, n}, out),
            RDT_E_TAMPERED);
}

static void
other_keys(void **state)
{
    RDT_SECRET key = {0};
    uint8_t nonce[RDT_CHACHA_NONCE_LEN] = {0}, out[32];
    struct rdt_span none = {NULL, 0}, bytes = {nonce, sizeof nonce};
    (void)state;
    assert_int_equal(rdt_secret_new(&key, RDT_KEY_LEN - 1, NULL), RDT_OK);
    assert_int_equal(rdt_chacha_seal(worker, &key, nonce, none, bytes, out), RDT_E_INTERNAL);
    memset(out, 7, sizeof out);
    assert_int_equal(
        rdt_chacha_open(worker, &key, nonce, none, (struct rdt_span){out, sizeof out}, out),
        RDT_E_INTERNAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(each_bit),
        cmocka_unit_test(other_keys),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
