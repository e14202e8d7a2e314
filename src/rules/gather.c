#include "rules/gather_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define NO_RULE UINT32_MAX

const char *
rdt_gather_text(struct rdt_gather *gather, struct rdt_span text)
{
    return text.n == 0 ? NULL : rdt_arena_str(&gather->run->arena, text);
}

/* ---- start and end -----------------------------------------------------------------------------
 */

static enum rdt_code
take_subjects(struct rdt_gather *g, struct rdt_err *err)
{
    size_t n = 0;
    const struct rdt_subject *subjects =
        g->judge->plan == NULL ? NULL : rdt_plan_subjects(g->judge->plan, &n);
    struct rdt_run_subject *out = rdt_arena_new(&g->run->arena, (n + 1) * sizeof *out);
    g->sees = rdt_arena_new(&g->arena, n + 1);
    g->slots = rdt_arena_new(&g->arena, (n + 1) * sizeof *g->slots);
    g->cap_scratch = n;
    g->scratch = rdt_arena_new(&g->arena, (n + 1) * sizeof *g->scratch);
    if (out == NULL || g->sees == NULL || g->slots == NULL || g->scratch == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "subjects of a run");
    for (size_t i = 0; i < n; i++)
        out[i] = (struct rdt_run_subject){subjects[i].id, subjects[i].level, subjects[i].level_from,
                                          subjects[i].mark};
    g->run->subjects = out;
    g->run->n_subjects = n;
    return RDT_OK;
}

enum rdt_code
rdt_gather_start(struct rdt_gather *gather, const struct rdt_judge *judge, struct rdt_err *err)
{
    gather->judge = judge;
    gather->reading = NO_RULE;
    gather->run = calloc(1, sizeof *gather->run);
    if (gather->run == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "a run");
    gather->run->time = judge->time;
    enum rdt_code rc = take_subjects(gather, err);
    return rc != RDT_OK ? rc : rdt_overlay_start(gather, err);
}

void
rdt_gather_done(struct rdt_gather *gather)
{
    rdt_run_free(gather->run);
    free(gather->rules);
    free(gather->results);
    free(gather->ranges);
    free(gather->exceptions);
    rdt_arena_done(&gather->arena);
    *gather = (struct rdt_gather){0};
}

/* Worst first: verdict rank, then severity from the top. */
static unsigned
bucket_of(const struct rdt_result *r)
{
#define X(name, word, rank) [name] = rank,
    static const uint8_t ranks[] = {RDT_VERDICTS(X)};
#undef X
    return ranks[r->verdict] * (RDT_SEV_CRITICAL + 1u) + (RDT_SEV_CRITICAL - r->severity);
}

#define N_BUCKETS (RDT_NVERDICTS * (RDT_SEV_CRITICAL + 1u))

/* They are in the order of rules and subjects already, so that one pass by bucket is enough. */
static bool
sort_results(struct rdt_run *run)
{
    size_t start[N_BUCKETS + 1] = {0};
    struct rdt_result *sorted = rdt_arena_new(&run->arena, (run->n_results + 1) * sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < run->n_results; i++) {
        start[bucket_of(&run->results[i]) + 1]++;
        run->count[run->results[i].verdict]++;
    }
    for (size_t b = 1; b <= N_BUCKETS; b++)
        start[b] += start[b - 1];
    for (size_t i = 0; i < run->n_results; i++)
        sorted[start[bucket_of(&run->results[i])]++] = run->results[i];
    run->results = sorted;
    return true;
}

enum rdt_code
rdt_gather_finish(struct rdt_gather *gather, struct rdt_run **out, struct rdt_err *err)
{
    struct rdt_run *run = gather->run;
    struct rdt_rule *rules = rdt_arena_new(&run->arena, (run->n_rules + 1) * sizeof *rules);
    if (rules == NULL || !sort_results(run))
        return rdt_fail(err, RDT_E_NOMEM, "a run");
    if (run->n_rules != 0)
        memcpy(rules, run->rules, run->n_rules * sizeof *rules);
    run->rules = rules;
    for (size_t i = 0; i < run->n_subjects; i++) {
        run->planned += (gather->sees[i] & RDT_SEES_DUE) != 0;
        run->observed += (gather->sees[i] & RDT_SEES_LOOKED) != 0;
    }
    *out = RDT_STEAL(gather->run);
    return RDT_OK;
}

