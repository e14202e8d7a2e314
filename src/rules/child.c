#include "rules/child_internal.h"
#include "rules/engine_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_BASE ((size_t)64 * 1024 * 1024)
#define MEMORY_SUBJECT                                                                             \
    ((size_t)16 * 1024) /* Lua tables of one subject and its links, generously                     \
                         */
/* Answers are kept until so many: the parent may be busy with the answers of another child. */
#define FLUSH_BYTES ((size_t)32 * 1024 * 1024)

size_t
rdt_child_memory(const struct rdt_child_job *job)
{
    size_t n = 0;
    if (job->judge != NULL && job->judge->plan != NULL)
        rdt_plan_subjects(job->judge->plan, &n);
    return MEMORY_BASE + n * MEMORY_SUBJECT;
}

/* Results that differ in their subject only, gathered into one record. */
struct group {
    struct rdt_wire_result like;
    char message[RDT_WIRE_TEXT_MAX + 1];
    uint32_t *subjects;
    size_t n;
};

struct child {
    const struct rdt_child_job *job;
    struct rdt_engine engine;
    struct rdt_buf out;
    struct group group;
    int fd;
};

static void
flush(struct child *child)
{
    size_t at = 0;
    while (at < child->out.n) {
        ssize_t n = write(child->fd, child->out.p + at, child->out.n - at);
        if (n <= 0)
            _exit(1); /* the parent is gone or has closed the pipe */
        at += (size_t)n;
    }
    child->out.n = 0;
}

static void
end_group(struct child *child)
{
    struct group *g = &child->group;
    if (g->n != 0)
        rdt_wire_put_group(&child->out, &g->like, g->subjects, g->n);
    g->n = 0;
}

static bool
joins(const struct group *g, const struct rdt_wire_result *r)
{
    return g->n != 0 && g->like.rule == r->rule && g->like.outcome == r->outcome &&
           g->like.stage == r->stage && g->like.level == r->level &&
           rdt_span_cmp(g->like.message, r->message) == 0;
}

/* Rules in their order; what says nothing about its subject goes into groups. */
static void
put_result(struct child *child, const struct rdt_wire_result *r)
{
    struct group *g = &child->group;
    bool plain = r->n_evidence == 0 && r->field.n == 0 && r->message.n <= RDT_WIRE_TEXT_MAX &&
                 (r->outcome == RDT_OUT_PASS || r->outcome == RDT_OUT_NA ||
                  r->outcome == RDT_OUT_UNOBSERVED);
    if (!plain) {
        rdt_wire_put_detail(&child->out, r);
    } else {
        if (!joins(g, r)) {
            end_group(child);
            g->like = *r;
            if (r->message.n != 0)
                memcpy(g->message, r->message.p, r->message.n);
            g->like.message = (struct rdt_span){(const uint8_t *)g->message, r->message.n};
        }
        g->subjects[g->n++] = r->subject;
    }
    if (child->out.n > FLUSH_BYTES)
        flush(child);
}

/* ---- one rule on one subject ------------------------------------------------------------------
 */

static int64_t
call_fuel(const struct rdt_engine *engine)
{
    return RDT_FUEL_CALL + (int64_t)engine->n_subjects * RDT_FUEL_SUBJECT;
}

static void
take_evidence(const struct rdt_engine *engine, struct rdt_wire_result *out)
{
    out->n_evidence = engine->n_used;
    for (size_t i = 0; i < engine->n_used; i++)
        out->evidence[i] = engine->used[i];
    /* a pass that nothing was looked at for is a declaration, whatever the rule calls it */
    if (out->outcome == RDT_OUT_PASS && !engine->saw)
        out->level = RDT_A0;
}

