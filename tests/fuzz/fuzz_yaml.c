/* YAML in: a tree or at least one complaint with a place, never both missing. */
#include "codec/yaml.h"

#include "known_leaks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_diags_done) struct rdt_diags diags = {0};
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    struct rdt_err err = {0};
    struct rdt_node *root = NULL;
    enum rdt_code rc =
        rdt_yaml_parse("fuzz.yaml", (struct rdt_span){bytes, n}, &arena, &diags, &root, &err);
    if (rc == RDT_OK && (root == NULL || diags.n != 0))
        abort();
    if (rc != RDT_OK && (diags.n == 0 || diags.items[0].mark.line == 0 || err.text[0] == '\0'))
        abort();
    return 0;
}
