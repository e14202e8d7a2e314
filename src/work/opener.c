#include "work/opener_internal.h"

#include "work/unpack.h"

#include <stdlib.h>

#define UNIT_PLAIN (RDT_OPENER_UNIT_CHUNKS * RDT_CHUNK_LEN)
#define UNIT_SEALED (RDT_OPENER_UNIT_CHUNKS * RDT_CHUNK_SEALED_LEN)
_Static_assert(UNIT_PLAIN >= RDT_SEAL_TAIL_MAX, "a footer lies in the last two units");

static enum rdt_code
fault(struct rdt_err *err, enum rdt_seal_fault fault)
{
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

/* ---- head and key */

static enum rdt_code
read_more(struct rdt_opener *o, size_t n, struct rdt_err *err)
{
    uint8_t bytes[4096];
    size_t got = 1;
    while (n != 0 && got != 0) {
        enum rdt_code rc =
            rdt_source_fill(o->source, bytes, n < sizeof bytes ? n : sizeof bytes, &got, err);
        if (rc != RDT_OK)
            return rc;
        rdt_buf_add(&o->head_bytes, bytes, got);
        n -= got;
    }
    return rdt_buf_ok(&o->head_bytes) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "open");
}

enum rdt_code
rdt_opener_new(struct rdt_source *source, struct rdt_opener **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *o = calloc(1, sizeof *o);
    size_t len = 0;
    if (o == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open");
    o->source = source;
    enum rdt_code rc = rdt_worker_open(&o->worker, err);
    if (rc == RDT_OK)
        rc = read_more(o, RDT_SEAL_FRONT_LEN, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_head_len(rdt_buf_span(&o->head_bytes), &len));
    if (rc == RDT_OK)
        rc = read_more(o, len - RDT_SEAL_FRONT_LEN, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_head_read(rdt_buf_span(&o->head_bytes), &o->head));
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", rdt_source_name(source));
    *out = RDT_STEAL(o);
    return RDT_OK;
}

const struct rdt_seal_head *
rdt_opener_head(const struct rdt_opener *opener)
{
    return &opener->head;
}

const struct rdt_seal_at *
rdt_opener_at(const struct rdt_opener *opener)
{
    return &opener->at;
}

const struct rdt_secret *
rdt_opener_file_key(const struct rdt_opener *opener)
{
    return &opener->key;
}

struct rdt_worker *
rdt_opener_worker(const struct rdt_opener *opener)
{
    return opener->worker;
}

uint64_t
rdt_opener_body_at(const struct rdt_opener *opener)
{
    return opener->head.core.n + 2 * (uint64_t)opener->head.slot_len + RDT_CHUNK_FRONT_LEN;
}

static enum rdt_code
open_body(struct rdt_opener *o, struct rdt_err *err)
{
    size_t got = 0;
    enum rdt_code rc = rdt_source_fill(o->source, o->front, sizeof o->front, &got, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_body_open(o->worker, o->head.core, &o->key,
                                           (struct rdt_span){o->front, got}, &o->chunks));
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "%s", rdt_source_name(o->source));
}

