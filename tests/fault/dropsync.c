/*
 * dropsync.c - a kill that also loses the page cache. kill -9 leaves every byte that was written
 * where the next process finds it, synced or not; a power cut does not. Preloaded, this keeps what
 * was there at the last sync of everything that is written below one folder, and puts it back at
 * the moment of the kill.
 *
 *   LD_PRELOAD=.../dropsync.so DROPSYNC_DIR=/path/to/data program ...
 *   kill -USR2 PID                    instead of kill -KILL: ends with status 99
 *
 *   DROPSYNC_AFTER=N     die by itself right before the Nth watched call; N = 1, 2, 3... until the
 *                        program ends by itself visits every moment at which it can be cut off
 *   DROPSYNC_KEEP=P      each unsynced block of 4096 bytes survives with P percent (0), and as many
 *                        of the last changes of names as chance says: torn and reordered writes
 *   DROPSYNC_SEED=S      of that chance (the process's number)
 *   DROPSYNC_LENIENT=1   syncing a file keeps its new name too, as ext4 does; without, the folder
 *                        must have been synced, as POSIX has it
 *   DROPSYNC_DEAF=1      syncs do nothing: a test that still passes proves nothing
 *   DROPSYNC_SLOW=US     a sync takes so many microseconds until it counts, as on a real disk: time
 * in which a program may say too early that all is well DROPSYNC_SIGNAL=N    another signal than
 * SIGUSR2 DROPSYNC_REPORT=FILE what was dropped is written there, one line
 *
 * Watched: open (also O_TRUNC), write, pwrite, writev, pwritev, truncate, fallocate, rename, link,
 * unlink, mkstemp, mkdir, rmdir; fsync, fdatasync and syncfs of files and folders. Real syncs are
 * left out: nothing here survives the machine, and rounds are quick. What the shim cannot see ends
 * the program with a word why: a shared writable mapping (but of SQLite's *-shm, which holds
 * nothing), stdio, O_SYNC, copying inside the kernel. io_uring and raw system calls it cannot even
 * notice: do not use it on programs that write so.
 *
 * Each process watches for itself: of several that write below the folder, each must get the
 * signal. A child of fork() starts with nothing unsynced. With ASan, LD_PRELOAD works for clang's;
 * gcc's wants its own library first. A seccomp filter must allow what is needed to put files back.
 */
#undef _FILE_OFFSET_BITS /* each function under its own name */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXIT_STATUS 99
#define BLOCK 4096

/* The real function of a name. */
#define REAL(name)                                                                                 \
    __extension__({                                                                                \
        static __typeof__(name) *real_;                                                            \
        if (real_ == NULL)                                                                         \
            real_ = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);                                   \
        real_;                                                                                     \
    })

/* ---- what is remembered ---- */

struct saved { /* a block as it was at the last sync */
    uint64_t number;
    uint8_t *old; /* n bytes; the rest of the block is zeroes, or was not there */
    uint32_t n;
    bool used;
};

struct file {
    dev_t dev;
    ino_t ino;
    int fd; /* ours, read and write; never closed while it may hold the program's locks */
    off_t synced_size; /* at the last sync */
    struct saved *saved;
    size_t n_saved, cap; /* open addressing; cap is a power of two */
    struct file *next;
};

enum op_kind { OP_CREATE, OP_LINK, OP_UNLINK, OP_RENAME, OP_MKDIR, OP_RMDIR };

struct op { /* a change of names that its folder was not synced after */
    enum op_kind kind;
    char *path, *from; /* absolute; from: of a rename */
    dev_t dev[2];      /* of the folders of path and from */
    ino_t ino[2];
    struct file *gone; /* what path led to before, of an unlink or a rename over it */
    mode_t mode;
    struct op *before; /* older */
};

static char root[PATH_MAX]; /* empty: nothing is watched */
static dev_t root_dev;
static struct file *files;
static struct op *ops;
static unsigned long after, calls;
static unsigned keep;
static bool lenient, deaf;
static unsigned long slow_us;
static const char *report;
static uint64_t chance;

static int lock_word;
static volatile int dying;

