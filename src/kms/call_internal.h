/*
 * call_internal.h - what a handler sees: who calls, the input as tokens, a view of the rows, a
 * transaction to change them, an answer to write, a note for the audit record.
 */
#ifndef RDT_KMS_CALL_INTERNAL_H
#define RDT_KMS_CALL_INTERNAL_H

#include "codec/jout.h"
#include "codec/jtok.h"
#include "kms/context.h"
#include "kms/domain.h"
#include "kms/kms.h"

#define ARN_TEXT 256       /* bytes of an ARN: 256 for an alias */
#define PLAINTEXT_MAX 4096 /* bytes of a plaintext or data key */
#define TAGS_MAX 50        /* tags of one key */
#define BLOB_MAX 6144      /* bytes of a ciphertext that the model allows */

/* What the audit record says beyond who, what, when: filled by the handler, sizes zero: absent. */
struct note {
    uint8_t key[16], key2[16]; /* the key; ReEncrypt: the destination */
    uint8_t material[32];      /* id of the material used */
    uint8_t approval[16];
    struct rdt_buf parameters; /* pairs: what a mutation was about; no secret, no personal value */
    bool dry_run;
};

struct usage; /* usage.c: what one thread has counted since it was drained */

/* A thread's own: nothing here is shared, nothing is allocated per call. */
struct rdt_kms_thread {
    struct rdt_kms *kms;
    struct rdt_worker *worker;
    struct rdt_jdoc doc;
    struct rdt_context context, context2;
    struct rdt_secret material; /* 32: unwrapped for one call, then cleared */
    struct rdt_secret derived;  /* 32: a key of one request, cleared likewise */
    struct rdt_secret plain;    /* PLAINTEXT_MAX: plaintext of one call, then cleared */
    uint8_t blob[BLOB_MAX + 512];
    struct rdt_buf aad, scratch; /* kept, emptied before use */
    struct usage *usage;
    struct sign_cache *signing; /* auth.c: signing keys of the day */
    uint8_t seen_at[32];        /* tick.c: where the search for old replay rows goes on */
    uint8_t due_at[16];         /* life.c: where the search for due keys goes on */
    uint8_t version_at[20];     /* life.c: likewise among versions */
    uint8_t death_at[20];       /* life.c: likewise among certificates */
    int64_t destroy_after_ms;   /* life.c: after a destruction that failed, the next try */
    uint8_t handle_at[4], tenant_at[16], dying[16]; /* ring.c: likewise; destroyed last */
    struct rewrap_at {                              /* domain.c: where wrapping anew goes on */
        uint32_t under, kind; /* the domain key of this pass; which of the kinds */
        uint8_t id[64];
        size_t id_n;
        bool moved, failed; /* in this pass */
        int64_t next_ms;    /* after one that failed */
        int64_t looked_ms;  /* for what was destroyed */
    } rewrap;
    struct rdt_kms_thread *next; /* kms->late */
};

/*
 * Where the time comes from: CLOCK_REALTIME and CLOCK_BOOTTIME in milliseconds; tests put in clocks
 * of their own. What follows is the writer's memory between ticks.
 */
struct clock {
    void (*read)(void *user, int64_t *real_ms, int64_t *boot_ms);
    void *user;
    int64_t real_ms, boot_ms;     /* of the last tick; boot 0: there was none */
    int64_t from_real, from_boot; /* since when the two are compared */
    int64_t credit_ms;            /* credited, not stored yet */
    const char *why;              /* it jumped, and that is not recorded yet */
};

struct rdt_kms {
    struct rdt_store *store;
    struct rdt_state *state;
    struct rdt_audit *audit;
    struct rdt_signer *signer;    /* the log's thread alone may sign with it */
    struct rdt_signer *certifier; /* the same key for the writer's thread */
    struct rdt_audit_writer *log;
    struct rdt_secret rows, digest, cursor, hedge, context; /* from the root */
    struct rdt_domains domains;
    bool drop_domains; /* the root still has items that are retired */
    struct rdt_policy *default_policy;
    uint8_t deployment[16];
    char account[16], region[64];
    char *data;           /* the folder */
    char *audit_dir;      /* DATA/audit */
    char arn_prefix[128]; /* "arn:aws:kms:REGION:ACCOUNT:" */
    bool development;
    const char *custody;   /* of the weakest seal */
    struct clock clock;    /* time.c */
    struct usage *missed;  /* refused uses from before the start: missed.c */
    struct kms_late *late; /* kms.c: threads, sent outbox ids, refusals, ticks */
};

