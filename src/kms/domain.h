/*
 * domain.h - domain keys in memory, by their numbers, and their change. Numbers are never used
 * again. One key wraps what is new; older ones are there until everything under them has been
 * wrapped anew; some are made ahead of time, since the root that protects them is not in memory
 * while the service runs.
 *
 * Only the writer's thread changes what is here. Others look up numbers that a published row names:
 * those were there before the row, and go after the last one.
 */
#ifndef RDT_KMS_DOMAIN_H
#define RDT_KMS_DOMAIN_H

#include "kms/root.h"
#include "kms/state.h"

#include <stdatomic.h>

#define RDT_DOMAINS_MAX 32      /* domain keys in memory */
#define RDT_DOMAINS_AHEAD_MAX 4 /* of these, made ahead of time */

struct rdt_domains {
    struct {
        _Atomic uint32_t number; /* 0: free */
        struct rdt_secret key;
    } slots[RDT_DOMAINS_MAX]; /* by number modulo RDT_DOMAINS_MAX */
};

/* rdt_domains_get - the key of a number, borrowed; NULL: it is not there. */
const struct rdt_secret *rdt_domains_get(const struct rdt_domains *domains, uint32_t number);

/*
 * rdt_domains_take - every item "domain/N" of the root.
 * Fails: RDT_E_NOTFOUND (there is none), RDT_E_LIMIT, as rdt_root_get().
 */
RDT_MUST_CHECK enum rdt_code rdt_domains_take(struct rdt_domains *domains,
                                              const struct rdt_root *root,
                                              struct rdt_root_open *open, struct rdt_err *err);

/*
 * rdt_domains_ahead - new domain keys with numbers from `first` on, in memory and as items of root,
 * until RDT_DOMAINS_AHEAD_MAX of `first` and above are there; save the root afterwards.
 *
 *   made   how many
 *
 * Fails: RDT_E_LIMIT (an older one is still in the place), as rdt_root_put().
 */
RDT_MUST_CHECK enum rdt_code rdt_domains_ahead(struct rdt_domains *domains, uint32_t first,
                                               struct rdt_root *root, struct rdt_root_open *open,
                                               size_t *made, struct rdt_err *err);

/* rdt_domains_highest - the highest number that is there; 0: none. */
uint32_t rdt_domains_highest(const struct rdt_domains *domains);

/* rdt_domains_drop - forget one.  rdt_domains_done - all. */
void rdt_domains_drop(struct rdt_domains *domains, uint32_t number);
void rdt_domains_done(struct rdt_domains *domains);

/* rdt_domain_item - the name of a number's item: "domain/7".  rdt_domain_number - the reverse; 0:
 * it is none. */
void rdt_domain_item(uint32_t number, char out[static RDT_ROOT_NAME_MAX]);
uint32_t rdt_domain_number(const char *item);

#endif
