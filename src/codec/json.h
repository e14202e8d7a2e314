/*
 * json.h - JSON text to a tree (strict, by jansson) and back.
 */
#ifndef RDT_CODEC_JSON_H
#define RDT_CODEC_JSON_H

#include "base/err.h"
#include "codec/node.h"

#define RDT_JSON_MAX ((size_t)256 * 1024 * 1024) /* bytes of one document: a stored run */
#define RDT_JSON_VALUES_MAX 4000000 /* values of one document: of an array, of an object, alone */

/*
 * rdt_json_parse - read a document; duplicate keys, bad UTF-8, NUL and trailing bytes are errors.
 * Strings come back quoted, numbers, true and false unquoted, null as RDT_NODE_NULL.
 * Fails: RDT_E_BADINPUT (text names line and column), RDT_E_LIMIT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_json_parse(const char *file, struct rdt_span bytes,
                                            struct rdt_arena *arena, struct rdt_node **out,
                                            struct rdt_err *err);

/*
 * rdt_json_text - append text as a JSON string, quotes included.  What is not fit to show (see
 * rdt_text_step()) is written as \u escapes, so that the document may stand on a terminal and
 * still means the same; bytes that are no UTF-8 become U+FFFD.
 */
void rdt_json_text(struct rdt_buf *out, struct rdt_span text);

/*
 * rdt_json_node - append a tree as JSON.  Numbers and truth values stand bare, every other scalar
 * (dates and durations too) is a string.
 *
 *   indent   spaces a level; 0 writes one line
 */
void rdt_json_node(struct rdt_buf *out, const struct rdt_node *node, unsigned indent);

#endif
