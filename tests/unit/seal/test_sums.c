/* Whole files through sums, and through all else: sizes around a chunk, every bit and every cut of
 * a small one, chunks that were moved, a writer that lies. */
#include "whole.h"

#include "../test.h"

#define LONGEST (16 * RDT_CHUNK_LEN + 50)

static struct rdt_worker *worker;
static struct rdt_secret file_key, private_key;
static uint8_t id[RDT_SEAL_FILE_ID_LEN], public_key[32], plain[LONGEST];
static struct rdt_buf core, stanzas;

static int
set_up(void **state)
{
    (void)state;
    return rdt_worker_open(&worker, NULL) != RDT_OK ||
           rdt_secret_new(&file_key, RDT_KEY_LEN, NULL) != RDT_OK ||
           rdt_random_key(worker, &file_key, NULL) != RDT_OK ||
           rdt_random(worker, plain, sizeof plain, NULL) != RDT_OK ||
           rdt_hpke_keypair(worker, &private_key, public_key, NULL) != RDT_OK ||
           rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, NULL, &core) != RDT_SEAL_OK ||
           rdt_seal_add_x25519(worker, rdt_buf_span(&core), &file_key,
                               (struct rdt_span){public_key, 32}, &stanzas) != RDT_SEAL_OK;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_secret_wipe(&file_key);
    rdt_secret_wipe(&private_key);
    rdt_buf_done(&core);
    rdt_buf_done(&stanzas);
    rdt_worker_close(worker);
    return 0;
}

static struct whole
whole(void)
{
    return (struct whole){.worker = worker,
                          .file_key = &file_key,
                          .core = rdt_buf_span(&core),
                          .stanzas = rdt_buf_span(&stanzas)};
}

static enum rdt_seal_fault
by_key(void *context, const struct rdt_seal_head *head, const struct rdt_seal_stanza *stanza,
       struct rdt_secret *out)
{
    (void)head, (void)stanza;
    return rdt_secret_copy(out, rdt_secret_view(context), NULL) == RDT_OK ? RDT_SEAL_OK
                                                                          : RDT_SEAL_INTERNAL;
}

static enum rdt_seal_fault
open_it(struct rdt_span file, struct rdt_buf *out)
{
    const struct whole_keys keys = {by_key, &file_key, 0};
    return whole_open(worker, file, &keys, out);
}

static void
sizes(void **state)
{
    static const size_t lens[] = {0,
                                  1,
                                  RDT_CHUNK_LEN - 1,
                                  RDT_CHUNK_LEN,
                                  RDT_CHUNK_LEN + 1,
                                  RDT_CHUNK_LEN - 63, /* the footer ends with a chunk */
                                  RDT_CHUNK_LEN - 95,
                                  2 * RDT_CHUNK_LEN,
                                  15 * RDT_CHUNK_LEN + 3,
                                  LONGEST};
    (void)state;
    for (size_t i = 0; i < 2 * RDT_COUNT(lens); i++) {
        RDT_BUF file = {0};
        RDT_BUF out = {0};
        struct whole w = whole();
        struct rdt_span all = {plain, lens[i / 2]};
        w.hashed = i % 2 != 0;
        assert_int_equal(whole_seal(&w, all, &file), RDT_SEAL_OK);
        assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_OK);
        assert_true(rdt_span_eq(rdt_buf_span(&out), all));
    }
}

