/*
 * fuzz_seal_head - heads of sealed files as a stranger may write them: everything that is said lies
 * in the bytes, walking over stanzas ends, and no key of ours verifies any of it. A head that reads
 * has one spelling of its core.
 */
#include "seal/recipient.h"
#include "seal/seal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
inside(struct rdt_span part, struct rdt_span all)
{
    if (part.n != 0 && (part.p < all.p || part.p + part.n > all.p + all.n))
        abort();
}

/* The core, written again from what was read. */
static void
same_core(const struct rdt_seal_head *head)
{
    RDT_BUF core = {0};
    if (rdt_seal_core_make(head->file_id.p, head->slot_len, &head->policy, &core) != RDT_SEAL_OK ||
        !rdt_span_eq(rdt_buf_span(&core), head->core))
        abort();
}

static void
try_keys(struct rdt_worker *worker, const struct rdt_secret *key, const struct rdt_seal_head *head,
         struct rdt_span all)
{
    struct rdt_seal_at at = {.tried = 0};
    struct rdt_seal_stanza stanza;
    for (int n = 0; rdt_seal_next(head, &at, &stanza); n++) {
        RDT_SECRET got = {0};
        struct rdt_share share = {.x = 0};
        inside(stanza.bytes, all);
        if (n >= 2 * RDT_SEAL_STANZAS_MAX || rdt_seal_kind_name(stanza.kind)[0] == '\0')
            abort();
        if (rdt_seal_get_tenant(worker, head, &stanza, key, &got) == RDT_SEAL_OK ||
            (n < 2 && rdt_seal_get_x25519(worker, head, &stanza, key, &got) == RDT_SEAL_OK) ||
            (n < 2 && rdt_seal_get_share(worker, head, &stanza, key, &share) == RDT_SEAL_OK))
            abort();
        if (rdt_seal_unlock(worker, head, &at, key, 0) != RDT_SEAL_KEY)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct rdt_worker *worker;
    static struct rdt_secret key;
    struct rdt_span all = {bytes, n};
    struct rdt_seal_head head;
    size_t len = 0;
    if (worker == NULL && (rdt_worker_open(&worker, NULL) != RDT_OK ||
                           rdt_secret_new(&key, RDT_KEY_LEN, NULL) != RDT_OK ||
                           rdt_random_key(worker, &key, NULL) != RDT_OK))
        abort();
    enum rdt_seal_fault fault = rdt_seal_head_len(all, &len);
    if (fault == RDT_SEAL_OK &&
        len > RDT_SEAL_FRONT_LEN + RDT_SEAL_POLICY_MAX + 2 * (size_t)RDT_SEAL_SLOT_MAX)
        abort();
    if (rdt_seal_head_read(all, &head) != RDT_SEAL_OK)
        return 0;
    if (fault != RDT_SEAL_OK || len > n)
        abort();
    same_core(&head);
    inside(head.slots[0].bytes, all);
    inside(head.slots[1].bytes, all);
    try_keys(worker, &key, &head, all);
    return 0;
}
