/*
 * webhook.h - Standard Webhooks 1.0.0: a body signed together with its id and time by HMAC-SHA-256,
 * under one secret or, while secrets change over, two.
 *
 * Format: docs/formats/password.md section 6; https://www.standardwebhooks.com. Signing and
 * checking allocate nothing. A worker is of one thread at a time, secrets that none changes are of
 * any.
 */
#ifndef RDT_FIELD_WEBHOOK_H
#define RDT_FIELD_WEBHOOK_H

#include "field/keys.h"
#include "redoubt/helpers.h"

#define RDT_WEBHOOK_SECRET_MIN ((size_t)24) /* bytes of a secret */
#define RDT_WEBHOOK_SECRET_MAX ((size_t)64) /* bytes of a webhook's secret */

/* ---- secrets ---- */

/*
 * rdt_hook_secret_make - a new secret of 32 bytes.
 * rdt_hook_secret_read - one from its text, "whsec_" and padded base64 of 24 to 64 bytes.
 *
 *   out   becomes the secret; caller wipes it
 *
 * Fails: RDT_E_BADINPUT (the text), RDT_E_NOMEM, RDT_E_DENIED (memory cannot be locked),
 * RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_hook_secret_make(struct rdt_worker *worker, struct rdt_secret *out,
                                                  struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_hook_secret_read(struct rdt_span text, struct rdt_secret *out,
                                                  struct rdt_err *err);

/*
 * rdt_hook_secret_derive - the secret of one endpoint, out of a KEK of the application's own:
 * nothing to store; another epoch makes another secret.
 *
 *   kek        its column: whose endpoints, and which set of them
 *   endpoint   1..RDT_WEBHOOK_ENDPOINT_MAX bytes, the endpoint's id
 *   out        RDT_KEY_LEN bytes made by the caller
 *
 * Fails: RDT_E_BADINPUT (endpoint), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_hook_secret_derive(struct rdt_worker *worker,
                                                    const struct rdt_field_kek *kek,
                                                    struct rdt_span endpoint,
                                                    struct rdt_secret *out);

/* rdt_hook_secret_text - the text of a secret, for whoever is at the other end: shown once, and
 * wiped. */
void rdt_hook_secret_text(const struct rdt_secret *secret,
                          char out[static RDT_WEBHOOK_SECRET_TEXT]);

/* ---- signatures ---- */

/* The three headers as they were received, and the body as it was: not parsed, not printed anew. */
struct rdt_hook {
    struct rdt_span id, timestamp, signature, body;
};

/* Secrets, the newest first. */
struct rdt_hook_secrets {
    const struct rdt_secret *all;
    size_t n; /* 1..RDT_WEBHOOK_SECRETS_MAX */
};

/*
 * rdt_hook_sign - the header webhook-signature, with a signature by each secret.
 *
 *   webhook   its signature is ignored.  id: 1..RDT_WEBHOOK_ID_MAX visible ASCII characters without
 *             a '.'; timestamp: decimal seconds since 1970
 *   out       NUL-terminated; empty after a failure
 *
 * Fails: RDT_E_BADINPUT (id, timestamp, or how many secrets), RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_hook_sign(struct rdt_worker *worker,
                                           const struct rdt_hook_secrets *secrets,
                                           const struct rdt_hook *webhook,
                                           char out[static RDT_WEBHOOK_SIGNATURE_TEXT],
                                           struct rdt_err *err);

/*
 * rdt_hook_check - whether one of the signatures is by one of the secrets, and the time is
 * right. Signatures of versions other than v1 are passed over.
 *
 *   now_s   seconds since 1970
 *
 * Never RDT_WEBHOOK_REPLAY or RDT_WEBHOOK_FULL: rdt_hook_remember() comes after it.
 */
RDT_MUST_CHECK enum rdt_webhook_verdict rdt_hook_check(struct rdt_worker *worker,
                                                       const struct rdt_hook_secrets *secrets,
                                                       const struct rdt_hook *webhook,
                                                       int64_t now_s);

/* ---- replays ---- */

/*
 * rdt_hook_remember - RDT_WEBHOOK_MATCH the first time an id comes, RDT_WEBHOOK_REPLAY after,
 * for as long as rdt_hook_check() would let the webhook pass. Nothing that is still needed is
 * ever forgotten for want of room: RDT_WEBHOOK_FULL.
 *
 *   webhook   one that rdt_hook_check() has just let pass: strangers fill nothing
 */
RDT_MUST_CHECK enum rdt_webhook_verdict rdt_hook_remember(struct rdt_worker *worker,
                                                          struct rdt_webhook_window *window,
                                                          const struct rdt_hook *webhook,
                                                          int64_t now_s);

/* rdt_hook_forget - the work failed: the sender's next try, of the same id, shall count as the
 * first.  False: an internal error. */
bool rdt_hook_forget(struct rdt_worker *worker, struct rdt_webhook_window *window,
                     const struct rdt_hook *webhook);

#endif