/* Compressed, of no frame, one, and several; said in the core and in the footer. */
static void
compressed(void **state)
{
    static const size_t lens[] = {0, 1, 5000, RDT_FRAME_LEN, 2 * RDT_FRAME_LEN + 77};
    const struct rdt_seal_policy policy = {.coding = RDT_SEAL_ZSTD};
    RDT_BUF zstd_core = {0};
    uint8_t *text = calloc(1, 3 * RDT_FRAME_LEN);
    (void)state;
    assert_non_null(text);
    memcpy(text + RDT_FRAME_LEN, plain, 4000);
    assert_int_equal(rdt_seal_core_make(id, RDT_SEAL_SLOT_MIN, &policy, &zstd_core), RDT_SEAL_OK);
    for (size_t i = 0; i < RDT_COUNT(lens); i++) {
        RDT_BUF file = {0};
        RDT_BUF out = {0};
        struct whole w = whole();
        struct rdt_span all = {text, lens[i]};
        w.core = rdt_buf_span(&zstd_core);
        w.zstd = w.hashed = true;
        assert_int_equal(whole_seal(&w, all, &file), RDT_SEAL_OK);
        assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_OK);
        assert_true(rdt_span_eq(rdt_buf_span(&out), all));
        assert_true(file.n < 20000);
        w.core = rdt_buf_span(&core); /* which says that it is not compressed */
        file.n = out.n = 0;
        assert_int_equal(whole_seal(&w, all, &file), RDT_SEAL_OK);
        assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_FOOTER);
    }
    free(text);
}

/* The longest lists a footer has, behind payloads that end anywhere in a chunk. */
static void
the_longest_footer(void **state)
{
    static uint8_t epochs[RDT_SEAL_CONTAINED_MAX * RDT_SEAL_EPOCH_LEN];
    static uint8_t versions[RDT_SEAL_CONTAINED_MAX * RDT_SEAL_VERSION_LEN];
    static const size_t lens[] = {0, 1, RDT_CHUNK_LEN - 1, RDT_CHUNK_LEN, 9 * RDT_CHUNK_LEN + 8000};
    (void)state;
    for (size_t i = 0; i < RDT_SEAL_CONTAINED_MAX; i++) {
        epochs[i * RDT_SEAL_EPOCH_LEN] = versions[i * RDT_SEAL_VERSION_LEN] = (uint8_t)(i >> 8);
        epochs[i * RDT_SEAL_EPOCH_LEN + 1] = versions[i * RDT_SEAL_VERSION_LEN + 1] = (uint8_t)i;
    }
    for (size_t i = 0; i < RDT_COUNT(lens); i++) {
        RDT_BUF file = {0};
        RDT_BUF out = {0};
        struct whole w = whole();
        struct rdt_span all = {plain, lens[i]};
        w.hashed = w.contained_known = true;
        w.epochs = (struct rdt_span){epochs, sizeof epochs};
        w.versions = (struct rdt_span){versions, sizeof versions};
        assert_int_equal(whole_seal(&w, all, &file), RDT_SEAL_OK);
        assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_OK);
        assert_true(rdt_span_eq(rdt_buf_span(&out), all));
    }
}

/* The whole of a small file: no change goes unseen, but of a slot that the other stands in for. */
static void
changed_and_cut(void **state)
{
    RDT_BUF file = {0};
    struct whole w = whole();
    (void)state;
    assert_int_equal(whole_seal(&w, (struct rdt_span){plain, 40}, &file), RDT_SEAL_OK);
    size_t slots_from = core.n, body_from = core.n + 2 * RDT_SEAL_SLOT_MIN;
    for (size_t bit = 0; bit < 8 * file.n; bit++) {
        RDT_BUF out = {0};
        bool in_slot = bit / 8 >= slots_from && bit / 8 < body_from;
        if (in_slot && bit % 5 != 0)
            continue; /* test_slot looks there */
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum rdt_seal_fault fault = open_it(rdt_buf_span(&file), &out);
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if ((fault == RDT_SEAL_OK) != in_slot || fault == RDT_SEAL_INTERNAL)
            fail_msg("bit %zu: %d", bit, (int)fault);
        assert_int_equal(out.n, in_slot ? 40 : 0);
    }
    for (size_t n = 0; n < file.n; n++) {
        RDT_BUF out = {0};
        uint8_t *part = malloc(n == 0 ? 1 : n);
        assert_non_null(part);
        memcpy(part, file.p, n);
        enum rdt_seal_fault fault = open_it((struct rdt_span){part, n}, &out);
        enum rdt_seal_fault want = n < RDT_SEAL_FRONT_LEN ? RDT_SEAL_NOT_RBF1
                                   : n < body_from        ? RDT_SEAL_HEAD
                                   : n <= body_from + 56  ? RDT_SEAL_INCOMPLETE
                                                          : RDT_SEAL_BODY;
        assert_int_equal(fault, want);
        assert_int_equal(out.n, 0);
        free(part);
    }
    RDT_BUF out = {0};
    rdt_buf_add(&file, "x", 1);
    assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_BODY);
}

