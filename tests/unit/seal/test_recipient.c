/* Who can open: each kind gives the file key back to its own key, and to no other, of no other
 * file. */
#include "whole.h"

#include "../test.h"

#define HOLDERS 5

static struct rdt_worker *worker;
static struct rdt_secret file_key, kek, passphrase, private_keys[HOLDERS];
static uint8_t public_keys[HOLDERS][32], ring[16] = {0xaa};
static struct rdt_span publics[HOLDERS];
static struct rdt_buf core, other_core;

static int
set_up(void **state)
{
    static const uint8_t id[16] = {1}, other_id[16] = {2};
    (void)state;
    bool ok = rdt_worker_open(&worker, NULL) == RDT_OK &&
              rdt_secret_new(&file_key, RDT_KEY_LEN, NULL) == RDT_OK &&
              rdt_secret_new(&kek, RDT_KEY_LEN, NULL) == RDT_OK &&
              rdt_random_key(worker, &file_key, NULL) == RDT_OK &&
              rdt_random_key(worker, &kek, NULL) == RDT_OK &&
              rdt_secret_copy(&passphrase, rdt_span_str("planted passphrase"), NULL) == RDT_OK;
    for (size_t i = 0; ok && i < HOLDERS; i++) {
        ok = rdt_hpke_keypair(worker, &private_keys[i], public_keys[i], NULL) == RDT_OK;
        publics[i] = (struct rdt_span){public_keys[i], 32};
    }
    ok = ok && rdt_seal_core_make(id, RDT_SEAL_SLOT_LEN, NULL, &core) == RDT_SEAL_OK &&
         rdt_seal_core_make(other_id, RDT_SEAL_SLOT_LEN, NULL, &other_core) == RDT_SEAL_OK;
    return ok ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOLDERS; i++)
        rdt_secret_wipe(&private_keys[i]);
    rdt_secret_wipe(&file_key);
    rdt_secret_wipe(&kek);
    rdt_secret_wipe(&passphrase);
    rdt_buf_done(&core);
    rdt_buf_done(&other_core);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_seal_head
head_of(const struct rdt_buf *of)
{
    return (struct rdt_seal_head){.core = rdt_buf_span(of)};
}

static struct rdt_seal_stanza
first(const struct rdt_buf *stanzas)
{
    struct rdt_span in = rdt_buf_span(stanzas);
    struct rdt_seal_stanza stanza;
    assert_true(rdt_seal_stanza_next(&in, &stanza));
    return stanza;
}

typedef enum rdt_seal_fault get_fn(struct rdt_worker *worker, const struct rdt_seal_head *head,
                                   const struct rdt_seal_stanza *stanza,
                                   const struct rdt_secret *key, struct rdt_secret *file_key);

/* The right key, a wrong one, another file, each bit of the stanza. step: bits between two tries.
 */
static void
opens_so(get_fn *get, struct rdt_buf *stanzas, const struct rdt_secret *right,
         const struct rdt_secret *wrong, size_t step)
{
    struct rdt_seal_head head = head_of(&core), other = head_of(&other_core);
    struct rdt_seal_stanza stanza = first(stanzas), changed;
    RDT_SECRET got = {0};
    assert_int_equal(get(worker, &head, &stanza, right, &got), RDT_SEAL_OK);
    assert_true(rdt_secret_equal(&got, &file_key));
    rdt_secret_wipe(&got);
    assert_int_equal(get(worker, &head, &stanza, wrong, &got), RDT_SEAL_RECIPIENT);
    assert_int_equal(got.n, 0);
    assert_int_equal(get(worker, &other, &stanza, right, &got), RDT_SEAL_RECIPIENT);
    for (size_t bit = 8 * 3; bit < 8 * stanzas->n; bit += step) {
        struct rdt_span in = rdt_buf_span(stanzas);
        stanzas->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (rdt_seal_stanza_next(&in, &changed)) {
            enum rdt_seal_fault fault = get(worker, &head, &changed, right, &got);
            bool public_key = changed.kind == RDT_SEAL_X25519 && bit / 8 < 3 + 32;
            if (fault != RDT_SEAL_RECIPIENT && fault != RDT_SEAL_COST && !public_key)
                fail_msg("bit %zu: %d", bit, (int)fault);
            rdt_secret_wipe(&got);
        }
        stanzas->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
of_a_tenant(void **state)
{
    RDT_BUF stanzas = {0};
    const struct rdt_seal_tenant tenant = {ring, 0x01020304, 0x0506};
    (void)state;
    assert_int_equal(
        rdt_seal_add_tenant(worker, rdt_buf_span(&core), &file_key, &tenant, &kek, &stanzas),
        RDT_SEAL_OK);
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_string_equal(rdt_seal_kind_name(stanza.kind), "tenant");
    assert_int_equal(stanza.as.tenant.handle, tenant.handle);
    assert_int_equal(stanza.as.tenant.epoch, tenant.epoch);
    assert_memory_equal(stanza.as.tenant.ring.p, ring, 16);
    opens_so(rdt_seal_get_tenant, &stanzas, &kek, &file_key, 1);
    opens_so(rdt_seal_get_tenant, &stanzas, &kek, &passphrase, 999);
}

static void
of_a_key_pair(void **state)
{
    RDT_BUF stanzas = {0};
    uint8_t zeroes[32] = {0};
    (void)state;
    assert_int_equal(
        rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key, publics[0], &stanzas),
        RDT_SEAL_OK);
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_true(rdt_span_eq(stanza.as.x25519.public_key, publics[0]));
    opens_so(rdt_seal_get_x25519, &stanzas, &private_keys[0], &private_keys[1], 5);
    assert_int_equal(rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key,
                                         (struct rdt_span){zeroes, 32}, &stanzas),
                     RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key,
                                         (struct rdt_span){zeroes, 31}, &stanzas),
                     RDT_SEAL_USAGE);
}

