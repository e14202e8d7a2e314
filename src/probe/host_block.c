#include "probe/host_disk.h"

#include "evidence/evidence.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum layer { LAYER_COVERS, LAYER_THROUGH, LAYER_UNKNOWN };

/*
 * dm/uuid says who made a device-mapper device and what for. Not all of cryptsetup's kinds encrypt:
 * INTEGRITY and VERITY only protect against change, SUBDEV is the integrity layer below a LUKS2
 * volume. TEMP and kinds yet to come are left undecided.
 */
static const struct {
    const char *prefix, *words;
    enum layer layer;
} dm_kinds[] = {
    {"CRYPT-LUKS2-OPAL-", "CRYPT-LUKS2, drive's own OPAL", LAYER_COVERS },
    {"CRYPT-LUKS2-",      "CRYPT-LUKS2",                   LAYER_COVERS },
    {"CRYPT-LUKS1-",      "CRYPT-LUKS1",                   LAYER_COVERS },
    {"CRYPT-PLAIN-",      "CRYPT-PLAIN",                   LAYER_COVERS },
    {"CRYPT-LOOPAES-",    "CRYPT-LOOPAES",                 LAYER_COVERS },
    {"CRYPT-TCRYPT-",     "CRYPT-TCRYPT",                  LAYER_COVERS },
    {"CRYPT-BITLK-",      "CRYPT-BITLK",                   LAYER_COVERS },
    {"CRYPT-FVAULT2-",    "CRYPT-FVAULT2",                 LAYER_COVERS },
    {"CRYPT-INTEGRITY-",  "integrity only",                LAYER_THROUGH},
    {"CRYPT-VERITY-",     "verity only",                   LAYER_THROUGH},
    {"CRYPT-SUBDEV-",     "integrity only",                LAYER_THROUGH},
    {"LVM-",              "LVM",                           LAYER_THROUGH},
    {"mpath-",            "multipath",                     LAYER_THROUGH},
    {"part",              "partition",                     LAYER_THROUGH},
    {"DMRAID-",           "firmware RAID",                 LAYER_THROUGH},
    {"stratis-1-",        "Stratis",                       LAYER_THROUGH},
    {"VDO-",              "VDO",                           LAYER_THROUGH},
};

static struct rdt_answer
unknown(const char *why)
{
    return (struct rdt_answer){RDT_COVER_UNKNOWN, why};
}

struct rdt_answer
rdt_answer_both(struct rdt_answer a, struct rdt_answer b)
{
    static const int rank[] = {
        [RDT_COVER_NO] = 3, [RDT_COVER_UNKNOWN] = 2, [RDT_COVER_YES] = 1, [RDT_COVER_RAM] = 0};
    return rank[b.cover] > rank[a.cover] ? b : a;
}

const char *
rdt_cover_name(enum rdt_cover cover)
{
    static const char *const names[] = {[RDT_COVER_UNKNOWN] = "unknown",
                                        [RDT_COVER_NO] = "no",
                                        [RDT_COVER_YES] = "yes",
                                        [RDT_COVER_RAM] = "ram"};
    return names[cover];
}

void
rdt_walk_layer(struct rdt_walk *walk, const char *text)
{
    if (rdt_value_text(walk->host->arena, walk->layers, NULL, text) == NULL)
        walk->host->failed = true;
}

/* All devices that this one is made of: every leg has to be covered. */
static struct rdt_answer
walk_slaves(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    struct rdt_names legs;
    struct rdt_answer all = {RDT_COVER_RAM, ""};
    enum rdt_code rc = rdt_host_list(host, rdt_host_fmt(host, "%s/slaves", dir), &legs);
    if (rc != RDT_OK || legs.n == 0)
        return unknown(rdt_host_fmt(host, "sysfs does not say which devices %s is made of", name));
    for (size_t i = 0; i < legs.n; i++) {
        const char *number;
        rc = rdt_host_word(host, rdt_host_fmt(host, "%s/slaves/%s/dev", dir, legs.items[i]),
                           &number);
        struct rdt_answer leg =
            rc == RDT_OK ? rdt_walk_device(walk, number)
                         : unknown(rdt_host_fmt(host, "a device below %s cannot be read", name));
        all = i == 0 ? leg : rdt_answer_both(all, leg);
    }
    return all;
}

