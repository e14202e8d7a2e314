#include "probe/probe.h"

#include "probe/pg_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDTH_MAX 64 /* threads, whatever the caller asks for */

/* Which probe serves which key of the targets file. */
static const struct {
    const char *kind;
    rdt_probe_fn *look;
} probes[] = {
    {"https",    rdt_probe_https   },
    {"postgres", rdt_probe_postgres},
    {"host",     rdt_probe_host    },
    {"disk",     rdt_probe_disk    },
    {"kms",      rdt_probe_kms     },
    {"drill",    rdt_probe_drill   },
};

struct result {
    struct rdt_evidence seen;
    enum rdt_code rc;
};

struct pool {
    const struct rdt_probe_plan *plan;
    struct rdt_apart *apart;
    struct result *results; /* one for each job: a worker writes only its own */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    size_t n_taken, n_ended; /* under lock */
};

/* A kind that no probe serves is not passed over in silence. */
static enum rdt_code
no_probe(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    char why[128];
    snprintf(why, sizeof why, "no probe for '%.64s' in this version", job->kind);
    return rdt_evidence_unknown(out, job->subject, job->kind, why, rdt_span_str(why));
}

static enum rdt_code
look(const struct pool *pool, size_t index, struct rdt_evidence *out)
{
    struct rdt_probe_job copy = pool->plan->jobs[index], *job = &copy;
    copy.apart = pool->apart;
    copy.index = index;
    for (size_t i = 0; i < RDT_COUNT(probes); i++) {
        if (strcmp(probes[i].kind, job->kind) == 0)
            return probes[i].look(job, out);
    }
    return no_probe(job, out);
}

static void *
work(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (pool->n_taken < pool->plan->n) {
        size_t i = pool->n_taken++;
        pthread_mutex_unlock(&pool->lock);
        pool->results[i].rc = look(pool, i, &pool->results[i].seen);
        pthread_mutex_lock(&pool->lock);
        pool->n_ended++;
        pthread_cond_signal(&pool->ended);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Tells the caller of each job that ends, in the caller's own thread, without holding the lock. */
static void
follow(struct pool *pool)
{
    const struct rdt_probe_plan *plan = pool->plan;
    size_t told = 0;
    pthread_mutex_lock(&pool->lock);
    while (told < plan->n) {
        while (pool->n_ended == told)
            pthread_cond_wait(&pool->ended, &pool->lock);
        told = pool->n_ended;
        pthread_mutex_unlock(&pool->lock);
        if (plan->done != NULL)
            plan->done(plan->arg, told, plan->n);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

/*
 * No thread is ever cancelled: a probe cut anywhere could leave a lock or a socket behind. Each
 * keeps the deadline of its job itself. SIGPIPE is blocked in the workers, since libraries write
 * to sockets by write(); other signals stay with the caller's thread.
 */
static size_t
start(struct pool *pool, pthread_t *threads, size_t width)
{
    sigset_t all, was;
    size_t n = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    while (n < width && pthread_create(&threads[n], NULL, work, pool) == 0)
        n++;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return n;
}

static enum rdt_code
gather(struct pool *pool, struct rdt_evidence *out, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < pool->plan->n; i++) {
        struct result *result = &pool->results[i];
        if (rc == RDT_OK && result->rc != RDT_OK)
            rc = rdt_fail(err, result->rc, "%s: %s: %s", pool->plan->jobs[i].subject,
                          pool->plan->jobs[i].kind, rdt_code_words(result->rc));
        if (rc == RDT_OK && rdt_evidence_move(out, &result->seen) != RDT_OK)
            rc = rdt_fail(err, RDT_E_NOMEM, "gather observations");
        rdt_evidence_done(&result->seen);
    }
    return rc;
}

/* A process to ask where some job will want one; to be started before the threads. */
static enum rdt_code
start_apart(struct pool *pool, struct rdt_err *err)
{
    const struct rdt_probe_plan *plan = pool->plan;
    for (size_t i = 0; i < plan->n; i++) {
        if (strcmp(plan->jobs[i].kind, "postgres") == 0 && rdt_pg_wants_apart(&plan->jobs[i]))
            return rdt_apart_open(rdt_pg_audit_answer, plan, &pool->apart, err);
    }
    return RDT_OK;
}

static enum rdt_code
run_all(struct pool *pool, size_t width, struct rdt_evidence *out, struct rdt_err *err)
{
    pthread_t threads[WIDTH_MAX];
    size_t n = start(pool, threads, width);
    if (n > 0)
        follow(pool);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return n > 0 ? gather(pool, out, err) : rdt_fail(err, RDT_E_NOMEM, "start probes: no thread");
}

enum rdt_code
rdt_probe_run(const struct rdt_probe_plan *plan, struct rdt_evidence *out, struct rdt_err *err)
{
    struct pool pool = {.plan = plan};
    if (plan->n == 0)
        return RDT_OK;
    rdt_pg_forget_environment(); /* while there is no other thread that could read it */
    pool.results = calloc(plan->n, sizeof *pool.results);
    if (pool.results == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "start probes");
    size_t width = plan->width < 1 ? 1 : plan->width > WIDTH_MAX ? WIDTH_MAX : plan->width;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.ended, NULL);
    enum rdt_code rc = start_apart(&pool, err);
    if (rc == RDT_OK)
        rc = run_all(&pool, width < plan->n ? width : plan->n, out, err);
    rdt_apart_close(pool.apart);
    pthread_cond_destroy(&pool.ended);
    pthread_mutex_destroy(&pool.lock);
    free(pool.results);
    return rc;
}
