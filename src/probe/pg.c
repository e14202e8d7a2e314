/*
 * PG-1: can the application's user begin a login without TLS? No password is needed, since the
 * server decides that before it asks for one.
 *
 * The decision table, settled here (the first line that fits counts):
 *
 *   without TLS             with TLS              verdict
 *   not reached             -                     undecided (the fact is unknown if none was
 * reached) R                       -                     accepted: the login began in clear E 28000
 * by auth_failed  -                     accepted: likewise, and it failed (see began()) no answer
 * of PostgreSQL -                     undecided E                       SSLRequest answer N
 * accepted: there is no TLS, so whatever login this server takes from anybody is in clear E, not
 * 28000            S                     undecided: full, starting, a pooler's own words E 28000 R
 * (or began())        refused E 28000                 E                     undecided: this user
 * cannot log in from here E 28000                 anything else         undecided
 *
 * "refused" needs the application's own user: pg_hba.conf rules are per user, so that a made-up
 * one that is refused says nothing. SQLSTATEs and the server's function names count, never its
 * words, which change with version and language.
 */
#include "base/clock.h"
#include "base/file.h"
#include "net/upgrade.h"
#include "probe/pg_internal.h"
#include "probe/pg_wire.h"

#include <stdarg.h>
#include <stdio.h>

#define PORT 5432
#define USER_MADE_UP "redoubt"
#define SQLSTATE_NOT_AUTHORISED "28000"
#define STEPS_OF_AUDIT 3 /* shares of the job's time that the auditor gets, where there is one */

/* One try to log in, up to the first answer. */
struct attempt {
    bool reached;     /* a connection was made */
    bool is_tls;      /* the try was to be made in TLS */
    uint8_t ssl;      /* the answer to SSLRequest; 0 without one */
    const char *tls;  /* version agreed on, or NULL */
    enum rdt_code rc; /* RDT_OK when answer is set */
    struct rdt_pg_answer answer;
    struct rdt_err err;
};

enum verdict { REFUSED, UNDECIDED, ACCEPTED }; /* the worst of several is the highest */

struct judgement {
    enum verdict verdict;
    char why[RDT_PG_WHY_MAX];
};

/* The time of a job is dealt out to its tries, so that one that stalls leaves some for the rest. */
struct shares {
    int64_t deadline_ms;
    size_t n_left;
};

static int64_t
next_share(struct shares *shares)
{
    int64_t now = rdt_monotonic_ms();
    int64_t n = shares->n_left > 1 ? (int64_t)shares->n_left : 1;
    if (shares->n_left > 1)
        shares->n_left--;
    return now + (shares->deadline_ms - now) / n;
}

static enum rdt_code
receive(int fd, struct rdt_upgrade *tls, int64_t deadline_ms, struct attempt *try)
{
    struct rdt_buf in = {0};
    enum rdt_pg_kind kind = RDT_PG_MORE;
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && kind == RDT_PG_MORE) {
        uint8_t step[1024];
        size_t got;
        rc = tls == NULL ? rdt_net_read(fd, deadline_ms, step, sizeof step, &got, &try->err)
                         : rdt_upgrade_read(tls, deadline_ms, step, sizeof step, &got, &try->err);
        if (rc == RDT_OK && got == 0)
            rc = rdt_fail(&try->err, RDT_E_PROTOCOL, "closed without an answer");
        if (rc != RDT_OK)
            break;
        rdt_buf_add(&in, step, got);
        if (!rdt_buf_ok(&in))
            rc = rdt_fail(&try->err, RDT_E_NOMEM, "answer");
        kind = rdt_pg_parse(rdt_buf_span(&in), &try->answer);
    }
    rdt_buf_done(&in);
    if (rc == RDT_OK && kind == RDT_PG_OTHER)
        rc = rdt_fail(&try->err, RDT_E_PROTOCOL, "the answer is not PostgreSQL's");
    return rc;
}

static enum rdt_code
ask(int fd, struct rdt_upgrade *tls, int64_t deadline_ms, struct rdt_span message,
    struct attempt *try)
{
    enum rdt_code rc = tls == NULL ? rdt_net_write_all(fd, deadline_ms, message, &try->err)
                                   : rdt_upgrade_write_all(tls, deadline_ms, message, &try->err);
    return rc == RDT_OK ? receive(fd, tls, deadline_ms, try) : rc;
}

