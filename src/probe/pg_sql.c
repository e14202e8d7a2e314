/*
 * PG-2 to PG-4: what the server says of itself to an auditor: settings, rules for logins, sessions.
 * PG-8 and DEK-1: a sample of columns that are to be encrypted, as counts; no value leaves the
 * server.
 *
 * The password travels only where nobody in the middle can take it: with a CA the server's name is
 * verified; without one the login must be bound to the TLS channel (SCRAM-SHA-256-PLUS), which a
 * man in the middle cannot relay. A server that allows neither is not logged in to.
 */
#include "base/secret.h"
#include "codec/json.h"
#include "probe/credential.h"
#include "probe/path.h"
#include "probe/pg_conninfo.h"
#include "probe/pg_hba.h"
#include "probe/pg_internal.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)4 * 1024 * 1024) /* bytes of one answer that are read as JSON */
#define LIBPQ_WITH_SYSTEM_ROOTS 160000
#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define NO_FILE "/dev/null/none" /* a path that never exists: libpq has defaults for NULL */
/* no row security: what a policy calls would run with the auditor's rights; it is an error instead
 */
#define SERVER_OPTIONS                                                                             \
    "-c search_path=pg_catalog -c default_transaction_read_only=on -c row_security=off"
#define OPTIONS_MAX 32 /* more than there are: the last one stays NULL */
#define HBA_RULES_FROM_16 160000
#define SUBSCRIPTIONS_MAX 1000           /* of one server that are read */
#define FIELDS_MAX 100                   /* columns of one server that are sampled */
#define CONNINFO_MAX ((size_t)16 * 1024) /* bytes of a connection string that is read */

struct session {
    PGconn *conn;
    const struct rdt_pg_target *target;
    struct rdt_evidence *out;
    struct rdt_buf raw; /* questions and answers of the fact under way */
};

static void
finish(struct session *session)
{
    PQfinish(session->conn);
    rdt_buf_done(&session->raw);
}

static void
be_quiet(void *arg, const char *message)
{
    (void)arg;
    (void)message; /* libpq would print the server's words on our stderr */
}

/* One line of libpq's words, which never hold the password. */
static enum rdt_code
fail_pq(struct rdt_err *err, enum rdt_code rc, const char *words)
{
    size_t n = strcspn(words, "\r\n");
    return rdt_fail(err, rc, "%.*s", (int)(n > 400 ? 400 : n), words);
}

struct options {
    const char *names[OPTIONS_MAX], *values[OPTIONS_MAX];
    size_t n;
};

static void
option(struct options *options, const char *name, const char *value)
{
    options->names[options->n] = name;
    options->values[options->n++] = value;
}

/*
 * Whatever the environment or a service file could change is set here, so that it cannot; libpq
 * takes an empty value for none. The search path is ours too: the owner of a database can set
 * another one for all who log in, in which a view of his own answers for pg_settings.
 */
static void
fix_options(struct options *options)
{
    static const char *const fixed[][2] = {
        {"gssencmode",               "disable"     },
        {"passfile",                 NO_FILE       },
        {"sslcert",                  NO_FILE       },
        {"sslkey",                   NO_FILE       },
        {"sslcrl",                   NO_FILE       },
        {"sslcrldir",                NO_FILE       },
        {"options",                  SERVER_OPTIONS},
        {"target_session_attrs",     "any"         },
        {"application_name",         "redoubt"     },
        {"client_encoding",          "UTF8"        },
        {"ssl_min_protocol_version", "TLSv1.2"     },
        {"ssl_max_protocol_version", "TLSv1.3"     },
        {"krbsrvname",               "postgres"    },
    };
    for (size_t i = 0; i < RDT_COUNT(fixed); i++)
        option(options, fixed[i][0], fixed[i][1]);
}

/* How the server is to be trusted; path is room for the name of a file. */
static enum rdt_code
trust_options(const struct rdt_pg_target *target, char path[static RDT_PROBE_PATH_MAX],
              struct options *options, struct rdt_err *err)
{
    bool is_system = target->ca != NULL && strcmp(target->ca, "system") == 0;
    option(options, "sslmode", target->ca == NULL ? "require" : "verify-full");
    option(options, "channel_binding", target->ca == NULL ? "require" : "prefer");
    if (target->ca == NULL) {
        option(options, "sslrootcert", NO_FILE);
        return RDT_OK;
    }
    if (is_system && PQlibVersion() >= LIBPQ_WITH_SYSTEM_ROOTS) {
        option(options, "sslrootcert", "system");
        return RDT_OK;
    }
    if (is_system && access(SYSTEM_ROOTS, R_OK) != 0)
        return rdt_fail(err, RDT_E_NOTFOUND, "this machine has no " SYSTEM_ROOTS);
    if (is_system) {
        option(options, "sslrootcert", SYSTEM_ROOTS);
        return RDT_OK;
    }
    enum rdt_code rc = rdt_probe_path(target->job->folder, target->ca, path, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "ca");
    option(options, "sslrootcert", path);
    return RDT_OK;
}

