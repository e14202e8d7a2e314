#include "rules/fileinfo_internal.h"
#include "rules/gather_internal.h"
#include "rules/rules.h"

#include "base/embed.h"
#include "codec/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define HEALTHY "packs/rules/healthy.yaml"
#define NOTES_MAX 1000
#define NAMED_MAX 10 /* of data types or environments in one note */

void
rdt_run_free(struct rdt_run *run)
{
    if (run == NULL)
        return;
    rdt_arena_done(&run->arena);
    free(run);
}

void
rdt_run_free_at(struct rdt_run **run)
{
    rdt_run_free(*run);
}

/* ---- what stands at the top of a run
 * ---------------------------------------------------------------- */

/* A random UUID, version 4. */
static enum rdt_code
name_run(struct rdt_run *run, struct rdt_err *err)
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return rdt_fail(err, RDT_E_IO, "random bytes: %s", strerror(errno));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    run->id = rdt_arena_fmt(&run->arena,
                            "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                            b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
                            b[11], b[12], b[13], b[14], b[15]);
    return run->id == NULL ? rdt_fail(err, RDT_E_NOMEM, "a run") : RDT_OK;
}

static const char *
keep(struct rdt_run *run, const char *text)
{
    return text == NULL ? NULL : rdt_arena_str(&run->arena, rdt_span_str(text));
}

static enum rdt_code
describe_run(struct rdt_gather *g, struct rdt_err *err)
{
    struct rdt_run *run = g->run;
    const struct rdt_plan *plan = g->judge->plan;
    run->plan = keep(run, rdt_plan_path(plan));
    run->product = keep(run, rdt_node_str(rdt_plan_root(plan), "product.name"));
    run->env = keep(run, rdt_plan_env(plan));
    run->version = REDOUBT_VERSION;
    run->live = g->judge->evidence != NULL;
    return name_run(run, err);
}

/* The run outlives the plan. */
static enum rdt_code
keep_subjects(struct rdt_run *run, struct rdt_err *err)
{
    const char *last = NULL, *kept = NULL;
    for (size_t i = 0; i < run->n_subjects; i++) {
        struct rdt_run_subject *s = &run->subjects[i];
        s->id = keep(run, s->id);
        s->level_from = keep(run, s->level_from);
        if (s->where.file != NULL && s->where.file != last) {
            last = s->where.file;
            kept = keep(run, last);
        }
        s->where.file = s->where.file == NULL ? NULL : kept;
        if (s->id == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "subjects of a run");
    }
    return RDT_OK;
}

static enum rdt_code
keep_marks(struct rdt_run *run, struct rdt_err *err)
{
    const char *last = NULL, *kept = NULL;
    for (size_t i = 0; i < run->n_results; i++) {
        struct rdt_result *r = &run->results[i];
        r->exception = keep(run, r->exception);
        if (r->where.file == NULL)
            continue;
        if (r->where.file != last) {
            last = r->where.file;
            kept = keep(run, last);
            if (kept == NULL)
                return rdt_fail(err, RDT_E_NOMEM, "results of a run");
        }
        r->where.file = kept;
    }
    return RDT_OK;
}

/* ---- notes
 * --------------------------------------------------------------------------------------------- */

struct notes {
    const char *at[NOTES_MAX];
    size_t n;
};

static void
add_note(struct notes *notes, const char *text)
{
    if (text != NULL && notes->n < NOTES_MAX)
        notes->at[notes->n++] = text;
}

static void
note_levels(struct rdt_gather *g, struct notes *notes)
{
    for (unsigned level = RDT_CRITICAL; level >= RDT_LOW; level--) {
        const struct rdt_floor *f = rdt_plan_floor(g->judge->plan, (enum rdt_level)level);
        if (!f->overridden)
            continue;
        add_note(notes,
                 rdt_arena_fmt(&g->run->arena,
                               "policy.levels changes what %s data needs: volume %s, field "
                               "encryption %s, %s, custody %s, rotation %g days",
                               rdt_level_name((enum rdt_level)level), f->volume,
                               f->field ? "yes" : "no", f->tls, f->custody, f->rotation_days));
    }
}