static void crash(void) __attribute__((noreturn));

static bool
try_lock(void)
{
    return __atomic_exchange_n(&lock_word, 1, __ATOMIC_SEQ_CST) == 0;
}

static void
unlock(void)
{
    __atomic_store_n(&lock_word, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&dying, __ATOMIC_SEQ_CST) && try_lock())
        crash();
}

/* Whoever holds the lock when the signal comes sees it on leaving. */
static void
on_signal(int number)
{
    int e = errno;
    (void)number;
    __atomic_store_n(&dying, 1, __ATOMIC_SEQ_CST);
    if (try_lock())
        crash();
    errno = e;
}

static void
lock(void)
{
    while (!try_lock())
        sched_yield();
}

/* The start of a watched call. */
static void
enter(void)
{
    if (after != 0 && ++calls == after)
        crash();
}

static void
refuse(const char *what)
{
    static const char start[] = "dropsync: cannot watch ";
    char line[200];
    int n = snprintf(line, sizeof line, "%s%s\n", start, what);
    if (n > 0)
        (void)!syscall(SYS_write, STDERR_FILENO, line, (size_t)n);
    abort();
}

static void *
must(void *p)
{
    if (p == NULL)
        refuse("without memory");
    return p;
}

/* ---- places ---- */

static bool
is_below(const char *path)
{
    size_t n = strlen(root);
    return n > 0 && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

struct place {
    char path[PATH_MAX];
    dev_t dev; /* of its folder */
    ino_t ino;
};

/* Where a name leads, without following its last part. False: not below the folder. */
static bool
place_of(int at, const char *name, struct place *out)
{
    char joined[PATH_MAX], folder[PATH_MAX];
    struct stat st;
    if (root[0] == '\0' || name == NULL)
        return false;
    if (name[0] == '/' || at == AT_FDCWD) {
        snprintf(joined, sizeof joined, "%s", name);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t n = readlink(link, folder, sizeof folder - 1);
        if (n < 0)
            return false;
        folder[n] = '\0';
        if ((size_t)snprintf(joined, sizeof joined, "%s/%s", folder, name) >= sizeof joined)
            return false;
    }
    char *slash = strrchr(joined, '/');
    const char *base = slash == NULL ? joined : slash + 1;
    char last[NAME_MAX + 1];
    if (strlen(base) > NAME_MAX)
        return false;
    snprintf(last, sizeof last, "%s", base);
    if (slash != NULL)
        slash[slash == joined ? 1 : 0] = '\0';
    if (realpath(slash == NULL ? "." : joined, folder) == NULL || !is_below(folder))
        return false;
    if (stat(folder, &st) != 0 ||
        (size_t)snprintf(out->path, sizeof out->path, "%s/%s", folder, last) >= sizeof out->path)
        return false;
    out->dev = st.st_dev;
    out->ino = st.st_ino;
    return true;
}

/* ---- files ---- */

static struct file *
known(dev_t dev, ino_t ino)
{
    struct file *f = files;
    while (f != NULL && (f->ino != ino || f->dev != dev))
        f = f->next;
    return f;
}

/* Remember a file as it is: what is in it now counts as synced. path: any that leads to it. */
static struct file *
learn(const char *path, const struct stat *st)
{
    struct file *f = known(st->st_dev, st->st_ino);
    if (f != NULL)
        return f;
    f = must(calloc(1, sizeof *f));
    *f = (struct file){.dev = st->st_dev, .ino = st->st_ino, .synced_size = st->st_size};
    f->fd = REAL(open)(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (f->fd < 0) /* /proc/self/fd/N is a link */
        f->fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (f->fd < 0)
        refuse("a file that it may not open");
    f->next = files;
    files = f;
    return f;
}

/* The watched file behind a descriptor; NULL when it is none. */
static struct file *
behind(int fd)
{
    struct stat st;
    char link[64], path[PATH_MAX];
    if (root[0] == '\0' || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_dev != root_dev)
        return NULL;
    struct file *f = known(st.st_dev, st.st_ino);
    if (f != NULL)
        return f;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    return is_below(path) ? learn(link, &st) : NULL;
}

static struct file *
at_path(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    return learn(path, &st);
}

static struct saved *
slot_of(struct saved *table, size_t cap, uint64_t number)
{
    size_t i = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15)) & (cap - 1);
    while (table[i].used && table[i].number != number)
        i = (i + 1) & (cap - 1);
    return &table[i];
}

