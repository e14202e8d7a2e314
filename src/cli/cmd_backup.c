/*
 * `redoubt backup create|verify|restore|release`.
 */
#include "base/clock.h"
#include "base/file.h"
#include "cli/audit_folder.h"
#include "cli/backup_folder.h"
#include "cli/remote.h"
#include "cli/root_input.h"
#include "codec/base64.h"
#include "codec/jout.h"
#include "kms/restore.h"
#include "server/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANCHOR_BYTES ((size_t)4096)

static enum rdt_code
need(struct rdt_cli *cli, enum rdt_option option, const char *what, const char **out)
{
    *out = rdt_cli_value(cli, option, NULL);
    return *out != NULL ? RDT_OK : rdt_fail(&cli->err, RDT_E_USAGE, "%s is missing", what);
}

static void
put_info(const struct rdt_cli *cli, const char *file, const struct rdt_backup_info *info,
         struct rdt_buf *out)
{
    char uuid[RDT_UUID_TEXT], stamp[RDT_STAMP_TEXT] = "?";
    rdt_uuid_text(info->deployment, uuid);
    if (info->created_ms / 1000 <= 253402300799u)
        rdt_stamp_text((int64_t)(info->created_ms / 1000), stamp);
    uint64_t bytes = info->root.n + info->store.n;
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_buf_str(out, "{\"redoubt\":1");
        rdt_jout_str(out, "file", file);
        rdt_jout_str(out, "deployment", uuid);
        rdt_jout_str(out, "created", stamp);
        rdt_jout_int(out, "revision", (int64_t)info->revision);
        rdt_jout_int(out, "bytes", (int64_t)bytes);
        rdt_jout_str(out, "version", info->version);
        return;
    }
    rdt_buf_fmt(out,
                "%s\n  deployment  %s\n  made        %s by redoubt %s\n  changes     up to %llu\n"
                "  bytes       %llu\n",
                file, uuid, stamp, info->version, (unsigned long long)info->revision,
                (unsigned long long)bytes);
}

static enum rdt_code
say(struct rdt_cli *cli, struct rdt_buf *out)
{
    if (!rdt_cli_has(cli, OPT_JSON))
        return rdt_cli_write_words(cli, out);
    rdt_buf_str(out, "}\n");
    return rdt_buf_ok(out) ? rdt_cli_write(cli, rdt_buf_span(out))
                           : rdt_fail(&cli->err, RDT_E_NOMEM, "an answer");
}

/* ---- create ---- */