static enum rdt_code
poll_connect(PGconn *conn, int64_t deadline_ms, struct rdt_err *err)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED)
            return fail_pq(err, RDT_E_NET, PQerrorMessage(conn));
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        enum rdt_code rc = rdt_net_wait(PQsocket(conn), events, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
        state = PQconnectPoll(conn);
    }
    return RDT_OK;
}

static enum rdt_code
connect_as(const struct rdt_pg_target *target, const char *user, const struct rdt_secret *password,
           PGconn **conn, struct rdt_err *err)
{
    const struct rdt_addr *addr = &target->addrs.items[0];
    char address[NI_MAXHOST], port[16], path[RDT_PROBE_PATH_MAX];
    struct options options = {0};
    snprintf(port, sizeof port, "%u", target->port);
    if (getnameinfo((const struct sockaddr *)&addr->sa, addr->sa_n, address, sizeof address, NULL,
                    0, NI_NUMERICHOST) != 0)
        return rdt_fail(err, RDT_E_INTERNAL, "%s: not an address", addr->text);
    option(&options, "host", target->host);
    option(&options, "hostaddr", address);
    option(&options, "port", port);
    option(&options, "dbname", rdt_node_text(target->databases->members[0].node));
    option(&options, "user", user);
    option(&options, "password", (const char *)rdt_secret_view(password).p);
    fix_options(&options);
    enum rdt_code rc = trust_options(target, path, &options, err);
    if (rc != RDT_OK)
        return rc;
    *conn = PQconnectStartParams(options.names, options.values, 0);
    if (*conn == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "libpq");
    if (PQstatus(*conn) == CONNECTION_BAD)
        return fail_pq(err, RDT_E_NET, PQerrorMessage(*conn));
    PQsetNoticeProcessor(*conn, be_quiet, NULL);
    return poll_connect(*conn, target->deadline_ms, err);
}

void
rdt_pg_forget_environment(void)
{
    static const char *const names[] = {"PGSERVICE",
                                        "PGSERVICEFILE",
                                        "PGSYSCONFDIR",
                                        "PGDATESTYLE",
                                        "PGTZ",
                                        "PGGEQO",
                                        "PGREQUIREAUTH",
                                        "PGSSLCERTMODE",
                                        "PGSSLSNI",
                                        "PGREQUIREPEER",
                                        "PGSSLNEGOTIATION",
                                        "PGLOADBALANCEHOSTS",
                                        "PGSSLKEYLOGFILE",
                                        "PGMINPROTOCOLVERSION",
                                        "PGMAXPROTOCOLVERSION"};
    for (size_t i = 0; i < RDT_COUNT(names); i++)
        unsetenv(names[i]);
}

/* libpq quotes the server, and a server that was given the password may say it back. All that it
 * said counts, as what we show of it may end within the password. */
static void
hide_password(PGconn *conn, const struct rdt_secret *password, enum rdt_code rc,
              struct rdt_err *err)
{
    const char *words = PQerrorMessage(conn);
    if (password->n != 0 && memmem(words, strlen(words), password->p, password->n) != NULL)
        rdt_fail(err, rc, "the server's words are not shown: they hold the password");
}

static enum rdt_code
log_in(struct session *session, struct rdt_err *err)
{
    const struct rdt_pg_target *target = session->target;
    const char *user = rdt_node_str(target->auditor, "user");
    const char *reference = rdt_node_str(target->auditor, "password");
    RDT_SECRET password = {0};
    if (user == NULL || reference == NULL)
        return rdt_fail(err, RDT_E_BADINPUT, "auditor needs user and password");
    enum rdt_code rc = rdt_ref_secret(reference, target->job->folder, &password, err);
    if (rc == RDT_OK)
        rc = connect_as(target, user, &password, &session->conn, err);
    if (rc != RDT_OK)
        hide_password(session->conn, &password, rc, err);
    return rc == RDT_OK ? RDT_OK : rdt_fail_in(err, rc, "log in as auditor");
}

