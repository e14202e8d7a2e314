/*
 * client.h - a connection to a Redoubt server: operations by name, JSON in, JSON out.
 *
 * The server's certificate is verified, always. Who calls is shown by AWS Signature Version 4 with
 * a credential that the server made, or by a client certificate. A client belongs to one thread at
 * a time; the connection is kept between calls.
 */
#ifndef RDT_CLIENT_CLIENT_H
#define RDT_CLIENT_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define RDT_CLIENT_OP_MAX 64         /* bytes of an operation's name, its prefix too */
#define RDT_CLIENT_TRIES_MAX 4       /* times that one call is sent */
#define RDT_CLIENT_PAUSE_MS 100      /* before the second time; twice as long before each further */
#define RDT_CLIENT_FAULT_MAX 64      /* bytes of a fault's name */
#define RDT_CLIENT_MESSAGE_MAX 512   /* bytes of a fault's message; the rest is cut */
#define RDT_CLIENT_REQUEST_ID_MAX 64 /* bytes of a request id */

struct rdt_client;

struct rdt_client_opts {
    const char *endpoint;             /* "https://HOST[:PORT]" */
    const char *ca_file;              /* PEM; NULL: the CAs that this machine trusts */
    const char *region;               /* "local-1"; for signatures */
    const char *key_id;               /* access key id; NULL: the certificate says who calls */
    const struct rdt_secret *secret;  /* of key_id; copied */
    const char *cert_file, *key_file; /* client certificate, PEM; NULL: none */
    int64_t timeout_ms;               /* of one request; 0: RDT_HTTPS_TIMEOUT_MS */
};

/*
 * rdt_client_open - make a client; nothing is sent yet.
 *
 *   out   caller closes it with rdt_client_close()
 *
 * Fails: RDT_E_USAGE (no endpoint; neither a credential nor a certificate; one without its other
 * half), RDT_E_BADINPUT (endpoint, region, key id), RDT_E_NOTFOUND, RDT_E_DENIED (a file),
 * RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_client_open(const struct rdt_client_opts *opts,
                                             struct rdt_client **out, struct rdt_err *err);

/*
 * rdt_client_env - fill what is still NULL by what AWS tools read from the environment.
 *
 *   opts     endpoint, ca_file, region, key_id and secret; no credential is looked for where one or
 *            a client certificate is given.  Borrows from the environment and from secret
 *   secret   empty; becomes AWS_SECRET_ACCESS_KEY where opts->secret points to it
 *
 * Fails: RDT_E_NOMEM, RDT_E_INTERNAL (memory cannot be locked).
 */
RDT_MUST_CHECK enum rdt_code rdt_client_env(struct rdt_client_opts *opts, struct rdt_secret *secret,
                                            struct rdt_err *err);

/*
 * rdt_client_open_env - the same by what AWS tools read from the environment: AWS_ENDPOINT_URL_KMS
 * or AWS_ENDPOINT_URL, AWS_CA_BUNDLE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_REGION or
 * AWS_DEFAULT_REGION.
 *
 *   cert_file, key_file   a client certificate; then no credential is looked for.  NULL: none
 */
RDT_MUST_CHECK enum rdt_code rdt_client_open_env(const char *cert_file, const char *key_file,
                                                 struct rdt_client **out, struct rdt_err *err);

/* rdt_client_close - NULL is fine.  rdt_client_close_at - the same as a closer for RDT_AUTO. */
void rdt_client_close(struct rdt_client *client);
void rdt_client_close_at(struct rdt_client **client);

/* rdt_client_endpoint - "https://HOST:PORT", borrowed until close. */
const char *rdt_client_endpoint(const struct rdt_client *client);

/* What the server said when it refused: all empty when it did not. */
struct rdt_client_fault {
    int status;                                     /* of HTTP */
    char name[RDT_CLIENT_FAULT_MAX + 1];            /* "AccessDeniedException" */
    char message[RDT_CLIENT_MESSAGE_MAX + 1];       /* fit to show */
    char request_id[RDT_CLIENT_REQUEST_ID_MAX + 1]; /* the server's log has it */
};

/*
 * rdt_client_call - one operation.
 *
 *   op      as a policy names the action: "kms:CreateKey", "redoubt:PrincipalList"
 *   body    its JSON input
 *   fault   NULL, or becomes what the server refused with
 *   out     appended: its JSON answer.  It may hold a secret: then the caller wipes it
 *
 * A connection that could not be made and a server that is too busy (ThrottlingException) are tried
 * again, RDT_CLIENT_TRIES_MAX times in all; what may have been carried out is not.
 *
 * Fails: RDT_E_DENIED (not permitted, not known, a certificate), RDT_E_NOTFOUND, RDT_E_BADINPUT,
 * RDT_E_STATE, RDT_E_LIMIT by the server's fault, whose name, message and request id are the text;
 * RDT_E_IO (a fault within the server); RDT_E_NET, RDT_E_TIMEOUT, RDT_E_PROTOCOL, RDT_E_NOMEM,
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_client_call(struct rdt_client *client, const char *op,
                                             struct rdt_span body, struct rdt_client_fault *fault,
                                             struct rdt_buf *out, struct rdt_err *err);

#endif
