/*
 * seal.h - the head of a sealed file, RBF1: what is known before anything is decrypted, and who can
 * open it. Bytes only: files and pipes are room work's.
 *
 *   core | slot | slot | body        body: salt 24 | commitment 32 | chunks of 16 KiB (chunk.h)
 *
 * The core is written once. A slot is a list of recipients (recipient.h), authenticated under a key
 * of the file; there are two, so that one is whole while the other is written over. The body ends
 * in a footer (footer.h). A file key, 32 random bytes, is behind all of it.
 *
 * To write: rdt_seal_core_make(), rdt_seal_add_...() for each recipient, rdt_seal_slot_make();
 * core, slot and the same slot again are the head. Then rdt_seal_body_new() and its chunks. To
 * read: rdt_seal_head_len(), rdt_seal_head_read(); rdt_seal_next() gives stanzas until one's key is
 * had, rdt_seal_unlock(); then rdt_seal_body_open().
 *
 * Format: docs/formats/sealed-file.md. No call does I/O; threads share nothing but what is const.
 */
#ifndef RDT_SEAL_SEAL_H
#define RDT_SEAL_SEAL_H

#include "base/buf.h"
#include "crypto/worker.h"
#include "seal/chunk.h"

#define RDT_SEAL_FRONT_LEN ((size_t)28)       /* bytes that say how long the head is */
#define RDT_SEAL_FILE_ID_LEN ((size_t)16)     /* bytes */
#define RDT_SEAL_POLICY_MAX ((size_t)4096)    /* bytes of a core's policy */
#define RDT_SEAL_ASSET_MAX ((size_t)255)      /* bytes of an asset's name */
#define RDT_SEAL_SLOT_LEN 4096u               /* bytes of a slot where nobody says otherwise */
#define RDT_SEAL_SLOT_MIN 512u                /* bytes of a slot */
#define RDT_SEAL_SLOT_MAX 262144u             /* bytes of a slot */
#define RDT_SEAL_SLOT_OVER ((size_t)44)       /* bytes of a slot that are not stanzas */
#define RDT_SEAL_STANZAS_MAX 64               /* stanzas of a slot */
#define RDT_SEAL_TIME_MAX (UINT64_C(1) << 53) /* milliseconds since 1970 */

/* Why a sealed file cannot be had. */
enum rdt_seal_fault {
    RDT_SEAL_OK,
    RDT_SEAL_NOT_RBF1,  /* no sealed file, or too short for one */
    RDT_SEAL_VERSION,   /* of a later version or suite */
    RDT_SEAL_HEAD,      /* the head is damaged: core, or both lists of recipients */
    RDT_SEAL_RECIPIENT, /* no key at hand is a recipient's */
    RDT_SEAL_REMOVED,   /* the key is one of an older list; the newest does not have it */
    RDT_SEAL_KEY,   /* the key that a recipient gave is not this file's, or the head was changed */
    RDT_SEAL_SLOTS, /* two lists of recipients of one generation that differ */
    RDT_SEAL_ROLLBACK,   /* the newest list is older than the caller has seen */
    RDT_SEAL_WRONG_BODY, /* the body is not of this head: its commitment is another's */
    RDT_SEAL_BODY,       /* a chunk is damaged, moved, or cut */
    RDT_SEAL_INCOMPLETE, /* it was never finished: no last chunk, no footer, or a producer failed */
    RDT_SEAL_FOOTER,     /* the footer says what is not so: sizes, order, frames */
    RDT_SEAL_HASH,       /* the hash in the footer is another */
    RDT_SEAL_FRAME,      /* a compressed frame does not decompress to what the format allows */
    RDT_SEAL_COST,       /* a passphrase's cost is above or below what is allowed */
    RDT_SEAL_LIMIT,      /* above a limit of this room */
    RDT_SEAL_USAGE,      /* what the caller gave cannot be sealed so */
    RDT_SEAL_INTERNAL,
    RDT_SEAL_NFAULTS
};

/* rdt_seal_fault_words - in words, without a value. */
const char *rdt_seal_fault_words(enum rdt_seal_fault fault);