static bool
run_stage(struct rdt_engine *engine, int function, uint32_t subject, struct rdt_wire_result *out)
{
    lua_State *L = engine->L;
    out->message = out->field = out->observed = out->expected = (struct rdt_span){0};
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    rdt_bridge_push(engine, subject);
    bool ok =
        rdt_engine_call(engine, 1, 1, call_fuel(engine)) == LUA_OK && rdt_outcome_take(engine, out);
    if (ok)
        return true;
    if (engine->left == RDT_LEFT_LIMIT)
        return false;
    out->outcome = engine->left == RDT_LEFT_UNOBSERVED ? RDT_OUT_UNOBSERVED
                   : engine->left == RDT_LEFT_UNKNOWN  ? RDT_OUT_UNKNOWN
                                                       : RDT_OUT_ERROR;
    out->level = 0;
    out->message = rdt_span_str(engine->why);
    return true;
}

bool
rdt_child_judge_one(struct rdt_engine *engine, uint32_t rule, uint32_t subject,
                    struct rdt_wire_result *out)
{
    const struct rdt_pack_rule *r = &engine->rules[rule];
    *out = (struct rdt_wire_result){.rule = rule, .subject = subject, .severity = r->text.severity};
    engine->n_used = 0;
    engine->saw = false;
    if (!run_stage(engine, r->check, subject, out))
        return false;
    if (out->outcome == RDT_OUT_PASS && r->live != LUA_NOREF) {
        out->stage = RDT_STAGE_LIVE;
        if (!run_stage(engine, r->live, subject, out))
            return false;
    }
    take_evidence(engine, out);
    return true;
}

