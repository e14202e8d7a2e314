/*
 * approval_internal.h - what needs the approval of a quorum, and how the parts of the service ask
 * for it: at the end (the scheduler asks rdt_approval_ready(), the effect takes the approval) or at
 * the call (rdt_approval_gate()).
 *
 * A request is void as soon as a row changes that it is bound to (approval_table.c says which), the
 * census root that it names is no longer right, or the set of approvers changes. Who moves a
 * version of a key calls rdt_approval_touch(): approvals for a key are bound to the key's row.
 */
#ifndef RDT_KMS_APPROVAL_INTERNAL_H
#define RDT_KMS_APPROVAL_INTERNAL_H

#include "kms/approval.h"
#include "kms/call_internal.h"
#include "kms/quota.h"

#define APPROVAL_HOURS 72 /* life of a request that names no other */
#define APPROVAL_HOURS_MAX                                                                         \
    168 /* under the least waiting time: none outlives a return to draining */
#define APPROVAL_REASON_MAX 512  /* bytes */
#define APPROVAL_OPEN_MAX 100    /* requests of one principal that are open or of the last day */
#define APPROVAL_KEPT_DAYS 90    /* a closed request stays to be looked at; the log has all */
#define APPROVAL_RECOVER_DAYS 30 /* credited, before a lost quorum gets a new approver */
#define APPROVAL_SIGNED ((size_t)80) /* bytes of one entry of rdt_approval.signatures */

/* What an approval is about: a row of the table of operations. */
struct approval_about {
    const char *operation;      /* "key-destroy": a row of approval_table.c */
    struct rdt_span parameters; /* pairs sorted by name, texts: "Key" = UUID, "Version" = "3" */
    const uint8_t *census_root; /* 32 bytes, or NULL: zeroes */
};

/*
 * rdt_approval_ready - whether an open request of exactly this has its quorum now; id becomes its.
 * For the scheduler; the effect takes it once more.
 */
bool rdt_approval_ready(struct rdt_view view, const struct rdt_kms *kms,
                        const struct approval_about *about, int64_t now_ms, uint8_t id[static 16]);

/*
 * rdt_approval_take - in the transaction of the effect: use an approval up, so that it works once.
 * Checked anew: signatures, that their makers are still approvers, that they and the requester are
 * distinct persons, the quorum, expiry, revisions, the census root, that the clock is not blocked.
 * A caller uses only what he asked for himself; the service itself uses anybody's.  Call it before
 * any row that it is bound to is changed.
 *
 * RDT_FAULT_NONE; call->note.approval is set.  AccessDeniedException: says what is missing and
 * the command that asks for it.  ClockException.
 */
enum rdt_fault rdt_approval_take(struct rdt_call *call, const struct approval_about *about);

/*
 * rdt_approval_gate - take it when it is there, else open a request and answer
 * AccessDeniedException with its id; the same call succeeds once that is approved.  Call it before
 * anything is changed: what was changed is kept.
 */
enum rdt_fault rdt_approval_gate(struct rdt_call *call, const struct approval_about *about);

/* rdt_approvals_on - whether there are approvers enough for a quorum. */
bool rdt_approvals_on(struct rdt_view view);

/* rdt_approval_touch - void what is approved about a key; false: no such key, out of memory. */
bool rdt_approval_touch(struct rdt_tx *tx, const uint8_t key[static 16]);

/* rdt_approval_void - close all requests of an operation that are still open; false: out of memory.
 */
bool rdt_approval_void(struct rdt_call *call, const char *operation);

/* rdt_approval_due - expire and forget what is too old, carry out recoveries that have waited. */
void rdt_approval_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms);

/* ---- approval_table.c ---- */

enum approval_binds { BINDS_NOTHING, BINDS_KEY, BINDS_PRINCIPAL, BINDS_TENANT, BINDS_STORE };

/* Computes the census root of now for parameters; false: there is none. */
typedef bool approval_census_fn(struct rdt_view view, struct rdt_span parameters,
                                uint8_t out[static 32]);