static enum rdt_code
send_question(PGconn *conn, const char *sql, const char *argument, int64_t deadline_ms,
              struct rdt_err *err)
{
    const char *arguments[] = {argument};
    int n = argument == NULL ? 0 : 1, left = 1;
    if (PQsetnonblocking(conn, 1) != 0 ||
        PQsendQueryParams(conn, sql, n, NULL, arguments, NULL, NULL, 0) != 1)
        return fail_pq(err, RDT_E_NET, PQerrorMessage(conn));
    while ((left = PQflush(conn)) == 1) {
        enum rdt_code rc = rdt_net_wait(PQsocket(conn), POLLIN | POLLOUT, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
        if (PQconsumeInput(conn) != 1)
            return fail_pq(err, RDT_E_NET, PQerrorMessage(conn));
    }
    return left == 0 ? RDT_OK : fail_pq(err, RDT_E_NET, PQerrorMessage(conn));
}

static enum rdt_code
wait_answer(PGconn *conn, int64_t deadline_ms, struct rdt_err *err)
{
    while (PQisBusy(conn)) {
        enum rdt_code rc = rdt_net_wait(PQsocket(conn), POLLIN, deadline_ms, err);
        if (rc != RDT_OK)
            return rc;
        if (PQconsumeInput(conn) != 1)
            return fail_pq(err, RDT_E_NET, PQerrorMessage(conn));
    }
    return RDT_OK;
}

static void
clear_result(PGresult **result)
{
    PQclear(*result);
}

static enum rdt_code
check_rows(const PGresult *result, struct rdt_err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return RDT_OK;
    fail_pq(err, RDT_E_DENIED, words == NULL ? PQresultErrorMessage(result) : words);
    return rdt_fail_in(err, RDT_E_DENIED, "SQLSTATE %.5s", state == NULL ? "?" : state);
}

static enum rdt_code
read_cell(const PGresult *result, struct rdt_buf *out, struct rdt_err *err)
{
    enum rdt_code rc = check_rows(result, err);
    if (rc != RDT_OK)
        return rc;
    if (PQntuples(result) < 1 || PQnfields(result) < 1 || PQgetisnull(result, 0, 0))
        return rdt_fail(err, RDT_E_PROTOCOL, "the answer is empty");
    size_t n = (size_t)PQgetlength(result, 0, 0);
    if (n > ANSWER_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "the answer has more than %zu bytes", ANSWER_MAX);
    rdt_buf_add(out, PQgetvalue(result, 0, 0), n);
    return rdt_buf_ok(out) ? RDT_OK : rdt_fail(err, RDT_E_NOMEM, "answer");
}

/*
 * Ask one question and take its answer off the connection. After a failure on the way the
 * connection may still be waiting: a question after it fails too, which is right.
 */
static enum rdt_code
fetch(struct session *session, const char *sql, const char *argument, PGresult **result,
      struct rdt_err *err)
{
    int64_t deadline_ms = session->target->deadline_ms;
    rdt_buf_fmt(&session->raw, "%s\n", sql);
    enum rdt_code rc = send_question(session->conn, sql, argument, deadline_ms, err);
    if (rc == RDT_OK)
        rc = wait_answer(session->conn, deadline_ms, err);
    if (rc != RDT_OK)
        return rc;
    *result = PQgetResult(session->conn);
    /* the rest of the answer: nothing but its end, unless the server is not PostgreSQL */
    for (PGresult *more = NULL;; PQclear(more)) {
        enum rdt_code ended = wait_answer(session->conn, deadline_ms, NULL);
        more = ended == RDT_OK ? PQgetResult(session->conn) : NULL;
        if (more == NULL)
            break;
    }
    return RDT_OK;
}

/* Ask one question whose answer is one JSON value. */
static enum rdt_code
ask(struct session *session, const char *sql, const char *argument, struct rdt_node **answer,
    struct rdt_err *err)
{
    RDT_BUF text = {0};
    RDT_AUTO(clear_result) PGresult *result = NULL;
    enum rdt_code rc = fetch(session, sql, argument, &result, err);
    if (rc == RDT_OK)
        rc = read_cell(result, &text, err);
    rdt_buf_fmt(&session->raw, "%.*s\n", RDT_FMT(rdt_buf_span(&text)));
    if (rc != RDT_OK)
        rdt_buf_fmt(&session->raw, "%s\n", err->text);
    if (rc == RDT_OK)
        rc = rdt_json_parse("answer", rdt_buf_span(&text), &session->out->arena, answer, err);
    return rc;
}

static enum rdt_code
unknown(struct session *session, const char *fact, const char *why)
{
    return rdt_evidence_unknown(session->out, session->target->job->subject, fact, why,
                                rdt_buf_span(&session->raw));
}

static enum rdt_code
record(struct session *session, const char *fact, struct rdt_node *value)
{
    if (!rdt_buf_ok(&session->raw))
        return RDT_E_NOMEM;
    return rdt_evidence_fact(session->out, session->target->job->subject, fact, value,
                             rdt_buf_span(&session->raw));
}

static struct rdt_node *
new_map(struct session *session)
{
    session->raw.n = 0;
    return rdt_node_new(&session->out->arena, RDT_NODE_MAP, (struct rdt_mark){0});
}

/* The server's names for versions to ours; "" means that it has no lower limit. */
static const char *
protocol_name(const char *setting)
{
    static const char *const names[][2] = {
        {"",        "tls1.0"},
        {"TLSv1",   "tls1.0"},
        {"TLSv1.1", "tls1.1"},
        {"TLSv1.2", "tls1.2"},
        {"TLSv1.3", "tls1.3"}
    };
    for (size_t i = 0; setting != NULL && i < RDT_COUNT(names); i++) {
        if (strcmp(names[i][0], setting) == 0)
            return names[i][1];
    }
    return NULL;
}

/* PG-2. A setting that the auditor may not see is left out, so that asking for it is unknown. */
static enum rdt_code
look_at_settings(struct session *session)
{
    static const char sql[] =
        "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN ('ssl', "
        "'ssl_min_protocol_version', 'ssl_ciphers', 'password_encryption', 'server_version_num')";
    struct rdt_arena *arena = &session->out->arena;
    struct rdt_node *value = new_map(session), *answer = NULL;
    struct rdt_err err = {0};
    if (value == NULL)
        return RDT_E_NOMEM;
    if (ask(session, sql, NULL, &answer, &err) != RDT_OK)
        return unknown(session, "pg.settings", err.text);
    const char *version = rdt_node_str(answer, "server_version_num");
    const char *ssl = rdt_node_str(answer, "ssl");
    const char *oldest = protocol_name(rdt_node_str(answer, "ssl_min_protocol_version"));
    const char *hash = rdt_node_str(answer, "password_encryption");
    const char *ciphers = rdt_node_str(answer, "ssl_ciphers");
    bool ok = true;
    if (version != NULL)
        ok = ok && rdt_value_int(arena, value, "version", strtol(version, NULL, 10)) != NULL;
    if (ssl != NULL)
        ok = ok && rdt_value_bool(arena, value, "ssl", strcmp(ssl, "on") == 0) != NULL;
    if (oldest != NULL)
        ok = ok && rdt_value_text(arena, value, "min_protocol", oldest) != NULL;
    if (hash != NULL)
        ok = ok && rdt_value_text(arena, value, "password_encryption", hash) != NULL;
    if (ciphers != NULL)
        ok = ok && rdt_value_text(arena, value, "ciphers", ciphers) != NULL;
    return record(session, "pg.settings", ok ? value : NULL);
}

static void
add_list(struct rdt_buf *out, const struct rdt_node *list)
{
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const char *text = rdt_node_text(list->members[i].node);
        rdt_buf_fmt(out, "%s%s", i == 0 ? "" : ",", text == NULL ? "?" : text);
    }
    rdt_buf_str(out, " ");
}

