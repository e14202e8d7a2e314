/* fuzz_backup - the head of a backup: any bytes; what is accepted is written again, byte by byte
 * the same, but for its MAC. */
#include "kms/backup_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    RDT_BUF again = {0};
    struct rdt_backup_info info;
    size_t head_n = 0;
    if (!rdt_backup_head((struct rdt_span){bytes, n}, &info, &head_n))
        return 0;
    rdt_backup_put_head(&info, &again);
    if (head_n > n || again.n + 32 != head_n ||
        !rdt_span_eq(rdt_buf_span(&again), (struct rdt_span){bytes, again.n}))
        abort();
    return 0;
}
