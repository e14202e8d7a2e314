/*
 * fetch.h - a helper for programs that leave the fetching of keys to us: it answers a keyring's
 * needs by asking the key service over TLS, with a thread of its own that keeps keys in use fresh.
 * Library libredoubt-net, beside libredoubt; the service's certificate is verified, always.
 *
 *   while ((fault = rdt_decrypt(session, column, items, n)) == RDT_FIELD_NEED)
 *       if ((fault = rdt_fetcher_wait(fetcher, 5000)) != RDT_FIELD_OK)
 *           break;
 *
 * A key in use is asked for again in the last quarter of its time. While the service cannot be
 * reached, keys serve on for the keyring's grace, and the service is tried again after 1, 2, 4 and
 * then each 8 seconds. A tenant's key that the service refuses is forgotten at once, grace or not.
 *
 * A process that forks makes keyring and fetcher in the child: those of the parent answer
 * RDT_FIELD_FORKED there.
 */
#ifndef REDOUBT_FETCH_H
#define REDOUBT_FETCH_H

#include "redoubt/redoubt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rdt_fetcher;

/* What is NULL is taken from the environment, as AWS's tools name it. */
struct rdt_fetcher_options {
    size_t size;                 /* sizeof(struct rdt_fetcher_options) */
    const char *endpoint;        /* "https://HOST[:PORT]"; AWS_ENDPOINT_URL_KMS or without _KMS */
    const char *ca_file;         /* PEM; AWS_CA_BUNDLE; else the CAs that this machine trusts */
    const char *region;          /* AWS_REGION, AWS_DEFAULT_REGION */
    const char *key_id, *secret; /* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; copied */
    const char *cert_file, *key_file; /* a client certificate, PEM, instead of these two */
    uint32_t timeout_ms;              /* of one request; 0: 5,000 */
};

/*
 * rdt_fetcher_new - begin to answer a keyring's needs.
 *
 *   options   NULL: all from the environment
 *   out       caller frees with rdt_fetcher_free(), before the keyring
 *   why       NULL, or becomes a text of what is wrong, in why_room bytes
 *
 * Nothing is sent before there is a need. Fails: RDT_FIELD_USAGE (no endpoint, nobody to call as, a
 * file that cannot be read), RDT_FIELD_NOMEM, RDT_FIELD_UNLOCKED, RDT_FIELD_INTERNAL.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault
rdt_fetcher_new(struct rdt_keyring *keyring, const struct rdt_fetcher_options *options,
                struct rdt_fetcher **out, char *why, size_t why_room);

/*
 * rdt_fetcher_free - stop the thread, and free. It waits for a request that is under way; no other
 * thread may be in rdt_fetcher_wait(). NULL is fine.
 */
RDT_PUBLIC void rdt_fetcher_free(struct rdt_fetcher *fetcher);

/*
 * rdt_fetcher_wait - after RDT_FIELD_NEED: until the needs that there are have been seen to. Any
 * number of threads may wait; one key is asked for once.
 *
 * RDT_FIELD_OK: make the call again; a key that was refused is RDT_FIELD_KEY then. Fails:
 * RDT_FIELD_NEED (the service could not be reached, for timeout_ms), RDT_FIELD_NOMEM,
 * RDT_FIELD_UNLOCKED, RDT_FIELD_INTERNAL, RDT_FIELD_FORKED.
 */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_fetcher_wait(struct rdt_fetcher *fetcher,
                                                             uint32_t timeout_ms);

/* For whoever watches the application. */
struct rdt_fetcher_status {
    size_t size;          /* sizeof(struct rdt_fetcher_status), set by the caller */
    uint64_t answered;    /* keys that came */
    uint64_t refused;     /* by the service */
    uint64_t failed;      /* requests without an answer, or with one that is none */
    uint32_t unreachable; /* 1: the last request failed so */
    char last[256];       /* what the last refusal or failure was, in words; without a secret */
};

/* rdt_fetcher_look - how it goes.  Fails: RDT_FIELD_USAGE, RDT_FIELD_FORKED. */
RDT_PUBLIC RDT_CHECKED enum rdt_field_fault rdt_fetcher_look(struct rdt_fetcher *fetcher,
                                                             struct rdt_fetcher_status *out);

#ifdef __cplusplus
}
#endif

#endif
