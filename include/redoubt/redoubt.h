/*
 * redoubt.h - libredoubt: values of a column, encrypted in the application under a key of the
 * tenant they belong to, searched by token, proved without being read.
 *
 *   keyring   the keys of tenants, in locked memory, each for as long as the key service said.
 *             Threads share one.
 *   column    what the application's catalogue says of a column. Threads share it.
 *   index     how values are found by a token that says nothing of them. Threads share it.
 *   session   one thread's working memory: nothing is allocated by a call that finds its keys.
 *   item      one value of one tenant and row, and where its result goes.
 *   need      a key that is not at hand: the request for the key service, ready to be sent. The
 *             library sends nothing itself; redoubt/fetch.h is a helper that does.
 *
 * A call that lacks a key does nothing and returns RDT_FIELD_NEED; once the need is answered the
 * same call is made again. There is no cache of plaintexts, and nothing is written to a file.
 *
 * Formats: docs/formats/field.md, docs/formats/searchable.md, docs/formats/tenant-kek.md.
 * Everything is apart from errno and of no locale. A process that forks makes new objects in the
 * child: the old ones answer RDT_FIELD_FORKED there, and may be freed.
 */
#ifndef REDOUBT_REDOUBT_H
#define REDOUBT_REDOUBT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RDT_PUBLIC __attribute__((visibility("default")))
#define RDT_CHECKED __attribute__((warn_unused_result))
#else
#define RDT_PUBLIC
#define RDT_CHECKED
#endif

#define RDT_API_VERSION 1 /* of this header; grows when something is added */

#define RDT_ID_LEN 16                    /* bytes of a UUID: ring, tenant, column */
#define RDT_KEK_LEN 32                   /* bytes of a tenant's key, and of a verify key */
#define RDT_VALUE_OVER ((size_t)80)      /* bytes that a value has over its padded plaintext */
#define RDT_VALUE_MAX ((size_t)16 << 20) /* bytes of one plaintext, padding included */

/* Why a value cannot be had. Later versions may add some. */
enum rdt_field_fault {
    RDT_FIELD_OK,
    RDT_FIELD_NOT_RF1,  /* no value of this format, or cut */
    RDT_FIELD_SUITE,    /* not as the catalogue allows for this column, or of a later version */
    RDT_FIELD_TENANT,   /* of another tenant, or another ring: told before any key is used */
    RDT_FIELD_KEY,      /* of an epoch whose key is not at hand, and cannot be had */
    RDT_FIELD_PLACE,    /* of another column or row */
    RDT_FIELD_BODY,     /* damaged */
    RDT_FIELD_ROW,      /* the caller named no row for a row-bound column, or one where none is */
    RDT_FIELD_TOO_LONG, /* above RDT_VALUE_MAX */
    RDT_FIELD_NO_ROOM,  /* the caller's buffer is too small */
    RDT_FIELD_INTERNAL, /* a defect of the library, or of libcrypto */
    RDT_FIELD_NEED,     /* a key has to be fetched first: rdt_need_take() */
    RDT_FIELD_NOMEM,    /* out of memory */
    RDT_FIELD_UNLOCKED, /* memory cannot be locked (RLIMIT_MEMLOCK): keys might reach the swap */
    RDT_FIELD_FULL,     /* the keyring holds as many keys as it may */
    RDT_FIELD_USAGE,    /* the call itself makes no sense */
    RDT_FIELD_ANSWER,   /* the key service's answer is none to what was asked */
    RDT_FIELD_FORKED,   /* made before fork(), used after it */
    RDT_FIELD_INDEX,    /* the definition of an index is none that may be used */
    RDT_FIELD_RISK,     /* prefixes or words, and nobody has accepted what they give away */
    RDT_FIELD_TEXT,     /* not UTF-8, or characters that are not for such a value */
    RDT_FIELD_FORM,     /* not of the kind that the index takes: no address, number, date... */
    RDT_FIELD_UNCLEAR,  /* it could be two of the kind */
    RDT_FIELD_TOKEN,    /* a token that is of another value */
    RDT_FIELD_NFAULTS
};

/* rdt_field_fault_words - in words, without a value. */
RDT_PUBLIC const char *rdt_field_fault_words(enum rdt_field_fault fault);

/* rdt_api_version - RDT_API_VERSION of the library that runs.  rdt_library_version - "0.1.0". */
RDT_PUBLIC unsigned rdt_api_version(void);
RDT_PUBLIC const char *rdt_library_version(void);

struct rdt_keyring;
struct rdt_column;
struct rdt_index;
struct rdt_session;
struct rdt_need;

/* ---- keyring ---- */

