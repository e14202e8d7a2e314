#include "base/text.h"
#include "plan/plan_internal.h"

#define CANDIDATES_MAX 512 /* ids looked at for a did-you-mean */

void
rdt_suggest(struct rdt_diags *diags, struct rdt_span text, const char *const *words, size_t n)
{
    if (diags->n_more != 0)
        return; /* the complaint is not shown, so neither is the hint */
    const char *near = rdt_text_nearest(text, words, n);
    if (near != NULL)
        rdt_diag_hint(diags, "did you mean '%s'?", near);
}

void
rdt_suggest_id(struct rdt_diags *diags, struct rdt_span text, const struct rdt_node *entries)
{
    const char *names[CANDIDATES_MAX];
    size_t n = 0;
    for (;
         entries != NULL && entries->kind == RDT_NODE_MAP && n < entries->n && n < RDT_COUNT(names);
         n++)
        names[n] = (const char *)entries->members[n].key.p;
    rdt_suggest(diags, text, names, n);
}
