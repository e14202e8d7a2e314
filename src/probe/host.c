#include "probe/host_internal.h"
#include "probe/probe.h"

#define COLLECTOR "host/1"

void
rdt_host_put(struct rdt_host *host, struct rdt_node *map, const char *key, const char *text)
{
    if (rdt_value_text(host->arena, map, key, text) == NULL)
        host->failed = true;
}

/* Puts one fact on record with what was read for it, and starts a new trace. */
static enum rdt_code
record(struct rdt_host *host, const struct rdt_probe_job *job, const char *fact,
       struct rdt_node *value, const char *why, struct rdt_evidence *out)
{
    if (host->failed || !rdt_buf_ok(&host->trace))
        return RDT_E_NOMEM;
    struct rdt_span raw = rdt_buf_span(&host->trace);
    enum rdt_code rc = value != NULL ? rdt_evidence_fact(out, job->subject, fact, value, raw)
                                     : rdt_evidence_unknown(out, job->subject, fact, why, raw);
    host->trace.n = 0;
    return rc;
}

/* The value of host.disk for one path. */
static struct rdt_node *
disk_value(struct rdt_host *host, const char *path)
{
    struct rdt_arena *arena = host->arena;
    struct rdt_disk disk;
    rdt_disk_of_path(host, path, false, &disk);
    struct rdt_node *map = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
    rdt_host_put(host, map, "path", rdt_host_clean(host, rdt_span_str(path)));
    rdt_host_put(host, map, "mount", disk.mount);
    rdt_host_put(host, map, "fs", disk.fs);
    rdt_host_put(host, map, "encrypted", rdt_cover_name(disk.answer.cover));
    rdt_host_put(host, map, "why", disk.answer.why);
    bool ok = rdt_node_add(arena, map, rdt_span_str("layers"), (struct rdt_mark){0}, disk.layers);
    host->failed = host->failed || !ok;
    return map;
}

enum rdt_code
rdt_probe_host(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    RDT_AUTO(rdt_host_done) struct rdt_host host;
    const char *why = "";
    rdt_evidence_collector(out, COLLECTOR);
    rdt_host_init(&host, job->sysroot, &out->arena);
    struct rdt_node *value = rdt_host_swap(&host, &why);
    enum rdt_code rc = record(&host, job, "host.swap", value, why, out);
    if (rc != RDT_OK)
        return rc;
    value = rdt_host_temp(&host, rdt_node_get(job->spec, "scratch"), &why);
    rc = record(&host, job, "host.temp", value, why, out);
    if (rc != RDT_OK)
        return rc;
    value = rdt_host_cores(&host, &why);
    return record(&host, job, "host.cores", value, why, out);
}

enum rdt_code
rdt_probe_disk(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    RDT_AUTO(rdt_host_done) struct rdt_host host;
    const char *path = rdt_node_text(job->spec);
    if (path == NULL)
        path = rdt_node_str(job->spec, "path");
    rdt_evidence_collector(out, COLLECTOR);
    rdt_host_init(&host, job->sysroot, &out->arena);
    if (path == NULL)
        return record(&host, job, "host.disk", NULL, "the target names no path", out);
    if (host.mounts_why != NULL)
        return record(&host, job, "host.disk", NULL, host.mounts_why, out);
    return record(&host, job, "host.disk", disk_value(&host, path), "", out);
}
