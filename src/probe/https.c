#include "base/clock.h"
#include "base/file.h"
#include "probe/https_internal.h"
#include "probe/path.h"
#include "probe/probe.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS_MAX 5000 /* one connection; a server slower than this is not judged */
#define HOPS_MAX 5       /* redirects within the site before its final answer */
#define HEADER_SHOWN 300 /* bytes of a header that the raw answer keeps */

/* Steps of a look at one address; they share what is left of the job's time. Addresses do not: each
 * is looked at in a thread of its own, so that many of them, or a dead one, take no longer. */
enum { STEP_PLAIN = 1, STEPS_TLS = 2 * RDT_TLS_N_VERSIONS, STEPS_AGAIN = 2, STEP_HSTS = 1 };
enum { STEPS = STEP_PLAIN + STEPS_TLS + STEPS_AGAIN + STEP_HSTS };

struct site {
    struct rdt_url url;
    uint16_t http_port;
    struct rdt_addrs addrs;     /* of the https port: the ones to look at */
    struct rdt_buf ca;          /* PEM; empty for the system's roots */
    char ca_why[HTTPS_WHY_MAX]; /* set when the CA file cannot be used */
};

struct budget {
    int64_t deadline_ms;
    int64_t steps; /* left */
};

static void
free_site(struct site *site)
{
    rdt_buf_done(&site->ca);
}

struct looks {
    struct https_look *items;
    size_t n;
};

static void
free_looks(struct looks *looks)
{
    for (size_t i = 0; i < looks->n; i++) {
        rdt_buf_done(&looks->items[i].redirect_raw);
        rdt_buf_done(&looks->items[i].tls_raw);
        rdt_buf_done(&looks->items[i].cert_raw);
        rdt_buf_done(&looks->items[i].hsts_raw);
    }
    free(looks->items);
}

/* The deadline of the next step. What a quick step does not use goes to those after it. */
static int64_t
next_step(struct budget *budget)
{
    int64_t now = rdt_monotonic_ms();
    int64_t left = budget->deadline_ms > now ? budget->deadline_ms - now : 0;
    int64_t share = left / (budget->steps > 0 ? budget->steps : 1);
    budget->steps--;
    return now + (share < STEP_MS_MAX ? share : STEP_MS_MAX);
}

/* Bytes from a peer that go into a text; evidence scrubs what must not be kept. */
static void
add_shown(struct rdt_buf *out, struct rdt_span bytes)
{
    for (size_t i = 0; i < bytes.n && i < HEADER_SHOWN; i++) {
        char c = (char)bytes.p[i];
        rdt_buf_add(out, c >= ' ' && c <= '~' ? &c : "?", 1);
    }
    if (bytes.n > HEADER_SHOWN)
        rdt_buf_str(out, "...");
}

static void
raw_request(struct rdt_buf *raw, const struct rdt_url *url, const char *ip)
{
    rdt_buf_str(raw, "GET ");
    rdt_url_text(url, raw);
    rdt_buf_fmt(raw, " at %s\n", ip);
}

static void
raw_header(struct rdt_buf *raw, const struct rdt_http_answer *answer, const char *name)
{
    struct rdt_span value;
    for (size_t i = 0; rdt_http_header(answer, name, i, &value); i++) {
        rdt_buf_fmt(raw, "  %s: ", name);
        add_shown(raw, value);
        rdt_buf_str(raw, "\n");
    }
}

/* Where a redirect leads, without its query, which may hold anything. */
static bool
read_location(const struct rdt_url *from, const struct rdt_http_answer *answer, struct rdt_url *to,
              struct rdt_buf *raw)
{
    struct rdt_span value;
    if (!rdt_http_header(answer, "Location", 0, &value))
        return false;
    if (rdt_url_resolve(from, value, to, NULL) != RDT_OK) {
        rdt_buf_str(raw, "  Location: unreadable\n");
        return false;
    }
    rdt_buf_str(raw, "  Location: ");
    rdt_url_text(to, raw);
    rdt_buf_str(raw, "\n");
    return true;
}

static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

/*
 * HTTP-1. A closed port proves something only when the site itself lives at that address: nothing
 * answers on a host that is down.
 */
