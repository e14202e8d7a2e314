/*
 * call_internal.h - what a handler sees: who calls, the input as tokens, a view of the rows, a
 * transaction to change them, an answer to write, a note for the audit record.
 */
#ifndef RDT_KMS_CALL_INTERNAL_H
#define RDT_KMS_CALL_INTERNAL_H

#include "codec/jout.h"
#include "codec/jtok.h"
#include "kms/context.h"
#include "kms/kms.h"

#define ARN_TEXT 256       /* bytes of an ARN: 256 for an alias */
#define DOMAINS_MAX 64     /* domain keys in memory */
#define PLAINTEXT_MAX 4096 /* bytes of a plaintext or data key */
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
    struct sign_cache *signing;  /* auth.c: signing keys of the day */
    uint8_t due_at[16];          /* life.c: where the search for due keys goes on */
    struct rdt_kms_thread *next; /* kms->late */
};

struct rdt_kms {
    struct rdt_store *store;
    struct rdt_state *state;
    struct rdt_audit *audit;
    struct rdt_signer *signer;
    struct rdt_audit_writer *log;
    struct rdt_secret rows, digest, cursor, hedge, context; /* from the root */
    struct rdt_secret domains[DOMAINS_MAX];                 /* by number - 1; empty: not there */
    struct rdt_policy *default_policy;
    uint8_t deployment[16];
    char account[16], region[64];
    char arn_prefix[128]; /* "arn:aws:kms:REGION:ACCOUNT:" */
    bool development;
    const char *custody;   /* of the weakest seal */
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
    const struct rdt_principal *principal; /* NULL: the service itself */
    const struct rdt_key *key;             /* of op->key, allowed and in a fitting state */
    struct rdt_span alias;                 /* "alias/x" when KeyId was one */
    struct rdt_context *context;           /* of EncryptionContext; NULL: the operation has none */
    struct note note;
    bool keep; /* commit what was changed although the call fails */
};

/* ---- call.c ---- */

/* call_run - validate, resolve, authorise, check the state, run, note. */
enum rdt_fault call_run(struct rdt_call *call);

/* call_fail - set the message and answer the fault, so that `return call_fail(...)` reads. */
enum rdt_fault call_fail(struct rdt_call *call, enum rdt_fault fault, const char *fmt, ...)
    RDT_PRINTF(3, 4);

/* call_dry_run - DryRunOperationException when the input asks for one; call it right before the
 * effect. */
enum rdt_fault call_dry_run(struct rdt_call *call);

/* call_key - resolve, authorise under an action and check the state of one more key. */
enum rdt_fault call_key(struct rdt_call *call, struct rdt_span id, const char *action,
                        const struct rdt_context *context, const struct rdt_key **out);

/* call_state - the matrix alone. */
enum rdt_fault call_state(struct rdt_call *call, const struct rdt_key *key,
                          enum rdt_op_states states);

/* call_allowed - whether the caller may do an action on a key (NULL: on `resource`). */
bool call_allowed(struct rdt_call *call, const char *action, const struct rdt_key *key,
                  struct rdt_span resource, const struct rdt_context *context);

/* ---- shared by handlers ---- */

/* put_metadata - KeyMetadata as the whole answer. */
void put_metadata(struct rdt_call *call, const struct rdt_key *key);

/* add_version - a new version with new material, current. */
enum rdt_fault add_version(struct rdt_call *call, const struct rdt_key *key, uint32_t number,
                           enum rdt_rotation_type type);

/* principal_named - by its name; NULL: none. */
const struct rdt_principal *principal_named(struct rdt_view view, struct rdt_span name);

/* edit_key - call->key to be changed; NULL: out of memory. */
struct rdt_key *edit_key(struct rdt_call *call);

/* policy_put, tags_put - check and set a member of the input; an absent one changes nothing. */
enum rdt_fault policy_put(struct rdt_call *call, struct rdt_key *key, struct rdt_span document);
enum rdt_fault tags_put(struct rdt_call *call, struct rdt_key *key, const char *member);

/* rotate - the current version becomes retained, a new one current. */
enum rdt_fault rotate(struct rdt_call *call, struct rdt_key *key, enum rdt_rotation_type type);

/* out_of_memory - so that `return out_of_memory(call)` reads. */
enum rdt_fault out_of_memory(struct rdt_call *call);

/* ---- input.c ---- */

/* input_check - the members of a row against the input; ValidationException,
 * SerializationException. */
enum rdt_fault input_check(struct rdt_call *call);

/* Values of checked input; empty, 0 or otherwise when the member is absent. */
struct rdt_span in_text(const struct rdt_call *call, const char *name);
int64_t in_int(const struct rdt_call *call, const char *name, int64_t otherwise);
bool in_bool(const struct rdt_call *call, const char *name);
bool in_has(const struct rdt_call *call, const char *name);
uint32_t in_token(const struct rdt_call *call, const char *name); /* 0: absent */

/* in_blob - a BLOB member decoded in place in the body; borrowed. */
struct rdt_span in_blob(struct rdt_call *call, const char *name);

/* in_context - read a map member into a context, sorted, canonical; ValidationException. */
enum rdt_fault in_context(struct rdt_call *call, const char *name, struct rdt_context *out);

/* ---- arn.c ---- */

void key_arn(const struct rdt_kms *kms, const uint8_t id[static 16], char out[static ARN_TEXT]);
void principal_arn(const struct rdt_kms *kms, const char *name, char out[static RDT_CALLER_TEXT]);

/*
 * arn_key - what a KeyId names.
 *
 *   any     alias names and alias ARNs are taken too
 *   alias   set to "alias/x" when it was one
 *
 * NotFoundException, InvalidArnException with AWS's short texts.
 */
