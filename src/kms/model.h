/*
 * model.h - what the service knows: one struct a kind of row, each with its table of fields in
 * model.c. A struct is immutable once it is in the state; changes are made to copies in a
 * transaction (kms/state.h).
 *
 * Times are milliseconds since 1970 (UTC). A zero id means: none.
 */
#ifndef RDT_KMS_MODEL_H
#define RDT_KMS_MODEL_H

#include "kms/policy.h"
#include "kms/record.h"

/* number in the store (never used again), enum, struct, id: see rdt_kind_id() */
#define RDT_KINDS(X)                                                                               \
    X(1, RDT_KIND_SITE, rdt_site)             /* one row: "site" */                                \
    X(2, RDT_KIND_KEY, rdt_key)               /* key UUID */                                       \
    X(3, RDT_KIND_VERSION, rdt_version)       /* key UUID | u32 number */                          \
    X(4, RDT_KIND_ALIAS, rdt_alias)           /* name, "alias/..." */                              \
    X(5, RDT_KIND_PRINCIPAL, rdt_principal)   /* principal UUID */                                 \
    X(6, RDT_KIND_CREDENTIAL, rdt_credential) /* access key id */                                  \
    X(7, RDT_KIND_CERT, rdt_client_cert)      /* fingerprint 32 */                                 \
    X(8, RDT_KIND_APPROVER, rdt_approver)     /* approver UUID */                                  \
    X(9, RDT_KIND_APPROVAL, rdt_approval)     /* request UUID */                                   \
    X(10, RDT_KIND_TENANT, rdt_tenant)        /* tenant UUID */                                    \
    X(11, RDT_KIND_HANDLE, rdt_handle)        /* u32 handle */                                     \
    X(12, RDT_KIND_SEED, rdt_seed)            /* u32 handle | u32 epoch */                         \
    X(13, RDT_KIND_STORE, rdt_store_reg)      /* store name */                                     \
    X(14, RDT_KIND_SCANNER, rdt_scanner)      /* scanner UUID */                                   \
    X(15, RDT_KIND_NONCE, rdt_census_nonce)   /* nonce 16 */                                       \
    X(16, RDT_KIND_REPORT, rdt_census_report) /* store name | 00 | key UUID */                     \
    X(17, RDT_KIND_HOLD, rdt_hold)            /* file id 16 */                                     \
    X(18, RDT_KIND_EXPORT, rdt_kek_export)    /* handle | epoch | principal UUID */                \
    X(19, RDT_KIND_USAGE, rdt_usage)          /* key UUID | u32 number; counters, no authority */  \
    X(20, RDT_KIND_SEEN, rdt_seen)            /* SHA-256 of a signature: a replay is refused */    \
    X(21, RDT_KIND_DEATH, rdt_death)          /* key UUID | u32 number: destruction certificate */ \
    X(22, RDT_KIND_DOMAIN, rdt_domain)        /* u32 number: the domain keys that wrap */          \
    X(23, RDT_KIND_GRANT, rdt_grant)          /* room for grants */                                \
    X(24, RDT_KIND_KEY_ALIAS, rdt_key_alias)  /* key UUID | name: a key's aliases, to find them */ \
    X(25, RDT_KIND_TENANT_NAME, rdt_tenant_name) /* name of a tenant that lives */

#define X(number, name, type) name = number,
enum rdt_kind { RDT_KINDS(X) RDT_KIND_END };
#undef X

/* ---- words and their tables ---- */

enum rdt_key_state {
    RDT_KEY_ENABLED = 1,
    RDT_KEY_DISABLED,
    RDT_KEY_PENDING_DELETION,
    RDT_KEY_PENDING_IMPORT
};
enum rdt_key_spec { RDT_SPEC_SYMMETRIC_DEFAULT = 1 }; /* others in their own issue */
enum rdt_key_usage { RDT_USAGE_ENCRYPT_DECRYPT = 1 };
enum rdt_key_origin { RDT_ORIGIN_AWS_KMS = 1, RDT_ORIGIN_EXTERNAL };

/* Life of a version: SECURITY-DESIGN section 6. */
enum rdt_version_state {
    RDT_VERSION_CURRENT = 1,
    RDT_VERSION_RETAINED,
    RDT_VERSION_DRAINING,
    RDT_VERSION_DRAINED,
    RDT_VERSION_QUIESCED,
    RDT_VERSION_DESTROYED
};
enum rdt_rotation_type { RDT_ROTATION_FIRST = 1, RDT_ROTATION_AUTOMATIC, RDT_ROTATION_ON_DEMAND };

