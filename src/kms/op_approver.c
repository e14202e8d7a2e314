/*
 * Who approves, how many of them are needed, and what a single one may do at once: suspend a key.
 * While there are fewer approvers than the quorum an administrator adds them; from then on the
 * quorum decides about itself, and it cannot shrink below its own number.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#include <stdio.h>

#define QUORUM_MOST 16
#define QUORUM_LEAST 2 /* but for a development service, where one person tries things out */
#define NAME_MOST 64
#define PERSON_MOST 128

static void
note(struct rdt_call *call, const char *name, struct rdt_span value)
{
    rdt_pairs_add(&call->note.parameters, rdt_span_str(name), value);
}

static struct rdt_span
parameter(struct rdt_span parameters, const char *name)
{
    struct rdt_span value = {0};
    (void)rdt_pairs_find(parameters, rdt_span_str(name), &value);
    return value;
}

/* ---- adding ---- */

struct candidate {
    struct rdt_span name, public_key;
    char person[PERSON_MOST + 1];
    uint8_t key[RDT_PUBLIC_MAX];
};

static enum rdt_fault
read_candidate(struct rdt_call *call, struct rdt_span parameters, struct candidate *out)
{
    static const uint8_t no_signature[RDT_SIGNATURE_LEN];
    struct rdt_span person = parameter(parameters, "Person"),
                    digits = parameter(parameters, "PublicKey");
    size_t n = digits.n / 2;
    out->name = parameter(parameters, "Name");
    if (out->name.n == 0 || out->name.n > NAME_MOST || person.n == 0 || person.n > PERSON_MOST ||
        rdt_same_person(
            "", (snprintf(out->person, sizeof out->person, "%.*s", RDT_FMT(person)), out->person)))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "an approver has a name of 1 to 64 bytes and a person of 1 to 128");
    uint8_t as_key[NAME_MOST / 2];
    if (out->name.n == NAME_MOST && rdt_hex_get(out->name, as_key, sizeof as_key))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "this name looks like a key: nobody could be found by it");
    if (n > sizeof out->key || !rdt_hex_get(digits, out->key, n) ||
        rdt_signature_check((struct rdt_span){out->key, n}, rdt_span_str(""),
                            (struct rdt_span){no_signature, sizeof no_signature},
                            NULL) != RDT_E_TAMPERED)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "PublicKey is an Ed25519 key (64 digits) or a point of P-256 (130)");
    out->public_key = (struct rdt_span){out->key, n};
    return RDT_FAULT_NONE;
}

/* One person, one key; one name, one person. */
static enum rdt_fault
clash(struct rdt_call *call, const struct candidate *new, bool replace,
      const struct rdt_approver **old)
{
    struct rdt_span id = {0};
    const struct rdt_approver *row;
    *old = NULL;
    while ((row = rdt_view_next(call->view, RDT_KIND_APPROVER, id, &id)) != NULL) {
        bool same = rdt_same_person(row->person, new->person);
        if (same && !replace)
            return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS,
                                 "this person is an approver; the first key has to be removed "
                                 "before a second is added");
        if (same)
            *old = row;
        else if (rdt_span_is(new->name, row->name))
            return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "an approver has this name");
        if (rdt_span_eq(rdt_bytes_span(&row->public_key), new->public_key))
            return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "an approver has this key");
    }
    if (*old == NULL && rdt_approvers(call->view) >= RDT_APPROVERS_MAX)
        return rdt_call_fail(call, RDT_FAULT_LIMIT_EXCEEDED, "there are %zu approvers, the most",
                             RDT_APPROVERS_MAX);
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_approver_check(struct rdt_call *call, struct rdt_span parameters, bool replace)
{
    struct candidate new;
    const struct rdt_approver *old;
    enum rdt_fault fault = read_candidate(call, parameters, &new);
    return fault == RDT_FAULT_NONE ? clash(call, &new, replace, &old) : fault;
}

/* Whatever was approved by another set of approvers is void. */
static bool
set_changed(struct rdt_call *call)
{
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site != NULL)
        site->approvers_revision++;
    return site != NULL;
}

