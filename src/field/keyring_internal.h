/*
 * keyring_internal.h - what keyring, columns, sessions and needs know of each other.
 *
 * Locks: the keyring's mutex first, then that of one session. A session's own thread holds its
 * session's mutex while it works with keys, so that who takes that mutex can wipe them.
 */
#ifndef RDT_FIELD_KEYRING_INTERNAL_H
#define RDT_FIELD_KEYRING_INTERNAL_H

#include "field/keys.h"
#include "field/token.h"
#include "redoubt/redoubt.h"

#include <pthread.h>

#define RDT_NOBODY UINT32_MAX /* no index */

/* Whether somebody is asking for a key, and how that went. */
enum rdt_want_state { RDT_WANT_NOT, RDT_WANT_WAITS, RDT_WANT_ASKED, RDT_WANT_REFUSED };

struct rdt_want {
    enum rdt_want_state state;
    bool used;        /* since the last answer: worth to be kept fresh */
    bool unreachable; /* the last time it was asked for; the key serves on for the grace */
    int64_t until_ms; /* refused until; or not to be asked for before */
    uint64_t claim;   /* of the need that asks */
};

/* A key of a tenant and an epoch: held, or wanted. */
struct rdt_ring_key {
    uint16_t epoch; /* 0: the entry is free */
    bool held;
    uint32_t next; /* of the same tenant, or free */
    int64_t until_ms, ttl_ms;
    struct rdt_want want;
};

/* A tenant in a ring. */
struct rdt_ring_tenant {
    bool taken;
    uint8_t ring[RDT_ID_LEN], id[RDT_ID_LEN];
    uint32_t handle;          /* 0: not known yet */
    uint16_t current;         /* epoch to encrypt under; 0: not known */
    uint32_t first;           /* key */
    uint32_t next;            /* in its bucket, or free */
    int64_t until_ms, ttl_ms; /* of what is current */
    struct rdt_want want;     /* of what is current */
};

struct rdt_keyring {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a need, an answer */
    unsigned made_in;       /* rdt_forks() then */
    int64_t ttl_ms, grace_ms;
    uint32_t n_most; /* tenants, and keys */
    uint32_t free_tenant, free_key;
    uint32_t cursor; /* where the next need is looked for */
    uint64_t claims; /* needs that were taken */
    uint64_t columns_made;
    uint32_t *buckets;
    struct rdt_ring_tenant *tenants;
    struct rdt_ring_key *keys;
    struct rdt_secret_block *secrets; /* of keys, by index */
    struct rdt_worker *worker;        /* for the next need; NULL: it is out */
    uint32_t n_slots;                 /* of each session */
    struct rdt_session *sessions;
    struct rdt_column *columns;
};

/* A verify key that was put into a column. */
struct rdt_column_verifier {
    uint8_t tenant[RDT_ID_LEN];
    uint32_t handle;
    uint16_t epoch;
    int64_t until_ms;
    struct rdt_secret key;
};

struct rdt_column {
    struct rdt_keyring *keyring;
    struct rdt_column *next;
    uint64_t number; /* of the keyring; never used again */
    uint8_t ring[RDT_ID_LEN];
    struct rdt_field_column place;       /* tenant: none */
    const struct rdt_field_index *index; /* what it is instead: keys of tokens; NULL: a column */
    struct rdt_column_verifier *verifiers;
    size_t n_verifiers, room_verifiers;
};

/* An index has slots in sessions as a column has. */
struct rdt_index {
    struct rdt_column column;
    struct rdt_field_index definition; /* tenant: none */
    char name[RDT_INDEX_NAME_ROOM];
};

/* rdt_column_add, rdt_column_remove - put a column among those of its keyring, and take it away. */
void rdt_column_add(struct rdt_column *column);
void rdt_column_remove(struct rdt_column *column);

/* What a session derives its keys from; borrowed while the keyring's lock is held. */
struct rdt_found {
    uint32_t handle;
    uint16_t epoch;
    int64_t until_ms;
    const struct rdt_secret *key; /* a KEK */
};

/* rdt_forks - how often this process is the child of a fork since the first keyring. */
unsigned rdt_forks(void);

/* rdt_keyring_here - whether the keyring was made by this process. */
static inline bool
rdt_keyring_here(const struct rdt_keyring *keyring)
{
    return keyring->made_in == rdt_forks();
}

