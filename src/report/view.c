#include "report/view_internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WORST_LAST 100 /* a rank after every verdict's */

static uint32_t
hash_of(const char *key)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *key != '\0'; key++)
        h = (h ^ (uint8_t)*key) * 16777619u;
    return h;
}

bool
rdt_names_init(struct rdt_names *names, struct rdt_arena *arena, size_t n)
{
    size_t cap = 8;
    while (cap < n * 2)
        cap *= 2;
    names->keys = rdt_arena_new(arena, cap * sizeof *names->keys);
    names->values = rdt_arena_new(arena, cap * sizeof *names->values);
    bool ok = names->keys != NULL && names->values != NULL;
    names->cap = ok ? cap : 0;
    return ok;
}

static size_t
slot_of(const struct rdt_names *names, const char *key)
{
    size_t at = hash_of(key) & (names->cap - 1);
    while (names->keys[at] != NULL && strcmp(names->keys[at], key) != 0)
        at = (at + 1) & (names->cap - 1);
    return at;
}

uint32_t
rdt_names_put(struct rdt_names *names, const char *key, uint32_t value)
{
    size_t at = slot_of(names, key);
    if (names->keys[at] == NULL) {
        names->keys[at] = key;
        names->values[at] = value;
    }
    return names->values[at];
}

uint32_t
rdt_names_get(const struct rdt_names *names, const char *key)
{
    if (names->cap == 0 || key == NULL)
        return RDT_NOWHERE;
    size_t at = slot_of(names, key);
    return names->keys[at] == NULL ? RDT_NOWHERE : names->values[at];
}

unsigned
rdt_verdict_rank(enum rdt_verdict verdict)
{
#define X(name, word, rank) [name] = rank,
    static const unsigned ranks[] = {RDT_VERDICTS(X)};
#undef X
    return verdict < RDT_NVERDICTS ? ranks[verdict] : WORST_LAST;
}

/* Results come worst first, so that walking them backwards and putting each in front keeps that. */
static bool
index_results(struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    view->first = rdt_arena_new(&view->arena, (run->n_subjects + 1) * sizeof *view->first);
    view->next = rdt_arena_new(&view->arena, (run->n_results + 1) * sizeof *view->next);
    if (view->first == NULL || view->next == NULL)
        return false;
    for (size_t i = 0; i < run->n_subjects; i++)
        view->first[i] = RDT_NOWHERE;
    for (size_t i = run->n_results; i-- > 0;) {
        uint32_t subject = run->results[i].subject;
        view->next[i] = view->first[subject];
        view->first[subject] = (uint32_t)i;
    }
    return true;
}

static bool
index_names(struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    if (!rdt_names_init(&view->subjects, &view->arena, run->n_subjects) ||
        !rdt_names_init(&view->rules, &view->arena, run->n_rules))
        return false;
    for (size_t i = 0; i < run->n_subjects; i++)
        rdt_names_put(&view->subjects, run->subjects[i].id, (uint32_t)i);
    for (size_t i = 0; i < run->n_rules; i++)
        rdt_names_put(&view->rules, run->rules[i].id, (uint32_t)i);
    return true;
}

static bool
index_broken(struct rdt_view *view)
{
    const struct rdt_run *run = view->run;
    size_t n = 0;
    for (size_t i = 0; i < run->n_rows; i++)
        n += run->rows[i].broken.n;
    view->links = rdt_arena_new(&view->arena, (n + 1) * sizeof *view->links);
    if (view->links == NULL || !rdt_names_init(&view->broken, &view->arena, n))
        return false;
    uint32_t made = 0;
    for (size_t i = run->n_rows; i-- > 0;) {
        const struct rdt_row *row = &run->rows[i];
        for (size_t k = 0; k < row->broken.n; k++) {
            size_t at = slot_of(&view->broken, row->broken.at[k]);
            bool known = view->broken.keys[at] != NULL;
            view->links[made].row = row->id;
            view->links[made].next = known ? view->broken.values[at] : RDT_NOWHERE;
            view->broken.keys[at] = row->broken.at[k];
            view->broken.values[at] = made++;
        }
    }
    return true;
}

static enum rdt_code
no_framework(const struct rdt_run *run, const char *word, struct rdt_err *err)
{
    RDT_BUF names = {0};
    enum rdt_code rc = rdt_fail(err, RDT_E_NOTFOUND, "no framework '%s'", word);
    for (size_t i = 0; i < run->n_frameworks; i++)
        rdt_buf_fmt(&names, "%s%s@%s", i == 0 ? "there are " : ", ", run->frameworks[i].id,
                    run->frameworks[i].edition);
    if (names.n != 0 && rdt_buf_cstr(&names) != NULL)
        rdt_hint(err, "%s", rdt_buf_cstr(&names));
    return rc;
}

