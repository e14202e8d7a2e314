#include "work/sealer.h"

#include "work/room.h"

#include <stdlib.h>

#define HELD ((size_t)16) /* chunks that are encrypted in one call */
#define PLAIN_LEN (HELD * RDT_CHUNK_LEN)
#define SEALED_LEN (HELD * RDT_CHUNK_SEALED_LEN)

struct rdt_sealer {
    struct rdt_worker *worker;
    struct rdt_sink *sink;
    struct rdt_secret key;
    struct rdt_buf core;
    struct rdt_chunks *chunks;
    struct rdt_seal_sums *sums;
    enum rdt_seal_coding coding;
    bool again;
    uint8_t file_id[RDT_SEAL_FILE_ID_LEN], front[RDT_CHUNK_FRONT_LEN];
    uint64_t next;              /* number of the chunk that comes next */
    struct rdt_room plain, out; /* payload that is not encrypted yet: held bytes */
    size_t held;
};

static enum rdt_code
fault(struct rdt_err *err, enum rdt_seal_fault fault)
{
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

/* Core and slot. The slot's length stands in the core, to which the recipients' wraps are bound, so
 * it is estimated before there are any. */
static enum rdt_code
make_head(struct rdt_sealer *s, const struct rdt_sealer_opts *opts, struct rdt_buf *slot,
          struct rdt_err *err)
{
    RDT_BUF stanzas = {0};
    uint32_t slot_len = rdt_seal_slot_len(rdt_recipients_len(opts->to));
    if (slot_len == 0)
        return rdt_fail(err, RDT_E_LIMIT, "too many recipients for one file");
    if (slot_len < RDT_SEAL_SLOT_LEN)
        slot_len = RDT_SEAL_SLOT_LEN;
    enum rdt_code rc = rdt_random(s->worker, s->file_id, sizeof s->file_id, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_core_make(s->file_id, slot_len, opts->policy, &s->core));
    if (rc == RDT_OK)
        rc = rdt_secret_new(&s->key, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(s->worker, &s->key, err);
    if (rc == RDT_OK)
        rc = rdt_recipients_wrap(opts->to,
                                 &(struct rdt_wrap_about){
                                     .worker = s->worker,
                                     .core = rdt_buf_span(&s->core),
                                     .file_id = {s->file_id, sizeof s->file_id},
                                     .file_key = &s->key
        },
                                 &stanzas, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_slot_make(s->worker, rdt_buf_span(&s->core), &s->key, 1,
                                           rdt_buf_span(&stanzas), slot));
    return rc;
}

static enum rdt_code
write_head(struct rdt_sealer *s, const struct rdt_sealer_opts *opts, struct rdt_err *err)
{
    RDT_BUF slot = {0};
    enum rdt_code rc = make_head(s, opts, &slot, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_body_new(s->worker, rdt_buf_span(&s->core), &s->key, s->front,
                                          &s->chunks));
    if (rc == RDT_OK)
        rc = rdt_sink_write(s->sink, rdt_buf_span(&s->core), err);
    for (int i = 0; i < 2 && rc == RDT_OK; i++)
        rc = rdt_sink_write(s->sink, rdt_buf_span(&slot), err);
    if (rc == RDT_OK)
        rc = rdt_sink_write(s->sink, (struct rdt_span){s->front, sizeof s->front}, err);
    return rc;
}

enum rdt_code
rdt_sealer_new(struct rdt_worker *worker, struct rdt_sink *sink, const struct rdt_sealer_opts *opts,
               struct rdt_sealer **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_sealer_close_at) struct rdt_sealer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "seal");
    s->worker = worker;
    s->sink = sink;
    s->coding = opts->coding;
    s->again = opts->again;
    enum rdt_code rc = rdt_room_new(&s->plain, PLAIN_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_room_new(&s->out, SEALED_LEN, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_sums_new(opts->hashed, &s->sums));
    if (rc == RDT_OK)
        rc = write_head(s, opts, err);
    if (rc == RDT_OK)
        *out = RDT_STEAL(s);
    return rc;
}

const struct rdt_chunks *
rdt_sealer_chunks(const struct rdt_sealer *sealer)
{
    return sealer->chunks;
}

const struct rdt_secret *
rdt_sealer_key(const struct rdt_sealer *sealer)
{
    return &sealer->key;
}

enum rdt_code
rdt_sealer_plain(struct rdt_sealer *sealer, struct rdt_span plain, struct rdt_err *err)
{
    return fault(err, rdt_seal_sums_plain(sealer->sums, plain));
}

/* Chunks as they are in the file, on their way there. */
static enum rdt_code
write_sealed(struct rdt_sealer *s, struct rdt_span sealed, struct rdt_err *err)
{
    enum rdt_code rc = fault(err, rdt_seal_sums_sealed(s->sums, sealed));
    return rc == RDT_OK ? rdt_sink_write(s->sink, sealed, err) : rc;
}

/* All whole chunks of plain. */
static enum rdt_code
seal_whole(struct rdt_sealer *s, struct rdt_span plain, struct rdt_err *err)
{
    while (plain.n != 0) {
        struct rdt_span part = {plain.p, plain.n < PLAIN_LEN ? plain.n : PLAIN_LEN};
        struct rdt_chunk_run run = {.first = s->next};
        size_t n = rdt_chunks_sealed_len(part.n, false);
        enum rdt_code rc = rdt_chunks_seal(s->chunks, run, part, s->out.p);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "encrypt a chunk");
        rc = write_sealed(s, (struct rdt_span){s->out.p, n}, err);
        if (rc != RDT_OK)
            return rc;
        s->next += part.n / RDT_CHUNK_LEN;
        plain.p += part.n;
        plain.n -= part.n;
    }
    return RDT_OK;
}

