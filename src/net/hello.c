#include "net/hello.h"

#include "base/cursor.h"

enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
enum { EXT_SUPPORTED_VERSIONS = 43 };
enum { RANDOM_LEN = 32 };

/* n bytes of length (big-endian), then so many bytes. */
static bool
take_vec(struct rdt_span *in, size_t n, struct rdt_span *out)
{
    struct rdt_span rest = *in;
    uint64_t len = 0;
    if (!rdt_take_uint(&rest, n, &len) || len > SIZE_MAX || !rdt_take(&rest, (size_t)len, out))
        return false;
    *in = rest;
    return true;
}

bool
rdt_hello_is_client(struct rdt_span message)
{
    uint8_t type = 0;
    return rdt_take_u8(&message, &type) && type == CLIENT_HELLO;
}

/* A server that means TLS 1.3 says 1.2 in the old place and the truth in an extension. */
static bool
find_version(struct rdt_span extensions, uint16_t *version)
{
    while (extensions.n != 0) {
        uint16_t type = 0;
        struct rdt_span body;
        if (!rdt_take_u16(&extensions, &type) || !take_vec(&extensions, 2, &body))
            return false;
        if (type == EXT_SUPPORTED_VERSIONS && (!rdt_take_u16(&body, version) || body.n != 0))
            return false;
    }
    return true;
}

bool
rdt_hello_parse(struct rdt_span message, struct rdt_hello *out)
{
    struct rdt_hello h = {0};
    struct rdt_span body, random, session, extensions = {0};
    uint8_t type = 0, compression = 0;
    /* u8 type | vec24 { u16 version | random[32] | vec8 session | u16 suite | u8 compression |
     * vec16 extensions, or nothing } */
    bool ok = rdt_take_u8(&message, &type) && type == SERVER_HELLO;
    ok = ok && take_vec(&message, 3, &body) && message.n == 0;
    ok = ok && rdt_take_u16(&body, &h.version);
    ok = ok && rdt_take(&body, RANDOM_LEN, &random);
    ok = ok && take_vec(&body, 1, &session);
    ok = ok && rdt_take_u16(&body, &h.suite);
    ok = ok && rdt_take_u8(&body, &compression);
    if (ok && body.n != 0)
        ok = take_vec(&body, 2, &extensions) && body.n == 0;
    if (!ok || !find_version(extensions, &h.version))
        return false;
    *out = h;
    return true;
}
