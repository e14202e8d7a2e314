#include "probe/host_disk.h"

#include "base/text.h"
#include "evidence/evidence.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* File systems that have no disk of their own in mountinfo, or that need to be asked otherwise. */
static const struct {
    const char *glob;
    enum rdt_cover cover;
    const char *why;
} fs_kinds[] = {
    {"tmpfs",     RDT_COVER_RAM,     "tmpfs is memory (and swap)"                                      },
    {"ramfs",     RDT_COVER_RAM,     "ramfs is memory"                                                 },
    {"rootfs",    RDT_COVER_RAM,     "rootfs is memory"                                                },
    {"devtmpfs",  RDT_COVER_RAM,     "devtmpfs is memory"                                              },
    {"hugetlbfs", RDT_COVER_RAM,     "hugetlbfs is memory"                                             },
    {"overlay",   RDT_COVER_UNKNOWN,
     "overlay file system: this is a container or a live system; run this on the host"                 },
    {"aufs",      RDT_COVER_UNKNOWN, "aufs: this is a container or a live system; run this on the host"},
    {"zfs",       RDT_COVER_UNKNOWN,
     "ZFS does not show its encryption to the kernel's tables; `zfs get encryption` does"              },
    {"bcachefs",  RDT_COVER_UNKNOWN,
     "bcachefs does not show its encryption to the kernel's tables; `bcachefs show-super` does"        },
    {"ubifs",     RDT_COVER_UNKNOWN, "ubifs sits on raw flash that this walk cannot follow"            },
    {"autofs",    RDT_COVER_UNKNOWN, "not mounted now: autofs would mount it when used"                },
    {"fuse*",     RDT_COVER_UNKNOWN,
     "a program serves this file system (FUSE); only that program can say"                             },
};

static struct rdt_answer
unknown(const char *why)
{
    return (struct rdt_answer){RDT_COVER_UNKNOWN, why};
}

/* The name after /dev/mapper/ is not the kernel's name for it; device-mapper keeps both. */
static bool
number_by_label(struct rdt_host *host, const char *label, const char **out)
{
    struct rdt_names names;
    const char *text;
    if (rdt_host_list(host, "/sys/class/block", &names) != RDT_OK)
        return false;
    for (size_t i = 0; i < names.n; i++) {
        const char *dir = rdt_host_fmt(host, "/sys/class/block/%s", names.items[i]);
        if (strncmp(names.items[i], "dm-", 3) == 0 &&
            rdt_host_word(host, rdt_host_fmt(host, "%s/dm/name", dir), &text) == RDT_OK &&
            strcmp(text, label) == 0)
            return rdt_host_word(host, rdt_host_fmt(host, "%s/dev", dir), out) == RDT_OK;
    }
    return false;
}

