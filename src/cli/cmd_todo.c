#include "cli/command.h"
#include "codec/json.h"
#include "rules/run.h"
#define S(f)                                                                                       \
    int f(struct rdt_cli *c)                                                                       \
    {                                                                                              \
        return rdt_cli_fail(c, RDT_E_INTERNAL);                                                    \
    }
S(rdt_cmd_verify)
S(rdt_cmd_report)
S(rdt_cmd_plan_map)

    int rdt_cmd_check(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    RDT_BUF out = {0};
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    enum rdt_code rc = rdt_plan_load(rdt_cli_plan(cli), &opts, &cli->diags, &plan, &cli->err);
    if (rc == RDT_OK) {
        struct rdt_judge judge = {.plan = plan, .time = cli->time};
        rc = rdt_run_judge(&judge, &run, &cli->err);
    }
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    int status = 0;
    rdt_buf_str(&out, "{\"redoubt\":1,\"findings\":[");
    bool first = true;
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        if (r->verdict == RDT_PASS || r->verdict == RDT_NA)
            continue;
        if ((r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT) && r->severity > RDT_INFO)
            status = 1;
        rdt_buf_fmt(&out,
                    "%s\n{\"rule\":\"%s\",\"severity\":\"%s\",\"subject\":\"%s\",\"verdict\":\"%"
                    "s\",\"message\":",
                    first ? "" : ",", run->rules[r->rule].id, rdt_severity_name(r->severity),
                    run->subjects[r->subject].id, rdt_verdict_name(r->verdict));
        rdt_json_text(&out, rdt_span_str(r->message ? r->message : ""));
        rdt_buf_fmt(&out, ",\"where\":{\"line\":%u}}", r->where.line);
        first = false;
    }
    rdt_buf_str(&out, "]}\n");
    rc = rdt_cli_write(cli, rdt_buf_span(&out));
    return rc ? rdt_cli_fail(cli, rc) : status;
}
