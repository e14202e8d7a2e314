#include "client/client.h"

#include "base/clock.h"
#include "client/fault_internal.h"
#include "client/sign_internal.h"
#include "codec/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REGION_MAX ((size_t)63)
#define CONTENT_TYPE "application/x-amz-json-1.1"
#define REPLAY_WORDS "already carried out" /* what the server says of the same signature again */

struct rdt_client {
    struct rdt_https_client *https;
    struct rdt_worker *worker;
    struct rdt_url url;
    struct rdt_buf endpoint; /* text of url, NUL-terminated */
    char host[sizeof((struct rdt_url *)0)->host + 16];
    char region[REGION_MAX + 1];
    char key_id[RDT_SIGV4_KEY_ID_MAX + 1]; /* empty: the certificate says who calls */
    struct rdt_secret secret;
};

void
rdt_client_close(struct rdt_client *client)
{
    if (client == NULL)
        return;
    rdt_https_close(client->https);
    rdt_worker_close(client->worker);
    rdt_secret_wipe(&client->secret);
    rdt_buf_done(&client->endpoint);
    free(client);
}

void
rdt_client_close_at(struct rdt_client **client)
{
    rdt_client_close(*client);
}

const char *
rdt_client_endpoint(const struct rdt_client *client)
{
    return (const char *)client->endpoint.p;
}

/* ---- open */

static enum rdt_code
take_endpoint(struct rdt_client *client, const char *endpoint, struct rdt_err *err)
{
    if (endpoint == NULL || endpoint[0] == '\0') {
        rdt_fail(err, RDT_E_USAGE, "no server is named");
        rdt_hint(err, "set AWS_ENDPOINT_URL, AWS_CA_BUNDLE and a credential, as in: set -a; . "
                      "redoubt-dev/dev.env; set +a");
        return RDT_E_USAGE;
    }
    enum rdt_code rc = rdt_url_parse(endpoint, &client->url, err);
    if (rc == RDT_OK && !client->url.https)
        rc = rdt_fail(err, RDT_E_BADINPUT, "a server is spoken to over https only");
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "AWS_ENDPOINT_URL");
    snprintf(client->url.path, sizeof client->url.path, "/");
    rdt_url_text(&client->url, &client->endpoint);
    if (client->endpoint.n != 0)
        client->endpoint.n--; /* without the path */
    const char *text = rdt_buf_cstr(&client->endpoint);
    if (text == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open a client");
    snprintf(client->host, sizeof client->host, "%s", text + strlen("https://"));
    return RDT_OK;
}

static bool
plain_text(const char *text, size_t max)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '/' || text[i] == ',')
            return false;
    return n != 0 && n <= max;
}

static enum rdt_code
take_credential(struct rdt_client *client, const struct rdt_client_opts *opts, struct rdt_err *err)
{
    if (opts->key_id == NULL)
        return RDT_OK;
    if (opts->secret == NULL || opts->secret->n == 0)
        return rdt_fail(err, RDT_E_USAGE, "an access key id without its secret access key");
    if (!plain_text(opts->key_id, RDT_SIGV4_KEY_ID_MAX))
        return rdt_fail(err, RDT_E_BADINPUT, "this is no access key id");
    if (opts->region == NULL || !plain_text(opts->region, REGION_MAX)) {
        rdt_fail(err, RDT_E_BADINPUT, "no region, or one that is none");
        rdt_hint(err, "set AWS_REGION to the server's, such as local-1");
        return RDT_E_BADINPUT;
    }
    snprintf(client->key_id, sizeof client->key_id, "%s", opts->key_id);
    snprintf(client->region, sizeof client->region, "%s", opts->region);
    return rdt_secret_copy(&client->secret, rdt_secret_view(opts->secret), err);
}

static enum rdt_code
check_who(const struct rdt_client_opts *opts, struct rdt_err *err)
{
    if ((opts->cert_file == NULL) != (opts->key_file == NULL))
        return rdt_fail(err, RDT_E_USAGE, "a client certificate needs its private key");
    if (opts->key_id != NULL || opts->cert_file != NULL)
        return RDT_OK;
    rdt_fail(err, RDT_E_USAGE, "no credential");
    rdt_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --cert and --key");
    return RDT_E_USAGE;
}