struct rdt_call {
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    struct rdt_request *request;
    const struct rdt_op *op;
    struct rdt_jdoc *in; /* token 0 is the input object */
    struct rdt_view view;
    struct rdt_tx *tx;                     /* WRITE only */
    const struct rdt_principal *principal; /* NULL: the service itself, or no longer valid */
    const struct rdt_key *key;             /* of op->key, allowed and in a fitting state */
    struct rdt_span alias;                 /* "alias/x" when KeyId was one */
    struct rdt_context *context;           /* of EncryptionContext; NULL: the operation has none */
    struct note note;
    bool keep; /* commit what was changed although the call fails */
};

/* ---- call.c ---- */

/* rdt_call_run - validate, resolve, authorise, check the state, run, note. */
enum rdt_fault rdt_call_run(struct rdt_call *call);

/* rdt_call_fail - set the message and answer the fault, so that `return rdt_call_fail(...)` reads.
 */
enum rdt_fault rdt_call_fail(struct rdt_call *call, enum rdt_fault fault, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/* rdt_call_dry_run - DryRunOperationException when the input asks for one; call it right before the
 * effect. */
enum rdt_fault rdt_call_dry_run(struct rdt_call *call);

/* rdt_call_key - resolve, authorise under an action and check the state of one more key. */
enum rdt_fault rdt_call_key(struct rdt_call *call, struct rdt_span id, const char *action,
                            const struct rdt_context *context, const struct rdt_key **out);

/*
 * rdt_call_let_go, rdt_call_take_up - around what takes long in a SLOW call: the rows' lock is not
 * held in between, and what was borrowed from rows is no more; principal and key become NULL.
 */
void rdt_call_let_go(struct rdt_call *call);
void rdt_call_take_up(struct rdt_call *call);

/* rdt_call_state - the matrix alone. */
enum rdt_fault rdt_call_state(struct rdt_call *call, const struct rdt_key *key,
                              enum rdt_op_states states);

/* rdt_call_allowed - whether the caller may do an action on a key (NULL: on `resource`). */
bool rdt_call_allowed(struct rdt_call *call, const char *action, const struct rdt_key *key,
                      struct rdt_span resource, const struct rdt_context *context);

/*
 * rdt_call_could - whether some request of a principal may do an action ("kms:Decrypt") on a key:
 * every condition of an allow is taken to hold, none of a deny.
 */
bool rdt_call_could(struct rdt_call *call, const struct rdt_principal *principal,
                    const char *action, const struct rdt_key *key);

/* ---- shared by handlers ---- */

/* rdt_put_metadata - KeyMetadata as the whole answer. */
void rdt_put_metadata(struct rdt_call *call, const struct rdt_key *key);

/* rdt_add_version - a new version with new material, current. */
enum rdt_fault rdt_add_version(struct rdt_call *call, const struct rdt_key *key, uint32_t number,
                               enum rdt_rotation_type type);

/* rdt_principal_named - by its name; NULL: none. */
const struct rdt_principal *rdt_principal_named(struct rdt_view view, struct rdt_span name);

/* rdt_edit_key - call->key to be changed; NULL: out of memory. */
struct rdt_key *rdt_edit_key(struct rdt_call *call);

/* rdt_policy_put, rdt_tags_put - check and set a member of the input; an absent one changes
 * nothing. */
enum rdt_fault rdt_policy_put(struct rdt_call *call, struct rdt_key *key, struct rdt_span document);
enum rdt_fault rdt_tags_put(struct rdt_call *call, struct rdt_key *key, const char *member);

/* rdt_alias_drop - remove an alias; rdt_alias_drop_all - all of a key. False: no memory is left. */
bool rdt_alias_drop(struct rdt_tx *tx, const struct rdt_alias *alias);
bool rdt_alias_drop_all(struct rdt_tx *tx, const uint8_t key[static 16]);

/* rdt_deletion_window - days that a deletion waits when the request names none. */
int64_t rdt_deletion_window(const struct rdt_key *key);

/*
 * rdt_blob_version - the version of call->key that made a ciphertext, if it may be used now. A try
 * under one that is quiesced counts as a use that was refused.
 */
struct rdt_blob;
enum rdt_fault rdt_blob_version(struct rdt_call *call, const struct rdt_blob *blob,
                                const struct rdt_version **out);

/* rdt_open_blob - decrypt a ciphertext of call->key into thread->plain; n bytes. */
enum rdt_fault rdt_open_blob(struct rdt_call *call, const struct rdt_blob *blob,
                             const struct rdt_context *context, size_t *n);

/* rdt_rotate - the current version becomes retained, a new one current. */
enum rdt_fault rdt_rotate(struct rdt_call *call, struct rdt_key *key, enum rdt_rotation_type type);

/* rdt_out_of_memory - so that `return rdt_out_of_memory(call)` reads. */
enum rdt_fault rdt_out_of_memory(struct rdt_call *call);

/* ---- input.c ---- */

/* rdt_input_check - the members of a row against the input; ValidationException,
 * SerializationException. */
enum rdt_fault rdt_input_check(struct rdt_call *call);

/* rdt_in_text, rdt_in_int, rdt_in_bool, rdt_in_has - values of checked input: empty, `otherwise` or
 * false when the member is absent. rdt_in_token - its token; 0: absent. */
struct rdt_span rdt_in_text(const struct rdt_call *call, const char *name);
int64_t rdt_in_int(const struct rdt_call *call, const char *name, int64_t otherwise);
bool rdt_in_bool(const struct rdt_call *call, const char *name);
bool rdt_in_has(const struct rdt_call *call, const char *name);
uint32_t rdt_in_token(const struct rdt_call *call, const char *name);

/* rdt_in_blob - a BLOB member decoded in place in the body; borrowed. */
struct rdt_span rdt_in_blob(struct rdt_call *call, const char *name);

/* rdt_in_context - read a map member into a context, sorted, canonical; ValidationException. */
enum rdt_fault rdt_in_context(struct rdt_call *call, const char *name, struct rdt_context *out);

/* ---- arn.c ---- */

/* rdt_key_arn, rdt_principal_arn - the ARN as text. */
void rdt_key_arn(const struct rdt_kms *kms, const uint8_t id[static 16], char out[static ARN_TEXT]);
void rdt_principal_arn(const struct rdt_kms *kms, const char *name,
                       char out[static RDT_CALLER_TEXT]);

/*
 * rdt_arn_key - what a KeyId names.
 *
 *   any     alias names and alias ARNs are taken too
 *   alias   set to "alias/x" when it was one
 *
 * NotFoundException, InvalidArnException with AWS's short texts.
 */
enum rdt_fault rdt_arn_key(struct rdt_call *call, struct rdt_span id, bool any,
                           const struct rdt_key **out, struct rdt_span *alias);

/* ---- material.c ---- */

/* rdt_material_new - new material for a key's version: wrapped, with its id; fills version. */
enum rdt_code rdt_material_new(struct rdt_call *call, struct rdt_version *version,
                               struct rdt_err *err);

/* rdt_material_open - unwrap into thread->material; the caller clears it after use. */
enum rdt_code rdt_material_open(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                                const struct rdt_version *version);

/*
 * rdt_wrap_put, rdt_wrap_open - a secret under a domain key, AAD
 * deployment|kind|id|version|purpose|tenant. Only rows of kinds that domain.c wraps anew may keep
 * one: what it does not know would be lost with the key. RDT_E_INTERNAL for others.
 */
struct wrap_at {
    enum rdt_kind kind;
    struct rdt_span id;
    uint32_t version;
    const char *purpose;
    const uint8_t *tenant; /* 16 bytes, or NULL */
};
enum rdt_code rdt_wrap_put(struct rdt_kms *kms, struct rdt_worker *worker, const struct wrap_at *at,
                           const struct rdt_secret *secret, uint32_t domain, struct rdt_bytes *out);
enum rdt_code rdt_wrap_open(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                            const struct wrap_at *at, uint32_t domain, struct rdt_span wrapped,
                            struct rdt_secret *out);

/* ---- page.c: lists with MAC-ed cursors ---- */

/*
 * rdt_page_begin - Limit and Marker of a list.
 *
 *   normal, most   page size if not given, and the largest
 *   after          the id to go on after, into a buffer of RDT_STORE_ID_MAX; empty at the start
 *
 * InvalidMarkerException: not one of ours for this operation and caller.
 */
struct page {
    int64_t limit;
    uint8_t after[RDT_STORE_ID_MAX];
    size_t after_n;
};
enum rdt_fault rdt_page_begin(struct rdt_call *call, int64_t normal, int64_t most,
                              struct page *out);

/* rdt_page_end - write NextMarker (when last is not empty: there is more after it) and Truncated.
 */
void rdt_page_end(struct rdt_call *call, struct rdt_span last, bool more);

/*
 * rdt_page_rows - a whole answer that lists the rows of a kind in the order of their ids.
 *
 *   name   of the array
 *   most   items of a page; a request may ask for fewer
 *   put    appends one row's item to the answer
 *
 * Fails: as rdt_page_begin().
 */
enum rdt_fault rdt_page_rows(struct rdt_call *call, const char *name, enum rdt_kind kind,
                             int64_t normal, int64_t most,
                             void (*put)(struct rdt_call *call, const void *row));

/* ---- usage.c ---- */

/* rdt_usage_new, rdt_usage_free - counters of a thread; NULL: out of memory. rdt_usage_count - a
 * call used a version. */
struct usage *rdt_usage_new(void);
void rdt_usage_free(struct usage *usage);
void rdt_usage_count(struct usage *usage, const struct rdt_call *call,
                     const struct rdt_version *version, bool wrap);
/* rdt_usage_refused - a quiesced version was asked for: it goes back to draining.
 * rdt_usage_refused_key - a key that is disabled or pending deletion was. */
void rdt_usage_refused(struct usage *usage, const struct rdt_version *version);
void rdt_usage_refused_key(struct usage *usage, const struct rdt_key *key);
/* rdt_usage_collect - put what a thread counted into rows; false: no memory, the transaction has to
 * go. rdt_usage_settle - the rows are durable: forget it. On the writer's thread. */
RDT_MUST_CHECK bool rdt_usage_collect(struct usage *usage, struct rdt_tx *tx, int64_t now_ms);
void rdt_usage_settle(struct usage *usage);

/* ---- auth.c ---- */

/* rdt_sign_cache_new, rdt_sign_cache_free - signing keys of a thread; NULL: out of memory, or
 * memory cannot be locked. */
struct sign_cache *rdt_sign_cache_new(struct rdt_err *err);
void rdt_sign_cache_free(struct sign_cache *cache);

/*
 * rdt_caller_principal - who calls, borrowed: asked for again where the call runs, since a call may
 * have waited for the writer, and a revocation that was answered meanwhile has to hold for it.
 * NULL: the credential or certificate is revoked or gone, or the service itself calls.
 */
const struct rdt_principal *rdt_caller_principal(struct rdt_view view,
                                                 const struct rdt_request *request);

/* ---- log.c ---- */

struct kms_late; /* what changes while the service runs: threads, counters, outbox ids to remove */
/* rdt_late_new, rdt_late_free - NULL: out of memory. */
struct kms_late *rdt_late_new(void);
void rdt_late_free(struct kms_late *late);

/*
 * rdt_log_append - append records and wait until they are on disk. On the writer's thread.
 *
 *   changed   they are of changes, which an administrator may still make when the disk is full;
 *             others must not use up the space that is kept for that
 */
enum rdt_code rdt_log_append(struct rdt_kms *kms, const struct rdt_span *records, size_t n,
                             bool changed);

/* rdt_log_append_at - the same for one record of a change; its index. */
enum rdt_code rdt_log_append_at(struct rdt_kms *kms, struct rdt_span record, uint64_t *index);

/* rdt_log_sent - remember that an outbox entry is in the log; rdt_log_take_sent - those to be
 * removed by the next commit, borrowed until rdt_log_forget_sent(). */
void rdt_log_sent(struct rdt_kms *kms, const uint8_t id[static 16]);
void rdt_log_take_sent(struct rdt_kms *kms, const uint8_t (**ids)[16], size_t *n);
void rdt_log_forget_sent(struct rdt_kms *kms);

/*
 * rdt_log_missed - a committed change whose record the log did not take.  rdt_log_catch_up - what
 * was missed goes there now, from the outbox; nothing if nothing was. On the writer's thread.
 */
void rdt_log_missed(struct rdt_kms *kms);
void rdt_log_catch_up(struct rdt_kms *kms, struct rdt_worker *worker);

/* rdt_log_outbox_mac - authenticates an outbox entry: HMAC(row key, label | id | record). */
enum rdt_code rdt_log_outbox_mac(struct rdt_kms *kms, struct rdt_worker *worker,
                                 struct rdt_outbox *entry);

/* rdt_log_counted - count a finished call for the metrics. */
void rdt_log_counted(struct rdt_kms *kms, const struct rdt_request *request);

/* rdt_log_refusals - once a minute, what strangers tried. On the writer's thread. */
void rdt_log_refusals(struct rdt_kms *kms, int64_t now_ms);

/* rdt_log_checkpoint_made, rdt_log_checkpoint_take - the newest checkpoint, from the log's thread
 * to the writer's, which puts it into the store. */
void rdt_log_checkpoint_made(void *kms, struct rdt_span checkpoint);
bool rdt_log_checkpoint_take(struct rdt_kms *kms, struct rdt_buf *out);

/* rdt_log_thread_add, rdt_log_thread_remove - threads whose counters rdt_log_collect_usage()
 * takes, on the writer's thread. */
void rdt_log_thread_add(struct rdt_kms *kms, struct rdt_kms_thread *thread);
void rdt_log_thread_remove(struct rdt_kms *kms, struct rdt_kms_thread *thread);
RDT_MUST_CHECK bool rdt_log_collect_usage(struct rdt_kms *kms, struct rdt_tx *tx, int64_t now_ms);

/* rdt_log_collected - whether the commit under way holds what was counted. rdt_log_settle_usage -
 * its end: durable, or not, and then the next commit takes the same counts again. */
bool rdt_log_collected(const struct rdt_kms *kms);
void rdt_log_settle_usage(struct rdt_kms *kms, bool durable);

/* ---- open.c ---- */

/* rdt_open_parts - keys, an empty store and state, a new log: for rdt_kms_make(). */
enum rdt_code rdt_open_parts(const struct rdt_kms_opts *opts, struct rdt_worker *worker,
                             struct rdt_kms **out, struct rdt_err *err);

/*
 * rdt_open_restored - what a backup left in a folder: keys, rows, the log or a new one. Neither are
 * store and log held against each other, nor does the log's thread start: for rdt_kms_restore().
 *
 *   known   as in struct rdt_audit_opts
 *
 * rdt_open_rows_alone - without any log.
 */
enum rdt_code rdt_open_restored(const struct rdt_kms_opts *opts, struct rdt_worker *worker,
                                struct rdt_span known, bool new_log, struct rdt_kms **out,
                                struct rdt_err *err);
enum rdt_code rdt_open_rows_alone(const struct rdt_kms_opts *opts, struct rdt_worker *worker,
                                  struct rdt_kms **out, struct rdt_err *err);

/* rdt_open_first_checkpoint - make one, and put it beside the rows; before the log's thread. */
enum rdt_code rdt_open_first_checkpoint(struct rdt_kms *kms, uint64_t revision,
                                        const uint8_t digest[static 32], struct rdt_err *err);

/* rdt_open_keep_checkpoint - put the newest checkpoint beside the rows. On the writer's thread. */
void rdt_open_keep_checkpoint(struct rdt_kms *kms);

/* ---- life.c ---- */

/*
 * rdt_life_due - do what is due by the clock, as calls of the service itself, each with its record.
 *
 *   settled   the tick's own commit is durable: refused uses are in the rows. Nothing is destroyed
 *             otherwise
 */
void rdt_life_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms, bool settled);

