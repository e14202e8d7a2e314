/* audit_log.h - a small audit log in a folder of its own, for the tests of its files. */
#ifndef RDT_TEST_AUDIT_LOG_H
#define RDT_TEST_AUDIT_LOG_H

#include "store/audit.h"

#include "../test.h"
#include "store/audit_format_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT ((size_t)256 * 1024) /* the smallest */

struct log {
    char dir[64];
    struct rdt_secret chain, seed;
    struct rdt_signer *signer;
    struct rdt_audit *audit;
    struct rdt_err err;
    uint8_t known[AUDIT_CHECKPOINT_LEN]; /* the newest checkpoint that log_checkpoint() made */
};

static inline void
log_fill(struct rdt_secret *secret, uint8_t with)
{
    assert_int_equal(rdt_secret_new(secret, 32, NULL), RDT_OK);
    memset(secret->p, with, 32);
}

/* key: another one makes another log */
static inline void
log_init(struct log *log, uint8_t key)
{
    *log = (struct log){0};
    /* in memory where that is possible: these tests sync thousands of times */
    const char *under = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(log->dir, sizeof log->dir, "%s/redoubt-audit-XXXXXX", under);
    assert_non_null(mkdtemp(log->dir));
    log_fill(&log->chain, key);
    log_fill(&log->seed, (uint8_t)(key + 100));
    assert_int_equal(rdt_signer_load(RDT_SIGN_ED25519, &log->seed, &log->signer, NULL), RDT_OK);
}

static inline enum rdt_code
log_try(struct log *log, bool create, struct rdt_span known)
{
    struct rdt_audit_opts opts = {
        .dir = log->dir,
        .deployment = {1, 2, 3},
        .node = {4, 5},
        .chain = &log->chain,
        .signer = log->signer,
        .known = known,
        .create = create,
        .segment_bytes = SEGMENT
    };
    log->err = (struct rdt_err){0};
    return rdt_audit_open(&opts, &log->audit, &log->err);
}

static inline void
log_open(struct log *log)
{
    enum rdt_code rc = log_try(log, true, (struct rdt_span){NULL, 0});
    if (rc != RDT_OK)
        print_error("%s\n", log->err.text);
    assert_int_equal(rc, RDT_OK);
}

static inline void
log_close(struct log *log)
{
    rdt_audit_close(log->audit);
    log->audit = NULL;
}

/* Record i: its number and letters, 20 to 420 bytes. */
static inline struct rdt_span
log_record(uint64_t i, char out[static 512])
{
    size_t n = (size_t)(20 + i * 37 % 400);
    memset(out, 'a' + (int)(i % 26), n);
    snprintf(out, 20, "record %llu ", (unsigned long long)i);
    return (struct rdt_span){(const uint8_t *)out, n};
}

static inline enum rdt_code
log_append_code(struct log *log, size_t n, bool privileged)
{
    char bytes[64][512];
    struct rdt_span records[64];
    uint64_t first, size = rdt_audit_size(log->audit);
    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++)
        records[i] = log_record(size + i, bytes[i]);
    enum rdt_code rc = rdt_audit_append(log->audit, records, n, privileged, &first, &log->err);
    if (rc == RDT_OK) {
        assert_int_equal(first, size);
        assert_int_equal(rdt_audit_size(log->audit), size + n);
    }
    return rc;
}

static inline void
log_append(struct log *log, size_t n)
{
    enum rdt_code rc = log_append_code(log, n, false);
    if (rc != RDT_OK)
        print_error("%s\n", log->err.text);
    assert_int_equal(rc, RDT_OK);
}

static inline void
log_checkpoint(struct log *log)
{
    uint8_t digest[32] = {7};
    RDT_BUF out = {0};
    assert_int_equal(rdt_audit_checkpoint(log->audit, 9, digest, &out, &log->err), RDT_OK);
    assert_int_equal(out.n, sizeof log->known);
    memcpy(log->known, out.p, out.n);
}

static inline struct rdt_span
log_known(const struct log *log)
{
    return (struct rdt_span){log->known, sizeof log->known};
}

static inline const char *
log_path(const struct log *log, const char *name, char out[static 128])
{
    int n = snprintf(out, 128, "%s/%s", log->dir, name);
    assert_true(n > 0 && n < 128);
    return out;
}

/* The whole of a file, to change and to put back. */
static inline uint8_t *
log_load(const struct log *log, const char *name, size_t *n)
{
    char path[128];
    struct stat st;
    int fd = open(log_path(log, name, path), O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    *n = (size_t)st.st_size;
    return bytes;
}

static inline void
log_save(const struct log *log, const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];
    int fd = open(log_path(log, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static inline void
log_poke(const struct log *log, const char *name, size_t at, const void *bytes, size_t n)
{
    char path[128];
    int fd = open(log_path(log, name, path), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
    close(fd);
}

/* Where the frames of a segment's bytes stand; the last entry is where they end. */
static inline size_t
log_frames(const uint8_t *bytes, size_t n, size_t *at, size_t top)
{
    size_t count = 0, here = AUDIT_HEADER_LEN;
    while (count < top - 1 && here + 12 < n && bytes[here] == 'R') {
        at[count++] = here;
        here +=
            AUDIT_FRAME_OVER + ((size_t)bytes[here + 12] << 24 | (size_t)bytes[here + 13] << 16 |
                                (size_t)bytes[here + 14] << 8 | bytes[here + 15]);
    }
    at[count] = here;
    return count;
}

/* A sum over the folder's files: two that differ mean that something was changed. */
static inline uint64_t
log_sum(const struct log *log)
{
    uint64_t sum = 0;
    DIR *folder = opendir(log->dir);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t n;
        if (entry->d_name[0] == '.')
            continue;
        uint8_t hash[RDT_SHA256_LEN], *bytes = log_load(log, entry->d_name, &n);
        assert_int_equal(rdt_sha256((struct rdt_span){bytes, n}, hash, NULL), RDT_OK);
        free(bytes);
        for (size_t i = 0; i < 8; i++) /* names in any order */
            sum += (uint64_t)hash[i] << 8 * i;
        sum += n + (uint64_t)entry->d_name[7];
    }
    closedir(folder);
    return sum;
}

static inline void
log_empty(const struct log *log)
{
    char path[400];
    DIR *folder = opendir(log->dir);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", log->dir, entry->d_name);
        unlink(path);
    }
    closedir(folder);
}

static inline void
log_done(struct log *log)
{
    log_close(log);
    log_empty(log);
    rmdir(log->dir);
    rdt_signer_free(log->signer);
    rdt_secret_wipe(&log->chain);
    rdt_secret_wipe(&log->seed);
}

#endif
