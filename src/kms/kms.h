/*
 * kms.h - the key management service without its sockets: open a folder, authenticate a request,
 * run it. server/ frames requests around it; the audit log's thread stands beside it.
 *
 * Threads: each loop and the writer have a struct rdt_kms_thread of their own. rdt_kms_read() runs
 * on any loop; rdt_kms_write() on one writer thread only.
 */
#ifndef RDT_KMS_KMS_H
#define RDT_KMS_KMS_H

#include "codec/httphead.h"
#include "kms/op.h"
#include "kms/root.h"
#include "kms/state.h"
#include "store/audit_writer.h"

#define RDT_CLOCK_SKEW_S 300    /* a signature's time may differ from ours by this */
#define RDT_MESSAGE_MAX 512     /* bytes of an error's message */
#define RDT_WRITE_BATCH_MAX 256 /* calls of one commit */
#define RDT_CALLER_TEXT 160     /* bytes of a caller's ARN */

struct rdt_kms;
struct rdt_kms_thread;

struct rdt_kms_opts {
    const char *data;      /* the server's folder: store.db, audit/, root.json */
    struct rdt_root *root; /* borrowed during the call */
    struct rdt_root_open *open;
};

/* rdt_policy_everything - the identity policy of an administrator. */
extern const char rdt_policy_everything[];

struct rdt_kms_new {
    const char *account; /* 12 digits */
    const char *region;  /* 1..63 of a-z, 0-9 and - */
    bool development;
};

/*
 * rdt_kms_make - a new service in a folder without one: keys as items of the root, root.json, the
 * store with its site row, the audit log with its first record. It is made under DATA/.making and
 * moved into place with root.json last, so that a folder has a service or has none; what an
 * interrupted call left is made anew.
 *
 *   opts->root   a new root with its seals; opts->open unsealed
 *
 * Fails: RDT_E_STATE (there is a service, or a store without its root), RDT_E_BADINPUT (account,
 * region), RDT_E_FULL, RDT_E_IO, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_make(const struct rdt_kms_opts *opts,
                                          const struct rdt_kms_new *site, struct rdt_err *err);

/*
 * rdt_kms_open - take keys out of the root, open store and log, drain the outbox, check that the
 * store is the one that the log knows (revision and digest), start the log's thread.
 *
 *   out   caller closes it with rdt_kms_close()
 *
 * Fails, having changed nothing: RDT_E_TAMPERED (a row, the log, a store older than the log),
 * RDT_E_STATE (schema, another process), RDT_E_FULL, RDT_E_IO, RDT_E_NOMEM, as rdt_root_get().
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_open(const struct rdt_kms_opts *opts, struct rdt_kms **out,
                                          struct rdt_err *err);

/*
 * rdt_kms_domain_rotate - another domain key wraps what is new from now on; everything that is
 * wrapped follows in steps, by rdt_kms_tick(); then the old one goes from root.json and from
 * memory. A stop in between loses nothing.  On the writer's thread, or before there is one.
 *
 *   opts   with the root unsealed: a key that nobody has seen, and so are those made ahead of time.
 *          NULL: one of those that were made ahead of time, in root.json since then
 *
 * Fails, with nothing changed that matters: RDT_E_STATE (none is left that was made ahead of time;
 * root.json was changed by another), RDT_E_LIMIT (too many older ones are still in use), as
 * rdt_root_save() and rdt_kms_local().
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_domain_rotate(struct rdt_kms *kms,
                                                   struct rdt_kms_thread *thread,
                                                   const struct rdt_kms_opts *opts,
                                                   struct rdt_err *err);

struct rdt_domain_info {
    uint32_t current; /* number of the domain key that wraps what is new */
    int64_t since_ms; /* since when */
    size_t older;     /* others under which something is still wrapped, or may be */
    size_t ahead;     /* made ahead of time */
};

/* rdt_kms_domain_info - how domain keys stand. From any thread. */
void rdt_kms_domain_info(struct rdt_kms *kms, struct rdt_domain_info *out);

/* rdt_kms_close - a last checkpoint, then free; NULL is fine. No thread may be in a call. */
void rdt_kms_close(struct rdt_kms *kms);