/* The rule as somebody would write it in the file. */
static void
rule_text(const struct rdt_node *rule, struct rdt_buf *out)
{
    const char *address = rdt_node_str(rule, "address"), *mask = rdt_node_str(rule, "netmask");
    rdt_buf_fmt(out, "%s ", rdt_node_str(rule, "type"));
    add_list(out, rdt_node_get(rule, "database"));
    add_list(out, rdt_node_get(rule, "user_name"));
    rdt_buf_fmt(out, "%s%s%s ", address == NULL ? "" : address, mask == NULL ? "" : " ",
                mask == NULL ? "" : mask);
    rdt_buf_str(out, rdt_node_str(rule, "auth_method"));
}

struct hba {
    const struct rdt_node *rules, *groups;
    int stale; /* -1: not known */
};

static bool
put_login(struct session *session, const struct hba *hba, const char *database,
          const struct rdt_hba_verdict *verdict, struct rdt_node *value)
{
    struct rdt_arena *arena = &session->out->arena;
    struct rdt_node *map = rdt_value_map(arena, value, database);
    bool ok = rdt_value_bool(arena, map, "plaintext", verdict->plaintext) != NULL;
    if (hba->stale >= 0)
        ok = ok && rdt_value_bool(arena, map, "stale", hba->stale != 0) != NULL;
    if (verdict->rule != NULL) {
        RDT_BUF text = {0};
        const char *line = rdt_node_str(verdict->rule, "line");
        rule_text(verdict->rule, &text);
        const char *words = rdt_buf_cstr(&text);
        ok = ok && words != NULL && rdt_value_text(arena, map, "rule", words) != NULL;
        ok = ok && rdt_value_int(arena, map, "line", line == NULL ? 0 : strtol(line, NULL, 10));
    }
    return ok;
}

