/*
 * probe_main KIND SPEC [FOLDER [TIMEOUT_MS [SUBJECT]]] - run one probe, for the tests that start
 * real servers. SPEC is what would stand under KIND in a targets file, as JSON. Prints a line of
 * JSON for each observation. With REDOUBT_PROBE_SYSROOT set, that is the job's sysroot.
 */
#include "codec/json.h"
#include "probe/probe.h"

#include <stdio.h>
#include <stdlib.h>

static void
add(struct rdt_buf *out, const char *key, const char *text)
{
    if (text == NULL)
        return;
    rdt_buf_fmt(out, ", \"%s\": ", key);
    rdt_json_text(out, rdt_span_str(text));
}

static int
print(const struct rdt_observation *seen)
{
    RDT_BUF line = {0};
    rdt_buf_str(&line, "{\"fact\": ");
    rdt_json_text(&line, rdt_span_str(seen->fact));
    add(&line, "subject", seen->subject);
    add(&line, "collector", seen->collector);
    add(&line, "unknown", seen->unknown);
    add(&line, "raw", seen->raw);
    if (seen->value != NULL) {
        rdt_buf_str(&line, ", \"value\": ");
        rdt_json_node(&line, seen->value, 0);
    }
    const char *text = rdt_buf_cstr(&line);
    return text == NULL ? -1 : printf("%s}\n", text);
}

static void
arena_done(struct rdt_arena *arena)
{
    rdt_arena_done(arena);
}

int
main(int argc, char **argv)
{
    RDT_AUTO(arena_done) struct rdt_arena arena = {0};
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence seen = {0};
    struct rdt_node *spec = NULL;
    struct rdt_err err = {0};
    const char *sysroot = getenv("REDOUBT_PROBE_SYSROOT");
    if (argc < 3 || argc > 6) {
        fprintf(stderr, "usage: probe_main KIND SPEC [FOLDER [TIMEOUT_MS [SUBJECT]]]\n");
        return 3;
    }
    struct rdt_probe_job job = {
        .kind = argv[1],
        .folder = argc > 3 ? argv[3] : ".",
        .sysroot = sysroot == NULL ? "" : sysroot,
        .timeout_ms = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 10000,
        .subject = argc > 5 ? argv[5] : "flows.test",
    };
    enum rdt_code rc = rdt_json_parse("SPEC", rdt_span_str(argv[2]), &arena, &spec, &err);
    job.spec = spec;
    if (rc == RDT_OK)
        rc = rdt_probe_run(&(struct rdt_probe_plan){.jobs = &job, .n = 1, .width = 1}, &seen, &err);
    for (size_t i = 0; rc == RDT_OK && i < seen.n; i++)
        if (print(&seen.items[i]) < 0)
            rc = RDT_E_NOMEM;
    if (rc != RDT_OK)
        fprintf(stderr, "probe_main: %s\n", err.text);
    return rdt_code_exit_status(rc);
}