struct rdt_keyring_options {
    size_t size;      /* sizeof(struct rdt_keyring_options): members may be added at the end */
    uint32_t ttl_s;   /* keys live so many seconds at most; 0: as long as the service says */
    uint32_t grace_s; /* and so many more while the service cannot be reached; 0: none */
    uint32_t
        keys_max; /* tenants' keys that it holds, each 32 locked bytes; at most 65,536; 0: 4096 */
    uint32_t session_slots; /* tenants and columns whose keys a session keeps ready, each about 200
                               locked bytes; at most 16,384; 0: 256 */
};

/*
 * rdt_keyring_new - an empty keyring.
 *
 *   options   NULL: all as 0
 *   out       caller frees with rdt_keyring_free()
 *
 * Fails: RDT_FIELD_USAGE, RDT_FIELD_NOMEM, RDT_FIELD_UNLOCKED, RDT_FIELD_INTERNAL.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_keyring_new(const struct rdt_keyring_options *options, struct rdt_keyring **out);

/* rdt_keyring_free - wipe and free, once no column and session of it is left; NULL is fine. */
RDT_PUBLIC void rdt_keyring_free(struct rdt_keyring *keyring);

/* The key of a tenant in a ring and an epoch: docs/formats/tenant-kek.md. */
struct rdt_kek {
    uint8_t ring[RDT_ID_LEN], tenant[RDT_ID_LEN];
    uint32_t handle;        /* of the tenant in the ring */
    uint16_t epoch;         /* of this key */
    uint16_t current_epoch; /* new values are encrypted under that one */
    uint32_t ttl_s;         /* seconds that it may be kept */
    uint8_t key[RDT_KEK_LEN];
};

/*
 * rdt_keyring_put - keep a key that was not asked for by a need.
 *
 *   kek   copied; the caller wipes its own
 *
 * Fails: RDT_FIELD_USAGE (a handle, epoch or TTL of 0; a handle that is not the tenant's),
 * RDT_FIELD_FULL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_keyring_put(struct rdt_keyring *keyring,
                                                            const struct rdt_kek *kek);

/*
 * rdt_keyring_drop - forget a tenant's keys in a ring, now: when it returns, no copy is left in
 * the keyring or in a session. For when a right was withdrawn.
 *
 *   tenant   RDT_ID_LEN bytes; NULL: all tenants
 */
RDT_PUBLIC void rdt_keyring_drop(struct rdt_keyring *keyring, const uint8_t *ring,
                                 const uint8_t *tenant);

/* ---- columns ---- */

#define RDT_COLUMN_ROW_BOUND 1u  /* a value belongs to its row, and opens in no other */
#define RDT_COLUMN_ANY_LENGTH 2u /* padded and other values are both read: for a change-over */
#define RDT_COLUMN_CRITICAL 4u   /* salt and IV also depend on the plaintext */

struct rdt_column_spec {
    size_t size;              /* sizeof(struct rdt_column_spec) */
    uint8_t ring[RDT_ID_LEN]; /* UUID of the key that was made a ring of tenants' keys */
    uint8_t id[RDT_ID_LEN];   /* UUID of the column: stays when the column is renamed */
    uint32_t flags;           /* RDT_COLUMN_... */
    uint32_t bucket;          /* values are padded to a multiple of so many bytes; 0: not padded */
};

/*
 * rdt_column_new - a column, as the application's catalogue has it. Nothing of this is ever taken
 * from a value.
 *
 *   out   caller frees with rdt_column_free(), after its last use and before the keyring
 *
 * Fails: RDT_FIELD_USAGE (an unknown flag, a bucket above 65,535), RDT_FIELD_NOMEM,
 * RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_column_new(struct rdt_keyring *keyring,
                                                           const struct rdt_column_spec *spec,
                                                           struct rdt_column **out);

/* rdt_column_free - NULL is fine. */
RDT_PUBLIC void rdt_column_free(struct rdt_column *column);

/* ---- indexes ---- */

#define RDT_INDEX_NAME_ROOM 64 /* bytes of an index's name and its NUL */
#define RDT_INDEX_TOKEN_LEN 16 /* bytes of a token */

/* What the catalogue says of an index, by the numbers of docs/formats/searchable.md. All of it goes
 * into the key: another normaliser makes other tokens. */
struct rdt_index_spec {
    size_t size;                    /* sizeof(struct rdt_index_spec) */
    uint8_t ring[RDT_ID_LEN];       /* of the index: never one of data */
    uint8_t domain[RDT_ID_LEN];     /* columns that are joined share one */
    char name[RDT_INDEX_NAME_ROOM]; /* 1 byte or more, then a NUL */
    uint8_t kind;                   /* 1: unique, 2: truncated */
    uint8_t bits;                   /* 128 where unique, 1 to 40 where truncated */
    uint8_t rule, version;          /* how values are written first: raw 1, e-mail 2, phone 3,
                                       digits 4, name 5, date 6; version 1 */
    uint8_t local;                  /* e-mail: 1 fold, 2 keep, 3 without its tag; else 0 */
    uint8_t order;                  /* date: 1 ISO, 2 day first, 3 month first; else 0 */
    uint8_t trunk;                  /* phone: a digit left out before national numbers, or 0 */
    uint8_t zero;
    uint16_t country; /* phone: calling code of national numbers; 0: they are refused */
};

