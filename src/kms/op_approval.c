/*
 * Requests for approval: asked for, looked at, signed, denied, reviewed. A signature counts because
 * of the approver's key, whoever brings it.
 */
#include "kms/approval_internal.h"
#include "kms/op_internal.h"
#include "kms/tenant_internal.h"

#include "codec/base64.h"
#include "crypto/sign.h"

#include <stdio.h>

#define DAY_S ((int64_t)86400)

static void
note(struct rdt_call *call, const char *name, const char *value)
{
    if (value != NULL)
        rdt_pairs_add(&call->note.parameters, rdt_span_str(name), rdt_span_str(value));
}

static struct approval_look
look_of(const struct rdt_call *call)
{
    return (struct approval_look){call->view, call->kms, call->request->now_ms};
}

static enum rdt_fault
find(struct rdt_call *call, const struct rdt_approval **out)
{
    uint8_t id[16];
    bool uuid = rdt_uuid_parse(rdt_in_text(call, "Request"), id);
    *out = uuid ? rdt_view_get(call->view, RDT_KIND_APPROVAL, (struct rdt_span){id, 16}) : NULL;
    if (*out == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such request");
    rdt_approval_note(call, *out);
    return RDT_FAULT_NONE;
}

static struct rdt_approval *
edit(struct rdt_call *call, const struct rdt_approval *row)
{
    return rdt_tx_edit(call->tx, RDT_KIND_APPROVAL, (struct rdt_span){row->id, sizeof row->id});
}

/* ---- asking ---- */

enum rdt_fault
rdt_approval_parameter(struct rdt_call *call, struct rdt_span name, struct rdt_span value,
                       struct rdt_buf *out)
{
    char uuid[RDT_UUID_TEXT];
    uint8_t public_key[RDT_PUBLIC_MAX];
    const struct rdt_key *key;
    struct rdt_span alias;
    if (rdt_span_is(name, "Key")) {
        enum rdt_fault fault = rdt_arn_key(call, value, true, &key, &alias);
        if (fault != RDT_FAULT_NONE)
            return fault;
        rdt_uuid_text(key->id, uuid);
        value = rdt_span_str(uuid);
    } else if (rdt_span_is(name, "Tenant")) { /* a name may be another's later */
        const struct rdt_tenant *tenant = rdt_tenant_named(call->view, value);
        if (tenant == NULL)
            return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the tenant is not there");
        rdt_uuid_text(tenant->id, uuid);
        value = rdt_span_str(uuid);
    } else if (rdt_span_is(name, "PublicKey")) {
        size_t n = value.n / 2;
        char digits[2 * RDT_PUBLIC_MAX];
        if (n > sizeof public_key || !rdt_hex_get(value, public_key, n))
            return rdt_call_fail(call, RDT_FAULT_VALIDATION, "PublicKey is in hexadecimal digits");
        rdt_hex_put((struct rdt_span){public_key, n}, digits);
        rdt_pairs_add(out, name, (struct rdt_span){(uint8_t *)digits, 2 * n});
        return RDT_FAULT_NONE;
    }
    rdt_pairs_add(out, name, value);
    return RDT_FAULT_NONE;
}

/* The parameters of the input as the operation's row has them, sorted, and no others. */
static enum rdt_fault
parameters_of(struct rdt_call *call, const struct approval_operation *op, struct rdt_buf *out)
{
    uint32_t map = rdt_in_token(call, "Parameters"), taken = 0;
    for (const char *at = op->parameters; *at != '\0';) {
        char name[32];
        size_t n = strcspn(at, " ");
        bool optional = n != 0 && at[n - 1] == '?';
        snprintf(name, sizeof name, "%.*s", (int)(n - optional), at);
        at += n + (at[n] == ' ');
        uint32_t token = map == 0 ? 0 : rdt_jget(call->in, map, name);
        if (token == 0 && optional)
            continue;
        if (token == 0)
            return rdt_call_fail(call, RDT_FAULT_VALIDATION, "%s needs the parameter %s", op->name,
                                 name);
        enum rdt_fault fault =
            rdt_approval_parameter(call, rdt_span_str(name), rdt_jspan(call->in, token), out);
        if (fault != RDT_FAULT_NONE)
            return fault;
        taken++;
    }
    if (map != 0 && taken != call->in->tok[map].count)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "the parameters of %s are: %s", op->name,
                             op->parameters);
    return rdt_buf_ok(out) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static enum rdt_fault
approval_request(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    uint8_t root[32];
    struct rdt_approval *row;
    const struct approval_operation *op = rdt_approval_operation(rdt_in_text(call, "Operation"));
    if (op == NULL)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "no operation of this name needs approval");
    if (op->by_call)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "%s is asked for by the call itself, which opens the request",
                             op->name);
    enum rdt_fault fault = parameters_of(call, op, &parameters);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct approval_wish wish = {
        .about = {op->name, rdt_buf_span(&parameters), NULL},
        .reason = rdt_in_text(call, "Reason"),
        .hours = rdt_in_int(call, "Hours", APPROVAL_HOURS)
    };
    if (op->census != NULL && !op->census(call->view, wish.about.parameters, root))
        return rdt_call_fail(call, RDT_FAULT_CENSUS, "there is no census of this yet");
    if (op->census != NULL)
        wish.about.census_root = root;
    fault = rdt_approval_open(call, &wish, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_uuid(call->request->out, "Request", row->id);
    rdt_jout_time(call->request->out, "Expires", row->expires_ms);
    rdt_jout_int(call->request->out, "Quorum", rdt_quorum(call->view));
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* ---- looking ---- */

static const char *
state_word(const struct rdt_approval *row)
{
    static const char *const words[] = {
        [RDT_APPROVAL_OPEN] = "open",
        [RDT_APPROVAL_DENIED] = "denied",
        [RDT_APPROVAL_USED] = "used",
        [RDT_APPROVAL_EXPIRED] = "expired",
        [RDT_APPROVAL_USED_UNREVIEWED] = "to be reviewed",
    };
    return row->state < RDT_COUNT(words) && words[row->state] != NULL ? words[row->state]
                                                                      : "unknown";
}

static void
put_parameters(struct rdt_call *call, const struct rdt_approval *row)
{
    struct rdt_span in = rdt_bytes_span(&row->parameters);
    struct rdt_pair pair;
    rdt_jout_open(call->request->out, "Parameters", '{');
    while (rdt_pairs_next(&in, &pair)) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", RDT_FMT(pair.name));
        rdt_jout_text(call->request->out, name, pair.value);
    }
    rdt_jout_close(call->request->out, '}');
}