static struct rdt_answer
walk_dm(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    const char *uuid, *label, *words = "device-mapper";
    enum layer layer = LAYER_UNKNOWN;
    /* an unreadable uuid is "" and stays undecided */
    if (rdt_host_word(host, rdt_host_fmt(host, "%s/dm/uuid", dir), &uuid) != RDT_OK)
        uuid = "";
    if (rdt_host_word(host, rdt_host_fmt(host, "%s/dm/name", dir), &label) != RDT_OK)
        label = name;
    for (size_t i = 0; i < RDT_COUNT(dm_kinds); i++) {
        if (strncmp(uuid, dm_kinds[i].prefix, strlen(dm_kinds[i].prefix)) == 0) {
            words = dm_kinds[i].words;
            layer = dm_kinds[i].layer;
            break;
        }
    }
    const char *shown = rdt_host_fmt(host, "/dev/mapper/%s (%s)", label, words);
    rdt_walk_layer(walk, shown);
    struct rdt_answer below = walk_slaves(walk, dir, label);
    if (layer == LAYER_COVERS)
        return (struct rdt_answer){RDT_COVER_YES, rdt_host_fmt(host, "encrypted by %s", shown)};
    if (layer == LAYER_UNKNOWN && below.cover == RDT_COVER_NO)
        return unknown(rdt_host_fmt(
            host, "%s does not say what it does; `dmsetup table` as root would", shown));
    return below;
}

/* The file's own path is not shown: it may name a person. */
static struct rdt_answer
walk_loop(struct rdt_walk *walk, const char *dir, const char *name)
{
    static const char deleted[] = " (deleted)";
    struct rdt_host *host = walk->host;
    struct rdt_span text = {0};
    const char *file = rdt_host_fmt(host, "%s/loop/backing_file", dir);
    rdt_walk_layer(walk, rdt_host_fmt(host, "%s (file)", name));
    if (rdt_host_read(host, file, RDT_HOST_PATH_MAX, &text, NULL) != RDT_OK)
        return unknown(rdt_host_fmt(host, "the file behind %s cannot be read", name));
    char path[RDT_HOST_PATH_MAX];
    snprintf(path, sizeof path, "%.*s", RDT_FMT(text));
    path[strcspn(path, "\n")] = '\0';
    size_t n = strlen(path), tail = sizeof deleted - 1;
    if (n > tail && strcmp(path + n - tail, deleted) == 0)
        return unknown(rdt_host_fmt(host, "the file behind %s has been deleted", name));
    if (host->contained)
        return unknown(rdt_host_fmt(host, "the file behind %s is outside of this container", name));
    return rdt_walk_path(walk, path);
}

/* zram keeps pages in memory, unless it was given a device to write idle ones back to. */
static struct rdt_answer
walk_zram(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    const char *backing, *number;
    enum rdt_code rc = rdt_host_word(host, rdt_host_fmt(host, "%s/backing_dev", dir), &backing);
    if (rc == RDT_E_NOTFOUND || (rc == RDT_OK && strcmp(backing, "none") == 0)) {
        rdt_walk_layer(walk, rdt_host_fmt(host, "%s (memory)", name));
        return (struct rdt_answer){RDT_COVER_RAM, rdt_host_fmt(host, "%s is memory", name)};
    }
    rdt_walk_layer(walk, rdt_host_fmt(host, "%s (memory, written back)", name));
    if (rc != RDT_OK || !rdt_disk_number(host, backing, &number))
        return unknown(rdt_host_fmt(host, "the device that %s writes back to is not known", name));
    return rdt_walk_device(walk, number);
}

