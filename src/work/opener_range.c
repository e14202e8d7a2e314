#include "work/opener_internal.h"

static enum rdt_code
fault(struct rdt_err *err, enum rdt_seal_fault fault)
{
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

/* Chunks of a body of sealed_len bytes, from number first on, into out, as far as they fit. */
static enum rdt_code
read_chunks(struct rdt_opener *o, uint64_t first, uint64_t sealed_len, struct rdt_room *out,
            size_t *n, struct rdt_err *err)
{
    RDT_ROOM in = {0};
    uint64_t at = first * RDT_CHUNK_SEALED_LEN;
    size_t whole = out->n / RDT_CHUNK_LEN, want = whole * RDT_CHUNK_SEALED_LEN, got = 0;
    bool last = sealed_len - at < want;
    if (last)
        want = (size_t)(sealed_len - at);
    enum rdt_code rc = rdt_room_new(&in, want, err);
    if (rc == RDT_OK)
        rc = rdt_source_at(o->source, rdt_opener_body_at(o) + at, in.p, want, &got, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_chunk_run run = {.first = first, .last = last};
    if (got != want ||
        rdt_chunks_unseal(o->chunks, run, (struct rdt_span){in.p, want}, out->p, n) != RDT_OK)
        return fault(err, RDT_SEAL_BODY);
    return RDT_OK;
}

enum rdt_code
rdt_opener_read_end(struct rdt_opener *opener, struct rdt_opener_end *out, struct rdt_err *err)
{
    int64_t size = rdt_source_size(opener->source);
    uint64_t begin = rdt_opener_body_at(opener), back = RDT_SEAL_TAIL_MAX / RDT_CHUNK_LEN + 1;
    size_t n = 0;
    if (size < 0)
        return rdt_fail(err, RDT_E_STATE, "%s: not a file that can be read out of order",
                        rdt_source_name(opener->source));
    if ((uint64_t)size < begin + RDT_GCM_TAG_LEN)
        return fault(err, RDT_SEAL_INCOMPLETE);
    out->sealed_len = (uint64_t)size - begin;
    uint64_t chunks = out->sealed_len / RDT_CHUNK_SEALED_LEN, /* and one that is shorter */
        first = chunks > back ? chunks - back : 0;
    if (out->sealed_len % RDT_CHUNK_SEALED_LEN < RDT_GCM_TAG_LEN)
        return fault(err, RDT_SEAL_INCOMPLETE);
    rdt_room_done(&opener->tail);
    enum rdt_code rc =
        rdt_room_new(&opener->tail, (size_t)(chunks - first + 1) * RDT_CHUNK_LEN, err);
    if (rc == RDT_OK)
        rc = read_chunks(opener, first, out->sealed_len, &opener->tail, &n, err);
    if (rc != RDT_OK)
        return rc;
    size_t seen = n < RDT_SEAL_TAIL_MAX ? n : RDT_SEAL_TAIL_MAX;
    rc = fault(err, rdt_seal_footer_read((struct rdt_span){opener->tail.p + n - seen, seen},
                                         &out->footer, &out->tail_len));
    if (rc == RDT_OK && out->footer.stored_len != first * RDT_CHUNK_LEN + n - out->tail_len)
        rc = fault(err, RDT_SEAL_FOOTER);
    return rc;
}

/* Payload from `from` to below `end`, both within it. */
static enum rdt_code
give_payload(struct rdt_opener *o, const struct rdt_opener_end *end_of, uint64_t from, uint64_t end,
             const struct rdt_opener_to *to, struct rdt_err *err)
{
    RDT_ROOM out = {0};
    enum rdt_code rc = rdt_room_new(&out, RDT_OPENER_UNIT_CHUNKS * RDT_CHUNK_LEN, err);
    while (rc == RDT_OK && from < end) {
        uint64_t chunk = from / RDT_CHUNK_LEN;
        size_t n = 0, skip = (size_t)(from % RDT_CHUNK_LEN);
        rc = read_chunks(o, chunk, end_of->sealed_len, &out, &n, err);
        if (rc != RDT_OK)
            break;
        size_t part = n - skip < end - from ? n - skip : (size_t)(end - from);
        if (to->take != NULL)
            rc = to->take(to->arg, (struct rdt_span){out.p + skip, part}, err);
        from += part;
    }
    return rc;
}

enum rdt_code
rdt_opener_range(struct rdt_opener *opener, uint64_t from, uint64_t end,
                 const struct rdt_opener_to *to, struct rdt_err *err)
{
    struct rdt_opener_end at = {.tail_len = 0};
    enum rdt_code rc = rdt_opener_read_end(opener, &at, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", rdt_source_name(opener->source));
    if (from > at.footer.plain_len || from > end)
        return rdt_fail(err, RDT_E_USAGE, "%s has %llu bytes", rdt_source_name(opener->source),
                        (unsigned long long)at.footer.plain_len);
    if (end > at.footer.plain_len)
        end = at.footer.plain_len;
    if (at.footer.coding != opener->head.policy.coding)
        return fault(err, RDT_SEAL_FOOTER);
    if (at.footer.coding == RDT_SEAL_RAW)
        return give_payload(opener, &at, from, end, to, err);
    return rdt_fail(err, RDT_E_STATE, "a part of a compressed file cannot be had alone yet");
}