/* Who put a name under it; an approver who is gone is shown by id. */
static void
put_signers(struct rdt_call *call, const char *name, const struct rdt_bytes *signatures)
{
    struct rdt_buf *out = call->request->out;
    struct rdt_span in = rdt_bytes_span(signatures);
    rdt_jout_open(out, name, '[');
    for (; in.n >= APPROVAL_SIGNED; in.p += APPROVAL_SIGNED, in.n -= APPROVAL_SIGNED) {
        const struct rdt_approver *approver =
            rdt_view_get(call->view, RDT_KIND_APPROVER, (struct rdt_span){in.p, 16});
        rdt_jout_open(out, NULL, '{');
        rdt_jout_uuid(out, "ApproverId", in.p);
        if (approver != NULL) {
            rdt_jout_str(out, "Approver", approver->name);
            rdt_jout_str(out, "Person", approver->person);
        }
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
}

static void
put_state(struct rdt_call *call, const struct rdt_approval *row)
{
    struct rdt_buf *out = call->request->out;
    struct approval_look look = look_of(call);
    const char *flaw = rdt_approval_flaw(&look, row);
    /* of distinct persons and good, or they would not be there; who uses them looks again */
    size_t n = row->signatures.n / APPROVAL_SIGNED;
    rdt_jout_str(out, "State", state_word(row));
    rdt_jout_bool(out, "Valid", flaw == NULL);
    rdt_jout_str(out, "Why", flaw);
    rdt_jout_int(out, "Signatures", (int64_t)n);
    rdt_jout_int(out, "Quorum", rdt_quorum(call->view));
    rdt_jout_bool(out, "Ready", flaw == NULL && n >= rdt_quorum(call->view));
}

static void
put_request(struct rdt_call *call, const struct rdt_approval *row)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_principal *by = rdt_view_principal(call->view, row->requester);
    rdt_jout_uuid(out, "Request", row->id);
    rdt_jout_str(out, "Operation", row->operation);
    rdt_jout_str(out, "Words", rdt_approval_words(rdt_span_str(row->operation)));
    put_state(call, row);
    rdt_jout_str(out, "Requester", by == NULL ? NULL : by->name);
    rdt_jout_str(out, "RequesterPerson", row->requester_person);
    rdt_jout_str(out, "Reason", row->reason);
    rdt_jout_time(out, "CreationDate", row->created_ms);
    rdt_jout_time(out, "Expires", row->expires_ms);
    if (row->closed_ms != 0)
        rdt_jout_time(out, "Closed", row->closed_ms);
    if (rdt_approval_is_recovery(row)) {
        int64_t waited_s = rdt_view_site(call->view)->credited_s - row->credited_s;
        rdt_jout_int(out, "WaitedDays", waited_s < 0 ? 0 : waited_s / DAY_S);
        rdt_jout_int(out, "WaitingDays", APPROVAL_RECOVER_DAYS);
    }
}

