/*
 * probe.h - looks at live systems and records observations. A probe never decides: it records what
 * it saw, or why it could not see.
 *
 * A probe is one row of the table in probe.c: the key under a subject in targets/E.yaml that it
 * serves, and the function that looks. The runner starts many at once, each in its own thread with
 * its own evidence, and gives each a deadline.
 */
#ifndef RDT_PROBE_PROBE_H
#define RDT_PROBE_PROBE_H

#include "base/apart.h"
#include "codec/node.h"
#include "evidence/evidence.h"

struct rdt_probe_job {
    const char *subject;         /* "stores.db" */
    const char *kind;            /* "postgres": the key in the targets file */
    const struct rdt_node *spec; /* what stands under it, already validated */
    const char *folder;          /* of the plan file: where file: references and ca: files start */
    const char *sysroot;         /* "" for this machine; tests put a made-up /proc and /sys here */
    int timeout_ms;              /* for the whole job */
    struct rdt_apart *apart;     /* the runner's: where a probe may ask for a process; or NULL */
    size_t index;                /* the runner's: of the job in its plan */
};

/*
 * A probe's function: records facts or reasons in out. Returns RDT_OK also when nothing could be
 * reached; only RDT_E_NOMEM and RDT_E_INTERNAL are failures. It keeps job->timeout_ms by itself.
 */
typedef enum rdt_code rdt_probe_fn(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_postgres - PG-1 to PG-4, and PG-8 where the target names columns. */
enum rdt_code rdt_probe_postgres(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_https - HTTP-1, HTTP-2, TLS versions, certificate. */
enum rdt_code rdt_probe_https(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_host - H-2 swap, H-3 temporary folders, H-4 core dumps. */
enum rdt_code rdt_probe_host(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_disk - H-1, the walk from a store's folder down to the disks. */
enum rdt_code rdt_probe_disk(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_drill - the record of a restore drill: spec is {record, signers}. */
enum rdt_code rdt_probe_drill(const struct rdt_probe_job *job, struct rdt_evidence *out);

/* rdt_probe_kms - the key service: spec is {plan, env, target, keys: map key -> its custody}. */
enum rdt_code rdt_probe_kms(const struct rdt_probe_job *job, struct rdt_evidence *out);

/*
 * rdt_probe_run - run all jobs, at most width at a time, and gather what they saw.
 *
 *   done    called in the caller's thread after each job, for a progress bar; may be NULL
 *   out     appended to, in the order of the jobs
 *
 * Fails: RDT_E_NOMEM, RDT_E_INTERNAL.
 */
struct rdt_probe_plan {
    const struct rdt_probe_job *jobs;
    size_t n, width;
    void (*done)(void *arg, size_t n_done, size_t n);
    void *arg;
};
RDT_MUST_CHECK enum rdt_code rdt_probe_run(const struct rdt_probe_plan *plan,
                                           struct rdt_evidence *out, struct rdt_err *err);

#endif