/* ---- ring.c ---- */

/* rdt_ring_due - a step of what is due in rings: handles to be moved, seeds to be erased. On the
 * writer's thread. */
void rdt_ring_due(struct rdt_kms *kms, struct rdt_kms_thread *thread);

/* ---- domain.c ---- */

/* rdt_domain_wraps - whether rows of a kind keep a wrap, which follows a change of the key. */
bool rdt_domain_wraps(enum rdt_kind kind);

/* rdt_domain_open - what has to be true of domain keys and rows at the start; and keys are made
 * ahead of time, since the root is open.  Fails: RDT_E_STATE (a key that rows need is missing). */
enum rdt_code rdt_domain_open(struct rdt_kms *kms, const struct rdt_kms_opts *opts,
                              struct rdt_err *err);

/* rdt_domain_due - a step of wrapping anew, if there is something to be. On the writer's thread. */
void rdt_domain_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms);

/* ---- audit_record.c ---- */

/* rdt_call_record - the audit record of a finished call, appended to request->record. */
void rdt_call_record(struct rdt_call *call, uint64_t revision, const uint8_t *digest);

/* rdt_record_take_back - the record from a place on said that a call succeeded; its commit then
 * failed.
 */
void rdt_record_take_back(struct rdt_request *request, size_t from);

/* rdt_record_system - a record of the service's own doing. */
void rdt_record_system(const char *operation, int64_t now_ms, uint64_t revision,
                       const uint8_t *digest, const uint8_t id[static 16], struct rdt_buf *out);

#endif
