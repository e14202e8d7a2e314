/*
 * audit_main.c - an audit log for the fault tests: record i and its bytes follow from i alone, so
 * that a reader can tell what is missing. Segments are of the smallest kind.
 *
 *   audit_main append DIR [FRAMES [CHECKPOINT]]   make or open it, append frame by frame: "ack N"
 *                       when N records are on disk, "mark HEX" for a checkpoint that was made
 *   audit_main thread DIR                          the same by the thread, with several on the way
 *   audit_main check DIR [CHECKPOINT]              "records N" when it is whole, else exit 1
 *
 * CHECKPOINT, in hexadecimal, is one that the log must hold.
 */
#include "store/audit_writer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT ((size_t)256 * 1024)
#define RECORD_TOP 3000 /* bytes */
#define FRAME_TOP 9     /* records */
#define MARK_EVERY 4    /* frames */
#define ON_THE_WAY 6    /* batches */

static void
say(const char *fmt, ...)
{
    char line[RDT_AUDIT_CHECKPOINT_MAX * 2 + 32];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (write(STDOUT_FILENO, line, (size_t)n) != n)
        exit(3); /* nobody listens any more */
}

static int
fail(const char *what, const struct rdt_err *err)
{
    fprintf(stderr, "audit_main: %s: %s\n", what, err->text);
    return 1;
}

static struct rdt_span
record_of(uint64_t i, uint8_t out[static RECORD_TOP])
{
    size_t n = (size_t)(i * 997 % RECORD_TOP);
    for (size_t k = 0; k < n; k++) /* with runs of zeroes: no sector of them is one that was lost */
        out[k] = k / 700 % 3 == 1 ? 0 : (uint8_t)(i * 31 + k * 7 + k / 251);
    return (struct rdt_span){out, n};
}

static struct rdt_span
from_hex(const char *text, uint8_t out[static RDT_AUDIT_CHECKPOINT_MAX])
{
    size_t n = strlen(text) / 2;
    for (size_t i = 0; i < n && i < RDT_AUDIT_CHECKPOINT_MAX; i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return (struct rdt_span){out, n};
}

static void
say_mark(struct rdt_span bytes)
{
    char text[2 * RDT_AUDIT_CHECKPOINT_MAX + 1] = "";
    for (size_t i = 0; i < bytes.n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes.p[i]);
    say("mark %s\n", text);
}

/* Keys that are the same in each life. */
static struct rdt_signer *
signer_of(struct rdt_secret *chain)
{
    struct rdt_signer *signer = NULL;
    RDT_SECRET seed = {0};
    if (rdt_secret_new(chain, 32, NULL) != RDT_OK || rdt_secret_new(&seed, 32, NULL) != RDT_OK)
        exit(4);
    memset(chain->p, 0x11, 32);
    memset(seed.p, 0x22, 32);
    if (rdt_signer_load(RDT_SIGN_ED25519, &seed, &signer, NULL) != RDT_OK)
        exit(4);
    return signer;
}

static enum rdt_code
open_log(const char *dir, struct rdt_signer *signer, const struct rdt_secret *chain,
         struct rdt_span known, struct rdt_audit **out, struct rdt_err *err)
{
    const struct rdt_audit_opts opts = {.dir = dir,
                                        .chain = chain,
                                        .signer = signer,
                                        .known = known,
                                        .create = true,
                                        .segment_bytes = SEGMENT};
    return rdt_audit_open(&opts, out, err);
}

/* ---- frame by frame ---- */

static enum rdt_code
append_one(struct rdt_audit *audit, uint64_t frame, struct rdt_err *err)
{
    static uint8_t bytes[FRAME_TOP][RECORD_TOP];
    struct rdt_span records[FRAME_TOP];
    uint64_t size = rdt_audit_size(audit), first;
    size_t n = 1 + (size_t)(frame * 5 % FRAME_TOP);
    for (size_t i = 0; i < n; i++)
        records[i] = record_of(size + i, bytes[i]);
    enum rdt_code rc = rdt_audit_append(audit, records, n, false, &first, err);
    if (rc == RDT_OK)
        say("ack %llu\n", (unsigned long long)(first + n));
    return rc;
}

static enum rdt_code
mark(struct rdt_audit *audit, struct rdt_err *err)
{
    static const uint8_t digest[32];
    RDT_BUF bytes = {0};
    enum rdt_code rc = rdt_audit_checkpoint(audit, 1, digest, &bytes, err);
    if (rc == RDT_OK)
        say_mark(rdt_buf_span(&bytes));
    return rc;
}

static int
append(struct rdt_audit *audit, uint64_t frames)
{
    struct rdt_err err = {0};
    enum rdt_code rc = RDT_OK;
    say("open %llu\n", (unsigned long long)rdt_audit_size(audit));
    for (uint64_t i = 1; rc == RDT_OK && (frames == 0 || i <= frames); i++) {
        rc = append_one(audit, i, &err);
        if (rc == RDT_OK && i % MARK_EVERY == 0)
            rc = mark(audit, &err);
    }
    return rc == RDT_OK ? 0 : fail("append", &err);
}

/* ---- by the thread ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static struct rdt_audit_batch *spare;

static void
done(struct rdt_audit_batch *batch)
{
    if (batch->code != RDT_OK)
        exit(5);
    if (batch->first != *(uint64_t *)batch->user)
        exit(6); /* they are given places in the order in which they came */
    say("ack %llu\n", (unsigned long long)(batch->first + batch->n));
    pthread_mutex_lock(&lock);
    batch->next = spare;
    spare = batch;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&lock);
}

