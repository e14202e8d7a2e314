#include "kms/quota.h"

static const struct rdt_quota quotas[] = {
    {RDT_KIND_KEY,        RDT_KEYS_MAX,           "keys"                    },
    {RDT_KIND_VERSION,    RDT_VERSIONS_MAX,       "versions of keys"        },
    {RDT_KIND_ALIAS,      RDT_KEYS_MAX,           "aliases"                 },
    {RDT_KIND_PRINCIPAL,  RDT_PRINCIPALS_MAX,     "principals"              },
    {RDT_KIND_CREDENTIAL, 2 * RDT_PRINCIPALS_MAX, "access keys"             },
    {RDT_KIND_CERT,       2 * RDT_PRINCIPALS_MAX, "client certificates"     },
    {RDT_KIND_APPROVER,   RDT_APPROVERS_MAX,      "approvers"               },
    {RDT_KIND_APPROVAL,   RDT_REQUESTS_MAX,       "approval requests"       },
    {RDT_KIND_TENANT,     RDT_KEYS_MAX,           "tenants"                 },
    {RDT_KIND_HANDLE,     RDT_KEYS_MAX,           "tenants' key handles"    },
    {RDT_KIND_SEED,       RDT_VERSIONS_MAX,       "seeds of tenants' keys"  },
    {RDT_KIND_STORE,      RDT_STORES_MAX,         "registered stores"       },
    {RDT_KIND_SCANNER,    RDT_STORES_MAX,         "scanners"                },
    {RDT_KIND_NONCE,      RDT_REPORTS_MAX,        "census nonces"           },
    {RDT_KIND_REPORT,     RDT_REPORTS_MAX,        "census reports"          },
    {RDT_KIND_HOLD,       RDT_KEYS_MAX,           "seal receipts"           },
    {RDT_KIND_EXPORT,     RDT_VERSIONS_MAX,       "exports of tenants' keys"},
};

const struct rdt_quota *
rdt_quota_passed(const struct rdt_tx *tx, size_t mark)
{
    for (size_t i = 0; i < RDT_COUNT(quotas); i++)
        if (rdt_tx_added(tx, mark, quotas[i].kind) &&
            rdt_tx_rows(tx, quotas[i].kind) > quotas[i].most)
            return &quotas[i];
    return NULL;
}