/* ---- rules
 * --------------------------------------------------------------------------------------- */

static enum rdt_code
grow_rules(struct rdt_gather *g, struct rdt_err *err)
{
    if (g->run->n_rules < g->cap_rules)
        return RDT_OK;
    size_t cap = g->cap_rules == 0 ? 128 : g->cap_rules * 2;
    struct rdt_rule *rules = reallocarray(g->rules, cap, sizeof *rules);
    if (rules != NULL)
        g->run->rules = g->rules = rules;
    struct rdt_range *ranges = reallocarray(g->ranges, cap, sizeof *ranges);
    if (ranges != NULL)
        g->ranges = ranges;
    if (rules == NULL || ranges == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "rules of a run");
    g->cap_rules = cap;
    return RDT_OK;
}

static struct rdt_strings
copy_sources(struct rdt_gather *g, const struct rdt_wire_rule *from)
{
    const char **at = rdt_arena_new(&g->run->arena, (from->n_source + 1) * sizeof *at);
    for (size_t i = 0; at != NULL && i < from->n_source; i++)
        at[i] = rdt_gather_text(g, from->source[i]);
    return (struct rdt_strings){at, at == NULL ? 0 : from->n_source};
}

static struct rdt_strings
name_sections(struct rdt_gather *g, uint32_t bits)
{
    const char **at = rdt_arena_new(&g->run->arena, RDT_NSECTIONS * sizeof *at);
    size_t n = 0;
    for (unsigned s = 0; at != NULL && s < RDT_NSECTIONS; s++)
        if ((bits >> s & 1) != 0)
            at[n++] = rdt_section_name((enum rdt_section)s);
    return (struct rdt_strings){at, n};
}

static const char *
disabled_reason(const struct rdt_gather *g, struct rdt_span id)
{
    if (g->judge->plan == NULL)
        return NULL;
    const struct rdt_node *map = rdt_node_get(rdt_plan_root(g->judge->plan), "policy.disable");
    const struct rdt_member *m = rdt_node_member(map, id);
    return m == NULL ? NULL : rdt_node_text(m->node);
}

static bool
is_judged(const struct rdt_gather *g, const struct rdt_rule *rule)
{
    const struct rdt_strings *only = &g->judge->only;
    bool found = only->n == 0;
    for (size_t i = 0; i < only->n && !found; i++)
        found = rdt_text_glob(rdt_span_str(only->at[i]), rdt_span_str(rule->id));
    return found && rule->disabled == NULL && g->judge->subject == NULL;
}

