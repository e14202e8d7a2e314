/*
 * The audit log, read by people who may: AuditSearch. It reads files, so it runs on a thread of its
 * own, and lets the rows go while it does.
 */
#include "base/text.h"
#include "codec/base64.h"
#include "kms/audit_json.h"
#include "kms/call_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define LOOKED_AT_MAX 200000           /* records that one call looks at */
#define ANSWER_BYTES ((size_t)8 << 20) /* of records in one answer */
#define LIMIT_NORMAL 100               /* records in one answer if not given */

/* What is asked for, copied out of the input: the rows are not held while the log is read. */
struct search {
    const struct rdt_kms *kms;
    struct rdt_buf *out;
    struct rdt_span principal, operation, fault, source; /* of the request's body */
    bool has_key, has_request, cloudtrail;
    uint8_t key[16], request[16];
    int64_t since_ms, until_ms;
    int64_t limit, found;
    uint64_t next, looked_at;
    bool stopped; /* there may be more behind next */
};

static bool
text_fits(struct rdt_span pattern, const char *text)
{
    return pattern.n == 0 || rdt_text_glob(pattern, rdt_span_str(text == NULL ? "" : text));
}

/* By name, ARN or credential. */
static bool
principal_fits(struct rdt_span pattern, const struct rdt_audit_record *record)
{
    if (pattern.n == 0)
        return true;
    if (record->caller == NULL)
        return false;
    const char *slash = strrchr(record->caller, '/');
    return text_fits(pattern, record->caller) || (slash != NULL && text_fits(pattern, slash + 1)) ||
           text_fits(pattern, record->credential);
}

static bool
id_fits(bool wanted, const uint8_t id[static 16], const uint8_t got[static 16])
{
    return !wanted || rdt_span_eq((struct rdt_span){id, 16}, (struct rdt_span){got, 16});
}

static bool
fits(const struct search *s, const struct rdt_audit_record *record)
{
    if (record->time_ms < s->since_ms || (s->until_ms != 0 && record->time_ms >= s->until_ms))
        return false;
    if (!id_fits(s->has_request, s->request, record->id))
        return false;
    if (!id_fits(s->has_key, s->key, record->key) && !id_fits(s->has_key, s->key, record->key2))
        return false;
    if (s->fault.n != 0 && record->fault == NULL)
        return false; /* `*` is any fault, not none */
    return principal_fits(s->principal, record) && text_fits(s->operation, record->operation) &&
           text_fits(s->fault, record->fault) && text_fits(s->source, record->source);
}

static void
put_one(struct search *s, uint64_t index, const struct rdt_audit_record *record)
{
    const struct rdt_audit_site site = {s->kms->account, s->kms->region};
    if (s->cloudtrail)
        rdt_audit_cloudtrail(record, index, &site, s->out);
    else
        rdt_audit_json(record, index, s->out);
    s->found++;
}

/* A record that this version does not understand is shown as that, whatever was asked for. */
static void
put_unreadable(struct search *s, uint64_t index)
{
    rdt_jout_open(s->out, NULL, '{');
    rdt_jout_int(s->out, "Index", (int64_t)index);
    rdt_jout_str(s->out, "Type", "unreadable");
    rdt_jout_close(s->out, '}');
    s->found++;
}

static enum rdt_code
look_at(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct search *s = user;
    struct rdt_audit_record record = {0};
    s->stopped = s->found >= s->limit || s->looked_at >= LOOKED_AT_MAX || s->out->n >= ANSWER_BYTES;
    if (s->stopped)
        return rdt_fail(err, RDT_E_LIMIT, "enough for one answer");
    s->looked_at++;
    s->next = index + 1;
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, NULL);
    if (rc == RDT_OK && fits(s, &record))
        put_one(s, index, &record);
    if (rc != RDT_OK && rc != RDT_E_NOMEM)
        put_unreadable(s, index);
    rdt_record_done(&rdt_audit_record, &record);
    return rc == RDT_E_NOMEM || !rdt_buf_ok(s->out) ? rdt_fail(err, RDT_E_NOMEM, "read the log")
                                                    : RDT_OK;
}

/* A key id or key ARN, also of a key that is no more. */
static bool
read_key(struct rdt_span text, uint8_t out[static 16])
{
    static const size_t n = RDT_UUID_TEXT - 1;
    if (text.n > n && text.p[text.n - n - 1] != '/')
        return false;
    return text.n >= n && rdt_uuid_parse((struct rdt_span){text.p + text.n - n, n}, out);
}

