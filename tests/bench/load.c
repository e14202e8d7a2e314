/*
 * load CA CONNECTIONS TURNS MS HOW NAME=PORT=REQUESTS=PID[,PID...]... - asks HTTPS servers in
 * turns, so that what else the machine does meets all of them, each over as many connections that
 * ask again as soon as they are answered. wrk would do, but it cannot take turns of less than a
 * second.
 *
 *   HOW        keep: the connections; or, with the client certificate and key of a PEM file,
 *              full=FILE: a new connection for each request; resume=FILE: one that resumes the
 *              session of the connection before it
 *   REQUESTS   a file of whole requests, each behind its length (4 bytes, big endian); connections
 *              go through it, each from another place
 *   PID        whose time on a processor is counted
 *
 * Prints a line for each turn: "NAME answers us cpu_us p50_us p99_us own_cpu_us refused resumed".
 * Other answers than 200 are refused ones.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define SERVERS_MAX 4
#define ANSWER_MAX 16384 /* bytes */

struct request {
    const uint8_t *p;
    size_t n;
};

struct conn {
    SSL *ssl;
    SSL_SESSION *session; /* for the next connection; NULL: none */
    int fd;
    bool waits; /* for an answer */
    size_t at;  /* which request is next */
    int64_t asked_ns;
    size_t got; /* bytes of the answer */
    char answer[ANSWER_MAX + 1];
};

struct server {
    const char *name;
    uint16_t port;
    pid_t pids[16];
    size_t n_pids;
    struct request *requests;
    size_t n_requests;
    int epoll;
    struct conn *conns;
    SSL_CTX *tls;
};

static bool keeps, resumes; /* HOW */

struct turn {
    uint64_t answers, refused, resumed;
    uint32_t *us; /* of each answer */
    size_t cap;
};

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "load: %s%s%s\n", what, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    exit(4);
}

static int64_t
now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- what a server has used ---- */

static uint64_t
run_ns(const struct server *server)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < server->n_pids; i++) {
        char path[320];
        snprintf(path, sizeof path, "/proc/%d/task", (int)server->pids[i]);
        DIR *dir = opendir(path);
        must(dir != NULL, path);
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            unsigned long long ns = 0;
            snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)server->pids[i],
                     entry->d_name);
            FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
            if (file == NULL)
                continue;
            if (fscanf(file, "%llu", &ns) == 1)
                sum += ns;
            fclose(file);
        }
        closedir(dir);
    }
    return sum;
}

/* ---- requests ---- */

static void
read_requests(struct server *server, const char *path)
{
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file), at = 0;
    uint8_t *bytes = malloc(n + 1);
    rewind(file);
    must(bytes != NULL && fread(bytes, 1, n, file) == n, path);
    fclose(file);
    while (at + 4 <= n) {
        uint32_t length;
        memcpy(&length, bytes + at, 4);
        length = ntohl(length);
        at += 4;
        must(length <= n - at, "a request is cut short");
        server->requests =
            reallocarray(server->requests, server->n_requests + 1, sizeof *server->requests);
        must(server->requests != NULL, "memory");
        server->requests[server->n_requests++] = (struct request){bytes + at, length};
        at += length;
    }
    must(server->n_requests > 0, "no requests");
}

/* "NAME=PORT=REQUESTS=PIDS" */
static void
read_server(struct server *server, char *word)
{
    char *save = NULL, *save_pid = NULL;
    server->name = strtok_r(word, "=", &save);
    char *port = strtok_r(NULL, "=", &save), *path = strtok_r(NULL, "=", &save);
    char *pids = strtok_r(NULL, "=", &save);
    must(port != NULL && path != NULL && pids != NULL, "usage: see the file");
    server->port = (uint16_t)strtoul(port, NULL, 10);
    for (char *pid = strtok_r(pids, ",", &save_pid); pid != NULL && server->n_pids < 16;
         pid = strtok_r(NULL, ",", &save_pid))
        server->pids[server->n_pids++] = (pid_t)strtol(pid, NULL, 10);
    read_requests(server, path);
}

