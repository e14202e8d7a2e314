/* Appending to an audit log, and what it says about itself. */
#include "audit_log.h"
#include "store/audit_internal.h"

static void
appended_is_there_after_reopening(void **state)
{
    struct log log;
    struct rdt_checkpoint last;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    assert_int_equal(rdt_audit_size(log.audit), 0);
    assert_false(rdt_audit_last(log.audit, &last));
    log_append(&log, 1);
    log_append(&log, 40);
    log_close(&log);
    log_open(&log);
    assert_int_equal(rdt_audit_size(log.audit), 41);
    log_checkpoint(&log);
    log_append(&log, 3);
    log_close(&log);
    assert_int_equal(log_try(&log, false, log_known(&log)), RDT_OK);
    assert_int_equal(rdt_audit_size(log.audit), 44);
    assert_true(rdt_audit_last(log.audit, &last));
    assert_int_equal(last.size, 41);
    assert_int_equal(last.frame, 2);
    assert_int_equal(last.revision, 9);
    log_done(&log);
}

/* More than one segment; the checkpoint known lies in each of them once. */
static void
goes_on_in_the_next_segment(void **state)
{
    struct log log;
    struct stat st;
    char path[128];
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    for (int round = 0; round < 60; round++) {
        log_append(&log, 64);
        if (round % 7 == 0)
            log_checkpoint(&log);
        if (round % 5 != 0)
            continue;
        uint64_t size = rdt_audit_size(log.audit);
        log_close(&log);
        struct rdt_span known = round < 3 ? (struct rdt_span){NULL, 0} : log_known(&log);
        assert_int_equal(log_try(&log, false, known), RDT_OK);
        assert_int_equal(rdt_audit_size(log.audit), size);
        assert_int_equal(rdt_audit_intact(log.audit, &log.err), RDT_OK);
    }
    assert_int_equal(stat(log_path(&log, "00000002.seg", path), &st), 0);
    assert_int_equal(st.st_size, SEGMENT);
    assert_int_equal(st.st_mode & 0777, 0600);
    log_done(&log);
}

static void
limits_of_an_append(void **state)
{
    static uint8_t big[RDT_AUDIT_RECORD_MAX + 1];
    struct rdt_span record = {big, sizeof big}, records[8];
    struct log log;
    uint64_t first;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    assert_int_equal(rdt_audit_append(log.audit, &record, 1, false, &first, &log.err), RDT_E_LIMIT);
    record.n--;
    for (size_t i = 0; i < 8; i++)
        records[i] = record;
    assert_int_equal(rdt_audit_append(log.audit, records, 8, true, &first, &log.err), RDT_E_LIMIT);
    for (int i = 0; i < 9; i++) /* three segments' worth */
        assert_int_equal(rdt_audit_append(log.audit, &record, 1, false, &first, NULL), RDT_OK);
    assert_int_equal(rdt_audit_append(log.audit, NULL, 0, false, &first, &log.err), RDT_OK);
    assert_int_equal(first, 9);
    record.n = 0;
    assert_int_equal(rdt_audit_append(log.audit, &record, 1, false, &first, &log.err), RDT_OK);
    assert_int_equal(first, 9);
    log_close(&log);
    log_open(&log);
    assert_int_equal(rdt_audit_size(log.audit), 10);
    log_done(&log);
}

static void
stats_count(void **state)
{
    struct rdt_audit_stats stats;
    struct log log;
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    rdt_audit_stats(log.audit, &stats);
    assert_int_equal(stats.syncs, 0);
    assert_int_equal(stats.sync_us_p99, 0);
    log_append(&log, 5);
    log_append(&log, 2);
    rdt_audit_stats(log.audit, &stats);
    assert_int_equal(stats.syncs, 2);
    assert_int_equal(stats.records, 7);
    assert_true(stats.bytes > 7 * 24 && stats.bytes < 7 * 600);
    assert_true(stats.sync_us_p50 <= stats.sync_us_p99);
    log_done(&log);
}

/* ---- files that go away or change places under us ---- */

enum harm { UNLINKED, RENAMED_OVER, MOVED, CUT, FOLDER_MOVED, OLD_UNLINKED, OLD_REPLACED };

