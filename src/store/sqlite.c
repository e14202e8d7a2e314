/*
 * The file, its lock and its settings. Two traps shape this file. Closing any descriptor of a
 * database drops the process's locks on it (POSIX), so nothing here opens the file beside SQLite.
 * And a log (-wal) that stays behind without its file would be played into the next file of that
 * name, so none is made there.
 */
#include "store/newfile_internal.h"
#include "store/sqlite_internal.h"

#include "base/cursor.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_LEN 100               /* of SQLite's file format, section 1.3 */
#define VALUE_ROOM 4096              /* bytes of a row beside its body */
#define LOG_PAGES "1000"             /* then the log's pages go to the file */
#define LOG_KEEP "8388608"           /* bytes of log that stay after a larger transaction */
#define LOG_RESERVE ((off_t)8388608) /* bytes of disk that the log has from the start */
#define COPY_PAGES 256               /* between two turns of the others */

enum rdt_code
rdt_sqlite_code(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return RDT_E_FULL;
    case SQLITE_NOMEM:
        return RDT_E_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
        return RDT_E_STATE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return RDT_E_TAMPERED;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return RDT_E_DENIED;
    case SQLITE_TOOBIG:
        return RDT_E_LIMIT;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
        int now = errno, error = db == NULL ? now : sqlite3_system_errno(db);
        if (error == 0) /* SQLite does not keep it when COMMIT fails */
            error = now;
        enum rdt_code code = rdt_newfile_code(error);
        return code == RDT_E_FULL || code == RDT_E_DENIED ? code : RDT_E_IO;
    }
    default:
        return RDT_E_IO;
    }
}

enum rdt_code
rdt_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct rdt_err *err)
{
    enum rdt_code code = rdt_sqlite_code(db, rc);
    if ((rc & 0xff) == SQLITE_BUSY)
        return rdt_fail(err, code, "%s: another process has it", doing);
    return rdt_fail(err, code, "%s: %s (SQLite %d)", doing, sqlite3_errstr(rc), rc);
}

/* ---- opening ---- */

static bool
has_beside(const char *path, const char *ending)
{
    struct stat st;
    RDT_BUF name = {0};
    rdt_buf_fmt(&name, "%s%s", path, ending);
    const char *beside = rdt_buf_cstr(&name);
    return beside == NULL || lstat(beside, &st) == 0;
}

static enum rdt_code
create(const char *path, struct rdt_err *err)
{
    RDT_BUF image = {0}, name = {0};
    if (has_beside(path, "-wal") || has_beside(path, "-journal")) {
        rdt_fail(err, RDT_E_TAMPERED, "%s: its log is there without it", path);
        rdt_hint(err, "bring the store back, or move what is left of it away");
        return RDT_E_TAMPERED;
    }
    enum rdt_code rc = rdt_sqlite_image(&rdt_sqlite_steps, &image, err);
    if (rc == RDT_OK)
        rc = rdt_newfile_begin(path, &name, err);
    if (rc != RDT_OK)
        return rc;
    const char *beside = (const char *)name.p;
    rc = rdt_newfile_write(beside, rdt_buf_span(&image), err);
    if (rc == RDT_OK)
        rc = rdt_newfile_finish(beside, path, err);
    else
        unlink(beside);
    return rc == RDT_E_STATE ? RDT_OK : rc; /* somebody else made it: it is there */
}

/* Is there something to open? */
static enum rdt_code
look(const struct rdt_store_opts *opts, struct rdt_err *err)
{
    struct stat st;
    if (stat(opts->path, &st) == 0) {
        if (S_ISREG(st.st_mode))
            return RDT_OK;
        return rdt_fail(err, RDT_E_DENIED, "%s: is not a regular file", opts->path);
    }
    if (errno == ENOENT && opts->create)
        return create(opts->path, err);
    int e = errno;
    return rdt_fail(err, rdt_newfile_code(e), "%s: %s", opts->path, strerror(e));
}

struct header { /* of SQLite's file format, what matters here */
    struct rdt_span magic;
    uint32_t pages, version, application;
    uint16_t page_bytes; /* 1: 65536 */
};

