#include "rules/child_internal.h"

/*
 * docs/guides/rules.md, "how the two become one verdict". What only a probe or a person can decide
 * is not a pass because the check had nothing to say about it.
 */
static enum rdt_verdict
check_passed(unsigned decided)
{
    return (decided & (RDT_BY_PLAN | RDT_BY_LOADER)) != 0 ? RDT_PASS : RDT_UNOBSERVED;
}

enum rdt_verdict
rdt_combine_plain(const struct rdt_wire_result *result, unsigned decided)
{
    bool live = result->stage == RDT_STAGE_LIVE;
    switch ((enum rdt_outcome)result->outcome) {
    case RDT_OUT_PASS:
        if (live && result->level >= RDT_A2)
            return RDT_PASS;
        return check_passed(decided);
    case RDT_OUT_FAIL:
        return live ? RDT_DRIFT : RDT_FAIL;
    case RDT_OUT_NA: /* nothing to look at: what the plan says stands by itself */
        return live && (decided & RDT_BY_PLAN) != 0 ? RDT_PASS : RDT_NA;
    case RDT_OUT_UNOBSERVED:
        return RDT_UNOBSERVED;
    case RDT_OUT_UNKNOWN:
    case RDT_OUT_ERROR:
    case RDT_NOUTCOMES:
        break;
    }
    return RDT_UNKNOWN;
}
