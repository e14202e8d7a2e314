/*
 * Full disks and failing ones. The one rule: what the store answers is what a later start finds. An
 * answer of RDT_OK is there, a failure is not; where the store says that it cannot tell, it stops.
 */
#include "small.h"

#include "store/sqlite_internal.h"

#include "faults.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define LIFE 6         /* commits of a short life */
#define DENSE 150      /* so many calls fail one by one */
#define SPARSE 211     /* then one in so many */
#define CALLS_MAX 9000 /* writes, cuts and syncs of one */
#define LARGE_ROWS 4   /* with a body of RDT_STORE_BODY_MAX: more than the log holds */

static uint8_t large[RDT_STORE_BODY_MAX];

static enum rdt_code
commit_large(struct rdt_store *store, uint64_t revision, unsigned rows, struct rdt_err *err)
{
    struct rdt_row all[LARGE_ROWS + 1];
    for (unsigned i = 0; i < rows; i++)
        all[i] = (struct rdt_row){
            .kind = 2,
            .id = {(const uint8_t *)"0123456789" + i, 1           },
            .revision = revision,
            .body = {large,                             sizeof large}
        };
    all[rows] = (struct rdt_row){
        .kind = 1,
        .id = rdt_span_str("r"),
        .revision = revision,
        .body = {(const uint8_t *)&revision, sizeof revision}
    };
    const struct rdt_commit commit = {.revision = revision, .rows = all, .n_rows = rows + 1};
    return rdt_store_commit(store, &commit, err);
}

struct life {
    uint64_t acknowledged; /* the last revision that was */
    unsigned failed, full;
    bool dead; /* the store said that it cannot tell */
};

static void
live(struct rdt_store *store, struct life *life)
{
    for (unsigned i = 1; i <= LIFE && !life->dead; i++) {
        struct rdt_err err = {0};
        uint64_t next = rdt_store_revision(store) + 1;
        enum rdt_code rc = i == LIFE / 2 ? commit_large(store, next, LARGE_ROWS, &err)
                                         : try_commit(store, next, &err);
        if (rc == RDT_OK) {
            life->acknowledged = next;
            continue;
        }
        assert_true(rc == RDT_E_FULL || rc == RDT_E_IO);
        assert_true(err.text[0] != '\0');
        life->failed++;
        life->full += rc == RDT_E_FULL ? 1 : 0;
        life->dead = strstr(err.text, "cannot be told") != NULL;
        assert_int_equal(rdt_store_revision(store), next - 1);
    }
}

/* One short life with a fault at one of its calls. Returns whether the fault was reached. */
static bool
live_with_fault(const char *path, unsigned at, struct life *life)
{
    struct rdt_store *store = must_open(path, true);
    fault.calls = fault.failed = 0;
    fault.at = at;
    live(store, life);
    bool reached = fault.failed > 0;
    fault.at = 0;
    if (life->dead) { /* and says so from now on */
        assert_int_equal(try_commit(store, 99, NULL), RDT_E_IO);
        assert_int_equal(rdt_store_put_value(store, "v", rdt_span_str("v"), NULL), RDT_E_IO);
    } else {
        must_commit(store, ++life->acknowledged); /* goes on */
        assert_int_equal(rdt_store_put_value(store, "v", rdt_span_str("v"), NULL), RDT_OK);
    }
    rdt_store_close(store);
    return reached;
}

static const struct sweep {
    const char *name;
    bool for_ever;
    int error;
    bool syncs_only;
} sweeps[] = {
    {"no space, once",          false, ENOSPC, false},
    {"no space from then on",   true,  ENOSPC, false},
    {"one failing call",        false, EIO,    false},
    {"failing from then on",    true,  EIO,    false},
    {"one failing sync",        false, EIO,    true },
    {"syncs fail from then on", true,  EIO,    true },
    {"a quota at a sync",       false, EDQUOT, true },
};

