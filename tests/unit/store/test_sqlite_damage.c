/*
 * Damaged, cut and missing files. Whatever is done to them, opening refuses, or what it shows is a
 * state that was committed, or a value that a MAC would find. It never crashes, and what is refused
 * stays as it is.
 */
#include "small.h"

#include "store/sqlite_internal.h"

#define PAGE 4096
#define REVISION 3

/* Commits on top of a store and dies without closing: the log is left behind. */
#define LEFT 20
static int
commit_and_die(const char *path)
{
    struct rdt_store *store = NULL;
    if (try_open(path, false, &store) != RDT_OK)
        return 1;
    for (uint64_t r = rdt_store_revision(store) + 1; r <= LEFT; r++)
        if (try_commit(store, r, NULL) != RDT_OK)
            return 2;
    return 0;
}

static struct rdt_span
part(const struct rdt_buf *bytes, size_t n)
{
    return (struct rdt_span){bytes->p, n};
}

static void
assert_same(const char *path, struct rdt_span want, const char *what, size_t at)
{
    struct rdt_buf now = bytes_of(path);
    if (!rdt_span_eq(rdt_buf_span(&now), want))
        fail_msg("%s at %zu: the file was changed", what, at);
    rdt_buf_done(&now);
}

static void
refuses_a_cut_file(void **state)
{
    const char *path = make_store("cut.db", REVISION, 20);
    struct rdt_buf whole = bytes_of(path);
    struct rdt_store *store = NULL;
    (void)state;
    assert_true(whole.n > 16 * PAGE);
    for (size_t n = 0; n < whole.n; n += n % PAGE == 0 && n > 0 ? 1 : n < PAGE ? 61 : PAGE - 1) {
        write_bytes(path, part(&whole, n));
        enum rdt_code rc = try_open(path, true, &store);
        if (rc != RDT_E_TAMPERED)
            fail_msg("cut to %zu bytes: %d", n, rc);
        assert_null(store);
        assert_same(path, part(&whole, n), "cut", n);
        assert_false(is_there(in_folder("cut.db-wal")));
    }
    write_bytes(path, rdt_buf_span(&whole));
    store = must_open(path, false);
    rdt_store_close(store);
    rdt_buf_done(&whole);
}

static enum rdt_code
touch_row(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    uint64_t *sum = user;
    (void)err;
    for (size_t i = 0; i < row->id.n; i++)
        *sum += row->id.p[i];
    for (size_t i = 0; i < row->body.n; i++)
        *sum += row->body.p[i];
    return RDT_OK;
}

/* Everything that can be done with a store, on one whose file is not what it was. */
static enum rdt_code
use(struct rdt_store *store, bool write_too)
{
    uint64_t sum = 0;
    enum rdt_code rc = rdt_store_rows(store, touch_row, &sum, NULL);
    if (rc != RDT_OK || !write_too)
        return rc;
    return try_commit(store, rdt_store_revision(store) + 1, NULL);
}

static void
survives_flipped_bytes(void **state)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    const char *path = make_store("flip.db", REVISION, 20);
    struct rdt_buf whole = bytes_of(path);
    size_t refused = 0, found = 0, shown = 0, tried = 0;
    (void)state;
    for (size_t at = 0; at < whole.n; at += at % PAGE < 128 ? 3 : 149) {
        struct rdt_store *store = NULL;
        uint8_t was = whole.p[at];
        whole.p[at] ^= flips[tried++ % RDT_COUNT(flips)];
        write_bytes(path, rdt_buf_span(&whole));
        enum rdt_code rc = try_open(path, true, &store);
        if (rc != RDT_OK) {
            refused++;
            if (rc != RDT_E_TAMPERED && rc != RDT_E_STATE)
                fail_msg("byte %zu: %d", at, rc);
            assert_same(path, rdt_buf_span(&whole), "flip", at);
        } else {
            rc = use(store, tried % 8 == 0);
            if (rc != RDT_OK && rc != RDT_E_TAMPERED && rc != RDT_E_STATE)
                fail_msg("byte %zu, in use: %d", at, rc);
            found += rc != RDT_OK ? 1 : 0;
            shown += rc == RDT_OK ? 1 : 0;
        }
        rdt_store_close(store);
        whole.p[at] = was;
    }
    print_message("# %zu flips: %zu refused, %zu found in use, %zu left to the MACs\n", tried,
                  refused, found, shown);
    assert_true(refused > 20);
    rdt_buf_done(&whole);
}

/* ---- the log ---- */

struct left {
    const char *path;
    struct rdt_buf name, file, bytes;
    const char *log;
};

static struct left
leave(const char *name)
{
    struct left left = {.path = make_store(name, REVISION, 0)};
    rdt_buf_fmt(&left.name, "%s-wal", left.path);
    left.log = rdt_buf_cstr(&left.name);
    assert_int_equal(apart(commit_and_die, left.path), 0);
    left.file = bytes_of(left.path);
    left.bytes = bytes_of(left.log);
    return left;
}

