/*
 * host_disk.h - whether what is written to a path or a block device ends up encrypted (H-1), found
 * by walking down the layers that sysfs shows. No root rights are needed.
 *
 * What the walk cannot see is said in the answer: a host below this virtual machine, a drive that
 * encrypts by itself, and the cipher itself (only `dmsetup table` as root tells, so a LUKS volume
 * with cipher_null would count as encrypted).
 */
#ifndef RDT_PROBE_HOST_DISK_H
#define RDT_PROBE_HOST_DISK_H

#include "codec/node.h"
#include "probe/host_sys.h"

#define RDT_DISK_DEPTH_MAX 32   /* layers on top of each other */
#define RDT_DISK_VISITS_MAX 512 /* devices looked at for one answer */

enum rdt_cover { RDT_COVER_UNKNOWN, RDT_COVER_NO, RDT_COVER_YES, RDT_COVER_RAM };

struct rdt_answer {
    enum rdt_cover cover;
    const char *why; /* never NULL */
};

struct rdt_disk {
    struct rdt_answer answer;
    const char *mount, *fs;  /* "" where the path could not be followed */
    struct rdt_node *layers; /* list of texts, top first */
    bool missing;            /* the path certainly does not exist */
};

/* One answer in the making; shared by what follows paths and what follows devices. */
struct rdt_walk {
    struct rdt_host *host;
    struct rdt_node *layers;
    unsigned depth, visits;
};

/* rdt_cover_name - "yes", "no", "ram" or "unknown". */
const char *rdt_cover_name(enum rdt_cover cover);

/*
 * rdt_answer_both - the answer for data that is spread over both: no before unknown before yes
 * before RAM, so that one bare leg is enough for a no.
 */
struct rdt_answer rdt_answer_both(struct rdt_answer a, struct rdt_answer b);

/*
 * rdt_disk_of_path - walk from a path to its disks.
 *
 *   nearest   a path that does not exist yet is answered for the folder it would be made in
 *   out       texts live as long as host, layers in host->arena
 */
void rdt_disk_of_path(struct rdt_host *host, const char *path, bool nearest, struct rdt_disk *out);

/* rdt_disk_of_mount - the same for a whole mount, whether its point can be looked at or not. */
void rdt_disk_of_mount(struct rdt_host *host, const struct rdt_mount *mount, struct rdt_disk *out);

/* rdt_disk_of_device - the same from a block device's number ("253:0"); mount and fs stay "". */
void rdt_disk_of_device(struct rdt_host *host, const char *number, struct rdt_disk *out);

/*
 * rdt_disk_number - the number ("253:0") of the block device that a path under /dev names.
 * False, leaving *out alone, when there is none to be found.
 */
bool rdt_disk_number(struct rdt_host *host, const char *path, const char **out);

/* rdt_walk_path - the part of the walk that follows a path; for loop devices. */
struct rdt_answer rdt_walk_path(struct rdt_walk *walk, const char *path);

/* rdt_walk_device - the part of the walk that follows a device number. */
struct rdt_answer rdt_walk_device(struct rdt_walk *walk, const char *number);

/* rdt_walk_layer - note a layer that was passed, such as "md0 (raid1)". */
void rdt_walk_layer(struct rdt_walk *walk, const char *text);

/* rdt_leaf - the answer for the device at the bottom; dir is its folder in sysfs. */
struct rdt_answer rdt_leaf(struct rdt_host *host, const char *dir, const char *name);

#endif
