/*
 * The end: material is erased in the transaction that looks at everything once more, takes the
 * quorum's approval and writes the certificate. What is left is a tombstone: versions without
 * material, and the certificate. SECURITY-DESIGN section 6.
 */
#include "kms/approval_internal.h"
#include "kms/certificate.h"
#include "kms/death_internal.h"
#include "kms/op_internal.h"

#include "codec/base64.h"

#include <stdio.h>

/* ---- SystemDestroy ---- */

static void
first_blocker(void *user, const char *text)
{
    char *words = user;
    if (words[0] == '\0')
        snprintf(words, RDT_MESSAGE_MAX, "%s", text);
}

/* Refused uses up to this moment are counted before anything is decided. */
static enum rdt_fault
look_again(struct rdt_call *call, const struct gate *gate)
{
    char words[RDT_MESSAGE_MAX] = "";
    if (rdt_gate_open(gate))
        return RDT_FAULT_NONE;
    rdt_gate_blockers(gate, first_blocker, words);
    return rdt_call_fail(call, RDT_FAULT_CENSUS, "not yet: %s",
                         words[0] == '\0' ? "its key is on its way out as a whole" : words);
}

static enum rdt_fault
take_approval(struct rdt_call *call, const struct gate *gate)
{
    RDT_BUF parameters = {0};
    uint8_t root[32];
    if (rdt_gate_at_call(gate)) {
        memcpy(call->note.approval, gate->key->gate_approval, sizeof call->note.approval);
        return RDT_FAULT_NONE;
    }
    rdt_gate_parameters(gate, &parameters);
    if (!rdt_buf_ok(&parameters) || !rdt_census_root(gate, root))
        return rdt_out_of_memory(call);
    return rdt_approval_take(
        call, &(struct approval_about){"key-destroy", rdt_buf_span(&parameters), root});
}

static bool
erase(struct rdt_call *call, const struct rdt_version *version)
{
    uint8_t id[20];
    rdt_version_id(version->key, version->number, id);
    struct rdt_version *row =
        rdt_tx_edit(call->tx, RDT_KIND_VERSION, (struct rdt_span){id, sizeof id});
    if (row == NULL || !rdt_bytes_set(&row->wrapped, (struct rdt_span){0}))
        return false;
    row->state = RDT_VERSION_DESTROYED;
    row->state_ms = call->request->now_ms;
    return true;
}

/* Every version, the aliases, and the key's row: to clients it was never there. */
static bool
erase_key(struct rdt_call *call, const uint8_t key[static 16])
{
    struct rdt_view view = rdt_tx_view(call->tx);
    const struct rdt_version *version;
    for (uint32_t number = 0; (version = rdt_view_version_after(view, key, number)) != NULL;) {
        number = version->number;
        if (version->state != RDT_VERSION_DESTROYED && !erase(call, version))
            return false;
    }
    return rdt_alias_drop_all(call->tx, key) &&
           rdt_tx_remove(call->tx, RDT_KIND_KEY, (struct rdt_span){key, 16});
}

static enum rdt_fault
keep_certificate(struct rdt_call *call, const struct gate *gate, struct rdt_span says)
{
    RDT_BUF certificate = {0};
    uint8_t id[20];
    struct rdt_err err = {0};
    if (rdt_certificate_seal(call->kms->certifier, says, &certificate, &err) != RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "%s", err.text);
    rdt_version_id(gate->key->id, gate->version == NULL ? 0 : gate->version->number, id);
    struct rdt_death *death =
        rdt_tx_add(call->tx, RDT_KIND_DEATH, (struct rdt_span){id, sizeof id});
    if (death == NULL || !rdt_bytes_set(&death->certificate, rdt_buf_span(&certificate)))
        return rdt_out_of_memory(call);
    memcpy(death->key, gate->key->id, sizeof death->key);
    death->version = gate->version == NULL ? 0 : gate->version->number;
    death->erased_ms = call->request->now_ms;
    death->backups_ms = rdt_death_backups_ms(gate->view, call->request->now_ms);
    death->erased_s = rdt_credited_s(gate->view);
    return RDT_FAULT_NONE;
}

