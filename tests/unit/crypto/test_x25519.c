/* Diffie and Hellman on Curve25519. */
#include "crypto/x25519.h"

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
secret_hex(const char *text, struct rdt_secret *out)
{
    RDT_BUF bytes = {0};
    hex_add(&bytes, text);
    assert_int_equal(rdt_secret_copy(out, rdt_buf_span(&bytes), NULL), RDT_OK);
}

/* RFC 7748 section 6.1: Bob's keys; and both sides of an exchange come to the same. */
static void
known(void **state)
{
    RDT_SECRET alice = {0}, bob = {0}, shared = {0}, want = {0};
    uint8_t a[RDT_X25519_LEN], b[RDT_X25519_LEN];
    (void)state;
    secret_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", &bob);
    secret_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", &want);
    assert_int_equal(rdt_x25519_public(worker, &bob, b), RDT_OK);
    assert_memory_equal(b, want.p, sizeof b);
    assert_int_equal(rdt_x25519_keypair(worker, &alice, a, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&shared, RDT_X25519_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_x25519_shared(worker, &alice, b, shared.p), RDT_OK);
    assert_int_equal(rdt_x25519_shared(worker, &bob, a, want.p), RDT_OK);
    assert_true(rdt_secret_equal(&want, &shared));
}

/* Points of small order give zeroes whatever the private key. */
static void
low_order(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    };
    RDT_SECRET mine = {0}, shared = {0}, zeroes = {0};
    uint8_t public_key[RDT_X25519_LEN];
    (void)state;
    assert_int_equal(rdt_x25519_keypair(worker, &mine, public_key, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&shared, RDT_X25519_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&zeroes, RDT_X25519_LEN, NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(points); i++) {
        RDT_SECRET point = {0};
        secret_hex(points[i], &point);
        memset(shared.p, 0x55, shared.n);
        assert_int_equal(rdt_x25519_shared(worker, &mine, point.p, shared.p), RDT_E_BADINPUT);
        assert_true(rdt_secret_equal(&shared, &zeroes));
    }
}

static void
other_lengths(void **state)
{
    RDT_SECRET key = {0};
    uint8_t out[RDT_X25519_LEN] = {9};
    (void)state;
    assert_int_equal(rdt_secret_new(&key, RDT_X25519_LEN - 1, NULL), RDT_OK);
    assert_int_equal(rdt_x25519_public(worker, &key, out), RDT_E_INTERNAL);
    assert_int_equal(rdt_x25519_shared(worker, &key, out, out), RDT_E_INTERNAL);
}

static void
one_vector(const struct wycheproof *v, void *with)
{
    RDT_SECRET mine = {0}, want = {0}, got = {0}, theirs = {0}, zeroes = {0};
    (void)with;
    assert_int_equal(rdt_secret_new(&zeroes, RDT_X25519_LEN, NULL), RDT_OK);
    wycheproof_secret(v, "private", &mine);
    wycheproof_secret(v, "public", &theirs);
    wycheproof_secret(v, "shared", &want);
    assert_int_equal(rdt_secret_new(&got, RDT_X25519_LEN, NULL), RDT_OK);
    enum rdt_code rc = rdt_x25519_shared(worker, &mine, theirs.p, got.p);
    /* of the "acceptable" ones those are refused whose result is zeroes */
    assert_int_equal(rc, rdt_secret_equal(&want, &zeroes) ? RDT_E_BADINPUT : RDT_OK);
    assert_true(rdt_secret_equal(&want, &got));
}

static void
vectors(void **state)
{
    (void)state;
    wycheproof_each("x25519_test.json", one_vector, NULL, 518);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),
        cmocka_unit_test(low_order),
        cmocka_unit_test(other_lengths),
        cmocka_unit_test(vectors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
