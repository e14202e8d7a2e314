/*
 * recipient.h - who can open a sealed file: stanzas of a slot. Each holds the file key for one
 * recipient; those of kinds that are not known are skipped.
 *
 *   u8 kind | u16 length | bytes
 *
 * What needs nobody else (x25519, a passphrase, a tenant's KEK, shares) is wrapped and unwrapped
 * here. What the key service or a token wraps, the caller has wrapped there, over the file key's 32
 * bytes, and gives the result.
 *
 * Every wrap is bound to the file id. Format: docs/formats/sealed-file.md 4.
 */
#ifndef RDT_SEAL_RECIPIENT_H
#define RDT_SEAL_RECIPIENT_H

#include "crypto/hpke.h"
#include "crypto/p11.h"
#include "crypto/passphrase.h"
#include "crypto/shamir.h"
#include "seal/seal.h"

#define RDT_SEAL_KMS_KEY_MAX ((size_t)2048)   /* bytes of a key's id, ARN or alias */
#define RDT_SEAL_KMS_TENANT_MAX ((size_t)255) /* bytes of a tenant's name */
#define RDT_SEAL_KMS_BLOB_MAX ((size_t)6144)  /* bytes of a ciphertext of the key service */

/* Names in the encryption context under which the key service wraps a file key. Values: the file id
 * as 32 lower-case hexadecimal digits; the tenant's name, where there is one. */
#define RDT_SEAL_CONTEXT_FILE "redoubt:file"
#define RDT_SEAL_CONTEXT_TENANT "redoubt:tenant"

enum rdt_seal_kind {
    RDT_SEAL_KMS = 1,
    RDT_SEAL_TENANT = 2,
    RDT_SEAL_X25519 = 3,
    RDT_SEAL_PASSPHRASE = 4,
    RDT_SEAL_P11 = 5,
    RDT_SEAL_GLASS = 6 /* one share of the file key */
};

/* A stanza taken apart; spans are borrowed. Which member counts says the kind. */
struct rdt_seal_stanza {
    uint8_t kind; /* enum rdt_seal_kind; another: not known */
    struct rdt_span bytes;
    union {
        struct {
            struct rdt_span key, tenant; /* tenant empty: none */
            struct rdt_span blob;        /* as kms:Encrypt gave it */
        } kms;
        struct {
            struct rdt_span ring; /* UUID, 16 bytes */
            uint32_t handle;
            uint16_t epoch;
            struct rdt_span wrapped;
        } tenant;
        struct {
            struct rdt_span public_key, enc, sealed;
        } x25519;
        struct {
            struct rdt_argon cost;
            struct rdt_span wrapped;
        } passphrase;
        struct {
            enum rdt_p11_how how;
            struct rdt_span token, key; /* labels */
            struct rdt_span wrapped;
        } p11;
        struct {
            uint8_t group;   /* shares of one group belong together */
            uint8_t k, n, x; /* any k of n give the key; this is number x */
            struct rdt_span public_key, enc, sealed;
        } glass;
    } as;
};

/* rdt_seal_kind_name - "kms", "tenant", "x25519", "passphrase", "p11", "break-glass"; "unknown". */
const char *rdt_seal_kind_name(uint8_t kind);

/*
 * rdt_seal_stanza_next - the next stanza of a slot's stanzas, also of a kind that is not known;
 * false at the end. A slot that rdt_seal_head_read() called readable has no other end.
 */
bool rdt_seal_stanza_next(struct rdt_span *in, struct rdt_seal_stanza *out);

/* ---- to write: each appends one stanza for the file that core begins ---- */

/* rdt_seal_add_kms - blob: what kms:Encrypt made of the file key under that context.  Fails:
 * RDT_SEAL_USAGE (a length), RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_add_kms(struct rdt_span key, struct rdt_span tenant,
                                                    struct rdt_span blob, struct rdt_buf *out);

/* Whose KEK it is. */
struct rdt_seal_tenant {
    const uint8_t *ring; /* UUID, 16 bytes */
    uint32_t handle;
    uint16_t epoch;
};

