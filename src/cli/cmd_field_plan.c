/*
 * `redoubt field index-plan`: how many bits the tokens of a blind index should have.
 */
#include "base/cursor.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/table.h"
#include "codec/jout.h"
#include "field/planner.h"

#include <ctype.h>
#include <stdlib.h>

#define TENANTS_BYTES ((size_t)16 << 20)

static const char *const verdicts[RDT_PLANNER_NWHYS] = {
    [RDT_PLANNER_OK] = "ok",     [RDT_PLANNER_UNKNOWN] = "unknown", [RDT_PLANNER_DOMAIN] = "domain",
    [RDT_PLANNER_ROWS] = "rows", [RDT_PLANNER_MANY] = "many",       [RDT_PLANNER_FEW] = "few",
};

struct asked {
    struct rdt_planner_field field;
    uint64_t bits;       /* 0: not given */
    struct rdt_buf file; /* of tenants, or empty */
};

/* Digits alone: no sign, no blank, no second reading. */
static bool
number(struct rdt_span text, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!isdigit(text.p[i]) || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = v;
    return text.n != 0;
}

static enum rdt_code
ask_number(struct rdt_cli *cli, const char *what, const char *text, uint64_t *out)
{
    if (number(rdt_span_str(text), out))
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_BADINPUT, "%s '%s': a number is expected", what, text);
}

static enum rdt_code
ask_bits(struct rdt_cli *cli, const char *what, const char *text, uint64_t *out)
{
    enum rdt_code rc = ask_number(cli, what, text, out);
    bool few = *out >= 1 && *out <= RDT_TOKEN_TRUNCATED_MAX;
    if (rc == RDT_OK && !few && *out != RDT_TOKEN_BITS)
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "%s %s: 1 to %d, or %d for a unique index", what,
                      text, RDT_TOKEN_TRUNCATED_MAX, RDT_TOKEN_BITS);
    return rc;
}

static enum rdt_code
ask(struct rdt_cli *cli, struct asked *out)
{
    enum rdt_code rc = ask_number(cli, "ROWS", cli->words[0], &out->field.rows);
    if (rc == RDT_OK)
        rc = ask_number(cli, "DISTINCT", cli->words[1], &out->field.distinct);
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_BITS))
        rc = ask_bits(cli, "--bits", rdt_cli_value(cli, OPT_BITS, ""), &out->bits);
    if (rc == RDT_OK && cli->n_values[OPT_OTHER] > RDT_PLANNER_INDEXES_MAX)
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "at most %zu other indexes",
                      RDT_PLANNER_INDEXES_MAX);
    for (size_t i = 0; rc == RDT_OK && i < cli->n_values[OPT_OTHER]; i++) {
        uint64_t bits = 0;
        rc = ask_bits(cli, "--other", cli->values[OPT_OTHER][i], &bits);
        out->field.others[out->field.n_others++] = (uint8_t)bits;
    }
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_TENANTS) && out->bits == 0)
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "--tenants judges an index: say its --bits");
    if (rc == RDT_OK && rdt_cli_has(cli, OPT_TENANTS))
        rc = rdt_file_read(rdt_cli_value(cli, OPT_TENANTS, "-"), TENANTS_BYTES, &out->file,
                           &cli->err);
    return rc;
}

/* ---- what sizes there are ---- */

static void
put_size(const struct rdt_planner_field *field, unsigned bits, struct rdt_table *table,
         struct rdt_buf *json)
{
    double shared;
    enum rdt_planner_why why = rdt_planner_judge(field, bits, &shared);
    rdt_table_cell(table, "%u", bits);
    rdt_table_cell(table, shared < 100 ? "%.1f" : "%.0f", shared);
    rdt_table_text(table, rdt_planner_words(why));
    rdt_jout_open(json, NULL, '{');
    rdt_jout_int(json, "bits", (int64_t)bits);
    rdt_jout_int(json, "rows_per_token", (int64_t)(shared < 1e18 ? shared : 1e18));
    rdt_jout_str(json, "verdict", verdicts[why]);
    rdt_jout_close(json, '}');
}

