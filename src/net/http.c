#include "net/http.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "net/tls_internal.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define USER_AGENT "redoubt/" REDOUBT_VERSION

/* What the callback gathers while curl reads. */
struct gather {
    struct rdt_buf head;
    int status;
    bool complete, too_large;
    int64_t deadline_ms;
};

static void
free_curlu(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void
free_curl(CURL **c)
{
    curl_easy_cleanup(*c);
}

static void
free_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void
free_text(char **s)
{
    curl_free(*s);
}

static void
free_gather(struct gather *g)
{
    rdt_buf_done(&g->head);
}

static CURLcode global_result;

static void
global_init(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool
has_part(CURLU *u, CURLUPart part)
{
    RDT_AUTO(free_text) char *text = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK;
}

static bool
copy_part(CURLU *u, CURLUPart part, char *out, size_t size)
{
    RDT_AUTO(free_text) char *text = NULL;
    if (curl_url_get(u, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) != CURLUE_OK)
        return false;
    size_t n = strlen(text);
    if (n == 0 || n >= size)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

static bool
copy_host(CURLU *u, struct rdt_url *out)
{
    char host[sizeof out->host + 2];
    if (!copy_part(u, CURLUPART_HOST, host, sizeof host))
        return false;
    size_t n = strlen(host);
    struct rdt_span bare = {(const uint8_t *)host, n};
    if (host[0] == '[' && host[n - 1] == ']')
        bare = (struct rdt_span){bare.p + 1, n - 2};
    if (bare.n == 0 || bare.n >= sizeof out->host)
        return false;
    for (size_t i = 0; i < bare.n; i++)
        out->host[i] = (char)tolower(bare.p[i]);
    out->host[bare.n] = '\0';
    return true;
}

static enum rdt_code
read_parts(CURLU *u, struct rdt_url *out, struct rdt_err *err)
{
    struct rdt_url url = {0};
    char scheme[8], port[8];
    char *end = NULL;
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
        return rdt_fail(err, RDT_E_BADINPUT, "URL with a user name or password");
    if (!copy_part(u, CURLUPART_SCHEME, scheme, sizeof scheme) ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return rdt_fail(err, RDT_E_BADINPUT, "URL that is neither http nor https");
    if (!copy_host(u, &url) || !copy_part(u, CURLUPART_PATH, url.path, sizeof url.path) ||
        !copy_part(u, CURLUPART_PORT, port, sizeof port))
        return rdt_fail(err, RDT_E_BADINPUT, "URL with an odd host, port or path");
    url.https = scheme[4] == 's';
    url.port = (uint16_t)strtoul(port, &end, 10); /* curl refuses what is no port */
    *out = url;
    return RDT_OK;
}

static enum rdt_code
set_url(CURLU *u, struct rdt_span text, struct rdt_err *err)
{
    char copy[RDT_URL_MAX];
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "not a URL");
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, copy, 0);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return rdt_fail(err, RDT_E_NOMEM, "URL");
    if (rc != CURLUE_OK)
        return rdt_fail(err, RDT_E_BADINPUT, "not a URL");
    return RDT_OK;
}

enum rdt_code
rdt_url_parse(const char *text, struct rdt_url *out, struct rdt_err *err)
{
    RDT_AUTO(free_curlu) CURLU *u = curl_url();
    if (u == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "URL");
    enum rdt_code rc = set_url(u, rdt_span_str(text), err);
    return rc == RDT_OK ? read_parts(u, out, err) : rc;
}

enum rdt_code
rdt_url_resolve(const struct rdt_url *base, struct rdt_span location, struct rdt_url *out,
                struct rdt_err *err)
{
    RDT_AUTO(free_curlu) CURLU *u = curl_url();
    RDT_BUF text = {0};
    rdt_url_text(base, &text);
    if (u == NULL || !rdt_buf_ok(&text))
        return rdt_fail(err, RDT_E_NOMEM, "URL");
    enum rdt_code rc = set_url(u, rdt_buf_span(&text), err);
    if (rc == RDT_OK)
        rc = set_url(u, location, err);
    return rc == RDT_OK ? read_parts(u, out, err) : rc;
}

void
rdt_url_text(const struct rdt_url *url, struct rdt_buf *out)
{
    bool v6 = strchr(url->host, ':') != NULL;
    rdt_buf_fmt(out, "http%s://%s%s%s", url->https ? "s" : "", v6 ? "[" : "", url->host,
                v6 ? "]" : "");
    if (url->port != (url->https ? 443 : 80))
        rdt_buf_fmt(out, ":%u", url->port);
    rdt_buf_str(out, url->path);
}

/* A line of the head. Each status line starts a new head: a 100 or 103 may come before the answer.
 * The empty line after the last one ends the transfer: the body is nobody's business. */
static size_t
take_line(char *bytes, size_t size, size_t n, void *arg)
{
    struct gather *g = arg;
    size_t len = size * n, text = len;
    while (text != 0 && (bytes[text - 1] == '\n' || bytes[text - 1] == '\r'))
        text--;
    if (text == 0 && g->status >= 200) {
        g->complete = true;
        return 0;
    }
    if (len >= 5 && strncmp(bytes, "HTTP/", 5) == 0) {
        g->head.n = 0;
        g->status = 0;
        const char *space = memchr(bytes, ' ', len);
        for (const char *p = space; p != NULL && ++p < bytes + text && isdigit((unsigned char)*p);)
            g->status = g->status > 999 ? g->status : g->status * 10 + (*p - '0');
    }
    rdt_buf_add(&g->head, bytes, text);
    rdt_buf_str(&g->head, "\n");
    g->too_large = g->head.n > RDT_HTTP_HEAD_MAX;
    return g->too_large || g->head.failed ? 0 : len;
}

static size_t
drop_body(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)size;
    (void)n;
    (void)arg;
    return 0;
}

static bool
limit_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS) == CURLE_OK;
#endif
}