/*
 * rdt_kms_thread_open - what one thread needs to run calls.  rdt_kms_thread_close - NULL is fine.
 * Fails: RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_thread_open(struct rdt_kms *kms, struct rdt_kms_thread **out,
                                                 struct rdt_err *err);
void rdt_kms_thread_close(struct rdt_kms_thread *thread);

/* Who calls, once that is known. */
struct rdt_caller {
    uint8_t principal[16];
    char arn[RDT_CALLER_TEXT];
    char credential[40]; /* access key id, or "cert:" and 16 digits of the fingerprint */
    char source[64];     /* the peer's address */
    bool by_signature;   /* signature below is set: a replay is refused */
    uint8_t signature[32];
    uint8_t certificate[32]; /* fingerprint, where there is no signature */
    bool internal;           /* the service itself: the scheduler */
};

struct rdt_request {
    const struct rdt_op *op;
    uint8_t *body; /* JSON; strings are unescaped in place */
    size_t body_n;
    struct rdt_caller caller;
    uint8_t id[16]; /* x-amzn-RequestId */
    int64_t now_ms;

    /* the answer */
    enum rdt_fault fault;
    char message[RDT_MESSAGE_MAX];
    struct rdt_buf *out;    /* JSON body, also of a fault */
    struct rdt_buf *record; /* the audit record: to be in the log before the answer leaves */
    int64_t hold_ms;        /* the answer leaves no sooner than this after the call; 0: at once */
};

/*
 * rdt_kms_authenticate - by client certificate if there is no Authorization header, else by SigV4.
 *
 *   fingerprint   of a verified client certificate, or NULL
 *   request       op, body, id, now_ms are set; becomes caller, or fault and message
 *
 * True: the caller is known. False: answer request->fault; nothing is recorded but a count by
 * source and reason (rdt_kms_refusal()).
 */
bool rdt_kms_authenticate(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                          const struct rdt_http_head *head, const uint8_t *fingerprint,
                          struct rdt_request *request);

/* rdt_kms_request_id - a new request id: a random UUID. */
void rdt_kms_request_id(struct rdt_kms_thread *thread, uint8_t out[static 16]);

/* rdt_kms_read - run a READ, DATA or unsupported operation; appends to out and record. */
void rdt_kms_read(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_request *request);

/*
 * rdt_kms_slow - run a SLOW operation: takes long, lets the rows go meanwhile. On return its record
 * is in the log: the answer may leave.  On a thread of its own.
 */
void rdt_kms_slow(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_request *request);

/*
 * rdt_kms_write - run WRITE operations in one commit, in order; appends to out and record of each.
 * On return the effects are committed and the records are in the log: the answers may leave. When
 * the commit or the log fails, each call answers KMSInternalException.
 */
void rdt_kms_write(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                   struct rdt_request *const *requests, size_t n);

/*
 * rdt_kms_local - a call by whoever holds the folder and its root: the first administrator is made
 * this way, and what the scheduler does. No policy is asked; it is recorded as the service's own.
 * On the writer's thread, or before there is one.
 *
 *   op     name of an operation of any table
 *   body   its JSON input
 *   out    appended: its JSON answer
 *
 * Fails: RDT_E_NOTFOUND (no such operation), RDT_E_DENIED (the call's fault; text has its message).
 */
RDT_MUST_CHECK enum rdt_code rdt_kms_local(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                                           const char *op, const char *body, struct rdt_buf *out,
                                           struct rdt_err *err);

/*
 * rdt_kms_tick - once a second on the writer's thread: usage counters, the clock, what is due
 * (rotation, deletion, expiry of approvals), old replay rows, summaries of refusals. One step of
 * bounded length.
 */
void rdt_kms_tick(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms);

/* rdt_kms_refusal - count an unauthenticated failure; from any thread. reason: static text. */
void rdt_kms_refusal(struct rdt_kms *kms, const char *source, const char *reason);

/* rdt_kms_log - the log's thread, to hand records to. */
struct rdt_audit_writer *rdt_kms_log(struct rdt_kms *kms);

/* rdt_kms_ready - RDT_OK when calls can be served: the log works, the clock and root are fine. */
enum rdt_code rdt_kms_ready(struct rdt_kms *kms, struct rdt_err *err);

/* rdt_kms_metrics - appended in the text format of Prometheus. From any thread. */
void rdt_kms_metrics(struct rdt_kms *kms, struct rdt_buf *out);

/* rdt_fault_body - `{"__type":...,"message":...}` of a request's fault, appended to its out. */
void rdt_fault_body(struct rdt_request *request);

#endif