static void
of_a_passphrase(void **state)
{
    RDT_BUF stanzas = {0};
    struct rdt_argon cost = {RDT_ARGON_MEMORY_MIN, 1, 1, {0}};
    struct rdt_argon dear = {RDT_ARGON_MEMORY_MAX + 1, 1, 1, {0}};
    struct rdt_seal_head head = head_of(&core);
    RDT_SECRET got = {0};
    (void)state;
    assert_int_equal(rdt_seal_add_passphrase(worker, rdt_buf_span(&core), &file_key, &passphrase,
                                             &dear, &stanzas),
                     RDT_SEAL_COST);
    assert_int_equal(
        rdt_seal_add_passphrase(worker, rdt_buf_span(&core), &file_key, &got, &cost, &stanzas),
        RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_add_passphrase(worker, rdt_buf_span(&core), &file_key, &passphrase,
                                             &cost, &stanzas),
                     RDT_SEAL_OK);
    opens_so(rdt_seal_get_passphrase, &stanzas, &passphrase, &kek, 97);
    stanzas.p[3] = 1; /* 16 MiB more than is allowed, in KiB: 2^24 */
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_int_equal(rdt_seal_get_passphrase(worker, &head, &stanza, &passphrase, &got),
                     RDT_SEAL_COST);
}

/* Shares of one group, by those who came. */
static enum rdt_seal_fault
join(const struct rdt_buf *stanzas, const size_t *who, size_t n, struct rdt_secret *out)
{
    struct rdt_seal_head head = head_of(&core);
    struct rdt_span in = rdt_buf_span(stanzas);
    struct rdt_share shares[HOLDERS] = {{.x = 0}};
    struct rdt_seal_stanza stanza;
    size_t have = 0;
    enum rdt_seal_fault fault = RDT_SEAL_OK;
    while (rdt_seal_stanza_next(&in, &stanza))
        for (size_t i = 0; i < n; i++)
            if (rdt_span_eq(stanza.as.glass.public_key, publics[who[i]]))
                fault = rdt_seal_get_share(worker, &head, &stanza, &private_keys[who[i]],
                                           &shares[have++]);
    if (rdt_shamir_join(shares, (unsigned)have, out, NULL) != RDT_OK)
        fault = RDT_SEAL_INTERNAL;
    for (size_t i = 0; i < HOLDERS; i++)
        rdt_secret_wipe(&shares[i].y);
    return fault;
}

static void
of_k_of_n(void **state)
{
    static const struct {
        size_t who[HOLDERS], n;
        bool enough;
    } cases[] = {
        {{0, 1, 2},       3, true },
        {{4, 2, 0},       3, true },
        {{0, 1, 2, 3, 4}, 5, true },
        {{1, 3},          2, false},
    };
    RDT_BUF stanzas = {0};
    const struct rdt_seal_glass glass = {.group = 0, .k = 3, .n = HOLDERS, .public_keys = publics};
    struct rdt_seal_head head = head_of(&core);
    struct rdt_share share = {.x = 0};
    (void)state;
    assert_int_equal(rdt_seal_add_glass(worker, rdt_buf_span(&core), &file_key, &glass, &stanzas),
                     RDT_SEAL_OK);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_SECRET got = {0};
        assert_int_equal(join(&stanzas, cases[i].who, cases[i].n, &got), RDT_SEAL_OK);
        assert_int_equal(rdt_secret_equal(&got, &file_key), cases[i].enough);
    }
    /* the place of a share is bound: k lowered, so that fewer would be asked for */
    stanzas.p[3 + 1] = 2;
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_int_equal(rdt_seal_get_share(worker, &head, &stanza, &private_keys[0], &share),
                     RDT_SEAL_RECIPIENT);
    assert_int_equal(share.y.n, 0);
    stanzas.p[3 + 1] = 3;
    stanza = first(&stanzas);
    assert_int_equal(rdt_seal_get_share(worker, &head, &stanza, &private_keys[1], &share),
                     RDT_SEAL_RECIPIENT);
}

