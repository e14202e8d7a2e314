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
    struct rdt_span stamp; /* x-amz-date, "20261124T101500Z" */
    int64_t time_s;        /* the same in seconds since 1970 (or of Date:, RFC 9110) */
    struct rdt_span token; /* x-amz-security-token, or empty */
};

/*
 * rdt_sigv4_parse - read a request's signature; everything is borrowed from head.
 * The scope's date has to be the stamp's; host, the date, and each x-amz-* header that arrived have
 * to be signed; a name in SignedHeaders that did not arrive is INCOMPLETE.
 */
enum rdt_sigv4_fault rdt_sigv4_parse(const struct rdt_http_head *head, struct rdt_sigv4 *out);

/*
 * rdt_sigv4_canonical - append the canonical request.
 *
 *   body_hash   64 lower-case hexadecimal digits of the body that arrived
 *
 * Answers RDT_SIGV4_PAYLOAD where x-amz-content-sha256 says otherwise, else RDT_SIGV4_OK.
 */
enum rdt_sigv4_fault rdt_sigv4_canonical(const struct rdt_http_head *head,
                                         const struct rdt_sigv4 *sig, const char *body_hash,
                                         struct rdt_buf *out);

/* rdt_sigv4_to_sign - append the string to sign.  canonical_hash: 64 digits. */
void rdt_sigv4_to_sign(const struct rdt_sigv4 *sig, const char *canonical_hash,
                       struct rdt_buf *out);

#endif
