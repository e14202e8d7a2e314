/*
 * `redoubt audit verify|anchor`: a server's folder, looked at without the server and without a
 * secret.
 */
#include "base/clock.h"
#include "base/file.h"
#include "cli/audit_folder.h"
#include "codec/jout.h"
#include "kms/audit_record.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ANCHOR_BYTES ((size_t)4096)
#define LOGS_MAX RDT_REPEATS_MAX

/* Revisions that records name: each change of the store has one record, in one of the logs. */
struct revisions {
    uint64_t *at;
    size_t n, cap;
    bool unreadable; /* a record of a newer version: nothing can be said */
};

/* A log and what was found about it. */
struct log {
    const char *data;
    char dir[PATH_MAX];
    struct rdt_buf known; /* the checkpoint that its store holds */
    const char *store;    /* what became of that, in words */
    bool has_store;
    struct rdt_audit_verdict verdict;
    struct rdt_err err; /* code TAMPERED: not what it was */
};

struct verifying {
    struct rdt_cli *cli;
    bool key_given;
    uint8_t key[RDT_ED25519_PUBLIC_LEN];
    struct rdt_buf anchors[RDT_REPEATS_MAX];
    bool anchor_used[RDT_REPEATS_MAX];
    size_t n_anchors, n_logs;
    struct log *logs;
    struct revisions revisions;
    struct rdt_err gap; /* of all logs together */
};

static void
verifying_done(struct verifying *v)
{
    for (size_t i = 0; i < v->n_anchors; i++)
        rdt_buf_done(&v->anchors[i]);
    for (size_t i = 0; i < v->n_logs; i++)
        rdt_buf_done(&v->logs[i].known);
    free(v->logs);
    free(v->revisions.at);
}

/* ---- what is given */

static enum rdt_code
read_anchors(struct verifying *v)
{
    struct rdt_cli *cli = v->cli;
    for (size_t i = 0; i < cli->n_values[OPT_ANCHOR]; i++) {
        RDT_BUF text = {0};
        const char *path = cli->values[OPT_ANCHOR][i];
        enum rdt_code rc = rdt_file_read(path, ANCHOR_BYTES, &text, &cli->err);
        if (rc != RDT_OK)
            return rc;
        v->n_anchors = i + 1;
        if (!rdt_checkpoint_read(rdt_buf_span(&text), &v->anchors[i])) {
            rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a checkpoint", path);
            rdt_hint(&cli->err, "what `redoubt audit anchor` printed");
            return RDT_E_BADINPUT;
        }
    }
    return RDT_OK;
}

/* The store's own copy of the newest checkpoint: only a stopped server lets us read it. */
static enum rdt_code
read_known(struct log *log, struct rdt_err *err)
{
    RDT_AUTO(rdt_store_close_at) struct rdt_store *store = NULL;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/store.db", log->data);
    log->store = "not there: only the log was looked at";
    if (n <= 0 || n >= (int)sizeof path || access(path, F_OK) != 0)
        return RDT_OK;
    log->has_store = true;
    enum rdt_code rc = rdt_store_open(&(struct rdt_store_opts){.path = path}, &store, err);
    if (rc == RDT_E_STATE) {
        log->store = "in use by a running server: its checkpoint was not compared";
        return RDT_OK;
    }
    if (rc == RDT_OK) {
        rc = rdt_store_value(store, "checkpoint", &log->known, err);
        log->store = rc == RDT_OK ? "its checkpoint was compared" : "it has no checkpoint yet";
    }
    if (rc != RDT_OK && rc != RDT_E_NOTFOUND)
        return rdt_fail_in(err, rc, "%s", path);
    return RDT_OK;
}

static bool
is_of(const struct rdt_buf *anchor, const uint8_t node[static 16])
{
    struct rdt_checkpoint checkpoint;
    return rdt_checkpoint_get(rdt_buf_span(anchor), &checkpoint) &&
           rdt_span_eq((struct rdt_span){checkpoint.node, 16}, (struct rdt_span){node, 16});
}

