/* Keys sealed to a public key. */
#include "crypto/hpke_internal.h"
#include "crypto/x25519.h"

#include "../test.h"

#include <stdio.h>

/* of tests/vectors/tenant-kek.json, "first epoch" */
#define PRIVATE "ae63ad6d586404a19426625e2acb2b95c6366bb26b3ea394d2c4a695f1bd6e34"
#define INFO                                                                                       \
    "7265646f756274206b656b206578706f7274207631008db5d4b24c9ff1ed9934"                             \
    "dfc9c301c502610b695bb49057caf7d8b0786fac6baa000000010001"
#define ENC "674f5c756f86adc1d7dc03b1ef0d2680eaaf10a9837aaf1c81dea2575937cf48"
#define SEALED                                                                                     \
    "4d2b910ddbb0619fd69145d93894c0a91a492581eea69f932b1dfa51f8ea1206"                             \
    "624da420acbbd9ed24f60fbf86289c93"
#define KEK "7bca2a4937ec9045841a8ec40707f4a76856084f9418cb9494e9713b3ffebe53"

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
hex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    assert_int_equal(strlen(text), 2 * n);
}

static void
secret_hex(const char *text, struct rdt_secret *out)
{
    assert_int_equal(rdt_secret_new(out, strlen(text) / 2, NULL), RDT_OK);
    hex(text, out->p, out->n);
}

static void
same_hex(const uint8_t *got, size_t n, const char *text)
{
    uint8_t want[64];
    hex(text, want, n);
    assert_memory_equal(got, want, n);
}

/* RFC 9180 A.1.1: the same KEM and KDF; its AEAD is AES-128-GCM, which changes the suite's last
 * number and the key's length. */
