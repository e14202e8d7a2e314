/*
 * base64.h - base64 (RFC 4648 section 4, with padding, or raw: without) and base64url without
 * padding (section 5); strict: one spelling for each byte string.
 */
#ifndef RDT_CODEC_BASE64_H
#define RDT_CODEC_BASE64_H

#include "base/buf.h"

/* rdt_base64_len - characters for n bytes, padding included. */
static inline size_t
rdt_base64_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* rdt_base64_put - n bytes as rdt_base64_len(n) characters, no NUL. */
void rdt_base64_put(struct rdt_span bytes, char *out);

/* rdt_base64_add, rdt_base64_raw_add, rdt_base64url_add - the same, appended. */
void rdt_base64_add(struct rdt_buf *out, struct rdt_span bytes);
void rdt_base64_raw_add(struct rdt_buf *out, struct rdt_span bytes);
void rdt_base64url_add(struct rdt_buf *out, struct rdt_span bytes);

/*
 * rdt_base64_get - decode.
 *
 *   out   room for text.n / 4 * 3 bytes; may be text's own memory
 *   n     bytes written
 *
 * False: a character outside the alphabet, bad padding, bits left over; out may have changed then.
 */
bool rdt_base64_get(struct rdt_span text, uint8_t *out, size_t *n);

/* rdt_base64_raw_get, rdt_base64url_get - the same for base64 and base64url without padding; out
 * has room for text.n bytes. */
bool rdt_base64_raw_get(struct rdt_span text, uint8_t *out, size_t *n);
bool rdt_base64url_get(struct rdt_span text, uint8_t *out, size_t *n);

/* rdt_hex_put - 2 * bytes.n lower-case digits, no NUL.  rdt_hex_add - appended. */
void rdt_hex_put(struct rdt_span bytes, char *out);
void rdt_hex_add(struct rdt_buf *out, struct rdt_span bytes);

/* rdt_hex_get - 2n hexadecimal digits of either case to n bytes; false when they are not. */
bool rdt_hex_get(struct rdt_span text, uint8_t *out, size_t n);

#define RDT_UUID_TEXT 37 /* "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d" and its NUL */

/* rdt_uuid_text - 16 bytes as a lower-case UUID. */
void rdt_uuid_text(const uint8_t uuid[static 16], char out[static RDT_UUID_TEXT]);

/* rdt_uuid_parse - 36 characters, lower case; false when they are not. */
bool rdt_uuid_parse(struct rdt_span text, uint8_t out[static 16]);

#endif