/* The newest anchor of a log's node; one anchor for one log is that log's, whatever it says. */
static struct rdt_span
anchor_of(struct verifying *v, const struct log *log)
{
    struct rdt_checkpoint newest, best = {0}, one;
    struct rdt_span out = {0};
    if (v->n_logs == 1 && v->n_anchors == 1) {
        v->anchor_used[0] = true;
        return rdt_buf_span(&v->anchors[0]);
    }
    if (rdt_audit_newest(log->dir, &newest, NULL) != RDT_OK)
        return out;
    for (size_t i = 0; i < v->n_anchors; i++) {
        if (!is_of(&v->anchors[i], newest.node) ||
            !rdt_checkpoint_get(rdt_buf_span(&v->anchors[i]), &one))
            continue;
        v->anchor_used[i] = true;
        if (out.n == 0 || one.size >= best.size) {
            out = rdt_buf_span(&v->anchors[i]);
            best = one;
        }
    }
    return out;
}

/* ---- the row of changes */

static enum rdt_code
note_revision(void *user, uint64_t index, struct rdt_span bytes, struct rdt_err *err)
{
    struct revisions *r = user;
    struct rdt_audit_record record = {0};
    (void)index;
    enum rdt_code rc = rdt_record_get(&rdt_audit_record, bytes, &record, err);
    uint64_t revision = record.revision;
    rdt_record_done(&rdt_audit_record, &record);
    if (rc == RDT_E_NOMEM)
        return rc;
    r->unreadable = r->unreadable || rc != RDT_OK;
    if (rc != RDT_OK || revision == 0)
        return RDT_OK;
    if (r->n == r->cap) {
        size_t cap = r->cap == 0 ? 1024 : r->cap * 2;
        uint64_t *more = reallocarray(r->at, cap, sizeof *more);
        if (more == NULL)
            return rdt_fail(err, RDT_E_NOMEM, "read revisions");
        r->at = more;
        r->cap = cap;
    }
    r->at[r->n++] = revision;
    return RDT_OK;
}

static int
by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* One deployment, and no change of its store without its record. */
static enum rdt_code
check_row(struct verifying *v)
{
    struct revisions *r = &v->revisions;
    for (size_t i = 1; i < v->n_logs; i++)
        if (!rdt_span_eq((struct rdt_span){v->logs[0].verdict.last.deployment, 16},
                         (struct rdt_span){v->logs[i].verdict.last.deployment, 16}))
            return rdt_fail(&v->cli->err, RDT_E_BADINPUT, "%s and %s are of two deployments",
                            v->logs[0].data, v->logs[i].data);
    for (size_t i = 0; i < v->n_logs; i++) {
        enum rdt_code rc = rdt_audit_each(v->logs[i].dir, 0, note_revision, r, &v->cli->err);
        if (rc != RDT_OK)
            return rc;
    }
    if (r->unreadable || r->n == 0)
        return RDT_OK;
    qsort(r->at, r->n, sizeof *r->at, by_number);
    for (size_t i = 1; i < r->n && v->gap.code == RDT_OK; i++)
        if (r->at[i] != r->at[i - 1] + 1)
            rdt_fail(&v->gap, RDT_E_TAMPERED,
                     "after change %" PRIu64 " of the store the next record is of change %" PRIu64
                     ": %s",
                     r->at[i - 1], r->at[i],
                     r->at[i] == r->at[i - 1] ? "two logs tell of one change"
                                              : "a record, or the log of a node, is missing");
    return RDT_OK;
}

/* ---- verifying */

static enum rdt_code
verify_one(struct verifying *v, struct log *log)
{
    struct rdt_err *err = &v->cli->err;
    struct rdt_span key = {v->key, v->key_given ? sizeof v->key : 0};
    enum rdt_code rc = rdt_audit_folder_of(log->data, log->dir, err);
    if (rc == RDT_OK)
        rc = read_known(log, err);
    if (rc != RDT_OK)
        return rc;
    rc = rdt_audit_verify(log->dir, key, anchor_of(v, log), rdt_buf_span(&log->known),
                          &log->verdict, &log->err);
    if (rc == RDT_E_NOTFOUND && (log->has_store || v->n_logs > 1))
        rc = rdt_fail(&log->err, RDT_E_TAMPERED, "the audit log is missing");
    if (rc == RDT_OK || rc == RDT_E_TAMPERED)
        return RDT_OK;
    *err = log->err;
    return rdt_fail_in(err, rc, "%s", log->data);
}