static bool
has_errors(const struct rdt_node *rules)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct rdt_node *error = rdt_node_get(rules->members[i].node, "error");
        if (error != NULL && error->kind != RDT_NODE_NULL)
            return true;
    }
    return false;
}

/* One more than is judged, so that a longer file is seen to be one. */
#define LIMIT_RULES " LIMIT 2001) r"
_Static_assert(RDT_HBA_RULES_MAX == 2000, "LIMIT_RULES asks for one more");

static enum rdt_code
read_rules(struct session *session, struct hba *hba, struct rdt_err *err)
{
    static const char rules_15[] =
        "SELECT coalesce(json_agg(r), '[]') FROM (SELECT line_number AS line, type, database, "
        "user_name, address, netmask, auth_method, error FROM pg_hba_file_rules "
        "ORDER BY line_number" LIMIT_RULES;
    static const char rules_16[] =
        "SELECT coalesce(json_agg(r), '[]') FROM (SELECT line_number AS line, type, database, "
        "user_name, address, netmask, auth_method, error FROM pg_hba_file_rules "
        "ORDER BY rule_number NULLS FIRST, line_number" LIMIT_RULES;
    static const char groups[] =
        "WITH RECURSIVE m(oid) AS (SELECT oid FROM pg_roles WHERE rolname = $1 UNION "
        "SELECT a.roleid FROM pg_auth_members a JOIN m ON a.member = m.oid) "
        "SELECT coalesce(json_agg(rolname), '[]') FROM pg_roles JOIN m USING (oid)";
    bool is_16 = PQserverVersion(session->conn) >= HBA_RULES_FROM_16;
    struct rdt_node *answer = NULL;
    enum rdt_code rc = ask(session, is_16 ? rules_16 : rules_15, NULL, &answer, err);
    hba->rules = answer;
    if (rc == RDT_E_DENIED) {
        struct rdt_err why = *err;
        return rdt_fail(err, rc,
                        "%.300s; what the auditor needs: GRANT SELECT ON "
                        "pg_hba_file_rules, GRANT EXECUTE ON FUNCTION pg_hba_file_rules()",
                        why.text);
    }
    if (rc != RDT_OK)
        return rc;
    if (answer->kind != RDT_NODE_LIST || has_errors(answer))
        return rdt_fail(
            err, RDT_E_BADINPUT,
            "pg_hba.conf has errors, so that the server runs on an older version of it");
    answer = NULL;
    if (session->target->user != NULL)
        rc = ask(session, groups, session->target->user, &answer, err);
    hba->groups = answer;
    return rc;
}

/*
 * The rules are those of the file, the server follows those it has loaded. The file's time has no
 * fractions where the other has, so within the same second the file counts as newer. Who may not
 * see the file's time leaves it open.
 */
static void
read_stale(struct session *session, struct hba *hba)
{
    static const char sql[] =
        "SELECT json_build_object('stale', (pg_stat_file(current_setting('hba_file')))"
        ".modification >= date_trunc('second', pg_conf_load_time()))";
    struct rdt_node *answer = NULL;
    struct rdt_err err = {0};
    hba->stale = -1;
    if (ask(session, sql, NULL, &answer, &err) == RDT_OK)
        answer = (struct rdt_node *)rdt_node_get(answer, "stale");
    if (answer != NULL)
        hba->stale = rdt_node_is(answer, "false") ? 0 : rdt_node_is(answer, "true") ? 1 : -1;
}

