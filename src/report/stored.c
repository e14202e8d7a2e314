/*
 * stored.c - reads back what json.c wrote. The bytes come from a file that anybody may have
 * touched, so nothing is taken for granted: what is missing or unknown ends the reading, and the
 * first such member is named.
 */
#include "report/report.h"

#include "base/clock.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "report/view_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 8 /* in any of the enums below */

struct rdt_stored {
    struct rdt_arena arena; /* the document; run and plan point into it */
    struct rdt_run *run;
    struct rdt_plan *plan;
    struct rdt_evidence evidence;
};

struct load {
    struct rdt_arena *arena;
    const char *bad; /* the first member that is missing or wrong */
    bool no_memory;
    const char *verdicts[WORDS_MAX], *assurances[WORDS_MAX], *severities[WORDS_MAX],
        *states[WORDS_MAX];
    struct rdt_names rules, subjects;
};

static void
fill_words(struct load *l)
{
    for (unsigned i = 0; i < RDT_NVERDICTS; i++)
        l->verdicts[i] = rdt_verdict_name(i);
    for (unsigned i = 0; i <= RDT_A4; i++)
        l->assurances[i] = rdt_assurance_name(i);
    for (unsigned i = 0; i <= RDT_SEV_CRITICAL; i++)
        l->severities[i] = rdt_severity_name(i);
    for (unsigned i = 0; i <= RDT_NOT_APPLICABLE; i++)
        l->states[i] = rdt_control_state_name(i);
}

static void
wrong(struct load *l, const char *member)
{
    if (l->bad == NULL)
        l->bad = member;
}

static void *
room(struct load *l, size_t n, size_t size)
{
    void *p = rdt_arena_new(l->arena, (n + 1) * size);
    if (p == NULL)
        l->no_memory = true;
    return p;
}

static const struct rdt_node *
member(const struct rdt_node *node, const char *key)
{
    const struct rdt_member *m = rdt_node_member(node, rdt_span_str(key));
    return m == NULL ? NULL : m->node;
}

static const struct rdt_node *
list(struct load *l, const struct rdt_node *node, const char *key)
{
    static const struct rdt_node none = {.kind = RDT_NODE_LIST};
    const struct rdt_node *found = member(node, key);
    if (found != NULL && found->kind == RDT_NODE_LIST)
        return found;
    wrong(l, key);
    return &none;
}

/* Text that may be missing. */
static const char *
text(struct load *l, const struct rdt_node *node, const char *key)
{
    const struct rdt_node *found = member(node, key);
    if (found != NULL && (found->kind != RDT_NODE_SCALAR || !found->quoted))
        wrong(l, key);
    return rdt_node_text(found);
}

static const char *
must(struct load *l, const struct rdt_node *node, const char *key)
{
    const char *found = text(l, node, key);
    if (found == NULL)
        wrong(l, key);
    return found == NULL ? "" : found;
}

static bool
truth(struct load *l, const struct rdt_node *node, const char *key)
{
    const struct rdt_node *found = member(node, key);
    if (!rdt_node_is(found, "true") && !rdt_node_is(found, "false"))
        wrong(l, key);
    return rdt_node_is(found, "true");
}

static size_t
number(struct load *l, const struct rdt_node *node, const char *key, size_t max)
{
    const struct rdt_node *found = member(node, key);
    double n = -1;
    if (found != NULL && found->kind == RDT_NODE_SCALAR)
        rdt_node_scalar_type(found, &n);
    if (n >= 0 && n <= (double)max)
        return (size_t)n;
    wrong(l, key);
    return 0;
}

static unsigned
word(struct load *l, const struct rdt_node *node, const char *key, const char *const *words)
{
    const char *found = must(l, node, key);
    for (unsigned i = 0; i < WORDS_MAX && words[i] != NULL; i++) {
        if (strcmp(words[i], found) == 0)
            return i;
    }
    wrong(l, key);
    return 0;
}

