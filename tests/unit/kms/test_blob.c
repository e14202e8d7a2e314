#include "kms/blob.h"

#include "../test.h"

#include "base/file.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "kms/context.h"

#include <stdio.h>
#include <stdlib.h>

#define PLAIN "attack at dawn"
#define PLAIN_LEN (sizeof PLAIN - 1)

static struct rdt_worker *worker;
static struct rdt_secret material, other, hedge, scratch;
static const uint8_t uuid[16] = "0123456789abcdef", uuid2[16] = "0123456789abcdeF";
static uint8_t id[RDT_MATERIAL_ID_LEN], id2[RDT_MATERIAL_ID_LEN];

static int
open_worker(void **state)
{
    (void)state;
    static uint8_t bytes[32];
    memset(bytes, 7, sizeof bytes);
    struct rdt_span span = {bytes, sizeof bytes};
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_secret_copy(&material, span, NULL) != RDT_OK)
        return 1;
    bytes[31] ^= 1;
    return rdt_secret_copy(&other, span, NULL) != RDT_OK ||
           rdt_secret_copy(&hedge, span, NULL) != RDT_OK ||
           rdt_secret_new(&scratch, RDT_KEY_LEN, NULL) != RDT_OK ||
           rdt_material_id(worker, &material, uuid, id) != RDT_OK ||
           rdt_material_id(worker, &other, uuid, id2) != RDT_OK;
}

static int
close_worker(void **state)
{
    (void)state;
    rdt_secret_wipe(&material);
    rdt_secret_wipe(&other);
    rdt_secret_wipe(&hedge);
    rdt_secret_wipe(&scratch);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_blob_keys
usual(void)
{
    return (struct rdt_blob_keys){&material, &hedge, &scratch, uuid, id};
}

static void
sealed(struct rdt_span context, struct rdt_span plain, uint8_t *out)
{
    struct rdt_blob_keys keys = usual();
    assert_int_equal(rdt_blob_seal(worker, &keys, context, plain, out), RDT_OK);
    static const uint8_t zero[RDT_KEY_LEN];
    assert_memory_equal(scratch.p, zero, RDT_KEY_LEN);
}

static enum rdt_code
opened(const struct rdt_blob_keys *keys, struct rdt_span context, struct rdt_span bytes,
       uint8_t *out)
{
    struct rdt_blob blob;
    if (!rdt_blob_read(bytes, &blob))
        return RDT_E_BADINPUT;
    enum rdt_code rc = rdt_blob_open(worker, keys, context, &blob, out);
    static const uint8_t zero[RDT_KEY_LEN];
    assert_memory_equal(scratch.p, zero, RDT_KEY_LEN);
    if (rc != RDT_OK)
        for (size_t i = 0; i + RDT_GCM_TAG_LEN < blob.sealed.n; i++)
            assert_int_equal(out[i], 0);
    return rc;
}

static void
round_trip(void **state)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 32, 64, 4096};
    static uint8_t plain[4096], blob[4096 + RDT_BLOB_OVERHEAD], back[4096];
    struct rdt_span context = rdt_span_str("any bytes");
    struct rdt_blob_keys keys = usual();
    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 31);
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        size_t n = lengths[i];
        sealed(context, (struct rdt_span){plain, n}, blob);
        assert_int_equal(blob[0], 0xf7);
        memset(back, 0xee, sizeof back);
        assert_int_equal(
            opened(&keys, context, (struct rdt_span){blob, n + RDT_BLOB_OVERHEAD}, back), RDT_OK);
        assert_memory_equal(back, plain, n);
    }
}

