#include "probe/host_mount.h"

#include "base/cursor.h"

static bool
number(struct rdt_span digits, uint32_t *out)
{
    uint64_t v = 0;
    if (digits.n == 0 || digits.n > 10)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

static bool
take_number(struct rdt_span *in, uint8_t stop, uint32_t *out)
{
    struct rdt_span digits;
    return rdt_take_until(in, stop, &digits) && number(digits, out);
}

/* The byte that an escape of three octal digits stands for, or -1. */
static int
octal(struct rdt_span digits)
{
    int v = 0;
    for (size_t i = 0; i < 3; i++) {
        if (i >= digits.n || digits.p[i] < '0' || digits.p[i] > '7')
            return -1;
        v = v * 8 + (digits.p[i] - '0');
    }
    return v <= 0xff ? v : -1;
}

char *
rdt_unescape(struct rdt_arena *arena, struct rdt_span text)
{
    char *out = rdt_arena_new(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < text.n; i++) {
        int c = text.p[i];
        if (c == '\\' && (c = octal((struct rdt_span){text.p + i + 1, text.n - i - 1})) > 0)
            i += 3;
        else if (c != text.p[i])
            c = '\\'; /* not the kernel's escape: kept, so that the path simply matches nothing */
        out[n++] = (char)c;
    }
    return out;
}

/* After the mount's own options come any number of "tag:value" fields, then a lone dash. */
static bool
skip_tags(struct rdt_span *in)
{
    struct rdt_span tag;
    while (rdt_take_until(in, ' ', &tag)) {
        if (rdt_span_is(tag, "-"))
            return true;
    }
    return false;
}

/* id parent major:minor root point options [tag...] - type source super-options */
static bool
parse_line(struct rdt_arena *arena, struct rdt_span in, struct rdt_mount *out)
{
    struct rdt_mount m = {0};
    struct rdt_span root, point, options, type, source;
    bool ok = take_number(&in, ' ', &m.id);
    ok = ok && take_number(&in, ' ', &m.parent);
    ok = ok && take_number(&in, ':', &m.major);
    ok = ok && take_number(&in, ' ', &m.minor);
    ok = ok && rdt_take_until(&in, ' ', &root);
    ok = ok && rdt_take_until(&in, ' ', &point);
    ok = ok && rdt_take_until(&in, ' ', &options);
    ok = ok && skip_tags(&in);
    ok = ok && rdt_take_until(&in, ' ', &type);
    ok = ok && rdt_take_until(&in, ' ', &source);
    if (!ok || in.n == 0 || type.n == 0 || point.n == 0 || point.p[0] != '/')
        return false;
    m.root = rdt_unescape(arena, root);
    m.point = rdt_unescape(arena, point);
    m.type = rdt_arena_str(arena, type);
    m.source = rdt_unescape(arena, source);
    m.options = rdt_arena_str(arena, in);
    *out = m;
    return true;
}

static size_t
count_lines(struct rdt_span text)
{
    size_t n = 0;
    struct rdt_span line;
    while (rdt_take_line(&text, &line))
        n++;
    return n;
}

static bool
has_parent(const struct rdt_mounts *mounts, const struct rdt_mount *m)
{
    for (size_t i = 0; i < mounts->n; i++) {
        if (mounts->items[i].id == m->parent && mounts->items[i].id != m->id)
            return true;
    }
    return false;
}

/* The mount at "/" that hangs from no other. */
static const struct rdt_mount *
root_of(const struct rdt_mounts *mounts)
{
    const struct rdt_mount *root = NULL;
    for (size_t i = 0; i < mounts->n; i++) {
        if (strcmp(mounts->items[i].point, "/") == 0 && !has_parent(mounts, &mounts->items[i]))
            root = &mounts->items[i];
    }
    return root;
}

enum rdt_code
rdt_mounts_parse(struct rdt_arena *arena, struct rdt_span text, struct rdt_mounts *out,
                 struct rdt_err *err)
{
    size_t n = count_lines(text);
    if (n == 0 || text.p[text.n - 1] != '\n')
        return rdt_fail(err, RDT_E_BADINPUT, "mountinfo is %s", n == 0 ? "empty" : "cut short");
    if (n > RDT_MOUNTS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "mountinfo has more than %zu mounts", RDT_MOUNTS_MAX);
    struct rdt_mounts mounts = {.items = rdt_arena_new(arena, n * sizeof *mounts.items), .n = n};
    if (mounts.items == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "mountinfo");
    struct rdt_span line;
    for (size_t i = 0; rdt_take_line(&text, &line); i++) {
        struct rdt_mount *m = &mounts.items[i];
        if (!parse_line(arena, line, m))
            return rdt_fail(err, RDT_E_BADINPUT, "mountinfo line %zu cannot be read", i + 1);
        if (m->root == NULL || m->point == NULL || m->type == NULL || m->source == NULL ||
            m->options == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "mountinfo");
    }
    mounts.root = root_of(&mounts);
    *out = mounts;
    return RDT_OK;
}

/* Whether path is point or lies below it. */
static bool
holds(const char *point, const char *path)
{
    size_t n = strlen(point);
    if (n == 1)
        return true;
    return strncmp(point, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* The mount on top of `on` that a walk along path meets first: the shortest, of these the last. */
static const struct rdt_mount *
next_on(const struct rdt_mounts *mounts, const struct rdt_mount *on, const char *path)
{
    const struct rdt_mount *next = NULL;
    for (size_t i = 0; i < mounts->n; i++) {
        const struct rdt_mount *m = &mounts->items[i];
        if (m->parent != on->id || m->id == on->id || !holds(m->point, path))
            continue;
        if (strlen(m->point) < strlen(on->point))
            continue; /* outside of its parent: not reachable by a path */
        if (next == NULL || strlen(m->point) <= strlen(next->point))
            next = m;
    }
    return next;
}

const struct rdt_mount *
rdt_mount_of(const struct rdt_mounts *mounts, const char *path)
{
    const struct rdt_mount *at = mounts->root;
    for (size_t step = 0; at != NULL && step <= mounts->n; step++) {
        const struct rdt_mount *next = next_on(mounts, at, path);
        if (next == NULL)
            return at;
        at = next;
    }
    return NULL; /* no root, or the parents form a ring */
}

struct rdt_span
rdt_mount_option(const struct rdt_mount *mount, const char *name)
{
    struct rdt_span all = rdt_span_str(mount->options), option;
    while (rdt_take_until(&all, ',', &option) || (all.n != 0 && rdt_take(&all, all.n, &option))) {
        struct rdt_span key = option, value = {option.p + option.n, 0};
        if (rdt_take_until(&option, '=', &key))
            value = option;
        if (rdt_span_is(key, name))
            return value;
    }
    return (struct rdt_span){NULL, 0};
}