static struct rdt_strings
strings(struct load *l, const struct rdt_node *node, const char *key)
{
    const struct rdt_node *from = list(l, node, key);
    const char **at = room(l, from->n, sizeof *at);
    if (at == NULL)
        return (struct rdt_strings){0};
    for (size_t i = 0; i < from->n; i++) {
        at[i] = rdt_node_text(from->members[i].node);
        if (at[i] == NULL) {
            at[i] = "";
            wrong(l, key);
        }
    }
    return (struct rdt_strings){at, from->n};
}

static struct rdt_mark
mark(struct load *l, const struct rdt_node *node)
{
    const struct rdt_node *where = member(node, "where");
    struct rdt_mark out = {0};
    if (where == NULL)
        return out;
    out.file = must(l, where, "file");
    out.line = (uint32_t)number(l, where, "line", UINT32_MAX);
    out.column = (uint32_t)number(l, where, "column", UINT32_MAX);
    return out;
}

static void
load_head(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *head = member(root, "run");
    const struct rdt_node *summary = member(root, "summary");
    if (!rdt_node_is(member(root, "redoubt"), "1"))
        wrong(l, "redoubt");
    run->id = must(l, head, "id");
    if (!rdt_stamp_parse(rdt_span_str(must(l, head, "time")), &run->time))
        wrong(l, "time");
    run->plan = must(l, head, "plan");
    run->product = must(l, head, "product");
    run->env = text(l, head, "env");
    run->version = must(l, head, "version");
    run->live = truth(l, head, "live");
    for (unsigned i = 0; i < RDT_NVERDICTS; i++)
        run->count[i] = number(l, summary, l->verdicts[i], UINT32_MAX);
    run->planned = number(l, summary, "planned", UINT32_MAX);
    run->observed = number(l, summary, "observed", UINT32_MAX);
    run->notes = strings(l, root, "notes");
}

static void
load_rules(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *from = list(l, root, "rules");
    run->rules = room(l, from->n, sizeof *run->rules);
    if (run->rules == NULL || !rdt_names_init(&l->rules, l->arena, from->n))
        return;
    for (size_t i = 0; i < from->n; i++) {
        const struct rdt_node *node = from->members[i].node;
        struct rdt_rule *rule = &run->rules[i];
        rule->id = must(l, node, "id");
        rule->title = must(l, node, "title");
        rule->why = text(l, node, "why");
        rule->fix = text(l, node, "fix");
        rule->pack = text(l, node, "pack");
        rule->severity = word(l, node, "severity", l->severities);
        rule->decided = (unsigned)number(l, node, "decided", UINT16_MAX);
        rule->source = strings(l, node, "source");
        rule->subjects = strings(l, node, "subjects");
        rule->controls = strings(l, node, "controls");
        rule->rollups = strings(l, node, "rollups");
        rule->disabled = text(l, node, "disabled");
        if (rdt_names_put(&l->rules, rule->id, (uint32_t)i) != i)
            wrong(l, "rules");
    }
    run->n_rules = from->n;
}

static void
load_subjects(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *from = list(l, root, "subjects");
    run->subjects = room(l, from->n, sizeof *run->subjects);
    if (run->subjects == NULL || !rdt_names_init(&l->subjects, l->arena, from->n))
        return;
    for (size_t i = 0; i < from->n; i++) {
        const struct rdt_node *node = from->members[i].node;
        struct rdt_run_subject *subject = &run->subjects[i];
        const char *level = text(l, node, "level");
        subject->id = must(l, node, "id");
        subject->level = rdt_level_parse(level);
        if (level != NULL && subject->level == RDT_LEVEL_NONE)
            wrong(l, "level");
        subject->level_from = text(l, node, "level_from");
        subject->where = mark(l, node);
        if (rdt_names_put(&l->subjects, subject->id, (uint32_t)i) != i)
            wrong(l, "subjects");
    }
    run->n_subjects = from->n;
}

