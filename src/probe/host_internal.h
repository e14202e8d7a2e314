/*
 * host_internal.h - the parts of the host probe, and the formats they read. host.c puts what they
 * say on record.
 */
#ifndef RDT_PROBE_HOST_INTERNAL_H
#define RDT_PROBE_HOST_INTERNAL_H

#include "evidence/evidence.h"
#include "probe/host_disk.h"

#define RDT_SWAPS_MAX ((size_t)256)        /* swaps in one table; the kernel allows 32 */
#define RDT_HOST_SCRATCH_MAX ((size_t)256) /* scratch paths of one service */
#define RDT_HOST_DROPINS_MAX ((size_t)256) /* configuration files read for one answer */
#define RDT_HOST_SURVEY_MAX ((size_t)256)  /* mounts walked to answer "any folder" */

struct rdt_swap {
    const char *path;
    const char *kind; /* "partition" or "file", as the kernel says */
    int64_t size_bytes;
};

struct rdt_swaps {
    struct rdt_swap *items;
    size_t n;
};

/*
 * rdt_swaps_parse - read /proc/swaps: a heading, then a line for each swap.
 * Fails, leaving *out alone: RDT_E_BADINPUT, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_swaps_parse(struct rdt_arena *arena, struct rdt_span text,
                                             struct rdt_swaps *out, struct rdt_err *err);

/*
 * rdt_resume_parse - the device that hibernation would write to, from the kernel's command line.
 * False when it names none or forbids hibernation.  *out is borrowed from cmdline.
 */
bool rdt_resume_parse(struct rdt_span cmdline, struct rdt_span *out);

/* What systemd-coredump was told. {0} is its default: keep files, no limit of 0 bytes. */
struct rdt_coredump_conf {
    enum { RDT_CORES_EXTERNAL, RDT_CORES_JOURNAL, RDT_CORES_NONE, RDT_CORES_ODD } storage;
    bool no_processing; /* ProcessSizeMax=0 */
    bool no_external;   /* ExternalSizeMax=0 */
    bool no_journal;    /* JournalSizeMax=0 */
};

/* rdt_coredump_parse - let one configuration file change conf; what it does not say stays. */
void rdt_coredump_parse(struct rdt_span text, struct rdt_coredump_conf *conf);

/*
 * rdt_coredump_read - all configuration files that count, in conf.
 * False when one of them cannot be read: then nothing is known.
 */
RDT_MUST_CHECK bool rdt_coredump_read(struct rdt_host *host, struct rdt_coredump_conf *conf);

/* rdt_host_put - a text in a value's map; out of memory is remembered in host. */
void rdt_host_put(struct rdt_host *host, struct rdt_node *map, const char *key, const char *text);

/* rdt_host_swap - H-2: the value of host.swap, or NULL with the reason in *why. */
struct rdt_node *rdt_host_swap(struct rdt_host *host, const char **why);

/* rdt_host_temp - H-3: the value of host.temp, or NULL with the reason in *why. */
struct rdt_node *rdt_host_temp(struct rdt_host *host, const struct rdt_node *scratch,
                               const char **why);

/* rdt_host_cores - H-4: the value of host.cores, or NULL with the reason in *why. */
struct rdt_node *rdt_host_cores(struct rdt_host *host, const char **why);

#endif
