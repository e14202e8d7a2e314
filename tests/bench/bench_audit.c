/*
 * Durable audit records per second, from one loop with 1, 16 and 64 records on the way, beside the
 * limit in the same run: a bare loop of pwrite and fdatasync that puts as many records of the same
 * size into one file that is full of zeroes. Ratio ours / bare: 1.00 is all that the disk gives.
 * Both are measured in turns, since other users of a disk come and go. REDOUBT_BENCH_QUICK=1 makes
 * it brief; REDOUBT_BENCH_DIR says where the files are. Prints TAP.
 */
#include "store/audit_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD 400 /* bytes */
#define OVER 125   /* bytes of a frame beside its records, and of one record's length */
#define WAITERS 64
#define TURNS 24

/* A loop as the server has them: what came back in one turn goes out again as one batch. */
struct loop {
    struct rdt_audit_writer *writer;
    struct rdt_audit_batch batches[WAITERS];
    struct rdt_audit_batch *spare;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct rdt_audit_batch *back; /* answered, not seen yet */
};

static char folder[256];
static struct rdt_span records[WAITERS];
static uint8_t bytes[WAITERS * RECORD + WAITERS * 4 + OVER];
static double turn_s = 0.25;

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    printf("Bail out! %s\n", what);
    exit(1);
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the limit ---- */

static int
bare_open(void)
{
    char path[300];
    static const uint8_t zero[1 << 20];
    snprintf(path, sizeof path, "%s/bare", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0, path);
    for (int i = 0; i < 64; i++)
        must(pwrite(fd, zero, sizeof zero, (off_t)i << 20) == (ssize_t)sizeof zero, "fill");
    must(fsync(fd) == 0, "sync");
    return fd;
}

/* Syncs of n bytes each until the turn is over. */
static double
bare_turn(int fd, off_t *at, size_t n, unsigned long *syncs)
{
    double begin = now(), end;
    do {
        if (*at + (off_t)n > 64 << 20)
            *at = 0;
        must(pwrite(fd, bytes, n, *at) == (ssize_t)n && fdatasync(fd) == 0, "bare append");
        *at += (off_t)n;
        (*syncs)++;
        end = now();
    } while (end - begin < turn_s);
    return end - begin;
}

/* ---- ours ---- */

static void
done(struct rdt_audit_batch *batch)
{
    struct loop *loop = batch->user;
    must(batch->code == RDT_OK, "append");
    pthread_mutex_lock(&loop->lock);
    bool first = loop->back == NULL;
    batch->next = loop->back;
    loop->back = batch;
    pthread_mutex_unlock(&loop->lock);
    if (first)
        pthread_cond_signal(&loop->wake);
}

/* How many records came back. */
static size_t
take_back(struct loop *loop)
{
    size_t n = 0;
    pthread_mutex_lock(&loop->lock);
    while (loop->back == NULL)
        pthread_cond_wait(&loop->wake, &loop->lock);
    struct rdt_audit_batch *back = loop->back, *next;
    loop->back = NULL;
    pthread_mutex_unlock(&loop->lock);
    for (; back != NULL; back = next) {
        next = back->next;
        n += back->n;
        back->next = loop->spare;
        loop->spare = back;
    }
    return n;
}

static void
hand_in(struct loop *loop, size_t n)
{
    struct rdt_audit_batch *batch = loop->spare;
    loop->spare = batch->next;
    *batch = (struct rdt_audit_batch){.records = records, .n = n, .done = done, .user = loop};
    must(rdt_audit_submit(loop->writer, batch) == RDT_OK, "submit");
}

static double
our_turn(struct loop *loop, size_t waiters, unsigned long *sum)
{
    size_t out = waiters;
    double begin = now(), end = begin;
    loop->spare = NULL;
    for (size_t i = 0; i < WAITERS; i++) {
        loop->batches[i].next = loop->spare;
        loop->spare = &loop->batches[i];
    }
    hand_in(loop, 1); /* they do not all begin at once */
    if (waiters > 1)
        hand_in(loop, waiters - 1);
    while (out > 0) {
        size_t n = take_back(loop);
        *sum += n;
        end = now();
        if (end - begin >= turn_s)
            out -= n;
        else
            hand_in(loop, n);
    }
    return end - begin;
}

/* ---- one beside the other ---- */

static void
compare(struct loop *loop, const struct rdt_audit *audit, int fd, size_t waiters, int number)
{
    unsigned long sum = 0, syncs = 0;
    double our_s = 0, bare_s = 0;
    off_t at = 0;
    struct rdt_audit_stats before, after;
    rdt_audit_stats(audit, &before);
    for (int turn = 0; turn < TURNS; turn++) {
        bare_s += bare_turn(fd, &at, waiters * (RECORD + 4) + OVER - 4, &syncs);
        our_s += our_turn(loop, waiters, &sum);
    }
    rdt_audit_stats(audit, &after);
    double ours = (double)sum / our_s, bare = (double)(syncs * waiters) / bare_s;
    printf("ok %d - audit %zu waiting: %.0f records/s, %.1f a sync (p50 %llu us, p99 %llu us), "
           "bare %.0f records/s (%.0f us), ratio %.2f\n",
           number, waiters, ours, (double)sum / (double)(after.syncs - before.syncs),
           (unsigned long long)after.sync_us_p50, (unsigned long long)after.sync_us_p99, bare,
           bare_s / (double)syncs * 1e6, ours / bare);
    fflush(stdout);
}

static void
clear(void)
{
    char path[600];
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(folder);
}

static struct rdt_audit *
open_audit(struct rdt_signer **signer)
{
    RDT_SECRET chain = {0};
    struct rdt_audit *audit = NULL;
    struct rdt_err err = {0};
    must(rdt_secret_new(&chain, 32, NULL) == RDT_OK, "secret");
    must(rdt_signer_new(RDT_SIGN_ED25519, signer, NULL) == RDT_OK, "signer");
    const struct rdt_audit_opts opts = {
        .dir = folder, .chain = &chain, .signer = *signer, .create = true};
    must(rdt_audit_open(&opts, &audit, &err) == RDT_OK, err.text);
    return audit;
}

int
main(void)
{
    static const size_t waiters[] = {1, 16, WAITERS};
    const char *under = getenv("REDOUBT_BENCH_DIR");
    struct loop loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    struct rdt_signer *signer = NULL;
    if (getenv("REDOUBT_BENCH_QUICK") != NULL)
        turn_s = 0.01;
    snprintf(folder, sizeof folder, "%s/redoubt-bench-XXXXXX", under == NULL ? "/var/tmp" : under);
    must(mkdtemp(folder) != NULL, "no folder");
    memset(bytes, 'r', sizeof bytes);
    for (size_t i = 0; i < WAITERS; i++)
        records[i] = (struct rdt_span){bytes + i * RECORD, RECORD};
    struct rdt_audit *audit = open_audit(&signer);
    int fd = bare_open();
    must(rdt_audit_writer_open(audit, NULL, NULL, NULL, &loop.writer, NULL) == RDT_OK, "writer");
    printf("1..%zu\n", sizeof waiters / sizeof waiters[0]);
    for (size_t i = 0; i < sizeof waiters / sizeof waiters[0]; i++)
        compare(&loop, audit, fd, waiters[i], (int)i + 1);
    rdt_audit_writer_close(loop.writer);
    rdt_audit_close(audit);
    rdt_signer_free(signer);
    close(fd);
    clear();
    return 0;
}
