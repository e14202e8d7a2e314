/*
 * `redoubt audit tail|search|export`: the log of a running server. What it lets nobody see is not
 * in the log: no value of an encryption context, no plaintext.
 */
#include "base/clock.h"
#include "cli/audit_offline.h"
#include "cli/remote.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "kms/op.h"

#include <stdlib.h>
#include <time.h>

#define TAIL 20        /* records of `tail` if not given */
#define FOLLOW_MS 1000 /* between two looks of --follow */
#define LIMIT_LAST 999999999L

/* ---- what is asked for */

static enum rdt_code
put_stamp(struct rdt_cli *cli, enum rdt_option option, const char *name, struct rdt_buf *body)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    int64_t seconds;
    if (text == NULL)
        return RDT_OK;
    if (!rdt_stamp_parse(rdt_span_str(text), &seconds)) {
        rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is not a date", rdt_option_infos[option].name,
                 text);
        rdt_hint(&cli->err, "write 2026-11-24 or 2026-11-24T10:15:00Z");
        return RDT_E_USAGE;
    }
    rdt_jout_int(body, name, seconds);
    return RDT_OK;
}

/* The members of the input that stay the same from page to page, behind `{`. */
static enum rdt_code
put_filters(struct rdt_remote *remote, struct rdt_buf *body)
{
    struct rdt_cli *cli = remote->cli;
    const char *word = rdt_cli_value(cli, OPT_FOR_KEY, NULL);
    enum rdt_code rc = RDT_OK;
    const char *id = word == NULL ? NULL : rdt_remote_key(remote, word, &rc);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_str(body, "KeyId", id);
    rdt_jout_str(body, "Principal", rdt_cli_value(cli, OPT_PRINCIPAL, NULL));
    rdt_jout_str(body, "Operation", rdt_cli_value(cli, OPT_OPERATION, NULL));
    rdt_jout_str(body, "Fault", rdt_cli_value(cli, OPT_FAULT, NULL));
    rdt_jout_str(body, "RequestId", rdt_cli_value(cli, OPT_REQUEST, NULL));
    rc = put_stamp(cli, OPT_SINCE, "Since", body);
    return rc == RDT_OK ? put_stamp(cli, OPT_UNTIL, "Until", body) : rc;
}

static bool
take_limit(struct rdt_cli *cli, int64_t otherwise, int64_t *out)
{
    const char *text = rdt_cli_value(cli, OPT_LIMIT, NULL);
    char *end;
    *out = otherwise;
    if (text == NULL)
        return true;
    *out = strtol(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= 1 && *out <= LIMIT_LAST)
        return true;
    rdt_fail(&cli->err, RDT_E_USAGE, "--limit: '%s' is no number of 1 to %ld", text, LIMIT_LAST);
    return false;
}

/* ---- reading page by page */

struct reading {
    struct rdt_remote remote;
    struct rdt_buf filters;
    const char *form;
    int64_t newest; /* of the first page: begin so many records before the end; 0: at from */
    int64_t from, left;
    bool more;
};

static void
reading_done(struct reading *r)
{
    rdt_remote_close(&r->remote);
    rdt_buf_done(&r->filters);
}

#define READING RDT_AUTO(reading_done) struct reading

static enum rdt_code
reading_open(struct rdt_cli *cli, struct reading *r)
{
    enum rdt_code rc = rdt_remote_open(cli, &r->remote);
    rdt_buf_str(&r->filters, "{");
    r->more = true;
    return rc == RDT_OK ? put_filters(&r->remote, &r->filters) : rc;
}