static bool
take_header(struct rdt_span in, struct header *out)
{
    struct rdt_span skipped;
    bool ok = rdt_take(&in, 16, &out->magic);
    ok = ok && rdt_take_u16(&in, &out->page_bytes);
    ok = ok && rdt_take(&in, 10, &skipped) && rdt_take_u32(&in, &out->pages);
    ok = ok && rdt_take(&in, 28, &skipped) && rdt_take_u32(&in, &out->version);
    return ok && rdt_take(&in, 4, &skipped) && rdt_take_u32(&in, &out->application);
}

/* SQLite reads a last page that is not all there as one that ends in zeroes. With a log beside it
 * the page may be in there. */
static bool
is_cut(sqlite3 *db, const struct header *header, uint64_t size)
{
    struct stat st;
    uint64_t page = header->page_bytes == 1 ? 65536 : header->page_bytes;
    bool has_log = stat(sqlite3_filename_wal(sqlite3_db_filename(db, "main")), &st) == 0;
    return !has_log && size < header->pages * page;
}

/* Through SQLite's own descriptor, before any lock is taken or a log is looked at. */
static enum rdt_code
check_header(sqlite3 *db, struct rdt_err *err)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    uint8_t bytes[HEADER_LEN];
    struct header header = {0};
    const struct rdt_span magic = {(const uint8_t *)"SQLite format 3", 16};
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK)
        rc = file->pMethods->xFileSize(file, &size);
    if (rc == SQLITE_OK && size < HEADER_LEN)
        return rdt_fail(err, RDT_E_TAMPERED, "is too short to be a store");
    if (rc == SQLITE_OK)
        rc = file->pMethods->xRead(file, bytes, sizeof bytes, 0);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(db, rc, "header", err);
    if (!take_header((struct rdt_span){bytes, sizeof bytes}, &header) ||
        !rdt_span_eq(header.magic, magic) || header.application != RDT_SQLITE_APPLICATION)
        return rdt_fail(err, RDT_E_TAMPERED, "is not a store of redoubt");
    if (header.version > RDT_STORE_SCHEMA) {
        rdt_fail(err, RDT_E_STATE, "schema %u is newer than %d, which this program knows",
                 (unsigned)header.version, RDT_STORE_SCHEMA);
        rdt_hint(err, "start the version of redoubt that wrote it, or a newer one");
        return RDT_E_STATE;
    }
    if (is_cut(db, &header, (uint64_t)size))
        return rdt_fail(err, RDT_E_TAMPERED, "its end is missing");
    return RDT_OK;
}

static const struct {
    int option, value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE,        1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA,   0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER,   0},
    {SQLITE_DBCONFIG_ENABLE_VIEW,      0},
    {SQLITE_DBCONFIG_DQS_DML,          0},
    {SQLITE_DBCONFIG_DQS_DDL,          0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, /* until it is known to be ours: ready() */
};

/* In this order: the lock must be chosen before the log is opened, or a shared index (-shm) is
 * made. Each is asked for again and compared: a setting that did not take is a failure. */
static const struct {
    const char *set, *get, *want; /* get NULL: `set` answers with it */
} pragmas[] = {
    {"PRAGMA locking_mode = EXCLUSIVE",        NULL,                     "exclusive"},
    {"PRAGMA cell_size_check = ON",            "PRAGMA cell_size_check", "1"        },
    {"PRAGMA temp_store = MEMORY",             "PRAGMA temp_store",      "2"        },
    {"PRAGMA secure_delete = ON",              NULL,                     "1"        },
    {"PRAGMA journal_mode = WAL",              NULL,                     "wal"      },
    {"PRAGMA synchronous = FULL",              "PRAGMA synchronous",     "2"        },
    {"PRAGMA wal_autocheckpoint = " LOG_PAGES, NULL,                     LOG_PAGES  },
    {"PRAGMA journal_size_limit = " LOG_KEEP,  NULL,                     LOG_KEEP   },
};

static void
finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

/* Whether a statement's one answer is the wanted one; said: what it was instead. */
static enum rdt_code
answers(sqlite3 *db, const char *sql, const char *want, bool *same, struct rdt_err *err)
{
    RDT_AUTO(finalize) sqlite3_stmt *ask = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &ask, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(ask);
    if (rc != SQLITE_ROW)
        return rdt_sqlite_fail(db, rc, sql, err);
    const char *got = (const char *)sqlite3_column_text(ask, 0);
    *same = got != NULL && strcmp(got, want) == 0;
    if (!*same) /* kept for the caller, who gives it a code */
        rdt_fail(err, RDT_E_IO, "%s: %s", sql, got == NULL ? "no answer" : got);
    return RDT_OK;
}

