/* fuzz_control - the control socket's bytes: a first byte chooses what reads the rest. What is
 * accepted is written again, byte by byte the same. */
#include "server/control_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool good)
{
    if (!good)
        abort();
}

static void
request_head(struct rdt_span in)
{
    struct control_request request;
    uint8_t again[CONTROL_REQUEST_HEAD];
    if (!rdt_control_request_head(in, &request))
        return;
    rdt_control_put_request(&request, again);
    must(rdt_span_eq(in, (struct rdt_span){again, sizeof again}));
}

static void
answer_head(struct rdt_span in)
{
    struct control_answer answer;
    uint8_t again[CONTROL_ANSWER_HEAD];
    if (!rdt_control_answer_head(in, &answer))
        return;
    rdt_control_put_answer(&answer, again);
    must(rdt_span_eq(in, (struct rdt_span){again, sizeof again}));
}

static void
means_of(struct rdt_span in)
{
    RDT_SECRET again = {0};
    struct rdt_secret words[RDT_SHARES_MAX] = {0};
    const struct rdt_secret *pointers[RDT_SHARES_MAX];
    struct control_means means;
    if (in.n > RDT_CONTROL_REQUEST_MAX || !rdt_control_means_get(in, &means) || means.n == 0)
        return;
    for (size_t i = 0; i < means.n; i++) {
        must(rdt_secret_copy(&words[i], means.words[i], NULL) == RDT_OK);
        pointers[i] = &words[i];
    }
    struct rdt_unseal unseal = {.passphrase = means.is_share ? NULL : pointers[0],
                                .shares = pointers,
                                .n_shares = means.is_share ? means.n : 0};
    must(rdt_control_means_put(means.seal, &unseal, &again, NULL) == RDT_OK);
    must(rdt_span_eq(in, (struct rdt_span){again.p, again.n}));
    for (size_t i = 0; i < means.n; i++)
        rdt_secret_wipe(&words[i]);
}

static void
failure(struct rdt_span in)
{
    RDT_BUF again = {0};
    struct rdt_err err = {0};
    if (!rdt_control_failure_get(in, &err))
        return;
    rdt_control_failure_put(&err, &again);
    must(rdt_span_eq(in, rdt_buf_span(&again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static void (*const readers[])(struct rdt_span) = {request_head, answer_head, means_of,
                                                       failure};
    if (n != 0)
        readers[bytes[0] % 4]((struct rdt_span){bytes + 1, n - 1});
    return 0;
}
