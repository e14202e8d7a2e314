/*
 * The versions of a key: where each stands, what stands in the way of its end, and the steps that
 * people take. `drained` is no step: the census takes it (drain.c).
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"
#include "kms/op_internal.h"

#include <stdio.h>

#define BLOCKERS_MAX ((size_t)100) /* of one version, in an answer */

enum rdt_fault
rdt_call_version(struct rdt_call *call, const struct rdt_version **out)
{
    uint32_t number = (uint32_t)rdt_in_int(call, "Version", 0);
    char text[16];
    *out = rdt_view_version(call->view, call->key->id, number);
    snprintf(text, sizeof text, "%u", number);
    rdt_pairs_add(&call->note.parameters, rdt_span_str("version"), rdt_span_str(text));
    if (*out == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "the key has no version %u", number);
    memcpy(call->note.material, (*out)->material_id, sizeof call->note.material);
    return RDT_FAULT_NONE;
}

/* ---- KeyVersions ---- */

static void
put_usage(struct rdt_call *call, const struct rdt_version *version)
{
    uint8_t id[20];
    struct rdt_buf *out = call->request->out;
    rdt_version_id(version->key, version->number, id);
    const struct rdt_usage *usage =
        rdt_view_get(call->view, RDT_KIND_USAGE, (struct rdt_span){id, sizeof id});
    rdt_jout_int(out, "Wraps", usage == NULL ? 0 : (int64_t)usage->wraps);
    rdt_jout_int(out, "Unwraps", usage == NULL ? 0 : (int64_t)usage->unwraps);
    if (usage != NULL && usage->last_ms != 0)
        rdt_jout_time(out, "LastUsed", usage->last_ms);
}

/* Stores and sealed files may be many: an answer names the first. */
struct blockers {
    struct rdt_buf *out;
    size_t n;
};

static void
put_blocker(void *user, const char *text)
{
    struct blockers *blockers = user;
    if (blockers->n++ < BLOCKERS_MAX)
        rdt_jout_str(blockers->out, NULL, text);
}

/* Why not yet, in words; the quorum last, when nothing else is in the way. */
static void
put_blockers(struct rdt_call *call, const struct gate *gate)
{
    struct rdt_buf *out = call->request->out;
    struct blockers blockers = {.out = out};
    uint8_t id[16];
    char more[32];
    rdt_jout_open(out, "Blockers", '[');
    rdt_gate_blockers(gate, put_blocker, &blockers);
    if (blockers.n > BLOCKERS_MAX) {
        snprintf(more, sizeof more, "and %zu more", blockers.n - BLOCKERS_MAX);
        rdt_jout_str(out, NULL, more);
    }
    if (rdt_gate_open(gate) && !rdt_gate_approved(gate, id))
        rdt_jout_str(out, NULL,
                     rdt_approvals_on(gate->view)
                         ? "the quorum has not approved key-destroy: redoubt approval "
                           "request key-destroy"
                         : "no quorum of approvers is enrolled: redoubt approval "
                           "approver add");
    rdt_jout_close(out, ']');
}

static void
put_version(struct rdt_call *call, const struct rdt_version *version)
{
    struct rdt_buf *out = call->request->out;
    struct gate gate = {call->view, call->kms, call->key, version, call->request->now_ms};
    rdt_jout_open(out, NULL, '{');
    rdt_jout_int(out, "Version", version->number);
    rdt_jout_str(out, "State", rdt_version_state_word(version->state));
    rdt_jout_hex(out, "KeyMaterialId", (struct rdt_span){version->material_id, 32});
    rdt_jout_time(out, "CreationDate", version->created_ms);
    rdt_jout_time(out, "StateDate",
                  version->state_ms != 0 ? version->state_ms : version->created_ms);
    rdt_jout_int(out, "Domain", version->domain);
    put_usage(call, version);
    if (version->state == RDT_VERSION_QUIESCED)
        rdt_jout_int(out, "WaitingSeconds", rdt_gate_waiting(&gate));
    if (version->refused_ms != 0)
        rdt_jout_time(out, "LastRefusedUse", version->refused_ms);
    put_blockers(call, &gate);
    rdt_jout_close(out, '}');
}

/* What happens to the key as a whole; AWS's DescribeKey has no room for it. */
static void
put_deletion(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    struct gate gate = {call->view, call->kms, call->key, NULL, call->request->now_ms};
    if (call->key->state != RDT_KEY_PENDING_DELETION)
        return;
    rdt_jout_open(out, "Deletion", '{');
    rdt_jout_time(out, "DeletionDate", call->key->deletion_ms);
    rdt_jout_int(out, "WaitingSeconds", rdt_gate_waiting(&gate));
    if (call->key->refused_ms != 0)
        rdt_jout_time(out, "LastRefusedUse", call->key->refused_ms);
    put_blockers(call, &gate);
    rdt_jout_close(out, '}');
}