static uint32_t
known(struct load *l, const struct rdt_names *names, const char *name, const char *key)
{
    uint32_t at = rdt_names_get(names, name);
    if (at == RDT_NOWHERE)
        wrong(l, key);
    return at == RDT_NOWHERE ? 0 : at;
}

static struct rdt_result
result_of(struct load *l, const struct rdt_node *node, const struct rdt_run *run)
{
    struct rdt_result r = {0};
    r.rule = known(l, &l->rules, must(l, node, "rule"), "rule");
    r.verdict = word(l, node, "verdict", l->verdicts);
    r.assurance = word(l, node, "assurance", l->assurances);
    r.message = text(l, node, "message");
    /* json.c writes the rule's title where a result has no words of its own */
    if (r.message != NULL && run->n_rules != 0 && strcmp(r.message, run->rules[r.rule].title) == 0)
        r.message = NULL;
    return r;
}

static void
load_single(struct load *l, const struct rdt_node *node, struct rdt_run *run)
{
    struct rdt_result r = result_of(l, node, run);
    r.subject = known(l, &l->subjects, must(l, node, "subject"), "subject");
    r.severity = word(l, node, "severity", l->severities);
    if (r.verdict == RDT_ACCEPTED)
        r.before = word(l, node, "before", l->verdicts);
    r.observed = text(l, node, "observed");
    r.expected = text(l, node, "expected");
    r.exception = text(l, node, "exception");
    r.evidence = strings(l, node, "evidence");
    r.where = mark(l, node);
    run->results[run->n_results++] = r;
}

static void
load_group(struct load *l, const struct rdt_node *node, struct rdt_run *run)
{
    const struct rdt_node *subjects = list(l, node, "subjects");
    struct rdt_result r = result_of(l, node, run);
    if (run->n_rules != 0)
        r.severity = run->rules[r.rule].severity;
    for (size_t i = 0; i < subjects->n; i++) {
        r.subject = known(l, &l->subjects, rdt_node_text(subjects->members[i].node), "subjects");
        if (run->n_subjects != 0)
            r.where = run->subjects[r.subject].where;
        run->results[run->n_results++] = r;
    }
}

/* Findings and grouped results go back between each other: by the rank of their verdict. */
static void
in_order(struct load *l, struct rdt_run *run)
{
    size_t at[RDT_NVERDICTS] = {0}, n = 0;
    struct rdt_result *sorted = room(l, run->n_results, sizeof *sorted);
    if (sorted == NULL)
        return;
    for (unsigned rank = 0; rank < RDT_NVERDICTS; rank++) {
        for (unsigned v = 0; v < RDT_NVERDICTS; v++) {
            if (rdt_verdict_rank(v) != rank)
                continue;
            at[v] = n;
            n += run->count[v];
        }
    }
    for (size_t i = 0; i < run->n_results; i++)
        sorted[at[run->results[i].verdict]++] = run->results[i];
    run->results = sorted;
}

static void
load_results(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *findings = list(l, root, "findings");
    const struct rdt_node *grouped = list(l, root, "grouped");
    size_t n = findings->n + grouped->n, count[RDT_NVERDICTS] = {0};
    for (size_t i = 0; i < grouped->n; i++) {
        const struct rdt_node *group = member(grouped->members[i].node, "subjects");
        n += group == NULL ? 0 : group->n;
    }
    run->results = room(l, n, sizeof *run->results);
    if (run->results == NULL || l->no_memory)
        return;
    for (size_t i = 0; i < findings->n; i++)
        load_single(l, findings->members[i].node, run);
    for (size_t i = 0; i < grouped->n; i++) {
        const struct rdt_node *node = grouped->members[i].node;
        if (member(node, "subjects") != NULL)
            load_group(l, node, run);
        else
            load_single(l, node, run);
    }
    if (run->n_results != 0 && (run->n_rules == 0 || run->n_subjects == 0))
        wrong(l, "findings");
    for (size_t i = 0; i < run->n_results; i++)
        count[run->results[i].verdict]++;
    for (unsigned v = 0; v < RDT_NVERDICTS; v++) {
        if (count[v] != run->count[v])
            wrong(l, "summary");
        run->count[v] = count[v]; /* in_order() relies on it */
    }
    in_order(l, run);
}

