/* Reading a log without its keys: each record, and the proof of one; also while it is written. */
#include "audit_log.h"
#include "store/merkle.h"

#include <pthread.h>
#include <stdatomic.h>

/* What rdt_audit_each() must show: the records from one on, each as log_record() makes it. */
struct seen {
    uint64_t next;
    uint64_t stop; /* end early at this one */
};

static enum rdt_code
see(void *user, uint64_t index, struct rdt_span record, struct rdt_err *err)
{
    struct seen *seen = user;
    char bytes[512];
    if (index == seen->stop)
        return rdt_fail(err, RDT_E_STATE, "enough");
    assert_int_equal(index, seen->next);
    assert_true(rdt_span_eq(record, log_record(index, bytes)));
    seen->next++;
    return RDT_OK;
}

static enum rdt_code
each(const struct log *log, uint64_t from, struct seen *seen)
{
    struct rdt_err err = {0};
    *seen = (struct seen){.next = from, .stop = seen->stop};
    enum rdt_code rc = rdt_audit_each(log->dir, from, see, seen, &err);
    if (rc != RDT_OK && rc != RDT_E_STATE)
        print_error("%s\n", err.text);
    return rc;
}

static void
three_segments(struct log *log)
{
    char path[128];
    log_init(log, 1);
    log_open(log);
    for (int i = 0; access(log_path(log, "00000002.seg", path), F_OK) != 0; i++) {
        log_append(log, 1 + (size_t)(i * 29 % 64));
        if (i % 10 == 9)
            log_checkpoint(log);
    }
    log_append(log, 7);
    log_checkpoint(log);
    log_append(log, 5); /* under no checkpoint */
}

static void
each_from_anywhere(void **state)
{
    struct log log;
    struct seen seen = {.stop = UINT64_MAX};
    (void)state;
    three_segments(&log);
    uint64_t size = rdt_audit_size(log.audit);
    for (uint64_t from = 0; from < size; from += 1 + from % 53) {
        assert_int_equal(each(&log, from, &seen), RDT_OK);
        assert_int_equal(seen.next, size);
    }
    for (uint64_t from = size; from < size + 3; from++) {
        assert_int_equal(each(&log, from, &seen), RDT_OK);
        assert_int_equal(seen.next, from);
    }
    seen.stop = size / 2;
    assert_int_equal(each(&log, 3, &seen), RDT_E_STATE);
    assert_int_equal(seen.next, size / 2);
    log_done(&log);
    assert_int_equal(each(&log, 0, &seen), RDT_E_NOTFOUND);
}

static void
each_refuses_a_damaged_log(void **state)
{
    struct log log;
    struct seen seen = {.stop = UINT64_MAX};
    size_t n, at[2048];
    (void)state;
    three_segments(&log);
    uint64_t size = rdt_audit_size(log.audit);
    log_close(&log);
    uint8_t *bytes = log_load(&log, "00000001.seg", &n);
    size_t frames = log_frames(bytes, n, at, 2048);
    for (size_t i = 0; i < frames; i += 3) {
        uint8_t flipped = bytes[at[i] + 100] ^ 1;
        log_poke(&log, "00000001.seg", at[i] + 100, &flipped, 1);
        assert_int_equal(rdt_audit_each(log.dir, 0, see, &(struct seen){.stop = size}, NULL),
                         RDT_E_TAMPERED);
        log_poke(&log, "00000001.seg", at[i] + 100, bytes + at[i] + 100, 1);
    }
    uint8_t *zero = calloc(1, n); /* its last frame never was: the next segment knows better */
    log_poke(&log, "00000001.seg", at[frames - 1], zero, n - at[frames - 1]);
    assert_int_equal(rdt_audit_each(log.dir, 0, see, &(struct seen){.stop = size}, NULL),
                     RDT_E_TAMPERED);
    log_save(&log, "00000001.seg", bytes, n);
    assert_int_equal(each(&log, 0, &seen), RDT_OK);
    free(zero);
    free(bytes);
    log_done(&log);
}

/* ---- proofs ---- */

