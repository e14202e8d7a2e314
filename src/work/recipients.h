/*
 * recipients.h - for whom a file is sealed: words of the command line as keys, and the file key
 * wrapped for each of them, here, by the key service or by a token.
 */
#ifndef RDT_WORK_RECIPIENTS_H
#define RDT_WORK_RECIPIENTS_H

#include "base/arena.h"
#include "client/client.h"
#include "seal/recipient.h"

#define RDT_RECIPIENTS_MAX                                                                         \
    32 /* that one file is sealed to, a break-glass group counting as one                          \
        */

enum rdt_recipient_kind {
    RDT_TO_X25519,
    RDT_TO_HYBRID, /* for files in age's format only */
    RDT_TO_KMS,
    RDT_TO_TENANT,
    RDT_TO_P11,
    RDT_TO_GLASS,
    RDT_TO_PASSPHRASE
};

struct rdt_recipient {
    enum rdt_recipient_kind kind;
    uint8_t public_key[RDT_HPKE_PUBLIC_LEN]; /* x25519 */
    uint8_t *hybrid_key;                     /* hybrid: RDT_AGEKEY_HYBRID_LEN bytes */
    const char *key, *tenant;                /* kms: key and tenant (NULL: none);
                                                tenant: ring and tenant's name */
    struct rdt_p11 p11;                      /* p11 */
    uint8_t k, n;                            /* glass */
    uint8_t (*holders)[RDT_HPKE_PUBLIC_LEN]; /* glass: n of them */
};

struct rdt_recipients {
    struct rdt_arena arena;
    struct rdt_recipient items[RDT_RECIPIENTS_MAX];
    size_t n;
    const struct rdt_secret *passphrase, *pin; /* borrowed */
    struct rdt_argon cost;                     /* of the passphrase; {0}: 256 MiB, 3 passes */
    struct rdt_client *client;                 /* borrowed; for kms and tenant */
};

/*
 * rdt_recipients_add - one word:
 *
 *   age1...                        an X25519 key
 *   age1pq1...                     a hybrid key, for a file in age's format only
 *   kms:KEY                        a key of the key service: id, ARN, alias
 *   tenant:NAME@RING               a tenant's key of that ring
 *   pkcs11:token=T;object=K?module-path=/P   a key on a token
 *
 *   tenant   for kms: NULL, or whose file it is: the key service decides by it who may open
 *
 * Fails: RDT_E_USAGE (no such word; twice the same), RDT_E_BADINPUT, RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_recipients_add(struct rdt_recipients *to, const char *word,
                                                const char *tenant, struct rdt_err *err);

/* rdt_recipients_add_glass - K:age1...,age1...: any K of them together. Fails: as above. */
RDT_MUST_CHECK enum rdt_code rdt_recipients_add_glass(struct rdt_recipients *to, const char *words,
                                                      struct rdt_err *err);

/* rdt_recipients_add_passphrase - it stands alone. Fails: RDT_E_USAGE (others are there). */
RDT_MUST_CHECK enum rdt_code rdt_recipients_add_passphrase(struct rdt_recipients *to,
                                                           const struct rdt_secret *passphrase,
                                                           struct rdt_err *err);

/* rdt_recipients_need_service - whether one of them is of the key service. */
bool rdt_recipients_need_service(const struct rdt_recipients *to);

/* rdt_recipients_len - bytes that their stanzas take at most. */
size_t rdt_recipients_len(const struct rdt_recipients *to);

/* What is wrapped, and for which file. */
struct rdt_wrap_about {
    struct rdt_worker *worker;
    struct rdt_span core, file_id;
    const struct rdt_secret *file_key;
};

/*
 * rdt_recipients_wrap - the file key for each of them.
 *
 *   stanzas   appended
 *
 * Fails: RDT_E_USAGE (none), as rdt_client_call(), rdt_client_kek() and rdt_p11_wrap(),
 * RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_recipients_wrap(const struct rdt_recipients *to,
                                                 const struct rdt_wrap_about *about,
                                                 struct rdt_buf *stanzas, struct rdt_err *err);

/* rdt_recipients_done - free; the closer for RDT_AUTO. */
void rdt_recipients_done(struct rdt_recipients *to);

#endif
