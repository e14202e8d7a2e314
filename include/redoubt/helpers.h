/*
 * helpers.h - what an application does with passwords, API keys and webhooks, under the keys of a
 * keyring (redoubt/redoubt.h). How to use it: docs/guides/passwords.md. What the bytes are:
 * docs/formats/password.md.
 *
 * A call works in its session's memory, and so in one thread at a time. Where a key is missing
 * nothing is done and RDT_FIELD_NEED returned, as redoubt.h says. Passwords, API keys and secrets
 * are the caller's to wipe.
 */
#ifndef REDOUBT_HELPERS_H
#define REDOUBT_HELPERS_H

#include "redoubt/redoubt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- passwords ---- */

#define RDT_PASSWORD_MAX ((size_t)4096)       /* bytes of a password */
#define RDT_PASSWORD_STORED_MAX ((size_t)512) /* characters of a stored string, of any form */
#define RDT_PASSWORD_TEXT 128                 /* room for a new stored string, and its NUL */

/* The least cost of a new hash: what OWASP asks for. */
#define RDT_PASSWORD_MEMORY_KIB ((uint32_t)19 << 10)
#define RDT_PASSWORD_PASSES ((uint32_t)2)
#define RDT_PASSWORD_LANES ((uint32_t)1)

/* What a new hash costs: from the least above to 1 GiB, 10 passes, 16 lanes. One thread fills all
 * lanes. */
struct rdt_password_cost {
    uint32_t memory_kib, passes, lanes;
};

/* How a check came out. Only rdt_password_is_right() lets somebody in. */
enum rdt_password_verdict {
    RDT_PASSWORD_NO_MATCH, /* zero: what was never answered is no match */
    RDT_PASSWORD_MATCH,
    RDT_PASSWORD_REHASH,  /* a match; the stored form is old, or of another cost: make a new one */
    RDT_PASSWORD_UNKNOWN, /* the stored string is of no form that is read */
    RDT_PASSWORD_COST,    /* the stored string asks for more than is ever computed */
    RDT_PASSWORD_UNFIT,   /* the password is too long, or the old form would cut it */
    RDT_PASSWORD_SEAL,    /* the encrypted string is of another user, key or column, or damaged */
    RDT_PASSWORD_NOMEM,
    RDT_PASSWORD_INTERNAL,
    RDT_PASSWORD_NVERDICTS
};

/* rdt_password_verdict_words - in words, without a password or a hash. */
RDT_PUBLIC const char *rdt_password_verdict_words(enum rdt_password_verdict verdict);

/* rdt_password_is_right - 1: the password was right, whether it is to be hashed anew or not. */
RDT_PUBLIC int rdt_password_is_right(enum rdt_password_verdict verdict);

/*
 * rdt_password_calibrate - a cost that takes this thread about so long: memory first, then passes.
 * Never under the least cost, however long that takes. Hashes a few times to measure: for a tool
 * that writes a configuration, not for the start of a server.
 *
 *   target_ms        milliseconds of processor time for one hash
 *   memory_kib_most  KiB that one hash may take, RDT_PASSWORD_MEMORY_KIB to 1 GiB: what the machine
 *                    has for as many logins as it lets run at once
 *
 * Fails: RDT_FIELD_USAGE (memory_kib_most), RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL,
 * RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_password_calibrate(struct rdt_session *session,
                                                                   uint32_t target_ms,
                                                                   uint32_t memory_kib_most,
                                                                   struct rdt_password_cost *out);

/* A user's password. Everything in it is the caller's. */
struct rdt_password_item {
    const uint8_t *tenant;             /* RDT_ID_LEN bytes: whose user it is */
    const void *row;                   /* the user's id, as for any row-bound column */
    size_t row_n;                      /* bytes, 1 or more */
    const void *password;              /* as it was typed, NUL bytes and all */
    size_t password_n;                 /* bytes */
    const void *value;                 /* to check: what is stored; NULL: there is no such user */
    size_t value_n;                    /* bytes */
    void *out;                         /* to store: room for the new value */
    size_t out_room;                   /* rdt_value_len(column, RDT_PASSWORD_TEXT) is enough */
    size_t out_n;                      /* becomes bytes there; 0 after a failure */
    enum rdt_password_verdict verdict; /* becomes how the check came out */
    enum rdt_field_fault fault;        /* becomes why a value does not open */
};