static enum rdt_fault
approval_show(struct rdt_call *call)
{
    RDT_BUF bytes = {0};
    struct rdt_buf *out = call->request->out;
    const struct rdt_approval *row;
    enum rdt_fault fault = find(call, &row);
    if (fault != RDT_FAULT_NONE)
        return fault;
    rdt_approval_bytes_of(call->kms, row, RDT_APPROVAL_APPROVE, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_out_of_memory(call);
    rdt_jout_open(out, NULL, '{');
    put_request(call, row);
    put_parameters(call, row);
    put_signers(call, "SignedBy", &row->signatures);
    put_signers(call, "ClosedBy", &row->closing);
    rdt_jout_blob(out, "ToSign", rdt_buf_span(&bytes));
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static bool
is_wanted(const struct rdt_approval *row, struct rdt_span which)
{
    if (rdt_span_is(which, "all"))
        return true;
    if (rdt_span_is(which, "reviews"))
        return row->state == RDT_APPROVAL_USED_UNREVIEWED;
    if (rdt_span_is(which, "closed"))
        return row->state != RDT_APPROVAL_OPEN && row->state != RDT_APPROVAL_USED_UNREVIEWED;
    return row->state == RDT_APPROVAL_OPEN;
}

static const struct rdt_approval *
next_wanted(struct rdt_call *call, struct rdt_span *id)
{
    const struct rdt_approval *row;
    struct rdt_span which = rdt_in_text(call, "Which");
    while ((row = rdt_view_next(call->view, RDT_KIND_APPROVAL, *id, id)) != NULL &&
           !is_wanted(row, which))
        continue;
    return row;
}

static enum rdt_fault
approval_list(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct page page;
    enum rdt_fault fault = rdt_page_begin(call, 100, 1000, &page);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_span id = {page.after, page.after_n}, last = {0};
    const struct rdt_approval *row = next_wanted(call, &id);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_open(out, "Requests", '[');
    for (int64_t i = 0; i < page.limit && row != NULL; i++) {
        rdt_jout_open(out, NULL, '{');
        put_request(call, row);
        rdt_jout_close(out, '}');
        last = id;
        row = next_wanted(call, &id);
    }
    rdt_jout_close(out, ']');
    rdt_page_end(call, last, row != NULL);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static enum rdt_fault
approval_status(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_site *site = rdt_view_site(call->view);
    struct rdt_span id = {0};
    const struct rdt_approval *row;
    int64_t open = 0, reviews = 0, n = 0;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "Deployment", call->kms->deployment);
    rdt_jout_int(out, "Quorum", rdt_quorum(call->view));
    while (rdt_view_next(call->view, RDT_KIND_APPROVER, id, &id) != NULL)
        n++;
    rdt_jout_int(out, "Approvers", n);
    rdt_jout_bool(out, "Reachable", rdt_approvals_on(call->view));
    rdt_jout_int(out, "Revision", (int64_t)site->approvers_revision);
    rdt_jout_bool(out, "ClockBlocked", site->clock_blocked);
    rdt_jout_open(out, "Recoveries", '[');
    id = (struct rdt_span){0};
    while ((row = rdt_view_next(call->view, RDT_KIND_APPROVAL, id, &id)) != NULL) {
        open += row->state == RDT_APPROVAL_OPEN && !rdt_approval_is_recovery(row);
        reviews += row->state == RDT_APPROVAL_USED_UNREVIEWED;
        if (row->state != RDT_APPROVAL_OPEN || !rdt_approval_is_recovery(row))
            continue;
        rdt_jout_open(out, NULL, '{');
        put_request(call, row);
        put_parameters(call, row);
        rdt_jout_close(out, '}');
    }
    rdt_jout_close(out, ']');
    rdt_jout_int(out, "Open", open);
    rdt_jout_int(out, "Reviews", reviews);
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- signing ---- */

/* In the log, so that it outlives the row. */
static bool
note_signature(struct rdt_call *call, struct rdt_span bytes)
{
    char digits[2 * RDT_SIGNATURE_LEN];
    rdt_hex_put(rdt_in_blob(call, "Signature"), digits);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("signature"),
                  (struct rdt_span){(uint8_t *)digits, sizeof digits});
    return rdt_approval_note_bytes(call, bytes) == RDT_OK;
}

/* The approver that the input names, whose signature with a verb the input holds. */
static enum rdt_fault
signer_of(struct rdt_call *call, const struct rdt_approval *row, enum rdt_approval_verb verb,
          const struct rdt_approver **out)
{
    RDT_BUF bytes = {0};
    *out = rdt_approver_named(call->view, rdt_in_text(call, "Approver"));
    if (*out == NULL)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED, "there is no such approver");
    note(call, "approver", (*out)->name);
    if (verb != RDT_APPROVAL_DENY && rdt_same_person((*out)->person, row->requester_person))
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "who asked for it cannot be the one who says yes to it");
    rdt_approval_bytes_of(call->kms, row, verb, &bytes);
    if (!rdt_buf_ok(&bytes))
        return rdt_out_of_memory(call);
    if (rdt_signature_check(rdt_bytes_span(&(*out)->public_key), rdt_buf_span(&bytes),
                            rdt_in_blob(call, "Signature"), NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "the signature is not one of this approver under these bytes");
    return note_signature(call, rdt_buf_span(&bytes)) ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static bool
append_signature(struct rdt_call *call, const struct rdt_approver *approver,
                 struct rdt_bytes *signatures)
{
    RDT_BUF all = {0};
    struct rdt_span signature = rdt_in_blob(call, "Signature");
    rdt_buf_add(&all, signatures->p, signatures->n);
    rdt_buf_add(&all, approver->id, sizeof approver->id);
    rdt_buf_add(&all, signature.p, signature.n);
    return rdt_buf_ok(&all) && rdt_bytes_set(signatures, rdt_buf_span(&all));
}

static bool
has_signed(struct rdt_call *call, const struct rdt_approval *row, const struct rdt_approver *one)
{
    struct rdt_span in = rdt_bytes_span(&row->signatures);
    for (; in.n >= APPROVAL_SIGNED; in.p += APPROVAL_SIGNED, in.n -= APPROVAL_SIGNED) {
        const struct rdt_approver *other =
            rdt_view_get(call->view, RDT_KIND_APPROVER, (struct rdt_span){in.p, 16});
        if (other != NULL && rdt_same_person(other->person, one->person))
            return true;
    }
    return false;
}

static enum rdt_fault
approval_sign(struct rdt_call *call)
{
    const struct rdt_approval *now;
    const struct rdt_approver *approver;
    struct approval_look look = look_of(call);
    enum rdt_fault fault = find(call, &now);
    if (fault == RDT_FAULT_NONE)
        fault = rdt_approval_clock(call, now->operation);
    if (fault != RDT_FAULT_NONE)
        return fault;
    const char *flaw = rdt_approval_flaw(&look, now);
    if (flaw != NULL)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "this cannot be signed: %s", flaw);
    fault = signer_of(call, now, RDT_APPROVAL_APPROVE, &approver);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (has_signed(call, now, approver))
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "this person has signed it already");
    struct rdt_approval *row = edit(call, now);
    if (row == NULL || !append_signature(call, approver, &row->signatures))
        return rdt_out_of_memory(call);
    rdt_jout_open(call->request->out, NULL, '{');
    rdt_jout_uuid(call->request->out, "Request", row->id);
    put_state(call, row);
    rdt_jout_close(call->request->out, '}');
    return RDT_FAULT_NONE;
}

