/* world.h - a store in a folder of its own, keys, a worker, and the rows in memory. */
#ifndef RDT_TEST_KMS_WORLD_H
#define RDT_TEST_KMS_WORLD_H

#include "kms/state.h"

#include "../test.h"
#include "filled.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    char dir[64], path[96];
    struct rdt_store *store;
    struct rdt_worker *worker;
    struct rdt_secret rows, digest;
    struct rdt_state_keys keys;
    struct rdt_state *state;
};

static inline void
open_store(struct world *w)
{
    struct rdt_err err;
    const struct rdt_store_opts opts = {.path = w->path, .create = true};
    if (rdt_store_open(&opts, &w->store, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

/* Reads the store from its beginning, as a start does. */
static inline enum rdt_code
load(struct world *w, struct rdt_err *err)
{
    rdt_state_free(w->state);
    w->state = NULL;
    return rdt_state_load(w->store, &w->keys, w->worker, &w->state, err);
}

static inline void
must_load(struct world *w)
{
    struct rdt_err err;
    if (load(w, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

static inline void
world_open(struct world *w)
{
    *w = (struct world){.dir = "/tmp/redoubt-kms-XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/store", w->dir);
    assert_int_equal(rdt_worker_open(&w->worker, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&w->rows, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_secret_new(&w->digest, RDT_KEY_LEN, NULL), RDT_OK);
    memset(w->rows.p, 1, RDT_KEY_LEN);
    memset(w->digest.p, 2, RDT_KEY_LEN);
    w->keys = (struct rdt_state_keys){&w->rows, &w->digest};
    open_store(w);
    must_load(w);
}

static inline void
world_close(struct world *w)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".lock", "-lock"};
    char path[128];
    rdt_state_free(w->state);
    rdt_store_close(w->store);
    rdt_worker_close(w->worker);
    rdt_secret_wipe(&w->rows);
    rdt_secret_wipe(&w->digest);
    for (size_t i = 0; i < RDT_COUNT(tails); i++) {
        snprintf(path, sizeof path, "%s%s", w->path, tails[i]);
        unlink(path);
    }
    rmdir(w->dir);
}

static inline struct rdt_tx *
begin(struct world *w)
{
    struct rdt_tx *tx;
    assert_int_equal(rdt_tx_begin(w->state, &tx, NULL), RDT_OK);
    return tx;
}

static inline uint64_t
seal(struct world *w, struct rdt_tx *tx)
{
    struct rdt_err err;
    uint64_t revision;
    uint8_t digest[32];
    if (rdt_tx_seal(tx, w->worker, &revision, digest, &err) != RDT_OK)
        fail_msg("%s", err.text);
    return revision;
}

static inline void
commit(struct world *w, struct rdt_tx *tx)
{
    struct rdt_err err;
    if (rdt_tx_commit(tx, w->store, NULL, &err) != RDT_OK)
        fail_msg("%s", err.text);
}

/* Aliases stand for all: their id is a text, so that a test can say it. */
static inline void
set_alias(struct rdt_alias *alias, const char *name, uint8_t mark)
{
    assert_non_null(alias);
    assert_true(rdt_text_set(&alias->name, rdt_span_str(name)));
    memset(alias->key, mark, sizeof alias->key);
}

static inline void
add_alias(struct rdt_tx *tx, const char *name, uint8_t mark)
{
    set_alias(rdt_tx_add(tx, RDT_KIND_ALIAS, rdt_span_str(name)), name, mark);
}

static inline void
edit_alias(struct rdt_tx *tx, const char *name, uint8_t mark)
{
    set_alias(rdt_tx_edit(tx, RDT_KIND_ALIAS, rdt_span_str(name)), name, mark);
}

static inline bool
remove_alias(struct rdt_tx *tx, const char *name)
{
    return rdt_tx_remove(tx, RDT_KIND_ALIAS, rdt_span_str(name));
}

/* What a view has of aliases: "a1 b2", names with their marks in order. Each is also asked for. */
static inline const char *
aliases(struct rdt_view view)
{
    static char text[1024];
    struct rdt_span id = {NULL, 0};
    size_t n = 0;
    text[0] = '\0';
    for (const struct rdt_alias *a; (a = rdt_view_next(view, RDT_KIND_ALIAS, id, &id)) != NULL;) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%u", n == 0 ? "" : " ", a->name,
                              a->key[0]);
        assert_true(rdt_span_is(id, a->name));
        assert_ptr_equal(rdt_view_get(view, RDT_KIND_ALIAS, id), a);
    }
    return text;
}

static inline struct rdt_view
published(const struct world *w)
{
    return (struct rdt_view){w->state, NULL};
}

static inline uint64_t
revision_of(const struct world *w)
{
    uint64_t revision;
    uint8_t digest[32];
    rdt_state_published(w->state, &revision, digest);
    return revision;
}

static inline void
digest_now(const struct world *w, uint8_t digest[static 32])
{
    uint64_t revision;
    rdt_state_published(w->state, &revision, digest);
}

/* A store with these aliases, one letter each, marks 1, 2... */
static inline void
add_letters(struct world *w, const char *letters)
{
    struct rdt_tx *tx = begin(w);
    for (size_t i = 0; letters[i] != '\0'; i++)
        add_alias(tx, (const char[]){letters[i], '\0'}, (uint8_t)(i + 1));
    seal(w, tx);
    commit(w, tx);
}

#endif
