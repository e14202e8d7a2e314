/*
 * planner.h - how many bits a truncated token should have: few enough that rows of different values
 * share one, many enough that a search need not decrypt half the table. To be asked again as a
 * table grows, and for each tenant: tokens of two tenants have nothing in common.
 *
 * With R rows, X values and P = the product over all indexes of a field of min(2^bits, X):
 *   coincidences C = R / P;  2 <= C <= sqrt(R)                (CipherSweet, EncryptedField planner)
 *   2^(sum of bits) < min(X, R) / 2                           (AWS Database Encryption SDK,
 * beacons) The first alone is content with a token for each value where values repeat; the second
 * is not.
 */
#ifndef RDT_FIELD_PLANNER_H
#define RDT_FIELD_PLANNER_H

#include "field/token.h"

#define RDT_PLANNER_ROWS_LEAST ((uint64_t)16) /* fewer hide nobody */
#define RDT_PLANNER_DISTINCT_LEAST                                                                 \
    ((uint64_t)64)                          /* fewer are guessed from how often each occurs        \
                                             */
#define RDT_PLANNER_INDEXES_MAX ((size_t)8) /* other indexes over one field */

enum rdt_planner_why {
    RDT_PLANNER_OK,
    RDT_PLANNER_UNKNOWN, /* nobody has said how many values there are: never taken for many */
    RDT_PLANNER_DOMAIN,  /* too few values: yes and no, gender, blood group... */
    RDT_PLANNER_ROWS,    /* too few rows */
    RDT_PLANNER_MANY,    /* too many bits: tokens tell values apart */
    RDT_PLANNER_FEW,     /* too few bits: a search decrypts more than sqrt(R) rows */
    RDT_PLANNER_NWHYS
};

/* rdt_planner_words - in words. */
const char *rdt_planner_words(enum rdt_planner_why why);

/* What is known of a field. */
struct rdt_planner_field {
    uint64_t rows;     /* in which the field is not null */
    uint64_t distinct; /* values that it can take, or does in the whole table; 0: not known */
    uint8_t others[RDT_PLANNER_INDEXES_MAX]; /* bits of its other indexes */
    size_t n_others;
};

struct rdt_planner_sizes {
    uint8_t least, most; /* bits; most hides, least is cheap; least > most: not both */
    double coincidences_least, coincidences_most; /* rows that share a token, on average */
};

/*
 * rdt_planner_sizes - the bits that a truncated index of a field may have.  Returns RDT_PLANNER_OK,
 * RDT_PLANNER_FEW (no size does both: most is the one that hides), or why there can be no index:
 * RDT_PLANNER_UNKNOWN, _DOMAIN, _ROWS, or _MANY (one bit is too many beside the other indexes).
 */
enum rdt_planner_why rdt_planner_sizes(const struct rdt_planner_field *field,
                                       struct rdt_planner_sizes *out);

/*
 * rdt_planner_judge - whether an index of so many bits is as it should be now.
 *
 *   bits           1 to RDT_TOKEN_TRUNCATED_MAX; RDT_TOKEN_BITS: unique, of which only the number
 *                  of values is judged
 *   coincidences   rows that share a token, on average; 0 where it cannot be known
 */
enum rdt_planner_why rdt_planner_judge(const struct rdt_planner_field *field, unsigned bits,
                                       double *coincidences);

struct rdt_planner_finding {
    size_t tenant; /* SIZE_MAX: the table */
    enum rdt_planner_why why;
    double coincidences;
};

/*
 * rdt_planner_review - judge an index again, for each tenant by its own rows.
 *
 *   tenant_rows   n of them; n is 0: one tenant has the whole table
 *   out           up to room findings, none where all is well; a tenant without enough others to
 *                 hide among is RDT_PLANNER_ROWS or RDT_PLANNER_MANY
 *
 * Returns how many findings there are, which may be more than room.
 */
size_t rdt_planner_review(const struct rdt_planner_field *table, unsigned bits,
                          const uint64_t *tenant_rows, size_t n, struct rdt_planner_finding *out,
                          size_t room);

#endif
