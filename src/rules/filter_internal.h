/*
 * filter_internal.h - which subjects a row of the template is about.
 */
#ifndef RDT_RULES_FILTER_INTERNAL_H
#define RDT_RULES_FILTER_INTERNAL_H

#include "plan/plan.h"

struct rdt_filter_facts;

/* rdt_filter_learn - what filters ask about each subject of a plan; NULL when out of memory. */
struct rdt_filter_facts *rdt_filter_learn(const struct rdt_plan *plan, struct rdt_arena *arena);

/* rdt_filter_mask - mask[i] becomes non-zero for each subject that the filter's row is about. */
void rdt_filter_mask(const struct rdt_plan *plan, const struct rdt_filter_facts *facts,
                     const struct rdt_node *filter, uint8_t *mask);

#endif
