#include "field/planner.h"

const char *
rdt_planner_words(enum rdt_planner_why why)
{
    static const char *const words[RDT_PLANNER_NWHYS] = {
        [RDT_PLANNER_OK] = "as it should be",
        [RDT_PLANNER_UNKNOWN] = "how many values there are is not known",
        [RDT_PLANNER_DOMAIN] = "so few values are guessed from how often each token occurs",
        [RDT_PLANNER_ROWS] = "among so few rows nobody is hidden: leave them without an index",
        [RDT_PLANNER_MANY] = "too many bits: tokens tell values apart",
        [RDT_PLANNER_FEW] = "too few bits: a search decrypts more than the square root of all rows",
    };
    return (size_t)why < RDT_PLANNER_NWHYS ? words[why] : "an unknown reason";
}

/* What does not fit is more than anything. */
static uint64_t
times(uint64_t a, uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static uint64_t
power(unsigned bits)
{
    return bits < 64 ? (uint64_t)1 << bits : UINT64_MAX;
}

/* Exact: no logarithm, no root. */
struct split {
    uint64_t tokens;    /* P */
    uint64_t unbounded; /* 2^(sum of bits) */
};

static void
add_index(struct split *split, const struct rdt_planner_field *field, unsigned bits)
{
    uint64_t tokens = power(bits);
    split->unbounded = times(split->unbounded, tokens);
    split->tokens = times(split->tokens, tokens < field->distinct ? tokens : field->distinct);
}

static struct split
split_of(const struct rdt_planner_field *field, unsigned bits)
{
    struct split split = {1, 1};
    for (size_t i = 0; i < field->n_others && i < RDT_PLANNER_INDEXES_MAX; i++)
        add_index(&split, field, field->others[i]);
    add_index(&split, field, bits);
    return split;
}

static double
coincidences(const struct rdt_planner_field *field, unsigned bits)
{
    struct split split = split_of(field, bits);
    return split.tokens == 0 ? 0 : (double)field->rows / (double)split.tokens;
}

/* C < 2, or 2^bits >= min(X, R) / 2 */
static bool
too_many(const struct rdt_planner_field *field, unsigned bits)
{
    struct split split = split_of(field, bits);
    uint64_t values = field->distinct < field->rows ? field->distinct : field->rows;
    return times(split.tokens, 2) > field->rows || times(split.unbounded, 2) >= values;
}

/* C > sqrt(R), so R > P * P */
static bool
too_few(const struct rdt_planner_field *field, unsigned bits)
{
    struct split split = split_of(field, bits);
    return times(split.tokens, split.tokens) < field->rows;
}

static enum rdt_planner_why
no_index(const struct rdt_planner_field *field)
{
    if (field->distinct == 0)
        return RDT_PLANNER_UNKNOWN;
    return field->distinct < RDT_PLANNER_DISTINCT_LEAST ? RDT_PLANNER_DOMAIN : RDT_PLANNER_OK;
}

enum rdt_planner_why
rdt_planner_sizes(const struct rdt_planner_field *field, struct rdt_planner_sizes *out)
{
    enum rdt_planner_why why = no_index(field);
    *out = (struct rdt_planner_sizes){0};
    if (why != RDT_PLANNER_OK)
        return why;
    if (field->rows < RDT_PLANNER_ROWS_LEAST)
        return RDT_PLANNER_ROWS;
    if (too_many(field, 1))
        return RDT_PLANNER_MANY;
    out->least = out->most = 1;
    while (out->most < RDT_TOKEN_TRUNCATED_MAX && !too_many(field, out->most + 1u))
        out->most++;
    while (out->least < RDT_TOKEN_TRUNCATED_MAX && too_few(field, out->least))
        out->least++;
    out->coincidences_least = coincidences(field, out->least);
    out->coincidences_most = coincidences(field, out->most);
    return too_few(field, out->most) ? RDT_PLANNER_FEW : RDT_PLANNER_OK;
}

enum rdt_planner_why
rdt_planner_judge(const struct rdt_planner_field *field, unsigned bits, double *shared)
{
    enum rdt_planner_why why = no_index(field);
    *shared = field->distinct == 0 ? 0 : coincidences(field, bits);
    if (why != RDT_PLANNER_OK || bits == RDT_TOKEN_BITS)
        return why;
    if (field->rows < RDT_PLANNER_ROWS_LEAST)
        return RDT_PLANNER_ROWS;
    if (too_many(field, bits))
        return RDT_PLANNER_MANY;
    return too_few(field, bits) ? RDT_PLANNER_FEW : RDT_PLANNER_OK;
}

size_t
rdt_planner_review(const struct rdt_planner_field *table, unsigned bits,
                   const uint64_t *tenant_rows, size_t n, struct rdt_planner_finding *out,
                   size_t room)
{
    size_t found = 0;
    bool whole = n == 0 || no_index(table) != RDT_PLANNER_OK;
    for (size_t i = 0; i < (whole ? 1 : n); i++) {
        struct rdt_planner_field part = *table;
        struct rdt_planner_finding finding = {.tenant = whole ? SIZE_MAX : i};
        part.rows = whole ? table->rows : tenant_rows[i];
        finding.why = rdt_planner_judge(&part, bits, &finding.coincidences);
        if (finding.why == RDT_PLANNER_OK || (!whole && part.rows == 0))
            continue;
        if (found < room)
            out[found] = finding;
        found++;
    }
    return found;
}