bool
rdt_disk_number(struct rdt_host *host, const char *path, const char **out)
{
    static const char mapper[] = "/dev/mapper/";
    struct rdt_place place = rdt_host_place(host, path, false);
    const char *number;
    if (place.mount != NULL) {
        struct stat st;
        path = place.path;
        const char *full = rdt_host_fmt(host, "%s%s", host->sysroot, path);
        if (lstat(full, &st) == 0 && S_ISBLK(st.st_mode)) {
            *out = rdt_host_fmt(host, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
            return true;
        }
    }
    if (strncmp(path, mapper, sizeof mapper - 1) == 0) {
        if (!number_by_label(host, path + sizeof mapper - 1, &number))
            return false;
        *out = number;
        return true;
    }
    const char *slash = strrchr(path, '/');
    if (strncmp(path, "/dev/", 5) != 0 || slash == NULL || slash[1] == '\0')
        return false;
    const char *file = rdt_host_fmt(host, "/sys/class/block/%s/dev", slash + 1);
    if (rdt_host_word(host, file, &number) != RDT_OK)
        return false;
    *out = number;
    return true;
}

/* Whether one of the devices listed for this btrfs is the one that the mount names. */
static bool
btrfs_has(struct rdt_host *host, const char *dir, const struct rdt_names *devices,
          const char *number)
{
    const char *each;
    for (size_t i = 0; i < devices->n; i++) {
        const char *file = rdt_host_fmt(host, "%s/%s/dev", dir, devices->items[i]);
        if (rdt_host_word(host, file, &each) == RDT_OK && strcmp(each, number) == 0)
            return true;
    }
    return false;
}

static struct rdt_answer
btrfs_legs(struct rdt_walk *walk, const char *dir, const struct rdt_names *devices)
{
    struct rdt_host *host = walk->host;
    struct rdt_answer all = unknown("btrfs lists no device");
    for (size_t i = 0; i < devices->n; i++) {
        const char *number;
        const char *file = rdt_host_fmt(host, "%s/%s/dev", dir, devices->items[i]);
        struct rdt_answer leg = rdt_host_word(host, file, &number) == RDT_OK
                                    ? rdt_walk_device(walk, number)
                                    : unknown("a device of the btrfs cannot be read");
        all = i == 0 ? leg : rdt_answer_both(all, leg);
    }
    return all;
}

/* btrfs mounts have no device number, but sysfs lists each file system's devices by name. */
static struct rdt_answer
walk_btrfs(struct rdt_walk *walk, const struct rdt_mount *mount)
{
    struct rdt_host *host = walk->host;
    struct rdt_names systems, devices;
    const char *number;
    if (!rdt_disk_number(host, mount->source, &number))
        return unknown("the device that btrfs was mounted from is not to be found in sysfs");
    if (rdt_host_list(host, "/sys/fs/btrfs", &systems) != RDT_OK)
        return unknown("sysfs does not list the devices of this btrfs");
    for (size_t i = 0; i < systems.n; i++) {
        const char *dir = rdt_host_fmt(host, "/sys/fs/btrfs/%s/devices", systems.items[i]);
        if (rdt_host_list(host, dir, &devices) == RDT_OK &&
            btrfs_has(host, dir, &devices, number)) {
            rdt_walk_layer(walk, rdt_host_fmt(host, "btrfs on %zu device%s", devices.n,
                                              devices.n == 1 ? "" : "s"));
            return btrfs_legs(walk, dir, &devices);
        }
    }
    return unknown("sysfs does not list the devices of this btrfs");
}

/* XFS may keep its log, and files marked so, on devices beside the main one. */
static struct rdt_answer
walk_beside(struct rdt_walk *walk, const struct rdt_mount *mount, struct rdt_answer answer)
{
    static const char *const names[] = {"logdev", "rtdev"};
    struct rdt_host *host = walk->host;
    for (size_t i = 0; i < RDT_COUNT(names) && strcmp(mount->type, "xfs") == 0; i++) {
        struct rdt_span value = rdt_mount_option(mount, names[i]);
        const char *number;
        if (value.n == 0)
            continue;
        const char *path = rdt_host_fmt(host, "%.*s", RDT_FMT(value));
        struct rdt_answer other = rdt_disk_number(host, path, &number)
                                      ? rdt_walk_device(walk, number)
                                      : unknown("a second device of the XFS is not to be found");
        answer = rdt_answer_both(answer, other);
    }
    return answer;
}

/* Encrypted by the file system itself: a folder with an fscrypt policy. Asks no rights but to see
 * it. */
static bool
has_fscrypt(const struct rdt_host *host, const char *path)
{
    char full[RDT_HOST_PATH_MAX];
    struct statx st;
    int n = snprintf(full, sizeof full, "%s%s", host->sysroot, path);
    if (n < 0 || (size_t)n >= sizeof full)
        return false;
    if (statx(AT_FDCWD, full, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE, &st) != 0)
        return false;
    return (st.stx_attributes_mask & st.stx_attributes & STATX_ATTR_ENCRYPTED) != 0;
}

/* eCryptfs shows its cipher; with pass-through, plain files may lie between the encrypted ones. */
static struct rdt_answer
ecryptfs(const struct rdt_mount *mount)
{
    if (rdt_mount_option(mount, "ecryptfs_cipher").n == 0 ||
        rdt_mount_option(mount, "ecryptfs_passthrough").p != NULL ||
        rdt_mount_option(mount, "ecryptfs_encrypted_view").p != NULL)
        return unknown("eCryptfs lets plain files through, or does not say its cipher");
    return (struct rdt_answer){RDT_COVER_YES, "encrypted file by file by eCryptfs"};
}

static struct rdt_answer
walk_mount(struct rdt_walk *walk, const struct rdt_mount *mount)
{
    struct rdt_host *host = walk->host;
    rdt_buf_fmt(&host->trace, "mount %s: %s, device %u:%u\n",
                rdt_host_clean(host, rdt_span_str(mount->point)),
                rdt_host_clean(host, rdt_span_str(mount->type)), mount->major, mount->minor);
    if (mount->major != 0) {
        const char *number = rdt_host_fmt(host, "%u:%u", mount->major, mount->minor);
        return walk_beside(walk, mount, rdt_walk_device(walk, number));
    }
    if (strcmp(mount->type, "btrfs") == 0)
        return walk_btrfs(walk, mount);
    if (strcmp(mount->type, "ecryptfs") == 0)
        return ecryptfs(mount);
    for (size_t i = 0; i < RDT_COUNT(fs_kinds); i++) {
        if (rdt_text_glob(rdt_span_str(fs_kinds[i].glob), rdt_span_str(mount->type)))
            return (struct rdt_answer){fs_kinds[i].cover, fs_kinds[i].why};
    }
    const char *type = rdt_host_clean(host, rdt_span_str(mount->type));
    if (rdt_host_far(mount))
        return unknown(
            rdt_host_fmt(host, "%s: the files are elsewhere; only their server can say", type));
    return unknown(rdt_host_fmt(host, "%s is a file system that this walk cannot follow", type));
}

static struct rdt_answer
walk_place(struct rdt_walk *walk, const struct rdt_place *place)
{
    struct rdt_answer answer = walk_mount(walk, place->mount);
    if (answer.cover != RDT_COVER_YES && !rdt_host_far(place->mount) &&
        has_fscrypt(walk->host, place->path))
        return (struct rdt_answer){RDT_COVER_YES, "encrypted by the file system (fscrypt)"};
    return answer;
}

struct rdt_answer
rdt_walk_path(struct rdt_walk *walk, const char *path)
{
    if (walk->depth >= RDT_DISK_DEPTH_MAX || walk->visits >= RDT_DISK_VISITS_MAX)
        return unknown("the layers go round in a ring, or are too many to follow");
    struct rdt_place place = rdt_host_place(walk->host, path, false);
    if (place.mount == NULL)
        return unknown(rdt_host_fmt(walk->host, "a file below cannot be followed: %s", place.why));
    walk->depth++;
    walk->visits++;
    struct rdt_answer answer = walk_place(walk, &place);
    walk->depth--;
    return answer;
}

static struct rdt_walk
start(struct rdt_host *host, struct rdt_disk *out)
{
    *out = (struct rdt_disk){.answer = unknown(""), .mount = "", .fs = ""};
    out->layers = rdt_node_new(host->arena, RDT_NODE_LIST, (struct rdt_mark){0});
    host->failed = host->failed || out->layers == NULL;
    return (struct rdt_walk){.host = host, .layers = out->layers};
}

void
rdt_disk_of_path(struct rdt_host *host, const char *path, bool nearest, struct rdt_disk *out)
{
    struct rdt_walk walk = start(host, out);
    struct rdt_place place = rdt_host_place(host, path, nearest);
    if (place.mount == NULL) {
        out->answer = unknown(place.why);
        out->missing = place.missing;
        return;
    }
    out->mount = rdt_host_clean(host, rdt_span_str(place.mount->point));
    out->fs = rdt_host_clean(host, rdt_span_str(place.mount->type));
    out->answer = walk_place(&walk, &place);
}

void
rdt_disk_of_mount(struct rdt_host *host, const struct rdt_mount *mount, struct rdt_disk *out)
{
    struct rdt_walk walk = start(host, out);
    out->mount = rdt_host_clean(host, rdt_span_str(mount->point));
    out->fs = rdt_host_clean(host, rdt_span_str(mount->type));
    out->answer = walk_mount(&walk, mount);
}

void
rdt_disk_of_device(struct rdt_host *host, const char *number, struct rdt_disk *out)
{
    struct rdt_walk walk = start(host, out);
    out->answer = rdt_walk_device(&walk, number);
}