static void
do_harm(const struct log *log, enum harm harm)
{
    char a[128], b[128];
    bool old = harm == OLD_UNLINKED || harm == OLD_REPLACED;
    size_t n;
    log_path(log, old ? "00000000.seg" : "00000001.seg", a);
    log_path(log, "copy", b);
    if (harm == UNLINKED || harm == OLD_UNLINKED) {
        assert_int_equal(unlink(a), 0);
    } else if (harm == MOVED) {
        assert_int_equal(rename(a, b), 0);
    } else if (harm == CUT) {
        assert_int_equal(truncate(a, 8192), 0);
    } else if (harm == FOLDER_MOVED) {
        snprintf(b, sizeof b, "%s.moved", log->dir);
        assert_int_equal(rename(log->dir, b), 0);
    } else {
        uint8_t *bytes = log_load(log, old ? "00000000.seg" : "00000001.seg", &n);
        log_save(log, "copy", bytes, n);
        free(bytes);
        assert_int_equal(rename(b, a), 0);
    }
}

static void
two_segments(struct log *log)
{
    char path[128];
    log_init(log, 1);
    log_open(log);
    do
        log_append(log, 64);
    while (access(log_path(log, "00000001.seg", path), F_OK) != 0);
    log_append(log, 1);
}

static void
notices_harm(void **state)
{
    static const struct {
        enum harm harm;
        bool append_sees_it;
    } cases[] = {
        {UNLINKED,     true },
        {RENAMED_OVER, true },
        {MOVED,        false},
        {CUT,          true },
        {FOLDER_MOVED, false},
        {OLD_UNLINKED, false},
        {OLD_REPLACED, false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        for (int by_append = 0; by_append <= (int)cases[i].append_sees_it; by_append++) {
            struct log log;
            two_segments(&log);
            assert_int_equal(rdt_audit_intact(log.audit, &log.err), RDT_OK);
            do_harm(&log, cases[i].harm);
            enum rdt_code rc =
                by_append ? log_append_code(&log, 1, false) : rdt_audit_intact(log.audit, &log.err);
            if (rc != RDT_E_TAMPERED)
                print_error("harm %d by append %d: %d\n", (int)cases[i].harm, by_append, rc);
            assert_int_equal(rc, RDT_E_TAMPERED);
            /* and so it stays */
            uint8_t digest[32] = {0};
            RDT_BUF out = {0};
            assert_int_equal(log_append_code(&log, 1, true), RDT_E_TAMPERED);
            assert_int_equal(rdt_audit_checkpoint(log.audit, 1, digest, &out, &log.err),
                             RDT_E_TAMPERED);
            assert_int_equal(rdt_audit_intact(log.audit, &log.err), RDT_E_TAMPERED);
            if (cases[i].harm == FOLDER_MOVED) {
                char moved[128];
                snprintf(moved, sizeof moved, "%s.moved", log.dir);
                rename(moved, log.dir);
            }
            log_done(&log);
        }
    }
}

/* A folder that gets other files in it, by us or by others, is not harmed. */
static void
other_files_are_no_harm(void **state)
{
    struct log log;
    (void)state;
    two_segments(&log);
    log_save(&log, "notes.txt", (const uint8_t *)"x", 1);
    assert_int_equal(rdt_audit_intact(log.audit, &log.err), RDT_OK);
    log_append(&log, 1);
    log_done(&log);
}

/* After a failed write or sync nobody knows what is on disk: no later call may say that it does. */
static void
a_failed_write_is_the_end(void **state)
{
    struct log log;
    uint8_t digest[32] = {0};
    char path[128];
    RDT_BUF out = {0};
    (void)state;
    log_init(&log, 1);
    log_open(&log);
    log_append(&log, 2);
    int good = dup(log.audit->fd), bad = open(log_path(&log, "00000000.seg", path), O_RDONLY);
    assert_true(good >= 0 && bad >= 0);
    assert_int_equal(dup2(bad, log.audit->fd), log.audit->fd);
    assert_int_equal(log_append_code(&log, 1, false), RDT_E_IO);
    assert_int_equal(dup2(good, log.audit->fd), log.audit->fd);
    assert_int_equal(log_append_code(&log, 1, true), RDT_E_IO);
    assert_non_null(strstr(log.err.text, "closed since"));
    assert_int_equal(rdt_audit_checkpoint(log.audit, 1, digest, &out, NULL), RDT_E_IO);
    assert_int_equal(rdt_audit_intact(log.audit, NULL), RDT_E_IO);
    assert_int_equal(rdt_audit_room(log.audit, NULL), RDT_E_IO);
    assert_int_equal(rdt_audit_size(log.audit), 2);
    close(good);
    close(bad);
    log_close(&log);
    log_open(&log);
    log_append(&log, 1);
    log_done(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_is_there_after_reopening),
        cmocka_unit_test(goes_on_in_the_next_segment),
        cmocka_unit_test(limits_of_an_append),
        cmocka_unit_test(stats_count),
        cmocka_unit_test(notices_harm),
        cmocka_unit_test(a_failed_write_is_the_end),
        cmocka_unit_test(other_files_are_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
