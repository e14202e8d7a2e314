/*
 * `redoubt reseal` and `redoubt rekey`: other recipients for a sealed file. The first writes the
 * head anew, in place; the second the whole file, under another key.
 */
#include "base/file.h"
#include "cli/seal_args.h"
#include "work/interrupt.h"
#include "work/seal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static enum rdt_code
write_at(int fd, const char *name, size_t at, struct rdt_span bytes, struct rdt_err *err)
{
    while (bytes.n != 0) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rdt_fail(err, RDT_E_IO, "%s: %s", name, strerror(errno));
        bytes.p += n;
        bytes.n -= (size_t)n;
        at += (size_t)n;
    }
    return fsync(fd) == 0 ? RDT_OK : rdt_fail(err, RDT_E_IO, "%s: %s", name, strerror(errno));
}

/* The slot that is not in use, synced, then the other: one of them is always whole. */
static enum rdt_code
write_slots(struct rdt_seal_args *args, int fd, struct rdt_opener *opener, struct rdt_err *err)
{
    RDT_BUF stanzas = {0};
    struct rdt_seal_change change = {.generation = 0};
    const struct rdt_seal_head *head = rdt_opener_head(opener);
    const char *name = args->cli->words[0];
    struct rdt_wrap_about about = {.worker = rdt_opener_worker(opener),
                                   .core = head->core,
                                   .file_id = head->file_id,
                                   .file_key = rdt_opener_file_key(opener)};
    enum rdt_code rc = rdt_recipients_wrap(&args->to, &about, &stanzas, err);
    if (rc != RDT_OK)
        return rc;
    enum rdt_seal_fault fault = rdt_seal_reseal(about.worker, head, rdt_opener_at(opener),
                                                about.file_key, rdt_buf_span(&stanzas), &change);
    if (fault != RDT_SEAL_OK)
        rc = rdt_seal_fail(err, fault);
    for (int i = 0; i < 2 && rc == RDT_OK; i++)
        rc = write_at(fd, name, change.at[i], rdt_buf_span(&change.slot), err);
    rdt_buf_done(&change.slot);
    return rc;
}

static enum rdt_code
open_to_change(struct rdt_cli *cli, int *fd)
{
    const char *name = cli->words[0];
    *fd = open(name, O_RDWR | O_CLOEXEC);
    if (*fd < 0)
        return rdt_fail(&cli->err, errno == ENOENT ? RDT_E_NOTFOUND : RDT_E_DENIED, "%s: %s", name,
                        strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return rdt_fail(&cli->err, RDT_E_STATE, "%s: another process is changing it", name);
    return RDT_OK;
}

int
rdt_cmd_reseal(struct rdt_cli *cli)
{
    RDT_SEAL_ARGS args = {.cli = cli};
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    RDT_FD fd = -1;
    enum rdt_code rc = rdt_seal_args_with(&args);
    if (rc == RDT_OK)
        rc = rdt_seal_args_to(&args, true);
    if (rc == RDT_OK)
        rc = open_to_change(cli, &fd);
    if (rc == RDT_OK)
        rc = rdt_source_fd(fd, cli->words[0], &source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_new(source, &opener, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_unlock(opener, &args.with, &cli->err);
    if (rc == RDT_OK)
        rc = write_slots(&args, fd, opener, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, "%s: other recipients from now on", cli->words[0]);
    rdt_cli_note(cli, "note: this revokes nothing: who could open it before may have kept its key, "
                      "and old copies stay as they are; redoubt rekey encrypts it anew");
    return 0;
}

int
rdt_cmd_rekey(struct rdt_cli *cli)
{
    RDT_SEAL_ARGS args = {.cli = cli};
    RDT_AUTO(rdt_source_close_at) struct rdt_source *source = NULL;
    RDT_AUTO(rdt_opener_close_at) struct rdt_opener *opener = NULL;
    RDT_AUTO(rdt_sink_close_at) struct rdt_sink *sink = NULL;
    struct rdt_sealed sealed;
    rdt_interrupt_arm();
    enum rdt_code rc =
        rdt_source_open(cli->n_words == 0 ? NULL : cli->words[0], &source, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_args_with(&args);
    if (rc == RDT_OK)
        rc = rdt_seal_args_to(&args, true);
    if (rc == RDT_OK)
        rc = rdt_opener_new(source, &opener, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_opener_unlock(opener, &args.with, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_seal_args_sink(&args, &sink);
    if (rc == RDT_OK) {
        struct rdt_seal_file job = {.sink = sink,
                                    .opts = {.to = &args.to},
                                    .verify = rdt_cli_has(cli, OPT_VERIFY),
                                    .arg = &args,
                                    .progress = rdt_seal_args_at};
        rdt_seal_args_progress(&args, "rekey", rdt_source_size(source));
        rc = rdt_rekey_run(opener, &job, &sealed, &cli->err);
        rdt_progress_clear(&args.progress);
    }
    if (rc == RDT_OK)
        rc = rdt_sink_finish(sink, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_cli_note(cli, "note: copies under the old key are as readable as before: delete them");
    return 0;
}
