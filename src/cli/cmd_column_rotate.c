/* `redoubt column rotate`: sweep, fence, the rest, validate. */
#include "base/clock.h"
#include "cli/column.h"
#include "codec/jout.h"

#include <inttypes.h>
#include <time.h>

static enum rdt_code
fail_bad(struct rdt_column_cli *at, struct rdt_rotation *rotation)
{
    struct rdt_cli *cli = at->cli;
    rdt_column_cli_bad(cli, &rotation->bad);
    rdt_fail(&cli->err, RDT_E_TAMPERED,
             "%s: %" PRIu64 " values cannot be read, and were left as they are",
             at->job.column->name, rotation->bad.all);
    rdt_hint(&cli->err, "%s",
             at->job.show_rows ? "mend them from a backup, or write them anew; all others are "
                                 "under the current epoch"
                               : "--show-rows names their rows");
    return RDT_E_TAMPERED;
}

/*
 * A client may write under the key that it was given until its time is over: the fence would refuse
 * its values. So it is put up only then.
 */
static void
wait_for_writers(struct rdt_column_cli *at, const struct rdt_rotation *rotation, int64_t began_s)
{
    bool known = at->ring_s != 0 && !rotation->off_cycle; /* when the keys were made */
    int64_t from_s = known ? at->ring_s : began_s;
    int64_t left = from_s + (int64_t)rotation->ttl_s + 1 - rdt_now();
    if (rdt_cli_has(at->cli, OPT_FLIPPED) || left <= 0 || rotation->stale == 0)
        return;
    rdt_cli_note(at->cli,
                 "waiting %" PRId64 " s, for as long as a program may write under a key that it "
                 "was given before (--flipped: none does)",
                 left);
    while (rdt_now() < from_s + (int64_t)rotation->ttl_s + 1) {
        struct timespec second = {1, 0};
        nanosleep(&second, NULL);
    }
}

static enum rdt_code
rotate(struct rdt_column_cli *at, struct rdt_rotation *out)
{
    struct rdt_err *err = &at->cli->err;
    bool whole = at->job.tenant == NULL && !rdt_cli_has(at->cli, OPT_NO_FENCE);
    int64_t began_s = rdt_now();
    enum rdt_code rc = rdt_column_sweep(&at->job, out, err);
    if (rc == RDT_OK && out->bad.all != 0)
        return fail_bad(at, out);
    if (rc != RDT_OK || !whole)
        return rc;
    wait_for_writers(at, out, began_s);
    rc = rdt_column_fence(&at->job, out, err);
    if (rc == RDT_OK) /* what was written under the old epoch before the fence stood */
        rc = rdt_column_sweep(&at->job, out, err);
    if (rc == RDT_OK && out->bad.all != 0)
        return fail_bad(at, out);
    return rc == RDT_OK ? rdt_column_validate(&at->job, out, err) : rc;
}

static int
show(struct rdt_column_cli *at, const struct rdt_rotation *rotation)
{
    RDT_BUF text = {0};
    struct rdt_cli *cli = at->cli;
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_jout_open(&text, NULL, '{');
        rdt_jout_str(&text, "Column", at->job.column->name);
        rdt_jout_int(&text, "Values", (int64_t)rotation->values);
        rdt_jout_int(&text, "Stale", (int64_t)rotation->stale);
        rdt_jout_int(&text, "Swept", (int64_t)rotation->swept);
        rdt_jout_int(&text, "Passes", (int64_t)rotation->passes);
        rdt_jout_int(&text, "Beaten", (int64_t)rotation->beaten);
        rdt_jout_int(&text, "SweepMs", rotation->sweep_ms);
        rdt_jout_int(&text, "FenceMs", rotation->fence_ms);
        rdt_jout_int(&text, "ValidateMs", rotation->validate_ms);
        rdt_jout_bool(&text, "Fenced", rotation->fenced);
        rdt_jout_bool(&text, "Validated", rotation->validated);
        rdt_jout_close(&text, '}');
        rdt_buf_str(&text, "\n");
    } else {
        rdt_buf_fmt(&text, "%s: %" PRIu64 " values, %" PRIu64 " encrypted anew%s\n",
                    at->job.column->name, rotation->values, rotation->swept,
                    rotation->validated ? "; the database refuses older ones, and holds none"
                                        : "; no fence");
    }
    enum rdt_code rc = rdt_cli_write(cli, rdt_buf_span(&text));
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    if (rotation->validated)
        rdt_cli_note(cli, "the old version may go once it is proved: redoubt column prove");
    return 0;
}

int
rdt_cmd_column_rotate(struct rdt_cli *cli)
{
    RDT_AUTO(rdt_column_cli_close) struct rdt_column_cli at = {0};
    RDT_AUTO(rdt_rotation_done) struct rdt_rotation rotation = {0};
    enum rdt_code rc = rdt_column_cli_open(cli, &at);
    if (rc == RDT_OK)
        rc = rdt_column_cli_use(&at, cli->words[0]);
    if (rc == RDT_OK)
        rc = rotate(&at, &rotation);
    if (rc != RDT_OK && rotation.swept != 0)
        rdt_cli_note(cli,
                     "%" PRIu64 " values were encrypted anew and stay so; run it again to go on",
                     rotation.swept);
    return rc == RDT_OK ? show(&at, &rotation) : rdt_cli_fail(cli, rc);
}
