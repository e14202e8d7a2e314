/*
 * The operations that need a quorum. What stands in no row cannot be asked for, nor approved.
 */
#include "kms/approval_internal.h"
#include "kms/life_internal.h"

#define ROW(text, sentence, names, rows)                                                           \
    .name = text, .words = sentence, .parameters = names, .binds = BINDS_##rows

static const struct approval_operation operations[] = {
  /* by name */
    {ROW("approver-add", "add an approver", "Name Person PublicKey", NOTHING)},
    {ROW("approver-remove", "remove an approver", "Name", NOTHING)},
    {ROW("break-glass", "decrypt one ciphertext for the requester, once", "Ciphertext Context Key",
     KEY),
     .by_call = true, .review = true},
    {ROW("clock-confirm", "confirm the clock, so that destruction goes on", "", NOTHING),
     .by_call = true},
    {ROW("credential-give",
     "let the requester have an access key or certificate of another person's principal", "Principal", PRINCIPAL),
     .by_call = true},
    {ROW("key-destroy", "destroy a key's material for good", "Key Version?", KEY),
     .census = rdt_gate_root_of},
    {ROW("key-gate", "let a key's deletion be scheduled without a quorum", "Key", KEY)},
    {ROW("key-schedule-deletion", "schedule the deletion of a key", "Days Key", KEY)},
    {ROW("key-unsuspend", "let a suspended key be used again", "Key", KEY)},
    {ROW("policy-widen", "allow more in a key's policy", "Key Policy", KEY), .by_call = true},
    {ROW("principal-create", "make a principal with a policy", "Person? Policy Principal", NOTHING),
     .by_call = true},
    {ROW("principal-update", "allow a principal more, or give it to another person",
     "Enabled? Person? Policy? Principal", PRINCIPAL),
     .by_call = true},
    {ROW("quorum-recover", "add an approver in place of a lost quorum", "Name Person PublicKey",
     NOTHING),
     .by_call = true},
    {ROW("quorum-set", "change how many approvals are needed", "Quorum", NOTHING)},
    {ROW("restore-release", "let a restored service be used", "Reason?", NOTHING)},
    {ROW("scanner-enrol", "believe a scanner's reports about stores", "Name PublicKey Stores",
     NOTHING)},
    {ROW("statement-no-stores", "state that no store holds anything under a key", "Key", KEY)},
    {ROW("store-remove", "no longer ask a store before a key is destroyed", "Key Store", STORE)},
    {ROW("tenant-destroy", "destroy a tenant's keys for good", "Tenant", TENANT)},
    {ROW("tenant-rotate", "rotate a tenant's key once more on the same day", "Key? Tenant",
     TENANT)},
    {ROW("waiting-shorten", "wait for less before a destruction, or count less on backups",
     "BackupDays? WaitingDays?", NOTHING),
     .by_call = true},
};

const struct approval_operation *
rdt_approval_operation(struct rdt_span name)
{
    for (size_t i = 0; i < RDT_COUNT(operations); i++)
        if (rdt_span_is(name, operations[i].name))
            return &operations[i];
    return NULL;
}

const char *
rdt_approval_words(struct rdt_span operation)
{
    const struct approval_operation *found = rdt_approval_operation(operation);
    return found == NULL ? NULL : found->words;
}
