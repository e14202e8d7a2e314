#include "probe/host_sys.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOO_LONG "its path is too long"

/* Our own path for a path of the machine looked at; false when it is too long. */
static bool
below(const struct rdt_host *host, const char *path, char out[static RDT_HOST_PATH_MAX])
{
    int n = snprintf(out, RDT_HOST_PATH_MAX, "%s%s", host->sysroot, path);
    return n >= 0 && (size_t)n < RDT_HOST_PATH_MAX;
}

static void
read_mounts(struct rdt_host *host)
{
    struct rdt_span text = {0};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_host_read(host, "/proc/self/mountinfo", RDT_MOUNTINFO_MAX, &text, &err);
    if (rc == RDT_OK)
        rc = rdt_mounts_parse(&host->scratch, text, &host->mounts, &err);
    if (rc == RDT_E_NOMEM)
        host->failed = true;
    if (rc != RDT_OK)
        host->mounts_why = rdt_host_fmt(host, "%s", err.text);
}

/*
 * A container sees the kernel's swap and core pattern but not the files they name. Docker's mark
 * may also lie in the image of a virtual machine, whose kernel is its own: there the root is the
 * whole of a block device, which it never is in a container of Docker or Podman.
 */
static bool
in_container(struct rdt_host *host)
{
    const struct rdt_mount *root = rdt_mount_of(&host->mounts, "/");
    if (root != NULL && (strcmp(root->type, "overlay") == 0 || strcmp(root->type, "aufs") == 0))
        return true;
    if (rdt_host_exists(host, "/run/host/container-manager") ||
        rdt_host_exists(host, "/run/systemd/container"))
        return true;
    bool marked =
        rdt_host_exists(host, "/.dockerenv") || rdt_host_exists(host, "/run/.containerenv");
    return marked && (root == NULL || root->major == 0 || strcmp(root->root, "/") != 0);
}

void
rdt_host_init(struct rdt_host *host, const char *sysroot, struct rdt_arena *arena)
{
    *host = (struct rdt_host){.sysroot = sysroot == NULL ? "" : sysroot, .arena = arena};
    read_mounts(host);
    host->contained = in_container(host);
}

void
rdt_host_done(struct rdt_host *host)
{
    rdt_buf_done(&host->trace);
    rdt_arena_done(&host->scratch);
}

