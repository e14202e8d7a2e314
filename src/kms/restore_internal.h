/*
 * restore_internal.h - what a log says after a backup, done again.
 */
#ifndef RDT_KMS_RESTORE_INTERNAL_H
#define RDT_KMS_RESTORE_INTERNAL_H

#include "kms/audit_record.h"
#include "kms/call_internal.h"
#include "kms/restore.h"

/* Ids of rows that come back closed: their policy was replaced by one that no log has. */
struct replay {
    struct rdt_restore *restore;
    struct rdt_tx *tx;
    int64_t newest_ms;               /* time of the newest record */
    struct rdt_buf keys, principals; /* UUIDs 16 */
    bool quorum_before;              /* there were approvers enough */
};

/*
 * rdt_replay_record - one record of a change that the backup lacks.
 * Fails: RDT_E_NOMEM.  An operation that is not known puts the service into quarantine.
 */
RDT_MUST_CHECK enum rdt_code rdt_replay_record(struct replay *replay,
                                               const struct rdt_audit_record *record,
                                               struct rdt_err *err);

/* rdt_replay_begin - before the first record.  rdt_replay_end - what follows from all of them. */
void rdt_replay_begin(struct replay *replay);
RDT_MUST_CHECK enum rdt_code rdt_replay_end(struct replay *replay, int64_t now_ms,
                                            struct rdt_err *err);

/* rdt_replay_knows - whether it knows what to do with an operation. */
bool rdt_replay_knows(const char *operation);

/* rdt_replay_why - a reason to stand in quarantine; the first one stays. */
void rdt_replay_why(struct rdt_restore *restore, const char *fmt, ...) RDT_PRINTF(2, 3);

/* ---- what the functions of the table share: replay.c ---- */

enum replay_done { REPLAY_NOTHING, REPLAY_DONE, REPLAY_NO_MEMORY };

/* rdt_replay_done - what became of an edit: row is NULL where there was no memory. */
static inline enum replay_done
rdt_replay_done(const void *row)
{
    return row != NULL ? REPLAY_DONE : REPLAY_NO_MEMORY;
}

/* rdt_replay_key, rdt_replay_site - a row to be changed; NULL: none, or out of memory.
 * rdt_replay_text, rdt_replay_number - a parameter of a record; empty or 0: it has none. */
struct rdt_key *rdt_replay_key(struct replay *replay, const uint8_t id[static 16]);
struct rdt_site *rdt_replay_site(struct replay *replay);
struct rdt_span rdt_replay_text(const struct rdt_audit_record *record, const char *name);
uint32_t rdt_replay_number(const struct rdt_audit_record *record, const char *name);

/* A row of the table: does again what a record says. */
typedef enum replay_done replay_fn(struct replay *replay, const struct rdt_audit_record *record);

/* rdt_replay_drains - what was on its way out begins anew; false: out of memory. The others are
 * rows of the table. */
bool rdt_replay_drains(struct replay *replay, int64_t now_ms);
replay_fn rdt_replay_census;
replay_fn rdt_replay_clock_block;
replay_fn rdt_replay_clock_confirm;
replay_fn rdt_replay_destroy;
replay_fn rdt_replay_domain;
replay_fn rdt_replay_export;
replay_fn rdt_replay_handle;
replay_fn rdt_replay_scanner;
replay_fn rdt_replay_seal;
replay_fn rdt_replay_store;
replay_fn rdt_replay_tenant_destroy;
replay_fn rdt_replay_tenant_rotate;
replay_fn rdt_replay_waiting;

/* ---- quarantine.c ---- */

/* rdt_quarantine_why - why the service stands in quarantine; NULL: it does not. */
const char *rdt_quarantine_why(struct rdt_view view);

/* rdt_quarantine_lets - whether a call may run there. */
bool rdt_quarantine_lets(const struct rdt_call *call);

#endif