static void
load_rows(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *from = list(l, root, "rows");
    run->rows = room(l, from->n, sizeof *run->rows);
    for (size_t i = 0; run->rows != NULL && i < from->n; i++) {
        const struct rdt_node *node = from->members[i].node;
        struct rdt_row *row = &run->rows[run->n_rows++];
        row->id = must(l, node, "id");
        row->title = must(l, node, "title");
        row->checklist = text(l, node, "checklist");
        row->part = (int)number(l, node, "part", 99);
        row->verdict = word(l, node, "verdict", l->verdicts);
        row->assurance = word(l, node, "assurance", l->assurances);
        row->by = strings(l, node, "by");
        row->broken = strings(l, node, "broken");
    }
}

static void
load_control(struct load *l, const struct rdt_node *node, struct rdt_control *control)
{
    const struct rdt_node *from = list(l, node, "rules");
    struct rdt_control_rule *rules = room(l, from->n, sizeof *rules);
    control->id = must(l, node, "id");
    control->title = must(l, node, "title");
    control->note = text(l, node, "note");
    control->verified = truth(l, node, "verified");
    control->state = word(l, node, "state", l->states);
    for (size_t i = 0; rules != NULL && i < from->n; i++) {
        const struct rdt_node *rule = from->members[i].node;
        const char *strength = must(l, rule, "strength");
        rules[i].rule = must(l, rule, "rule");
        rules[i].covers = strcmp(strength, "covers") == 0;
        if (!rules[i].covers && strcmp(strength, "supports") != 0)
            wrong(l, "strength");
        rules[i].verdict = word(l, rule, "verdict", l->verdicts);
        rules[i].assurance = word(l, rule, "assurance", l->assurances);
    }
    control->rules = rules;
    control->n_rules = rules == NULL ? 0 : from->n;
}

static void
load_frameworks(struct load *l, const struct rdt_node *root, struct rdt_run *run)
{
    const struct rdt_node *from = list(l, root, "frameworks");
    run->frameworks = room(l, from->n, sizeof *run->frameworks);
    for (size_t i = 0; run->frameworks != NULL && i < from->n; i++) {
        const struct rdt_node *node = from->members[i].node;
        struct rdt_framework *f = &run->frameworks[run->n_frameworks++];
        f->id = must(l, node, "id");
        f->edition = must(l, node, "edition");
        f->title = must(l, node, "title");
        f->published = text(l, node, "published");
        f->chosen = truth(l, node, "chosen");
        f->is_default = truth(l, node, "default");
        f->notes = strings(l, node, "notes");
        const struct rdt_node *controls = list(l, node, "controls");
        struct rdt_control *made = room(l, controls->n, sizeof *made);
        for (size_t k = 0; made != NULL && k < controls->n; k++)
            load_control(l, controls->members[k].node, &made[k]);
        f->controls = made;
        f->n_controls = made == NULL ? 0 : controls->n;
    }
}

static void
load_observation(struct load *l, const struct rdt_node *node, struct rdt_observation *o)
{
    char digest[RDT_SHA256_TEXT] = "";
    const char *sha256 = must(l, node, "sha256");
    o->subject = must(l, node, "subject");
    o->fact = must(l, node, "fact");
    o->collector = must(l, node, "collector");
    o->unknown = text(l, node, "unknown");
    o->value = member(node, "value");
    o->raw = must(l, node, "raw");
    if (!rdt_stamp_parse(rdt_span_str(must(l, node, "time")), &o->time))
        wrong(l, "time");
    if ((o->unknown == NULL) == (o->value == NULL))
        wrong(l, "value");
    /* what a verdict rests on must be what was collected */
    if (rdt_sha256_text(rdt_span_str(o->raw), digest, NULL) != RDT_OK ||
        strcmp(digest, sha256) != 0)
        wrong(l, "sha256");
    snprintf(o->sha256, sizeof o->sha256, "%s", digest);
}

