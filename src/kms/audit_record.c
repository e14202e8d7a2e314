#include "kms/audit_record.h"

#include "codec/base64.h"
#include "kms/call_internal.h"

#define CONTEXT_DIGITS ((size_t)16)

#define F(number, type, field) RDT_M(number, type, rdt_audit_record, field)
static const struct rdt_record_member members[] = {
    F(1, RDT_M_U8, type),         F(2, RDT_M_I64, time_ms),   F(3, RDT_M_B16, id),
    F(4, RDT_M_TEXT, operation),  F(5, RDT_M_B16, principal), F(6, RDT_M_TEXT, caller),
    F(7, RDT_M_TEXT, credential), F(8, RDT_M_TEXT, source),   F(9, RDT_M_B16, key),
    F(10, RDT_M_B16, key2),       F(11, RDT_M_B32, material), F(12, RDT_M_BYTES, context),
    F(13, RDT_M_TEXT, fault),     F(14, RDT_M_TEXT, reason),  F(15, RDT_M_BYTES, parameters),
    F(16, RDT_M_B16, approval),   F(17, RDT_M_U8, dry_run),   F(18, RDT_M_U64, count),
    F(19, RDT_M_U64, revision),   F(20, RDT_M_B32, digest),
};
#undef F

const struct rdt_record rdt_audit_record = {
    .name = "audit record",
    .size = sizeof(struct rdt_audit_record),
    .members = members,
    .n_members = sizeof members / sizeof members[0],
};

/* Names in the clear, values as digits of an HMAC over name and value. */
static void
put_context(struct rdt_call *call, const struct rdt_context *context, struct rdt_buf *out)
{
    for (size_t i = 0; context != NULL && i < context->n; i++) {
        struct rdt_span parts[] = {
            context->keys[i], {(const uint8_t *)"", 1},
             context->values[i]
        };
        uint8_t mac[RDT_SHA256_LEN];
        char digits[CONTEXT_DIGITS];
        if (rdt_hmac(call->thread->worker, &call->kms->context, parts, 3, mac) != RDT_OK)
            continue;
        rdt_hex_put((struct rdt_span){mac, CONTEXT_DIGITS / 2}, digits);
        rdt_pairs_add(out, context->keys[i], (struct rdt_span){(uint8_t *)digits, CONTEXT_DIGITS});
    }
}

void
rdt_call_record(struct rdt_call *call, uint64_t revision, const uint8_t *digest)
{
    struct rdt_request *request = call->request;
    struct rdt_buf *context = &call->thread->scratch;
    context->n = 0;
    put_context(call, call->context, context);
    struct rdt_audit_record record = {
        .type = request->caller.internal ? RDT_AUDIT_SYSTEM : RDT_AUDIT_CALL,
        .time_ms = request->now_ms,
        .operation = (char *)call->op->name,
        .caller = request->caller.arn,
        .credential = request->caller.credential,
        .source = request->caller.source,
        .context = {context->p,              context->n             },
        .fault = (char *)rdt_fault_wire(request->fault),
        .parameters = {call->note.parameters.p, call->note.parameters.n},
        .dry_run = call->note.dry_run,
        .revision = revision,
    };
    memcpy(record.id, request->id, sizeof record.id);
    memcpy(record.principal, request->caller.principal, sizeof record.principal);
    memcpy(record.key, call->note.key, sizeof record.key);
    memcpy(record.key2, call->note.key2, sizeof record.key2);
    memcpy(record.material, call->note.material, sizeof record.material);
    memcpy(record.approval, call->note.approval, sizeof record.approval);
    if (digest != NULL)
        memcpy(record.digest, digest, sizeof record.digest);
    rdt_record_put(&rdt_audit_record, &record, request->record);
}

void
rdt_record_take_back(struct rdt_request *request, size_t from)
{
    struct rdt_buf *bytes = request->record;
    struct rdt_audit_record record = {0};
    enum rdt_code rc = rdt_record_get(
        &rdt_audit_record, (struct rdt_span){bytes->p + from, bytes->n - from}, &record, NULL);
    if (rc == RDT_OK) {
        bytes->n = from;
        record.revision = 0;
        memset(record.digest, 0, sizeof record.digest);
        if (rdt_text_set(&record.fault, rdt_span_str(rdt_fault_wire(request->fault))))
            rdt_record_put(&rdt_audit_record, &record, bytes);
    }
    rdt_record_done(&rdt_audit_record, &record);
}

void
rdt_record_system(const char *operation, int64_t now_ms, uint64_t revision, const uint8_t *digest,
                  const uint8_t id[static 16], struct rdt_buf *out)
{
    struct rdt_audit_record record = {.type = RDT_AUDIT_SYSTEM,
                                      .time_ms = now_ms,
                                      .operation = (char *)operation,
                                      .revision = revision};
    memcpy(record.id, id, sizeof record.id);
    if (digest != NULL)
        memcpy(record.digest, digest, sizeof record.digest);
    rdt_record_put(&rdt_audit_record, &record, out);
}
