/*
 * process_internal.h - the processes of `redoubt serve` and what they say to each other.
 */
#ifndef RDT_SERVER_PROCESS_INTERNAL_H
#define RDT_SERVER_PROCESS_INTERNAL_H

#include "server/server.h"

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

#define MESSAGE_MAX ((size_t)160 * 1024) /* bytes of one message; fits a socket's buffer */

/* From keys to jobs: u8 kind, then its bytes. Nothing comes back. */
enum message {
    MESSAGE_METRICS = 1 /* text in Prometheus' format */
};

/* rdt_message_send - never blocks; a full socket loses the message.  False: the peer is gone. */
bool rdt_message_send(int fd, enum message kind, struct rdt_span bytes);

/*
 * rdt_message_take - the next message, waiting for it.
 *
 *   out   appended: the bytes after the kind
 *
 * False: the peer is gone, or said something malformed.
 */
bool rdt_message_take(int fd, enum message *kind, struct rdt_buf *out);

/* ---- keys.c, jobs.c: the bodies of the processes; they return the exit status ---- */

/* rdt_keys_main - the keys process.  jobs_fd: where messages to jobs go. */
int rdt_keys_main(const struct rdt_serve_opts *opts, int jobs_fd);

/* rdt_jobs_main - the jobs process.  metrics_listen: where to serve metrics, or NULL. */
int rdt_jobs_main(int keys_fd, const char *metrics_listen);

/* ---- sandbox.c ---- */

/* What a process may still do after its start. */
enum sandbox_role { SANDBOX_KEYS, SANDBOX_JOBS };

/*
 * rdt_sandbox_enter - no new privileges, not dumpable, Landlock where the kernel has it, seccomp.
 *
 *   folder   the only one that may be written below (keys), or NULL
 *   read     files and folders that may be read, NULL-terminated, or NULL
 *
 * Fails: RDT_E_SANDBOX.
 */
RDT_MUST_CHECK enum rdt_code rdt_sandbox_enter(enum sandbox_role role, const char *folder,
                                               const char *const *read, struct rdt_err *err);

/* ---- notify.c: systemd, without its library ---- */

/* rdt_notify - tell the service manager ("READY=1"), if there is one. */
void rdt_notify(const char *text);

/* rdt_notify_sockets - listening sockets by socket activation into out; their number, 0: none. */
size_t rdt_notify_sockets(int *out, size_t max);

#endif