static void
look_plain(const struct site *site, int64_t deadline_ms, struct https_look *look)
{
    RDT_AUTO(rdt_http_answer_done) struct rdt_http_answer answer = {0};
    RDT_BUF where = {0};
    struct rdt_url url = site->url, to;
    struct rdt_err err = {0};
    bool refused = false;
    url.https = false;
    url.port = site->http_port;
    raw_request(&look->redirect_raw, &url, look->ip);
    if (rdt_http_get(&url, look->ip, deadline_ms, &refused, &answer, &err) != RDT_OK) {
        rdt_buf_fmt(&look->redirect_raw, "  %s\n", refused ? "port closed" : err.text);
        look->redirect.closed = refused && look->reached;
        snprintf(look->redirect.why, HTTPS_WHY_MAX, "port %u: %.200s", url.port,
                 refused ? "closed, and so is the https port" : err.text);
        return;
    }
    look->redirect.answered = true;
    look->redirect.status = answer.status;
    rdt_buf_fmt(&look->redirect_raw, "  status %d\n", answer.status);
    if (!read_location(&url, &answer, &to, &look->redirect_raw))
        return;
    rdt_url_text(&to, &where);
    look->redirect.https =
        is_redirect(answer.status) && to.https && strcmp(to.host, site->url.host) == 0;
    if (rdt_buf_ok(&where))
        snprintf(look->redirect.location, sizeof look->redirect.location, "%.*s",
                 RDT_FMT(rdt_buf_span(&where)));
}

static void
keep_cert(const struct site *site, const struct rdt_tls_answer *answer, struct https_look *look)
{
    struct rdt_span chain[RDT_CERT_CHAIN_MAX];
    size_t n = rdt_tls_chain(answer, chain);
    struct rdt_err err = {0};
    if (look->cert.seen || n == 0)
        return;
    struct rdt_cert *c = &look->cert.cert;
    enum rdt_code rc = rdt_cert_read(chain[0], site->url.host, c, &err);
    if (rc == RDT_OK && site->ca_why[0] != '\0')
        rc = rdt_fail(&err, RDT_E_BADINPUT, "%s", site->ca_why);
    if (rc == RDT_OK)
        rc = rdt_cert_verify(chain, n, rdt_buf_span(&site->ca), rdt_now(), &look->cert.trust, &err);
    look->cert.seen = rc == RDT_OK;
    snprintf(look->cert.why, HTTPS_WHY_MAX, "%.200s", err.text);
    rdt_buf_fmt(&look->cert_raw, "%s sent %zu certificates\n", look->addr->text, n);
    rdt_buf_fmt(&look->cert_raw, "  sha256 %s\n  subject %s\n  issuer %s\n  key %s\n", c->sha256,
                c->subject, c->issuer, c->key);
    char from[RDT_STAMP_TEXT], to[RDT_STAMP_TEXT];
    rdt_stamp_text(c->not_before_s, from);
    rdt_stamp_text(c->not_after_s, to);
    rdt_buf_fmt(&look->cert_raw, "  valid %s to %s\n  for %s: %s\n  chain: %s\n", from, to,
                site->url.host, c->host ? "yes" : "no",
                !look->cert.seen           ? err.text
                : look->cert.trust.trusted ? "trusted"
                                           : look->cert.trust.why);
}

/* One version at one address; how: rdt_tls_ask or rdt_tls_ask_old. */
static enum rdt_code
ask(const struct site *site, enum rdt_tls_version version, __typeof__(rdt_tls_ask) *how,
    int64_t deadline_ms, struct https_look *look, struct rdt_tls_answer *answer)
{
    struct rdt_err err = {0};
    RDT_FD fd = -1;
    if (rdt_dial_addr(look->addr, deadline_ms, &fd, &err) != RDT_OK) {
        /* The text names the address first; whoever shows the reason does that already. */
        size_t n = strlen(look->addr->text);
        bool named = strncmp(err.text, look->addr->text, n) == 0 && err.text[n] == ':';
        answer->end = RDT_TLS_END_UNREACHED;
        snprintf(answer->detail, sizeof answer->detail, "%.90s", err.text + (named ? n + 2 : 0));
        return RDT_OK;
    }
    look->reached = true;
    return how(fd, site->url.host, version, deadline_ms, answer, NULL);
}

/* Whether an answer leaves open that the server speaks the version with suites we did not offer. */
static bool
needs_second_opinion(const struct rdt_tls_answer *answer, enum rdt_tls_version version)
{
    if (version == RDT_TLS1_3 || answer->version != 0)
        return false;
    if (answer->end == RDT_TLS_END_ALERT && answer->alert == RDT_TLS_ALERT_VERSION)
        return false;
    return answer->end != RDT_TLS_END_UNREACHED && answer->end != RDT_TLS_END_TIMEOUT;
}

