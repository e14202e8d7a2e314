/*
 * parts.h - tokens of a value's beginnings or of its words: searches for less than the whole value.
 * They stand beside the searchable value, in a column of their own. They show how often each part
 * occurs and which values share it, which is often enough to guess both: refused unless somebody
 * has accepted that.
 */
#ifndef RDT_FIELD_PARTS_H
#define RDT_FIELD_PARTS_H

#include "field/token.h"

#define RDT_PREFIX_LEAST 3          /* code points of the shortest beginning */
#define RDT_PREFIX_MOST 8           /* code points of the longest one */
#define RDT_TOKENS_MAX ((size_t)64) /* tokens of one value */

struct rdt_tokens {
    uint8_t at[RDT_TOKENS_MAX][RDT_TOKEN_LEN]; /* in order of their bytes, none twice */
    size_t n;
};

/*
 * rdt_tokens_put - the tokens of a value.
 *
 *   keys    of a prefix or word index
 *   value   as rdt_normal_put() wrote it
 *   out     n may become 0: a value shorter than any beginning, or without a word, is not found
 *
 * Fails: RDT_FIELD_INDEX (keys of another kind), RDT_FIELD_TEXT, RDT_FIELD_TOO_LONG (more tokens
 * than RDT_TOKENS_MAX), RDT_FIELD_INTERNAL.
 */
enum rdt_field_fault rdt_tokens_put(struct rdt_worker *worker, const struct rdt_index_keys *keys,
                                    struct rdt_span value, struct rdt_tokens *out);

/*
 * rdt_tokens_ask - the one token to search for.  A longer beginning is cut to RDT_PREFIX_MOST: look
 * again after decrypting.
 *
 *   part   a beginning or one word, as rdt_normal_put() wrote it
 *
 * Fails as rdt_tokens_put(); RDT_FIELD_FORM (too short, or not one word: never a search that finds
 * every row).
 */
enum rdt_field_fault rdt_tokens_ask(struct rdt_worker *worker, const struct rdt_index_keys *keys,
                                    struct rdt_span part, uint8_t out[static RDT_TOKEN_LEN]);

#endif