static void
grow(struct file *f)
{
    size_t cap = f->cap == 0 ? 64 : f->cap * 2;
    struct saved *table = must(calloc(cap, sizeof *table));
    for (size_t i = 0; i < f->cap; i++)
        if (f->saved[i].used)
            *slot_of(table, cap, f->saved[i].number) = f->saved[i];
    free(f->saved);
    f->saved = table;
    f->cap = cap;
}

static void
save_block(struct file *f, uint64_t number)
{
    if (f->n_saved * 2 >= f->cap)
        grow(f);
    struct saved *s = slot_of(f->saved, f->cap, number);
    if (s->used)
        return;
    off_t start = (off_t)(number * BLOCK), left = f->synced_size - start;
    *s = (struct saved){.number = number, .used = true};
    f->n_saved++;
    if (left <= 0)
        return;
    s->old = must(malloc(BLOCK));
    s->n = left < BLOCK ? (uint32_t)left : BLOCK;
    ssize_t n = pread(f->fd, s->old, s->n, start);
    if (n < 0)
        refuse("a file that it may not read");
    memset(s->old + n, 0, (size_t)(s->n - (uint32_t)n)); /* a hole at the end, not yet written */
}

/* Bytes from..to are about to change. */
static void
touch(struct file *f, off_t from, off_t to)
{
    for (uint64_t b = (uint64_t)from / BLOCK; (off_t)(b * BLOCK) < to; b++)
        save_block(f, b);
}

static void
forget_saved(struct file *f)
{
    for (size_t i = 0; i < f->cap; i++)
        free(f->saved[i].old);
    free(f->saved);
    f->saved = NULL;
    f->n_saved = f->cap = 0;
}

static off_t
size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_size : 0;
}

static void
file_synced(struct file *f)
{
    forget_saved(f);
    f->synced_size = size_of(f->fd);
}

/* ---- names ---- */

static struct op *
note(enum op_kind kind, const struct place *place)
{
    struct op *op = must(calloc(1, sizeof *op));
    op->kind = kind;
    op->path = must(strdup(place->path));
    op->dev[0] = op->dev[1] = place->dev;
    op->ino[0] = op->ino[1] = place->ino;
    op->before = ops;
    ops = op;
    return op;
}

static void
free_op(struct op *op)
{
    free(op->path);
    free(op->from);
    free(op);
}

/* A folder was synced: what changed in it is there for good. */
static void
folder_synced(dev_t dev, ino_t ino)
{
    for (struct op **at = &ops; *at != NULL;) {
        struct op *op = *at;
        bool here =
            (op->dev[0] == dev && op->ino[0] == ino) || (op->dev[1] == dev && op->ino[1] == ino);
        if (!here) {
            at = &op->before;
            continue;
        }
        *at = op->before;
        free_op(op);
    }
}

static void
names_synced(struct file *f)
{
    struct stat st;
    for (struct op **at = &ops; *at != NULL;) {
        struct op *op = *at;
        bool made = op->kind == OP_CREATE || op->kind == OP_LINK || op->kind == OP_RENAME;
        if (!made || lstat(op->path, &st) != 0 || st.st_ino != f->ino || st.st_dev != f->dev) {
            at = &op->before;
            continue;
        }
        *at = op->before;
        free_op(op);
    }
}

/* ---- the end: in a signal handler perhaps, so by system calls and without memory ---- */

static void
raw_write(int fd, const void *bytes, size_t n, off_t at)
{
    (void)!syscall(SYS_pwrite64, fd, bytes, n, at);
}

static int
raw_open(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static unsigned
draw(unsigned n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance >> 33) % n;
}

static unsigned long dropped, kept;

