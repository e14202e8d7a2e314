/*
 * The keys process: unseal, open, listen, run until told to stop.
 */
#include "server/keys_internal.h"
#include "server/process_internal.h"

#include "base/file.h"
#include "base/secret_file.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define METRICS_MS 1000
#define WRITES_MAX 16384             /* changing calls that wait */
#define SLOW_MAX 64                  /* slow calls that wait */
#define FILE_BYTES ((rlim_t)1 << 30) /* that a file must be allowed to have */
#define HELD_MAX 1024                /* answers that wait for their time */

/* ---- what to do about a start that failed, where nobody below knew ---- */

struct start_hint {
    enum rdt_code code;
    const char *words;
};

static const struct start_hint opening[] = {
    {RDT_E_BADINPUT, "put back what was changed in the folder, from a copy of the whole"  },
    {RDT_E_TAMPERED, "keep the folder as it is, and put back a whole copy of it"          },
    {RDT_E_FULL,     "make room on its disk; nothing in the folder may be deleted"        },
    {RDT_E_IO,       "look at the disk, and at the rights of the user that the server has"},
};

static const struct start_hint listening[] = {
    {RDT_E_NOTFOUND, "`certificate`, `key` and `client_ca` of the configuration name files"},
    {RDT_E_BADINPUT, "look at `certificate`, `key` and `client_ca` of the configuration"   },
    {RDT_E_NET,      "another server there? `ss -ltnp` shows it; or change `listen`"       },
};

static enum rdt_code
with_hint(enum rdt_code rc, const struct start_hint *hints, size_t n, struct rdt_err *err)
{
    for (size_t i = 0; rc != RDT_OK && i < n && err->hint[0] == '\0'; i++)
        if (hints[i].code == rc)
            rdt_hint(err, "%s", hints[i].words);
    return rc;
}

/* Not a full disk, but as good as one: segments of the log are made whole. */
static enum rdt_code
check_limits(struct rdt_err *err)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_FSIZE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= FILE_BYTES)
        return RDT_OK;
    rdt_fail(err, RDT_E_FULL, "files may have no more than %llu bytes",
             (unsigned long long)files.rlim_cur);
    rdt_hint(err, "ulimit -f unlimited, or LimitFSIZE=infinity in the unit");
    return RDT_E_FULL;
}

/* ---- the root ---- */

struct rdt_kms *
rdt_keys_kms(struct keys *keys)
{
    return atomic_load_explicit(&keys->kms, memory_order_acquire);
}

/* Nothing was given that opens a root which needs something: people bring it while the server runs.
 */
static bool
starts_sealed(const struct rdt_serve_opts *opts, const struct rdt_root *root)
{
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    size_t n = rdt_root_seals(root, seals);
    for (size_t i = 0; i < n; i++) {
        bool meant = opts->seal == NULL || strcmp(opts->seal, seals[i].id) == 0;
        if (meant && seals[i].type == RDT_SEAL_DEVELOPMENT)
            return false;
        if (meant && opts->seal != NULL && seals[i].type == RDT_SEAL_SHAMIR)
            return true; /* a file has one line for one person */
    }
    return opts->passphrase_file == NULL;
}

static enum rdt_code
check_seals(const struct rdt_serve_opts *opts, const struct rdt_root *root, struct rdt_err *err)
{
    if (opts->development || !rdt_root_needs_second(root))
        return RDT_OK;
    rdt_fail(err, RDT_E_STATE, "%s has only one seal", opts->data);
    rdt_hint(err, "one lost token would lose every key: redoubt root reseal --data %s --add shamir",
             opts->data);
    return RDT_E_STATE;
}

