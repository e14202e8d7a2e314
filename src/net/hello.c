#include "net/hello.h"

#include "base/cursor.h"

#define RECORD_MAX (16384 + 2048) /* RFC 5246 section 6.2.3 */
#define MESSAGE_MAX 4096 /* bytes of a server's hello: it has no room for more in practice */
#define HEADER_LEN 4     /* of a handshake message */
#define SSL3 0x0300

enum { ALERT = 21, HANDSHAKE = 22 };
enum { WARNING = 1, FATAL = 2 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
enum {
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_POINT_FORMATS = 11,
    EXT_SIGNATURES = 13,
    EXT_PADDING = 21,
    EXT_SUPPORTED_VERSIONS = 43,
};

/* Under 128 of them: some servers hang on more. IANA "TLS Cipher Suites". */
static const uint16_t suites[] = {
    /* RC4 */
    0x0005, 0x0004, 0xc011, 0xc007, 0xc00c, 0xc002, 0x0018, 0xc016,
    /* 3DES, DES, IDEA, SEED */
    0x000a, 0x0016, 0x0013, 0xc012, 0xc008, 0xc00d, 0xc003, 0x0010, 0x000d, 0x001b, 0xc017, 0x0009,
    0x0015, 0x0012, 0x001a, 0x0007, 0x0096, 0x0099, 0x009a, 0x009b,
    /* 40 and 56 bits for export */
    0x0003, 0x0006, 0x0008, 0x0014, 0x0011, 0x0017, 0x0019, 0x0062, 0x0064,
    /* AES and Camellia in CBC mode, with SHA-1 */
    0x002f, 0x0035, 0x0033, 0x0039, 0x0032, 0x0038, 0xc013, 0xc014, 0xc009, 0xc00a, 0xc00e, 0xc00f,
    0xc004, 0xc005, 0x0034, 0x003a, 0xc018, 0xc019, 0x0041, 0x0084, 0x0045, 0x0088, 0x0044, 0x0087,
    /* the same with SHA-2, and AEADs: TLS 1.2 only */
    0x003c, 0x003d, 0x0067, 0x006b, 0x0040, 0x006a, 0xc027, 0xc028, 0xc023, 0xc024, 0xc029, 0xc02a,
    0xc025, 0xc026, 0x009c, 0x009d, 0x009e, 0x009f, 0x00a2, 0x00a3, 0xc02f, 0xc030, 0xc02b, 0xc02c,
    0xc031, 0xc032, 0xc02d, 0xc02e, 0xcca8, 0xcca9, 0xccaa, 0xc09c, 0xc09d, 0xc0ac, 0xc0ad,
    /* no encryption at all */
    0x0002, 0x0001, 0x003b, 0xc010, 0xc006,
    /* not a suite: we know RFC 5746, for servers that insist */
    0x00ff};

/* x25519, P-256, P-384, P-521, x448, and what old devices had: the Koblitz and binary curves */
static const uint16_t groups[] = {29, 23, 24, 25, 30, 22, 21, 19, 14, 13, 12, 11, 10, 9};

/* RSA, RSA-PSS, ECDSA, EdDSA and DSA with SHA-2 and SHA-1 */
static const uint16_t signatures[] = {0x0403, 0x0503, 0x0603, 0x0804, 0x0805,
                                      0x0806, 0x0807, 0x0808, 0x0401, 0x0501,
                                      0x0601, 0x0402, 0x0203, 0x0201, 0x0202};

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
    ok = ok && rdt_take(&body, RDT_HELLO_RANDOM_LEN, &random);
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

static void
add_u16(struct rdt_buf *out, size_t v)
{
    uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};
    rdt_buf_add(out, b, sizeof b);
}

/* u16 type | u16 length of the rest | u16 length of the list | list */
static void
add_list(struct rdt_buf *out, uint16_t type, const uint16_t *list, size_t n)
{
    add_u16(out, type);
    add_u16(out, 2 * n + 2);
    add_u16(out, 2 * n);
    for (size_t i = 0; i < n; i++)
        add_u16(out, list[i]);
}

static void
add_extensions(struct rdt_buf *out, uint16_t version, const char *host)
{
    static const uint8_t only_uncompressed[] = {1, 0};
    size_t n = host == NULL ? 0 : strlen(host);
    if (n != 0) {
        add_u16(out, EXT_SERVER_NAME);
        add_u16(out, n + 5);
        add_u16(out, n + 3);
        rdt_buf_add(out, "", 1); /* a host name */
        add_u16(out, n);
        rdt_buf_add(out, host, n);
    }
    add_list(out, EXT_GROUPS, groups, RDT_COUNT(groups));
    add_u16(out, EXT_POINT_FORMATS);
    add_u16(out, sizeof only_uncompressed);
    rdt_buf_add(out, only_uncompressed, sizeof only_uncompressed);
    if (version == 0x0303)
        add_list(out, EXT_SIGNATURES, signatures, RDT_COUNT(signatures));
}

/* Some devices hang on a hello of 256 to 511 bytes, so it is made longer (RFC 7685). */
static void
add_padding(struct rdt_buf *extensions, size_t hello_n)
{
    static const uint8_t zeros[512];
    size_t n = hello_n + extensions->n;
    if (n >= 512 || n < 200)
        return;
    add_u16(extensions, EXT_PADDING);
    add_u16(extensions, 512 - n);
    rdt_buf_add(extensions, zeros, 512 - n);
}