/* PG-3 */
static enum rdt_code
look_at_rules(struct session *session)
{
    const struct rdt_pg_target *target = session->target;
    struct rdt_node *value = new_map(session);
    struct rdt_err err = {0};
    struct hba hba = {0};
    if (value == NULL)
        return RDT_E_NOMEM;
    enum rdt_code rc = read_rules(session, &hba, &err);
    if (rc != RDT_OK)
        return unknown(session, "pg.hba", err.text);
    read_stale(session, &hba);
    for (size_t i = 0; i < target->databases->n; i++) {
        struct rdt_hba_verdict verdict;
        struct rdt_hba_login login = {target->user, NULL, hba.groups};
        login.database = rdt_node_text(target->databases->members[i].node);
        if (login.database == NULL)
            continue;
        if (!rdt_hba_judge(hba.rules, &login, &verdict))
            return unknown(session, "pg.hba", "the rules have a form that is not understood");
        if (!put_login(session, &hba, login.database, &verdict, value))
            return RDT_E_NOMEM;
    }
    return record(session, "pg.hba", value);
}

/*
 * How this server connects to others, counted by kind. The strings can hold passwords: they are
 * wiped once read, and neither the raw answer nor a reason has any part of them.
 */
static enum rdt_code
count_links(struct session *session, const char *sql, enum rdt_pg_link read(const char *),
            unsigned counts[static RDT_PG_N_LINKS], struct rdt_err *err)
{
    RDT_AUTO(clear_result) PGresult *result = NULL;
    enum rdt_code rc = fetch(session, sql, NULL, &result, err);
    if (rc == RDT_OK)
        rc = check_rows(result, err);
    int n = rc == RDT_OK ? PQntuples(result) : 0;
    for (int i = 0; i < n && PQnfields(result) > 0; i++) {
        char *text = PQgetvalue(result, i, 0);
        size_t text_n = (size_t)PQgetlength(result, i, 0);
        bool is_read = !PQgetisnull(result, i, 0) && text_n <= CONNINFO_MAX;
        counts[is_read ? read(text) : RDT_PG_LINK_UNREADABLE]++;
        explicit_bzero(text, text_n);
    }
    if (rc == RDT_OK && (n > SUBSCRIPTIONS_MAX || PQnfields(result) != 1))
        rc = rdt_fail(err, RDT_E_LIMIT, "the answer has more than %d rows, or no column",
                      SUBSCRIPTIONS_MAX);
    for (int link = 0; link < RDT_PG_N_LINKS; link++) {
        if (counts[link] != 0)
            rdt_buf_fmt(&session->raw, "%s: %u\n", rdt_pg_link_name(link), counts[link]);
    }
    if (rc != RDT_OK)
        rdt_buf_fmt(&session->raw, "%s\n", err->text);
    return rc;
}

/* PG-4: logical replication, in which this server is the client; left out where it is not shown. */
static bool
put_subscriptions(struct session *session, struct rdt_node *value)
{
    static const char sql[] = "SELECT subconninfo FROM pg_subscription LIMIT 1001";
    _Static_assert(SUBSCRIPTIONS_MAX == 1000, "sql asks for one more");
    unsigned counts[RDT_PG_N_LINKS] = {0};
    struct rdt_arena *arena = &session->out->arena;
    struct rdt_err err = {0};
    enum rdt_code rc = count_links(session, sql, rdt_pg_link_written, counts, &err);
    if (rc == RDT_E_DENIED) {
        struct rdt_err why = err;
        rdt_fail(&err, rc,
                 "%.300s; what the auditor needs: GRANT SELECT (subconninfo) ON pg_subscription",
                 why.text);
    }
    if (rc != RDT_OK)
        return rdt_value_text(arena, value, "subscriptions_why", err.text) != NULL;
    struct rdt_node *map = rdt_value_map(arena, value, "subscriptions");
    for (int link = 0; link < RDT_PG_N_LINKS; link++) {
        if (counts[link] != 0 &&
            rdt_value_int(arena, map, rdt_pg_link_name(link), counts[link]) == NULL)
            return false;
    }
    return map != NULL;
}

/* PG-4: physical replication, likewise. A server that receives nothing has no row. */
static bool
put_receiver(struct session *session, struct rdt_node *value)
{
    static const char sql[] = "SELECT conninfo FROM pg_stat_wal_receiver";
    unsigned counts[RDT_PG_N_LINKS] = {0};
    struct rdt_arena *arena = &session->out->arena;
    struct rdt_err err = {0};
    if (count_links(session, sql, rdt_pg_link_shown, counts, &err) != RDT_OK)
        return rdt_value_text(arena, value, "wal_receiver_why", err.text) != NULL;
    const char *name = "none";
    for (int link = RDT_PG_N_LINKS - 1; link >= 0; link--) {
        if (counts[link] != 0)
            name = rdt_pg_link_name(link);
    }
    return rdt_value_text(arena, value, "wal_receiver", name) != NULL;
}

