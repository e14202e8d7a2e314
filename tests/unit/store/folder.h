/* folder.h - a folder for stores that is thrown away, and names in it. */
#ifndef RDT_STORE_FOLDER_H
#define RDT_STORE_FOLDER_H

#include "base/span.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A path in the folder; the same name gives the same pointer. */
static inline const char *
in_folder(const char *name)
{
    static char paths[128][128];
    char path[sizeof paths[0]];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (paths[i][0] == '\0')
            memcpy(paths[i], path, sizeof path);
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    abort(); /* more names than a test should need */
}

#endif
