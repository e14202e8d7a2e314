/* Chunks in their places. The published vectors are in tests/functional/test_seal_format.py. */
#include "seal/chunk.h"

#include "../test.h"

#include <stdlib.h>

#define FULL 3                                   /* full chunks of the message */
#define PLAIN_LEN (FULL * RDT_CHUNK_LEN + 100)   /* and a last one */
#define SEALED_LEN (PLAIN_LEN + (FULL + 1) * 16) /* without salt and commitment */

static struct rdt_worker *worker;
static struct rdt_secret key;
static struct rdt_span context;
static uint8_t front[RDT_CHUNK_FRONT_LEN], plain[PLAIN_LEN], sealed[SEALED_LEN], out[SEALED_LEN];

static int
set_up(void **state)
{
    struct rdt_chunks *chunks = NULL;
    (void)state;
    context = rdt_span_str("context");
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
        rdt_random_key(worker, &key, NULL) != RDT_OK ||
        rdt_random(worker, front, RDT_CHUNK_SALT_LEN, NULL) != RDT_OK ||
        rdt_random(worker, plain, sizeof plain, NULL) != RDT_OK ||
        rdt_chunks_new(worker, &key, context, front, &chunks) != RDT_OK)
        return -1;
    enum rdt_code rc = rdt_chunks_seal(chunks, (struct rdt_chunk_run){.last = true},
                                       (struct rdt_span){plain, sizeof plain}, sealed);
    rdt_chunks_free(chunks);
    return rc == RDT_OK && rdt_chunks_sealed_len(PLAIN_LEN, true) == SEALED_LEN ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&key);
    rdt_worker_close(worker);
    return 0;
}

static struct rdt_chunks *
opened(void)
{
    struct rdt_chunks *chunks = NULL;
    assert_int_equal(
        rdt_chunks_open(worker, &key, context, (struct rdt_span){front, sizeof front}, &chunks),
        RDT_OK);
    return chunks;
}

static void
all_at_once(void **state)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = opened();
    size_t n;
    (void)state;
    assert_int_equal(rdt_chunks_unseal(chunks, (struct rdt_chunk_run){.last = true},
                                       (struct rdt_span){sealed, sizeof sealed}, out, &n),
                     RDT_OK);
    assert_int_equal(n, PLAIN_LEN);
    assert_memory_equal(out, plain, n);
}

/* Any chunk by its number, backwards, each where it stands, by a copy for another thread. */
static void
one_by_one(void **state)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = opened();
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *copy = NULL;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *mine = NULL;
    (void)state;
    assert_int_equal(rdt_worker_open(&mine, NULL), RDT_OK);
    assert_int_equal(rdt_chunks_copy(chunks, mine, &copy), RDT_OK);
    for (size_t i = FULL + 1; i-- > 0;) {
        size_t at = i * RDT_CHUNK_SEALED_LEN, n;
        size_t len = i == FULL ? sizeof sealed - at : RDT_CHUNK_SEALED_LEN;
        struct rdt_chunk_run run = {.first = i, .last = i == FULL};
        memcpy(out, sealed + at, len);
        assert_int_equal(rdt_chunks_unseal(copy, run, (struct rdt_span){out, len}, out, &n),
                         RDT_OK);
        assert_memory_equal(out, plain + i * RDT_CHUNK_LEN, n);
        assert_int_equal(rdt_chunks_seal(copy, run, (struct rdt_span){out, n}, out), RDT_OK);
        assert_memory_equal(out, sealed + at, len);
    }
}

static enum rdt_code
open_part(struct rdt_chunk_run run, size_t at, size_t len)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = opened();
    size_t n = 1;
    memset(out, 1, sizeof out);
    enum rdt_code rc = rdt_chunks_unseal(chunks, run, (struct rdt_span){sealed + at, len}, out, &n);
    if (rc != RDT_OK) {
        assert_int_equal(n, 0);
        for (size_t i = 0; i < len && i < RDT_CHUNK_LEN; i++)
            assert_true(out[i] == 0 || out[i] == 1);
    }
    return rc;
}

#define LAST_AT (FULL * RDT_CHUNK_SEALED_LEN)

