/*
 * server_canned CERT KEY SIZE [LOOPS [RECORD DIR]] - the HTTPS server with one answer of SIZE bytes
 * to whatever is asked, for bench_server.py and bench_kms.py: what the server itself costs. With a
 * DIR it first appends a record of RECORD bytes for each answer to an audit log that it makes
 * there, the records of a turn in one batch, as the key service does. Prints "ready PORT"; ends
 * with its standard input, and says then what the log did.
 */
#include "net/server.h"
#include "store/audit_writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_MAX 1024 /* answers that one turn keeps */

struct log {
    struct rdt_audit *audit;
    struct rdt_audit_writer *writer;
    struct rdt_signer *signer;
};

struct canned {
    struct rdt_span answer, record;
    struct log *log; /* NULL: none */
};

/* Answers that wait for their records. */
struct batch {
    struct rdt_audit_batch audit;
    struct front *front;
    struct rdt_exchange *first, *last;
    struct rdt_span records[TURN_MAX];
    size_t n;
    struct batch *next;
};

/* Of one loop. */
struct front {
    const struct canned *canned;
    struct rdt_loop *loop;
    struct batch *open, *spare;
    pthread_mutex_t lock;
    struct batch *synced; /* from the log's thread */
};

static void
answer(const struct canned *canned, struct rdt_exchange *x)
{
    x->status = 200;
    x->content_type = "application/x-amz-json-1.1";
    rdt_buf_add(&x->answer, canned->answer.p, canned->answer.n);
    rdt_exchange_send(x);
}

static void
synced(struct rdt_audit_batch *audit)
{
    struct batch *batch = audit->user;
    struct front *front = batch->front;
    if (audit->code != RDT_OK)
        abort();
    pthread_mutex_lock(&front->lock);
    batch->next = front->synced;
    front->synced = batch;
    pthread_mutex_unlock(&front->lock);
    rdt_loop_wake(front->loop);
}

static void
idle(void *state)
{
    struct front *front = state;
    struct batch *batch = front->open;
    if (batch == NULL)
        return;
    front->open = NULL;
    batch->audit = (struct rdt_audit_batch){
        .records = batch->records, .n = batch->n, .done = synced, .user = batch};
    if (rdt_audit_submit(front->canned->log->writer, &batch->audit) != RDT_OK)
        abort();
}

static void
wake(void *state)
{
    struct front *front = state;
    pthread_mutex_lock(&front->lock);
    struct batch *batch = front->synced, *next;
    front->synced = NULL;
    pthread_mutex_unlock(&front->lock);
    for (; batch != NULL; batch = next) {
        next = batch->next;
        for (struct rdt_exchange *x = batch->first, *after; x != NULL; x = after) {
            after = x->next;
            answer(front->canned, x);
        }
        batch->first = batch->last = NULL;
        batch->n = 0;
        batch->next = front->spare;
        front->spare = batch;
    }
}

static void
request(void *state, struct rdt_exchange *x)
{
    struct front *front = state;
    if (front->canned->log == NULL) {
        answer(front->canned, x);
        return;
    }
    struct batch *batch = front->open;
    if (batch == NULL && (batch = front->spare) != NULL)
        front->spare = batch->next;
    else if (batch == NULL && (batch = calloc(1, sizeof *batch)) == NULL)
        abort();
    front->open = batch;
    batch->front = front;
    batch->records[batch->n++] = front->canned->record;
    x->next = NULL;
    if (batch->last != NULL)
        batch->last->next = x;
    else
        batch->first = x;
    batch->last = x;
    if (batch->n == TURN_MAX)
        idle(front);
}

static enum rdt_code
begin(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "a loop");
    front->canned = user;
    front->loop = loop;
    pthread_mutex_init(&front->lock, NULL);
    *state = front;
    return RDT_OK;
}

static struct rdt_span
filled(const char *size)
{
    size_t n = strtoul(size, NULL, 10);
    uint8_t *p = malloc(n + 1);
    if (p == NULL)
        exit(4);
    memset(p, 'x', n);
    return (struct rdt_span){p, n};
}

static enum rdt_code
open_log(const char *dir, struct log *log, struct rdt_err *err)
{
    RDT_SECRET chain = {0};
    enum rdt_code rc = rdt_secret_new(&chain, 32, err);
    if (rc == RDT_OK)
        rc = rdt_signer_new(RDT_SIGN_ED25519, &log->signer, err);
    const struct rdt_audit_opts opts = {
        .dir = dir, .chain = &chain, .signer = log->signer, .create = true};
    if (rc == RDT_OK)
        rc = rdt_audit_open(&opts, &log->audit, err);
    return rc == RDT_OK ? rdt_audit_writer_open(log->audit, NULL, NULL, NULL, &log->writer, err)
                        : rc;
}

static void
close_log(struct log *log)
{
    struct rdt_audit_stats stats = {0};
    if (log->audit != NULL)
        rdt_audit_stats(log->audit, &stats);
    if (stats.syncs != 0)
        printf("log: %llu records, %llu syncs, p50 %llu us\n", (unsigned long long)stats.records,
               (unsigned long long)stats.syncs, (unsigned long long)stats.sync_us_p50);
    rdt_audit_writer_close(log->writer);
    rdt_audit_close(log->audit);
    rdt_signer_free(log->signer);
}

int
main(int argc, char **argv)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct rdt_err err = {0};
    struct rdt_server *server = NULL;
    struct log log = {0};
    struct canned canned = {0};
    enum rdt_code rc = RDT_OK;
    if (argc < 4 || argc == 6) {
        fprintf(stderr, "usage: server_canned CERT KEY SIZE [LOOPS [RECORD DIR]]\n");
        return 3;
    }
    canned.answer = filled(argv[3]);
    if (argc > 6) {
        canned.record = filled(argv[5]);
        canned.log = &log;
        rc = open_log(argv[6], &log, &err);
    }
    struct rdt_server_opts opts = {
        .listen = listen,
        .n_listen = 1,
        .loops = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1,
        .cert_file = argv[1],
        .key_file = argv[2],
        .hooks = {.user = &canned, .begin = begin, .request = request, .idle = idle, .wake = wake},
    };
    if (rc == RDT_OK)
        rc = rdt_server_open(&opts, &server, &err);
    if (rc == RDT_OK)
        rc = rdt_server_start(server, &err);
    if (rc == RDT_OK) {
        printf("ready %u\n", rdt_server_port(server));
        fflush(stdout);
        while (getchar() != EOF)
            continue;
        rdt_server_stop(server, 1000);
    } else {
        fprintf(stderr, "server_canned: %s\n", err.text);
    }
    rdt_server_close(server);
    close_log(&log);
    return rdt_code_exit_status(rc);
}
