/*
 * op.h - the operations as one table: wire name, class, the key they are about, who may call them
 * in which key state, the members of their input. Validation, authorisation, the state matrix, the
 * audit record and the list of what is supported are made from a row; the handler does the rest.
 *
 * The table is held against the public operation model of AWS KMS by a test.
 */
#ifndef RDT_KMS_OP_H
#define RDT_KMS_OP_H

#include "base/span.h"
#include "kms/fault.h"

#include <stdbool.h>

#define RDT_AUDIT_SEARCH_MAX 10000 /* records in one answer of AuditSearch */

struct rdt_call;

enum rdt_op_front {
    RDT_FRONT_AWS, /* X-Amz-Target: TrentService.NAME; action kms:NAME */
    RDT_FRONT_OWN  /* X-Amz-Target: Redoubt.NAME, or POST path; action redoubt:NAME */
};

enum rdt_op_class {
    RDT_OP_UNSUPPORTED, /* answers UnsupportedOperationException */
    RDT_OP_READ,        /* looks at the state; on the loop's thread */
    RDT_OP_SLOW,        /* reads files too; on a thread of its own: rdt_kms_slow() */
    RDT_OP_DATA,        /* uses key material; on the loop's thread; counted by version */
    RDT_OP_WRITE        /* changes rows; on the writer's thread */
};

/* Where the key stands that a call is about. */
enum rdt_op_key {
    RDT_KEY_NONE,   /* about no key */
    RDT_KEY_NEW,    /* makes one: its spec, usage and origin are the request's */
    RDT_KEY_ID,     /* KeyId: key id or key ARN */
    RDT_KEY_ANY,    /* KeyId: also alias name or alias ARN */
    RDT_KEY_TARGET, /* TargetKeyId: key id or key ARN */
    RDT_KEY_OWN     /* the handler looks it up and calls rdt_call_key() itself */
};

/* Rows of the key state matrix: reference kms.md 2.6. */
enum rdt_op_states {
    RDT_STATES_ALL,      /* any state */
    RDT_STATES_USE,      /* Enabled; else DisabledException, KMSInvalidStateException */
    RDT_STATES_ROTATION, /* EnableKeyRotation, DisableKeyRotation */
    RDT_STATES_ABLE,     /* EnableKey, DisableKey: not PendingDeletion, not PendingImport */
    RDT_STATES_EDIT,     /* not PendingDeletion */
    RDT_STATES_CANCEL,   /* PendingDeletion only */
    RDT_STATES_EXTERNAL, /* of imported keys */
    RDT_NSTATES
};

enum rdt_in_type {
    RDT_IN_TEXT,
    RDT_IN_WORD, /* text, one of words */
    RDT_IN_BLOB, /* base64; min and max count bytes */
    RDT_IN_INT,
    RDT_IN_BOOL,
    RDT_IN_MAP,     /* of text to text */
    RDT_IN_TEXTS,   /* array of text, where words are given of those; min and max count items */
    RDT_IN_OBJECTS, /* array of objects, looked at by the handler */
    RDT_IN_OBJECT
};

struct rdt_in {
    const char *name;
    enum rdt_in_type type;
    bool required;
    bool sensitive;    /* its value is never quoted */
    int64_t min, max;  /* characters (OWN: bytes), bytes of a BLOB, items or value; max 0: none */
    const char *words; /* WORD, TEXTS: separated by blanks */
};

typedef enum rdt_fault rdt_op_fn(struct rdt_call *call);

struct rdt_op {
    const char *name;
    enum rdt_op_front front;
    enum rdt_op_class cls;
    enum rdt_op_key key;
    enum rdt_op_states states;
    const char *path;     /* OWN: "/v1/tenant/create" */
    bool internal;        /* the service's own: nobody can ask for it */
    const char *approval; /* OWN: the operation of approval.c that it may need; NULL: none */
    const struct rdt_in *in;
    size_t n_in;
    rdt_op_fn *run;
};

struct rdt_op_table {
    const struct rdt_op *ops; /* sorted by name */
    size_t n;
};

/* rdt_op_tables - every table, NULL-terminated: AWS's, then Redoubt's own by subject. */
extern const struct rdt_op_table *const rdt_op_tables[];

/* rdt_op_named - by its name in any table, also the service's own; NULL: no such operation. */
const struct rdt_op *rdt_op_named(const char *name);

/*
 * rdt_op_find - by the value of X-Amz-Target, or by path when target is empty; NULL: no such
 * operation.
 */
const struct rdt_op *rdt_op_find(struct rdt_span target, struct rdt_span path);

#endif
