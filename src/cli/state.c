#include "cli/state.h"

#include "base/file.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define OTHERS_WRITE 022

static bool
state_folder(struct rdt_buf *out)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        rdt_buf_fmt(out, "%s/redoubt", state);
    else if (home != NULL && home[0] == '/')
        rdt_buf_fmt(out, "%s/.local/state/redoubt", home);
    return out->n != 0 && rdt_buf_cstr(out) != NULL;
}

/*
 * A run is kept in a folder of ours alone: under sudo HOME may still be another user's, who could
 * have put a link there, and would have us write wherever it leads.
 */
static enum rdt_code
check_folder(const char *folder, struct rdt_err *err)
{
    struct stat st;
    RDT_FD fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return rdt_fail(err, errno == ENOENT ? RDT_E_NOTFOUND : RDT_E_DENIED, "%s: %s", folder,
                        strerror(errno));
    if (st.st_uid == geteuid() && (st.st_mode & OTHERS_WRITE) == 0)
        return RDT_OK;
    rdt_fail(err, RDT_E_DENIED, "%s: %s", folder,
             st.st_uid != geteuid() ? "belongs to somebody else" : "others may write to it");
    rdt_hint(err, "set XDG_STATE_HOME to a folder of your own");
    return RDT_E_DENIED;
}

void
rdt_runs_keep(struct rdt_cli *cli, const struct rdt_run *run, const struct rdt_plan *plan,
              const struct rdt_evidence *evidence)
{
    RDT_BUF folder = {0}, path = {0}, bytes = {0};
    struct rdt_err err = {0};
    enum rdt_code rc = RDT_E_NOTFOUND;
    if (state_folder(&folder)) {
        rdt_buf_fmt(&path, "%s/last-run.json", rdt_buf_cstr(&folder));
        struct rdt_report all = {.run = run, .plan = plan, .evidence = evidence};
        rc = rdt_report_render(&all, RDT_FORMAT_STORED, &bytes, &err);
    }
    if (rc == RDT_OK) {
        rc = rdt_file_mkdirs(rdt_buf_cstr(&folder), &err);
    }
    if (rc == RDT_OK)
        rc = check_folder(rdt_buf_cstr(&folder), &err);
    const char *name = path.n == 0 ? NULL : rdt_buf_cstr(&path);
    if (rc == RDT_OK && name != NULL)
        rc = rdt_file_write(name, 0600, rdt_buf_span(&bytes), &err);
    if (rc != RDT_OK)
        rdt_cli_note(cli, "note: this run was not kept for `redoubt report`: %s",
                     err.text[0] != '\0' ? err.text : "no HOME or XDG_STATE_HOME");
}

enum rdt_code
rdt_runs_load(struct rdt_cli *cli, struct rdt_stored **out)
{
    RDT_BUF path = {0}, bytes = {0};
    const char *given = rdt_cli_value(cli, OPT_RUN, NULL);
    enum rdt_code rc = RDT_OK;
    if (given == NULL && state_folder(&path)) {
        rc = check_folder(rdt_buf_cstr(&path), &cli->err);
        rdt_buf_str(&path, "/last-run.json");
    }
    const char *name = given != NULL ? given : rdt_buf_cstr(&path);
    if (name == NULL || name[0] == '\0')
        return rdt_fail(&cli->err, RDT_E_NOTFOUND, "no HOME or XDG_STATE_HOME: name a run");
    if (rc == RDT_OK)
        rc = rdt_file_read(name, RDT_JSON_MAX, &bytes, &cli->err);
    if (rc == RDT_E_NOTFOUND && given == NULL)
        rdt_hint(&cli->err, "there is no run yet: redoubt check makes one");
    if (rc == RDT_OK)
        rc = rdt_run_load(name, rdt_buf_span(&bytes), out, &cli->err);
    return rc == RDT_OK ? rc : rdt_fail_in(&cli->err, rc, "report");
}

unsigned
rdt_cli_width(const struct rdt_cli *cli)
{
    struct winsize size = {0};
    if (rdt_cli_has(cli, OPT_OUT) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0)
        return 80;
    return size.ws_col < 60 ? 60 : size.ws_col > 120 ? 120 : size.ws_col;
}

void
rdt_progress_show(void *arg, size_t n_done, size_t n)
{
    struct rdt_progress *progress = arg;
    const struct rdt_cli *cli = progress->cli;
    if (n == 0 || rdt_cli_has(cli, OPT_QUIET) || !isatty(STDERR_FILENO))
        return;
    int full = (int)(n_done * BAR_WIDTH / n);
    fprintf(cli->words_to, "\r%s [%.*s%*s] %zu of %zu", progress->what, full,
            "##############################", BAR_WIDTH - full, "", n_done, n);
    fflush(cli->words_to);
    progress->shown = true;
}

void
rdt_progress_end(struct rdt_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", progress->cli->words_to);
}