/*
 * rdt_index_new - an index, as the application's catalogue has it.
 *
 *   out   caller frees with rdt_index_free(), after its last use and before the keyring
 *
 * Fails: RDT_FIELD_USAGE, RDT_FIELD_INDEX (there is none like that), RDT_FIELD_NOMEM,
 * RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_index_new(struct rdt_keyring *keyring,
                                                          const struct rdt_index_spec *spec,
                                                          struct rdt_index **out);

/* rdt_index_free - NULL is fine. */
RDT_PUBLIC void rdt_index_free(struct rdt_index *index);

/* ---- sessions and values ---- */

/*
 * rdt_session_new - one thread's working memory; a session may go from thread to thread, used by
 * one at a time. Keys of more tenants and columns than it has slots for are derived anew, some
 * microseconds each.
 *
 *   out   caller frees with rdt_session_free(), before the keyring
 *
 * Fails: RDT_FIELD_NOMEM, RDT_FIELD_UNLOCKED, RDT_FIELD_INTERNAL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_session_new(struct rdt_keyring *keyring,
                                                            struct rdt_session **out);

/* rdt_session_free - wipe and free; NULL is fine. */
RDT_PUBLIC void rdt_session_free(struct rdt_session *session);

/* One value. Everything in it is the caller's. */
struct rdt_item {
    const uint8_t *tenant;      /* RDT_ID_LEN bytes: whose value it is */
    const void *row;            /* the row's key, where the column is bound to its row */
    size_t row_n;               /* bytes, 1 or more there; 0 elsewhere */
    const void *in;             /* plaintext, or value */
    size_t in_n;                /* bytes */
    void *out;                  /* value, plaintext or token; apart from in */
    size_t out_room;            /* bytes there */
    size_t out_n;               /* becomes how many of them the result takes */
    enum rdt_field_fault fault; /* becomes what went wrong with this one */
};

/* rdt_value_len - bytes of the value of a plaintext of n bytes; 0: it is too long. */
RDT_PUBLIC size_t rdt_value_len(const struct rdt_column *column, size_t n);

/*
 * rdt_encrypt - encrypt n items of a column, each under the current key of its tenant.
 * rdt_decrypt - the reverse; out needs in_n - RDT_VALUE_OVER bytes of room.
 * rdt_verify - whether the values are of this column, their tenants and rows; reads no plaintext,
 * writes nothing to out, and says nothing of a value's body. Needs the verify keys alone.
 *
 * Where a key is missing nothing is done at all and RDT_FIELD_NEED returned, here and in each item
 * that needs it. Otherwise every item is done or has its fault, and the first fault is returned;
 * out_n of an item that failed is 0.
 *
 * Faults: all of the enum but RDT_FIELD_ANSWER.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_encrypt(struct rdt_session *session,
                                                        const struct rdt_column *column,
                                                        struct rdt_item *items, size_t n);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_decrypt(struct rdt_session *session,
                                                        const struct rdt_column *column,
                                                        struct rdt_item *items, size_t n);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_verify(struct rdt_session *session,
                                                       const struct rdt_column *column,
                                                       struct rdt_item *items, size_t n);

/*
 * rdt_tokenize - the tokens of n plaintexts under the current keys of their tenants, to be stored
 * beside the values or looked for; each takes RDT_INDEX_TOKEN_LEN bytes of out. What a search found
 * is decrypted and compared: several values share a truncated token, and who writes the database
 * may put any token anywhere. During a rotation of the index's ring the database is asked for both.
 *
 *   epoch   0: the current key; or that of another epoch, for the tokens of values written then
 *
 * Returns, and needs keys, as rdt_encrypt(); also RDT_FIELD_TEXT, RDT_FIELD_FORM, RDT_FIELD_UNCLEAR
 * of a plaintext that the index's rule refuses.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_tokenize(struct rdt_session *session,
                                                         const struct rdt_index *index,
                                                         uint16_t epoch, struct rdt_item *items,
                                                         size_t n);

/*
 * rdt_text_from_value - "rd1." and base64url, for columns that hold text.
 * rdt_text_to_value - the reverse; one text alone is taken for each value.
 *
 *   out      rdt_text_len(n), or text_n, bytes of room; apart from the input.  The text ends
 *            without a NUL
 *   out_n    becomes bytes there
 *
 * Fails: RDT_FIELD_NO_ROOM, RDT_FIELD_NOT_RF1, RDT_FIELD_NOMEM.
 */