/* Made-up data exposes nobody, so that one word takes a data type out of every floor. */
static void
note_synthetic(struct rdt_gather *g, struct notes *notes)
{
    size_t n = 0, found = 0;
    RDT_BUF names = {0};
    const struct rdt_subject *data = rdt_plan_section(g->judge->plan, RDT_DATA, &n);
    for (size_t i = 0; i < n; i++) {
        if (!rdt_node_true(data[i].node, "synthetic"))
            continue;
        if (found++ < NAMED_MAX)
            rdt_buf_fmt(&names, "%s%s", found == 1 ? "" : ", ", data[i].name);
    }
    if (found > NAMED_MAX)
        rdt_buf_fmt(&names, " and %zu more", found - NAMED_MAX);
    if (found != 0 && rdt_buf_cstr(&names) != NULL)
        add_note(notes, rdt_arena_fmt(&g->run->arena, "synthetic, so judged as low data: %s",
                                      rdt_buf_cstr(&names)));
}

/* A patch can take away what the plan as written has, and only a run of that environment sees it.
 */
static void
note_environments(struct rdt_gather *g, struct notes *notes)
{
    size_t n = 0, found = 0;
    RDT_BUF names = {0};
    const struct rdt_subject *envs = rdt_plan_section(g->judge->plan, RDT_ENVIRONMENTS, &n);
    for (size_t i = 0; i < n && rdt_plan_env(g->judge->plan) == NULL; i++) {
        if (rdt_node_get(envs[i].node, "patch") != NULL && found++ < NAMED_MAX)
            rdt_buf_fmt(&names, "%s%s", found == 1 ? "" : ", ", envs[i].name);
    }
    if (found > NAMED_MAX)
        rdt_buf_fmt(&names, " and %zu more", found - NAMED_MAX);
    if (found != 0 && rdt_buf_cstr(&names) != NULL)
        add_note(notes, rdt_arena_fmt(&g->run->arena,
                                      "judged as written; what these environments change is judged "
                                      "with --env only: %s",
                                      rdt_buf_cstr(&names)));
}

static bool
has_finding(const struct rdt_gather *g, const char *rule)
{
    size_t index;
    if (!rdt_rollup_find(g, rule, &index))
        return false;
    const struct rdt_range *range = &g->ranges[index];
    for (size_t i = range->first; i < range->first + range->n; i++) {
        enum rdt_verdict v = g->run->results[i].verdict;
        if (v == RDT_FAIL || v == RDT_DRIFT || v == RDT_ACCEPTED)
            return true;
    }
    return false;
}

/* Why a finding may be there though the template was followed to the letter. */
static void
note_template(struct rdt_gather *g, struct notes *notes)
{
    const struct rdt_run *run = g->run;
    for (size_t i = 0; i < run->n_template_notes; i++) {
        const struct rdt_template_note *note = &run->template_notes[i];
        bool found = false;
        for (size_t r = 0; r < note->rules.n && !found; r++)
            found = has_finding(g, note->rules.at[r]);
        if (found)
            add_note(notes, rdt_arena_fmt(&g->run->arena, "template %s: %s. Here: %s", note->id,
                                          note->title, note->settled));
    }
}

static enum rdt_code
write_notes(struct rdt_gather *g, struct rdt_err *err)
{
    struct rdt_run *run = g->run;
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct notes *notes = rdt_arena_new(&arena, sizeof *notes);
    if (notes == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "notes");
    for (size_t i = 0; i < run->n_rules; i++)
        if (run->rules[i].disabled != NULL)
            add_note(notes, rdt_arena_fmt(&run->arena, "rule %s is disabled: %s", run->rules[i].id,
                                          run->rules[i].disabled));
    note_levels(g, notes);
    note_synthetic(g, notes);
    note_environments(g, notes);
    note_template(g, notes);
    const char **at = rdt_arena_new(&run->arena, (notes->n + 1) * sizeof *at);
    if (at == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "notes");
    memcpy(at, notes->at, notes->n * sizeof *at);
    run->notes = (struct rdt_strings){at, notes->n};
    return RDT_OK;
}

/* ---- judging
 * --------------------------------------------------------------------------------------------- */