static enum rdt_code
set(sqlite3 *db, const char *sql, const char *get, const char *want, struct rdt_err *err)
{
    bool same = false;
    int rc = get == NULL ? SQLITE_OK : sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(db, rc, sql, err);
    enum rdt_code code = answers(db, get == NULL ? sql : get, want, &same, err);
    return code != RDT_OK || same ? code : RDT_E_IO;
}

static enum rdt_code
configure(sqlite3 *db, struct rdt_err *err)
{
    enum rdt_code code = RDT_OK;
    for (size_t i = 0; i < RDT_COUNT(switches); i++) {
        int rc = sqlite3_db_config(db, switches[i].option, switches[i].value, NULL);
        if (rc != SQLITE_OK)
            return rdt_sqlite_fail(db, rc, "configure", err);
    }
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)(RDT_STORE_BODY_MAX + VALUE_ROOM));
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    /* No mapping: a file cut under us would be a SIGBUS. Answers nothing where there is none. */
    int rc = sqlite3_exec(db, "PRAGMA mmap_size = 0", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(db, rc, "configure", err);
    for (size_t i = 0; code == RDT_OK && i < RDT_COUNT(pragmas); i++)
        code = set(db, pragmas[i].set, pragmas[i].get, pragmas[i].want, err);
    return code;
}

/* The time of a check grows with the file, so a large one is not walked here: who starts the
 * service reads every row anyway, and each is held against its MAC. */
static enum rdt_code
quick_check(sqlite3 *db, struct rdt_err *err)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    bool same = false;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK)
        rc = file->pMethods->xFileSize(file, &size);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(db, rc, "size", err);
    if ((uint64_t)size > RDT_STORE_CHECK_MAX)
        return RDT_OK;
    enum rdt_code code = answers(db, "PRAGMA quick_check(1)", "ok", &same, err);
    return code != RDT_OK || same ? code : rdt_fail_in(err, RDT_E_TAMPERED, "damaged");
}

static bool
place_of(const char *path, struct rdt_sqlite_place *out)
{
    struct stat st;
    if (path == NULL || stat(path, &st) != 0)
        return false;
    *out = (struct rdt_sqlite_place){st.st_dev, st.st_ino};
    return true;
}

static bool
is_at(const char *path, const struct rdt_sqlite_place *place)
{
    struct rdt_sqlite_place now;
    return place_of(path, &now) && now.device == place->device && now.inode == place->inode;
}

/* Lock, settings, statements, revision: without a look at what is in the file. */
static enum rdt_code
connect_to(struct rdt_sqlite *sq, struct rdt_err *err)
{
    int rc = sqlite3_open_v2(sq->path, &sq->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                             NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(sq->db, rc, "open", err);
    if (sqlite3_db_readonly(sq->db, "main") != 0)
        return rdt_fail(err, RDT_E_DENIED, "may only be read");
    enum rdt_code code = check_header(sq->db, err);
    return code == RDT_OK ? configure(sq->db, err) : code;
}

static enum rdt_code
ready(struct rdt_sqlite *sq, uint64_t *revision, struct rdt_err *err)
{
    enum rdt_code code = rdt_sqlite_prepare(sq, err);
    if (code == RDT_OK)
        code = rdt_sqlite_revision(sq, revision, err);
    if (code != RDT_OK)
        return code;
    const char *file = sqlite3_db_filename(sq->db, "main");
    if (!place_of(file, &sq->file) || !place_of(sqlite3_filename_wal(file), &sq->log))
        return rdt_fail(err, RDT_E_IO, "the file is not where it was opened");
    sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return RDT_OK;
}

static void
disconnect(struct rdt_sqlite *sq)
{
    rdt_sqlite_unprepare(sq);
    sqlite3_close(sq->db);
    sq->db = NULL;
}

/* What is refused stays as it is: its log is not played into it. An empty log, made by looking,
 * goes. */
static void
let_go(struct rdt_sqlite *sq)
{
    struct stat st;
    const char *file = sq->db == NULL ? NULL : sqlite3_db_filename(sq->db, "main");
    if (file != NULL && stat(sqlite3_filename_wal(file), &st) == 0 && st.st_size == 0)
        sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    disconnect(sq);
}

static void
sqlite_close(struct rdt_engine *engine)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    if (sq == NULL)
        return;
    disconnect(sq);
    free(sq->path);
    free(sq);
}

