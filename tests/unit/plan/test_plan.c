#include "base/file.h"
#include "load.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "hunter2-Canary-7731"
#define TARGET "stores:\n  db:\n    postgres:\n      host: h\n      databases: [a]\n      user: u\n"

static char folder[64];

static int
make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-plan-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *
put(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(rdt_file_write(path, 0600, rdt_span_str(text), NULL), RDT_OK);
    return path;
}

static void
load_file(struct loaded *l, const char *path, const char *env)
{
    struct rdt_plan_opts opts = {.env = env};
    *l = (struct loaded){0};
    l->rc = rdt_plan_load(path, &opts, &l->diags, &l->plan, &l->err);
}

static const char with_targets[] =
    HEAD "stores: { db: { kind: postgres } }\nenvironments:\n"
         "  none: {}\n  prod: { targets: t.yaml }\n  up: { targets: ../x.yaml }\n"
         "  root: { targets: /etc/hostname }\n  link: { targets: link.yaml }\n  gone: { targets: "
         "g.yaml }\n";

static enum rdt_code
targets_of(struct loaded *l, const char *env, const struct rdt_node **out)
{
    load_file(l, put("redoubt.yaml", with_targets), env);
    if (l->rc != RDT_OK)
        fail_msg("%s", l->err.text);
    return rdt_plan_targets(l->plan, &l->diags, out, &l->err);
}

static void
targets(void **state)
{
    LOADED none, prod, written;
    const struct rdt_node *out = NULL, *again = NULL;
    (void)state;
    put("t.yaml", TARGET "      auditor: { user: a, password: \"env:X\" }\n");
    assert_int_equal(targets_of(&none, "none", &out), RDT_OK);
    assert_null(out);
    assert_int_equal(targets_of(&written, NULL, &out), RDT_OK);
    assert_null(out);
    assert_int_equal(targets_of(&prod, "prod", &out), RDT_OK);
    assert_string_equal(rdt_node_str(out, "stores.db.postgres.auditor.password"), "env:X");
    assert_int_equal(rdt_plan_targets(prod.plan, &prod.diags, &again, &prod.err), RDT_OK);
    assert_ptr_equal(out, again);
}

static void
targets_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {TARGET "      auditor: { user: a, password: " CANARY " }\n",   "not the secret itself"     },
        {TARGET "      auditor: { user: a, password: [" CANARY "] }\n", "not the secret itself"     },
        {TARGET "      auditor: { user: a, password: \"file:\" }\n",    "not the secret itself"     },
        {TARGET "      auditor: { user: a, password: \"vault:x\" }\n",  "not the secret itself"     },
        {TARGET "      auditor: { user: a }\n",                         "needs the field 'password'"},
        {TARGET "      pasword: " CANARY "\n",                          "unknown field"             },
        {"stores: { bd: {} }\n",                                        "the plan has no 'bd'"      },
        {"data: {}\n",                                                  "unknown field 'data'"      },
        {"- a\n",                                                       "expected a map"            },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        LOADED l;
        const struct rdt_node *out = NULL;
        put("t.yaml", cases[i].text);
        assert_int_equal(targets_of(&l, "prod", &out), RDT_E_BADINPUT);
        assert_null(out);
        assert_true(complains(&l, cases[i].words));
        assert_null(strstr(l.err.text, CANARY));
        assert_false(complains(&l, CANARY));
    }
}

static void
targets_outside(void **state)
{
    static const char *const envs[] = {"up", "root", "link"};
    char link[128];
    (void)state;
    snprintf(link, sizeof link, "%s/link.yaml", folder);
    assert_int_equal(symlink("/etc/hostname", link), 0);
    for (size_t i = 0; i < RDT_COUNT(envs); i++) {
        LOADED l;
        const struct rdt_node *out = NULL;
        assert_int_equal(targets_of(&l, envs[i], &out), RDT_E_BADINPUT);
        assert_null(out);
        assert_true(complains(&l, "leaves the plan's folder"));
    }
    LOADED gone;
    const struct rdt_node *out = NULL;
    assert_int_equal(targets_of(&gone, "gone", &out), RDT_E_NOTFOUND);
    assert_non_null(strstr(gone.err.hint, "environments.gone.targets"));
}

static void
files(void **state)
{
    static const struct {
        const char *path;
        enum rdt_code want;
    } cases[] = {
        {"/nonexistent/redoubt.yaml", RDT_E_NOTFOUND},
        {"/",                         RDT_E_BADINPUT},
        {"/dev/zero",                 RDT_E_BADINPUT},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        LOADED l;
        load_file(&l, cases[i].path, NULL);
        assert_int_equal(l.rc, cases[i].want);
        assert_null(l.plan);
    }
    LOADED l;
    load_file(&l, put("redoubt.yaml", HEAD), NULL);
    assert_int_equal(l.rc, RDT_OK);
    assert_string_equal(rdt_plan_folder(l.plan), folder);
    assert_null(rdt_plan_env(l.plan));
    rdt_plan_close(NULL);
}

static void
include(void **state)
{
    LOADED l, clash;
    (void)state;
    put("a.yaml", "data: { a: { level: low } }\nservices: { s: { zone: z } }\n");
    put("b.yaml", "data: { b: { like: a } }\n");
    load_file(&l,
              put("redoubt.yaml",
                  HEAD "include: [\"[ab].yaml\"]\nstores: { x: { kind: disk, holds: [a, b] } }\n"),
              NULL);
    assert_int_equal(l.rc, RDT_OK);
    assert_link(l.plan, "stores.x", RDT_LINK_DATA, "a b");
    assert_non_null(strstr(rdt_plan_find(l.plan, "data.b")->mark.file, "b.yaml"));
    put("b.yaml", "data: { a: { level: high } }\n");
    load_file(&clash, put("redoubt.yaml", HEAD "include: [a.yaml, b.yaml]\n"), NULL);
    assert_int_equal(clash.rc, RDT_E_BADINPUT);
    assert_true(complains(&clash, "'a' is written twice"));
    assert_non_null(strstr(clash.diags.items[0].mark.file, "b.yaml"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),         cmocka_unit_test(targets_refused),
        cmocka_unit_test(targets_outside), cmocka_unit_test(files),
        cmocka_unit_test(include),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