static void
put_back(struct file *f)
{
    off_t now = size_of(f->fd), size = f->synced_size;
    if (keep > 0 && draw(100) < keep)
        size = now;
    static const uint8_t zeroes[BLOCK];
    for (size_t i = 0; i < f->cap; i++) {
        const struct saved *s = &f->saved[i];
        off_t start = (off_t)(s->number * BLOCK), end = start + BLOCK;
        if (!s->used)
            continue;
        if (keep > 0 && start < now && draw(100) < keep) {
            kept++; /* its bytes came to the disk, and so the file reaches them */
            if ((end < now ? end : now) > size)
                size = end < now ? end : now;
            continue;
        }
        dropped++;
        if (s->n > 0)
            raw_write(f->fd, s->old, s->n, start);
        if (s->n < BLOCK)
            raw_write(f->fd, zeroes, BLOCK - s->n, start + s->n);
    }
    (void)!syscall(SYS_ftruncate, f->fd, size);
}

/* A name that was removed: with its bytes, since the inode may be gone from the tree. */
static void
bring_back(const char *path, struct file *f, mode_t mode)
{
    static uint8_t piece[1 << 16];
    int fd = raw_open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    ssize_t n;
    if (fd < 0)
        return;
    for (off_t at = 0; (n = pread(f->fd, piece, sizeof piece, at)) > 0; at += n)
        raw_write(fd, piece, (size_t)n, at);
}

static void
undo(const struct op *op)
{
    switch (op->kind) {
    case OP_CREATE:
    case OP_LINK:
        syscall(SYS_unlinkat, AT_FDCWD, op->path, 0);
        break;
    case OP_UNLINK:
        if (op->gone != NULL)
            bring_back(op->path, op->gone, op->mode);
        break;
    case OP_RENAME:
        syscall(SYS_renameat2, AT_FDCWD, op->path, AT_FDCWD, op->from, 0);
        if (op->gone != NULL)
            bring_back(op->path, op->gone, op->mode);
        break;
    case OP_MKDIR:
        syscall(SYS_unlinkat, AT_FDCWD, op->path, AT_REMOVEDIR);
        break;
    case OP_RMDIR:
        syscall(SYS_mkdirat, AT_FDCWD, op->path, op->mode);
        break;
    }
}

static void
crash(void)
{
    unsigned n = 0, stay = 0, undone = 0;
    for (struct op *op = ops; op != NULL; op = op->before)
        n++;
    if (keep > 0)
        stay = draw(n + 1); /* changes of names are kept in order */
    for (struct file *f = files; f != NULL; f = f->next)
        put_back(f);
    for (struct op *op = ops; op != NULL && undone < n - stay; op = op->before, undone++)
        undo(op);
    if (report != NULL) {
        char line[160];
        int fd = raw_open(report, O_WRONLY | O_CREAT | O_APPEND, 0600);
        int length = snprintf(line, sizeof line, "calls %lu dropped %lu kept %lu names %u of %u\n",
                              calls, dropped, kept, undone, n);
        if (fd >= 0)
            (void)!syscall(SYS_write, fd, line, (size_t)length);
    }
    _exit(EXIT_STATUS);
}

/* ---- start ---- */

static unsigned long
number_from(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == '\0' ? otherwise : strtoul(text, NULL, 10);
}

static void
before_fork(void)
{
    lock();
}

static void
after_fork(void)
{
    unlock();
}

/* What the parent has not synced is the parent's to drop. */
static void
in_child(void)
{
    for (struct file *f = files; f != NULL; f = f->next)
        file_synced(f);
    while (ops != NULL) {
        struct op *op = ops;
        ops = op->before;
        free_op(op);
    }
    dying = 0;
    after = 0;
    unlock();
}