static bool
all_good(const struct verifying *v)
{
    for (size_t i = 0; i < v->n_logs; i++)
        if (v->logs[i].err.code != RDT_OK)
            return false;
    return v->gap.code == RDT_OK;
}

static bool
all_fresh(const struct verifying *v)
{
    for (size_t i = 0; i < v->n_logs; i++)
        if (!v->logs[i].verdict.fresh)
            return false;
    return true;
}

static enum rdt_code
verify_all(struct verifying *v)
{
    enum rdt_code rc = read_anchors(v);
    if (rc == RDT_OK)
        rc = rdt_audit_key_file(v->cli, &v->key_given, v->key);
    for (size_t i = 0; rc == RDT_OK && i < v->n_logs; i++)
        rc = verify_one(v, &v->logs[i]);
    for (size_t i = 0; rc == RDT_OK && i < v->n_anchors; i++)
        if (!v->anchor_used[i] && all_good(v))
            rc = rdt_fail(&v->cli->err, RDT_E_BADINPUT, "%s: a checkpoint of another log",
                          v->cli->values[OPT_ANCHOR][i]);
    return rc == RDT_OK && all_good(v) ? check_row(v) : rc;
}

/* ---- saying it */

static void
put_log(const struct verifying *v, const struct log *log, struct rdt_buf *out)
{
    const struct rdt_audit_verdict *verdict = &log->verdict;
    char stamp[64];
    if (log->err.code != RDT_OK) {
        rdt_buf_fmt(out, "%s: TAMPERED: %s\n", log->data, log->err.text);
        rdt_buf_fmt(out, "  records below %" PRIu64 " are as they were written\n",
                    verdict->bad_index);
        return;
    }
    rdt_buf_fmt(out, "%s: good: %" PRIu64 " records, %" PRIu64 " checkpoints\n", log->data,
                verdict->records, verdict->checkpoints);
    if (verdict->checkpoints != 0) {
        rdt_checkpoint_stamp(&verdict->last, stamp, sizeof stamp);
        rdt_buf_fmt(out, "  signed: %" PRIu64 " records, by the checkpoint of %s\n",
                    verdict->proven, stamp);
    }
    if (verdict->records > verdict->proven)
        rdt_buf_fmt(out, "  not signed yet: the last %" PRIu64 "\n",
                    verdict->records - verdict->proven);
    rdt_buf_fmt(out, "  key: %s\n",
                v->key_given ? "the one that was given"
                             : "the folder's own, which a forger could have made too (--key)");
    rdt_buf_fmt(out, "  fresh: %s\n",
                verdict->fresh ? "yes, up to the anchor at least"
                               : "unknown; its end could be cut off (--anchor)");
    rdt_buf_fmt(out, "  store: %s\n", log->store);
    if (verdict->torn)
        rdt_buf_str(out, "  end: a frame that a crash cut short; nobody was answered\n");
}

static void
put_words(const struct verifying *v, struct rdt_buf *out)
{
    for (size_t i = 0; i < v->n_logs; i++)
        put_log(v, &v->logs[i], out);
    if (v->gap.code != RDT_OK)
        rdt_buf_fmt(out, "TAMPERED: %s\n", v->gap.text);
    else if (all_good(v) && v->revisions.unreadable)
        rdt_buf_str(out, "changes: not compared; there are records of a newer version\n");
    else if (all_good(v) && v->revisions.n != 0)
        rdt_buf_fmt(out, "changes: %" PRIu64 " to %" PRIu64 " of the store, each with its record\n",
                    v->revisions.at[0], v->revisions.at[v->revisions.n - 1]);
}

