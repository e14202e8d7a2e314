#include "crypto/worker_internal.h"

#include <openssl/err.h>

/*
 * By libcrypto's plain SHA-256, which is deprecated but no less maintained: EVP_DigestInit_ex2()
 * allocates its state anew each time, out of the ordinary heap, which costs half as much again as
 * hashing 100 bytes does. Here the state, which says as much as the key does, is in locked memory.
 * A provider that the operator named is used nevertheless.
 */
static bool
md_start(struct rdt_worker *w)
{
    if (w->sha256 != NULL)
        return EVP_DigestInit_ex2(w->md, w->sha256, NULL) == 1;
    return SHA256_Init(&w->s->sha256) == 1;
}

static bool
md_add(struct rdt_worker *w, const uint8_t *p, size_t n)
{
    if (w->sha256 != NULL)
        return EVP_DigestUpdate(w->md, p, n) == 1;
    return SHA256_Update(&w->s->sha256, p, n) == 1;
}

static bool
md_parts(struct rdt_worker *w, const struct rdt_span *parts, size_t n)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || md_add(w, parts[i].p, parts[i].n);
    return ok;
}

static bool
md_end(struct rdt_worker *w, uint8_t *out)
{
    if (w->sha256 != NULL) /* the reset wipes and frees the state */
        return EVP_DigestFinal_ex(w->md, out, NULL) == 1 && EVP_MD_CTX_reset(w->md) == 1;
    return SHA256_Final(out, &w->s->sha256) == 1;
}

static bool
digest(struct rdt_worker *w, const struct rdt_span *parts, size_t n, uint8_t *out)
{
    return md_start(w) && md_parts(w, parts, n) && md_end(w, out);
}

enum rdt_code
rdt_digest(struct rdt_worker *worker, const struct rdt_span *parts, size_t n_parts,
           uint8_t out[static RDT_SHA256_LEN], struct rdt_err *err)
{
    bool ok = digest(worker, parts, n_parts, out);
    explicit_bzero(&worker->s->sha256, sizeof worker->s->sha256);
    if (ok)
        return RDT_OK;
    memset(out, 0, RDT_SHA256_LEN);
    ERR_clear_error();
    return rdt_fail(err, RDT_E_INTERNAL, "SHA-256 failed in libcrypto");
}

static size_t
total(const struct rdt_span *parts, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += parts[i].n;
    return sum;
}

static void
join(const struct rdt_span *parts, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n != 0)
            memcpy(out, parts[i].p, parts[i].n);
        out += parts[i].n;
    }
}

/*
 * HMAC in its own words (RFC 2104) over that SHA-256: EVP_MAC under a new key takes twice as long,
 * and allocates. Nothing here depends on the key but its length.
 */
static bool
mac_key(struct rdt_worker *w, const struct rdt_span *parts, size_t n)
{
    memset(w->s->key, 0, RDT_HMAC_BLOCK_LEN);
    if (total(parts, n) > RDT_HMAC_BLOCK_LEN)
        return digest(w, parts, n, w->s->key);
    join(parts, n, w->s->key);
    return true;
}

static void
pad_key(struct rdt_scratch *s, uint8_t pad)
{
    for (size_t i = 0; i < RDT_HMAC_BLOCK_LEN; i++)
        s->padded[i] = s->key[i] ^ pad;
}

static bool
mac_run(struct rdt_worker *w, const struct rdt_span *parts, size_t n, uint8_t *out)
{
    struct rdt_scratch *s = w->s;
    size_t message = total(parts, n);
    uint8_t *behind_key = s->padded + RDT_HMAC_BLOCK_LEN;
    bool joined = message <= RDT_HMAC_JOIN_LEN;
    pad_key(s, 0x36);
    if (joined)
        join(parts, n, behind_key);
    bool ok = md_start(w) && md_add(w, s->padded, RDT_HMAC_BLOCK_LEN + (joined ? message : 0));
    ok = ok && (joined || md_parts(w, parts, n));
    ok = ok && md_end(w, behind_key);
    pad_key(s, 0x5c);
    ok = ok && md_start(w) && md_add(w, s->padded, RDT_HMAC_BLOCK_LEN + RDT_SHA256_LEN);
    return ok && md_end(w, out);
}

