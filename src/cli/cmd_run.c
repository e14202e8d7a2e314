#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/map.h"
#include "cli/state.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "report/report.h"
#include "rules/run.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define PROBE_TIMEOUT_S 10
#define PROBE_TIMEOUT_MAX_S 600
#define PROBE_WIDTH 16

/* ---- judging ---- */

static enum rdt_severity
fail_on(const struct rdt_cli *cli)
{
    const char *word = rdt_cli_value(cli, OPT_FAIL_ON, "low");
    for (unsigned s = RDT_INFO; s <= RDT_SEV_CRITICAL; s++) {
        if (strcmp(word, rdt_severity_name(s)) == 0)
            return s;
    }
    return RDT_SEV_LOW;
}

/* DESIGN section 5: 1 for a fail or drift that counts, 2 for what --strict does not let pass. */
static int
exit_status(const struct rdt_cli *cli, const struct rdt_run *run)
{
    enum rdt_severity least = fail_on(cli);
    for (size_t i = 0; i < run->n_results; i++) {
        const struct rdt_result *r = &run->results[i];
        if ((r->verdict == RDT_FAIL || r->verdict == RDT_DRIFT) && r->severity >= least)
            return 1;
    }
    bool open = run->count[RDT_UNKNOWN] + run->count[RDT_UNOBSERVED] != 0;
    return open && rdt_cli_has(cli, OPT_STRICT) ? 2 : 0;
}

static enum rdt_format
format_of(const struct rdt_cli *cli)
{
    const char *path = rdt_cli_value(cli, OPT_OUT, "");
    const char *word = rdt_cli_value(cli, OPT_FORMAT, rdt_cli_has(cli, OPT_JSON) ? "json" : "text");
    size_t n = strlen(path);
    bool page = n > 5 && strcmp(path + n - 5, ".html") == 0;
    if (strcmp(word, "template") == 0)
        return page ? RDT_FORMAT_TEMPLATE_HTML : RDT_FORMAT_TEMPLATE_MD;
    return rdt_format_parse(word);
}

static enum rdt_code
show(struct rdt_cli *cli, const struct rdt_run *run, const struct rdt_plan *plan,
     const struct rdt_evidence *evidence)
{
    RDT_BUF out = {0}, svg = {0};
    char folder[PATH_MAX];
    enum rdt_format format = format_of(cli);
    struct rdt_report report = {.run = run,
                                .plan = plan,
                                .evidence = evidence,
                                .all = rdt_cli_has(cli, OPT_ALL),
                                .color = cli->color,
                                .width = rdt_cli_width(cli),
                                .base = getcwd(folder, sizeof folder),
                                .framework = rdt_cli_value(cli, OPT_FRAMEWORK, NULL)};
    if (format == RDT_FORMAT_HTML && rdt_map_draw(plan, run, &svg, NULL) == RDT_OK)
        report.map_svg = rdt_buf_cstr(&svg);
    enum rdt_code rc = rdt_report_render(&report, format, &out, &cli->err);
    return rc == RDT_OK ? rdt_cli_write(cli, rdt_buf_span(&out)) : rc;
}

static struct rdt_strings
option_values(const struct rdt_cli *cli, enum rdt_option option)
{
    return (struct rdt_strings){cli->values[option], cli->n_values[option]};
}

