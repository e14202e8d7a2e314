#include "base/embed.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/init.h"

#include <errno.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 64 /* of one example */
#define MODELINE "# yaml-language-server:"

/* One file of an example and where it goes. */
struct copy {
    const char *path; /* in the arena */
    struct rdt_span bytes;
    bool is_new; /* nothing stood there before */
};

struct plan {
    struct rdt_cli *cli;
    struct rdt_arena arena;
    const char *path, *folder;
    struct copy copies[FILES_MAX];
    size_t n;
};

static enum rdt_code
no_memory(struct plan *p)
{
    return rdt_fail(&p->cli->err, RDT_E_NOMEM, "plan init");
}

/* Refuses what is there already, unless told to overwrite it. */
static enum rdt_code
look(struct plan *p, struct copy *copy)
{
    struct stat st;
    copy->is_new = lstat(copy->path, &st) != 0;
    if (copy->is_new || rdt_cli_has(p->cli, OPT_FORCE))
        return RDT_OK;
    rdt_fail(&p->cli->err, RDT_E_DENIED, "%s is there already; nothing was written", copy->path);
    rdt_hint(&p->cli->err, "name another file, or overwrite with --force");
    return RDT_E_DENIED;
}

static enum rdt_code
make_folder_of(struct plan *p, const char *path)
{
    char *copy = rdt_arena_str(&p->arena, rdt_span_str(path));
    if (copy == NULL)
        return no_memory(p);
    return rdt_file_mkdirs(dirname(copy), &p->cli->err);
}

/* All of them, or none that is new. */
static enum rdt_code
write_copies(struct plan *p)
{
    enum rdt_code rc = RDT_OK;
    size_t done = 0;
    struct stat st;
    if (stat(p->folder, &st) != 0)
        return rdt_fail(&p->cli->err, RDT_E_IO, "%s: %s", p->folder, strerror(errno));
    for (size_t i = 0; rc == RDT_OK && i < p->n; i++)
        rc = look(p, &p->copies[i]);
    for (; rc == RDT_OK && done < p->n; done += rc == RDT_OK) {
        rc = make_folder_of(p, p->copies[done].path);
        if (rc == RDT_OK)
            rc = rdt_file_write(p->copies[done].path, 0644, p->copies[done].bytes, &p->cli->err);
    }
    for (size_t i = 0; rc != RDT_OK && i < done; i++) {
        if (p->copies[i].is_new)
            unlink(p->copies[i].path);
    }
    return rc;
}

/* The repository's own schema is not beside the copy. */
static struct rdt_span
without_modeline(struct rdt_span text)
{
    size_t n = strlen(MODELINE);
    if (text.n < n || !rdt_span_is((struct rdt_span){text.p, n}, MODELINE))
        return text;
    const uint8_t *end = memchr(text.p, '\n', text.n);
    size_t cut = end == NULL ? text.n : (size_t)(end - text.p) + 1;
    return (struct rdt_span){text.p + cut, text.n - cut};
}

static enum rdt_code
add_copy(struct plan *p, const char *name, const struct rdt_embedded *file)
{
    struct rdt_span bytes = {file->bytes, file->n};
    bool is_plan = strcmp(name, "redoubt.yaml") == 0;
    if (strcmp(name, "README.md") == 0)
        return RDT_OK; /* about the example, not about the copy */
    if (p->n == FILES_MAX)
        return rdt_fail(&p->cli->err, RDT_E_INTERNAL, "an example of more than %d files",
                        FILES_MAX);
    const char *path = is_plan ? p->path : rdt_arena_fmt(&p->arena, "%s/%s", p->folder, name);
    if (path == NULL)
        return no_memory(p);
    p->copies[p->n++] =
        (struct copy){.path = path, .bytes = is_plan ? without_modeline(bytes) : bytes};
    return RDT_OK;
}

static enum rdt_code
from_example(struct plan *p, const char *example)
{
    char folder[64];
    snprintf(folder, sizeof folder, "examples/%s/", example);
    enum rdt_code rc = RDT_OK;
    for (size_t i = 0; rc == RDT_OK && i < rdt_embedded_n; i++) {
        const char *name = rdt_embedded[i].name;
        if (strncmp(name, folder, strlen(folder)) == 0)
            rc = add_copy(p, name + strlen(folder), &rdt_embedded[i]);
    }
    if (rc == RDT_OK && p->n == 0)
        rc = rdt_fail(&p->cli->err, RDT_E_INTERNAL, "this binary lacks the example '%s'", example);
    return rc;
}

static enum rdt_code
from_answers(struct plan *p, struct rdt_buf *text)
{
    struct rdt_answers answers;
    bool terminal = isatty(STDIN_FILENO) && !rdt_cli_has(p->cli, OPT_QUIET);
    if (terminal)
        rdt_cli_note(p->cli, "%d questions; an empty answer takes what stands in brackets",
                     (int)RDT_NQUESTIONS);
    enum rdt_code rc =
        rdt_init_ask(stdin, terminal ? p->cli->words_to : NULL, &answers, &p->cli->err);
    if (rc != RDT_OK)
        return rc;
    rdt_init_draft(&answers, text);
    if (!rdt_buf_ok(text))
        return no_memory(p);
    p->copies[p->n++] = (struct copy){.path = p->path, .bytes = rdt_buf_span(text)};
    return RDT_OK;
}

/* To standard output goes the plan alone. */
static enum rdt_code
print_plan(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->copies[i].path != p->path)
            continue;
        struct rdt_span bytes = p->copies[i].bytes;
        if (fwrite(bytes.p, 1, bytes.n, p->cli->out) != bytes.n || fflush(p->cli->out) != 0)
            return rdt_fail(&p->cli->err, RDT_E_IO, "standard output could not be written");
    }
    return RDT_OK;
}

static enum rdt_code
find_path(struct plan *p)
{
    const char *out = rdt_cli_value(p->cli, OPT_OUT, NULL);
    p->path = p->cli->n_words > 0 ? p->cli->words[0] : out != NULL ? out : "redoubt.yaml";
    if (out != NULL && strcmp(out, p->path) != 0) {
        rdt_fail(&p->cli->err, RDT_E_USAGE, "FILE and --output name two files");
        rdt_hint(&p->cli->err, "give one of them");
        return RDT_E_USAGE;
    }
    char *copy = rdt_arena_str(&p->arena, rdt_span_str(p->path));
    if (copy == NULL)
        return no_memory(p);
    p->folder = dirname(copy);
    return RDT_OK;
}

int
rdt_cmd_plan_init(struct rdt_cli *cli)
{
    struct plan p = {.cli = cli};
    RDT_BUF text = {0};
    const char *example = rdt_cli_value(cli, OPT_FROM, NULL);
    enum rdt_code rc = find_path(&p);
    bool to_stdout = rc == RDT_OK && strcmp(p.path, "-") == 0;
    if (rc == RDT_OK && !to_stdout && example == NULL) /* before fifteen answers are given */
        rc = look(&p, &(struct copy){.path = p.path});
    if (rc == RDT_OK)
        rc = example != NULL ? from_example(&p, example) : from_answers(&p, &text);
    if (rc == RDT_OK)
        rc = to_stdout ? print_plan(&p) : write_copies(&p);
    if (rc == RDT_OK && !to_stdout) {
        for (size_t i = 0; i < p.n; i++)
            rdt_cli_note(cli, "wrote %s", p.copies[i].path);
        rdt_cli_note(cli, "next: redoubt check %s", p.path);
    }
    rdt_arena_done(&p.arena);
    return rc == RDT_OK ? 0 : rdt_cli_fail(cli, rc);
}
