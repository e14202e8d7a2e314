#include "host_tree.h"

#include "probe/host_mount.h"

#define BASE "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

static enum rdt_code
parse(struct rdt_arena *arena, const char *text, struct rdt_mounts *out, struct rdt_err *err)
{
    return rdt_mounts_parse(arena, rdt_span_str(text), out, err);
}

static void
lines(void **state)
{
    static const struct {
        const char *what, *text;
        enum rdt_code want;
    } cases[] = {
        {"no tags",               "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n",                   RDT_OK        },
        {"two tags",              "1 0 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw\n", RDT_OK        },
        {"empty source",          "1 0 0:40 / / rw - tmpfs  rw\n",                          RDT_OK        },
        {"options with blanks",   "1 0 0:40 / / rw - x y a,b c\n",                          RDT_OK        },
        {"largest numbers",       "4294967295 0 8:1 / / rw - ext4 /dev/sda1 rw\n",          RDT_OK        },
        {"number too large",      "4294967296 0 8:1 / / rw - ext4 /dev/sda1 rw\n",          RDT_E_BADINPUT},
        {"endless number",        "99999999999999999999 0 8:1 / / rw - e s rw\n",           RDT_E_BADINPUT},
        {"negative",              "-1 0 8:1 / / rw - ext4 /dev/sda1 rw\n",                  RDT_E_BADINPUT},
        {"no minor",              "1 0 8 / / rw - ext4 /dev/sda1 rw\n",                     RDT_E_BADINPUT},
        {"no dash",               "1 0 8:1 / / rw ext4 /dev/sda1 rw\n",                     RDT_E_BADINPUT},
        {"relative point",        "1 0 8:1 / x rw - ext4 /dev/sda1 rw\n",                   RDT_E_BADINPUT},
        {"no options",            "1 0 8:1 / / rw - ext4 /dev/sda1\n",                      RDT_E_BADINPUT},
        {"options empty",         "1 0 8:1 / / rw - ext4 /dev/sda1 \n",                     RDT_E_BADINPUT},
        {"second line bad",       BASE "2 1\n",                                             RDT_E_BADINPUT},
        {"blank line",            BASE "\n",                                                RDT_E_BADINPUT},
        {"no newline at the end", "1 0 8:1 / / rw - ext4 /dev/sda1 rw",                     RDT_E_BADINPUT},
        {"empty",                 "",                                                       RDT_E_BADINPUT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_arena arena = {0};
        struct rdt_mounts mounts = {0};
        enum rdt_code rc = parse(&arena, cases[i].text, &mounts, NULL);
        if (rc != cases[i].want)
            fail_msg("%s: %s", cases[i].what, rdt_code_words(rc));
        rdt_arena_done(&arena);
    }
}

/* No prefix of a good table is taken for a table, unless it ends with a line. */
static void
truncated(void **state)
{
    static const char text[] = BASE "2 1 0:5 / /a\\040b rw shared:2 - tmpfs tmpfs rw\n";
    struct rdt_arena arena = {0};
    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct rdt_mounts mounts = {0};
        struct rdt_span part = {(const uint8_t *)text, n};
        bool whole = n == strlen(BASE);
        assert_int_equal(rdt_mounts_parse(&arena, part, &mounts, NULL),
                         whole ? RDT_OK : RDT_E_BADINPUT);
        assert_int_equal(mounts.n, whole ? 1 : 0);
    }
    rdt_arena_done(&arena);
}

static void
escapes(void **state)
{
    static const struct {
        const char *written, *meant;
    } cases[] = {
        {"/a\\040b",    "/a b"     },
        {"/a\\011b",    "/a\tb"    },
        {"/a\\012b",    "/a\nb"    },
        {"/a\\134b",    "/a\\b"    },
        {"/a\\\\b",     "/a\\\\b"  },
        {"/a\\04",      "/a\\04"   },
        {"/a\\",        "/a\\"     },
        {"/a\\089",     "/a\\089"  },
        {"/a\\777b",    "/a\\777b" },
        {"/a\\000b",    "/a\\000b" },
        {"/\\303\\251", "/\xc3\xa9"},
        {"/a\\134040",  "/a\\040"  },
    };
    struct rdt_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_string_equal(rdt_unescape(&arena, rdt_span_str(cases[i].written)), cases[i].meant);
    rdt_arena_done(&arena);
}