enum rdt_fault
rdt_approver_put(struct rdt_call *call, struct rdt_span parameters, bool replace)
{
    struct candidate new;
    const struct rdt_approver *old;
    uint8_t id[16];
    enum rdt_fault fault = read_candidate(call, parameters, &new);
    if (fault == RDT_FAULT_NONE)
        fault = clash(call, &new, replace, &old);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (old != NULL &&
        !rdt_tx_remove(call->tx, RDT_KIND_APPROVER, (struct rdt_span){old->id, sizeof old->id}))
        return rdt_out_of_memory(call);
    rdt_kms_request_id(call->thread, id);
    struct rdt_approver *row =
        rdt_tx_add(call->tx, RDT_KIND_APPROVER, (struct rdt_span){id, sizeof id});
    if (row == NULL || !rdt_text_set(&row->name, new.name) ||
        !rdt_text_set(&row->person, rdt_span_str(new.person)) ||
        !rdt_bytes_set(&row->public_key, new.public_key) || !set_changed(call))
        return rdt_out_of_memory(call);
    memcpy(row->id, id, sizeof id);
    row->added_ms = call->request->now_ms;
    note(call, "approver", new.name);
    return RDT_FAULT_NONE;
}

enum rdt_fault
rdt_approver_parameters(struct rdt_call *call, struct rdt_buf *out)
{
    static const char *const names[] = {"Name", "Person", "PublicKey"};
    enum rdt_fault fault = RDT_FAULT_NONE;
    for (size_t i = 0; fault == RDT_FAULT_NONE && i < RDT_COUNT(names); i++)
        fault =
            rdt_approval_parameter(call, rdt_span_str(names[i]), rdt_in_text(call, names[i]), out);
    return fault == RDT_FAULT_NONE && !rdt_buf_ok(out) ? rdt_out_of_memory(call) : fault;
}

static enum rdt_fault
approver_add(struct rdt_call *call)
{
    RDT_BUF parameters = {0};
    enum rdt_fault fault = rdt_approver_parameters(call, &parameters);
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct approval_about about = {"approver-add", rdt_buf_span(&parameters), NULL};
    fault = rdt_approver_check(call, about.parameters, false);
    if (fault == RDT_FAULT_NONE && rdt_approvals_on(call->view))
        fault = rdt_approval_gate(call, &about);
    return fault == RDT_FAULT_NONE ? rdt_approver_put(call, about.parameters, false) : fault;
}

/* ---- removing, and the number ---- */

/* The gate of an operation with one parameter, once there is a quorum. */
static enum rdt_fault
gate_one(struct rdt_call *call, const char *operation, const char *name, struct rdt_span value)
{
    RDT_BUF parameters = {0};
    rdt_pairs_add(&parameters, rdt_span_str(name), value);
    if (!rdt_buf_ok(&parameters))
        return rdt_out_of_memory(call);
    return rdt_approval_gate(call,
                             &(struct approval_about){operation, rdt_buf_span(&parameters), NULL});
}