static void
check_proof(const struct log *log, struct rdt_worker *worker, uint64_t index)
{
    struct rdt_audit_proof proof;
    struct rdt_err err = {0};
    char bytes[512];
    uint8_t root[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_audit_prove(log->dir, index, &proof, &err);
    if (rc != RDT_OK)
        print_error("%llu: %s\n", (unsigned long long)index, err.text);
    assert_int_equal(rc, RDT_OK);
    assert_int_equal(proof.index, index);
    assert_int_equal(rdt_checkpoint_check(&proof.checkpoint, rdt_signer_public(log->signer), NULL),
                     RDT_OK);
    struct rdt_merkle_path path = {index, proof.checkpoint.size, proof.path, proof.n_path};
    struct rdt_span record = log_record(index, bytes);
    assert_int_equal(rdt_merkle_path_root(&path, worker, record, root, NULL), RDT_OK);
    assert_memory_equal(root, proof.checkpoint.root, sizeof root);
    record = log_record(index + 1, bytes);
    assert_int_equal(rdt_merkle_path_root(&path, worker, record, root, NULL), RDT_OK);
    assert_memory_not_equal(root, proof.checkpoint.root, sizeof root);
}

static void
proofs(void **state)
{
    struct log log;
    struct rdt_audit_proof proof;
    struct rdt_worker *worker = NULL;
    (void)state;
    three_segments(&log);
    uint64_t size = rdt_audit_size(log.audit), covered = size - 5;
    assert_int_equal(rdt_worker_open(&worker, NULL), RDT_OK);
    for (uint64_t index = 0; index < covered; index += 1 + index % 71)
        check_proof(&log, worker, index);
    check_proof(&log, worker, covered - 1);
    for (uint64_t index = covered; index < size + 2; index++)
        assert_int_equal(rdt_audit_prove(log.dir, index, &proof, NULL), RDT_E_NOTFOUND);
    log_done(&log);
    log_init(&log, 1);
    assert_int_equal(rdt_audit_prove(log.dir, 0, &proof, NULL), RDT_E_NOTFOUND);
    log_open(&log);
    log_append(&log, 3);
    assert_int_equal(rdt_audit_prove(log.dir, 0, &proof, NULL), RDT_E_NOTFOUND);
    log_checkpoint(&log);
    for (uint64_t index = 0; index < 3; index++)
        check_proof(&log, worker, index);
    rdt_worker_close(worker);
    log_done(&log);
}

static void
no_proof_from_a_forged_log(void **state)
{
    struct log log;
    struct rdt_audit_proof proof;
    size_t n, at[8];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 3);
    log_checkpoint(&log);
    log_close(&log);
    uint8_t *pub = log_load(&log, AUDIT_PUB_NAME, &n);
    uint8_t digit = pub[n - 5];
    pub[n - 5] = digit == '0' ? '1' : '0';
    log_save(&log, AUDIT_PUB_NAME, pub, n);
    assert_int_equal(rdt_audit_prove(log.dir, 0, &proof, NULL), RDT_E_TAMPERED);
    pub[n - 5] = digit;
    log_save(&log, AUDIT_PUB_NAME, pub, n);
    assert_int_equal(rdt_audit_prove(log.dir, 0, &proof, NULL), RDT_OK);
    free(pub);
    uint8_t *bytes = log_load(&log, "00000000.seg", &n);
    assert_int_equal(log_frames(bytes, n, at, 8), 2);
    uint8_t flipped = bytes[at[1] + 160] ^ 1; /* in the checkpoint */
    log_poke(&log, "00000000.seg", at[1] + 160, &flipped, 1);
    assert_int_equal(rdt_audit_prove(log.dir, 0, &proof, NULL), RDT_E_TAMPERED);
    free(bytes);
    log_done(&log);
}

/* ---- beside a writer ---- */

struct beside {
    struct log *log;
    atomic_bool ends;
    atomic_ullong written;
};

static void *
write_on(void *arg)
{
    struct beside *beside = arg;
    for (int i = 0; i < 400; i++) {
        log_append(beside->log, 1 + (size_t)(i * 29 % 64));
        atomic_store(&beside->written, rdt_audit_size(beside->log->audit));
        if (i % 16 == 15)
            log_checkpoint(beside->log);
    }
    atomic_store(&beside->ends, true);
    return NULL;
}

static void
reads_a_log_that_is_written(void **state)
{
    struct log log;
    struct beside beside = {.log = &log};
    struct seen seen = {.stop = UINT64_MAX};
    struct rdt_audit_proof proof;
    struct rdt_err err;
    uint64_t from = 0;
    pthread_t thread;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &beside), 0);
    for (bool over = false; !over;) {
        over = atomic_load(&beside.ends);
        uint64_t written = atomic_load(&beside.written);
        assert_int_equal(each(&log, from, &seen), RDT_OK);
        assert_true(seen.next >= written); /* all that was acknowledged before we looked */
        enum rdt_code rc = rdt_audit_prove(log.dir, written / 2, &proof, &err);
        if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
            print_error("%s\n", err.text);
        assert_true(rc == RDT_OK || rc == RDT_E_NOTFOUND);
        from = seen.next * 3 / 4;
    }
    pthread_join(thread, NULL);
    assert_int_equal(seen.next, rdt_audit_size(log.audit));
    log_done(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_from_anywhere),
        cmocka_unit_test(each_refuses_a_damaged_log),
        cmocka_unit_test(proofs),
        cmocka_unit_test(no_proof_from_a_forged_log),
        cmocka_unit_test(reads_a_log_that_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
