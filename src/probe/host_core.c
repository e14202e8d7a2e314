/*
 * H-4: where the memory of a crashed process goes. RLIMIT_CORE is not asked: it is each process's
 * own, and any of them may raise it.
 */
#include "probe/host_internal.h"

#include "base/text.h"

#define COREDUMP_DIR "/var/lib/systemd/coredump"

struct cores {
    const char *pattern;
    const char *kind;    /* none, file, pipe */
    const char *storage; /* of systemd-coredump, else "" */
    const char *dir;     /* "" where it is not one folder */
    bool to_disk;
    const char *encrypted; /* yes, no, ram, unknown; "none" where nothing is written */
    const char *why;
};

static void
to_folder(struct rdt_host *host, struct cores *cores, const char *dir, const char *words)
{
    struct rdt_disk disk;
    cores->dir = rdt_host_clean(host, rdt_span_str(dir));
    rdt_disk_of_path(host, dir, true, &disk);
    cores->to_disk = disk.answer.cover != RDT_COVER_RAM;
    cores->encrypted = rdt_cover_name(disk.answer.cover);
    cores->why = rdt_host_fmt(host, "%s %s: %s", words, cores->dir, disk.answer.why);
}

static void
undecided(struct cores *cores, const char *why)
{
    cores->to_disk = true; /* until somebody shows that it is not */
    cores->encrypted = "unknown";
    cores->why = why;
}

static void
nothing(struct cores *cores, const char *why)
{
    cores->kind = "none";
    cores->why = why;
}

/*
 * Storage=none alone does not keep cores off the disk: systemd-coredump still copies each one into
 * a temporary file in its folder to make a stack trace, and deletes it. Only when every limit is 0
 * does it refuse the dump (coredump.conf(5): "Storage=none and ProcessSizeMax=0").
 */
static void
to_systemd(struct rdt_host *host, struct cores *cores)
{
    static const char *const words[] = {[RDT_CORES_EXTERNAL] = "external",
                                        [RDT_CORES_JOURNAL] = "journal",
                                        [RDT_CORES_NONE] = "none"};
    struct rdt_coredump_conf conf = {0};
    if (!rdt_coredump_read(host, &conf)) {
        undecided(cores, "the configuration of systemd-coredump cannot be read");
        return;
    }
    bool kept = (conf.storage == RDT_CORES_EXTERNAL && !conf.no_external) ||
                (conf.storage == RDT_CORES_JOURNAL && !conf.no_journal);
    cores->storage = words[conf.storage];
    if (!kept && conf.no_processing) {
        cores->why = "systemd-coredump keeps none and processes none";
        return;
    }
    if (!kept) {
        to_folder(host, cores, COREDUMP_DIR,
                  "kept nowhere, but ProcessSizeMax is not 0: written for the stack trace, then "
                  "deleted, in");
        return;
    }
    to_folder(host, cores, COREDUMP_DIR, "written by systemd-coredump to");
    if (conf.storage != RDT_CORES_JOURNAL || !rdt_host_exists(host, "/var/log/journal"))
        return;
    struct rdt_disk disk, first;
    rdt_disk_of_path(host, COREDUMP_DIR, true, &first);
    rdt_disk_of_path(host, "/var/log/journal", false, &disk);
    struct rdt_answer both = rdt_answer_both(first.answer, disk.answer);
    cores->to_disk = both.cover != RDT_COVER_RAM;
    cores->encrypted = rdt_cover_name(both.cover);
    cores->why = rdt_host_fmt(host, "kept in the journal: %s", both.why);
}

static const char *
program_of(struct rdt_host *host, const char *pattern)
{
    const char *at = pattern + 1;
    at += strspn(at, " ");
    return rdt_host_fmt(host, "%.*s", (int)strcspn(at, " "), at);
}

static void
to_program(struct rdt_host *host, struct cores *cores)
{
    static const char *const sinks[] = {"/bin/false", "/usr/bin/false", "/bin/true",
                                        "/usr/bin/true", "/dev/null"};
    const char *program = program_of(host, cores->pattern);
    const char *slash = strrchr(program, '/');
    const char *name = slash == NULL ? program : slash + 1;
    cores->kind = "pipe";
    for (size_t i = 0; i < RDT_COUNT(sinks); i++) {
        if (strcmp(program, sinks[i]) == 0) {
            nothing(cores, "given to a program that throws it away");
            return;
        }
    }
    if (host->contained)
        undecided(cores,
                  "a program of the host gets it, seen from a container: run this on the host");
    else if (strcmp(name, "systemd-coredump") == 0)
        to_systemd(host, cores);
    else if (strcmp(name, "apport") == 0)
        to_folder(host, cores, "/var/crash", "written by apport to");
    else if (strcmp(name, "abrt-hook-ccpp") == 0)
        to_folder(host, cores, "/var/spool/abrt", "written by ABRT to");
    else
        undecided(cores, "given to a program whose ways are not known");
}