/* The root is open only in here: what the service needs is taken out of it, then it is wiped. */
static enum rdt_code
open_service(const struct rdt_serve_opts *opts, struct keys *keys, struct rdt_err *err)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    RDT_SECRET passphrase = {0};
    enum rdt_code rc = rdt_root_load(opts->data, &root, err);
    if (rc == RDT_E_NOTFOUND)
        rdt_hint(err, "`redoubt root init --data %s` makes a new service; an old one needs its own",
                 opts->data);
    else if (rc == RDT_E_BADINPUT)
        rdt_hint(err, "put root.json back as it was: without it nothing in the folder can be read");
    if (rc == RDT_OK && starts_sealed(opts, root))
        return check_seals(opts, root, err);
    if (rc == RDT_OK && opts->passphrase_file != NULL)
        rc = rdt_secret_read(opts->passphrase_file, &passphrase, err);
    struct rdt_unseal means = {.passphrase = opts->passphrase_file == NULL ? NULL : &passphrase};
    if (rc == RDT_OK)
        rc = rdt_root_unseal(root, opts->seal, &means, &open, err);
    if (rc != RDT_OK && err->hint[0] == '\0')
        rdt_hint(err, "`seal` and `passphrase_file` of the configuration have to fit; the seals: "
                      "redoubt root status");
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "unseal");
    rc = check_seals(opts, root, err);
    struct rdt_kms_opts kms = {.data = opts->data, .root = root, .open = open};
    struct rdt_kms *opened = NULL;
    if (rc == RDT_OK)
        rc = rdt_kms_open(&kms, &opened, err);
    if (rc == RDT_OK)
        atomic_store_explicit(&keys->kms, opened, memory_order_release);
    return rc;
}

/* ---- running ---- */

static void
send_metrics(struct rdt_kms *kms, const struct rdt_server *server, int jobs_fd)
{
    RDT_BUF text = {0};
    struct rdt_server_counts counts;
    if (kms != NULL)
        rdt_kms_metrics(kms, &text);
    rdt_buf_fmt(&text,
                "# HELP redoubt_sealed Whether the root waits to be opened.\n"
                "# TYPE redoubt_sealed gauge\n"
                "redoubt_sealed %d\n",
                kms == NULL);
    rdt_server_counts(server, &counts);
    rdt_buf_fmt(&text,
                "# HELP redoubt_connections Open connections.\n"
                "# TYPE redoubt_connections gauge\n"
                "redoubt_connections %llu\n"
                "# HELP redoubt_requests_total Framed requests.\n"
                "# TYPE redoubt_requests_total counter\n"
                "redoubt_requests_total %llu\n"
                "# HELP redoubt_bad_requests_total Bytes that were no request.\n"
                "# TYPE redoubt_bad_requests_total counter\n"
                "redoubt_bad_requests_total %llu\n"
                "# HELP redoubt_handshakes_total TLS handshakes by result.\n"
                "# TYPE redoubt_handshakes_total counter\n"
                "redoubt_handshakes_total{result=\"ok\"} %llu\n"
                "redoubt_handshakes_total{result=\"resumed\"} %llu\n"
                "redoubt_handshakes_total{result=\"failed\"} %llu\n",
                (unsigned long long)counts.open, (unsigned long long)counts.requests,
                (unsigned long long)counts.bad_requests, (unsigned long long)counts.handshakes,
                (unsigned long long)counts.resumed, (unsigned long long)counts.handshake_failures);
    if (rdt_buf_ok(&text))
        (void)rdt_message_send(jobs_fd, MESSAGE_METRICS, rdt_buf_span(&text));
}