/* Exactly one byte: what a man in the middle puts behind it must not count as said in TLS. */
static enum rdt_code
ask_for_tls(int fd, int64_t deadline_ms, struct attempt *try)
{
    RDT_BUF request = {0};
    size_t got;
    rdt_pg_ssl_request(&request);
    if (!rdt_buf_ok(&request))
        return rdt_fail(&try->err, RDT_E_NOMEM, "request");
    enum rdt_code rc = rdt_net_write_all(fd, deadline_ms, rdt_buf_span(&request), &try->err);
    if (rc == RDT_OK)
        rc = rdt_net_read(fd, deadline_ms, &try->ssl, 1, &got, &try->err);
    if (rc == RDT_OK && got == 0)
        rc = rdt_fail(&try->err, RDT_E_PROTOCOL, "closed without an answer to SSLRequest");
    if (rc == RDT_OK && try->ssl == 'N')
        rc = rdt_fail(&try->err, RDT_E_PROTOCOL, "the server offers no TLS");
    else if (rc == RDT_OK && try->ssl != 'S')
        rc = rdt_fail(&try->err, RDT_E_PROTOCOL, "SSLRequest was not answered by S or N");
    return rc;
}

static void
log_in(const struct rdt_pg_target *target, const struct rdt_addr *addr, const char *database,
       int64_t deadline_ms, struct attempt *try)
{
    RDT_AUTO(rdt_upgrade_free_at) struct rdt_upgrade *tls = NULL;
    RDT_FD fd = -1;
    RDT_BUF startup = {0};
    rdt_pg_startup(&startup, target->user == NULL ? USER_MADE_UP : target->user, database);
    if (!rdt_buf_ok(&startup)) {
        try->rc = rdt_fail(&try->err, RDT_E_NOMEM, "request");
        return;
    }
    try->rc = rdt_dial_addr(addr, deadline_ms, &fd, &try->err);
    try->reached = try->rc == RDT_OK;
    if (try->rc == RDT_OK && try->is_tls)
        try->rc = ask_for_tls(fd, deadline_ms, try);
    if (try->rc == RDT_OK && try->is_tls)
        try->rc = rdt_upgrade_open(fd, target->host, deadline_ms, &tls, &try->err);
    if (tls != NULL)
        try->tls = rdt_upgrade_version(tls);
    if (try->rc == RDT_OK)
        try->rc = ask(fd, tls, deadline_ms, rdt_buf_span(&startup), try);
}

/*
 * Whether the server began to authenticate. It did also where it answers by the error of a method
 * that asks the client nothing (ident): a client that the method likes would have got in. The
 * server's function tells such a failure from a refusal by pg_hba.conf (ClientAuthentication).
 */
static bool
began(const struct attempt *try)
{
    if (try->rc != RDT_OK)
        return false;
    return try->answer.kind == RDT_PG_AUTH || strcmp(try->answer.routine, "auth_failed") == 0;
}

static const char *
method_name(uint32_t code)
{
    static const char *const names[] = {
        [0] = "trust", [2] = "Kerberos V5", [3] = "clear-text password",
        [5] = "md5",   [7] = "GSSAPI",      [9] = "SSPI",
        [10] = "SASL",
    };
    return code < RDT_COUNT(names) && names[code] != NULL ? names[code] : "another method";
}

static enum verdict say(struct judgement *out, enum verdict verdict, const char *fmt, ...)
    RDT_PRINTF(3, 4);

static enum verdict
say(struct judgement *out, enum verdict verdict, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out->why, sizeof out->why, fmt, ap);
    va_end(ap);
    out->verdict = verdict;
    return verdict;
}

static enum verdict
judge_tls(const struct rdt_pg_target *target, const struct attempt *tls, struct judgement *out)
{
    if (tls->rc != RDT_OK)
        return say(out, UNDECIDED, "refused without TLS, but TLS could not be tried: %s",
                   tls->err.text);
    if (!began(tls))
        return say(out, UNDECIDED,
                   "refused without TLS, and with TLS too (SQLSTATE %s): this user cannot log in "
                   "from this address",
                   tls->answer.sqlstate);
    if (target->user == NULL)
        return say(out, UNDECIDED, "refused for a made-up user; the target names no user");
    return say(out, REFUSED,
               "refused without TLS (SQLSTATE " SQLSTATE_NOT_AUTHORISED "), and taken with %s",
               tls->tls);
}