enum rdt_code
rdt_opener_unlock(struct rdt_opener *opener, const struct rdt_unlock *with, struct rdt_err *err)
{
    enum rdt_code rc =
        rdt_unlock_find(with, opener->worker, &opener->head, &opener->at, &opener->key, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", rdt_source_name(opener->source));
    return open_body(opener, err);
}

enum rdt_code
rdt_opener_key(struct rdt_opener *opener, const struct rdt_secret *file_key, struct rdt_err *err)
{
    enum rdt_code rc =
        rdt_secret_copy(&opener->key, (struct rdt_span){file_key->p, file_key->n}, err);
    return rc == RDT_OK ? open_body(opener, err) : rc;
}

/* ---- the body */

struct run {
    struct rdt_opener *o;
    const struct rdt_opener_to *to;
    struct rdt_opened *out;
    struct rdt_seal_sums *sums;
    struct rdt_worker *workers[RDT_OPENER_THREADS]; /* of the threads but the first */
    struct rdt_chunks *chunks[RDT_OPENER_THREADS];
    struct rdt_unpacker *unpacker; /* NULL: the payload is taken as it is stored */
    struct rdt_room held;          /* the last unit: the footer may be in it */
    size_t held_n;
    uint64_t done;
};

static enum rdt_code
fill(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    enum rdt_code rc = rdt_source_fill(run->o->source, unit->in.p, UNIT_SEALED, &unit->n, err);
    unit->last = unit->n < UNIT_SEALED;
    return rc;
}

static enum rdt_code
work(void *arg, unsigned thread, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    struct rdt_chunk_run at = {.first = unit->number * RDT_OPENER_UNIT_CHUNKS};
    enum rdt_code rc = rdt_chunks_unseal(
        run->chunks[thread], at, (struct rdt_span){unit->in.p, unit->n}, unit->out.p, &unit->out_n);
    return rc == RDT_OK ? RDT_OK : fault(err, RDT_SEAL_BODY);
}

/* Payload, proved and in order. */
static enum rdt_code
emit(struct run *run, struct rdt_span payload, struct rdt_err *err)
{
    rdt_seal_sums_stored(run->sums, payload.n);
    enum rdt_code rc = RDT_OK;
    if (run->unpacker != NULL)
        return rdt_unpacker_put(run->unpacker, payload, err);
    rc = fault(err, rdt_seal_sums_plain(run->sums, payload)); /* packed: nobody looks at it */
    if (rc == RDT_OK && run->to->take != NULL)
        rc = run->to->take(run->to->arg, payload, err);
    return rc;
}

static enum rdt_code
count(struct run *run, const struct rdt_pump_unit *unit, struct rdt_err *err)
{
    run->done += unit->n;
    if (run->to->progress != NULL)
        run->to->progress(run->to->arg, rdt_opener_body_at(run->o) + run->done);
    return fault(err, rdt_seal_sums_sealed(run->sums, (struct rdt_span){unit->in.p, unit->n}));
}

/* The last chunks: whole ones, then one that is shorter than they are, or the file was cut. */
static enum rdt_code
open_last(struct run *run, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    size_t whole = unit->n / RDT_CHUNK_SEALED_LEN * RDT_CHUNK_SEALED_LEN, n = 0, rest = 0;
    uint64_t first = unit->number * RDT_OPENER_UNIT_CHUNKS;
    struct rdt_chunks *chunks = run->chunks[0];
    if (whole != 0 &&
        rdt_chunks_unseal(chunks, (struct rdt_chunk_run){.first = first},
                          (struct rdt_span){unit->in.p, whole}, unit->out.p, &n) != RDT_OK)
        return fault(err, RDT_SEAL_BODY);
    struct rdt_chunk_run end = {.first = first + whole / RDT_CHUNK_SEALED_LEN, .last = true};
    if (unit->n - whole < RDT_GCM_TAG_LEN)
        return fault(err, RDT_SEAL_INCOMPLETE);
    if (rdt_chunks_unseal(chunks, end, (struct rdt_span){unit->in.p + whole, unit->n - whole},
                          unit->out.p + n, &rest) != RDT_OK)
        return fault(err, RDT_SEAL_BODY);
    unit->out_n = n + rest;
    return RDT_OK;
}

/* What is held and the last unit, as one: payload, and the footer at its end. */
static enum rdt_code
give_last(struct run *run, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    size_t tail_len = 0;
    struct rdt_opener *o = run->o;
    enum rdt_code rc = open_last(run, unit, err);
    if (rc == RDT_OK)
        rc = count(run, unit, err);
    if (rc != RDT_OK)
        return rc;
    size_t n = run->held_n + unit->out_n;
    rdt_room_done(&o->tail);
    rc = rdt_room_new(&o->tail, n == 0 ? 1 : n, err);
    if (rc != RDT_OK)
        return rc;
    if (run->held_n != 0)
        memcpy(o->tail.p, run->held.p, run->held_n);
    if (unit->out_n != 0)
        memcpy(o->tail.p + run->held_n, unit->out.p, unit->out_n);
    size_t seen = n < RDT_SEAL_TAIL_MAX ? n : RDT_SEAL_TAIL_MAX;
    enum rdt_seal_fault end = rdt_seal_footer_read((struct rdt_span){o->tail.p + n - seen, seen},
                                                   &run->out->footer, &tail_len);
    if (end == RDT_SEAL_INCOMPLETE && run->to->failed_too && tail_len != 0)
        end = RDT_SEAL_OK;
    if (end == RDT_SEAL_OK && run->out->footer.coding != o->head.policy.coding)
        end = RDT_SEAL_FOOTER;
    rc = fault(err, end);
    if (rc == RDT_OK)
        rc = emit(run, (struct rdt_span){o->tail.p, n - tail_len}, err);
    if (rc == RDT_OK && run->unpacker != NULL)
        rc = rdt_unpacker_end(run->unpacker, err);
    if (rc == RDT_OK && (!run->to->payload || o->head.policy.coding == RDT_SEAL_RAW))
        rc = fault(err, rdt_seal_sums_check(run->sums, &run->out->footer));
    if (rc == RDT_OK)
        rc = fault(err, rdt_seal_digest(run->sums, o->head.core,
                                        (struct rdt_span){o->front, sizeof o->front},
                                        (struct rdt_span){o->tail.p + n - tail_len, tail_len},
                                        run->out->digest));
    return rc;
}

static enum rdt_code
give(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    if (unit->last)
        return give_last(run, unit, err);
    enum rdt_code rc = count(run, unit, err);
    if (rc == RDT_OK && run->held_n != 0)
        rc = emit(run, (struct rdt_span){run->held.p, run->held_n}, err);
    struct rdt_room other = run->held;
    run->held = unit->out; /* no copy: it goes out when the next one is there */
    run->held_n = unit->out_n;
    unit->out = other;
    return rc;
}

static void
stop(void *arg)
{
    rdt_source_stop(((struct run *)arg)->o->source);
}

/* Of the plaintext, after decompression. */
static enum rdt_code
take_unpacked(void *arg, struct rdt_span plain, struct rdt_err *err)
{
    struct run *run = arg;
    enum rdt_code rc = fault(err, rdt_seal_sums_plain(run->sums, plain));
    if (rc == RDT_OK && run->to->take != NULL)
        rc = run->to->take(run->to->arg, plain, err);
    return rc;
}

/* A hash of the plaintext is checked where it is known beforehand that there is one. */
static bool
is_hashed(struct rdt_opener *o)
{
    struct rdt_opener_end end;
    return rdt_source_size(o->source) >= 0 && rdt_opener_read_end(o, &end, NULL) == RDT_OK &&
           end.footer.hashed;
}

static enum rdt_code
prepare(struct run *run, struct rdt_err *err)
{
    struct rdt_opener *o = run->o;
    bool packed = o->head.policy.coding == RDT_SEAL_ZSTD && !run->to->payload;
    enum rdt_code rc = fault(err, rdt_seal_sums_new(!run->to->payload && is_hashed(o), &run->sums));
    if (rc == RDT_OK)
        rc = rdt_room_new(&run->held, UNIT_PLAIN, err);
    if (rc == RDT_OK && packed)
        rc = rdt_unpacker_new(take_unpacked, run, &run->unpacker, err);
    run->chunks[0] = o->chunks;
    for (unsigned i = 1; i < RDT_OPENER_THREADS && rc == RDT_OK; i++) {
        rc = rdt_worker_open(&run->workers[i], err);
        if (rc == RDT_OK)
            rc = rdt_chunks_copy(o->chunks, run->workers[i], &run->chunks[i]);
        if (rc != RDT_OK)
            return rdt_fail(err, rc, "prepare a thread");
    }
    return rc;
}

static void
run_done(struct run *run)
{
    for (unsigned i = 1; i < RDT_OPENER_THREADS; i++) {
        rdt_chunks_free(run->chunks[i]);
        rdt_worker_close(run->workers[i]);
    }
    rdt_unpacker_close(run->unpacker);
    rdt_seal_sums_free(run->sums);
    rdt_room_done(&run->held);
}

enum rdt_code
rdt_opener_run(struct rdt_opener *opener, const struct rdt_opener_to *to, struct rdt_opened *out,
               struct rdt_err *err)
{
    RDT_AUTO(run_done) struct run run = {.o = opener, .to = to, .out = out};
    struct rdt_pump_job job = {.arg = &run,
                               .threads = RDT_OPENER_THREADS,
                               .in_len = UNIT_SEALED,
                               .out_len = UNIT_PLAIN,
                               .fill = fill,
                               .work = work,
                               .give = give,
                               .stop = stop};
    *out = (struct rdt_opened){0};
    enum rdt_code rc = prepare(&run, err);
    if (rc == RDT_OK)
        rc = rdt_pump_run(&job, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", rdt_source_name(opener->source));
    out->plain_len = out->footer.plain_len;
    out->sealed_len = rdt_opener_body_at(opener) + run.done;
    return RDT_OK;
}

void
rdt_opener_close(struct rdt_opener *opener)
{
    if (opener == NULL)
        return;
    rdt_chunks_free(opener->chunks);
    rdt_secret_wipe(&opener->key);
    rdt_room_done(&opener->tail);
    rdt_buf_done(&opener->head_bytes);
    rdt_worker_close(opener->worker);
    free(opener);
}

void
rdt_opener_close_at(struct rdt_opener **opener)
{
    rdt_opener_close(*opener);
}
