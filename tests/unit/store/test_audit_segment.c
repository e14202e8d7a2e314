/*
 * Segments and the space for them: on a small file system in memory, mounted in a namespace of our
 * own. Where none can be made the tests skip.
 */
#include "audit_log.h"
#include "store/audit_internal.h"
#include "store/audit_writer.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <time.h>

static bool may_mount;

static void
put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        print_message("# %s: not written\n", path);
    close(fd);
}

static int
own_namespace(void **state)
{
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    (void)state;
    if (uid == 0) {
        may_mount = unshare(CLONE_NEWNS) == 0;
    } else if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
        snprintf(map, sizeof map, "0 %u 1", uid);
        put_text("/proc/self/uid_map", map);
        put_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", gid);
        put_text("/proc/self/gid_map", map);
        may_mount = true;
    }
    may_mount = may_mount && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

/* A log's folder with room for so many KiB, header blocks and all. */
static void
small_disk(struct log *log, unsigned kib)
{
    char size[32];
    if (!may_mount) {
        print_message("# skipped: no mount namespace may be made here\n");
        skip();
    }
    log_init(log, 1);
    snprintf(size, sizeof size, "size=%uk,mode=700", kib);
    if (mount("tmpfs", log->dir, "tmpfs", 0, size) != 0) {
        print_message("# skipped: tmpfs cannot be mounted here\n");
        log_done(log);
        skip();
    }
}

static void
resize(const struct log *log, unsigned kib)
{
    char size[32];
    snprintf(size, sizeof size, "size=%uk", kib);
    assert_int_equal(mount(NULL, log->dir, NULL, MS_REMOUNT, size), 0);
}

static void
small_disk_done(struct log *log)
{
    log_close(log);
    assert_int_equal(umount(log->dir), 0);
    log_done(log);
}

static void
fill_up(struct log *log)
{
    enum rdt_code rc;
    uint64_t size;
    do {
        size = rdt_audit_size(log->audit);
        rc = log_append_code(log, 8, false);
    } while (rc == RDT_OK);
    assert_int_equal(rc, RDT_E_FULL);
    assert_non_null(strstr(log->err.text, "next segment"));
    assert_int_equal(rdt_audit_size(log->audit), size);
}

/* What is there is in order: for the node, and for somebody who looks. */
static void
is_whole(struct log *log, uint64_t size)
{
    struct rdt_audit_verdict verdict;
    static const struct rdt_span none = {NULL, 0};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_audit_verify(log->dir, none, none, none, &verdict, &err);
    if (rc != RDT_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, RDT_OK);
    assert_int_equal(verdict.records, size);
    log_close(log);
    assert_int_equal(log_try(log, false, none), RDT_OK);
    assert_int_equal(rdt_audit_size(log->audit), size);
}

static void
a_full_disk_keeps_room_for_administrators(void **state)
{
    struct log log;
    (void)state;
    small_disk(&log, 700); /* two segments, not three */
    log_open(&log);
    fill_up(&log);
    assert_true(rdt_audit_size(log.audit) > 1500); /* both were used */
    for (int i = 0; i < 3; i++)
        assert_int_equal(log_append_code(&log, 8, false), RDT_E_FULL);
    uint64_t size = rdt_audit_size(log.audit), privileged = 0;
    log_checkpoint(&log);
    while (log_append_code(&log, 8, true) == RDT_OK)
        privileged += 8;
    assert_int_equal(log.err.code, RDT_E_FULL);
    /* the reserve, a quarter of so small a segment, less what a frame needs */
    assert_in_range(privileged, 150, 400);
    assert_int_equal(rdt_audit_size(log.audit), size + privileged);
    assert_int_equal(rdt_audit_intact(log.audit, NULL), RDT_OK);
    is_whole(&log, size + privileged);
    assert_int_equal(log_append_code(&log, 8, false), RDT_E_FULL);
    assert_int_equal(rdt_audit_room(log.audit, &log.err), RDT_E_FULL);
    resize(&log, 1200);
    assert_int_equal(rdt_audit_room(log.audit, &log.err), RDT_OK);
    for (int i = 0; i < 30; i++)
        log_append(&log, 8);
    log_checkpoint(&log);
    is_whole(&log, size + privileged + 240);
    small_disk_done(&log);
}

