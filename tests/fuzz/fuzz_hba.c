/* fuzz_hba - rules for logins, as JSON from a server that we do not trust. */
#include "codec/json.h"
#include "probe/pg_hba.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct rdt_arena arena = {0};
    struct rdt_node *rules = NULL;
    struct rdt_hba_login login = {"app", "shop", NULL};
    struct rdt_hba_verdict got;
    if (rdt_json_parse("rules", (struct rdt_span){bytes, n}, &arena, &rules, NULL) == RDT_OK) {
        bool ok = rdt_hba_judge(rules, &login, &got);
        if (ok && got.plaintext != (got.rule != NULL))
            abort();
        login.user = NULL; /* who knows less assumes no better */
        struct rdt_hba_verdict anybody;
        if (ok && rdt_hba_judge(rules, &login, &anybody) && got.plaintext && !anybody.plaintext)
            abort();
    }
    rdt_arena_done(&arena);
    return 0;
}
