/*
 * softhsm.h - a token of SoftHSM's in a folder of the test's own, and the proxy that makes it fail.
 */
#ifndef RDT_TEST_SOFTHSM_H
#define RDT_TEST_SOFTHSM_H

#include "base/secret.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "redoubt test"
#define TOKEN_PIN "471108"

static char softhsm_folder[64];
static char softhsm_proxy[PATH_MAX];

/* The module, or NULL where it is not installed. */
static inline const char *
softhsm_module(void)
{
    static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                         "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                         "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (access(places[i], R_OK) == 0)
            return places[i];
    }
    return NULL;
}

/* Make the folder and a token in it; 0, or -1 with a word why. */
static inline int
softhsm_open(void)
{
    char text[PATH_MAX + 256];
    const char *build = getenv("REDOUBT_BUILD");
    snprintf(softhsm_folder, sizeof softhsm_folder, "/tmp/redoubt-p11-XXXXXX");
    if (softhsm_module() == NULL || mkdtemp(softhsm_folder) == NULL) {
        printf("# no SoftHSM here\n");
        return -1;
    }
    snprintf(text, sizeof text, "%s/softhsm2.conf", softhsm_folder);
    FILE *conf = fopen(text, "we");
    if (conf == NULL)
        return -1;
    fprintf(conf, "directories.tokendir = %s\nlog.level = ERROR\n", softhsm_folder);
    fclose(conf);
    setenv("SOFTHSM2_CONF", text, 1);
    setenv("REDOUBT_P11_REAL", softhsm_module(), 1);
    snprintf(text, sizeof text, "%s/logins", softhsm_folder);
    setenv("REDOUBT_P11_LOG", text, 1);
    snprintf(softhsm_proxy, sizeof softhsm_proxy, "%s/tests/unit/p11_proxy.so",
             build == NULL ? "." : build);
    snprintf(text, sizeof text,
             "softhsm2-util --init-token --free --label '" TOKEN
             "' --so-pin 12345678 --pin " TOKEN_PIN " >%s/out 2>&1",
             softhsm_folder);
    return system(text) == 0 ? 0 : -1;
}

static inline int
softhsm_close(void)
{
    char text[256];
    snprintf(text, sizeof text, "rm -rf '%s'", softhsm_folder);
    return system(text);
}

/* How often a PIN was shown to the token through the proxy since the last time of asking. */
static inline long
softhsm_logins(void)
{
    const char *path = getenv("REDOUBT_P11_LOG");
    FILE *log = fopen(path, "re");
    long n = 0;
    if (log == NULL)
        return 0;
    fseek(log, 0, SEEK_END);
    n = ftell(log);
    fclose(log);
    unlink(path);
    return n;
}

#endif