/* rdt_key_state_word, rdt_version_state_word - "Enabled", "current"; "unknown" for no such state.
 */
const char *rdt_key_state_word(enum rdt_key_state state);
const char *rdt_version_state_word(enum rdt_version_state state);

/* rdt_version_may_become - whether the life of a version has that step. */
bool rdt_version_may_become(enum rdt_version_state from, enum rdt_version_state to);

/* ---- rows ---- */

struct rdt_site {
    uint8_t deployment[16];
    char *account; /* 12 digits */
    char *region;
    int64_t created_ms;
    uint8_t development;         /* made by --dev */
    uint32_t quorum;             /* approvals that an operation needs; 2 unless set otherwise */
    uint64_t approvers_revision; /* + 1 whenever the approver set or quorum changes */
    uint32_t waiting_days;       /* before destruction; 30, never under 7 */
    uint32_t domain;             /* number of the domain key that wraps what is new */
    uint32_t client_ttl_s; /* life of an exported KEK in a client: part of the revocation bound */
    /* the clock (SECURITY-DESIGN section 6) */
    int64_t highest_ms;    /* highest time ever stored */
    uint8_t clock_blocked; /* destruction and approvals wait for a confirmation */
    char *clock_reason;
    int64_t erased_ms;     /* a seed was erased last: the domain key changes after it */
    int64_t credited_s;    /* the credited clock: seconds that nobody could have made up */
    uint32_t backup_days;  /* how long backups of the store are kept; 0: 35 */
    int64_t quiet_floor_s; /* credited clock since which no waiting counts as begun earlier */
    /* restored from a backup (kms/restore.h) */
    int64_t quarantine_ms;   /* since when it stands in quarantine; 0: it does not */
    char *quarantine_reason; /* and why */
    int64_t restored_ms; /* what was signed up to then is refused: it may have been carried out */
};

struct rdt_key {
    uint8_t id[16];
    uint8_t state, spec, usage, origin; /* enums above */
    uint8_t suspended;                  /* an approver stopped it at once; acts as Disabled */
    int64_t created_ms;
    char *description;
    char *policy;           /* document as it was put; NULL: the default */
    struct rdt_bytes tags;  /* pairs, see rdt_pairs_*() */
    uint32_t current;       /* number of the current version, 1.. */
    uint32_t rotation_days; /* 0: no automatic rotation */
    int64_t next_rotation_ms;
    uint32_t on_demand;   /* rotations on demand so far */
    int64_t on_demand_ms; /* a rotation on demand is under way since; 0: none */
    uint32_t window_days; /* of a scheduled deletion */
    int64_t deletion_ms;
    char *plan_key;           /* the plan's key that `apply` made it for; NULL: none */
    uint8_t tenants;          /* may be the ring of tenant KEKs */
    uint32_t epoch_seen;      /* highest epoch that any census reported */
    uint32_t window_min_days; /* this key's own least waiting time; 0: the site's */
    uint8_t gate;             /* 1: the quorum also before ScheduleKeyDeletion */
    uint32_t drains;          /* drains of this key's versions begun so far */
    uint32_t drain_no;        /* number of the deletion's drain; 0: no deletion is scheduled */
    int64_t drain_s;          /* credited clock when the newest drain began */
    int64_t quiet_s;          /* credited clock when the deletion's waiting began */
    int64_t refused_ms;       /* last use that was refused while the deletion was pending */
    uint32_t gate_drain;      /* gate 1: number of the drain that the quorum approved beforehand */
    uint8_t gate_approval[16];
    uint8_t statement[16];    /* approval of "no store holds data under this key" */
    uint32_t statement_drain; /* good for drains up to this one */
    /* not in the row: */
    struct rdt_policy *compiled; /* of policy; NULL: the default */
};

struct rdt_version {
    uint8_t key[16];
    uint32_t number;
    uint8_t state;    /* enum rdt_version_state */
    uint8_t rotation; /* enum rdt_rotation_type */
    uint8_t material_id[32];
    struct rdt_bytes wrapped; /* under the domain key; empty once destroyed */
    uint32_t domain;
    int64_t created_ms;
    int64_t state_ms;   /* since when it is in its state */
    int64_t refused_ms; /* last use that was refused while quiesced */
    uint32_t drain_no;  /* number of its drain among its key's; 0: never drained */
    int64_t quiet_s;    /* quiesced: credited clock when that began */
};