/* By one approver, with a signature; or by who asked for it, who no longer wants it. */
static enum rdt_fault
approval_deny(struct rdt_call *call)
{
    const struct rdt_approval *now;
    const struct rdt_approver *approver = NULL;
    enum rdt_fault fault = find(call, &now);
    if (fault != RDT_FAULT_NONE)
        return fault;
    bool own = call->principal != NULL && !rdt_approval_is_recovery(now) &&
               rdt_span_eq((struct rdt_span){now->requester, 16},
                           (struct rdt_span){call->principal->id, 16});
    if (now->state != RDT_APPROVAL_OPEN)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "it is no longer open");
    if (!own || rdt_in_has(call, "Signature"))
        fault = signer_of(call, now, RDT_APPROVAL_DENY, &approver);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_approval *row = edit(call, now);
    if (row == NULL || (approver != NULL && !append_signature(call, approver, &row->closing)))
        return rdt_out_of_memory(call);
    row->state = RDT_APPROVAL_DENIED;
    row->closed_ms = call->request->now_ms;
    return RDT_FAULT_NONE;
}

static enum rdt_fault
approval_review(struct rdt_call *call)
{
    const struct rdt_approval *now;
    const struct rdt_approver *approver;
    enum rdt_fault fault = find(call, &now);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (now->state != RDT_APPROVAL_USED_UNREVIEWED)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "there is nothing to review");
    fault = signer_of(call, now, RDT_APPROVAL_REVIEW, &approver);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_approval *row = edit(call, now);
    if (row == NULL || !append_signature(call, approver, &row->closing))
        return rdt_out_of_memory(call);
    row->state = RDT_APPROVAL_USED;
    return RDT_FAULT_NONE;
}