/* Swapped, duplicated, removed, appended: chunks keep their places. */
static void
moved_chunks(void **state)
{
    static const struct {
        const char *name;
        int order[5]; /* of full chunks; 3 is the last; -1: the end */
        enum rdt_seal_fault want;
    } cases[] = {
        {"as it is",           {0, 1, 2, 3, -1}, RDT_SEAL_OK        },
        {"two swapped",        {1, 0, 2, 3, -1}, RDT_SEAL_BODY      },
        {"one twice",          {0, 1, 1, 3, -1}, RDT_SEAL_BODY      },
        {"one more",           {0, 1, 2, 2, 3},  RDT_SEAL_BODY      },
        {"one removed",        {0, 2, 3, -1},    RDT_SEAL_BODY      },
        {"the first removed",  {1, 2, 3, -1},    RDT_SEAL_BODY      },
        {"the last removed",   {0, 1, 2, -1},    RDT_SEAL_INCOMPLETE},
        {"nothing",            {-1},             RDT_SEAL_INCOMPLETE},
        {"the last too early", {0, 1, 3, -1},    RDT_SEAL_BODY      },
    };
    RDT_BUF file = {0};
    struct whole w = whole();
    (void)state;
    assert_int_equal(whole_seal(&w, (struct rdt_span){plain, 3 * RDT_CHUNK_LEN + 9}, &file),
                     RDT_SEAL_OK);
    size_t from = core.n + 2 * RDT_SEAL_SLOT_MIN + RDT_CHUNK_FRONT_LEN;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        RDT_BUF other = {0};
        RDT_BUF out = {0};
        rdt_buf_add(&other, file.p, from);
        for (size_t j = 0; j < 5 && cases[i].order[j] >= 0; j++) {
            size_t at = from + (size_t)cases[i].order[j] * RDT_CHUNK_SEALED_LEN;
            size_t left = file.n - at;
            rdt_buf_add(&other, file.p + at,
                        left < RDT_CHUNK_SEALED_LEN ? left : RDT_CHUNK_SEALED_LEN);
        }
        assert_true(rdt_buf_ok(&other));
        if (open_it(rdt_buf_span(&other), &out) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

/* The body of one file under the head of another that has the same file key. */
static void
another_head(void **state)
{
    RDT_BUF one = {0};
    RDT_BUF other = {0};
    RDT_BUF other_core = {0};
    RDT_BUF out = {0};
    struct whole w = whole();
    uint8_t other_id[RDT_SEAL_FILE_ID_LEN] = {1};
    (void)state;
    assert_int_equal(whole_seal(&w, (struct rdt_span){plain, 40}, &one), RDT_SEAL_OK);
    assert_int_equal(rdt_seal_core_make(other_id, RDT_SEAL_SLOT_MIN, NULL, &other_core),
                     RDT_SEAL_OK);
    w.core = rdt_buf_span(&other_core);
    assert_int_equal(whole_seal(&w, (struct rdt_span){plain, 40}, &other), RDT_SEAL_OK);
    size_t from = core.n + 2 * RDT_SEAL_SLOT_MIN;
    memcpy(other.p + from, one.p + from, one.n - from);
    assert_int_equal(open_it(rdt_buf_span(&other), &out), RDT_SEAL_WRONG_BODY);
}

static void
a_producer_that_failed(void **state)
{
    RDT_BUF file = {0};
    RDT_BUF out = {0};
    struct whole w = whole();
    (void)state;
    w.exit_status = 1;
    assert_int_equal(whole_seal(&w, (struct rdt_span){plain, 40}, &file), RDT_SEAL_OK);
    assert_int_equal(open_it(rdt_buf_span(&file), &out), RDT_SEAL_INCOMPLETE);
    assert_int_equal(out.n, 0);
}

/* What a reader compares, against footers that say something else. */
static void
lies(void **state)
{
    static uint8_t sealed[3 * RDT_CHUNK_SEALED_LEN + 500];
    struct rdt_seal_footer right = {.exit_status = 0}, wrong;
    (void)state;
    for (int i = 0; i < 6; i++) {
        RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *writer = NULL;
        RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *reader = NULL;
        size_t n = 3 * RDT_CHUNK_LEN + 5;
        struct rdt_span payload = {plain, n};
        sealed[RDT_CHUNK_SEALED_LEN - 1] = 1;
        assert_int_equal(rdt_seal_sums_new(true, &writer), RDT_SEAL_OK);
        assert_int_equal(rdt_seal_sums_new(true, &reader), RDT_SEAL_OK);
        assert_int_equal(rdt_seal_sums_plain(writer, payload), RDT_SEAL_OK);
        rdt_seal_sums_stored(writer, n);
        assert_int_equal(rdt_seal_sums_end(writer, &right), RDT_SEAL_USAGE); /* too early */
        assert_int_equal(
            rdt_seal_sums_sealed(writer, (struct rdt_span){sealed, 3 * RDT_CHUNK_SEALED_LEN}),
            RDT_SEAL_OK);
        assert_int_equal(rdt_seal_sums_end(writer, &right), RDT_SEAL_OK);
        assert_int_equal(rdt_seal_sums_plain(reader, payload), RDT_SEAL_OK);
        rdt_seal_sums_stored(reader, n);
        if (i == 5)
            sealed[RDT_CHUNK_SEALED_LEN - 1] = 2;
        assert_int_equal(rdt_seal_sums_sealed(reader, (struct rdt_span){sealed, sizeof sealed}),
                         RDT_SEAL_OK);
        wrong = right;
        wrong.plain_len += i == 1;
        wrong.stored_len += i == 2;
        wrong.tags[7] ^= i == 3;
        wrong.plain[31] ^= i == 4;
        assert_int_equal(rdt_seal_sums_check(reader, &wrong), i == 0   ? RDT_SEAL_OK
                                                              : i <= 2 ? RDT_SEAL_FOOTER
                                                                       : RDT_SEAL_HASH);
    }
    rdt_seal_sums_free(NULL);
}

/* In whatever pieces the chunks come, and both sides: one digest; another for each other file. */
static void
digests(void **state)
{
    static uint8_t sealed[20 * RDT_CHUNK_SEALED_LEN + 77];
    static const size_t steps[] = {1, 3, 20};
    uint8_t first[RDT_SHA256_LEN], got[RDT_SHA256_LEN];
    struct rdt_span front = {plain, RDT_CHUNK_FRONT_LEN}, tail = {plain + 99, 80};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(steps) + 2; i++) {
        RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *sums = NULL;
        size_t step = steps[i % RDT_COUNT(steps)] * RDT_CHUNK_SEALED_LEN;
        assert_int_equal(rdt_seal_sums_new(false, &sums), RDT_SEAL_OK);
        sealed[sizeof sealed - 1] = i == RDT_COUNT(steps);
        tail.n = i == RDT_COUNT(steps) + 1 ? 79 : 80;
        for (size_t at = 0; at < sizeof sealed; at += step) {
            size_t n = sizeof sealed - at < step ? sizeof sealed - at : step;
            assert_int_equal(rdt_seal_sums_sealed(sums, (struct rdt_span){sealed + at, n}),
                             RDT_SEAL_OK);
        }
        assert_int_equal(rdt_seal_digest(sums, rdt_buf_span(&core), front, tail, got), RDT_SEAL_OK);
        if (i == 0)
            memcpy(first, got, sizeof first);
        assert_int_equal(rdt_span_eq((struct rdt_span){first, 32}, (struct rdt_span){got, 32}),
                         i < RDT_COUNT(steps));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(compressed),
        cmocka_unit_test(the_longest_footer),
        cmocka_unit_test(changed_and_cut),
        cmocka_unit_test(moved_chunks),
        cmocka_unit_test(another_head),
        cmocka_unit_test(a_producer_that_failed),
        cmocka_unit_test(lies),
        cmocka_unit_test(digests),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
