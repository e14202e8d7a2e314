/*
 * unlock.h - the file key of a sealed file, by whatever the caller has: private keys, a passphrase,
 * a token's PIN, a key service.
 */
#ifndef RDT_WORK_UNLOCK_H
#define RDT_WORK_UNLOCK_H

#include "client/client.h"
#include "seal/recipient.h"

#define RDT_IDENTITIES_MAX 64 /* private keys that are tried on one file */

struct rdt_unlock {
    struct rdt_secret identities[RDT_IDENTITIES_MAX]; /* of RDT_HPKE_PRIVATE_LEN bytes */
    size_t n;
    struct rdt_secret hybrids[RDT_IDENTITIES_MAX]; /* private hybrid keys; for age files only */
    size_t n_hybrids;                              /* with n, at most RDT_IDENTITIES_MAX */
    struct rdt_secret passphrase, pin;             /* empty: none */
    const char *p11_module;                        /* NULL: none */
    struct rdt_client *client;                     /* borrowed; NULL: none */
};

/*
 * rdt_unlock_add_file - the private keys of a file as age-keygen and `seal keygen` write it; "-" is
 * standard input.
 *
 * Fails: as rdt_secret_read(); RDT_E_BADINPUT (no key in it), RDT_E_LIMIT.
 */
RDT_MUST_CHECK enum rdt_code rdt_unlock_add_file(struct rdt_unlock *with, const char *path,
                                                 struct rdt_err *err);

/*
 * rdt_unlock_find - try them on a head.
 *
 *   at         {0}; becomes where the key was found, as rdt_seal_reseal() wants it
 *   file_key   empty; becomes RDT_KEY_LEN bytes
 *
 * Fails, leaving it empty: RDT_E_DENIED (none of them opens it: the hint says who can), RDT_E_LIMIT
 * (cost of a passphrase), RDT_E_TAMPERED, RDT_E_STATE; what the key service or token failed with
 * where nothing else opened it.
 */
RDT_MUST_CHECK enum rdt_code rdt_unlock_find(const struct rdt_unlock *with,
                                             struct rdt_worker *worker,
                                             const struct rdt_seal_head *head,
                                             struct rdt_seal_at *at, struct rdt_secret *file_key,
                                             struct rdt_err *err);

/* rdt_unlock_wipe - forget all of them; the closer for RDT_AUTO. */
void rdt_unlock_wipe(struct rdt_unlock *with);

#endif
