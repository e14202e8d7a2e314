/*
 * fuzz_webhook - four lines, out of a request that anybody may send: id, time, signatures, body; or
 * a secret's text. Nothing that was not signed matches; a text is one secret.
 */
#include "base/cursor.h"
#include "field/webhook.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct rdt_worker *worker;
static struct rdt_secret secret;

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_span in = {bytes, n};
    struct rdt_hook webhook = {0};
    struct rdt_webhook_slot slots[4];
    struct rdt_webhook_window window;
    char text[RDT_WEBHOOK_SECRET_TEXT];
    if (worker == NULL && (rdt_worker_open(&worker, NULL) != RDT_OK ||
                           rdt_hook_secret_make(worker, &secret, NULL) != RDT_OK))
        abort();
    RDT_SECRET read = {0};
    if (rdt_hook_secret_read(in, &read, NULL) == RDT_OK) {
        rdt_hook_secret_text(&read, text);
        if (!rdt_span_is(in, text))
            abort();
    }
    if (!rdt_take_until(&in, '\n', &webhook.id) || !rdt_take_until(&in, '\n', &webhook.timestamp) ||
        !rdt_take_until(&in, '\n', &webhook.signature))
        return 0;
    webhook.body = in;
    struct rdt_hook_secrets secrets = {&secret, 1};
    rdt_webhook_window_init(&window, slots, RDT_COUNT(slots));
    for (int64_t now_s = 1; now_s < 4000000000; now_s = 2 * now_s + 1)
        if (rdt_hook_check(worker, &secrets, &webhook, now_s) == RDT_WEBHOOK_MATCH)
            abort();
    if (rdt_hook_remember(worker, &window, &webhook, 1614265330) == RDT_WEBHOOK_MATCH &&
        rdt_hook_remember(worker, &window, &webhook, 1614265330) != RDT_WEBHOOK_REPLAY)
        abort();
    return 0;
}