static enum rdt_code
ask_version(const struct site *site, enum rdt_tls_version version, struct budget *budget,
            struct https_look *look, struct rdt_tls_answer *answer)
{
    int64_t first = next_step(budget), second = next_step(budget);
    if (version == RDT_SSL3)
        return ask(site, version, rdt_tls_ask_old, second, look, answer);
    enum rdt_code rc = ask(site, version, rdt_tls_ask, first, look, answer);
    if (rc != RDT_OK)
        return rc;
    keep_cert(site, answer, look);
    if (!needs_second_opinion(answer, version))
        return RDT_OK;
    rdt_tls_answer_done(answer);
    return ask(site, version, rdt_tls_ask_old, second, look, answer);
}

static void
note_version(const struct site *site, enum rdt_tls_version version, enum rdt_tls_verdict verdict,
             const char *why, struct https_look *look)
{
    rdt_buf_fmt(&look->tls_raw, "%s %s for %s: %s (%s)\n", look->addr->text,
                rdt_tls_version_name(version), site->url.host, rdt_tls_verdict_name(verdict), why);
}

/* Whether some answer is a refusal only if the server was alive all the time. */
static bool
needs_alive(const struct rdt_tls_answer answers[static RDT_TLS_N_VERSIONS])
{
    char why[RDT_TLS_WHY_MAX];
    for (int v = 0; v < RDT_TLS_N_VERSIONS; v++) {
        if (rdt_tls_judge(&answers[v], v, true, why) != rdt_tls_judge(&answers[v], v, false, why))
            return true;
    }
    return false;
}

/*
 * Whether the server still takes the version that it took before. One that has had enough of us
 * (a limit of connections, a firewall that learns) hangs up on everything, which is no refusal of
 * any version.
 */
static enum rdt_code
ask_again(const struct site *site, int version, struct budget *budget, struct https_look *look,
          bool *alive)
{
    RDT_AUTO(rdt_tls_answer_done) struct rdt_tls_answer answer = {0};
    char why[RDT_TLS_WHY_MAX];
    enum rdt_code rc = ask_version(site, version, budget, look, &answer);
    enum rdt_tls_verdict verdict = rdt_tls_judge(&answer, version, false, why);
    *alive = rc == RDT_OK && verdict == RDT_TLS_ACCEPTED;
    rdt_buf_str(&look->tls_raw, "once more, at the end: ");
    note_version(site, version, verdict, why, look);
    return rc;
}

/* Newest first: its certificate is the one that today's clients see. */
static enum rdt_code
ask_versions(const struct site *site, struct budget *budget, struct https_look *look,
             struct rdt_tls_answer answers[static RDT_TLS_N_VERSIONS], bool *alive)
{
    enum rdt_code rc = RDT_OK;
    int taken = -1;
    for (int v = RDT_TLS_N_VERSIONS - 1; rc == RDT_OK && v >= 0; v--) {
        char why[RDT_TLS_WHY_MAX];
        rc = ask_version(site, v, budget, look, &answers[v]);
        if (taken < 0 && rdt_tls_judge(&answers[v], v, false, why) == RDT_TLS_ACCEPTED)
            taken = v;
    }
    *alive = false;
    if (rc == RDT_OK && taken >= 0 && needs_alive(answers))
        rc = ask_again(site, taken, budget, look, alive);
    return rc;
}

/* TLS-1, TLS-2, TLS-4. */
static enum rdt_code
look_tls(const struct site *site, struct budget *budget, struct https_look *look)
{
    struct rdt_tls_answer answers[RDT_TLS_N_VERSIONS] = {0};
    bool alive = false;
    enum rdt_code rc = ask_versions(site, budget, look, answers, &alive);
    for (int v = RDT_TLS_N_VERSIONS - 1; rc == RDT_OK && v >= 0; v--) {
        look->tls[v].verdict = rdt_tls_judge(&answers[v], v, alive, look->tls[v].why);
        note_version(site, v, look->tls[v].verdict, look->tls[v].why, look);
    }
    for (int v = 0; v < RDT_TLS_N_VERSIONS; v++)
        rdt_tls_answer_done(&answers[v]);
    if (!look->cert.seen && look->cert.why[0] == '\0') {
        snprintf(look->cert.why, HTTPS_WHY_MAX, "no certificate: %s", look->tls[RDT_TLS1_3].why);
        rdt_buf_fmt(&look->cert_raw, "%s: %s\n", look->addr->text, look->cert.why);
    }
    return rc;
}

