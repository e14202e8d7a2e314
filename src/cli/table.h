/*
 * table.h - rows of text in aligned columns, for people. Cells may quote what strangers wrote: they
 * are made fit to show, line ends too.
 */
#ifndef RDT_CLI_TABLE_H
#define RDT_CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

#define RDT_TABLE_COLUMNS_MAX 12 /* columns of a table for people */

/* {0} but for columns is an empty table. */
struct rdt_table {
    size_t columns; /* 1..RDT_TABLE_COLUMNS_MAX */
    struct rdt_arena arena;
    const char **cells; /* row by row */
    size_t n, cap;
    bool failed;
};

/* rdt_table_cell - the next cell, row by row; an empty text shows as "-". */
void rdt_table_cell(struct rdt_table *table, const char *fmt, ...) RDT_PRINTF(2, 3);

/* rdt_table_text - the cell of a text that may be NULL. */
void rdt_table_text(struct rdt_table *table, const char *text);

/* rdt_table_time - the cell of seconds since 1970; 0 or less shows as "-". */
void rdt_table_time(struct rdt_table *table, double seconds);

/* rdt_table_put - append all rows, columns aligned by characters.  False: out of memory. */
RDT_MUST_CHECK bool rdt_table_put(const struct rdt_table *table, struct rdt_buf *out);

/* rdt_table_done - free it.  Also the closer for RDT_AUTO. */
void rdt_table_done(struct rdt_table *table);

#define RDT_TABLE RDT_AUTO(rdt_table_done) struct rdt_table

#endif