/* rdt_seal_add_tenant - wrap under a tenant's KEK, RDT_KEY_LEN bytes.  Fails: RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault
rdt_seal_add_tenant(struct rdt_worker *worker, struct rdt_span core,
                    const struct rdt_secret *file_key, const struct rdt_seal_tenant *tenant,
                    const struct rdt_secret *kek, struct rdt_buf *out);

/* rdt_seal_add_x25519 - seal to a public key of RDT_HPKE_PUBLIC_LEN bytes.  Fails: RDT_SEAL_USAGE
 * (no such key, or one that makes every secret the same), RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_add_x25519(struct rdt_worker *worker,
                                                       struct rdt_span core,
                                                       const struct rdt_secret *file_key,
                                                       struct rdt_span public_key,
                                                       struct rdt_buf *out);

/*
 * rdt_seal_add_passphrase - it stands alone in its slot.
 *
 *   cost   its salt is filled here
 *
 * Fails: RDT_SEAL_COST, RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault
rdt_seal_add_passphrase(struct rdt_worker *worker, struct rdt_span core,
                        const struct rdt_secret *file_key, const struct rdt_secret *passphrase,
                        struct rdt_argon *cost, struct rdt_buf *out);

/*
 * rdt_seal_p11_aad - what a token's wrap is bound to where its mechanism can: give it to
 * rdt_p11_wrap() and rdt_p11_unwrap().  Appended.
 * rdt_seal_add_p11 - wrapped: what rdt_p11_wrap() made of the file key; what: token, key and how
 * count.  Fails: RDT_SEAL_USAGE, RDT_SEAL_INTERNAL.
 */
void rdt_seal_p11_aad(struct rdt_span core, struct rdt_buf *out);
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_add_p11(const struct rdt_p11 *what,
                                                    struct rdt_span wrapped, struct rdt_buf *out);

/* Break-glass: any k of n holders together. */
struct rdt_seal_glass {
    uint8_t group;                      /* 0 where there is one such group */
    uint8_t k, n;                       /* 2 <= k <= n <= RDT_SHARES_MAX */
    const struct rdt_span *public_keys; /* n of RDT_HPKE_PUBLIC_LEN bytes; all different */
};

/* rdt_seal_add_glass - one stanza for each holder.  Fails: RDT_SEAL_USAGE, RDT_SEAL_INTERNAL. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_add_glass(struct rdt_worker *worker,
                                                      struct rdt_span core,
                                                      const struct rdt_secret *file_key,
                                                      const struct rdt_seal_glass *glass,
                                                      struct rdt_buf *out);

/*
 * ---- to read: the file key out of a stanza; file_key: empty, becomes RDT_KEY_LEN bytes ----
 *
 * Each fails, leaving it empty, with RDT_SEAL_RECIPIENT (this key does not open it), with
 * RDT_SEAL_USAGE (another kind of stanza), with RDT_SEAL_INTERNAL. Of kms and p11 stanzas the
 * service or token gives the file key; the caller checks that it has RDT_KEY_LEN bytes.
 */

/* rdt_seal_get_tenant - kek: of the stanza's ring, handle and epoch. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_get_tenant(struct rdt_worker *worker,
                                                       const struct rdt_seal_head *head,
                                                       const struct rdt_seal_stanza *stanza,
                                                       const struct rdt_secret *kek,
                                                       struct rdt_secret *file_key);

/* rdt_seal_get_x25519 - private_key: of the stanza's public_key, RDT_HPKE_PRIVATE_LEN bytes. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_get_x25519(struct rdt_worker *worker,
                                                       const struct rdt_seal_head *head,
                                                       const struct rdt_seal_stanza *stanza,
                                                       const struct rdt_secret *private_key,
                                                       struct rdt_secret *file_key);

/* rdt_seal_get_passphrase - also RDT_SEAL_COST: the file asks for more than is allowed. */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_get_passphrase(struct rdt_worker *worker,
                                                           const struct rdt_seal_head *head,
                                                           const struct rdt_seal_stanza *stanza,
                                                           const struct rdt_secret *passphrase,
                                                           struct rdt_secret *file_key);

/*
 * rdt_seal_get_share - one holder's share out of a glass stanza.
 *
 *   share   empty; caller wipes share->y
 *
 * Join k of one group and one slot by rdt_shamir_join(); rdt_seal_unlock() says whether the result
 * is the file key.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_get_share(struct rdt_worker *worker,
                                                      const struct rdt_seal_head *head,
                                                      const struct rdt_seal_stanza *stanza,
                                                      const struct rdt_secret *private_key,
                                                      struct rdt_share *share);

#endif