/* From one that is too few to one that is too many. */
static void
put_sizes(const struct rdt_planner_field *field, const struct rdt_planner_sizes *sizes,
          struct rdt_table *table, struct rdt_buf *json)
{
    unsigned first = sizes->least < sizes->most ? sizes->least : sizes->most;
    unsigned last = sizes->least < sizes->most ? sizes->most : sizes->least;
    rdt_table_text(table, "BITS");
    rdt_table_text(table, "ROWS A TOKEN");
    rdt_table_text(table, "VERDICT");
    rdt_jout_open(json, "sizes", '[');
    for (unsigned bits = first > 1 ? first - 1 : 1;
         bits <= last + 1 && bits <= RDT_TOKEN_TRUNCATED_MAX; bits++)
        put_size(field, bits, table, json);
    rdt_jout_close(json, ']');
}

/* A unique index is fine, or there can be none of either kind. */
static void
put_head(const struct rdt_planner_field *field, enum rdt_planner_why why,
         const struct rdt_planner_sizes *sizes, struct rdt_buf *out)
{
    double shared;
    enum rdt_planner_why unique = rdt_planner_judge(field, RDT_TOKEN_BITS, &shared);
    rdt_buf_fmt(out, "unique     %s\n",
                unique == RDT_PLANNER_OK ? "possible: shows which rows have the same value"
                                         : rdt_planner_words(unique));
    if (sizes->most == 0)
        rdt_buf_fmt(out, "truncated  %s\n", rdt_planner_words(why));
    else if (why == RDT_PLANNER_OK)
        rdt_buf_fmt(out, "truncated  %u to %u bits\n", sizes->least, sizes->most);
    else
        rdt_buf_fmt(out, "truncated  %u bits hide; a search is cheap from %u bits on: not both\n",
                    sizes->most, sizes->least);
}

static int
advise(struct rdt_cli *cli, const struct asked *asked, struct rdt_buf *words, struct rdt_buf *json)
{
    RDT_TABLE table = {.columns = 3};
    struct rdt_planner_sizes sizes;
    enum rdt_planner_why why = rdt_planner_sizes(&asked->field, &sizes);
    put_head(&asked->field, why, &sizes, words);
    rdt_jout_str(json, "verdict", verdicts[why]);
    rdt_jout_str(json, "reason", rdt_planner_words(why));
    if (sizes.most != 0) {
        rdt_jout_int(json, "least", sizes.least);
        rdt_jout_int(json, "most", sizes.most);
        put_sizes(&asked->field, &sizes, &table, json);
        rdt_buf_str(words, "\n");
        if (!rdt_table_put(&table, words))
            return rdt_cli_fail(cli, rdt_fail(&cli->err, RDT_E_NOMEM, "index-plan"));
    }
    return why == RDT_PLANNER_OK ? 0 : 1;
}

/* ---- an index that is there ---- */

struct judged {
    const struct asked *asked;
    struct rdt_buf *words, *json;
    size_t n, found;
};

static void
judge_one(struct judged *judged, struct rdt_span name, uint64_t rows)
{
    struct rdt_planner_finding finding;
    struct rdt_planner_field field = judged->asked->field;
    size_t n = 0;
    judged->n++;
    if (name.n == 0)
        field.rows = rows;
    n = rdt_planner_review(&field, (unsigned)judged->asked->bits, &rows, name.n == 0 ? 0 : 1,
                           &finding, 1);
    if (n == 0)
        return;
    judged->found++;
    rdt_jout_open(judged->json, NULL, '{');
    if (name.n != 0)
        rdt_jout_text(judged->json, "tenant", name);
    rdt_jout_int(judged->json, "rows", (int64_t)(rows < INT64_MAX ? rows : INT64_MAX));
    rdt_jout_str(judged->json, "verdict", verdicts[finding.why]);
    rdt_jout_str(judged->json, "reason", rdt_planner_words(finding.why));
    rdt_jout_close(judged->json, '}');
    rdt_buf_str(judged->words, name.n == 0 ? "the table" : "tenant ");
    rdt_buf_add(judged->words, name.p, name.n);
    rdt_buf_fmt(judged->words, ": %s\n", rdt_planner_words(finding.why));
}

