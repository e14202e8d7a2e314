/*
 * state.h - all rows in memory, and the transactions that change them.
 *
 * The state answers reads; nothing is read from the store after the start. Any number of threads
 * may read between rdt_state_lock_shared() and rdt_state_unlock(). One thread (the writer) makes
 * transactions: it works on copies, commits them to the store, and only then publishes them. The
 * writer's own reads, through a transaction's view, need no lock: nobody else changes anything.
 *
 * Each row carries HMAC(row key, u16 kind | u32 length of id | id | u64 revision | body). The
 * store's digest is HMAC(digest key, "redoubt digest v1" | u64 rows | sum), where sum is the sum of
 * HMAC(digest key, MAC) over all rows as 256-bit numbers modulo 2^256: it follows each change in
 * constant time, and whoever can write rows cannot make another set with the same digest.
 */
#ifndef RDT_KMS_STATE_H
#define RDT_KMS_STATE_H

#include "crypto/worker.h"
#include "kms/model.h"
#include "store/store.h"

struct rdt_state;
struct rdt_tx;

struct rdt_state_keys {
    const struct rdt_secret *rows, *digest; /* borrowed for as long as the state lives */
};

/*
 * rdt_state_load - read and check every row of a store. Policies are compiled for the account of
 * the site row.
 *
 * Fails: RDT_E_TAMPERED (a row's MAC, or a revision above the store's; the text says how many and
 * of which kinds), RDT_E_BADINPUT (a row that this version does not understand), RDT_E_NOMEM, as
 * rdt_store_rows() and rdt_kind_ready().
 *
 * Rows that are missing or older than they were have good MACs: whether digest and revision are
 * those of the newest checkpoint is for the caller to see.
 */
RDT_MUST_CHECK enum rdt_code rdt_state_load(struct rdt_store *store,
                                            const struct rdt_state_keys *keys,
                                            struct rdt_worker *worker, struct rdt_state **out,
                                            struct rdt_err *err);

/* rdt_state_free - NULL is fine. */
void rdt_state_free(struct rdt_state *state);

/*
 * rdt_state_lock_shared, rdt_state_unlock - for readers; what a view gives is borrowed meanwhile.
 * A thread takes it once: a writer that waits goes before a reader that asks again.
 */
void rdt_state_lock_shared(struct rdt_state *state);
void rdt_state_unlock(struct rdt_state *state);

/*
 * rdt_state_published - revision and digest of what is published, of one and the same moment.
 * From any thread, without a lock held.
 */
void rdt_state_published(const struct rdt_state *state, uint64_t *revision,
                         uint8_t digest[static 32]);

/* rdt_state_count - rows of a kind; under a lock. */
size_t rdt_state_count(const struct rdt_state *state, enum rdt_kind kind);

/*
 * What a call sees: the state, and in a transaction also what it (and those before it in the same
 * commit) changed.
 */
struct rdt_view {
    const struct rdt_state *state;
    const struct rdt_tx *tx; /* NULL: the published state alone */
};

/* rdt_view_get - the row of an id, borrowed; NULL when there is none. */
const void *rdt_view_get(struct rdt_view view, enum rdt_kind kind, struct rdt_span id);

/*
 * rdt_view_next - the first row of a kind whose id comes after `after` in byte order (empty: the
 * very first); NULL at the end.  id: its id, borrowed.
 */
const void *rdt_view_next(struct rdt_view view, enum rdt_kind kind, struct rdt_span after,
                          struct rdt_span *id);

/* rdt_view_revision - at which a row was written last; 0: no such row, or changed and not sealed.
 */
uint64_t rdt_view_revision(struct rdt_view view, enum rdt_kind kind, struct rdt_span id);

/*
 * rdt_view_site, rdt_view_key, rdt_view_version, rdt_view_principal - rdt_view_get() of one kind,
 * for reading ease.
 */
const struct rdt_site *rdt_view_site(struct rdt_view view);
const struct rdt_key *rdt_view_key(struct rdt_view view, const uint8_t id[static 16]);
const struct rdt_version *rdt_view_version(struct rdt_view view, const uint8_t key[static 16],
                                           uint32_t number);
const struct rdt_principal *rdt_view_principal(struct rdt_view view, const uint8_t id[static 16]);

/* rdt_view_key_alias - the next alias of a key after the id of a RDT_KIND_KEY_ALIAS row (empty: the
 * first); NULL at the end.  id: of that row, borrowed. */