/* Moved, removed, duplicated, cut between chunks and in them. */
static void
out_of_place(void **state)
{
    static const struct {
        const char *name;
        struct rdt_chunk_run run;
        size_t at, len;
        enum rdt_code want;
    } cases[] = {
        {"as it is",           {1, false},              RDT_CHUNK_SEALED_LEN, RDT_CHUNK_SEALED_LEN,     RDT_OK        },
        {"another number",     {0, false},              RDT_CHUNK_SEALED_LEN, RDT_CHUNK_SEALED_LEN,     RDT_E_TAMPERED},
        {"the last too early", {FULL - 1, true},        LAST_AT,              116,                      RDT_E_TAMPERED},
        {"no last",            {0, true},               0,                    LAST_AT,                  RDT_E_TAMPERED},
        {"cut in the last",    {0, true},               0,                    SEALED_LEN - 1,           RDT_E_TAMPERED},
        {"cut in a tag",       {0, true},               0,                    LAST_AT + 15,             RDT_E_TAMPERED},
        {"cut in a chunk",     {0, true},               0,                    LAST_AT - 1,              RDT_E_TAMPERED},
        {"no bytes",           {0, true},               0,                    0,                        RDT_E_TAMPERED},
        {"no whole chunk",     {0, false},              0,                    RDT_CHUNK_SEALED_LEN - 1, RDT_E_BADINPUT},
        {"shifted",            {0, false},              1,                    RDT_CHUNK_SEALED_LEN,     RDT_E_TAMPERED},
        {"beyond the end",     {RDT_CHUNKS_MAX, false}, 0,                    RDT_CHUNK_SEALED_LEN,     RDT_E_LIMIT   },
        {"the highest number", {RDT_CHUNKS_MAX - 1, 0}, 0,                    RDT_CHUNK_SEALED_LEN,     RDT_E_TAMPERED},
        {"2^64 - 1",           {UINT64_MAX, false},     0,                    RDT_CHUNK_SEALED_LEN,     RDT_E_LIMIT   },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        if (open_part(cases[i].run, cases[i].at, cases[i].len) != cases[i].want)
            fail_msg("%s", cases[i].name);
}

static void
a_multiple_of_a_chunk_has_an_empty_last(void **state)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = NULL;
    uint8_t salt[RDT_CHUNK_FRONT_LEN] = {1};
    size_t n, len = rdt_chunks_sealed_len(RDT_CHUNK_LEN, true);
    (void)state;
    assert_int_equal(len, RDT_CHUNK_SEALED_LEN + 16);
    assert_int_equal(rdt_chunks_new(worker, &key, context, salt, &chunks), RDT_OK);
    assert_int_equal(rdt_chunks_seal(chunks, (struct rdt_chunk_run){.last = true},
                                     (struct rdt_span){plain, RDT_CHUNK_LEN}, out),
                     RDT_OK);
    uint8_t *back = malloc(RDT_CHUNK_LEN);
    assert_non_null(back);
    assert_int_equal(rdt_chunks_unseal(chunks, (struct rdt_chunk_run){.last = true},
                                       (struct rdt_span){out, len}, back, &n),
                     RDT_OK);
    assert_int_equal(n, RDT_CHUNK_LEN);
    assert_memory_equal(back, plain, n);
    free(back);
    assert_int_equal(rdt_chunks_seal(chunks, (struct rdt_chunk_run){.first = 0},
                                     (struct rdt_span){plain, 1}, out),
                     RDT_E_BADINPUT);
}

/* Salt, commitment, key and context belong together. */
static void
another_beginning(void **state)
{
    RDT_SECRET other = {0};
    struct rdt_chunks *chunks = NULL;
    uint8_t bytes[RDT_CHUNK_FRONT_LEN];
    struct rdt_span all = {bytes, sizeof bytes};
    (void)state;
    memcpy(bytes, front, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(rdt_chunks_open(worker, &key, context, all, &chunks), RDT_E_TAMPERED);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_int_equal(
            rdt_chunks_open(worker, &key, context, (struct rdt_span){bytes, n}, &chunks),
            RDT_E_BADINPUT);
    assert_int_equal(rdt_chunks_open(worker, &key, rdt_span_str("contex"), all, &chunks),
                     RDT_E_TAMPERED);
    assert_int_equal(rdt_secret_new(&other, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_chunks_open(worker, &other, context, all, &chunks), RDT_E_TAMPERED);
    rdt_secret_cut(&other, RDT_KEY_LEN - 1);
    assert_int_equal(rdt_chunks_open(worker, &other, context, all, &chunks), RDT_E_BADINPUT);
    assert_null(chunks);
    rdt_chunks_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(out_of_place),
        cmocka_unit_test(a_multiple_of_a_chunk_has_an_empty_last),
        cmocka_unit_test(another_beginning),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
