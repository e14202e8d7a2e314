/*
 * whole.h - a sealed file in memory, made and opened as its parts are meant to be used: for tests
 * and for the programs that a second implementation argues with.
 */
#ifndef RDT_TEST_WHOLE_H
#define RDT_TEST_WHOLE_H

#include "seal/footer.h"
#include "seal/frame.h"
#include "seal/recipient.h"

#include <stdlib.h>

struct whole {
    struct rdt_worker *worker;
    const struct rdt_secret *file_key;
    struct rdt_span core, stanzas;
    uint32_t exit_status;
    bool hashed, zstd;
    struct rdt_span epochs, versions; /* of what the content is encrypted under, if known */
    bool contained_known;
};

/* The payload of a compressed file. */
static inline enum rdt_seal_fault
whole_pack(struct rdt_span plain, struct rdt_buf *out)
{
    RDT_AUTO(rdt_frame_coder_free_at) struct rdt_frame_coder *coder = NULL;
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    uint8_t *frame = malloc(rdt_frame_room());
    enum rdt_seal_fault fault = frame == NULL ? RDT_SEAL_INTERNAL : rdt_frame_coder_new(0, &coder);
    for (size_t at = 0, n; fault == RDT_SEAL_OK && at < plain.n; at += RDT_FRAME_LEN) {
        size_t len = plain.n - at < RDT_FRAME_LEN ? plain.n - at : RDT_FRAME_LEN;
        fault = rdt_frame_pack(coder, (struct rdt_span){plain.p + at, len}, frame, &n);
        if (fault == RDT_SEAL_OK)
            fault = rdt_frames_add(&frames, n, len);
        if (fault == RDT_SEAL_OK)
            rdt_buf_add(out, frame, n);
    }
    free(frame);
    return fault == RDT_SEAL_OK ? rdt_frames_put(&frames, out) : fault;
}

static inline enum rdt_seal_fault
whole_unpack(struct rdt_span payload, struct rdt_buf *out)
{
    RDT_AUTO(rdt_frame_coder_free_at) struct rdt_frame_coder *coder = NULL;
    RDT_AUTO(rdt_frames_done) struct rdt_frames frames = {.plain_len = 0};
    uint8_t *plain = malloc(RDT_FRAME_LEN);
    size_t len, n;
    enum rdt_seal_fault fault = plain == NULL ? RDT_SEAL_INTERNAL : rdt_frame_coder_new(0, &coder);
    while (fault == RDT_SEAL_OK && rdt_frame_next(payload, &len) == RDT_FRAME_DATA) {
        fault = rdt_frame_unpack(coder, (struct rdt_span){payload.p, len}, plain, &n);
        if (fault == RDT_SEAL_OK)
            fault = rdt_frames_add(&frames, len, n);
        if (fault == RDT_SEAL_OK)
            rdt_buf_add(out, plain, n);
        payload = (struct rdt_span){payload.p + len, payload.n - len};
    }
    free(plain);
    if (fault == RDT_SEAL_OK && rdt_frame_next(payload, &len) != RDT_FRAME_TABLE)
        return RDT_SEAL_FRAME;
    return fault == RDT_SEAL_OK ? rdt_frames_same(&frames, payload) : fault;
}

/* Sealed chunks of all of it but what is left over; sums are fed. */
static inline enum rdt_seal_fault
whole_payload(struct rdt_chunks *chunks, struct rdt_seal_sums *sums, struct rdt_span payload,
              struct rdt_buf *out)
{
    size_t n = payload.n / RDT_CHUNK_LEN * RDT_CHUNK_LEN;
    size_t sealed_n = rdt_chunks_sealed_len(n, false);
    uint8_t *sealed = malloc(sealed_n + 1);
    if (sealed == NULL)
        return RDT_SEAL_INTERNAL;
    enum rdt_code rc = rdt_chunks_seal(chunks, (struct rdt_chunk_run){.first = 0},
                                       (struct rdt_span){payload.p, n}, sealed);
    enum rdt_seal_fault fault =
        rc == RDT_OK ? rdt_seal_sums_sealed(sums, (struct rdt_span){sealed, sealed_n})
                     : RDT_SEAL_INTERNAL;
    if (fault == RDT_SEAL_OK)
        rdt_buf_add(out, sealed, sealed_n);
    free(sealed);
    return fault;
}

