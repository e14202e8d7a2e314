#include "base/embed.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

/* The order that the search relies on. */
static void
sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < rdt_embedded_n; i++)
        assert_true(strcmp(rdt_embedded[i - 1].name, rdt_embedded[i].name) < 0);
}

static void
all_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < rdt_embedded_n; i++) {
        struct rdt_span got = {0};
        assert_true(rdt_embed_find(rdt_embedded[i].name, &got));
        assert_ptr_equal(got.p, rdt_embedded[i].bytes);
        assert_int_equal(got.n, rdt_embedded[i].n);
        assert_int_equal(got.p[got.n], 0);
    }
}

static void
others_are_refused(void **state)
{
    static const char *const names[] = {
        "", "/", "packs", "packs/", "packs/no-such.lua", "../packs", "README.md", "zzz",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct rdt_span got = {(const uint8_t *)"kept", 4};
        assert_false(rdt_embed_find(names[i], &got));
        assert_true(rdt_span_is(got, "kept"));
    }
}

/* What is embedded is what lies in the source tree, byte for byte. */
static void
same_as_on_disk(void **state)
{
    const char *root = getenv("REDOUBT_SOURCE");
    (void)state;
    if (root == NULL)
        skip(); /* run outside meson */
    for (size_t i = 0; i < rdt_embedded_n; i++) {
        char path[4096];
        unsigned char *bytes = malloc(rdt_embedded[i].n + 1);
        snprintf(path, sizeof path, "%s/%s", root, rdt_embedded[i].name);
        FILE *file = fopen(path, "rb");
        assert_non_null(bytes);
        assert_non_null(file);
        assert_int_equal(fread(bytes, 1, rdt_embedded[i].n + 1, file), rdt_embedded[i].n);
        assert_memory_equal(bytes, rdt_embedded[i].bytes, rdt_embedded[i].n);
        fclose(file);
        free(bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted),
        cmocka_unit_test(all_are_found),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(same_as_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