struct rdt_alias {
    char *name;
    uint8_t key[16];
    int64_t created_ms, updated_ms;
};

struct rdt_key_alias { /* comes and goes with its alias */
    uint8_t key[16];
    char *name;
};

struct rdt_principal {
    uint8_t id[16];
    char *name;   /* [A-Za-z0-9+=,.@_-]{1,64}, unique */
    char *person; /* whom it belongs to; empty for a service */
    char *policy; /* identity policy; NULL: nothing is allowed */
    uint8_t disabled;
    int64_t created_ms;
    char *plan_service; /* the plan's service that `apply` made it for */
    /* not in the row: */
    struct rdt_policy *compiled;
};

struct rdt_credential {
    char *key_id; /* "RDTA" and 16 characters of A-Z2-7 */
    uint8_t principal[16];
    struct rdt_bytes wrapped; /* the 40-character secret, under the domain key */
    uint32_t domain;
    int64_t created_ms, expires_ms; /* 0: does not expire */
    int64_t revoked_ms;             /* 0: not revoked */
};

struct rdt_client_cert {
    uint8_t fingerprint[32]; /* SHA-256 of the DER */
    uint8_t principal[16];
    int64_t created_ms, revoked_ms;
};

struct rdt_approver {
    uint8_t id[16];
    char *name, *person;
    struct rdt_bytes public_key; /* crypto/sign.h */
    int64_t added_ms;
};

enum rdt_approval_state {
    RDT_APPROVAL_OPEN = 1,
    RDT_APPROVAL_DENIED,
    RDT_APPROVAL_USED,
    RDT_APPROVAL_EXPIRED,
    RDT_APPROVAL_USED_UNREVIEWED /* break-glass: open until an approver has looked at it */
};

struct rdt_approval {
    uint8_t id[16];
    char *operation;             /* "key-destroy": a row of the table in approval.c */
    struct rdt_bytes parameters; /* TLV of the operation: pairs, sorted */
    struct rdt_bytes to_sign;    /* the exact bytes that approvers sign */
    uint8_t requester[16];       /* principal */
    char *requester_person;
    char *reason;
    int64_t created_ms, expires_ms;
    uint8_t state;
    uint64_t rows_revision; /* revision of the rows that it is about, when it was made */
    uint64_t approvers_revision;
    uint8_t census_root[32];
    struct rdt_bytes signatures; /* approver UUID 16 | signature 64, one after the other */
    int64_t closed_ms;           /* since when it is no longer open */
    int64_t credited_s;          /* of a recovery of the quorum: from where its wait counts */
    struct rdt_bytes closing;    /* of a denial or review: as in signatures */
};

enum rdt_tenant_state { RDT_TENANT_LIVES = 1, RDT_TENANT_DYING, RDT_TENANT_DESTROYED };

struct rdt_tenant {
    uint8_t id[16];
    char *name;    /* unique among those that live */
    uint8_t state; /* enum rdt_tenant_state */
    int64_t created_ms, state_ms;
    struct rdt_bytes rings; /* key UUID 16 | u32 handle, one after the other: its handles */
};

struct rdt_tenant_name { /* leads from a name to its tenant; gone once that is destroyed */
    char *name;
    uint8_t tenant[16];
};

struct rdt_handle { /* never used again: tombstoned with its tenant */
    uint32_t handle;
    uint8_t key[16], tenant[16];
    uint32_t epoch;     /* current, 1..65535 */
    int64_t rotated_ms; /* last rotation off the cycle */
    uint8_t dead;
};

struct rdt_seed { /* the destroyable half of a tenant's KEK */
    uint32_t handle, epoch;
    struct rdt_bytes wrapped; /* 32 bytes; empty once destroyed */
    uint32_t domain;
    int64_t created_ms, destroyed_ms;
    uint32_t version; /* of the ring, whose secret the epoch uses */
};

struct rdt_store_reg {
    char *name;            /* the plan's store id, or a scanner's name for what it found */
    char *kind;            /* "database", "bucket", "backup", "files" */
    struct rdt_bytes keys; /* key UUIDs 16, one after the other, ascending; only grows */
    int64_t added_ms;
    uint8_t declared; /* by the plan */
};

