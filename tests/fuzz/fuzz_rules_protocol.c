/*
 * What a child that runs rules may answer: records, read into a run of the healthy plan, and then
 * everything that is made from them. Whatever comes, numbers stay in bounds and nothing passes that
 * was not sent as a pass.
 */
#include "rules/gather_internal.h"

#include "base/embed.h"
#include "codec/yaml.h"

#include <assert.h>
#include <stdlib.h>

static struct rdt_plan *plan;
static struct rdt_observation observation = {
    .subject = "stores.db", .fact = "host.disk", .collector = "fuzz", .raw = "", .sha256 = "00"};
static struct rdt_evidence evidence = {.items = &observation, .n = 1, .cap = 1};

static void
load_plan(void)
{
    static struct rdt_arena arena;
    static struct rdt_diags diags;
    struct rdt_span text = {0};
    struct rdt_node *root = NULL;
    bool ok = rdt_embed_find("packs/rules/healthy.yaml", &text);
    ok = ok && rdt_yaml_parse("healthy.yaml", text, &arena, &diags, &root, NULL) == RDT_OK;
    ok = ok && rdt_plan_from_node(root, "healthy.yaml", NULL, &diags, &plan, NULL) == RDT_OK;
    if (!ok)
        abort();
}

static void
check(const struct rdt_run *run)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        assert(r->rule < run->n_rules && r->subject < run->n_subjects);
        assert(r->verdict < RDT_NVERDICTS && r->severity <= RDT_SEV_CRITICAL);
        assert(r->verdict != RDT_PASS || r->message == NULL || r->message[0] != '\0');
    }
    for (size_t v = 0; v < RDT_NVERDICTS; v++)
        n += run->count[v];
    assert(n == run->n_results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RDT_AUTO(rdt_gather_done) struct rdt_gather g = {0};
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    if (plan == NULL)
        load_plan();
    struct rdt_judge judge = {.plan = plan, .evidence = &evidence, .time = 1795478400};
    if (rdt_gather_start(&g, &judge, NULL) != RDT_OK)
        abort();
    if (rdt_gather_read(&g, (struct rdt_span){data, size}, "fuzz.lua", NULL) == RDT_OK &&
        rdt_gather_finish(&g, &run, NULL) == RDT_OK)
        check(run);
    return 0;
}
