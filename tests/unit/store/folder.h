/* folder.h - a folder for stores that is thrown away, and names in it. */
#ifndef RDT_STORE_FOLDER_H
#define RDT_STORE_FOLDER_H

#include "base/span.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static inline int
folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-store-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static inline int
folder_clear(void **state)
{
    char path[400];
    DIR *dir = opendir(folder);
    (void)state;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    return rmdir(folder);
}

/* A path in the folder; good until 16 others were asked for. */
static inline const char *
in_folder(const char *name)
{
    static char paths[16][128];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

#endif