static enum rdt_code
mac_end(struct rdt_worker *w, bool ok)
{
    explicit_bzero(w->s, offsetof(struct rdt_scratch, live));
    if (!ok)
        ERR_clear_error();
    return ok ? RDT_OK : RDT_E_INTERNAL;
}

bool
rdt_worker_hmac(struct rdt_worker *worker, const struct rdt_span *key_parts, size_t n_key_parts,
                const struct rdt_span *parts, size_t n_parts, uint8_t *out)
{
    bool ok = mac_key(worker, key_parts, n_key_parts) && mac_run(worker, parts, n_parts, out);
    if (!ok)
        memset(out, 0, RDT_SHA256_LEN);
    return mac_end(worker, ok) == RDT_OK;
}

enum rdt_code
rdt_hmac(struct rdt_worker *worker, const struct rdt_secret *key, const struct rdt_span *parts,
         size_t n_parts, uint8_t out[static RDT_SHA256_LEN])
{
    struct rdt_span k = rdt_secret_view(key);
    return rdt_worker_hmac(worker, &k, 1, parts, n_parts, out) ? RDT_OK : RDT_E_INTERNAL;
}

enum rdt_code
rdt_hmac_key(struct rdt_worker *worker, const struct rdt_secret *key, const struct rdt_span *parts,
             size_t n_parts, struct rdt_secret *out)
{
    if (out->n != RDT_SHA256_LEN)
        return RDT_E_INTERNAL;
    return rdt_hmac(worker, key, parts, n_parts, out->p);
}

static enum rdt_code
derive_end(struct rdt_worker *w, bool ok, struct rdt_secret *out)
{
    if (!ok)
        rdt_secret_clear(out);
    return mac_end(w, ok);
}

/* ---- keys made ready ---- */

/* Where a provider hashes, its state cannot be kept: what is ready is the block of the key alone.
 */
enum rdt_code
rdt_mac_ready(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_secret *out)
{
    struct rdt_scratch *s = worker->s;
    struct rdt_span k = rdt_secret_view(key);
    bool ok = out->n == RDT_MAC_READY_LEN && mac_key(worker, &k, 1);
    if (ok && worker->sha256 != NULL) {
        memcpy(out->p, s->key, RDT_HMAC_BLOCK_LEN);
    } else if (ok) {
        pad_key(s, 0x36);
        ok = md_start(worker) && md_add(worker, s->padded, RDT_HMAC_BLOCK_LEN);
        memcpy(out->p, s->sha256.h, RDT_SHA256_LEN);
        pad_key(s, 0x5c);
        ok = ok && md_start(worker) && md_add(worker, s->padded, RDT_HMAC_BLOCK_LEN);
        memcpy(out->p + RDT_SHA256_LEN, s->sha256.h, RDT_SHA256_LEN);
    }
    return derive_end(worker, ok, out);
}

/* The state of a hash that has taken one block. */
static void
resume(SHA256_CTX *sha256, const uint8_t *h)
{
    SHA256_Init(sha256);
    memcpy(sha256->h, h, RDT_SHA256_LEN);
    sha256->Nl = RDT_HMAC_BLOCK_LEN * 8;
}

static bool
ready_run(struct rdt_worker *w, const uint8_t *ready, const struct rdt_span *parts, size_t n,
          uint8_t *out)
{
    struct rdt_scratch *s = w->s;
    size_t message = total(parts, n);
    bool joined = message <= RDT_HMAC_JOIN_LEN;
    if (joined)
        join(parts, n, s->padded);
    resume(&s->sha256, ready);
    bool ok = joined ? md_add(w, s->padded, message) : md_parts(w, parts, n);
    ok = ok && md_end(w, s->padded);
    resume(&s->sha256, ready + RDT_SHA256_LEN);
    return ok && md_add(w, s->padded, RDT_SHA256_LEN) && md_end(w, out);
}

