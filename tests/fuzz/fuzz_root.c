/* fuzz_root - root.json: any bytes; what is accepted can be written, and is then read as the same.
 */
#include "kms/root_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_free_at) struct rdt_root *again = NULL;
    RDT_BUF text = {0}, text_again = {0};
    struct rdt_seal_info seals[RDT_ROOT_SEALS_MAX];
    struct rdt_err err = {0};
    if (rdt_root_parse((struct rdt_span){bytes, n}, &root, &err) != RDT_OK) {
        if (root != NULL || err.text[0] == '\0')
            abort();
        return 0;
    }
    rdt_root_text(root, &text);
    if (rdt_root_seals(root, seals) == 0 ||
        rdt_root_parse(rdt_buf_span(&text), &again, &err) != RDT_OK)
        abort();
    rdt_root_text(again, &text_again);
    if (!rdt_span_eq(rdt_buf_span(&text), rdt_buf_span(&text_again)))
        abort();
    return 0;
}
