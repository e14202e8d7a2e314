/*
 * describe_internal.h - the plan in words that people use: "AES-256-GCM", "TLS 1.3", "AWS KMS",
 * "every 90 days". Reports and the filled-in template say the same thing the same way.
 */
#ifndef RDT_REPORT_DESCRIBE_INTERNAL_H
#define RDT_REPORT_DESCRIBE_INTERNAL_H

#include "report/view_internal.h"

/*
 * rdt_words_for - a word of the plan as people write it ("aws-kms" is "AWS KMS"); the word itself
 * where there is nothing better, "none" for NULL.
 */
const char *rdt_words_for(const char *word);

/* rdt_describe_bits - the key size of an algorithm, such as "256-bit"; "not said" for NULL. */
const char *rdt_describe_bits(const char *algorithm);

/* rdt_describe_days - append "90 days", "1 year", "12 hours". */
void rdt_describe_days(struct rdt_buf *out, double days);

/* rdt_describe_links - append the names a link leads to: "db, files and 3 more"; "none". */
void rdt_describe_links(struct rdt_buf *out, const struct rdt_plan *plan,
                        const struct rdt_subject *subject, enum rdt_link link);

/* rdt_describe_form - append how a data type is stored if not encrypted: "argon2id hash"; false: it
 * has no such form. */
bool rdt_describe_form(struct rdt_buf *out, const struct rdt_subject *data);

/* rdt_field_cover - the entry of a store's at_rest.fields that covers a data type, or NULL. */
const struct rdt_node *rdt_field_cover(const struct rdt_subject *store, const char *data);

/*
 * rdt_describe_at_rest - append what protects a data type in a store: "AES-256-GCM fields, AES-256
 * volume".  A backup says what its source does.
 */
void rdt_describe_at_rest(struct rdt_buf *out, const struct rdt_plan *plan,
                          const struct rdt_subject *data, const struct rdt_subject *store);

/* The same in the fewest words, for a table's cell. */
struct rdt_rest_parts {
    const char *form;   /* "argon2id", "token"... or NULL */
    const char *volume; /* an algorithm of the plan, or NULL */
    bool fields;        /* encrypted by the application */
};

/* rdt_at_rest_parts - what protects a data type in a store, part by part. */
void rdt_at_rest_parts(const struct rdt_plan *plan, const struct rdt_subject *data,
                       const struct rdt_subject *store, struct rdt_rest_parts *parts);

/* rdt_describe_flow - append what protects a flow: "TLS 1.3, mutual", "SSH", "plaintext". */
void rdt_describe_flow(struct rdt_buf *out, const struct rdt_subject *flow);

/* rdt_describe_end - append a flow's end by name ("from" or "to"). */
void rdt_describe_end(struct rdt_buf *out, const struct rdt_subject *flow, const char *end);

/* rdt_describe_custody - append where a key is kept: "AWS KMS, account 1111, hardware". */
void rdt_describe_custody(struct rdt_buf *out, const struct rdt_subject *key);

/* rdt_describe_rotation - append "every 90 days, automatic". */
void rdt_describe_rotation(struct rdt_buf *out, const struct rdt_subject *key);

/*
 * rdt_key_last - the day a key was last rotated: what the plan records, or for a certificate the
 * day that the one seen is valid from.
 *
 *   days       since 1970
 *   observed   true when it was seen, not declared
 *
 * False when nobody has recorded it.
 */
bool rdt_key_last(const struct rdt_view *view, const struct rdt_subject *key, int64_t *days,
                  bool *observed);

#endif
