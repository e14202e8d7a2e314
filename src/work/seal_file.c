#include "work/seal_file.h"

#include "seal/frame.h"
#include "work/pump.h"

#include <unistd.h>

#define UNIT_CHUNKS ((size_t)32) /* chunks that one thread takes at a time: 512 KiB */
#define UNIT_PLAIN (UNIT_CHUNKS * RDT_CHUNK_LEN)
#define UNIT_SEALED (UNIT_CHUNKS * RDT_CHUNK_SEALED_LEN)

struct run {
    struct rdt_seal_file *job;
    struct rdt_worker *workers[RDT_SEAL_FILE_THREADS]; /* of each thread */
    struct rdt_chunks *chunks[RDT_SEAL_FILE_THREADS];  /* of the threads but the first's */
    struct rdt_frame_coder *coders[RDT_SEAL_FILE_THREADS];
    struct rdt_frames frames;
    struct rdt_sealer *sealer;
    uint64_t done;
};

static enum rdt_code
fault(struct rdt_err *err, enum rdt_seal_fault fault)
{
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

static bool
is_packed(const struct run *run)
{
    return run->job->opts.coding == RDT_SEAL_ZSTD;
}

static enum rdt_code
fill(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    size_t n = is_packed(run) ? RDT_FRAME_LEN : UNIT_PLAIN;
    enum rdt_code rc = rdt_source_fill(run->job->source, unit->in.p, n, &unit->n, err);
    unit->last = unit->n < n;
    return rc;
}

static enum rdt_code
work(void *arg, unsigned thread, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    struct rdt_span plain = {unit->in.p, unit->n};
    if (is_packed(run))
        return fault(err, rdt_frame_pack(run->coders[thread], plain, unit->out.p, &unit->out_n));
    struct rdt_chunk_run at = {.first = unit->number * UNIT_CHUNKS};
    unit->out_n = UNIT_SEALED;
    enum rdt_code rc = rdt_chunks_seal(run->chunks[thread], at, plain, unit->out.p);
    return rc == RDT_OK ? RDT_OK : rdt_fail(err, rc, "encrypt");
}

static enum rdt_code
give_frame(struct run *run, const struct rdt_pump_unit *unit, struct rdt_err *err)
{
    enum rdt_code rc = fault(err, rdt_frames_add(&run->frames, unit->out_n, unit->n));
    return rc == RDT_OK
               ? rdt_sealer_put(run->sealer, (struct rdt_span){unit->out.p, unit->out_n}, err)
               : rc;
}

/* The last frame, where there is one, and the table. */
static enum rdt_code
give_last_frame(struct run *run, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    RDT_BUF table = {0};
    enum rdt_code rc = RDT_OK;
    if (unit->n != 0)
        rc = work(run, 0, unit, err);
    if (rc == RDT_OK && unit->n != 0)
        rc = give_frame(run, unit, err);
    if (rc == RDT_OK)
        rc = fault(err, rdt_frames_put(&run->frames, &table));
    return rc == RDT_OK ? rdt_sealer_put(run->sealer, rdt_buf_span(&table), err) : rc;
}

static enum rdt_code
give(void *arg, struct rdt_pump_unit *unit, struct rdt_err *err)
{
    struct run *run = arg;
    struct rdt_span plain = {unit->in.p, unit->n};
    enum rdt_code rc = rdt_sealer_plain(run->sealer, plain, err);
    run->done += unit->n;
    if (run->job->progress != NULL)
        run->job->progress(run->job->arg, run->done);
    if (rc != RDT_OK)
        return rc;
    if (is_packed(run))
        return unit->last ? give_last_frame(run, unit, err) : give_frame(run, unit, err);
    if (unit->last)
        return rdt_sealer_put(run->sealer, plain, err);
    return rdt_sealer_put_sealed(run->sealer, (struct rdt_span){unit->out.p, unit->out_n}, err);
}

static void
stop(void *arg)
{
    rdt_source_stop(((struct run *)arg)->job->source);
}

static enum rdt_code
prepare(struct run *run, struct rdt_err *err)
{
    struct rdt_seal_file *job = run->job;
    enum rdt_code rc = RDT_OK;
    for (unsigned i = 0; i < RDT_SEAL_FILE_THREADS && rc == RDT_OK; i++)
        rc = rdt_worker_open(&run->workers[i], err);
    if (rc == RDT_OK)
        rc = rdt_sealer_new(run->workers[0], job->sink, &job->opts, &run->sealer, err);
    for (unsigned i = 0; i < RDT_SEAL_FILE_THREADS && rc == RDT_OK; i++) {
        if (is_packed(run))
            rc = fault(err, rdt_frame_coder_new(0, &run->coders[i]));
        else
            rc = rdt_chunks_copy(rdt_sealer_chunks(run->sealer), run->workers[i], &run->chunks[i]);
        if (rc != RDT_OK)
            return rdt_fail_in(err, rc, "prepare a thread");
    }
    return rc;
}

static void
run_done(struct run *run)
{
    rdt_sealer_close(run->sealer);
    for (unsigned i = 0; i < RDT_SEAL_FILE_THREADS; i++) {
        rdt_chunks_free(run->chunks[i]);
        rdt_frame_coder_free(run->coders[i]);
        rdt_worker_close(run->workers[i]);
    }
    rdt_frames_done(&run->frames);
}

/* What is on the disk, read anew and decrypted: is it the file that was written? */
static enum rdt_code
read_back(struct rdt_sealer *sealer, struct rdt_sink *sink, const struct rdt_sealed *sealed,
          struct rdt_err *err)
{
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    struct rdt_opened opened;
    if (!rdt_sink_is_file(sink))
        return rdt_fail(err, RDT_E_STATE, "--verify reads a file back: a pipe has none");
    enum rdt_code rc = rdt_sink_sync(sink, err);
    if (rc == RDT_OK)
        rc = rdt_source_fd(rdt_sink_fd(sink), "what was written", &source, err);
    if (rc == RDT_OK)
        rc = rdt_opener_new(source, &opener, err);
    if (rc == RDT_OK)
        rc = rdt_opener_key(opener, rdt_sealer_key(sealer), err);
    if (rc == RDT_OK)
        rc = rdt_opener_run(opener, &(struct rdt_opener_to){.arg = NULL}, &opened, err);
    if (rc == RDT_OK && !rdt_same((struct rdt_span){opened.digest, sizeof opened.digest},
                                  (struct rdt_span){sealed->digest, sizeof sealed->digest}))
        rc = rdt_fail(err, RDT_E_TAMPERED, "what is on the disk is another file");
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "verify");
}

