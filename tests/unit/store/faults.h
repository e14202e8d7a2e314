/*
 * faults.h - a VFS for SQLite that stands before the real one and fails when it is told to: the nth
 * write, cut or sync, once or from then on, with an errno of choice; a sync may fail after the data
 * came down, which is what a COMMIT that cannot be known looks like.
 */
#ifndef RDT_STORE_FAULTS_H
#define RDT_STORE_FAULTS_H

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

static struct {
    unsigned at;   /* which call fails, counted from 1; 0: none */
    bool for_ever; /* and all that follow */
    int error;     /* ENOSPC, EIO */
    bool syncs_only;
    unsigned calls, failed;
} fault;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this */
};

static sqlite3_vfs *real_vfs, fault_vfs;
static sqlite3_io_methods fault_methods;

static inline bool
fails(bool sync)
{
    if (fault.syncs_only && !sync)
        return false;
    fault.calls++;
    bool now =
        fault.at != 0 && (fault.calls == fault.at || (fault.for_ever && fault.calls > fault.at));
    if (now) {
        fault.failed++;
        errno = fault.error;
    }
    return now;
}

#define REAL_FILE(file) ((struct fault_file *)(file))->real
#define PASS(file, method, ...) REAL_FILE(file)->pMethods->method(REAL_FILE(file), __VA_ARGS__)

static inline int
fault_close(sqlite3_file *file)
{
    return REAL_FILE(file)->pMethods->xClose(REAL_FILE(file));
}

static inline int
fault_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
    return PASS(file, xRead, to, n, at);
}

/* A write that fails has come half down. */
static inline int
fault_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
    if (!fails(false))
        return PASS(file, xWrite, from, n, at);
    (void)PASS(file, xWrite, from, n / 2, at);
    errno = fault.error;
    return fault.error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static inline int
fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails(false) ? SQLITE_IOERR_TRUNCATE : PASS(file, xTruncate, size);
}

static inline int
fault_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags; /* no real one: nobody pulls the plug here, and there are thousands */
    return fails(true) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static inline int
fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return PASS(file, xFileSize, size);
}

static inline int
fault_lock(sqlite3_file *file, int level)
{
    return PASS(file, xLock, level);
}

static inline int
fault_unlock(sqlite3_file *file, int level)
{
    return PASS(file, xUnlock, level);
}

static inline int
fault_reserved(sqlite3_file *file, int *out)
{
    return PASS(file, xCheckReservedLock, out);
}

static inline int
fault_control(sqlite3_file *file, int op, void *arg)
{
    return PASS(file, xFileControl, op, arg);
}

static inline int
fault_sector(sqlite3_file *file)
{
    return REAL_FILE(file)->pMethods->xSectorSize(REAL_FILE(file));
}

static inline int
fault_device(sqlite3_file *file)
{
    return REAL_FILE(file)->pMethods->xDeviceCharacteristics(REAL_FILE(file));
}

static inline int
fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
    struct fault_file *f = (struct fault_file *)file;
    (void)vfs;
    f->real = (sqlite3_file *)(f + 1);
    f->base.pMethods = NULL;
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    if (rc == SQLITE_OK)
        f->base.pMethods = &fault_methods;
    return rc;
}

static inline void
faults_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    fault_methods = (sqlite3_io_methods){.iVersion = 1,
                                         .xClose = fault_close,
                                         .xRead = fault_read,
                                         .xWrite = fault_write,
                                         .xTruncate = fault_truncate,
                                         .xSync = fault_sync,
                                         .xFileSize = fault_size,
                                         .xLock = fault_lock,
                                         .xUnlock = fault_unlock,
                                         .xCheckReservedLock = fault_reserved,
                                         .xFileControl = fault_control,
                                         .xSectorSize = fault_sector,
                                         .xDeviceCharacteristics = fault_device};
    fault_vfs = *real_vfs;
    fault_vfs.zName = "faults";
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.xOpen = fault_open;
    sqlite3_vfs_register(&fault_vfs, 1);
}

#endif