/* "sda3" for "8:3": the last part of where sysfs keeps the device. */
static const char *
name_of(struct rdt_host *host, const char *dir, const char *number)
{
    char full[RDT_HOST_PATH_MAX], target[RDT_HOST_PATH_MAX];
    int n = snprintf(full, sizeof full, "%s%s", host->sysroot, dir);
    ssize_t len =
        n < 0 || (size_t)n >= sizeof full ? -1 : readlink(full, target, sizeof target - 1);
    if (len <= 0)
        return number;
    target[len] = '\0';
    const char *slash = strrchr(target, '/');
    return rdt_host_clean(host, rdt_span_str(slash == NULL ? target : slash + 1));
}

static struct rdt_answer
walk_partition(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    const char *number;
    rdt_walk_layer(walk, rdt_host_fmt(host, "%s (partition)", name));
    if (rdt_host_word(host, rdt_host_fmt(host, "%s/../dev", dir), &number) != RDT_OK)
        return unknown(rdt_host_fmt(host, "the disk of partition %s cannot be read", name));
    return rdt_walk_device(walk, number);
}

static struct rdt_answer
walk_raid(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    const char *level;
    if (rdt_host_word(host, rdt_host_fmt(host, "%s/md/level", dir), &level) != RDT_OK)
        level = "RAID";
    rdt_walk_layer(walk, rdt_host_fmt(host, "%s (%s)", name, level));
    return walk_slaves(walk, dir, name);
}

static bool
has(struct rdt_host *host, const char *dir, const char *what)
{
    return rdt_host_exists(host, rdt_host_fmt(host, "%s/%s", dir, what));
}

static bool
has_slaves(struct rdt_host *host, const char *dir)
{
    struct rdt_names legs;
    return rdt_host_list(host, rdt_host_fmt(host, "%s/slaves", dir), &legs) == RDT_OK && legs.n > 0;
}

static struct rdt_answer
walk_kind(struct rdt_walk *walk, const char *dir, const char *name)
{
    struct rdt_host *host = walk->host;
    if (has(host, dir, "dm"))
        return walk_dm(walk, dir, name);
    if (has(host, dir, "partition"))
        return walk_partition(walk, dir, name);
    if (has(host, dir, "md"))
        return walk_raid(walk, dir, name);
    if (has(host, dir, "loop"))
        return walk_loop(walk, dir, name);
    if (strncmp(name, "zram", 4) == 0)
        return walk_zram(walk, dir, name);
    rdt_walk_layer(walk, name);
    if (has_slaves(host, dir)) /* bcache, and whatever else names its parts */
        return walk_slaves(walk, dir, name);
    return rdt_leaf(host, dir, name);
}

/* The number becomes part of a path: digits, a colon, digits and nothing else. */
static bool
is_number(const char *text)
{
    size_t major = strspn(text, "0123456789");
    if (major == 0 || major > 10 || text[major] != ':')
        return false;
    size_t minor = strspn(text + major + 1, "0123456789");
    return minor != 0 && minor <= 10 && text[major + 1 + minor] == '\0';
}

struct rdt_answer
rdt_walk_device(struct rdt_walk *walk, const char *number)
{
    struct rdt_host *host = walk->host;
    if (!is_number(number))
        return unknown("sysfs gave a device number that is none");
    if (walk->depth >= RDT_DISK_DEPTH_MAX || walk->visits >= RDT_DISK_VISITS_MAX)
        return unknown("the layers go round in a ring, or are too many to follow");
    const char *dir = rdt_host_fmt(host, "/sys/dev/block/%s", number);
    if (!rdt_host_exists(host, dir))
        return unknown(rdt_host_fmt(host, "sysfs does not show block device %s", number));
    walk->depth++;
    walk->visits++;
    struct rdt_answer answer = walk_kind(walk, dir, name_of(host, dir, number));
    walk->depth--;
    return answer;
}
