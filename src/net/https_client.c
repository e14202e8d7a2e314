#include "net/https_client.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define USER_AGENT "redoubt/" REDOUBT_VERSION

struct rdt_https_client {
    CURL *curl;
    char *ca_file, *cert_file, *key_file;
    int64_t connect_ms, timeout_ms;
};

/* What the callbacks gather while curl reads. */
struct gather {
    struct rdt_https_answer answer;
    size_t answer_max;
    bool head_too_large, body_too_large;
    bool began; /* curl has begun to send the request */
};

static void
free_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void
free_gather(struct gather *g)
{
    rdt_https_answer_done(&g->answer);
}

static CURLcode global_result;

static void
global_init(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- a client */

void
rdt_https_close(struct rdt_https_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client->ca_file);
    free(client->cert_file);
    free(client->key_file);
    free(client);
}

void
rdt_https_close_at(struct rdt_https_client **client)
{
    rdt_https_close(*client);
}

/* curl says of a file that is not there that a certificate has a problem: we look before. */
static enum rdt_code
keep_file(const char *path, const char *what, char **out, struct rdt_err *err)
{
    if (path == NULL)
        return RDT_OK;
    if (access(path, R_OK) != 0)
        return rdt_fail(err, errno == EACCES ? RDT_E_DENIED : RDT_E_NOTFOUND, "%s %s: %s", what,
                        path, strerror(errno));
    *out = strdup(path);
    return *out != NULL ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "HTTPS");
}

enum rdt_code
rdt_https_open(const struct rdt_https_opts *opts, struct rdt_https_client **out,
               struct rdt_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    RDT_AUTO(rdt_https_close_at) struct rdt_https_client *client = NULL;
    if (pthread_once(&once, global_init) != 0 || global_result != CURLE_OK)
        return rdt_fail(err, RDT_E_INTERNAL, "libcurl cannot start");
    client = calloc(1, sizeof *client);
    if (client == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "HTTPS");
    client->connect_ms = opts->connect_ms == 0 ? RDT_HTTPS_CONNECT_MS : opts->connect_ms;
    client->timeout_ms = opts->timeout_ms == 0 ? RDT_HTTPS_TIMEOUT_MS : opts->timeout_ms;
    enum rdt_code rc = keep_file(opts->ca_file, "CA bundle", &client->ca_file, err);
    if (rc == RDT_OK)
        rc = keep_file(opts->cert_file, "certificate", &client->cert_file, err);
    if (rc == RDT_OK)
        rc = keep_file(opts->key_file, "private key", &client->key_file, err);
    if (rc != RDT_OK)
        return rc;
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "HTTPS");
    *out = RDT_STEAL(client);
    return RDT_OK;
}

/* ---- reading */

static bool
limit_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
#else
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTPS) == CURLE_OK;
#endif
}

/* Each status line starts a new head: a 100 may come before the answer. */
static size_t
take_line(char *bytes, size_t size, size_t n, void *arg)
{
    struct gather *g = arg;
    struct rdt_buf *head = &g->answer.head;
    size_t len = size * n, text = len;
    while (text != 0 && (bytes[text - 1] == '\n' || bytes[text - 1] == '\r'))
        text--;
    if (len >= 5 && strncmp(bytes, "HTTP/", 5) == 0)
        head->n = 0;
    rdt_buf_add(head, bytes, text);
    rdt_buf_str(head, "\n");
    g->head_too_large = head->n > RDT_HTTP_HEAD_MAX;
    return g->head_too_large || head->failed ? 0 : len;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct gather *g = arg;
    struct rdt_buf *body = &g->answer.body;
    size_t len = size * n;
    g->body_too_large = len > g->answer_max - body->n;
    if (g->body_too_large)
        return 0;
    rdt_buf_add(body, bytes, len);
    return body->failed ? 0 : len;
}

/* curl says when it begins to send a request: until then nothing of it has left. */
static int
watch(CURL *c, curl_infotype type, char *bytes, size_t n, void *arg)
{
    struct gather *g = arg;
    (void)c;
    (void)bytes;
    (void)n;
    g->began = g->began || type == CURLINFO_HEADER_OUT;
    return 0;
}

