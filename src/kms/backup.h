/*
 * backup.h - a service in one file: its root.json, a consistent copy of its store, its newest audit
 * checkpoint. It holds wrapped keys only: without what opens its root nothing in it can be read,
 * and nothing can be changed unseen.
 *
 * Format: docs/formats/backup.md.
 */
#ifndef RDT_KMS_BACKUP_H
#define RDT_KMS_BACKUP_H

#include "kms/kms.h"

#define RDT_BACKUP_HEAD_MAX ((size_t)4096)     /* bytes before a backup's parts */
#define RDT_BACKUP_STORE_MAX ((size_t)1 << 39) /* bytes of the store in a backup */
#define RDT_BACKUP_CHUNK ((size_t)1024 * 1024) /* bytes that are hashed and copied at a time */
#define RDT_BACKUP_VERSION_TEXT 32             /* bytes of a program version, NUL included */

struct rdt_backup_part {
    uint64_t n;
    uint8_t hash[RDT_SHA256_LEN];
};

/* What a backup says of itself. */
struct rdt_backup_info {
    uint8_t deployment[16];
    uint64_t created_ms;
    uint64_t revision; /* of the store */
    char version[RDT_BACKUP_VERSION_TEXT];
    uint8_t checkpoint[RDT_AUDIT_CHECKPOINT_MAX];
    size_t checkpoint_n; /* 0: the log had none yet */
    struct rdt_backup_part root, store;
};

/* ---- making one ---- */

struct rdt_backup; /* prepared: the store is copied */

/*
 * rdt_backup_make - copy store and root of an open service, also while it is in use, as
 * DATA/.backup.db; hash and authenticate it.
 *
 *   data   the service's folder
 *   out    caller closes it with rdt_backup_close(), which removes the copy
 *
 * Fails, leaving nothing: as rdt_store_copy() and rdt_root_load(); RDT_E_STATE (the root kept
 * changing).  From any thread, one at a time.
 */
RDT_MUST_CHECK enum rdt_code rdt_backup_make(struct rdt_kms *kms, const char *data,
                                             struct rdt_backup **out, struct rdt_err *err);

/* rdt_backup_size - bytes of the whole. */
uint64_t rdt_backup_size(const struct rdt_backup *backup);

/* Takes the next bytes of a backup. */
typedef enum rdt_code rdt_backup_sink(void *user, struct rdt_span bytes, struct rdt_err *err);

/* rdt_backup_send - all of its bytes.  Fails: RDT_E_IO, RDT_E_TAMPERED (the copy was changed
 * meanwhile), as the sink. */
RDT_MUST_CHECK enum rdt_code rdt_backup_send(struct rdt_backup *backup, rdt_backup_sink *sink,
                                             void *user, struct rdt_err *err);

/* rdt_backup_close - NULL is fine. */
void rdt_backup_close(struct rdt_backup *backup);

/* ---- reading one ---- */

/*
 * rdt_backup_head - the start of a backup, without its parts.
 *
 *   bytes   as many as there are, up to RDT_BACKUP_HEAD_MAX
 *   head_n  becomes the length of the head
 *
 * False: not a backup, or of a later format.
 */
bool rdt_backup_head(struct rdt_span bytes, struct rdt_backup_info *out, size_t *head_n);

struct rdt_backup_file;

/*
 * rdt_backup_open - a backup's file: head, sizes, root.json by its hash. Nothing in it can be
 * trusted before rdt_backup_check().
 *
 *   out   caller closes it with rdt_backup_file_close()
 *
 * Fails: RDT_E_NOTFOUND, RDT_E_DENIED, RDT_E_IO, RDT_E_BADINPUT (not a backup, a part is missing),
 * RDT_E_TAMPERED (a hash), RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_backup_open(const char *path, struct rdt_backup_file **out,
                                             struct rdt_err *err);

/* rdt_backup_file_info - what its head says, borrowed. */
const struct rdt_backup_info *rdt_backup_file_info(const struct rdt_backup_file *file);

/* rdt_backup_file_close - NULL is fine.  rdt_backup_file_close_at - for RDT_AUTO. */
void rdt_backup_file_close(struct rdt_backup_file *file);
void rdt_backup_file_close_at(struct rdt_backup_file **file);

/* rdt_backup_unpack_root - write root.json into a folder.  Fails: RDT_E_IO, RDT_E_FULL. */
RDT_MUST_CHECK enum rdt_code rdt_backup_unpack_root(const struct rdt_backup_file *file,
                                                    const char *dir, struct rdt_err *err);

/*
 * rdt_backup_check - that whoever held the root made it, and nobody changed it: the head's MAC
 * under a key of the root.
 *
 *   root, open   the backup's own, unsealed
 *
 * Fails: RDT_E_TAMPERED, as rdt_root_get().
 */
RDT_MUST_CHECK enum rdt_code rdt_backup_check(const struct rdt_backup_file *file,
                                              const struct rdt_root *root,
                                              struct rdt_root_open *open, struct rdt_err *err);

/* rdt_backup_read - read the store by its hash: that what was written arrived.  Fails:
 * RDT_E_TAMPERED, RDT_E_IO. */
RDT_MUST_CHECK enum rdt_code rdt_backup_read(const struct rdt_backup_file *file,
                                             struct rdt_err *err);

/* rdt_backup_unpack_store - write store.db into a folder, synced; its hash is checked.  Fails,
 * leaving no file: RDT_E_TAMPERED, RDT_E_IO, RDT_E_FULL. */
RDT_MUST_CHECK enum rdt_code rdt_backup_unpack_store(const struct rdt_backup_file *file,
                                                     const char *dir, struct rdt_err *err);

#endif
