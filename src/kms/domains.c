#include "kms/domain.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX "domain/"

void
rdt_domain_item(uint32_t number, char out[static RDT_ROOT_NAME_MAX])
{
    snprintf(out, RDT_ROOT_NAME_MAX, PREFIX "%u", number);
}

uint32_t
rdt_domain_number(const char *item)
{
    char again[RDT_ROOT_NAME_MAX];
    size_t n = strlen(PREFIX);
    if (strncmp(item, PREFIX, n) != 0)
        return 0;
    unsigned long number = strtoul(item + n, NULL, 10);
    if (number == 0 || number > UINT32_MAX)
        return 0;
    rdt_domain_item((uint32_t)number, again);
    return strcmp(item, again) == 0 ? (uint32_t)number : 0;
}

const struct rdt_secret *
rdt_domains_get(const struct rdt_domains *domains, uint32_t number)
{
    size_t at = number % RDT_DOMAINS_MAX;
    return number != 0 && domains->slots[at].number == number ? &domains->slots[at].key : NULL;
}

uint32_t
rdt_domains_highest(const struct rdt_domains *domains)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < RDT_DOMAINS_MAX; i++)
        if (domains->slots[i].number > highest)
            highest = domains->slots[i].number;
    return highest;
}

/* The key becomes the slot's. */
static enum rdt_code
put(struct rdt_domains *domains, uint32_t number, struct rdt_secret *key, struct rdt_err *err)
{
    size_t at = number % RDT_DOMAINS_MAX;
    if (domains->slots[at].number != 0)
        return rdt_fail(err, RDT_E_LIMIT, "domain key %u is still there, where %u would go",
                        domains->slots[at].number, number);
    domains->slots[at].key = *key;
    *key = (struct rdt_secret){0};
    domains->slots[at].number = number; /* last: now it can be found */
    return RDT_OK;
}

enum rdt_code
rdt_domains_take(struct rdt_domains *domains, const struct rdt_root *root,
                 struct rdt_root_open *open, struct rdt_err *err)
{
    const char *item;
    for (size_t i = 0; (item = rdt_root_item(root, i)) != NULL; i++) {
        RDT_SECRET key = {0};
        uint32_t number = rdt_domain_number(item);
        if (number == 0)
            continue;
        enum rdt_code rc = rdt_root_get(root, open, item, &key, err);
        if (rc == RDT_OK)
            rc = put(domains, number, &key, err);
        if (rc != RDT_OK)
            return rc;
    }
    return rdt_domains_highest(domains) != 0
               ? RDT_OK
               : rdt_fail(err, RDT_E_NOTFOUND, "the root holds no domain key");
}

static enum rdt_code
make(struct rdt_domains *domains, uint32_t number, struct rdt_root *root,
     struct rdt_root_open *open, struct rdt_err *err)
{
    RDT_AUTO(rdt_worker_close_at) struct rdt_worker *worker = NULL;
    RDT_SECRET key = {0};
    char item[RDT_ROOT_NAME_MAX];
    rdt_domain_item(number, item);
    enum rdt_code rc = rdt_worker_open(&worker, err);
    if (rc == RDT_OK)
        rc = rdt_secret_new(&key, RDT_KEY_LEN, err);
    if (rc == RDT_OK)
        rc = rdt_random_key(worker, &key, err);
    if (rc == RDT_OK)
        rc = rdt_root_put(root, open, item, &key, err);
    return rc == RDT_OK ? put(domains, number, &key, err) : rc;
}

enum rdt_code
rdt_domains_ahead(struct rdt_domains *domains, uint32_t first, struct rdt_root *root,
                  struct rdt_root_open *open, size_t *made, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    *made = 0;
    for (uint32_t i = 0; rc == RDT_OK && i < RDT_DOMAINS_AHEAD_MAX; i++) {
        if (rdt_domains_get(domains, first + i) != NULL)
            continue;
        rc = make(domains, first + i, root, open, err);
        *made += rc == RDT_OK;
    }
    return rc;
}

void
rdt_domains_drop(struct rdt_domains *domains, uint32_t number)
{
    size_t at = number % RDT_DOMAINS_MAX;
    if (number == 0 || domains->slots[at].number != number)
        return;
    domains->slots[at].number = 0;
    rdt_secret_wipe(&domains->slots[at].key);
}

void
rdt_domains_done(struct rdt_domains *domains)
{
    for (size_t i = 0; i < RDT_DOMAINS_MAX; i++)
        rdt_domains_drop(domains, domains->slots[i].number);
}
