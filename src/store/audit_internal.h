/*
 * audit_internal.h - the log that is open for appending, shared by the files that open it
 * (audit_open.c), give it segments (audit_segment.c) and append to it (audit.c).
 */
#ifndef RDT_STORE_AUDIT_INTERNAL_H
#define RDT_STORE_AUDIT_INTERNAL_H

#include "store/audit_format_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define AUDIT_SYNCS_KEPT 1024

/* The next segment, made by a thread of its own before it is needed. One file at a time. */
enum audit_making { AUDIT_NOT_MADE, AUDIT_BEING_MADE, AUDIT_MADE, AUDIT_FAILED };

struct audit_maker {
    enum audit_making state; /* of the appending thread */
    pthread_t thread;        /* valid while AUDIT_BEING_MADE */
    atomic_bool ended;       /* it can be joined without waiting */
    int dir;
    uint64_t number, bytes;
    enum rdt_code code; /* of the thread; read after joining it */
    struct rdt_err err;
};

struct audit_counts {
    pthread_mutex_t lock;
    struct rdt_audit_stats sums;
    uint32_t sync_us[AUDIT_SYNCS_KEPT]; /* a ring; the newest is at (syncs - 1) */
};

/* Which file a segment is. */
struct audit_inode {
    dev_t dev;
    ino_t ino;
};

struct rdt_audit {
    struct rdt_worker *worker;
    struct rdt_signer *signer; /* borrowed */
    char *path;                /* of the folder */
    int dir;                   /* locked */
    int fd;                    /* of the segment that is written */
    char name[AUDIT_NAME_LEN];
    struct audit_header header; /* of that segment */
    uint64_t segment_bytes;     /* of those made from now on */
    struct audit_keys keys;
    uint64_t at;                   /* offset of the next frame */
    uint64_t frame;                /* its number */
    uint8_t link[RDT_SHA256_LEN];  /* what it says about the one before */
    struct rdt_merkle tree, grown; /* grown: with the frame that is being written */
    bool has_last;
    struct rdt_checkpoint last;
    uint8_t *bytes; /* where frames are put together */
    size_t cap;
    struct audit_inode *inodes; /* of segments 0 to header.number */
    size_t cap_inodes;
    struct timespec looked; /* when the folder was changed before we last looked */
    uint64_t sync_us;       /* what a write and sync takes lately */
    uint64_t dirty;         /* bytes behind at that a failed write may have left; 0: none */
    struct audit_maker maker;
    struct audit_counts counts;
    struct rdt_err dead; /* code RDT_OK while it lives */
};

/* rdt_audit_die - record that nothing can be appended any more, and return code. */
enum rdt_code rdt_audit_die(struct rdt_audit *audit, enum rdt_code code, struct rdt_err *err,
                            const char *fmt, ...) RDT_PRINTF(4, 5);

/* rdt_audit_write_at - write all of the bytes.  Fails: RDT_E_FULL (errno says no space), RDT_E_IO;
 * the text names the segment. */
RDT_MUST_CHECK enum rdt_code rdt_audit_write_at(int fd, const char *name, struct rdt_span bytes,
                                                uint64_t at, struct rdt_err *err);

/* rdt_audit_zero - write n zeroes.  Fails: as above. */
RDT_MUST_CHECK enum rdt_code rdt_audit_zero(int fd, const char *name, uint64_t at, uint64_t n,
                                            struct rdt_err *err);

/* rdt_audit_reserve - bytes at the end of a segment that are kept for administrators while no next
 * segment is there. */
uint64_t rdt_audit_reserve(uint64_t segment_bytes);

/*
 * rdt_audit_next_start - let the next segment be made in the background, unless that has been
 * started, or tried, before.
 */
void rdt_audit_next_start(struct rdt_audit *audit);

/*
 * rdt_audit_next_ready - whether the next segment is there.
 *
 *   wait   wait for it, and where it failed before, try again
 *   why    why not; NULL allowed
 */
bool rdt_audit_next_ready(struct rdt_audit *audit, bool wait, struct rdt_err *why);

/* rdt_audit_next_forget - wait for the thread, if there is one. */
void rdt_audit_next_forget(struct rdt_audit *audit);

/*
 * rdt_audit_begin - begin a segment that has been made: its header, its name, its keys. It becomes
 * the one that is written.
 *
 *   number   0 for a new log, else one more than header.number
 *
 * Fails: RDT_E_FULL (nothing is begun), RDT_E_IO and RDT_E_INTERNAL (the log is dead).
 */
RDT_MUST_CHECK enum rdt_code rdt_audit_begin(struct rdt_audit *audit, uint64_t number,
                                             struct rdt_err *err);

/* rdt_audit_make - make segment number's file under its working name, full of zeroes and synced.
 * Fails: RDT_E_FULL, RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_audit_make(int dir, uint64_t number, uint64_t bytes,
                                            struct rdt_err *err);

/* rdt_audit_remember - note which file a segment is.  Fails: RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_audit_remember(struct rdt_audit *audit, uint64_t number,
                                                struct audit_inode inode, struct rdt_err *err);

/* rdt_audit_payload_max - bytes of records, each with 4 more for its length, that one frame takes.
 */
size_t rdt_audit_payload_max(const struct rdt_audit *audit);

/* rdt_audit_sync_us - what writing and syncing a frame takes lately. */
int64_t rdt_audit_sync_us(const struct rdt_audit *audit);

/* rdt_audit_room - whether a record of an ordinary caller would find room; tries to make some.
 * Fails: RDT_E_FULL, and as rdt_audit_append() on a dead log. */
RDT_MUST_CHECK enum rdt_code rdt_audit_room(struct rdt_audit *audit, struct rdt_err *err);

#endif