static void __attribute__((constructor)) start(void)
{
    const char *dir = getenv("DROPSYNC_DIR");
    struct stat st;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (dir == NULL || *dir == '\0')
        return;
    if (realpath(dir, root) == NULL || stat(root, &st) != 0)
        refuse("DROPSYNC_DIR: no such folder");
    root_dev = st.st_dev;
    after = number_from("DROPSYNC_AFTER", 0);
    keep = (unsigned)number_from("DROPSYNC_KEEP", 0);
    lenient = number_from("DROPSYNC_LENIENT", 0) != 0;
    deaf = number_from("DROPSYNC_DEAF", 0) != 0;
    slow_us = number_from("DROPSYNC_SLOW", 0);
    report = getenv("DROPSYNC_REPORT");
    chance =
        (number_from("DROPSYNC_SEED", (unsigned long)getpid()) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    sigaction((int)number_from("DROPSYNC_SIGNAL", SIGUSR2), &action, NULL);
    pthread_atfork(before_fork, after_fork, in_child);
}

/* ---- the calls ---- */

/* Runs a call on a descriptor with the lock held, after `prepare` saw the watched file. */
#define WATCHED(fd, prepare, call)                                                                 \
    __extension__({                                                                                \
        if (root[0] == '\0')                                                                       \
            return call;                                                                           \
        lock();                                                                                    \
        struct file *f = behind(fd);                                                               \
        if (f != NULL) {                                                                           \
            enter();                                                                               \
            prepare;                                                                               \
        }                                                                                          \
        __typeof__(call) result_ = call;                                                           \
        int e_ = errno;                                                                            \
        unlock();                                                                                  \
        errno = e_;                                                                                \
        return result_;                                                                            \
    })

static off_t
next_write(int fd, const struct file *f)
{
    if ((fcntl(fd, F_GETFL) & O_APPEND) != 0)
        return size_of(f->fd);
    return lseek(fd, 0, SEEK_CUR);
}

static size_t
length_of(const struct iovec *parts, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += parts[i].iov_len;
    return sum;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
    WATCHED(fd, off_t at = next_write(fd, f);
            touch(f, at, at + (off_t)n), REAL(write)(fd, bytes, n));
}

ssize_t
writev(int fd, const struct iovec *parts, int n)
{
    WATCHED(fd, off_t at = next_write(fd, f);
            touch(f, at, at + (off_t)length_of(parts, n)), REAL(writev)(fd, parts, n));
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    WATCHED(fd, touch(f, at, at + (off_t)n), REAL(pwrite)(fd, bytes, n, at));
}

ssize_t
pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    WATCHED(fd, touch(f, at, at + (off_t)length_of(parts, n)), REAL(pwritev)(fd, parts, n, at));
}

ssize_t
pwritev2(int fd, const struct iovec *parts, int n, off_t at, int flags)
{
    WATCHED(fd, if (flags != 0) refuse("flags of pwritev2");
            off_t from = at < 0 ? next_write(fd, f) : at;
            touch(f, from, from + (off_t)length_of(parts, n)),
            REAL(pwritev2)(fd, parts, n, at, flags));
}

/* What is cut off is saved; what is added is zeroes, which the size alone takes back. */
int
ftruncate(int fd, off_t size)
{
    WATCHED(fd, touch(f, size, f->synced_size), REAL(ftruncate)(fd, size));
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
    WATCHED(fd, if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) refuse("fallocate of this mode"),
            REAL(fallocate)(fd, mode, at, n));
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
    WATCHED(fd, (void)0, REAL(posix_fallocate)(fd, at, n));
}

ssize_t
copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags)
{
    WATCHED(out, refuse("copy_file_range"),
            REAL(copy_file_range)(in, in_at, out, out_at, n, flags));
}

ssize_t
sendfile(int out, int in, off_t *at, size_t n)
{
    WATCHED(out, refuse("sendfile"), REAL(sendfile)(out, in, at, n));
}

void *
mmap(void *where, size_t n, int protection, int flags, int fd, off_t at)
{
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
    if (fd >= 0 && shared && root[0] != '\0') {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = '\0';
            if (is_below(path) && (length < 4 || strcmp(path + length - 4, "-shm") != 0))
                refuse("a shared mapping");
        }
    }
    return REAL(mmap)(where, n, protection, flags, fd, at);
}

/* ---- syncs ---- */

