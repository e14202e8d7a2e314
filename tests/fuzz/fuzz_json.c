/* JSON in, out and in again: the text of the second writing is that of the first. */
#include "codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_arena_done) struct rdt_arena arena = {0};
    RDT_BUF once = {0}, twice = {0};
    struct rdt_err err = {0};
    struct rdt_node *root = NULL, *again = NULL;
    if (rdt_json_parse("fuzz.json", (struct rdt_span){bytes, n}, &arena, &root, &err) != RDT_OK) {
        if (root != NULL || err.text[0] == '\0')
            abort();
        return 0;
    }
    rdt_json_node(&once, root, 0);
    if (rdt_json_parse("fuzz.json", rdt_buf_span(&once), &arena, &again, &err) != RDT_OK)
        abort();
    rdt_json_node(&twice, again, 0);
    if (rdt_span_cmp(rdt_buf_span(&once), rdt_buf_span(&twice)) != 0)
        abort();
    return 0;
}
