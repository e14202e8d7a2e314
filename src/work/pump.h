/*
 * pump.h - bytes through a few threads, in order, in constant memory. Each thread takes the next
 * unit, works on it and gives it on when its turn comes: so reading, working and writing overlap,
 * and a unit stays in one core's cache.
 */
#ifndef RDT_WORK_PUMP_H
#define RDT_WORK_PUMP_H

#include "work/room.h"

#include <stdbool.h>

#define RDT_PUMP_THREADS_MAX 8u /* threads of one pump */

struct rdt_pump_unit {
    uint64_t number;         /* from 0 */
    struct rdt_room in, out; /* give() may swap out for another of that size */
    size_t n, out_n;         /* bytes in them */
    bool last;
};

struct rdt_pump_job {
    void *arg;
    unsigned threads;       /* 1 to RDT_PUMP_THREADS_MAX */
    size_t in_len, out_len; /* bytes of room of a unit; out_len 0: no room for output */

    /* In order, one at a time: fill unit->in and n; last ends it. */
    enum rdt_code (*fill)(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err);
    /* Several at once, each by a thread with a number of its own from 0; not for the last. */
    enum rdt_code (*work)(void *arg, unsigned thread, struct rdt_pump_unit *unit,
                          struct rdt_err *err);
    /* In order, one at a time. */
    enum rdt_code (*give)(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err);
    /* From any thread, at the first failure: a fill() that waits should give up. May be NULL. */
    void (*stop)(void *arg);
};

/*
 * rdt_pump_run - until the last unit was given, or one of the calls failed: then what came before
 * was given, nothing after, and the failure is that call's. The caller's thread works too.
 *
 * Fails: as the calls, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_pump_run(const struct rdt_pump_job *job, struct rdt_err *err);

#endif
