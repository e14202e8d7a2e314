#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define DAYS_1970_TO_10000 2932897

static bool
number(struct rdt_span text, int64_t *out)
{
    int64_t v = 0;
    if (text.n == 0 || text.n > 6)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (text.p[i] - '0');
    }
    *out = v;
    return true;
}

/* Days since 1970 of a date in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible
 * low-level date algorithms", public domain). */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

bool
rdt_date_parse(struct rdt_span text, int64_t *days)
{
    int64_t y, m, d, y2, m2, d2;
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-')
        return false;
    if (!number((struct rdt_span){text.p, 4}, &y) ||
        !number((struct rdt_span){text.p + 5, 2}, &m) ||
        !number((struct rdt_span){text.p + 8, 2}, &d))
        return false;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    int64_t at = days_of(y, m, d);
    date_of(at, &y2, &m2, &d2); /* February 30 comes back as March */
    if (y != y2 || m != m2 || d != d2)
        return false;
    *days = at;
    return true;
}

void
rdt_date_text(int64_t days, char out[static RDT_DATE_TEXT])
{
    int64_t y, m, d;
    if (days < 0 || days >= DAYS_1970_TO_10000)
        days = 0;
    date_of(days, &y, &m, &d);
    snprintf(out, RDT_DATE_TEXT, "%04d-%02d-%02d", (int)(y % 10000), (int)(m % 100),
             (int)(d % 100));
}

bool
rdt_stamp_parse(struct rdt_span text, int64_t *seconds)
{
    int64_t days, h, m, s;
    if (text.n == 10 && rdt_date_parse(text, &days)) {
        *seconds = days * RDT_DAY_S;
        return true;
    }
    if (text.n != 20 || text.p[10] != 'T' || text.p[13] != ':' || text.p[16] != ':' ||
        text.p[19] != 'Z')
        return false;
    if (!rdt_date_parse((struct rdt_span){text.p, 10}, &days) ||
        !number((struct rdt_span){text.p + 11, 2}, &h) ||
        !number((struct rdt_span){text.p + 14, 2}, &m) ||
        !number((struct rdt_span){text.p + 17, 2}, &s) || h > 23 || m > 59 || s > 60)
        return false;
    *seconds = days * RDT_DAY_S + h * 3600 + m * 60 + s;
    return true;
}

void
rdt_stamp_text(int64_t seconds, char out[static RDT_STAMP_TEXT])
{
    char date[RDT_DATE_TEXT];
    if (seconds < 0)
        seconds = 0;
    int rest = (int)(seconds % RDT_DAY_S);
    rdt_date_text(seconds / RDT_DAY_S, date);
    snprintf(out, RDT_STAMP_TEXT, "%.10sT%02d:%02d:%02dZ", date, rest / 3600, rest / 60 % 60,
             rest % 60);
}

bool
rdt_duration_parse(struct rdt_span text, double *days)
{
    static const struct {
        char unit;
        double days;
    } units[] = {
        {'h', 1.0 / 24},
        {'d', 1       },
        {'w', 7       },
        {'y', 365     }
    };
    int64_t v;
    if (text.n < 2 || !number((struct rdt_span){text.p, text.n - 1}, &v))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.p[text.n - 1] == units[i].unit) {
            *days = (double)v * units[i].days;
            return true;
        }
    }
    return false;
}

int64_t
rdt_now(void)
{
    return (int64_t)time(NULL);
}

int64_t
rdt_monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
