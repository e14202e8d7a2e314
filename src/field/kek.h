/*
 * kek.h - a tenant's key from the key service, the part without I/O: the request to send, and the
 * key out of the answer. The key travels sealed to a key pair that is made for this one request.
 *
 * Who sends is another matter: room client over TLS, or a program with a connection of its own.
 * Format: docs/formats/tenant-kek.md section 4.
 */
#ifndef RDT_FIELD_KEK_H
#define RDT_FIELD_KEK_H

#include "base/buf.h"
#include "codec/kek.h"
#include "crypto/worker.h"

#define RDT_KEK_RING_MAX ((size_t)2048)   /* bytes of a ring's id, ARN or alias */
#define RDT_KEK_TENANT_MAX ((size_t)64)   /* bytes of a tenant's name */
#define RDT_KEK_ANSWER_MAX ((size_t)8192) /* bytes of an answer */
#define RDT_KEK_TTL_MAX 86400             /* seconds that a service lets a client keep a key */

#define RDT_KEK_OPERATION "redoubt:KekExport"
#define RDT_KEK_PATH "/v1/kek/export" /* the same by path */

/* Which key is wanted. */
struct rdt_kek_ask {
    const char *ring;   /* id, ARN, alias or alias ARN */
    const char *tenant; /* name or UUID; NULL: the handle says which */
    uint32_t handle;    /* 0: the tenant says which */
    uint16_t epoch;     /* 0: the current one */
};

/* A key of one tenant in one epoch. */
struct rdt_tenant_kek {
    uint8_t ring[16], tenant[16];
    char name[RDT_KEK_TENANT_MAX + 1]; /* of the tenant, for people */
    uint32_t handle;
    uint16_t epoch, current_epoch; /* current: to encrypt under */
    uint32_t ttl_s;                /* from when it was asked for; then it is to be forgotten */
    struct rdt_secret key;         /* RDT_KEY_LEN bytes */
};

/* rdt_kek_wipe - the closer for RDT_AUTO; {0} is fine. */
void rdt_kek_wipe(struct rdt_tenant_kek *kek);

/*
 * rdt_kek_request - the request for a key.
 *
 *   private_key   an empty secret that becomes what opens the answer; for one answer only
 *   body          appended: JSON, to be sent as RDT_KEK_OPERATION
 *
 * Fails: RDT_E_BADINPUT (no ring; tenant and handle both or neither; a text that is too long),
 * RDT_E_NOMEM, RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_kek_request(struct rdt_worker *worker,
                                             const struct rdt_kek_ask *ask,
                                             struct rdt_secret *private_key, struct rdt_buf *body,
                                             struct rdt_err *err);

/* An answer, and what it answers. */
struct rdt_kek_answer {
    const struct rdt_kek_ask *ask;
    const struct rdt_secret *private_key; /* of rdt_kek_request() */
    struct rdt_span json;                 /* from a service, so from anybody */
};

/*
 * rdt_kek_open - the key out of an answer.
 *
 *   out   {0}; the caller wipes it with rdt_kek_wipe()
 *
 * Fails, leaving out {0}: RDT_E_PROTOCOL (no such answer, or one about another ring, tenant, handle
 * or epoch), RDT_E_TAMPERED (sealed for another request or about something else), RDT_E_NOMEM,
 * RDT_E_INTERNAL, as rdt_secret_new().
 */
RDT_MUST_CHECK enum rdt_code rdt_kek_open(struct rdt_worker *worker,
                                          const struct rdt_kek_answer *answer,
                                          struct rdt_tenant_kek *out, struct rdt_err *err);

#endif
