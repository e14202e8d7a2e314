/* What the SQLite engine promises about its file: who may have it, what it looks like, what a kill
 * leaves. */
#include "small.h"

#include "store/sqlite_internal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#define NOBODY 65534

static sqlite3 *
handle(struct rdt_store *store)
{
    return ((struct rdt_sqlite *)store->engine)->db;
}

/* ---- one process ---- */

static int
is_refused(const char *path)
{
    struct rdt_store *store = NULL;
    return try_open(path, true, &store) == RDT_E_STATE && store == NULL ? 0 : 1;
}

static int
opens(const char *path)
{
    struct rdt_store *store = NULL;
    enum rdt_code rc = try_open(path, false, &store);
    rdt_store_close(store);
    return (int)rc;
}

static void
refuses_a_second_process(void **state)
{
    const char *path = make_store("two.db", 3, 0);
    struct rdt_store *store = must_open(path, false), *second = NULL;
    (void)state;
    assert_int_equal(apart(is_refused, path), 0);
    /* A close of the file in this very process must not drop the lock (POSIX would). */
    assert_int_equal(try_open(path, false, &second), RDT_E_STATE);
    assert_int_equal(apart(is_refused, path), 0);
    must_commit(store, 4);
    assert_int_equal(apart(is_refused, path), 0);
    rdt_store_close(store);
    assert_int_equal(apart(opens, path), RDT_OK);
}

/* Not even reading: another program's checkpoint or shared lock would stop ours. */
static void
refuses_other_programs(void **state)
{
    const char *path = make_store("foreign.db", 3, 0);
    struct rdt_store *store = must_open(path, false);
    sqlite3 *other = NULL;
    (void)state;
    assert_int_equal(sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "SELECT * FROM rdt_row", NULL, NULL, NULL), SQLITE_BUSY);
    sqlite3_close(other);
    must_commit(store, 4);
    assert_false(is_there(in_folder("foreign.db-shm"))); /* no index that others could map */
    rdt_store_close(store);
}

/* A child that lives on does not keep the lock of a parent that died. */
static int
open_fork_and_die(const char *path)
{
    struct rdt_store *store = NULL;
    if (try_open(path, false, &store) != RDT_OK)
        return 1;
    if (fork() == 0) {
        close(STDOUT_FILENO); /* nobody waits for this one */
        close(STDERR_FILENO);
        sleep(2);
        _exit(0);
    }
    return 0; /* without closing */
}

static void
a_child_keeps_no_lock(void **state)
{
    const char *path = make_store("child.db", 3, 0);
    (void)state;
    assert_int_equal(apart(open_fork_and_die, path), 0);
    struct rdt_store *store = must_open(path, false);
    assert_int_equal(rdt_store_revision(store), 3);
    rdt_store_close(store);
}

/* ---- what opening refuses ---- */

static void
says_why_it_cannot_open(void **state)
{
    struct rdt_store *store = NULL;
    (void)state;
    assert_int_equal(try_open(in_folder("none.db"), false, &store), RDT_E_NOTFOUND);
    assert_int_equal(try_open(in_folder("no/such.db"), false, &store), RDT_E_NOTFOUND);
    assert_int_equal(try_open(in_folder("no/such.db"), true, &store), RDT_E_NOTFOUND);
    assert_int_equal(try_open(folder, true, &store), RDT_E_DENIED);
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(try_open(in_folder("fifo"), true, &store), RDT_E_DENIED);
    assert_null(store);
    assert_false(is_there(in_folder("none.db")));
}

static bool
become_nobody(void)
{
    return geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static int
open_as_nobody(const char *path)
{
    return become_nobody() ? opens(path) : 255;
}

static int
create_as_nobody(const char *path)
{
    struct rdt_store *store = NULL;
    return become_nobody() ? (int)try_open(path, true, &store) : 255;
}

static void
refuses_what_may_only_be_read(void **state)
{
    const char *path = make_store("readonly.db", 3, 0);
    struct rdt_buf before = bytes_of(path);
    (void)state;
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(path, 0666), 0); /* the file may be written, its log not be made */
    assert_int_equal(apart(open_as_nobody, path), RDT_E_DENIED);
    assert_int_equal(apart(create_as_nobody, in_folder("new.db")), RDT_E_DENIED);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    if (geteuid() == 0) /* else it is our own */
        assert_int_equal(apart(open_as_nobody, path), RDT_E_DENIED);
    assert_int_equal(chmod(path, 0000), 0);
    assert_int_equal(apart(open_as_nobody, path), RDT_E_DENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    struct rdt_buf after = bytes_of(path);
    assert_true(rdt_span_eq(rdt_buf_span(&before), rdt_buf_span(&after)));
    rdt_buf_done(&before);
    rdt_buf_done(&after);
}

/* A log without its file would be played into whatever file comes next under that name. */
static void
refuses_to_create_beside_a_log(void **state)
{
    static const char *const endings[] = {"-wal", "-journal"};
    const char *path = in_folder("orphan.db");
    struct rdt_store *store = NULL;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(endings); i++) {
        RDT_BUF name = {0};
        rdt_buf_fmt(&name, "%s%s", path, endings[i]);
        const char *beside = rdt_buf_cstr(&name);
        write_bytes(beside, rdt_span_str("left behind"));
        assert_int_equal(try_open(path, true, &store), RDT_E_TAMPERED);
        assert_false(is_there(path));
        unlink(beside);
    }
    store = must_open(path, true);
    rdt_store_close(store);
}

