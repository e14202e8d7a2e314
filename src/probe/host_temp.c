/*
 * H-3: where temporary files go. Memory ("ram") is a plain fact here; it is only as safe as the
 * swap, which the rule joins.
 */
#include "probe/host_internal.h"

#include <stdlib.h>

static void
add_path(struct rdt_host *host, struct rdt_node *map, const char *key, const char *path,
         bool declared)
{
    struct rdt_disk disk;
    key = rdt_host_clean(host, rdt_span_str(key));
    if (rdt_node_member(map, rdt_span_str(key)) != NULL)
        return;
    rdt_buf_fmt(&host->trace, "%s:\n", key);
    rdt_disk_of_path(host, path, false, &disk);
    if (disk.missing && !declared)
        return; /* no such folder, nothing lies there */
    struct rdt_node *entry = rdt_value_map(host->arena, map, key);
    rdt_host_put(host, entry, "mount", disk.mount);
    rdt_host_put(host, entry, "fs", disk.fs);
    rdt_host_put(host, entry, "encrypted", rdt_cover_name(disk.answer.cover));
    rdt_host_put(host, entry, "why", disk.answer.why);
}

/* A scratch entry is a path, or a map with one. */
static void
add_scratch(struct rdt_host *host, struct rdt_node *map, const struct rdt_node *scratch)
{
    for (size_t i = 0; scratch != NULL && i < scratch->n && i < RDT_HOST_SCRATCH_MAX; i++) {
        const struct rdt_node *item = scratch->members[i].node;
        const char *path =
            item->kind == RDT_NODE_MAP ? rdt_node_str(item, "path") : rdt_node_text(item);
        if (path == NULL || strcmp(path, "swap") == 0)
            continue; /* swap is a fact of its own */
        add_path(host, map, path, path, true);
    }
}

struct rdt_node *
rdt_host_temp(struct rdt_host *host, const struct rdt_node *scratch, const char **why)
{
    if (host->mounts_why != NULL) {
        *why = host->mounts_why;
        return NULL;
    }
    struct rdt_node *map = rdt_node_new(host->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    *why = "out of memory";
    host->failed = host->failed || map == NULL;
    if (map == NULL)
        return NULL;
    add_scratch(host, map, scratch); /* first: what is declared must not be left out */
    add_path(host, map, "/tmp", "/tmp", false);
    add_path(host, map, "/var/tmp", "/var/tmp", false);
    /* not shown as a path: in a person's environment it names that person */
    const char *own = getenv("TMPDIR");
    if (own != NULL && own[0] == '/')
        add_path(host, map, "$TMPDIR", own, true);
    return map;
}
