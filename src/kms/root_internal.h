/*
 * root_internal.h - the parts of root.json in memory, for root*.c and their tests.
 */
#ifndef RDT_KMS_ROOT_INTERNAL_H
#define RDT_KMS_ROOT_INTERNAL_H

#include "crypto/passphrase.h"
#include "crypto/shamir.h"
#include "kms/root.h"

#define ROOT_SET_LEN 4                    /* bytes that name one split of a Shamir seal */
#define ROOT_SHARE_TEXT_MAX ((size_t)128) /* bytes of a share's line, its end included */

/* One seal; no pointer in it, so that a root is copied by assignment. */
struct root_seal {
    char id[RDT_ROOT_ID_MAX];
    enum rdt_seal_type type;
    int64_t created_s;
    uint8_t root[RDT_WRAPPED_LEN]; /* the root secret under the seal's KEK */
    /* passphrase */
    struct rdt_argon argon;
    /* shamir */
    unsigned threshold, shares;
    uint8_t set[ROOT_SET_LEN];
    /* pkcs11 */
    char module[RDT_ROOT_PATH_MAX];
    char token[RDT_P11_LABEL_MAX + 1], key[RDT_P11_LABEL_MAX + 1];
    enum rdt_p11_how how;
    uint8_t kek[RDT_P11_WRAPPED_MAX]; /* as the token wrapped it */
    size_t kek_n;
    /* development: the KEK itself, in the open */
    uint8_t plain[RDT_KEY_LEN];
};

struct root_item {
    char name[RDT_ROOT_NAME_MAX];
    uint8_t wrapped[RDT_WRAPPED_LEN];
};

struct rdt_root {
    uint8_t deployment[16];
    int64_t created_s;
    uint8_t check[RDT_SHA256_LEN];
    struct root_seal seals[RDT_ROOT_SEALS_MAX];
    size_t n_seals;
    struct root_item items[RDT_ROOT_ITEMS_MAX]; /* ascending by name */
    size_t n_items;
    bool stored; /* loaded or saved */
    uint8_t stored_as[RDT_SHA256_LEN];
};

struct rdt_root_open {
    struct rdt_worker *worker;
    struct rdt_secret root, items; /* the root secret; what wraps items */
};

/* ---- root_file.c ---- */

/* rdt_root_parse - read the bytes of a root.json.  Fails: as rdt_root_load(). */
RDT_MUST_CHECK enum rdt_code rdt_root_parse(struct rdt_span bytes, struct rdt_root **out,
                                            struct rdt_err *err);

/* rdt_root_text - append the bytes of its root.json. */
void rdt_root_text(const struct rdt_root *root, struct rdt_buf *out);

/* rdt_root_is_name - 1 to max - 1 of [a-z0-9-] and of more. */
bool rdt_root_is_name(const char *text, size_t max, const char *more);

/* ---- root_share.c: shares as text ---- */

/* Where shares are written to, in order. */
struct root_shares {
    struct rdt_secret *out;
    size_t n; /* bytes written */
};

/* rdt_root_shares_begin - room for the shares of seals; none where none is Shamir's.  Fails:
 * RDT_E_LIMIT, RDT_E_INTERNAL (out is NULL and there are some), as rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_root_shares_begin(struct root_shares *shares,
                                                   const struct rdt_seal_opts *seals,
                                                   size_t n_seals, struct rdt_secret *out,
                                                   struct rdt_err *err);

/* rdt_root_shares_end - cut the room to what was written; after a failure, wipe it. */
void rdt_root_shares_end(struct root_shares *shares, enum rdt_code rc);

/* rdt_root_shares_split - split a KEK as the seal says and write its shares. */
RDT_MUST_CHECK enum rdt_code rdt_root_shares_split(const uint8_t deployment[static 16],
                                                   const struct root_seal *seal,
                                                   const struct rdt_secret *kek,
                                                   struct root_shares *shares, struct rdt_err *err);

/* rdt_root_shares_join - the KEK out of texts of shares.  Fails: RDT_E_DENIED, RDT_E_LIMIT, as
 * rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_root_shares_join(const uint8_t deployment[static 16],
                                                  const struct root_seal *seal,
                                                  const struct rdt_unseal *means,
                                                  struct rdt_secret *kek, struct rdt_err *err);

/* rdt_root_share_seal - the id of the seal that a share's text names; false when it is none. */
bool rdt_root_share_seal(const struct rdt_secret *text, char id[static RDT_ROOT_ID_MAX]);

/* ---- root_seal.c: what each type of seal does ---- */

/* rdt_root_seal_aad - what the wrap of the root secret is bound to: everything about the seal that
 * stands in the file.  bare: without what a PKCS#11 token wrapped, which is bound to the rest. */
void rdt_root_seal_aad(const uint8_t deployment[static 16], const struct root_seal *seal, bool bare,
                       struct rdt_buf *out);

/* rdt_root_seal_check - whether the options make sense, before any work.  Fails: RDT_E_BADINPUT,
 * RDT_E_LIMIT. */
RDT_MUST_CHECK enum rdt_code rdt_root_seal_check(const struct rdt_seal_opts *opts,
                                                 struct rdt_err *err);

/* rdt_root_seal_make - a seal of the root secret, from options that were checked. */
RDT_MUST_CHECK enum rdt_code rdt_root_seal_make(const uint8_t deployment[static 16],
                                                const struct rdt_root_open *open,
                                                const struct rdt_seal_opts *opts,
                                                struct root_shares *shares, struct root_seal *out,
                                                struct rdt_err *err);

/* rdt_root_seal_open - the root secret by one seal; open->root is made by the caller. */
RDT_MUST_CHECK enum rdt_code rdt_root_seal_open(const uint8_t deployment[static 16],
                                                const struct root_seal *seal,
                                                const struct rdt_unseal *means,
                                                struct rdt_root_open *open, struct rdt_err *err);

#endif
