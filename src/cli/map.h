/*
 * map.h - the picture of a plan: DOT from the report room, laid out by `dot`, filtered.
 */
#ifndef RDT_CLI_MAP_H
#define RDT_CLI_MAP_H

#include "plan/plan.h"
#include "rules/run.h"

/*
 * rdt_map_draw - append the plan's map as SVG.
 *
 *   run   colours by verdict; NULL for none
 *
 * Fails: RDT_E_NOTFOUND (dot is not installed), RDT_E_TIMEOUT, RDT_E_IO, RDT_E_BADINPUT,
 * RDT_E_NOMEM.
 */
RDT_MUST_CHECK enum rdt_code rdt_map_draw(const struct rdt_plan *plan, const struct rdt_run *run,
                                          struct rdt_buf *out, struct rdt_err *err);

#endif
