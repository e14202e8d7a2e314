/*
 * What systemd-coredump was told: coredump.conf and its drop-ins, read in systemd's order.
 */
#include "probe/host_internal.h"

#include "base/cursor.h"

#include <stdlib.h>

#define CONF_MAX_BYTES ((size_t)256 * 1024)

static struct rdt_span
trim(struct rdt_span text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 &&
           (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t' || text.p[text.n - 1] == '\r'))
        text.n--;
    return text;
}

/* "0", "00", "0K": a size of nothing, whatever the unit. */
static bool
is_zero(struct rdt_span value)
{
    size_t n = 0;
    while (n < value.n && value.p[n] == '0')
        n++;
    if (n == 0)
        return false;
    if (n == value.n)
        return true;
    return n + 1 == value.n && memchr("BKMGTPE", value.p[n], 7) != NULL;
}

static void
set_storage(struct rdt_span value, struct rdt_coredump_conf *conf)
{
    if (rdt_span_is(value, "none"))
        conf->storage = RDT_CORES_NONE;
    else if (rdt_span_is(value, "external"))
        conf->storage = RDT_CORES_EXTERNAL;
    else if (rdt_span_is(value, "journal"))
        conf->storage = RDT_CORES_JOURNAL;
    /* systemd ignores a word that it does not know, with a warning; so do we */
}

static void
set_key(struct rdt_span line, struct rdt_coredump_conf *conf)
{
    struct rdt_span key, value;
    if (!rdt_take_until(&line, '=', &key))
        return;
    key = trim(key);
    value = trim(line);
    if (value.n > 0 && value.p[value.n - 1] == '\\')
        conf->storage = RDT_CORES_ODD; /* goes on in the next line: nobody writes that here */
    else if (rdt_span_is(key, "Storage"))
        set_storage(value, conf);
    else if (rdt_span_is(key, "ProcessSizeMax"))
        conf->no_processing = is_zero(value);
    else if (rdt_span_is(key, "ExternalSizeMax"))
        conf->no_external = is_zero(value);
    else if (rdt_span_is(key, "JournalSizeMax"))
        conf->no_journal = is_zero(value);
}

void
rdt_coredump_parse(struct rdt_span text, struct rdt_coredump_conf *conf)
{
    struct rdt_span line;
    bool ours = false;
    while (rdt_take_line(&text, &line)) {
        line = trim(line);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[')
            ours = rdt_span_is(line, "[Coredump]");
        else if (ours)
            set_key(line, conf);
    }
}

/* Earlier folders win, in systemd's order. */
static const char *const conf_dirs[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                        "/usr/lib/systemd"};

/* A link to /dev/null, or a folder, is a file without a word in it: it only hides others. */
static bool
read_conf(struct rdt_host *host, const char *path, struct rdt_coredump_conf *conf)
{
    struct rdt_span text = {0};
    enum rdt_code rc = rdt_host_read(host, path, CONF_MAX_BYTES, &text, NULL);
    rdt_buf_fmt(&host->trace, "%s: %s\n", path, rc == RDT_OK ? "read" : rdt_code_words(rc));
    if (rc == RDT_OK)
        rdt_coredump_parse(text, conf);
    return rc == RDT_OK || rc == RDT_E_BADINPUT;
}

struct dropin {
    const char *name, *path;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

static bool
is_dropin(const char *name, const struct dropin *seen, size_t n)
{
    size_t len = strlen(name);
    if (len <= 5 || strcmp(name + len - 5, ".conf") != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(seen[i].name, name) == 0)
            return false; /* hidden by the same name in an earlier folder */
    }
    return true;
}

static bool
read_dropins(struct rdt_host *host, struct rdt_coredump_conf *conf)
{
    struct dropin seen[RDT_HOST_DROPINS_MAX];
    size_t n = 0;
    for (size_t d = 0; d < RDT_COUNT(conf_dirs); d++) {
        struct rdt_names names;
        const char *dir = rdt_host_fmt(host, "%s/coredump.conf.d", conf_dirs[d]);
        enum rdt_code rc = rdt_host_list(host, dir, &names);
        if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
            return false;
        for (size_t i = 0; i < names.n; i++) {
            if (!is_dropin(names.items[i], seen, n))
                continue;
            if (n == RDT_HOST_DROPINS_MAX)
                return false;
            const char *path = rdt_host_fmt(host, "%s/%s", dir, names.items[i]);
            seen[n++] = (struct dropin){names.items[i], path};
        }
    }
    qsort(seen, n, sizeof seen[0], by_name);
    for (size_t i = 0; i < n; i++) {
        if (!read_conf(host, seen[i].path, conf))
            return false;
    }
    return true;
}

bool
rdt_coredump_read(struct rdt_host *host, struct rdt_coredump_conf *conf)
{
    for (size_t d = 0; d < RDT_COUNT(conf_dirs); d++) {
        const char *path = rdt_host_fmt(host, "%s/coredump.conf", conf_dirs[d]);
        if (!rdt_host_exists(host, path))
            continue;
        if (!read_conf(host, path, conf))
            return false;
        break;
    }
    return read_dropins(host, conf) && conf->storage != RDT_CORES_ODD;
}