/* What is left of the payload, and the footer: the last chunks. */
static inline enum rdt_seal_fault
whole_tail(const struct whole *w, struct rdt_chunks *chunks, struct rdt_seal_sums *sums,
           struct rdt_span payload, struct rdt_buf *out)
{
    RDT_BUF tail = {0};
    struct rdt_seal_footer footer = {.coding = w->zstd ? RDT_SEAL_ZSTD : RDT_SEAL_RAW,
                                     .exit_status = w->exit_status,
                                     .contained_known = w->contained_known,
                                     .epochs = w->epochs,
                                     .versions = w->versions};
    size_t whole_n = payload.n / RDT_CHUNK_LEN * RDT_CHUNK_LEN;
    enum rdt_seal_fault fault = rdt_seal_sums_end(sums, &footer);
    if (payload.n != whole_n)
        rdt_buf_add(&tail, payload.p + whole_n, payload.n - whole_n);
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_footer_put(&footer, &tail);
    if (fault != RDT_SEAL_OK || !rdt_buf_ok(&tail))
        return fault;
    size_t n = rdt_chunks_sealed_len(tail.n, true);
    uint8_t *sealed = malloc(n);
    struct rdt_chunk_run run = {.first = payload.n / RDT_CHUNK_LEN, .last = true};
    if (sealed == NULL || rdt_chunks_seal(chunks, run, rdt_buf_span(&tail), sealed) != RDT_OK)
        fault = RDT_SEAL_INTERNAL;
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_sums_sealed(sums, (struct rdt_span){sealed, n});
    if (fault == RDT_SEAL_OK)
        rdt_buf_add(out, sealed, n);
    free(sealed);
    return fault;
}

static inline enum rdt_seal_fault
whole_body(const struct whole *w, struct rdt_span plain, struct rdt_buf *out)
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = NULL;
    RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *sums = NULL;
    RDT_BUF packed = {0};
    uint8_t front[RDT_CHUNK_FRONT_LEN];
    enum rdt_seal_fault fault = rdt_seal_body_new(w->worker, w->core, w->file_key, front, &chunks);
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_sums_new(w->hashed, &sums);
    if (fault == RDT_SEAL_OK && w->zstd)
        fault = whole_pack(plain, &packed);
    if (fault != RDT_SEAL_OK)
        return fault;
    struct rdt_span payload = w->zstd ? rdt_buf_span(&packed) : plain;
    rdt_buf_add(out, front, sizeof front);
    fault = rdt_seal_sums_plain(sums, plain);
    rdt_seal_sums_stored(sums, payload.n);
    if (fault == RDT_SEAL_OK)
        fault = whole_payload(chunks, sums, payload, out);
    return fault == RDT_SEAL_OK ? whole_tail(w, chunks, sums, payload, out) : fault;
}

static inline enum rdt_seal_fault
whole_seal(const struct whole *w, struct rdt_span plain, struct rdt_buf *out)
{
    RDT_BUF slot = {0};
    enum rdt_seal_fault fault =
        rdt_seal_slot_make(w->worker, w->core, w->file_key, 1, w->stanzas, &slot);
    if (fault != RDT_SEAL_OK)
        return fault;
    rdt_buf_add(out, w->core.p, w->core.n);
    rdt_buf_add(out, slot.p, slot.n);
    rdt_buf_add(out, slot.p, slot.n);
    return whole_body(w, plain, out);
}

/* How a file key is had; context is the caller's. */
struct whole_keys {
    enum rdt_seal_fault (*get)(void *context, const struct rdt_seal_head *head,
                               const struct rdt_seal_stanza *stanza, struct rdt_secret *file_key);
    void *context;
    uint64_t oldest;
};

/* What a body is read by, and its digest. */
struct whole_read {
    enum rdt_seal_coding coding;
    struct rdt_span core, front;
    uint8_t digest[RDT_SHA256_LEN];
};

/* The file key, verified. Of several faults the one that says most is told. */
static inline enum rdt_seal_fault
whole_unlock(struct rdt_worker *worker, const struct rdt_seal_head *head,
             const struct whole_keys *keys, struct rdt_seal_at *at, struct rdt_secret *file_key)
{
    enum rdt_seal_fault why = RDT_SEAL_RECIPIENT;
    struct rdt_seal_stanza stanza;
    while (rdt_seal_next(head, at, &stanza)) {
        enum rdt_seal_fault fault = keys->get(keys->context, head, &stanza, file_key);
        if (fault == RDT_SEAL_USAGE || fault == RDT_SEAL_RECIPIENT)
            continue;
        if (fault == RDT_SEAL_OK)
            fault = rdt_seal_unlock(worker, head, at, file_key, keys->oldest);
        if (fault != RDT_SEAL_KEY)
            return fault;
        rdt_secret_wipe(file_key);
        why = fault;
    }
    return why;
}

