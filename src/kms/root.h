/*
 * root.h - the root of all keys: a 256-bit secret that one or more seals protect, and what is
 * sealed under it. DIR/root.json holds the seals and the sealed items; it is readable before
 * anything is unsealed and useless without a seal's means.
 *
 * The root secret is in memory only inside the functions here: items are opened, then it is wiped.
 *
 * Format: docs/formats/root.md.  Source: SECURITY-DESIGN section 3.
 */
#ifndef RDT_KMS_ROOT_H
#define RDT_KMS_ROOT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/p11.h"
#include "crypto/worker.h"

#define RDT_ROOT_SEALS_MAX 8                   /* seals of one root */
#define RDT_ROOT_ITEMS_MAX 64                  /* items under one root */
#define RDT_ROOT_FILE_MAX ((size_t)256 * 1024) /* bytes of root.json */
#define RDT_ROOT_PATH_MAX 256 /* bytes of the path of a PKCS#11 module, NUL included */
#define RDT_ROOT_PASSPHRASE_MIN ((size_t)12) /* bytes of the passphrase of a new seal */
#define RDT_ROOT_ID_MAX 32                   /* bytes of a seal's id, NUL included */
#define RDT_ROOT_NAME_MAX 64                 /* bytes of an item's name, NUL included */

enum rdt_seal_type { RDT_SEAL_DEVELOPMENT, RDT_SEAL_PASSPHRASE, RDT_SEAL_SHAMIR, RDT_SEAL_PKCS11 };

/* rdt_seal_type_name - "development", "passphrase", "shamir", "pkcs11". */
const char *rdt_seal_type_name(enum rdt_seal_type type);

/* What opens a seal; only the member of its type is looked at. */
struct rdt_unseal {
    const struct rdt_secret *passphrase;    /* or the token's PIN for PKCS#11 */
    const struct rdt_secret *const *shares; /* texts, as rdt_root_add_seal() gave them out */
    size_t n_shares;
    const char *p11_module; /* where the vendor's library is now; NULL: where the seal says */
};

struct rdt_seal_opts {
    enum rdt_seal_type type;
    const char *id;                          /* [a-z0-9-], unique in the file */
    const struct rdt_secret *passphrase;     /* passphrase, or PIN */
    uint32_t argon_memory_kib, argon_passes; /* 0: 256 MiB, 3 */
    unsigned threshold, shares;              /* Shamir */
    const char *p11_module, *p11_token, *p11_key;
    enum rdt_p11_how p11_how; /* RDT_P11_BEST: what the token can */
};

struct rdt_seal_info {
    char id[RDT_ROOT_ID_MAX];
    enum rdt_seal_type type;
    unsigned threshold, shares;
    char detail[256]; /* "token 'redoubt', key 'root' (oaep)": for status; never secret */
    int64_t created_s;
};

struct rdt_root;      /* the file, read; no secret in it, but for a development seal's */
struct rdt_root_open; /* an unsealed root: lives as short as possible */

/*
 * rdt_root_create - a new root secret under a first seal, in memory; write it with rdt_root_save().
 *
 *   deployment   16 random bytes that every AAD below carries
 *   shares       Shamir: an empty secret that becomes the text, one line a share; the caller shows
 *                them once and wipes. NULL for other types.
 *   open         as rdt_root_unseal() would give it; NULL: not wanted
 *
 * Fails: as rdt_root_add_seal().
 */
RDT_MUST_CHECK enum rdt_code rdt_root_create(const uint8_t deployment[static 16],
                                             const struct rdt_seal_opts *first,
                                             struct rdt_secret *shares, struct rdt_root **out,
                                             struct rdt_root_open **open, struct rdt_err *err);

/* rdt_root_load - read DIR/root.json.  Fails: RDT_E_NOTFOUND, RDT_E_BADINPUT, RDT_E_STATE (a newer
 * format), RDT_E_LIMIT (Argon2 costs, sizes), RDT_E_IO, RDT_E_DENIED, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_root_load(const char *dir, struct rdt_root **out,
                                           struct rdt_err *err);

/*
 * rdt_root_save - write DIR/root.json, mode 0600, atomically, and only over the file that root was
 * loaded from or last saved to: the command line may change seals while the server changes items.
 *
 * Fails, leaving the file as it was: RDT_E_STATE (another has changed it: load, change and save
 * again; or there is one where root is new), RDT_E_IO, RDT_E_DENIED, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_root_save(struct rdt_root *root, const char *dir,
                                           struct rdt_err *err);

/* rdt_root_free - NULL is fine. */
void rdt_root_free(struct rdt_root *root);

/* rdt_root_free_at - the same as a closer for RDT_AUTO. */
void rdt_root_free_at(struct rdt_root **root);

/* rdt_root_deployment - its 16 bytes, borrowed. */
const uint8_t *rdt_root_deployment(const struct rdt_root *root);

/* rdt_root_seals - what the file says of its seals, in its order; how many. */
size_t rdt_root_seals(const struct rdt_root *root,
                      struct rdt_seal_info out[static RDT_ROOT_SEALS_MAX]);

/* rdt_root_created - when it was made, in seconds since 1970; told to people, bound to nothing. */
int64_t rdt_root_created(const struct rdt_root *root);

/* rdt_root_item - the name of the item of index i, borrowed, in ascending order; NULL behind the
 * last. */
const char *rdt_root_item(const struct rdt_root *root, size_t i);

