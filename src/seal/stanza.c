#include "seal/seal_internal.h"

#include "base/cursor.h"
#include "base/text.h"

#define UUID_LEN ((size_t)16)
#define SEALED_LEN (RDT_KEY_LEN + RDT_GCM_TAG_LEN) /* of a key, or of a share of it */

/* ---- each kind: docs/formats/sealed-file.md 4 ---- */

/* vec16 key | vec8 tenant | blob */
static bool
read_kms(struct rdt_span in, struct rdt_seal_stanza *out)
{
    uint16_t n;
    uint8_t m;
    bool ok = rdt_take_u16(&in, &n) && rdt_take(&in, n, &out->as.kms.key);
    ok = ok && rdt_take_u8(&in, &m) && rdt_take(&in, m, &out->as.kms.tenant);
    out->as.kms.blob = in;
    return ok && n != 0 && n <= RDT_SEAL_KMS_KEY_MAX && rdt_text_fit(out->as.kms.key) &&
           rdt_text_fit(out->as.kms.tenant) && in.n != 0 && in.n <= RDT_SEAL_KMS_BLOB_MAX;
}

/* ring 16 | u32 handle | u16 epoch | wrapped 60 */
static bool
read_tenant(struct rdt_span in, struct rdt_seal_stanza *out)
{
    return rdt_take(&in, UUID_LEN, &out->as.tenant.ring) &&
           rdt_take_u32(&in, &out->as.tenant.handle) && rdt_take_u16(&in, &out->as.tenant.epoch) &&
           rdt_take(&in, RDT_WRAPPED_LEN, &out->as.tenant.wrapped) && in.n == 0;
}

/* public key 32 | enc 32 | sealed 48 */
static bool
read_x25519(struct rdt_span in, struct rdt_seal_stanza *out)
{
    return rdt_take(&in, RDT_HPKE_PUBLIC_LEN, &out->as.x25519.public_key) &&
           rdt_take(&in, RDT_HPKE_PUBLIC_LEN, &out->as.x25519.enc) &&
           rdt_take(&in, SEALED_LEN, &out->as.x25519.sealed) && in.n == 0;
}

/* u32 KiB | u32 passes | u8 lanes | salt 16 | wrapped 60.  A cost above what is allowed is told
 * when the key is asked for. */
static bool
read_passphrase(struct rdt_span in, struct rdt_seal_stanza *out)
{
    struct rdt_argon *cost = &out->as.passphrase.cost;
    struct rdt_span salt;
    uint8_t lanes;
    bool ok = rdt_take_u32(&in, &cost->memory_kib) && rdt_take_u32(&in, &cost->passes);
    ok = ok && rdt_take_u8(&in, &lanes) && rdt_take(&in, RDT_ARGON_SALT_LEN, &salt);
    ok = ok && rdt_take(&in, RDT_WRAPPED_LEN, &out->as.passphrase.wrapped) && in.n == 0;
    if (!ok)
        return false;
    cost->lanes = lanes;
    memcpy(cost->salt, salt.p, salt.n);
    return true;
}

static bool
label_ok(struct rdt_span label)
{
    return label.n != 0 && label.n <= RDT_P11_LABEL_MAX && rdt_text_fit(label);
}

/* u8 how | vec8 token | vec8 key | wrapped */
static bool
read_p11(struct rdt_span in, struct rdt_seal_stanza *out)
{
    uint8_t how, n, m;
    bool ok = rdt_take_u8(&in, &how);
    ok = ok && rdt_take_u8(&in, &n) && rdt_take(&in, n, &out->as.p11.token);
    ok = ok && rdt_take_u8(&in, &m) && rdt_take(&in, m, &out->as.p11.key);
    if (!ok || how < RDT_P11_OAEP || how > RDT_P11_UNWRAP)
        return false;
    out->as.p11.how = (enum rdt_p11_how)how;
    out->as.p11.wrapped = in;
    return label_ok(out->as.p11.token) && label_ok(out->as.p11.key) && in.n != 0 &&
           in.n <= RDT_P11_WRAPPED_MAX;
}

/* u8 group | u8 k | u8 n | u8 x | public key 32 | enc 32 | sealed 48 */
static bool
read_glass(struct rdt_span in, struct rdt_seal_stanza *out)
{
    bool ok = rdt_take_u8(&in, &out->as.glass.group) && rdt_take_u8(&in, &out->as.glass.k);
    ok = ok && rdt_take_u8(&in, &out->as.glass.n) && rdt_take_u8(&in, &out->as.glass.x);
    ok = ok && rdt_take(&in, RDT_HPKE_PUBLIC_LEN, &out->as.glass.public_key);
    ok = ok && rdt_take(&in, RDT_HPKE_PUBLIC_LEN, &out->as.glass.enc);
    ok = ok && rdt_take(&in, SEALED_LEN, &out->as.glass.sealed) && in.n == 0;
    return ok && out->as.glass.k >= 2 && out->as.glass.k <= out->as.glass.n &&
           out->as.glass.n <= RDT_SHARES_MAX && out->as.glass.x != 0 &&
           out->as.glass.x <= out->as.glass.n;
}

static const struct {
    const char *name;
    bool (*read)(struct rdt_span in, struct rdt_seal_stanza *out);
} kinds[] = {
    [RDT_SEAL_KMS] = {"kms",         read_kms       },
    [RDT_SEAL_TENANT] = {"tenant",      read_tenant    },
    [RDT_SEAL_X25519] = {"x25519",      read_x25519    },
    [RDT_SEAL_PASSPHRASE] = {"passphrase",  read_passphrase},
    [RDT_SEAL_P11] = {"p11",         read_p11       },
    [RDT_SEAL_GLASS] = {"break-glass", read_glass     },
};

bool
rdt_seal_kind_known(uint8_t kind)
{
    return kind < RDT_COUNT(kinds) && kinds[kind].read != NULL;
}

const char *
rdt_seal_kind_name(uint8_t kind)
{
    return rdt_seal_kind_known(kind) ? kinds[kind].name : "unknown";
}

bool
rdt_seal_stanza_next(struct rdt_span *in, struct rdt_seal_stanza *out)
{
    struct rdt_span rest = *in;
    struct rdt_seal_stanza s = {.kind = 0};
    uint16_t n;
    bool ok = rdt_take_u8(&rest, &s.kind) && rdt_take_u16(&rest, &n);
    ok = ok && rdt_take(&rest, n, &s.bytes);
    if (!ok || (rdt_seal_kind_known(s.kind) && !kinds[s.kind].read(s.bytes, &s)))
        return false;
    *in = rest;
    *out = s;
    return true;
}

bool
rdt_seal_stanzas_fit(struct rdt_span stanzas, bool *passphrase)
{
    struct rdt_seal_stanza s;
    size_t n = 0;
    *passphrase = false;
    for (; n < RDT_SEAL_STANZAS_MAX && rdt_seal_stanza_next(&stanzas, &s); n++)
        *passphrase = *passphrase || s.kind == RDT_SEAL_PASSPHRASE;
    return stanzas.n == 0 && n != 0 && (!*passphrase || n == 1);
}