/*
 * rdt_seal_fail - a fault as a result with its words: RDT_E_BADINPUT, RDT_E_DENIED (no recipient),
 * RDT_E_TAMPERED, RDT_E_STATE (incomplete, rolled back), RDT_E_LIMIT, RDT_E_INTERNAL.
 */
enum rdt_code rdt_seal_fail(struct rdt_err *err, enum rdt_seal_fault fault);

/* ---- the core ---- */

enum rdt_seal_level {
    RDT_SEAL_NO_LEVEL,
    RDT_SEAL_LOW,
    RDT_SEAL_MEDIUM,
    RDT_SEAL_HIGH,
    RDT_SEAL_CRITICAL
};

/* How the plaintext is stored. In the core, since a reader of a pipe has to know before the end. */
enum rdt_seal_coding {
    RDT_SEAL_RAW, /* the payload is the plaintext */
    RDT_SEAL_ZSTD /* frames of zstd, 1 MiB of plaintext each, and their table (frame.h) */
};

/* What the writer says of the file; in clear, authenticated under the file key. 0, empty: unsaid.
 */
struct rdt_seal_policy {
    struct rdt_span asset; /* a name for people: 1..RDT_SEAL_ASSET_MAX bytes, rdt_text_fit() */
    enum rdt_seal_level level;
    int64_t created_ms, expires_ms; /* since 1970 */
    struct rdt_span ring;           /* UUID, 16 bytes: the ring of the backup keys */
    enum rdt_seal_coding coding;
};

/*
 * rdt_seal_core_make - append a core.
 *
 *   file_id    random, of this file alone: rdt_random()
 *   slot_len   bytes of each slot, RDT_SEAL_SLOT_MIN to RDT_SEAL_SLOT_MAX
 *   policy     may be NULL
 *
 * Fails, with nothing appended: RDT_SEAL_USAGE (a value above), RDT_SEAL_INTERNAL (no memory).
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_core_make(const uint8_t *file_id, uint32_t slot_len,
                                                      const struct rdt_seal_policy *policy,
                                                      struct rdt_buf *out);

/* rdt_seal_slot_len - bytes of a slot that has room for twice as many bytes of stanzas as it gets
 * now, so that recipients can be added: a power of two.  0: too many. */
uint32_t rdt_seal_slot_len(size_t stanzas_len);

/* ---- the head ---- */

struct rdt_seal_slot {
    struct rdt_span bytes; /* all of it */
    bool readable;         /* it could be taken apart; nothing is verified yet */
    bool passphrase;       /* its one stanza is a passphrase's */
    uint64_t generation;
    struct rdt_span stanzas;
};

/* A head taken apart; borrowed. */
struct rdt_seal_head {
    struct rdt_span core, file_id;
    uint32_t slot_len;
    struct rdt_seal_policy policy;
    struct rdt_seal_slot slots[2];
};

/*
 * rdt_seal_head_len - how long a head is, by its first RDT_SEAL_FRONT_LEN bytes.
 *
 *   len   core and both slots; at most RDT_SEAL_FRONT_LEN + RDT_SEAL_POLICY_MAX +
 *         2 * RDT_SEAL_SLOT_MAX
 *
 * Fails: RDT_SEAL_NOT_RBF1, RDT_SEAL_VERSION, RDT_SEAL_HEAD.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_head_len(struct rdt_span front, size_t *len);

/* rdt_seal_slot_at - offset in the file of a slot, 0 or 1. */
size_t rdt_seal_slot_at(const struct rdt_seal_head *head, unsigned slot);

/*
 * rdt_seal_head_read - take a head apart; one slot of the two may be damaged. No key is needed, so
 * nothing of it is proved yet.
 *
 *   bytes   the head, or more
 *
 * Fails: RDT_SEAL_NOT_RBF1, RDT_SEAL_VERSION, RDT_SEAL_HEAD.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_head_read(struct rdt_span bytes,
                                                      struct rdt_seal_head *out);

/* ---- slots ---- */