static enum rdt_code
fail_limit(const struct rdt_engine *engine, uint32_t rule, uint32_t subject, struct rdt_err *err)
{
    return rdt_fail(err, RDT_E_SANDBOX, "pack %s: rule %s on %s: %s", engine->rules[rule].pack,
                    (const char *)engine->rules[rule].text.id.p, engine->subjects[subject].id,
                    engine->why);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

bool
rdt_child_selects(const struct rdt_judge *judge, struct rdt_span id)
{
    if (judge->plan != NULL &&
        rdt_node_member(rdt_node_get(rdt_plan_root(judge->plan), "policy.disable"), id) != NULL)
        return false;
    bool found = judge->only.n == 0;
    for (size_t i = 0; i < judge->only.n && !found; i++)
        found = rdt_text_glob(rdt_span_str(judge->only.at[i]), id);
    return found;
}

static enum rdt_code
judge_section(struct child *child, uint32_t rule, enum rdt_section section, struct rdt_err *err)
{
    struct rdt_engine *engine = &child->engine;
    const char *wanted = child->job->judge->subject;
    size_t n = 0;
    const struct rdt_subject *first = rdt_plan_section(engine->plan, section, &n);
    for (size_t i = 0; i < n; i++) {
        struct rdt_wire_result result;
        uint32_t subject = (uint32_t)(first - engine->subjects + (ptrdiff_t)i);
        if (wanted != NULL && !rdt_text_glob(rdt_span_str(wanted), rdt_span_str(first[i].id)))
            continue;
        if (!rdt_child_judge_one(engine, rule, subject, &result))
            return fail_limit(engine, rule, subject, err);
        put_result(child, &result);
        lua_settop(engine->L, 0);
    }
    return RDT_OK;
}

static enum rdt_code
judge_all(struct child *child, struct rdt_err *err)
{
    struct rdt_engine *engine = &child->engine;
    enum rdt_code rc = RDT_OK;
    child->group.subjects = calloc(engine->n_subjects + 1, sizeof child->group.subjects[0]);
    if (child->group.subjects == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "judge");
    for (uint32_t r = 0; rc == RDT_OK && r < engine->n_rules; r++) {
        if (!rdt_child_selects(child->job->judge, engine->rules[r].text.id))
            continue;
        for (unsigned s = 0; rc == RDT_OK && s < RDT_NSECTIONS; s++)
            if ((engine->rules[r].text.sections >> s & 1) != 0)
                rc = judge_section(child, r, (enum rdt_section)s, err);
        end_group(child);
    }
    return rc;
}

static bool
find_rule(const struct rdt_engine *engine, const char *id, uint32_t *out)
{
    for (uint32_t r = 0; r < engine->n_rules; r++) {
        if (rdt_span_is(engine->rules[r].text.id, id)) {
            *out = r;
            return true;
        }
    }
    return false;
}

/* Nothing when the rule is in another pack, or is not for that section: the parent says so. */
static enum rdt_code
explain_one(struct child *child, struct rdt_err *err)
{
    struct rdt_engine *engine = &child->engine;
    struct rdt_wire_result result;
    uint32_t rule = 0;
    const struct rdt_subject *subject = rdt_plan_find(engine->plan, child->job->subject);
    if (subject == NULL || !find_rule(engine, child->job->rule, &rule) ||
        (engine->rules[rule].text.sections >> subject->section & 1) == 0)
        return RDT_OK;
    if (!rdt_child_selects(child->job->judge, engine->rules[rule].text.id))
        return RDT_OK;
    uint32_t index = (uint32_t)(subject - engine->subjects);
    if (!rdt_child_judge_one(engine, rule, index, &result))
        return fail_limit(engine, rule, index, err);
    rdt_wire_put_detail(&child->out, &result);
    for (size_t i = 0; i < engine->n_reads; i++)
        rdt_wire_put_value(&child->out, &(struct rdt_wire_value){
                                            .path = rdt_span_str(engine->reads[i].path),
                                            .value = rdt_span_str(engine->reads[i].value),
                                        });
    return RDT_OK;
}

/* ---- the job ----------------------------------------------------------------------------------
 */

static void
build_tables(struct rdt_engine *engine, void *context)
{
    (void)context;
    rdt_bridge_build(engine);
}

static enum rdt_code
load(struct child *child, struct rdt_err *err)
{
    const struct rdt_child_job *job = child->job;
    struct rdt_engine *engine = &child->engine;
    enum rdt_code rc = rdt_engine_open(engine, rdt_child_memory(job), err);
    if (rc != RDT_OK)
        return rc;
    engine->explain = job->mode == RDT_CHILD_EXPLAIN;
    engine->files = job->files;
    engine->n_files = job->n_files;
    if (job->judge != NULL && job->judge->plan != NULL) {
        engine->plan = job->judge->plan;
        engine->evidence = job->judge->evidence;
        engine->time = job->judge->time;
        engine->stored = job->judge->stored;
        if (!rdt_seen_index(engine) || rdt_engine_run(engine, build_tables, NULL) != LUA_OK)
            return rdt_fail(err, RDT_E_NOMEM, "tables of the plan: %s", engine->why);
    }
    for (size_t i = 0; rc == RDT_OK && i < job->n_packs; i++)
        rc = rdt_pack_load(engine, job->packs[i].name, job->packs[i].text, err);
    for (size_t r = 0; rc == RDT_OK && r < engine->n_rules; r++)
        rdt_wire_put_rule(&child->out, &engine->rules[r].text);
    return rc;
}

static enum rdt_code
run_mode(struct child *child, struct rdt_err *err)
{
    switch (child->job->mode) {
    case RDT_CHILD_LIST:
        return RDT_OK;
    case RDT_CHILD_JUDGE:
        return judge_all(child, err);
    case RDT_CHILD_TEST:
        return rdt_selftest_run(&child->engine, child->job, &child->out, err);
    case RDT_CHILD_EXPLAIN:
        return explain_one(child, err);
    }
    return rdt_fail(err, RDT_E_INTERNAL, "unknown job");
}

void
rdt_child_work(void *job, int fd)
{
    static struct child child; /* large, and the process ends with it */
    struct rdt_err err = {0};
    child = (struct child){.job = job, .fd = fd};
    enum rdt_code rc = load(&child, &err);
    if (rc == RDT_OK)
        rc = run_mode(&child, &err);
    if (!rdt_buf_ok(&child.out))
        _exit(1);
    if (rc == RDT_OK)
        rdt_wire_put_end(&child.out, (uint32_t)child.engine.n_rules);
    else
        rdt_wire_put_failure(&child.out, &err);
    flush(&child);
}
