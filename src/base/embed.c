#include "base/embed.h"

#include <stdlib.h>
#include <string.h>

static int
by_name(const void *key, const void *member)
{
    return strcmp(key, ((const struct rdt_embedded *)member)->name);
}

bool
rdt_embed_find(const char *name, struct rdt_span *out)
{
    const struct rdt_embedded *found =
        bsearch(name, rdt_embedded, rdt_embedded_n, sizeof rdt_embedded[0], by_name);

    if (found == NULL)
        return false;
    *out = (struct rdt_span){found->bytes, found->n};
    return true;
}