static void
judge_hsts(const struct site *site, const struct rdt_http_answer *answer, struct https_look *look)
{
    struct rdt_span first, second;
    struct rdt_err err = {0};
    look->hsts.answered = true;
    if (!rdt_http_header(answer, "Strict-Transport-Security", 0, &first)) {
        snprintf(look->hsts.why, HTTPS_WHY_MAX, "no header in an answer of status %d",
                 answer->status);
        return;
    }
    /* RFC 6797 section 8.1.1 */
    if (rdt_host_is_address(site->url.host)) {
        snprintf(look->hsts.why, HTTPS_WHY_MAX, "browsers ignore the header of an address");
        return;
    }
    /* RFC 6797 section 8.1: only the first counts, and one with an error counts for nothing. */
    look->hsts.present = rdt_hsts_parse(first, &look->hsts.hsts, &err) == RDT_OK;
    if (!look->hsts.present)
        snprintf(look->hsts.why, HTTPS_WHY_MAX, "browsers ignore the header: %.150s", err.text);
    else if (rdt_http_header(answer, "Strict-Transport-Security", 1, &second))
        snprintf(look->hsts.why, HTTPS_WHY_MAX, "the header comes twice: only the first counts");
}

static bool
stays_on_site(const struct rdt_url *from, const struct rdt_url *to)
{
    return to->https && to->port == from->port && strcmp(to->host, from->host) == 0;
}

/* HTTP-2: the header of the site's final answer, that is the first which leads nowhere else on it.
 */
static void
look_hsts(const struct site *site, int64_t deadline_ms, struct https_look *look)
{
    struct rdt_url url = site->url;
    for (int hop = 0; hop <= HOPS_MAX; hop++) {
        RDT_AUTO(rdt_http_answer_done) struct rdt_http_answer answer = {0};
        struct rdt_err err = {0};
        struct rdt_url to;
        bool refused = false;
        raw_request(&look->hsts_raw, &url, look->ip);
        if (rdt_http_get(&url, look->ip, deadline_ms, &refused, &answer, &err) != RDT_OK) {
            rdt_buf_fmt(&look->hsts_raw, "  %s\n", err.text);
            snprintf(look->hsts.why, HTTPS_WHY_MAX, "%.200s", err.text);
            return;
        }
        rdt_buf_fmt(&look->hsts_raw, "  status %d\n", answer.status);
        raw_header(&look->hsts_raw, &answer, "Strict-Transport-Security");
        bool moves = is_redirect(answer.status) || answer.status == 303;
        if (!moves || !read_location(&url, &answer, &to, &look->hsts_raw) ||
            !stays_on_site(&site->url, &to)) {
            judge_hsts(site, &answer, look);
            return;
        }
        url = to;
    }
    snprintf(look->hsts.why, HTTPS_WHY_MAX, "over %d redirects within the site", HOPS_MAX);
}

/* One address, for a thread. */
struct task {
    const struct site *site;
    struct budget budget;
    struct https_look *look;
    enum rdt_code rc;
};

static void *
look_at(void *arg)
{
    struct task *task = arg;
    const struct rdt_addr *addr = task->look->addr;
    struct https_look *look = task->look;
    if (getnameinfo((const struct sockaddr *)&addr->sa, addr->sa_n, look->ip, sizeof look->ip, NULL,
                    0, NI_NUMERICHOST) != 0)
        task->rc = RDT_E_INTERNAL;
    else
        task->rc = look_tls(task->site, &task->budget, look);
    if (task->rc != RDT_OK)
        return NULL;
    look_plain(task->site, next_step(&task->budget), look);
    look_hsts(task->site, next_step(&task->budget), look);
    return NULL;
}

/* Looks at all addresses at once; one whose thread cannot be had is looked at here. */
static enum rdt_code
look_around(const struct site *site, int64_t deadline_ms, struct looks *looks)
{
    pthread_t threads[RDT_ADDRS_MAX];
    bool is_running[RDT_ADDRS_MAX] = {false};
    struct task tasks[RDT_ADDRS_MAX];
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; i < looks->n; i++) {
        looks->items[i].addr = &site->addrs.items[i];
        tasks[i] = (struct task){.site = site, .look = &looks->items[i]};
        tasks[i].budget = (struct budget){.deadline_ms = deadline_ms, .steps = STEPS};
    }
    for (size_t i = 1; i < looks->n; i++)
        is_running[i] = pthread_create(&threads[i], NULL, look_at, &tasks[i]) == 0;
    for (size_t i = 0; i < looks->n; i++) {
        if (is_running[i])
            pthread_join(threads[i], NULL);
        else
            look_at(&tasks[i]);
    }
    for (size_t i = 0; rc == RDT_OK && i < looks->n; i++)
        rc = tasks[i].rc;
    return rc;
}

