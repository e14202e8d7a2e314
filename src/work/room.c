#include "work/room.h"

#include <string.h>
#include <sys/mman.h>

enum rdt_code
rdt_room_new(struct rdt_room *room, size_t n, struct rdt_err *err)
{
    if (n == 0 || n > RDT_ROOM_MAX)
        return rdt_fail(err, RDT_E_LIMIT, "a buffer of %zu bytes", n);
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return rdt_fail(err, RDT_E_NOMEM, "a buffer of %zu bytes", n);
#ifdef MADV_DONTDUMP
    madvise(p, n, MADV_DONTDUMP);
#endif
    *room = (struct rdt_room){p, n};
    return RDT_OK;
}

void
rdt_room_done(struct rdt_room *room)
{
    if (room->p != NULL) {
        explicit_bzero(room->p, room->n);
        munmap(room->p, room->n);
    }
    *room = (struct rdt_room){0};
}