/* The first message is our own hello: from there on the connection is guarded. */
static void
guard(int sent, int version, int type, const void *bytes, size_t n, SSL *ssl, void *arg)
{
    struct gather *g = arg;
    (void)sent;
    (void)version;
    (void)type;
    (void)bytes;
    (void)n;
    rdt_tls_guard(ssl, &g->deadline_ms);
}

static CURLcode
unlock(CURL *c, void *ctx, void *arg)
{
    (void)c;
    rdt_tls_unlock(ctx);
    SSL_CTX_set_msg_callback(ctx, guard);
    SSL_CTX_set_msg_callback_arg(ctx, arg);
    return CURLE_OK;
}

/* Old and weak servers have to be readable too, as in tls.c. A curl with another TLS library than
 * ours offers what that one allows. */
static bool
allow_any_tls(CURL *c, struct gather *g)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool ok = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_0) == CURLE_OK;
    if (ok && info->ssl_version != NULL && strncmp(info->ssl_version, "OpenSSL", 7) == 0)
        ok = curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, unlock) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, g) == CURLE_OK;
    return ok;
}

static bool
set_up(CURL *c, const char *url, struct curl_slist *connect_to, int64_t left_ms, struct gather *g)
{
    bool ok = limit_protocols(c) && allow_any_tls(c, g);
    ok = ok && curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_CONNECT_TO, connect_to) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK;
    /* An empty proxy also turns off those of the environment. */
    ok = ok && curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_line) == CURLE_OK;
    ok = ok && curl_easy_setopt(c, CURLOPT_HEADERDATA, g) == CURLE_OK;
    return ok && curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop_body) == CURLE_OK;
}

