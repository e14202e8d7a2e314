/*
 * life_internal.h - drain and death of versions and keys (SECURITY-DESIGN section 6): the
 * registered stores, what a census says, what stands in the way, the credited clock, the end.
 *
 * A version walks retained, draining, drained, quiesced, destroyed. A key whose deletion is
 * scheduled walks as a whole: its versions keep their states, and the key's own drain_no and
 * quiet_s stand for all of them (docs/adr/0018-census-and-death.md). Each drain of a key has a
 * number; a nonce carries the number of the newest one, and a report counts for drains up to that
 * of its nonce: what was looked at before a drain began never counts for it, whatever clocks say.
 */
#ifndef RDT_KMS_LIFE_INTERNAL_H
#define RDT_KMS_LIFE_INTERNAL_H

#include "kms/call_internal.h"

#define DAY_S ((int64_t)86400)
#define DAY_MS ((int64_t)86400000)
#define WAITING_DAYS_MIN 7 /* before destruction, whatever a site says */
#define WAITING_DAYS_MAX 3650
#define BACKUP_DAYS 35    /* how long backups are kept, if the site says nothing */
#define CREDIT_STORE_S 60 /* the credited clock is stored this often */
/* The highest time is stored so far behind: a small correction of the clock is no step back. */
#define HIGHEST_BEHIND_MS ((int64_t)60000)

/* ---- census.c ---- */

/* rdt_version_id, rdt_report_id - ids of rows: key UUID | u32 number, store name | 00 | key UUID.
 */
void rdt_version_id(const uint8_t key[static 16], uint32_t number, uint8_t out[static 20]);
void rdt_report_id(struct rdt_span store, const uint8_t key[static 16], struct rdt_buf *out);

/* rdt_store_of - a registered store that may hold data under a key; NULL: it is none. */
const struct rdt_store_reg *rdt_store_of(struct rdt_view view, struct rdt_span name,
                                         const uint8_t key[static 16]);
/* rdt_store_after - the first store of a key after one's name (NULL: the very first). */
const struct rdt_store_reg *rdt_store_after(struct rdt_view view, const uint8_t key[static 16],
                                            const char *name);

/* rdt_scanner_named - by its name; NULL: none. */
const struct rdt_scanner *rdt_scanner_named(struct rdt_view view, struct rdt_span name);
/* rdt_scanner_covers - whether it may report on a store. */
bool rdt_scanner_covers(const struct rdt_scanner *scanner, struct rdt_span store);

/* rdt_report_of - the newest report of a store about a key; NULL: none. */
const struct rdt_census_report *rdt_report_of(struct rdt_view view, struct rdt_span store,
                                              const uint8_t key[static 16]);
/* rdt_report_count - values under a version; version 0: under any that is not destroyed. */
uint64_t rdt_report_count(struct rdt_view view, const struct rdt_census_report *report,
                          uint32_t version);

/*
 * rdt_store_register - a store may hold data under a key; versions on their way out that were found
 * drained go back, since nobody has looked there. Nothing happens when it is registered.
 * False: out of memory.
 */
bool rdt_store_register(struct rdt_tx *tx, struct rdt_span name, struct rdt_span kind,
                        const uint8_t key[static 16], int64_t now_ms);

/* rdt_count_int - a count as an answer says it: cut where readers of JSON have no number for it. */
static inline int64_t
rdt_count_int(uint64_t count)
{
    return count > INT64_MAX ? INT64_MAX : (int64_t)count;
}

/* ---- drain.c ---- */

/* What is about to die: a version, or (NULL) a key as a whole. */
struct gate {
    struct rdt_view view;
    const struct rdt_kms *kms;
    const struct rdt_key *key;
    const struct rdt_version *version;
    int64_t now_ms;
};

/* A reason why not yet; text is borrowed during the call. */
typedef void rdt_blocker_fn(void *user, const char *text);

/* rdt_gate_census - what keeps the census from being empty and whole. How many; none: it is. */
size_t rdt_gate_census(const struct gate *gate, rdt_blocker_fn *tell, void *user);
/* rdt_gate_stated - the quorum has said since its drain began that no store holds anything. */
bool rdt_gate_stated(const struct gate *gate);
/* rdt_gate_holds - sealed files whose retention has not ended. */
size_t rdt_gate_holds(const struct gate *gate, rdt_blocker_fn *tell, void *user);
/* rdt_gate_held_by - whether a sealed file holds it, or has held it. */
bool rdt_gate_held_by(const struct gate *gate, const struct rdt_hold *hold);
/* rdt_gate_waiting - seconds of credited time still to pass. */
int64_t rdt_gate_waiting(const struct gate *gate);
/* rdt_gate_blockers - all that stands between it and its end; next steps too. */
size_t rdt_gate_blockers(const struct gate *gate, rdt_blocker_fn *tell, void *user);
/* rdt_gate_open - nothing stands in its way but the quorum. */
bool rdt_gate_open(const struct gate *gate);