/* The next records, and where to go on; the memory of the page before is given back. */
static enum rdt_code
next_page(struct reading *r, const struct rdt_node **records)
{
    RDT_BUF body = {0};
    const struct rdt_node *answer = NULL;
    rdt_arena_done(&r->remote.arena);
    rdt_buf_add(&body, r->filters.p, r->filters.n);
    if (r->newest != 0)
        rdt_jout_int(&body, "Newest", r->newest);
    else
        rdt_jout_int(&body, "From", r->from);
    rdt_jout_int(&body, "Limit", r->left < RDT_AUDIT_SEARCH_MAX ? r->left : RDT_AUDIT_SEARCH_MAX);
    rdt_jout_str(&body, "Form", r->form);
    rdt_jout_close(&body, '}');
    enum rdt_code rc = rdt_remote_ask(&r->remote, "redoubt:AuditSearch", &body, &answer);
    if (rc != RDT_OK)
        return rc;
    *records = rdt_node_get(answer, "Records");
    double next = rdt_node_number(answer, "Next", -1);
    if (*records == NULL || next < 0 || next > (double)((int64_t)1 << 48))
        return rdt_fail(&r->remote.cli->err, RDT_E_PROTOCOL, "an answer without records");
    r->left -= (int64_t)(*records)->n;
    r->newest = 0;
    r->from = (int64_t)next;
    r->more = rdt_node_true(answer, "Truncated") && r->left > 0;
    return RDT_OK;
}

/* ---- rows */

static const char *
or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static const char *
result_of(const struct rdt_node *record)
{
    const char *fault = rdt_node_str(record, "Fault"), *reason = rdt_node_str(record, "Reason");
    return fault != NULL ? fault : reason != NULL ? reason : "ok";
}

/* "admin" of "arn:aws:iam::0:user/admin"; a record without a caller is the service's own. */
static const char *
caller_of(const struct rdt_node *record)
{
    const char *arn = rdt_node_str(record, "Caller");
    const char *slash = arn == NULL ? NULL : strrchr(arn, '/');
    return arn == NULL ? "-" : slash == NULL ? arn : slash + 1;
}

static void
row(struct rdt_table *table, const struct rdt_node *record)
{
    double count = rdt_node_number(record, "Count", 0);
    rdt_table_cell(table, "%.0f", rdt_node_number(record, "Index", 0));
    rdt_table_time(table, rdt_node_number(record, "Time", 0));
    if (count > 0)
        rdt_table_cell(table, "%s x%.0f", or_empty(rdt_node_str(record, "Operation")), count);
    else
        rdt_table_text(table, rdt_node_str(record, "Operation"));
    rdt_table_text(table, caller_of(record));
    rdt_table_text(table, rdt_node_str(record, "Source"));
    rdt_table_text(table, result_of(record));
    rdt_table_text(table, rdt_node_str(record, "KeyId"));
    rdt_table_text(table, rdt_node_str(record, "RequestId"));
}

static enum rdt_code
show(struct rdt_cli *cli, const struct rdt_node *records, bool head)
{
    RDT_TABLE table = {.columns = 8};
    RDT_BUF out = {0};
    static const char *const heads[] = {"INDEX",  "TIME",   "OPERATION", "CALLER",
                                        "SOURCE", "RESULT", "KEY",       "REQUEST"};
    for (size_t i = 0; head && i < RDT_COUNT(heads); i++)
        rdt_table_text(&table, heads[i]);
    for (size_t i = 0; i < records->n; i++)
        row(&table, records->members[i].node);
    if (!rdt_table_put(&table, &out))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "a table");
    return out.n == 0 ? RDT_OK : rdt_cli_write_words(cli, &out);
}

/* One record a line: what programs read while more comes. */
static enum rdt_code
lines(struct rdt_cli *cli, const struct rdt_node *records, struct rdt_buf *out)
{
    for (size_t i = 0; i < records->n; i++) {
        rdt_json_node(out, records->members[i].node, 0);
        rdt_buf_str(out, "\n");
    }
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(&cli->err, RDT_E_NOMEM, "records as lines");
}

static enum rdt_code
show_or_lines(struct rdt_cli *cli, const struct rdt_node *records, bool head)
{
    RDT_BUF out = {0};
    if (!rdt_cli_has(cli, OPT_JSON))
        return show(cli, records, head);
    enum rdt_code rc = lines(cli, records, &out);
    return rc == RDT_OK && out.n != 0 ? rdt_cli_write(cli, rdt_buf_span(&out)) : rc;
}

/* ---- commands */