static void
load_evidence(struct load *l, const struct rdt_node *root, struct rdt_evidence *evidence)
{
    const struct rdt_node *from = list(l, root, "observations");
    if (from->n == 0)
        return;
    evidence->items = calloc(from->n, sizeof *evidence->items);
    if (evidence->items == NULL) {
        l->no_memory = true;
        return;
    }
    evidence->cap = from->n;
    for (size_t i = 0; i < from->n; i++)
        load_observation(l, from->members[i].node, &evidence->items[evidence->n++]);
}

static enum rdt_code
load_plan(struct rdt_stored *stored, const char *name, const struct rdt_node *root,
          struct rdt_err *err)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    const struct rdt_member *plan = rdt_node_member(root, rdt_span_str("plan_document"));
    struct rdt_plan_opts opts = {.env = stored->run->env};
    if (plan == NULL || member(plan->node, "include") != NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: 'plan_document' is missing or wrong", name);
    enum rdt_code rc =
        rdt_plan_from_node(plan->node, stored->run->plan, &opts, &diags, &stored->plan, err);
    if (rc == RDT_E_BADINPUT && diags.n != 0)
        return rdt_fail(err, rc, "%s: plan_document: %s", name, diags.items[0].text);
    return rc == RDT_OK ? rc : rdt_fail_in(err, rc, "%s: plan_document", name);
}

static enum rdt_code
load_all(struct rdt_stored *stored, const char *name, const struct rdt_node *root,
         struct rdt_err *err)
{
    struct load l = {.arena = &stored->arena};
    struct rdt_run *run = stored->run;
    fill_words(&l);
    load_head(&l, root, run);
    load_rules(&l, root, run);
    load_subjects(&l, root, run);
    if (l.rules.cap != 0 && l.subjects.cap != 0)
        load_results(&l, root, run);
    load_rows(&l, root, run);
    load_frameworks(&l, root, run);
    load_evidence(&l, root, &stored->evidence);
    if (l.no_memory || l.rules.cap == 0 || l.subjects.cap == 0)
        return rdt_fail(err, RDT_E_NOMEM, "%s", name);
    if (l.bad != NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "%s: '%s' is missing or wrong", name, l.bad);
    return load_plan(stored, name, root, err);
}

enum rdt_code
rdt_run_load(const char *name, struct rdt_span json, struct rdt_stored **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *stored = calloc(1, sizeof *stored);
    struct rdt_node *root = NULL;
    if (stored == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", name);
    const char *file = rdt_arena_str(&stored->arena, rdt_span_str(name));
    stored->run = rdt_arena_new(&stored->arena, sizeof *stored->run);
    if (file == NULL || stored->run == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "%s", name);
    enum rdt_code rc = rdt_json_parse(file, json, &stored->arena, &root, err);
    if (rc == RDT_OK)
        rc = load_all(stored, name, root, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(stored);
    return rc;
}

const struct rdt_run *
rdt_stored_run(const struct rdt_stored *stored)
{
    return stored->run;
}

const struct rdt_plan *
rdt_stored_plan(const struct rdt_stored *stored)
{
    return stored->plan;
}

const struct rdt_evidence *
rdt_stored_evidence(const struct rdt_stored *stored)
{
    return &stored->evidence;
}

void
rdt_stored_close(struct rdt_stored *stored)
{
    if (stored == NULL)
        return;
    rdt_plan_close(stored->plan);
    rdt_evidence_done(&stored->evidence);
    rdt_arena_done(&stored->arena);
    free(stored);
}

void
rdt_stored_close_at(struct rdt_stored **stored)
{
    rdt_stored_close(*stored);
    *stored = NULL;
}
