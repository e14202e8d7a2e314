#include "probe/probe.h"

enum rdt_code
rdt_probe_postgres(const struct rdt_probe_job *job, struct rdt_evidence *out)
{
    rdt_evidence_collector(out, "pg/1");
    return rdt_evidence_unknown(out, job->subject, "pg.plaintext", "not built yet",
                                rdt_span_str(""));
}