static enum rdt_code
complete(struct rdt_gather *g, struct rdt_err *err)
{
    enum rdt_code rc = rdt_refs_check(g, err);
    if (rc == RDT_OK)
        rc = rdt_catalogue_link(g, err);
    if (rc == RDT_OK)
        rc = rdt_rollup_rows(g, err);
    if (rc == RDT_OK)
        rc = rdt_framework_states(g, err);
    if (rc == RDT_OK)
        rc = describe_run(g, err);
    if (rc == RDT_OK)
        rc = write_notes(g, err);
    if (rc == RDT_OK)
        rc = keep_subjects(g->run, err);
    if (rc == RDT_OK)
        rc = keep_marks(g->run, err);
    return rc;
}

enum rdt_code
rdt_run_judge(const struct rdt_judge *judge, struct rdt_run **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    enum rdt_code rc = rdt_gather_start(&g, judge, err);
    if (rc == RDT_OK)
        rc = rdt_fileinfo_gather(rdt_plan_root(judge->plan), rdt_plan_folder(judge->plan), &g.arena,
                                 &g.files, &g.n_files, err);
    struct rdt_child_job job = {
        .mode = RDT_CHILD_JUDGE, .judge = judge, .files = g.files, .n_files = g.n_files};
    if (rc == RDT_OK)
        rc = rdt_gather_packs(&g, &job, &judge->packs, err);
    if (rc == RDT_OK)
        rc = complete(&g, err);
    return rc != RDT_OK ? rc : rdt_gather_finish(&g, out, err);
}

/* ---- without a plan
 * ---------------------------------------------------------------------------------------- */

enum rdt_code
rdt_rules_list(const struct rdt_strings *packs, struct rdt_run **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    struct rdt_judge judge = {0};
    struct rdt_child_job job = {.mode = RDT_CHILD_LIST, .judge = &judge};
    enum rdt_code rc = rdt_gather_start(&g, &judge, err);
    if (rc == RDT_OK)
        rc = rdt_gather_packs(&g, &job, packs, err);
    if (rc == RDT_OK)
        rc = rdt_catalogue_link(&g, err);
    if (rc != RDT_OK)
        return rc;
    g.run->version = REDOUBT_VERSION;
    return rdt_gather_finish(&g, out, err);
}

struct test_report {
    void (*report)(void *context, const struct rdt_rule_test *test);
    void *context;
    struct rdt_rules_tally *tally;
};

static void
report_test(struct rdt_gather *g, const struct rdt_wire_test *test)
{
    struct test_report *r = g->context;
    const struct rdt_rule *rule = &g->run->rules[g->base + test->rule];
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_rule_test t = {
        .rule = rule->id,
        .pack = rule->pack,
        .number = test->number,
        .good = test->good,
        .subject = rdt_arena_str(&arena, test->subject),
        .expected = rdt_arena_str(&arena, test->expected),
        .got = rdt_arena_str(&arena, test->got),
        .message = rdt_arena_str(&arena, test->message),
    };
    if (t.number == 0)
        r->tally->remarks++;
    else
        r->tally->tests++;
    r->tally->failed += !t.good;
    if (r->report != NULL)
        r->report(r->context, &t);
}

static enum rdt_code
parse_healthy(struct rdt_arena *arena, struct rdt_node **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    struct rdt_span text = {0};
    if (!rdt_embed_find(HEALTHY, &text))
        return rdt_fail(err, RDT_E_INTERNAL, "%s is not embedded", HEALTHY);
    return rdt_yaml_parse(HEALTHY, text, arena, &diags, out, err);
}

enum rdt_code
rdt_rules_test(const struct rdt_strings *packs, const struct rdt_strings *only,
               void (*report)(void *context, const struct rdt_rule_test *test), void *context,
               struct rdt_rules_tally *tally, struct rdt_err *err)
{
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    struct rdt_judge judge = {.only = *only};
    struct rdt_child_job job = {.mode = RDT_CHILD_TEST, .judge = &judge};
    struct test_report reporting = {report, context, tally};
    *tally = (struct rdt_rules_tally){0};
    enum rdt_code rc = rdt_gather_start(&g, &judge, err);
    g.on_test = report_test;
    g.context = &reporting;
    if (rc == RDT_OK)
        rc = parse_healthy(&g.arena, &job.healthy, err);
    if (rc == RDT_OK)
        rc = rdt_gather_packs(&g, &job, packs, err);
    tally->rules = rc == RDT_OK ? g.run->n_rules : 0;
    return rc;
}