enum rdt_code
rdt_seal_file_run(struct rdt_seal_file *job, struct rdt_sealed *out, struct rdt_err *err)
{
    RDT_AUTO(run_done) struct run run = {.job = job};
    struct rdt_pump_job pump = {.arg = &run,
                                .threads = RDT_SEAL_FILE_THREADS,
                                .in_len = UNIT_PLAIN,
                                .out_len = UNIT_SEALED,
                                .fill = fill,
                                .work = work,
                                .give = give,
                                .stop = stop};
    if (is_packed(&run)) {
        pump.in_len = RDT_FRAME_LEN;
        pump.out_len = rdt_frame_room();
    }
    enum rdt_code rc = prepare(&run, err);
    if (rc == RDT_OK)
        rc = rdt_pump_run(&pump, err);
    if (rc == RDT_OK && job->producer != NULL)
        rc = rdt_producer_wait(job->producer, err); /* only then there is an end */
    if (rc == RDT_OK)
        rc = rdt_sealer_end(run.sealer, &job->footer, out, err);
    if (rc == RDT_OK && job->verify)
        rc = read_back(run.sealer, job->sink, out, err);
    return rc;
}

/* ---- rekey */

struct again {
    struct rdt_sealer *sealer;
    struct rdt_seal_file *job;
};

static enum rdt_code
take_payload(void *arg, struct rdt_span payload, struct rdt_err *err)
{
    struct again *again = arg;
    return rdt_sealer_put(again->sealer, payload, err);
}

static void
show_progress(void *arg, uint64_t done)
{
    struct again *again = arg;
    if (again->job->progress != NULL)
        again->job->progress(again->job->arg, done);
}

enum rdt_code
rdt_rekey_run(struct rdt_opener *opener, struct rdt_seal_file *job, struct rdt_sealed *out,
              struct rdt_err *err)
{
    RDT_AUTO(rdt_sealer_close_at) struct rdt_sealer *sealer = NULL;
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    struct rdt_opened opened;
    struct again again = {.job = job};
    struct rdt_opener_to to = {
        .arg = &again, .take = take_payload, .progress = show_progress, .payload = true};
    job->opts.policy = &rdt_opener_head(opener)->policy;
    job->opts.coding = job->opts.policy->coding;
    job->opts.again = true;
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_sealer_new(worker, job->sink, &job->opts, &sealer, err);
    again.sealer = sealer;
    if (rc == RDT_OK)
        rc = rdt_opener_run(opener, &to, &opened, err);
    if (rc == RDT_OK)
        rc = rdt_sealer_end(sealer, &opened.footer, out, err);
    if (rc == RDT_OK && job->verify)
        rc = read_back(sealer, job->sink, out, err);
    return rc;
}