static enum rdt_fault
find_gate(struct rdt_call *call, struct gate *gate)
{
    *gate = (struct gate){
        .view = rdt_tx_view(call->tx), .kms = call->kms, .now_ms = call->request->now_ms};
    if (!rdt_log_collect_usage(call->kms, call->tx, call->request->now_ms))
        return rdt_out_of_memory(call);
    /* anew: a use that was refused may have changed the rows */
    gate->key = rdt_view_key(gate->view, call->key->id);
    call->key = gate->key;
    if (!rdt_in_has(call, "Version"))
        return RDT_FAULT_NONE;
    return rdt_call_version(call, &gate->version);
}

static enum rdt_fault
destroy(struct rdt_call *call)
{
    RDT_BUF says = {0};
    struct gate gate;
    struct intent intent = {.index = (uint64_t)rdt_in_int(call, "Index", 0)};
    uint8_t key[16];
    enum rdt_fault fault = find_gate(call, &gate);
    if (fault == RDT_FAULT_NONE)
        fault = look_again(call, &gate);
    if (fault == RDT_FAULT_NONE)
        fault = take_approval(call, &gate);
    if (fault != RDT_FAULT_NONE)
        return fault;
    if (!rdt_uuid_parse(rdt_in_text(call, "Intent"), intent.id))
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "an intent is not named");
    rdt_death_put(call, &gate, &intent, &says);
    if (!rdt_buf_ok(&says))
        return rdt_out_of_memory(call);
    fault = keep_certificate(call, &gate, rdt_buf_span(&says));
    if (fault != RDT_FAULT_NONE)
        return fault;
    memcpy(key, gate.key->id, sizeof key);
    bool ok = gate.version != NULL ? erase(call, gate.version) : erase_key(call, key);
    call->key = NULL;
    return ok ? RDT_FAULT_NONE : rdt_out_of_memory(call);
}

/* ---- SystemDeathFinal ---- */

static enum rdt_fault
death_final(struct rdt_call *call)
{
    RDT_BUF says = {0};
    RDT_BUF certificate = {0};
    uint8_t id[20], key[16];
    struct rdt_err err = {0};
    if (!rdt_uuid_parse(rdt_in_text(call, "Key"), key))
        return rdt_call_fail(call, RDT_FAULT_VALIDATION, "not a key");
    rdt_version_id(key, (uint32_t)rdt_in_int(call, "Version", 0), id);
    memcpy(call->note.key, key, sizeof key);
    struct rdt_death *death =
        rdt_tx_edit(call->tx, RDT_KIND_DEATH, (struct rdt_span){id, sizeof id});
    const char *why = death == NULL
                          ? "no such certificate"
                          : rdt_death_waits(rdt_tx_view(call->tx), death, call->request->now_ms);
    if (why != NULL)
        return rdt_call_fail(call, RDT_FAULT_INVALID_STATE, "%s", why);
    if (!rdt_death_final(rdt_certificate_says(rdt_bytes_span(&death->certificate)),
                         call->request->now_ms, &says) ||
        rdt_certificate_seal(call->kms->certifier, rdt_buf_span(&says), &certificate, &err) !=
            RDT_OK)
        return rdt_call_fail(call, RDT_FAULT_INTERNAL, "the certificate cannot be made anew");
    death->final = 1;
    return rdt_bytes_set(&death->certificate, rdt_buf_span(&certificate)) ? RDT_FAULT_NONE
                                                                          : rdt_out_of_memory(call);
}

/* ---- KeyCertificate ---- */

/* A key by id or ARN, also one that is no more; the right is asked under its ARN then. */
static enum rdt_fault
dead_key(struct rdt_call *call, uint8_t id[static 16])
{
    char arn[ARN_TEXT];
    struct rdt_span word = rdt_in_text(call, "KeyId"), prefix = rdt_span_str(call->kms->arn_prefix);
    if (word.n > prefix.n + 4 && rdt_span_eq((struct rdt_span){word.p, prefix.n}, prefix))
        word = (struct rdt_span){word.p + prefix.n + 4, word.n - prefix.n - 4};
    if (!rdt_uuid_parse(word, id) || rdt_view_key(call->view, id) != NULL) {
        enum rdt_fault fault =
            rdt_call_key(call, rdt_in_text(call, "KeyId"), NULL, NULL, &call->key);
        if (fault == RDT_FAULT_NONE)
            memcpy(id, call->key->id, 16);
        return fault;
    }
    rdt_key_arn(call->kms, id, arn);
    if (rdt_call_allowed(call, NULL, NULL, rdt_span_str(arn), NULL))
        return RDT_FAULT_NONE;
    return rdt_call_fail(call, RDT_FAULT_ACCESS_DENIED,
                         "User: %s is not authorized to perform: redoubt:KeyCertificate on "
                         "resource: %s",
                         call->request->caller.arn, arn);
}