/* ---- connections ---- */

static void
open_conn(struct server *server, struct conn *conn)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(server->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    int one = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM, 0);
    must(conn->fd >= 0 && connect(conn->fd, (struct sockaddr *)&at, sizeof at) == 0, server->name);
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    must(fcntl(conn->fd, F_SETFL, O_NONBLOCK) == 0, "descriptor");
    must(epoll_ctl(server->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0, "epoll");
    conn->ssl = SSL_new(server->tls);
    must(conn->ssl != NULL && SSL_set_fd(conn->ssl, conn->fd) == 1, "TLS");
    if (conn->session != NULL)
        must(SSL_set_session(conn->ssl, conn->session) == 1, "session");
    SSL_set_connect_state(conn->ssl);
}

static void
close_conn(struct conn *conn)
{
    SSL_SESSION_free(conn->session);
    conn->session = resumes ? SSL_get1_session(conn->ssl) : NULL;
    SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* it stays good */
    SSL_free(conn->ssl);
    close(conn->fd);
    conn->ssl = NULL;
}

/* True: the handshake is over. */
static bool
shake(struct conn *conn)
{
    errno = 0;
    int n = SSL_do_handshake(conn->ssl);
    if (n == 1)
        return true;
    must(SSL_get_error(conn->ssl, n) == SSL_ERROR_WANT_READ, "TLS handshake");
    return false;
}

static void
open_conns(struct server *server, size_t n, SSL_CTX *tls)
{
    server->tls = tls;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->conns = calloc(n, sizeof *server->conns);
    must(server->epoll >= 0 && server->conns != NULL, "memory");
    for (size_t i = 0; i < n; i++)
        server->conns[i].at = i * server->n_requests / n;
}

static void
send_request(struct server *server, struct conn *conn)
{
    const struct request *request = &server->requests[conn->at];
    conn->at = (conn->at + 1) % server->n_requests;
    conn->got = 0;
    conn->waits = true;
    errno = 0;
    must(SSL_write(conn->ssl, request->p, (int)request->n) == (int)request->n, "write");
}

static void
ask(struct server *server, struct conn *conn)
{
    conn->asked_ns = now_ns(CLOCK_MONOTONIC);
    if (conn->ssl == NULL)
        open_conn(server, conn);
    if (SSL_is_init_finished(conn->ssl) || shake(conn))
        send_request(server, conn);
}

