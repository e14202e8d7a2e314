/*
 * clock.h - dates and durations as the plan writes them. A day is the unit: a date is the number
 * of days since 1970-01-01 (UTC), a duration a number of days that may have a fraction.
 */
#ifndef RDT_BASE_CLOCK_H
#define RDT_BASE_CLOCK_H

#include "base/span.h"

#define RDT_DATE_TEXT 16  /* "2026-11-24" and its NUL, with room to spare */
#define RDT_STAMP_TEXT 32 /* "2026-11-24T10:15:00Z" and its NUL, likewise */
#define RDT_DAY_S 86400

/* rdt_date_parse - "2026-11-24", years 1970 to 9999, a day that exists. */
bool rdt_date_parse(struct rdt_span text, int64_t *days);

/* rdt_date_text - the date in ISO form. */
void rdt_date_text(int64_t days, char out[static RDT_DATE_TEXT]);

/* rdt_stamp_parse - "2026-11-24" (its midnight) or "2026-11-24T10:15:00Z", in seconds. */
bool rdt_stamp_parse(struct rdt_span text, int64_t *seconds);

/* rdt_stamp_text - seconds since 1970 as "2026-11-24T10:15:00Z". */
void rdt_stamp_text(int64_t seconds, char out[static RDT_STAMP_TEXT]);

/* rdt_duration_parse - "90d", "24h", "2w", "1y" (365 days): 1 to 6 digits and a unit, in days. */
bool rdt_duration_parse(struct rdt_span text, double *days);

/* rdt_now - seconds since 1970 (UTC) by the machine's clock. */
int64_t rdt_now(void);

/* rdt_monotonic_ms - milliseconds by a clock that nobody sets; for time limits. */
int64_t rdt_monotonic_ms(void);

#endif
