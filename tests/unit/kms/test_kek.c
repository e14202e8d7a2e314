/* The key of a tenant: docs/formats/tenant-kek.md. */
#include "kms/kek.h"

#include "codec/base64.h"

#include "../test.h"

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

/* tests/vectors/tenant-kek.json, made by tests/functional/tenant_kek.py */
static const struct {
    const char *material, *key, *seed, *tenant;
    uint32_t handle;
    uint16_t epoch;
    const char *kek, *info;
} vectors[] = {
    {"9ae6e9f04019d2ec6253be471399b8dbe96a231ddfa55a7ca7cc69828debe914",
     "8db5d4b24c9ff1ed9934dfc9c301c502", "f5e903a15e5dd8fc4952cdcb00119500c616e5ceffff0d990c047cf2a6d2a4f9",
     "610b695bb49057caf7d8b0786fac6baa", 1u,          1,
     "7bca2a4937ec9045841a8ec40707f4a76856084f9418cb9494e9713b3ffebe53", "7265646f756274206b656b206578706f7274207631008db5d4b24c9ff1ed9934"
     "dfc9c301c502610b695bb49057caf7d8b0786fac6baa000000010001"},
    {"14aa95bd3cf90d2557122f7a3ae6a02e1362a5aa4344ecbf69edd661eb957423",
     "e9cec1cb9378548c4efd50f37b3467c3", "aef8d6adca8b0b420886caebbb2b950fb181028040416420950ed3e1e042360f",
     "4d3f3a06136c3b5f964d5e04fe3434ba", 4294967295u, 65535,
     "48bd90348f9373d2b0a807fbe832a2d31a4113fada706ec6bf5ec8854208e519", "7265646f756274206b656b206578706f727420763100e9cec1cb9378548c4efd"
     "50f37b3467c34d3f3a06136c3b5f964d5e04fe3434baffffffffffff"},
    {"2162432362c085d3a2217adf892de47c15ee7bb3c9589abeead7d648ab268da0",
     "e39c98b5bd1758ce351cd1d6d845c55a", "2cdae6a2fb254e4a598b608a53d61086435e9b6d1bf5bddb76bd1b499ee1ce9a",
     "193ff20ecd6184caf31dae1a9e8ba7aa", 455884110u,  300,
     "23c4f872ad8119430695ee9cabd3f0ff74de3cf6694fc89d740013bf4b92d339", "7265646f756274206b656b206578706f727420763100e39c98b5bd1758ce351c"
     "d1d6d845c55a193ff20ecd6184caf31dae1a9e8ba7aa1b2c3d4e012c"},
};

struct parts {
    struct rdt_secret material, seed, kek;
    uint8_t key[16], tenant[16];
    struct rdt_kek_place place;
};

static void
secret(const char *text, struct rdt_secret *out)
{
    assert_int_equal(rdt_secret_new(out, strlen(text) / 2, NULL), RDT_OK);
    assert_true(rdt_hex_get(rdt_span_str(text), out->p, out->n));
}

static void
parts_of(size_t i, struct parts *p)
{
    *p = (struct parts){
        .place = {.handle = vectors[i].handle, .epoch = vectors[i].epoch}
    };
    secret(vectors[i].material, &p->material);
    secret(vectors[i].seed, &p->seed);
    assert_true(rdt_hex_get(rdt_span_str(vectors[i].key), p->key, 16));
    assert_true(rdt_hex_get(rdt_span_str(vectors[i].tenant), p->tenant, 16));
    p->place.key = p->key;
    p->place.tenant = p->tenant;
    assert_int_equal(rdt_secret_new(&p->kek, RDT_KEY_LEN, NULL), RDT_OK);
}

static void
parts_done(struct parts *p)
{
    rdt_secret_wipe(&p->material);
    rdt_secret_wipe(&p->seed);
    rdt_secret_wipe(&p->kek);
}

static bool
gives(struct parts *p, size_t i)
{
    uint8_t want[32];
    assert_int_equal(rdt_kek_derive(worker, &p->material, &p->seed, &p->place, &p->kek), RDT_OK);
    assert_true(rdt_hex_get(rdt_span_str(vectors[i].kek), want, sizeof want));
    return rdt_same((struct rdt_span){p->kek.p, 32}, (struct rdt_span){want, 32});
}

static void
by_another_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(vectors); i++) {
        struct parts p;
        uint8_t info[RDT_KEK_INFO_LEN], want[RDT_KEK_INFO_LEN];
        parts_of(i, &p);
        assert_true(gives(&p, i));
        rdt_kek_info(&p.place, info);
        assert_true(rdt_hex_get(rdt_span_str(vectors[i].info), want, sizeof want));
        assert_memory_equal(info, want, sizeof want);
        parts_done(&p);
    }
}

/* Each thing that a key belongs to makes another key. */
static void
depends_on_all(void **state)
{
    struct parts p;
    (void)state;
    parts_of(0, &p);
    p.material.p[31] ^= 1;
    assert_false(gives(&p, 0));
    p.material.p[31] ^= 1;
    p.seed.p[0] ^= 1;
    assert_false(gives(&p, 0));
    p.seed.p[0] ^= 1;
    p.key[15] ^= 1;
    assert_false(gives(&p, 0));
    p.key[15] ^= 1;
    p.place.handle++;
    assert_false(gives(&p, 0));
    p.place.handle--;
    p.place.epoch++;
    assert_false(gives(&p, 0));
    p.place.epoch--;
    assert_true(gives(&p, 0));
    parts_done(&p);
}

static void
refuses_lengths(void **state)
{
    RDT_SECRET small = {0};
    struct parts p;
    (void)state;
    parts_of(0, &p);
    assert_int_equal(rdt_secret_new(&small, 31, NULL), RDT_OK);
    assert_int_equal(rdt_kek_derive(worker, &small, &p.seed, &p.place, &p.kek), RDT_E_INTERNAL);
    assert_int_equal(rdt_kek_derive(worker, &p.material, &small, &p.place, &p.kek), RDT_E_INTERNAL);
    assert_int_equal(rdt_kek_derive(worker, &p.material, &p.seed, &p.place, &small),
                     RDT_E_INTERNAL);
    parts_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_another_implementation),
        cmocka_unit_test(depends_on_all),
        cmocka_unit_test(refuses_lengths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
