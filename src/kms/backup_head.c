/*
 * The start of a backup: docs/formats/backup.md 2.
 */
#include "kms/backup_internal.h"

#include "base/cursor.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define MAGIC "RDTBKUP1"
#define MAGIC_LEN 8
#define MAC_LEN 32
#define MAC_LABEL "redoubt backup v1"
#define KEY_LABEL "redoubt backup key v1"

static void
put_part(struct rdt_buf *out, const struct rdt_backup_part *part)
{
    rdt_buf_uint(out, part->n, 8);
    rdt_buf_add(out, part->hash, sizeof part->hash);
}

void
rdt_backup_put_head(const struct rdt_backup_info *info, struct rdt_buf *out)
{
    size_t version_n = strlen(info->version);
    rdt_buf_str(out, MAGIC);
    rdt_buf_add(out, info->deployment, sizeof info->deployment);
    rdt_buf_uint(out, info->created_ms, 8);
    rdt_buf_uint(out, info->revision, 8);
    rdt_buf_uint(out, version_n, 1);
    rdt_buf_add(out, info->version, version_n);
    rdt_buf_uint(out, info->checkpoint_n, 2);
    rdt_buf_add(out, info->checkpoint, info->checkpoint_n);
    put_part(out, &info->root);
    put_part(out, &info->store);
}

static bool
take_part(struct rdt_span *in, uint64_t max, struct rdt_backup_part *out)
{
    struct rdt_span hash;
    bool ok = rdt_take_uint(in, 8, &out->n) && out->n != 0 && out->n <= max;
    ok = ok && rdt_take(in, sizeof out->hash, &hash);
    if (ok)
        memcpy(out->hash, hash.p, hash.n);
    return ok;
}

static bool
take_version(struct rdt_span *in, char out[static RDT_BACKUP_VERSION_TEXT])
{
    struct rdt_span text;
    uint8_t n = 0;
    bool ok = rdt_take_u8(in, &n) && n != 0 && n < RDT_BACKUP_VERSION_TEXT;
    ok = ok && rdt_take(in, n, &text) && rdt_text_fit(text);
    if (ok)
        snprintf(out, RDT_BACKUP_VERSION_TEXT, "%.*s", RDT_FMT(text));
    return ok && strlen(out) == n;
}

static bool
take_checkpoint(struct rdt_span *in, struct rdt_backup_info *out)
{
    struct rdt_span bytes;
    struct rdt_checkpoint checkpoint;
    uint16_t n = 0;
    bool ok = rdt_take_u16(in, &n) && n <= sizeof out->checkpoint && rdt_take(in, n, &bytes);
    ok = ok && (n == 0 || rdt_checkpoint_get(bytes, &checkpoint));
    if (ok && n != 0)
        memcpy(out->checkpoint, bytes.p, n);
    out->checkpoint_n = n;
    return ok;
}

bool
rdt_backup_head(struct rdt_span bytes, struct rdt_backup_info *out, size_t *head_n)
{
    struct rdt_span in = bytes, magic, deployment = {0}, mac;
    struct rdt_backup_info info = {.created_ms = 0};
    bool ok = rdt_take(&in, MAGIC_LEN, &magic) && rdt_span_is(magic, MAGIC);
    ok = ok && rdt_take(&in, sizeof info.deployment, &deployment);
    ok = ok && rdt_take_uint(&in, 8, &info.created_ms) && info.created_ms <= INT64_MAX;
    ok = ok && rdt_take_uint(&in, 8, &info.revision);
    ok = ok && take_version(&in, info.version) && take_checkpoint(&in, &info);
    ok = ok && take_part(&in, RDT_ROOT_FILE_MAX, &info.root);
    ok = ok && take_part(&in, RDT_BACKUP_STORE_MAX, &info.store);
    ok = ok && rdt_take(&in, MAC_LEN, &mac);
    if (!ok)
        return false;
    memcpy(info.deployment, deployment.p, deployment.n);
    *head_n = bytes.n - in.n;
    *out = info;
    return true;
}

enum rdt_code
rdt_backup_mac(const struct rdt_secret *rows, const uint8_t deployment[static 16],
               struct rdt_span head, uint8_t out[static 32], struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_SECRET key = {0};
    const struct rdt_span who[] = {
        {(const uint8_t *)KEY_LABEL, sizeof KEY_LABEL},
        {deployment,                 16              },
    };
    const struct rdt_span what[] = {
        {(const uint8_t *)MAC_LABEL, sizeof MAC_LABEL},
        head,
    };
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&key, RDT_SHA256_LEN, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_hmac_key(worker, rows, who, RDT_COUNT(who), &key);
    if (rc == RDT_OK)
        rc = rdt_hmac(worker, &key, what, RDT_COUNT(what), out);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "authenticate a backup");
}

/* ---- parts ---- */

enum rdt_code
rdt_backup_hash_add(struct backup_hash *hash, struct rdt_span chunk, struct rdt_err *err)
{
    uint8_t one[RDT_SHA256_LEN];
    enum rdt_code rc = rdt_sha256(chunk, one, err);
    if (rc == RDT_OK)
        rdt_buf_add(&hash->chunks, one, sizeof one);
    return rc;
}

enum rdt_code
rdt_backup_hash_end(struct backup_hash *hash, uint8_t out[static RDT_SHA256_LEN],
                    struct rdt_err *err)
{
    enum rdt_code rc = rdt_buf_ok(&hash->chunks) ? rdt_sha256(rdt_buf_span(&hash->chunks), out, err)
                                                 : rdt_fail(err, RDT_E_NOMEM, "hash a backup");
    rdt_buf_done(&hash->chunks);
    return rc;
}

enum rdt_code
rdt_backup_read_all(int fd, uint64_t at, uint8_t *out, size_t n, struct rdt_err *err)
{
    for (size_t got = 0; got < n;) {
        ssize_t now = pread(fd, out + got, n - got, (off_t)(at + got));
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return rdt_fail(err, RDT_E_IO, "read: %s", now < 0 ? strerror(errno) : "it is cut off");
        got += (size_t)now;
    }
    return RDT_OK;
}