static int
judge_and_show(struct rdt_cli *cli, const struct rdt_plan *plan,
               const struct rdt_evidence *evidence)
{
    RDT_AUTO(rdt_run_free_at) struct rdt_run *run = NULL;
    struct rdt_judge judge = {.plan = plan,
                              .evidence = evidence,
                              .time = cli->time,
                              .packs = option_values(cli, OPT_PACK),
                              .only = option_values(cli, OPT_RULE),
                              .subject = rdt_cli_value(cli, OPT_ONLY, NULL)};
    enum rdt_code rc = rdt_run_judge(&judge, &run, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_runs_keep(cli, run, plan, evidence);
    rc = show(cli, run, plan, evidence);
    return rc == RDT_OK ? exit_status(cli, run) : rdt_cli_fail(cli, rc);
}

static enum rdt_code
load(struct rdt_cli *cli, struct rdt_plan **plan)
{
    struct rdt_plan_opts opts = {.env = rdt_cli_value(cli, OPT_ENV, NULL)};
    enum rdt_code rc = rdt_plan_load(rdt_cli_plan(cli), &opts, &cli->diags, plan, &cli->err);
    if (rc == RDT_E_NOTFOUND && cli->n_words == 0 && cli->err.hint[0] == '\0')
        rdt_hint(&cli->err, "name a plan, or write one: redoubt plan init");
    return rc;
}

int
rdt_cmd_check(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    enum rdt_code rc = load(cli, &plan);
    return rc == RDT_OK ? judge_and_show(cli, plan, NULL) : rdt_cli_fail(cli, rc);
}

/* ---- verifying ---- */

struct jobs {
    struct rdt_arena arena;
    struct rdt_probe_job *at;
    size_t n;
};

static void
jobs_done(struct jobs *jobs)
{
    rdt_arena_done(&jobs->arena);
    free(jobs->at);
}

static bool
add_path(struct jobs *jobs, struct rdt_node *list, const struct rdt_node *path)
{
    if (path == NULL || path->kind != RDT_NODE_SCALAR || path->text.p[0] != '/')
        return true; /* the word swap: the probe looks at swap anyway */
    return rdt_node_add(&jobs->arena, list, (struct rdt_span){0}, path->mark,
                        rdt_node_scalar(&jobs->arena, path->text, path->mark));
}

/* A host is asked about the folders of its target and about those that the plan declares. */
static const struct rdt_node *
host_spec(struct jobs *jobs, const struct rdt_subject *service, const struct rdt_node *target)
{
    const struct rdt_node *declared = rdt_node_get(service->node, "scratch");
    const struct rdt_node *asked = rdt_node_get(target, "scratch");
    struct rdt_node *spec = rdt_node_new(&jobs->arena, RDT_NODE_MAP, target->mark);
    struct rdt_node *list = rdt_node_new(&jobs->arena, RDT_NODE_LIST, target->mark);
    bool ok = spec != NULL && list != NULL;
    for (size_t i = 0; ok && declared != NULL && i < declared->n; i++)
        ok = add_path(jobs, list, rdt_node_get(declared->members[i].node, "path"));
    for (size_t i = 0; ok && asked != NULL && i < asked->n; i++)
        ok = add_path(jobs, list, asked->members[i].node);
    ok = ok && rdt_node_add(&jobs->arena, spec, rdt_span_str("scratch"), target->mark, list);
    return ok ? spec : NULL;
}

/* A service is one job whatever stands under it; other subjects have one job per kind of target. */
static bool
add_subject_jobs(struct jobs *jobs, const struct rdt_subject *subject, const struct rdt_node *spec)
{
    for (size_t i = 0; i < spec->n; i++) {
        const char *kind = (const char *)spec->members[i].key.p;
        bool service = subject->section == RDT_SERVICES;
        if (service && strcmp(kind, "host") != 0)
            continue;
        struct rdt_probe_job *job = &jobs->at[jobs->n++];
        job->subject = subject->id;
        job->kind = kind;
        job->spec = service ? host_spec(jobs, subject, spec) : spec->members[i].node;
        if (job->spec == NULL)
            return false;
    }
    return true;
}

/* Whether --only leaves a look at the plan as a whole, or at a key of it. */
static bool
wants_keys(const struct rdt_cli *cli, const struct rdt_plan *plan, const struct rdt_subject *keys,
           size_t n)
{
    struct rdt_span only = rdt_span_str(rdt_cli_value(cli, OPT_ONLY, "*"));
    size_t n_plan = 0;
    const struct rdt_subject *whole = rdt_plan_section(plan, RDT_PLAN, &n_plan);
    for (size_t i = 0; i < n_plan; i++)
        if (rdt_text_glob(only, rdt_span_str(whole[i].id)))
            return true;
    for (size_t i = 0; i < n; i++)
        if (rdt_text_glob(only, rdt_span_str(keys[i].id)))
            return true;
    return false;
}

static bool
add_text(struct jobs *jobs, struct rdt_node *map, const char *key, const char *text)
{
    return text == NULL ||
           rdt_node_add(&jobs->arena, map, rdt_span_str(key), map->mark,
                        rdt_node_scalar(&jobs->arena, rdt_span_str(text), map->mark));
}

/* The key service is one job, about the plan as a whole and all keys whose custody is Redoubt's. */
static bool
add_kms_job(const struct rdt_cli *cli, const struct rdt_plan *plan, const struct rdt_node *target,
            struct jobs *jobs)
{
    size_t n = 0;
    const struct rdt_subject *keys = rdt_plan_section(plan, RDT_KEYS, &n);
    if (target == NULL || !wants_keys(cli, plan, keys, n))
        return true;
    struct rdt_node *spec = rdt_node_new(&jobs->arena, RDT_NODE_MAP, target->mark);
    struct rdt_node *map = rdt_node_new(&jobs->arena, RDT_NODE_MAP, target->mark);
    bool ok = spec != NULL && map != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const struct rdt_node *custody = rdt_node_get(keys[i].node, "custody");
        if (rdt_node_is(rdt_node_get(custody, "provider"), "redoubt"))
            ok = rdt_node_add(&jobs->arena, map, rdt_span_str(keys[i].name), target->mark,
                              (struct rdt_node *)custody);
    }
    ok = ok && add_text(jobs, spec, "plan", rdt_node_str(rdt_plan_root(plan), "product.id"));
    ok = ok && add_text(jobs, spec, "env", rdt_plan_env(plan));
    ok = ok && rdt_node_add(&jobs->arena, spec, rdt_span_str("target"), target->mark,
                            (struct rdt_node *)target);
    ok = ok && rdt_node_add(&jobs->arena, spec, rdt_span_str("keys"), target->mark, map);
    jobs->at[jobs->n++] =
        (struct rdt_probe_job){.subject = "plan", .kind = "kms", .spec = ok ? spec : NULL};
    return ok;
}

