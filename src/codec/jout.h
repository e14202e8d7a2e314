/*
 * jout.h - write JSON answers into a buffer, member by member, without a tree. Commas are put where
 * they belong: a member or item that does not follow `{` or `[` gets one.
 */
#ifndef RDT_CODEC_JOUT_H
#define RDT_CODEC_JOUT_H

#include "base/buf.h"

/* rdt_jout_open, rdt_jout_close - `{`, `[` and their ends; name NULL inside an array or on top. */
void rdt_jout_open(struct rdt_buf *out, const char *name, char bracket);
void rdt_jout_close(struct rdt_buf *out, char bracket);

/* rdt_jout_text - a member (or, name NULL, an item) of text, escaped. */
void rdt_jout_text(struct rdt_buf *out, const char *name, struct rdt_span text);

/* rdt_jout_str - the same for a NUL-terminated string; NULL writes nothing. */
void rdt_jout_str(struct rdt_buf *out, const char *name, const char *text);

/* rdt_jout_blob - bytes as base64. */
void rdt_jout_blob(struct rdt_buf *out, const char *name, struct rdt_span bytes);

/* rdt_jout_hex - bytes as lower-case hexadecimal digits. */
void rdt_jout_hex(struct rdt_buf *out, const char *name, struct rdt_span bytes);

/* rdt_jout_uuid - 16 bytes as a UUID. */
void rdt_jout_uuid(struct rdt_buf *out, const char *name, const uint8_t uuid[static 16]);

/* rdt_jout_int, rdt_jout_bool - a whole number, a truth value. */
void rdt_jout_int(struct rdt_buf *out, const char *name, int64_t value);
void rdt_jout_bool(struct rdt_buf *out, const char *name, bool value);

/* rdt_jout_time - milliseconds since 1970 as seconds with a fraction: 1499288695.918 */
void rdt_jout_time(struct rdt_buf *out, const char *name, int64_t ms);

#endif