/*
 * rdt_password_store - hash a new password by Argon2id and encrypt the string. A string of an old
 * form is brought under the pepper by rdt_encrypt() alone, without its password.
 *
 *   column   row-bound: else a hash could be moved to another user
 *
 * Fails: RDT_FIELD_TOO_LONG (the password is empty, or above RDT_PASSWORD_MAX), RDT_FIELD_USAGE
 * (the cost, a column that is not row-bound), and as rdt_encrypt().
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_password_store(struct rdt_session *session,
                                                               const struct rdt_column *column,
                                                               const struct rdt_password_cost *cost,
                                                               struct rdt_password_item *item);

/*
 * rdt_password_verify - a password against what is stored; the answer is in item->verdict.
 *
 *   cost   of new hashes: a match of another one is RDT_PASSWORD_REHASH. Where there is nothing
 * slow to compute (no such user, a value that does not open) one of this cost is, so that the time
 * does not tell why
 *
 * Fails, the verdict letting nobody in: RDT_FIELD_NEED, RDT_FIELD_USAGE, RDT_FIELD_FORKED,
 * RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL. A value that does not open is RDT_FIELD_OK, with the verdict
 * RDT_PASSWORD_SEAL and the reason in item->fault.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_password_verify(struct rdt_session *session, const struct rdt_column *column,
                    const struct rdt_password_cost *cost, struct rdt_password_item *item);

/* ---- API keys ---- */

#define RDT_API_KEY_PREFIX_MAX ((size_t)20) /* characters of an API key's prefix */
#define RDT_API_KEY_TEXT 71                 /* room for a key of the longest prefix, and its NUL */
#define RDT_API_KEY_LOOK_UP 16              /* bytes of a look-up token */
#define RDT_API_KEY_STORED 56               /* bytes of what is stored of a key */
#define RDT_API_KEY_STORED_AT 8             /* where the look-up token stands in them */

/* How a check came out. */
enum rdt_api_key_verdict {
    RDT_API_KEY_NO_MATCH, /* zero: what was never answered is no match */
    RDT_API_KEY_MATCH,
    RDT_API_KEY_MALFORMED,  /* the text is no API key, or its checksum is wrong: nothing to look up
                             */
    RDT_API_KEY_OTHER,      /* stored under another handle or epoch: check with its KEK */
    RDT_API_KEY_STORED_BAD, /* what is stored is not of this format */
    RDT_API_KEY_INTERNAL
};

/*
 * rdt_api_key_new - a new key: to be shown once.
 *
 *   prefix   NUL-terminated; 1..RDT_API_KEY_PREFIX_MAX of a-z, 0-9 and single `_` between them, a
 *            letter first
 *   out      RDT_API_KEY_TEXT bytes of room; becomes the key, NUL-terminated; empty after a failure
 *
 * Fails: RDT_FIELD_USAGE (prefix), RDT_FIELD_UNLOCKED, RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL,
 * RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_api_key_new(struct rdt_session *session,
                                                            const char *prefix, char *out);

/* rdt_api_key_is_whole - 1: a text has the form of a key, and its checksum is right. Uses no key.
 */
RDT_PUBLIC int rdt_api_key_is_whole(const char *text, size_t n);