static enum rdt_code
open_checked(struct rdt_sqlite *sq, uint64_t *revision, struct rdt_err *err)
{
    enum rdt_code code = connect_to(sq, err);
    if (code == RDT_OK)
        code = rdt_sqlite_same_schema(sq->db, &rdt_sqlite_steps, err);
    if (code == RDT_OK)
        code = quick_check(sq->db, err);
    if (code == RDT_OK)
        code = rdt_sqlite_migrate(sq->db, &rdt_sqlite_steps, err);
    return code == RDT_OK ? ready(sq, revision, err) : code;
}

/*
 * Space in which administrators can still act when somebody filled the disk. The log's size stays
 * as it is, so nothing that reads it notices.
 */
static enum rdt_code
reserve(struct rdt_sqlite *sq, struct rdt_err *err)
{
    const char *log = sqlite3_filename_wal(sqlite3_db_filename(sq->db, "main"));
    RDT_FD fd = open(log, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return rdt_fail(err, RDT_E_IO, "open its log: %s", strerror(errno));
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOG_RESERVE) == 0 || errno == EOPNOTSUPP)
        return RDT_OK;
    if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
        return rdt_fail(err, RDT_E_IO, "take space for its log: %s", strerror(errno));
    rdt_fail(err, RDT_E_FULL, "no room for the changes of administrators: %s", strerror(errno));
    rdt_hint(err, "make room for %d MiB on its disk; nothing beside it may be deleted",
             (int)(LOG_RESERVE >> 20));
    return RDT_E_FULL;
}

static enum rdt_code
sqlite_open(const struct rdt_store_opts *opts, struct rdt_engine **out, uint64_t *revision,
            struct rdt_err *err)
{
    enum rdt_code code = look(opts, err);
    if (code != RDT_OK)
        return code;
    struct rdt_sqlite *sq = calloc(1, sizeof *sq);
    char *path = strdup(opts->path);
    if (sq == NULL || path == NULL) {
        free(sq);
        free(path);
        return rdt_fail(err, RDT_E_NOMEM, "%s", opts->path);
    }
    sq->base.ops = &rdt_engine_sqlite;
    sq->path = path;
    code = open_checked(sq, revision, err);
    if (code == RDT_OK && opts->reserve)
        code = reserve(sq, err);
    if (code != RDT_OK) {
        let_go(sq);
        sqlite_close(&sq->base);
        return rdt_fail_in(err, code, "%s", opts->path);
    }
    *out = &sq->base;
    return RDT_OK;
}

/* ---- committing ---- */

/*
 * What was committed lies in a log that nobody will find again: into the file with it, if that is
 * still there.
 */
