#include "store/newfile_internal.h"

#include "small.h"

#include <errno.h>

static void
appears_whole(void **state)
{
    RDT_BUF beside = {0};
    const char *path = in_folder("new");
    (void)state;
    assert_int_equal(rdt_newfile_begin(path, &beside, NULL), RDT_OK);
    assert_true(is_there((const char *)beside.p));
    assert_false(is_there(path));
    assert_int_equal(rdt_newfile_write((const char *)beside.p, rdt_span_str("words"), NULL),
                     RDT_OK);
    assert_int_equal(rdt_newfile_finish((const char *)beside.p, path, NULL), RDT_OK);
    assert_false(is_there((const char *)beside.p));
    struct rdt_buf got = bytes_of(path);
    assert_true(rdt_span_is(rdt_buf_span(&got), "words"));
    rdt_buf_done(&got);
}

static void
replaces_nothing(void **state)
{
    RDT_BUF first = {0}, second = {0};
    const char *path = in_folder("raced");
    (void)state;
    assert_int_equal(rdt_newfile_begin(path, &first, NULL), RDT_OK);
    write_bytes(path, rdt_span_str("somebody else"));
    assert_int_equal(rdt_newfile_finish((const char *)first.p, path, NULL), RDT_E_STATE);
    assert_false(is_there((const char *)first.p));
    assert_int_equal(rdt_newfile_begin(path, &second, NULL), RDT_E_STATE);
    struct rdt_buf got = bytes_of(path);
    assert_true(rdt_span_is(rdt_buf_span(&got), "somebody else"));
    rdt_buf_done(&got);
    unlink(path);
    assert_int_equal(symlink("nowhere", path), 0); /* a link that leads nowhere is a name too */
    second.n = 0;
    assert_int_equal(rdt_newfile_begin(path, &second, NULL), RDT_E_STATE);
}

/* What a stranger laid out under our name is not written through. */
static void
follows_no_link(void **state)
{
    RDT_BUF beside = {0};
    const char *path = in_folder("linked"), *victim = in_folder("victim");
    RDT_BUF partial = {0};
    (void)state;
    write_bytes(victim, rdt_span_str("untouched"));
    rdt_buf_fmt(&partial, "%s.%ld.partial", path, (long)getpid());
    const char *name = rdt_buf_cstr(&partial);
    assert_int_equal(symlink(victim, name), 0);
    assert_int_equal(rdt_newfile_begin(path, &beside, NULL), RDT_OK);
    assert_int_equal(rdt_newfile_write(name, rdt_span_str("mine"), NULL), RDT_OK);
    assert_int_equal(rdt_newfile_finish(name, path, NULL), RDT_OK);
    struct rdt_buf got = bytes_of(victim);
    assert_true(rdt_span_is(rdt_buf_span(&got), "untouched"));
    rdt_buf_done(&got);
}

static void
names_errors(void **state)
{
    static const struct {
        int error;
        enum rdt_code want;
    } cases[] = {
        {ENOSPC, RDT_E_FULL    },
        {EDQUOT, RDT_E_FULL    },
        {EFBIG,  RDT_E_FULL    },
        {EACCES, RDT_E_DENIED  },
        {EROFS,  RDT_E_DENIED  },
        {EEXIST, RDT_E_STATE   },
        {ENOENT, RDT_E_NOTFOUND},
        {ENOMEM, RDT_E_NOMEM   },
        {EIO,    RDT_E_IO      },
        {0,      RDT_E_IO      },
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++)
        assert_int_equal(rdt_newfile_code(cases[i].error), cases[i].want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appears_whole),
        cmocka_unit_test(replaces_nothing),
        cmocka_unit_test(follows_no_link),
        cmocka_unit_test(names_errors),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_clear);
}
