/*
 * fuzz_kek - answers of something that says it is the key service: what is opened is about what was
 * asked for, and only what was sealed to this key pair is.
 */
#include "field/kek.h"

#include "codec/base64.h"
#include "crypto/hpke.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define PRIVATE "90072644ab0902a6b563a523d6225ee148dc25a1092055459f124459ee664a80"

static struct rdt_worker *worker;
static struct rdt_secret private_key;

static void
set_up(void)
{
    if (rdt_worker_open(&worker, NULL) != RDT_OK ||
        rdt_secret_new(&private_key, RDT_HPKE_PRIVATE_LEN, NULL) != RDT_OK ||
        !rdt_hex_get(rdt_span_str(PRIVATE), private_key.p, private_key.n))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_kek_wipe) struct rdt_tenant_kek kek = {0};
    struct rdt_kek_ask ask = {.ring = "alias/records", .tenant = "acme", .epoch = 300};
    if (worker == NULL)
        set_up();
    struct rdt_kek_answer answer = {
        &ask, &private_key, {bytes, n}
    };
    enum rdt_code rc = rdt_kek_open(worker, &answer, &kek, NULL);
    if ((rc == RDT_OK) != (kek.key.p != NULL))
        abort();
    if (rc == RDT_OK && (strcmp(kek.name, "acme") != 0 || kek.epoch != 300 ||
                         kek.current_epoch < kek.epoch || kek.handle == 0 || kek.ttl_s == 0))
        abort();
    return 0;
}
