/*
 * server_canned CERT KEY SIZE [LOOPS] - the HTTPS server with one answer of SIZE bytes to whatever
 * is asked, for bench_server.py: what the server itself costs. Prints "ready PORT"; ends with its
 * standard input.
 */
#include "net/server.h"

#include <stdio.h>
#include <stdlib.h>

static void
request(void *state, struct rdt_exchange *x)
{
    const struct rdt_span *canned = state;
    x->status = 200;
    x->content_type = "application/x-amz-json-1.1";
    rdt_buf_add(&x->answer, canned->p, canned->n);
    rdt_exchange_send(x);
}

static enum rdt_code
begin(void *user, struct rdt_loop *loop, void **state, struct rdt_err *err)
{
    (void)loop;
    (void)err;
    *state = user;
    return RDT_OK;
}

int
main(int argc, char **argv)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct rdt_err err = {0};
    struct rdt_server *server = NULL;
    struct rdt_span canned = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: server_canned CERT KEY SIZE [LOOPS]\n");
        return 3;
    }
    canned.n = strtoul(argv[3], NULL, 10);
    canned.p = malloc(canned.n + 1);
    if (canned.p == NULL)
        return 4;
    memset((uint8_t *)canned.p, 'x', canned.n);
    struct rdt_server_opts opts = {
        .listen = listen,
        .n_listen = 1,
        .loops = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1,
        .cert_file = argv[1],
        .key_file = argv[2],
        .hooks = {.user = &canned, .begin = begin, .request = request},
    };
    enum rdt_code rc = rdt_server_open(&opts, &server, &err);
    if (rc == RDT_OK)
        rc = rdt_server_start(server, &err);
    if (rc == RDT_OK) {
        printf("ready %u\n", rdt_server_port(server));
        fflush(stdout);
        while (getchar() != EOF)
            continue;
        rdt_server_stop(server, 1000);
    } else {
        fprintf(stderr, "server_canned: %s\n", err.text);
    }
    rdt_server_close(server);
    free((void *)(uintptr_t)canned.p);
    return rdt_code_exit_status(rc);
}
