/*
 * root_input.h - what opens a root or a new seal, from files, the service manager or a terminal;
 * and new shares, given out once.
 */
#ifndef RDT_CLI_ROOT_INPUT_H
#define RDT_CLI_ROOT_INPUT_H

#include "cli/command.h"
#include "crypto/shamir.h"
#include "kms/root.h"

/* Everything that one seal may ask for; free with rdt_root_input_done(). */
struct rdt_root_input {
    struct rdt_secret word; /* passphrase or PIN */
    struct rdt_secret shares[RDT_SHARES_MAX];
    const struct rdt_secret *pointers[RDT_SHARES_MAX];
    size_t n_shares;
};

/* rdt_root_input_done - wipe it.  Also the closer for RDT_AUTO. */
void rdt_root_input_done(struct rdt_root_input *input);

/*
 * rdt_root_input_old - what opens a seal that is there: nothing, a passphrase, a PIN, or shares:
 * as many as seal->threshold says; 1 asks for a single one of many.
 * Fails: RDT_E_USAGE (it is not given, and nobody can be asked), RDT_E_DENIED, as
 * rdt_secret_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_root_input_old(struct rdt_cli *cli,
                                                const struct rdt_seal_info *seal,
                                                struct rdt_root_input *out);

/*
 * rdt_root_input_choose - the seal that is meant: that of --open-with, else the first whose means
 * are given, else the first there is.  Fails: RDT_E_NOTFOUND (no such seal).
 */
RDT_MUST_CHECK enum rdt_code rdt_root_input_choose(struct rdt_cli *cli, const struct rdt_root *root,
                                                   struct rdt_seal_info *out);

/*
 * rdt_root_input_unseal - open a root: by the seal of --open-with, else the first whose means are
 * given, else the first there is; its means are asked for.
 *
 *   out   caller closes it with rdt_root_lock()
 *
 * Fails: RDT_E_NOTFOUND (no such seal), as rdt_root_input_old() and rdt_root_unseal().
 */
RDT_MUST_CHECK enum rdt_code rdt_root_input_unseal(struct rdt_cli *cli, struct rdt_root *root,
                                                   struct rdt_root_open **out);

/*
 * rdt_root_input_new - what a new seal is to be opened with; a passphrase is asked for twice.
 *
 *   file   the option that names its file
 */
RDT_MUST_CHECK enum rdt_code rdt_root_input_new(struct rdt_cli *cli, enum rdt_seal_type type,
                                                enum rdt_option file, struct rdt_root_input *out);

/*
 * rdt_root_input_seal - the options of a new seal from the command line; `passphrase` is left out.
 * Fails: RDT_E_USAGE.
 */
RDT_MUST_CHECK enum rdt_code rdt_root_input_seal(struct rdt_cli *cli, const char *type,
                                                 const char *id, struct rdt_seal_opts *out);

/* rdt_root_shares_place - refuse, before any work, shares that nobody would see: they go to
 * --shares-dir, or to standard output if that is a terminal. */
RDT_MUST_CHECK enum rdt_code rdt_root_shares_place(struct rdt_cli *cli);

/*
 * rdt_root_shares_show - give out shares, one line each: on the terminal, or to new files of mode
 * 0600, synced.  Fails: RDT_E_IO, RDT_E_DENIED, RDT_E_STATE (a file is there already).
 */
RDT_MUST_CHECK enum rdt_code rdt_root_shares_show(struct rdt_cli *cli,
                                                  const struct rdt_secret *shares);

/* rdt_root_show - what `root status` says, appended: words or JSON. */
void rdt_root_show(const struct rdt_cli *cli, const struct rdt_root *root, const char *dir,
                   struct rdt_buf *out);

/* rdt_root_warn - notes on a root that protects nothing, or lacks a second seal. */
void rdt_root_warn(const struct rdt_cli *cli, const struct rdt_root *root, const char *dir);

#endif