static void
put_json_log(const struct verifying *v, const struct log *log, struct rdt_buf *out)
{
    const struct rdt_audit_verdict *verdict = &log->verdict;
    bool good = log->err.code == RDT_OK;
    rdt_jout_open(out, NULL, '{');
    rdt_jout_str(out, "data", log->data);
    rdt_jout_str(out, "verdict", good ? "good" : "tampered");
    if (!good) {
        rdt_jout_str(out, "message", log->err.text);
        rdt_jout_int(out, "good_below", (int64_t)verdict->bad_index);
    }
    rdt_jout_int(out, "records", (int64_t)verdict->records);
    rdt_jout_int(out, "checkpoints", (int64_t)verdict->checkpoints);
    rdt_jout_int(out, "signed", (int64_t)verdict->proven);
    rdt_jout_bool(out, "key_given", v->key_given);
    rdt_jout_str(out, "fresh", verdict->fresh ? "yes" : "unknown");
    rdt_jout_bool(out, "store_compared", log->known.n != 0);
    if (verdict->checkpoints != 0)
        rdt_jout_hex(out, "root", (struct rdt_span){verdict->last.root, RDT_SHA256_LEN});
    rdt_jout_close(out, '}');
}

static void
put_json(const struct verifying *v, struct rdt_buf *out)
{
    rdt_buf_str(out, "{\"redoubt\":1");
    rdt_jout_str(out, "verdict", all_good(v) ? "good" : "tampered");
    if (v->gap.code != RDT_OK)
        rdt_jout_str(out, "message", v->gap.text);
    rdt_jout_open(out, "logs", '[');
    for (size_t i = 0; i < v->n_logs; i++)
        put_json_log(v, &v->logs[i], out);
    rdt_buf_str(out, "]}\n");
}

int
rdt_cmd_audit_verify(struct rdt_cli *cli)
{
    RDT_AUTO(verifying_done) struct verifying v = {.cli = cli};
    RDT_BUF out = {0};
    enum rdt_code rc = RDT_OK;
    size_t n = cli->n_values[OPT_DATA];
    if (n == 0)
        return rdt_cli_fail(
            cli, rdt_fail(&cli->err, RDT_E_USAGE, "give --data DIR, the server's folder"));
    v.logs = calloc(n, sizeof *v.logs);
    if (v.logs == NULL)
        return rdt_cli_fail(cli, RDT_E_NOMEM);
    for (; v.n_logs < n; v.n_logs++)
        v.logs[v.n_logs].data = cli->values[OPT_DATA][v.n_logs];
    rc = verify_all(&v);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    bool json = rdt_cli_has(cli, OPT_JSON);
    json ? put_json(&v, &out) : put_words(&v, &out);
    rc = json ? rdt_cli_write(cli, rdt_buf_span(&out)) : rdt_cli_write_words(cli, &out);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (!all_good(&v))
        return 1;
    return rdt_cli_has(cli, OPT_STRICT) && !all_fresh(&v) ? 2 : 0;
}

/* ---- anchor */

int
rdt_cmd_audit_anchor(struct rdt_cli *cli)
{
    RDT_BUF out = {0};
    struct rdt_checkpoint checkpoint;
    char dir[PATH_MAX], stamp[64];
    enum rdt_code rc = rdt_audit_data(cli, dir);
    if (rc == RDT_OK)
        rc = rdt_audit_newest(dir, &checkpoint, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_checkpoint_stamp(&checkpoint, stamp, sizeof stamp);
    if (rdt_cli_has(cli, OPT_JSON)) {
        RDT_BUF line = {0};
        rdt_checkpoint_text(&checkpoint, &line);
        rdt_buf_str(&out, "{\"redoubt\":1");
        rdt_jout_text(&out, "checkpoint", (struct rdt_span){line.p, line.n == 0 ? 0 : line.n - 1});
        rdt_jout_int(&out, "records", (int64_t)checkpoint.size);
        rdt_jout_hex(&out, "root", (struct rdt_span){checkpoint.root, RDT_SHA256_LEN});
        rdt_jout_int(&out, "revision", (int64_t)checkpoint.revision);
        rdt_jout_str(&out, "time", stamp);
        rdt_buf_str(&out, "}\n");
    } else {
        rdt_checkpoint_text(&checkpoint, &out);
    }
    rc = rdt_buf_ok(&out) ? rdt_cli_write(cli, rdt_buf_span(&out))
                          : rdt_fail(&cli->err, RDT_E_NOMEM, "print a checkpoint");
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, "over %" PRIu64 " records, made %s: keep it where the server cannot reach it",
                 checkpoint.size, stamp);
    return 0;
}
