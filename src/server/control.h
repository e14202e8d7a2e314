/*
 * control.h - asking a running server over DIR/control.sock: whoever may read its folder (the
 * server's own user, or root) sees its state, opens its root, rotates its domain key, takes a
 * backup. No network, no policy: this is for the person at the machine.
 *
 * Format: docs/formats/control.md.
 */
#ifndef RDT_SERVER_CONTROL_H
#define RDT_SERVER_CONTROL_H

#include "base/buf.h"
#include "base/err.h"
#include "kms/root.h"

#define RDT_CONTROL_SOCKET "control.sock"           /* in the server's folder */
#define RDT_CONTROL_REQUEST_MAX ((size_t)16 * 1024) /* bytes of a request's body */
#define RDT_CONTROL_ANSWER_MAX ((size_t)64 * 1024)  /* bytes of an answer in memory */
#define RDT_CONTROL_WORD_MAX ((size_t)4096)         /* bytes of a passphrase or share */
#define RDT_CONTROL_STREAM_MAX ((size_t)1 << 40)    /* bytes of an answer to a file */

enum rdt_control_command {
    RDT_CONTROL_STATUS = 1, /* JSON: state, shares given so far, custody */
    RDT_CONTROL_UNSEAL,     /* a passphrase, or shares one by one */
    RDT_CONTROL_ROTATE,     /* a new domain key */
    RDT_CONTROL_BACKUP,     /* answers the bytes of a backup: docs/formats/backup.md */
    RDT_CONTROL_RELEASE,    /* end the quarantine of a restored service without approvers */
    RDT_CONTROL_END
};

struct rdt_control_ask {
    const char *dir; /* the server's folder */
    enum rdt_control_command command;
    const char *seal;               /* id of the seal that the means are for; NULL: none named */
    const struct rdt_unseal *means; /* passphrase or shares; NULL: none */
    int fd;                         /* where the answer goes, if not -1 */
};

/*
 * rdt_control_ask - ask the server that runs on a folder.
 *
 *   out   appended: its answer, unless that goes to ask->fd
 *
 * Fails: RDT_E_NOTFOUND (no server runs there), RDT_E_DENIED (we may not ask it; or the socket is
 * not the folder owner's), RDT_E_PROTOCOL, RDT_E_TIMEOUT, RDT_E_IO, RDT_E_LIMIT, or with code, text
 * and hint as the server answered.
 */
RDT_MUST_CHECK enum rdt_code rdt_control_ask(const struct rdt_control_ask *ask, struct rdt_buf *out,
                                             struct rdt_err *err);

#endif
