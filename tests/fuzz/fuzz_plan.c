/* A whole plan from bytes: it loads and every link leads somewhere, or it is refused with a place.
 */
#include "codec/yaml.h"
#include "plan/plan.h"

#include "known_leaks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
walk(const struct rdt_plan *plan)
{
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    for (size_t i = 0; i < n; i++) {
        if (rdt_plan_find(plan, subjects[i].id) != &subjects[i])
            abort();
        for (unsigned link = 0; link < RDT_NLINKS; link++) {
            for (size_t k = 0; k < subjects[i].links[link].n; k++) {
                if (subjects[i].links[link].at[k] >= n)
                    abort();
            }
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    struct rdt_err err = {0};
    struct rdt_node *root = NULL;
    struct rdt_span span = {bytes, n};
    if (rdt_yaml_parse("fuzz.yaml", span, &arena, &diags, &root, &err) != RDT_OK)
        return 0;
    enum rdt_code rc =
        rdt_plan_from_node(root, "/nonexistent/fuzz.yaml", NULL, &diags, &plan, &err);
    if ((rc == RDT_OK) != (plan != NULL) || (rc == RDT_OK && diags.n != 0) ||
        (rc == RDT_E_BADINPUT && diags.n == 0))
        abort();
    if (plan != NULL)
        walk(plan);
    return 0;
}
