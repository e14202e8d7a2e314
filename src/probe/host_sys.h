/*
 * host_sys.h - what the host probes share: the machine being looked at, reading its /proc and /sys,
 * following a path to its mount. Everything is read below sysroot; no root rights are needed.
 *
 * Out of memory is remembered in the host and asked for once at the end, as in base/buf.h.
 */
#ifndef RDT_PROBE_HOST_SYS_H
#define RDT_PROBE_HOST_SYS_H

#include "base/buf.h"
#include "probe/host_mount.h"

#define RDT_HOST_TEXT_MAX ((size_t)512)       /* bytes of one name or value that we show */
#define RDT_HOST_FILE_MAX ((size_t)64 * 1024) /* bytes of a small file */
#define RDT_HOST_NAMES_MAX ((size_t)4096)     /* entries of one folder */
#define RDT_HOST_PATH_MAX ((size_t)4096)      /* bytes of a path, with its NUL */
#define RDT_HOST_LINKS_MAX 40                 /* symbolic links on the way to a file */

struct rdt_host {
    const char *sysroot;      /* "" for this machine */
    struct rdt_arena *arena;  /* of the evidence: values live here */
    struct rdt_arena scratch; /* what was read, and texts on their way into a value */
    struct rdt_buf trace;     /* what was read, line by line: the raw evidence */
    struct rdt_mounts mounts; /* empty where mounts_why is set */
    const char *mounts_why;   /* why the mounts could not be read, or NULL */
    bool contained;           /* we run in a container: host paths mean nothing here */
    bool failed;              /* out of memory */
};

struct rdt_names {
    const char **items; /* sorted by bytes */
    size_t n;
};

/* A path after its symbolic links. */
struct rdt_place {
    const char *path;              /* "" where it could not be followed */
    const struct rdt_mount *mount; /* NULL where it could not be followed */
    const char *why;               /* why not, or NULL */
    bool missing;                  /* it certainly does not exist */
};

/* rdt_host_init - look at the machine below sysroot and read its mounts; values go into arena. */
void rdt_host_init(struct rdt_host *host, const char *sysroot, struct rdt_arena *arena);

/* rdt_host_done - free everything but the values.  Also the closer for RDT_AUTO. */
void rdt_host_done(struct rdt_host *host);

/* rdt_host_fmt - formatted text, as long as host lives; "" and host->failed when out of memory. */
const char *rdt_host_fmt(struct rdt_host *host, const char *fmt, ...) RDT_PRINTF(2, 3);

/*
 * rdt_host_clean - bytes of a stranger as text that can be shown: valid UTF-8, no control
 * characters, at most RDT_HOST_TEXT_MAX bytes.
 */
const char *rdt_host_clean(struct rdt_host *host, struct rdt_span bytes);

/*
 * rdt_host_read - a whole file, NUL-terminated, as long as host lives.
 * Fails: as rdt_file_read(); the text in err does not show sysroot.
 */
RDT_MUST_CHECK enum rdt_code rdt_host_read(struct rdt_host *host, const char *path, size_t max,
                                           struct rdt_span *out, struct rdt_err *err);

/*
 * rdt_host_word - the first line of a small file as clean text, and noted in the trace.
 * Fails, setting *out to "": as rdt_file_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_host_word(struct rdt_host *host, const char *path,
                                           const char **out);

/* rdt_host_exists - whether something certainly is there. */
bool rdt_host_exists(struct rdt_host *host, const char *path);

/*
 * rdt_host_list - the names in a folder without "." and "..".
 * Fails, leaving *out empty: RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_LIMIT, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_host_list(struct rdt_host *host, const char *path,
                                           struct rdt_names *out);

/*
 * rdt_host_place - follow a path's symbolic links, inside sysroot, and say which mount holds it.
 *
 *   nearest   where the path does not exist (yet), give the place of the folder that does
 *
 * Network file systems are not touched, since a dead server would stop us for good: the place is
 * then the path as far as their mount.
 */
struct rdt_place rdt_host_place(struct rdt_host *host, const char *path, bool nearest);

/* rdt_host_far - whether a mount's file system may answer from elsewhere, late or never. */
bool rdt_host_far(const struct rdt_mount *mount);

#endif