static enum rdt_code
rescue(struct rdt_sqlite *sq, struct rdt_err *err)
{
    const char *file = sqlite3_db_filename(sq->db, "main");
    sq->lost = true;
    if (is_at(file, &sq->file) &&
        sqlite3_wal_checkpoint_v2(sq->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
            SQLITE_OK)
        return RDT_OK;
    return rdt_fail(err, RDT_E_TAMPERED, "%s: was removed or replaced while in use", sq->path);
}

static enum rdt_code
change(struct rdt_sqlite *sq, const struct rdt_sqlite_change *what, bool *unknown,
       struct rdt_err *err)
{
    if (sq->lost)
        return rdt_fail(err, RDT_E_TAMPERED, "%s: was removed or replaced while in use", sq->path);
    enum rdt_code code = rdt_sqlite_write(sq, what, unknown, err);
    if (code != RDT_OK)
        return rdt_fail_in(err, code, "%s", sq->path);
    const char *file = sqlite3_db_filename(sq->db, "main");
    if (is_at(file, &sq->file) && is_at(sqlite3_filename_wal(file), &sq->log))
        return RDT_OK;
    return rescue(sq, err);
}

static enum rdt_code
sqlite_commit(struct rdt_engine *engine, const struct rdt_commit *commit, bool *unknown,
              struct rdt_err *err)
{
    return change((struct rdt_sqlite *)engine, &(struct rdt_sqlite_change){.commit = commit},
                  unknown, err);
}

static enum rdt_code
sqlite_put_value(struct rdt_engine *engine, const char *name, struct rdt_span value, bool *unknown,
                 struct rdt_err *err)
{
    return change((struct rdt_sqlite *)engine,
                  &(struct rdt_sqlite_change){.name = name, .value = value}, unknown, err);
}

/*
 * SQLite takes a COMMIT whose sync failed back in memory, but its frames may be whole in the log
 * and count at the next start. So the log is read as a start does.
 */
static enum rdt_code
sqlite_settle(struct rdt_engine *engine, uint64_t *revision, struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    if (sq->copies > 0)
        return rdt_fail(err, RDT_E_STATE, "%s: a copy is under way", sq->path);
    sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    disconnect(sq);
    enum rdt_code code = connect_to(sq, err);
    return code == RDT_OK ? ready(sq, revision, err) : code;
}

/* By way of the file, where the pages are written and synced anew: after a sync has failed, another
 * one of the same bytes proves nothing (Linux takes them for clean). */
static enum rdt_code
sqlite_harden(struct rdt_engine *engine, struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    errno = 0;
    int rc = sqlite3_wal_checkpoint_v2(sq->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? RDT_OK : rdt_sqlite_fail(sq->db, rc, "checkpoint", err);
}

/* ---- copying ---- */

static enum rdt_code
open_copy(const char *path, sqlite3 **out, struct rdt_err *err)
{
    int rc = sqlite3_open_v2(
        path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return rdt_sqlite_fail(*out, rc, "copy", err);
    /* What is not finished is thrown away, what is finished is synced as a whole. */
    rc =
        sqlite3_exec(*out, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    return rc == SQLITE_OK ? RDT_OK : rdt_sqlite_fail(*out, rc, "copy", err);
}

static enum rdt_code
copy_pages(struct rdt_sqlite *sq, sqlite3 *to, const struct rdt_pause *pause, struct rdt_err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", sq->db, "main");
    if (backup == NULL)
        return rdt_sqlite_fail(to, sqlite3_extended_errcode(to), "copy", err);
    int rc;
    while ((rc = sqlite3_backup_step(backup, COPY_PAGES)) == SQLITE_OK)
        pause->fn(pause->user);
    int end = sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return RDT_OK;
    return rdt_sqlite_fail(to, rc == SQLITE_DONE ? end : rc, "copy", err);
}

static void
close_db(sqlite3 **db)
{
    sqlite3_close(*db);
    *db = NULL;
}

static enum rdt_code
copy_into(struct rdt_sqlite *sq, const char *path, const struct rdt_pause *pause,
          struct rdt_err *err)
{
    RDT_AUTO(close_db) sqlite3 *to = NULL;
    enum rdt_code code = open_copy(path, &to, err);
    return code == RDT_OK ? copy_pages(sq, to, pause, err) : code;
}

static enum rdt_code
sqlite_copy(struct rdt_engine *engine, const char *path, const struct rdt_pause *pause,
            struct rdt_err *err)
{
    struct rdt_sqlite *sq = (struct rdt_sqlite *)engine;
    RDT_BUF name = {0};
    enum rdt_code code = rdt_newfile_begin(path, &name, err);
    if (code != RDT_OK)
        return code;
    const char *beside = (const char *)name.p;
    sq->copies++;
    code = copy_into(sq, beside, pause, err);
    sq->copies--;
    if (code != RDT_OK) {
        unlink(beside);
        return rdt_fail_in(err, code, "%s", path);
    }
    return rdt_newfile_finish(beside, path, err);
}

const struct rdt_engine_ops rdt_engine_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .commit = sqlite_commit,
    .put_value = sqlite_put_value,
    .settle = sqlite_settle,
    .harden = sqlite_harden,
    .rows = rdt_sqlite_rows,
    .outbox = rdt_sqlite_outbox,
    .value = rdt_sqlite_value,
    .copy = sqlite_copy,
};
