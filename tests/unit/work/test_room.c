#include "work/room.h"

#include "../test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The flags that the kernel has for the mapping of p. */
static bool
is_left_out_of_dumps(const void *p)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long from, to;
    bool inside = false, found = false;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (unsigned long)(uintptr_t)p >= from && (unsigned long)(uintptr_t)p < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " dd") != NULL;
    }
    fclose(file);
    return found;
}

static void
test_room(void **state)
{
    (void)state;
    struct rdt_room room = {0};
    assert_int_equal(rdt_room_new(&room, 100000, NULL), RDT_OK);
    assert_int_equal(room.n, 100000);
    for (size_t i = 0; i < room.n; i++)
        assert_int_equal(room.p[i], 0);
    memset(room.p, 0x5a, room.n);
    assert_true(is_left_out_of_dumps(room.p));
    rdt_room_done(&room);
    assert_null(room.p);
    assert_int_equal(room.n, 0);
    rdt_room_done(&room);
}

static void
test_limits(void **state)
{
    (void)state;
    struct rdt_room room = {0};
    assert_int_equal(rdt_room_new(&room, 0, NULL), RDT_E_LIMIT);
    assert_int_equal(rdt_room_new(&room, RDT_ROOM_MAX + 1, NULL), RDT_E_LIMIT);
    assert_null(room.p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_room), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests_name("work/room", tests, NULL, NULL);
}
