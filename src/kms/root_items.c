#include "kms/root_items.h"

#include <stddef.h>

const char *const rdt_kms_root_items[] = {
    "domain/1", "rows", "digest", "cursor", "hedge", "context", "audit-chain", "audit-signer", NULL,
};