/*
 * Local file systems that a process may be working in. Not those that cannot be written to, and not
 * the boot loader's: it has to be plain, and nothing but an administrator's tools runs in it.
 */
static bool
is_workplace(const struct rdt_mount *mount)
{
    static const char *const not_these[] = {"squashfs", "iso9660", "erofs", "udf"};
    static const char *const boot[] = {"/boot", "/boot/*", "/efi"};
    for (size_t i = 0; i < RDT_COUNT(not_these); i++) {
        if (strcmp(mount->type, not_these[i]) == 0)
            return false;
    }
    for (size_t i = 0; i < RDT_COUNT(boot); i++) {
        if (rdt_text_glob(rdt_span_str(boot[i]), rdt_span_str(mount->point)))
            return false;
    }
    return mount->major != 0 || strcmp(mount->type, "btrfs") == 0;
}

/* Any folder may be the one a process runs in: all local disks alike, or it cannot be said. */
static void
to_any_folder(struct rdt_host *host, struct cores *cores)
{
    size_t n = 0, covered = 0, bare = 0;
    const struct rdt_mounts *mounts = &host->mounts;
    for (size_t i = 0; i < mounts->n && n < RDT_HOST_SURVEY_MAX; i++) {
        const struct rdt_mount *mount = &mounts->items[i];
        struct rdt_disk disk;
        if (!is_workplace(mount))
            continue;
        rdt_disk_of_mount(host, mount, &disk);
        covered += disk.answer.cover == RDT_COVER_YES;
        bare += disk.answer.cover == RDT_COVER_NO;
        n++;
    }
    undecided(cores, "written to the folder that the process runs in, which may be on any disk");
    if (n == 0 || n == RDT_HOST_SURVEY_MAX)
        return;
    if (covered == n) {
        cores->encrypted = "yes";
        cores->why =
            "written to the folder that the process runs in; all local disks are encrypted";
    } else if (bare == n) {
        cores->encrypted = "no";
        cores->why = "written to the folder that the process runs in; no local disk is encrypted";
    }
}

/* The folder part of a pattern, as far as no % stands in it. */
static const char *
folder_of(struct rdt_host *host, const char *pattern)
{
    size_t n = strcspn(pattern, "%");
    while (n > 1 && pattern[n - 1] != '/')
        n--;
    while (n > 1 && pattern[n - 1] == '/')
        n--;
    return rdt_host_fmt(host, "%.*s", (int)n, pattern);
}

static void
to_file(struct rdt_host *host, struct cores *cores)
{
    const char *by_pid;
    cores->kind = "file";
    bool no_pid = rdt_host_word(host, "/proc/sys/kernel/core_uses_pid", &by_pid) == RDT_OK &&
                  strcmp(by_pid, "0") == 0;
    /* core(5): an empty pattern makes no file, unless core_uses_pid gives it the name ".PID" */
    if (cores->pattern[0] == '\0' && no_pid)
        nothing(cores, "the pattern is empty");
    else if (strcmp(cores->pattern, "/dev/null") == 0)
        nothing(cores, "the kernel writes cores to regular files only");
    else if (host->contained)
        undecided(cores, "seen from a container: run this on the host");
    else if (cores->pattern[0] == '/')
        to_folder(host, cores, folder_of(host, cores->pattern), "written to");
    else
        to_any_folder(host, cores);
}

static struct rdt_node *
value_of(struct rdt_host *host, const struct cores *cores)
{
    struct rdt_node *map = rdt_node_new(host->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_host_put(host, map, "pattern", cores->pattern);
    rdt_host_put(host, map, "kind", cores->kind);
    if (cores->storage[0] != '\0')
        rdt_host_put(host, map, "storage", cores->storage);
    if (rdt_value_bool(host->arena, map, "to_disk", cores->to_disk) == NULL)
        host->failed = true;
    if (cores->dir[0] != '\0')
        rdt_host_put(host, map, "dir", cores->dir);
    rdt_host_put(host, map, "encrypted", cores->encrypted);
    rdt_host_put(host, map, "why", cores->why);
    return map;
}

struct rdt_node *
rdt_host_cores(struct rdt_host *host, const char **why)
{
    struct cores cores = {.kind = "", .storage = "", .dir = "", .encrypted = "none", .why = ""};
    enum rdt_code rc = rdt_host_word(host, "/proc/sys/kernel/core_pattern", &cores.pattern);
    if (rc != RDT_OK) {
        *why = rdt_host_fmt(host, "/proc/sys/kernel/core_pattern: %s", rdt_code_words(rc));
        return NULL;
    }
    if (cores.pattern[0] == '|')
        to_program(host, &cores);
    else if (cores.pattern[0] == '@') {
        cores.kind = "pipe"; /* Linux 6.16: a socket that some service listens on */
        undecided(&cores, "given to a socket; who listens there is not known");
    } else
        to_file(host, &cores);
    *why = "out of memory";
    return value_of(host, &cores);
}