/* rdt_same_id - whether two UUIDs are the same. */
static inline bool
rdt_same_id(const uint8_t *a, const uint8_t *b)
{
    return rdt_span_eq((struct rdt_span){a, RDT_ID_LEN}, (struct rdt_span){b, RDT_ID_LEN});
}

/* rdt_field_fault_of - what a room below said, in the words of the library. */
enum rdt_field_fault rdt_field_fault_of(enum rdt_code rc);

/* rdt_boot_ms - milliseconds since the machine started, sleep included. */
int64_t rdt_boot_ms(void);

/*
 * rdt_keyring_find - the key of a tenant, with the lock held.
 *
 *   epoch    0: the current one
 *   handle   as the value says; 0: nothing says one
 *
 * RDT_FIELD_NEED: it is wanted now, and somebody who waits for needs has been woken.
 */
struct rdt_find {
    const uint8_t *ring, *tenant;
    uint16_t epoch;
    uint32_t handle;
    int64_t now_ms;
};
enum rdt_field_fault rdt_keyring_find(struct rdt_keyring *keyring, const struct rdt_find *find,
                                      struct rdt_found *out);

/* rdt_keyring_tenant - a tenant's entry, with the lock held; NULL: it has none. */
struct rdt_ring_tenant *rdt_keyring_tenant(struct rdt_keyring *keyring, const uint8_t *ring,
                                           const uint8_t *tenant);

/* rdt_keyring_key - a tenant's key of an epoch, held or wanted; NULL: there is no entry. */
struct rdt_ring_key *rdt_keyring_key(struct rdt_keyring *keyring,
                                     const struct rdt_ring_tenant *tenant, uint16_t epoch);

/* What is kept. */
struct rdt_keep {
    const uint8_t *ring, *tenant;
    uint32_t handle;
    uint16_t epoch, current;
    bool asked_current;       /* the answer to which epoch is current, too */
    int64_t since_ms, ttl_ms; /* from when it was asked for */
    struct rdt_span key;      /* RDT_KEK_LEN bytes */
};

/* rdt_keyring_keep - keep a key, with the lock held.  Faults: RDT_FIELD_FULL, RDT_FIELD_USAGE (the
 * tenant has another handle). */
enum rdt_field_fault rdt_keyring_keep(struct rdt_keyring *keyring, const struct rdt_keep *keep);

/* rdt_keyring_forget - wipe keys, with the lock held, wherever they are.  tenant NULL: of all;
 * epoch 0: all of them. */
void rdt_keyring_forget(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant,
                        uint16_t epoch);

/* rdt_keyring_refuse - the same, and answer RDT_FIELD_KEY for RDT_REFUSED_S. */
void rdt_keyring_refuse(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant,
                        uint16_t epoch);

/*
 * rdt_session_with_kek - let a function make something of a tenant's KEK, with the keyring's lock
 * held: it calls nothing of a keyring, and is quick.
 *
 *   use   its failure is RDT_FIELD_INTERNAL
 *
 * Faults: those of rdt_keyring_find(), RDT_FIELD_USAGE, RDT_FIELD_FORKED.
 *
 * rdt_session_worker - the session's; NULL: it was made before a fork.
 */
struct rdt_session_ask {
    const struct rdt_column *column;
    const uint8_t *tenant;
    uint16_t epoch;  /* 0: the current one */
    uint32_t handle; /* 0: nothing says one */
};
enum rdt_field_fault rdt_session_with_kek(
    struct rdt_session *session, const struct rdt_session_ask *ask,
    enum rdt_code (*use)(struct rdt_worker *worker, const struct rdt_field_kek *kek, void *of),
    void *of);
struct rdt_worker *rdt_session_worker(struct rdt_session *session);

/* rdt_session_forget - wipe what sessions made of such keys, with the keyring's lock held. Of
 * current_only: what they hold as the current key. */
struct rdt_session_wipe {
    const uint8_t *ring, *tenant; /* tenant NULL: all */
    uint16_t epoch;               /* 0: all */
    bool current_only;
};
void rdt_session_forget(struct rdt_keyring *keyring, const struct rdt_session_wipe *wipe);

/* rdt_column_verifier - a verify key that was put in, with the lock held; NULL: there is none. */
struct rdt_column_verifier *rdt_column_verifier(struct rdt_column *column, const uint8_t *tenant,
                                                uint16_t epoch);

/* rdt_column_forget - the same for verify keys that were put into columns. */
void rdt_column_forget(struct rdt_keyring *keyring, const uint8_t *ring, const uint8_t *tenant);

#endif