struct rdt_scanner {
    uint8_t id[16];
    char *name;
    struct rdt_bytes public_key; /* crypto/sign.h */
    struct rdt_bytes stores;     /* names it may report on, each followed by 00 */
    int64_t added_ms;
    uint8_t revoked;
    uint8_t approval[16]; /* of its enrolment; zeroes: there was no quorum yet */
};

struct rdt_census_nonce {
    uint8_t nonce[16];
    uint8_t key[16];
    uint32_t version;
    char *store;
    int64_t issued_ms;
    uint32_t drain_no; /* drains of its key that had begun when it was issued */
};

struct rdt_census_report { /* the newest of a store about a key */
    char *store;
    uint8_t key[16];
    uint8_t nonce[16];
    uint8_t scanner[16];
    int64_t received_ms;
    uint64_t looked_at, total; /* coverage: what was read of what is there */
    struct rdt_bytes counts;   /* u32 version | u64 count, ascending; versions with none left out */
    struct rdt_bytes signed_bytes, signature;
    uint32_t drain_no; /* of its nonce: good for drains up to this one */
    int64_t made_ms;   /* as the scanner says */
    uint32_t highest;  /* highest epoch that it saw */
    uint64_t asked;    /* revision at which its nonce was given out: one asked before is older */
};

struct rdt_hold { /* a sealed file that contains versions */
    uint8_t file[16];
    char *name;
    int64_t created_ms, until_ms; /* end of its retention */
    struct rdt_bytes
        versions; /* key UUID 16 | u32 version; empty: unknown, holds all of its date */
    int64_t received_ms, received_s; /* when its receipt came, also by the credited clock */
};

struct rdt_kek_export {
    uint32_t handle, epoch;
    uint8_t principal[16];
    int64_t first_ms, last_ms, ttl_until_ms;
};

struct rdt_usage {
    uint8_t key[16];
    uint32_t version;
    uint64_t wraps, unwraps; /* successful calls that used the version */
    int64_t last_ms;
    uint8_t last_request[16];
    char *last_operation;
    int64_t tracking_ms; /* counted since */
};

struct rdt_seen {
    uint8_t signature[32];
    int64_t until_ms;
};

struct rdt_death {
    uint8_t key[16];
    uint32_t version;
    struct rdt_bytes certificate; /* JSON, signed: docs/formats/destruction.md */
    int64_t erased_ms;            /* the live copy */
    int64_t backups_ms;           /* when the last backup expires; destroyed only then */
    int64_t erased_s;             /* credited clock when it was erased */
    uint8_t final;                /* the certificate says destroyed */
};

struct rdt_domain {
    uint32_t number;
    int64_t created_ms; /* since when it wraps what is new */
    uint8_t retired;    /* nothing is wrapped under it any more */
};

struct rdt_grant {
    uint8_t id[16];
};

/* ---- by kind ---- */

/* rdt_kind_record - the table of fields of a kind; NULL for no such kind. */
const struct rdt_record *rdt_kind_record(enum rdt_kind kind);

/* rdt_kind_id - append the id under which an object of the kind is stored. */
void rdt_kind_id(enum rdt_kind kind, const void *object, struct rdt_buf *out);

/*
 * rdt_kind_ready - make what is not in the row (compiled policies) once an object is read or
 * changed.  Fails: as rdt_policy_compile().
 */
RDT_MUST_CHECK enum rdt_code rdt_kind_ready(enum rdt_kind kind, void *object, const char *account,
                                            struct rdt_err *err);

/* rdt_kind_done - free an object's members, also those not in the row. */
void rdt_kind_done(enum rdt_kind kind, void *object);

/* Pairs of texts in bytes (tags, parameters): u16 length | bytes, twice a pair; sorted by name. */
struct rdt_pair {
    struct rdt_span name, value;
};

/* rdt_pairs_next - the next pair; false at the end or where the bytes are no pairs. */
bool rdt_pairs_next(struct rdt_span *in, struct rdt_pair *out);

/* rdt_pairs_find - the value of a name; false when there is none. */
bool rdt_pairs_find(struct rdt_span pairs, struct rdt_span name, struct rdt_span *value);

/* rdt_pairs_add - append one pair; the caller keeps the order. */
void rdt_pairs_add(struct rdt_buf *out, struct rdt_span name, struct rdt_span value);

#endif