static enum rdt_fault
approver_remove(struct rdt_call *call)
{
    struct rdt_span name = rdt_in_text(call, "Name");
    const struct rdt_approver *row = rdt_approver_named(call->view, name);
    note(call, "approver", name);
    if (row == NULL || !rdt_span_is(name, row->name))
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such approver");
    if (rdt_approvals_on(call->view)) {
        if (rdt_approvers(call->view) <= rdt_quorum(call->view))
            return rdt_call_fail(call, RDT_FAULT_CONFLICT,
                                 "fewer approvers than the quorum of %u would be left: add one "
                                 "first, or lower the quorum",
                                 rdt_quorum(call->view));
        enum rdt_fault fault = gate_one(call, "approver-remove", "Name", name);
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    bool ok = rdt_tx_remove(call->tx, RDT_KIND_APPROVER, (struct rdt_span){row->id, 16}) &&
              set_changed(call);
    return ok ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

static enum rdt_fault
quorum_set(struct rdt_call *call)
{
    char digits[16];
    int64_t quorum = rdt_in_int(call, "Quorum", 0);
    snprintf(digits, sizeof digits, "%d", (int)quorum);
    note(call, "quorum", rdt_span_str(digits));
    if (quorum < QUORUM_LEAST && !rdt_view_site(call->view)->development)
        return rdt_call_fail(call, RDT_FAULT_VALIDATION,
                             "a quorum has at least %d approvers: one alone decides nothing",
                             QUORUM_LEAST);
    if (rdt_approvals_on(call->view)) {
        if ((size_t)quorum > rdt_approvers(call->view))
            return rdt_call_fail(call, RDT_FAULT_CONFLICT,
                                 "there are not so many approvers: add some first");
        enum rdt_fault fault = gate_one(call, "quorum-set", "Quorum", rdt_span_str(digits));
        if (fault != RDT_FAULT_NONE)
            return fault;
    }
    struct rdt_site *site = rdt_tx_edit(call->tx, RDT_KIND_SITE, rdt_span_str("site"));
    if (site == NULL || !set_changed(call))
        return rdt_out_of_memory(call);
    site->quorum = (uint32_t)quorum;
    return RDT_FAULT_NONE;
}

static void
put_approver(struct rdt_call *call, const void *row)
{
    const struct rdt_approver *approver = row;
    struct rdt_buf *out = call->request->out;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "ApproverId", approver->id);
    rdt_jout_str(out, "Name", approver->name);
    rdt_jout_str(out, "Person", approver->person);
    rdt_jout_str(out, "Type",
                 approver->public_key.n == RDT_ED25519_PUBLIC_LEN ? "ed25519" : "p256");
    rdt_jout_hex(out, "PublicKey", rdt_bytes_span(&approver->public_key));
    rdt_jout_time(out, "CreationDate", approver->added_ms);
    rdt_jout_close(out, '}');
}

static enum rdt_fault
approver_list(struct rdt_call *call)
{
    return rdt_page_rows(call, "Approvers", RDT_KIND_APPROVER, 100, 1000, put_approver);
}

/* ---- one approver alone ---- */

/* What was signed once is remembered, so that nobody suspends the key again with it later. */
static enum rdt_fault
remember(struct rdt_call *call, struct rdt_span signed_bytes)
{
    uint8_t hash[RDT_SHA256_LEN];
    if (rdt_sha256(signed_bytes, hash, NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "no hash");
    struct rdt_span id = {hash, sizeof hash};
    if (rdt_view_get(call->view, RDT_KIND_SEEN, id) != NULL)
        return rdt_call_fail(call, RDT_FAULT_ALREADY_EXISTS, "this was signed for once already");
    struct rdt_seen *seen = rdt_tx_add(call->tx, RDT_KIND_SEEN, id);
    if (seen == NULL)
        return rdt_out_of_memory(call);
    memcpy(seen->signature, hash, sizeof hash);
    seen->until_ms = call->request->now_ms + (int64_t)2 * RDT_CLOCK_SKEW_S * 1000 + 1000;
    return RDT_FAULT_NONE;
}

/* The UUID that a KeyId ends in. No look-up: only who signs for a key learns whether it is there.
 */
static bool
key_uuid(struct rdt_span key_id, uint8_t out[static 16])
{
    size_t uuid = RDT_UUID_TEXT - 1;
    if (key_id.n < uuid)
        return false;
    return rdt_uuid_parse((struct rdt_span){key_id.p + (key_id.n - uuid), uuid}, out);
}

/* The policies are not asked: the approver's signature is the right to do it. */
static enum rdt_fault
key_suspend(struct rdt_call *call)
{
    RDT_BUF bytes = {0};
    uint8_t id[16];
    const struct rdt_approver *approver =
        rdt_approver_named(call->view, rdt_in_text(call, "Approver"));
    int64_t time_ms = rdt_in_int(call, "Time", 0), age_ms = call->request->now_ms - time_ms;
    if (!key_uuid(rdt_in_text(call, "KeyId"), id))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "a key is named by its id or ARN here");
    memcpy(call->note.key, id, sizeof id);
    if (call->principal == NULL || call->principal->disabled)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED, "the caller may not call any more");
    rdt_suspend_put(call->kms->deployment, id, time_ms, &bytes);
    if (approver == NULL || !rdt_buf_ok(&bytes) ||
        rdt_signature_check(rdt_bytes_span(&approver->public_key), rdt_buf_span(&bytes),
                            rdt_in_blob(call, "Signature"), NULL) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED, "no approver has signed this");
    note(call, "approver", rdt_span_str(approver->name));
    if (age_ms > RDT_CLOCK_SKEW_S * 1000 || age_ms < -RDT_CLOCK_SKEW_S * 1000)
        return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                             "this was not signed within the last five minutes");
    enum rdt_fault fault = remember(call, rdt_buf_span(&bytes));
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_tx_edit(call->tx, RDT_KIND_KEY, (struct rdt_span){id, sizeof id});
    if (key == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "there is no such key");
    key->suspended = 1;
    return RDT_FAULT_NONE;
}

