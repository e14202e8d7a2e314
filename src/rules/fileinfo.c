#include "rules/fileinfo_internal.h"

#include "base/file.h"
#include "crypto/hash.h"

#include <stdlib.h>

/* Fields that name a file; the first two are looked into, not only at. */
static const char *const file_fields[] = {"file", "pem", "doc", "procedure", "import", "report"};

struct gather {
    struct rdt_arena *arena;
    struct rdt_fileinfo *items;
    size_t n, cap;
    bool failed;
};

static void
add(struct gather *g, const char *path, bool hash, const char *sha256)
{
    if (g->n == g->cap) {
        size_t cap = g->cap == 0 ? 16 : g->cap * 2;
        struct rdt_fileinfo *items = reallocarray(g->items, cap, sizeof *items);
        if (items == NULL) {
            g->failed = true;
            return;
        }
        g->items = items;
        g->cap = cap;
    }
    /* until the hashes are made, exists means "to be hashed" */
    g->items[g->n++] = (struct rdt_fileinfo){path, hash, sha256};
}

/* The depth of the tree is bounded. */
static void
walk(struct gather *g, const struct rdt_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct rdt_member *m = &node->members[i];
        const char *text = node->kind == RDT_NODE_MAP ? rdt_node_text(m->node) : NULL;
        for (size_t f = 0; text != NULL && f < RDT_COUNT(file_fields); f++)
            if (rdt_span_is(m->key, file_fields[f]))
                add(g, text, f < 2, rdt_node_str(node, "sha256"));
        walk(g, m->node);
    }
}

static int
by_path(const void *a, const void *b)
{
    const struct rdt_fileinfo *x = a, *y = b;
    int c = strcmp(x->path, y->path);
    return c != 0 ? c : (int)y->exists - (int)x->exists;
}

/* left: bytes that may still be hashed. */
static enum rdt_code
look(struct rdt_fileinfo *info, const char *folder, size_t *left, struct rdt_arena *arena,
     struct rdt_err *err)
{
    bool hash = info->exists;
    RDT_BUF bytes = {0};
    char *sha256 = rdt_arena_new(arena, 2 * RDT_SHA256_LEN + 1);
    *info = (struct rdt_fileinfo){.path = info->path};
    if (sha256 == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "files of the plan");
    info->exists = rdt_file_is_below(folder, info->path);
    if (!hash || !info->exists ||
        rdt_file_read_below(folder, info->path, RDT_NAMED_FILE_MAX, &bytes, NULL) != RDT_OK)
        return RDT_OK;
    if (bytes.n > *left)
        return rdt_fail(err, RDT_E_LIMIT,
                        "the files that the plan names: more than %zu bytes in all",
                        RDT_NAMED_BYTES_MAX);
    *left -= bytes.n;
    info->sha256 = sha256;
    return rdt_sha256_text(rdt_buf_span(&bytes), sha256, err);
}

static enum rdt_code
finish(struct gather *g, const char *folder, struct rdt_fileinfo **out, size_t *n,
       struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    size_t left = RDT_NAMED_BYTES_MAX;
    struct rdt_fileinfo *list = rdt_arena_new(g->arena, (g->n + 1) * sizeof *list);
    if (g->failed || list == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "files of the plan");
    if (g->n != 0)
        qsort(g->items, g->n, sizeof *g->items, by_path);
    *n = 0;
    for (size_t i = 0; rc == RDT_OK && i < g->n; i++) {
        if (i > 0 && strcmp(g->items[i - 1].path, g->items[i].path) == 0)
            continue;
        list[*n] = g->items[i];
        if (folder != NULL)
            rc = look(&list[*n], folder, &left, g->arena, err);
        else
            list[*n].exists = true;
        ++*n;
    }
    *out = list;
    return rc;
}

enum rdt_code
rdt_fileinfo_gather(const struct rdt_node *root, const char *folder, struct rdt_arena *arena,
                    struct rdt_fileinfo **out, size_t *n, struct rdt_err *err)
{
    struct gather g = {.arena = arena};
    walk(&g, root);
    enum rdt_code rc = finish(&g, folder, out, n, err);
    free(g.items);
    return rc;
}
