#include "cli/table.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CELL_BYTES 4096          /* of one cell; the rest is cut */
#define GAP 2                    /* blanks between columns */
#define TIME_LAST 253402300799.0 /* 9999-12-31T23:59:59Z */

static bool
room(struct rdt_table *table)
{
    if (table->n < table->cap)
        return true;
    size_t cap = table->cap == 0 ? 64 : table->cap * 2;
    const char **more = reallocarray(table->cells, cap, sizeof *more);
    if (more == NULL)
        return false;
    table->cells = more;
    table->cap = cap;
    return true;
}

void
rdt_table_cell(struct rdt_table *table, const char *fmt, ...)
{
    char cell[CELL_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(cell, sizeof cell, fmt, args);
    va_end(args);
    rdt_text_show(cell);
    char *copy = rdt_arena_str(&table->arena, rdt_span_str(cell[0] == '\0' ? "-" : cell));
    if (copy == NULL || !room(table))
        table->failed = true;
    else
        table->cells[table->n++] = copy;
}

void
rdt_table_text(struct rdt_table *table, const char *text)
{
    rdt_table_cell(table, "%s", text == NULL ? "" : text);
}

void
rdt_table_time(struct rdt_table *table, double seconds)
{
    char stamp[RDT_STAMP_TEXT] = "";
    if (seconds >= 1 && seconds <= TIME_LAST)
        rdt_stamp_text((int64_t)seconds, stamp);
    rdt_table_cell(table, "%s", stamp);
}

/* Characters of UTF-8: bytes that do not go on with one. */
static size_t
width(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

bool
rdt_table_put(const struct rdt_table *table, struct rdt_buf *out)
{
    size_t widths[RDT_TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->n; i++) {
        size_t n = width(table->cells[i]);
        if (n > widths[i % table->columns])
            widths[i % table->columns] = n;
    }
    for (size_t i = 0; i < table->n; i++) {
        bool last = i % table->columns == table->columns - 1;
        size_t pad = widths[i % table->columns] - width(table->cells[i]) + GAP;
        rdt_buf_fmt(out, "%s%*s", table->cells[i], last ? 0 : (int)pad, "");
        if (last)
            rdt_buf_str(out, "\n");
    }
    return !table->failed && rdt_buf_ok(out);
}

void
rdt_table_done(struct rdt_table *table)
{
    rdt_arena_done(&table->arena);
    free(table->cells);
    *table = (struct rdt_table){0};
}
