/* The bytes of segments: what is put can be got, and nothing else can. */
#include "store/audit_format_internal.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static struct rdt_worker *worker;
static struct rdt_signer *signer;
static struct rdt_secret chain;

static int
set_up(void **state)
{
    (void)state;
    if (rdt_worker_open(&worker, NULL) != RDT_OK || rdt_secret_new(&chain, 32, NULL) != RDT_OK)
        return -1;
    memset(chain.p, 0x42, 32);
    return rdt_signer_load(RDT_SIGN_ED25519, &chain, &signer, NULL) == RDT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rdt_worker_close(worker);
    rdt_signer_free(signer);
    rdt_secret_wipe(&chain);
    return 0;
}

static void
hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- keys ---- */

/* S(0) is 32 bytes of 42. Python: h = lambda k, t: hmac.new(k, t, "sha256").digest();
 * s1 = h(s0, b"segment"), f0 = h(s0, b"frame"), header = h(s0, b"header"), f1 = h(f0, b"next");
 * MACs over 32 zero bytes. */
static void
keys_evolve_as_the_format_says(void **state)
{
    static const char *const want[] = {
        "ff72cc7d4ce960232e20e0541152818c410730e52ddd0b035d402d615262dd7e",
        "89727533b3678121f5b295ee8f449f4a7ede710151b1d77fe6ed315756793fea",
        "dd7df6432d95985768583c63bf298a0d60ac21f1e3e18b3a5e572d059682bf6f",
        "01a162f10a0387a2c0e75ab8868576c5c5e31684e3aefd4b394d11c871c17c0c",
    };
    static const uint8_t zero[RDT_SHA256_LEN];
    struct rdt_span part = {zero, sizeof zero};
    struct audit_keys keys = {0};
    uint8_t mac[4][RDT_SHA256_LEN];
    char got[65];
    RDT_SECRET header = {0};
    (void)state;
    assert_int_equal(rdt_secret_new(&header, 32, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_start(&keys, &chain, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_header(&keys, worker, &header, NULL), RDT_OK);
    assert_int_equal(rdt_hmac(worker, &header, &part, 1, mac[0]), RDT_OK);
    assert_int_equal(rdt_audit_keys_segment(&keys, worker, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_mac(&keys, worker, zero, mac[1], NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_frame(&keys, worker, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_mac(&keys, worker, zero, mac[2], NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_segment(&keys, worker, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_mac(&keys, worker, zero, mac[3], NULL), RDT_OK);
    for (size_t i = 0; i < RDT_COUNT(want); i++) {
        hex(mac[i], RDT_SHA256_LEN, got);
        assert_string_equal(got, want[i]);
    }
    rdt_audit_keys_done(&keys);
    assert_null(keys.next.p);
    assert_null(keys.frame.p);
}

/* ---- header ---- */

static struct audit_header
sample_header(uint8_t *bytes)
{
    struct audit_header header = {
        .deployment = {1, 2},
        .node = {3},
        .number = 7,
        .bytes = AUDIT_SEGMENT_MIN,
        .frame = 99,
        .time_us = 1234567,
        .link = {5, 6}
    };
    for (int i = 0; i < 11; i++) /* 1011: three parts */
        assert_int_equal(rdt_merkle_add(&header.tree, worker, rdt_span_str("x"), NULL), RDT_OK);
    assert_int_equal(rdt_audit_header_put(&header, worker, &chain, bytes, NULL), RDT_OK);
    return header;
}

static void
headers(void **state)
{
    uint8_t bytes[AUDIT_HEADER_LEN + 1] = {0}, again[AUDIT_HEADER_LEN];
    struct audit_header got, header = sample_header(bytes);
    struct rdt_span whole = {bytes, AUDIT_HEADER_LEN};
    (void)state;
    assert_int_equal(rdt_audit_header_get(whole, worker, &got, NULL), RDT_OK);
    assert_int_equal(got.number, 7);
    assert_int_equal(got.tree.size, 11);
    assert_memory_equal(got.mac, header.mac, sizeof got.mac);
    assert_memory_equal(got.digest, header.digest, sizeof got.digest);
    assert_int_equal(rdt_audit_header_put(&got, worker, &chain, again, NULL), RDT_OK);
    assert_memory_equal(again, bytes, sizeof again);
    for (size_t n = 0; n <= AUDIT_HEADER_LEN + 1; n++)
        if (n != AUDIT_HEADER_LEN)
            assert_int_equal(rdt_audit_header_get((struct rdt_span){bytes, n}, worker, &got, NULL),
                             RDT_E_TAMPERED);
    for (size_t i = 0; i < 4064; i++) { /* the MAC is for those who have its key */
        bytes[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(rdt_audit_header_get(whole, worker, &got, NULL), RDT_E_TAMPERED);
        bytes[i] ^= (uint8_t)(1 << i % 8);
    }
}

/* With the check mended: fields that no writer makes. */
static void
headers_out_of_bounds(void **state)
{
    static const struct {
        const char *what;
        size_t at, n;
        uint64_t value;
        enum rdt_code want;
    } cases[] = {
        {"nothing changed",           48,   8, 7,                      RDT_OK        },
        {"version 2",                 8,    2, 2,                      RDT_E_STATE   },
        {"version 0",                 8,    2, 0,                      RDT_E_STATE   },
        {"another length",            10,   6, 4097,                   RDT_E_TAMPERED},
        {"number of nine digits",     48,   8, 100000000,              RDT_E_TAMPERED},
        {"short segment",             56,   8, AUDIT_SEGMENT_MIN - 1,  RDT_E_TAMPERED},
        {"long segment",              56,   8, AUDIT_SEGMENT_TOP + 1,  RDT_E_TAMPERED},
        {"too many frames",           64,   8, AUDIT_RECORDS_TOP,      RDT_E_TAMPERED},
        {"too many records",          112,  8, AUDIT_RECORDS_TOP | 11, RDT_E_TAMPERED},
        {"a hash that is not there",  112,  8, 3,                      RDT_E_TAMPERED},
        {"a byte that means nothing", 4048, 8, 1,                      RDT_E_TAMPERED},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        uint8_t bytes[AUDIT_HEADER_LEN], hash[RDT_SHA256_LEN];
        struct audit_header got;
        sample_header(bytes);
        for (size_t k = 0; k < cases[i].n; k++)
            bytes[cases[i].at + k] = (uint8_t)(cases[i].value >> 8 * (cases[i].n - 1 - k));
        assert_int_equal(rdt_sha256((struct rdt_span){bytes, 4056}, hash, NULL), RDT_OK);
        memcpy(bytes + 4056, hash, 8);
        enum rdt_code rc =
            rdt_audit_header_get((struct rdt_span){bytes, sizeof bytes}, worker, &got, NULL);
        if (rc != cases[i].want)
            print_error("%s: %d\n", cases[i].what, rc);
        assert_int_equal(rc, cases[i].want);
    }
}

/* ---- frames ---- */

#define PAYLOAD_LEN ((size_t)27)
#define FRAME_LEN (PAYLOAD_LEN + AUDIT_FRAME_OVER)

static void
sample_frame(struct audit_frame *frame, uint8_t *bytes)
{
    struct audit_keys keys = {0};
    memcpy(bytes + AUDIT_HEAD_LEN, "\0\0\0\3one\0\0\0\3two\0\0\0\011and three", PAYLOAD_LEN);
    assert_int_equal(rdt_audit_keys_start(&keys, &chain, NULL), RDT_OK);
    assert_int_equal(rdt_audit_keys_segment(&keys, worker, NULL), RDT_OK);
    assert_int_equal(rdt_audit_frame_put(frame, worker, &keys, bytes, NULL), RDT_OK);
    rdt_audit_keys_done(&keys);
}

static bool
frame_ok(const uint8_t *bytes, size_t n, struct audit_frame *got)
{
    bool ok = false;
    assert_int_equal(rdt_audit_frame_get((struct rdt_span){bytes, n}, worker, got, &ok, NULL),
                     RDT_OK);
    return ok;
}

static void
frames(void **state)
{
    struct audit_frame frame =
                           {
                               .tag = {9, 8, 7, 6},
                               .kind = AUDIT_RECORDS,
                               .count = 3,
                               .number = 12,
                               .first = 34,
                               .link = {1},
                               .n_payload = PAYLOAD_LEN
    },
                       got;
    uint8_t bytes[FRAME_LEN + 1] = {0};
    (void)state;
    sample_frame(&frame, bytes);
    assert_true(frame_ok(bytes, FRAME_LEN, &got));
    assert_int_equal(got.number, 12);
    assert_int_equal(got.first, 34);
    assert_int_equal(got.count, 3);
    assert_memory_equal(got.tag, frame.tag, sizeof got.tag);
    assert_memory_equal(got.digest, frame.digest, sizeof got.digest);
    assert_memory_equal(got.mac, frame.mac, sizeof got.mac);
    struct rdt_span payload = got.payload, record;
    for (size_t i = 0; i < 3; i++)
        assert_true(rdt_audit_record_take(&payload, &record));
    assert_true(rdt_span_is(record, "and three"));
    assert_false(rdt_audit_record_take(&payload, &record));
    for (size_t n = 0; n <= FRAME_LEN + 1; n++)
        assert_int_equal(frame_ok(bytes, n, &got), n == FRAME_LEN);
    for (size_t i = 0; i < FRAME_LEN; i++) {
        bool in_mac = i >= FRAME_LEN - 33 && i < FRAME_LEN - 1;
        bytes[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(frame_ok(bytes, FRAME_LEN, &got), in_mac);
        bytes[i] ^= (uint8_t)(1 << i % 8);
    }
}

/* With every check right: heads that no writer makes. */
static void
frames_out_of_bounds(void **state)
{
    static const struct {
        const char *what;
        struct audit_frame frame;
        bool ok;
    } cases[] = {
        {"as usual",                      {.kind = AUDIT_RECORDS, .count = 3, .n_payload = PAYLOAD_LEN}, true },
        {"no records",                    {.kind = AUDIT_RECORDS, .count = 0, .n_payload = PAYLOAD_LEN}, false},
        {"more records than lengths fit",
         {.kind = AUDIT_RECORDS, .count = 7, .n_payload = PAYLOAD_LEN},
         false                                                                                                },
        {"another kind",                  {.kind = 3, .count = 3, .n_payload = PAYLOAD_LEN},             false},
        {"no kind",                       {.kind = 0, .count = 3, .n_payload = PAYLOAD_LEN},             false},
        {"a checkpoint of records",
         {.kind = AUDIT_CHECKPOINT, .count = 1, .n_payload = AUDIT_CHECKPOINT_LEN},
         false                                                                                                },
        {"a checkpoint",                  {.kind = AUDIT_CHECKPOINT, .n_payload = AUDIT_CHECKPOINT_LEN}, true },
        {"a short checkpoint",
         {.kind = AUDIT_CHECKPOINT, .n_payload = AUDIT_CHECKPOINT_LEN - 1},
         false                                                                                                },
        {"a number beyond all",
         {.kind = AUDIT_RECORDS, .count = 3, .n_payload = PAYLOAD_LEN, .number = AUDIT_RECORDS_TOP},
         false                                                                                                },
        {"an index beyond all",
         {.kind = AUDIT_RECORDS, .count = 3, .n_payload = PAYLOAD_LEN, .first = AUDIT_RECORDS_TOP},
         false                                                                                                },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        uint8_t bytes[AUDIT_CHECKPOINT_LEN + AUDIT_FRAME_OVER] = {0};
        struct audit_frame frame = cases[i].frame, got;
        sample_frame(&frame, bytes);
        bool ok = frame_ok(bytes, frame.n_payload + AUDIT_FRAME_OVER, &got);
        if (ok != cases[i].ok)
            print_error("%s\n", cases[i].what);
        assert_int_equal(ok, cases[i].ok);
    }
}

/* ---- checkpoints ---- */

static void
checkpoints(void **state)
{
    struct rdt_checkpoint checkpoint = {.deployment = {1},
                                        .node = {2},
                                        .frame = 3,
                                        .link = {4},
                                        .size = 5,
                                        .root = {6},
                                        .time_us = 7,
                                        .revision = 8,
                                        .digest = {9}},
                          got;
    struct rdt_span key = rdt_signer_public(signer);
    RDT_BUF bytes = {0}, again = {0};
    (void)state;
    assert_int_equal(rdt_checkpoint_sign(&checkpoint, signer, NULL), RDT_OK);
    rdt_checkpoint_put(&checkpoint, &bytes);
    assert_int_equal(bytes.n, AUDIT_CHECKPOINT_LEN);
    assert_true(bytes.n <= RDT_AUDIT_CHECKPOINT_MAX);
    assert_true(rdt_checkpoint_get(rdt_buf_span(&bytes), &got));
    assert_int_equal(rdt_checkpoint_check(&got, key, NULL), RDT_OK);
    rdt_checkpoint_put(&got, &again);
    assert_true(rdt_span_eq(rdt_buf_span(&again), rdt_buf_span(&bytes)));
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(rdt_checkpoint_get((struct rdt_span){bytes.p, n}, &got));
    for (size_t i = 0; i < bytes.n; i++) {
        bytes.p[i] ^= (uint8_t)(1 << i % 8);
        bool ok = rdt_checkpoint_get(rdt_buf_span(&bytes), &got);
        assert_int_equal(ok, i >= 8);
        if (ok)
            assert_int_equal(rdt_checkpoint_check(&got, key, NULL), RDT_E_TAMPERED);
        bytes.p[i] ^= (uint8_t)(1 << i % 8);
    }
    rdt_buf_add(&bytes, "x", 1);
    assert_false(rdt_checkpoint_get(rdt_buf_span(&bytes), &got));
}

/* ---- audit.pub ---- */

static void
audit_pub(void **state)
{
    struct audit_pub pub =
                         {
                             {0x01, 0xab},
                             {0xff},
                             {0x10, 0x02}
    },
                     got;
    RDT_BUF text = {0};
    (void)state;
    rdt_audit_pub_put(&pub, &text);
    assert_true(
        rdt_span_is(rdt_buf_span(&text),
                    "redoubt audit 1\ndeployment 01ab0000000000000000000000000000\n"
                    "node ff000000000000000000000000000000\n"
                    "ed25519 1002000000000000000000000000000000000000000000000000000000000000\n"));
    assert_true(rdt_audit_pub_get(rdt_buf_span(&text), &got));
    assert_memory_equal(&got, &pub, sizeof got);
    for (size_t n = 0; n < text.n; n++)
        assert_false(rdt_audit_pub_get((struct rdt_span){text.p, n}, &got));
    for (size_t i = 0; i < text.n; i++) {
        uint8_t was = text.p[i];
        text.p[i] = 'A'; /* no word has one, and digits are lower-case */
        assert_false(rdt_audit_pub_get(rdt_buf_span(&text), &got));
        text.p[i] = was;
    }
    rdt_buf_add(&text, "\n", 1);
    assert_false(rdt_audit_pub_get(rdt_buf_span(&text), &got));
}

static void
names(void **state)
{
    char name[AUDIT_NAME_LEN];
    (void)state;
    rdt_audit_name(0, ".seg", name);
    assert_string_equal(name, "00000000.seg");
    rdt_audit_name(99999999, ".new", name);
    assert_string_equal(name, "99999999.new");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_evolve_as_the_format_says),
        cmocka_unit_test(headers),
        cmocka_unit_test(headers_out_of_bounds),
        cmocka_unit_test(frames),
        cmocka_unit_test(frames_out_of_bounds),
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(audit_pub),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
