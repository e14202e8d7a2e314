/*
 * jw_internal.h - JSON written straight into a buffer: no tree, so that a big run costs what its
 * bytes cost. The caller opens and closes; commas come by themselves.
 */
#ifndef RDT_REPORT_JW_INTERNAL_H
#define RDT_REPORT_JW_INTERNAL_H

#include "base/buf.h"
#include "rules/run.h"

struct rdt_jw {
    struct rdt_buf *out;
    bool comma; /* something stands before, on this level */
};

/*
 * rdt_jw_open - begin an object ('{') or a list ('['); key NULL inside a list.
 * rdt_jw_close - end it; rdt_jw_line - start the next member on a line of its own.
 */
void rdt_jw_open(struct rdt_jw *w, const char *key, char bracket);
void rdt_jw_close(struct rdt_jw *w, char bracket);
void rdt_jw_line(struct rdt_jw *w);

/*
 * rdt_jw_text - a string; a NULL text writes nothing.  Bytes that are no UTF-8 become '?'.
 * rdt_jw_int, rdt_jw_bool - a number; true or false.
 * rdt_jw_strings - a list of strings, also when it is empty.
 * rdt_jw_node - a tree.
 * rdt_jw_raw - members that were written before, by another rdt_jw.
 */
void rdt_jw_text(struct rdt_jw *w, const char *key, const char *text);
void rdt_jw_int(struct rdt_jw *w, const char *key, int64_t number);
void rdt_jw_bool(struct rdt_jw *w, const char *key, bool yes);
void rdt_jw_strings(struct rdt_jw *w, const char *key, const struct rdt_strings *strings);
void rdt_jw_raw(struct rdt_jw *w, struct rdt_span members);
void rdt_jw_node(struct rdt_jw *w, const char *key, const struct rdt_node *node);

#endif