enum rdt_code
rdt_sealer_put(struct rdt_sealer *sealer, struct rdt_span payload, struct rdt_err *err)
{
    rdt_seal_sums_stored(sealer->sums, payload.n);
    while (payload.n != 0) {
        size_t room = RDT_CHUNK_LEN - sealer->held, n;
        enum rdt_code rc = RDT_OK;
        if (sealer->held == 0 && payload.n >= RDT_CHUNK_LEN) {
            n = payload.n / RDT_CHUNK_LEN * RDT_CHUNK_LEN;
            rc = seal_whole(sealer, (struct rdt_span){payload.p, n}, err);
        } else {
            n = payload.n < room ? payload.n : room;
            memcpy(sealer->plain.p + sealer->held, payload.p, n);
            sealer->held += n;
            if (sealer->held == RDT_CHUNK_LEN) {
                sealer->held = 0;
                rc = seal_whole(sealer, (struct rdt_span){sealer->plain.p, RDT_CHUNK_LEN}, err);
            }
        }
        if (rc != RDT_OK)
            return rc;
        payload.p += n;
        payload.n -= n;
    }
    return RDT_OK;
}

enum rdt_code
rdt_sealer_put_sealed(struct rdt_sealer *sealer, struct rdt_span sealed, struct rdt_err *err)
{
    uint64_t chunks = sealed.n / RDT_CHUNK_SEALED_LEN;
    if (sealer->held != 0 || sealed.n % RDT_CHUNK_SEALED_LEN != 0)
        return rdt_fail(err, RDT_E_INTERNAL, "chunks that are not whole");
    rdt_seal_sums_stored(sealer->sums, (size_t)chunks * RDT_CHUNK_LEN);
    sealer->next += chunks;
    return write_sealed(sealer, sealed, err);
}

/* What is held, then the footer, as the last chunks. */
static enum rdt_code
write_end(struct rdt_sealer *s, struct rdt_span tail, struct rdt_err *err)
{
    size_t n = s->held + tail.n;
    RDT_ROOM plain = {0};
    RDT_ROOM out = {0};
    enum rdt_code rc = rdt_room_new(&plain, n, err);
    if (rc == RDT_OK)
        rc = rdt_room_new(&out, rdt_chunks_sealed_len(n, true), err);
    if (rc != RDT_OK)
        return rc;
    memcpy(plain.p, s->plain.p, s->held);
    memcpy(plain.p + s->held, tail.p, tail.n);
    struct rdt_chunk_run run = {.first = s->next, .last = true};
    rc = rdt_chunks_seal(s->chunks, run, (struct rdt_span){plain.p, n}, out.p);
    if (rc != RDT_OK)
        return rdt_fail(err, rc, "encrypt the last chunk");
    return write_sealed(s, (struct rdt_span){out.p, out.n}, err);
}

enum rdt_code
rdt_sealer_end(struct rdt_sealer *sealer, struct rdt_seal_footer *footer, struct rdt_sealed *out,
               struct rdt_err *err)
{
    RDT_BUF tail = {0};
    footer->coding = sealer->coding;
    struct rdt_seal_footer before = *footer;
    enum rdt_code rc = fault(err, rdt_seal_sums_end(sealer->sums, footer));
    if (sealer->again) {
        footer->plain_len = before.plain_len;
        footer->hashed = before.hashed;
        memcpy(footer->plain, before.plain, sizeof footer->plain);
    }
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_footer_put(footer, &tail));
    if (rc == RDT_OK)
        rc = write_end(sealer, rdt_buf_span(&tail), err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_digest(sealer->sums, rdt_buf_span(&sealer->core),
                                        (struct rdt_span){sealer->front, sizeof sealer->front},
                                        rdt_buf_span(&tail), out->digest));
    if (rc != RDT_OK)
        return rc;
    memcpy(out->file_id, sealer->file_id, sizeof out->file_id);
    out->plain_len = footer->plain_len;
    out->stored_len = footer->stored_len;
    out->sealed_len = rdt_sink_written(sealer->sink);
    out->hashed = footer->hashed;
    memcpy(out->plain, footer->plain, sizeof out->plain);
    return RDT_OK;
}

void
rdt_sealer_close(struct rdt_sealer *sealer)
{
    if (sealer == NULL)
        return;
    rdt_secret_wipe(&sealer->key);
    rdt_buf_done(&sealer->core);
    rdt_chunks_free(sealer->chunks);
    rdt_seal_sums_free(sealer->sums);
    rdt_room_done(&sealer->plain);
    rdt_room_done(&sealer->out);
    free(sealer);
}

void
rdt_sealer_close_at(struct rdt_sealer **sealer)
{
    rdt_sealer_close(*sealer);
}