static void
which(void **state)
{
    static const struct {
        const char *what, *text, *path;
        uint32_t id; /* 0: none */
    } cases[] = {
        {"root alone",                                 BASE,                                                        "/a/b",   1},
        {"the longest",                                BASE "2 1 8:2 / /a rw - e s o\n3 2 8:3 / /a/b rw - e s o\n", "/a/b/c", 3},
        {"exactly the point",                          BASE "2 1 8:2 / /a rw - e s o\n",                            "/a",     2},
        {"a name that only starts alike",              BASE "2 1 8:2 / /a rw - e s o\n",                            "/ab",    1},
        {"blank in the point",                         BASE "2 1 8:2 / /a\\040b rw - e s o\n",                      "/a b/c", 2},
        {"the last one mounted on the same point",
         BASE "2 1 8:2 / /a rw - e s o\n3 2 8:3 / /a rw - e s o\n",                                                 "/a/x",   3},
        {"the same, listed the other way round",
         BASE "3 2 8:3 / /a rw - e s o\n2 1 8:2 / /a rw - e s o\n",                                                 "/a/x",   3},
        {"two on one parent and point",                BASE "2 1 8:2 / /a rw - e s o\n3 1 8:3 / /a rw - e s o\n",
         "/a/x",                                                                                                              3},
        {"a deep mount hidden by a later shallow one",
         BASE "2 1 8:2 / /a/b rw - e s o\n3 1 8:3 / /a rw - e s o\n",                                               "/a/b/c", 3},
        {"root mounted over",                          BASE "2 1 8:2 / / rw - e s o\n3 2 8:3 / /a rw - e s o\n",    "/a",     3},
        {"what the old root held is gone",             BASE "3 1 8:3 / /a rw - e s o\n2 1 8:2 / / rw - e s o\n",
         "/a",                                                                                                                2},
        {"no root",                                    "2 1 8:2 / /a rw - e s o\n",                                 "/a",     0},
        {"its own parent",                             "1 1 8:1 / / rw - e s o\n",                                  "/a",     1},
        {"a ring of parents",                          "1 2 8:1 / / rw - e s o\n2 1 8:2 / / rw - e s o\n",          "/a",     0},
        {"a ring above a root",                        BASE "2 3 8:2 / /a rw - e s o\n3 2 8:3 / /a rw - e s o\n",   "/a",     1},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_arena arena = {0};
        struct rdt_mounts mounts = {0};
        assert_int_equal(parse(&arena, cases[i].text, &mounts, NULL), RDT_OK);
        const struct rdt_mount *mount = rdt_mount_of(&mounts, cases[i].path);
        if ((mount == NULL ? 0 : mount->id) != cases[i].id)
            fail_msg("%s: %u", cases[i].what, mount == NULL ? 0 : mount->id);
        rdt_arena_done(&arena);
    }
}

static void
options(void **state)
{
    struct rdt_mount mount = {.options = "rw,logdev=/dev/sdb1,x=,noquota"};
    (void)state;
    assert_true(rdt_span_is(rdt_mount_option(&mount, "logdev"), "/dev/sdb1"));
    assert_non_null(rdt_mount_option(&mount, "noquota").p);
    assert_int_equal(rdt_mount_option(&mount, "noquota").n, 0);
    assert_non_null(rdt_mount_option(&mount, "x").p);
    assert_null(rdt_mount_option(&mount, "log").p);
    assert_null(rdt_mount_option(&mount, "").p);
}

/* A MiB of bytes without meaning is refused, whatever they are, and soon. */
static void
garbage(void **state)
{
    static char text[1024 * 1024];
    struct rdt_arena arena = {0};
    struct rdt_mounts mounts = {0};
    unsigned x = 1;
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)((x = x * 1103515245 + 12345) >> 16);
    text[sizeof text - 1] = '\n';
    struct rdt_span span = {(const uint8_t *)text, sizeof text};
    assert_int_equal(rdt_mounts_parse(&arena, span, &mounts, NULL), RDT_E_BADINPUT);
    memset(text, '\n', sizeof text);
    assert_int_equal(rdt_mounts_parse(&arena, span, &mounts, NULL), RDT_E_LIMIT);
    memset(text, ' ', sizeof text - 1);
    assert_int_equal(rdt_mounts_parse(&arena, span, &mounts, NULL), RDT_E_BADINPUT);
    rdt_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines), cmocka_unit_test(truncated), cmocka_unit_test(escapes),
        cmocka_unit_test(which), cmocka_unit_test(options),   cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
