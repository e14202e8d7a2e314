#include "base/progress.h"

#include "base/compiler.h"

#include "../test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
lines(void **state)
{
    static const struct {
        enum rdt_progress_unit unit;
        uint64_t total, before, done;
        int64_t ms;
        size_t width;
        const char *want;
    } cases[] = {
        {RDT_PROGRESS_ROWS,  1000000,    0,      430000,     10000, 79,
         "sweep  [######.........]  43 %  430,000 of 1,000,000 rows  43,000/s  13 s left"                             },
        {RDT_PROGRESS_ROWS,  1000000,    400000, 430000,     10000, 40,
         "sweep  43 %  430,000 of 1,000,000 rows  "                                                                   },
        {RDT_PROGRESS_ROWS,  1000,       0,      1000,       1000,  79, "sweep  [#####################"               },
        {RDT_PROGRESS_ROWS,  1000,       0,      999,        0,     60,
         "sweep  [########################.]  99 %  999 of 1,000 rows"                                                },
        {RDT_PROGRESS_ROWS,  0,          0,      12,         2000,  79, "sweep  12 rows  6/s"                         },
        {RDT_PROGRESS_BYTES, 0,          0,      1234567890, 1000,  79, "sweep  1.2 GB  1.2 GB/s"                     },
        {RDT_PROGRESS_BYTES, 999,        0,      0,          1000,  30, "sweep  0 %  0 B of 999 B"                    },
        {RDT_PROGRESS_BYTES, UINT64_MAX, 0,      1,          1000,  60, "sweep  [............"                        },
        {RDT_PROGRESS_ROWS,  1000,       0,      2000,       1000,  8,  "sweep  1"                                    },
        {RDT_PROGRESS_ROWS,  7200,       0,      1,          1000,  46, "sweep  0 %  1 of 7,200 rows  1/s  2.0 h left"},
    };
    (void)state;
    for (size_t i = 0; i < RDT_COUNT(cases); i++) {
        struct rdt_progress progress;
        char line[RDT_PROGRESS_TEXT];
        rdt_progress_start(&progress, NULL, "sweep", cases[i].unit, cases[i].total,
                           cases[i].before);
        progress.done = cases[i].done;
        rdt_progress_line(&progress, progress.drawn_ms + cases[i].ms, cases[i].width, line);
        print_message("# %zu: %s\n", i, line);
        assert_true(strlen(line) <= cases[i].width);
        assert_memory_equal(line, cases[i].want, strlen(cases[i].want));
    }
}

/* The rate follows of late, and work that was interrupted does not count what it found done. */
static void
rates(void **state)
{
    struct rdt_progress progress;
    char line[RDT_PROGRESS_TEXT];
    (void)state;
    rdt_progress_start(&progress, NULL, "x", RDT_PROGRESS_ROWS, 1000, 900);
    int64_t now = progress.drawn_ms;
    progress.done = 910;
    rdt_progress_line(&progress, now += 1000, 79, line);
    assert_non_null(strstr(line, "10/s"));
    for (int i = 0; i < 40; i++) {
        progress.done += 2;
        rdt_progress_line(&progress, now += 1000, 79, line);
    }
    assert_non_null(strstr(line, "  2/s  5 s left"));
}

static void
widest(void **state)
{
    struct rdt_progress progress;
    char line[RDT_PROGRESS_TEXT];
    (void)state;
    rdt_progress_start(&progress, NULL, "x", RDT_PROGRESS_BYTES, UINT64_MAX, 0);
    progress.done = UINT64_MAX;
    for (size_t width = 0; width < 2000; width++) {
        rdt_progress_line(&progress, progress.drawn_ms + 1, width, line);
        assert_true(strlen(line) <= width);
    }
}

static void
a_pipe_gets_nothing(void **state)
{
    (void)state;
    int ends[2];
    struct rdt_progress progress, none = {0};
    char c;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    FILE *to = fdopen(ends[1], "w");
    rdt_progress_start(&progress, to, "sweep", RDT_PROGRESS_ROWS, 10, 0);
    progress.drawn_ms -= 1000;
    rdt_progress_at(&progress, 5);
    rdt_progress_clear(&progress);
    assert_int_equal(read(ends[0], &c, 1), -1);
    assert_int_equal(progress.done, 5);
    rdt_progress_at(&none, 5);
    rdt_progress_clear(&none);
    fclose(to);
    close(ends[0]);
}

static void
a_terminal_gets_a_line(void **state)
{
    (void)state;
    char got[512] = {0};
    struct rdt_progress progress;
    int main_end = posix_openpt(O_RDWR | O_NOCTTY);
    if (main_end < 0 || grantpt(main_end) != 0 || unlockpt(main_end) != 0)
        skip();
    int other = open(ptsname(main_end), O_RDWR | O_NOCTTY);
    FILE *to = fdopen(other, "w");
    rdt_progress_start(&progress, to, "sweep", RDT_PROGRESS_ROWS, 10, 0);
    rdt_progress_at(&progress, 4); /* too soon */
    progress.drawn_ms -= 1000;
    rdt_progress_at(&progress, 5);
    rdt_progress_clear(&progress);
    ssize_t n = read(main_end, got, sizeof got - 1);
    assert_true(n > 0);
    assert_memory_equal(got, "\rsweep  [", 9);
    assert_non_null(strstr(got, "5 of 10 rows"));
    assert_null(strstr(got, "4 of 10"));
    fclose(to);
    close(main_end);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(rates),
        cmocka_unit_test(widest),
        cmocka_unit_test(a_pipe_gets_nothing),
        cmocka_unit_test(a_terminal_gets_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