RDT_PUBLIC size_t rdt_text_len(size_t value_n);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_text_from_value(const void *value, size_t value_n, char *out, size_t room, size_t *out_n);
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_text_to_value(const char *text, size_t text_n, void *out, size_t room, size_t *out_n);

/* What stands in a value for all to see; no key is needed, and nothing of it is proved. */
struct rdt_value_head {
    uint32_t handle;
    uint16_t epoch;
    uint8_t suite;
    uint8_t zero; /* for later */
};

/* rdt_value_look - take a value's head.  Fails: RDT_FIELD_NOT_RF1. */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_value_look(const void *value, size_t n,
                                                           struct rdt_value_head *out);

/* ---- keys that verify and cannot read ---- */

/*
 * rdt_verify_key - the verify key of a column and tenant, for somebody who shall prove where
 * values belong and read none. He could forge such proofs.
 *
 *   epoch   0: the current one
 *   out     RDT_KEK_LEN bytes; the caller wipes them
 *   about   becomes handle and epoch of the key
 *
 * Fails: RDT_FIELD_NEED, RDT_FIELD_KEY, RDT_FIELD_USAGE, RDT_FIELD_FORKED, RDT_FIELD_INTERNAL.
 */
struct rdt_verify_key_ask {
    const struct rdt_column *column;
    const uint8_t *tenant; /* RDT_ID_LEN bytes */
    uint16_t epoch;
};
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_verify_key(struct rdt_session *session,
                                                           const struct rdt_verify_key_ask *ask,
                                                           uint8_t *out,
                                                           struct rdt_value_head *about);

/* A verify key, as rdt_verify_key() gave it. */
struct rdt_verifier {
    uint8_t tenant[RDT_ID_LEN];
    uint32_t handle;
    uint16_t epoch;
    uint16_t zero;
    uint32_t ttl_s; /* seconds that it may be kept */
    uint8_t key[RDT_KEK_LEN];
};

/*
 * rdt_column_put_verifier - let sessions verify a tenant's values of an epoch in this column.
 *
 *   verifier   copied; the caller wipes its own
 *
 * Fails: as rdt_keyring_put().
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_column_put_verifier(struct rdt_column *column, const struct rdt_verifier *verifier);

/* ---- needs: keys from the key service, without I/O of ours ---- */

/*
 * rdt_need_take - take over a need that nobody is seeing to: of a key that a call lacked, or of one
 * that is in use and will soon be too old. Single flight: a key is one need at a time.
 *
 *   out   NULL: there is none now.  Caller ends it by rdt_need_answer() or rdt_need_fail()
 *
 * Fails: RDT_FIELD_NOMEM, RDT_FIELD_UNLOCKED, RDT_FIELD_INTERNAL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_need_take(struct rdt_keyring *keyring,
                                                          struct rdt_need **out);

/*
 * rdt_need_wait - until there may be a need to take, or a key came, or timeout_ms passed; it does
 * nothing else, and may wake without a reason.
 */
RDT_PUBLIC void rdt_need_wait(struct rdt_keyring *keyring, uint32_t timeout_ms);

/* The request: POST /v1/kek/export of the key service, signed as any. */
struct rdt_need_request {
    const char *operation; /* "redoubt:KekExport", as policies call it */
    const char *path;      /* "/v1/kek/export" */
    const char *body;      /* JSON */
    size_t body_n;         /* bytes */
};

/* rdt_need_look - what to send; borrowed until the need is ended. */
RDT_PUBLIC void rdt_need_look(const struct rdt_need *need, struct rdt_need_request *out);

/*
 * rdt_need_answer - the body of the service's answer (status 200); ends the need, also when it
 * fails, as by RDT_NEED_UNREACHABLE.
 *
 * Fails: RDT_FIELD_ANSWER, RDT_FIELD_FULL, RDT_FIELD_NOMEM, RDT_FIELD_INTERNAL.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_need_answer(struct rdt_need *need, const void *body,
                                                            size_t n);

enum rdt_need_failure {
    RDT_NEED_UNREACHABLE, /* no answer, or a fault of the service: asked again after a while; keys
                             that are here serve on, for the grace that the keyring was given */
    RDT_NEED_REFUSED      /* by the service: the tenant's key is forgotten at once, and not asked
                             for again for RDT_REFUSED_S */
};

#define RDT_REFUSED_S 30 /* seconds that a refused key counts as one that cannot be had */

/* rdt_need_fail - there is no answer; ends the need. */
RDT_PUBLIC void rdt_need_fail(struct rdt_need *need, enum rdt_need_failure failure);

#ifdef __cplusplus
}
#endif

#endif
