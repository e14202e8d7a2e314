#include "base/text.h"
#include "cli/command.h"
#include "cli/state.h"
#include "codec/json.h"
#include "plan/plan.h"
#include "rules/rules.h"

#include <stdlib.h>

static const struct {
    unsigned bit;
    const char *word;
} decided[] = {
    {RDT_BY_PLAN,     "plan"    },
    {RDT_BY_LIVE,     "live"    },
    {RDT_BY_SNAPSHOT, "snapshot"},
    {RDT_BY_HUMAN,    "human"   },
    {RDT_BY_LOADER,   "loader"  },
};

static struct rdt_strings
packs_of(const struct rdt_cli *cli)
{
    return (struct rdt_strings){cli->values[OPT_PACK], cli->n_values[OPT_PACK]};
}

static void
decided_text(unsigned bits, char out[64])
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < RDT_COUNT(decided); i++) {
        if ((bits & decided[i].bit) != 0 && n < 48)
            n += (size_t)snprintf(out + n, 64 - n, "%s%s", n == 0 ? "" : " ", decided[i].word);
    }
}

static void
json_strings(struct rdt_buf *out, const char *key, const struct rdt_strings *list)
{
    rdt_buf_fmt(out, ",\"%s\":[", key);
    for (size_t i = 0; i < list->n; i++) {
        rdt_buf_str(out, i == 0 ? "" : ",");
        rdt_json_text(out, rdt_span_str(list->at[i]));
    }
    rdt_buf_str(out, "]");
}

static void
json_text(struct rdt_buf *out, const char *key, const char *text)
{
    rdt_buf_fmt(out, "\"%s\":", key);
    rdt_json_text(out, rdt_span_str(text == NULL ? "" : text));
}

static void
json_rule(struct rdt_buf *out, const struct rdt_rule *rule)
{
    char where[64];
    rdt_buf_str(out, "{");
    json_text(out, "id", rule->id);
    rdt_buf_str(out, ",");
    json_text(out, "title", rule->title);
    rdt_buf_str(out, ",");
    json_text(out, "severity", rdt_severity_name(rule->severity));
    decided_text(rule->decided, where);
    rdt_buf_str(out, ",");
    json_text(out, "decided", where);
    rdt_buf_str(out, ",");
    json_text(out, "why", rule->why);
    rdt_buf_str(out, ",");
    json_text(out, "fix", rule->fix);
    rdt_buf_str(out, ",");
    json_text(out, "pack", rule->pack);
    json_strings(out, "source", &rule->source);
    json_strings(out, "subjects", &rule->subjects);
    json_strings(out, "controls", &rule->controls);
    json_strings(out, "rollups", &rule->rollups);
    rdt_buf_str(out, "}");
}

static void
json_row(struct rdt_buf *out, const struct rdt_row *row)
{
    rdt_buf_str(out, "{");
    json_text(out, "id", row->id);
    rdt_buf_str(out, ",");
    json_text(out, "title", row->title);
    json_strings(out, "by", &row->by);
    json_strings(out, "notes", &row->notes);
    rdt_buf_str(out, "}");
}

static void
json_note(struct rdt_buf *out, const struct rdt_template_note *note)
{
    rdt_buf_str(out, "{");
    json_text(out, "id", note->id);
    rdt_buf_str(out, ",");
    json_text(out, "title", note->title);
    rdt_buf_str(out, ",");
    json_text(out, "settled", note->settled);
    json_strings(out, "rules", &note->rules);
    rdt_buf_str(out, "}");
}

static void
list_json(const struct rdt_run *run, struct rdt_buf *out)
{
    rdt_buf_str(out, "{\"redoubt\":1,\"rules\":[");
    for (size_t i = 0; i < run->n_rules; i++) {
        rdt_buf_str(out, i == 0 ? "\n" : ",\n");
        json_rule(out, &run->rules[i]);
    }
    rdt_buf_str(out, "],\"rows\":[");
    for (size_t i = 0; i < run->n_rows; i++) {
        rdt_buf_str(out, i == 0 ? "\n" : ",\n");
        json_row(out, &run->rows[i]);
    }
    rdt_buf_str(out, "],\"notes\":[");
    for (size_t i = 0; i < run->n_template_notes; i++) {
        rdt_buf_str(out, i == 0 ? "\n" : ",\n");
        json_note(out, &run->template_notes[i]);
    }
    rdt_buf_str(out, "]}\n");
}