static enum rdt_code
make_jobs(struct rdt_cli *cli, const struct rdt_plan *plan, const struct rdt_node *targets,
          struct jobs *jobs)
{
    static const enum rdt_section sections[] = {RDT_SERVICES, RDT_STORES, RDT_FLOWS, RDT_KEYS};
    const char *only = rdt_cli_value(cli, OPT_ONLY, "*");
    size_t cap = 0;
    for (size_t s = 0; s < RDT_COUNT(sections); s++) {
        const struct rdt_node *section = rdt_node_get(targets, rdt_section_name(sections[s]));
        for (size_t i = 0; section != NULL && i < section->n; i++)
            cap += section->members[i].node->n;
    }
    jobs->at = calloc(cap + 1, sizeof *jobs->at);
    if (jobs->at == NULL || !add_kms_job(cli, plan, rdt_node_get(targets, "kms"), jobs))
        return rdt_fail(&cli->err, RDT_E_NOMEM, "verify");
    for (size_t s = 0; s < RDT_COUNT(sections); s++) {
        size_t n = 0;
        const struct rdt_subject *subjects = rdt_plan_section(plan, sections[s], &n);
        const struct rdt_node *section = rdt_node_get(targets, rdt_section_name(sections[s]));
        for (size_t i = 0; i < n; i++) {
            const struct rdt_member *target =
                rdt_node_member(section, rdt_span_str(subjects[i].name));
            bool wanted = rdt_text_glob(rdt_span_str(only), rdt_span_str(subjects[i].id));
            if (target != NULL && wanted && !add_subject_jobs(jobs, &subjects[i], target->node))
                return rdt_fail(&cli->err, RDT_E_NOMEM, "verify");
        }
    }
    return RDT_OK;
}