static void
no_space_for_the_first_segment(void **state)
{
    struct log log;
    char path[128];
    (void)state;
    small_disk(&log, 200);
    assert_int_equal(log_try(&log, true, (struct rdt_span){NULL, 0}), RDT_E_FULL);
    assert_int_not_equal(access(log_path(&log, "00000000.seg", path), F_OK), 0);
    assert_int_not_equal(access(log_path(&log, "00000000.new", path), F_OK), 0);
    resize(&log, 400);
    log_open(&log);
    log_append(&log, 3);
    is_whole(&log, 3);
    small_disk_done(&log);
}

/* A file system that promised the space and has not got it: half a frame may be on disk, the next
 * one may be shorter, and nothing of it may be left behind. */
static void
a_write_that_finds_no_space_leaves_nothing(void **state)
{
    static uint8_t filling[400 * 1024];
    struct log log;
    char path[128];
    (void)state;
    small_disk(&log, 320);
    log_open(&log);
    log_append(&log, 2);
    uint64_t hole = (log.audit->at / 4096 + 1) * 4096;
    assert_int_equal(fallocate(log.audit->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               (off_t)hole, (off_t)(SEGMENT - hole)),
                     0);
    int fd = open(log_path(&log, "filling", path), O_WRONLY | O_CREAT, 0600);
    ssize_t n = write(fd, filling, sizeof filling);
    close(fd);
    assert_in_range(n, 4096, sizeof filling - 1);
    assert_int_equal(log_append_code(&log, 60, false), RDT_E_FULL); /* about 12 KiB */
    assert_true(log.audit->dirty != 0);
    assert_int_equal(rdt_audit_size(log.audit), 2);
    assert_int_equal(log_append_code(&log, 60, true), RDT_E_FULL);
    assert_int_equal(unlink(path), 0);
    log_append(&log, 1);
    is_whole(&log, 3);
    size_t end = (size_t)log.audit->at, length;
    uint8_t *bytes = log_load(&log, "00000000.seg", &length);
    for (size_t i = end; i < length; i++)
        assert_true(bytes[i] == 0);
    free(bytes);
    small_disk_done(&log);
}

/* ---- by the thread ---- */

struct batch {
    struct rdt_audit_batch audit;
    atomic_int done; /* 1 + its code */
};

static void
done(struct rdt_audit_batch *audit)
{
    struct batch *batch = audit->user;
    atomic_store(&batch->done, 1 + (int)audit->code);
}

static void
pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static enum rdt_code
wait_for(struct batch *batch)
{
    while (atomic_load(&batch->done) == 0)
        pause_ms(1);
    return (enum rdt_code)(atomic_load(&batch->done) - 1);
}

static void
hand_in(struct rdt_audit_writer *writer, struct batch *batch, bool privileged)
{
    static uint8_t bytes[1000];
    static const struct rdt_span record = {bytes, sizeof bytes};
    *batch = (struct batch){
        .audit = {
                  .records = &record, .n = 1, .privileged = privileged, .done = done, .user = batch}
    };
    assert_int_equal(rdt_audit_submit(writer, &batch->audit), RDT_OK);
}

static bool
becomes(struct rdt_audit_writer *writer, enum rdt_code code)
{
    for (int i = 0; i < 2000; i++) {
        if (rdt_audit_health(writer, NULL) == code)
            return true;
        pause_ms(5);
    }
    return false;
}

/* Ordinary records are refused, an administrator's among them is not, and health says so until
 * there is space again, though nobody appends any more. */