/* Whether a whole answer is here. */
static bool
complete(const struct conn *conn)
{
    const char *end = strstr(conn->answer, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *length = strcasestr(conn->answer, "\r\ncontent-length:");
    must(length != NULL && length < end, "an answer without a length");
    size_t head = (size_t)(end - conn->answer) + 4, body = strtoul(length + 17, NULL, 10);
    must(head + body <= ANSWER_MAX && conn->got <= head + body, "an answer's length");
    return conn->got == head + body;
}

static bool
receive(struct server *server, struct conn *conn)
{
    if (!SSL_is_init_finished(conn->ssl)) {
        if (shake(conn))
            send_request(server, conn);
        return false;
    }
    for (;;) {
        int n = SSL_read(conn->ssl, conn->answer + conn->got, (int)(ANSWER_MAX - conn->got));
        if (n <= 0) {
            errno = 0;
            must(SSL_get_error(conn->ssl, n) == SSL_ERROR_WANT_READ, "the server hung up");
            return false;
        }
        conn->got += (size_t)n;
        conn->answer[conn->got] = '\0';
        if (conn->waits && complete(conn))
            return true;
    }
}

/* ---- turns ---- */

static void
note(struct turn *turn, struct conn *conn, int64_t now)
{
    if (turn->answers == turn->cap) {
        turn->cap = turn->cap == 0 ? 65536 : 2 * turn->cap;
        turn->us = reallocarray(turn->us, turn->cap, sizeof *turn->us);
        must(turn->us != NULL, "memory");
    }
    conn->waits = false;
    turn->us[turn->answers++] = (uint32_t)((now - conn->asked_ns) / 1000);
    turn->resumed += (uint64_t)SSL_session_reused(conn->ssl);
    if (strncmp(conn->answer, "HTTP/1.1 200 ", 13) != 0 && turn->refused++ == 0)
        fprintf(stderr, "load: %s\n", conn->answer);
}

/* Until the time is over and nobody waits. The time that it took. */
static int64_t
drive(struct server *server, size_t n, int64_t ns, struct turn *turn)
{
    struct epoll_event events[CONNECTIONS_MAX];
    int64_t begin = now_ns(CLOCK_MONOTONIC), now = begin;
    size_t waiting = n;
    for (size_t i = 0; i < n; i++)
        ask(server, &server->conns[i]);
    while (waiting > 0) {
        int ready = epoll_wait(server->epoll, events, CONNECTIONS_MAX, 10000);
        must(ready > 0, "no answer for 10 s");
        for (int i = 0; i < ready; i++) {
            struct conn *conn = events[i].data.ptr;
            if (!receive(server, conn))
                continue;
            now = now_ns(CLOCK_MONOTONIC);
            note(turn, conn, now);
            if (!keeps)
                close_conn(conn);
            if (now - begin < ns)
                ask(server, conn);
            else
                waiting--;
        }
    }
    return now - begin;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
one_turn(struct server *server, size_t n, int64_t ns, bool shown)
{
    struct turn turn = {0};
    uint64_t before = run_ns(server);
    int64_t own = now_ns(CLOCK_THREAD_CPUTIME_ID);
    int64_t took = drive(server, n, ns, &turn);
    own = now_ns(CLOCK_THREAD_CPUTIME_ID) - own;
    uint64_t used = run_ns(server) - before;
    qsort(turn.us, turn.answers, sizeof *turn.us, by_number);
    if (shown)
        printf("%s %llu %lld %llu %u %u %lld %llu %llu\n", server->name,
               (unsigned long long)turn.answers, (long long)took / 1000,
               (unsigned long long)used / 1000, turn.us[turn.answers / 2],
               turn.us[turn.answers * 99 / 100], (long long)own / 1000,
               (unsigned long long)turn.refused, (unsigned long long)turn.resumed);
    free(turn.us);
}

static SSL_CTX *
make_tls(const char *ca, const char *how)
{
    const char *file = strchr(how, '=');
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    must(tls != NULL && SSL_CTX_load_verify_locations(tls, ca, NULL) == 1, ca);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
    keeps = strcmp(how, "keep") == 0;
    resumes = strncmp(how, "resume=", 7) == 0;
    must(keeps || resumes || strncmp(how, "full=", 5) == 0, "usage: see the file");
    must(keeps || (file != NULL && SSL_CTX_use_certificate_chain_file(tls, file + 1) == 1 &&
                   SSL_CTX_use_PrivateKey_file(tls, file + 1, SSL_FILETYPE_PEM) == 1),
         how);
    return tls;
}

int
main(int argc, char **argv)
{
    struct server servers[SERVERS_MAX] = {0};
    must(argc > 6 && argc - 6 <= SERVERS_MAX, "usage: see the file");
    size_t n = strtoul(argv[2], NULL, 10), n_servers = (size_t)argc - 6;
    unsigned long turns = strtoul(argv[3], NULL, 10);
    int64_t ns = strtol(argv[4], NULL, 10) * 1000000;
    must(n > 0 && n <= CONNECTIONS_MAX && ns > 0, "usage: see the file");
    SSL_CTX *tls = make_tls(argv[1], argv[5]);
    for (size_t i = 0; i < n_servers; i++) {
        read_server(&servers[i], argv[6 + i]);
        open_conns(&servers[i], n, tls);
    }
    for (size_t i = 0; i < n_servers; i++)
        one_turn(&servers[i], n, ns / 4, false); /* to get warm */
    for (unsigned long turn = 0; turn < turns; turn++)
        for (size_t i = 0; i < n_servers; i++)
            one_turn(&servers[(turn + i) % n_servers], n, ns, true);
    return 0;
}
