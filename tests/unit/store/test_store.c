/* The suite of suite.h on SQLite. */
#include "suite.h"

#include "folder.h"

static unsigned made;
static char paths[128][128];

static const char *
next_path(const char *what)
{
    char *path = paths[made % RDT_COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s-%u.db", folder, what, made++);
    return path;
}

static struct rdt_store_opts
fresh(void)
{
    return (struct rdt_store_opts){.path = next_path("store"), .create = true};
}

static void
drop(const struct rdt_store_opts *opts)
{
    /* a clean close leaves one file */
    if (unlink(opts->path) != 0)
        fail_msg("%s is gone", opts->path);
}

static const char *
copy_path(void)
{
    return next_path("copy");
}

static struct rdt_store_opts
of_copy(const char *path)
{
    return (struct rdt_store_opts){.path = path};
}

static const struct kind sqlite = {"sqlite", fresh, drop, copy_path, of_copy};

int
main(void)
{
    if (folder_make(NULL) != 0)
        return 1;
    int failed = run_suite(&sqlite);
    return folder_clear(NULL) != 0 ? 1 : failed; /* nothing was left behind */
}
