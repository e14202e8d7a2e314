#include "root_help.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS 25

static char folder[64];

static int
set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/redoubt-root-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    char text[128];
    (void)state;
    snprintf(text, sizeof text, "rm -rf '%s'", folder);
    return system(text);
}

static const char *
path(const char *name)
{
    static char text[128];
    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

static int
no_file(void **state)
{
    (void)state;
    unlink(path("root.json"));
    return 0;
}

/* A development root with two items. */
static void
make(struct rdt_root **root, struct rdt_root_open **open)
{
    struct rdt_seal_opts opts = development("dev");
    RDT_SECRET item = {0};
    create(&opts, NULL, root, open);
    assert_int_equal(rdt_secret_new(&item, RDT_KEY_LEN, NULL), RDT_OK);
    assert_int_equal(rdt_root_put(*root, *open, "rows", &item, NULL), RDT_OK);
    assert_int_equal(rdt_root_put(*root, *open, "domain/1", &item, NULL), RDT_OK);
}

static void
saved_and_loaded(void **state)
{
    ROOT root = NULL;
    ROOT again = NULL;
    OPEN open = NULL;
    struct stat st;
    (void)state;
    assert_int_equal(rdt_root_load(folder, &again, NULL), RDT_E_NOTFOUND);
    make(&root, &open);
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_OK);
    assert_int_equal(stat(path("root.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(rdt_root_load(folder, &again, NULL), RDT_OK);
    assert_text(root, again);
    assert_int_equal(again->created_s, root->created_s);
    assert_int_equal(again->n_items, 2);
    assert_int_equal(rdt_root_save(again, folder, NULL), RDT_OK);
}

/* Two that loaded the same file: the second to save is told. */
static void
no_change_is_lost(void **state)
{
    ROOT root = NULL;
    ROOT server = NULL;
    ROOT by_hand = NULL;
    ROOT now = NULL;
    ROOT other = NULL;
    OPEN open = NULL;
    struct rdt_err err = {0};
    (void)state;
    make(&root, &open);
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_OK);
    assert_int_equal(rdt_root_load(folder, &server, NULL), RDT_OK);
    assert_int_equal(rdt_root_load(folder, &by_hand, NULL), RDT_OK);
    assert_int_equal(rdt_root_drop(server, "rows", NULL), RDT_OK);
    assert_int_equal(rdt_root_save(server, folder, NULL), RDT_OK);
    assert_int_equal(rdt_root_drop(by_hand, "domain/1", NULL), RDT_OK);
    assert_int_equal(rdt_root_save(by_hand, folder, &err), RDT_E_STATE);
    assert_non_null(strstr(err.text, "meanwhile"));
    assert_int_equal(rdt_root_load(folder, &now, NULL), RDT_OK);
    assert_text(now, server);
    assert_int_equal(rdt_root_save(server, folder, NULL), RDT_OK); /* its own is no other's */
    /* a new one takes no old one's place, and a lost one is not silently made again */
    rdt_root_lock(RDT_STEAL(open));
    make(&other, &open);
    assert_int_equal(rdt_root_save(other, folder, NULL), RDT_E_STATE);
    unlink(path("root.json"));
    assert_int_equal(rdt_root_save(server, folder, NULL), RDT_E_STATE);
    assert_int_equal(access(path("root.json"), F_OK), -1);
}

static int
open_large(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && ftruncate(fd, (off_t)RDT_ROOT_FILE_MAX + 1) == 0 ? fd : -1;
}

static void
strange_files(void **state)
{
    ROOT root = NULL;
    ROOT got = NULL;
    OPEN opened = NULL;
    (void)state;
    make(&root, &opened);
    assert_int_equal(symlink("/dev/null", path("root.json")), 0);
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_root_load(folder, &got, NULL), RDT_E_BADINPUT);
    unlink(path("root.json"));
    assert_int_equal(mkdir(path("root.json"), 0700), 0);
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_E_BADINPUT);
    assert_int_equal(rdt_root_load(folder, &got, NULL), RDT_E_BADINPUT);
    rmdir(path("root.json"));
    assert_int_equal(rdt_root_save(root, "/nowhere/at/all", NULL), RDT_E_IO);
    int fd = open_large(path("root.json"));
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rdt_root_load(folder, &got, NULL), RDT_E_LIMIT);
    assert_null(got);
}