/*
 * rdt_seal_slot_make - append a slot: core's slot length.
 *
 *   core         as rdt_seal_core_make() wrote it
 *   file_key     RDT_KEY_LEN bytes
 *   generation   1 in a new file
 *   stanzas      by rdt_seal_add_...(): 1 to RDT_SEAL_STANZAS_MAX; a passphrase's alone
 *
 * Fails, with nothing appended: RDT_SEAL_LIMIT (they do not fit), RDT_SEAL_USAGE (no stanza; a
 * passphrase beside others), RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_slot_make(struct rdt_worker *worker,
                                                      struct rdt_span core,
                                                      const struct rdt_secret *file_key,
                                                      uint64_t generation, struct rdt_span stanzas,
                                                      struct rdt_buf *out);

/* Where in the head a search for a key stands; {0} at the beginning. */
struct rdt_seal_at {
    unsigned tried;       /* slots that are done */
    unsigned slot;        /* the one that the stanza came from */
    struct rdt_span left; /* its stanzas behind that one */
};

struct rdt_seal_stanza; /* recipient.h */

/*
 * rdt_seal_next - the next stanza of a kind that is known: those of the slot with the higher
 * generation first; then those of the other, unless it is the same bytes.  false: no more.
 */
bool rdt_seal_next(const struct rdt_seal_head *head, struct rdt_seal_at *at,
                   struct rdt_seal_stanza *out);

/*
 * rdt_seal_unlock - whether a file key is this file's, and the list that it came from the newest.
 *
 *   at        where its stanza was found; at->slot is the newest slot on success
 *   oldest    generations below are a rollback; 0 or 1: any will do
 *
 * Fails: RDT_SEAL_KEY (go on with rdt_seal_next(): another may have it), RDT_SEAL_REMOVED,
 * RDT_SEAL_SLOTS, RDT_SEAL_ROLLBACK, RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault
rdt_seal_unlock(struct rdt_worker *worker, const struct rdt_seal_head *head,
                const struct rdt_seal_at *at, const struct rdt_secret *file_key, uint64_t oldest);

/* How recipients are changed in place: write slot at[0], sync, write it at[1], sync. */
struct rdt_seal_change {
    struct rdt_buf slot; /* what is written; caller: rdt_buf_done() */
    uint64_t generation;
    size_t at[2]; /* offsets in the file: the slot that is not in use comes first */
};

/*
 * rdt_seal_reseal - the slot that takes the place of both.  Whoever was a recipient may have
 * kept the file key: this revokes nothing.
 *
 *   at        as rdt_seal_unlock() had it
 *   stanzas   all recipients from now on
 *   out       {0}
 *
 * Fails: as rdt_seal_slot_make(); RDT_SEAL_LIMIT also when there is no higher generation.
 */
RDT_MUST_CHECK enum rdt_seal_fault
rdt_seal_reseal(struct rdt_worker *worker, const struct rdt_seal_head *head,
                const struct rdt_seal_at *at, const struct rdt_secret *file_key,
                struct rdt_span stanzas, struct rdt_seal_change *out);

/* ---- the body ---- */

/*
 * rdt_seal_body_new - the chunks of a new body.
 *
 *   front   becomes salt and commitment: what the body begins with
 *   out     caller frees with rdt_chunks_free(); belongs to worker's thread
 *
 * Fails: RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_body_new(struct rdt_worker *worker,
                                                     struct rdt_span core,
                                                     const struct rdt_secret *file_key,
                                                     uint8_t front[static RDT_CHUNK_FRONT_LEN],
                                                     struct rdt_chunks **out);

/*
 * rdt_seal_body_open - the chunks of a body that is there.
 *
 *   front   the RDT_CHUNK_FRONT_LEN bytes that follow the head
 *
 * Fails: RDT_SEAL_INCOMPLETE (too short), RDT_SEAL_WRONG_BODY, RDT_SEAL_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_seal_fault rdt_seal_body_open(struct rdt_worker *worker,
                                                      struct rdt_span core,
                                                      const struct rdt_secret *file_key,
                                                      struct rdt_span front,
                                                      struct rdt_chunks **out);

#endif
