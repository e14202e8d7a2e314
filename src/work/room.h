/*
 * room.h - large buffers for plaintext: left out of core dumps, wiped before they go. Not locked:
 * a limit on locked memory is often below what a stream needs, and it is no key.
 */
#ifndef RDT_WORK_ROOM_H
#define RDT_WORK_ROOM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RDT_ROOM_MAX ((size_t)64 << 20) /* bytes of one buffer */

/* {0} is none. */
struct rdt_room {
    uint8_t *p;
    size_t n;
};

/* rdt_room_new - n zero bytes. Fails, leaving none: RDT_E_LIMIT, RDT_E_NOMEM. */
RDT_MUST_CHECK enum rdt_code rdt_room_new(struct rdt_room *room, size_t n, struct rdt_err *err);

/* rdt_room_done - wipe and free, leaving {0}. Also the closer for RDT_AUTO. */
void rdt_room_done(struct rdt_room *room);

#define RDT_ROOM RDT_AUTO(rdt_room_done) struct rdt_room

#endif
