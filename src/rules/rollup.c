/*
 * Rows of the template: each is what its primary rules came to, on the subjects that it selects.
 */
#include "rules/filter_internal.h"
#include "rules/gather_internal.h"

#include <stdlib.h>

#define BROKEN_MAX 100 /* findings named in one row; the rest are counted */

bool
rdt_rollup_find(const struct rdt_gather *gather, const char *id, size_t *out)
{
    for (size_t i = 0; i < gather->run->n_rules; i++) {
        if (strcmp(gather->run->rules[i].id, id) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* ---- sums
 * ---------------------------------------------------------------------------------------------- */

static unsigned
rank_of(enum rdt_verdict verdict)
{
#define X(name, word, rank) [name] = rank,
    static const uint8_t ranks[] = {RDT_VERDICTS(X)};
#undef X
    return ranks[verdict];
}

static enum rdt_verdict
worse(enum rdt_verdict a, enum rdt_verdict b)
{
    return rank_of(b) < rank_of(a) ? b : a;
}

/* info never fails a run: it is said so that somebody looks. */
static bool
is_warning(const struct rdt_result *r)
{
    return r->severity == RDT_INFO && (r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT);
}

struct rdt_sum
rdt_rollup_sum(const struct rdt_gather *gather, size_t rule, const uint8_t *mask)
{
    const struct rdt_range *range = &gather->ranges[rule];
    struct rdt_sum sum = {RDT_NA, RDT_NA, RDT_A4 + 1};
    for (size_t i = range->first; i < range->first + range->n; i++) {
        const struct rdt_result *r = &gather->run->results[i];
        if (mask != NULL && mask[r->subject] == 0)
            continue;
        enum rdt_verdict firm = is_warning(r) ? RDT_ACCEPTED : r->verdict;
        sum.worst = worse(sum.worst, r->verdict);
        sum.firm = worse(sum.firm, firm);
        if (r->verdict == RDT_PASS && r->assurance < sum.assurance)
            sum.assurance = r->assurance;
    }
    /* what was left out by a filter or by the plan is open, not passed */
    if (!range->judged) {
        sum.worst = worse(sum.worst, RDT_UNOBSERVED);
        sum.firm = worse(sum.firm, RDT_UNOBSERVED);
    }
    return sum;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------------
 */

struct broken {
    const char *at[BROKEN_MAX + 1];
    size_t n, more;
};

static bool
add_broken(struct broken *b, const char *text)
{
    if (b->n < BROKEN_MAX)
        b->at[b->n++] = text;
    else
        b->more++;
    return text != NULL;
}

static bool
note_broken(struct rdt_gather *g, size_t rule, const uint8_t *mask, struct broken *b)
{
    struct rdt_run *run = g->run;
    const struct rdt_range *range = &g->ranges[rule];
    bool ok = true;
    if (run->rules[rule].disabled != NULL)
        return add_broken(b, rdt_arena_fmt(&run->arena, "%s (disabled)", run->rules[rule].id));
    for (size_t i = range->first; ok && i < range->first + range->n; i++) {
        const struct rdt_result *r = &run->results[i];
        if ((mask != NULL && mask[r->subject] == 0) ||
            rank_of(r->verdict) > rank_of(RDT_UNOBSERVED))
            continue;
        if (b->n < BROKEN_MAX)
            ok = add_broken(b, rdt_arena_fmt(&run->arena, "%s %s", run->rules[rule].id,
                                             run->subjects[r->subject].id));
        else
            b->more++;
    }
    return ok;
}

static bool
keep_broken(struct rdt_run *run, struct rdt_row *row, struct broken *b)
{
    if (b->more != 0)
        b->at[b->n++] = rdt_arena_fmt(&run->arena, "and %zu more", b->more);
    const char **at = rdt_arena_new(&run->arena, (b->n + 1) * sizeof *at);
    if (at == NULL)
        return false;
    memcpy(at, b->at, b->n * sizeof *at);
    row->broken = (struct rdt_strings){at, b->n};
    return true;
}

static bool
judge_row(struct rdt_gather *g, struct rdt_row *row, const uint8_t *mask)
{
    struct rdt_sum all = {RDT_NA, RDT_NA, RDT_A4 + 1};
    struct broken broken = {.n = 0};
    bool ok = true;
    for (size_t i = 0; ok && i < row->by.n; i++) {
        size_t rule;
        struct rdt_sum sum = {RDT_UNOBSERVED, RDT_UNOBSERVED, RDT_A4 + 1};
        if (rdt_rollup_find(g, row->by.at[i], &rule)) {
            sum = rdt_rollup_sum(g, rule, mask);
            ok = note_broken(g, rule, mask, &broken);
        }
        all.worst = worse(all.worst, sum.worst);
        if (sum.assurance < all.assurance)
            all.assurance = sum.assurance;
    }
    row->verdict = all.worst == RDT_ACCEPTED ? RDT_PASS : all.worst;
    row->assurance = all.assurance > RDT_A4 ? RDT_A0 : all.assurance;
    return ok && keep_broken(g->run, row, &broken);
}

enum rdt_code
rdt_rollup_rows(struct rdt_gather *gather, struct rdt_err *err)
{
    struct rdt_run *run = gather->run;
    uint8_t *mask = calloc(run->n_subjects + 1, 1);
    if (gather->facts == NULL)
        gather->facts = rdt_filter_learn(gather->judge->plan, &gather->arena);
    bool ok = mask != NULL && gather->facts != NULL;
    for (size_t i = 0; ok && i < run->n_rows; i++) {
        const struct rdt_node *filter = gather->catalogue.filters[i];
        if (filter != NULL)
            rdt_filter_mask(gather->judge->plan, gather->facts, filter, mask);
        ok = judge_row(gather, &run->rows[i], filter == NULL ? NULL : mask);
    }
    free(mask);
    return ok ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "the template's rows");
}
