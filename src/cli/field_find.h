/*
 * field_find.h - tokens of a searchable column, for field_job.c and `redoubt field token`.
 */
#ifndef RDT_CLI_FIELD_FIND_H
#define RDT_CLI_FIELD_FIND_H

#include "cli/field_job.h"
#include "field/parts.h"

/*
 * rdt_field_find_tokens - the tokens of a plaintext under the current epoch of the index: those
 * that stand beside or before its value, or the one to search for.
 *
 *   search   the plaintext is what somebody looks for
 *
 * Fails: RDT_E_STATE (the column has no index), RDT_E_BADINPUT (the normaliser refuses it),
 * RDT_E_LIMIT, RDT_E_NOMEM, RDT_E_INTERNAL, as rdt_client_kek().
 */
RDT_MUST_CHECK enum rdt_code rdt_field_find_tokens(struct rdt_field_job *job, struct rdt_span plain,
                                                   bool search, struct rdt_tokens *out);

/*
 * rdt_field_find_front - append what stands before the RF1 of a searchable value; nothing where
 * the column's values have no token in them.  Fails: as rdt_field_find_tokens().
 */
RDT_MUST_CHECK enum rdt_code rdt_field_find_front(struct rdt_field_job *job, struct rdt_span plain,
                                                  struct rdt_buf *out);

/*
 * rdt_field_find_check - whether a searchable value's token is that of its plaintext.
 * Fails: RDT_E_TAMPERED (it is not), as rdt_field_find_tokens().
 */
RDT_MUST_CHECK enum rdt_code rdt_field_find_check(struct rdt_field_job *job,
                                                  const struct rdt_searchable *value,
                                                  struct rdt_span plain);

/* rdt_field_fault_code - a fault of the room field as one of our results; its words are in err. */
enum rdt_code rdt_field_fault_code(enum rdt_field_fault fault, struct rdt_err *err);

#endif
