/*
 * census.h - reports of a scanner, and receipts of sealed files, to a server: which versions of a
 * key's data are left in a store or lie in a file. codec/census.h has their bytes; here they are
 * signed and sent.
 *
 * Format: docs/formats/census.md.
 */
#ifndef RDT_CLIENT_CENSUS_H
#define RDT_CLIENT_CENSUS_H

#include "client/client.h"
#include "codec/census.h"
#include "crypto/sign.h"

#define RDT_CENSUS_TICKET_MAX ((size_t)4096) /* bytes of a ticket's JSON */

/* What a report is about: given out by the service before the scan begins. Good for one report. */
struct rdt_census_ticket {
    uint8_t deployment[16], key[16], nonce[16];
    char store[RDT_CENSUS_STORE_MAX + 1];
    bool too_early; /* clients may still write under keys that they were given: ask again later */
};

/* Who signs. */
struct rdt_census_by {
    const char *scanner; /* the name that it was enrolled under */
    struct rdt_signer *signer;
};

/*
 * rdt_census_ticket_read - a ticket out of the answer to redoubt:CensusNonce.
 * Fails: RDT_E_BADINPUT, RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code
rdt_census_ticket_read(struct rdt_span json, struct rdt_census_ticket *out, struct rdt_err *err);

/* rdt_census_begin - an empty report: what the ticket says; store borrows from it. */
void rdt_census_begin(const struct rdt_census_ticket *ticket, struct rdt_census *out);

/*
 * rdt_census_sign_report, rdt_census_sign_receipt - sign.
 *
 *   body   appended: the JSON of redoubt:CensusReport or redoubt:SealReceipt
 *
 * Fails: RDT_E_BADINPUT (what rdt_census_read() or rdt_receipt_read() would refuse),
 * RDT_E_LIMIT (above RDT_CENSUS_BYTES_MAX), RDT_E_NOMEM, RDT_E_INTERNAL.
 */
RDT_MUST_CHECK enum rdt_code rdt_census_sign_report(const struct rdt_census_by *by,
                                                    const struct rdt_census *census,
                                                    struct rdt_buf *body, struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_census_sign_receipt(const struct rdt_census_by *by,
                                                     const struct rdt_receipt *receipt,
                                                     struct rdt_buf *body, struct rdt_err *err);

/*
 * rdt_client_census_ticket - ask for a ticket, before the scan begins.
 *
 *   key   id, ARN, alias or alias ARN
 *
 * Fails: RDT_E_PROTOCOL (the answer is none, or about another store), as rdt_client_call().
 */
RDT_MUST_CHECK enum rdt_code rdt_client_census_ticket(struct rdt_client *client, const char *key,
                                                      const char *store,
                                                      struct rdt_census_ticket *out,
                                                      struct rdt_err *err);

/*
 * rdt_client_census_report, rdt_client_seal_receipt - sign and send.
 * Fail: as rdt_census_sign_report() and rdt_client_call().
 */
RDT_MUST_CHECK enum rdt_code rdt_client_census_report(struct rdt_client *client,
                                                      const struct rdt_census_by *by,
                                                      const struct rdt_census *census,
                                                      struct rdt_err *err);
RDT_MUST_CHECK enum rdt_code rdt_client_seal_receipt(struct rdt_client *client,
                                                     const struct rdt_census_by *by,
                                                     const struct rdt_receipt *receipt,
                                                     struct rdt_err *err);

#endif