enum rdt_code
rdt_view_init(struct rdt_view *view, const struct rdt_report *report, struct rdt_err *err)
{
    const struct rdt_run *run = report->run;
    *view = (struct rdt_view){.report = report, .run = run, .plan = report->plan};
    if (report->framework != NULL) {
        view->framework = rdt_report_framework(run, report->framework);
        if (view->framework == NULL)
            return no_framework(run, report->framework, err);
    }
    rdt_stamp_text(run->time, view->stamp);
    rdt_date_text(run->time / RDT_DAY_S, view->date);
    if (!index_names(view) || !index_results(view) || !index_broken(view))
        return rdt_fail(err, RDT_E_NOMEM, "report");
    return RDT_OK;
}

void
rdt_view_done(struct rdt_view *view)
{
    rdt_arena_done(&view->arena);
}

const struct rdt_result *
rdt_view_worst(const struct rdt_view *view, const char *subject)
{
    const struct rdt_result *worst = NULL;
    uint32_t s = rdt_names_get(&view->subjects, subject);
    uint32_t at = s == RDT_NOWHERE ? RDT_NOWHERE : view->first[s];
    for (; at != RDT_NOWHERE; at = view->next[at]) {
        const struct rdt_result *r = &view->run->results[at];
        if (r->verdict == RDT_NA)
            continue;
        bool tells_more =
            worst != NULL && worst->verdict == RDT_UNOBSERVED && r->verdict == RDT_ACCEPTED;
        if (worst == NULL || tells_more ||
            rdt_verdict_rank(r->verdict) < rdt_verdict_rank(worst->verdict))
            worst = r;
    }
    return worst;
}

const struct rdt_result *
rdt_view_result(const struct rdt_view *view, const char *rule, const char *subject)
{
    uint32_t which = rdt_names_get(&view->rules, rule);
    uint32_t s = rdt_names_get(&view->subjects, subject);
    if (which == RDT_NOWHERE || s == RDT_NOWHERE)
        return NULL;
    for (uint32_t at = view->first[s]; at != RDT_NOWHERE; at = view->next[at]) {
        if (view->run->results[at].rule == which)
            return &view->run->results[at];
    }
    return NULL;
}

uint32_t
rdt_view_rollups(const struct rdt_view *view, const struct rdt_result *result)
{
    char key[256];
    const char *rule = view->run->rules[result->rule].id;
    const char *subject = view->run->subjects[result->subject].id;
    size_t n = strlen(rule), m = strlen(subject);
    if (n + m + 2 > sizeof key)
        return RDT_NOWHERE;
    memcpy(key, rule, n);
    key[n] = ' ';
    memcpy(key + n + 1, subject, m + 1);
    return rdt_names_get(&view->broken, key);
}

bool
rdt_result_shown(const struct rdt_result *result)
{
    return result->verdict != RDT_PASS && result->verdict != RDT_NA;
}

const char *
rdt_result_message(const struct rdt_run *run, const struct rdt_result *result)
{
    return result->message != NULL ? result->message : run->rules[result->rule].title;
}

bool
rdt_result_place(struct rdt_buf *out, struct rdt_mark where)
{
    if (where.file == NULL)
        return false;
    rdt_buf_str(out, where.file);
    if (where.line != 0)
        rdt_buf_fmt(out, ":%" PRIu32 ":%" PRIu32, where.line, where.column);
    return true;
}

bool
rdt_control_rests_on(const struct rdt_control *control, const struct rdt_control_rule *rule)
{
    bool good = rule->verdict == RDT_PASS || rule->verdict == RDT_ACCEPTED;
    switch (control->state) {
    case RDT_MET:
        return good && rule->covers;
    case RDT_UNPROVEN:
        return good ? rule->covers && rule->assurance < RDT_A2 : rule->verdict != RDT_NA;
    case RDT_NOT_MET:
        return !good && rule->verdict != RDT_NA;
    default:
        return false;
    }
}

void
rdt_observer(struct rdt_buf *out, const struct rdt_rule *rule)
{
    static const struct {
        unsigned bit;
        const char *word;
    } ways[] = {
        {RDT_BY_LIVE,     "a probe"       },
        {RDT_BY_SNAPSHOT, "an import"     },
        {RDT_BY_HUMAN,    "an attestation"},
    };
    unsigned left = rule->decided & (RDT_BY_LIVE | RDT_BY_SNAPSHOT | RDT_BY_HUMAN);
    const char *between = "";
    if (left == 0)
        rdt_buf_str(out, "an attestation");
    for (size_t i = 0; i < RDT_COUNT(ways); i++) {
        if ((left & ways[i].bit) == 0)
            continue;
        left &= ~ways[i].bit;
        rdt_buf_fmt(out, "%s%s", between, ways[i].word);
        between = (left & (left - 1)) != 0 ? ", " : " or ";
    }
}

const char *
rdt_assurance_word(enum rdt_assurance assurance)
{
    static const char *const words[] = {"declared", "attested", "imported", "observed",
                                        "exercised"};
    return assurance < RDT_COUNT(words) ? words[assurance] : "?";
}

void
rdt_plural(struct rdt_buf *out, size_t n, const char *noun)
{
    rdt_buf_fmt(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}