static void
the_thread_tells_them_apart(void **state)
{
    enum { CROWD = 16 };
    static struct batch batches[CROWD];
    struct rdt_audit_writer *writer = NULL;
    struct log log;
    struct batch one;
    (void)state;
    small_disk(&log, 700);
    log_open(&log);
    fill_up(&log);
    assert_int_equal(rdt_audit_writer_open(log.audit, NULL, NULL, NULL, &writer, NULL), RDT_OK);
    assert_int_equal(rdt_audit_health(writer, NULL), RDT_OK);
    uint64_t privileged = 0, first = 0;
    for (int i = 0; i < CROWD; i++)
        hand_in(writer, &batches[i], i % 5 == 2);
    for (int i = 0; i < CROWD; i++) {
        enum rdt_code rc = wait_for(&batches[i]);
        assert_int_equal(rc, i % 5 == 2 ? RDT_OK : RDT_E_FULL);
        if (rc != RDT_OK)
            continue;
        assert_true(privileged == 0 || batches[i].audit.first > first);
        first = batches[i].audit.first;
        privileged++;
    }
    assert_int_equal(privileged, 3);
    assert_int_equal(rdt_audit_health(writer, &log.err), RDT_E_FULL);
    pause_ms(900); /* a look around changes nothing */
    pause_ms(400);
    assert_int_equal(rdt_audit_health(writer, &log.err), RDT_E_FULL);
    hand_in(writer, &one, true);
    assert_int_equal(wait_for(&one), RDT_OK);
    assert_int_equal(rdt_audit_health(writer, &log.err), RDT_E_FULL);
    resize(&log, 1200);
    assert_true(becomes(writer, RDT_OK));
    hand_in(writer, &one, false);
    assert_int_equal(wait_for(&one), RDT_OK);
    rdt_audit_writer_close(writer);
    is_whole(&log, rdt_audit_size(log.audit));
    small_disk_done(&log);
}

/* ---- files ---- */

static void
a_made_segment_is_zeroes_of_that_length(void **state)
{
    struct log log;
    size_t n;
    (void)state;
    log_init(&log, 1);
    int dir = open(log.dir, O_RDONLY | O_DIRECTORY);
    static const size_t lengths[] = {SEGMENT, SEGMENT + 4096, ((size_t)5 << 20) + 1};
    for (size_t i = 0; i < RDT_COUNT(lengths); i++) {
        /* over what the length before has left */
        assert_int_equal(rdt_audit_make(dir, 3, lengths[i], NULL), RDT_OK);
        for (int again = 0; again < 2; again++) {
            uint8_t *bytes = log_load(&log, "00000003.new", &n);
            assert_int_equal(n, lengths[i]);
            for (size_t at = 0; at < n; at++)
                assert_true(bytes[at] == 0);
            free(bytes);
            log_poke(&log, "00000003.new", n / 2, "x", 1);
            assert_int_equal(rdt_audit_make(dir, 3, lengths[i], NULL), RDT_OK);
        }
    }
    close(dir);
    log_done(&log);
}

static void
a_reserve_fits_its_segment(void **state)
{
    (void)state;
    assert_int_equal(rdt_audit_reserve(SEGMENT), SEGMENT / 4);
    assert_int_equal(rdt_audit_reserve(RDT_AUDIT_SEGMENT_BYTES), RDT_AUDIT_RESERVE_BYTES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_keeps_room_for_administrators),
        cmocka_unit_test(no_space_for_the_first_segment),
        cmocka_unit_test(a_write_that_finds_no_space_leaves_nothing),
        cmocka_unit_test(the_thread_tells_them_apart),
        cmocka_unit_test(a_made_segment_is_zeroes_of_that_length),
        cmocka_unit_test(a_reserve_fits_its_segment),
    };
    return cmocka_run_group_tests(tests, own_namespace, NULL);
}
