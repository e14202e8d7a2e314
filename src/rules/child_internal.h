/*
 * child_internal.h - what is asked of the sandboxed child: it runs packs and writes records of
 * wire_internal.h. It holds a copy of the plan and the evidence, and no secret.
 */
#ifndef RDT_RULES_CHILD_INTERNAL_H
#define RDT_RULES_CHILD_INTERNAL_H

#include "rules/fileinfo_internal.h"
#include "rules/wire_internal.h"

#define RDT_PACK_BYTES_MAX ((size_t)1 << 20) /* one pack's text */

struct rdt_engine;

enum rdt_child_mode {
    RDT_CHILD_LIST,   /* describe the rules */
    RDT_CHILD_JUDGE,  /* and apply them */
    RDT_CHILD_TEST,   /* and run their own tests */
    RDT_CHILD_EXPLAIN /* apply one to one subject, and tell what it read */
};

struct rdt_pack_text {
    const char *name;
    struct rdt_span text;
};

struct rdt_child_job {
    enum rdt_child_mode mode;
    const struct rdt_pack_text *packs;
    size_t n_packs;
    const struct rdt_judge *judge; /* plan NULL when listing or testing */
    const struct rdt_fileinfo *files;
    size_t n_files;
    struct rdt_node *healthy;   /* test: the plan that tests start from */
    const char *rule, *subject; /* explain */
};

/* rdt_child_work - do the job and write the records to fd.  For rdt_sandbox_start(). */
void rdt_child_work(void *job, int fd);

/* rdt_child_memory - bytes that the Lua state of a job may use; grows with the plan. */
size_t rdt_child_memory(const struct rdt_child_job *job);

/* rdt_child_selects - whether a rule is to be judged: asked for, and not disabled by the plan. */
bool rdt_child_selects(const struct rdt_judge *judge, struct rdt_span id);

/*
 * rdt_child_judge_one - apply a rule to a subject: check, then live.  out's texts lie on the Lua
 * stack above `top`, which the caller restores.  False: a limit was passed, engine->why says it.
 */
RDT_MUST_CHECK bool rdt_child_judge_one(struct rdt_engine *engine, uint32_t rule, uint32_t subject,
                                        struct rdt_wire_result *out);

/* selftest.c: rdt_selftest_run - run the tests of all loaded rules, appending 'T' records. */
RDT_MUST_CHECK enum rdt_code rdt_selftest_run(struct rdt_engine *engine,
                                              const struct rdt_child_job *job, struct rdt_buf *out,
                                              struct rdt_err *err);

/* combine.c: rdt_combine_plain - the verdict of one result by itself: no exception, no attestation.
 */
enum rdt_verdict rdt_combine_plain(const struct rdt_wire_result *result, unsigned decided);

#endif
