/* token_internal.h - a token under keys of any kind. */
#ifndef RDT_FIELD_TOKEN_INTERNAL_H
#define RDT_FIELD_TOKEN_INTERNAL_H

#include "field/token.h"

/* rdt_token_of - the token of some bytes; out: RDT_TOKEN_LEN bytes.  Fails: RDT_FIELD_TOO_LONG,
 * RDT_FIELD_INTERNAL. */
enum rdt_field_fault rdt_token_of(struct rdt_worker *worker, const struct rdt_index_keys *keys,
                                  struct rdt_span value, uint8_t *out);

#endif
