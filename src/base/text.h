/*
 * text.h - small questions about text that several rooms ask.
 */
#ifndef RDT_BASE_TEXT_H
#define RDT_BASE_TEXT_H

#include "base/span.h"

/* rdt_text_utf8 - whether the bytes are UTF-8 without overlong forms, surrogates or NUL. */
bool rdt_text_utf8(struct rdt_span text);

/*
 * rdt_text_step - how many bytes the first character takes (at least 1), and whether it is fit to
 * show.  Not fit: bytes that are no UTF-8, control characters (C0, DEL, C1: a terminal obeys
 * them), and what turns the order of other characters round or cannot be seen at all, so that a
 * reader would take the text for another one.  text is not empty.
 */
size_t rdt_text_step(struct rdt_span text, bool *fit);

/* rdt_text_fit - whether all characters are fit to show. */
bool rdt_text_fit(struct rdt_span text);

/*
 * rdt_text_show - make a NUL-terminated text fit to show, in its place: each byte of a character
 * that is not becomes `?`.  What a stranger wrote goes through here, or through rdt_text_step(),
 * before it reaches a terminal, a log or a line of a report.
 */
void rdt_text_show(char *text);

/* rdt_text_show_lines - the same for n bytes of several lines: line ends and tabs stay. */
void rdt_text_show_lines(uint8_t *text, size_t n);

/*
 * rdt_text_put - append to a NUL-terminated text that is being made; what does not fit is cut off.
 * A few of these cost a fraction of one snprintf().
 *
 *   at   where the text ends so far: below size
 *
 * Returns where it ends now.
 */
static inline size_t
rdt_text_put(char *out, size_t size, size_t at, const char *text)
{
    size_t n = strlen(text), room = size - 1 - at;
    n = n < room ? n : room;
    memcpy(out + at, text, n);
    out[at + n] = '\0';
    return at + n;
}

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