/* ---- sending */

static bool
set_files(CURL *c, const struct rdt_https_client *client)
{
    bool ok = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (client->ca_file != NULL) /* and nobody else is trusted then */
        ok = ok && curl_easy_setopt(c, CURLOPT_CAINFO, client->ca_file) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (client->cert_file != NULL)
        ok = ok && curl_easy_setopt(c, CURLOPT_SSLCERT, client->cert_file) == CURLE_OK;
    if (client->key_file != NULL)
        ok = ok && curl_easy_setopt(c, CURLOPT_SSLKEY, client->key_file) == CURLE_OK;
    return ok;
}

static bool
set_up(CURL *c, const struct rdt_https_client *client, struct gather *g)
{
    bool ok = limit_protocols(c) && set_files(c, client);
    ok = ok && curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_line) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HEADERDATA, g) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_WRITEDATA, g) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, watch) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_DEBUGDATA, g) == CURLE_OK;
    return ok && curl_easy_setopt(c, CURLOPT_VERBOSE, 1L) == CURLE_OK;
}

static bool
set_request(CURL *c, const char *url, struct curl_slist *headers, struct rdt_span body)
{
    bool ok = curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) == CURLE_OK;
    return ok && curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.n == 0 ? "" : (const char *)body.p) ==
                     CURLE_OK;
}

static enum rdt_code
make_headers(const struct rdt_https_post *post, struct curl_slist **out, struct rdt_err *err)
{
    if (post->n_headers > RDT_HTTPS_HEADERS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d headers", RDT_HTTPS_HEADERS_MAX);
    for (size_t i = 0; i <= post->n_headers; i++) {
        /* an Expect of curl's own would cost a round trip */
        const char *line = i == post->n_headers ? "Expect:" : post->headers[i];
        if (strlen(line) > RDT_HTTPS_HEADER_MAX || strpbrk(line, "\r\n") != NULL)
            return rdt_fail(err, RDT_E_BADINPUT, "a header is too long or has a line end");
        struct curl_slist *longer = curl_slist_append(*out, line);
        if (longer == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "HTTPS");
        *out = longer;
    }
    return RDT_OK;
}

/* ---- what went wrong */

static const struct {
    CURLcode code;
    enum rdt_code rc;
    const char *text, *hint;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST,     RDT_E_NET,      "no such host",                                     "check the name in AWS_ENDPOINT_URL"},
    {CURLE_PEER_FAILED_VERIFICATION, RDT_E_DENIED,   "the server's certificate is not to be trusted",
     "AWS_CA_BUNDLE has to name the CA that signed it, AWS_ENDPOINT_URL a name that stands in it"                                            },
    {CURLE_SSL_CACERT_BADFILE,       RDT_E_BADINPUT, "the CA bundle cannot be used",
     "AWS_CA_BUNDLE names a file with PEM certificates"                                                                                      },
    {CURLE_SSL_CERTPROBLEM,          RDT_E_BADINPUT, "the client certificate or its key cannot be used",
     "--cert and --key name PEM files that belong together"                                                                                  },
    {CURLE_SSL_CONNECT_ERROR,        RDT_E_PROTOCOL, "the TLS handshake failed",
     "does the address speak TLS, and does the server know the CA of your certificate?"                                                      },
    {CURLE_SEND_ERROR,               RDT_E_PROTOCOL, "the connection was closed",
     "does the server know the CA of your certificate?"                                                                                      },
    {CURLE_RECV_ERROR,               RDT_E_PROTOCOL, "the connection was closed without an answer",
     "does the server know the CA of your certificate?"                                                                                      },
    {CURLE_GOT_NOTHING,              RDT_E_PROTOCOL, "the connection was closed without an answer",      NULL                                },
    {CURLE_PARTIAL_FILE,             RDT_E_PROTOCOL, "the answer was cut short",                         NULL                                },
    {CURLE_OPERATION_TIMEDOUT,       RDT_E_TIMEOUT,  "no answer in time",                                NULL                                },
    {CURLE_OUT_OF_MEMORY,            RDT_E_NOMEM,    "out of memory",                                    NULL                                },
};