/* Of the version; of the key as a whole where that is what died, or nothing is said. */
static const struct rdt_death *
find_death(struct rdt_call *call, const uint8_t key[static 16])
{
    uint8_t id[20];
    rdt_version_id(key, (uint32_t)rdt_in_int(call, "Version", 0), id);
    const struct rdt_death *death =
        rdt_view_get(call->view, RDT_KIND_DEATH, (struct rdt_span){id, sizeof id});
    rdt_version_id(key, 0, id);
    return death != NULL
               ? death
               : rdt_view_get(call->view, RDT_KIND_DEATH, (struct rdt_span){id, sizeof id});
}

static enum rdt_fault
key_certificate(struct rdt_call *call)
{
    struct rdt_buf *out = call->request->out;
    uint8_t key[16];
    enum rdt_fault fault = dead_key(call, key);
    if (fault != RDT_FAULT_NONE)
        return fault;
    memcpy(call->note.key, key, sizeof key);
    const struct rdt_death *death = find_death(call, key);
    if (death == NULL)
        return rdt_call_fail(call, RDT_FAULT_NOT_FOUND, "nothing of it was destroyed%s",
                             rdt_in_has(call, "Version") ? "" : " as a whole: name a version");
    rdt_jout_open(out, NULL, '{');
    rdt_jout_uuid(out, "KeyId", key);
    if (death->version != 0)
        rdt_jout_int(out, "Version", death->version);
    rdt_jout_str(out, "State", death->final ? "destroyed" : "erased");
    rdt_jout_str(out, "Waiting", rdt_death_waits(call->view, death, call->request->now_ms));
    rdt_jout_time(out, "Erased", death->erased_ms);
    rdt_jout_time(out, "LastBackupExpires", death->backups_ms);
    rdt_jout_blob(out, "Certificate", rdt_bytes_span(&death->certificate));
    rdt_jout_close(out, '}');
    return RDT_FAULT_NONE;
}

/* ---- the table ---- */

#define TEXT(member, must)                                                                         \
    {                                                                                              \
        .name = member, .type = RDT_IN_TEXT, .required = must, .min = 1, .max = 2048               \
    }
#define VERSION                                                                                    \
    {                                                                                              \
        .name = "Version", .type = RDT_IN_INT, .min = 1, .max = UINT32_MAX                         \
    }

static const struct rdt_in certificate_in[] = {TEXT("KeyId", true), VERSION};
static const struct rdt_in final_in[] = {TEXT("Key", true), VERSION};
static const struct rdt_in destroy_in[] = {
    TEXT("KeyId", true),
    VERSION,
    TEXT("Intent", true),
    {.name = "Index", .type = RDT_IN_INT, .required = true, .min = 0, .max = INT64_MAX},
};

#define SYSTEM(text, which, members, handler)                                                      \
    {                                                                                              \
        .name = text, .front = RDT_FRONT_OWN, .cls = RDT_OP_WRITE, .key = RDT_KEY_##which,         \
        .internal = true, .in = members, .n_in = sizeof members / sizeof members[0],               \
        .run = handler                                                                             \
    }

static const struct rdt_op ops[] = {
    /* by name */
    OP_OWN_KEY("KeyCertificate", "/v1/key/certificate", READ, OWN, certificate_in, key_certificate),
    SYSTEM("SystemDeathFinal", NONE, final_in, death_final),
    SYSTEM("SystemDestroy", ID, destroy_in, destroy),
};

const struct rdt_op_table rdt_ops_death = {ops, sizeof ops / sizeof ops[0]};