static void
made(void *user, struct rdt_span bytes)
{
    (void)user;
    say_mark(bytes);
}

static int
by_thread(struct rdt_audit *audit)
{
    static struct rdt_audit_batch batches[ON_THE_WAY];
    static struct rdt_span records[ON_THE_WAY][FRAME_TOP];
    static uint8_t bytes[ON_THE_WAY][FRAME_TOP][RECORD_TOP];
    static uint64_t first[ON_THE_WAY];
    struct rdt_audit_writer *writer = NULL;
    struct rdt_err err = {0};
    uint64_t next = rdt_audit_size(audit);
    for (size_t i = 0; i < ON_THE_WAY; i++) {
        batches[i] = (struct rdt_audit_batch){.next = spare};
        spare = &batches[i];
    }
    if (rdt_audit_writer_open(audit, NULL, made, NULL, &writer, &err) != RDT_OK)
        return fail("thread", &err);
    say("open %llu\n", (unsigned long long)next);
    for (uint64_t turn = 1;; turn++) {
        pthread_mutex_lock(&lock);
        while (spare == NULL)
            pthread_cond_wait(&answered, &lock);
        struct rdt_audit_batch *batch = spare;
        spare = batch->next;
        pthread_mutex_unlock(&lock);
        size_t slot = (size_t)(batch - batches), n = 1 + (size_t)(turn * 5 % FRAME_TOP);
        for (size_t i = 0; i < n; i++)
            records[slot][i] = record_of(next + i, bytes[slot][i]);
        first[slot] = next;
        next += n;
        *batch = (struct rdt_audit_batch){
            .records = records[slot], .n = n, .done = done, .user = &first[slot]};
        if (rdt_audit_submit(writer, batch) != RDT_OK)
            return 7;
    }
}

/* ---- what is left ---- */

static enum rdt_code
see(void *user, uint64_t index, struct rdt_span record, struct rdt_err *err)
{
    static uint8_t bytes[RECORD_TOP];
    uint64_t *next = user;
    if (index != (*next)++ || !rdt_span_eq(record, record_of(index, bytes)))
        return rdt_fail(err, RDT_E_TAMPERED, "record %llu is another one",
                        (unsigned long long)index);
    return RDT_OK;
}

/* First as a stranger sees it, then as the node does. */
static int
check(const char *dir, struct rdt_span known)
{
    static const struct rdt_span none = {NULL, 0};
    struct rdt_err err = {0};
    struct rdt_audit_verdict verdict;
    RDT_SECRET chain = {0};
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(&chain);
    RDT_AUTO(rdt_audit_close_at) struct rdt_audit *audit = NULL;
    uint64_t seen = 0;
    enum rdt_code rc =
        rdt_audit_verify(dir, rdt_signer_public(signer), known, none, &verdict, &err);
    if (rc == RDT_E_NOTFOUND && known.n == 0) {
        say("records 0\n");
        return 0;
    }
    if (rc != RDT_OK)
        return fail("verify", &err);
    if (rdt_audit_each(dir, 0, see, &seen, &err) != RDT_OK)
        return fail("each", &err);
    if (open_log(dir, signer, &chain, known, &audit, &err) != RDT_OK)
        return fail("open", &err);
    if (seen != rdt_audit_size(audit) || seen != verdict.records) {
        fprintf(stderr, "audit_main: %llu seen, %llu verified, %llu opened\n",
                (unsigned long long)seen, (unsigned long long)verdict.records,
                (unsigned long long)rdt_audit_size(audit));
        return 1;
    }
    say("records %llu\n", (unsigned long long)seen);
    return 0;
}

static int
write_log(const char *how, const char *dir, uint64_t frames, struct rdt_span known)
{
    struct rdt_err err = {0};
    RDT_SECRET chain = {0};
    RDT_AUTO(rdt_signer_free_at) struct rdt_signer *signer = signer_of(&chain);
    RDT_AUTO(rdt_audit_close_at) struct rdt_audit *audit = NULL;
    if (open_log(dir, signer, &chain, known, &audit, &err) != RDT_OK)
        return fail("open", &err);
    return strcmp(how, "thread") == 0 ? by_thread(audit) : append(audit, frames);
}

int
main(int argc, char **argv)
{
    uint8_t bytes[RDT_AUDIT_CHECKPOINT_MAX];
    struct rdt_span known = {NULL, 0};
    if (argc < 3) {
        fputs("usage: audit_main append|thread|check DIR ...\n", stderr);
        return 2;
    }
    if (strcmp(argv[1], "check") == 0) {
        known = argc > 3 ? from_hex(argv[3], bytes) : known;
        return check(argv[2], known);
    }
    known = argc > 4 ? from_hex(argv[4], bytes) : known;
    return write_log(argv[1], argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 0, known);
}