/* With `addresses: one`, the address that clients would take: the first that answers. */
static void
choose_one(struct site *site, int64_t deadline_ms)
{
    struct rdt_addrs *addrs = &site->addrs;
    for (size_t i = 0; i < addrs->n && addrs->n > 1; i++) {
        RDT_FD fd = -1;
        int64_t now = rdt_monotonic_ms();
        int64_t share = (deadline_ms - now) / (int64_t)(addrs->n - i);
        if (rdt_dial_addr(&addrs->items[i], now + share, &fd, NULL) != RDT_OK)
            continue;
        addrs->items[0] = addrs->items[i];
        break;
    }
    addrs->n = addrs->n > 1 ? 1 : addrs->n;
}

static void
load_ca(const struct rdt_probe_job *job, struct site *site)
{
    const char *ca = rdt_node_str(job->spec, "ca");
    struct rdt_err err = {0};
    char path[RDT_PROBE_PATH_MAX];
    if (ca == NULL || strcmp(ca, "system") == 0)
        return;
    enum rdt_code rc = rdt_probe_path(job->folder, ca, path, &err);
    if (rc == RDT_OK)
        rc = rdt_file_read(path, RDT_CERT_CA_MAX, &site->ca, &err);
    if (rc == RDT_OK && site->ca.n == 0)
        rc = rdt_fail(&err, RDT_E_BADINPUT, "empty");
    if (rc != RDT_OK)
        snprintf(site->ca_why, HTTPS_WHY_MAX, "CA file: %.200s", err.text);
}

static enum rdt_code
read_spec(const struct rdt_probe_job *job, int64_t deadline_ms, struct site *site,
          struct rdt_err *err)
{
    const char *url = rdt_node_str(job->spec, "url");
    const char *port = rdt_node_str(job->spec, "http_port");
    char *end = NULL;
    unsigned long number = port == NULL ? 80 : strtoul(port, &end, 10);
    if (url == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "the target has no url");
    if (number == 0 || number > UINT16_MAX || (end != NULL && *end != '\0'))
        return rdt_fail(err, RDT_E_BADINPUT, "http_port is no port");
    site->http_port = (uint16_t)number;
    enum rdt_code rc = rdt_url_parse(url, &site->url, err);
    if (rc != RDT_OK)
        return rc;
    if (!site->url.https)
        return rdt_fail(err, RDT_E_BADINPUT, "the target's url is not https");
    int64_t now = rdt_monotonic_ms();
    rc = rdt_resolve(site->url.host, site->url.port, now + (deadline_ms - now) / 4, &site->addrs,
                     err);
    if (rc != RDT_OK)
        return rc;
    bool all = rdt_node_is(rdt_node_get(job->spec, "addresses"), "all");
    if (all && site->addrs.cut)
        return rdt_fail(err, RDT_E_LIMIT, "%s has more than %d addresses", site->url.host,
                        RDT_ADDRS_MAX);
    if (!all) {
        now = rdt_monotonic_ms();
        choose_one(site, now + (deadline_ms - now) / 4);
    }
    load_ca(job, site);
    return RDT_OK;
}

static enum rdt_code
record_nothing(const char *subject, const char *why, struct rdt_evidence *out)
{
    static const char *const facts[] = {"http.redirect", "tls.versions", "tls.cert", "http.hsts"};
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < RDT_COUNT(facts); i++)
        rc = rdt_evidence_unknown(out, subject, facts[i], why, rdt_span_str(why));
    return rc;
}

enum rdt_code
rdt_probe_https(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    RDT_AUTO(free_site) struct site site = {0};
    RDT_AUTO(free_looks) struct looks looks = {0};
    const int64_t deadline_ms = rdt_monotonic_ms() + job->timeout_ms;
    struct rdt_err err = {0};
    rdt_evidence_collector(out, "https/1");
    enum rdt_code rc = read_spec(job, deadline_ms, &site, &err);
    if (rc != RDT_OK)
        return rc == RDT_E_NOMEM ? rc : record_nothing(job->subject, err.text, out);
    looks.items = calloc(site.addrs.n, sizeof *looks.items);
    if (looks.items == NULL)
        return RDT_E_NOMEM;
    looks.n = site.addrs.n;
    rc = look_around(&site, deadline_ms, &looks);
    if (rc != RDT_OK)
        return rc;
    return rdt_https_record(job->subject, looks.items, looks.n, out);
}
