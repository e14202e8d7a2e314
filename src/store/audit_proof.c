/*
 * Proofs and keys as others hold them: outside the folder, without its log.
 */
#include "codec/base64.h"
#include "store/audit_format_internal.h"
#include "store/audit_scan_internal.h"

enum rdt_code
rdt_audit_proof_check(const struct rdt_audit_proof *proof, struct rdt_span record,
                      struct rdt_span public_key, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    uint8_t root[RDT_SHA256_LEN];
    const struct rdt_merkle_path path = {proof->index, proof->checkpoint.size, proof->path,
                                         proof->n_path};
    if (proof->index >= proof->checkpoint.size)
        return rdt_fail(err, RDT_E_BADINPUT, "the record is not below its checkpoint");
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_merkle_path_root(&path, worker, record, root, err);
    if (rc == RDT_OK && !rdt_span_eq((struct rdt_span){root, sizeof root},
                                     (struct rdt_span){proof->checkpoint.root, RDT_SHA256_LEN}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "the path does not lead to the checkpoint's root");
    if (rc != RDT_OK)
        return rc;
    rc = rdt_checkpoint_check(&proof->checkpoint, public_key, err);
    return rc == RDT_OK ? rc : rdt_fail_in(err, rc, "the checkpoint");
}

enum rdt_code
rdt_audit_named_key(const char *dir, uint8_t out[static RDT_ED25519_PUBLIC_LEN],
                    struct rdt_err *err)
{
    struct audit_pub pub;
    enum rdt_code rc = rdt_audit_pub_read(dir, &pub, err);
    if (rc == RDT_OK)
        memcpy(out, pub.key, RDT_ED25519_PUBLIC_LEN);
    return rc;
}

bool
rdt_audit_key_text(struct rdt_span text, uint8_t out[static RDT_ED25519_PUBLIC_LEN])
{
    struct audit_pub pub;
    if (rdt_audit_pub_get(text, &pub)) {
        memcpy(out, pub.key, RDT_ED25519_PUBLIC_LEN);
        return true;
    }
    while (text.n != 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    return rdt_hex_get(text, out, RDT_ED25519_PUBLIC_LEN);
}