static enum rdt_code
judge(CURL *c, CURLcode got, const struct gather *g, bool *refused, struct rdt_err *err)
{
    long e = 0;
    if (g->head.failed || got == CURLE_OUT_OF_MEMORY)
        return rdt_fail(err, RDT_E_NOMEM, "HTTP");
    if (g->too_large)
        return rdt_fail(err, RDT_E_LIMIT, "head of the answer is larger than %zu bytes",
                        RDT_HTTP_HEAD_MAX);
    if (g->complete && g->status <= 599)
        return RDT_OK;
    if (rdt_monotonic_ms() >= g->deadline_ms)
        got = CURLE_OPERATION_TIMEDOUT; /* whatever the library calls what the guard ended */
    switch (got) {
    case CURLE_OPERATION_TIMEDOUT:
        return rdt_fail(err, RDT_E_TIMEOUT, "no answer in time");
    case CURLE_COULDNT_CONNECT:
        *refused = curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &e) == CURLE_OK && e == ECONNREFUSED;
        return rdt_fail(err, RDT_E_NET, "%s", e == 0 ? "cannot connect" : strerror((int)e));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return rdt_fail(err, RDT_E_PROTOCOL, "closed the connection without an answer");
    case CURLE_SSL_CONNECT_ERROR:
        return rdt_fail(err, RDT_E_PROTOCOL, "the TLS handshake failed");
    default:
        return rdt_fail(err, RDT_E_PROTOCOL, "no HTTP answer (%s)", curl_easy_strerror(got));
    }
}

enum rdt_code
rdt_http_get(const struct rdt_url *url, const char *address, int64_t deadline_ms, bool *refused,
             struct rdt_http_answer *out, struct rdt_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    RDT_BUF text = {0};
    RDT_AUTO(free_gather) struct gather g = {.deadline_ms = deadline_ms};
    char to[128];
    *refused = false;
    if (pthread_once(&once, global_init) != 0 || global_result != CURLE_OK)
        return rdt_fail(err, RDT_E_INTERNAL, "libcurl cannot start");
    RDT_AUTO(free_list) struct curl_slist *connect_to = NULL;
    RDT_AUTO(free_curl) CURL *c = curl_easy_init();
    bool v6 = strchr(address, ':') != NULL;
    snprintf(to, sizeof to, v6 ? "::[%s]:%u" : "::%s:%u", address, url->port);
    connect_to = curl_slist_append(NULL, to);
    rdt_url_text(url, &text);
    const char *line = rdt_buf_cstr(&text);
    if (c == NULL || connect_to == NULL || line == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "HTTP");
    int64_t left = deadline_ms - rdt_monotonic_ms();
    if (left <= 0) /* curl takes 0 for "no limit" */
        return rdt_fail(err, RDT_E_TIMEOUT, "no time left");
    if (!set_up(c, line, connect_to, left > INT32_MAX ? INT32_MAX : left, &g))
        return rdt_fail(err, RDT_E_INTERNAL, "libcurl lacks an option");
    enum rdt_code rc = judge(c, curl_easy_perform(c), &g, refused, err);
    if (rc != RDT_OK)
        return rc;
    out->status = g.status;
    out->head = g.head;
    g.head = (struct rdt_buf){0};
    return RDT_OK;
}

static struct rdt_span
trim(struct rdt_span s)
{
    while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct rdt_span){s.p + 1, s.n - 1};
    while (s.n != 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool
rdt_http_header(const struct rdt_http_answer *answer, const char *name, size_t nth,
                struct rdt_span *out)
{
    struct rdt_span in = rdt_buf_span(&answer->head), line;
    size_t n = strlen(name);
    while (rdt_take_line(&in, &line)) {
        struct rdt_span key;
        if (!rdt_take_until(&line, ':', &key) || key.n != n ||
            strncasecmp((const char *)key.p, name, n) != 0)
            continue;
        if (nth-- == 0) {
            *out = trim(line);
            return true;
        }
    }
    return false;
}

void
rdt_http_answer_done(struct rdt_http_answer *answer)
{
    rdt_buf_done(&answer->head);
    *answer = (struct rdt_http_answer){0};
}
