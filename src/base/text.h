/*
 * text.h - small questions about text that several rooms ask.
 */
#ifndef RDT_BASE_TEXT_H
#define RDT_BASE_TEXT_H

#include "base/span.h"

/* rdt_text_utf8 - whether the bytes are UTF-8 without overlong forms, surrogates or NUL. */
bool rdt_text_utf8(struct rdt_span text);

/*
 * rdt_text_show - make a NUL-terminated text fit to show, in its place: what is not UTF-8 (a
 * character cut in two, too) and control characters, which a terminal might obey, become `?`.
 */
void rdt_text_show(char *text);

/*
 * rdt_text_distance - how many letters to insert, delete, replace or swap with a neighbour turn a
 * into b (optimal string alignment).  Texts over 64 bytes count as 64 apart.
 */
unsigned rdt_text_distance(struct rdt_span a, struct rdt_span b);

/*
 * rdt_text_nearest - the candidate that the writer most likely meant, or NULL when none is near
 * (at most a third of its letters wrong, and never more than 3).  Borrowed from candidates.
 */
const char *rdt_text_nearest(struct rdt_span text, const char *const *candidates, size_t n);

/*
 * rdt_text_glob - whether the whole text matches: `*` any run, `?` any one byte, the rest itself.
 * Time is at most text times pattern.
 */
bool rdt_text_glob(struct rdt_span pattern, struct rdt_span text);

#endif
