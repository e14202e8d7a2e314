/*
 * host_mount.h - the mounts of this machine as /proc/self/mountinfo tells them, and which of them
 * holds a path.
 */
#ifndef RDT_PROBE_HOST_MOUNT_H
#define RDT_PROBE_HOST_MOUNT_H

#include "base/arena.h"
#include "base/err.h"

#define RDT_MOUNTS_MAX ((size_t)100000) /* mounts in one table: fs.mount-max of the kernel */
#define RDT_MOUNTINFO_MAX ((size_t)32 * 1024 * 1024) /* bytes of the file */

struct rdt_mount {
    uint32_t id, parent;
    uint32_t major, minor; /* major 0: no block device behind it that has this number */
    const char *root;      /* what of the file system is mounted; "/" is all of it */
    const char *point;     /* absolute, as this process sees it */
    const char *type;      /* "ext4", "fuse.sshfs" */
    const char *source;    /* "/dev/sda1", "tmpfs", "server:/share": may name people or hosts */
    const char *options;   /* of the file system, comma-separated */
};

struct rdt_mounts {
    struct rdt_mount *items; /* in the arena given to rdt_mounts_parse() */
    size_t n;
    const struct rdt_mount *root; /* NULL where there is none */
};

/*
 * rdt_mounts_parse - read a whole mountinfo file (proc(5)).
 *
 * One line that cannot be read spoils the answer: it might be the mount that hides all others.
 * Fails, leaving *out alone: RDT_E_BADINPUT (with the line's number), RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_mounts_parse(struct rdt_arena *arena, struct rdt_span text,
                                              struct rdt_mounts *out, struct rdt_err *err);

/*
 * rdt_mount_of - the mount that holds a path: absolute, without symbolic links, dots or a slash at
 * the end (other than "/").
 *
 * Follows the tree of mounts from the root as the kernel does, so that a mount hidden under a later
 * one does not count.  NULL when the table has no root or is no tree.
 */
const struct rdt_mount *rdt_mount_of(const struct rdt_mounts *mounts, const char *path);

/*
 * rdt_unescape - text as the kernel's tables write it, where blank, tab, newline and backslash are
 * a backslash and three octal digits.  Other backslashes stay.  NULL when out of memory.
 */
char *rdt_unescape(struct rdt_arena *arena, struct rdt_span text);

/*
 * rdt_mount_option - the value of a "name=value" option; n is 0 and p NULL where it is not given.
 * A bare "name" has an empty value with p set.
 */
struct rdt_span rdt_mount_option(const struct rdt_mount *mount, const char *name);

#endif