/* PG-4. Who may not see other sessions would count none of them: that is no answer. */
static enum rdt_code
look_at_sessions(struct session *session)
{
    static const char *const counts[] = {"total", "plaintext", "replication_plaintext"};
    static const char sql[] =
        "SELECT json_build_object('seen', pg_has_role('pg_read_all_stats', 'USAGE'), "
        "'total', count(*), 'plaintext', count(*) FILTER (WHERE c), "
        "'replication_plaintext', count(*) FILTER (WHERE c AND backend_type = 'walsender')) "
        "FROM (SELECT a.backend_type, s.ssl IS NOT TRUE AND g.encrypted IS NOT TRUE AS c "
        "FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s USING (pid) "
        "LEFT JOIN pg_stat_gssapi g USING (pid) "
        "WHERE a.client_addr IS NOT NULL AND a.pid <> pg_backend_pid()) r";
    struct rdt_node *value = new_map(session), *answer = NULL;
    struct rdt_err err = {0};
    bool ok = true;
    if (value == NULL)
        return RDT_E_NOMEM;
    if (ask(session, sql, NULL, &answer, &err) != RDT_OK)
        return unknown(session, "pg.sessions", err.text);
    if (!rdt_node_is(rdt_node_get(answer, "seen"), "true"))
        return unknown(session, "pg.sessions",
                       "the auditor may not see other sessions: GRANT pg_monitor to it");
    for (size_t i = 0; i < RDT_COUNT(counts); i++) {
        const char *count = rdt_node_str(answer, counts[i]);
        if (count == NULL)
            return unknown(session, "pg.sessions", "the answer lacks a count");
        ok = ok && rdt_value_int(&session->out->arena, value, counts[i], strtol(count, NULL, 10));
    }
    ok = ok && put_subscriptions(session, value) && put_receiver(session, value);
    return record(session, "pg.sessions", ok ? value : NULL);
}

/*
 * Which table and column a name means, and how much of it is read: some 200 pages. Only tables, so
 * that nobody's view answers; only bytes and text, so that no cast runs somebody's function.
 */
static const char find_field[] =
    "SELECT json_build_object('rel', c.oid::regclass::text, 'col', quote_ident(a.attname), 'form', "
    "b, "
    "'percent', round(least(100, 20000.0 / greatest(c.relpages, 1)), 4)::text) "
    "FROM (SELECT parse_ident($1) AS p) i JOIN pg_namespace n ON n.nspname = p[1] "
    "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p[2] AND c.relkind = 'r' "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = p[3] AND a.attnum > 0 "
    "JOIN pg_type t ON t.oid = a.atttypid, "
    "LATERAL (SELECT CASE coalesce(nullif(t.typbasetype, 0), t.oid) WHEN 'bytea'::regtype THEN "
    "'bytea' "
    "WHEN 'text'::regtype THEN 'text' WHEN 'varchar'::regtype THEN 'text' END) AS f (b) "
    "WHERE array_length(p, 1) = 3 AND b IS NOT NULL";

/* h: the 8 bytes in front of an RF1, also of one with a search token or written as text (field.md)
 */
static const char head_of_bytes[] =
    "CASE WHEN octet_length(v) >= 80 AND substring(v, 1, 1) = '\\xf8'::bytea THEN substring(v, 1, "
    "8) "
    "WHEN octet_length(v) >= 100 AND substring(v, 1, 1) = '\\xf9'::bytea "
    "AND substring(v, 21, 1) = '\\xf8'::bytea THEN substring(v, 21, 8) END";
static const char head_of_text[] =
    "CASE WHEN v ~ '^rd1\\.[A-Za-z0-9_-]{107,}$' "
    "THEN substring(decode(translate(substr(v, 5, 11), '-_', '+/') || '=', 'base64'), 1, 8) END";

