/*
 * Without the server: the log as it lies there. Frames' checksums are looked at, nobody's MAC or
 * signature: `redoubt audit verify` is for that.
 */
#include "cli/audit_offline.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/audit_folder.h"
#include "codec/base64.h"
#include "kms/audit_json.h"

struct looking {
    struct rdt_cli *cli;
    struct rdt_buf *out;
    struct rdt_audit_site site;
    bool cloudtrail, stopped;
    int64_t limit, found, since_ms, until_ms;
    const char *principal, *operation, *fault;
    bool has_key, has_request;
    uint8_t key[16], request[16];
};

static bool
text_fits(const char *pattern, const char *text)
{
    return pattern == NULL ||
           rdt_text_glob(rdt_span_str(pattern), rdt_span_str(text == NULL ? "" : text));
}

/* By name, ARN or credential. */
static bool
principal_fits(const char *pattern, const struct rdt_audit_record *record)
{
    const char *slash = record->caller == NULL ? NULL : strrchr(record->caller, '/');
    return pattern == NULL ||
           (record->caller != NULL &&
            (text_fits(pattern, record->caller) || text_fits(pattern, record->credential) ||
             (slash != NULL && text_fits(pattern, slash + 1))));
}

static bool
same_id(const uint8_t a[static 16], const uint8_t b[static 16])
{
    return rdt_span_eq((struct rdt_span){a, 16}, (struct rdt_span){b, 16});
}

static bool
fits(const struct looking *l, const struct rdt_audit_record *record)
{
    if (record->time_ms < l->since_ms || (l->until_ms != 0 && record->time_ms >= l->until_ms))
        return false;
    if (l->has_request && !same_id(l->request, record->id))
        return false;
    if (l->has_key && !same_id(l->key, record->key) && !same_id(l->key, record->key2))
        return false;
    if (l->fault != NULL && record->fault == NULL)
        return false; /* `*` is any fault, not none */
    return principal_fits(l->principal, record) && text_fits(l->operation, record->operation) &&
           text_fits(l->fault, record->fault);
}

static enum rdt_code
look_at(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct looking *l = user;
    struct rdt_audit_record record = {0};
    l->stopped = l->found >= l->limit;
    if (l->stopped)
        return rdt_fail(err, RDT_E_LIMIT, "enough");
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    if (rc == RDT_OK && fits(l, &record)) {
        RDT_BUF one = {0}; /* of its own: in a list a comma would stand before it */
        if (l->cloudtrail)
            rdt_audit_cloudtrail(&record, index, &l->site, &one);
        else
            rdt_audit_json(&record, index, &one);
        rdt_buf_str(&one, "\n");
        rdt_buf_add(l->out, one.p, one.n);
        l->out->failed = l->out->failed || !rdt_buf_ok(&one);
        l->found++;
    }
    rdt_record_done(&rdt_audit_record, &record);
    if (rc == RDT_OK && !rdt_buf_ok(l->out))
        rc = rdt_fail(err, RDT_E_NOMEM, "read the log");
    return rc;
}

static enum rdt_code
take_date(struct rdt_cli *cli, enum rdt_option option, int64_t *out_ms)
{
    const char *text = rdt_cli_value(cli, option, NULL);
    int64_t seconds;
    if (text == NULL)
        return RDT_OK;
    if (!rdt_stamp_parse(rdt_span_str(text), &seconds))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is not a date",
                        rdt_option_infos[option].name, text);
    *out_ms = seconds * 1000;
    return RDT_OK;
}

static enum rdt_code
take_id(struct rdt_cli *cli, enum rdt_option option, bool *has, uint8_t id[static 16])
{
    const char *text = rdt_cli_value(cli, option, NULL);
    const char *slash = text == NULL ? NULL : strrchr(text, '/');
    *has = text != NULL;
    if (text == NULL || rdt_uuid_parse(rdt_span_str(slash == NULL ? text : slash + 1), id))
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_USAGE, "--%s: '%s' is no id; a folder knows no aliases",
                    rdt_option_infos[option].name, text);
}

enum rdt_code
rdt_audit_offline(struct rdt_cli *cli, bool cloudtrail, int64_t limit, struct rdt_buf *out,
                  int64_t *found)
{
    struct looking l = {
        .cli = cli,
        .out = out,
        .site = {rdt_cli_value(cli, OPT_ACCOUNT, "000000000000"),
                 rdt_cli_value(cli, OPT_REGION, "local-1")},
        .cloudtrail = cloudtrail,
        .limit = limit,
        .principal = rdt_cli_value(cli, OPT_PRINCIPAL, NULL),
        .operation = rdt_cli_value(cli, OPT_OPERATION, NULL),
        .fault = rdt_cli_value(cli, OPT_FAULT, NULL)
    };
    char dir[PATH_MAX];
    enum rdt_code rc = rdt_audit_data(cli, dir);
    if (rc == RDT_OK)
        rc = take_date(cli, OPT_SINCE, &l.since_ms);
    if (rc == RDT_OK)
        rc = take_date(cli, OPT_UNTIL, &l.until_ms);
    if (rc == RDT_OK)
        rc = take_id(cli, OPT_FOR_KEY, &l.has_key, l.key);
    if (rc == RDT_OK)
        rc = take_id(cli, OPT_REQUEST, &l.has_request, l.request);
    if (rc == RDT_OK)
        rc = rdt_audit_each(dir, 0, look_at, &l, &cli->err);
    *found = l.found;
    return rc == RDT_E_LIMIT && l.stopped ? RDT_OK : rc;
}
