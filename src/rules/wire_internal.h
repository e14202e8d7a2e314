/*
 * wire_internal.h - what the sandboxed child tells its parent: records, read with suspicion.
 *
 *   record   u8 type | u32 length | body
 *   text     u16 length | UTF-8 without NUL       texts   u16 count | text...
 *   'R' rule     u32 line | u8 severity | u8 decided | u8 live | u32 sections | text id, title,
 * why, fix | texts source 'G' group    u32 rule | u8 outcome | u8 stage | u8 level | text message |
 * u32 count | u32 subject... 'D' detail   u32 rule | u32 subject | u8 outcome | u8 stage | u8 level
 * | u8 severity | text field, message, observed, expected | u16 count | u32 evidence... 'T' test
 * u32 rule | u32 number | u8 good | text subject, expected, got, message 'V' value    text subject,
 * path, value 'F' failure  u8 code | text what, hint 'E' end      u32 rules
 *
 * Rules are numbered in the order of their 'R' records. Nothing follows 'F' or 'E', and the bytes
 * must end with one of them.
 */
#ifndef RDT_RULES_WIRE_INTERNAL_H
#define RDT_RULES_WIRE_INTERNAL_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"

#include "rules/run.h"

#define RDT_PACK_RULES_MAX 1000  /* rules of one child */
#define RDT_WIRE_TEXT_MAX 4096   /* bytes of one text; longer ones are cut by the writer */
#define RDT_WIRE_SOURCES_MAX 32  /* texts in one list */
#define RDT_WIRE_EVIDENCE_MAX 16 /* observations of one result */
#define RDT_READS_MAX 500        /* values that one explanation shows */

/* What one call of a rule came to, before anything is combined. */
enum rdt_outcome {
    RDT_OUT_PASS,
    RDT_OUT_FAIL,
    RDT_OUT_NA,
    RDT_OUT_UNKNOWN,
    RDT_OUT_UNOBSERVED,
    RDT_OUT_ERROR,
    RDT_NOUTCOMES
};

enum rdt_stage { RDT_STAGE_CHECK, RDT_STAGE_LIVE, RDT_NSTAGES };

struct rdt_wire_rule {
    uint32_t line;
    uint8_t severity, decided, live;
    uint32_t sections; /* bits: 1 << enum rdt_section */
    struct rdt_span id, title, why, fix;
    struct rdt_span source[RDT_WIRE_SOURCES_MAX];
    size_t n_source;
};

struct rdt_wire_result {
    uint32_t rule;
    uint8_t outcome, stage, level, severity;
    struct rdt_span field, message, observed, expected; /* empty where there is none */
    uint32_t subject;                                   /* of a detail */
    struct rdt_span subjects; /* of a group: n_subjects numbers of 4 bytes, in order */
    size_t n_subjects;        /* 0: a detail */
    uint32_t evidence[RDT_WIRE_EVIDENCE_MAX];
    size_t n_evidence;
};

struct rdt_wire_test {
    uint32_t rule, number; /* from 1 */
    bool good;
    struct rdt_span subject, expected, got, message;
};

struct rdt_wire_value {
    struct rdt_span subject, path, value;
};

struct rdt_wire_failure {
    enum rdt_code code;
    struct rdt_span what, hint;
};

struct rdt_wire_record {
    uint8_t type; /* 'R', 'G', 'D', 'T', 'V', 'F', 'E' */
    union {
        struct rdt_wire_rule rule;
        struct rdt_wire_result result;
        struct rdt_wire_test test;
        struct rdt_wire_value value;
        struct rdt_wire_failure failure;
        uint32_t n_rules;
    };
};

/* The numbers that a record may name; rules grows with each 'R'. */
struct rdt_wire_bounds {
    uint32_t rules, subjects, evidence;
};

/*
 * rdt_wire_take - the next record; texts are borrowed from in.  Counts rules in bounds.
 * Fails: RDT_E_SANDBOX (malformed, or a number out of bounds).
 */
RDT_MUST_CHECK enum rdt_code rdt_wire_take(struct rdt_span *in, struct rdt_wire_bounds *bounds,
                                           struct rdt_wire_record *out, struct rdt_err *err);

/* rdt_wire_subject - the i-th subject of a group. */
uint32_t rdt_wire_subject(const struct rdt_wire_result *group, size_t i);

/*
 * rdt_wire_put_rule, rdt_wire_put_group, rdt_wire_put_detail, rdt_wire_put_test,
 * rdt_wire_put_value, rdt_wire_put_failure, rdt_wire_put_end - append one record.  Texts are cut to
 * RDT_WIRE_TEXT_MAX; lack of memory is remembered by out.
 */
void rdt_wire_put_rule(struct rdt_buf *out, const struct rdt_wire_rule *rule);
void rdt_wire_put_group(struct rdt_buf *out, const struct rdt_wire_result *group,
                        const uint32_t *subjects, size_t n);
void rdt_wire_put_detail(struct rdt_buf *out, const struct rdt_wire_result *detail);
void rdt_wire_put_test(struct rdt_buf *out, const struct rdt_wire_test *test);
void rdt_wire_put_value(struct rdt_buf *out, const struct rdt_wire_value *value);
void rdt_wire_put_failure(struct rdt_buf *out, const struct rdt_err *err);
void rdt_wire_put_end(struct rdt_buf *out, uint32_t n_rules);

#endif
