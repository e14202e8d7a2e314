/*
 * age_file.h - files of the format age v1, from a source to a sink, so that nobody is locked in.
 */
#ifndef RDT_WORK_AGE_FILE_H
#define RDT_WORK_AGE_FILE_H

#include "work/recipients.h"
#include "work/seal_file.h"

/*
 * rdt_age_seal - write one. No footer, no policy, no hash: age has none; but the last chunk comes
 * only after the producer's good end, likewise.
 *
 *   armor   as text
 *
 * Fails: RDT_E_USAGE (recipients that age has not), as rdt_age_writer_new(), rdt_source_fill(),
 * rdt_producer_wait() and rdt_sink_write().
 */
RDT_MUST_CHECK enum rdt_code rdt_age_seal(const struct rdt_seal_file *job, bool armor,
                                          struct rdt_err *err);

/* rdt_age_open - read one. Fails: as rdt_age_reader_new(), rdt_source_fill() and to->take(). */
RDT_MUST_CHECK enum rdt_code rdt_age_open(struct rdt_source *source, const struct rdt_unlock *with,
                                          const struct rdt_opener_to *to, struct rdt_err *err);

#endif