/* Numbers have gaps where a census had seen a higher epoch: so by the rows, not by counting. */
static enum rdt_fault
key_versions(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_version *version;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_str(out, "KeyState", rdt_key_state_word(call->key->state));
    put_deletion(call);
    rdt_jout_open(out, "Versions", '[');
    for (uint32_t number = 0;
         (version = rdt_view_version_after(call->view, call->key->id, number)) != NULL;) {
        put_version(call, version);
        number = version->number;
    }
    rdt_jout_close(out, ']');
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- steps ---- */

static enum rdt_fault
wrong_step(struct rdt_call *call, const struct rdt_version *version, enum rdt_version_state to)
{
    return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "version %u is %s and cannot become %s%s",
                         version->number, rdt_version_state_word(version->state),
                         rdt_version_state_word(to),
                         version->state == RDT_VERSION_CURRENT ? ": rotate the key first" : "");
}

static enum rdt_fault
put_step(struct rdt_call *call, uint32_t number)
{
    struct rdt_buf *out = call->request->out;
    const struct rdt_version *version = rdt_view_version(call->view, call->key->id, number);
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", call->key->id);
    rdt_jout_int(out, "Version", number);
    rdt_jout_str(out, "State", rdt_version_state_word(version->state));
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

static enum rdt_fault
version_drain(struct rdt_call *call)
{
    const struct rdt_version *version;
    enum rdt_fault fault = rdt_call_version(call, &version);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (version->state != RDT_VERSION_RETAINED)
        return wrong_step(call, version, RDT_VERSION_DRAINING);
    if (!rdt_drain_begin(call->tx, version, call->request->now_ms) ||
        !rdt_drain_advance(call, call->key))
        return rdt_out_of_memory(call);
    return put_step(call, version->number);
}

static struct rdt_version *
edit_version(struct rdt_call *call, const struct rdt_version *version)
{
    uint8_t id[20];
    rdt_version_id(version->key, version->number, id);
    return rdt_tx_edit(call->tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
}

static enum rdt_fault
version_quiesce(struct rdt_call *call)
{
    const struct rdt_version *version;
    enum rdt_fault fault = rdt_call_version(call, &version);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!rdt_version_may_become(version->state, RDT_VERSION_QUIESCED))
        return wrong_step(call, version, RDT_VERSION_QUIESCED);
    struct rdt_version *row = edit_version(call, version);
    if (row == NULL)
        return rdt_out_of_memory(call);
    row->state = RDT_VERSION_QUIESCED;
    row->state_ms = call->request->now_ms;
    row->quiet_s = rdt_credited_s(call->view);
    row->refused_ms = 0;
    return put_step(call, version->number);
}

/* One step back, at once: who finds that a version is needed must not wait for anybody. */
static enum rdt_fault
version_keep(struct rdt_call *call)
{
    const struct rdt_version *version;
    enum rdt_fault fault = rdt_call_version(call, &version);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (version->state == RDT_VERSION_DRAINED || version->state == RDT_VERSION_QUIESCED)
        return rdt_drain_begin(call->tx, version, call->request->now_ms)
                   ? put_step(call, version->number)
                   : rdt_out_of_memory(call);
    if (!rdt_version_may_become(version->state, RDT_VERSION_RETAINED) ||
        version->state == RDT_VERSION_CURRENT)
        return wrong_step(call, version, RDT_VERSION_RETAINED);
    struct rdt_version *row = edit_version(call, version);
    if (row == NULL || !rdt_approval_touch(call->tx, call->key->id))
        return rdt_out_of_memory(call);
    row->state = RDT_VERSION_RETAINED;
    row->state_ms = call->request->now_ms;
    return put_step(call, version->number);
}

/* ---- the table ---- */

#define KEY_MEMBER                                                                                 \
    {                                                                                              \
        .name = "KeyId", .type = RDT_IN_TEXT, .required = true, .min = 1, .max = 2048              \
    }

static const struct rdt_in key_in[] = {KEY_MEMBER};
static const struct rdt_in version_in[] = {
    KEY_MEMBER,
    {.name = "Version", .type = RDT_IN_INT, .required = true, .min = 1, .max = UINT32_MAX},
};

#define STEP(text, where, handler)                                                                 \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .path = where, .cls = RDT_OP_WRITE,                  \
        .key = RDT_KEY_ANY, .states = RDT_STATES_EDIT, .in = version_in,                           \
        .n_in = sizeof version_in / sizeof version_in[0], .run = handler                           \
    }

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN_KEY("KeyVersions", "/v1/key/versions", READ, ANY, key_in, key_versions),
    STEP("VersionDrain", "/v1/version/drain", version_drain),
    STEP("VersionKeep", "/v1/version/keep", version_keep),
    STEP("VersionQuiesce", "/v1/version/quiesce", version_quiesce),
};

const struct rdt_op_table rdt_ops_version = {ops, sizeof ops / sizeof ops[0]};