/* Killed at any moment, the file is the old or the new one, and the lock is free. */
static void
killed_while_saving(void **state)
{
    ROOT root = NULL;
    OPEN open = NULL;
    (void)state;
    make(&root, &open);
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_OK);
    for (unsigned i = 0; i < KILLS; i++) {
        ROOT now = NULL;
        pid_t child = fork();
        if (child == 0) {
            for (;;) {
                root->check[0]++;
                if (rdt_root_save(root, folder, NULL) != RDT_OK)
                    _exit(1);
            }
        }
        usleep(500 + i * 397);
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(rdt_root_load(folder, &now, NULL), RDT_OK);
        assert_int_equal(now->n_items, 2);
        root->check[0] = now->check[0];
        assert_text(now, root);
        memcpy(root->stored_as, now->stored_as, sizeof root->stored_as);
    }
    assert_int_equal(rdt_root_save(root, folder, NULL), RDT_OK);
}

/* ---- what is in the file ---- */

static void
every_truncation(void **state)
{
    ROOT root = NULL;
    OPEN open = NULL;
    RDT_BUF text = {0};
    (void)state;
    make(&root, &open);
    rdt_root_text(root, &text);
    for (size_t n = 0; n + 2 <= text.n; n++) { /* without its last line end it is whole */
        ROOT got = NULL;
        struct rdt_err err = {0};
        assert_int_equal(rdt_root_parse((struct rdt_span){text.p, n}, &got, &err), RDT_E_BADINPUT);
        assert_null(got);
        assert_string_not_equal(err.text, "");
    }
}

/* Whether everything in the file still opens. */
static bool
opens(struct rdt_root *root)
{
    OPEN open = NULL;
    struct rdt_unseal none = {.n_shares = 0};
    if (rdt_root_unseal(root, NULL, &none, &open, NULL) != RDT_OK)
        return false;
    for (size_t i = 0; i < root->n_items; i++) {
        RDT_SECRET item = {0};
        if (rdt_root_get(root, open, root->items[i].name, &item, NULL) != RDT_OK)
            return false;
    }
    return true;
}

/* A changed byte is refused at once, or when it is used, or means the same. */
static void
every_changed_byte(void **state)
{
    static const uint8_t flips[] = {0x01, 0x20, 0x80};
    ROOT root = NULL;
    OPEN open = NULL;
    RDT_BUF text = {0};
    size_t loaded = 0, refused = 0;
    (void)state;
    make(&root, &open);
    rdt_root_text(root, &text);
    for (size_t at = 0; at < text.n; at++) {
        for (size_t f = 0; f < RDT_COUNT(flips); f++) {
            ROOT got = NULL;
            text.p[at] ^= flips[f];
            enum rdt_code rc = rdt_root_parse(rdt_buf_span(&text), &got, NULL);
            text.p[at] ^= flips[f];
            assert_true(rc == RDT_OK || rc == RDT_E_BADINPUT || rc == RDT_E_STATE ||
                        rc == RDT_E_LIMIT);
            refused += rc != RDT_OK;
            if (rc != RDT_OK)
                continue;
            loaded++;
            got->created_s = root->created_s; /* says nothing and is bound to nothing */
            if (opens(got))
                assert_text(got, root);
        }
    }
    assert_true(loaded > 100 && refused > 1000); /* both are tried */
}