static void
answers_are_true(void **state)
{
    (void)state;
    for (size_t s = 0; s < RDT_COUNT(sweeps); s++) {
        fault.for_ever = sweeps[s].for_ever;
        fault.error = sweeps[s].error;
        fault.syncs_only = sweeps[s].syncs_only;
        unsigned moments = 0, failed = 0, dead = 0;
        bool reached = true;
        for (unsigned at = 1; reached && at < CALLS_MAX; at += at < DENSE ? 1 : SPARSE) {
            const char *path = in_folder("faults.db");
            struct life life = {0};
            reached = live_with_fault(path, at, &life);
            struct rdt_store *store = must_open(path, false);
            uint64_t now = rdt_store_revision(store);
            if (now < life.acknowledged || now > life.acknowledged + (life.dead ? 1 : 0) ||
                !is_whole(store))
                fail_msg("%s, call %u: acknowledged %llu, found %llu", sweeps[s].name, at,
                         (unsigned long long)life.acknowledged, (unsigned long long)now);
            rdt_store_close(store);
            unlink(path);
            moments++;
            failed += life.failed;
            dead += life.dead ? 1 : 0;
        }
        print_message("# %s: %u moments, %u commits failed, %u could not be told\n", sweeps[s].name,
                      moments, failed, dead);
        assert_false(reached); /* every call had its turn, or one in SPARSE of the large commit's */
        assert_true(failed > 0);
        fault.at = 0;
    }
}

/* The sync of a COMMIT fails once, after its bytes came down: found, made durable, and so RDT_OK.
 */
static void
an_unknown_commit_is_looked_up(void **state)
{
    struct rdt_store *store = must_open(in_folder("unknown.db"), true);
    struct rdt_err err = {0};
    (void)state;
    must_commit(store, 1);
    fault.for_ever = false;
    fault.error = EIO;
    fault.syncs_only = true;
    fault.calls = fault.failed = 0;
    fault.at = 1;
    assert_int_equal(try_commit(store, 2, &err), RDT_OK);
    assert_int_equal(fault.failed, 1);
    assert_int_equal(rdt_store_revision(store), 2);
    struct stat log; /* by way of the file, not by a second sync of the same bytes */
    assert_true(stat(in_folder("unknown.db-wal"), &log) == 0 && log.st_size == 0);
    assert_string_equal(err.text, ""); /* and no word of a failure stays behind */
    must_commit(store, 3);             /* begins a new log, which is synced once more */
    fault.calls = fault.failed = 0;
    assert_int_equal(rdt_store_put_value(store, "v", rdt_span_str("new"), NULL), RDT_OK);
    assert_int_equal(fault.failed, 1);
    fault.at = 0;
    must_commit(store, 4);
    rdt_store_close(store);
}

/* While a copy runs the connection cannot be made anew: nobody can tell, and it says so. */
static void
a_copy_does_not_survive_a_dead_store(void **state)
{
    struct rdt_store *store = must_open(in_folder("dead.db"), true);
    struct rdt_err err = {0};
    (void)state;
    must_commit(store, 1);
    ((struct rdt_sqlite *)store->engine)->copies = 1;
    fault.syncs_only = true;
    fault.error = EIO;
    fault.calls = fault.failed = 0;
    fault.at = 1;
    assert_int_equal(try_commit(store, 2, &err), RDT_E_IO);
    fault.at = 0;
    assert_int_equal(rdt_store_copy(store, in_folder("dead-copy.db"), NULL), RDT_E_IO);
    ((struct rdt_sqlite *)store->engine)->copies = 0;
    rdt_store_close(store);
}

/* ---- real limits ---- */

