/*
 * seal_file.h - `seal` and `rekey` without a command line: from a source through a few threads to a
 * sink.
 */
#ifndef RDT_WORK_SEAL_FILE_H
#define RDT_WORK_SEAL_FILE_H

#include "work/opener.h"
#include "work/sealer.h"
#include "work/source.h"

#define RDT_SEAL_FILE_THREADS 3u /* one reads, one encrypts, one writes */

struct rdt_seal_file {
    struct rdt_source *source;
    struct rdt_producer *producer; /* whose output source is, or NULL: its end decides */
    struct rdt_sink *sink;
    struct rdt_sealer_opts opts;
    struct rdt_seal_footer footer; /* contained lists; the rest is filled */
    bool verify;                   /* read it back before it gets its name; a file only */
    void *arg;                     /* of progress */
    void (*progress)(void *arg, uint64_t done); /* bytes of the source; NULL: nobody looks */
};

/*
 * rdt_seal_file_run - all of it; the sink is finished by the caller.
 *
 * Fails: as rdt_sealer_new(), rdt_source_fill(), rdt_producer_wait(); then there is no last chunk.
 * RDT_E_TAMPERED (verify: what is on the disk is not what was written), RDT_E_STATE (verify, and
 * the sink is no file).
 */
RDT_MUST_CHECK enum rdt_code rdt_seal_file_run(struct rdt_seal_file *job, struct rdt_sealed *out,
                                               struct rdt_err *err);

/*
 * rdt_rekey_run - what an opener has, encrypted anew under another file key.
 *
 *   opener   unlocked
 *   job      sink, opts.to and progress count; the rest is that of the old file
 *
 * Fails: as rdt_opener_run() and rdt_sealer_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_rekey_run(struct rdt_opener *opener, struct rdt_seal_file *job,
                                           struct rdt_sealed *out, struct rdt_err *err);

#endif
