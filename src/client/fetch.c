/*
 * One connection, and one thread at a time that uses it: the fetcher's own, which comes by itself,
 * or one that waits for a key and would have nothing else to do.
 */
#include "redoubt/fetch.h"

#include "client/client.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 5000
#define LOOK_MS 200     /* how often the thread looks by itself: keys that grow old, the end */
#define BACKOFF_MS 1000 /* after a failure; twice as long after each further */
#define BACKOFF_MAX_MS 8000
#define QUIET_MS 2500 /* without a need for so long: nobody waits for what failed */

struct rdt_fetcher {
    struct rdt_keyring *keyring;
    struct rdt_client *client;
    pid_t made_in;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* busy, stop, a failure */
    bool busy;              /* some thread uses the connection */
    bool stop;
    /* of the thread that is busy */
    int64_t failed_ms, again_ms; /* the last failure; not to be tried before */
    int64_t backoff_ms;          /* 0: the service was there the last time */
    struct rdt_fetcher_status status;
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec
at_ms(int64_t ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* ---- one need ---- */

/* What is no word about the key: the service is too busy, or this machine's clock is wrong. All
 * else that it refuses with may mean that a right was withdrawn. */
static bool
is_refusal(const struct rdt_client_fault *fault)
{
    static const char *const others[] = {"ThrottlingException", "LimitExceededException",
                                         "RequestTimeTooSkewed"};
    for (size_t i = 0; i < RDT_COUNT(others); i++)
        if (strcmp(fault->name, others[i]) == 0)
            return false;
    return fault->name[0] != '\0' && fault->status >= 400 && fault->status < 500;
}

static void
say(struct rdt_fetcher *fetcher, uint64_t *count, const char *words)
{
    pthread_mutex_lock(&fetcher->lock);
    ++*count;
    fetcher->status.unreachable = count == &fetcher->status.failed;
    if (words != NULL)
        snprintf(fetcher->status.last, sizeof fetcher->status.last, "%.*s",
                 (int)sizeof fetcher->status.last - 1, words);
    pthread_mutex_unlock(&fetcher->lock);
}

/* Instances that fail together do not come back together. */
static int64_t
spread(int64_t ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ms - ms / 4 + now.tv_nsec % (ms / 2);
}

static void
was_down(struct rdt_fetcher *fetcher, const char *words)
{
    int64_t next = fetcher->backoff_ms * 2;
    fetcher->backoff_ms = next == 0 ? BACKOFF_MS : next < BACKOFF_MAX_MS ? next : BACKOFF_MAX_MS;
    fetcher->failed_ms = now_ms();
    fetcher->again_ms = fetcher->failed_ms + spread(fetcher->backoff_ms);
    say(fetcher, &fetcher->status.failed, words);
}

static void
was_up(struct rdt_fetcher *fetcher)
{
    fetcher->failed_ms = fetcher->again_ms = fetcher->backoff_ms = 0;
}

static enum rdt_field_fault
send_need(struct rdt_fetcher *fetcher, struct rdt_need *need)
{
    RDT_BUF answer = {0};
    struct rdt_client_fault fault = {0};
    struct rdt_err err = {0};
    struct rdt_need_request request;
    rdt_need_look(need, &request);
    enum rdt_code rc = rdt_client_call(
        fetcher->client, request.operation,
        (struct rdt_span){(const uint8_t *)request.body, request.body_n}, &fault, &answer, &err);
    if (rc == RDT_OK) {
        enum rdt_field_fault got = rdt_need_answer(need, answer.p, answer.n);
        if (got != RDT_FIELD_OK) {
            was_down(fetcher, rdt_field_fault_words(got));
            return got == RDT_FIELD_ANSWER ? RDT_FIELD_OK : got;
        }
        was_up(fetcher);
        say(fetcher, &fetcher->status.answered, NULL);
    } else if (is_refusal(&fault)) {
        rdt_need_fail(need, RDT_NEED_REFUSED);
        was_up(fetcher);
        say(fetcher, &fetcher->status.refused, err.text);
    } else {
        rdt_need_fail(need, RDT_NEED_UNREACHABLE);
        was_down(fetcher, err.text);
    }
    return RDT_FIELD_OK;
}

/* ---- all of them ---- */

static bool
stopping(struct rdt_fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    bool stop = fetcher->stop;
    pthread_mutex_unlock(&fetcher->lock);
    return stop;
}

/* All needs that there are. While the service is down each is told so at once, so that its key
 * serves on for the grace. */
static enum rdt_field_fault
all_needs(struct rdt_fetcher *fetcher)
{
    bool any = false;
    while (!stopping(fetcher)) {
        struct rdt_need *need = NULL;
        enum rdt_field_fault fault = rdt_need_take(fetcher->keyring, &need);
        if (fault != RDT_FIELD_OK)
            return fault;
        if (need == NULL)
            break;
        any = true;
        if (now_ms() < fetcher->again_ms)
            rdt_need_fail(need, RDT_NEED_UNREACHABLE);
        else
            fault = send_need(fetcher, need);
        if (fault != RDT_FIELD_OK)
            return fault;
    }
    if (any && fetcher->backoff_ms != 0)
        fetcher->failed_ms = now_ms();
    return RDT_FIELD_OK;
}

/*
 * libssl may write to a connection that is gone and raise SIGPIPE, which would end a program that
 * knows nothing of it: held back meanwhile, and taken away if it came.
 */
static enum rdt_field_fault
all_needs_quietly(struct rdt_fetcher *fetcher)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    enum rdt_field_fault fault = all_needs(fetcher);
    sigpending(&pending);
    if (!was_pending && sigismember(&pending, SIGPIPE) == 1)
        (void)sigtimedwait(&pipe_only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return fault;
}

/* False: until_ms passed first. */
static bool
begin(struct rdt_fetcher *fetcher, int64_t until_ms)
{
    struct timespec until = at_ms(until_ms);
    int timed = 0;
    pthread_mutex_lock(&fetcher->lock);
    while (fetcher->busy && timed == 0)
        timed = pthread_cond_timedwait(&fetcher->changed, &fetcher->lock, &until);
    bool mine = !fetcher->busy;
    if (mine)
        fetcher->busy = true;
    pthread_mutex_unlock(&fetcher->lock);
    return mine;
}

static void
end(struct rdt_fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    fetcher->busy = false;
    pthread_cond_broadcast(&fetcher->changed);
    pthread_mutex_unlock(&fetcher->lock);
}

static void *
run(void *context)
{
    struct rdt_fetcher *fetcher = context;
    while (!stopping(fetcher)) {
        rdt_need_wait(fetcher->keyring, LOOK_MS);
        if (!begin(fetcher, now_ms() + LOOK_MS))
            continue;             /* somebody else is at it */
        (void)all_needs(fetcher); /* what went wrong is there to be taken again */
        end(fetcher);
    }
    return NULL;
}

/* ---- waiting ---- */

/* Whether what somebody waits for is likely among what failed. */
static bool
is_down(struct rdt_fetcher *fetcher)
{
    return fetcher->backoff_ms != 0 && now_ms() - fetcher->failed_ms < QUIET_MS;
}

enum rdt_field_fault
rdt_fetcher_wait(struct rdt_fetcher *fetcher, uint32_t timeout_ms)
{
    int64_t until_ms = now_ms() + timeout_ms;
    if (fetcher->made_in != getpid())
        return RDT_FIELD_FORKED;
    while (begin(fetcher, until_ms)) {
        enum rdt_field_fault fault = all_needs_quietly(fetcher);
        bool down = is_down(fetcher);
        end(fetcher);
        if (fault != RDT_FIELD_OK || !down)
            return fault;
        int64_t now = now_ms();
        if (now >= until_ms)
            break;
        struct timespec pause = at_ms(until_ms - now < LOOK_MS ? until_ms - now : LOOK_MS);
        nanosleep(&pause, NULL);
    }
    return RDT_FIELD_NEED;
}

enum rdt_field_fault
rdt_fetcher_look(struct rdt_fetcher *fetcher, struct rdt_fetcher_status *out)
{
    if (out->size != sizeof *out)
        return RDT_FIELD_USAGE;
    if (fetcher->made_in != getpid())
        return RDT_FIELD_FORKED;
    pthread_mutex_lock(&fetcher->lock);
    *out = fetcher->status;
    pthread_mutex_unlock(&fetcher->lock);
    return RDT_FIELD_OK;
}

/* ---- making ---- */

static enum rdt_field_fault
fault_of(enum rdt_code rc, const struct rdt_err *err, char *why, size_t why_room)
{
    if (why != NULL && why_room != 0)
        snprintf(why, why_room, "%s", err->text);
    switch (rc) {
    case RDT_OK:
        return RDT_FIELD_OK;
    case RDT_E_NOMEM:
        return RDT_FIELD_NOMEM;
    case RDT_E_INTERNAL:
        return RDT_FIELD_INTERNAL;
    default:
        return RDT_FIELD_USAGE;
    }
}

static enum rdt_code
open_client(struct rdt_fetcher *fetcher, const struct rdt_fetcher_options *o, struct rdt_err *err)
{
    RDT_SECRET secret = {0};
    struct rdt_client_opts opts = {
        .endpoint = o->endpoint,
        .ca_file = o->ca_file,
        .region = o->region,
        .key_id = o->key_id,
        .secret = o->secret == NULL ? NULL : &secret,
        .cert_file = o->cert_file,
        .key_file = o->key_file,
        .timeout_ms = o->timeout_ms == 0 ? TIMEOUT_MS : o->timeout_ms,
    };
    enum rdt_code rc = RDT_OK;
    if ((o->key_id == NULL) != (o->secret == NULL))
        return rdt_fail(err, RDT_E_USAGE, "an access key id and its secret go together");
    if (o->secret != NULL)
        rc = rdt_secret_copy(&secret, rdt_span_str(o->secret), err);
    if (rc == RDT_OK)
        rc = rdt_client_env(&opts, &secret, err);
    return rc == RDT_OK ? rdt_client_open(&opts, &fetcher->client, err) : rc;
}

static bool
locks_init(struct rdt_fetcher *fetcher)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_mutex_init(&fetcher->lock, NULL) == 0;
    if (ok && pthread_cond_init(&fetcher->changed, &attr) != 0) {
        pthread_mutex_destroy(&fetcher->lock);
        ok = false;
    }
    pthread_condattr_destroy(&attr);
    return ok;
}

/* No signal of the program's is handled by a thread that it does not know. */
static bool
start(struct rdt_fetcher *fetcher)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&fetcher->thread, NULL, run, fetcher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

static enum rdt_code
make(struct rdt_fetcher *fetcher, const struct rdt_fetcher_options *options, struct rdt_err *err)
{
    struct rdt_fetcher_options o = {0};
    if (options != NULL && options->size != sizeof o)
        return rdt_fail(err, RDT_E_USAGE, "a size that this library does not know");
    if (options != NULL)
        o = *options;
    enum rdt_code rc = open_client(fetcher, &o, err);
    if (rc != RDT_OK)
        return rc;
    if (!locks_init(fetcher))
        return rdt_fail(err, RDT_E_NOMEM, "make locks");
    if (start(fetcher))
        return RDT_OK;
    pthread_cond_destroy(&fetcher->changed);
    pthread_mutex_destroy(&fetcher->lock);
    return rdt_fail(err, RDT_E_NOMEM, "start a thread");
}

enum rdt_field_fault
rdt_fetcher_new(struct rdt_keyring *keyring, const struct rdt_fetcher_options *options,
                struct rdt_fetcher **out, char *why, size_t why_room)
{
    struct rdt_err err = {0};
    struct rdt_fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL)
        return RDT_FIELD_NOMEM;
    fetcher->keyring = keyring;
    fetcher->made_in = getpid();
    fetcher->status.size = sizeof fetcher->status;
    enum rdt_code rc = make(fetcher, options, &err);
    if (rc == RDT_OK) {
        *out = fetcher;
        return RDT_FIELD_OK;
    }
    rdt_client_close(fetcher->client);
    free(fetcher);
    return fault_of(rc, &err, why, why_room);
}

void
rdt_fetcher_free(struct rdt_fetcher *fetcher)
{
    /* in a child of fork() there is no thread, and the connection is the parent's: closing it would
     * end it there */
    if (fetcher == NULL || fetcher->made_in != getpid())
        return;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->stop = true;
    pthread_mutex_unlock(&fetcher->lock);
    pthread_join(fetcher->thread, NULL);
    pthread_cond_destroy(&fetcher->changed);
    pthread_mutex_destroy(&fetcher->lock);
    rdt_client_close(fetcher->client);
    free(fetcher);
}