const char *
rdt_host_fmt(struct rdt_host *host, const char *fmt, ...)
{
    char text[RDT_HOST_PATH_MAX + RDT_HOST_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *out = n < 0 ? NULL : rdt_arena_str(&host->scratch, rdt_span_str(text));
    host->failed = host->failed || out == NULL;
    return out == NULL ? "" : out;
}

const char *
rdt_host_clean(struct rdt_host *host, struct rdt_span bytes)
{
    if (bytes.n > RDT_HOST_TEXT_MAX)
        bytes.n = RDT_HOST_TEXT_MAX;
    char *out = rdt_arena_str(&host->scratch, bytes);
    if (out == NULL) {
        host->failed = true;
        return "";
    }
    for (size_t i = 0; i < bytes.n; i++)
        out[i] = out[i] == '\0' ? '?' : out[i];
    rdt_text_show(out);
    return out;
}

enum rdt_code
rdt_host_read(struct rdt_host *host, const char *path, size_t max, struct rdt_span *out,
              struct rdt_err *err)
{
    char full[RDT_HOST_PATH_MAX];
    struct rdt_err why = {0};
    RDT_BUF bytes = {0};
    if (!below(host, path, full))
        return rdt_fail(err, RDT_E_LIMIT, "a path is longer than %zu bytes", RDT_HOST_PATH_MAX);
    enum rdt_code rc = rdt_file_read(full, max, &bytes, &why);
    if (rc != RDT_OK) {
        host->failed = host->failed || rc == RDT_E_NOMEM;
        const char *text = why.text;
        size_t skip = strlen(host->sysroot);
        if (strncmp(text, host->sysroot, skip) == 0)
            text += skip;
        return rdt_fail(err, rc, "%s", text);
    }
    char *copy = rdt_arena_str(&host->scratch, rdt_buf_span(&bytes));
    if (copy == NULL) {
        host->failed = true;
        return rdt_fail(err, RDT_E_NOMEM, "%s", path);
    }
    *out = (struct rdt_span){(const uint8_t *)copy, bytes.n};
    return RDT_OK;
}

enum rdt_code
rdt_host_word(struct rdt_host *host, const char *path, const char **out)
{
    struct rdt_span text = {0}, line = {0};
    *out = "";
    enum rdt_code rc = rdt_host_read(host, path, RDT_HOST_FILE_MAX, &text, NULL);
    if (rc != RDT_OK) {
        if (rc != RDT_E_NOTFOUND)
            rdt_buf_fmt(&host->trace, "%s: %s\n", path, rdt_code_words(rc));
        return rc;
    }
    if (!rdt_take_line(&text, &line))
        line = (struct rdt_span){(const uint8_t *)"", 0};
    while (line.n > 0 && line.p[line.n - 1] == ' ')
        line.n--; /* SCSI models are padded */
    *out = rdt_host_clean(host, line);
    rdt_buf_fmt(&host->trace, "%s: %s\n", path, *out);
    return RDT_OK;
}

bool
rdt_host_exists(struct rdt_host *host, const char *path)
{
    char full[RDT_HOST_PATH_MAX];
    return below(host, path, full) && access(full, F_OK) == 0;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum rdt_code
add_name(struct rdt_host *host, struct rdt_names *names, size_t *cap, const char *name)
{
    if (names->n == RDT_HOST_NAMES_MAX)
        return RDT_E_LIMIT;
    if (names->n == *cap) {
        size_t more = *cap == 0 ? 16 : *cap * 2;
        const char **items = rdt_arena_new(&host->scratch, more * sizeof *items);
        if (items == NULL)
            return RDT_E_NOMEM;
        if (names->n != 0)
            memcpy(items, names->items, names->n * sizeof *items);
        names->items = items;
        *cap = more;
    }
    const char *copy = rdt_arena_str(&host->scratch, rdt_span_str(name));
    if (copy == NULL)
        return RDT_E_NOMEM;
    names->items[names->n++] = copy;
    return RDT_OK;
}

static void
close_folder(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static enum rdt_code
code_of(int e)
{
    if (e == ENOENT || e == ENOTDIR)
        return RDT_E_NOTFOUND;
    return e == EACCES || e == EPERM ? RDT_E_DENIED : RDT_E_IO;
}

enum rdt_code
rdt_host_list(struct rdt_host *host, const char *path, struct rdt_names *out)
{
    char full[RDT_HOST_PATH_MAX];
    *out = (struct rdt_names){0};
    if (!below(host, path, full))
        return RDT_E_LIMIT;
    RDT_AUTO(close_folder) DIR *dir = opendir(full);
    if (dir == NULL)
        return code_of(errno);
    struct rdt_names names = {0};
    size_t cap = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return RDT_E_IO;
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        enum rdt_code rc = add_name(host, &names, &cap, entry->d_name);
        host->failed = host->failed || rc == RDT_E_NOMEM;
        if (rc != RDT_OK)
            return rc;
    }
    if (names.n > 1)
        qsort(names.items, names.n, sizeof *names.items, by_bytes);
    *out = names;
    return RDT_OK;
}

bool
rdt_host_far(const struct rdt_mount *mount)
{
    static const char *const types[] = {
        "nfs*", "cifs",   "smb*",   "9p",   "virtiofs", "fuse",     "fuse.*", "ceph", "afs",
        "coda", "lustre", "autofs", "gfs*", "ocfs2*",   "orangefs", "beegfs", "gpfs", "ncpfs"};
    for (size_t i = 0; i < RDT_COUNT(types); i++) {
        if (rdt_text_glob(rdt_span_str(types[i]), rdt_span_str(mount->type)))
            return true;
    }
    return false;
}

/* A path being followed: what is resolved so far ("" is the root) and what is left to walk. */
struct walk {
    char done[RDT_HOST_PATH_MAX];
    char todo[RDT_HOST_PATH_MAX];
    unsigned links;
};

static bool
set_path(char out[static RDT_HOST_PATH_MAX], const char *a, const char *b, const char *c)
{
    char joined[RDT_HOST_PATH_MAX];
    int n = snprintf(joined, sizeof joined, "%s%s%s", a, b, c);
    if (n < 0 || (size_t)n >= sizeof joined)
        return false;
    memcpy(out, joined, (size_t)n + 1);
    return true;
}

/* Takes the next component off todo; an empty one when nothing is left. */
static struct rdt_span
next_part(const char **at)
{
    *at += strspn(*at, "/");
    struct rdt_span part = {(const uint8_t *)*at, strcspn(*at, "/")};
    *at += part.n;
    return part;
}

/* Replaces the link at `here` by what it points to, in front of the rest of the path. */
static const char *
follow(struct rdt_host *host, struct walk *w, const char *here, const char *rest)
{
    char full[RDT_HOST_PATH_MAX], target[RDT_HOST_PATH_MAX];
    if (++w->links > RDT_HOST_LINKS_MAX)
        return "its symbolic links go round in a ring";
    if (!below(host, here, full))
        return TOO_LONG;
    ssize_t n = readlink(full, target, sizeof target - 1);
    if (n <= 0 || (size_t)n >= sizeof target - 1)
        return "a symbolic link on its way cannot be read";
    target[n] = '\0';
    if (target[0] == '/')
        w->done[0] = '\0';
    return set_path(w->todo, target, "/", rest) ? NULL : TOO_LONG;
}

static struct rdt_place
nowhere(const char *why, bool missing)
{
    return (struct rdt_place){.path = "", .why = why, .missing = missing};
}

static struct rdt_place
found(struct rdt_host *host, const char *path)
{
    const char *at = path[0] == '\0' ? "/" : path;
    const struct rdt_mount *mount = rdt_mount_of(&host->mounts, at);
    if (mount == NULL)
        return nowhere("the table of mounts has no root that it could hang from", false);
    return (struct rdt_place){.path = rdt_host_fmt(host, "%s", at), .mount = mount};
}

enum step { STEP_ON, STEP_FAR, STEP_LINK, STEP_MISSING, STEP_DENIED, STEP_LONG, STEP_FAILED };

static enum step
step_of(int e)
{
    if (e == ENOENT || e == ENOTDIR)
        return STEP_MISSING;
    if (e == ENAMETOOLONG)
        return STEP_LONG;
    return e == EACCES || e == EPERM ? STEP_DENIED : STEP_FAILED;
}

/* What is at `here`: go on, stop before a far file system, follow a link, or the end of the way. */
static enum step
look(struct rdt_host *host, const char *here)
{
    char full[RDT_HOST_PATH_MAX];
    struct stat st;
    const struct rdt_mount *mount = rdt_mount_of(&host->mounts, here);
    if (mount != NULL && rdt_host_far(mount))
        return STEP_FAR;
    if (!below(host, here, full))
        return STEP_LONG;
    if (lstat(full, &st) != 0)
        return step_of(errno);
    return S_ISLNK(st.st_mode) ? STEP_LINK : STEP_ON;
}

static bool
is_dots(struct rdt_span name, char *done)
{
    if (rdt_span_is(name, "..")) {
        char *slash = strrchr(done, '/');
        if (slash != NULL)
            *slash = '\0';
        return true;
    }
    return rdt_span_is(name, ".");
}

/* One component further; true when the way has ended, in *out. */
static bool
advance(struct rdt_host *host, struct walk *w, bool nearest, struct rdt_place *out)
{
    char here[RDT_HOST_PATH_MAX];
    const char *rest = w->todo, *why = NULL;
    struct rdt_span name = next_part(&rest);
    if (name.n == 0) {
        *out = found(host, w->done);
        return true;
    }
    if (is_dots(name, w->done)) {
        memmove(w->todo, rest, strlen(rest) + 1);
        return false;
    }
    int n = snprintf(here, sizeof here, "%s/%.*s", w->done, RDT_FMT(name));
    enum step step = n < 0 || (size_t)n >= sizeof here ? STEP_LONG : look(host, here);
    if (step == STEP_LINK && (why = follow(host, w, here, rest)) == NULL)
        return false;
    if (step == STEP_ON) {
        memcpy(w->done, here, (size_t)n + 1);
        memmove(w->todo, rest, strlen(rest) + 1);
        return false;
    }
    if (step == STEP_FAR)
        *out = found(host, here);
    else if (step == STEP_MISSING)
        *out = nearest ? found(host, w->done) : nowhere("it does not exist", true);
    else if (step == STEP_DENIED)
        *out = nowhere("permission to look at it is denied", false);
    else if (step == STEP_FAILED)
        *out = nowhere("looking at it failed", false);
    else
        *out = nowhere(why == NULL ? TOO_LONG : why, false);
    return true;
}

struct rdt_place
rdt_host_place(struct rdt_host *host, const char *path, bool nearest)
{
    struct walk w = {0};
    struct rdt_place out = {0};
    if (host->mounts_why != NULL)
        return nowhere(host->mounts_why, false);
    if (path[0] != '/' || !set_path(w.todo, path, "", ""))
        return nowhere("the path is not absolute, or too long", false);
    /* ends: each step shortens todo or uses up one of the links allowed */
    while (!advance(host, &w, nearest, &out))
        continue;
    return out;
}
