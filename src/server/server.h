/*
 * server.h - `redoubt serve`: one binary in separate processes (SECURITY-DESIGN section 2).
 *
 *   supervisor   starts the others before any secret is in memory, passes signals on, restarts jobs
 *   keys         key management: store, audit log, TLS listeners
 *   jobs         no key, no store: the metrics listener; own uid, seccomp, Landlock
 *
 * The vendor's PKCS#11 module runs in a process of its own while the root is unsealed (kms/root.h).
 */
#ifndef RDT_SERVER_SERVER_H
#define RDT_SERVER_SERVER_H

#include "base/err.h"
#include "base/secret.h"
#include "kms/root.h"

struct rdt_arena;
struct rdt_diags;

#define RDT_SERVE_LISTEN_MAX 8   /* addresses */
#define RDT_SERVE_GRACE_MS 10000 /* for calls under way when the server is told to stop */

struct rdt_serve_opts {
    const char *data; /* the folder: root.json, store.db, audit/ */
    const char *listen[RDT_SERVE_LISTEN_MAX];
    size_t n_listen;
    int fds[RDT_SERVE_LISTEN_MAX]; /* listening sockets that were bound already, used instead */
    size_t n_fds;
    const char *cert_file, *key_file, *client_ca_file; /* client_ca_file NULL: no mTLS */
    const char *metrics_listen;                        /* loopback "ADDR:PORT"; NULL: none */
    unsigned workers;                                  /* 0: one a core */
    const char *seal;            /* id of the seal that opens the root; NULL: the first that fits */
    const char *passphrase_file; /* passphrase or PIN; NULL: none */
    bool development;            /* --dev */
};

/*
 * rdt_serve - run until SIGTERM or SIGINT; SIGHUP reads the certificates again.
 *
 * Prints `ready https://ADDR:PORT` on standard output once it answers, and what went wrong on
 * standard error. Returns the exit status: 0 after a graceful stop.
 */
int rdt_serve(const struct rdt_serve_opts *opts);

/*
 * rdt_serve_config - read a YAML file: docs/guides/server.md lists its fields.
 *
 *   out    texts are owned by arena
 *   diags  gets each complaint with its place
 *
 * Fails: RDT_E_BADINPUT (file, line, column, what was expected), as rdt_file_read().
 */
RDT_MUST_CHECK enum rdt_code rdt_serve_config(const char *file, struct rdt_arena *arena,
                                              struct rdt_serve_opts *out, struct rdt_diags *diags,
                                              struct rdt_err *err);

/*
 * rdt_serve_dev - make or reuse DIR for a laptop: CA, certificate, development root, service, an
 * administrator (DIR/dev.env) and an application (DIR/app.env); fills the options.
 *
 *   listen   "ADDR:PORT"; port 0 takes a free one, which the env files then name
 */
RDT_MUST_CHECK enum rdt_code rdt_serve_dev(const char *dir, const char *listen,
                                           struct rdt_arena *arena, struct rdt_serve_opts *out,
                                           struct rdt_err *err);

#endif