static void
published(void **state)
{
    static const struct hpke_suite aes_128 = {
        "HPKE", {0x0020, 0x0001, 0x0001},
         3
    };
    RDT_SECRET ephemeral = {0};
    RDT_SECRET receiver = {0};
    RDT_SECRET key = {0};
    uint8_t context[64], info[20];
    struct hpke_work work;
    (void)state;
    secret_hex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736", &ephemeral);
    secret_hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8", &receiver);
    hex("4f6465206f6e2061204772656369616e2055726e", info, sizeof info);
    assert_int_equal(rdt_x25519_public(worker, &ephemeral, context), RDT_OK);
    same_hex(context, 32, "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    assert_int_equal(rdt_x25519_public(worker, &receiver, context + 32), RDT_OK);
    same_hex(context + 32, 32, "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
    struct rdt_span both = {context, sizeof context};
    assert_int_equal(rdt_hpke_encap(worker, &ephemeral, context + 32, both, &work), RDT_OK);
    same_hex(work.shared, 32, "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc");
    assert_int_equal(rdt_hpke_encap(worker, &receiver, context, both, &work), RDT_OK);
    same_hex(work.shared, 32, "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc");
    assert_int_equal(rdt_secret_new(&key, 16, NULL), RDT_OK);
    assert_int_equal(
        rdt_hpke_schedule(worker, &aes_128, (struct rdt_span){info, sizeof info}, &work, &key),
        RDT_OK);
    same_hex(key.p, 16, "4531685d41d65f03dc48f6b8302c05b0");
    same_hex(work.nonce, 12, "56d890e5accaaf011cff4b7d");
}

/* What was made by tests/functional/tenant_kek.py */
static void
by_another_implementation(void **state)
{
    RDT_SECRET receiver = {0};
    RDT_SECRET key = {0};
    uint8_t enc[32], sealed[48], info[60];
    struct rdt_hpke_about about = {
        .info = {info, sizeof info}
    };
    (void)state;
    secret_hex(PRIVATE, &receiver);
    hex(INFO, info, sizeof info);
    hex(ENC, enc, sizeof enc);
    hex(SEALED, sealed, sizeof sealed);
    assert_int_equal(rdt_hpke_open(worker, &receiver, &about, (struct rdt_span){enc, 32},
                                   (struct rdt_span){sealed, 48}, &key),
                     RDT_OK);
    assert_int_equal(key.n, 32);
    same_hex(key.p, 32, KEK);
}

struct pair {
    struct rdt_secret private_key;
    uint8_t public_key[32];
};

struct message {
    struct rdt_secret key;
    uint8_t enc[32], sealed[48];
    struct rdt_hpke_about about;
};

static void
make(struct pair *pair, struct message *m)
{
    *pair = (struct pair){.private_key = {0}};
    *m = (struct message){
        .about = {rdt_span_str("info"), rdt_span_str("aad")}
    };
    assert_int_equal(rdt_hpke_keypair(worker, &pair->private_key, pair->public_key, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&m->key, 32, NULL), RDT_OK);
    assert_int_equal(rdt_random_key(worker, &m->key, NULL), RDT_OK);
    assert_int_equal(rdt_hpke_seal(worker, (struct rdt_span){pair->public_key, 32}, &m->about,
                                   &m->key, m->enc, m->sealed),
                     RDT_OK);
}

static enum rdt_code
unseal(const struct pair *pair, const struct message *m, struct rdt_secret *out)
{
    enum rdt_code rc =
        rdt_hpke_open(worker, &pair->private_key, &m->about, (struct rdt_span){m->enc, 32},
                      (struct rdt_span){m->sealed, 48}, out);
    if (rc != RDT_OK)
        assert_null(out->p);
    return rc;
}

static void
done(struct pair *pair, struct message *m)
{
    rdt_secret_wipe(&pair->private_key);
    rdt_secret_wipe(&m->key);
}

static void
there_and_back(void **state)
{
    RDT_SECRET out = {0};
    struct pair pair;
    struct message m;
    uint8_t enc[32];
    (void)state;
    make(&pair, &m);
    assert_int_equal(unseal(&pair, &m, &out), RDT_OK);
    assert_true(rdt_secret_equal(&out, &m.key));
    memcpy(enc, m.enc, 32);
    assert_int_equal(rdt_hpke_seal(worker, (struct rdt_span){pair.public_key, 32}, &m.about, &m.key,
                                   m.enc, m.sealed),
                     RDT_OK);
    assert_memory_not_equal(enc, m.enc, 32); /* a key pair of its own each time */
    done(&pair, &m);
}

static void
refuses_what_was_changed(void **state)
{
    struct pair pair, other;
    struct message m, second;
    (void)state;
    make(&pair, &m);
    make(&other, &second);
    for (size_t i = 0; i < sizeof m.sealed; i++) {
        RDT_SECRET out = {0};
        m.sealed[i] ^= 1;
        assert_int_equal(unseal(&pair, &m, &out), RDT_E_TAMPERED);
        m.sealed[i] ^= 1;
    }
    RDT_SECRET out = {0};
    m.enc[0] ^= 1;
    assert_int_equal(unseal(&pair, &m, &out), RDT_E_TAMPERED);
    m.enc[0] ^= 1;
    assert_int_equal(unseal(&other, &m, &out), RDT_E_TAMPERED);
    m.about.info = rdt_span_str("inf0");
    assert_int_equal(unseal(&pair, &m, &out), RDT_E_TAMPERED);
    m.about.info = rdt_span_str("info");
    m.about.aad = rdt_span_str("");
    assert_int_equal(unseal(&pair, &m, &out), RDT_E_TAMPERED);
    m.about.aad = rdt_span_str("aad");
    assert_int_equal(unseal(&pair, &m, &out), RDT_OK);
    done(&pair, &m);
    done(&other, &second);
}

/* RFC 7748 section 7: the points whose order divides 8 make every secret zero. */
static void
refuses_points_of_small_order(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct pair pair;
    struct message m;
    (void)state;
    make(&pair, &m);
    for (size_t i = 0; i < RDT_COUNT(points); i++) {
        RDT_SECRET out = {0};
        uint8_t point[32];
        hex(points[i], point, sizeof point);
        assert_int_equal(
            rdt_hpke_seal(worker, (struct rdt_span){point, 32}, &m.about, &m.key, m.enc, m.sealed),
            RDT_E_BADINPUT);
        memcpy(m.enc, point, 32);
        assert_int_equal(unseal(&pair, &m, &out), RDT_E_BADINPUT);
    }
    done(&pair, &m);
}

static void
refuses_lengths(void **state)
{
    RDT_SECRET out = {0};
    RDT_SECRET none = {0};
    struct pair pair;
    struct message m;
    (void)state;
    make(&pair, &m);
    for (size_t n = 0; n < 40; n++) {
        uint8_t bytes[40] = {9};
        struct rdt_span span = {bytes, n};
        if (n != 32) {
            assert_int_equal(rdt_hpke_seal(worker, span, &m.about, &m.key, m.enc, m.sealed),
                             RDT_E_BADINPUT);
            assert_int_equal(rdt_hpke_open(worker, &pair.private_key, &m.about, span,
                                           (struct rdt_span){m.sealed, 48}, &out),
                             RDT_E_BADINPUT);
        }
        enum rdt_code rc =
            rdt_hpke_open(worker, &pair.private_key, &m.about, (struct rdt_span){m.enc, 32},
                          (struct rdt_span){m.sealed, n}, &out);
        assert_int_equal(rc, n <= RDT_GCM_TAG_LEN ? RDT_E_BADINPUT : RDT_E_TAMPERED);
    }
    assert_int_equal(rdt_hpke_seal(worker, (struct rdt_span){pair.public_key, 32}, &m.about, &none,
                                   m.enc, m.sealed),
                     RDT_E_BADINPUT);
    assert_int_equal(rdt_hpke_open(worker, &none, &m.about, (struct rdt_span){m.enc, 32},
                                   (struct rdt_span){m.sealed, 48}, &out),
                     RDT_E_BADINPUT);
    done(&pair, &m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published),
        cmocka_unit_test(by_another_implementation),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(refuses_points_of_small_order),
        cmocka_unit_test(refuses_lengths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