static enum verdict
judge(const struct rdt_pg_target *target, const struct attempt *plain, const struct attempt *tls,
      struct judgement *out)
{
    const struct rdt_pg_answer *answer = &plain->answer;
    if (plain->rc != RDT_OK)
        return say(out, UNDECIDED, "%s", plain->err.text);
    if (answer->kind == RDT_PG_AUTH)
        return say(out, ACCEPTED, "the login began without TLS (%s)", method_name(answer->auth));
    if (began(plain))
        return say(out, ACCEPTED, "the login began without TLS and failed (SQLSTATE %s)",
                   answer->sqlstate);
    if (tls->ssl == 'N')
        return say(out, ACCEPTED,
                   "the server offers no TLS, so every login it takes is in clear (this one it did "
                   "not take: SQLSTATE %s)",
                   answer->sqlstate);
    if (strcmp(answer->sqlstate, SQLSTATE_NOT_AUTHORISED) != 0)
        return say(out, UNDECIDED, "turned down for another reason (SQLSTATE %s)",
                   answer->sqlstate);
    return judge_tls(target, tls, out);
}

static void
note(struct rdt_buf *raw, const struct attempt *try)
{
    rdt_buf_str(raw, try->is_tls ? "  SSLRequest: " : "  StartupMessage: ");
    if (try->ssl != '\0')
        rdt_buf_fmt(raw, "0x%02x; ", try->ssl);
    if (try->tls != NULL)
        rdt_buf_fmt(raw, "%s; StartupMessage: ", try->tls);
    if (try->rc != RDT_OK)
        rdt_buf_fmt(raw, "%s\n", try->err.text);
    else if (try->answer.kind == RDT_PG_AUTH)
        rdt_buf_fmt(raw, "R %u (%s)\n", try->answer.auth, method_name(try->answer.auth));
    else
        rdt_buf_fmt(raw, "E %s %s: %s\n", try->answer.sqlstate, try->answer.routine,
                    try->answer.text);
}

/* Both tries for one database at one address; whether it was reached. */
static bool
try_database(const struct rdt_pg_target *target, const struct rdt_addr *addr, const char *database,
             struct shares *shares, struct rdt_buf *raw, struct judgement *out)
{
    struct attempt plain = {0}, tls = {.is_tls = true};
    log_in(target, addr, database, next_share(shares), &plain);
    rdt_buf_fmt(raw, "%s database %s\n", addr->text, database);
    note(raw, &plain);
    int64_t deadline_ms = next_share(shares);
    if (plain.rc == RDT_OK && !began(&plain)) {
        log_in(target, addr, database, deadline_ms, &tls);
        note(raw, &tls);
    }
    judge(target, &plain, &tls, out);
    return plain.reached;
}

/* The worst over all addresses; an address that was not reached was not seen to refuse. */
static size_t
try_addresses(const struct rdt_pg_target *target, const char *database, struct shares *shares,
              struct rdt_buf *raw, struct judgement *worst)
{
    size_t n_reached = 0;
    for (size_t i = 0; i < target->addrs.n; i++) {
        struct judgement one = {0};
        n_reached += try_database(target, &target->addrs.items[i], database, shares, raw, &one);
        if (i == 0 || one.verdict > worst->verdict) {
            worst->verdict = one.verdict;
            snprintf(worst->why, sizeof worst->why, "%s%s%.480s",
                     target->addrs.n > 1 ? target->addrs.items[i].text : "",
                     target->addrs.n > 1 ? ": " : "", one.why);
        }
    }
    if (target->addrs.cut && worst->verdict != ACCEPTED)
        say(worst, UNDECIDED, "the name has more than %d addresses: the others were not tried",
            RDT_ADDRS_MAX);
    return n_reached;
}

static bool
put_judgement(struct rdt_arena *arena, struct rdt_node *value, const char *database,
              const struct judgement *judgement)
{
    static const char *const names[] = {"refused", "undecided", "accepted"};
    struct rdt_node *map = rdt_value_map(arena, value, database);
    return rdt_value_text(arena, map, "verdict", names[judgement->verdict]) != NULL &&
           rdt_value_text(arena, map, "why", judgement->why) != NULL;
}