/* ---- keys under the quorum ---- */

static enum rdt_fault
gate_key(struct rdt_call *call, const char *operation)
{
    char uuid[RDT_UUID_TEXT];
    rdt_uuid_text(call->key->id, uuid);
    return gate_one(call, operation, "Key", rdt_span_str(uuid));
}

static enum rdt_fault
key_unsuspend(struct rdt_call *call)
{
    if (!call->key->suspended)
        return RDT_FAULT_NONE;
    enum rdt_fault fault = gate_key(call, "key-unsuspend");
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->suspended = 0;
    return rdt_drain_enabled(call->tx, key->id, call->request->now_ms) ? RDT_FAULT_NONE
                                                                       : rdt_out_of_memory(call);
}

/* Anybody who may sets the gate; only the quorum takes it away. */
static enum rdt_fault
key_gate(struct rdt_call *call)
{
    bool gate = rdt_in_bool(call, "Gate");
    note(call, "gate", rdt_span_str(gate ? "true" : "false"));
    if (call->key->gate == gate)
        return RDT_FAULT_NONE;
    enum rdt_fault fault = gate ? RDT_FAULT_NONE : gate_key(call, "key-gate");
    if (fault != RDT_FAULT_NONE)
        return fault;
    struct rdt_key *key = rdt_edit_key(call);
    if (key == NULL)
        return rdt_out_of_memory(call);
    key->gate = gate;
    return RDT_FAULT_NONE;
}

/* ---- the table ---- */

#define NAME                                                                                       \
    {                                                                                              \
        .name = "Name", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = NAME_MOST          \
    }
#define REASON                                                                                     \
    {                                                                                              \
        .name = "Reason", .type = RDT_IN_TEXT, .max = APPROVAL_REASON_MAX                          \
    }
#define KEY                                                                                        \
    {                                                                                              \
        .name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048              \
    }

static const struct rdt_in add_in[] = {
    NAME,
    {.name = "Person",    .type = RDT_IN_TEXT, .required = true, .min = 1,  .max = PERSON_MOST},
    {.name = "PublicKey", .type = RDT_IN_TEXT, .required = true, .min = 64, .max = 130        },
    REASON,
};
static const struct rdt_in remove_in[] = {NAME, REASON};
static const struct rdt_in list_in[] = {
    {.name = "Limit",  .type = RDT_IN_INT,  .min = 1, .max = 1000},
    {.name = "Marker", .type = RDT_IN_TEXT, .min = 1, .max = 1024},
};
static const struct rdt_in quorum_in[] = {
    {.name = "Quorum", .type = RDT_IN_INT, .required = true, .min = 1, .max = QUORUM_MOST},
    REASON,
};
static const struct rdt_in suspend_in[] = {
    KEY,
    {.name = "Approver", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 256},
    {.name = "Time", .type = RDT_IN_INT, .required = true, .min = 1},
    {.name = "Signature",
      .type = RDT_IN_BLOB,
      .required = true,
      .min = RDT_SIGNATURE_LEN,
      .max = RDT_SIGNATURE_LEN},
};
static const struct rdt_in unsuspend_in[] = {KEY, REASON};
static const struct rdt_in gate_in[] = {
    KEY,
    {.name = "Gate", .type = RDT_IN_BOOL, .required = true},
    REASON,
};

#define ON_KEY(text, where, which, members, handler)                                               \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_WRITE,                  \
        .key = RDT_KEY_##which, .states = RDT_STATES_ALL, .in = members,                           \
        .n_in = sizeof members / sizeof members[0], .run = handler                                 \
    }

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN("ApproverAdd", "/v1/approver/add", WRITE, add_in, approver_add),
    OP_OWN("ApproverList", "/v1/approver/list", READ, list_in, approver_list),
    OP_OWN("ApproverRemove", "/v1/approver/remove", WRITE, remove_in, approver_remove),
    ON_KEY("KeyGate", "/v1/key/gate", ID, gate_in, key_gate),
    ON_KEY("KeySuspend", "/v1/key/suspend", OWN, suspend_in, key_suspend),
    ON_KEY("KeyUnsuspend", "/v1/key/unsuspend", ID, unsuspend_in, key_unsuspend),
    OP_OWN("QuorumSet", "/v1/quorum/set", WRITE, quorum_in, quorum_set),
};

const struct rdt_op_table rdt_ops_approver = {ops, sizeof ops / sizeof ops[0]};
