/*
 * H-2: where pages go when memory runs out. A swap file is judged by the disk below its file
 * system, never by a header inside it (which is plain even on an encrypted disk).
 */
#include "probe/host_internal.h"

#include "base/cursor.h"

#define SWAPS_MAX_BYTES ((size_t)256 * 1024)
#define CMDLINE_MAX_BYTES ((size_t)64 * 1024)
#define SIZE_DIGITS_MAX 15 /* KiB; fits int64_t as bytes */

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line whose columns are padded with blanks and tabs. */
static bool
take_word(struct rdt_span *in, struct rdt_span *out)
{
    struct rdt_span at = *in, skipped;
    size_t n = 0;
    while (n < at.n && is_blank(at.p[n]))
        n++;
    if (!rdt_take(&at, n, &skipped))
        return false;
    for (n = 0; n < at.n && !is_blank(at.p[n]);)
        n++;
    if (n == 0 || !rdt_take(&at, n, out))
        return false;
    *in = at;
    return true;
}

static bool
kib(struct rdt_span digits, int64_t *bytes)
{
    int64_t v = 0;
    if (digits.n == 0 || digits.n > SIZE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        v = v * 10 + (digits.p[i] - '0');
    }
    *bytes = v * 1024;
    return true;
}

/* name kind size used priority */
static enum rdt_code
parse_line(struct rdt_arena *arena, struct rdt_span in, struct rdt_swap *out)
{
    struct rdt_span name, kind, size;
    bool ok = take_word(&in, &name);
    ok = ok && take_word(&in, &kind);
    ok = ok && take_word(&in, &size);
    ok = ok && kib(size, &out->size_bytes);
    ok = ok && name.p[0] == '/' && (rdt_span_is(kind, "partition") || rdt_span_is(kind, "file"));
    if (!ok)
        return RDT_E_BADINPUT;
    out->path = rdt_unescape(arena, name);
    out->kind = rdt_span_is(kind, "file") ? "file" : "partition";
    return out->path == NULL ? RDT_E_NOMEM : RDT_OK;
}

enum rdt_code
rdt_swaps_parse(struct rdt_arena *arena, struct rdt_span text, struct rdt_swaps *out,
                struct rdt_err *err)
{
    struct rdt_span line, heading;
    if (text.n == 0 || text.p[text.n - 1] != '\n' || !rdt_take_line(&text, &line) ||
        !take_word(&line, &heading) || !rdt_span_is(heading, "Filename"))
        return rdt_fail(err, RDT_E_BADINPUT, "/proc/swaps has no heading, or is cut short");
    struct rdt_swaps swaps = {.items = rdt_arena_new(arena, RDT_SWAPS_MAX * sizeof *swaps.items)};
    if (swaps.items == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "/proc/swaps");
    while (rdt_take_line(&text, &line)) {
        if (swaps.n == RDT_SWAPS_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "more than %zu swaps", RDT_SWAPS_MAX);
        enum rdt_code rc = parse_line(arena, line, &swaps.items[swaps.n]);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "/proc/swaps line %zu cannot be read", swaps.n + 2);
        swaps.n++;
    }
    *out = swaps;
    return RDT_OK;
}

bool
rdt_resume_parse(struct rdt_span cmdline, struct rdt_span *out)
{
    static const char key[] = "resume=";
    struct rdt_span word, found = {NULL, 0};
    for (size_t i = 0; i < cmdline.n; i++) {
        if (cmdline.p[i] == '\n')
            cmdline.n = i;
    }
    while (take_word(&cmdline, &word)) {
        if (rdt_span_is(word, "noresume") || rdt_span_is(word, "nohibernate") ||
            rdt_span_is(word, "hibernate=no"))
            return false;
        struct rdt_span value = word, start;
        if (rdt_take(&value, sizeof key - 1, &start) && rdt_span_is(start, key))
            found = value; /* the last one counts */
    }
    *out = found;
    return found.n != 0;
}

/* What the list says of one swap. */
struct entry {
    const char *path, *kind;
    int64_t size_bytes;
    struct rdt_answer answer;
    bool hibernates;
};

static void
put_entry(struct rdt_host *host, struct rdt_node *list, const struct entry *entry)
{
    struct rdt_node *map = rdt_value_map(host->arena, list, NULL);
    const char *why = entry->answer.why;
    if (entry->hibernates)
        why = rdt_host_fmt(host, "%s; hibernation writes all memory here", why);
    rdt_host_put(host, map, "path", rdt_host_clean(host, rdt_span_str(entry->path)));
    rdt_host_put(host, map, "kind", entry->kind);
    if (rdt_value_int(host->arena, map, "size", entry->size_bytes) == NULL)
        host->failed = true;
    rdt_host_put(host, map, "encrypted", rdt_cover_name(entry->answer.cover));
    rdt_host_put(host, map, "why", why);
}