static void
parts(void **state)
{
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD];
    struct rdt_blob blob;
    (void)state;
    sealed((struct rdt_span){0}, rdt_span_str(PLAIN), bytes);
    assert_true(rdt_blob_read((struct rdt_span){bytes, sizeof bytes}, &blob));
    assert_true(rdt_span_eq(blob.key, (struct rdt_span){uuid, sizeof uuid}));
    assert_true(rdt_span_eq(blob.material_id, (struct rdt_span){id, sizeof id}));
    assert_int_equal(blob.head.n, RDT_BLOB_HEAD);
    assert_int_equal(blob.sealed.n, PLAIN_LEN + RDT_GCM_TAG_LEN);
    for (size_t n = 0; n < RDT_BLOB_OVERHEAD; n++)
        assert_false(rdt_blob_read((struct rdt_span){bytes, n}, &blob));
    assert_true(rdt_blob_read((struct rdt_span){bytes, RDT_BLOB_OVERHEAD}, &blob));
    for (unsigned format = 0; format < 256; format++) {
        bytes[0] = (uint8_t)format;
        assert_int_equal(rdt_blob_read((struct rdt_span){bytes, sizeof bytes}, &blob),
                         format == 0xf7);
    }
}

/* Each bit counts: head, ciphertext, tag. */
static void
any_bit(void **state)
{
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD], back[PLAIN_LEN];
    struct rdt_blob_keys keys = usual();
    (void)state;
    sealed((struct rdt_span){0}, rdt_span_str(PLAIN), bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rdt_code rc =
            opened(&keys, (struct rdt_span){0}, (struct rdt_span){bytes, sizeof bytes}, back);
        if (rc != (bit < 8 ? RDT_E_BADINPUT : RDT_E_TAMPERED))
            fail_msg("bit %zu: %d", bit, rc);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(
        opened(&keys, (struct rdt_span){0}, (struct rdt_span){bytes, sizeof bytes}, back), RDT_OK);
    for (size_t n = RDT_BLOB_OVERHEAD; n < sizeof bytes; n++)
        assert_int_equal(opened(&keys, (struct rdt_span){0}, (struct rdt_span){bytes, n}, back),
                         RDT_E_TAMPERED);
}

static void
wrong_keys(void **state)
{
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD], back[PLAIN_LEN];
    struct rdt_span whole = {bytes, sizeof bytes}, context = rdt_span_str("tenant=a");
    (void)state;
    sealed(context, rdt_span_str(PLAIN), bytes);
    struct rdt_blob_keys keys = usual();
    assert_int_equal(opened(&keys, context, whole, back), RDT_OK);
    assert_int_equal(opened(&keys, rdt_span_str("tenant=b"), whole, back), RDT_E_TAMPERED);
    assert_int_equal(opened(&keys, (struct rdt_span){0}, whole, back), RDT_E_TAMPERED);
    keys.material = &other; /* under the name of the right one */
    assert_int_equal(opened(&keys, context, whole, back), RDT_E_TAMPERED);
    keys.material_id = id2;
    assert_int_equal(opened(&keys, context, whole, back), RDT_E_TAMPERED);
    keys = usual();
    keys.material_id = id2; /* the right one under another name */
    assert_int_equal(opened(&keys, context, whole, back), RDT_E_TAMPERED);
    keys = usual();
    keys.key = uuid2;
    assert_int_equal(opened(&keys, context, whole, back), RDT_E_TAMPERED);
}

/* A ciphertext that opens under the other material, with the first one's name in its head. */
static void
no_two_materials(void **state)
{
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD], back[PLAIN_LEN];
    (void)state;
    struct rdt_blob_keys forger = {&other, &hedge, &scratch, uuid, id};
    assert_int_equal(
        rdt_blob_seal(worker, &forger, (struct rdt_span){0}, rdt_span_str(PLAIN), bytes), RDT_OK);
    assert_int_equal(
        opened(&forger, (struct rdt_span){0}, (struct rdt_span){bytes, sizeof bytes}, back),
        RDT_E_TAMPERED);
}

static void
never_twice(void **state)
{
    enum { ROUNDS = 500, FRESH = 28 };
    static uint8_t seen[ROUNDS][FRESH];
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD];
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        sealed((struct rdt_span){0}, rdt_span_str(PLAIN), bytes);
        memcpy(seen[i], bytes + RDT_BLOB_HEAD - FRESH, FRESH);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], FRESH);
    }
}