static void
wrong_files(void **state)
{
    static const struct {
        const char *from, *to;
        enum rdt_code want;
    } cases[] = {
        {"\"redoubt_root\": 1",       "\"redoubt_root\": 2",                          RDT_E_STATE   },
        {"\"redoubt_root\": 1",       "\"redoubt_root\": 2, \"more\": [1]",           RDT_E_STATE   },
        {"\"redoubt_root\": 1",       "\"redoubt_root\": 0",                          RDT_E_STATE   },
        {"\"redoubt_root\": 1",       "\"redoubt_root\": 01",                         RDT_E_BADINPUT},
        {"\"redoubt_root\": 1",       "\"redoubt_root\": \"1\"",                      RDT_E_BADINPUT},
        {"\"redoubt_root\": 1",       "\"redoubt_root\": null",                       RDT_E_BADINPUT},
        {"\"redoubt_root\": 1",       "\"redoubt_root\": -1",                         RDT_E_BADINPUT},
        {"\"redoubt_root\": 1",       "\"redoubt_root\": 1, \"more\": 1",             RDT_E_BADINPUT},
        {"\"redoubt_root\": 1,",      "",                                             RDT_E_BADINPUT},
        {"\"check\"",                 "\"chekc\"",                                    RDT_E_BADINPUT},
        {"\"items\"",                 "\"deployment\"",                               RDT_E_BADINPUT},
        {"\"rows\": ",                "\"Rows\": ",                                   RDT_E_BADINPUT},
        {"\"rows\": ",                "\"ro.ws\": ",                                  RDT_E_BADINPUT},
        {"\"rows\": ",                "\"\": ",                                       RDT_E_BADINPUT},
        {"\"rows\": ",                "\"domain/1\": ",                               RDT_E_BADINPUT},
        {"\"rows\": \"",              "\"rows\": \"AA==",                             RDT_E_BADINPUT},
        {"\"rows\": \"",              "\"rows\": \"AAAA",                             RDT_E_BADINPUT},
        {"\"development\": true",     "\"development\": true, \"x\": 1",              RDT_E_BADINPUT},
        {"\"development\": true,",    "",                                             RDT_E_BADINPUT},
        {"\"id\": \"dev\"",           "\"id\": \"Dev\"",                              RDT_E_BADINPUT},
        {"\"id\": \"dev\"",           "\"id\": 3",                                    RDT_E_BADINPUT},
        {"\"id\": \"dev\"",           "\"id\": \"01234567890123456789012345678901\"", RDT_E_BADINPUT},
        {"\"type\": \"development\"", "\"type\": null",                               RDT_E_BADINPUT},
        {"Z\"",                       "\"",                                           RDT_E_BADINPUT},
    };
    ROOT root = NULL;
    OPEN open = NULL;
    (void)state;
    make(&root, &open);
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        ROOT got = NULL;
        if (edited(root, cases[i].from, cases[i].to, &got) != cases[i].want)
            fail_msg("%s", cases[i].to);
        assert_null(got);
    }
}

static void
wrong_numbers(void **state)
{
    ROOT root = NULL;
    ROOT got = NULL;
    OPEN open = NULL;
    RDT_SECRET item = {0};
    static const char *const whole[] = {"", "{}", "[]", "null", "1", "{\"redoubt_root\": {}}"};
    (void)state;
    make(&root, &open);
    assert_int_equal(rdt_secret_new(&item, RDT_KEY_LEN, NULL), RDT_OK);
    root->seals[1] = root->seals[0]; /* an id twice */
    root->n_seals = 2;
    assert_int_equal(edited(root, "", "", &got), RDT_E_BADINPUT);
    root->n_seals = 0;
    assert_int_equal(edited(root, "", "", &got), RDT_E_BADINPUT);
    for (; root->n_seals < RDT_ROOT_SEALS_MAX; root->n_seals++) {
        root->seals[root->n_seals] = root->seals[0];
        snprintf(root->seals[root->n_seals].id, RDT_ROOT_ID_MAX, "dev-%zu", root->n_seals);
    }
    assert_int_equal(edited(root, "", "", &got), RDT_OK);
    rdt_root_free(RDT_STEAL(got));
    assert_int_equal(edited(root, "\"seals\": [", "\"seals\": [{},", &got), RDT_E_LIMIT);
    for (size_t i = 0; root->n_items < RDT_ROOT_ITEMS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "domain/%zu", i);
        assert_int_equal(rdt_root_put(root, open, name, &item, NULL), RDT_OK);
    }
    assert_int_equal(rdt_root_put(root, open, "one-more", &item, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_root_put(root, open, "domain/1", &item, NULL), RDT_OK);
    assert_int_equal(edited(root, "", "", &got), RDT_OK);
    rdt_root_free(RDT_STEAL(got));
    assert_int_equal(edited(root, "\"items\": {", "\"items\": {\"x\": 1,", &got), RDT_E_LIMIT);
    for (size_t i = 0; i < RDT_COUNT(whole); i++)
        assert_int_equal(rdt_root_parse(rdt_span_str(whole[i]), &got, NULL), RDT_E_BADINPUT);
    assert_null(got);
}

static void
names(void **state)
{
    static const struct {
        const char *text, *more;
        bool want;
    } cases[] = {
        {"a",     "",  true },
        {"a-0",   "",  true },
        {"",      "",  false},
        {"A",     "",  false},
        {"a/1",   "",  false},
        {"a/1",   "/", true },
        {"a\xff", "/", false},
        {"1234",  "",  true },
        {"12345", "",  false},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_root_is_name(cases[i].text, 5, cases[i].more), cases[i].want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(saved_and_loaded, no_file),
        cmocka_unit_test_teardown(no_change_is_lost, no_file),
        cmocka_unit_test_teardown(strange_files, no_file),
        cmocka_unit_test_teardown(killed_while_saving, no_file),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_changed_byte),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