struct approval_operation {
    const char *name;
    const char *words;      /* "destroy ..." */
    const char *parameters; /* their names, sorted, separated by blanks; ? behind an optional one */
    enum approval_binds binds;
    bool by_call; /* only the call itself asks, which has the parameters in their one form */
    bool review;  /* stays open afterwards until an approver has looked at it */
    approval_census_fn *census; /* NULL: it binds none */
};

/* rdt_approval_operation - the row of a name; NULL: none. */
const struct approval_operation *rdt_approval_operation(struct rdt_span name);

/* ---- approval.c, for the operations on requests ---- */

/* A request and what it is held against. */
struct approval_look {
    struct rdt_view view;
    const struct rdt_kms *kms;
    int64_t now_ms;
};

/* rdt_approval_flaw - why a request can no longer be signed or used, in words; NULL: it can. */
const char *rdt_approval_flaw(const struct approval_look *look, const struct rdt_approval *row);

/* rdt_approval_count - distinct persons whose signatures hold. */
size_t rdt_approval_count(const struct approval_look *look, const struct rdt_approval *row);

/* rdt_approval_bytes_of - append the bytes that are signed with a verb. */
void rdt_approval_bytes_of(const struct rdt_kms *kms, const struct rdt_approval *row,
                           enum rdt_approval_verb verb, struct rdt_buf *out);

/* rdt_approval_note - what the audit record says of a request.  rdt_approval_note_bytes - and of
 * bytes that were handed out or signed: their SHA-256; who kept them can show that they were. */
void rdt_approval_note(struct rdt_call *call, const struct rdt_approval *row);
enum rdt_code rdt_approval_note_bytes(struct rdt_call *call, struct rdt_span bytes);

struct approval_wish {
    struct approval_about about;
    struct rdt_span reason;
    int64_t hours;
};

/* rdt_approval_open - a new request by the caller; *out is the row, to be changed at will. */
enum rdt_fault rdt_approval_open(struct rdt_call *call, const struct approval_wish *wish,
                                 struct rdt_approval **out);

/* rdt_approver_named - by name, or by public key in hexadecimal digits; NULL: none. */
const struct rdt_approver *rdt_approver_named(struct rdt_view view, struct rdt_span name);

/* rdt_same_person - without regard to blanks and to the case of ASCII letters; NULL is nobody. */
bool rdt_same_person(const char *one, const char *other);

/* rdt_approvers - how many there are.  rdt_quorum - approvals that an operation needs. */
size_t rdt_approvers(struct rdt_view view);
uint32_t rdt_quorum(struct rdt_view view);

/* rdt_approval_clock - ClockException while the clock has to be confirmed; that itself can be
 * approved. */
enum rdt_fault rdt_approval_clock(struct rdt_call *call, const char *operation);

/* rdt_approval_is_old - whether its time is over, open or not. */
bool rdt_approval_is_old(const struct rdt_approval *row, const struct rdt_site *site,
                         int64_t now_ms);

/* rdt_approval_is_recovery - whether it waits for a new approver in place of a lost quorum. */
bool rdt_approval_is_recovery(const struct rdt_approval *row);

/* rdt_approval_parameter - append a parameter in the one form that is signed: a key by its UUID, a
 * public key in small digits. */
enum rdt_fault rdt_approval_parameter(struct rdt_call *call, struct rdt_span name,
                                      struct rdt_span value, struct rdt_buf *out);

/* rdt_approver_parameters - Name, Person and PublicKey of the input, in the form that is signed. */
enum rdt_fault rdt_approver_parameters(struct rdt_call *call, struct rdt_buf *out);

/* rdt_approver_check - whether an approver of the parameters Name, Person and PublicKey could be
 * added; replace: also in place of the one of the same person.  rdt_approver_put - add it. */
enum rdt_fault rdt_approver_check(struct rdt_call *call, struct rdt_span parameters, bool replace);
enum rdt_fault rdt_approver_put(struct rdt_call *call, struct rdt_span parameters, bool replace);

#endif
