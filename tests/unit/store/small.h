/*
 * small.h - a store in folder.h's folder with few words: open it, commit one row a revision, see at
 * which revision it is. Row "r" of kind 1 always holds the store's revision.
 */
#ifndef RDT_STORE_SMALL_H
#define RDT_STORE_SMALL_H

#include "store/store.h"

#include "../test.h"
#include "folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static inline enum rdt_code
try_open(const char *path, bool create, struct rdt_store **out)
{
    const struct rdt_store_opts opts = {.path = path, .create = create};
    return rdt_store_open(&opts, out, NULL);
}

static inline struct rdt_store *
must_open(const char *path, bool create)
{
    const struct rdt_store_opts opts = {.path = path, .create = create};
    struct rdt_store *store = NULL;
    struct rdt_err err = {0};
    if (rdt_store_open(&opts, &store, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return store;
}

static inline enum rdt_code
try_commit(struct rdt_store *store, uint64_t revision, struct rdt_err *err)
{
    const struct rdt_row row = {
        .kind = 1,
        .id = rdt_span_str("r"),
        .revision = revision,
        .body = {(const uint8_t *)&revision, sizeof revision}
    };
    const struct rdt_commit commit = {.revision = revision, .rows = &row, .n_rows = 1};
    return rdt_store_commit(store, &commit, err);
}

static inline void
must_commit(struct rdt_store *store, uint64_t revision)
{
    struct rdt_err err = {0};
    if (try_commit(store, revision, &err) != RDT_OK)
        fail_msg("revision %llu: %s", (unsigned long long)revision, err.text);
}

static inline enum rdt_code
is_revision(void *user, const struct rdt_row *row, struct rdt_err *err)
{
    const uint64_t *want = user;
    (void)err;
    if (row->kind != 1)
        return RDT_OK;
    return row->body.n == sizeof *want && memcmp(row->body.p, want, sizeof *want) == 0
               ? RDT_OK
               : RDT_E_TAMPERED;
}

/* Whether the row agrees with the store's revision. */
static inline bool
is_whole(struct rdt_store *store)
{
    uint64_t now = rdt_store_revision(store);
    return rdt_store_rows(store, is_revision, &now, NULL) == RDT_OK;
}

/* A new store at a revision, closed; with `bulk` rows of kind 2 that fill some pages. */
static inline const char *
make_store(const char *name, uint64_t revision, int bulk)
{
    const char *path = in_folder(name);
    struct rdt_store *store = must_open(path, true);
    for (uint64_t r = 1; r <= revision; r++)
        must_commit(store, r);
    for (int i = 0; i < bulk; i++) {
        uint8_t body[3000];
        memset(body, i, sizeof body);
        const struct rdt_row row = {
            .kind = 2,
            .id = {(const uint8_t *)&i, sizeof i   },
            .revision = 1,
            .body = {body,                sizeof body}
        };
        const struct rdt_row now = {
            .kind = 1,
            .id = rdt_span_str("r"),
            .body = {(const uint8_t *)&(uint64_t){++revision}, 8}
        };
        const struct rdt_commit commit = {
            .revision = revision, .rows = (struct rdt_row[]){row, now},
                  .n_rows = 2
        };
        assert_int_equal(rdt_store_commit(store, &commit, NULL), RDT_OK);
    }
    rdt_store_close(store);
    return path;
}

/* A folder or file as it is, to see that nothing changed. */
static inline struct rdt_buf
bytes_of(const char *path)
{
    struct rdt_buf out = {0};
    uint8_t piece[4096];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        rdt_buf_add(&out, piece, (size_t)n);
    close(fd);
    return out;
}

static inline void
write_bytes(const char *path, struct rdt_span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    close(fd);
}

static inline bool
is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* Run fn in a process of its own; its exit status. */
static inline int
apart(int (*fn)(const char *path), const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(fn(path));
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#endif
