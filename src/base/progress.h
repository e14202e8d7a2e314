/*
 * progress.h - how far long work is: one line on a terminal that is drawn over again, and nothing
 * at all in a pipe. One thread at a time. {0} shows nothing.
 */
#ifndef RDT_BASE_PROGRESS_H
#define RDT_BASE_PROGRESS_H

#include "base/compiler.h"
#include "base/span.h"

#include <stdio.h>

#define RDT_PROGRESS_TEXT 256 /* bytes of a line and its NUL */

enum rdt_progress_unit { RDT_PROGRESS_ROWS, RDT_PROGRESS_BYTES };

struct rdt_progress {
    FILE *to; /* NULL: nothing is shown */
    const char *what;
    enum rdt_progress_unit unit;
    uint64_t total, done; /* total 0: nobody knows */
    uint64_t drawn;       /* done when it was last drawn */
    int64_t drawn_ms;
    double rate; /* units a second, of late; 0: not known yet */
};

/*
 * rdt_progress_start - begin a line; draws nothing yet.
 *
 *   to     a terminal, or anything else, or NULL (--quiet): then nothing is ever written
 *   what   "sweep", borrowed
 *   total  0: nobody knows
 *   done   of it, already: from before the work was interrupted
 */
void rdt_progress_start(struct rdt_progress *progress, FILE *to, const char *what,
                        enum rdt_progress_unit unit, uint64_t total, uint64_t done);

/* rdt_progress_at - so much is done now; draws a few times a second at most. Cheap. */
void rdt_progress_at(struct rdt_progress *progress, uint64_t done);

/* rdt_progress_clear - take the line away, before other words or at the end; the next
 * rdt_progress_at() draws it anew. */
void rdt_progress_clear(struct rdt_progress *progress);

/*
 * rdt_progress_line - the line itself for a time and a width (columns), as rdt_progress_at() draws
 * it:  sweep  [#####.......]  43 %  430,000 of 1,000,000 rows  12,300/s  46 s left
 */
void rdt_progress_line(struct rdt_progress *progress, int64_t now_ms, size_t width,
                       char out[static RDT_PROGRESS_TEXT]);

#endif
