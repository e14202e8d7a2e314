#include "kms/audit_json.h"

#include "base/clock.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "crypto/hash.h"
#include "kms/model.h"
#include "kms/op.h"

#include <stdio.h>

#define ARN_MAX 256

static bool
is_set(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any != 0;
}

static void
put_uuid(struct rdt_buf *out, const char *name, const uint8_t uuid[static 16])
{
    if (is_set(uuid, 16))
        rdt_jout_uuid(out, name, uuid);
}

/* A member whose name is a stranger's text. */
static void
put_pair(struct rdt_buf *out, const struct rdt_pair *pair)
{
    rdt_jout_text(out, NULL, pair->name);
    rdt_buf_str(out, ":");
    rdt_jout_text(out, NULL, pair->value);
}

static void
put_pairs(struct rdt_buf *out, const char *name, const struct rdt_bytes *bytes)
{
    struct rdt_span in = {bytes->p, bytes->n};
    struct rdt_pair pair;
    if (in.n == 0)
        return;
    rdt_jout_open(out, name, '{');
    while (rdt_pairs_next(&in, &pair))
        put_pair(out, &pair);
    rdt_jout_close(out, '}');
}

static const char *
type_word(uint8_t type)
{
    static const char *const words[] = {[RDT_AUDIT_CALL] = "call",
                                        [RDT_AUDIT_SYSTEM] = "system",
                                        [RDT_AUDIT_INTENT] = "intent",
                                        [RDT_AUDIT_REFUSALS] = "refusals"};
    const char *word = type < RDT_COUNT(words) ? words[type] : NULL;
    return word == NULL ? "unknown" : word;
}

void
rdt_audit_json(const struct rdt_audit_record *record, uint64_t index, struct rdt_buf *out)
{
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "Index", (int64_t)index);
    rdt_jout_time(out, "Time", record->time_ms);
    rdt_jout_str(out, "Type", type_word(record->type));
    rdt_jout_str(out, "Operation", record->operation);
    put_uuid(out, "RequestId", record->id);
    rdt_jout_str(out, "Caller", record->caller);
    rdt_jout_str(out, "Credential", record->credential);
    rdt_jout_str(out, "Source", record->source);
    put_uuid(out, "KeyId", record->key);
    put_uuid(out, "DestinationKeyId", record->key2);
    if (is_set(record->material, sizeof record->material))
        rdt_jout_hex(out, "KeyMaterialId", (struct rdt_span){record->material, 32});
    put_pairs(out, "Context", &record->context);
    put_pairs(out, "Parameters", &record->parameters);
    rdt_jout_str(out, "Fault", record->fault);
    rdt_jout_str(out, "Reason", record->reason);
    put_uuid(out, "ApprovalId", record->approval);
    if (record->dry_run)
        rdt_jout_bool(out, "DryRun", true);
    if (record->count != 0)
        rdt_jout_int(out, "Count", (int64_t)record->count);
    if (record->revision != 0)
        rdt_jout_int(out, "Revision", (int64_t)record->revision);
    rdt_jout_close(out, '}');
}

/* ---- CloudTrail */

static void
put_time(struct rdt_buf *out, int64_t ms)
{
    char stamp[RDT_STAMP_TEXT];
    rdt_stamp_text(ms / 1000, stamp);
    rdt_jout_str(out, "eventTime", stamp);
}

static void
put_identity(const struct rdt_audit_record *record, const struct rdt_audit_site *site,
             struct rdt_buf *out)
{
    rdt_jout_open(out, "userIdentity", '{');
    if (record->type == RDT_AUDIT_REFUSALS) {
        rdt_jout_str(out, "type", "Unknown");
    } else if (record->caller == NULL) {
        rdt_jout_str(out, "type", "AWSService");
        rdt_jout_str(out, "invokedBy", "redoubt");
    } else {
        const char *slash = strrchr(record->caller, '/');
        rdt_jout_str(out, "type", "IAMUser");
        put_uuid(out, "principalId", record->principal);
        rdt_jout_str(out, "arn", record->caller);
        rdt_jout_str(out, "accountId", site->account);
        rdt_jout_str(out, "accessKeyId", record->credential);
        rdt_jout_str(out, "userName", slash == NULL ? NULL : slash + 1);
    }
    rdt_jout_close(out, '}');
}

static void
key_arn(const struct rdt_audit_site *site, const uint8_t id[static 16], char out[static ARN_MAX])
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(id, uuid);
    snprintf(out, ARN_MAX, "arn:aws:kms:%s:%s:key/%s", site->region, site->account, uuid);
}

