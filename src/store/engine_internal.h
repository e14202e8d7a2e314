/*
 * engine_internal.h - what a storage engine does for the store. store.c checks the arguments, keeps
 * threads apart and decides what an unknown COMMIT means; an engine makes bytes durable.
 *
 * An engine's own struct starts with struct rdt_engine.
 */
#ifndef RDT_STORE_ENGINE_INTERNAL_H
#define RDT_STORE_ENGINE_INTERNAL_H

#include "store/store.h"

struct rdt_engine_ops;

struct rdt_engine {
    const struct rdt_engine_ops *ops;
};

/* Called by a long copy between its steps: lets others have their turn. */
struct rdt_pause {
    void (*fn)(void *user);
    void *user;
};

struct rdt_engine_ops {
    const char *name;

    /* revision: as committed last */
    enum rdt_code (*open)(const struct rdt_store_opts *opts, struct rdt_engine **out,
                          uint64_t *revision, struct rdt_err *err);
    void (*close)(struct rdt_engine *engine);

    /* unknown: set with a failure after which only settle() can tell whether COMMIT took. */
    enum rdt_code (*commit)(struct rdt_engine *engine, const struct rdt_commit *commit,
                            bool *unknown, struct rdt_err *err);
    enum rdt_code (*put_value)(struct rdt_engine *engine, const char *name, struct rdt_span value,
                               bool *unknown, struct rdt_err *err);

    /* Look at what is really there, as a start does, and say at which revision it is. */
    enum rdt_code (*settle)(struct rdt_engine *engine, uint64_t *revision, struct rdt_err *err);
    /* Make what settle() found durable: what was never acknowledged may not be yet. */
    enum rdt_code (*harden)(struct rdt_engine *engine, struct rdt_err *err);

    enum rdt_code (*rows)(struct rdt_engine *engine, rdt_row_fn *fn, void *user,
                          struct rdt_err *err);
    enum rdt_code (*outbox)(struct rdt_engine *engine, rdt_outbox_fn *fn, void *user,
                            struct rdt_err *err);
    enum rdt_code (*value)(struct rdt_engine *engine, const char *name, struct rdt_buf *out,
                           struct rdt_err *err);
    enum rdt_code (*copy)(struct rdt_engine *engine, const char *path,
                          const struct rdt_pause *pause, struct rdt_err *err);
};

extern const struct rdt_engine_ops rdt_engine_sqlite;

/*
 * Threads take turns in the order in which they come, so that neither a copy nor a row of commits
 * keeps the other out.
 */
struct rdt_turns;

/* The store itself; here for tests that look beneath it. */
struct rdt_store {
    struct rdt_engine *engine;
    struct rdt_turns *turns;
    uint64_t revision; /* atomic: read without a turn */
    bool dead;         /* an unknown COMMIT could not be settled: only a new start helps */
};

#endif