/* ---- the file ---- */

static void
settings_took(void **state)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"PRAGMA journal_mode",       "wal"       },
        {"PRAGMA synchronous",        "2"         },
        {"PRAGMA locking_mode",       "exclusive" },
        {"PRAGMA secure_delete",      "1"         },
        {"PRAGMA trusted_schema",     "0"         },
        {"PRAGMA cell_size_check",    "1"         },
        {"PRAGMA temp_store",         "2"         },
        {"PRAGMA wal_autocheckpoint", "1000"      },
        {"PRAGMA application_id",     "1380209747"},
        {"PRAGMA user_version",       "1"         },
    };
    struct rdt_store *store = must_open(in_folder("settings.db"), true);
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        sqlite3_stmt *get = NULL;
        assert_int_equal(sqlite3_prepare_v2(handle(store), cases[i].sql, -1, &get, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(get), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(get, 0), cases[i].want);
        sqlite3_finalize(get);
    }
    rdt_store_close(store);
}

static mode_t
mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
nobody_else_may_read(void **state)
{
    mode_t before = umask(0);
    struct rdt_store *store = must_open(in_folder("mode.db"), true);
    (void)state;
    must_commit(store, 1);
    assert_int_equal(mode_of(in_folder("mode.db")), 0600);
    assert_int_equal(mode_of(in_folder("mode.db-wal")), 0600);
    assert_int_equal(rdt_store_copy(store, in_folder("mode-copy.db"), NULL), RDT_OK);
    assert_int_equal(mode_of(in_folder("mode-copy.db")), 0600);
    rdt_store_close(store);
    umask(before);
}

static bool
holds(const char *path, const char *needle)
{
    struct rdt_buf bytes = bytes_of(path);
    bool found = bytes.n > 0 && memmem(bytes.p, bytes.n, needle, strlen(needle)) != NULL;
    rdt_buf_done(&bytes);
    return found;
}

static void
put_secret(struct rdt_store *store, uint64_t revision, const char *body)
{
    struct rdt_row row = {.kind = 7, .id = rdt_span_str("key"), .revision = revision};
    if (body != NULL)
        row.body = rdt_span_str(body);
    const struct rdt_commit commit = {.revision = revision, .rows = &row, .n_rows = 1};
    assert_int_equal(rdt_store_commit(store, &commit, NULL), RDT_OK);
}

/* Removed or replaced, its bytes are in no page of the file. */
static void
what_is_removed_is_overwritten(void **state)
{
    static const char first[] = "first-wrapped-key-material",
                      second[] = "second-of-another-length!";
    const char *path = in_folder("scrub.db");
    struct rdt_store *store = must_open(path, true);
    (void)state;
    put_secret(store, 1, first);
    rdt_store_close(store);
    assert_true(holds(path, first));
    store = must_open(path, false);
    put_secret(store, 2, second);
    rdt_store_close(store);
    assert_false(holds(path, first));
    assert_true(holds(path, second));
    store = must_open(path, false);
    put_secret(store, 3, NULL);
    rdt_store_close(store);
    assert_false(holds(path, second));
}

static off_t
size_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_size : 0;
}

static void
the_log_stays_small(void **state)
{
    struct rdt_store *store = must_open(in_folder("log.db"), true);
    size_t n = RDT_STORE_BODY_MAX;
    uint8_t *body = calloc(1, n);
    struct rdt_row rows[20];
    (void)state;
    assert_non_null(body);
    for (unsigned i = 0; i < RDT_COUNT(rows); i++)
        rows[i] = (struct rdt_row){
            .kind = 2, .id = {(const uint8_t *)"0123456789abcdefghij" + i, 1},
                 .body = {body,                                        n}
        };
    const struct rdt_commit large = {.revision = 1, .rows = rows, .n_rows = RDT_COUNT(rows)};
    assert_int_equal(rdt_store_commit(store, &large, NULL), RDT_OK);
    assert_true(size_of(in_folder("log.db-wal")) > (off_t)(20 * n)); /* it was that large */
    for (uint64_t r = 2; r < 6; r++)
        must_commit(store, r);
    assert_true(size_of(in_folder("log.db-wal")) <= 8 << 20);
    rdt_store_close(store);
    assert_false(is_there(in_folder("log.db-wal")));
    free(body);
}

