/*
 * audit_record.h - what one audit record says. Bytes by the table of fields (kms/record.h); format:
 * docs/formats/audit.md. Texts and bytes are borrowed while a record is written, owned (freed by
 * rdt_record_done()) once it is read.
 *
 * An encryption context appears as its names, each with 16 hexadecimal digits of an HMAC of its
 * value: who knows a value can look for it, nobody reads it.
 */
#ifndef RDT_KMS_AUDIT_RECORD_H
#define RDT_KMS_AUDIT_RECORD_H

#include "kms/record.h"

enum rdt_audit_type {
    RDT_AUDIT_CALL = 1, /* a call by a principal, allowed or denied */
    RDT_AUDIT_SYSTEM,   /* the service's own doing: rotation, expiry, start, stop, clock */
    RDT_AUDIT_INTENT,   /* before a destruction */
    RDT_AUDIT_REFUSALS  /* unauthenticated failures of one source and reason, counted */
};

struct rdt_audit_record {
    uint8_t type; /* enum rdt_audit_type */
    int64_t time_ms;
    uint8_t id[16]; /* request id */
    char *operation;
    uint8_t principal[16];
    char *caller;     /* ARN */
    char *credential; /* access key id, or certificate */
    char *source;     /* address; of refusals: the prefix */
    uint8_t key[16], key2[16];
    uint8_t material[32];
    struct rdt_bytes context;    /* pairs: name, digits */
    char *fault;                 /* AWS's name; NULL: it succeeded */
    char *reason;                /* of a refusal or a system event; fixed words */
    struct rdt_bytes parameters; /* pairs: what a mutation was about */
    uint8_t approval[16];
    uint8_t dry_run;
    uint64_t count;     /* refusals in this summary */
    uint64_t revision;  /* mutations: of the store after it */
    uint8_t digest[32]; /* likewise */
};

extern const struct rdt_record rdt_audit_record;

#endif
