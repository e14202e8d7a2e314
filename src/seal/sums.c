#include "seal/footer.h"

#include <stdlib.h>

#define DIGEST_LABEL "redoubt/rbf1/digest" /* and its NUL */

/*
 * Which chunks hold nothing but payload is known to a reader at the end only: so many of the newest
 * tags wait. A footer begins in the chunk where the payload ends, and reaches over at most
 * RDT_SEAL_TAIL_MAX / RDT_CHUNK_LEN + 1 more.
 */
#define WAITING 16
_Static_assert(WAITING > RDT_SEAL_TAIL_MAX / RDT_CHUNK_LEN + 2, "tags of all chunks of a tail");

struct rdt_seal_sums {
    struct rdt_hash *plain, *payload, *all; /* plain: NULL where nobody asked */
    uint64_t plain_len, stored_len;
    uint64_t chunks;                           /* seen */
    uint64_t counted;                          /* of them in payload */
    uint8_t waiting[WAITING][RDT_GCM_TAG_LEN]; /* of chunk number i at i % WAITING */
    uint8_t tags[RDT_SHA256_LEN];
    bool ended;
};

void
rdt_seal_sums_free(struct rdt_seal_sums *sums)
{
    if (sums == NULL)
        return;
    rdt_hash_free(sums->plain);
    rdt_hash_free(sums->payload);
    rdt_hash_free(sums->all);
    free(sums);
}

void
rdt_seal_sums_free_at(struct rdt_seal_sums **sums)
{
    rdt_seal_sums_free(*sums);
}

enum rdt_seal_fault
rdt_seal_sums_new(bool plain, struct rdt_seal_sums **out)
{
    RDT_AUTO(rdt_seal_sums_free_at) struct rdt_seal_sums *sums = calloc(1, sizeof *sums);
    if (sums == NULL || rdt_hash_new(&sums->payload) != RDT_OK ||
        rdt_hash_new(&sums->all) != RDT_OK || (plain && rdt_hash_new(&sums->plain) != RDT_OK))
        return RDT_SEAL_INTERNAL;
    *out = RDT_STEAL(sums);
    return RDT_SEAL_OK;
}

enum rdt_seal_fault
rdt_seal_sums_plain(struct rdt_seal_sums *sums, struct rdt_span plain)
{
    sums->plain_len += plain.n;
    return sums->plain == NULL || rdt_hash_add(sums->plain, plain) == RDT_OK ? RDT_SEAL_OK
                                                                             : RDT_SEAL_INTERNAL;
}

void
rdt_seal_sums_stored(struct rdt_seal_sums *sums, size_t n)
{
    sums->stored_len += n;
}

/* The tags up to chunk number end, which is not one of them, are of payload. */
static bool
count_up_to(struct rdt_seal_sums *sums, uint64_t end)
{
    bool ok = true;
    for (; ok && sums->counted < end; sums->counted++) {
        struct rdt_span tag = {sums->waiting[sums->counted % WAITING], RDT_GCM_TAG_LEN};
        ok = rdt_hash_add(sums->payload, tag) == RDT_OK;
    }
    return ok;
}

static bool
add_tag(struct rdt_seal_sums *sums, struct rdt_span tag)
{
    bool ok = sums->ended || sums->chunks - sums->counted < WAITING ||
              count_up_to(sums, sums->chunks - WAITING + 1);
    memcpy(sums->waiting[sums->chunks % WAITING], tag.p, tag.n);
    sums->chunks++;
    return ok && rdt_hash_add(sums->all, tag) == RDT_OK;
}

enum rdt_seal_fault
rdt_seal_sums_sealed(struct rdt_seal_sums *sums, struct rdt_span sealed)
{
    bool ok = true;
    for (size_t at = 0; ok && at < sealed.n;) {
        size_t n = sealed.n - at < RDT_CHUNK_SEALED_LEN ? sealed.n - at : RDT_CHUNK_SEALED_LEN;
        at += n;
        ok = n >= RDT_GCM_TAG_LEN &&
             add_tag(sums, (struct rdt_span){sealed.p + at - RDT_GCM_TAG_LEN, RDT_GCM_TAG_LEN});
    }
    return ok ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}