static inline enum rdt_seal_fault
whole_open_body(struct rdt_chunks *chunks, struct rdt_span sealed, struct whole_read *w,
                struct rdt_buf *out)
{
    RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *sums = NULL;
    struct rdt_seal_footer footer;
    size_t n = 0, tail_n = 0;
    uint8_t *plain = malloc(sealed.n + 1);
    enum rdt_seal_fault fault = rdt_seal_sums_new(true, &sums);
    if (plain == NULL || fault != RDT_SEAL_OK) {
        free(plain);
        return RDT_SEAL_INTERNAL;
    }
    if (sealed.n % RDT_CHUNK_SEALED_LEN == 0)
        fault = RDT_SEAL_INCOMPLETE;
    else if (rdt_chunks_unseal(chunks, (struct rdt_chunk_run){.last = true}, sealed, plain, &n) !=
             RDT_OK)
        fault = RDT_SEAL_BODY;
    size_t keep = n < RDT_SEAL_TAIL_MAX ? n : RDT_SEAL_TAIL_MAX;
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_footer_read((struct rdt_span){plain + n - keep, keep}, &footer, &tail_n);
    if (fault == RDT_SEAL_OK && footer.coding != w->coding)
        fault = RDT_SEAL_FOOTER;
    struct rdt_span payload = {plain, n - tail_n};
    RDT_BUF unpacked = {0};
    if (fault == RDT_SEAL_OK && w->coding == RDT_SEAL_ZSTD)
        fault = whole_unpack(payload, &unpacked);
    struct rdt_span content = w->coding == RDT_SEAL_ZSTD ? rdt_buf_span(&unpacked) : payload;
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_sums_plain(sums, content);
    if (fault == RDT_SEAL_OK)
        rdt_seal_sums_stored(sums, payload.n);
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_sums_sealed(sums, sealed);
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_sums_check(sums, &footer);
    if (fault == RDT_SEAL_OK)
        fault = rdt_seal_digest(sums, w->core, w->front,
                                (struct rdt_span){plain + payload.n, tail_n}, w->digest);
    if (fault == RDT_SEAL_OK)
        rdt_buf_add(out, content.p, content.n);
    free(plain);
    return fault;
}

static inline enum rdt_seal_fault
whole_open_digest(struct rdt_worker *worker, struct rdt_span file, const struct whole_keys *keys,
                  struct rdt_buf *out, uint8_t digest[static RDT_SHA256_LEN])
{
    RDT_AUTO(rdt_chunks_free_at) struct rdt_chunks *chunks = NULL;
    RDT_SECRET file_key = {0};
    struct rdt_seal_at at = {.tried = 0};
    struct rdt_seal_head head;
    enum rdt_seal_fault fault = rdt_seal_head_read(file, &head);
    if (fault == RDT_SEAL_OK)
        fault = whole_unlock(worker, &head, keys, &at, &file_key);
    if (fault != RDT_SEAL_OK)
        return fault;
    size_t body_at = rdt_seal_slot_at(&head, 1) + head.slot_len, left = file.n - body_at;
    size_t front = left < RDT_CHUNK_FRONT_LEN ? left : RDT_CHUNK_FRONT_LEN;
    struct whole_read w = {
        head.policy.coding, head.core, {file.p + body_at, front},
          {0}
    };
    fault = rdt_seal_body_open(worker, head.core, &file_key, w.front, &chunks);
    if (fault == RDT_SEAL_OK)
        fault = whole_open_body(chunks, (struct rdt_span){file.p + body_at + front, left - front},
                                &w, out);
    memcpy(digest, w.digest, sizeof w.digest);
    return fault;
}

static inline enum rdt_seal_fault
whole_open(struct rdt_worker *worker, struct rdt_span file, const struct whole_keys *keys,
           struct rdt_buf *out)
{
    uint8_t digest[RDT_SHA256_LEN];
    return whole_open_digest(worker, file, keys, out, digest);
}

#endif
