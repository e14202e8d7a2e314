/*
 * control_internal.h - the control socket's framing, and the server's side of it.
 */
#ifndef RDT_SERVER_CONTROL_INTERNAL_H
#define RDT_SERVER_CONTROL_INTERNAL_H

#include "server/control.h"
#include "server/keys_internal.h"
#include "server/server.h"

#include "crypto/shamir.h"

#include <netinet/in.h>
#include <sys/un.h>

#define CONTROL_REQUEST_HEAD ((size_t)10)
#define CONTROL_ANSWER_HEAD ((size_t)14)

/* ---- control_frame.c: bytes to structs and back ---- */

struct control_request {
    enum rdt_control_command command;
    size_t body_n;
};

struct control_answer {
    enum rdt_code code;
    uint64_t body_n;
};

/* What opens a root, as it came; the spans are borrowed from the body. */
struct control_means {
    char seal[RDT_ROOT_ID_MAX]; /* "": none named */
    bool is_share;
    struct rdt_span words[RDT_SHARES_MAX]; /* one passphrase, or shares */
    size_t n;
};

/* rdt_control_request_head, rdt_control_answer_head - a head's exact bytes; false: not one. */
bool rdt_control_request_head(struct rdt_span head, struct control_request *out);
bool rdt_control_answer_head(struct rdt_span head, struct control_answer *out);

/* rdt_control_put_request, rdt_control_put_answer - a head's bytes. */
void rdt_control_put_request(const struct control_request *request,
                             uint8_t out[static CONTROL_REQUEST_HEAD]);
void rdt_control_put_answer(const struct control_answer *answer,
                            uint8_t out[static CONTROL_ANSWER_HEAD]);

/* rdt_control_means_get - a request's body; an empty one has no means.  False: malformed. */
bool rdt_control_means_get(struct rdt_span body, struct control_means *out);

/*
 * rdt_control_means_put - the body of a request into an empty secret, which stays empty where there
 * are no means.  Fails: RDT_E_LIMIT (a word or their sum is too long), as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_control_means_put(const char *seal, const struct rdt_unseal *means,
                                                   struct rdt_secret *out, struct rdt_err *err);

/* rdt_control_failure_put, rdt_control_failure_get - text and hint of a failure, as the body. */
void rdt_control_failure_put(const struct rdt_err *err, struct rdt_buf *out);
bool rdt_control_failure_get(struct rdt_span body, struct rdt_err *err);

/* ---- control_io.c: bytes over a socket, within a time ---- */

#define CONTROL_READ_MS 5000   /* for a request to arrive */
#define CONTROL_WRITE_MS 30000 /* for the peer to take what is written */

/*
 * rdt_control_read, rdt_control_write - all of n bytes, by a deadline on rdt_monotonic_ms()'s
 * clock.
 *
 *   stop   a descriptor that becomes readable when the wait is to end, or -1
 *
 * Fails: RDT_E_TIMEOUT, RDT_E_IO (the peer is gone), RDT_E_STATE (stop).
 */
RDT_MUST_CHECK enum rdt_code rdt_control_read(int fd, int stop, int64_t deadline_ms, uint8_t *out,
                                              size_t n, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_control_write(int fd, int stop, int64_t deadline_ms,
                                               struct rdt_span bytes, struct rdt_err *err);

/*
 * rdt_control_address - the address of the socket in a folder, through the folder's descriptor: its
 * path may be longer than an address takes.
 */
void rdt_control_address(int folder, struct sockaddr_un *out);

/* ---- control_do.c: what the commands do ---- */

#define CONTROL_TRIES_MAX 10 /* failed tries to open the root in a minute */
#define CONTROL_SHARES_MS                                                                          \
    ((int64_t)30 * 60 * 1000) /* shares that nobody completes are forgotten                        \
                               */

struct control {
    const struct rdt_serve_opts *opts;
    struct keys *keys;
    int folder;    /* DIR, locked while the server runs on it */
    int listening; /* the socket */
    int stop;      /* eventfd */
    pthread_t thread;
    bool started, bound;
    /* of the thread alone: */
    char seal[RDT_ROOT_ID_MAX]; /* whose shares are gathered */
    struct rdt_secret shares[RDT_SHARES_MAX];
    unsigned numbers[RDT_SHARES_MAX];
    size_t n_shares;
    unsigned need;
    int64_t shares_ms; /* when the last one came */
    int64_t tries[CONTROL_TRIES_MAX];
    size_t n_tries;
};

/* Where an answer goes. */
struct control_peer {
    int fd;
    struct rdt_buf out; /* its body, unless it was written to fd, head and all */
    bool written;
};

/* rdt_control_do - carry out a request. */
enum rdt_code rdt_control_do(struct control *control, const struct control_request *request,
                             struct rdt_span body, struct control_peer *peer, struct rdt_err *err);

/* rdt_control_forget - wipe the shares that were gathered. */
void rdt_control_forget(struct control *control);

#endif
