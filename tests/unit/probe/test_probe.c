#include "probe/probe.h"

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"

#include "../test.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_JOBS = 40 };

struct told {
    size_t last, calls;
    pthread_t thread;
};

static void
note(void *arg, size_t n_done, size_t n)
{
    struct told *told = arg;
    assert_int_equal(n, N_JOBS);
    assert_true(n_done > told->last);
    assert_true(pthread_equal(told->thread, pthread_self()));
    told->last = n_done;
    told->calls++;
}

static void
keeps_the_order(void **state)
{
    static const size_t widths[] = {0, 1, 7, 1000};
    struct rdt_probe_job jobs[N_JOBS];
    char subjects[N_JOBS][24];
    (void)state;
    for (size_t i = 0; i < N_JOBS; i++) {
        snprintf(subjects[i], sizeof subjects[i], "stores.s%zu", i);
        jobs[i] = (struct rdt_probe_job){.subject = subjects[i],
                                         .kind = "nothing",
                                         .folder = "",
                                         .sysroot = "",
                                         .timeout_ms = 100};
    }
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        struct told told = {.thread = pthread_self()};
        struct rdt_probe_plan plan = {jobs, N_JOBS, widths[k], note, &told};
        assert_int_equal(rdt_probe_run(&plan, &seen, NULL), RDT_OK);
        assert_int_equal(told.last, N_JOBS);
        assert_int_equal(seen.n, N_JOBS);
        for (size_t i = 0; i < N_JOBS; i++) {
            assert_string_equal(seen.items[i].subject, subjects[i]);
            assert_non_null(seen.items[i].unknown); /* no such probe is no silence */
        }
    }
}

static void
runs_nothing(void **state)
{
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
    struct rdt_probe_plan plan = {.width = 4};
    (void)state;
    assert_int_equal(rdt_probe_run(&plan, &seen, NULL), RDT_OK);
    assert_int_equal(seen.n, 0);
}

static int
listener(uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

/* Ten servers that never answer, each with its time; side by side they take the time of one. */
static void
looks_at_many_at_once(void **state)
{
    enum { N = 10, EACH_MS = 300 };
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_probe_job jobs[N];
    uint16_t port;
    RDT_FD server = listener(&port);
    struct rdt_node *spec = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
    (void)state;
    rdt_value_text(&arena, spec, "host", "127.0.0.1");
    rdt_value_int(&arena, spec, "port", port);
    rdt_value_text(&arena, rdt_value_list(&arena, spec, "databases"), NULL, "app");
    for (size_t i = 0; i < N; i++)
        jobs[i] = (struct rdt_probe_job){.subject = "stores.db",
                                         .kind = "postgres",
                                         .spec = spec,
                                         .folder = "",
                                         .sysroot = "",
                                         .timeout_ms = EACH_MS};
    struct rdt_probe_plan plan = {.jobs = jobs, .n = N, .width = N};
    int64_t start = rdt_monotonic_ms();
    assert_int_equal(rdt_probe_run(&plan, &seen, NULL), RDT_OK);
    int64_t took_ms = rdt_monotonic_ms() - start;
    assert_in_range(took_ms, EACH_MS / 2 - 20, EACH_MS * N / 2);
    assert_int_equal(seen.n, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(seen.items[i].fact, "pg.plaintext");
        assert_string_equal(rdt_node_str(seen.items[i].value, "app.verdict"), "undecided");
    }
}

/* A target that the schema would not have let through is a reason, not a crash. */
static void
refuses_broken_targets(void **state)
{
    static const struct {
        const char *host, *port, *database;
    } cases[] = {
        {NULL,        "5432",        "app"},
        {"127.0.0.1", "0",           "app"},
        {"127.0.0.1", "65536",       "app"},
        {"127.0.0.1", "99999999999", "app"},
        {"127.0.0.1", "-1",          "app"},
        {"127.0.0.1", "5432",        NULL }
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
        RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
        struct rdt_node *spec = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
        struct rdt_probe_job job = {
            .subject = "stores.db", .spec = spec, .folder = "", .sysroot = "", .timeout_ms = 100};
        if (cases[i].host != NULL)
            rdt_value_text(&arena, spec, "host", cases[i].host);
        rdt_value_text(&arena, spec, "port", cases[i].port);
        struct rdt_node *list = rdt_value_list(&arena, spec, "databases");
        if (cases[i].database != NULL)
            rdt_value_text(&arena, list, NULL, cases[i].database);
        assert_int_equal(rdt_probe_postgres(&job, &seen), RDT_OK);
        assert_int_equal(seen.n, 1);
        assert_non_null(seen.items[0].unknown);
    }
}

static size_t
entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

/* One job of each kind whose server is not there; the auditor's look asks for a process. */
static void
look_at_nobody(void)
{
    static const char database[] = "{\"host\":\"127.0.0.1\",\"port\":1,\"databases\":[\"a\"],"
                                   "\"user\":\"u\",\"auditor\":{\"user\":\"a\",\"password\":"
                                   "\"env:NO_SUCH_VARIABLE\"}}";
    static const char site[] = "{\"url\":\"https://127.0.0.1:1/\",\"http_port\":1}";
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
    struct rdt_node *postgres = NULL, *https = NULL;
    assert_int_equal(rdt_json_parse("", rdt_span_str(database), &arena, &postgres, NULL), RDT_OK);
    assert_int_equal(rdt_json_parse("", rdt_span_str(site), &arena, &https, NULL), RDT_OK);
    struct rdt_probe_job jobs[] = {
        {.subject = "stores.a", .kind = "postgres", .spec = postgres, .timeout_ms = 2000},
        {.subject = "flows.a",  .kind = "https",    .spec = https,    .timeout_ms = 2000},
        {.subject = "stores.b", .kind = "postgres", .spec = postgres, .timeout_ms = 2000},
    };
    for (size_t i = 0; i < RDT_COUNT(jobs); i++)
        jobs[i].folder = jobs[i].sysroot = "";
    struct rdt_probe_plan plan = {.jobs = jobs, .n = RDT_COUNT(jobs), .width = 2};
    assert_int_equal(rdt_probe_run(&plan, &seen, NULL), RDT_OK);
    assert_int_equal(seen.n, 12);
    for (size_t i = 0; i < seen.n; i++)
        assert_non_null(seen.items[i].unknown);
    const struct rdt_observation *rules = rdt_evidence_find(&seen, "stores.b", "pg.hba");
    assert_non_null(strstr(rules->unknown, "NO_SUCH_VARIABLE"));
}

static void
leaves_nothing_open(void **state)
{
    (void)state;
    look_at_nobody(); /* libraries open what they keep */
    size_t descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
    for (int i = 0; i < 5; i++)
        look_at_nobody();
    assert_int_equal(entries("/proc/self/fd"), descriptors);
    assert_int_equal(entries("/proc/self/task"), threads);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, dead or alive */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order),       cmocka_unit_test(runs_nothing),
        cmocka_unit_test(looks_at_many_at_once), cmocka_unit_test(refuses_broken_targets),
        cmocka_unit_test(leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