/* A key, and what it is stored under. Everything in it is the caller's. */
struct rdt_api_key_item {
    const uint8_t *tenant; /* RDT_ID_LEN bytes: not the customer, who is not known yet, but the
                              tenant under whose keys the application keeps its own */
    uint16_t epoch;        /* to find and store: 0: the current one */
    uint16_t stale;     /* becomes 1: it matches, and is stored under an older epoch: store anew */
    const char *text;   /* the key, as it was sent */
    size_t text_n;      /* bytes */
    const void *stored; /* to verify: from the database */
    size_t stored_n;    /* bytes */
    uint8_t look_up[RDT_API_KEY_LOOK_UP]; /* becomes the token to find a key's row by */
    uint8_t out[RDT_API_KEY_STORED];      /* becomes what to store */
    enum rdt_api_key_verdict verdict;     /* becomes how the check came out */
};

/*
 * rdt_api_key_find - the look-up token of a key under an epoch. While two epochs have rows, there
 * are two to look for.
 * rdt_api_key_store - what to store of a key, and its look-up token.
 * rdt_api_key_verify - a key against what is stored of it, under the epoch that stands there; the
 * answer is in item->verdict.
 *
 * Fails, the verdict being none of a match: RDT_FIELD_USAGE (to find and store also: the text is no
 * key, as the verdict says then), RDT_FIELD_NEED, RDT_FIELD_KEY, RDT_FIELD_TENANT,
 * RDT_FIELD_FORKED, RDT_FIELD_INTERNAL.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_api_key_find(struct rdt_session *session,
                                                             const struct rdt_column *column,
                                                             struct rdt_api_key_item *item);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_api_key_store(struct rdt_session *session,
                                                              const struct rdt_column *column,
                                                              struct rdt_api_key_item *item);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_api_key_verify(struct rdt_session *session,
                                                               const struct rdt_column *column,
                                                               struct rdt_api_key_item *item);

/* ---- webhooks: Standard Webhooks 1.0.0 ---- */

#define RDT_WEBHOOK_SECRET_TEXT 95              /* room for "whsec_", base64 of 64 bytes, a NUL */
#define RDT_WEBHOOK_SECRETS_MAX ((size_t)4)     /* secrets of one webhook at a time */
#define RDT_WEBHOOK_SIGNATURE_TEXT 192          /* room for so many signatures, and a NUL */
#define RDT_WEBHOOK_ENDPOINT_MAX ((size_t)255)  /* bytes of an endpoint's id */
#define RDT_WEBHOOK_ID_MAX ((size_t)128)        /* characters of a webhook's id */
#define RDT_WEBHOOK_SIGNATURES_MAX ((size_t)16) /* signatures of one webhook that are looked at */
#define RDT_WEBHOOK_HEADER_MAX ((size_t)4096)   /* bytes of the header webhook-signature */
#define RDT_WEBHOOK_WINDOW_S 300                /* seconds that a webhook's time may be off */
#define RDT_WEBHOOK_SLOTS_MAX ((size_t)1 << 20) /* webhooks that a window remembers */

/* How a check came out. */
enum rdt_webhook_verdict {
    RDT_WEBHOOK_NO_MATCH, /* zero: no signature is of these secrets */
    RDT_WEBHOOK_MATCH,
    RDT_WEBHOOK_MALFORMED, /* a header is missing, or is not of the standard */
    RDT_WEBHOOK_LATE,      /* signed longer ago than RDT_WEBHOOK_WINDOW_S */
    RDT_WEBHOOK_EARLY,     /* signed in the future, by more than that */
    RDT_WEBHOOK_REPLAY,    /* seen before */
    RDT_WEBHOOK_FULL,      /* the window has no room: have it sent again later (status 503) */
    RDT_WEBHOOK_INTERNAL
};

/* A message and its secrets. Texts are NUL-terminated. */
struct rdt_webhook {
    const char *const *secrets; /* "whsec_...", the newest first */
    size_t secrets_n;           /* 1..RDT_WEBHOOK_SECRETS_MAX */
    const char *id;             /* header webhook-id: 1..RDT_WEBHOOK_ID_MAX visible, no '.' */
    const char *timestamp;      /* header webhook-timestamp: decimal seconds since 1970 */
    const char *signature;      /* header webhook-signature, as received */
    const void *body;           /* as it is sent: not parsed, not printed anew */
    size_t body_n;              /* bytes */
};

