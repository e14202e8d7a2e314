/*
 * pg_internal.h - what the parts of the PostgreSQL probe share: the target as read from the
 * targets file, and the doors between the parts. Never leaves this room.
 */
#ifndef RDT_PROBE_PG_INTERNAL_H
#define RDT_PROBE_PG_INTERNAL_H

#include "net/dial.h"
#include "probe/probe.h"

#define RDT_PG_WHY_MAX 640

struct rdt_pg_target {
    const struct rdt_probe_job *job;
    const char *host;
    uint16_t port;
    const char *user;                 /* of the application; NULL where the target names none */
    const char *ca;                   /* "system", a file under the plan's folder, or NULL */
    const struct rdt_node *databases; /* list of names */
    const struct rdt_node *auditor;   /* {user, password}, or NULL */
    const struct rdt_node *fields;    /* list of schema.table.column to sample, or NULL */
    bool all;                         /* try every address of the host */
    int64_t deadline_ms;              /* of the whole job */
    struct rdt_addrs addrs;           /* those to try; the first one is asked by the auditor */
};

/* rdt_pg_read_target - read the job's spec; false when it lacks what a look needs. */
RDT_MUST_CHECK bool rdt_pg_read_target(const struct rdt_probe_job *job, struct rdt_pg_target *out);

/*
 * rdt_pg_audit - PG-2 to PG-4, PG-8: log in as the auditor over TLS, record settings, rules,
 * sessions, and samples of the columns that the target names.
 */
RDT_MUST_CHECK enum rdt_code rdt_pg_audit(const struct rdt_pg_target *target,
                                          struct rdt_evidence *out);

/*
 * rdt_pg_audit_apart - the same in a process of its own, where the job has one to ask: libpq does
 * as many rounds of hashing and takes as many bytes as a server wants, without a look at the clock.
 */
RDT_MUST_CHECK enum rdt_code rdt_pg_audit_apart(const struct rdt_pg_target *target,
                                                struct rdt_evidence *out);

/* rdt_pg_audit_answer - what runs there; context is the struct rdt_probe_plan. */
void rdt_pg_audit_answer(const void *context, struct rdt_span request, struct rdt_buf *answer);

/* rdt_pg_wants_apart - whether a job will ask for a process. */
bool rdt_pg_wants_apart(const struct rdt_probe_job *job);

/*
 * rdt_pg_forget_environment - take away the variables by which libpq would change a login and for
 * which it has no option.  Before any other thread runs; the rest is settled by options.
 */
void rdt_pg_forget_environment(void);

/* rdt_pg_unreached - record each fact that the target asks for as unknown, for the same reason. */
RDT_MUST_CHECK enum rdt_code rdt_pg_unreached(const struct rdt_pg_target *target, const char *why,
                                              struct rdt_evidence *out);

#endif