static enum rdt_code
to_file(void *user, struct rdt_span bytes, struct rdt_err *err)
{
    const int *fd = user;
    while (bytes.n != 0) {
        ssize_t n = write(*fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rdt_fail(err, errno == ENOSPC || errno == EDQUOT ? RDT_E_FULL : RDT_E_IO,
                            "write: %s", strerror(errno));
        bytes = (struct rdt_span){bytes.p + n, bytes.n - (size_t)n};
    }
    return RDT_OK;
}

/* Of a stopped server: opened as it would open itself. */
static enum rdt_code
create_here(struct rdt_cli *cli, const char *dir, int fd)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_lock_at) struct rdt_root_open *open = NULL;
    struct rdt_kms *kms = NULL;
    struct rdt_backup *backup = NULL;
    enum rdt_code rc = rdt_root_load(dir, &root, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_root_input_unseal(cli, root, &open);
    if (rc == RDT_OK)
        rc = rdt_kms_open(&(struct rdt_kms_opts){.data = dir, .root = root, .open = open}, &kms,
                          &cli->err);
    if (rc == RDT_OK)
        rc = rdt_backup_make(kms, dir, &backup, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_backup_send(backup, to_file, &fd, &cli->err);
    rdt_backup_close(backup);
    rdt_kms_close(kms);
    return rc;
}

static enum rdt_code
create_at(struct rdt_cli *cli, const char *dir, int fd)
{
    RDT_BUF unused = {0};
    struct rdt_control_ask ask = {.dir = dir, .command = RDT_CONTROL_BACKUP, .fd = fd};
    struct rdt_err err = {0};
    enum rdt_code rc = rdt_control_ask(&ask, &unused, &err);
    if (rc == RDT_E_NOTFOUND) /* nobody runs there */
        return create_here(cli, dir, fd);
    if (rc != RDT_OK)
        cli->err = err;
    return rc;
}

/* What arrived is read once more before it gets its name. */
static enum rdt_code
finish(struct rdt_cli *cli, int fd, const char *beside, const char *file, struct rdt_buf *out)
{
    RDT_AUTO(rdt_backup_file_close_at) struct rdt_backup_file *made = NULL;
    if (fsync(fd) != 0)
        return rdt_fail(&cli->err, RDT_E_IO, "%s: %s", beside, strerror(errno));
    enum rdt_code rc = rdt_backup_open(beside, &made, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_backup_read(made, &cli->err);
    if (rc != RDT_OK)
        return rc;
    put_info(cli, file, rdt_backup_file_info(made), out);
    int done = renameat2(AT_FDCWD, beside, AT_FDCWD, file, RENAME_NOREPLACE);
    if (done != 0 && errno == EINVAL) /* a disk that cannot refuse; it was not there a moment ago */
        done = rename(beside, file);
    if (done != 0)
        return rdt_fail(&cli->err, errno == EEXIST ? RDT_E_STATE : RDT_E_IO, "%s: %s", file,
                        strerror(errno));
    return rdt_backup_sync_folder(file, &cli->err);
}

int
rdt_cmd_backup_create(struct rdt_cli *cli)
{
    RDT_BUF out = {0};
    char beside[PATH_MAX];
    struct stat info;
    const char *dir = NULL, *file = NULL;
    enum rdt_code rc = need(cli, OPT_DATA, "--data DIR: the server's folder", &dir);
    if (rc == RDT_OK)
        rc = need(cli, OPT_OUT, "-o FILE", &file);
    if (rc == RDT_OK && lstat(file, &info) == 0)
        rc = rdt_fail(&cli->err, RDT_E_STATE, "%s is there already", file);
    if (rc == RDT_OK && snprintf(beside, sizeof beside, "%s.partial", file) >= PATH_MAX)
        rc = rdt_fail(&cli->err, RDT_E_LIMIT, "the path is too long");
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    (void)unlink(beside); /* what an interrupted one left */
    RDT_FD fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        rc = rdt_fail(&cli->err, RDT_E_IO, "%s: %s", beside, strerror(errno));
    if (rc == RDT_OK)
        rc = create_at(cli, dir, fd);
    if (rc == RDT_OK)
        rc = finish(cli, fd, beside, file, &out);
    if (fd >= 0)
        (void)unlink(beside);
    cli->n_values[OPT_OUT] = 0; /* the words below are for standard output */
    if (rc == RDT_OK)
        rc = say(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- verify, restore ---- */

/* A backup, its root opened by the means that are given, in a folder made for it. */
struct unpacked {
    struct rdt_cli *cli;
    struct rdt_backup_file *file;
    struct rdt_root *root;
    struct rdt_root_open *open;
    struct rdt_backup_folder folder;
    struct rdt_buf anchor;
};

static void
unpacked_done(struct unpacked *u)
{
    rdt_root_lock(u->open);
    rdt_root_free(u->root);
    rdt_backup_file_close(u->file);
    rdt_backup_folder_remove(&u->folder);
    rdt_buf_done(&u->anchor);
}

static enum rdt_code
unpack(struct unpacked *u, const char *file)
{
    struct rdt_err *err = &u->cli->err;
    const char *dir = u->folder.path;
    enum rdt_code rc = rdt_backup_open(file, &u->file, err);
    if (rc == RDT_OK)
        rc = rdt_backup_unpack_root(u->file, dir, err);
    if (rc == RDT_OK)
        rc = rdt_root_load(dir, &u->root, err);
    if (rc == RDT_OK)
        rc = rdt_root_input_unseal(u->cli, u->root, &u->open);
    if (rc == RDT_OK)
        rc = rdt_backup_check(u->file, u->root, u->open, err);
    return rc == RDT_OK ? rdt_backup_unpack_store(u->file, dir, err) : rc;
}

int
rdt_cmd_backup_verify(struct rdt_cli *cli)
{
    RDT_AUTO(unpacked_done) struct unpacked u = {.cli = cli};
    RDT_BUF out = {0};
    enum rdt_code rc = rdt_backup_folder_temporary(&u.folder, &cli->err);
    if (rc == RDT_OK)
        rc = unpack(&u, cli->words[0]);
    struct rdt_kms_opts opts = {.data = u.folder.path, .root = u.root, .open = u.open};
    if (rc == RDT_OK)
        rc = rdt_kms_verify(&opts, &cli->err);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    put_info(cli, cli->words[0], rdt_backup_file_info(u.file), &out);
    if (rdt_cli_has(cli, OPT_JSON))
        rdt_jout_str(&out, "verdict", "good");
    else
        rdt_buf_str(&out, "good: as it was made, and every row of it\n");
    rc = say(cli, &out);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

static void
put_restored(const struct rdt_cli *cli, const struct rdt_restore *restore, struct rdt_buf *out)
{
    bool free_to_serve = restore->why[0] == '\0';
    if (rdt_cli_has(cli, OPT_JSON)) {
        rdt_jout_bool(out, "quarantine", !free_to_serve);
        rdt_jout_str(out, "why", free_to_serve ? NULL : restore->why);
        rdt_jout_int(out, "later_changes", (int64_t)restore->records);
        rdt_jout_int(out, "done_again", (int64_t)restore->withdrawn);
        rdt_jout_text(out, "notes", rdt_buf_span(&restore->notes));
        return;
    }
    rdt_buf_fmt(out, "  later       %llu changes in the log, %llu of them done again\n",
                (unsigned long long)restore->records, (unsigned long long)restore->withdrawn);
    rdt_buf_add(out, restore->notes.p, restore->notes.n);
    if (free_to_serve)
        rdt_buf_str(out, "restored: it may serve\n");
    else
        rdt_buf_fmt(out,
                    "restored into QUARANTINE: %s\nit answers, and does nothing but show and "
                    "withdraw, until it is released: redoubt backup release\n",
                    restore->why);
}

/* A live server and a copy of it would be two: each would believe to be the only one. */
static enum rdt_code
check_stopped(struct rdt_cli *cli, const char *log)
{
    RDT_BUF unused = {0};
    char parent[PATH_MAX];
    struct rdt_control_ask ask = {.dir = parent, .command = RDT_CONTROL_STATUS, .fd = -1};
    int n = snprintf(parent, sizeof parent, "%s/..", log);
    if (n <= 0 || (size_t)n >= sizeof parent ||
        rdt_control_ask(&ask, &unused, NULL) == RDT_E_NOTFOUND)
        return RDT_OK;
    return rdt_fail(&cli->err, RDT_E_STATE, "a server runs on %s: stop it for good first", log);
}

static enum rdt_code
read_anchor(struct rdt_cli *cli, struct rdt_buf *out)
{
    RDT_BUF text = {0};
    const char *path = rdt_cli_value(cli, OPT_ANCHOR, NULL);
    if (path == NULL)
        return RDT_OK;
    enum rdt_code rc = rdt_file_read(path, ANCHOR_BYTES, &text, &cli->err);
    if (rc == RDT_OK && !rdt_checkpoint_read(rdt_buf_span(&text), out))
        rc = rdt_fail(&cli->err, RDT_E_BADINPUT, "%s: not a checkpoint", path);
    return rc;
}

static enum rdt_code
restore_into(struct unpacked *u, const char *dir, const char *log, struct rdt_restore *restore)
{
    struct rdt_cli *cli = u->cli;
    char folder[PATH_MAX];
    enum rdt_code rc = RDT_OK;
    if (log != NULL) {
        rc = rdt_audit_folder_of(log, folder, &cli->err);
        restore->log = folder;
    }
    if (rc == RDT_OK && log != NULL)
        rc = check_stopped(cli, folder);
    if (rc == RDT_OK)
        rc = read_anchor(cli, &u->anchor);
    restore->anchor = rdt_buf_span(&u->anchor);
    if (rc == RDT_OK)
        rc = rdt_backup_folder_in(dir, &u->folder, &cli->err);
    if (rc == RDT_OK)
        rc = unpack(u, cli->words[0]);
    if (rc != RDT_OK)
        return rc;
    restore->info = rdt_backup_file_info(u->file);
    struct rdt_kms_opts opts = {.data = u->folder.path, .root = u->root, .open = u->open};
    rc = rdt_kms_restore(&opts, restore, &cli->err);
    return rc == RDT_OK ? rdt_backup_folder_move_up(&u->folder, dir, &cli->err) : rc;
}

int
rdt_cmd_backup_restore(struct rdt_cli *cli)
{
    RDT_AUTO(unpacked_done) struct unpacked u = {.cli = cli};
    RDT_BUF out = {0};
    struct rdt_restore restore = {.info = NULL};
    const char *dir = NULL;
    enum rdt_code rc = need(cli, OPT_DATA, "--data DIR: an empty folder, or none yet", &dir);
    if (rc == RDT_OK)
        rc = restore_into(&u, dir, rdt_cli_value(cli, OPT_LOG, NULL), &restore);
    if (rc == RDT_OK) {
        put_info(cli, cli->words[0], restore.info, &out);
        put_restored(cli, &restore, &out);
        rc = say(cli, &out);
    }
    rdt_buf_done(&restore.notes);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}

/* ---- release ---- */

static enum rdt_code
release_by_root(struct rdt_cli *cli, const char *dir)
{
    RDT_AUTO(rdt_root_free_at) struct rdt_root *root = NULL;
    RDT_AUTO(rdt_root_input_done) struct rdt_root_input input = {.n_shares = 0};
    RDT_BUF answer = {0};
    struct rdt_seal_info seal;
    enum rdt_code rc = rdt_root_load(dir, &root, &cli->err);
    if (rc == RDT_OK)
        rc = rdt_root_input_choose(cli, root, &seal);
    if (rc == RDT_OK)
        rc = rdt_root_input_old(cli, &seal, &input);
    if (rc != RDT_OK)
        return rc;
    struct rdt_unseal means = {.passphrase = input.word.p == NULL ? NULL : &input.word,
                               .shares = input.pointers,
                               .n_shares = input.n_shares};
    struct rdt_control_ask ask = {
        .dir = dir, .command = RDT_CONTROL_RELEASE, .seal = seal.id, .means = &means, .fd = -1};
    return rdt_control_ask(&ask, &answer, &cli->err);
}

int
rdt_cmd_backup_release(struct rdt_cli *cli)
{
    const char *dir = rdt_cli_value(cli, OPT_DATA, NULL);
    RDT_BUF body = {0};
    if (dir != NULL) {
        enum rdt_code rc = release_by_root(cli, dir);
        if (rc == RDT_OK)
            rdt_cli_note(cli, "released");
        return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
    }
    RDT_REMOTE remote = {.cli = cli};
    enum rdt_code rc = rdt_remote_open(cli, &remote);
    if (rc != RDT_OK)
        return rdt_cli_fail(cli, rc);
    rdt_jout_open(&body, NULL, '{');
    rdt_jout_close(&body, '}');
    return rdt_remote_act(&remote, "redoubt:RestoreRelease", &body, "released");
}