static void
too_much_context(void **state)
{
    static uint8_t context[RDT_CONTEXT_MAX + 1];
    uint8_t bytes[PLAIN_LEN + RDT_BLOB_OVERHEAD], back[PLAIN_LEN];
    struct rdt_blob_keys keys = usual();
    (void)state;
    struct rdt_span most = {context, RDT_CONTEXT_MAX}, more = {context, sizeof context};
    sealed(most, rdt_span_str(PLAIN), bytes);
    assert_int_equal(opened(&keys, most, (struct rdt_span){bytes, sizeof bytes}, back), RDT_OK);
    assert_int_equal(opened(&keys, more, (struct rdt_span){bytes, sizeof bytes}, back),
                     RDT_E_TAMPERED);
    assert_int_equal(rdt_blob_seal(worker, &keys, more, rdt_span_str(PLAIN), bytes),
                     RDT_E_INTERNAL);
}

/* ---- tests/vectors/kms-ciphertext.json ---- */

static struct rdt_span
hex_of(struct rdt_arena *arena, const struct rdt_node *node, const char *name)
{
    struct rdt_span text = rdt_span_str(rdt_node_str(node, name));
    uint8_t *bytes = rdt_arena_new(arena, text.n / 2 + 1);
    assert_non_null(bytes);
    assert_true(rdt_hex_get(text, bytes, text.n / 2));
    return (struct rdt_span){bytes, text.n / 2};
}

static struct rdt_span
context_of(const struct rdt_node *map)
{
    static struct rdt_context context;
    context.n = 0;
    for (size_t i = 0; i < map->n; i++)
        assert_true(rdt_context_add(&context, map->members[i].key, map->members[i].node->text));
    assert_int_equal(rdt_context_finish(&context), RDT_OK);
    return (struct rdt_span){context.bytes, context.bytes_n};
}

static enum rdt_code
open_vector(struct rdt_arena *arena, const struct rdt_node *v, uint8_t *out)
{
    RDT_SECRET secret = {0};
    uint8_t name[RDT_MATERIAL_ID_LEN];
    struct rdt_span key = hex_of(arena, v, "key");
    assert_int_equal(rdt_secret_copy(&secret, hex_of(arena, v, "material"), NULL), RDT_OK);
    assert_int_equal(rdt_material_id(worker, &secret, key.p, name), RDT_OK);
    struct rdt_blob_keys keys = {&secret, NULL, &scratch, key.p, name};
    return opened(&keys, context_of(rdt_node_get(v, "context")), hex_of(arena, v, "blob"), out);
}

static void
vectors(void **state)
{
    static uint8_t out[8192];
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF path = {0}, text = {0};
    struct rdt_node *root = NULL;
    (void)state;
    rdt_buf_fmt(&path, "%s/tests/vectors/kms-ciphertext.json",
                getenv("REDOUBT_SOURCE") == NULL ? "." : getenv("REDOUBT_SOURCE"));
    assert_int_equal(rdt_file_read(rdt_buf_cstr(&path), 1 << 20, &text, NULL), RDT_OK);
    assert_int_equal(rdt_json_parse("vectors", rdt_buf_span(&text), &arena, &root, NULL), RDT_OK);
    const struct rdt_node *good = rdt_node_get(root, "open"), *bad = rdt_node_get(root, "refuse");
    assert_true(good->n >= 8 && bad->n >= 20);
    for (size_t i = 0; i < good->n; i++) {
        const struct rdt_node *v = good->members[i].node;
        struct rdt_span plain = hex_of(&arena, v, "plain");
        if (open_vector(&arena, v, out) != RDT_OK)
            fail_msg("%s: does not open", rdt_node_str(v, "name"));
        assert_true(rdt_span_eq(plain, (struct rdt_span){out, plain.n}));
        assert_true(rdt_span_eq(context_of(rdt_node_get(v, "context")),
                                hex_of(&arena, v, "context_bytes")));
    }
    for (size_t i = 0; i < bad->n; i++) {
        const struct rdt_node *v = bad->members[i].node;
        if (open_vector(&arena, v, out) == RDT_OK)
            fail_msg("%s: opens", rdt_node_str(v, "name"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),       cmocka_unit_test(parts),
        cmocka_unit_test(any_bit),          cmocka_unit_test(wrong_keys),
        cmocka_unit_test(no_two_materials), cmocka_unit_test(never_twice),
        cmocka_unit_test(too_much_context), cmocka_unit_test(vectors),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