/* rdt_gate_approved - whether the quorum approves its destruction now; id of the request.
 * rdt_gate_at_call - it has approved already, when the deletion was scheduled, and that drain has
 * not begun anew. */
bool rdt_gate_approved(const struct gate *gate, uint8_t id[static 16]);
bool rdt_gate_at_call(const struct gate *gate);

/*
 * rdt_gate_parameters - parameters of the approval key-destroy: Key, and Version of a version.
 * rdt_gate_root_of - the census root of such parameters: for the table of approvals.
 */
void rdt_gate_parameters(const struct gate *gate, struct rdt_buf *out);
bool rdt_gate_root_of(struct rdt_view view, struct rdt_span parameters, uint8_t out[static 32]);

/*
 * rdt_census_root - what approvers sign of a census: for which key and version, of each registered
 * store its scanner and what it found, the quorum's statement. A later report that finds the same
 * leaves it as it is.  False: out of memory.
 */
bool rdt_census_root(const struct gate *gate, uint8_t out[static 32]);

/* rdt_drain_begin - a version becomes draining. False: out of memory. */
bool rdt_drain_begin(struct rdt_tx *tx, const struct rdt_version *version, int64_t now_ms);
/* rdt_drain_restart - the drain of a key whose deletion is scheduled begins, or begins anew. */
bool rdt_drain_restart(struct rdt_tx *tx, const uint8_t key[static 16]);
/* rdt_drain_found - a census found data: drained and quiesced versions with a count go back, and so
 * does the key's own drain. */
bool rdt_drain_found(struct rdt_tx *tx, const struct rdt_census_report *report, int64_t now_ms);
/* rdt_drain_advance - draining versions whose census is empty and whole become drained. */
bool rdt_drain_advance(struct rdt_call *call, const struct rdt_key *key);
/* rdt_drain_back - drained and quiesced versions of a key go back to draining. */
bool rdt_drain_back(struct rdt_tx *tx, const uint8_t key[static 16], int64_t now_ms);

/*
 * rdt_drain_refused - a use was refused: of a quiesced version, or (version 0) of a key that is
 * disabled or pending deletion. rdt_drain_used - a use of a version succeeded: a drained one is not
 * drained, nor one that was quiesced since. rdt_drain_enabled - a key was enabled again.
 * rdt_drain_floor - refused uses were lost. False: out of memory.
 */
bool rdt_drain_refused(struct rdt_tx *tx, const uint8_t key[static 16], uint32_t version,
                       int64_t now_ms);
bool rdt_drain_used(struct rdt_tx *tx, const uint8_t key[static 16], uint32_t version,
                    int64_t now_ms);
bool rdt_drain_enabled(struct rdt_tx *tx, const uint8_t key[static 16], int64_t now_ms);
bool rdt_drain_floor(struct rdt_tx *tx);

/* ---- time.c ---- */

/* rdt_clock_system - the machine's clocks. */
void rdt_clock_system(void *user, int64_t *real_ms, int64_t *boot_ms);

/*
 * rdt_time_tick - credit what has passed; store it and the highest time when that is due.
 *
 *   why   set to fixed words when the clock is not to be trusted from now on
 *
 * False: out of memory.
 */
bool rdt_time_tick(struct rdt_kms *kms, struct rdt_tx *tx, int64_t now_ms, const char **why);
/* rdt_time_settle - the end of that commit. */
void rdt_time_settle(struct rdt_kms *kms, bool durable);
/* rdt_time_block - record it and block, unless that is done; what was to confirm an earlier jump is
 * void. */
void rdt_time_block(struct rdt_kms *kms, struct rdt_kms_thread *thread, const char *why);
/* rdt_credited_s - the credited clock as it is stored; a waiting that begins now counts from here.
 */
int64_t rdt_credited_s(struct rdt_view view);

/* ---- missed.c ---- */

/*
 * rdt_missed_uses - at the start: uses at the end of the log, refused or not, which a stop may have
 * kept from being counted, into kms->missed.  Fails: as rdt_audit_each(); RDT_E_NOMEM.
 */
enum rdt_code rdt_missed_uses(struct rdt_kms *kms, const char *dir, struct rdt_err *err);

/* ---- op_store.c ---- */

/* rdt_store_name_check - ValidationException unless it is the name of a store, or of a scanner. */
enum rdt_fault rdt_store_name_check(struct rdt_call *call, struct rdt_span name);

/* ---- op_version.c ---- */

/* rdt_call_version - the version of call->key that the input names. */
enum rdt_fault rdt_call_version(struct rdt_call *call, const struct rdt_version **out);

#endif