/* ---- the table ---- */

#define REQUEST                                                                                    \
    {                                                                                              \
        .name = "Request", .type = RDT_IN_TEXT, .required = true, .min = 36, .max = 36             \
    }

static const struct rdt_in request_in[] = {
    {.name = "Operation", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "Parameters", .type = RDT_IN_MAP, .max = 16},
    {.name = "Reason", .type = RDT_IN_TEXT, .max = APPROVAL_REASON_MAX},
    {.name = "Hours", .type = RDT_IN_INT, .min = 1, .max = APPROVAL_HOURS_MAX},
};
static const struct rdt_in id_in[] = {REQUEST};
static const struct rdt_in list_in[] = {
    {.name = "Which", .type = RDT_IN_WORD, .words = "open closed reviews all"},
    {.name = "Limit", .type = RDT_IN_INT, .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};
static const struct rdt_in none_in[] = {
    {.name = "Reason", .type = RDT_IN_TEXT, .max = APPROVAL_REASON_MAX},
};
static const struct rdt_in sign_in[] = {
    REQUEST,
    {.name = "Approver",  .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 256},
    {.name = "Signature",
      .type = RDT_IN_BLOB,
      .required = true,
      .min = RDT_SIGNATURE_LEN,
      .max = RDT_SIGNATURE_LEN                                                        },
};
static const struct rdt_in deny_in[] = {
    REQUEST,
    {.name = "Approver",  .type = RDT_IN_TEXT, .min = 1,                 .max = 256              },
    {.name = "Signature", .type = RDT_IN_BLOB, .min = RDT_SIGNATURE_LEN, .max = RDT_SIGNATURE_LEN},
};
static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN("ApprovalDeny", "/v1/approval/deny", WRITE, deny_in, approval_deny),
    OP_OWN("ApprovalList", "/v1/approval/list", READ, list_in, approval_list),
    OP_OWN("ApprovalRequest", "/v1/approval/request", WRITE, request_in, approval_request),
    OP_OWN("ApprovalReview", "/v1/approval/review", WRITE, sign_in, approval_review),
    OP_OWN("ApprovalShow", "/v1/approval/show", READ, id_in, approval_show),
    OP_OWN("ApprovalSign", "/v1/approval/sign", WRITE, sign_in, approval_sign),
    OP_OWN("ApprovalStatus", "/v1/approval/status", READ, none_in, approval_status),
};

const struct rdt_op_table rdt_ops_approval = {ops, sizeof ops / sizeof ops[0]};
