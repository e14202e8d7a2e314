/*
 * many_keys DATA KEYS PRINCIPALS - fills the folder of a stopped `redoubt serve --dev` through the
 * handlers that a client's calls would reach, thousands in a commit and without a record of each:
 * keys, and principals who may do everything, each with an access key, which it prints: "ID SECRET"
 * a line.
 */
#include "codec/json.h"
#include "kms/call_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH ((size_t)16000) /* calls of a commit, of two rows each */

struct maker {
    struct rdt_kms *kms;
    struct rdt_kms_thread *thread;
    struct rdt_tx *tx;
    size_t n; /* calls in tx */
    struct rdt_buf body, out;
};

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "many_keys: %s\n", what);
    exit(4);
}

static void
open_service(struct maker *m, const char *data)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    struct rdt_err err = {0};
    must(rdt_root_load(data, &root, &err) == RDT_OK, err.text);
    must(rdt_root_unseal(root, NULL, &(struct rdt_unseal){0}, &open, &err) == RDT_OK, err.text);
    struct rdt_kms_opts opts = {.data = data, .root = root, .open = open};
    must(rdt_kms_open(&opts, &m->kms, &err) == RDT_OK, err.text);
    must(rdt_kms_thread_open(m->kms, &m->thread, &err) == RDT_OK, err.text);
}

static void
commit(struct maker *m)
{
    struct rdt_err err = {0};
    uint64_t revision;
    uint8_t digest[32];
    if (m->n == 0)
        return;
    must(rdt_tx_seal(m->tx, m->thread->worker, &revision, digest, &err) == RDT_OK, err.text);
    must(rdt_tx_commit(m->tx, m->kms->store, NULL, &err) == RDT_OK, err.text);
    m->n = 0;
}

/* m->body holds the input; m->out becomes the answer. */
static void
call(struct maker *m, const char *operation)
{
    struct timespec now;
    struct rdt_err err = {0};
    if (m->n == 0)
        must(rdt_tx_begin(m->kms->state, &m->tx, &err) == RDT_OK, err.text);
    clock_gettime(CLOCK_REALTIME, &now);
    m->out.n = 0;
    struct rdt_request request = {.op = rdt_op_named(operation),
                                  .body = m->body.p,
                                  .body_n = m->body.n,
                                  .out = &m->out,
                                  .caller.internal = true,
                                  .now_ms = (int64_t)now.tv_sec * 1000};
    struct rdt_call one = {.kms = m->kms,
                           .thread = m->thread,
                           .request = &request,
                           .op = request.op,
                           .in = &m->thread->doc,
                           .view = rdt_tx_view(m->tx),
                           .tx = m->tx};
    must(rdt_call_run(&one) == RDT_FAULT_NONE, request.message);
    rdt_buf_done(&one.note.parameters);
    if (++m->n == BATCH)
        commit(m);
}

/* A text member of an answer that has no escapes in it. */
static void
print_member(struct rdt_buf *answer, const char *quoted, const char *end)
{
    const char *text = rdt_buf_cstr(answer);
    const char *at = text == NULL ? NULL : strstr(text, quoted);
    must(at != NULL, quoted);
    at += strlen(quoted);
    printf("%.*s%s", (int)strcspn(at, "\""), at, end);
}

static void
make_principal(struct maker *m, size_t number)
{
    m->body.n = 0;
    rdt_buf_fmt(&m->body, "{\"Principal\":\"service-%zu\",\"Policy\":", number);
    rdt_json_text(&m->body, rdt_span_str(rdt_policy_everything));
    rdt_buf_str(&m->body, "}");
    call(m, "PrincipalCreate");
    m->body.n = 0;
    rdt_buf_fmt(&m->body, "{\"Principal\":\"service-%zu\"}", number);
    call(m, "CredentialCreate");
    print_member(&m->out, "\"AccessKeyId\":\"", " ");
    print_member(&m->out, "\"SecretAccessKey\":\"", "\n");
}

int
main(int argc, char **argv)
{
    struct maker m = {0};
    must(argc == 4, "usage: many_keys DATA KEYS PRINCIPALS");
    size_t n_keys = strtoul(argv[2], NULL, 10), n_principals = strtoul(argv[3], NULL, 10);
    open_service(&m, argv[1]);
    for (size_t i = 0; i < n_keys; i++) {
        m.body.n = 0;
        rdt_buf_str(&m.body, "{}");
        call(&m, "CreateKey");
    }
    for (size_t i = 0; i < n_principals; i++)
        make_principal(&m, i);
    commit(&m);
    m.out.n = 0; /* a record, so that the log has a checkpoint over what was made */
    must(rdt_kms_local(m.kms, m.thread, "CreateKey", "{}", &m.out, NULL) == RDT_OK, "CreateKey");
    rdt_buf_done(&m.body);
    rdt_buf_done(&m.out);
    rdt_kms_thread_close(m.thread);
    rdt_kms_close(m.kms);
    return 0;
}