static void
list_text(const struct rdt_run *run, struct rdt_buf *out)
{
    rdt_buf_fmt(out, "%-21s %-8s %-14s %s\n", "RULE", "SEVERITY", "DECIDED BY", "TITLE");
    for (size_t i = 0; i < run->n_rules; i++) {
        const struct rdt_rule *rule = &run->rules[i];
        char where[64];
        decided_text(rule->decided, where);
        rdt_buf_fmt(out, "%-21s %-8s %-14s %s\n", rule->id, rdt_severity_name(rule->severity),
                    where, rule->title);
    }
    rdt_buf_fmt(out, "\n%-21s %-23s %s\n", "TEMPLATE ROW", "MET WHEN", "TITLE");
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct rdt_row *row = &run->rows[i];
        char by[64];
        size_t n = 0;
        by[0] = '\0';
        for (size_t k = 0; k < row->by.n && k < 1; k++)
            n = (size_t)snprintf(by, sizeof by, "%s", row->by.at[k]);
        if (row->by.n > 1 && n < sizeof by)
            snprintf(by + n, sizeof by - n, " +%zu", row->by.n - 1);
        rdt_buf_fmt(out, "%-21s %-23s %s\n", row->id, by, row->title);
    }
    rdt_buf_fmt(out, "\n%-21s %s\n", "TEMPLATE NOTE", "WHERE THE TEMPLATE CONTRADICTS ITSELF");
    for (size_t i = 0; i < run->n_template_notes; i++)
        rdt_buf_fmt(out, "%-21s %s\n", run->template_notes[i].id, run->template_notes[i].title);
    rdt_buf_fmt(out, "\n%zu rules, %zu rows. One of them: redoubt rules show REST-2\n",
                run->n_rules, run->n_rows);
}