static enum rdt_code
look_for_plaintext(const struct rdt_pg_target *target, struct rdt_evidence *out)
{
    RDT_BUF raw = {0};
    struct judgement judgement = {0};
    struct rdt_node *value = rdt_node_new(&out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
    struct shares shares = {target->deadline_ms, target->databases->n * target->addrs.n * 2};
    if (target->auditor != NULL)
        shares.n_left += STEPS_OF_AUDIT;
    size_t n_reached = 0;
    for (size_t i = 0; i < target->databases->n; i++) {
        const char *database = rdt_node_text(target->databases->members[i].node);
        if (database == NULL)
            continue;
        n_reached += try_addresses(target, database, &shares, &raw, &judgement);
        if (value == NULL || !put_judgement(&out->arena, value, database, &judgement))
            return RDT_E_NOMEM;
    }
    if (!rdt_buf_ok(&raw))
        return RDT_E_NOMEM;
    if (n_reached == 0)
        return rdt_evidence_unknown(out, target->job->subject, "pg.plaintext", judgement.why,
                                    rdt_buf_span(&raw));
    return rdt_evidence_fact(out, target->job->subject, "pg.plaintext", value, rdt_buf_span(&raw));
}

/* With `addresses: one`: the first address that takes a connection, as a client would choose. */
static void
settle(struct rdt_pg_target *target)
{
    int64_t now = rdt_monotonic_ms();
    struct shares shares = {now + (target->deadline_ms - now) / 2, target->addrs.n};
    for (size_t i = 0; i < target->addrs.n && target->addrs.n > 1; i++) {
        RDT_FD fd = -1;
        if (rdt_dial_addr(&target->addrs.items[i], next_share(&shares), &fd, NULL) == RDT_OK) {
            target->addrs.items[0] = target->addrs.items[i];
            break;
        }
    }
    target->addrs.n = 1;
    target->addrs.cut = false; /* one was wanted */
}

static bool
read_port(const struct rdt_node *spec, uint16_t *port)
{
    const char *text = rdt_node_str(spec, "port");
    unsigned n = 0;
    *port = PORT;
    if (text == NULL)
        return true;
    for (size_t i = 0; text[i] != '\0' && n <= UINT16_MAX; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (unsigned)(text[i] - '0');
    }
    *port = (uint16_t)n;
    return n > 0 && n <= UINT16_MAX;
}

bool
rdt_pg_read_target(const struct rdt_probe_job *job, struct rdt_pg_target *out)
{
    const struct rdt_node *auditor = rdt_node_get(job->spec, "auditor");
    out->job = job;
    out->deadline_ms = rdt_monotonic_ms() + job->timeout_ms;
    out->host = rdt_node_str(job->spec, "host");
    out->user = rdt_node_str(job->spec, "user");
    out->ca = rdt_node_str(job->spec, "ca");
    out->databases = rdt_node_get(job->spec, "databases");
    out->fields = rdt_node_get(job->spec, "fields");
    out->all = rdt_node_is(rdt_node_get(job->spec, "addresses"), "all");
    out->auditor = auditor != NULL && auditor->kind == RDT_NODE_MAP ? auditor : NULL;
    return out->host != NULL && read_port(job->spec, &out->port) && out->databases != NULL &&
           out->databases->kind == RDT_NODE_LIST && out->databases->n != 0;
}

enum rdt_code
rdt_pg_unreached(const struct rdt_pg_target *target, const char *why, struct rdt_evidence *out)
{
    static const char *const facts[] = {"pg.plaintext", "pg.settings", "pg.hba", "pg.sessions",
                                        "pg.fields"};
    size_t n = target->auditor == NULL  ? 1
               : target->fields == NULL ? RDT_COUNT(facts) - 1
                                        : RDT_COUNT(facts);
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < n; i++)
        rc = rdt_evidence_unknown(out, target->job->subject, facts[i], why, rdt_span_str(why));
    return rc;
}

enum rdt_code
rdt_probe_postgres(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    struct rdt_pg_target target = {0};
    struct rdt_err err = {0};
    rdt_evidence_collector(out, "pg/1");
    if (!rdt_pg_read_target(job, &target))
        return rdt_pg_unreached(&target, "the target lacks a host, a port or databases", out);
    int64_t until = rdt_monotonic_ms() + job->timeout_ms / 2;
    if (rdt_resolve(target.host, target.port, until, &target.addrs, &err) != RDT_OK)
        return rdt_pg_unreached(&target, err.text, out);
    if (!target.all)
        settle(&target);
    enum rdt_code rc = look_for_plaintext(&target, out);
    if (rc == RDT_OK && target.auditor != NULL)
        rc = rdt_pg_audit_apart(&target, out);
    return rc;
}
