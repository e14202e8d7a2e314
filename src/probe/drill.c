/* A restore drill's record (evidence/drill.h), as `redoubt seal drill` wrote it. */
#include "evidence/drill.h"
#include "base/clock.h"
#include "base/file.h"
#include "probe/probe.h"

#include <stdio.h>

#define COLLECTOR "drill/1"

static enum rdt_code
read_record(const struct rdt_probe_job *job, struct rdt_drill *drill, struct rdt_buf *raw,
            struct rdt_err *err)
{
    RDT_BUF signers = {0};
    char by[RDT_SIGNER_NAME_MAX + 1] = "";
    const char *record = rdt_node_str(job->spec, "record"),
               *who = rdt_node_str(job->spec, "signers");
    enum rdt_code rc = record == NULL || who == NULL
                           ? rdt_fail(err, RDT_E_BADINPUT, "the target names no record or signers")
                           : rdt_file_read_below(job->folder, record, RDT_DRILL_MAX, raw, err);
    if (rc == RDT_OK)
        rc = rdt_file_read_below(job->folder, who, RDT_SIGNERS_MAX, &signers, err);
    if (rc == RDT_OK)
        rc = rdt_drill_read(rdt_buf_span(raw), rdt_buf_span(&signers), drill, by, err);
    if (rc == RDT_OK && strcmp(job->subject + strlen("keys."), drill->key) != 0)
        rc = rdt_fail(err, RDT_E_STATE, "the record is of key '%s'", drill->key);
    return rc;
}

enum rdt_code
rdt_probe_drill(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    RDT_BUF raw = {0};
    struct rdt_drill drill = {.time = 0};
    struct rdt_err err = {0};
    rdt_evidence_collector(out, COLLECTOR);
    enum rdt_code rc = read_record(job, &drill, &raw, &err);
    struct rdt_arena *arena = &out->arena;
    struct rdt_node *map = rdt_node_new(arena, RDT_NODE_MAP, (struct rdt_mark){0});
    bool ok = map != NULL && rdt_value_bool(arena, map, "recorded", rc == RDT_OK) != NULL;
    if (rc != RDT_OK) /* a record that does not count is no drill, not a question */
        ok = ok && rdt_value_text(arena, map, "why", err.text) != NULL;
    else
        ok = ok && rdt_value_int(arena, map, "last", drill.time / RDT_DAY_S) != NULL &&
             rdt_value_bool(arena, map, "passed", drill.passed) != NULL &&
             rdt_value_text(arena, map, "backup", drill.backup) != NULL &&
             rdt_value_int(arena, map, "tables", (int64_t)drill.tables) != NULL &&
             rdt_value_int(arena, map, "checks", (int64_t)drill.checks) != NULL;
    return ok ? rdt_evidence_fact(out, job->subject, "seal.drill", map, rdt_buf_span(&raw))
              : RDT_E_NOMEM;
}