void
rdt_hello_make(uint16_t version, const char *host,
               const uint8_t random[static RDT_HELLO_RANDOM_LEN], struct rdt_buf *out)
{
    static const uint8_t no_compression[] = {1, 0};
    RDT_BUF body = {0};
    RDT_BUF extensions = {0};
    add_u16(&body, version);
    rdt_buf_add(&body, random, RDT_HELLO_RANDOM_LEN);
    rdt_buf_add(&body, "", 1); /* no session */
    add_u16(&body, sizeof suites);
    for (size_t i = 0; i < RDT_COUNT(suites); i++)
        add_u16(&body, suites[i]);
    rdt_buf_add(&body, no_compression, sizeof no_compression);
    if (version != SSL3) {
        add_extensions(&extensions, version, host);
        add_padding(&extensions, body.n);
        add_u16(&body, extensions.n);
        rdt_buf_add(&body, extensions.p, extensions.n);
    }

    /* RFC 5246 appendix E.1: 3.1 whatever TLS is asked for */
    uint8_t record[] = {HANDSHAKE, 3, version == SSL3 ? 0 : 1};
    uint8_t message[] = {CLIENT_HELLO, 0};
    rdt_buf_add(out, record, sizeof record);
    add_u16(out, body.n + HEADER_LEN);
    rdt_buf_add(out, message, sizeof message);
    add_u16(out, body.n);
    rdt_buf_add(out, body.p, body.n);
    out->failed = out->failed || body.failed || extensions.failed;
}

/* The first handshake message, put together from the records that carry it. */
struct pieces {
    uint8_t bytes[MESSAGE_MAX];
    size_t n;
};

static enum rdt_hello_kind
read_pieces(const struct pieces *got, struct rdt_hello *hello)
{
    struct rdt_span in = {got->bytes, got->n}, message;
    uint64_t len = 0;
    uint8_t type = 0;
    if (!rdt_take_u8(&in, &type))
        return RDT_HELLO_MORE;
    if (type != SERVER_HELLO)
        return RDT_HELLO_ODD;
    if (!rdt_take_uint(&in, 3, &len))
        return RDT_HELLO_MORE;
    if (len > MESSAGE_MAX - HEADER_LEN)
        return RDT_HELLO_ODD;
    if (!rdt_take(&in, (size_t)len, &message))
        return RDT_HELLO_MORE;
    message = (struct rdt_span){got->bytes, HEADER_LEN + (size_t)len};
    return rdt_hello_parse(message, hello) ? RDT_HELLO_SERVER : RDT_HELLO_ODD;
}

static enum rdt_hello_kind
read_alert(struct rdt_span body, uint8_t *alert)
{
    uint8_t level = 0, code = 0;
    if (!rdt_take_u8(&body, &level) || !rdt_take_u8(&body, &code) || body.n != 0)
        return RDT_HELLO_ODD;
    if (level == WARNING)
        return RDT_HELLO_MORE;
    *alert = code;
    return level == FATAL ? RDT_HELLO_ALERT : RDT_HELLO_ODD;
}

struct record {
    uint8_t type;
    struct rdt_span body; /* what has come of it */
    bool whole;
};

/* u8 type | u16 version, 3.x | vec16 body. SERVER stands for "taken". */
static enum rdt_hello_kind
take_record(struct rdt_span *in, struct record *out)
{
    struct rdt_span rest = *in;
    uint16_t version = 0, len = 0;
    /* The first bytes are judged as they come: not every peer that is no TLS sends more. */
    if (rest.p[0] != ALERT && rest.p[0] != HANDSHAKE)
        return RDT_HELLO_ODD;
    if (rest.n > 1 && rest.p[1] != 3)
        return RDT_HELLO_ODD;
    if (!rdt_take_u8(&rest, &out->type) || !rdt_take_u16(&rest, &version) ||
        !rdt_take_u16(&rest, &len))
        return RDT_HELLO_MORE;
    if (len == 0 || len > RECORD_MAX)
        return RDT_HELLO_ODD;
    out->whole = rest.n >= len;
    if (!rdt_take(&rest, out->whole ? len : rest.n, &out->body))
        return RDT_HELLO_MORE;
    *in = rest;
    return RDT_HELLO_SERVER;
}

enum rdt_hello_kind
rdt_hello_reply(struct rdt_span bytes, struct rdt_hello *hello, uint8_t *alert)
{
    struct pieces got = {.n = 0};
    enum rdt_hello_kind kind = RDT_HELLO_MORE;
    while (kind == RDT_HELLO_MORE && bytes.n != 0) {
        struct record r = {0};
        enum rdt_hello_kind taken = take_record(&bytes, &r);
        if (taken != RDT_HELLO_SERVER)
            return taken;
        if (r.type == ALERT) {
            if (got.n != 0) /* no alert may come inside a message */
                return RDT_HELLO_ODD;
            kind = r.whole ? read_alert(r.body, alert) : RDT_HELLO_MORE;
            continue;
        }
        size_t room = sizeof got.bytes - got.n;
        size_t n = r.body.n < room ? r.body.n : room;
        if (n != 0)
            memcpy(got.bytes + got.n, r.body.p, n);
        got.n += n;
        kind = read_pieces(&got, hello);
    }
    return kind;
}