/* ---- removed or replaced while in use ---- */

static void
a_log_removed_in_use_loses_nothing(void **state)
{
    const char *path = make_store("unlinked.db", 3, 0), *log = in_folder("unlinked.db-wal");
    struct rdt_store *store = must_open(path, false);
    struct rdt_err err = {0};
    (void)state;
    must_commit(store, 4);
    assert_int_equal(unlink(log), 0);
    must_commit(store, 5); /* saved: all of it is in the file now */
    assert_int_equal(try_commit(store, 6, &err), RDT_E_TAMPERED);
    assert_non_null(strstr(err.text, "removed or replaced"));
    assert_int_equal(rdt_store_put_value(store, "v", rdt_span_str("v"), NULL), RDT_E_TAMPERED);
    rdt_store_close(store);
    store = must_open(path, false);
    assert_int_equal(rdt_store_revision(store), 5);
    assert_true(is_whole(store));
    rdt_store_close(store);
}

static void
a_file_replaced_in_use_is_noticed(void **state)
{
    const char *path = make_store("replaced.db", 3, 0), *other = make_store("other.db", 9, 0);
    struct rdt_store *store = must_open(path, false);
    (void)state;
    must_commit(store, 4);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(try_commit(store, 5, NULL), RDT_E_TAMPERED);
    assert_int_equal(try_commit(store, 6, NULL), RDT_E_TAMPERED);
    rdt_store_close(store);
}

/* ---- killed ---- */

/* Commits for ever, and says so after each. */
static void
commit_for_ever(const char *path, int report)
{
    struct rdt_store *store = NULL;
    if (try_open(path, true, &store) != RDT_OK)
        _exit(1);
    for (uint64_t r = rdt_store_revision(store) + 1; try_commit(store, r, NULL) == RDT_OK; r++)
        if (write(report, &r, sizeof r) != sizeof r)
            break;
    _exit(2);
}

/* The last revision that a child acknowledged before it was killed after about that many. */
static uint64_t
kill_after(const char *path, unsigned acks, unsigned more_us)
{
    int ends[2];
    uint64_t last = 0, r;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        commit_for_ever(path, ends[1]);
    }
    assert_true(child > 0);
    close(ends[1]);
    for (unsigned i = 0; i < acks && read(ends[0], &r, sizeof r) == sizeof r; i++)
        last = r;
    usleep(more_us);
    kill(child, SIGKILL);
    while (read(ends[0], &r, sizeof r) == sizeof r)
        last = r;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

static void
a_kill_loses_no_acknowledged_commit(void **state)
{
    const char *path = in_folder("killed.db");
    unsigned seed = (unsigned)getpid();
    uint64_t before = 0;
    (void)state;
    for (int round = 0; round < 50; round++) {
        seed = seed * 1103515245 + 12345;
        uint64_t last = kill_after(path, 1 + (seed >> 16) % 20, (seed >> 8) % 3000);
        struct rdt_store *store = must_open(path, false);
        uint64_t now = rdt_store_revision(store);
        assert_true(last > before);
        if (now < last || now > last + 1 || !is_whole(store))
            fail_msg("round %d, seed %u: acknowledged %llu, found %llu", round, seed,
                     (unsigned long long)last, (unsigned long long)now);
        rdt_store_close(store);
        before = now;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_second_process),
        cmocka_unit_test(refuses_other_programs),
        cmocka_unit_test(a_child_keeps_no_lock),
        cmocka_unit_test(says_why_it_cannot_open),
        cmocka_unit_test(refuses_what_may_only_be_read),
        cmocka_unit_test(refuses_to_create_beside_a_log),
        cmocka_unit_test(settings_took),
        cmocka_unit_test(nobody_else_may_read),
        cmocka_unit_test(what_is_removed_is_overwritten),
        cmocka_unit_test(the_log_stays_small),
        cmocka_unit_test(a_log_removed_in_use_loses_nothing),
        cmocka_unit_test(a_file_replaced_in_use_is_noticed),
        cmocka_unit_test(a_kill_loses_no_acknowledged_commit),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