/*
 * rdt_root_custody - custody that Redoubt reports for itself: that of its weakest seal, in the
 * plan's words ("development", "passphrase", "shamir", "hsm").
 */
const char *rdt_root_custody(const struct rdt_root *root);

/*
 * rdt_root_needs_second - whether a second seal is missing: mandatory unless the only seal is the
 * development one, which never counts; with PKCS#11 there has to be a Shamir seal.
 */
bool rdt_root_needs_second(const struct rdt_root *root);

/*
 * rdt_root_unseal - recover the root secret through one seal and check it against the file's check
 * value.  PKCS#11 runs in a process of its own.
 *
 *   seal_id   NULL: shares say it themselves; a passphrase is tried on each passphrase seal; where
 *             there is none, it is the PIN of the only PKCS#11 seal; no means at all open a
 *             development seal
 *
 * Fails: RDT_E_DENIED (passphrase, PIN or shares are wrong, or too few; or means that no seal
 * fits), RDT_E_NOTFOUND (no such seal; as rdt_p11_unwrap()), RDT_E_TAMPERED (the file was changed),
 * RDT_E_IO, RDT_E_TIMEOUT (token), RDT_E_LIMIT, RDT_E_NOMEM.  Nothing is tried twice.
 */
RDT_MUST_CHECK enum rdt_code rdt_root_unseal(struct rdt_root *root, const char *seal_id,
                                             const struct rdt_unseal *means,
                                             struct rdt_root_open **out, struct rdt_err *err);

/*
 * rdt_root_share_check - whether a share's text is whole and of a Shamir seal of this root.
 *
 *   seal     becomes that seal
 *   number   becomes the share's own number, 1..
 *
 * Fails: RDT_E_DENIED (not whole, a typing error, of another deployment, seal or split), as
 * rdt_secret_new().  A share that was forged with care passes: only enough of them show that.
 */
RDT_MUST_CHECK enum rdt_code rdt_root_share_check(const struct rdt_root *root,
                                                  const struct rdt_secret *text,
                                                  struct rdt_seal_info *seal, unsigned *number,
                                                  struct rdt_err *err);

/* rdt_root_lock - wipe the root secret; NULL is fine. */
void rdt_root_lock(struct rdt_root_open *open);

/* rdt_root_lock_at - the same as a closer for RDT_AUTO. */
void rdt_root_lock_at(struct rdt_root_open **open);

/*
 * rdt_root_add_seal - another way to the same root secret; save afterwards.
 *
 *   shares   as rdt_root_create()
 *
 * Fails, leaving root alone: RDT_E_BADINPUT (id; a passphrase under RDT_ROOT_PASSPHRASE_MIN),
 * RDT_E_STATE (the id is taken), RDT_E_LIMIT, RDT_E_INTERNAL, RDT_E_NOMEM, as rdt_p11_wrap().
 */
RDT_MUST_CHECK enum rdt_code rdt_root_add_seal(struct rdt_root *root, struct rdt_root_open *open,
                                               const struct rdt_seal_opts *seal,
                                               struct rdt_secret *shares, struct rdt_err *err);

/*
 * rdt_root_remove_seal - forget a seal; save afterwards.  Who kept an old root.json and its means
 * still has the root: rdt_root_rekey() is what takes it from them.
 *
 * Fails: RDT_E_NOTFOUND, RDT_E_STATE (the last seal, the last but the development one, or one that
 * rdt_root_needs_second() would then miss).
 */
RDT_MUST_CHECK enum rdt_code rdt_root_remove_seal(struct rdt_root *root, const char *seal_id,
                                                  struct rdt_err *err);

/*
 * rdt_root_put - seal a 32-byte secret under the root as a named item ("domain/1", "rows"; at most
 * RDT_ROOT_NAME_MAX - 1 of [a-z0-9/-]); AAD deployment | name.  Replaces one of the name.
 * Fails: RDT_E_BADINPUT, RDT_E_LIMIT, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_root_put(struct rdt_root *root, struct rdt_root_open *open,
                                          const char *name, const struct rdt_secret *secret,
                                          struct rdt_err *err);

/* rdt_root_get - open an item into an empty secret.  Fails: RDT_E_NOTFOUND, RDT_E_TAMPERED, as
 * rdt_secret_new(). */
RDT_MUST_CHECK enum rdt_code rdt_root_get(const struct rdt_root *root, struct rdt_root_open *open,
                                          const char *name, struct rdt_secret *out,
                                          struct rdt_err *err);

/* rdt_root_drop - remove an item; RDT_E_NOTFOUND when there is none. */
RDT_MUST_CHECK enum rdt_code rdt_root_drop(struct rdt_root *root, const char *name,
                                           struct rdt_err *err);

/*
 * rdt_root_rekey - a new root secret: every item is sealed anew, and the seals are those given in
 * `seals`, since each needs its means again; save afterwards.
 *
 *   shares   as rdt_root_create(): those of all Shamir seals, in order
 *
 * Fails, leaving root and open alone: as rdt_root_add_seal(), RDT_E_STATE (seals that
 * rdt_root_remove_seal() would not have left), RDT_E_TAMPERED (an item).
 */
RDT_MUST_CHECK enum rdt_code rdt_root_rekey(struct rdt_root *root, struct rdt_root_open *open,
                                            const struct rdt_seal_opts *seals, size_t n_seals,
                                            struct rdt_secret *shares, struct rdt_err *err);

#endif