/* False: not ours to answer. */
static bool
sync_fd(int fd)
{
    struct stat st;
    if (root[0] == '\0' || fstat(fd, &st) != 0)
        return false;
    if (slow_us != 0 && st.st_dev == root_dev)
        usleep((useconds_t)slow_us);
    lock();
    struct file *f = behind(fd);
    bool folder = S_ISDIR(st.st_mode) && st.st_dev == root_dev;
    if (f != NULL || folder)
        enter();
    if (!deaf && f != NULL)
        file_synced(f);
    if (!deaf && f != NULL && lenient)
        names_synced(f);
    if (!deaf && folder)
        folder_synced(st.st_dev, st.st_ino);
    unlock();
    return f != NULL || folder;
}

int
fsync(int fd)
{
    return sync_fd(fd) ? 0 : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
    return sync_fd(fd) ? 0 : REAL(fdatasync)(fd);
}

static void
all_synced(void)
{
    lock();
    enter();
    for (struct file *f = files; f != NULL && !deaf; f = f->next)
        file_synced(f);
    while (ops != NULL && !deaf) {
        struct op *op = ops;
        ops = op->before;
        free_op(op);
    }
    unlock();
}

int
syncfs(int fd)
{
    if (root[0] == '\0')
        return REAL(syncfs)(fd);
    all_synced();
    return 0;
}

void
sync(void)
{
    if (root[0] == '\0')
        REAL(sync)();
    else
        all_synced();
}

/* ---- names ---- */

static int
open_watched(int at, const char *name, int flags, mode_t mode)
{
    struct place place;
    struct stat st;
    const int telling = O_CREAT | O_TRUNC | O_SYNC | O_DSYNC;
    if (root[0] == '\0' || (flags & telling) == 0 || !place_of(at, name, &place))
        return REAL(openat)(at, name, flags, mode);
    if ((flags & (O_SYNC | O_DSYNC)) != 0)
        refuse("O_SYNC");
    if ((flags & O_TMPFILE) == O_TMPFILE)
        refuse("O_TMPFILE");
    lock();
    enter();
    bool there = stat(place.path, &st) == 0;
    int fd = REAL(openat)(at, name, there ? flags & ~O_TRUNC : flags, mode);
    int e = errno;
    if (fd >= 0 && !there) {
        struct file *f = behind(fd);
        if (f != NULL) {
            f->synced_size = 0;
            note(OP_CREATE, &place);
        }
    }
    unlock();
    if (fd >= 0 && there && S_ISREG(st.st_mode) && (flags & O_TRUNC) != 0 &&
        ftruncate(fd, 0) != 0) {
        e = errno;
        close(fd);
        fd = -1;
    }
    errno = e;
    return fd;
}

#define MODE_OF(flags)                                                                             \
    __extension__({                                                                                \
        mode_t mode_ = 0;                                                                          \
        if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) {                          \
            va_list more_;                                                                         \
            va_start(more_, flags);                                                                \
            mode_ = va_arg(more_, mode_t);                                                         \
            va_end(more_);                                                                         \
        }                                                                                          \
        mode_;                                                                                     \
    })

int
open(const char *name, int flags, ...)
{
    return open_watched(AT_FDCWD, name, flags, MODE_OF(flags));
}

int
openat(int at, const char *name, int flags, ...)
{
    return open_watched(at, name, flags, MODE_OF(flags));
}

