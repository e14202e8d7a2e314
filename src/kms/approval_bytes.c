#include "kms/approval.h"

#include "base/cursor.h"
#include "base/text.h"
#include "kms/model.h"

/* With the NUL that ends each: it cannot be the beginning of another. */
static const char *const labels[] = {
    [RDT_APPROVAL_APPROVE] = "redoubt approval v1",
    [RDT_APPROVAL_DENY] = "redoubt denial v1",
    [RDT_APPROVAL_REVIEW] = "redoubt review v1",
};

#define SUSPEND_LABEL "redoubt suspend v1"

void
rdt_approval_put(const struct rdt_approval_bytes *approval, struct rdt_buf *out)
{
    const char *label = labels[approval->verb];
    if (approval->operation.n > RDT_APPROVAL_OPERATION_MAX ||
        approval->parameters.n > RDT_APPROVAL_PARAMETERS_MAX) {
        out->failed = out->full = true;
        return;
    }
    rdt_buf_add(out, label, strlen(label) + 1);
    rdt_buf_add(out, approval->deployment, 16);
    rdt_buf_add(out, approval->request, 16);
    rdt_buf_uint(out, approval->operation.n, 1);
    rdt_buf_add(out, approval->operation.p, approval->operation.n);
    rdt_buf_uint(out, approval->parameters.n, 4);
    rdt_buf_add(out, approval->parameters.p, approval->parameters.n);
    rdt_buf_uint(out, approval->rows_revision, 8);
    rdt_buf_add(out, approval->census_root, 32);
    rdt_buf_uint(out, approval->approvers_revision, 8);
    rdt_buf_uint(out, (uint64_t)approval->expires_ms, 8);
}

static bool
read_label(struct rdt_span *in, enum rdt_approval_verb *verb)
{
    struct rdt_span label;
    if (!rdt_take_until(in, 0, &label))
        return false;
    for (size_t i = RDT_APPROVAL_APPROVE; i < RDT_COUNT(labels); i++)
        if (rdt_span_is(label, labels[i])) {
            *verb = (enum rdt_approval_verb)i;
            return true;
        }
    return false;
}

static bool
good_operation(struct rdt_span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != '-' && (name.p[i] < 'a' || name.p[i] > 'z'))
            return false;
    return name.n != 0 && name.n <= RDT_APPROVAL_OPERATION_MAX;
}

/* Sorted, each name once, all of it text: one thing is said in one way only. */
static bool
good_parameters(struct rdt_span pairs)
{
    struct rdt_pair pair;
    struct rdt_span before = {0};
    if (pairs.n > RDT_APPROVAL_PARAMETERS_MAX)
        return false;
    while (rdt_pairs_next(&pairs, &pair)) {
        if (pair.name.n == 0 || rdt_span_cmp(before, pair.name) >= 0 || !rdt_text_utf8(pair.name) ||
            !rdt_text_utf8(pair.value))
            return false;
        before = pair.name;
    }
    return pairs.n == 0;
}

/* docs/formats/approval.md 2: label 00 | deployment 16 | request 16 | u8 n, operation | u32 n,
 * parameters | u64 rows | census root 32 | u64 approvers | u64 expiry */
static bool
read_all(struct rdt_span in, struct rdt_approval_bytes *out)
{
    struct rdt_span deployment, request, root;
    uint8_t n_operation;
    uint32_t n_parameters;
    uint64_t expires;
    bool ok = read_label(&in, &out->verb);
    ok = ok && rdt_take(&in, 16, &deployment);
    ok = ok && rdt_take(&in, 16, &request);
    ok = ok && rdt_take_u8(&in, &n_operation);
    ok = ok && rdt_take(&in, n_operation, &out->operation);
    ok = ok && rdt_take_u32(&in, &n_parameters);
    ok = ok && rdt_take(&in, n_parameters, &out->parameters);
    ok = ok && rdt_take_uint(&in, 8, &out->rows_revision);
    ok = ok && rdt_take(&in, 32, &root);
    ok = ok && rdt_take_uint(&in, 8, &out->approvers_revision);
    ok = ok && rdt_take_uint(&in, 8, &expires);
    if (!ok || in.n != 0 || expires > INT64_MAX)
        return false;
    memcpy(out->deployment, deployment.p, 16);
    memcpy(out->request, request.p, 16);
    memcpy(out->census_root, root.p, 32);
    out->expires_ms = (int64_t)expires;
    return good_operation(out->operation) && good_parameters(out->parameters);
}

enum rdt_code
rdt_approval_read(struct rdt_span bytes, struct rdt_approval_bytes *out, struct rdt_err *err)
{
    struct rdt_approval_bytes read = {.verb = RDT_APPROVAL_APPROVE};
    if (!read_all(bytes, &read))
        return rdt_fail(err, RDT_E_BADINPUT, "these are not the bytes of an approval");
    *out = read;
    return RDT_OK;
}

void
rdt_suspend_put(const uint8_t deployment[static 16], const uint8_t key[static 16], int64_t time_ms,
                struct rdt_buf *out)
{
    rdt_buf_add(out, SUSPEND_LABEL, sizeof SUSPEND_LABEL);
    rdt_buf_add(out, deployment, 16);
    rdt_buf_add(out, key, 16);
    rdt_buf_uint(out, (uint64_t)time_ms, 8);
}
