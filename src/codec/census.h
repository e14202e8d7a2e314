/*
 * census.h - what a scanner signs: how many values under each version of a key it saw in a store,
 * of how many it looked at; and which versions a sealed file holds. Read by the service, written by
 * scanners (`redoubt census report`).
 *
 * Format: docs/formats/census.md. Threads share nothing.
 */
#ifndef RDT_CODEC_CENSUS_H
#define RDT_CODEC_CENSUS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

#define RDT_CENSUS_COUNTS_MAX 4096            /* versions, or epochs, of one report */
#define RDT_CENSUS_BYTES_MAX ((size_t)131072) /* bytes of a report or receipt */
#define RDT_CENSUS_STORE_MAX ((size_t)128)    /* bytes of a store's name */

struct rdt_census {
    uint8_t deployment[16], nonce[16], key[16];
    struct rdt_span store;
    uint64_t looked_at, total; /* the scanner's units: rows, objects, bytes */
    struct rdt_span counts;    /* u32 version | u64 count, ascending, no zeroes */
    struct rdt_span epochs;    /* u32 handle | u32 epoch | u64 count, likewise */
    uint32_t highest;          /* highest version or epoch ever seen there; 0: none */
    int64_t made_ms;
};

struct rdt_census_count {
    uint32_t handle; /* of epochs; 0 else */
    uint32_t version;
    uint64_t count;
};

/* rdt_census_put - append the bytes to sign. */
void rdt_census_put(const struct rdt_census *census, struct rdt_buf *out);

/*
 * rdt_census_read - read such bytes; spans of out borrow from them.
 * Fails: RDT_E_BADINPUT (any byte that rdt_census_put() would not have written, a name of a store
 * that is none, more looked at than there is, counts out of order or zero).
 */
RDT_MUST_CHECK enum rdt_code rdt_census_read(struct rdt_span bytes, struct rdt_census *out,
                                             struct rdt_err *err);

/* rdt_census_next - the next of counts, or (epochs true) of epochs; false at the end. */
bool rdt_census_next(struct rdt_span *in, bool epochs, struct rdt_census_count *out);

/* rdt_census_add - append one to counts or epochs; the caller keeps the order. */
void rdt_census_add(struct rdt_buf *out, bool epochs, const struct rdt_census_count *count);

/* rdt_store_name_ok - 1 to RDT_CENSUS_STORE_MAX of letters, digits and . _ : / @ + - */
bool rdt_store_name_ok(struct rdt_span name);

/* What a sealed file holds: SECURITY-DESIGN section 6. */
struct rdt_receipt {
    uint8_t deployment[16], file[16];
    uint8_t digest[32];           /* of the sealed file: its id alone names no content */
    struct rdt_span name;         /* 0..255 bytes for people, rdt_text_fit() */
    int64_t created_ms, until_ms; /* end of its retention */
    struct rdt_span versions;     /* key UUID 16 | u32 version; empty: nobody knows what is in it */
};

/* rdt_receipt_put, rdt_receipt_read - as for a census. */
void rdt_receipt_put(const struct rdt_receipt *receipt, struct rdt_buf *out);
RDT_MUST_CHECK enum rdt_code rdt_receipt_read(struct rdt_span bytes, struct rdt_receipt *out,
                                              struct rdt_err *err);

#endif