/*
 * rdt_webhook_secret - a new secret of 32 bytes.
 *
 *   out   RDT_WEBHOOK_SECRET_TEXT bytes of room; becomes its text; empty after a failure
 *
 * Fails: RDT_FIELD_UNLOCKED, RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_webhook_secret(struct rdt_session *session,
                                                               char *out);

/* Whose endpoint. */
struct rdt_webhook_endpoint {
    const uint8_t *tenant; /* RDT_ID_LEN bytes */
    uint16_t epoch;        /* 0: the current one; another epoch makes another secret */
    uint16_t zero;         /* for later */
    const void *id;        /* of the endpoint */
    size_t id_n;           /* 1..RDT_WEBHOOK_ENDPOINT_MAX bytes */
};

/*
 * rdt_webhook_endpoint_secret - the secret of one endpoint, made of a tenant's key: nothing to
 * store.
 *
 *   column   a column of the catalogue that stands for the set of endpoints
 *   out      as above
 *
 * Fails: as above, RDT_FIELD_NEED, RDT_FIELD_KEY, RDT_FIELD_USAGE.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_webhook_endpoint_secret(struct rdt_session *session, const struct rdt_column *column,
                            const struct rdt_webhook_endpoint *endpoint, char *out);

/*
 * rdt_webhook_sign - the header webhook-signature, with a signature by each secret.
 *
 *   out   RDT_WEBHOOK_SIGNATURE_TEXT bytes of room; NUL-terminated; empty after a failure
 *
 * rdt_webhook_verify - whether one of the signatures is by one of the secrets, and the time is
 * right. Never RDT_WEBHOOK_REPLAY: rdt_webhook_remember() comes after it.
 *
 *   now_s   seconds since 1970
 *
 * Fails, the verdict being no match: RDT_FIELD_USAGE (secrets; to sign: id or timestamp),
 * RDT_FIELD_UNLOCKED, RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_webhook_sign(struct rdt_session *session, const struct rdt_webhook *webhook, char *out);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_webhook_verify(struct rdt_session *session,
                                                               const struct rdt_webhook *webhook,
                                                               int64_t now_s,
                                                               enum rdt_webhook_verdict *verdict);

/* One remembered id; all zero: none. */
struct rdt_webhook_slot {
    uint8_t id[16]; /* of its digest */
    int64_t until_s;
};

/* Memory of one process for one endpoint, and so of bounded size: several processes need a table
 * with a unique id instead, or as well. The caller's lock guards it. */
struct rdt_webhook_window {
    struct rdt_webhook_slot *slots;
    size_t n;
};

/* rdt_webhook_window_init - an empty window in the caller's memory.  n: 1..RDT_WEBHOOK_SLOTS_MAX;
 * two for each webhook that comes in ten minutes leaves none out. */
RDT_PUBLIC void rdt_webhook_window_init(struct rdt_webhook_window *window,
                                        struct rdt_webhook_slot *slots, size_t n);

/*
 * rdt_webhook_remember - RDT_WEBHOOK_MATCH the first time an id comes, RDT_WEBHOOK_REPLAY after,
 * for as long as rdt_webhook_verify() would let the webhook pass. Nothing that is still needed is
 * ever forgotten for want of room: RDT_WEBHOOK_FULL.
 *
 *   webhook   one that rdt_webhook_verify() has just let pass: strangers fill nothing
 *
 * rdt_webhook_forget - the work failed: the sender's next try, of the same id, shall count as the
 * first.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_webhook_verdict
rdt_webhook_remember(struct rdt_session *session, struct rdt_webhook_window *window,
                     const struct rdt_webhook *webhook, int64_t now_s);
RDT_PUBLIC void rdt_webhook_forget(struct rdt_session *session, struct rdt_webhook_window *window,
                                   const struct rdt_webhook *webhook);

#ifdef __cplusplus
}
#endif

#endif