static void
wait_a_little(void)
{
    struct timespec left = {.tv_sec = FOLLOW_MS / 1000, .tv_nsec = FOLLOW_MS % 1000 * 1000000L};
    (void)nanosleep(&left, NULL);
}

int
rdt_cmd_audit_tail(struct rdt_cli *cli)
{
    READING r = {0};
    const struct rdt_node *records;
    bool follow = rdt_cli_has(cli, OPT_FOLLOW), head = true;
    if (!take_limit(cli, TAIL, &r.newest))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    enum rdt_code rc = reading_open(cli, &r);
    r.left = r.newest;
    while (rc == RDT_OK && (r.more || follow)) {
        if (!r.more) {
            wait_a_little();
            r.left = RDT_AUDIT_SEARCH_MAX;
        }
        rc = next_page(&r, &records);
        if (rc == RDT_OK)
            rc = show_or_lines(cli, records, head);
        head = false;
    }
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* Of a stopped server's folder: as a tree, so that it is shown like a server's answer. */
static int
search_folder(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF text = {0};
    struct rdt_node *records = NULL;
    int64_t limit, found = 0;
    if (!take_limit(cli, 1000, &limit))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    enum rdt_code rc = rdt_audit_offline(cli, false, limit, &text, &found);
    if (rc != RDT_OK || rdt_cli_has(cli, OPT_JSON)) {
        if (rc == RDT_OK && text.n != 0)
            rc = rdt_cli_write(cli, rdt_buf_span(&text));
        return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
    }
    RDT_BUF list = {0};
    rdt_buf_str(&list, "[");
    for (size_t i = 0; i + 1 < text.n; i++)
        rdt_buf_add(&list, text.p[i] == '\n' ? (const uint8_t *)"," : text.p + i, 1);
    rdt_buf_str(&list, "]");
    rc = rdt_buf_ok(&list)
             ? rdt_json_parse("records", rdt_buf_span(&list), &arena, &records, &cli->err)
             : rdt_fail(&cli->err, RDT_E_NOMEM, "records");
    if (rc == RDT_OK)
        rc = show(cli, records, true);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_audit_search(struct rdt_cli *cli)
{
    if (rdt_cli_has(cli, OPT_DATA))
        return search_folder(cli);
    READING r = {0};
    const struct rdt_node *records;
    bool head = true;
    if (!take_limit(cli, 1000, &r.left))
        return rdt_cli_fail(cli, RDT_E_USAGE);
    enum rdt_code rc = reading_open(cli, &r);
    while (rc == RDT_OK && r.more) {
        rc = next_page(&r, &records);
        if (rc == RDT_OK && (head || records->n != 0))
            rc = show_or_lines(cli, records, head);
        head = false;
    }
    if (rc == RDT_OK && r.left == 0)
        rdt_cli_note(cli, "there may be more: --limit N");
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

static int
export_folder(struct rdt_cli *cli)
{
    RDT_BUF text = {0};
    int64_t found = 0;
    enum rdt_code rc = rdt_audit_offline(cli, true, INT64_MAX, &text, &found);
    if (rc == RDT_OK)
        rc = rdt_cli_write(cli, rdt_buf_span(&text));
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

int
rdt_cmd_audit_export(struct rdt_cli *cli)
{
    if (rdt_cli_has(cli, OPT_DATA))
        return export_folder(cli);
    READING r = {.form = "CloudTrail", .left = INT64_MAX};
    RDT_BUF out = {0};
    const struct rdt_node *records;
    bool file = rdt_cli_has(cli, OPT_OUT);
    enum rdt_code rc = reading_open(cli, &r);
    while (rc == RDT_OK && r.more) {
        rc = next_page(&r, &records);
        if (rc == RDT_OK)
            rc = lines(cli, records, &out);
        if (rc == RDT_OK && !file && out.n != 0) { /* a file is written whole, or not at all */
            rc = rdt_cli_write(cli, rdt_buf_span(&out));
            out.n = 0;
        }
    }
    if (rc == RDT_OK && file)
        rc = rdt_cli_write(cli, rdt_buf_span(&out));
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
