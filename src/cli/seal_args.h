/*
 * seal_args.h - what `seal`, `open`, `reseal`, `rekey` and `inspect` have in common on the command
 * line: for whom, with what, progress.
 */
#ifndef RDT_CLI_SEAL_ARGS_H
#define RDT_CLI_SEAL_ARGS_H

#include "base/progress.h"
#include "cli/remote.h"
#include "work/recipients.h"
#include "work/sink.h"
#include "work/unlock.h"

/* Secrets and connections of one command. {0} at first. */
struct rdt_seal_args {
    struct rdt_cli *cli;
    struct rdt_remote remote; /* opened when something needs it */
    struct rdt_recipients to;
    struct rdt_unlock with;
    struct rdt_secret passphrase, pin; /* for recipients */
    struct rdt_progress progress;
};

/* rdt_seal_args_done - wipe and close; the closer for RDT_AUTO. */
void rdt_seal_args_done(struct rdt_seal_args *args);

#define RDT_SEAL_ARGS RDT_AUTO(rdt_seal_args_done) struct rdt_seal_args

/*
 * rdt_seal_args_to - who is to open the result: -r, --key with --tenant, --break-glass,
 * --passphrase-file and --pin-file (or, where these open the old file, their --new-... forms).
 *
 *   fresh   the --new-... forms
 *
 * Fails: RDT_E_USAGE (nobody), as rdt_recipients_add(), rdt_secret_read() and rdt_remote_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_seal_args_to(struct rdt_seal_args *args, bool fresh);

/*
 * rdt_seal_args_with - what to open a file with: -i, --passphrase-file, --hsm-module with
 * --pin-file, and the key service where the environment names one.
 *
 * Fails: as rdt_unlock_add_file(), rdt_secret_read() and rdt_remote_open().
 */
RDT_MUST_CHECK enum rdt_code rdt_seal_args_with(struct rdt_seal_args *args);

/* rdt_seal_args_service - the key service by the environment, once. Fails: as rdt_remote_open(). */
RDT_MUST_CHECK enum rdt_code rdt_seal_args_service(struct rdt_seal_args *args);

/* rdt_seal_args_sink - -o, --force, --keep-partial. Fails: as rdt_sink_open(). */
RDT_MUST_CHECK enum rdt_code rdt_seal_args_sink(struct rdt_seal_args *args, struct rdt_sink **out);

/* rdt_seal_args_progress - begin the line; total -1: not known. rdt_seal_args_at - move it; fits
 * the callbacks of room work, arg is a struct rdt_seal_args. */
void rdt_seal_args_progress(struct rdt_seal_args *args, const char *what, int64_t total);
void rdt_seal_args_at(void *args, uint64_t done);

#endif
