/*
 * column_census.h - what a scan of columns says of one ring, as the key service wants to hear it:
 * values by tenant and epoch, those in places that no catalogue names included.
 */
#ifndef RDT_WORK_COLUMN_CENSUS_H
#define RDT_WORK_COLUMN_CENSUS_H

#include "codec/census.h"
#include "work/column.h"

/* What was seen in a database. */
struct rdt_column_scan {
    const struct rdt_column_proof *proofs;
    size_t n_proofs;
    const struct rdt_column_places *places;
    struct rdt_kek_source keys; /* says which ring a handle belongs to */
};

/* Of one ring. {0} before; rdt_ring_seen_done() after. */
struct rdt_ring_seen {
    struct rdt_buf epochs; /* as struct rdt_census has them */
    uint64_t looked_at, total;
    uint32_t highest;
};

/* rdt_ring_seen_done - the closer for RDT_AUTO. */
void rdt_ring_seen_done(struct rdt_ring_seen *seen);

/*
 * rdt_ring_see - what a scan says of a ring: of values, or (index true) of tokens. A place where
 * nobody could look counts as one value that was not looked at, so that the report is of a part.
 *
 *   ring   as the catalogue has it
 *
 * Fails: RDT_E_LIMIT (above RDT_CENSUS_COUNTS_MAX), RDT_E_NOMEM, as the source of keys.
 */
RDT_MUST_CHECK enum rdt_code rdt_ring_see(const struct rdt_column_scan *scan, const char *ring,
                                          bool index, struct rdt_ring_seen *out,
                                          struct rdt_err *err);

#endif