/* The answer for one swap; *number is "" for those that are no block device of their own. */
static struct rdt_answer
judge(struct rdt_host *host, const struct rdt_swap *swap, const char **number)
{
    struct rdt_answer lost = {RDT_COVER_UNKNOWN, "its device is not to be found in sysfs"};
    struct rdt_answer outside = {RDT_COVER_UNKNOWN,
                                 "a file of the host, seen from a container: run this on the host"};
    struct rdt_disk disk;
    bool file = strcmp(swap->kind, "file") == 0;
    *number = "";
    if (file && host->contained)
        return outside;
    if (file) {
        rdt_disk_of_path(host, swap->path, false, &disk);
        return disk.answer;
    }
    if (!rdt_disk_number(host, swap->path, number))
        return lost;
    rdt_disk_of_device(host, *number, &disk);
    return disk.answer;
}

/* "UUID=..." as udev keeps it under /dev/disk; anything else as it is. */
static const char *
resume_path(struct rdt_host *host, const char *name)
{
    static const struct {
        const char *tag, *folder;
    } tags[] = {
        {"UUID=",      "by-uuid"     },
        {"PARTUUID=",  "by-partuuid" },
        {"LABEL=",     "by-label"    },
        {"PARTLABEL=", "by-partlabel"}
    };
    for (size_t i = 0; i < RDT_COUNT(tags); i++) {
        size_t n = strlen(tags[i].tag);
        if (strncmp(name, tags[i].tag, n) == 0 && strchr(name, '/') == NULL)
            return rdt_host_fmt(host, "/dev/disk/%s/%s", tags[i].folder, name + n);
    }
    return name;
}

/*
 * Where hibernation would write all of memory: resume= on the command line, or the number that was
 * written to /sys/power/resume later. False when nowhere. *number is "" when it cannot be found.
 */
static bool
find_resume(struct rdt_host *host, const char **name, const char **number)
{
    struct rdt_span cmdline = {0}, device;
    *number = "";
    enum rdt_code rc = rdt_host_read(host, "/proc/cmdline", CMDLINE_MAX_BYTES, &cmdline, NULL);
    if (rc == RDT_OK && rdt_resume_parse(cmdline, &device)) {
        *name = rdt_host_clean(host, device);
        rdt_buf_fmt(&host->trace, "/proc/cmdline: resume=%s\n", *name);
        if (!rdt_disk_number(host, resume_path(host, *name), number))
            *number = strchr(*name, ':') != NULL ? *name : "";
        return true;
    }
    if (rdt_host_word(host, "/sys/power/resume", name) != RDT_OK || *name[0] == '\0' ||
        strcmp(*name, "0:0") == 0)
        return false;
    *number = *name;
    return true;
}

/* A place for hibernation that is no swap at the moment: an old image may still lie there. */
static void
put_resume(struct rdt_host *host, struct rdt_node *list, const char *name, const char *number)
{
    struct rdt_disk disk = {
        .answer = {RDT_COVER_UNKNOWN, "the device that resume= names is not to be found"}
    };
    if (number[0] != '\0')
        rdt_disk_of_device(host, number, &disk);
    put_entry(host, list,
              &(struct entry){
                  .path = name, .kind = "hibernation", .answer = disk.answer, .hibernates = true});
}

/* All swaps, and the place for hibernation where it is none of them. */
static void
put_all(struct rdt_host *host, struct rdt_node *list, const struct rdt_swaps *swaps)
{
    const char *name = "", *target = "";
    bool resume = find_resume(host, &name, &target), told = false;
    for (size_t i = 0; i < swaps->n; i++) {
        const struct rdt_swap *swap = &swaps->items[i];
        const char *number;
        struct entry entry = {swap->path, swap->kind, swap->size_bytes, judge(host, swap, &number),
                              false};
        if (strncmp(strrchr(swap->path, '/'), "/zram", 5) == 0)
            entry.kind = "zram";
        entry.hibernates = resume && target[0] != '\0' && strcmp(number, target) == 0;
        told = told || entry.hibernates;
        put_entry(host, list, &entry);
    }
    if (resume && !told)
        put_resume(host, list, name, target);
}

struct rdt_node *
rdt_host_swap(struct rdt_host *host, const char **why)
{
    struct rdt_span text = {0};
    struct rdt_swaps swaps = {0};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_host_read(host, "/proc/swaps", SWAPS_MAX_BYTES, &text, &err);
    if (rc == RDT_OK)
        rc = rdt_swaps_parse(&host->scratch, text, &swaps, &err);
    if (rc != RDT_OK) {
        host->failed = host->failed || rc == RDT_E_NOMEM;
        *why = rdt_host_fmt(host, "%s", err.text);
        return NULL;
    }
    rdt_buf_fmt(&host->trace, "/proc/swaps: %zu in use\n", swaps.n);
    if (host->contained && swaps.n == 0) {
        *why = "none to be seen from a container, which may hide the host's: run this on the host";
        return NULL;
    }
    struct rdt_node *list = rdt_node_new(host->arena, RDT_NODE_LIST, (struct rdt_mark){0});
    if (list != NULL)
        put_all(host, list, &swaps);
    host->failed = host->failed || list == NULL;
    *why = "out of memory";
    return list;
}
