#include "audit_log.h"
#include "codec/base64.h"

#define RECORDS 11

static struct log log_;
static struct rdt_buf records[RECORDS];

static int
set_up(void **state)
{
    (void)state;
    log_init(&log_, 1);
    log_open(&log_);
    for (size_t i = 0; i < RECORDS; i++) {
        uint64_t first;
        rdt_buf_fmt(&records[i], "record %zu", i);
        struct rdt_span span = rdt_buf_span(&records[i]);
        if (rdt_audit_append(log_.audit, &span, 1, false, &first, NULL) != RDT_OK)
            return -1;
    }
    RDT_BUF checkpoint = {0};
    static const uint8_t digest[RDT_SHA256_LEN];
    if (rdt_audit_checkpoint(log_.audit, 7, digest, &checkpoint, NULL) != RDT_OK)
        return -1;
    struct rdt_span one = rdt_span_str("after it");
    uint64_t first;
    if (rdt_audit_append(log_.audit, &one, 1, false, &first, NULL) != RDT_OK)
        return -1;
    log_close(&log_);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDS; i++)
        rdt_buf_done(&records[i]);
    log_done(&log_);
    return 0;
}

static void
test_newest_and_count(void **state)
{
    (void)state;
    struct rdt_checkpoint newest;
    struct rdt_err err = {0};
    uint64_t count = 0;
    assert_int_equal(rdt_audit_newest(log_.dir, &newest, &err), RDT_OK);
    assert_int_equal(newest.size, RECORDS);
    assert_int_equal(newest.revision, 7);
    assert_int_equal(rdt_audit_count(log_.dir, &count, &err), RDT_OK);
    assert_int_equal(count, RECORDS + 1);
    assert_int_equal(rdt_audit_count("/nowhere", &count, &err), RDT_E_NOTFOUND);
    assert_int_equal(rdt_audit_newest("/nowhere", &newest, &err), RDT_E_NOTFOUND);
}

/* Each record, and everything about it changed in turn. */
static void
test_check(void **state)
{
    (void)state;
    uint8_t key[RDT_ED25519_PUBLIC_LEN], other[RDT_ED25519_PUBLIC_LEN];
    struct rdt_err err = {0};
    assert_int_equal(rdt_audit_named_key(log_.dir, key, &err), RDT_OK);
    memcpy(other, key, sizeof other);
    other[0] ^= 1;
    struct rdt_span good = {key, sizeof key};
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct rdt_audit_proof proof, bad;
        struct rdt_span record = rdt_buf_span(&records[i]);
        assert_int_equal(rdt_audit_prove(log_.dir, i, &proof, &err), RDT_OK);
        assert_int_equal(rdt_audit_proof_check(&proof, record, good, &err), RDT_OK);
        assert_int_equal(rdt_audit_proof_check(&proof, rdt_span_str("record x"), good, &err),
                         RDT_E_TAMPERED);
        assert_int_not_equal(
            rdt_audit_proof_check(&proof, record, (struct rdt_span){other, sizeof other}, &err),
            RDT_OK);
        assert_int_equal(rdt_audit_proof_check(&proof, record, (struct rdt_span){key, 31}, &err),
                         RDT_E_BADINPUT);
        bad = proof;
        bad.index = i == 0 ? 1 : i - 1;
        assert_int_not_equal(rdt_audit_proof_check(&bad, record, good, &err), RDT_OK);
        bad = proof;
        bad.path[0][5] ^= 4;
        assert_int_equal(rdt_audit_proof_check(&bad, record, good, &err), RDT_E_TAMPERED);
        bad = proof;
        bad.n_path--;
        assert_int_equal(rdt_audit_proof_check(&bad, record, good, &err), RDT_E_BADINPUT);
        bad = proof;
        bad.checkpoint.time_us++;
        assert_int_equal(rdt_audit_proof_check(&bad, record, good, &err), RDT_E_TAMPERED);
        bad = proof;
        bad.index = bad.checkpoint.size;
        assert_int_equal(rdt_audit_proof_check(&bad, record, good, &err), RDT_E_BADINPUT);
    }
}

static void
test_key_text(void **state)
{
    (void)state;
    uint8_t key[RDT_ED25519_PUBLIC_LEN], got[RDT_ED25519_PUBLIC_LEN];
    char digits[2 * RDT_ED25519_PUBLIC_LEN + 2] = "";
    RDT_BUF text = {0};
    char path[96];
    assert_int_equal(rdt_audit_named_key(log_.dir, key, NULL), RDT_OK);
    rdt_hex_put((struct rdt_span){key, sizeof key}, digits);
    digits[2 * sizeof key] = '\n';
    assert_true(rdt_audit_key_text((struct rdt_span){(uint8_t *)digits, sizeof digits - 1}, got));
    assert_memory_equal(got, key, sizeof key);
    assert_false(rdt_audit_key_text((struct rdt_span){(uint8_t *)digits, 60}, got));
    assert_false(rdt_audit_key_text((struct rdt_span){0}, got));
    snprintf(path, sizeof path, "%s/audit.pub", log_.dir);
    FILE *file = fopen(path, "rb");
    uint8_t bytes[1024];
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    memset(got, 0, sizeof got);
    assert_true(rdt_audit_key_text((struct rdt_span){bytes, n}, got));
    assert_memory_equal(got, key, sizeof key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_and_count),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_key_text),
    };
    return cmocka_run_group_tests_name("store/audit_proof", tests, set_up, tear_down);
}
