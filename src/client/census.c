#include "client/census.h"

#include "codec/base64.h"
#include "codec/jout.h"
#include "codec/json.h"

#include <stdio.h>

/* ---- tickets ---- */

static bool
take_uuid(const struct rdt_node *tree, const char *name, uint8_t out[static 16])
{
    const char *text = rdt_node_str(tree, name);
    return text != NULL && rdt_uuid_parse(rdt_span_str(text), out);
}

static bool
read_ticket(const struct rdt_node *tree, struct rdt_census_ticket *out)
{
    const char *nonce = rdt_node_str(tree, "Nonce"), *store = rdt_node_str(tree, "Store");
    bool ok = take_uuid(tree, "Deployment", out->deployment);
    ok = ok && take_uuid(tree, "KeyId", out->key);
    ok = ok && nonce != NULL && strlen(nonce) == 2 * sizeof out->nonce &&
         rdt_hex_get(rdt_span_str(nonce), out->nonce, sizeof out->nonce);
    ok = ok && store != NULL && rdt_store_name_ok(rdt_span_str(store));
    if (!ok)
        return false;
    snprintf(out->store, sizeof out->store, "%s", store);
    out->too_early = rdt_node_true(tree, "TooEarly");
    return true;
}

enum rdt_code
rdt_census_ticket_read(struct rdt_span json, struct rdt_census_ticket *out, struct rdt_err *err)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_census_ticket ticket = {.too_early = false};
    struct rdt_node *tree = NULL;
    enum rdt_code rc = json.n > RDT_CENSUS_TICKET_MAX
                           ? RDT_E_BADINPUT
                           : rdt_json_parse("nonce", json, &arena, &tree, NULL);
    if (rc == RDT_OK && !read_ticket(tree, &ticket))
        rc = RDT_E_BADINPUT;
    if (rc != RDT_OK)
        return rdt_fail(err, rc == RDT_E_NOMEM ? rc : RDT_E_BADINPUT,
                        "not a nonce of `redoubt census nonce`");
    *out = ticket;
    return RDT_OK;
}

void
rdt_census_begin(const struct rdt_census_ticket *ticket, struct rdt_census *out)
{
    *out = (struct rdt_census){.store = rdt_span_str(ticket->store)};
    memcpy(out->deployment, ticket->deployment, sizeof out->deployment);
    memcpy(out->key, ticket->key, sizeof out->key);
    memcpy(out->nonce, ticket->nonce, sizeof out->nonce);
}

/* ---- what is signed ---- */

static enum rdt_code
sign(const struct rdt_census_by *by, const char *member, struct rdt_span bytes,
     struct rdt_buf *body, struct rdt_err *err)
{
    uint8_t signature[RDT_SIGNATURE_LEN];
    enum rdt_code rc = rdt_signer_sign(by->signer, bytes, signature, err);
    if (rc != RDT_OK)
        return rc;
    rdt_jout_open(body, NULL, '{');
    rdt_jout_str(body, "Scanner", by->scanner);
    rdt_jout_blob(body, member, bytes);
    rdt_jout_blob(body, "Signature", (struct rdt_span){signature, sizeof signature});
    rdt_jout_close(body, '}');
    return rdt_buf_ok(body) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "sign for the census");
}

static enum rdt_code
fits(const struct rdt_buf *bytes, struct rdt_err *err)
{
    if (!rdt_buf_ok(bytes))
        return rdt_fail(err, RDT_E_NOMEM, "write for the census");
    return bytes->n <= RDT_CENSUS_BYTES_MAX
               ? RDT_OK
               : rdt_fail(err, RDT_E_LIMIT, "more than %zu bytes for the census",
                          RDT_CENSUS_BYTES_MAX);
}

enum rdt_code
rdt_census_sign_report(const struct rdt_census_by *by, const struct rdt_census *census,
                       struct rdt_buf *body, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    struct rdt_census check;
    rdt_census_put(census, &bytes);
    enum rdt_code rc = fits(&bytes, err);
    if (rc == RDT_OK)
        rc = rdt_census_read(rdt_buf_span(&bytes), &check, err);
    return rc == RDT_OK ? sign(by, "Report", rdt_buf_span(&bytes), body, err) : rc;
}

enum rdt_code
rdt_census_sign_receipt(const struct rdt_census_by *by, const struct rdt_receipt *receipt,
                        struct rdt_buf *body, struct rdt_err *err)
{
    RDT_BUF bytes = {0};
    struct rdt_receipt check;
    rdt_receipt_put(receipt, &bytes);
    enum rdt_code rc = fits(&bytes, err);
    if (rc == RDT_OK)
        rc = rdt_receipt_read(rdt_buf_span(&bytes), &check, err);
    return rc == RDT_OK ? sign(by, "Receipt", rdt_buf_span(&bytes), body, err) : rc;
}

/* ---- calls ---- */

enum rdt_code
rdt_client_census_ticket(struct rdt_client *client, const char *key, const char *store,
                         struct rdt_census_ticket *out, struct rdt_err *err)
{
    RDT_BUF body = {0};
    RDT_BUF answer = {0};
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", key);
    rdt_jout_str(&body, "Store", store);
    rdt_jout_close(&body, '}');
    if (!rdt_buf_ok(&body))
        return rdt_fail(err, RDT_E_NOMEM, "ask for a nonce");
    enum rdt_code rc =
        rdt_client_call(client, "redoubt:CensusNonce", rdt_buf_span(&body), NULL, &answer, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_census_ticket_read(rdt_buf_span(&answer), out, err);
    if (rc == RDT_E_BADINPUT || (rc == RDT_OK && strcmp(out->store, store) != 0))
        return rdt_fail(err, RDT_E_PROTOCOL, "the server's answer is no nonce for store %s", store);
    return rc;
}

static enum rdt_code
send_body(struct rdt_client *client, const char *op, const struct rdt_buf *body,
          struct rdt_err *err)
{
    RDT_BUF answer = {0};
    return rdt_client_call(client, op, rdt_buf_span(body), NULL, &answer, err);
}

enum rdt_code
rdt_client_census_report(struct rdt_client *client, const struct rdt_census_by *by,
                         const struct rdt_census *census, struct rdt_err *err)
{
    RDT_BUF body = {0};
    enum rdt_code rc = rdt_census_sign_report(by, census, &body, err);
    return rc == RDT_OK ? send_body(client, "redoubt:CensusReport", &body, err) : rc;
}

enum rdt_code
rdt_client_seal_receipt(struct rdt_client *client, const struct rdt_census_by *by,
                        const struct rdt_receipt *receipt, struct rdt_err *err)
{
    RDT_BUF body = {0};
    enum rdt_code rc = rdt_census_sign_receipt(by, receipt, &body, err);
    return rc == RDT_OK ? send_body(client, "redoubt:SealReceipt", &body, err) : rc;
}
