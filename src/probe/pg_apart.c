/*
 * The auditor's look in a process of its own (base/apart.h). What comes back is a list of facts as
 * JSON, which is read as strictly as anything a stranger sends: by then it may be one.
 */
#include "codec/json.h"
#include "probe/pg_internal.h"

#define GRACE_MS 300 /* for the child to say itself that time is up */
#define ANSWER_MAX                                                                                 \
    ((size_t)8 * 1024 * 1024) /* bytes: the facts of all databases, with raw answers */

struct request {
    size_t index; /* of the job */
    int64_t deadline_ms;
    struct rdt_addr addr; /* that PG-1 looked at */
};
_Static_assert(sizeof(struct request) <= RDT_APART_REQUEST_MAX, "a request fits");

static const char *const facts[] = {"pg.settings", "pg.hba", "pg.sessions", "pg.fields"};

bool
rdt_pg_wants_apart(const struct rdt_probe_job *job)
{
    return rdt_node_get(job->spec, "auditor") != NULL;
}

/* ---- in the child ---- */

static void
put(struct rdt_buf *out, const char *key, const char *text)
{
    rdt_buf_fmt(out, ",\"%s\":", key);
    rdt_json_text(out, rdt_span_str(text));
}

static void
put_all(struct rdt_buf *out, const struct rdt_evidence *seen)
{
    rdt_buf_str(out, "[");
    for (size_t i = 0; i < seen->n; i++) {
        const struct rdt_observation *o = &seen->items[i];
        rdt_buf_str(out, i == 0 ? "{\"fact\":" : ",{\"fact\":");
        rdt_json_text(out, rdt_span_str(o->fact));
        put(out, "raw", o->raw);
        if (o->unknown != NULL)
            put(out, "unknown", o->unknown);
        if (o->value != NULL) {
            rdt_buf_str(out, ",\"value\":");
            rdt_json_node(out, o->value, 0);
        }
        rdt_buf_str(out, "}");
    }
    rdt_buf_str(out, "]");
}

void
rdt_pg_audit_answer(const void *context, struct rdt_span request, struct rdt_buf *answer)
{
    const struct rdt_probe_plan *plan = context;
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
    struct rdt_pg_target target = {0};
    struct request asked;
    if (request.n != sizeof asked)
        return;
    memcpy(&asked, request.p, sizeof asked);
    if (asked.index >= plan->n || !rdt_pg_read_target(&plan->jobs[asked.index], &target))
        return;
    target.deadline_ms = asked.deadline_ms;
    target.addrs = (struct rdt_addrs){.items = {asked.addr}, .n = 1};
    if (rdt_pg_audit(&target, &seen) == RDT_OK)
        put_all(answer, &seen);
}

/* ---- in the probe ---- */

static const struct rdt_node *
find(const struct rdt_node *answers, const char *fact)
{
    for (size_t i = 0; answers != NULL && i < answers->n; i++) {
        const struct rdt_node *item = answers->members[i].node;
        if (rdt_node_is(rdt_node_get(item, "fact"), fact))
            return item;
    }
    return NULL;
}

static enum rdt_code
record(const struct rdt_pg_target *target, const char *fact, const struct rdt_node *item,
       const char *why, struct rdt_evidence *out)
{
    const char *subject = target->job->subject;
    const char *raw = rdt_node_str(item, "raw"), *unknown = rdt_node_str(item, "unknown");
    const struct rdt_member *value = rdt_node_member(item, rdt_span_str("value"));
    struct rdt_span bytes = rdt_span_str(raw == NULL ? "" : raw);
    if (unknown == NULL && value != NULL)
        return rdt_evidence_fact(out, subject, fact, value->node, bytes);
    return rdt_evidence_unknown(out, subject, fact, unknown == NULL ? why : unknown, bytes);
}

enum rdt_code
rdt_pg_audit_apart(const struct rdt_pg_target *target, struct rdt_evidence *out)
{
    RDT_BUF text = {0};
    struct rdt_err err = {0};
    struct rdt_node *answers = NULL;
    struct request asked;
    if (target->job->apart == NULL)
        return rdt_pg_audit(target, out);
    memset(&asked, 0, sizeof asked); /* its padding goes along */
    asked.index = target->job->index;
    asked.deadline_ms = target->deadline_ms;
    asked.addr = target->addrs.items[0];
    struct rdt_span request = {(const uint8_t *)&asked, sizeof asked};
    enum rdt_code rc = rdt_apart_ask(target->job->apart, request, target->deadline_ms + GRACE_MS,
                                     ANSWER_MAX, &text, &err);
    if (rc == RDT_OK)
        rc = rdt_json_parse("answer", rdt_buf_span(&text), &out->arena, &answers, &err);
    if (rc == RDT_E_NOMEM)
        return rc;
    if (rc != RDT_OK)
        rdt_fail_in(&err, rc, "auditor");
    size_t n = RDT_COUNT(facts) - (target->fields == NULL ? 1 : 0); /* the last one, if asked for */
    for (size_t i = 0; i < n; i++) {
        const char *why = rc == RDT_OK ? "the auditor's look was not finished" : err.text;
        enum rdt_code kept = record(target, facts[i], find(answers, facts[i]), why, out);
        if (kept != RDT_OK)
            return kept;
    }
    return RDT_OK;
}