/* The hash over the tags of the payload's chunks, once. */
static bool
end_tags(struct rdt_seal_sums *sums)
{
    bool ok = sums->ended || (count_up_to(sums, sums->stored_len / RDT_CHUNK_LEN) &&
                              rdt_hash_end(sums->payload, sums->tags) == RDT_OK);
    sums->ended = true;
    return ok;
}

static bool
end_plain(struct rdt_seal_sums *sums, uint8_t out[static RDT_SHA256_LEN])
{
    struct rdt_hash *hash = sums->plain;
    return hash == NULL || rdt_hash_end(hash, out) == RDT_OK;
}

enum rdt_seal_fault
rdt_seal_sums_end(struct rdt_seal_sums *sums, struct rdt_seal_footer *out)
{
    if (sums->chunks != sums->stored_len / RDT_CHUNK_LEN || sums->ended)
        return RDT_SEAL_USAGE;
    out->plain_len = sums->plain_len;
    out->stored_len = sums->stored_len;
    out->hashed = sums->plain != NULL;
    if (!end_tags(sums) || !end_plain(sums, out->plain))
        return RDT_SEAL_INTERNAL;
    memcpy(out->tags, sums->tags, sizeof out->tags);
    return RDT_SEAL_OK;
}

enum rdt_seal_fault
rdt_seal_sums_check(struct rdt_seal_sums *sums, const struct rdt_seal_footer *footer)
{
    uint8_t plain[RDT_SHA256_LEN];
    uint64_t payload = sums->stored_len / RDT_CHUNK_LEN;
    if (sums->plain_len != footer->plain_len || sums->stored_len != footer->stored_len ||
        sums->chunks <= payload || payload < sums->counted)
        return RDT_SEAL_FOOTER;
    if (!end_tags(sums) || !end_plain(sums, plain))
        return RDT_SEAL_INTERNAL;
    struct rdt_span ours = {sums->tags, sizeof sums->tags}, plain_ours = {plain, sizeof plain};
    if (!rdt_span_eq(ours, (struct rdt_span){footer->tags, sizeof footer->tags}))
        return RDT_SEAL_HASH;
    if (footer->hashed && sums->plain != NULL &&
        !rdt_span_eq(plain_ours, (struct rdt_span){footer->plain, sizeof footer->plain}))
        return RDT_SEAL_HASH;
    return RDT_SEAL_OK;
}

enum rdt_seal_fault
rdt_seal_digest(struct rdt_seal_sums *sums, struct rdt_span core, struct rdt_span front,
                struct rdt_span tail, uint8_t out[static RDT_SHA256_LEN])
{
    uint8_t core_hash[RDT_SHA256_LEN], all[RDT_SHA256_LEN];
    struct rdt_hash *hash = NULL;
    const struct rdt_span parts[] = {
        {(const uint8_t *)DIGEST_LABEL, sizeof DIGEST_LABEL},
        {core_hash,                     sizeof core_hash   },
        front,
        {all,                           sizeof all         },
        tail,
    };
    bool ok = rdt_sha256(core, core_hash, NULL) == RDT_OK &&
              rdt_hash_end(sums->all, all) == RDT_OK && rdt_hash_new(&hash) == RDT_OK;
    for (size_t i = 0; ok && i < RDT_COUNT(parts); i++)
        ok = rdt_hash_add(hash, parts[i]) == RDT_OK;
    ok = ok && rdt_hash_end(hash, out) == RDT_OK;
    rdt_hash_free(hash);
    return ok ? RDT_SEAL_OK : RDT_SEAL_INTERNAL;
}
