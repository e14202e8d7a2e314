#include "codec/kek.h"

#include "codec/base64.h"

#include "../test.h"

/* tests/vectors/tenant-kek.json, made by another implementation */
static const struct {
    const char *key, *tenant, *info;
    uint32_t handle;
    uint16_t epoch;
} vectors[] = {
    {"8db5d4b24c9ff1ed9934dfc9c301c502", "610b695bb49057caf7d8b0786fac6baa",
     "7265646f756274206b656b206578706f727420763100"
     "8db5d4b24c9ff1ed9934dfc9c301c502610b695bb49057caf7d8b0786fac6baa000000010001", 0x1,        1    },
    {"e9cec1cb9378548c4efd50f37b3467c3", "4d3f3a06136c3b5f964d5e04fe3434ba",
     "7265646f756274206b656b206578706f727420763100"
     "e9cec1cb9378548c4efd50f37b3467c34d3f3a06136c3b5f964d5e04fe3434baffffffffffff", 0xffffffff, 65535},
    {"e39c98b5bd1758ce351cd1d6d845c55a", "193ff20ecd6184caf31dae1a9e8ba7aa",
     "7265646f756274206b656b206578706f727420763100"
     "e39c98b5bd1758ce351cd1d6d845c55a193ff20ecd6184caf31dae1a9e8ba7aa1b2c3d4e012c", 0x1b2c3d4e, 300  },
};

static void
by_another_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(vectors); i++) {
        uint8_t key[16], tenant[16], want[RDT_KEK_INFO_LEN], got[RDT_KEK_INFO_LEN],
            at[RDT_KEK_AT_LEN];
        struct rdt_kek_place place = {key, tenant, vectors[i].handle, vectors[i].epoch};
        assert_true(rdt_hex_get(rdt_span_str(vectors[i].key), key, sizeof key));
        assert_true(rdt_hex_get(rdt_span_str(vectors[i].tenant), tenant, sizeof tenant));
        assert_true(rdt_hex_get(rdt_span_str(vectors[i].info), want, sizeof want));
        rdt_kek_info(&place, got);
        assert_memory_equal(got, want, sizeof want);
        rdt_kek_at(&place, at);
        assert_memory_equal(at, want + sizeof want - sizeof at, sizeof at);
        place.epoch ^= 0x100;
        rdt_kek_info(&place, got);
        assert_memory_not_equal(got, want, sizeof want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_another_implementation)};
    return cmocka_run_group_tests_name("codec/kek", tests, NULL, NULL);
}
