#include "kms/call_internal.h"

#include "base/cursor.h"
#include "base/text.h"
#include "codec/base64.h"

#define UUID_LEN ((size_t)36)
#define QUOTED_MAX ((size_t)64) /* bytes of an identifier that a message quotes */

void
rdt_key_arn(const struct rdt_kms *kms, const uint8_t id[static 16], char out[static ARN_TEXT])
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(id, uuid);
    size_t n = rdt_text_put(out, ARN_TEXT, 0, kms->arn_prefix);
    n = rdt_text_put(out, ARN_TEXT, n, "key/");
    (void)rdt_text_put(out, ARN_TEXT, n, uuid);
}

void
rdt_principal_arn(const struct rdt_kms *kms, const char *name, char out[static RDT_CALLER_TEXT])
{
    size_t n = rdt_text_put(out, RDT_CALLER_TEXT, 0, "arn:aws:iam::");
    n = rdt_text_put(out, RDT_CALLER_TEXT, n, kms->account);
    n = rdt_text_put(out, RDT_CALLER_TEXT, n, ":user/");
    (void)rdt_text_put(out, RDT_CALLER_TEXT, n, name);
}

static bool
starts(struct rdt_span text, const char *with, struct rdt_span *rest)
{
    struct rdt_span head;
    *rest = text;
    return rdt_take(rest, strlen(with), &head) && rdt_span_is(head, with);
}

static enum rdt_fault
by_alias(struct rdt_call *call, struct rdt_span name, const struct rdt_key **out)
{
    const struct rdt_alias *alias = rdt_view_get(call->view, RDT_KIND_ALIAS, name);
    *out = alias == NULL ? NULL : rdt_view_key(call->view, alias->key);
    if (*out != NULL)
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "Alias %s%.*s is not found.",
                         call->kms->arn_prefix, RDT_FMT(name));
}

/* mrk- and 32 digits: a multi-region key, of which there are none yet. */
static bool
is_multi_region(struct rdt_span id)
{
    struct rdt_span digits;
    uint8_t bytes[16];
    return starts(id, "mrk-", &digits) && rdt_hex_get(digits, bytes, sizeof bytes);
}

static enum rdt_fault
bad_id(struct rdt_call *call, struct rdt_span id)
{
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "Invalid keyId '%.*s'",
                         (int)(id.n < QUOTED_MAX ? id.n : QUOTED_MAX), (const char *)id.p);
}

static enum rdt_fault
by_id(struct rdt_call *call, struct rdt_span id, const struct rdt_key **out)
{
    uint8_t uuid[16];
    bool good = id.n == UUID_LEN && rdt_uuid_parse(id, uuid);
    if (!good && !is_multi_region(id))
        return bad_id(call, id);
    *out = good ? rdt_view_key(call->view, uuid) : NULL;
    if (*out != NULL)
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "Key '%skey/%.*s' does not exist",
                         call->kms->arn_prefix, RDT_FMT(id));
}

/* The model has an error of its own for this, but not for calls that use keys or move aliases. */
static enum rdt_fault
bad_arn(struct rdt_call *call, const char *words)
{
    bool use = call->op->cls == RDT_OP_DATA || rdt_in_has(call, "TargetKeyId");
    return rdt_call_fail(call, use ? RDT_FAULT_NOT_FOUND : RDT_FAULT_INVALID_ARN, "%s", words);
}

/* arn:PARTITION:kms:REGION:ACCOUNT:key/ID or :alias/NAME */
static enum rdt_fault
by_arn(struct rdt_call *call, struct rdt_span arn, bool any, const struct rdt_key **out,
       struct rdt_span *alias)
{
    struct rdt_span in = arn, part[5], rest;
    for (size_t i = 0; i < 5; i++)
        if (!rdt_take_until(&in, ':', &part[i]))
            return bad_arn(call, "the ARN has too few parts");
    if (!rdt_span_is(part[2], "kms"))
        return bad_arn(call, "the ARN is not one of kms");
    if (!rdt_span_is(part[3], call->kms->region))
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "Invalid arn %.*s",
                             (int)(part[3].n < 64 ? part[3].n : 64), (const char *)part[3].p);
    if (!rdt_span_is(part[1], "aws") || !rdt_span_is(part[4], call->kms->account))
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the ARN is of another account");
    if (starts(in, "key/", &rest))
        return by_id(call, rest, out);
    if (starts(in, "alias/", &rest) && any) {
        *alias = in;
        return by_alias(call, in, out);
    }
    return bad_arn(call, any ? "the ARN names neither key nor alias" : "the ARN names no key");
}

enum rdt_fault
rdt_arn_key(struct rdt_call *call, struct rdt_span id, bool any, const struct rdt_key **out,
            struct rdt_span *alias)
{
    struct rdt_span rest;
    *out = NULL;
    *alias = (struct rdt_span){0};
    if (starts(id, "arn:", &rest))
        return by_arn(call, id, any, out, alias);
    if (!starts(id, "alias/", &rest))
        return by_id(call, id, out);
    if (!any)
        return bad_id(call, id);
    *alias = id;
    return by_alias(call, id, out);
}