/* Signals arrive here, on the main thread alone. */
static void
run(struct keys *keys, struct rdt_server *server, int signals, int jobs_fd)
{
    struct pollfd poll_fd = {.fd = signals, .events = POLLIN};
    struct signalfd_siginfo info;
    for (;;) {
        int n = poll(&poll_fd, 1, METRICS_MS);
        if (n == 0) {
            send_metrics(rdt_keys_kms(keys), server, jobs_fd);
            continue;
        }
        if (n < 0 || read(signals, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (info.ssi_signo != SIGHUP)
            return;
        struct rdt_err err = {0};
        if (rdt_server_reload(server, &err) == RDT_OK)
            fprintf(stderr, "redoubt: certificates read again\n");
        else
            fprintf(stderr, "redoubt: error: certificates kept as they were: %s\n", err.text);
    }
}

static enum rdt_code
listen_keys(const struct rdt_serve_opts *opts, struct keys *keys, struct rdt_server **out,
            struct rdt_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct rdt_server_opts server = {
        .listen = opts->listen,
        .n_listen = opts->n_listen,
        .fds = opts->fds,
        .n_fds = opts->n_fds,
        .loops = opts->workers != 0 ? opts->workers
                 : cores > 0        ? (unsigned)cores
                                    : 1,
        .cert_file = opts->cert_file,
        .key_file = opts->key_file,
        .client_ca_file = opts->client_ca_file,
        .hooks = rdt_front_hooks,
    };
    server.hooks.user = keys;
    if (server.loops > RDT_SERVER_LOOPS_MAX)
        server.loops = RDT_SERVER_LOOPS_MAX;
    return rdt_server_open(&server, out, err);
}

/* Where the operator names a configuration of libcrypto, threads that are still to come load its
 * provider. */
static enum rdt_code
sandbox(const struct rdt_serve_opts *opts, struct rdt_err *err)
{
    char modules[PATH_MAX];
    const char *conf = secure_getenv("OPENSSL_CONF"), *folder = secure_getenv("OPENSSL_MODULES");
    const char *read[8] = {opts->cert_file, opts->key_file};
    size_t n = 2;
    if (opts->client_ca_file != NULL)
        read[n++] = opts->client_ca_file;
    if (conf != NULL) {
        read[n++] = conf;
        read[n++] = "/usr/lib/.";
    }
    if (conf != NULL && folder != NULL &&
        (size_t)snprintf(modules, sizeof modules, "%s/.", folder) < sizeof modules)
        read[n++] = modules;
    return rdt_sandbox_enter(SANDBOX_KEYS, opts->data, read, err);
}

/* A sealed server is up as far as a service manager can help it. */
static void
say_ready(const struct keys *keys, const struct rdt_serve_opts *opts, bool sealed)
{
    const char *address = opts->n_listen > 0 ? opts->listen[0] : "127.0.0.1:0";
    const char *colon = strrchr(address, ':');
    int n = colon == NULL ? (int)strlen(address) : (int)(colon - address);
    printf("%s https://%.*s:%u\n", sealed ? "sealed" : "ready", n, address, keys->port);
    fflush(stdout);
    rdt_notify(sealed ? "READY=1\nSTATUS=sealed: redoubt root unseal" : "READY=1\nSTATUS=serving");
}

static void
run_slow(struct rdt_kms *kms, struct rdt_kms_thread *thread, struct rdt_request *const *requests,
         size_t n)
{
    for (size_t i = 0; i < n; i++)
        rdt_kms_slow(kms, thread, requests[i]);
}

/* Each waits equally long, so in the order in which they came. */
static void
wait_for_time(struct rdt_kms *kms, struct rdt_kms_thread *thread,
              struct rdt_request *const *requests, size_t n)
{
    (void)kms;
    (void)thread;
    for (size_t i = 0; i < n; i++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t since = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - requests[i]->now_ms;
        if (since >= 0 && since < requests[i]->hold_ms) /* else the clock was set meanwhile */
            poll(NULL, 0, (int)(requests[i]->hold_ms - since));
        requests[i]->hold_ms = 0;
    }
}

/* Those who hand over first; NULL is fine. */
static void
close_lanes(struct keys *keys)
{
    rdt_lane_close(keys->reader);
    rdt_lane_close(keys->writer);
    rdt_lane_close(keys->held);
    keys->reader = keys->writer = keys->held = NULL;
}

/* Nobody looks at them before the service is there. */
static enum rdt_code
open_lanes(struct rdt_kms *kms, struct keys *keys, struct rdt_err *err)
{
    const struct lane_opts held = {
        .kms = kms, .name = "clock", .queue = HELD_MAX, .batch = 1, .run = wait_for_time};
    const struct lane_opts writer = {.kms = kms,
                                     .name = "writer",
                                     .queue = WRITES_MAX,
                                     .batch = RDT_WRITE_BATCH_MAX,
                                     .run = rdt_kms_write,
                                     .tick = rdt_kms_tick};
    const struct lane_opts reader = {
        .kms = kms, .name = "reader", .queue = SLOW_MAX, .batch = 1, .run = run_slow};
    enum rdt_code rc = rdt_lane_open(&held, &keys->held, err);
    if (rc == RDT_OK)
        rc = rdt_lane_open(&writer, &keys->writer, err);
    return rc == RDT_OK ? rdt_lane_open(&reader, &keys->reader, err) : rc;
}

enum rdt_code
rdt_keys_serve(struct keys *keys, const struct rdt_serve_opts *opts, struct rdt_root *root,
               struct rdt_root_open *open, struct rdt_err *err)
{
    struct rdt_kms *kms = NULL;
    enum rdt_code rc = check_seals(opts, root, err);
    if (rc == RDT_OK)
        rc = rdt_kms_open(&(struct rdt_kms_opts){.data = opts->data, .root = root, .open = open},
                          &kms, err);
    if (rc == RDT_OK)
        rc = open_lanes(kms, keys, err);
    if (rc != RDT_OK) {
        close_lanes(keys);
        rdt_kms_close(kms);
        return rc;
    }
    atomic_store_explicit(&keys->kms, kms, memory_order_release);
    say_ready(keys, opts, false);
    return RDT_OK;
}

/*
 * The sandbox closes before the first thread that reads what strangers send: Landlock counts for
 * the thread that enters it and those that it starts. The log's own thread is there already where
 * the root was opened at the start; it reads nothing of theirs.
 */
static enum rdt_code
start(const struct rdt_serve_opts *opts, struct keys *keys, struct control *control,
      struct rdt_server *server, struct rdt_err *err)
{
    enum rdt_code rc = sandbox(opts, err);
    if (rc == RDT_OK && rdt_keys_kms(keys) != NULL)
        rc = open_lanes(rdt_keys_kms(keys), keys, err);
    if (rc == RDT_OK)
        rc = rdt_server_start(server, err);
    keys->port = rc == RDT_OK ? rdt_server_port(server) : 0;
    if (rc == RDT_OK)
        say_ready(keys, opts, rdt_keys_kms(keys) == NULL);
    return rc == RDT_OK ? rdt_control_start(control, err) : rc;
}

static enum rdt_code
serve_keys(const struct rdt_serve_opts *opts, int jobs_fd, struct rdt_err *err)
{
    struct keys keys = {.writer = NULL};
    struct rdt_server *server = NULL;
    struct control *control = NULL;
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    RDT_FD signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    enum rdt_code rc = signals < 0 ? rdt_fail(err, RDT_E_IO, "watch signals") : check_limits(err);
    if (rc == RDT_OK)
        rc = open_service(opts, &keys, err);
    rc = with_hint(rc, opening, RDT_COUNT(opening), err);
    if (rc == RDT_OK)
        rc = rdt_control_open(opts, &keys, &control, err);
    if (rc == RDT_OK)
        rc =
            with_hint(listen_keys(opts, &keys, &server, err), listening, RDT_COUNT(listening), err);
    if (rc == RDT_OK)
        rc = start(opts, &keys, control, server, err);
    if (rc == RDT_OK) {
        run(&keys, server, signals, jobs_fd);
        rdt_notify("STOPPING=1");
    }
    rdt_control_close(control);
    rdt_server_stop(server, RDT_SERVE_GRACE_MS);
    close_lanes(&keys);
    rdt_server_close(server);
    rdt_kms_close(rdt_keys_kms(&keys));
    return rc;
}

int
rdt_keys_main(const struct rdt_serve_opts *opts, int jobs_fd)
{
    struct rdt_err err = {0};
    (void)prctl(PR_SET_NAME, "redoubt-keys");
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* without a supervisor there is nobody to stop it */
    if (serve_keys(opts, jobs_fd, &err) == RDT_OK)
        return 0;
    fprintf(stderr, "redoubt: error: %s\n", err.text);
    if (err.hint[0] != '\0')
        fprintf(stderr, "redoubt: hint: %s\n", err.hint);
    return rdt_code_exit_status(err.code);
}