static void
no_such_group(void **state)
{
    struct rdt_span twice[] = {publics[0], publics[1], publics[0]};
    const struct rdt_seal_glass groups[] = {
        {0, 1, 3,                  publics},
        {0, 4, 3,                  publics},
        {0, 2, RDT_SHARES_MAX + 1, publics},
        {0, 2, 3,                  twice  },
    };
    RDT_BUF stanzas = {0};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(groups); i++)
        assert_int_equal(
            rdt_seal_add_glass(worker, rdt_buf_span(&core), &file_key, &groups[i], &stanzas),
            RDT_SEAL_USAGE);
    assert_int_equal(stanzas.n, 0);
}

static void
of_the_key_service(void **state)
{
    static const uint8_t many[RDT_SEAL_KMS_BLOB_MAX + 1];
    RDT_BUF stanzas = {0};
    struct rdt_span key = rdt_span_str("alias/backup"), tenant = rdt_span_str("acme"),
                    blob = rdt_span_str("blob"), none = {NULL, 0};
    (void)state;
    assert_int_equal(rdt_seal_add_kms(key, tenant, blob, &stanzas), RDT_SEAL_OK);
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_true(rdt_span_eq(stanza.as.kms.key, key));
    assert_true(rdt_span_eq(stanza.as.kms.tenant, tenant));
    assert_true(rdt_span_eq(stanza.as.kms.blob, blob));
    stanzas.n = 0;
    assert_int_equal(rdt_seal_add_kms(key, none, blob, &stanzas), RDT_SEAL_OK);
    assert_int_equal(first(&stanzas).as.kms.tenant.n, 0);
    assert_int_equal(rdt_seal_add_kms(none, tenant, blob, &stanzas), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_add_kms(key, tenant, none, &stanzas), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_add_kms(key, rdt_span_str("a\tb"), blob, &stanzas), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_add_kms(key, tenant, (struct rdt_span){many, sizeof many}, &stanzas),
                     RDT_SEAL_USAGE);
}

static void
of_a_token(void **state)
{
    RDT_BUF stanzas = {0};
    RDT_BUF aad = {0};
    RDT_BUF other = {0};
    struct rdt_p11 what = {"/lib/x.so", "backup token", "backup key", RDT_P11_OAEP, 0};
    struct rdt_span blob = rdt_span_str("wrapped"), none = {NULL, 0};
    (void)state;
    assert_int_equal(rdt_seal_add_p11(&what, blob, &stanzas), RDT_SEAL_OK);
    struct rdt_seal_stanza stanza = first(&stanzas);
    assert_true(rdt_span_is(stanza.as.p11.token, "backup token"));
    assert_true(rdt_span_is(stanza.as.p11.key, "backup key"));
    assert_true(rdt_span_eq(stanza.as.p11.wrapped, blob));
    assert_int_equal(stanza.as.p11.how, RDT_P11_OAEP);
    assert_int_equal(rdt_seal_add_p11(&what, none, &stanzas), RDT_SEAL_USAGE);
    what.how = RDT_P11_BEST;
    assert_int_equal(rdt_seal_add_p11(&what, blob, &stanzas), RDT_SEAL_USAGE);
    rdt_seal_p11_aad(rdt_buf_span(&core), &aad);
    rdt_seal_p11_aad(rdt_buf_span(&other_core), &other);
    assert_int_equal(aad.n, sizeof "redoubt/rbf1/p11" + 16);
    assert_int_equal(other.n, aad.n);
    assert_false(rdt_span_eq(rdt_buf_span(&aad), rdt_buf_span(&other)));
}

/* Asking one kind's key of another kind. */
static void
another_kind(void **state)
{
    RDT_BUF stanzas = {0};
    RDT_SECRET got = {0};
    struct rdt_share share = {.x = 0};
    struct rdt_seal_head head = head_of(&core);
    (void)state;
    assert_int_equal(rdt_seal_add_kms(rdt_span_str("k"), (struct rdt_span){NULL, 0},
                                      rdt_span_str("b"), &stanzas),
                     RDT_SEAL_OK);
    struct rdt_seal_stanza s = first(&stanzas);
    assert_int_equal(rdt_seal_get_tenant(worker, &head, &s, &kek, &got), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_get_x25519(worker, &head, &s, &kek, &got), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_get_passphrase(worker, &head, &s, &kek, &got), RDT_SEAL_USAGE);
    assert_int_equal(rdt_seal_get_share(worker, &head, &s, &kek, &share), RDT_SEAL_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_tenant),     cmocka_unit_test(of_a_key_pair),
        cmocka_unit_test(of_a_passphrase), cmocka_unit_test(of_k_of_n),
        cmocka_unit_test(no_such_group),   cmocka_unit_test(of_the_key_service),
        cmocka_unit_test(of_a_token),      cmocka_unit_test(another_kind),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
