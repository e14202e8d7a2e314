/*
 * column.h - what the `column` commands share: the catalogue, the database, the key service.
 */
#ifndef RDT_CLI_COLUMN_H
#define RDT_CLI_COLUMN_H

#include "cli/remote.h"
#include "crypto/worker.h"
#include "work/column.h"

/* {0} is a closed one. */
struct rdt_column_cli {
    struct rdt_cli *cli;
    struct rdt_catalogue *catalogue;
    struct rdt_db *db;
    struct rdt_remote remote;
    struct rdt_worker *worker;
    struct rdt_column_job job; /* all but column */
    int64_t ring_s;            /* when the ring's current version was made; 0: not known */
};

/*
 * rdt_column_cli_open - open what the options name: --catalogue, --db, and the server of the
 * environment.  Fails: a mistake on the command line or in the catalogue; what cannot be reached.
 */
RDT_MUST_CHECK enum rdt_code rdt_column_cli_open(struct rdt_cli *cli, struct rdt_column_cli *out);

/* rdt_column_cli_use - take a column of the catalogue into the job, and ask for its ring's current
 * version, if this caller may. */
RDT_MUST_CHECK enum rdt_code rdt_column_cli_use(struct rdt_column_cli *at, const char *name);

/* rdt_column_cli_close - the closer for RDT_AUTO. */
void rdt_column_cli_close(struct rdt_column_cli *at);

/* rdt_column_cli_bad - say what could not be read; true: there was something. */
bool rdt_column_cli_bad(struct rdt_cli *cli, struct rdt_column_bad *bad);

/* rdt_column_cli_number - the value of an option, a whole number from least to most. */
RDT_MUST_CHECK enum rdt_code rdt_column_cli_number(struct rdt_cli *cli, enum rdt_option option,
                                                   uint64_t least, uint64_t most, uint64_t *out);

#endif
