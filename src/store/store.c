#include "store/engine_internal.h"

#include "store/audit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

_Static_assert(RDT_STORE_RECORD_MAX == RDT_AUDIT_RECORD_MAX, "what is committed must fit the log");
_Static_assert(sizeof((struct rdt_row){0}.mac) == RDT_STORE_MAC_LEN, "a MAC has one length");

/* ---- turns ---- */

struct rdt_turns {
    pthread_mutex_t lock;
    pthread_cond_t next;
    uint64_t given, serving; /* tickets: first come, first served */
    bool taken;
    pthread_t by; /* while taken */
};

static struct rdt_turns *
turns_new(void)
{
    struct rdt_turns *turns = calloc(1, sizeof *turns);
    if (turns == NULL)
        return NULL;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->next, NULL);
    return turns;
}

static void
turns_free(struct rdt_turns *turns)
{
    if (turns == NULL)
        return;
    assert(!turns->taken);
    pthread_cond_destroy(&turns->next);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

/* False when this thread has the turn already: it would wait for itself. */
static bool
turn_take(struct rdt_turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    bool ok = !turns->taken || !pthread_equal(turns->by, pthread_self());
    if (ok) {
        uint64_t ticket = turns->given++;
        while (turns->serving != ticket)
            pthread_cond_wait(&turns->next, &turns->lock);
        turns->taken = true;
        turns->by = pthread_self();
    }
    pthread_mutex_unlock(&turns->lock);
    return ok;
}

static void
turn_give(struct rdt_turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    turns->taken = false;
    turns->serving++;
    pthread_cond_broadcast(&turns->next);
    pthread_mutex_unlock(&turns->lock);
}

static void
let_others(void *turns)
{
    turn_give(turns);
    bool ok = turn_take(turns);
    assert(ok);
    (void)ok;
}

static enum rdt_code
enter(struct rdt_store *store, struct rdt_err *err)
{
    if (!turn_take(store->turns))
        return rdt_fail(err, RDT_E_STATE, "the store is called by what it calls");
    if (!store->dead)
        return RDT_OK;
    turn_give(store->turns);
    return rdt_fail(err, RDT_E_IO, "the store failed earlier; only a new start can tell how it is");
}

static enum rdt_code
leave(struct rdt_store *store, enum rdt_code code)
{
    turn_give(store->turns);
    return code;
}

/* ---- open, close ---- */

enum rdt_code
rdt_store_open(const struct rdt_store_opts *opts, struct rdt_store **out, struct rdt_err *err)
{
    struct rdt_store *store = calloc(1, sizeof *store);
    if (store != NULL)
        store->turns = turns_new();
    if (store == NULL || store->turns == NULL) {
        free(store);
        return rdt_fail(err, RDT_E_NOMEM, "store");
    }
    const struct rdt_engine_ops *ops = &rdt_engine_sqlite;
    enum rdt_code code = ops->open(opts, &store->engine, &store->revision, err);
    if (code != RDT_OK) {
        rdt_store_close(store);
        return rdt_fail_in(err, code, "store");
    }
    *out = store;
    return RDT_OK;
}

void
rdt_store_close(struct rdt_store *store)
{
    if (store == NULL)
        return;
    if (store->engine != NULL)
        store->engine->ops->close(store->engine);
    turns_free(store->turns);
    free(store);
}

void
rdt_store_close_at(struct rdt_store **store)
{
    rdt_store_close(*store);
    *store = NULL;
}

uint64_t
rdt_store_revision(const struct rdt_store *store)
{
    return __atomic_load_n(&store->revision, __ATOMIC_ACQUIRE);
}

/* ---- commit ---- */

static enum rdt_code
check_rows(const struct rdt_commit *commit, size_t *bytes, struct rdt_err *err)
{
    for (size_t i = 0; i < commit->n_rows; i++) {
        const struct rdt_row *row = &commit->rows[i];
        if (row->id.n < 1 || row->id.n > RDT_STORE_ID_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "commit: an id of %zu bytes", row->id.n);
        if (row->body.n > RDT_STORE_BODY_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "commit: a row of %zu bytes", row->body.n);
        if (row->body.p != NULL && row->revision > commit->revision)
            return rdt_fail(err, RDT_E_STATE, "commit: a row of a later revision");
        *bytes += row->id.n + row->body.n;
    }
    return RDT_OK;
}

static enum rdt_code
check_commit(const struct rdt_store *store, const struct rdt_commit *commit, struct rdt_err *err)
{
    size_t bytes = 0;
    if (commit->n_rows > RDT_STORE_CHANGES_MAX || commit->n_outbox > RDT_STORE_CHANGES_MAX ||
        commit->n_sent > RDT_STORE_CHANGES_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "commit: more than %d changes", RDT_STORE_CHANGES_MAX);
    if (commit->revision > INT64_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "commit: the revision");
    bool tidies = commit->n_rows == 0 && commit->n_outbox == 0;
    if (commit->revision < store->revision || (commit->revision == store->revision && !tidies))
        return rdt_fail(err, RDT_E_STATE, "commit: the store is at this revision already");
    enum rdt_code code = check_rows(commit, &bytes, err);
    if (code != RDT_OK)
        return code;
    for (size_t i = 0; i < commit->n_outbox; i++) {
        size_t n = commit->outbox[i].record.n;
        if (n < 1 || n > RDT_STORE_RECORD_MAX)
            return rdt_fail(err, RDT_E_LIMIT, "commit: an outbox record of %zu bytes", n);
        bytes += n;
    }
    if (bytes > RDT_STORE_COMMIT_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "commit: %zu bytes", bytes);
    return RDT_OK;
}

static enum rdt_code
give_up(struct rdt_store *store, const struct rdt_err *why, struct rdt_err *err)
{
    store->dead = true;
    return rdt_fail_in(err, RDT_E_IO, "whether it was committed cannot be told (%s)", why->text);
}

/* It was found after all: made durable, it is done. */
static enum rdt_code
harden(struct rdt_store *store, struct rdt_err *err)
{
    struct rdt_err why = {0};
    if (store->engine->ops->harden(store->engine, &why) != RDT_OK)
        return give_up(store, &why, err);
    if (err != NULL)
        *err = (struct rdt_err){0};
    return RDT_OK;
}

/* What is on disk decides. */
static enum rdt_code
settle_commit(struct rdt_store *store, uint64_t wanted, enum rdt_code code, struct rdt_err *err)
{
    uint64_t now = 0;
    struct rdt_err why = {0};
    if (store->engine->ops->settle(store->engine, &now, &why) != RDT_OK)
        return give_up(store, &why, err);
    if (now == store->revision) /* sent entries may be gone where only they were to go: no harm */
        return code;
    if (now == wanted)
        return harden(store, err);
    store->dead = true; /* someone else was faster than we could come back */
    return rdt_fail(err, RDT_E_STATE, "commit: somebody else wrote");
}

enum rdt_code
rdt_store_commit(struct rdt_store *store, const struct rdt_commit *commit, struct rdt_err *err)
{
    bool unknown = false;
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    code = check_commit(store, commit, err);
    if (code == RDT_OK)
        code = store->engine->ops->commit(store->engine, commit, &unknown, err);
    if (unknown)
        code = settle_commit(store, commit->revision, code, err);
    if (code == RDT_OK)
        __atomic_store_n(&store->revision, commit->revision, __ATOMIC_RELEASE);
    return leave(store, code);
}

/* ---- values ---- */

static enum rdt_code
check_name(const char *name, struct rdt_err *err)
{
    size_t n = strnlen(name, RDT_STORE_NAME_MAX + 1);
    if (n < 1 || n > RDT_STORE_NAME_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a value's name of %zu bytes or more", n);
    return RDT_OK;
}

/* A value has no revision: it took if it is what it should be. */
static enum rdt_code
settle_value(struct rdt_store *store, const char *name, struct rdt_span value, enum rdt_code code,
             struct rdt_err *err)
{
    uint64_t now = 0;
    struct rdt_err why = {0};
    RDT_BUF got = {0};
    if (store->engine->ops->settle(store->engine, &now, &why) != RDT_OK)
        return give_up(store, &why, err);
    if (store->engine->ops->value(store->engine, name, &got, NULL) != RDT_OK ||
        !rdt_span_eq(rdt_buf_span(&got), value))
        return code;
    return harden(store, err);
}

enum rdt_code
rdt_store_put_value(struct rdt_store *store, const char *name, struct rdt_span value,
                    struct rdt_err *err)
{
    bool unknown = false;
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    code = check_name(name, err);
    if (code == RDT_OK && value.n > RDT_STORE_BODY_MAX)
        code = rdt_fail(err, RDT_E_LIMIT, "value '%s': %zu bytes", name, value.n);
    if (code == RDT_OK)
        code = store->engine->ops->put_value(store->engine, name, value, &unknown, err);
    if (unknown)
        code = settle_value(store, name, value, code, err);
    return leave(store, code);
}

enum rdt_code
rdt_store_value(struct rdt_store *store, const char *name, struct rdt_buf *out, struct rdt_err *err)
{
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    code = check_name(name, err);
    if (code == RDT_OK)
        code = store->engine->ops->value(store->engine, name, out, err);
    return leave(store, code);
}

/* ---- reading and copying ---- */

enum rdt_code
rdt_store_rows(struct rdt_store *store, rdt_row_fn *fn, void *user, struct rdt_err *err)
{
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    return leave(store, store->engine->ops->rows(store->engine, fn, user, err));
}

enum rdt_code
rdt_store_outbox(struct rdt_store *store, rdt_outbox_fn *fn, void *user, struct rdt_err *err)
{
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    return leave(store, store->engine->ops->outbox(store->engine, fn, user, err));
}

enum rdt_code
rdt_store_copy(struct rdt_store *store, const char *path, struct rdt_err *err)
{
    enum rdt_code code = enter(store, err);
    if (code != RDT_OK)
        return code;
    const struct rdt_pause pause = {let_others, store->turns};
    return leave(store, store->engine->ops->copy(store->engine, path, &pause, err));
}