/* The largest file that the process may write: as good as a disk that is full. */
static int
live_under_a_file_limit(const char *path)
{
    struct rdt_store *store = NULL;
    uint64_t last = 0;
    unsigned full = 0;
    signal(SIGXFSZ, SIG_IGN);
    if (try_open(path, true, &store) != RDT_OK || try_commit(store, ++last, NULL) != RDT_OK)
        return 1;
    struct rlimit limit = {300 * 1024, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    for (int i = 0; i < 300; i++) { /* full after some: the log grows */
        enum rdt_code rc = i % 10 == 9 ? commit_large(store, last + 1, 1, NULL)
                                       : try_commit(store, last + 1, NULL);
        if (rc != RDT_OK && rc != RDT_E_FULL)
            return 3;
        last += rc == RDT_OK ? 1 : 0;
        full += rc == RDT_E_FULL ? 1 : 0;
    }
    if (full == 0 || rdt_store_revision(store) != last)
        return 4;
    if (rdt_store_copy(store, in_folder("limit-copy.db"), NULL) != RDT_OK)
        return 5; /* it is small enough */
    limit.rlim_cur = 20 * 1024;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (rdt_store_copy(store, in_folder("limit-copy-2.db"), NULL) != RDT_E_FULL ||
        is_there(in_folder("limit-copy-2.db")))
        return 6;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (commit_large(store, ++last, 1, NULL) != RDT_OK)
        return 7;
    rdt_store_close(store);
    store = NULL;
    return try_open(path, false, &store) == RDT_OK && rdt_store_revision(store) == last ? 0 : 8;
}

static void
says_full_at_a_file_limit(void **state)
{
    (void)state;
    assert_int_equal(apart(live_under_a_file_limit, in_folder("limit.db")), 0);
    assert_false(is_there(in_folder("limit-copy-2.db")));
}

/* ---- a small disk ---- */

#define DISK_BYTES "3m"
#define NO_MOUNT 77

static bool
fill(const char *path)
{
    static const uint8_t zeroes[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while (fd >= 0 && write(fd, zeroes, sizeof zeroes) == (ssize_t)sizeof zeroes)
        ;
    bool full = fd >= 0 && errno == ENOSPC;
    close(fd);
    return full;
}

/* On a disk of its own, in a mount namespace that ends with the process. */
static int
live_on_a_small_disk(const char *where)
{
    struct rdt_store *store = NULL, *second = NULL;
    uint64_t last = 0;
    unsigned kept_on = 0;
    char path[160], filler[160], copy[160];
    snprintf(path, sizeof path, "%s/store.db", where);
    snprintf(filler, sizeof filler, "%s/filler", where);
    snprintf(copy, sizeof copy, "%s/copy.db", where);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", where, "tmpfs", 0, "size=" DISK_BYTES) != 0)
        return NO_MOUNT;
    if (!fill(filler))
        return 1;
    if (try_open(path, true, &store) != RDT_E_FULL || is_there(path))
        return 2; /* not even made, and nothing half made is left */
    unlink(filler);
    if (try_open(path, true, &store) != RDT_OK)
        return 3;
    while (last < 40)
        if (try_commit(store, ++last, NULL) != RDT_OK)
            return 4;
    if (!fill(filler))
        return 4;
    enum rdt_code rc = commit_large(store, last + 1, 2, NULL);
    if (rc != RDT_E_FULL || rdt_store_revision(store) != last)
        return 5;                        /* said so, and nothing of it was done */
    for (unsigned i = 0; i < 200; i++) { /* what needs no new space goes on: the log is reused */
        rc = try_commit(store, last + 1, NULL);
        if (rc == RDT_OK)
            last++, kept_on++;
        else if (rc != RDT_E_FULL)
            return 6;
    }
    if (kept_on != 200)
        return 7;
    if (rdt_store_copy(store, copy, NULL) != RDT_E_FULL || is_there(copy))
        return 8;
    unlink(filler);
    if (commit_large(store, ++last, 1, NULL) != RDT_OK)
        return 9;
    rdt_store_close(store);
    if (!fill(filler) || try_open(path, false, &second) != RDT_OK ||
        rdt_store_revision(second) != last || !is_whole(second))
        return 10; /* opens on a full disk */
    rdt_store_close(second);
    return 0;
}

static void
a_full_disk_is_survived(void **state)
{
    const char *where = in_folder("disk");
    (void)state;
    if (geteuid() != 0) {
        print_message("# not root: no disk to fill; the file limit above does the same\n");
        skip();
    }
    assert_int_equal(mkdir(where, 0700), 0);
    int status = apart(live_on_a_small_disk, where);
    rmdir(where);
    if (status == NO_MOUNT) {
        print_message("# may not mount here; the file limit above does the same\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_full_at_a_file_limit),
        cmocka_unit_test(a_full_disk_is_survived),
        cmocka_unit_test(answers_are_true),
        cmocka_unit_test(an_unknown_commit_is_looked_up),
        cmocka_unit_test(a_copy_does_not_survive_a_dead_store),
    };
    if (sqlite3_initialize() != SQLITE_OK)
        return 1;
    faults_install();
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