static enum rdt_code
timeout_of(struct rdt_cli *cli, int *timeout_ms)
{
    const char *text = rdt_cli_value(cli, OPT_TIMEOUT, NULL);
    char *end = NULL;
    long seconds = text == NULL ? PROBE_TIMEOUT_S : strtol(text, &end, 10);
    if (text != NULL &&
        (*text == '\0' || *end != '\0' || seconds < 1 || seconds > PROBE_TIMEOUT_MAX_S))
        return rdt_fail(&cli->err, RDT_E_USAGE, "--timeout: expected 1 to %d seconds",
                        PROBE_TIMEOUT_MAX_S);
    *timeout_ms = (int)(seconds * 1000);
    return RDT_OK;
}

static enum rdt_code
look(struct rdt_cli *cli, const struct rdt_plan *plan, const struct jobs *jobs,
     struct rdt_evidence *evidence)
{
    int timeout_ms = 0;
    enum rdt_code rc = timeout_of(cli, &timeout_ms);
    if (rc != RDT_OK)
        return rc;
    for (size_t i = 0; i < jobs->n; i++) {
        jobs->at[i].folder = rdt_plan_folder(plan);
        jobs->at[i].sysroot = "";
        jobs->at[i].timeout_ms = timeout_ms;
    }
    struct rdt_progress progress = {.what = "looking", .cli = cli};
    struct rdt_probe_plan work = {.jobs = jobs->at,
                                  .n = jobs->n,
                                  .width = PROBE_WIDTH,
                                  .done = rdt_progress_show,
                                  .arg = &progress};
    rc = rdt_probe_run(&work, evidence, &cli->err);
    rdt_progress_end(&progress);
    return rc;
}

/* A name that nothing bears would be judged clean: a store that was renamed, a slip in a CI job. */
static enum rdt_code
check_only(struct rdt_cli *cli, const struct rdt_plan *plan)
{
    const char *only = rdt_cli_value(cli, OPT_ONLY, NULL);
    size_t n = 0;
    const struct rdt_subject *subjects = rdt_plan_subjects(plan, &n);
    if (only == NULL)
        return RDT_OK;
    const char **ids = calloc(n + 1, sizeof *ids);
    if (ids == NULL)
        return rdt_fail(&cli->err, RDT_E_NOMEM, "verify");
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        ids[i] = subjects[i].id;
        found = found || rdt_text_glob(rdt_span_str(only), rdt_span_str(ids[i]));
    }
    const char *near = found ? NULL : rdt_text_nearest(rdt_span_str(only), ids, n);
    free(ids);
    if (found)
        return RDT_OK;
    rdt_fail(&cli->err, RDT_E_NOTFOUND, "--only %s: the plan has no such subject", only);
    if (near != NULL)
        rdt_hint(&cli->err, "did you mean '%s'?", near);
    else
        rdt_hint(&cli->err, "a subject is a section and a name, such as stores.db; * matches");
    return RDT_E_NOTFOUND;
}

int
rdt_cmd_verify(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_plan_close_at) struct rdt_plan *plan = NULL;
    RDT_AUTO(rdt_evidence_done) struct rdt_evidence evidence = {0};
    RDT_AUTO(jobs_done) struct jobs jobs = {0};
    const struct rdt_node *targets = NULL;
    enum rdt_code rc = load(cli, &plan);
    if (rc == RDT_OK)
        rc = check_only(cli, plan);
    if (rc == RDT_OK)
        rc = rdt_plan_targets(plan, &cli->diags, &targets, &cli->err);
    if (rc == RDT_OK && targets == NULL)
        rdt_cli_note(cli, "no targets: %s, so nothing can be looked at",
                     rdt_plan_env(plan) == NULL ? "no --env was given"
                                                : "the environment names no targets file");
    if (rc == RDT_OK)
        rc = make_jobs(cli, plan, targets, &jobs);
    if (rc == RDT_OK)
        rc = look(cli, plan, &jobs, &evidence);
    return rc == RDT_OK ? judge_and_show(cli, plan, &evidence) : rdt_cli_fail(cli, rc);
}

/* ---- showing again ---- */

int
rdt_cmd_report(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_stored_close_at) struct rdt_stored *stored = NULL;
    enum rdt_code rc = rdt_runs_load(cli, &stored);
    if (rc == RDT_OK)
        rc =
            show(cli, rdt_stored_run(stored), rdt_stored_plan(stored), rdt_stored_evidence(stored));
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
