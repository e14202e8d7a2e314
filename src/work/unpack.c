#include "work/unpack.h"

#include "seal/frame.h"
#include "work/room.h"

#include <stdlib.h>

struct rdt_unpacker {
    rdt_unpacked_fn *take;
    void *arg;
    struct rdt_frame_coder *coder;
    struct rdt_frames frames;
    struct rdt_room in, out;
    size_t n;      /* bytes in */
    bool in_table; /* what comes is the table */
    struct rdt_buf table;
};

static enum rdt_code
fault(struct rdt_err *err, enum rdt_seal_fault fault)
{
    return fault == RDT_SEAL_OK ? RDT_OK : rdt_seal_fail(err, fault);
}

enum rdt_code
rdt_unpacker_new(rdt_unpacked_fn *take, void *arg, struct rdt_unpacker **out, struct rdt_err *err)
{
    struct rdt_unpacker *u = calloc(1, sizeof *u);
    if (u == NULL)
        return rdt_fail(err, RDT_E_NOMEM, "decompress");
    u->take = take;
    u->arg = arg;
    enum rdt_code rc = fault(err, rdt_frame_coder_new(0, &u->coder));
    if (rc == RDT_OK)
        rc = rdt_room_new(&u->in, rdt_frame_room(), err);
    if (rc == RDT_OK)
        rc = rdt_room_new(&u->out, RDT_FRAME_LEN, err);
    if (rc != RDT_OK) {
        rdt_unpacker_close(u);
        return rc;
    }
    *out = u;
    return RDT_OK;
}

static enum rdt_code
give_frame(struct rdt_unpacker *u, size_t len, struct rdt_err *err)
{
    size_t n = 0;
    enum rdt_code rc =
        fault(err, rdt_frame_unpack(u->coder, (struct rdt_span){u->in.p, len}, u->out.p, &n));
    if (rc == RDT_OK)
        rc = fault(err, rdt_frames_add(&u->frames, len, n));
    if (rc == RDT_OK)
        rc = u->take(u->arg, (struct rdt_span){u->out.p, n}, err);
    memmove(u->in.p, u->in.p + len, u->n - len);
    u->n -= len;
    return rc;
}

/* All frames that are whole in what there is. */
static enum rdt_code
give_frames(struct rdt_unpacker *u, struct rdt_err *err)
{
    enum rdt_code rc = RDT_OK;
    while (rc == RDT_OK && !u->in_table) {
        size_t len = 0;
        switch (rdt_frame_next((struct rdt_span){u->in.p, u->n}, &len)) {
        case RDT_FRAME_DATA:
            rc = give_frame(u, len, err);
            break;
        case RDT_FRAME_TABLE:
            u->in_table = true;
            rdt_buf_add(&u->table, u->in.p, u->n);
            u->n = 0;
            break;
        case RDT_FRAME_MORE:
            return u->n < u->in.n ? RDT_OK : fault(err, RDT_SEAL_FRAME);
        case RDT_FRAME_WRONG:
            return fault(err, RDT_SEAL_FRAME);
        }
    }
    return rc;
}

enum rdt_code
rdt_unpacker_put(struct rdt_unpacker *unpacker, struct rdt_span payload, struct rdt_err *err)
{
    while (payload.n != 0) {
        if (unpacker->in_table) {
            rdt_buf_add(&unpacker->table, payload.p, payload.n);
            return rdt_buf_ok(&unpacker->table) ? RDT_OK
                                                : rdt_fail(err, RDT_E_NOMEM, "table of frames");
        }
        size_t room = unpacker->in.n - unpacker->n, n = payload.n < room ? payload.n : room;
        memcpy(unpacker->in.p + unpacker->n, payload.p, n);
        unpacker->n += n;
        payload.p += n;
        payload.n -= n;
        if (unpacker->n < unpacker->in.n)
            break; /* whether a frame is whole is asked when there is as much as it can take */
        enum rdt_code rc = give_frames(unpacker, err);
        if (rc != RDT_OK)
            return rc;
    }
    return RDT_OK;
}

enum rdt_code
rdt_unpacker_end(struct rdt_unpacker *unpacker, struct rdt_err *err)
{
    enum rdt_code rc = give_frames(unpacker, err);
    if (rc == RDT_OK && !unpacker->in_table)
        rc = fault(err, RDT_SEAL_FRAME);
    if (rc == RDT_OK)
        rc = fault(err, rdt_frames_same(&unpacker->frames, rdt_buf_span(&unpacker->table)));
    return rc;
}

void
rdt_unpacker_close(struct rdt_unpacker *unpacker)
{
    if (unpacker == NULL)
        return;
    rdt_frame_coder_free(unpacker->coder);
    rdt_frames_done(&unpacker->frames);
    rdt_room_done(&unpacker->in);
    rdt_room_done(&unpacker->out);
    rdt_buf_done(&unpacker->table);
    free(unpacker);
}