/* "acme|1200", as psql -At prints it; a comma, a tab or blanks are fine, too. */
static bool
split_line(struct rdt_span line, struct rdt_span *name, uint64_t *rows)
{
    size_t at = line.n;
    while (at > 0 && isdigit(line.p[at - 1]))
        at--;
    if (at == 0 || strchr("|, \t", line.p[at - 1]) == NULL || line.p[at - 1] == 0 ||
        !number((struct rdt_span){line.p + at, line.n - at}, rows))
        return false;
    while (at > 0 && strchr("|, \t", line.p[at - 1]) != NULL && line.p[at - 1] != 0)
        at--;
    *name = (struct rdt_span){line.p, at};
    return at != 0;
}

static enum rdt_code
judge_tenants(struct rdt_cli *cli, struct judged *judged)
{
    struct rdt_span in = rdt_buf_span(&judged->asked->file), line, name;
    uint64_t rows;
    for (size_t number_of = 1; rdt_take_line(&in, &line); number_of++) {
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            continue;
        if (!split_line(line, &name, &rows))
            return rdt_fail(&cli->err, RDT_E_BADINPUT, "%s:%zu: TENANT|ROWS is expected",
                            rdt_cli_value(cli, OPT_TENANTS, "-"), number_of);
        judge_one(judged, name, rows);
    }
    return RDT_OK;
}

static int
judge(struct rdt_cli *cli, const struct asked *asked, struct rdt_buf *words, struct rdt_buf *json)
{
    struct judged judged = {.asked = asked, .words = words, .json = json};
    double shared;
    enum rdt_planner_why why = rdt_planner_judge(&asked->field, (unsigned)asked->bits, &shared);
    bool tenants = rdt_cli_has(cli, OPT_TENANTS) && why != RDT_PLANNER_UNKNOWN &&
                   why != RDT_PLANNER_DOMAIN; /* which no tenant changes */
    enum rdt_code rc = RDT_OK;
    rdt_jout_int(json, "bits", (int64_t)asked->bits);
    rdt_jout_open(json, "findings", '[');
    if (tenants)
        rc = judge_tenants(cli, &judged);
    else
        judge_one(&judged, (struct rdt_span){0}, asked->field.rows);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_close(json, ']');
    if (judged.found == 0)
        rdt_buf_fmt(words, "%u bits: %s\n", (unsigned)asked->bits,
                    rdt_planner_words(RDT_PLANNER_OK));
    if (tenants)
        rdt_cli_note(cli, "%zu of %zu tenants have something to say", judged.found, judged.n);
    return judged.found == 0 ? 0 : 1;
}

int
rdt_cmd_field_index_plan(struct rdt_cli *cli)
{
    struct asked asked = {0};
    RDT_BUF words = {0};
    RDT_BUF json = {0};
    enum rdt_code rc = ask(cli, &asked);
    int status = 0;
    if (rc == RDT_OK) {
        rdt_jout_open(&json, NULL, '{');
        status = asked.bits == 0 ? advise(cli, &asked, &words, &json)
                                 : judge(cli, &asked, &words, &json);
        rdt_jout_close(&json, '}');
        rdt_buf_str(&json, "\n");
    }
    rdt_buf_done(&asked.file);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (status > 1)
        return status;
    rc = rdt_cli_has(cli, OPT_JSON) ? rdt_cli_write(cli, rdt_buf_span(&json))
                                    : rdt_cli_write_words(cli, &words);
    return rc == RDT_OK ? status : rdt_cli_fail(cli, rc);
}
