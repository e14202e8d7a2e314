/*
 * The tables of the kernel and the configuration files that the host probes read. The first byte
 * says which: mountinfo ('m'), swaps ('s'), the kernel's command line ('r'), coredump.conf ('c').
 */
#include "base/cursor.h"
#include "probe/host_internal.h"

#include <assert.h>

static void
mounts(struct rdt_arena *arena, struct rdt_span text)
{
    struct rdt_mounts table = {0};
    if (rdt_mounts_parse(arena, text, &table, NULL) != RDT_OK) {
        assert(table.n == 0);
        return;
    }
    for (size_t i = 0; i < table.n && i < 16; i++) {
        const struct rdt_mount *mount = rdt_mount_of(&table, table.items[i].point);
        assert(mount == NULL ||
               strncmp(mount->point, table.items[i].point, strlen(mount->point)) == 0);
        (void)rdt_mount_option(&table.items[i], "logdev");
        (void)rdt_host_far(&table.items[i]);
    }
}

static void
swaps(struct rdt_arena *arena, struct rdt_span text)
{
    struct rdt_swaps table = {0};
    if (rdt_swaps_parse(arena, text, &table, NULL) != RDT_OK)
        assert(table.n == 0);
    for (size_t i = 0; i < table.n; i++)
        assert(table.items[i].path[0] == '/' && table.items[i].size_bytes >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rdt_arena arena = {0};
    struct rdt_span text = {data, size}, which, device;
    struct rdt_coredump_conf conf = {0};
    if (!rdt_take(&text, 1, &which))
        return 0;
    if (data[0] == 'm')
        mounts(&arena, text);
    else if (data[0] == 's')
        swaps(&arena, text);
    else if (data[0] == 'r')
        assert(!rdt_resume_parse(text, &device) || device.n != 0);
    else
        rdt_coredump_parse(text, &conf);
    rdt_arena_done(&arena);
    return 0;
}