static void
left_done(struct left *left)
{
    rdt_buf_done(&left->name);
    rdt_buf_done(&left->file);
    rdt_buf_done(&left->bytes);
}

/* Which state a log of these bytes leads to. */
static uint64_t
revision_with(const struct left *left, struct rdt_span log)
{
    write_bytes(left->path, rdt_buf_span(&left->file));
    write_bytes(left->log, log);
    struct rdt_store *store = must_open(left->path, false);
    uint64_t revision = rdt_store_revision(store);
    assert_true(is_whole(store));
    rdt_store_close(store);
    return revision;
}

static void
a_cut_log_is_an_earlier_state(void **state)
{
    struct left left = leave("cutlog.db");
    uint64_t last = REVISION;
    (void)state;
    assert_int_equal(revision_with(&left, rdt_buf_span(&left.bytes)), LEFT);
    for (size_t n = 0; n <= left.bytes.n; n += 997) {
        uint64_t revision = revision_with(&left, part(&left.bytes, n));
        assert_in_range(revision, last, LEFT);
        last = revision;
    }
    assert_true(last > REVISION);
    left_done(&left);
}

static void
a_flipped_log_is_an_earlier_state(void **state)
{
    struct left left = leave("fliplog.db");
    (void)state;
    for (size_t at = 0; at < left.bytes.n; at += 991) {
        left.bytes.p[at] ^= 0x10;
        assert_in_range(revision_with(&left, rdt_buf_span(&left.bytes)), REVISION, LEFT);
        left.bytes.p[at] ^= 0x10;
    }
    left_done(&left);
}

/*
 * Without its log a store is whole and old. It cannot know; the digest and the revision in the
 * newest audit checkpoint do, so that such a store is not served.
 */
static void
a_removed_log_is_the_old_state(void **state)
{
    struct left left = leave("nolog.db");
    (void)state;
    assert_int_equal(unlink(left.log), 0);
    struct rdt_store *store = must_open(left.path, false);
    assert_int_equal(rdt_store_revision(store), REVISION);
    assert_true(is_whole(store));
    rdt_store_close(store);
    left_done(&left);
}

/* The log alone: neither opened nor overwritten. */
static void
a_log_without_its_file_is_refused(void **state)
{
    struct left left = leave("nofile.db");
    struct rdt_store *store = NULL;
    (void)state;
    assert_int_equal(unlink(left.path), 0);
    assert_int_equal(try_open(left.path, false, &store), RDT_E_NOTFOUND);
    assert_int_equal(try_open(left.path, true, &store), RDT_E_TAMPERED);
    assert_same(left.log, rdt_buf_span(&left.bytes), "log", 0);
    write_bytes(left.path, rdt_buf_span(&left.file)); /* brought back */
    store = must_open(left.path, false);
    assert_int_equal(rdt_store_revision(store), LEFT);
    rdt_store_close(store);
    left_done(&left);
}

/* What is refused keeps its log: nothing is played into a file that is not understood. */
static void
a_refused_file_keeps_its_log(void **state)
{
    struct left left = leave("keeplog.db");
    struct rdt_store *store = NULL;
    (void)state;
    left.file.p[70] ^= 0x01; /* application_id */
    write_bytes(left.path, rdt_buf_span(&left.file));
    assert_int_equal(try_open(left.path, false, &store), RDT_E_TAMPERED);
    assert_same(left.path, rdt_buf_span(&left.file), "file", 0);
    assert_same(left.log, rdt_buf_span(&left.bytes), "log", 0);
    left_done(&left);
}

/* ---- not a store at all ---- */

static void
refuses_strangers(void **state)
{
    static const char *const texts[] = {
        "", "x", "SQLite format 3", "deployment: medtrack\n",
        ("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
         "longer than a header")};
    const char *path = in_folder("stranger.db");
    struct rdt_store *store = NULL;
    sqlite3 *db = NULL;
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(texts); i++) {
        write_bytes(path, rdt_span_str(texts[i]));
        assert_int_equal(try_open(path, true, &store), RDT_E_TAMPERED);
        assert_same(path, rdt_span_str(texts[i]), "stranger", i);
    }
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(try_open(path, true, &store), RDT_E_TAMPERED);
    assert_null(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_cut_file),
        cmocka_unit_test(survives_flipped_bytes),
        cmocka_unit_test(a_cut_log_is_an_earlier_state),
        cmocka_unit_test(a_flipped_log_is_an_earlier_state),
        cmocka_unit_test(a_removed_log_is_the_old_state),
        cmocka_unit_test(a_log_without_its_file_is_refused),
        cmocka_unit_test(a_refused_file_keeps_its_log),
        cmocka_unit_test(refuses_strangers),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