static enum rdt_fault
read_input(struct rdt_call *call, struct search *s)
{
    struct rdt_span key = rdt_in_text(call, "KeyId"), request = rdt_in_text(call, "RequestId");
    s->principal = rdt_in_text(call, "Principal");
    s->operation = rdt_in_text(call, "Operation");
    s->fault = rdt_in_text(call, "Fault");
    s->source = rdt_in_text(call, "Source");
    s->cloudtrail = rdt_span_is(rdt_in_text(call, "Form"), "CloudTrail");
    s->since_ms = rdt_in_int(call, "Since", 0) * 1000;
    s->until_ms = rdt_in_int(call, "Until", 0) * 1000;
    s->limit = rdt_in_int(call, "Limit", LIMIT_NORMAL);
    s->has_key = key.n != 0;
    s->has_request = request.n != 0;
    if (s->has_key && !read_key(key, s->key))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "KeyId is a key id or a key ARN here");
    if (s->has_request && !rdt_uuid_parse(request, s->request))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "RequestId is a UUID");
    return RDT_FAULT_NONE;
}

/* Where to begin: at From, or Newest records before the end. */
static enum rdt_code
begin_at(struct rdt_call *call, const char *dir, uint64_t *size, uint64_t *from,
         struct rdt_err *err)
{
    int64_t newest = rdt_in_int(call, "Newest", 0);
    enum rdt_code rc = rdt_audit_count(dir, size, err);
    *from = (uint64_t)rdt_in_int(call, "From", 0);
    if (rc == RDT_OK && newest != 0)
        *from = *size > (uint64_t)newest ? *size - (uint64_t)newest : 0;
    return rc;
}

static enum rdt_fault
audit_search(struct rdt_call *call)
{
    struct rdt_err err = {0};
    struct search s = {.kms = call->kms, .out = call->request->out};
    const char *dir = call->kms->audit_dir;
    uint64_t size = 0;
    enum rdt_fault fault = read_input(call, &s);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_call_let_go(call);
    enum rdt_code rc = begin_at(call, dir, &size, &s.next, &err);
    rdt_jout_open(s.out, NULL, '{');
    rdt_jout_open(s.out, "Records", '[');
    if (rc == RDT_OK && s.next < size)
        rc = rdt_audit_each(dir, s.next, look_at, &s, &err);
    rdt_jout_close(s.out, ']');
    rdt_call_take_up(call);
    if (rc != RDT_OK && !(rc == RDT_E_LIMIT && s.stopped))
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "the audit log cannot be read: %s",
                             err.text);
    rdt_jout_int(s.out, "Next", (int64_t)s.next);
    rdt_jout_int(s.out, "Size", (int64_t)(s.next > size ? s.next : size));
    rdt_jout_bool(s.out, "Truncated", s.stopped);
    rdt_jout_close(s.out, '}');
    return RDT_FAULT_NONE;
}

#define INDEX_LAST ((int64_t)1 << 48)
#define TIME_LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static const struct rdt_in search_in[] = {
    {.name = "From", .type = RDT_IN_INT, .min = 0, .max = INDEX_LAST},
    {.name = "Newest", .type = RDT_IN_INT, .min = 1, .max = INDEX_LAST},
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = RDT_AUDIT_SEARCH_MAX},
    {.name = "KeyId", .type = RDT_IN_TEXT, .min = 1, .max = 2048},
    {.name = "Principal", .type = RDT_IN_TEXT, .min = 1, .max = 256},
    {.name = "Operation", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "Fault", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "Source", .type = RDT_IN_TEXT, .min = 1, .max = 64},
    {.name = "RequestId", .type = RDT_IN_TEXT, .min = 36, .max = 36},
    {.name = "Since", .type = RDT_IN_INT, .min = 0, .max = TIME_LAST},
    {.name = "Until", .type = RDT_IN_INT, .min = 0, .max = TIME_LAST},
    {.name = "Form", .type = RDT_IN_WORD, .words = "Redoubt CloudTrail"},
};

static const struct rdt_op ops[] = {
    OP_OWN("AuditSearch", "/v1/audit/search", SLOW, search_in, audit_search),
};

const struct rdt_op_table rdt_ops_audit = {ops, sizeof ops / sizeof ops[0]};
