/* HPKE with MLKEM768-X25519. What the published vectors of age have is in
 * tests/functional/test_age.py; here what needs no ML-KEM, and where there is some the rest. */
#include "crypto/xwing.h"

#include "crypto/hash.h"
#include "wycheproof.h"

#define INFO "age-encryption.org/mlkem768x25519"
#define KEY_LEN 16

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

/* cmocka's skip() says "not ok" to a reader of TAP. */
static bool
is_missing(bool wanted)
{
    bool has = rdt_xwing_has(worker);
    if (has != wanted)
        print_message("# skipped: this libcrypto %s\n",
                      has ? "has ML-KEM" : "has no ML-KEM (3.5 has it)");
    return has != wanted;
}

/* C2SP age.md, "The MLKEM768-X25519 recipient type": identity and recipient, the latter hashed. */
static void
known(void **state)
{
    RDT_SECRET seed = {0};
    RDT_BUF bytes = {0};
    static uint8_t public_key[RDT_XWING_PUBLIC_LEN];
    char hash[2 * RDT_SHA256_LEN + 1];
    (void)state;
    if (is_missing(true))
        return;
    hex_add(&bytes, "31bda90fbf9fccdde5cfc0ed5a0378c5ea67ea193d7938b03b8c5dabb9a67de3");
    assert_int_equal(rdt_secret_copy(&seed, rdt_buf_span(&bytes), NULL), RDT_OK);
    assert_int_equal(rdt_xwing_public(worker, &seed, public_key), RDT_OK);
    assert_int_equal(rdt_sha256_text((struct rdt_span){public_key, sizeof public_key}, hash, NULL),
                     RDT_OK);
    assert_string_equal(hash, "5056b0a336f9428f482bc9c6c51c0b3f679cf104a9024403fe74066b0eed5374");
}

struct message {
    struct rdt_secret seed, key, back, zeroes;
    uint8_t public_key[RDT_XWING_PUBLIC_LEN], enc[RDT_XWING_ENC_LEN];
    uint8_t sealed[KEY_LEN + RDT_XWING_TAG_LEN];
};

static void
message_done(struct message *m)
{
    rdt_secret_wipe(&m->seed);
    rdt_secret_wipe(&m->key);
    rdt_secret_wipe(&m->back);
    rdt_secret_wipe(&m->zeroes);
}

static void
message_new(struct message *m)
{
    assert_int_equal(rdt_secret_new(&m->seed, RDT_XWING_PRIVATE_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_random_key(worker, &m->seed, NULL), RDT_OK);
    assert_int_equal(rdt_secret_copy(&m->key, rdt_span_str("YELLOW SUBMARINE"), NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&m->back, KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&m->zeroes, KEY_LEN, NULL), RDT_OK);
}

static enum rdt_code
open_message(struct message *m, const char *info)
{
    return rdt_xwing_open(worker, &m->seed, rdt_span_str(info), m->enc, m->sealed, &m->back);
}

static void
there_and_back(void **state)
{
    RDT_AUTO(message_done) struct message m = {.enc = {0}};
    (void)state;
    if (is_missing(true))
        return;
    message_new(&m);
    assert_int_equal(rdt_xwing_public(worker, &m.seed, m.public_key), RDT_OK);
    assert_int_equal(
        rdt_xwing_seal(worker, m.public_key, rdt_span_str(INFO), &m.key, m.enc, m.sealed), RDT_OK);
    assert_int_equal(open_message(&m, INFO), RDT_OK);
    assert_true(rdt_secret_equal(&m.key, &m.back));
    assert_int_equal(open_message(&m, "other"), RDT_E_TAMPERED);
    assert_true(rdt_secret_equal(&m.zeroes, &m.back));
    m.seed.p[0] ^= 1;
    assert_int_equal(open_message(&m, INFO), RDT_E_TAMPERED);
}

/* Every byte of what travels counts, and a share of low order ends it. */
static void
changed(void **state)
{
    RDT_AUTO(message_done) struct message m = {.enc = {0}};
    (void)state;
    if (is_missing(true))
        return;
    message_new(&m);
    assert_int_equal(rdt_xwing_public(worker, &m.seed, m.public_key), RDT_OK);
    assert_int_equal(
        rdt_xwing_seal(worker, m.public_key, rdt_span_str(INFO), &m.key, m.enc, m.sealed), RDT_OK);
    for (size_t i = 0; i < sizeof m.enc; i += 37) {
        m.enc[i] ^= 4;
        assert_int_equal(open_message(&m, INFO), RDT_E_TAMPERED);
        assert_true(rdt_secret_equal(&m.zeroes, &m.back));
        m.enc[i] ^= 4;
    }
    for (size_t i = 0; i < sizeof m.sealed; i++) {
        m.sealed[i] ^= 4;
        assert_int_equal(open_message(&m, INFO), RDT_E_TAMPERED);
        m.sealed[i] ^= 4;
    }
    memset(m.enc + sizeof m.enc - 32, 0, 32);
    assert_int_equal(open_message(&m, INFO), RDT_E_BADINPUT);
}

static void
no_public_key(void **state)
{
    RDT_AUTO(message_done) struct message m = {.enc = {0}};
    (void)state;
    if (is_missing(true))
        return;
    message_new(&m);
    memset(m.public_key, 0xff, sizeof m.public_key); /* numbers above the modulus */
    assert_int_equal(
        rdt_xwing_seal(worker, m.public_key, rdt_span_str(INFO), &m.key, m.enc, m.sealed),
        RDT_E_BADINPUT);
    assert_int_equal(rdt_xwing_public(worker, &m.seed, m.public_key), RDT_OK);
    memset(m.public_key + sizeof m.public_key - 32, 0, 32);
    assert_int_equal(
        rdt_xwing_seal(worker, m.public_key, rdt_span_str(INFO), &m.key, m.enc, m.sealed),
        RDT_E_BADINPUT);
}

/* Without ML-KEM all of it says so, and nothing comes out. */
static void
without(void **state)
{
    RDT_AUTO(message_done) struct message m = {.enc = {0}};
    (void)state;
    if (is_missing(false))
        return;
    message_new(&m);
    memcpy(m.back.p, m.key.p, KEY_LEN);
    assert_int_equal(rdt_xwing_public(worker, &m.seed, m.public_key), RDT_E_INTERNAL);
    assert_int_equal(
        rdt_xwing_seal(worker, m.public_key, rdt_span_str(INFO), &m.key, m.enc, m.sealed),
        RDT_E_INTERNAL);
    assert_int_equal(open_message(&m, INFO), RDT_E_INTERNAL);
    assert_true(rdt_secret_equal(&m.zeroes, &m.back));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),   cmocka_unit_test(there_and_back),
        cmocka_unit_test(changed), cmocka_unit_test(no_public_key),
        cmocka_unit_test(without),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