/* ReEncrypt names its two keys otherwise than all others. */
static void
put_parameters(const struct rdt_audit_record *record, const struct rdt_audit_site *site,
               struct rdt_buf *out)
{
    char arn[ARN_MAX];
    bool two = is_set(record->key2, 16);
    struct rdt_span in = {record->parameters.p, record->parameters.n};
    struct rdt_pair pair;
    rdt_jout_open(out, "requestParameters", '{');
    if (is_set(record->key, 16)) {
        key_arn(site, record->key, arn);
        rdt_jout_str(out, two ? "sourceKeyId" : "keyId", arn);
    }
    if (two) {
        key_arn(site, record->key2, arn);
        rdt_jout_str(out, "destinationKeyId", arn);
    }
    put_pairs(out, two ? "sourceEncryptionContext" : "encryptionContext", &record->context);
    while (rdt_pairs_next(&in, &pair))
        put_pair(out, &pair);
    if (record->dry_run)
        rdt_jout_bool(out, "dryRun", true);
    rdt_jout_close(out, '}');
}

static void
put_resources(const struct rdt_audit_record *record, const struct rdt_audit_site *site,
              struct rdt_buf *out)
{
    const uint8_t *ids[] = {record->key, record->key2};
    rdt_jout_open(out, "resources", '[');
    for (size_t i = 0; i < RDT_COUNT(ids); i++) {
        char arn[ARN_MAX];
        if (!is_set(ids[i], 16))
            continue;
        key_arn(site, ids[i], arn);
        rdt_jout_open(out, NULL, '{');
        rdt_jout_str(out, "accountId", site->account);
        rdt_jout_str(out, "type", "AWS::KMS::Key");
        rdt_jout_str(out, "ARN", arn);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static void
put_event_id(const struct rdt_audit_record *record, uint64_t index, struct rdt_buf *out)
{
    uint8_t bytes[16 + 8], hash[RDT_SHA256_LEN];
    memcpy(bytes, record->id, 16);
    for (size_t i = 0; i < 8; i++)
        bytes[16 + i] = (uint8_t)(index >> (56 - 8 * i));
    if (rdt_sha256((struct rdt_span){bytes, sizeof bytes}, hash, NULL) != RDT_OK)
        return; /* an event without an id says less, not something wrong */
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80); /* a UUID of version 8: made by a rule */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    rdt_jout_uuid(out, "eventID", hash);
}

/* Looked up in the table of operations; what is not there may have changed something. */
static bool
reads_only(const struct rdt_op *op)
{
    return op != NULL && (op->cls != RDT_OP_WRITE || strncmp(op->name, "Get", 3) == 0 ||
                          strncmp(op->name, "List", 4) == 0);
}

void
rdt_audit_cloudtrail(const struct rdt_audit_record *record, uint64_t index,
                     const struct rdt_audit_site *site, struct rdt_buf *out)
{
    const char *name = record->operation;
    const struct rdt_op *op = name == NULL ? NULL : rdt_op_named(name);
    bool aws = op != NULL && op->front == RDT_FRONT_AWS;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "eventVersion", "1.08");
    put_identity(record, site, out);
    put_time(out, record->time_ms);
    rdt_jout_str(out, "eventSource", aws ? "kms.amazonaws.com" : "redoubt");
    rdt_jout_str(out, "eventName", name == NULL ? "Unknown" : name);
    rdt_jout_str(out, "awsRegion", site->region);
    rdt_jout_str(out, "sourceIPAddress", record->source == NULL ? "redoubt" : record->source);
    rdt_jout_str(out, "errorCode", record->fault);
    rdt_jout_str(out, "errorMessage", record->reason);
    put_parameters(record, site, out);
    rdt_buf_str(out, ",\"responseElements\":null");
    if (record->count != 0 || record->type == RDT_AUDIT_INTENT || is_set(record->approval, 16)) {
        rdt_jout_open(out, "additionalEventData", '{');
        if (record->count != 0)
            rdt_jout_int(out, "count", (int64_t)record->count);
        if (record->type == RDT_AUDIT_INTENT)
            rdt_jout_bool(out, "intent", true);
        put_uuid(out, "approvalId", record->approval);
        rdt_jout_close(out, '}');
    }
    put_uuid(out, "requestID", record->id);
    put_event_id(record, index, out);
    rdt_jout_bool(out, "readOnly", reads_only(op));
    put_resources(record, site, out);
    rdt_jout_str(out, "eventType", record->caller == NULL ? "AwsServiceEvent" : "AwsApiCall");
    rdt_jout_bool(out, "managementEvent", true);
    rdt_jout_str(out, "recipientAccountId", site->account);
    rdt_jout_str(out, "eventCategory", "Management");
    rdt_jout_close(out, '}');
}