static enum rdt_code
sample_field(struct session *session, const char *name, struct rdt_node **answer,
             struct rdt_err *err)
{
    RDT_BUF sql = {0};
    struct rdt_node *found = NULL;
    enum rdt_code rc = ask(session, find_field, name, &found, err);
    if (rc == RDT_E_PROTOCOL)
        return rdt_fail(err, RDT_E_NOTFOUND, "no table has such a column of bytea or text");
    const char *rel = rdt_node_str(found, "rel"), *col = rdt_node_str(found, "col"),
               *form = rdt_node_str(found, "form"), *percent = rdt_node_str(found, "percent");
    if (rc != RDT_OK)
        return rc;
    if (rel == NULL || col == NULL || form == NULL || percent == NULL)
        return rdt_fail(err, RDT_E_PROTOCOL, "the answer lacks a name");
    /* by handle, since epochs count per handle */
    rdt_buf_fmt(
        &sql,
        "SELECT json_build_object('n', coalesce(sum(n), 0), 'plain', coalesce(sum(n - sealed), 0), "
        "'handles', count(k), 'mixed', count(*) FILTER (WHERE oldest <> newest), "
        "'oldest', coalesce(min(oldest), 0), 'newest', coalesce(max(newest), 0)) FROM ("
        "SELECT k, count(*) AS n, count(k) AS sealed, min(e) AS oldest, max(e) AS newest FROM ("
        "SELECT substring(h, 3, 4) AS k, get_byte(h, 6) * 256 + get_byte(h, 7) AS e FROM ("
        "SELECT %s AS h FROM (SELECT %s::%s AS v FROM ONLY %s TABLESAMPLE SYSTEM (%s) "
        "WHERE %s IS NOT NULL) AS a) AS b) AS c GROUP BY k) AS d",
        strcmp(form, "text") == 0 ? head_of_text : head_of_bytes, col, form, rel, percent, col);
    const char *text = rdt_buf_cstr(&sql);
    return text == NULL ? rdt_fail(err, RDT_E_NOMEM, "question")
                        : ask(session, text, NULL, answer, err);
}

/* PG-8, DEK-1. Of the first database, as all that the auditor sees. */
static enum rdt_code
look_at_fields(struct session *session)
{
    static const char *const counts[] = {"n", "plain", "handles", "mixed", "oldest", "newest"};
    const struct rdt_node *fields = session->target->fields;
    struct rdt_arena *arena = &session->out->arena;
    struct rdt_node *value = new_map(session);
    bool ok = value != NULL;
    if (fields->n > FIELDS_MAX)
        return unknown(session, "pg.fields", "the target names more than 100 columns");
    for (size_t i = 0; ok && i < fields->n; i++) {
        const char *name = rdt_node_text(fields->members[i].node);
        struct rdt_node *answer = NULL,
                        *map = rdt_value_map(arena, value, name == NULL ? "?" : name);
        struct rdt_err err = {0};
        if (map == NULL || name == NULL)
            return RDT_E_NOMEM;
        enum rdt_code rc = sample_field(session, name, &answer, &err);
        for (size_t j = 0; rc == RDT_OK && j < RDT_COUNT(counts); j++) {
            const char *count = rdt_node_str(answer, counts[j]);
            if (count == NULL)
                rc = rdt_fail(&err, RDT_E_PROTOCOL, "the answer lacks a count");
            else
                ok = ok && rdt_value_int(arena, map, counts[j], strtol(count, NULL, 10)) != NULL;
        }
        if (rc != RDT_OK)
            ok = ok && rdt_value_text(arena, map, "why", err.text) != NULL;
    }
    return record(session, "pg.fields", ok ? value : NULL);
}

enum rdt_code
rdt_pg_audit(const struct rdt_pg_target *target, struct rdt_evidence *out)
{
    static const char *const facts[] = {"pg.settings", "pg.hba", "pg.sessions", "pg.fields"};
    size_t n = RDT_COUNT(facts) - (target->fields == NULL ? 1 : 0); /* the last one, if asked for */
    RDT_AUTO(finish) struct session session = {.target = target, .out = out};
    struct rdt_err err = {0};
    enum rdt_code rc = RDT_OK;
    if (log_in(&session, &err) != RDT_OK) {
        for (size_t i = 0; rc == RDT_OK && i < n; i++)
            rc = unknown(&session, facts[i], err.text);
        return rc;
    }
    rc = look_at_settings(&session);
    if (rc == RDT_OK)
        rc = look_at_rules(&session);
    if (rc == RDT_OK)
        rc = look_at_sessions(&session);
    if (rc == RDT_OK && target->fields != NULL)
        rc = look_at_fields(&session);
    return rc;
}