int
creat(const char *name, mode_t mode)
{
    return open_watched(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int __open_2(const char *name, int flags);
int
__open_2(const char *name, int flags)
{
    return open_watched(AT_FDCWD, name, flags, 0);
}

int __openat_2(int at, const char *name, int flags);
int
__openat_2(int at, const char *name, int flags)
{
    return open_watched(at, name, flags, 0);
}

int
truncate(const char *name, off_t size)
{
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = ftruncate(fd, size), e = errno;
    close(fd);
    errno = e;
    return result;
}

FILE *
fopen(const char *name, const char *how)
{
    struct place place;
    if (strpbrk(how, "wa+") != NULL && place_of(AT_FDCWD, name, &place))
        refuse("stdio");
    return REAL(fopen)(name, how);
}

static int
made_by_template(int fd, const char *name)
{
    struct place place;
    int e = errno;
    if (fd >= 0 && place_of(AT_FDCWD, name, &place)) {
        lock();
        enter();
        struct file *f = behind(fd);
        if (f != NULL)
            f->synced_size = 0;
        note(OP_CREATE, &place);
        unlock();
    }
    errno = e;
    return fd;
}

int
mkstemp(char *name)
{
    return made_by_template(REAL(mkstemp)(name), name);
}

int
mkostemp(char *name, int flags)
{
    return made_by_template(REAL(mkostemp)(name, flags), name);
}

int
unlinkat(int at, const char *name, int flags)
{
    struct place place;
    struct stat st;
    if (!place_of(at, name, &place))
        return REAL(unlinkat)(at, name, flags);
    lock();
    enter();
    bool there = lstat(place.path, &st) == 0;
    struct file *gone = at_path(place.path); /* while it can still be opened */
    int result = REAL(unlinkat)(at, name, flags), e = errno;
    if (result == 0 && there) {
        struct op *op = note((flags & AT_REMOVEDIR) != 0 ? OP_RMDIR : OP_UNLINK, &place);
        op->gone = gone;
        op->mode = st.st_mode & 07777;
    }
    unlock();
    errno = e;
    return result;
}

int
unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int
rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int
remove(const char *name)
{
    struct stat st;
    if (lstat(name, &st) != 0)
        return -1;
    return unlinkat(AT_FDCWD, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

int
mkdirat(int at, const char *name, mode_t mode)
{
    struct place place;
    if (!place_of(at, name, &place))
        return REAL(mkdirat)(at, name, mode);
    lock();
    enter();
    int result = REAL(mkdirat)(at, name, mode), e = errno;
    if (result == 0)
        note(OP_MKDIR, &place);
    unlock();
    errno = e;
    return result;
}

int
mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int
linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    struct place place;
    if (!place_of(to_at, to, &place))
        return REAL(linkat)(from_at, from, to_at, to, flags);
    lock();
    enter();
    int result = REAL(linkat)(from_at, from, to_at, to, flags), e = errno;
    if (result == 0) {
        at_path(place.path);
        note(OP_LINK, &place);
    }
    unlock();
    errno = e;
    return result;
}

int
link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    struct place source, target;
    struct stat st = {0};
    bool out_of = place_of(from_at, from, &source), into = place_of(to_at, to, &target);
    if (!out_of && !into)
        return REAL(renameat2)(from_at, from, to_at, to, flags);
    if (!out_of || !into)
        refuse("a rename into or out of the folder");
    if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
        refuse("flags of renameat2");
    lock();
    enter();
    bool over = lstat(target.path, &st) == 0;
    struct file *gone = over ? at_path(target.path) : NULL;
    int result = REAL(renameat2)(from_at, from, to_at, to, flags), e = errno;
    if (result == 0) {
        struct op *op = note(OP_RENAME, &target);
        op->from = must(strdup(source.path));
        op->dev[1] = source.dev;
        op->ino[1] = source.ino;
        op->gone = gone;
        op->mode = st.st_mode & 07777;
    }
    unlock();
    errno = e;
    return result;
}

int
renameat(int from_at, const char *from, int to_at, const char *to)
{
    return renameat2(from_at, from, to_at, to, 0);
}

int
rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* The same under their second names. */
#define ALSO(new, old) __typeof__(old) new __attribute__((alias(#old)))
ALSO(open64, open);
ALSO(openat64, openat);
ALSO(creat64, creat);
ALSO(__open64_2, __open_2);
ALSO(__openat64_2, __openat_2);
ALSO(pwrite64, pwrite);
ALSO(pwritev64, pwritev);
ALSO(pwritev64v2, pwritev2);
ALSO(ftruncate64, ftruncate);
ALSO(truncate64, truncate);
ALSO(fallocate64, fallocate);
ALSO(posix_fallocate64, posix_fallocate);
ALSO(sendfile64, sendfile);
ALSO(mmap64, mmap);
ALSO(fopen64, fopen);
ALSO(mkstemp64, mkstemp);
ALSO(mkostemp64, mkostemp);