const struct rdt_key_alias *rdt_view_key_alias(struct rdt_view view, const uint8_t key[static 16],
                                               struct rdt_span *id);

/*
 * rdt_view_version_after - the version of a key with the lowest number above `number`; NULL at the
 * end. Numbers have gaps where a census had seen a higher one, so this is how to walk over them.
 */
const struct rdt_version *rdt_view_version_after(struct rdt_view view, const uint8_t key[static 16],
                                                 uint32_t number);

/* ---- the writer ---- */

/*
 * rdt_tx_begin - start a commit.  out: ended by rdt_tx_commit() or rdt_tx_drop().
 * Fails: RDT_E_STATE (one is under way), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_tx_begin(struct rdt_state *state, struct rdt_tx **out,
                                          struct rdt_err *err);

/*
 * rdt_tx_edit - a copy of a row to be changed, seen by later reads of the same commit; NULL when
 * there is no such row or no memory.  Its id must not change.  The copy is borrowed until the next
 * mark: a later call edits a copy of its own.
 */
void *rdt_tx_edit(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id);

/*
 * rdt_tx_add - a new zeroed row; NULL when the id is taken, too long, or no memory is left.
 * The caller fills the members that rdt_kind_id() reads so that they give this id.
 */
void *rdt_tx_add(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id);

/* rdt_tx_remove - remove a row; false when there is none, or no memory is left. */
bool rdt_tx_remove(struct rdt_tx *tx, enum rdt_kind kind, struct rdt_span id);

/*
 * rdt_tx_mark, rdt_tx_undo - a mark before each call of a commit; when the call fails, also in its
 * seal, forget what it changed. Revision and digest are again those of the mark.
 */
size_t rdt_tx_mark(struct rdt_tx *tx);
void rdt_tx_undo(struct rdt_tx *tx, size_t mark);

/* rdt_tx_view - what the transaction sees. */
struct rdt_view rdt_tx_view(const struct rdt_tx *tx);

/* rdt_tx_changed - rows changed since a mark; 0: there is nothing to seal. */
size_t rdt_tx_changed(const struct rdt_tx *tx, size_t mark);

/* rdt_tx_added - whether a call since a mark made a new row of a kind; rdt_tx_rows - how many rows
 * of a kind the transaction sees. */
bool rdt_tx_added(const struct rdt_tx *tx, size_t mark, enum rdt_kind kind);
size_t rdt_tx_rows(const struct rdt_tx *tx, enum rdt_kind kind);

/*
 * rdt_tx_seal - settle what a call changed: policies are compiled, rows encoded and authenticated
 * at the next revision, the digest moved on.  Called once after each call that changed something,
 * so that its audit record can name both.  Where nothing changed both stay as they are.
 *
 *   revision, digest   of the store after this call
 *
 * Fails, to be undone by the caller: as rdt_kind_ready(), RDT_E_BADINPUT (a text that is no UTF-8),
 * RDT_E_LIMIT (a row above RDT_STORE_BODY_MAX, more rows than RDT_STORE_CHANGES_MAX in the commit),
 * RDT_E_NOMEM, RDT_E_INTERNAL (a row whose members give another id).
 */
RDT_MUST_CHECK enum rdt_code rdt_tx_seal(struct rdt_tx *tx, struct rdt_worker *worker,
                                         uint64_t *revision, uint8_t digest[static 32],
                                         struct rdt_err *err);

struct rdt_tx_records {
    const struct rdt_outbox *outbox; /* final audit records of its calls */
    size_t n_outbox;
    const uint8_t (*sent)[16]; /* earlier outbox entries that are in the log */
    size_t n_sent;
};

/*
 * rdt_tx_commit - make it durable, then publish it.  The transaction is gone in either case.
 * Where no call changed anything, only what was sent goes to the store.
 *
 *   records   NULL: none
 *
 * Fails, with nothing changed: as rdt_store_commit(); RDT_E_INTERNAL (a change that was not sealed,
 * audit records without a change).
 */
RDT_MUST_CHECK enum rdt_code rdt_tx_commit(struct rdt_tx *tx, struct rdt_store *store,
                                           const struct rdt_tx_records *records,
                                           struct rdt_err *err);

/* rdt_tx_drop - forget it; NULL is fine. */
void rdt_tx_drop(struct rdt_tx *tx);

#endif