static enum rdt_code
refused(CURL *c, struct rdt_err *err)
{
    long e = 0;
    (void)curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &e);
    rdt_fail(err, RDT_E_NET, "%s", e == 0 ? "cannot connect" : strerror((int)e));
    if (e == ECONNREFUSED)
        rdt_hint(err, "is the server running?");
    return RDT_E_NET;
}

static enum rdt_code
judge(CURL *c, CURLcode got, const struct gather *g, struct rdt_err *err)
{
    if (g->answer.head.failed || g->answer.body.failed)
        return rdt_fail(err, RDT_E_NOMEM, "out of memory");
    if (g->head_too_large || g->body_too_large)
        return rdt_fail(err, RDT_E_LIMIT, "the answer is larger than %zu bytes",
                        g->head_too_large ? RDT_HTTP_HEAD_MAX : g->answer_max);
    if (got == CURLE_OK)
        return RDT_OK;
    if (got == CURLE_COULDNT_CONNECT)
        return refused(c, err);
    for (size_t i = 0; i < RDT_COUNT(failures); i++) {
        if (failures[i].code != got)
            continue;
        rdt_fail(err, failures[i].rc, "%s", failures[i].text);
        if (failures[i].hint != NULL)
            rdt_hint(err, "%s", failures[i].hint);
        return failures[i].rc;
    }
    return rdt_fail(err, RDT_E_PROTOCOL, "no HTTP answer (%s)", curl_easy_strerror(got));
}

/* The libraries write to sockets with write(2): a SIGPIPE of theirs must not end the program. */
static CURLcode
perform(CURL *c)
{
    sigset_t pipes, before, pending;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    sigpending(&pending);
    bool waiting = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipes, &before);
    CURLcode got = curl_easy_perform(c);
    while (!waiting && sigtimedwait(&pipes, NULL, &(struct timespec){0}) == SIGPIPE)
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return got;
}

enum rdt_code
rdt_https_post(struct rdt_https_client *client, const struct rdt_https_post *post, bool *sent,
               struct rdt_https_answer *out, struct rdt_err *err)
{
    RDT_BUF text = {0};
    RDT_AUTO(free_gather)
    struct gather g = {.answer_max =
                           post->answer_max == 0 ? RDT_HTTPS_ANSWER_MAX : post->answer_max};
    RDT_AUTO(free_list) struct curl_slist *headers = NULL;
    CURL *c = client->curl;
    long status = 0;
    *sent = false;
    if (!post->url->https)
        return rdt_fail(err, RDT_E_BADINPUT, "not an https URL");
    rdt_url_text(post->url, &text);
    const char *url = rdt_buf_cstr(&text);
    if (url == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "HTTPS");
    enum rdt_code rc = make_headers(post, &headers, err);
    if (rc != RDT_OK)
        return rc;
    curl_easy_reset(c); /* options only: connections stay */
    if (!set_up(c, client, &g) || !set_request(c, url, headers, post->body))
        return rdt_fail(err, RDT_E_INTERNAL, "libcurl lacks an option");
    rc = judge(c, perform(c), &g, err);
    *sent = g.began;
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_reset(c); /* nothing of ours is borrowed any more */
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "%s", url);
    *out = g.answer;
    out->status = (int)status;
    g.answer = (struct rdt_https_answer){0};
    return RDT_OK;
}

bool
rdt_https_header(const struct rdt_https_answer *answer, const char *name, struct rdt_span *out)
{
    const struct rdt_http_answer head = {.head = answer->head};
    return rdt_http_header(&head, name, 0, out);
}

/* An answer may hold a secret that was just made. */
void
rdt_https_answer_done(struct rdt_https_answer *answer)
{
    if (answer->body.p != NULL)
        explicit_bzero(answer->body.p, answer->body.cap);
    rdt_buf_done(&answer->head);
    rdt_buf_done(&answer->body);
    *answer = (struct rdt_https_answer){0};
}
