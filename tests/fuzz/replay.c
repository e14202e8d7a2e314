/*
 * replay.c - runs each file of a folder through a fuzz target once, without libFuzzer: whatever was
 * found before stays found, under gcc and the sanitizers too. Also every truncation of a short
 * seed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX ((size_t)1 << 20)
#define CUT_MAX 512 /* seeds up to this long are also cut after each byte */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A block of exactly n bytes, so that the sanitizer sees a read of one more. */
static void
run(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n == 0 ? 1 : n);
    if (exact == NULL)
        abort();
    if (n != 0)
        memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static int
replay(const char *folder, const char *name)
{
    static uint8_t bytes[SEED_MAX];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, n);
    for (size_t cut = 0; n <= CUT_MAX && cut < n; cut++)
        run(bytes, cut);
    return 1;
}

int
main(int argc, char **argv)
{
    int n = 0;
    run((const uint8_t *)"", 0);
    printf("ok %d - empty input\n", ++n);
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        int ok = replay(argv[1], entry->d_name);
        printf("%s %d - %s\n", ok ? "ok" : "not ok", ++n, entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
    printf("1..%d\n", n);
    return 0;
}