static int
write_out(struct rdt_cli *cli, struct rdt_buf *out)
{
    enum rdt_code rc = rdt_cli_write_words(cli, out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_rules_list(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    RDT_BUF out = {0};
    struct rdt_strings packs = packs_of(cli);
    enum rdt_code rc = rdt_rules_list(&packs, &run, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rdt_cli_has(cli, OPT_JSON))
        list_json(run, &out);
    else
        list_text(run, &out);
    return write_out(cli, &out);
}

/* ---- show ---- */

static void
show_strings(struct rdt_buf *out, const char *label, const struct rdt_strings *list)
{
    size_t column = 12;
    if (list->n == 0)
        return;
    rdt_buf_fmt(out, "%-12s", label);
    for (size_t i = 0; i < list->n; i++) {
        size_t n = strlen(list->at[i]) + 2;
        if (i > 0 && column + n > 80) {
            rdt_buf_fmt(out, "\n%-12s", "");
            column = 12;
        }
        rdt_buf_fmt(out, "%s%s", list->at[i], i + 1 < list->n ? ", " : "");
        column += n;
    }
    rdt_buf_str(out, "\n");
}

static void
show_rule(const struct rdt_rule *rule, struct rdt_buf *out)
{
    char where[64];
    decided_text(rule->decided, where);
    rdt_buf_fmt(out, "%s: %s\n\n", rule->id, rule->title);
    rdt_buf_fmt(out, "%-12s%s\n%-12s%s\n", "severity", rdt_severity_name(rule->severity),
                "decided by", where);
    show_strings(out, "judges", &rule->subjects);
    rdt_buf_fmt(out, "%-12s%s\n%-12s%s\n", "why", rule->why == NULL ? "" : rule->why, "fix",
                rule->fix == NULL ? "" : rule->fix);
    show_strings(out, "template", &rule->source);
    show_strings(out, "rows", &rule->rollups);
    show_strings(out, "controls", &rule->controls);
    rdt_buf_fmt(out, "%-12s%s\n", "pack", rule->pack);
}

static void
show_note(const struct rdt_template_note *note, struct rdt_buf *out)
{
    rdt_buf_fmt(out, "%s: %s\n\n%-12s%s\n", note->id, note->title, "settled", note->settled);
    show_strings(out, "by", &note->rules);
}

static void
show_row(const struct rdt_row *row, struct rdt_buf *out)
{
    rdt_buf_fmt(out, "%s: %s\n\n", row->id, row->title);
    show_strings(out, "met when", &row->by);
    rdt_buf_str(out, "            all pass, are accepted or do not apply\n");
    show_strings(out, "notes", &row->notes);
}

static enum rdt_code
no_such_rule(struct rdt_cli *cli, const struct rdt_run *run, const char *id)
{
    size_t n = 0;
    const char **names = calloc(run->n_rules + run->n_rows + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < run->n_rules; i++)
        names[n++] = run->rules[i].id;
    for (size_t i = 0; names != NULL && i < run->n_rows; i++)
        names[n++] = run->rows[i].id;
    rdt_fail(&cli->err, RDT_E_NOTFOUND, "there is no rule or row '%s'", id);
    const char *near = rdt_text_nearest(rdt_span_str(id), names, n);
    if (near != NULL)
        rdt_hint(&cli->err, "did you mean '%s'?", near);
    else
        rdt_hint(&cli->err, "see `redoubt rules list`");
    free(names);
    return RDT_E_NOTFOUND;
}

int
rdt_cmd_rules_show(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    RDT_BUF out = {0};
    struct rdt_strings packs = packs_of(cli);
    const char *id = cli->words[0];
    bool json = rdt_cli_has(cli, OPT_JSON);
    enum rdt_code rc = rdt_rules_list(&packs, &run, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    for (size_t i = 0; i < run->n_rules; i++) {
        if (strcmp(run->rules[i].id, id) == 0)
            json ? json_rule(&out, &run->rules[i]) : show_rule(&run->rules[i], &out);
    }
    for (size_t i = 0; i < run->n_rows && out.n == 0;
         i++) { /* a rule that is a row too: the rule */
        if (strcmp(run->rows[i].id, id) == 0)
            json ? json_row(&out, &run->rows[i]) : show_row(&run->rows[i], &out);
    }
    for (size_t i = 0; i < run->n_template_notes && out.n == 0; i++) {
        if (strcmp(run->template_notes[i].id, id) == 0)
            json ? json_note(&out, &run->template_notes[i])
                 : show_note(&run->template_notes[i], &out);
    }
    if (out.n == 0)
        return rdt_cli_fail(cli, no_such_rule(cli, run, id));
    if (json)
        rdt_buf_str(&out, "\n");
    return write_out(cli, &out);
}

/* ---- explain ---- */

int
rdt_cmd_rules_explain(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *loaded = NULL;
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *stored = NULL;
    RDT_AUTO(rdt_explanation_free_at) struct rdt_explanation *why = NULL;
    RDT_BUF out = {0};
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    struct rdt_judge judge = {.time = cli->time, .packs = packs_of(cli)};
    enum rdt_code rc = RDT_OK;
    if (rdt_cli_has(cli, OPT_RUN)) {
        rc = rdt_runs_load(cli, &stored);
        if (rc == RDT_OK) {
            judge.stored = true;
            judge.plan = rdt_stored_plan(stored);
            judge.evidence = rdt_stored_evidence(stored);
            if (!rdt_cli_has(cli, OPT_AT)) /* otherwise the same evidence on another day */
                judge.time = rdt_stored_run(stored)->time;
        }
    } else {
        const char *path = cli->n_words > 2 ? cli->words[2] : "redoubt.yaml";
        rc = rdt_plan_load(path, &opts, &cli->diags, &loaded, &cli->err);
        judge.plan = loaded;
    }
    if (rc == RDT_OK)
        rc = rdt_rules_explain(&judge, cli->words[0], cli->words[1], &why, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_explanation_text(why, &out);
    return write_out(cli, &out);
}

/* ---- test ---- */

static void
show_test(void *arg, const struct rdt_rule_test *test)
{
    struct rdt_cli *cli = arg;
    RDT_BUF line = {0};
    if (test->good && test->number != 0)
        return;
    if (test->number == 0)
        rdt_buf_fmt(&line, "remark   %s: %s", test->rule, test->message);
    else
        rdt_buf_fmt(&line, "FAILED   %s test %u on %s: expected %s, got %s%s%s", test->rule,
                    test->number, test->subject, test->expected, test->got,
                    test->message == NULL ? "" : ": ", test->message == NULL ? "" : test->message);
    rdt_text_show_lines(line.p, line.n);
    fprintf(cli->out, "%.*s\n", RDT_FMT(line));
}

int
rdt_cmd_rules_test(struct rdt_cli *cli)
{
    struct rdt_rules_tally tally = {0};
    struct rdt_strings packs = packs_of(cli);
    struct rdt_strings only = {cli->values[OPT_RULE], cli->n_values[OPT_RULE]};
    enum rdt_code rc = rdt_rules_test(&packs, &only, show_test, cli, &tally, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    fprintf(cli->out, "%zu rules, %zu tests, %zu failed, %zu remarks\n", tally.rules, tally.tests,
            tally.failed, tally.remarks);
    return tally.failed == 0 ? 0 : 1;
}