enum rdt_code
rdt_mac(struct rdt_worker *worker, const struct rdt_secret *ready, const struct rdt_span *parts,
        size_t n_parts, uint8_t out[static RDT_SHA256_LEN])
{
    bool ok = ready->n == RDT_MAC_READY_LEN;
    if (ok && worker->sha256 != NULL) {
        memcpy(worker->s->key, ready->p, RDT_HMAC_BLOCK_LEN);
        ok = mac_run(worker, parts, n_parts, out);
    } else if (ok) {
        ok = ready_run(worker, ready->p, parts, n_parts, out);
    }
    if (!ok)
        memset(out, 0, RDT_SHA256_LEN);
    return mac_end(worker, ok);
}

enum rdt_code
rdt_mac_key(struct rdt_worker *worker, const struct rdt_secret *ready, const struct rdt_span *parts,
            size_t n_parts, struct rdt_secret *out)
{
    if (out->n != RDT_SHA256_LEN)
        return RDT_E_INTERNAL;
    return rdt_mac(worker, ready, parts, n_parts, out->p);
}

static void
put_u32(uint8_t out[static 4], uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Block number i, from 0, of a derived key: the last one is cut. */
static void
put_block(const struct rdt_scratch *s, size_t i, struct rdt_secret *out)
{
    size_t at = i * RDT_SHA256_LEN;
    size_t n = out->n - at < RDT_SHA256_LEN ? out->n - at : RDT_SHA256_LEN;
    memcpy(out->p + at, s->result, n);
}

static size_t
n_blocks(const struct rdt_secret *out)
{
    return (out->n + RDT_SHA256_LEN - 1) / RDT_SHA256_LEN;
}

enum rdt_code
rdt_kbkdf(struct rdt_worker *worker, const struct rdt_secret *key, struct rdt_span label,
          struct rdt_span context, struct rdt_secret *out)
{
    static const uint8_t zero[1];
    uint8_t counter[4], bits[4];
    struct rdt_span parts[] = {
        {counter, sizeof counter},
        label, {zero,    sizeof zero   },
        context, {bits,    sizeof bits   },
    };
    struct rdt_span k = rdt_secret_view(key);
    size_t n = n_blocks(out);
    if (n == 0 || n > RDT_KDF_BLOCKS_MAX)
        return RDT_E_INTERNAL;
    put_u32(bits, (uint32_t)(out->n * 8));
    bool ok = mac_key(worker, &k, 1);
    for (size_t i = 0; ok && i < n; i++) {
        put_u32(counter, (uint32_t)(i + 1));
        ok = mac_run(worker, parts, RDT_COUNT(parts), worker->s->result);
        if (ok)
            put_block(worker->s, i, out);
    }
    return derive_end(worker, ok, out);
}

enum rdt_code
rdt_hkdf(struct rdt_worker *worker, const struct rdt_secret *ikm, struct rdt_span salt,
         struct rdt_span info, struct rdt_secret *out)
{
    uint8_t number = 0;
    struct rdt_scratch *s = worker->s;
    struct rdt_span input = rdt_secret_view(ikm);
    struct rdt_span result = {s->result, RDT_SHA256_LEN};
    struct rdt_span parts[] = {
        {s->result, 0},
        info, {&number,   1}
    };
    size_t n = n_blocks(out);
    if (n == 0 || n > RDT_KDF_BLOCKS_MAX)
        return RDT_E_INTERNAL;
    bool ok = mac_key(worker, &salt, 1) && mac_run(worker, &input, 1, s->result);
    ok = ok && mac_key(worker, &result, 1);
    for (size_t i = 0; ok && i < n; i++) {
        number = (uint8_t)(i + 1);
        ok = mac_run(worker, parts, RDT_COUNT(parts), s->result);
        if (ok)
            put_block(s, i, out);
        parts[0].n = RDT_SHA256_LEN; /* the block before goes into the next one */
    }
    return derive_end(worker, ok, out);
}
