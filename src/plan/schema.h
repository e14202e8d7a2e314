/*
 * schema.h - the plan's format as JSON Schema 2020-12, for editors; made from fields.h.
 */
#ifndef RDT_PLAN_SCHEMA_H
#define RDT_PLAN_SCHEMA_H

#include "base/buf.h"

/*
 * rdt_plan_schema - append the schema as indented JSON.  It cannot say references, cycles or
 * levels: whatever it refuses the loader refuses too, not the other way round.
 */
void rdt_plan_schema(struct rdt_buf *out);

#endif