enum rdt_code
rdt_client_open(const struct rdt_client_opts *opts, struct rdt_client **out, struct rdt_err *err)
{
    RDT_AUTO(rdt_client_close_at) struct rdt_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "open a client");
    enum rdt_code rc = take_endpoint(client, opts->endpoint, err);
    if (rc == RDT_OK)
        rc = check_who(opts, err);
    if (rc == RDT_OK)
        rc = take_credential(client, opts, err);
    if (rc == RDT_OK)
        rc = rdt_worker_open(&client->worker, err);
    struct rdt_https_opts https = {.ca_file = opts->ca_file,
                                   .cert_file = opts->cert_file,
                                   .key_file = opts->key_file,
                                   .timeout_ms = opts->timeout_ms};
    if (rc == RDT_OK)
        rc = rdt_https_open(&https, &client->https, err);
    if (rc != RDT_OK)
        return rc;
    *out = RDT_STEAL(client);
    return RDT_OK;
}

static const char *
from_env(const char *first, const char *second)
{
    const char *value = getenv(first);
    if ((value == NULL || value[0] == '\0') && second != NULL)
        value = getenv(second);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *
or_env(const char *given, const char *first, const char *second)
{
    return given != NULL ? given : from_env(first, second);
}

enum rdt_code
rdt_client_env(struct rdt_client_opts *opts, struct rdt_secret *secret, struct rdt_err *err)
{
    const char *text = from_env("AWS_SECRET_ACCESS_KEY", NULL);
    opts->endpoint = or_env(opts->endpoint, "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL");
    opts->ca_file = or_env(opts->ca_file, "AWS_CA_BUNDLE", NULL);
    opts->region = or_env(opts->region, "AWS_REGION", "AWS_DEFAULT_REGION");
    if (opts->cert_file != NULL || opts->key_file != NULL || opts->key_id != NULL)
        return RDT_OK;
    opts->key_id = from_env("AWS_ACCESS_KEY_ID", NULL);
    opts->secret = secret;
    return text == NULL ? RDT_OK : rdt_secret_copy(secret, rdt_span_str(text), err);
}

enum rdt_code
rdt_client_open_env(const char *cert_file, const char *key_file, struct rdt_client **out,
                    struct rdt_err *err)
{
    RDT_SECRET secret = {0};
    struct rdt_client_opts opts = {.cert_file = cert_file, .key_file = key_file};
    enum rdt_code rc = rdt_client_env(&opts, &secret, err);
    return rc == RDT_OK ? rdt_client_open(&opts, out, err) : rc;
}

/* ---- call */

/* A request as head and header lines: the same texts are signed and sent. */
struct request {
    char stamp[RDT_SIGV4_STAMP];
    char target[RDT_CLIENT_OP_MAX + 32], invocation[RDT_UUID_TEXT];
    struct rdt_http_head head;
    struct rdt_buf lines[RDT_HTTPS_HEADERS_MAX];
    const char *headers[RDT_HTTPS_HEADERS_MAX];
    size_t n;
};

static void
request_done(struct request *request)
{
    for (size_t i = 0; i < RDT_HTTPS_HEADERS_MAX; i++)
        rdt_buf_done(&request->lines[i]);
}

static bool
add_line(struct request *request, const char *name, struct rdt_span value)
{
    struct rdt_buf *line = &request->lines[request->n];
    rdt_buf_fmt(line, "%s: ", name);
    rdt_buf_add(line, value.p, value.n);
    request->headers[request->n] = rdt_buf_cstr(line);
    return request->headers[request->n++] != NULL;
}

static bool
add_field(struct request *request, const char *name, const char *value)
{
    request->head.fields[request->head.n_fields++] =
        (struct rdt_http_field){rdt_span_str(name), rdt_span_str(value)};
    return add_line(request, name, rdt_span_str(value));
}

/* "kms:CreateKey" to "TrentService.CreateKey". */
static bool
target_of(const char *op, char *out, size_t size)
{
    static const char *const fronts[][2] = {
        {"kms:",     "TrentService."},
        {"redoubt:", "Redoubt."     },
    };
    for (size_t i = 0; i < RDT_COUNT(fronts) && strlen(op) <= RDT_CLIENT_OP_MAX; i++) {
        size_t n = strlen(fronts[i][0]);
        if (strncmp(op, fronts[i][0], n) == 0) {
            snprintf(out, size, "%s%s", fronts[i][1], op + n);
            return true;
        }
    }
    return false;
}

/* Each request has an id of its own that is signed too: no two have the same signature, so what the
 * server calls a replay is one. */
static enum rdt_code
make_request(struct rdt_client *client, const char *op, struct rdt_span body,
             struct request *request, struct rdt_err *err)
{
    uint8_t id[16];
    RDT_BUF authorization = {0};
    int64_t now = rdt_now();
    if (!target_of(op, request->target, sizeof request->target))
        return rdt_fail(err, RDT_E_INTERNAL, "'%s' is no operation's name", op);
    enum rdt_code rc = rdt_random(client->worker, id, sizeof id, err);
    if (rc != RDT_OK)
        return rc;
    rdt_uuid_text(id, request->invocation);
    rdt_client_stamp(now, request->stamp);
    request->head.method = rdt_span_str("POST");
    request->head.path = rdt_span_str("/");
    bool ok = add_field(request, "host", client->host);
    ok = ok && add_field(request, "content-type", CONTENT_TYPE);
    ok = ok && add_field(request, "x-amz-date", request->stamp);
    ok = ok && add_field(request, "x-amz-target", request->target);
    ok = ok && add_field(request, "amz-sdk-invocation-id", request->invocation);
    if (ok && client->key_id[0] != '\0') {
        struct client_signing signing = {
            .key_id = client->key_id,
            .region = client->region,
            .secret = &client->secret,
            .now_s = now,
        };
        rc = rdt_client_sign(client->worker, &signing, &request->head, body, &authorization, err);
        ok = rc != RDT_OK || add_line(request, "authorization", rdt_buf_span(&authorization));
    }
    return ok ? rc : rdt_fail(err, RDT_E_NOMEM, "make a request");
}

/* A call and what came of it. */
struct call {
    const char *op;
    struct rdt_span body;
    struct rdt_https_answer answer;
    struct rdt_client_fault fault;
    bool again; /* it may be tried once more */
};

static void
call_done(struct call *call)
{
    rdt_https_answer_done(&call->answer);
}

static enum rdt_code
refused(struct call *call, struct rdt_err *err)
{
    enum rdt_code rc = rdt_client_fault_read(&call->answer, &call->fault, err);
    if (strcmp(call->fault.name, "ThrottlingException") != 0)
        return rc;
    call->again = strstr(call->fault.message, REPLAY_WORDS) == NULL;
    if (call->again)
        return rc;
    rc = rdt_fail(err, RDT_E_STATE, "it was done, but its answer was lost on the way");
    rdt_hint(err, "look at what there is before doing it again");
    return rc;
}

static enum rdt_code
call_once(struct rdt_client *client, struct call *call, struct rdt_err *err)
{
    RDT_AUTO(request_done) struct request request = {0};
    bool sent = false;
    call->again = false;
    enum rdt_code rc = make_request(client, call->op, call->body, &request, err);
    if (rc != RDT_OK)
        return rc;
    struct rdt_https_post post = {.url = &client->url,
                                  .headers = request.headers,
                                  .n_headers = request.n,
                                  .body = call->body};
    rc = rdt_https_post(client->https, &post, &sent, &call->answer, err);
    call->again = rc == RDT_E_NET && !sent;
    if (rc != RDT_OK || call->answer.status == 200)
        return rc;
    return refused(call, err);
}

static void
pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
}

enum rdt_code
rdt_client_call(struct rdt_client *client, const char *op, struct rdt_span body,
                struct rdt_client_fault *fault, struct rdt_buf *out, struct rdt_err *err)
{
    RDT_AUTO(call_done) struct call call = {.op = op, .body = body, .again = true};
    enum rdt_code rc = RDT_OK;
    for (unsigned i = 0; call.again && i < RDT_CLIENT_TRIES_MAX; i++) {
        if (i != 0)
            pause_ms((int64_t)RDT_CLIENT_PAUSE_MS << (i - 1));
        rdt_https_answer_done(&call.answer);
        call.fault = (struct rdt_client_fault){0};
        rc = call_once(client, &call, err);
    }
    if (fault != NULL)
        *fault = call.fault;
    if (rc != RDT_OK)
        return rc;
    rdt_buf_add(out, call.answer.body.p, call.answer.body.n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "%s", op);
}
