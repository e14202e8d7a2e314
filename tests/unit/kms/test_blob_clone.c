/*
 * A machine that was copied with its memory: both copies have the same random bytes before them.
 * Here the generator gives every worker the same ones.
 */
#include "kms/blob.h"

#include "../test.h"

#define FRESH 28 /* bytes of nonce and IV, in front of what is sealed */
#define PLAIN_MAX 64

/* Stands in for libcrypto's. */
int RAND_bytes_ex(void *lib, unsigned char *out, size_t n, unsigned strength);

int
RAND_bytes_ex(void *lib, unsigned char *out, size_t n, unsigned strength)
{
    (void)lib;
    (void)strength;
    memset(out, 0x5a, n);
    return 1;
}

static struct rdt_secret material, hedge, scratch;
static const uint8_t one_key[16] = "0123456789abcdef", other_key[16] = "0123456789abcdeF";

/* What a copy of the machine seals first. */
static void
first_of_a_copy(const uint8_t key[static 16], const char *context, const char *plain,
                uint8_t out[static PLAIN_MAX + RDT_BLOB_OVERHEAD])
{
    struct rdt_worker *worker = NULL;
    uint8_t id[RDT_MATERIAL_ID_LEN];
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    assert_int_equal(rdt_material_id(worker, &material, key, id), RDT_OK);
    struct rdt_blob_keys keys = {&material, &hedge, &scratch, key, id};
    assert_int_equal(rdt_blob_seal(worker, &keys, rdt_span_str(context), rdt_span_str(plain), out),
                     RDT_OK);
    rdt_worker_close(worker);
}

static void
a_copy_repeats_only_itself(void **state)
{
    static const struct {
        const uint8_t *key;
        const char *context, *plain;
    } others[] = {
        {one_key,   "context", "attack at dusk" },
        {one_key,   "context", "attack at dawn "},
        {one_key,   "context", ""               },
        {one_key,   "Context", "attack at dawn" },
        {one_key,   "",        "attack at dawn" },
        {one_key,   "context", "attack at daw"  },
        {other_key, "context", "attack at dawn" },
    };
    uint8_t first[PLAIN_MAX + RDT_BLOB_OVERHEAD] = {0}, again[sizeof first] = {0};
    (void)state;
    first_of_a_copy(one_key, "context", "attack at dawn", first);
    first_of_a_copy(one_key, "context", "attack at dawn", again);
    /* the same call twice gives the same bytes: nobody learns more than that it was the same; and
     * the copies are copies, else this test would show nothing */
    assert_memory_equal(first, again, sizeof first);
    const uint8_t *fresh = first + RDT_BLOB_HEAD - FRESH;
    for (size_t i = 0; i < RDT_COUNT(others); i++) {
        first_of_a_copy(others[i].key, others[i].context, others[i].plain, again);
        const uint8_t *now = again + RDT_BLOB_HEAD - FRESH;
        assert_memory_not_equal(fresh, now, 16);
        assert_memory_not_equal(fresh + 16, now + 16, 12);
    }
}

static int
set_up(void **state)
{
    static const uint8_t bytes[32] = "thirty-two bytes of a key, or so";
    struct rdt_span span = {bytes, sizeof bytes};
    (void)state;
    return rdt_secret_copy(&material, span, NULL) != RDT_OK ||
           rdt_secret_copy(&hedge, span, NULL) != RDT_OK ||
           rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&material);
    rdt_secret_wipe(&hedge);
    rdt_secret_wipe(&scratch);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_copy_repeats_only_itself)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
