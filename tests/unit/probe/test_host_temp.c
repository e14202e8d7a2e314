#include "host_tree.h"

#define DEVICES                                                                                    \
    "disk sda 8:0\npart sda1 8:1 sda\npart sda2 8:2 sda\n"                                         \
    "dm dm-0 253:0 crypt-a CRYPT-LUKS2-11-crypt-a sda2\n"
#define MOUNTS                                                                                     \
    TREE_ROOT("8:1", "ext4")                                                                       \
    "9 1 0:40 / /tmp rw - tmpfs tmpfs rw\n10 1 253:0 / /srv/scratch rw - ext4 /dev/dm-0 rw\n"

/* Runs the probe with scratch paths, "/a,/b" or NULL; "{" makes an entry a map with its path. */
static const struct rdt_node *
look(const struct tree *t, const char *scratch, struct rdt_evidence *seen)
{
    struct rdt_arena arena = {0};
    struct rdt_node *spec = rdt_node_new(&arena, RDT_NODE_MAP, (struct rdt_mark){0});
    struct rdt_node *list = rdt_value_list(&arena, spec, "scratch");
    char copy[256], *save = NULL;
    snprintf(copy, sizeof copy, "%s", scratch == NULL ? "" : scratch);
    for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
        if (w[0] == '{')
            rdt_value_text(&arena, rdt_value_map(&arena, list, NULL), "path", w + 1);
        else
            rdt_value_text(&arena, list, NULL, w);
    }
    struct rdt_probe_job job = {.subject = "services.api",
                                .kind = "host",
                                .spec = scratch == NULL ? NULL : spec,
                                .sysroot = t->root};
    assert_int_equal(rdt_probe_host(&job, seen), RDT_OK);
    rdt_arena_done(&arena);
    return rdt_evidence_find(seen, "services.api", "host.temp")->value;
}

static void
machine(struct tree *t)
{
    tree_new(t);
    tree_devices(t, DEVICES);
    tree_put(t, "/proc/self/mountinfo", MOUNTS);
    tree_dir(t, "/tmp");
    tree_dir(t, "/var/tmp");
    tree_dir(t, "/srv/scratch/in");
}

static void
paths(void **state)
{
    static const struct {
        const char *what, *scratch, *path, *want;
    } cases[] = {
        {"memory",                        NULL,              "/tmp",            "{mount: /tmp, fs: tmpfs, encrypted: ram, why: tmpfs is memory"},
        {"plain disk",                    NULL,              "/var/tmp",        "{mount: /, fs: ext4, encrypted: no, why: sda has no"          },
        {"scratch on LUKS",               "/srv/scratch/in", "/srv/scratch/in",
         "{mount: /srv/scratch, fs: ext4, encrypted: yes"                                                                                      },
        {"scratch as a map",              "{/srv/scratch",   "/srv/scratch",    "encrypted: yes"                                               },
        {"scratch that is a default too", "/tmp,/tmp",       "/tmp",            "encrypted: ram"                                               },
        {"scratch that is not there",     "/gone",           "/gone",
         "{mount: , fs: , encrypted: unknown, why: it does not exist"                                                                          },
        {"scratch that is no path",       "tmp",             "tmp",             "encrypted: unknown, why: the path is not abs"                 },
        {"swap is a fact of its own",     "swap",            "swap",            "null"                                                         },
    };
    (void)state;
    unsetenv("TMPDIR");
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct tree t;
        struct rdt_evidence seen = {0};
        RDT_BUF text = {0};
        machine(&t);
        const struct rdt_node *value = look(&t, cases[i].scratch, &seen);
        const struct rdt_member *entry = rdt_node_member(value, rdt_span_str(cases[i].path));
        tree_show(entry == NULL ? NULL : entry->node, &text);
        assert_holds(cases[i].what, rdt_buf_cstr(&text), cases[i].want);
        rdt_evidence_done(&seen);
        tree_free(&t);
    }
}

/* What nobody declared and is not there is left out; the same path twice is one entry. */
static void
count(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    unsetenv("TMPDIR");
    tree_new(&t);
    tree_put(&t, "/proc/self/mountinfo", MOUNTS);
    tree_dir(&t, "/tmp");
    const struct rdt_node *value = look(&t, "/tmp,/gone,/tmp", &seen);
    assert_int_equal(value->n, 2);
    assert_null(rdt_node_member(value, rdt_span_str("/var/tmp")));
    rdt_evidence_done(&seen);
    tree_free(&t);
}

/* The folder that the environment names is looked at, but its path is not shown. */
static void
environment(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    RDT_BUF text = {0};
    (void)state;
    machine(&t);
    tree_dir(&t, "/srv/scratch/jane");
    setenv("TMPDIR", "/srv/scratch/jane", 1);
    const struct rdt_node *value = look(&t, NULL, &seen);
    tree_show(value, &text);
    assert_holds("value", rdt_buf_cstr(&text),
                 "$TMPDIR: {mount: /srv/scratch, fs: ext4, encrypted: yes");
    assert_null(strstr(rdt_buf_cstr(&text), "jane"));
    assert_null(strstr(rdt_evidence_find(&seen, "services.api", "host.temp")->raw, "jane"));
    unsetenv("TMPDIR");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

static void
no_mounts(void **state)
{
    struct tree t;
    struct rdt_evidence seen = {0};
    (void)state;
    tree_new(&t);
    assert_null(look(&t, NULL, &seen));
    assert_holds("why", rdt_evidence_find(&seen, "services.api", "host.temp")->unknown,
                 "/proc/self/mountinfo");
    rdt_evidence_done(&seen);
    tree_free(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(count),
        cmocka_unit_test(environment),
        cmocka_unit_test(no_mounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
