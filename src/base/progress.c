#include "base/progress.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_MS 200    /* between two drawings */
#define WIDTH_OTHER 80 /* columns where a terminal does not say */
#define BAR_MAX ((size_t)30)
#define BAR_LEAST ((size_t)8)
#define SMOOTH 0.2            /* weight of the newest rate */
#define LEFT_MOST_S 8640000.0 /* a hundred days: no guess beyond that */

void
rdt_progress_start(struct rdt_progress *progress, FILE *to, const char *what,
                   enum rdt_progress_unit unit, uint64_t total, uint64_t done)
{
    bool shown = to != NULL && isatty(fileno(to)) == 1;
    *progress = (struct rdt_progress){.to = shown ? to : NULL,
                                      .what = what,
                                      .unit = unit,
                                      .total = total,
                                      .done = done,
                                      .drawn = done,
                                      .drawn_ms = rdt_monotonic_ms()};
}

/* 1,234,567, or 1.2 GB. */
static void
put_amount(enum rdt_progress_unit unit, double n, char *out, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    char digits[32];
    size_t u = 0, at = 0;
    if (unit == RDT_PROGRESS_BYTES) {
        for (; n >= 1000 && u + 1 < RDT_COUNT(units); u++)
            n /= 1000;
        snprintf(out, size, u == 0 ? "%.0f %s" : "%.1f %s", n, units[u]);
        return;
    }
    int len = snprintf(digits, sizeof digits, "%.0f", n);
    for (int i = 0; i < len && at + 2 < size; i++) {
        if (i != 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void
put_left(double s, char *out, size_t size)
{
    if (s < 100)
        snprintf(out, size, "%.0f s left", s);
    else if (s < 6000)
        snprintf(out, size, "%.0f min left", s / 60);
    else
        snprintf(out, size, "%.1f h left", s / 3600);
}

/* What stands after the bar. */
static size_t
put_figures(const struct rdt_progress *progress, char *out, size_t size)
{
    char done[40], total[40], rate[40], left[40];
    const char *rows = progress->unit == RDT_PROGRESS_ROWS ? " rows" : "";
    size_t at = 0;
    out[0] = '\0';
    put_amount(progress->unit, (double)progress->done, done, sizeof done);
    at = rdt_text_put(out, size, at, done);
    if (progress->total != 0) {
        put_amount(progress->unit, (double)progress->total, total, sizeof total);
        at = rdt_text_put(out, size, at, " of ");
        at = rdt_text_put(out, size, at, total);
    }
    at = rdt_text_put(out, size, at, rows);
    if (progress->rate <= 0)
        return at;
    put_amount(progress->unit, progress->rate, rate, sizeof rate);
    at = rdt_text_put(out, size, at, "  ");
    at = rdt_text_put(out, size, at, rate);
    at = rdt_text_put(out, size, at, "/s");
    double more = progress->total > progress->done ? (double)(progress->total - progress->done) : 0;
    if (progress->total == 0 || more / progress->rate > LEFT_MOST_S)
        return at;
    put_left(more / progress->rate, left, sizeof left);
    at = rdt_text_put(out, size, at, "  ");
    return rdt_text_put(out, size, at, left);
}

/* "[####....]  43 %  " where there is room for it. */
static size_t
put_bar(const struct rdt_progress *progress, size_t room, char *out, size_t size, size_t at)
{
    char percent[16];
    double part = (double)progress->done / (double)progress->total;
    part = part > 1 ? 1 : part;
    size_t width = room < BAR_MAX ? room : BAR_MAX, full = (size_t)(part * (double)width);
    if (room >= BAR_LEAST && at + width + 4 < size) {
        out[at++] = '[';
        for (size_t i = 0; i < width; i++)
            out[at++] = i < full ? '#' : '.';
        out[at++] = ']';
        out[at] = '\0';
        at = rdt_text_put(out, size, at, "  ");
    }
    snprintf(percent, sizeof percent, "%u %%  ", (unsigned)(part * 100)); /* 100 only at the end */
    return rdt_text_put(out, size, at, percent);
}

void
rdt_progress_line(struct rdt_progress *progress, int64_t now_ms, size_t width,
                  char out[static RDT_PROGRESS_TEXT])
{
    char figures[160];
    int64_t ms = now_ms - progress->drawn_ms;
    if (ms > 0 && progress->done >= progress->drawn) {
        double rate = (double)(progress->done - progress->drawn) * 1000 / (double)ms;
        progress->rate = progress->rate <= 0 ? rate : (1 - SMOOTH) * progress->rate + SMOOTH * rate;
    }
    progress->drawn = progress->done;
    progress->drawn_ms = now_ms;
    width = width < RDT_PROGRESS_TEXT ? width : RDT_PROGRESS_TEXT - 1;
    size_t n = put_figures(progress, figures, sizeof figures), at = 0;
    out[0] = '\0';
    at = rdt_text_put(out, RDT_PROGRESS_TEXT, at, progress->what);
    at = rdt_text_put(out, RDT_PROGRESS_TEXT, at, "  ");
    size_t taken = at + n + sizeof "[]  100 %  " - 1;
    if (progress->total != 0)
        at = put_bar(progress, width > taken ? width - taken : 0, out, RDT_PROGRESS_TEXT, at);
    rdt_text_put(out, RDT_PROGRESS_TEXT, at, figures);
    out[width] = '\0'; /* never a second line: it could not be drawn over */
}

static size_t
columns_of(FILE *to)
{
    struct winsize size = {0};
    if (ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_OTHER;
    return size.ws_col;
}

void
rdt_progress_at(struct rdt_progress *progress, uint64_t done)
{
    char line[RDT_PROGRESS_TEXT];
    progress->done = done;
    if (progress->to == NULL)
        return;
    int64_t now = rdt_monotonic_ms();
    if (now - progress->drawn_ms < DRAW_MS)
        return;
    rdt_progress_line(progress, now, columns_of(progress->to) - 1, line);
    fprintf(progress->to, "\r%s\033[K", line);
    fflush(progress->to);
}

void
rdt_progress_clear(struct rdt_progress *progress)
{
    if (progress->to == NULL)
        return;
    fputs("\r\033[K", progress->to);
    fflush(progress->to);
}
