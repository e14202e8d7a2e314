/*
 * unpack.h - a compressed payload (seal/frame.h), in any portions, to plaintext.
 */
#ifndef RDT_WORK_UNPACK_H
#define RDT_WORK_UNPACK_H

#include "base/err.h"
#include "base/span.h"

struct rdt_unpacker;

/* Takes the next bytes of the plaintext. */
typedef enum rdt_code rdt_unpacked_fn(void *arg, struct rdt_span plain, struct rdt_err *err);

/* rdt_unpacker_new - out: caller closes it. Fails: RDT_E_NOMEM, RDT_E_INTERNAL. */
RDT_MUST_CHECK enum rdt_code rdt_unpacker_new(rdt_unpacked_fn *take, void *arg,
                                              struct rdt_unpacker **out, struct rdt_err *err);

/* rdt_unpacker_put - the next bytes of the payload. Fails: RDT_E_TAMPERED (no such frame), as
 * take(). */
RDT_MUST_CHECK enum rdt_code rdt_unpacker_put(struct rdt_unpacker *unpacker,
                                              struct rdt_span payload, struct rdt_err *err);

/* rdt_unpacker_end - there is no more: the table has to be that of the frames. Fails: as above. */
RDT_MUST_CHECK enum rdt_code rdt_unpacker_end(struct rdt_unpacker *unpacker, struct rdt_err *err);

/* rdt_unpacker_close - NULL is fine. */
void rdt_unpacker_close(struct rdt_unpacker *unpacker);

#endif