static enum rdt_code
add_rule(struct rdt_gather *g, const struct rdt_wire_rule *from, const char *pack,
         struct rdt_err *err)
{
    for (size_t i = 0; i < g->run->n_rules; i++) {
        const struct rdt_rule *other = &g->run->rules[i];
        if (!rdt_span_is(from->id, other->id))
            continue;
        rdt_fail(err, RDT_E_BADINPUT, "pack %s:%u: rule %s is there already (%s)", pack,
                 (unsigned)from->line, other->id, other->pack);
        rdt_hint(err, "a pack cannot replace a rule; give yours another id, and disable the other "
                      "under policy.disable with a reason");
        return RDT_E_BADINPUT;
    }
    enum rdt_code rc = grow_rules(g, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_rule rule = {
        .id = rdt_gather_text(g, from->id),
        .title = rdt_gather_text(g, from->title),
        .why = rdt_gather_text(g, from->why),
        .fix = rdt_gather_text(g, from->fix),
        .pack = pack,
        .severity = (enum rdt_severity)from->severity,
        .decided = from->decided,
        .source = copy_sources(g, from),
        .subjects = name_sections(g, from->sections),
        .disabled = disabled_reason(g, from->id),
    };
    if (rule.id == NULL || rule.title == NULL || rule.subjects.at == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "rules of a run");
    struct rdt_range *range = &g->ranges[g->run->n_rules];
    *range = (struct rdt_range){.judged = is_judged(g, &rule)};
    if (!rdt_overlay_attest(g, rule.id, range))
        return rdt_fail(err, RDT_E_NOMEM, "attestations");
    g->run->rules[g->run->n_rules++] = rule;
    return RDT_OK;
}

/* ---- results
 * ------------------------------------------------------------------------------------- */

static struct rdt_mark
find_place(struct rdt_gather *g, uint32_t subject, struct rdt_span field)
{
    const struct rdt_subject *s = &rdt_plan_subjects(g->judge->plan, &(size_t){0})[subject];
    struct rdt_mark mark = {0};
    if (field.n != 0 && s->node != NULL) {
        char *path = rdt_arena_str(&g->arena, field);
        mark = path == NULL ? mark : rdt_node_find_mark(s->node, path);
    }
    return mark.line != 0 ? mark : s->mark;
}

static struct rdt_strings
copy_evidence(struct rdt_gather *g, const struct rdt_wire_result *from)
{
    if (from->n_evidence == 0)
        return (struct rdt_strings){0};
    const char **at = rdt_arena_new(&g->run->arena, from->n_evidence * sizeof *at);
    for (size_t i = 0; at != NULL && i < from->n_evidence; i++)
        at[i] =
            rdt_gather_text(g, rdt_span_str(g->judge->evidence->items[from->evidence[i]].sha256));
    return (struct rdt_strings){at, at == NULL ? 0 : from->n_evidence};
}

static const char *
message_of(struct rdt_gather *g, const struct rdt_wire_result *from)
{
    if (from->outcome != RDT_OUT_ERROR)
        return rdt_gather_text(g, from->message);
    return rdt_arena_fmt(&g->run->arena, "rule error: %.*s", RDT_FMT(from->message));
}

static void
note_sight(struct rdt_gather *g, const struct rdt_wire_result *from, const struct rdt_result *r)
{
    if (from->stage != RDT_STAGE_LIVE && r->verdict != RDT_UNOBSERVED)
        return;
    g->sees[r->subject] |= RDT_SEES_DUE;
    if (from->n_evidence != 0 && r->verdict != RDT_UNKNOWN && r->verdict != RDT_UNOBSERVED)
        g->sees[r->subject] |= RDT_SEES_LOOKED;
}

static enum rdt_code
add_result(struct rdt_gather *g, uint32_t subject, const struct rdt_result *r, struct rdt_err *err)
{
    if (g->slots[subject] != 0 || g->n_scratch == g->cap_scratch)
        return rdt_fail(err, RDT_E_SANDBOX, "a rule answered twice for one subject");
    if (g->n_scratch == 0 || subject < g->low_slot)
        g->low_slot = subject;
    if (g->n_scratch == 0 || subject > g->high_slot)
        g->high_slot = subject;
    g->scratch[g->n_scratch] = *r;
    g->scratch[g->n_scratch].subject = subject;
    g->slots[subject] = (uint32_t)++g->n_scratch;
    return RDT_OK;
}

/* The results of one rule are complete: to the run, in the order of the subjects. */
static enum rdt_code
end_rule(struct rdt_gather *g, struct rdt_err *err)
{
    struct rdt_run *run = g->run;
    size_t need = run->n_results + g->n_scratch;
    if (g->n_scratch == 0)
        return RDT_OK;
    if (need > g->cap_results) {
        size_t cap = need > g->cap_results * 2 ? need : g->cap_results * 2;
        struct rdt_result *results = reallocarray(g->results, cap, sizeof *results);
        if (results == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "results of a run");
        run->results = g->results = results;
        g->cap_results = cap;
    }
    g->ranges[g->reading].first = run->n_results;
    g->ranges[g->reading].n = g->n_scratch;
    for (size_t s = g->low_slot; s <= g->high_slot; s++) {
        if (g->slots[s] != 0)
            run->results[run->n_results++] = g->scratch[g->slots[s] - 1];
        g->slots[s] = 0;
    }
    g->n_scratch = 0;
    return RDT_OK;
}

/* Results come rule by rule, in the order of the rules. */
static enum rdt_code
begin_rule(struct rdt_gather *g, uint32_t rule, struct rdt_err *err)
{
    if (g->reading == rule)
        return RDT_OK;
    if (g->reading != NO_RULE && rule < g->reading)
        return rdt_fail(err, RDT_E_SANDBOX, "the rules' process answered out of order");
    enum rdt_code rc = end_rule(g, err);
    g->reading = rule;
    return rc;
}

static enum rdt_code
take_result(struct rdt_gather *g, const struct rdt_wire_result *from, struct rdt_err *err)
{
    uint32_t rule = (uint32_t)g->base + from->rule;
    bool detail = from->n_subjects == 0;
    enum rdt_code rc = begin_rule(g, rule, err);
    if (rc != RDT_OK || g->run->rules[rule].disabled != NULL)
        return rc;
    g->n_last_evidence = from->n_evidence;
    memcpy(g->last_evidence, from->evidence, sizeof g->last_evidence);
    struct rdt_result r = {
        .rule = rule,
        .verdict = rdt_combine_plain(from, g->run->rules[rule].decided),
        .severity = detail ? (enum rdt_severity)from->severity : g->run->rules[rule].severity,
        .message = message_of(g, from),
        .observed = rdt_gather_text(g, from->observed),
        .expected = rdt_gather_text(g, from->expected),
        .evidence = copy_evidence(g, from),
    };
    /* the child says so too; but it is a child that a pack may have taken over */
    if (r.verdict == RDT_PASS && from->outcome == RDT_OUT_PASS && from->n_evidence != 0)
        r.assurance = (enum rdt_assurance)from->level;
    for (size_t i = 0; rc == RDT_OK && i < (detail ? 1 : from->n_subjects); i++) {
        struct rdt_result one = r;
        one.subject = detail ? from->subject : rdt_wire_subject(from, i);
        one.where = find_place(g, one.subject, from->field);
        note_sight(g, from, &one);
        rdt_overlay_apply(g, &one);
        rc = add_result(g, one.subject, &one, err);
    }
    return rc;
}

/* ---- records
 * ------------------------------------------------------------------------------------- */

static enum rdt_code
take_failure(const struct rdt_wire_failure *failure, struct rdt_err *err)
{
    rdt_fail(err, failure->code, "%.*s", RDT_FMT(failure->what));
    if (failure->hint.n != 0)
        rdt_hint(err, "%.*s", RDT_FMT(failure->hint));
    return failure->code;
}

static enum rdt_code
take_record(struct rdt_gather *g, const struct rdt_wire_record *record, const char *name,
            struct rdt_err *err)
{
    switch (record->type) {
    case 'R':
        return add_rule(g, &record->rule, name, err);
    case 'G':
    case 'D':
        return take_result(g, &record->result, err);
    case 'T':
        if (g->on_test != NULL)
            g->on_test(g, &record->test);
        return RDT_OK;
    case 'V':
        if (g->on_value != NULL)
            g->on_value(g, &record->value);
        return RDT_OK;
    case 'F':
        return take_failure(&record->failure, err);
    default:
        return RDT_OK;
    }
}

enum rdt_code
rdt_gather_read(struct rdt_gather *gather, struct rdt_span bytes, const char *name,
                struct rdt_err *err)
{
    const struct rdt_evidence *evidence = gather->judge->evidence;
    struct rdt_wire_bounds bounds = {
        .subjects = (uint32_t)gather->run->n_subjects,
        .evidence = evidence == NULL ? 0 : (uint32_t)evidence->n,
    };
    struct rdt_wire_record record = {0};
    enum rdt_code rc = RDT_OK;
    gather->base = gather->run->n_rules;
    while (rc == RDT_OK && bytes.n != 0) {
        rc = rdt_wire_take(&bytes, &bounds, &record, err);
        if (rc == RDT_OK)
            rc = take_record(gather, &record, name, err);
    }
    if (rc == RDT_OK)
        rc = end_rule(gather, err);
    if (rc == RDT_OK && record.type != 'E')
        rc = rdt_fail(err, RDT_E_SANDBOX, "%s: the answer is cut short", name);
    return rc;
}
