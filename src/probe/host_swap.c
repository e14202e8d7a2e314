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

/* One swap as a map; *number is set for those that are a block device of their own. */
static struct rdt_node *
add_swap(struct rdt_host *host, struct rdt_node *list, const struct rdt_swap *swap,
         const char **number, struct rdt_answer *answer)
{
    struct rdt_arena *arena = host->arena;
    struct rdt_disk disk;
    const char *slash = strrchr(swap->path, '/');
    bool zram = strncmp(slash + 1, "zram", 4) == 0;
    *number = "";
    *answer = (struct rdt_answer){RDT_COVER_UNKNOWN, "its device is not to be found in sysfs"};
    if (strcmp(swap->kind, "partition") == 0) {
        if (rdt_disk_number(host, swap->path, number)) {
            rdt_disk_of_device(host, *number, &disk);
            *answer = disk.answer;
        }
    } else if (host->contained) {
        answer->why = "a file of the host, seen from a container: run this on the host";
    } else {
        rdt_disk_of_path(host, swap->path, false, &disk);
        *answer = disk.answer;
    }
    struct rdt_node *map = rdt_value_map(arena, list, NULL);
    rdt_value_text(arena, map, "path", rdt_host_clean(host, rdt_span_str(swap->path)));
    rdt_value_text(arena, map, "kind", zram ? "zram" : swap->kind);
    rdt_value_int(arena, map, "size", swap->size_bytes);
    return rdt_value_text(arena, map, "encrypted", rdt_cover_name(answer->cover)) == NULL ? NULL
                                                                                          : map;
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

static void
add_why(struct rdt_host *host, struct rdt_node *map, const char *why, bool hibernates)
{
    const char *text =
        hibernates ? rdt_host_fmt(host, "%s; hibernation writes all memory here", why) : why;
    if (rdt_value_text(host->arena, map, "why", text) == NULL)
        host->failed = true;
}

/* A place for hibernation that is no swap at the moment: an old image may still lie there. */
static void
add_resume(struct rdt_host *host, struct rdt_node *list, const char *name, const char *number)
{
    struct rdt_arena *arena = host->arena;
    struct rdt_disk disk = {
        .answer = {RDT_COVER_UNKNOWN, "the device that resume= names is not to be found"}
    };
    if (number[0] != '\0')
        rdt_disk_of_device(host, number, &disk);
    struct rdt_node *map = rdt_value_map(arena, list, NULL);
    rdt_value_text(arena, map, "path", name);
    rdt_value_text(arena, map, "kind", "hibernation");
    rdt_value_int(arena, map, "size", 0);
    rdt_value_text(arena, map, "encrypted", rdt_cover_name(disk.answer.cover));
    add_why(host, map, disk.answer.why, true);
}

struct rdt_node *
rdt_host_swap(struct rdt_host *host, const char **why)
{
    struct rdt_span text = {0};
    struct rdt_swaps swaps = {0};
    struct rdt_err err = {0};
    const char *name = "", *target = "";
    enum rdt_code rc = rdt_host_read(host, "/proc/swaps", SWAPS_MAX_BYTES, &text, &err);
    if (rc == RDT_OK)
        rc = rdt_swaps_parse(&host->scratch, text, &swaps, &err);
    if (rc != RDT_OK) {
        *why = rdt_host_fmt(host, "%s", err.text);
        return NULL;
    }
    rdt_buf_fmt(&host->trace, "/proc/swaps: %zu in use\n", swaps.n);
    bool resume = find_resume(host, &name, &target), told = false;
    struct rdt_node *list = rdt_node_new(host->arena, RDT_NODE_LIST, (struct rdt_mark){0});
    for (size_t i = 0; list != NULL && i < swaps.n; i++) {
        const char *number;
        struct rdt_answer answer;
        struct rdt_node *map = add_swap(host, list, &swaps.items[i], &number, &answer);
        bool here = resume && target[0] != '\0' && strcmp(number, target) == 0;
        add_why(host, map, answer.why, here);
        told = told || here;
    }
    if (list != NULL && resume && !told)
        add_resume(host, list, name, target);
    host->failed = host->failed || list == NULL;
    *why = "out of memory";
    return list;
}
