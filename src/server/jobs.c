/*
 * The jobs process: it has no key and no store, and talks to strangers so that keys need not. Today
 * it serves metrics, from what keys last told it.
 */
#include "server/process_internal.h"

#include "base/clock.h"
#include "net/server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define STALE_MS 15000 /* metrics older than this are not shown as if they were true */

struct jobs {
    pthread_mutex_t lock;
    struct rdt_buf metrics;
    int64_t taken_ms;
};

static void
on_request(void *state, struct rdt_exchange *exchange)
{
    struct jobs *jobs = state;
    bool asked = rdt_span_is(exchange->head.path, "/metrics");
    pthread_mutex_lock(&jobs->lock);
    bool fresh = jobs->taken_ms != 0 && rdt_monotonic_ms() - jobs->taken_ms < STALE_MS;
    if (asked && fresh)
        rdt_buf_add(&exchange->answer, jobs->metrics.p, jobs->metrics.n);
    pthread_mutex_unlock(&jobs->lock);
    exchange->status = !asked ? 404 : fresh ? 200 : 503;
    exchange->content_type =
        asked && fresh ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain; charset=utf-8";
    if (!asked || !fresh)
        rdt_buf_str(&exchange->answer, asked ? "no metrics yet\n" : "not found\n");
    rdt_exchange_send(exchange);
}

static enum rdt_code
on_begin(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err)
{
    (void)loop;
    (void)err;
    *state = user;
    return RDT_OK;
}

static enum rdt_code
listen_metrics(struct jobs *jobs, const char *address, struct rdt_server **out, struct rdt_err *err)
{
    struct rdt_server_opts opts = {
        .listen = &address,
        .n_listen = 1,
        .loops = 1,
        .plain = true,
        .hooks = {.user = jobs, .begin = on_begin, .request = on_request},
    };
    enum rdt_code rc = rdt_server_open(&opts, out, err);
    if (rc == RDT_OK)
        rc = rdt_server_start(*out, err);
    if (rc == RDT_OK)
        fprintf(stderr, "redoubt: metrics on port %u\n", rdt_server_port(*out));
    return rc;
}

int
rdt_jobs_main(int keys_fd, const char *metrics_listen)
{
    struct jobs jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct rdt_server *server = NULL;
    struct rdt_err err = {0};
    RDT_BUF bytes = {0};
    enum message kind;
    enum rdt_code rc = RDT_OK;
    (void)prctl(PR_SET_NAME, "redoubt-jobs");
    if (metrics_listen != NULL)
        rc = listen_metrics(&jobs, metrics_listen, &server, &err);
    if (rc == RDT_OK)
        rc = rdt_sandbox_enter(SANDBOX_JOBS, NULL, NULL, &err);
    if (rc != RDT_OK) {
        fprintf(stderr, "redoubt: error: jobs: %s\n", err.text);
        return rdt_code_exit_status(rc);
    }
    while (bytes.n = 0, rdt_message_take(keys_fd, &kind, &bytes)) {
        pthread_mutex_lock(&jobs.lock);
        jobs.metrics.n = 0;
        rdt_buf_add(&jobs.metrics, bytes.p, bytes.n);
        jobs.taken_ms = rdt_monotonic_ms();
        pthread_mutex_unlock(&jobs.lock);
    }
    rdt_server_stop(server, 0);
    rdt_server_close(server);
    rdt_buf_done(&jobs.metrics);
    return 0;
}