enum rdt_fault arn_key(struct rdt_call *call, struct rdt_span id, bool any,
                       const struct rdt_key **out, struct rdt_span *alias);

/* ---- material.c ---- */

/* material_new - new material for a key's version: wrapped, with its id; fills version. */
enum rdt_code material_new(struct rdt_call *call, struct rdt_version *version, struct rdt_err *err);

/* material_open - unwrap into thread->material; the caller clears it after use. */
enum rdt_code material_open(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                            const struct rdt_version *version);

/* wrap_put, wrap_open - any secret under a domain key, AAD
 * deployment|kind|id|version|purpose|tenant. */
struct wrap_at {
    enum rdt_kind kind;
    struct rdt_span id;
    uint32_t version;
    const char *purpose;
    const uint8_t *tenant; /* 16 bytes, or NULL */
};
enum rdt_code wrap_put(struct rdt_kms *kms, struct rdt_worker *worker, const struct wrap_at *at,
                       const struct rdt_secret *secret, uint32_t domain, struct rdt_bytes *out);
enum rdt_code wrap_open(struct rdt_kms *kms, struct rdt_kms_thread *thread,
                        const struct wrap_at *at, uint32_t domain, struct rdt_span wrapped,
                        struct rdt_secret *out);

/* ---- page.c: lists with MAC-ed cursors ---- */

/*
 * page_begin - Limit and Marker of a list.
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
enum rdt_fault page_begin(struct rdt_call *call, int64_t normal, int64_t most, struct page *out);

/* page_end - write NextMarker (when last is not empty: there is more after it) and Truncated. */
void page_end(struct rdt_call *call, struct rdt_span last, bool more);

/* ---- usage.c ---- */

struct usage *usage_new(void); /* NULL: out of memory */
void usage_free(struct usage *usage);
void usage_count(struct usage *usage, const struct rdt_call *call,
                 const struct rdt_version *version, bool wrap);
/* usage_refused - a quiesced version was asked for: it goes back to draining. */
void usage_refused(struct usage *usage, const struct rdt_version *version);
/* usage_collect - move what a thread counted into rows. On the writer's thread. */
void usage_collect(struct usage *usage, struct rdt_tx *tx, int64_t now_ms);

/* ---- auth.c ---- */

struct sign_cache *sign_cache_new(struct rdt_err *err); /* NULL: out of memory, not lockable */
void sign_cache_free(struct sign_cache *cache);

/* ---- log.c ---- */

struct kms_late; /* what changes while the service runs: threads, counters, outbox ids to remove */
struct kms_late *late_new(void); /* NULL: out of memory */
void late_free(struct kms_late *late);

/* log_append - append records and wait until they are on disk. On the writer's thread. */
enum rdt_code log_append(struct rdt_kms *kms, const struct rdt_span *records, size_t n);

/* log_sent - remember that an outbox entry is in the log; log_take_sent - those to be removed by
 * the next commit, borrowed until log_forget_sent(). */
void log_sent(struct rdt_kms *kms, const uint8_t id[static 16]);
const uint8_t (*log_take_sent(struct rdt_kms *kms, size_t *n))[16];
void log_forget_sent(struct rdt_kms *kms);

/* log_outbox_mac - authenticates an outbox entry: HMAC(row key, label | id | record). */
enum rdt_code log_outbox_mac(struct rdt_kms *kms, struct rdt_worker *worker,
                             struct rdt_outbox *entry);

/* log_counted - count a finished call for the metrics. */
void log_counted(struct rdt_kms *kms, const struct rdt_request *request);

/* log_refusals - once a minute, what strangers tried. On the writer's thread. */
void log_refusals(struct rdt_kms *kms, int64_t now_ms);

/* log_checkpoint_made, log_checkpoint_take - the newest checkpoint, from the log's thread to the
 * writer's, which puts it into the store. */
void log_checkpoint_made(void *kms, struct rdt_span checkpoint);
bool log_checkpoint_take(struct rdt_kms *kms, struct rdt_buf *out);

/* log_thread_add, log_thread_remove - threads whose counters the writer collects. */
void log_thread_add(struct rdt_kms *kms, struct rdt_kms_thread *thread);
void log_thread_remove(struct rdt_kms *kms, struct rdt_kms_thread *thread);
void log_collect_usage(struct rdt_kms *kms, struct rdt_tx *tx, int64_t now_ms);

/* ---- open.c ---- */

/* open_parts - keys, an empty store and state, a new log: for rdt_kms_make(). */
enum rdt_code open_parts(const struct rdt_kms_opts *opts, struct rdt_worker *worker,
                         struct rdt_kms **out, struct rdt_err *err);

/* open_keep_checkpoint - put the newest checkpoint beside the rows. On the writer's thread. */
void open_keep_checkpoint(struct rdt_kms *kms);

/* ---- life.c ---- */

/* life_due - do what is due by the clock, as calls of the service itself, each with its record. */
void life_due(struct rdt_kms *kms, struct rdt_kms_thread *thread, int64_t now_ms);

/* ---- audit_record.c ---- */

/* call_record - the audit record of a finished call, appended to request->record. */
void call_record(struct rdt_call *call, uint64_t revision, const uint8_t *digest);

/* record_take_back - the record from a place on said that a call succeeded; its commit then failed.
 */
void record_take_back(struct rdt_request *request, size_t from);

/* record_system - a record of the service's own doing. */
void record_system(const char *operation, const char *reason, int64_t now_ms, uint64_t revision,
                   const uint8_t *digest, const uint8_t id[static 16], struct rdt_buf *out);

#endif
