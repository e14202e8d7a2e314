/*
 * sigv4.h - AWS Signature Version 4, the bytes of it: the Authorization header in, the canonical
 * request and the string to sign out. Hashing and keys are elsewhere (crypto/sigv4.h).
 *
 * Source: AWS General Reference, "Create a signed AWS API request"; reference kms.md 2.3.
 */
#ifndef RDT_CODEC_SIGV4_H
#define RDT_CODEC_SIGV4_H

#include "base/buf.h"
#include "codec/httphead.h"

#define RDT_SIGV4_KEY_ID_MAX ((size_t)128) /* bytes of an access key id */
#define RDT_SIGV4_SIGNED_MAX 48            /* names in SignedHeaders */
#define RDT_SIGV4_QUERY_MAX 32             /* parameters in the query of a signed request */
#define RDT_SIGV4_SCOPE_MAX ((size_t)64)   /* bytes of a region or service */
#define RDT_SIGV4_STAMP 17                 /* "20261124T101500Z" and its NUL */

/* Why a request is refused; each has its AWS code where it is answered. */
enum rdt_sigv4_fault {
    RDT_SIGV4_OK,
    RDT_SIGV4_MISSING,    /* no Authorization header: MissingAuthenticationTokenException */
    RDT_SIGV4_INCOMPLETE, /* malformed, or a part missing: IncompleteSignatureException */
    RDT_SIGV4_UNSIGNED,   /* host, the date or an x-amz-* header is not signed */
    RDT_SIGV4_PAYLOAD     /* x-amz-content-sha256 is not the body's, or UNSIGNED-PAYLOAD */
};

struct rdt_sigv4 {
    struct rdt_span key_id; /* 1..RDT_SIGV4_KEY_ID_MAX printable bytes */
    struct rdt_span date;   /* 8 digits of the scope */
    struct rdt_span region, service;
    struct rdt_span scope;          /* "20261124/local-1/kms/aws4_request" */
    struct rdt_span signed_headers; /* "host;x-amz-date", sorted, lower case, each once */
    struct rdt_span signed_name[RDT_SIGV4_SIGNED_MAX];
    size_t n_signed;
    uint8_t signature[32];
    char stamp[RDT_SIGV4_STAMP]; /* x-amz-date; without one, Date: (RFC 9110) in the same form */
    int64_t time_s;              /* the same in seconds since 1970 */
    struct rdt_span token;       /* x-amz-security-token, or empty */
};

/*
 * rdt_sigv4_parse - read a request's signature; what is a span in out is borrowed from head.
 *
 * The scope's date has to be the stamp's; host, the date, and each x-amz-* header that arrived have
 * to be signed; a name in SignedHeaders that did not arrive is INCOMPLETE.  So is what would give
 * two requests one signature: a second Authorization, Date or x-amz-* line of one name, and a path
 * with an empty, "." or ".." segment, which signers take out.  Parts of Authorization may come in
 * any order, each once; the signature has small digits.
 */
enum rdt_sigv4_fault rdt_sigv4_parse(const struct rdt_http_head *head, struct rdt_sigv4 *out);

/*
 * rdt_sigv4_canonical - append the canonical request.
 *
 *   body_hash   64 lower-case hexadecimal digits of the body that arrived
 *
 * The path is encoded once more than it came, as all services but S3 do; the query's parameters
 * are decoded, encoded as RFC 3986 has it, and sorted by name, then value; blanks within a header
 * become one, lines of one name are joined by ",".
 * Answers RDT_SIGV4_PAYLOAD where x-amz-content-sha256 says otherwise, else RDT_SIGV4_OK; the
 * bytes are appended either way.
 */
enum rdt_sigv4_fault rdt_sigv4_canonical(const struct rdt_http_head *head,
                                         const struct rdt_sigv4 *sig, const char *body_hash,
                                         struct rdt_buf *out);

/* rdt_sigv4_to_sign - append the string to sign.  canonical_hash: 64 digits. */
void rdt_sigv4_to_sign(const struct rdt_sigv4 *sig, const char *canonical_hash,
                       struct rdt_buf *out);

#endif
