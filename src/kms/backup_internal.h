/*
 * backup_internal.h - the bytes of a backup.
 */
#ifndef RDT_KMS_BACKUP_INTERNAL_H
#define RDT_KMS_BACKUP_INTERNAL_H

#include "crypto/worker.h"
#include "kms/backup.h"

/* rdt_backup_put_head - append the head without its MAC. */
void rdt_backup_put_head(const struct rdt_backup_info *info, struct rdt_buf *out);

/*
 * rdt_backup_mac - of a head's bytes, under a key that is made from the root's item "rows".
 * Fails: RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_backup_mac(const struct rdt_secret *rows,
                                            const uint8_t deployment[static 16],
                                            struct rdt_span head, uint8_t out[static 32],
                                            struct rdt_err *err);

/* A part's hash, chunk by chunk: SHA-256 over the SHA-256 of each RDT_BACKUP_CHUNK. */
struct backup_hash {
    struct rdt_buf chunks; /* their hashes; freed by rdt_backup_hash_end() */
};

/* rdt_backup_hash_add - the next chunk.  Fails: RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_backup_hash_add(struct backup_hash *hash, struct rdt_span chunk,
                                                 struct rdt_err *err);
/* rdt_backup_hash_end - the hash; frees the rest, also after a failure.  Fails: RDT_E_INTERNAL,
 * RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_backup_hash_end(struct backup_hash *hash,
                                                 uint8_t out[static RDT_SHA256_LEN],
                                                 struct rdt_err *err);

/* rdt_backup_read_all - exactly n bytes of a file at an offset.  Fails: RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_backup_read_all(int fd, uint64_t at, uint8_t *out, size_t n,
                                                 struct rdt_err *err);

#endif
