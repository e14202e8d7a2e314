/*
 * The key service that keeps the plan's keys of custody redoubt: what it says about itself and
 * about each of them. It is asked as any other client asks, over a verified connection, and only to
 * read.
 */
#include "base/clock.h"
#include "client/client.h"
#include "codec/jout.h"
#include "codec/json.h"
#include "probe/credential.h"
#include "probe/kms_internal.h"
#include "probe/path.h"
#include "probe/probe.h"

#include <stdio.h>

#define KEY_ID_MAX ((size_t)128)
#define WHY_MAX 600

struct service {
    const struct rdt_probe_job *job;
    struct rdt_client *client;
    int64_t until_ms;  /* no call begins after it */
    char why[WHY_MAX]; /* it cannot be asked any more; empty: it can */
    char account[16], region[64];
};

static void
service_done(struct service *service)
{
    rdt_client_close(service->client);
}

/* ---- connecting ---- */

static enum rdt_code
take_reader(const struct rdt_probe_job *job, struct rdt_client_opts *opts,
            char key_id[static KEY_ID_MAX + 1], struct rdt_secret *secret, struct rdt_err *err)
{
    RDT_SECRET id = {0};
    const struct rdt_node *reader = rdt_node_get(job->spec, "target.reader");
    if (reader == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_ref_secret(rdt_node_str(reader, "key_id"), job->folder, &id, err);
    if (rc == RDT_OK)
        rc = rdt_ref_secret(rdt_node_str(reader, "secret"), job->folder, secret, err);
    if (rc != RDT_OK)
        return rc;
    if (id.n > KEY_ID_MAX)
        return rdt_fail(err, RDT_E_BADINPUT, "this is no access key id");
    struct rdt_span text = rdt_secret_view(&id); /* an access key id is no secret by itself */
    memcpy(key_id, text.p, text.n);
    key_id[text.n] = '\0';
    opts->key_id = key_id;
    opts->secret = secret;
    return RDT_OK;
}

static enum rdt_code
connect_to(struct service *service, struct rdt_err *err)
{
    RDT_SECRET secret = {0};
    char key_id[KEY_ID_MAX + 1], ca[RDT_PROBE_PATH_MAX];
    const struct rdt_probe_job *job = service->job;
    const char *file = rdt_node_str(job->spec, "target.ca");
    struct rdt_client_opts opts = {.endpoint = rdt_node_str(job->spec, "target.url"),
                                   .region = rdt_node_str(job->spec, "target.region"),
                                   .timeout_ms = job->timeout_ms / 2};
    enum rdt_code rc = RDT_OK;
    if (file != NULL) {
        rc = rdt_probe_path(job->folder, file, ca, err);
        opts.ca_file = ca;
    }
    if (rc == RDT_OK)
        rc = take_reader(job, &opts, key_id, &secret, err);
    if (rc == RDT_OK)
        rc = rdt_client_env(&opts, &secret, err);
    return rc == RDT_OK ? rdt_client_open(&opts, &service->client, err) : rc;
}

/* ---- asking ---- */

struct answer {
    struct rdt_buf bytes;
    struct rdt_node *tree;
    char why[WHY_MAX]; /* there is none; empty: there is */
};

static void
answer_done(struct answer *answer)
{
    rdt_buf_done(&answer->bytes);
}

/* Whether a failure is this question's alone. */
static bool
is_refusal(enum rdt_code rc)
{
    return rc == RDT_E_DENIED || rc == RDT_E_NOTFOUND || rc == RDT_E_STATE || rc == RDT_E_BADINPUT;
}

/* One question; absent tells whether the service knows no such key. */
static enum rdt_code
ask(struct service *service, const char *op, const char *key, struct rdt_evidence *out,
    struct answer *answer, bool *absent)
{
    RDT_BUF body = {0};
    struct rdt_err err = {0};
    struct rdt_client_fault fault = {0};
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_str(&body, "KeyId", key);
    rdt_jout_close(&body, '}');
    if (!rdt_buf_ok(&body))
        return RDT_E_NOMEM;
    if (service->why[0] == '\0' && rdt_monotonic_ms() > service->until_ms)
        snprintf(service->why, sizeof service->why, "the time limit was reached");
    if (service->why[0] != '\0') {
        memcpy(answer->why, service->why, sizeof answer->why);
        return RDT_OK;
    }
    enum rdt_code rc =
        rdt_client_call(service->client, op, rdt_buf_span(&body), &fault, &answer->bytes, &err);
    if (rc == RDT_OK)
        rc = rdt_json_parse("the key service's answer", rdt_buf_span(&answer->bytes), &out->arena,
                            &answer->tree, &err);
    if (rc == RDT_E_NOMEM)
        return rc;
    *absent = rc == RDT_E_NOTFOUND && strcmp(fault.name, "NotFoundException") == 0;
    if (rc != RDT_OK)
        snprintf(answer->why, sizeof answer->why, "%s", err.text);
    if (rc != RDT_OK && !is_refusal(rc))
        memcpy(service->why, answer->why, sizeof service->why);
    return RDT_OK;
}

/* ---- one key ---- */

/* Why the service is not the one that keeps a key, or false. */
static bool
is_elsewhere(const struct service *service, const struct rdt_node *custody,
             char why[static WHY_MAX])
{
    const char *account = rdt_node_str(custody, "account"),
               *region = rdt_node_str(custody, "region");
    if (account != NULL && strcmp(account, service->account) != 0)
        snprintf(why, WHY_MAX, "it is kept in account %.64s, and the key service is %s", account,
                 service->account);
    else if (region != NULL && strcmp(region, service->region) != 0)
        snprintf(why, WHY_MAX, "it is kept in region %.64s, and the key service is in %s", region,
                 service->region);
    else
        return false;
    return true;
}

static enum rdt_code
look_at_callers(struct service *service, const char *subject, const char *id,
                struct rdt_evidence *out)
{
    RDT_AUTO(answer_done) struct answer answer = {0};
    bool absent = false;
    enum rdt_code rc = ask(service, "redoubt:KeyCallers", id, out, &answer, &absent);
    if (rc != RDT_OK)
        return rc;
    if (answer.why[0] != '\0')
        return rdt_evidence_unknown(out, subject, "key.policy", answer.why,
                                    rdt_span_str(answer.why));
    return rdt_kms_policy_fact(out, subject, answer.tree, rdt_buf_span(&answer.bytes));
}

static enum rdt_code
look_at_key(struct service *service, const struct rdt_member *key, struct rdt_evidence *out)
{
    RDT_AUTO(answer_done) struct answer answer = {0};
    char subject[128], alias[128], why[WHY_MAX];
    bool absent = false;
    snprintf(subject, sizeof subject, "keys.%.*s", RDT_FMT(key->key));
    snprintf(alias, sizeof alias, "alias/%.*s", RDT_FMT(key->key));
    if (is_elsewhere(service, key->node, why))
        return rdt_kms_key_unknown(out, subject, why);
    enum rdt_code rc = ask(service, "redoubt:KeyStatus", alias, out, &answer, &absent);
    if (rc != RDT_OK)
        return rc;
    if (absent)
        return rdt_kms_key_absent(out, subject, rdt_span_str(answer.why));
    if (answer.why[0] != '\0')
        return rdt_kms_key_unknown(out, subject, answer.why);
    struct rdt_kms_owner owner = {rdt_node_str(service->job->spec, "plan"),
                                  rdt_node_str(service->job->spec, "env")};
    rc = rdt_kms_key_facts(out, subject, &owner, answer.tree, rdt_buf_span(&answer.bytes));
    if (rc == RDT_OK)
        rc = look_at_callers(service, subject, rdt_node_str(answer.tree, "KeyId"), out);
    return rc;
}

/* ---- the service ---- */

static enum rdt_code
look_at_site(struct service *service, struct rdt_evidence *out)
{
    RDT_AUTO(answer_done) struct answer answer = {0};
    bool absent = false;
    enum rdt_code rc = ask(service, "redoubt:SiteStatus", NULL, out, &answer, &absent);
    if (rc != RDT_OK)
        return rc;
    const char *account = rdt_node_str(answer.tree, "Account");
    const char *region = rdt_node_str(answer.tree, "Region");
    if (answer.why[0] == '\0' && (account == NULL || region == NULL))
        snprintf(answer.why, sizeof answer.why, "the key service names no account and region");
    if (answer.why[0] != '\0') { /* without it no key can be said to be there */
        memcpy(service->why, answer.why, sizeof service->why);
        return rdt_evidence_unknown(out, service->job->subject, "kms.site", answer.why,
                                    rdt_span_str(answer.why));
    }
    snprintf(service->account, sizeof service->account, "%s", account);
    snprintf(service->region, sizeof service->region, "%s", region);
    return rdt_kms_site_fact(out, service->job->subject, answer.tree, rdt_buf_span(&answer.bytes));
}

enum rdt_code
rdt_probe_kms(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    RDT_AUTO(service_done) struct service service = {.job = job};
    struct rdt_err err = {0};
    const struct rdt_node *keys = rdt_node_get(job->spec, "keys");
    rdt_evidence_collector(out, "kms/1");
    service.until_ms = rdt_monotonic_ms() + job->timeout_ms / 2;
    enum rdt_code rc = connect_to(&service, &err);
    if (rc == RDT_E_NOMEM)
        return rc;
    if (rc != RDT_OK)
        snprintf(service.why, sizeof service.why, "%s", err.text);
    rc = look_at_site(&service, out);
    for (size_t i = 0; rc == RDT_OK && keys != NULL && i < keys->n; i++) {
        char subject[128];
        snprintf(subject, sizeof subject, "keys.%.*s", RDT_FMT(keys->members[i].key));
        rc = service.why[0] != '\0' ? rdt_kms_key_unknown(out, subject, service.why)
                                    : look_at_key(&service, &keys->members[i], out);
    }
    return rc;
}
