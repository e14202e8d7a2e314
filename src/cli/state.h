/*
 * state.h - the last run, kept for `redoubt report`; and the terminal: width, progress.
 */
#ifndef RDT_CLI_STATE_H
#define RDT_CLI_STATE_H

#include "cli/command.h"
#include "report/report.h"

/*
 * rdt_runs_keep - store a run as $XDG_STATE_HOME/redoubt/last-run.json, mode 0600.  A folder that
 * cannot be written is no failure of the run: a note says so.
 */
void rdt_runs_keep(struct rdt_cli *cli, const struct rdt_run *run, const struct rdt_plan *plan,
                   const struct rdt_evidence *evidence);

/* rdt_runs_load - the run of --run FILE, or the last one.  Caller closes.  Fails: as
 * rdt_file_read() and rdt_run_load(). */
RDT_MUST_CHECK enum rdt_code rdt_runs_load(struct rdt_cli *cli, struct rdt_stored **out);

/* rdt_cli_width - columns of the terminal, 80 when there is none, within 60 to 120. */
unsigned rdt_cli_width(const struct rdt_cli *cli);

/* A bar on standard error while work goes on; nothing unless that is a terminal. */
struct rdt_progress {
    const char *what;
    const struct rdt_cli *cli;
    bool shown;
};

/* rdt_progress_show - n_done of n; fits rdt_probe_plan.done.  rdt_progress_end - clear the line. */
void rdt_progress_show(void *progress, size_t n_done, size_t n);
void rdt_progress_end(struct rdt_progress *progress);

#endif
