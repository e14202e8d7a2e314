/*
 * The children of one judgement: the built-in packs in one or two, each pack of a site in its own.
 */
#include "rules/gather_internal.h"
#include "rules/sandbox_internal.h"

#include "base/embed.h"
#include "base/file.h"
#include "base/text.h"

#define BUILTIN_FOLDER "packs/rules/"
#define BUILTIN_MAX 64      /* files of built-in rules */
#define SITE_PACKS_MAX 100  /* --pack given */
#define SPLIT_SUBJECTS 2000 /* from here on the built-in packs get two children */
#define CPU_BASE_S 10       /* processor seconds of one child... */
#define CPU_SUBJECTS 2000   /* ...and one more for so many subjects */
#define OUTPUT_BASE ((size_t)16 * 1024 * 1024)  /* bytes of answers... */
#define OUTPUT_SUBJECT ((size_t)16 * 1024)      /* ...more for each subject... */
#define OUTPUT_MAX ((size_t)1024 * 1024 * 1024) /* ...and at most */

struct child_run {
    struct rdt_sandbox box;
    struct rdt_child_job job;
    const char *name; /* "builtin" or the pack's file */
};

static void end_runs(struct child_run (*runs)[2])
{
    rdt_sandbox_end(&(*runs)[0].box);
    rdt_sandbox_end(&(*runs)[1].box);
}

static enum rdt_code
start_run(const struct rdt_gather *g, struct child_run *run, struct rdt_err *err)
{
    size_t n = g->run->n_subjects;
    size_t output = OUTPUT_BASE + n * OUTPUT_SUBJECT;
    struct rdt_sandbox_limits limits = {
        .what = run->name,
        .memory_bytes = rdt_child_memory(&run->job) * 2,
        .cpu_s = CPU_BASE_S + (unsigned)(n / CPU_SUBJECTS),
        .output_bytes = output < OUTPUT_MAX ? output : OUTPUT_MAX,
    };
    return rdt_sandbox_start(&run->box, &limits, rdt_child_work, &run->job, err);
}

static enum rdt_code
finish_run(struct rdt_gather *g, struct child_run *run, struct rdt_err *err)
{
    RDT_BUF answer = {0};
    enum rdt_code rc = rdt_sandbox_collect(&run->box, &answer, err);
    return rc != RDT_OK ? rc : rdt_gather_read(g, rdt_buf_span(&answer), run->name, err);
}

/* ---- built-in
 * ---------------------------------------------------------------------------------------- */

static size_t
builtin_packs(struct rdt_pack_text *packs)
{
    size_t n = 0;
    for (size_t i = 0; i < rdt_embedded_n && n < BUILTIN_MAX; i++) {
        struct rdt_span name = rdt_span_str(rdt_embedded[i].name);
        if (rdt_text_glob(rdt_span_str(BUILTIN_FOLDER "*.lua"), name) &&
            !rdt_span_is(name, BUILTIN_FOLDER "lib.lua"))
            packs[n++] = (struct rdt_pack_text){
                rdt_embedded[i].name, {rdt_embedded[i].bytes, rdt_embedded[i].n}
            };
    }
    return n;
}

/* Where the second half begins, by bytes of rules; n: nowhere. */
static size_t
split_at(const struct rdt_gather *g, const struct rdt_pack_text *packs, size_t n)
{
    size_t all = 0, part = 0;
    if (g->run->n_subjects < SPLIT_SUBJECTS)
        return n;
    for (size_t i = 0; i < n; i++)
        all += packs[i].text.n;
    for (size_t i = 0; i < n; i++) {
        part += packs[i].text.n;
        if (part >= all / 2)
            return i + 1;
    }
    return n;
}

/* Two halves at the same time where the plan is large; their answers are read in the packs' order.
 */
static enum rdt_code
run_builtin(struct rdt_gather *g, const struct rdt_child_job *job, struct rdt_err *err)
{
    struct rdt_pack_text packs[BUILTIN_MAX];
    size_t n = builtin_packs(packs), split = split_at(g, packs, n);
    RDT_AUTO(end_runs)
    struct child_run runs[2] = {
        {.job = *job, .name = "builtin"},
        {.job = *job, .name = "builtin"},
    };
    runs[0].job.packs = packs;
    runs[0].job.n_packs = split;
    runs[1].job.packs = packs + split;
    runs[1].job.n_packs = n - split;
    enum rdt_code rc = start_run(g, &runs[0], err);
    if (rc == RDT_OK && split < n)
        rc = start_run(g, &runs[1], err);
    if (rc == RDT_OK) /* while they work; needed when their answers are read */
        rc = rdt_gather_catalogue(g, err);
    if (rc == RDT_OK)
        rc = finish_run(g, &runs[0], err);
    if (rc == RDT_OK && split < n)
        rc = finish_run(g, &runs[1], err);
    return rc;
}

/* ---- a site's own
 * -------------------------------------------------------------------------------------- */

static enum rdt_code
run_site_pack(struct rdt_gather *g, const struct rdt_child_job *job, const char *path,
              struct rdt_err *err)
{
    RDT_BUF text = {0};
    enum rdt_code rc = rdt_file_read(path, RDT_PACK_BYTES_MAX, &text, err);
    if (rc != RDT_OK)
        return rdt_fail_in(err, rc, "pack");
    const char *name = rdt_gather_text(g, rdt_span_str(path));
    struct rdt_pack_text pack = {name != NULL ? name : "pack", rdt_buf_span(&text)};
    RDT_AUTO(end_runs)
    struct child_run runs[2] = {
        {.job = *job, .name = pack.name}
    };
    runs[0].job.packs = &pack;
    runs[0].job.n_packs = 1;
    rc = start_run(g, &runs[0], err);
    return rc != RDT_OK ? rc : finish_run(g, &runs[0], err);
}

enum rdt_code
rdt_gather_packs(struct rdt_gather *gather, const struct rdt_child_job *job,
                 const struct rdt_strings *files, struct rdt_err *err)
{
    if (files->n > SITE_PACKS_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "more than %d packs", SITE_PACKS_MAX);
    enum rdt_code rc = run_builtin(gather, job, err);
    for (size_t i = 0; rc == RDT_OK && i < files->n; i++)
        rc = run_site_pack(gather, job, files->at[i], err);
    return rc;
}
