/* Key material and other secrets under a domain key: each wrap opens in its own place only. */
#include "kms/blob.h"

#include "asks.h"

static struct rdt_version
make(uint8_t key, uint32_t number)
{
    struct rdt_request request = {.now_ms = NOW_MS};
    struct rdt_call call = {
        .kms = kms, .thread = thread, .request = &request, .view = {.state = kms->state}};
    struct rdt_version version = {.key = {key}, .number = number};
    assert_int_equal(rdt_material_new(&call, &version, NULL), RDT_OK);
    return version;
}

/* Key bytes do not stay with the thread. */
static bool
nothing_left(void)
{
    uint8_t any = 0;
    for (size_t i = 0; i < thread->material.n; i++)
        any |= thread->material.p[i];
    return any == 0;
}

static void
there_and_back(void **state)
{
    uint8_t id[32];
    struct rdt_version one = make(1, 1), two = make(1, 2);
    (void)state;
    assert_true(nothing_left());
    assert_int_equal(one.domain, 1);
    assert_int_equal(one.wrapped.n, RDT_WRAPPED_LEN);
    assert_memory_not_equal(one.material_id, two.material_id, 32);
    assert_int_equal(rdt_material_open(kms, thread, &one), RDT_OK);
    assert_int_equal(thread->material.n, RDT_KEY_LEN);
    assert_int_equal(rdt_material_id(thread->worker, &thread->material, one.key, id), RDT_OK);
    assert_memory_equal(id, one.material_id, sizeof id);
    rdt_secret_clear(&thread->material);
    free(one.wrapped.p);
    free(two.wrapped.p);
}

/* A row's bytes in another row, or changed. */
static void
moved(void **state)
{
    struct rdt_version good = make(1, 1);
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct rdt_version other = good;
        enum rdt_code want = RDT_E_TAMPERED;
        if (i == 0)
            other.number = 2;
        else if (i == 1)
            other.key[15] = 1;
        else if (i == 2)
            other.domain = RDT_DOMAINS_MAX, want = RDT_E_STATE; /* there is no such key */
        else if (i == 3)
            other.domain = 0, want = RDT_E_STATE;
        else
            other.wrapped = (struct rdt_bytes){0}, want = RDT_E_STATE; /* destroyed */
        assert_int_equal(rdt_material_open(kms, thread, &other), want);
        assert_true(nothing_left());
    }
    for (size_t i = 0; i < good.wrapped.n; i++) {
        good.wrapped.p[i] ^= 0x10;
        assert_int_equal(rdt_material_open(kms, thread, &good), RDT_E_TAMPERED);
        good.wrapped.p[i] ^= 0x10;
    }
    for (size_t n = good.wrapped.n; n > 1; n--) {
        struct rdt_version cut = good;
        cut.wrapped.n = n - 1;
        assert_int_not_equal(rdt_material_open(kms, thread, &cut), RDT_OK);
    }
    assert_int_equal(rdt_material_open(kms, thread, &good), RDT_OK);
    rdt_secret_clear(&thread->material);
    free(good.wrapped.p);
}

/* Each part of the place counts: kind, id, version, purpose, tenant. */
static void
places(void **state)
{
    static const uint8_t tenant[16] = {1}, other[16] = {2};
    const struct wrap_at at = {.kind = RDT_KIND_CREDENTIAL,
                               .id = rdt_span_str("AB"),
                               .version = 3,
                               .purpose = "secret",
                               .tenant = tenant};
    RDT_SECRET secret = {0};
    struct rdt_bytes wrapped = {0};
    (void)state;
    assert_int_equal(rdt_secret_copy(&secret, rdt_span_str("0123456789"), NULL), RDT_OK);
    assert_int_equal(rdt_wrap_put(kms, thread->worker, &at, &secret, 1, &wrapped), RDT_OK);
    for (unsigned i = 0; i < 8; i++) {
        RDT_SECRET out = {0};
        struct wrap_at wrong = at;
        assert_int_equal(rdt_secret_new(&out, secret.n, NULL), RDT_OK);
        if (i == 1)
            wrong.kind = RDT_KIND_PRINCIPAL;
        else if (i == 2)
            wrong.id = rdt_span_str("A");
        else if (i == 3)
            wrong.id = rdt_span_str("ABC");
        else if (i == 4)
            wrong.version = 4;
        else if (i == 5)
            wrong.purpose = "secre";
        else if (i == 6)
            wrong.tenant = other;
        else if (i == 7)
            wrong.tenant = NULL;
        assert_int_equal(rdt_wrap_open(kms, thread, &wrong, 1, rdt_bytes_span(&wrapped), &out),
                         i == 0 ? RDT_OK : RDT_E_TAMPERED);
        if (i == 0)
            assert_true(rdt_secret_equal(&out, &secret));
    }
    assert_int_equal(rdt_wrap_put(kms, thread->worker, &at, &secret, RDT_DOMAINS_MAX + 1, &wrapped),
                     RDT_E_INTERNAL);
    free(wrapped.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(moved),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests_name("kms/material", tests, set_up, tear_down);
}
