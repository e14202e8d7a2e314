/*
 * server_main [--plain] [--loops N] [--hurry N] [--cert FILE --key FILE] [--ca FILE] [--fd N]
 * [ADDRESS...] - the HTTPS server with answers that show what it saw, for tests/interop.
 *
 * Prints "ready PORT", then obeys lines of standard input, each answered by one line:
 * counts, reload, release (of the exchanges kept by /keep), refused (reasons so far), stop MS.
 * Its end of file is "stop 0".
 */
#include "net/server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define REASONS 64

struct state { /* of one loop */
    struct rdt_loop *loop;
    struct rdt_exchange *fresh; /* /later, since the last idle hook */
    struct rdt_exchange *kept;  /* /keep, until released */
};

/* The log-writer of a real server: exchanges go there in batches, and come back by a wake. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct rdt_exchange *todo, *done;
    bool over, release;
    const char *reasons[REASONS];
    unsigned n_reasons;
    struct state *states[RDT_SERVER_LOOPS_MAX];
    unsigned n_states;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void *
writer(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&shared.lock);
    while (!shared.over) {
        struct rdt_exchange *x = shared.todo;
        shared.todo = NULL;
        while (x != NULL) {
            struct rdt_exchange *next = x->next;
            x->next = shared.done;
            shared.done = x;
            rdt_loop_wake(x->loop);
            x = next;
        }
        if (shared.todo == NULL)
            pthread_cond_wait(&shared.more, &shared.lock);
    }
    pthread_mutex_unlock(&shared.lock);
    return NULL;
}

static enum rdt_code
begin(void *user, struct rdt_loop *loop, void **out, struct rdt_err *err)
{
    struct state *state = calloc(1, sizeof *state);
    (void)user;
    if (state == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "state");
    state->loop = loop;
    *out = state;
    pthread_mutex_lock(&shared.lock);
    shared.states[shared.n_states++] = state;
    pthread_mutex_unlock(&shared.lock);
    return RDT_OK;
}

static unsigned long
number(struct rdt_span text)
{
    unsigned long n = 0;
    for (size_t i = 0; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        n = n * 10 + (unsigned long)(text.p[i] - '0');
    return n;
}

static void
show(struct rdt_exchange *x)
{
    rdt_buf_fmt(&x->answer, "%.*s %.*s?%.*s body=%zu fields=%zu cert=", RDT_FMT(x->head.method),
                RDT_FMT(x->head.path), RDT_FMT(x->head.query), x->body_n, x->head.n_fields);
    for (size_t i = 0; x->has_cert && i < sizeof x->cert_fingerprint; i++)
        rdt_buf_fmt(&x->answer, "%02x", x->cert_fingerprint[i]);
    for (size_t i = 0; i < sizeof(int); i++)
        if (((uint8_t *)x->user)[i] != 0)
            rdt_buf_str(&x->answer, " user memory is not zero");
    *(int *)x->user = -1;
}

static void
request(void *arg, struct rdt_exchange *x)
{
    struct state *state = arg;
    struct rdt_span path = x->head.path;
    x->status = 200;
    x->content_type = "text/plain";
    if (rdt_span_is(path, "/body"))
        rdt_buf_add(&x->answer, x->body, x->body_n);
    else
        show(x);
    if (rdt_span_is(path, "/big")) {
        x->answer.n = 0;
        for (unsigned long n = number(x->head.query); n > 0; n--)
            rdt_buf_add(&x->answer, &"0123456789abcdef"[n % 16], 1);
    }
    if (rdt_span_is(path, "/close"))
        x->close = true;
    if (rdt_span_is(path, "/status"))
        x->status = (int)number(x->head.query);
    if (rdt_span_is(path, "/fields"))
        rdt_buf_str(&x->fields, "X-One: 1\r\nX-Two: 2\r\n");
    if (rdt_span_is(path, "/later")) {
        x->next = state->fresh;
        state->fresh = x;
    } else if (rdt_span_is(path, "/keep")) {
        x->next = state->kept;
        state->kept = x;
    } else {
        rdt_exchange_send(x);
    }
}

static void
idle(void *arg)
{
    struct state *state = arg;
    if (state->fresh == NULL)
        return;
    pthread_mutex_lock(&shared.lock);
    while (state->fresh != NULL) {
        struct rdt_exchange *x = state->fresh;
        state->fresh = x->next;
        x->next = shared.todo;
        shared.todo = x;
    }
    pthread_cond_signal(&shared.more);
    pthread_mutex_unlock(&shared.lock);
}

static void
wake(void *arg)
{
    struct state *state = arg;
    struct rdt_exchange *mine = NULL;
    pthread_mutex_lock(&shared.lock);
    for (struct rdt_exchange **at = &shared.done; *at != NULL;) {
        struct rdt_exchange *x = *at;
        if (x->loop == state->loop) {
            *at = x->next;
            x->next = mine;
            mine = x;
        } else {
            at = &x->next;
        }
    }
    bool release = shared.release;
    pthread_mutex_unlock(&shared.lock);
    while (mine != NULL) {
        struct rdt_exchange *x = mine;
        mine = x->next;
        rdt_exchange_send(x);
    }
    while (release && state->kept != NULL) {
        struct rdt_exchange *x = state->kept;
        state->kept = x->next;
        rdt_exchange_send(x);
    }
}

static void
refused(void *arg, const struct sockaddr_storage *peer, const char *reason)
{
    (void)arg;
    (void)peer;
    pthread_mutex_lock(&shared.lock);
    if (shared.n_reasons < REASONS)
        shared.reasons[shared.n_reasons++] = reason;
    pthread_mutex_unlock(&shared.lock);
}

static void
print_counts(const struct rdt_server *server)
{
    struct rdt_server_counts c;
    rdt_server_counts(server, &c);
    printf("{\"accepted\": %llu, \"refused_limit\": %llu, \"handshakes\": %llu, \"resumed\": %llu, "
           "\"handshake_failures\": %llu, \"requests\": %llu, \"bad_requests\": %llu, "
           "\"open\": %llu}\n",
           (unsigned long long)c.accepted, (unsigned long long)c.refused_limit,
           (unsigned long long)c.handshakes, (unsigned long long)c.resumed,
           (unsigned long long)c.handshake_failures, (unsigned long long)c.requests,
           (unsigned long long)c.bad_requests, (unsigned long long)c.open);
}

static void
print_reasons(void)
{
    pthread_mutex_lock(&shared.lock);
    printf("refused");
    for (unsigned i = 0; i < shared.n_reasons; i++)
        printf("%s %s", i == 0 ? "" : ",", shared.reasons[i]);
    printf("\n");
    shared.n_reasons = 0;
    pthread_mutex_unlock(&shared.lock);
}

static void
release_all(void)
{
    pthread_mutex_lock(&shared.lock);
    shared.release = true;
    pthread_mutex_unlock(&shared.lock);
    for (unsigned i = 0; i < shared.n_states; i++)
        rdt_loop_wake(shared.states[i]->loop);
    printf("released\n");
}

static void
obey(struct rdt_server *server)
{
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct rdt_span words = {(const uint8_t *)line, strcspn(line, "\n")};
        struct rdt_err err = {0};
        if (rdt_span_is(words, "counts")) {
            print_counts(server);
        } else if (rdt_span_is(words, "refused")) {
            print_reasons();
        } else if (rdt_span_is(words, "release")) {
            release_all();
        } else if (rdt_span_is(words, "reload")) {
            enum rdt_code rc = rdt_server_reload(server, &err);
            printf("reload %s\n", rc == RDT_OK ? "done" : err.text);
        } else if (strncmp(line, "stop ", 5) == 0) {
            rdt_server_stop(server, (int)strtol(line + 5, NULL, 10));
            print_counts(server);
            fflush(stdout);
            return;
        }
        fflush(stdout);
    }
}

static int
read_options(char **argv, struct rdt_server_opts *opts, int *fd)
{
    int i = 1;
    for (; argv[i] != NULL && argv[i][0] == '-'; i++) {
        struct rdt_span name = rdt_span_str(argv[i]);
        if (rdt_span_is(name, "--plain")) {
            opts->plain = true;
            continue;
        }
        const char *value = argv[++i];
        if (value == NULL)
            return i - 1;
        if (rdt_span_is(name, "--loops"))
            opts->loops = (unsigned)strtoul(value, NULL, 10);
        else if (rdt_span_is(name, "--hurry"))
            opts->hurry = (unsigned)strtoul(value, NULL, 10);
        else if (rdt_span_is(name, "--cert"))
            opts->cert_file = value;
        else if (rdt_span_is(name, "--key"))
            opts->key_file = value;
        else if (rdt_span_is(name, "--ca"))
            opts->client_ca_file = value;
        else if (rdt_span_is(name, "--fd"))
            *fd = (int)strtol(value, NULL, 10);
    }
    return i;
}

int
main(int argc, char **argv)
{
    int fd = -1;
    pthread_t thread;
    struct rdt_err err = {0};
    struct rdt_server *server = NULL;
    struct rdt_server_opts opts = {
        .loops = 1,
        .hooks = {.exchange_bytes = 100,
                  .begin = begin,
                  .end = NULL,
                  .request = request,
                  .idle = idle,
                  .wake = wake,
                  .refused = refused},
    };
    int first = read_options(argv, &opts, &fd);
    opts.listen = (const char *const *)argv + first;
    opts.n_listen = (size_t)(argc - first);
    opts.fds = &fd;
    opts.n_fds = fd >= 0;
    enum rdt_code rc = rdt_server_open(&opts, &server, &err);
    if (rc == RDT_OK && pthread_create(&thread, NULL, writer, NULL) != 0)
        rc = rdt_fail(&err, RDT_E_NOMEM, "thread");
    if (rc == RDT_OK)
        rc = rdt_server_start(server, &err);
    if (rc != RDT_OK) {
        fprintf(stderr, "server_main: %s\n", err.text);
        return rdt_code_exit_status(rc);
    }
    printf("ready %u\n", rdt_server_port(server));
    fflush(stdout);
    obey(server);
    rdt_server_stop(server, 0);
    pthread_mutex_lock(&shared.lock);
    shared.over = true;
    pthread_cond_signal(&shared.more);
    pthread_mutex_unlock(&shared.lock);
    pthread_join(thread, NULL);
    rdt_server_close(server);
    for (unsigned i = 0; i < shared.n_states; i++)
        free(shared.states[i]);
    return 0;
}
